/* Inside the room: STIX patterns that were written again by MISP. Pure; any thread. */
#pragma once

#include "core/arena.h"
#include "core/str.h"

/* Does `came` match what `held` matches: the same tree, spelled in another way (blanks, quotes, escapes), or
 * with the comparisons that one observation joins by AND in another order? Or is `held` one value and `came`
 * the place in traffic or mail where MISP says that such a value stands (`forms`)? False where one cannot be
 * read. The arena is reset. */
bool echo_same_pattern(struct str came, struct str held, struct arena *arena);
