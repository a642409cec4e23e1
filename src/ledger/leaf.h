/* The leaf: 88 bytes that say that something was done in one partner's view, and commit to what and why
 * without telling either. Frozen: a change is a new version byte (docs/protocol/LEDGER.md section 2). A leaf
 * is a pure function of its fields. Two commitments, each hidden by a 32-byte salt that derives from the
 * secret of the stored version: one is opened to the partner with delivery, the other to oversight, leaf by
 * leaf. Destroying the secret makes both unopenable while every proof stays valid.
 *
 * Must never: put an identifier, a digest of content or a name in clear. Owns no memory. Any thread. */
#pragma once

#include "core/buf.h"
#include "core/hash.h"
#include "core/limit.h"
#include "core/rd.h"
#include "core/seal.h"

enum { LEAF_SIZE = 88, LEAF_VERSION = 1, LEAF_SUITE = 1, LEAF_OPENING_SIZE = 72 };

/* What an opening carries for an op. */
enum leaf_part { LEAF_NONE, LEAF_MAY, LEAF_MUST };

/*    name, number, word, content, subject */
#define LEAF_OP_LIST(X)                                                                                      \
    X(RELEASE, 1, "release", LEAF_MUST, LEAF_NONE) /* an object enters the view */                           \
    X(SUPERSEDE, 2, "supersede", LEAF_MAY,                                                                   \
      LEAF_MUST)                                 /* the subject is not current; content: its successor */    \
    X(REVOKE, 3, "revoke", LEAF_MAY, LEAF_MUST)  /* its owner revoked the subject; content: that version */  \
    X(RECALL, 4, "recall", LEAF_NONE, LEAF_MUST) /* suspend the subject at once, then destroy it */          \
    X(REDACT, 5, "redact", LEAF_MUST, LEAF_MUST) /* replace the subject by content that says less */         \
    X(EXPIRE, 6, "expire", LEAF_NONE, LEAF_MUST) /* the subject's time in the view is over */                \
    X(NARROW, 7, "narrow", LEAF_NONE, LEAF_MUST) /* onward sharing of the subject is limited further */

enum leaf_op {
#define X(name, number, word, content, subject) LEAF_##name = number,
    LEAF_OP_LIST(X)
#undef X
};

struct leaf {
    enum leaf_op op;
    uint32_t epoch;
    uint64_t seq;        /* its index in the tree, from 0 */
    int64_t time_us;     /* the issuer's clock, not negative */
    struct hash partner; /* commitments */
    struct hash issuer;
};

/* "release"; NULL for a number that is no op. */
const char *leaf_op_word(unsigned op);

void leaf_encode(const struct leaf *leaf, uint8_t out[LEAF_SIZE]);
/* Strict. ERR_SHORT or ERR_INVALID on another length, ERR_VERSION on an unknown version or suite,
 * ERR_UNSUPPORTED on an unknown op, ERR_LIMIT on a time above 2^63 - 1 or a seq not below it. */
NODISCARD err_t leaf_decode(struct bytes wire, struct leaf *out);
/* The Merkle leaf hash of the encoded leaf. */
struct hash leaf_hash(const struct leaf *leaf);

/* --- what the partner is told --- */

#define LEAF_SUBJECT_NONE UINT64_MAX

/* content: SHA-256 of the exact object bytes, zero when the op carries none. subject_seq: the earlier leaf
 * that the op is about, in the main ledger of the same issuer, audience and epoch; LEAF_SUBJECT_NONE when
 * none. */
struct leaf_opening {
    struct hash salt;
    struct hash content;
    uint64_t subject_seq;
};

/* Commits to an opening: SHA-256("bongsu leaf partner v1" 0x00 || salt || op || content || subject_seq). */
struct hash leaf_partner(enum leaf_op op, const struct leaf_opening *opening);
/* salt || content || u64 subject_seq */
void leaf_opening_encode(const struct leaf_opening *opening, uint8_t out[LEAF_OPENING_SIZE]);
NODISCARD err_t leaf_opening_decode(struct bytes wire, struct leaf_opening *out);
/* ERR_INVALID when the op does not go with what the opening carries, or (in a main ledger, urgent == false)
 * the subject is not an earlier leaf; ERR_PROOF when it does not open the leaf. Whoever got object bytes
 * compares their SHA-256 with opening->content as well. */
NODISCARD err_t leaf_opening_verify(const struct leaf *leaf, const struct leaf_opening *opening, bool urgent);

/* --- what oversight is told --- */

/* Borrowed texts of at most LIMIT_NAME_BYTES each; empty where there is none (no approver). */
struct leaf_reason {
    struct hash salt;
    struct str rule;           /* the rule that released */
    struct hash policy_digest; /* of the policy text in force */
    struct str approver;
    struct str source;
};

/* Commits to a reason: SHA-256("bongsu leaf issuer v1" 0x00 || salt || blob rule || blob policy digest ||
 * blob approver || blob source), blob = u32 length and bytes. */
struct hash leaf_issuer(const struct leaf_reason *reason);
/* The same bytes as hashed, from the salt on. Decoding borrows from `wire`; strict to the last byte. */
void leaf_reason_encode(const struct leaf_reason *reason, struct buf *out);
NODISCARD err_t leaf_reason_decode(struct bytes wire, struct leaf_reason *out);
NODISCARD err_t leaf_reason_verify(const struct leaf *leaf, const struct leaf_reason *reason);

/* --- salts --- */

/* Of one leaf: seal_salts under "bongsu leaf salts v1" with context = origin line || 0x00 || u64 seq. The
 * origin names issuer, audience, epoch and urgent or not, so no two leaves share a salt. `secret` is that of
 * the version that the leaf carries, for contentless ops that of the version concerned. */
struct ledger_salts {
    struct hash partner, issuer;
};
/* Salt of a leaf whose object may go on only within limits: SHA-256("bongsu leaf limits v1" 0x00 || salt ||
 * limits). Whoever has salt and limits shows that the leaf commits to them. */
struct hash ledger_limited_salt(const struct hash *salt, struct str limits);
struct ledger_salts ledger_salts(const struct seal_secret *secret, struct str origin, uint64_t seq);
