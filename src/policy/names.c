#include "policy/names.h"

#include "core/hash.h"
#include "core/mem.h"

enum { EMPTY = UINT16_MAX };

err_t names_init(struct names *names, uint32_t count_max, uint32_t first)
{
    must(count_max < EMPTY && first <= count_max);
    *names = (struct names) {.count = first, .count_max = count_max, .slot_count = 4};
    while (names->slot_count < 2 * count_max)
        names->slot_count *= 2;
    names->at = mem_alloc_array(count_max + 1, sizeof *names->at);
    names->slots = mem_alloc_array(names->slot_count, sizeof *names->slots);
    if (names->at == NULL || names->slots == NULL)
        return ERR_NOMEM;
    memset(names->slots, 0xff, names->slot_count * sizeof *names->slots);
    return ERR_OK;
}

void names_deinit(struct names *names)
{
    mem_free(names->at);
    mem_free(names->slots);
    *names = (struct names) {0};
}

/* The slot that holds the name, or the empty one where it belongs: at most half of them are taken. */
static uint32_t slot_of(const struct names *names, struct str name)
{
    uint32_t slot = (uint32_t)hash_xxh3(bytes_from_str(name)) & (names->slot_count - 1);
    while (names->slots[slot] != EMPTY && !str_eq(names->at[names->slots[slot]], name))
        slot = (slot + 1) & (names->slot_count - 1);
    return slot;
}

int names_find(const struct names *names, struct str name)
{
    uint16_t id = names->slots[slot_of(names, name)];
    return id == EMPTY ? -1 : id;
}

err_t names_add(struct names *names, struct str name, uint16_t *out_id)
{
    uint32_t slot = slot_of(names, name);
    if (names->slots[slot] == EMPTY) {
        if (names->count >= names->count_max)
            return ERR_LIMIT;
        names->at[names->count] = name;
        names->slots[slot] = (uint16_t)names->count++;
    }
    *out_id = names->slots[slot];
    return ERR_OK;
}
