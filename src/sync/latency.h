/* How long things took, as counts in buckets whose width is at most a sixteenth of their value: quantiles of
 * millions of samples in a fixed few kilobytes. No pointers; a zeroed struct is empty. One thread. */
#pragma once

#include <stdint.h>

/* 16 buckets for each power of two up to 2^44 microseconds (half a year); longer counts as that. */
enum { SYNC_LATENCY_BITS = 4, SYNC_LATENCY_POWERS = 41, SYNC_LATENCY_BUCKETS = SYNC_LATENCY_POWERS << 4 };

struct sync_latency {
    uint64_t count;
    uint64_t at[SYNC_LATENCY_BUCKETS];
};

/* Negative (clocks of two nodes differ) counts as zero. */
void sync_latency_add(struct sync_latency *latency, int64_t us);
/* The smallest value that `permille` of 1,000 samples do not exceed, rounded up to its bucket's end; 0 when
 * empty. 500: median, 990: p99. */
int64_t sync_latency_quantile(const struct sync_latency *latency, unsigned permille);
