/* What may leave to whom: the largest set that can leave together, worked out by brute force. */
#include "leak.h"

/* `until`: of his leaves. */
static bool had_by(const struct world *w, unsigned p, int thing, size_t until)
{
    const struct shown *view = &w->view[p];
    for (size_t i = 0; i < until && i < view->count; i++)
        if (view->at[i].thing == thing && !view->at[i].gone)
            return true;
    for (size_t i = 0; thing != NODE_THING && i < w->copy_count; i++)
        if (kept_said(w, &w->copies[i])->thing == thing && !w->copies[i].quarantined &&
            w->copies[i].source == LOCALS + p)
            return true;
    return false;
}

static bool has(const struct world *w, unsigned p, int thing)
{
    return had_by(w, p, thing, SIZE_MAX);
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
    const struct saying *saying = kept_said(w, &w->copies[item->copy]);
    for (size_t i = 0; i < saying->link_count; i++) {
        const struct link *link = &saying->links[i];
        if (link->text && link->thing != saying->thing && !form_link_covered(item, saying, link) &&
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
    if (link->text || link->thing == saying->thing || form_link_covered(item, saying, link))
        return;
    out->thing = link->thing;
    out->drop = item->loose ? link->drop : DROP_NEVER;
    out->draws = out->drop == DROP_NEVER;
    /* Whether it still is an object without some of them nobody promises, but of the ends of traffic. */
    if (w->sure && out->drop != DROP_END)
        out->drop = DROP_NEVER;
    /* A partner's word draws no definition along; another role of the same reference may. */
    bool along = thing_is_definition(w, link->thing) && w->copies[item->copy].source < LOCALS;
    for (size_t k = 0; k < saying->link_count; k++)
        along |= saying->links[k].thing == link->thing && saying->links[k].follows &&
                 !form_link_covered(item, saying, &saying->links[k]);
    /* What may be left out brings nothing along: it is there by itself, or nobody promises anything. */
    out->strict = !along || (w->sure && !out->draws);
}

/* A reference is left out: what the node made then goes. */
static bool drops_any(const struct world *w, unsigned p, const struct judged *j, const struct item *item)
{
    const struct saying *saying = kept_said(w, &w->copies[item->copy]);
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
    const struct saying *saying = item->copy < 0 ? NULL : kept_said(w, &w->copies[item->copy]);
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
    size_t members = 0, met = 0, ends = 0, ends_met = 0;
    struct need one;
    for (size_t i = 0; need(w, p, j, item, i, &one); i++) {
        bool is = one.thing < 0 || is_met(w, p, j, one.thing, one.strict);
        if (!is && one.drop == DROP_NEVER)
            return false;
        members += one.drop == DROP_MEMBER;
        met += one.drop == DROP_MEMBER && is;
        ends += one.drop == DROP_END;
        ends_met += one.drop == DROP_END && is;
    }
    return (members == 0 || met > 0) && (ends == 0 || ends_met > 0);
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
                    !had_by(w, p, one.thing, w->fresh) &&
                    !(w->sure && (!one.draws || had_already(w, p, &j->at[i])))) {
                    j->at[k].on_demand = false;
                    gave = true;
                }
    return gave;
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
            over |= view->at[i].may_end_us != 0 && view->at[i].may_end_us <= w->now_us;
            times++;
        }
    return w->sure && (over || times >= OFTEN);
}

/* It speaks of what his time is over with, however far. */
static bool speaks_of_over(const struct world *w, unsigned p, const struct kept *copy)
{
    int about = kept_said(w, copy)->about;
    bool over = false;
    for (size_t i = 0; i < w->view[p].count && about >= 0 && w->sure; i++)
        over |= w->view[p].at[i].thing == about && w->view[p].at[i].may_end_us != 0 &&
                w->view[p].at[i].may_end_us <= w->now_us;
    for (size_t i = 0; i < w->copy_count && about >= 0 && !over; i++)
        over = kept_said(w, &w->copies[i])->thing == about &&
               (back_over(w, p, about) || speaks_of_over(w, p, &w->copies[i]));
    return over;
}

/* A definition is never minted: it does not leave where what it names has another identifier. */
static bool is_frozen(const struct world *w, unsigned p, const struct kept *copy)
{
    const struct saying *saying = kept_said(w, copy);
    bool frozen = false;
    for (size_t i = 0; w->sure && thing_is_definition(w, saying->thing) && i < saying->link_count; i++) {
        for (size_t k = 0; k < w->view[p].count; k++)
            frozen |= w->view[p].at[k].thing == saying->links[i].thing && w->view[p].at[k].minted;
        for (size_t k = 0; k < w->copy_count; k++) {
            struct item other;
            if (kept_said(w, &w->copies[k])->thing != saying->links[i].thing)
                continue;
            form_find(w, &w->copies[k], p, &other);
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
        item->thing = kept_said(w, copy)->thing;
        form_find(w, copy, p, item);
        if (is_over(w, p, copy) || is_frozen(w, p, copy) || speaks_of_over(w, p, copy))
            return;
    }
    if (item->form == FORM_NONE && form_goes_along(w, copy, p)) {
        item->personal = form_along_treats(w, copy, p);
        item->form = item->personal == TREAT_NOT ? FORM_WHOLE : FORM_CUT;
        item->on_demand = true;
        item->selector_count = 0;
        item->hidden = -1;
        item->loose = false;
        item->expire_us = 0;
        item->reshare = 0;
    }
    if (item->form != FORM_NONE)
        out->count++;
}

static bool may_lapse(const struct world *w)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    bool may = false;
    for (size_t i = 0; i < policy->rule_count; i++)
        may |= policy->rule[i].deadline_us != 0 && policy->rule[i].lapses_to_release;
    return may && !w->sure;
}

void judge(struct world *w, unsigned p, struct judged *out)
{
    out->count = 0;
    if ((w->started >> p & 1) == 0 || w->policy < 0)
        return;
    add_item(w, p, NULL, out);
    for (size_t i = 0; i < w->copy_count; i++)
        if (kept_is_current(w, &w->copies[i]))
            add_item(w, p, &w->copies[i], out);
    w->waits = may_lapse(w);
    for (size_t i = 0; w->waits && i < w->copy_count; i++)
        if (kept_is_current(w, &w->copies[i]))
            add_item(w, p, &w->copies[i], out);
    w->waits = false;
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

/* Is there a rule that would let it go, at once or when a wait is over, whole or in part? */
static bool may_ever(const struct world *w, unsigned p, const struct kept *copy)
{
    struct facts facts;
    struct verdict bare, all;
    facts_find(w, copy, NO_GRANULAR, &facts);
    facts_decide(w, &facts, &bare);
    facts_find(w, copy, ALL_MARKS, &facts);
    facts_decide(w, &facts, &all);
    return ((bare.release | bare.held | all.release | all.held) >> p & 1) != 0;
}

/* Something that it speaks of, however far, is denied, or a rule takes out what `had` says of it. */
static bool speaks_of_denied(const struct world *w, unsigned p, const struct kept *copy, unsigned steps,
                             const struct had *had)
{
    int about = kept_said(w, copy)->about;
    bool denied = false;
    for (size_t i = 0; i < w->copy_count && about >= 0 && !denied; i++) {
        const struct kept *target = &w->copies[i];
        struct item item;
        if (kept_said(w, target)->thing != about || target->assertion || target->seen ||
            target->source == LOCALS + p)
            continue;
        form_find(w, target, p, &item);
        bool none = item.form == FORM_NONE && !form_goes_along(w, target, p);
        denied = (none && (!may_ever(w, p, target) || form_takes_of(w, target, p, steps + 1, had))) ||
                 speaks_of_denied(w, p, target, steps + 1, had);
    }
    return denied;
}

static bool denies(struct world *w, unsigned p, const struct had *had, const struct kept *copy)
{
    struct item item;
    size_t at = 0;
    uint32_t canary;
    bool may = may_ever(w, p, copy);
    w->sure = true; /* what is only held stays */
    form_find(w, copy, p, &item);
    w->sure = false;
    bool along = item.form == FORM_NONE && form_goes_along(w, copy, p);
    if (item.form == FORM_NONE && may)
        return (!had->minted && !along && form_takes(w, copy, p)) || speaks_of_denied(w, p, copy, 0, had);
    if (item.form == FORM_NONE)
        return !along || (!had->minted && form_along_treats(w, copy, p) != TREAT_NOT);
    bool taken = item.selector_count > 0 || item.personal != TREAT_NOT;
    bool denied = item.form == FORM_CUT && !had->minted && (taken || !thing_is_sco(w, had->thing));
    while (item.form == FORM_CUT && !denied && watch_canary(had->text, &at, &canary))
        for (size_t i = 0; i < kept_said(w, copy)->field_count; i++)
            denied |= kept_said(w, copy)->fields[i].canary == canary &&
                      item_covers(&item, kept_said(w, copy)->fields[i].at);
    return denied;
}

bool judge_denies(struct world *w, unsigned p, const struct had *had)
{
    bool denied = had->saying >= 0, any = false;
    w->taking = true;
    /* Several sources may have said the same of an observable: by whose word he has it is not asked. */
    for (size_t i = 0; denied && i < w->copy_count; i++)
        if (w->copies[i].saying == had->saying && !w->copies[i].seen) {
            w->waits = true;
            denied = denies(w, p, had, &w->copies[i]);
            w->waits = false; /* a rule of this name may have held it long before, and its wait be over */
            denied = denied && denies(w, p, had, &w->copies[i]);
            any = true;
        }
    w->taking = false;
    return denied && any;
}
