/* The times that an object states of itself, as conditions of `find`: when it was made, when its version was,
 * and whether an indicator or the like held at a moment. The time of arrival is the gate's. One thread. */
#pragma once

#include "app/command.h"
#include "stix/stix.h"

enum { FIND_TIMES = 5 };

struct find_times {
    bool given[FIND_TIMES];
    struct stamp at[FIND_TIMES];
};

/* Reads the options of the call; refuses what is no time. */
NODISCARD err_t find_times_read(struct command_call *call, struct find_times *out);
/* What does not state a time that is asked for does not pass. An object without valid_until holds for ever
 * (section 4.7). */
bool find_times_pass(const struct find_times *times, const struct stix_object *object);
