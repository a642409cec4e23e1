#include "net/answer.h"

static const struct reason {
    int status;
    const char *text;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *answer_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Status";
}

bool answer_is_bare(int status)
{
    return status == 204 || status == 304;
}

static bool is_clean(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.at[i] < 0x20 || s.at[i] == 0x7f)
            return false;
    return true;
}

bool answer_is_clean(const struct answer *answer)
{
    bool clean = is_clean(str_of(answer->type));
    for (size_t i = 0; i < ANSWER_FIELDS_MAX && answer->fields[i].name.at != NULL; i++)
        clean = clean && is_clean(answer->fields[i].name) && is_clean(answer->fields[i].value);
    return clean;
}

err_t answer_head(struct buf *out, const struct answer *answer, size_t body_len, bool close)
{
    buf_clear(out);
    const struct answer broken = {.status = 500};
    bool clean = answer_is_clean(answer);
    const struct answer *say = clean ? answer : &broken;
    buf_printf(out, "HTTP/1.1 %d %s\r\n", say->status, answer_reason(say->status));
    if (say->type != NULL)
        buf_printf(out, "Content-Type: %s\r\n", say->type);
    if (!answer_is_bare(say->status))
        buf_printf(out, "Content-Length: %zu\r\n", clean ? body_len : 0);
    for (size_t i = 0; i < ANSWER_FIELDS_MAX && say->fields[i].name.at != NULL; i++) {
        buf_put_str(out, say->fields[i].name);
        buf_put_str(out, STR(": "));
        buf_put_str(out, say->fields[i].value);
        buf_put_str(out, STR("\r\n"));
    }
    if (close)
        buf_put_str(out, STR("Connection: close\r\n"));
    buf_put_str(out, STR("\r\n"));
    if (buf_err(out) != ERR_OK)
        return buf_err(out);
    return clean ? ERR_OK : ERR_INVALID;
}
