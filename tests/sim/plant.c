/* Faults that are planted to see that they are found. They replace functions of bongsu when the simulator is
 * linked (--wrap), so that nothing of them stands in src/. */
#include "world.h"

#include "store/store.h"

static enum bug active; /* of the running world; the simulator has one at a time */

void plant(enum bug bug)
{
    active = bug;
}

enum bug planted(void)
{
    return active;
}

/* What the linker gives, and what it calls instead. */
err_t __real_stix_read(struct json_val v, const struct stix_extensions *extensions, struct arena *arena,
                       struct stix_object *out, struct fault *fault);
err_t __wrap_stix_read(struct json_val v, const struct stix_extensions *extensions, struct arena *arena,
                       struct stix_object *out, struct fault *fault);
err_t __real_stix_read_held(struct json_val v, struct arena *arena, struct stix_object *out);
err_t __wrap_stix_read_held(struct json_val v, struct arena *arena, struct stix_object *out);
err_t __real_store_put(struct store *store, enum index_table table, struct bytes key, struct bytes value);
err_t __wrap_store_put(struct store *store, enum index_table table, struct bytes key, struct bytes value);

/* A closure that does not look into `object_refs`. */
static err_t blind(err_t err, struct arena *arena, struct stix_object *out)
{
    if (err != ERR_OK || active != BUG_BLIND_CLOSURE || out->ref_count == 0)
        return err;
    struct stix_ref *kept = arena_alloc(arena, out->ref_count * sizeof *kept);
    size_t count = 0;
    if (kept == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < out->ref_count; i++)
        if (!str_eq(out->refs[i].property, STR("object_refs")))
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

/* The index does not keep how far the log was decided. */
err_t __wrap_store_put(struct store *store, enum index_table table, struct bytes key, struct bytes value)
{
    static const char decided[] = "decided";
    if (active == BUG_DECIDE_TWICE && key.len >= sizeof decided - 1 &&
        memcmp(key.at + key.len - (sizeof decided - 1), decided, sizeof decided - 1) == 0)
        return ERR_OK;
    return __real_store_put(store, table, key, value);
}
