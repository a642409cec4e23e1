/* Signatures of OpenSSH: what ssh-keygen 9.2 wrote is read and verified, and nothing else is. The token's
 * were made by hand (nobody here has one) and `ssh-keygen -Y verify` calls both good. */
#include "core/sshsig.h"

#include <stdio.h>

#include "core/sign.h"
#include "core_test.h"

static const char message[] = "one word\n";
static const char ed_key[] = "ssh-ed25519 "
                             "AAAAC3NzaC1lZDI1NTE5AAAAIAgguwDx1VBVAGwr6R4FW4aJsalrbjtvYi6PZdF9WA6p";
static const char ec_key[] =
    "ecdsa-sha2-nistp256 "
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAsOoFt53VTzNEgfyvW/uclYHpqE"
    "W4RO+DqXxvUxLVtuizZ1ACYCNImE4CFww5d5fToZybvxJngta30Re5tH7h8=";
static const char other_key[] = "ssh-ed25519 "
                                "AAAAC3NzaC1lZDI1NTE5AAAAIIEiJXDIAYIjcxd8XNaFzrMs1jIYp5oJLqVqt4+03B7n";
static const char token_key[] =
    "sk-ssh-ed25519@openssh.com "
    "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe"
    "6mkURtIsAAAABHNzaDo=";
static const char rsa_key[] = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQClN7fykKCmOkeofhrfKRWIar=";

static const char ed_512[] = "-----BEGIN SSH SIGNATURE-----\n"
                             "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgCCC7APHVUFUAbCvpHgVbhomxqW\n"
                             "tuO29iLo9l0X1YDqkAAAAGYm9uZ3N1AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1\n"
                             "NTE5AAAAQELMea1r7ZTV6zm+LGBTJUtl4Hygkj5H/ZhTwKgkyFOkMQjGF6KdoifNrUUsNg\n"
                             "Jpa6aaLRtOweCC/a0X4LDBxAQ=\n"
                             "-----END SSH SIGNATURE-----\n";
static const char ed_256[] = "-----BEGIN SSH SIGNATURE-----\n"
                             "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgCCC7APHVUFUAbCvpHgVbhomxqW\n"
                             "tuO29iLo9l0X1YDqkAAAAGYm9uZ3N1AAAAAAAAAAZzaGEyNTYAAABTAAAAC3NzaC1lZDI1\n"
                             "NTE5AAAAQAgnX7ARZduRRl0f8jyYCab+/hsiPb/VT2mDrqBxQYVlNecbSrNAkQK3WUmWv2\n"
                             "mBhlL/i2QEjP+bgeyyJMfIcgY=\n"
                             "-----END SSH SIGNATURE-----\n";
static const char ed_git[] = "-----BEGIN SSH SIGNATURE-----\n"
                             "U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgCCC7APHVUFUAbCvpHgVbhomxqW\n"
                             "tuO29iLo9l0X1YDqkAAAADZ2l0AAAAAAAAAAZzaGE1MTIAAABTAAAAC3NzaC1lZDI1NTE5\n"
                             "AAAAQKCGBmkmcMrMNELxcD6JUKTqhqMwag6JO2DrwznVwfDemdjLKKh9xRJirnR70CXr60\n"
                             "BEpXe1MIP7z7yYNpi3VAw=\n"
                             "-----END SSH SIGNATURE-----\n";
static const char ec_512[] = "-----BEGIN SSH SIGNATURE-----\n"
                             "U1NIU0lHAAAAAQAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAE\n"
                             "EECw6gW3ndVPM0SB/K9b+5yVgemoRbhE74OpfG9TEtW26LNnUAJgI0iYTgIXDDl3l9OhnJ\n"
                             "u/EmeC1rfRF7m0fuHwAAAAZib25nc3UAAAAAAAAABnNoYTUxMgAAAGMAAAATZWNkc2Etc2\n"
                             "hhMi1uaXN0cDI1NgAAAEgAAAAgXdlA8JzxrnKFHyb/TiSyw7ISSt3yIvRTHKsOlS4A05gA\n"
                             "AAAgeLApekBVEnrIxHx2ID/WZ0jRa1maqfhbLU+KiRb8XPg=\n"
                             "-----END SSH SIGNATURE-----\n";
static const char token[] = "-----BEGIN SSH SIGNATURE-----\n"
                            "U1NIU0lHAAAAAQAAAEoAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAAAg6kpsY+\n"
                            "KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iwAAAAEc3NoOgAAAAZib25nc3UAAAAAAAAA\n"
                            "BnNoYTUxMgAAAGcAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAABA3wahpNoO9/\n"
                            "mXwyt0xt6HkrSkYRkaB0PaPU+Q1KiGHoiGQNZja3WWjlyfBR/CGNdiK0tbzi/ftG8fts77\n"
                            "/7hUDwEAAAAF\n"
                            "-----END SSH SIGNATURE-----\n";
static const char untouched[] = "-----BEGIN SSH SIGNATURE-----\n"
                                "U1NIU0lHAAAAAQAAAEoAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAAAg6kpsY+\n"
                                "KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iwAAAAEc3NoOgAAAAZib25nc3UAAAAAAAAA\n"
                                "BnNoYTUxMgAAAGcAAAAac2stc3NoLWVkMjU1MTlAb3BlbnNzaC5jb20AAABAaYaNziPAM5\n"
                                "9r+wLOkJoo+SmxYLF3EM9N5Sm0AUTudUb+7fo+aYTZZVv16K+vR2eH8Fw5VBGR1aVSSRvy\n"
                                "AUunCgAAAAAF\n"
                                "-----END SSH SIGNATURE-----\n";

static struct sshsig_key key_of(const char *text)
{
    struct sshsig_key key;
    assert_int_equal(sshsig_key_parse(str_of(text), &key), ERR_OK);
    return key;
}

static err_t verified(struct str armored, const char *key, const char *over)
{
    struct sshsig_key public = key_of(key);
    struct sshsig sig;
    err_t err;
    if (TRY(err, sshsig_parse(armored, &sig)))
        return err;
    return sshsig_verify(&sig, &public, STR("bongsu"), bytes_of(over, strlen(over)));
}

static void reads_keys(void **state)
{
    static const struct {
        const char *text, *fingerprint;
    } good[] = {{ed_key, "SHA256:QHZsrTGrAzQk+Iu93fQg1TguQp0jpKTmFOtML03ZCa8"},
                {ec_key, "SHA256:JT9FRDeF1LfQvLCzHWXbFHZDu3TYbS3MARDMr4DHVvM"},
                {token_key, "SHA256:u3XYI8FD0iAKicuev894GMPS487mPAsIuB8xtsnAOWA"}};
    char fingerprint[SSHSIG_FINGERPRINT_SIZE], commented[400];
    struct buf out;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct sshsig_key key = key_of(good[i].text), same;
        sshsig_fingerprint(&key, fingerprint);
        assert_string_equal(fingerprint, good[i].fingerprint);
        buf_init(&out, 512);
        sshsig_key_print(&key, &out);
        assert_true(str_eq(buf_str(&out), str_of(good[i].text)));
        buf_deinit(&out);
        (void)snprintf(commented, sizeof commented, "%s kim@desk of kr", good[i].text);
        same = key_of(commented);
        assert_true(sshsig_key_eq(&key, &same));
        /* Every prefix but the whole. */
        for (size_t len = 0; len < strlen(good[i].text); len++)
            assert_int_not_equal(sshsig_key_parse((struct str) {good[i].text, len}, &same), ERR_OK);
    }
}

static void refuses_other_keys(void **state)
{
    struct sshsig_key key;
    char text[400];
    (void)state;
    assert_int_equal(sshsig_key_parse(str_of(rsa_key), &key), ERR_UNSUPPORTED);
    assert_int_equal(sshsig_key_parse(STR("kim"), &key), ERR_UNSUPPORTED);
    assert_int_equal(sshsig_key_parse(STR(""), &key), ERR_UNSUPPORTED);
    assert_int_equal(sshsig_key_parse(STR("ssh-ed25519 "), &key), ERR_SYNTAX);
    /* The bytes of one kind under the name of another. */
    (void)snprintf(text, sizeof text, "ecdsa-sha2-nistp256 %s", strchr(ed_key, ' ') + 1);
    assert_int_equal(sshsig_key_parse(str_of(text), &key), ERR_SYNTAX);
    /* A point that is not on the curve. */
    (void)snprintf(text, sizeof text, "%s", ec_key);
    text[strlen(text) - 8] ^= 1;
    assert_int_equal(sshsig_key_parse(str_of(text), &key), ERR_SYNTAX);
}

static void verifies_what_ssh_keygen_wrote(void **state)
{
    static const struct {
        const char *armored, *key, *over;
        err_t want;
    } tries[] = {
        {ed_512, ed_key, message, ERR_OK},
        {ed_256, ed_key, message, ERR_OK},
        {ec_512, ec_key, message, ERR_OK},
        {token, token_key, message, ERR_OK},
        {ed_512, other_key, message, ERR_DENIED},
        {ec_512, ed_key, message, ERR_DENIED},
        {ed_git, ed_key, message, ERR_INVALID},
        {ed_512, ed_key, "one word", ERR_SIGNATURE},
        {ed_256, ed_key, "another word\n", ERR_SIGNATURE},
        {ec_512, ec_key, "another word\n", ERR_SIGNATURE},
        {token, token_key, "another word\n", ERR_SIGNATURE},
        {untouched, token_key, message, ERR_SIGNATURE}, /* whoever has the machine has the token's key then */
    };
    (void)state;
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
        assert_int_equal(verified(str_of(tries[i].armored), tries[i].key, tries[i].over), tries[i].want);
}

static void no_prefix_and_no_flip_passes(void **state)
{
    static const struct {
        const char *armored, *key;
    } all[] = {{ed_512, ed_key}, {ec_512, ec_key}, {token, token_key}};
    char text[1024];
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        size_t whole = strlen(all[i].armored);
        assert_int_equal(verified((struct str) {all[i].armored, whole - 1}, all[i].key, message), ERR_OK);
        for (size_t len = 0; len + 1 < whole; len++)
            assert_int_not_equal(verified((struct str) {all[i].armored, len}, all[i].key, message), ERR_OK);
        for (size_t at = 0; at < whole; at++)
            for (unsigned bit = 0; bit < 8; bit++) {
                memcpy(text, all[i].armored, whole);
                text[at] = (char)(text[at] ^ 1 << bit);
                assert_int_not_equal(verified((struct str) {text, whole}, all[i].key, message), ERR_OK);
            }
    }
}

static void bounds_what_it_reads(void **state)
{
    static char text[LIMIT_SSHSIG_BYTES + 8];
    struct sshsig sig;
    int head = snprintf(text, sizeof text, "-----BEGIN SSH SIGNATURE-----\n");
    (void)state;
    memset(text + head, 'A', sizeof text - (size_t)head);
    assert_int_equal(sshsig_parse((struct str) {text, sizeof text}, &sig), ERR_LIMIT);
    /* The longest that is read at all, and full of nothing. */
    static const char end[] = "\n-----END SSH SIGNATURE-----";
    memcpy(text + LIMIT_SSHSIG_BYTES - (sizeof end - 1), end, sizeof end - 1);
    assert_int_equal(sshsig_parse((struct str) {text, LIMIT_SSHSIG_BYTES}, &sig), ERR_SYNTAX);
    assert_int_equal(sshsig_parse(STR(""), &sig), ERR_SYNTAX);
    assert_int_equal(sshsig_parse(STR("-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n"), &sig),
                     ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_keys), cmocka_unit_test(refuses_other_keys),
                                       cmocka_unit_test(verifies_what_ssh_keygen_wrote),
                                       cmocka_unit_test(no_prefix_and_no_flip_passes),
                                       cmocka_unit_test(bounds_what_it_reads)};
    if (sign_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
