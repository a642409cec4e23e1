#include "ledger/nodelog.h"

#include <stdio.h>

#include "ledger_test.h"

#include "ledger/merkle.h"

enum { HEADS = 5 };

#define ORIGIN(text)                                                                                         \
    {                                                                                                        \
        (text), sizeof(text) - 1                                                                             \
    }

static const struct nodelog_head heads[HEADS] = {
    {ORIGIN("bongsu/kr/nz/0"), 7, {{1}}},      {ORIGIN("bongsu/kr/nz/0/urgent"), 1, {{2}}},
    {ORIGIN("bongsu/kr/au/0"), 4000, {{3}}},   {ORIGIN("bongsu/kr/jp/2"), 12, {{4}}},
    {ORIGIN("bongsu/kr/us.cert/0"), 1, {{5}}},
};

static struct nodelog_entry entry_over(const struct hash *seed, const struct nodelog_head *at, size_t count)
{
    struct nodelog_entry entry = {.epoch = 3, .index = 9, .time_us = 1795300000000000};
    assert_int_equal(nodelog_map(seed, at, count, &entry.map), ERR_OK);
    return entry;
}

static void entries_have_one_size_and_one_reading(void **state)
{
    (void)state;
    struct hash seed = test_hash(1);
    struct nodelog_entry entry = entry_over(&seed, heads, HEADS), again;
    uint8_t wire[NODELOG_ENTRY_SIZE];
    nodelog_entry_encode(&entry, wire);
    assert_int_equal(nodelog_entry_decode(bytes_of(wire, sizeof wire), &again), ERR_OK);
    assert_memory_equal(&again, &entry, sizeof entry);
    for (size_t len = 0; len < sizeof wire; len++)
        assert_int_not_equal(nodelog_entry_decode(bytes_of(wire, len), &again), ERR_OK);
    for (size_t i = 0; i < 4; i++) { /* version, suite, kind */
        wire[i] ^= 0x40;
        assert_int_equal(nodelog_entry_decode(bytes_of(wire, sizeof wire), &again), ERR_VERSION);
        wire[i] ^= 0x40;
    }
    wire[16] = 0x80; /* a time that no clock has */
    assert_int_equal(nodelog_entry_decode(bytes_of(wire, sizeof wire), &again), ERR_LIMIT);
}

/* LEDGER.md section 12.6. */
static void vectors(void **state)
{
    (void)state;
    struct hash seed;
    for (uint8_t i = 0; i < HASH_SIZE; i++)
        seed.b[i] = i;
    struct hash map;
    uint8_t wire[NODELOG_ENTRY_SIZE];
    struct nodelog_opening opening;
    assert_int_equal(nodelog_map(&seed, heads, 0, &map), ERR_OK);
    assert_hex(map.b, HASH_SIZE, "8fe7fcf716911b5f3fd9d9e60a61ebb89f125733e9241aa69ff54897ddf20270");
    struct nodelog_entry entry = entry_over(&seed, heads, 2);
    assert_int_equal(nodelog_open(&seed, heads, 2, 0, &opening), ERR_OK);
    assert_hex(opening.salt.b, HASH_SIZE, "2652b86a94d467c7d37df3a9370f860e88d4def16f11006655c8368568bd98ed");
    assert_hex(entry.map.b, HASH_SIZE, "2d6cfa36a26630c03aa593145bdad3ee7202253bf511f1d09802325d2059358c");
    struct hash leaf = nodelog_entry_hash(&entry);
    nodelog_entry_encode(&entry, wire);
    assert_hex(wire, 24, "01000101000000030000000000000009000660d0dac3e800");
    assert_hex(leaf.b, HASH_SIZE, "e6dbde62a4eb3e5afb3945100c324293ac1bb8157b657802406204124a5c561e");
}

static void every_ledger_opens_and_only_as_it_was(void **state)
{
    (void)state;
    struct hash seed = test_hash(2);
    struct nodelog_entry entry = entry_over(&seed, heads, HEADS);
    for (size_t i = 0; i < HEADS; i++) {
        struct nodelog_opening opening, bent;
        assert_int_equal(nodelog_open(&seed, heads, HEADS, i, &opening), ERR_OK);
        assert_int_equal(nodelog_opening_verify(&entry, &opening), ERR_OK);
        bent = opening;
        bent.head.size++;
        assert_int_equal(nodelog_opening_verify(&entry, &bent), ERR_PROOF);
        bent = opening;
        bent.head.root.b[31] ^= 1;
        assert_int_equal(nodelog_opening_verify(&entry, &bent), ERR_PROOF);
        bent = opening;
        bent.salt.b[0] ^= 1;
        assert_int_equal(nodelog_opening_verify(&entry, &bent), ERR_PROOF);
        bent = opening;
        bent.head.origin = heads[(i + 1) % HEADS].origin;
        assert_int_equal(nodelog_opening_verify(&entry, &bent), ERR_PROOF);
        for (size_t level = 0; level < NODELOG_DEPTH; level++) {
            bent = opening;
            bent.beside[level].b[level] ^= 1;
            assert_int_equal(nodelog_opening_verify(&entry, &bent), ERR_PROOF);
        }
    }
}

/* The same ledger twice, as of two histories: an entry has one place for it, and so one of them only. */
static void one_entry_names_a_ledger_once(void **state)
{
    (void)state;
    struct hash seed = test_hash(3);
    struct nodelog_head twice[2] = {heads[0], heads[0]};
    struct nodelog_opening opening;
    twice[1].root.b[7] ^= 1;
    struct nodelog_entry entry = entry_over(&seed, twice, 2);
    assert_int_equal(nodelog_open(&seed, twice, 2, 0, &opening), ERR_OK);
    assert_int_equal(nodelog_opening_verify(&entry, &opening), ERR_OK);
    assert_int_equal(nodelog_open(&seed, twice, 2, 1, &opening), ERR_NOTFOUND);
}

/* What an outsider sees of a node with none, one and five ledgers, or of one that grew, are bytes of one size
 * that share nothing; and what a partner is given with its own opening has the same size and shares nothing
 * with what stands beside it when the others are not there: of others it shows neither that they are, nor how
 * far they are. */
static void blinded(void **state)
{
    (void)state;
    struct nodelog_opening alone, among, grown;
    struct nodelog_head moved[HEADS];
    struct hash seed = test_hash(4), other = test_hash(5), third = test_hash(6);
    memcpy(moved, heads, sizeof heads);
    moved[3].size++;
    assert_int_equal(nodelog_open(&seed, heads, 1, 0, &alone), ERR_OK);
    assert_int_equal(nodelog_open(&other, heads, HEADS, 0, &among), ERR_OK);
    assert_int_equal(nodelog_open(&third, moved, HEADS, 0, &grown), ERR_OK);
    for (size_t a = 0; a < NODELOG_DEPTH; a++)
        for (size_t b = 0; b < NODELOG_DEPTH; b++) {
            assert_memory_not_equal(alone.beside[a].b, among.beside[b].b, HASH_SIZE);
            assert_memory_not_equal(grown.beside[a].b, among.beside[b].b, HASH_SIZE);
        }
    /* The same traffic under another seed is another entry, and so is none at all. */
    struct nodelog_entry one = entry_over(&seed, heads, HEADS), two = entry_over(&other, heads, HEADS),
                         none = entry_over(&seed, heads, 0), three = entry_over(&other, heads, 0);
    assert_memory_not_equal(one.map.b, two.map.b, HASH_SIZE);
    assert_memory_not_equal(none.map.b, three.map.b, HASH_SIZE);
    /* An opening of one ledger does not help to guess at another: a right guess at its head, with the salt
     * that was shown, leads nowhere. */
    struct nodelog_opening guess = alone;
    struct nodelog_entry both = entry_over(&seed, heads, 2);
    guess.head = heads[1];
    assert_int_equal(nodelog_opening_verify(&both, &guess), ERR_PROOF);
}

static void extras_are_read_strictly(void **state)
{
    (void)state;
    static struct proof proof;
    struct hash seed = test_hash(7);
    struct nodelog_entry entry = entry_over(&seed, heads, HEADS), read;
    struct nodelog_opening opening, again;
    assert_int_equal(nodelog_open(&seed, heads, HEADS, 4, &opening), ERR_OK);
    assert_int_equal(nodelog_extra_set(&proof, &entry, &opening), ERR_OK);
    assert_int_equal(proof.index, 9);
    assert_int_equal(nodelog_extra_read(bytes_of(proof.extra, proof.extra_len), &read, &again), ERR_OK);
    assert_true(str_eq(again.head.origin, heads[4].origin) && again.head.size == heads[4].size);
    for (size_t len = 0; len < proof.extra_len; len++)
        assert_int_not_equal(nodelog_extra_read(bytes_of(proof.extra, len), &read, &again), ERR_OK);
    proof.extra[proof.extra_len] = 0;
    assert_int_not_equal(nodelog_extra_read(bytes_of(proof.extra, proof.extra_len + 1), &read, &again),
                         ERR_OK);
    for (size_t i = 0; i < 8 * proof.extra_len; i++) {
        proof.extra[i / 8] ^= (uint8_t)(1 << (i % 8));
        err_t err = nodelog_extra_read(bytes_of(proof.extra, proof.extra_len), &read, &again);
        /* epoch, index and time are bound by the tree alone */
        if (i / 8 < 4 || i / 8 >= 24)
            assert_int_not_equal(err, ERR_OK);
        proof.extra[i / 8] ^= (uint8_t)(1 << (i % 8));
    }
}

static void names(void **state)
{
    (void)state;
    struct ledger_origin ledger;
    struct buf out;
    buf_init(&out, LEDGER_ORIGIN_MAX);
    assert_int_equal(nodelog_origin_print(STR("kr"), 2, &out), ERR_OK);
    assert_true(str_eq(buf_str(&out), STR("bongsu-log/kr/2")));
    assert_int_not_equal(ledger_origin_parse(buf_str(&out), &ledger), ERR_OK);
    assert_int_equal(nodelog_origin_print(STR("k/r"), 2, &out), ERR_INVALID);
    buf_deinit(&out);
}

static void bounds(void **state)
{
    (void)state;
    static char names_at[NODELOG_HEADS_MAX + 1][32];
    static struct nodelog_head many[NODELOG_HEADS_MAX + 1];
    struct hash seed = test_hash(8), map;
    struct nodelog_opening opening;
    for (size_t i = 0; i <= NODELOG_HEADS_MAX; i++) {
        int len = snprintf(names_at[i], sizeof names_at[i], "bongsu/kr/p%zu/0", i);
        many[i] = (struct nodelog_head) {{names_at[i], (size_t)len}, i, test_hash(i)};
    }
    assert_int_equal(nodelog_map(&seed, many, NODELOG_HEADS_MAX + 1, &map), ERR_LIMIT);
    struct nodelog_entry entry = entry_over(&seed, many, NODELOG_HEADS_MAX);
    for (size_t i = 0; i < NODELOG_HEADS_MAX; i++) {
        assert_int_equal(nodelog_open(&seed, many, NODELOG_HEADS_MAX, i, &opening), ERR_OK);
        assert_int_equal(nodelog_opening_verify(&entry, &opening), ERR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_have_one_size_and_one_reading),
        cmocka_unit_test(vectors),
        cmocka_unit_test(every_ledger_opens_and_only_as_it_was),
        cmocka_unit_test(one_entry_names_a_ledger_once),
        cmocka_unit_test(blinded),
        cmocka_unit_test(extras_are_read_strictly),
        cmocka_unit_test(names),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
