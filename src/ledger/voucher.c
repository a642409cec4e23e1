#include "ledger/voucher.h"

#include "core/wr.h"
#include "ledger/checkpoint.h"

static const char statement_label[] = "bongsu voucher v1";
static const char key_label[] = "bongsu voucher key v1";

enum { ED25519_SIZE = 64, STATEMENT_MAX = 2 + 4 + LIMIT_NAME_BYTES + HASH_SIZE + 4 + LIMIT_RESHARE_BYTES };

void voucher_write(struct buf *out, const struct voucher *voucher)
{
    wr_u16(out, voucher->suite);
    wr_blob(out, bytes_from_str(voucher->node));
    wr_u32(out, voucher->key);
    wr_blob(out, bytes_from_str(voucher->limits));
    wr_blob(out, voucher->signature);
}

/* Whole lines of UTF-8, or none. */
static bool limits_ok(struct str limits)
{
    return limits.len == 0 || (limits.at[limits.len - 1] == '\n' && str_is_utf8(limits));
}

void voucher_read(struct rd *rd, struct voucher *out)
{
    out->suite = rd_u16(rd);
    out->node = str_from_bytes(rd_blob(rd, LIMIT_NAME_BYTES));
    out->key = rd_u32(rd);
    out->limits = str_from_bytes(rd_blob(rd, LIMIT_RESHARE_BYTES));
    out->signature = rd_blob(rd, LIMIT_VOUCHER_SIGNATURE_BYTES);
    if (rd->err != ERR_OK)
        return;
    const struct suite *suite = suite_of(out->suite);
    bool fits = suite == NULL                    ? true
                : suite->signer == SUITE_ED25519 ? out->signature.len == ED25519_SIZE
                                                 : out->signature.len <= SIGN_MAX;
    if (out->suite == 0 || !ledger_name_ok(out->node) || !limits_ok(out->limits) || out->signature.len == 0 ||
        !fits)
        rd->err = ERR_INVALID;
}

uint32_t voucher_key_id(const struct sign_public *key)
{
    const struct bytes parts[] = {{(const uint8_t *)key_label, sizeof key_label}, sign_public_bytes(key)};
    struct hash hash = hash_sha256_parts(parts, sizeof parts / sizeof parts[0]);
    struct rd rd = rd_of(bytes_of(hash.b, HASH_SIZE));
    return rd_u32(&rd);
}

/* What is signed, behind its label: each part with its length. */
static err_t statement(unsigned suite, struct str node, const struct hash *content, struct str limits,
                       struct buf *out)
{
    wr_u16(out, (uint16_t)suite);
    wr_blob(out, bytes_from_str(node));
    wr_bytes(out, bytes_of(content->b, HASH_SIZE));
    wr_blob(out, bytes_from_str(limits));
    return buf_err(out);
}

err_t voucher_sign(struct str node, const struct hash *content, struct str limits, const struct sign_key *key,
                   struct signature *out)
{
    uint8_t raw[STATEMENT_MAX];
    struct buf text = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    if (!ledger_name_ok(node) || !limits_ok(limits))
        return ERR_INVALID;
    err_t err = statement(key->public.suite, node, content, limits, &text);
    return err != ERR_OK ? err : sign_message(key, statement_label, buf_bytes(&text), out);
}

err_t voucher_verify(const struct voucher *voucher, const struct hash *content, const struct sign_public *key)
{
    uint8_t raw[STATEMENT_MAX];
    struct buf text = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    struct signature signature;
    if (suite_of(voucher->suite) == NULL)
        return ERR_UNSUPPORTED;
    if (voucher->suite != key->suite || voucher->key != voucher_key_id(key))
        return ERR_NOTFOUND;
    if (voucher->signature.len > sizeof signature.b)
        return ERR_SIGNATURE;
    signature.len = voucher->signature.len;
    memcpy(signature.b, voucher->signature.at, voucher->signature.len);
    err_t err = statement(voucher->suite, voucher->node, content, voucher->limits, &text);
    return err != ERR_OK ? err : sign_verify(key, statement_label, buf_bytes(&text), &signature);
}
