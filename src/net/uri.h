/* Paths and queries of request targets (RFC 3986), decoded strictly. Decoded text lives in the caller's
 * arena, is UTF-8 and never holds NUL or another control byte. Pure; any thread. */
#pragma once

#include "core/arena.h"
#include "core/err.h"
#include "core/str.h"

/* Decodes a whole path. ERR_SYNTAX: a bad escape, an encoded slash, NUL or control byte, or a "." or ".."
 * segment: nothing here maps paths onto files, and nothing ever shall. ERR_ENCODING, ERR_NOMEM. */
NODISCARD err_t uri_path(struct arena *arena, struct str path, struct str *out);

/* Matches a decoded path against a pattern of literal segments, "{}" for one non-empty segment, and a last
 * "**" for everything else (also nothing). Captures point into the path; *out_count says how many, at most
 * `max`. */
bool uri_match(struct str pattern, struct str path, struct str *captures, size_t max, size_t *out_count);

/* Cuts the next name=value pair off `*query` and decodes both ("+" is a blank). ERR_NOTFOUND at the end. */
NODISCARD err_t uri_query_next(struct arena *arena, struct str *query, struct str *out_name,
                               struct str *out_value);
