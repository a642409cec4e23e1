#include "sync/evidence.h"

#include "core/wr.h"

enum { VERSIONS_MAX = 4096 };

struct writing {
    struct buf *out;
    bool over;    /* those that were taken back, and no others */
    bool objects; /* with what one of them commits to; then no more */
    unsigned left, count;
    uint64_t first;
};

static bool put(void *ctx, const struct gate_leaf *leaf)
{
    struct writing *writing = ctx;
    uint8_t wire[LEAF_SIZE + LEAF_OPENING_SIZE];
    if (leaf->withheld != writing->over)
        return true;
    struct bytes object = writing->objects ? leaf->object : bytes_of(NULL, 0);
    leaf_encode(&leaf->leaf, wire);
    leaf_opening_encode(&leaf->opening, wire + LEAF_SIZE);
    wr_bytes(writing->out, bytes_of(wire, sizeof wire));
    wr_blob(writing->out, object);
    writing->objects = writing->objects && object.len == 0;
    writing->first = leaf->leaf.seq < writing->first ? leaf->leaf.seq : writing->first;
    writing->count++;
    return --writing->left > 0;
}

static err_t why_not(struct gate *gate, unsigned partner, const struct stix_key *key, enum sync_held *out)
{
    struct gate_reach reach;
    err_t err = gate_reach(gate, key, &reach);
    if (err != ERR_OK)
        return err;
    *out = ((reach.given | reach.gone) >> partner & 1) != 0 ? SYNC_HELD_GIVEN
           : (reach.released >> partner & 1) != 0           ? SYNC_HELD_SOON
           : reach.held                                     ? SYNC_HELD_WITHHELD
                                                            : SYNC_HELD_NOTHING;
    return ERR_OK;
}

err_t sync_evidence(struct gate *gate, unsigned partner, struct str id, unsigned run,
                    enum sync_held *out_held, struct buf *out)
{
    struct writing writing = {.out = out, .objects = true, .left = VERSIONS_MAX, .first = UINT64_MAX};
    struct stix_key key;
    err_t err;
    *out_held = SYNC_HELD_NOTHING;
    if (!stix_id_parse(id, &key))
        return ERR_OK;
    for (unsigned over = 0; over <= 1 && writing.count == 0; over++) {
        writing.over = over != 0;
        if (TRY(err, gate_leaves_of(gate, partner, &key, put, &writing)) && err != ERR_NOTFOUND)
            return err;
    }
    if (writing.count == 0)
        return why_not(gate, partner, &key, out_held);
    *out_held = writing.over ? SYNC_HELD_OVER : SYNC_HELD_RELEASED;
    writing.objects = false;
    writing.left = run;
    return run == 0 || writing.over ? ERR_OK : gate_leaves(gate, partner, writing.first + 1, put, &writing);
}
