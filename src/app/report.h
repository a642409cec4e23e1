/* Where diagnostics end: standard error, as text for people on a terminal, as JSON lines otherwise
 * ({"time","level","node","role","room","error","what","next"}). The only place of this program that
 * prints a diagnostic. Any thread; a line is one write. */
#pragma once

#include <stdbool.h>

#include "core/diag.h"
#include "os/os.h"

struct report {
    const struct os *os;
    const char *node; /* may be empty */
    const char *role; /* "core" ... */
    bool json;
    struct diag diag; /* hand this on */
};

/* `report` must stay where it is. */
void report_init(struct report *report, const struct os *os, const char *node, const char *role);
