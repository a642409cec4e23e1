/* The metrics text (Prometheus exposition format 0.0.4). */
#include "app/core_state.h"

#include "gate/key_copies.h"
#include "gate/quality.h"
#include "gate/rival.h"

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP bongsu_%s %s\n# TYPE bongsu_%s %s\n", name, help, name, type);
}

static void one(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    head(out, name, type, help);
    buf_printf(out, "bongsu_%s %llu\n", name, (unsigned long long)value);
}

struct partner_figures {
    struct gate_tally tally;
    struct gate_late late;
    uint64_t waiting, deadline_s, card_until_s, card_there, compared_s;
    struct gate_ledger ledger;
    struct sync_served served;
    struct sync_status status; /* zero when nothing is followed */
    struct sync_reconciled compared;
};

#define PARTNER_METRICS(X)                                                                                   \
    X("released_objects", "gauge", "newest versions released to the partner", tally.released)                \
    X("held_objects", "gauge", "newest versions held for a person", tally.held)                              \
    X("waiting_objects", "gauge", "of these, versions for which people have a time", waiting)                \
    X("reminded_objects", "gauge", "of these, those past their reminder", late.reminded)                     \
    X("hold_deadline_seconds", "gauge", "unix time of the nearest deadline, 0: none", deadline_s)            \
    X("blocked_objects", "gauge", "released by rule, waiting for what they refer to", tally.blocked)         \
    X("denied_objects", "gauge", "newest versions denied", tally.denied)                                     \
    X("ledger_leaves", "gauge", "leaves decided for the partner", ledger.size)                               \
    X("ledger_visible_leaves", "gauge", "leaves covered by a durable checkpoint", ledger.visible)            \
    X("receipted_leaves", "gauge", "leaves the partner has receipted", ledger.receipted)                     \
    X("refused_leaves", "gauge", "leaves the partner refused", ledger.refused)                               \
    X("sent_leaves_total", "counter", "leaves sent since start", served.leaves)                              \
    X("sent_bytes_total", "counter", "bytes of pages sent since start", served.bytes)                        \
    X("received_leaves", "gauge", "leaves of the partner's ledger taken over", status.held)                  \
    X("received_bytes_total", "counter", "bytes of its answers since start", status.bytes)                   \
    X("card_until_seconds", "gauge", "unix time at which the partner's newest card ends", card_until_s)      \
    X("our_card_there", "gauge", "number of the newest card of ours that the partner holds", card_there)     \
    X("lost_leaves", "gauge", "given by the partner and not here when it was compared last",                 \
      compared.missing)                                                                                      \
    X("fetched_leaves", "gauge", "of these, fetched again then", compared.mended)                            \
    X("compared_seconds", "gauge", "unix time of that, 0: never", compared_s)                                \
    X("link_failures_total", "counter", "failed attempts to follow it since start", status.failures)

static void figures_of(struct core_role *role, unsigned partner, struct partner_figures *out)
{
    *out = (struct partner_figures) {.served = sync_serve_status(role->serve, partner)};
    if (gate_tally(role->gate, partner, &out->tally) != ERR_OK)
        out->tally = (struct gate_tally) {0};
    out->waiting = gate_waiting_count(role->gate, partner);
    if (gate_late(role->gate, partner, core_now(role), &out->late) != ERR_OK)
        out->late = (struct gate_late) {0};
    out->deadline_s = (uint64_t)(out->late.deadline_us / 1000000);
    out->card_until_s = core_cards_until_s(role, partner);
    out->card_there = sync_cards_told(role->gate, partner);
    core_reconcile_figures(role, partner, &out->compared);
    out->compared_s = (uint64_t)(out->compared.ended_us / 1000000);
    if (gate_ledger(role->gate, partner, &out->ledger) != ERR_OK)
        out->ledger = (struct gate_ledger) {0};
    if (role->follows[partner].session != NULL)
        sync_session_status(role->follows[partner].session, &out->status);
}

enum {
    PARTNER_METRIC_COUNT = 0
#define X(name, type, help, field) +1
    PARTNER_METRICS(X)
#undef X
};

static void take_figures(const struct partner_figures *figures, uint64_t out[PARTNER_METRIC_COUNT])
{
    const uint64_t all[PARTNER_METRIC_COUNT] = {
#define X(name, type, help, field) figures->field,
        PARTNER_METRICS(X)
#undef X
    };
    memcpy(out, all, sizeof all);
}

static void write_partners(struct core_role *role, struct buf *out)
{
    static const struct {
        const char *name, *type, *help;
    } rows[] = {
#define X(name, type, help, field) {name, type, help},
        PARTNER_METRICS(X)
#undef X
    };
    uint64_t values[LIMIT_PARTNERS][PARTNER_METRIC_COUNT];
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++) {
        struct partner_figures figures;
        figures_of(role, i, &figures); /* counting who is late takes its time: once */
        take_figures(&figures, values[i]);
    }
    for (unsigned which = 0; which < PARTNER_METRIC_COUNT; which++) {
        head(out, rows[which].name, rows[which].type, rows[which].help);
        for (unsigned i = 0; i < gate_peer_count(role->gate); i++) {
            const struct gate_peer *peer = gate_peer_get(role->gate, i);
            if (peer->state != GATE_PEER_REMOVED)
                buf_printf(out, "bongsu_%s{partner=\"%.*s\"} %llu\n", rows[which].name,
                           STR_ARG(peer->audience), (unsigned long long)values[i][which]);
        }
    }
}

static void write_latency(struct core_role *role, struct buf *out)
{
    static const unsigned permille[] = {500, 900, 990, 999};
    head(out, "release_to_arrival_seconds", "summary", "from the partner's release to durably held here");
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++) {
        struct sync_status status;
        const struct gate_peer *peer = gate_peer_get(role->gate, i);
        if (role->follows[i].session == NULL)
            continue;
        sync_session_status(role->follows[i].session, &status);
        for (size_t q = 0; q < sizeof permille / sizeof permille[0]; q++)
            buf_printf(out, "bongsu_release_to_arrival_seconds{partner=\"%.*s\",quantile=\"0.%03u\"} %.6f\n",
                       STR_ARG(peer->audience), permille[q],
                       (double)sync_latency_quantile(&status.times, permille[q]) / 1e6);
        buf_printf(out, "bongsu_release_to_arrival_seconds_count{partner=\"%.*s\"} %llu\n",
                   STR_ARG(peer->audience), (unsigned long long)status.times.count);
    }
}

/* By source, where there ever was one. */
static void write_tightened(struct core_role *role, struct buf *out)
{
    struct gate_tightened told;
    uint64_t alarms = 0;
    head(out, "tightened_objects", "gauge", "of others, today (UTC), by the source's stricter copies");
    for (uint32_t n = 1; n <= gate_source_count(role->gate); n++) {
        if (!gate_tightened_get(role->gate, n, core_now(role), &told))
            continue;
        alarms += told.alarm;
        buf_printf(out, "bongsu_tightened_objects{source=\"%.*s\"} %llu\n",
                   STR_ARG(gate_source_get(role->gate, n)->name), (unsigned long long)told.today);
    }
    one(out, "tightened_alarms", "gauge", "sources that tightened more than the bound in a day, unanswered",
        alarms);
}

/* By feed, what became of the objects that it brought. */
static void write_feeds(struct core_role *role, struct buf *out)
{
    head(out, "feed_objects_total", "counter",
         "objects that a feed brought since it was declared, by what became of them; an unchanged echo is a "
         "duplicate as well");
    for (size_t i = 0; i < LIMIT_FEEDS; i++) {
        struct feed_status status;
        if (role->feeds[i].feed == NULL)
            continue;
        feed_status(role->feeds[i].feed, &status);
        const struct {
            const char *word;
            uint64_t count;
        } rows[] = {{"new", status.counts.fresh},         {"duplicate", status.counts.duplicate},
                    {"asserted", status.counts.asserted}, {"conflict", status.counts.conflict},
                    {"refused", status.counts.refused},   {"echo", status.counts.echo}};
        for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
            buf_printf(out, "bongsu_feed_objects_total{feed=\"%.*s\",became=\"%s\"} %llu\n",
                       STR_ARG(feed_conf_of(role->feeds[i].feed)->name), rows[row].word,
                       (unsigned long long)rows[row].count);
    }
}

/* By source, however it came: a feed counts its own as well. */
static void write_echoes(struct core_role *role, struct buf *out)
{
    uint64_t count;
    head(out, "echoes_total", "counter",
         "objects of others that a source gave back, by a feed, over TAXII or from a file; nothing of those "
         "that it had rewritten was taken in");
    for (uint32_t n = 1; n <= gate_source_count(role->gate); n++)
        if (gate_echoes(role->gate, n, &count) == ERR_OK && count > 0)
            buf_printf(out, "bongsu_echoes_total{source=\"%.*s\"} %llu\n",
                       STR_ARG(gate_source_get(role->gate, n)->name), (unsigned long long)count);
}

void core_metrics_write(struct core_role *role, struct buf *out)
{
    struct gate_counts counts;
    struct gate_key_copies_count copies;
    gate_counts(role->gate, &counts);
    one(out, "objects", "gauge", "versions and variants held", counts.objects);
    one(out, "quarantined", "gauge", "refused entries that are open", counts.quarantined);
    one(out, "stops", "gauge", "stops of release in force", gate_stop_count(role->gate));
    one(out, "jobs", "gauge", "re-decisions waiting", counts.jobs);
    one(out, "log_bytes", "gauge", "length of the log", counts.log_bytes);
    one(out, "durable_lsn", "gauge", "durable position of the log", counts.durable_lsn);
    one(out, "undecided_bytes", "gauge", "durable but not decided", counts.durable_lsn - counts.decided_lsn);
    one(out, "unindexed_bytes", "gauge", "durable but not in the index on disk",
        counts.durable_lsn - counts.applied_lsn);
    one(out, "read_only", "gauge", "1 when the node accepts nothing",
        gate_health(role->gate).read_only ? 1 : 0);
    one(out, "recall_pending", "gauge", "holders asked to destroy what was called back",
        role->recalls.pending);
    one(out, "recall_overdue", "gauge", "of these, those who let the deadline pass", role->recalls.overdue);
    one(out, "recall_held", "gauge", "holders who keep it under an order", role->recalls.held);
    one(out, "recall_cannot_confirm", "gauge", "holders without a node", role->recalls.cannot);
    gate_key_copies_count(role->gate, &copies);
    one(out, "key_copies", "gauge", "registered copies of the key file", copies.registered);
    one(out, "key_copies_away", "gauge", "of these, those that cannot be written", copies.away);
    one(out, "recall_unconfirmed", "gauge", "destructions that a copy of the key file has not taken over",
        copies.unconfirmed);
    one(out, "requests_total", "counter", "HTTP requests since start", role->requests);
    one(out, "objects_handed_in_total", "counter", "objects added by command since start", role->objects_in);
    one(out, "commits_total", "counter", "group commits since start", role->commits);
    one(out, "commit_microseconds_total", "counter", "time spent in them", role->commit_us);
    one(out, "commit_microseconds_max", "gauge", "the longest of them", role->commit_us_max);
    one(out, "edge_queue_bytes", "gauge", "answers that wait for room",
        role->edge == NULL ? 0 : link_pending(role->edge));
    one(out, "own_card", "gauge", "number of the newest card of this node", sync_own_number(&role->own));
    one(out, "own_card_until_seconds", "gauge", "unix time at which it ends", core_cards_own_until_s(role));
    write_tightened(role, out);
    write_partners(role, out);
    write_latency(role, out);
    write_feeds(role, out);
    write_echoes(role, out);
}
