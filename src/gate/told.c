#include "gate/told.h"

#include "gate/rival.h"

/* --- who speaks of whom --- */

static bool is_translation(const struct told *told)
{
    return told->subject.object.type->code == STIX_TYPE_LANGUAGE_CONTENT;
}

/* NULL: its secret was destroyed, or there are too many. */
static err_t find(struct gate *gate, struct telling *t, uint64_t lsn, struct arena *arena, struct told **out)
{
    *out = NULL;
    for (size_t i = 0; i < t->count; i++)
        if (t->at[i]->subject.lsn == lsn) {
            *out = t->at[i];
            return ERR_OK;
        }
    t->lost |= t->count == LIMIT_TRANSLATED;
    if (t->lost)
        return ERR_OK;
    struct told *told = arena_zalloc(arena, 1, sizeof *told);
    if (told == NULL)
        return ERR_NOMEM;
    err_t err = subject_load(gate, lsn, arena, &told->subject);
    if (err == ERR_OK)
        *out = t->at[t->count++] = told;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

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
 * tells, and every version binds. */
static err_t add_targets(struct gate *gate, struct telling *t, struct told *told, const struct stix_key *key,
                         const struct stamp *about, struct arena *arena)
{
    struct copies *copies = arena_alloc(arena, sizeof *copies);
    bool held = false, bound[LIMIT_COPIES];
    err_t err;
    if (copies == NULL)
        return ERR_NOMEM;
    if (TRY(err, copies_load(gate, key, copies)))
        return err;
    for (size_t i = 0; i < copies->count; i++)
        if (TRY(err, binds(gate, key, copies, &copies->at[i], &bound[i])))
            return err;
    told->targets = arena_alloc(arena, (copies->count + 1) * sizeof *told->targets);
    if (told->targets == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < copies->count && about != NULL; i++)
        held |= bound[i] && stamp_cmp(copies->at[i].version, *about) == 0;
    for (size_t i = 0; i < copies->count && err == ERR_OK; i++) {
        struct told *target = NULL;
        if (bound[i] && (!held || stamp_cmp(copies->at[i].version, *about) == 0))
            err = find(gate, t, copies->at[i].lsn, arena, &target);
        if (target != NULL)
            told->targets[told->target_count++] = target;
    }
    return err;
}

/* Read again: of itself the references do not tell. */
static err_t look_at(struct gate *gate, struct telling *t, struct told *told, struct arena *arena)
{
    struct json_doc doc;
    struct str ref, stated;
    struct stix_key key;
    struct stamp about;
    err_t err;
    if (TRY(err, json_parse(gate->parser_one, told->subject.bytes, &doc, NULL)))
        return err;
    if (!json_get_str(json_root(&doc), STR("object_ref"), &ref) || !stix_id_parse(ref, &key))
        return ERR_OK;
    bool said = json_get_str(json_root(&doc), STR("object_modified"), &stated) &&
                stamp_parse(stated, &about, NULL) == ERR_OK;
    return add_targets(gate, t, told, &key, said ? &about : NULL, arena);
}

err_t told_gather(struct gate *gate, uint64_t lsn, struct arena *arena, struct telling **out)
{
    struct telling *t = arena_zalloc(arena, 1, sizeof *t);
    struct told *first;
    err_t err;
    if (t == NULL)
        return ERR_NOMEM;
    if (TRY(err, find(gate, t, lsn, arena, &first)))
        return err;
    for (size_t i = 0; i < t->count && err == ERR_OK; i++)
        if (is_translation(t->at[i]))
            err = look_at(gate, t, t->at[i], arena);
    *out = t;
    return err == ERR_OK && first == NULL ? ERR_NOTFOUND : err;
}

struct told *told_next(const struct telling *telling)
{
    for (size_t i = telling->count; i-- > 0;) {
        struct told *told = telling->at[i];
        bool ready = !told->decided;
        for (size_t k = 0; k < told->target_count && ready; k++)
            ready = told->targets[k]->decided;
        if (ready)
            return told;
    }
    return NULL;
}

void told_note(const struct gate *gate, struct told *told)
{
    const struct cutting *out = &told->cutting;
    uint64_t along = subject_comes_along(gate, &told->subject, &out->facts, &out->verdict) & ~out->untreated;
    uint64_t has = out->verdict.release | along;
    if (out->facts.origin >= 0) /* it came from him */
        has |= UINT64_C(1) << out->facts.origin;
    told->untold = ~has;
    told->hidden = (out->verdict.deny & ~has) | out->unmade;
    for (size_t i = 0; i < out->form_count; i++) {
        told->cut |= out->forms[i].partners;
        told->anonymous |= out->forms[i].anonymous ? out->forms[i].partners : 0;
    }
    for (size_t i = 0; i < told->target_count; i++) {
        told->untold |= told->targets[i]->untold;
        told->anonymous |= told->targets[i]->anonymous;
        told->cut |= told->targets[i]->cut;
        told->hidden |= told->targets[i]->hidden;
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
static err_t go_away(const struct places *from, struct arena *arena, struct places *out)
{
    size_t size = 0;
    for (size_t i = 0; i < from->of_count; i++)
        size += from->of[i]->target_count;
    out->of = arena_alloc(arena, (size + 1) * sizeof *out->of);
    if (out->of == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < from->of_count; i++)
        for (size_t k = 0; k < from->of[i]->target_count; k++) {
            size_t known = 0;
            while (known < out->of_count && out->of[known] != from->of[i]->targets[k])
                known++;
            if (known == out->of_count)
                out->of[out->of_count++] = from->of[i]->targets[k];
        }
    return ERR_OK;
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
            buf_put_str(&text, form->selectors[s]);
            struct str selector = arena_str(arena, buf_str(&text));
            err = buf_err(&text) != ERR_OK ? buf_err(&text) : selector.at == NULL ? ERR_NOMEM : ERR_OK;
            buf_deinit(&text);
            if (err == ERR_OK)
                err = add(ctx, selector);
        }
    return err;
}

err_t told_selectors(const struct told *told, struct json_val root, unsigned partner, struct arena *arena,
                     err_t (*add)(void *ctx, struct str selector), void *ctx)
{
    struct place whole = {STR(""), root};
    struct told *self = (struct told *)told;
    struct places here = {&whole, 1, &self, 1}, next;
    err_t err = ERR_OK;
    while (err == ERR_OK && here.count > 0 && here.of_count > 0) {
        if (TRY(err, go_on(&here, arena, &next)) || TRY(err, go_away(&here, arena, &next)))
            break;
        here = next;
        for (size_t i = 0; i < here.of_count && err == ERR_OK; i++) {
            const struct form *form = cut_form(&here.of[i]->cutting, partner);
            if (form != NULL)
                err = add_form(&here, form, arena, add, ctx);
        }
    }
    return err;
}
