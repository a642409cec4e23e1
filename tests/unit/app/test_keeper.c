#define _XOPEN_SOURCE 700
#include "app_test.h"

#include <unistd.h>

#include "app/anchor.h"
#include "app/confine.h"
#include "app/keeper.h"
#include "app/keys.h"
#include "core/wr.h"
#include "ledger/merkle.h"
#include "sync/bundle.h"

/* A tree of made-up leaves, small enough to be computed anew each time. */
enum { LEAVES = 64 };

struct site {
    char *dir;
    struct conf conf;
    struct keeper *keeper;
    struct buf wire, answer;
    struct gate_sign_request request;
};

struct tree {
    uint8_t flavour;
};

static struct hash subtree(const struct tree *tree, unsigned level, uint64_t index)
{
    struct hash row[LEAVES];
    for (uint64_t i = 0; i < UINT64_C(1) << level; i++) {
        uint8_t leaf[2] = {tree->flavour, (uint8_t)((index << level) + i)};
        row[i] = merkle_leaf(bytes_of(leaf, 2));
    }
    for (unsigned l = level; l > 0; l--)
        for (uint64_t i = 0; i < UINT64_C(1) << (l - 1); i++)
            row[i] = merkle_node(&row[2 * i], &row[2 * i + 1]);
    return row[0];
}

static err_t hash_of(void *ctx, unsigned level, uint64_t index, struct hash *out)
{
    *out = subtree(ctx, level, index);
    return ERR_OK;
}

static void want(struct site *site, struct tree *tree, uint64_t old_size, const uint64_t *sizes, size_t count)
{
    struct merkle_source source = {tree, hash_of};
    site->request = (struct gate_sign_request) {
        .origin = {STR("kr"), STR("us-cisa"), 1, false}, .old_size = old_size, .count = count};
    for (size_t i = 0; i < count; i++) {
        site->request.at[i].size = sizes[i];
        assert_int_equal(merkle_root(&source, sizes[i], &site->request.at[i].root), ERR_OK);
        assert_int_equal(merkle_consistency(&source, i == 0 ? old_size : sizes[i - 1], sizes[i],
                                            &site->request.at[i].proof),
                         ERR_OK);
    }
}

static struct message_signed ask(struct site *site)
{
    struct message_signed answer;
    unsigned kind;
    buf_clear(&site->wire);
    message_sign_write(&site->wire, &site->request);
    keeper_handle(site->keeper, MESSAGE_SIGN, buf_bytes(&site->wire), &kind, &site->answer);
    assert_int_equal(kind, MESSAGE_SIGNED);
    assert_int_equal(message_signed_read(buf_bytes(&site->answer), &answer), ERR_OK);
    return answer;
}

static void restart(struct site *site)
{
    keeper_close(site->keeper);
    assert_int_equal(keeper_open(os_linux(), &site->conf, NULL, &site->keeper), ERR_OK);
}

static const char *anchor_path(const struct site *site)
{
    static char path[700];
    (void)snprintf(path, sizeof path, "%s/" KEEPER_ANCHOR_FILE, site->dir);
    return path;
}

static int setup(void **state)
{
    struct site *site = calloc(1, sizeof *site);
    site->dir = scratch_new();
    site->conf = (struct conf) {.node = "kr", .country = "KR"};
    (void)snprintf(site->conf.dir, sizeof site->conf.dir, "%s", site->dir);
    assert_int_equal(sign_start(), ERR_OK);
    assert_int_equal(keys_make(os_linux(), site->dir, SUITE_1), ERR_OK);
    assert_int_equal(confine_prepare(os_linux(), site->dir), ERR_OK);
    assert_int_equal(anchor_make(os_linux(), anchor_path(site)), ERR_OK);
    buf_init(&site->wire, 1 << 20);
    buf_init(&site->answer, 1 << 20);
    restart(site);
    *state = site;
    return 0;
}

static int teardown(void **state)
{
    struct site *site = *state;
    keeper_close(site->keeper);
    buf_deinit(&site->wire);
    buf_deinit(&site->answer);
    scratch_free(site->dir);
    free(site);
    return 0;
}

static const uint64_t five[] = {5}, nine[] = {9}, to_nine[] = {7, 9}, six_nine[] = {6, 9}, twelve[] = {12};

static void signs_what_grows(void **state)
{
    struct site *site = *state;
    struct tree tree = {1};
    struct sign_key key;
    struct note_key name;
    struct checkpoint checkpoint;
    struct fault fault;
    want(site, &tree, 0, five, 1);
    struct message_signed answer = ask(site);
    assert_int_equal(answer.err, ERR_OK);
    assert_int_equal(keys_read(os_linux(), site->dir, SYNC_CARD_LEDGER, &key), ERR_OK);
    assert_int_equal(note_key_make(STR("bongsu/kr/us-cisa/1"), NOTE_SIGNATURE, &key.public, &name), ERR_OK);
    assert_int_equal(
        checkpoint_open(answer.notes[0], STR("bongsu/kr/us-cisa/1"), &name, &checkpoint, NULL, &fault),
        ERR_OK);
    assert_int_equal(checkpoint.size, 5);
    restart(site);
    want(site, &tree, 5, to_nine, 2);
    answer = ask(site);
    assert_int_equal(answer.err, ERR_OK);
    assert_int_equal(answer.count, 2);
}

/* The log of the node: by the same rule, under a name of its own, beside ledgers whose trees are others. */
static void signs_the_log_of_the_node(void **state)
{
    struct site *site = *state;
    struct tree tree = {1}, other = {2};
    struct sign_key key;
    struct note_key name;
    struct checkpoint checkpoint;
    want(site, &other, 0, nine, 1);
    assert_int_equal(ask(site).err, ERR_OK);
    want(site, &tree, 0, five, 1);
    site->request.origin.audience = STR("");
    struct message_signed answer = ask(site);
    assert_int_equal(answer.err, ERR_OK);
    assert_int_equal(keys_read(os_linux(), site->dir, SYNC_CARD_LEDGER, &key), ERR_OK);
    assert_int_equal(note_key_make(STR("bongsu-log/kr/1"), NOTE_SIGNATURE, &key.public, &name), ERR_OK);
    assert_int_equal(checkpoint_open(answer.notes[0], STR("bongsu-log/kr/1"), &name, &checkpoint, NULL, NULL),
                     ERR_OK);
    restart(site);
    want(site, &other, 0, five, 1); /* a second past */
    site->request.origin.audience = STR("");
    assert_int_equal(ask(site).err, ERR_CONFLICT);
    want(site, &tree, 0, five, 1); /* a crash took it */
    site->request.origin.audience = STR("");
    assert_int_equal(ask(site).err, ERR_OK);
    want(site, &tree, 5, nine, 1);
    site->request.origin.audience = STR("");
    assert_int_equal(ask(site).err, ERR_OK);
    want(site, &tree, 0, five, 1);
    site->request.origin = (struct ledger_origin) {.issuer = STR("us"), .epoch = 1};
    assert_int_equal(ask(site).err, ERR_DENIED);
    want(site, &tree, 12, twelve, 1); /* more was signed than the anchor knows: restored */
    site->request.origin.audience = STR("");
    assert_int_equal(ask(site).err, ERR_WRONGSTATE);
}

/* A second past: another tree of the same size, a smaller one, one that does not contain what was signed. */
static void refuses_a_second_past(void **state)
{
    struct site *site = *state;
    struct tree tree = {1}, other = {2};
    want(site, &tree, 0, nine, 1);
    assert_int_equal(ask(site).err, ERR_OK);
    restart(site);
    want(site, &other, 0, nine, 1);
    assert_int_equal(ask(site).err, ERR_CONFLICT);
    want(site, &tree, 0, five, 1);
    assert_int_equal(ask(site).err, ERR_CONFLICT);
    want(site, &other, 9, twelve, 1);
    assert_int_not_equal(ask(site).err, ERR_OK);
    want(site, &tree, 9, twelve, 1);
    assert_int_equal(ask(site).err, ERR_OK);
}

/* A crash of core took the checkpoint: the same is signed again, with those that lead there; not others. */
static void signs_the_same_again(void **state)
{
    struct site *site = *state;
    struct tree tree = {1}, other = {2};
    want(site, &tree, 0, five, 1);
    assert_int_equal(ask(site).err, ERR_OK);
    want(site, &tree, 5, to_nine, 2);
    struct message_signed first = ask(site);
    char kept[1024];
    assert_true(first.notes[1].len < sizeof kept);
    size_t len = first.notes[1].len;
    memcpy(kept, first.notes[1].at, len);
    struct message_signed again = ask(site);
    assert_int_equal(again.err, ERR_OK);
    assert_int_equal(again.notes[1].len, len);
    assert_memory_equal(again.notes[1].at, kept, len);
    want(site, &other, 5, six_nine, 2);
    assert_int_equal(ask(site).err, ERR_CONFLICT);
    /* The right end, and something before it that does not lead there. */
    want(site, &tree, 5, six_nine, 2);
    site->request.at[0].root.b[0] ^= 1;
    assert_int_equal(ask(site).err, ERR_PROOF);
}

static void signs_nothing(struct site *site)
{
    struct tree tree = {1}, another = {3};
    struct message_receipt receipt = {.checkpoint = STR("not even read")};
    struct message_receipted answer;
    unsigned kind;
    want(site, &tree, 5, nine, 1);
    assert_int_equal(ask(site).err, ERR_WRONGSTATE);
    /* Nor what would be a first signature: the log was set back to before it, perhaps. */
    want(site, &another, 0, five, 1);
    site->request.origin.audience = STR("jp");
    assert_int_equal(ask(site).err, ERR_WRONGSTATE);
    assert_int_equal(ask(site).count, 0);
    buf_clear(&site->wire);
    receipt.wanted = (struct disposition) {.holder = STR("kr"), .origin = STR("bongsu/us/kr/1")};
    message_receipt_write(&site->wire, &receipt);
    keeper_handle(site->keeper, MESSAGE_RECEIPT, buf_bytes(&site->wire), &kind, &site->answer);
    assert_int_equal(kind, MESSAGE_RECEIPTED);
    assert_int_equal(message_receipted_read(buf_bytes(&site->answer), &answer), ERR_OK);
    assert_int_equal(answer.err, ERR_WRONGSTATE);
}

static void signs_nothing_without_its_anchor(void **state)
{
    struct site *site = *state;
    struct tree tree = {1};
    const struct os *os = os_linux();
    char aside[720];
    want(site, &tree, 0, five, 1);
    assert_int_equal(ask(site).err, ERR_OK);
    (void)snprintf(aside, sizeof aside, "%s.aside", anchor_path(site));
    assert_int_equal(os->path_rename(os->ctx, anchor_path(site), aside), ERR_OK);
    for (int again = 0; again < 2; again++) { /* and a restart does not make one */
        restart(site);
        signs_nothing(site);
        assert_false(file_exists(os, anchor_path(site)));
    }
    /* The present one comes back: it goes on. */
    assert_int_equal(os->path_rename(os->ctx, aside, anchor_path(site)), ERR_OK);
    restart(site);
    want(site, &tree, 5, nine, 1);
    assert_int_equal(ask(site).err, ERR_OK);
}

static void signs_nothing_with_an_older_anchor(void **state)
{
    struct site *site = *state;
    struct tree tree = {1};
    want(site, &tree, 5, nine, 1); /* the log says that 5 were signed; the anchor knows of none */
    assert_int_equal(ask(site).err, ERR_WRONGSTATE);
    signs_nothing(site);
    restart(site); /* the first to ask may be a ledger that tells nothing */
    struct tree another = {3};
    want(site, &another, 0, five, 1);
    site->request.origin.audience = STR("jp");
    assert_int_equal(ask(site).err, ERR_WRONGSTATE);
    signs_nothing(site);
}

static void say_epoch(struct site *site, uint32_t epoch)
{
    unsigned kind;
    buf_clear(&site->wire);
    wr_u32(&site->wire, epoch);
    keeper_handle(site->keeper, MESSAGE_EPOCH, buf_bytes(&site->wire), &kind, &site->answer);
    assert_int_equal(kind, 0);
}

/* An operator let the ledgers begin anew: those of before stay closed for good, also after a restart, and to
 * a second word that names an earlier one. */
static void signs_a_new_epoch_of_a_restored_node(void **state)
{
    struct site *site = *state;
    struct tree before = {1}, anew = {2};
    for (int lost = 0; lost < 2; lost++) {
        if (lost == 0) { /* an old anchor: the log says that more was signed */
            want(site, &before, 7, nine, 1);
            assert_int_equal(ask(site).err, ERR_WRONGSTATE);
        } else {
            assert_int_equal(unlink(anchor_path(site)), 0);
            restart(site);
        }
        say_epoch(site, 0);
        say_epoch(site, LIMIT_EPOCH + 1);
        want(site, &anew, 0, five, 1);
        site->request.origin.epoch = 3;
        assert_int_equal(ask(site).err, ERR_WRONGSTATE);
        say_epoch(site, 3);
        for (int round = 0; round < 2; round++) {
            want(site, &before, 0, five, 1);
            assert_int_equal(ask(site).err, ERR_WRONGSTATE);
            site->request.origin.epoch = 2;
            assert_int_equal(ask(site).err, ERR_WRONGSTATE);
            want(site, &anew, 0, round == 0 ? five : nine, 1);
            site->request.origin.epoch = 3;
            assert_int_equal(ask(site).err, round == 0 ? ERR_OK : ERR_CONFLICT);
            say_epoch(site, 2);
            restart(site);
        }
        want(site, &anew, 5, nine, 1);
        site->request.origin.epoch = 3;
        assert_int_equal(ask(site).err, ERR_OK);
        /* Restored once more: again nothing, and only a later one. */
        want(site, &anew, 9, twelve, 1);
        site->request.origin.epoch = 4;
        assert_int_equal(ask(site).err, ERR_WRONGSTATE);
        say_epoch(site, 5);
        want(site, &anew, 9, twelve, 1);
        site->request.origin.epoch = 3;
        assert_int_equal(ask(site).err, ERR_WRONGSTATE);
    }
}

static void signs_only_as_itself(void **state)
{
    struct site *site = *state;
    struct tree tree = {1};
    want(site, &tree, 0, five, 1);
    site->request.origin.issuer = STR("us");
    assert_int_equal(ask(site).err, ERR_DENIED);
}

static void ignores_nonsense(void **state)
{
    struct site *site = *state;
    struct tree tree = {1};
    unsigned kind;
    want(site, &tree, 0, five, 1);
    buf_clear(&site->wire);
    message_sign_write(&site->wire, &site->request);
    for (size_t len = 0; len < site->wire.len; len++) {
        keeper_handle(site->keeper, MESSAGE_SIGN, bytes_of(site->wire.at, len), &kind, &site->answer);
        assert_int_equal(kind, 0);
    }
}

/* --- what entered here --- */

static struct message_vouched vouch(struct site *site, const struct gate_vouch *wanted, size_t count)
{
    static struct gate_vouch at[4];
    struct message_vouched answer;
    unsigned kind;
    memcpy(at, wanted, count * sizeof *at);
    buf_clear(&site->wire);
    message_vouch_write(&site->wire, 9, &(struct gate_vouching) {.count = count, .at = at});
    for (size_t len = 0; len < site->wire.len; len++) {
        keeper_handle(site->keeper, MESSAGE_VOUCH, bytes_of(site->wire.at, len), &kind, &site->answer);
        assert_int_equal(kind, 0);
    }
    keeper_handle(site->keeper, MESSAGE_VOUCH, buf_bytes(&site->wire), &kind, &site->answer);
    assert_int_equal(kind, MESSAGE_VOUCHED);
    assert_int_equal(message_vouched_read(buf_bytes(&site->answer), &answer), ERR_OK);
    assert_int_equal(answer.ticket, 9);
    return answer;
}

/* In the name of this node alone, each for its own object and limits; not by a node that was set back. */
static void vouches_for_what_entered_here(void **state)
{
    struct site *site = *state;
    const struct gate_vouch wanted[] = {{.content = {{1}}, .limits = STR("")},
                                        {.content = {{2}}, .limits = STR("never\n")}};
    struct sign_key key;
    struct message_vouched answer = vouch(site, wanted, 2);
    assert_int_equal(answer.err, ERR_OK);
    assert_int_equal(answer.count, 2);
    assert_int_equal(keys_read(os_linux(), site->dir, SYNC_CARD_LEDGER, &key), ERR_OK);
    assert_int_equal(answer.key, voucher_key_id(&key.public));
    struct rd rd = rd_of(answer.signatures);
    for (size_t i = 0; i < 2; i++) {
        struct signature made;
        message_vouched_next(&rd, &made);
        struct voucher voucher = {answer.suite, STR("kr"), answer.key, wanted[i].limits,
                                  signature_bytes(&made)};
        assert_int_equal(voucher_verify(&voucher, &wanted[i].content, &key.public), ERR_OK);
        assert_int_equal(voucher_verify(&voucher, &wanted[1 - i].content, &key.public), ERR_SIGNATURE);
    }
    const struct gate_vouch open_line = {.limits = STR("never")};
    answer = vouch(site, &open_line, 1);
    assert_int_equal(answer.err, ERR_INVALID);
    assert_int_equal(answer.count, 0);
    assert_int_equal(unlink(anchor_path(site)), 0);
    restart(site);
    answer = vouch(site, wanted, 2);
    assert_int_equal(answer.err, ERR_WRONGSTATE);
    assert_int_equal(answer.count, 0);
}

/* --- bundles --- */

static struct message_bundled bundle(struct site *site, bool open, struct str head)
{
    struct message_bundled answer;
    unsigned kind;
    buf_clear(&site->wire);
    message_bundle_write(&site->wire, &(struct message_bundle) {7, open, head});
    keeper_handle(site->keeper, MESSAGE_BUNDLE, buf_bytes(&site->wire), &kind, &site->answer);
    assert_int_equal(kind, MESSAGE_BUNDLED);
    assert_int_equal(message_bundled_read(buf_bytes(&site->answer), &answer), ERR_OK);
    assert_int_equal(answer.ticket, 7);
    return answer;
}

/* A head of this origin, for this node, whose key (all sevens) is sealed to this site. */
static void head_make(struct site *site, const char *origin, const char *recipient, struct buf *out)
{
    static struct bundle_head head;
    struct sign_public public[SYNC_CARD_KEYS];
    struct sealed_key key = {.suite = SUITE_1};
    uint8_t seed[SEALED_SEED_SIZE] = {4};
    memset(key.b, 7, sizeof key.b);
    assert_int_equal(keys_public(os_linux(), site->dir, public), ERR_OK);
    head = (struct bundle_head) {.plan = {.volumes = 1, .cuts = {0, 5}},
                                 .volume = 1,
                                 .suite = SUITE_1,
                                 .origin = str_of(origin),
                                 .recipient = str_of(recipient)};
    assert_int_equal(sealed_box(&public[SYNC_CARD_SEALING], seed, &key, head.box), ERR_OK);
    buf_init(out, LIMIT_BUNDLE_HEAD_BYTES);
    bundle_head_write(out, &head);
}

static void signs_heads_of_its_own_ledgers(void **state)
{
    struct site *site = *state;
    struct sync_card card = {.node = "kr"};
    struct sign_key key;
    static struct bundle_head head;
    struct fault fault;
    struct buf text;
    head_make(site, "bongsu/kr/us/0", "us", &text);
    struct message_bundled answer = bundle(site, false, buf_str(&text));
    assert_int_equal(answer.err, ERR_OK);
    assert_int_equal(keys_read(os_linux(), site->dir, SYNC_CARD_LEDGER, &key), ERR_OK);
    card.key[SYNC_CARD_LEDGER] = key.public;
    assert_int_equal(bundle_head_open(str_from_bytes(answer.answer), &card, &head, &fault), ERR_OK);
    card.key[SYNC_CARD_LEDGER].b[0] ^= 1;
    assert_int_equal(bundle_head_open(str_from_bytes(answer.answer), &card, &head, &fault), ERR_SIGNATURE);
    buf_deinit(&text);
    head_make(site, "bongsu/fr/us/0", "us", &text);
    assert_int_equal(bundle(site, false, buf_str(&text)).err, ERR_DENIED);
    buf_deinit(&text);
    /* Nothing else gets a signature by this way: a checkpoint least of all. */
    struct str checkpoint = STR("bongsu/kr/us/0\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
    answer = bundle(site, false, checkpoint);
    assert_int_not_equal(answer.err, ERR_OK);
    assert_int_equal(answer.answer.len, 0);
}

static void opens_what_is_sealed_to_it(void **state)
{
    struct site *site = *state;
    struct buf text, whole;
    struct message_bundled answer;
    head_make(site, "bongsu/us/kr/0", "kr", &text);
    buf_init(&whole, LIMIT_BUNDLE_HEAD_BYTES);
    buf_put_str(&whole, buf_str(&text));
    buf_printf(&whole, "\n\xe2\x80\x94 bongsu/us/bundle AAAAAAAA\n"); /* core has verified it */
    answer = bundle(site, true, buf_str(&whole));
    assert_int_equal(answer.err, ERR_OK);
    assert_int_equal(answer.answer.len, SEALED_KEY_SIZE);
    for (size_t i = 0; i < SEALED_KEY_SIZE; i++)
        assert_int_equal(answer.answer.at[i], 7);
    buf_deinit(&text);
    buf_clear(&whole);
    head_make(site, "bongsu/us/fr/0", "fr", &text);
    buf_put_str(&whole, buf_str(&text));
    buf_printf(&whole, "\n\xe2\x80\x94 bongsu/us/bundle AAAAAAAA\n");
    assert_int_equal(bundle(site, true, buf_str(&whole)).err, ERR_DENIED);
    buf_deinit(&text);
    buf_deinit(&whole);
}

/* Tells it the card in force: `use` has the key `public`, the others are those of the first card. */
static void say_card(struct site *site, enum sync_card_key use, const struct sign_public *public)
{
    struct message_card card = {.number = 2};
    unsigned kind;
    assert_int_equal(keys_public(os_linux(), site->dir, card.key), ERR_OK);
    if (public != NULL)
        card.key[use] = *public;
    buf_clear(&site->wire);
    message_card_write(&site->wire, &card);
    keeper_handle(site->keeper, MESSAGE_CARD, buf_bytes(&site->wire), &kind, &site->answer);
    assert_int_equal(kind, 0);
}

static bool signed_by(struct str note, const struct sign_public *public)
{
    struct note_key name;
    struct note read;
    assert_int_equal(note_key_make(STR("bongsu/kr/us-cisa/1"), NOTE_SIGNATURE, public, &name), ERR_OK);
    assert_int_equal(note_parse(note, &read, NULL), ERR_OK);
    return note_verify(&read, &name) == ERR_OK;
}

static void another_key_signs_the_same_and_no_second_past(void **state)
{
    struct site *site = *state;
    struct tree tree = {1}, other = {2};
    struct sign_public fresh, first[SYNC_CARD_KEYS];
    assert_int_equal(keys_public(os_linux(), site->dir, first), ERR_OK);
    assert_int_equal(keys_make_next(os_linux(), site->dir, SYNC_CARD_LEDGER, SUITE_1, &fresh), ERR_OK);
    want(site, &tree, 0, nine, 1);
    assert_true(signed_by(ask(site).notes[0], &first[SYNC_CARD_LEDGER]));
    say_card(site, SYNC_CARD_LEDGER, &fresh);
    /* The same size and root, and one before it that leads there. */
    want(site, &tree, 8, nine, 1);
    assert_true(signed_by(ask(site).notes[0], &fresh));
    want(site, &tree, 5, six_nine, 2);
    struct message_signed answer = ask(site);
    assert_int_equal(answer.err, ERR_OK);
    assert_true(signed_by(answer.notes[0], &fresh) && signed_by(answer.notes[1], &fresh));
    assert_int_equal(answer.anchored_size, 9);
    want(site, &other, 8, nine, 1);
    assert_int_equal(ask(site).err, ERR_CONFLICT);
    want(site, &tree, 4, five, 1);
    assert_int_equal(ask(site).err, ERR_CONFLICT);
    /* It grows on under the new key, also after a restart, once it was told. */
    restart(site);
    say_card(site, SYNC_CARD_LEDGER, &fresh);
    want(site, &tree, 9, twelve, 1);
    assert_true(signed_by(ask(site).notes[0], &fresh));
}

static void a_key_that_is_not_here_signs_nothing(void **state)
{
    struct site *site = *state;
    struct tree tree = {1};
    struct sign_public nobody = {SUITE_1, {1, 2, 3}};
    say_card(site, SYNC_CARD_COSIGN, &nobody);
    want(site, &tree, 0, nine, 1);
    assert_int_equal(ask(site).err, ERR_NOTFOUND);
    say_card(site, SYNC_CARD_COSIGN, NULL);
    want(site, &tree, 0, nine, 1);
    assert_int_equal(ask(site).err, ERR_OK);
}

/* Sealed to the key of before, read under the card of now. */
static void old_bundles_are_still_opened(void **state)
{
    struct site *site = *state;
    struct sign_public fresh;
    struct buf text, whole;
    head_make(site, "bongsu/us/kr/0", "kr", &text);
    buf_init(&whole, LIMIT_BUNDLE_HEAD_BYTES);
    buf_put_str(&whole, buf_str(&text));
    buf_printf(&whole, "\n\xe2\x80\x94 bongsu/us/bundle AAAAAAAA\n");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(keys_make_next(os_linux(), site->dir, SYNC_CARD_SEALING, SUITE_1, &fresh), ERR_OK);
        say_card(site, SYNC_CARD_SEALING, &fresh);
        assert_int_equal(bundle(site, true, buf_str(&whole)).err, ERR_OK);
    }
    buf_deinit(&text);
    buf_deinit(&whole);
}

static void a_key_is_found_by_its_public_half_alone(void **state)
{
    struct site *site = *state;
    struct sign_public fresh, first[SYNC_CARD_KEYS];
    struct sign_seed seed;
    assert_int_equal(keys_public(os_linux(), site->dir, first), ERR_OK);
    for (unsigned use = SYNC_CARD_TLS; use < SYNC_CARD_KEYS; use++) {
        assert_int_equal(keys_make_next(os_linux(), site->dir, (enum sync_card_key)use, SUITE_1, &fresh),
                         ERR_OK);
        assert_int_equal(keys_find_seed(os_linux(), site->dir, (enum sync_card_key)use, &fresh, &seed),
                         ERR_OK);
        assert_int_equal(keys_find_seed(os_linux(), site->dir, (enum sync_card_key)use, &first[use], &seed),
                         ERR_OK);
        fresh.b[sign_public_bytes(&fresh).len - 1] ^= 1; /* the name of the file fits, the key does not */
        assert_int_equal(keys_find_seed(os_linux(), site->dir, (enum sync_card_key)use, &fresh, &seed),
                         ERR_CORRUPT);
        fresh.b[0] ^= 1;
        assert_int_equal(keys_find_seed(os_linux(), site->dir, (enum sync_card_key)use, &fresh, &seed),
                         ERR_NOTFOUND);
    }
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {ROW(signs_what_grows),
                                       ROW(signs_the_log_of_the_node),
                                       ROW(refuses_a_second_past),
                                       ROW(signs_the_same_again),
                                       ROW(signs_only_as_itself),
                                       ROW(signs_nothing_without_its_anchor),
                                       ROW(signs_nothing_with_an_older_anchor),
                                       ROW(signs_a_new_epoch_of_a_restored_node),
                                       ROW(signs_heads_of_its_own_ledgers),
                                       ROW(opens_what_is_sealed_to_it),
                                       ROW(another_key_signs_the_same_and_no_second_past),
                                       ROW(a_key_that_is_not_here_signs_nothing),
                                       ROW(old_bundles_are_still_opened),
                                       ROW(a_key_is_found_by_its_public_half_alone),
                                       ROW(vouches_for_what_entered_here),
                                       ROW(ignores_nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
