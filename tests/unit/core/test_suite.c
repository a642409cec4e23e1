/* The suites against vectors that others published, and each of them against every flipped bit. */
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/obj_mac.h>
#include <stdio.h>

#include "core/mem.h"
#include "core/seal.h"
#include "core/sealed_stream.h"
#include "core/sign.h"

#include "core_test.h"

#define EVERY_SUITE(number) for (unsigned number = SUITE_OLDEST; number <= SUITE_NEWEST; number++)

static struct bytes unhex(const char *hex, uint8_t *out)
{
    struct str text = str_of(hex);
    assert_true(str_unhex(text, out, text.len / 2));
    return bytes_of(out, text.len / 2);
}

/* RFC 6979 appendix A.2.5: the key, and signatures of it with SHA-256. */
static const char key_2_5[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
static const char point_2_5[] = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                                "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char sample_2_5[] = "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                                 "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
static const char test_2_5[] = "3045022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
                               "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083";

static struct sign_key key_of(unsigned suite, const char *hex)
{
    struct sign_seed seed = {.suite = (uint16_t)suite};
    struct sign_key key;
    (void)unhex(hex, seed.b);
    assert_int_equal(sign_key_make(&seed, &key), ERR_OK);
    return key;
}

static err_t verify_hex(const struct sign_key *key, const char *message, const char *hex)
{
    struct signature signature;
    signature.len = unhex(hex, signature.b).len;
    return sign_raw_verify(&key->public, bytes_from_str(str_of(message)), &signature);
}

static void ecdsa_matches_rfc_6979(void **state)
{
    (void)state;
    struct sign_key key = key_of(SUITE_2, key_2_5);
    assert_hex(key.public.b, 65, point_2_5);
    assert_int_equal(verify_hex(&key, "sample", sample_2_5), ERR_OK);
    assert_int_equal(verify_hex(&key, "test", test_2_5), ERR_OK);
    assert_int_equal(verify_hex(&key, "test", sample_2_5), ERR_SIGNATURE);
    assert_int_equal(verify_hex(&key, "sampl", sample_2_5), ERR_SIGNATURE);
}

/* One spelling: strict DER. Other spellings of the same two numbers are refused. */
static void a_signature_has_one_spelling(void **state)
{
    (void)state;
    static const char *const others[] = {
        /* long form of a length */
        "308145022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
        "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
        /* a zero too many before s */
        "3046022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
        "022100019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
        /* no zero before r: a negative number */
        "30440220f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
        "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
        /* a byte behind */
        "3045022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
        "0220019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f008300",
        /* r and s side by side, as some tokens give them */
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
        /* zeros; nothing */
        "3006020100020100",
        "",
    };
    struct sign_key key = key_of(SUITE_2, key_2_5);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(verify_hex(&key, "test", others[i]), ERR_SIGNATURE);
    /* The other s of the same r, as modules give it, is a signature too: n - s of "test". */
    assert_int_equal(verify_hex(&key, "test",
                                "3046022100f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
                                "022100fe60beeb8bd5d4ec42da6d94b639b6ea5dc07c4cd3965338e6f1887217f424ce"),
                     ERR_OK);
}

/* A hand that signs digests alone gives the same signature, number by number. */
static void two_numbers_are_spelled_as_a_signature(void **state)
{
    (void)state;
    static const char both[] = "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
                               "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083";
    struct sign_key key = key_of(SUITE_2, key_2_5), first = key_of(SUITE_1, key_2_5);
    struct signature signature;
    uint8_t numbers[2 * SIGN_NUMBER_MAX], digest[SIGN_NUMBER_MAX];
    assert_int_equal(sign_number_size(&key.public), 32);
    assert_int_equal(sign_number_size(&first.public), 0);
    assert_int_equal(unhex(both, numbers).len, 64);
    assert_int_equal(sign_spell(&key.public, numbers, &signature), ERR_OK);
    assert_hex(signature.b, signature.len, test_2_5);
    assert_int_equal(sign_raw_verify(&key.public, bytes_from_str(STR("test")), &signature), ERR_OK);
    assert_int_equal(sign_digest(&key.public, bytes_from_str(STR("test")), digest), ERR_OK);
    assert_hex(digest, 32, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    memset(numbers, 0, sizeof numbers); /* numbers that sign nothing */
    assert_int_equal(sign_spell(&key.public, numbers, &signature), ERR_OK);
    assert_int_equal(sign_raw_verify(&key.public, bytes_from_str(STR("test")), &signature), ERR_SIGNATURE);
}

static void every_suite_signs_and_shows_every_change(void **state)
{
    (void)state;
    struct bytes message = bytes_of("message", 7);
    EVERY_SUITE(suite)
    {
        struct sign_key key = key_of(suite, key_2_5);
        struct signature signature;
        assert_int_equal(sign_message(&key, "use a", message, &signature), ERR_OK);
        assert_int_equal(sign_verify(&key.public, "use a", message, &signature), ERR_OK);
        assert_int_equal(sign_verify(&key.public, "use b", message, &signature), ERR_SIGNATURE);
        for (size_t bit = 0; bit < 8 * signature.len; bit++) {
            signature.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(sign_verify(&key.public, "use a", message, &signature), ERR_SIGNATURE);
            signature.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t bit = 0; bit < 8 * sign_public_bytes(&key.public).len; bit++) {
            key.public.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(sign_verify(&key.public, "use a", message, &signature), ERR_SIGNATURE);
            key.public.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        while (signature.len-- > 0)
            assert_int_equal(sign_verify(&key.public, "use a", message, &signature), ERR_SIGNATURE);
        key.public.suite = 77;
        assert_int_equal(sign_verify(&key.public, "use a", message, &signature), ERR_SIGNATURE);
        assert_int_equal(sign_message(&key, "use a", message, &signature), ERR_VERSION);
    }
}

/* A public key is read in one spelling, and only when it can be one. */
static void public_keys_are_points_of_the_curve(void **state)
{
    (void)state;
    uint8_t bytes[SIGN_PUBLIC_MAX + 1] = {0};
    struct sign_public key;
    struct buf wire;
    struct bytes point = unhex(point_2_5, bytes);
    assert_int_equal(sign_public_of(SUITE_2, point, &key), ERR_OK);
    assert_int_equal(sign_public_of(SUITE_2, bytes_of(bytes, 64), &key), ERR_INVALID);
    assert_int_equal(sign_public_of(SUITE_2, bytes_of(bytes, 66), &key), ERR_INVALID);
    assert_int_equal(sign_public_of(SUITE_1, point, &key), ERR_INVALID);
    assert_int_equal(sign_public_of(SUITE_NEWEST + 1, point, &key), ERR_VERSION);
    for (unsigned head = 0; head < 256; head++) { /* 6 and 7 are hybrid forms, which nobody writes */
        bytes[0] = (uint8_t)head;
        assert_int_equal(sign_public_of(SUITE_2, point, &key), head == 4 ? ERR_OK : ERR_INVALID);
    }
    bytes[0] = 4;
    bytes[64] ^= 1;
    assert_int_equal(sign_public_of(SUITE_2, point, &key), ERR_INVALID);
    memset(bytes + 1, 0, 64);
    assert_int_equal(sign_public_of(SUITE_2, point, &key), ERR_INVALID);
    memset(bytes + 1, 0xff, 64); /* coordinates beyond the field */
    assert_int_equal(sign_public_of(SUITE_2, point, &key), ERR_INVALID);
    buf_init(&wire, 128);
    EVERY_SUITE(suite)
    {
        struct sign_key made = key_of(suite, key_2_5);
        buf_clear(&wire);
        sign_public_put(&wire, &made.public);
        struct rd rd = rd_of(buf_bytes(&wire));
        sign_public_take(&rd, &key);
        assert_int_equal(rd_end(&rd), ERR_OK);
        assert_true(sign_public_eq(&key, &made.public));
        for (size_t len = 0; len < wire.len; len++) {
            rd = rd_of(bytes_of(wire.at, len));
            sign_public_take(&rd, &key);
            assert_int_not_equal(rd_end(&rd), ERR_OK);
        }
    }
    buf_deinit(&wire);
}

/* Zero and the order itself are no private keys: the next candidate is taken (FIPS 186-5 appendix A.2.2). */
static void every_seed_gives_a_key(void **state)
{
    (void)state;
    static const char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";
    struct sign_key least = key_of(SUITE_2, zero), most = key_of(SUITE_2, order);
    uint8_t raw[32];
    struct hash next = hash_sha256(unhex(zero, raw));
    assert_memory_equal(least.secret, next.b, 32);
    next = hash_sha256(unhex(order, raw));
    assert_memory_equal(most.secret, next.b, 32);
    raw[31]--; /* of the order: a key as any other, and its point is -G */
    struct sign_seed seed = {.suite = SUITE_2};
    (void)unhex(order, seed.b);
    seed.b[31]--;
    assert_int_equal(sign_key_make(&seed, &most), ERR_OK);
    assert_memory_equal(most.secret, seed.b, 32);
    assert_hex(most.public.b + 1, 32, "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
    assert_int_equal(sign_key_make(&(struct sign_seed) {.suite = SUITE_NEWEST + 1}, &most), ERR_VERSION);
}

/* --- the ciphers --- */

/* Test case 16 of the GCM specification (McGrew and Viega), as NIST has it; of ARIA RFC 8269 appendix A.2.2.
 */
static const struct gcm_vector {
    unsigned suite;
    const char *key, *nonce, *bound, *plain, *sealed;
} gcm_vectors[] = {
    {SUITE_2, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {SUITE_3, "0c5ffd37a11edc42c325287fc0604f2e3e8cd5671a00fe3216aa5eb105783b54", "000020e8f5eb00000000315e",
     "8008315ebf2e6fe020e8f5eb",
     "f57af5fd4ae19562976ec57a5a7ad55a5af5c5e5c5fdf5c55ad57a4a7272d57262e9729566ed66e9"
     "7ac54a4a5a7ad5e15ae5fdd5fd5ac5d56ae56ad5c572d54ae54ac55a956afd6aed5a4ac562957a95"
     "16991691d572fd14e97ae962ed7a9f4a955af572e162f57a956666e17ae1f54a95f566d54a66e16e"
     "4afd6a9f7ae1c5c55ae5d56afde916c5e94a6ec56695e14afde1148416e94ad57ac5146ed59d1cc5",
     "6f9e4bcbc8c85fc0128fb1e4a0a20cb9932ff74581f54fc013dd054b19f99371425b352d97d3f337"
     "b90b63d1b082adeeea9d2d7391897d591b985e55fb50cb5350cf7d38dc27dda127c078a149c8eb98"
     "083d66363a46e3726af217d3a00275ad5bf772c7610ea4c23006878f0ee69a8397703169a419303f"
     "40b72e4573714d19e2697df61e7c7252e5abc6bade876ac4961bfac4d5e867afca351a48aed52822"
     "e210d6ced2cf430ff841472915e7ef48"},
};

static void gcm_matches_its_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof gcm_vectors / sizeof gcm_vectors[0]; i++) {
        const struct gcm_vector *v = &gcm_vectors[i];
        const struct suite *suite = suite_of(v->suite);
        uint8_t key[32], nonce[12], bound_raw[64], plain_raw[256], sealed[272], wanted[272], opened[256];
        (void)unhex(v->key, key);
        (void)unhex(v->nonce, nonce);
        struct bytes bound = unhex(v->bound, bound_raw), plain = unhex(v->plain, plain_raw);
        assert_int_equal(suite_gcm_close(suite, key, nonce, plain, bound, sealed), ERR_OK);
        struct bytes whole = bytes_of(sealed, plain.len + SUITE_TAG_SIZE);
        assert_int_equal(unhex(v->sealed, wanted).len, whole.len);
        assert_memory_equal(sealed, wanted, whole.len);
        assert_int_equal(suite_gcm_open(suite, key, nonce, whole, bound, opened), ERR_OK);
        assert_memory_equal(opened, plain.at, plain.len);
        for (size_t bit = 0; bit < 8 * whole.len; bit++) {
            sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(suite_gcm_open(suite, key, nonce, whole, bound, opened), ERR_SIGNATURE);
            sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t k = 0; k < plain.len; k++)
            assert_int_equal(opened[k], 0); /* nothing of what did not hold is left */
        bound.len--;
        assert_int_equal(suite_gcm_open(suite, key, nonce, whole, bound, opened), ERR_SIGNATURE);
        assert_int_equal(suite_gcm_open(suite, key, nonce, bytes_of(sealed, 15), bound, opened), ERR_SHORT);
    }
}

static void hmac(size_t size, struct bytes key, struct bytes data, uint8_t *out)
{
    struct hash digest = hash_hmac_sha256(key, data);
    if (size == HASH_SIZE)
        memcpy(out, digest.b, HASH_SIZE);
    else
        assert_non_null(HMAC(EVP_sha384(), key.at, (int)key.len, data.at, data.len, out, NULL));
}

/* RFC 5869 by hand: extract, and expand to two blocks at most, with SHA-256 or, `size` 48, SHA-384. */
static void hkdf_by(size_t size, struct bytes from, struct bytes salt, struct bytes info, uint8_t *out,
                    size_t len)
{
    static const uint8_t no_salt[48];
    uint8_t key[48], block[48], data[320];
    size_t before = 0;
    hmac(size, salt.len == 0 ? bytes_of(no_salt, size) : salt, from, key);
    for (uint8_t n = 1; len > 0; n++) {
        memcpy(data + before, info.at, info.len);
        data[before + info.len] = n;
        hmac(size, bytes_of(key, size), bytes_of(data, before + info.len + 1), block);
        size_t take = len < size ? len : size;
        memcpy(out, block, take);
        memcpy(data, block, size);
        before = size;
        out += take;
        len -= take;
    }
}

static void hkdf(struct bytes from, struct bytes salt, struct bytes info, uint8_t *out, size_t len)
{
    hkdf_by(32, from, salt, info, out, len);
}

static void hkdf_by_hand_matches_rfc_5869(void **state)
{
    (void)state;
    uint8_t from[22], salt[13], info[10], out[42]; /* test case 1 */
    memset(from, 0x0b, sizeof from);
    (void)unhex("000102030405060708090a0b0c", salt);
    (void)unhex("f0f1f2f3f4f5f6f7f8f9", info);
    hkdf(bytes_of(from, 22), bytes_of(salt, 13), bytes_of(info, 10), out, sizeof out);
    assert_hex(out, sizeof out,
               "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}

/* The point of a scalar times another one, by OpenSSL's arithmetic of points alone; NULL: of the generator.
 */
static void p384_times(const uint8_t scalar[48], const uint8_t *point, uint8_t out[97])
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_secp384r1);
    EC_POINT *from = EC_POINT_new(group), *made = EC_POINT_new(group);
    BIGNUM *number = BN_bin2bn(scalar, 48, NULL);
    assert_true(point == NULL || EC_POINT_oct2point(group, from, point, 97, NULL) == 1);
    assert_int_equal(EC_POINT_mul(group, made, point == NULL ? number : NULL, point == NULL ? NULL : from,
                                  point == NULL ? NULL : number, NULL),
                     1);
    assert_int_equal(EC_POINT_point2oct(group, made, POINT_CONVERSION_UNCOMPRESSED, out, 97, NULL), 97);
    BN_free(number);
    EC_POINT_free(from);
    EC_POINT_free(made);
    EC_GROUP_free(group);
}

static void p384_scalar(const uint8_t seed[32], uint8_t out[48])
{
    hkdf_by(48, bytes_of(seed, 32), bytes_of(NULL, 0), bytes_of("bongsu scalar 4", 16), out, 48);
}

/* RFC 6979 appendix A.2.6: the key, and signatures of it with SHA-384. */
static void p384_matches_rfc_6979(void **state)
{
    (void)state;
    static const char scalar[] = "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba"
                                 "9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5";
    static const char point[] = "04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64"
                                "def8f0ea9055866064a254515480bc13"
                                "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1"
                                "288b231c3ae0d4fe7344fd2533264720";
    static const char sample[] = "306602310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
                                 "81a648152e44acf96e36dd1e80fabe46"
                                 "02310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f"
                                 "a329c145786e679e7b82c71a38628ac8";
    static const char test[] = "30660231008203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb"
                               "0542a7f0812998da8f1dd3ca3cf023db"
                               "023100ddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e0"
                               "6a739f040649a667bf3b828246baa5a5";
    struct sign_key key = {.secret = {0}};
    struct signature signature;
    uint8_t bytes[97];
    assert_int_equal(sign_public_of(SUITE_4, unhex(point, bytes), &key.public), ERR_OK);
    (void)unhex(scalar, key.secret);
    p384_times(key.secret, NULL, bytes);
    assert_memory_equal(bytes, key.public.b, 97);
    assert_int_equal(verify_hex(&key, "sample", sample), ERR_OK);
    assert_int_equal(verify_hex(&key, "test", test), ERR_OK);
    assert_int_equal(verify_hex(&key, "test", sample), ERR_SIGNATURE);
    assert_int_equal(sign_raw(&key, bytes_of("sample", 6), &signature), ERR_OK);
    assert_int_equal(sign_raw_verify(&key.public, bytes_of("sample", 6), &signature), ERR_OK);
    key.public.suite = SUITE_2; /* the begin of the point is none of P-256 */
    assert_int_equal(verify_hex(&key, "sample", sample), ERR_SIGNATURE);
}

/* Keys are made of a seed, and boxes, as docs/protocol says, put together by hand. */
static void p384_is_as_written(void **state)
{
    (void)state;
    for (unsigned number = SUITE_4; number <= SUITE_5; number++) {
        struct sign_seed secret = {(uint16_t)number, {1, 2, 3}};
        const uint8_t sender[32] = {4, 5, 6}, nonce[12] = {0};
        struct sealed_key key = {(uint16_t)number, {9, 8, 7}};
        struct sign_key made;
        struct sign_public to;
        uint8_t scalar[48], point[97], both[97], box[SEALED_BOX_MAX], info[13 + 97 + 97], wrap[32],
            opened[32];
        p384_scalar(secret.b, scalar);
        p384_times(scalar, NULL, point);
        assert_int_equal(sign_key_make(&secret, &made), ERR_OK);
        assert_memory_equal(made.secret, scalar, 48);
        assert_memory_equal(made.public.b, point, 97);
        assert_int_equal(sealed_public(&secret, &to), ERR_OK);
        assert_true(sign_public_eq(&to, &made.public));
        assert_int_equal(sealed_box_size(number), 145);
        assert_int_equal(sealed_box(&to, sender, &key, box), ERR_OK);
        p384_scalar(sender, scalar);
        p384_times(scalar, NULL, point);
        assert_memory_equal(box, point, 97);
        p384_times(scalar, to.b, both);
        memcpy(info, "bongsu box 4", 13);
        memcpy(info + 13, box, 97);
        memcpy(info + 110, to.b, 97);
        hkdf_by(48, bytes_of(both + 1, 48), bytes_of(NULL, 0), bytes_of(info, sizeof info), wrap,
                sizeof wrap);
        assert_int_equal(
            suite_gcm_open(suite_of(number), wrap, nonce, bytes_of(box + 97, 48), bytes_of(NULL, 0), opened),
            ERR_OK);
        assert_memory_equal(opened, key.b, 32);
    }
}

/* A box is what docs/protocol/BUNDLE.md says, put together by hand, over the agreement of RFC 5903
 * section 8.1: the sender's key is its i, the recipient's its r. */
static void boxes_are_as_written(void **state)
{
    (void)state;
    static const char i[] = "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433";
    static const char r[] = "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53";
    static const char gi[] = "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
                             "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3";
    static const char gr[] = "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                             "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab";
    static const char gir[] = "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de";
    for (unsigned number = SUITE_2; number <= SUITE_3; number++) {
        struct sign_seed secret = {.suite = (uint16_t)number};
        struct sealed_key key = {(uint16_t)number, {9, 8, 7}}, out;
        struct sign_public to;
        uint8_t seed[32], shared[32], box[SEALED_BOX_MAX], info[13 + 65 + 65], wrap[32], opened[32];
        const uint8_t nonce[12] = {0};
        (void)unhex(r, secret.b);
        (void)unhex(i, seed);
        assert_int_equal(sealed_public(&secret, &to), ERR_OK);
        assert_hex(to.b, 65, gr);
        assert_int_equal(sealed_box_size(number), 113);
        assert_int_equal(sealed_box(&to, seed, &key, box), ERR_OK);
        assert_hex(box, 65, gi);
        memcpy(info, "bongsu box 2", 13);
        memcpy(info + 13, box, 65);
        memcpy(info + 78, to.b, 65);
        hkdf(unhex(gir, shared), bytes_of(NULL, 0), bytes_of(info, sizeof info), wrap, sizeof wrap);
        assert_int_equal(
            suite_gcm_open(suite_of(number), wrap, nonce, bytes_of(box + 65, 48), bytes_of(NULL, 0), opened),
            ERR_OK);
        assert_memory_equal(opened, key.b, 32);
        assert_int_equal(sealed_unbox(&secret, box, &out), ERR_OK);
        assert_memory_equal(out.b, key.b, 32);
        assert_int_equal(out.suite, number);
    }
}

/* What a store keeps is sealed as docs/protocol/LOG.md says, put together by hand; and what one cipher sealed
 * no other one opens. */
static void seals_are_as_written(void **state)
{
    (void)state;
    static const struct seal_secret secret = {{9, 8, 7}};
    static const uint8_t nonce[12] = {0};
    struct bytes bound = bytes_of("bound", 5);
    struct hash digest = hash_sha256(bound);
    for (unsigned number = SUITE_2; number <= SUITE_NEWEST; number++) {
        const struct suite *suite = suite_of(number);
        uint8_t sealed[5 + SEAL_TAG_SIZE], plain[5], key[32], info[80];
        size_t len = (size_t)snprintf((char *)info, sizeof info, "bongsu seal %s", suite->cipher) + 1;
        memcpy(info + len, digest.b, HASH_SIZE);
        assert_int_equal(seal_close(number, &secret, bytes_of("plain", 5), bound, sealed), ERR_OK);
        hkdf_by(suite->curve->size, bytes_of(secret.b, 32), bytes_of(NULL, 0),
                bytes_of(info, len + HASH_SIZE), key, sizeof key);
        assert_int_equal(suite_gcm_open(suite, key, nonce, bytes_of(sealed, sizeof sealed), bound, plain),
                         ERR_OK);
        assert_memory_equal(plain, "plain", 5);
        for (unsigned other = SUITE_OLDEST; other <= SUITE_NEWEST; other++) {
            assert_int_equal(seal_open(other, &secret, bytes_of(sealed, sizeof sealed), bound, plain),
                             other == number ? ERR_OK : ERR_SIGNATURE);
        }
    }
    uint8_t out[SEAL_TAG_SIZE];
    assert_int_equal(seal_close(SUITE_NEWEST + 1, &secret, bytes_of(NULL, 0), bound, out), ERR_VERSION);
    assert_int_equal(seal_open(SUITE_NEWEST + 1, &secret, bytes_of(out, sizeof out), bound, out),
                     ERR_VERSION);
}

/* A secret that came from outside may be kept twice. Each place has a key of its own: what GCM makes of equal
 * texts under one key and one nonce would differ in the tag alone. */
static void a_secret_kept_twice_makes_two_keys(void **state)
{
    (void)state;
    static const struct seal_secret secret = {{9, 8, 7}};
    for (unsigned number = SUITE_2; number <= SUITE_NEWEST; number++) {
        uint8_t here[32 + SEAL_TAG_SIZE], there[32 + SEAL_TAG_SIZE];
        const uint8_t zeros[32] = {0}; /* sealed, they are what the cipher gives */
        assert_int_equal(seal_close(number, &secret, bytes_of(zeros, 32), bytes_of("slot 1", 6), here),
                         ERR_OK);
        assert_int_equal(seal_close(number, &secret, bytes_of(zeros, 32), bytes_of("slot 2", 6), there),
                         ERR_OK);
        assert_memory_not_equal(here, there, 32);
    }
}

static void boxes_open_for_one_alone(void **state)
{
    (void)state;
    EVERY_SUITE(number)
    {
        struct sign_seed secret = {(uint16_t)number, {0, 3}}, other = {(uint16_t)number, {0, 4}};
        struct sealed_key key = {(uint16_t)number, {9, 8, 7}}, out;
        struct sign_public to;
        uint8_t seed[32] = {5}, box[SEALED_BOX_MAX];
        assert_int_equal(sealed_public(&secret, &to), ERR_OK);
        assert_int_equal(sealed_box(&to, seed, &key, box), ERR_OK);
        assert_int_equal(sealed_unbox(&secret, box, &out), ERR_OK);
        assert_memory_equal(out.b, key.b, 32);
        assert_int_equal(sealed_unbox(&other, box, &out), ERR_SIGNATURE);
        for (size_t bit = 0; bit < 8 * sealed_box_size(number); bit++) {
            box[bit / 8] ^= (uint8_t)(1u << bit % 8);
            /* X25519 passes over the highest bit of a point (RFC 7748 section 5), and libsodium's box binds
             * it. */
            assert_int_equal(sealed_unbox(&secret, box, &out), ERR_SIGNATURE);
            box[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        key.suite = number == SUITE_1 ? SUITE_2 : SUITE_1;
        assert_int_equal(sealed_box(&to, seed, &key, box), ERR_INVALID);
        memset(to.b, 0, sizeof to.b);
        key.suite = (uint16_t)number;
        assert_int_equal(sealed_box(&to, seed, &key, box), ERR_INVALID);
    }
    assert_int_equal(sealed_box_size(SUITE_NEWEST + 1), 0);
}

/* A stream is what docs/protocol/BUNDLE.md says, put together by hand. */
static void streams_are_as_written(void **state)
{
    (void)state;
    for (unsigned number = SUITE_2; number <= SUITE_NEWEST; number++) {
        struct sealed_key key = {(uint16_t)number, {1}};
        uint8_t header[SEALED_HEADER_SIZE] = {2}, made[44], sealed[5 + SEALED_RECORD_EXTRA], plain[6];
        struct sealed_stream *stream = sealed_new(&key, header);
        assert_non_null(stream);
        hkdf_by(suite_of(number)->curve->size, bytes_of(key.b, 32), bytes_of(header, sizeof header),
                bytes_of("bongsu stream 2", 16), made, 44);
        for (uint8_t n = 0; n < 3; n++) {
            assert_int_equal(
                sealed_put(stream, bytes_of("plain", 5), bytes_of("bound", 5), (enum sealed_mark)n, sealed),
                ERR_OK);
            uint8_t nonce[12];
            memcpy(nonce, made + 32, 12);
            nonce[11] ^= n;
            assert_int_equal(suite_gcm_open(suite_of(number), made, nonce, bytes_of(sealed, sizeof sealed),
                                            bytes_of("bound", 5), plain),
                             ERR_OK);
            assert_int_equal(plain[0], n);
            assert_memory_equal(plain + 1, "plain", 5);
        }
        sealed_free(stream);
    }
}

enum { RECORDS = 3, RECORD = 5 + SEALED_RECORD_EXTRA };

static err_t take(struct sealed_stream *stream, const uint8_t *record, const char *bound)
{
    uint8_t plain[5];
    enum sealed_mark mark;
    return sealed_take(stream, bytes_of(record, RECORD), bytes_from_str(str_of(bound)), plain, &mark);
}

static void streams_go_one_way(void **state)
{
    (void)state;
    EVERY_SUITE(number)
    {
        struct sealed_key key = {(uint16_t)number, {1}};
        uint8_t header[SEALED_HEADER_SIZE] = {2}, sealed[RECORDS][RECORD], plain[5];
        enum sealed_mark mark = SEALED_PART;
        struct sealed_stream *out = sealed_new(&key, header), *in = sealed_new(&key, header);
        assert_true(out != NULL && in != NULL);
        for (size_t i = 0; i < RECORDS; i++)
            assert_int_equal(sealed_put(out, bytes_of("plain", 5), bytes_of("bound", 5),
                                        i + 1 == RECORDS ? SEALED_LAST : SEALED_MORE, sealed[i]),
                             ERR_OK);
        assert_int_equal(take(in, sealed[1], "bound"), ERR_SIGNATURE); /* not the next one */
        assert_int_equal(take(in, sealed[0], "bounD"), ERR_SIGNATURE);
        for (size_t bit = 0; bit < (size_t)8 * RECORD; bit++) {
            sealed[0][bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(take(in, sealed[0], "bound"), ERR_SIGNATURE);
            sealed[0][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(take(in, sealed[0], "bound"), ERR_OK); /* it stands where it stood */
        assert_int_equal(take(in, sealed[0], "bound"), ERR_SIGNATURE);
        assert_int_equal(take(in, sealed[1], "bound"), ERR_OK);
        assert_int_equal(sealed_take(in, bytes_of(sealed[2], RECORD), bytes_of("bound", 5), plain, &mark),
                         ERR_OK);
        assert_int_equal(mark, SEALED_LAST);
        assert_memory_equal(plain, "plain", 5);
        assert_int_equal(sealed_take(in, bytes_of(sealed[2], 16), bytes_of("bound", 5), plain, &mark),
                         ERR_SHORT);
        sealed_free(out);
        sealed_free(in);
    }
    struct sealed_key nobody = {SUITE_NEWEST + 1, {1}};
    uint8_t header[SEALED_HEADER_SIZE] = {2};
    assert_null(sealed_new(&nobody, header));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ecdsa_matches_rfc_6979),
        cmocka_unit_test(a_signature_has_one_spelling),
        cmocka_unit_test(two_numbers_are_spelled_as_a_signature),
        cmocka_unit_test(every_suite_signs_and_shows_every_change),
        cmocka_unit_test(public_keys_are_points_of_the_curve),
        cmocka_unit_test(every_seed_gives_a_key),
        cmocka_unit_test(gcm_matches_its_vectors),
        cmocka_unit_test(hkdf_by_hand_matches_rfc_5869),
        cmocka_unit_test(p384_matches_rfc_6979),
        cmocka_unit_test(p384_is_as_written),
        cmocka_unit_test(boxes_are_as_written),
        cmocka_unit_test(seals_are_as_written),
        cmocka_unit_test(a_secret_kept_twice_makes_two_keys),
        cmocka_unit_test(boxes_open_for_one_alone),
        cmocka_unit_test(streams_are_as_written),
        cmocka_unit_test(streams_go_one_way),
    };
    return sign_start() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
