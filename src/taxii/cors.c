#include "taxii/cors.h"

void cors_keep(struct taxii *taxii, const struct str *origins, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count && kept < LIMIT_TAXII_ORIGINS; i++) {
        if (origins[i].len == 0 || origins[i].len >= LIMIT_TAXII_ORIGIN_BYTES)
            continue;
        memcpy(taxii->origins[kept], origins[i].at, origins[i].len);
        taxii->origins[kept++][origins[i].len] = '\0';
    }
}

static bool is_allowed(const struct call *call)
{
    for (size_t i = 0; i < LIMIT_TAXII_ORIGINS && call->taxii->origins[i][0] != '\0'; i++) {
        if (str_eq(str_of(call->taxii->origins[i]), call->request->origin))
            return true;
    }
    return false;
}

bool cors_preflight(const struct call *call)
{
    struct exchange_response *response = call->response;
    if (call->request->method != EXCHANGE_OPTIONS || !is_allowed(call))
        return false;
    response->status = 204;
    exchange_header_put(response, "Access-Control-Allow-Methods", STR("GET, HEAD, POST, DELETE"));
    exchange_header_put(response, "Access-Control-Allow-Headers",
                        STR("Authorization, Accept, Content-Type, If-None-Match"));
    exchange_header_put(response, "Access-Control-Max-Age", STR("600"));
    return true;
}

void cors_allow(const struct call *call)
{
    struct exchange_response *response = call->response;
    if (call->taxii->origins[0][0] !=
        '\0') /* who asks makes a difference, also to whoever keeps the answer */
        exchange_header_put(response, "Vary", STR("Origin"));
    if (!is_allowed(call))
        return;
    exchange_header_put(response, "Access-Control-Allow-Origin", call->request->origin);
    exchange_header_put(response, "Access-Control-Expose-Headers",
                        STR("ETag, Retry-After, X-TAXII-Date-Added-First, X-TAXII-Date-Added-Last"));
}
