/* Deciding (DESIGN 4 steps 4, 5): what a step is asked to look at. Newly durable objects first, then timers
 * that are due, then a page of the oldest job; each becomes one set, and one DECIDE. */
#include "gate/deciding.h"

/* A definition that arrives after objects that carry it lets them be judged at last. */
static err_t note_definition(struct deciding *d, const struct candidate *c)
{
    uint64_t first;
    size_t count = 0;
    if (!key_is_marking(&c->key))
        return ERR_OK;
    err_t err = referrers(d->gate, &c->key, 0, &first, 1, &count);
    if (err != ERR_OK || count == 0 || first > c->lsn)
        return err;
    if (d->definitions == NULL)
        d->definitions = arena_alloc(d->arena, LIMIT_STEP_OBJECTS * sizeof *d->definitions);
    if (d->definitions == NULL)
        return ERR_NOMEM;
    d->definitions[d->definition_count++] = c->key;
    return ERR_OK;
}

/* What its sources now say under this id. */
static err_t ask_current(struct deciding *d, const struct stix_key *key)
{
    struct copies copies;
    err_t err = copies_load(d->gate, key, &copies);
    for (size_t i = 0; err == ERR_OK && i < copies.count; i++)
        if (copy_is_current(&copies, &copies.at[i]))
            err = set_ask(d, copies.at[i].lsn);
    return err;
}

/* As far as there is room in the set: a job goes on. */
static err_t woken(struct deciding *d, const struct stix_key *key, err_t err)
{
    if (err != ERR_FULL)
        return err;
    d->overflow = *key;
    d->overflowed = true;
    return ERR_OK;
}

/* What they translate is said otherwise, or otherwise kept from `partners`: whether those who have one may be
 * told is asked of all that is said of it (told.c). ERR_FULL: of so many as a step takes on. */
static err_t wake_translations(struct deciding *d, const struct stix_key *key, uint64_t partners)
{
    enum { PAGE = 64 };
    uint64_t found[PAGE], from = 0;
    size_t count = PAGE;
    err_t err = ERR_OK;
    while (count == PAGE && err == ERR_OK && !TRY(err, translations(d->gate, key, from, found, PAGE, &count)))
        for (size_t i = 0; i < count && err == ERR_OK; i++) {
            struct state state;
            size_t before = d->count;
            if (before >= LIMIT_STEP_OBJECTS || set_is_heavy(d))
                return ERR_FULL;
            err = state_load(d->gate, found[i], &state);
            if (err == ERR_OK && ((state.released | state.minted) & partners) != 0)
                err = set_ask(d, found[i]);
            if (d->count > before)
                d->at[before].speaks = true;
            err = err == ERR_NOTFOUND ? ERR_OK : err;
            from = found[i] + 1;
        }
    return err;
}

/* ...what stands at `lsn`: where that has the last word, and no other is `asked` about, those whom it does
 * not leave whole. */
static err_t wake_told(struct deciding *d, uint64_t lsn, uint64_t asked)
{
    const uint64_t *known = map_get(&d->by_lsn, &lsn);
    uint64_t partners = UINT64_MAX;
    struct stix_key key;
    if (known != NULL && *known != 0) {
        const struct candidate *c = &d->at[*known - 1];
        partners = asked | ~(c->verdict.release & ~(c->cut | c->loose));
        key = c->key;
    } else {
        struct subject subject;
        arena_reset(&d->gate->accept_arena);
        err_t err = subject_recall(d->gate, lsn, &d->gate->accept_arena, &subject);
        if (err != ERR_OK)
            return err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed */
        key = subject.object.key;
    }
    return woken(d, &key, wake_translations(d, &key, partners));
}

/* What else an arrival moves, whether or not it speaks for its id: unmarked observables that it, and other
 * copies of its version, carry (`carries`), and what waits for the partner who brought it to have it. */
static err_t wake(struct deciding *d, uint64_t lsn, const struct record_envelope *envelope, bool carries)
{
    struct subject subject;
    const struct gate_source *source = gate_source_get(d->gate, envelope->source);
    bool quarantined = envelope->reason == RECORD_QUARANTINE_CONFLICT; /* nobody has it by that */
    bool waiting = !quarantined && source != NULL && source->partner >= 0 && d->gate->blocked_objects != 0;
    if (!waiting && !carries)
        return ERR_OK;
    arena_reset(&d->gate->accept_arena);
    err_t err = subject_recall(d->gate, lsn, &d->gate->accept_arena, &subject);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct stix_key key = subject.object.key;
    struct stamp version = subject.copy->version;
    if (waiting)
        err = set_add_waiting(d, &key, UINT64_C(1) << source->partner, true);
    if (err == ERR_OK && carries)
        err = wake_carried(d, &key, &version);
    return woken(d, &key, err);
}

/* Everybody around an object whose marking or victims changed, when the policy asks for neighbours: what it
 * refers to and, up to the limit, what refers to it; of what `arrived`, more are left to a job, which makes
 * no further ones: hubs that name each other would keep it going for ever. Partners learn of nothing else
 * than of what may leave them now. */
static err_t wake_around(struct deciding *d, uint64_t lsn, bool arrived)
{
    struct subject subject;
    struct stix_key *keys;
    uint64_t found[LIMIT_NEIGHBOURS];
    size_t count = 0;
    if ((policy_needs(d->policy) & POLICY_NEED_AROUND) == 0)
        return ERR_OK;
    arena_reset(&d->gate->accept_arena);
    err_t err = subject_recall(d->gate, lsn, &d->gate->accept_arena, &subject);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct stix_key key = subject.object.key;
    size_t ref_count = subject.object.ref_count;
    if (key_is_definition(&key) || TRY(err, wake_keys(d, &subject.object, &keys)))
        return err;
    for (size_t i = 0; err == ERR_OK && i < ref_count; i++)
        err = key_is_definition(&keys[i]) ? ERR_OK : ask_current(d, &keys[i]);
    if (err == ERR_OK)
        err = referrers(d->gate, &key, 0, found, LIMIT_NEIGHBOURS, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = set_ask(d, found[i]);
    if (arrived && (err == ERR_FULL || count == LIMIT_NEIGHBOURS)) {
        d->overflow = key;
        d->overflowed = true;
    }
    return err == ERR_FULL ? ERR_OK : err; /* what was not asked is decided by fresh facts when it is */
}

/* What the word before this one lay beside it lies beside no more. */
static err_t wake_left(struct deciding *d, uint64_t lsn)
{
    struct subject subject;
    const struct copy *before = NULL;
    if ((policy_needs(d->policy) & POLICY_NEED_AROUND) == 0)
        return ERR_OK;
    arena_reset(&d->gate->accept_arena);
    err_t err = subject_recall(d->gate, lsn, &d->gate->accept_arena, &subject);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    for (size_t i = 0; i < subject.copies->count; i++) {
        const struct copy *copy = &subject.copies->at[i];
        bool variant = (copy->flags & COPY_SCO) != 0 && copy->source != subject.copy->source;
        int order = before == NULL ? 1 : stamp_cmp(copy->version, before->version);
        if (copy_speaks(copy) && !variant && copy->lsn < lsn && order >= 0)
            before = copy;
    }
    return before == NULL ? ERR_OK : wake_around(d, before->lsn, false);
}

/* A victim's sectors speak for what targets it, two references away. */
static err_t wake_victims(struct deciding *d, uint64_t lsn)
{
    struct subject subject;
    uint64_t found[LIMIT_NEIGHBOURS];
    size_t count = 0;
    if ((policy_needs(d->policy) & POLICY_NEED_VICTIMS) == 0)
        return ERR_OK;
    arena_reset(&d->gate->accept_arena);
    err_t err = subject_recall(d->gate, lsn, &d->gate->accept_arena, &subject);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct stix_key key = subject.object.key;
    if (subject.object.type->code != STIX_TYPE_IDENTITY)
        return ERR_OK;
    err = referrers(d->gate, &key, 0, found, LIMIT_NEIGHBOURS, &count);
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = wake_around(d, found[i], false);
    return err;
}

/* Of what names this one those that come along with what names them in turn. */
static err_t add_bringers(struct deciding *d, const struct stix_key *key, struct stix_key *keys,
                          size_t *count)
{
    uint64_t found[LIMIT_NEIGHBOURS];
    size_t found_count = 0;
    err_t err = referrers(d->gate, key, 0, found, LIMIT_NEIGHBOURS, &found_count);
    for (size_t i = 0; err == ERR_OK && i < found_count; i++) {
        struct subject subject;
        size_t k = 0;
        arena_reset(&d->gate->accept_arena);
        err = subject_recall(d->gate, found[i], &d->gate->accept_arena, &subject);
        while (err == ERR_OK && k < *count && !stix_key_eq(&keys[k], &subject.object.key))
            k++;
        if (err == ERR_OK && k == *count && k < LIMIT_ALONG && key_comes_along(&subject.object.key))
            keys[(*count)++] = subject.object.key;
        err = err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed */
    }
    return err;
}

/* What would go without its creator waits while something that comes along with it, however far, names him
 * (along.c). A newer version of that may not. */
static err_t wake_brought(struct deciding *d, const struct candidate *c)
{
    size_t count = 1;
    err_t err = ERR_OK;
    if (!policy_has_duties(d->policy) || d->gate->blocked_objects == 0 || c->copies->count < 2 ||
        !key_comes_along(&c->key))
        return ERR_OK;
    struct stix_key *keys = arena_alloc(d->arena, LIMIT_ALONG * sizeof *keys);
    if (keys == NULL)
        return ERR_NOMEM;
    keys[0] = c->key;
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        if (!TRY(err, set_add_waiting(d, &keys[i], d->partners, true)))
            err = add_bringers(d, &keys[i], keys, &count);
    return woken(d, &c->key, err);
}

/* A source that reports what another said binds by it what it says itself. */
static err_t wake_seen(struct deciding *d, const struct record_envelope *envelope)
{
    err_t err = wake_said(d, envelope->about, envelope->source);
    return err == ERR_FULL ? ERR_OK : err; /* as far as there is room in the set */
}

/* The stricter marking of a conflicting copy binds at once, and what the other carries. */
static err_t look_at_conflict(struct deciding *d, uint64_t lsn, const struct record_envelope *envelope)
{
    err_t err;
    if (envelope->reason != RECORD_QUARANTINE_CONFLICT)
        return ERR_OK;
    if (TRY(err, set_ask(d, envelope->about)) || TRY(err, wake(d, lsn, envelope, true)) ||
        TRY(err, wake_told(d, lsn, 0)))
        return err;
    return rival_note(d->gate, lsn, envelope, d->now_us);
}

/* Is there another copy of its version? Each binds what the other carries. */
static bool has_twin(const struct candidate *c)
{
    for (size_t i = 0; i < c->copies->count; i++) {
        const struct copy *copy = &c->copies->at[i];
        if (copy->lsn != c->lsn && (copy->flags & COPY_SEEN) == 0 &&
            stamp_cmp(copy->version, c->copy->version) == 0)
            return true;
    }
    return false;
}

/* One newly durable frame. */
static err_t look_at(struct deciding *d, const struct frame *frame)
{
    struct record_envelope envelope;
    size_t before = d->count;
    err_t err;
    if (frame->kind != FRAME_OBJ && frame->kind != FRAME_SEEN && frame->kind != FRAME_QUAR)
        return ERR_OK;
    if (TRY(err,
            record_envelope_read(frame->kind == FRAME_SEEN ? frame->payload : frame->envelope, &envelope)))
        return err;
    if (frame->kind == FRAME_QUAR)
        return look_at_conflict(d, frame->lsn, &envelope);
    if (frame->kind == FRAME_SEEN)
        return TRY(err, wake(d, envelope.about, &envelope, false)) ? err : wake_seen(d, &envelope);
    if (TRY(err, set_ask(d, frame->lsn)) ||
        (d->count > before &&
         (TRY(err, note_definition(d, &d->at[before])) || TRY(err, wake_brought(d, &d->at[before])))))
        return err;
    bool alone = d->count > before && d->at[before].copies->count == 1; /* nobody was told of it yet */
    if (TRY(err, wake_around(d, frame->lsn, true)) || TRY(err, wake_left(d, frame->lsn)) ||
        TRY(err, wake_victims(d, frame->lsn)) || (!alone && TRY(err, wake_told(d, frame->lsn, 0))))
        return err;
    return wake(d, frame->lsn, &envelope, d->count == before || has_twin(&d->at[before]));
}

/* Newly durable frames, in order. */
static err_t step_live(struct gate *gate, int64_t now_us, bool *out_did)
{
    struct deciding d;
    struct frame frame;
    uint64_t to = gate->scanned_lsn > gate->decided_lsn ? gate->scanned_lsn : gate->decided_lsn;
    struct store_iter iter = store_iter(gate->store, to, store_durable_lsn(gate->store));
    size_t looked = 0;
    err_t err = set_begin(&d, gate, now_us, UINT64_MAX);
    *out_did = false;
    while (err == ERR_OK && d.count < LIMIT_STEP_OBJECTS && looked < LIMIT_STEP_OBJECTS &&
           !set_is_heavy(&d) && (err = store_iter_next(&iter, &frame)) == ERR_OK) {
        err = look_at(&d, &frame);
        looked++;
        to = iter.lsn;
    }
    if (err == ERR_NOTFOUND)
        err = ERR_OK;
    /* Frames that decide nothing (facts, notes, DECIDEs, superseded versions) need no DECIDE of their own:
     * they are passed with the next object, and not looked at twice before. */
    if (err == ERR_OK && d.count > 0)
        err = set_conclude(&d, to, NULL, 0);
    else if (err == ERR_OK && d.old_count > 0) /* versions that nothing is decided about any more */
        err = set_take_back(&d, &d.took_back);
    *out_did = d.count > 0 || d.took_back || looked == LIMIT_STEP_OBJECTS || set_is_heavy(&d);
    if (err == ERR_OK)
        err = rivals_log(gate, now_us);
    if (err == ERR_OK && !d.took_back) {
        gate->scanned_lsn = to;
        fresh_passed(gate, to);
    }
    set_end(&d);
    return err;
}

/* What is minted waits for the node's own identity, which nothing else names: when a rule that concerns it
 * begins or ends, all that waits is looked at. */
static err_t note_maker(struct deciding *d)
{
    struct stix_key self;
    if (!mint_creator_key(d->gate, &self))
        return ERR_OK;
    for (size_t i = 0; i < d->count; i++) {
        if (!d->at[i].asked || !stix_key_eq(&d->at[i].key, &self))
            continue;
        d->definitions = arena_alloc(d->arena, sizeof *d->definitions);
        if (d->definitions == NULL)
            return ERR_NOMEM;
        d->definitions[0] = self;
        d->definition_count = 1;
    }
    return ERR_OK;
}

static err_t step_timers(struct gate *gate, int64_t now_us, bool *out_did, int64_t *out_next_us)
{
    struct deciding d;
    uint64_t due[LIMIT_STEP_OBJECTS];
    size_t count;
    err_t err = timers_due(gate, now_us, due, LIMIT_STEP_OBJECTS, &count, out_next_us);
    *out_did = false;
    if (err != ERR_OK || count == 0)
        return err;
    *out_did = true;
    err = set_begin(&d, gate, now_us, UINT64_MAX);
    size_t asked = 0;
    while (err == ERR_OK && asked < count && !set_is_heavy(&d))
        err = set_ask(&d, due[asked++]);
    count = asked; /* the others are due all the same */
    if (err == ERR_OK)
        err = note_maker(&d);
    if (err == ERR_OK)
        err = set_conclude(&d, gate->decided_lsn, NULL, 0);
    if (err == ERR_OK && !d.took_back)
        waits_remind(gate, due, count, now_us);
    set_end(&d);
    return err == ERR_OK && !d.took_back ? step_expire(gate, due, count, now_us) : err;
}

/* The copy that does not speak (any more) binds all the same what has its version, and translations. */
static err_t ask_bound(struct deciding *d, const struct stix_key *key, struct stamp version)
{
    struct copies copies;
    err_t err = copies_load(d->gate, key, &copies);
    for (size_t i = 0; err == ERR_OK && i < copies.count; i++)
        if (stamp_cmp(copies.at[i].version, version) == 0 && copy_is_current(&copies, &copies.at[i]))
            err = set_ask(d, copies.at[i].lsn);
    if (err == ERR_OK) /* a translation waits for what it may speak of, be it an older version */
        err = set_add_waiting(d, key, d->partners, true);
    return err;
}

/* A marking means something else now, and `lsn` carries it: it binds what has its version, and all that these
 * carry. */
static err_t ask_referrer(struct deciding *d, uint64_t lsn)
{
    struct subject subject;
    err_t err;
    if (TRY(err, set_ask(d, lsn)) || TRY(err, wake_around(d, lsn, false)) || TRY(err, wake_told(d, lsn, 0)))
        return err;
    const uint64_t *known = map_get(&d->by_lsn, &lsn);
    if (known == NULL || (*known != 0 && !has_twin(&d->at[*known - 1])))
        return ERR_OK;
    arena_reset(&d->gate->accept_arena);
    if (TRY(err, subject_load(d->gate, lsn, &d->gate->accept_arena, &subject)))
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct stix_key key = subject.object.key;
    struct stamp version = subject.copy->version;
    struct record_envelope envelope = subject.envelope;
    if (*known == 0 && TRY(err, ask_bound(d, &key, version)))
        return woken(d, &key, err);
    return wake(d, lsn, &envelope, true);
}

/* An operator's word about an object, or about what somebody sent another copy of: every version of it.
 * `told`: partners whose translations are asked about though the newest stays theirs. */
static err_t ask_all_of(struct deciding *d, uint64_t lsn, uint64_t told)
{
    struct subject subject;
    err_t err = set_ask(d, lsn);
    if (err != ERR_OK || TRY(err, wake_told(d, lsn, told)))
        return err;
    arena_reset(&d->gate->accept_arena);
    if (TRY(err, subject_recall(d->gate, lsn, &d->gate->accept_arena, &subject)))
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct stix_key key = subject.object.key;
    return woken(d, &key, wake_carried(d, &key, NULL));
}

static err_t ask_one(struct deciding *d, const struct job *job, uint64_t lsn)
{
    err_t err;
    switch (job->scope) {
    case JOB_REFERRERS:
        return ask_referrer(d, lsn);
    case JOB_SOURCE:
        return TRY(err, set_ask(d, lsn)) ? err : wake_told(d, lsn, 0);
    case JOB_OBJECT:
    case JOB_RIVALS:
        return ask_all_of(d, lsn, 0);
    case JOB_SUSPENDED:
    case JOB_LISTED:
        return ask_all_of(d, lsn, UINT64_MAX);
    default:
        return set_ask(d, lsn);
    }
}

static err_t ask_page(struct deciding *d, const struct job *job, const uint64_t *page, size_t count,
                      uint64_t *cursor)
{
    bool whole = job->scope == JOB_OBJECT || job->scope == JOB_SUSPENDED; /* few, and in no order */
    err_t err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        if (!whole && (d->count >= LIMIT_STEP_OBJECTS || set_is_heavy(d))) { /* one may have led to many */
            *cursor = job->scope == JOB_LISTED ? job->cursor + i : page[i];
            break;
        }
        err = ask_one(d, job, page[i]);
    }
    return err;
}

static err_t step_page(struct gate *gate, const struct job *of, int64_t now_us)
{
    struct deciding d;
    uint64_t page[LIMIT_STEP_OBJECTS], cursor;
    size_t count;
    struct job job = *of;
    err_t err = job_page(gate, &job, page, LIMIT_STEP_OBJECTS, &count, &cursor);
    if (err != ERR_OK)
        return err;
    err = set_begin(&d, gate, now_us, job.partners);
    if (err == ERR_OK)
        err = ask_page(&d, &job, page, count, &cursor);
    if (err == ERR_OK)
        err = set_conclude(&d, gate->decided_lsn, &job, cursor);
    set_end(&d);
    return err;
}

/* What is suspended first: a policy may have much to look at. */
static err_t step_take_back(struct gate *gate, int64_t now_us, bool *out_did)
{
    const struct job *suspended = job_suspended(gate);
    const struct job *job = suspended != NULL ? suspended : job_withdraw(gate);
    *out_did = job != NULL;
    if (job == NULL)
        return ERR_OK;
    bool around = suspended != NULL && job->cursor == JOB_CURSOR_AROUND;
    return around ? step_page(gate, job, now_us) : step_withdraw(gate, job, now_us);
}

static err_t step_job(struct gate *gate, int64_t now_us, bool *out_did)
{
    const struct job *next = job_next(gate);
    *out_did = next != NULL;
    return next == NULL ? ERR_OK : step_page(gate, next, now_us);
}

err_t gate_step(struct gate *gate, int64_t now_us, bool *out_more, int64_t *out_next_us)
{
    must(gate->magic == GATE_MAGIC);
    bool did = false;
    int64_t next_us = INT64_MAX;
    err_t err = ERR_OK;
    *out_more = false;
    *out_next_us = INT64_MAX;
    if (gate->read_only)
        return ERR_OK;
    if (now_us >= gate->repeats_due_us)
        err = gate_repeats_keep(gate, now_us);
    if (err != ERR_OK && err != ERR_BUSY) /* a full index: at the next step */
        return err;
    err = ERR_OK;
    if (gate->group_open && TRY(err, gate_commit(gate)))
        return err;
    if (TRY(err, secret_settle(gate, now_us)) || TRY(err, clock_settle(gate, now_us)))
        return err;
    if (gate->wants_creator) {
        if (TRY(err, mint_creator_ready(gate, now_us)))
            return err;
        gate->wants_creator = false;
    }
    bool took = false;
    if (gate->policy != NULL)
        err = step_take_back(gate, now_us, &took);
    if (err == ERR_OK && gate->policy != NULL && partners_concerned(gate) != 0) {
        err = step_live(gate, now_us, &did);
        if (err == ERR_OK && !did)
            err = step_timers(gate, now_us, &did, &next_us);
        int64_t budget_us = INT64_MAX;
        if (err == ERR_OK && !did)
            err = step_budget(gate, now_us, &did, &budget_us);
        next_us = budget_us < next_us ? budget_us : next_us;
        if (err == ERR_OK && !did && !took) /* denials first: what waits may come later, what is denied not */
            err = step_job(gate, now_us, &did);
    }
    store_view_end(gate->store);
    if (gate->wants_creator && err == ERR_BUSY) {
        *out_more = true;
        return ERR_OK;
    }
    if (err != ERR_OK)
        return err;
    *out_more = did || took;
    *out_next_us = gate->repeats_due_us < next_us ? gate->repeats_due_us : next_us;
    return ERR_OK;
}
