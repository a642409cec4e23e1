#include "stix/refs.h"

#include "core/limit.h"

enum { FIRST_SIZE = 8, INSERTION_MAX = 24 };

err_t stix_refs_add(struct stix_refs *refs, const struct stix_ref *ref)
{
    if (refs->count >= LIMIT_REFS_PER_OBJECT)
        return ERR_LIMIT;
    if (refs->count == refs->size) {
        size_t size = refs->size == 0 ? FIRST_SIZE : 2 * refs->size;
        struct stix_ref *at = arena_alloc(refs->arena, size * sizeof *at);
        if (at == NULL)
            return ERR_NOMEM;
        if (refs->count > 0)
            memcpy(at, refs->at, refs->count * sizeof *at);
        refs->at = at;
        refs->size = size;
    }
    refs->at[refs->count++] = *ref;
    return ERR_OK;
}

static int order(const struct stix_ref *a, const struct stix_ref *b)
{
    if (a->key.b[0] != b->key.b[0])
        return (int)a->key.b[0] - (int)b->key.b[0];
    int by_key = memcmp(a->key.b, b->key.b, STIX_KEY_SIZE);
    return by_key != 0 ? by_key : (int)a->role - (int)b->role;
}

static void sort_few(struct stix_ref *at, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct stix_ref ref = at[i];
        size_t k = i;
        for (; k > 0 && order(&at[k - 1], &ref) > 0; k--)
            at[k] = at[k - 1];
        at[k] = ref;
    }
}

static void merge(const struct stix_ref *from, size_t middle, size_t end, struct stix_ref *to)
{
    size_t a = 0, b = middle;
    for (size_t i = 0; i < end; i++)
        to[i] = a < middle && (b >= end || order(&from[a], &from[b]) <= 0) ? from[a++] : from[b++];
}

/* Stable, bottom up: no recursion, and no order of input makes it slow (outsiders choose the identifiers). */
static err_t sort_many(struct stix_refs *refs)
{
    struct stix_ref *from = refs->at;
    struct stix_ref *to = arena_alloc(refs->arena, refs->count * sizeof *to);
    if (to == NULL)
        return ERR_NOMEM;
    for (size_t width = 1; width < refs->count; width *= 2) {
        for (size_t start = 0; start < refs->count; start += 2 * width) {
            size_t left = refs->count - start;
            size_t end = left < 2 * width ? left : 2 * width;
            merge(from + start, width < end ? width : end, end, to + start);
        }
        struct stix_ref *swap = from;
        from = to;
        to = swap;
    }
    refs->at = from;
    return ERR_OK;
}

err_t stix_refs_finish(struct stix_refs *refs)
{
    if (refs->count <= INSERTION_MAX)
        sort_few(refs->at, refs->count);
    else if (sort_many(refs) != ERR_OK)
        return ERR_NOMEM;
    size_t kept = 0;
    for (size_t i = 0; i < refs->count; i++)
        if (kept == 0 || order(&refs->at[kept - 1], &refs->at[i]) != 0)
            refs->at[kept++] = refs->at[i];
    refs->count = kept;
    return ERR_OK;
}
