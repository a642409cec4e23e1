/* The access record as the core role keeps it: what it answers itself, and what edge says that it gave
 * again. */
#include "app/core_state.h"
#include "core/rd.h"

static void tick(void *ctx)
{
    struct core_role *role = ctx;
    role->access_ticking = false;
    access_tick(role->access, core_now(role));
}

static void flush(void *ctx)
{
    struct core_role *role = ctx;
    if (!access_flush(role->access, core_now(role)) || role->access_ticking)
        return;
    /* Without memory for a timer the next flush tries again. */
    role->access_ticking = loop_timer_set(role->loop, &role->access_timer,
                                          loop_now_ms(role->loop) + LIMIT_ACCESS_TICK_MS) == ERR_OK;
}

err_t core_access_open(struct core_role *role)
{
    role->access_task = (struct loop_task) {.run = flush, .ctx = role};
    role->access_timer = (struct loop_timer) {.fire = tick, .ctx = role};
    err_t err = access_open(role->os, role->conf->dir, role->conf->access_days, role->diag, &role->access);
    role->host.access = role->access;
    return err;
}

void core_access_close(struct core_role *role)
{
    loop_later_cancel(role->loop, &role->access_task);
    loop_timer_stop(role->loop, &role->access_timer);
    access_close(role->access);
}

static void put(struct core_role *role, const struct access_entry *entry)
{
    access_put(role->access, entry);
    loop_later(role->loop, &role->access_task);
}

void core_access_answer(struct core_role *role, const struct exchange_response *response)
{
    struct access_entry entry;
    if (response->note.len == 0 || access_note_read(buf_bytes(&response->note), &entry) != ERR_OK)
        return;
    entry.time_us = core_now(role);
    entry.status = response->status;
    entry.bytes = response->body.len;
    if (response->status >= 300)
        entry.objects = 0; /* none of them left, or none was taken in */
    put(role, &entry);
}

void core_access_told(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    while (rd.left > 0) {
        struct message_used used = message_used_next(&rd);
        struct access_entry entry;
        if (rd.err != ERR_OK || access_note_read(used.note, &entry) != ERR_OK || entry.who.len == 0)
            return;
        entry.time_us = core_now(role);
        entry.status = used.status;
        entry.requests = used.count;
        entry.objects = used.status >= 300 ? 0 : entry.objects * used.count;
        entry.bytes = (uint64_t)used.bytes * used.count;
        entry.by_edge = true;
        put(role, &entry);
    }
}
