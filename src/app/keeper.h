/* The keeper: the one role that can sign (DESIGN 3). It holds the ledger, receipt, disposition,
 * recall and sealing keys and the anchor, and signs only
 *   - checkpoints of this node's own ledgers, and of its log (LEDGER.md section 12), that grow and are
 * consistent with what it signed last under the same origin, by its own memory of it, each durable in the
 * anchor before its signature leaves;
 *   - receipts whose two halves name the same tree, and answers to recalls, in this node's name;
 *   - heads of bundles of its own ledgers. It takes the key out of bundles that were sealed to this node.
 * Restored from a backup it signs nothing at all (DESIGN 4 step 15): there is no anchor although `bongsu
 * init` made one, or a ledger asks to grow from more than the anchor says was signed. The second is written
 * into the anchor, so that a restart does not forget it. When an operator lets a ledger begin anew
 * (MESSAGE_EPOCH) it signs again, but no ledger of an epoch below that one: what was signed there nobody here
 * remembers, and a partner follows another epoch only by the word of its own operator. Which of its keys it
 * uses the card in force says, by way of core (MESSAGE_CARD): core could name an older one, which partners
 * refuse, and none that is not here. It trusts core no further than that. Bytes in, bytes out; no sockets, no
 * clock but the cosignature's. */
#pragma once

#include "app/conf.h"
#include "app/message.h"
#include "core/diag.h"

#define KEEPER_DIR         "keeper" /* what keeper writes, and nobody else */
#define KEEPER_ANCHOR_FILE KEEPER_DIR "/anchor"
#define KEEPER_ANCHOR_OLD  "anchor" /* where the first versions had it */

struct keeper;

/* Reads its keys from conf->dir and opens the anchor there. Without an anchor it opens and answers every
 * request with ERR_WRONGSTATE. */
NODISCARD err_t keeper_open(const struct os *os, const struct conf *conf, const struct diag *diag,
                            struct keeper **out);
void keeper_close(struct keeper *keeper); /* wipes the keys; accepts NULL */

/* One message of core; the answer, if any, is written to `out` (replaced) and *out_kind says which it is; 0:
 * none. A message that cannot be read gets none. */
void keeper_handle(struct keeper *keeper, unsigned kind, struct bytes body, unsigned *out_kind,
                   struct buf *out);
