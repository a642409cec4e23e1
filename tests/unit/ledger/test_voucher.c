/* The signature of an object's origin: what it covers, and what its reader refuses. */
#include "ledger/voucher.h"

#include "ledger_test.h"

#define LIMITS "country DE\n"

struct desk {
    struct sign_key key;
    struct hash content;
    struct signature signature;
    struct voucher voucher;
    struct buf wire;
};

static int setup(void **state)
{
    static struct desk desk;
    desk.key = test_key(1);
    desk.content = hash_sha256(bytes_from_str(STR("{\"type\":\"identity\"}")));
    assert_int_equal(voucher_sign(STR("kr"), &desk.content, STR(LIMITS), &desk.key, &desk.signature), ERR_OK);
    desk.voucher = (struct voucher) {SUITE_1, STR("kr"), voucher_key_id(&desk.key.public), STR(LIMITS),
                                     signature_bytes(&desk.signature)};
    buf_init(&desk.wire, LIMIT_VOUCHER_BYTES);
    voucher_write(&desk.wire, &desk.voucher);
    assert_int_equal(buf_err(&desk.wire), ERR_OK);
    *state = &desk;
    return 0;
}

static int teardown(void **state)
{
    buf_deinit(&((struct desk *)*state)->wire);
    return 0;
}

static err_t read_all(struct bytes wire, struct voucher *out)
{
    struct rd rd = rd_of(wire);
    voucher_read(&rd, out);
    return rd_end(&rd);
}

/* SYNC.md section 4; the bytes were made by OpenSSL and Python. */
static void the_vector(void **state)
{
    struct desk *desk = *state;
    assert_hex(desk->key.public.b, sign_public_bytes(&desk->key.public).len,
               "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c");
    assert_hex(desk->wire.at, desk->wire.len,
               "0001000000026b72611052a70000000b636f756e7472792044450a00000040bfb93bbd8c4351dec9eaba52a907e2"
               "3055cf99b45ac45917ddee796a5b20764ca098e58b2add51598597382a739c749b9f81e3e7021dffb7f116d1b21d"
               "4ea00a");
}

static void what_was_said_verifies(void **state)
{
    struct desk *desk = *state;
    struct voucher read;
    assert_int_equal(read_all(buf_bytes(&desk->wire), &read), ERR_OK);
    assert_true(str_eq(read.node, STR("kr")) && str_eq(read.limits, STR(LIMITS)));
    assert_int_equal(voucher_verify(&read, &desk->content, &desk->key.public), ERR_OK);
}

/* Whichever bit turns: it is not well formed, by another key, of another suite, or does not verify. */
static void every_bit_counts(void **state)
{
    struct desk *desk = *state;
    struct voucher read;
    for (size_t bit = 0; bit < 8 * desk->wire.len; bit++) {
        desk->wire.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (read_all(buf_bytes(&desk->wire), &read) == ERR_OK)
            assert_int_not_equal(voucher_verify(&read, &desk->content, &desk->key.public), ERR_OK);
        desk->wire.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < (size_t)8 * HASH_SIZE; bit++) {
        struct hash other = desk->content;
        other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(voucher_verify(&desk->voucher, &other, &desk->key.public), ERR_SIGNATURE);
    }
}

/* A signature under another object, other limits, another node, another key. */
static void it_serves_for_nothing_else(void **state)
{
    struct desk *desk = *state;
    struct hash other = test_hash(7);
    struct sign_key stranger = test_key(2);
    assert_int_equal(voucher_verify(&desk->voucher, &other, &desk->key.public), ERR_SIGNATURE);
    assert_int_equal(voucher_verify(&desk->voucher, &desk->content, &stranger.public), ERR_NOTFOUND);
    static const struct str limits[] = {
        {"", 0}, {"country D\n", 10}, {"country DE\nnever\n", 17}, {"never\n", 6}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct voucher changed = desk->voucher;
        changed.limits = limits[i];
        assert_int_equal(voucher_verify(&changed, &desk->content, &desk->key.public), ERR_SIGNATURE);
    }
    struct voucher renamed = desk->voucher;
    renamed.node = STR("us");
    assert_int_equal(voucher_verify(&renamed, &desk->content, &desk->key.public), ERR_SIGNATURE);
    struct voucher newer = desk->voucher;
    newer.suite = SUITE_NEWEST + 1;
    assert_int_equal(voucher_verify(&newer, &desk->content, &desk->key.public), ERR_UNSUPPORTED);
}

/* Nothing but a voucher is signed by its label: not what a note signs. */
static void it_is_no_other_signature(void **state)
{
    struct desk *desk = *state;
    struct buf text;
    buf_init(&text, 1024);
    buf_put(&text, desk->content.b, HASH_SIZE);
    assert_int_not_equal(sign_raw_verify(&desk->key.public, buf_bytes(&text), &desk->signature), ERR_OK);
    assert_int_not_equal(sign_verify(&desk->key.public, "bongsu card v1", buf_bytes(&text), &desk->signature),
                         ERR_OK);
    buf_deinit(&text);
}

static void the_reader_refuses(void **state)
{
    struct desk *desk = *state;
    struct voucher read;
    for (size_t len = 0; len < desk->wire.len; len++)
        assert_int_not_equal(read_all(bytes_of(desk->wire.at, len), &read), ERR_OK);
    struct voucher wrong[] = {desk->voucher, desk->voucher, desk->voucher,
                              desk->voucher, desk->voucher, desk->voucher};
    char long_name[LIMIT_NAME_BYTES + 1];
    memset(long_name, 'a', sizeof long_name);
    wrong[0].suite = 0;
    wrong[1].node = STR("");
    wrong[2].node = STR("kr/us");
    wrong[3].node = (struct str) {long_name, sizeof long_name};
    wrong[4].limits = STR("never"); /* without its end */
    wrong[5].signature.len--;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        buf_clear(&desk->wire);
        voucher_write(&desk->wire, &wrong[i]);
        assert_int_not_equal(read_all(buf_bytes(&desk->wire), &read), ERR_OK);
    }
    struct signature made;
    assert_int_equal(voucher_sign(STR("kr"), &desk->content, STR("never"), &desk->key, &made), ERR_INVALID);
    assert_int_equal(voucher_sign(STR("KR"), &desk->content, STR(""), &desk->key, &made), ERR_INVALID);
}

/* By whatever suite the origin has; by the key of another one it is not known. */
static void of_every_suite(void **state)
{
    struct desk *desk = *state;
    for (unsigned suite = SUITE_OLDEST; suite <= SUITE_NEWEST; suite++) {
        const struct sign_seed seed = {(uint16_t)suite, {5}};
        struct sign_key key;
        struct signature made;
        struct voucher read;
        assert_int_equal(sign_key_make(&seed, &key), ERR_OK);
        assert_int_equal(voucher_sign(STR("kr"), &desk->content, STR(LIMITS), &key, &made), ERR_OK);
        struct voucher voucher = {(uint16_t)suite, STR("kr"), voucher_key_id(&key.public), STR(LIMITS),
                                  signature_bytes(&made)};
        buf_clear(&desk->wire);
        voucher_write(&desk->wire, &voucher);
        assert_int_equal(read_all(buf_bytes(&desk->wire), &read), ERR_OK);
        assert_int_equal(voucher_verify(&read, &desk->content, &key.public), ERR_OK);
        assert_int_equal(voucher_verify(&read, &desk->content, &desk->key.public), ERR_NOTFOUND);
        made.b[made.len - 1] ^= 1;
        assert_int_equal(voucher_verify(&voucher, &desk->content, &key.public), ERR_SIGNATURE);
        voucher.suite = suite == SUITE_2 ? SUITE_3 : SUITE_2;
        assert_int_equal(voucher_verify(&voucher, &desk->content, &key.public), ERR_NOTFOUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_vector, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_said_verifies, setup, teardown),
        cmocka_unit_test_setup_teardown(every_bit_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(it_serves_for_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_no_other_signature, setup, teardown),
        cmocka_unit_test_setup_teardown(the_reader_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(of_every_suite, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
