/* What is known of each copy when a rule is asked: which of them speaks, what it is marked with, by whom, who
 * brought it, and what is stopped. Worked out from nothing, by brute force. */
#include "leak.h"

/* --- copies --- */

const struct saying *kept_said(const struct world *w, const struct kept *copy)
{
    return &w->plan->sayings[copy->saying];
}

static bool speaks(const struct kept *copy)
{
    return !copy->assertion && !copy->quarantined && !copy->seen;
}

bool thing_is_sco(const struct world *w, int thing)
{
    return kind_is_observable(w->plan->things[thing].kind);
}

/* The newest that speaks; NULL: nothing is held. */
const struct kept *kept_newest(const struct world *w, int thing)
{
    const struct kept *found = NULL;
    for (size_t i = 0; i < w->copy_count; i++) {
        const struct kept *copy = &w->copies[i];
        if (kept_said(w, copy)->thing != thing || !speaks(copy))
            continue;
        int order = found == NULL ? 1 : kept_said(w, copy)->version - kept_said(w, found)->version;
        if (order > 0 || (order == 0 && copy->lsn > found->lsn))
            found = copy;
    }
    return found;
}

bool kept_is_current(const struct world *w, const struct kept *copy)
{
    int thing = kept_said(w, copy)->thing;
    if (!speaks(copy))
        return false;
    if (!thing_is_sco(w, thing))
        return kept_newest(w, thing) == copy;
    for (size_t i = 0; i < w->copy_count; i++)
        if (speaks(&w->copies[i]) && kept_said(w, &w->copies[i])->thing == thing &&
            w->copies[i].source == copy->source && w->copies[i].lsn > copy->lsn)
            return false;
    return true;
}

bool thing_is_definition(const struct world *w, int thing)
{
    enum kind kind = w->plan->things[thing].kind;
    return kind == KIND_STATEMENT || kind == KIND_EXTENSION;
}

/* --- markings --- */

/* A definition speaks for the objects of its own source, or of everybody when it is this node's. */
static bool vouched(const struct world *w, int thing, unsigned source)
{
    for (size_t i = 0; i < w->copy_count; i++)
        if (kept_said(w, &w->copies[i])->thing == thing &&
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
        if (kept_newest(w, thing) == NULL) {
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
    const struct saying *saying = kept_said(w, copy);
    for (size_t i = 0; i < saying->mark_count; i++)
        add_mark(w, copy->source, saying->marks[i], facts);
    for (size_t i = 0; i < saying->granular_count; i++)
        if (granular == ALL_MARKS || granular == saying->granular[i].mark)
            add_mark(w, copy->source, saying->granular[i].mark, facts);
}

static bool marks_anything(const struct saying *saying)
{
    return saying->mark_count + saying->granular_count > 0;
}

/* Other copies of the same version of an object that has versions bind, whoever brought them, and let nothing
 * go. True: some of them is marked. */
static bool add_rivals(const struct world *w, const struct kept *copy, struct facts *facts)
{
    const struct saying *saying = kept_said(w, copy);
    bool granted = facts->granted, any = false;
    for (size_t i = 0; i < w->copy_count; i++) {
        const struct kept *other = &w->copies[i];
        const struct saying *says = kept_said(w, other);
        if (other == copy || other->seen || other->assertion || says->thing != saying->thing ||
            says->version != saying->version)
            continue;
        add_marks(w, other, ALL_MARKS, facts);
        any |= marks_anything(says);
        facts->revoked |= says->revoked && other->source == copy->source;
    }
    facts->granted = granted;
    return any;
}

/* One that is known to nobody by name is nobody's to pass on, whatever stands beside it. True: its other
 * copies are marked. */
static bool add_carrier(const struct world *w, const struct kept *carrier, unsigned source, bool marks,
                        struct facts *facts)
{
    struct facts one = {.onward = UINT32_MAX};
    struct kept said = *carrier;
    said.source = source; /* whose definitions are vouched for */
    add_marks(w, &said, ALL_MARKS, &one);
    one.granted &= marks;
    bool rivals = add_rivals(w, carrier, &one);
    if (one.tlp > 2 && !one.granted)
        one.bare_tlp = 5;
    facts->states |= one.states;
    facts->onward &= one.onward;
    facts->granted |= one.granted;
    facts->tlp = narrower(facts->tlp, one.tlp);
    facts->bare_tlp = narrower(facts->bare_tlp, one.bare_tlp);
    return rivals;
}

static bool names(const struct saying *saying, int thing)
{
    for (size_t i = 0; i < saying->link_count; i++)
        if (saying->links[i].thing == thing && !saying->links[i].text)
            return true;
    return false;
}

/* It said so, or reported what another had said. */
static bool says(const struct world *w, const struct kept *carrier, unsigned source)
{
    bool said = carrier->source == source;
    for (size_t i = 0; i < w->copy_count; i++)
        said |= w->copies[i].seen && w->copies[i].source == source && w->copies[i].saying == carrier->saying;
    return said;
}

enum carried { CARRIED_NOT, CARRIED_TIGHTER, CARRIED_MARKED };

/* Rival copies under the same version bind; so do carriers of an unmarked observable, of its source, and the
 * rivals of these. A copy in quarantine only tightens, as granular markings do: it gives nothing a level that
 * has none. */
static enum carried add_others(const struct world *w, const struct kept *copy, struct facts *facts)
{
    const struct saying *saying = kept_said(w, copy);
    enum carried carried = CARRIED_NOT;
    if (!thing_is_sco(w, saying->thing))
        return add_rivals(w, copy, facts) ? CARRIED_TIGHTER : CARRIED_NOT;
    for (size_t i = 0; i < w->copy_count && saying->mark_count == 0; i++) {
        const struct kept *other = &w->copies[i];
        const struct saying *carrier = kept_said(w, other);
        if (other == copy || other->seen || !says(w, other, copy->source) ||
            thing_is_sco(w, carrier->thing) || !names(carrier, saying->thing))
            continue;
        bool marks = carrier->mark_count > 0 && !other->quarantined;
        bool rivals = add_carrier(w, other, copy->source, marks, facts);
        enum carried here = marks                               ? CARRIED_MARKED
                            : rivals || marks_anything(carrier) ? CARRIED_TIGHTER
                                                                : CARRIED_NOT;
        carried = here > carried ? here : carried;
    }
    return carried;
}

/* Whose it is: who said it first (no creator here has a home); variants are their sources'. */
static unsigned owner(const struct world *w, const struct kept *copy)
{
    const struct kept *first = copy;
    if (thing_is_sco(w, kept_said(w, copy)->thing))
        return copy->source;
    for (size_t i = 0; i < w->copy_count; i++)
        if (kept_said(w, &w->copies[i])->thing == kept_said(w, copy)->thing && w->copies[i].lsn < first->lsn)
            first = &w->copies[i];
    return first->source;
}

void facts_find(const struct world *w, const struct kept *copy, int granular, struct facts *out)
{
    const struct saying *saying = kept_said(w, copy);
    *out = (struct facts) {.copy = copy,
                           .thing = saying->thing,
                           .source = copy->source,
                           .owner = owner(w, copy),
                           .onward = UINT32_MAX,
                           .confidence = saying->confidence,
                           .revoked = saying->revoked};
    add_marks(w, copy, granular, out);
    enum carried carried = add_others(w, copy, out);
    if (saying->mark_count > 0 || carried == CARRIED_MARKED)
        return;
    out->follows = thing_is_definition(w, saying->thing) && out->states == 0;
    out->states |= STATE_NONE;
    bool assumes = copy->source < LOCALS && w->assume[copy->source] != 0;
    if (!out->follows && !assumes && carried == CARRIED_TIGHTER)
        out->states |= STATE_UNRESOLVED;
    if (out->follows || !assumes)
        return;
    out->states |= STATE_ASSUMED;
    if (w->assume[copy->source] > out->tlp)
        out->tlp = w->assume[copy->source];
}

void facts_of_node(struct facts *out)
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

/* --- neighbours --- */

/* Definitions are a part of what carries them. What cannot be judged counts as the strictest. */
static int level_of(const struct world *w, const struct kept *copy)
{
    struct facts one = {.onward = UINT32_MAX};
    if (!kept_is_current(w, copy) || thing_is_definition(w, kept_said(w, copy)->thing))
        return 0;
    add_marks(w, copy, ALL_MARKS, &one);
    return (one.states & (STATE_STATEMENT | STATE_UNRESOLVED | STATE_UNKNOWN)) != 0 ? 5 : one.tlp;
}

int facts_neighbour(const struct world *w, const struct facts *facts)
{
    int level = 0;
    if (facts->copy == NULL || thing_is_definition(w, facts->thing))
        return 0;
    for (size_t i = 0; i < w->copy_count; i++) {
        const struct saying *other = kept_said(w, &w->copies[i]);
        if (names(kept_said(w, facts->copy), other->thing) || names(other, facts->thing))
            level = narrower(level, level_of(w, &w->copies[i]));
    }
    return level;
}

/* --- the rules, stops, and who brought it --- */

uint32_t facts_stopped(const struct world *w, unsigned source)
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

/* What only tightens makes nothing known that is unmarked itself. */
static void judge_bare(const struct world *w, const struct facts *facts, struct verdict *out)
{
    struct facts bare = *facts;
    struct verdict less;
    if ((facts->states & STATE_NONE) == 0 || (facts->states & STATE_KNOWN) == 0)
        return;
    bare.states &= ~(unsigned)STATE_KNOWN;
    rules_judge(w, &bare, &less);
    uint32_t kept = out->release & ~less.release;
    out->release &= ~kept;
    out->held |= kept & less.held;
    out->denied |= kept & ~less.held;
}

void facts_decide(const struct world *w, const struct facts *facts, struct verdict *out)
{
    rules_judge(w, facts, out);
    judge_bare(w, facts, out);
    if (facts->copy != NULL) {
        uint32_t back = brought(w, facts->copy);
        out->denied |= out->release & back;
        out->release &= ~back;
    }
    out->held |= out->release & facts_stopped(w, facts->source);
    out->release &= ~facts_stopped(w, facts->source);
}
