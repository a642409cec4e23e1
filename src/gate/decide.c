/* Deciding: gathers the objects that one step looks at, asks the rules, closes over references, logs one
 * DECIDE (DESIGN 4 steps 4, 5).
 *
 * A step's set grows in two directions. Forward: definitions, creators and unmarked SCOs that a member needs
 * and that did not leave yet. Backward: objects that the rules would let go and that wait for somebody in the
 * set. Whatever can newly leave because of a member depends on it, so nothing else has to be looked at.
 *
 * Both are done partner by partner (`reach`): what is withheld from a partner makes nobody look at anything
 * for him, so that neither order nor time of his leaves tells of it, even while a changed fact still waits
 * for its job. Whether the closure withholds something is known only when it was solved: then the set is
 * grown and solved again without what stays (`stays`), until all that led anywhere leaves. */
#include <stdlib.h>

#include "core/wr.h"
#include "gate/closure.h"
#include "gate/state.h"

struct candidate {
    uint64_t lsn;
    struct stix_key key;
    struct policy_verdict verdict;
    uint64_t eligible; /* partners that are decided for: not those for whom this is history */
    uint64_t slot;
    struct hash content;
    size_t size;
    struct state state;
    bool decided;    /* state was there */
    bool asked;      /* logged even when nothing changes: new, or named by a job or timer */
    uint64_t given;  /* partners for whom it is looked at for its own sake: all when asked */
    uint64_t reach;  /* these, and those of whoever led here */
    uint64_t walked; /* of these, for whom the set has grown from here */
    uint64_t stays;  /* of `given`, for whom the closure withholds it: it leads nowhere */
    bool approved;
    struct copies *copies;
    const struct copy *copy;
    struct closure_member member;
    uint64_t leaves; /* result: partners that get the content now */
};

struct deciding {
    struct gate *gate;
    struct arena *arena;
    const struct policy *policy;
    int64_t now_us;
    uint64_t partners;
    uint64_t durable;
    struct candidate *at; /* LIMIT_CLOSURE_MEMBERS */
    size_t count;
    struct closure_target *targets;
    struct stix_key *target_keys;
    size_t target_count, target_size;
    struct map by_lsn;        /* lsn -> index + 1; 0: looked at and left out */
    struct map by_key;        /* object key -> target */
    struct stix_key overflow; /* a walk that was cut: go on later */
    bool overflowed;
    struct stix_key *definitions; /* markings that just arrived: what waits for them is decided again */
    size_t definition_count;
};

static err_t begin(struct deciding *d, struct gate *gate, int64_t now_us, uint64_t partners)
{
    arena_reset(&gate->step_arena);
    *d = (struct deciding) {.gate = gate,
                            .arena = &gate->step_arena,
                            .policy = gate->policy,
                            .now_us = now_us,
                            .partners = partners & partners_started(gate),
                            .durable = store_durable_lsn(gate->store)};
    d->at = arena_alloc(d->arena, LIMIT_CLOSURE_MEMBERS * sizeof *d->at);
    map_init(&d->by_lsn, 8, 4 * LIMIT_CLOSURE_MEMBERS, &gate->sip);
    map_init(&d->by_key, STIX_KEY_SIZE, SIZE_MAX / 2, &gate->sip);
    return d->at == NULL ? ERR_NOMEM : ERR_OK;
}

static void end(struct deciding *d)
{
    map_deinit(&d->by_lsn);
    map_deinit(&d->by_key);
}

/* --- targets --- */

static err_t target_grow(struct deciding *d)
{
    size_t size = d->target_size == 0 ? 1024 : d->target_size * 2;
    struct closure_target *targets = arena_alloc(d->arena, size * sizeof *targets);
    struct stix_key *keys = arena_alloc(d->arena, size * sizeof *keys);
    if (targets == NULL || keys == NULL)
        return ERR_NOMEM;
    if (d->target_count > 0) {
        memcpy(targets, d->targets, d->target_count * sizeof *targets);
        memcpy(keys, d->target_keys, d->target_count * sizeof *keys);
    }
    d->targets = targets;
    d->target_keys = keys;
    d->target_size = size;
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
    err_t err;
    if (copies == NULL) {
        if (TRY(err, copies_load(d->gate, key, &loaded)))
            return err;
        copies = &loaded;
    }
    if (TRY(err, copies_held(d->gate, copies, &target.held)))
        return err;
    if (d->target_count == d->target_size && TRY(err, target_grow(d)))
        return err;
    if (TRY(err, map_put(&d->by_key, key->b, d->target_count)))
        return err;
    d->targets[d->target_count] = target;
    d->target_keys[d->target_count] = *key;
    *out = (uint32_t)d->target_count++;
    return ERR_OK;
}

/* --- candidates --- */

/* For whom this object is decided: what was logged before a partner was added is history to it, definitions
 * excepted. */
static uint64_t eligible_for(const struct deciding *d, uint64_t lsn, bool follows)
{
    uint64_t mask = d->partners;
    for (unsigned p = 0; p < d->gate->peer_count; p++)
        if (!follows && lsn < d->gate->peers[p].since_lsn)
            mask &= ~(UINT64_C(1) << p);
    return mask;
}

static err_t add_needs(struct deciding *d, struct candidate *c, const struct stix_object *object)
{
    struct closure_need *needs = arena_alloc(d->arena, (object->ref_count + 1) * sizeof *needs);
    uint32_t count = 0;
    if (needs == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < object->ref_count; i++) {
        const struct stix_ref *ref = &object->refs[i];
        if (key_is_builtin(&ref->key) || stix_key_eq(&ref->key, &c->key))
            continue;
        err_t err = target_of(d, &ref->key, NULL, &needs[count].target);
        if (err != ERR_OK)
            return err;
        needs[count++].strict = !ref_role_follows(ref->role);
    }
    c->member.needs = needs;
    c->member.need_count = count;
    return ERR_OK;
}

/* What the rules give, as the closure takes it. An unmarked definition or creator comes along unless a rule
 * denies it. */
static void set_base(const struct gate *gate, struct candidate *c, const struct subject *subject,
                     const struct policy_facts *facts)
{
    uint64_t own = c->verdict.release & c->eligible;
    c->member.base = own;
    bool unmarked = (facts->markings & ~(unsigned)(POLICY_MARKING_NONE | POLICY_MARKING_ASSUMED)) == 0;
    if (!subject->follows || !unmarked)
        return;
    uint64_t denied = stops_mask(gate, facts);
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
        if ((c->verdict.deny >> p & 1) && c->verdict.rule[p] != POLICY_RULE_DEFAULT)
            denied |= UINT64_C(1) << p;
    c->member.follower = true;
    c->member.base = c->eligible & ~denied;
    c->member.on_demand = c->member.base & ~own;
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
    struct policy_facts facts;
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
                             .size = subject.size};
    /* References first: judging markings parses other objects, and the refs' text is gone then. */
    if (TRY(err, keep_copies(d, &subject, c)) || TRY(err, add_needs(d, c, &subject.object)) ||
        TRY(err, target_of(d, &c->key, c->copies, &c->member.target)) ||
        TRY(err, subject_decide(d->gate, &subject, d->policy, d->now_us, arena, &facts, &c->verdict)))
        return err;
    c->approved = facts.approvals != 0;
    c->eligible = eligible_for(d, lsn, subject.follows);
    set_base(d->gate, c, &subject, &facts);
    err = state_load(d->gate, lsn, &c->state);
    c->decided = err == ERR_OK;
    if (!c->decided)
        c->state = (struct state) {.change_us = INT64_MAX};
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* Adds one OBJ to the set unless it is there or no longer speaks for its id. `led`: partners of whoever led
 * here. */
static err_t add(struct deciding *d, uint64_t lsn, bool asked, uint64_t given, uint64_t led)
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
    if (err != ERR_OK || TRY(err, map_put(&d->by_lsn, &lsn, current ? d->count + 1 : 0)) || !current)
        return err;
    c->asked = asked;
    c->given = given;
    c->reach = given | led;
    struct closure_target *target = &d->targets[c->member.target];
    c->member.next_copy = target->first_copy;
    target->first_copy = (uint32_t)d->count++;
    return ERR_OK;
}

static err_t ask(struct deciding *d, uint64_t lsn)
{
    return add(d, lsn, true, UINT64_MAX, 0);
}

/* --- growing the set --- */

/* `fresh`: partners for whom it was not walked yet. */
static err_t grow_forward(struct deciding *d, size_t i, uint64_t fresh)
{
    uint64_t leaving = d->at[i].member.base & ~d->at[i].state.released & fresh;
    for (uint32_t n = 0; n < d->at[i].member.need_count; n++) {
        uint32_t t = d->at[i].member.needs[n].target;
        struct copies copies;
        err_t err;
        /* Observables may have to go because of what a carrier says, whoever gets the carrier; that another
         * variant is held says nothing. */
        bool observable = key_is_observable(&d->target_keys[t]);
        uint64_t given = observable && d->at[i].asked ? UINT64_MAX : 0;
        if (((given | leaving) & d->partners & ~(observable ? 0 : d->targets[t].held)) == 0 ||
            !key_comes_along(&d->target_keys[t]))
            continue;
        if (TRY(err, copies_load(d->gate, &d->target_keys[t], &copies)))
            return err;
        for (size_t k = 0; k < copies.count; k++)
            if (copy_is_current(&copies, &copies.at[k]) &&
                TRY(err, add(d, copies.at[k].lsn, false, given, leaving)))
                return err;
    }
    return ERR_OK;
}

/* Objects that one of these partners waits for, and that refer to this id. `given`: he has it now. */
static err_t add_waiting(struct deciding *d, const struct stix_key *key, uint64_t partners, bool given)
{
    enum { PAGE = 256 };
    uint64_t found[PAGE], from = 0;
    size_t count;
    if (d->gate->blocked_objects == 0)
        return ERR_OK;
    do {
        err_t err = referrers(d->gate, key, from, found, PAGE, &count);
        if (err != ERR_OK)
            return err;
        for (size_t k = 0; k < count; k++) {
            struct state state;
            err = state_load(d->gate, found[k], &state);
            uint64_t waits = state.blocked & partners;
            if (err == ERR_OK && waits != 0 && (state.flags & STATE_OLD) == 0)
                err = add(d, found[k], false, given ? waits : 0, waits);
            if (err != ERR_OK && err != ERR_NOTFOUND)
                return err;
            from = found[k] + 1;
        }
    } while (count == PAGE);
    return ERR_OK;
}

/* Somebody may have this one now who had not: the rules let it go, or he brought it himself. */
static err_t grow_backward(struct deciding *d, size_t i, uint64_t fresh)
{
    const struct candidate *c = &d->at[i];
    uint64_t may_have = (c->member.base | d->targets[c->member.target].held) & ~c->state.released & fresh;
    return may_have == 0 ? ERR_OK : add_waiting(d, &c->key, may_have, false);
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

/* --- from the solution to a DECIDE --- */

struct drafting {
    struct deciding *d;
    struct record_decide decide;
    struct record_entry *entries;
    struct record_class *classes;
    struct str *names;
    struct map name_ids;  /* SHA-256 of the name -> index */
    uint16_t *rule_names; /* by rule number: index + 1; 0: not asked for yet */
    struct hash *contents;
    struct seal_secret *secrets;
    size_t *sizes;
    size_t entry_size;
};

static err_t name_of(struct drafting *r, struct str name, uint16_t *out)
{
    struct hash digest = hash_sha256(bytes_from_str(name));
    const uint64_t *known = map_get(&r->name_ids, digest.b);
    if (known != NULL) {
        *out = (uint16_t)*known;
        return ERR_OK;
    }
    err_t err = map_put(&r->name_ids, digest.b, r->decide.name_count);
    if (err != ERR_OK)
        return err;
    r->names[r->decide.name_count] = name;
    *out = (uint16_t)r->decide.name_count++;
    return ERR_OK;
}

enum { RULES_MAX = POLICY_RULE_BUILTIN_COUNT + LIMIT_POLICY_RULES };

static err_t rule_name_of(struct drafting *r, unsigned rule, uint16_t *out)
{
    err_t err;
    must(rule < RULES_MAX);
    if (r->rule_names[rule] == 0) {
        if (TRY(err, name_of(r, policy_rule_name(r->d->policy, rule), out)))
            return err;
        r->rule_names[rule] = *out + 1;
    }
    *out = r->rule_names[rule] - 1;
    return ERR_OK;
}

/* The rules' words for one candidate, shared with those that had the same. Later candidates mostly repeat the
 * last classes. */
static err_t class_of(struct drafting *r, const struct candidate *c, uint16_t *out)
{
    struct record_class class = {.release = c->verdict.release & c->eligible,
                                 .hold = c->verdict.hold & c->eligible};
    err_t err;
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
        class.rule[p] = RECORD_NAME_NONE;
        if ((r->d->partners >> p & 1) == 0)
            continue;
        bool live = c->eligible >> p & 1;
        if (!live)
            class.hold |= UINT64_C(1) << p;
        err = live ? rule_name_of(r, c->verdict.rule[p], &class.rule[p])
                   : name_of(r, STR("history"), &class.rule[p]);
        if (err != ERR_OK)
            return err;
    }
    for (size_t back = 0; back < r->decide.class_count && back < 16; back++) {
        size_t k = r->decide.class_count - 1 - back;
        if (memcmp(&r->classes[k], &class, sizeof class) == 0) {
            *out = (uint16_t)k;
            return ERR_OK;
        }
    }
    if (r->decide.class_count == UINT16_MAX)
        return ERR_FULL;
    r->classes[r->decide.class_count] = class;
    *out = (uint16_t)r->decide.class_count++;
    return ERR_OK;
}

static err_t put_entry(struct drafting *r, const struct record_entry *entry, const struct candidate *c,
                       uint64_t slot)
{
    size_t e = r->decide.entry_count;
    if (e == r->entry_size)
        return ERR_FULL;
    r->entries[e] = *entry;
    r->contents[e] = entry_contentless(entry) ? (struct hash) {{0}} : c->content;
    r->sizes[e] = entry_contentless(entry) ? 0 : c->size;
    if (entry->release != 0) {
        err_t err = store_secret(r->d->gate->store, slot, &r->secrets[e]);
        if (err != ERR_OK)
            return err;
    }
    r->decide.entry_count++;
    return ERR_OK;
}

static err_t put_contentless(struct drafting *r, const struct candidate *c, uint64_t about, uint64_t mask,
                             uint16_t class)
{
    struct frame frame;
    err_t err = store_read(r->d->gate->store, about, &frame);
    if (err != ERR_OK)
        return err;
    struct record_entry entry = {.lsn = about,
                                 .about = about,
                                 .op = LEAF_SUPERSEDE,
                                 .approver = RECORD_NAME_NONE,
                                 .class = class, /* of the newer version: it is why */
                                 .release = mask,
                                 .change_us = INT64_MAX};
    return put_entry(r, &entry, c, frame.slot);
}

/* Partners that hold the same content from another copy, and were not told that it is no longer current (its
 * source took back what it said in between), or get it from another copy now: nothing is said to them twice.
 */
static err_t held_alike(struct deciding *d, const struct candidate *c, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < c->copies->count; i++) {
        const struct copy *copy = &c->copies->at[i];
        struct state state;
        if (copy->lsn == c->lsn || !copy_speaks(copy) || !copy_says_same(copy, c->copy))
            continue;
        const uint64_t *beside = map_get(&d->by_lsn, &copy->lsn);
        if (beside != NULL && *beside != 0)
            *out |= d->at[*beside - 1].leaves;
        err_t err = state_load(d->gate, copy->lsn, &state);
        if (err == ERR_OK)
            *out |= state.released & ~state.superseded;
        else if (err != ERR_NOTFOUND)
            return err;
    }
    return ERR_OK;
}

/* Older versions that partners hold: a leaf with content says which one it replaces, a contentless one that
 * it is not current. */
static err_t put_about_older(struct drafting *r, const struct candidate *c, struct record_entry *entry)
{
    uint64_t left = entry->release, told = 0;
    err_t err;
    if ((c->copy->flags & COPY_SCO) != 0)
        return ERR_OK;
    for (size_t i = c->copies->count; i-- > 0;) {
        const struct copy *older = &c->copies->at[i];
        struct state state;
        if (older->lsn == c->lsn || (older->flags & (COPY_ASSERTION | COPY_QUARANTINED | COPY_SEEN)) != 0)
            continue;
        err = state_load(r->d->gate, older->lsn, &state);
        if (err == ERR_NOTFOUND)
            continue;
        if (err != ERR_OK)
            return err;
        uint64_t holders = state.released & ~state.superseded & r->d->partners & c->reach & ~told;
        told |= holders;
        if (copy_says_same(older, c->copy))
            continue;
        struct record_entry with = *entry;
        with.release = holders & left;
        with.about = older->lsn;
        with.op = (c->copy->flags & COPY_REVOKED) != 0 ? LEAF_REVOKE : LEAF_SUPERSEDE;
        if (with.release != 0 && TRY(err, put_entry(r, &with, c, c->slot)))
            return err;
        left &= ~with.release;
        uint64_t without = holders & ~with.release & ~c->state.released;
        if (without != 0 && TRY(err, put_contentless(r, c, older->lsn, without, entry->class)))
            return err;
    }
    entry->release = left;
    return ERR_OK;
}

static err_t put_candidate(struct drafting *r, struct candidate *c)
{
    uint64_t alike;
    err_t err = held_alike(r->d, c, &alike);
    if (err != ERR_OK)
        return err;
    c->leaves = c->member.release & ~c->state.released & ~alike;
    /* Followers too, though nobody may have asked: what they wait for has to find those that need them. */
    uint64_t blocked = c->member.base & ~c->member.allowed & ~c->state.released & ~alike;
    blocked |= c->state.blocked & r->d->partners & ~c->reach;
    bool changed = c->leaves != 0 || blocked != (c->state.blocked & r->d->partners);
    if (!c->asked && !changed)
        return ERR_OK;
    struct record_entry entry = {.lsn = c->lsn,
                                 .op = LEAF_RELEASE,
                                 .approver = RECORD_NAME_NONE,
                                 .release = c->leaves,
                                 .blocked = blocked,
                                 .change_us = c->verdict.next_change_us};
    struct str approver = STR("");
    if (c->approved && c->leaves != 0 &&
        TRY(err, approver_of(r->d->gate, &c->key, c->lsn, c->leaves, r->d->arena, &approver)))
        return err;
    if (approver.len > 0 && TRY(err, name_of(r, approver, &entry.approver)))
        return err;
    if (TRY(err, class_of(r, c, &entry.class)) || TRY(err, put_about_older(r, c, &entry)))
        return err;
    /* The state needs one entry with content even when all leaves were about older versions, or there is
     * none. */
    bool covered = entry.release == 0 && c->leaves != 0;
    return covered ? ERR_OK : put_entry(r, &entry, c, c->slot);
}

/* Where each partner's ledger stands, and the time of its first new leaf: unique and increasing per view. */
static err_t put_starts(struct drafting *r)
{
    struct deciding *d = r->d;
    struct record_start *starts = arena_zalloc(d->arena, LIMIT_PARTNERS, sizeof *starts);
    uint64_t any = 0;
    if (starts == NULL)
        return ERR_NOMEM;
    for (size_t e = 0; e < r->decide.entry_count; e++)
        any |= r->entries[e].release;
    for (unsigned p = 0; p < d->gate->peer_count; p++) {
        const struct view *view = &d->gate->views[p];
        if ((any >> p & 1) == 0)
            continue;
        int64_t time_us = d->now_us > view->last_time_us ? d->now_us : view->last_time_us + 1;
        starts[r->decide.start_count++] =
            (struct record_start) {(uint8_t)p, d->gate->peers[p].epoch, view->tree.edge.size, time_us};
    }
    r->decide.starts = starts;
    return ERR_OK;
}

static err_t draft_init(struct drafting *r, struct deciding *d)
{
    *r = (struct drafting) {.d = d, .entry_size = 2 * d->count + LIMIT_COPIES};
    r->entries = arena_zalloc(d->arena, r->entry_size, sizeof *r->entries);
    r->contents = arena_zalloc(d->arena, r->entry_size, sizeof *r->contents);
    r->secrets = arena_zalloc(d->arena, r->entry_size, sizeof *r->secrets);
    r->sizes = arena_zalloc(d->arena, r->entry_size, sizeof *r->sizes);
    r->classes = arena_zalloc(d->arena, d->count + 1, sizeof *r->classes);
    r->names = arena_zalloc(d->arena, RECORD_NAMES_MAX, sizeof *r->names);
    r->rule_names = arena_zalloc(d->arena, RULES_MAX, sizeof *r->rule_names);
    map_init(&r->name_ids, HASH_SIZE, RECORD_NAMES_MAX, &d->gate->sip);
    if (r->entries == NULL || r->contents == NULL || r->secrets == NULL || r->sizes == NULL ||
        r->classes == NULL || r->names == NULL || r->rule_names == NULL)
        return ERR_NOMEM;
    return ERR_OK;
}

static err_t solve(struct deciding *d)
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
static err_t close_over(struct deciding *d)
{
    for (unsigned round = 1; round <= LIMIT_CLOSURE_ROUNDS; round++) {
        err_t err;
        if (TRY(err, grow(d)) || TRY(err, solve(d)))
            return err;
        if (round == LIMIT_CLOSURE_ROUNDS || !retract(d))
            break;
    }
    return ERR_OK;
}

static err_t log_decide(struct drafting *r)
{
    struct gate *gate = r->d->gate;
    uint64_t lsn;
    err_t err;
    buf_clear(&gate->record);
    record_decide_write(&gate->record, &r->decide);
    if (TRY(err, gate_append(gate, FRAME_DECIDE, &lsn)))
        return err;
    struct decide_hint hint = {r->contents, r->secrets, r->sizes};
    return decide_apply(gate, lsn, &r->decide, &hint);
}

/* In what order a partner's leaves stand may depend on nothing but the objects that it gets: a walk along
 * references, which also passes through what is withheld, would tell of it. So the order follows from each
 * object alone: definitions, creators, observables, objects, relationships, containers; then by arrival. */
struct place {
    uint64_t lsn;
    uint32_t member;
    int rank;
};

static int place_cmp(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return left->lsn < right->lsn ? -1 : left->lsn > right->lsn;
}

static err_t put_in_order(const struct deciding *d, uint32_t *order)
{
    struct place *places = arena_alloc(d->arena, (d->count + 1) * sizeof *places);
    if (places == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < d->count; i++)
        places[i] = (struct place) {d->at[i].lsn, (uint32_t)i, key_rank(&d->at[i].key)};
    qsort(places, d->count, sizeof *places, place_cmp);
    for (size_t i = 0; i < d->count; i++)
        order[i] = places[i].member;
    return ERR_OK;
}

/* Closes over the set, writes and applies the DECIDE. Positions and job cursor are the caller's. */
static err_t conclude(struct deciding *d, uint64_t to, const struct job *job, uint64_t job_cursor)
{
    struct drafting r = {0};
    uint32_t *order = NULL;
    err_t err;
    if (TRY(err, close_over(d)))
        return err;
    order = arena_alloc(d->arena, (d->count + 1) * sizeof *order);
    if (order == NULL)
        return ERR_NOMEM;
    if (TRY(err, put_in_order(d, order)) || TRY(err, draft_init(&r, d)))
        goto out;
    r.decide = (struct record_decide) {.from = d->gate->decided_lsn,
                                       .to = to,
                                       .policy = d->gate->policy_lsn,
                                       .now_us = d->now_us,
                                       .partners = d->partners,
                                       .job = job == NULL ? 0 : job->number,
                                       .job_cursor = job_cursor,
                                       .policy_digest = policy_digest(d->policy),
                                       .names = r.names,
                                       .classes = r.classes,
                                       .entries = r.entries};
    for (size_t i = 0; i < d->count; i++)
        if (TRY(err, put_candidate(&r, &d->at[order[i]])))
            goto out;
    if (TRY(err, put_starts(&r)) || TRY(err, log_decide(&r)))
        goto out;
    /* A job over these very referrers comes to all of them: no need to ask again, and again. */
    bool covered = job != NULL && job->scope == JOB_REFERRERS && stix_key_eq(&job->key, &d->overflow);
    if (d->overflowed && !covered)
        err = job_recheck(d->gate, &d->overflow, d->now_us, "a walk over references reached its limit");
    for (size_t i = 0; err == ERR_OK && i < d->definition_count; i++)
        err = job_recheck(d->gate, &d->definitions[i], d->now_us, "a marking arrived");
out:
    map_deinit(&r.name_ids);
    return err;
}

/* --- the three kinds of work --- */

/* A definition that arrives after objects that carry it lets them be judged at last. */
static err_t note_definition(struct deciding *d, const struct candidate *c)
{
    uint64_t first;
    size_t count = 0;
    if (!key_is_marking(&c->key))
        return ERR_OK;
    err_t err = referrers(d->gate, &c->key, 0, &first, 1, &count);
    if (err != ERR_OK || count == 0 || first > c->lsn)
        return err;
    if (d->definitions == NULL)
        d->definitions = arena_alloc(d->arena, LIMIT_STEP_OBJECTS * sizeof *d->definitions);
    if (d->definitions == NULL)
        return ERR_NOMEM;
    d->definitions[d->definition_count++] = c->key;
    return ERR_OK;
}

/* What a carrier of observables says binds its source's unmarked variants, whether or not it speaks for its
 * own id. A carrier that is decided itself finds them by growing. */
static err_t wake_carried(struct deciding *d, const struct stix_key *keys, size_t count, uint32_t source)
{
    for (size_t i = 0; i < count; i++) {
        struct copies copies;
        if (!key_is_observable(&keys[i]))
            continue;
        err_t err = copies_load(d->gate, &keys[i], &copies);
        for (size_t k = 0; err == ERR_OK && k < copies.count; k++)
            if (copies.at[k].source == source && copy_is_current(&copies, &copies.at[k]))
                err = add(d, copies.at[k].lsn, false, UINT64_MAX, 0);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* Keys of all that it refers to, in the step's arena. */
static err_t keep_keys(struct deciding *d, const struct stix_object *object, struct stix_key **out)
{
    *out = arena_alloc(d->arena, (object->ref_count + 1) * sizeof **out);
    for (size_t i = 0; *out != NULL && i < object->ref_count; i++)
        (*out)[i] = object->refs[i].key;
    return *out == NULL ? ERR_NOMEM : ERR_OK;
}

/* What else an arrival moves, whether or not it speaks for its id: its source's unmarked observables that it
 * carries (`carries`), and what waits for the partner who brought it to have it. */
static err_t wake(struct deciding *d, uint64_t lsn, const struct record_envelope *envelope, bool carries)
{
    struct subject subject;
    struct stix_key *keys;
    const struct gate_source *source = gate_source_get(d->gate, envelope->source);
    bool waiting = source != NULL && source->partner >= 0 && d->gate->blocked_objects != 0;
    if (!waiting && !carries)
        return ERR_OK;
    arena_reset(&d->gate->accept_arena);
    err_t err = subject_recall(d->gate, lsn, &d->gate->accept_arena, &subject);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct stix_key key = subject.object.key;
    size_t count = subject.object.ref_count;
    if (TRY(err, keep_keys(d, &subject.object, &keys)))
        return err;
    if (waiting)
        err = add_waiting(d, &key, UINT64_C(1) << source->partner, true);
    if (err == ERR_OK && carries)
        err = wake_carried(d, keys, count, envelope->source);
    if (err != ERR_FULL)
        return err;
    d->overflow = key;
    d->overflowed = true;
    return ERR_OK;
}

/* One newly durable frame. */
static err_t look_at(struct deciding *d, const struct frame *frame)
{
    struct record_envelope envelope;
    size_t before = d->count;
    err_t err;
    if (frame->kind != FRAME_OBJ && frame->kind != FRAME_SEEN && frame->kind != FRAME_QUAR)
        return ERR_OK;
    if (TRY(err,
            record_envelope_read(frame->kind == FRAME_SEEN ? frame->payload : frame->envelope, &envelope)))
        return err;
    if (frame->kind == FRAME_QUAR) /* the stricter marking of a conflicting copy binds at once */
        return envelope.reason == RECORD_QUARANTINE_CONFLICT ? ask(d, envelope.about) : ERR_OK;
    if (frame->kind == FRAME_SEEN)
        return wake(d, envelope.about, &envelope, false);
    if (TRY(err, ask(d, frame->lsn)) || (d->count > before && TRY(err, note_definition(d, &d->at[before]))))
        return err;
    return wake(d, frame->lsn, &envelope, d->count == before);
}

/* Newly durable frames, in order. */
static err_t step_live(struct gate *gate, int64_t now_us, bool *out_did)
{
    struct deciding d;
    struct frame frame;
    uint64_t to = gate->scanned_lsn > gate->decided_lsn ? gate->scanned_lsn : gate->decided_lsn;
    struct store_iter iter = store_iter(gate->store, to, store_durable_lsn(gate->store));
    size_t looked = 0;
    err_t err = begin(&d, gate, now_us, UINT64_MAX);
    *out_did = false;
    while (err == ERR_OK && d.count < LIMIT_STEP_OBJECTS && looked < LIMIT_STEP_OBJECTS &&
           (err = store_iter_next(&iter, &frame)) == ERR_OK) {
        err = look_at(&d, &frame);
        looked++;
        to = iter.lsn;
    }
    if (err == ERR_NOTFOUND)
        err = ERR_OK;
    /* Frames that decide nothing (facts, notes, DECIDEs, superseded versions) need no DECIDE of their own:
     * they are passed with the next object, and not looked at twice before. */
    *out_did = d.count > 0 || looked == LIMIT_STEP_OBJECTS;
    if (err == ERR_OK && d.count > 0)
        err = conclude(&d, to, NULL, 0);
    if (err == ERR_OK) {
        gate->scanned_lsn = to;
        fresh_passed(gate, to);
    }
    end(&d);
    return err;
}

static err_t step_timers(struct gate *gate, int64_t now_us, bool *out_did, int64_t *out_next_us)
{
    struct deciding d;
    uint64_t due[LIMIT_STEP_OBJECTS];
    size_t count;
    err_t err = timers_due(gate, now_us, due, LIMIT_STEP_OBJECTS, &count, out_next_us);
    *out_did = false;
    if (err != ERR_OK || count == 0)
        return err;
    *out_did = true;
    err = begin(&d, gate, now_us, UINT64_MAX);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = ask(&d, due[i]);
    if (err == ERR_OK)
        err = conclude(&d, gate->decided_lsn, NULL, 0);
    end(&d);
    return err;
}

/* A marking means something else now, and `lsn` carries it. Where that is a copy that does not speak (any
 * more), it binds all the same what has its version, and the observables that it carries. */
static err_t ask_referrer(struct deciding *d, uint64_t lsn)
{
    struct subject subject;
    struct copies copies;
    err_t err;
    if (TRY(err, ask(d, lsn)))
        return err;
    const uint64_t *known = map_get(&d->by_lsn, &lsn);
    if (known == NULL || *known != 0)
        return ERR_OK;
    arena_reset(&d->gate->accept_arena);
    if (TRY(err, subject_load(d->gate, lsn, &d->gate->accept_arena, &subject)))
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct stix_key key = subject.object.key;
    struct stamp version = subject.copy->version;
    struct record_envelope envelope = subject.envelope;
    if (TRY(err, copies_load(d->gate, &key, &copies)))
        return err;
    for (size_t i = 0; err == ERR_OK && i < copies.count; i++)
        if (stamp_cmp(copies.at[i].version, version) == 0 && copy_is_current(&copies, &copies.at[i]))
            err = ask(d, copies.at[i].lsn);
    return err != ERR_OK ? err : wake(d, lsn, &envelope, true);
}

static err_t ask_page(struct deciding *d, const struct job *job, const uint64_t *page, size_t count,
                      uint64_t *cursor)
{
    err_t err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        if (d->count >= LIMIT_STEP_OBJECTS) { /* one may have led to many */
            *cursor = page[i];
            break;
        }
        err = job->scope == JOB_REFERRERS ? ask_referrer(d, page[i]) : ask(d, page[i]);
    }
    return err;
}

static err_t step_job(struct gate *gate, int64_t now_us, bool *out_did)
{
    struct deciding d;
    uint64_t page[LIMIT_STEP_OBJECTS], cursor;
    size_t count;
    struct job *next = job_next(gate);
    *out_did = next != NULL;
    if (next == NULL)
        return ERR_OK;
    struct job job = *next;
    err_t err = job_page(gate, &job, page, LIMIT_STEP_OBJECTS, &count, &cursor);
    if (err != ERR_OK)
        return err;
    err = begin(&d, gate, now_us, job.partners);
    if (err == ERR_OK)
        err = ask_page(&d, &job, page, count, &cursor);
    if (err == ERR_OK)
        err = conclude(&d, gate->decided_lsn, &job, cursor);
    end(&d);
    return err;
}

err_t gate_step(struct gate *gate, int64_t now_us, bool *out_more, int64_t *out_next_us)
{
    must(gate->magic == GATE_MAGIC);
    bool did = false;
    int64_t next_us = INT64_MAX;
    err_t err = ERR_OK;
    *out_more = false;
    *out_next_us = INT64_MAX;
    if (gate->read_only)
        return ERR_OK;
    if (gate->group_open && TRY(err, gate_commit(gate)))
        return err;
    if (gate->policy != NULL && partners_started(gate) != 0) {
        err = step_live(gate, now_us, &did);
        if (err == ERR_OK && !did)
            err = step_timers(gate, now_us, &did, &next_us);
        if (err == ERR_OK && !did)
            err = step_job(gate, now_us, &did);
    }
    store_view_end(gate->store);
    if (err != ERR_OK)
        return err;
    *out_more = did;
    *out_next_us = next_us;
    return ERR_OK;
}
