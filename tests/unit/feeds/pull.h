/* A feed over a real gate, and the loop that plays its server. Tests only. */
#pragma once

#include "../gate/gate_test.h"

#include "feeds/feed.h"

struct pull {
    struct bench bench;
    struct feed *feed;
    struct arena arena;
    struct feed_conf conf;
    struct feed_action call; /* the last one, its texts copied */
    char target[8192];
    char values[FEED_FIELDS_MAX][1024];
    size_t calls;
    unsigned seed;
};

static inline void pull_open(struct pull *p)
{
    struct feed_setup setup = {.gate = p->bench.gate, .conf = &p->conf, .diag = &bench_diag};
    assert_int_equal(feed_new(&setup, p->bench.now_us, &p->feed), ERR_OK);
}

static inline void pull_init(struct pull *p, const char *kind, const char *url,
                             const struct feed_setting *options, size_t option_count)
{
    struct fault fault = {0};
    memset(p, 0, sizeof *p);
    bench_init(&p->bench);
    struct gate_source source = {.name = STR("far"), .partner = -1, .assume_until_us = INT64_MAX};
    uint32_t number;
    assert_int_equal(gate_source_put(p->bench.gate, &source, &by_test, p->bench.now_us, &number), ERR_OK);
    p->conf = (struct feed_conf) {.name = STR("far"),
                                  .kind = feed_kind_find(str_of(kind)),
                                  .url = str_of(url),
                                  .source = STR("far"),
                                  .every_s = 900,
                                  .option_count = option_count};
    for (size_t i = 0; i < option_count; i++)
        p->conf.options[i] = options[i];
    assert_non_null(p->conf.kind);
    assert_int_equal(feed_conf_put(p->bench.gate, &p->conf, &by_test, p->bench.now_us, &fault), ERR_OK);
    pull_open(p);
}

static inline void pull_deinit(struct pull *p)
{
    feed_free(p->feed);
    bench_deinit(&p->bench);
}

/* The power goes after a commit: what stands in the log is all that is left. */
static inline void pull_restart(struct pull *p)
{
    assert_int_equal(gate_commit(p->bench.gate), ERR_OK);
    feed_free(p->feed);
    bench_reopen(&p->bench);
    pull_open(p);
}

static inline struct feed_status pull_status(const struct pull *p)
{
    struct feed_status status;
    feed_status(p->feed, &status);
    return status;
}

/* Steps until a call is wanted (true: it stands in p->call), or the run has ended. */
static inline bool pull_step(struct pull *p)
{
    for (int i = 0; i < 1000000; i++) {
        struct feed_action action;
        feed_next(p->feed, p->bench.now_us, &action);
        if (action.act == FEED_CALL) {
            p->call = action;
            p->calls++;
            assert_true(action.target.len < sizeof p->target);
            memcpy(p->target, action.target.at, action.target.len);
            p->target[action.target.len] = '\0';
            for (size_t f = 0; f < action.field_count; f++)
                (void)snprintf(p->values[f], sizeof p->values[f], "%.*s: %.*s",
                               STR_ARG(action.fields[f].name), STR_ARG(action.fields[f].value));
            return true;
        }
        if (action.act == FEED_NOTHING && pull_status(p).state != FEED_RUNNING)
            return false;
        if (action.act == FEED_NOTHING && action.until_us > p->bench.now_us) {
            if (feed_conf_of(p->feed)->kind == feed_kind_find(STR("opencti")))
                return false; /* a stream that has said all it has for now */
            p->bench.now_us = action.until_us;
        }
    }
    fail_msg("the feed neither calls nor rests");
    return false;
}

/* A field that was sent; NULL when it was not. */
static inline const char *pull_field(const struct pull *p, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < p->call.field_count; i++)
        if (strncmp(p->values[i], name, len) == 0 && p->values[i][len] == ':')
            return p->values[i] + len + 2;
    return NULL;
}

/* Answers the call in parts of no particular size. */
static inline void pull_answer(struct pull *p, unsigned status, const struct feed_field *fields, size_t count,
                               const char *body)
{
    size_t len = strlen(body), at = 0;
    uint64_t id = p->call.id;
    feed_head(p->feed, id, status, fields, count, p->bench.now_us);
    while (at < len) {
        p->seed = p->seed * 1103515245 + 12345;
        size_t part = 1 + (p->seed >> 8) % 5000;
        part = part < len - at ? part : len - at;
        feed_part(p->feed, id, bytes_of(body + at, part), p->bench.now_us);
        at += part;
    }
    feed_over(p->feed, id, ERR_OK, NULL, p->bench.now_us);
}

/* Makes durable what was taken in, and shows it. */
static inline void pull_commit(struct pull *p)
{
    assert_int_equal(gate_commit(p->bench.gate), ERR_OK);
}

/* The next run, by the clock. */
static inline void pull_due(struct pull *p)
{
    p->bench.now_us += INT64_C(86400) * 1000000;
}
