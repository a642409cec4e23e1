/* Looking without changing: copies of an id, what came from a source, why something was decided. */
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/approval.h"
#include "gate/cut.h"
#include "gate/query.h"
#include "gate/rival.h"
#include "gate/spill.h"
#include "gate/words.h"

static err_t show_copy(struct gate *gate, const struct copies *copies, const struct copy *copy,
                       struct gate_object *out)
{
    struct subject subject;
    struct state state = {0};
    if (spilled(gate, copy->lsn))
        return ERR_NOTFOUND;
    err_t err = subject_load(gate, copy->lsn, &gate->step_arena, &subject);
    if (err != ERR_OK)
        return err;
    err = state_load(gate, copy->lsn, &state);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    *out = (struct gate_object) {.lsn = copy->lsn,
                                 .bytes = subject.bytes,
                                 .envelope = subject.envelope,
                                 .newest = copies_newest(copies) == copy,
                                 .assertion = (copy->flags & COPY_ASSERTION) != 0,
                                 .quarantined = (copy->flags & COPY_QUARANTINED) != 0,
                                 .current_view = copy_is_current(copies, copy),
                                 .released = state.released | state.minted};
    err = voucher_came(gate, &subject.object.key, copy->lsn, subject.slot, &gate->step_arena, &out->voucher);
    if (err == ERR_OK || err == ERR_NOTFOUND)
        err = mend_original(gate, copy->lsn, &gate->step_arena, &out->original, &out->mended);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t gate_versions(struct gate *gate, const struct stix_key *object,
                    bool (*visit)(void *ctx, const struct gate_object *object), void *ctx)
{
    uint64_t durable = store_durable_lsn(gate->store);
    arena_reset(&gate->step_arena);
    struct copies *copies = arena_alloc(&gate->step_arena, sizeof *copies);
    if (copies == NULL)
        return ERR_NOMEM;
    err_t err = copies_load(gate, object, copies);
    for (size_t i = 0; err == ERR_OK && i < copies->count; i++) {
        struct gate_object shown;
        if ((copies->at[i].flags & COPY_SEEN) != 0 || copies->at[i].lsn >= durable)
            continue;
        err = show_copy(gate, copies, &copies->at[i], &shown);
        if (err == ERR_NOTFOUND) {
            err = ERR_OK; /* its secret was destroyed */
            continue;
        }
        if (err == ERR_OK && !visit(ctx, &shown))
            break;
    }
    store_view_end(gate->store);
    return err;
}

err_t gate_speaks(struct gate *gate, const struct stix_key *object, uint32_t source, bool *out)
{
    arena_reset(&gate->step_arena);
    struct copies *copies = arena_alloc(&gate->step_arena, sizeof *copies);
    if (copies == NULL)
        return ERR_NOMEM;
    err_t err = copies_load(gate, object, copies);
    *out = false;
    for (size_t i = 0; err == ERR_OK && !*out && i < copies->count; i++)
        *out = (copies->at[i].flags & (COPY_SCO | COPY_SEEN)) == 0 &&
               authority_speaks(gate, object, &copies->at[i], source);
    store_view_end(gate->store);
    return err;
}

static err_t reach_add(struct gate *gate, const struct copy *copy, struct gate_reach *reach)
{
    struct state state;
    const struct gate_source *source = gate_source_get(gate, copy->source);
    reach->held = true;
    if ((copy->flags & COPY_QUARANTINED) != 0)
        return ERR_OK;
    if (source != NULL && source->partner >= 0)
        reach->given |= UINT64_C(1) << source->partner;
    err_t err = state_load(gate, copy->lsn, &state);
    if (err == ERR_OK)
        reach->released |= state.released;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

struct reach_gone {
    const struct gate *gate;
    const struct stix_key *key;
    uint64_t partners;
};

static void reach_gone_add(void *ctx, const struct gate_spill *spill)
{
    struct reach_gone *gone = ctx;
    const struct gate_source *source = gate_source_get(gone->gate, spill->source);
    if (!spill->destroyed || !stix_key_eq(gone->key, &spill->key))
        return;
    gone->partners |= spill->released;
    if (source != NULL && source->partner >= 0)
        gone->partners |= UINT64_C(1) << source->partner;
}

/* The index forgot it; what suspended it before says who had it, and who brought it. */
static err_t reach_gone(struct gate *gate, const struct stix_key *key, uint64_t *out)
{
    struct reach_gone gone = {.gate = gate, .key = key};
    bool any = false;
    for (size_t i = 0; i < gate->spill_count && !any; i++)
        any = stix_key_eq(key, &gate->spills[i].key);
    err_t err = any ? gate_spills(gate, reach_gone_add, &gone) : ERR_OK;
    *out = gone.partners;
    return err;
}

err_t gate_reach(struct gate *gate, const struct stix_key *object, struct gate_reach *out)
{
    struct gate_reach reach = {.held = false};
    arena_reset(&gate->step_arena);
    struct copies *copies = arena_alloc(&gate->step_arena, sizeof *copies);
    if (copies == NULL)
        return ERR_NOMEM;
    err_t err = copies_load(gate, object, copies);
    for (size_t i = 0; err == ERR_OK && i < copies->count; i++)
        err = reach_add(gate, &copies->at[i], &reach);
    if (err == ERR_OK)
        err = reach_gone(gate, object, &reach.gone);
    store_view_end(gate->store);
    if (err == ERR_OK)
        *out = reach;
    return err;
}

err_t source_next(struct gate *gate, uint32_t source, uint64_t from, uint64_t *out)
{
    uint8_t prefix[2] = {(uint8_t)(source >> 8), (uint8_t)source}, start[10];
    struct store_scan *scan;
    struct bytes key, value;
    memcpy(start, prefix, sizeof prefix);
    wr_at_u64(start + 2, from);
    err_t err = store_scan_open(gate->store, TABLE_SOURCE, bytes_of(prefix, sizeof prefix),
                                bytes_of(start, sizeof start), &scan);
    if (err != ERR_OK)
        return err;
    err = store_scan_next(scan, &key, &value);
    if (err == ERR_OK) {
        struct rd rd = rd_of(bytes_of(key.at + 2, key.len - 2));
        *out = rd_u64(&rd);
    }
    store_scan_close(scan);
    return err;
}

/* What a source submitted at `lsn`. A SEEN mark stands for bytes that another source had brought already: its
 * own source must find them all the same, or it would learn that somebody else holds them. */
static err_t show_submitted(struct gate *gate, uint64_t lsn, struct gate_object *out)
{
    struct frame frame;
    struct record_envelope envelope;
    struct subject subject;
    err_t err;
    if (TRY(err, store_read(gate->store, lsn, &frame)))
        return err;
    bool seen = frame.kind == FRAME_SEEN;
    if (TRY(err, record_envelope_read(seen ? frame.payload : frame.envelope, &envelope)) ||
        TRY(err, subject_load(gate, seen ? envelope.about : lsn, &gate->step_arena, &subject)) ||
        TRY(err, show_copy(gate, subject.copies, subject.copy, out)))
        return err;
    out->lsn = lsn;
    out->envelope = envelope;
    return ERR_OK;
}

err_t gate_source_objects(struct gate *gate, uint32_t source, uint64_t from,
                          bool (*visit)(void *ctx, const struct gate_object *object), void *ctx)
{
    uint64_t lsn;
    uint64_t durable = store_durable_lsn(gate->store);
    err_t err;
    while ((err = source_next(gate, source, from, &lsn)) == ERR_OK && lsn < durable) {
        struct gate_object shown;
        from = lsn + 1;
        arena_reset(&gate->step_arena);
        err = show_submitted(gate, lsn, &shown);
        if (err == ERR_NOTFOUND)
            continue; /* its secret was destroyed */
        if (err != ERR_OK || !visit(ctx, &shown))
            break;
    }
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t gate_source_versions(struct gate *gate, uint32_t source, const struct stix_key *object,
                           bool (*visit)(void *ctx, const struct gate_submitted *submitted), void *ctx)
{
    uint64_t durable = store_durable_lsn(gate->store);
    bool more = true;
    arena_reset(&gate->step_arena);
    struct copies *copies = arena_alloc(&gate->step_arena, sizeof *copies);
    if (copies == NULL)
        return ERR_NOMEM;
    err_t err = copies_load(gate, object, copies);
    for (size_t i = 0; err == ERR_OK && more && i < copies->count; i++) {
        const struct copy *copy = &copies->at[i];
        bool none = copy->version.seconds == 0 && copy->version.fraction == 0;
        if (copy->source == source && copy->lsn < durable)
            more = visit(ctx, &(struct gate_submitted) {copy->lsn, copy->version, none});
    }
    store_view_end(gate->store);
    return err;
}

/* --- explain --- */

/* The copy that is spoken about: the newest version; of an SCO the variant that fewest partners got. */
static err_t explained_copy(struct gate *gate, const struct copies *copies, const struct copy **out)
{
    const struct copy *chosen = NULL;
    int fewest = 65;
    for (size_t i = 0; i < copies->count; i++) {
        struct state state = {0};
        if (!copy_is_current(copies, &copies->at[i]))
            continue;
        err_t err = state_load(gate, copies->at[i].lsn, &state);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
        int partners = __builtin_popcountll(state.released);
        if (partners < fewest) {
            fewest = partners;
            chosen = &copies->at[i];
        }
    }
    *out = chosen;
    return chosen == NULL ? ERR_NOTFOUND : ERR_OK;
}

/* What this node minted from the object that others call `id`, when it holds that; else empty. */
static err_t find_minted(struct gate *gate, struct str id, struct arena *arena, struct str *out)
{
    struct buf minted;
    struct stix_key key;
    struct copies copies;
    err_t err = ERR_OK;
    buf_init(&minted, 2 * LIMIT_ID_BYTES);
    gate_minted_id(gate, id, &minted);
    if (stix_id_parse(buf_str(&minted), &key) && !TRY(err, copies_load(gate, &key, &copies)) &&
        copies.count > 0) {
        *out = arena_str(arena, buf_str(&minted));
        err = out->at == NULL ? ERR_NOMEM : ERR_OK;
    }
    buf_deinit(&minted);
    return err;
}

/* The first of these that he has not. */
static err_t find_lacking(struct gate *gate, const struct stix_ref *refs, size_t count, unsigned partner,
                          struct arena *arena, struct gate_why *why)
{
    for (size_t i = 0; i < count; i++) {
        const struct stix_ref *ref = &refs[i];
        struct copies copies;
        struct holders holders;
        err_t err;
        if (key_is_builtin(&ref->key))
            continue;
        if (TRY(err, copies_load(gate, &ref->key, &copies)) || TRY(err, copies_held(gate, &copies, &holders)))
            return err;
        if (((holders.plain | holders.minted) >> partner & 1) != 0)
            continue;
        why->blocked_by = arena_str(arena, ref->id);
        why->blocked_by_unknown = copies.count == 0;
        if (why->blocked_by.at == NULL)
            return ERR_NOMEM;
        return copies.count == 0 ? find_minted(gate, ref->id, arena, &why->held_as) : ERR_OK;
    }
    return ERR_OK;
}

/* What keeps it back, or may not be said with it. */
static err_t find_blocker(struct gate *gate, const struct subject *subject, unsigned partner,
                          struct arena *arena, struct gate_why *why)
{
    const struct stix_object *object = &subject->object;
    struct gate_why text = {0};
    err_t err;
    if (TRY(err, find_lacking(gate, object->refs, object->ref_count, partner, arena, why)) ||
        TRY(err, find_lacking(gate, object->named, object->named_count, partner, arena, &text)))
        return err;
    why->named = text.blocked_by;
    if (why->blocked_by.len == 0) {
        why->blocked_by = text.blocked_by;
        why->blocked_by_unknown = text.blocked_by_unknown;
        why->held_as = text.held_as;
    }
    return ERR_OK;
}

static void no_step(void *ctx, const struct policy_step *step)
{
    (void)ctx;
    (void)step;
}

static const char *marking_word(unsigned state)
{
    switch (state) {
    case POLICY_MARKING_KNOWN:
        return "known";
    case POLICY_MARKING_STATEMENT:
        return "statement";
    case POLICY_MARKING_UNRESOLVED:
        return "unresolved";
    default:
        return "unknown";
    }
}

err_t subject_ids(const struct subject *subject, struct arena *arena, struct str **out)
{
    struct str *ids = arena_zalloc(arena, subject->object.ref_count + 1, sizeof *ids);
    for (size_t i = 0; ids != NULL && i < subject->object.ref_count; i++) {
        ids[i] = arena_str(arena, subject->object.refs[i].id);
        if (ids[i].at == NULL)
            ids = NULL;
    }
    *out = ids;
    return ids == NULL ? ERR_NOMEM : ERR_OK;
}

static const char *keeps(const struct marking_reading *reading, int partner)
{
    for (size_t i = 0; partner >= 0 && i < reading->limit_count; i++)
        if (reading->limits[i].out >> partner & 1)
            return reading->limits[i].why;
    return NULL;
}

err_t gate_markings(struct gate *gate, const struct stix_key *object, int partner, int64_t now_us,
                    struct arena *arena, bool (*each)(void *ctx, const struct gate_marking *marking),
                    void *ctx)
{
    struct copies copies;
    const struct copy *copy;
    struct subject subject;
    struct str *ids;
    bool more = true;
    err_t err;
    if (TRY(err, copies_load(gate, object, &copies)) || TRY(err, explained_copy(gate, &copies, &copy)) ||
        TRY(err, subject_load(gate, copy->lsn, arena, &subject)) ||
        TRY(err, subject_ids(&subject, arena, &ids)))
        return err;
    for (size_t i = 0; i < subject.object.ref_count && more; i++) {
        const struct stix_ref *ref = &subject.object.refs[i];
        struct marking_reading reading;
        if (ref->role != STIX_REF_MARKING && ref->role != STIX_REF_GRANULAR_MARKING)
            continue;
        if (TRY(err, marking_judge(gate, gate->policy, &ref->key, subject.envelope.source, now_us, arena,
                                   &reading)))
            return err;
        struct gate_marking marking = {ids[i],
                                       ref->role == STIX_REF_GRANULAR_MARKING,
                                       marking_word(reading.state),
                                       reading.tlp,
                                       reading.why,
                                       keeps(&reading, partner)};
        more = each(ctx, &marking);
    }
    store_view_end(gate->store);
    return ERR_OK;
}

/* Whose word keeps it from going on to this partner. */
static err_t find_limit(struct gate *gate, const struct stix_key *object, uint64_t lsn, unsigned partner,
                        struct arena *arena, struct gate_why *why)
{
    struct reshare_limit limit = {.partner = partner};
    uint64_t mask;
    err_t err = reshare_mask(gate, gate->policy, object, lsn, &limit, &mask);
    if (err != ERR_OK || limit.line.at == NULL)
        return err;
    const struct gate_peer *giver = gate_peer_get(gate, limit.giver);
    why->limited_by = giver == NULL ? STR("") : giver->audience;
    why->limit = arena_str(arena, limit.line);
    return why->limit.at == NULL ? ERR_NOMEM : ERR_OK;
}

/* What the rivals of a copy say, each judged by itself. */
struct rivals {
    struct gate *gate;
    const struct subject *subject;
    int64_t now_us;
    struct arena *arena;
    struct policy_facts own;
};

static err_t aside_fill(struct rivals *r, const struct gate_rival_word *word, struct gate_rival *out)
{
    out->by = arena_str(r->arena, word->by);
    out->second = arena_str(r->arena, word->second);
    out->until_us = word->until_us;
    if (out->by.at == NULL || out->second.at == NULL)
        return ERR_NOMEM;
    return gate_words(r->gate, word->because, r->arena, &out->because);
}

/* Another copy under the same version: does it bind, or is it set aside? The strictest of each counts. */
static err_t add_rival(struct rivals *r, const struct copy *copy, struct gate_why *why)
{
    struct subject twin;
    struct policy_facts one;
    struct gate_rival_word word;
    err_t err;
    if (TRY(err, subject_load(r->gate, copy->lsn, r->arena, &twin)) ||
        TRY(err, subject_alone(r->gate, &twin, r->now_us, r->arena, &one)))
        return err;
    const struct gate_source *source = gate_source_get(r->gate, twin.envelope.source);
    err = rival_aside(r->gate, &r->subject->object.key, r->subject->copies, copy, r->now_us, &word);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    struct gate_rival *out = err == ERR_OK ? &why->aside : &why->rival;
    if (source == NULL || !facts_stricter(&one, &r->own) ||
        (out->source.len > 0 && (enum stix_tlp)one.tlp <= out->tlp))
        return ERR_OK;
    *out = (struct gate_rival) {.source = source->name,
                                .lsn = copy->lsn,
                                .tlp = (enum stix_tlp)one.tlp,
                                .quarantined = (copy->flags & COPY_QUARANTINED) != 0};
    return err == ERR_OK ? aside_fill(r, &word, out) : ERR_OK;
}

/* Whose copy of the same version binds it by a stricter marking (subject.c, add_twins), or would. */
static err_t find_rival(struct gate *gate, const struct subject *subject, int64_t now_us, struct arena *arena,
                        struct gate_why *why)
{
    struct rivals r = {.gate = gate, .subject = subject, .now_us = now_us, .arena = arena};
    err_t err = subject_alone(gate, subject, now_us, arena, &r.own);
    for (size_t i = 0; err == ERR_OK && i < subject->copies->count; i++) {
        const struct copy *copy = &subject->copies->at[i];
        if (copy->lsn == subject->lsn || (copy->flags & (COPY_SEEN | COPY_ASSERTION | COPY_SCO)) != 0 ||
            stamp_cmp(copy->version, subject->copy->version) != 0 ||
            copy->lsn >= store_durable_lsn(gate->store))
            continue;
        err = add_rival(&r, copy, why);
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* Of several variants of an observable the strictest was looked at: say whose it is. */
static struct str variant_source(const struct gate *gate, const struct subject *subject)
{
    size_t current = 0;
    for (size_t i = 0; i < subject->copies->count; i++)
        current += copy_is_current(subject->copies, &subject->copies->at[i]);
    const struct gate_source *source = gate_source_get(gate, subject->envelope.source);
    bool several = (subject->copy->flags & COPY_SCO) != 0 && current > 1 && source != NULL;
    return several ? source->name : STR("");
}

/* Was it found, when it was decided, that his time is over with what would be minted from it? */
static bool was_over(const struct gate *gate, const struct state *state, unsigned partner)
{
    const struct outcome *outcome = &gate->outcomes[state->outcome];
    return (outcome->hold >> partner & 1) &&
           str_eq(gate->names[outcome->rule[partner]], policy_rule_name(gate->policy, POLICY_RULE_EXPIRED));
}

/* Held for duties that cannot be carried out: which, and why not. */
static void find_unmade(const struct cutting *cutting, unsigned partner, const struct form **form,
                        const char **out)
{
    bool duties =
        (cutting->verdict.hold >> partner & 1) && cutting->verdict.rule[partner] == POLICY_RULE_DUTIES;
    const struct form *unmade = duties && *form == NULL ? cut_unmade(cutting, partner) : NULL;
    if (unmade != NULL)
        *out = (*form = unmade)->unmade;
    else if (duties && (cutting->untold >> partner & 1))
        *out = "it speaks of what does not leave, or not as it is";
    else if (duties && (cutting->unmade >> partner & 1))
        *out = "there is more of it than can be told";
}

/* What neither the text of a policy nor a person ends. */
static err_t find_kept(struct gate *gate, const struct policy_verdict *verdict, unsigned partner,
                       int64_t now_us, struct gate_why *why)
{
    struct budget_left left;
    unsigned rule = verdict->rule[partner];
    static const enum gate_beyond kept[POLICY_RULE_BUILTIN_COUNT] = {
        [POLICY_RULE_EXPIRED] = GATE_BEYOND_TIME,
        [POLICY_RULE_REPEATS] = GATE_BEYOND_REPEATS,
        [POLICY_RULE_BUDGET] = GATE_BEYOND_BUDGET,
    };
    if ((verdict->hold >> partner & 1) == 0 || rule >= POLICY_RULE_BUILTIN_COUNT ||
        kept[rule] == GATE_BEYOND_NOT)
        return ERR_OK;
    why->beyond = kept[rule];
    err_t err = rule == POLICY_RULE_BUDGET ? budget_left(gate, partner, now_us, &left) : ERR_NOTFOUND;
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    bool larger = left.next_us <= now_us && left.more_us != INT64_MAX; /* than the room that there is */
    why->room_us = larger ? left.more_us : left.next_us;
    return ERR_OK;
}

err_t gate_explain(struct gate *gate, const struct stix_key *object, unsigned partner, int64_t now_us,
                   struct arena *arena, void (*step)(void *ctx, const struct policy_step *step), void *ctx,
                   struct gate_why *out)
{
    struct copies copies;
    const struct copy *copy;
    struct subject subject;
    struct cutting cutting;
    struct state state = {0};
    struct gate_why why = {0};
    err_t err;
    if (gate->policy == NULL)
        return ERR_WRONGSTATE;
    if (partner >= gate->peer_count)
        return ERR_NOTFOUND;
    if (TRY(err, copies_load(gate, object, &copies)) || TRY(err, explained_copy(gate, &copies, &copy)) ||
        TRY(err, subject_load(gate, copy->lsn, arena, &subject)))
        return err;
    /* Blockers first: deciding parses other objects, and the references' text is gone then. */
    if (TRY(err, find_blocker(gate, &subject, partner, arena, &why)) ||
        TRY(err, cut_decide(gate, &subject, gate->policy, now_us, arena, arena, &cutting)))
        return err;
    err = state_load(gate, copy->lsn, &state);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    bool over = err == ERR_OK && was_over(gate, &state, partner);
    const struct policy_facts *facts = cutting.by_bare >> partner & 1 ? &cutting.bare : &cutting.facts;
    const struct form *form = cut_form(&cutting, partner);
    why.effect = policy_explain(gate->policy, facts, now_us, partner, step != NULL ? step : no_step, ctx);
    verdict_hold(&cutting.verdict, state_expired(&state, now_us), POLICY_RULE_EXPIRED);
    verdict_hold(&cutting.verdict, state_worn(&state, UINT64_MAX, cutting.bound_count, &copies),
                 POLICY_RULE_REPEATS);
    verdict_hold(&cutting.verdict, state.budgeted, POLICY_RULE_BUDGET);
    verdict_hold(&cutting.verdict, over ? UINT64_C(1) << partner : 0, POLICY_RULE_EXPIRED);
    if ((cutting.verdict.hold >> partner & 1) && cutting.verdict.rule[partner] < POLICY_RULE_BUILTIN_COUNT)
        why.effect = POLICY_HOLD;
    if ((cutting.verdict.deny >> partner & 1) && cutting.verdict.rule[partner] == POLICY_RULE_LOOP)
        why.effect = POLICY_DENY;
    why.released = (state.released | state.minted) >> partner & 1;
    why.minted = state.minted >> partner & 1;
    why.lsn = copy->lsn;
    why.version = copy->version;
    find_unmade(&cutting, partner, &form, &why.unmade);
    why.without = form == NULL ? STR("") : form->profile;
    if ((cutting.clean >> partner & 1) == 0)
        why.named = STR("");
    bool along = why.effect != POLICY_RELEASE &&
                 (subject_comes_along(gate, &subject, facts, &cutting.verdict) >> partner & 1);
    why.untreated = along && (cutting.untreated >> partner & 1);
    why.kept_along = why.untreated && (cutting.kept_along >> partner & 1);
    why.follows = along && !why.untreated;
    why.blocked = (why.effect == POLICY_RELEASE || why.follows) && (state.blocked >> partner & 1);
    why.stopped = why.effect == POLICY_RELEASE && (cutting.verdict.release >> partner & 1) == 0;
    why.rule = policy_rule_name(gate->policy, cutting.verdict.rule[partner]);
    why.variant_of = variant_source(gate, &subject);
    if (TRY(err, find_rival(gate, &subject, now_us, arena, &why)) ||
        TRY(err, find_kept(gate, &cutting.verdict, partner, now_us, &why)))
        return err;
    if ((!facts->own && TRY(err, find_limit(gate, object, copy->lsn, partner, arena, &why))) ||
        TRY(err, approver_of(gate, object, copy->lsn, UINT64_C(1) << partner, arena, &why.approvers)) ||
        TRY(err, approval_basis(gate, object, copy->lsn, partner, arena, &why.basis)))
        return err;
    *out = why;
    store_view_end(gate->store);
    return ERR_OK;
}

/* --- a partner that is not started --- */

struct outlook {
    unsigned partner;
    struct gate_outlook all;
    uint64_t *by_rule; /* RULES_MAX */
};

static err_t outlook_object(struct gate *gate, uint64_t lsn, int64_t now_us, struct outlook *o)
{
    struct subject subject;
    struct cutting cutting;
    struct arena *arena = &gate->step_arena;
    arena_reset(arena);
    err_t err = subject_load(gate, lsn, arena, &subject);
    if (err == ERR_NOTFOUND || (err == ERR_OK && !copy_is_current(subject.copies, subject.copy)))
        return ERR_OK;
    if (err != ERR_OK || TRY(err, cut_decide(gate, &subject, gate->policy, now_us, arena, arena, &cutting)))
        return err;
    const struct policy_verdict verdict = cutting.verdict;
    if (verdict.release >> o->partner & 1) {
        o->all.released++;
        return ERR_OK;
    }
    must(verdict.rule[o->partner] < RULES_MAX);
    o->by_rule[verdict.rule[o->partner]]++;
    if (verdict.hold >> o->partner & 1)
        o->all.held++;
    else
        o->all.denied++;
    return ERR_OK;
}

err_t gate_outlook(struct gate *gate, unsigned partner, int64_t now_us, struct gate_outlook *out,
                   void (*rule)(void *ctx, struct str name, enum policy_effect effect, uint64_t count),
                   void *ctx)
{
    struct store_iter iter = store_iter(gate->store, LSN_FIRST, store_durable_lsn(gate->store));
    struct frame frame;
    if (gate->policy == NULL || partner >= gate->peer_count)
        return ERR_NOTFOUND;
    struct outlook o = {.partner = partner, .by_rule = mem_alloc_array(RULES_MAX, sizeof *o.by_rule)};
    if (o.by_rule == NULL)
        return ERR_NOMEM;
    err_t err;
    while ((err = store_iter_next(&iter, &frame)) == ERR_OK)
        if (frame.kind == FRAME_OBJ && TRY(err, outlook_object(gate, frame.lsn, now_us, &o)))
            break;
    store_view_end(gate->store);
    err = err == ERR_NOTFOUND ? ERR_OK : err;
    for (unsigned r = 0; err == ERR_OK && r < RULES_MAX; r++)
        if (o.by_rule[r] > 0)
            rule(ctx, policy_rule_name(gate->policy, r), policy_rule_effect(gate->policy, r), o.by_rule[r]);
    mem_free(o.by_rule);
    if (err == ERR_OK)
        *out = o.all;
    return err;
}
