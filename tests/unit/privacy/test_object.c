/* The field's role first. Cases with labels stand in tests/corpus/privacy/objects.tsv (stage privacy); here
 * is what a file cannot say: roles from neighbours, facts, depth. */
#include "privacy_test.h"

struct world {
    struct json_parser *parser;
    struct arena arena;
    struct json_doc doc;
    struct found found;
    uint8_t text[1 << 16];
};

static void look(struct world *world, const char *text, enum privacy_role role)
{
    size_t len = strlen(text);
    assert_true(len + JSON_PADDING < sizeof world->text);
    memcpy(world->text, text, len);
    found_open(&world->found);
    assert_int_equal(json_parse(world->parser, bytes_of(world->text, len), &world->doc, NULL), ERR_OK);
    assert_int_equal(privacy_object(json_root(&world->doc), role, &world->arena, &world->found.hits), ERR_OK);
}

static int open_world(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    assert_int_equal(json_parser_new(sizeof world->text, &world->parser), ERR_OK);
    arena_init(&world->arena, 1 << 20);
    *state = world;
    return 0;
}

static int close_world(void **state)
{
    struct world *world = *state;
    json_parser_free(world->parser);
    arena_deinit(&world->arena);
    free(world);
    return 0;
}

static const char address[] =
    "{\"type\":\"email-addr\",\"value\":\"kim@example.com\",\"x_note\":\"lee@example.com\"}";

static void neighbours(void **state)
{
    struct world *world = *state;
    look(world, address, PRIVACY_VICTIM_OF);
    assert_int_equal(world->found.hits.count, 2);
    assert_int_equal(world->found.at[0].role, PRIVACY_VICTIM_OF);
    assert_int_equal(world->found.at[1].role, PRIVACY_TEXT); /* the neighbour says nothing of another text */
    assert_int_equal(privacy_facts(&world->found.hits).kinds, PRIVACY_FACT(PRIVACY_EMAIL));
    look(world, "{\"type\":\"email-addr\",\"value\":\"evil@example.com\"}", PRIVACY_INDICATOR);
    struct privacy_facts facts = privacy_facts(&world->found.hits);
    assert_int_equal(facts.kinds, PRIVACY_RELATED(PRIVACY_EMAIL));
    assert_int_equal(facts.score, 0);
    look(world, address, PRIVACY_TEXT);
    assert_int_equal(world->found.at[0].role, PRIVACY_TEXT);
}

static void reference_roles(void **state)
{
    (void)state;
    assert_int_equal(privacy_ref_role(STR("email-message"), STR("to_refs")), PRIVACY_VICTIM_OF);
    assert_int_equal(privacy_ref_role(STR("email-message"), STR("bcc_refs")), PRIVACY_VICTIM_OF);
    assert_int_equal(privacy_ref_role(STR("email-message"), STR("from_ref")), PRIVACY_SENDER);
    assert_int_equal(privacy_ref_role(STR("sighting"), STR("where_sighted_refs")), PRIVACY_VICTIM_OF);
    assert_int_equal(privacy_ref_role(STR("process"), STR("creator_user_ref")), PRIVACY_PERSON);
    assert_int_equal(privacy_ref_role(STR("report"), STR("object_refs")), PRIVACY_TEXT);
    assert_int_equal(privacy_ref_role(STR("email-message"), STR("body")), PRIVACY_TEXT);
    assert_int_equal(privacy_role_stricter(PRIVACY_SENDER, PRIVACY_VICTIM_OF), PRIVACY_VICTIM_OF);
    assert_int_equal(privacy_role_stricter(PRIVACY_VICTIM_OF, PRIVACY_INDICATOR), PRIVACY_VICTIM_OF);
    assert_int_equal(privacy_role_stricter(PRIVACY_TEXT, PRIVACY_INDICATOR), PRIVACY_INDICATOR);
}

/* An indicator's name may repeat its pattern; when the pattern holds recipients nothing is taken for granted.
 */
static void indicators(void **state)
{
    struct world *world = *state;
    look(world,
         "{\"type\":\"indicator\",\"name\":\"v@example.com from e@example.com\",\"pattern\":"
         "\"[email-message:from_ref.value='e@example.com' AND "
         "email-message:to_refs[0].value='v@example.com']\","
         "\"pattern_type\":\"stix\"}",
         PRIVACY_TEXT);
    assert_int_equal(world->found.hits.count, 4);
    assert_int_equal(world->found.at[0].role, PRIVACY_TEXT);
    assert_int_equal(world->found.at[1].role, PRIVACY_TEXT);
    assert_int_equal(world->found.at[2].role, PRIVACY_INDICATOR);
    assert_int_equal(world->found.at[3].role, PRIVACY_VICTIM_OF);
    assert_true(str_eq(world->found.at[3].pointer, STR("/pattern")));
    assert_true(str_eq(privacy_value(&world->found.at[3]), STR("v@example.com")));
}

/* What a rule says about itself is text; what it looks for, the attacker's. t: text, i: indicator. */
static void rules(void **state)
{
    static const struct {
        const char *language, *pattern, *roles;
    } rows[] = {
        {"yara",
         "rule a { meta: author = \\\"Jane <jane@corp.example>\\\" strings: $a = \\\"e@example.com\\\" "
         "condition: $a }",
         "ti"},
        {"YARA",
         "/* jane@corp.example */ rule a { strings: $a = \\\"e@example.com\\\" // k@corp.example\\n "
         "condition: $a }",
         "tit"},
        {"yara",
         "rule a : meta { strings: $a = \\\"meta: e@example.com\\\" $b = \\\"// e@example.com\\\" condition: "
         "$a }",
         "ii"},
        {"yara",
         "rule a { meta : m = \\\"j@corp.example\\\" } rule b { strings: $a = \\\"e@example.com\\\" }", "ti"},
        {"yara", "rule a { meta: m = \\\"j@corp.example", "t"},
        {"sigma",
         "title: x\\nauthor: Jane <jane@corp.example>\\ndetection:\\n  s:\\n    User: e@example.com\\n  # "
         "k@corp.example\\n"
         "falsepositives:\\n  - l@corp.example\\n",
         "titt"},
        {"snort", "alert tcp any any -> any any (content:\\\"e@example.com\\\"; sid:1;)", "i"},
    };
    struct world *world = *state;
    char text[1024];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"indicator\",\"pattern_type\":\"%s\",\"pattern\":\"%s\"}",
                       rows[i].language, rows[i].pattern);
        for (char *c = text; *c != '\0'; c++)
            *c = *c == '\n' ? ' ' : *c;
        look(world, text, PRIVACY_TEXT);
        assert_int_equal(world->found.hits.count, strlen(rows[i].roles));
        for (size_t k = 0; k < world->found.hits.count; k++)
            if ((world->found.at[k].role == PRIVACY_TEXT) != (rows[i].roles[k] == 't'))
                fail_msg("%s: hit %zu is of role %d", rows[i].pattern, k, (int)world->found.at[k].role);
    }
    look(world,
         "{\"type\":\"indicator\",\"description\":\"by "
         "jane@corp.example\",\"pattern_type\":\"yara\",\"pattern\":"
         "\"rule a { meta: a = 'jane@corp.example' }\"}",
         PRIVACY_TEXT);
    assert_int_equal(world->found.hits.count, 2);
    assert_int_equal(world->found.at[0].role, PRIVACY_TEXT);
    /* A password within what is shared is the attacker's; one beside an account is somebody's. */
    look(world,
         "{\"type\":\"indicator\",\"pattern_type\":\"stix\",\"pattern\":\"[url:value = "
         "'ftp://evilbot:Pa55w0rd@evil.su/' OR user-account:credential = 'hunter2']\"}",
         PRIVACY_TEXT);
    assert_int_equal(world->found.hits.count, 3);
    assert_int_equal(world->found.at[0].role, PRIVACY_INDICATOR);
    assert_int_equal(world->found.at[1].role, PRIVACY_INDICATOR);
    assert_int_equal(world->found.at[2].role, PRIVACY_PERSON);
}

static void depth(void **state)
{
    struct world *world = *state;
    char text[4096], wanted[64];
    for (unsigned levels = 1; levels < LIMIT_JSON_DEPTH; levels += 7) {
        size_t len = 0;
        len += (size_t)snprintf(text + len, sizeof text - len, "{\"type\":\"x\",\"a\":");
        for (unsigned i = 1; i < levels; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "[");
        len += (size_t)snprintf(text + len, sizeof text - len, "\"a@example.com\"");
        for (unsigned i = 1; i < levels; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "]");
        (void)snprintf(text + len, sizeof text - len, "}");
        look(world, text, PRIVACY_TEXT);
        assert_int_equal(world->found.hits.count, 1);
        (void)snprintf(wanted, sizeof wanted, "%s", levels > 1 ? "/a/0" : "/a");
        assert_memory_equal(world->found.at[0].pointer.at, wanted, strlen(wanted));
        assert_int_equal(world->found.at[0].pointer.len, 2 + 2 * (levels - 1));
    }
}

/* No name of a member lets anything go unseen; what is an identifier or a time by its form names nobody. */
static void names_hide_nothing(void **state)
{
    static const char *const names[] = {"id",         "type",        "created",        "hashes",     "lang",
                                        "x_refs",     "payload_bin", "selectors",      "first_seen", "mtime",
                                        "created_by", "object_ref",  "pattern_version"};
    struct world *world = *state;
    char text[1024];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t deep = 0; deep < 3; deep++) {
            const char *open[] = {"", "\"x_a\":{", "\"x_a\":{\"b\":[{"}, *close[] = {"", "}", "}]}"};
            (void)snprintf(text, sizeof text, "{%s\"%s\":\"900101-1987651\"%s}", open[deep], names[i],
                           close[deep]);
            look(world, text, PRIVACY_TEXT);
            assert_int_equal(world->found.hits.count, 1);
        }
    }
    look(world,
         "{\"type\":\"file\",\"id\":\"file--90010119-8765-4190-8101-198765100000\",\"x\":"
         "\"2027-01-23T12:34:56.789012345Z\"}",
         PRIVACY_TEXT);
    assert_int_equal(world->found.hits.count, 0);
    look(world,
         "{\"x\":\"2027-01-23T12:34:56.9001011234568Z\",\"y\":\"x-900101-1987651--00000000-0000-4000-8000-"
         "000000000000\"}",
         PRIVACY_TEXT);
    assert_int_equal(world->found.hits.count, 1);
    assert_true(str_eq(world->found.at[0].pointer, STR("/y")));
}

/* Where a value stands in a name or a number it cannot be replaced, and no pointer says it. */
static void fixed(void **state)
{
    struct world *world = *state;
    look(world, "{\"x\":{\"900101-1987651\":{\"a\":\"lee@example.com\"}},\"x_rrn\":9001011987651}",
         PRIVACY_TEXT);
    assert_int_equal(world->found.hits.count, 3);
    assert_true(world->found.at[0].fixed && !world->found.at[1].fixed && world->found.at[2].fixed);
    assert_true(str_eq(world->found.at[0].pointer, STR("/x/******-*******")));
    look(world, "{\"①010_1234_5678②\":{\"a\":\"x\"}}", PRIVACY_TEXT);
    assert_int_equal(world->found.hits.count, 1);
    assert_true(str_eq(privacy_value(&world->found.at[0]), STR("010_1234_5678")));
    assert_true(str_eq(world->found.at[1].pointer, STR("/x/******-*******/a")));
    assert_true(str_eq(privacy_value(&world->found.at[2]), STR("9001011987651")));
}

/* What was masked or replaced names nobody any more, whole or part by part; what only looks so does. */
static void covered(void **state)
{
    static const struct {
        const char *name;
        size_t hits;
    } rows[] = {
        {"＊＊＊", 0},   {"*** *****", 0},           {"", 0},
        {"＊＊ Kim", 1}, {"[pseudonym:name:00]", 1}, {"[pseudonym:name:", 1},
    };
    static const struct seal_secret key = {{1}};
    const struct privacy_hit whole = {.kind = PRIVACY_NAME, .len = 9};
    struct world *world = *state;
    struct buf text;
    buf_init(&text, 4096);
    buf_put_str(&text, STR("{\"type\":\"user-account\",\"display_name\":\""));
    privacy_pseudonymise(STR("홍길동"), &whole, 1, &key, &text);
    buf_put_str(&text, STR("\"}"));
    buf_putc(&text, '\0');
    look(world, (const char *)text.at, PRIVACY_TEXT);
    assert_int_equal(world->found.hits.count, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&text);
        buf_printf(&text, "{\"type\":\"user-account\",\"display_name\":\"%s\"}", rows[i].name);
        buf_putc(&text, '\0');
        look(world, (const char *)text.at, PRIVACY_TEXT);
        assert_int_equal(world->found.hits.count, rows[i].hits);
    }
    buf_deinit(&text);
}

/* All milliseconds of a day of early 2027 whose digits are a date: no number among them is a child's, unless
 * its checksum is right and its name says so. */
static void milliseconds(void **state)
{
    struct world *world = *state;
    char text[128];
    for (unsigned long long at = 1801013000000; at < 1801013001000; at++) {
        (void)snprintf(text, sizeof text, "{\"x_seen\":%llu,\"x_b\":[%llu]}", at, at);
        look(world, text, PRIVACY_TEXT);
        assert_int_equal(world->found.hits.count, 0);
    }
    look(world, "{\"x_resident\":1801013000001}", PRIVACY_TEXT);
    assert_int_equal(world->found.hits.count, 1);
}

/* An identity need not say what it is. What it may be is asked of its sectors and its name: "" nobody's;
 * else the kinds that are found, in the order of the text. */
static void without_a_class(void **state)
{
    static const struct {
        const char *more, *name, *kinds;
    } rows[] = {
        {"", "Hong Gildong", "n"},
        {"", "홍길동", "n"},
        {"", "KIM", "n"},
        {"\"identity_class\":\"unknown\",", "Hong Gildong", "n"},
        {"\"identity_class\":\" \",", "Hong Gildong", "n"},
        {"\"identity_class\":7,", "Hong Gildong", "n"},
        {"\"sectors\":[],", "Hong Gildong", "n"},
        {"\"identity_class\":\"group\",", "Hong Gildong", ""},
        {"\"sectors\":[\"energy\"],", "Hong Gildong", ""},
        {"", "Example Bank", ""},
        {"", "EXAMPLE-CERT", ""},
        {"", "University of Gildong", ""},
        {"", "Gildong, Inc.", ""},
        {"", "ExampleLabs", ""},
        {"", "한국은행", ""},
        {"", "(주)길동", ""},
        {"", "길동㈜", ""},
        {"", "가상 침해사고대응팀", ""},
        {"", "Jane Doe, Example Bank", "n"},
        {"", "Jane Doe (Example Bank)", "n"},
        {"", "Jane Doe of Example Bank", "n"},
        {"", "Tyra Banks", "n"},
        {"", "Certina Lopez", "n"},
        {"", "구청모", "n"},
        {"", "kim@example.com", "e"},
        {"", "Hong Gildong <kim@example.com>", "ne"},
        {"", "Hong <kim@example.com> and Lee", "nen"},
        {"", "a@example.com b@example.com", "ee"},
        {"", "Example Bank kim@example.com", "e"},
        {"", "*** ******", ""},
        {"", "", ""},
    };
    struct world *world = *state;
    char text[512];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(text, sizeof text, "{\"type\":\"identity\",%s\"name\":\"%s\"}", rows[i].more,
                       rows[i].name);
        look(world, text, PRIVACY_TEXT);
        if (world->found.hits.count != strlen(rows[i].kinds))
            fail_msg("%s: %zu hits", text, world->found.hits.count);
        for (size_t k = 0; k < world->found.hits.count; k++) {
            const struct privacy_hit *hit = &world->found.at[k];
            assert_int_equal(hit->kind, rows[i].kinds[k] == 'n' ? PRIVACY_NAME : PRIVACY_EMAIL);
            assert_true(hit->role == PRIVACY_PERSON || rows[i].kinds[0] == 'e');
            assert_true(hit->score >= PRIVACY_SCORE_HIT && (hit->kind != PRIVACY_NAME || hit->score < 80));
            assert_true(k == 0 || hit->from >= hit[-1].from + hit[-1].len);
        }
    }
}

/* What is no object is refused. */
static void not_an_object(void **state)
{
    struct world *world = *state;
    memcpy(world->text, "[1]", 3);
    assert_int_equal(json_parse(world->parser, bytes_of(world->text, 3), &world->doc, NULL), ERR_OK);
    found_open(&world->found);
    assert_int_equal(privacy_object(json_root(&world->doc), PRIVACY_TEXT, &world->arena, &world->found.hits),
                     ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours),      cmocka_unit_test(reference_roles),
        cmocka_unit_test(indicators),      cmocka_unit_test(rules),
        cmocka_unit_test(depth),           cmocka_unit_test(names_hide_nothing),
        cmocka_unit_test(fixed),           cmocka_unit_test(covered),
        cmocka_unit_test(milliseconds),    cmocka_unit_test(not_an_object),
        cmocka_unit_test(without_a_class),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
