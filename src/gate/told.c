#include "gate/told.h"

#include "core/mem.h"
#include "core/wr.h"
#include "gate/rival.h"

enum { KEY_SIZE = 1 + 8 + 8 + 16, GONE = 1, ALONE = 2 };

/* One on the way to what is judged first; `next` of its targets is looked at next. */
struct down {
    struct told *told;
    size_t next;
};

struct telling {
    struct map by_key; /* KEY_SIZE bytes -> index into `kept` */
    struct told **kept;
    struct arena arena, scratch;
    uint64_t end, durable; /* positions in the log that all this follows from */
    bool read_only;
    uint64_t walk;

    struct told_ask ask;               /* of the translation at hand */
    struct told *at[LIMIT_TRANSLATED]; /* the first: itself */
    size_t count;
    bool lost;           /* there are more */
    struct told instead; /* of the first, where these are judged alone */
    size_t alone_next;
    struct down down[LIMIT_TRANSLATED];
    size_t depth;
};

/* --- what is kept --- */

err_t telling_init(struct gate *gate)
{
    struct telling *t = mem_alloc(sizeof *t);
    if (t == NULL)
        return ERR_NOMEM;
    gate->telling = t;
    t->kept = mem_alloc_array(LIMIT_TOLD_KEPT, sizeof(struct told *));
    map_init(&t->by_key, KEY_SIZE, LIMIT_TOLD_KEPT, &gate->sip);
    arena_init(&t->arena, LIMIT_TOLD_BYTES);
    arena_init(&t->scratch, LIMIT_TOLD_BYTES);
    return t->kept == NULL ? ERR_NOMEM : ERR_OK;
}

void telling_deinit(struct gate *gate)
{
    struct telling *t = gate->telling;
    if (t == NULL)
        return;
    map_deinit(&t->by_key);
    arena_deinit(&t->arena);
    arena_deinit(&t->scratch);
    mem_free(t->kept);
    mem_free(t);
    gate->telling = NULL;
}

/* All of it follows from what is logged, and is true until more is. There is room left for one translation
 * and what it speaks of, judged in both ways. */
static void begin(struct telling *t, const struct told_ask *ask)
{
    const struct gate *gate = ask->gate;
    uint64_t end = store_end_lsn(gate->store), durable = store_durable_lsn(gate->store);
    bool same = t->end == end && t->durable == durable && t->read_only == gate->read_only;
    if (!same || t->by_key.count + 2u * LIMIT_TRANSLATED > LIMIT_TOLD_KEPT ||
        t->arena.used_bytes > LIMIT_TOLD_BYTES / 8) {
        map_clear(&t->by_key);
        arena_reset(&t->arena);
    }
    t->end = end;
    t->durable = durable;
    t->read_only = gate->read_only;
    t->ask = *ask;
    t->count = t->depth = t->alone_next = 0;
    t->lost = false;
    t->instead = (struct told) {0};
    t->walk++;
}

static void key_write(const struct told_ask *ask, uint64_t lsn, bool alone, uint8_t out[KEY_SIZE])
{
    struct hash policy = policy_digest(ask->policy);
    out[0] = (uint8_t)((ask->gone ? GONE : 0) | (alone ? ALONE : 0));
    wr_at_u64(out + 1, lsn);
    wr_at_u64(out + 9, (uint64_t)ask->now_us);
    memcpy(out + 17, policy.b, 16);
}

/* NULL: its secret was destroyed. */
static err_t find(struct telling *t, uint64_t lsn, bool alone, struct told **out)
{
    uint8_t key[KEY_SIZE];
    struct subject subject;
    key_write(&t->ask, lsn, alone, key);
    const uint64_t *known = map_get(&t->by_key, key);
    *out = known == NULL ? NULL : t->kept[*known];
    if (known != NULL)
        return ERR_OK;
    arena_reset(&t->scratch);
    err_t err = subject_load(t->ask.gate, lsn, &t->scratch, &subject);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct told *told = arena_zalloc(&t->arena, 1, sizeof *told);
    if (told == NULL)
        return ERR_NOMEM;
    told->lsn = lsn;
    told->translates = subject.object.type->code == STIX_TYPE_LANGUAGE_CONTENT;
    told->alone = alone;
    told->read = alone || !told->translates;
    told->next_change_us = INT64_MAX;
    t->kept[t->by_key.count] = told;
    err = map_put(&t->by_key, key, t->by_key.count);
    *out = err == ERR_OK ? told : NULL;
    return err;
}

/* --- who speaks of whom --- */

/* Of another's copy that an operator set aside nothing binds; where his word ends, it does all along, since
 * nobody would look at the translation again then. */
static err_t binds(struct gate *gate, const struct stix_key *key, const struct copies *copies,
                   const struct copy *copy, bool *out)
{
    struct gate_rival_word word;
    *out = (copy->flags & (COPY_SEEN | COPY_ASSERTION)) == 0 && copy->lsn < store_durable_lsn(gate->store);
    if (!*out)
        return ERR_OK;
    err_t err = rival_aside(gate, key, copies, copy, INT64_MAX - 1, &word);
    *out = err == ERR_NOTFOUND;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* The versions of its target. Where none is said, or the one that is said is not held, nobody knows what it
 * tells, and every version binds: also one that was called back, which lets nothing be told any more. */
static err_t add_targets(struct telling *t, struct told *told, const struct stix_key *key,
                         const struct stamp *about)
{
    struct gate *gate = t->ask.gate;
    struct copies copies;
    bool held = false, bound[LIMIT_COPIES];
    err_t err;
    if (TRY(err, copies_load(gate, key, &copies)))
        return err;
    for (size_t i = 0; i < copies.count; i++)
        if (TRY(err, binds(gate, key, &copies, &copies.at[i], &bound[i])))
            return err;
    told->targets = arena_alloc(&t->arena, (copies.count + 1) * sizeof(struct told *));
    if (told->targets == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < copies.count && about != NULL; i++)
        held |= bound[i] && stamp_cmp(copies.at[i].version, *about) == 0;
    told->bereft = !held && spilled_or_recalled(gate, key);
    for (size_t i = 0; i < copies.count && err == ERR_OK; i++) {
        struct told *target = NULL;
        if (bound[i] && (!held || stamp_cmp(copies.at[i].version, *about) == 0))
            err = find(t, copies.at[i].lsn, false, &target);
        if (target != NULL)
            told->targets[told->target_count++] = target;
    }
    told->read = err == ERR_OK;
    return err;
}

/* Read again: of itself the references do not tell. */
static err_t read_targets(struct telling *t, struct told *told)
{
    struct json_doc doc;
    struct str ref, stated;
    struct stix_key key;
    struct stamp about;
    struct subject subject;
    err_t err;
    arena_reset(&t->scratch);
    told->target_count = 0;
    if (TRY(err, subject_load(t->ask.gate, told->lsn, &t->scratch, &subject)) ||
        TRY(err, json_parse(t->ask.gate->parser_one, subject.bytes, &doc, NULL)))
        return err;
    told->read = !json_get_str(json_root(&doc), STR("object_ref"), &ref) || !stix_id_parse(ref, &key);
    if (told->read)
        return ERR_OK;
    bool said = json_get_str(json_root(&doc), STR("object_modified"), &stated) &&
                stamp_parse(stated, &about, NULL) == ERR_OK;
    return add_targets(t, told, &key, said ? &about : NULL);
}

static void come_to(struct telling *t, struct told *told)
{
    if (told->walk == t->walk)
        return;
    told->walk = t->walk;
    t->lost |= t->count == LIMIT_TRANSLATED;
    if (!t->lost)
        t->at[t->count++] = told;
}

/* Nobody knows all that it speaks of, so it waits; what is known of that, each by itself, may be denied to
 * somebody who has it. */
static err_t take_alone(struct telling *t)
{
    t->instead = *t->at[0];
    t->instead.target_count = 0;
    if (!t->ask.gone)
        return ERR_OK;
    t->instead.targets = arena_alloc(&t->arena, t->count * sizeof(struct told *));
    if (t->instead.targets == NULL)
        return ERR_NOMEM;
    for (size_t i = 1; i < t->count; i++) {
        struct told *told = t->at[i];
        err_t err = told->decided || !told->translates ? ERR_OK : find(t, told->lsn, true, &told);
        if (err != ERR_OK)
            return err;
        if (told != NULL)
            t->instead.targets[t->instead.target_count++] = told;
    }
    return ERR_OK;
}

err_t told_gather(const struct told_ask *ask, uint64_t lsn, struct telling **out)
{
    struct telling *t = ask->gate->telling;
    struct told *told;
    err_t err;
    begin(t, ask);
    if (TRY(err, find(t, lsn, false, &told)))
        return err;
    if (told == NULL)
        return ERR_NOTFOUND;
    come_to(t, told);
    for (size_t i = 0; i < t->count && !t->lost; i++) {
        if (!t->at[i]->read && TRY(err, read_targets(t, t->at[i])))
            return err;
        for (size_t k = 0; k < t->at[i]->target_count; k++)
            come_to(t, t->at[i]->targets[k]);
    }
    t->walk++;
    t->down[t->depth++] = (struct down) {.told = t->at[0]};
    *out = t;
    return t->lost ? take_alone(t) : ERR_OK;
}

/* --- in which order --- */

static struct told *next_alone(struct telling *t)
{
    while (t->alone_next < t->instead.target_count)
        if (!t->instead.targets[t->alone_next++]->decided)
            return t->instead.targets[t->alone_next - 1];
    return NULL;
}

static bool is_ready(const struct told *told)
{
    bool ready = true;
    for (size_t i = 0; i < told->target_count && ready; i++)
        ready = told->targets[i]->decided;
    return ready;
}

struct told *told_next(struct telling *t)
{
    if (t->lost)
        return next_alone(t);
    while (t->depth > 0) {
        struct down *last = &t->down[t->depth - 1];
        struct told *told = last->told;
        if (last->next < told->target_count) {
            struct told *target = told->targets[last->next++];
            if (!target->decided && target->walk != t->walk)
                t->down[t->depth++] = (struct down) {.told = target};
            target->walk = t->walk;
            continue;
        }
        t->depth--;
        if (told != t->at[0] && is_ready(told)) /* else it is on the way back to itself */
            return told;
    }
    return NULL;
}

struct arena *told_keep(struct telling *t)
{
    return &t->arena;
}

struct arena *told_scratch(struct telling *t)
{
    arena_reset(&t->scratch);
    return &t->scratch;
}

const struct told *told_first(const struct telling *t, bool *out_lost)
{
    *out_lost = t->lost || !is_ready(t->at[0]);
    return t->lost ? &t->instead : t->at[0];
}

void told_note(const struct gate *gate, struct told *told, const struct subject *subject,
               const struct cutting *cutting)
{
    uint64_t along = subject_comes_along(gate, subject, &cutting->facts, &cutting->verdict);
    uint64_t has = (cutting->verdict.release | (along & ~cutting->untreated)) & ~told->over;
    if (cutting->facts.origin >= 0) /* it came from him */
        has |= UINT64_C(1) << cutting->facts.origin;
    told->untold = ~has;
    told->hidden = ((cutting->verdict.deny | told->over) & ~has) | (cutting->unmade & ~along);
    if (told->bereft)
        told->untold = told->hidden = UINT64_MAX;
    told->forms = cutting->forms;
    told->form_count = cutting->form_count;
    told->next_change_us = cutting->verdict.next_change_us;
    for (size_t i = 0; i < cutting->form_count; i++) {
        told->cut |= cutting->forms[i].partners;
        told->anonymous |= cutting->forms[i].anonymous ? cutting->forms[i].partners : 0;
    }
    /* One that comes along as it is, and could not be made as the rules beneath a hold ask. */
    for (size_t i = 0; i < cutting->unmade_count; i++) {
        const struct form *unmade = &cutting->forms[cutting->form_count + i];
        told->untold |= unmade->minted ? unmade->partners : 0;
    }
    for (size_t i = 0; i < told->target_count; i++) {
        const struct told *target = told->targets[i];
        told->untold |= target->untold;
        told->anonymous |= target->anonymous;
        told->cut |= target->cut;
        told->hidden |= target->hidden;
        if (target->next_change_us < told->next_change_us)
            told->next_change_us = target->next_change_us;
    }
    told->decided = true;
}

/* --- what it says of them --- */

/* A place where it says something of what is so many steps away: "contents.en." and what stands there,
 * "contents.en.contents.ko." */
struct place {
    struct str path;
    struct json_val at;
};

struct places {
    struct place *at;
    size_t count;
    struct told **of; /* what it is about there */
    size_t of_count;
};

/* Every language in the contents of every place, one after the other. */
static err_t go_on(const struct places *from, struct arena *arena, struct places *out)
{
    size_t size = 0;
    struct json_val contents;
    struct str language;
    *out = (struct places) {0};
    for (size_t i = 0; i < from->count; i++)
        if (json_get(from->at[i].at, STR("contents"), &contents) && json_is(contents, JSON_OBJECT))
            for (struct json_iter iter = json_object_iter(contents);
                 json_object_next(&iter, &language, &contents);)
                size++;
    if (size > LIMIT_TRANSLATED_PLACES)
        return ERR_LIMIT;
    out->at = arena_alloc(arena, (size + 1) * sizeof *out->at);
    if (out->at == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < from->count; i++) {
        struct json_val inner;
        if (!json_get(from->at[i].at, STR("contents"), &contents) || !json_is(contents, JSON_OBJECT))
            continue;
        struct json_iter iter = json_object_iter(contents);
        while (json_object_next(&iter, &language, &inner)) {
            struct buf text;
            buf_init(&text, LIMIT_OBJECT_BYTES);
            buf_printf(&text, "%.*scontents.%.*s.", STR_ARG(from->at[i].path), STR_ARG(language));
            struct str path = arena_str(arena, buf_str(&text));
            bool full = buf_err(&text) != ERR_OK || path.at == NULL;
            buf_deinit(&text);
            if (full)
                return ERR_NOMEM;
            out->at[out->count++] = (struct place) {path, inner};
        }
    }
    return ERR_OK;
}

/* One step further away: each once. */
static err_t go_away(struct telling *t, const struct places *from, struct arena *arena, struct places *out)
{
    size_t size = 0;
    uint64_t walk = ++t->walk;
    for (size_t i = 0; i < from->of_count; i++)
        size += from->of[i]->target_count;
    out->of = arena_alloc(arena, (size + 1) * sizeof *out->of);
    if (out->of == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < from->of_count; i++)
        for (size_t k = 0; k < from->of[i]->target_count; k++) {
            struct told *target = from->of[i]->targets[k];
            if (target->walk != walk)
                out->of[out->of_count++] = target;
            target->walk = walk;
        }
    return ERR_OK;
}

/* The first item of a list that it goes through; `len`: none. */
static size_t item_of(struct str selector)
{
    size_t i = 0;
    while (i + 1 < selector.len && !(selector.at[i] == '.' && selector.at[i + 1] == '['))
        i++;
    return i + 1 < selector.len ? i : selector.len;
}

struct str told_list(struct str selector)
{
    return (struct str) {selector.at, item_of(selector)};
}

struct str told_aligned(struct str selector)
{
    size_t item = item_of(selector);
    bool in_part =
        item < selector.len && memchr(selector.at + item + 1, '.', selector.len - item - 1) != NULL;
    return in_part ? told_list(selector) : selector;
}

static err_t add_form(const struct places *places, const struct form *form, struct arena *arena,
                      err_t (*add)(void *ctx, struct str selector), void *ctx)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < places->count && err == ERR_OK; i++)
        for (size_t s = 0; s < form->selector_count && err == ERR_OK; s++) {
            struct buf text;
            buf_init(&text, LIMIT_OBJECT_BYTES);
            buf_put_str(&text, places->at[i].path);
            buf_put_str(&text, told_aligned(form->selectors[s]));
            struct str selector = arena_str(arena, buf_str(&text));
            err = buf_err(&text) != ERR_OK ? buf_err(&text) : selector.at == NULL ? ERR_NOMEM : ERR_OK;
            buf_deinit(&text);
            if (err == ERR_OK)
                err = add(ctx, selector);
        }
    return err;
}

static const struct form *form_of(const struct told *told, unsigned partner)
{
    for (size_t i = 0; i < told->form_count; i++)
        if (told->forms[i].partners >> partner & 1)
            return &told->forms[i];
    return NULL;
}

err_t told_selectors(struct gate *gate, const struct told *told, struct json_val root, unsigned partner,
                     struct arena *arena, err_t (*add)(void *ctx, struct str selector), void *ctx)
{
    struct place whole = {STR(""), root};
    struct told *self = (struct told *)told;
    struct places here = {&whole, 1, &self, 1}, next;
    err_t err = ERR_OK;
    while (err == ERR_OK && here.count > 0 && here.of_count > 0) {
        if (TRY(err, go_on(&here, arena, &next)) || TRY(err, go_away(gate->telling, &here, arena, &next)))
            break;
        here = next;
        for (size_t i = 0; i < here.of_count && err == ERR_OK; i++) {
            const struct form *form = form_of(here.of[i], partner);
            if (form != NULL)
                err = add_form(&here, form, arena, add, ctx);
        }
    }
    return err;
}
