#include "ledger/checkpoint.h"
#include "ledger/cosign.h"
#include "ledger/merkle.h"
#include "ledger_test.h"

#define ORIGIN "bongsu/kr/nz/0"

struct desk {
    struct sign_key issuer_secret, cosign_secret, disposition_secret;
    struct note_key issuer, cosign, disposition;
    struct buf buf;
};

static int desk_setup(void **state)
{
    static struct desk desk;
    desk.issuer_secret = test_key(1);
    desk.cosign_secret = test_key(2);
    desk.disposition_secret = test_key(3);
    assert_int_equal(note_key_make(STR(ORIGIN), NOTE_SIGNATURE, &desk.issuer_secret.public, &desk.issuer),
                     ERR_OK);
    assert_int_equal(
        note_key_make(STR("bongsu/nz/cosign"), NOTE_COSIGNATURE, &desk.cosign_secret.public, &desk.cosign),
        ERR_OK);
    assert_int_equal(note_key_make(STR("bongsu/nz/disposition"), NOTE_SIGNATURE,
                                   &desk.disposition_secret.public, &desk.disposition),
                     ERR_OK);
    buf_init(&desk.buf, LIMIT_NOTE_BYTES);
    *state = &desk;
    return 0;
}

static int desk_teardown(void **state)
{
    buf_deinit(&((struct desk *)*state)->buf);
    return 0;
}

static const struct checkpoint sample = {
    {ORIGIN, sizeof ORIGIN - 1},
    20852163,
    {{0x09, 0xcb}},
    {NULL, 0},
};

/* --- names --- */

static void test_origins(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *issuer, *audience;
        uint32_t epoch;
        bool urgent;
    } good[] = {
        {"bongsu/kr/nz/0", "kr", "nz", 0, false},
        {"bongsu/a.b-c_9/x/4294967295/urgent", "a.b-c_9", "x", UINT32_MAX, true},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct ledger_origin origin;
        struct buf buf;
        buf_init(&buf, LEDGER_ORIGIN_MAX);
        assert_int_equal(ledger_origin_parse(str_of(good[i].line), &origin), ERR_OK);
        assert_true(str_eq(origin.issuer, str_of(good[i].issuer)));
        assert_true(str_eq(origin.audience, str_of(good[i].audience)));
        assert_true(origin.epoch == good[i].epoch && origin.urgent == good[i].urgent);
        assert_int_equal(ledger_origin_print(&origin, &buf), ERR_OK);
        assert_true(str_eq(buf_str(&buf), str_of(good[i].line)));
        buf_deinit(&buf);
    }
    static const char *const bad[] = {
        "",
        "bongsu",
        "bongsu/",
        "bongsu/kr/nz",
        "bongsu/kr/nz/",
        "bongsu/kr/nz/00",
        "bongsu/kr/nz/+1",
        "bongsu/kr/nz/4294967296",
        "bongsu/kr/nz/0/",
        "bongsu/kr/nz/0/urgent/",
        "bongsu/kr/nz/0/Urgent",
        "bongsu/KR/nz/0",
        "bongsu//nz/0",
        "bongsu/kr/.nz/0",
        "bongsu/kr/n z/0",
        "Bongsu/kr/nz/0",
        "bongsu/0123456789012345678901234567890123456789012345678901234567890123x/nz/0",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ledger_origin origin;
        assert_int_not_equal(ledger_origin_parse(str_of(bad[i]), &origin), ERR_OK);
    }
}

/* --- text --- */

static void test_text(void **state)
{
    (void)state;
    /* The example of tlog-checkpoint. */
    static const char text[] = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/"
                               "Xajj7h2fB2MPA3j2jxq2I=\n";
    struct checkpoint checkpoint;
    struct buf buf;
    buf_init(&buf, 1000);
    assert_int_equal(checkpoint_parse(STR(text), &checkpoint, NULL), ERR_OK);
    assert_int_equal(checkpoint.size, 20852163);
    assert_hex(checkpoint.root.b, 32, "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62");
    assert_int_equal(checkpoint_print(&checkpoint, &buf), ERR_OK);
    assert_true(str_eq(buf_str(&buf), STR(text)));
    for (size_t len = 0; len < sizeof text - 1; len++)
        assert_int_equal(checkpoint_parse((struct str) {text, len}, &checkpoint, NULL), ERR_SYNTAX);
    buf_deinit(&buf);
}

static void test_malformed(void **state)
{
    (void)state;
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    static const struct {
        const char *text;
        err_t err;
    } rows[] = {
        {"o\n0\n" ROOT, ERR_OK},
        {"o\n9223372036854775807\n" ROOT, ERR_OK},
        {"o\n1\n" ROOT "extension\nanother\n", ERR_OK},
        {"o\n9223372036854775808\n" ROOT, ERR_SYNTAX},
        {"o\n18446744073709551616\n" ROOT, ERR_SYNTAX},
        {"o\n01\n" ROOT, ERR_SYNTAX},
        {"o\n+1\n" ROOT, ERR_SYNTAX},
        {"o\n-1\n" ROOT, ERR_SYNTAX},
        {"o\n 1\n" ROOT, ERR_SYNTAX},
        {"o\n1 \n" ROOT, ERR_SYNTAX},
        {"o\n\n" ROOT, ERR_SYNTAX},
        {"\n1\n" ROOT, ERR_SYNTAX},
        {"o\n1\n" ROOT "\n", ERR_SYNTAX},
        {"o\n1\n" ROOT "extension", ERR_SYNTAX},
        {"o\n1\n" ROOT "a\n\nb\n", ERR_SYNTAX},
        {"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", ERR_SYNTAX},
        {"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n", ERR_SYNTAX},
        {"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n", ERR_SYNTAX},
        {"o\n1\n\n", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct checkpoint checkpoint;
        struct fault fault = {0};
        assert_int_equal(checkpoint_parse(str_of(rows[i].text), &checkpoint, &fault), rows[i].err);
    }
}

/* --- signed --- */

static err_t open_with(const struct desk *desk, struct str whole)
{
    struct checkpoint checkpoint;
    struct fault fault = {0};
    return checkpoint_open(whole, STR(ORIGIN), &desk->issuer, &checkpoint, NULL, &fault);
}

static void test_sign_and_open(void **state)
{
    struct desk *desk = *state;
    struct checkpoint back;
    struct note note;
    buf_clear(&desk->buf);
    assert_int_equal(checkpoint_sign(&sample, &desk->issuer, &desk->issuer_secret, &desk->buf), ERR_OK);
    struct str whole = buf_str(&desk->buf);
    assert_int_equal(checkpoint_open(whole, STR(ORIGIN), &desk->issuer, &back, &note, NULL), ERR_OK);
    assert_int_equal(back.size, sample.size);
    assert_hash_equal(&back.root, &sample.root);
    assert_int_equal(note.count, 1);
    assert_int_equal(checkpoint_open(whole, STR("bongsu/kr/au/0"), &desk->issuer, &back, NULL, NULL),
                     ERR_CONFLICT);
    assert_int_equal(checkpoint_open(whole, STR(ORIGIN), &desk->disposition, &back, NULL, NULL),
                     ERR_NOTFOUND);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_not_equal(open_with(desk, (struct str) {whole.at, len}), ERR_OK);
    for (size_t bit = 0; bit < 8 * whole.len; bit++) {
        desk->buf.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_not_equal(open_with(desk, buf_str(&desk->buf)), ERR_OK);
        desk->buf.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(open_with(desk, whole), ERR_OK);
}

/* A key signs only its own ledger, and extension lines are refused however well signed. */
static void test_refusals(void **state)
{
    struct desk *desk = *state;
    struct checkpoint other = sample;
    other.origin = STR("bongsu/kr/au/0");
    buf_clear(&desk->buf);
    assert_int_equal(checkpoint_sign(&other, &desk->issuer, &desk->issuer_secret, &desk->buf), ERR_USAGE);
    other = sample;
    other.size = UINT64_MAX;
    assert_int_equal(checkpoint_sign(&other, &desk->issuer, &desk->issuer_secret, &desk->buf), ERR_INVALID);
    other = sample;
    other.extension = STR("no newline");
    assert_int_equal(checkpoint_sign(&other, &desk->issuer, &desk->issuer_secret, &desk->buf), ERR_INVALID);
    assert_int_equal(desk->buf.len, 0);
    other.extension = STR("extension\n");
    assert_int_equal(checkpoint_sign(&other, &desk->issuer, &desk->issuer_secret, &desk->buf), ERR_OK);
    assert_int_equal(open_with(desk, buf_str(&desk->buf)), ERR_CONFLICT);
    struct str text = STR(ORIGIN "\nnot a size\n");
    buf_clear(&desk->buf);
    assert_int_equal(note_begin(text, &desk->buf), ERR_OK);
    assert_int_equal(note_sign(text, &desk->issuer, &desk->issuer_secret, &desk->buf), ERR_OK);
    assert_int_equal(open_with(desk, buf_str(&desk->buf)), ERR_SYNTAX);
}

/* --- receipt --- */

static err_t cosigned(const struct desk *desk, struct str whole, int64_t *out_time_s)
{
    struct note note;
    err_t err = note_parse(whole, &note, NULL);
    return err != ERR_OK ? err : cosign_verify(&note, &desk->cosign, out_time_s);
}

static void test_cosign(void **state)
{
    struct desk *desk = *state;
    struct note note;
    int64_t time_s = 0;
    buf_clear(&desk->buf);
    assert_int_equal(checkpoint_sign(&sample, &desk->issuer, &desk->issuer_secret, &desk->buf), ERR_OK);
    assert_int_equal(cosigned(desk, buf_str(&desk->buf), &time_s), ERR_NOTFOUND);
    assert_int_equal(note_parse(buf_str(&desk->buf), &note, NULL), ERR_OK);
    struct buf text;
    buf_init(&text, LIMIT_NOTE_BYTES);
    buf_put_str(&text, note.text);
    size_t begin = desk->buf.len;
    assert_int_equal(cosign_sign(buf_str(&text), 1679315147, &desk->cosign, &desk->cosign_secret, &desk->buf),
                     ERR_OK);
    assert_int_equal(cosigned(desk, buf_str(&desk->buf), &time_s), ERR_OK);
    assert_int_equal(time_s, 1679315147);
    assert_int_equal(open_with(desk, buf_str(&desk->buf)), ERR_OK);
    /* Every bit of text and cosignature counts; the issuer's line may say what it likes. */
    for (size_t bit = 0; bit < 8 * desk->buf.len; bit++) {
        if (bit / 8 >= text.len && bit / 8 < begin)
            continue;
        desk->buf.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_not_equal(cosigned(desk, buf_str(&desk->buf), &time_s), ERR_OK);
        desk->buf.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(cosign_sign(buf_str(&text), INT64_MAX, &desk->cosign, &desk->cosign_secret, &desk->buf),
                     ERR_OK);
    assert_int_equal(cosign_sign(buf_str(&text), 0, &desk->cosign, &desk->cosign_secret, &desk->buf), ERR_OK);
    assert_int_equal(cosigned(desk, buf_str(&desk->buf), &time_s), ERR_OK);
    assert_true(time_s == INT64_MAX);
    assert_int_equal(cosign_sign(buf_str(&text), -1, &desk->cosign, &desk->cosign_secret, &desk->buf),
                     ERR_USAGE);
    assert_int_equal(cosign_sign(buf_str(&text), 1, &desk->issuer, &desk->issuer_secret, &desk->buf),
                     ERR_USAGE);
    assert_int_equal(cosign_sign(STR("hello\n"), 1, &desk->cosign, &desk->cosign_secret, &desk->buf),
                     ERR_SYNTAX);
    buf_deinit(&text);
}

/* A plain signature never passes for a cosignature, nor the other way round, even under one key. */
static void test_kinds_apart(void **state)
{
    struct desk *desk = *state;
    struct note_key plain, timed;
    struct note note;
    int64_t time_s;
    struct str text = STR("o\n1\n" ROOT);
    assert_int_equal(note_key_make(STR("k"), NOTE_SIGNATURE, &desk->issuer_secret.public, &plain), ERR_OK);
    assert_int_equal(note_key_make(STR("k"), NOTE_COSIGNATURE, &desk->issuer_secret.public, &timed), ERR_OK);
    assert_true(plain.id != timed.id);
    buf_clear(&desk->buf);
    assert_int_equal(note_begin(text, &desk->buf), ERR_OK);
    assert_int_equal(note_sign(text, &plain, &desk->issuer_secret, &desk->buf), ERR_OK);
    assert_int_equal(note_parse(buf_str(&desk->buf), &note, NULL), ERR_OK);
    assert_int_equal(cosign_verify(&note, &timed, &time_s), ERR_NOTFOUND);
    assert_int_equal(cosign_verify(&note, &plain, &time_s), ERR_USAGE);
    assert_int_equal(note_verify(&note, &timed), ERR_USAGE);
}

static struct disposition sample_disposition(void)
{
    struct disposition disposition = {STR(ORIGIN),  STR("nz"), 500,
                                      test_hash(5), 2,         disposition_refused_begin()};
    disposition.refused = disposition_refused_add(&disposition.refused, 2, 4);
    disposition.refused = disposition_refused_add(&disposition.refused, 300, 513);
    return disposition;
}

static void test_disposition(void **state)
{
    struct desk *desk = *state;
    struct disposition made = sample_disposition(), back;
    /* LEDGER.md section 10 */
    struct hash none = disposition_refused_begin();
    assert_hex(none.b, 32, "c10ee45f3139df91bd634e3811d691be145e35554d92447b0d4a9758eeb72e91");
    assert_hex(made.refused.b, 32, "36593a6cce26aa8181d025b8cc2360d8bf568401f29296ac45b0508cb476711d");
    buf_clear(&desk->buf);
    assert_int_equal(disposition_sign(&made, &desk->disposition, &desk->disposition_secret, &desk->buf),
                     ERR_OK);
    struct str whole = buf_str(&desk->buf);
    assert_int_equal(disposition_open(whole, &desk->disposition, &back, NULL), ERR_OK);
    assert_true(str_eq(back.origin, made.origin) && str_eq(back.holder, made.holder));
    assert_true(back.size == 500 && back.refused_count == 2);
    assert_hash_equal(&back.root, &made.root);
    assert_hash_equal(&back.refused, &made.refused);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_not_equal(disposition_open((struct str) {whole.at, len}, &desk->disposition, &back, NULL),
                             ERR_OK);
    for (size_t bit = 0; bit < 8 * whole.len; bit++) {
        desk->buf.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_not_equal(disposition_open(buf_str(&desk->buf), &desk->disposition, &back, NULL), ERR_OK);
        desk->buf.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

static void test_disposition_refusals(void **state)
{
    struct desk *desk = *state;
    struct disposition made = sample_disposition(), back;
    buf_clear(&desk->buf);
    made.refused_count = 501;
    assert_int_equal(disposition_sign(&made, &desk->disposition, &desk->disposition_secret, &desk->buf),
                     ERR_INVALID);
    made = sample_disposition();
    made.holder = STR("n\nz");
    assert_int_equal(disposition_sign(&made, &desk->disposition, &desk->disposition_secret, &desk->buf),
                     ERR_INVALID);
    /* A signed checkpoint is no disposition, also not under the same key. */
    assert_int_equal(checkpoint_sign(&sample, &desk->issuer, &desk->issuer_secret, &desk->buf), ERR_OK);
    assert_int_equal(disposition_open(buf_str(&desk->buf), &desk->issuer, &back, NULL), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_malformed),
        TEST_OF_EVERY_SUITE(test_sign_and_open),
        TEST_OF_EVERY_SUITE(test_refusals),
        TEST_OF_EVERY_SUITE(test_cosign),
        TEST_OF_EVERY_SUITE(test_kinds_apart),
        TEST_OF_EVERY_SUITE(test_disposition),
        TEST_OF_EVERY_SUITE(test_disposition_refusals),
    };
    return cmocka_run_group_tests(tests, desk_setup, desk_teardown);
}
