/* What rows of cmd_control.c run: policy test, policy activate. */
#pragma once

#include "cli/cli.h"

int run_policy_test(struct cli_call *call);
/* Refuses when an example beside the policy fails; otherwise the node's word. */
int run_policy_activate(struct cli_call *call);
