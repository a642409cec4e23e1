/* The search file: what objects are found by, in an SQLite file with its full-text index (FTS5), beside the
 * index. It is derived like the index: it lags behind the log, says how far it has come, and when it is
 * missing, damaged or of another form it is made again. Nothing waits for it.
 *
 * What is found are log positions (lsn), ascending or descending; what stands there, and whether somebody may
 * see it, is the caller's to ask. The file holds words of objects in the clear (docs/threat-model.md); it and
 * its companions have mode 0600.
 *
 * It is made of parts, each a full-text index of its own over at most LIMIT_SEARCH_PART_DOCS objects in the
 * log's order. Forgetting drops the part (its pages are overwritten, and what was written beside the file as
 * well) and has it made again from what may still be read: there is no merge that could keep a word behind.
 *
 * Threads: search_add may run in any one thread while the owner's thread calls the functions marked (read).
 * Everything else is the owner's while no search_add runs. */
#pragma once

#include "os/os.h"
#include "search/query.h"

struct search;

struct search_setup {
    const struct os *os;
    const char *path;   /* of the file; "-wal" and "-shm" stand beside it */
    struct str node;    /* whose log; another's file is thrown away */
    uint64_t first_lsn; /* where the log begins */
    uint64_t end_lsn;   /* a file that knows more than this is of another log: thrown away */
};

/* Opens or makes it. A file that cannot be read, or is not ours, is replaced by an empty one: *out_remade. */
NODISCARD err_t search_open(const struct search_setup *setup, struct search **out, bool *out_remade);
void search_close(struct search *search); /* accepts NULL */
/* Throws all of it away: ERR_CORRUPT of any other function asks for that. */
NODISCARD err_t search_reset(struct search *search);

struct search_range {
    uint32_t part;
    uint64_t from, until; /* positions; until UINT64_MAX: as far as the log goes */
};
/* (read) What is to be indexed next. */
struct search_range search_next(const struct search *search);
/* (read) Everything below was indexed, but for parts that are being made again. */
uint64_t search_applied(const struct search *search);
/* (read) Parts that are being made again: answers may lack objects. */
unsigned search_holes(const struct search *search);

struct search_doc {
    uint64_t lsn;
    struct str terms, text; /* of search_document */
};
struct search_batch {
    struct search_range range;     /* as search_next gave it */
    const struct search_doc *docs; /* rising, within the range */
    size_t count;
    uint64_t to; /* everything below, from range.from on, is in docs or has no words */
};
/* One transaction. Then search_added in the owner's thread, with what it gave; it returns that. */
NODISCARD err_t search_add(struct search *search, const struct search_batch *batch);
err_t search_added(struct search *search, const struct search_batch *batch, err_t err);

struct search_page {
    uint64_t from; /* ascending: the first position wanted; descending: the first that is not */
    bool descending;
    uint64_t *lsns; /* at most `size` go here */
    size_t size;
    size_t count;  /* result */
    uint64_t next; /* result: `from` of the next page; meaningless when `end` */
    bool end;      /* result: nothing follows */
};
/* (read) The next objects that answer the question. At most one part is asked a call: count may be 0 without
 * an end. ERR_CORRUPT. */
NODISCARD err_t search_find(struct search *search, const struct search_query *query,
                            struct search_page *page);

/* Nothing of these objects remains in the file or beside it when it returns; the parts that held them are to
 * be made again (search_next tells). The caller no longer gives their words. */
NODISCARD err_t search_forget(struct search *search, const uint64_t *lsns, size_t count);
