#include "sync/fetch.h"

#include "core/wr.h"
#include "sync/page.h"

static void fail(struct rd *rd, err_t err)
{
    if (rd->err == ERR_OK)
        rd->err = err;
}

/* --- the question --- */

void sync_fetch_write(struct buf *out, const struct sync_fetch *fetch)
{
    must(fetch->count >= 1 && fetch->count <= LIMIT_FETCH_LEAVES);
    wr_u8(out, SYNC_FORMAT);
    wr_u32(out, fetch->epoch);
    wr_u64(out, fetch->size);
    wr_u16(out, fetch->count);
    for (size_t i = 0; i < fetch->count; i++)
        wr_u64(out, fetch->leaves[i]);
}

err_t sync_fetch_read(struct bytes wire, struct sync_fetch *out)
{
    struct rd rd = rd_of(wire);
    if (rd_u8(&rd) != SYNC_FORMAT)
        fail(&rd, ERR_VERSION);
    out->epoch = rd_u32(&rd);
    out->size = rd_u64(&rd);
    out->count = rd_u16(&rd);
    if (out->count > LIMIT_FETCH_LEAVES || out->size > MERKLE_SIZE_MAX)
        fail(&rd, ERR_LIMIT);
    if (out->count == 0)
        fail(&rd, ERR_INVALID);
    for (size_t i = 0; rd.err == ERR_OK && i < out->count; i++) {
        out->leaves[i] = rd_u64(&rd);
        if (out->leaves[i] >= out->size || (i > 0 && out->leaves[i] <= out->leaves[i - 1]))
            fail(&rd, ERR_INVALID);
    }
    return rd_end(&rd);
}

/* --- the answer --- */

void sync_fetched_head_write(struct buf *out, uint32_t epoch, struct str checkpoint, size_t *out_count_at)
{
    wr_u8(out, SYNC_FORMAT);
    wr_u16(out, SYNC_SUITE);
    wr_u32(out, epoch);
    wr_blob(out, bytes_from_str(checkpoint));
    *out_count_at = out->len;
    wr_u16(out, 0);
}

void sync_fetched_count_set(struct buf *out, size_t count_at, uint16_t count)
{
    if (buf_err(out) != ERR_OK)
        return;
    must(count_at + 2 <= out->len);
    wr_at(out->at + count_at, count, 2);
}

/* Walks every entry; the objects before the last one hold at most 3 MiB. */
static void entries_read(struct rd *rd, struct sync_fetched *fetched)
{
    const uint8_t *first = rd->at;
    size_t left = rd->left, before_last = 0;
    for (size_t i = 0; i < fetched->count && rd->err == ERR_OK; i++) {
        struct merkle_proof proof;
        if (before_last > LIMIT_CHECKPOINT_BYTES)
            fail(rd, ERR_LIMIT);
        before_last += sync_entry_next(rd).object.len;
        sync_proof_read(rd, &proof);
    }
    fetched->entries = bytes_of(first, left - rd->left);
}

err_t sync_fetched_read(struct bytes wire, struct sync_fetched *out)
{
    struct rd rd = rd_of(wire);
    if (wire.len > LIMIT_SYNC_PAGE_BYTES)
        return ERR_LIMIT;
    if (rd_u8(&rd) != SYNC_FORMAT || rd_u16(&rd) != SYNC_SUITE)
        fail(&rd, ERR_VERSION);
    struct sync_fetched fetched = {.epoch = rd_u32(&rd)};
    fetched.checkpoint = str_from_bytes(rd_blob(&rd, LIMIT_NOTE_BYTES));
    fetched.count = rd_u16(&rd);
    if (fetched.count > LIMIT_FETCH_LEAVES)
        fail(&rd, ERR_LIMIT);
    if (fetched.count == 0 || fetched.checkpoint.len == 0)
        fail(&rd, ERR_INVALID);
    entries_read(&rd, &fetched);
    err_t err = rd_end(&rd);
    if (err == ERR_OK)
        *out = fetched;
    return err;
}

static err_t leaf_check(const struct sync_fetch *asked, uint64_t seq, const struct hash *root, struct rd *rd,
                        struct gate_received *made, struct fault *fault)
{
    struct merkle_proof proof;
    struct sync_entry entry = sync_entry_next(rd);
    sync_proof_read(rd, &proof);
    must(rd->err == ERR_OK); /* sync_fetched_read walked it */
    *made = (struct gate_received) {.hops = 0};
    err_t err = leaf_decode(entry.leaf, &made->leaf);
    if (err != ERR_OK || made->leaf.epoch != asked->epoch || made->leaf.seq != seq)
        return fault_set(fault, ERR_INVALID, 0, "what was fetched is not leaf %llu", (unsigned long long)seq);
    struct hash hash = merkle_leaf(entry.leaf);
    if (merkle_inclusion_verify(&proof, seq, asked->size, &hash, root) != ERR_OK)
        return fault_set(fault, ERR_INVALID, 0,
                         "leaf %llu as fetched does not stand in the ledger that is held",
                         (unsigned long long)seq);
    return sync_entry_check(&entry, false, made, fault);
}

err_t sync_fetched_check(const struct sync_fetch *asked, const struct hash *root, struct bytes body,
                         struct gate_received leaves[LIMIT_FETCH_LEAVES], size_t *out_count,
                         struct fault *fault)
{
    struct sync_fetched fetched;
    err_t err = sync_fetched_read(body, &fetched);
    if (err != ERR_OK)
        return fault_set(fault, err, 0, "the answer to fetch is not well formed");
    if (fetched.epoch != asked->epoch || fetched.count > asked->count)
        return fault_set(fault, ERR_INVALID, 0, "the answer to fetch is not one to this question");
    struct rd rd = rd_of(fetched.entries);
    for (size_t i = 0; i < fetched.count; i++)
        if (TRY(err, leaf_check(asked, asked->leaves[i], root, &rd, &leaves[i], fault)))
            return err;
    *out_count = fetched.count;
    return ERR_OK;
}
