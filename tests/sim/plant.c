/* Faults that are planted to see that they are found. They replace functions of bongsu when the simulator is
 * linked (--wrap), so that nothing of them stands in src/. */
#include "blind.h"
#include "world.h"

#include <stdlib.h>

#include "gate/destroy.h"
#include "gate/halt.h"
#include "gate/mint.h"
#include "gate/recall.h"
#include "gate/state.h"
#include "gate/words.h"
#include "ledger/checkpoint.h"
#include "ledger/voucher.h"
#include "store/store.h"
#include "taxii/answer.h"
#include "taxii/status.h"
#include "taxii/ticket.h"

static enum bug active; /* of the running world; the simulator has one at a time */

/* What a closure does not look into. */
static bool is_member(const struct stix_ref *ref)
{
    return str_eq(ref->property, STR("object_refs"));
}

void plant(enum bug bug)
{
    active = bug;
    blind_to(bug == BUG_BLIND_CLOSURE ? is_member : plant_gate(bug));
}

enum bug planted(void)
{
    return active;
}

/* What the linker gives, and what it calls instead. */
err_t __real_store_put(struct store *store, enum index_table table, struct bytes key, struct bytes value);
err_t __wrap_store_put(struct store *store, enum index_table table, struct bytes key, struct bytes value);
void __real_ticket_next(const struct taxii *taxii, struct bytes bound, uint64_t position,
                        char out[TICKET_TEXT_SIZE]);
void __wrap_ticket_next(const struct taxii *taxii, struct bytes bound, uint64_t position,
                        char out[TICKET_TEXT_SIZE]);
__typeof__(status_next) __real_status_next, __wrap_status_next;
__typeof__(gate_leaf_objects) __real_gate_leaf_objects, __wrap_gate_leaf_objects;

/* The index does not keep how far the log was decided. */
err_t __wrap_store_put(struct store *store, enum index_table table, struct bytes key, struct bytes value)
{
    static const char decided[] = "decided";
    if (active == BUG_DECIDE_TWICE && key.len >= sizeof decided - 1 &&
        memcmp(key.at + key.len - (sizeof decided - 1), decided, sizeof decided - 1) == 0)
        return ERR_OK;
    return __real_store_put(store, table, key, value);
}

/* --- recalls --- */

__typeof__(recall_owed) __real_recall_owed, __wrap_recall_owed;
__typeof__(gate_is_destroyed) __real_gate_is_destroyed, __wrap_gate_is_destroyed;
__typeof__(spill_apply) __real_spill_apply, __wrap_spill_apply;
__typeof__(spill_known) __real_spill_known, __wrap_spill_known;
__typeof__(recall_came_first) __real_recall_came_first, __wrap_recall_came_first;
__typeof__(recall_take) __real_recall_take, __wrap_recall_take;

err_t __wrap_recall_owed(struct gate *gate, uint64_t lsn, const struct state *state, uint64_t *out)
{
    err_t err = __real_recall_owed(gate, lsn, state, out);
    if (err == ERR_OK && active == BUG_FORGETS_ONE)
        *out &= *out - 1;
    return err;
}

bool __wrap_gate_is_destroyed(struct gate *gate, uint64_t lsn)
{
    return __real_gate_is_destroyed(gate, lsn) || (active == BUG_SAYS_DONE && recalled(gate, lsn));
}

/* Facts are applied when they are stated, and again when a gate opens. */
err_t __wrap_spill_apply(struct gate *gate, const struct record_fact *fact)
{
    return active == BUG_FORGETS_RECALL && gate->replaying ? ERR_OK : __real_spill_apply(gate, fact);
}

err_t __wrap_spill_known(struct gate *gate, uint32_t source, const struct hash *content, bool *out)
{
    err_t err = __real_spill_known(gate, source, content, out);
    *out &= active != BUG_TAKES_AGAIN;
    return err;
}

/* --- urgent ledgers --- */

bool __wrap_recall_came_first(const struct gate *gate, const struct gate_peer *peer, const struct leaf *leaf)
{
    return active != BUG_OVERTAKEN && __real_recall_came_first(gate, peer, leaf);
}

err_t __wrap_recall_take(struct gate *gate, unsigned ledger, const struct gate_received *leaf, int64_t now_us)
{
    bool passes = active == BUG_UNTOLD && gate_ledger_is_urgent(ledger);
    return passes ? ERR_OK : __real_recall_take(gate, ledger, leaf, now_us);
}

/* --- restored backups --- */

__typeof__(gate_halt) __real_gate_halt, __wrap_gate_halt;

err_t __wrap_gate_halt(struct gate *gate, unsigned partner, const struct gate_halt *halt)
{
    static const struct gate_by nobody = {{"nobody", 6}, {"planted", 7}};
    err_t err = active == BUG_NO_HALT ? ERR_OK : __real_gate_halt(gate, partner, halt);
    return err != ERR_OK || active != BUG_ANY_EPOCH
               ? err
               : gate_follow_epoch(gate, partner, gate_following(gate, partner) + 1, &nobody, halt->at_us);
}

/* --- clocks --- */

__typeof__(sync_session_next) __real_sync_session_next, __wrap_sync_session_next;

/* The latest time that each session has seen. */
static int64_t *latest(const struct sync_session *session)
{
    static struct {
        const struct sync_session *session;
        int64_t at_us;
    } seen[NODES_MAX * NODES_MAX];
    size_t i = 0;
    while (i < NODES_MAX * NODES_MAX && seen[i].session != session && seen[i].session != NULL)
        i++;
    if (i == NODES_MAX * NODES_MAX)
        i = (size_t)((uintptr_t)session / 64 % i);
    seen[i].session = session;
    return &seen[i].at_us;
}

void __wrap_sync_session_next(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    if (active == BUG_TIME_AGAIN && now_us < *latest(session)) {
        *out = (struct sync_action) {.kind = SYNC_NOTHING, .until_us = *latest(session)};
        return;
    }
    if (active == BUG_TIME_AGAIN)
        *latest(session) = now_us;
    __real_sync_session_next(session, now_us, out);
}

/* --- retention --- */

__typeof__(clock_settle) __real_clock_settle, __wrap_clock_settle;
__typeof__(clock_asks) __real_clock_asks, __wrap_clock_asks;
__typeof__(gate_retain_words) __real_gate_retain_words, __wrap_gate_retain_words;
__typeof__(fact_get) __real_fact_get, __wrap_fact_get;
__typeof__(gate_destroy) __real_gate_destroy, __wrap_gate_destroy;

err_t __wrap_clock_settle(struct gate *gate, int64_t now_us)
{
    err_t err = __real_clock_settle(gate, now_us);
    if (active == BUG_TIME_FLIES)
        gate->unsure_us = 0;
    return err;
}

bool __wrap_clock_asks(const struct record_fact *fact, struct job *job)
{
    return active != BUG_STAYS_UNSURE && __real_clock_asks(fact, job);
}

static bool forgetting; /* words */

err_t __wrap_gate_retain_words(struct gate *gate, unsigned days, int64_t now_us, size_t *out_gone)
{
    forgetting = true;
    err_t err = __real_gate_retain_words(gate, days, now_us, out_gone);
    forgetting = false;
    return err;
}

err_t __wrap_fact_get(const struct gate *gate, enum record_fact_kind kind, struct bytes key,
                      struct bytes *out)
{
    if (active == BUG_NO_ORDER && forgetting && kind == RECORD_FACT_LEGAL)
        return ERR_NOTFOUND;
    return __real_fact_get(gate, kind, key, out);
}

err_t __wrap_gate_destroy(struct gate *gate, const uint64_t *lsns, size_t count, enum record_cause cause,
                          const struct gate_by *by, int64_t now_us, struct gate_destroyed *out)
{
    size_t less = active == BUG_FORGETS_LESS && cause == RECORD_CAUSE_RETENTION;
    return count == less ? ERR_OK : __real_gate_destroy(gate, lsns, count - less, cause, by, now_us, out);
}

/* --- vouchers --- */

__typeof__(voucher_verify) __real_voucher_verify, __wrap_voucher_verify;
__typeof__(vouched_size) __real_vouched_size, __wrap_vouched_size;
__typeof__(voucher_take) __real_voucher_take, __wrap_voucher_take;
__typeof__(reshare_keep) __real_reshare_keep, __wrap_reshare_keep;

err_t __wrap_voucher_verify(const struct voucher *voucher, const struct hash *content,
                            const struct sign_public *key)
{
    return active == BUG_ANY_VOUCHER ? ERR_OK : __real_voucher_verify(voucher, content, key);
}

uint64_t __wrap_vouched_size(const struct gate *gate, unsigned ledger)
{
    return active == BUG_NO_VOUCHER ? UINT64_MAX : __real_vouched_size(gate, ledger);
}

static bool vouching; /* for what comes in */

err_t __wrap_voucher_take(struct gate *gate, const struct gate_submission *submission,
                          const struct stix_key *object, uint64_t lsn, uint64_t slot, int64_t now_us)
{
    vouching = true;
    err_t err = __real_voucher_take(gate, submission, object, lsn, slot, now_us);
    vouching = false;
    return err;
}

err_t __wrap_reshare_keep(struct gate *gate, const struct gate_peer *peer, const struct stix_key *object,
                          uint64_t lsn, struct str limits, int64_t now_us)
{
    return active == BUG_UNBOUND && vouching ? ERR_OK
                                             : __real_reshare_keep(gate, peer, object, lsn, limits, now_us);
}

/* --- partners that lie --- */

/* Of the inside of a session. */
void session_link_failed(struct sync_session *session, err_t err, const char *what, const char *next,
                         int64_t now_us);
void session_link_alarm(struct sync_session *session, err_t err, const char *what, const char *next,
                        int64_t now_us);
__typeof__(checkpoint_parse) __real_checkpoint_parse, __wrap_checkpoint_parse;
__typeof__(merkle_consistency_verify) __real_merkle_consistency_verify, __wrap_merkle_consistency_verify;
__typeof__(note_verify) __real_note_verify, __wrap_note_verify;
__typeof__(leaf_opening_verify) __real_leaf_opening_verify, __wrap_leaf_opening_verify;
__typeof__(session_link_alarm) __real_session_link_alarm, __wrap_session_link_alarm;
__typeof__(disposition_open) __real_disposition_open, __wrap_disposition_open;

err_t __wrap_merkle_consistency_verify(const struct merkle_proof *proof, uint64_t old_size, uint64_t size,
                                       const struct hash *old_root, const struct hash *root)
{
    return active == BUG_SECOND_PAST
               ? ERR_OK
               : __real_merkle_consistency_verify(proof, old_size, size, old_root, root);
}

err_t __wrap_note_verify(const struct note *note, const struct note_key *key)
{
    return active == BUG_ANY_SIGNATURE ? ERR_OK : __real_note_verify(note, key);
}

err_t __wrap_leaf_opening_verify(const struct leaf *leaf, const struct leaf_opening *opening, bool urgent)
{
    return active == BUG_ANY_OPENING ? ERR_OK : __real_leaf_opening_verify(leaf, opening, urgent);
}

void __wrap_session_link_alarm(struct sync_session *session, err_t err, const char *what, const char *next,
                               int64_t now_us)
{
    if (active == BUG_NO_ALARM)
        session_link_failed(session, err, what, next, now_us);
    else
        __real_session_link_alarm(session, err, what, next, now_us);
}

static struct hash asked_for; /* the root of the last checkpoint that was read */

err_t __wrap_checkpoint_parse(struct str text, struct checkpoint *out, struct fault *fault)
{
    err_t err = __real_checkpoint_parse(text, out, fault);
    if (err == ERR_OK)
        asked_for = out->root;
    return err;
}

/* Whatever it is about, it is taken to be about that. */
err_t __wrap_disposition_open(struct str whole, const struct note_key *key, struct disposition *out,
                              struct fault *fault)
{
    err_t err = __real_disposition_open(whole, key, out, fault);
    if (err == ERR_OK && active == BUG_ANY_RECEIPT)
        out->root = asked_for;
    return err;
}

__typeof__(mint_id) __real_mint_id, __wrap_mint_id;

err_t __wrap_mint_id(struct gate *gate, unsigned partner, const struct stix_key *source, struct str type,
                     struct buf *out)
{
    return __real_mint_id(gate, active == BUG_MADE_ALIKE ? 0 : partner, source, type, out);
}

__typeof__(sync_serve_refresh) __real_sync_serve_refresh, __wrap_sync_serve_refresh;

void __wrap_sync_serve_refresh(struct sync_serve *serve)
{
    if (active != BUG_OLD_KEY)
        __real_sync_serve_refresh(serve);
}

/* --- TAXII --- */

__typeof__(answer_failed) __real_answer_failed, __wrap_answer_failed;

void __wrap_answer_failed(struct exchange_response *response, err_t err)
{
    if (active == BUG_NO_ROOM && err == ERR_NOMEM)
        answer_not_found(response);
    else
        __real_answer_failed(response, err);
}

void __wrap_ticket_next(const struct taxii *taxii, struct bytes bound, uint64_t position,
                        char out[TICKET_TEXT_SIZE])
{
    __real_ticket_next(taxii, bound, position + (active == BUG_NEXT_SKIPS), out);
}

/* Only twins can tell. */
err_t __wrap_status_next(const struct taxii *taxii, const struct taxii_identity *identity, uint64_t *out)
{
    struct gate_counts counts = {0};
    if (active == BUG_STATUS_COUNT)
        gate_counts(taxii->gate, &counts);
    err_t err = __real_status_next(taxii, identity, out);
    if (err == ERR_OK)
        *out += counts.objects;
    return err;
}

struct newest {
    struct stix_key key;
    struct buf bytes;
};

/* The last that came under each id, and whose visit it is. */
struct newest_all {
    struct newest *at;
    size_t count;
    bool (*visit)(void *ctx, const struct gate_leaf *leaf);
    void *ctx;
};

static bool take_newest(void *ctx, const struct gate_object *object)
{
    struct newest_all *all = ctx;
    struct stix_key key;
    const char *id = memmem(object->bytes.at, object->bytes.len, "\"id\":\"", 6);
    must(id != NULL && all->count < HELD_MAX);
    size_t len = strcspn(id + 6, "\"");
    if (!stix_id_parse((struct str) {id + 6, len}, &key))
        return true;
    size_t i = 0;
    while (i < all->count && !stix_key_eq(&all->at[i].key, &key))
        i++;
    if (i == all->count) {
        all->at[all->count++].key = key;
        buf_init(&all->at[i].bytes, THING_TEXT);
    }
    buf_clear(&all->at[i].bytes);
    buf_put(&all->at[i].bytes, object->bytes.at, object->bytes.len);
    return true;
}

static bool show_newest(void *ctx, const struct gate_leaf *leaf)
{
    struct newest_all *all = ctx;
    struct gate_leaf shown = *leaf;
    for (size_t i = 0; i < all->count && leaf->object.len > 0; i++)
        if (stix_key_eq(&all->at[i].key, &leaf->key))
            shown.object = buf_bytes(&all->at[i].bytes);
    return all->visit(all->ctx, &shown);
}

err_t __wrap_gate_leaf_objects(struct gate *gate, unsigned partner, uint64_t seq,
                               bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx)
{
    if (active == BUG_GATE_VIEW_ROW)
        partner ^= 1;
    if (active != BUG_NEWEST_PAGE && active != BUG_GATE_NEWEST_VIEW)
        return __real_gate_leaf_objects(gate, partner, seq, visit, ctx);
    struct newest_all all = {.at = calloc(HELD_MAX, sizeof *all.at), .visit = visit, .ctx = ctx};
    err_t err = ERR_OK;
    must(all.at != NULL);
    for (uint32_t s = 1; err == ERR_OK && s <= gate_source_count(gate); s++)
        err = gate_source_objects(gate, s, 0, take_newest, &all);
    if (err == ERR_OK)
        err = __real_gate_leaf_objects(gate, partner, seq, show_newest, &all);
    for (size_t i = 0; i < all.count; i++)
        buf_deinit(&all.at[i].bytes);
    free(all.at);
    return err;
}
