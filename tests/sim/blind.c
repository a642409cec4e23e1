#include "blind.h"

/* Of the functions' own types: one that changes is seen here. */
__typeof__(stix_read) __real_stix_read, __wrap_stix_read;
__typeof__(stix_read_held) __real_stix_read_held, __wrap_stix_read_held;

static bool (*is_hidden)(const struct stix_ref *ref);

void blind_to(bool (*hidden)(const struct stix_ref *ref))
{
    is_hidden = hidden;
}

static err_t blind(err_t err, struct arena *arena, struct stix_object *out)
{
    if (err != ERR_OK || is_hidden == NULL || out->ref_count == 0)
        return err;
    struct stix_ref *kept = arena_alloc(arena, out->ref_count * sizeof *kept);
    size_t count = 0;
    if (kept == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < out->ref_count; i++)
        if (!is_hidden(&out->refs[i]))
            kept[count++] = out->refs[i];
    out->refs = kept;
    out->ref_count = count;
    return ERR_OK;
}

err_t __wrap_stix_read(struct json_val v, const struct stix_extensions *extensions, struct arena *arena,
                       struct stix_object *out, struct fault *fault)
{
    return blind(__real_stix_read(v, extensions, arena, out, fault), arena, out);
}

err_t __wrap_stix_read_held(struct json_val v, struct arena *arena, struct stix_object *out)
{
    return blind(__real_stix_read_held(v, arena, out), arena, out);
}
