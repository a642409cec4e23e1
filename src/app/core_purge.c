/* What was logged to be destroyed: nothing else may read the index or the search file then. A command does it
 * at once; what a crash or a full disk left over is done when it can be. */
#include "app/core_state.h"
#include "gate/recall.h"

enum { AGAIN_US = 60 * 1000 * 1000, LOOK_US = 60 * 1000 * 1000, SOON_US = 1000 * 1000 };

err_t core_purge_now(struct core_role *role)
{
    core_merge_end(role);
    core_search_end(role);
    return gate_purge(role->gate, role->searching.search, core_now(role));
}

/* What is called back goes when everybody is told. */
static err_t recall_now(struct core_role *role)
{
    bool did = false;
    err_t err = gate_recall_step(role->gate, core_now(role), &did);
    if (err != ERR_OK || !did)
        return err;
    core_wake(role); /* there may be more of it, and who called it back is answered */
    return core_purge_now(role);
}

void core_purge_turn(struct core_role *role)
{
    int64_t now_us = role->os->mono_us(role->os->ctx);
    bool purge = gate_purge_due(role->gate);
    if ((!purge && !gate_recall_due(role->gate)) || now_us < role->purge_again_us)
        return;
    err_t err = purge ? core_purge_now(role) : recall_now(role);
    if (err == ERR_OK)
        return;
    role->purge_again_us = now_us + AGAIN_US;
    diag_say(role->diag, DIAG_ERROR, err, "core", "look at the disk; it is tried again every minute",
             "what was to be destroyed is not all destroyed yet: %s", err_text(err));
}

/* --- who has not answered --- */

void core_recall_turn(struct core_role *role)
{
    struct gate_recall_counts counts;
    int64_t now_us = core_now(role), look_us = role->recalls_look_us;
    if (gate_recall_moved(role->gate) && look_us > now_us + SOON_US)
        role->recalls_look_us = look_us = now_us + SOON_US; /* many come at once */
    /* A clock that was set back makes it look at once. */
    if (now_us < look_us && (look_us == INT64_MAX || look_us - now_us <= LOOK_US))
        return;
    role->recalls_look_us = now_us + LOOK_US;
    if (gate_recall_count(role->gate, now_us, &counts) != ERR_OK)
        return;
    role->recalls = counts;
    if (counts.next_us < role->recalls_look_us)
        role->recalls_look_us = counts.next_us + 1;
    if (counts.pending == 0)
        role->recalls_look_us = INT64_MAX;
    if (counts.overdue_us <= role->recalls_said_us)
        return;
    role->recalls_said_us = counts.overdue_us;
    diag_say(role->diag, DIAG_ERROR, ERR_TIMEOUT, "recall",
             "telephone; `bongsu recall status` names what and who",
             "OVERDUE: %zu times somebody has not confirmed by the deadline that what was called back is "
             "destroyed",
             counts.overdue);
}

int64_t core_recall_until(const struct core_role *role)
{
    return role->recalls_look_us;
}
