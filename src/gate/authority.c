/* Who speaks for an id, and what an arriving object is to the copies that are held (DESIGN 5): authority, not
 * arrival, resolves conflicts. */
#include "gate/mint.h"

/* The copy that came first of those that speak; NULL when there is none. */
static const struct copy *first_speaker(const struct copies *copies)
{
    const struct copy *first = NULL;
    for (size_t i = 0; i < copies->count; i++)
        if (copy_speaks(&copies->at[i]) && (first == NULL || copies->at[i].lsn < first->lsn))
            first = &copies->at[i];
    return first;
}

void copy_set_creator(struct copy *copy, const struct stix_object *object)
{
    if (object->has_creator)
        memcpy(copy->creator, object->creator.b, sizeof copy->creator);
    else
        memset(copy->creator, 0, sizeof copy->creator);
}

uint16_t authority_owner(const struct gate *gate, const struct stix_object *object,
                         const struct copies *copies, uint32_t source)
{
    /* Variants of an SCO are kept per source: each is its source's own. */
    if (object->type->category == STIX_SCO)
        return (uint16_t)source;
    /* What this node minted nobody else speaks for. */
    if (mint_is_ours(gate, object)) {
        const struct gate_source *self = gate_source_find(gate, STR("this-node"));
        return self == NULL ? GATE_SOURCE_NONE : (uint16_t)self->number;
    }
    /* A bound identity speaks for itself, whoever it says created it. */
    const uint64_t *home = map_get(&gate->identities, object->key.b);
    if (home != NULL)
        return (uint16_t)*home;
    const struct copy *first = first_speaker(copies);
    if (object->has_creator)
        home = map_get(&gate->identities, object->creator.b);
    if (first == NULL)
        return home != NULL ? (uint16_t)*home : (uint16_t)source;
    /* Nobody takes an object over by naming itself as its creator in a "newer version" (section 3.6: the
     * creator of an object does not change); a home that was bound later speaks for what names it already. */
    struct copy named;
    copy_set_creator(&named, object);
    if (home != NULL && memcmp(named.creator, first->creator, sizeof named.creator) == 0)
        return (uint16_t)*home;
    return first->owner;
}

bool authority_speaks(const struct gate *gate, const struct stix_key *key, const struct copy *spoken,
                      uint32_t source)
{
    const struct stix_type *identity = stix_type_row(STIX_TYPE_IDENTITY);
    struct stix_key creator;
    memcpy(creator.b, spoken->creator, sizeof spoken->creator);
    memcpy(creator.b + sizeof spoken->creator, identity->digest, STIX_TYPE_DIGEST_SIZE);
    const uint64_t *own = map_get(&gate->identities, key->b), *home = map_get(&gate->identities, creator.b);
    return spoken->owner == source || (own != NULL && *own == source) || (home != NULL && *home == source);
}

static bool same_content(const struct copy *copy, const struct hash *canon)
{
    return memcmp(copy->canon, canon->b, sizeof copy->canon) == 0;
}

/* Does the source now say something else under this version than these words? Then it takes that back by
 * saying them (again). A variant of an SCO replaces only its own source's. */
static bool takes_back(const struct copies *copies, const struct stix_object *object,
                       const struct hash *canon, uint32_t source)
{
    const struct copy *last = NULL;
    for (size_t i = 0; i < copies->count; i++) {
        const struct copy *copy = &copies->at[i];
        if (copy_speaks(copy) && stamp_cmp(copy->version, object->version) == 0 &&
            (object->type->category != STIX_SCO || copy->source == source) &&
            (last == NULL || copy->lsn > last->lsn))
            last = copy;
    }
    return last != NULL && !same_content(last, canon);
}

/* Equal to something held under the same version? What only others said so far, or what waits in quarantine,
 * is not yet held where the owner says it now. */
static bool rule_equal(const struct copies *copies, const struct stix_object *object,
                       const struct hash *canon, uint32_t source, bool owner, bool rewrites,
                       struct ruling *out)
{
    bool found = false, back = owner && rewrites && takes_back(copies, object, canon, source);
    const struct copy *report = NULL; /* a mark of its own: counts only beside what it repeats */
    for (size_t i = 0; i < copies->count; i++) {
        const struct copy *copy = &copies->at[i];
        if (stamp_cmp(copy->version, object->version) != 0 || !same_content(copy, canon))
            continue;
        if ((copy->flags & COPY_SEEN) != 0) {
            report = copy->source == source ? copy : report;
            continue;
        }
        if ((copy->flags & COPY_QUARANTINED) != 0) {
            /* Somebody else's is no mark of this source: its workspace would lack what it submitted. */
            if ((owner && rewrites) || copy->source != source)
                continue;
            *out = (struct ruling) {GATE_CONFLICT, copy->lsn, 0};
            return true;
        }
        if (back || (owner && (copy->flags & COPY_ASSERTION) != 0))
            continue;
        if (copy->source == source) {
            *out = (struct ruling) {GATE_DUPLICATE, copy->lsn, 0};
            return true;
        }
        if (!found)
            *out = (struct ruling) {GATE_SEEN, copy->lsn, 0};
        found = true;
    }
    if (found && report != NULL)
        *out = (struct ruling) {GATE_DUPLICATE, report->lsn, 0};
    return found;
}

struct ruling authority_rule(const struct gate *gate, const struct copies *copies,
                             const struct stix_object *object, const struct hash *canon, uint32_t source)
{
    struct ruling ruling;
    bool owner = authority_owner(gate, object, copies, source) == source;
    bool rewrites = gate_source_get(gate, source)->rewrites;
    if (copies->count > 0 && rule_equal(copies, object, canon, source, owner, rewrites, &ruling))
        return ruling;
    if (object->type->category == STIX_SCO)
        return (struct ruling) {GATE_NEW, 0, 0}; /* variants are kept per source */
    const struct copy *held = NULL;
    for (size_t i = 0; i < copies->count; i++)
        if (stamp_cmp(copies->at[i].version, object->version) == 0 && copy_speaks(&copies->at[i]))
            held = &copies->at[i];
    if (held == NULL)
        return owner ? (struct ruling) {GATE_NEW, 0, 0}
                     : (struct ruling) {GATE_ASSERTION, 0, RECORD_OBJECT_ASSERTION};
    if (owner && rewrites)
        return (struct ruling) {GATE_NEW, held->lsn, RECORD_OBJECT_REWRITE};
    return (struct ruling) {GATE_CONFLICT, held->lsn, 0};
}
