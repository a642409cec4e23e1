/* cut_out: lines "SELECTOR NUL object NUL" on standard input; what stays of each object, or an empty line
 * when it may not be cut so, on standard output. No test by itself: tests/corpus/test_cut.py has it checked
 * by another implementation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limit.h"
#include "stix/cut.h"

enum { INPUT_MAX = 64 << 20 };

static bool parse(struct json_parser *parser, struct buf *padded, struct str text, struct json_doc *doc)
{
    static const uint8_t padding[JSON_PADDING];
    buf_clear(padded);
    buf_put_str(padded, text);
    buf_put(padded, padding, sizeof padding);
    return buf_err(padded) == ERR_OK &&
           json_parse(parser, bytes_of(padded->at, text.len), doc, NULL) == ERR_OK;
}

static void cut_one(struct json_parser *parsers[2], struct str selector, struct str text)
{
    struct stix_cut cut = {.selectors = &selector, .selector_count = 1};
    struct json_doc doc, made;
    struct stix_object object;
    struct fault fault;
    struct arena arena;
    struct buf padded[2], out;
    arena_init(&arena, 64 << 20);
    buf_init(&padded[0], INPUT_MAX);
    buf_init(&padded[1], INPUT_MAX);
    buf_init(&out, INPUT_MAX);
    bool ok = parse(parsers[0], &padded[0], text, &doc) && json_is(json_root(&doc), JSON_OBJECT) &&
              json_get_str(json_root(&doc), STR("id"), &cut.id);
    (void)(ok && json_get_str(json_root(&doc), STR("created_by_ref"), &cut.creator));
    (void)(ok && json_get_str(json_root(&doc), STR("created"), &cut.created));
    (void)(ok && json_get_str(json_root(&doc), STR("modified"), &cut.modified));
    ok = ok && stix_cut(json_root(&doc), &cut, &arena, &out) == ERR_OK &&
         parse(parsers[1], &padded[1], buf_str(&out), &made) &&
         stix_read(json_root(&made), NULL, &arena, &object, &fault) == ERR_OK;
    for (size_t i = 0; ok && i < object.warning_count; i++)
        ok = object.warnings[i].level != STIX_WARNING;
    printf("%.*s\n", ok ? (int)out.len : 0, ok ? (const char *)out.at : "");
    buf_deinit(&padded[0]);
    buf_deinit(&padded[1]);
    buf_deinit(&out);
    arena_deinit(&arena);
}

int main(void)
{
    struct json_parser *parsers[2];
    char *text = malloc(INPUT_MAX);
    if (text == NULL || json_parser_new(INPUT_MAX, &parsers[0]) != ERR_OK ||
        json_parser_new(INPUT_MAX, &parsers[1]) != ERR_OK)
        return 1;
    struct str rest = {text, fread(text, 1, INPUT_MAX, stdin)};
    while (rest.len > 0) {
        struct str selector = str_cut(&rest, '\0');
        cut_one(parsers, selector, str_cut(&rest, '\0'));
    }
    json_parser_free(parsers[0]);
    json_parser_free(parsers[1]);
    free(text);
    return 0;
}
