/* Inside the room: a file that is fetched whole when it changed (RFC 9110 section 13.1). What the server said
 * about it is kept only when all of it was taken in. */
#pragma once

#include "feeds/kind.h"

struct fresh;

NODISCARD err_t fresh_new(struct fresh **out);
void fresh_end(void *fresh);
/* Adds if-none-match and if-modified-since to what is asked. */
void fresh_ask(struct feed *feed);
/* True: a new body is there. Else the run has ended: unchanged, or refused. */
bool fresh_answered(struct feed *feed, struct fresh *fresh, const struct feed_answer *answer);
/* All of it was taken in. */
void fresh_taken(struct feed *feed, const struct fresh *fresh);
