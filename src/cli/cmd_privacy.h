/* Between the two files of `privacy`. */
#pragma once

#include "cli/cli.h"
#include "privacy/privacy.h"

/* cmd_privacy_measure.c */
int run_privacy_measure(struct cli_call *call);
