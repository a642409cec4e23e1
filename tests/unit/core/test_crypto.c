/* hash, sign, seal and uuid against vectors that their standards publish. */
#include <sodium.h>

#include "core/hash.h"
#include "core/seal.h"
#include "core/sign.h"
#include "core/uuid.h"

#include "core_test.h"

static void digests_match_the_standards(void **state)
{
    (void)state;
    /* FIPS 180-4 examples */
    struct hash hash = hash_sha256(bytes_of("abc", 3));
    assert_hex(hash.b, HASH_SIZE, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash = hash_sha256((struct bytes) {NULL, 0});
    assert_hex(hash.b, HASH_SIZE, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    struct bytes parts[] = {bytes_of("a", 1), {NULL, 0}, bytes_of("bc", 2)};
    struct hash whole = hash_sha256(bytes_of("abc", 3));
    hash = hash_sha256_parts(parts, 3);
    assert_true(hash_eq(&hash, &whole));
    struct hash_state *running = hash_state_new();
    assert_non_null(running);
    for (int round = 0; round < 2; round++) { /* taking makes it ready again */
        hash_state_add(running, bytes_of("ab", 2));
        hash_state_add(running, bytes_of("c", 1));
        hash = hash_state_take(running);
        assert_true(hash_eq(&hash, &whole));
    }
    hash_state_free(running);
    /* RFC 4231 test case 2 */
    hash = hash_hmac_sha256(bytes_of("Jefe", 4), bytes_of("what do ya want for nothing?", 28));
    assert_hex(hash.b, HASH_SIZE, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    /* test case 6: a key longer than a block */
    uint8_t key[131];
    memset(key, 0xaa, sizeof key);
    hash = hash_hmac_sha256(bytes_of(key, sizeof key),
                            bytes_of("Test Using Larger Than Block-Size Key - Hash Key First", 54));
    assert_hex(hash.b, HASH_SIZE, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* Every length around every border of blocks, many at a time: as libsodium has it, which shares no code with
 * it. */
static void digests_of_each(void **state)
{
    enum { MOST = 300, PATTERN = 251 };
    static uint8_t text[MOST];
    struct bytes data[MOST];
    struct hash out[MOST + 1], wanted;
    (void)state;
    for (size_t i = 0; i < MOST; i++)
        text[i] = (uint8_t)(i * 7 % PATTERN);
    for (size_t step = 1; step <= 7; step += 2) {
        for (size_t count = 0; count <= MOST; count += count < 5 ? 1 : 59) {
            memset(out, 0xee, sizeof out);
            for (size_t i = 0; i < count; i++)
                data[i] = bytes_of(text + i % 3, i * step % (MOST - 3));
            hash_sha256_each(data, count, out);
            for (size_t i = 0; i < count; i++) {
                crypto_hash_sha256(wanted.b, data[i].at, data[i].len);
                assert_true(hash_eq(&out[i], &wanted));
            }
            memset(wanted.b, 0xee, sizeof wanted.b);
            assert_true(hash_eq(&out[count], &wanted)); /* and no more */
        }
    }
}

/* The reference vector of the SipHash paper (appendix A): key 00..0f, message 00..0e. */
static void sip_matches_its_paper(void **state)
{
    (void)state;
    struct hash_sip_key key;
    uint8_t message[15];
    for (uint8_t i = 0; i < 16; i++)
        key.b[i] = i;
    for (uint8_t i = 0; i < 15; i++)
        message[i] = i;
    assert_true(hash_sip(&key, bytes_of(message, sizeof message)) == UINT64_C(0xa129ca6149be45e5));
}

/* RFC 8032 section 7.1, test 3. */
static void signatures_match_rfc_8032(void **state)
{
    (void)state;
    assert_int_equal(sign_start(), ERR_OK);
    uint8_t seed[SIGN_SEED_SIZE];
    const uint8_t message[] = {0xaf, 0x82};
    assert_true(str_unhex(STR("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"), seed,
                          sizeof seed));
    struct sign_key key = sign_key_from_seed(seed);
    assert_hex(key.public.b, 32, "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
    struct signature signature;
    assert_int_equal(sign_raw(&key, bytes_of(message, 2), &signature), ERR_OK);
    assert_hex(signature.b, 64,
               "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
               "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
    assert_int_equal(sign_raw_verify(&key.public, bytes_of(message, 2), &signature), ERR_OK);
    assert_int_equal(sign_raw_verify(&key.public, bytes_of(message, 1), &signature), ERR_SIGNATURE);
    sign_key_wipe(&key);
    for (size_t i = 0; i < SIGN_SECRET_SIZE; i++)
        assert_int_equal(key.secret[i], 0);
}

static void a_signature_is_bound_to_its_use(void **state)
{
    (void)state;
    uint8_t seed[SIGN_SEED_SIZE] = {1};
    struct sign_key key = sign_key_from_seed(seed);
    struct signature signature;
    struct bytes message = bytes_of("message", 7);
    assert_int_equal(sign_message(&key, "use a", message, &signature), ERR_OK);
    assert_int_equal(sign_verify(&key.public, "use a", message, &signature), ERR_OK);
    assert_int_equal(sign_verify(&key.public, "use b", message, &signature), ERR_SIGNATURE);
    assert_int_equal(sign_verify(&key.public, "use a", bytes_of("messagf", 7), &signature), ERR_SIGNATURE);
    assert_int_equal(sign_raw_verify(&key.public, message, &signature), ERR_SIGNATURE);
    /* The zero byte keeps context and message apart. */
    assert_int_equal(sign_verify(&key.public, "use am", bytes_of("essage", 6), &signature), ERR_SIGNATURE);
    for (size_t i = 0; i < signature.len; i++) {
        signature.b[i] ^= 1;
        assert_int_equal(sign_verify(&key.public, "use a", message, &signature), ERR_SIGNATURE);
        signature.b[i] ^= 1;
    }
}

static void a_seal_of(unsigned suite)
{
    struct seal_secret secret = {{7}}, other = {{8}};
    const char plain[] = "what nobody else may read";
    enum { LEN = sizeof plain - 1, SEALED = LEN + SEAL_TAG_SIZE };
    uint8_t sealed[SEALED], opened[LEN];
    struct bytes bound = bytes_of("id", 2);
    assert_int_equal(seal_close(suite, &secret, bytes_of(plain, LEN), bound, sealed), ERR_OK);
    assert_memory_not_equal(sealed, plain, LEN);
    assert_int_equal(seal_open(suite, &secret, bytes_of(sealed, SEALED), bound, opened), ERR_OK);
    assert_memory_equal(opened, plain, LEN);
    assert_int_equal(seal_open(suite, &other, bytes_of(sealed, SEALED), bound, opened), ERR_SIGNATURE);
    assert_int_equal(seal_open(suite, &secret, bytes_of(sealed, SEALED), bytes_of("ie", 2), opened),
                     ERR_SIGNATURE);
    assert_int_equal(seal_open(suite, &secret, bytes_of(sealed, SEAL_TAG_SIZE - 1), bound, opened),
                     ERR_SHORT);
    for (size_t len = SEAL_TAG_SIZE; len < SEALED; len++)
        assert_int_equal(seal_open(suite, &secret, bytes_of(sealed, len), bound, opened), ERR_SIGNATURE);
    for (size_t i = 0; i < SEALED; i++) {
        sealed[i] ^= 0x80;
        assert_int_equal(seal_open(suite, &secret, bytes_of(sealed, SEALED), bound, opened), ERR_SIGNATURE);
        sealed[i] ^= 0x80;
    }
}

static void a_seal_shows_every_change(void **state)
{
    (void)state;
    for (unsigned suite = SUITE_OLDEST; suite <= SUITE_NEWEST; suite++)
        a_seal_of(suite);
}

static void salts_differ_by_label_context_and_secret(void **state)
{
    (void)state;
    struct seal_secret secret = {{7}}, other = {{8}}, none = {{0}};
    struct hash salts[] = {
        seal_salts(&secret, "a", bytes_of("x", 1)).a,          seal_salts(&secret, "b", bytes_of("x", 1)).a,
        seal_salts(&secret, "a", bytes_of("y", 1)).a,          seal_salts(&other, "a", bytes_of("x", 1)).a,
        seal_salts(&secret, "ax", (struct bytes) {NULL, 0}).a,
    };
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(hash_eq(&salts[i], &salts[k]));
    struct hash again = seal_salts(&secret, "a", bytes_of("x", 1)).a;
    assert_true(hash_eq(&again, &salts[0]));
    assert_true(seal_secret_destroyed(&none) && !seal_secret_destroyed(&secret));
}

static void uuids_are_read_written_and_derived(void **state)
{
    (void)state;
    struct uuid dns, uuid;
    char text[UUID_TEXT_SIZE];
    assert_true(uuid_parse(STR("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), &dns)); /* RFC 4122 appendix C */
    uuid = uuid_v5(&dns, bytes_of("www.example.com", 15));
    uuid_text(&uuid, text);
    /* The value that RFC 9562 appendix A.4 gives. */
    assert_memory_equal(text, "2ed6657d-e927-568b-95e1-2665a8aea6a2", UUID_TEXT_SIZE);
    assert_true(uuid_parse(STR("2ED6657D-E927-568B-95E1-2665A8AEA6A2"), &dns));
    assert_memory_equal(dns.b, uuid.b, UUID_SIZE);
    uint8_t random[UUID_SIZE];
    memset(random, 0xff, sizeof random);
    uuid = uuid_v4(random);
    uuid_text(&uuid, text);
    assert_memory_equal(text, "ffffffff-ffff-4fff-bfff-ffffffffffff", UUID_TEXT_SIZE);
    static const char *const wrong[] = {"",
                                        "2ed6657d-e927-568b-95e1-2665a8aea6a",
                                        "2ed6657d-e927-568b-95e1-2665a8aea6a22",
                                        "2ed6657de-927-568b-95e1-2665a8aea6a2",
                                        "2ed6657d-e927-568b-95e1-2665a8aea6ag",
                                        "2ed6657d-e927-568b-95e1_2665a8aea6a2",
                                        "{2ed6657d-e927-568b-95e1-2665a8aea6}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(uuid_parse(str_of(wrong[i]), &uuid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_match_the_standards),
        cmocka_unit_test(digests_of_each),
        cmocka_unit_test(sip_matches_its_paper),
        cmocka_unit_test(signatures_match_rfc_8032),
        cmocka_unit_test(a_signature_is_bound_to_its_use),
        cmocka_unit_test(a_seal_shows_every_change),
        cmocka_unit_test(salts_differ_by_label_context_and_secret),
        cmocka_unit_test(uuids_are_read_written_and_derived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
