/* The text of a file to be added or looked at: as it is, or unpacked (gzip, zstd), however large. It is
 * mapped, never loaded; what is packed or comes by a pipe is first spooled into a file without a name. */
#pragma once

#include "cli/cli.h"
#include "os/input.h"

struct text {
    struct os_input input;
    struct bytes bytes; /* mapped; good until text_close */
};

/* Says why not, and `next`: what that means. "-" is standard input. */
NODISCARD bool text_open(const char *path, const char *next, struct text *out);
void text_close(struct text *text);
