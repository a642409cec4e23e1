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

/* Names while trying: the creator's goes where it must; others within longer texts are noted. */
struct trying {
    struct arena *arena;
    const struct stix_object *source;
    bool anonymous, drop;
    bool drop_members, drop_others; /* references that may be left out */
    struct stix_key *found;         /* in texts and as values */
    size_t count, size;
    err_t err;
};

static enum stix_cut_act try_name(void *ctx, const struct stix_key *key, struct str *out)
{
    struct trying *t = ctx;
    (void)out;
    if (t->anonymous && t->source->has_creator && stix_key_eq(&t->source->creator, key))
        return STIX_CUT_DROP;
    if (key_is_builtin(key))
        return STIX_CUT_KEEP;
    bool known = false, goes = true;
    for (size_t i = 0; i < t->source->ref_count; i++) {
        const struct stix_ref *ref = &t->source->refs[i];
        /* What is made has another creator: where else it names this one decides. */
        if (!stix_key_eq(&ref->key, key) || ref->role == STIX_REF_CREATED_BY)
            continue;
        known = true;
        goes = goes && ((ref->role == STIX_REF_MEMBER && t->drop_members) ||
                        (ref->role == STIX_REF_OTHER && t->drop_others));
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

/* Can it leave without what it names in its texts, without its members, without what else it refers to? */
struct without {
    enum closure_how texts, members, others;
};

static err_t keep_refs(const struct cut_trial *by, const struct stix_object *made,
                       const struct trying *needed, const struct without *without, struct form *form)
{
    const struct stix_object *source = needed->source;
    form->refs = arena_zalloc(by->keep, made->ref_count + needed->count + 2, sizeof *form->refs);
    form->how = arena_zalloc(by->keep, made->ref_count + needed->count + 2, 1);
    if (form->refs == NULL || form->how == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < made->ref_count; i++) {
        if (!form->minted && made->refs[i].role == STIX_REF_CREATED_BY)
            continue; /* the node: where it is made at all (grow.c) */
        form->how[form->ref_count] = (uint8_t)(made->refs[i].role == STIX_REF_MEMBER  ? without->members
                                               : made->refs[i].role == STIX_REF_OTHER ? without->others
                                                                                      : CLOSURE_HARD);
        form->refs[form->ref_count++] =
            (struct stix_ref) {.key = made->refs[i].key, .role = made->refs[i].role};
    }
    for (size_t i = 0; i < needed->count; i++) {
        form->how[form->ref_count] = (uint8_t)without->texts;
        form->refs[form->ref_count++] = (struct stix_ref) {.key = needed->found[i], .role = STIX_REF_OTHER};
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
                       const struct form *form, struct without *out)
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
        out->texts = CLOSURE_LOOSE;
    t->drop = out->texts == CLOSURE_LOOSE;
    return err == ERR_DENIED ? t->err : err;
}

/* Without which references it is an object still. */
static err_t try_loose(const struct cut_trial *by, const struct cut_order *order, struct trying *t,
                       struct without *out)
{
    struct stix_object less;
    t->drop_others = true;
    for (int members = 1; members >= 0; members--) {
        t->drop_members = members != 0;
        buf_clear(&by->gate->minted);
        err_t err = cut_make(by->gate, order, by->arena, &by->gate->minted, &less);
        if (err == ERR_OK) {
            out->members = members != 0 ? CLOSURE_LOOSE : CLOSURE_ANY;
            out->others = CLOSURE_LOOSE;
        }
        if (err != ERR_DENIED)
            break;
    }
    t->drop_members = t->drop_others = false;
    return t->err;
}

/* Texts that say the name of whoever is not to be named, while trying: as they leave. */
struct listening {
    struct along_called called;
    struct str (*text)(void *ctx, struct str text);
    void *text_ctx;
    bool heard;
};

static struct str listen(void *ctx, struct str text)
{
    struct listening *l = ctx;
    struct str leaves = l->text == NULL ? text : l->text(l->text_ctx, text);
    l->heard |= along_says(&l->called, leaves);
    return leaves;
}

/* The form as it is, without anything that may be left out. ERR_DENIED also where a text names the creator
 * that the form does not name. */
static err_t make_once(const struct cut_trial *by, const struct stix_object *source, struct form *form,
                       const struct cut_order *order, struct stix_object *made)
{
    struct stix_cut cut = *order->cut;
    struct cut_order once = {order->root, order->warnings, &cut};
    struct listening l = {.text = cut.text, .text_ctx = cut.text_ctx};
    err_t err;
    if (form->anonymous && source->has_creator) {
        if (TRY(err, along_called(by->gate, &source->creator, by->arena, &l.called)))
            return err;
        cut.text = listen;
        cut.text_ctx = &l;
    }
    buf_clear(&by->gate->minted);
    err = cut_make(by->gate, &once, by->arena, &by->gate->minted, made);
    if (err != ERR_OK || !l.heard)
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
                       .found = arena_zalloc(by->arena, FOUND_MAX, sizeof(struct stix_key)),
                       .size = FOUND_MAX};
    struct stix_cut cut = {
        .selectors = form->selectors, .selector_count = form->selector_count, .name = try_name, .ctx = &t};
    struct cut_order order = {.root = source->root, .warnings = warnings, .cut = &cut};
    struct personal_texts texts;
    struct stix_object made;
    struct without without = {CLOSURE_HARD, CLOSURE_HARD, CLOSURE_HARD};
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
    err = try_texts(by, &order, &t, form, &without);
    if (err == ERR_OK && form->loose)
        err = try_loose(by, &order, &t, &without);
    if (err == ERR_OK)
        err = keep_refs(by, &made, &t, &without, form);
    form->unmade = err == ERR_OK ? NULL : form->unmade;
out:
    personal_texts_end(&texts);
    buf_deinit(&id);
    buf_deinit(&creator);
    return err;
}
