/* A policy that needs two operators: what one activates waits, as settings in the log, until another agrees.
 */
#include <stdio.h>

#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"

enum { PIECE_BYTES = 60000, PIECES_MAX = LIMIT_POLICY_BYTES / PIECE_BYTES + 1, KEY_SIZE = 32 };

static const char head_key[] = "policy.pending";

static struct str piece_key(size_t number, char out[KEY_SIZE])
{
    int len = snprintf(out, KEY_SIZE, "policy.pending.%zu", number);
    return (struct str) {out, (size_t)len};
}

static err_t head_put(struct gate *gate, const struct gate_pending *pending, const struct gate_by *by,
                      int64_t now_us)
{
    struct buf value;
    buf_init(&value, 2 * RECORD_TEXT_MAX);
    wr_u64(&value, (uint64_t)pending->at_us);
    wr_u64(&value, pending->bytes);
    wr_bytes(&value, bytes_of(pending->digest.b, HASH_SIZE));
    wr_blob(&value, bytes_from_str(pending->who));
    err_t err = buf_err(&value);
    if (err == ERR_OK)
        err = gate_setting_put(gate, str_of(head_key), buf_bytes(&value), by, now_us);
    buf_deinit(&value);
    return err;
}

err_t gate_policy_pending(const struct gate *gate, struct arena *arena, struct gate_pending *out)
{
    struct buf value;
    buf_init(&value, 2 * RECORD_TEXT_MAX);
    err_t err = gate_setting_get(gate, str_of(head_key), &value) && value.len > 0 ? ERR_OK : ERR_NOTFOUND;
    if (err == ERR_OK) {
        struct rd rd = rd_of(buf_bytes(&value));
        out->at_us = (int64_t)rd_u64(&rd);
        out->bytes = rd_u64(&rd);
        rd_copy(&rd, out->digest.b, HASH_SIZE);
        out->who = arena_str(arena, str_from_bytes(rd_blob(&rd, RECORD_TEXT_MAX)));
        err = rd_end(&rd) != ERR_OK ? ERR_CORRUPT : out->who.at == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_deinit(&value);
    return err;
}

/* The head goes last: without it no piece means anything. */
err_t gate_policy_propose(struct gate *gate, struct str text, const struct gate_by *by, int64_t now_us,
                          struct policy_fault *fault)
{
    struct policy *trial;
    err_t err = gate_policy_compile(gate, text, &trial, fault);
    if (err != ERR_OK)
        return err;
    struct gate_pending pending = {by->who, now_us, text.len, policy_digest(trial)};
    policy_unref(trial);
    for (size_t at = 0, number = 0; at < text.len && err == ERR_OK; at += PIECE_BYTES, number++) {
        char key[KEY_SIZE];
        size_t len = text.len - at < PIECE_BYTES ? text.len - at : PIECE_BYTES;
        struct str piece = {text.at + at, len};
        err = gate_setting_put(gate, piece_key(number, key), bytes_from_str(piece), by, now_us);
    }
    return err != ERR_OK ? err : head_put(gate, &pending, by, now_us);
}

err_t gate_policy_pending_text(const struct gate *gate, const struct gate_pending *pending, struct buf *out)
{
    size_t start = out->len;
    for (size_t number = 0; out->len - start < pending->bytes; number++) {
        char key[KEY_SIZE];
        size_t before = out->len;
        if (number == PIECES_MAX || !gate_setting_get(gate, piece_key(number, key), out) ||
            out->len == before)
            return ERR_CORRUPT;
    }
    struct hash digest = hash_sha256(bytes_of(out->at + start, out->len - start));
    return hash_eq(&digest, &pending->digest) ? ERR_OK : ERR_CORRUPT;
}

static err_t forget(struct gate *gate, const struct gate_by *by, int64_t now_us)
{
    return gate_setting_put(gate, str_of(head_key), bytes_of(NULL, 0), by, now_us);
}

err_t gate_policy_confirm(struct gate *gate, const struct hash *digest, const struct gate_by *by,
                          int64_t now_us, struct policy_fault *fault)
{
    struct arena arena;
    struct gate_pending pending;
    struct buf text, both;
    arena_init(&arena, 4 * RECORD_TEXT_MAX);
    buf_init(&text, LIMIT_POLICY_BYTES + 1);
    buf_init(&both, RECORD_TEXT_MAX);
    err_t err = gate_policy_pending(gate, &arena, &pending);
    if (err == ERR_OK && str_eq(pending.who, by->who))
        err = ERR_DENIED; /* nobody agrees with himself */
    if (err == ERR_OK && !hash_eq(&pending.digest, digest))
        err = ERR_CONFLICT; /* proposed anew after he looked */
    if (err == ERR_OK)
        err = gate_policy_pending_text(gate, &pending, &text);
    if (err == ERR_OK) {
        buf_put_str(&both, pending.who);
        buf_put_str(&both, STR(", "));
        buf_put_str(&both, by->who);
        err = buf_err(&both);
    }
    struct gate_by names = {buf_str(&both), by->because};
    if (err == ERR_OK && !TRY(err, gate_policy_activate(gate, buf_str(&text), &names, now_us, fault)))
        err = forget(gate, by, now_us);
    buf_deinit(&both);
    buf_deinit(&text);
    arena_deinit(&arena);
    return err;
}
