#include "sync/session.h"

#include "core/mem.h"
#include "sync/page.h"
#include "sync/wire.h"

enum {
    PAGES = 2, /* one being stored, one behind it */
    STATUS_OK = 200,
    STATUS_NEUTRAL = 404,
};

#define MS_US         INT64_C(1000)
#define SECOND_US     INT64_C(1000000)
#define WAIT_FIRST_US (200 * MS_US) /* SYNC.md section 2 */
#define WAIT_MOST_US  (60 * SECOND_US)
#define HELLO_US      (15 * SECOND_US)
#define RECEIPT_US    (30 * SECOND_US)
#define SIGN_US       (10 * SECOND_US)
#define FEED_US       ((LIMIT_SYNC_WAIT_S + 60) * SECOND_US) /* the wait, then a full page at 100 kB/s */
#define FEED_SPACED_US                                                                                       \
    (250 * MS_US)            /* an issuer that answers long polls at once is not polled in a circle          \
                              */
#define BUSY_US (50 * MS_US) /* the gate's index lags: it catches up within that */
#define NEVER   INT64_MAX

struct flight { /* a request that is out; id 0: none */
    uint64_t id;
    int64_t until_us;
    int64_t sent_us;
};

struct retry {
    unsigned failures; /* in a row */
    int64_t at_us;     /* not before */
};

struct refusals {
    size_t count;
    struct sync_refusal at[LIMIT_SYNC_REFUSALS];
    uint64_t before_count; /* of the refused leaves before the list */
    struct hash before;
};

struct held { /* durably taken over */
    uint64_t size;
    struct hash root;
    uint64_t refused;
    struct hash refused_digest;
    struct buf note; /* empty before the first page */
};

struct sync_session {
    struct gate *gate;
    unsigned partner;
    struct sync_card card;
    char node[LIMIT_NAME_BYTES];
    size_t node_len;
    uint64_t random;
    struct diag diag;

    enum sync_state state;
    struct retry link;
    uint64_t ids;
    struct flight hello, feed, receipt;
    struct buf request; /* hello body or feed query, while an action is read */

    char origin[LEDGER_ORIGIN_MAX]; /* of the followed ledger; empty before the first hello */
    size_t origin_len;
    uint32_t epoch;
    struct note_key ledger_key;

    struct sync_tip tip; /* verified so far */
    struct sync_checked pages[PAGES];
    size_t page_count;
    bool receiving;   /* pages[0] was given to the gate and waits for its commit */
    uint64_t refused; /* with pages[0], when receiving */
    struct hash refused_digest;
    int64_t receive_at_us;

    struct held held;
    struct refusals refusals;
    bool receipt_wanted;
    uint64_t signing; /* size out for signing; 0: none */
    int64_t sign_until_us, sign_at_us;
    struct buf receipt_body; /* not empty: to be sent, or sent and not acknowledged */
    uint64_t receipt_size;
    struct retry receipt_retry;

    struct buf evidence; /* the checkpoint that contradicts ours */
    struct sync_status status;
};

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
    err_t err = gate_cursor(session->gate, session->partner, &cursor);
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

err_t sync_session_new(const struct sync_session_setup *setup, struct sync_session **out)
{
    if (!ledger_name_ok(setup->node))
        return ERR_USAGE;
    struct sync_session *session = mem_alloc(sizeof *session);
    if (session == NULL)
        return ERR_NOMEM;
    session->gate = setup->gate;
    session->partner = setup->partner;
    session->card = *setup->card;
    memcpy(session->node, setup->node.at, setup->node.len);
    session->node_len = setup->node.len;
    session->random = setup->seed;
    session->diag = setup->diag != NULL ? *setup->diag : (struct diag) {NULL, NULL};
    buf_init(&session->request, LIMIT_SYNC_BODY_BYTES);
    buf_init(&session->held.note, LIMIT_NOTE_BYTES);
    buf_init(&session->receipt_body, LIMIT_SYNC_BODY_BYTES);
    buf_init(&session->evidence, LIMIT_NOTE_BYTES);
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

void sync_session_free(struct sync_session *session)
{
    if (session == NULL)
        return;
    pages_drop(session, 0);
    buf_deinit(&session->request);
    buf_deinit(&session->held.note);
    buf_deinit(&session->receipt_body);
    buf_deinit(&session->evidence);
    mem_free(session);
}

static void flights_drop(struct sync_session *session)
{
    session->hello.id = session->feed.id = session->receipt.id = 0;
    session->signing = 0;
    buf_clear(&session->receipt_body);
}

err_t sync_session_start(struct sync_session *session, int64_t now_us)
{
    if (session->receiving)
        return ERR_BUSY; /* commit first */
    err_t err = rewind_to_cursor(session);
    if (err == ERR_OK)
        err = origin_recall(session);
    if (err != ERR_OK)
        return err;
    flights_drop(session);
    session->link = (struct retry) {0, now_us};
    session->receipt_retry = (struct retry) {0, now_us};
    session->receive_at_us = session->sign_at_us = now_us;
    session->receipt_wanted = false;
    session->status.trouble.err = ERR_OK;
    buf_clear(&session->evidence);
    session->state = SYNC_HELLO;
    return ERR_OK;
}

void sync_session_stop(struct sync_session *session)
{
    flights_drop(session);
    pages_drop(session, session->receiving ? 1 : 0);
    session->state = SYNC_IDLE;
}

void sync_session_card(struct sync_session *session, const struct sync_card *card)
{
    session->card = *card;
}

/* --- trouble --- */

/* splitmix64: jitter only, no secret hangs on it. */
static uint64_t random_next(struct sync_session *session)
{
    uint64_t z = session->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void retry_later(struct sync_session *session, struct retry *retry, int64_t now_us)
{
    unsigned doublings = retry->failures < 9 ? retry->failures : 9;
    int64_t wait = WAIT_FIRST_US << doublings;
    wait = wait > WAIT_MOST_US ? WAIT_MOST_US : wait;
    int64_t half = wait / 2;
    retry->at_us = now_us + half + (int64_t)(random_next(session) % (uint64_t)(half + 1));
    retry->failures++;
}

static void note_trouble(struct sync_session *session, err_t err, const char *what, const char *next,
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
                 "following %s: %s", session->card.node, trouble->what);
}

/* The link waits and says hello again; verified pages stay. */
static void link_failed(struct sync_session *session, err_t err, const char *what, const char *next,
                        int64_t now_us)
{
    session->hello.id = session->feed.id = 0;
    session->state = SYNC_WAITING;
    retry_later(session, &session->link, now_us);
    note_trouble(session, err, what, next, now_us);
}

static void link_alarm(struct sync_session *session, err_t err, const char *what, const char *next,
                       int64_t now_us)
{
    flights_drop(session);
    pages_drop(session, session->receiving ? 1 : 0);
    session->state = SYNC_ALARM;
    note_trouble(session, err, what, next, now_us);
}

/* The issuer signed `checkpoint`, and it is not consistent with what it signed before. */
static void equivocation(struct sync_session *session, struct str checkpoint, const char *what,
                         int64_t now_us)
{
    buf_clear(&session->evidence);
    buf_put_str(&session->evidence, checkpoint);
    link_alarm(session, ERR_PROOF, what, "equivocation: keep the log, and tell the issuer and oversight",
               now_us);
}

static void receipt_failed(struct sync_session *session, err_t err, const char *what, int64_t now_us)
{
    session->receipt.id = 0;
    buf_clear(&session->receipt_body);
    session->receipt_wanted = true;
    retry_later(session, &session->receipt_retry, now_us);
    note_trouble(session, err, what, "if it goes on, compare the cards on both sides", now_us);
}

/* --- sending --- */

static void send(struct sync_session *session, struct flight *flight, int64_t now_us, int64_t timeout_us,
                 const struct sync_send *send, struct sync_action *out)
{
    *flight = (struct flight) {++session->ids, now_us + timeout_us, now_us};
    out->kind = SYNC_SEND;
    out->send = *send;
    out->send.id = flight->id;
    out->send.timeout_us = timeout_us;
}

static void hello_send(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct sync_hello hello = {.version_count = 1,
                               .suite_count = 1,
                               .versions = {SYNC_VERSION},
                               .suites = {SYNC_SUITE},
                               .epoch = session->tip.edge.size > 0 ? session->epoch : 0,
                               .size = session->tip.edge.size,
                               .root = merkle_edge_root(&session->tip.edge)};
    buf_clear(&session->request);
    sync_hello_write(&session->request, &hello);
    struct sync_send what = {.method = EXCHANGE_POST,
                             .path = STR(SYNC_PATH_HELLO),
                             .content_type = SYNC_MEDIA_TYPE,
                             .body = buf_bytes(&session->request)};
    send(session, &session->hello, now_us, HELLO_US, &what, out);
}

static void feed_send(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct sync_feed feed = {session->epoch, session->tip.edge.size, LIMIT_SYNC_PAGE_LEAVES,
                             LIMIT_SYNC_WAIT_S};
    buf_clear(&session->request);
    sync_feed_write(&session->request, &feed);
    struct sync_send what = {
        .method = EXCHANGE_GET, .path = STR(SYNC_PATH_FEED), .query = buf_str(&session->request)};
    send(session, &session->feed, now_us, FEED_US, &what, out);
}

static void receipt_send(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct sync_send what = {.method = EXCHANGE_POST,
                             .path = STR(SYNC_PATH_RECEIPT),
                             .content_type = SYNC_MEDIA_TYPE,
                             .body = buf_bytes(&session->receipt_body)};
    send(session, &session->receipt, now_us, RECEIPT_US, &what, out);
}

/* --- taking over --- */

/* Gives pages[0] to the gate. True when a commit is wanted. */
static bool receive(struct sync_session *session, int64_t now_us)
{
    struct sync_checked *page = &session->pages[0];
    struct gate_cursor cursor = {.epoch = session->epoch,
                                 .edge = page->edge,
                                 .refused = session->held.refused, /* the gate adds this page's */
                                 .refused_digest = session->held.refused_digest};
    buf_init(&cursor.note, LIMIT_NOTE_BYTES);
    buf_put_str(&cursor.note, page->checkpoint);
    err_t err = buf_err(&cursor.note);
    if (err == ERR_OK)
        err = gate_receive(session->gate, session->partner, page->leaves, page->count, &cursor, now_us);
    buf_deinit(&cursor.note);
    if (err != ERR_OK) {
        session->receive_at_us = now_us + (err == ERR_BUSY ? BUSY_US : SECOND_US);
        if (err != ERR_BUSY)
            note_trouble(session, err, err_text(err), "see bongsu status: this node cannot take objects over",
                         now_us);
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
    if (!session->receiving)
        return;
    struct sync_checked page = session->pages[0];
    session->receiving = false;
    if (err != ERR_OK) {
        sync_session_stop(session);
        note_trouble(session, err, "this node could not make a page durable and takes nothing more over",
                     "mend the disk, restart the node", now_us);
        return;
    }
    memmove(session->pages, session->pages + 1, (PAGES - 1) * sizeof session->pages[0]);
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

/* --- receipts --- */

static bool sign_ask(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct note note;
    if (note_parse(buf_str(&session->held.note), &note, NULL) != ERR_OK)
        return false; /* it was verified; only lost memory leads here, and the next page mends it */
    session->signing = session->held.size;
    session->sign_until_us = now_us + SIGN_US;
    session->receipt_wanted = false;
    out->kind = SYNC_SIGN;
    out->sign.checkpoint = buf_str(&session->held.note);
    out->sign.text = note.text;
    out->sign.wanted = (struct disposition) {.origin = {session->origin, session->origin_len},
                                             .holder = {session->node, session->node_len},
                                             .size = session->held.size,
                                             .root = session->held.root,
                                             .refused_count = session->held.refused,
                                             .refused = session->held.refused_digest};
    return true;
}

static void sign_later(struct sync_session *session, err_t err, int64_t now_us)
{
    session->signing = 0;
    session->receipt_wanted = true;
    session->sign_at_us = now_us + SECOND_US;
    note_trouble(session, err, "the keeper did not sign a receipt", "see that the keeper runs", now_us);
}

void sync_session_signed(struct sync_session *session, err_t err, uint64_t size, struct str cosignature,
                         struct str disposition, int64_t now_us)
{
    if (session->signing == 0 || session->signing != size)
        return;
    if (err != ERR_OK) {
        sign_later(session, err, now_us);
        return;
    }
    const struct refusals *refusals = &session->refusals;
    struct sync_receipt receipt = {.epoch = session->epoch,
                                   .size = size,
                                   .cosignature = cosignature,
                                   .disposition = disposition,
                                   .before_count = refusals->before_count,
                                   .before = refusals->before};
    while (receipt.refusal_count < refusals->count && refusals->at[receipt.refusal_count].seq < size)
        receipt.refusal_count++;
    session->signing = 0;
    buf_clear(&session->receipt_body);
    sync_receipt_write(&session->receipt_body, &receipt, refusals->at);
    session->receipt_size = size;
    if (buf_err(&session->receipt_body) != ERR_OK)
        sign_later(session, buf_err(&session->receipt_body), now_us);
}

/* The issuer holds a receipt for `size`: the list begins behind it. More than we hold means that we were set
 * back: nothing is signed until we hold more than that again. */
static void acknowledge(struct sync_session *session, uint64_t size)
{
    struct refusals *refusals = &session->refusals;
    size_t done = 0;
    for (; done < refusals->count && refusals->at[done].seq < size &&
           refusals->at[done].seq < session->held.size;
         done++)
        refusals->before =
            disposition_refused_add(&refusals->before, refusals->at[done].seq, refusals->at[done].code);
    refusals->before_count += done;
    refusals->count -= done;
    memmove(refusals->at, refusals->at + done, refusals->count * sizeof refusals->at[0]);
    if (size > session->status.acknowledged)
        session->status.acknowledged = size;
}

/* --- answers --- */

static void hello_alarm(struct sync_session *session, enum sync_verdict verdict, int64_t now_us)
{
    static const struct {
        err_t err;
        const char *what, *next;
    } rows[SYNC_VERDICTS] = {
        [SYNC_OTHER_EPOCH] = {ERR_VERSION, "the issuer opened another epoch of its ledger",
                              "ask the issuer why; the link has to be set up anew to follow that epoch"},
        [SYNC_ROOT_DIFFERS] = {ERR_PROOF, "the issuer says that it kept another history than the one we hold",
                               "keep the log; compare bongsu ledger show on both sides"},
        [SYNC_AHEAD] = {ERR_PROOF, "the issuer has fewer leaves than it signed for us: it was set back",
                        "tell the issuer to restore its newest log"},
        [SYNC_NOTHING_IN_COMMON] = {ERR_UNSUPPORTED, "the issuer speaks no version or suite that we speak",
                                    "upgrade the older side"},
    };
    link_alarm(session, rows[verdict].err, rows[verdict].what, rows[verdict].next, now_us);
}

/* Takes origin and key from the answer. ERR_CONFLICT: not the ledger that we follow. */
static err_t origin_take(struct sync_session *session, struct str line)
{
    struct ledger_origin origin;
    err_t err = ledger_origin_parse(line, &origin);
    if (err != ERR_OK)
        return err;
    if (origin.urgent || !str_eq(origin.issuer, str_of(session->card.node)))
        return ERR_CONFLICT;
    struct str followed = {session->origin, session->origin_len};
    if (session->tip.edge.size > 0 && !str_eq(line, followed))
        return ERR_CONFLICT;
    if (TRY(err, sync_card_ledger_key(&session->card, line, &session->ledger_key)))
        return err;
    memcpy(session->origin, line.at, line.len); /* at most LEDGER_ORIGIN_MAX: sync_welcome_read */
    session->origin_len = line.len;
    session->epoch = origin.epoch;
    return ERR_OK;
}

/* Verifies what the issuer says it has. ERR_PROOF: signed, and inconsistent with what we hold. */
static err_t welcome_check(struct sync_session *session, const struct sync_welcome *welcome,
                           struct fault *fault)
{
    struct checkpoint checkpoint = {.size = 0, .root = merkle_empty()};
    struct str origin = {session->origin, session->origin_len};
    if (welcome->size > 0) {
        err_t err =
            checkpoint_open(welcome->checkpoint, origin, &session->ledger_key, &checkpoint, NULL, fault);
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

static void hello_answer(struct sync_session *session, const struct buf *body, int64_t now_us)
{
    struct sync_welcome welcome;
    struct fault fault = {.code = ERR_OK};
    err_t err = sync_welcome_read(buf_bytes(body), &welcome);
    if (err != ERR_OK) {
        link_failed(session, err, "the answer to hello is not well formed", "upgrade the older side", now_us);
        return;
    }
    if (welcome.verdict != SYNC_GO_ON) {
        hello_alarm(session, welcome.verdict, now_us);
        return;
    }
    if (TRY(err, origin_take(session, welcome.origin))) {
        link_alarm(session, err, "the issuer offers another ledger than the one we follow",
                   "compare the cards and audience names on both sides", now_us);
        return;
    }
    err = welcome_check(session, &welcome, &fault);
    if (err == ERR_PROOF) {
        equivocation(session, welcome.checkpoint, fault.what, now_us);
        return;
    }
    if (err != ERR_OK) {
        link_failed(session, err, fault.what, "see that the issuer's newest card is here", now_us);
        return;
    }
    session->state = SYNC_FEED;
    session->status.offered = welcome.size;
    acknowledge(session, welcome.receipted);
    if (welcome.receipted < session->held.size && session->signing == 0 && session->receipt_body.len == 0)
        session->receipt_wanted = true;
}

static void feed_answer(struct sync_session *session, struct buf *body, int64_t now_us)
{
    struct sync_checked *page = &session->pages[session->page_count];
    struct fault fault = {.code = ERR_OK};
    struct sync_followed followed = {
        session->epoch, {session->origin, session->origin_len}, &session->ledger_key};
    must(session->page_count < PAGES);
    size_t bytes = body->len;
    err_t err = sync_page_check(&followed, &session->tip, body, page, &fault);
    if (err == ERR_PROOF) {
        struct sync_page read;
        must(sync_page_read(buf_bytes(body), &read, NULL) == ERR_OK); /* it came as far as the proof */
        equivocation(session, read.checkpoint, fault.what, now_us);
        return;
    }
    if (err != ERR_OK) {
        link_failed(session, err, fault.what, "if it goes on, the issuer's store or program is damaged",
                    now_us);
        return;
    }
    session->link.failures = 0;
    if (session->receipt_retry.failures == 0)
        session->status.trouble.err = ERR_OK;
    if (page->count == 0) {
        sync_checked_deinit(page);
        session->link.at_us = session->feed.sent_us + FEED_SPACED_US;
        return;
    }
    session->link.at_us = now_us;
    session->status.bytes += bytes;
    session->page_count++;
    if (session->tip.edge.size > session->status.offered)
        session->status.offered = session->tip.edge.size;
}

static void receipt_answer(struct sync_session *session, const struct buf *body, int64_t now_us)
{
    uint64_t size;
    if (sync_received_read(buf_bytes(body), &size) != ERR_OK || size < session->receipt_size) {
        receipt_failed(session, ERR_INVALID, "the answer to a receipt is not well formed", now_us);
        return;
    }
    session->receipt_retry = (struct retry) {0, now_us};
    acknowledge(session, session->receipt_size);
    buf_clear(&session->receipt_body);
    if (session->held.size > session->status.acknowledged)
        session->receipt_wanted = true;
}

static const char *status_words(unsigned status)
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

void sync_session_answer(struct sync_session *session, uint64_t id, unsigned status, struct buf *body,
                         int64_t now_us)
{
    struct buf taken = *body;
    *body = (struct buf) {.size_max = taken.size_max};
    bool hello = id != 0 && id == session->hello.id, feed = id != 0 && id == session->feed.id;
    bool receipt = id != 0 && id == session->receipt.id;
    if (hello)
        session->hello.id = 0;
    if (feed)
        session->feed.id = 0;
    if (receipt)
        session->receipt.id = 0;
    if ((hello || feed) && status != STATUS_OK)
        link_failed(session, status == STATUS_NEUTRAL ? ERR_DENIED : ERR_BUSY, status_words(status),
                    "see that both sides added each other's card and started the link", now_us);
    else if (receipt && status != STATUS_OK)
        receipt_failed(session, ERR_DENIED, status_words(status), now_us);
    else if (hello)
        hello_answer(session, &taken, now_us);
    else if (feed)
        feed_answer(session, &taken, now_us);
    else if (receipt)
        receipt_answer(session, &taken, now_us);
    buf_deinit(&taken);
}

void sync_session_failed(struct sync_session *session, uint64_t id, err_t err, int64_t now_us)
{
    if (id == 0)
        return;
    if (id == session->hello.id || id == session->feed.id)
        link_failed(session, err, err_text(err), "see that the partner's node is reachable", now_us);
    else if (id == session->receipt.id)
        receipt_failed(session, err, err_text(err), now_us);
}

/* --- step --- */

static void sooner(int64_t *until, int64_t at)
{
    if (at < *until)
        *until = at;
}

static void expire(struct sync_session *session, int64_t now_us)
{
    const struct flight *flights[] = {&session->hello, &session->feed, &session->receipt};
    for (size_t i = 0; i < sizeof flights / sizeof flights[0]; i++)
        if (flights[i]->id != 0 && now_us >= flights[i]->until_us)
            sync_session_failed(session, flights[i]->id, ERR_TIMEOUT, now_us);
    if (session->signing != 0 && now_us >= session->sign_until_us)
        sign_later(session, ERR_TIMEOUT, now_us);
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

/* False, and the link waits, when the partner's card is out of time. */
static bool card_holds(struct sync_session *session, int64_t now_us)
{
    struct fault fault = {.code = ERR_OK};
    err_t err = sync_card_valid(&session->card, now_us, &fault);
    if (err != ERR_OK)
        link_failed(session, err, fault.what, "get the partner's newest card", now_us);
    return err == ERR_OK;
}

static bool step(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    int64_t *until = &out->until_us;
    if (session->state == SYNC_HELLO && session->hello.id == 0 && card_holds(session, now_us)) {
        hello_send(session, now_us, out);
        return true;
    }
    bool feeding = session->state == SYNC_FEED;
    if (due(feeding && session->feed.id == 0 && session->page_count < PAGES, session->link.at_us, now_us,
            until) &&
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
        if (receive(session, now_us)) {
            out->kind = SYNC_COMMIT;
            return true;
        }
        sooner(until, session->receive_at_us);
    }
    bool sign = feeding && session->receipt_wanted && session->signing == 0 &&
                session->receipt_body.len == 0 && session->held.size > session->status.acknowledged &&
                session->receipt_retry.at_us <= now_us;
    if (feeding && session->receipt_wanted && session->receipt_retry.at_us > now_us)
        sooner(until, session->receipt_retry.at_us);
    return due(sign, session->sign_at_us, now_us, until) && sign_ask(session, now_us, out);
}

void sync_session_next(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    *out = (struct sync_action) {.kind = SYNC_NOTHING, .until_us = NEVER};
    if (session->state == SYNC_IDLE || session->state == SYNC_ALARM)
        return;
    expire(session, now_us);
    if (step(session, now_us, out))
        return;
    const struct flight *flights[] = {&session->hello, &session->feed, &session->receipt};
    for (size_t i = 0; i < sizeof flights / sizeof flights[0]; i++)
        if (flights[i]->id != 0)
            sooner(&out->until_us, flights[i]->until_us);
    if (session->signing != 0)
        sooner(&out->until_us, session->sign_until_us);
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
    out->state = session->state;
    out->origin = (struct str) {session->origin, session->origin_len};
    out->verified = session->tip.edge.size;
    out->held = session->held.size;
    out->root = session->held.root;
    out->refused = session->held.refused;
    out->next_try_us = session->state == SYNC_WAITING ? session->link.at_us : 0;
}
