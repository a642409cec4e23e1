/* What this node says in its own name at a server that it gives a partner's view to (docs/protocol/RECALL.md
 * section 4): that something was taken back, and who says so. No leaf commits to it, so the guard knows the
 * forms by heart: whatever else would stand in one makes it none. Written from that page, apart from feeds/.
 *
 * For guard/ only. Pure; borrows; one thread. */
#pragma once

#include <stdbool.h>

#include "core/str.h"

enum word_kind {
    WORD_NONE,
    WORD_SELF,    /* this node's identity: its name, and nothing else that is free */
    WORD_NOTE,    /* about an object */
    WORD_REVOKED, /* the object again, revoked and without its content */
};

struct word {
    enum word_kind kind;
    struct str own;   /* its identifier */
    struct str about; /* of the object that it is about; empty: of none */
};

/* The bytes of one object, from { to }. `self`: this node's identity; empty: it has none, and says nothing.
 */
struct word word_read(struct bytes object, struct str self);
