/* The references of one object while they are gathered. Private to stix/. Memory is the arena's. */
#pragma once

#include "stix/stix.h"

struct stix_refs {
    struct arena *arena;
    struct stix_ref *at;
    size_t count;
    size_t size;
};

/* ERR_LIMIT beyond LIMIT_REFS_PER_OBJECT mentions, ERR_NOMEM. */
NODISCARD err_t stix_refs_add(struct stix_refs *refs, const struct stix_ref *ref);
/* Sorts by key, then role, and keeps the first mention of each pair. ERR_NOMEM. */
NODISCARD err_t stix_refs_finish(struct stix_refs *refs);
