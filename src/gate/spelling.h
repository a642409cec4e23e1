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

/* All addresses that begin so: "192.0.2." as "192.0.2.*" (reach_begins_address). In the arena. */
bool spelling_open_address(struct str text, struct arena *arena, struct str *out);

/* A text that this LIKE matches: itself without its %; of an address's beginning (`192.0.2.%`) all addresses,
 * as reach.h reads them (`192.0.2.*`). Its _ stay: each is one unknown character. False: nothing is left, or
 * what is left ends with the dot before a % (that is about what goes on behind it). In the arena. */
bool spelling_of_like(struct str like, struct arena *arena, struct str *out);

/* The same of a regular expression with an address's beginning, behind which any number stands:
 * `^192\.0\.2\.`, `^192\.0\.2\.\d{1,3}$`. In the arena. */
bool spelling_of_open_regex(struct str regex, struct arena *arena, struct str *out);

/* A hash as lists have it: without colons, dashes or blanks between pairs of digits, 0x, or the name of its
 * algorithm before. In the arena; false: it is none, or stands so already. */
bool spelling_hash(struct str text, struct arena *arena, struct str *out);
