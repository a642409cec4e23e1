#include "taxii/answer.h"

#include "taxii/text.h"

void answer_begin(struct exchange_response *response, unsigned status)
{
    response->status = status;
    response->content_type = TAXII_TYPE;
}

void answer_error(struct exchange_response *response, unsigned status, const char *title,
                  struct str description)
{
    struct buf *body = &response->body;
    buf_clear(body);
    response->cacheable = false;
    answer_begin(response, status);
    buf_put_str(body, STR("{\"title\":"));
    json_write_str(body, str_of(title));
    if (description.len > 0) {
        buf_put_str(body, STR(",\"description\":"));
        json_write_str(body, description);
    }
    buf_printf(body, ",\"http_status\":\"%u\"}", status);
}

void answer_not_found(struct exchange_response *response)
{
    answer_error(response, 404, "Not found", STR(""));
}

void answer_method(struct exchange_response *response, const char *allowed)
{
    answer_error(response, 405, "Method not allowed", STR(""));
    exchange_header_put(response, "Allow", str_of(allowed));
}

void answer_failed(struct exchange_response *response, err_t err)
{
    if (err == ERR_BUSY || err == ERR_READONLY || err == ERR_FULL) {
        answer_error(response, 503, "Try again later", STR(""));
        exchange_header_put(response, "Retry-After", STR("5"));
    } else {
        answer_error(response, 500, "The server failed", STR(""));
    }
}
