/* The guard holds what a text names and its reader was not given, where such a text may not leave at all. So
 * wherever the guard reads an identifier within a text the gate must have read it, too: a sentence that one
 * of them takes for a name and the other one not would stop a partner, and tell whoever wrote it what is
 * held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/limit.h"
#include "guard/mark.h"
#include "guard/scan.h"
#include "stix/stix.h"

#define UUID "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

enum { TEXT_MAX = 1 << 16 };

struct both {
    struct json_parser *parser;
    struct arena arena;
    struct buf scratch, text;
    struct stix_object object;
    uint8_t *padded;
    unsigned accepted, found;
};

static int setup(void **state)
{
    struct both *b = calloc(1, sizeof *b);
    assert_non_null(b);
    assert_int_equal(json_parser_new(1u << 20, &b->parser), ERR_OK);
    arena_init(&b->arena, 64u << 20);
    buf_init(&b->scratch, TEXT_MAX);
    buf_init(&b->text, TEXT_MAX);
    b->padded = malloc(TEXT_MAX + JSON_PADDING);
    assert_non_null(b->padded);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct both *b = *state;
    json_parser_free(b->parser);
    arena_deinit(&b->arena);
    buf_deinit(&b->scratch);
    buf_deinit(&b->text);
    free(b->padded);
    free(b);
    return 0;
}

static bool among(const struct stix_ref *list, size_t count, const struct stix_key *key)
{
    for (size_t i = 0; i < count; i++)
        if (stix_key_eq(&list[i].key, key))
            return true;
    return false;
}

/* An identifier that no object can have is nobody's: core answers that nothing is held. */
static bool is_read(void *ctx, enum scan_role role, struct str id)
{
    struct both *b = ctx;
    const struct stix_object *object = &b->object;
    struct stix_key key;
    if (role == SCAN_PROSE || !stix_id_parse(id, &key) || mark_is_common(id))
        return true;
    b->found++;
    if (!stix_key_eq(&key, &object->key) && !among(object->refs, object->ref_count, &key) &&
        !among(object->named, object->named_count, &key))
        fail_msg("the gate does not read %.*s in %.*s", STR_ARG(id), STR_ARG(buf_str(&b->text)));
    return true;
}

static bool any_item(void *ctx, const struct scan_item *item)
{
    (void)ctx;
    (void)item;
    return true;
}

/* Of what stands in `text`; what the gate does not accept never leaves. */
static void compare(struct both *b)
{
    struct scan_sink sink = {is_read, any_item, b};
    struct json_doc doc;
    struct fault fault;
    assert_int_equal(buf_err(&b->text), ERR_OK);
    memcpy(b->padded, b->text.at, b->text.len);
    memset(b->padded + b->text.len, '"', JSON_PADDING);
    arena_reset(&b->arena);
    if (json_parse(b->parser, bytes_of(b->padded, b->text.len), &doc, &fault) != ERR_OK ||
        stix_read(json_root(&doc), NULL, &b->arena, &b->object, &fault) != ERR_OK)
        return;
    b->accepted++;
    assert_true(scan_json(buf_bytes(&b->text), false, &b->scratch, &sink));
}

static const char *const types[] = {"tool", "indicator",        "TOOL",   "file",
                                    "acme", "acme-sensor",      "x-acme", "ab",
                                    "a--b", "x509-certificate", "3com",   "identity"};

static void test_dressed(void **state)
{
    struct both *b = *state;
    static const char *const before[] = {"",          "see ",
                                         "x",         "-",
                                         "X",         "\xc3\xa9",
                                         "\\u0041",   "/",
                                         "%2D",       "&lt;",
                                         "~",         "_",
                                         ".",         "`",
                                         "tool-",     "1",
                                         "tool--",    "threat ",
                                         "\\n",       "\\\\",
                                         "id=",       "a b ",
                                         "id: ",      "=",
                                         "\\\"",      "{",
                                         "<b>",       "--",
                                         UUID "--",   "(",
                                         "[",         ",",
                                         "'",         "%41 ",
                                         "&amp; ",    "\xd0\xb0 ",
                                         "-- ",       "x-- ",
                                         "tool (",    "\\u0020",
                                         "\xc2\xad ", "acme sensor ",
                                         "=2D ",      "UUID " UUID " ",
                                         "x [",       "tool '",
                                         "0 ",        "a\\\\u002d ",
                                         "\\\\ ",     "\\u200b "};
    static const char *const behind[] = {
        "",    "0", "-", " ",  "\xc3\xa9",     ".",      "--tool", "--" UUID, "f",   "\\u0030", "\\n0",
        "_",   ")", ",", " 0", " -1",          ".0",     " a",     "]",       "!",   "? x",     ": b",
        ". 4", ";", "'", ".f", " tool--" UUID, " " UUID, "=2D",    ".2",      ": 0", ",0",      "\xc2\xad"};
    b->accepted = b->found = 0;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (size_t i = 0; i < sizeof before / sizeof *before; i++)
            for (size_t k = 0; k < sizeof behind / sizeof *behind; k++)
                for (unsigned key = 0; key < 2; key++) {
                    buf_clear(&b->text);
                    buf_printf(&b->text,
                               "{\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"id\":\"ipv4-addr--" UUID
                               "\",\"value\":\"198.51.100.1\",\"x_soc\":%s%s%s--" UUID "%s%s}",
                               key ? "{\"" : "\"", before[i], types[t], behind[k], key ? "\":1}" : "\"");
                    compare(b);
                }
    assert_true(b->accepted > 1000);
    assert_true(b->found > 1000);
}

/* Into every string of an object, at its end: `from` is what stands before its closing quote. */
static void put_into(struct both *b, struct str line, size_t quote, const char *more)
{
    buf_clear(&b->text);
    buf_put_str(&b->text, (struct str) {line.at, quote});
    buf_put_str(&b->text, str_of(more));
    buf_put_str(&b->text, (struct str) {line.at + quote, line.len - quote});
    compare(b);
}

static void each_string(struct both *b, struct str line)
{
    static const char *const more[] = {" tool--" UUID, " tool--" UUID ".", "tool--" UUID,
                                       " ACME--" UUID " x"};
    bool in = false;
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] == '\\')
            i++;
        else if (line.at[i] == '"' && (in = !in) == false)
            for (size_t k = 0; k < sizeof more / sizeof *more; k++)
                put_into(b, line, i, more[k]);
    }
}

/* Of a row {"required":[...],"object":{...}}. */
static struct str object_in(struct str row)
{
    static const char head[] = "\"object\":";
    const char *at = memmem(row.at, row.len, head, sizeof head - 1);
    assert_non_null(at);
    at += sizeof head - 1;
    return (struct str) {at, (size_t)(row.at + row.len - at) - 1};
}

static void test_every_property(void **state)
{
    struct both *b = *state;
    static char line[TEXT_MAX];
    FILE *file = fopen(OBJECTS, "r");
    assert_non_null(file);
    b->accepted = b->found = 0;
    while (fgets(line, sizeof line, file) != NULL)
        each_string(b, object_in(str_trim(str_of(line))));
    assert_int_equal(fclose(file), 0);
    print_message("# %u objects, %u names\n", b->accepted, b->found);
    assert_true(b->accepted > 100);
    assert_true(b->found > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_dressed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_property, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
