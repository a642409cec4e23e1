/* One page of a view: filtered, cut, in the order of date_added (TAXII 2.1 sections 3.4, 3.5). For taxii/
 * only.
 *
 * match[version]=last is decided entry by entry: an entry is skipped when the view holds a later one of its
 * id. So no page depends on the one before, and pages never have to be kept. */
#pragma once

#include "taxii/query.h"
#include "taxii/view.h"

struct item {
    uint64_t position, order; /* struct entry */
    int64_t date_us;
    struct stix_key key;
    struct stamp stamp;
    size_t id_at, id_len, version_at, version_len, object_at, object_len; /* in the page's text */
};

struct page {
    struct item *items;
    size_t count;
    bool more;
    uint64_t next; /* position to go on from, when more */
    struct buf text;
};

/* The objects' bytes are copied only when asked for. */
NODISCARD err_t page_read(struct view *view, const struct query *query, uint64_t from, bool with_objects,
                          struct page *out);
void page_deinit(struct page *page);
/* match[version] (section 3.4.1) for the version at `index` among those of its id. */
NODISCARD err_t page_matches(struct view *view, const struct query *query, struct version *versions,
                             size_t count, size_t index, bool *out);

static inline struct str page_text(const struct page *page, size_t at, size_t len)
{
    return (struct str) {(const char *)page->text.at + at, len};
}
