/* The search file following the log: read in small portions while nothing else waits, written by a thread. */
#include <stdio.h>

#include "app/core_state.h"
#include "app/file.h"

void core_search_open(struct core_role *role)
{
    struct searching *s = &role->searching;
    char path[FILE_PATH_SIZE];
    s->loop = role->loop;
    err_t err = file_path(role->conf->dir, CORE_SEARCH_FILE, path);
    if (err == ERR_OK)
        err = gate_search_open(role->gate, path, &s->search);
    if (err != ERR_OK)
        diag_say(role->diag, DIAG_ERROR, err, "search", NULL, "nothing can be searched for: %s",
                 err_text(err));
    role->host.search = s->search;
}

static void run(void *ctx)
{
    struct searching *s = ctx;
    s->err = gate_search_run(s->search);
    s->over = true;
    loop_wake(s->loop);
}

static void end_run(struct searching *s)
{
    if (!s->running)
        return;
    os_thread_join(s->thread);
    s->thread = NULL;
    s->running = false;
    (void)!gate_search_done(s->search, s->err); /* it said so itself, and knows what to do */
}

static void begin_run(struct searching *s)
{
    s->running = true;
    s->over = false;
    if (os_thread_begin(run, s, &s->thread) != ERR_OK) {
        run(s); /* no thread to be had: then everyone waits */
        end_run(s);
    }
}

static bool idle(const struct core_role *role)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (role->adding[i].used)
            return false;
    return role->settled;
}

void core_search_turn(struct core_role *role)
{
    struct searching *s = &role->searching;
    bool ready = false;
    int64_t now = core_now(role);
    if (s->search == NULL)
        return;
    if (s->running && s->over)
        end_run(s);
    if (s->running || (!idle(role) && now >= s->gathered_us && now < s->gathered_us + LIMIT_SEARCH_BUSY_US))
        return;
    s->gathered_us = now;
    err_t err = gate_search_gather(s->search, LIMIT_SEARCH_GATHER, &ready);
    if (err == ERR_OK && ready)
        begin_run(s);
    else if (err == ERR_OK)
        core_wake(role);
}

int64_t core_search_until(const struct core_role *role)
{
    const struct searching *s = &role->searching;
    int64_t streams = role->streams_until_us, busy = s->gathered_us + LIMIT_SEARCH_BUSY_US;
    if (s->search == NULL || s->running || idle(role))
        return streams;
    return busy < streams ? busy : streams;
}

void core_search_end(struct core_role *role)
{
    end_run(&role->searching);
}

err_t core_search_whole(struct core_role *role)
{
    enum { BATCHES = 64, STEPS = 4096 };
    struct searching *s = &role->searching;
    err_t err = s->search == NULL ? ERR_WRONGSTATE : gate_commit(role->gate);
    core_search_end(role);
    for (unsigned step = 0, batches = 0; err == ERR_OK && step < STEPS && batches < BATCHES; step++) {
        bool ready = false;
        err = gate_search_gather(s->search, LIMIT_SEARCH_GATHER, &ready);
        if (err == ERR_OK && ready)
            err = gate_search_done(s->search, gate_search_run(s->search));
        batches += ready;
    }
    return err == ERR_NOTFOUND ? ERR_OK : err != ERR_OK ? err : ERR_BUSY;
}

void core_search_close(struct core_role *role)
{
    struct searching *s = &role->searching;
    if (s->search == NULL)
        return;
    end_run(s);
    gate_search_close(s->search);
    s->search = NULL;
    role->host.search = NULL;
}
