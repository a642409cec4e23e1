/* The report on partners and other sources: gate/quality.h read in portions, then a line for each source and
 * week. */
#include "app/command.h"

#include <stdio.h>

#include "core/mem.h"
#include "gate/quality.h"

enum { WEEKS = 12, DAY_TEXT = 10 };

struct reporting {
    struct gate_quality *quality;
    size_t next; /* row; while `read` */
    bool read;
};

void command_quality_end(void *state)
{
    struct reporting *r = state;
    gate_quality_close(r->quality);
    mem_free(r);
}

static err_t read_from(struct command_call *call, int32_t *out)
{
    struct str weeks = command_text_or_empty(call, "weeks");
    uint64_t count = WEEKS;
    int64_t since_us;
    err_t err = command_time(call, "since", INT64_MIN, &since_us);
    if (err != ERR_OK)
        return err;
    if (weeks.len > 0 && (!str_to_u64(weeks, LIMIT_QUALITY_ROWS, &count) || count == 0))
        return command_refuse(call, ERR_USAGE, NULL, "--weeks is a number from 1 to %d", LIMIT_QUALITY_ROWS);
    *out = since_us != INT64_MIN ? gate_week(since_us) : gate_week(call->now_us) - (int32_t)count + 1;
    return ERR_OK;
}

err_t command_quality_begin(struct command_call *call, void **out)
{
    struct gate_quality_ask ask = {0};
    err_t err;
    if (TRY(err, command_source(call, "source", &ask.source)) || TRY(err, read_from(call, &ask.from)))
        return err;
    struct reporting *r = mem_alloc(sizeof *r);
    err = r == NULL ? ERR_NOMEM : gate_quality_open(call->host->gate, &ask, &r->quality);
    if (err != ERR_OK) {
        mem_free(r);
        return command_refuse(call, err, NULL, "%s", err_text(err));
    }
    *out = r;
    return ERR_OK;
}

/* --- a row --- */

/* "850 ms", "12 s", "95 min", "30 h", "12 d": two figures and more, so that nobody has to count zeros. */
static void put_time(struct buf *out, uint64_t ms)
{
    static const struct {
        const char *unit;
        uint64_t ms, below; /* of the unit; shown in it below so many */
    } units[] = {{"ms", 1, 1000}, {"s", 1000, 100}, {"min", 60000, 100}, {"h", 3600000, 72}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (ms / units[i].ms < units[i].below) {
            buf_printf(out, "%llu %s", (unsigned long long)(ms / units[i].ms), units[i].unit);
            return;
        }
    buf_printf(out, "%llu d", (unsigned long long)(ms / 86400000));
}

static void put_spread(struct command_call *call, const char *name, const struct gate_spread *spread)
{
    char member[40];
    struct buf text;
    (void)snprintf(member, sizeof member, "%s_count", name);
    line_count(call->out, member, spread->count);
    if (spread->count == 0)
        return;
    uint64_t median = gate_spread_quantile(spread, 500), p90 = gate_spread_quantile(spread, 900);
    (void)snprintf(member, sizeof member, "%s_median_ms", name);
    line_count(call->out, member, median);
    (void)snprintf(member, sizeof member, "%s_p90_ms", name);
    line_count(call->out, member, p90);
    buf_init(&text, 64);
    put_time(&text, median);
    buf_put_str(&text, STR(" / "));
    put_time(&text, p90);
    line_text(call->out, name, buf_str(&text));
    buf_deinit(&text);
}

static void put_reasons(struct command_call *call, const struct gate_quality_row *row)
{
    struct buf text;
    buf_init(&text, LIMIT_QUALITY_REASONS * 80);
    for (size_t i = 0; i < row->reason_count; i++)
        buf_printf(&text, "%s%s: %llu", i == 0 ? "" : ", ", row->reasons[i].word,
                   (unsigned long long)row->reasons[i].count);
    if (row->reasons_other > 0)
        buf_printf(&text, ", other: %llu", (unsigned long long)row->reasons_other);
    line_text(call->out, "reasons", buf_str(&text));
    buf_deinit(&text);
}

/* In percent, as text; nothing of nothing has no share. */
static void put_share(struct command_call *call, const char *name, uint64_t part, uint64_t whole)
{
    char text[24];
    if (whole == 0)
        return;
    (void)snprintf(text, sizeof text, "%llu %%", (unsigned long long)(part * 100 / whole));
    line_word(call->out, name, text);
}

static void put_counts(struct buf *out, const struct gate_quality_row *row)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"objects", row->objects},
        {"versions", row->versions},
        {"assertions", row->assertions},
        {"delivered", gate_quality_delivered(row)},
        {"seen", row->seen},
        {"repeated", row->repeated},
        {"duplicates", row->seen + row->repeated},
        {"echoes", row->echoes},
        {"conflicts", row->conflicts},
        {"conflicts_again", row->conflicts_again},
        {"refused", row->refused},
        {"refused_again", row->refused_again},
        {"mended", row->mended},
        {"opinions", row->opinions},
        {"opinions_about", row->opinions_about},
        {"disagreeing_about", row->disagreeing_about},
        {"sightings", row->sightings},
        {"sightings_about", row->sightings_about},
        {"indicators", row->indicators},
        {"expired", row->expired},
        {"unmarked", row->unmarked},
        {"safety", row->safety},
        {"unreadable", row->unreadable},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        line_count(out, counts[i].name, counts[i].value);
}

static void say_row(struct command_call *call, const struct gate_quality_row *row)
{
    const struct gate_source *source = gate_source_get(call->host->gate, row->source);
    char week[GATE_WEEK_TEXT_SIZE], day[TIME_TEXT_SIZE];
    gate_week_text(row->week, week);
    time_text(gate_week_start_us(row->week), day);
    line_begin(call->out);
    line_text(call->out, "source", source == NULL ? STR("?") : source->name);
    line_bool(call->out, "partner", source != NULL && source->partner >= 0);
    line_word(call->out, "week", week);
    line_text(call->out, "begins", (struct str) {day, DAY_TEXT});
    put_counts(call->out, row);
    put_reasons(call, row);
    put_share(call, "unmarked_share", row->unmarked, gate_quality_delivered(row));
    put_share(call, "expired_share", row->expired, row->indicators);
    put_spread(call, "delay", &row->delay);
    put_spread(call, "behind", &row->behind);
    put_spread(call, "ahead", &row->ahead);
    line_end(call->out);
}

err_t command_quality_next(struct command_call *call, void *state, bool *out_end)
{
    struct reporting *r = state;
    const struct gate_quality_row *row;
    if (!r->read) {
        err_t err = gate_quality_step(r->quality, LIMIT_QUALITY_TURN, &r->read);
        if (err == ERR_OK)
            return ERR_OK;
        return command_refuse(call, err, "ask for less: --source, --since, --weeks", "%s",
                              err == ERR_LIMIT ? "the report would have too many rows" : err_text(err));
    }
    while ((row = gate_quality_row(r->quality, r->next)) != NULL &&
           call->out->len < LIMIT_STREAM_CHUNK_BYTES) {
        say_row(call, row);
        r->next++;
    }
    *out_end = row == NULL;
    if (*out_end && r->next == 0)
        line_say(call->out, "Nothing arrived in these weeks.");
    return ERR_OK;
}
