#include "gate/query.h"

#include "core/mem.h"
#include "gate/mint.h"
#include "search/document.h"
#include "search/search.h"

enum { BATCH_DOCS = LIMIT_SEARCH_BATCH_DOCS, WORTH_BYTES = 16 << 20 };

struct gate_search {
    struct gate *gate;
    struct search *search;
    bool off, damaged;
    bool running;
    bool gathering; /* `range`, `to` and the documents are of a batch that is not full yet */
    struct search_doc docs[BATCH_DOCS]; /* offsets into `bytes` until they are handed over */
    size_t count;
    struct search_range range;
    uint64_t to;
    struct buf bytes, terms, text; /* of the batch; of one object */
    struct search_batch batch;
};

/* --- life --- */

static void turn_off(struct gate_search *s, err_t err)
{
    if (!s->off)
        diag_say(s->gate->diag, DIAG_ERROR, err, "search", "look at the disk, then restart the node",
                 "nothing can be searched for: %s", err_text(err));
    s->off = true;
}

static void say_remade(const struct gate_search *s)
{
    diag_say(s->gate->diag, DIAG_WARNING, ERR_CORRUPT, "search", "it is made again from the log",
             "the search file could not be used");
}

err_t gate_search_open(struct gate *gate, const char *path, struct gate_search **out)
{
    struct search_setup setup = {.os = gate->os,
                                 .path = path,
                                 .node = gate->node_name,
                                 .first_lsn = LSN_FIRST,
                                 .end_lsn = store_durable_lsn(gate->store)};
    bool remade = false;
    struct gate_search *s = mem_alloc(sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    s->gate = gate;
    buf_init(&s->bytes, LIMIT_SEARCH_BATCH_BYTES + LIMIT_SEARCH_TERM_BYTES + LIMIT_SEARCH_TEXT_BYTES);
    buf_init(&s->terms, LIMIT_SEARCH_TERM_BYTES);
    buf_init(&s->text, LIMIT_SEARCH_TEXT_BYTES);
    err_t err = search_open(&setup, &s->search, &remade);
    if (err != ERR_OK)
        turn_off(s, err);
    if (remade)
        say_remade(s);
    *out = s;
    return ERR_OK;
}

void gate_search_close(struct gate_search *s)
{
    if (s == NULL)
        return;
    search_close(s->search);
    buf_deinit(&s->bytes);
    buf_deinit(&s->terms);
    buf_deinit(&s->text);
    mem_free(s);
}

void gate_search_status(const struct gate_search *s, struct gate_search_status *out)
{
    *out = (struct gate_search_status) {.durable = store_durable_lsn(s->gate->store), .off = s->off};
    if (s->off)
        return;
    out->holes = search_holes(s->search);
    out->applied = search_applied(s->search);
    /* Frames that are no objects were looked at, and nothing had to be written for it. */
    if (s->gathering && s->count == 0 && s->range.until == UINT64_MAX)
        out->applied = s->to;
}

/* What was damaged is made again. ERR_WRONGSTATE: there is nothing to work with; ERR_BUSY: not now. */
static err_t ready(struct gate_search *s)
{
    if (s->damaged && s->running)
        return ERR_BUSY;
    if (s->damaged && !s->off) {
        s->damaged = s->gathering = false;
        say_remade(s);
        err_t err = search_reset(s->search);
        if (err != ERR_OK)
            turn_off(s, err);
    }
    return s->off ? ERR_WRONGSTATE : ERR_OK;
}

static err_t note(struct gate_search *s, err_t err)
{
    s->damaged |= err == ERR_CORRUPT || err == ERR_INVALID;
    if (err != ERR_OK && err != ERR_BUSY && !s->damaged)
        turn_off(s, err);
    return err;
}

/* --- following the log --- */

static struct str put_bytes(struct gate_search *s, const struct buf *from)
{
    /* An offset for now: the buffer moves while it grows. */
    struct str at = {(const char *)(uintptr_t)s->bytes.len, from->len};
    buf_put(&s->bytes, from->at, from->len);
    return at;
}

/* Where the bytes of what a frame reports stand: a SEEN repeats another's. ERR_NOTFOUND: not to be indexed.
 */
static err_t reported_at(struct gate *gate, const struct frame *frame, struct record_envelope *envelope,
                         struct frame *out)
{
    bool seen = frame->kind == FRAME_SEEN;
    err_t err;
    if (!seen && frame->kind != FRAME_OBJ)
        return ERR_NOTFOUND;
    if (TRY(err, record_envelope_read(seen ? frame->payload : frame->envelope, envelope)))
        return err;
    *out = *frame;
    if (seen && TRY(err, store_read(gate->store, envelope->about, out)))
        return err;
    return out->kind == FRAME_OBJ ? ERR_OK : ERR_NOTFOUND;
}

static err_t gather_frame(struct gate_search *s, const struct frame *frame)
{
    struct gate *gate = s->gate;
    struct record_envelope envelope;
    struct frame object_frame;
    struct stix_object object;
    struct json_doc doc;
    err_t err;
    if (TRY(err, reported_at(gate, frame, &envelope, &object_frame)))
        return err;
    arena_reset(&gate->step_arena);
    buf_clear(&gate->plain);
    if (TRY(err, store_unseal(gate->store, &object_frame, &gate->plain)))
        return err;
    size_t size = gate->plain.len;
    if (buf_extend(&gate->plain, JSON_PADDING) == NULL)
        return ERR_NOMEM;
    memset(gate->plain.at + size, 0, JSON_PADDING);
    if (TRY(err, json_parse(gate->parser_one, bytes_of(gate->plain.at, size), &doc, NULL)) ||
        TRY(err, stix_read_held(json_root(&doc), &gate->step_arena, &object)))
        return err == ERR_NOMEM ? err : ERR_NOTFOUND;
    buf_clear(&s->terms);
    buf_clear(&s->text);
    search_document(&object, envelope.source, &gate->step_arena, &s->terms, &s->text);
    struct search_doc *put = &s->docs[s->count];
    *put = (struct search_doc) {.lsn = frame->lsn};
    put->terms = put_bytes(s, &s->terms);
    put->text = put_bytes(s, &s->text);
    if (TRY(err, buf_err(&s->bytes)))
        return err;
    s->count++;
    return ERR_OK;
}

static void hand_over(struct gate_search *s)
{
    s->running = true;
    for (size_t i = 0; i < s->count; i++) {
        s->docs[i].terms.at = (const char *)s->bytes.at + (uintptr_t)s->docs[i].terms.at;
        s->docs[i].text.at = (const char *)s->bytes.at + (uintptr_t)s->docs[i].text.at;
    }
    s->batch = (struct search_batch) {s->range, s->docs, s->count, s->to};
}

err_t gate_search_gather(struct gate_search *s, unsigned objects, bool *out_ready)
{
    struct frame frame;
    if (ready(s) != ERR_OK || s->running)
        return ERR_NOTFOUND;
    if (!s->gathering) {
        s->gathering = true;
        s->count = 0;
        s->range = search_next(s->search);
        s->to = s->range.from;
        buf_clear(&s->bytes);
    }
    uint64_t durable = store_durable_lsn(s->gate->store);
    struct store_iter iter = store_iter(s->gate->store, s->to, s->range.until);
    err_t err = s->to >= durable ? ERR_NOTFOUND : ERR_OK;
    /* Frames that are no objects cost little: a few more of them. */
    for (unsigned i = 0; err == ERR_OK && i < objects; i++) {
        if (s->count == BATCH_DOCS || s->bytes.len >= LIMIT_SEARCH_BATCH_BYTES)
            break;
        if (TRY(err, store_iter_next(&iter, &frame)))
            break;
        err = gather_frame(s, &frame);
        s->to = iter.lsn;
        if (err == ERR_NOTFOUND)
            err = ERR_OK; /* no object, or its secret was destroyed */
    }
    store_view_end(s->gate->store);
    bool ended = err == ERR_NOTFOUND;
    if (ended && s->to < durable && s->to < s->range.until)
        s->to = durable < s->range.until ? durable : s->range.until; /* a COMMIT is the last of them */
    if (err != ERR_OK && !ended)
        return note(s, err);
    /* Nothing to write yet: not worth a transaction. */
    if (ended && s->count == 0 && s->range.until == UINT64_MAX && s->to - s->range.from < WORTH_BYTES)
        return ERR_NOTFOUND;
    *out_ready = ended || s->count == BATCH_DOCS || s->bytes.len >= LIMIT_SEARCH_BATCH_BYTES;
    if (*out_ready)
        hand_over(s);
    return ERR_OK;
}

err_t gate_search_run(struct gate_search *s)
{
    return search_add(s->search, &s->batch);
}

err_t gate_search_done(struct gate_search *s, err_t err)
{
    s->gathering = s->running = false;
    return note(s, search_added(s->search, &s->batch, err));
}

err_t gate_search_forget(struct gate_search *s, const uint64_t *lsns, size_t count)
{
    err_t err = ready(s);
    if (err != ERR_OK)
        return err;
    s->gathering = false;
    return note(s, search_forget(s->search, lsns, count));
}

/* --- finding --- */

static bool in_time(const struct gate_filter *filter, const struct record_envelope *envelope)
{
    return envelope->received_us >= filter->since_us && envelope->received_us < filter->until_us;
}

/* A SEEN whose OBJ is an answer itself adds nothing: that answer names all sources. */
static bool stands_elsewhere(struct gate *gate, const struct gate_filter *filter, uint64_t about)
{
    struct frame frame;
    struct record_envelope envelope;
    if (store_read(gate->store, about, &frame) != ERR_OK || frame.kind != FRAME_OBJ ||
        record_envelope_read(frame.envelope, &envelope) != ERR_OK)
        return false;
    return in_time(filter, &envelope) &&
           (filter->source == GATE_SOURCE_NONE || filter->source == envelope.source);
}

/* All that reported the same content. */
static err_t list_sources(const struct subject *subject, struct arena *arena, struct gate_found *out)
{
    uint32_t *sources = arena_alloc(arena, subject->copies->count * sizeof *sources);
    size_t count = 0;
    if (sources == NULL)
        return ERR_NOMEM;
    sources[count++] = subject->copy->source;
    for (size_t i = 0; i < subject->copies->count; i++) {
        const struct copy *copy = &subject->copies->at[i];
        bool known = !copy_says_same(copy, subject->copy);
        for (size_t k = 0; k < count && !known; k++)
            known = sources[k] == copy->source;
        if (!known)
            sources[count++] = copy->source;
    }
    out->sources = sources;
    out->source_count = count;
    return ERR_OK;
}

static err_t list_tags(struct gate *gate, const struct subject *subject, struct gate_found *out)
{
    int64_t settled;
    struct str *tags = arena_alloc(&gate->step_arena, LIMIT_TAGS_PER_OBJECT * sizeof *tags);
    if (tags == NULL)
        return ERR_NOMEM;
    out->tags = tags;
    return tags_load(gate, &subject->object.key, &gate->step_arena, tags, &out->tag_count, &settled);
}

static err_t show(struct gate *gate, struct subject *subject, struct gate_found *out)
{
    err_t err;
    struct gate_found found = {.object = {.lsn = subject->lsn,
                                          .bytes = subject->bytes,
                                          .envelope = subject->envelope,
                                          .newest = copies_newest(subject->copies) == subject->copy,
                                          .assertion = (subject->copy->flags & COPY_ASSERTION) != 0,
                                          .quarantined = (subject->copy->flags & COPY_QUARANTINED) != 0,
                                          .current_view = copy_is_current(subject->copies, subject->copy)},
                               .stix = &subject->object,
                               .owner = subject->copy->owner};
    if (TRY(err, list_sources(subject, &gate->step_arena, &found)) ||
        TRY(err, list_tags(gate, subject, &found)))
        return err;
    *out = found;
    return ERR_OK;
}

static bool passes(const struct gate_filter *filter, const struct gate_found *found)
{
    if ((!filter->all && !found->object.current_view) ||
        (filter->owner != GATE_SOURCE_NONE && filter->owner != found->owner))
        return false;
    for (size_t i = 0; filter->tag.len > 0 && i < found->tag_count; i++)
        if (str_eq(found->tags[i], filter->tag))
            return true;
    return filter->tag.len == 0;
}

/* ERR_NOTFOUND: no answer. */
static err_t candidate(struct gate *gate, const struct gate_filter *filter, uint64_t lsn,
                       struct subject *subject, struct gate_found *out)
{
    struct frame frame, object_frame;
    struct record_envelope envelope;
    err_t err;
    if (TRY(err, store_read(gate->store, lsn, &frame)) ||
        TRY(err, reported_at(gate, &frame, &envelope, &object_frame)))
        return err;
    bool seen = frame.kind == FRAME_SEEN;
    if (!in_time(filter, &envelope) || (seen && stands_elsewhere(gate, filter, envelope.about)))
        return ERR_NOTFOUND;
    arena_reset(&gate->step_arena);
    if (spilled(gate, object_frame.lsn))
        return ERR_NOTFOUND;
    if (TRY(err, subject_load(gate, object_frame.lsn, &gate->step_arena, subject)) ||
        TRY(err, show(gate, subject, out)))
        return err;
    out->object.envelope = envelope;
    return passes(filter, out) ? ERR_OK : ERR_NOTFOUND;
}

static err_t next_page(struct gate_search *s, const struct gate_filter *filter, struct gate_walk *walk)
{
    struct search_page page = {
        .from = walk->from, .descending = walk->newest_first, .lsns = walk->lsns, .size = GATE_WALK_PAGE};
    err_t err = note(s, search_find(s->search, &filter->query, &page));
    if (err != ERR_OK)
        return err;
    walk->at = 0;
    walk->count = page.count;
    walk->from = page.next;
    walk->last = page.end;
    return ERR_OK;
}

err_t gate_find(struct gate_search *s, const struct gate_filter *filter, struct gate_walk *walk,
                unsigned objects, bool (*visit)(void *ctx, const struct gate_found *found), void *ctx)
{
    struct subject subject;
    struct gate_found found;
    bool go_on = true;
    err_t err = ready(s);
    if (!walk->begun)
        walk->from = walk->newest_first ? UINT64_MAX : 0;
    walk->begun = true;
    while (err == ERR_OK && go_on && objects-- > 0) {
        if (walk->at == walk->count) {
            walk->end = walk->last;
            if (walk->end || TRY(err, next_page(s, filter, walk)))
                break;
            continue;
        }
        err = candidate(s->gate, filter, walk->lsns[walk->at++], &subject, &found);
        if (err == ERR_OK)
            go_on = visit(ctx, &found);
        else if (err == ERR_NOTFOUND)
            err = ERR_OK; /* no answer, or its secret was destroyed */
    }
    store_view_end(s->gate->store);
    return err;
}

/* --- neighbours --- */

err_t gate_newest(struct gate *gate, const struct stix_key *object, struct gate_found *out)
{
    arena_reset(&gate->step_arena);
    struct subject *subject = arena_alloc(&gate->step_arena, sizeof *subject);
    if (subject == NULL)
        return ERR_NOMEM;
    err_t err = subject_newest(gate, object, &gate->step_arena, subject);
    return err != ERR_OK ? err : show(gate, subject, out);
}

static bool ties_all(enum stix_ref_role role)
{
    return ref_role_follows(role);
}

static bool is_relationship(const struct stix_object *object)
{
    return object->type->code == STIX_TYPE_RELATIONSHIP;
}

/* A relationship seen from one of its ends; `self` empty: from nowhere, both ends are its neighbours. */
static void visit_relationship(const struct stix_object *object, const struct stix_key *self,
                               void (*visit)(void *ctx, const struct gate_edge *edge), void *ctx)
{
    struct gate_edge edge = {.relationship = object->id, .property = STR("relationship")};
    struct stix_key from, to;
    if (!json_get_str(object->root, STR("source_ref"), &edge.from) ||
        !json_get_str(object->root, STR("target_ref"), &edge.to) || !stix_id_parse(edge.from, &from) ||
        !stix_id_parse(edge.to, &to))
        return;
    (void)json_get_str(object->root, STR("relationship_type"), &edge.property);
    edge.other = stix_key_eq(&from, self) ? to : from;
    visit(ctx, &edge);
    if (!stix_key_eq(&from, self) && !stix_key_eq(&to, self)) {
        edge.other = to;
        visit(ctx, &edge);
    }
}

static void visit_out(const struct gate *gate, const struct subject *subject, bool all,
                      void (*visit)(void *ctx, const struct gate_edge *edge), void *ctx)
{
    const struct stix_object *object = &subject->object;
    if (is_relationship(object)) {
        visit_relationship(object, &object->key, visit, ctx);
        return;
    }
    for (size_t i = 0; i < object->ref_count; i++) {
        const struct stix_ref *ref = &object->refs[i];
        if (!all && ties_all(ref->role))
            continue;
        visit(ctx, &(struct gate_edge) {.other = mint_meant(gate, &ref->key),
                                        .from = object->id,
                                        .to = ref->id,
                                        .property = ref->property});
    }
}

/* One referrer, if it is what is held now. */
static void visit_in(const struct gate *gate, const struct subject *subject, const struct stix_key *key,
                     bool all, void (*visit)(void *ctx, const struct gate_edge *edge), void *ctx)
{
    const struct stix_object *object = &subject->object;
    if (!copy_is_current(subject->copies, subject->copy))
        return;
    for (size_t i = 0; i < object->ref_count; i++) {
        const struct stix_ref *ref = &object->refs[i];
        struct stix_key meant = mint_meant(gate, &ref->key);
        if (!stix_key_eq(&meant, key) || (!all && ties_all(ref->role)))
            continue;
        if (is_relationship(object) && ref->role == STIX_REF_SRO_END) {
            visit_relationship(object, &ref->key, visit, ctx);
            return;
        }
        visit(ctx, &(struct gate_edge) {
                       .other = object->key, .from = object->id, .to = ref->id, .property = ref->property});
    }
    for (size_t i = 0; all && i < object->named_count; i++) {
        struct stix_key meant = mint_meant(gate, &object->named[i].key);
        if (stix_key_eq(&meant, key))
            visit(ctx, &(struct gate_edge) {.other = object->key,
                                            .from = object->id,
                                            .to = object->named[i].id,
                                            .property = STR("a text")});
    }
}

err_t gate_neighbours(struct gate *gate, const struct stix_key *object, bool all, unsigned max,
                      void (*visit)(void *ctx, const struct gate_edge *edge), void *ctx)
{
    enum { PAGE = 256 };
    uint64_t lsns[PAGE], from = 0;
    size_t count = PAGE;
    struct subject subject;
    arena_reset(&gate->step_arena);
    err_t held = subject_newest(gate, object, &gate->step_arena, &subject), err = ERR_OK;
    if (held == ERR_OK && spilled(gate, subject.lsn))
        held = ERR_NOTFOUND;
    if (held != ERR_OK && held != ERR_NOTFOUND)
        return held;
    if (held == ERR_OK)
        visit_out(gate, &subject, all, visit, ctx);
    while (err == ERR_OK && count == PAGE && max > 0) {
        err = (all ? namers : referrers)(gate, object, from, lsns, PAGE, &count);
        for (size_t i = 0; err == ERR_OK && i < count && max > 0; i++, max--) {
            from = lsns[i] + 1;
            arena_reset(&gate->step_arena);
            err = subject_load(gate, lsns[i], &gate->step_arena, &subject);
            if (err == ERR_OK && !spilled(gate, lsns[i]))
                visit_in(gate, &subject, object, all, visit, ctx);
            else if (err == ERR_NOTFOUND)
                err = ERR_OK;
        }
    }
    store_view_end(gate->store);
    return err != ERR_OK ? err : held;
}
