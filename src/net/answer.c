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
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
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

/* Not printf: that would take a third of making a head. */
static void put_number(struct buf *out, size_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    buf_put(out, digits + at, sizeof digits - at);
}

static void put_field(struct buf *out, struct str name, struct str value)
{
    buf_put_str(out, name);
    buf_put_str(out, STR(": "));
    buf_put_str(out, value);
    buf_put_str(out, STR("\r\n"));
}

err_t answer_head(struct buf *out, const struct answer *answer, size_t body_len, bool close)
{
    buf_clear(out);
    const struct answer broken = {.status = 500};
    bool clean = answer_is_clean(answer);
    const struct answer *say = clean ? answer : &broken;
    buf_put_str(out, STR("HTTP/1.1 "));
    put_number(out, (size_t)say->status);
    buf_putc(out, ' ');
    buf_put_str(out, str_of(answer_reason(say->status)));
    buf_put_str(out, STR("\r\n"));
    if (say->type != NULL)
        put_field(out, STR("Content-Type"), str_of(say->type));
    if (!answer_is_bare(say->status)) {
        buf_put_str(out, STR("Content-Length: "));
        put_number(out, clean ? body_len : 0);
        buf_put_str(out, STR("\r\n"));
    }
    for (size_t i = 0; i < ANSWER_FIELDS_MAX && say->fields[i].name.at != NULL; i++)
        put_field(out, say->fields[i].name, say->fields[i].value);
    if (close)
        buf_put_str(out, STR("Connection: close\r\n"));
    buf_put_str(out, STR("\r\n"));
    if (buf_err(out) != ERR_OK)
        return buf_err(out);
    return clean ? ERR_OK : ERR_INVALID;
}
