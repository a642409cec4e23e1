/* The answer to a recall (docs/protocol/RECALL.md section 3): a signed note in which a holder says that what
 * a leaf of his ledger called back is gone from his node, or kept there under an order, and the body that
 * carries it. Parsing borrows. Any thread. */
#pragma once

#include "ledger/checkpoint.h"
#include "ledger/note.h"

#define SYNC_PATH_RECALL_DONE "/bongsu/v1/recall-done"

struct sync_recall_done {
    struct str origin; /* of the ledger that the recall stands in */
    struct str holder; /* node name of who signs */
    uint64_t seq;      /* of the recall leaf */
    bool held;         /* an order there keeps it, sealed; else it is gone */
};

/* Whole note; key type NOTE_SIGNATURE. ERR_INVALID: a name or the number is none. */
NODISCARD err_t sync_recall_sign(const struct sync_recall_done *done, const struct note_key *key,
                                 const struct sign_key *secret, struct buf *out);
/* Parses and verifies; whether origin, holder and number fit is for the caller to compare. ERR_SYNTAX,
 * ERR_NOTFOUND, ERR_SIGNATURE, ERR_INVALID. */
NODISCARD err_t sync_recall_open(struct str whole, const struct note_key *key, struct sync_recall_done *out);

void sync_recall_write(struct buf *out, uint32_t epoch, struct str note);
/* Strict to the last byte. */
NODISCARD err_t sync_recall_read(struct bytes wire, uint32_t *out_epoch, struct str *out_note);
