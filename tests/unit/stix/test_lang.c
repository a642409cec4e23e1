/* Language content merged into an object (section 7.1). */
#include <stdio.h>

#include "stix/lang.h"
#include "stix_test.h"

struct merging {
    struct reading object, content;
    struct buf out;
};

static int open_merging(void **state)
{
    struct merging *m = calloc(1, sizeof *m);
    assert_non_null(m);
    reading_open(&m->object);
    reading_open(&m->content);
    buf_init(&m->out, 1 << 20);
    *state = m;
    return 0;
}

static int close_merging(void **state)
{
    struct merging *m = *state;
    reading_close(&m->object);
    reading_close(&m->content);
    buf_deinit(&m->out);
    free(m);
    return 0;
}

static err_t merge(struct merging *m, const char *object, const char *content, const char *lang)
{
    buf_clear(&m->out);
    reading_parse(&m->object, str_of(object));
    reading_parse(&m->content, str_of(content));
    return stix_lang_merge(json_root(&m->object.doc), json_root(&m->content.doc), str_of(lang), &m->out);
}

static void look(struct merging *m, const char *object, const char *content, const char *lang,
                 const char *wanted)
{
    err_t err = merge(m, object, content, lang);
    if (err != (wanted == NULL ? ERR_NOTFOUND : ERR_OK) ||
        (wanted != NULL && !str_eq(buf_str(&m->out), str_of(wanted))))
        fail_msg("%s + %s in %s: %s: %.*s", object, content, lang, err_text(err), STR_ARG(buf_str(&m->out)));
}

#define CAMPAIGN(name, description)                                                                          \
    "{\"type\":\"campaign\",\"id\":\"campaign--12a111f0-b824-4baf-a224-83b80237a094\",\"lang\":\"en\","      \
    "\"spec_version\":\"2.1\",\"created\":\"2017-02-08T21:31:22.007Z\",\"modified\":\"2017-02-08T21:31:22."  \
    "007Z\",\"name\":\"" name "\",\"description\":\"" description "\"}"
#define ACTOR(goals)                                                                                         \
    "{\"type\":\"threat-actor\",\"spec_version\":\"2.1\",\"id\":\"threat-actor--8e2e2d2b-17d4-4cbf-938f-"    \
    "98ee46b3cd3f\",\"created\":\"2016-04-06T20:03:48.000Z\",\"modified\":\"2016-04-06T20:03:48.000Z\","     \
    "\"name\":\"Evil Org\",\"aliases\":[\"Syndicate 1\",\"Evil Syndicate 99\"],\"goals\":" goals "}"

/* Section 7.1's own. */
static void the_examples_of_the_standard(void **state)
{
    static const char campaign[] =
        "{\"contents\":{\"de\":{\"name\":\"Bank Angriff\",\"description\":\"Weitere "
        "Informationen über Banküberfall\"},\"fr\":{\"name\":\"Attaque Bank\","
        "\"description\":\"Plus d'informations sur la crise bancaire\"}}}";
    static const char actor[] =
        "{\"contents\":{\"de\":{\"goals\":[\"Bankgeld stehlen\",\"Kreditkarten stehlen\"]},"
        "\"fr\":{\"goals\":[\"Voler de l'argent en banque\",\"\"]}}}";
    static const char english[] = CAMPAIGN("Bank Attack", "More information about bank attack");
    static const char goals[] = ACTOR("[\"Steal bank money\",\"Steal credit cards\"]");
    look(*state, english, campaign, "de",
         CAMPAIGN("Bank Angriff", "Weitere Informationen über Banküberfall"));
    look(*state, english, campaign, "fr",
         CAMPAIGN("Attaque Bank", "Plus d'informations sur la crise bancaire"));
    look(*state, english, campaign, "en", NULL);
    look(*state, goals, actor, "de", ACTOR("[\"Bankgeld stehlen\",\"Kreditkarten stehlen\"]"));
    look(*state, goals, actor, "fr", ACTOR("[\"Voler de l'argent en banque\",\"Steal credit cards\"]"));
}

static void only_text_for_people_of_the_same_shape_is_replaced(void **state)
{
    static const struct {
        const char *object, *translation, *wanted;
    } rows[] = {
        {"{\"name\":\"a\"}", "{\"nothing\":\"b\"}", "{\"name\":\"a\"}"},
        {"{\"name\":\"a\"}", "{\"name\":42}", "{\"name\":\"a\"}"},
        {"{\"name\":\"a\"}", "{\"name\":\"\"}", "{\"name\":\"a\"}"},
        {"{\"name\":\"a\"}", "{\"name\":[\"b\"]}", "{\"name\":\"a\"}"},
        {"{\"name\":\"\"}", "{\"name\":\"b\"}", "{\"name\":\"b\"}"},
        {"{\"labels\":[\"a\",\"b\"]}", "{\"labels\":[\"c\"]}", "{\"labels\":[\"a\",\"b\"]}"},
        {"{\"labels\":[\"a\",\"b\"]}", "{\"labels\":{\"0\":\"c\"}}", "{\"labels\":[\"a\",\"b\"]}"},
        {"{\"x\":[{\"a\":\"1\",\"b\":2},\"c\"]}", "{\"x\":[{\"a\":\"eins\",\"b\":\"zwei\"},\"\"]}",
         "{\"x\":[{\"a\":\"eins\",\"b\":2},\"c\"]}"},
        {"{\"x\":{\"y\":{\"z\":\"a\"}},\"n\":null,\"t\":true,\"f\":1.5,\"e\":[]}",
         "{\"x\":{\"y\":{\"z\":\"b\"}},\"n\":\"b\",\"t\":\"b\",\"f\":\"b\",\"e\":[]}",
         "{\"x\":{\"y\":{\"z\":\"b\"}},\"n\":null,\"t\":true,\"f\":1.5,\"e\":[]}"},
        /* what machines read */
        {"{\"id\":\"a\",\"type\":\"a\",\"spec_version\":\"2.1\",\"pattern\":\"a\",\"lang\":\"en\"}",
         "{\"id\":\"b\",\"type\":\"b\",\"spec_version\":\"b\",\"pattern\":\"b\",\"lang\":\"b\"}",
         "{\"id\":\"a\",\"type\":\"a\",\"spec_version\":\"2.1\",\"pattern\":\"a\",\"lang\":\"en\"}"},
        {"{\"x_ref\":\"a\",\"x_refs\":[\"a\"],\"hashes\":{\"MD5\":\"a\"},\"xs\":[{\"url\":\"a\",\"d\":\"a\"}]"
         "}",
         "{\"x_ref\":\"b\",\"x_refs\":[\"b\"],\"hashes\":{\"MD5\":\"b\"},\"xs\":[{\"url\":\"b\",\"d\":\"b\"}]"
         "}",
         "{\"x_ref\":\"a\",\"x_refs\":[\"a\"],\"hashes\":{\"MD5\":\"a\"},\"xs\":[{\"url\":\"a\",\"d\":\"b\"}]"
         "}"},
        {"{\"seen\":\"2026-01-01T00:00:00Z\",\"other\":\"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\"}",
         "{\"seen\":\"b\",\"other\":\"b\"}",
         "{\"seen\":\"2026-01-01T00:00:00Z\",\"other\":\"tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\"}"},
        {"{\"name\":\"\\u0007\\\"\\\\\"}", "{\"x\":1}", "{\"name\":\"\\u0007\\\"\\\\\"}"},
    };
    char content[512];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(content, sizeof content, "{\"contents\":{\"de\":%s}}", rows[i].translation);
        look(*state, rows[i].object, content, "de", rows[i].wanted);
    }
}

static void tags_are_compared_by_their_language(void **state)
{
    static const char object[] = "{\"name\":\"a\"}";
    static const struct {
        const char *contents, *lang, *wanted;
    } rows[] = {
        {"{\"ko\":{\"name\":\"b\"}}", "ko", "{\"name\":\"b\"}"},
        {"{\"ko\":{\"name\":\"b\"}}", "KO", "{\"name\":\"b\"}"},
        {"{\"ko-KR\":{\"name\":\"b\"}}", "ko", "{\"name\":\"b\"}"},
        {"{\"ko\":{\"name\":\"b\"}}", "ko-KR", "{\"name\":\"b\"}"},
        {"{\"ko-KP\":{\"name\":\"b\"},\"ko-KR\":{\"name\":\"c\"},\"ko\":{\"name\":\"d\"}}", "ko-kr",
         "{\"name\":\"c\"}"},
        {"{\"ko-KP\":{\"name\":\"b\"},\"ko-KR\":{\"name\":\"c\"}}", "ko", "{\"name\":\"b\"}"},
        {"{\"kor\":{\"name\":\"b\"}}", "ko", NULL},
        {"{\"ko\":\"b\"}", "ko", NULL},
        {"[]", "ko", NULL},
        {"{}", "ko", NULL},
    };
    char content[256];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(content, sizeof content, "{\"contents\":%s}", rows[i].contents);
        look(*state, object, content, rows[i].lang, rows[i].wanted);
    }
    look(*state, object, "{}", "ko", NULL);
    look(*state, "[1]", "{\"contents\":{\"ko\":{}}}", "ko", NULL);
    static const char *const beginnings[] = {"", "k", "ko"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        look(*state, object, "{\"contents\":{\"kor-KR\":{\"name\":\"b\"}}}", beginnings[i], NULL);
}

static void put_nested(struct buf *out, size_t depth, const char *text)
{
    for (size_t i = 0; i < depth; i++)
        buf_put_str(out, STR("{\"a\":"));
    buf_printf(out, "\"%s\"", text);
    for (size_t i = 0; i < depth; i++)
        buf_putc(out, '}');
    buf_putc(out, '\0');
}

/* As deep as an object may be; the translation of the deepest text would stand two levels deeper than may be.
 */
static void depth_is_no_trouble(void **state)
{
    struct merging *m = *state;
    struct buf object, content;
    buf_init(&object, 1 << 16);
    buf_init(&content, 1 << 16);
    put_nested(&object, LIMIT_JSON_DEPTH, "x");
    buf_put_str(&content, STR("{\"contents\":{\"de\":"));
    put_nested(&content, LIMIT_JSON_DEPTH - 2, "y");
    content.len--;
    buf_put_str(&content, STR("}}"));
    buf_putc(&content, '\0');
    look(m, (const char *)object.at, (const char *)content.at, "de", (const char *)object.at);
    buf_clear(&object);
    put_nested(&object, LIMIT_JSON_DEPTH - 2, "x");
    assert_int_equal(merge(m, (const char *)object.at, (const char *)content.at, "de"), ERR_OK);
    assert_non_null(memchr(m->out.at, 'y', m->out.len));
    buf_deinit(&object);
    buf_deinit(&content);
}

#define REF            "campaign--12a111f0-b824-4baf-a224-83b80237a094"
#define CONTENT(more)  "{\"object_ref\":\"" REF "\"" more "}"
#define OBJECT(more)   "{\"id\":\"" REF "\"" more "}"
#define AT(name, text) ",\"" name "\":\"2017-02-08T21:31:22" text "\""

static void it_speaks_of_one_version_or_of_all(void **state)
{
    static const struct {
        const char *content, *object;
        bool applies;
    } rows[] = {
        {CONTENT(""), OBJECT(AT("modified", ".007Z")), true},
        {CONTENT(""), OBJECT(""), true}, /* of a type that has no versions */
        {CONTENT(AT("object_modified", ".007Z")), OBJECT(AT("modified", ".007Z")), true},
        {CONTENT(AT("object_modified", ".007Z")), OBJECT(AT("modified", ".007000Z")), true},
        {CONTENT(AT("object_modified", ".007Z")), OBJECT(AT("modified", ".008Z")), false},
        {CONTENT(AT("object_modified", ".007Z")), OBJECT(""), false},
        {CONTENT(",\"object_modified\":\"soon\""), OBJECT(AT("modified", ".007Z")), false},
        {CONTENT(""), "{\"id\":\"campaign--12a111f0-b824-4baf-a224-83b80237a095\"}", false},
        {CONTENT(""), "{}", false},
        {"{}", OBJECT(""), false},
    };
    struct merging *m = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        reading_parse(&m->object, str_of(rows[i].object));
        reading_parse(&m->content, str_of(rows[i].content));
        if (stix_lang_applies(json_root(&m->content.doc), json_root(&m->object.doc)) != rows[i].applies)
            fail_msg("%s of %s", rows[i].content, rows[i].object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_examples_of_the_standard, open_merging, close_merging),
        cmocka_unit_test_setup_teardown(only_text_for_people_of_the_same_shape_is_replaced, open_merging,
                                        close_merging),
        cmocka_unit_test_setup_teardown(tags_are_compared_by_their_language, open_merging, close_merging),
        cmocka_unit_test_setup_teardown(depth_is_no_trouble, open_merging, close_merging),
        cmocka_unit_test_setup_teardown(it_speaks_of_one_version_or_of_all, open_merging, close_merging),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
