/* The set of objects that one step looks at: gathered, judged by the rules, closed over references.
 *
 * A step's set grows in two directions. Forward: definitions, creators and unmarked SCOs that a member needs
 * and that did not leave yet. Backward: objects that the rules would let go and that wait for somebody in the
 * set. Whatever can newly leave because of a member depends on it, so nothing else has to be looked at.
 *
 * Both are done partner by partner (`reach`): what is withheld from a partner makes nobody look at anything
 * for him, so that neither order nor time of his leaves tells of it, even while a changed fact still waits
 * for its job. Whether the closure withholds something is known only when it was solved: then the set is
 * grown and solved again without what stays (`stays`), until all that led anywhere leaves. */
#include "gate/deciding.h"

err_t set_begin(struct deciding *d, struct gate *gate, int64_t now_us, uint64_t partners)
{
    arena_reset(&gate->step_arena);
    return set_begin_beside(d, gate, now_us, partners & partners_started(gate));
}

err_t set_begin_beside(struct deciding *d, struct gate *gate, int64_t now_us, uint64_t partners)
{
    *d = (struct deciding) {.gate = gate,
                            .arena = &gate->step_arena,
                            .policy = gate->policy,
                            .now_us = now_us,
                            .partners = partners,
                            .durable = store_durable_lsn(gate->store),
                            .opened = gate->opened};
    d->at = arena_alloc(d->arena, LIMIT_CLOSURE_MEMBERS * sizeof *d->at);
    d->old = arena_alloc(d->arena, LIMIT_STEP_OBJECTS * sizeof *d->old);
    map_init(&d->by_lsn, 8, 4 * LIMIT_CLOSURE_MEMBERS, &gate->sip);
    map_init(&d->by_key, STIX_KEY_SIZE, SIZE_MAX / 2, &gate->sip);
    return d->at == NULL || d->old == NULL ? ERR_NOMEM : ERR_OK;
}

void set_end(struct deciding *d)
{
    map_deinit(&d->by_lsn);
    map_deinit(&d->by_key);
}

bool set_is_heavy(const struct deciding *d)
{
    return d->gate->opened - d->opened > LIMIT_STEP_OPENED;
}

/* --- targets --- */

static err_t target_grow(struct deciding *d)
{
    size_t size = d->target_size == 0 ? 1024 : d->target_size * 2;
    struct closure_target *targets = arena_alloc(d->arena, size * sizeof *targets);
    struct stix_key *keys = arena_alloc(d->arena, size * sizeof *keys);
    struct target_mint *mints = arena_alloc(d->arena, size * sizeof *mints);
    if (targets == NULL || keys == NULL || mints == NULL)
        return ERR_NOMEM;
    if (d->target_count > 0) {
        memcpy(targets, d->targets, d->target_count * sizeof *targets);
        memcpy(keys, d->target_keys, d->target_count * sizeof *keys);
        memcpy(mints, d->target_mints, d->target_count * sizeof *mints);
    }
    d->targets = targets;
    d->target_keys = keys;
    d->target_mints = mints;
    d->target_size = size;
    return ERR_OK;
}

/* A partner who was told that his copy is no longer current, and has the object itself, calls it by its own
 * identifier again; so does one who has any variant of an observable as it came. */
static err_t names_of(struct deciding *d, const struct stix_key *key, const struct holders *held,
                      struct target_mint *out)
{
    struct mint *variants;
    struct stix_key minted;
    *out = (struct target_mint) {held->minted, 0};
    for (unsigned p = 0; p < d->gate->peer_count; p++) {
        if ((held->minted >> p & 1) == 0)
            continue;
        err_t err = mint_variants(d->gate, key, p, d->arena, &variants);
        const struct mint *mint = err == ERR_OK ? mint_known(variants) : NULL;
        if (mint == NULL)
            return err == ERR_OK ? ERR_CORRUPT : err;
        bool plain = (held->plain >> p & 1) && (mint->superseded || key_is_observable(key));
        if (!plain && stix_id_parse(mint->id, &minted) && !stix_key_eq(&minted, key))
            out->renamed |= UINT64_C(1) << p;
    }
    return ERR_OK;
}

/* `copies`: of this id when they are at hand, or NULL. */
static err_t target_of(struct deciding *d, const struct stix_key *key, const struct copies *copies,
                       uint32_t *out)
{
    const uint64_t *known = map_get(&d->by_key, key->b);
    if (known != NULL) {
        *out = (uint32_t)*known;
        return ERR_OK;
    }
    struct copies loaded;
    struct closure_target target = {0, CLOSURE_NONE};
    struct target_mint mints;
    struct holders held;
    err_t err;
    if (copies == NULL) {
        if (TRY(err, copies_load(d->gate, key, &loaded)))
            return err;
        copies = &loaded;
    }
    if (TRY(err, copies_held(d->gate, copies, &held)) || TRY(err, names_of(d, key, &held, &mints)))
        return err;
    target.held = held.plain | held.minted;
    if (d->target_count == d->target_size && TRY(err, target_grow(d)))
        return err;
    if (TRY(err, map_put(&d->by_key, key->b, d->target_count)))
        return err;
    d->targets[d->target_count] = target;
    d->target_keys[d->target_count] = *key;
    d->target_mints[d->target_count] = mints;
    *out = (uint32_t)d->target_count++;
    return ERR_OK;
}

err_t set_hold(struct deciding *d, uint32_t target, const struct holders *held)
{
    d->targets[target].held = held->plain | held->minted;
    return names_of(d, &d->target_keys[target], held, &d->target_mints[target]);
}

err_t set_target(struct deciding *d, const struct stix_key *key, uint32_t *out)
{
    return target_of(d, key, NULL, out);
}

/* --- candidates --- */

/* For whom this object is decided: what was logged before a partner was added is history to it, definitions
 * excepted. */
static uint64_t eligible_for(const struct deciding *d, uint64_t lsn, bool follows)
{
    uint64_t mask = d->partners;
    for (unsigned p = 0; p < d->gate->peer_count; p++)
        if (!follows && lsn < d->gate->peers[p].since_lsn && (d->history >> p & 1) == 0)
            mask &= ~(UINT64_C(1) << p);
    return mask;
}

static bool needs_already(const struct closure_need *needs, uint32_t from, uint32_t count, uint32_t target)
{
    uint32_t i = from;
    while (i < count && needs[i].target != target)
        i++;
    return i < count;
}

/* References through which something comes along first: what is named again otherwise is there already. A
 * definition comes along wherever it is named, but not by the word of a partner (`foreign`), who could draw
 * out what he guesses. */
static err_t add_refs(struct deciding *d, struct candidate *c, const struct stix_ref *refs, size_t ref_count,
                      const struct form *form, bool foreign, uint64_t except, struct closure_need *needs)
{
    uint32_t from = c->member.need_count, count = from, along = from;
    for (size_t i = 0; i < 2 * ref_count; i++) {
        const struct stix_ref *ref = &refs[i % ref_count];
        bool first = i < ref_count;
        uint32_t target;
        if (ref_role_follows(ref->role) != first || key_is_builtin(&ref->key) ||
            stix_key_eq(&ref->key, &c->key))
            continue;
        err_t err = target_of(d, &ref->key, NULL, &target);
        if (err != ERR_OK)
            return err;
        bool strict = !first && (foreign || !key_is_definition(&ref->key));
        if (first || !needs_already(needs, from, along, target))
            needs[count++] = form == NULL ? (struct closure_need) {target, strict, except, CLOSURE_HARD, 0}
                                          : (struct closure_need) {target, strict, except,
                                                                   (enum closure_how)form->how[i % ref_count],
                                                                   form->group[i % ref_count]};
        along = first ? count : along;
    }
    c->member.need_count = count;
    return ERR_OK;
}

/* Whatever is minted names the node as its creator, or is kept company by what does. */
static err_t need_creator(struct deciding *d, struct candidate *c, const struct form *form,
                          struct closure_need *needs)
{
    enum closure_how how = form->minted ? CLOSURE_HARD : CLOSURE_MAKER;
    struct stix_key self;
    uint32_t target;
    if (!mint_creator_key(d->gate, &self))
        return ERR_CORRUPT;
    err_t err = target_of(d, &self, NULL, &target);
    if (err == ERR_OK)
        needs[c->member.need_count++] = (struct closure_need) {target, false, ~form->partners, how, 0};
    return err;
}

static uint64_t formed(const struct candidate *c)
{
    uint64_t mask = 0;
    for (size_t f = 0; f < c->form_count; f++)
        mask |= c->forms[f].partners;
    return mask;
}

/* What the object needs, and what its forms do. */
static err_t add_needs(struct deciding *d, struct candidate *c, const struct stix_object *object,
                       uint64_t clean, bool foreign)
{
    size_t size = object->ref_count + object->named_count + 1;
    err_t err;
    for (size_t f = 0; f < c->form_count; f++)
        size += c->forms[f].ref_count + 1;
    struct closure_need *needs = arena_alloc(d->arena, size * sizeof *needs);
    if (needs == NULL)
        return ERR_NOMEM;
    c->member.needs = needs;
    if (TRY(err, add_refs(d, c, object->refs, object->ref_count, NULL, foreign, formed(c), needs)) ||
        (clean != 0 && TRY(err, add_refs(d, c, object->named, object->named_count, NULL, foreign,
                                         formed(c) | ~clean, needs))))
        return err;
    for (size_t f = 0; f < c->form_count; f++) {
        const struct form *form = &c->forms[f];
        if (TRY(err, add_refs(d, c, form->refs, form->ref_count, form, foreign, ~form->partners, needs)) ||
            TRY(err, need_creator(d, c, form, needs)))
            return err;
    }
    return ERR_OK;
}

/* What its texts name, where that is asked about as well. */
static err_t add_names(struct deciding *d, struct candidate *c, const struct stix_object *object)
{
    uint32_t *names = arena_alloc(d->arena, (object->named_count + 1) * sizeof *names);
    err_t err = names == NULL ? ERR_NOMEM : ERR_OK;
    c->names = names;
    for (size_t i = 0; i < object->named_count && err == ERR_OK; i++)
        if (!key_is_builtin(&object->named[i].key) &&
            !TRY(err, target_of(d, &object->named[i].key, NULL, &names[c->name_count])))
            c->name_count++;
    return err;
}

/* How it leaves where it may not leave as it is. */
static void keep_forms(struct deciding *d, const struct cutting *cutting, struct candidate *c)
{
    c->forms = cutting->forms;
    c->form_count = cutting->form_count;
    c->bound = cutting->bound;
    c->bound_count = cutting->bound_count;
    for (size_t f = 0; f < c->form_count; f++) {
        c->loose |= c->forms[f].partners;
        c->cut |= c->forms[f].minted ? c->forms[f].partners : 0;
    }
    if ((c->cut | c->loose) != 0 && !mint_creator_held(d->gate))
        d->gate->wants_creator = true;
}

/* What the rules give, as the closure takes it. */
static void set_base(const struct deciding *d, struct candidate *c, const struct subject *subject,
                     const struct cutting *cutting)
{
    uint64_t own = c->verdict.release & c->eligible;
    c->member.base = own;
    uint64_t along = subject_comes_along(d->gate, subject, &cutting->facts, &c->verdict) & c->eligible;
    /* Nor does what had its time with him come back, without its time and its limits. */
    along &= ~(cutting->untreated | state_expired(&c->state, d->now_us) |
               state_worn(&c->state, d->partners, c->bound_count, c->copies));
    c->member.base = own | along;
    c->member.on_demand = along & ~own;
}

/* The copies in the step's own arena: the subject's memory is given back before the next one is looked at. */
static err_t keep_copies(struct deciding *d, const struct subject *subject, struct candidate *c)
{
    size_t size = offsetof(struct copies, at) + subject->copies->count * sizeof *subject->copies->at;
    struct copies *copies = arena_alloc(d->arena, size);
    if (copies == NULL)
        return ERR_NOMEM;
    memcpy(copies, subject->copies, size);
    c->copies = copies;
    c->copy = copies->at + (subject->copy - subject->copies->at);
    return ERR_OK;
}

static err_t fill(struct deciding *d, uint64_t lsn, struct candidate *c, bool *out_current)
{
    struct subject subject;
    struct cutting cutting;
    struct arena *arena = &d->gate->accept_arena;
    arena_reset(arena);
    err_t err = subject_recall(d->gate, lsn, arena, &subject);
    if (err != ERR_OK)
        return err;
    *out_current = copy_is_current(subject.copies, subject.copy);
    if (!*out_current)
        return ERR_OK;
    *c = (struct candidate) {.lsn = lsn,
                             .key = subject.object.key,
                             .slot = subject.slot,
                             .content = subject.content,
                             .size = subject.size,
                             .refers = -1};
    const struct gate_source *source = gate_source_get(d->gate, subject.envelope.source);
    bool foreign = source == NULL || source->partner >= 0;
    /* Judging markings parses other objects: of the references only keys and roles are there afterwards. */
    c->type_name = arena_str(d->arena, subject.object.type_name);
    if (c->type_name.at == NULL)
        return ERR_NOMEM;
    if (TRY(err, keep_copies(d, &subject, c)) ||
        TRY(err, cut_decide(d->gate, &subject, d->policy, d->now_us, arena, d->arena, &cutting)))
        return err;
    c->verdict = cutting.verdict;
    c->untold = cutting.untold;
    keep_forms(d, &cutting, c);
    if (TRY(err, add_needs(d, c, &subject.object, cutting.clean, foreign)) ||
        TRY(err, target_of(d, &c->key, c->copies, &c->member.target)) ||
        (d->foresees && TRY(err, add_names(d, c, &subject.object))))
        return err;
    c->approved = cutting.facts.approvals != 0 || cutting.facts.answer_count > 0;
    c->eligible = eligible_for(d, lsn, subject.follows);
    err = state_load(d->gate, lsn, &c->state);
    c->decided = err == ERR_OK;
    if (err == ERR_NOTFOUND)
        c->state = (struct state) {.change_us = INT64_MAX};
    else if (err != ERR_OK)
        return err;
    verdict_hold(&c->verdict, state_expired(&c->state, d->now_us), POLICY_RULE_EXPIRED);
    verdict_hold(&c->verdict, state_worn(&c->state, d->partners, c->bound_count, c->copies),
                 POLICY_RULE_REPEATS);
    set_base(d, c, &subject, &cutting);
    return ERR_OK;
}

/* What was let go of it is looked at all the same. */
static void note_old(struct deciding *d, uint64_t lsn)
{
    if (d->old_count < LIMIT_STEP_OBJECTS)
        d->old[d->old_count++] = (struct old) {.lsn = lsn};
}

/* Adds one OBJ to the set unless it is there or no longer speaks for its id. `led`: partners of whoever led
 * here. */
err_t set_add(struct deciding *d, uint64_t lsn, bool asked, uint64_t given, uint64_t led)
{
    const uint64_t *known = map_get(&d->by_lsn, &lsn);
    if (known != NULL) {
        if (*known != 0) {
            d->at[*known - 1].asked |= asked;
            d->at[*known - 1].given |= given;
            d->at[*known - 1].reach |= given | led;
        }
        return ERR_OK;
    }
    if (lsn >= d->durable)
        return ERR_OK;
    if (d->count == LIMIT_CLOSURE_MEMBERS)
        return ERR_FULL;
    struct candidate *c = &d->at[d->count];
    bool current;
    err_t err = fill(d, lsn, c, &current);
    if (err == ERR_NOTFOUND)
        return ERR_OK; /* its secret was destroyed */
    if (err != ERR_OK || TRY(err, map_put(&d->by_lsn, &lsn, current ? d->count + 1 : 0)))
        return err;
    if (!current) {
        if (asked)
            note_old(d, lsn);
        return ERR_OK;
    }
    c->asked = asked;
    c->given = given;
    c->reach = given | led;
    struct closure_target *target = &d->targets[c->member.target];
    c->member.next_copy = target->first_copy;
    target->first_copy = (uint32_t)d->count++;
    return ERR_OK;
}

err_t set_ask(struct deciding *d, uint64_t lsn)
{
    return set_add(d, lsn, true, UINT64_MAX, 0);
}

err_t set_add_carried(struct deciding *d, uint64_t lsn, uint64_t led)
{
    uint64_t given = UINT64_MAX, coming = jobs_coming(d->gate, lsn);
    struct state state;
    if (coming != 0) {
        err_t err = state_load(d->gate, lsn, &state);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
        given = ~coming | (err == ERR_OK ? state.released | state.minted : 0);
    }
    return set_add(d, lsn, false, given, led);
}

/* --- growing the set --- */

/* `fresh`: partners for whom it was not walked yet. */
static err_t grow_forward(struct deciding *d, size_t i, uint64_t fresh)
{
    uint64_t all = d->at[i].member.base & ~d->at[i].state.released & fresh;
    for (uint32_t n = 0; n < d->at[i].member.need_count; n++) {
        uint32_t t = d->at[i].member.needs[n].target;
        uint64_t leaving = all & ~d->at[i].member.needs[n].except;
        struct copies copies;
        err_t err;
        /* Observables may have to go because of what a carrier says, whoever gets the carrier, and also while
         * all who have them are paused; that another variant is held says nothing. */
        bool observable = key_is_observable(&d->target_keys[t]);
        bool binds = observable && d->at[i].asked;
        bool leads = binds || (leaving & d->partners & ~(observable ? 0 : d->targets[t].held)) != 0;
        if (!leads || !key_comes_along(&d->target_keys[t]))
            continue;
        if (TRY(err, copies_load(d->gate, &d->target_keys[t], &copies)))
            return err;
        for (size_t k = 0; k < copies.count; k++)
            if (copy_is_current(&copies, &copies.at[k]) &&
                TRY(err, binds ? set_add_carried(d, copies.at[k].lsn, leaving)
                               : set_add(d, copies.at[k].lsn, false, 0, leaving)))
                return err;
    }
    return ERR_OK;
}

/* Objects that one of these partners waits for, and that refer to this id. `given`: he has it now. */
err_t set_add_waiting(struct deciding *d, const struct stix_key *key, uint64_t partners, bool given)
{
    enum { PAGE = 256 };
    uint64_t found[PAGE], from = 0;
    size_t count;
    if (d->gate->blocked_objects == 0)
        return ERR_OK;
    do {
        err_t err = namers(d->gate, key, from, found, PAGE, &count);
        if (err != ERR_OK)
            return err;
        for (size_t k = 0; k < count; k++) {
            struct state state;
            err = state_load(d->gate, found[k], &state);
            uint64_t waits = state.blocked & partners;
            if (err == ERR_OK && waits != 0 && (state.flags & STATE_OLD) == 0)
                err = set_add(d, found[k], false, given ? waits : 0, waits);
            if (err != ERR_OK && err != ERR_NOTFOUND)
                return err;
            from = found[k] + 1;
        }
    } while (count == PAGE);
    return ERR_OK;
}

/* Somebody may have this one now who had not: the rules let it go, or he brought it himself. What is asked
 * about may be judged otherwise than before, and its translations with it, also for whoever has it. */
static err_t grow_backward(struct deciding *d, size_t i, uint64_t fresh)
{
    const struct candidate *c = &d->at[i];
    uint64_t may_have = (c->member.base | d->targets[c->member.target].held) & fresh;
    if (!c->asked)
        may_have &= ~c->state.released;
    return may_have == 0 ? ERR_OK : set_add_waiting(d, &c->key, may_have, false);
}

/* One walk over the set; members added while walking are walked in turn. */
static err_t grow_once(struct deciding *d, bool *out_grew)
{
    *out_grew = false;
    for (size_t i = 0; i < d->count; i++) {
        uint64_t fresh = d->at[i].reach & ~d->at[i].walked & ~d->at[i].stays;
        if (fresh == 0)
            continue;
        *out_grew = true;
        d->at[i].walked |= fresh;
        err_t err = grow_forward(d, i, fresh);
        if (err == ERR_OK)
            err = grow_backward(d, i, fresh);
        if (err != ERR_OK) {
            d->overflow = d->at[i].key;
            return err;
        }
    }
    return ERR_OK;
}

/* Until nothing is reached for anybody more. A walk that is cut goes on as a job. */
static err_t grow(struct deciding *d)
{
    bool grew = true;
    err_t err = ERR_OK;
    while (grew && err == ERR_OK)
        err = grow_once(d, &grew);
    d->overflowed |= err == ERR_FULL;
    for (size_t i = 0; i < d->count; i++) {
        d->at[i].member.base &= d->at[i].reach;
        d->at[i].member.on_demand &= d->at[i].reach;
    }
    return err == ERR_FULL ? ERR_OK : err;
}

/* --- closing over it --- */

err_t set_solve(struct deciding *d)
{
    struct closure_member *members = arena_alloc(d->arena, (d->count + 1) * sizeof *members);
    if (members == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < d->count; i++)
        members[i] = d->at[i].member;
    err_t err = closure_solve(members, d->count, d->targets, d->target_count, d->arena);
    for (size_t i = 0; err == ERR_OK && i < d->count; i++) {
        d->at[i].member.allowed = members[i].allowed;
        d->at[i].member.release = members[i].release;
    }
    return err;
}

/* What the set grew from stays here after all, and something leaves that was only led to: both are told apart
 * by partner. True when the set must be made anew without the former. */
static bool retract(struct deciding *d)
{
    uint64_t led = 0, stay = 0;
    for (size_t i = 0; i < d->count; i++)
        led |= d->at[i].member.release & ~d->at[i].state.released & ~d->at[i].given;
    for (size_t i = 0; i < d->count && led != 0; i++) {
        struct candidate *c = &d->at[i];
        uint64_t stays = c->member.base & ~c->member.release & ~d->targets[c->member.target].held & c->given &
                         ~c->stays & led;
        c->stays |= stays;
        stay |= stays;
    }
    for (size_t i = 0; i < d->count && stay != 0; i++) {
        d->at[i].reach = d->at[i].given;
        d->at[i].walked = 0;
    }
    return stay != 0;
}

/* Which of the set leave together. */
err_t set_close(struct deciding *d)
{
    for (unsigned round = 1; round <= LIMIT_CLOSURE_ROUNDS; round++) {
        err_t err;
        if (TRY(err, grow(d)) || TRY(err, set_solve(d)))
            return err;
        if (round == LIMIT_CLOSURE_ROUNDS || !retract(d))
            break;
    }
    return ERR_OK;
}
