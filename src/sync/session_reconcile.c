/* Is what was taken over still here (docs/protocol/RECONCILE.md)? Our bits are made a block at a time; the
 * issuer is asked down to the blocks that differ; what it gives and is not here is fetched, verified by the
 * root that is held, and taken over again. Nothing is ever taken back: only a leaf does that.
 *
 * What differs and cannot be brought together is kept as bits that are turned round, a setting a block, so
 * that the next run begins with what is known. */
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "sync/session_state.h"
#include "sync/voucher.h"
#include "json/json.h"

#define ASK_US   (LIMIT_RECONCILE_WAIT_US + 60 * SESSION_SECOND_US) /* its bits, then a bad line */
#define FETCH_US (60 * SESSION_SECOND_US)
#define HOUR_US  (3600 * SESSION_SECOND_US)
#define DAY_US   (24 * HOUR_US)

enum {
    STATUS_OK = 200,
    STATUS_LATER = 503,
    TRIES = 6, /* of one request */
    VERSION = 1,
    KEY_MAX = 96,
    TURNED_MAX = 1 + 4 + RECONCILE_BITMAP,
    NOTE_MAX = 1 + 8 + 7 * 8,
};

static const struct gate_by by_run = {{"reconcile", 9}, {"compared with the issuer", 24}};

/* --- what is kept: bits turned round, and when the last run ended --- */

static struct str audience_of(const struct sync_session *session)
{
    return gate_peer_get(session->gate, session->partner)->audience;
}

static struct str note_key(const struct sync_session *session, char out[KEY_MAX])
{
    int len = snprintf(out, KEY_MAX, "reconcile/%.*s", STR_ARG(audience_of(session)));
    return (struct str) {out, (size_t)len};
}

static struct str turned_key(const struct sync_session *session, uint32_t block, char out[KEY_MAX])
{
    int len = snprintf(out, KEY_MAX, "reconcile/%.*s/%u", STR_ARG(audience_of(session)), (unsigned)block);
    return (struct str) {out, (size_t)len};
}

/* Of the epoch that is compared; those of another one count no more. */
static bool turned_get(struct sync_session *session, uint32_t block, uint8_t out[RECONCILE_BITMAP])
{
    char key[KEY_MAX];
    struct buf value;
    buf_init(&value, TURNED_MAX);
    bool found = gate_setting_get(session->gate, turned_key(session, block, key), &value);
    struct rd rd = rd_of(buf_bytes(&value));
    found = found && rd_u8(&rd) == VERSION && rd_u32(&rd) == session->reconciling.epoch &&
            rd.left == RECONCILE_BITMAP;
    if (found)
        rd_copy(&rd, out, RECONCILE_BITMAP);
    else
        memset(out, 0, RECONCILE_BITMAP);
    buf_deinit(&value);
    return found;
}

static err_t turned_put(struct sync_session *session, uint32_t block, const uint8_t turned[RECONCILE_BITMAP],
                        int64_t now_us)
{
    static const uint8_t none[RECONCILE_BITMAP];
    char key[KEY_MAX];
    struct buf value;
    buf_init(&value, TURNED_MAX);
    if (memcmp(turned, none, RECONCILE_BITMAP) != 0) {
        wr_u8(&value, VERSION);
        wr_u32(&value, session->reconciling.epoch);
        wr_bytes(&value, bytes_of(turned, RECONCILE_BITMAP));
    }
    err_t err = buf_err(&value);
    if (err == ERR_OK)
        err = gate_setting_put(session->gate, turned_key(session, block, key), buf_bytes(&value), &by_run,
                               now_us);
    buf_deinit(&value);
    return err;
}

static err_t note_put(struct sync_session *session, int64_t now_us)
{
    const struct sync_reconciled *result = &session->reconciling.result;
    const uint64_t numbers[] = {result->size,  result->missing, result->mended,       result->refused,
                                result->moved, result->left,    result->given_no_more};
    char key[KEY_MAX];
    struct buf value;
    buf_init(&value, NOTE_MAX);
    wr_u8(&value, VERSION);
    wr_u64(&value, (uint64_t)result->ended_us);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        wr_u64(&value, numbers[i]);
    err_t err = buf_err(&value);
    if (err == ERR_OK)
        err = gate_setting_put(session->gate, note_key(session, key), buf_bytes(&value), &by_run, now_us);
    buf_deinit(&value);
    return err;
}

static void note_get(struct sync_session *session)
{
    struct sync_reconciled *result = &session->reconciling.result, noted = {.err = ERR_OK};
    uint64_t *const numbers[] = {&noted.size,  &noted.missing, &noted.mended,       &noted.refused,
                                 &noted.moved, &noted.left,    &noted.given_no_more};
    char key[KEY_MAX];
    struct buf value;
    buf_init(&value, NOTE_MAX);
    bool found = gate_setting_get(session->gate, note_key(session, key), &value);
    struct rd rd = rd_of(buf_bytes(&value));
    found = found && rd_u8(&rd) == VERSION;
    noted.ended_us = (int64_t)rd_u64(&rd);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = rd_u64(&rd);
    if (found && rd_end(&rd) == ERR_OK)
        *result = noted;
    buf_deinit(&value);
}

/* --- life --- */

void session_reconcile_init(struct sync_session *session)
{
    buf_init(&session->reconciling.request, LIMIT_SYNC_BODY_BYTES);
    buf_init(&session->reconciling.fetched, SYNC_ANSWER_BYTES_MAX + JSON_PADDING);
    if (session->main == NULL)
        note_get(session);
}

/* What one run needs. */
static void run_free(struct reconciling *r)
{
    reconcile_end(&r->walk);
    reconcile_set_deinit(&r->own);
    buf_deinit(&r->request);
    buf_deinit(&r->fetched);
    mem_free(r->missing);
    mem_free(r->again);
    r->missing = NULL;
    r->again = NULL;
    r->missing_count = r->missing_next = r->again_count = 0;
    r->flight.id = 0;
    r->phase = RECONCILING_REST;
}

void session_reconcile_deinit(struct sync_session *session)
{
    run_free(&session->reconciling);
}

static void due_after(struct sync_session *session, int64_t now_us, int64_t wait_us)
{
    uint64_t jitter = session_random(session) % (uint64_t)(2 * HOUR_US);
    session->reconciling.due_us = now_us + wait_us + (int64_t)jitter;
}

/* The run is over, and what was found until then stays. */
static void give_up(struct sync_session *session, err_t err, const char *what)
{
    struct reconciling *r = &session->reconciling;
    struct fault fault;
    if (r->phase == RECONCILING_REST)
        return;
    run_free(r);
    r->result.running = false;
    r->result.err = fault_set(&fault, err, 0, "%s", what);
    memcpy(r->result.what, fault.what, sizeof r->result.what);
}

static void run_failed(struct sync_session *session, err_t err, const char *what, int64_t now_us)
{
    give_up(session, err, what);
    due_after(session, now_us, HOUR_US);
    diag_say(&session->diag, DIAG_WARNING, err, "sync", "bongsu peer reconcile AUDIENCE tries again",
             "comparing with %s did not come to its end: %s", session_cards(session)->present.node,
             session->reconciling.result.what);
}

void session_reconcile_again(struct sync_session *session)
{
    give_up(session, ERR_CLOSED, "the link broke off");
}

void session_reconcile_known(struct sync_session *session, bool known, int64_t now_us)
{
    struct reconciling *r = &session->reconciling;
    if (session->main != NULL)
        return;
    r->known = known;
    if (r->due_us != 0)
        return;
    int64_t since_us = r->result.ended_us > 0 ? now_us - r->result.ended_us : DAY_US - HOUR_US;
    since_us = since_us < 0 ? 0 : since_us > DAY_US ? DAY_US : since_us;
    due_after(session, now_us, DAY_US - since_us);
}

void session_reconcile_clip(struct sync_session *session, int64_t now_us)
{
    struct reconciling *r = &session->reconciling;
    if (r->due_us > now_us + DAY_US + 2 * HOUR_US)
        r->due_us = now_us + DAY_US + 2 * HOUR_US;
    if (r->retry.at_us > now_us + 60 * SESSION_SECOND_US)
        r->retry.at_us = now_us;
}

static void run_begin(struct sync_session *session, int64_t now_us)
{
    struct reconciling *r = &session->reconciling;
    int64_t ended_us = r->result.ended_us;
    r->result = (struct sync_reconciled) {
        .running = true, .run = r->result.run + 1, .ended_us = ended_us, .size = session->held.size};
    r->phase = RECONCILING_LOOK;
    r->size = session->held.size;
    r->root = session->held.root;
    r->epoch = session->epoch;
    r->retry = (struct retry) {0, now_us};
    buf_init(&r->request, LIMIT_SYNC_BODY_BYTES);
    buf_init(&r->fetched, SYNC_ANSWER_BYTES_MAX + JSON_PADDING);
    err_t err = reconcile_set_begin(&r->own, r->size);
    if (err != ERR_OK)
        run_failed(session, err,
                   err == ERR_LIMIT ? "the ledger has more leaves than can be compared" : err_text(err),
                   now_us);
}

err_t sync_session_reconcile(struct sync_session *session, int64_t now_us)
{
    if (session->reconciling.phase != RECONCILING_REST)
        return ERR_BUSY;
    if (session->state != SYNC_FEED || session->held.size == 0)
        return ERR_WRONGSTATE;
    if (!session->reconciling.known)
        return ERR_UNSUPPORTED;
    run_begin(session, now_us);
    return ERR_OK;
}

const struct sync_reconciled *sync_session_reconciled(const struct sync_session *session)
{
    return &session->reconciling.result;
}

/* --- looking at what is here --- */

static void look_step(struct sync_session *session, int64_t now_us)
{
    struct reconciling *r = &session->reconciling;
    uint8_t turned[RECONCILE_BITMAP], *bits = reconcile_set_next(&r->own);
    uint32_t block = r->own.made;
    unsigned count = reconcile_leaves(r->size, block);
    err_t err = gate_leaves_held(session->gate, session->ledger, r->epoch, (uint64_t)block * RECONCILE_BLOCK,
                                 count, bits);
    if (err != ERR_OK) {
        run_failed(session, err, err_text(err), now_us);
        return;
    }
    if (turned_get(session, block, turned))
        for (unsigned i = 0; i < count; i++)
            if (reconcile_bit(turned, i))
                reconcile_flip(bits, i);
    reconcile_set_made(&r->own);
    if (!reconcile_set_whole(&r->own))
        return;
    r->phase = RECONCILING_ASK;
    if (TRY(err, reconcile_begin(&r->walk, &r->own, r->epoch)))
        run_failed(session, err, err_text(err), now_us);
}

/* --- asking --- */

static void request_send(struct sync_session *session, const char *path, struct str query, int64_t quiet_us,
                         int64_t now_us, struct sync_action *out)
{
    struct reconciling *r = &session->reconciling;
    struct sync_send what = {.method = EXCHANGE_POST,
                             .path = str_of(path),
                             .query = query,
                             .content_type = SYNC_MEDIA_TYPE,
                             .body = buf_bytes(&r->request)};
    r->result.sent_bytes += r->request.len;
    session_send(session, &r->flight, now_us, quiet_us, &what, out);
}

/* A request that failed is sent once more as it was. */
static void ask(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct reconciling *r = &session->reconciling;
    if (r->walk.asked_count == 0) {
        buf_clear(&r->request);
        reconcile_ask(&r->walk, &r->request);
    }
    request_send(session, SYNC_PATH_RECONCILE, STR(""), ASK_US, now_us, out);
}

struct differing {
    struct sync_session *session;
    int64_t now_us;
};

static bool missing_add(struct reconciling *r, uint64_t seq)
{
    r->result.missing++;
    if (r->missing == NULL)
        r->missing = mem_alloc_array(LIMIT_RECONCILE_MISSING, sizeof *r->missing);
    if (r->again == NULL)
        r->again = mem_alloc_array(LIMIT_FETCH_LEAVES, sizeof *r->again);
    if (r->missing == NULL || r->again == NULL)
        return false;
    if (r->missing_count < LIMIT_RECONCILE_MISSING)
        r->missing[r->missing_count++] = seq;
    else
        r->result.left++;
    return true;
}

/* One bit that is not the same. *turn: it is turned round, or back. What was called back and is gone here is
 * no news; nor is what ended and is given once more in the same words. */
static bool look_at(struct sync_session *session, uint64_t seq, bool ours, bool was_turned, bool *turn)
{
    struct reconciling *r = &session->reconciling;
    bool held = ours != was_turned;
    bool stands = gate_leaf_stands(session->gate, session->ledger, r->epoch, seq);
    *turn = ours || held || stands; /* it is given no more; or it is given again, and here */
    r->result.given_no_more += ours && held && stands;
    return *turn || missing_add(r, seq);
}

static err_t block_differs(void *ctx, uint32_t block, const uint8_t *theirs)
{
    struct differing *d = ctx;
    struct reconciling *r = &d->session->reconciling;
    const uint8_t *ours = reconcile_set_block(&r->own, block);
    uint8_t turned[RECONCILE_BITMAP];
    bool changed = false, turn;
    (void)turned_get(d->session, block, turned);
    for (unsigned i = 0; i < reconcile_leaves(r->size, block); i++) {
        if (reconcile_bit(ours, i) == reconcile_bit(theirs, i))
            continue;
        if (!look_at(d->session, (uint64_t)block * RECONCILE_BLOCK + i, reconcile_bit(ours, i),
                     reconcile_bit(turned, i), &turn))
            return ERR_NOMEM;
        if (turn)
            reconcile_flip(turned, i);
        changed = changed || turn;
    }
    return changed ? turned_put(d->session, block, turned, d->now_us) : ERR_OK;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *one = a, *other = b;
    return (*one > *other) - (*one < *other);
}

static void walk_over(struct reconciling *r)
{
    r->phase = r->missing_count > 0 ? RECONCILING_FETCH : RECONCILING_END;
    if (r->missing_count > 1)
        qsort(r->missing, r->missing_count, sizeof *r->missing, by_number);
}

static void asked(struct sync_session *session, const struct buf *body, int64_t now_us)
{
    struct reconciling *r = &session->reconciling;
    struct differing d = {session, now_us};
    struct fault fault = {.code = ERR_OK};
    r->result.round_trips++;
    r->result.find_bytes += r->request.len + body->len;
    err_t err = reconcile_take(&r->walk, buf_bytes(body), block_differs, &d, &fault);
    if (err != ERR_OK)
        run_failed(session, err, fault.what, now_us);
    else if (reconcile_done(&r->walk))
        walk_over(r);
}

/* --- fetching --- */

static void fetch(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct reconciling *r = &session->reconciling;
    size_t left = r->missing_count - r->missing_next;
    r->fetch.epoch = r->epoch;
    r->fetch.size = r->size;
    r->fetch.count = (uint16_t)(left < LIMIT_FETCH_LEAVES ? left : LIMIT_FETCH_LEAVES);
    memcpy(r->fetch.leaves, r->missing + r->missing_next, r->fetch.count * sizeof r->fetch.leaves[0]);
    buf_clear(&r->request);
    sync_fetch_write(&r->request, &r->fetch);
    struct str query = session->vouchers ? STR(SYNC_QUERY_VOUCHERS) : STR("");
    request_send(session, SYNC_PATH_FETCH, query, FETCH_US, now_us, out);
}

/* Verified now, taken over with the next step. */
static void fetched(struct sync_session *session, struct buf *body, int64_t now_us)
{
    static const uint8_t padding[JSON_PADDING];
    struct reconciling *r = &session->reconciling;
    struct fault fault = {.code = ERR_OK};
    buf_clear(&r->fetched);
    buf_put(&r->fetched, body->at, body->len);
    buf_put(&r->fetched, padding, sizeof padding);
    r->result.fetches++;
    err_t err = buf_err(&r->fetched);
    if (err == ERR_OK)
        err = sync_fetched_check(&r->fetch, &r->root, bytes_of(r->fetched.at, body->len), r->again,
                                 &r->again_count, &fault);
    for (size_t i = 0; i < r->again_count && err == ERR_OK; i++)
        if (r->again[i].object.len == 0 && !r->again[i].withheld)
            err = fault_set(&fault, ERR_INVALID, 0, "leaf %llu has no content, and was said to be given",
                            (unsigned long long)r->again[i].leaf.seq);
    if (err != ERR_OK) {
        run_failed(session, err, fault.what[0] != '\0' ? fault.what : err_text(err), now_us);
        return;
    }
    r->missing_next += r->again_count;
    r->phase = RECONCILING_TAKE;
}

/* True: a commit is wanted. */
static bool take(struct sync_session *session, int64_t now_us, int64_t *until)
{
    struct reconciling *r = &session->reconciling;
    size_t count = 0;
    for (size_t i = 0; i < r->again_count; i++) {
        r->result.moved += r->again[i].withheld;
        if (!r->again[i].withheld)
            r->again[count++] = r->again[i];
    }
    r->again_count = count;
    r->phase = RECONCILING_KEEP;
    sync_vouchers_look(session->gate, session->own, session_cards(session)->present.node, r->again, count,
                       now_us, &session->diag);
    err_t err = gate_receive_again(session->gate, session->ledger, r->again, count, now_us);
    if (err == ERR_BUSY) { /* the index lags: it catches up soon */
        r->phase = RECONCILING_TAKE;
        r->retry.at_us = now_us + SESSION_SECOND_US / 20;
        *until = r->retry.at_us < *until ? r->retry.at_us : *until;
        return false;
    }
    if (err != ERR_OK)
        run_failed(session, err, err_text(err), now_us);
    return err == ERR_OK;
}

/* It may be one that is refused again and leaves nothing: then its bit is turned round. */
static err_t settle(struct sync_session *session, const struct gate_received *leaf, int64_t now_us)
{
    struct reconciling *r = &session->reconciling;
    uint8_t turned[RECONCILE_BITMAP], held = 0;
    uint64_t seq = leaf->leaf.seq;
    uint32_t block = (uint32_t)(seq / RECONCILE_BLOCK);
    r->result.mended += !leaf->refused;
    r->result.refused += leaf->refused;
    err_t err = gate_leaves_held(session->gate, session->ledger, r->epoch, seq, 1, &held);
    if (err != ERR_OK || held != 0)
        return err;
    (void)turned_get(session, block, turned);
    reconcile_flip(turned, seq % RECONCILE_BLOCK);
    return turned_put(session, block, turned, now_us);
}

static void kept(struct sync_session *session, int64_t now_us)
{
    struct reconciling *r = &session->reconciling;
    err_t err = ERR_OK;
    for (size_t i = 0; i < r->again_count && err == ERR_OK; i++)
        err = settle(session, &r->again[i], now_us);
    r->phase = r->missing_next < r->missing_count ? RECONCILING_FETCH : RECONCILING_END;
    if (err != ERR_OK)
        run_failed(session, err, err_text(err), now_us);
}

/* --- the end --- */

static void say(struct sync_session *session)
{
    const struct sync_reconciled *result = &session->reconciling.result;
    if (result->missing > 0)
        diag_say(&session->diag, DIAG_WARNING, ERR_NOTFOUND, "sync",
                 "if it happens again: bongsu check; then look at the disk",
                 "of what %s gave %llu objects were not here any more: %llu were fetched again",
                 session_cards(session)->present.node, (unsigned long long)result->missing,
                 (unsigned long long)result->mended);
    if (result->given_no_more > 0)
        diag_say(&session->diag, DIAG_NOTICE, ERR_OK, "sync", NULL,
                 "%llu objects are held here that %s gives no more and has not called back: they stay",
                 (unsigned long long)result->given_no_more, session_cards(session)->present.node);
}

static bool end(struct sync_session *session, int64_t now_us)
{
    struct reconciling *r = &session->reconciling;
    r->result.ended_us = now_us;
    err_t err = note_put(session, now_us);
    if (err != ERR_OK) {
        run_failed(session, err, err_text(err), now_us);
        return false;
    }
    r->phase = RECONCILING_NOTE;
    return true;
}

void session_reconcile_committed(struct sync_session *session, err_t err, int64_t now_us)
{
    struct reconciling *r = &session->reconciling;
    if (r->phase != RECONCILING_KEEP && r->phase != RECONCILING_NOTE)
        return;
    if (err != ERR_OK) {
        run_failed(session, err, err_text(err), now_us);
    } else if (r->phase == RECONCILING_KEEP) {
        kept(session, now_us);
    } else {
        run_free(r);
        r->result.running = false;
        due_after(session, now_us, DAY_US);
        say(session);
    }
}

/* --- step --- */

static bool sends(struct sync_session *session, int64_t now_us, int64_t *until, struct sync_action *out)
{
    struct reconciling *r = &session->reconciling;
    if (r->flight.id != 0)
        return false;
    if (r->retry.at_us > now_us) {
        *until = r->retry.at_us < *until ? r->retry.at_us : *until;
        return false;
    }
    if (r->phase == RECONCILING_ASK)
        ask(session, now_us, out);
    else
        fetch(session, now_us, out);
    return true;
}

static bool commits(struct sync_session *session, int64_t now_us, int64_t *until, struct sync_action *out)
{
    struct reconciling *r = &session->reconciling;
    if (session->receiving || r->retry.at_us > now_us) {
        *until = r->retry.at_us > now_us && r->retry.at_us < *until ? r->retry.at_us : *until;
        return false;
    }
    bool wanted = r->phase == RECONCILING_TAKE ? take(session, now_us, until) : end(session, now_us);
    if (wanted)
        out->kind = SYNC_COMMIT;
    return wanted;
}

bool session_reconcile_step(struct sync_session *session, int64_t now_us, int64_t *until,
                            struct sync_action *out)
{
    struct reconciling *r = &session->reconciling;
    if (session->main != NULL || !r->known || session->held.size == 0)
        return false;
    if (r->phase == RECONCILING_REST && now_us >= r->due_us)
        run_begin(session, now_us);
    switch (r->phase) {
    case RECONCILING_REST:
        *until = r->due_us < *until ? r->due_us : *until;
        return false;
    case RECONCILING_LOOK:
        look_step(session, now_us);
        *until = now_us + 1; /* others go first */
        return false;
    case RECONCILING_ASK:
    case RECONCILING_FETCH:
        return sends(session, now_us, until, out);
    case RECONCILING_TAKE:
    case RECONCILING_END:
        return commits(session, now_us, until, out);
    default: /* a commit is under way */
        return false;
    }
}

/* --- what comes back --- */

static void try_again(struct sync_session *session, err_t err, const char *what, int64_t now_us)
{
    struct reconciling *r = &session->reconciling;
    if (r->retry.failures + 1 < TRIES)
        session_retry_later(session, &r->retry, now_us);
    else
        run_failed(session, err, what, now_us);
}

void session_reconcile_answer(struct sync_session *session, unsigned status, struct buf *body, int64_t now_us)
{
    struct reconciling *r = &session->reconciling;
    if (r->phase != RECONCILING_ASK && r->phase != RECONCILING_FETCH)
        return;
    r->result.received_bytes += body->len;
    if (status == STATUS_LATER) {
        try_again(session, ERR_BUSY, session_status_words(status), now_us);
        return;
    }
    if (status != STATUS_OK) {
        run_failed(session, ERR_DENIED, session_status_words(status), now_us);
        return;
    }
    r->retry = (struct retry) {0, now_us};
    if (r->phase == RECONCILING_ASK)
        asked(session, body, now_us);
    else
        fetched(session, body, now_us);
}

void session_reconcile_failed(struct sync_session *session, err_t err, int64_t now_us)
{
    session->reconciling.flight.id = 0;
    if (session->reconciling.phase == RECONCILING_ASK || session->reconciling.phase == RECONCILING_FETCH)
        try_again(session, err, err_text(err), now_us);
}
