#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"

#include "app/core_state.h"
#include "app/file.h"
#include "app/init.h"
#include "gate/recall.h"
#include "gate/rival.h"

enum { ARENA_BYTES = 64 << 20, CORE_RETRY_US = 10000 };

int64_t core_now(const struct core_role *role)
{
    return role->os->wall_us(role->os->ctx);
}

void core_wake(struct core_role *role)
{
    loop_later(role->loop, &role->turn);
}

/* --- held answers --- */

struct held *core_hold(struct core_role *role)
{
    struct held *held = mem_alloc(sizeof *held);
    if (held == NULL)
        return NULL;
    *role->held_end = held;
    role->held_end = &held->next;
    return held;
}

void core_held_free(struct held *held)
{
    if (held->kind == HELD_LINES)
        buf_deinit(&held->lines);
    else
        exchange_response_deinit(&held->response);
    mem_free(held);
}

static void release_one(struct core_role *role, struct held *held)
{
    static const char failed[] = "{\"done\":true,\"error\":{\"code\":\"readonly\",\"what\":\"it could not be "
                                 "made durable: nothing was "
                                 "acknowledged\",\"next\":\"look at the disk, then restart the node\"}}\n";
    err_t err = held->err;
    switch (held->kind) {
    case HELD_TAXII:
        if (err != ERR_OK)
            taxii_uncommitted(&held->response);
        core_respond(role, &held->response);
        break;
    case HELD_SYNC:
        /* A receipt that is not durable is not acknowledged: the partner repeats it. */
        if (err != ERR_OK) {
            held->response.status = 503;
            held->response.content_type = NULL;
            held->response.header_count = 0;
            buf_clear(&held->response.body);
        }
        core_respond(role, &held->response);
        break;
    case HELD_LINES:
        if (err == ERR_OK)
            core_lines_send(role, held->client, held->flags, buf_bytes(&held->lines));
        else
            core_lines_send(role, held->client, LINES_LAST, bytes_of(failed, sizeof failed - 1));
        break;
    }
    core_held_free(held);
}

static void free_held(struct held *held)
{
    while (held != NULL) {
        struct held *next = held->next;
        core_held_free(held);
        held = next;
    }
}

static void release_all(struct core_role *role, struct held *held)
{
    while (held != NULL) {
        struct held *next = held->next;
        release_one(role, held);
        held = next;
    }
}

static void release_broken_off(struct core_role *role)
{
    struct held *held = role->breaking;
    if (held == NULL)
        return;
    core_breaking_late(role);
    role->breaking = NULL;
    role->breaking_end = &role->breaking;
    release_all(role, held);
}

/* While answers of before are broken off, no command is told that it is done: also one that came later, so
 * that a client hears in order. */
static void release_held(struct core_role *role, err_t err)
{
    struct held *held = role->held;
    bool breaking = core_breaking(role);
    role->held = NULL;
    role->held_end = &role->held;
    if (!breaking)
        release_broken_off(role);
    while (held != NULL) {
        struct held *next = held->next;
        held->err = err;
        held->next = NULL;
        if (breaking && held->kind == HELD_LINES) {
            *role->breaking_end = held;
            role->breaking_end = &held->next;
        } else {
            release_one(role, held);
        }
        held = next;
    }
}

/* --- the turn --- */

static err_t commit(struct core_role *role)
{
    int64_t from = role->os->mono_us(role->os->ctx);
    err_t err = gate_commit(role->gate);
    uint64_t took = (uint64_t)(role->os->mono_us(role->os->ctx) - from);
    role->commits++;
    role->commit_us += took;
    if (took > role->commit_us_max)
        role->commit_us_max = took;
    return err;
}

/* One commit for everything that was appended; then whoever waited for it goes on. Sessions may then bring
 * the next page, which waits for the next turn. */
static void commit_all(struct core_role *role)
{
    err_t err = commit(role);
    core_views_mark(role);
    release_held(role, err);
    if (core_follow_committed(role, err))
        core_wake(role);
}

static void decide(struct core_role *role, bool *out_more, int64_t *out_next_us)
{
    bool more = true;
    int64_t until_us = role->os->mono_us(role->os->ctx) + LIMIT_DECIDE_TURN_US;
    *out_next_us = INT64_MAX;
    while (more) {
        if (gate_step(role->gate, core_now(role), &more, out_next_us) != ERR_OK) {
            /* The gate has said why; what is durable is served. */
            more = false;
            *out_next_us = INT64_MAX;
        }
        if (role->os->mono_us(role->os->ctx) >= until_us)
            break;
    }
    *out_more = more;
}

static void set_timer(struct core_role *role, int64_t until_us)
{
    int64_t now = core_now(role), wait_us = until_us - now;
    if (until_us == INT64_MAX) {
        loop_timer_stop(role->loop, &role->timer);
        return;
    }
    uint64_t wait_ms = wait_us <= 0 ? 0 : (uint64_t)wait_us / 1000 + 1;
    if (wait_ms > 3600000)
        wait_ms = 3600000;
    if (loop_timer_set(role->loop, &role->timer, loop_now_ms(role->loop) + wait_ms) != ERR_OK)
        core_wake(role);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void turn(void *ctx)
{
    struct core_role *role = ctx;
    bool more;
    int64_t decide_us;
    role->turns++;
    core_cards_turn(role);
    if (role->peers_stale) {
        role->peers_stale = false;
        core_peers_refresh(role);
    }
    core_follow_turn(role);
    core_feeds_turn(role);
    core_log_turn(role);
    commit_all(role);
    /* Checkpoints that came back are durable now: whoever waits need not wait for what is decided next. */
    core_serve_late(role);
    decide(role, &more, &decide_us);
    role->settled = !more;
    /* DECIDEs, and checkpoints that came back, become durable before anything is shown or signed. */
    commit_all(role);
    core_bundle_turn(role);
    core_sign_turn(role);
    core_log_show(role);
    core_serve_late(role);
    core_merge_turn(role);
    core_retention_turn(role);
    core_purge_turn(role);
    core_copies_turn(role);
    core_recall_turn(role);
    core_search_turn(role);
    core_streams_turn(role);
    if (more)
        core_wake(role);
    decide_us = earlier(earlier(decide_us, core_feeds_until(role)), core_retention_until(role));
    decide_us = earlier(decide_us, earlier(core_bundle_until(role), core_recall_until(role)));
    decide_us = earlier(decide_us, core_copies_until(role));
    decide_us = earlier(decide_us, earlier(core_cards_until(role), core_log_until(role)));
    if (role->breaking != NULL)
        decide_us = earlier(decide_us, role->breaking_until_us);
    set_timer(role, earlier(earlier(earlier(decide_us, core_reads_until(role)), core_follow_until(role)),
                            earlier(sync_serve_deadline(role->serve),
                                    earlier(core_sign_until(role), core_search_until(role)))));
}

static void woken(void *ctx)
{
    core_wake(ctx);
}

static void timer_fired(void *ctx)
{
    core_wake(ctx);
}

/* --- links --- */

static void say_ready(struct core_role *role)
{
    if (role->ready_said || !role->edge_up || !role->keeper_up || !role->parent_up || role->port == 0)
        return;
    buf_clear(&role->wire);
    wr_u16(&role->wire, role->port);
    role->ready_said = link_send(role->parent, MESSAGE_READY, buf_bytes(&role->wire)) == ERR_OK;
}

static void from_edge(void *ctx, unsigned kind, struct bytes body)
{
    struct core_role *role = ctx;
    struct rd rd = rd_of(body);
    switch (kind) {
    case MESSAGE_REQUEST:
        core_request(role, body);
        break;
    case MESSAGE_GONE:
        core_gone(role, body);
        break;
    case MESSAGE_ACCESS:
        core_access_told(role, body);
        break;
    case MESSAGE_ANSWER:
        core_answer(role, body);
        break;
    case MESSAGE_COMING:
        core_coming(role, body);
        break;
    case MESSAGE_LISTENING:
        role->port = rd_u16(&rd);
        say_ready(role);
        break;
    default:
        if (!core_guard_message(role, kind, body))
            (void)core_feeds_message(role, kind, body);
        break;
    }
}

static void edge_fresh(void *ctx)
{
    struct core_role *role = ctx;
    role->edge_up = true;
    core_guard_tell(role);
    core_cards_edge(role);
    core_edge_fresh(role);
    core_feeds_fresh(role);
    core_log_edge(role);
    core_wake(role);
}

/* It has broken off what was over. */
static void edge_rung(void *ctx)
{
    struct core_role *role = ctx;
    if (role->breaking != NULL)
        core_wake(role);
}

static void from_keeper(void *ctx, unsigned kind, struct bytes body)
{
    struct core_role *role = ctx;
    if (kind == MESSAGE_SIGNED)
        core_signed(role, body);
    else if (kind == MESSAGE_RECEIPTED)
        core_receipted(role, body);
    else if (kind == MESSAGE_RECALL_SIGNED)
        core_recall_signed(role, body);
    else if (kind == MESSAGE_VOUCHED)
        core_vouched(role, body);
    else if (kind == MESSAGE_BUNDLED)
        core_bundled(role, body);
}

static void keeper_fresh(void *ctx)
{
    struct core_role *role = ctx;
    role->keeper_up = true;
    core_cards_keeper(role);
    core_keeper_fresh(role);
    say_ready(role);
    core_wake(role);
}

static void from_parent(void *ctx, unsigned kind, struct bytes body)
{
    struct core_role *role = ctx;
    switch (kind) {
    case MESSAGE_COMMAND:
        core_command(role, body);
        break;
    case MESSAGE_BATCH:
        core_batch(role, body);
        break;
    case MESSAGE_PIECE:
        core_piece(role, body);
        break;
    case MESSAGE_FOREIGN:
        core_foreign(role, body);
        break;
    case MESSAGE_CLIENT_GONE:
        core_client_gone(role, body);
        break;
    case MESSAGE_MORE:
        core_stream_more(role, body);
        break;
    case MESSAGE_METRICS:
        core_metrics(role, body);
        break;
    default:
        break;
    }
}

static void parent_fresh(void *ctx)
{
    struct core_role *role = ctx;
    role->parent_up = true;
    memset(role->adding, 0, sizeof role->adding);
    core_streams_close(role);
    core_bundles_close(role);
    say_ready(role);
}

static void drained(void *ctx)
{
    core_wake(ctx);
}

static void link_broken(void *ctx)
{
    struct core_role *role = ctx;
    diag_say(role->diag, DIAG_ERROR, ERR_CORRUPT, "core", "the node restarts this role",
             "another role wrote nonsense into shared memory");
    role->broken(role->broken_ctx);
}

static err_t open_links(struct core_role *role, const struct core_links *links)
{
    struct link_handler edge = {from_edge, edge_fresh, drained, link_broken, edge_rung, role};
    struct link_handler keeper = {from_keeper, keeper_fresh, drained, link_broken, NULL, role};
    struct link_handler parent = {from_parent, parent_fresh, drained, link_broken, NULL, role};
    err_t err;
    if (links->edge != NULL &&
        (TRY(err, link_open(role->loop, role->os, links->edge, 0, &edge, &role->edge)) ||
         TRY(err, link_marks(role->edge, links->marks, 0))))
        return err;
    if (links->keeper != NULL &&
        TRY(err, link_open(role->loop, role->os, links->keeper, 0, &keeper, &role->keeper)))
        return err;
    return link_open(role->loop, role->os, links->parent, 1, &parent, &role->parent);
}

/* --- life --- */

static err_t open_rooms(struct core_role *role)
{
    char dir[FILE_PATH_SIZE];
    err_t err;
    if (TRY(err, file_path(role->conf->dir, CORE_STORE_DIR, dir)))
        return err;
    struct gate_setup gate = {.os = role->os,
                              .dir = dir,
                              .node_name = str_of(role->conf->node),
                              .suite = init_suite(role->os, role->conf->dir),
                              .persons = &role->operators.persons,
                              .diag = role->diag};
    if (TRY(err, gate_open(&gate, &role->gate)))
        return err;
    gate_recall_budget(role->gate, role->conf->recall_objects);
    gate_rival_bound(role->gate, role->conf->tightened_objects);
    struct str origins[LIMIT_TAXII_ORIGINS];
    for (size_t i = 0; i < role->conf->cors_count; i++)
        origins[i] = str_of(role->conf->cors[i]);
    struct taxii_setup taxii = {.gate = role->gate,
                                .random = role->os->random,
                                .random_ctx = role->os->ctx,
                                .title = str_of(role->conf->node),
                                .origins = origins,
                                .origin_count = role->conf->cors_count};
    if (TRY(err, taxii_open(&taxii, core_now(role), &role->taxii)))
        return err;
    if (TRY(err, core_access_open(role)))
        return err;
    role->host.gate = role->gate;
    role->host.taxii = role->taxii;
    if (TRY(err, sync_serve_new(role->gate, role->diag, &role->serve)))
        return err;
    core_cards_open(role);
    return ERR_OK;
}

err_t core_role_open(struct loop *loop, const struct os *os, const struct conf *conf, const struct diag *diag,
                     const struct core_links *links, void (*broken)(void *ctx), void *ctx,
                     struct core_role **out)
{
    struct core_role *role = mem_alloc(sizeof *role);
    err_t err;
    if (role == NULL)
        return ERR_NOMEM;
    role->loop = loop;
    role->os = os;
    role->conf = conf;
    role->diag = diag;
    role->broken = broken;
    role->broken_ctx = ctx;
    role->held_end = &role->held;
    role->breaking_end = &role->breaking;
    role->peers_stale = role->feeds_stale = true;
    role->started_us = core_now(role);
    role->turn = (struct loop_task) {.run = turn, .ctx = role};
    role->timer = (struct loop_timer) {.fire = timer_fired, .ctx = role};
    arena_init(&role->arena, ARENA_BYTES);
    buf_init(&role->wire, LIMIT_LINK_MESSAGE_BYTES);
    for (unsigned i = 0; i < GATE_LEDGERS; i++)
        buf_init(&role->signing[i], LIMIT_LINK_SMALL_BYTES);
    role->merging.loop = loop;
    role->streams_until_us = INT64_MAX;
    loop_on_wake(loop, woken, role);
    operators_open(conf, links->edge == NULL, NULL, &role->operators);
    core_command_host(role);
    if (TRY(err, json_parser_new(LIMIT_CONTROL_LINE_BYTES, &role->parser)) || TRY(err, open_rooms(role)) ||
        TRY(err, open_links(role, links))) {
        core_role_close(role);
        return err;
    }
    core_views_open(role);
    core_log_open(role);
    core_search_open(role);
    core_copies_open(role);
    core_wake(role);
    *out = role;
    return ERR_OK;
}

void core_role_bounded(struct core_role *role, bool bounded, bool accounts)
{
    role->bounded = bounded;
    role->accounts = accounts;
}

void core_role_close(struct core_role *role)
{
    if (role == NULL)
        return;
    core_merge_end(role);
    core_streams_close(role);
    core_bundles_close(role);
    core_search_close(role);
    if (role->gate != NULL && role->parent != NULL) {
        (void)!gate_repeats_keep(role->gate, core_now(role)); /* counts alone: nobody was promised them */
        err_t err = gate_commit(role->gate);
        release_held(role, err);
        release_broken_off(role);
        core_copies_close(role);
        /* The index then names the end of the log: what is damaged there later is not taken for a group that
         * was being written. */
        if (err == ERR_OK)
            err = gate_merge(role->gate, true);
    }
    loop_later_cancel(role->loop, &role->turn);
    loop_timer_stop(role->loop, &role->timer);
    link_close(role->edge);
    link_close(role->keeper);
    link_close(role->parent);
    core_access_close(role);
    core_follow_close(role);
    core_cards_close(role);
    core_feeds_close(role);
    core_log_close(role);
    core_reads_close(role);
    sync_serve_free(role->serve);
    taxii_close(role->taxii);
    gate_close(role->gate);
    json_parser_free(role->parser);
    for (unsigned i = 0; i < GATE_LEDGERS; i++)
        buf_deinit(&role->signing[i]);
    buf_deinit(&role->wire);
    arena_deinit(&role->arena);
    free_held(role->held);
    free_held(role->breaking);
    mem_free(role);
}
