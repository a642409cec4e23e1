/* The log of the whole node (ledger/nodelog.h, LEDGER.md section 12): which checkpoint of each of its ledgers
 * was the newest, written down at an interval, one entry a time, so that others can witness that there is one
 * history and not two.
 *
 * An entry is appended whole to the object log before anything of it is signed; its checkpoint is visible
 * when it is durable, as those of ledgers are (DESIGN 4 steps 6, 7). Nothing else of the gate waits for any
 * of it. The gate's thread; times are microseconds since 1970. */
#pragma once

#include "gate/gate.h"
#include "ledger/nodelog.h"

/* In gate_sign_request.ledger; its origin has no audience. */
enum { GATE_NODE_LOG = GATE_LEDGERS };

struct gate_log {
    uint32_t epoch;
    uint64_t size;    /* entries */
    uint64_t visible; /* ...covered by a durable checkpoint */
    struct hash visible_root;
    int64_t last_us; /* of the newest entry, as it is said there; 0: none */
    bool stopped;    /* a replayed root differed: nothing of it is shown */
};
void gate_log(const struct gate *gate, struct gate_log *out);
/* Its name: NODELOG origin of the present epoch. */
NODISCARD err_t gate_log_origin(const struct gate *gate, struct buf *out);

/* One more entry, of what is visible of each ledger now. ERR_BUSY: the one before is not signed yet. */
NODISCARD err_t gate_log_append(struct gate *gate, int64_t now_us);
/* As gate_sign_next, gate_sign_abandon, gate_signed. One entry at a time. */
bool gate_log_sign_next(struct gate *gate, struct gate_sign_request *out);
void gate_log_sign_abandon(struct gate *gate);
NODISCARD err_t gate_log_signed(struct gate *gate, const struct gate_sign_request *request, struct str note,
                                int64_t now_us);
/* Another, empty log under the number `epoch`: after a backup came back nothing may be signed over what was
 * signed before. ERR_EXISTS: not above the present one; ERR_LIMIT; ERR_USAGE: without a reason. */
NODISCARD err_t gate_log_anew(struct gate *gate, uint32_t epoch, const struct gate_by *by, int64_t now_us);

/* The signed checkpoint of exactly this size, of the present epoch. ERR_NOTFOUND. */
NODISCARD err_t gate_log_checkpoint(struct gate *gate, uint64_t size, struct buf *note);
/* The checkpoint that most witnesses cosigned among those that cover this entry, with their lines; the newest
 * without any. ERR_NOTFOUND: none covers it. */
NODISCARD err_t gate_log_head(struct gate *gate, uint64_t index, uint64_t *out_size, struct buf *note);
/* Of visible sizes; ERR_NOTFOUND otherwise. */
NODISCARD err_t gate_log_inclusion(struct gate *gate, uint64_t index, uint64_t size,
                                   struct merkle_proof *out);
NODISCARD err_t gate_log_consistency(struct gate *gate, uint64_t old_size, uint64_t size,
                                     struct merkle_proof *out);
NODISCARD err_t gate_log_root(struct gate *gate, uint64_t size, struct hash *out);
/* As gate_tile. */
NODISCARD err_t gate_log_tile(struct gate *gate, struct str path, struct buf *out);
/* What a visible entry says of the ledger of this name: fills index and extra of a proof file. The opening's
 * strings borrow from `origin`. ERR_NOTFOUND: nothing. */
NODISCARD err_t gate_log_open(struct gate *gate, uint64_t index, struct str origin, struct proof *out,
                              struct nodelog_opening *out_opening);

/* The last cosignature of a witness, by the name of its key. */
struct gate_cosigned {
    uint32_t epoch;
    uint64_t size;
    int64_t time_s; /* the witness' clock */
    int64_t at_us;  /* ours, when it came */
    struct str line;
};
NODISCARD err_t gate_log_cosigned_put(struct gate *gate, struct str witness,
                                      const struct gate_cosigned *cosigned);
/* The line is appended to `line` and borrowed from there. ERR_NOTFOUND: none of this epoch. */
NODISCARD err_t gate_log_cosigned(const struct gate *gate, struct str witness, struct buf *line,
                                  struct gate_cosigned *out);
