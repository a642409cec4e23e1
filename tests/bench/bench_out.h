/* What every benchmark shares: the clock, the way to stop, and one JSON row a figure for results.json. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "core/err.h"
#include "os/os.h"

static inline double bench_now(void)
{
    return (double)os_linux()->mono_us(NULL) / 1e6;
}

static inline void bench_check(err_t err, const char *what)
{
    if (err == ERR_OK)
        return;
    fprintf(stderr, "bench: %s: %s\n", what, err_text(err));
    exit(1);
}

/* `ratio` says how the value stands to the floor (or to the aim when there is no floor); `note` may not hold
 * quotes. */
static inline void bench_row(const char *name, double value, const char *unit, double floor_value,
                             double ratio, const char *note)
{
    printf("{\"name\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"floor\": %.6g, \"ratio\": %.3f, "
           "\"note\": \"%s\"}\n",
           name, value, unit, floor_value, ratio, note);
}
