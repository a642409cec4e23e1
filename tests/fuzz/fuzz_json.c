/* Any bytes: parse, walk and canonicalise. What passes the number check and has no twin names must be a fixed
 * point of canonicalisation; what is refused must be refused with a place inside the text. */
#include <stdlib.h>

#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_HERE = 1 << 20 };

static uint8_t *padded(const void *at, size_t len)
{
    uint8_t *copy = malloc(len + JSON_PADDING);
    must(copy != NULL);
    if (len > 0)
        memcpy(copy, at, len);
    memset(copy + len, '"', JSON_PADDING);
    return copy;
}

/* Visits every value that a walk from the root reaches, by name and by position. */
static void walk(struct json_val root)
{
    struct json_val value;
    struct str name;
    if (json_is(root, JSON_OBJECT)) {
        struct json_iter iter = json_object_iter(root);
        while (json_object_next(&iter, &name, &value)) {
            struct json_val first;
            must(str_is_utf8(name) && json_get(root, name, &first) && json_type(value) <= JSON_OBJECT);
        }
    } else if (json_is(root, JSON_ARRAY)) {
        struct json_iter iter = json_array_iter(root);
        size_t count = 0;
        while (json_array_next(&iter, &value))
            count++;
        must(count == json_array_count(root));
    }
}

/* The canonical text of a canonical text is itself. */
static void check_fixed(struct json_parser *parser, const struct buf *canon)
{
    uint8_t *text = padded(canon->at, canon->len);
    struct json_doc doc;
    struct buf again;
    struct fault fault = {0};
    buf_init(&again, 8 * SIZE_MAX_HERE);
    must(json_parse(parser, (struct bytes) {text, canon->len}, &doc, &fault) == ERR_OK);
    must(json_check_numbers((struct bytes) {text, canon->len}, &fault) == ERR_OK);
    must(json_canon(json_root(&doc), NULL, &again, &fault) == ERR_OK);
    must(str_eq(buf_str(canon), buf_str(&again)));
    buf_deinit(&again);
    free(text);
}

static void check_refused(struct bytes text, const struct fault *fault, err_t err)
{
    must(fault->code == err && fault->offset <= text.len && fault->what[0] != '\0');
    (void)json_pointer_offset(text, str_of(fault->pointer));
    /* The rescan has to agree with simdjson that something is wrong. */
    must(strcmp(fault->what, "the text is not well formed") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > SIZE_MAX_HERE)
        return 0;
    struct json_parser *parser;
    must(json_parser_new(8 * SIZE_MAX_HERE, &parser) == ERR_OK);
    uint8_t *copy = padded(data, size);
    struct bytes text = {copy, size};
    struct json_doc doc;
    struct fault fault = {0};
    err_t err = json_parse(parser, text, &doc, &fault);
    if (err != ERR_OK) {
        check_refused(text, &fault, err);
    } else {
        struct buf canon;
        buf_init(&canon, 8 * SIZE_MAX_HERE);
        walk(json_root(&doc));
        bool exact = json_check_numbers(text, &fault) == ERR_OK;
        must(exact || json_has_hard_number(json_root(&doc)));
        err = json_canon(json_root(&doc), NULL, &canon, &fault);
        must(err == ERR_OK || err == ERR_DUPLICATE_NAME);
        if (err == ERR_OK && exact)
            check_fixed(parser, &canon);
        buf_deinit(&canon);
    }
    free(copy);
    json_parser_free(parser);
    return 0;
}
