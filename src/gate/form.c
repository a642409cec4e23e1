/* From what leaves to what is minted: who must get another form because of what he gets of others, under what
 * names, and the texts themselves.
 *
 * The closure has said who leaves in some form. Minted is then the least fixed point: what loses something
 * itself, and whatever names something that has another identifier for this partner. Identifiers do not
 * depend on each other, so a circle is no difficulty. What cannot be made after all is taken back, and the
 * closure solved again: before anything was logged. */
#include "core/uuid.h"
#include "gate/deciding.h"
#include "gate/personal.h"
#include "stix/cut.h"

/* Partners to whom it goes now, in whatever form. Who has it as it came keeps it. */
static uint64_t leaving(const struct candidate *c)
{
    return c->member.release & ~c->state.released;
}

static const struct form *form_of(const struct candidate *c, unsigned partner)
{
    for (size_t f = 0; f < c->form_count; f++)
        if (c->forms[f].partners >> partner & 1)
            return &c->forms[f];
    return NULL;
}

const struct made *made_for(const struct candidate *c, unsigned partner)
{
    for (size_t i = 0; i < c->made_count; i++)
        if (c->made[i].partner == partner)
            return &c->made[i];
    return NULL;
}

/* --- identifiers --- */

/* Where nothing is taken from an observable itself its identifier stays, unless others' are part of it. */
static err_t ask_refers(struct deciding *d, struct candidate *c)
{
    struct subject subject;
    if (c->refers >= 0)
        return ERR_OK;
    arena_reset(&d->gate->accept_arena);
    err_t err = subject_load(d->gate, c->lsn, &d->gate->accept_arena, &subject);
    if (err == ERR_OK)
        c->refers = stix_sco_id_refers(&subject.object);
    return err;
}

static bool is_observable(const struct candidate *c)
{
    return (c->copy->flags & COPY_SCO) != 0;
}

uint32_t variant_of(const struct candidate *c)
{
    return is_observable(c) ? c->copy->source : 0;
}

/* Appends the identifier under which `partner` gets it. */
static err_t put_id(struct deciding *d, const struct candidate *c, unsigned partner, struct buf *out)
{
    const struct form *form = form_of(c, partner);
    bool own = is_observable(c) && form == NULL && c->refers != 1;
    if (form != NULL && form->sco_id.len > 0) {
        buf_put_str(out, form->sco_id);
    } else if (own) {
        struct uuid uuid;
        char text[UUID_TEXT_SIZE];
        memcpy(uuid.b, c->key.b, UUID_SIZE);
        uuid_text(&uuid, text);
        buf_put_str(out, c->type_name);
        buf_put(out, "--", 2);
        buf_put(out, text, sizeof text);
    } else {
        return mint_id(d->gate, partner, &c->key, c->type_name, out);
    }
    return buf_err(out);
}

static bool renames(struct deciding *d, const struct candidate *c, unsigned partner)
{
    struct buf id;
    struct stix_key key;
    buf_init(&id, LIMIT_ID_BYTES);
    bool other = put_id(d, c, partner, &id) != ERR_OK || !stix_id_parse(buf_str(&id), &key) ||
                 !stix_key_eq(&key, &c->key);
    buf_deinit(&id);
    return other;
}

/* --- who gets it minted --- */

static err_t take_minted(struct deciding *d, struct candidate *c, uint64_t more)
{
    err_t err;
    if (is_observable(c) && TRY(err, ask_refers(d, c)))
        return err;
    c->minted |= more;
    for (unsigned p = 0; p < d->gate->peer_count; p++)
        if ((more >> p & 1) && renames(d, c, p))
            c->renamed |= UINT64_C(1) << p;
    return ERR_OK;
}

/* For whom each id has another name, as far as is known. */
static void name_targets(struct deciding *d)
{
    for (size_t t = 0; t < d->name_count; t++)
        d->names[t] = d->target_mints[t].renamed;
    for (size_t i = 0; i < d->count; i++)
        d->names[d->at[i].member.target] |= d->at[i].minted & d->at[i].renamed;
    for (size_t i = 0; i < d->count; i++)
        d->names[d->at[i].member.target] &= ~(leaving(&d->at[i]) & ~d->at[i].minted);
}

static err_t spread(struct deciding *d, bool *out_more)
{
    *out_more = false;
    for (size_t i = 0; i < d->count; i++) {
        struct candidate *c = &d->at[i];
        uint64_t named = 0, open = leaving(c) & ~c->minted;
        for (uint32_t n = 0; n < c->member.need_count && open != 0; n++)
            named |= d->names[c->member.needs[n].target] & ~c->member.needs[n].except;
        err_t err = ERR_OK;
        if ((named & open) == 0)
            continue;
        *out_more = true;
        if (TRY(err, take_minted(d, c, named & open)))
            return err;
    }
    return ERR_OK;
}

/* Of those for whom references may be left out: who lacks one of them. */
static uint64_t lacking(const struct deciding *d, const struct candidate *c)
{
    uint64_t lacks = 0;
    for (uint32_t n = 0; n < c->member.need_count && c->loose != 0; n++) {
        const struct closure_need *need = &c->member.needs[n];
        uint64_t has = d->targets[need->target].held | need->except;
        if (need->how == CLOSURE_HARD || need->how == CLOSURE_MAKER)
            continue;
        for (uint32_t m = d->targets[need->target].first_copy; m != CLOSURE_NONE;
             m = d->at[m].member.next_copy)
            has |= d->at[m].member.release;
        lacks |= c->loose & ~has;
    }
    return lacks;
}

static err_t settle(struct deciding *d)
{
    bool more = true;
    err_t err = ERR_OK;
    d->name_count = d->target_count;
    d->names = arena_zalloc(d->arena, d->name_count + 1, sizeof *d->names);
    if (d->names == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < d->count && err == ERR_OK; i++) {
        struct candidate *c = &d->at[i];
        c->minted = c->renamed = 0;
        c->made = NULL;
        c->made_count = 0;
        c->lacks = lacking(d, c) & leaving(c);
        uint64_t own = (c->cut & leaving(c)) | c->lacks;
        if (own != 0)
            err = take_minted(d, c, own);
    }
    while (err == ERR_OK && more) {
        name_targets(d);
        err = spread(d, &more);
    }
    return err;
}

/* --- names within a text --- */

struct naming {
    struct deciding *d;
    const struct candidate *c;
    unsigned partner;
    bool strict;                   /* what he has not is named nowhere */
    const struct stix_key *hidden; /* the creator that is not named, or NULL */
    struct buf id;                 /* the last one */
    err_t err;
};

static const struct candidate *leaving_as(const struct deciding *d, uint32_t target, uint64_t bit,
                                          bool minted)
{
    for (uint32_t m = d->targets[target].first_copy; m != CLOSURE_NONE; m = d->at[m].member.next_copy)
        if ((leaving(&d->at[m]) & bit) && ((d->at[m].minted & bit) != 0) == minted)
            return &d->at[m];
    return NULL;
}

/* Of several variants the lowest names it, whether it leaves now or he has it. */
static err_t put_name(struct naming *n, uint32_t target, uint64_t bit)
{
    struct mint *variants;
    const struct candidate *c = NULL;
    err_t err;
    buf_clear(&n->id);
    for (uint32_t m = n->d->targets[target].first_copy; m != CLOSURE_NONE; m = n->d->at[m].member.next_copy)
        if ((leaving(&n->d->at[m]) & n->d->at[m].minted & bit) &&
            (c == NULL || variant_of(&n->d->at[m]) < variant_of(c)))
            c = &n->d->at[m];
    if (TRY(err, mint_variants(n->d->gate, &n->d->target_keys[target], n->partner, n->d->arena, &variants)))
        return err;
    const struct mint *known = mint_known(variants);
    if (c != NULL && (known == NULL || known->superseded || variant_of(c) <= known->variant))
        return put_id(n->d, c, n->partner, &n->id);
    if (known == NULL)
        return ERR_NOTFOUND;
    buf_put_str(&n->id, known->id);
    return buf_err(&n->id);
}

static enum stix_cut_act name(void *ctx, const struct stix_key *key, struct str *out)
{
    struct naming *n = ctx;
    struct deciding *d = n->d;
    uint64_t bit = UINT64_C(1) << n->partner;
    uint32_t target;
    if (key_is_builtin(key) || n->err != ERR_OK)
        return STIX_CUT_KEEP;
    if (n->hidden != NULL && stix_key_eq(n->hidden, key))
        return STIX_CUT_DROP;
    n->err = set_target(d, key, &target);
    if (n->err != ERR_OK)
        return STIX_CUT_DROP;
    bool renamed = (target < d->name_count ? d->names[target] : d->target_mints[target].renamed) & bit;
    if (renamed) {
        n->err = put_name(n, target, bit);
        *out = buf_str(&n->id);
        return n->err == ERR_OK ? STIX_CUT_RENAME : STIX_CUT_DROP;
    }
    bool has = (d->targets[target].held & bit) != 0 || leaving_as(d, target, bit, false) != NULL ||
               leaving_as(d, target, bit, true) != NULL;
    return has || !n->strict ? STIX_CUT_KEEP : STIX_CUT_DROP;
}

/* --- texts --- */

enum { MS_US = 1000, TIME_MS_LEN = 23 };

/* Section 2.16: to the millisecond. */
static void time_ms(int64_t at_us, char out[TIME_TEXT_SIZE])
{
    time_text(at_us, out);
    out[TIME_MS_LEN] = 'Z';
    out[TIME_MS_LEN + 1] = '\0';
}

/* Times of what is minted under this identifier: it goes on where it was. */
static err_t set_times(struct deciding *d, const struct stix_key *minted, struct made *made)
{
    struct copies *before = arena_alloc(&d->gate->accept_arena, sizeof *before);
    struct mint last = {0};
    int64_t now_us = d->now_us / MS_US * MS_US;
    err_t err;
    if (before == NULL)
        return ERR_NOMEM;
    if (TRY(err, mint_copies(d->gate, minted, made->partner, before)))
        return err;
    for (size_t i = 0; i < before->count; i++) {
        struct mint mint;
        if (TRY(err, mint_at(d->gate, before->at[i].lsn, d->arena, &mint)))
            return err;
        if (mint.modified_us >= last.modified_us)
            last = mint;
    }
    made->mint.created_us = last.modified_us != 0 ? last.created_us : now_us;
    made->mint.modified_us = last.modified_us >= now_us ? last.modified_us + MS_US : now_us;
    return ERR_OK;
}

/* What a policy that comes would take back first is another version then, though it says the same. */
static bool comes_anew(const struct deciding *d, uint32_t target, uint64_t bit)
{
    return d->foresees && (d->target_mints[target].minted & bit) == 0;
}

/* The version of its target that a language-content speaks of, when that has another one for this partner. */
static err_t set_about(struct deciding *d, const struct candidate *c, unsigned partner,
                       const struct stix_object *source, char text[TIME_TEXT_SIZE], struct str *out)
{
    struct str stated;
    struct stamp stamp;
    struct mint mint;
    uint32_t target;
    uint64_t bit = UINT64_C(1) << partner;
    *out = (struct str) {NULL, 0};
    if (source->type->code != STIX_TYPE_LANGUAGE_CONTENT ||
        !json_get_str(source->root, STR("object_modified"), &stated) ||
        stamp_parse(stated, &stamp, NULL) != ERR_OK)
        return ERR_OK;
    for (size_t i = 0; i < source->ref_count; i++) {
        if (source->refs[i].role != STIX_REF_LANG_TARGET)
            continue;
        err_t err = set_target(d, &source->refs[i].key, &target);
        if (err != ERR_OK)
            return err;
        if (target >= d->name_count || (d->names[target] & bit) == 0)
            return ERR_OK;
        *out = STR("");
        const struct candidate *leaves = leaving_as(d, target, bit, true);
        const struct made *made = leaves == NULL ? NULL : made_for(leaves, partner);
        uint64_t obj = leaves == NULL ? 0 : leaves->lsn;
        if (made != NULL)
            mint = made->same && !comes_anew(d, target, bit) ? made->old : made->mint;
        else if (TRY(err, mint_load(d->gate, &source->refs[i].key, partner, 0, d->arena, &mint))) {
            if (err != ERR_NOTFOUND)
                return err;
            break; /* an observable: it has no version */
        }
        struct copies copies;
        if (TRY(err, copies_load(d->gate, &source->refs[i].key, &copies)))
            return err;
        for (size_t k = 0; k < copies.count; k++)
            if (copies.at[k].lsn == (obj != 0 ? obj : mint.obj) &&
                stamp_cmp(copies.at[k].version, stamp) == 0) {
                time_ms(mint.modified_us, text);
                *out = str_of(text);
            }
        break;
    }
    (void)c;
    return ERR_OK;
}

static err_t keep_made(struct deciding *d, const struct buf *text, const struct stix_object *object,
                       struct made *made)
{
    err_t err;
    if (TRY(err, mint_form(d->gate, object->root, made->mint.form)))
        return err;
    made->text = arena_str(d->arena, buf_str(text));
    made->mint.id = arena_str(d->arena, object->id);
    return made->text.at == NULL || made->mint.id.at == NULL ? ERR_NOMEM : ERR_OK;
}

/* ERR_DENIED: it would be no object. */
static err_t make_text(struct deciding *d, const struct candidate *c, struct str id, struct str creator,
                       struct made *made)
{
    struct gate *gate = d->gate;
    struct arena *arena = &gate->accept_arena;
    const struct form *form = form_of(c, made->partner);
    struct naming naming = {.d = d, .c = c, .partner = made->partner, .strict = form != NULL};
    struct subject subject;
    struct stix_object source, object;
    struct json_doc doc;
    char created[TIME_TEXT_SIZE], modified[TIME_TEXT_SIZE], about[TIME_TEXT_SIZE];
    struct stix_cut cut = {.name = name, .ctx = &naming, .id = id};
    struct cut_order order = {.cut = &cut};
    struct personal_texts texts;
    err_t err;
    if (TRY(err, subject_load(gate, c->lsn, arena, &subject)) ||
        TRY(err, json_parse(gate->parser, subject.bytes, &doc, NULL)) ||
        TRY(err, stix_read_held(json_root(&doc), arena, &source)) ||
        TRY(err, cut_warnings(gate, source.root, arena, &order.warnings)) ||
        TRY(err, set_about(d, c, made->partner, &source, about, &cut.about_modified)))
        return err;
    order.root = source.root;
    if (form != NULL) {
        cut.selectors = form->selectors;
        cut.selector_count = form->selector_count;
        naming.hidden = form->anonymous && source.has_creator ? &source.creator : NULL;
    }
    if (source.has_created && source.has_modified) {
        time_ms(made->mint.created_us, created);
        time_ms(made->mint.modified_us, modified);
        cut.creator = creator;
        cut.created = str_of(created);
        cut.modified = str_of(modified);
    } else {
        made->mint.created_us = made->mint.modified_us = 0;
    }
    buf_init(&naming.id, LIMIT_ID_BYTES);
    buf_clear(&gate->minted);
    err = personal_texts_begin(gate, form, made->partner, source.root, arena, &texts, &cut);
    if (err == ERR_OK)
        err = cut_make(gate, &order, arena, &gate->minted, &object);
    if (naming.err != ERR_OK)
        err = naming.err;
    if (err == ERR_OK)
        err = keep_made(d, &gate->minted, &object, made);
    personal_texts_end(&texts);
    buf_deinit(&naming.id);
    return err;
}

/* He has just that already, of this object or of another variant of it, or gets it beside. */
static err_t ask_same(struct deciding *d, const struct candidate *c, struct made *made)
{
    struct mint *variants;
    made->same = made->had && mint_says_same(&made->old, &made->mint);
    if (made->had || !is_observable(c))
        return ERR_OK;
    err_t err = mint_variants(d->gate, &c->key, made->partner, d->arena, &variants);
    for (; err == ERR_OK && variants != NULL; variants = variants->next)
        made->same |= !variants->superseded && mint_says_same(variants, &made->mint);
    for (uint32_t m = d->targets[c->member.target].first_copy; m != CLOSURE_NONE;
         m = d->at[m].member.next_copy) {
        const struct made *other = &d->at[m] == c ? NULL : made_for(&d->at[m], made->partner);
        made->same |= other != NULL && !other->same && mint_says_same(&other->mint, &made->mint);
    }
    return err;
}

/* ERR_DENIED: his time with it is over. */
static err_t ask_over(struct deciding *d, struct candidate *c, const struct made *made)
{
    bool over;
    err_t err = mint_is_over(d->gate, &made->mint, d->now_us, d->arena, &over);
    if (err != ERR_OK || !over)
        return err;
    verdict_hold(&c->verdict, UINT64_C(1) << made->partner, POLICY_RULE_EXPIRED);
    return ERR_DENIED;
}

static err_t make(struct deciding *d, struct candidate *c, struct str creator, struct made *made)
{
    const struct form *form = form_of(c, made->partner);
    struct stix_key minted;
    struct buf id;
    buf_init(&id, LIMIT_ID_BYTES);
    arena_reset(&d->gate->accept_arena);
    err_t err = mint_load(d->gate, &c->key, made->partner, variant_of(c), d->arena, &made->old);
    made->had = err == ERR_OK && !made->old.superseded;
    made->mint = (struct mint) {.source = c->key,
                                .partner = made->partner,
                                .obj = c->lsn,
                                .profile = form == NULL ? STR("") : form->profile};
    if (err == ERR_NOTFOUND)
        err = ERR_OK;
    if (err != ERR_OK || TRY(err, put_id(d, c, made->partner, &id)))
        goto out;
    if (!stix_id_parse(buf_str(&id), &minted)) {
        err = ERR_CORRUPT;
        goto out;
    }
    if (TRY(err, set_times(d, &minted, made)) || TRY(err, make_text(d, c, buf_str(&id), creator, made)))
        goto out;
    if (!TRY(err, ask_over(d, c, made)))
        err = ask_same(d, c, made);
out:
    buf_deinit(&id);
    return err;
}

/* All of one candidate. What cannot be made is taken away from what may leave; *out_refused then. */
static err_t make_all(struct deciding *d, struct candidate *c, struct str creator, bool *out_refused)
{
    if (c->minted == 0)
        return ERR_OK;
    c->made = arena_zalloc(d->arena, (size_t)__builtin_popcountll(c->minted), sizeof *c->made);
    if (c->made == NULL)
        return ERR_NOMEM;
    for (unsigned p = 0; p < d->gate->peer_count; p++) {
        if ((c->minted >> p & 1) == 0)
            continue;
        struct made *made = &c->made[c->made_count];
        made->partner = p;
        /* A definition under another name would define nothing. */
        bool cannot = key_is_definition(&c->key) || creator.len == 0;
        err_t err = cannot ? ERR_DENIED : make(d, c, creator, made);
        if (err == ERR_DENIED) {
            c->member.base &= ~(UINT64_C(1) << p);
            *out_refused = true;
            continue;
        }
        if (err != ERR_OK)
            return err;
        c->made_count++;
    }
    return ERR_OK;
}

err_t set_mint(struct deciding *d, const uint32_t *order)
{
    struct buf creator;
    bool refused = true;
    err_t err = ERR_OK;
    buf_init(&creator, LIMIT_ID_BYTES);
    while (err == ERR_OK && refused) {
        uint64_t any = 0;
        refused = false;
        err = settle(d);
        for (size_t i = 0; i < d->count; i++)
            any |= d->at[i].minted;
        if (err != ERR_OK || any == 0)
            break;
        buf_clear(&creator);
        err = mint_creator_id(d->gate, d->now_us, &creator);
        if (err == ERR_NOTFOUND) /* the secret was destroyed: what would have to be minted stays */
            err = ERR_OK;
        for (size_t i = 0; i < d->count && err == ERR_OK; i++)
            err = make_all(d, &d->at[order[i]], buf_str(&creator), &refused);
        if (err == ERR_OK && refused)
            err = set_solve(d);
    }
    buf_deinit(&creator);
    return err;
}
