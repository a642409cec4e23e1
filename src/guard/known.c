#include "guard/known.h"

#include "core/mem.h"

enum { WHAT_MAX = 300 };

err_t known_init(struct known *known, size_t sets, const struct hash_sip_key *key)
{
    must(sets > 0 && (sets & (sets - 1)) == 0);
    *known = (struct known) {.key = *key,
                             .slots = mem_alloc_array(sets * KNOWN_WAYS, sizeof *known->slots),
                             .set_count = sets,
                             .turn = mem_alloc_array(sets, 1)};
    if (known->slots != NULL && known->turn != NULL)
        return ERR_OK;
    known_deinit(known);
    return ERR_NOMEM;
}

void known_deinit(struct known *known)
{
    mem_free(known->slots);
    mem_free(known->turn);
    known->slots = NULL;
    known->turn = NULL;
}

void known_clear(struct known *known)
{
    memset(known->slots, 0, known->set_count * KNOWN_WAYS * sizeof *known->slots);
}

uint64_t known_print(const struct known *known, enum known_kind kind, unsigned partner, struct bytes what)
{
    uint8_t text[2 + WHAT_MAX] = {(uint8_t)kind, (uint8_t)partner};
    must(what.len <= WHAT_MAX && partner < UINT8_MAX);
    memcpy(text + 2, what.at, what.len);
    uint64_t print = hash_sip(&known->key, bytes_of(text, 2 + what.len));
    return print == 0 ? 1 : print;
}

bool known_has(const struct known *known, uint64_t print)
{
    const uint64_t *set = known->slots + (print & (known->set_count - 1)) * KNOWN_WAYS;
    bool found = false;
    for (unsigned i = 0; i < KNOWN_WAYS; i++)
        found |= set[i] == print;
    return found;
}

void known_add(struct known *known, uint64_t print)
{
    size_t at = print & (known->set_count - 1);
    if (known_has(known, print))
        return;
    known->slots[at * KNOWN_WAYS + known->turn[at]] = print;
    known->turn[at] = (uint8_t)((known->turn[at] + 1) % KNOWN_WAYS);
}
