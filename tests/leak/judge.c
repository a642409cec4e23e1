/* What may leave to whom, worked out from nothing and by brute force: what each object is marked with, what
 * the rules say to it, to its markings one by one, and the largest set that can leave together. */
#include "leak.h"

#include <stdio.h>
#include <string.h>

/* --- copies --- */

static const struct saying *said(const struct world *w, const struct kept *copy)
{
    return &w->plan->sayings[copy->saying];
}

static bool speaks(const struct kept *copy)
{
    return !copy->assertion && !copy->quarantined && !copy->seen;
}

static bool is_sco(const struct world *w, int thing)
{
    return kind_is_observable(w->plan->things[thing].kind);
}

/* The newest that speaks; NULL: nothing is held. */
static const struct kept *newest(const struct world *w, int thing)
{
    const struct kept *found = NULL;
    for (size_t i = 0; i < w->copy_count; i++) {
        const struct kept *copy = &w->copies[i];
        if (said(w, copy)->thing != thing || !speaks(copy))
            continue;
        int order = found == NULL ? 1 : said(w, copy)->version - said(w, found)->version;
        if (order > 0 || (order == 0 && copy->lsn > found->lsn))
            found = copy;
    }
    return found;
}

static bool is_current(const struct world *w, const struct kept *copy)
{
    int thing = said(w, copy)->thing;
    if (!speaks(copy))
        return false;
    if (!is_sco(w, thing))
        return newest(w, thing) == copy;
    for (size_t i = 0; i < w->copy_count; i++)
        if (speaks(&w->copies[i]) && said(w, &w->copies[i])->thing == thing &&
            w->copies[i].source == copy->source && w->copies[i].lsn > copy->lsn)
            return false;
    return true;
}

static bool is_definition(const struct world *w, int thing)
{
    enum kind kind = w->plan->things[thing].kind;
    return kind == KIND_STATEMENT || kind == KIND_EXTENSION;
}

/* --- markings --- */

enum { ALL_MARKS = -1, NO_GRANULAR = -2 };

/* A definition speaks for the objects of its own source, or of everybody when it is this node's. */
static bool vouched(const struct world *w, int thing, unsigned source)
{
    for (size_t i = 0; i < w->copy_count; i++)
        if (said(w, &w->copies[i])->thing == thing &&
            (w->copies[i].source == source || w->copies[i].source == 0))
            return true;
    return false;
}

/* What one marking lets be known: its level (0: not in force), and who may read. */
struct terms {
    int tlp;
    bool names;
    uint32_t readers;
};

static struct terms terms_of(const struct world *w, int thing)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    int row = w->plan->things[thing].terms, list = w->rel_to[thing];
    bool by_operator = w->classified[thing] != 0;
    struct terms terms = {marks_tlp(row, w->now_us), marks_names(row), 0};
    if (by_operator) {
        terms.tlp = w->classified[thing];
        terms.names = w->granted[thing] != UINT32_MAX || list != 0;
    }
    for (unsigned p = 0; p < w->plan->partners; p++) {
        bool reads = by_operator ? (w->granted[thing] >> p & 1) && marks_list_has(list, policy, p)
                                 : marks_lets_read(row, policy, p, w->now_us);
        terms.readers |= (uint32_t)reads << p;
    }
    return terms;
}

static int narrower(int a, int b)
{
    return a > b ? a : b;
}

static void add_mark(const struct world *w, unsigned source, int mark, struct facts *facts)
{
    struct terms terms = {mark, false, UINT32_MAX};
    if (mark >= MARK_THING) {
        int thing = mark - MARK_THING;
        if (newest(w, thing) == NULL) {
            facts->states |= STATE_UNRESOLVED;
            return;
        }
        bool by_operator = w->classified[thing] != 0;
        if (!by_operator && w->plan->things[thing].terms == 0) {
            facts->states |= STATE_STATEMENT;
            return;
        }
        terms = terms_of(w, thing);
        facts->onward &= terms.readers;
        if (terms.tlp == 0 || (!by_operator && !vouched(w, thing, source))) {
            facts->states |= STATE_UNKNOWN;
            return;
        }
    }
    facts->states |= STATE_KNOWN;
    facts->tlp = narrower(facts->tlp, terms.tlp);
    facts->granted |= terms.names;
    if (!terms.names)
        facts->bare_tlp = narrower(facts->bare_tlp, terms.tlp);
}

/* `granular`: which of them count, ALL_MARKS, NO_GRANULAR, or the one of that marking. */
static void add_marks(const struct world *w, const struct kept *copy, int granular, struct facts *facts)
{
    const struct saying *saying = said(w, copy);
    for (size_t i = 0; i < saying->mark_count; i++)
        add_mark(w, copy->source, saying->marks[i], facts);
    for (size_t i = 0; i < saying->granular_count; i++)
        if (granular == ALL_MARKS || granular == saying->granular[i].mark)
            add_mark(w, copy->source, saying->granular[i].mark, facts);
}

/* One that is known to nobody by name is nobody's to pass on, whatever stands beside it. */
static void add_carrier(const struct world *w, const struct kept *carrier, struct facts *facts)
{
    struct facts one = {.onward = UINT32_MAX};
    add_marks(w, carrier, ALL_MARKS, &one);
    if (one.tlp > 2 && !one.granted)
        one.bare_tlp = 5;
    facts->states |= one.states;
    facts->onward &= one.onward;
    facts->granted |= one.granted;
    facts->tlp = narrower(facts->tlp, one.tlp);
    facts->bare_tlp = narrower(facts->bare_tlp, one.bare_tlp);
}

static bool names(const struct saying *saying, int thing)
{
    for (size_t i = 0; i < saying->link_count; i++)
        if (saying->links[i].thing == thing && !saying->links[i].text)
            return true;
    return false;
}

/* Rival copies under the same version bind; so do carriers of an unmarked observable, of its source. */
static bool add_others(const struct world *w, const struct kept *copy, struct facts *facts)
{
    const struct saying *saying = said(w, copy);
    bool carried = false, sco = is_sco(w, saying->thing);
    for (size_t i = 0; i < w->copy_count; i++) {
        const struct kept *other = &w->copies[i];
        const struct saying *says = said(w, other);
        if (other == copy || other->seen)
            continue;
        if (!sco && says->thing == saying->thing && says->version == saying->version && !other->assertion) {
            bool granted = facts->granted; /* it binds, and lets nothing go */
            add_marks(w, other, ALL_MARKS, facts);
            facts->granted = granted;
            facts->revoked |= says->revoked && other->source == copy->source;
        }
        if (sco && saying->mark_count == 0 && other->source == copy->source && !is_sco(w, says->thing) &&
            names(says, saying->thing)) {
            add_carrier(w, other, facts);
            /* What a carrier in quarantine changes is not looked at (docs/status.md). */
            if (w->sure && !w->taking && other->quarantined)
                facts->states |= STATE_UNKNOWN;
            carried |= says->mark_count > 0 && !other->quarantined;
        }
    }
    return carried;
}

/* Whose it is: who said it first (no creator here has a home); variants are their sources'. */
static unsigned owner(const struct world *w, const struct kept *copy)
{
    const struct kept *first = copy;
    if (is_sco(w, said(w, copy)->thing))
        return copy->source;
    for (size_t i = 0; i < w->copy_count; i++)
        if (said(w, &w->copies[i])->thing == said(w, copy)->thing && w->copies[i].lsn < first->lsn)
            first = &w->copies[i];
    return first->source;
}

static void find_facts(const struct world *w, const struct kept *copy, int granular, struct facts *out)
{
    const struct saying *saying = said(w, copy);
    *out = (struct facts) {.copy = copy,
                           .thing = saying->thing,
                           .source = copy->source,
                           .owner = owner(w, copy),
                           .onward = UINT32_MAX,
                           .confidence = saying->confidence,
                           .revoked = saying->revoked};
    add_marks(w, copy, granular, out);
    bool carried = add_others(w, copy, out);
    if (saying->mark_count > 0 || carried)
        return;
    out->follows = is_definition(w, saying->thing) && out->states == 0;
    out->states |= STATE_NONE;
    if (out->follows || copy->source >= LOCALS || w->assume[copy->source] == 0)
        return;
    out->states |= STATE_ASSUMED;
    if (w->assume[copy->source] > out->tlp)
        out->tlp = w->assume[copy->source];
}

static void node_facts(struct facts *out)
{
    *out = (struct facts) {.thing = NODE_THING,
                           .source = NODE_SOURCE,
                           .owner = NODE_SOURCE,
                           .states = STATE_KNOWN,
                           .tlp = 1,
                           .onward = UINT32_MAX,
                           .follows = true,
                           .confidence = -1};
}

/* --- the rules, stops, and who brought it --- */

static uint32_t stopped(const struct world *w, unsigned source)
{
    uint32_t mask = 0;
    if (w->stop_all || (source < LOCALS && w->stop_source[source]))
        return UINT32_MAX;
    for (unsigned p = 0; p < w->plan->partners; p++)
        mask |= (uint32_t)w->stop_partner[p] << p;
    return mask;
}

static uint32_t brought(const struct world *w, const struct kept *copy)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < w->copy_count; i++)
        if (w->copies[i].saying == copy->saying && w->copies[i].source >= LOCALS)
            mask |= 1u << (w->copies[i].source - LOCALS);
    return mask;
}

static void decide(const struct world *w, const struct facts *facts, struct verdict *out)
{
    rules_judge(w, facts, out);
    if (facts->copy != NULL) {
        uint32_t back = brought(w, facts->copy);
        out->denied |= out->release & back;
        out->release &= ~back;
    }
    out->held |= out->release & stopped(w, facts->source);
    out->release &= ~stopped(w, facts->source);
}

/* --- cut --- */

bool covers(const char *selector, const char *path)
{
    size_t len = strlen(selector);
    return strncmp(selector, path, len) == 0 && (path[len] == '\0' || path[len] == '.');
}

bool item_covers(const struct item *item, const char *path)
{
    for (size_t i = 0; i < item->selector_count; i++)
        if (covers(item->selectors[i], path))
            return true;
    return false;
}

static void add_selector(struct item *item, const char *text)
{
    must(item->selector_count < sizeof item->selectors / sizeof *item->selectors);
    (void)snprintf(item->selectors[item->selector_count++], PATH_MAX_, "%s", text);
}

/* A creator who is not named is named nowhere. */
static bool link_gone(const struct item *item, const struct link *link)
{
    return item_covers(item, link->at) || link->thing == item->hidden;
}

/* All that begins so is cut, though something is there. */
static bool all_gone(const struct item *item, const struct saying *saying, const char *under)
{
    size_t had = 0, left = 0, len = strlen(under);
    for (size_t i = 0; i < saying->field_count; i++)
        if (strncmp(saying->fields[i].at, under, len) == 0) {
            had++;
            left += !item_covers(item, saying->fields[i].at);
        }
    for (size_t i = 0; i < saying->link_count; i++)
        if (strncmp(saying->links[i].at, under, len) == 0) {
            had++;
            left += !link_gone(item, &saying->links[i]);
        }
    return had > 0 && left == 0;
}

/* All that a selector covers is cut: it names nothing any more. */
static bool names_nothing(const struct item *item, const struct saying *saying, const char *selector)
{
    size_t had = 0, left = 0;
    for (size_t i = 0; i < saying->field_count; i++)
        if (covers(selector, saying->fields[i].at)) {
            had++;
            left += !item_covers(item, saying->fields[i].at);
        }
    for (size_t i = 0; i < saying->link_count; i++)
        if (covers(selector, saying->links[i].at)) {
            had++;
            left += !link_gone(item, &saying->links[i]);
        }
    return had > 0 && left == 0;
}

/* A granular marking goes with all that it selects; what is minted has another creator. */
static bool link_covered(const struct item *item, const struct saying *saying, const struct link *link)
{
    size_t number;
    if (item->form != FORM_CUT)
        return false;
    if (sscanf(link->at, "granular_markings.[%zu]", &number) == 1)
        return item_covers(item, saying->granular[number].selector) ||
               names_nothing(item, saying, saying->granular[number].selector);
    if (str_eq(str_of(link->at), STR("created_by_ref")))
        return true;
    return link_gone(item, link);
}

/* An account needs some property; an extension is one (section 6.16). */
static bool is_extended(const struct saying *saying)
{
    for (size_t i = 0; i < saying->link_count; i++)
        if (str_eq(str_of(saying->links[i].at), STR("extensions.extension")))
            return true;
    return false;
}

/* Would it still be an object? A definition under another name would define nothing. */
static bool is_whole_enough(const struct world *w, const struct item *item, const struct saying *saying)
{
    if (is_definition(w, saying->thing))
        return false;
    for (size_t i = 0; i < saying->field_count; i++)
        if (saying->fields[i].required &&
            !(str_eq(str_of(saying->fields[i].at), STR("user_id")) && is_extended(saying)) &&
            item_covers(item, saying->fields[i].at))
            return false;
    for (size_t i = 0; i < saying->link_count; i++)
        if (saying->links[i].required && link_gone(item, &saying->links[i]))
            return false;
    return !all_gone(item, saying, "object_refs.") && !all_gone(item, saying, "contents.");
}

static void find_form(const struct world *w, const struct kept *copy, unsigned p, bool target,
                      struct item *out);

static bool goes_along(const struct world *w, const struct kept *copy, unsigned p);

static void add_translations(const struct saying *saying, const char *selector, struct item *out)
{
    static const char *const languages[] = {"fr", "ko"};
    char text[PATH_MAX_];
    for (unsigned l = 0; l < 2; l++) {
        int len = snprintf(text, sizeof text, "contents.%s.%.40s", languages[l], selector);
        bool there = false;
        for (size_t f = 0; f < saying->field_count; f++)
            there |= len > 0 && len < PATH_MAX_ && covers(text, saying->fields[f].at);
        if (there)
            add_selector(out, text);
    }
}

/* What is cut from its target a translation does not say. None here says which version it is about: every one
 * that is held binds. False: one of them does not leave, or leaves without its creator, whose name the
 * translation may say: somebody who has read it (`approved`) lets it go (MINTING.md section 1). */
static bool add_translated(const struct world *w, const struct saying *saying, unsigned p, bool approved,
                           struct item *out)
{
    for (size_t i = 0; i < w->copy_count; i++) {
        const struct kept *copy = &w->copies[i];
        struct item target = {0};
        if (said(w, copy)->thing != saying->about || copy->assertion || copy->seen ||
            w->plan->things[saying->about].kind == KIND_TRANSLATION)
            continue;
        find_form(w, copy, p, true, &target);
        if (target.form == FORM_NONE && copy->source != LOCALS + p && !goes_along(w, copy, p))
            return false;
        if (target.form == FORM_CUT && target.anonymous && !approved)
            return false;
        for (size_t k = 0; target.form == FORM_CUT && k < target.selector_count; k++)
            add_translations(saying, target.selectors[k], out);
    }
    return true;
}

/* --- duties --- */

static bool is_there(const struct saying *saying, const char *selector)
{
    bool there = false;
    for (size_t i = 0; i < saying->field_count; i++)
        there |= covers(selector, saying->fields[i].at);
    for (size_t i = 0; i < saying->link_count; i++)
        there |= covers(selector, saying->links[i].at);
    return there;
}

static bool has_personal(const struct saying *saying)
{
    bool has = false;
    for (size_t i = 0; i < saying->field_count; i++)
        has |= saying->fields[i].personal;
    for (size_t i = 0; i < saying->link_count; i++)
        has |= saying->links[i].victim;
    return has;
}

static int creator_of(const struct saying *saying)
{
    for (size_t i = 0; i < saying->link_count; i++)
        if (str_eq(str_of(saying->links[i].at), STR("created_by_ref")))
            return saying->links[i].thing;
    return -1;
}

static bool treats(const void *ctx, const struct duties *duties)
{
    const struct saying *saying = ctx;
    bool redacts = false;
    for (size_t i = 0; i < duties->redact_count; i++)
        redacts |= is_there(saying, duties->redact[i]);
    return redacts || (duties->anonymise && creator_of(saying) >= 0) ||
           (duties->personal != TREAT_NOT && has_personal(saying));
}

static void add_duties(const struct world *w, const struct saying *saying, const struct duties *duties,
                       struct item *out)
{
    out->loose = duties->drop && !is_definition(w, saying->thing);
    out->expire_us = duties->expire_us;
    out->minted = (duties->redact_count > 0 || duties->anonymise) && !is_definition(w, saying->thing);
    for (size_t i = 0; i < duties->redact_count; i++)
        if (is_there(saying, duties->redact[i]))
            add_selector(out, duties->redact[i]);
    out->anonymous = duties->anonymise && !is_definition(w, saying->thing);
    if (duties->anonymise)
        out->hidden = creator_of(saying);
    if (duties->personal == TREAT_NOT || !has_personal(saying))
        return;
    out->personal = duties->personal;
    for (size_t i = 0; i < saying->link_count; i++)
        if (saying->links[i].victim)
            add_selector(out, saying->links[i].at);
}

/* Would anything that comes along with it, however far, name the creator who is hidden? */
static bool brings_creator(const struct world *w, const struct item *item, const struct saying *saying)
{
    int open[THINGS];
    bool seen[THINGS] = {false};
    size_t count = 0, done = 0;
    for (size_t i = 0; i < saying->link_count; i++)
        if (!link_covered(item, saying, &saying->links[i]) && !seen[saying->links[i].thing]) {
            seen[saying->links[i].thing] = true;
            open[count++] = saying->links[i].thing;
        }
    while (done < count) {
        int thing = open[done++];
        enum kind kind = w->plan->things[thing].kind;
        if (thing == item->hidden)
            return true;
        if (!is_definition(w, thing) && !is_sco(w, thing) && kind != KIND_IDENTITY && kind != KIND_PERSON)
            continue;
        for (size_t i = 0; i < w->copy_count; i++) {
            const struct saying *says = said(w, &w->copies[i]);
            for (size_t k = 0; says->thing == thing && is_current(w, &w->copies[i]) && k < says->link_count;
                 k++)
                if (!seen[says->links[k].thing]) {
                    seen[says->links[k].thing] = true;
                    open[count++] = says->links[k].thing;
                }
        }
    }
    return false;
}

/* What is promised to nobody: whether it can be said without personal data, and, where it must expire,
 * whether it is minted because of what it names (that does not leave). */
static bool is_unsure(const struct world *w, const struct saying *saying, const struct item *item)
{
    bool names = false;
    for (size_t i = 0; i < saying->link_count; i++)
        names |= !is_definition(w, saying->links[i].thing);
    return w->sure && ((item->personal != TREAT_NOT && saying->named) ||
                       (item->expire_us != 0 && (item->form == FORM_CUT || item->loose || names)));
}

/* How one copy may go to `p`, whatever it refers to (section 7.2.3 of STIX 2.1). */
static void find_form(const struct world *w, const struct kept *copy, unsigned p, bool target,
                      struct item *out)
{
    const struct saying *saying = said(w, copy);
    struct facts facts;
    struct verdict verdict;
    out->form = FORM_NONE;
    out->selector_count = 0;
    out->hidden = -1;
    out->loose = out->minted = out->anonymous = false;
    out->personal = TREAT_NOT;
    out->expire_us = 0;
    find_facts(w, copy, NO_GRANULAR, &facts);
    decide(w, &facts, &verdict);
    if ((verdict.release >> p & 1) == 0)
        return;
    struct duties duties = rules_bind(w, &facts, p);
    for (size_t i = 0; i < saying->granular_count; i++) {
        find_facts(w, copy, saying->granular[i].mark, &facts);
        decide(w, &facts, &verdict);
        if ((verdict.release >> p & 1) == 0)
            add_selector(out, saying->granular[i].selector);
    }
    bool approved = ((copy->approved[0] | copy->approved[1]) >> p & 1) != 0;
    if (!target && saying->about >= 0 && !add_translated(w, saying, p, approved, out))
        return;
    add_duties(w, saying, &duties, out);
    if (out->selector_count == 0 && out->hidden < 0 && out->personal == TREAT_NOT && !out->minted)
        out->form = FORM_WHOLE;
    else if (is_whole_enough(w, out, saying))
        out->form = FORM_CUT;
    if (out->form == FORM_CUT && out->hidden >= 0 && brings_creator(w, out, saying))
        out->form = FORM_NONE;
    if (is_unsure(w, saying, out))
        out->form = FORM_NONE;
}

/* --- closure --- */

static bool has(const struct world *w, unsigned p, int thing)
{
    const struct shown *view = &w->view[p];
    for (size_t i = 0; i < view->count; i++)
        if (view->at[i].thing == thing && !view->at[i].gone)
            return true;
    for (size_t i = 0; thing != NODE_THING && i < w->copy_count; i++)
        if (said(w, &w->copies[i])->thing == thing && !w->copies[i].quarantined &&
            w->copies[i].source == LOCALS + p)
            return true;
    return false;
}

static bool comes_along(const struct world *w, int thing)
{
    return thing == NODE_THING || is_definition(w, thing) || w->plan->things[thing].kind == KIND_IDENTITY;
}

static bool is_met(const struct world *w, unsigned p, const struct judged *j, int thing, bool strict)
{
    for (size_t i = 0; i < j->count; i++)
        if (j->at[i].thing == thing && j->at[i].in && !(strict && j->at[i].on_demand))
            return true;
    return has(w, p, thing);
}

/* A text in it names what he has not: it goes without that text, and so as something that the node made. */
static bool lacks_name(const struct world *w, unsigned p, const struct judged *j, const struct item *item)
{
    const struct saying *saying = said(w, &w->copies[item->copy]);
    for (size_t i = 0; i < saying->link_count; i++) {
        const struct link *link = &saying->links[i];
        if (link->text && link->thing != saying->thing && !link_covered(item, saying, link) &&
            !is_met(w, p, j, link->thing, true))
            return true;
    }
    return false;
}

/* What an item needs: number `i` of its links, or the node's identity as its creator. */
struct need {
    int thing;          /* -1: none */
    bool strict, draws; /* draws: what comes along comes along with it */
    enum drop drop;
};

static void need_link(const struct world *w, const struct item *item, const struct saying *saying,
                      const struct link *link, struct need *out)
{
    *out = (struct need) {.thing = -1};
    if (link->text || link->thing == saying->thing || link_covered(item, saying, link))
        return;
    out->thing = link->thing;
    out->drop = item->loose ? link->drop : DROP_NEVER;
    out->draws = out->drop == DROP_NEVER;
    /* Whether it still is an object without some of them nobody promises. */
    if (w->sure)
        out->drop = DROP_NEVER;
    /* A partner's word draws no definition along; another role of the same reference may. */
    bool along = is_definition(w, link->thing) && w->copies[item->copy].source < LOCALS;
    for (size_t k = 0; k < saying->link_count; k++)
        along |= saying->links[k].thing == link->thing && saying->links[k].follows &&
                 !link_covered(item, saying, &saying->links[k]);
    out->strict = !along;
}

/* A reference is left out: what the node made then goes. */
static bool drops_any(const struct world *w, unsigned p, const struct judged *j, const struct item *item)
{
    const struct saying *saying = said(w, &w->copies[item->copy]);
    struct need one;
    for (size_t i = 0; item->loose && i < saying->link_count; i++) {
        need_link(w, item, saying, &saying->links[i], &one);
        if (one.thing >= 0 && one.drop != DROP_NEVER && !is_met(w, p, j, one.thing, one.strict))
            return true;
    }
    return false;
}

static bool need(const struct world *w, unsigned p, const struct judged *j, const struct item *item, size_t i,
                 struct need *out)
{
    const struct saying *saying = item->copy < 0 ? NULL : said(w, &w->copies[item->copy]);
    if (saying == NULL || i > saying->link_count)
        return false;
    if (i < saying->link_count) {
        need_link(w, item, saying, &saying->links[i], out);
        return true;
    }
    bool made = item->form == FORM_CUT || lacks_name(w, p, j, item) || drops_any(w, p, j, item);
    *out = (struct need) {.thing = made ? NODE_THING : -1, .draws = true};
    return true;
}

static bool may_leave(const struct world *w, unsigned p, const struct judged *j, const struct item *item)
{
    size_t members = 0, met = 0;
    struct need one;
    for (size_t i = 0; need(w, p, j, item, i, &one); i++) {
        bool is = one.thing < 0 || is_met(w, p, j, one.thing, one.strict);
        if (!is && one.drop == DROP_NEVER)
            return false;
        members += one.drop == DROP_MEMBER;
        met += one.drop == DROP_MEMBER && is;
    }
    return members == 0 || met > 0;
}

/* What he has draws nothing along a second time, though what it names was taken back. */
static bool had_already(const struct world *w, unsigned p, const struct item *item)
{
    bool had = false;
    for (size_t i = 0; item->copy >= 0 && i < w->view[p].count; i++)
        had |= w->view[p].at[i].saying == w->copies[item->copy].saying && !w->view[p].at[i].gone;
    return had;
}

static bool demand(const struct world *w, unsigned p, struct judged *j)
{
    bool gave = false;
    struct need one;
    for (size_t i = 0; i < j->count; i++)
        for (size_t n = 0; j->at[i].in && !j->at[i].on_demand && need(w, p, j, &j->at[i], n, &one); n++)
            for (size_t k = 0; one.thing >= 0 && k < j->count; k++)
                if (j->at[k].thing == one.thing && j->at[k].in && j->at[k].on_demand &&
                    !has(w, p, one.thing) && !(w->sure && (!one.draws || had_already(w, p, &j->at[i])))) {
                    j->at[k].on_demand = false;
                    gave = true;
                }
    return gave;
}

/* Unmarked, and no rule keeps it: it goes where something released names it. */
static bool goes_along(const struct world *w, const struct kept *copy, unsigned p)
{
    struct facts facts;
    struct verdict verdict;
    if (copy == NULL)
        node_facts(&facts);
    else
        find_facts(w, copy, ALL_MARKS, &facts);
    decide(w, &facts, &verdict);
    bool identity = copy != NULL && w->plan->things[said(w, copy)->thing].kind == KIND_IDENTITY;
    if (identity && rules_treats(w, &facts, p, treats, said(w, copy)))
        return false;
    bool unmarked = copy == NULL || (facts.states & ~(unsigned)(STATE_NONE | STATE_ASSUMED)) == 0;
    bool kept = ((verdict.denied | stopped(w, facts.source)) >> p & 1) != 0;
    return comes_along(w, copy == NULL ? NODE_THING : said(w, copy)->thing) && unmarked && !kept;
}

/* Its time with him is over, or it came and went so often that the gate counts no further. */
static bool is_over(const struct world *w, unsigned p, const struct kept *copy)
{
    enum { OFTEN = 6 };
    const struct shown *view = &w->view[p];
    size_t times = 0;
    bool over = false;
    for (size_t i = 0; i < view->count; i++)
        if (view->at[i].saying == copy->saying) {
            over |= view->at[i].expires_us != 0 && view->at[i].expires_us <= w->now_us;
            times++;
        }
    return w->sure && (over || times >= OFTEN);
}

/* A definition is never minted: it does not leave where what it names has another identifier. */
static bool is_frozen(const struct world *w, unsigned p, const struct kept *copy)
{
    const struct saying *saying = said(w, copy);
    bool frozen = false;
    for (size_t i = 0; w->sure && is_definition(w, saying->thing) && i < saying->link_count; i++) {
        for (size_t k = 0; k < w->view[p].count; k++)
            frozen |= w->view[p].at[k].thing == saying->links[i].thing && w->view[p].at[k].minted;
        for (size_t k = 0; k < w->copy_count; k++) {
            struct item other;
            if (said(w, &w->copies[k])->thing != saying->links[i].thing)
                continue;
            find_form(w, &w->copies[k], p, false, &other);
            frozen |= other.form == FORM_CUT || other.loose;
        }
    }
    return frozen;
}

static void add_item(const struct world *w, unsigned p, const struct kept *copy, struct judged *out)
{
    struct item *item = &out->at[out->count];
    *item = (struct item) {.copy = -1, .thing = NODE_THING, .in = true, .hidden = -1};
    if (copy != NULL) {
        item->copy = (int)(copy - w->copies);
        item->thing = said(w, copy)->thing;
        find_form(w, copy, p, false, item);
        if (is_over(w, p, copy) || is_frozen(w, p, copy))
            return;
    } else {
        struct facts facts;
        node_facts(&facts);
        /* What waits for the node's own identity is not looked at when a time ends (docs/status.md). */
        if (w->sure && rules_denied_before(w, &facts, p))
            return;
    }
    if (item->form == FORM_NONE && goes_along(w, copy, p)) {
        item->form = FORM_WHOLE;
        item->on_demand = true;
        item->selector_count = 0;
        item->hidden = -1;
        item->loose = false;
        item->personal = TREAT_NOT;
        item->expire_us = 0;
    }
    if (item->form != FORM_NONE)
        out->count++;
}

void judge(const struct world *w, unsigned p, struct judged *out)
{
    out->count = 0;
    if ((w->started >> p & 1) == 0 || w->policy < 0)
        return;
    add_item(w, p, NULL, out);
    for (size_t i = 0; i < w->copy_count; i++)
        if (is_current(w, &w->copies[i]))
            add_item(w, p, &w->copies[i], out);
    do {
        bool changed = true;
        for (size_t i = 0; i < out->count; i++)
            out->at[i].in = true;
        while (changed) {
            changed = false;
            for (size_t i = 0; i < out->count; i++)
                if (out->at[i].in && !may_leave(w, p, out, &out->at[i])) {
                    out->at[i].in = false;
                    changed = true;
                }
        }
    } while (demand(w, p, out));
}

static bool denies(struct world *w, unsigned p, const struct had *had)
{
    const struct kept *copy = NULL;
    struct facts facts;
    struct verdict bare, all;
    struct item item;
    size_t at = 0;
    uint32_t canary;
    for (size_t i = 0; had->saying >= 0 && i < w->copy_count; i++)
        if (w->copies[i].saying == had->saying && !w->copies[i].seen)
            copy = &w->copies[i];
    if (copy == NULL)
        return false;
    find_facts(w, copy, NO_GRANULAR, &facts);
    decide(w, &facts, &bare);
    find_facts(w, copy, ALL_MARKS, &facts);
    decide(w, &facts, &all);
    bool may = ((bare.release | bare.held) >> p & 1) || ((all.release | all.held) >> p & 1);
    w->sure = true; /* what is only held stays */
    find_form(w, copy, p, false, &item);
    w->sure = false;
    if (item.form == FORM_NONE)
        return !may && !goes_along(w, copy, p);
    bool taken = item.selector_count > 0 || item.personal != TREAT_NOT;
    bool denied = item.form == FORM_CUT && !had->minted && (taken || !is_sco(w, had->thing));
    while (item.form == FORM_CUT && !denied && watch_canary(had->text, &at, &canary))
        for (size_t i = 0; i < said(w, copy)->field_count; i++)
            denied |=
                said(w, copy)->fields[i].canary == canary && item_covers(&item, said(w, copy)->fields[i].at);
    return denied;
}

bool judge_denies(struct world *w, unsigned p, const struct had *had)
{
    w->taking = true;
    bool denied = denies(w, p, had);
    w->taking = false;
    return denied;
}
