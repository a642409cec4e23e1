#include "json/write.h"

#include "core/vec.h"
#include "json/json.h"
#include "json/tape.h"

void write_begin(struct write *w, struct buf *buf)
{
    *w = (struct write) {NULL, NULL, buf};
    if (buf->at != NULL && buf_err(buf) == ERR_OK)
        *w = (struct write) {buf->at + buf->len, buf->at + buf->size, buf};
}

bool write_grow(struct write *w, size_t len)
{
    write_sync(w);
    if (buf_extend(w->buf, len) == NULL) {
        /* Nothing may be written behind a failure: what follows it would be torn. */
        *w = (struct write) {NULL, NULL, w->buf};
        return false;
    }
    w->buf->len -= len;
    write_begin(w, w->buf);
    return true;
}

/* Makes `len` bytes of room if that is allowed; unlike write_room it is no failure when it is not. */
static bool try_room(struct write *w, size_t len)
{
    if ((size_t)(w->end - w->at) >= len)
        return true;
    if (buf_err(w->buf) != ERR_OK)
        return false;
    write_sync(w);
    return len <= w->buf->size_max - w->buf->len && write_grow(w, len);
}

/* RFC 8785 section 3.2.2.2: two-character escapes where JSON has them, \u00xx in lower case for the other
 * controls. */
static void put_escape(struct write *w, uint8_t c)
{
    static const char shorts[] = "btn\0fr";
    char text[6] = {'\\', 'u', '0', '0', (char)('0' + (c >> 4)), "0123456789abcdef"[c & 15]};
    if (c == '"' || c == '\\') {
        text[1] = (char)c;
        write_text(w, text, 2);
    } else if (c >= '\b' && c <= '\r' && shorts[c - '\b'] != '\0') {
        text[1] = shorts[c - '\b'];
        write_text(w, text, 2);
    } else {
        write_text(w, text, 6);
    }
}

static inline bool needs_escape(uint8_t c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

/* Any text, any limit: runs of plain bytes, one escape at a time. */
static void put_slowly(struct write *w, const char *text, size_t len)
{
    size_t from = 0;
    for (size_t i = 0; i < len; i++) {
        if (!needs_escape((uint8_t)text[i]))
            continue;
        write_text(w, text + from, i - from);
        put_escape(w, (uint8_t)text[i]);
        from = i + 1;
    }
    write_text(w, text + from, len - from);
}

/* Copies whole vectors up to the first byte that needs an escape; bytes behind the end of the text are copied
 * too and overwritten by what follows. Returns how many bytes are done. */
static size_t put_plain(struct write *w, const char *text, size_t len, size_t readable)
{
    size_t i = 0;
    while (i < len && len - i + readable >= VEC_SIZE) {
        vec v = vec_load(text + i);
        vec_store(w->at + i, v);
        unsigned first = vec_first_special(v);
        if (first < VEC_SIZE) {
            i = first < len - i ? i + first : len;
            break;
        }
        i += VEC_SIZE;
    }
    i = i < len ? i : len;
    w->at += i;
    return i;
}

void write_string(struct write *w, const char *text, size_t len, size_t readable)
{
    write_byte(w, '"');
    size_t i = 0;
    while (i < len && try_room(w, len - i + VEC_SIZE)) {
        size_t done = put_plain(w, text + i, len - i, readable);
        i += done;
        if (i >= len)
            break;
        if (!needs_escape((uint8_t)text[i]))
            break;
        put_escape(w, (uint8_t)text[i++]);
    }
    put_slowly(w, text + i, len - i);
    write_byte(w, '"');
}

void write_uint(struct write *w, uint64_t v)
{
    char text[20];
    size_t from = sizeof text;
    do
        text[--from] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    write_text(w, text + from, sizeof text - from);
}

void write_int(struct write *w, int64_t v)
{
    if (v < 0)
        write_byte(w, '-');
    write_uint(w, v < 0 ? UINT64_C(0) - (uint64_t)v : (uint64_t)v);
}

/* Digits of the shortest form without the point, and n of ECMAScript's Number::toString: the value is
 * 0.digits * 10^n. */
static size_t shortest_digits(double v, char digits[TAPE_SHORTEST_SIZE], int *out_n)
{
    char text[TAPE_SHORTEST_SIZE];
    size_t len = tape_shortest(v, text), count = 0, i = 0;
    for (; i < len && text[i] != 'e'; i++)
        if (text[i] != '.')
            digits[count++] = text[i];
    int exponent = 0;
    for (size_t k = i + 2; k < len; k++)
        exponent = exponent * 10 + (text[k] - '0');
    *out_n = (text[i + 1] == '-' ? -exponent : exponent) + 1;
    return count;
}

static void put_zeros(struct write *w, size_t count)
{
    while (count-- > 0)
        write_byte(w, '0');
}

static void put_exponential(struct write *w, const char *digits, size_t count, int exponent)
{
    write_text(w, digits, 1);
    if (count > 1) {
        write_byte(w, '.');
        write_text(w, digits + 1, count - 1);
    }
    write_byte(w, 'e');
    if (exponent > 0)
        write_byte(w, '+');
    write_int(w, exponent);
}

void write_double(struct write *w, double v)
{
    if (v == 0) { /* also -0 */
        write_byte(w, '0');
        return;
    }
    if (v < 0)
        write_byte(w, '-');
    char digits[TAPE_SHORTEST_SIZE];
    int n;
    size_t count = shortest_digits(v < 0 ? -v : v, digits, &n);
    if (n > 21 || n <= -6) {
        put_exponential(w, digits, count, n - 1);
    } else if (n <= 0) {
        write_text(w, "0.", 2);
        put_zeros(w, (size_t)-n);
        write_text(w, digits, count);
    } else if (count <= (size_t)n) {
        write_text(w, digits, count);
        put_zeros(w, (size_t)n - count);
    } else {
        write_text(w, digits, (size_t)n);
        write_byte(w, '.');
        write_text(w, digits + n, count - (size_t)n);
    }
}

void json_write_str(struct buf *out, struct str s)
{
    struct write w;
    write_begin(&w, out);
    write_string(&w, s.len == 0 ? "" : s.at, s.len, 0);
    write_sync(&w);
}

void json_write_int(struct buf *out, int64_t v)
{
    struct write w;
    write_begin(&w, out);
    write_int(&w, v);
    write_sync(&w);
}

void json_write_double(struct buf *out, double v)
{
    must(v - v == 0); /* neither infinite nor NaN: JSON has no word for them */
    struct write w;
    write_begin(&w, out);
    write_double(&w, v);
    write_sync(&w);
}

void json_write_scalar(struct buf *out, struct json_val v)
{
    switch (json_type(v)) {
    case JSON_STRING:
        json_write_str(out, json_str(v));
        break;
    case JSON_INT:
        json_write_int(out, json_int(v));
        break;
    case JSON_UINT:
        buf_printf(out, "%llu", (unsigned long long)json_uint(v));
        break;
    case JSON_DOUBLE:
        json_write_double(out, json_double(v));
        break;
    case JSON_NULL:
        buf_put_str(out, STR("null"));
        break;
    default:
        must(json_is(v, JSON_TRUE) || json_is(v, JSON_FALSE));
        buf_put_str(out, json_is(v, JSON_TRUE) ? STR("true") : STR("false"));
        break;
    }
}
