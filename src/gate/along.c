/* What would come along with an object, walked before it leaves: a name that must stay must not follow. */
#include "gate/cut.h"
#include "stix/cut.h"

struct walk {
    struct gate *gate;
    const struct stix_key *hidden;
    struct arena *arena;
    struct stix_key *seen;
    size_t count;
    bool named;
};

/* ERR_LIMIT: too many. */
static err_t visit(struct walk *w, const struct stix_key *key)
{
    w->named |= stix_key_eq(key, w->hidden);
    if (w->named || key_is_builtin(key) || !key_comes_along(key))
        return ERR_OK;
    for (size_t i = 0; i < w->count; i++)
        if (stix_key_eq(&w->seen[i], key))
            return ERR_OK;
    if (w->count == LIMIT_ALONG)
        return ERR_LIMIT;
    w->seen[w->count++] = *key;
    return ERR_OK;
}

static err_t visit_copies(struct walk *w, const struct stix_key *key)
{
    struct subject subject;
    struct copies *copies = arena_alloc(w->arena, sizeof *copies);
    err_t err;
    if (copies == NULL)
        return ERR_NOMEM;
    if (TRY(err, copies_load(w->gate, key, copies)))
        return err;
    for (size_t i = 0; i < copies->count && !w->named && err == ERR_OK; i++) {
        if (!copy_is_current(copies, &copies->at[i]) ||
            copies->at[i].lsn >= store_durable_lsn(w->gate->store))
            continue;
        if (TRY(err, subject_load(w->gate, copies->at[i].lsn, w->arena, &subject)))
            break;
        for (size_t r = 0; r < subject.object.ref_count && err == ERR_OK; r++)
            err = visit(w, &subject.object.refs[r].key);
    }
    return err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed: it does not leave */
}

err_t along_names(struct gate *gate, const struct stix_ref *refs, size_t ref_count,
                  const struct stix_key *hidden, struct arena *arena, bool *out_named)
{
    struct walk w = {.gate = gate,
                     .hidden = hidden,
                     .arena = arena,
                     .seen = arena_zalloc(arena, LIMIT_ALONG, sizeof(struct stix_key))};
    err_t err = w.seen == NULL ? ERR_NOMEM : ERR_OK;
    for (size_t i = 0; i < ref_count && err == ERR_OK; i++)
        err = visit(&w, &refs[i].key);
    for (size_t i = 0; i < w.count && !w.named && err == ERR_OK; i++)
        err = visit_copies(&w, &w.seen[i]);
    *out_named = w.named || err == ERR_LIMIT;
    return err == ERR_LIMIT ? ERR_OK : err;
}

/* --- what comes along unmarked --- */

struct asking {
    const struct policy *policy;
    const struct stix_object *source;
    bool personal; /* it has some, or nobody knows */
    bool
        definition; /* it may name who made it: not who is hidden in what it comes along with (along_names) */
    struct arena *arena;
    bool *spared; /* holds that match it without its personal data as well */
    bool bare;    /* it is asked about without */
    bool holds;   /* holds are asked */
    bool before;  /* as of the time that is believed: nothing turns there */
    bool treats;
    unsigned masks; /* how a creator's personal data is treated */
    int held_by;    /* the first hold that matches it for its personal data alone, or -1 */
    int64_t change_us;
    err_t err;
};

/* What a person approved matches no more; nor does what a deadline let go. */
static void ask_hold(struct asking *a, const struct policy_step *step)
{
    bool timed = step->deadline_us != POLICY_TIME_NONE;
    if (a->bare) {
        a->spared[step->rule] = true;
        return;
    }
    if (a->spared[step->rule] || (timed && step->lapsed && step->lapse == POLICY_LAPSE_RELEASE))
        return;
    if (timed && !step->lapsed && !a->before && step->deadline_us < a->change_us)
        a->change_us = step->deadline_us;
    if (a->held_by < 0)
        a->held_by = (int)step->rule;
}

/* A release rule that would let it go, whatever else holds it: does it ask for something of this object? */
static void ask_rule(void *ctx, const struct policy_step *step)
{
    struct asking *a = ctx;
    if (!step->addressed || !step->matched)
        return;
    if (step->effect == POLICY_HOLD && step->line != 0 && a->spared != NULL && a->holds)
        ask_hold(a, step);
    const struct policy_duties *duties = policy_rule_duties(a->policy, step->rule);
    if (duties == NULL || step->effect != POLICY_RELEASE || a->bare)
        return;
    struct str *found = arena_zalloc(a->arena, duties->redact_count + 1, sizeof *found);
    if (found == NULL) {
        a->err = ERR_NOMEM;
        return;
    }
    unsigned personal = a->personal ? duties->what & DUTIES_PERSONAL : 0;
    a->treats |= stix_cut_found(a->source->root, duties->redact, duties->redact_count, found) > 0 ||
                 ((duties->what & POLICY_DUTY_ANONYMISE) && a->source->has_creator && !a->definition) ||
                 (personal != 0 && a->definition);
    a->masks |= personal;
}

static void ask_at(struct asking *a, const struct policy_facts *facts, int64_t now_us, unsigned partner)
{
    struct policy_facts bare = *facts;
    bare.personal_known = true;
    bare.personal = (struct privacy_facts) {0};
    if (a->spared != NULL) {
        memset(a->spared, 0, RULES_MAX * sizeof *a->spared);
        a->bare = true;
        (void)policy_explain(a->policy, &bare, now_us, partner, ask_rule, a);
        a->bare = false;
    }
    (void)policy_explain(a->policy, facts, now_us, partner, ask_rule, a);
}

/* By a clock that is not believed, what either time asks for. */
static void ask_as(struct asking *a, const struct policy_facts *facts, int64_t now_us, unsigned partner)
{
    struct policy_facts sure = *facts;
    sure.unsure_us = 0;
    a->before = false;
    ask_at(a, &sure, now_us, partner);
    a->before = true;
    if (facts->unsure_us != 0)
        ask_at(a, &sure, now_us - facts->unsure_us, partner);
}

err_t along_untreated(const struct policy *policy, const struct stix_object *source,
                      const struct policy_facts *facts, int64_t now_us, struct arena *arena,
                      struct along *out)
{
    struct asking a = {.policy = policy, .source = source, .arena = arena, .change_us = INT64_MAX};
    a.definition = key_is_definition(&source->key);
    a.personal = !facts->personal_known || (facts->personal.kinds & UINT16_MAX) != 0;
    *out = (struct along) {.change_us = INT64_MAX};
    if (!policy_has_duties(policy) && !a.personal)
        return ERR_OK;
    if (a.personal) {
        a.spared = arena_zalloc(arena, RULES_MAX, sizeof *a.spared);
        if (a.spared == NULL)
            return ERR_NOMEM;
    }
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
        a.treats = false;
        a.held_by = -1;
        a.masks = 0;
        for (unsigned tlp = POLICY_TLP_NONE; tlp < POLICY_TLP_COUNT && !a.treats; tlp++) {
            struct policy_facts as = *facts;
            if (tlp != POLICY_TLP_NONE) {
                as.markings = POLICY_MARKING_KNOWN;
                as.tlp = as.bare_tlp = (enum policy_tlp)tlp;
                as.follows = false;
                as.onward = policy_onward(&as);
            }
            /* A creator is held as it is; of a definition that carries no marking no rule is asked else. */
            a.holds = a.definition || tlp == POLICY_TLP_NONE;
            ask_as(&a, &as, now_us, p);
        }
        bool held = a.held_by >= 0;
        out->untreated |= a.treats || held ? UINT64_C(1) << p : 0;
        out->held |= held && !a.treats ? UINT64_C(1) << p : 0;
        out->masked |= a.masks != 0 && !a.treats && !held ? UINT64_C(1) << p : 0;
        out->masks[p] = (uint16_t)a.masks;
        out->rule[p] = held ? (uint16_t)a.held_by : 0;
    }
    out->change_us = a.change_us;
    return a.err;
}

/* --- by name --- */

static err_t add_name(struct along_called *out, struct str name, struct arena *arena)
{
    err_t err;
    if (name.len == 0 || out->count == LIMIT_ALONG)
        return name.len == 0 ? ERR_OK : ERR_LIMIT;
    if (TRY(err, stix_called_new(name, arena, &out->names[out->count])))
        return err;
    out->count++;
    return ERR_OK;
}

/* Its name, and what others call it where somebody wrote that down. */
static err_t add_names(struct along_called *out, struct json_val root, struct arena *arena)
{
    struct json_val aliases, alias;
    struct str name;
    err_t err = ERR_OK;
    if (json_get_str(root, STR("name"), &name) && TRY(err, add_name(out, name, arena)))
        return err;
    if (!json_get(root, STR("aliases"), &aliases) || !json_is(aliases, JSON_ARRAY))
        return ERR_OK;
    struct json_iter iter = json_array_iter(aliases);
    while (err == ERR_OK && json_array_next(&iter, &alias))
        if (json_is(alias, JSON_STRING))
            err = add_name(out, json_str(alias), arena);
    return err;
}

err_t along_called(struct gate *gate, const struct stix_key *who, struct arena *arena,
                   struct along_called *out)
{
    struct copies *copies = arena_alloc(arena, sizeof *copies);
    struct along_called called = {.names = arena_zalloc(arena, LIMIT_ALONG, sizeof *called.names)};
    err_t err;
    if (copies == NULL || called.names == NULL)
        return ERR_NOMEM;
    if (TRY(err, copies_load(gate, who, copies)))
        return err;
    for (size_t i = 0; i < copies->count && err == ERR_OK; i++) {
        struct subject subject;
        if ((copies->at[i].flags & COPY_SEEN) != 0 || copies->at[i].lsn >= store_durable_lsn(gate->store))
            continue;
        err = subject_load(gate, copies->at[i].lsn, arena, &subject);
        if (err == ERR_OK)
            err = add_names(&called, subject.object.root, arena);
        err = err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed */
    }
    *out = called;
    return err;
}
