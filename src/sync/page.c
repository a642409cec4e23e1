#include "sync/page.h"

#include "core/mem.h"
#include "json/json.h"

enum { PADDING = JSON_PADDING }; /* readable bytes behind an object that the gate parses */

void sync_checked_deinit(struct sync_checked *checked)
{
    if (checked == NULL)
        return;
    buf_deinit(&checked->body);
    mem_free(checked->leaves);
    *checked = (struct sync_checked) {.count = 0};
}

err_t sync_checkpoint_open(const struct sync_followed *followed, struct str whole, struct checkpoint *out,
                           bool *out_by_next, struct fault *fault)
{
    err_t err = checkpoint_open(whole, followed->origin, followed->key, out, NULL, fault);
    *out_by_next = err != ERR_OK && followed->next != NULL &&
                   checkpoint_open(whole, followed->origin, followed->next, out, NULL, NULL) == ERR_OK;
    return *out_by_next ? ERR_OK : err;
}

/* Steps 2 and 3: signature, then consistency with the tip by the issuer's own proof. */
static err_t checkpoint_check(const struct sync_followed *followed, const struct sync_tip *tip,
                              const struct sync_page *page, struct checkpoint *out, bool *out_by_next,
                              struct fault *fault)
{
    err_t err = sync_checkpoint_open(followed, page->checkpoint, out, out_by_next, fault);
    if (err != ERR_OK)
        return err;
    if (out->size != page->from + page->count)
        return fault_set(fault, ERR_INVALID, 0, "the page does not end at its checkpoint");
    if (page->from < tip->edge.size)
        return ERR_OK; /* its proof is for a size that we passed: the root decides */
    struct hash root = merkle_edge_root(&tip->edge);
    if (merkle_consistency_verify(&page->proof, page->from, out->size, &root, &out->root) != ERR_OK)
        return fault_set(
            fault, ERR_PROOF, 0,
            "the issuer signed a checkpoint of %llu leaves that does not contain the %llu we hold",
            (unsigned long long)out->size, (unsigned long long)page->from);
    return ERR_OK;
}

/* The limits are those that the leaf commits to. */
static err_t limits_check(const struct sync_entry *entry, struct gate_received *made, struct fault *fault)
{
    if (entry->beside.limits.text.len == 0)
        return ERR_OK;
    struct hash salt = ledger_limited_salt(&entry->beside.limits.salt, entry->beside.limits.text);
    if (!hash_eq(&salt, &made->opening.salt))
        return fault_set(fault, ERR_INVALID, 0, "the limits of leaf %llu are not those that it was made with",
                         (unsigned long long)made->leaf.seq);
    made->limits = entry->beside.limits.text;
    return ERR_OK;
}

err_t sync_entry_check(const struct sync_entry *entry, bool urgent, struct gate_received *made,
                       struct fault *fault)
{
    unsigned long long seq = made->leaf.seq;
    if (entry->parts == 0) { /* its issuer gives the content no more: nothing to take over */
        made->withheld = true;
        return ERR_OK;
    }
    err_t err = leaf_opening_decode(entry->opening, &made->opening);
    if (err == ERR_OK)
        err = leaf_opening_verify(&made->leaf, &made->opening, urgent);
    if (err != ERR_OK) /* ERR_PROOF is reserved: this page is wrong, the issuer's history is not */
        return fault_set(fault, ERR_INVALID, 0, "the opening of leaf %llu does not open it", seq);
    static const struct hash none;
    if (hash_eq(&made->opening.content, &none) != (entry->object.len == 0))
        return fault_set(fault, ERR_INVALID, 0, "leaf %llu came without its object, or with one too many",
                         seq);
    if (entry->object.len == 0 && entry->beside.limits.text.len > 0 && made->leaf.op != LEAF_NARROW)
        return fault_set(fault, ERR_INVALID, 0, "leaf %llu comes with limits, and narrows nothing", seq);
    if (entry->object.len == 0)
        return limits_check(entry, made, fault);
    struct hash content = hash_sha256(entry->object);
    if (!hash_eq(&content, &made->opening.content))
        return fault_set(fault, ERR_INVALID, 0, "the object of leaf %llu is not the one that was released",
                         seq);
    made->object = entry->object;
    made->hops = entry->beside.hops;
    made->trail = entry->beside.trail;
    made->voucher = (struct gate_voucher) {.wire = entry->beside.voucher, .state = GATE_VOUCHED_UNKNOWN};
    return limits_check(entry, made, fault);
}

/* Steps 4 and 5 for one entry, and the leaf's hash onto the tip. */
static err_t entry_check(const struct sync_followed *followed, struct sync_tip *tip,
                         const struct sync_entry *entry, struct gate_received *made, struct fault *fault)
{
    unsigned long long seq = tip->edge.size;
    *made = (struct gate_received) {.hops = 0};
    err_t err = leaf_decode(entry->leaf, &made->leaf);
    if (err != ERR_OK)
        return fault_set(fault, err, 0, "leaf %llu is not one", seq);
    if (made->leaf.epoch != followed->epoch || made->leaf.seq != seq)
        return fault_set(fault, ERR_INVALID, 0, "leaf %llu stands in another place than it says", seq);
    if (made->leaf.time_us <= tip->time_us)
        return fault_set(fault, ERR_INVALID, 0, "leaf %llu is not later than the one before", seq);
    if (followed->urgent && made->leaf.op != LEAF_RECALL)
        return fault_set(fault, ERR_INVALID, 0, "leaf %llu of the urgent ledger is no recall", seq);
    if (TRY(err, sync_entry_check(entry, followed->urgent, made, fault)))
        return err;
    struct hash hash = merkle_leaf(entry->leaf);
    merkle_edge_append(&tip->edge, &hash);
    tip->time_us = made->leaf.time_us;
    return ERR_OK;
}

static err_t entries_check(const struct sync_followed *followed, const struct sync_page *page,
                           struct sync_tip *tip, struct gate_received *leaves, struct fault *fault)
{
    struct rd rd = rd_of(page->entries);
    const uint8_t *end = (const uint8_t *)page->checkpoint.at + page->checkpoint.len;
    uint64_t held = tip->edge.size - page->from;
    for (uint32_t i = 0; i < page->count; i++) {
        struct sync_entry entry = sync_entry_next(&rd);
        must(rd.err == ERR_OK); /* sync_page_read walked it */
        if (i < held)
            continue;
        err_t err = entry_check(followed, tip, &entry, &leaves[i - held], fault);
        if (err != ERR_OK)
            return err;
        /* A verified checkpoint is longer than the padding, and stands behind every object. */
        must(entry.object.len == 0 || (size_t)(end - (entry.object.at + entry.object.len)) >= PADDING);
    }
    return ERR_OK;
}

err_t sync_page_check(const struct sync_followed *followed, struct sync_tip *tip, struct buf *body,
                      struct sync_checked *out, struct fault *fault)
{
    struct sync_page page;
    struct checkpoint checkpoint;
    struct sync_tip grown = *tip;
    struct gate_received *leaves = NULL;
    bool by_next = false;
    err_t err;
    if (TRY(err, sync_page_read(buf_bytes(body), &page, fault)))
        return err;
    uint64_t held = page.from < tip->edge.size ? tip->edge.size - page.from : 0;
    if (page.epoch != followed->epoch || page.from > tip->edge.size ||
        (held > 0 && (!followed->overlap || held >= page.count)))
        return fault_set(fault, ERR_INVALID, 0, "the page is not the one that was asked for");
    if (page.count > 0) {
        if (TRY(err, checkpoint_check(followed, tip, &page, &checkpoint, &by_next, fault)))
            return err;
        leaves = mem_alloc_array(page.count, sizeof *leaves);
        if (leaves == NULL)
            return fault_set(fault, ERR_NOMEM, 0, "no memory for a page");
        if (TRY(err, entries_check(followed, &page, &grown, leaves, fault)))
            goto fail;
        struct hash root = merkle_edge_root(&grown.edge);
        if (!hash_eq(&root, &checkpoint.root)) {
            err = fault_set(fault, ERR_INVALID, 0, "the leaves of the page are not those of its checkpoint");
            goto fail;
        }
    }
    *tip = grown;
    *out = (struct sync_checked) {*body,           leaves,     page.count - (size_t)held,
                                  page.checkpoint, grown.edge, by_next};
    *body = (struct buf) {.size_max = body->size_max};
    return ERR_OK;
fail:
    mem_free(leaves);
    return err;
}
