/* A text as its reader means it, however it is dressed: dashes, spaces, middle dots, digits and letters of
 * every width become ASCII's, what cannot be seen goes, escapes of URLs, HTML and programs are read. Each
 * byte knows what it was made of. One reading for all that look into texts: identifiers of others (cut.h,
 * named.h), personal data (privacy). It stands in this room because the guard may not include it, and must
 * not: that one reads with what it has itself.
 *
 * Linear in the text; no memory but the copy's. Any thread. */
#pragma once

#include "core/err.h"
#include "core/str.h"

enum { STIX_PLAIN_SMALL = 256 };

/* What it is read for. */
enum stix_plain_way {
    STIX_PLAIN_TEXT,   /* a soft hyphen between digits is a dash; digits written one by one stand together */
    STIX_PLAIN_MEMBER, /* the same of a member's name, where an underscore is the one mark that the standard
                          allows: it counts as a dash */
    STIX_PLAIN_NAMES,  /* of identifiers: a soft hyphen stays, as STIX_PLAIN_SOFT */
    /* The first two where digits in another dress than full width stay what they are: they number lists and
     * notes, too, and one grown together with a number or an address must not hide it. */
    STIX_PLAIN_TEXT_UNDRESSED,
    STIX_PLAIN_MEMBER_UNDRESSED,
};
#define STIX_PLAIN_SOFT '\xff' /* stands in no text in UTF-8 */

/* Bytes of the original. */
struct stix_plain_span {
    uint32_t from, end;
};

/* Borrows the original when there is nothing to change; else a copy that is never longer. */
struct stix_plain {
    struct str text;
    const struct stix_plain_span *spans; /* one for each byte; NULL: it is the original */
    char *bytes;                         /* of the copy */
    struct stix_plain_span *made;
    size_t size;
    bool dressed; /* the other reading, STIX_PLAIN_*_UNDRESSED, differs */
    char small_bytes[STIX_PLAIN_SMALL];
    struct stix_plain_span small_spans[STIX_PLAIN_SMALL];
};

/* ERR_NOMEM; ERR_LIMIT: 4 GiB and more. stix_plain_close only after success. */
NODISCARD err_t stix_plain_open(struct str text, enum stix_plain_way way, struct stix_plain *out);
/* Wipes the copy. */
void stix_plain_close(struct stix_plain *plain);

/* Where what begins, or ends, at a byte of the copy does so in the original. */
size_t stix_plain_from(const struct stix_plain *plain, size_t at);
size_t stix_plain_end(const struct stix_plain *plain, size_t end);
/* Did this byte stand for itself? */
static inline bool stix_plain_same(const struct stix_plain *plain, size_t at)
{
    return plain->spans == NULL || plain->spans[at].end - plain->spans[at].from == 1;
}
