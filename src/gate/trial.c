/* Trying a cut: the form is made once, with whatever names are to be had, to see whether it is an object at
 * all, what it then refers to, and without which references it still is one. */
#include "core/uuid.h"
#include "gate/cut.h"
#include "gate/personal.h"
#include "stix/cut.h"

err_t cut_warnings(struct gate *gate, struct json_val root, struct arena *arena, size_t *out)
{
    struct stix_object object;
    struct fault fault;
    err_t err = stix_read(root, &gate->extensions, arena, &object, &fault);
    *out = 0;
    if (err == ERR_INVALID || err == ERR_LIMIT)
        return ERR_DENIED; /* held under older rules: what comes of it nobody could take */
    for (size_t i = 0; err == ERR_OK && i < object.warning_count; i++)
        *out += object.warnings[i].level == STIX_WARNING;
    return err;
}

err_t cut_make(struct gate *gate, const struct cut_order *order, struct arena *arena, struct buf *out,
               struct stix_object *object)
{
    static const uint8_t padding[JSON_PADDING];
    struct fault fault;
    size_t warnings = 0;
    err_t err;
    struct json_doc *doc = arena_zalloc(arena, 1, sizeof *doc);
    if (doc == NULL)
        return ERR_NOMEM;
    if (TRY(err, stix_cut(order->root, order->cut, arena, out)))
        return err;
    size_t len = out->len;
    buf_put(out, padding, sizeof padding);
    if (TRY(err, buf_err(out)))
        return err;
    out->len = len;
    if (len > LIMIT_OBJECT_BYTES)
        return ERR_DENIED;
    if (TRY(err, json_parse(gate->parser_one, bytes_of(out->at, len), doc, &fault)) ||
        TRY(err, stix_read(json_root(doc), &gate->extensions, arena, object, &fault)))
        return err == ERR_NOMEM ? err : ERR_DENIED;
    for (size_t i = 0; i < object->warning_count; i++)
        warnings += object->warnings[i].level == STIX_WARNING;
    return warnings > order->warnings ? ERR_DENIED : ERR_OK;
}

static enum json_canon_act drop_times(void *ctx, unsigned depth, struct str name, struct json_val value,
                                      struct buf *out)
{
    (void)ctx, (void)value, (void)out;
    bool time = depth == 0 && (str_eq(name, STR("created")) || str_eq(name, STR("modified")));
    return time ? JSON_CANON_DROP : JSON_CANON_KEEP;
}

err_t mint_form(struct gate *gate, struct json_val root, uint8_t out[16])
{
    struct json_canon_hook hook = {.member = drop_times};
    buf_clear(&gate->canon);
    err_t err = json_canon(root, &hook, &gate->canon, NULL);
    if (err != ERR_OK)
        return err;
    struct hash hash = hash_sha256(buf_bytes(&gate->canon));
    memcpy(out, hash.b, 16);
    return ERR_OK;
}

/* References that are left out together, or not: of one property. Of an object with more of these than there
 * are units the members are one, and all others are. */
enum { UNITS = CLOSURE_GROUPS, UNIT_NONE = UNITS };

/* Can it leave without what it refers to there? */
struct unit {
    enum stix_ref_role role;
    struct str property;
    const struct stix_ref *one; /* the first of them */
    enum closure_how how;
    uint8_t group;
};

/* Names while trying: the creator's goes where it must; others within longer texts are noted. */
struct trying {
    struct arena *arena;
    const struct stix_object *source;
    bool anonymous, drop;
    struct unit units[UNITS];
    size_t unit_count;
    uint8_t *unit_of;       /* of each reference of the source, in its order; UNIT_NONE: it stays */
    uint32_t drops;         /* units that are left out... */
    uint32_t ones;          /* ...but for one reference of each of these */
    enum closure_how texts; /* can it leave without what it names in its texts? */
    struct stix_key *found; /* in texts and as values */
    size_t count, size;
    err_t err;
};

/* References are sorted by what they name: the first of these, or where it would stand. */
static size_t refs_of(const struct stix_object *object, const struct stix_key *key)
{
    size_t from = 0, to = object->ref_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (memcmp(object->refs[middle].key.b, key->b, STIX_KEY_SIZE) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Is this reference, wherever it stands, left out now? */
static bool ref_goes(const struct trying *t, size_t i)
{
    uint8_t unit = t->unit_of == NULL ? (uint8_t)UNIT_NONE : t->unit_of[i];
    if (unit == UNIT_NONE || (t->drops >> unit & 1) == 0)
        return false;
    return (t->ones >> unit & 1) == 0 || !stix_key_eq(&t->units[unit].one->key, &t->source->refs[i].key);
}

static enum stix_cut_act try_name(void *ctx, const struct stix_key *key, struct str *out)
{
    struct trying *t = ctx;
    const struct stix_object *source = t->source;
    (void)out;
    if (t->anonymous && source->has_creator && stix_key_eq(&source->creator, key))
        return STIX_CUT_DROP;
    if (key_is_builtin(key))
        return STIX_CUT_KEEP;
    bool known = false, goes = true;
    for (size_t i = refs_of(source, key); i < source->ref_count && stix_key_eq(&source->refs[i].key, key);
         i++) {
        /* What is made has another creator: where else it names this one decides. */
        if (source->refs[i].role == STIX_REF_CREATED_BY)
            continue;
        known = true;
        goes = goes && ref_goes(t, i);
    }
    if (known)
        return goes ? STIX_CUT_DROP : STIX_CUT_KEEP;
    if (t->drop)
        return STIX_CUT_DROP;
    for (size_t i = 0; i < t->count; i++)
        if (stix_key_eq(&t->found[i], key))
            return STIX_CUT_KEEP;
    if (t->count == t->size) {
        t->err = ERR_LIMIT;
        return STIX_CUT_DROP;
    }
    t->found[t->count++] = *key;
    return STIX_CUT_KEEP;
}

static bool may_drop(const struct stix_ref *ref)
{
    return ref->role == STIX_REF_MEMBER || ref->role == STIX_REF_OTHER;
}

/* UNIT_NONE: there are too many. */
static uint8_t unit_of(struct trying *t, const struct stix_ref *ref, bool coarse)
{
    size_t u = 0;
    while (u < t->unit_count &&
           (t->units[u].role != ref->role || (!coarse && !str_eq(t->units[u].property, ref->property))))
        u++;
    if (u == t->unit_count && u < UNITS)
        t->units[t->unit_count++] = (struct unit) {ref->role, ref->property, ref, CLOSURE_HARD, 0};
    return (uint8_t)u;
}

static err_t part_units(struct trying *t)
{
    const struct stix_object *source = t->source;
    bool coarse = false;
    t->unit_of = arena_alloc(t->arena, source->ref_count + 1);
    if (t->unit_of == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < source->ref_count; i++) {
        t->unit_of[i] =
            may_drop(&source->refs[i]) ? unit_of(t, &source->refs[i], coarse) : (uint8_t)UNIT_NONE;
        if (coarse || !may_drop(&source->refs[i]) || t->unit_of[i] != UNIT_NONE)
            continue;
        coarse = true;
        t->unit_count = 0;
        i = SIZE_MAX; /* from the beginning */
    }
    return ERR_OK;
}

/* The unit of what is left of the source as `ref`; NULL: it cannot be left out. */
static const struct unit *unit_left(const struct trying *t, const struct stix_ref *ref)
{
    const struct stix_object *source = t->source;
    const struct unit *found = NULL;
    bool stays = false;
    for (size_t i = refs_of(source, &ref->key);
         i < source->ref_count && stix_key_eq(&source->refs[i].key, &ref->key); i++) {
        if (source->refs[i].role == STIX_REF_CREATED_BY)
            continue;
        stays |= t->unit_of == NULL || t->unit_of[i] == UNIT_NONE;
        if (!stays && source->refs[i].role == ref->role)
            found = &t->units[t->unit_of[i]];
    }
    return stays ? NULL : found;
}

static err_t keep_refs(const struct cut_trial *by, const struct stix_object *made, const struct trying *t,
                       struct form *form)
{
    const struct stix_object *source = t->source;
    form->refs = arena_zalloc(by->keep, made->ref_count + t->count + 2, sizeof *form->refs);
    form->how = arena_zalloc(by->keep, made->ref_count + t->count + 2, 1);
    form->group = arena_zalloc(by->keep, made->ref_count + t->count + 2, 1);
    if (form->refs == NULL || form->how == NULL || form->group == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < made->ref_count; i++) {
        if (!form->minted && made->refs[i].role == STIX_REF_CREATED_BY)
            continue; /* the node: where it is made at all (grow.c) */
        const struct unit *unit = unit_left(t, &made->refs[i]);
        form->how[form->ref_count] = (uint8_t)(unit == NULL ? CLOSURE_HARD : unit->how);
        form->group[form->ref_count] = unit == NULL ? 0 : unit->group;
        form->refs[form->ref_count++] =
            (struct stix_ref) {.key = made->refs[i].key, .role = made->refs[i].role};
    }
    for (size_t i = 0; i < t->count; i++) {
        form->how[form->ref_count] = (uint8_t)t->texts;
        form->refs[form->ref_count++] = (struct stix_ref) {.key = t->found[i], .role = STIX_REF_OTHER};
    }
    /* It may leave as it is after all. */
    if (!form->minted && source->has_creator)
        form->refs[form->ref_count++] =
            (struct stix_ref) {.key = source->creator, .role = STIX_REF_CREATED_BY};
    return ERR_OK;
}

/* An observable's identifier follows from what is left of what gives it (section 2.9). */
static err_t name_observable(const struct cut_trial *by, const struct stix_object *made, struct form *form)
{
    enum stix_sco_id found;
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];
    struct buf id;
    err_t err = ERR_OK;
    form->sco_id = STR("");
    if (made->type->category != STIX_SCO || stix_sco_id_refers(made))
        return ERR_OK;
    if (TRY(err, stix_sco_id_check(made, &found, uuid.b)) || found == STIX_SCO_ID_NOTHING_TO_DO)
        return err;
    uuid_text(&uuid, text);
    buf_init(&id, LIMIT_ID_BYTES);
    buf_put_str(&id, made->type_name);
    buf_put(&id, "--", 2);
    buf_put(&id, text, sizeof text);
    form->sco_id = arena_str(by->keep, buf_str(&id));
    err = buf_err(&id) != ERR_OK ? buf_err(&id) : form->sco_id.at == NULL ? ERR_NOMEM : ERR_OK;
    buf_deinit(&id);
    return err;
}

/* Where a name in some text has to go and cannot, he must have what it names: all that the texts name. So it
 * is where an observable would be another one without. */
static err_t try_texts(const struct cut_trial *by, const struct cut_order *order, struct trying *t,
                       const struct form *form)
{
    struct stix_object less;
    struct form other = {0};
    if (t->count == 0)
        return ERR_OK;
    t->drop = true;
    buf_clear(&by->gate->minted);
    err_t err = cut_make(by->gate, order, by->arena, &by->gate->minted, &less);
    if (err == ERR_OK)
        err = name_observable(by, &less, &other);
    if (err == ERR_OK && str_eq(other.sco_id, form->sco_id))
        t->texts = CLOSURE_LOOSE;
    t->drop = t->texts == CLOSURE_LOOSE;
    return err == ERR_DENIED ? t->err : err;
}

/* Is it an object still without these units, or with one reference of those of `ones`? */
static err_t try_without(const struct cut_trial *by, const struct cut_order *order, struct trying *t,
                         uint32_t units, uint32_t ones, bool *out)
{
    struct stix_object less;
    t->drops = units;
    t->ones = ones;
    buf_clear(&by->gate->minted);
    err_t err = cut_make(by->gate, order, by->arena, &by->gate->minted, &less);
    t->drops = t->ones = 0;
    *out = err == ERR_OK && t->err == ERR_OK;
    return err == ERR_OK || err == ERR_DENIED ? t->err : err;
}

/* Of `among`, those that cannot be left out by themselves; `kept`: those that are enough when all the others
 * of these are. */
static err_t find_units(const struct cut_trial *by, const struct cut_order *order, struct trying *t,
                        uint32_t among, bool kept, uint32_t *out)
{
    *out = 0;
    for (uint32_t left = among; left != 0; left &= left - 1) {
        uint32_t bit = left & -left;
        bool valid;
        err_t err = try_without(by, order, t, kept ? among & ~bit : bit, 0, &valid);
        if (err != ERR_OK)
            return err;
        *out |= valid == kept ? bit : 0;
    }
    return ERR_OK;
}

static void set_units(struct trying *t, uint32_t units, enum closure_how how)
{
    for (size_t u = 0; u < t->unit_count; u++)
        if (units >> u & 1)
            t->units[u].how = how;
}

/* Of each of `each` one reference must stay, and one of all of `one` together: a group each. */
static void set_groups(struct trying *t, uint32_t each, uint32_t one)
{
    uint8_t group = 0;
    set_units(t, each | one, CLOSURE_ANY);
    for (size_t u = 0; u < t->unit_count; u++)
        if (each >> u & 1)
            t->units[u].group = group++;
    for (size_t u = 0; u < t->unit_count; u++)
        if (one >> u & 1)
            t->units[u].group = group;
}

/* Without which references it is an object still: found by trying, since standards and schemas say "one of
 * these" in many ways. Where no rule of these two kinds explains what is found, what is needed stays as a
 * whole. */
static err_t try_loose(const struct cut_trial *by, const struct cut_order *order, struct trying *t)
{
    uint32_t all, each, one = 0;
    bool valid, enough;
    err_t err = part_units(t);
    if (err != ERR_OK || t->unit_count == 0)
        return err;
    all = (UINT32_C(1) << t->unit_count) - 1;
    if (TRY(err, try_without(by, order, t, all, 0, &valid)))
        return err;
    set_units(t, all, CLOSURE_LOOSE);
    if (valid)
        return ERR_OK;
    if (TRY(err, find_units(by, order, t, all, false, &each)) ||
        TRY(err, try_without(by, order, t, all & ~each, 0, &valid)) ||
        (!valid && TRY(err, find_units(by, order, t, all & ~each, true, &one))))
        return err;
    bool explained = valid || one != 0;
    if (TRY(err, try_without(by, order, t, all, each | (one & -one), &enough)))
        return err;
    if (explained && enough)
        set_groups(t, each, one);
    else
        set_units(t, explained ? each | one : all, CLOSURE_HARD);
    return ERR_OK;
}

/* The form as it is, without anything that may be left out. ERR_DENIED also where a text names the creator
 * that the form does not name. */
static err_t make_once(const struct cut_trial *by, const struct stix_object *source, struct form *form,
                       const struct cut_order *order, struct stix_object *made)
{
    struct along_called called = {.count = 0};
    bool heard;
    err_t err;
    if (form->anonymous && source->has_creator &&
        TRY(err, along_called(by->gate, &source->creator, by->arena, &called)))
        return err;
    buf_clear(&by->gate->minted);
    if (TRY(err, cut_make(by->gate, order, by->arena, &by->gate->minted, made)) ||
        TRY(err, stix_called_in(called.names, called.count, made->root, &heard)) || !heard)
        return err;
    form->unmade = "a text in it says the name of its creator";
    return ERR_DENIED;
}

/* Masks of two values may be equal, and observables with equal values are one: an identifier may follow from
 * what is left, and not from a mask. ERR_DENIED: it would. */
static err_t refuse_masked_id(const struct cut_trial *by, struct form *form, const struct cut_order *order)
{
    struct stix_cut cut = *order->cut;
    struct cut_order unmasked = {order->root, order->warnings, &cut};
    struct stix_object made;
    struct form other = {0};
    cut.text = NULL;
    cut.text_ctx = NULL;
    buf_clear(&by->gate->minted);
    err_t err = cut_make(by->gate, &unmasked, by->arena, &by->gate->minted, &made);
    if (err == ERR_OK)
        err = name_observable(by, &made, &other);
    if (err != ERR_OK || str_eq(other.sco_id, form->sco_id))
        return err;
    form->unmade = "its identifier follows from what would be masked";
    return ERR_DENIED;
}

err_t cut_try(const struct cut_trial *by, const struct stix_object *source, size_t warnings,
              struct form *form)
{
    enum { FOUND_MAX = 256 };
    struct trying t = {.arena = by->arena,
                       .source = source,
                       .anonymous = form->anonymous,
                       .texts = CLOSURE_HARD,
                       .found = arena_zalloc(by->arena, FOUND_MAX, sizeof(struct stix_key)),
                       .size = FOUND_MAX};
    struct stix_cut cut = {
        .selectors = form->selectors, .selector_count = form->selector_count, .name = try_name, .ctx = &t};
    struct cut_order order = {.root = source->root, .warnings = warnings, .cut = &cut};
    struct personal_texts texts;
    struct stix_object made;
    struct buf id, creator;
    char now[TIME_TEXT_SIZE];
    err_t err;
    if (t.found == NULL)
        return ERR_NOMEM;
    form->unmade = "it would be no object without";
    buf_init(&id, LIMIT_ID_BYTES);
    buf_init(&creator, LIMIT_ID_BYTES);
    time_text(by->now_us, now);
    unsigned partner = (unsigned)__builtin_ctzll(form->partners);
    texts = (struct personal_texts) {0};
    if (TRY(err, mint_creator_id(by->gate, by->now_us, &creator)) ||
        TRY(err, mint_id(by->gate, partner, &source->key, source->type_name, &id)) ||
        TRY(err, personal_texts_begin(by->gate, form, partner, source->root, by->arena, &texts, &cut)))
        goto out;
    cut.id = buf_str(&id);
    if (source->has_created && source->has_modified) {
        cut.creator = buf_str(&creator);
        cut.created = cut.modified = str_of(now);
    }
    if (TRY(err, make_once(by, source, form, &order, &made)) || TRY(err, t.err) ||
        TRY(err, name_observable(by, &made, form)))
        goto out;
    if (form->personal == POLICY_DUTY_MASK && texts.changed > 0 && form->sco_id.len > 0 &&
        !str_eq(form->sco_id, source->id) && TRY(err, refuse_masked_id(by, form, &order)))
        goto out;
    err = try_texts(by, &order, &t, form);
    if (err == ERR_OK && form->loose)
        err = try_loose(by, &order, &t);
    if (err == ERR_OK)
        err = keep_refs(by, &made, &t, form);
    form->unmade = err == ERR_OK ? NULL : form->unmade;
out:
    personal_texts_end(&texts);
    buf_deinit(&id);
    buf_deinit(&creator);
    return err;
}
