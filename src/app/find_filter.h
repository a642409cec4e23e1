/* The conditions of `bongsu find`, which other commands take as well: what a call says in its arguments
 * becomes a question to the gate and a test of what it finds. All that are given must hold. One thread. */
#pragma once

#include "app/find_times.h"
#include "gate/query.h"

struct find_filter {
    struct gate_filter gate;
    struct find_times times;
    char tag[LIMIT_NAME_BYTES];
};

void find_filter_init(struct find_filter *filter);
void find_filter_deinit(struct find_filter *filter);
/* Reads the arguments; refuses what cannot be meant. `out` was begun by init, and stays where it is. */
NODISCARD err_t find_filter_read(struct command_call *call, struct find_filter *out);
/* Does the call state any condition? */
bool find_filter_given(const struct command_call *call);
/* What gate_find found has to pass this as well. */
bool find_filter_pass(const struct find_filter *filter, const struct gate_found *found);
