/* What lies one reference away from an object: the strictest marking there, and the sectors of victims.
 * Gathered only when the policy in hand asks, over at most LIMIT_NEIGHBOURS objects each way; what was not
 * looked at counts as the strictest. Definitions are no neighbours: they are a part of what carries them.
 *
 * What is withheld counts like anything else here: the conditions that ask can only withhold
 * (policy/around.c). */
#include "gate/state.h"

struct around {
    struct gate *gate;
    const struct policy *policy;
    int64_t now_us;
    struct arena *arena;
    struct arena one; /* a neighbour at a time */
    const struct subject *of;
    struct policy_facts *facts;
    struct stix_key victims[LIMIT_NEIGHBOURS];
    size_t victim_count;
    struct str *sectors;
};

/* --- victims --- */

static void add_victim(struct around *around, struct str id)
{
    struct stix_key key;
    if (!stix_id_parse(id, &key))
        return;
    for (size_t i = 0; i < around->victim_count; i++)
        if (stix_key_eq(&around->victims[i], &key))
            return;
    if (around->victim_count == LIMIT_NEIGHBOURS)
        around->facts->victims_known = false;
    else
        around->victims[around->victim_count++] = key;
}

static bool names_key(struct json_val object, const char *member, const struct stix_key *key)
{
    struct str id;
    struct stix_key named;
    return json_get_str(object, str_of(member), &id) && stix_id_parse(id, &named) && stix_key_eq(&named, key);
}

/* Whom a relationship or sighting that is, or is about, the object says was hit. `other` has its tape. */
static void victims_of(struct around *around, const struct stix_object *other)
{
    struct str word;
    struct json_val list, v;
    bool self = stix_key_eq(&other->key, &around->of->object.key);
    if (other->type->code == STIX_TYPE_RELATIONSHIP) {
        bool targets = json_get_str(other->root, STR("relationship_type"), &word) &&
                       str_eq(word, STR("targets")) && json_get_str(other->root, STR("target_ref"), &word);
        if (targets && (self || names_key(other->root, "source_ref", &around->of->object.key)))
            add_victim(around, word);
        return;
    }
    if (other->type->code != STIX_TYPE_SIGHTING ||
        (!self && !names_key(other->root, "sighting_of_ref", &around->of->object.key)) ||
        !json_get(other->root, STR("where_sighted_refs"), &list) || !json_is(list, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &v))
        if (json_is(v, JSON_STRING))
            add_victim(around, json_str(v));
}

static err_t add_sectors(struct around *around, const struct stix_object *identity)
{
    struct json_val list, v;
    struct policy_facts *facts = around->facts;
    if (identity->type->code != STIX_TYPE_IDENTITY || !json_get(identity->root, STR("sectors"), &list) ||
        !json_is(list, JSON_ARRAY))
        return ERR_OK;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &v)) {
        if (!json_is(v, JSON_STRING))
            continue;
        if (facts->victim_sector_count == LIMIT_NEIGHBOURS) {
            facts->victims_known = false;
            return ERR_OK;
        }
        struct str sector = arena_str(around->arena, json_str(v));
        if (sector.at == NULL)
            return ERR_NOMEM;
        around->sectors[facts->victim_sector_count++] = sector;
    }
    return ERR_OK;
}

static err_t read_sectors(struct around *around)
{
    around->sectors = arena_alloc(around->arena, LIMIT_NEIGHBOURS * sizeof *around->sectors);
    if (around->sectors == NULL)
        return ERR_NOMEM;
    around->facts->victim_sectors = around->sectors;
    if (around->of->object.type->code == STIX_TYPE_IDENTITY)
        add_victim(around, around->of->object.id);
    for (size_t i = 0; i < around->victim_count; i++) {
        struct copies copies;
        err_t err = copies_load(around->gate, &around->victims[i], &copies);
        for (size_t k = 0; err == ERR_OK && k < copies.count; k++) {
            struct subject victim;
            if (!copy_is_current(&copies, &copies.at[k]) ||
                copies.at[k].lsn >= store_durable_lsn(around->gate->store))
                continue;
            arena_reset(&around->one);
            err = subject_load(around->gate, copies.at[k].lsn, &around->one, &victim);
            err = err == ERR_OK ? add_sectors(around, &victim.object) : err == ERR_NOTFOUND ? ERR_OK : err;
        }
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* --- markings --- */

static err_t add_marking(struct around *around, const struct subject *neighbour)
{
    bool any;
    const unsigned unjudged = POLICY_MARKING_STATEMENT | POLICY_MARKING_UNRESOLVED | POLICY_MARKING_UNKNOWN;
    struct policy_facts one = {.onward = UINT64_MAX}, *facts = around->facts;
    err_t err = subject_add_markings(around->gate, around->policy, neighbour, around->now_us, &around->one,
                                     &one, &any);
    if (err != ERR_OK)
        return err;
    enum policy_tlp tlp = (one.markings & unjudged) != 0 ? POLICY_TLP_RED : one.tlp;
    if (tlp > facts->neighbour_tlp)
        facts->neighbour_tlp = tlp;
    if (one.turns_us != 0 && (facts->turns_us == 0 || one.turns_us < facts->turns_us))
        facts->turns_us = one.turns_us;
    return ERR_OK;
}

/* One neighbour, or the object itself. */
static err_t look_at(struct around *around, uint64_t lsn, bool itself)
{
    struct subject other;
    unsigned needs = policy_needs(around->policy);
    bool read = (needs & POLICY_NEED_VICTIMS) != 0;
    if (lsn >= store_durable_lsn(around->gate->store))
        return ERR_OK;
    arena_reset(&around->one);
    err_t err = read ? subject_load(around->gate, lsn, &around->one, &other)
                     : subject_recall(around->gate, lsn, &around->one, &other);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (!copy_is_current(other.copies, other.copy))
        return ERR_OK;
    if (read)
        victims_of(around, &other.object);
    return itself || (needs & POLICY_NEED_NEIGHBOURS) == 0 || key_is_definition(&other.object.key)
               ? ERR_OK
               : add_marking(around, &other);
}

static err_t look_forward(struct around *around)
{
    const struct stix_object *object = &around->of->object;
    size_t seen = 0;
    for (size_t i = 0; i < object->ref_count; i++) {
        struct copies copies;
        const struct stix_key *key = &object->refs[i].key;
        if (key_is_definition(key) || (i > 0 && stix_key_eq(key, &object->refs[i - 1].key)))
            continue;
        if (seen++ == LIMIT_NEIGHBOURS) {
            around->facts->neighbour_tlp = POLICY_TLP_RED;
            return ERR_OK;
        }
        err_t err = copies_load(around->gate, key, &copies);
        for (size_t k = 0; err == ERR_OK && k < copies.count; k++)
            if (copy_is_current(&copies, &copies.at[k]))
                err = look_at(around, copies.at[k].lsn, false);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

static err_t look_back(struct around *around)
{
    uint64_t found[LIMIT_NEIGHBOURS];
    size_t count = 0;
    err_t err = referrers(around->gate, &around->of->object.key, 0, found, LIMIT_NEIGHBOURS, &count);
    if (count == LIMIT_NEIGHBOURS) {
        around->facts->neighbour_tlp = POLICY_TLP_RED;
        around->facts->victims_known = false;
    }
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = look_at(around, found[i], false);
    return err;
}

static err_t look(struct around *around)
{
    err_t err;
    unsigned needs = policy_needs(around->policy);
    if (((needs & POLICY_NEED_NEIGHBOURS) != 0 && TRY(err, look_forward(around))) ||
        TRY(err, look_back(around)))
        return err;
    if ((needs & POLICY_NEED_VICTIMS) == 0)
        return ERR_OK;
    if (TRY(err, look_at(around, around->of->lsn, true)))
        return err;
    return read_sectors(around);
}

err_t neighbours_add(struct gate *gate, const struct policy *policy, const struct subject *subject,
                     int64_t now_us, struct arena *arena, struct policy_facts *facts)
{
    if (policy == NULL || (policy_needs(policy) & POLICY_NEED_AROUND) == 0)
        return ERR_OK;
    facts->neighbours_known = facts->victims_known = true;
    if (key_is_definition(&subject->object.key)) /* what carries it is no neighbour of it either */
        return ERR_OK;
    struct around *around = arena_zalloc(arena, 1, sizeof *around);
    if (around == NULL)
        return ERR_NOMEM;
    around->gate = gate;
    around->policy = policy;
    around->now_us = now_us;
    around->arena = arena;
    around->of = subject;
    around->facts = facts;
    arena_init(&around->one, LIMIT_NEIGHBOUR_BYTES);
    err_t err = look(around);
    arena_deinit(&around->one);
    return err;
}
