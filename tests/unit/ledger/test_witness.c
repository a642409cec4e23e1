#include "ledger/witness.h"

#include "ledger_test.h"

#define ORIGIN  "bongsu-log/kr/0"
#define WITNESS "witness.example/w1"

struct desk {
    struct sign_key log, witness;
    struct note_key log_key, key;
    struct buf checkpoint, line, answer;
    struct note note;
    struct witness_answer got;
};

static int setup(void **state)
{
    static struct desk desk;
    struct checkpoint checkpoint = {STR(ORIGIN), 12, test_hash(12), {NULL, 0}};
    desk.log = test_key(1);
    desk.witness = test_key(2);
    assert_int_equal(note_key_make(STR(ORIGIN), NOTE_SIGNATURE, &desk.log.public, &desk.log_key), ERR_OK);
    assert_int_equal(note_key_make(STR(WITNESS), NOTE_COSIGNATURE, &desk.witness.public, &desk.key), ERR_OK);
    buf_init(&desk.checkpoint, LIMIT_NOTE_BYTES);
    buf_init(&desk.line, LIMIT_NOTE_BYTES);
    buf_init(&desk.answer, LIMIT_NOTE_BYTES);
    assert_int_equal(checkpoint_sign(&checkpoint, &desk.log_key, &desk.log, &desk.checkpoint), ERR_OK);
    assert_int_equal(note_parse(buf_str(&desk.checkpoint), &desk.note, NULL), ERR_OK);
    desk.got = (struct witness_answer) {.line = &desk.line};
    *state = &desk;
    return 0;
}

static int teardown(void **state)
{
    struct desk *desk = *state;
    buf_deinit(&desk->checkpoint);
    buf_deinit(&desk->line);
    buf_deinit(&desk->answer);
    return 0;
}

static enum witness_verdict read_answer(struct desk *desk, unsigned status, struct str body)
{
    witness_answer_read(status, body, buf_str(&desk->checkpoint), &desk->key, &desk->got);
    assert_true((desk->got.verdict == WITNESS_REFUSED) == (desk->got.what[0] != '\0'));
    return desk->got.verdict;
}

/* The example of tlog-witness, with our checkpoint. */
static void asks_by_the_letter(void **state)
{
    struct desk *desk = *state;
    struct merkle_proof proof = {.count = 1};
    assert_true(note_text_hash(STR("PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw="), &proof.at[0]));
    assert_int_equal(witness_request(20852014, &proof, buf_str(&desk->checkpoint), &desk->answer), ERR_OK);
    struct str said = buf_str(&desk->answer);
    struct str head = STR("old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\n" ORIGIN "\n12\n");
    assert_true(str_starts(said, head));
    proof.count = 64;
    assert_int_equal(witness_request(1, &proof, buf_str(&desk->checkpoint), &desk->answer), ERR_LIMIT);
}

static void believes_a_signature(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(cosign_sign(desk->note.text, 1700000001, &desk->key, &desk->witness, &desk->answer),
                     ERR_OK);
    assert_int_equal(read_answer(desk, 200, buf_str(&desk->answer)), WITNESS_SIGNED);
    assert_int_equal(desk->got.time_s, 1700000001);
    assert_true(str_eq(buf_str(&desk->line), buf_str(&desk->answer)));
    /* Two times, and a stranger's line between them: the later one, and nothing of the stranger. */
    struct sign_key stranger = test_key(3);
    struct note_key other;
    assert_int_equal(note_key_make(STR("other.example"), NOTE_COSIGNATURE, &stranger.public, &other), ERR_OK);
    struct buf later;
    buf_init(&later, LIMIT_NOTE_BYTES);
    assert_int_equal(cosign_sign(desk->note.text, 1700000009, &desk->key, &desk->witness, &later), ERR_OK);
    assert_int_equal(cosign_sign(desk->note.text, 1700000010, &other, &stranger, &desk->answer), ERR_OK);
    buf_put_str(&desk->answer, buf_str(&later));
    assert_int_equal(read_answer(desk, 200, buf_str(&desk->answer)), WITNESS_SIGNED);
    assert_int_equal(desk->got.time_s, 1700000009);
    assert_true(str_eq(buf_str(&desk->line), buf_str(&later)));
    buf_deinit(&later);
}

/* By another key under its name, over another tree, without a time, with one byte changed, cut off anywhere.
 */
static void believes_nothing_else(void **state)
{
    struct desk *desk = *state;
    struct sign_key stranger = test_key(3);
    struct note_key forged;
    struct buf other;
    assert_int_equal(note_key_make(STR(WITNESS), NOTE_COSIGNATURE, &stranger.public, &forged), ERR_OK);
    assert_int_equal(cosign_sign(desk->note.text, 17, &forged, &stranger, &desk->answer), ERR_OK);
    assert_int_equal(read_answer(desk, 200, buf_str(&desk->answer)), WITNESS_REFUSED);
    buf_clear(&desk->answer);
    assert_int_equal(cosign_sign(STR(ORIGIN "\n13\n"
                                            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"),
                                 17, &desk->key, &desk->witness, &desk->answer),
                     ERR_OK);
    assert_int_equal(read_answer(desk, 200, buf_str(&desk->answer)), WITNESS_REFUSED);
    buf_clear(&desk->answer);
    assert_int_equal(cosign_sign(desk->note.text, 0, &desk->key, &desk->witness, &desk->answer), ERR_OK);
    assert_int_equal(read_answer(desk, 200, buf_str(&desk->answer)), WITNESS_REFUSED);
    buf_clear(&desk->answer);
    assert_int_equal(cosign_sign(desk->note.text, 17, &desk->key, &desk->witness, &desk->answer), ERR_OK);
    for (size_t len = 0; len < desk->answer.len; len++)
        assert_int_equal(read_answer(desk, 200, (struct str) {(const char *)desk->answer.at, len}),
                         WITNESS_REFUSED);
    for (size_t i = 0; i < 8 * desk->answer.len; i++) {
        desk->answer.at[i / 8] ^= (uint8_t)(1 << (i % 8));
        assert_int_equal(read_answer(desk, 200, buf_str(&desk->answer)), WITNESS_REFUSED);
        desk->answer.at[i / 8] ^= (uint8_t)(1 << (i % 8));
    }
    /* What would make the checkpoint's text longer. */
    buf_init(&other, LIMIT_NOTE_BYTES);
    buf_put_str(&other, STR("more text\n\n"));
    buf_put_str(&other, buf_str(&desk->answer));
    assert_int_equal(read_answer(desk, 200, buf_str(&other)), WITNESS_REFUSED);
    buf_deinit(&other);
    assert_int_equal(read_answer(desk, 200, STR("")), WITNESS_REFUSED);
}

/* Over the checkpoint and more, by the right key: such a line verifies for nobody who has the checkpoint
 * alone. */
static void believes_no_longer_text(void **state)
{
    struct desk *desk = *state;
    struct buf message, body;
    uint8_t raw[8 + 64] = {[7] = 17};
    struct signature signature;
    buf_init(&message, LIMIT_NOTE_BYTES);
    buf_init(&body, LIMIT_NOTE_BYTES);
    buf_put_str(&message, STR("cosignature/v1\ntime 17\n"));
    buf_put_str(&message, desk->note.text);
    buf_put_str(&message, STR("\nmore\n"));
    assert_int_equal(sign_raw(&desk->witness, buf_bytes(&message), &signature), ERR_OK);
    memcpy(raw + 8, signature.b, signature.len);
    buf_put_str(&body, STR("more\n\n"));
    note_line_put(&desk->key, bytes_of(raw, sizeof raw), &body);
    assert_int_equal(read_answer(desk, 200, buf_str(&body)), WITNESS_REFUSED);
    buf_deinit(&message);
    buf_deinit(&body);
}

static void reads_where_it_stands(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(read_answer(desk, 409, STR("7\n")), WITNESS_STANDS);
    assert_int_equal(desk->got.size, 7);
    assert_int_equal(read_answer(desk, 409, STR("0\n")), WITNESS_STANDS);
    static const char *const wrong[] = {"",   "7", "07\n", "-1\n", "7\n\n", "7 \n", "9223372036854775808\n",
                                        "x\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(read_answer(desk, 409, str_of(wrong[i])), WITNESS_REFUSED);
}

static void refusals_are_said_in_our_words(void **state)
{
    struct desk *desk = *state;
    static const unsigned statuses[] = {0, 201, 204, 301, 400, 403, 404, 410, 422, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        assert_int_equal(read_answer(desk, statuses[i], STR("<script>come here</script>\n")),
                         WITNESS_REFUSED);
        assert_null(strstr(desk->got.what, "script"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(asks_by_the_letter, setup, teardown),
        cmocka_unit_test_setup_teardown(believes_a_signature, setup, teardown),
        cmocka_unit_test_setup_teardown(believes_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(believes_no_longer_text, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_where_it_stands, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals_are_said_in_our_words, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
