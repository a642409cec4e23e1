/* Inside the room: dates of HTTP as servers write them today (IMF-fixdate, RFC 9110 section 5.6.7). Pure. */
#pragma once

#include "core/stamp.h"
#include "core/str.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT". */
bool http_date_read(struct str text, int64_t *out_us);
