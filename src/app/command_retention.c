/* What is kept how long, what was forgotten, and whether the clock is believed. */
#include <stdio.h>

#include "app/command.h"
#include "gate/retention.h"
#include "gate/words.h"

static void say_row(struct command_call *call, const char *what, const char *kept, uint64_t count,
                    uint64_t due, int64_t oldest_us)
{
    line_begin(call->out);
    line_word(call->out, "what", what);
    line_word(call->out, "kept", kept);
    line_count(call->out, "count", count);
    line_count(call->out, "due", due);
    if (oldest_us != 0)
        line_time(call->out, "oldest", oldest_us);
    line_end(call->out);
}

static void days(char out[32], unsigned count)
{
    (void)snprintf(out, 32, "%u days", count);
}

void command_say_clock(struct command_call *call)
{
    char last[TIME_TEXT_SIZE], now[TIME_TEXT_SIZE];
    struct gate_kept kept;
    err_t err = gate_kept_get(call->host->gate, &kept);
    if (gate_purge_due(call->host->gate))
        line_say(call->out,
                 "Something is logged to be destroyed and not all gone yet: it is tried again every minute");
    if (err != ERR_OK)
        line_say(call->out, "When retention last ran cannot be read: %s", err_text(err));
    enum gate_clock clock = err == ERR_OK ? gate_clock(&kept, call->now_us) : GATE_CLOCK_NEW;
    if (clock != GATE_CLOCK_AHEAD && clock != GATE_CLOCK_BEHIND)
        return;
    time_text(kept.run_us, last);
    time_text(call->now_us, now);
    line_say(call->out,
             "THE CLOCK says %s, the last run of the retention was %s: nothing is forgotten%s until somebody "
             "confirms it (bongsu retention confirm --because \"...\")",
             now, last,
             clock == GATE_CLOCK_AHEAD ? ", and nothing leaves by time alone (embargoes, delays, deadlines),"
                                       : "");
}

static err_t say_words(struct command_call *call)
{
    unsigned limit = call->host->conf->evidence_days;
    struct gate_words_kept kept;
    char text[32] = "for ever: no evidence-days";
    err_t err = gate_words_keeping(call->host->gate, limit, call->now_us, &kept);
    if (err != ERR_OK)
        return err;
    if (limit != 0)
        days(text, limit);
    say_row(call, "what people wrote, by days", text, kept.days, kept.due, kept.oldest_us);
    if (limit != 0 && kept.held > 0)
        say_row(call, "of these, under an order or of a stopped link", "until that ends", kept.held, 0, 0);
    if (kept.bare)
        say_row(call, "what people wrote, earlier versions", "for ever: it stands in clear (bongsu check)", 0,
                0, 0);
    return ERR_OK;
}

static err_t retention(struct command_call *call)
{
    const struct conf *conf = call->host->conf;
    char quarantine[32], access[32];
    struct gate_keeping keeping;
    struct gate_kept kept;
    int64_t oldest_us = 0;
    err_t err = gate_keeping(call->host->gate, conf->quarantine_days, call->now_us, &keeping);
    if (err != ERR_OK || TRY(err, gate_kept_get(call->host->gate, &kept)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    days(quarantine, conf->quarantine_days);
    days(access, conf->access_days);
    bool any = access_oldest(call->host->access, &oldest_us);
    say_row(call, "refused input", quarantine, keeping.waiting, keeping.due - keeping.closed,
            keeping.oldest_us);
    say_row(call, "refused input, closed", "until the next run", keeping.closed, keeping.closed, 0);
    say_row(call, "conflicting copies", "as long as the object: their marking binds", keeping.conflicts, 0,
            0);
    say_row(call, "access record", access, any, 0, oldest_us);
    if (TRY(err, say_words(call)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    say_row(call, "ledgers, decisions, receipts, who said what", "for ever: proofs rest on them", 0, 0, 0);
    line_begin(call->out);
    line_time(call->out, "last_run", kept.run_us);
    line_time(call->out, "last_forgot", kept.forgot_us);
    line_count(call->out, "forgotten_quarantined", kept.quarantined);
    line_count(call->out, "forgotten_access_files", kept.access_files);
    line_count(call->out, "forgotten_words", kept.words);
    line_end(call->out);
    line_say(
        call->out,
        "Forgotten so far: %llu entries of the quarantine, %llu files of the access record, the words of "
        "%llu days",
        (unsigned long long)kept.quarantined, (unsigned long long)kept.access_files,
        (unsigned long long)kept.words);
    command_say_clock(call);
    return ERR_OK;
}

static err_t confirm(struct command_call *call)
{
    struct gate_by by = command_by(call);
    struct gate_kept kept;
    char now[TIME_TEXT_SIZE];
    err_t err = gate_kept_get(call->host->gate, &kept);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    enum gate_clock clock = gate_clock(&kept, call->now_us);
    if (clock != GATE_CLOCK_AHEAD && clock != GATE_CLOCK_BEHIND)
        return command_refuse(call, ERR_WRONGSTATE, NULL,
                              "the clock is believed: nothing is to be confirmed");
    if (by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                              "confirming the clock needs a reason");
    err = gate_clock_confirm(call->host->gate, &by, call->now_us);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "not confirmed: %s", err_text(err));
    time_text(call->now_us, now);
    line_say(
        call->out,
        "confirmed: it is %s; what was kept long enough by that is forgotten with the next run, and what "
        "waited for the time alone is decided again",
        now);
    return ERR_OK;
}

const struct command command_retention_rows[] = {
    {"retention", false, retention},
    {"retention.confirm", true, confirm},
    {NULL, false, NULL},
};
