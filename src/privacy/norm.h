/* Inside the room: a text as the recognisers read it. Dashes, spaces, middle dots, digits and letters of
 * every width become ASCII's, what cannot be seen goes, escapes of URLs and HTML are read, digits written one
 * by one stand together. Each byte knows what it was made of. */
#pragma once

#include "core/err.h"
#include "core/str.h"

enum { NORM_SMALL = 256 };

/* Bytes of the original. */
struct norm_span {
    uint32_t from, end;
};

/* Borrows the original when there is nothing to change; else a copy that is never longer. */
struct norm {
    struct str text;
    const struct norm_span *spans; /* one for each byte; NULL: it is the original */
    char *bytes;                   /* of the copy */
    struct norm_span *made;
    size_t size;
    char small_bytes[NORM_SMALL];
    struct norm_span small_spans[NORM_SMALL];
};

/* `name`: of a member, where an underscore is the one mark that the standard allows: it counts as a dash.
 * ERR_NOMEM; ERR_LIMIT: 4 GiB and more. norm_close only after success. */
NODISCARD err_t norm_open(struct str text, bool name, struct norm *out);
/* Wipes the copy. */
void norm_close(struct norm *norm);

/* Where what begins, or ends, at a byte of the copy does so in the original. */
size_t norm_from(const struct norm *norm, size_t at);
size_t norm_end(const struct norm *norm, size_t end);
