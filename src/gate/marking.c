/* What marking references come down to: built in, classified, read, a statement for people, not here yet, not
 * understood, or in a circle. */
#include "gate/state.h"

static err_t definition_load(struct gate *gate, const struct stix_key *key, struct arena *arena,
                             struct subject *out)
{
    struct subject definition;
    err_t err = subject_newest(gate, key, arena, &definition);
    if (err != ERR_OK)
        return err;
    if (definition.object.type->code != STIX_TYPE_MARKING_DEFINITION)
        return ERR_NOTFOUND;
    *out = definition;
    return ERR_OK;
}

err_t marking_read_held(struct gate *gate, const struct stix_key *key, struct arena *arena,
                        struct stix_marking *out)
{
    struct subject definition;
    err_t err = definition_load(gate, key, arena, &definition);
    return err == ERR_OK ? stix_marking_read(&definition.object, out, NULL) : err;
}

const struct classified *marking_classified(const struct gate *gate, const struct stix_key *key)
{
    for (size_t i = 0; i < gate->marking_count; i++)
        if (stix_key_eq(&gate->markings[i].key, key))
            return &gate->markings[i];
    return NULL;
}

/* Whoever sends a definition first under another's id would else decide what the other's objects mean: only
 * their own source, or this node, speaks for them. */
static bool vouched(const struct gate *gate, const struct subject *definition, uint32_t source)
{
    for (size_t i = 0; i < definition->copies->count; i++) {
        const struct copy *copy = &definition->copies->at[i];
        const struct gate_source *from = gate_source_get(gate, copy->source);
        bool same = memcmp(copy->canon, definition->copy->canon, sizeof copy->canon) == 0;
        if (same && from != NULL && (copy->source == source || (from->own && from->partner < 0)))
            return true;
    }
    return false;
}

/* --- circles (section 3.2: no circular references) --- */

struct walk {
    struct stix_key keys[LIMIT_MARKING_WALK];
    size_t count;
    bool circle;
};

static void walk_add(struct walk *walk, const struct stix_key *root, const struct stix_object *object)
{
    for (size_t i = 0; i < object->ref_count; i++) {
        const struct stix_ref *ref = &object->refs[i];
        enum stix_tlp tlp;
        if ((ref->role != STIX_REF_MARKING && ref->role != STIX_REF_GRANULAR_MARKING) ||
            stix_tlp_from_key(&ref->key, &tlp))
            continue;
        size_t at = 0;
        while (at < walk->count && !stix_key_eq(&walk->keys[at], &ref->key))
            at++;
        if (stix_key_eq(&ref->key, root) || at == LIMIT_MARKING_WALK)
            walk->circle = true; /* or so long a chain that nobody meant it */
        else if (at == walk->count)
            walk->keys[walk->count++] = ref->key;
    }
}

/* Does the definition, marked by others, mark itself through them? */
static err_t in_circle(struct gate *gate, const struct subject *definition, struct arena *arena, bool *out)
{
    struct walk walk;
    walk.count = 0;
    walk.circle = false;
    walk_add(&walk, &definition->object.key, &definition->object);
    for (size_t i = 0; i < walk.count && !walk.circle; i++) {
        struct subject next;
        err_t err = definition_load(gate, &walk.keys[i], arena, &next);
        if (err == ERR_OK)
            walk_add(&walk, &definition->object.key, &next.object);
        else if (err != ERR_NOTFOUND)
            return err;
    }
    *out = walk.circle;
    return ERR_OK;
}

/* --- judging --- */

static struct marking_reading reading_as(unsigned state, enum stix_tlp tlp, const char *why)
{
    return (struct marking_reading) {
        .state = state, .tlp = tlp, .why = why, .partners = UINT64_MAX, .turns_us = INT64_MAX};
}

/* The terms of IEP 2.0, and when it begins or ends. */
static void add_iep(const struct stix_iep *iep, int64_t now_us, struct marking_reading *reading)
{
    const unsigned terms[] = {[POLICY_TERM_ACTIONS] = iep->actions,
                              [POLICY_TERM_ATTRIBUTION] = iep->attribute == STIX_IEP_MAY    ? 0
                                                          : iep->attribute == STIX_IEP_MUST ? 1
                                                                                            : 2,
                              [POLICY_TERM_RESALE] = iep->resell != STIX_IEP_MAY,
                              [POLICY_TERM_ENCRYPT] = iep->encrypt != STIX_IEP_MAY,
                              [POLICY_TERM_NOTIFY] = iep->notify != STIX_IEP_MAY};
    int64_t start_us = stamp_us(iep->start), end_us = iep->has_end ? stamp_us(iep->end) : INT64_MAX;
    for (size_t term = POLICY_TERM_ACTIONS; term < POLICY_TERM_COUNT; term++)
        reading->terms[term] = (uint8_t)(1 + terms[term]);
    reading->turns_us = now_us < start_us ? start_us : now_us < end_us ? end_us : INT64_MAX;
}

static struct marking_reading reading_of(const struct policy *policy, const struct stix_marking *marking,
                                         bool vouched_for, int64_t now_us, int64_t unsure_us)
{
    struct marking_reading reading = reading_as(POLICY_MARKING_UNKNOWN, STIX_TLP_NONE, marking->why);
    enum stix_tlp tlp = stix_marking_tlp_at(marking, stamp_from_us(now_us));
    if (stix_marking_tlp_at(marking, stamp_from_us(now_us - unsure_us)) == STIX_TLP_NONE)
        tlp = STIX_TLP_NONE; /* it began by a clock that nobody believes */
    bool acs = marking->kind == STIX_MARKING_ACS && marking->acs.fits;
    if (acs && tlp == STIX_TLP_NONE)
        tlp = STIX_TLP_RED; /* whom it goes to, its own terms say */
    if (tlp != STIX_TLP_NONE && vouched_for) {
        reading.state = POLICY_MARKING_KNOWN;
        reading.tlp = tlp;
    } else if (marking->kind == STIX_MARKING_STATEMENT) {
        reading.state = POLICY_MARKING_STATEMENT;
        if (tlp != STIX_TLP_NONE)
            reading.why = "a statement from another source than the object";
    } else if (tlp != STIX_TLP_NONE) {
        reading.why = "a definition from another source than the object";
    } else if (marking->tlp != STIX_TLP_NONE) {
        reading.why = "IEP 2.0 that is not in force";
    }
    if (acs) {
        reading.names = true;
        reading_judge_acs(policy, &marking->acs, now_us, &reading);
    }
    if (marking->kind == STIX_MARKING_IEP && marking->tlp != STIX_TLP_NONE)
        add_iep(&marking->iep, now_us, &reading);
    return reading;
}

/* What an operator made of it: a level, and perhaps whom it is for. */
static struct marking_reading reading_classified(const struct policy *policy, const struct classified *as)
{
    struct marking_reading reading = reading_as(POLICY_MARKING_KNOWN, as->as, "classified by an operator");
    reading.names = as->partners != UINT64_MAX || as->rel_to_count > 0;
    if (!reading.names)
        return reading;
    reading.why = "classified by an operator, for some partners alone";
    reading_limit(&reading, as->partners, "classified for other partners");
    struct policy_list list = {as->rel_to, as->rel_to_count};
    if (as->rel_to_count > 0)
        reading_limit(&reading,
                      policy_partners_within(policy, STR("nation"), list) |
                          policy_partners_any(policy, STR("communities"), list),
                      "REL TO others");
    return reading;
}

static err_t judge_held(struct gate *gate, const struct policy *policy, const struct stix_key *key,
                        uint32_t source, int64_t now_us, struct arena *arena, struct marking_reading *out)
{
    struct subject definition;
    struct stix_marking marking;
    bool circle;
    err_t err = definition_load(gate, key, arena, &definition);
    if (err == ERR_NOTFOUND) {
        *out = reading_as(POLICY_MARKING_UNRESOLVED, STIX_TLP_NONE, "has not arrived");
        return ERR_OK;
    }
    /* Read before the walk: other definitions are parsed then. */
    if (err != ERR_OK || TRY(err, stix_marking_read(&definition.object, &marking, NULL)))
        return err;
    struct marking_reading reading =
        reading_of(policy, &marking, vouched(gate, &definition, source), now_us, gate->unsure_us);
    const struct classified *as = marking_classified(gate, key);
    bool classified = as != NULL && hash_eq(&as->meaning, &marking.meaning);
    if (TRY(err, in_circle(gate, &definition, arena, &circle)))
        return err;
    if (circle)
        *out = reading_as(POLICY_MARKING_UNKNOWN, STIX_TLP_NONE,
                          "marked by itself through others (section 3.2)");
    else
        *out = classified ? reading_classified(policy, as) : reading;
    return ERR_OK;
}

err_t marking_judge(struct gate *gate, const struct policy *policy, const struct stix_key *key,
                    uint32_t source, int64_t now_us, struct arena *arena, struct marking_reading *out)
{
    enum stix_tlp tlp;
    if (stix_tlp_from_key(key, &tlp))
        *out = reading_as(POLICY_MARKING_KNOWN, tlp, "built in");
    else if (stix_marking_stays(key)) /* whatever a definition under this id may say */
        *out = reading_as(POLICY_MARKING_UNKNOWN, STIX_TLP_NONE, "built in: stays here");
    else
        return judge_held(gate, policy, key, source, now_us, arena, out);
    return ERR_OK;
}
