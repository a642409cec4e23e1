#include "guard/known.h"

#include "core/mem.h"
#include "core/uuid.h"

enum { WHAT_MAX = 300, SET_SIZE = KNOWN_WAYS * sizeof(uint64_t) };

err_t known_init(struct known *known, size_t sets, const struct hash_sip_key *key)
{
    must(sets > 0 && (sets & (sets - 1)) == 0);
    *known = (struct known) {.key = *key,
                             .memory = mem_alloc_array(sets + 1, SET_SIZE),
                             .set_count = sets,
                             .turn = mem_alloc_array(sets, 1)};
    if (known->memory != NULL && known->turn != NULL) {
        size_t over = (uintptr_t)known->memory % SET_SIZE;
        known->slots = (uint64_t *)((uint8_t *)known->memory + (SET_SIZE - over));
        return ERR_OK;
    }
    known_deinit(known);
    return ERR_NOMEM;
}

void known_deinit(struct known *known)
{
    mem_free(known->memory);
    mem_free(known->turn);
    known->memory = known->slots = NULL;
    known->turn = NULL;
}

void known_clear(struct known *known)
{
    memset(known->slots, 0, known->set_count * KNOWN_WAYS * sizeof *known->slots);
}

/* What follows on kind and partner stands in `text` already. */
static uint64_t print_of(const struct known *known, enum known_kind kind, unsigned partner, uint8_t *text,
                         size_t len)
{
    must(partner < UINT8_MAX);
    text[0] = (uint8_t)kind;
    text[1] = (uint8_t)partner;
    uint64_t print = hash_sip(&known->key, bytes_of(text, len));
    return print == 0 ? 1 : print;
}

/* Eight hexadecimal digits, the value of each in its byte. */
static uint64_t digits(const char *at, const char *second_half)
{
    uint64_t low = UINT64_C(0x0101010101010101), text;
    memcpy(&text, at, sizeof text / 2);
    memcpy((uint8_t *)&text + sizeof text / 2, second_half, sizeof text / 2);
    return (text & low * 15) + (text >> 6 & low) * 9;
}

/* Of a UUID half as many bytes as digits: what is hashed here costs as much as looking for it. */
uint64_t known_print_id(const struct known *known, enum known_kind kind, unsigned partner, struct str id)
{
    uint8_t text[2 + WHAT_MAX];
    must(id.len > UUID_TEXT_SIZE && id.len <= WHAT_MAX);
    size_t type = id.len - UUID_TEXT_SIZE;
    const char *at = id.at + type;
    uint64_t pairs[] = {digits(at, at + 4) | digits(at + 9, at + 14) << 4,
                        digits(at + 19, at + 24) | digits(at + 28, at + 32) << 4};
    memcpy(text + 2, pairs, sizeof pairs);
    memcpy(text + 2 + sizeof pairs, id.at, type);
    return print_of(known, kind, partner, text, 2 + sizeof pairs + type);
}

uint64_t known_print_content(const struct known *known, unsigned partner, const struct hash *content)
{
    uint8_t text[2 + HASH_SIZE];
    memcpy(text + 2, content->b, HASH_SIZE);
    return print_of(known, KNOWN_CONTENT, partner, text, sizeof text);
}

bool known_has(const struct known *known, uint64_t print)
{
    const uint64_t *set = known->slots + (print & (known->set_count - 1)) * KNOWN_WAYS;
    bool found = false;
    for (unsigned i = 0; i < KNOWN_WAYS; i++)
        found |= set[i] == print;
    return found;
}

void known_expect(const struct known *known, uint64_t print)
{
    __builtin_prefetch(known->slots + (print & (known->set_count - 1)) * KNOWN_WAYS, 1);
}

void known_add(struct known *known, uint64_t print)
{
    size_t at = print & (known->set_count - 1);
    if (known_has(known, print))
        return;
    known->slots[at * KNOWN_WAYS + known->turn[at]] = print;
    known->turn[at] = (uint8_t)((known->turn[at] + 1) % KNOWN_WAYS);
}
