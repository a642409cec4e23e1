/* What another policy would do, told before it is in force. Two sets are made of what may go otherwise, one
 * under each policy, and closed and made like those that are decided (grow.c, form.c): what leaves depends
 * on nothing else than what it needs, however far. What partners have is judged as a policy that comes into
 * force judges it (withdraw.c). Nothing of all this is written.
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
    struct later {
        uint64_t partners; /* to whom it would go when a time is over, by the other policy alone */
        int64_t at_us;
    } later[OBJECTS_MAX];
    size_t count;
    struct deciding sets[SIDES];
    struct arena *arena; /* of one line */
    struct namer {       /* what names an object that somebody loses, and stays with these */
        struct stix_key key;
        uint64_t whole, minted; /* how they have it */
    } namers[LIMIT_NEIGHBOURS];
    size_t namer_count;
    bool more_namers;
    uint32_t asked[LIMIT_NEIGHBOURS]; /* targets of one set: who needs them was looked at */
    size_t asked_count;
};

/* One copy that may be had, and what the partner who is looked at reads of it, and would read if nothing came
 * anew. */
struct had {
    struct state state, kept; /* kept: what the other policy leaves of it */
    struct judged judged;     /* by the other policy */
    bool judges;
    struct reads now, then;
};

/* How one object goes to one partner under one policy. */
struct side {
    bool rules; /* they let it go */
    bool goes;
    bool along; /* with what names it, if that goes: it is not told of */
    enum gate_diff_word word;
    enum reads_what reads;
    struct str parts; /* what is taken out of that, a line each */
    const struct policy_duties *duties;
    struct str rule, text; /* ...and the duties of this rule, as written */
};

/* --- what may differ --- */

/* What cannot leave as it stands, in which form. */
static const struct form *minted_form(const struct form *forms, size_t count, unsigned partner)
{
    for (size_t i = 0; i < count; i++)
        if ((forms[i].partners >> partner & 1) && forms[i].minted)
            return &forms[i];
    return NULL;
}

static bool forms_alike(const struct form *a, const struct form *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || str_eq(a->profile, b->profile));
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

/* What was minted may be made otherwise when what it names goes otherwise. */
static bool refers(const struct stix_object *object)
{
    bool found = object->named_count > 0;
    for (size_t i = 0; i < object->ref_count && !found; i++)
        found = !key_is_builtin(&object->refs[i].key);
    return found;
}

/* Partners of whom more has to be asked: more rather than less. `state`: what they have and wait for. */
static uint64_t may_differ(const struct differing *d, const struct stix_object *object,
                           const struct cutting *now, const struct cutting *then, const struct state *state)
{
    uint64_t both = now->verdict.release & then->verdict.release, has = state->released | state->minted;
    uint64_t mask = (now->verdict.release ^ then->verdict.release) | (both & state->blocked);
    mask |= has & (then->verdict.deny | then->clean | then->hidden);
    mask |= policy_has_duties(d->policies[THEN]) ? has & then->verdict.hold : 0;
    mask |= both & (now->clean ^ then->clean);
    mask |= now->verdict.hold ^ then->verdict.hold;
    mask |= refers(object) ? state->minted & ~state->released & then->verdict.release : 0;
    for (unsigned p = 0; p < d->gate->peer_count; p++)
        if ((both >> p & 1) && (mask >> p & 1) == 0 && !same_for(now, then, p))
            mask |= UINT64_C(1) << p;
    return mask & d->partners;
}

static err_t decide_both(struct differing *d, const struct subject *subject, int64_t now_us,
                         struct cutting out[SIDES])
{
    struct arena *arena = &d->gate->accept_arena;
    err_t err = ERR_OK;
    out[NOW] = (struct cutting) {0};
    for (int s = NOW; s < SIDES && err == ERR_OK; s++)
        if (d->policies[s] != NULL)
            err = cut_decide(d->gate, subject, d->policies[s], now_us, arena, arena, &out[s]);
    return err;
}

/* `after`, a deadline whose default is to release: what the clock alone changes by the other policy, and not
 * by the one in force. */
static err_t look_later(struct differing *d, const struct subject *subject, const struct cutting *then,
                        struct later *out)
{
    struct cutting at[SIDES];
    uint64_t waits = d->partners & ~then->verdict.release;
    err_t err;
    *out = (struct later) {.at_us = then->verdict.next_change_us};
    if (waits == 0 || out->at_us == INT64_MAX || out->at_us <= d->now_us)
        return ERR_OK;
    if (TRY(err, decide_both(d, subject, out->at_us, at)))
        return err;
    uint64_t newly = waits & at[THEN].verdict.release;
    for (unsigned p = 0; p < d->gate->peer_count; p++)
        if ((newly >> p & 1) && (!(at[NOW].verdict.release >> p & 1) || !same_for(&at[NOW], &at[THEN], p)))
            out->partners |= UINT64_C(1) << p;
    return ERR_OK;
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
    state.blocked |= ~has & (err == ERR_NOTFOUND ? UINT64_MAX : ~partners_started(d->gate));
    if (!current && has == 0)
        return ERR_OK;
    if (TRY(err, decide_both(d, &subject, d->now_us, cuttings)) ||
        (current && TRY(err, look_later(d, &subject, &cuttings[THEN], &d->later[d->count]))))
        return err;
    if (!current)
        d->later[d->count].partners = 0;
    if (may_differ(d, &subject.object, &cuttings[NOW], &cuttings[THEN], &state) != 0 ||
        d->later[d->count].partners != 0)
        d->lsns[d->count++] = lsn;
    return ERR_OK;
}

/* --- the two sets --- */

static struct candidate *candidate_of(const struct deciding *set, uint64_t lsn)
{
    const uint64_t *known = map_get(&set->by_lsn, &lsn);
    return known == NULL || *known == 0 ? NULL : &set->at[*known - 1];
}

static err_t follow_target(struct deciding *set, uint32_t target)
{
    struct copies copies;
    err_t err = copies_load(set->gate, &set->target_keys[target], &copies);
    for (size_t k = 0; err == ERR_OK && k < copies.count; k++)
        if (copy_is_current(&copies, &copies.at[k]))
            err = set_add(set, copies.at[k].lsn, false, UINT64_MAX, 0);
    return err;
}

/* Everything that these and all after them need, however far, and what their texts name: under what name, if
 * at all, follows from how that leaves. ERR_FULL: that is more than a set holds. */
static err_t follow_from(struct deciding *set, size_t from)
{
    err_t err = ERR_OK;
    for (size_t i = from; i < set->count && err == ERR_OK; i++) {
        for (uint32_t n = 0; n < set->at[i].member.need_count && err == ERR_OK; n++) {
            const struct closure_need need = set->at[i].member.needs[n];
            if ((set->at[i].member.base & ~need.except) != 0)
                err = follow_target(set, need.target);
        }
        for (size_t n = 0; n < set->at[i].name_count && set->at[i].member.base != 0 && err == ERR_OK; n++)
            err = follow_target(set, set->at[i].names[n]);
    }
    return err;
}

static err_t follow(struct deciding *set, uint64_t lsn)
{
    size_t from = set->count;
    err_t err = set_add(set, lsn, true, UINT64_MAX, 0);
    return err != ERR_OK ? err : follow_from(set, from);
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

/* --- what they have --- */

/* Leaves in `state` what the other policy does not take back. */
static err_t keep(struct differing *d, uint64_t lsn, struct state *state)
{
    struct judged judged;
    uint64_t denied;
    arena_reset(d->arena);
    if ((state->released | state->minted) == 0)
        return ERR_OK;
    err_t err = judge_had(d->gate, d->policies[THEN], lsn, d->now_us, d->arena, &judged);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed: nothing is left to take */
    if (TRY(err, judged_denied(d->gate, &judged, NULL, state->released, d->arena, &denied)))
        return err;
    state->released &= ~denied;
    for (uint64_t left = state->minted; left != 0 && err == ERR_OK; left &= left - 1) {
        unsigned p = (unsigned)__builtin_ctzll(left);
        const struct state minted = {.minted = left & -left};
        struct reads reads;
        err = reads_of(d->gate, &judged.subject.object.key, lsn, &minted, &judged, p, d->arena, &reads);
        if (err == ERR_OK && reads.what == READS_NOTHING)
            state->minted &= ~minted.minted;
    }
    return err;
}

/* What would be taken back is had no more. Under the policy in force they have what they have, and get no
 * more of it. */
static err_t hold_target(struct differing *d, int s, uint32_t target, const struct copies *copies)
{
    struct deciding *set = &d->sets[s];
    struct holders held = {0};
    err_t err = ERR_OK;
    for (size_t i = 0; i < copies->count && err == ERR_OK; i++) {
        const struct copy *copy = &copies->at[i];
        const struct gate_source *source = gate_source_get(d->gate, copy->source);
        struct candidate *c = candidate_of(set, copy->lsn);
        struct state state = {0};
        if ((copy->flags & COPY_QUARANTINED) != 0)
            continue;
        err = state_load(d->gate, copy->lsn, &state);
        err = err == ERR_NOTFOUND ? ERR_OK : err;
        if (err == ERR_OK && s == THEN)
            err = keep(d, copy->lsn, &state);
        held.plain |= source != NULL && source->partner >= 0 ? UINT64_C(1) << source->partner : 0;
        held.plain |= state.released;
        held.minted |= state.minted;
        if (c == NULL)
            continue;
        c->state.released = state.released | (s == NOW ? state.minted : 0);
        c->state.minted = state.minted;
    }
    return err != ERR_OK ? err : set_hold(set, target, &held);
}

/* Before anything is minted at all the node has no identity to make it under: it gets one then, which goes
 * wherever it is needed. */
static err_t hold_all(struct differing *d, int s)
{
    struct deciding *set = &d->sets[s];
    struct copies loaded;
    struct stix_key self;
    uint32_t target;
    err_t err = ERR_OK;
    for (uint32_t t = 0; t < set->target_count && err == ERR_OK; t++) {
        bool alone = set->targets[t].first_copy == CLOSURE_NONE; /* older versions of it may be had */
        const struct copies *copies = alone ? &loaded : set->at[set->targets[t].first_copy].copies;
        if (!alone || !TRY(err, copies_load(set->gate, &set->target_keys[t], &loaded)))
            err = hold_target(d, s, t, copies);
    }
    if (err == ERR_OK && !mint_creator_held(set->gate) && mint_creator_key(set->gate, &self) &&
        !TRY(err, set_target(set, &self, &target)))
        set->targets[target].held = UINT64_MAX;
    return err;
}

/* --- who asks for what comes along --- */

/* To some of these something of it would go if somebody asked for it. */
static bool is_wanted(const struct deciding *set, uint32_t target, uint64_t partners)
{
    uint64_t stays = 0;
    for (uint32_t m = set->targets[target].first_copy; m != CLOSURE_NONE; m = set->at[m].member.next_copy)
        stays |= set->at[m].member.allowed & set->at[m].member.on_demand & ~set->at[m].member.release;
    return (stays & partners & ~set->targets[target].held) != 0;
}

/* Once each. False: so many were asked about. */
static bool note_asked(struct differing *d, uint32_t target)
{
    for (size_t i = 0; i < d->asked_count; i++)
        if (d->asked[i] == target)
            return false;
    if (d->asked_count == LIMIT_NEIGHBOURS)
        return false;
    d->asked[d->asked_count++] = target;
    return true;
}

/* What comes along goes when anybody needs it, in whatever portion that is: so it is looked at here, and what
 * it needs itself. As far as there is room: what does not fit asks for nothing. */
static err_t ask_about(struct differing *d, struct deciding *set, uint32_t target, uint64_t partners)
{
    uint64_t found[LIMIT_NEIGHBOURS];
    size_t count, from = set->count;
    err_t err;
    if (!is_wanted(set, target, partners) || !note_asked(d, target))
        return ERR_OK;
    if (TRY(err, namers(set->gate, &set->target_keys[target], 0, found, LIMIT_NEIGHBOURS, &count)))
        return err;
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = set_add(set, found[i], false, UINT64_MAX, 0);
    err = err == ERR_OK ? follow_from(set, from) : err;
    return err == ERR_FULL ? ERR_OK : err;
}

/* Of all that looks for more than being needed by it, or is told of itself. */
static err_t ask_for(struct differing *d, struct deciding *set, size_t i)
{
    err_t err = ERR_OK;
    for (uint32_t n = 0; n < set->at[i].member.need_count && err == ERR_OK; n++) {
        const struct closure_need need = set->at[i].member.needs[n];
        if (need.strict || need.how != CLOSURE_HARD)
            err = ask_about(d, set, need.target, set->at[i].member.base & ~need.except);
    }
    for (size_t n = 0; n < set->at[i].name_count && err == ERR_OK; n++)
        err = ask_about(d, set, set->at[i].names[n], set->at[i].member.base);
    return err == ERR_OK && set->at[i].asked ? ask_about(d, set, set->at[i].member.target, d->partners) : err;
}

static err_t settle(struct differing *d, int s)
{
    struct deciding *set = &d->sets[s];
    size_t before = SIZE_MAX;
    uint32_t *order;
    err_t err = ERR_OK;
    d->asked_count = 0;
    while (err == ERR_OK && before != set->count) {
        before = set->count;
        if (TRY(err, hold_all(d, s)) || TRY(err, set_solve(set)))
            break;
        for (size_t i = 0; i < before && err == ERR_OK; i++)
            err = ask_for(d, set, i);
    }
    return err != ERR_OK || TRY(err, set_order(set, &order)) ? err : set_mint(set, order);
}

/* --- what stays and names what is lost --- */

static struct namer *namer_of(struct differing *d, const struct stix_key *key)
{
    for (size_t i = 0; i < d->namer_count; i++)
        if (stix_key_eq(&d->namers[i].key, key))
            return &d->namers[i];
    d->namers[d->namer_count] = (struct namer) {.key = *key};
    return &d->namers[d->namer_count++];
}

/* A copy that names it: who keeps that under the other policy? Of several versions the newest counts that he
 * has. */
static err_t add_namer(struct differing *d, uint64_t lsn)
{
    struct subject subject;
    struct state state;
    err_t err = state_load(d->gate, lsn, &state);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (TRY(err, keep(d, lsn, &state)) || (state.released | state.minted) == 0)
        return err;
    arena_reset(d->arena);
    if (TRY(err, subject_recall(d->gate, lsn, d->arena, &subject)))
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct namer *namer = namer_of(d, &subject.object.key);
    namer->whole |= state.released & ~state.superseded;
    namer->minted |= state.minted;
    return ERR_OK;
}

/* All that names this, however it is named: by reference or in a text. */
static err_t find_namers(struct differing *d, const struct stix_key *key)
{
    uint64_t found[LIMIT_NEIGHBOURS];
    size_t count;
    err_t err = namers(d->gate, key, 0, found, LIMIT_NEIGHBOURS, &count);
    d->namer_count = 0;
    d->more_namers = err == ERR_OK && count == LIMIT_NEIGHBOURS;
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = add_namer(d, found[i]);
    return err;
}

/* Does what he has of it, minted, name this identifier? What was made since may have it otherwise. */
static err_t minted_says(struct differing *d, const struct namer *namer, unsigned p, struct str id, bool *out)
{
    struct mint *variants;
    struct frame frame;
    struct bytes bytes;
    err_t err = mint_variants(d->gate, &namer->key, p, d->arena, &variants);
    *out = false;
    if (err != ERR_OK || variants == NULL)
        return err;
    if (TRY(err, store_read(d->gate->store, mint_known(variants)->lsn, &frame)) ||
        TRY(err, frame_bytes(d->gate, &frame, d->arena, &bytes)))
        return err == ERR_NOTFOUND ? ERR_OK : err;
    *out = bytes_contain(bytes, bytes_from_str(id));
    return ERR_OK;
}

/* Who keeps something of it, in whatever version; and who brought it himself, and knows its own name. */
static err_t kept_of(struct differing *d, const struct stix_key *key, struct holders *out,
                     uint64_t *out_brought)
{
    struct copies copies;
    struct holders held = {0};
    uint64_t brought = 0;
    err_t err = copies_load(d->gate, key, &copies);
    for (size_t i = 0; err == ERR_OK && i < copies.count; i++) {
        const struct gate_source *source = gate_source_get(d->gate, copies.at[i].source);
        struct state state = {0};
        err = state_load(d->gate, copies.at[i].lsn, &state);
        err = err == ERR_NOTFOUND ? ERR_OK : err;
        if (err == ERR_OK)
            err = keep(d, copies.at[i].lsn, &state);
        brought |= source != NULL && source->partner >= 0 ? UINT64_C(1) << source->partner : 0;
        held.plain |= state.released;
        held.minted |= state.minted;
    }
    *out = held;
    *out_brought = brought;
    return err;
}

/* Of what these have: who loses its own identifier, or the minted one, and what names it. */
static err_t find_lost(struct differing *d, const struct stix_key *key, const struct state *had,
                       struct holders *out)
{
    struct holders kept;
    uint64_t brought;
    err_t err;
    d->namer_count = 0;
    *out = (struct holders) {0};
    if (TRY(err, kept_of(d, key, &kept, &brought)))
        return err;
    out->plain = had->released & ~(kept.plain | brought) & d->partners;
    out->minted = had->minted & ~had->released & ~(kept.plain | kept.minted) & d->partners;
    return (out->plain | out->minted) == 0 ? ERR_OK : find_namers(d, key);
}

/* By what name did he know what he loses? Empty: he keeps that name, or it comes back to him under it. */
static err_t name_lost(struct differing *d, const struct stix_key *key, const struct holders *lost,
                       unsigned p, struct str id, enum reads_what then, struct str *out)
{
    struct mint *variants = NULL;
    bool whole = lost->plain >> p & 1;
    *out = whole && then != READS_WHOLE ? id : STR("");
    if (whole || then != READS_NOTHING || (lost->minted >> p & 1) == 0)
        return ERR_OK;
    err_t err = mint_variants(d->gate, key, p, d->arena, &variants);
    if (err == ERR_OK && variants != NULL)
        *out = mint_known(variants)->id;
    return err;
}

/* What he keeps that names it so. What was minted may be made anew: only the whole closure would say. */
static err_t count_namers(struct differing *d, const struct stix_key *key, const struct holders *lost,
                          enum reads_what then, struct gate_diff_line *line)
{
    struct str id;
    unsigned p = line->partner;
    err_t err = name_lost(d, key, lost, p, line->id, then, &id);
    for (size_t i = 0; err == ERR_OK && i < d->namer_count && id.len > 0; i++) {
        const struct namer *namer = &d->namers[i];
        bool names = (lost->plain & namer->whole) >> p & 1, says = false;
        if (!names && (namer->minted >> p & 1))
            err = minted_says(d, namer, p, id, &says);
        line->named_by += names;
        line->named_minted += says;
    }
    line->named_more = id.len > 0 && d->more_namers;
    return err;
}

/* --- telling --- */

/* What is taken out where this is minted. */
static err_t parts_of(const struct candidate *c, unsigned p, struct arena *arena, struct str *out)
{
    const struct form *form = minted_form(c->forms, c->form_count, p);
    struct buf text;
    buf_init(&text, LIMIT_MINT_PROFILE_BYTES);
    if (form != NULL)
        buf_put_str(&text, form->profile);
    if (c->lacks >> p & 1)
        buf_put_str(&text, STR(GATE_DIFF_LACKING "\n"));
    *out = arena_str(arena, buf_str(&text));
    err_t err = buf_err(&text);
    buf_deinit(&text);
    return err != ERR_OK ? err : out->at == NULL ? ERR_NOMEM : ERR_OK;
}

static enum gate_diff_word word_of(const struct policy_verdict *verdict, unsigned p)
{
    return verdict->release >> p & 1 ? GATE_DIFF_RELEASE
           : verdict->hold >> p & 1  ? GATE_DIFF_WAITS
                                     : GATE_DIFF_DENY;
}

/* What goes under this policy, and would be read by a partner who keeps nothing of it. What merely comes
 * along is told of to those who have it: it may come anew when it is taken back. */
static err_t side_of(const struct differing *d, int s, uint64_t lsn, unsigned p, bool has, struct side *out)
{
    struct side side = {.rule = STR("no policy"), .text = STR(""), .parts = STR("")};
    const struct policy *policy = d->policies[s];
    const struct candidate *c = policy == NULL ? NULL : candidate_of(&d->sets[s], lsn);
    err_t err = ERR_OK;
    if (c != NULL) {
        unsigned rule = c->verdict.rule[p];
        const struct policy_duties *duties = policy_rule_duties(policy, rule);
        side.rules = (c->verdict.release & c->eligible) >> p & 1;
        side.along = (c->member.base & ~c->verdict.release) >> p & 1;
        bool may = side.rules || (side.along && has);
        side.goes = may && (c->member.release >> p & 1) && !d->full;
        side.duties = policy_bound_of(c->bound, c->bound_count, p);
        side.text = duties == NULL ? STR("") : duties->text;
        side.rule = side.rules && !side.goes ? STR("closure") : policy_rule_name(policy, rule);
        side.word = side.rules && !side.goes ? GATE_DIFF_WAITS : word_of(&c->verdict, p);
        bool minted = (c->minted >> p & 1) || minted_form(c->forms, c->form_count, p) != NULL;
        side.reads = !side.goes ? READS_NOTHING : minted ? READS_MINTED : READS_WHOLE;
        err = minted ? parts_of(c, p, d->arena, &side.parts) : ERR_OK;
    }
    *out = side;
    return err;
}

/* Nobody loses what is not judged. Not kept: whoever calls has asked that already. */
static err_t judge(struct differing *d, uint64_t lsn, struct had *had)
{
    err_t err = ERR_NOTFOUND;
    if ((had->state.released | had->state.minted) != 0)
        err = judge_had(d->gate, d->policies[THEN], lsn, d->now_us, d->arena, &had->judged);
    had->judges = err == ERR_OK;
    return err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed: nothing is left to take */
}

static err_t find_had(struct differing *d, const struct stix_key *key, uint64_t lsn, unsigned p,
                      struct had *had)
{
    const struct judged *judged = had->judges ? &had->judged : NULL;
    err_t err = reads_of(d->gate, key, lsn, &had->state, NULL, p, d->arena, &had->now);
    return err != ERR_OK ? err : reads_of(d->gate, key, lsn, &had->kept, judged, p, d->arena, &had->then);
}

/* What is taken out of what he reads. What he had later, and has no more, may have lacked something else. */
static err_t parts_had(struct differing *d, const struct reads *reads, bool lacks, struct str *out)
{
    struct buf text;
    *out = reads->what == READS_MINTED ? reads->mint.profile : STR("");
    if (reads->what != READS_MINTED || !lacks)
        return ERR_OK;
    buf_init(&text, LIMIT_MINT_PROFILE_BYTES);
    buf_put_str(&text, *out);
    buf_put_str(&text, STR(GATE_DIFF_LACKING "\n"));
    *out = arena_str(d->arena, buf_str(&text));
    err_t err = buf_err(&text);
    buf_deinit(&text);
    return err != ERR_OK ? err : out->at == NULL ? ERR_NOMEM : ERR_OK;
}

/* What he has stands before what would go by the policy in force; and what he keeps before what would go. */
static err_t add_had(struct differing *d, const struct had *had, unsigned p, struct side *now,
                     struct side *then)
{
    bool lacks = had->state.blocked >> p & 1;
    err_t err;
    if (had->now.what == READS_NOTHING)
        return ERR_OK;
    now->reads = had->now.what;
    if (TRY(err, parts_had(d, &had->now, lacks, &now->parts)) ||
        (had->then.what != READS_WHOLE && then->reads != READS_NOTHING))
        return err;
    then->reads = had->then.what;
    return parts_had(d, &had->then, lacks, &then->parts);
}

/* Of what is minted before and after: does he get, or keep, something else? */
static bool made_otherwise(const struct candidate *c, const struct had *had, const struct side *now,
                           const struct side *then, unsigned p)
{
    const struct made *made = then->goes ? made_for(c, p) : NULL;
    const struct mint *after = made != NULL ? &made->mint : &had->then.mint;
    if (had->now.what == READS_NOTHING)
        return !str_eq(now->parts, then->parts);
    return !mint_says_same(after, &had->now.mint);
}

/* Of what he has not and would not get: does it wait for something else than before, or no more? */
static bool waits_otherwise(const struct side *now, const struct side *then, enum gate_diff_kind *out)
{
    *out = GATE_DIFF_KEPT;
    if (then->rules && !now->rules)
        return true;
    *out = then->word == GATE_DIFF_WAITS ? GATE_DIFF_HELD : GATE_DIFF_DENIED;
    return !now->along && !then->along &&
           (then->word == GATE_DIFF_WAITS ? now->word != GATE_DIFF_WAITS : now->word == GATE_DIFF_WAITS);
}

static bool differs(const struct candidate *c, const struct had *had, const struct side *now,
                    const struct side *then, unsigned p, enum gate_diff_kind *out)
{
    bool has = had->now.what != READS_NOTHING;
    bool duties = now->rules && then->rules && then->goes && !duties_alike(now->duties, then->duties);
    *out = GATE_DIFF_DUTIES;
    if (then->reads == READS_NOTHING && now->reads != READS_NOTHING) {
        *out = has ? GATE_DIFF_WITHDRAWN : GATE_DIFF_HELD_BACK;
        return true;
    }
    if (then->reads == READS_NOTHING)
        return waits_otherwise(now, then, out);
    if (now->reads == READS_NOTHING)
        *out = GATE_DIFF_RELEASED;
    else if (now->reads != then->reads)
        *out = then->reads == READS_WHOLE ? GATE_DIFF_WHOLE : GATE_DIFF_PART;
    else if (then->reads == READS_MINTED && made_otherwise(c, had, now, then, p))
        *out = GATE_DIFF_OTHER;
    else if (has && !duties && !now->along && !then->along && then->word == GATE_DIFF_WAITS && !then->rules &&
             now->word == GATE_DIFF_RELEASE)
        *out = GATE_DIFF_STAYS;
    return *out != GATE_DIFF_DUTIES || duties;
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
                 const struct side *then)
{
    err_t err;
    static const bool leaving[GATE_DIFF_KINDS] = {
        [GATE_DIFF_RELEASED] = true, [GATE_DIFF_WHOLE] = true,  [GATE_DIFF_PART] = true,
        [GATE_DIFF_OTHER] = true,    [GATE_DIFF_DUTIES] = true, [GATE_DIFF_KEPT] = true};
    bool leaves = leaving[line->change];
    bool left = line->change == GATE_DIFF_WHOLE || line->change == GATE_DIFF_OTHER;
    struct str before = left ? now->parts : STR(""), after = leaves ? then->parts : STR("");
    line->now = now->word;
    line->then = then->word;
    line->now_rule = now->rule;
    line->then_rule = then->rule;
    line->now_duties = now->text;
    line->then_duties = then->text;
    if (TRY(err, lines_less(before, after, d->arena, &line->shown)) ||
        TRY(err, lines_less(after, before, d->arena, &line->hidden)))
        return err;
    d->stopped = !d->line(d->ctx, line);
    return ERR_OK;
}

static err_t report_partner(struct differing *d, const struct candidate *c, struct had *had,
                            const struct holders *lost, const struct later *later, struct str id, unsigned p)
{
    struct side now, then;
    struct gate_diff_line line = {.partner = p, .id = id};
    bool has = (had->state.released | had->state.minted) >> p & 1;
    err_t err;
    if (TRY(err, side_of(d, NOW, c->lsn, p, has, &now)) ||
        TRY(err, side_of(d, THEN, c->lsn, p, has, &then)) || TRY(err, find_had(d, &c->key, c->lsn, p, had)) ||
        TRY(err, add_had(d, had, p, &now, &then)))
        return err;
    bool tells = differs(c, had, &now, &then, p, &line.change);
    bool waits =
        line.change == GATE_DIFF_DENIED || line.change == GATE_DIFF_HELD || line.change == GATE_DIFF_STAYS;
    if ((!tells || waits) && (later->partners >> p & 1)) {
        line.change = GATE_DIFF_LATER;
        line.at_us = later->at_us;
        tells = true;
    }
    if (tells && TRY(err, count_namers(d, &c->key, lost, then.reads, &line)))
        return err;
    return tells ? say(d, &line, &now, &then) : ERR_OK;
}

static err_t report_current(struct differing *d, const struct candidate *c, const struct later *later)
{
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];
    struct buf id;
    struct had had = {0};
    struct holders lost = {0};
    err_t err = state_load(d->gate, c->lsn, &had.state);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    had.kept = had.state;
    had.kept.released = c->state.released;
    had.kept.minted = c->state.minted;
    memcpy(uuid.b, c->key.b, UUID_SIZE);
    uuid_text(&uuid, text);
    buf_init(&id, LIMIT_ID_BYTES);
    buf_put_str(&id, c->type_name);
    buf_put(&id, "--", 2);
    buf_put(&id, text, sizeof text);
    err = buf_err(&id);
    if (err == ERR_OK &&
        ((had.state.released & ~had.kept.released) | (had.state.minted & ~had.kept.minted)) != 0)
        err = find_lost(d, &c->key, &had.state, &lost);
    arena_reset(d->arena);
    if (err == ERR_OK)
        err = judge(d, c->lsn, &had);
    for (unsigned p = 0; p < d->gate->peer_count && err == ERR_OK && !d->stopped; p++)
        if (d->partners >> p & 1)
            err = report_partner(d, c, &had, &lost, later, buf_str(&id), p);
    buf_deinit(&id);
    return err;
}

static err_t report_withdrawn(struct differing *d, const struct subject *subject,
                              const struct cutting cuttings[SIDES], const struct holders *lost, unsigned p)
{
    struct side side[SIDES] = {{.rule = STR("no policy"), .text = STR("")}, {.text = STR("")}};
    struct gate_diff_line line = {.partner = p, .id = subject->object.id, .change = GATE_DIFF_WITHDRAWN};
    for (int s = NOW; s < SIDES; s++)
        if (d->policies[s] != NULL) {
            side[s].rule = policy_rule_name(d->policies[s], cuttings[s].verdict.rule[p]);
            side[s].word = word_of(&cuttings[s].verdict, p);
        }
    err_t err = count_namers(d, &subject->object.key, lost, READS_NOTHING, &line);
    return err != ERR_OK ? err : say(d, &line, &side[NOW], &side[THEN]);
}

/* What is no version of its owner any more can only be withdrawn. */
static err_t report_older(struct differing *d, uint64_t lsn)
{
    struct subject subject;
    struct cutting cuttings[SIDES];
    struct state had, kept;
    struct holders lost;
    err_t err;
    if (TRY(err, state_load(d->gate, lsn, &had)))
        return err;
    kept = had;
    if (TRY(err, keep(d, lsn, &kept)) || TRY(err, subject_recall(d->gate, lsn, d->arena, &subject)))
        return err;
    uint64_t gone = (had.released | had.minted) & ~(kept.released | kept.minted) & d->partners;
    struct stix_key key = subject.object.key;
    if (gone == 0 || TRY(err, find_lost(d, &key, &had, &lost)))
        return err;
    arena_reset(d->arena);
    if (TRY(err, subject_recall(d->gate, lsn, d->arena, &subject)) ||
        TRY(err, decide_both(d, &subject, d->now_us, cuttings)))
        return err;
    for (unsigned p = 0; p < d->gate->peer_count && err == ERR_OK && !d->stopped; p++)
        if (gone >> p & 1)
            err = report_withdrawn(d, &subject, cuttings, &lost, p);
    return err;
}

static err_t report(struct differing *d)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < d->count && err == ERR_OK && !d->stopped; i++) {
        const struct candidate *c = candidate_of(&d->sets[THEN], d->lsns[i]);
        arena_reset(d->arena);
        err = c == NULL ? report_older(d, d->lsns[i]) : report_current(d, c, &d->later[i]);
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
        d->sets[s].foresees = true;
    }
    if (err == ERR_OK)
        err = follow_all(d, next);
    for (int s = NOW; s < SIDES && err == ERR_OK; s++)
        err = d->policies[s] == NULL ? ERR_OK : settle(d, s);
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
    uint64_t opened = gate->opened; /* one may ask for many others (deciding.h) */
    for (size_t looked = 0; looked < most && d->count < OBJECTS_MAX && err == ERR_OK &&
                            gate->opened - opened <= LIMIT_STEP_OPENED;
         looked++)
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
