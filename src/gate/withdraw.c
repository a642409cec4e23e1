/* What is denied is taken back.
 *
 * What a new fact, an arrival or the time denies (another marking, an operator's word, an end of a marking)
 * goes with the next step that looks at it: one contentless `expire` leaf each, before anything else of that
 * step.
 *
 * A new policy takes back what it denies, what it lets go in another form alone, and, to whom texts may no
 * longer name what they like, what names something that he never had. What it
 * holds stays, unless the rules beneath the hold take something out of it. From the moment at which it is in
 * force no denied object is given to anybody who asks (an answer under way is sent to its end); a job before
 * all others tells each partner which leaves are over: one contentless `expire` leaf each. From then on the
 * old leaf stands in the tree and is given without its content, whether or not it was signed or fetched
 * before. Until the job has come there, a reader of such a leaf is asked to come again (leaf_may_go): content
 * that is left out once stays left out, so that nobody takes a leaf over empty that may yet come to be given.
 */
#include <stdlib.h>

#include "core/rd.h"
#include "core/wr.h"
#include "gate/deciding.h"
#include "gate/expire.h"

/* --- what a policy takes back --- */

err_t judge_had(struct gate *gate, const struct policy *policy, uint64_t lsn, int64_t now_us,
                struct arena *arena, struct judged *out)
{
    err_t err = subject_load(gate, lsn, arena, &out->subject);
    if (err != ERR_OK)
        return err;
    out->subject.gone = true;
    if (TRY(err, cut_decide(gate, &out->subject, policy, now_us, arena, arena, &out->cutting)))
        return err;
    out->along = subject_comes_along(gate, &out->subject, &out->cutting.facts, &out->cutting.verdict) &
                 ~out->cutting.untreated;
    return ERR_OK;
}

/* Partners who know this identifier, since they were once given what it stands for, or brought it. */
static err_t known_to(struct gate *gate, const struct stix_key *key, uint64_t asked, struct arena *arena,
                      uint64_t *out)
{
    struct copies *copies = arena_alloc(arena, sizeof *copies);
    struct stix_key source;
    err_t err;
    *out = key_is_builtin(key) ? UINT64_MAX : 0;
    if (copies == NULL)
        return ERR_NOMEM;
    if (*out != 0 || TRY(err, copies_load(gate, key, copies)))
        return *out != 0 ? ERR_OK : err;
    for (size_t i = 0; i < copies->count; i++) {
        const struct gate_source *from = gate_source_get(gate, copies->at[i].source);
        struct state state;
        if (from != NULL && from->partner >= 0)
            *out |= UINT64_C(1) << from->partner;
        err = state_load(gate, copies->at[i].lsn, &state);
        for (size_t r = 0; err == ERR_OK && r < state.release_count; r++)
            *out |= state.releases[r].mask | state.releases[r].before;
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
    }
    if (!mint_source_of(gate, key, &source))
        return ERR_OK;
    for (uint64_t left = asked & ~*out; left != 0; left &= left - 1) {
        unsigned p = (unsigned)__builtin_ctzll(left);
        if (TRY(err, mint_copies(gate, key, p, copies)))
            return err;
        *out |= copies->count > 0 ? UINT64_C(1) << p : 0;
    }
    return ERR_OK;
}

/* Of `asked`, whose copy has a text that names what they never had. `object`: as they have it. What they had
 * once they know: nothing is hidden again by taking back what names it. */
static err_t named_to(struct gate *gate, const struct stix_object *object, uint64_t asked,
                      struct arena *arena, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < object->named_count && (asked & ~*out) != 0; i++) {
        uint64_t known;
        err_t err = known_to(gate, &object->named[i].key, asked, arena, &known);
        if (err != ERR_OK)
            return err;
        *out |= asked & ~known;
    }
    return ERR_OK;
}

/* The same of what was minted. */
static err_t minted_names(struct gate *gate, const struct mint *minted, struct arena *arena, uint64_t *out)
{
    struct json_doc *doc = arena_zalloc(arena, 1, sizeof *doc);
    struct stix_object object;
    struct frame frame;
    struct bytes bytes;
    err_t err;
    if (doc == NULL)
        return ERR_NOMEM;
    if (TRY(err, store_read(gate->store, minted->lsn, &frame)) ||
        TRY(err, frame_bytes(gate, &frame, arena, &bytes)) ||
        TRY(err, json_parse(gate->parser_one, bytes, doc, NULL)) ||
        TRY(err, stix_read_held(json_root(doc), arena, &object)))
        return err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed: nothing is left to give */
    return named_to(gate, &object, UINT64_C(1) << minted->partner, arena, out);
}

static bool text_line(struct str *text, struct str *out)
{
    if (text->len == 0)
        return false;
    const char *end = memchr(text->at, '\n', text->len);
    *out = (struct str) {text->at, end == NULL ? text->len : (size_t)(end - text->at)};
    size_t past = end == NULL ? text->len : out->len + 1;
    *text = (struct str) {text->at + past, text->len - past};
    return true;
}

/* Is all that is taken out here out of that one already? A line each. */
static bool takes_no_more(struct str form, struct str had)
{
    struct str line, gone;
    while (text_line(&form, &line)) {
        struct str rest = had;
        bool found = false;
        while (!found && text_line(&rest, &gone))
            found = str_eq(line, gone) ||
                    (str_starts(line, gone) && line.len > gone.len && line.at[gone.len] == '.');
        if (!found)
            return false;
    }
    return true;
}

/* What has to be made otherwise is none of theirs any more. Where it is held nothing comes in its place, and
 * they keep it unless it has something that the rules beneath the hold take out. */
static uint64_t formed_otherwise(const struct cutting *cutting, const struct mint *minted)
{
    uint64_t partners = 0;
    for (size_t i = 0; minted == NULL && i < cutting->form_count; i++) {
        const struct form *form = &cutting->forms[i];
        uint64_t whole = form->profile.len > 0 ? UINT64_MAX : ~cutting->verdict.hold;
        partners |= form->minted ? form->partners & whole : 0;
    }
    if (minted == NULL)
        return partners;
    const struct form *form = cut_form(cutting, minted->partner);
    if (form == NULL || str_eq(form->profile, minted->profile))
        return 0;
    bool held = cutting->verdict.hold >> minted->partner & 1;
    return held && takes_no_more(form->profile, minted->profile) ? 0 : UINT64_C(1) << minted->partner;
}

/* What rules take out of all that they let go he may have by none of them; where nothing is left without it,
 * nothing is. A part that lacks as much stays. */
static uint64_t unmade_for(const struct cutting *cutting, const struct mint *minted)
{
    if (minted == NULL)
        return cutting->unmade;
    const struct form *form = cut_unmade(cutting, minted->partner);
    uint64_t his = cutting->unmade & UINT64_C(1) << minted->partner;
    return form != NULL && takes_no_more(form->profile, minted->profile) ? 0 : his;
}

/* What came along unmarked, and would have to be changed: no rule lets it go so, and a definition is never
 * made anew. */
static uint64_t untreated_for(const struct judged *judged, const struct mint *minted)
{
    const struct cutting *cutting = &judged->cutting;
    bool along = minted == NULL && judged->subject.follows && cutting->facts.follows;
    return along ? cutting->treated & ~cutting->verdict.release : 0;
}

err_t judged_denied(struct gate *gate, const struct judged *judged, const struct mint *minted, uint64_t asked,
                    struct arena *arena, uint64_t *out)
{
    const struct cutting *cutting = &judged->cutting;
    uint64_t denied = cutting->verdict.deny & ~judged->along, named = 0;
    err_t err = ERR_OK;
    asked &= minted == NULL ? UINT64_MAX : UINT64_C(1) << minted->partner;
    denied |= formed_otherwise(cutting, minted) | (unmade_for(cutting, minted) & ~judged->along) |
              untreated_for(judged, minted) | cutting->hidden;
    uint64_t clean = cutting->clean & asked & ~denied;
    if (clean != 0)
        err = minted == NULL ? named_to(gate, &judged->subject.object, clean, arena, &named)
                             : minted_names(gate, minted, arena, &named);
    *out = (denied | named) & asked;
    return err;
}

/* Partners of `asked` to whom the policy in force denies this copy, and all that a leaf about it needs. */
static err_t denied_to(struct gate *gate, uint64_t lsn, uint64_t asked, int64_t now_us, struct arena *arena,
                       struct candidate *out, uint64_t *out_denied)
{
    struct judged judged;
    struct frame frame;
    struct mint mint;
    err_t err;
    *out_denied = 0;
    if (TRY(err, store_read(gate->store, lsn, &frame)))
        return err;
    bool minted = frame.kind == FRAME_MINT;
    if (minted && TRY(err, mint_at(gate, lsn, arena, &mint)))
        return err;
    uint64_t obj = minted ? mint.obj : lsn;
    err = judge_had(gate, gate->policy, obj, now_us, arena, &judged);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed: nothing is left to give */
    *out = (struct candidate) {.lsn = lsn,
                               .key = judged.subject.object.key,
                               .slot = frame.slot,
                               .recall = recalled(gate, obj),
                               .verdict = judged.cutting.verdict};
    return judged_denied(gate, &judged, minted ? &mint : NULL, asked, arena, out_denied);
}

/* Does a job that takes back still have to look at this one for this partner? What is suspended takes others
 * along. */
static bool not_looked_at(const struct gate *gate, unsigned partner, uint64_t lsn)
{
    for (size_t i = 0; i < gate->job_count; i++) {
        const struct job *job = &gate->jobs[i];
        bool over = job->scope == JOB_SUSPENDED || (job->scope == JOB_WITHDRAW && lsn >= job->cursor);
        if (over && (job->partners >> partner & 1) && lsn < job->until)
            return true;
    }
    return false;
}

err_t leaf_ended(struct gate *gate, unsigned partner, uint64_t lsn, uint64_t decide_lsn, size_t entry,
                 bool *out)
{
    struct state state;
    *out = false;
    if (gate->ended_objects == 0)
        return ERR_OK;
    err_t err = state_load(gate, lsn, &state);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err; /* a leaf that is being applied */
    for (size_t i = 0; i < state.release_count; i++)
        *out |= state.releases[i].decide == decide_lsn && state.releases[i].entry == entry &&
                (state.releases[i].ended >> partner & 1);
    return ERR_OK;
}

err_t leaf_may_go(struct gate *gate, unsigned partner, uint64_t lsn, const struct record_decide *decide)
{
    struct candidate c;
    uint64_t denied = 0;
    bool over = gate->spill_count > 0; /* whatever the policy, something may be suspended */
    /* What was taken back in a group that the disk refused is not taken back. */
    if ((decide->policy == gate->policy_lsn && !over) ||
        (!gate->read_only && !not_looked_at(gate, partner, lsn)))
        return ERR_OK;
    arena_reset(&gate->accept_arena);
    err_t err =
        denied_to(gate, lsn, UINT64_C(1) << partner, gate->policy_us, &gate->accept_arena, &c, &denied);
    return err != ERR_OK ? err : denied != 0 ? ERR_BUSY : ERR_OK;
}

/* --- the job --- */

/* The next objects that one of these partners has, in order of arrival. */
static err_t page_of(struct gate *gate, const struct job *job, uint64_t *out, size_t *out_count,
                     uint64_t *out_cursor)
{
    struct store_scan *scan;
    struct bytes key, value;
    uint8_t start[8];
    size_t looked = 0;
    wr_at_u64(start, job->cursor);
    *out_count = 0;
    *out_cursor = job->cursor;
    err_t err =
        store_scan_open(gate->store, TABLE_STATE, bytes_of(NULL, 0), bytes_of(start, sizeof start), &scan);
    if (err != ERR_OK)
        return err;
    while (*out_count < LIMIT_STEP_OBJECTS && looked++ < LIMIT_WITHDRAW_SCAN &&
           (err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct state state;
        struct rd rd = rd_of(key);
        uint64_t lsn = rd_u64(&rd);
        if (rd_end(&rd) != ERR_OK || TRY(err, state_read(gate, value, &state))) {
            err = ERR_CORRUPT;
            break;
        }
        if (lsn >= job->until) {
            err = ERR_NOTFOUND;
            break;
        }
        *out_cursor = lsn + 1;
        uint64_t owed;
        if (TRY(err, recall_owed(gate, lsn, &state, &owed)))
            break;
        if (((state.released | owed) & job->partners) != 0)
            out[(*out_count)++] = lsn;
    }
    store_scan_close(scan);
    if (err == ERR_NOTFOUND)
        *out_cursor = UINT64_MAX;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static int lsn_cmp(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* The same of what stands under one identifier, or was minted of it: also of those who had it once. */
static err_t page_under(struct gate *gate, const struct job *job, uint64_t *out, size_t *out_count,
                        uint64_t *out_cursor)
{
    struct copies copies;
    struct givens givens;
    struct state state;
    uint64_t owed, *lsns;
    size_t count = 0;
    err_t err;
    arena_reset(&gate->step_arena);
    if (TRY(err, copies_load(gate, &job->key, &copies)) ||
        TRY(err, givens_load(gate, &job->key, &copies, UINT64_MAX, &gate->step_arena, &givens)))
        return err;
    lsns = arena_alloc(&gate->step_arena, (givens.count + 1) * sizeof *lsns);
    if (lsns == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < givens.count; i++) {
        err = givens.at[i].lsn < job->cursor ? ERR_NOTFOUND : state_load(gate, givens.at[i].lsn, &state);
        if (err == ERR_OK && !TRY(err, recall_owed(gate, givens.at[i].lsn, &state, &owed)) &&
            ((state.released | owed) & job->partners) != 0)
            lsns[count++] = givens.at[i].lsn;
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
    }
    qsort(lsns, count, sizeof *lsns, lsn_cmp);
    *out_cursor = count > LIMIT_STEP_OBJECTS ? lsns[LIMIT_STEP_OBJECTS] : JOB_CURSOR_AROUND;
    *out_count = count > LIMIT_STEP_OBJECTS ? LIMIT_STEP_OBJECTS : count;
    if (*out_count > 0)
        memcpy(out, lsns, *out_count * sizeof *lsns);
    return ERR_OK;
}

static err_t look_at(struct deciding *d, uint64_t lsn)
{
    struct state state;
    struct candidate *c = &d->at[d->count];
    uint64_t owed;
    err_t err = state_load(d->gate, lsn, &state);
    if (err != ERR_OK || TRY(err, recall_owed(d->gate, lsn, &state, &owed)))
        return err;
    arena_reset(&d->gate->accept_arena);
    if (TRY(err, denied_to(d->gate, lsn, (state.released | owed) & d->partners, d->now_us,
                           &d->gate->accept_arena, c, &c->leaves)) ||
        c->leaves == 0)
        return err;
    c->state = state;
    c->eligible = d->partners;
    d->count++;
    return ERR_OK;
}

err_t step_withdraw(struct gate *gate, const struct job *job, int64_t now_us)
{
    struct deciding d;
    uint64_t page[LIMIT_STEP_OBJECTS], cursor;
    size_t count;
    err_t err = job->scope == JOB_SUSPENDED ? page_under(gate, job, page, &count, &cursor)
                                            : page_of(gate, job, page, &count, &cursor);
    if (err != ERR_OK)
        return err;
    struct job copy = *job;
    err = set_begin(&d, gate, now_us, copy.partners);
    d.partners = copy.partners; /* also those that are paused: their readers may read on */
    size_t looked = 0;
    while (err == ERR_OK && looked < count && !set_is_heavy(&d))
        err = look_at(&d, page[looked++]);
    cursor = looked < count ? page[looked] : cursor;
    if (err == ERR_OK)
        err = set_withdraw(&d, &copy, cursor);
    set_end(&d);
    return err;
}

/* --- what a step finds --- */

struct taking {
    struct deciding d; /* its own set, in the arena of the step's */
    uint64_t asked;
    struct over over;  /* whose time is over with what is looked at */
    int64_t change_us; /* when the rules may say otherwise of what was looked at */
};

/* What a MINT was made of, or an OBJ is. ERR_NOTFOUND: its secret was destroyed. */
static err_t key_at(struct gate *gate, uint64_t lsn, struct stix_key *out)
{
    struct subject subject;
    struct mint mint;
    arena_reset(&gate->accept_arena);
    err_t err = mint_any(gate) ? mint_at(gate, lsn, &gate->accept_arena, &mint) : ERR_NOTFOUND;
    if (err == ERR_OK)
        *out = mint.source;
    if (err != ERR_NOTFOUND)
        return err;
    err = subject_load(gate, lsn, &gate->accept_arena, &subject);
    if (err == ERR_OK)
        *out = subject.object.key;
    return err;
}

/* One frame that may have been let go: an OBJ, or a MINT. `asked`: partners for whom it is judged. */
static err_t take_copy(struct taking *t, const struct stix_key *key, uint64_t lsn, uint64_t asked)
{
    struct state state;
    struct frame frame;
    for (size_t i = 0; i < t->d.count; i++)
        if (t->d.at[i].lsn == lsn) /* an older version was asked about beside its newest */
            return ERR_OK;
    struct candidate *c = &t->d.at[t->d.count];
    err_t err = t->d.count == LIMIT_STEP_OBJECTS ? ERR_FULL : state_load(t->d.gate, lsn, &state);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    uint64_t has = state.released & asked, over = over_with(&t->over, &state) & state.released;
    if ((has | over) == 0)
        return ERR_OK;
    arena_reset(&t->d.gate->accept_arena);
    if (TRY(err, store_read(t->d.gate->store, lsn, &frame)))
        return err;
    *c = (struct candidate) {.lsn = lsn, .key = *key, .slot = frame.slot};
    if (TRY(err, denied_to(t->d.gate, lsn, has, t->d.now_us, &t->d.gate->accept_arena, c, &c->leaves)))
        return err;
    if (c->verdict.next_change_us > t->d.now_us && c->verdict.next_change_us < t->change_us)
        t->change_us = c->verdict.next_change_us;
    c->verdict.release |= over & ~c->leaves & ~(c->verdict.hold | c->verdict.deny);
    verdict_hold(&c->verdict, over & ~c->leaves, POLICY_RULE_EXPIRED);
    c->leaves |= over;
    c->state = state;
    c->eligible = UINT64_MAX;
    t->d.count += c->leaves != 0;
    return ERR_OK;
}

/* Every version, variant and form that stands under this identifier, but for one that `stays`: it was judged
 * when the set was made, and nobody loses it. */
static err_t take_under(struct taking *t, const struct stix_key *key, const struct copies *copies,
                        uint64_t minted, uint64_t stays)
{
    struct givens givens;
    size_t before = t->d.count;
    err_t err = givens_load(t->d.gate, key, copies, minted, t->d.arena, &givens);
    for (size_t i = 0; err == ERR_OK && i < givens.count; i++) {
        const struct given *given = &givens.at[i];
        bool first = i == 0 || given->variant != givens.at[i - 1].variant;
        if (first && TRY(err, givens_over(t->d.gate, &givens, given->variant, t->d.now_us, &t->over)))
            break;
        err = take_copy(t, key, given->lsn, given->lsn == stays ? 0 : t->asked);
    }
    if (err == ERR_FULL && before > 0) /* all of it with the next step: what is over takes the rest along */
        t->d.count = before;
    return err;
}

/* Was this very copy judged when the set was made, and nobody loses it? */
static bool stays(const struct deciding *d, const struct candidate *c)
{
    uint64_t lost = c->verdict.deny | c->verdict.hold | c->cut | state_expired(&c->state, d->now_us);
    return (lost & c->state.released) == 0;
}

static err_t take_all_of(struct taking *t, const struct deciding *d, const struct candidate *c)
{
    size_t before = t->d.count;
    t->asked = c->given;
    err_t err =
        take_under(t, &c->key, c->copies, d->target_mints[c->member.target].minted, stays(d, c) ? c->lsn : 0);
    if (c->speaks && t->d.count > before) {
        t->d.at[before].again = c->lsn;
        t->d.at[before].again_blocked = c->state.blocked;
    }
    return err;
}

/* One of which another took the place, and what was minted from it; what its time is over with is of no
 * other. */
static err_t take_old(struct taking *t, struct old *old)
{
    struct givens givens = {&(struct given) {old->lsn, old->lsn, 0}, 1, 1};
    struct stix_key key = {{0}};
    struct copies copies;
    struct state state;
    err_t err = state_load(t->d.gate, old->lsn, &state);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (state.minted != 0 && !TRY(err, key_at(t->d.gate, old->lsn, &key)) &&
        !TRY(err, copies_load(t->d.gate, &key, &copies)))
        err = givens_load(t->d.gate, &key, &copies, state.minted, t->d.arena, &givens);
    if (err != ERR_OK && err != ERR_NOTFOUND) /* its secret was destroyed: it is alone */
        return err;
    t->over = (struct over) {.now_us = t->d.now_us};
    t->change_us = INT64_MAX;
    for (size_t i = 0; i < givens.count; i++)
        if (givens.at[i].obj == old->lsn && TRY(err, take_copy(t, &key, givens.at[i].lsn, t->asked)))
            return err;
    old->change_us = t->change_us;
    old->looked = true;
    return ERR_OK;
}

/* This version, and all that was minted under its identifier. */
static err_t take_version(struct taking *t, const struct stix_key *key, uint64_t lsn, uint64_t minted)
{
    struct copies copies;
    struct givens givens;
    err_t err;
    if (TRY(err, copies_load(t->d.gate, key, &copies)) ||
        TRY(err, givens_load(t->d.gate, key, &copies, minted, t->d.arena, &givens)) ||
        TRY(err, givens_over(t->d.gate, &givens, 0, t->d.now_us, &t->over)))
        return err;
    for (size_t i = 0; err == ERR_OK && i < givens.count; i++)
        if (givens.at[i].lsn == lsn || givens.at[i].lsn != givens.at[i].obj)
            err = take_copy(t, key, givens.at[i].lsn, t->asked);
    return err;
}

/* What names something that is taken back: a translation of it, or of a translation of it, which somebody
 * has. ERR_FULL: another step goes on. */
static err_t take_speaker(struct taking *t, uint64_t lsn)
{
    struct gate *gate = t->d.gate;
    struct subject subject;
    struct state state;
    err_t err = state_load(gate, lsn, &state);
    if (err != ERR_OK || (state.released | state.minted) == 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (set_is_heavy(&t->d))
        return ERR_FULL;
    arena_reset(&gate->accept_arena);
    err = subject_load(gate, lsn, &gate->accept_arena, &subject);
    if (err != ERR_OK || subject.object.type->code != STIX_TYPE_LANGUAGE_CONTENT)
        return err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed: nothing is left to give */
    struct stix_key key = subject.object.key;
    size_t before = t->d.count;
    if (TRY(err, take_version(t, &key, lsn, state.minted)))
        return err;
    if (t->d.count > before && (state.flags & STATE_OLD) == 0) {
        t->d.at[before].again = lsn;
        t->d.at[before].again_blocked = state.blocked;
    }
    return ERR_OK;
}

static err_t take_speakers_of(struct taking *t, const struct stix_key *key)
{
    enum { PAGE = 256 };
    uint64_t found[PAGE], from = 0;
    size_t count = PAGE;
    while (count == PAGE) {
        err_t err = namers(t->d.gate, key, from, found, PAGE, &count);
        for (size_t i = 0; err == ERR_OK && i < count; i++)
            err = take_speaker(t, found[i]);
        if (err != ERR_OK)
            return err;
        from = count == 0 ? from : found[count - 1] + 1;
    }
    return ERR_OK;
}

/* What is kept from a partner is not told to him in another language either: what speaks of what is taken
 * back goes with it, however far, in the same DECIDE: each of a long chain by itself would judge all before
 * it anew. All of it is decided anew then, since it may come back. What of that this step cannot do has a
 * job, logged before the DECIDE, so that a crash between the two forgets neither. */
static err_t take_speakers(struct taking *t)
{
    struct deciding *d = &t->d;
    size_t done = 0;
    err_t err = ERR_OK;
    t->asked = UINT64_MAX;
    while (err == ERR_OK && done < d->count) {
        struct stix_key key = d->at[done].key;
        if (!TRY(err, take_speakers_of(t, &key)))
            done++;
    }
    err = err == ERR_FULL ? ERR_OK : err;
    for (; err == ERR_OK && done < d->count; done++) {
        uint64_t first;
        size_t count = 0;
        err = namers(d->gate, &d->at[done].key, 0, &first, 1, &count);
        if (err == ERR_OK && count > 0)
            err = job_recheck(d->gate, &d->at[done].key, d->now_us, "it was taken back from somebody");
    }
    return err;
}

err_t set_take_back(struct deciding *d, bool *out_did)
{
    struct taking t = {
        .d = {.gate = d->gate,
              .arena = d->arena,
              .policy = d->policy,
              .now_us = d->now_us,
              .opened = d->gate->opened,
              .partners = UINT64_MAX}}; /* also those that are paused: their readers may read on */
    err_t err = ERR_OK;
    uint64_t taken = 0;
    *out_did = false;
    if ((t.d.at = arena_alloc(d->arena, LIMIT_STEP_OBJECTS * sizeof *t.d.at)) == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; err == ERR_OK && i < d->count; i++)
        if ((d->at[i].given | (state_expired(&d->at[i].state, d->now_us) & d->at[i].state.released)) != 0)
            err = take_all_of(&t, d, &d->at[i]);
    t.asked = UINT64_MAX;
    for (size_t i = 0; err == ERR_OK && i < d->old_count; i++)
        err = take_old(&t, &d->old[i]);
    if (err == ERR_FULL) /* the rest comes with the next step, which looks at all of them again */
        err = ERR_OK;
    for (size_t i = 0; i < t.d.count; i++)
        taken |= t.d.at[i].leaves;
    if (err != ERR_OK || taken == 0 || TRY(err, take_speakers(&t)))
        return err;
    for (size_t i = 0; i < t.d.count; i++)
        taken |= t.d.at[i].leaves;
    if (TRY(err, set_withdraw(&t.d, NULL, 0)))
        return err;
    views_take(d->gate, taken);
    *out_did = true;
    return ERR_OK;
}

/* --- older versions --- */

/* Its time is over with somebody, and with what he was given of the same before. */
static err_t add_expired(struct taking *t, uint64_t lsn)
{
    struct gate *gate = t->d.gate;
    struct state state;
    struct stix_key key = {{0}};
    struct copies copies;
    err_t err = state_load(gate, lsn, &state);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    uint64_t over = state_expired(&state, t->d.now_us) & state.released;
    if ((state.flags & STATE_OLD) == 0 || over == 0)
        return ERR_OK;
    err = key_at(gate, lsn, &key);
    if (err == ERR_NOTFOUND) { /* what else there was of it is gone too */
        struct givens alone = {&(struct given) {lsn, lsn, 0}, 1, 1};
        if (TRY(err, givens_over(gate, &alone, 0, t->d.now_us, &t->over)))
            return err;
        return take_copy(t, &key, lsn, 0);
    }
    return err != ERR_OK || TRY(err, copies_load(gate, &key, &copies))
               ? err
               : take_under(t, &key, &copies, UINT64_MAX, 0);
}

err_t step_expire(struct gate *gate, const uint64_t *due, size_t count, int64_t now_us)
{
    struct taking t = {.asked = 0};
    err_t err = set_begin(&t.d, gate, now_us, UINT64_MAX);
    t.d.partners = UINT64_MAX; /* also those that are paused: their readers may read on */
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = add_expired(&t, due[i]);
    if (err == ERR_FULL) /* what is left is due still */
        err = ERR_OK;
    if (err == ERR_OK && t.d.count > 0 && !TRY(err, take_speakers(&t)))
        err = set_withdraw(&t.d, NULL, 0);
    set_end(&t.d);
    return err;
}
