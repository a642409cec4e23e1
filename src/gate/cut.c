/* What of an object may leave to whom (section 7.2.3 of STIX 2.1, docs/protocol/MINTING.md). */
#include <stdlib.h>

#include "gate/expire.h"
#include "gate/personal.h"
#include "gate/told.h"
#include "stix/cut.h"
#include "stix/selector.h"

enum { GRANULAR_MAX = 64 };

/* What one decision gathers before forms are made of it. */
struct gathering {
    struct gate *gate;
    const struct subject *subject;
    const struct policy *policy;
    int64_t now_us;
    struct arena *arena, *keep;
    struct cutting *out;
    struct stix_key markings[GRANULAR_MAX]; /* distinct granular ones */
    uint64_t without[GRANULAR_MAX];         /* partners who may not have what it marks, or will not */
    size_t marking_count;
    struct policy_verdict bare;
    bool self;               /* it is the node's own identity: what is minted names it, as it is */
    uint64_t personal;       /* partners whose rule asks for a treatment of personal data that is there */
    struct along along;      /* of a creator, or a definition */
    const struct told *told; /* of a language-content: what it speaks of, and how that leaves; else NULL */
    uint64_t untold;         /* partners for whom something of these does not leave */
};

/* --- the rules --- */

static err_t gather_markings(struct gathering *g)
{
    const struct stix_object *object = &g->subject->object;
    for (size_t i = 0; i < object->ref_count; i++) {
        if (object->refs[i].role != STIX_REF_GRANULAR_MARKING)
            continue;
        if (g->marking_count == GRANULAR_MAX)
            return ERR_LIMIT; /* bound as a whole */
        g->markings[g->marking_count++] = object->refs[i].key;
    }
    return ERR_OK;
}

static void sooner(struct policy_verdict *verdict, int64_t change_us)
{
    if (change_us < verdict->next_change_us)
        verdict->next_change_us = change_us;
}

static err_t decide_with(struct gathering *g, const struct stix_key *granular, struct policy_facts *facts,
                         struct policy_verdict *out)
{
    struct subject subject = *g->subject;
    subject.granular = granular;
    err_t err = subject_decide(g->gate, &subject, g->policy, g->now_us, g->arena, facts, out);
    if (err == ERR_OK)
        sooner(&g->out->verdict, out->next_change_us);
    return err;
}

static err_t ask_rules(struct gathering *g)
{
    static const struct stix_key none;
    struct policy_facts facts;
    struct policy_verdict verdict;
    err_t err;
    if (g->marking_count == 0) {
        g->bare = g->out->verdict;
        g->out->bare = g->out->facts;
        return ERR_OK;
    }
    if (TRY(err, decide_with(g, &none, &g->out->bare, &g->bare)))
        return err;
    for (size_t i = 0; i < g->marking_count; i++) {
        if (TRY(err, decide_with(g, &g->markings[i], &facts, &verdict)))
            return err;
        g->without[i] = (g->bare.release & ~verdict.release) | (g->bare.hold & verdict.deny);
    }
    return ERR_OK;
}

/* What the rules that let it go to `partner` ask to be taken out; NULL: nothing. */
static const struct policy_duties *duties_of(const struct gathering *g, unsigned partner)
{
    const struct policy_duties *duties =
        g->self ? NULL : policy_bound_of(g->out->bound, g->out->bound_count, partner);
    return duties == NULL || (duties->what & DUTIES_MINTED) == 0 ? NULL : duties;
}

/* --- selectors of one partner --- */

struct list {
    struct str *at;
    size_t count, size;
};

static err_t list_add(struct list *list, struct arena *arena, struct str text)
{
    if (list->count == LIMIT_FORM_SELECTORS)
        return ERR_LIMIT;
    if (list->count == list->size) {
        size_t size = list->size == 0 ? 16 : 2 * list->size;
        struct str *at = arena_alloc(arena, size * sizeof *at);
        if (at == NULL)
            return ERR_NOMEM;
        if (list->count > 0)
            memcpy(at, list->at, list->count * sizeof *at);
        list->at = at;
        list->size = size;
    }
    list->at[list->count++] = text;
    return ERR_OK;
}

static int text_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void list_sort(struct list *list)
{
    size_t kept = 0;
    if (list->count > 0)
        qsort(list->at, list->count, sizeof *list->at, text_order);
    for (size_t i = 0; i < list->count; i++)
        if (kept == 0 || !str_eq(list->at[kept - 1], list->at[i]))
            list->at[kept++] = list->at[i];
    list->count = kept;
}

static err_t add_granular(struct gathering *g, const struct stix_object *source, unsigned partner,
                          struct list *list)
{
    struct stix_granular_iter iter = stix_granular_iter(source);
    struct stix_granular granular;
    struct stix_key key;
    bool translation = source->type->code == STIX_TYPE_LANGUAGE_CONTENT;
    err_t err = ERR_OK;
    while (err == ERR_OK && stix_granular_next(&iter, &granular)) {
        if (granular.marking_ref.len == 0 || !stix_id_parse(granular.marking_ref, &key))
            continue;
        for (size_t i = 0; i < g->marking_count && err == ERR_OK; i++)
            if (stix_key_eq(&g->markings[i], &key) && (g->without[i] >> partner & 1))
                err = list_add(list, g->arena,
                               translation && str_starts(granular.selector, STR("contents."))
                                   ? told_list(granular.selector)
                                   : granular.selector);
    }
    return err != ERR_OK ? err : iter.steps == 0 ? ERR_LIMIT : ERR_OK;
}

/* What the rules that let it go have taken out. */
static err_t add_duties(struct gathering *g, const struct stix_object *source, unsigned partner,
                        struct list *list, struct form *form)
{
    const struct policy_duties *duties = duties_of(g, partner);
    err_t err = ERR_OK;
    if (duties == NULL)
        return ERR_OK;
    /* A definition is never minted: it goes where it has nothing of it. Everything else leaves minted whether
     * or not it has: else the form in which it leaves would say so. */
    bool kept = key_is_definition(&source->key);
    form->anonymous = (duties->what & POLICY_DUTY_ANONYMISE) != 0 && (!kept || source->has_creator);
    form->loose = (duties->what & POLICY_DUTY_DROP_REFERENCES) != 0 && !kept;
    form->minted = form->anonymous || (!kept && duties->redact_count > 0);
    for (size_t i = 0; i < duties->redact_count && err == ERR_OK; i++)
        err = list_add(list, g->arena, duties->redact[i]);
    return err;
}

/* Is it a part of one of these, which stand sorted before it? */
static bool is_part(const struct list *list, struct str selector)
{
    for (size_t i = 0; i < list->count && !str_eq(list->at[i], selector); i++)
        if (str_starts(selector, list->at[i]) && selector.at[list->at[i].len] == '.')
            return true;
    return false;
}

/* `found`: the selectors that name something in it. A part of what goes takes nothing more away. */
static err_t write_profile(struct gathering *g, const struct list *found, struct form *form)
{
    struct buf text;
    buf_init(&text, LIMIT_MINT_PROFILE_BYTES);
    if (form->anonymous)
        buf_put_str(&text, STR("!creator\n"));
    if (form->personal != 0)
        buf_printf(&text, "!%s\n", policy_duty_name((enum policy_duty)form->personal));
    for (size_t i = 0; i < found->count; i++) {
        if (is_part(found, found->at[i]))
            continue;
        buf_put_str(&text, found->at[i]);
        buf_putc(&text, '\n');
    }
    err_t err = buf_err(&text);
    form->profile = arena_str(g->keep, buf_str(&text));
    buf_deinit(&text);
    return err != ERR_OK ? err : form->profile.at == NULL ? ERR_NOMEM : ERR_OK;
}

/* --- all partners --- */

static bool forms_alike(const struct form *a, const struct form *b)
{
    size_t i = 0;
    while (i < a->selector_count && i < b->selector_count && str_eq(a->selectors[i], b->selectors[i]))
        i++;
    return i == a->selector_count && i == b->selector_count && a->minted == b->minted &&
           a->anonymous == b->anonymous && a->loose == b->loose && a->personal == b->personal;
}

/* Why nobody is made what waits for what it speaks of. */
static const char untold_why[] = "it speaks of what does not leave, or not as it is";

/* The form that somebody before him has as well: not what others wait for, who would be made the same. */
static struct form *same_form(const struct gathering *g, const struct form *form)
{
    /* Pseudonyms are one partner's own. */
    for (size_t i = 0; i < g->out->form_count && form->personal != POLICY_DUTY_PSEUDONYMISE; i++)
        if (g->out->forms[i].unmade != untold_why && forms_alike(&g->out->forms[i], form))
            return &g->out->forms[i];
    return NULL;
}

static err_t keep_selectors(struct gathering *g, const struct list *list, struct form *form)
{
    struct str *kept = arena_zalloc(g->keep, list->count + 1, sizeof *kept);
    if (kept == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < list->count; i++) {
        kept[i] = arena_str(g->keep, list->at[i]);
        if (kept[i].at == NULL)
            return ERR_NOMEM;
    }
    form->selectors = kept;
    form->selector_count = list->count;
    return ERR_OK;
}

struct listing {
    struct list *list;
    struct arena *arena;
};

static err_t add_selector(void *ctx, struct str selector)
{
    struct listing *listing = ctx;
    return list_add(listing->list, listing->arena, selector);
}

/* By the rules that let it go, or that would, were what comes along marked. */
static unsigned treatment_of(const struct gathering *g, unsigned partner)
{
    const struct policy_duties along = {.what = g->along.masks[partner]};
    unsigned bound = personal_treatment(policy_bound_of(g->out->bound, g->out->bound_count, partner));
    return bound != 0 ? bound : personal_treatment(&along);
}

/* ERR_DENIED: there is more personal data than can be told. */
static err_t add_personal(struct gathering *g, const struct stix_object *source, unsigned partner,
                          struct list *list, struct form *form)
{
    struct personal personal;
    struct listing listing = {list, g->arena};
    err_t err;
    if ((g->personal >> partner & 1) == 0)
        return ERR_OK;
    form->personal = treatment_of(g, partner);
    if (TRY(err, personal_find(g->gate, source->root, g->arena, &personal)))
        return err;
    return personal_references(&personal, g->arena, add_selector, &listing);
}

/* What is marked by its creator, or extended, would bring the creator along: definitions are never minted. */
static err_t keep_creator(struct gathering *g, const struct stix_object *source, struct form *form)
{
    if (!form->anonymous || !source->has_creator)
        return ERR_OK;
    return along_names(g->gate, form->refs, form->ref_count, &source->creator, g->arena, &form->brings);
}

/* All that is to be taken out for `partner`. ERR_DENIED, ERR_LIMIT: more than can be told. */
static err_t gather_selectors(struct gathering *g, const struct stix_object *source, unsigned partner,
                              struct list *list, struct form *form)
{
    struct listing listing = {list, g->arena};
    err_t err;
    if (TRY(err, add_granular(g, source, partner, list)) ||
        (g->told != NULL && TRY(err, told_selectors(g->gate, g->told, source->root, partner, g->arena,
                                                    add_selector, &listing))) ||
        TRY(err, add_duties(g, source, partner, list, form)) ||
        TRY(err, add_personal(g, source, partner, list, form)))
        return err;
    list_sort(list);
    return keep_selectors(g, list, form);
}

/* Does a duty take something out of it, or of what it translates? What is held under a granular marking alone
 * is a question to people, and takes nothing away from whoever has it. */
static err_t takes_out(const struct gathering *g, const struct stix_object *source, unsigned partner,
                       bool *out)
{
    const struct policy_duties *duties = duties_of(g, partner);
    bool anonymous = duties != NULL && (duties->what & POLICY_DUTY_ANONYMISE) != 0 && source->has_creator;
    *out = anonymous || (g->personal >> partner & 1);
    for (size_t i = 0; g->told != NULL && i < g->told->target_count; i++)
        *out |= g->told->targets[i]->cut >> partner & 1;
    if (*out || duties == NULL)
        return ERR_OK;
    struct str *found = arena_alloc(g->arena, (duties->redact_count + 1) * sizeof *found);
    if (found == NULL)
        return ERR_NOMEM;
    *out = stix_cut_found(source->root, duties->redact, duties->redact_count, found) > 0;
    return ERR_OK;
}

/* The object may go to `partner` in this form; `*out_ok`: or not at all. */
static err_t form_for(struct gathering *g, const struct stix_object *source, size_t warnings,
                      unsigned partner, bool *out_ok)
{
    const struct cut_trial trial = {g->gate, g->now_us, g->arena, g->keep};
    struct list list = {0};
    struct form form = {.partners = UINT64_C(1) << partner};
    err_t err;
    bool clean = g->out->clean >> partner & 1, takes;
    *out_ok = true;
    if (TRY(err, gather_selectors(g, source, partner, &list, &form))) {
        *out_ok = false;
        g->out->unmade |= form.partners;
        return err == ERR_DENIED || err == ERR_LIMIT ? ERR_OK : err;
    }
    if (TRY(err, takes_out(g, source, partner, &takes)))
        return err;
    list.count = stix_cut_found(source->root, list.at, list.count, list.at);
    form.minted = form.minted || list.count > 0 || form.personal != 0;
    /* It may go as it is: to whoever has all that its texts name, where they cannot be cleaned. */
    bool whole = !form.minted && !form.loose;
    if (whole && !clean)
        return ERR_OK;
    if (TRY(err, write_profile(g, &list, &form))) {
        *out_ok = false;
        g->out->unmade |= takes ? form.partners : 0;
        return err == ERR_LIMIT ? ERR_OK : err;
    }
    struct form *same = same_form(g, &form);
    if (same != NULL) {
        *out_ok = same->refs != NULL || whole;
        same->partners |= form.partners;
        g->out->unmade |= takes && same->refs == NULL ? form.partners : 0;
        g->out->untold |= same->brings ? form.partners & g->bare.release : 0;
        return ERR_OK;
    }
    form.unmade = "a definition is never made anew: under another name it would define nothing";
    err = key_is_definition(&source->key) ? ERR_DENIED : cut_try(&trial, source, warnings, &form);
    if (err == ERR_OK)
        err = keep_creator(g, source, &form);
    if (err == ERR_OK && form.brings) {
        g->out->untold |= form.partners & g->bare.release;
        form.unmade = "what marks or extends it would bring its creator along";
        err = ERR_DENIED;
    }
    if (err == ERR_DENIED || err == ERR_LIMIT || err == ERR_NOTFOUND) { /* the secret was destroyed */
        form.refs = NULL;
        *out_ok = whole;
        g->out->unmade |= takes ? form.partners : 0;
        err = ERR_OK;
    }
    if (err == ERR_OK)
        g->out->forms[g->out->form_count++] = form;
    return err;
}

/* Reads the source again: judging markings parsed others. */
static err_t open_source(struct gathering *g, struct stix_object *out, size_t *out_warnings)
{
    struct subject subject;
    struct json_doc *doc = arena_zalloc(g->arena, 1, sizeof *doc);
    err_t err;
    if (doc == NULL)
        return ERR_NOMEM;
    if (TRY(err, subject_load(g->gate, g->subject->lsn, g->arena, &subject)) ||
        TRY(err, json_parse(g->gate->parser, subject.bytes, doc, NULL)) ||
        TRY(err, stix_read_held(json_root(doc), g->arena, out)))
        return err;
    return cut_warnings(g->gate, json_root(doc), g->arena, out_warnings);
}

static void overlay(struct gathering *g, unsigned partner)
{
    uint64_t bit = UINT64_C(1) << partner;
    struct policy_verdict *verdict = &g->out->verdict;
    verdict->release |= bit;
    verdict->hold &= ~bit;
    verdict->deny &= ~bit;
    verdict->rule[partner] = g->bare.rule[partner];
    g->out->by_bare |= bit;
}

/* Denied as a whole, and held but for a part: it is held, and goes without that part when it is let go. */
static void overlay_hold(struct gathering *g, unsigned partner)
{
    uint64_t bit = UINT64_C(1) << partner;
    struct policy_verdict *verdict = &g->out->verdict;
    if ((verdict->deny & g->bare.hold & bit) == 0)
        return;
    verdict->deny &= ~bit;
    verdict->hold |= bit;
    verdict->rule[partner] = g->bare.rule[partner];
    g->out->by_bare |= bit;
}

/* It cannot be cut as it must be. What all markings together let go is held for the duties of its rule. */
static void keep_back(struct gathering *g, unsigned partner)
{
    uint64_t bit = UINT64_C(1) << partner;
    struct policy_verdict *verdict = &g->out->verdict;
    if ((verdict->release & bit) == 0)
        return;
    verdict->release &= ~bit;
    verdict->hold |= bit;
    verdict->rule[partner] = POLICY_RULE_DUTIES;
}

/* A granular marking only tightens: what the rules do not let go without it, they do not let go because of
 * what it says of a part. */
static void tighten(struct gathering *g)
{
    struct policy_verdict *verdict = &g->out->verdict;
    uint64_t kept = (verdict->release & ~g->bare.release) | (verdict->hold & g->bare.deny);
    uint64_t denied = verdict->deny & g->bare.deny;
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
        /* Denied with all of its parts and without: what was held until now is known to have been (holds.c).
         */
        bool named = (denied >> p & 1) && g->bare.rule[p] != POLICY_RULE_DEFAULT;
        if ((kept >> p & 1) || named)
            verdict->rule[p] = g->bare.rule[p];
        g->out->by_bare |= named ? UINT64_C(1) << p : 0;
    }
    verdict->release &= ~kept;
    verdict->hold = (verdict->hold & ~kept) | (kept & g->bare.hold);
    verdict->deny |= kept & ~g->bare.hold;
    g->out->by_bare |= kept;
}

/* Partners from whose copy something is taken out, or may be. */
static uint64_t treated(const struct gathering *g)
{
    uint64_t cut = 0;
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
        cut |= duties_of(g, p) != NULL ? UINT64_C(1) << p : 0;
    for (size_t i = 0; i < g->marking_count; i++)
        cut |= g->without[i];
    for (size_t i = 0; g->told != NULL && i < g->told->target_count; i++)
        cut |= g->told->targets[i]->cut;
    return ((cut & (g->bare.release | g->bare.hold)) | g->personal) & ~g->untold;
}

/* Those whose duties count. Of what left already, and for what speaks of it, also whoever waits: what the
 * rules beneath a hold would take out he may have by none of them, held or not (docs/decisions/0123). */
static uint64_t dutied(const struct gathering *g)
{
    return g->bare.release | (g->subject->gone || g->subject->beneath ? g->bare.hold : 0);
}

/* What waits for what it speaks of is made for nobody; who has it, whole or in part, may have more than he
 * ever may. */
static err_t ask_untold(struct gathering *g, const struct stix_object *source)
{
    err_t err = ERR_OK;
    for (uint64_t left = g->subject->gone ? g->untold & dutied(g) : 0; left != 0 && err == ERR_OK;
         left &= left - 1) {
        unsigned p = (unsigned)__builtin_ctzll(left);
        struct form form = {.partners = UINT64_C(1) << p, .unmade = untold_why};
        struct list list = {0};
        bool takes = false;
        if (TRY(err, takes_out(g, source, p, &takes)) || !takes)
            continue;
        g->out->unmade |= form.partners;
        if (TRY(err, gather_selectors(g, source, p, &list, &form))) {
            err = err == ERR_DENIED || err == ERR_LIMIT ? ERR_OK : err;
            continue;
        }
        list.count = stix_cut_found(source->root, list.at, list.count, list.at);
        err = write_profile(g, &list, &form);
        if (err == ERR_OK)
            g->out->forms[g->out->form_count++] = form;
        err = err == ERR_LIMIT ? ERR_OK : err;
    }
    return err;
}

/* The forms for all of `formed`. Who gets it by the rules gets it so, or not at all. */
static err_t form_all(struct gathering *g, uint64_t formed)
{
    struct stix_object source;
    size_t warnings = 0;
    uint64_t cut = treated(g);
    err_t err = open_source(g, &source, &warnings);
    bool readable = err != ERR_DENIED;
    if (err == ERR_OK)
        err = ask_untold(g, &source);
    for (unsigned p = 0; p < LIMIT_PARTNERS && (err == ERR_OK || !readable); p++) {
        bool ok = (cut >> p & 1) == 0;
        if ((formed >> p & 1) == 0)
            continue;
        if (readable)
            err = form_for(g, &source, warnings, p, &ok);
        bool may = ok && (err == ERR_OK || !readable);
        if (may && readable)
            overlay_hold(g, p);
        if ((g->bare.release >> p & 1) == 0) { /* it waits, or comes along */
            g->out->untreated |= may ? 0 : g->along.masked & UINT64_C(1) << p;
            continue;
        }
        if (may)
            overlay(g, p);
        else
            keep_back(g, p);
    }
    return readable ? err : ERR_OK;
}

/* Those that nobody gets behind the others. */
static void part_forms(struct cutting *out)
{
    size_t made = 0;
    for (size_t i = 0; i < out->form_count; i++) {
        struct form form = out->forms[i];
        if (form.refs == NULL)
            continue;
        out->forms[i] = out->forms[made];
        out->forms[made++] = form;
    }
    out->unmade_count = out->form_count - made;
    out->form_count = made;
}

static err_t make_forms(struct gathering *g)
{
    err_t err;
    tighten(g);
    struct cutting *out = g->out;
    uint64_t partners = g->bare.release, formed = treated(g);
    out->untold = partners & g->untold;
    formed |= out->clean & ~g->untold &
              (partners | subject_comes_along(g->gate, g->subject, &out->facts, &out->verdict));
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
        if ((partners & g->untold) >> p & 1)
            keep_back(g, p);
        else if ((partners & ~formed) >> p & 1)
            overlay(g, p);
    if (formed == 0 && (!g->subject->gone || g->untold == 0))
        return ERR_OK;
    size_t most = (size_t)__builtin_popcountll(formed) + (size_t)__builtin_popcountll(g->untold);
    out->forms = arena_zalloc(g->keep, most + 1, sizeof *out->forms);
    if (out->forms == NULL)
        return ERR_NOMEM;
    if (TRY(err, form_all(g, formed)))
        return err;
    part_forms(out);
    return ERR_OK;
}

/* Names in texts are for those alone who have what they name: whether this node has it is not asked, or what
 * is gone would tell. Not for partners of whom the policy says otherwise. */
static uint64_t ask_names(const struct policy *policy, const struct stix_object *object)
{
    static const struct str any = {"any", 3};
    bool names = false;
    for (size_t i = 0; i < object->named_count && !names; i++)
        names = !key_is_builtin(&object->named[i].key);
    return names ? ~policy_partners_any(policy, STR("names-in-texts"), (struct policy_list) {&any, 1}) : 0;
}

/* Partners whose rule asks for a treatment, of an object that has something to treat. */
static void ask_personal(struct gathering *g)
{
    const struct policy_facts *facts = &g->out->bare;
    if (g->self || (facts->personal_known && (facts->personal.kinds & UINT16_MAX) == 0))
        return;
    for (uint64_t left = dutied(g); left != 0; left &= left - 1) {
        unsigned p = (unsigned)__builtin_ctzll(left);
        if (personal_treatment(policy_bound_of(g->out->bound, g->out->bound_count, p)) != 0)
            g->personal |= UINT64_C(1) << p;
    }
    g->personal |= g->along.masked & ~g->bare.release &
                   subject_comes_along(g->gate, g->subject, &g->out->facts, &g->out->verdict);
}

/* Who may not hear what it says of others: what of these is kept from him, or the name of a creator who is
 * not named to him. That somebody who has read it may let go. */
static void ask_told(struct gathering *g)
{
    uint64_t answered = policy_answered(g->policy, POLICY_RULE_DUTIES, &g->out->facts);
    if (g->told->bereft)
        g->untold = g->out->hidden = UINT64_MAX;
    for (size_t i = 0; i < g->told->target_count; i++) {
        uint64_t unnamed = g->told->targets[i]->anonymous & ~answered;
        g->untold |= g->told->targets[i]->untold | unnamed;
        g->out->hidden |= g->told->targets[i]->hidden | unnamed;
    }
}

/* A hold that keeps a definition for what it holds is the reason that people are told, and may answer. */
static void keep_along(struct gathering *g, const struct along *along)
{
    struct cutting *out = g->out;
    out->untreated = along->untreated;
    out->treated = along->untreated & ~along->held;
    for (uint64_t left = along->held & ~out->verdict.deny; left != 0; left &= left - 1) {
        unsigned p = (unsigned)__builtin_ctzll(left);
        if (out->verdict.rule[p] == POLICY_RULE_FOLLOWS)
            out->verdict.rule[p] = along->rule[p];
        out->kept_along |= out->verdict.rule[p] == along->rule[p] ? UINT64_C(1) << p : 0;
    }
    sooner(&out->verdict, along->change_us);
}

/* An unmarked creator leaves with what it made, and a definition with what carries it, past the rules; not
 * past what they ask to be done to it, nor past what holds personal data. */
static err_t ask_along(struct gathering *g)
{
    struct stix_object source;
    size_t warnings;
    bool asks = policy_has_duties(g->policy) || (policy_needs(g->policy) & POLICY_NEED_PERSONAL) != 0;
    bool definition = key_is_definition(&g->subject->object.key);
    if (!asks || !g->subject->follows || g->self || (definition && !g->out->facts.follows))
        return ERR_OK;
    err_t err = open_source(g, &source, &warnings);
    if (err != ERR_OK) {
        g->out->untreated = UINT64_MAX;
        return err == ERR_DENIED ? ERR_OK : err;
    }
    if (!TRY(err, along_untreated(g->policy, &source, &g->out->facts, g->now_us, g->arena, &g->along)))
        keep_along(g, &g->along);
    return err;
}

/* `told`: of a language-content, with all that it speaks of decided; `lost`: nobody knows what that is. */
static err_t decide_one(struct gate *gate, const struct subject *subject, const struct policy *policy,
                        int64_t now_us, struct arena *arena, struct arena *keep, const struct told *told,
                        bool lost, struct cutting *out)
{
    struct gathering *g = arena_zalloc(arena, 1, sizeof *g);
    err_t err;
    if (g == NULL)
        return ERR_NOMEM;
    *out = (struct cutting) {0};
    g->gate = gate;
    g->subject = subject;
    g->policy = policy;
    g->now_us = now_us;
    g->arena = arena;
    g->keep = keep;
    g->told = told;
    g->out = out;
    if (TRY(err, gather_markings(g)) && err != ERR_LIMIT)
        return err;
    bool whole = err == ERR_LIMIT;
    if (TRY(err, subject_decide(gate, subject, policy, now_us, arena, &out->facts, &out->verdict)))
        return err;
    out->bare = out->facts;
    if (whole)
        g->marking_count = 0; /* and so for everybody who gets it at all */
    bool treats = policy_has_duties(policy) && (policy_needs(policy) & POLICY_NEED_PERSONAL) != 0;
    out->clean = ask_names(policy, &subject->object);
    struct stix_key self;
    g->self = mint_creator_key(gate, &self) && stix_key_eq(&self, &subject->object.key);
    if (TRY(err, ask_along(g)))
        return err;
    if (g->marking_count == 0 && told == NULL && !policy_has_duties(policy) && out->clean == 0)
        return ERR_OK;
    if (TRY(err, ask_rules(g)) ||
        TRY(err, policy_bind(policy, &out->bare, now_us, dutied(g), keep, &out->bound, &out->bound_count)))
        return err;
    if (treats)
        ask_personal(g);
    if (told != NULL)
        ask_told(g);
    g->untold |= lost ? UINT64_MAX : 0;
    return make_forms(g);
}

/* One of those that a translation speaks of: once, however many speak of it. */
static err_t judge_target(const struct told_ask *ask, struct telling *t, struct told *told)
{
    struct arena *scratch = told_scratch(t);
    struct subject subject;
    struct cutting cutting;
    bool speaks = told->translates && !told->alone;
    err_t err = subject_load(ask->gate, told->lsn, scratch, &subject);
    if (err != ERR_OK)
        return err;
    subject.gone = ask->gone;
    subject.beneath = true;
    if (!TRY(err, decide_one(ask->gate, &subject, ask->policy, ask->now_us, scratch, told_keep(t),
                             speaks ? told : NULL, false, &cutting)) &&
        !TRY(err, over_of(ask->gate, &subject.object.key, subject.copies, told->lsn, ask->now_us, scratch,
                          &told->over)))
        told_note(ask->gate, told, &subject, &cutting);
    return err;
}

err_t cut_decide(struct gate *gate, const struct subject *subject, const struct policy *policy,
                 int64_t now_us, struct arena *arena, struct arena *keep, struct cutting *out)
{
    const struct told_ask ask = {gate, policy, now_us, subject->gone};
    struct telling *t;
    struct told *told;
    bool lost;
    err_t err;
    if (subject->object.type->code != STIX_TYPE_LANGUAGE_CONTENT)
        return decide_one(gate, subject, policy, now_us, arena, keep, NULL, false, out);
    if (TRY(err, told_gather(&ask, subject->lsn, &t)))
        return err;
    while ((told = told_next(t)) != NULL)
        if (TRY(err, judge_target(&ask, t, told)))
            return err;
    const struct told *first = told_first(t, &lost);
    if (TRY(err, decide_one(gate, subject, policy, now_us, arena, keep, first, lost, out)))
        return err;
    for (size_t i = 0; i < first->target_count; i++)
        sooner(&out->verdict, first->targets[i]->next_change_us);
    return ERR_OK;
}

static const struct form *form_of(const struct form *forms, size_t count, unsigned partner)
{
    for (size_t i = 0; i < count; i++)
        if (forms[i].partners >> partner & 1)
            return &forms[i];
    return NULL;
}

const struct form *cut_form(const struct cutting *cutting, unsigned partner)
{
    return form_of(cutting->forms, cutting->form_count, partner);
}

const struct form *cut_unmade(const struct cutting *cutting, unsigned partner)
{
    return cutting->unmade_count == 0
               ? NULL /* there may be no forms at all */
               : form_of(cutting->forms + cutting->form_count, cutting->unmade_count, partner);
}
