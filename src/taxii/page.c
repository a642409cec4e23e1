#include "taxii/page.h"

#include <stdlib.h>

#include "core/mem.h"

/* What a page in the making needs. */
struct making {
    struct view *view;
    const struct query *query;
    bool with_objects;
    struct page *page;
    struct version *versions; /* LIMIT_TAXII_VERSIONS */
    struct stix_key known;    /* whose versions they are */
    size_t known_count;       /* 0: nobody's */
    size_t wanted;            /* stop at so many items: one more than the page, to know about `more` */
    size_t looked;            /* entries seen */
    uint64_t position;        /* behind the last entry seen */
    bool stopped;
};

/* --- filters --- */

static bool type_matches(const struct query *query, const struct stix_key *key)
{
    const uint8_t *digest = key->b + STIX_KEY_SIZE - STIX_TYPE_DIGEST_SIZE;
    for (size_t i = 0; i < query->type_count; i++) {
        if (memcmp(query->types[i].b, digest, STIX_TYPE_DIGEST_SIZE) == 0)
            return true;
    }
    return !query->has_types;
}

static bool listed(const struct query *query, const struct version *version)
{
    struct stamp stamp = version->versionless ? stamp_from_us(version->date_us) : version->stamp;
    for (size_t i = 0; i < query->version_count; i++) {
        if (stamp_cmp(query->versions[i], stamp) == 0)
            return true;
    }
    return false;
}

/* Another copy of the very same version, and the one that counts: see struct view. */
static bool shadows(const struct view *view, const struct version *other, const struct version *version)
{
    if (version->versionless || other->versionless || stamp_cmp(other->stamp, version->stamp) != 0)
        return false;
    return view->first_wins ? other->order < version->order : other->order > version->order;
}

static bool is_later(const struct version *a, const struct version *b)
{
    int order = stamp_cmp(a->stamp, b->stamp);
    return order > 0 || (order == 0 && a->order > b->order);
}

/* Its date has to be known when it has no version of its own and the query names times. */
static bool version_matches(const struct view *view, const struct query *query,
                            const struct version *versions, size_t count, size_t index)
{
    const struct version *version = &versions[index];
    bool later = false, earlier = false;
    for (size_t i = 0; i < count; i++) {
        if (i == index)
            continue;
        if (shadows(view, &versions[i], version))
            return false;
        if (shadows(view, version, &versions[i]))
            continue;
        later = later || is_later(&versions[i], version);
        earlier = earlier || is_later(version, &versions[i]);
    }
    return query->all || (query->last && !later) || (query->first && !earlier) || listed(query, version);
}

err_t page_matches(struct view *view, const struct query *query, struct version *versions, size_t count,
                   size_t index, bool *out)
{
    err_t err = ERR_OK;
    if (versions[index].versionless && query->version_count > 0)
        err = view_place(view, &versions[index]);
    if (err == ERR_OK)
        *out = version_matches(view, query, versions, count, index);
    return err;
}

/* --- items --- */

static size_t keep(struct page *page, const void *at, size_t len)
{
    size_t offset = page->text.len;
    buf_put(&page->text, at, len);
    return offset;
}

static void item_add(struct making *making, const struct entry *entry)
{
    struct page *page = making->page;
    struct item item = {.position = entry->position,
                        .order = entry->order,
                        .date_us = entry->date_us,
                        .key = entry->key,
                        .stamp = entry->stamp,
                        .id_len = entry->id.len,
                        .version_len = entry->version.len};
    item.id_at = keep(page, entry->id.at, entry->id.len);
    item.version_at = keep(page, entry->version.at, entry->version.len);
    if (making->with_objects) {
        item.object_len = entry->object.len;
        item.object_at = keep(page, entry->object.at, entry->object.len);
    }
    page->items[page->count++] = item;
}

static bool is_full(const struct making *making)
{
    const struct page *page = making->page;
    return page->count == making->wanted || page->text.len >= LIMIT_TAXII_PAGE_BYTES ||
           making->looked >= LIMIT_TAXII_SCAN || buf_err(&page->text) != ERR_OK;
}

/* --- pages by scanning --- */

static bool scan_visit(void *ctx, const struct entry *entry)
{
    struct making *making = ctx;
    making->looked++;
    making->position = entry->position + 1;
    if (entry->id.len > 0 && type_matches(making->query, &entry->key))
        item_add(making, entry);
    making->stopped = is_full(making);
    return !making->stopped;
}

/* Most of what is old is superseded by the newest of its id: one look instead of many. */
static err_t is_outdated(struct making *making, const struct item *item, bool *out)
{
    const struct query *query = making->query;
    struct stamp newest;
    *out = false;
    if (making->view->workspace == NULL || query->all || query->first || query->version_count > 0)
        return ERR_OK;
    err_t err = view_newest(making->view, &item->key, &newest);
    *out = err == ERR_OK && stamp_cmp(newest, item->stamp) > 0;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t know_versions(struct making *making, const struct stix_key *key)
{
    if (making->known_count > 0 && stix_key_eq(&making->known, key))
        return ERR_OK;
    making->known = *key;
    making->known_count = 0;
    return view_versions(making->view, key, making->versions, LIMIT_TAXII_VERSIONS, &making->known_count);
}

static err_t item_matches(struct making *making, const struct item *item, bool *out)
{
    bool outdated;
    err_t err;
    *out = false;
    if (TRY(err, is_outdated(making, item, &outdated)) || outdated)
        return err;
    if (TRY(err, know_versions(making, &item->key)))
        return err;
    for (size_t i = 0; i < making->known_count; i++) {
        if (making->versions[i].order != item->order)
            continue;
        making->versions[i].date_us = item->date_us;
        *out = version_matches(making->view, making->query, making->versions, making->known_count, i);
    }
    return ERR_OK;
}

/* Drops what match[version] does not want among the items from `first` on. */
static err_t sift(struct making *making, size_t first)
{
    struct page *page = making->page;
    size_t kept = first;
    err_t err = ERR_OK;
    for (size_t i = first; i < page->count && err == ERR_OK; i++) {
        bool matches;
        err = item_matches(making, &page->items[i], &matches);
        if (matches)
            page->items[kept++] = page->items[i];
    }
    page->count = kept;
    return err;
}

static err_t page_by_scan(struct making *making)
{
    struct page *page = making->page;
    for (;;) {
        size_t first = page->count;
        making->stopped = false;
        err_t err = view_scan(making->view, making->position, scan_visit, making);
        if (err == ERR_OK)
            err = buf_err(&page->text);
        if (err == ERR_OK)
            err = sift(making, first);
        if (err != ERR_OK)
            return err;
        page->more = making->stopped;
        page->next = making->position;
        if (!making->stopped || is_full(making))
            return ERR_OK;
    }
}

/* --- pages of named objects --- */

static int by_position(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static bool fetch_visit(void *ctx, const struct entry *entry)
{
    item_add(ctx, entry);
    return false;
}

static err_t fetch_all(struct making *making, uint64_t *positions, size_t count)
{
    struct page *page = making->page;
    qsort(positions, count, sizeof *positions, by_position);
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        if (i > 0 && positions[i] == positions[i - 1]) /* an id that was named twice */
            continue;
        page->more = is_full(making);
        page->next = positions[i];
        if (page->more)
            break;
        err = view_scan(making->view, positions[i], fetch_visit, making);
    }
    return err == ERR_OK ? buf_err(&page->text) : err;
}

/* Where the wanted versions of one id stand, from making->position on. */
static err_t positions_of(struct making *making, const struct stix_key *id, uint64_t *positions,
                          size_t *found)
{
    struct view *view = making->view;
    size_t count = 0;
    err_t err = view_versions(view, id, making->versions, LIMIT_TAXII_VERSIONS, &count);
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        struct version *version = &making->versions[i];
        bool matches;
        if (TRY(err, page_matches(view, making->query, making->versions, count, i, &matches)) || !matches ||
            TRY(err, view_place(view, version)))
            continue;
        if (version->position >= making->position)
            positions[(*found)++] = version->position;
    }
    return err;
}

static err_t page_by_ids(struct making *making)
{
    const struct query *query = making->query;
    uint64_t *positions = mem_alloc_array(query->id_count * LIMIT_TAXII_VERSIONS + 1, sizeof *positions);
    if (positions == NULL)
        return ERR_NOMEM;
    size_t found = 0;
    err_t err = ERR_OK;
    for (size_t id = 0; id < query->id_count && err == ERR_OK; id++) {
        if (type_matches(query, &query->ids[id]))
            err = positions_of(making, &query->ids[id], positions, &found);
    }
    if (err == ERR_OK)
        err = fetch_all(making, positions, found);
    mem_free(positions);
    return err;
}

/* --- */

static err_t page_make(struct making *making)
{
    struct page *page = making->page;
    if (!making->query->spec_matches)
        return ERR_OK;
    err_t err = making->query->has_ids ? page_by_ids(making) : page_by_scan(making);
    if (err == ERR_OK && page->count > making->query->limit) {
        page->count = making->query->limit;
        page->more = true;
        page->next = page->items[page->count].position;
    }
    return err;
}

err_t page_read(struct view *view, const struct query *query, uint64_t from, bool with_objects,
                struct page *out)
{
    struct page page = {.items = mem_alloc_array(query->limit + 1, sizeof *page.items)};
    buf_init(&page.text, LIMIT_TAXII_PAGE_BYTES + LIMIT_FRAME_BYTES);
    struct making making = {.view = view,
                            .query = query,
                            .with_objects = with_objects,
                            .page = &page,
                            .versions = mem_alloc_array(LIMIT_TAXII_VERSIONS, sizeof *making.versions),
                            .wanted = query->limit + 1,
                            .position = from};
    err_t err = page.items == NULL || making.versions == NULL ? ERR_NOMEM : page_make(&making);
    mem_free(making.versions);
    if (err == ERR_OK)
        *out = page;
    else
        page_deinit(&page);
    return err;
}

void page_deinit(struct page *page)
{
    mem_free(page->items);
    buf_deinit(&page->text);
}
