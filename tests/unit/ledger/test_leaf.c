#include "ledger/leaf.h"

#include "ledger/merkle.h"
#include "ledger_test.h"

/* The vectors of docs/protocol/LEDGER.md section 10, made there by another program. */
#define ORIGIN  "bongsu/kr/nz/0"
#define SALT_P  "f9c8cebde6d27298205fdcb4c12d1427261b79dc5b39ba3d65b1d9e68309c8a1"
#define SALT_I  "e52022186a5b5e39b55d2ced4c31f402f56a2378475af7fcd101073458e85d93"
#define CONTENT "108306b19622de6e707bd186ecea05ce0a3e579192fb3a8387d8d18fb3c97dcc"
#define PARTNER "d1886b7f84247467c1212e6a9d02e30001a53b365f979ce3311e4e48628f4d8f"
#define ISSUER  "3ca7b56cdd9cd79774f2f519b418e9438dd52c9c08cb34f9be82098f8796826f"
#define RECALL  "c0fcd689742ecfdd19857aa0b83c0690d493a7876cf42229eaebb6a6f0ec1ff0"
#define HEAD    "01000102000000000000000000000007000660d0dac3e800"
#define HASH    "5e4bbff520c275dcdcb4941e983baa44a4adf18e17c86409e3c12ac23b351952"
#define REASON                                                                                               \
    SALT_I "0000000b616c6c6f772d636c6561720000002082341"                                                     \
           "2d1eacb67956220e532959f0104603057c88704863ca38e7cd188fda81200000000000000076d6973702d6b72"

static struct leaf_opening vector_opening(void)
{
    struct seal_secret secret;
    for (size_t i = 0; i < sizeof secret.b; i++)
        secret.b[i] = (uint8_t)i;
    return (struct leaf_opening) {ledger_salts(&secret, STR(ORIGIN), 7).partner,
                                  hash_sha256(bytes_from_str(STR("{\"type\":\"indicator\"}"))), 3};
}

static struct leaf_reason vector_reason(void)
{
    struct seal_secret secret;
    for (size_t i = 0; i < sizeof secret.b; i++)
        secret.b[i] = (uint8_t)i;
    return (struct leaf_reason) {ledger_salts(&secret, STR(ORIGIN), 7).issuer, STR("allow-clear"),
                                 hash_sha256(bytes_from_str(STR("policy"))), STR(""), STR("misp-kr")};
}

static struct leaf vector_leaf(void)
{
    struct leaf_opening opening = vector_opening();
    struct leaf_reason reason = vector_reason();
    return (struct leaf) {
        LEAF_SUPERSEDE,      0, 7, INT64_C(1795300000000000), leaf_partner(LEAF_SUPERSEDE, &opening),
        leaf_issuer(&reason)};
}

static void test_vectors(void **state)
{
    (void)state;
    struct leaf_opening opening = vector_opening();
    struct leaf_reason reason = vector_reason();
    struct leaf leaf = vector_leaf();
    uint8_t wire[LEAF_SIZE], opened[LEAF_OPENING_SIZE];
    assert_hex(opening.salt.b, 32, SALT_P);
    assert_hex(reason.salt.b, 32, SALT_I);
    leaf_opening_encode(&opening, opened);
    assert_hex(opened, sizeof opened, SALT_P CONTENT "0000000000000003");
    leaf_encode(&leaf, wire);
    assert_hex(wire, sizeof wire, HEAD PARTNER ISSUER);
    struct hash hash = leaf_hash(&leaf);
    assert_hex(hash.b, 32, HASH);
    struct buf buf;
    buf_init(&buf, 1000);
    leaf_reason_encode(&reason, &buf);
    assert_int_equal(buf_err(&buf), ERR_OK);
    assert_hex(buf.at, buf.len, REASON);
    buf_deinit(&buf);
    opening.content = (struct hash) {{0}};
    hash = leaf_partner(LEAF_RECALL, &opening);
    assert_hex(hash.b, 32, RECALL);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct leaf leaf = vector_leaf(), back;
    leaf.epoch = UINT32_MAX;
    leaf.seq = MERKLE_SIZE_MAX - 1;
    leaf.time_us = INT64_MAX;
    uint8_t wire[LEAF_SIZE], again[LEAF_SIZE];
    leaf_encode(&leaf, wire);
    assert_int_equal(leaf_decode(bytes_of(wire, sizeof wire), &back), ERR_OK);
    leaf_encode(&back, again);
    assert_memory_equal(wire, again, sizeof wire);
    assert_true(back.epoch == leaf.epoch && back.seq == leaf.seq && back.time_us == leaf.time_us);
}

static void test_refusals(void **state)
{
    (void)state;
    struct leaf leaf = vector_leaf(), back;
    uint8_t wire[LEAF_SIZE + 1] = {0};
    leaf_encode(&leaf, wire);
    for (size_t len = 0; len < LEAF_SIZE; len++)
        assert_int_equal(leaf_decode(bytes_of(wire, len), &back), ERR_SHORT);
    assert_int_equal(leaf_decode(bytes_of(wire, LEAF_SIZE + 1), &back), ERR_INVALID);
    static const struct {
        size_t at;
        uint8_t value;
        err_t err;
    } rows[] = {
        {0, 0, ERR_VERSION},  {0, 2, ERR_VERSION},     {1, 1, ERR_VERSION},     {2, 0, ERR_VERSION},
        {2, 2, ERR_VERSION},  {3, 0, ERR_UNSUPPORTED}, {3, 8, ERR_UNSUPPORTED}, {3, 255, ERR_UNSUPPORTED},
        {8, 0x80, ERR_LIMIT}, {16, 0x80, ERR_LIMIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        leaf_encode(&leaf, wire);
        wire[rows[i].at] = rows[i].value;
        assert_int_equal(leaf_decode(bytes_of(wire, LEAF_SIZE), &back), rows[i].err);
    }
}

/* Every bit of an opening and of the commitment counts, and the op as well. */
static void test_opening_mutations(void **state)
{
    (void)state;
    struct leaf leaf = vector_leaf();
    struct leaf_opening opening = vector_opening(), bad;
    uint8_t wire[LEAF_OPENING_SIZE];
    assert_int_equal(leaf_opening_verify(&leaf, &opening, false), ERR_OK);
    for (size_t bit = 0; bit < 8 * sizeof wire; bit++) {
        leaf_opening_encode(&opening, wire);
        wire[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(leaf_opening_decode(bytes_of(wire, sizeof wire), &bad), ERR_OK);
        assert_int_not_equal(leaf_opening_verify(&leaf, &bad, true), ERR_OK);
    }
    for (size_t bit = 0; bit < 256; bit++) {
        struct leaf other = leaf;
        other.partner.b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(leaf_opening_verify(&other, &opening, false), ERR_PROOF);
    }
    leaf.op = LEAF_REVOKE;
    assert_int_equal(leaf_opening_verify(&leaf, &opening, false), ERR_PROOF);
    leaf_opening_encode(&opening, wire);
    for (size_t len = 0; len < sizeof wire; len++)
        assert_int_equal(leaf_opening_decode(bytes_of(wire, len), &bad), ERR_SHORT);
}

/* Which ops go with content and subject: the table of LEDGER.md section 2. */
static void test_op_table(void **state)
{
    (void)state;
    static const struct {
        enum leaf_op op;
        const char *word;
        bool nothing, content, subject, both;
    } rows[] = {
        {LEAF_RELEASE, "release", false, true, false, false},
        {LEAF_SUPERSEDE, "supersede", false, false, true, true},
        {LEAF_REVOKE, "revoke", false, false, true, true},
        {LEAF_RECALL, "recall", false, false, true, false},
        {LEAF_REDACT, "redact", false, false, false, true},
        {LEAF_EXPIRE, "expire", false, false, true, false},
        {LEAF_NARROW, "narrow", false, false, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(leaf_op_word(rows[i].op), rows[i].word);
        for (unsigned mask = 0; mask < 4; mask++) {
            struct leaf_opening opening = {test_hash(1), {{0}}, LEAF_SUBJECT_NONE};
            if ((mask & 1) != 0)
                opening.content = test_hash(2);
            if ((mask & 2) != 0)
                opening.subject_seq = 3;
            struct leaf leaf = {.op = rows[i].op, .seq = 4, .partner = leaf_partner(rows[i].op, &opening)};
            bool allowed[] = {rows[i].nothing, rows[i].content, rows[i].subject, rows[i].both};
            assert_int_equal(leaf_opening_verify(&leaf, &opening, false),
                             allowed[mask] ? ERR_OK : ERR_INVALID);
        }
    }
    assert_null(leaf_op_word(0));
    assert_null(leaf_op_word(8));
}

/* A main ledger speaks of its own past; the urgent one of the main ledger, whatever its own length. */
static void test_subject_order(void **state)
{
    (void)state;
    struct leaf_opening opening = {test_hash(1), {{0}}, 9};
    struct leaf leaf = {.op = LEAF_RECALL, .seq = 9, .partner = leaf_partner(LEAF_RECALL, &opening)};
    assert_int_equal(leaf_opening_verify(&leaf, &opening, false), ERR_INVALID);
    assert_int_equal(leaf_opening_verify(&leaf, &opening, true), ERR_OK);
    leaf.seq = 10;
    assert_int_equal(leaf_opening_verify(&leaf, &opening, false), ERR_OK);
}

static void test_reason(void **state)
{
    (void)state;
    struct leaf leaf = vector_leaf();
    struct leaf_reason reason = vector_reason(), back;
    struct buf buf;
    buf_init(&buf, 1000);
    leaf_reason_encode(&reason, &buf);
    for (size_t len = 0; len < buf.len; len++)
        assert_int_not_equal(leaf_reason_decode(bytes_of(buf.at, len), &back), ERR_OK);
    assert_int_equal(leaf_reason_decode(buf_bytes(&buf), &back), ERR_OK);
    assert_int_equal(leaf_reason_verify(&leaf, &back), ERR_OK);
    assert_true(str_eq(back.rule, reason.rule) && str_eq(back.source, reason.source));
    for (size_t bit = 0; bit < 8 * buf.len; bit++) {
        buf.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (leaf_reason_decode(buf_bytes(&buf), &back) == ERR_OK)
            assert_int_equal(leaf_reason_verify(&leaf, &back), ERR_PROOF);
        buf.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    buf_putc(&buf, 0);
    assert_int_equal(leaf_reason_decode(buf_bytes(&buf), &back), ERR_INVALID);
    /* What moves across a field's border changes the commitment. */
    back = reason;
    back.rule = STR("allow-clea");
    back.approver = STR("r");
    assert_int_equal(leaf_reason_verify(&leaf, &back), ERR_PROOF);
    buf_deinit(&buf);
}

/* Another ledger, place, use or secret gives another salt. */
static void test_salts_differ(void **state)
{
    (void)state;
    struct seal_secret one = {{1}}, two = {{2}};
    struct hash salts[] = {
        ledger_salts(&one, STR("bongsu/kr/nz/0"), 1).partner,
        ledger_salts(&one, STR("bongsu/kr/nz/0"), 2).partner,
        ledger_salts(&one, STR("bongsu/kr/nz/0/urgent"), 1).partner,
        ledger_salts(&one, STR("bongsu/kr/nz/1"), 1).partner,
        ledger_salts(&one, STR("bongsu/kr/au/0"), 1).partner,
        ledger_salts(&two, STR("bongsu/kr/nz/0"), 1).partner,
        ledger_salts(&one, STR("bongsu/kr/nz/0"), 1).issuer,
    };
    for (size_t i = 0; i < sizeof salts / sizeof salts[0]; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(hash_eq(&salts[i], &salts[j]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),  cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_opening_mutations),
        cmocka_unit_test(test_op_table), cmocka_unit_test(test_subject_order),
        cmocka_unit_test(test_reason),   cmocka_unit_test(test_salts_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
