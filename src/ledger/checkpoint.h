/* Checkpoints (C2SP tlog-checkpoint): origin, size and root of a ledger as a signed note, and the names of
 * ledgers. A node must never sign two checkpoints of one origin that are inconsistent; that is the keeper's
 * duty, not this file's. Parsing borrows. Any thread. */
#pragma once

#include "core/hash.h"
#include "ledger/note.h"

/* "bongsu/<issuer>/<audience>/<epoch>", and "/urgent" behind it for the urgent ledger. Also the name of the
 * key that signs it. */
struct ledger_origin {
    struct str issuer; /* node name */
    struct str audience;
    uint32_t epoch;
    bool urgent;
};

enum { LEDGER_ORIGIN_MAX = LIMIT_KEY_NAME_BYTES };

/* Node and audience names: 1 to LIMIT_NAME_BYTES of a-z 0-9 . _ - and not beginning with a dot. */
bool ledger_name_ok(struct str name);
/* ERR_INVALID on a bad name. */
NODISCARD err_t ledger_origin_print(const struct ledger_origin *origin, struct buf *out);
NODISCARD err_t ledger_origin_parse(struct str line, struct ledger_origin *out);

struct checkpoint {
    struct str origin;
    uint64_t size; /* at most MERKLE_SIZE_MAX */
    struct hash root;
    struct str extension; /* further lines, each with its newline; empty in all that bongsu writes */
};

/* The note text. ERR_INVALID on an origin or extension that cannot stand in one. */
NODISCARD err_t checkpoint_print(const struct checkpoint *checkpoint, struct buf *out);
/* Strict; `text` is a note text. ERR_SYNTAX. */
NODISCARD err_t checkpoint_parse(struct str text, struct checkpoint *out, struct fault *fault);

/* The whole note, signed; key type NOTE_SIGNATURE, key name equal to the origin. */
NODISCARD err_t checkpoint_sign(const struct checkpoint *checkpoint, const struct note_key *key,
                                const struct sign_key *secret, struct buf *out);
/* Parses, verifies the signature by `key`, and requires the origin to be `origin`: ERR_CONFLICT otherwise,
 * also for a checkpoint with extension lines, which bongsu ledgers never have. out_note (may be NULL) gives
 * the lines for cosign_verify. */
NODISCARD err_t checkpoint_open(struct str whole, struct str origin, const struct note_key *key,
                                struct checkpoint *out, struct note *out_note, struct fault *fault);
