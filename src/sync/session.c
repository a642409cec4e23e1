#include "sync/session.h"

#include "core/mem.h"
#include "gate/halt.h"
#include "sync/session_state.h"
#include "sync/voucher.h"

#define MS_US          INT64_C(1000)
#define WAIT_FIRST_US  (200 * MS_US) /* SYNC.md section 2 */
#define WAIT_MOST_US   (60 * SESSION_SECOND_US)
#define HELLO_US       (15 * SESSION_SECOND_US)
#define RECEIPT_US     (30 * SESSION_SECOND_US)
#define FEED_US        ((LIMIT_SYNC_WAIT_S + 60) * SESSION_SECOND_US) /* the wait, then a bad line */
#define SLOW_US(bytes) ((int64_t)(bytes) / LIMIT_SYNC_SLOW_BYTES_S * SESSION_SECOND_US)
#define BUSY_US        (50 * MS_US) /* the gate's index lags: it catches up within that */
#define NEVER          INT64_MAX

/* --- life --- */

static void pages_drop(struct sync_session *session, size_t keep)
{
    while (session->page_count > keep)
        sync_checked_deinit(&session->pages[--session->page_count]);
}

/* Goes back to what is durable: reads the cursor. */
static err_t rewind_to_cursor(struct sync_session *session)
{
    struct gate_cursor cursor = {.epoch = 0};
    err_t err = gate_cursor(session->gate, session->ledger, &cursor);
    if (err == ERR_OK && session->main != NULL && cursor.epoch != session->main->epoch) {
        buf_deinit(&cursor.note); /* the urgent one begins with the main one */
        err = ERR_NOTFOUND;
    }
    pages_drop(session, 0);
    session->receiving = false;
    session->tip = (struct sync_tip) {.time_us = -1};
    buf_clear(&session->held.note);
    session->held.size = 0;
    session->held.root = merkle_empty();
    session->held.refused = 0;
    session->held.refused_digest = disposition_refused_begin();
    if (err == ERR_OK) {
        session->tip.edge = cursor.edge;
        session->held.size = cursor.edge.size;
        session->held.root = merkle_edge_root(&cursor.edge);
        session->held.refused = cursor.refused;
        session->held.refused_digest = cursor.refused_digest;
        buf_put(&session->held.note, cursor.note.at, cursor.note.len);
        err = buf_err(&session->held.note);
        buf_deinit(&cursor.note);
    } else if (err == ERR_NOTFOUND) {
        err = ERR_OK;
    }
    session->refusals.count = 0;
    session->refusals.before_count = session->held.refused;
    session->refusals.before = session->held.refused_digest;
    return err;
}

/* The origin is that of the checkpoint which was believed when it was stored. */
static err_t origin_recall(struct sync_session *session)
{
    struct note note;
    struct checkpoint checkpoint;
    struct ledger_origin origin;
    session->origin_len = 0;
    if (session->held.size == 0)
        return ERR_OK;
    if (note_parse(buf_str(&session->held.note), &note, NULL) != ERR_OK ||
        checkpoint_parse(note.text, &checkpoint, NULL) != ERR_OK || checkpoint.size != session->held.size ||
        !hash_eq(&checkpoint.root, &session->held.root) || checkpoint.origin.len > LEDGER_ORIGIN_MAX ||
        ledger_origin_parse(checkpoint.origin, &origin) != ERR_OK)
        return ERR_CORRUPT;
    memcpy(session->origin, checkpoint.origin.at, checkpoint.origin.len);
    session->origin_len = checkpoint.origin.len;
    session->epoch = origin.epoch;
    return ERR_OK;
}

static err_t make(const struct sync_session_setup *setup, struct sync_session *main,
                  struct sync_session **out)
{
    if (!ledger_name_ok(setup->node))
        return ERR_USAGE;
    struct sync_session *session = mem_alloc(sizeof *session);
    if (session == NULL)
        return ERR_NOMEM;
    session->gate = setup->gate;
    session->partner = setup->partner;
    session->ledger = main == NULL ? setup->partner : gate_urgent(setup->partner);
    session->main = main;
    session->cards.present = *setup->card;
    session->cards.has_next = setup->next != NULL;
    if (setup->next != NULL)
        session->cards.next = *setup->next;
    session->own = setup->own;
    memcpy(session->node, setup->node.at, setup->node.len);
    session->node_len = setup->node.len;
    session->random = setup->seed;
    session->diag = setup->diag != NULL ? *setup->diag : (struct diag) {NULL, NULL};
    buf_init(&session->request, LIMIT_SYNC_BODY_BYTES);
    buf_init(&session->held.note, LIMIT_NOTE_BYTES);
    buf_init(&session->receipt_body, LIMIT_SYNC_BODY_BYTES);
    buf_init(&session->evidence, LIMIT_NOTE_BYTES);
    buf_init(&session->carried, LIMIT_BUNDLE_REPORT_BYTES);
    buf_init(&session->recall.body, 2 * LIMIT_RECALL_ANSWER_BYTES);
    session_reconcile_init(session);
    err_t err = rewind_to_cursor(session);
    if (err == ERR_OK)
        err = origin_recall(session);
    if (err != ERR_OK) {
        sync_session_free(session);
        return err;
    }
    *out = session;
    return ERR_OK;
}

err_t sync_session_new(const struct sync_session_setup *setup, struct sync_session **out)
{
    return make(setup, NULL, out);
}

void sync_session_free(struct sync_session *session)
{
    if (session == NULL)
        return;
    sync_session_free(session->urgent);
    pages_drop(session, 0);
    buf_deinit(&session->request);
    buf_deinit(&session->held.note);
    buf_deinit(&session->receipt_body);
    buf_deinit(&session->evidence);
    buf_deinit(&session->carried);
    buf_deinit(&session->recall.body);
    session_reconcile_deinit(session);
    mem_free(session);
}

#define HALT_NEXT                                                                                            \
    "see both sides (bongsu peer evidence), ask the partner, then: bongsu peer resume AUDIENCE --because "   \
    "..."

/* The link stands still since an earlier session, or an earlier life. ERR_NOTFOUND: it does not. */
static err_t halt_recall(struct sync_session *session)
{
    struct arena arena;
    struct gate_halt halt;
    struct fault fault;
    arena_init(&arena, 4 * GATE_HALT_NOTE_MAX);
    err_t err = gate_halted(session->gate, session->partner, &arena, &halt);
    if (err == ERR_OK) {
        buf_put_str(&session->evidence, halt.shown);
        struct sync_trouble *trouble = &session->status.trouble;
        trouble->err = fault_set(&fault, ERR_PROOF, 0, "%.*s", STR_ARG(halt.what));
        memcpy(trouble->what, fault.what, sizeof trouble->what);
        trouble->next = HALT_NEXT;
        trouble->at_us = halt.at_us;
        err = buf_err(&session->evidence);
    }
    arena_deinit(&arena);
    return err;
}

static void flights_drop(struct sync_session *session)
{
    session->hello.id = session->feed.id = session->receipt.id = 0;
    session->signing = 0;
    buf_clear(&session->receipt_body);
    session->recall.flight.id = 0;
    session->recall.signing = false;
    buf_clear(&session->recall.body);
    session->showing.flight.id = 0;
    session_reconcile_again(session);
}

err_t sync_session_start(struct sync_session *session, int64_t now_us)
{
    if (session->receiving || (session->urgent != NULL && session->urgent->receiving))
        return ERR_BUSY;         /* commit first */
    if (session->urgent != NULL) /* until the issuer says again that it keeps one */
        sync_session_stop(session->urgent);
    err_t err = rewind_to_cursor(session);
    if (err == ERR_OK)
        err = origin_recall(session);
    if (err != ERR_OK)
        return err;
    flights_drop(session);
    session_card_again(session);
    session->link = (struct retry) {0, now_us};
    session->page_leaves = LIMIT_SYNC_PAGE_LEAVES;
    session->receipt_retry = session->recall.retry = (struct retry) {0, now_us};
    session->receive_at_us = session->sign_at_us = now_us;
    session->receipt_wanted = false;
    session->status.trouble.err = ERR_OK;
    session->halting = false;
    buf_clear(&session->evidence);
    err = halt_recall(session);
    session->state = err == ERR_OK ? SYNC_ALARM : err == ERR_NOTFOUND ? SYNC_HELLO : SYNC_IDLE;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

bool sync_session_resumable(const struct sync_session *session)
{
    return session->state == SYNC_ALARM && !session->halting &&
           !gate_is_halted(session->gate, session->partner);
}

void sync_session_stop(struct sync_session *session)
{
    if (session->urgent != NULL)
        sync_session_stop(session->urgent);
    flights_drop(session);
    pages_drop(session, session->receiving ? 1 : 0);
    session->state = SYNC_IDLE;
}

/* --- the urgent ledger --- */

static err_t urgent_begin(struct sync_session *session, int64_t now_us)
{
    err_t err;
    struct sync_session_setup setup = {.gate = session->gate,
                                       .partner = session->partner,
                                       .card = &session->cards.present,
                                       .node = {session->node, session->node_len},
                                       .seed = ~session->random,
                                       .diag = &session->diag};
    if (session->urgent == NULL && TRY(err, make(&setup, session, &session->urgent)))
        return err;
    struct sync_session *urgent = session->urgent;
    if (urgent->state == SYNC_WAITING && urgent->link.at_us > now_us)
        urgent->link.at_us = now_us; /* the issuer is there again */
    bool same = urgent->state != SYNC_IDLE && (urgent->origin_len == 0 || urgent->epoch == session->epoch);
    return same ? ERR_OK : sync_session_start(urgent, now_us);
}

void session_urgent(struct sync_session *session, bool kept, int64_t now_us)
{
    if (!kept && session->urgent != NULL)
        sync_session_stop(session->urgent);
    if (!kept || session->main != NULL)
        return;
    err_t err = urgent_begin(session, now_us);
    if (err != ERR_OK && err != ERR_BUSY) /* the next hello begins it */
        session_trouble(session, err, "the urgent ledger could not be followed: recalls do not arrive",
                        "restart the node", now_us);
}

bool session_other_signs(const struct sync_session *session)
{
    const struct sync_session *other = session->main != NULL ? session->main : session->urgent;
    return other != NULL && (other->signing != 0 || other->recall.signing);
}

struct str session_path(struct sync_session *session, const char *path)
{
    static const struct str head = {SYNC_PATH_URGENT, sizeof SYNC_PATH_URGENT - 1};
    struct str name = str_of(path + sizeof SYNC_ROOT - 1);
    if (session->main == NULL)
        return str_of(path);
    must(head.len + name.len <= sizeof session->path);
    memcpy(session->path, head.at, head.len);
    memcpy(session->path + head.len, name.at, name.len);
    return (struct str) {session->path, head.len + name.len};
}

/* --- trouble --- */

uint64_t session_random(struct sync_session *session)
{
    uint64_t z = session->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void session_retry_later(struct sync_session *session, struct retry *retry, int64_t now_us)
{
    unsigned doublings = retry->failures < 9 ? retry->failures : 9;
    int64_t wait = WAIT_FIRST_US << doublings;
    wait = wait > WAIT_MOST_US ? WAIT_MOST_US : wait;
    int64_t half = wait / 2;
    retry->at_us = now_us + half + (int64_t)(session_random(session) % (uint64_t)(half + 1));
    retry->failures++;
}

void session_trouble(struct sync_session *session, err_t err, const char *what, const char *next,
                     int64_t now_us)
{
    struct sync_trouble *trouble = &session->status.trouble;
    bool same = trouble->err == err && strncmp(trouble->what, what, sizeof trouble->what) == 0;
    session->status.failures++;
    struct fault fault;
    trouble->err = fault_set(&fault, err, 0, "%s", what);
    memcpy(trouble->what, fault.what, sizeof trouble->what);
    trouble->next = next;
    trouble->at_us = now_us;
    if (!same) /* one failure, one line */
        diag_say(&session->diag, session->state == SYNC_ALARM ? DIAG_ERROR : DIAG_WARNING, err, "sync", next,
                 "following %s%s: %s", session_cards(session)->present.node,
                 session->main != NULL ? " (urgent)" : "", trouble->what);
}

/* The link waits and says hello again; verified pages stay. */
void session_link_failed(struct sync_session *session, err_t err, const char *what, const char *next,
                         int64_t now_us)
{
    session->hello.id = session->feed.id = 0;
    session->state = SYNC_WAITING;
    session_card_again(session);
    session_retry_later(session, &session->link, now_us);
    session_trouble(session, err, what, next, now_us);
}

/* Whole, or of what others signed nothing: a thousand cosignatures are no evidence. */
static void evidence_put(const struct sync_session *session, struct str whole, struct buf *out)
{
    struct note note;
    if (whole.len <= GATE_HALT_NOTE_MAX)
        buf_put_str(out, whole);
    else if (note_parse(whole, &note, NULL) == ERR_OK)
        note_only(&note, &session->ledger_key, out);
}

static err_t halt_keep(struct sync_session *session, const char *what, int64_t now_us)
{
    struct buf held, shown;
    buf_init(&held, GATE_HALT_NOTE_MAX);
    buf_init(&shown, GATE_HALT_NOTE_MAX);
    evidence_put(session, buf_str(&session->held.note), &held);
    evidence_put(session, buf_str(&session->evidence), &shown);
    struct gate_halt halt = {str_of(what), buf_str(&held), buf_str(&shown), now_us};
    err_t err = buf_err(&held);
    if (err == ERR_OK)
        err = buf_err(&shown);
    if (err == ERR_OK)
        err = gate_halt(session->gate, session->partner, &halt);
    buf_deinit(&held);
    buf_deinit(&shown);
    return err;
}

/* What the urgent ledger contradicts stops the whole link. */
static void main_alarm(struct sync_session *session, const struct sync_session *urgent)
{
    flights_drop(session);
    pages_drop(session, session->receiving ? 1 : 0);
    session->state = SYNC_ALARM;
    session->halting = urgent->halting;
    session->status.trouble = urgent->status.trouble;
    session->status.failures++;
    buf_clear(&session->evidence);
    buf_put(&session->evidence, urgent->evidence.at, urgent->evidence.len);
}

void session_link_alarm(struct sync_session *session, err_t err, const char *what, const char *next,
                        int64_t now_us)
{
    if (session->urgent != NULL)
        sync_session_stop(session->urgent);
    flights_drop(session);
    pages_drop(session, session->receiving ? 1 : 0);
    session->state = SYNC_ALARM;
    session_trouble(session, err, what, next, now_us);
    if (TRY(err, halt_keep(session, what, now_us)))
        diag_say(&session->diag, DIAG_ERROR, err, "sync", "mend the disk, restart the node",
                 "that the link from %s stands still could not be written: a restart would let it go on",
                 session_cards(session)->present.node);
    session->halting = err == ERR_OK;
    if (session->main != NULL)
        main_alarm(session->main, session);
}

/* --- sending --- */

void session_send(struct sync_session *session, struct flight *flight, int64_t now_us, int64_t quiet_us,
                  const struct sync_send *send, struct sync_action *out)
{
    int64_t most_us = quiet_us + SLOW_US(SYNC_ANSWER_BYTES_MAX);
    struct sync_session *main = session->main != NULL ? session->main : session;
    *flight = (struct flight) {++main->ids, now_us + quiet_us, now_us, quiet_us, most_us};
    out->kind = SYNC_SEND;
    out->send = *send;
    out->send.id = flight->id;
    out->send.quiet_us = quiet_us;
    out->send.timeout_us = most_us;
}

static void hello_send(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct sync_hello hello = {
        .version_count = 4,
        .suite_count = 1,
        .versions = {SYNC_VERSION_MAIN, SYNC_VERSION_URGENT, SYNC_VERSION_RECONCILE, SYNC_VERSION_VOUCHERS},
        .suites = {SYNC_SUITE},
        .epoch = session->tip.edge.size > 0 ? session->epoch : 0,
        .size = session->tip.edge.size,
        .root = merkle_edge_root(&session->tip.edge)};
    buf_clear(&session->request);
    sync_hello_write(&session->request, &hello);
    struct sync_send what = {.method = EXCHANGE_POST,
                             .path = session_path(session, SYNC_PATH_HELLO),
                             .content_type = SYNC_MEDIA_TYPE,
                             .body = buf_bytes(&session->request)};
    session_send(session, &session->hello, now_us, HELLO_US, &what, out);
}

static void feed_send(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct sync_feed feed = {session->epoch, session->tip.edge.size, session->page_leaves, LIMIT_SYNC_WAIT_S,
                             session->vouchers};
    buf_clear(&session->request);
    sync_feed_write(&session->request, &feed);
    struct sync_send what = {.method = EXCHANGE_GET,
                             .path = session_path(session, SYNC_PATH_FEED),
                             .query = buf_str(&session->request)};
    session_send(session, &session->feed, now_us, FEED_US, &what, out);
}

static void receipt_send(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct sync_send what = {.method = EXCHANGE_POST,
                             .path = session_path(session, SYNC_PATH_RECEIPT),
                             .content_type = SYNC_MEDIA_TYPE,
                             .body = buf_bytes(&session->receipt_body)};
    int64_t quiet_us = RECEIPT_US + SLOW_US(session->receipt_body.len);
    session_send(session, &session->receipt, now_us, quiet_us, &what, out);
}

/* --- taking over --- */

/* Gives pages[0] to the gate. True when a commit is wanted. */
static bool page_receive(struct sync_session *session, int64_t now_us)
{
    struct sync_checked *page = &session->pages[0];
    struct gate_cursor cursor = {.epoch = session->epoch,
                                 .edge = page->edge,
                                 .refused = session->held.refused, /* the gate adds this page's */
                                 .refused_digest = session->held.refused_digest};
    buf_init(&cursor.note, LIMIT_NOTE_BYTES);
    buf_put_str(&cursor.note, page->checkpoint);
    err_t err = buf_err(&cursor.note);
    sync_vouchers_look(session->gate, session->own, session_cards(session)->present.node, page->leaves,
                       page->count, now_us, &session->diag);
    if (err == ERR_OK)
        err = gate_receive(session->gate, session->ledger, page->leaves, page->count, &cursor, now_us);
    buf_deinit(&cursor.note);
    if (err != ERR_OK) {
        session->receive_at_us = now_us + (err == ERR_BUSY ? BUSY_US : SESSION_SECOND_US);
        if (err != ERR_BUSY)
            session_trouble(session, err, err_text(err),
                            "see bongsu status: this node cannot take objects over", now_us);
        return false;
    }
    session->refused = session->held.refused;
    session->refused_digest = session->held.refused_digest;
    for (size_t i = 0; i < page->count; i++) {
        if (!page->leaves[i].refused)
            continue;
        struct sync_refusal refusal = {page->leaves[i].leaf.seq, page->leaves[i].code};
        session->refused++;
        session->refused_digest =
            disposition_refused_add(&session->refused_digest, refusal.seq, refusal.code);
        session->refusals.at[session->refusals.count++] = refusal;
    }
    session->receiving = true;
    return true;
}

void sync_session_committed(struct sync_session *session, err_t err, int64_t now_us)
{
    if (session->urgent != NULL)
        sync_session_committed(session->urgent, err, now_us);
    session_reconcile_committed(session, err, now_us);
    if (!session->receiving)
        return;
    struct sync_checked page = session->pages[0];
    session->receiving = false;
    if (err != ERR_OK) {
        sync_session_stop(session);
        session_trouble(session, err, "this node could not make a page durable and takes nothing more over",
                        "mend the disk, restart the node", now_us);
        return;
    }
    memmove(session->pages, session->pages + 1, (SESSION_PAGES - 1) * sizeof session->pages[0]);
    session->page_count--;
    session->held.size = page.edge.size;
    session->held.root = merkle_edge_root(&page.edge);
    session->held.refused = session->refused;
    session->held.refused_digest = session->refused_digest;
    buf_clear(&session->held.note);
    buf_put_str(&session->held.note, page.checkpoint); /* bounded: cannot fail but for memory */
    session->receipt_wanted = buf_err(&session->held.note) == ERR_OK;
    for (size_t i = 0; i < page.count; i++)
        sync_latency_add(&session->status.times, now_us - page.leaves[i].leaf.time_us);
    session->status.pages++;
    session->status.leaves += page.count;
    session->status.arrived_us = now_us;
    sync_checked_deinit(&page);
}

/* --- step --- */

static void sooner(int64_t *until, int64_t at)
{
    if (at < *until)
        *until = at;
}

static void expire(struct sync_session *session, int64_t now_us)
{
    const struct flight *flights[] = {&session->hello,          &session->feed,
                                      &session->receipt,        &session->recall.flight,
                                      &session->showing.flight, &session->reconciling.flight};
    for (size_t i = 0; i < sizeof flights / sizeof flights[0]; i++)
        if (flights[i]->id != 0 && now_us >= flights[i]->until_us)
            sync_session_failed(session, flights[i]->id, ERR_TIMEOUT, now_us);
    if (session->signing != 0 && now_us >= session->sign_until_us)
        session_sign_later(session, ERR_TIMEOUT, now_us);
    if (session->state == SYNC_WAITING && now_us >= session->link.at_us)
        session->state = SYNC_HELLO;
}

/* Is `ready`, but for the time? Then that bounds the sleep. */
static bool due(bool ready, int64_t at_us, int64_t now_us, int64_t *until)
{
    if (ready && at_us > now_us)
        sooner(until, at_us);
    return ready && at_us <= now_us;
}

/* False, and the link waits, when the partner's card is out of time, or of a suite below our minimum. */
static bool card_holds(struct sync_session *session, int64_t now_us)
{
    struct fault fault = {.code = ERR_OK};
    const struct sync_cards *cards = session_cards(session);
    err_t err = sync_card_valid(&cards->present, now_us, &fault);
    if (err != ERR_OK && sync_cards_next_valid(cards, now_us))
        err = ERR_OK;
    const struct sync_own *own = session->main != NULL ? session->main->own : session->own;
    if (err == ERR_OK)
        err = sync_own_enough(own, &cards->present, &fault);
    if (err != ERR_OK)
        session_link_failed(session, err, fault.what, "get the partner's newest card", now_us);
    return err == ERR_OK;
}

static bool step(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    int64_t *until = &out->until_us;
    if (session_card_step(session, now_us, out))
        return true;
    if (session->state == SYNC_HELLO && session->hello.id == 0 && session->showing.flight.id == 0 &&
        card_holds(session, now_us)) {
        hello_send(session, now_us, out);
        return true;
    }
    bool feeding = session->state == SYNC_FEED;
    if (due(feeding && session->feed.id == 0 && session->page_count < SESSION_PAGES, session->link.at_us,
            now_us, until) &&
        card_holds(session, now_us)) {
        feed_send(session, now_us, out);
        return true;
    }
    if (due(feeding && session->receipt.id == 0 && session->receipt_body.len > 0,
            session->receipt_retry.at_us, now_us, until)) {
        receipt_send(session, now_us, out);
        return true;
    }
    bool room = LIMIT_SYNC_REFUSALS - session->refusals.count >= LIMIT_SYNC_PAGE_LEAVES;
    if (due(session->page_count > 0 && !session->receiving && room, session->receive_at_us, now_us, until)) {
        if (page_receive(session, now_us)) {
            out->kind = SYNC_COMMIT;
            return true;
        }
        sooner(until, session->receive_at_us);
    }
    bool sign = feeding && session->held.size > session->status.acknowledged &&
                session->receipt_retry.at_us <= now_us;
    sign = (sign || session->carry == CARRY_RECEIPT) && session->receipt_wanted && session->signing == 0 &&
           session->receipt_body.len == 0;
    if (feeding && session->receipt_wanted && session->receipt_retry.at_us > now_us)
        sooner(until, session->receipt_retry.at_us);
    if (due(sign && !session_other_signs(session), session->sign_at_us, now_us, until) &&
        session_sign_ask(session, now_us, out))
        return true;
    return session_carry_step(session, now_us, out) ||
           (feeding && (session_recall_step(session, now_us, until, out) ||
                        session_reconcile_step(session, now_us, until, out)));
}

/* A clock that was years ahead and is set right must not make anything wait for years: nothing is waited for
 * longer than it would be from now on. */
static void waits_clip(struct sync_session *session, int64_t now_us)
{
    int64_t *waits[] = {&session->link.at_us,   &session->receipt_retry.at_us, &session->recall.retry.at_us,
                        &session->sign_at_us,   &session->sign_until_us,       &session->recall.sign_until_us,
                        &session->receive_at_us};
    struct flight *flights[] = {&session->hello,          &session->feed,
                                &session->receipt,        &session->recall.flight,
                                &session->showing.flight, &session->reconciling.flight};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        sooner(waits[i], now_us + WAIT_MOST_US);
    for (size_t i = 0; i < sizeof flights / sizeof *flights; i++)
        sooner(&flights[i]->until_us, now_us + flights[i]->quiet_us);
    session_card_clip(session, now_us);
    session_reconcile_clip(session, now_us);
}

void sync_session_next(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    *out = (struct sync_action) {.kind = SYNC_NOTHING, .until_us = NEVER};
    waits_clip(session, now_us);
    if (session->halting)
        out->kind = SYNC_COMMIT;
    session->halting = false;
    if (session->state == SYNC_IDLE || session->state == SYNC_ALARM)
        return;
    if (session->urgent != NULL)
        sync_session_next(session->urgent, now_us, out);
    if (out->kind != SYNC_NOTHING)
        return;
    expire(session, now_us);
    if (step(session, now_us, out))
        return;
    const struct flight *flights[] = {&session->hello,          &session->feed,
                                      &session->receipt,        &session->recall.flight,
                                      &session->showing.flight, &session->reconciling.flight};
    for (size_t i = 0; i < sizeof flights / sizeof flights[0]; i++)
        if (flights[i]->id != 0)
            sooner(&out->until_us, flights[i]->until_us);
    if (session->signing != 0)
        sooner(&out->until_us, session->sign_until_us);
    sooner(&out->until_us, session_recall_until(session));
    sooner(&out->until_us, session_card_until(session));
    if (session->state == SYNC_WAITING)
        sooner(&out->until_us, session->link.at_us);
}

/* --- watching --- */

const char *sync_state_word(enum sync_state state)
{
    static const char *const words[] = {[SYNC_IDLE] = "idle",
                                        [SYNC_HELLO] = "comparing",
                                        [SYNC_FEED] = "following",
                                        [SYNC_WAITING] = "waiting",
                                        [SYNC_ALARM] = "alarm"};
    must(state <= SYNC_ALARM);
    return words[state];
}

struct str sync_session_evidence(const struct sync_session *session)
{
    return buf_str(&session->evidence);
}

void sync_session_status(const struct sync_session *session, struct sync_status *out)
{
    *out = session->status;
    if (out->trouble.err == ERR_OK && session->urgent != NULL)
        out->trouble = session->urgent->status.trouble;
    out->state = session->state;
    out->origin = (struct str) {session->origin, session->origin_len};
    out->verified = session->tip.edge.size;
    out->held = session->held.size;
    out->root = session->held.root;
    out->refused = session->held.refused;
    out->next_try_us = session->state == SYNC_WAITING ? session->link.at_us : 0;
}
