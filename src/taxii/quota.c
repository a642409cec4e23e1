#include "taxii/quota.h"

#include <stdio.h>

#define MINUTE_US ((int64_t)60 * 1000000)
#define DAY_US    ((int64_t)86400 * 1000000)

bool quota_take(int64_t *until_us, int64_t now_us, uint64_t count, uint32_t rate, int64_t window_us,
                int64_t *out_wait_us)
{
    bool ahead = *until_us > now_us && *until_us <= now_us + window_us; /* further: the clock was set back */
    int64_t from_us = ahead ? *until_us : now_us;
    int64_t cost_us = count >= rate ? window_us : window_us / rate * (int64_t)count;
    int64_t over_us = from_us + cost_us - now_us - window_us;
    if (over_us > 0) {
        *out_wait_us = over_us;
        return false;
    }
    *until_us = from_us + cost_us;
    return true;
}

void quota_answer(struct exchange_response *response, const char *title, int64_t wait_us)
{
    char seconds[24];
    int len = snprintf(seconds, sizeof seconds, "%lld", (long long)((wait_us + 999999) / 1000000));
    answer_error(response, 429, title, STR(""));
    exchange_header_put(response, "Retry-After", (struct str) {seconds, (size_t)len});
}

static struct account *account_of(const struct call *call)
{
    size_t i = 0;
    while (i < call->taxii->account_count && &call->taxii->accounts[i].public != call->identity)
        i++;
    must(i < call->taxii->account_count); /* the server's own identities alone get here */
    return &call->taxii->accounts[i];
}

bool quota_request(const struct call *call)
{
    uint32_t own = call->identity->requests;
    int64_t wait_us = 0;
    if (quota_take(&account_of(call)->requests_us, call->now_us, 1, own != 0 ? own : LIMIT_TAXII_REQUESTS,
                   MINUTE_US, &wait_us))
        return true;
    quota_answer(call->response, "Too many requests", wait_us);
    return false;
}

void quota_return(const struct call *call)
{
    uint32_t own = call->identity->requests;
    account_of(call)->requests_us -= MINUTE_US / (own != 0 ? own : LIMIT_TAXII_REQUESTS);
}

bool quota_objects(const struct call *call, size_t count)
{
    uint32_t own = call->identity->objects;
    int64_t wait_us = 0;
    if (quota_take(&account_of(call)->objects_us, call->now_us, count, own != 0 ? own : LIMIT_TAXII_OBJECTS,
                   DAY_US, &wait_us))
        return true;
    quota_answer(call->response, "Too many objects for one day", wait_us);
    return false;
}
