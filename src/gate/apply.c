/* What a logged DECIDE means: states, counts, timers, and one leaf per release. The same on replay as when it
 * was made. */
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/mint.h"

/* --- names and outcomes: interned, so that a state is small --- */

static err_t index_put_numbered(struct gate *gate, char letter, uint32_t number, struct bytes value)
{
    uint8_t key[5] = {(uint8_t)letter};
    wr_at(key + 1, number, 4);
    return store_put(gate->store, TABLE_FACT, bytes_of(key, sizeof key), value);
}

/* What these hold waits for nobody: it comes along, or waits for its budget, or came before the partner, or
 * his time with it is over, or it came and went too often. */
static bool is_unqueued(struct str name)
{
    static const char *const names[] = {
        "", "built-in.follows", "built-in.budget", "built-in.expired", "built-in.repeats", "history"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

static err_t name_add(struct gate *gate, struct str name)
{
    if (gate->name_count >= NAMES_MAX)
        return ERR_FULL;
    struct str copy = arena_str(&gate->facts_arena, name);
    struct hash digest = hash_sha256(bytes_from_str(name));
    if (copy.at == NULL)
        return ERR_NOMEM;
    err_t err = map_put(&gate->name_ids, digest.b, gate->name_count);
    if (err != ERR_OK)
        return err;
    gate->unqueued[gate->name_count] = is_unqueued(name);
    gate->names[gate->name_count++] = copy;
    return ERR_OK;
}

err_t name_intern(struct gate *gate, struct str name, uint16_t *out)
{
    struct hash digest = hash_sha256(bytes_from_str(name));
    const uint64_t *held = map_get(&gate->name_ids, digest.b);
    if (held != NULL) {
        *out = (uint16_t)*held;
        return ERR_OK;
    }
    err_t err;
    if (TRY(err, name_add(gate, name)))
        return err;
    *out = (uint16_t)(gate->name_count - 1);
    return index_put_numbered(gate, 'N', *out, bytes_from_str(name));
}

static void outcome_write(struct buf *out, const struct outcome *outcome)
{
    wr_u64(out, outcome->release);
    wr_u64(out, outcome->hold);
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
        wr_u16(out, outcome->rule[p]);
}

static err_t outcome_add(struct gate *gate, const struct outcome *outcome, const struct hash *digest)
{
    if (gate->outcome_count >= LIMIT_OUTCOMES)
        return ERR_FULL;
    if (gate->outcome_count == gate->outcome_size) {
        size_t size = gate->outcome_size == 0 ? 64 : gate->outcome_size * 2;
        struct outcome *wider = mem_grow(gate->outcomes, size * sizeof *wider);
        if (wider == NULL)
            return ERR_NOMEM;
        gate->outcomes = wider;
        gate->outcome_size = size;
    }
    err_t err = map_put(&gate->outcome_ids, digest->b, gate->outcome_count);
    if (err == ERR_OK)
        gate->outcomes[gate->outcome_count++] = *outcome;
    return err;
}

static err_t outcome_intern(struct gate *gate, const struct outcome *outcome, uint32_t *out)
{
    uint8_t raw[16 + 2 * LIMIT_PARTNERS];
    struct buf text = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    outcome_write(&text, outcome);
    must(buf_err(&text) == ERR_OK);
    struct hash digest = hash_sha256(buf_bytes(&text));
    const uint64_t *held = map_get(&gate->outcome_ids, digest.b);
    if (held != NULL) {
        *out = (uint32_t)*held;
        return ERR_OK;
    }
    err_t err;
    if (TRY(err, outcome_add(gate, outcome, &digest)))
        return err;
    *out = (uint32_t)gate->outcome_count - 1;
    return index_put_numbered(gate, 'K', *out, buf_bytes(&text));
}

static err_t load_numbered(struct gate *gate, const char *letter, err_t (*add)(struct gate *, struct bytes))
{
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of(letter, 1), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK)
        if (TRY(err, add(gate, value)))
            break;
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t load_name(struct gate *gate, struct bytes value)
{
    return name_add(gate, str_from_bytes(value));
}

static err_t load_outcome(struct gate *gate, struct bytes value)
{
    struct outcome outcome;
    struct rd rd = rd_of(value);
    outcome.release = rd_u64(&rd);
    outcome.hold = rd_u64(&rd);
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
        outcome.rule[p] = rd_u16(&rd);
        if (outcome.rule[p] >= gate->name_count)
            return ERR_CORRUPT;
    }
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    struct hash digest = hash_sha256(value);
    return outcome_add(gate, &outcome, &digest);
}

err_t outcomes_load(struct gate *gate)
{
    map_init(&gate->name_ids, HASH_SIZE, NAMES_MAX, &gate->sip);
    gate->tally_rules = mem_alloc_array(NAMES_MAX, sizeof *gate->tally_rules);
    gate->tally_denied = mem_alloc_array(NAMES_MAX, sizeof *gate->tally_denied);
    gate->unqueued = mem_alloc_array(NAMES_MAX, sizeof *gate->unqueued);
    if (gate->tally_rules == NULL || gate->tally_denied == NULL || gate->unqueued == NULL)
        return ERR_NOMEM;
    err_t err;
    /* Number 0 is nobody's name and is not stored. */
    if (TRY(err, name_add(gate, STR(""))) || TRY(err, load_numbered(gate, "N", load_name)))
        return err;
    return load_numbered(gate, "K", load_outcome);
}

void outcomes_deinit(struct gate *gate)
{
    map_deinit(&gate->name_ids);
    mem_free(gate->tally_rules);
    mem_free(gate->tally_denied);
    mem_free(gate->unqueued);
    mem_free(gate->outcomes);
}

/* --- counting --- */

/* Adds (or takes away) one current object from the counts of every partner that it was decided for. */
static void count(struct gate *gate, const struct state *state, uint64_t by)
{
    const struct outcome *outcome = &gate->outcomes[state->outcome];
    if ((state->flags & STATE_OLD) != 0)
        return;
    gate->blocked_objects += state->blocked != 0 ? by : 0;
    for (unsigned p = 0; p < gate->peer_count; p++) {
        uint64_t bit = UINT64_C(1) << p;
        if (outcome->rule[p] == 0)
            continue; /* never decided for this partner */
        struct gate_tally *tally = &gate->tallies[p];
        if (state->blocked & outcome->release & ~(state->released | state->minted) & bit)
            tally->blocked += by;
        else if ((state->released | state->minted | outcome->release) & bit)
            tally->released += by; /* or it has the same content from another copy */
        else if (outcome->hold & bit) {
            tally->held += by;
            gate->queued[p] += gate->unqueued[outcome->rule[p]] ? 0 : by;
        } else
            tally->denied += by;
        if (((state->released | state->minted | outcome->release) & bit) != 0)
            continue;
        gate->tally_rules[outcome->rule[p]][p] += by;
        gate->tally_denied[outcome->rule[p]][p] += outcome->hold & bit ? 0 : by;
    }
}

static bool any_ended(const struct state *state)
{
    uint64_t ended = 0;
    for (size_t i = 0; i < state->release_count; i++)
        ended |= state->releases[i].ended;
    return ended != 0;
}

err_t tallies_load(struct gate *gate)
{
    struct store_scan *scan;
    struct bytes key, value;
    struct state state;
    err_t err = store_scan_open(gate->store, TABLE_STATE, bytes_of(NULL, 0), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        if (TRY(err, state_read(gate, value, &state)))
            break;
        if (state.outcome >= gate->outcome_count) {
            err = ERR_CORRUPT;
            break;
        }
        gate->ended_objects += any_ended(&state);
        gate->waiting_objects += state.wait_count > 0;
        for (size_t i = 0; i < state.wait_count; i++)
            gate->waiting[state.waits[i].partner] += state.waits[i].queued;
        for (uint64_t left = state.budgeted; left != 0; left &= left - 1)
            gate->budget_waiting[__builtin_ctzll(left)]++;
        count(gate, &state, 1);
    }
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t tallies_again(struct gate *gate)
{
    gate->ended_objects = gate->waiting_objects = gate->blocked_objects = 0;
    memset(gate->waiting, 0, sizeof gate->waiting);
    memset(gate->queued, 0, sizeof gate->queued);
    memset(gate->budget_waiting, 0, sizeof gate->budget_waiting);
    memset(gate->tallies, 0, sizeof gate->tallies);
    memset(gate->tally_rules, 0, gate->name_count * sizeof *gate->tally_rules);
    memset(gate->tally_denied, 0, gate->name_count * sizeof *gate->tally_denied);
    return tallies_load(gate);
}

err_t gate_tally(struct gate *gate, unsigned partner, struct gate_tally *out)
{
    if (partner >= gate->peer_count)
        return ERR_NOTFOUND;
    *out = gate->tallies[partner];
    return ERR_OK;
}

err_t gate_tally_rules(struct gate *gate, unsigned partner,
                       void (*rule)(void *ctx, struct str name, enum policy_effect effect, uint64_t count),
                       void *ctx)
{
    if (partner >= gate->peer_count)
        return ERR_NOTFOUND;
    if (gate->tallies[partner].blocked > 0)
        rule(ctx, STR("closure"), POLICY_HOLD, gate->tallies[partner].blocked);
    for (size_t n = 1; n < gate->name_count; n++) {
        uint64_t denied = gate->tally_denied[n][partner], held = gate->tally_rules[n][partner] - denied;
        if (held > 0)
            rule(ctx, gate->names[n], POLICY_HOLD, held);
        if (denied > 0) /* by a hold, too, whose deadline has passed */
            rule(ctx, gate->names[n], POLICY_DENY, denied);
    }
    return ERR_OK;
}

/* --- timers --- */

enum { TIMER_KEY_SIZE = 1 + 8 + 8 };

static struct bytes timer_key(int64_t due_us, uint64_t lsn, uint8_t out[TIMER_KEY_SIZE])
{
    out[0] = 'T';
    uint64_t due = (uint64_t)due_us ^ UINT64_C(1) << 63;
    wr_at_u64(out + 1, due);
    wr_at_u64(out + 9, lsn);
    return bytes_of(out, TIMER_KEY_SIZE);
}

static err_t timer_set(struct gate *gate, uint64_t lsn, int64_t old_us, int64_t new_us)
{
    uint8_t key[TIMER_KEY_SIZE];
    if (old_us == new_us)
        return ERR_OK;
    err_t err;
    if (old_us != INT64_MAX && TRY(err, store_delete(gate->store, TABLE_FACT, timer_key(old_us, lsn, key))))
        return err;
    if (new_us == INT64_MAX)
        return ERR_OK;
    return store_put(gate->store, TABLE_FACT, timer_key(new_us, lsn, key), bytes_of(NULL, 0));
}

err_t timers_due(struct gate *gate, int64_t now_us, uint64_t *out_lsns, size_t size, size_t *out_count,
                 int64_t *out_next_us)
{
    struct store_scan *scan;
    struct bytes key, value;
    *out_count = 0;
    *out_next_us = INT64_MAX;
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of("T", 1), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct rd rd = rd_of(key);
        (void)rd_u8(&rd);
        int64_t due_us = (int64_t)(rd_u64(&rd) ^ UINT64_C(1) << 63);
        uint64_t lsn = rd_u64(&rd);
        if (due_us > now_us || *out_count == size) {
            *out_next_us = due_us;
            break;
        }
        out_lsns[(*out_count)++] = lsn;
    }
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* Nobody has it any more: nothing of it is looked at again. */
static err_t forget_timer(struct gate *gate, uint64_t lsn, struct state *state)
{
    if ((state->released | state->minted) != 0 || state->change_us == INT64_MAX)
        return ERR_OK;
    err_t err = timer_set(gate, lsn, state->change_us, INT64_MAX);
    state->change_us = INT64_MAX;
    return err != ERR_OK ? err : state_put(gate, lsn, state);
}

err_t state_retire(struct gate *gate, uint64_t lsn)
{
    struct state state;
    err_t err = state_load(gate, lsn, &state);
    if (err == ERR_NOTFOUND)
        return ERR_OK;
    if (err == ERR_OK && (state.flags & STATE_OLD) != 0)
        return forget_timer(gate, lsn, &state);
    /* Nothing is decided about it any more, but who has it may have to give it back. */
    int64_t ends_us = err == ERR_OK ? state_ends_us(&state) : INT64_MAX;
    if ((state.released | state.minted) != 0 && state.change_us < ends_us)
        ends_us = state.change_us;
    if (err != ERR_OK || TRY(err, timer_set(gate, lsn, state.change_us, ends_us)))
        return err;
    count(gate, &state, UINT64_MAX);
    if (TRY(err, waits_retire(gate, lsn, &state)) || TRY(err, budget_rows(gate, lsn, state.budgeted, 0)))
        return err;
    state.budgeted = 0;
    state.flags |= STATE_OLD;
    state.change_us = ends_us;
    return state_put(gate, lsn, &state);
}

err_t state_revive(struct gate *gate, uint64_t lsn)
{
    struct state state;
    err_t err = state_load(gate, lsn, &state);
    if (err == ERR_NOTFOUND || (err == ERR_OK && (state.flags & STATE_OLD) == 0))
        return ERR_OK;
    if (err != ERR_OK)
        return err;
    state.flags &= (uint8_t)~STATE_OLD;
    count(gate, &state, 1);
    return state_put(gate, lsn, &state);
}

/* --- the DECIDE --- */

struct applying {
    struct gate *gate;
    uint64_t lsn;
    const struct record_decide *decide;
    uint16_t *names; /* the DECIDE's names as the gate numbers them */
    uint32_t
        *outcomes; /* by class, of an object that was never decided before: number + 1; 0: not yet known */
    struct class_waits {
        uint64_t people, budget;
        bool known;
    } * waits; /* by class */
};

/* The old vector with this class's words for the partners that were decided for now. */
static struct outcome merge(const struct applying *a, const struct state *state, bool fresh,
                            const struct record_class *class)
{
    struct outcome outcome = {0};
    if (!fresh)
        outcome = a->gate->outcomes[state->outcome];
    uint64_t now = a->decide->partners;
    outcome.release = (outcome.release & ~now) | (class->release & now);
    outcome.hold = (outcome.hold & ~now) | (class->hold & now);
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
        if (now >> p & 1)
            outcome.rule[p] = class->rule[p] == RECORD_NAME_NONE ? 0 : a->names[class->rule[p]];
    return outcome;
}

/* Most objects are decided for the first time, and like their neighbours. */
static err_t outcome_of(struct applying *a, const struct state *state, bool fresh, uint16_t class,
                        uint32_t *out)
{
    if (fresh && a->outcomes[class] != 0) {
        *out = a->outcomes[class] - 1;
        return ERR_OK;
    }
    struct outcome outcome = merge(a, state, fresh, &a->decide->classes[class]);
    err_t err = outcome_intern(a->gate, &outcome, out);
    if (err == ERR_OK && fresh)
        a->outcomes[class] = *out + 1;
    return err;
}

/* When what this class's rules let go is over for this partner. A DECIDE of before duties were joined says
 * the rule alone. */
static int64_t expires_us(const struct applying *a, const struct record_entry *entry, unsigned partner)
{
    const struct policy *policy = a->gate->policy;
    uint16_t name = a->decide->classes[entry->class].rule[partner];
    int64_t after_us;
    if (terms_expire(a->decide, entry, partner, &after_us))
        return a->decide->now_us + after_us;
    if (policy == NULL || !policy_has_duties(policy) || name == RECORD_NAME_NONE)
        return INT64_MAX;
    int rule = policy_rule_find(policy, a->decide->names[name]);
    const struct policy_duties *duties = rule < 0 ? NULL : policy_rule_duties(policy, (unsigned)rule);
    return duties == NULL || duties->expire_us == 0 ? INT64_MAX : a->decide->now_us + duties->expire_us;
}

/* One for each time of expiry: nearly always one. */
static err_t add_releases(const struct applying *a, uint32_t e, const struct record_entry *entry,
                          struct state *state)
{
    size_t first = state->release_count;
    for (uint64_t left = entry->release; left != 0; left &= left - 1) {
        uint64_t bit = left & -left;
        int64_t until_us = expires_us(a, entry, (unsigned)__builtin_ctzll(left));
        size_t i = first;
        while (i < state->release_count && state->releases[i].expires_us != until_us)
            i++;
        if (i == STATE_RELEASES_MAX)
            return ERR_CORRUPT;
        if (i == state->release_count)
            state->releases[state->release_count++] = (struct state_release) {a->lsn, e, 0, 0, 0, until_us};
        state->releases[i].mask |= bit;
    }
    return ERR_OK;
}

/* For which partners a class of the rules' words waits, and for what. */
static void class_waits(struct applying *a, uint16_t class)
{
    const struct policy *policy = a->gate->policy;
    const struct record_class *said = &a->decide->classes[class];
    struct class_waits *waits = &a->waits[class];
    struct policy_people people;
    if (waits->known)
        return;
    waits->known = true;
    for (uint64_t left = a->decide->partners & ~said->release; left != 0; left &= left - 1) {
        unsigned p = (unsigned)__builtin_ctzll(left);
        uint64_t bit = UINT64_C(1) << p;
        if (said->rule[p] == RECORD_NAME_NONE)
            continue;
        int rule = policy == NULL ? -1 : policy_rule_find(policy, a->decide->names[said->rule[p]]);
        if (rule == POLICY_RULE_BUDGET && (said->hold & bit) != 0)
            waits->budget |= bit;
        if (rule >= 0 && policy_rule_people(policy, (unsigned)rule, &people))
            waits->people |= bit;
    }
}

static err_t apply_waiting(struct applying *a, const struct record_entry *entry, struct state *state)
{
    const struct record_class *class = &a->decide->classes[entry->class];
    const struct class_waits *waits = &a->waits[entry->class];
    uint16_t rule[LIMIT_PARTNERS];
    err_t err;
    class_waits(a, entry->class);
    uint64_t budgeted = (state->budgeted & ~a->decide->partners) | waits->budget;
    if (budgeted != state->budgeted && TRY(err, budget_rows(a->gate, entry->lsn, state->budgeted, budgeted)))
        return err;
    state->budgeted = budgeted;
    uint64_t people = waits->people & ~(state->released | state->minted); /* who has it waits for nobody */
    if (people == 0 && state->wait_count == 0)
        return ERR_OK;
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
        rule[p] = class->rule[p] == RECORD_NAME_NONE ? 0 : a->names[class->rule[p]];
    struct waits_now now = {.decided = a->decide->partners,
                            .people = people,
                            .held = class->hold,
                            .released = class->release,
                            .rule = rule,
                            .now_us = a->decide->now_us};
    return waits_apply(a->gate, entry->lsn, state, &now);
}

/* One of which another took the place: when it is looked at again. */
static err_t apply_old(struct gate *gate, const struct record_entry *entry, struct state *state)
{
    err_t err = timer_set(gate, entry->lsn, state->change_us, entry->change_us);
    if (err != ERR_OK)
        return err;
    state->change_us = entry->change_us;
    return state_put(gate, entry->lsn, state);
}

static err_t apply_content(struct applying *a, uint32_t e, const struct record_entry *entry)
{
    struct gate *gate = a->gate;
    struct state state = {.change_us = INT64_MAX};
    err_t err = state_load(gate, entry->lsn, &state);
    bool fresh = err == ERR_NOTFOUND;
    if (err != ERR_OK && !fresh)
        return err;
    if (!fresh && (state.flags & STATE_OLD) != 0 && entry->release == 0)
        return apply_old(gate, entry, &state);
    if (!fresh)
        count(gate, &state, UINT64_MAX);
    if (TRY(err, outcome_of(a, &state, fresh, entry->class, &state.outcome)) ||
        TRY(err, timer_set(gate, entry->lsn, state.change_us, entry->change_us)))
        return err;
    state.change_us = entry->change_us;
    state.released |= entry->release;
    state.blocked = (state.blocked & ~a->decide->partners) | entry->blocked;
    if (TRY(err, apply_waiting(a, entry, &state)))
        return err;
    if (TRY(err, add_releases(a, e, entry, &state)))
        return err;
    count(gate, &state, 1);
    return state_put(gate, entry->lsn, &state);
}

/* What was minted has a state of its own, for its leaf; it is no object that is counted. Its source knows who
 * has it. ERR_NOTFOUND: it is no MINT. */
static err_t apply_minted(struct applying *a, uint32_t e, const struct record_entry *entry)
{
    struct gate *gate = a->gate;
    struct state own = {.change_us = INT64_MAX, .flags = STATE_OLD, .release_count = 1}, state;
    struct mint mint;
    err_t err;
    if (!mint_any(gate) || TRY(err, mint_released(gate, entry->lsn, &mint)))
        return mint_any(gate) ? err : ERR_NOTFOUND;
    own.released = entry->release;
    if (entry->release != UINT64_C(1) << mint.partner)
        return ERR_CORRUPT;
    own.change_us = expires_us(a, entry, mint.partner);
    own.releases[0] = (struct state_release) {a->lsn, e, entry->release, 0, 0, own.change_us};
    if (TRY(err, outcome_of(a, &own, true, entry->class, &own.outcome)) ||
        TRY(err, timer_set(gate, entry->lsn, INT64_MAX, own.change_us)) ||
        TRY(err, state_put(gate, entry->lsn, &own)) || mint.derived)
        return err;
    if (TRY(err, state_load(gate, mint.obj, &state)))
        return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
    count(gate, &state, UINT64_MAX);
    state.minted |= entry->release;
    count(gate, &state, 1);
    return state_put(gate, mint.obj, &state);
}

/* Their leaves stay in the tree; the content is theirs no more. It may come back with a leaf of its own. */
static void end_releases(struct gate *gate, struct state *state, uint64_t partners)
{
    gate->ended_objects += !any_ended(state);
    count(gate, state, UINT64_MAX);
    for (size_t i = 0; i < state->release_count; i++)
        state->releases[i].ended |= state->releases[i].mask & partners;
    state->released &= ~partners;
    state->superseded &= ~partners;
    count(gate, state, 1);
}

/* Has he something else that was minted from the same copy? An earlier one ends alone where its form is none
 * any more, and that of the newest still is. */
static err_t minted_beside(struct gate *gate, const struct mint *mint, bool *out)
{
    struct stix_key id;
    struct copies made;
    err_t err;
    *out = false;
    if (mint->id.len == 0)
        return ERR_OK; /* its content was destroyed since, and that of all beside it: they end as well */
    if (!stix_id_parse(mint->id, &id))
        return ERR_CORRUPT;
    if (TRY(err, mint_copies(gate, &id, mint->partner, &made)))
        return err;
    for (size_t i = 0; i < made.count && !*out; i++) {
        struct mint other;
        struct state state;
        if (made.at[i].lsn == mint->lsn)
            continue;
        if (TRY(err, mint_at(gate, made.at[i].lsn, &gate->step_arena, &other)))
            return err;
        err = state_load(gate, made.at[i].lsn, &state);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
        *out = err == ERR_OK && other.obj == mint->obj && !other.derived &&
               (state.released >> mint->partner & 1);
    }
    return ERR_OK;
}

/* What was minted ended: its source knows who still has it. */
static err_t end_minted(struct gate *gate, uint64_t lsn)
{
    struct mint mint;
    struct state state;
    bool beside;
    err_t err = mint_at(gate, lsn, &gate->step_arena, &mint);
    if (err != ERR_OK || mint.derived || TRY(err, minted_beside(gate, &mint, &beside)) || beside ||
        TRY(err, state_load(gate, mint.obj, &state)))
        return err;
    count(gate, &state, UINT64_MAX);
    state.minted &= ~(UINT64_C(1) << mint.partner);
    count(gate, &state, 1);
    return state_put(gate, mint.obj, &state);
}

static bool entry_ends(const struct record_entry *entry)
{
    return entry->op == LEAF_EXPIRE || entry->op == LEAF_RECALL;
}

static err_t apply_superseded(struct applying *a, const struct record_entry *entry)
{
    struct state state;
    err_t err;
    if (entry->about == 0 || entry->op == LEAF_NARROW) /* it stays current */
        return ERR_OK;
    if (mint_any(a->gate) && entry_contentless(entry)) {
        err = mint_superseded(a->gate, entry->about);
        if (err == ERR_OK && entry_ends(entry))
            err = end_minted(a->gate, entry->about);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
    }
    if (TRY(err, state_load(a->gate, entry->about, &state)))
        return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
    if (entry_ends(entry))
        end_releases(a->gate, &state, entry->release);
    else
        state.superseded |= entry->release;
    if (entry_ends(entry) && (state.flags & STATE_OLD) != 0 && (state.released | state.minted) == 0) {
        int64_t ends_us = state_ends_us(&state);
        if (TRY(err, timer_set(a->gate, entry->about, state.change_us, ends_us)))
            return err;
        state.change_us = ends_us;
    }
    return state_put(a->gate, entry->about, &state);
}

/* The secret was destroyed: a RECALL says so, and holds what the leaves need. */
static err_t entry_gone(struct gate *gate, const struct record_entry *entry, struct leaf_ground *ground,
                        size_t *out_size)
{
    struct record_gone gone;
    err_t err = gone_find(gate, entry->lsn, &gone);
    ground->gone = err == ERR_OK;
    if (err == ERR_OK && !entry_contentless(entry))
        *out_size = gone.size;
    return err;
}

/* What the entry's leaves are made of; `hint` spares unsealing. */
static err_t entry_ground(struct applying *a, uint32_t e, const struct decide_hint *hint,
                          struct leaf_ground *out, size_t *out_size)
{
    struct gate *gate = a->gate;
    const struct record_entry *entry = &a->decide->entries[e];
    struct frame frame;
    struct mint mint;
    struct bytes object;
    err_t err;
    *out = (struct leaf_ground) {.decide = a->decide, .entry = e};
    *out_size = 0;
    /* A MINT that is made now is not durable: its source is. */
    err = mint_at(gate, entry->lsn, &gate->step_arena, &mint);
    bool minted = err == ERR_OK;
    if ((!minted && err != ERR_NOTFOUND) ||
        TRY(err, store_read(gate->store, minted ? mint.obj : entry->lsn, &frame)) ||
        TRY(err, leaf_source(gate, &frame, &out->source)))
        return err;
    if (hint != NULL) {
        out->content = hint->contents[e];
        out->secret = hint->secrets[e];
        *out_size = hint->sizes[e];
        return ERR_OK;
    }
    if (minted && TRY(err, store_read(gate->store, entry->lsn, &frame)))
        return err;
    err = store_secret(gate->store, frame.slot, &out->secret);
    if (err == ERR_NOTFOUND)
        return entry_gone(gate, entry, out, out_size);
    if (err != ERR_OK || entry_contentless(entry))
        return err;
    buf_clear(&gate->plain);
    if (TRY(err, store_unseal(gate->store, &frame, &gate->plain)) ||
        TRY(err, mint_object(&frame, buf_bytes(&gate->plain), &object, NULL)))
        return err;
    out->content = hash_sha256(object);
    *out_size = object.len;
    return ERR_OK;
}

static err_t append_leaf(struct applying *a, const struct leaf_ground *ground, unsigned partner, size_t size)
{
    struct gate *gate = a->gate;
    const struct record_entry *entry = &a->decide->entries[ground->entry];
    unsigned ledger = record_entry_ledger(a->decide, entry, partner);
    uint64_t subject;
    struct leaf leaf;
    struct leaf_opening opening;
    err_t err;
    if (TRY(err, leaf_subject(gate, ground, partner, a->lsn, &subject)) ||
        TRY(err,
            leaf_make(gate, ground, ledger, gate->views[ledger].tree.edge.size, subject, &leaf, &opening)))
        return err;
    return view_append(gate, ledger, &leaf, size);
}

static err_t append_leaves(struct applying *a, uint32_t e, const struct decide_hint *hint)
{
    struct leaf_ground ground;
    size_t size;
    uint64_t release = a->decide->entries[e].release;
    err_t err;
    if (release == 0)
        return ERR_OK;
    if (TRY(err, entry_ground(a, e, hint, &ground, &size)))
        return err;
    for (unsigned p = 0; p < a->gate->peer_count && err == ERR_OK; p++)
        if (release >> p & 1)
            err = append_leaf(a, &ground, p, size);
    mem_wipe(&ground.secret, sizeof ground.secret);
    return err;
}

/* Where each ledger's leaves of this DECIDE begin. */
static err_t index_starts(struct applying *a)
{
    for (size_t i = 0; i < a->decide->start_count; i++) {
        const struct record_start *start = &a->decide->starts[i];
        if (!ledger_held(a->gate, start->ledger))
            return ERR_CORRUPT;
        const struct view *view = &a->gate->views[start->ledger];
        if (start->seq != view->tree.edge.size || start->time_us <= view->last_time_us)
            return ERR_CORRUPT;
        err_t err = view_row_put(a->gate, start, a->lsn);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static err_t intern_names(struct applying *a, struct arena *arena)
{
    a->names = arena_zalloc(arena, a->decide->name_count + 1, sizeof *a->names);
    a->outcomes = arena_zalloc(arena, a->decide->class_count + 1, sizeof *a->outcomes);
    a->waits = arena_zalloc(arena, a->decide->class_count + 1, sizeof *a->waits);
    if (a->names == NULL || a->outcomes == NULL || a->waits == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < a->decide->name_count; i++) {
        if (terms_is(a->decide->names[i]))
            continue;
        err_t err = name_intern(a->gate, a->decide->names[i], &a->names[i]);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

err_t decide_apply(struct gate *gate, uint64_t lsn, const struct record_decide *decide,
                   const struct decide_hint *hint)
{
    struct applying a = {.gate = gate, .lsn = lsn, .decide = decide};
    err_t err;
    if (decide->from != gate->decided_lsn)
        return ERR_CORRUPT; /* every position is decided exactly once */
    if (TRY(err, intern_names(&a, &gate->step_arena)) || TRY(err, index_starts(&a)))
        return err;
    for (uint32_t e = 0; e < decide->entry_count; e++) {
        const struct record_entry *entry = &decide->entries[e];
        if (!entry_contentless(entry) && TRY(err, apply_minted(&a, e, entry)) &&
            (err != ERR_NOTFOUND || TRY(err, apply_content(&a, e, entry))))
            return err;
        if (TRY(err, append_leaves(&a, e, hint)) || TRY(err, apply_superseded(&a, entry)) ||
            (entry->op == LEAF_NARROW && TRY(err, leaf_narrowed(gate, entry, lsn, e))) ||
            (entry->op == LEAF_RECALL && TRY(err, recall_told(gate, decide, entry))))
            return err;
    }
    for (size_t i = 0; i < decide->start_count; i++)
        if (TRY(err, view_save(gate, decide->starts[i].ledger)))
            return err;
    gate->decided_lsn = decide->to;
    if (TRY(err, meta_put_u64(gate, "decided", decide->to)))
        return err;
    return decide->job == 0 ? ERR_OK : job_moved(gate, decide->job, decide->job_cursor);
}
