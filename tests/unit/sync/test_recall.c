/* The answer to a recall: one spelling, refused whole when anything of it is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sync/recall.h"

static const uint8_t seed[SIGN_SEED_SIZE] = {3}, other_seed[SIGN_SEED_SIZE] = {4};
static const struct sync_recall_done wanted = {
    .origin = {"bongsu/kr/us-cisa/0", 19}, .holder = {"us", 2}, .seq = 12};

struct signer {
    struct sign_key secret;
    struct note_key key;
};

static struct signer signer(const uint8_t from[SIGN_SEED_SIZE], const char *name)
{
    struct signer s = {.secret = sign_key_from_seed(from)};
    assert_int_equal(note_key_make(str_of(name), NOTE_SIGNATURE, &s.secret.public, &s.key), ERR_OK);
    return s;
}

static void signed_and_opened(void **state)
{
    (void)state;
    static const char text[] = "bongsu/recall-done/v1/suite1\nbongsu/kr/us-cisa/0\nus\n12\n\n";
    struct signer us = signer(seed, "bongsu/us/recall"), fr = signer(other_seed, "bongsu/us/recall");
    struct sync_recall_done done = {.seq = 0};
    struct buf note;
    buf_init(&note, LIMIT_NOTE_BYTES);
    assert_int_equal(sync_recall_sign(&wanted, &us.key, &us.secret, &note), ERR_OK);
    assert_memory_equal(note.at, text, sizeof text - 1);
    assert_int_equal(sync_recall_open(buf_str(&note), &us.key, &done), ERR_OK);
    assert_true(str_eq(done.origin, wanted.origin) && str_eq(done.holder, wanted.holder));
    assert_int_equal(done.seq, 12);
    assert_int_not_equal(sync_recall_open(buf_str(&note), &fr.key, &done), ERR_OK);
    for (size_t len = 0; len < note.len; len++)
        assert_int_not_equal(sync_recall_open((struct str) {(char *)note.at, len}, &us.key, &done), ERR_OK);
    for (size_t bit = 0; bit < note.len * 8; bit++) {
        note.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(sync_recall_open(buf_str(&note), &us.key, &done), ERR_OK);
        note.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_false(done.held);
    struct sync_recall_done held = wanted;
    held.held = true;
    buf_clear(&note);
    assert_int_equal(sync_recall_sign(&held, &us.key, &us.secret, &note), ERR_OK);
    assert_memory_equal(note.at, "bongsu/recall-held/v1/suite1\n", 29);
    assert_int_equal(sync_recall_open(buf_str(&note), &us.key, &done), ERR_OK);
    assert_true(done.held && done.seq == 12);
    buf_deinit(&note);
}

/* Signed by the right key, and still no answer to a recall. */
static void other_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "bongsu/recall-done/v1/suite2\nbongsu/kr/us-cisa/0\nus\n12\n",
        "bongsu/recall-done/v1/suite1\nkr/us-cisa/0\nus\n12\n",
        "bongsu/recall-done/v1/suite1\nbongsu/kr/us-cisa/0\nUS\n12\n",
        "bongsu/recall-done/v1/suite1\nbongsu/kr/us-cisa/0\nus\n012\n",
        "bongsu/recall-done/v1/suite1\nbongsu/kr/us-cisa/0\nus\n9223372036854775808\n",
        "bongsu/recall-done/v1/suite1\nbongsu/kr/us-cisa/0\nus\n12\nmore\n",
        "bongsu/recall-done/v1/suite1\nbongsu/kr/us-cisa/0\nus\n",
    };
    struct signer us = signer(seed, "bongsu/us/recall");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sync_recall_done done;
        struct buf note;
        buf_init(&note, LIMIT_NOTE_BYTES);
        assert_int_equal(note_begin(str_of(texts[i]), &note), ERR_OK);
        assert_int_equal(note_sign(str_of(texts[i]), &us.key, &us.secret, &note), ERR_OK);
        err_t err = sync_recall_open(buf_str(&note), &us.key, &done);
        assert_true(err == ERR_SYNTAX || err == ERR_INVALID);
        buf_deinit(&note);
    }
    struct sync_recall_done nobody = wanted;
    struct buf note;
    buf_init(&note, LIMIT_NOTE_BYTES);
    nobody.holder = STR("no name");
    assert_int_equal(sync_recall_sign(&nobody, &us.key, &us.secret, &note), ERR_INVALID);
    buf_deinit(&note);
}

static void body(void **state)
{
    (void)state;
    struct buf wire;
    struct str note;
    uint32_t epoch;
    buf_init(&wire, LIMIT_NOTE_BYTES);
    sync_recall_write(&wire, 7, STR("a note"));
    assert_int_equal(sync_recall_read(buf_bytes(&wire), &epoch, &note), ERR_OK);
    assert_int_equal(epoch, 7);
    assert_true(str_eq(note, STR("a note")));
    for (size_t len = 0; len < wire.len; len++)
        assert_int_not_equal(sync_recall_read(bytes_of(wire.at, len), &epoch, &note), ERR_OK);
    wire.at[0] ^= 1;
    assert_int_equal(sync_recall_read(buf_bytes(&wire), &epoch, &note), ERR_VERSION);
    wire.at[0] ^= 1;
    buf_putc(&wire, 'x');
    assert_int_not_equal(sync_recall_read(buf_bytes(&wire), &epoch, &note), ERR_OK);
    buf_deinit(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_and_opened),
        cmocka_unit_test(other_texts),
        cmocka_unit_test(body),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
