/* What comes out of the search file. */
#include <stdio.h>

#include "search/state.h"

/* The part that a page looks into; part_count: none is left. */
static uint32_t part_of(const struct search *search, const struct search_page *page)
{
    uint32_t count = search->part_count;
    if (page->descending) {
        for (uint32_t i = count; i > 0; i--)
            if (search->parts[i - 1].from < page->from)
                return i - 1;
        return count;
    }
    for (uint32_t i = 0; i < count; i++)
        if (search->parts[i].until > page->from)
            return i;
    return count;
}

static err_t ask(struct search *search, uint32_t part, const struct search_query *query,
                 struct search_page *page)
{
    static const char everything[] = "t:\"\x01*.\"";
    char sql[192], name[PART_NAME_SIZE];
    sqlite3_stmt *statement;
    struct str match = query->match.len > 0 ? buf_str(&query->match) : STR(everything);
    uint64_t from = page->from > INT64_MAX ? INT64_MAX : page->from;
    part_name(part, name);
    (void)snprintf(sql, sizeof sql,
                   "SELECT rowid FROM %s WHERE %s MATCH ?1 AND rowid %s ?2 ORDER BY rowid %s LIMIT ?3", name,
                   name, page->descending ? "<" : ">=", page->descending ? "DESC" : "ASC");
    if (sqlite3_prepare_v2(search->reader, sql, -1, &statement, NULL) != SQLITE_OK)
        return ERR_CORRUPT;
    (void)sqlite3_bind_text(statement, 1, match.at, (int)match.len, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)from);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)page->size);
    while (page->count < page->size && sqlite3_step(statement) == SQLITE_ROW)
        page->lsns[page->count++] = (uint64_t)sqlite3_column_int64(statement, 0);
    return search_err(sqlite3_finalize(statement));
}

err_t search_find(struct search *search, const struct search_query *query, struct search_page *page)
{
    uint32_t part = part_of(search, page);
    page->count = 0;
    page->end = part == search->part_count;
    if (page->end || search_query_err(query) != ERR_OK)
        return search_query_err(query);
    err_t err = ask(search, part, query, page);
    if (err != ERR_OK)
        return err;
    bool full = page->count == page->size;
    if (full) {
        uint64_t last = page->lsns[page->count - 1];
        page->next = page->descending ? last : last + 1;
    } else {
        page->next = page->descending ? search->parts[part].from : search->parts[part].until;
        page->end = page->descending ? part == 0 : part + 1 == search->part_count;
    }
    return ERR_OK;
}
