#include "core/map.h"

#include "core/mem.h"

enum { SLOT_COUNT_FIRST = 64 };

struct map_slot {
    uint64_t value;
    uint8_t key[MAP_KEY_SIZE_MAX];
    bool used;
};

void map_init(struct map *map, size_t key_size, size_t count_max, const struct hash_sip_key *sip)
{
    must(key_size <= MAP_KEY_SIZE_MAX);
    *map = (struct map) {.key_size = key_size, .count_max = count_max, .sip = *sip};
}

void map_deinit(struct map *map)
{
    if (map == NULL)
        return;
    mem_free(map->slots);
    map->slots = NULL;
    map->slot_count = map->count = 0;
}

void map_clear(struct map *map)
{
    if (map->slots != NULL)
        memset(map->slots, 0, map->slot_count * sizeof *map->slots);
    map->count = 0;
}

/* The slot that holds the key, or the free one where it belongs. */
static struct map_slot *find(const struct map *map, const void *key)
{
    size_t mask = map->slot_count - 1;
    size_t i = hash_sip(&map->sip, bytes_of(key, map->key_size)) & mask;
    while (map->slots[i].used && memcmp(map->slots[i].key, key, map->key_size) != 0)
        i = (i + 1) & mask;
    return &map->slots[i];
}

uint64_t *map_get(const struct map *map, const void *key)
{
    if (map->count == 0)
        return NULL;
    struct map_slot *slot = find(map, key);
    return slot->used ? &slot->value : NULL;
}

static err_t rehash(struct map *map)
{
    struct map wider = *map;
    wider.slot_count = map->slot_count == 0 ? SLOT_COUNT_FIRST : map->slot_count * 2;
    wider.slots = mem_alloc_array(wider.slot_count, sizeof *wider.slots);
    if (wider.slots == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < map->slot_count; i++)
        if (map->slots[i].used)
            *find(&wider, map->slots[i].key) = map->slots[i];
    mem_free(map->slots);
    *map = wider;
    return ERR_OK;
}

err_t map_put(struct map *map, const void *key, uint64_t value)
{
    uint64_t *held = map_get(map, key);
    if (held != NULL) {
        *held = value;
        return ERR_OK;
    }
    if (map->count >= map->count_max)
        return ERR_FULL;
    if (map->slot_count == 0 || map->count >= map->slot_count / 4 * 3) {
        err_t err = rehash(map);
        if (err != ERR_OK)
            return err;
    }
    struct map_slot *slot = find(map, key);
    memcpy(slot->key, key, map->key_size);
    slot->value = value;
    slot->used = true;
    map->count++;
    return ERR_OK;
}

void map_each(const struct map *map, bool (*visit)(void *ctx, const void *key, uint64_t *value), void *ctx)
{
    for (size_t i = 0; i < map->slot_count; i++)
        if (map->slots[i].used && !visit(ctx, map->slots[i].key, &map->slots[i].value))
            return;
}
