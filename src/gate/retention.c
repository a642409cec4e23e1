#include "gate/retention.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"

enum { PAGE = 256, LOOK = 4096, KEPT_VERSION_FIRST = 1, KEPT_VERSION = 2, KEPT_SIZE = 64 };

#define DAY_US (INT64_C(86400) * 1000 * 1000)

static const char key[] = "gate/retention";
static const char clock_key[] = "gate/clock"; /* held while what time lets go waits */

/* --- the clock --- */

err_t gate_kept_get(const struct gate *gate, struct gate_kept *out)
{
    uint8_t raw[KEPT_SIZE];
    struct buf value = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    struct gate_kept kept = {0};
    bool held = gate_setting_get(gate, str_of(key), &value);
    if (!held && buf_err(&value) != ERR_OK && buf_err(&value) != ERR_LIMIT)
        return buf_err(&value);
    struct rd rd = rd_of(buf_bytes(&value));
    unsigned version = held ? rd_u8(&rd) : 0;
    if (version == KEPT_VERSION_FIRST || version == KEPT_VERSION) {
        kept.run_us = (int64_t)rd_u64(&rd);
        kept.forgot_us = (int64_t)rd_u64(&rd);
        kept.quarantined = rd_u64(&rd);
        kept.access_files = rd_u64(&rd);
        kept.words = version == KEPT_VERSION ? rd_u64(&rd) : 0;
    }
    *out = held && rd_end(&rd) == ERR_OK ? kept : (struct gate_kept) {0};
    return ERR_OK;
}

static err_t kept_put(struct gate *gate, const struct gate_kept *kept, const struct gate_by *by,
                      int64_t now_us)
{
    uint8_t raw[1 + 5 * 8];
    struct buf value = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_u8(&value, KEPT_VERSION);
    wr_u64(&value, (uint64_t)kept->run_us);
    wr_u64(&value, (uint64_t)kept->forgot_us);
    wr_u64(&value, kept->quarantined);
    wr_u64(&value, kept->access_files);
    wr_u64(&value, kept->words);
    must(buf_err(&value) == ERR_OK);
    return gate_setting_put(gate, str_of(key), buf_bytes(&value), by, now_us);
}

enum gate_clock gate_clock(const struct gate_kept *kept, int64_t now_us)
{
    if (kept->run_us == 0)
        return GATE_CLOCK_NEW;
    if (now_us > kept->run_us && now_us - kept->run_us > DAY_US)
        return GATE_CLOCK_AHEAD;
    return now_us < kept->run_us && kept->run_us - now_us > DAY_US ? GATE_CLOCK_BEHIND : GATE_CLOCK_GOOD;
}

bool gate_clock_holds(const struct gate *gate)
{
    return gate->unsure_us != 0;
}

/* It stands in the log that the clock was not believed: also who was restarted meanwhile decides all again.
 */
err_t clock_settle(struct gate *gate, int64_t now_us)
{
    const struct gate_by by = {STR("gate"), STR("")};
    const uint8_t yes = 1;
    struct gate_kept kept;
    struct bytes held;
    err_t err = gate_kept_get(gate, &kept);
    if (err != ERR_OK)
        return err;
    bool ahead = gate_clock(&kept, now_us) == GATE_CLOCK_AHEAD;
    gate->unsure_us = ahead ? now_us - kept.run_us - DAY_US : 0;
    err = fact_get(gate, RECORD_FACT_NODE, bytes_from_str(str_of(clock_key)), &held);
    if ((err != ERR_OK && err != ERR_NOTFOUND) || ahead == (err == ERR_OK))
        return err == ERR_NOTFOUND ? ERR_OK : err;
    err = gate_setting_put(gate, str_of(clock_key), bytes_of(&yes, ahead), &by, now_us);
    return err == ERR_BUSY ? ERR_OK : err; /* a full index: at the next step */
}

bool clock_asks(const struct record_fact *fact, struct job *job)
{
    job->scope = JOB_ALL;
    return fact->value.len == 0 && str_eq(str_from_bytes(fact->key), str_of(clock_key));
}

err_t gate_clock_confirm(struct gate *gate, const struct gate_by *by, int64_t now_us)
{
    struct gate_kept kept;
    err_t err = gate_kept_get(gate, &kept);
    if (err != ERR_OK)
        return err;
    kept.run_us = now_us;
    return kept_put(gate, &kept, by, now_us);
}

err_t gate_retained(struct gate *gate, const struct gate_forgotten *forgot, int64_t now_us)
{
    /* Nobody's words: an hourly run must not make a secret of the day for itself. */
    const struct gate_by by = {STR("gate"), STR("")};
    struct gate_kept kept;
    err_t err = gate_kept_get(gate, &kept);
    if (err != ERR_OK)
        return err;
    enum gate_clock clock = gate_clock(&kept, now_us);
    if (clock != GATE_CLOCK_GOOD && clock != GATE_CLOCK_NEW)
        return ERR_DENIED;
    /* A clock that goes back a little does not make what was kept younger. */
    kept.run_us = now_us > kept.run_us ? now_us : kept.run_us;
    if (forgot->quarantined + forgot->access_files + forgot->words > 0)
        kept.forgot_us = now_us;
    kept.quarantined += forgot->quarantined;
    kept.access_files += forgot->access_files;
    kept.words += forgot->words;
    return kept_put(gate, &kept, &by, now_us);
}

/* --- what is over --- */

/* One entry of the quarantine, open or closed. */
struct entry {
    uint64_t lsn;
    int64_t received_us;
    bool open, conflict;
};

static err_t entry_read(struct gate *gate, struct entry *entry)
{
    struct record_envelope envelope;
    struct frame frame;
    err_t err;
    if (TRY(err, store_read(gate->store, entry->lsn, &frame)) ||
        TRY(err, record_envelope_read(frame.envelope, &envelope)))
        return err;
    entry->received_us = envelope.received_us;
    entry->conflict = envelope.reason == RECORD_QUARANTINE_CONFLICT;
    return ERR_OK;
}

static bool is_due(const struct gate *gate, const struct entry *entry, unsigned days, int64_t now_us)
{
    if (entry->conflict || spilled(gate, entry->lsn))
        return false;
    return !entry->open || now_us - entry->received_us > (int64_t)days * DAY_US;
}

/* Entries at or behind *cursor: closed ones ('c'), then open ones ('Q'), which the cursor tells apart by its
 * lowest bit. Positions are below 2^63. */
static err_t walk(struct gate *gate, uint64_t *cursor, size_t most,
                  bool (*visit)(void *ctx, const struct entry *entry), void *ctx)
{
    bool open = (*cursor & 1) != 0;
    uint8_t start[9] = {open ? 'Q' : 'c'};
    struct store_scan *scan;
    struct bytes found, value;
    uint64_t next = *cursor;
    bool more = true;
    wr_at_u64(start + 1, *cursor >> 1);
    err_t err =
        store_scan_open(gate->store, TABLE_FACT, bytes_of(start, 1), bytes_of(start, sizeof start), &scan);
    if (err != ERR_OK)
        return err;
    for (size_t looked = 0; more && looked < most; looked++) {
        if (TRY(err, store_scan_next(scan, &found, &value)))
            break;
        struct rd rd = rd_of(bytes_of(found.at + 1, found.len - 1));
        struct entry entry = {.lsn = rd_u64(&rd), .open = open};
        if (entry.lsn >= store_durable_lsn(gate->store) || TRY(err, entry_read(gate, &entry)))
            break;
        more = visit(ctx, &entry);
        next = (entry.lsn + 1) << 1 | open;
    }
    store_scan_close(scan);
    if (err == ERR_NOTFOUND)
        next = open ? UINT64_MAX : 1;
    *cursor = next;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

struct page {
    const struct gate *gate;
    unsigned days;
    int64_t now_us;
    uint64_t lsns[PAGE];
    size_t count;
};

static bool take(void *ctx, const struct entry *entry)
{
    struct page *page = ctx;
    if (is_due(page->gate, entry, page->days, page->now_us))
        page->lsns[page->count++] = entry->lsn;
    return page->count < PAGE;
}

err_t gate_retain(struct gate *gate, unsigned days, int64_t now_us, uint64_t *cursor, size_t *out_gone)
{
    char because[64];
    struct page page = {.gate = gate, .days = days, .now_us = now_us};
    struct gate_destroyed gone;
    struct gate_kept kept;
    uint64_t next = *cursor;
    err_t err;
    if (TRY(err, gate_kept_get(gate, &kept)))
        return err;
    if (gate_clock(&kept, now_us) != GATE_CLOCK_GOOD)
        return ERR_DENIED;
    if (gate->group_open && TRY(err, gate_commit(gate)))
        return err;
    err = walk(gate, &next, LOOK, take, &page);
    store_view_end(gate->store);
    if (err == ERR_OK && page.count > 0) {
        (void)snprintf(because, sizeof because, "closed, or kept for %u days", days);
        const struct gate_by by = {STR("retention"), str_of(because)};
        err = gate_destroy(gate, page.lsns, page.count, RECORD_CAUSE_RETENTION, &by, now_us, &gone);
    }
    if (err != ERR_OK)
        return err;
    *cursor = next;
    *out_gone = page.count;
    return ERR_OK;
}

struct counting {
    const struct gate *gate;
    unsigned days;
    int64_t now_us;
    struct gate_keeping *out;
};

static bool count(void *ctx, const struct entry *entry)
{
    struct counting *c = ctx;
    struct gate_keeping *out = c->out;
    out->due += is_due(c->gate, entry, c->days, c->now_us);
    out->conflicts += entry->conflict;
    out->closed += !entry->open;
    if (entry->conflict || !entry->open)
        return true;
    out->waiting++;
    if (out->oldest_us == 0 || entry->received_us < out->oldest_us)
        out->oldest_us = entry->received_us;
    return true;
}

err_t gate_keeping(struct gate *gate, unsigned days, int64_t now_us, struct gate_keeping *out)
{
    struct counting c = {gate, days, now_us, out};
    uint64_t cursor = 0;
    err_t err = ERR_OK;
    *out = (struct gate_keeping) {0};
    while (err == ERR_OK && cursor != UINT64_MAX) {
        uint64_t before = cursor;
        err = walk(gate, &cursor, LOOK, count, &c);
        if (cursor == before)
            break; /* what follows is not durable yet */
    }
    store_view_end(gate->store);
    return err;
}
