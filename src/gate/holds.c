/* What is held. What waits for people: since when, by which rule, until when; a state knows it for each
 * partner (the deadline counts from there), and rows in the order of time make the queue that people read.
 * The rest of the queue is read from the states. All follows from the DECIDEs alone. */
#include "core/rd.h"
#include "core/wr.h"
#include "gate/approval.h"
#include "gate/query.h"
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

/* The one that stands in the queue. */
static struct state_wait *wait_of(struct state *state, unsigned partner)
{
    for (size_t i = 0; i < state->wait_count; i++)
        if (state->waits[i].partner == partner && state->waits[i].queued)
            return &state->waits[i];
    return NULL;
}

static struct state_wait *wait_by(struct state *state, unsigned partner, uint16_t rule)
{
    for (size_t i = 0; i < state->wait_count; i++)
        if (state->waits[i].partner == partner && state->waits[i].rule == rule)
            return &state->waits[i];
    return NULL;
}

/* Its hour has come, and the rule lets it go: also where something else keeps it still, another hold, a
 * budget or what it translates. */
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

/* A new one. Where there is no room, one of his deadlines that have passed gives way, or else anybody's. */
static struct state_wait *wait_new(struct state *state, unsigned partner)
{
    if (state->wait_count < STATE_WAITS_MAX)
        return &state->waits[state->wait_count++];
    struct state_wait *last = NULL;
    for (size_t i = 0; i < state->wait_count; i++)
        if (!state->waits[i].queued && (last == NULL || state->waits[i].partner == partner))
            last = &state->waits[i];
    must(last != NULL); /* one a partner is queued, and there is room for two */
    return last;
}

/* The partner waits by its rule: since before when it did so already. What other rules began is over, but for
 * what their deadlines let go. */
static err_t wait_on(struct gate *gate, uint64_t lsn, struct state *state, const struct waits_now *now,
                     unsigned partner)
{
    bool held = now->held >> partner & 1;
    for (size_t i = state->wait_count; i-- > 0;) {
        struct state_wait *other = &state->waits[i];
        if (other->partner != partner || other->rule == now->rule[partner])
            continue;
        err_t err = wait_over(gate, lsn, state, other, has_lapsed(gate, other, now->now_us));
        if (err != ERR_OK)
            return err;
    }
    struct state_wait *wait = wait_by(state, partner, now->rule[partner]);
    if (wait == NULL) {
        wait = wait_new(state, partner);
        *wait = (struct state_wait) {now->now_us, now->rule[partner], (uint8_t)partner, false};
    }
    err_t err = wait->queued != held ? row_set(gate, wait, lsn, held) : ERR_OK;
    wait->queued = held;
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

/* --- what lets it go --- */

/* The agreement with him that ended last. */
static struct str ended_agreement(const struct policy *policy, unsigned partner)
{
    struct policy_agreement last = {.name = STR("")}, one;
    for (unsigned i = 0; i < policy_agreement_count(policy); i++) {
        policy_agreement(policy, i, &one);
        if ((one.partners >> partner & 1) && (last.name.len == 0 || one.until_us > last.until_us))
            last = one;
    }
    return last.name;
}

bool gate_agreement_over(const struct gate *gate, unsigned partner, int64_t now_us)
{
    struct policy_agreement one;
    int64_t until_us = INT64_MIN;
    for (unsigned i = 0; gate->policy != NULL && i < policy_agreement_count(gate->policy); i++) {
        policy_agreement(gate->policy, i, &one);
        if ((one.partners >> partner & 1) && one.until_us > until_us)
            until_us = one.until_us;
    }
    return until_us != INT64_MIN && until_us <= now_us;
}

/* Whatever the rule is called: an object whose marking nobody can judge waits for that first. */
static err_t marking_remedy(struct gate *gate, const struct subject *subject, int64_t now_us,
                            struct gate_hold *hold)
{
    struct marking_reading reading;
    struct str *ids;
    err_t err = subject_ids(subject, &gate->step_arena, &ids);
    for (size_t i = 0; err == ERR_OK && i < subject->object.ref_count; i++) {
        const struct stix_ref *ref = &subject->object.refs[i];
        if (ref->role != STIX_REF_MARKING && ref->role != STIX_REF_GRANULAR_MARKING)
            continue;
        err = marking_judge(gate, gate->policy, &ref->key, subject->envelope.source, now_us,
                            &gate->step_arena, &reading);
        bool classify = err == ERR_OK && reading.state == POLICY_MARKING_STATEMENT;
        bool arrive = err == ERR_OK && reading.state == POLICY_MARKING_UNRESOLVED;
        if (classify || (arrive && hold->about.len == 0)) {
            hold->remedy = classify ? GATE_REMEDY_CLASSIFY : GATE_REMEDY_ARRIVE;
            hold->about = ids[i];
        }
        if (classify)
            break;
    }
    return err;
}

static err_t find_remedy(struct gate *gate, const struct subject *subject, int rule, int64_t now_us,
                         struct gate_hold *hold)
{
    struct gate_asked asked = {.rule = STR("")};
    bool releases = policy_rule_effect(gate->policy, (unsigned)rule) == POLICY_RELEASE;
    hold->remedy = GATE_REMEDY_RULE;
    hold->about = STR("");
    if (rule == POLICY_RULE_AGREEMENT) {
        hold->remedy = GATE_REMEDY_RENEW;
        hold->about = ended_agreement(gate->policy, hold->partner);
        return ERR_OK;
    }
    if (!releases && rule != POLICY_RULE_DUTIES)
        return marking_remedy(gate, subject, now_us, hold);
    err_t err = approval_asked(gate, subject->lsn, hold->partner, now_us, &gate->step_arena, &asked);
    if (err != ERR_OK)
        return err;
    if (str_eq(asked.rule, hold->rule))
        hold->remedy = releases ? GATE_REMEDY_TIME : GATE_REMEDY_APPROVE;
    else if (releases)
        hold->remedy = gate->stop_count > 0 ? GATE_REMEDY_LIFT : GATE_REMEDY_NEWER;
    return ERR_OK;
}

/* --- the queue as people read it --- */

static err_t put_people(struct gate *gate, const struct subject *subject, int rule, int64_t now_us,
                        struct gate_hold *out)
{
    struct asking asking = {.people = {.approvals = 0}};
    const struct policy_people *people = &asking.people;
    struct policy_facts facts = {.safety = subject->safety};
    if (!policy_rule_people(gate->policy, (unsigned)rule, &asking.people))
        return find_remedy(gate, subject, rule, now_us, out);
    asking.asked = policy_rule_asks(gate->policy, (unsigned)rule, &facts);
    out->remedy = GATE_REMEDY_APPROVE;
    out->approvals = people->approvals;
    out->basis = people->basis;
    out->deadline_us = people->deadline_us == 0 ? 0 : out->since_us + people->deadline_us;
    out->remind_us = people->remind_us == 0 ? 0 : out->since_us + people->remind_us;
    out->lapse = people->lapse;
    return approvals_so_far(gate, &subject->object.key, subject->lsn, out->partner, &asking,
                            &gate->step_arena, &out->approved, &out->approvers);
}

static bool is_queued(const struct gate *gate, const struct state *state, unsigned partner)
{
    const struct outcome *outcome = &gate->outcomes[state->outcome];
    uint64_t has = state->released | state->minted;
    return (state->flags & STATE_OLD) == 0 && (outcome->hold & ~has & ~outcome->release) >> partner & 1 &&
           !gate->unqueued[outcome->rule[partner]];
}

static err_t show(struct gate *gate, unsigned partner, uint64_t lsn, int64_t now_us, struct gate_hold *out)
{
    struct subject subject;
    struct state state;
    err_t err;
    arena_reset(&gate->step_arena);
    if (TRY(err, state_load(gate, lsn, &state)) ||
        TRY(err, subject_load(gate, lsn, &gate->step_arena, &subject)))
        return err;
    const struct state_wait *wait = wait_of(&state, partner);
    if (!is_queued(gate, &state, partner))
        return ERR_NOTFOUND;
    *out = (struct gate_hold) {.partner = partner,
                               .lsn = lsn,
                               .since_us = wait != NULL ? wait->since_us : subject.envelope.received_us,
                               .rule = gate->names[gate->outcomes[state.outcome].rule[partner]],
                               .id = subject.object.id,
                               .type = subject.object.type_name,
                               .version = subject.object.version,
                               .approvers = STR(""),
                               .remedy = GATE_REMEDY_RULE,
                               .about = STR("")};
    int rule = gate->policy == NULL ? -1 : policy_rule_find(gate->policy, out->rule);
    return rule < 0 ? ERR_OK : put_people(gate, &subject, rule, now_us, out);
}

enum { PAGE = 64 };

/* The next rows of what waits for people. */
static err_t page_waiting(struct gate *gate, unsigned partner, struct gate_queue *at, size_t most,
                          uint64_t *out, size_t *out_count)
{
    uint8_t prefix[2] = {'H', (uint8_t)partner}, start[ROW_SIZE];
    struct store_scan *scan;
    struct bytes key, value;
    int64_t since_us = at->since_us == 0 && at->lsn == 0 ? INT64_MIN : at->since_us;
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of(prefix, sizeof prefix),
                                row_key(partner, since_us, at->lsn, start), &scan);
    if (err != ERR_OK)
        return err;
    for (*out_count = 0; *out_count < most && (err = store_scan_next(scan, &key, &value)) == ERR_OK;) {
        struct rd rd = rd_of(bytes_of(key.at + 2, key.len - 2));
        at->since_us = (int64_t)(rd_u64(&rd) ^ UINT64_C(1) << 63);
        at->lsn = rd_u64(&rd) + 1;
        out[(*out_count)++] = at->lsn - 1;
    }
    store_scan_close(scan);
    if (err == ERR_NOTFOUND)
        *at = (struct gate_queue) {.rest = true};
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* The next of the rest: states know it, there is no row for each partner. */
static err_t page_rest(struct gate *gate, unsigned partner, struct gate_queue *at, size_t most, uint64_t *out,
                       size_t *out_count)
{
    uint8_t start[8];
    struct store_scan *scan;
    struct bytes key, value;
    struct state state;
    wr_at_u64(start, at->lsn);
    *out_count = 0;
    at->end = gate_holds_count(gate, partner) == gate_waiting_count(gate, partner);
    if (at->end)
        return ERR_OK;
    err_t err =
        store_scan_open(gate->store, TABLE_STATE, bytes_of(NULL, 0), bytes_of(start, sizeof start), &scan);
    if (err != ERR_OK)
        return err;
    while (*out_count < PAGE && most-- > 0 && (err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct rd rd = rd_of(key);
        uint64_t lsn = rd_u64(&rd);
        if (rd_end(&rd) != ERR_OK || TRY(err, state_read(gate, value, &state))) {
            err = ERR_CORRUPT;
            break;
        }
        at->lsn = lsn + 1;
        if (is_queued(gate, &state, partner) && wait_of(&state, partner) == NULL)
            out[(*out_count)++] = lsn;
    }
    store_scan_close(scan);
    at->end = err == ERR_NOTFOUND;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t gate_holds(struct gate *gate, unsigned partner, int64_t now_us, struct gate_queue *at, size_t most,
                 bool (*visit)(void *ctx, const struct gate_hold *hold), void *ctx)
{
    uint64_t page[PAGE];
    size_t count;
    bool waiting = !at->rest;
    struct gate_hold hold;
    err_t err = waiting ? page_waiting(gate, partner, at, most < PAGE ? most : PAGE, page, &count)
                        : page_rest(gate, partner, at, most, page, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        err = show(gate, partner, page[i], now_us, &hold);
        bool more = err != ERR_OK || visit(ctx, &hold);
        if (!more) {
            *at = (struct gate_queue) {
                .rest = !waiting, .since_us = waiting ? hold.since_us : 0, .lsn = page[i] + 1};
            break;
        }
        if (err == ERR_NOTFOUND)
            err = ERR_OK; /* its secret was destroyed */
    }
    store_view_end(gate->store);
    return err;
}

err_t gate_hold_find(struct gate *gate, unsigned partner, uint64_t lsn, int64_t now_us, struct gate_hold *out)
{
    if (partner >= gate->peer_count)
        return ERR_NOTFOUND;
    err_t err = show(gate, partner, lsn, now_us, out);
    store_view_end(gate->store);
    return err;
}

uint64_t gate_waiting_count(const struct gate *gate, unsigned partner)
{
    return partner < gate->peer_count ? gate->waiting[partner] : 0;
}

uint64_t gate_holds_count(const struct gate *gate, unsigned partner)
{
    return partner < gate->peer_count ? gate->queued[partner] : 0;
}

/* --- what people are late with --- */

static err_t late_one(struct gate *gate, unsigned partner, uint64_t lsn, int64_t now_us,
                      struct gate_late *late)
{
    struct state state;
    struct policy_people people;
    err_t err = state_load(gate, lsn, &state);
    const struct state_wait *wait = err == ERR_OK ? wait_of(&state, partner) : NULL;
    if (wait == NULL || wait->rule >= gate->name_count)
        return err;
    int rule = policy_rule_find(gate->policy, gate->names[wait->rule]);
    if (rule < 0 || !policy_rule_people(gate->policy, (unsigned)rule, &people) || people.deadline_us == 0)
        return err;
    int64_t deadline_us = wait->since_us + people.deadline_us;
    late->reminded += people.remind_us != 0 && now_us >= wait->since_us + people.remind_us;
    if (late->deadline_us == 0 || deadline_us < late->deadline_us)
        late->deadline_us = deadline_us;
    return err;
}

err_t gate_late(struct gate *gate, unsigned partner, int64_t now_us, struct gate_late *out)
{
    struct gate_late late = {.reminded = 0};
    struct gate_queue at = {.rest = false};
    uint64_t page[PAGE];
    size_t count = PAGE;
    err_t err = ERR_OK;
    bool any = gate->policy != NULL && policy_has_deadlines(gate->policy) && partner < gate->peer_count;
    for (size_t looked = 0; any && err == ERR_OK && !at.rest && !late.more; looked += count) {
        late.more = looked >= LIMIT_LATE_LOOKED;
        err = late.more ? ERR_OK : page_waiting(gate, partner, &at, PAGE, page, &count);
        for (size_t i = 0; i < count && err == ERR_OK && !late.more; i++)
            err = late_one(gate, partner, page[i], now_us, &late);
    }
    store_view_end(gate->store);
    if (err == ERR_OK)
        *out = late;
    return err;
}
