/* Diagnostics: one failure, one line: what happened, why, what to do. Rooms hand lines to a sink that the
 * caller supplies; only app/ prints. Never put secrets, tokens, passphrases or object contents into a line.
 */
#pragma once

#include <stdint.h>

#include "core/err.h"

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTICE, DIAG_DEBUG };

struct diag_line {
    enum diag_level level;
    err_t err;        /* ERR_OK when nothing failed */
    const char *room; /* "store", "sync" ... */
    const char *what; /* what happened and why */
    const char *next; /* what to do about it; may be NULL */
};

struct diag {
    void (*line)(void *ctx, const struct diag_line *line); /* NULL: nobody listens */
    void *ctx;
};

void diag_say(const struct diag *diag, enum diag_level level, err_t err, const char *room, const char *next,
              const char *fmt, ...) __attribute__((format(printf, 6, 7)));
