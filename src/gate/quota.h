/* How many objects of a type each creator brings through one source in a window (gate/inbound.h): the counts.
 * They are of this run of the program: a restart begins them anew, and no log is asked. Whoever sends may
 * name creators as he likes, so that their number is bounded; those beyond share one count. One thread. */
#pragma once

#include "core/map.h"
#include "stix/stix.h"

struct quota_counts {
    struct map by; /* quota and creator -> window and count */
};

void quota_counts_init(struct quota_counts *counts, const struct hash_sip_key *sip);
void quota_counts_deinit(struct quota_counts *counts);
/* One more of the quota with this number, in the window with this number. `creator` NULL: none is named.
 * `*out_over`: it would be more than `most`, and is not counted. */
NODISCARD err_t quota_count(struct quota_counts *counts, unsigned quota, const struct stix_key *creator,
                            uint64_t window, uint64_t most, bool *out_over);
/* Creators that are at the end of a quota in the window that `window_of(ctx, quota)` says. */
size_t quota_counts_over(const struct quota_counts *counts,
                         void (*now)(void *ctx, unsigned quota, uint64_t *window, uint64_t *most), void *ctx);
