/* Asking a witness (C2SP tlog-witness, `add-checkpoint`): the text of a request, and what its answer says. A
 * witness cosigns a checkpoint when it grew from the one that it cosigned last; what it answers is believed
 * only as far as its signature. No sockets, no clock. Parsing borrows. Any thread. */
#pragma once

#include "ledger/cosign.h"
#include "ledger/merkle.h"

enum {
    WITNESS_OK = 200,
    WITNESS_CONFLICT = 409,        /* it stands at another size, and says which */
    WITNESS_ANSWER_MAX = 16 << 10, /* some signature lines of post-quantum size */
};

/* "old N", the hashes, an empty line, the checkpoint. */
NODISCARD err_t witness_request(uint64_t old_size, const struct merkle_proof *proof, struct str checkpoint,
                                struct buf *out);

enum witness_verdict {
    WITNESS_SIGNED, /* line and time_s */
    WITNESS_STANDS, /* size: what it cosigned last */
    WITNESS_REFUSED,
};
struct witness_answer {
    enum witness_verdict verdict;
    struct buf *line; /* the caller's: the newest valid line of its key, with its newline */
    int64_t time_s;
    uint64_t size;
    char what[FAULT_WHAT_MAX]; /* REFUSED: why, in words of ours */
};
/* `checkpoint`: the whole note that was asked about. `out->line` must be set. Nothing that the witness says
 * is copied into `what`. */
void witness_answer_read(unsigned status, struct str body, struct str checkpoint, const struct note_key *key,
                         struct witness_answer *out);
