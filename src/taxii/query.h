/* Filters and paging of the reading endpoints (TAXII 2.1 section 3.4, 3.5). For taxii/ only. */
#pragma once

#include "core/arena.h"
#include "taxii/state.h"

/* Which parameters an endpoint knows. A match field of another endpoint is refused like an unknown one:
 * ignored, it would answer more than was asked for, or delete it. */
enum query_part {
    QUERY_PAGE = 1, /* added_after, limit, next */
    QUERY_ID = 2,
    QUERY_TYPE = 4,
    QUERY_VERSION = 8,
    QUERY_SPEC = 16,
    QUERY_ALL = 32, /* no parameter: without match[version] every version is meant */
};

/* As the tail of a stix_key has it. */
struct type_digest {
    uint8_t b[STIX_TYPE_DIGEST_SIZE];
};

struct query {
    bool has_after;
    int64_t after_us;
    size_t limit;    /* 1 to LIMIT_TAXII_PAGE_OBJECTS */
    struct str next; /* empty: none */

    bool has_ids, has_types;
    const struct stix_key *ids;
    size_t id_count;
    const struct type_digest *types;
    size_t type_count;

    bool first, last, all; /* match[version]; when it is absent last, or all (QUERY_ALL) */
    const struct stamp *versions;
    size_t version_count;
    bool spec_matches; /* match[spec_version] lets 2.1 through, which is all that the gate takes in */

    struct hash digest; /* over what the match fields ask for, as sets: binds `next` */
};

/* Memory is the arena's. ERR_INVALID: `fault` says what is wrong with which parameter; ERR_NOMEM. */
NODISCARD err_t query_read(struct str raw, unsigned parts, struct arena *arena, struct query *out,
                           struct fault *fault);
