/* JSON (RFC 8259) as bongsu reads it: parsed once to simdjson's tape, walked from C without building a tree.
 *
 * A json_doc borrows from its parser and is good until that parser's next parse. A json_val is a position on
 * a tape: copy it freely. Strings are borrowed, unescaped, valid UTF-8, not terminated. A parser belongs to
 * one thread. This room never mends: what it cannot read exactly it refuses, with offset and reason. */
#pragma once

#include <stdbool.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/hash.h"
#include "core/str.h"

/* Readable (not necessarily meaningful) bytes that must follow every text given to json_parse. */
enum { JSON_PADDING = 64 };

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_INT,  /* fits int64_t */
    JSON_UINT, /* above INT64_MAX, fits uint64_t */
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_doc {
    const uint64_t *tape;
    const uint8_t *strings;
    size_t tape_len;
};

struct json_val {
    const struct json_doc *doc;
    size_t at; /* index of the value's word on the tape */
};

struct json_parser;

/* `size_max`: the largest text this parser will ever be given. Memory grows with the texts seen, not with the
 * maximum. */
NODISCARD err_t json_parser_new(size_t size_max, struct json_parser **out);
void json_parser_free(struct json_parser *parser);

/* One whole document. Refuses invalid UTF-8, lone surrogates (also escaped ones), more than LIMIT_JSON_DEPTH
 * containers in each other (an empty one is not counted), integers beyond 64 bits, trailing bytes. `doc` must
 * outlive its values. The fault carries a byte offset (found by rescanning, on refusal only). */
NODISCARD err_t json_parse(struct json_parser *parser, struct bytes text, struct json_doc *doc,
                           struct fault *fault);

struct json_val json_root(const struct json_doc *doc);
enum json_type json_type(struct json_val v);
/* The typed getters must only be asked for a value of that type. json_str of any other type: must() fails. */
struct str json_str(struct json_val v);
int64_t json_int(struct json_val v);
uint64_t json_uint(struct json_val v);
double json_double(struct json_val v);
static inline bool json_is(struct json_val v, enum json_type type)
{
    return json_type(v) == type;
}

struct json_iter {
    const struct json_doc *doc;
    size_t at;
    size_t end;
};

/* Members in document order. */
struct json_iter json_object_iter(struct json_val object);
bool json_object_next(struct json_iter *iter, struct str *out_name, struct json_val *out_value);
struct json_iter json_array_iter(struct json_val array);
bool json_array_next(struct json_iter *iter, struct json_val *out_value);
/* First member of that name; false when absent or when `object` is no object. */
bool json_get(struct json_val object, struct str name, struct json_val *out);
/* Member that is a string; false otherwise. */
bool json_get_str(struct json_val object, struct str name, struct str *out);
size_t json_array_count(struct json_val array);

/* --- canon.c: RFC 8785 (JCS) --- */

/* What equality and digests are taken over. The hook may replace or drop a member of any object (NULL: plain
 * RFC 8785). */
enum json_canon_act { JSON_CANON_KEEP, JSON_CANON_DROP, JSON_CANON_TEXT };
struct json_canon_hook {
    /* depth 0: members of the root object; arrays count as well. For JSON_CANON_TEXT the hook appends the
     * value's canonical text to `out` itself. */
    enum json_canon_act (*member)(void *ctx, unsigned depth, struct str name, struct json_val value,
                                  struct buf *out);
    /* May be NULL. Each object's end, behind its last member; depth as for its members. What it appends are
     * more members; `any`: some stand before, so that a comma is due. */
    void (*end)(void *ctx, unsigned depth, bool any, struct buf *out);
    void *ctx;
};

/* Appends the canonical text of `v`; on failure what was appended is worthless. ERR_DUPLICATE_NAME (the fault
 * names the member and carries the pointer from `v`; for an offset give that to json_pointer_offset),
 * ERR_NUMBER for doubles that are not finite. `source` is not needed: numbers are judged by
 * json_check_numbers. */
NODISCARD err_t json_canon(struct json_val v, const struct json_canon_hook *hook, struct buf *out,
                           struct fault *fault);

/* Refuses every number in the source text whose decimal value is not the one that the nearest double is
 * written back as, and those whose canonical form is an integer beyond 64 bits (up to 1e21): other parsers
 * would disagree about them. What passes reads the same again from its canonical text. Call only when
 * json_has_hard_number(v): a tape with doubles or large integers. */
bool json_has_hard_number(struct json_val v);
NODISCARD err_t json_check_numbers(struct bytes source, struct fault *fault);

/* --- split.c: byte slices of the objects in a bundle, an envelope, or JSON lines, without trusting the whole
 * --- */

/* Length of the value that the text begins with, whatever follows it. False: it begins with none, or ends
 * inside it. The value is still to be parsed. */
bool json_value_span(struct bytes text, size_t *out_len);

struct json_slice {
    size_t from; /* offset in the text */
    size_t len;
};

enum json_split_kind { JSON_SPLIT_OBJECT, JSON_SPLIT_LIST, JSON_SPLIT_LINES };

/* Finds the member `list_name` ("objects") of the root object and cuts its elements; when there is none the
 * root is one slice (JSON_SPLIT_OBJECT). Text whose first value is followed by another on the next line is
 * JSON_SPLIT_LINES. Only nesting, strings and escapes are understood here: each slice is still to be parsed.
 * Calls `slice` in order; a false answer stops. */
NODISCARD err_t json_split(struct bytes text, struct str list_name, enum json_split_kind *out_kind,
                           bool (*slice)(void *ctx, struct json_slice slice), void *ctx, struct fault *fault);

/* --- write.c: JSON text out; escapes as RFC 8785 does --- */
void json_write_str(struct buf *out, struct str s);
void json_write_int(struct buf *out, int64_t v);
/* ECMAScript's Number::toString. `v` must be finite. */
void json_write_double(struct buf *out, double v);
/* A string, number, boolean or null as it stands on the tape; must() fails for a container. */
void json_write_scalar(struct buf *out, struct json_val v);

/* Byte offset of the value that `pointer` (RFC 6901) names in `text`; the offset of the deepest ancestor
 * found otherwise. */
size_t json_pointer_offset(struct bytes text, struct str pointer);
