/* What operators ask and what objects hold: the cut into words and terms, and the questions made of them, put
 * to a search file. No text breaks the index's question language, and a text is always found by itself. */
#define _XOPEN_SOURCE 700
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/limit.h"
#include "search/search.h"
#include "search/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEEP = 500 };

static struct place {
    char dir[64], path[80];
    struct search *search;
    uint64_t lsn;
} place;

static void leave(void)
{
    char command[96];
    search_close(place.search);
    (void)snprintf(command, sizeof command, "rm -rf %s", place.dir);
    must(system(command) == 0);
}

static void enter(void)
{
    bool remade;
    (void)snprintf(place.dir, sizeof place.dir, "%s/bongsu-fuzz-XXXXXX", P_tmpdir);
    must(mkdtemp(place.dir) != NULL);
    (void)snprintf(place.path, sizeof place.path, "%s/search.db", place.dir);
    struct search_setup setup = {
        .os = os_linux(), .path = place.path, .node = STR("kr"), .first_lsn = 1, .end_lsn = UINT64_MAX};
    must(search_open(&setup, &place.search, &remade) == ERR_OK);
    must(atexit(leave) == 0);
    place.lsn = 1;
}

/* True when the object is among the answers. */
static bool finds(const struct search_query *query, uint64_t lsn)
{
    uint64_t found = 0;
    struct search_page page = {.from = lsn, .lsns = &found, .size = 1};
    must(search_find(place.search, query, &page) == ERR_OK);
    return page.count == 1 && found == lsn;
}

static void ask(struct str text, uint64_t lsn)
{
    struct search_query query;
    search_query_init(&query);
    if (search_query_text(&query, text) == ERR_OK && search_query_err(&query) == ERR_OK)
        must(finds(&query, lsn));
    search_query_deinit(&query);
    search_query_init(&query);
    if (search_query_values(&query, text) == ERR_OK && search_query_err(&query) == ERR_OK) {
        bool found = finds(&query, lsn);
        must(found || memchr(text.at, '\n', text.len) != NULL || text.at[text.len - 1] == '*' ||
             str_trim(text).len > TERM_BYTES_MAX);
    }
    search_query_deinit(&query);
}

static void put(struct str text, struct buf *terms)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    term_put(terms, TERM_ALL, STR("."));
    term_put_value(terms, text);
    (void)term_put_pattern(terms, text, &arena);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct buf terms;
    if (size == 0 || size > 4096 || !str_is_utf8(text))
        return 0;
    if (place.search == NULL)
        enter();
    if (place.lsn % KEEP == 0) {
        must(search_reset(place.search) == ERR_OK);
        place.lsn = 1;
    }
    buf_init(&terms, LIMIT_SEARCH_TERM_BYTES);
    put(text, &terms);
    struct search_doc doc = {place.lsn, buf_str(&terms), text};
    struct search_batch batch = {search_next(place.search), &doc, 1, place.lsn + 1};
    must(search_added(place.search, &batch, search_add(place.search, &batch)) == ERR_OK);
    ask(text, place.lsn++);
    buf_deinit(&terms);
    return 0;
}
