/* Volume budgets: how many leaves, or bytes of objects, a partner gets in a time. The scheduler's business,
 * not deciding's: what the rules and the closure let go waits here, by built-in.budget, and goes on in the
 * order of arrival when the window allows.
 *
 * The account is the partner's own ledger: leaves in it with a time inside the window. So it is as durable as
 * the ledger, and nothing that the partner did not get counts (DESIGN 2.4). Leaves without content (that
 * something is no longer current) are never kept back, and count as leaves. Bytes are counted for all leaves
 * of a DECIDE together: they are microseconds apart. */
#include <stdlib.h>

#include "core/rd.h"
#include "core/wr.h"
#include "gate/deciding.h"

enum { ROW_SIZE = 1 + 1 + 8 };

static struct bytes row_key(unsigned partner, uint64_t lsn, uint8_t out[ROW_SIZE])
{
    out[0] = 'B';
    out[1] = (uint8_t)partner;
    wr_at_u64(out + 2, lsn);
    return bytes_of(out, ROW_SIZE);
}

err_t budget_rows(struct gate *gate, uint64_t lsn, uint64_t before, uint64_t after)
{
    uint8_t key[ROW_SIZE];
    err_t err = ERR_OK;
    for (uint64_t left = before ^ after; left != 0 && err == ERR_OK; left &= left - 1) {
        unsigned p = (unsigned)__builtin_ctzll(left);
        bool waits = after >> p & 1;
        gate->budget_waiting[p] += waits ? 1 : UINT64_MAX;
        struct bytes row = row_key(p, lsn, key);
        err = waits ? store_put(gate->store, TABLE_FACT, row, bytes_of(NULL, 0))
                    : store_delete(gate->store, TABLE_FACT, row);
    }
    return err;
}

/* --- the account --- */

static err_t objects_left(struct gate *gate, unsigned partner, const struct policy_budget *budget,
                          uint64_t used, struct budget_left *left)
{
    int64_t oldest_us;
    uint64_t here = used < budget->objects ? budget->objects - used : 0;
    left->objects = here < left->objects ? here : left->objects;
    if (here > 0)
        return ERR_OK;
    err_t err = view_time(gate, partner, gate->views[partner].tree.edge.size - budget->objects, &oldest_us);
    if (err == ERR_OK && oldest_us + budget->per_us > left->next_us)
        left->next_us = oldest_us + budget->per_us;
    return err;
}

/* `first`: the oldest leaf in the window. */
static err_t bytes_left(struct gate *gate, unsigned partner, const struct policy_budget *budget,
                        uint64_t first, struct budget_left *left)
{
    uint64_t used;
    int64_t oldest_us;
    err_t err = view_bytes_from(gate, partner, first, &used);
    uint64_t here = used < budget->bytes ? budget->bytes - used : 0;
    if (err != ERR_OK)
        return err;
    left->bytes = here < left->bytes ? here : left->bytes;
    if (used == 0)
        return ERR_OK;
    left->fresh = false;
    if (TRY(err, view_time(gate, partner, first, &oldest_us)))
        return err;
    int64_t more_us = oldest_us + budget->per_us;
    left->more_us = more_us < left->more_us ? more_us : left->more_us;
    if (here == 0 && more_us > left->next_us)
        left->next_us = more_us;
    return ERR_OK;
}

err_t budget_left(struct gate *gate, unsigned partner, int64_t now_us, struct budget_left *out)
{
    struct budget_left left = {
        .objects = UINT64_MAX, .bytes = UINT64_MAX, .fresh = true, .next_us = now_us, .more_us = INT64_MAX};
    for (unsigned i = 0; gate->policy != NULL && i < policy_budget_count(gate->policy); i++) {
        struct policy_budget budget = policy_budget_get(gate->policy, i);
        uint64_t used;
        err_t err;
        if ((budget.partners >> partner & 1) == 0)
            continue;
        if (TRY(err, view_since(gate, partner, now_us - budget.per_us, &used)))
            return err;
        err = budget.bytes == 0
                  ? objects_left(gate, partner, &budget, used, &left)
                  : bytes_left(gate, partner, &budget, gate->views[partner].tree.edge.size - used, &left);
        if (err != ERR_OK)
            return err;
    }
    *out = left;
    return ERR_OK;
}

/* --- cutting a set --- */

/* What he has minted waits for nothing: the queue would bring it back each time and find nothing to do. Made
 * anew under another policy it goes beyond the budget, and counts for what comes after. */
static bool wants(const struct candidate *c, uint64_t bit)
{
    return (c->would_go & ~(c->state.released | c->state.minted) & bit) != 0;
}

/* Takes one object of this size from what is left; false: it does not fit, and nothing behind it goes. */
static bool take(struct budget_left *left, uint64_t size)
{
    if (left->objects == 0 || (size > left->bytes && !left->fresh)) {
        left->objects = 0;
        return false;
    }
    left->objects -= left->objects != UINT64_MAX;
    if (left->bytes != UINT64_MAX) {
        left->bytes = size < left->bytes ? left->bytes - size : 0;
        left->fresh = false;
    }
    return true;
}

/* Beyond what is left, in the order of the leaves, nothing goes to this partner. What is `unfit` takes
 * nothing. */
static void cut_partner(struct deciding *d, const uint32_t *order, unsigned partner, struct budget_left left)
{
    uint64_t bit = UINT64_C(1) << partner;
    for (size_t i = 0; i < d->count; i++) {
        struct candidate *c = &d->at[order[i]];
        c->over &= ~bit;
        if (wants(c, bit) && ((c->unfit & bit) != 0 || !take(&left, c->size)))
            c->over |= bit;
    }
}

/* What has its place and does not go all the same: it goes together with more than what is left. Its place is
 * another's, or whoever brings such a group would stop all that comes behind it. */
static bool give_up(struct deciding *d, uint64_t limited)
{
    bool any = false;
    for (size_t i = 0; i < d->count; i++) {
        struct candidate *c = &d->at[i];
        uint64_t without = c->would_go & limited & ~(c->state.released | c->state.minted) & ~c->over &
                           ~c->member.release & ~c->unfit;
        c->unfit |= without;
        any |= without != 0;
    }
    return any;
}

/* Older ones that wait go first. */
static bool may_go(const struct deciding *d, unsigned partner)
{
    return d->gate->budget_waiting[partner] == 0 || (d->from_queue >> partner & 1) != 0;
}

/* `limited`: partners with something left, or nothing, of a budget. */
static err_t cut_all(struct deciding *d, const uint32_t *order, uint64_t *out_limited)
{
    *out_limited = 0;
    for (unsigned p = 0; p < d->gate->peer_count; p++) {
        struct budget_left left;
        err_t err;
        if ((d->partners >> p & 1) == 0)
            continue;
        if (TRY(err, budget_left(d->gate, p, d->now_us, &left)))
            return err;
        if (left.objects == UINT64_MAX && left.bytes == UINT64_MAX)
            continue;
        if (!may_go(d, p))
            left.objects = 0;
        cut_partner(d, order, p, left);
        *out_limited |= UINT64_C(1) << p;
    }
    return ERR_OK;
}

/* The closure without what is over. */
static err_t solve_without(struct deciding *d)
{
    bool any = false;
    for (size_t i = 0; i < d->count; i++) {
        struct candidate *c = &d->at[i];
        any |= c->over != 0 || c->member.release != c->would_go;
        c->member.base = c->may_base & ~c->over;
        c->member.on_demand = c->may_demand & ~c->over;
    }
    return any ? set_solve(d) : ERR_OK;
}

err_t budget_cut(struct deciding *d, const uint32_t *order)
{
    uint64_t limited = 0;
    err_t err = ERR_OK;
    if (policy_budget_count(d->policy) == 0)
        return ERR_OK;
    for (size_t i = 0; i < d->count; i++) {
        struct candidate *c = &d->at[i];
        c->would_go = c->member.release;
        c->may_base = c->member.base;
        c->may_demand = c->member.on_demand;
    }
    for (unsigned round = 0; round < LIMIT_BUDGET_ROUNDS; round++)
        if (TRY(err, cut_all(d, order, &limited)) || TRY(err, solve_without(d)) || !give_up(d, limited))
            break;
    for (size_t i = 0; err == ERR_OK && i < d->count; i++)
        verdict_hold(&d->at[i].verdict, d->at[i].over, POLICY_RULE_BUDGET);
    return err;
}

/* --- going on --- */

static err_t queued(struct gate *gate, unsigned partner, size_t most, uint64_t *out, size_t *out_count)
{
    uint8_t prefix[2] = {'B', (uint8_t)partner};
    struct store_scan *scan;
    struct bytes key, value;
    *out_count = 0;
    err_t err =
        store_scan_open(gate->store, TABLE_FACT, bytes_of(prefix, sizeof prefix), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while (*out_count < most && (err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct rd rd = rd_of(bytes_of(key.at + 2, key.len - 2));
        out[(*out_count)++] = rd_u64(&rd);
    }
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* As many of the oldest as may go now. All of a page are asked: of the oldest, some may not go before others.
 */
static err_t step_partner(struct gate *gate, unsigned partner, int64_t now_us)
{
    struct deciding d;
    uint64_t page[LIMIT_STEP_OBJECTS];
    size_t count;
    err_t err = queued(gate, partner, LIMIT_STEP_OBJECTS, page, &count);
    if (err != ERR_OK)
        return err;
    err = set_begin(&d, gate, now_us, UINT64_C(1) << partner);
    d.from_queue = UINT64_C(1) << partner;
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = set_ask(&d, page[i]);
    if (err == ERR_OK)
        err = set_conclude(&d, gate->decided_lsn, NULL, 0);
    set_end(&d);
    return err;
}

err_t step_budget(struct gate *gate, int64_t now_us, bool *out_did, int64_t *out_next_us)
{
    uint64_t started = partners_started(gate);
    *out_did = false;
    *out_next_us = INT64_MAX;
    for (unsigned p = 0; p < gate->peer_count && !*out_did; p++) {
        uint64_t before = gate->budget_waiting[p], had = gate->views[p].tree.edge.size;
        struct budget_left left;
        err_t err;
        if (before == 0 || (started >> p & 1) == 0)
            continue;
        if (TRY(err, budget_left(gate, p, now_us, &left)))
            return err;
        int64_t next_us = left.next_us > gate->budget_retry_us[p] ? left.next_us : gate->budget_retry_us[p];
        if (next_us > now_us || left.objects == 0 || left.bytes == 0) {
            *out_next_us = next_us < *out_next_us ? next_us : *out_next_us;
            continue;
        }
        if (TRY(err, step_partner(gate, p, now_us)))
            return err;
        /* One that waits for another leaves the queue, and is in it again when the other is asked: where
         * nothing goes, that is no step forward. */
        *out_did = gate->budget_waiting[p] < before || gate->views[p].tree.edge.size != had;
        /* What goes together is more than what is left: when more is left. */
        int64_t retry_us = now_us + LIMIT_BUDGET_RETRY_US;
        if (left.more_us != INT64_MAX && left.more_us > retry_us)
            retry_us = left.more_us;
        gate->budget_retry_us[p] = *out_did ? 0 : retry_us;
        if (!*out_did && gate->budget_retry_us[p] < *out_next_us)
            *out_next_us = gate->budget_retry_us[p];
    }
    return ERR_OK;
}
