#include "net/page.h"

#include <stdatomic.h>

#include "core/mem.h"

struct page {
    atomic_size_t refs;
    struct buf content;
};

struct page *page_new(struct buf *content)
{
    if (buf_err(content) != ERR_OK)
        return NULL;
    struct page *page = mem_alloc(sizeof *page);
    if (page == NULL)
        return NULL;
    atomic_init(&page->refs, 1);
    page->content = *content;
    buf_init(content, page->content.size_max);
    return page;
}

struct page *page_copy(struct bytes content)
{
    struct buf copy;
    buf_init(&copy, content.len);
    buf_put(&copy, content.at, content.len);
    struct page *page = page_new(&copy);
    if (page == NULL)
        buf_deinit(&copy);
    return page;
}

struct page *page_ref(struct page *page)
{
    if (page != NULL)
        atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);
    return page;
}

void page_unref(struct page *page)
{
    if (page == NULL || atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel) != 1)
        return;
    buf_deinit(&page->content);
    mem_free(page);
}

struct bytes page_bytes(const struct page *page)
{
    return buf_bytes(&page->content);
}
