/* The file of a root key, of every suite: what the passphrase opens, what it looks like, and that older files
 * open as they did. */
#include <sodium.h>

#include "app_test.h"

#include "app/file.h"
#include "app/keys.h"

static const struct str phrase = {"correct horse", 13};

static void text_of(const char *path, struct buf *out)
{
    buf_init(out, 4096);
    assert_int_equal(file_read_all(os_linux(), path, out), ERR_OK);
}

static void write_text(const char *dir, struct str text)
{
    assert_int_equal(file_replace(os_linux(), dir, KEYS_ROOT, bytes_from_str(text)), ERR_OK);
}

static void a_passphrase_opens_it(void **state)
{
    (void)state;
    for (unsigned suite = SUITE_OLDEST; suite <= SUITE_NEWEST; suite++) {
        char *dir = scratch_new(), path[600], head[64];
        struct sign_key made, opened;
        struct buf text;
        (void)snprintf(path, sizeof path, "%s/" KEYS_ROOT, dir);
        assert_int_equal(keys_root_make(os_linux(), dir, suite, phrase, &made), ERR_OK);
        assert_int_equal(made.public.suite, suite);
        assert_int_equal(keys_root_make(os_linux(), dir, suite, phrase, &opened), ERR_EXISTS);
        assert_int_equal(keys_root_open(os_linux(), path, phrase, &opened), ERR_OK);
        assert_true(sign_public_eq(&made.public, &opened.public));
        assert_int_equal(keys_root_open(os_linux(), path, STR("correct horsf"), &opened), ERR_DENIED);
        text_of(path, &text);
        /* Suite 1 is as it was; of the others no line is left for libsodium's nonce. */
        (void)snprintf(head, sizeof head,
                       suite == SUITE_1 ? "bongsu root key v1\n" : "bongsu root key v2 suite%u\n", suite);
        assert_true(str_starts(buf_str(&text), str_of(head)));
        assert_int_equal(memmem(text.at, text.len, "\nnonce ", 7) != NULL, suite == SUITE_1);
        buf_deinit(&text);
        scratch_free(dir);
    }
}

/* What stands before the box is bound: the number of the suite, the cost, the salt. */
static void what_is_changed_does_not_open(void **state)
{
    char *dir = scratch_new(), path[600];
    struct sign_key key;
    struct buf text;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/" KEYS_ROOT, dir);
    assert_int_equal(keys_root_make(os_linux(), dir, SUITE_2, phrase, &key), ERR_OK);
    text_of(path, &text);
    text.at[sizeof "bongsu root key v2 suite" - 1] = '3';
    write_text(dir, buf_str(&text));
    assert_int_equal(keys_root_open(os_linux(), path, phrase, &key), ERR_DENIED);
    text.at[sizeof "bongsu root key v2 suite" - 1] = '9';
    write_text(dir, buf_str(&text));
    assert_int_equal(keys_root_open(os_linux(), path, phrase, &key), ERR_VERSION);
    text.at[sizeof "bongsu root key v2 suite" - 1] = '2';
    text.at[text.len - 2] ^= 1; /* the last digit of the box: another one, or none */
    write_text(dir, buf_str(&text));
    assert_int_not_equal(keys_root_open(os_linux(), path, phrase, &key), ERR_OK);
    text.at[text.len - 2] ^= 1;
    write_text(dir, buf_str(&text));
    assert_int_equal(keys_root_open(os_linux(), path, phrase, &key), ERR_OK);
    buf_deinit(&text);
    scratch_free(dir);
}

static void put_hex(struct buf *out, const char *word, const uint8_t *at, size_t len)
{
    char hex[200];
    str_hex(at, len, hex);
    buf_printf(out, "%s %.*s\n", word, (int)(2 * len), hex);
}

/* Of a suite of OpenSSL, as it was written before the suite sealed it: with libsodium's secretbox. */
static void an_older_file_opens(void **state)
{
    char *dir = scratch_new(), path[600];
    const uint8_t salt[crypto_pwhash_SALTBYTES] = {1}, nonce[crypto_secretbox_NONCEBYTES] = {2};
    const struct sign_seed seed = {SUITE_2, {3}};
    uint8_t key[32], box[32 + crypto_secretbox_MACBYTES];
    struct sign_key wanted, opened;
    struct buf text;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/" KEYS_ROOT, dir);
    assert_int_equal(
        crypto_pwhash(key, sizeof key, phrase.at, phrase.len, salt, 1, 8192, crypto_pwhash_ALG_ARGON2ID13),
        0);
    assert_int_equal(crypto_secretbox_easy(box, seed.b, sizeof seed.b, nonce, key), 0);
    buf_init(&text, 4096);
    buf_put_str(&text, STR("bongsu root key v1 suite2\nargon2id 1 8192\n"));
    put_hex(&text, "salt", salt, sizeof salt);
    put_hex(&text, "nonce", nonce, sizeof nonce);
    put_hex(&text, "box", box, sizeof box);
    write_text(dir, buf_str(&text));
    assert_int_equal(keys_root_open(os_linux(), path, phrase, &opened), ERR_OK);
    assert_int_equal(sign_key_make(&seed, &wanted), ERR_OK);
    assert_true(sign_public_eq(&wanted.public, &opened.public));
    assert_int_equal(keys_root_open(os_linux(), path, STR("correct horsf"), &opened), ERR_DENIED);
    buf_deinit(&text);
    scratch_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passphrase_opens_it),
        cmocka_unit_test(what_is_changed_does_not_open),
        cmocka_unit_test(an_older_file_opens),
    };
    return sign_start() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
