/* Destroying content: whatever an operator's word (a spill, a retention) or a recall wants gone goes
 * through here and leaves by one way (DESIGN 4.11). In order, each step durable before the next:
 *
 *     RECALL frame: which frames lose their secret, and what their leaves need without it
 *     the index forgets them, up to that frame and on the disk
 *     their secrets are overwritten in the key file
 *     the search file forgets their words
 *     PURGED frame
 *
 * The index goes before the secret, so that no replay meets an entry of something that it cannot open any
 * more. A RECALL without its PURGED is redone at every start. Proofs stay whole: every leaf that was ever
 * made of it can be made again, without its content.
 *
 * What it must never do: destroy what somebody still has by a leaf that was not ended, or lose a byte of
 * anything that it does not name. Registered copies of the key file lose their secrets with it
 * (key_copies.h); it reaches neither other copies nor spare cells of a flash disk. Step machine like the rest
 * of the gate; its thread. */
#pragma once

#include "gate/gate.h"

struct gate_search;

/* How many frames of each sort lost their content. */
struct gate_destroyed {
    uint64_t lsn; /* the RECALL */
    size_t objects, reports, quarantined, minted;
    size_t words;  /* days of them (words.h) */
    size_t leaves; /* that stay in partners' ledgers, without content */
};

/* What stands at these positions, and with it everything that was made of it: what other sources reported
 * with the same content, what was minted of it for partners, the bytes that it was mended from, and every
 * entry of the quarantine, open or closed, that holds its very bytes. For RECORD_CAUSE_RETENTION these
 * positions alone, rising, which must be of refused input or of a day's words. Reads the whole log, but for
 * retention. Logged and durable when it returns; gate_purge carries it out. ERR_NOTFOUND: nothing sealed
 * stands at one of them; ERR_EXISTS: all are gone already; ERR_BUSY: a partner has not been told yet that it
 * is over, or its decision is open: gate_step first; ERR_LIMIT: too many at once. */
NODISCARD err_t gate_destroy(struct gate *gate, const uint64_t *lsns, size_t count, enum record_cause cause,
                             const struct gate_by *by, int64_t now_us, struct gate_destroyed *out);

/* Is a RECALL waiting to be carried out? */
bool gate_purge_due(const struct gate *gate);
/* Carries all of them out. `search`: NULL where there is no search file. No merge and no run of the search
 * file may be under way. What fails is tried again at the next call. */
NODISCARD err_t gate_purge(struct gate *gate, struct gate_search *search, int64_t now_us);

/* Was the content of this frame destroyed, or is it about to be? */
bool gate_is_destroyed(struct gate *gate, uint64_t lsn);
