/* A question to the index, put together from what an operator gave. All parts must hold. */
#pragma once

#include "core/buf.h"
#include "core/err.h"
#include "search/term.h"

struct search_query {
    struct buf match; /* the condition in the words of the index; empty: everything */
};

void search_query_init(struct search_query *query);
void search_query_deinit(struct search_query *query);

/* Has exactly this term. */
void search_query_term(struct search_query *query, enum term_kind kind, struct str value);
/* An observable value, as an operator writes it: an address (networks that contain it included), a network
 * (addresses and networks inside, and networks that contain it), a hash, a domain, `.example` for a domain
 * and everything below it, a value that ends in `*` for all that begin so, or the value itself.
 * ERR_INVALID when empty. */
NODISCARD err_t search_query_value(struct search_query *query, struct str value);
/* Any of several, one a line. */
NODISCARD err_t search_query_values(struct search_query *query, struct str lines);
/* Words, all of which stand in the text; those in double quotes stand together, and so do the parts of what
 * is written without a blank. A `*` behind a word asks for what begins so. ERR_INVALID when there is no word
 * in it. */
NODISCARD err_t search_query_text(struct search_query *query, struct str text);
/* ERR_LIMIT: more than LIMIT_SEARCH_QUERY_BYTES. */
NODISCARD err_t search_query_err(const struct search_query *query);
