/* The head of an answer as bytes (RFC 9112 section 4). For net/ only. Pure. */
#pragma once

#include "net/server.h"

/* Appends status line and fields. An answer whose fields hold a control byte becomes status 500 with a length
 * of 0 and ERR_INVALID. ERR_NOMEM, ERR_LIMIT. */
NODISCARD err_t answer_head(struct buf *out, const struct answer *answer, size_t body_len, bool close);
/* No field holds a control byte. */
bool answer_is_clean(const struct answer *answer);
/* 204 and 304 have neither body nor Content-Length of one. */
bool answer_is_bare(int status);
const char *answer_reason(int status);
