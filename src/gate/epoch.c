#include "gate/epoch.h"

#include "gate/mint.h"

uint64_t epoch_before(const struct gate *gate, uint64_t decide_lsn)
{
    uint64_t before = 0;
    for (uint64_t left = gate->epochs; left != 0; left &= left - 1) {
        unsigned p = (unsigned)__builtin_ctzll(left);
        before |= decide_lsn < gate->peers[p].epoch_lsn ? UINT64_C(1) << p : 0;
    }
    return before;
}

err_t epoch_begin(struct gate *gate, unsigned partner)
{
    err_t err;
    gate->epochs |= UINT64_C(1) << partner;
    if (TRY(err, view_renew(gate, partner)) || TRY(err, view_renew(gate, gate_urgent(partner))) ||
        TRY(err, mint_end_all(gate, partner)))
        return err;
    views_take(gate, UINT64_C(1) << partner);
    return tallies_again(gate);
}

err_t gate_peer_epoch(struct gate *gate, unsigned partner, uint32_t epoch, const struct gate_by *by,
                      int64_t now_us)
{
    const struct gate_peer *held = gate_peer_get(gate, partner);
    err_t err;
    if (held == NULL || held->state == GATE_PEER_REMOVED)
        return ERR_NOTFOUND;
    if (by->because.len == 0)
        return ERR_USAGE;
    if (epoch <= held->epoch)
        return ERR_EXISTS;
    if (epoch > LIMIT_EPOCH)
        return ERR_LIMIT;
    struct gate_peer peer = *held;
    /* Nothing may be half decided when the ledger changes. */
    if ((gate->group_open && TRY(err, gate_commit(gate))) || TRY(err, gate_group(gate)))
        return err;
    peer.epoch = epoch;
    peer.epoch_lsn = store_end_lsn(gate->store);
    if (TRY(err, peer_state(gate, &peer, by, now_us)) || peer.state != GATE_PEER_STARTED)
        return err;
    return peer_history(gate, &peer, by, now_us);
}
