/* What accepting read of an object, kept until it is decided: deciding need not open and parse it again.
 *
 * A memory of convenience. Nothing rests on an entry being there: what is not (the room is full, the node was
 * started again) is read from the log. Positions are never given twice, so an entry is never about another
 * object. */
#include "core/mem.h"
#include "gate/state.h"

struct fresh {
    uint64_t lsn; /* rising from one to the next */
    uint64_t slot;
    size_t size;
    struct hash content;
    struct record_envelope envelope;
    struct stix_object object; /* without its text */
    bool follows;
    struct str safety;
};

err_t fresh_init(struct gate *gate)
{
    arena_init(&gate->fresh_arena, LIMIT_FRESH_BYTES);
    gate->fresh = mem_alloc_array(LIMIT_FRESH_OBJECTS, sizeof(struct fresh *));
    return gate->fresh == NULL ? ERR_NOMEM : ERR_OK;
}

void fresh_deinit(struct gate *gate)
{
    mem_free(gate->fresh);
    arena_deinit(&gate->fresh_arena);
}

static struct stix_ref *refs_keep(struct arena *arena, const struct stix_ref *refs, size_t count)
{
    struct stix_ref *kept = arena_zalloc(arena, count + 1, sizeof *kept);
    for (size_t i = 0; kept != NULL && i < count; i++)
        kept[i] = (struct stix_ref) {.key = refs[i].key, .role = refs[i].role};
    return kept;
}

/* Only what deciding looks at: the text that the rest points to is gone with the submission. */
static bool object_keep(struct arena *arena, const struct stix_object *object, struct stix_object *out)
{
    struct stix_ref *refs = refs_keep(arena, object->refs, object->ref_count);
    struct stix_ref *named = refs_keep(arena, object->named, object->named_count);
    struct str name = arena_str(arena, object->type_name);
    if (refs == NULL || named == NULL || name.at == NULL)
        return false;
    *out = (struct stix_object) {.type_name = name,
                                 .type = object->type,
                                 .key = object->key,
                                 .has_created = object->has_created,
                                 .has_modified = object->has_modified,
                                 .created = object->created,
                                 .modified = object->modified,
                                 .version = object->version,
                                 .revoked = object->revoked,
                                 .confidence = object->confidence,
                                 .refs = refs,
                                 .ref_count = object->ref_count,
                                 .named = named,
                                 .named_count = object->named_count};
    return true;
}

void fresh_put(struct gate *gate, uint64_t lsn, uint64_t slot, const struct record_envelope *envelope,
               const struct stix_object *object, struct bytes bytes, struct str safety)
{
    if (safety.at == NULL || gate->fresh_count == LIMIT_FRESH_OBJECTS || partners_concerned(gate) == 0)
        return;
    struct fresh *fresh = arena_alloc(&gate->fresh_arena, sizeof *fresh);
    if (fresh == NULL || !object_keep(&gate->fresh_arena, object, &fresh->object))
        return;
    fresh->safety = arena_str(&gate->fresh_arena, safety);
    if (fresh->safety.at == NULL)
        return;
    fresh->lsn = lsn;
    fresh->slot = slot;
    fresh->size = bytes.len;
    fresh->content = hash_sha256(bytes);
    fresh->envelope = *envelope;
    fresh->follows = object_follows(object);
    gate->fresh[gate->fresh_count++] = fresh;
}

static const struct fresh *find(const struct gate *gate, uint64_t lsn)
{
    size_t low = 0, high = gate->fresh_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (gate->fresh[mid]->lsn < lsn)
            low = mid + 1;
        else
            high = mid;
    }
    return low < gate->fresh_count && gate->fresh[low]->lsn == lsn ? gate->fresh[low] : NULL;
}

bool fresh_find(const struct gate *gate, uint64_t lsn, struct subject *out)
{
    const struct fresh *fresh = find(gate, lsn);
    if (fresh == NULL)
        return false;
    *out = (struct subject) {.lsn = lsn,
                             .slot = fresh->slot,
                             .envelope = fresh->envelope,
                             .object = fresh->object,
                             .size = fresh->size,
                             .content = fresh->content,
                             .follows = fresh->follows,
                             .safety = fresh->safety};
    return true;
}

void fresh_passed(struct gate *gate, uint64_t lsn)
{
    if (gate->fresh_count == 0 || gate->fresh[gate->fresh_count - 1]->lsn >= lsn)
        return;
    fresh_forget(gate);
}

void fresh_forget(struct gate *gate)
{
    gate->fresh_count = 0;
    arena_reset(&gate->fresh_arena);
}
