/* From what the closure lets go to one DECIDE: entries, classes, names, and where each partner's leaves
 * begin.
 */
#include <stdlib.h>

#include "gate/deciding.h"

struct drafting {
    struct deciding *d;
    struct record_decide decide;
    struct record_entry *entries;
    struct record_class *classes;
    struct str *names;
    struct map name_ids;  /* SHA-256 of the name -> index */
    uint16_t *rule_names; /* by rule number: index + 1; 0: not asked for yet */
    struct hash *contents;
    struct seal_secret *secrets;
    size_t *sizes;
    size_t entry_size;
};

static err_t name_of(struct drafting *r, struct str name, uint16_t *out)
{
    struct hash digest = hash_sha256(bytes_from_str(name));
    const uint64_t *known = map_get(&r->name_ids, digest.b);
    if (known != NULL) {
        *out = (uint16_t)*known;
        return ERR_OK;
    }
    err_t err = map_put(&r->name_ids, digest.b, r->decide.name_count);
    if (err != ERR_OK)
        return err;
    r->names[r->decide.name_count] = name;
    *out = (uint16_t)r->decide.name_count++;
    return ERR_OK;
}

static err_t rule_name_of(struct drafting *r, unsigned rule, uint16_t *out)
{
    err_t err;
    must(rule < RULES_MAX);
    if (r->rule_names[rule] == 0) {
        if (TRY(err, name_of(r, policy_rule_name(r->d->policy, rule), out)))
            return err;
        r->rule_names[rule] = *out + 1;
    }
    *out = r->rule_names[rule] - 1;
    return ERR_OK;
}

/* What of its duties is still to be known when it has left. */
static err_t put_terms(struct drafting *r, const struct candidate *c, unsigned p, struct record_class *class)
{
    const struct policy_duties *duties = policy_bound_of(c->bound, c->bound_count, p);
    struct str text;
    err_t err;
    if ((class->release >> p & 1) == 0 || duties == NULL ||
        (duties->expire_us == 0 && duties->reshare_count == 0))
        return ERR_OK;
    if (TRY(err, terms_text(r->d->gate, duties, p, r->d->arena, &text)))
        return err;
    return name_of(r, text, &class->terms[p]);
}

/* The rules' words for one candidate, shared with those that had the same. Later candidates mostly repeat the
 * last classes. */
static err_t class_of(struct drafting *r, const struct candidate *c, uint16_t *out)
{
    struct record_class class = {.release = c->verdict.release & c->eligible,
                                 .hold = c->verdict.hold & c->eligible};
    err_t err;
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
        class.rule[p] = class.terms[p] = RECORD_NAME_NONE;
        if ((r->d->partners >> p & 1) == 0)
            continue;
        bool live = c->eligible >> p & 1;
        if (!live)
            class.hold |= UINT64_C(1) << p;
        err = live ? rule_name_of(r, c->verdict.rule[p], &class.rule[p])
                   : name_of(r, STR("history"), &class.rule[p]);
        if (err != ERR_OK || (live && TRY(err, put_terms(r, c, p, &class))))
            return err;
    }
    for (size_t back = 0; back < r->decide.class_count && back < 16; back++) {
        size_t k = r->decide.class_count - 1 - back;
        if (memcmp(&r->classes[k], &class, sizeof class) == 0) {
            *out = (uint16_t)k;
            return ERR_OK;
        }
    }
    if (r->decide.class_count == UINT16_MAX)
        return ERR_FULL;
    r->classes[r->decide.class_count] = class;
    *out = (uint16_t)r->decide.class_count++;
    return ERR_OK;
}

static err_t put_entry(struct drafting *r, const struct record_entry *entry, const struct candidate *c,
                       uint64_t slot)
{
    size_t e = r->decide.entry_count;
    if (e == r->entry_size)
        return ERR_FULL;
    r->entries[e] = *entry;
    r->contents[e] = entry_contentless(entry) ? (struct hash) {{0}} : c->content;
    r->sizes[e] = entry_contentless(entry) ? 0 : c->size;
    if (entry->release != 0) {
        err_t err = store_secret(r->d->gate->store, slot, &r->secrets[e]);
        if (err != ERR_OK)
            return err;
    }
    r->decide.entry_count++;
    return ERR_OK;
}

static err_t put_contentless(struct drafting *r, const struct candidate *c, uint8_t op, uint64_t about,
                             uint64_t mask, uint16_t class)
{
    struct frame frame;
    err_t err = store_read(r->d->gate->store, about, &frame);
    if (err != ERR_OK)
        return err;
    struct record_entry entry = {.lsn = about,
                                 .about = about,
                                 .op = op,
                                 .approver = RECORD_NAME_NONE,
                                 .class = class, /* superseded: of the newer version: it is why */
                                 .release = mask,
                                 .change_us = INT64_MAX};
    return put_entry(r, &entry, c, frame.slot);
}

/* Partners that hold the same content from another copy, and were not told that it is no longer current (its
 * source took back what it said in between), or get it from another copy now: nothing is said to them twice.
 */
static err_t held_alike(struct deciding *d, const struct candidate *c, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < c->copies->count; i++) {
        const struct copy *copy = &c->copies->at[i];
        struct state state;
        if (copy->lsn == c->lsn || !copy_speaks(copy) || !copy_says_same(copy, c->copy))
            continue;
        const uint64_t *beside = map_get(&d->by_lsn, &copy->lsn);
        if (beside != NULL && *beside != 0)
            *out |= d->at[*beside - 1].leaves;
        err_t err = state_load(d->gate, copy->lsn, &state);
        if (err == ERR_OK)
            *out |= state.released & ~state.superseded;
        else if (err != ERR_NOTFOUND)
            return err;
    }
    return ERR_OK;
}

/* Older versions that partners hold: a leaf with content says which one it replaces, a contentless one that
 * it is not current. */
static err_t put_about_older(struct drafting *r, const struct candidate *c, struct record_entry *entry)
{
    uint64_t left = entry->release, told = 0;
    err_t err;
    if ((c->copy->flags & COPY_SCO) != 0)
        return ERR_OK;
    for (size_t i = c->copies->count; i-- > 0;) {
        const struct copy *older = &c->copies->at[i];
        struct state state;
        if (older->lsn == c->lsn || (older->flags & (COPY_ASSERTION | COPY_QUARANTINED | COPY_SEEN)) != 0)
            continue;
        err = state_load(r->d->gate, older->lsn, &state);
        if (err == ERR_NOTFOUND)
            continue;
        if (err != ERR_OK)
            return err;
        uint64_t holders = state.released & ~state.superseded & r->d->partners & c->reach & ~told;
        told |= holders;
        if (copy_says_same(older, c->copy))
            continue;
        struct record_entry with = *entry;
        with.release = holders & left;
        with.about = older->lsn;
        with.op = (c->copy->flags & COPY_REVOKED) != 0 ? LEAF_REVOKE : LEAF_SUPERSEDE;
        if (with.release != 0 && TRY(err, put_entry(r, &with, c, c->slot)))
            return err;
        left &= ~with.release;
        uint64_t without = holders & ~with.release & ~c->state.released;
        if (without != 0 &&
            TRY(err, put_contentless(r, c, LEAF_SUPERSEDE, older->lsn, without, entry->class)))
            return err;
    }
    entry->release = left;
    return ERR_OK;
}

/* --- what is minted --- */

/* Whose word lets it go to all of these. */
static err_t name_approver(struct drafting *r, const struct candidate *c, uint64_t partners, uint16_t *out)
{
    struct str approver;
    err_t err;
    *out = RECORD_NAME_NONE;
    if (!c->approved || partners == 0)
        return ERR_OK;
    if (TRY(err, approver_of(r->d->gate, &c->key, c->lsn, partners, r->d->arena, &approver)))
        return err;
    return approver.len > 0 ? name_of(r, approver, out) : ERR_OK;
}

/* One minted object: its frame, then the leaf. */
static err_t put_made(struct drafting *r, const struct candidate *c, const struct made *made, uint16_t class)
{
    struct gate *gate = r->d->gate;
    size_t e = r->decide.entry_count;
    struct frame obj;
    uint64_t lsn, slot;
    uint16_t approver;
    err_t err;
    if (e == r->entry_size)
        return ERR_FULL;
    if (TRY(err, name_approver(r, c, UINT64_C(1) << made->partner, &approver)) ||
        TRY(err, store_read(gate->store, c->lsn, &obj)) ||
        TRY(err, mint_append(gate, &made->mint, &obj, bytes_from_str(made->text), r->d->now_us, &lsn, &slot)))
        return err;
    bool again = made->had && made->mint.modified_us != 0 && str_eq(made->old.id, made->mint.id);
    uint8_t newer = (c->copy->flags & COPY_REVOKED) != 0 ? LEAF_REVOKE : LEAF_SUPERSEDE;
    r->entries[e] = (struct record_entry) {.lsn = lsn,
                                           .about = again ? made->old.lsn : 0,
                                           .op = again ? newer : LEAF_RELEASE,
                                           .approver = approver,
                                           .class = class,
                                           .release = UINT64_C(1) << made->partner,
                                           .change_us = INT64_MAX};
    r->contents[e] = hash_sha256(bytes_from_str(made->text));
    r->sizes[e] = made->text.len;
    err = store_group_secret(gate->store, slot, &r->secrets[e]);
    if (err == ERR_NOTFOUND)
        err = store_secret(gate->store, slot, &r->secrets[e]);
    if (err == ERR_OK)
        r->decide.entry_count++;
    return err;
}

/* What a partner holds minted from this object and is not current any more: he is told, unless what he gets
 * now says so itself. */
static err_t put_about_minted(struct drafting *r, const struct candidate *c, uint16_t class)
{
    uint64_t held = r->d->target_mints[c->member.target].minted & r->d->partners & c->reach;
    for (unsigned p = 0; p < r->d->gate->peer_count; p++) {
        const struct made *made = made_for(c, p);
        struct mint mint;
        if ((held >> p & 1) == 0)
            continue;
        err_t err = mint_load(r->d->gate, &c->key, p, variant_of(c), r->d->arena, &mint);
        if (err == ERR_NOTFOUND)
            continue; /* he has another variant */
        if (err != ERR_OK)
            return err;
        bool same_id = made != NULL && str_eq(made->mint.id, mint.id);
        bool replaced = (made != NULL && !made->same) || (c->leaves >> p & 1);
        bool withheld = made == NULL && !replaced && mint.obj != c->lsn && (c->copy->flags & COPY_SCO) == 0;
        if (mint.superseded || same_id || (!replaced && !withheld))
            continue;
        if (TRY(err, put_contentless(r, c, LEAF_SUPERSEDE, mint.lsn, UINT64_C(1) << p, class)))
            return err;
    }
    return ERR_OK;
}

static uint64_t made_mask(const struct candidate *c)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < c->made_count; i++)
        mask |= c->made[i].same ? 0 : UINT64_C(1) << c->made[i].partner;
    return mask;
}

static err_t put_minted(struct drafting *r, const struct candidate *c, uint16_t class)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < c->made_count && err == ERR_OK; i++)
        if (!c->made[i].same)
            err = put_made(r, c, &c->made[i], class);
    return err;
}

/* What he has of it: the object itself, or just that form of it; 0: neither, or it is not current. */
static uint64_t held_by(const struct candidate *c, unsigned partner)
{
    const struct made *made = made_for(c, partner);
    if ((c->state.released & ~c->state.superseded) >> partner & 1)
        return c->lsn;
    return made != NULL && made->same && !made->old.superseded ? made->old.lsn : 0;
}

/* Who has it already, and may let it go on less far by its rule now than he was told, is told so: the object
 * stays his. */
static err_t put_narrowed(struct drafting *r, const struct candidate *c, uint16_t class)
{
    const struct record_class *said = &r->classes[class];
    uint64_t over = state_expired(&c->state, r->d->now_us), plain = 0;
    for (uint64_t left = said->release & c->given & r->d->partners & ~over; left != 0; left &= left - 1) {
        unsigned p = (unsigned)__builtin_ctzll(left);
        uint64_t lsn = said->terms[p] == RECORD_NAME_NONE ? 0 : held_by(c, p);
        struct str limits = lsn == 0 ? STR("") : r->names[said->terms[p]];
        bool told = true;
        (void)str_cut(&limits, '\n');
        if (limits.len == 0)
            continue;
        err_t err = leaf_told_limits(r->d->gate, lsn, p, limits, &told);
        if (err == ERR_OK && !told && lsn != c->lsn)
            err = put_contentless(r, c, LEAF_NARROW, lsn, UINT64_C(1) << p, class);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
        plain |= told || lsn != c->lsn ? 0 : UINT64_C(1) << p;
    }
    return plain == 0 ? ERR_OK : put_contentless(r, c, LEAF_NARROW, c->lsn, plain, class);
}

/* Partners to whom this id is, or speaks of, another one than before: what names it is looked at again. */
static err_t note_renamed(struct deciding *d, const struct candidate *c)
{
    bool again = false;
    uint64_t first;
    size_t count = 0;
    for (size_t i = 0; i < c->made_count; i++)
        again |= !c->made[i].same &&
                 (c->made[i].had || (d->targets[c->member.target].held >> c->made[i].partner & 1));
    again |= (c->leaves & d->target_mints[c->member.target].renamed) != 0;
    if (!again)
        return ERR_OK;
    err_t err = namers(d->gate, &c->key, 0, &first, 1, &count);
    if (err != ERR_OK || count == 0)
        return err;
    if (d->renamed == NULL)
        d->renamed = arena_alloc(d->arena, (d->count + 1) * sizeof *d->renamed);
    if (d->renamed == NULL)
        return ERR_NOMEM;
    d->renamed[d->renamed_count++] = c->key;
    return ERR_OK;
}

/* --- one candidate --- */

/* When to decide again: the rules' word, or the first partner's time is over. */
static int64_t change_of(const struct deciding *d, const struct candidate *c)
{
    int64_t change_us = c->verdict.next_change_us;
    for (size_t i = 0; i < c->state.release_count; i++) {
        const struct state_release *release = &c->state.releases[i];
        bool live = (release->mask & ~release->ended) != 0 && release->expires_us > d->now_us;
        if (live && release->expires_us < change_us)
            change_us = release->expires_us;
    }
    /* Its time has come, and for somebody it was not looked at: his timer stands. */
    bool skips = (d->partners & ~c->reach) != 0;
    if (skips && c->state.change_us <= d->now_us)
        return c->state.change_us;
    for (size_t i = 0; i < c->bound_count; i++) {
        int64_t expire_us = c->bound[i].duties.expire_us;
        if ((c->bound[i].partners & c->leaves) != 0 && expire_us > 0 && expire_us < change_us - d->now_us)
            change_us = d->now_us + expire_us;
    }
    return change_us;
}

/* The object's time in their view is over, or it is called back. */
static err_t put_end_once(struct drafting *r, const struct candidate *c, uint64_t partners, uint16_t class)
{
    struct record_entry entry = {.lsn = c->lsn,
                                 .about = c->lsn,
                                 .op = c->recall ? LEAF_RECALL : LEAF_EXPIRE,
                                 .approver = RECORD_NAME_NONE,
                                 .class = class,
                                 .release = partners,
                                 .change_us = INT64_MAX};
    return partners == 0 ? ERR_OK : put_entry(r, &entry, c, c->slot);
}

/* Called back is each leaf that gave it: a partner may have it by one, and not have come to the next. */
static err_t put_end(struct drafting *r, const struct candidate *c, uint64_t partners, uint16_t class)
{
    unsigned given[LIMIT_PARTNERS] = {0}, most = 1;
    for (size_t i = 0; c->recall && i < c->state.release_count; i++)
        for (uint64_t left = c->state.releases[i].mask & partners; left != 0; left &= left - 1) {
            unsigned times = ++given[__builtin_ctzll(left)];
            most = times > most ? times : most;
        }
    err_t err = ERR_OK;
    for (unsigned n = 0; n < most && err == ERR_OK; n++) {
        for (unsigned p = 0; n > 0 && p < LIMIT_PARTNERS; p++)
            if (given[p] <= n)
                partners &= ~(UINT64_C(1) << p);
        err = put_end_once(r, c, partners, class);
    }
    return err;
}

/* What carries an observable changed what the rules say of it, or when they say something else: nobody else
 * asks about it then. */
static bool judged_anew(const struct deciding *d, const struct candidate *c, int64_t change_us)
{
    if (!c->decided || c->given == 0)
        return false;
    const struct outcome *was = &d->gate->outcomes[c->state.outcome];
    uint64_t other = (was->release ^ c->verdict.release) | (was->hold ^ c->verdict.hold);
    return (other & c->eligible & c->given & d->partners) != 0 || change_us < c->state.change_us;
}

static err_t put_candidate(struct drafting *r, struct candidate *c)
{
    uint64_t alike;
    err_t err = held_alike(r->d, c, &alike);
    if (err != ERR_OK)
        return err;
    uint64_t minted = made_mask(c);
    c->leaves = c->member.release & ~c->state.released & ~alike & ~c->minted;
    c->leaves &= ~state_worn(&c->state, c->leaves, c->bound_count, c->copies); /* nor a verdict of before */
    /* Followers too, though nobody may have asked: what they wait for has to find those that need them. */
    uint64_t blocked = c->member.base & ~c->member.allowed & ~(c->state.released | c->state.minted) & ~alike;
    blocked |= c->lacks; /* what is left out may come */
    blocked |= c->untold & c->eligible & c->reach & r->d->partners;
    blocked |= c->state.blocked & r->d->partners & ~c->reach;
    int64_t change_us = change_of(r->d, c);
    bool changed = c->leaves != 0 || minted != 0 || blocked != (c->state.blocked & r->d->partners) ||
                   judged_anew(r->d, c, change_us);
    if (!c->asked && !changed)
        return ERR_OK;
    struct record_entry entry = {.lsn = c->lsn,
                                 .op = LEAF_RELEASE,
                                 .approver = RECORD_NAME_NONE,
                                 .release = c->leaves,
                                 .blocked = blocked,
                                 .change_us = change_us};
    if (TRY(err, name_approver(r, c, c->leaves, &entry.approver)) || TRY(err, class_of(r, c, &entry.class)) ||
        TRY(err, put_about_older(r, c, &entry)) || TRY(err, put_about_minted(r, c, entry.class)))
        return err;
    /* The state needs one entry with content even when all leaves were about older versions, or there is
     * none. */
    bool covered = entry.release == 0 && c->leaves != 0;
    if ((!covered && TRY(err, put_entry(r, &entry, c, c->slot))) || TRY(err, put_minted(r, c, entry.class)))
        return err;
    if (TRY(err, put_narrowed(r, c, entry.class)))
        return err;
    uint64_t over = state_expired(&c->state, r->d->now_us) & c->state.released & r->d->partners;
    return TRY(err, put_end(r, c, over, entry.class)) ? err : note_renamed(r->d, c);
}

/* One of which another took the place, and that somebody has: its timer was due, and the next one is set. Its
 * time with somebody ends first (step_expire). */
static err_t put_old(struct drafting *r, const struct old *old)
{
    const struct candidate nobody = {.lsn = old->lsn};
    struct record_entry entry = {.lsn = old->lsn, .op = LEAF_RELEASE, .approver = RECORD_NAME_NONE};
    struct state state;
    err_t err = state_load(r->d->gate, old->lsn, &state);
    if (err != ERR_OK || !old->looked || state.change_us > r->d->now_us)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    int64_t ends_us = state_ends_us(&state);
    if (ends_us <= r->d->now_us || TRY(err, class_of(r, &nobody, &entry.class)))
        return err;
    entry.blocked = state.blocked;
    entry.change_us = old->change_us < ends_us ? old->change_us : ends_us;
    return put_entry(r, &entry, &nobody, 0);
}

/* Where a ledger stands, and the time of its first new leaf: unique and increasing per ledger. */
static struct record_start start_of(const struct deciding *d, unsigned ledger)
{
    const struct view *view = &d->gate->views[ledger];
    return (struct record_start) {
        .ledger = (uint8_t)ledger,
        .epoch = d->gate->peers[gate_ledger_partner(ledger)].epoch,
        .seq = view->tree.edge.size,
        .time_us = d->now_us > view->last_time_us ? d->now_us : view->last_time_us + 1,
    };
}

/* The ledgers that get leaves. What is called back stands in the urgent one where there is one. */
static err_t put_starts(struct drafting *r)
{
    struct deciding *d = r->d;
    struct record_start *starts = arena_zalloc(d->arena, GATE_LEDGERS, sizeof *starts);
    uint64_t open = recalls_urgent(d->gate), main = 0, urgent = 0;
    if (starts == NULL)
        return ERR_NOMEM;
    for (size_t e = 0; e < r->decide.entry_count; e++) {
        bool recall = r->entries[e].op == LEAF_RECALL;
        urgent |= recall ? r->entries[e].release & open : 0;
        main |= r->entries[e].release & (recall ? ~open : UINT64_MAX);
    }
    for (unsigned p = 0; p < d->gate->peer_count; p++) {
        if (main >> p & 1)
            starts[r->decide.start_count++] = start_of(d, p);
        if (urgent >> p & 1)
            starts[r->decide.start_count++] = start_of(d, gate_urgent(p));
    }
    r->decide.starts = starts;
    return ERR_OK;
}

static err_t draft_init(struct drafting *r, struct deciding *d)
{
    *r = (struct drafting) {.d = d, .entry_size = 4 * d->count + d->old_count + LIMIT_COPIES};
    for (size_t i = 0; i < d->count && d->target_count > 0; i++)
        r->entry_size += 2 * d->at[i].made_count +
                         (size_t)__builtin_popcountll(d->target_mints[d->at[i].member.target].minted);
    for (size_t i = 0; i < d->count; i++)
        r->entry_size += d->at[i].recall ? d->at[i].state.release_count : 0;
    r->entries = arena_zalloc(d->arena, r->entry_size, sizeof *r->entries);
    r->contents = arena_zalloc(d->arena, r->entry_size, sizeof *r->contents);
    r->secrets = arena_zalloc(d->arena, r->entry_size, sizeof *r->secrets);
    r->sizes = arena_zalloc(d->arena, r->entry_size, sizeof *r->sizes);
    r->classes = arena_zalloc(d->arena, d->count + 2, sizeof *r->classes); /* and one of what is old */
    r->names = arena_zalloc(d->arena, RECORD_NAMES_MAX, sizeof *r->names);
    r->rule_names = arena_zalloc(d->arena, RULES_MAX, sizeof *r->rule_names);
    map_init(&r->name_ids, HASH_SIZE, RECORD_NAMES_MAX, &d->gate->sip);
    if (r->entries == NULL || r->contents == NULL || r->secrets == NULL || r->sizes == NULL ||
        r->classes == NULL || r->names == NULL || r->rule_names == NULL)
        return ERR_NOMEM;
    return ERR_OK;
}

static struct record_decide decide_head(const struct drafting *r, uint64_t to, const struct job *job,
                                        uint64_t job_cursor)
{
    const struct deciding *d = r->d;
    return (struct record_decide) {.from = d->gate->decided_lsn,
                                   .to = to,
                                   .policy = d->gate->policy_lsn,
                                   .now_us = d->now_us,
                                   .partners = d->partners,
                                   .job = job == NULL ? 0 : job->number,
                                   .job_cursor = job_cursor,
                                   .policy_digest = policy_digest(d->policy),
                                   .names = r->names,
                                   .classes = r->classes,
                                   .entries = r->entries};
}

static err_t log_decide(struct drafting *r)
{
    struct gate *gate = r->d->gate;
    uint64_t lsn;
    err_t err;
    buf_clear(&gate->record);
    record_decide_write(&gate->record, &r->decide);
    if (TRY(err, gate_append(gate, FRAME_DECIDE, &lsn)))
        return err;
    struct decide_hint hint = {r->contents, r->secrets, r->sizes};
    return gate_torn(gate, decide_apply(gate, lsn, &r->decide, &hint), "a decision could not be taken over");
}

/* Its timer is due at once: many of these are decided anew in one step, and a crash forgets none. */
static err_t put_again(struct drafting *r, const struct candidate *c, uint16_t class)
{
    struct record_entry entry = {.lsn = c->again,
                                 .op = LEAF_RELEASE,
                                 .approver = RECORD_NAME_NONE,
                                 .class = class,
                                 .blocked = c->again_blocked,
                                 .change_us = r->d->now_us};
    return c->again == 0 ? ERR_OK : put_entry(r, &entry, c, c->slot);
}

err_t set_withdraw(struct deciding *d, const struct job *job, uint64_t job_cursor)
{
    struct drafting r = {0};
    err_t err = draft_init(&r, d);
    r.decide = decide_head(&r, d->gate->decided_lsn, job, job_cursor);
    for (size_t i = 0; err == ERR_OK && i < d->count; i++) {
        uint16_t class;
        err = class_of(&r, &d->at[i], &class);
        if (err == ERR_OK)
            err = put_end(&r, &d->at[i], d->at[i].leaves, class);
        if (err == ERR_OK)
            err = put_again(&r, &d->at[i], class);
    }
    if (err == ERR_OK && !TRY(err, put_starts(&r)))
        err = log_decide(&r);
    map_deinit(&r.name_ids);
    return err;
}

/* In what order a partner's leaves stand may depend on nothing but the objects that it gets: a walk along
 * references, which also passes through what is withheld, would tell of it. So the order follows from each
 * object alone: definitions, creators, observables, objects, relationships, containers; then by arrival. */
struct place {
    uint64_t lsn;
    uint32_t member;
    int rank;
};

static int place_cmp(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return left->lsn < right->lsn ? -1 : left->lsn > right->lsn;
}

err_t set_order(const struct deciding *d, uint32_t **out)
{
    struct place *places = arena_alloc(d->arena, (d->count + 1) * sizeof *places);
    uint32_t *order = arena_alloc(d->arena, (d->count + 1) * sizeof *order);
    if (places == NULL || order == NULL)
        return ERR_NOMEM;
    struct stix_key self = {{0}};
    bool named = mint_creator_key(d->gate, &self);
    /* When the node's own identity was first needed, and for whom, is not to be seen: it comes first. */
    for (size_t i = 0; i < d->count; i++)
        places[i] =
            (struct place) {d->at[i].lsn, (uint32_t)i,
                            named && stix_key_eq(&self, &d->at[i].key) ? -1 : key_rank(&d->at[i].key)};
    qsort(places, d->count, sizeof *places, place_cmp);
    for (size_t i = 0; i < d->count; i++)
        order[i] = places[i].member;
    *out = order;
    return ERR_OK;
}

/* Closes over the set, writes and applies the DECIDE. Positions and job cursor are the caller's. */
err_t set_conclude(struct deciding *d, uint64_t to, const struct job *job, uint64_t job_cursor)
{
    struct drafting r = {0};
    uint32_t *order = NULL;
    err_t err;
    if (TRY(err, set_close(d)) || TRY(err, set_take_back(d, &d->took_back)) || d->took_back)
        return err;
    if (d->gate->wants_creator)
        return ERR_BUSY; /* gate_step makes it, and all this is looked at again */
    if (TRY(err, set_order(d, &order)) || TRY(err, budget_cut(d, order)) || TRY(err, set_mint(d, order)) ||
        TRY(err, draft_init(&r, d)))
        goto out;
    r.decide = decide_head(&r, to, job, job_cursor);
    for (size_t i = 0; i < d->count; i++)
        if (TRY(err, put_candidate(&r, &d->at[order[i]])))
            goto out;
    for (size_t i = 0; i < d->old_count; i++)
        if (TRY(err, put_old(&r, &d->old[i])))
            goto out;
    if (TRY(err, put_starts(&r)) || TRY(err, log_decide(&r)))
        goto out;
    /* A job over these very referrers comes to all of them: no need to ask again, and again. */
    bool covered = job != NULL && job->scope == JOB_REFERRERS && stix_key_eq(&job->key, &d->overflow);
    if (d->overflowed && !covered)
        err = job_recheck(d->gate, &d->overflow, d->now_us, "a walk over references reached its limit");
    for (size_t i = 0; err == ERR_OK && i < d->definition_count; i++)
        err = job_recheck(d->gate, &d->definitions[i], d->now_us, "a marking arrived");
    for (size_t i = 0; err == ERR_OK && i < d->renamed_count; i++)
        err = job_recheck(d->gate, &d->renamed[i], d->now_us, "it has another name for somebody");
out:
    map_deinit(&r.name_ids);
    return err;
}
