/* What a command wants called back, from its arguments: an identifier or a number, the conditions of find, an
 * incident with what belongs to it, or what some rule, policy or time let go. All that is given must hold. */
#pragma once

#include "app/command.h"

struct recall_choice {
    uint64_t *lsns; /* each once, rising; in the arena of the call */
    size_t count;   /* at most LIMIT_RECALL_OBJECTS */
    size_t stays;   /* named by the incident, and at home elsewhere */
};

/* ERR_USAGE when nothing is given, and whatever else does not make a choice; the refusal says it. */
NODISCARD err_t recall_choose(struct command_call *call, struct recall_choice *out);
