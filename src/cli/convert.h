/* Other formats on their way into `add`: a text becomes STIX, event by event; what cannot be converted is
 * handed over with the reason, so that the node keeps its bytes. */
#pragma once

#include "cli/cli.h"

struct convert {
    const char *as;      /* "misp", "csv" or "list" */
    const char *map;     /* of a table; NULL: none */
    const char *source;  /* part of the ids of a list */
    struct buf previous; /* the list as it was: only the difference goes in; empty: all of it */
    const char *least;   /* the fewest values that it may come down to; NULL: half of what it had */
    int64_t now_us;
    const char *path; /* for messages */
    bool failed;      /* something was refused */
};

/* Is there such a format? */
bool convert_known(const char *as);
/* Where what was read goes. False from either stops. */
struct convert_sink {
    bool (*text)(void *ctx, struct bytes text); /* to be added */
    bool (*refused)(void *ctx, struct bytes text, const struct fault *fault);
    void *ctx;
};
/* False: stopped, or the mapping is wrong (said). */
NODISCARD bool convert_run(struct convert *convert, struct bytes input, const struct convert_sink *sink);
