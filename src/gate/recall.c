#include "gate/recall.h"

#include <stdlib.h>

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/approval.h"
#include "gate/key_copies.h"
#include "gate/legal.h"
#include "gate/mint.h"

#define DAY_US (INT64_C(24) * 3600 * 1000 * 1000)

enum { FACT_VERSION = 1, ANSWER_VERSION = 2 };

/* --- rows: 'r' ledger, number of a recall leaf -> the object; 'k' object (or MINT) -> who was told --- */

enum { TOLD_KEY_SIZE = 1 + 1 + 8, KNOWN_KEY_SIZE = 1 + 8 };

static struct bytes told_key(unsigned ledger, uint64_t place, uint8_t out[TOLD_KEY_SIZE])
{
    out[0] = 'r';
    out[1] = (uint8_t)ledger;
    wr_at_u64(out + 2, place);
    return bytes_of(out, TOLD_KEY_SIZE);
}

/* In the present epoch of the ledger. */
static uint64_t place_of(const struct gate *gate, unsigned ledger, uint64_t seq)
{
    return epoch_place(gate->peers[gate_ledger_partner(ledger)].epoch, seq);
}

uint64_t recalls_urgent(const struct gate *gate)
{
    uint64_t mask = 0;
    for (unsigned p = 0; p < gate->peer_count; p++)
        mask |= (uint64_t)gate->peers[p].urgent << p;
    return mask & ~gate->not_urgent;
}

static struct bytes known_key(uint64_t lsn, uint8_t out[KNOWN_KEY_SIZE])
{
    out[0] = 'k';
    wr_at_u64(out + 1, lsn);
    return bytes_of(out, KNOWN_KEY_SIZE);
}

static err_t told_mask(struct gate *gate, uint64_t lsn, uint64_t *out)
{
    uint8_t key[KNOWN_KEY_SIZE];
    err_t err = row_get_u64(gate, known_key(lsn, key), out);
    if (err == ERR_NOTFOUND)
        *out = 0;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* The object itself, or what a MINT was made of. */
static err_t object_of(struct gate *gate, uint64_t lsn, uint64_t *out)
{
    struct mint mint;
    *out = lsn;
    if (!mint_any(gate))
        return ERR_OK;
    err_t err = mint_at(gate, lsn, &gate->accept_arena, &mint);
    if (err == ERR_OK)
        *out = mint.obj;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t recall_owed(struct gate *gate, uint64_t lsn, const struct state *state, uint64_t *out)
{
    uint64_t object, told, ever = 0;
    err_t err;
    *out = 0;
    if (gate->recall_count == 0 || state->release_count == 0)
        return ERR_OK;
    arena_reset(&gate->accept_arena);
    if (TRY(err, object_of(gate, lsn, &object)) || !recalled(gate, object) ||
        TRY(err, told_mask(gate, lsn, &told)))
        return err;
    for (size_t i = 0; i < state->release_count; i++)
        ever |= state->releases[i].mask;
    *out = gate_is_destroyed(gate, object) ? 0 : ever & ~told;
    return ERR_OK;
}

err_t recall_told(struct gate *gate, const struct record_decide *decide, const struct record_entry *entry)
{
    uint8_t key[TOLD_KEY_SIZE], known[KNOWN_KEY_SIZE], value[8];
    uint64_t object, told, about = entry->about;
    struct mint mint;
    err_t err;
    /* The step's arena holds the DECIDE that is being applied. */
    err = mint_any(gate) ? mint_at(gate, about, &gate->step_arena, &mint) : ERR_NOTFOUND;
    object = err == ERR_OK ? mint.obj : about;
    if ((err != ERR_OK && err != ERR_NOTFOUND) || TRY(err, told_mask(gate, about, &told)))
        return err;
    gate->recalls_moved = true;
    wr_at_u64(value, told | entry->release);
    if (TRY(err, store_put(gate->store, TABLE_FACT, known_key(about, known), bytes_of(value, sizeof value))))
        return err;
    wr_at_u64(value, object);
    for (uint64_t left = entry->release; left != 0 && err == ERR_OK; left &= left - 1) {
        unsigned ledger = record_entry_ledger(decide, entry, (unsigned)__builtin_ctzll(left));
        uint64_t last = gate->views[ledger].tree.edge.size - 1;
        err = store_put(gate->store, TABLE_FACT, told_key(ledger, place_of(gate, ledger, last), key),
                        bytes_of(value, sizeof value));
    }
    return err;
}

/* --- budget --- */

struct spent {
    enum gate_spill_why why;
    struct str by;
    int64_t since_us;
    size_t objects;
};

static void count_spent(void *ctx, const struct gate_spill *spill)
{
    struct spent *spent = ctx;
    bool same = spill->why == spent->why && (spill->why == GATE_RECALLED || str_eq(spill->by, spent->by));
    spent->objects += same && !spill->waits && !spill->report && spill->spilled_us > spent->since_us;
}

/* Are `more` within what this word destroys in a day? */
static err_t beyond_budget(struct gate *gate, enum gate_spill_why why, struct str by, size_t more,
                           int64_t now_us, bool *out)
{
    struct spent spent = {.why = why, .by = by, .since_us = now_us - DAY_US};
    err_t err = gate_spills(gate, count_spent, &spent);
    *out = more > gate->recall_budget || spent.objects > gate->recall_budget - more;
    return err;
}

void gate_recall_budget(struct gate *gate, size_t objects)
{
    gate->recall_budget = objects;
}

/* --- an operator's word --- */

enum callable { CALLABLE_NOT, CALLABLE_OBJECT, CALLABLE_REFUSED /* no object: has no identifier */ };

/* Is it held, and not called back yet? */
static enum callable callable(struct gate *gate, uint64_t lsn)
{
    struct frame frame;
    struct record_envelope envelope;
    if (lsn == 0 || lsn >= store_durable_lsn(gate->store) || recalled(gate, lsn) ||
        gate_is_destroyed(gate, lsn) || store_read(gate->store, lsn, &frame) != ERR_OK)
        return CALLABLE_NOT;
    if (frame.kind == FRAME_OBJ)
        return CALLABLE_OBJECT;
    if (frame.kind != FRAME_QUAR || record_envelope_read(frame.envelope, &envelope) != ERR_OK ||
        envelope.reason == RECORD_QUARANTINE_MENDED) /* goes with what was made of it */
        return CALLABLE_NOT;
    return envelope.reason == RECORD_QUARANTINE_CONFLICT ? CALLABLE_OBJECT : CALLABLE_REFUSED;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, STIX_KEY_SIZE);
}

static err_t reach_add(struct gate *gate, uint64_t lsn, enum callable kind, struct stix_key *key,
                       struct gate_recalled *reach)
{
    struct subject subject;
    struct state state;
    err_t err;
    reach->versions++;
    *key = (struct stix_key) {0};
    wr_at_u64(key->b, lsn);
    if (kind == CALLABLE_REFUSED)
        return ERR_OK;
    arena_reset(&gate->step_arena);
    if (TRY(err, subject_load(gate, lsn, &gate->step_arena, &subject)))
        return err;
    *key = subject.object.key;
    err = state_load(gate, lsn, &state);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    for (size_t r = 0; r < state.release_count; r++) {
        reach->partners |= state.releases[r].mask;
        reach->leaves += (unsigned)__builtin_popcountll(state.releases[r].mask);
    }
    reach->partners |= state.minted;
    reach->leaves += (unsigned)__builtin_popcountll(state.minted);
    return ERR_OK;
}

err_t gate_recall_reach(struct gate *gate, const uint64_t *lsns, size_t count, int64_t now_us,
                        struct gate_recalled *out)
{
    struct gate_recalled reach = {0};
    struct stix_key *keys = mem_alloc_array(count + 1, sizeof *keys);
    err_t err = keys == NULL ? ERR_NOMEM : ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        enum callable kind = callable(gate, lsns[i]);
        if (kind != CALLABLE_NOT)
            err = reach_add(gate, lsns[i], kind, &keys[reach.versions], &reach);
    }
    if (err == ERR_OK && reach.versions > 0)
        qsort(keys, reach.versions, sizeof *keys, by_key);
    for (size_t i = 0; i < reach.versions && err == ERR_OK; i++)
        reach.objects += i == 0 || !stix_key_eq(&keys[i], &keys[i - 1]);
    mem_free(keys);
    if (err == ERR_OK)
        err = beyond_budget(gate, GATE_RECALLED, STR(""), reach.versions, now_us, &reach.waits);
    store_view_end(gate->store);
    if (err == ERR_OK)
        *out = reach;
    return err != ERR_OK ? err : reach.versions == 0 ? ERR_NOTFOUND : ERR_OK;
}

err_t gate_recall(struct gate *gate, const uint64_t *lsns, size_t count, int64_t deadline_us,
                  const struct gate_by *by, bool officer, int64_t now_us, struct gate_recalled *out)
{
    struct gate_recalled told;
    err_t err;
    if (gate->read_only)
        return ERR_READONLY;
    if ((gate->group_open && TRY(err, gate_commit(gate))) || /* it is read back */
        TRY(err, gate_recall_reach(gate, lsns, count, now_us, &told)))
        return err;
    if (told.versions > LIMIT_SPILLS - gate->spill_count)
        return ERR_FULL;
    told.number = store_end_lsn(gate->store); /* no object will ever stand there */
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        struct gate_spill spill = {.why = GATE_RECALLED,
                                   .deadline_us = deadline_us,
                                   .recall = told.number,
                                   .waits = told.waits,
                                   .agreed = told.waits && officer ? by->who : STR("")};
        if (callable(gate, lsns[i]) != CALLABLE_NOT)
            err = spill_state(gate, lsns[i], by, now_us, &spill);
        if (err == ERR_OK)
            told.partners |= spill.released;
    }
    if (err != ERR_OK || TRY(err, gate_commit(gate)))
        return err;
    *out = told;
    return ERR_OK;
}

/* --- officers --- */

bool gate_recall_is(const struct gate_recall_which *which, const struct gate_spill *spill)
{
    if (which->key != NULL)
        return stix_key_eq(which->key, &spill->key);
    return spill->lsn == which->number || spill->recall == which->number;
}

/* What waits, a batch at a time: saying so of one takes it out of the next. */
struct confirming {
    const struct gate_recall_which *which;
    struct str who;
    struct arena *texts;
    struct gate_spill found[LIMIT_RECALL_BATCH];
    size_t count;
    bool his, short_of_memory; /* something waits for another word than his */
};

static void find_waiting(void *ctx, const struct gate_spill *spill)
{
    struct confirming *a = ctx;
    if (!spill->waits || !gate_recall_is(a->which, spill) || a->count == LIMIT_RECALL_BATCH)
        return;
    if (str_eq(spill->agreed, a->who)) {
        a->his = true;
        return;
    }
    struct gate_spill *found = &a->found[a->count++];
    *found = *spill;
    found->by = arena_str(a->texts, spill->by);
    found->because = arena_str(a->texts, spill->because);
    found->agreed = arena_str(a->texts, spill->agreed);
    a->short_of_memory |= found->by.at == NULL || found->because.at == NULL || found->agreed.at == NULL;
}

static err_t agree(struct gate *gate, struct confirming *a, int64_t now_us, size_t *agreed, size_t *first)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < a->count && err == ERR_OK; i++) {
        struct gate_spill *spill = &a->found[i];
        /* Who is declared no more, or has another key now, is no first of two: another takes his place. */
        bool both = spill->agreed.len > 0 && approval_is_person(gate, spill->agreed);
        spill->waits = !both;
        spill->agreed = a->who;
        err = spill_restate(gate, spill, now_us);
        *(both ? agreed : first) += err == ERR_OK;
    }
    return err != ERR_OK ? err : gate_commit(gate);
}

err_t gate_recall_confirm(struct gate *gate, const struct gate_recall_which *which, const struct gate_by *by,
                          int64_t now_us, size_t *out_agreed, size_t *out_first)
{
    size_t agreed = 0, first = 0;
    bool denied = false;
    err_t err = gate->read_only ? ERR_READONLY : ERR_OK;
    struct confirming *a = err != ERR_OK ? NULL : mem_alloc(sizeof *a);
    *out_agreed = *out_first = 0;
    if (a == NULL)
        return err != ERR_OK ? err : ERR_NOMEM;
    do {
        *a = (struct confirming) {.which = which, .who = by->who, .texts = &gate->accept_arena};
        arena_reset(&gate->accept_arena);
        err = gate_spills(gate, find_waiting, a);
        if (err == ERR_OK && a->short_of_memory)
            err = ERR_NOMEM;
        denied |= a->his && agreed + first == 0;
        if (err == ERR_OK && a->count > 0)
            err = agree(gate, a, now_us, &agreed, &first);
    } while (err == ERR_OK && a->count > 0);
    mem_free(a);
    *out_agreed = agreed;
    *out_first = first;
    if (err != ERR_OK)
        return err;
    return agreed + first > 0 ? ERR_OK : denied ? ERR_DENIED : ERR_NOTFOUND;
}

/* --- destroying --- */

bool gate_recall_due(const struct gate *gate)
{
    return gate->recalls_open && gate->recall_count > 0 && !gate->read_only;
}

struct due {
    struct gate *gate;
    struct arena *texts;
    uint64_t lsns[LIMIT_RECALL_BATCH];
    size_t count;
    struct gate_by by; /* of all of these */
};

static void take_due(void *ctx, const struct gate_spill *spill)
{
    struct due *due = ctx;
    if (spill->why == GATE_SPILLED || spill->waits || spill->report || spill->destroyed ||
        due->count == LIMIT_RECALL_BATCH || gate_legal_is(due->gate, &spill->key) ||
        (due->count > 0 && !(str_eq(due->by.who, spill->by) && str_eq(due->by.because, spill->because))))
        return;
    if (due->count == 0)
        due->by = (struct gate_by) {arena_str(due->texts, spill->by), arena_str(due->texts, spill->because)};
    due->lsns[due->count++] = spill->lsn;
}

err_t gate_recall_step(struct gate *gate, int64_t now_us, bool *out_did)
{
    struct due due = {.gate = gate, .texts = &gate->accept_arena};
    struct gate_destroyed gone;
    err_t err;
    *out_did = false;
    /* First everybody is told. */
    if (!gate_recall_due(gate) || (gate->policy != NULL && job_suspended(gate) != NULL))
        return ERR_OK;
    arena_reset(&gate->accept_arena);
    if (TRY(err, gate_spills(gate, take_due, &due)))
        return err;
    if (due.count == 0) {
        gate->recalls_open = false;
        return ERR_OK;
    }
    if (due.by.who.at == NULL || due.by.because.at == NULL)
        return ERR_NOMEM;
    char who[RECORD_TEXT_MAX], because[RECORD_WORDS_MAX];
    memcpy(who, due.by.who.at, due.by.who.len);
    memcpy(because, due.by.because.at, due.by.because.len);
    struct gate_by by = {{who, due.by.who.len}, {because, due.by.because.len}};
    err = gate_destroy(gate, due.lsns, due.count, RECORD_CAUSE_RECALL, &by, now_us, &gone);
    if (err == ERR_LIMIT && due.count > 1)
        err = gate_destroy(gate, due.lsns, 1, RECORD_CAUSE_RECALL, &by, now_us, &gone);
    if (err == ERR_BUSY) /* something of it waits to be decided, or told */
        return ERR_OK;
    *out_did = err == ERR_OK;
    return err;
}

/* --- who has it --- */

/* 1: `u8 1, time, blob note` of who destroyed it; 2: `u8 2, u8 held under order, time, blob note`. */
static err_t answer_of(struct gate *gate, unsigned ledger, uint64_t place, int64_t *out_us, bool *out_held)
{
    uint8_t key[TOLD_KEY_SIZE];
    struct bytes value;
    (void)told_key(ledger, place, key);
    err_t err = fact_get(gate, RECORD_FACT_ANSWER, bytes_of(key + 1, sizeof key - 1), &value);
    *out_us = 0;
    *out_held = false;
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct rd rd = rd_of(value);
    unsigned version = rd_u8(&rd);
    if (version != FACT_VERSION && version != ANSWER_VERSION)
        return ERR_VERSION;
    *out_held = version == ANSWER_VERSION && rd_u8(&rd) != 0;
    *out_us = (int64_t)rd_u64(&rd);
    return rd.err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

/* One leaf more that told the same holder of the same object (one for each that gave it to him): he has done
 * what all of them ask, or not yet. */
static void join_holder(struct gate_recall_holder *into, const struct gate_recall_holder *more)
{
    bool answered = into->answered_us != 0 && more->answered_us != 0;
    int64_t last_us = into->answered_us > more->answered_us ? into->answered_us : more->answered_us;
    into->seq = more->seq;
    into->before |= more->before;
    into->fetched &= more->fetched;
    into->held = answered && (into->held || more->held);
    into->answered_us = answered ? last_us : 0;
}

static err_t holder_read(struct gate *gate, struct bytes key, struct bytes value,
                         struct gate_recall_holder *out)
{
    struct rd rd = rd_of(bytes_of(key.at + 1, key.len - 1)), about = rd_of(value);
    *out = (struct gate_recall_holder) {.ledger = rd_u8(&rd), .lsn = rd_u64(&about)};
    uint64_t place = rd_u64(&rd);
    if (rd_end(&rd) != ERR_OK || rd_end(&about) != ERR_OK || !ledger_held(gate, out->ledger))
        return ERR_CORRUPT;
    out->partner = gate_ledger_partner(out->ledger);
    out->first = out->seq = epoch_place_seq(place);
    out->before = epoch_place_epoch(place) != gate->peers[out->partner].epoch;
    out->fetched = !out->before && gate->views[out->ledger].receipted > out->seq;
    return answer_of(gate, out->ledger, place, &out->answered_us, &out->held);
}

err_t gate_recall_holders(struct gate *gate, uint64_t lsn,
                          void (*each)(void *ctx, const struct gate_recall_holder *holder), void *ctx)
{
    struct gate_recall_holder last = {.lsn = 0}, holder; /* no object has position 0 */
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of("r", 1), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        if (TRY(err, holder_read(gate, key, value, &holder)))
            break;
        if (lsn != 0 && holder.lsn != lsn)
            continue;
        if (last.lsn == holder.lsn && last.ledger == holder.ledger && last.seq + 1 == holder.seq) {
            join_holder(&last, &holder);
            continue;
        }
        if (last.lsn != 0)
            each(ctx, &last);
        last = holder;
    }
    if (last.lsn != 0 && err == ERR_NOTFOUND)
        each(ctx, &last);
    store_scan_close(scan);
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

bool gate_recall_moved(struct gate *gate)
{
    bool moved = gate->recalls_moved;
    gate->recalls_moved = false;
    return moved;
}

struct counting {
    struct gate *gate;
    int64_t now_us;
    struct gate_recall_counts counts;
};

static void count_holder(void *ctx, const struct gate_recall_holder *holder)
{
    struct counting *c = ctx;
    struct gate_recall_counts *counts = &c->counts;
    const struct spilled *row = spilled_at(c->gate, holder->lsn);
    int64_t deadline_us = row == NULL ? 0 : row->deadline_us;
    if (holder->answered_us != 0) {
        *(holder->held ? &counts->held : &counts->done) += 1;
    } else if (holder->before || gate_peer_get(c->gate, holder->partner)->node.len == 0) {
        counts->cannot++;
    } else if (deadline_us != 0 && c->now_us > deadline_us) {
        counts->overdue++;
        if (deadline_us > counts->overdue_us)
            counts->overdue_us = deadline_us;
    } else {
        counts->pending++;
        if (deadline_us != 0 && deadline_us < counts->next_us)
            counts->next_us = deadline_us;
    }
}

err_t gate_recall_count(struct gate *gate, int64_t now_us, struct gate_recall_counts *out)
{
    struct counting c = {.gate = gate, .now_us = now_us, .counts = {.next_us = INT64_MAX}};
    err_t err = gate->recall_count == 0 ? ERR_OK : gate_recall_holders(gate, 0, count_holder, &c);
    if (err == ERR_OK)
        *out = c.counts;
    return err;
}

err_t gate_recall_answered(struct gate *gate, unsigned ledger, uint64_t seq, bool held, struct bytes note,
                           int64_t now_us)
{
    uint8_t key[TOLD_KEY_SIZE];
    uint64_t object;
    int64_t answered_us;
    bool was_held;
    const struct gate_peer *peer = gate_peer_get(gate, gate_ledger_partner(ledger));
    err_t err;
    if (peer == NULL)
        return ERR_NOTFOUND;
    uint64_t place = place_of(gate, ledger, seq);
    if (TRY(err, row_get_u64(gate, told_key(ledger, place, key), &object)) ||
        TRY(err, answer_of(gate, ledger, place, &answered_us, &was_held)))
        return err;
    if (answered_us != 0 && (!was_held || held)) /* what is destroyed is not held again */
        return ERR_EXISTS;
    struct gate_by by = {peer->audience, held ? STR("recall-held") : STR("recall-done")};
    buf_clear(&gate->scratch);
    gate->recalls_moved = true;
    wr_u8(&gate->scratch, ANSWER_VERSION);
    wr_u8(&gate->scratch, held);
    wr_u64(&gate->scratch, (uint64_t)now_us);
    wr_blob(&gate->scratch, note);
    return fact_state(gate, RECORD_FACT_ANSWER, bytes_of(key + 1, sizeof key - 1), &by, now_us);
}

/* --- a partner's word --- */

enum { CALLED_KEY_SIZE = 2 + 8 };

struct called {
    uint64_t lsn; /* of what it called back; 0: nothing of it was held */
    int64_t at_us;
    enum { ANSWERED_NOT, ANSWERED_DONE, ANSWERED_HELD } answered; /* what he has */
};

static struct bytes called_key(uint32_t source, uint64_t place, uint8_t out[CALLED_KEY_SIZE])
{
    wr_at(out, source, 2);
    wr_at_u64(out + 2, place);
    return bytes_of(out, CALLED_KEY_SIZE);
}

static err_t called_read(struct bytes value, struct called *out)
{
    struct rd rd = rd_of(value);
    if (rd_u8(&rd) != FACT_VERSION)
        return ERR_VERSION;
    out->lsn = rd_u64(&rd);
    out->at_us = (int64_t)rd_u64(&rd);
    unsigned answered = rd_u8(&rd);
    out->answered = answered == ANSWERED_HELD ? ANSWERED_HELD : answered != 0 ? ANSWERED_DONE : ANSWERED_NOT;
    return rd_end(&rd) == ERR_OK && answered <= ANSWERED_HELD ? ERR_OK : ERR_CORRUPT;
}

static err_t called_state(struct gate *gate, const struct gate_peer *peer, uint64_t place,
                          const struct called *called, int64_t now_us)
{
    uint8_t key[CALLED_KEY_SIZE];
    struct gate_by by = {peer->audience, STR("recall")};
    buf_clear(&gate->scratch);
    wr_u8(&gate->scratch, FACT_VERSION);
    wr_u64(&gate->scratch, called->lsn);
    wr_u64(&gate->scratch, (uint64_t)called->at_us);
    wr_u8(&gate->scratch, (uint8_t)called->answered);
    return fact_state(gate, RECORD_FACT_RECALL, called_key(peer->source, place, key), &by, now_us);
}

/* He called back what he brought, while others said it. */
static bool unsaid(const struct gate *gate, uint64_t lsn)
{
    uint8_t key[8];
    struct bytes value;
    wr_at_u64(key, lsn);
    return fact_get(gate, RECORD_FACT_UNSAID, bytes_of(key, sizeof key), &value) == ERR_OK;
}

static err_t unsaid_state(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us)
{
    uint8_t key[8];
    wr_at_u64(key, lsn);
    buf_clear(&gate->scratch);
    wr_u8(&gate->scratch, FACT_VERSION);
    err_t err = fact_state(gate, RECORD_FACT_UNSAID, bytes_of(key, sizeof key), by, now_us);
    return err == ERR_OK ? ERR_EXISTS : err;
}

err_t recall_said_again(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us)
{
    uint8_t key[8];
    if (!unsaid(gate, lsn))
        return ERR_OK;
    wr_at_u64(key, lsn);
    buf_clear(&gate->scratch);
    return fact_state(gate, RECORD_FACT_UNSAID, bytes_of(key, sizeof key), by, now_us);
}

/* Did anybody else bring the same words, and not call them back himself? */
static bool others_say_it(const struct gate *gate, const struct subject *subject, uint32_t source)
{
    for (size_t i = 0; i < subject->copies->count; i++) {
        const struct copy *copy = &subject->copies->at[i];
        if (copy->source != source && copy_says_same(copy, subject->copy) && !spilled(gate, copy->lsn) &&
            !unsaid(gate, copy->lsn))
            return true;
    }
    return false;
}

/* What of `lsn`, which one of his leaves brought, is his to call back: all of it, or his report alone where
 * others said the same and it is not at home with him. Where the bytes are those that he brought they stay
 * by the others' word (ERR_EXISTS) until the last of them calls it back. */
static err_t call_back(struct gate *gate, const struct gate_peer *peer, uint64_t lsn,
                       const struct gate_by *by, int64_t now_us)
{
    struct gate_spill spill = {.why = GATE_CALLED_BACK};
    struct record_envelope envelope = {.about = lsn};
    struct subject subject;
    struct frame frame;
    err_t err;
    if (lsn >= store_durable_lsn(gate->store))
        return ERR_UNSUPPORTED; /* no issuer gives in one page what it calls back there */
    if (TRY(err, beyond_budget(gate, GATE_CALLED_BACK, by->who, 1, now_us, &spill.waits)) ||
        TRY(err, store_read(gate->store, lsn, &frame)))
        return err;
    bool report = frame.kind == FRAME_SEEN;
    if (frame.kind == FRAME_QUAR)
        return spill_state(gate, lsn, by, now_us, &spill);
    if (report && TRY(err, record_envelope_read(frame.payload, &envelope)))
        return err;
    arena_reset(&gate->step_arena);
    err = subject_load(gate, envelope.about, &gate->step_arena, &subject);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_EXISTS : err; /* gone before */
    /* Of what was another's to say nobody is the owner because that one's copy was destroyed since. */
    bool home = subject.copy->owner == peer->source && (subject.copy->flags & COPY_ASSERTION) == 0;
    bool others = others_say_it(gate, &subject, peer->source);
    if (home || (!others && (!report || unsaid(gate, envelope.about))))
        return spill_state(gate, envelope.about, by, now_us, &spill);
    return report ? spill_report(gate, lsn, envelope.about, by, now_us, &spill)
                  : unsaid_state(gate, envelope.about, by, now_us);
}

/* A recall by the urgent ledger may overtake what it calls back: that must not be shown when it comes. */
static err_t call_ahead(struct gate *gate, const struct gate_peer *peer, uint64_t subject,
                        const struct gate_by *by, int64_t now_us)
{
    uint8_t key[CALLED_KEY_SIZE];
    buf_clear(&gate->scratch);
    wr_u8(&gate->scratch, FACT_VERSION);
    return fact_state(gate, RECORD_FACT_AHEAD, called_key(peer->source, subject, key), by, now_us);
}

bool recall_came_first(const struct gate *gate, const struct gate_peer *peer, const struct leaf *leaf)
{
    uint8_t key[CALLED_KEY_SIZE];
    struct bytes value;
    return fact_get(gate, RECORD_FACT_AHEAD,
                    called_key(peer->source, epoch_place(leaf->epoch, leaf->seq), key), &value) == ERR_OK;
}

err_t recall_take(struct gate *gate, unsigned ledger, const struct gate_received *leaf, int64_t now_us)
{
    const struct gate_peer *peer = gate_peer_get(gate, gate_ledger_partner(ledger));
    struct called called = {.at_us = now_us};
    struct gate_by by = {peer->audience, STR("recall")};
    uint32_t epoch = leaf->leaf.epoch;
    bool urgent = gate_ledger_is_urgent(ledger);
    uint64_t subject = epoch_place(epoch, leaf->opening.subject_seq);
    err_t err = received_get(gate, peer->source, subject, &called.lsn);
    if (err == ERR_OK)
        err = call_back(gate, peer, called.lsn, &by, now_us);
    else if (err == ERR_NOTFOUND && urgent)
        err = call_ahead(gate, peer, subject, &by, now_us);
    if (err == ERR_FULL) /* a clear word to the issuer; the operators see it in the count of refused leaves */
        return ERR_UNSUPPORTED;
    if (err != ERR_OK && err != ERR_NOTFOUND && err != ERR_EXISTS)
        return err;
    gate->recalls_answered[urgent] |= UINT64_C(1) << peer->index;
    return called_state(gate, peer, epoch_place_in(ledger, epoch, leaf->leaf.seq), &called, now_us);
}

/* --- what we answer --- */

/* Nothing opens it any more, no copy of the key file either. */
static bool is_gone(struct gate *gate, uint64_t lsn)
{
    return gate_is_destroyed(gate, lsn) && !gate_is_unconfirmed(gate, lsn);
}

/* Does nothing of it stand here any more by his word? */
static err_t is_done(struct gate *gate, uint64_t lsn, bool *out)
{
    struct record_envelope envelope = {.about = lsn};
    struct frame frame;
    err_t err;
    *out = lsn == 0 || is_gone(gate, lsn);
    if (*out || gate_is_destroyed(gate, lsn))
        return ERR_OK;
    if (TRY(err, store_read(gate->store, lsn, &frame)) ||
        (frame.kind == FRAME_SEEN && TRY(err, record_envelope_read(frame.payload, &envelope))))
        return err;
    *out = !recalled(gate, envelope.about) || is_gone(gate, envelope.about);
    return ERR_OK;
}

/* Does an order keep what goes by his word? */
static bool is_held(struct gate *gate, uint64_t lsn)
{
    struct record_envelope envelope = {.about = lsn};
    struct frame frame;
    if (store_read(gate->store, lsn, &frame) != ERR_OK ||
        (frame.kind == FRAME_SEEN && record_envelope_read(frame.payload, &envelope) != ERR_OK))
        return false;
    const struct spilled *row = spilled_at(gate, envelope.about);
    return row != NULL && gate_legal_is(gate, &row->key);
}

/* What he is to be told of it now, if anything. *out_waits: there will be something. */
static err_t answer_now(struct gate *gate, const struct called *called, bool *out_done, bool *out_held,
                        bool *out_waits)
{
    err_t err;
    *out_done = *out_held = false;
    if (called->answered == ANSWERED_DONE || TRY(err, is_done(gate, called->lsn, out_done)))
        return called->answered == ANSWERED_DONE ? ERR_OK : err;
    if (*out_done)
        return ERR_OK;
    bool held = is_held(gate, called->lsn);
    *out_held = held && called->answered != ANSWERED_HELD;
    *out_waits |= !held;
    return ERR_OK;
}

err_t gate_recall_owed(struct gate *gate, unsigned ledger, uint64_t from, struct gate_recall_owed *out)
{
    unsigned partner = gate_ledger_partner(ledger);
    const struct gate_peer *peer = gate_peer_get(gate, partner);
    uint64_t *answered = &gate->recalls_answered[gate_ledger_is_urgent(ledger)];
    uint8_t head[FACT_KEY_SIZE_MAX], source[2];
    struct store_scan *scan;
    struct bytes key, value;
    bool found = false, held = false, waits = false;
    err_t err;
    if (peer == NULL || (*answered >> partner & 1) == 0 || gate_purge_due(gate))
        return ERR_NOTFOUND; /* what is not purged is not done */
    wr_at(source, peer->source, 2);
    if (TRY(err,
            store_scan_open(gate->store, TABLE_FACT, fact_key(RECORD_FACT_RECALL, bytes_of(source, 2), head),
                            bytes_of(NULL, 0), &scan)))
        return err;
    while (!found && (err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct called called;
        struct rd rd = rd_of(bytes_of(key.at + 4, key.len - 4));
        uint64_t place = rd_u64(&rd), seq = epoch_place_seq(place);
        if (TRY(err, called_read(value, &called)))
            break;
        if (epoch_place_is_urgent(place) != gate_ledger_is_urgent(ledger) ||
            epoch_place_epoch(place) != gate->following[partner])
            continue; /* of his other ledger; or nobody asks for it any more */
        if (seq < from) {
            waits = true; /* not asked about: it may be owed still */
            continue;
        }
        if (TRY(err, answer_now(gate, &called, &found, &held, &waits)))
            break;
        found |= held;
        if (found)
            *out = (struct gate_recall_owed) {seq, called.at_us, held};
    }
    store_scan_close(scan);
    store_view_end(gate->store);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    if (!found && !waits)
        *answered &= ~(UINT64_C(1) << partner);
    return found ? ERR_OK : ERR_NOTFOUND;
}

err_t gate_recall_acknowledged(struct gate *gate, unsigned ledger, uint64_t seq, bool held, int64_t now_us)
{
    unsigned partner = gate_ledger_partner(ledger);
    const struct gate_peer *peer = gate_peer_get(gate, partner);
    uint8_t key[CALLED_KEY_SIZE];
    struct called called;
    struct bytes value;
    err_t err;
    if (peer == NULL)
        return ERR_NOTFOUND;
    uint64_t place = epoch_place_in(ledger, gate->following[partner], seq);
    if (TRY(err, fact_get(gate, RECORD_FACT_RECALL, called_key(peer->source, place, key), &value)) ||
        TRY(err, called_read(value, &called)))
        return err;
    called.answered = held ? ANSWERED_HELD : ANSWERED_DONE;
    return called_state(gate, peer, place, &called, now_us);
}
