/* The inside of a search file, shared by its files. Nobody outside src/search includes this. */
#pragma once

#include <sqlite3.h>

#include "search/search.h"

struct part {
    uint64_t from, until; /* until: UINT64_MAX while it is open */
    uint64_t done;        /* indexed below */
    uint64_t docs;
};

struct search {
    const struct os *os;
    char *path;
    char node[256];
    size_t node_len;
    uint64_t first_lsn;
    sqlite3 *writer, *reader;
    struct part *parts;
    uint32_t part_count;
};

/* tokens.c: makes words_next the tokenizer "bongsu" of this connection. */
NODISCARD err_t tokens_register(sqlite3 *db);
/* What SQLite says, in ours. */
err_t search_err(int code);
/* "p12" */
enum { PART_NAME_SIZE = 16 };
void part_name(uint32_t part, char out[PART_NAME_SIZE]);
