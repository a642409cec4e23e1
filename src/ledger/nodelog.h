/* The log of the whole node (LEDGER.md section 12): one append-only tree in C2SP formats that everybody may
 * see and witnesses cosign. Each entry is the root of a *map*: which checkpoint of which ledger was the
 * newest when the entry was made, one place a ledger. Whoever sees the log learns neither which ledgers there
 * are, nor how many, nor whether one grew; whoever is given an opening sees that one ledger in that one
 * entry, and that the entry can name no other checkpoint of it: a ledger's place follows from its origin.
 *
 * Mathematics only: no storage, no secret of its own. A *seed* is 32 secret bytes of one entry, from which
 * all that blinds it is made. Decoding borrows. Any thread. */
#pragma once

#include "core/buf.h"
#include "core/hash.h"
#include "ledger/checkpoint.h"
#include "ledger/proof.h"

enum {
    NODELOG_ENTRY_SIZE = 56,
    NODELOG_DEPTH = 32,     /* of a map: places are 32 bits */
    NODELOG_HEADS_MAX = 128 /* ledgers: two for each of 64 partners */
};

/* "bongsu-log/<node>/<epoch>"; also the name of the key that signs it. ERR_INVALID on a bad name. */
NODISCARD err_t nodelog_origin_print(struct str node, uint32_t epoch, struct buf *out);

/* What stands in the log. */
struct nodelog_entry {
    uint32_t epoch;
    uint64_t index;
    int64_t time_us; /* not negative */
    struct hash map;
};
void nodelog_entry_encode(const struct nodelog_entry *entry, uint8_t out[NODELOG_ENTRY_SIZE]);
NODISCARD err_t nodelog_entry_decode(struct bytes wire, struct nodelog_entry *out);
/* As a leaf of the tree. */
struct hash nodelog_entry_hash(const struct nodelog_entry *entry);

/* The checkpoint of one ledger that an entry speaks of. */
struct nodelog_head {
    struct str origin; /* of the ledger */
    uint64_t size;
    struct hash root;
};

/* The root of the map. `count` at most NODELOG_HEADS_MAX: ERR_LIMIT. Of two ledgers with the same place (one
 * chance in half a million for 64 partners) the later one is left out. */
NODISCARD err_t nodelog_map(const struct hash *seed, const struct nodelog_head *heads, size_t count,
                            struct hash *out);

struct nodelog_opening {
    struct hash salt;
    struct nodelog_head head;
    struct hash beside[NODELOG_DEPTH]; /* from the place up to the root */
};
/* Of heads[which]. ERR_NOTFOUND when it was left out. */
NODISCARD err_t nodelog_open(const struct hash *seed, const struct nodelog_head *heads, size_t count,
                             size_t which, struct nodelog_opening *out);
/* Does the entry name this head at the place of its origin? ERR_PROOF. */
NODISCARD err_t nodelog_opening_verify(const struct nodelog_entry *entry,
                                       const struct nodelog_opening *opening);

/* The extra of a proof file: entry and opening; and that they are the leaf of an already verified place is
 * for proof_verify to say. ERR_LIMIT. */
NODISCARD err_t nodelog_extra_set(struct proof *proof, const struct nodelog_entry *entry,
                                  const struct nodelog_opening *opening);
/* Strict; the opening is verified. ERR_SHORT, ERR_SYNTAX, ERR_VERSION, ERR_PROOF. */
NODISCARD err_t nodelog_extra_read(struct bytes extra, struct nodelog_entry *out_entry,
                                   struct nodelog_opening *out);
