/* What one object is found by: its terms and its text, gathered in one walk over it. */
#pragma once

#include "core/buf.h"
#include "stix/stix.h"

/* Appends to both, which are born with their maxima (LIMIT_SEARCH_TERM_BYTES, LIMIT_SEARCH_TEXT_BYTES): what
 * does not fit is not found, and nothing fails for it. `object` as stix_read gave it, with its tape.
 *
 * Terms: type, source, labels, sectors, markings (a TLP level by its name), creator, names, aliases, external
 * ids, the values of observables, hashes wherever a `hashes` dictionary stands, and what indicator patterns
 * compare with. `arena` is for the tree of a pattern. Text: every other string but identifiers, times,
 * patterns and payloads. */
void search_document(const struct stix_object *object, uint32_t source, struct arena *arena,
                     struct buf *terms, struct buf *text);
