/* What is over: taken back by a new policy, at the end of its time, or beyond a budget. */
#include "leak.h"

#include <stdio.h>

struct reading {
    struct world *w;
    unsigned p;
    uint64_t next;
};

static bool look_again(void *ctx, const struct gate_leaf *leaf)
{
    struct reading *r = ctx;
    const struct shown *view = &r->w->view[r->p];
    uint64_t seq = r->next++;
    for (size_t i = 0; leaf->object.len > 0 && i < view->count; i++)
        if (view->at[i].seq == seq && (view->at[i].over || view->at[i].gone))
            watch_tell(r->w, r->p,
                       view->at[i].gone ? "is given again what was taken back"
                                        : "is given what is denied now",
                       view->at[i].text);
    return !r->w->broken;
}

/* One that waits to be taken back stops the reader: he is told to come again. What follows is looked at all
 * the same. */
static void read_all(struct world *w, unsigned p)
{
    struct gate_ledger ledger;
    struct reading r = {w, p, 0};
    err_t err = gate_ledger(w->gate, p, &ledger);
    while (err == ERR_OK && r.next < ledger.visible && !w->broken) {
        uint64_t from = r.next;
        err = gate_leaves(w->gate, p, from, look_again, &r);
        if (err == ERR_BUSY) {
            r.next++;
            err = ERR_OK;
        }
    }
    if (err != ERR_OK)
        world_break(w, "p%u: reading the leaves again failed: %s", p, err_text(err));
}

void back_look(struct world *w)
{
    for (unsigned p = 0; p < w->plan->partners && !w->broken; p++) {
        bool any = false;
        for (size_t i = 0; i < w->view[p].count; i++)
            any |= w->view[p].at[i].over || w->view[p].at[i].gone;
        if (any)
            read_all(w, p);
    }
}

void back_begin(struct world *w)
{
    for (unsigned p = 0; p < w->plan->partners; p++)
        for (size_t i = 0; i < w->view[p].count; i++) {
            struct had *had = &w->view[p].at[i];
            had->over = !had->gone && judge_denies(w, p, had);
            w->taken += had->over && w->looks_back;
        }
    back_look(w);
}

/* Not what was taken back before. */
static bool is_over(const struct world *w, const struct had *had)
{
    bool before = had->gone && had->gone_us < had->expires_us;
    return had->expires_us != 0 && w->now_us > had->expires_us + SECOND && !before;
}

bool back_over(const struct world *w, unsigned p, int thing)
{
    bool over = false;
    for (size_t i = 0; i < w->view[p].count; i++)
        over |= w->view[p].at[i].thing == thing && is_over(w, &w->view[p].at[i]);
    return over;
}

/* Something that it speaks of, however far. No translation here says of which version. */
static bool speaks_of_over(const struct world *w, unsigned p, const struct had *had)
{
    int about = had->saying < 0 ? -1 : w->plan->sayings[had->saying].about;
    bool held = about >= 0 && kept_newest(w, about) != NULL;
    return held && back_over(w, p, about);
}

/* An observable's variants are each for itself, and by whose word he has one is not asked. */
static bool was_before_over(const struct world *w, unsigned p, const struct had *had)
{
    const struct shown *view = &w->view[p];
    bool before = false;
    for (size_t i = 0; i < view->count && had->thing >= 0 && had->thing != NODE_THING; i++)
        before |= view->at[i].thing == had->thing && !thing_is_sco(w, had->thing) &&
                  view->at[i].seq > had->seq && view->at[i].at_us > had->at_us && is_over(w, &view->at[i]);
    return before;
}

void back_expire(struct world *w, unsigned p)
{
    for (size_t i = 0; i < w->view[p].count && !w->broken; i++) {
        const struct had *had = &w->view[p].at[i];
        if (had->gone)
            continue;
        if (is_over(w, had))
            watch_tell(w, p, "has still what was to expire", had->text);
        else if (was_before_over(w, p, had))
            watch_tell(w, p, "has still what he had before of what expired", had->text);
        else if (speaks_of_over(w, p, had))
            watch_tell(w, p, "has still a translation of what expired", had->text);
    }
}

void back_denied(struct world *w, unsigned p)
{
    for (size_t i = 0; i < w->view[p].count && !w->broken && w->policy >= 0; i++)
        if (!w->view[p].at[i].gone && judge_denies(w, p, &w->view[p].at[i]))
            watch_tell(w, p, "has still what is denied by now", w->view[p].at[i].text);
}

/* What he has, in part or whole, waits for no budget when it is made anew or may go as it is
 * (src/gate/budget.c). */
static bool is_made_anew(const struct shown *view, size_t at)
{
    bool anew = false;
    for (size_t i = 0; i < at; i++)
        anew |= view->at[i].thing == view->at[at].thing;
    return anew;
}

void back_budget(struct world *w, unsigned p)
{
    const struct policy_plan *policy = w->policy < 0 ? NULL : &w->plan->policies[w->policy];
    const struct shown *view = &w->view[p];
    size_t last = view->count, inside = 0, before = 0;
    if (policy == NULL || w->unbound || (policy->budget.partners >> p & 1) == 0)
        return;
    while (last > 0 && is_made_anew(view, last - 1))
        last--;
    /* What came before this policy counts as well, and was not kept back for it. */
    if (last-- == 0 || view->at[last].at_us < w->policy_us)
        return;
    for (size_t i = 0; i <= last; i++) {
        bool counts =
            view->at[i].at_us > view->at[last].at_us - policy->budget.per_us && !is_made_anew(view, i);
        inside += counts;
        before += counts && view->at[i].at_us < w->policy_us;
    }
    if (inside > policy->budget.objects && inside > before)
        watch_tell(w, p, "gets more than his budget", view->at[last].text);
}
