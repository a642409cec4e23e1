/* What sources send again: counted in memory, logged as facts with the totals of a source and week, so that
 * replaying gives what the log says last. */
#include "core/rd.h"
#include "core/wr.h"
#include "gate/quality.h"
#include "gate/state.h"

enum { KINDS_FIRST = REPEAT_ECHO }; /* older nodes counted no more */

static struct bytes repeats_key(uint32_t source, int32_t week, uint8_t out[REPEATS_KEY_SIZE])
{
    wr_at(out, source, 4);
    wr_at(out + 4, (uint32_t)week, 4);
    return bytes_of(out, REPEATS_KEY_SIZE);
}

err_t repeats_read(struct bytes key, struct bytes value, struct repeats *out)
{
    struct rd name = rd_of(key), rd = rd_of(value);
    struct repeats repeats = {.source = rd_u32(&name)};
    repeats.week = (int32_t)rd_u32(&name);
    for (size_t i = 0; i < REPEAT_KINDS && (i < KINDS_FIRST || rd.left > 0); i++)
        repeats.count[i] = rd_u64(&rd);
    if (rd_end(&name) != ERR_OK || rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    *out = repeats;
    return ERR_OK;
}

static err_t keep_one(struct gate *gate, struct repeats *repeats, int64_t now_us)
{
    uint8_t key[REPEATS_KEY_SIZE], value[8 * REPEAT_KINDS];
    uint64_t lsn;
    for (size_t i = 0; i < REPEAT_KINDS; i++)
        wr_at_u64(value + 8 * i, repeats->count[i]);
    struct record_fact fact = {.kind = RECORD_FACT_REPEATS,
                               .key = repeats_key(repeats->source, repeats->week, key),
                               .value = bytes_of(value, sizeof value),
                               .by = STR("gate"),
                               .because = STR(""),
                               .at_us = now_us};
    buf_clear(&gate->record);
    record_fact_write(&gate->record, &fact);
    err_t err = gate_append(gate, FRAME_JOB, &lsn);
    if (err == ERR_OK)
        err = gate_torn(gate, fact_apply(gate, lsn, &fact), "repeats could not be taken over");
    repeats->dirty = err != ERR_OK;
    return err;
}

err_t gate_repeats_keep(struct gate *gate, int64_t now_us)
{
    err_t err;
    for (size_t i = 0; i < gate->repeats_count; i++)
        if (gate->repeats[i].dirty && TRY(err, keep_one(gate, &gate->repeats[i], now_us)))
            return err;
    gate->repeats_due_us = INT64_MAX;
    return ERR_OK;
}

/* The totals so far, from the index when memory has none. */
static err_t find(struct gate *gate, uint32_t source, int32_t week, int64_t now_us, struct repeats **out)
{
    uint8_t name[REPEATS_KEY_SIZE];
    struct bytes value, key = repeats_key(source, week, name);
    err_t err;
    for (size_t i = 0; i < gate->repeats_count; i++)
        if (gate->repeats[i].source == source && gate->repeats[i].week == week) {
            *out = &gate->repeats[i];
            return ERR_OK;
        }
    if (gate->repeats_count == LIMIT_REPEATS) {
        if (TRY(err, gate_repeats_keep(gate, now_us)))
            return err;
        gate->repeats_count = 0;
    }
    struct repeats fresh = {.source = source, .week = week};
    err = fact_get(gate, RECORD_FACT_REPEATS, key, &value);
    if (err == ERR_OK)
        err = repeats_read(key, value, &fresh);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    *out = &gate->repeats[gate->repeats_count++];
    **out = fresh;
    return ERR_OK;
}

err_t repeat_note(struct gate *gate, uint32_t source, int64_t now_us, enum repeat_kind kind)
{
    struct repeats *repeats;
    err_t err = find(gate, source, gate_week(now_us), now_us, &repeats);
    if (err != ERR_OK)
        return err;
    repeats->count[kind]++;
    repeats->dirty = true;
    if (gate->repeats_due_us == INT64_MAX)
        gate->repeats_due_us = now_us + LIMIT_REPEATS_KEEP_US;
    return ERR_OK;
}

/* --- echoes --- */

static bool is_counted_on(const struct gate *gate, const struct repeats *logged)
{
    for (size_t i = 0; i < gate->repeats_count; i++)
        if (gate->repeats[i].source == logged->source && gate->repeats[i].week == logged->week)
            return true;
    return false;
}

err_t gate_echoes(struct gate *gate, uint32_t source, uint64_t *out)
{
    uint8_t number[4], head[FACT_KEY_SIZE_MAX];
    struct store_scan *scan;
    struct bytes key, value;
    struct repeats logged;
    uint64_t sum = 0;
    wr_at(number, source, sizeof number);
    struct bytes prefix = fact_key(RECORD_FACT_REPEATS, bytes_of(number, sizeof number), head);
    err_t err = store_scan_open(gate->store, TABLE_FACT, prefix, bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    size_t skip = prefix.len - sizeof number;
    while (!TRY(err, store_scan_next(scan, &key, &value)) &&
           !TRY(err, repeats_read(bytes_of(key.at + skip, key.len - skip), value, &logged)))
        sum += is_counted_on(gate, &logged) ? 0 : logged.count[REPEAT_ECHO];
    store_scan_close(scan);
    store_view_end(gate->store);
    for (size_t i = 0; i < gate->repeats_count; i++)
        sum += gate->repeats[i].source == source ? gate->repeats[i].count[REPEAT_ECHO] : 0;
    if (err == ERR_NOTFOUND)
        *out = sum;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}
