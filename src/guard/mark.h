/* What the guard knows by itself of markings: the identifiers of TLP 1.0 (STIX 2.1 section 7.2.1) and 2.0
 * (the OASIS CTI common objects), and identifiers that everybody has. Written apart from stix/. */
#pragma once

#include <stdbool.h>

#include "core/str.h"

enum guard_level {
    GUARD_UNMARKED,
    GUARD_CLEAR,
    GUARD_GREEN,
    GUARD_AMBER,
    GUARD_AMBER_STRICT,
    GUARD_RED,
    GUARD_NEVER, /* above everybody's ceiling */
};

/* Of a marking-definition's identifier in lower case; GUARD_UNMARKED when it is none of the fixed ones. */
enum guard_level mark_level(struct str id);
/* By the words of TLP, in any case: "amber+strict", "TLP:RED"; GUARD_UNMARKED for anything else. */
enum guard_level mark_word(struct str word);
/* A definition or extension that nobody needs to be sent (docs/protocol/POLICY.md section 8). */
bool mark_is_common(struct str id);
