/* Retention: once an hour what was kept long enough is forgotten, a page a turn, while the node serves. Never
 * by a clock that nobody confirmed. */
#include "app/core_state.h"
#include "gate/words.h"

#define EVERY_US (INT64_C(3600) * 1000 * 1000)

enum { LOOK_AGAIN_US = 10 * 1000 * 1000 };

static int64_t steady_us(const struct core_role *role)
{
    return role->os->mono_us(role->os->ctx);
}

/* Said once for each time that it is found so. */
static void wait_for_people(struct core_role *role, enum gate_clock clock)
{
    struct retaining *r = &role->retaining;
    r->next_us = steady_us(role) + LOOK_AGAIN_US;
    if (!r->said)
        diag_say(role->diag, DIAG_ERROR, ERR_DENIED, "retention",
                 "look at the clock, then `bongsu retention confirm --because \"...\"`",
                 "our clock is more than a day %s until somebody confirms it",
                 clock == GATE_CLOCK_AHEAD
                     ? "ahead of the last run: nothing is forgotten, and nothing leaves by time alone,"
                     : "behind the last run: nothing is forgotten");
    r->said = true;
}

static err_t end_run(struct core_role *role, int64_t now_us)
{
    struct retaining *r = &role->retaining;
    r->gone.access_files = access_forget(role->access, now_us);
    if (r->gone.quarantined + r->gone.access_files + r->gone.words > 0)
        diag_say(role->diag, DIAG_NOTICE, ERR_OK, "retention", NULL,
                 "forgotten: %llu entries of the quarantine, %llu files of the access record, the words of "
                 "%llu days",
                 (unsigned long long)r->gone.quarantined, (unsigned long long)r->gone.access_files,
                 (unsigned long long)r->gone.words);
    err_t err = gate_retained(role->gate, &r->gone, now_us);
    *r = (struct retaining) {.next_us = steady_us(role) + EVERY_US};
    return err;
}

/* A page: of refused input, or, behind the last of these, of days whose words are over. */
static err_t next_page(struct core_role *role, int64_t now_us, size_t *out_gone)
{
    struct retaining *r = &role->retaining;
    unsigned evidence_days = role->conf->evidence_days;
    err_t err;
    *out_gone = 0;
    if (r->cursor != UINT64_MAX) {
        err = gate_retain(role->gate, role->conf->quarantine_days, now_us, &r->cursor, out_gone);
        r->gone.quarantined += err == ERR_OK ? *out_gone : 0;
        r->words_left = evidence_days != 0;
        return err;
    }
    err = gate_retain_words(role->gate, evidence_days, now_us, out_gone);
    r->gone.words += err == ERR_OK ? *out_gone : 0;
    r->words_left = *out_gone > 0;
    return err;
}

static err_t run(struct core_role *role, int64_t now_us)
{
    struct retaining *r = &role->retaining;
    size_t gone;
    err_t err = next_page(role, now_us, &gone);
    if (err != ERR_OK || (gone > 0 && TRY(err, core_purge_now(role))))
        return err;
    if (r->cursor == UINT64_MAX && !r->words_left)
        return end_run(role, now_us);
    core_wake(role);
    return ERR_OK;
}

void core_retention_turn(struct core_role *role)
{
    struct gate_kept kept;
    int64_t now_us = core_now(role);
    if (role->edge == NULL || gate_health(role->gate).read_only || steady_us(role) < role->retaining.next_us)
        return;
    err_t err = gate_kept_get(role->gate, &kept);
    enum gate_clock clock = err == ERR_OK ? gate_clock(&kept, now_us) : GATE_CLOCK_GOOD;
    if (clock == GATE_CLOCK_AHEAD || clock == GATE_CLOCK_BEHIND) {
        wait_for_people(role, clock);
        return;
    }
    /* The first run of all takes note of the time. */
    static const struct gate_forgotten nothing;
    if (err == ERR_OK)
        err = clock == GATE_CLOCK_NEW ? gate_retained(role->gate, &nothing, now_us) : run(role, now_us);
    if (clock == GATE_CLOCK_NEW || err != ERR_OK)
        role->retaining =
            (struct retaining) {.next_us = steady_us(role) + (err == ERR_OK ? EVERY_US : LOOK_AGAIN_US)};
    if (err != ERR_OK && err != ERR_BUSY)
        diag_say(role->diag, DIAG_ERROR, err, "retention", "look at the disk", "nothing is forgotten: %s",
                 err_text(err));
}

int64_t core_retention_until(const struct core_role *role)
{
    if (role->edge == NULL)
        return INT64_MAX;
    return core_now(role) + (role->retaining.next_us - steady_us(role));
}
