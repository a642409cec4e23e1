/* A collection of any TAXII 2.1 server that is given what one audience's release view shows (TAXII 2.1
 * section 5.5): the leaves of that partner's ledger that a signed checkpoint covers, as its own TAXII readers
 * get them, in order and byte for byte. What a partner may have is decided in the gate and nowhere here.
 *
 *   - The cursor is a leaf number. It moves when the server has answered for an envelope, and is durable
 * before the next one leaves; after a crash between the two that one goes again, which TAXII takes as the
 * same.
 *   - 202 "pending": its status is asked for until it is complete, also after a restart.
 *   - An object that the server does not take is counted, with its words. For an envelope that is refused as
 * a whole (400, 413, 422) halves are tried, down to the object. Where one object after another is refused it
 * is not the objects: the run fails, and the cursor stays before them.
 *   - A 5xx leaves open what was kept (OpenTAXII 0.9.3 keeps the objects and then fails to write its answer):
 * the manifest is asked for what was sent. What stands there was pushed; the rest goes again, later.
 *   - What a leaf takes back after it went is taken back there as far as TAXII can: by this node's word about
 * it (push_word.h), before that by DELETE where `delete` asks for it. What goes is remembered before it goes.
 *   - While the audience is paused or stopped nothing goes. */
#include <stdio.h>

#include "core/mem.h"
#include "feeds/push_answer.h"
#include "feeds/push_batch.h"
#include "feeds/taxii_url.h"
#include "gate/query.h"

enum {
    SIGN_POLLS = 100,
    STATUS_FIRST_US = 1000000,
    STATUS_MOST_US = 60000000,
    WARNINGS = 8,
    BYTES_LEAST = 8 << 10 /* no server takes less: it would take nothing */
};
#define SIGN_WAIT_US INT64_C(50000)

enum phase { PHASE_LOOK, PHASE_ROOT, PHASE_SEND, PHASE_DELETE, PHASE_POST, PHASE_STATUS, PHASE_MANIFEST };

struct push {
    enum phase phase;
    unsigned partner;
    uint32_t epoch;
    uint64_t at;        /* the first place (push_batch.h) that the server has not answered for */
    bool deletes;       /* by option, as long as the server lets it */
    size_t deleting;    /* the item of the batch whose object is deleted */
    size_t objects_max; /* by option */
    size_t objects;     /* now: halved when an envelope is refused */
    size_t bytes;       /* of an envelope; 0: the API root was not asked yet */
    unsigned sign_polls, polls;
    uint64_t refused;            /* objects in a row, which the cursor has not passed yet */
    uint64_t large, unconfirmed; /* likewise */
    unsigned doubt;              /* status that left open what was kept */
    unsigned warnings;
    struct push_rows rows;
    struct push_batch batch;
};

static const char media[] = "application/taxii+json;version=2.1";

static void look(struct feed *feed);

/* --- what outlives the run --- */

/* "epoch:leaf", and "+" in the midst of one. */
static void keep_cursor(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    char text[64];
    (void)snprintf(text, sizeof text, "%u:%llu%s", push->epoch, (unsigned long long)(push->at / 2),
                   push->at % 2 == 0 ? "" : "+");
    (void)feed_set(feed, "cursor", str_of(text));
}

/* From the beginning in another epoch: its leaves are numbered anew. */
static uint64_t cursor_of(const struct feed *feed, uint32_t epoch)
{
    struct str rest = feed_get(feed, "cursor");
    struct str first = str_cut(&rest, ':');
    uint64_t of_epoch, seq;
    bool midst = rest.len > 0 && rest.at[rest.len - 1] == '+';
    rest.len -= midst;
    return str_to_u64(first, UINT32_MAX, &of_epoch) && of_epoch == epoch &&
                   str_to_u64(rest, INT64_MAX / 2, &seq)
               ? 2 * seq + midst
               : 0;
}

static void note_failure(struct feed *feed, struct str id, struct str message)
{
    struct push *push = *feed_work(feed);
    char name[PUSH_WORDS_MAX], words[PUSH_WORDS_MAX], text[2 * PUSH_WORDS_MAX + 8];
    push_words(id, name);
    push_words(message, words);
    (void)snprintf(text, sizeof text, "%s: %s", name[0] == '\0' ? "an object" : name,
                   words[0] == '\0' ? "no reason was given" : words);
    (void)feed_set(feed, "failure", str_of(text));
    if (push->warnings++ < WARNINGS)
        feed_warn(feed, "not taken: %s", text);
}

static void finish(struct feed *feed)
{
    const struct feed_counts *counts = feed_tally(feed);
    struct str failure = feed_get(feed, "failure");
    if (failure.len > 0)
        feed_remark(feed, "%llu objects were not taken; the last, %.*s", (unsigned long long)counts->failed,
                    STR_ARG(failure));
    feed_done(feed);
}

/* All before `at` is answered for: what was counted on the way counts, and the cursor moves there. */
static void settle(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    struct feed_counts *counts = feed_tally(feed);
    counts->failed += push->refused + push->large;
    counts->unconfirmed += push->unconfirmed;
    push->refused = push->large = push->unconfirmed = 0;
    keep_cursor(feed);
}

/* The batch is behind us; for good, unless objects before it were refused and the server is in doubt. */
static void pass_batch(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    const struct push_batch *batch = &push->batch;
    push->unconfirmed += batch->unconfirmed;
    push->large += batch->large;
    if (batch->large > 0)
        note_failure(feed, str_of(batch->large_id), STR("larger than the server takes"));
    push->at = batch->next;
    if (push->refused == 0)
        settle(feed);
}

/* --- asking --- */

static void send_ask(struct feed *feed, const struct buf *target, enum phase phase)
{
    struct push *push = *feed_work(feed);
    push->phase = phase;
    feed_ask(feed, buf_str(target));
    feed_ask_field(feed, "accept", str_of(media));
}

static void ask_root(struct feed *feed)
{
    struct buf target;
    buf_init(&target, LIMIT_HTTP_TARGET_BYTES);
    (void)taxii_url_root(feed, STR(""), &target); /* begin has looked */
    send_ask(feed, &target, PHASE_ROOT);
    buf_deinit(&target);
}

static void ask_status(struct feed *feed)
{
    struct buf target;
    char tail[PUSH_ID_MAX + 16];
    buf_init(&target, LIMIT_HTTP_TARGET_BYTES);
    (void)snprintf(tail, sizeof tail, "status/%.*s/", STR_ARG(feed_get(feed, "status")));
    (void)taxii_url_root(feed, str_of(tail), &target);
    send_ask(feed, &target, PHASE_STATUS);
    buf_deinit(&target);
}

/* Whether the first objects of the batch are there. */
static void ask_manifest(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    struct buf target, ids;
    buf_init(&target, LIMIT_HTTP_TARGET_BYTES);
    buf_init(&ids, LIMIT_HTTP_TARGET_BYTES);
    for (size_t i = 0; i < push->batch.count && i < LIMIT_FEED_PUSH_DOUBT; i++) {
        if (i > 0)
            buf_putc(&ids, ',');
        buf_put_str(&ids, push_batch_id(&push->batch, i));
    }
    bool query = taxii_url_put(feed, STR("manifest/"), &target);
    taxii_url_param(&target, &query, "limit", STR("1000"));
    taxii_url_param(&target, &query, "match[id]", buf_str(&ids));
    taxii_url_param(&target, &query, "match[version]", STR("all"));
    send_ask(feed, &target, PHASE_MANIFEST);
    buf_deinit(&target);
    buf_deinit(&ids);
}

static void post(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    struct buf target;
    buf_init(&target, LIMIT_HTTP_TARGET_BYTES);
    (void)taxii_url_put(feed, STR("objects/"), &target);
    push->phase = PHASE_POST;
    feed_post(feed, buf_str(&target), buf_bytes(&push->batch.body));
    feed_ask_field(feed, "accept", str_of(media));
    feed_ask_field(feed, "content-type", str_of(media));
    buf_deinit(&target);
}

/* --- what is said of what was taken back --- */

/* Of the first items of the batch, which the server has: the leaves that the words among them are about, a
 * line each, until it says what became of them. */
static void keep_words(struct feed *feed, size_t count)
{
    struct push *push = *feed_work(feed);
    struct push_batch *batch = &push->batch;
    char text[24 * (LIMIT_FEED_PUSH_WORDS + 1)];
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const struct push_item *item = &batch->items[i];
        struct push_back back = {.as = LEAF_SUBJECT_NONE, .id = push_batch_id(batch, i)};
        if (item->self)
            (void)feed_set(feed, "self", STR("there"));
        if (item->word == 0)
            continue;
        back.done = (struct feed_taken_back) {.word = item->word,
                                              .fate = FEED_FATE_GIVEN,
                                              .deleted = batch->takings[item->about].deleted,
                                              .at_us = feed_now(feed)};
        if (push_back_put(&push->rows, item->place / 2, &back, feed_now(feed)) == ERR_OK)
            len += (size_t)snprintf(text + len, sizeof text - len, "%llu\n",
                                    (unsigned long long)(item->place / 2));
    }
    (void)feed_set(feed, "words", (struct str) {text, len});
}

/* One that was given: what the server did with it. */
static bool settle_word(struct feed *feed, uint64_t seq, enum feed_fate fate)
{
    struct push *push = *feed_work(feed);
    struct push_back back;
    char id[LIMIT_ID_BYTES];
    if (push_back_get(&push->rows, seq, &back) != ERR_OK || back.done.fate != FEED_FATE_GIVEN)
        return false;
    if (back.id.len > 0)
        memcpy(id, back.id.at, back.id.len); /* it stands where it is written anew */
    back.id.at = id;
    back.done.fate = fate;
    back.done.at_us = feed_now(feed);
    return push_back_put(&push->rows, seq, &back, feed_now(feed)) == ERR_OK;
}

static void flush_rows(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    if (push_rows_flush(&push->rows, feed_now(feed)) != ERR_OK)
        feed_warn(feed, "what was done about what was taken back could not be written down");
}

/* Those that were given, also before a restart. `id`: that one alone; empty: all. */
static void settle_given(struct feed *feed, struct str id, enum feed_fate fate)
{
    struct push *push = *feed_work(feed);
    struct str rest = feed_get(feed, "words");
    struct push_back back;
    uint64_t seq;
    while (rest.len > 0)
        if (str_to_u64(str_cut(&rest, '\n'), INT64_MAX, &seq) &&
            (id.len == 0 || (push_back_get(&push->rows, seq, &back) == ERR_OK && str_eq(back.id, id))) &&
            settle_word(feed, seq, fate) && fate == FEED_FATE_TAKEN)
            feed_tally(feed)->taken_back++;
}

/* The status is complete: what was not named as a failure was taken. */
static void settle_words(struct feed *feed)
{
    settle_given(feed, STR(""), FEED_FATE_TAKEN);
    (void)feed_set(feed, "words", STR(""));
    flush_rows(feed);
}

/* The server did not take an object: a word, or what needs not be taken back then. */
static void settle_failure(struct feed *feed, struct str id)
{
    struct push *push = *feed_work(feed);
    struct push_batch *batch = &push->batch;
    if (id.len > 0)
        settle_given(feed, id, FEED_FATE_REFUSED);
    for (size_t i = 0; i < batch->count; i++) {
        const struct push_item *item = &batch->items[i];
        if (item->word != 0 || !str_eq(push_batch_id(batch, i), id))
            continue;
        if (item->self)
            (void)feed_set(feed, "self", STR(""));
        else if (push_sent_drop(&push->rows, item->place / 2, feed_now(feed)) != ERR_OK)
            feed_warn(feed, "what was not taken could not be forgotten");
    }
}

/* The next word whose object is to be deleted there; false: no more of them. */
static bool delete_next(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    struct push_batch *batch = &push->batch;
    struct buf target;
    char tail[LIMIT_ID_BYTES + 16];
    while (push->deletes && push->deleting < batch->count && batch->items[push->deleting].word == 0)
        push->deleting++;
    if (!push->deletes || push->deleting == batch->count)
        return false;
    struct str id = push_batch_about(batch, &batch->takings[batch->items[push->deleting].about]);
    buf_init(&target, LIMIT_HTTP_TARGET_BYTES);
    (void)snprintf(tail, sizeof tail, "objects/%.*s/", STR_ARG(id));
    bool query = taxii_url_put(feed, str_of(tail), &target);
    taxii_url_param(&target, &query, "match[version]", STR("all"));
    push->phase = PHASE_DELETE;
    feed_delete(feed, buf_str(&target));
    feed_ask_field(feed, "accept", str_of(media));
    buf_deinit(&target);
    return true;
}

static void send_batch(struct feed *feed)
{
    if (!delete_next(feed))
        post(feed);
}

/* Gone, not there, or not to be had by us: in each case the word goes. */
static void delete_answer(struct feed *feed, const struct feed_answer *answer)
{
    struct push *push = *feed_work(feed);
    unsigned status = answer->status;
    if (status == 401 || status == 429 || (status >= 500 && status != 501)) {
        feed_refused(feed, answer);
        return;
    }
    push->batch.takings[push->batch.items[push->deleting].about].deleted = status;
    push->deletes &= status != 403 && status != 405 && status != 501;
    push->deleting++;
    send_batch(feed);
}

/* --- what is next --- */

static bool is_stopped(struct feed *feed, const struct gate_peer *peer)
{
    struct gate *gate = feed_gate(feed);
    for (size_t i = 0; i < gate_stop_count(gate); i++) {
        struct str name;
        enum gate_stop_kind kind = gate_stop_get(gate, i, &name);
        if (kind == GATE_STOP_ALL || (kind == GATE_STOP_PARTNER && str_eq(name, peer->audience)))
            return true;
    }
    return false;
}

static void next_batch(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    struct push_wanted wanted = {.partner = push->partner,
                                 .epoch = push->epoch,
                                 .from = push->at,
                                 .objects = push->objects,
                                 .bytes = push->bytes,
                                 .self = feed_get(feed, "self").len > 0,
                                 .rows = &push->rows};
    err_t err = push_batch_fill(&push->batch, feed, &wanted);
    if (err != ERR_OK) {
        feed_fail(feed, err, "bongsu check", "the view cannot be read: %s", err_text(err));
    } else if (push->batch.count > 0) {
        /* What is remembered of it is durable before it goes. */
        push->deleting = 0;
        push->phase = PHASE_SEND;
        feed_later(feed, 0);
    } else {
        pass_batch(feed);
        push->phase = PHASE_LOOK;
        feed_later(feed, 0);
    }
}

/* All that is visible went. What is decided and not yet signed is waited for a little. */
static void at_end(struct feed *feed, const struct gate_ledger *ledger)
{
    struct push *push = *feed_work(feed);
    if (push->refused > 0)
        settle(feed);
    if (ledger->size > ledger->visible && push->sign_polls++ < SIGN_POLLS) {
        push->phase = PHASE_LOOK;
        feed_later(feed, SIGN_WAIT_US);
    } else {
        finish(feed);
    }
}

static void look(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    const struct gate_peer *peer = gate_peer_get(feed_gate(feed), push->partner);
    struct gate_ledger ledger;
    if (is_stopped(feed, peer)) {
        feed_remark(feed, "nothing is pushed while the releases of the audience are stopped");
        feed_done(feed);
        return;
    }
    err_t err = gate_ledger(feed_gate(feed), push->partner, &ledger);
    if (err == ERR_OK && ledger.stopped)
        err = ERR_CORRUPT;
    if (err != ERR_OK) {
        feed_fail(feed, err, "bongsu check", "the view cannot be read: %s", err_text(err));
        return;
    }
    feed_view_read(feed, push->partner);
    if (push->at >= 2 * ledger.visible)
        at_end(feed, &ledger);
    else if (push->bytes == 0)
        ask_root(feed);
    else
        next_batch(feed);
}

static void later(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    if (push->phase == PHASE_STATUS)
        ask_status(feed);
    else if (push->phase == PHASE_SEND)
        send_batch(feed);
    else
        look(feed);
}

static err_t begin(struct feed *feed)
{
    struct buf root;
    struct gate_ledger ledger;
    uint64_t limit = LIMIT_FEED_PUSH_OBJECTS;
    const struct gate_peer *peer = gate_peer_find(feed_gate(feed), feed_option(feed, "audience"));
    buf_init(&root, LIMIT_HTTP_TARGET_BYTES);
    bool shown = taxii_url_root(feed, STR(""), &root);
    buf_deinit(&root);
    if (peer == NULL || !shown || gate_ledger(feed_gate(feed), peer->index, &ledger) != ERR_OK) {
        feed_fail(feed, peer == NULL ? ERR_NOTFOUND : ERR_USAGE,
                  "--audience NAME, and --url .../collections/ID/ or an API root with --collection",
                  peer == NULL ? "there is no such audience" : "the address does not name a collection");
        return ERR_OK;
    }
    struct push *push = mem_alloc(sizeof *push);
    if (push == NULL)
        return ERR_NOMEM;
    *feed_work(feed) = push;
    push_batch_init(&push->batch);
    (void)str_to_u64(feed_option(feed, "limit"), LIMIT_FEED_PUSH_OBJECTS, &limit);
    push->objects = push->objects_max = (size_t)limit;
    push->partner = peer->index;
    push->epoch = ledger.origin.epoch;
    push->at = cursor_of(feed, push->epoch);
    push->deletes = feed_option(feed, "delete").len > 0;
    push_rows_init(&push->rows, feed_gate(feed), feed_conf_of(feed)->name, push->epoch);
    if (feed_get(feed, "status").len > 0)
        ask_status(feed);
    else
        look(feed);
    return ERR_OK;
}

static void end(void *work)
{
    struct push *push = work;
    push_batch_deinit(&push->batch);
    push_rows_deinit(&push->rows);
    mem_free(push);
}

/* --- answers --- */

/* Some show their root to nobody who may post all the same (OpenTAXII): then the bound is ours. */
static void root_answer(struct feed *feed, const struct feed_answer *answer)
{
    struct push *push = *feed_work(feed);
    uint64_t length = 0;
    if (answer->status == 429 || answer->status == 503) {
        feed_refused(feed, answer);
        return;
    }
    if (answer->status == 200)
        length = push_root_read(feed_parser(feed), buf_bytes(answer->body));
    push->bytes = length > 0 && length < LIMIT_FEED_PUSH_BYTES ? (size_t)length : LIMIT_FEED_PUSH_BYTES;
    if (push->bytes < BYTES_LEAST)
        push->bytes = BYTES_LEAST;
    look(feed);
}

static void count_failure(void *ctx, struct str id, struct str message)
{
    note_failure(ctx, id, message);
    settle_failure(ctx, id);
}

/* Counts of `sent` objects as the server tells them. */
static void take_counts(struct feed *feed, const struct push_status *status, uint64_t sent)
{
    struct feed_counts *counts = feed_tally(feed);
    uint64_t failed = status->failed < sent ? status->failed : sent;
    counts->failed += failed;
    counts->pushed += sent - failed;
}

static void wait_status(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    int64_t wait_us = STATUS_FIRST_US;
    for (unsigned i = 0; i < push->polls && wait_us < STATUS_MOST_US; i++)
        wait_us *= 2;
    if (push->polls++ >= LIMIT_FEED_PUSH_POLLS) {
        feed_remark(feed, "the server still works on what it was given");
        feed_done(feed);
        return;
    }
    push->phase = PHASE_STATUS;
    feed_later(feed, wait_us < STATUS_MOST_US ? wait_us : STATUS_MOST_US);
}

static void clear_status(struct feed *feed)
{
    struct push *push = *feed_work(feed);
    (void)feed_set(feed, "status", STR(""));
    (void)feed_set(feed, "pending", STR(""));
    push->polls = 0;
}

static void taken(struct feed *feed, const struct feed_answer *answer)
{
    struct push *push = *feed_work(feed);
    struct push_status status;
    char number[24];
    keep_words(feed, push->batch.count);
    err_t err = push_status_read(feed_parser(feed), buf_bytes(answer->body), &status, count_failure, feed);
    if (err != ERR_OK || (status.pending && status.id[0] == '\0')) {
        feed_fail(feed, ERR_INVALID, "is --url the address of a TAXII 2.1 collection?",
                  "what the server answered is no status of what it was given");
        return;
    }
    uint64_t sent = push->batch.count;
    pass_batch(feed);
    settle(feed);
    push->objects = 2 * push->objects < push->objects_max ? 2 * push->objects : push->objects_max;
    if (!status.pending) {
        take_counts(feed, &status, sent);
        settle_words(feed);
        look(feed);
        return;
    }
    flush_rows(feed);
    (void)snprintf(number, sizeof number, "%llu", (unsigned long long)sent);
    (void)feed_set(feed, "status", str_of(status.id));
    (void)feed_set(feed, "pending", str_of(number));
    wait_status(feed);
}

/* The envelope was refused as a whole: a half of it, or this one object. */
static void refused(struct feed *feed, const struct feed_answer *answer)
{
    struct push *push = *feed_work(feed);
    char words[PUSH_WORDS_MAX], text[PUSH_WORDS_MAX + 24];
    if (push->batch.count > 1) {
        push->objects = push->batch.count / 2;
        look(feed);
        return;
    }
    push_error_read(feed_parser(feed), buf_bytes(answer->body), words);
    (void)snprintf(text, sizeof text, "%s (status %u)", words[0] == '\0' ? "refused" : words, answer->status);
    if (++push->refused >= LIMIT_FEED_PUSH_REFUSED) {
        feed_fail(feed, ERR_DENIED, "look at --url; ask the server's operator",
                  "the server refuses one object after another: %s", text);
        return;
    }
    note_failure(feed, push_batch_id(&push->batch, 0), str_of(text));
    keep_words(feed, 1);
    settle_failure(feed, push_batch_id(&push->batch, 0));
    (void)feed_set(feed, "words", STR(""));
    flush_rows(feed);
    pass_batch(feed);
    look(feed);
}

static void post_answer(struct feed *feed, const struct feed_answer *answer)
{
    struct push *push = *feed_work(feed);
    unsigned status = answer->status;
    if (status == 202 || status == 200 || status == 201) {
        taken(feed, answer);
    } else if (status == 400 || status == 413 || status == 422) {
        refused(feed, answer);
    } else if (status >= 500 && status != 503) {
        push->doubt = status;
        ask_manifest(feed);
    } else {
        feed_refused(feed, answer);
    }
}

static void status_answer(struct feed *feed, const struct feed_answer *answer)
{
    struct push_status status;
    uint64_t sent = 0;
    (void)str_to_u64(feed_get(feed, "pending"), LIMIT_FEED_PUSH_OBJECTS, &sent);
    if (answer->status == 404) { /* it kept the status for a shorter time than we were away */
        feed_tally(feed)->unconfirmed += sent;
        (void)feed_set(feed, "words", STR("")); /* they stay given */
        clear_status(feed);
        look(feed);
        return;
    }
    if (answer->status != 200) {
        feed_refused(feed, answer);
        return;
    }
    if (push_status_read(feed_parser(feed), buf_bytes(answer->body), &status, count_failure, feed) !=
        ERR_OK) {
        feed_fail(feed, ERR_INVALID, "ask the server's operator", "what the server answered is no status");
        return;
    }
    if (status.pending) {
        wait_status(feed);
        return;
    }
    take_counts(feed, &status, sent);
    settle_words(feed);
    clear_status(feed);
    look(feed);
}

static void count_found(void *ctx, struct str id, struct str version)
{
    struct push *push = ctx;
    push_batch_found(&push->batch, id, version);
}

/* What stands there up to the first that does not was pushed. */
static void manifest_answer(struct feed *feed, const struct feed_answer *answer)
{
    struct push *push = *feed_work(feed);
    struct push_batch *batch = &push->batch;
    struct feed_answer open = {.status = push->doubt};
    size_t there = 0;
    if (answer->status == 200 &&
        push_manifest_read(feed_parser(feed), buf_bytes(answer->body), count_found, push) == ERR_OK)
        while (there < batch->count && batch->items[there].found)
            there++;
    if (there == 0) {
        feed_refused(feed, &open);
        return;
    }
    feed_tally(feed)->pushed += there;
    keep_words(feed, there);
    settle_words(feed);
    push->objects = LIMIT_FEED_PUSH_DOUBT < push->objects_max ? LIMIT_FEED_PUSH_DOUBT : push->objects_max;
    push->objects_max = push->objects;
    if (there == batch->count)
        pass_batch(feed);
    else
        push->at = batch->items[there].place;
    settle(feed);
    look(feed);
}

static void answer(struct feed *feed, struct feed_answer *answer)
{
    static void (*const answers[])(struct feed * feed, const struct feed_answer *answer) = {
        [PHASE_ROOT] = root_answer,     [PHASE_DELETE] = delete_answer,     [PHASE_POST] = post_answer,
        [PHASE_STATUS] = status_answer, [PHASE_MANIFEST] = manifest_answer,
    };
    const struct push *push = *feed_work(feed);
    must(push->phase != PHASE_LOOK && push->phase != PHASE_SEND);
    answers[push->phase](feed, answer);
}

static bool is_yes(struct str value)
{
    return str_eq(value, STR("yes"));
}

static bool is_limit(struct str value)
{
    uint64_t limit;
    return str_to_u64(value, LIMIT_FEED_PUSH_OBJECTS, &limit) && limit > 0;
}

static const struct feed_option options[] = {
    {"audience", "the partner whose release view is pushed", true, NULL},
    {"collection", "the id or alias of a collection below the API root that --url names", false, NULL},
    {"limit", "how many objects an envelope holds at most, 1 to 500", false, is_limit},
    {"delete", "yes: what is taken back is deleted there, where the server lets it", false, is_yes},
    {NULL, NULL, false, NULL},
};

const struct feed_kind feed_kind_taxii21_push = {
    .name = "taxii21-push",
    .summary = "what an audience's release view shows, given to a collection of a TAXII 2.1 server",
    .options = options,
    .push = true,
    .begin = begin,
    .answer = answer,
    .later = later,
    .end = end,
};
