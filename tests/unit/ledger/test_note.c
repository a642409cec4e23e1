#include "ledger/note.h"

#include "ledger_test.h"

/* The example of C2SP signed-note. */
#define SPEC_VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define SPEC_TEXT "This is an example message.\n"
#define SPEC_NOTE                                                                                            \
    SPEC_TEXT                                                                                                \
    "\n— example.com/foo "                                                                                 \
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"

/* Key and id by the pages of C2SP and this project, the signature by openssl's own program, of the key of RFC
 * 6979 appendix A.2.5. */
#define ECDSA_VKEY                                                                                           \
    "example.com/ecdsa+5a7a78cc+AjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGD+1LolWp0xyWHrdMY1bWjASbi"             \
    "SO2H6bOZpYi5g8p+2eQP+EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk="
#define ECDSA_COSIGNER                                                                                       \
    "example.com/ecdsa+a22db13a+/2JvbmdzdS1jb3NpZ25hdHVyZS1lY2RzYS12MTBZMBMGByqGSM49AgEGCCqGSM4"             \
    "9AwEHA0IABGD+1LolWp0xyWHrdMY1bWjASbiSO2H6bOZpYi5g8p+2eQP+EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PCl"             \
    "NRGIpk="
#define ECDSA_NOTE                                                                                           \
    SPEC_TEXT "\n— example.com/ecdsa "                                                                     \
              "Wnp4zDBGAiEA8F6+pgaO8NjltJvRwZ4N2F6RF+MdtAtsl/J8UmrlFsgCIQC7zj1st1H4pUbH/Pupbkd1V5Agr25Jnt"   \
              "Q46GNIUD7QmQ=="                                                                               \
              "\n"

static err_t whole_verify(struct str whole, const struct note_key *key)
{
    struct note note;
    struct fault fault = {0};
    err_t err = note_parse(whole, &note, &fault);
    if (err != ERR_OK) {
        assert_int_equal(fault.code, err);
        return err;
    }
    return note_verify(&note, key);
}

static struct note_key key_named(const char *name, enum note_type type, const struct sign_key *secret)
{
    struct note_key key;
    assert_int_equal(note_key_make(str_of(name), type, &secret->public, &key), ERR_OK);
    return key;
}

static void test_example_of_the_specification(void **state)
{
    (void)state;
    struct note_key key;
    struct note note;
    assert_int_equal(sign_start(), ERR_OK);
    assert_int_equal(note_key_parse(STR(SPEC_VKEY), &key), ERR_OK);
    assert_int_equal(key.id, 0x530d903a);
    assert_int_equal(note_parse(STR(SPEC_NOTE), &note, NULL), ERR_OK);
    assert_true(str_eq(note.text, STR(SPEC_TEXT)));
    assert_int_equal(note.count, 1);
    assert_int_equal(note_verify(&note, &key), ERR_OK);
    struct buf buf;
    buf_init(&buf, 200);
    note_key_print(&key, &buf);
    assert_true(str_eq(buf_str(&buf), STR(SPEC_VKEY)));
    buf_deinit(&buf);
}

/* Types 0x02 and 0xff: what is read prints again; nothing shorter and no changed bit passes. */
static void test_keys_of_p256(void **state)
{
    (void)state;
    struct note_key key, cosigner, other;
    struct buf buf;
    assert_int_equal(note_key_parse(STR(ECDSA_VKEY), &key), ERR_OK);
    assert_int_equal(note_key_parse(STR(ECDSA_COSIGNER), &cosigner), ERR_OK);
    assert_true(key.type == NOTE_SIGNATURE && cosigner.type == NOTE_COSIGNATURE && key.id != cosigner.id);
    assert_true(sign_public_eq(&key.public, &cosigner.public) && key.public.suite == SUITE_2);
    assert_int_equal(whole_verify(STR(ECDSA_NOTE), &key), ERR_OK);
    assert_int_equal(whole_verify(STR(SPEC_NOTE), &key), ERR_NOTFOUND);
    buf_init(&buf, 1024);
    note_key_print(&key, &buf);
    assert_true(str_eq(buf_str(&buf), STR(ECDSA_VKEY)));
    buf_clear(&buf);
    note_key_print(&cosigner, &buf);
    assert_true(str_eq(buf_str(&buf), STR(ECDSA_COSIGNER)));
    for (size_t len = 0; len < buf.len; len++)
        assert_int_not_equal(note_key_parse((struct str) {(const char *)buf.at, len}, &other), ERR_OK);
    for (size_t bit = 0; bit < 8 * buf.len; bit++) {
        buf.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(note_key_parse(buf_str(&buf), &other), ERR_OK);
        buf.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sizeof ECDSA_NOTE - 1; len++)
        assert_int_not_equal(whole_verify((struct str) {ECDSA_NOTE, len}, &key), ERR_OK);
    buf_clear(&buf);
    buf_put_str(&buf, STR(ECDSA_NOTE));
    for (size_t bit = 0; bit < 8 * buf.len; bit++) {
        buf.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(whole_verify(buf_str(&buf), &key), ERR_OK);
        buf.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_deinit(&buf);
}

static void test_truncated_everywhere(void **state)
{
    (void)state;
    struct note_key key;
    assert_int_equal(note_key_parse(STR(SPEC_VKEY), &key), ERR_OK);
    for (size_t len = 0; len < sizeof SPEC_NOTE - 1; len++)
        assert_int_not_equal(whole_verify((struct str) {SPEC_NOTE, len}, &key), ERR_OK);
    for (size_t len = 0; len < sizeof SPEC_VKEY - 1; len++) {
        struct note_key other;
        assert_int_not_equal(note_key_parse((struct str) {SPEC_VKEY, len}, &other), ERR_OK);
    }
}

static void test_every_bit(void **state)
{
    (void)state;
    struct note_key key, other;
    char bad[sizeof SPEC_NOTE];
    assert_int_equal(note_key_parse(STR(SPEC_VKEY), &key), ERR_OK);
    for (size_t bit = 0; bit < 8 * (sizeof SPEC_NOTE - 1); bit++) {
        memcpy(bad, SPEC_NOTE, sizeof bad);
        bad[bit / 8] = (char)(bad[bit / 8] ^ (1 << (bit % 8)));
        assert_int_not_equal(whole_verify((struct str) {bad, sizeof bad - 1}, &key), ERR_OK);
    }
    for (size_t bit = 0; bit < 8 * (sizeof SPEC_VKEY - 1); bit++) {
        memcpy(bad, SPEC_VKEY, sizeof SPEC_VKEY);
        bad[bit / 8] = (char)(bad[bit / 8] ^ (1 << (bit % 8)));
        assert_int_not_equal(note_key_parse((struct str) {bad, sizeof SPEC_VKEY - 1}, &other), ERR_OK);
    }
}

static void test_malformed(void **state)
{
    (void)state;
#define LINE "— a ABCDEFE=\n"
    static const struct {
        const char *whole;
        err_t err;
    } rows[] = {
        {"a\n\n" LINE, ERR_OK},
        {"a\n\nb\n\n" LINE, ERR_OK},
        {"\n\n" LINE, ERR_OK},
        {"a\n" LINE, ERR_SYNTAX},
        {"a\n\n", ERR_SYNTAX},
        {"a\n\n\n", ERR_SYNTAX},
        {"a\n\n" LINE "\n", ERR_SYNTAX},
        {"a\n\n" LINE "b\n", ERR_SYNTAX},
        {"a\r\n\n" LINE, ERR_SYNTAX},
        {"a\tb\n\n" LINE, ERR_SYNTAX},
        {"a\n\n—a ABCDEFE=\n", ERR_SYNTAX},
        {"a\n\n- a ABCDEFE=\n", ERR_SYNTAX},
        {"a\n\n—  ABCDEFE=\n", ERR_SYNTAX},
        {"a\n\n— a+b ABCDEFE=\n", ERR_SYNTAX},
        {"a\n\n— a\xc2\xa0"
         "b ABCDEFE=\n",
         ERR_SYNTAX},
        {"a\n\n— a\xe3\x80\x80 ABCDEFE=\n", ERR_SYNTAX},
        {"a\n\n— a ABCDEA==\n", ERR_SYNTAX}, /* the id alone */
        {"a\n\n— a ABCDEFF=\n", ERR_SYNTAX}, /* unused bits */
        {"a\n\n— a ABCDEFE\n", ERR_SYNTAX},
        {"a\n\n— a ABCDEFE= \n", ERR_SYNTAX},
        {"a\n\n— a  ABCDEFE=\n", ERR_SYNTAX},
        {"a\n\n— a ABCDEFE=", ERR_SYNTAX},
        {"\xff\n\n" LINE, ERR_ENCODING},
        {"a\xed\xa0\x80\n\n" LINE, ERR_ENCODING},
        {"", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct note note;
        assert_int_equal(note_parse(str_of(rows[i].whole), &note, NULL), rows[i].err);
    }
}

static void test_sign_and_many(void **state)
{
    (void)state;
    struct sign_key secrets[3] = {test_key(1), test_key(2), test_key(3)};
    struct note_key keys[3] = {key_named("bongsu/kr/nz/0", NOTE_SIGNATURE, &secrets[0]),
                               key_named("δοκός", NOTE_SIGNATURE, &secrets[1]),
                               key_named("bongsu/kr/nz/0", NOTE_SIGNATURE, &secrets[2])};
    struct str text = STR("one\n\ntwo\n");
    struct buf buf;
    buf_init(&buf, LIMIT_NOTE_BYTES);
    assert_int_equal(note_begin(text, &buf), ERR_OK);
    assert_int_equal(note_sign(text, &keys[0], &secrets[0], &buf), ERR_OK);
    assert_int_equal(note_sign(text, &keys[1], &secrets[1], &buf), ERR_OK);
    assert_int_equal(whole_verify(buf_str(&buf), &keys[0]), ERR_OK);
    assert_int_equal(whole_verify(buf_str(&buf), &keys[1]), ERR_OK);
    /* Same name, other key: unknown, and ignored. */
    assert_int_equal(whole_verify(buf_str(&buf), &keys[2]), ERR_NOTFOUND);
    /* A second line of a key must verify too. */
    struct note note;
    uint8_t wrong[64] = {1};
    assert_int_equal(note_parse(buf_str(&buf), &note, NULL), ERR_OK);
    note_line_put(&keys[0], bytes_of(wrong, sizeof wrong), &buf);
    assert_int_equal(whole_verify(buf_str(&buf), &keys[0]), ERR_SIGNATURE);
    assert_int_equal(whole_verify(buf_str(&buf), &keys[1]), ERR_OK);
    buf_clear(&buf);
    /* Not this key's secret; not this kind of key. */
    struct note_key cosigner = key_named("x", NOTE_COSIGNATURE, &secrets[0]);
    assert_int_equal(note_sign(text, &keys[0], &secrets[1], &buf), ERR_USAGE);
    assert_int_equal(note_sign(text, &cosigner, &secrets[0], &buf), ERR_USAGE);
    assert_int_equal(note_begin(STR("no newline"), &buf), ERR_INVALID);
    assert_int_equal(note_begin(STR("a\tb\n"), &buf), ERR_INVALID);
    assert_int_equal(note_begin(STR(""), &buf), ERR_INVALID);
    buf_deinit(&buf);
}

/* Sixteen unknown signatures of post-quantum size beside ours are accepted; thirty-three lines are not. */
static void test_room_for_others(void **state)
{
    (void)state;
    static uint8_t large[LIMIT_NOTE_SIGNATURE_BYTES];
    struct sign_key secret = test_key(1);
    struct note_key ours = key_named("bongsu/kr/nz/0", NOTE_SIGNATURE, &secret);
    struct note_key other = key_named("witness.example", NOTE_SIGNATURE, &secret);
    struct str text = STR("a\n");
    struct buf buf;
    buf_init(&buf, 1u << 20);
    assert_int_equal(note_begin(text, &buf), ERR_OK);
    for (int i = 0; i < 15; i++)
        note_line_put(&other, bytes_of(large, sizeof large), &buf);
    assert_int_equal(note_sign(text, &ours, &secret, &buf), ERR_OK);
    assert_int_equal(whole_verify(buf_str(&buf), &ours), ERR_OK);
    buf_clear(&buf);
    assert_int_equal(note_begin(text, &buf), ERR_OK);
    for (int i = 0; i < LIMIT_NOTE_SIGNATURES; i++)
        assert_int_equal(note_sign(text, &ours, &secret, &buf), ERR_OK);
    assert_int_equal(whole_verify(buf_str(&buf), &ours), ERR_OK);
    assert_int_equal(note_sign(text, &ours, &secret, &buf), ERR_OK);
    assert_int_equal(whole_verify(buf_str(&buf), &ours), ERR_LIMIT);
    buf_clear(&buf);
    while (buf.len <= LIMIT_NOTE_BYTES)
        buf_putc(&buf, 'a');
    assert_int_equal(whole_verify(buf_str(&buf), &ours), ERR_LIMIT);
    buf_deinit(&buf);
}

static void test_names(void **state)
{
    (void)state;
    struct sign_key secret = test_key(1);
    struct note_key key;
    char longest[LIMIT_KEY_NAME_BYTES + 1];
    memset(longest, 'n', sizeof longest);
    assert_int_equal(
        note_key_make((struct str) {longest, sizeof longest}, NOTE_SIGNATURE, &secret.public, &key),
        ERR_LIMIT);
    assert_int_equal(
        note_key_make((struct str) {longest, sizeof longest - 1}, NOTE_SIGNATURE, &secret.public, &key),
        ERR_OK);
    static const char *const bad[] = {
        "", "a b", "a+b", "a\nb", "a\x1f", "a\xe2\x80\xa8", "\xc2\x85", "\xe1\x9a\x80", "\xff", "a\xe2\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(note_key_make(str_of(bad[i]), NOTE_SIGNATURE, &secret.public, &key), ERR_INVALID);
    assert_int_equal(note_key_make(STR("a"), (enum note_type)2, &secret.public, &key), ERR_INVALID);
    assert_true(note_name_ok(STR("한국/봉수")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_of_the_specification),
        cmocka_unit_test(test_keys_of_p256),
        cmocka_unit_test(test_truncated_everywhere),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_malformed),
        TEST_OF_EVERY_SUITE(test_sign_and_many),
        TEST_OF_EVERY_SUITE(test_room_for_others),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
