/* Answers packed for who asks for it (Accept-Encoding): what is worth packing, and what the answer then says.
 * One thread: edge's. */
#pragma once

#include "net/coding.h"
#include "net/server.h"

/* What a request wishes. */
struct edge_wish {
    enum coding coding;
    bool plain; /* identity is acceptable too */
};

/* Whether a body of `len` bytes goes out packed. */
bool edge_pack_pays(const struct edge_wish *wish, size_t len);
/* Packs into a page; NULL: no memory. */
struct page *edge_pack_page(enum coding coding, struct bytes body);
/* Adds Content-Encoding (unless identity) and Vary to the answer's fields. */
void edge_pack_say(enum coding coding, struct answer *answer);
