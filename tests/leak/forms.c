/* How one object may go to whom: which of its fields, under which duties (MINTING.md section 1). */
#include "leak.h"

#include <stdio.h>
#include <string.h>

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

/* Where a text names him, the text goes. */
static bool field_gone(const struct item *item, const struct saying *saying, const struct field *field)
{
    bool gone = item_covers(item, field->at);
    for (size_t i = 0; i < saying->link_count; i++)
        gone |= saying->links[i].text && saying->links[i].thing == item->hidden &&
                str_eq(str_of(saying->links[i].at), str_of(field->at));
    return gone;
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
            left += !field_gone(item, saying, &saying->fields[i]);
        }
    for (size_t i = 0; i < saying->link_count; i++)
        if (covers(selector, saying->links[i].at)) {
            had++;
            left += !link_gone(item, &saying->links[i]);
        }
    return had > 0 && left == 0;
}

/* A granular marking goes with all that it selects; what is minted has another creator. */
bool form_link_covered(const struct item *item, const struct saying *saying, const struct link *link)
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
    if (thing_is_definition(w, saying->thing))
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

/* The same twice is once. */
static void add_said(const struct saying *saying, const char *at, const char *selector, struct item *out)
{
    char text[PATH_MAX_];
    int len = snprintf(text, sizeof text, "%s%.40s", at, selector);
    bool there = false;
    for (size_t f = 0; f < saying->field_count; f++)
        there |= len > 0 && len < PATH_MAX_ && covers(text, saying->fields[f].at);
    for (size_t s = 0; s < out->selector_count; s++)
        there = there && !str_eq(str_of(out->selectors[s]), str_of(text));
    if (there)
        add_selector(out, text);
}

/* Nor what a rule has taken out of its target, whether that has it or not. */
static void add_redacted(const struct world *w, const struct saying *saying, const struct kept *target,
                         const char *at, unsigned p, struct item *out)
{
    struct facts facts;
    facts_find(w, target, NO_GRANULAR, &facts);
    struct duties duties = rules_bind(w, &facts, p);
    for (size_t i = 0; i < duties.redact_count; i++)
        add_said(saying, at, duties.redact[i], out);
}

/* What is cut from its target a translation does not say, nor what is cut from what that translates, at `at`
 * of what it says. None here says which version it is about: every one that is held binds. False: one of them
 * does not leave, or leaves without its creator, whose name the translation may say: somebody who has read it
 * (`approved`) lets it go (MINTING.md section 1). No circles are drawn. */
static bool add_translated(const struct world *w, const struct saying *saying, const struct saying *via,
                           const char *at, unsigned p, bool approved, struct item *out)
{
    static const char *const languages[] = {"fr", "ko"};
    char below[PATH_MAX_];
    for (size_t i = 0; i < w->copy_count; i++) {
        const struct kept *copy = &w->copies[i];
        const struct saying *says = kept_said(w, copy);
        struct item target = {0};
        if (says->thing != via->about || copy->assertion || copy->seen)
            continue;
        form_find(w, copy, p, &target);
        if (target.form == FORM_NONE && copy->source != LOCALS + p && !form_goes_along(w, copy, p))
            return false;
        if (target.form == FORM_CUT && target.anonymous && !approved)
            return false;
        for (size_t k = 0; target.form == FORM_CUT && k < target.selector_count; k++)
            add_said(saying, at, target.selectors[k], out);
        if (target.form == FORM_CUT)
            add_redacted(w, saying, copy, at, p, out);
        for (unsigned l = 0; l < 2 && says->about >= 0; l++) {
            (void)snprintf(below, sizeof below, "%.50scontents.%s.", at, languages[l]);
            if (!add_translated(w, saying, says, below, p, approved, out))
                return false;
        }
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
    out->loose = duties->drop && !thing_is_definition(w, saying->thing);
    out->expire_us = duties->expire_us;
    out->reshare = duties->reshare;
    out->minted = (duties->redact_count > 0 || duties->anonymise) && !thing_is_definition(w, saying->thing);
    for (size_t i = 0; i < duties->redact_count; i++)
        if (is_there(saying, duties->redact[i]))
            add_selector(out, duties->redact[i]);
    out->anonymous = duties->anonymise && !thing_is_definition(w, saying->thing);
    if (duties->anonymise)
        out->hidden = creator_of(saying);
    if (duties->personal == TREAT_NOT || !has_personal(saying))
        return;
    out->personal = duties->personal;
    for (size_t i = 0; i < saying->link_count; i++)
        if (saying->links[i].victim)
            add_selector(out, saying->links[i].at);
}

bool form_takes(const struct world *w, const struct kept *copy, unsigned p)
{
    const struct saying *saying = kept_said(w, copy);
    struct facts facts;
    struct item item = {.hidden = -1};
    facts_find(w, copy, NO_GRANULAR, &facts);
    struct duties duties = rules_bind(w, &facts, p);
    add_duties(w, saying, &duties, &item);
    return item.selector_count > 0 || item.hidden >= 0 || item.personal != TREAT_NOT;
}

/* What stands at this place says it of what is so many translations away: "contents.ko.name" of one's name.
 */
static const char *path_there(const char *path, unsigned steps)
{
    static const char contents[] = "contents.";
    for (; steps > 0 && path != NULL; steps--) {
        const char *end = strncmp(path, contents, sizeof contents - 1) == 0
                              ? strchr(path + sizeof contents - 1, '.')
                              : NULL;
        path = end == NULL ? NULL : end + 1;
    }
    return path;
}

static bool shows(struct bytes text, uint32_t wanted)
{
    size_t at = 0;
    uint32_t canary;
    while (watch_canary(text, &at, &canary))
        if (canary == wanted)
            return true;
    return false;
}

bool form_takes_of(const struct world *w, const struct kept *target, unsigned p, unsigned steps,
                   const struct had *had)
{
    const struct saying *telling = &w->plan->sayings[had->saying];
    struct facts facts;
    struct item item = {.hidden = -1};
    bool any = false;
    if (!had->minted)
        return form_takes(w, target, p);
    facts_find(w, target, NO_GRANULAR, &facts);
    struct duties duties = rules_bind(w, &facts, p);
    add_duties(w, kept_said(w, target), &duties, &item);
    for (size_t i = 0; i < telling->field_count; i++) {
        const char *there = path_there(telling->fields[i].at, steps);
        bool person = item.personal != TREAT_NOT && telling->fields[i].personal;
        any |= (person || (there != NULL && item_covers(&item, there))) &&
               shows(had->text, telling->fields[i].canary);
    }
    return any;
}

/* Would anything that comes along with it, however far, name the creator who is hidden? What its own texts
 * name is looked at as well; what stands in others' texts goes from these where he is not known. */
static bool brings_creator(const struct world *w, const struct item *item, const struct saying *saying)
{
    int open[THINGS];
    bool seen[THINGS] = {false};
    size_t count = 0, done = 0;
    for (size_t i = 0; i < saying->link_count; i++)
        if (!form_link_covered(item, saying, &saying->links[i]) && !seen[saying->links[i].thing]) {
            seen[saying->links[i].thing] = true;
            open[count++] = saying->links[i].thing;
        }
    while (done < count) {
        int thing = open[done++];
        enum kind kind = w->plan->things[thing].kind;
        if (thing == item->hidden)
            return true;
        if (!thing_is_definition(w, thing) && !thing_is_sco(w, thing) && kind != KIND_IDENTITY &&
            kind != KIND_PERSON)
            continue;
        for (size_t i = 0; i < w->copy_count; i++) {
            const struct saying *says = kept_said(w, &w->copies[i]);
            for (size_t k = 0;
                 says->thing == thing && kept_is_current(w, &w->copies[i]) && k < says->link_count; k++)
                if (!says->links[k].text && !seen[says->links[k].thing]) {
                    seen[says->links[k].thing] = true;
                    open[count++] = says->links[k].thing;
                }
        }
    }
    return false;
}

/* What is promised to nobody: whether it can be said without personal data, and, where it must expire,
 * whether it is minted because of what it names (that does not leave). */
static bool is_unsure(const struct world *w, const struct kept *copy, const struct item *item)
{
    const struct saying *saying = kept_said(w, copy);
    bool names = false;
    /* Once the wait of a rule may be over it may go whole, and then with all that it refers to. */
    if (w->sure && item->form == FORM_CUT && saying->granular_count > 0 && rules_lapse_unsure(w, copy))
        return true;
    for (size_t i = 0; i < saying->link_count; i++)
        names |= saying->links[i].text || !thing_is_definition(w, saying->links[i].thing);
    return w->sure && ((item->personal != TREAT_NOT && saying->named) ||
                       (item->expire_us != 0 && (item->form == FORM_CUT || item->loose || names)));
}

/* How one copy may go to `p`, whatever it refers to (section 7.2.3 of STIX 2.1). */
void form_find(const struct world *w, const struct kept *copy, unsigned p, struct item *out)
{
    const struct saying *saying = kept_said(w, copy);
    struct facts facts;
    struct verdict verdict;
    out->form = FORM_NONE;
    out->selector_count = 0;
    out->hidden = -1;
    out->loose = out->minted = out->anonymous = false;
    out->personal = TREAT_NOT;
    out->expire_us = 0;
    out->reshare = 0;
    facts_find(w, copy, NO_GRANULAR, &facts);
    facts_decide(w, &facts, &verdict);
    if ((verdict.release >> p & 1) == 0)
        return;
    struct duties duties = rules_bind(w, &facts, p);
    for (size_t i = 0; i < saying->granular_count; i++) {
        facts_find(w, copy, saying->granular[i].mark, &facts);
        facts_decide(w, &facts, &verdict);
        if ((verdict.release >> p & 1) == 0)
            add_selector(out, saying->granular[i].selector);
    }
    bool approved = false;
    for (size_t i = 0; i < copy->answer_count; i++)
        approved |= copy->answer[i].rule == ANSWERS_DUTIES &&
                    ((copy->answer[i].by[0] | copy->answer[i].by[1]) >> p & 1);
    if (saying->about >= 0 && !(add_translated(w, saying, saying, "contents.fr.", p, approved, out) &&
                                add_translated(w, saying, saying, "contents.ko.", p, approved, out)))
        return;
    add_duties(w, saying, &duties, out);
    if (out->selector_count == 0 && out->hidden < 0 && out->personal == TREAT_NOT && !out->minted)
        out->form = FORM_WHOLE;
    else if (is_whole_enough(w, out, saying))
        out->form = FORM_CUT;
    if (out->form == FORM_CUT && out->hidden >= 0 && brings_creator(w, out, saying))
        out->form = FORM_NONE;
    if (is_unsure(w, copy, out))
        out->form = FORM_NONE;
}

static bool comes_along(const struct world *w, int thing)
{
    return thing == NODE_THING || thing_is_definition(w, thing) ||
           w->plan->things[thing].kind == KIND_IDENTITY;
}

/* A definition may say who made it: not him who is hidden in what it comes along with. */
static bool treats_definition(const void *ctx, const struct duties *duties)
{
    struct duties others = *duties;
    others.anonymise = false;
    return treats(ctx, &others);
}

/* A creator's personal data is treated: it comes along so. */
static bool treats_creator(const void *ctx, const struct duties *duties)
{
    struct duties others = *duties;
    others.personal = TREAT_NOT;
    return treats(ctx, &others);
}

static bool masks_creator(const void *ctx, const struct duties *duties)
{
    return duties->personal == TREAT_MASK && has_personal(ctx);
}

static bool renames_creator(const void *ctx, const struct duties *duties)
{
    return duties->personal == TREAT_PSEUDONYMISE && has_personal(ctx);
}

enum treat form_along_treats(const struct world *w, const struct kept *copy, unsigned p)
{
    struct facts facts;
    if (copy == NULL || thing_is_definition(w, kept_said(w, copy)->thing))
        return TREAT_NOT;
    facts_find(w, copy, ALL_MARKS, &facts);
    return rules_treats(w, &facts, p, masks_creator, kept_said(w, copy))     ? TREAT_MASK
           : rules_treats(w, &facts, p, renames_creator, kept_said(w, copy)) ? TREAT_PSEUDONYMISE
                                                                             : TREAT_NOT;
}

/* Unmarked, and no rule keeps it: it goes where something released names it. */
bool form_goes_along(const struct world *w, const struct kept *copy, unsigned p)
{
    struct facts facts;
    struct verdict verdict;
    if (!comes_along(w, copy == NULL ? NODE_THING : kept_said(w, copy)->thing))
        return false;
    if (copy == NULL)
        facts_of_node(&facts);
    else
        facts_find(w, copy, ALL_MARKS, &facts);
    facts_decide(w, &facts, &verdict);
    bool definition = copy != NULL && thing_is_definition(w, facts.thing);
    if (copy != NULL &&
        rules_treats(w, &facts, p, definition ? treats_definition : treats_creator, kept_said(w, copy)))
        return false;
    bool unmarked = copy == NULL || (facts.states & ~(unsigned)(STATE_NONE | STATE_ASSUMED)) == 0;
    return unmarked && ((verdict.denied | facts_stopped(w, facts.source)) >> p & 1) == 0;
}
