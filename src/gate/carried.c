/* What carries unmarked observables marks them (subject.c), so what changes a carrier asks for them again. */
#include "gate/deciding.h"

/* Keys of all that it refers to, in the step's arena. */
err_t wake_keys(struct deciding *d, const struct stix_object *object, struct stix_key **out)
{
    *out = arena_alloc(d->arena, (object->ref_count + 1) * sizeof **out);
    for (size_t i = 0; *out != NULL && i < object->ref_count; i++)
        (*out)[i] = object->refs[i].key;
    return *out == NULL ? ERR_NOMEM : ERR_OK;
}

/* What a carrier of observables says binds its source's unmarked variants, whether or not it speaks for its
 * own id. */
static err_t wake_variants(struct deciding *d, const struct stix_key *keys, size_t count, uint32_t source)
{
    for (size_t i = 0; i < count; i++) {
        struct copies copies;
        if (!key_is_observable(&keys[i]))
            continue;
        err_t err = copies_load(d->gate, &keys[i], &copies);
        for (size_t k = 0; err == ERR_OK && k < copies.count; k++)
            if (copies.at[k].source == source && copy_is_current(&copies, &copies.at[k]))
                err = set_add_carried(d, copies.at[k].lsn, 0);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

err_t wake_said(struct deciding *d, uint64_t lsn, uint32_t source)
{
    struct subject subject;
    struct stix_key *keys;
    arena_reset(&d->gate->accept_arena);
    err_t err = subject_recall(d->gate, lsn, &d->gate->accept_arena, &subject);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err; /* its secret was destroyed */
    size_t count = subject.object.ref_count;
    if (key_is_observable(&subject.object.key))
        return ERR_OK;
    return TRY(err, wake_keys(d, &subject.object, &keys)) ? err : wake_variants(d, keys, count, source);
}

/* Whose bytes a report stands for. NULL: they are gone. */
static const struct copy *bytes_of_copy(const struct copies *copies, const struct copy *copy)
{
    if ((copy->flags & COPY_SEEN) == 0)
        return copy;
    for (size_t i = 0; i < copies->count; i++)
        if ((copies->at[i].flags & COPY_SEEN) == 0 && copy_says_same(&copies->at[i], copy))
            return &copies->at[i];
    return NULL;
}

err_t wake_carried(struct deciding *d, const struct stix_key *key, const struct stamp *version)
{
    struct copies copies;
    if (key_is_observable(key))
        return ERR_OK;
    err_t err = copies_load(d->gate, key, &copies);
    for (size_t i = 0; err == ERR_OK && i < copies.count; i++) {
        const struct copy *said = bytes_of_copy(&copies, &copies.at[i]);
        if (said != NULL && (version == NULL || stamp_cmp(copies.at[i].version, *version) == 0))
            err = wake_said(d, said->lsn, copies.at[i].source);
    }
    return err;
}
