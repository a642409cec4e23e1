/* What one identity may use up: requests a minute, objects a day. A quota is one time (a leaky bucket, GCRA):
 * until when what was taken so far is spoken for. Nothing that others do shows in it. For taxii/ only. */
#pragma once

#include "taxii/answer.h"

/* Takes `count` of `rate` a window. A whole window's worth may come at once; more than that at once counts as
 * that. False: *out_wait_us says when it would be let through. When the clock is set back it begins anew. */
bool quota_take(int64_t *until_us, int64_t now_us, uint64_t count, uint32_t rate, int64_t window_us,
                int64_t *out_wait_us);
/* False: the request is answered with 429 and Retry-After. */
bool quota_request(const struct call *call);
/* The request was not answered. */
void quota_return(const struct call *call);
bool quota_objects(const struct call *call, size_t count);
/* 429; `wait_us` rounds up to seconds. */
void quota_answer(struct exchange_response *response, const char *title, int64_t wait_us);
