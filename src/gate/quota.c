#include "gate/quota.h"

#include "core/limit.h"

enum { KEY_SIZE = 1 + STIX_KEY_SIZE };

/* A value: the window's number above, the count below. */
static uint64_t value_of(uint64_t window, uint64_t count)
{
    return (window << 32) | (count & UINT32_MAX);
}

static uint64_t count_in(uint64_t value, uint64_t window)
{
    return value >> 32 == (window & UINT32_MAX) ? value & UINT32_MAX : 0;
}

static void key_of(unsigned quota, const struct stix_key *creator, uint8_t out[KEY_SIZE])
{
    memset(out, 0, KEY_SIZE);
    out[0] = (uint8_t)quota;
    if (creator != NULL)
        memcpy(out + 1, creator->b, STIX_KEY_SIZE);
}

/* Of all creators beyond the bound together. */
static void key_of_others(unsigned quota, uint8_t out[KEY_SIZE])
{
    memset(out, 0xff, KEY_SIZE);
    out[0] = (uint8_t)quota;
}

void quota_counts_init(struct quota_counts *counts, const struct hash_sip_key *sip)
{
    map_init(&counts->by, KEY_SIZE, LIMIT_QUOTA_CREATORS + LIMIT_QUOTAS, sip);
}

void quota_counts_deinit(struct quota_counts *counts)
{
    map_deinit(&counts->by);
}

struct keeping {
    struct map *to;
    unsigned quota;
    uint64_t window;
    err_t err;
};

/* Of the quota that asks, those of windows that are over go; of others nothing is known here. */
static bool keep(void *ctx, const void *key, uint64_t *value)
{
    struct keeping *k = ctx;
    bool stale = *(const uint8_t *)key == k->quota && *value >> 32 != (k->window & UINT32_MAX);
    if (!stale)
        k->err = map_put(k->to, key, *value);
    return k->err == ERR_OK;
}

static err_t forget_stale(struct quota_counts *counts, unsigned quota, uint64_t window)
{
    struct map fresh;
    struct keeping k = {.to = &fresh, .quota = quota, .window = window};
    map_init(&fresh, KEY_SIZE, counts->by.count_max, &counts->by.sip);
    map_each(&counts->by, keep, &k);
    if (k.err != ERR_OK) {
        map_deinit(&fresh);
        return k.err;
    }
    map_deinit(&counts->by);
    counts->by = fresh;
    return ERR_OK;
}

err_t quota_count(struct quota_counts *counts, unsigned quota, const struct stix_key *creator,
                  uint64_t window, uint64_t most, bool *out_over)
{
    uint8_t key[KEY_SIZE];
    err_t err;
    key_of(quota, creator, key);
    const uint64_t *known = map_get(&counts->by, key);
    if (known == NULL && counts->by.count >= LIMIT_QUOTA_CREATORS) {
        if (TRY(err, forget_stale(counts, quota, window)))
            return err;
        if (counts->by.count >= LIMIT_QUOTA_CREATORS)
            key_of_others(quota, key);
        known = map_get(&counts->by, key);
    }
    uint64_t count = known == NULL ? 0 : count_in(*known, window);
    *out_over = count >= most;
    return *out_over ? ERR_OK : map_put(&counts->by, key, value_of(window, count + 1));
}

struct counting {
    void (*now)(void *ctx, unsigned quota, uint64_t *window, uint64_t *most);
    void *ctx;
    size_t over;
};

static bool count_over(void *ctx, const void *key, uint64_t *value)
{
    struct counting *c = ctx;
    uint64_t window, most;
    c->now(c->ctx, *(const uint8_t *)key, &window, &most);
    c->over += count_in(*value, window) >= most;
    return true;
}

size_t quota_counts_over(const struct quota_counts *counts,
                         void (*now)(void *ctx, unsigned quota, uint64_t *window, uint64_t *most), void *ctx)
{
    struct counting c = {now, ctx, 0};
    map_each(&counts->by, count_over, &c);
    return c.over;
}
