/* Inside the room: reads what a TAXII 2.1 server says to somebody who posts: the status (section 4.3), the
 * manifest (5.6), the API root (4.2), an error (3.6.1). A stranger's bytes: nothing is believed but counts
 * within what was asked and texts that are cut to size. Texts are followed by JSON_PADDING readable bytes.
 * Pure; one thread a parser. Fuzz target: taxii_answer. */
#pragma once

#include "core/err.h"
#include "core/str.h"
#include "json/json.h"

enum { PUSH_ID_MAX = 128, PUSH_WORDS_MAX = 160 };

struct push_status {
    bool pending;         /* more is to be asked under `id` */
    char id[PUSH_ID_MAX]; /* of letters, digits, '-', '.', '_'; empty: none that could be asked for */
    uint64_t success, failed, left;
};
/* Calls `failure` for each object that was not taken, with what the server says of it (may be empty); texts
 * are good during the call. ERR_SYNTAX: no JSON; ERR_INVALID: no status. */
NODISCARD err_t push_status_read(struct json_parser *parser, struct bytes text, struct push_status *out,
                                 void (*failure)(void *ctx, struct str id, struct str message), void *ctx);

/* Calls `row` for each object of a manifest; `version` is empty where there is none. ERR_SYNTAX, ERR_INVALID.
 */
NODISCARD err_t push_manifest_read(struct json_parser *parser, struct bytes text,
                                   void (*row)(void *ctx, struct str id, struct str version), void *ctx);

/* max_content_length of an API root; 0 when it names none. */
uint64_t push_root_read(struct json_parser *parser, struct bytes text);

/* Title and description of an error, or the title of a page of HTML, cut at the border of a character; empty
 * when it says none. */
void push_error_read(struct json_parser *parser, struct bytes text, char out[PUSH_WORDS_MAX]);
/* The same cut for any text. */
void push_words(struct str text, char out[PUSH_WORDS_MAX]);
