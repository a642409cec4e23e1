/* Bundles for partners without a network: where one is cut, its volumes, and the receipts for what came in
 * one. The pages are those that `feed` answers, asked for in the partner's place. */
#include <stdio.h>

#include "app/core_state.h"
#include "core/mem.h"
#include "gate/destroy.h"
#include "gate/recall.h"
#include "sync/bundle.h"

/* --- what is common --- */

err_t command_number(struct command_call *call, const char *name, uint64_t otherwise, uint64_t *out)
{
    struct str text = command_text_or_empty(call, name);
    if (text.len == 0)
        *out = otherwise;
    else if (!str_to_u64(text, UINT64_MAX, out))
        return command_refuse(call, ERR_USAGE, NULL, "%s is no number", name);
    return ERR_OK;
}

/* A partner whom this node may give something now. */
static err_t partner_of(struct command_call *call, const struct gate_peer **out, struct sync_card *card)
{
    struct core_role *role = call->host->ctx;
    struct core_guarded guarded;
    struct buf memory;
    struct fault fault = {0};
    err_t err;
    if (TRY(err, command_partner(call, "audience", out)))
        return err;
    if (role->keeper == NULL || !role->keeper_up)
        return command_refuse(call, ERR_WRONGSTATE, "start it: bongsu serve",
                              "a node that does not run signs nothing");
    if ((*out)->state != GATE_PEER_STARTED)
        return command_refuse(call, ERR_WRONGSTATE, "bongsu peer start", "%.*s is not started",
                              STR_ARG((*out)->audience));
    if ((*out)->card.len == 0)
        return command_refuse(call, ERR_UNSUPPORTED, "bongsu peer add CARD",
                              "%.*s has no node to seal a bundle to", STR_ARG((*out)->audience));
    if (TRY(err, sync_card_parse(str_from_bytes((*out)->card), card, &fault)) ||
        TRY(err, sync_card_valid(card, call->now_us, &fault)))
        return command_refuse(call, err, "ask the partner for his present card", "%s", fault.what);
    if (TRY(err, command_card_enough(call, card)))
        return err;
    buf_init(&memory, LIMIT_FRAME_BYTES);
    core_guard_get(role->gate, *out, &memory, &guarded);
    buf_deinit(&memory);
    return guarded.held ? command_refuse(call, ERR_WRONGSTATE, "bongsu status",
                                         "the guard holds the pages for %.*s", STR_ARG((*out)->audience))
                        : ERR_OK;
}

/* The last look, at what leaves: `guard` NULL: nothing does. */
static err_t page_look(struct command_call *call, struct guard *guard, unsigned partner, struct str query,
                       const struct exchange_response *response)
{
    err_t err = guard == NULL
                    ? ERR_OK
                    : core_bundle_guarded(call->host->ctx, guard, partner, query, buf_bytes(&response->body));
    if (err == ERR_DENIED)
        return command_refuse(call, err, "`bongsu status`; after a look at the object `bongsu guard resume`",
                              "the guard holds the pages for this partner");
    return err;
}

/* The page from `from` on, at most to `to`, with what origins signed: the gate has that for whom an operator
 * let it go alone. ERR_BUSY: not now. */
static err_t page_get(struct command_call *call, struct guard *guard, unsigned partner, uint32_t epoch,
                      uint64_t from, uint64_t to, struct exchange_response *response)
{
    struct core_role *role = call->host->ctx;
    uint64_t most = to - from;
    struct sync_feed feed = {
        epoch, from, most > LIMIT_SYNC_PAGE_LEAVES ? LIMIT_SYNC_PAGE_LEAVES : (unsigned)most, 0, true};
    struct buf query;
    bool commit;
    buf_init(&query, LIMIT_HTTP_TARGET_BYTES);
    sync_feed_write(&query, &feed);
    struct exchange_request request = {
        .method = EXCHANGE_GET, .path = STR(SYNC_PATH_FEED), .query = buf_str(&query)};
    sync_serve_carried(role->serve, partner, &request, call->now_us, response, &commit);
    err_t err =
        response->status == 200 ? page_look(call, guard, partner, buf_str(&query), response) : ERR_BUSY;
    buf_deinit(&query);
    return response->status == 200 || response->status == 503
               ? err
               : command_refuse(
                     call, ERR_WRONGSTATE, "bongsu status",
                     "this partner is given nothing now (%u): he is not started, his card is out of time, "
                     "or the two histories differ",
                     response->status);
}

/* How far a page that was just made reaches. */
static err_t page_end(struct command_call *call, const struct exchange_response *response, uint64_t from,
                      uint64_t to, uint64_t *out)
{
    struct sync_page page;
    err_t err = sync_page_read(buf_bytes(&response->body), &page, NULL);
    if (err != ERR_OK || page.from != from || page.count == 0 || page.count > to - from)
        return command_refuse(call, ERR_CORRUPT, "begin the bundle anew",
                              "no page ends where the bundle was cut");
    *out = from + page.count;
    return ERR_OK;
}

/* --- where it is cut --- */

struct planning {
    unsigned partner;
    uint32_t epoch;
    struct bundle_plan plan;
    uint64_t target;       /* leaves decided when it began */
    uint64_t to;           /* leaves that the bundle reaches; 0: not known yet */
    uint64_t at;           /* looked at up to here */
    uint64_t volume_bytes; /* 0: one volume */
    uint64_t bytes;        /* of the volume so far */
    int64_t until_us;
};

static err_t plan_from(struct command_call *call, const struct gate_peer *peer,
                       const struct gate_ledger *ledger, uint64_t *out)
{
    struct command_bundles known;
    uint64_t from, overlap;
    err_t err;
    command_bundles_get(call->host->gate, peer, &known);
    uint64_t held = ledger->receipted > known.told ? ledger->receipted : known.told;
    if (TRY(err, command_number(call, "from", held, &from)) ||
        TRY(err, command_number(call, "overlap", UINT64_MAX, &overlap)))
        return err;
    if (overlap != UINT64_MAX)
        from = known.written > overlap ? known.written - overlap : 0;
    *out = from;
    return ERR_OK;
}

/* A bundle carries the main ledger. Who has not asked for long is told there of recalls until he says hello
 * again, and what he was told before in the urgent one waits for his line. */
static void plan_recalls(struct command_call *call, const struct gate_peer *peer)
{
    struct core_role *role = call->host->ctx;
    struct gate_ledger urgent;
    struct sync_served served = sync_serve_status(role->serve, peer->index);
    if (call->now_us - served.seen_us < LIMIT_BUNDLE_AWAY_US ||
        gate_ledger(role->gate, gate_urgent(peer->index), &urgent) != ERR_OK)
        return;
    if (gate_peer_urgent(role->gate, peer->index, false, call->now_us) == ERR_OK &&
        urgent.size > urgent.receipted)
        line_say(call->out,
                 "%llu recalls wait in the urgent ledger, which no bundle carries: telephone (bongsu recall "
                 "status)",
                 (unsigned long long)(urgent.size - urgent.receipted));
}

static err_t plan_begin(struct command_call *call, void **out_state)
{
    const struct gate_peer *peer;
    struct sync_card card;
    struct gate_ledger ledger;
    uint64_t from, volume_bytes;
    err_t err;
    if (TRY(err, partner_of(call, &peer, &card)) ||
        TRY(err, command_number(call, "volume_size", 0, &volume_bytes)))
        return err;
    if (TRY(err, gate_ledger(call->host->gate, peer->index, &ledger)))
        return command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
    if (TRY(err, plan_from(call, peer, &ledger, &from)))
        return err;
    plan_recalls(call, peer);
    struct planning *planning = mem_alloc(sizeof *planning);
    if (planning == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    *planning = (struct planning) {.partner = peer->index,
                                   .epoch = ledger.origin.epoch,
                                   .target = ledger.size,
                                   .at = from,
                                   .volume_bytes = volume_bytes,
                                   .until_us = call->now_us + LIMIT_BUNDLE_WAIT_US};
    planning->plan.cuts[0] = from;
    err = call->host->os->random(call->host->os->ctx, planning->plan.id, sizeof planning->plan.id);
    if (err != ERR_OK) {
        mem_free(planning);
        return command_refuse(call, err, NULL, "%s", err_text(err));
    }
    *out_state = planning;
    return ERR_OK;
}

/* What is decided is signed first, as when the partner polls. False: it waits. */
static err_t plan_wait(struct command_call *call, struct planning *planning, bool *out_ready)
{
    struct gate_ledger ledger;
    err_t err = gate_ledger(call->host->gate, planning->partner, &ledger);
    if (err != ERR_OK || ledger.stopped)
        return command_refuse(call, err == ERR_OK ? ERR_CORRUPT : err, "run `bongsu check`",
                              "the ledger for this partner is stopped");
    *out_ready = ledger.visible >= planning->target;
    if (*out_ready) {
        planning->to = ledger.visible;
        return ERR_OK;
    }
    if (call->now_us > planning->until_us)
        return command_refuse(call, ERR_TIMEOUT, "see that the keeper runs: bongsu status",
                              "leaf %llu is not signed yet", (unsigned long long)ledger.visible);
    call->host->view_read(call->host->ctx, planning->partner);
    return ERR_OK;
}

static void plan_say(struct command_call *call, const struct planning *planning)
{
    struct buf cuts;
    char id[2 * BUNDLE_ID_SIZE];
    buf_init(&cuts, LIMIT_BUNDLE_HEAD_BYTES);
    bundle_cuts_write(&planning->plan, &cuts);
    str_hex(planning->plan.id, BUNDLE_ID_SIZE, id);
    line_begin(call->out);
    line_text(call->out, "bundle", (struct str) {id, sizeof id});
    line_text(call->out, "cuts", buf_str(&cuts));
    line_count(call->out, "volumes", planning->plan.volumes);
    line_count(call->out, "from", planning->plan.cuts[0]);
    line_count(call->out, "to", planning->to);
    line_end(call->out);
    buf_deinit(&cuts);
}

/* Ends a volume before this page when that makes it larger than was wished. */
static err_t plan_page(struct command_call *call, struct planning *planning, uint64_t end, size_t bytes)
{
    struct bundle_plan *plan = &planning->plan;
    size_t records = bytes / LIMIT_BUNDLE_RECORD_BYTES + 1;
    bytes += records * (BUNDLE_LENGTH_SIZE + SEALED_RECORD_EXTRA);
    if (planning->bytes > 0 && planning->volume_bytes > 0 &&
        (planning->bytes >= planning->volume_bytes || bytes > planning->volume_bytes - planning->bytes)) {
        if (plan->volumes + 1 >= LIMIT_BUNDLE_VOLUMES)
            return command_refuse(call, ERR_LIMIT, "give a larger --volume-size",
                                  "a bundle has at most %u volumes", LIMIT_BUNDLE_VOLUMES);
        plan->cuts[++plan->volumes] = planning->at;
        planning->bytes = 0;
    }
    planning->bytes += bytes;
    planning->at = end;
    return ERR_OK;
}

/* A page a turn. */
static err_t plan_look(struct command_call *call, struct planning *planning)
{
    struct exchange_response response;
    uint64_t end;
    exchange_response_init(&response, 0, LIMIT_SYNC_PAGE_BYTES);
    err_t err =
        page_get(call, NULL, planning->partner, planning->epoch, planning->at, planning->to, &response);
    if (err == ERR_OK && !TRY(err, page_end(call, &response, planning->at, planning->to, &end)))
        err = plan_page(call, planning, end, response.body.len);
    exchange_response_deinit(&response);
    return err == ERR_BUSY && call->now_us <= planning->until_us ? ERR_OK : err;
}

static err_t plan_next(struct command_call *call, void *state, bool *out_end)
{
    struct planning *planning = state;
    bool ready = planning->to > 0;
    err_t err = ready ? ERR_OK : plan_wait(call, planning, &ready);
    if (err != ERR_OK || (!ready && planning->target > 0))
        return err;
    if (planning->at >= planning->to && planning->plan.cuts[0] >= planning->to) {
        line_begin(call->out);
        line_bool(call->out, "nothing", true);
        line_count(call->out, "from", planning->plan.cuts[0]);
        line_count(call->out, "visible", planning->to);
        line_end(call->out);
        *out_end = true;
        return planning->plan.cuts[0] > planning->to
                   ? command_refuse(call, ERR_USAGE, "bongsu ledger show --head",
                                    "there are %llu entries only", (unsigned long long)planning->to)
                   : ERR_OK;
    }
    if (planning->volume_bytes == 0)
        planning->at = planning->to;
    else if (TRY(err, plan_look(call, planning)))
        return err;
    if (planning->at < planning->to)
        return ERR_OK;
    planning->plan.cuts[++planning->plan.volumes] = planning->to;
    plan_say(call, planning);
    *out_end = true;
    return ERR_OK;
}

const struct command_stream command_bundle_plan_stream = {"bundle.plan", plan_begin, plan_next, mem_free};

/* --- a volume --- */

struct writing {
    struct core_role *role;
    unsigned partner;
    uint32_t epoch;
    uint64_t at, to;
    struct guard *guard;
    struct sealed_stream *stream;
    uint32_t ticket;
    struct hash bound;
    bool told; /* the head */
    int64_t until_us;
};

static void volume_end(void *state)
{
    struct writing *writing = state;
    core_bundle_drop(writing->role, writing->ticket);
    guard_free(writing->guard);
    sealed_free(writing->stream);
    mem_free(writing);
}

/* What the caller says of the plan: it was told by this node, or stands in a head that this node signed. */
static err_t head_plan(struct command_call *call, struct bundle_head *head)
{
    struct str cuts, id;
    uint64_t volume;
    err_t err;
    if (TRY(err, command_text(call, "cuts", &cuts)) || TRY(err, command_text(call, "bundle", &id)) ||
        TRY(err, command_number(call, "volume", 0, &volume)))
        return err;
    if (bundle_cuts_read(cuts, &head->plan) != ERR_OK || id.len != 2 * (size_t)BUNDLE_ID_SIZE ||
        !str_unhex(id, head->plan.id, BUNDLE_ID_SIZE) || volume == 0 || volume > head->plan.volumes)
        return command_refuse(call, ERR_USAGE, NULL, "that is no volume of a bundle");
    head->volume = (unsigned)volume;
    return ERR_OK;
}

/* A fresh key, its box and the stream under it. */
static err_t seal_begin(struct command_call *call, const struct sync_card *card, struct bundle_head *head,
                        struct sealed_stream **out)
{
    const struct os *os = call->host->os;
    struct sealed_key key = {.suite = card->key[SYNC_CARD_SEALING].suite};
    uint8_t seed[SEALED_SEED_SIZE];
    err_t err;
    if (!TRY(err, os->random(os->ctx, key.b, sizeof key.b)) &&
        !TRY(err, os->random(os->ctx, seed, sizeof seed)) &&
        !TRY(err, os->random(os->ctx, head->stream, sizeof head->stream)) &&
        !TRY(err, sealed_box(&card->key[SYNC_CARD_SEALING], seed, &key, head->box))) {
        *out = sealed_new(&key, head->stream);
        err = *out == NULL ? ERR_NOMEM : ERR_OK;
    }
    mem_wipe(&key, sizeof key);
    mem_wipe(seed, sizeof seed);
    return err;
}

/* Sends the head to be signed. */
static err_t head_ask(struct command_call *call, struct bundle_head *head, const struct ledger_origin *ledger,
                      struct writing *writing)
{
    struct buf origin, text;
    err_t err;
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    buf_init(&text, LIMIT_BUNDLE_HEAD_BYTES);
    if (!TRY(err, ledger_origin_print(ledger, &origin))) {
        head->origin = buf_str(&origin);
        head->written_us = call->now_us;
        bundle_head_write(&text, head);
        err = buf_err(&text);
    }
    if (err == ERR_OK) {
        writing->ticket = core_bundle_ask(writing->role, false, buf_str(&text));
        err = writing->ticket == 0 ? ERR_BUSY : ERR_OK;
    }
    buf_deinit(&origin);
    buf_deinit(&text);
    return err;
}

static err_t volume_open(struct command_call *call, const struct gate_peer *peer,
                         const struct sync_card *card, struct bundle_head *head, struct writing *writing)
{
    struct gate_ledger ledger;
    err_t err;
    if (TRY(err, gate_ledger(call->host->gate, peer->index, &ledger)))
        return command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
    head->recipient = str_of(card->node);
    head->suite = card->key[SYNC_CARD_SEALING].suite;
    if (head->plan.cuts[head->plan.volumes] > ledger.visible)
        return command_refuse(call, ERR_USAGE, "bongsu ledger show --head",
                              "there are %llu signed entries only", (unsigned long long)ledger.visible);
    *writing = (struct writing) {.role = call->host->ctx,
                                 .partner = peer->index,
                                 .epoch = ledger.origin.epoch,
                                 .at = bundle_from(head),
                                 .to = bundle_to(head),
                                 .until_us = call->now_us + LIMIT_BUNDLE_WAIT_US};
    if (TRY(err, core_bundle_guard_new(writing->role, &writing->guard)) ||
        TRY(err, seal_begin(call, card, head, &writing->stream)) ||
        TRY(err, head_ask(call, head, &ledger.origin, writing)))
        return command_refuse(call, err, "try again", "the volume could not be begun: %s", err_text(err));
    return ERR_OK;
}

static err_t volume_begin(struct command_call *call, void **out_state)
{
    const struct gate_peer *peer;
    struct sync_card card;
    err_t err;
    if (TRY(err, partner_of(call, &peer, &card)))
        return err;
    struct bundle_head *head = mem_alloc(sizeof *head);
    struct writing *writing = mem_alloc(sizeof *writing);
    if (head == NULL || writing == NULL)
        err = command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    else if (!TRY(err, head_plan(call, head)))
        err = volume_open(call, peer, &card, head, writing);
    mem_free(head);
    if (err == ERR_OK) {
        *out_state = writing;
    } else if (writing != NULL) {
        guard_free(writing->guard);
        sealed_free(writing->stream);
        mem_free(writing);
    }
    return err;
}

static err_t head_say(struct command_call *call, struct writing *writing)
{
    struct buf head;
    buf_init(&head, LIMIT_BUNDLE_HEAD_BYTES);
    err_t err = core_bundle_answer(writing->role, writing->ticket, &head);
    if (err == ERR_OK) {
        writing->told = true;
        writing->bound = bundle_bound(buf_str(&head));
        line_begin(call->out);
        line_text(call->out, "head", buf_str(&head));
        line_end(call->out);
    } else if (err != ERR_BUSY || call->now_us > writing->until_us) {
        err = command_refuse(call, err, "see bongsu status", "the keeper did not sign the bundle: %s",
                             err_text(err));
    } else {
        err = ERR_OK; /* not yet */
    }
    buf_deinit(&head);
    return err;
}

static void records_say(struct command_call *call, const struct writing *writing, struct bytes records)
{
    line_begin(call->out);
    line_count(call->out, "at", writing->at);
    buf_printf(call->out, ",\"records\":\"");
    char *to = (char *)buf_extend(call->out, str_base64_size(records.len));
    if (to != NULL)
        (void)str_base64(records.at, records.len, to);
    buf_putc(call->out, '"');
    line_end(call->out);
}

static err_t page_say(struct command_call *call, struct writing *writing)
{
    struct exchange_response response;
    struct buf records;
    uint64_t end;
    exchange_response_init(&response, 0, LIMIT_SYNC_PAGE_BYTES);
    buf_init(&records, 2 * (size_t)LIMIT_SYNC_PAGE_BYTES);
    err_t err =
        page_get(call, writing->guard, writing->partner, writing->epoch, writing->at, writing->to, &response);
    if (err == ERR_OK && !TRY(err, page_end(call, &response, writing->at, writing->to, &end))) {
        err = bundle_page_write(writing->stream, &writing->bound, buf_bytes(&response.body), &records);
        if (err == ERR_OK && end == writing->to)
            err = bundle_end_write(writing->stream, &writing->bound, &records);
    }
    if (err == ERR_OK) {
        writing->at = end;
        writing->until_us = call->now_us + LIMIT_BUNDLE_WAIT_US;
        records_say(call, writing, buf_bytes(&records));
        err = buf_err(&records);
    }
    buf_deinit(&records);
    exchange_response_deinit(&response);
    return err == ERR_BUSY && call->now_us <= writing->until_us ? ERR_OK : err;
}

static err_t volume_next(struct command_call *call, void *state, bool *out_end)
{
    struct writing *writing = state;
    err_t err = writing->told ? page_say(call, writing) : head_say(call, writing);
    *out_end = writing->told && writing->at == writing->to;
    return err;
}

const struct command_stream command_bundle_volume_stream = {"bundle.volume", volume_begin, volume_next,
                                                            volume_end};

/* --- the receipt for what came --- */

struct reporting {
    unsigned partner;
    bool wanted;     /* of the session */
    int64_t rest_us; /* so long it waits for what was called back to be destroyed */
    int64_t until_us;
};

static err_t report_begin(struct command_call *call, void **out_state)
{
    struct core_role *role = call->host->ctx;
    const struct gate_peer *peer;
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)))
        return err;
    if (role->follows[peer->index].session == NULL)
        return command_refuse(call, ERR_WRONGSTATE, "bongsu peer start, bongsu serve",
                              "the ledger of %.*s is not followed now", STR_ARG(peer->audience));
    struct reporting *reporting = mem_alloc(sizeof *reporting);
    if (reporting == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    *reporting = (struct reporting) {.partner = peer->index,
                                     .rest_us = call->now_us + LIMIT_BUNDLE_REST_US,
                                     .until_us = call->now_us + LIMIT_BUNDLE_WAIT_US};
    *out_state = reporting;
    return ERR_OK;
}

/* What was just called back is destroyed first: then it can be said to be gone. */
static err_t report_want(struct command_call *call, struct reporting *reporting, struct sync_session *session)
{
    struct gate *gate = call->host->gate;
    if ((gate_purge_due(gate) || gate_recall_due(gate)) && call->now_us < reporting->rest_us)
        return ERR_OK;
    reporting->wanted = true;
    err_t err = sync_session_report_want(session);
    return err == ERR_OK ? ERR_OK
                         : command_refuse(call, err, NULL, "nothing of this partner was taken over yet");
}

static void report_say(struct command_call *call, const struct sync_session *session, struct str report)
{
    struct sync_status status;
    char words[SYNC_CARD_WORDS_SIZE];
    sync_session_status(session, &status);
    bundle_words(status.origin, status.held, &status.root, words);
    line_begin(call->out);
    line_text(call->out, "origin", status.origin);
    line_count(call->out, "size", status.held);
    line_count(call->out, "refused", status.refused);
    line_word(call->out, "words", words);
    line_text(call->out, "report", report);
    line_end(call->out);
}

static err_t report_next(struct command_call *call, void *state, bool *out_end)
{
    struct reporting *reporting = state;
    struct core_role *role = call->host->ctx;
    struct sync_session *session = role->follows[reporting->partner].session;
    struct str report;
    struct sync_status status;
    uint64_t size;
    if (session == NULL || call->now_us > reporting->until_us)
        return command_refuse(call, ERR_TIMEOUT, "read any volume again: it makes the receipt again",
                              "the receipt could not be signed");
    if (!reporting->wanted)
        return report_want(call, reporting, session);
    if (!sync_session_report_get(session, &report, &size))
        return ERR_OK;
    sync_session_status(session, &status);
    if (status.held != size) /* more came meanwhile, by the network */
        return sync_session_report_want(session);
    report_say(call, session, report);
    *out_end = true;
    return ERR_OK;
}

const struct command_stream command_bundle_report_stream = {"bundle.report", report_begin, report_next,
                                                            mem_free};
