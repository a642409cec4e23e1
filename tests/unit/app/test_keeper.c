#define _XOPEN_SOURCE 700
#include "app_test.h"

#include "app/anchor.h"
#include "app/keeper.h"
#include "app/keys.h"
#include "ledger/merkle.h"

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
    assert_int_equal(keys_make(os_linux(), site->dir), ERR_OK);
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
    assert_int_equal(note_key_make(STR("bongsu/kr/us-cisa/1"), NOTE_ED25519, &key.public, &name), ERR_OK);
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

#define ROW(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {ROW(signs_what_grows),
                                       ROW(refuses_a_second_past),
                                       ROW(signs_the_same_again),
                                       ROW(signs_only_as_itself),
                                       ROW(signs_nothing_without_its_anchor),
                                       ROW(signs_nothing_with_an_older_anchor),
                                       ROW(ignores_nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
