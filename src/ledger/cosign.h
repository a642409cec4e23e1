/* The receipt of a partner, in two halves, each under its own key: a cosignature (C2SP tlog-cosignature,
 * of the suite of its key) says "I saw this checkpoint, consistent with all before it"; the disposition note
 * says "and I hold all of it, except these". In step needs both. LEDGER.md sections 6 and 7. Parsing borrows.
 * Any thread. */
#pragma once

#include "ledger/checkpoint.h"

/* One line over a checkpoint's note text; key type NOTE_COSIGNATURE. time_s: seconds since 1970, not
 * negative. */
NODISCARD err_t cosign_sign(struct str text, int64_t time_s, const struct note_key *key,
                            const struct sign_key *secret, struct buf *out);
/* As note_verify; *out_time_s is the largest time among this key's lines. */
NODISCARD err_t cosign_verify(const struct note *note, const struct note_key *key, int64_t *out_time_s);

struct disposition {
    struct str origin; /* of the ledger */
    struct str holder; /* node name of the partner that signs */
    uint64_t size;
    struct hash root;
    uint64_t refused_count;
    struct hash refused; /* disposition_refused_* */
};

/* The digest of the refused leaves in rising seq, one after another: begin, then add each. `code` is the
 * refusal's number on the wire (docs/protocol). */
struct hash disposition_refused_begin(void);
struct hash disposition_refused_add(const struct hash *so_far, uint64_t seq, uint16_t code);

/* A signed note of its own whose first line is "bongsu/disposition/v1/suite1", with the suite of the key. Key
 * type NOTE_SIGNATURE. */
NODISCARD err_t disposition_sign(const struct disposition *disposition, const struct note_key *key,
                                 const struct sign_key *secret, struct buf *out);
/* Parses and verifies; whether origin, holder, size, root and refused fit is for the caller to compare.
 * ERR_SYNTAX, ERR_NOTFOUND, ERR_SIGNATURE; ERR_INVALID when refused_count exceeds size. */
NODISCARD err_t disposition_open(struct str whole, const struct note_key *key, struct disposition *out,
                                 struct fault *fault);
