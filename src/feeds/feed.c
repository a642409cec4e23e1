/* The machine that drives one feed: when, calls and their answers, taking in, and what outlives a run. */
#include "feeds/feed.h"

#include <stdio.h>

#include "core/mem.h"
#include "feeds/intake.h"
#include "feeds/kept.h"
#include "feeds/kind.h"
#include "feeds/push_answer.h"
#include "net/client.h"
#include "json/json.h"

enum {
    ARENA_BYTES = 256 << 10,
    BUSY_WAIT_US = 20000, /* the index lags: it needs some milliseconds */
    CUT_SPREAD_US = 5000000,
    RETRY_FIRST_S = 10,
    FIELD_BYTES = 2048,
};
#define SECOND_US        INT64_C(1000000)
#define SAVE_AT_LEAST_US (INT64_C(3600) * SECOND_US)

enum step { STEP_IDLE, STEP_LATER, STEP_ASK, STEP_WAIT, STEP_CANCEL };

struct feed {
    struct gate *gate;
    const struct diag *diag;
    struct arena arena; /* of the declaration */
    struct feed_conf conf;
    struct json_parser *parser;
    struct intake *intake; /* NULL: it pushes */
    int partner;           /* whose server it is, where that is declared; -1 */
    bool resting;          /* nothing runs because of how it stands with him */
    struct kept kept;
    int64_t saved_us, now_us;

    enum feed_state state;
    int64_t next_us, deadline_us;
    bool wanted; /* by an operator: the next run is not by the clock */
    bool cut;    /* its run was, before this feed was made */
    void *work;
    bool taking; /* something was given to the intake, and the kind waits for `taken` */
    bool busy;
    char remark[FAULT_WHAT_MAX];
    void (*view_read)(void *ctx, unsigned partner);
    void *view_ctx;

    enum step step;
    uint64_t id;
    unsigned redirects;
    int64_t later_us; /* STEP_LATER: until when */
    enum exchange_method method;
    struct buf target, fields, send;
    struct feed_field ask[FEED_FIELDS_MAX];
    size_t ask_count;

    unsigned status; /* of the answer under way; 0: no head yet */
    struct buf head, body;
    struct feed_field got[FEED_FIELDS_MAX];
    size_t got_count;
};

/* --- life --- */

static void init_bufs(struct feed *feed)
{
    buf_init(&feed->target, LIMIT_HTTP_TARGET_BYTES);
    buf_init(&feed->fields, FEED_FIELDS_MAX * FIELD_BYTES);
    buf_init(&feed->send, LIMIT_FEED_PUSH_BYTES);
    buf_init(&feed->head, LIMIT_FEED_HEAD_BYTES);
    buf_init(&feed->body, LIMIT_FEED_ANSWER_BYTES + JSON_PADDING);
}

/* After a power cut all feeds of a node, and of its neighbours, come back at once: spread over some seconds.
 */
static int64_t soon_us(const struct feed *feed, int64_t now_us)
{
    struct bytes name = bytes_from_str(feed->conf.name);
    return now_us + (int64_t)((hash_xxh3(name) ^ (uint64_t)now_us) % CUT_SPREAD_US);
}

/* Where a feed that was made anew goes on: at its time, or at once when that is over or it never ran. */
static int64_t first_us(const struct feed *feed, int64_t now_us)
{
    const struct kept *kept = &feed->kept;
    if (feed->cut)
        return soon_us(feed, now_us);
    int64_t due = kept->last_us == 0 ? now_us : kept->last_us + (int64_t)feed->conf.every_s * SECOND_US;
    return due < now_us ? now_us : due;
}

int feed_partner_of(struct gate *gate, const struct feed_conf *conf)
{
    const struct gate_source *source = gate_source_find(gate, conf->source);
    if (!conf->kind->push)
        return source == NULL ? -1 : source->partner;
    for (size_t i = 0; i < conf->option_count; i++) {
        if (!str_eq(conf->options[i].name, STR("audience")))
            continue;
        const struct gate_peer *peer = gate_peer_find(gate, conf->options[i].value);
        return peer == NULL ? -1 : (int)peer->index;
    }
    return -1;
}

/* What pushes takes nothing in. What a partner's node says comes over its link and in no other way. */
static err_t open_intake(struct feed *feed)
{
    feed->partner = feed_partner_of(feed->gate, &feed->conf);
    if (feed->conf.kind->push)
        return ERR_OK;
    const struct gate_source *source = gate_source_find(feed->gate, feed->conf.source);
    if (source == NULL ||
        (feed->partner >= 0 && gate_peer_get(feed->gate, (unsigned)feed->partner)->node.len > 0))
        return ERR_NOTFOUND;
    return intake_new(feed->gate, source->number, &feed->intake);
}

err_t feed_new(const struct feed_setup *setup, int64_t now_us, struct feed **out)
{
    struct feed *feed = mem_alloc(sizeof *feed);
    err_t err;
    if (feed == NULL)
        return ERR_NOMEM;
    feed->gate = setup->gate;
    feed->diag = setup->diag;
    feed->view_read = setup->view_read;
    feed->view_ctx = setup->ctx;
    init_bufs(feed);
    arena_init(&feed->arena, ARENA_BYTES);
    if (TRY(err, feed_conf_get(setup->gate, setup->conf->name, &feed->arena, &feed->conf)) ||
        TRY(err, json_parser_new(LIMIT_FEED_JSON_BYTES, &feed->parser)) || TRY(err, open_intake(feed)) ||
        TRY(err, kept_read(feed->gate, feed->conf.name, feed->parser, &feed->kept))) {
        feed_free(feed);
        return err;
    }
    feed->state = feed->conf.paused ? FEED_PAUSED : FEED_WAITING;
    feed->cut = feed->kept.begun;
    feed->next_us = first_us(feed, now_us);
    if (feed->cut)
        diag_say(feed->diag, DIAG_NOTICE, ERR_OK, "feeds", NULL,
                 "feed %.*s: its last run was cut off: it goes on at once", STR_ARG(feed->conf.name));
    feed->now_us = now_us;
    *out = feed;
    return ERR_OK;
}

static void end_work(struct feed *feed)
{
    if (feed->work != NULL && feed->conf.kind->end != NULL)
        feed->conf.kind->end(feed->work);
    feed->work = NULL;
}

void feed_free(struct feed *feed)
{
    if (feed == NULL)
        return;
    end_work(feed);
    intake_free(feed->intake);
    json_parser_free(feed->parser);
    kept_deinit(&feed->kept);
    buf_deinit(&feed->target);
    buf_deinit(&feed->fields);
    buf_deinit(&feed->send);
    buf_deinit(&feed->head);
    buf_deinit(&feed->body);
    arena_deinit(&feed->arena);
    mem_free(feed);
}

/* --- services for kinds --- */

void **feed_work(struct feed *feed)
{
    return &feed->work;
}

int64_t feed_now(const struct feed *feed)
{
    return feed->now_us;
}

struct gate *feed_gate(const struct feed *feed)
{
    return feed->gate;
}

struct json_parser *feed_parser(const struct feed *feed)
{
    return feed->parser;
}

struct feed_counts *feed_tally(struct feed *feed)
{
    return &feed->kept.counts;
}

struct feed_url feed_url(const struct feed *feed)
{
    struct feed_url url = {0};
    must(feed_url_read(feed->conf.url, &url) == ERR_OK);
    if (url.target.len == 0)
        url.target = STR("/");
    return url;
}

struct str feed_option(const struct feed *feed, const char *name)
{
    for (size_t i = 0; i < feed->conf.option_count; i++)
        if (str_eq(feed->conf.options[i].name, str_of(name)))
            return feed->conf.options[i].value;
    return (struct str) {NULL, 0};
}

struct gate_by feed_by(const struct feed *feed)
{
    return (struct gate_by) {feed->conf.name, STR("feed")};
}

struct str feed_get(const struct feed *feed, const char *name)
{
    return kept_get(&feed->kept, name);
}

bool feed_set(struct feed *feed, const char *name, struct str value)
{
    return kept_set(&feed->kept, name, value);
}

void feed_ask(struct feed *feed, struct str target)
{
    buf_clear(&feed->target);
    buf_put_str(&feed->target, target);
    buf_clear(&feed->fields);
    buf_clear(&feed->send);
    feed->ask_count = 0;
    feed->redirects = 0;
    feed->method = EXCHANGE_GET;
    feed->step = STEP_ASK;
}

void feed_post(struct feed *feed, struct str target, struct bytes body)
{
    feed_ask(feed, target);
    feed->method = EXCHANGE_POST;
    buf_put(&feed->send, body.at, body.len);
}

void feed_delete(struct feed *feed, struct str target)
{
    feed_ask(feed, target);
    feed->method = EXCHANGE_DELETE;
}

void feed_later(struct feed *feed, int64_t wait_us)
{
    must(feed->conf.kind->later != NULL);
    feed->later_us = feed->now_us + wait_us;
    feed->step = STEP_LATER;
}

void feed_view_read(struct feed *feed, unsigned partner)
{
    if (feed->view_read != NULL)
        feed->view_read(feed->view_ctx, partner);
}

void feed_ask_field(struct feed *feed, const char *name, struct str value)
{
    if (value.len == 0)
        return;
    must(feed->ask_count < FEED_FIELDS_MAX);
    /* The value's place: pointers are made when it is sent, for the buffer grows. */
    feed->ask[feed->ask_count++] =
        (struct feed_field) {str_of(name), {(const char *)(uintptr_t)feed->fields.len, value.len}};
    buf_put_str(&feed->fields, value);
}

struct str feed_answer_field(const struct feed_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->field_count; i++)
        if (str_eq(answer->fields[i].name, str_of(name)))
            return answer->fields[i].value;
    return (struct str) {NULL, 0};
}

/* --- what outlives a run --- */

static bool save(struct feed *feed)
{
    struct gate_by by = feed_by(feed);
    err_t err = kept_write(feed->gate, feed->conf.name, &feed->kept, &by, feed->now_us);
    if (err == ERR_OK)
        feed->saved_us = feed->now_us;
    else
        diag_say(feed->diag, DIAG_ERROR, err, "feeds", "look at bongsu status",
                 "feed %.*s: how far it came could not be kept: %s", STR_ARG(feed->conf.name), err_text(err));
    return err == ERR_OK;
}

/* Before the first object of it: what cuts the run off is seen by whoever comes after. A stream goes on
 * whenever the node does. */
static void mark_begun(struct feed *feed)
{
    if (feed->kept.begun || feed->conf.kind->stream)
        return;
    feed->kept.begun = true;
    (void)save(feed);
}

/* --- ends of runs --- */

static void stop_call(struct feed *feed)
{
    feed->step = feed->step == STEP_WAIT ? STEP_CANCEL : STEP_IDLE;
    feed->status = 0;
    buf_deinit(&feed->body);
}

static void rest(struct feed *feed)
{
    stop_call(feed);
    if (feed->intake != NULL)
        intake_drop(feed->intake);
    feed->taking = feed->busy = false;
    end_work(feed);
    feed->state = feed->conf.paused ? FEED_PAUSED : FEED_WAITING;
}

void feed_remark(struct feed *feed, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(feed->remark, sizeof feed->remark, fmt, args);
    va_end(args);
}

void feed_warn(struct feed *feed, const char *fmt, ...)
{
    char what[FAULT_WHAT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    diag_say(feed->diag, DIAG_WARNING, ERR_DENIED, "feeds", NULL, "feed %.*s: %s", STR_ARG(feed->conf.name),
             what);
}

void feed_done(struct feed *feed)
{
    struct kept *kept = &feed->kept;
    bool news = kept->err != ERR_OK || kept->dirty || kept->begun || strcmp(kept->what, feed->remark) != 0 ||
                feed->now_us - feed->saved_us >= SAVE_AT_LEAST_US;
    rest(feed);
    kept->begun = feed->cut = false;
    kept->counts.runs++;
    kept->last_us = feed->now_us;
    kept->failures = 0;
    kept->err = ERR_OK;
    kept->next[0] = '\0';
    memcpy(kept->what, feed->remark, sizeof kept->what);
    feed->next_us = feed->now_us + (int64_t)feed->conf.every_s * SECOND_US;
    if (news)
        (void)save(feed);
}

static int64_t backoff_us(const struct feed *feed)
{
    uint64_t every_s = feed->conf.every_s, wait_s = RETRY_FIRST_S;
    for (uint64_t i = 1; i < feed->kept.failures && wait_s < every_s; i++)
        wait_s *= 2;
    if (feed->conf.kind->stream && wait_s > 300)
        wait_s = 300;
    return (int64_t)(wait_s < every_s ? wait_s : every_s) * SECOND_US;
}

void feed_fail(struct feed *feed, err_t err, const char *next, const char *fmt, ...)
{
    struct kept *kept = &feed->kept;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(kept->what, sizeof kept->what, fmt, args);
    va_end(args);
    (void)snprintf(kept->next, sizeof kept->next, "%s", next == NULL ? "" : next);
    rest(feed); /* behind the words: they may be of the work that ends here */
    bool begun = kept->begun;
    kept->begun = feed->cut = false;
    kept->failures++;
    kept->err = err;
    feed->next_us = feed->now_us + backoff_us(feed);
    diag_say(feed->diag, DIAG_WARNING, err, "feeds", next == NULL ? NULL : kept->next, "feed %.*s: %s",
             STR_ARG(feed->conf.name), kept->what);
    if (kept->failures == 1 || kept->dirty || begun)
        (void)save(feed);
}

/* Seconds, or the date of the answer's own clock: how long to wait by Retry-After. */
static int64_t retry_after_us(const struct feed_answer *answer)
{
    uint64_t seconds = 0;
    struct str text = feed_answer_field(answer, "retry-after");
    if (text.len == 0 || !str_to_u64(text, UINT32_MAX, &seconds))
        return 0;
    if (seconds > LIMIT_FEED_WAIT_MAX_S)
        seconds = LIMIT_FEED_WAIT_MAX_S;
    return (int64_t)seconds * SECOND_US;
}

static bool says(const char *text, const char *wanted)
{
    struct str words = str_of(text == NULL ? "" : text), word = str_of(wanted == NULL ? "" : wanted);
    for (size_t i = 0; words.len >= word.len && i <= words.len - word.len; i++)
        if (str_same((struct str) {words.at + i, word.len}, word))
            return true;
    return false;
}

/* The first row that has the status, and whose word stands in what the server says. */
static const struct refusal {
    unsigned from, to;
    const char *word; /* NULL: whatever it says */
    err_t err;
    const char *what, *next;
} refusals[] = {
    /* nginx answers 400, others 403, to a client certificate that is missing or not trusted. */
    {400, 403, "certificate", ERR_DENIED, "wants a client certificate that it trusts",
     "bongsu feed add with the same name, --cert and --key"},
    {400, 400, NULL, ERR_INVALID, "does not take the request", "look at --kind and --url"},
    {401, 401, NULL, ERR_DENIED, "wants other credentials",
     "bongsu feed add with the same name gives it new ones"},
    {403, 403, NULL, ERR_DENIED, "does not let us read this",
     "ask its operator which rights the account has"},
    {404, 404, NULL, ERR_NOTFOUND, "knows nothing under this address", "look at --url and --collection"},
    {406, 406, NULL, ERR_UNSUPPORTED, "does not answer in any form that we read", "is --kind right?"},
    {410, 410, NULL, ERR_NOTFOUND, "has ended this", "ask its operator"},
    {429, 429, NULL, ERR_BUSY, "is asked too often", "a longer --every"},
    {500, 599, NULL, ERR_IO, "has a fault of its own", "it is tried again; else ask its operator"},
    {300, 399, NULL, ERR_DENIED, "sends us somewhere else", "give the address that it names as --url"},
    {0, 999, NULL, ERR_INVALID, "gives an answer that this kind of feed has no use for",
     "look at --kind and --url"},
};

void feed_refused(struct feed *feed, const struct feed_answer *answer)
{
    int64_t wait_us = retry_after_us(answer);
    char words[PUSH_WORDS_MAX] = "";
    if (answer->body != NULL && answer->body->len > 0)
        push_error_read(feed_parser(feed), buf_bytes(answer->body), words);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *row = &refusals[i];
        if (answer->status < row->from || answer->status > row->to || !says(words, row->word))
            continue;
        feed_fail(feed, row->err, row->next, "the server %s (status %u%s%s)", row->what, answer->status,
                  words[0] == '\0' ? "" : ": ", words);
        break;
    }
    if (feed->now_us + wait_us > feed->next_us)
        feed->next_us = feed->now_us + wait_us;
}

/* --- taking in --- */

static bool keep_slice(void *ctx, struct json_slice slice)
{
    struct json_slice *last = ctx;
    *last = slice;
    return true;
}

bool feed_breaks_off(struct bytes text)
{
    struct json_slice last = {0};
    enum json_split_kind kind;
    err_t err = json_split(text, STR("objects"), &kind, keep_slice, &last, NULL);
    if (err == ERR_OK && kind == JSON_SPLIT_LINES)
        err = json_split(bytes_of(text.at + last.from, last.len), STR("objects"), &kind, keep_slice, &last,
                         NULL);
    return err == ERR_SHORT;
}

void feed_take(struct feed *feed, struct buf *text)
{
    err_t err = intake_begin(feed->intake, text);
    if (err != ERR_OK) {
        feed_fail(feed, err, NULL, "an answer could not be taken in: %s", err_text(err));
        return;
    }
    mark_begun(feed);
    feed->taking = true;
}

err_t feed_refuse(struct feed *feed, struct bytes text, const struct fault *fault)
{
    mark_begun(feed);
    feed->kept.dirty = true;
    return intake_refuse(feed->intake, text, fault, feed->now_us, &feed->kept.counts);
}

/* A batch; then the kind learns that all of it stands in the open group. */
static void take_step(struct feed *feed)
{
    err_t err = intake_step(feed->intake, feed->now_us, &feed->kept.counts);
    feed->busy = err == ERR_BUSY;
    feed->kept.dirty = true;
    if (feed->busy)
        return;
    if (err != ERR_OK) {
        feed_fail(feed, err, "look at bongsu status", "nothing can be taken in now: %s", err_text(err));
        return;
    }
    if (!intake_idle(feed->intake))
        return;
    feed->taking = false;
    feed->conf.kind->taken(feed);
    /* A run that ended has saved already. */
    if (feed->state == FEED_RUNNING && feed->kept.dirty)
        (void)save(feed);
}

/* What was answered about pushed objects is known for good before more is sent; a run that ended has saved.
 */
static void save_pushed(struct feed *feed)
{
    if (feed->conf.kind->push && feed->state == FEED_RUNNING && feed->kept.dirty)
        (void)save(feed);
}

/* --- whose server it is --- */

/* Why nothing may run now; NULL: it may. What goes to him is the policy's, also when an agreement is over. */
static const char *partner_rests(const struct feed *feed)
{
    if (feed->partner < 0)
        return NULL;
    const struct gate_peer *peer = gate_peer_get(feed->gate, (unsigned)feed->partner);
    if (peer->state == GATE_PEER_REMOVED)
        return "nothing runs: the partner was removed";
    if (peer->state != GATE_PEER_STARTED)
        return feed->conf.kind->push ? "nothing is pushed while the audience is paused"
                                     : "nothing is read while the partner is paused";
    if (!feed->conf.kind->push && gate_agreement_over(feed->gate, peer->index, feed->now_us))
        return "nothing is read: the agreement with the partner is over";
    return NULL;
}

/* How it stands with the partner counts at once, also in the midst of a run, and in both directions. */
static void heed_partner(struct feed *feed)
{
    const char *why = feed->state == FEED_PAUSED ? NULL : partner_rests(feed);
    if (why == NULL && feed->resting && feed->state == FEED_WAITING)
        feed->next_us = feed->now_us;
    if (why == NULL)
        feed->resting = false;
    if (why == NULL || feed->state != FEED_RUNNING)
        return;
    feed->resting = true;
    feed_remark(feed, "%s", why);
    feed_done(feed);
}

/* --- steps --- */

static void begin_run(struct feed *feed)
{
    feed->state = FEED_RUNNING;
    feed->remark[0] = '\0';
    if (feed->wanted) /* nothing but this says that it is not due by the clock alone */
        mark_begun(feed);
    feed->wanted = false;
    heed_partner(feed);
    if (feed->state != FEED_RUNNING)
        return;
    err_t err = feed->conf.kind->begin(feed);
    if (err != ERR_OK)
        feed_fail(feed, err, NULL, "it could not begin: %s", err_text(err));
}

static void fill_call(struct feed *feed, struct feed_action *out)
{
    bool stream = feed->conf.kind->stream;
    for (size_t i = 0; i < feed->ask_count; i++) {
        out->fields[i].name = feed->ask[i].name;
        out->fields[i].value = (struct str) {(const char *)feed->fields.at + (uintptr_t)feed->ask[i].value.at,
                                             feed->ask[i].value.len};
    }
    out->act = FEED_CALL;
    out->id = feed->id;
    out->method = feed->method;
    out->body = buf_bytes(&feed->send);
    out->target = buf_str(&feed->target);
    out->field_count = feed->ask_count;
    out->answer_max = stream ? 0 : LIMIT_FEED_ANSWER_BYTES;
    out->timeout_us = stream ? 0 : LIMIT_FEED_CALL_S * SECOND_US;
}

static void send_call(struct feed *feed, struct feed_action *out)
{
    if (buf_err(&feed->target) != ERR_OK || buf_err(&feed->fields) != ERR_OK ||
        buf_err(&feed->send) != ERR_OK) {
        feed_fail(feed, ERR_LIMIT, "the server's tokens are longer than any that are known",
                  "what is to be sent would be too long");
        return;
    }
    feed->id++;
    feed->step = STEP_WAIT;
    feed->status = 0;
    feed->got_count = 0;
    feed->kept.counts.calls++;
    buf_clear(&feed->body);
    feed->deadline_us =
        feed->now_us + (feed->conf.kind->stream ? LIMIT_FEED_SILENCE_S : LIMIT_FEED_CALL_S + 30) * SECOND_US;
    fill_call(feed, out);
}

/* A stream goes on while what it brought is taken in. */
static void advance(struct feed *feed)
{
    heed_partner(feed);
    if (feed->state == FEED_RUNNING && !feed->conf.paused && feed->step == STEP_WAIT &&
        feed->now_us >= feed->deadline_us)
        feed_fail(feed, ERR_TIMEOUT, "it is tried again", "the server said nothing any more");
    if (feed->state == FEED_RUNNING && feed->step == STEP_LATER && feed->now_us >= feed->later_us) {
        feed->step = STEP_IDLE;
        feed->conf.kind->later(feed);
        save_pushed(feed);
    }
    if (feed->state == FEED_RUNNING && feed->taking)
        take_step(feed);
    if (feed->state == FEED_RUNNING && !feed->taking && feed->conf.kind->idle != NULL)
        feed->conf.kind->idle(feed);
    if (feed->state == FEED_WAITING && feed->step == STEP_IDLE &&
        (feed->wanted || feed->now_us >= feed->next_us))
        begin_run(feed);
}

void feed_next(struct feed *feed, int64_t now_us, struct feed_action *out)
{
    *out = (struct feed_action) {.act = FEED_NOTHING, .until_us = INT64_MAX};
    feed->now_us = now_us;
    if (feed->step == STEP_IDLE || feed->step == STEP_LATER || feed->step == STEP_WAIT)
        advance(feed);
    if (feed->step == STEP_CANCEL) {
        feed->step = STEP_IDLE;
        *out = (struct feed_action) {.act = FEED_CANCEL, .id = feed->id};
        return;
    }
    if (feed->step == STEP_ASK && !feed->taking)
        send_call(feed, out);
    if (out->act != FEED_NOTHING || feed->state == FEED_PAUSED)
        return;
    if (feed->taking || feed->step == STEP_CANCEL || feed->step == STEP_ASK)
        out->until_us = feed->busy ? now_us + BUSY_WAIT_US : now_us;
    else if (feed->state == FEED_WAITING)
        out->until_us = feed->next_us;
    else
        out->until_us = feed->step == STEP_LATER ? feed->later_us : feed->deadline_us;
}

/* --- answers --- */

static bool awaited(const struct feed *feed, uint64_t id)
{
    return feed->step == STEP_WAIT && feed->id == id;
}

void feed_head(struct feed *feed, uint64_t id, unsigned status, const struct feed_field *fields, size_t count,
               int64_t now_us)
{
    if (!awaited(feed, id))
        return;
    feed->now_us = now_us;
    feed->status = status;
    feed->got_count = 0;
    /* Room for all, so that what points into it stays where it is. */
    size_t needed = 0;
    for (size_t i = 0; i < count; i++)
        needed += fields[i].name.len + fields[i].value.len;
    buf_clear(&feed->head);
    if (needed == 0 || needed > LIMIT_FEED_HEAD_BYTES)
        return;
    char *at = (char *)buf_extend(&feed->head, needed);
    for (size_t i = 0; at != NULL && i < count && feed->got_count < FEED_FIELDS_MAX; i++) {
        struct feed_field *got = &feed->got[feed->got_count++];
        memcpy(at, fields[i].name.at, fields[i].name.len);
        got->name = (struct str) {at, fields[i].name.len};
        at += fields[i].name.len;
        if (fields[i].value.len > 0)
            memcpy(at, fields[i].value.at, fields[i].value.len);
        got->value = str_trim((struct str) {at, fields[i].value.len});
        at += fields[i].value.len;
    }
}

void feed_part(struct feed *feed, uint64_t id, struct bytes part, int64_t now_us)
{
    if (!awaited(feed, id))
        return;
    feed->now_us = now_us;
    feed->kept.counts.bytes += part.len;
    if (feed->conf.kind->stream && feed->status == 200) {
        feed->deadline_us = now_us + LIMIT_FEED_SILENCE_S * SECOND_US;
        feed->conf.kind->part(feed, part);
        return;
    }
    buf_put(&feed->body, part.at, part.len);
    if (buf_err(&feed->body) != ERR_OK)
        feed_fail(feed, buf_err(&feed->body), "ask for less: --limit, or another address",
                  "the answer is larger than %u MiB", LIMIT_FEED_ANSWER_BYTES >> 20);
}

/* The target that a redirect names, when it stays at the origin. */
static bool redirect(struct feed *feed, const struct feed_answer *answer)
{
    struct feed_url url = feed_url(feed);
    struct str to = feed_answer_field(answer, "location");
    static const unsigned moved[] = {301, 302, 303, 307, 308};
    bool is = false;
    if (feed->method != EXCHANGE_GET && answer->status < 307) /* would become a GET */
        return false;
    for (size_t i = 0; i < sizeof moved / sizeof moved[0]; i++)
        is = is || answer->status == moved[i];
    if (str_starts(to, url.origin))
        to = (struct str) {to.at + url.origin.len, to.len - url.origin.len};
    if (!is || to.len == 0 || to.at[0] != '/' || (to.len > 1 && to.at[1] == '/') ||
        feed->redirects++ >= LIMIT_FEED_REDIRECTS)
        return false;
    for (size_t i = 0; i < to.len; i++)
        if ((uint8_t)to.at[i] <= ' ' || to.at[i] == '#' || to.at[i] == 0x7f)
            return false;
    buf_clear(&feed->target);
    buf_put_str(&feed->target, to);
    feed->step = STEP_ASK;
    return true;
}

static void say_failed(struct feed *feed, err_t err, const char *what)
{
    static const struct {
        err_t err;
        const char *word, *text, *next; /* word: of what is told; NULL: whatever it is */
    } rows[] = {
        {ERR_DENIED, " alert ",
         "it broke off the handshake, as for want of a client certificate that it trusts",
         "bongsu feed add with the same name, --cert and --key, if it asks for a client certificate"},
        {ERR_DENIED, CLIENT_PRIVATE, "its address is private",
         "bongsu feed add with the same name and --private, if that server is meant"},
        {ERR_DENIED, NULL, "its certificate is not trusted",
         "bongsu feed add with the same name, and --ca FILE or --pin HEX"},
        {ERR_TIMEOUT, NULL, "it took too long", "it is tried again"},
        {ERR_CLOSED, NULL, "it cannot be reached, or broke off", "it is tried again; look at --url"},
        {ERR_LIMIT, NULL, "its answer is too large", "ask for less: --limit, or another address"},
        {ERR_NOTFOUND, NULL, "what is needed to call it is missing",
         "bongsu feed add with the same name again"},
    };
    if (err == ERR_DENIED && what != NULL && str_starts(str_of(what), STR(FEED_HELD))) {
        feed_fail(feed, err,
                  feed->conf.kind->push ? "bongsu status; after a look at the object, bongsu guard resume"
                                        : "look at --url: what is asked for names an object",
                  "%s", what);
        return;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].err != err || !says(what, rows[i].word))
            continue;
        feed_fail(feed, err, rows[i].next, "the server: %s%s%s", rows[i].text,
                  what != NULL && what[0] != '\0' ? ": " : "", what == NULL ? "" : what);
        return;
    }
    feed_fail(feed, err, "it is tried again", "the call failed: %s",
              what != NULL && what[0] != '\0' ? what : err_text(err));
}

static void take_answer(struct feed *feed)
{
    struct feed_answer answer = {feed->status, feed->got, feed->got_count, &feed->body};
    if (feed->conf.kind->stream && feed->status == 200) {
        feed_fail(feed, ERR_CLOSED, "it is opened again from where it ended", "the server ended the stream");
        return;
    }
    if (redirect(feed, &answer))
        return;
    /* Parsers read a little further than the text goes. */
    if (buf_extend(&feed->body, JSON_PADDING) == NULL) {
        feed_fail(feed, buf_err(&feed->body), NULL, "no memory for the answer");
        return;
    }
    feed->body.len -= JSON_PADDING;
    feed->conf.kind->answer(feed, &answer);
    save_pushed(feed);
    buf_clear(&feed->body);
}

void feed_over(struct feed *feed, uint64_t id, err_t err, const char *what, int64_t now_us)
{
    if (!awaited(feed, id))
        return;
    feed->now_us = now_us;
    feed->step = STEP_IDLE;
    if (err != ERR_OK || feed->status == 0)
        say_failed(feed, err == ERR_OK ? ERR_CLOSED : err, what);
    else
        take_answer(feed);
}

err_t feed_run(struct feed *feed, int64_t now_us)
{
    if (feed->state != FEED_WAITING)
        return ERR_WRONGSTATE;
    feed->wanted = true;
    feed->next_us = now_us;
    return ERR_OK;
}

/* --- watching --- */

const char *feed_state_word(enum feed_state state)
{
    static const char *const words[] = {"paused", "waiting", "running"};
    return words[state];
}

static void fill_status(const struct kept *kept, struct feed_status *out)
{
    struct str cursor = kept_get(kept, "last"), leaf = kept_get(kept, "cursor");
    if (cursor.len == 0 && leaf.len > 0) {
        cursor = leaf;
        (void)str_cut(&cursor, ':'); /* the epoch */
    }
    (void)snprintf(out->cursor, sizeof out->cursor, "%.*s", STR_ARG(cursor));
    out->last_us = kept->last_us;
    out->failures = kept->failures;
    out->err = kept->err;
    memcpy(out->what, kept->what, sizeof out->what);
    memcpy(out->next, kept->next, sizeof out->next);
    out->counts = kept->counts;
}

void feed_status(const struct feed *feed, struct feed_status *out)
{
    *out = (struct feed_status) {.state = feed->state, .next_us = feed->next_us, .cut = feed->cut};
    fill_status(&feed->kept, out);
}

err_t feed_status_read(struct gate *gate, const struct feed_conf *conf, struct feed_status *out)
{
    struct json_parser *parser;
    struct kept kept;
    err_t err = json_parser_new(LIMIT_FEED_JSON_BYTES, &parser);
    if (err != ERR_OK)
        return err;
    err = kept_read(gate, conf->name, parser, &kept);
    json_parser_free(parser);
    if (err != ERR_OK)
        return err;
    *out = (struct feed_status) {.state = conf->paused ? FEED_PAUSED : FEED_WAITING, .cut = kept.begun};
    fill_status(&kept, out);
    kept_deinit(&kept);
    return ERR_OK;
}

const struct feed_conf *feed_conf_of(const struct feed *feed)
{
    return &feed->conf;
}
