#include "net/exchange.h"

#include "core/rd.h"
#include "core/wr.h"

enum { VERSION = 3, FIELD_MAX = 64 * 1024, BODY_MAX = 64 << 20 };

void exchange_response_init(struct exchange_response *response, uint64_t id, size_t body_max)
{
    *response = (struct exchange_response) {.id = id};
    buf_init(&response->body, body_max);
    buf_init(&response->note, EXCHANGE_NOTE_MAX);
}

void exchange_response_deinit(struct exchange_response *response)
{
    if (response == NULL)
        return;
    buf_deinit(&response->body);
    buf_deinit(&response->note);
}

void exchange_response_move(struct exchange_response *to, struct exchange_response *from)
{
    *to = *from;
    for (size_t i = 0; i < to->header_count; i++)
        to->headers[i].value.at = to->text + (from->headers[i].value.at - from->text);
}

void exchange_header_put(struct exchange_response *response, const char *name, struct str value)
{
    must(response->header_count < EXCHANGE_HEADERS_MAX);
    must(value.len <= sizeof response->text - response->text_used);
    char *at = response->text + response->text_used;
    if (value.len > 0)
        memcpy(at, value.at, value.len);
    response->text_used += value.len;
    response->headers[response->header_count++] = (struct exchange_header) {name, {at, value.len}};
}

static void put(struct buf *out, struct str s)
{
    wr_blob(out, bytes_from_str(s));
}

static struct str take(struct rd *rd)
{
    return str_from_bytes(rd_blob(rd, FIELD_MAX));
}

void exchange_request_write(struct buf *out, const struct exchange_request *request)
{
    wr_u8(out, VERSION);
    wr_u64(out, request->id);
    wr_u8(out, (uint8_t)request->method);
    wr_u64(out, request->network);
    wr_u8(out, request->secure);
    wr_u8(out, request->has_peer_key);
    wr_bytes(out, bytes_of(request->peer_key, EXCHANGE_KEY_SIZE));
    put(out, request->path);
    put(out, request->query);
    put(out, request->host);
    put(out, request->accept);
    put(out, request->content_type);
    put(out, request->authorization);
    put(out, request->if_none_match);
    put(out, request->origin);
    wr_blob(out, request->body);
}

err_t exchange_request_read(struct bytes wire, struct exchange_request *out)
{
    struct rd rd = rd_of(wire);
    if (rd_u8(&rd) != VERSION)
        return rd.err != ERR_OK ? rd.err : ERR_VERSION;
    struct exchange_request request = {.id = rd_u64(&rd)};
    uint8_t method = rd_u8(&rd);
    if (method > EXCHANGE_OTHER)
        return ERR_INVALID;
    request.method = (enum exchange_method)method;
    request.network = rd_u64(&rd);
    request.secure = rd_u8(&rd) != 0;
    request.has_peer_key = rd_u8(&rd) != 0;
    rd_copy(&rd, request.peer_key, EXCHANGE_KEY_SIZE);
    request.path = take(&rd);
    request.query = take(&rd);
    request.host = take(&rd);
    request.accept = take(&rd);
    request.content_type = take(&rd);
    request.authorization = take(&rd);
    request.if_none_match = take(&rd);
    request.origin = take(&rd);
    request.body = rd_blob(&rd, BODY_MAX);
    err_t err = rd_end(&rd);
    if (err == ERR_OK)
        *out = request;
    return err;
}

void exchange_response_write(struct buf *out, const struct exchange_response *response)
{
    wr_u8(out, VERSION);
    wr_u64(out, response->id);
    wr_u16(out, (uint16_t)response->status);
    wr_u8(out, response->cacheable);
    wr_u16(out, (uint16_t)response->marks.view);
    wr_u64(out, response->marks.who);
    wr_u64(out, response->marks.shown);
    wr_u64(out, response->marks.taken);
    put(out, str_of(response->content_type));
    wr_u8(out, (uint8_t)response->header_count);
    for (size_t i = 0; i < response->header_count; i++) {
        put(out, str_of(response->headers[i].name));
        put(out, response->headers[i].value);
    }
    wr_blob(out, buf_bytes(&response->note));
    wr_blob(out, buf_bytes(&response->body));
}

err_t exchange_answer_read(struct bytes wire, struct exchange_answer *out)
{
    struct rd rd = rd_of(wire);
    if (rd_u8(&rd) != VERSION)
        return rd.err != ERR_OK ? rd.err : ERR_VERSION;
    struct exchange_answer answer = {.id = rd_u64(&rd)};
    answer.status = rd_u16(&rd);
    answer.cacheable = rd_u8(&rd) != 0;
    answer.marks.view = rd_u16(&rd);
    answer.marks.who = rd_u64(&rd);
    answer.marks.shown = rd_u64(&rd);
    answer.marks.taken = rd_u64(&rd);
    answer.content_type = take(&rd);
    answer.header_count = rd_u8(&rd);
    if (answer.header_count > EXCHANGE_HEADERS_MAX)
        return ERR_INVALID;
    for (size_t i = 0; i < answer.header_count; i++) {
        answer.headers[i].name = take(&rd);
        answer.headers[i].value = take(&rd);
    }
    answer.note = rd_blob(&rd, EXCHANGE_NOTE_MAX);
    answer.body = rd_blob(&rd, BODY_MAX);
    err_t err = rd_end(&rd);
    if (err == ERR_OK)
        *out = answer;
    return err;
}

/* Decodes %XX and "+"; false on a broken escape or when it does not fit. */
static bool decode(struct str raw, char *out, size_t out_size, size_t *out_len)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i] == '+' ? ' ' : raw.at[i];
        if (c == '%') {
            uint8_t byte;
            if (raw.len - i < 3 || !str_unhex((struct str) {raw.at + i + 1, 2}, &byte, 1))
                return false;
            c = (char)byte;
            i += 2;
        }
        if (n >= out_size)
            return false;
        out[n++] = c;
    }
    *out_len = n;
    return true;
}

err_t exchange_query(struct str query, struct str name, char *out, size_t out_size, size_t *out_len,
                     unsigned *out_count)
{
    unsigned count = 0;
    size_t len = 0;
    char decoded[256];
    while (query.len > 0) {
        struct str pair = str_cut(&query, '&');
        struct str key = str_cut(&pair, '=');
        size_t key_len;
        if (!decode(key, decoded, sizeof decoded, &key_len))
            continue;
        if (!str_eq((struct str) {decoded, key_len}, name))
            continue;
        if (count++ == 0 && !decode(pair, out, out_size, &len))
            return ERR_INVALID;
    }
    *out_len = len;
    *out_count = count;
    return ERR_OK;
}
