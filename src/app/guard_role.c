#include "app/guard_role.h"

#include <stdio.h>

#include "app/guard_feed.h"
#include "app/link.h"
#include "app/message.h"
#include "app/message_guard.h"
#include "core/mem.h"
#include "core/wr.h"

enum {
    PARKED_MAX = 64,
    PARKED_MS = 3000, /* then the asker may try again */
    SOON_MS = 20,     /* between two looks for a signature */
    COUNT_MS = 1000,
    PAUSE_MS = 2,
};

static const char resume_next[] =
    "`bongsu status` names the partner; look at the object, then `bongsu guard resume`";

struct waiting { /* a request that core has */
    bool used;
    uint64_t id;
    struct guard_case c;
};

struct parked { /* an answer, or a call of a feed, that waits for proof */
    bool used, call;
    uint32_t feed;   /* of a call */
    uint64_t id;     /* of the answer's request, or of the call */
    uint64_t ticket; /* that core answers questions by */
    struct buf wire; /* as core sent it */
    uint64_t until_ms, again_ms;
};

struct guard_role {
    struct loop *loop;
    const struct os *os;
    const struct diag *diag;
    void (*broken)(void *ctx);
    void *broken_ctx;
    struct guard *guard;
    struct guard_feeds *feeds;
    struct link *core, *edge;
    struct loop_timer timer, count_timer, pause_timer;
    bool counting, pausing;
    size_t parked_bytes;
    uint64_t tickets;
    struct buf wire, headers, asks;
    struct parked parked[PARKED_MAX];
    struct waiting waiting[LIMIT_EDGE_REQUESTS];
};

static struct waiting *waiting_of(struct guard_role *role, uint64_t id)
{
    struct waiting *waiting = &role->waiting[id % LIMIT_EDGE_REQUESTS];
    return waiting->used && waiting->id == id ? waiting : NULL;
}

/* --- what goes on --- */

static void resume_core(void *ctx)
{
    struct guard_role *role = ctx;
    role->pausing =
        link_pending(role->edge) > LIMIT_LINK_MESSAGE_BYTES &&
        loop_timer_set(role->loop, &role->pause_timer, loop_now_ms(role->loop) + PAUSE_MS) == ERR_OK;
    link_pause(role->core, role->pausing);
}

/* Edge is slow to take: then core waits, as if it spoke to edge itself. */
static void to_edge(struct guard_role *role, unsigned kind, struct bytes body)
{
    err_t err = link_send(role->edge, kind, body);
    if (err != ERR_OK)
        diag_say(role->diag, DIAG_ERROR, err, "guard", "the asker will repeat its request",
                 "a message of %zu bytes for edge was dropped: %s", body.len, err_text(err));
    if (!role->pausing)
        resume_core(role);
}

static void to_core(struct guard_role *role, unsigned kind, struct bytes body)
{
    err_t err = link_send(role->core, kind, body);
    if (err != ERR_OK)
        diag_say(role->diag, DIAG_WARNING, err, "guard", NULL, "a message for core was dropped: %s",
                 err_text(err));
}

/* In place of an answer: what a service says that cannot answer now. */
static void answer_later(struct guard_role *role, uint64_t id)
{
    struct exchange_response response;
    exchange_response_init(&response, id, 0);
    response.status = 503;
    buf_clear(&role->wire);
    exchange_response_write(&role->wire, &response);
    exchange_response_deinit(&response);
    to_edge(role, MESSAGE_RESPONSE, buf_bytes(&role->wire));
}

/* --- counts --- */

static void tell_count(void *ctx)
{
    struct guard_role *role = ctx;
    struct guard_counts counts = guard_count(role->guard);
    role->counting = false;
    buf_clear(&role->wire);
    message_guarded_write(&role->wire, &counts);
    to_core(role, MESSAGE_GUARD_COUNT, buf_bytes(&role->wire));
}

static void count_later(struct guard_role *role)
{
    if (!role->counting)
        role->counting =
            loop_timer_set(role->loop, &role->count_timer, loop_now_ms(role->loop) + COUNT_MS) == ERR_OK;
}

/* --- answers --- */

static void unpark(struct guard_role *role, struct parked *parked)
{
    role->parked_bytes -= parked->wire.len;
    buf_deinit(&parked->wire);
    parked->used = false;
}

static struct parked *park(struct guard_role *role, uint64_t id, struct bytes body)
{
    struct parked *parked = NULL;
    for (size_t i = 0; i < PARKED_MAX && parked == NULL; i++)
        if (!role->parked[i].used)
            parked = &role->parked[i];
    if (parked == NULL || body.len > LIMIT_GUARD_PARKED_BYTES - role->parked_bytes)
        return NULL;
    buf_init(&parked->wire, body.len);
    buf_put(&parked->wire, body.at, body.len);
    if (buf_err(&parked->wire) != ERR_OK) {
        buf_deinit(&parked->wire);
        return NULL;
    }
    role->parked_bytes += parked->wire.len;
    parked->used = true;
    parked->call = false;
    parked->id = id;
    parked->ticket = ++role->tickets;
    parked->until_ms = loop_now_ms(role->loop) + PARKED_MS;
    parked->again_ms = UINT64_MAX;
    return parked;
}

static void set_timer(struct guard_role *role)
{
    uint64_t until = UINT64_MAX;
    for (size_t i = 0; i < PARKED_MAX; i++) {
        const struct parked *parked = &role->parked[i];
        uint64_t at = parked->until_ms < parked->again_ms ? parked->until_ms : parked->again_ms;
        if (parked->used && at < until)
            until = at;
    }
    if (until == UINT64_MAX)
        loop_timer_stop(role->loop, &role->timer);
    else if (loop_timer_set(role->loop, &role->timer, until) != ERR_OK)
        diag_say(role->diag, DIAG_WARNING, ERR_NOMEM, "guard", NULL, "an answer may wait too long");
}

static void ask_core(struct guard_role *role, struct parked *parked)
{
    parked->again_ms = UINT64_MAX;
    buf_clear(&role->asks);
    wr_u64(&role->asks, parked->ticket);
    for (size_t i = 0; i < guard_ask_count(role->guard); i++) {
        struct guard_ask ask = guard_ask_get(role->guard, i);
        message_ask_write(&role->asks,
                          &(struct message_ask) {(uint8_t)ask.partner, (uint16_t)ask.run, ask.id});
    }
    to_core(role, MESSAGE_GUARD_ASK, buf_bytes(&role->asks));
    set_timer(role);
}

static int64_t now_s(const struct guard_role *role)
{
    return role->os->wall_us(role->os->ctx) / 1000000;
}

static enum guard_verdict judge(struct guard_role *role, struct waiting *waiting,
                                const struct exchange_answer *answer, struct guard_finding *out)
{
    buf_clear(&role->headers);
    for (size_t i = 0; i < answer->header_count; i++) {
        buf_put_str(&role->headers, answer->headers[i].name);
        buf_putc(&role->headers, ' ');
        buf_put_str(&role->headers, answer->headers[i].value);
        buf_putc(&role->headers, '\n');
    }
    struct guard_answer given = {.status = answer->status,
                                 .headers = buf_str(&role->headers),
                                 .body = answer->body,
                                 .now_s = now_s(role)};
    return guard_check(role->guard, &waiting->c, &given, out);
}

/* `what` was held, for the first time since an operator last let this partner go on. */
static void alarm(struct guard_role *role, const char *what, const char *next,
                  const struct guard_finding *finding)
{
    if (finding->again)
        return;
    diag_say(role->diag, DIAG_ERROR, ERR_DENIED, "guard", next, "%s was held by the rule %s", what,
             guard_rule_word(finding->rule));
    buf_clear(&role->wire);
    message_held_write(&role->wire, finding);
    to_core(role, MESSAGE_GUARD_HELD, buf_bytes(&role->wire));
}

/* An answer as core sent it: `parked` when it waited already. */
static void settle(struct guard_role *role, struct bytes body, struct parked *parked)
{
    struct exchange_answer answer;
    struct guard_finding finding;
    if (exchange_answer_read(body, &answer) != ERR_OK)
        return;
    struct waiting *waiting = waiting_of(role, answer.id);
    if (waiting == NULL) /* the asker is gone */
        goto done;
    switch (judge(role, waiting, &answer, &finding)) {
    case GUARD_ASK:
        if (parked == NULL)
            parked = park(role, answer.id, body);
        if (parked != NULL) {
            ask_core(role, parked);
            return;
        }
        answer_later(role, answer.id);
        break;
    case GUARD_PASS:
        to_edge(role, MESSAGE_RESPONSE, body);
        break;
    case GUARD_HOLD:
        alarm(role, "an answer", resume_next, &finding);
        answer_later(role, answer.id);
        break;
    }
    waiting->used = false;
done:
    if (parked != NULL)
        unpark(role, parked);
    count_later(role);
}

/* --- calls of feeds --- */

/* In place of edge: this call was not made. */
static void call_over(struct guard_role *role, uint32_t feed, uint64_t id, err_t err, const char *what)
{
    struct message_feed_over over = {.feed = feed, .id = id, .err = err, .what = str_of(what)};
    buf_clear(&role->wire);
    message_feed_over_write(&role->wire, &over);
    to_core(role, MESSAGE_FEED_OVER, buf_bytes(&role->wire));
}

static void hold_call(struct guard_role *role, const struct message_feed_call *call,
                      const struct guard_finding *finding)
{
    char what[FAULT_WHAT_MAX] = FEED_HELD ", as all that goes to this partner";
    alarm(role, "what a feed asks or gives",
          finding->partner < 0 ? "`bongsu feed list` names the feed" : resume_next, finding);
    if (!finding->again)
        (void)snprintf(what, sizeof what, FEED_HELD ": the rule %s", guard_rule_word(finding->rule));
    call_over(role, call->feed, call->id, ERR_DENIED, what);
}

static struct parked *park_call(struct guard_role *role, const struct message_feed_call *call,
                                struct bytes body)
{
    struct parked *parked = park(role, call->id, body);
    if (parked == NULL)
        return NULL;
    parked->call = true;
    parked->feed = call->feed;
    return parked;
}

/* As core sent it: `parked` when it waited already. */
static void settle_call(struct guard_role *role, struct bytes body, struct parked *parked)
{
    struct message_feed_call call;
    struct guard_finding finding;
    if (message_feed_call_read(body, &call) != ERR_OK)
        return;
    if (parked == NULL)
        guard_feeds_begin(role->feeds, call.feed);
    switch (guard_feeds_check(role->feeds, role->guard, &call, now_s(role), &finding)) {
    case GUARD_ASK:
        if (parked == NULL)
            parked = park_call(role, &call, body);
        if (parked != NULL) {
            ask_core(role, parked);
            return;
        }
        call_over(role, call.feed, call.id, ERR_BUSY, "the guard has no room for it now");
        break;
    case GUARD_PASS:
        to_edge(role, MESSAGE_FEED_CALL, body);
        break;
    case GUARD_HOLD:
        hold_call(role, &call, &finding);
        break;
    }
    if (parked != NULL)
        unpark(role, parked);
    count_later(role);
}

/* Core wants nothing of this feed's call any more. */
static void drop_calls(struct guard_role *role, uint32_t feed)
{
    for (size_t i = 0; i < PARKED_MAX; i++)
        if (role->parked[i].used && role->parked[i].call && role->parked[i].feed == feed)
            unpark(role, &role->parked[i]);
}

static void open_feed(struct guard_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    drop_calls(role, rd_u32(&rd)); /* one of that number is closed by it */
    if (guard_feeds_open(role->feeds, body))
        to_edge(role, MESSAGE_FEED_OPEN, body);
}

/* MESSAGE_FEED_CANCEL, MESSAGE_FEED_CLOSE. */
static void end_call(struct guard_role *role, unsigned kind, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint32_t feed = rd_u32(&rd);
    drop_calls(role, feed);
    if (kind == MESSAGE_FEED_CLOSE && rd.err == ERR_OK)
        guard_feeds_close(role->feeds, feed);
    to_edge(role, kind, body);
}

/* --- proof --- */

static struct guard_case *case_of(struct guard_role *role, const struct parked *parked)
{
    if (parked->call)
        return guard_feeds_case(role->feeds, parked->feed);
    struct waiting *waiting = waiting_of(role, parked->id);
    return waiting == NULL ? NULL : &waiting->c;
}

static void settle_parked(struct guard_role *role, struct parked *parked)
{
    if (parked->call)
        settle_call(role, buf_bytes(&parked->wire), parked);
    else
        settle(role, buf_bytes(&parked->wire), parked);
}

static void evidence(struct guard_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint64_t ticket = rd_u64(&rd);
    struct parked *parked = NULL;
    bool soon = false;
    for (size_t i = 0; i < PARKED_MAX; i++)
        if (role->parked[i].used && role->parked[i].ticket == ticket)
            parked = &role->parked[i];
    while (rd.err == ERR_OK && rd.left > 0) {
        struct message_evidence found = message_evidence_next(&rd);
        if (rd.err != ERR_OK)
            break;
        soon = soon || found.held == MESSAGE_HELD_SOON;
        if (found.held != MESSAGE_HELD_SOON)
            guard_evidence(role->guard, found.partner, found.id, (enum guard_held)found.held, found.leaves);
    }
    struct guard_case *c = parked == NULL ? NULL : case_of(role, parked);
    if (c == NULL)
        return;
    if (soon) { /* as if it had not been asked */
        c->asked_count = 0;
        parked->again_ms = loop_now_ms(role->loop) + SOON_MS;
        set_timer(role);
        return;
    }
    settle_parked(role, parked);
}

/* No proof came in time. */
static void give_up(struct guard_role *role, struct parked *parked)
{
    struct waiting *waiting = parked->call ? NULL : waiting_of(role, parked->id);
    if (parked->call)
        call_over(role, parked->feed, parked->id, ERR_TIMEOUT, "the guard waits for proof");
    if (waiting != NULL) {
        waiting->used = false;
        answer_later(role, parked->id);
    }
    unpark(role, parked);
}

static void timer_fired(void *ctx)
{
    struct guard_role *role = ctx;
    uint64_t now = loop_now_ms(role->loop);
    for (size_t i = 0; i < PARKED_MAX; i++) {
        struct parked *parked = &role->parked[i];
        if (!parked->used)
            continue;
        if (parked->until_ms <= now)
            give_up(role, parked);
        else if (parked->again_ms <= now)
            settle_parked(role, parked);
    }
    set_timer(role);
}

/* --- links --- */

/* A call of ours to a partner: synchronisation alone, and no identifier in it. */
static void call(struct guard_role *role, struct bytes body)
{
    struct message_call wanted;
    struct message_answer refused = {.err = ERR_DENIED};
    if (message_call_read(body, &wanted) != ERR_OK)
        return;
    if (guard_plain(role->guard, wanted.target) && guard_plain(role->guard, str_from_bytes(wanted.body))) {
        to_edge(role, MESSAGE_CALL, body);
        return;
    }
    struct guard_finding finding = {
        .rule = GUARD_RULE_STRAY, .partner = (int)wanted.partner, .object = hash_sha256(wanted.body)};
    alarm(role, "a call", "look at what this node says to its partners", &finding);
    refused.id = wanted.id;
    buf_clear(&role->wire);
    message_answer_write(&role->wire, &refused);
    to_core(role, MESSAGE_ANSWER, buf_bytes(&role->wire));
}

static void rules(struct guard_role *role, struct bytes body)
{
    struct fault fault = {.code = ERR_OK};
    if (guard_rules(role->guard, str_from_bytes(body), &fault) != ERR_OK)
        diag_say(role->diag, DIAG_ERROR, fault.code, "guard", "restart the node; nothing leaves until then",
                 "what core says of partners cannot be read: %s", fault.what);
}

static void from_core(void *ctx, unsigned kind, struct bytes body)
{
    struct guard_role *role = ctx;
    switch (kind) {
    case MESSAGE_RESPONSE:
        settle(role, body, NULL);
        break;
    case MESSAGE_CALL:
        call(role, body);
        break;
    case MESSAGE_FEED_OPEN:
        open_feed(role, body);
        break;
    case MESSAGE_FEED_CALL:
        settle_call(role, body, NULL);
        break;
    case MESSAGE_FEED_CANCEL:
    case MESSAGE_FEED_CLOSE:
        end_call(role, kind, body);
        break;
    case MESSAGE_GUARD_RULES:
        rules(role, body);
        break;
    case MESSAGE_GUARD_EVIDENCE:
        evidence(role, body);
        break;
    default:
        to_edge(role, kind, body);
        break;
    }
}

static void request(struct guard_role *role, struct bytes body)
{
    struct exchange_request wanted;
    if (exchange_request_read(body, &wanted) != ERR_OK)
        return;
    struct waiting *waiting = &role->waiting[wanted.id % LIMIT_EDGE_REQUESTS];
    struct guard_request said = {.reads = wanted.method == EXCHANGE_GET || wanted.method == EXCHANGE_HEAD,
                                 .has_key = wanted.has_peer_key,
                                 .key = wanted.peer_key,
                                 .path = wanted.path,
                                 .query = wanted.query,
                                 .authorization = wanted.authorization};
    waiting->used = true;
    waiting->id = wanted.id;
    guard_case_open(&waiting->c, &said);
    if (link_send(role->core, MESSAGE_REQUEST, body) == ERR_OK)
        return;
    waiting->used = false;
    answer_later(role, wanted.id);
}

static void gone(struct guard_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    struct waiting *waiting = waiting_of(role, rd_u64(&rd));
    if (waiting != NULL)
        waiting->used = false;
    to_core(role, MESSAGE_GONE, body);
}

static void from_edge(void *ctx, unsigned kind, struct bytes body)
{
    struct guard_role *role = ctx;
    if (kind == MESSAGE_FEED_HEAD)
        guard_feeds_head(role->feeds, body);
    if (kind == MESSAGE_REQUEST)
        request(role, body);
    else if (kind == MESSAGE_GONE)
        gone(role, body);
    else if (kind < MESSAGE_GUARD_RULES) /* what guard says to core nobody else says */
        to_core(role, kind, body);
}

static void forget(struct guard_role *role)
{
    for (size_t i = 0; i < PARKED_MAX; i++)
        if (role->parked[i].used)
            unpark(role, &role->parked[i]);
    for (size_t i = 0; i < LIMIT_EDGE_REQUESTS; i++)
        role->waiting[i].used = false;
    guard_feeds_clear(role->feeds);
}

/* Whoever is new knows nothing of what the other end waits for: to that end it is as if we were new. */
static void core_fresh(void *ctx)
{
    struct guard_role *role = ctx;
    forget(role);
    link_renew(role->edge);
}

static void edge_fresh(void *ctx)
{
    struct guard_role *role = ctx;
    forget(role);
    link_renew(role->core);
}

static void link_broken(void *ctx)
{
    struct guard_role *role = ctx;
    diag_say(role->diag, DIAG_ERROR, ERR_CORRUPT, "guard", "the node restarts this role",
             "another role wrote nonsense into shared memory");
    role->broken(role->broken_ctx);
}

/* --- life --- */

static err_t open_guard(struct guard_role *role)
{
    struct hash_sip_key key;
    err_t err = role->os->random(role->os->ctx, key.b, sizeof key.b);
    return err != ERR_OK ? err : guard_new(&key, &role->guard);
}

err_t guard_role_open(struct loop *loop, const struct os *os, const struct diag *diag,
                      const struct os_channel_fds *core, const struct os_channel_fds *edge,
                      void (*broken)(void *ctx), void *ctx, struct guard_role **out)
{
    struct guard_role *role = mem_alloc(sizeof *role);
    err_t err;
    if (role == NULL)
        return ERR_NOMEM;
    role->loop = loop;
    role->os = os;
    role->diag = diag;
    role->broken = broken;
    role->broken_ctx = ctx;
    role->timer = (struct loop_timer) {.fire = timer_fired, .ctx = role};
    role->count_timer = (struct loop_timer) {.fire = tell_count, .ctx = role};
    role->pause_timer = (struct loop_timer) {.fire = resume_core, .ctx = role};
    buf_init(&role->wire, LIMIT_LINK_SMALL_BYTES);
    buf_init(&role->headers, LIMIT_HTTP_HEAD_BYTES);
    buf_init(&role->asks, LIMIT_LINK_SMALL_BYTES);
    struct link_handler of_core = {from_core, core_fresh, NULL, link_broken, NULL, role};
    struct link_handler of_edge = {from_edge, edge_fresh, NULL, link_broken, NULL, role};
    if (TRY(err, open_guard(role)) || TRY(err, guard_feeds_new(&role->feeds)) ||
        TRY(err, link_open(loop, os, core, 1, &of_core, &role->core)) ||
        TRY(err, link_open(loop, os, edge, 0, &of_edge, &role->edge))) {
        guard_role_close(role);
        return err;
    }
    *out = role;
    return ERR_OK;
}

void guard_role_close(struct guard_role *role)
{
    if (role == NULL)
        return;
    if (role->feeds != NULL)
        forget(role);
    loop_timer_stop(role->loop, &role->timer);
    loop_timer_stop(role->loop, &role->count_timer);
    loop_timer_stop(role->loop, &role->pause_timer);
    link_close(role->core);
    link_close(role->edge);
    guard_free(role->guard);
    guard_feeds_free(role->feeds);
    buf_deinit(&role->wire);
    buf_deinit(&role->headers);
    buf_deinit(&role->asks);
    mem_free(role);
}
