/* Inside the room: steps over source text that nobody has checked. Each takes an offset at most text.len and
 * answers an offset at most text.len; none reads outside the text, whatever it holds. Only nesting, strings
 * and escapes are understood. */
#pragma once

#include "core/str.h"
#include "core/vec.h"

static inline bool skip_is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline size_t skip_space(struct bytes text, size_t at)
{
    while (at < text.len && skip_is_space(text.at[at]))
        at++;
    return at;
}

/* From behind an opening quote to behind the closing one; false when the text ends first. */
bool skip_string(struct bytes text, size_t at, size_t *out_end);

/* From the first byte of a value to behind its last. False when there is none or the text ends inside it. */
bool skip_value(struct bytes text, size_t at, size_t *out_end);

/* True when the raw string (between its quotes, escapes as written) spells `name`. */
bool skip_string_is(struct bytes raw, struct str name);

/* Why the text is no JSON, by how it begins: what an editor puts in front of it, or a packed one; NULL:
 * nothing that is known. */
const char *skip_foreign_mark(struct bytes text);

/* The byte at `at`, 0 behind the end. */
static inline uint8_t skip_peek(struct bytes text, size_t at)
{
    return at < text.len ? text.at[at] : 0;
}
