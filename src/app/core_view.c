/* What readers of release views may count on: the marks by which edge knows that a page it keeps is still
 * what core would answer and that an answer under way may go on, and readers who wait until what is decided
 * is signed. */
#include "app/core_state.h"
#include "core/mem.h"

/* --- marks --- */

/* False when the partner's view cannot be asked about. */
static bool look(const struct core_role *role, unsigned partner, struct seen *out)
{
    struct gate_ledger ledger;
    if (gate_ledger(role->gate, partner, &ledger) != ERR_OK)
        return false;
    *out = (struct seen) {.size = ledger.size,
                          .visible = ledger.visible,
                          .policy = ledger.policy,
                          .taken = ledger.taken,
                          .epoch = ledger.origin.epoch,
                          .stopped = ledger.stopped};
    return true;
}

static bool is_same(const struct seen *a, const struct seen *b)
{
    return a->size == b->size && a->visible == b->visible && a->policy == b->policy && a->taken == b->taken &&
           a->epoch == b->epoch && a->stopped == b->stopped;
}

/* Nobody who asked before is told that it is done while an answer of before is still sent. */
static void break_off(struct core_role *role)
{
    if (!core_breaking(role))
        role->breaking_until_us = core_now(role) + LIMIT_BREAK_WAIT_US;
    link_raise(role->edge, MARK_ROUND);
    link_ring(role->edge);
}

void core_views_mark(struct core_role *role)
{
    uint64_t taking = role->taking;
    if (role->edge == NULL)
        return;
    if (role->rights_changed) {
        core_guard_tell(role);
        link_raise(role->edge, MARK_WHO);
    }
    role->rights_changed = false;
    role->taking = 0;
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++) {
        struct seen now = {0};
        if (look(role, i, &now) && is_same(&now, &role->seen[i]))
            continue;
        link_raise(role->edge, MARK_VIEWS + i);
        taking |= (uint64_t)(now.taken != role->seen[i].taken) << i;
        role->seen[i] = now;
    }
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        if (taking >> i & 1)
            link_raise(role->edge, MARK_TAKEN + i);
    if (taking != 0)
        break_off(role);
}

void core_views_take(struct core_role *role, unsigned partner)
{
    role->taking |= UINT64_C(1) << partner;
}

void core_views_stamp(struct core_role *role, struct exchange_response *response)
{
    struct seen now;
    unsigned partner = response->view - 1;
    if (role->edge == NULL || response->view == 0) {
        response->cacheable = false;
        return;
    }
    response->cacheable = response->cacheable && !role->rights_changed && look(role, partner, &now) &&
                          now.visible == now.size && !now.stopped && is_same(&now, &role->seen[partner]);
    response->marks = (struct exchange_marks) {.view = MARK_VIEWS + partner,
                                               .who = link_raised(role->edge, MARK_WHO),
                                               .shown = link_raised(role->edge, MARK_VIEWS + partner),
                                               .taken = link_raised(role->edge, MARK_TAKEN + partner)};
}

/* --- commands that wait until answers under way are broken off --- */

static bool is_broken_off(const struct core_role *role)
{
    return role->edge == NULL || !role->edge_up ||
           link_mark(role->edge, MARK_ROUND) >= link_raised(role->edge, MARK_ROUND);
}

bool core_breaking(const struct core_role *role)
{
    return !is_broken_off(role) && core_now(role) < role->breaking_until_us;
}

void core_breaking_late(const struct core_role *role)
{
    if (!is_broken_off(role))
        diag_say(role->diag, DIAG_WARNING, ERR_TIMEOUT, "core", "restart the node",
                 "edge has not said that answers under way are broken off: some of them may still be sent");
}

/* --- readers who wait --- */

err_t core_read_wait(struct core_role *role, unsigned partner, uint64_t id, struct bytes request)
{
    struct gate_ledger ledger;
    struct waiting_read *wait = mem_alloc(sizeof *wait);
    err_t err;
    if (wait == NULL)
        return ERR_NOMEM;
    buf_init(&wait->request, request.len);
    buf_put(&wait->request, request.at, request.len);
    if (TRY(err, buf_err(&wait->request)) || TRY(err, gate_ledger(role->gate, partner, &ledger))) {
        buf_deinit(&wait->request);
        mem_free(wait);
        return err;
    }
    wait->id = id;
    wait->partner = partner;
    wait->size = ledger.size;
    wait->until_us = core_now(role) + LIMIT_READ_WAIT_US;
    wait->next = role->reads;
    role->reads = wait;
    return ERR_OK;
}

static void free_read(struct waiting_read *wait)
{
    buf_deinit(&wait->request);
    mem_free(wait);
}

static bool is_due(const struct core_role *role, const struct waiting_read *wait)
{
    struct gate_ledger ledger;
    return core_now(role) >= wait->until_us || gate_ledger(role->gate, wait->partner, &ledger) != ERR_OK ||
           ledger.visible >= wait->size;
}

void core_reads_late(struct core_role *role)
{
    struct waiting_read **at = &role->reads;
    while (*at != NULL) {
        struct waiting_read *wait = *at;
        struct exchange_request request;
        if (!is_due(role, wait)) {
            at = &wait->next;
            continue;
        }
        *at = wait->next;
        if (exchange_request_read(buf_bytes(&wait->request), &request) == ERR_OK)
            core_taxii(role, &request);
        free_read(wait);
    }
}

uint64_t core_reads_waiting(const struct core_role *role)
{
    uint64_t mask = 0;
    for (const struct waiting_read *wait = role->reads; wait != NULL; wait = wait->next)
        mask |= UINT64_C(1) << wait->partner;
    return mask;
}

int64_t core_reads_until(const struct core_role *role)
{
    int64_t until_us = INT64_MAX;
    for (const struct waiting_read *wait = role->reads; wait != NULL; wait = wait->next)
        if (wait->until_us < until_us)
            until_us = wait->until_us;
    return until_us;
}

void core_reads_forget(struct core_role *role, uint64_t id)
{
    for (struct waiting_read **at = &role->reads; *at != NULL; at = &(*at)->next) {
        struct waiting_read *wait = *at;
        if (wait->id != id)
            continue;
        *at = wait->next;
        free_read(wait);
        return;
    }
}

void core_reads_close(struct core_role *role)
{
    while (role->reads != NULL)
        core_reads_forget(role, role->reads->id);
}

void core_views_open(struct core_role *role)
{
    /* What a predecessor answered is not vouched for. */
    for (unsigned i = 0; role->edge != NULL && i < OS_CHANNEL_MARKS; i++)
        link_raise(role->edge, i);
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++)
        (void)look(role, i, &role->seen[i]);
    if (role->edge != NULL)
        link_ring(role->edge);
}
