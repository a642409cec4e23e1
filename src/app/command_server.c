/* A partner without a node who is reached by a TAXII server of his: what he says is read from there, and what
 * he may have is pushed there, under his one name (docs/decisions/0138-two-way-taxii.md). */
#include "app/command_feed.h"

#include <stdio.h>

#include "gate/quality.h"

enum { WAY_IN, WAY_OUT, WAYS };

static const struct way {
    const char *option;       /* that names the collection */
    const char *kind, *tail;  /* of the feed's name */
    const char *const *takes; /* further options */
} ways[WAYS] = {
    [WAY_IN] = {"in", "taxii21", ".in", (const char *const[]) {"limit", "from", NULL}},
    [WAY_OUT] = {"out", "taxii21-push", ".out", (const char *const[]) {"limit", NULL}},
};

static void add_option(struct feed_conf *conf, const char *name, struct str value)
{
    if (value.len > 0)
        conf->options[conf->option_count++] = (struct feed_setting) {str_of(name), value};
}

static err_t read_way(struct command_call *call, const struct way *way, struct str audience,
                      struct command_server *out)
{
    struct feed_conf *conf = &out->feeds[out->count];
    char *name = out->names[out->count];
    err_t err;
    (void)snprintf(name, sizeof out->names[0], "%.*s%s", STR_ARG(audience), way->tail);
    *conf = (struct feed_conf) {.name = str_of(name),
                                .kind = feed_kind_find(str_of(way->kind)),
                                .url = command_text_or_empty(call, "server")};
    if (feed_kind_pushes(conf->kind))
        add_option(conf, "audience", audience);
    else
        conf->source = str_of(out->source);
    add_option(conf, "collection", command_text_or_empty(call, way->option));
    for (const char *const *option = way->takes; *option != NULL; option++)
        add_option(conf, *option, command_text_or_empty(call, *option));
    if (feed_kind_pushes(conf->kind) && command_flag(call, "delete"))
        add_option(conf, "delete", STR("yes"));
    if (TRY(err, command_feed_common(call, conf)) || TRY(err, command_feed_check(call, conf, &out->secret)))
        return err;
    out->count++;
    return ERR_OK;
}

err_t command_server_read(struct command_call *call, struct str audience, struct command_server *out)
{
    *out = (struct command_server) {.secret = command_feed_secret(call)};
    bool server = command_text_or_empty(call, "server").len > 0, any = false;
    for (size_t i = 0; i < WAYS; i++)
        any |= command_text_or_empty(call, ways[i].option).len > 0;
    if (server != any)
        return command_refuse(call, ERR_USAGE, "--server URL --in COLLECTION --out COLLECTION",
                              "an API root and at least one collection below it belong together");
    if (audience.len > LIMIT_NAME_BYTES)
        return command_refuse(call, ERR_USAGE, "a shorter name", "the name is too long");
    (void)snprintf(out->source, sizeof out->source, "peer.%.*s", STR_ARG(audience));
    for (size_t i = 0; i < WAYS; i++) {
        err_t err = command_text_or_empty(call, ways[i].option).len == 0
                        ? ERR_OK
                        : read_way(call, &ways[i], audience, out);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

err_t command_server_put(struct command_call *call, const struct command_server *server)
{
    for (size_t i = 0; i < server->count; i++) {
        err_t err = command_feed_put(call, &server->feeds[i], &server->secret);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* --- those that are there --- */

struct looking {
    struct command_call *call;
    unsigned partner;
    bool said[WAYS];
    err_t err;
};

static bool is_his(struct looking *looking, struct str name, struct feed_conf *out)
{
    struct gate *gate = looking->call->host->gate;
    return feed_conf_get(gate, name, looking->call->arena, out) == ERR_OK &&
           feed_partner_of(gate, out) == (int)looking->partner;
}

static void forget(void *ctx, struct str name)
{
    struct looking *looking = ctx;
    struct feed_conf conf;
    if (looking->err == ERR_OK && is_his(looking, name, &conf))
        looking->err = command_feed_forget(looking->call, conf.name);
}

err_t command_server_remove(struct command_call *call, unsigned partner)
{
    struct looking looking = {.call = call, .partner = partner};
    feed_conf_each(call->host->gate, forget, &looking);
    if (looking.err != ERR_OK)
        return command_refuse(call, looking.err, "bongsu feed remove",
                              "how his server is asked was not forgotten: %s", err_text(looking.err));
    return ERR_OK;
}

static const char *member(const struct way *way, const char *what, char out[32])
{
    (void)snprintf(out, 32, "%s%s", way->option, what);
    return out;
}

static void say_way(struct looking *looking, const struct way *way, const struct feed_conf *conf)
{
    struct buf *out = looking->call->out;
    struct feed_status status;
    char name[32];
    bool live = looking->call->host->feed_status(looking->call->host->ctx, conf->name, &status);
    if (!live && feed_status_read(looking->call->host->gate, conf, &status) != ERR_OK)
        return;
    line_text(out, member(way, "", name), conf->name);
    line_word(out, member(way, "_state", name),
              conf->paused ? "paused"
              : live       ? feed_state_word(status.state)
                           : "stopped");
    line_time(out, member(way, "_last", name), status.last_us);
    line_word(out, member(way, "_cursor", name), status.cursor);
    if (feed_kind_pushes(conf->kind)) {
        line_count(out, "out_pushed", status.counts.pushed);
        line_count(out, "out_failed", status.counts.failed);
        line_count(out, "out_unconfirmed", status.counts.unconfirmed);
        line_count(out, "out_taken_back", status.counts.taken_back);
    } else {
        line_count(out, "in_new", status.counts.fresh);
        line_count(out, "in_refused", status.counts.refused);
    }
    if (status.what[0] != '\0')
        line_word(out, member(way, "_trouble", name), status.what);
}

static void say_one(void *ctx, struct str name)
{
    struct looking *looking = ctx;
    struct feed_conf conf;
    if (!is_his(looking, name, &conf))
        return;
    size_t i = feed_kind_pushes(conf.kind) ? WAY_OUT : WAY_IN;
    if (!looking->said[i]) /* of several, `feed list` tells */
        say_way(looking, &ways[i], &conf);
    looking->said[i] = true;
}

void command_server_say(struct command_call *call, unsigned partner)
{
    struct looking looking = {.call = call, .partner = partner};
    const struct gate_peer *peer = gate_peer_get(call->host->gate, partner);
    uint64_t echoes;
    if (peer->node.len > 0)
        return;
    feed_conf_each(call->host->gate, say_one, &looking);
    if (gate_echoes(call->host->gate, peer->source, &echoes) == ERR_OK)
        line_count(call->out, "in_echo", echoes); /* read from his server, or handed in */
}
