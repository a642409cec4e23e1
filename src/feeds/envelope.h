/* Inside the room: reads what a TAXII server answers: the envelope of 2.1 (section 3.7), the bundle of 2.0,
 * and a bundle where an envelope belongs. Only the ends of the text are parsed, however many objects stand
 * between. Pure; one thread a parser. Fuzz target: taxii_answer. */
#pragma once

#include "core/hash.h"
#include "feeds/kind.h"
#include "json/json.h"

struct envelope {
    bool more;
    char next[FEED_KEPT_BYTES]; /* a number is taken as its text */
    size_t next_len;
    size_t count;       /* objects */
    struct hash digest; /* of the objects' bytes: tells a page that was seen before */
};

/* `text` is followed by JSON_PADDING readable bytes. ERR_SYNTAX: no JSON; ERR_INVALID: JSON, but nothing that
 * a TAXII server answers; ERR_LIMIT: its token is longer than any that is known. */
NODISCARD err_t envelope_read(struct json_parser *parser, struct bytes text, struct envelope *out);
