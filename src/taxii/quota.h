/* What one identity may use up: requests a minute, objects a day. A quota is one time (a leaky bucket, GCRA):
 * until when what was taken so far is spoken for. Nothing that others do shows in it. For taxii/ only. */
#pragma once

#include "taxii/answer.h"

/* False: the request is answered with 429 and Retry-After. */
bool quota_request(const struct call *call);
/* The request was not answered. */
void quota_return(const struct call *call);
bool quota_objects(const struct call *call, size_t count);
/* 429; `wait_us` rounds up to seconds. */
void quota_answer(struct exchange_response *response, const char *title, int64_t wait_us);
