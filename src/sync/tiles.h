/* A partner's own ledger as static resources (C2SP tlog-tiles): its checkpoint, its tiles, its entry bundles,
 * for auditing with tools that others wrote. Answers only what the partner that asks may see anyway. Pure
 * handler; one thread. */
#pragma once

#include "gate/gate.h"
#include "net/exchange.h"

#define SYNC_PATH_LEDGER "/bongsu/v1/ledger/"

/* The log of the node, which is the same for all who ask. */
#define SYNC_PATH_LOG "/bongsu/v1/log/"

/* `rest`: the path behind SYNC_PATH_LOG, as below. */
void sync_log_answer(struct gate *gate, struct str rest, struct exchange_response *response);

/* `rest`: the path behind SYNC_PATH_LEDGER: "checkpoint" or "tile/...". 404 for anything that is not there
 * (yet). */
void sync_tiles_answer(struct gate *gate, unsigned partner, struct str rest,
                       struct exchange_response *response);
