#include "gate/handled.h"

#include <stdlib.h>

#include "core/mem.h"
#include "core/wr.h"
#include "gate/approval.h"
#include "gate/destroy.h"
#include "gate/mint.h"
#include "gate/personal.h"
#include "gate/quality.h"

enum { BASED_KEY_SIZE = 8 + 1, KNOWN_KEY_SIZE = BASED_KEY_SIZE + 1 };

const char *gate_handled_word(enum gate_handled_kind kind)
{
    static const char *const words[] = {"denied", "held", "masked", "pseudonymised", "released"};
    return words[kind];
}

void gate_handled_init(struct gate *gate, struct gate_handled *handled)
{
    *handled = (struct gate_handled) {.gate = gate};
    map_init(&handled->personal, 8, LIMIT_HANDLED_OBJECTS, &gate->sip);
    map_init(&handled->known, KNOWN_KEY_SIZE, LIMIT_HANDLED_OBJECTS, &gate->sip);
    map_init(&handled->based, BASED_KEY_SIZE, LIMIT_HANDLED_OBJECTS, &gate->sip);
    arena_init(&handled->texts, LIMIT_NEIGHBOUR_BYTES);
    arena_init(&handled->one, LIMIT_NEIGHBOUR_BYTES);
}

void gate_handled_deinit(struct gate_handled *handled)
{
    policy_unref(handled->policy);
    map_deinit(&handled->personal);
    map_deinit(&handled->known);
    map_deinit(&handled->based);
    arena_deinit(&handled->texts);
    arena_deinit(&handled->one);
    mem_free(handled->rows);
}

/* --- objects --- */

/* Does this text hold any? */
static err_t look(struct gate_handled *h, struct bytes bytes, bool *out)
{
    struct personal personal;
    struct json_doc doc;
    err_t err = json_parse(h->gate->parser_one, bytes, &doc, NULL);
    if (err == ERR_OK)
        err = personal_find(h->gate, json_root(&doc), &h->one, &personal);
    *out = err == ERR_DENIED || (err == ERR_OK && personal.count > 0);
    return err == ERR_DENIED ? ERR_OK : err;
}

static err_t note_object(struct gate_handled *h, const struct frame *frame)
{
    struct bytes bytes;
    bool any;
    err_t err = frame_bytes(h->gate, frame, &h->one, &bytes);
    if (err == ERR_NOTFOUND || gate_is_destroyed(h->gate, frame->lsn))
        return ERR_OK;
    if (err != ERR_OK || TRY(err, look(h, bytes, &any)) || !any)
        return err;
    return map_put(&h->personal, &frame->lsn, 0);
}

static bool is_personal(const struct gate_handled *h, uint64_t lsn)
{
    return map_get(&h->personal, &lsn) != NULL;
}

/* What was minted: the object that it stands for, and what was done in it. */
static err_t minted_kind(struct gate_handled *h, uint64_t lsn, uint64_t *out_obj, enum gate_handled_kind *out)
{
    static const char token[] = "[pseudonym:";
    struct record_mint record;
    struct frame frame;
    struct bytes bytes;
    bool any = false;
    err_t err;
    if (TRY(err, store_read(h->gate->store, lsn, &frame)))
        return err;
    if (frame.kind != FRAME_MINT)
        return ERR_NOTFOUND;
    if (TRY(err, record_mint_read(frame.envelope, &record)))
        return err;
    *out_obj = record.envelope.about;
    *out = GATE_HANDLED_MASKED;
    if (!is_personal(h, *out_obj) || gate_is_destroyed(h->gate, lsn))
        return ERR_OK;
    if (TRY(err, frame_bytes(h->gate, &frame, &h->one, &bytes)) || TRY(err, look(h, bytes, &any)))
        return err;
    if (any)
        *out = GATE_HANDLED_RELEASED;
    else if (bytes_contain(bytes, bytes_of(token, sizeof token - 1)))
        *out = GATE_HANDLED_PSEUDONYMISED;
    return ERR_OK;
}

/* --- decisions --- */

static err_t policy_of(struct gate_handled *h, uint64_t lsn)
{
    struct record_policy record;
    struct policy_fault fault;
    struct frame frame;
    err_t err;
    if (lsn == h->policy_lsn)
        return ERR_OK;
    policy_unref(h->policy);
    h->policy = NULL;
    h->policy_lsn = lsn;
    if (lsn == 0)
        return ERR_OK;
    if (TRY(err, store_read(h->gate->store, lsn, &frame)) ||
        TRY(err, record_policy_read(frame.payload, &record)))
        return err;
    err = policy_compile_logged(h->gate, record.text, &h->policy, &fault);
    if (err != ERR_OK)
        h->policy = NULL;
    return err == ERR_NOMEM ? err : ERR_OK; /* a partner that it named may be gone */
}

static err_t basis_of(struct gate_handled *h, unsigned partner, struct str *out)
{
    struct buf text;
    buf_init(&text, RECORD_TEXT_MAX);
    for (unsigned i = 0; h->policy != NULL && i < policy_agreement_count(h->policy); i++) {
        struct policy_agreement agreement;
        policy_agreement(h->policy, i, &agreement);
        if ((agreement.partners >> partner & 1) == 0 || agreement.basis.len == 0)
            continue;
        buf_put_str(&text, text.len > 0 ? STR("; ") : STR(""));
        buf_put_str(&text, agreement.basis);
    }
    *out = arena_str(&h->texts, buf_str(&text));
    err_t err = buf_err(&text) != ERR_OK ? buf_err(&text) : out->at == NULL ? ERR_NOMEM : ERR_OK;
    buf_deinit(&text);
    return err;
}

static bool same_row(const struct gate_handled_row *a, const struct gate_handled_row *b)
{
    return a->partner == b->partner && a->week == b->week && a->kind == b->kind && str_eq(a->rule, b->rule) &&
           str_eq(a->basis, b->basis) && str_eq(a->approver, b->approver);
}

static err_t count_row(struct gate_handled *h, const struct gate_handled_row *row)
{
    for (size_t i = h->count; i-- > 0;)
        if (same_row(&h->rows[i], row)) {
            h->rows[i].objects++;
            h->rows[i].based += row->based;
            return ERR_OK;
        }
    if (h->count == LIMIT_HANDLED_ROWS)
        return ERR_FULL;
    if (h->count == h->size) {
        size_t size = h->size == 0 ? 64 : h->size * 2;
        struct gate_handled_row *wider = mem_grow(h->rows, size * sizeof *wider);
        if (wider == NULL)
            return ERR_NOMEM;
        h->rows = wider;
        h->size = size;
    }
    h->rows[h->count] = *row;
    h->rows[h->count].rule = arena_str(&h->texts, row->rule);
    h->rows[h->count].approver = arena_str(&h->texts, row->approver);
    if (h->rows[h->count].rule.at == NULL || h->rows[h->count].approver.at == NULL)
        return ERR_NOMEM;
    h->rows[h->count++].objects = 1;
    return ERR_OK;
}

static struct str name_of(const struct record_decide *decide, uint16_t index)
{
    return index < decide->name_count ? decide->names[index] : STR("");
}

static err_t note(struct gate_handled *h, const struct record_decide *decide,
                  const struct record_entry *entry, uint64_t obj, unsigned partner,
                  enum gate_handled_kind kind)
{
    uint8_t key[KNOWN_KEY_SIZE];
    struct gate_handled_row row = {.partner = partner, .week = gate_week(decide->now_us), .kind = kind};
    err_t err;
    wr_at_u64(key, obj);
    key[8] = (uint8_t)partner;
    key[9] = (uint8_t)kind;
    if (map_get(&h->known, key) != NULL)
        return ERR_OK;
    if (TRY(err, map_put(&h->known, key, 0)) || TRY(err, basis_of(h, partner, &row.basis)))
        return err;
    row.rule = name_of(decide, decide->classes[entry->class].rule[partner]);
    bool left = kind != GATE_HANDLED_DENIED && kind != GATE_HANDLED_HELD;
    row.approver = left ? name_of(decide, entry->approver) : STR("");
    const uint64_t *based = map_get(&h->based, key); /* object and partner */
    row.based = row.approver.len > 0 && based != NULL ? *based : 0;
    return count_row(h, &row);
}

/* False: nothing was said of it for this partner; what was minted for him has an entry of its own. */
static bool kind_of(const struct record_decide *decide, const struct record_entry *entry, unsigned partner,
                    enum gate_handled_kind *out)
{
    const struct record_class *class = &decide->classes[entry->class];
    uint64_t bit = UINT64_C(1) << partner;
    if ((decide->partners & bit) == 0)
        return false;
    *out = entry->release & bit                            ? GATE_HANDLED_RELEASED
           : (entry->blocked & bit) || (class->hold & bit) ? GATE_HANDLED_HELD
                                                           : GATE_HANDLED_DENIED;
    return *out != GATE_HANDLED_DENIED || (class->release & bit) == 0;
}

static err_t note_entry(struct gate_handled *h, const struct record_decide *decide,
                        const struct record_entry *entry)
{
    enum gate_handled_kind kind;
    uint64_t obj;
    if (entry_contentless(entry))
        return ERR_OK;
    err_t err = minted_kind(h, entry->lsn, &obj, &kind);
    bool minted = err == ERR_OK;
    if (!minted && err != ERR_NOTFOUND)
        return err;
    if (!is_personal(h, minted ? obj : entry->lsn))
        return ERR_OK;
    err = ERR_OK;
    for (unsigned p = 0; p < h->gate->peer_count && err == ERR_OK; p++) {
        if (minted && (entry->release >> p & 1))
            err = note(h, decide, entry, obj, p, kind);
        else if (!minted && kind_of(decide, entry, p, &kind))
            err = note(h, decide, entry, entry->lsn, p, kind);
    }
    return err;
}

/* --- operators' words --- */

/* The rows of a fact are all that is said of its object from there on. `begin`: what was said before about
 * the same versions and partners is forgotten; else what they say is noted. */
static err_t note_words(struct gate_handled *h, struct bytes value, bool begin)
{
    uint8_t key[BASED_KEY_SIZE];
    struct approval row;
    struct rd rd = rd_of(value);
    err_t err;
    while ((err = approval_next(&rd, &row)) == ERR_OK) {
        bool based = row.word == GATE_APPROVE && row.basis.len > 0;
        wr_at_u64(key, row.lsn);
        key[8] = (uint8_t)row.partner;
        if ((begin ? map_get(&h->based, key) != NULL : based) && TRY(err, map_put(&h->based, key, !begin)))
            return err;
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t note_fact(struct gate_handled *h, const struct frame *frame)
{
    struct record_fact fact;
    err_t err = record_fact_read(frame->payload, &fact);
    if (err != ERR_OK || fact.kind != RECORD_FACT_APPROVAL || TRY(err, note_words(h, fact.value, true)))
        return err;
    return note_words(h, fact.value, false);
}

static err_t note_decide(struct gate_handled *h, const struct frame *frame)
{
    struct record_decide decide;
    struct arena arena;
    arena_init(&arena, LIMIT_FRAME_BYTES * 8u);
    err_t err = record_decide_read(frame->payload, &arena, &decide);
    if (err == ERR_OK)
        err = policy_of(h, decide.policy);
    for (size_t e = 0; err == ERR_OK && e < decide.entry_count; e++) {
        arena_reset(&h->one);
        err = note_entry(h, &decide, &decide.entries[e]);
    }
    arena_deinit(&arena);
    return err;
}

err_t gate_handled_next(struct gate_handled *handled, size_t frames)
{
    struct gate *gate = handled->gate;
    struct store_iter iter = store_iter(gate->store, handled->from == 0 ? LSN_FIRST : handled->from,
                                        store_durable_lsn(gate->store));
    struct frame frame;
    err_t err = ERR_OK;
    while (frames-- > 0 && (err = store_iter_next(&iter, &frame)) == ERR_OK) {
        arena_reset(&handled->one);
        err = frame.kind == FRAME_OBJ      ? note_object(handled, &frame)
              : frame.kind == FRAME_DECIDE ? note_decide(handled, &frame)
              : frame.kind == FRAME_JOB    ? note_fact(handled, &frame)
                                           : ERR_OK;
        if (err != ERR_OK)
            return err;
        handled->from = iter.lsn;
    }
    handled->end = err == ERR_NOTFOUND;
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static int by_place(const void *a, const void *b)
{
    const struct gate_handled_row *x = a, *y = b;
    if (x->partner != y->partner)
        return x->partner < y->partner ? -1 : 1;
    if (x->week != y->week)
        return x->week < y->week ? -1 : 1;
    return (int)x->kind - (int)y->kind;
}

void gate_handled_sort(struct gate_handled *handled)
{
    if (handled->count > 0)
        qsort(handled->rows, handled->count, sizeof *handled->rows, by_place);
}
