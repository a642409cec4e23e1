/* The log of the node: an entry at an interval by the steady clock, whatever else happens; signed by the
 * keeper; and shown to the witnesses of the configuration, each by itself, through guard and edge like a
 * feed. Nothing of the node waits for any of this. */
#include <stdio.h>

#include "app/core_state.h"
#include "app/message_feed.h"
#include "core/rd.h"
#include "core/wr.h"
#include "ledger/witness.h"

#define SECOND_US INT64_C(1000000)

enum {
    RETRY_S = 15, /* after a failure; twice as long after each further one */
    RETRY_MAX_S = 3600,
    CALL_MS = 20000,
    AHEAD_S = 86400, /* a witness' clock may be so far ahead of ours */
};

static int64_t steady_us(const struct core_role *role)
{
    return role->os->mono_us(role->os->ctx);
}

static bool is_kept(const struct core_role *role)
{
    return role->conf->log_every_s > 0 && role->edge != NULL;
}

/* --- entries --- */

/* The interval goes on over a restart, as far as the wall clock can be believed. */
static void set_first(struct core_role *role)
{
    struct gate_log log;
    gate_log(role->gate, &log);
    int64_t every_us = role->conf->log_every_s * SECOND_US, since_us = core_now(role) - log.last_us;
    bool goes_on = log.last_us > 0 && since_us >= 0 && since_us < every_us;
    role->log.next_us = steady_us(role) + (goes_on ? every_us - since_us : 0);
}

void core_log_open(struct core_role *role)
{
    buf_init(&role->log.signing, LIMIT_LINK_SMALL_BYTES);
    for (size_t i = 0; i < LIMIT_WITNESSES; i++) {
        struct witnessing *one = &role->log.witnesses[i];
        *one = (struct witnessing) {.old_size = UINT64_MAX};
        buf_init(&one->answer, WITNESS_ANSWER_MAX + 1);
        buf_init(&one->asked, LIMIT_NOTE_BYTES);
    }
    set_first(role);
}

void core_log_close(struct core_role *role)
{
    buf_deinit(&role->log.signing);
    for (size_t i = 0; i < LIMIT_WITNESSES; i++) {
        buf_deinit(&role->log.witnesses[i].answer);
        buf_deinit(&role->log.witnesses[i].asked);
    }
}

void core_log_turn(struct core_role *role)
{
    if (!is_kept(role) || steady_us(role) < role->log.next_us)
        return;
    role->log.next_us = steady_us(role) + role->conf->log_every_s * SECOND_US;
    err_t err = gate_log_append(role->gate, core_now(role));
    if (err != ERR_OK && err != ERR_BUSY && err != ERR_READONLY)
        diag_say(role->diag, DIAG_ERROR, err, "core", "look at the disk, then restart the node",
                 "the log of the node gets no entry: %s", err_text(err));
}

/* --- signatures --- */

static void ask_keeper(struct core_role *role)
{
    struct buf *wire = &role->log.signing;
    if (!role->keeper_up || wire->len > 0 || role->log.refused ||
        !gate_log_sign_next(role->gate, &role->request))
        return;
    message_sign_write(wire, &role->request);
    err_t err = buf_err(wire);
    if (err == ERR_OK)
        err = link_send(role->keeper, MESSAGE_SIGN, buf_bytes(wire));
    if (err != ERR_OK) {
        gate_log_sign_abandon(role->gate);
        buf_clear(wire);
    }
}

/* The entry stays unsigned, and so the last one, until an operator begins another log. */
static void refused(struct core_role *role, const struct message_signed *message)
{
    role->log.refused = true;
    role->log.restored = message->err == ERR_WRONGSTATE;
    role->log.anchored = message->anchored_size;
    diag_say(role->diag, DIAG_ERROR, message->err, "core",
             "docs/guide/disk-dies.md; then `bongsu ledger log --anew --because \"...\"`",
             "the keeper does not sign the log of the node: it signed size %llu before (%s)",
             (unsigned long long)message->anchored_size, err_text(message->err));
}

void core_log_signed(struct core_role *role, const struct message_signed *message)
{
    struct buf *wire = &role->log.signing;
    err_t err;
    if (wire->len == 0 || TRY(err, message_sign_read(buf_bytes(wire), &role->request)))
        return;
    if (message->err != ERR_OK || message->count != 1) {
        refused(role, message);
    } else if (TRY(err, gate_log_signed(role->gate, &role->request, message->notes[0], core_now(role)))) {
        diag_say(role->diag, DIAG_ERROR, err, "core", "look at the disk, then restart the node",
                 "a checkpoint of the log of the node could not be logged: %s", err_text(err));
    }
    buf_clear(wire);
    core_wake(role);
}

void core_log_keeper(struct core_role *role)
{
    if (role->log.signing.len > 0)
        gate_log_sign_abandon(role->gate);
    buf_clear(&role->log.signing);
    role->log.refused = false; /* it may know another key, or another anchor */
}

void core_log_anew(struct core_role *role)
{
    buf_clear(&role->log.signing);
    role->log.refused = role->log.restored = false;
    role->log.next_us = steady_us(role);
    for (size_t i = 0; i < LIMIT_WITNESSES; i++) {
        role->log.witnesses[i].old_size = UINT64_MAX;
        role->log.witnesses[i].next_us = 0;
    }
    core_wake(role);
}

/* --- witnesses: asking --- */

static uint32_t number_of(const struct core_role *role, const struct witnessing *one)
{
    return (uint32_t)(LIMIT_FEEDS + (one - role->log.witnesses));
}

static const struct conf_witness *conf_of(const struct core_role *role, const struct witnessing *one)
{
    return &role->conf->witnesses[one - role->log.witnesses];
}

static void failed(struct core_role *role, struct witnessing *one, const char *what)
{
    unsigned doubled = one->failures < 8 ? one->failures : 8;
    int64_t wait_s = INT64_C(1) * RETRY_S << doubled;
    one->failures++;
    one->next_us = steady_us(role) + (wait_s < RETRY_MAX_S ? wait_s : RETRY_MAX_S) * SECOND_US;
    (void)snprintf(one->what, sizeof one->what, "%s", what);
    if (one->failures == 1)
        diag_say(role->diag, DIAG_WARNING, ERR_OK, "core", "bongsu ledger log",
                 "witness %.*s did not cosign the log of the node: %s",
                 STR_ARG(note_key_name(&conf_of(role, one)->key)), one->what);
}

/* Where the witness stands, as far as we know. */
static uint64_t old_size_of(struct core_role *role, const struct witnessing *one)
{
    struct gate_cosigned cosigned;
    struct buf line;
    if (one->old_size != UINT64_MAX)
        return one->old_size;
    buf_init(&line, LIMIT_NOTE_BYTES);
    err_t err = gate_log_cosigned(role->gate, note_key_name(&conf_of(role, one)->key), &line, &cosigned);
    buf_deinit(&line);
    return err == ERR_OK ? cosigned.size : 0;
}

static err_t send_open(struct core_role *role, struct witnessing *one, struct str target)
{
    struct feed_url url;
    char name[32];
    err_t err = feed_url_read(str_of(conf_of(role, one)->url), &url);
    if (err != ERR_OK)
        return err;
    (void)snprintf(name, sizeof name, "witness-%zu", (size_t)(one - role->log.witnesses) + 1);
    struct message_feed_open message = {.feed = number_of(role, one),
                                        .name = str_of(name),
                                        .origin = url.origin,
                                        .private =
                                            true, /* the operator wrote its address into the configuration */
                                        .partner = -1,
                                        .target = target,
                                        .self = STR("")};
    buf_clear(&role->wire);
    message_feed_open_write(&role->wire, &message);
    if (TRY(err, buf_err(&role->wire)) ||
        TRY(err, link_send(role->edge, MESSAGE_FEED_OPEN, buf_bytes(&role->wire))))
        return err;
    one->open = true;
    return ERR_OK;
}

static err_t send_call(struct core_role *role, struct witnessing *one, struct bytes body)
{
    char target[CONF_URL_BYTES + 32];
    struct feed_url url;
    err_t err = feed_url_read(str_of(conf_of(role, one)->url), &url);
    if (err != ERR_OK)
        return err;
    bool bare = url.target.len == 0 || str_eq(url.target, STR("/"));
    (void)snprintf(target, sizeof target, "%.*s/add-checkpoint", bare ? 0 : (int)url.target.len,
                   url.target.at);
    if (!one->open && TRY(err, send_open(role, one, str_of(target))))
        return err;
    struct message_feed_call call = {.feed = number_of(role, one),
                                     .id = one->id + 1,
                                     .method = EXCHANGE_POST,
                                     .target = str_of(target),
                                     .answer_max = WITNESS_ANSWER_MAX,
                                     .timeout_ms = CALL_MS,
                                     .body = body};
    buf_clear(&role->wire);
    message_feed_call_write(&role->wire, &call);
    if (TRY(err, buf_err(&role->wire)) ||
        TRY(err, link_send(role->edge, MESSAGE_FEED_CALL, buf_bytes(&role->wire))))
        return err;
    one->id++;
    one->calling = true;
    one->status = 0;
    buf_clear(&one->answer);
    return ERR_OK;
}

static err_t ask_for(struct core_role *role, struct witnessing *one, uint64_t old_size, uint64_t size)
{
    struct merkle_proof proof;
    struct buf body;
    err_t err;
    buf_init(&body, LIMIT_NOTE_BYTES);
    buf_clear(&one->asked);
    one->asked_size = size;
    if (!TRY(err, gate_log_consistency(role->gate, old_size, size, &proof)) &&
        !TRY(err, gate_log_checkpoint(role->gate, size, &one->asked)) &&
        !TRY(err, witness_request(old_size, &proof, buf_str(&one->asked), &body)))
        err = send_call(role, one, buf_bytes(&body));
    buf_deinit(&body);
    return err;
}

static void ask_witness(struct core_role *role, struct witnessing *one)
{
    struct gate_log log;
    gate_log(role->gate, &log);
    if (one->calling || steady_us(role) < one->next_us)
        return;
    uint64_t old_size = old_size_of(role, one);
    if (old_size > log.visible) {
        failed(role, one, "it cosigned more than this log has: it was set back, or that is another node's");
        one->old_size = UINT64_MAX;
        return;
    }
    /* A cosignature of what it has already says nothing new; but we may not have got the one that it gave. */
    if (log.visible == 0 || log.stopped || (old_size == log.visible && one->old_size == UINT64_MAX))
        return;
    err_t err = ask_for(role, one, old_size, log.visible);
    if (err != ERR_OK)
        failed(role, one, err_text(err));
}

void core_log_show(struct core_role *role)
{
    if (!is_kept(role))
        return;
    ask_keeper(role);
    for (size_t i = 0; role->edge_up && i < role->conf->witness_count; i++)
        ask_witness(role, &role->log.witnesses[i]);
}

/* --- witnesses: answers --- */

static void keep_cosignature(struct core_role *role, struct witnessing *one,
                             const struct witness_answer *answer)
{
    struct gate_log log;
    gate_log(role->gate, &log);
    struct gate_cosigned cosigned = {.epoch = log.epoch,
                                     .size = one->asked_size,
                                     .time_s = answer->time_s,
                                     .at_us = core_now(role),
                                     .line = buf_str(answer->line)};
    one->old_size = UINT64_MAX;
    err_t err = gate_log_cosigned_put(role->gate, note_key_name(&conf_of(role, one)->key), &cosigned);
    if (err != ERR_OK) {
        failed(role, one, err_text(err));
        return;
    }
    one->failures = 0;
    one->next_us = 0;
    one->what[0] = '\0';
}

/* Once it is believed where it stands; a witness that says so again and again is one that fails. */
static void stands(struct core_role *role, struct witnessing *one, uint64_t size)
{
    bool before = one->old_size != UINT64_MAX;
    one->old_size = before ? UINT64_MAX : size;
    if (before)
        failed(role, one, "it stands at another size than it said");
}

static void take_answer(struct core_role *role, struct witnessing *one)
{
    struct buf line;
    buf_init(&line, LIMIT_NOTE_BYTES);
    struct witness_answer answer = {.line = &line};
    witness_answer_read(one->status, buf_str(&one->answer), buf_str(&one->asked), &conf_of(role, one)->key,
                        &answer);
    if (answer.verdict == WITNESS_SIGNED && answer.time_s > core_now(role) / SECOND_US + AHEAD_S)
        failed(role, one, "its clock is more than a day ahead of ours");
    else if (answer.verdict == WITNESS_SIGNED)
        keep_cosignature(role, one, &answer);
    else if (answer.verdict == WITNESS_STANDS)
        stands(role, one, answer.size);
    else {
        one->old_size = UINT64_MAX;
        failed(role, one, answer.what);
    }
    buf_deinit(&line);
}

static struct witnessing *awaiting(struct core_role *role, uint32_t number, uint64_t id)
{
    if (number < LIMIT_FEEDS || number >= LIMIT_FEEDS + role->conf->witness_count)
        return NULL;
    struct witnessing *one = &role->log.witnesses[number - LIMIT_FEEDS];
    return one->calling && one->id == id ? one : NULL;
}

static void take_head(struct core_role *role, struct bytes body)
{
    struct message_feed_head head;
    struct witnessing *one =
        message_feed_head_read(body, &head) == ERR_OK ? awaiting(role, head.feed, head.id) : NULL;
    if (one != NULL)
        one->status = head.status;
}

static void take_part(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint32_t number = rd_u32(&rd);
    uint64_t id = rd_u64(&rd);
    struct witnessing *one = rd.err == ERR_OK ? awaiting(role, number, id) : NULL;
    if (one != NULL)
        buf_put(&one->answer, rd.at, rd.left);
}

static void take_over(struct core_role *role, struct bytes body)
{
    struct message_feed_over over;
    struct witnessing *one =
        message_feed_over_read(body, &over) == ERR_OK ? awaiting(role, over.feed, over.id) : NULL;
    if (one == NULL)
        return;
    one->calling = false;
    if (over.err == ERR_OK && buf_err(&one->answer) == ERR_OK) {
        take_answer(role, one);
    } else {
        one->old_size = UINT64_MAX;
        failed(role, one, err_text(over.err == ERR_OK ? ERR_LIMIT : over.err));
    }
    core_wake(role);
}

bool core_log_message(struct core_role *role, unsigned kind, struct bytes body)
{
    struct rd rd = rd_of(body); /* every message of feeds begins with the number */
    uint32_t number = rd_u32(&rd);
    if (rd.err != ERR_OK || !message_is_witness(number))
        return false;
    if (kind == MESSAGE_FEED_HEAD)
        take_head(role, body);
    else if (kind == MESSAGE_FEED_PART)
        take_part(role, body);
    else if (kind == MESSAGE_FEED_OVER)
        take_over(role, body);
    else
        return false;
    return true;
}

/* The new edge makes none of the old one's calls. */
void core_log_edge(struct core_role *role)
{
    for (size_t i = 0; i < LIMIT_WITNESSES; i++)
        role->log.witnesses[i].open = role->log.witnesses[i].calling = false;
}

int64_t core_log_until(const struct core_role *role)
{
    if (!is_kept(role))
        return INT64_MAX;
    int64_t now_us = steady_us(role), until_us = role->log.next_us;
    for (size_t i = 0; i < role->conf->witness_count; i++) {
        const struct witnessing *one = &role->log.witnesses[i];
        if (!one->calling && one->next_us > now_us && one->next_us < until_us)
            until_us = one->next_us;
    }
    return core_now(role) + (until_us - now_us);
}

void core_log_status(const struct core_role *role, size_t witness, struct command_witness *out)
{
    *out = (struct command_witness) {.refused = role->log.refused,
                                     .restored = role->log.restored,
                                     .anchored = role->log.anchored,
                                     .trouble = ""};
    if (witness >= role->conf->witness_count)
        return;
    out->failures = role->log.witnesses[witness].failures;
    out->trouble = role->log.witnesses[witness].what;
}
