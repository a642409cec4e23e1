/* What a lenient source sends and STIX 2.1 refuses, read as it was meant: STIX 2.0, a missing spec_version,
 * null, a single value where a list belongs, timestamps with an offset.
 *
 * The outcome is another object and must be (section 3.5): it has an identifier of its own, derived under the
 * node's secret from the one it had, and the node as its creator. The object that came is never changed; the
 * caller keeps its bytes. What has two readings is not mended, and duplicate names and numbers that do not
 * round-trip are not this file's to judge: the caller checks the source text first. Pure; any thread. */
#pragma once

#include "core/buf.h"
#include "core/hash.h"
#include "stix/stix.h"

struct stix_mint {
    struct hash key; /* the node's secret: without it nobody can confirm a guess at the first identifier */
    struct str creator_id; /* of the node's own identity object */
};

/* "type--UUID" of the object that is minted from `id` (an identifier). */
void stix_mint_id(const struct stix_mint *mint, struct str id, struct buf *out);

/* Appends the minted object to `out` and, to `report`, what was changed: a sentence for people. `v` is an
 * object as json_parse gave it. ERR_UNSUPPORTED: nothing here can be mended, an observable (its identifier
 * follows from what it says) or something without a usable type and id. The outcome is still to be read by
 * stix_read. References of an object of STIX 2.0 follow to the minted ones; those of other objects stay. */
NODISCARD err_t stix_mend(struct json_val v, const struct stix_mint *mint, struct buf *out,
                          struct buf *report);
