/* Scheduled feeds: what operators declare, and how they go. */
#include "app/command_feed.h"

#include <stdio.h>

#include "os/os_address.h"

static struct str line_of(const struct command_call *call, const char *name)
{
    struct str text = command_text_or_empty(call, name);
    /* The line of a file ends; what stands in it does not end with it. */
    if (text.len > 0 && text.at[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.at[text.len - 1] == '\r')
        text.len--;
    return text;
}

struct feed_secret command_feed_secret(const struct command_call *call)
{
    return (struct feed_secret) {.user = command_text_or_empty(call, "user"),
                                 .password = line_of(call, "password"),
                                 .token = line_of(call, "token"),
                                 .certificate = command_text_or_empty(call, "certificate"),
                                 .key = command_text_or_empty(call, "key"),
                                 .authorities = command_text_or_empty(call, "authorities"),
                                 .pin = command_text_or_empty(call, "pin")};
}

static err_t read_kind(struct command_call *call, struct feed_conf *out)
{
    struct str kind;
    char known[COMMAND_TEXT_MAX / 2] = "";
    size_t len = 0;
    err_t err;
    if (TRY(err, command_text(call, "kind", &kind)))
        return err;
    out->kind = feed_kind_find(kind);
    if (out->kind != NULL)
        return ERR_OK;
    for (size_t i = 0; feed_kind_at(i) != NULL; i++) {
        const char *name = feed_kind_name(feed_kind_at(i));
        if (sizeof known - len > strlen(name) + 3) {
            memcpy(known + len, i == 0 ? "" : ", ", i == 0 ? 0 : 2);
            len += i == 0 ? 0 : 2;
            memcpy(known + len, name, strlen(name) + 1);
            len += strlen(name);
        }
    }
    return command_refuse(call, ERR_USAGE, NULL, "%.*s is not a kind of feed: there are %s",
                          kind.len > 50 ? 50 : (int)kind.len, kind.at, known);
}

static void read_options(const struct command_call *call, struct feed_conf *out)
{
    static const char *const names[] = {"audience", "collection", "limit", "from", "map", "least"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct str value = command_text_or_empty(call, names[i]);
        if (value.len > 0)
            out->options[out->option_count++] = (struct feed_setting) {str_of(names[i]), value};
    }
    if (command_flag(call, "delete"))
        out->options[out->option_count++] = (struct feed_setting) {STR("delete"), STR("yes")};
}

err_t command_feed_common(struct command_call *call, struct feed_conf *out)
{
    struct str every = command_text_or_empty(call, "every");
    out->private = command_flag(call, "private");
    out->every_s = 900;
    if (every.len == 0 || feed_every_read(every, &out->every_s))
        return ERR_OK;
    return command_refuse(call, ERR_USAGE, "write 30s, 15m, 2h or 1d", "every: from %d s to %d days",
                          LIMIT_FEED_EVERY_MIN_S, LIMIT_FEED_EVERY_MAX_S / 86400);
}

/* One name for both directions: what comes is said by this partner, what goes is what he may have. */
static err_t read_partner(struct command_call *call, struct feed_conf *out)
{
    const struct gate_peer *peer;
    err_t err;
    if (command_text_or_empty(call, "partner").len == 0)
        return ERR_OK;
    if (command_text_or_empty(call, "source").len > 0 || command_text_or_empty(call, "audience").len > 0)
        return command_refuse(call, ERR_USAGE, "--partner alone",
                              "--partner says whose source it is, and whose view");
    if (TRY(err, command_partner(call, "partner", &peer)))
        return err;
    if (feed_kind_pushes(out->kind))
        out->options[out->option_count++] = (struct feed_setting) {STR("audience"), peer->audience};
    else
        out->source = gate_source_get(call->host->gate, peer->source)->name;
    return ERR_OK;
}

static err_t read_conf(struct command_call *call, struct feed_conf *out)
{
    err_t err;
    if (TRY(err, command_text(call, "name", &out->name)) || TRY(err, read_kind(call, out)) ||
        TRY(err, command_text(call, "url", &out->url)) || TRY(err, command_feed_common(call, out)))
        return err;
    out->source = command_text_or_empty(call, "source");
    if (TRY(err, read_partner(call, out)))
        return err;
    if (out->source.len == 0 && !feed_kind_pushes(out->kind))
        out->source = out->name;
    read_options(call, out);
    return ERR_OK;
}

/* Its source, made when there is none: what it brings is not ours, and nothing is assumed of it. */
static err_t find_source(struct command_call *call, struct str name, const struct gate_by *by)
{
    const struct gate_source *known = gate_source_find(call->host->gate, name);
    uint32_t number;
    if (known != NULL && known->partner >= 0 &&
        gate_peer_get(call->host->gate, (unsigned)known->partner)->node.len > 0)
        return command_refuse(call, ERR_DENIED, "give --source NAME of another",
                              "%.*s is a partner: what it says comes over its link", STR_ARG(name));
    if (known != NULL)
        return ERR_OK;
    struct gate_source source = {.name = name, .partner = -1, .assume_until_us = INT64_MAX};
    err_t err = gate_source_put(call->host->gate, &source, by, call->now_us, &number);
    return err == ERR_OK ? err
                         : command_refuse(call, err, "names are of a-z 0-9 . _ -", "the source cannot be: %s",
                                          err == ERR_INVALID ? "its name cannot be one" : err_text(err));
}

/* The source that it delivers as, or the partner whose view it pushes. */
static err_t find_end(struct command_call *call, const struct feed_conf *conf, const struct gate_by *by)
{
    const struct gate_peer *peer;
    if (!feed_kind_pushes(conf->kind))
        return find_source(call, conf->source, by);
    return command_partner(call, "audience", &peer);
}

static bool feed_known(struct command_call *call, struct str name, struct feed_conf *out)
{
    return feed_conf_get(call->host->gate, name, call->arena, out) == ERR_OK;
}

/* Nothing given again: what was given before stays. */
static bool keeps_secrets(struct command_call *call, const struct feed_conf *conf,
                          const struct feed_secret *secret)
{
    struct feed_conf held;
    struct feed_url a, b;
    return !feed_secret_any(secret) && feed_known(call, conf->name, &held) && held.secrets &&
           feed_url_read(held.url, &a) == ERR_OK && feed_url_read(conf->url, &b) == ERR_OK &&
           str_eq(a.origin, b.origin);
}

/* A name is looked at when it is called: what it resolves to may change. */
static err_t check_host(struct command_call *call, const struct feed_conf *conf)
{
    struct feed_url url;
    char host[LIMIT_HOST_BYTES];
    if (conf->private || feed_url_read(conf->url, &url) != ERR_OK)
        return ERR_OK;
    struct str rest = url.origin;
    rest = (struct str) {rest.at + (url.secure ? 8 : 7), rest.len - (url.secure ? 8 : 7)};
    bool literal = rest.len > 0 && rest.at[0] == '[';
    struct str name = str_cut(&rest, literal ? ']' : ':');
    (void)snprintf(host, sizeof host, "%.*s%s", STR_ARG(name), literal ? "]" : "");
    if (!os_address_is_private_text(host))
        return ERR_OK;
    return command_refuse(call, ERR_DENIED, "--private, if that server is meant",
                          "%s is an address of this machine or network", host);
}

err_t command_feed_check(struct command_call *call, struct feed_conf *conf, const struct feed_secret *secret)
{
    struct fault fault = {0};
    err_t err = check_host(call, conf);
    if (err != ERR_OK)
        return err;
    conf->secrets = feed_secret_any(secret) || keeps_secrets(call, conf, secret);
    if (TRY(err, feed_conf_check(conf, &fault)) || TRY(err, feed_secret_check(secret, &fault)))
        return command_refuse(call, err, NULL, "%s", fault.what);
    return ERR_OK;
}

err_t command_feed_put(struct command_call *call, const struct feed_conf *conf,
                       const struct feed_secret *secret)
{
    struct gate_by by = command_by(call);
    struct fault fault = {0};
    err_t err;
    if (!keeps_secrets(call, conf, secret) &&
        TRY(err, feed_secret_write(call->host->os, call->host->conf->dir, conf->name, secret, &fault)))
        return command_refuse(call, err, NULL, "%s", fault.what);
    if (TRY(err, feed_conf_put(call->host->gate, conf, &by, call->now_us, &fault)))
        return command_refuse(call, err, NULL, "%s", fault.what);
    call->host->feeds_changed(call->host->ctx);
    if (feed_kind_pushes(conf->kind))
        line_say(call->out, "declared: %.*s pushes what the audience's release view shows, every %llu s",
                 STR_ARG(conf->name), (unsigned long long)conf->every_s);
    else
        line_say(call->out, "declared: %.*s brings what it reads as source %.*s, every %llu s",
                 STR_ARG(conf->name), STR_ARG(conf->source), (unsigned long long)conf->every_s);
    return ERR_OK;
}

static err_t feed_add(struct command_call *call)
{
    struct feed_conf conf = {0};
    struct feed_secret secret = command_feed_secret(call);
    struct gate_by by = command_by(call);
    err_t err;
    if (TRY(err, read_conf(call, &conf)) || TRY(err, command_feed_check(call, &conf, &secret)) ||
        TRY(err, find_end(call, &conf, &by)))
        return err;
    return command_feed_put(call, &conf, &secret);
}

/* --- how they go --- */

struct listing {
    struct command_call *call;
    bool all; /* also what is only of use alone */
};

static void say_counts(struct buf *out, const struct feed_counts *counts)
{
    line_count(out, "new", counts->fresh);
    line_count(out, "duplicate", counts->duplicate);
    line_count(out, "asserted", counts->asserted);
    line_count(out, "conflict", counts->conflict);
    line_count(out, "refused", counts->refused);
    line_count(out, "echo", counts->echo);
    line_count(out, "withdrawn", counts->withdrawn);
    line_count(out, "pushed", counts->pushed);
    line_count(out, "failed", counts->failed);
    line_count(out, "unconfirmed", counts->unconfirmed);
    line_count(out, "taken_back", counts->taken_back);
}

static void say_conf(struct buf *out, const struct feed_conf *conf)
{
    line_text(out, "url", conf->url);
    line_text(out, "source", conf->source);
    line_count(out, "every_s", conf->every_s);
    line_bool(out, "private", conf->private);
    line_bool(out, "credentials", conf->secrets);
    for (size_t i = 0; i < conf->option_count; i++) {
        char name[32];
        if (conf->options[i].name.len < sizeof name) {
            memcpy(name, conf->options[i].name.at, conf->options[i].name.len);
            name[conf->options[i].name.len] = '\0';
            line_text(out, name, conf->options[i].value);
        }
    }
}

/* What becomes of a run that ended with the node. */
static const char *cut_word(bool live, const struct feed_status *status)
{
    if (!live || status->state == FEED_PAUSED)
        return live ? "its last run was cut off: it goes on when it is resumed"
                    : "its last run was cut off: it goes on when the node runs";
    return status->state == FEED_RUNNING ? "its last run was cut off: this one goes on there"
                                         : "its last run was cut off: it goes on at once";
}

static void say_feed(struct listing *listing, const struct feed_conf *conf)
{
    struct command_call *call = listing->call;
    struct feed_status status;
    bool live = call->host->feed_status(call->host->ctx, conf->name, &status);
    if (!live && feed_status_read(call->host->gate, conf, &status) != ERR_OK)
        return;
    line_begin(call->out);
    line_text(call->out, "name", conf->name);
    line_word(call->out, "kind", feed_kind_name(conf->kind));
    line_word(call->out, "state", conf->paused ? "paused" : live ? feed_state_word(status.state) : "stopped");
    line_time(call->out, "last", status.last_us);
    if (live && status.state == FEED_WAITING)
        line_time(call->out, "next", status.next_us);
    say_counts(call->out, &status.counts);
    if (listing->all) {
        say_conf(call->out, conf);
        line_count(call->out, "runs", status.counts.runs);
        line_count(call->out, "calls", status.counts.calls);
        line_count(call->out, "bytes", status.counts.bytes);
        line_count(call->out, "failures", status.failures);
    }
    if (status.cut)
        line_word(call->out, "cut", cut_word(live, &status));
    if (status.err != ERR_OK)
        line_word(call->out, "error", err_name(status.err));
    if (status.what[0] != '\0')
        line_word(call->out, "trouble", status.what);
    if (status.next[0] != '\0')
        line_word(call->out, "what_next", status.next);
    line_end(call->out);
}

static void list_one(void *ctx, struct str name)
{
    struct listing *listing = ctx;
    struct feed_conf conf;
    if (feed_known(listing->call, name, &conf))
        say_feed(listing, &conf);
}

static err_t feed_list(struct command_call *call)
{
    struct listing listing = {.call = call};
    feed_conf_each(call->host->gate, list_one, &listing);
    return ERR_OK;
}

static err_t find(struct command_call *call, struct feed_conf *out)
{
    struct str name;
    err_t err = command_text(call, "name", &name);
    if (err != ERR_OK)
        return err;
    return feed_known(call, name, out)
               ? ERR_OK
               : command_refuse(call, ERR_NOTFOUND, "`bongsu feed list` names them", "there is no feed %.*s",
                                name.len > 100 ? 100 : (int)name.len, name.at);
}

static err_t feed_show(struct command_call *call)
{
    struct listing listing = {.call = call, .all = true};
    struct feed_conf conf;
    err_t err = find(call, &conf);
    if (err == ERR_OK)
        say_feed(&listing, &conf);
    return err;
}

static err_t feed_run_now(struct command_call *call)
{
    struct feed_conf conf;
    err_t err = find(call, &conf);
    if (err != ERR_OK)
        return err;
    err = call->host->feed_run(call->host->ctx, conf.name);
    if (err == ERR_CLOSED)
        return command_refuse(call, err, "bongsu serve", "the node does not run");
    if (err == ERR_WRONGSTATE)
        return command_refuse(call, err, conf.paused ? "bongsu feed resume" : "bongsu feed list", "it is %s",
                              conf.paused ? "paused" : "running already");
    if (err != ERR_OK)
        return command_refuse(call, err, "look at the node's diagnostics", "it was not started: %s",
                              err_text(err));
    line_say(call->out, "it runs; bongsu feed show %.*s tells how it goes", STR_ARG(conf.name));
    return ERR_OK;
}

static err_t set_paused(struct command_call *call, bool paused)
{
    struct feed_conf conf;
    struct gate_by by = command_by(call);
    struct fault fault = {0};
    err_t err = find(call, &conf);
    if (err != ERR_OK)
        return err;
    conf.paused = paused;
    if (TRY(err, feed_conf_put(call->host->gate, &conf, &by, call->now_us, &fault)))
        return command_refuse(call, err, NULL, "%s", fault.what);
    call->host->feeds_changed(call->host->ctx);
    line_say(call->out, paused ? "paused; what it brought stays" : "it goes on where it came to");
    return ERR_OK;
}

static err_t feed_pause(struct command_call *call)
{
    return set_paused(call, true);
}

static err_t feed_resume(struct command_call *call)
{
    return set_paused(call, false);
}

err_t command_feed_forget(struct command_call *call, struct str name)
{
    struct gate_by by = command_by(call);
    err_t err = feed_conf_remove(call->host->gate, name, &by, call->now_us);
    if (err != ERR_OK)
        return err;
    feed_secret_remove(call->host->os, call->host->conf->dir, name);
    call->host->feeds_changed(call->host->ctx);
    return ERR_OK;
}

static err_t feed_remove(struct command_call *call)
{
    struct feed_conf conf;
    err_t err = find(call, &conf);
    if (err != ERR_OK)
        return err;
    if (TRY(err, command_feed_forget(call, conf.name)))
        return command_refuse(call, err, NULL, "not removed: %s", err_text(err));
    line_say(call->out, "removed, and its credentials with it; what it brought stays");
    return ERR_OK;
}

const struct command command_feed_rows[] = {
    {"feed.add", true, feed_add},       {"feed.list", false, feed_list},
    {"feed.show", false, feed_show},    {"feed.run", false, feed_run_now},
    {"feed.pause", true, feed_pause},   {"feed.resume", true, feed_resume},
    {"feed.remove", true, feed_remove}, {NULL, false, NULL},
};
