/* Inside the room: addresses below a TAXII server. A feed names a collection, or an API root and the
 * collection (option `collection`); whatever stands behind a `?` is sent with every call. */
#pragma once

#include "feeds/kind.h"

/* The collection, and `tail` behind it ("objects/", which stands there once even when the URL has it). True:
 * a query was begun. */
bool taxii_url_put(const struct feed *feed, struct str tail, struct buf *out);
/* The API root, and `tail` behind it. False: the URL does not show where it ends. */
bool taxii_url_root(const struct feed *feed, struct str tail, struct buf *out);
/* Nothing for an empty value. */
void taxii_url_param(struct buf *out, bool *query, const char *name, struct str value);
