#include "sync/latency.h"

#include "core/err.h"

/* Values below 16 have a bucket each; above, the power of two and the next four bits choose. */
static unsigned bucket_of(uint64_t us)
{
    if (us < 1u << SYNC_LATENCY_BITS)
        return (unsigned)us;
    unsigned power = 63u - (unsigned)__builtin_clzll(us);
    unsigned shift = power - SYNC_LATENCY_BITS;
    unsigned bucket = ((shift + 1) << SYNC_LATENCY_BITS) + (unsigned)(us >> shift & 15);
    return bucket < SYNC_LATENCY_BUCKETS ? bucket : SYNC_LATENCY_BUCKETS - 1;
}

static int64_t bucket_end(unsigned bucket)
{
    if (bucket < 1u << SYNC_LATENCY_BITS)
        return bucket;
    unsigned shift = (bucket >> SYNC_LATENCY_BITS) - 1;
    return ((INT64_C(16) + (bucket & 15) + 1) << shift) - 1;
}

void sync_latency_add(struct sync_latency *latency, int64_t us)
{
    latency->at[bucket_of(us < 0 ? 0 : (uint64_t)us)]++;
    latency->count++;
}

int64_t sync_latency_quantile(const struct sync_latency *latency, unsigned permille)
{
    must(permille <= 1000);
    if (latency->count == 0)
        return 0;
    uint64_t whole = latency->count / 1000 * permille;
    uint64_t wanted = whole + (latency->count % 1000 * permille + 999) / 1000, seen = 0;
    for (unsigned i = 0; i < SYNC_LATENCY_BUCKETS; i++) {
        seen += latency->at[i];
        if (seen >= wanted && seen > 0)
            return bucket_end(i);
    }
    return bucket_end(SYNC_LATENCY_BUCKETS - 1);
}
