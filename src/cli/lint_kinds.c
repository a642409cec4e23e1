#include <stdlib.h>

#include "cli/lint_kinds.h"

static bool is_alike(const struct lint_kind *a, const struct lint_kind *b)
{
    return a->level == b->level && str_eq(a->what, b->what) && str_eq(a->section, b->section);
}

err_t lint_kinds_add(struct lint_kinds *kinds, const struct lint_kind *kind, struct arena *arena)
{
    size_t i = 0;
    while (i < kinds->count && !is_alike(&kinds->at[i], kind))
        i++;
    if (i < kinds->count) {
        kinds->at[i].count++;
        return ERR_OK;
    }
    if (i == LINT_KINDS_MAX) {
        kinds->beyond++;
        return ERR_OK;
    }
    struct lint_kind kept = *kind;
    kept.what = arena_str(arena, kind->what);
    kept.section = arena_str(arena, kind->section);
    kept.path = arena_str(arena, kind->path);
    kept.count = 1;
    if (kept.what.at == NULL || kept.section.at == NULL || kept.path.at == NULL)
        return ERR_NOMEM;
    kinds->at[kinds->count++] = kept;
    return ERR_OK;
}

static int compare(const void *left, const void *right)
{
    const struct lint_kind *a = left, *b = right;
    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    return (a->count < b->count) - (a->count > b->count);
}

void lint_kinds_sort(struct lint_kinds *kinds)
{
    qsort(kinds->at, kinds->count, sizeof *kinds->at, compare);
}
