/* Operators' commands as they come from the control socket: one request line, or the batches of `add`. */
#include <stdio.h>

#include "app/core_state.h"
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"

enum { LINES_PART_BYTES = 1 << 20 };

void core_lines_send(struct core_role *role, uint32_t client, uint8_t flags, struct bytes lines)
{
    do {
        size_t len = lines.len < LINES_PART_BYTES ? lines.len : LINES_PART_BYTES;
        bool last = len == lines.len;
        buf_clear(&role->wire);
        wr_u32(&role->wire, client);
        wr_u8(&role->wire, last ? flags : 0);
        buf_put(&role->wire, lines.at, len);
        err_t err = buf_err(&role->wire);
        if (err == ERR_OK)
            err = link_send(role->parent, MESSAGE_LINES, buf_bytes(&role->wire));
        if (err != ERR_OK)
            diag_say(role->diag, DIAG_WARNING, err, "core", NULL, "an answer to a command was dropped: %s",
                     err_text(err));
        lines = bytes_of(lines.at + len, lines.len - len);
    } while (lines.len > 0);
}

/* Lines that wait for the commit of what they speak of. */
static void hold_lines(struct core_role *role, uint32_t client, uint8_t flags, struct buf *lines)
{
    struct held *held = core_hold(role);
    if (held == NULL) {
        static const char memory[] =
            "{\"done\":true,\"error\":{\"code\":\"nomem\",\"what\":\"out of memory\"}}\n";
        core_lines_send(role, client, LINES_LAST, bytes_of(memory, sizeof memory - 1));
        buf_deinit(lines);
        return;
    }
    held->kind = HELD_LINES;
    held->client = client;
    held->flags = flags;
    held->lines = *lines;
}

void core_write_done(struct buf *out, err_t err, const char *what, const char *next)
{
    buf_printf(out, "{\"done\":true,\"error\":");
    if (err == ERR_OK) {
        buf_printf(out, "null}\n");
        return;
    }
    line_begin(out);
    line_word(out, "code", err_name(err));
    line_word(out, "what", what);
    if (next != NULL)
        line_word(out, "next", next);
    else
        buf_printf(out, ",\"next\":null");
    buf_printf(out, "}}\n");
}

static void refuse(struct core_role *role, uint32_t client, err_t err, const char *what, const char *next)
{
    struct buf out;
    buf_init(&out, 4096);
    core_write_done(&out, err, what, next);
    core_lines_send(role, client, LINES_LAST, buf_bytes(&out));
    buf_deinit(&out);
}

/* --- add --- */

static struct adding *adding_of(struct core_role *role, uint32_t client)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (role->adding[i].used && role->adding[i].client == client)
            return &role->adding[i];
    return NULL;
}

/* The source of that name; made by first use, it assumes nothing and speaks for nobody. */
static err_t add_source(struct command_call *call, struct str name, uint32_t *out, bool *out_new)
{
    const struct gate_source *known = gate_source_find(call->host->gate, name);
    if (known != NULL && known->partner >= 0)
        return command_refuse(call, ERR_DENIED, "name a source of this node",
                              "%.*s is a partner: what it says comes over its link", STR_ARG(name));
    if (known != NULL) {
        *out = known->number;
        return ERR_OK;
    }
    struct gate_source source = {
        .name = name, .undeclared = true, .partner = -1, .assume_until_us = INT64_MAX};
    struct gate_by by = {call->who, STR("first use")};
    *out_new = true;
    err_t err = gate_source_put(call->host->gate, &source, &by, call->now_us, out);
    return err == ERR_OK ? err
                         : command_refuse(call, err, "names are of a-z 0-9 . _ -", "the source cannot be: %s",
                                          err == ERR_INVALID ? "its name cannot be one" : err_text(err));
}

static err_t add_begin(struct core_role *role, struct command_call *call, uint32_t client)
{
    struct str name;
    err_t err;
    struct adding *adding = NULL;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (!role->adding[i].used)
            adding = &role->adding[i];
    if (adding == NULL)
        return command_refuse(call, ERR_BUSY, "try again later", "too many additions at once");
    uint32_t source = 0;
    bool is_new = false;
    if (TRY(err, command_text(call, "source", &name)) || TRY(err, add_source(call, name, &source, &is_new)))
        return err;
    *adding = (struct adding) {.used = true, .client = client, .source = source, .source_new = is_new};
    return ERR_OK;
}

struct tally {
    struct core_role *role;
    struct buf *out;
    uint64_t count[GATE_REFUSED + 1];
    uint64_t mended, warnings;
};

static void say_answer(void *ctx, const struct gate_answer *answer)
{
    struct tally *tally = ctx;
    tally->count[answer->disposition]++;
    tally->mended += answer->mended.len > 0;
    tally->warnings += answer->warnings;
    tally->role->objects_in++;
    if (answer->fault == NULL)
        return;
    struct buf *out = tally->out;
    line_begin(out);
    line_word(out, "refused", gate_disposition_word(answer->disposition));
    line_count(out, "index", answer->index);
    line_text(out, "id", answer->id);
    line_count(out, "offset", answer->fault->offset);
    line_word(out, "pointer", answer->fault->pointer);
    line_word(out, "code", err_name(answer->fault->code));
    line_word(out, "what", answer->fault->what);
    line_word(out, "section", answer->fault->section);
    line_count(out, "number", answer->lsn);
    line_end(out);
}

/* Told once, of a source that nobody declared: its name may be a slip of the pen. */
static void say_new_source(struct tally *tally, struct adding *adding)
{
    struct gate *gate = tally->role->gate;
    struct str nearest;
    if (!adding->source_new)
        return;
    adding->source_new = false;
    line_bool(tally->out, "source_new", true);
    if (command_source_nearest(gate, gate_source_get(gate, adding->source)->name, &nearest))
        line_text(tally->out, "source_nearest", nearest);
}

static void say_batch(struct tally *tally, struct adding *adding)
{
    static const enum gate_disposition all[] = {GATE_NEW,  GATE_DUPLICATE, GATE_SEEN,   GATE_ASSERTION,
                                                GATE_ECHO, GATE_CONFLICT,  GATE_REFUSED};
    line_begin(tally->out);
    line_count(tally->out, "batch", adding->batches);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        line_count(tally->out, gate_disposition_word(all[i]), tally->count[all[i]]);
    line_count(tally->out, "mended", tally->mended);
    line_count(tally->out, "warnings", tally->warnings);
    say_new_source(tally, adding);
    line_end(tally->out);
}

/* The addition ends: nothing more can be taken in now. */
static void add_over(struct core_role *role, struct adding *adding, err_t err, struct buf *out)
{
    core_write_done(out, err, err_text(err), gate_health(role->gate).what_next);
    adding->used = false;
    hold_lines(role, adding->client, LINES_LAST, out);
}

static void add_batch(struct core_role *role, struct adding *adding, struct bytes text)
{
    struct buf out;
    struct fault fault = {0};
    buf_init(&out, LIMIT_CONTROL_REPLY_BYTES);
    struct tally tally = {.role = role, .out = &out};
    bool rewrites = gate_source_get(role->gate, adding->source)->rewrites;
    struct gate_submission submission = {.source = adding->source,
                                         .echoes = rewrites ? GATE_ECHOES_OF_ALL : GATE_ECHOES_TAKEN};
    adding->batches++;
    err_t err = gate_accept(role->gate, &submission, text, core_now(role), say_answer, &tally, &fault);
    if (err == ERR_BUSY && core_merge_now(role) == ERR_OK)
        err = gate_accept(role->gate, &submission, text, core_now(role), say_answer, &tally, &fault);
    if (err == ERR_BUSY || err == ERR_READONLY || err == ERR_NOMEM) {
        add_over(role, adding, err, &out);
        return;
    }
    if (err != ERR_OK && tally.count[GATE_REFUSED] == 0) { /* refused as a whole, and nobody was told */
        line_begin(&out);
        line_word(&out, "refused", "whole text");
        line_count(&out, "offset", fault.offset);
        line_word(&out, "code", err_name(err));
        line_word(&out, "what", fault.what[0] == '\0' ? err_text(err) : fault.what);
        line_end(&out);
        tally.count[GATE_REFUSED]++;
    }
    say_batch(&tally, adding);
    hold_lines(role, adding->client, LINES_BATCH, &out);
}

void core_batch(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint32_t client = rd_u32(&rd);
    struct adding *adding = adding_of(role, client);
    if (rd.err == ERR_OK && adding == NULL)
        core_bundle_batch(role, client, bytes_of(rd.at, rd.left));
    if (rd.err != ERR_OK || adding == NULL)
        return;
    if (rd.left > 0) {
        /* JSON_PADDING bytes follow the message (app/link.h). */
        add_batch(role, adding, bytes_of(rd.at, rd.left));
        return;
    }
    struct buf out;
    buf_init(&out, 4096);
    core_write_done(&out, ERR_OK, NULL, NULL);
    adding->used = false;
    hold_lines(role, client, LINES_LAST, &out);
}

static err_t keep_piece(struct core_role *role, struct adding *adding, struct bytes wire,
                        struct gate_piece *piece, uint64_t *out_lsn)
{
    err_t err = message_piece_read(wire, piece);
    if (err != ERR_OK)
        return err;
    piece->first = piece->at == 0 ? 0 : adding->piece_first;
    err = gate_quarantine_piece(role->gate, adding->source, piece, core_now(role), out_lsn);
    if (err == ERR_BUSY && core_merge_now(role) == ERR_OK)
        err = gate_quarantine_piece(role->gate, adding->source, piece, core_now(role), out_lsn);
    return err;
}

/* Like a batch of one object that is refused; only the first piece is told. */
void core_piece(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    struct adding *adding = adding_of(role, rd_u32(&rd));
    struct gate_piece piece;
    struct buf out;
    uint64_t lsn;
    if (rd.err != ERR_OK || adding == NULL)
        return;
    buf_init(&out, LIMIT_CONTROL_REPLY_BYTES);
    struct tally tally = {.role = role, .out = &out};
    adding->batches++;
    err_t err = keep_piece(role, adding, bytes_of(rd.at, rd.left), &piece, &lsn);
    if (err != ERR_OK) {
        add_over(role, adding, err, &out);
        return;
    }
    if (piece.at == 0) {
        struct fault fault = {.code = ERR_LIMIT};
        (void)fault_set(&fault, ERR_LIMIT, 0, "an object has at most %u bytes", LIMIT_OBJECT_BYTES);
        say_answer(&tally, &(struct gate_answer) {.disposition = GATE_REFUSED, .lsn = lsn, .fault = &fault});
        adding->piece_first = lsn;
    }
    say_batch(&tally, adding);
    hold_lines(role, adding->client, LINES_BATCH, &out);
}

/* Like a batch of one object that is refused, for the reason that the client has. */
void core_foreign(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    struct adding *adding = adding_of(role, rd_u32(&rd));
    struct message_foreign foreign;
    struct buf out;
    uint64_t lsn = 0;
    if (rd.err != ERR_OK || adding == NULL)
        return;
    buf_init(&out, LIMIT_CONTROL_REPLY_BYTES);
    struct tally tally = {.role = role, .out = &out};
    adding->batches++;
    err_t err = message_foreign_read(bytes_of(rd.at, rd.left), &foreign);
    if (err == ERR_OK)
        err = gate_quarantine_foreign(role->gate, adding->source, &foreign.fault, foreign.bytes,
                                      core_now(role), &lsn);
    if (err != ERR_OK) {
        add_over(role, adding, err, &out);
        return;
    }
    say_answer(&tally,
               &(struct gate_answer) {.disposition = GATE_REFUSED, .lsn = lsn, .fault = &foreign.fault});
    say_batch(&tally, adding);
    hold_lines(role, adding->client, LINES_BATCH, &out);
}

void core_client_gone(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint32_t client = rd_u32(&rd);
    struct adding *adding = adding_of(role, client);
    if (adding != NULL)
        adding->used = false;
    core_bundle_gone(role, client);
    core_stream_gone(role, client);
}

/* --- the other commands --- */

static void run(struct core_role *role, struct command_call *call, const struct command *command,
                uint32_t client)
{
    struct buf out;
    buf_init(&out, LIMIT_CONTROL_REPLY_BYTES);
    call->out = &out;
    err_t err = command->run(call);
    if (err == ERR_OK && buf_err(&out) != ERR_OK) {
        err = buf_err(&out);
        buf_clear(&out);
        (void)command_refuse(call, err, "ask for less", "the answer is larger than 32 MiB");
    }
    core_write_done(&out, err, call->what[0] == '\0' ? err_text(err) : call->what, call->next);
    if (command->writes) {
        role->rights_changed = true;
        hold_lines(role, client, LINES_LAST, &out);
        return;
    }
    core_lines_send(role, client, LINES_LAST, buf_bytes(&out));
    buf_deinit(&out);
}

static err_t parse_line(struct core_role *role, struct bytes line, struct json_doc *doc, struct str *out_name,
                        struct json_val *out_args)
{
    struct fault fault = {0};
    err_t err = json_parse(role->parser, line, doc, &fault);
    if (err != ERR_OK)
        return err;
    struct json_val root = json_root(doc);
    if (!json_get_str(root, STR("command"), out_name) || !json_get(root, STR("args"), out_args) ||
        !json_is(*out_args, JSON_OBJECT))
        return ERR_SYNTAX;
    return ERR_OK;
}

static void answer_line(struct core_role *role, uint32_t client, const char *who, enum standing standing,
                        struct bytes line)
{
    struct json_doc doc;
    struct str name;
    struct command_call call = {.host = &role->host,
                                .who = str_of(who),
                                .standing = standing,
                                .now_us = core_now(role),
                                .arena = &role->arena};
    err_t err = parse_line(role, line, &doc, &name, &call.args);
    if (err != ERR_OK) {
        refuse(role, client, err, "the request line is not {\"command\": ..., \"args\": {...}}", NULL);
        return;
    }
    bool add = str_eq(name, STR("add"));
    if (add || str_eq(name, STR("bundle.read"))) {
        err = add ? add_begin(role, &call, client) : core_bundle_begin(role, &call, client);
        if (err != ERR_OK)
            refuse(role, client, err, call.what, call.next);
        return;
    }
    const struct command *command = command_find(name);
    const struct command_stream *stream = command_stream_find(name);
    if (stream != NULL) {
        err = core_stream_begin(role, &call, stream, client);
        if (err != ERR_OK)
            refuse(role, client, err, call.what, call.next);
    } else if (command == NULL)
        refuse(role, client, ERR_NOTFOUND, "no such command",
               "program and node may be of different versions");
    else
        run(role, &call, command, client);
    arena_reset(&role->arena);
}

void core_command(struct core_role *role, struct bytes body)
{
    char who[WHO_BYTES];
    struct rd rd = rd_of(body);
    uint32_t client = rd_u32(&rd);
    struct bytes name = rd_blob(&rd, sizeof who - 1);
    uint8_t standing = rd_u8(&rd);
    if (rd.err != ERR_OK || standing >= STANDING_COUNT)
        return;
    memcpy(who, name.at, name.len);
    who[name.len] = '\0';
    answer_line(role, client, who, (enum standing)standing, bytes_of(rd.at, rd.left));
}

void core_metrics(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint32_t client = rd_u32(&rd);
    struct buf out;
    if (rd.err != ERR_OK)
        return;
    buf_init(&out, LINES_PART_BYTES);
    core_metrics_write(role, &out);
    core_lines_send(role, client, LINES_LAST, buf_bytes(&out));
    buf_deinit(&out);
}

/* --- what commands see of the role --- */

static void view_read(void *ctx, unsigned partner)
{
    struct core_role *role = ctx;
    role->polled |= UINT64_C(1) << partner;
    core_wake(role);
}

static err_t last_look(void *ctx, unsigned partner, struct bytes envelope)
{
    return core_export_guarded(ctx, partner, envelope);
}

static void reader_gone(void *ctx, unsigned partner)
{
    core_views_take(ctx, partner);
}

static err_t epoch_begins(void *ctx, unsigned partner, uint32_t epoch)
{
    return core_epoch_begins(ctx, partner, epoch);
}

static void peers_changed(void *ctx)
{
    struct core_role *role = ctx;
    role->peers_stale = true;
    core_feeds_wake(role);
}

static err_t card_take(void *ctx, struct str whole, const struct gate_by *by, struct fault *fault)
{
    return core_card_take(ctx, whole, by, fault);
}

static void links_say(void *ctx, struct buf *out)
{
    core_cards_say_all(ctx, out);
    core_reconcile_say_lost(ctx, out);
}

static void cards_changed(void *ctx)
{
    struct core_role *role = ctx;
    role->cards_news = true;
    core_wake(role);
}

static err_t purge_now(void *ctx)
{
    return core_purge_now(ctx);
}

static err_t search_whole(void *ctx)
{
    return core_search_whole(ctx);
}

static void feeds_changed(void *ctx)
{
    struct core_role *role = ctx;
    role->feeds_stale = true;
}

static err_t feed_now(void *ctx, struct str name)
{
    return core_feed_run(ctx, name);
}

static bool feed_state(void *ctx, struct str name, struct feed_status *out)
{
    const struct feed *feed = core_feed_find(ctx, name);
    if (feed == NULL)
        return false;
    feed_status(feed, out);
    return true;
}

/* A day long: it stops nothing, and the link may be well again. */
static void say_downgrade(const struct core_role *role, int64_t at_us, struct buf *out)
{
    static const int64_t shown_us = INT64_C(86400) * 1000 * 1000;
    char when[TIME_TEXT_SIZE], what[160];
    if (at_us == 0 || core_now(role) - at_us >= shown_us)
        return;
    time_text(at_us, when);
    (void)snprintf(what, sizeof what,
                   "somebody showed a card of a lower suite in its name (%s): a downgrade, refused", when);
    line_word(out, "downgrade", what);
    line_word(out, "downgrade_next", "ask its operators, by another way, whether the card is theirs");
}

static void peer_status(void *ctx, unsigned partner, struct buf *out)
{
    struct core_role *role = ctx;
    struct sync_served served = sync_serve_status(role->serve, partner);
    const struct follow *follow = &role->follows[partner];
    struct sync_status status;
    core_cards_say(role, partner, out);
    line_count(out, "sent_leaves", served.leaves);
    line_count(out, "sent_pages", served.pages);
    line_time(out, "seen", served.seen_us);
    if (served.alarm != NULL) {
        line_word(out, "alarm", served.alarm);
        line_word(out, "alarm_next", served.alarm_next);
    }
    status.downgrade_us = 0;
    if (follow->session != NULL)
        sync_session_status(follow->session, &status);
    say_downgrade(role, status.downgrade_us > served.downgrade_us ? status.downgrade_us : served.downgrade_us,
                  out);
    if (follow->session == NULL)
        return;
    line_word(out, "link", sync_state_word(status.state));
    line_count(out, "offered", status.offered);
    line_count(out, "received", status.held);
    line_count(out, "refused_here", status.refused);
    line_count(out, "acknowledged", status.acknowledged);
    line_hash(out, "received_root", &status.root);
    line_time(out, "arrived", status.arrived_us);
    line_count(out, "latency_p50_us", (uint64_t)sync_latency_quantile(&status.times, 500));
    line_count(out, "latency_p99_us", (uint64_t)sync_latency_quantile(&status.times, 990));
    core_reconcile_say(role, partner, out);
    if (status.trouble.err != ERR_OK) {
        line_word(out, "trouble", status.trouble.what);
        line_word(out, "trouble_next", status.trouble.next == NULL ? "" : status.trouble.next);
    }
}

static void node_status(void *ctx, struct buf *out)
{
    struct core_role *role = ctx;
    line_bool(out, "running", role->edge != NULL);
    core_cards_say_own(role, out);
    line_bool(out, "settled", role->settled);
    line_bool(out, "restored", role->restored);
    line_word(out, "files", role->bounded ? "bounded" : "open");
    line_word(out, "accounts", role->accounts ? "separate" : "one");
    line_count(out, "port", role->port);
    line_time(out, "started", role->started_us);
    line_count(out, "requests", role->requests);
    line_count(out, "commits", role->commits);
    line_count(out, "commit_us_max", role->commit_us_max);
    line_count(out, "guarded_pages", role->guarded.pages);
    line_count(out, "guarded_objects", role->guarded.objects);
    line_count(out, "guard_held", role->guarded.held);
    line_count(out, "guard_named", role->guarded.named);
}

static void log_changed(void *ctx)
{
    core_log_anew(ctx);
}

static void log_status(void *ctx, size_t witness, struct command_witness *out)
{
    core_log_status(ctx, witness, out);
}

void core_command_host(struct core_role *role)
{
    role->host = (struct command_host) {.gate = NULL,
                                        .conf = role->conf,
                                        .operators = &role->operators,
                                        .os = role->os,
                                        .peers_changed = peers_changed,
                                        .card_take = card_take,
                                        .links_say = links_say,
                                        .cards_changed = cards_changed,
                                        .view_read = view_read,
                                        .last_look = last_look,
                                        .reader_gone = reader_gone,
                                        .epoch_begins = epoch_begins,
                                        .peer_status = peer_status,
                                        .node_status = node_status,
                                        .purge = purge_now,
                                        .search_whole = search_whole,
                                        .feeds_changed = feeds_changed,
                                        .feed_run = feed_now,
                                        .feed_status = feed_state,
                                        .log_changed = log_changed,
                                        .log_status = log_status,
                                        .ctx = role};
}
