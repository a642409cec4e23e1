/* What origins signed, looked at before the gate takes over what came with it (docs/protocol/SYNC.md section
 * 4, "Vouchers"). One thread, the gate's. */
#pragma once

#include "core/diag.h"
#include "gate/gate.h"
#include "sync/cards.h"

/* Sets `voucher.state` and `voucher.card` of each leaf that came with one: by the cards that are held of
 * partners (also of paused ones) and our own (NULL or without a card: none), as far as these are in their
 * time. One card a name and page is read: what a liar names costs no more than its signature. What is false
 * is said in one line: `issuer` passed it on. */
void sync_vouchers_look(struct gate *gate, const struct sync_own *own, const char *issuer,
                        struct gate_received *leaves, size_t count, int64_t now_us, const struct diag *diag);
