/* Personal data on the way out: facts for rules, texts for minting. */
#include "gate/personal.h"

#include <stdlib.h>

#include "core/mem.h"
#include "gate/persons.h"

static bool counts(const struct privacy_hit *hit)
{
    return hit->score >= PRIVACY_SCORE_HIT && hit->role != PRIVACY_INDICATOR && hit->role != PRIVACY_SENDER;
}

err_t personal_look(struct gate *gate, struct json_val root, struct arena *arena, struct privacy_hits *out)
{
    if (gate->personal.hits == NULL)
        gate->personal.hits = mem_alloc_array(LIMIT_PERSONAL_HITS, sizeof *gate->personal.hits);
    if (gate->personal.hits == NULL)
        return ERR_NOMEM;
    *out = (struct privacy_hits) {
        .at = gate->personal.hits, .size = LIMIT_PERSONAL_HITS, .score_min = PRIVACY_SCORE_HIT};
    return privacy_object(root, PRIVACY_TEXT, arena, out);
}

void personal_deinit(struct gate *gate)
{
    mem_free(gate->personal.hits);
    gate->personal.hits = NULL;
}

/* --- the fact --- */

static err_t look_through(struct gate *gate, uint64_t lsn, struct arena *arena)
{
    struct subject subject;
    struct privacy_hits hits;
    err_t err;
    if (TRY(err, subject_load(gate, lsn, arena, &subject)) ||
        TRY(err, personal_look(gate, subject.object.root, arena, &hits)))
        return err;
    gate->personal.lsn = lsn;
    gate->personal.known = hits.dropped == 0;
    gate->personal.facts = privacy_facts(&hits);
    return ERR_OK;
}

err_t personal_add(struct gate *gate, const struct policy *policy, const struct subject *subject,
                   struct policy_facts *facts)
{
    err_t err = ERR_OK;
    if (policy == NULL || (policy_needs(policy) & POLICY_NEED_PERSONAL) == 0)
        return ERR_OK;
    /* Rules are asked several times about one object; what stands in a log frame never changes. */
    if (gate->personal.lsn != subject->lsn) {
        struct arena arena;
        arena_init(&arena, LIMIT_NEIGHBOUR_BYTES);
        err = look_through(gate, subject->lsn, &arena);
        arena_deinit(&arena);
    }
    if (err != ERR_OK)
        return err;
    facts->personal_known = gate->personal.known;
    facts->personal = gate->personal.facts;
    return ERR_OK;
}

/* --- what is done about it --- */

static int by_place(const void *a, const void *b)
{
    const struct privacy_hit *x = a, *y = b;
    if (x->text.at != y->text.at)
        return x->text.at < y->text.at ? -1 : 1;
    return x->from < y->from ? -1 : x->from > y->from;
}

err_t personal_find(struct gate *gate, struct json_val root, struct arena *arena, struct personal *out)
{
    struct privacy_hits hits;
    size_t count = 0;
    err_t err = personal_look(gate, root, arena, &hits);
    if (err != ERR_OK)
        return err;
    if (hits.dropped > 0)
        return ERR_DENIED;
    struct privacy_hit *kept = arena_alloc(arena, (hits.count + 1) * sizeof *kept);
    if (kept == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < hits.count; i++)
        if (counts(&hits.at[i]))
            kept[count++] = hits.at[i];
    if (count > 0)
        qsort(kept, count, sizeof *kept, by_place);
    *out = (struct personal) {kept, count};
    return ERR_OK;
}

unsigned personal_treatment(const struct policy_duties *duties)
{
    if (duties == NULL)
        return 0;
    return duties->what & POLICY_DUTY_MASK ? POLICY_DUTY_MASK : duties->what & POLICY_DUTY_PSEUDONYMISE;
}

/* "/to_refs/0" as "to_refs.[0]". Properties that hold references have names without marks. */
static void put_selector(struct str pointer, struct buf *out)
{
    while (pointer.len > 0) {
        (void)str_cut(&pointer, '/');
        struct str rest = pointer, part = str_cut(&rest, '/');
        bool index = part.len > 0 && part.at[0] >= '0' && part.at[0] <= '9';
        buf_put_str(out, out->len > 0 ? STR(".") : STR(""));
        buf_put_str(out, index ? STR("[") : STR(""));
        buf_put_str(out, part);
        buf_put_str(out, index ? STR("]") : STR(""));
        pointer = (struct str) {pointer.at + part.len, pointer.len - part.len};
    }
}

bool gate_taken_out(struct str without, struct str pointer)
{
    struct buf text;
    bool out = false;
    buf_init(&text, LIMIT_MINT_PROFILE_BYTES);
    put_selector(pointer, &text);
    struct str selector = buf_str(&text);
    while (without.len > 0 && !out && buf_err(&text) == ERR_OK) {
        struct str line = str_cut(&without, '\n');
        out = line.len > 0 && str_starts(selector, line) &&
              (selector.len == line.len || selector.at[line.len] == '.');
    }
    buf_deinit(&text);
    return out;
}

err_t personal_references(const struct personal *personal, struct arena *arena,
                          err_t (*add)(void *ctx, struct str selector), void *ctx)
{
    struct buf text;
    err_t err = ERR_OK;
    buf_init(&text, LIMIT_MINT_PROFILE_BYTES);
    for (size_t i = 0; i < personal->count && err == ERR_OK; i++) {
        if (personal->hits[i].kind != PRIVACY_VICTIM)
            continue;
        buf_clear(&text);
        put_selector(personal->hits[i].pointer, &text);
        struct str selector = arena_str(arena, buf_str(&text));
        err = buf_err(&text) != ERR_OK ? buf_err(&text)
              : selector.at == NULL    ? ERR_NOMEM
                                       : add(ctx, selector);
    }
    buf_deinit(&text);
    return err;
}

err_t personal_key(const struct gate *gate, unsigned partner, struct seal_secret *out)
{
    struct hash secret;
    struct seal_secret from;
    err_t err = mint_secret_of(gate, partner, &secret);
    if (err != ERR_OK)
        return err;
    memcpy(from.b, secret.b, sizeof from.b);
    struct seal_salts salts = seal_salts(&from, "bongsu pseudonyms 1", bytes_of(NULL, 0));
    memcpy(out->b, salts.a.b, sizeof out->b);
    mem_wipe(&from, sizeof from);
    mem_wipe(&secret, sizeof secret);
    mem_wipe(&salts, sizeof salts);
    return ERR_OK;
}

/* The first hit in this very text, or what stands behind it. */
static size_t first_in(const struct personal *personal, struct str text)
{
    size_t low = 0, high = personal->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (personal->hits[middle].text.at < text.at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct str change(void *ctx, struct str text)
{
    struct personal_texts *texts = ctx;
    const struct privacy_hit *hits = texts->personal.hits;
    size_t first = first_in(&texts->personal, text), end = first;
    while (end < texts->personal.count && hits[end].text.at == text.at)
        end++;
    if (first == end || hits[first].kind == PRIVACY_VICTIM)
        return text;
    texts->changed += end - first;
    buf_clear(&texts->text);
    if (texts->treatment == POLICY_DUTY_MASK)
        privacy_mask(text, hits + first, end - first, &texts->text);
    else
        privacy_pseudonymise(text, hits + first, end - first, &texts->key, &texts->text);
    return buf_str(&texts->text);
}

err_t personal_texts_begin(struct gate *gate, const struct form *form, unsigned partner, struct json_val root,
                           struct arena *arena, struct personal_texts *out, struct stix_cut *cut)
{
    err_t err;
    *out = (struct personal_texts) {.treatment = form == NULL ? 0 : form->personal};
    buf_init(&out->text, LIMIT_OBJECT_BYTES * 8u);
    if (out->treatment == 0)
        return ERR_OK;
    if (TRY(err, personal_find(gate, root, arena, &out->personal)) ||
        TRY(err, personal_key(gate, partner, &out->key)))
        return err;
    /* Another constant would be another pattern, another name another member. */
    for (size_t i = 0; i < out->personal.count; i++)
        if (out->personal.hits[i].fixed)
            return ERR_DENIED;
    cut->text = change;
    cut->text_ctx = out;
    return ERR_OK;
}

void personal_texts_end(struct personal_texts *texts)
{
    if (texts->text.at != NULL)
        mem_wipe(texts->text.at, texts->text.len);
    buf_deinit(&texts->text);
    mem_wipe(&texts->key, sizeof texts->key);
}
