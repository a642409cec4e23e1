/* What rows of cmd_control.c run: policy test, policy check, policy show, policy activate. */
#pragma once

#include "cli/cli.h"

int run_policy_test(struct cli_call *call);
/* The node's word; where none is named, what the text says by itself. */
int run_policy_check(struct cli_call *call);
/* The text to standard output, and nothing beside it: it may go to a file. */
int run_policy_show(struct cli_call *call);
/* Refuses when an example beside the policy fails; otherwise the node's word. */
int run_policy_activate(struct cli_call *call);
