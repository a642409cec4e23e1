/* What safety holds ask about a value beside itself: how a person, or a program, would read it. Inside
 * src/gate, and tests. Linear; any thread. */
#pragma once

#include "core/arena.h"
#include "core/err.h"
#include "core/str.h"

enum { SPELLING_BYTES_MAX = 8192 }; /* of a value that is read again: no URL that anybody takes is longer */

/* The same with letters of full width, escapes of URLs and pages, and what is set so that nobody clicks on it
 * (`hxxp`, `[.]`, `(dot)`, `[:]`, `[at]`), read as they are meant. In the arena; false: it stands so already,
 * or is longer than SPELLING_BYTES_MAX. */
bool spelling_plain(struct str text, struct arena *arena, struct str *out);

/* A text that this LIKE matches: itself without its %. False: it has a _, or nothing is left, or what is left
 * ends with the dot before a % (that is about what goes on behind it). In the arena. */
bool spelling_of_like(struct str like, struct arena *arena, struct str *out);
