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

/* --- markings --- */

enum { ALL_MARKS = -1, NO_GRANULAR = -2 };

static void add_mark(const struct world *w, int mark, struct facts *facts)
{
    int tlp = mark;
    if (mark >= MARK_THING) {
        int thing = mark - MARK_THING;
        tlp = w->classified[thing];
        if (newest(w, thing) == NULL) {
            facts->states |= STATE_UNRESOLVED;
            return;
        }
        if (tlp == 0) {
            facts->states |= STATE_STATEMENT;
            return;
        }
        facts->onward &= w->granted[thing];
    }
    facts->states |= STATE_KNOWN;
    facts->tlp = tlp > facts->tlp ? tlp : facts->tlp;
}

/* `granular`: which of them count, ALL_MARKS, NO_GRANULAR, or the one of that marking. */
static void add_marks(const struct world *w, const struct saying *saying, int granular, struct facts *facts)
{
    for (size_t i = 0; i < saying->mark_count; i++)
        add_mark(w, saying->marks[i], facts);
    for (size_t i = 0; i < saying->granular_count; i++)
        if (granular == ALL_MARKS || granular == saying->granular[i].mark)
            add_mark(w, saying->granular[i].mark, facts);
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
            add_marks(w, says, ALL_MARKS, facts);
            facts->revoked |= says->revoked && other->source == copy->source;
        }
        if (sco && saying->mark_count == 0 && other->source == copy->source && !is_sco(w, says->thing) &&
            names(says, saying->thing)) {
            add_marks(w, says, ALL_MARKS, facts);
            carried |= says->mark_count > 0 && !other->quarantined;
        }
    }
    return carried;
}

static bool is_definition(const struct world *w, int thing)
{
    enum kind kind = w->plan->things[thing].kind;
    return kind == KIND_STATEMENT || kind == KIND_EXTENSION;
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
    add_marks(w, saying, granular, out);
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
            left += !item_covers(item, saying->links[i].at);
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
            left += !item_covers(item, saying->links[i].at);
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
    return item_covers(item, link->at);
}

/* An account needs some property; an extension is one (section 6.16). */
static bool is_extended(const struct saying *saying)
{
    for (size_t i = 0; i < saying->link_count; i++)
        if (str_eq(str_of(saying->links[i].at), STR("extensions.extension")))
            return true;
    return false;
}

/* Would it still be an object? */
static bool is_whole_enough(const struct item *item, const struct saying *saying)
{
    for (size_t i = 0; i < saying->field_count; i++)
        if (saying->fields[i].required &&
            !(str_eq(str_of(saying->fields[i].at), STR("user_id")) && is_extended(saying)) &&
            item_covers(item, saying->fields[i].at))
            return false;
    for (size_t i = 0; i < saying->link_count; i++)
        if (saying->links[i].required && item_covers(item, saying->links[i].at))
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
 * that is held binds. False: one of them does not leave. */
static bool add_translated(const struct world *w, const struct saying *saying, unsigned p, struct item *out)
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
        for (size_t k = 0; target.form == FORM_CUT && k < target.selector_count; k++)
            add_translations(saying, target.selectors[k], out);
    }
    return true;
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
    find_facts(w, copy, NO_GRANULAR, &facts);
    decide(w, &facts, &verdict);
    if ((verdict.release >> p & 1) == 0)
        return;
    for (size_t i = 0; i < saying->granular_count; i++) {
        find_facts(w, copy, saying->granular[i].mark, &facts);
        decide(w, &facts, &verdict);
        if ((verdict.release >> p & 1) == 0)
            add_selector(out, saying->granular[i].selector);
    }
    if (!target && saying->about >= 0 && !add_translated(w, saying, p, out))
        return;
    if (out->selector_count == 0)
        out->form = FORM_WHOLE;
    else if (is_whole_enough(out, saying))
        out->form = FORM_CUT;
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
static bool need(const struct world *w, unsigned p, const struct judged *j, const struct item *item, size_t i,
                 int *out_thing, bool *out_strict)
{
    const struct saying *saying = item->copy < 0 ? NULL : said(w, &w->copies[item->copy]);
    *out_thing = -1;
    *out_strict = false;
    if (saying == NULL)
        return false;
    if (i == saying->link_count) {
        *out_thing = item->form == FORM_CUT || lacks_name(w, p, j, item) ? NODE_THING : -1;
        return true;
    }
    if (i > saying->link_count)
        return false;
    const struct link *link = &saying->links[i];
    if (link->text || link->thing == saying->thing || link_covered(item, saying, link))
        return true;
    *out_thing = link->thing;
    /* A partner's word draws no definition along; another role of the same reference may. */
    bool along = is_definition(w, link->thing) && w->copies[item->copy].source < LOCALS;
    for (size_t k = 0; k < saying->link_count; k++)
        along |= saying->links[k].thing == link->thing && saying->links[k].follows &&
                 !link_covered(item, saying, &saying->links[k]);
    *out_strict = !along;
    return true;
}

static bool may_leave(const struct world *w, unsigned p, const struct judged *j, const struct item *item)
{
    int thing;
    bool strict;
    for (size_t i = 0; need(w, p, j, item, i, &thing, &strict); i++)
        if (thing >= 0 && !is_met(w, p, j, thing, strict))
            return false;
    return true;
}

static bool demand(const struct world *w, unsigned p, struct judged *j)
{
    bool gave = false, strict;
    int thing;
    for (size_t i = 0; i < j->count; i++)
        for (size_t n = 0; j->at[i].in && !j->at[i].on_demand && need(w, p, j, &j->at[i], n, &thing, &strict);
             n++)
            for (size_t k = 0; thing >= 0 && k < j->count; k++)
                if (j->at[k].thing == thing && j->at[k].in && j->at[k].on_demand && !has(w, p, thing)) {
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
    bool unmarked = copy == NULL || (facts.states & ~(unsigned)(STATE_NONE | STATE_ASSUMED)) == 0;
    bool kept = ((verdict.denied | stopped(w, facts.source)) >> p & 1) != 0;
    return comes_along(w, copy == NULL ? NODE_THING : said(w, copy)->thing) && unmarked && !kept;
}

static void add_item(const struct world *w, unsigned p, const struct kept *copy, struct judged *out)
{
    struct item *item = &out->at[out->count];
    *item = (struct item) {.copy = -1, .thing = NODE_THING, .in = true};
    if (copy != NULL) {
        item->copy = (int)(copy - w->copies);
        item->thing = said(w, copy)->thing;
        find_form(w, copy, p, false, item);
    }
    if (item->form == FORM_NONE && goes_along(w, copy, p)) {
        item->form = FORM_WHOLE;
        item->on_demand = true;
        item->selector_count = 0;
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
