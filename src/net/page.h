/* Bytes that many answers share without a copy: one allocation, counted references, never changed once made.
 * Any thread may take and give back references. */
#pragma once

#include "core/buf.h"

struct page;

/* Moves the content out of `content`, which is empty and usable afterwards. NULL when memory is out or the
 * buf failed; then `content` is as it was. */
struct page *page_new(struct buf *content);
struct page *page_copy(struct bytes content);
struct page *page_ref(struct page *page);
/* Accepts NULL. */
void page_unref(struct page *page);
struct bytes page_bytes(const struct page *page);
