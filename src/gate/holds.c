/* What waits for people: since when, by which rule, until when. A state knows it for each partner (the
 * deadline counts from there); rows in the order of time make the queue that people read. Both follow from
 * the DECIDEs alone. */
#include "core/rd.h"
#include "core/wr.h"
#include "gate/approval.h"
#include "gate/state.h"

enum { ROW_SIZE = 1 + 1 + 8 + 8 };

static struct bytes row_key(unsigned partner, int64_t since_us, uint64_t lsn, uint8_t out[ROW_SIZE])
{
    out[0] = 'H';
    out[1] = (uint8_t)partner;
    wr_at_u64(out + 2, (uint64_t)since_us ^ UINT64_C(1) << 63);
    wr_at_u64(out + 10, lsn);
    return bytes_of(out, ROW_SIZE);
}

static err_t row_set(struct gate *gate, const struct state_wait *wait, uint64_t lsn, bool there)
{
    uint8_t key[ROW_SIZE];
    struct bytes row = row_key(wait->partner, wait->since_us, lsn, key);
    gate->waiting[wait->partner] += there ? 1 : UINT64_MAX;
    return there ? store_put(gate->store, TABLE_FACT, row, bytes_of(NULL, 0))
                 : store_delete(gate->store, TABLE_FACT, row);
}

static struct state_wait *wait_of(struct state *state, unsigned partner)
{
    for (size_t i = 0; i < state->wait_count; i++)
        if (state->waits[i].partner == partner)
            return &state->waits[i];
    return NULL;
}

/* The partner waits by `rule`: since before when it did so already. */
static err_t wait_on(struct gate *gate, uint64_t lsn, struct state *state, const struct waits_now *now,
                     unsigned partner)
{
    struct state_wait *wait = wait_of(state, partner);
    bool held = now->held >> partner & 1;
    err_t err = ERR_OK;
    if (wait == NULL) {
        must(state->wait_count < LIMIT_PARTNERS);
        wait = &state->waits[state->wait_count++];
        *wait = (struct state_wait) {(uint8_t)partner, now->rule[partner], now->now_us, false};
    }
    if (wait->rule != now->rule[partner]) {
        if (wait->queued && TRY(err, row_set(gate, wait, lsn, false)))
            return err;
        *wait = (struct state_wait) {(uint8_t)partner, now->rule[partner], now->now_us, false};
    }
    if (wait->queued != held)
        err = row_set(gate, wait, lsn, held);
    wait->queued = held;
    return err;
}

/* Its hour has come, and the rule lets it go: also where something else keeps it still, a budget or what it
 * translates. */
static bool has_lapsed(const struct gate *gate, const struct state_wait *wait, int64_t now_us)
{
    struct policy_people people;
    int rule = gate->policy == NULL || wait->rule >= gate->name_count
                   ? -1
                   : policy_rule_find(gate->policy, gate->names[wait->rule]);
    return rule >= 0 && policy_rule_people(gate->policy, (unsigned)rule, &people) &&
           people.deadline_us != 0 && people.lapse == POLICY_LAPSE_RELEASE &&
           now_us - wait->since_us >= people.deadline_us;
}

/* Somebody decided, or something else binds. What was let go at its deadline stays known: it would begin
 * anew. */
static err_t wait_over(struct gate *gate, uint64_t lsn, struct state *state, struct state_wait *wait,
                       bool keep)
{
    err_t err = wait->queued ? row_set(gate, wait, lsn, false) : ERR_OK;
    wait->queued = false;
    if (!keep)
        *wait = state->waits[--state->wait_count];
    return err;
}

err_t waits_apply(struct gate *gate, uint64_t lsn, struct state *state, const struct waits_now *now)
{
    err_t err = ERR_OK;
    gate->waiting_objects -= state->wait_count > 0;
    for (size_t i = state->wait_count; err == ERR_OK && i-- > 0;) {
        uint64_t bit = UINT64_C(1) << state->waits[i].partner;
        if ((now->decided & ~now->people & bit) != 0)
            err = wait_over(gate, lsn, state, &state->waits[i],
                            (now->released & bit) != 0 || has_lapsed(gate, &state->waits[i], now->now_us));
    }
    for (uint64_t left = now->people & now->decided; err == ERR_OK && left != 0; left &= left - 1)
        err = wait_on(gate, lsn, state, now, (unsigned)__builtin_ctzll(left));
    gate->waiting_objects += state->wait_count > 0;
    return err;
}

err_t waits_retire(struct gate *gate, uint64_t lsn, struct state *state)
{
    err_t err = ERR_OK;
    gate->waiting_objects -= state->wait_count > 0;
    while (err == ERR_OK && state->wait_count > 0)
        err = wait_over(gate, lsn, state, &state->waits[state->wait_count - 1], false);
    return err;
}

err_t waits_load(struct gate *gate, uint64_t lsn, struct arena *arena, struct policy_facts *facts)
{
    struct state state;
    if (gate->waiting_objects == 0)
        return ERR_OK;
    err_t err = state_load(gate, lsn, &state);
    if (err != ERR_OK || state.wait_count == 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct policy_wait *waits = arena_alloc(arena, state.wait_count * sizeof *waits);
    if (waits == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < state.wait_count; i++) {
        if (state.waits[i].rule >= gate->name_count)
            return ERR_CORRUPT;
        waits[i] = (struct policy_wait) {state.waits[i].partner, gate->names[state.waits[i].rule],
                                         state.waits[i].since_us};
    }
    facts->waits = waits;
    facts->wait_count = state.wait_count;
    return ERR_OK;
}

static bool is_reminded(const struct gate *gate, const struct state_wait *wait, int64_t now_us)
{
    struct policy_people people;
    if (!wait->queued || wait->rule >= gate->name_count)
        return false;
    int rule = policy_rule_find(gate->policy, gate->names[wait->rule]);
    return rule >= 0 && policy_rule_people(gate->policy, (unsigned)rule, &people) && people.remind_us != 0 &&
           now_us >= wait->since_us + people.remind_us;
}

void waits_remind(struct gate *gate, const uint64_t *lsns, size_t count, int64_t now_us)
{
    size_t late = 0;
    for (size_t i = 0; i < count && gate->waiting_objects > 0; i++) {
        struct state state;
        if (state_load(gate, lsns[i], &state) != ERR_OK)
            continue;
        for (size_t k = 0; k < state.wait_count; k++)
            late += is_reminded(gate, &state.waits[k], now_us);
    }
    if (late > 0)
        diag_say(gate->diag, DIAG_NOTICE, ERR_OK, "gate", "bongsu holds list",
                 "%zu objects wait for a person, and nobody has decided since their reminder", late);
}

/* --- the queue as people read it --- */

static err_t show(struct gate *gate, unsigned partner, int64_t since_us, uint64_t lsn, struct gate_hold *out)
{
    struct subject subject;
    struct state state;
    struct asking asking = {.people = {.approvals = 0}};
    struct policy_people *people = &asking.people;
    err_t err;
    arena_reset(&gate->step_arena);
    if (TRY(err, state_load(gate, lsn, &state)) ||
        TRY(err, subject_load(gate, lsn, &gate->step_arena, &subject)))
        return err;
    const struct state_wait *wait = wait_of(&state, partner);
    if (wait == NULL || wait->rule >= gate->name_count)
        return ERR_CORRUPT;
    *out = (struct gate_hold) {.partner = partner,
                               .lsn = lsn,
                               .since_us = since_us,
                               .rule = gate->names[wait->rule],
                               .id = subject.object.id,
                               .type = subject.object.type_name,
                               .version = subject.object.version,
                               .approvers = STR("")};
    int rule = gate->policy == NULL ? -1 : policy_rule_find(gate->policy, out->rule);
    if (rule < 0 || !policy_rule_people(gate->policy, (unsigned)rule, people))
        return ERR_OK;
    struct policy_facts facts = {.safety = subject.safety};
    asking.asked = policy_rule_asks(gate->policy, (unsigned)rule, &facts);
    out->approvals = people->approvals;
    out->basis = people->basis;
    out->deadline_us = people->deadline_us == 0 ? 0 : since_us + people->deadline_us;
    out->remind_us = people->remind_us == 0 ? 0 : since_us + people->remind_us;
    out->lapse = people->lapse;
    return approvals_so_far(gate, &subject.object.key, lsn, partner, &asking, &gate->step_arena,
                            &out->approved, &out->approvers);
}

err_t gate_holds(struct gate *gate, unsigned partner, const struct gate_hold *after,
                 bool (*visit)(void *ctx, const struct gate_hold *hold), void *ctx)
{
    uint8_t prefix[2] = {'H', (uint8_t)partner}, start[ROW_SIZE];
    int64_t since_us = after == NULL ? INT64_MIN : after->since_us;
    uint64_t lsn = after == NULL ? 0 : after->lsn + 1;
    bool more = true;
    while (more) {
        struct store_scan *scan;
        struct bytes key, value;
        struct gate_hold hold;
        err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of(prefix, sizeof prefix),
                                    row_key(partner, since_us, lsn, start), &scan);
        if (err != ERR_OK)
            return err;
        err = store_scan_next(scan, &key, &value);
        struct rd rd = err == ERR_OK ? rd_of(bytes_of(key.at + 2, key.len - 2)) : rd_of(bytes_of(NULL, 0));
        since_us = (int64_t)(rd_u64(&rd) ^ UINT64_C(1) << 63);
        lsn = rd_u64(&rd);
        store_scan_close(scan);
        if (err == ERR_OK)
            err = show(gate, partner, since_us, lsn, &hold);
        if (err == ERR_OK)
            more = visit(ctx, &hold);
        else if (err != ERR_NOTFOUND ||
                 rd.err != ERR_OK) /* ...but one whose secret was destroyed is passed */
            return err == ERR_NOTFOUND ? ERR_OK : err;
        store_view_end(gate->store);
        lsn++;
    }
    return ERR_OK;
}

err_t gate_hold_find(struct gate *gate, unsigned partner, uint64_t lsn, struct gate_hold *out)
{
    struct state state;
    err_t err = state_load(gate, lsn, &state);
    if (err != ERR_OK)
        return err;
    const struct state_wait *wait = wait_of(&state, partner);
    if (wait == NULL || !wait->queued)
        return ERR_NOTFOUND;
    err = show(gate, partner, wait->since_us, lsn, out);
    store_view_end(gate->store);
    return err;
}

uint64_t gate_holds_count(const struct gate *gate, unsigned partner)
{
    return partner < gate->peer_count ? gate->waiting[partner] : 0;
}
