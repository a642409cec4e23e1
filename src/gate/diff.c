/* What another policy would do, told before it is in force. Two sets are made of what may go otherwise, one
 * under each policy, and closed like those that are decided (grow.c): what leaves depends on nothing else
 * than what it needs, however far. Nothing of them is written.
 *
 * Most objects go the same way under both: they cost two decisions and are not followed. */
#include "core/mem.h"
#include "core/uuid.h"
#include "gate/deciding.h"

enum { NOW, THEN, SIDES, OBJECTS_MAX = 512 };

struct differing {
    struct gate *gate;
    const struct policy *policies[SIDES]; /* NOW may be NULL */
    int64_t now_us;
    uint64_t partners; /* all but those that were removed */
    bool (*line)(void *ctx, const struct gate_diff_line *line);
    void *ctx;
    bool stopped;
    bool full; /* the first one needs more than a set can hold */
    uint64_t lsns[OBJECTS_MAX];
    size_t count;
    struct deciding sets[SIDES];
    struct arena *arena; /* of one line */
};

/* How one object goes to one partner under one policy. */
struct side {
    bool rules; /* they let it go */
    bool goes;
    const struct form *form; /* NULL: as it is */
    const struct policy_duties *duties;
    struct str rule, text; /* ...and the duties of this rule, as written */
};

/* --- what may differ --- */

static struct str profile_of(const struct form *form)
{
    return form == NULL ? STR("") : form->profile;
}

static bool forms_alike(const struct form *a, const struct form *b)
{
    return (a == NULL) == (b == NULL) && str_eq(profile_of(a), profile_of(b));
}

/* What cannot leave as it stands, in which form. */
static const struct form *minted_form(const struct form *forms, size_t count, unsigned partner)
{
    for (size_t i = 0; i < count; i++)
        if ((forms[i].partners >> partner & 1) && forms[i].minted)
            return &forms[i];
    return NULL;
}

static bool names_limit(const struct policy_duties *duties, struct str limit)
{
    for (size_t i = 0; i < duties->reshare_count; i++)
        if (str_eq(duties->reshare[i], limit))
            return true;
    return false;
}

/* Beside what is taken out: the forms tell of that. */
static bool duties_alike(const struct policy_duties *a, const struct policy_duties *b)
{
    static const struct policy_duties none;
    const unsigned besides = POLICY_DUTY_EXPIRE | POLICY_DUTY_RESHARE | POLICY_DUTY_DROP_REFERENCES;
    a = a == NULL ? &none : a;
    b = b == NULL ? &none : b;
    bool alike = ((a->what ^ b->what) & besides) == 0 && a->expire_us == b->expire_us;
    for (size_t i = 0; i < a->reshare_count && alike; i++)
        alike = names_limit(b, a->reshare[i]);
    for (size_t i = 0; i < b->reshare_count && alike; i++)
        alike = names_limit(a, b->reshare[i]);
    return alike;
}

static bool same_for(const struct cutting *now, const struct cutting *then, unsigned p)
{
    return forms_alike(minted_form(now->forms, now->form_count, p),
                       minted_form(then->forms, then->form_count, p)) &&
           duties_alike(policy_bound_of(now->bound, now->bound_count, p),
                        policy_bound_of(then->bound, then->bound_count, p));
}

/* Partners of whom more has to be asked. `waits`: those who have it not, though the rules may let it go. */
static uint64_t may_differ(const struct differing *d, const struct cutting *now, const struct cutting *then,
                           uint64_t has, uint64_t waits)
{
    uint64_t both = now->verdict.release & then->verdict.release;
    uint64_t mask =
        (now->verdict.release ^ then->verdict.release) | (has & then->verdict.deny) | (both & waits);
    for (unsigned p = 0; p < d->gate->peer_count; p++)
        if ((both >> p & 1) && (mask >> p & 1) == 0 && !same_for(now, then, p))
            mask |= UINT64_C(1) << p;
    return mask & d->partners;
}

static err_t decide_both(struct differing *d, const struct subject *subject, struct cutting out[SIDES])
{
    struct arena *arena = &d->gate->accept_arena;
    err_t err = ERR_OK;
    out[NOW] = (struct cutting) {0};
    for (int s = NOW; s < SIDES && err == ERR_OK; s++)
        if (d->policies[s] != NULL)
            err = cut_decide(d->gate, subject, d->policies[s], d->now_us, arena, arena, &out[s]);
    return err;
}

static err_t look_at(struct differing *d, uint64_t lsn)
{
    struct subject subject;
    struct cutting cuttings[SIDES];
    struct state state = {0};
    arena_reset(&d->gate->accept_arena);
    err_t err = subject_recall(d->gate, lsn, &d->gate->accept_arena, &subject);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed */
    bool current = copy_is_current(subject.copies, subject.copy);
    err = state_load(d->gate, lsn, &state);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    uint64_t has = state.released | state.minted;
    uint64_t waits = err == ERR_NOTFOUND ? UINT64_MAX : state.blocked | ~partners_started(d->gate);
    if (!current && has == 0)
        return ERR_OK;
    if (TRY(err, decide_both(d, &subject, cuttings)))
        return err;
    if (may_differ(d, &cuttings[NOW], &cuttings[THEN], has, waits & ~has) != 0)
        d->lsns[d->count++] = lsn;
    return ERR_OK;
}

/* --- the two sets --- */

static struct candidate *candidate_of(const struct deciding *set, uint64_t lsn)
{
    const uint64_t *known = map_get(&set->by_lsn, &lsn);
    return known == NULL || *known == 0 ? NULL : &set->at[*known - 1];
}

/* It, and everything that it needs, however far. ERR_FULL: that is more than a set holds. */
static err_t follow(struct deciding *set, uint64_t lsn)
{
    size_t from = set->count;
    err_t err = set_add(set, lsn, true, UINT64_MAX, 0);
    for (size_t i = from; i < set->count && err == ERR_OK; i++) {
        for (uint32_t n = 0; n < set->at[i].member.need_count && err == ERR_OK; n++) {
            const struct closure_need need = set->at[i].member.needs[n];
            struct copies copies;
            if ((set->at[i].member.base & ~need.except) == 0 ||
                TRY(err, copies_load(set->gate, &set->target_keys[need.target], &copies)))
                continue;
            for (size_t k = 0; k < copies.count && err == ERR_OK; k++)
                if (copy_is_current(&copies, &copies.at[k]))
                    err = set_add(set, copies.at[k].lsn, false, UINT64_MAX, 0);
        }
    }
    return err;
}

/* What does not fit is looked at in the next portion; *out_next is where that begins. */
static err_t follow_all(struct differing *d, uint64_t *out_next)
{
    for (size_t i = 0; i < d->count; i++) {
        err_t err = ERR_OK;
        for (int s = NOW; s < SIDES && err == ERR_OK; s++)
            if (d->policies[s] != NULL)
                err = follow(&d->sets[s], d->lsns[i]);
        if (err != ERR_OK && err != ERR_FULL)
            return err;
        d->full = err == ERR_FULL && i == 0;
        if (err == ERR_FULL && i > 0)
            *out_next = d->lsns[i];
        if (err == ERR_FULL)
            d->count = d->full ? 1 : i;
    }
    return ERR_OK;
}

/* What would be taken back is had no more. Before anything is minted at all the node has no identity to make
 * it under: it gets one then, which goes wherever it is needed. */
static err_t settle(struct deciding *set)
{
    struct stix_key self;
    uint32_t target;
    err_t err;
    for (size_t i = 0; i < set->count; i++) {
        struct candidate *c = &set->at[i];
        uint64_t has = c->state.released | c->state.minted;
        set->targets[c->member.target].held &= ~(c->verdict.deny & ~c->member.base & has);
    }
    if (!mint_creator_held(set->gate) && mint_creator_key(set->gate, &self)) {
        if (TRY(err, set_target(set, &self, &target)))
            return err;
        set->targets[target].held = UINT64_MAX;
    }
    return set_solve(set);
}

/* --- telling --- */

static struct side side_of(const struct differing *d, int s, uint64_t lsn, unsigned p)
{
    struct side side = {.rule = STR("no policy"), .text = STR("")};
    const struct policy *policy = d->policies[s];
    const struct candidate *c = policy == NULL ? NULL : candidate_of(&d->sets[s], lsn);
    if (c == NULL)
        return side;
    unsigned rule = c->verdict.rule[p];
    const struct policy_duties *duties = policy_rule_duties(policy, rule);
    side.rules = (c->verdict.release & c->eligible) >> p & 1;
    side.goes = side.rules && (c->member.release >> p & 1) && !d->full;
    side.form = minted_form(c->forms, c->form_count, p);
    side.duties = policy_bound_of(c->bound, c->bound_count, p);
    side.text = duties == NULL ? STR("") : duties->text;
    side.rule = policy_rule_name(policy, rule);
    if (side.rules && !side.goes)
        side.rule = STR("closure");
    return side;
}

/* In the form that `before` says (NULL: as it is), and in that of `then`. */
static bool goes_otherwise(const struct side *now, const struct side *then, const struct form *before,
                           enum gate_diff_kind *out)
{
    *out = forms_alike(before, then->form) ? GATE_DIFF_DUTIES
           : then->form == NULL            ? GATE_DIFF_WHOLE
           : before == NULL                ? GATE_DIFF_PART
                                           : GATE_DIFF_OTHER;
    return *out != GATE_DIFF_DUTIES || (now->rules && !duties_alike(now->duties, then->duties));
}

/* What changes for a partner who has it. What he has in a form that is none any more is taken back
 * (withdraw.c). */
static bool had_differs(const struct side *now, const struct side *then, const struct form *before,
                        bool denied, enum gate_diff_kind *out)
{
    bool taken = denied || (then->form != NULL && !forms_alike(before, then->form));
    *out = GATE_DIFF_WITHDRAWN;
    return taken && !then->goes ? true : then->goes && goes_otherwise(now, then, before, out);
}

static bool new_differs(const struct side *now, const struct side *then, enum gate_diff_kind *out)
{
    *out = then->goes ? GATE_DIFF_RELEASED : now->goes ? GATE_DIFF_HELD_BACK : GATE_DIFF_KEPT;
    if (now->goes && then->goes)
        return goes_otherwise(now, then, now->form, out);
    return now->goes || then->goes || (then->rules && !now->rules);
}

/* The lines of `of` that are not in `without`. */
static err_t lines_less(struct str of, struct str without, struct arena *arena, struct str *out)
{
    struct buf text;
    err_t err;
    buf_init(&text, LIMIT_MINT_PROFILE_BYTES);
    while (of.len > 0) {
        const char *end = memchr(of.at, '\n', of.len);
        struct str line = {of.at, end == NULL ? of.len : (size_t)(end - of.at) + 1}, rest = without;
        bool found = false;
        while (rest.len > 0 && !found) {
            const char *stop = memchr(rest.at, '\n', rest.len);
            size_t len = stop == NULL ? rest.len : (size_t)(stop - rest.at) + 1;
            found = str_eq((struct str) {rest.at, len}, line);
            rest = (struct str) {rest.at + len, rest.len - len};
        }
        if (!found)
            buf_put_str(&text, line);
        of = (struct str) {of.at + line.len, of.len - line.len};
    }
    *out = arena_str(arena, buf_str(&text));
    err = buf_err(&text);
    buf_deinit(&text);
    return err != ERR_OK ? err : out->at == NULL ? ERR_NOMEM : ERR_OK;
}

static err_t say(struct differing *d, struct gate_diff_line *line, const struct side *now,
                 const struct side *then, const struct form *before)
{
    err_t err;
    bool leaves = line->change != GATE_DIFF_WITHDRAWN && line->change != GATE_DIFF_HELD_BACK;
    bool left = line->change == GATE_DIFF_WHOLE || line->change == GATE_DIFF_OTHER;
    line->now_rule = now->rule;
    line->then_rule = then->rule;
    line->now_duties = now->text;
    line->then_duties = then->text;
    if (TRY(err, lines_less(left ? profile_of(before) : STR(""), profile_of(then->form), d->arena,
                            &line->shown)) ||
        TRY(err, lines_less(leaves ? profile_of(then->form) : STR(""), left ? profile_of(before) : STR(""),
                            d->arena, &line->hidden)))
        return err;
    d->stopped = !d->line(d->ctx, line);
    return ERR_OK;
}

/* The form in which a partner has it: by the policy in force, or as it was made when that does not say. */
static err_t form_had(struct differing *d, const struct candidate *c, const struct side *now, unsigned p,
                      struct form *room, const struct form **out)
{
    struct mint mint;
    *out = now->rules ? now->form : NULL;
    if (now->rules || (c->state.released >> p & 1))
        return ERR_OK;
    err_t err = mint_load(d->gate, &c->key, p, variant_of(c), d->arena, &mint);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    *room = (struct form) {.minted = true, .profile = mint.profile};
    *out = room;
    return ERR_OK;
}

static err_t report_partner(struct differing *d, const struct candidate *c, struct str id, unsigned p)
{
    struct side now = side_of(d, NOW, c->lsn, p), then = side_of(d, THEN, c->lsn, p);
    struct gate_diff_line line = {.partner = p, .id = id};
    bool has = (c->state.released | c->state.minted) >> p & 1;
    const struct form *before = now.form;
    struct form room;
    err_t err;
    if (has && TRY(err, form_had(d, c, &now, p, &room, &before)))
        return err;
    bool denied = (c->verdict.deny & ~c->member.base) >> p & 1;
    bool differs =
        has ? had_differs(&now, &then, before, denied, &line.change) : new_differs(&now, &then, &line.change);
    return differs ? say(d, &line, &now, &then, before) : ERR_OK;
}

static err_t report_current(struct differing *d, const struct candidate *c)
{
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];
    struct buf id;
    err_t err;
    memcpy(uuid.b, c->key.b, UUID_SIZE);
    uuid_text(&uuid, text);
    buf_init(&id, LIMIT_ID_BYTES);
    buf_put_str(&id, c->type_name);
    buf_put(&id, "--", 2);
    buf_put(&id, text, sizeof text);
    err = buf_err(&id);
    for (unsigned p = 0; p < d->gate->peer_count && err == ERR_OK && !d->stopped; p++)
        if (d->partners >> p & 1)
            err = report_partner(d, c, buf_str(&id), p);
    buf_deinit(&id);
    return err;
}

/* What is no version of its owner any more can only be withdrawn. */
static err_t report_older(struct differing *d, uint64_t lsn)
{
    struct subject subject;
    struct cutting cuttings[SIDES];
    struct state state;
    err_t err;
    if (TRY(err, subject_recall(d->gate, lsn, d->arena, &subject)) ||
        TRY(err, state_load(d->gate, lsn, &state)) || TRY(err, decide_both(d, &subject, cuttings)))
        return err;
    const struct cutting *then = &cuttings[THEN];
    uint64_t denied =
        then->verdict.deny & ~subject_comes_along(d->gate, &subject, &then->facts, &then->verdict);
    for (unsigned p = 0; p < d->gate->peer_count && err == ERR_OK && !d->stopped; p++) {
        struct side side[SIDES] = {{.rule = STR("no policy"), .text = STR("")}, {.text = STR("")}};
        struct gate_diff_line line = {.partner = p, .id = subject.object.id, .change = GATE_DIFF_WITHDRAWN};
        bool whole = state.released >> p & 1;
        if (((d->partners & (state.released | state.minted)) >> p & 1) == 0 ||
            ((denied >> p & 1) == 0 && (!whole || minted_form(then->forms, then->form_count, p) == NULL)))
            continue;
        for (int s = NOW; s < SIDES; s++)
            if (d->policies[s] != NULL)
                side[s].rule = policy_rule_name(d->policies[s], cuttings[s].verdict.rule[p]);
        err = say(d, &line, &side[NOW], &side[THEN], NULL);
    }
    return err;
}

static err_t report(struct differing *d)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < d->count && err == ERR_OK && !d->stopped; i++) {
        const struct candidate *c = candidate_of(&d->sets[THEN], d->lsns[i]);
        arena_reset(d->arena);
        err = c == NULL ? report_older(d, d->lsns[i]) : report_current(d, c);
    }
    return err;
}

/* --- one portion --- */

static err_t compare(struct differing *d, uint64_t *next)
{
    bool wants_creator = d->gate->wants_creator;
    err_t err = ERR_OK;
    arena_reset(&d->gate->step_arena);
    for (int s = NOW; s < SIDES; s++) {
        err_t begun = set_begin_beside(&d->sets[s], d->gate, d->now_us, d->partners);
        err = err == ERR_OK ? begun : err;
        d->sets[s].policy = d->policies[s];
        d->sets[s].history = ~partners_started(d->gate);
    }
    if (err == ERR_OK)
        err = follow_all(d, next);
    for (int s = NOW; s < SIDES && err == ERR_OK; s++)
        err = d->policies[s] == NULL ? ERR_OK : settle(&d->sets[s]);
    if (err == ERR_OK)
        err = report(d);
    for (int s = NOW; s < SIDES; s++)
        set_end(&d->sets[s]);
    d->gate->wants_creator = wants_creator; /* nothing of this is minted */
    return err;
}

err_t gate_policy_diff(struct gate *gate, const struct policy *other, int64_t now_us, uint64_t *cursor,
                       size_t most, bool (*line)(void *ctx, const struct gate_diff_line *line), void *ctx)
{
    struct store_iter iter =
        store_iter(gate->store, *cursor == 0 ? LSN_FIRST : *cursor, store_durable_lsn(gate->store));
    struct differing *d = mem_alloc(sizeof *d);
    struct frame frame;
    err_t err = ERR_OK;
    if (d == NULL)
        return ERR_NOMEM;
    d->gate = gate;
    d->policies[NOW] = gate->policy;
    d->policies[THEN] = other;
    d->now_us = now_us;
    d->line = line;
    d->ctx = ctx;
    d->arena = &gate->accept_arena;
    for (unsigned p = 0; p < gate->peer_count; p++)
        d->partners |= gate->peers[p].state == GATE_PEER_REMOVED ? 0 : UINT64_C(1) << p;
    for (size_t looked = 0; looked < most && d->count < OBJECTS_MAX && err == ERR_OK; looked++)
        if (!TRY(err, store_iter_next(&iter, &frame)) && frame.kind == FRAME_OBJ)
            err = look_at(d, frame.lsn);
    uint64_t next = err == ERR_NOTFOUND ? UINT64_MAX : iter.lsn;
    err = err == ERR_NOTFOUND ? ERR_OK : err;
    if (err == ERR_OK && d->count > 0)
        err = compare(d, &next);
    store_view_end(gate->store);
    *cursor = d->stopped ? UINT64_MAX : next;
    mem_free(d);
    return err;
}
