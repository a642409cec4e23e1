/* Proof files, checkpoints, receipts and cards that the node's rooms wrote, read by bongsu-verify: what is
 * true is verified; no prefix, no flipped bit and no other claim is. */
#include "core/wr.h"
#include "ledger/nodelog.h"
#include "ledger/voucher.h"
#include "sync/card.h"
#include "verify_test.h"

enum { LEAVES = 40, AT = 16 };

static int setup(void **state)
{
    static struct desk desk;
    desk_open(&desk);
    desk_grow(&desk, LEAVES);
    *state = &desk;
    return 0;
}

static int teardown(void **state)
{
    desk_close(*state);
    return 0;
}

static bool verified(const struct desk *desk, struct str whole, struct verify_proof *out)
{
    struct verify v = desk->trust;
    bool good = verify_proof_open(span_of(whole), SPAN_NONE, out, &v);
    assert_int_equal(good, v.why[0] == '\0');
    return good;
}

/* The proof of leaf `seq`, its extra cut after the leaf, its opening, or with its reason instead. */
static void proof_of(struct desk *desk, uint64_t seq, size_t extra_len, bool reason, struct buf *out)
{
    struct leaf leaf = desk_leaf(seq);
    struct leaf_opening opening = desk_opening(seq);
    struct leaf_reason why = desk_reason(seq);
    struct proof proof = {.index = 0};
    struct merkle_source source = tile_tree_source(&desk->tree);
    struct buf checkpoint;
    desk_checkpoint(desk, LEAVES, true, &checkpoint);
    proof.checkpoint = buf_str(&checkpoint);
    proof_leaf_set(&proof, &leaf, &opening);
    assert_int_equal(merkle_inclusion(&source, seq, LEAVES, &proof.path), ERR_OK);
    if (reason)
        proof_reason_set(&proof, &leaf, &why);
    else
        proof.extra_len = extra_len;
    buf_init(out, LIMIT_NOTE_BYTES);
    assert_int_equal(proof_print(&proof, out), ERR_OK);
    buf_deinit(&checkpoint);
}

static void test_every_leaf(void **state)
{
    struct desk *desk = *state;
    for (uint64_t seq = 0; seq < LEAVES; seq++) {
        struct leaf_opening opening = desk_opening(seq);
        struct verify_proof proof;
        struct buf file;
        proof_of(desk, seq, 160, false, &file);
        assert_true(verified(desk, buf_str(&file), &proof));
        assert_true(proof.has_leaf && proof.has_opening && !proof.has_reason);
        assert_int_equal(proof.index, seq);
        assert_string_equal(proof.checkpoint.origin.text, ORIGIN);
        assert_int_equal(proof.checkpoint.size, LEAVES);
        assert_int_equal(proof.leaf.time_us, TIME_US + (int64_t)seq);
        assert_memory_equal(proof.opening.content.b, opening.content.b, HASH_SIZE);
        assert_int_equal(proof.checkpoint.cosigners.count, 1);
        assert_int_equal(proof.checkpoint.cosigners.at[0].time_s, TIME_S);
        buf_deinit(&file);
    }
}

static void test_extras(void **state)
{
    struct desk *desk = *state;
    struct verify_proof proof;
    struct buf file;
    proof_of(desk, AT, LEAF_SIZE, false, &file); /* a secret that was destroyed: the leaf alone */
    assert_true(verified(desk, buf_str(&file), &proof));
    assert_true(proof.has_leaf && !proof.has_opening && !proof.has_reason);
    buf_deinit(&file);
    proof_of(desk, AT, 0, true, &file);
    assert_true(verified(desk, buf_str(&file), &proof));
    assert_true(proof.has_reason && !proof.has_opening);
    assert_string_equal(proof.reason.rule, "allow-clear");
    assert_string_equal(proof.reason.approver, "");
    assert_string_equal(proof.reason.source, "misp-kr");
    buf_deinit(&file);
    static const size_t others[] = {0, 1, LEAF_SIZE - 1, LEAF_SIZE + 1, 159, 161, 168};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        proof_of(desk, AT, others[i], false, &file);
        assert_false(verified(desk, buf_str(&file), &proof));
        buf_deinit(&file);
    }
}

/* Whoever wants the partner's cosignature (all three keys must have signed) accepts no other byte. */
static bool wholly_verified(const struct desk *desk, struct str whole)
{
    struct verify_proof proof;
    return verified(desk, whole, &proof) && proof.checkpoint.cosigners.count == 1;
}

static void test_truncated_and_flipped(void **state)
{
    struct desk *desk = *state;
    for (int reason = 0; reason < 2; reason++) {
        struct buf file;
        proof_of(desk, AT, 160, reason == 1, &file);
        assert_true(wholly_verified(desk, buf_str(&file)));
        for (size_t len = 0; len < file.len; len++)
            assert_false(wholly_verified(desk, (struct str) {(char *)file.at, len}));
        for (size_t bit = 0; bit < 8 * file.len; bit++) {
            file.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            assert_false(wholly_verified(desk, buf_str(&file)));
            file.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        buf_deinit(&file);
    }
}

/* Well signed, and a lie: another place, another epoch, an op that its opening does not go with. */
static void test_lies(void **state)
{
    struct desk *desk = *state;
    for (int lie = 0; lie < 5; lie++) {
        struct leaf_opening opening = desk_opening(0);
        struct leaf leaf = desk_leaf(0);
        struct verify_proof read;
        struct buf note, file;
        leaf.seq = lie == 1 ? 3 : 0;
        leaf.epoch = lie == 2 ? 1 : 0;
        leaf.op = lie == 3 ? LEAF_RECALL : LEAF_RELEASE;
        opening.subject_seq = lie == 4 ? 7 : LEAF_SUBJECT_NONE;
        leaf.partner = leaf_partner(leaf.op, &opening);
        struct checkpoint checkpoint = {STR(ORIGIN), 1, leaf_hash(&leaf), {NULL, 0}};
        buf_init(&note, LIMIT_NOTE_BYTES);
        buf_init(&file, LIMIT_NOTE_BYTES);
        assert_int_equal(checkpoint_sign(&checkpoint, &desk->keys[LOG], &desk->secrets[LOG], &note), ERR_OK);
        struct proof proof = {.checkpoint = buf_str(&note)};
        proof_leaf_set(&proof, &leaf, &opening);
        proof.index = 0;
        assert_int_equal(proof_print(&proof, &file), ERR_OK);
        assert_int_equal(verified(desk, buf_str(&file), &read), lie == 0);
        buf_deinit(&note);
        buf_deinit(&file);
    }
}

/* Another log's proof: its entry is given, and its extra is not looked at. */
static void test_other_logs(void **state)
{
    struct desk *desk = *state;
    struct verify v = {.count = 0};
    struct verify_proof proof;
    struct leaf leaf = desk_leaf(AT);
    uint8_t entry[LEAF_SIZE];
    struct buf file;
    leaf_encode(&leaf, entry);
    proof_of(desk, AT, 0, false, &file);
    v = desk->trust;
    assert_true(verify_proof_open(span_of(buf_str(&file)), (struct span) {entry, sizeof entry}, &proof, &v));
    assert_false(proof.has_leaf);
    assert_false(
        verify_proof_open(span_of(buf_str(&file)), (struct span) {entry, sizeof entry - 1}, &proof, &v));
    v = (struct verify) {.count = 1, .keys = {desk->trust.keys[COSIGN]}}; /* the log's key is not known */
    assert_false(verify_proof_open(span_of(buf_str(&file)), (struct span) {entry, sizeof entry}, &proof, &v));
    assert_non_null(strstr(v.why, "not signed by any given key"));
    buf_deinit(&file);
}

/* The page's own vectors: docs/protocol/LEDGER.md, the last section, and the example of C2SP signed-note. */
static void test_vectors(void **state)
{
    static const char note[] =
        "This is an example message.\n\n"
        "\xe2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1E"
        "RYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    static const char vkey[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    static const char wire[] = "01000102000000000000000000000007000660d0dac3e800"
                               "d1886b7f84247467c1212e6a9d02e30001a53b365f979ce3311e4e48628f4d8f"
                               "3ca7b56cdd9cd79774f2f519b418e9438dd52c9c08cb34f9be82098f8796826f";
    static const char open[] =
        "f9c8cebde6d27298205fdcb4c12d1427261b79dc5b39ba3d65b1d9e68309c8a1"
        "108306b19622de6e707bd186ecea05ce0a3e579192fb3a8387d8d18fb3c97dcc0000000000000003";
    static const char hash[] = "5e4bbff520c275dcdcb4941e983baa44a4adf18e17c86409e3c12ac23b351952";
    struct verify v = {.count = 0};
    struct verify_note parsed;
    struct verify_signers signers;
    struct verify_leaf leaf;
    struct verify_opening opening;
    uint8_t leaf_bytes[LEAF_SIZE], opening_bytes[LEAF_OPENING_SIZE], hash_bytes[HASH_SIZE];
    (void)state;
    assert_true(verify_trust_keys(verify_span_of(vkey), &v));
    assert_true(verify_note_parse(verify_span_of(note), &parsed, &v));
    assert_true(verify_note_signed(&parsed, VERIFY_HOLDER, SPAN_NONE, &signers, &v));
    assert_int_equal(signers.count, 1);
    assert_true(str_unhex(STR(wire), leaf_bytes, sizeof leaf_bytes));
    assert_true(str_unhex(STR(open), opening_bytes, sizeof opening_bytes));
    assert_true(str_unhex(STR(hash), hash_bytes, sizeof hash_bytes));
    assert_true(verify_leaf_read((struct span) {leaf_bytes, sizeof leaf_bytes}, &leaf, &v));
    assert_memory_equal(leaf.hash.b, hash_bytes, sizeof hash_bytes);
    assert_string_equal(verify_op_word(leaf.op), "supersede");
    assert_true(
        verify_opening_read((struct span) {opening_bytes, sizeof opening_bytes}, &leaf, false, &opening, &v));
    assert_int_equal(opening.subject, 3);
}

/* --- receipts --- */

static bool receipt_holds(const struct desk *desk, struct str checkpoint, struct str disposition)
{
    struct verify v = desk->trust;
    struct verify_checkpoint read;
    struct verify_receipt receipt;
    return verify_checkpoint_open(span_of(checkpoint), &read, &v) &&
           verify_receipt_open(span_of(disposition), &read, &receipt, &v) && receipt.refused_count == 1 &&
           strcmp(receipt.holder, "nz") == 0;
}

static void test_receipts(void **state)
{
    struct desk *desk = *state;
    struct buf seen, unseen, held, smaller, other;
    desk_checkpoint(desk, 20, true, &seen);
    desk_checkpoint(desk, 20, false, &unseen);
    desk_disposition(desk, 20, "nz", &held);
    desk_disposition(desk, 19, "nz", &smaller);
    desk_disposition(desk, 20, "us", &other); /* in another's name */
    assert_true(receipt_holds(desk, buf_str(&seen), buf_str(&held)));
    assert_false(receipt_holds(desk, buf_str(&unseen), buf_str(&held)));
    assert_false(receipt_holds(desk, buf_str(&seen), buf_str(&smaller)));
    assert_false(receipt_holds(desk, buf_str(&seen), buf_str(&other)));
    for (size_t bit = 0; bit < 8 * held.len; bit++) {
        held.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(receipt_holds(desk, buf_str(&seen), buf_str(&held)));
        held.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    struct buf *all[] = {&seen, &unseen, &held, &smaller, &other};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buf_deinit(all[i]);
}

/* --- cards --- */

static void test_cards(void **state)
{
    struct desk *desk = *state;
    struct sync_card card = {
        .node = "kr", .country = "KR", .number = 7, .issued_us = TIME_US, .expires_us = TIME_US + 9};
    char words[SYNC_CARD_WORDS_SIZE];
    struct verify_checkpoint read;
    struct sign_key root;
    struct buf text, note;
    for (uint8_t i = 0; i < SYNC_CARD_KEYS; i++) {
        struct sign_key key = desk_key((uint8_t)(i + 100));
        card.key[i] = key.public;
        root = i == SYNC_CARD_ROOT ? key : root;
    }
    card.key[SYNC_CARD_LEDGER] = desk->secrets[LOG].public;
    buf_init(&text, LIMIT_CARD_BYTES);
    assert_int_equal(sync_card_sign(&card, &root, &text, NULL), ERR_OK);
    sync_card_words(&card, words);
    desk_checkpoint(desk, 5, true, &note);
    struct verify v = {.count = 0};
    assert_true(verify_trust_card(span_of(buf_str(&text)), &v));
    assert_int_equal(v.count, 3);
    assert_true(verify_checkpoint_open(span_of(buf_str(&note)), &read, &v));
    assert_string_equal(read.words, words);
    assert_int_equal(read.cosigners.count, 0); /* nz's card was not given */
    for (size_t bit = 0; bit < 8 * text.len; bit++) {
        v = (struct verify) {.count = 0};
        text.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(verify_trust_card(span_of(buf_str(&text)), &v));
        text.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t len = 0; len < text.len; len++) {
        v = (struct verify) {.count = 0};
        assert_false(verify_trust_card((struct span) {text.at, len}, &v));
    }
    buf_deinit(&text);
    buf_deinit(&note);
}

/* --- texts --- */

/* What is a text is what the node's rooms say is one: whatever one byte, two, three or four of these are. */
static void test_texts(void **state)
{
    static const uint8_t at_edges[] = {0x00, 0x0a, 0x1f, 0x20, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                       0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff};
    enum { EDGES = sizeof at_edges };
    (void)state;
    for (size_t len = 1; len <= 4; len++) {
        size_t all = 1;
        for (size_t i = 0; i < len; i++)
            all *= EDGES;
        for (size_t n = 0; n < all; n++) {
            uint8_t text[4];
            bool control = false;
            for (size_t i = 0, rest = n; i < len; i++, rest /= EDGES) {
                text[i] = at_edges[rest % EDGES];
                control = control || (text[i] < 0x20 && text[i] != '\n');
            }
            assert_int_equal(verify_text_ok((struct span) {text, len}),
                             !control && str_is_utf8((struct str) {(const char *)text, len}));
        }
    }
    assert_true(verify_text_ok(SPAN_NONE));
}

/* --- vouchers --- */

#define SAID_OBJECT "{\"type\":\"identity\"}"
#define SAID_LIMITS "country DE\npartners jp\n"

static void trust_card(const char *node, const struct sign_key *ledger, struct verify *v)
{
    struct sync_card card = {.country = "KR", .number = 7, .issued_us = TIME_US, .expires_us = TIME_US + 9};
    struct sign_key root;
    struct buf text;
    (void)snprintf(card.node, sizeof card.node, "%s", node);
    for (uint8_t i = 0; i < SYNC_CARD_KEYS; i++) {
        struct sign_key key = desk_key((uint8_t)(i + 100));
        card.key[i] = key.public;
        root = i == SYNC_CARD_ROOT ? key : root;
    }
    card.key[SYNC_CARD_LEDGER] = ledger->public;
    buf_init(&text, LIMIT_CARD_BYTES);
    assert_int_equal(sync_card_sign(&card, &root, &text, NULL), ERR_OK);
    assert_true(verify_trust_card(span_of(buf_str(&text)), v));
    buf_deinit(&text);
}

static struct digest content_of(const char *object)
{
    return verify_sha256(&(struct span) {(const uint8_t *)object, strlen(object)}, 1);
}

/* As `ledger prove --voucher` writes it. */
static void voucher_file(const struct voucher *voucher, struct buf *out)
{
    struct buf wire;
    char text[1024];
    buf_init(&wire, 1024);
    buf_init(out, 1024);
    voucher_write(&wire, voucher);
    assert_int_equal(buf_err(&wire), ERR_OK);
    buf_put_str(out, (struct str) {text, str_base64(wire.at, wire.len, text)});
    buf_putc(out, '\n');
    buf_deinit(&wire);
}

static void voucher_of(const struct desk *desk, const char *limits, struct buf *out)
{
    const struct sign_key *key = &desk->secrets[LOG];
    struct hash content = hash_sha256(bytes_of(SAID_OBJECT, sizeof SAID_OBJECT - 1));
    struct signature made;
    assert_int_equal(voucher_sign(STR("kr"), &content, str_of(limits), key, &made), ERR_OK);
    struct voucher voucher = {key->public.suite, STR("kr"), voucher_key_id(&key->public), str_of(limits),
                              signature_bytes(&made)};
    voucher_file(&voucher, out);
}

static bool vouched(const struct verify *trust, struct str file, const char *object,
                    struct verify_voucher *out)
{
    struct verify v = *trust;
    struct digest content = content_of(object);
    bool good = verify_voucher_open(span_of(file), &content, out, &v);
    assert_int_equal(good, v.why[0] == '\0');
    return good;
}

static void test_vouchers(void **state)
{
    struct desk *desk = *state;
    static const char *const limits[] = {"", SAID_LIMITS};
    struct verify v = {.count = 0};
    struct verify_voucher read;
    trust_card("kr", &desk->secrets[LOG], &v);
    for (size_t i = 0; i < 2; i++) {
        struct buf file;
        voucher_of(desk, limits[i], &file);
        assert_true(vouched(&v, buf_str(&file), SAID_OBJECT, &read));
        assert_string_equal(read.node, "kr");
        assert_string_equal(read.limits, limits[i]);
        assert_string_equal(read.words, v.keys[0].words);
        assert_false(vouched(&v, buf_str(&file), SAID_OBJECT " ", &read));
        for (size_t len = 0; len < file.len; len++) /* a line end is forgiven */
            assert_int_equal(vouched(&v, (struct str) {(char *)file.at, len}, SAID_OBJECT, &read),
                             len + 1 == file.len);
        for (size_t bit = 0; bit < 8 * file.len; bit++) {
            file.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            assert_false(vouched(&v, buf_str(&file), SAID_OBJECT, &read));
            file.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        for (size_t bit = 0; bit < 8 * (sizeof SAID_OBJECT - 1); bit++) {
            char object[] = SAID_OBJECT;
            object[bit / 8] = (char)(object[bit / 8] ^ 1 << bit % 8);
            assert_false(vouched(&v, buf_str(&file), object, &read));
        }
        buf_deinit(&file);
    }
}

/* Well formed, and nobody's word: another node's card, another key of that node, a key without a card. */
static void test_vouchers_of_others(void **state)
{
    struct desk *desk = *state;
    struct sign_key other = desk_key(77);
    struct verify_voucher read;
    struct buf file;
    voucher_of(desk, SAID_LIMITS, &file);
    for (unsigned who = 0; who < 4; who++) {
        struct verify v = {.count = 0};
        if (who == 0)
            v = desk->trust; /* verifier keys of a log, of nobody's card */
        else
            trust_card(who == 1   ? "k"
                       : who == 2 ? "kr.x"
                                  : "kr",
                       who == 3 ? &other : &desk->secrets[LOG], &v);
        assert_false(vouched(&v, buf_str(&file), SAID_OBJECT, &read));
        trust_card("kr", &desk->secrets[LOG], &v); /* the right one among others */
        assert_true(vouched(&v, buf_str(&file), SAID_OBJECT, &read));
    }
    buf_deinit(&file);
}

/* What the node's reader refuses is refused here. */
static void test_vouchers_without_form(void **state)
{
    struct desk *desk = *state;
    const struct sign_key *key = &desk->secrets[LOG];
    uint16_t suite = key->public.suite, another = suite == SUITE_1 ? SUITE_2 : SUITE_1;
    static const struct {
        const char *node, *limits;
        int suite; /* 0: the key's own; 1: of another signer; -1: none; 6: of nobody */
        bool good;
    } rows[] = {{"kr", "never\n", 0, true},   {"kr", "never", 0, false},   {"kr", "never\n", 1, false},
                {"kr", "never\n", -1, false}, {"kr", "never\n", 6, false}, {".kr", "never\n", 0, false},
                {"KR", "never\n", 0, false},  {"", "never\n", 0, false},   {"kr", "\xff\n", 0, false}};
    struct hash content = hash_sha256(bytes_of(SAID_OBJECT, sizeof SAID_OBJECT - 1));
    struct verify v = {.count = 0};
    trust_card("kr", key, &v);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf text, file;
        struct signature made;
        struct verify_voucher read;
        uint16_t said = (uint16_t)(rows[i].suite == 0   ? suite
                                   : rows[i].suite == 1 ? another
                                   : rows[i].suite < 0  ? 0
                                                        : 6);
        struct voucher voucher = {
            said, str_of(rows[i].node), voucher_key_id(&key->public), str_of(rows[i].limits), {NULL, 0}};
        buf_init(&text, 1024); /* signed all the same */
        wr_u16(&text, said);
        wr_blob(&text, bytes_from_str(voucher.node));
        wr_bytes(&text, bytes_of(content.b, HASH_SIZE));
        wr_blob(&text, bytes_from_str(voucher.limits));
        assert_int_equal(sign_message(key, "bongsu voucher v1", buf_bytes(&text), &made), ERR_OK);
        voucher.signature = signature_bytes(&made);
        voucher_file(&voucher, &file);
        assert_int_equal(vouched(&v, buf_str(&file), SAID_OBJECT, &read), rows[i].good);
        buf_deinit(&text);
        buf_deinit(&file);
    }
}

/* The page's own vector (docs/protocol/SYNC.md section 4), which OpenSSL made. */
static void test_voucher_vector(void **state)
{
    static const char file[] =
        "AAEAAAACa3JhEFKnAAAAC2NvdW50cnkgREUKAAAAQL+5O72MQ1Heyeq6UqkH4jBVz5m0WsRZF93ueWpb"
        "IHZMoJjliyrdUVmFlzgqc5x0m5+B4+cCHf+38RbRsh1OoAo=";
    struct sign_seed seed = {.suite = SUITE_1};
    struct verify v = {.count = 0};
    struct verify_voucher read;
    struct note_key note_key;
    struct sign_key key;
    struct buf vkey;
    (void)state;
    memset(seed.b, 1, sizeof seed.b);
    assert_int_equal(sign_key_make(&seed, &key), ERR_OK);
    assert_int_equal(note_key_make(STR("bongsu/kr/"), NOTE_SIGNATURE, &key.public, &note_key), ERR_OK);
    buf_init(&vkey, 512);
    note_key_print(&note_key, &vkey);
    assert_true(verify_trust_keys(span_of(buf_str(&vkey)), &v));
    assert_false(vouched(&v, STR(file), SAID_OBJECT, &read)); /* on no card */
    v.keys[0].begins = true;
    assert_true(vouched(&v, STR(file), SAID_OBJECT, &read));
    assert_string_equal(read.limits, "country DE\n");
    buf_deinit(&vkey);
}

#define LOGGED "bongsu-log/kr/2"

/* What entry AT of the log of kr says of ORIGIN, beside another ledger; cosigned. */
static void log_proof_of(struct desk *desk, struct buf *out)
{
    const struct nodelog_head heads[] = {{STR(ORIGIN), 12, {{1, 2, 3}}}, {STR("bongsu/kr/au/0"), 4, {{4}}}};
    struct nodelog_entry entry = {.epoch = 2, .index = AT, .time_us = TIME_US};
    struct nodelog_opening opening;
    struct hash seed = {{9}};
    struct tile_memory memory = {.bytes = 0};
    struct tile_store store = tile_memory_store(&memory);
    struct tile_tree tree;
    struct proof proof = {.index = 0};
    struct checkpoint checkpoint = {STR(LOGGED), LEAVES, {{0}}, {NULL, 0}};
    struct note note;
    struct note_key key;
    struct buf whole, text;
    assert_int_equal(nodelog_map(&seed, heads, 2, &entry.map), ERR_OK);
    assert_int_equal(nodelog_open(&seed, heads, 2, 0, &opening), ERR_OK);
    assert_int_equal(nodelog_extra_set(&proof, &entry, &opening), ERR_OK);
    tile_tree_init(&tree, &store);
    for (uint64_t i = 0; i < LEAVES; i++) {
        struct hash hash = i == AT ? nodelog_entry_hash(&entry) : (struct hash) {{(uint8_t)i}};
        assert_int_equal(tile_tree_append(&tree, &hash), ERR_OK);
    }
    struct merkle_source source = tile_tree_source(&tree);
    assert_int_equal(merkle_inclusion(&source, AT, LEAVES, &proof.path), ERR_OK);
    checkpoint.root = tile_tree_root(&tree);
    buf_init(&whole, LIMIT_NOTE_BYTES);
    buf_init(&text, LIMIT_NOTE_BYTES);
    assert_int_equal(note_key_make(STR(LOGGED), NOTE_SIGNATURE, &desk->secrets[LOG].public, &key), ERR_OK);
    assert_int_equal(checkpoint_sign(&checkpoint, &key, &desk->secrets[LOG], &whole), ERR_OK);
    assert_int_equal(note_parse(buf_str(&whole), &note, NULL), ERR_OK);
    buf_put_str(&text, note.text);
    assert_int_equal(cosign_sign(buf_str(&text), TIME_S, &desk->keys[COSIGN], &desk->secrets[COSIGN], &whole),
                     ERR_OK);
    proof.checkpoint = buf_str(&whole);
    buf_init(out, LIMIT_NOTE_BYTES);
    assert_int_equal(proof_print(&proof, out), ERR_OK);
    buf_deinit(&whole);
    buf_deinit(&text);
    tile_memory_deinit(&memory);
}

/* The node's ledger key signs its log as well, by the card or as a verifier key. */
static void trust_log(struct desk *desk, struct verify *v)
{
    struct note_key key;
    struct buf vkeys;
    *v = desk->trust;
    buf_init(&vkeys, 512);
    assert_int_equal(note_key_make(STR(LOGGED), NOTE_SIGNATURE, &desk->secrets[LOG].public, &key), ERR_OK);
    note_key_print(&key, &vkeys);
    assert_true(verify_trust_keys(span_of(buf_str(&vkeys)), v));
    buf_deinit(&vkeys);
}

static bool log_verified(const struct verify *trust, struct str whole, struct verify_proof *out)
{
    struct verify v = *trust;
    bool good = verify_proof_open(span_of(whole), SPAN_NONE, out, &v) && out->checkpoint.cosigners.count == 1;
    return good;
}

static void test_the_log_of_a_node(void **state)
{
    struct desk *desk = *state;
    struct verify_proof proof;
    struct verify trust;
    struct buf file;
    trust_log(desk, &trust);
    log_proof_of(desk, &file);
    assert_true(log_verified(&trust, buf_str(&file), &proof));
    assert_true(proof.has_logged && !proof.has_leaf && !proof.has_opening && !proof.has_reason);
    assert_true(proof.checkpoint.origin.log && !proof.checkpoint.origin.ledger);
    assert_string_equal(proof.logged.origin.text, ORIGIN);
    assert_int_equal(proof.logged.size, 12);
    assert_memory_equal(proof.logged.root.b, ((uint8_t[]) {1, 2, 3, 0}), 4);
    assert_int_equal(proof.leaf.time_us, TIME_US);
    for (size_t len = 0; len < file.len; len++)
        assert_false(log_verified(&trust, (struct str) {(char *)file.at, len}, &proof));
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        file.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(log_verified(&trust, buf_str(&file), &proof));
        file.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    /* Another log's key, or another node's card, does not speak for it. */
    assert_false(log_verified(&desk->trust, buf_str(&file), &proof));
    struct verify other = desk->trust;
    other.keys[LOG].begins = true;
    memcpy(other.keys[LOG].name, "bongsu/k/", 10);
    assert_false(log_verified(&other, buf_str(&file), &proof));
    memcpy(other.keys[LOG].name, "bongsu/kr/", 11);
    assert_true(log_verified(&other, buf_str(&file), &proof));
    buf_deinit(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_leaf),
        cmocka_unit_test(test_extras),
        cmocka_unit_test(test_truncated_and_flipped),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_other_logs),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_receipts),
        cmocka_unit_test(test_cards),
        cmocka_unit_test(test_the_log_of_a_node),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_vouchers),
        cmocka_unit_test(test_vouchers_of_others),
        cmocka_unit_test(test_vouchers_without_form),
        cmocka_unit_test(test_voucher_vector),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
