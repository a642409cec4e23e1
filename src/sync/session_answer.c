/* What comes back: verified, then believed. */
#include "gate/halt.h"
#include "sync/session_state.h"

enum { STATUS_OK = 200, STATUS_NEUTRAL = 404 };

/* An issuer that answers long polls at once is not polled in a circle. */
#define FEED_SPACED_US (SESSION_SECOND_US / 4)

void session_equivocation(struct sync_session *session, struct str checkpoint, const char *what,
                          int64_t now_us)
{
    buf_clear(&session->evidence);
    buf_put_str(&session->evidence, checkpoint);
    session_link_alarm(session, ERR_PROOF, what,
                       "equivocation: keep the log, and tell the issuer and oversight", now_us);
}

static void hello_alarm(struct sync_session *session, enum sync_verdict verdict, int64_t now_us)
{
    static const struct {
        err_t err;
        const char *what, *next;
    } rows[SYNC_VERDICTS] = {
        [SYNC_OTHER_EPOCH] = {ERR_VERSION, "the issuer opened another epoch of its ledger",
                              "ask the issuer why; then bongsu peer resume AUDIENCE --epoch N --because ..."},
        [SYNC_ROOT_DIFFERS] = {ERR_PROOF, "the issuer says that it kept another history than the one we hold",
                               "keep the log; compare bongsu ledger show on both sides"},
        [SYNC_AHEAD] = {ERR_PROOF, "the issuer has fewer leaves than it signed for us: it was set back",
                        "tell the issuer to restore its newest log, or to open another epoch of its ledger"},
    };
    session_link_alarm(session, rows[verdict].err, rows[verdict].what, rows[verdict].next, now_us);
}

err_t session_origin_take(struct sync_session *session, struct str line)
{
    struct ledger_origin origin;
    err_t err = ledger_origin_parse(line, &origin);
    if (err != ERR_OK)
        return err;
    const struct sync_cards *cards = session_cards(session);
    const struct sync_session *main = session->main;
    if (origin.urgent != (main != NULL) || !str_eq(origin.issuer, str_of(cards->present.node)))
        return ERR_CONFLICT;
    if (main != NULL && !str_starts(line, (struct str) {main->origin, main->origin_len}))
        return ERR_CONFLICT; /* beside another one than we follow */
    struct str followed = {session->origin, session->origin_len};
    if (session->tip.edge.size > 0 && !str_eq(line, followed))
        return ERR_CONFLICT;
    /* With nothing of it held yet any epoch will do at first; later only the one that an operator agreed to.
     */
    uint32_t agreed = gate_following(session->gate, session->partner);
    if ((agreed > 0 && origin.epoch != agreed) || origin.epoch > LIMIT_EPOCH)
        return ERR_CONFLICT;
    if (TRY(err, sync_card_ledger_key(&cards->present, line, &session->ledger_key)))
        return err;
    memcpy(session->origin, line.at, line.len); /* at most LEDGER_ORIGIN_MAX: sync_welcome_read */
    session->origin_len = line.len;
    session->epoch = origin.epoch;
    return ERR_OK;
}

static struct sync_followed followed_now(struct sync_session *session, int64_t now_us)
{
    return (struct sync_followed) {.epoch = session->epoch,
                                   .origin = {session->origin, session->origin_len},
                                   .key = &session->ledger_key,
                                   .next = session_next_key(session, now_us),
                                   .urgent = session->main != NULL};
}

/* Verifies what the issuer says it has. ERR_PROOF: signed, and inconsistent with what we hold. */
static err_t welcome_check(struct sync_session *session, const struct sync_welcome *welcome, int64_t now_us,
                           bool *out_by_next, struct fault *fault)
{
    struct checkpoint checkpoint = {.size = 0, .root = merkle_empty()};
    struct sync_followed followed = followed_now(session, now_us);
    if (welcome->size > 0) {
        err_t err = sync_checkpoint_open(&followed, welcome->checkpoint, &checkpoint, out_by_next, fault);
        if (err != ERR_OK)
            return err;
    }
    if (checkpoint.size != welcome->size || welcome->size < session->tip.edge.size)
        return fault_set(fault, ERR_INVALID, 0, "the answer to hello contradicts itself");
    struct hash root = merkle_edge_root(&session->tip.edge);
    if (merkle_consistency_verify(&welcome->proof, session->tip.edge.size, checkpoint.size, &root,
                                  &checkpoint.root) != ERR_OK)
        return fault_set(
            fault, ERR_PROOF, 0,
            "the issuer signed a checkpoint of %llu leaves that does not contain the %llu we hold",
            (unsigned long long)checkpoint.size, (unsigned long long)session->tip.edge.size);
    return ERR_OK;
}

/* Another epoch is the main ledger's to find, and an operator's to agree to: the urgent one comes after it.
 */
static void urgent_waits(struct sync_session *session, int64_t now_us)
{
    session_link_failed(session, ERR_CONFLICT, "the urgent ledger is of another epoch than the one we follow",
                        "see that the link stands: bongsu status", now_us);
}

static void hello_answer(struct sync_session *session, const struct buf *body, int64_t now_us)
{
    struct sync_welcome welcome;
    struct fault fault = {.code = ERR_OK};
    err_t err = sync_welcome_read(buf_bytes(body), &welcome);
    if (err != ERR_OK) {
        session_link_failed(session, err, "the answer to hello is not well formed", "upgrade the older side",
                            now_us);
        return;
    }
    if (welcome.verdict == SYNC_NOTHING_IN_COMMON) {
        session_link_failed(
            session, ERR_UNSUPPORTED,
            "the issuer speaks no version or suite that we speak, or our card is below its least suite",
            "look for minimum-suite on its card; else upgrade the older side", now_us);
        return;
    }
    if (welcome.verdict == SYNC_OTHER_EPOCH && session->main != NULL) {
        urgent_waits(session, now_us);
        return;
    }
    if (welcome.verdict != SYNC_GO_ON) {
        hello_alarm(session, welcome.verdict, now_us);
        return;
    }
    err = session_origin_take(session, welcome.origin);
    if (err != ERR_OK && session->main != NULL) {
        urgent_waits(session, now_us);
        return;
    }
    if (err != ERR_OK) {
        session_link_alarm(session, err, "the issuer offers another ledger than the one we follow",
                           "compare cards, audience names and the epoch (bongsu peer evidence) on both sides",
                           now_us);
        return;
    }
    bool by_next = false;
    err = welcome_check(session, &welcome, now_us, &by_next, &fault);
    if (err == ERR_PROOF) {
        session_equivocation(session, welcome.checkpoint, fault.what, now_us);
        return;
    }
    if (err != ERR_OK) {
        session_link_failed(session, err, fault.what, "see that the issuer's newest card is here", now_us);
        return;
    }
    if (by_next)
        session_card_turn(session, now_us);
    session->state = SYNC_FEED;
    session->status.offered = welcome.size;
    session->status.acknowledged = 0; /* set back from a backup, it may have lost our receipt */
    session_acknowledge(session, welcome.receipted);
    if (welcome.receipted < session->held.size && session->signing == 0 && session->receipt_body.len == 0)
        session->receipt_wanted = true;
    session_urgent(session, welcome.version >= SYNC_VERSION_URGENT, now_us);
    session_reconcile_known(session, welcome.version >= SYNC_VERSION_RECONCILE, now_us);
    session->vouchers = welcome.version >= SYNC_VERSION_VOUCHERS && session->main == NULL;
}

static void feed_answer(struct sync_session *session, struct buf *body, int64_t now_us)
{
    struct sync_checked *page = &session->pages[session->page_count];
    struct fault fault = {.code = ERR_OK};
    struct sync_followed followed = followed_now(session, now_us);
    must(session->page_count < SESSION_PAGES);
    size_t bytes = body->len;
    err_t err = sync_page_check(&followed, &session->tip, body, page, &fault);
    if (err == ERR_PROOF) {
        struct sync_page read;
        must(sync_page_read(buf_bytes(body), &read, NULL) == ERR_OK); /* it came as far as the proof */
        session_equivocation(session, read.checkpoint, fault.what, now_us);
        return;
    }
    if (err != ERR_OK) {
        session_link_failed(session, err, fault.what,
                            "if it goes on, the issuer's store or program is damaged", now_us);
        return;
    }
    if (page->by_next)
        session_card_turn(session, now_us);
    session->link.failures = 0;
    if (session->receipt_retry.failures == 0)
        session->status.trouble.err = ERR_OK;
    if (page->count == 0) {
        sync_checked_deinit(page);
        session->link.at_us = session->feed.sent_us + FEED_SPACED_US;
        return;
    }
    session->link.at_us = now_us;
    if (session->page_leaves <= LIMIT_SYNC_PAGE_LEAVES / 2)
        session->page_leaves *= 2;
    else
        session->page_leaves = LIMIT_SYNC_PAGE_LEAVES;
    session->status.bytes += bytes;
    session->page_count++;
    if (session->tip.edge.size > session->status.offered)
        session->status.offered = session->tip.edge.size;
}

const char *session_status_words(unsigned status)
{
    static const struct {
        unsigned status;
        const char *what;
    } rows[] = {
        {400, "the partner says that our request is wrong (400)"},
        {404, "the partner does not know us, has paused this link, or our card is out of time (404)"},
        {409, "the partner's ledger is not where we are (409)"},
        {503, "the partner cannot answer now (503)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status)
            return rows[i].what;
    return "the partner answered with a status that the protocol does not have";
}

/* Which of the two sent it. */
static struct sync_session *sender_of(struct sync_session *session, uint64_t id)
{
    struct sync_session *urgent = session->urgent;
    bool its = urgent != NULL && id != 0 &&
               (id == urgent->hello.id || id == urgent->feed.id || id == urgent->receipt.id ||
                id == urgent->recall.flight.id);
    return its ? urgent : session;
}

void sync_session_answer(struct sync_session *session, uint64_t id, unsigned status, struct buf *body,
                         int64_t now_us)
{
    struct buf taken = *body;
    session = sender_of(session, id);
    *body = (struct buf) {.size_max = taken.size_max};
    bool hello = id != 0 && id == session->hello.id, feed = id != 0 && id == session->feed.id;
    bool receipt = id != 0 && id == session->receipt.id;
    bool recall = id != 0 && id == session->recall.flight.id;
    bool card = id != 0 && id == session->showing.flight.id;
    bool reconcile = id != 0 && id == session->reconciling.flight.id;
    if (reconcile)
        session->reconciling.flight.id = 0;
    if (card)
        session->showing.flight.id = 0;
    if (hello)
        session->hello.id = 0;
    if (feed)
        session->feed.id = 0;
    if (receipt)
        session->receipt.id = 0;
    if (recall)
        session->recall.flight.id = 0;
    if ((hello || feed) && status != STATUS_OK)
        session_link_failed(session, status == STATUS_NEUTRAL ? ERR_DENIED : ERR_BUSY,
                            session_status_words(status),
                            "see that both sides added each other's card and started the link", now_us);
    else if (receipt && status != STATUS_OK)
        session_receipt_failed(session, ERR_DENIED, session_status_words(status), now_us);
    else if (card && status == STATUS_OK)
        session_card_answer(session, &taken, now_us);
    else if (recall && status != STATUS_OK)
        session_recall_failed(session, ERR_DENIED, session_status_words(status), now_us);
    else if (recall)
        session_recall_answer(session, now_us);
    else if (hello)
        hello_answer(session, &taken, now_us);
    else if (feed)
        feed_answer(session, &taken, now_us);
    else if (receipt)
        session_receipt_answer(session, &taken, now_us);
    else if (reconcile)
        session_reconcile_answer(session, status, &taken, now_us);
    buf_deinit(&taken);
}

void sync_session_coming(struct sync_session *session, uint64_t id, int64_t now_us)
{
    session = sender_of(session, id);
    struct flight *flights[] = {&session->hello,          &session->feed,
                                &session->receipt,        &session->recall.flight,
                                &session->showing.flight, &session->reconciling.flight};
    for (size_t i = 0; id != 0 && i < sizeof flights / sizeof flights[0]; i++) {
        struct flight *flight = flights[i];
        if (flight->id != id)
            continue;
        int64_t quiet = now_us + flight->quiet_us, most = flight->sent_us + flight->most_us;
        flight->until_us = quiet < most ? quiet : most;
    }
}

/* The next page is asked for with half the leaves: a line that breaks that often carries a shorter one. */
static void feed_broke(struct sync_session *session)
{
    if (session->page_leaves > 1)
        session->page_leaves /= 2;
}

void sync_session_failed(struct sync_session *session, uint64_t id, err_t err, int64_t now_us)
{
    if (id == 0)
        return;
    session = sender_of(session, id);
    if (id == session->feed.id)
        feed_broke(session);
    if (id == session->hello.id || id == session->feed.id) {
        session_link_failed(session, err, err_text(err), "see that the partner's node is reachable", now_us);
        if (err == ERR_DENIED)
            session_card_refused(session);
    } else if (id == session->receipt.id)
        session_receipt_failed(session, err, err_text(err), now_us);
    else if (id == session->showing.flight.id)
        session_card_failed(session, err);
    else if (id == session->reconciling.flight.id)
        session_reconcile_failed(session, err, now_us);
    else if (id == session->recall.flight.id)
        session_recall_failed(session, err, err_text(err), now_us);
}
