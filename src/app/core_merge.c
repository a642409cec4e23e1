/* The index follows the log in a thread of its own: a merge takes tenths of a second, and a partner waits for
 * milliseconds. */
#include "app/core_state.h"

static void run(void *ctx)
{
    struct merging *merging = ctx;
    merging->err = gate_merge_run(merging->merge);
    merging->over = true;
    loop_wake(merging->loop);
}

static void say_failed(struct core_role *role, err_t err)
{
    diag_say(role->diag, DIAG_ERROR, err, "core", "look at the disk, then restart the node",
             "the index could not follow the log: %s", err_text(err));
}

void core_merge_end(struct core_role *role)
{
    struct merging *merging = &role->merging;
    if (merging->merge == NULL)
        return;
    os_thread_join(merging->thread);
    err_t err = gate_merge_done(role->gate, merging->merge, merging->err);
    merging->merge = NULL;
    merging->thread = NULL;
    if (err != ERR_OK)
        say_failed(role, err);
}

static void begin(struct core_role *role)
{
    struct merging *merging = &role->merging;
    err_t err = gate_merge_begin(role->gate, &merging->merge);
    if (err == ERR_NOTFOUND)
        return;
    if (err != ERR_OK) {
        merging->merge = NULL;
        say_failed(role, err);
        return;
    }
    merging->over = false;
    if (os_thread_begin(run, merging, &merging->thread) != ERR_OK) {
        run(merging); /* no thread to be had: then everyone waits */
        core_merge_end(role);
    }
}

void core_merge_turn(struct core_role *role)
{
    if (role->merging.merge != NULL && role->merging.over)
        core_merge_end(role);
    if (role->merging.merge == NULL && gate_merge_due(role->gate))
        begin(role);
}

err_t core_merge_now(struct core_role *role)
{
    core_merge_end(role);
    err_t err = gate_commit(role->gate);
    return err != ERR_OK ? err : gate_merge(role->gate, false);
}
