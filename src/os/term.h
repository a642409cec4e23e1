/* Standard streams and terminals, for the command line and for diagnostics. */
#pragma once

#include <stdbool.h>

#include "core/buf.h"
#include "core/err.h"

/* Is descriptor 0, 1 or 2 a terminal? */
bool os_term_is(int fd);
/* Columns of the terminal at descriptor `fd`; 80 when it does not say. */
unsigned os_term_columns(int fd);
/* Asks on the controlling terminal, without echo; the line end is cut off. ERR_NOTFOUND: there is no
 * terminal. ERR_LIMIT. The caller wipes `out`. */
NODISCARD err_t os_term_secret(const char *prompt, struct buf *out);
/* Appends up to `size` bytes of standard input to `out`; *out_end at its end. Waits. */
NODISCARD err_t os_term_input(struct buf *out, size_t size, bool *out_end);
/* NULL when unset or empty. */
const char *os_term_env(const char *name);
/* The user's name for records ("root"), or "uid N". */
void os_term_user(unsigned uid, char *out, size_t size);
/* Waits so long, or until a signal. */
void os_term_pause(unsigned ms);
