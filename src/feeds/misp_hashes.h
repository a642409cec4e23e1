/* hashes.csv of a static MISP feed: a line "MD5 of a value,UUID of its event" for each value of the feed. It
 * names the events of a folder that has no manifest.json, and what it says of one changes when a value of it
 * does. Pure; any thread. */
#pragma once

#include "core/err.h"
#include "core/str.h"
#include "core/uuid.h"

struct misp_listed {
    struct uuid uuid;
    uint64_t digest; /* over its lines, whatever their order; never 0 */
};

/* The events, in the order of their uuids, for mem_free. Lines may end in CR LF; empty ones are passed over.
 * ERR_INVALID: a line is something else (the fault has its offset), also when the text was cut off inside of
 * it; ERR_LIMIT: more than LIMIT_FEED_THINGS events; ERR_NOMEM. */
NODISCARD err_t misp_hashes_read(struct bytes text, struct misp_listed **out, size_t *out_count,
                                 struct fault *fault);
