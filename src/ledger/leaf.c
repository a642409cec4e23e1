#include "ledger/leaf.h"

#include "core/wr.h"
#include "ledger/checkpoint.h"
#include "ledger/merkle.h"

#define PARTNER_MARK "bongsu leaf partner v1"
#define ISSUER_MARK  "bongsu leaf issuer v1"

enum { REASON_MAX = HASH_SIZE + 4 * 4 + HASH_SIZE + 3 * LIMIT_NAME_BYTES };

static const struct op_row {
    uint8_t number;
    uint8_t content;
    uint8_t subject;
    const char *word;
} op_rows[] = {
#define X(name, number, word, content, subject) {number, content, subject, word},
    LEAF_OP_LIST(X)
#undef X
};

static const struct op_row *op_find(unsigned op)
{
    for (size_t i = 0; i < sizeof op_rows / sizeof op_rows[0]; i++)
        if (op_rows[i].number == op)
            return &op_rows[i];
    return NULL;
}

const char *leaf_op_word(unsigned op)
{
    const struct op_row *row = op_find(op);
    return row == NULL ? NULL : row->word;
}

/* --- the leaf --- */

static uint8_t *put_uint(uint8_t *to, uint64_t v, size_t width)
{
    for (size_t i = 0; i < width; i++)
        to[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
    return to + width;
}

static uint8_t *put_hash(uint8_t *to, const struct hash *hash)
{
    memcpy(to, hash->b, HASH_SIZE);
    return to + HASH_SIZE;
}

void leaf_encode(const struct leaf *leaf, uint8_t out[LEAF_SIZE])
{
    must(op_find(leaf->op) != NULL && leaf->time_us >= 0 && leaf->seq < MERKLE_SIZE_MAX);
    uint8_t *to = out;
    to = put_uint(to, LEAF_VERSION, 1);
    to = put_uint(to, LEAF_SUITE, 2);
    to = put_uint(to, leaf->op, 1);
    to = put_uint(to, leaf->epoch, 4);
    to = put_uint(to, leaf->seq, 8);
    to = put_uint(to, (uint64_t)leaf->time_us, 8);
    to = put_hash(to, &leaf->partner);
    to = put_hash(to, &leaf->issuer);
    must(to == out + LEAF_SIZE);
}

err_t leaf_decode(struct bytes wire, struct leaf *out)
{
    struct rd rd = rd_of(wire);
    uint8_t version = rd_u8(&rd);
    uint16_t suite = rd_u16(&rd);
    uint8_t op = rd_u8(&rd);
    struct leaf leaf = {.op = (enum leaf_op)op, .epoch = rd_u32(&rd), .seq = rd_u64(&rd)};
    uint64_t time_us = rd_u64(&rd);
    rd_copy(&rd, leaf.partner.b, HASH_SIZE);
    rd_copy(&rd, leaf.issuer.b, HASH_SIZE);
    err_t err = rd_end(&rd);
    if (err != ERR_OK)
        return err;
    if (version != LEAF_VERSION || suite != LEAF_SUITE)
        return ERR_VERSION;
    if (op_find(op) == NULL)
        return ERR_UNSUPPORTED;
    if (time_us > INT64_MAX || leaf.seq >= MERKLE_SIZE_MAX)
        return ERR_LIMIT;
    leaf.time_us = (int64_t)time_us;
    *out = leaf;
    return ERR_OK;
}

struct hash leaf_hash(const struct leaf *leaf)
{
    uint8_t wire[LEAF_SIZE];
    leaf_encode(leaf, wire);
    return merkle_leaf(bytes_of(wire, sizeof wire));
}

/* --- the partner's commitment --- */

struct hash leaf_partner(enum leaf_op op, const struct leaf_opening *opening)
{
    /* The mark counts with its terminating zero; the op stands between the salt and the rest. */
    uint8_t made[sizeof PARTNER_MARK + 1 + LEAF_OPENING_SIZE], *to = made;
    memcpy(to, PARTNER_MARK, sizeof PARTNER_MARK);
    to = put_hash(to + sizeof PARTNER_MARK, &opening->salt);
    to = put_uint(to, op, 1);
    to = put_hash(to, &opening->content);
    to = put_uint(to, opening->subject_seq, 8);
    must(to == made + sizeof made);
    return hash_sha256(bytes_of(made, sizeof made));
}

void leaf_opening_encode(const struct leaf_opening *opening, uint8_t out[LEAF_OPENING_SIZE])
{
    uint8_t *to = put_hash(out, &opening->salt);
    to = put_hash(to, &opening->content);
    to = put_uint(to, opening->subject_seq, 8);
    must(to == out + LEAF_OPENING_SIZE);
}

err_t leaf_opening_decode(struct bytes wire, struct leaf_opening *out)
{
    struct rd rd = rd_of(wire);
    struct leaf_opening opening;
    rd_copy(&rd, opening.salt.b, HASH_SIZE);
    rd_copy(&rd, opening.content.b, HASH_SIZE);
    opening.subject_seq = rd_u64(&rd);
    err_t err = rd_end(&rd);
    if (err == ERR_OK)
        *out = opening;
    return err;
}

static bool part_fits(uint8_t rule, bool there)
{
    return rule == LEAF_MAY || there == (rule == LEAF_MUST);
}

err_t leaf_opening_verify(const struct leaf *leaf, const struct leaf_opening *opening, bool urgent)
{
    static const struct hash none = {{0}};
    const struct op_row *row = op_find(leaf->op);
    if (row == NULL)
        return ERR_UNSUPPORTED;
    bool subject = opening->subject_seq != LEAF_SUBJECT_NONE;
    if (!part_fits(row->content, !hash_eq(&opening->content, &none)) || !part_fits(row->subject, subject))
        return ERR_INVALID;
    if (subject &&
        (opening->subject_seq >= MERKLE_SIZE_MAX || (!urgent && opening->subject_seq >= leaf->seq)))
        return ERR_INVALID;
    struct hash made = leaf_partner(leaf->op, opening);
    return hash_eq(&made, &leaf->partner) ? ERR_OK : ERR_PROOF;
}

/* --- the issuer's commitment --- */

static uint8_t *put_blob(uint8_t *to, const void *at, size_t len)
{
    must(len <= LIMIT_NAME_BYTES);
    to = put_uint(to, len, 4);
    if (len > 0)
        memcpy(to, at, len);
    return to + len;
}

/* Writes at most REASON_MAX bytes; returns how many. */
static size_t reason_put(const struct leaf_reason *reason, uint8_t *out)
{
    uint8_t *to = put_hash(out, &reason->salt);
    to = put_blob(to, reason->rule.at, reason->rule.len);
    to = put_blob(to, reason->policy_digest.b, HASH_SIZE);
    to = put_blob(to, reason->approver.at, reason->approver.len);
    to = put_blob(to, reason->source.at, reason->source.len);
    return (size_t)(to - out);
}

void leaf_reason_encode(const struct leaf_reason *reason, struct buf *out)
{
    uint8_t wire[REASON_MAX];
    wr_bytes(out, bytes_of(wire, reason_put(reason, wire)));
}

struct hash leaf_issuer(const struct leaf_reason *reason)
{
    uint8_t made[sizeof ISSUER_MARK + REASON_MAX];
    memcpy(made, ISSUER_MARK, sizeof ISSUER_MARK);
    size_t len = reason_put(reason, made + sizeof ISSUER_MARK);
    return hash_sha256(bytes_of(made, sizeof ISSUER_MARK + len));
}

err_t leaf_reason_decode(struct bytes wire, struct leaf_reason *out)
{
    if (wire.len > REASON_MAX)
        return ERR_LIMIT;
    struct rd rd = rd_of(wire);
    struct leaf_reason reason;
    rd_copy(&rd, reason.salt.b, HASH_SIZE);
    reason.rule = str_from_bytes(rd_blob(&rd, LIMIT_NAME_BYTES));
    struct bytes digest = rd_blob(&rd, HASH_SIZE);
    reason.approver = str_from_bytes(rd_blob(&rd, LIMIT_NAME_BYTES));
    reason.source = str_from_bytes(rd_blob(&rd, LIMIT_NAME_BYTES));
    err_t err = rd_end(&rd);
    if (err != ERR_OK)
        return err;
    if (digest.len != HASH_SIZE)
        return ERR_INVALID;
    memcpy(reason.policy_digest.b, digest.at, HASH_SIZE);
    *out = reason;
    return ERR_OK;
}

err_t leaf_reason_verify(const struct leaf *leaf, const struct leaf_reason *reason)
{
    struct hash made = leaf_issuer(reason);
    return hash_eq(&made, &leaf->issuer) ? ERR_OK : ERR_PROOF;
}

/* --- salts --- */

struct ledger_salts ledger_salts(const struct seal_secret *secret, struct str origin, uint64_t seq)
{
    uint8_t context[LEDGER_ORIGIN_MAX + 1 + 8];
    must(origin.len > 0 && origin.len <= LEDGER_ORIGIN_MAX);
    memcpy(context, origin.at, origin.len);
    context[origin.len] = 0;
    put_uint(context + origin.len + 1, seq, 8);
    struct seal_salts salts = seal_salts(secret, "bongsu leaf salts v1", bytes_of(context, origin.len + 9));
    return (struct ledger_salts) {salts.a, salts.b};
}

struct hash ledger_limited_salt(const struct hash *salt, struct str limits)
{
    static const char mark[] = "bongsu leaf limits v1"; /* with its zero */
    const struct bytes parts[] = {
        {(const uint8_t *)mark, sizeof mark}, {salt->b, HASH_SIZE}, bytes_from_str(limits)};
    return hash_sha256_parts(parts, sizeof parts / sizeof parts[0]);
}
