/* A gate for tests of synchronisation: one partner, a ledger in memory that releases what it is told, and a
 * receiving side that keeps what was committed and forgets the rest at a crash. It implements the functions
 * of gate/gate.h that sync calls, and nothing else. */
#pragma once

#include "gate/gate.h"
#include "ledger/tile.h"
#include "sync/card.h"

struct fake_keys { /* of one node */
    struct sign_key root, tls, ledger, cosign, disposition;
    struct sync_card card;
    struct buf card_text;
};
void fake_keys_make(struct fake_keys *keys, const char *node, uint8_t seed, int64_t now_us);
void fake_keys_deinit(struct fake_keys *keys);

struct fake_gate_setup {
    const char *node, *audience;
    const struct sign_key *ledger; /* signs checkpoints */
    const struct buf *partner_card;
};
struct gate *fake_gate_new(const struct fake_gate_setup *setup);
void fake_gate_free(struct gate *gate);
void fake_gate_state(struct gate *gate, enum gate_peer_state state);
void fake_gate_card(struct gate *gate, const struct buf *card);

/* Releases an object (empty text: a supersede of the leaf before); visible after the next checkpoint. */
void fake_release(struct gate *gate, struct str object, int64_t now_us);
void fake_checkpoint(struct gate *gate);
uint64_t fake_released(const struct gate *gate);
/* The issuer's own root of its first `size` leaves. */
struct hash fake_root(struct gate *gate, uint64_t size);
/* Plants: the issuer signs another history; a set back issuer; a later epoch. */
void fake_fork(struct gate *gate);
void fake_set_back(struct gate *gate, uint64_t size);
void fake_epoch(struct gate *gate, uint32_t epoch);
/* The content of this leaf is given no more; or again. */
void fake_withhold(struct gate *gate, uint64_t seq, bool withheld);
/* A checkpoint note over any root, signed by the ledger key. */
void fake_sign(struct gate *gate, uint64_t size, const struct hash *root, struct buf *out);

/* Receiving side. Objects that contain "bad" are refused with ERR_INVALID. */
void fake_crash(struct gate *gate);                /* what was not committed is gone */
void fake_busy(struct gate *gate, unsigned times); /* so many gate_receive answer ERR_BUSY */
void fake_commit_fails(struct gate *gate, bool fails);
uint64_t fake_held(const struct gate *gate);                        /* durable leaves */
uint64_t fake_taken_twice(const struct gate *gate);                 /* must stay 0 */
bool fake_holds(const struct gate *gate, uint64_t seq, struct str); /* exactly these bytes at this leaf? */
unsigned fake_hops(const struct gate *gate, uint64_t seq);
/* What this leaf brought is gone; for good: it is refused without a trace when it comes again. */
void fake_lose(struct gate *gate, uint64_t seq, bool for_good);
uint64_t fake_again(const struct gate *gate); /* leaves that were taken over once more */

/* Issuer: receipts kept. */
struct fake_receipt {
    uint64_t size, refused;
    unsigned count;
};
struct fake_receipt fake_receipt(const struct gate *gate);
