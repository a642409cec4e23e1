/* The signature of the node where an object entered, its *origin*: it says exactly these bytes, and how far
 * they may go on. It stands beside the object and names no hop, so that whoever passes the object on keeps
 * it, and whoever gets it knows by the origin's card what no node on the way could have changed (SYNC.md
 * section 4, "Vouchers").
 *
 * Encoders and strict decoders, and the two operations. Decoding borrows. Pure; any thread. */
#pragma once

#include "core/buf.h"
#include "core/hash.h"
#include "core/limit.h"
#include "core/rd.h"
#include "core/sign.h"

struct voucher {
    uint16_t suite;         /* of the signature */
    struct str node;        /* a node name (LEDGER.md section 1) */
    uint32_t key;           /* which of its keys: voucher_key_id */
    struct str limits;      /* lines of SYNC.md section 4; empty: it says nothing */
    struct bytes signature; /* 1 to LIMIT_VOUCHER_SIGNATURE_BYTES */
};

void voucher_write(struct buf *out, const struct voucher *voucher);
/* Look at rd->err: ERR_LIMIT above a bound, ERR_SHORT, ERR_INVALID. Of another suite it is well formed, too:
 * it is passed on as it is. */
void voucher_read(struct rd *rd, struct voucher *out);

/* Tells keys of one node from each other. No secret, and no proof. */
uint32_t voucher_key_id(const struct sign_public *key);

/* Over the suite of the key, `node`, `content` (SHA-256 of the object's bytes) and `limits`. */
NODISCARD err_t voucher_sign(struct str node, const struct hash *content, struct str limits,
                             const struct sign_key *key, struct signature *out);
/* ERR_UNSUPPORTED: of a suite that is not known here. ERR_NOTFOUND: by another key than this one.
 * ERR_SIGNATURE. */
NODISCARD err_t voucher_verify(const struct voucher *voucher, const struct hash *content,
                               const struct sign_public *key);
