#include "app/edge_feed.h"

#include <stdio.h>

#include "app/feed_secret.h"
#include "app/file.h"
#include "app/message.h"
#include "app/message_feed.h"
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "net/client.h"

enum { AUTHORITIES_BYTES_MAX = 2 << 20, HEADER_BYTES_MAX = LIMIT_FEED_SECRET_BYTES };

/* Where Debian keeps the authorities that it trusts. */
static const char system_authorities[] = "/etc/ssl/certs/ca-certificates.crt";

struct feed_client {
    struct edge_feeds *feeds;
    uint32_t number;
    struct client *client; /* NULL: closed */
    struct tls *tls;
    struct tls_identity *identity;
    struct buf authorities; /* PEM that the connections of `tls` read */
    struct buf header;      /* value of Authorization; wiped */
    uint8_t pin[32];
    struct client_call *call;
    uint64_t id;
    bool headed;
};

struct edge_feeds {
    struct edge_feeds_setup setup;
    struct buf wire;
    struct feed_client clients[MESSAGE_FEEDS_MAX];
};

err_t edge_feeds_new(const struct edge_feeds_setup *setup, struct edge_feeds **out)
{
    struct edge_feeds *feeds = mem_alloc(sizeof *feeds);
    if (feeds == NULL)
        return ERR_NOMEM;
    feeds->setup = *setup;
    buf_init(&feeds->wire, LIMIT_FEED_PART_BYTES + LIMIT_FEED_HEAD_BYTES);
    for (uint32_t i = 0; i < MESSAGE_FEEDS_MAX; i++)
        feeds->clients[i] = (struct feed_client) {.feeds = feeds, .number = i};
    *out = feeds;
    return ERR_OK;
}

static void wipe(struct buf *buf)
{
    if (buf->at != NULL)
        mem_wipe(buf->at, buf->size);
    buf_deinit(buf);
}

static void close_one(struct feed_client *one)
{
    client_close(one->client);
    tls_close(one->tls);
    tls_identity_free(one->identity);
    buf_deinit(&one->authorities);
    wipe(&one->header);
    *one = (struct feed_client) {.feeds = one->feeds, .number = one->number};
}

void edge_feeds_clear(struct edge_feeds *feeds)
{
    for (uint32_t i = 0; i < MESSAGE_FEEDS_MAX; i++)
        close_one(&feeds->clients[i]);
}

void edge_feeds_free(struct edge_feeds *feeds)
{
    if (feeds == NULL)
        return;
    edge_feeds_clear(feeds);
    buf_deinit(&feeds->wire);
    mem_free(feeds);
}

/* --- opening --- */

static bool know_pinned(void *ctx, const struct tls_peer *peer, uint64_t *out_id)
{
    const struct feed_client *one = ctx;
    *out_id = 0;
    return memcmp(peer->spki.b, one->pin, sizeof one->pin) == 0;
}

static err_t make_header(struct feed_client *one, const struct feed_secret *secret)
{
    struct buf plain;
    buf_init(&one->header, HEADER_BYTES_MAX);
    if (secret->token.len > 0) {
        buf_put_str(&one->header, STR("Bearer "));
        buf_put_str(&one->header, secret->token);
        return buf_err(&one->header);
    }
    if (secret->user.len == 0)
        return ERR_OK;
    buf_init(&plain, LIMIT_FEED_SECRET_BYTES);
    buf_put_str(&plain, secret->user);
    buf_putc(&plain, ':');
    buf_put_str(&plain, secret->password);
    buf_put_str(&one->header, STR("Basic "));
    char *to = (char *)buf_extend(&one->header, str_base64_size(plain.len));
    if (to != NULL && buf_err(&plain) == ERR_OK)
        (void)str_base64(plain.at, plain.len, to);
    err_t err = buf_err(&plain) == ERR_OK ? buf_err(&one->header) : buf_err(&plain);
    wipe(&plain);
    return err;
}

static err_t open_tls(struct feed_client *one, const struct feed_secret *secret)
{
    err_t err = ERR_OK;
    buf_init(&one->authorities, AUTHORITIES_BYTES_MAX);
    if (secret->certificate.len > 0)
        err = tls_identity_read(bytes_from_str(secret->certificate), bytes_from_str(secret->key),
                                &one->identity);
    struct tls_conf conf = {
        .client = true, .allow_tls12 = true, .trust = TLS_TRUST_CA, .identity = one->identity};
    if (secret->pin.len > 0) {
        conf.trust = TLS_TRUST_PINNED;
        conf.know = know_pinned;
        conf.ctx = one;
        if (!str_unhex(secret->pin, one->pin, sizeof one->pin))
            err = ERR_CORRUPT;
    } else if (err == ERR_OK && secret->authorities.len > 0) {
        buf_put_str(&one->authorities, secret->authorities);
        err = buf_err(&one->authorities);
    } else if (err == ERR_OK) {
        err = file_read_all(one->feeds->setup.os, system_authorities, &one->authorities);
    }
    conf.ca_pem = buf_bytes(&one->authorities);
    return err == ERR_OK ? tls_open(&conf, &one->tls) : err;
}

static err_t open_one(struct feed_client *one, const struct message_feed_open *message)
{
    const struct edge_feeds_setup *setup = &one->feeds->setup;
    char origin[LIMIT_HOST_BYTES + 40];
    struct feed_secret secret = {0};
    struct buf text;
    err_t err = ERR_OK;
    buf_init(&text, 0);
    if (message->secrets)
        err = feed_secret_read(setup->os, setup->conf->dir, message->name, &text, &secret);
    (void)snprintf(origin, sizeof origin, "%.*s", STR_ARG(message->origin));
    if (err == ERR_OK)
        err = make_header(one, &secret);
    if (err == ERR_OK && str_starts(message->origin, STR("https://")))
        err = open_tls(one, &secret);
    struct client_conf conf = {.origin = origin, .tls = one->tls, .public_only = !message->private};
    if (err == ERR_OK)
        err = client_open(setup->loop, &conf, &one->client);
    wipe(&text);
    return err;
}

static void take_open(struct edge_feeds *feeds, struct bytes body)
{
    struct message_feed_open message;
    if (message_feed_open_read(body, &message) != ERR_OK)
        return;
    struct feed_client *one = &feeds->clients[message.feed];
    close_one(one);
    err_t err = open_one(one, &message);
    if (err == ERR_OK)
        return;
    close_one(one);
    diag_say(feeds->setup.diag, DIAG_ERROR, err, "edge", "bongsu feed add with the same name again",
             "what feed %.*s is to be called with cannot be used: %s", STR_ARG(message.name), err_text(err));
}

/* --- calls --- */

static err_t say(struct feed_client *one, unsigned kind)
{
    struct edge_feeds *feeds = one->feeds;
    err_t err = buf_err(&feeds->wire);
    return err == ERR_OK ? link_send(feeds->setup.core, kind, buf_bytes(&feeds->wire)) : err;
}

static void say_over(struct feed_client *one, uint64_t id, err_t err, struct str what)
{
    if (what.len > FAULT_WHAT_MAX - 1)
        what.len = FAULT_WHAT_MAX - 1;
    struct message_feed_over message = {one->number, id, err, what};
    buf_clear(&one->feeds->wire);
    message_feed_over_write(&one->feeds->wire, &message);
    /* Unheard, core gives up by its own clock. */
    (void)!say(one, MESSAGE_FEED_OVER);
}

/* What a kind of feed may want to know of an answer. */
static err_t say_head(struct feed_client *one, struct client_call *call)
{
    static const char *const names[FEED_FIELDS_MAX] = {"etag",
                                                       "last-modified",
                                                       "retry-after",
                                                       "x-taxii-date-added-first",
                                                       "x-taxii-date-added-last",
                                                       "content-range",
                                                       "date",
                                                       "location"};
    struct message_feed_head message = {
        .feed = one->number, .id = one->id, .status = (uint16_t)client_status(call)};
    for (size_t i = 0; i < FEED_FIELDS_MAX; i++) {
        struct str value = client_field(call, names[i]);
        if (value.len > 0 && value.len < LIMIT_FEED_HEAD_BYTES / FEED_FIELDS_MAX)
            message.fields[message.field_count++] = (struct feed_field) {str_of(names[i]), value};
    }
    one->headed = true;
    buf_clear(&one->feeds->wire);
    message_feed_head_write(&one->feeds->wire, &message);
    return say(one, MESSAGE_FEED_HEAD);
}

static bool take_part(void *ctx, struct client_call *call, struct bytes part)
{
    struct feed_client *one = ctx;
    struct buf *wire = &one->feeds->wire;
    if (!one->headed && say_head(one, call) != ERR_OK)
        return false;
    while (part.len > 0) {
        size_t len = part.len < LIMIT_FEED_PART_BYTES ? part.len : LIMIT_FEED_PART_BYTES;
        buf_clear(wire);
        wr_u32(wire, one->number);
        wr_u64(wire, one->id);
        buf_put(wire, part.at, len);
        if (say(one, MESSAGE_FEED_PART) != ERR_OK)
            return false;
        part = bytes_of(part.at + len, part.len - len);
    }
    return true;
}

static void call_done(void *ctx, struct client_call *call, struct client_answer *got)
{
    struct feed_client *one = ctx;
    err_t err = got->err;
    if (err == ERR_OK && !one->headed)
        err = say_head(one, call);
    one->call = NULL;
    say_over(one, one->id, err, str_of(got->what));
}

static err_t start(struct feed_client *one, const struct message_feed_call *wanted)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "GET"};
    char target[LIMIT_HTTP_TARGET_BYTES + 1];
    size_t count = 0;
    if (one->client == NULL)
        return ERR_NOTFOUND;
    if (one->call != NULL)
        client_cancel(one->call);
    one->call = NULL;
    one->id = wanted->id;
    one->headed = false;
    if (wanted->target.len == 0)
        return ERR_USAGE;
    memcpy(target, wanted->target.at, wanted->target.len);
    target[wanted->target.len] = '\0';
    struct client_request request = {.method = methods[wanted->method],
                                     .target = target,
                                     .body = wanted->body,
                                     .answer_max = (size_t)wanted->answer_max,
                                     .timeout_ms = wanted->timeout_ms,
                                     .unpack = wanted->answer_max > 0,
                                     .part = take_part,
                                     .done = call_done,
                                     .ctx = one};
    for (; count < wanted->field_count; count++)
        request.fields[count] =
            (struct http1_field) {wanted->fields[count].name, wanted->fields[count].value};
    if (one->header.len > 0)
        request.fields[count++] = (struct http1_field) {STR("authorization"), buf_str(&one->header)};
    request.fields[count] = (struct http1_field) {STR("user-agent"), STR("bongsu")};
    return client_call(one->client, &request, &one->call);
}

static void take_call(struct edge_feeds *feeds, struct bytes body)
{
    struct message_feed_call wanted;
    if (message_feed_call_read(body, &wanted) != ERR_OK)
        return;
    struct feed_client *one = &feeds->clients[wanted.feed];
    err_t err = start(one, &wanted);
    if (err != ERR_OK)
        say_over(one, wanted.id, err, STR(""));
}

static void take_cancel(struct edge_feeds *feeds, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint32_t number = rd_u32(&rd);
    uint64_t id = rd_u64(&rd);
    if (rd_end(&rd) != ERR_OK || number >= MESSAGE_FEEDS_MAX)
        return;
    struct feed_client *one = &feeds->clients[number];
    if (one->call != NULL && one->id == id) {
        client_cancel(one->call);
        one->call = NULL;
    }
}

bool edge_feeds_message(struct edge_feeds *feeds, unsigned kind, struct bytes body)
{
    struct rd rd = rd_of(body);
    switch (kind) {
    case MESSAGE_FEED_OPEN:
        take_open(feeds, body);
        return true;
    case MESSAGE_FEED_CALL:
        take_call(feeds, body);
        return true;
    case MESSAGE_FEED_CANCEL:
        take_cancel(feeds, body);
        return true;
    case MESSAGE_FEED_CLOSE: {
        uint32_t number = rd_u32(&rd);
        if (rd_end(&rd) == ERR_OK && number < MESSAGE_FEEDS_MAX)
            close_one(&feeds->clients[number]);
        return true;
    }
    default:
        return false;
    }
}
