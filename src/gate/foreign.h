/* Rules of other languages than STIX patterns (pattern_type yara, snort, suricata, sigma, pcre), as far as
 * safety holds ask: the values that they compare with as a whole, and whether they have no condition at all.
 * Read by a person's eye, no compiler's: nothing is matched, and what is not understood is passed over.
 * Linear, no recursion; pure. Inside src/gate, and tests. */
#pragma once

#include "core/arena.h"
#include "core/str.h"

/* Is it one of those? By the name of its language, as indicators say it. */
bool foreign_known(struct str pattern_type);

/* Calls `each` for every address (or its beginning, as 192.0.2.*), network, name of a host, URL and hash that
 * stands alone in what is compared (never in what is said about the rule), until it answers true; `open`: it
 * matches everything. */
bool foreign_each(struct str pattern_type, struct str text, struct arena *arena,
                  bool (*each)(void *ctx, struct str value, bool open), void *ctx);
