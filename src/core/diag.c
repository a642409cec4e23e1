#include "core/diag.h"

#include <stdarg.h>
#include <stdio.h>

enum { WHAT_MAX = 1024 };

void diag_say(const struct diag *diag, enum diag_level level, err_t err, const char *room, const char *next,
              const char *fmt, ...)
{
    if (diag == NULL || diag->line == NULL)
        return;
    char what[WHAT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    diag->line(diag->ctx, &(struct diag_line) {level, err, room, what, next});
}
