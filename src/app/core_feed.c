/* Feeds: when they are due, the calls that they make through edge, what their answers bring. */
#include "app/core_state.h"
#include "app/message_feed.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/query.h"

/* --- which there are --- */

struct refreshing {
    struct core_role *role;
    bool kept[LIMIT_FEEDS];
};

static struct feeding *feeding_of(struct core_role *role, struct str name)
{
    for (size_t i = 0; i < LIMIT_FEEDS; i++)
        if (role->feeds[i].feed != NULL && str_eq(feed_conf_of(role->feeds[i].feed)->name, name))
            return &role->feeds[i];
    return NULL;
}

struct feed *core_feed_find(const struct core_role *role, struct str name)
{
    for (size_t i = 0; i < LIMIT_FEEDS; i++)
        if (role->feeds[i].feed != NULL && str_eq(feed_conf_of(role->feeds[i].feed)->name, name))
            return role->feeds[i].feed;
    return NULL;
}

err_t core_feed_run(struct core_role *role, struct str name)
{
    struct feeding *feeding = feeding_of(role, name);
    if (role->edge == NULL)
        return ERR_CLOSED;
    if (feeding == NULL)
        return ERR_NOTFOUND;
    feeding->until_us = 0;
    core_wake(role);
    return feed_run(feeding->feed, core_now(role));
}

static void say_close(struct core_role *role, const struct feeding *feeding)
{
    buf_clear(&role->wire);
    wr_u32(&role->wire, (uint32_t)(feeding - role->feeds));
    /* Unheard: the next opening closes it first. */
    if (role->edge != NULL && buf_err(&role->wire) == ERR_OK)
        (void)!link_send(role->edge, MESSAGE_FEED_CLOSE, buf_bytes(&role->wire));
}

static void end_feed(struct core_role *role, struct feeding *feeding)
{
    if (feeding->open)
        say_close(role, feeding);
    feed_free(feeding->feed);
    *feeding = (struct feeding) {.until_us = INT64_MAX};
}

static bool same_conf(const struct feed_conf *a, const struct feed_conf *b)
{
    bool same = a->kind == b->kind && str_eq(a->url, b->url) && str_eq(a->source, b->source) &&
                a->every_s == b->every_s && a->paused == b->paused && a->private == b->private &&
                a->secrets == b->secrets && a->option_count == b->option_count;
    for (size_t i = 0; same && i < a->option_count; i++)
        same = str_eq(a->options[i].name, b->options[i].name) &&
               str_eq(a->options[i].value, b->options[i].value);
    return same;
}

static void view_read(void *ctx, unsigned partner)
{
    struct core_role *role = ctx;
    role->polled |= UINT64_C(1) << partner;
}

static void begin_feed(struct core_role *role, struct str name, const struct feed_conf *conf)
{
    struct feed_setup setup = {
        .gate = role->gate, .conf = conf, .diag = role->diag, .view_read = view_read, .ctx = role};
    for (size_t i = 0; i < LIMIT_FEEDS; i++) {
        if (role->feeds[i].feed != NULL)
            continue;
        err_t err = feed_new(&setup, core_now(role), &role->feeds[i].feed);
        if (err != ERR_OK) {
            role->feeds[i].feed = NULL;
            diag_say(role->diag, DIAG_ERROR, err, "core", "bongsu feed add with the same name again",
                     "feed %.*s could not begin: %s", STR_ARG(name), err_text(err));
        }
        role->feeds[i].until_us = 0;
        return;
    }
}

static void look_at(void *ctx, struct str name)
{
    struct refreshing *refreshing = ctx;
    struct core_role *role = refreshing->role;
    struct arena arena;
    struct feed_conf conf;
    arena_init(&arena, 256 << 10);
    struct feeding *held = feeding_of(role, name);
    err_t err = feed_conf_get(role->gate, name, &arena, &conf);
    if (err == ERR_OK && held != NULL && !same_conf(feed_conf_of(held->feed), &conf)) {
        end_feed(role, held);
        held = NULL;
    }
    if (err == ERR_OK && held == NULL) {
        begin_feed(role, name, &conf);
        held = feeding_of(role, name);
    }
    if (err != ERR_OK)
        diag_say(role->diag, DIAG_ERROR, err, "core", "bongsu feed add with the same name again",
                 "the declaration of feed %.*s cannot be read: %s", STR_ARG(name), err_text(err));
    else if (held != NULL)
        refreshing->kept[held - role->feeds] = true;
    arena_deinit(&arena);
}

static void refresh(struct core_role *role)
{
    struct refreshing refreshing = {.role = role};
    feed_conf_each(role->gate, look_at, &refreshing);
    for (size_t i = 0; i < LIMIT_FEEDS; i++)
        if (role->feeds[i].feed != NULL && !refreshing.kept[i])
            end_feed(role, &role->feeds[i]);
}

/* --- calls --- */

/* The partner whose view it pushes; -1: it reads. */
static int gives_to(const struct core_role *role, const struct feeding *feeding)
{
    const struct feed_conf *conf = feed_conf_of(feeding->feed);
    return feed_kind_pushes(conf->kind) ? feed_partner_of(role->gate, conf) : -1;
}

static err_t send_open(struct core_role *role, struct feeding *feeding)
{
    const struct feed_conf *conf = feed_conf_of(feeding->feed);
    struct feed_url url;
    struct stix_key key;
    struct buf self;
    err_t err = feed_url_read(conf->url, &url);
    if (err != ERR_OK)
        return err;
    int partner = gives_to(role, feeding);
    buf_init(&self, LIMIT_ID_BYTES);
    feeding->self = partner >= 0 && gate_self(role->gate, &key);
    if (feeding->self)
        stix_key_print(&key, &self);
    struct message_feed_open message = {.feed = (uint32_t)(feeding - role->feeds),
                                        .name = conf->name,
                                        .origin = url.origin,
                                        .private = conf->private,
                                        .secrets = conf->secrets,
                                        .partner = partner,
                                        .target = url.target,
                                        .self = buf_str(&self)};
    buf_clear(&role->wire);
    message_feed_open_write(&role->wire, &message);
    err = buf_err(&self) != ERR_OK ? buf_err(&self) : buf_err(&role->wire);
    buf_deinit(&self);
    if (err == ERR_OK)
        err = link_send(role->edge, MESSAGE_FEED_OPEN, buf_bytes(&role->wire));
    feeding->open = err == ERR_OK;
    return err;
}

/* A node may get its identity after the opening. */
static bool is_open(const struct core_role *role, const struct feeding *feeding)
{
    struct stix_key key;
    return feeding->open && (feeding->self || gives_to(role, feeding) < 0 || !gate_self(role->gate, &key));
}

static void send_call(struct core_role *role, struct feeding *feeding, const struct feed_action *action)
{
    struct message_feed_call message = {.feed = (uint32_t)(feeding - role->feeds),
                                        .id = action->id,
                                        .method = (uint8_t)action->method,
                                        .target = action->target,
                                        .field_count = (uint8_t)action->field_count,
                                        .answer_max = action->answer_max,
                                        .timeout_ms = (uint32_t)(action->timeout_us / 1000),
                                        .body = action->body};
    memcpy(message.fields, action->fields, sizeof message.fields);
    err_t err = is_open(role, feeding) ? ERR_OK : send_open(role, feeding);
    buf_clear(&role->wire);
    message_feed_call_write(&role->wire, &message);
    if (err == ERR_OK)
        err = buf_err(&role->wire);
    if (err == ERR_OK)
        err = link_send(role->edge, MESSAGE_FEED_CALL, buf_bytes(&role->wire));
    feeding->calling = err == ERR_OK;
    feeding->id = action->id;
    if (err != ERR_OK)
        feed_over(feeding->feed, action->id, err, NULL, core_now(role));
}

static void send_cancel(struct core_role *role, struct feeding *feeding, uint64_t id)
{
    feeding->calling = false;
    buf_clear(&role->wire);
    wr_u32(&role->wire, (uint32_t)(feeding - role->feeds));
    wr_u64(&role->wire, id);
    if (buf_err(&role->wire) == ERR_OK)
        (void)!link_send(role->edge, MESSAGE_FEED_CANCEL, buf_bytes(&role->wire));
}

/* A step of each, so that none holds the others up. */
static void run_one(struct core_role *role, struct feeding *feeding)
{
    struct feed_action action;
    struct feed_status status;
    feed_next(feeding->feed, core_now(role), &action);
    feeding->until_us = action.act == FEED_NOTHING ? action.until_us : 0;
    if (action.act == FEED_CALL)
        send_call(role, feeding, &action);
    else if (action.act == FEED_CANCEL)
        send_cancel(role, feeding, action.id);
    feed_status(feeding->feed, &status);
    if (feeding->open && status.state != FEED_RUNNING && action.act == FEED_NOTHING) {
        say_close(role, feeding);
        feeding->open = false;
    }
}

void core_feeds_turn(struct core_role *role)
{
    if (role->edge == NULL || !role->edge_up)
        return;
    if (role->feeds_stale) {
        role->feeds_stale = false;
        refresh(role);
    }
    int64_t now_us = core_now(role);
    for (size_t i = 0; i < LIMIT_FEEDS; i++)
        if (role->feeds[i].feed != NULL && role->feeds[i].until_us <= now_us)
            run_one(role, &role->feeds[i]);
}

void core_feeds_wake(struct core_role *role)
{
    for (size_t i = 0; i < LIMIT_FEEDS; i++)
        role->feeds[i].until_us = 0;
}

void core_feeds_resume(struct core_role *role, uint64_t partners)
{
    for (size_t i = 0; partners != 0 && i < LIMIT_FEEDS; i++) {
        struct feeding *feeding = &role->feeds[i];
        int partner = feeding->feed == NULL ? -1 : gives_to(role, feeding);
        if (partner < 0 || (partners >> partner & 1) == 0)
            continue;
        feeding->until_us = 0;
        (void)!feed_run(feeding->feed, core_now(role)); /* one that runs is at it */
    }
}

int64_t core_feeds_until(const struct core_role *role)
{
    int64_t until_us = INT64_MAX;
    for (size_t i = 0; role->edge_up && i < LIMIT_FEEDS; i++)
        if (role->feeds[i].feed != NULL && role->feeds[i].until_us < until_us)
            until_us = role->feeds[i].until_us;
    return until_us;
}

/* --- answers --- */

static struct feeding *awaiting(struct core_role *role, uint32_t number, uint64_t id)
{
    if (number >= LIMIT_FEEDS)
        return NULL;
    struct feeding *feeding = &role->feeds[number];
    if (feeding->feed == NULL || !feeding->calling || feeding->id != id)
        return NULL;
    feeding->until_us = 0;
    return feeding;
}

static void take_head(struct core_role *role, struct bytes body)
{
    struct message_feed_head head;
    if (message_feed_head_read(body, &head) != ERR_OK)
        return;
    struct feeding *feeding = awaiting(role, head.feed, head.id);
    if (feeding != NULL)
        feed_head(feeding->feed, head.id, head.status, head.fields, head.field_count, core_now(role));
}

static void take_part(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint32_t number = rd_u32(&rd);
    uint64_t id = rd_u64(&rd);
    struct feeding *feeding = rd.err == ERR_OK ? awaiting(role, number, id) : NULL;
    if (feeding != NULL)
        feed_part(feeding->feed, id, bytes_of(rd.at, rd.left), core_now(role));
}

static void take_over(struct core_role *role, struct bytes body)
{
    struct message_feed_over over;
    char what[FAULT_WHAT_MAX];
    if (message_feed_over_read(body, &over) != ERR_OK || over.what.len >= sizeof what)
        return;
    struct feeding *feeding = awaiting(role, over.feed, over.id);
    if (feeding == NULL)
        return;
    if (over.what.len > 0)
        memcpy(what, over.what.at, over.what.len);
    what[over.what.len] = '\0';
    feeding->calling = false;
    feed_over(feeding->feed, over.id, over.err, str_is_utf8(over.what) ? what : NULL, core_now(role));
}

bool core_feeds_message(struct core_role *role, unsigned kind, struct bytes body)
{
    if (core_log_message(role, kind, body))
        return true;
    switch (kind) {
    case MESSAGE_FEED_HEAD:
        take_head(role, body);
        return true;
    case MESSAGE_FEED_PART:
        take_part(role, body);
        return true;
    case MESSAGE_FEED_OVER:
        take_over(role, body);
        return true;
    default:
        return false;
    }
}

/* The new edge makes none of the old one's calls. */
void core_feeds_fresh(struct core_role *role)
{
    for (size_t i = 0; i < LIMIT_FEEDS; i++) {
        struct feeding *feeding = &role->feeds[i];
        feeding->open = false;
        if (feeding->feed == NULL || !feeding->calling)
            continue;
        feeding->calling = false;
        feeding->until_us = 0;
        feed_over(feeding->feed, feeding->id, ERR_CLOSED, NULL, core_now(role));
    }
}

void core_feeds_close(struct core_role *role)
{
    for (size_t i = 0; i < LIMIT_FEEDS; i++)
        feed_free(role->feeds[i].feed);
}
