/* The table of what counts as an operator's word: each kind is signed, each signature is of its kind, its
 * text and its turn alone, and what waits for no key is done without one and counts for nothing. */
#include "app_test.h"

#include "app/command_word.h"
#include "core/sign.h"
#include "core/wr.h"
#include "gate/recall.h"
#include "gate/retention.h"
#include "gate/signed_word.h"
#include "gate/spill.h"
#include "gate/words.h"

#define WHO  "daemon"
#define KIND "ssh-ed25519"

static struct desk {
    char *dir;
    struct gate *gate;
    struct conf conf;
    struct operators operators;
    struct command_host host;
    struct json_parser *parser;
    struct arena arena;
    struct sign_key key;
} desk;

/* --- what ssh-keygen does --- */

static void put_blob(struct buf *out, const char *text)
{
    wr_blob(out, bytes_from_str(str_of(text)));
}

static void put_public(struct buf *out)
{
    put_blob(out, KIND);
    wr_blob(out, sign_public_bytes(&desk.key.public));
}

static void armor(struct bytes wire, struct buf *out)
{
    char base64[1024];
    size_t len = str_base64(wire.at, wire.len, base64);
    buf_printf(out, "-----BEGIN SSH SIGNATURE-----\n%.*s\n-----END SSH SIGNATURE-----\n", (int)len, base64);
}

static void sign_text(struct str text, struct buf *out)
{
    struct buf message, wire, inner;
    struct signature signature;
    struct hash digest = hash_sha256(bytes_from_str(text));
    buf_init(&message, 1024);
    buf_init(&wire, 1024);
    buf_init(&inner, 1024);
    buf_put_str(&message, STR("SSHSIG"));
    put_blob(&message, "bongsu");
    put_blob(&message, "");
    put_blob(&message, "sha256");
    wr_blob(&message, bytes_of(digest.b, HASH_SIZE));
    assert_int_equal(sign_raw(&desk.key, buf_bytes(&message), &signature), ERR_OK);
    buf_put_str(&wire, STR("SSHSIG"));
    wr_u32(&wire, 1);
    put_public(&inner);
    wr_blob(&wire, buf_bytes(&inner));
    put_blob(&wire, "bongsu");
    put_blob(&wire, "");
    put_blob(&wire, "sha256");
    buf_clear(&inner);
    put_blob(&inner, KIND);
    wr_blob(&inner, signature_bytes(&signature));
    wr_blob(&wire, buf_bytes(&inner));
    armor(buf_bytes(&wire), out);
    buf_deinit(&inner);
    buf_deinit(&wire);
    buf_deinit(&message);
}

/* --- a desk with one operator who has a key --- */

static int open_desk(void **state)
{
    struct sign_key key = sign_key_from_seed((const uint8_t[SIGN_SEED_SIZE]) {9});
    (void)state;
    desk = (struct desk) {.dir = scratch_new(), .key = key};
    desk.conf = (struct conf) {.node = "kr", .country = "KR", .operator_count = 1, .operators = {WHO}};
    struct buf public;
    buf_init(&public, 256);
    put_public(&public);
    desk.conf.operator_keys[0].len = public.len;
    memcpy(desk.conf.operator_keys[0].b, public.at, public.len);
    buf_deinit(&public);
    operators_open(&desk.conf, false, NULL, &desk.operators);
    struct gate_setup setup = {.os = os_linux(), .dir = desk.dir, .node_name = STR("kr")};
    assert_int_equal(gate_open(&setup, &desk.gate), ERR_OK);
    desk.host = (struct command_host) {.gate = desk.gate, .conf = &desk.conf, .operators = &desk.operators};
    assert_int_equal(json_parser_new(64 << 10, &desk.parser), ERR_OK);
    arena_init(&desk.arena, 1 << 20);
    return 0;
}

static int close_desk(void **state)
{
    (void)state;
    arena_deinit(&desk.arena);
    json_parser_free(desk.parser);
    gate_close(desk.gate);
    scratch_free(desk.dir);
    return 0;
}

/* One command that says a word: `said` is what --to-sign printed, or empty. */
struct asked {
    err_t err;
    struct word word;
    char what[COMMAND_TEXT_MAX];
    char text[4096];
};

static struct asked ask(enum word_kind kind, enum standing standing, const char *member, struct str value,
                        const char *about)
{
    struct buf args, out;
    struct json_doc doc;
    struct asked asked = {.err = ERR_OK};
    buf_init(&args, 32 << 10);
    buf_init(&out, 32 << 10);
    buf_printf(&args, "{\"because\":\"read it\"");
    if (member != NULL) {
        buf_printf(&args, ",\"%s\":", member);
        if (value.at == NULL)
            buf_printf(&args, "true");
        else
            json_write_str(&args, value);
    }
    buf_putc(&args, '}');
    size_t len = args.len;
    assert_non_null(buf_extend(&args, JSON_PADDING));
    assert_int_equal(json_parse(desk.parser, bytes_of(args.at, len), &doc, NULL), ERR_OK);
    struct command_call call = {.host = &desk.host,
                                .args = json_root(&doc),
                                .who = STR(WHO),
                                .standing = standing,
                                .now_us = 7,
                                .arena = &desk.arena,
                                .out = &out};
    word_begin(&call, kind, &asked.word);
    word_put(&asked.word, "object", "%s", about);
    asked.err = word_check(&call, &asked.word);
    (void)snprintf(asked.what, sizeof asked.what, "%s", call.what);
    (void)snprintf(asked.text, sizeof asked.text, "%.*s", STR_ARG(buf_str(&asked.word.text)));
    if (asked.err == ERR_OK && !asked.word.shown) {
        assert_int_equal(word_keep(&call, &asked.word), ERR_OK);
        assert_int_equal(gate_commit(desk.gate), ERR_OK);
    }
    buf_deinit(&args);
    buf_deinit(&out);
    arena_reset(&desk.arena);
    return asked;
}

static struct asked ask_text(enum word_kind kind, const char *about)
{
    return ask(kind, STANDING_OPERATOR, "to_sign", (struct str) {NULL, 0}, about);
}

static struct asked give(enum word_kind kind, const struct buf *signature, const char *about)
{
    return ask(kind, STANDING_OPERATOR, "signature", buf_str(signature), about);
}

static void count(void *ctx, const struct gate_word *word)
{
    assert_true(str_starts(word->who, STR(WHO " (key ")));
    ++*(size_t *)ctx;
}

static size_t kept(void)
{
    size_t words = 0;
    assert_int_equal(gate_word_each(desk.gate, count, &words), ERR_OK);
    return words;
}

/* --- the tests --- */

static void each_kind_is_signed_once(void **state)
{
    (void)state;
    if (!desk.operators.real)
        skip();
    for (unsigned kind = 0; kind < WORD_COUNT; kind++) {
        struct buf signature;
        struct asked text = ask_text(kind, "a");
        assert_int_equal(text.err, ERR_OK);
        assert_true(text.word.shown);
        assert_true(str_starts(str_of(text.text),
                               STR("bongsu/operator-word/v1\nnode: kr\noperator: " WHO "\nword: ")));
        assert_true(str_ends(str_of(text.text), STR("\nobject: a\nbecause: \"read it\"\nagain: 0\n")));
        buf_init(&signature, 4096);
        sign_text(str_of(text.text), &signature);
        assert_int_equal(give(kind, &signature, "b").err, ERR_DENIED);
        for (unsigned other = 0; other < WORD_COUNT; other++)
            if (other != kind)
                assert_int_equal(give(other, &signature, "a").err, ERR_DENIED);
        assert_int_equal(kept(), kind);
        struct asked said = give(kind, &signature, "a");
        assert_int_equal(said.err, ERR_OK);
        assert_true(said.word.counts && !said.word.shown);
        assert_true(operators_has(&desk.operators, said.word.by.who));
        assert_int_equal(kept(), kind + 1);
        said = give(kind, &signature, "a");
        assert_int_equal(said.err, ERR_DENIED);
        assert_non_null(strstr(said.what, "over other words"));
        assert_true(str_ends(str_of(ask_text(kind, "a").text), STR("\nagain: 1\n")));
        buf_deinit(&signature);
    }
}

static void without_a_signature_it_is_not_his_word(void **state)
{
    (void)state;
    if (!desk.operators.real)
        skip();
    for (unsigned kind = 0; kind < WORD_COUNT; kind++) {
        bool waits = kind != WORD_SPILL && kind != WORD_RECALL;
        struct asked asked = ask(kind, STANDING_OPERATOR, NULL, STR(""), "a");
        assert_int_equal(asked.err, waits ? ERR_DENIED : ERR_OK);
        assert_false(asked.word.counts);
        assert_false(operators_has(&desk.operators, asked.word.by.who));
        /* Whoever has his name and is not he, by the kernel's word, is as ever: an account. */
        asked = ask(kind, STANDING_ACCOUNT, NULL, STR(""), "a");
        assert_int_equal(asked.err, ERR_OK);
        assert_false(asked.word.counts);
        assert_int_equal(ask(kind, STANDING_STOPPED, "to_sign", (struct str) {NULL, 0}, "a").err, ERR_DENIED);
    }
    assert_int_equal(kept(), 0);
}

static void who_has_no_key_is_his_account(void **state)
{
    struct buf signature;
    (void)state;
    buf_init(&signature, 4096);
    sign_text(str_of(ask_text(WORD_APPROVE, "a").text), &signature);
    desk.conf.operator_keys[0].len = 0;
    operators_open(&desk.conf, false, NULL, &desk.operators);
    if (!desk.operators.real)
        skip();
    struct asked asked = ask(WORD_APPROVE, STANDING_OPERATOR, NULL, STR(""), "a");
    assert_int_equal(asked.err, ERR_OK);
    assert_true(asked.word.counts && str_eq(asked.word.by.who, STR(WHO)));
    assert_int_equal(give(WORD_APPROVE, &signature, "a").err, ERR_DENIED);
    desk.conf.operators_sign = true;
    operators_open(&desk.conf, false, NULL, &desk.operators);
    asked = ask(WORD_APPROVE, STANDING_OPERATOR, NULL, STR(""), "a");
    assert_int_equal(asked.err, ERR_DENIED);
    assert_non_null(strstr(asked.what, "all operators sign here"));
    asked = ask(WORD_SPILL, STANDING_OPERATOR, NULL, STR(""), "a");
    assert_int_equal(asked.err, ERR_OK);
    assert_false(asked.word.counts);
    buf_deinit(&signature);
}

static void many_numbers_are_a_digest(void **state)
{
    uint64_t numbers[LIMIT_COPIES + 1], few[] = {9, 3, 12};
    struct command_call call = {.host = &desk.host, .who = STR(WHO), .arena = &desk.arena};
    struct json_doc doc;
    uint8_t none[2 + JSON_PADDING] = "{}";
    struct word word;
    (void)state;
    assert_int_equal(json_parse(desk.parser, bytes_of(none, 2), &doc, NULL), ERR_OK);
    call.args = json_root(&doc);
    word_begin(&call, WORD_RECALL, &word);
    word_put_numbers(&word, "numbers", few, 3);
    assert_true(str_ends(buf_str(&word.text), STR("\nhow many: 3\nnumbers: 3 9 12\n")));
    for (size_t i = 0; i < LIMIT_COPIES + 1; i++)
        numbers[i] = LIMIT_COPIES + 1 - i;
    word_put_numbers(&word, "numbers", numbers, LIMIT_COPIES + 1);
    /* seq 257 | sha256sum */
    assert_true(str_ends(buf_str(&word.text),
                         STR("\nhow many: 257\nnumbers: sha256 "
                             "cef70484e81e1da12204256306c2521b733ab0a3cd787c173c85f69463cf6807\n")));
    /* A line cannot be forged by a text that somebody chose. */
    word_put_text(&word, "what", STR("x\nword: approve"));
    assert_true(str_ends(buf_str(&word.text), STR("what: \"x\\nword: approve\"\n")));
}

/* What `bongsu words` prints. */
static void list(struct buf *out)
{
    static const uint8_t none[2 + JSON_PADDING] = "{}";
    struct json_doc doc;
    struct command_call call = {.host = &desk.host, .who = STR(WHO), .arena = &desk.arena, .out = out};
    assert_int_equal(json_parse(desk.parser, bytes_of(none, 2), &doc, NULL), ERR_OK);
    call.args = json_root(&doc);
    assert_int_equal(command_word_rows[0].run(&call), ERR_OK);
    buf_putc(out, '\0');
}

static void forget(void)
{
    static const struct gate_forgotten nothing;
    const int64_t day_us = INT64_C(86400000000);
    int64_t now_us = 7;
    size_t gone;
    for (int day = 0; day < 40; day++, now_us += day_us)
        assert_int_equal(gate_retained(desk.gate, &nothing, now_us), ERR_OK);
    assert_int_equal(gate_retain_words(desk.gate, 30, now_us - day_us, &gone), ERR_OK);
    assert_int_equal(gone, 1);
}

/* Whose word it was stays known, and that its text is no more is said. */
static void a_forgotten_text_is_still_his(void **state)
{
    struct buf signature, out;
    (void)state;
    if (!desk.operators.real)
        skip();
    buf_init(&signature, 4096);
    buf_init(&out, 32 << 10);
    sign_text(str_of(ask_text(WORD_APPROVE, "a").text), &signature);
    assert_int_equal(give(WORD_APPROVE, &signature, "a").err, ERR_OK);
    list(&out);
    assert_non_null(strstr((char *)out.at, "\"operator\":\"" WHO "\",\"word\":\"approve\""));
    assert_non_null(strstr((char *)out.at, "\"forgotten\":false"));
    forget();
    buf_clear(&out);
    list(&out);
    assert_non_null(
        strstr((char *)out.at, "\"operator\":\"" WHO "\",\"because\":\"(the words were forgotten "));
    assert_non_null(strstr((char *)out.at, "\"forgotten\":true"));
    assert_null(strstr((char *)out.at, "BEGIN SSH SIGNATURE"));
    buf_deinit(&out);
    buf_deinit(&signature);
}

/* --- when the gate fails --- */

enum failing { FAILS_NOT, FAILS_SPILL, FAILS_SPILLS, FAILS_STATE, FAILS_SETTING };
static struct {
    enum failing what;
    unsigned in; /* calls; the last of them fails */
} failing;

static bool fails(enum failing what)
{
    return failing.what == what && failing.in > 0 && --failing.in == 0;
}

err_t __real_gate_spill(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                        struct gate_spill *out);
err_t __wrap_gate_spill(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                        struct gate_spill *out);
err_t __real_gate_spills(struct gate *gate, void (*each)(void *ctx, const struct gate_spill *spill),
                         void *ctx);
err_t __wrap_gate_spills(struct gate *gate, void (*each)(void *ctx, const struct gate_spill *spill),
                         void *ctx);
err_t __real_spill_state(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                         struct gate_spill *spill);
err_t __wrap_spill_state(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                         struct gate_spill *spill);

err_t __wrap_gate_spill(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                        struct gate_spill *out)
{
    return fails(FAILS_SPILL) ? ERR_IO : __real_gate_spill(gate, lsn, by, now_us, out);
}

err_t __wrap_gate_spills(struct gate *gate, void (*each)(void *ctx, const struct gate_spill *spill),
                         void *ctx)
{
    return fails(FAILS_SPILLS) ? ERR_IO : __real_gate_spills(gate, each, ctx);
}

err_t __wrap_spill_state(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                         struct gate_spill *spill)
{
    return fails(FAILS_STATE) ? ERR_IO : __real_spill_state(gate, lsn, by, now_us, spill);
}

err_t __real_gate_setting_put(struct gate *gate, struct str key, struct bytes value, const struct gate_by *by,
                              int64_t now_us);
err_t __wrap_gate_setting_put(struct gate *gate, struct str key, struct bytes value, const struct gate_by *by,
                              int64_t now_us);
err_t __wrap_gate_setting_put(struct gate *gate, struct str key, struct bytes value, const struct gate_by *by,
                              int64_t now_us)
{
    return fails(FAILS_SETTING) ? ERR_IO : __real_gate_setting_put(gate, key, value, by, now_us);
}

enum before { BEFORE_NOTHING, BEFORE_RECALLED, BEFORE_SPILLED };

#define THING "indicator--00000000-0000-4000-8000-000000000001"

/* Two versions of an object of our own, and a second operator; a recall of it that waits for officers, or
 * somebody who is no operator suspended it. */
static void fill_desk(enum before before)
{
    const struct gate_by by = {STR("test"), STR("test")};
    const struct gate_source source = {.name = STR("own"),
                                       .own = true,
                                       .assume = STIX_TLP_CLEAR,
                                       .partner = -1,
                                       .assume_until_us = INT64_MAX};
    uint64_t lsns[LIMIT_COPIES];
    struct gate_recalled told;
    struct gate_spill spill;
    struct gate_submission submission = {0};
    struct stix_key key;
    size_t count;
    desk.conf.operator_count = 2;
    (void)snprintf(desk.conf.operators[1], CONF_ACCOUNT_BYTES, "bin");
    desk.conf.recall_objects = 0;
    operators_open(&desk.conf, false, NULL, &desk.operators);
    gate_recall_budget(desk.gate, 0);
    assert_int_equal(gate_source_put(desk.gate, &source, &by, 7, &submission.source), ERR_OK);
    for (int version = 1; version <= 2; version++) {
        char text[1024] = "";
        struct fault fault;
        int len =
            snprintf(text, sizeof text - JSON_PADDING,
                     "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"" THING "\","
                     "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:0%d.000Z\","
                     "\"pattern\":\"[ipv4-addr:value = '198.51.100.1']\",\"pattern_type\":\"stix\","
                     "\"valid_from\":\"2026-01-01T00:00:00Z\"}",
                     version);
        assert_int_equal(
            gate_accept(desk.gate, &submission, bytes_of(text, (size_t)len), 7, NULL, NULL, &fault), ERR_OK);
    }
    assert_int_equal(gate_commit(desk.gate), ERR_OK);
    assert_true(stix_id_parse(STR(THING), &key));
    assert_int_equal(gate_spill_copies(desk.gate, &key, lsns, LIMIT_COPIES, &count), ERR_OK);
    assert_int_equal(count, 2);
    for (size_t i = 0; before == BEFORE_SPILLED && i < count; i++)
        assert_int_equal(gate_spill(desk.gate, lsns[i], &by, 7, &spill), ERR_OK);
    if (before != BEFORE_RECALLED)
        return;
    assert_int_equal(gate_recall(desk.gate, lsns, count, 1000, &by, false, 7, &told), ERR_OK);
    assert_true(told.waits);
}

/* A command about it, with one more member. */
static err_t run(const struct command *row, const char *name, const char *member, struct str value,
                 struct buf *out)
{
    struct buf args;
    struct json_doc doc;
    buf_init(&args, 32 << 10);
    buf_printf(&args, "{\"what\":\"" THING "\",\"because\":\"read it\",\"%s\":", member);
    if (value.at == NULL)
        buf_printf(&args, "true");
    else
        json_write_str(&args, value);
    buf_putc(&args, '}');
    size_t len = args.len;
    assert_non_null(buf_extend(&args, JSON_PADDING));
    assert_int_equal(json_parse(desk.parser, bytes_of(args.at, len), &doc, NULL), ERR_OK);
    struct command_call call = {.host = &desk.host,
                                .args = json_root(&doc),
                                .who = STR(WHO),
                                .standing = STANDING_OPERATOR,
                                .now_us = 9,
                                .arena = &desk.arena,
                                .out = out};
    while (strcmp(row->name, name) != 0)
        row++;
    err_t err = row->run(&call);
    assert_int_equal(gate_commit(desk.gate), ERR_OK);
    buf_deinit(&args);
    arena_reset(&desk.arena);
    return err;
}

/* What waits is counted, then read: the second time it cannot be. */
static void what_waits_may_not_be_read(void **state)
{
    (void)state;
    if (!desk.operators.real)
        skip();
    fill_desk(BEFORE_RECALLED);
    struct buf out;
    buf_init(&out, 32 << 10);
    for (unsigned in = 1; in <= 2; in++) {
        failing.what = FAILS_SPILLS;
        failing.in = in;
        assert_int_equal(run(command_recall_rows, "recall.confirm", "to_sign", (struct str) {NULL, 0}, &out),
                         ERR_IO);
        assert_int_equal(failing.in, 0);
        assert_int_equal(out.len, 0);
    }
    failing.what = FAILS_NOT;
    buf_deinit(&out);
}

/* Signed: what it answers when the gate fails so. */
static err_t say_signed(const struct command *rows, const char *name, enum failing what, unsigned in)
{
    struct buf out, signature;
    struct json_doc doc;
    struct str text;
    buf_init(&out, 32 << 10);
    buf_init(&signature, 4096);
    failing.what = FAILS_NOT;
    assert_int_equal(run(rows, name, "to_sign", (struct str) {NULL, 0}, &out), ERR_OK);
    size_t len = (size_t)((uint8_t *)memchr(out.at, '\n', out.len) - out.at);
    assert_non_null(buf_extend(&out, JSON_PADDING));
    assert_int_equal(json_parse(desk.parser, bytes_of(out.at, len), &doc, NULL), ERR_OK);
    assert_true(json_get_str(json_root(&doc), STR("to_sign"), &text));
    sign_text(text, &signature);
    buf_clear(&out);
    failing.what = what;
    failing.in = in;
    err_t err = run(rows, name, "signature", buf_str(&signature), &out);
    assert_true(failing.in == 0);
    failing.what = FAILS_NOT;
    buf_deinit(&signature);
    buf_deinit(&out);
    return err;
}

/* What was done by his word is his word also where the gate then failed, and the signature is spent. */
static void what_was_done_in_part_is_his_word(void **state)
{
    static const struct {
        const struct command *rows;
        const char *name;
        enum failing what;
        unsigned in;
        enum before before;
        size_t kept;
    } cases[] = {
        {command_spill_rows, "spill.add", FAILS_SPILL, 1, BEFORE_NOTHING, 0},
        {command_spill_rows, "spill.add", FAILS_SPILL, 2, BEFORE_NOTHING, 1},
        {command_recall_rows, "recall.add", FAILS_STATE, 1, BEFORE_NOTHING, 0},
        {command_recall_rows, "recall.add", FAILS_STATE, 2, BEFORE_NOTHING, 1},
        {command_recall_rows, "recall.confirm", FAILS_SPILLS, 3, BEFORE_RECALLED,
         0}, /* two to print what it is of */
        {command_recall_rows, "recall.confirm", FAILS_SPILLS, 4, BEFORE_RECALLED, 1},
        {command_spill_rows, "spill.destroy", FAILS_SETTING, 1, BEFORE_SPILLED, 0},
        {command_spill_rows, "spill.destroy", FAILS_SETTING, 2, BEFORE_SPILLED, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(open_desk(state), 0);
        if (!desk.operators.real)
            skip();
        fill_desk(cases[i].before);
        assert_int_equal(say_signed(cases[i].rows, cases[i].name, cases[i].what, cases[i].in), ERR_IO);
        assert_int_equal(kept(), cases[i].kept);
        assert_int_equal(close_desk(state), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_kind_is_signed_once, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(without_a_signature_it_is_not_his_word, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(who_has_no_key_is_his_account, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(many_numbers_are_a_digest, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(a_forgotten_text_is_still_his, open_desk, close_desk),
        cmocka_unit_test_setup_teardown(what_waits_may_not_be_read, open_desk, close_desk),
        cmocka_unit_test(what_was_done_in_part_is_his_word)};
    if (sign_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
