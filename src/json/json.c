/* The parser's handle and the walk over the tape. */
#include "json/json.h"

#include "core/limit.h"
#include "core/mem.h"
#include "json/refuse.h"
#include "json/tape.h"

enum { SIZE_FIRST = 16 * 1024 };

struct json_parser {
    void *tape;
    size_t size_max;
    size_t size; /* reserved */
};

err_t json_parser_new(size_t size_max, struct json_parser **out)
{
    struct json_parser *parser = mem_alloc(sizeof *parser);
    if (parser == NULL)
        return ERR_NOMEM;
    parser->size_max = size_max;
    parser->tape = tape_parser_new(size_max > SIZE_FIRST ? size_max : SIZE_FIRST, LIMIT_JSON_DEPTH + 1);
    if (parser->tape == NULL) {
        mem_free(parser);
        return ERR_NOMEM;
    }
    *out = parser;
    return ERR_OK;
}

void json_parser_free(struct json_parser *parser)
{
    if (parser == NULL)
        return;
    tape_parser_free(parser->tape);
    mem_free(parser);
}

/* Grows by doubling: a run of slowly growing texts must not allocate for each. */
static err_t reserve(struct json_parser *parser, size_t size)
{
    size_t want = parser->size > SIZE_FIRST ? parser->size : SIZE_FIRST;
    while (want < size)
        want = want > parser->size_max / 2 ? parser->size_max : want * 2;
    if (tape_parser_reserve(parser->tape, want) != TAPE_OK)
        return ERR_NOMEM;
    parser->size = want;
    return ERR_OK;
}

err_t json_parse(struct json_parser *parser, struct bytes text, struct json_doc *doc, struct fault *fault)
{
    if (text.len > parser->size_max)
        return fault_set(fault, ERR_LIMIT, 0, "the text has %zu bytes; at most %zu are read", text.len,
                         parser->size_max);
    if (text.len == 0)
        return json_refuse(text, fault);
    if (text.len > parser->size && reserve(parser, text.len) != ERR_OK)
        return fault_set(fault, ERR_NOMEM, 0, "no memory to parse %zu bytes", text.len);
    struct tape_view view;
    enum tape_result result = tape_parse(parser->tape, text.at, text.len, &view);
    if (result == TAPE_NOMEM)
        return fault_set(fault, ERR_NOMEM, 0, "no memory to parse %zu bytes", text.len);
    if (result != TAPE_OK)
        return json_refuse(text, fault);
    *doc = (struct json_doc) {view.tape, view.strings, (size_t)tape_payload(view.tape[0])};
    return ERR_OK;
}

struct json_val json_root(const struct json_doc *doc)
{
    return (struct json_val) {doc, 1};
}

enum json_type json_type(struct json_val v)
{
    switch (tape_type(v.doc->tape[v.at])) {
    case TAPE_OBJECT:
        return JSON_OBJECT;
    case TAPE_ARRAY:
        return JSON_ARRAY;
    case TAPE_STRING:
        return JSON_STRING;
    case TAPE_INT:
        return JSON_INT;
    case TAPE_UINT:
        return JSON_UINT;
    case TAPE_DOUBLE:
        return JSON_DOUBLE;
    case TAPE_TRUE:
        return JSON_TRUE;
    case TAPE_FALSE:
        return JSON_FALSE;
    default:
        must(tape_type(v.doc->tape[v.at]) == TAPE_NULL);
        return JSON_NULL;
    }
}

static inline struct str string_at(const struct json_doc *doc, size_t at)
{
    const uint8_t *entry = doc->strings + tape_payload(doc->tape[at]);
    uint32_t len;
    memcpy(&len, entry, sizeof len);
    return (struct str) {(const char *)entry + sizeof len, len};
}

struct str json_str(struct json_val v)
{
    must(tape_type(v.doc->tape[v.at]) == TAPE_STRING);
    return string_at(v.doc, v.at);
}

int64_t json_int(struct json_val v)
{
    must(tape_type(v.doc->tape[v.at]) == TAPE_INT);
    return (int64_t)v.doc->tape[v.at + 1];
}

uint64_t json_uint(struct json_val v)
{
    must(tape_type(v.doc->tape[v.at]) == TAPE_UINT);
    return v.doc->tape[v.at + 1];
}

double json_double(struct json_val v)
{
    must(tape_type(v.doc->tape[v.at]) == TAPE_DOUBLE);
    double d;
    memcpy(&d, &v.doc->tape[v.at + 1], sizeof d);
    return d;
}

static struct json_iter iter_of(struct json_val v, unsigned type)
{
    must(tape_type(v.doc->tape[v.at]) == type);
    return (struct json_iter) {v.doc, v.at + 1, tape_after(v.doc->tape, v.at) - 1};
}

struct json_iter json_object_iter(struct json_val object)
{
    return iter_of(object, TAPE_OBJECT);
}

bool json_object_next(struct json_iter *iter, struct str *out_name, struct json_val *out_value)
{
    if (iter->at >= iter->end)
        return false;
    *out_name = string_at(iter->doc, iter->at);
    *out_value = (struct json_val) {iter->doc, iter->at + 1};
    iter->at = tape_after(iter->doc->tape, iter->at + 1);
    return true;
}

struct json_iter json_array_iter(struct json_val array)
{
    return iter_of(array, TAPE_ARRAY);
}

bool json_array_next(struct json_iter *iter, struct json_val *out_value)
{
    if (iter->at >= iter->end)
        return false;
    *out_value = (struct json_val) {iter->doc, iter->at};
    iter->at = tape_after(iter->doc->tape, iter->at);
    return true;
}

bool json_get(struct json_val object, struct str name, struct json_val *out)
{
    const uint64_t *tape = object.doc->tape;
    if (tape_type(tape[object.at]) != TAPE_OBJECT)
        return false;
    size_t end = tape_after(tape, object.at) - 1;
    for (size_t at = object.at + 1; at < end; at = tape_after(tape, at + 1)) {
        if (str_eq(string_at(object.doc, at), name)) {
            *out = (struct json_val) {object.doc, at + 1};
            return true;
        }
    }
    return false;
}

bool json_get_str(struct json_val object, struct str name, struct str *out)
{
    struct json_val value;
    if (!json_get(object, name, &value) || !json_is(value, JSON_STRING))
        return false;
    *out = json_str(value);
    return true;
}

size_t json_array_count(struct json_val array)
{
    /* The count on the tape saturates, so only walking is right for every length; below that it is at hand.
     */
    const size_t saturated = 0xffffff;
    must(json_is(array, JSON_ARRAY));
    size_t count = (size_t)(tape_payload(array.doc->tape[array.at]) >> 32);
    if (count < saturated)
        return count;
    struct json_iter iter = json_array_iter(array);
    struct json_val value;
    for (count = 0; json_array_next(&iter, &value);)
        count++;
    return count;
}

bool json_has_hard_number(struct json_val v)
{
    const uint64_t *tape = v.doc->tape;
    const int64_t exact = INT64_C(1) << 53;
    size_t end = tape_after(tape, v.at);
    for (size_t at = v.at; at < end; at++) {
        unsigned type = tape_type(tape[at]);
        if (type == TAPE_DOUBLE || type == TAPE_UINT)
            return true;
        if (type != TAPE_INT)
            continue;
        int64_t value = (int64_t)tape[++at];
        if (value > exact || value < -exact)
            return true;
    }
    return false;
}
