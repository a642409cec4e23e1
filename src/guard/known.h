/* What the guard has seen proof of: fingerprints of (partner, identifier) and (partner, content), in a table
 * of fixed size. Eight of a set; the one that was put in longest ago gives way. To forget something costs a
 * question, never a leak. Fingerprints are keyed, 64 bits: nobody outside can choose two that are equal.
 *
 * For guard/ only. One thread. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/hash.h"

enum known_kind {
    KNOWN_ID,      /* this partner has a leaf of this identifier */
    KNOWN_CONTENT, /* ...that commits to this content */
    KNOWN_HARMLESS /* it stood in a text that went to him, and nothing was held here under it */
};

struct known {
    struct hash_sip_key key;
    void *memory;
    uint64_t *slots; /* sets of KNOWN_WAYS, each in one line of the cache */
    size_t set_count;
    uint8_t *turn; /* which way gives way next, by set */
};

enum { KNOWN_WAYS = 8 };

/* `sets`: a power of two; 65 bytes each. */
NODISCARD err_t known_init(struct known *known, size_t sets, const struct hash_sip_key *key);
void known_deinit(struct known *known);
void known_clear(struct known *known);
/* `id`: one that scan_is_id (scan.h) says yes to. Never 0. */
uint64_t known_print_id(const struct known *known, enum known_kind kind, unsigned partner, struct str id);
uint64_t known_print_content(const struct known *known, unsigned partner, const struct hash *content);
bool known_has(const struct known *known, uint64_t print);
/* It will be asked for soon. */
void known_expect(const struct known *known, uint64_t print);
void known_add(struct known *known, uint64_t print);
