/* Any bytes, in memory of exactly their size: slices lie inside the text, in order, and are not empty. A text
 * that parses whole is cut without complaint, and each of its slices parses. */
#include <stdlib.h>

#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct cut {
    struct bytes text;
    size_t end, count;
    struct json_parser *parser; /* NULL: the slices need not parse */
};

static bool take(void *ctx, struct json_slice slice)
{
    struct cut *cut = ctx;
    must(slice.len > 0 && slice.from >= cut->end && slice.from <= cut->text.len &&
         slice.len <= cut->text.len - slice.from);
    cut->end = slice.from + slice.len;
    cut->count++;
    if (cut->parser != NULL) {
        struct json_doc doc;
        uint8_t *copy = malloc(slice.len + JSON_PADDING);
        must(copy != NULL);
        memcpy(copy, cut->text.at + slice.from, slice.len);
        memset(copy + slice.len, '1', JSON_PADDING);
        must(json_parse(cut->parser, (struct bytes) {copy, slice.len}, &doc, NULL) == ERR_OK);
        free(copy);
    }
    return true;
}

/* How many elements the parsed text says there are. */
static size_t count_of(const struct json_doc *doc)
{
    struct json_val list;
    if (json_get(json_root(doc), STR("objects"), &list) && json_is(list, JSON_ARRAY))
        return json_array_count(list);
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_parser *parser;
    struct json_doc doc;
    struct fault fault = {0};
    enum json_split_kind kind;
    must(json_parser_new(1 << 22, &parser) == ERR_OK);
    uint8_t *exact = malloc(size > 0 ? size : 1), *wide = malloc(size + JSON_PADDING);
    must(exact != NULL && wide != NULL);
    if (size > 0) {
        memcpy(exact, data, size);
        memcpy(wide, data, size);
    }
    memset(wide + size, '1', JSON_PADDING);
    bool whole = json_parse(parser, (struct bytes) {wide, size}, &doc, NULL) == ERR_OK;
    size_t want = whole ? count_of(&doc) : 0;
    struct cut cut = {.text = {exact, size}, .parser = whole ? parser : NULL};
    err_t err = json_split(cut.text, STR("objects"), &kind, take, &cut, &fault);
    must(err == ERR_OK || (fault.code == err && fault.offset <= size));
    must(!whole || err == ERR_OK || err == ERR_DUPLICATE_NAME);
    /* With a member "objects" twice, one a list and one not, the parser's first need not be ours. */
    must(!whole || err != ERR_OK || cut.count == want || kind == JSON_SPLIT_LIST);
    must(err != ERR_OK || kind != JSON_SPLIT_OBJECT || cut.count == 1);
    free(exact);
    free(wide);
    json_parser_free(parser);
    return 0;
}
