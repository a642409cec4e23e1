/* What would come along with an object, walked before it leaves: a name that must stay must not follow. */
#include "gate/cut.h"

struct walk {
    struct gate *gate;
    const struct stix_key *hidden;
    struct arena *arena;
    struct stix_key *seen;
    size_t count;
    bool named;
};

/* ERR_LIMIT: too many. */
static err_t visit(struct walk *w, const struct stix_key *key)
{
    w->named |= stix_key_eq(key, w->hidden);
    if (w->named || key_is_builtin(key) || !key_comes_along(key))
        return ERR_OK;
    for (size_t i = 0; i < w->count; i++)
        if (stix_key_eq(&w->seen[i], key))
            return ERR_OK;
    if (w->count == LIMIT_ALONG)
        return ERR_LIMIT;
    w->seen[w->count++] = *key;
    return ERR_OK;
}

static err_t visit_copies(struct walk *w, const struct stix_key *key)
{
    struct subject subject;
    struct copies *copies = arena_alloc(w->arena, sizeof *copies);
    err_t err;
    if (copies == NULL)
        return ERR_NOMEM;
    if (TRY(err, copies_load(w->gate, key, copies)))
        return err;
    for (size_t i = 0; i < copies->count && !w->named && err == ERR_OK; i++) {
        if (!copy_is_current(copies, &copies->at[i]) ||
            copies->at[i].lsn >= store_durable_lsn(w->gate->store))
            continue;
        if (TRY(err, subject_load(w->gate, copies->at[i].lsn, w->arena, &subject)))
            break;
        for (size_t r = 0; r < subject.object.ref_count && err == ERR_OK; r++)
            err = visit(w, &subject.object.refs[r].key);
    }
    return err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed: it does not leave */
}

err_t along_names(struct gate *gate, const struct stix_ref *refs, size_t ref_count,
                  const struct stix_key *hidden, struct arena *arena, bool *out_named)
{
    struct walk w = {.gate = gate,
                     .hidden = hidden,
                     .arena = arena,
                     .seen = arena_zalloc(arena, LIMIT_ALONG, sizeof(struct stix_key))};
    err_t err = w.seen == NULL ? ERR_NOMEM : ERR_OK;
    for (size_t i = 0; i < ref_count && err == ERR_OK; i++)
        err = visit(&w, &refs[i].key);
    for (size_t i = 0; i < w.count && !w.named && err == ERR_OK; i++)
        err = visit_copies(&w, &w.seen[i]);
    *out_named = w.named || err == ERR_LIMIT;
    return err == ERR_LIMIT ? ERR_OK : err;
}
