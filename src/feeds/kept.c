#include "feeds/kept.h"

#include <stdio.h>

enum { STATE_BYTES_MAX = 60 << 10 };

struct str kept_key(struct str feed, const char *tail, char *out)
{
    int len =
        snprintf(out, RECORD_FACT_KEY_MAX, "feed/%.*s%s%s", STR_ARG(feed), tail[0] == '\0' ? "" : "/", tail);
    must(len > 0 && len < RECORD_FACT_KEY_MAX);
    return (struct str) {out, (size_t)len};
}

struct str kept_get(const struct kept *kept, const char *name)
{
    for (size_t i = 0; i < FEED_KEPT_MAX; i++)
        if (kept->rows[i].name[0] != '\0' && strcmp(kept->rows[i].name, name) == 0)
            return buf_str(&kept->rows[i].value);
    return (struct str) {NULL, 0};
}

static bool put_row(struct kept *kept, struct str name, struct str value)
{
    size_t place = FEED_KEPT_MAX;
    for (size_t i = FEED_KEPT_MAX; i-- > 0;) {
        if (kept->rows[i].name[0] == '\0')
            place = i;
        else if (str_eq(str_of(kept->rows[i].name), name)) {
            place = i;
            break;
        }
    }
    if (place == FEED_KEPT_MAX || name.len >= sizeof kept->rows[0].name || value.len > FEED_KEPT_BYTES)
        return false;
    buf_deinit(&kept->rows[place].value);
    buf_init(&kept->rows[place].value, FEED_KEPT_BYTES);
    kept->rows[place].name[0] = '\0';
    if (value.len == 0)
        return true;
    memcpy(kept->rows[place].name, name.at, name.len);
    kept->rows[place].name[name.len] = '\0';
    buf_put_str(&kept->rows[place].value, value);
    return buf_err(&kept->rows[place].value) == ERR_OK;
}

bool kept_set(struct kept *kept, const char *name, struct str value)
{
    if (str_eq(kept_get(kept, name), value))
        return true;
    kept->dirty = true;
    return put_row(kept, str_of(name), value);
}

void kept_deinit(struct kept *kept)
{
    for (size_t i = 0; i < FEED_KEPT_MAX; i++)
        buf_deinit(&kept->rows[i].value);
}

/* --- as JSON --- */

#define COUNTS(X)                                                                                            \
    X(runs)                                                                                                  \
    X(calls)                                                                                                 \
    X(bytes)                                                                                                 \
    X(fresh)                                                                                                 \
    X(duplicate)                                                                                             \
    X(asserted)                                                                                              \
    X(conflict)                                                                                              \
    X(refused)                                                                                               \
    X(echo)                                                                                                  \
    X(withdrawn)                                                                                             \
    X(pushed)                                                                                                \
    X(failed)                                                                                                \
    X(unconfirmed)                                                                                           \
    X(taken_back)

static void put_number(struct buf *out, const char *name, uint64_t value)
{
    buf_printf(out, ",\"%s\":%llu", name, (unsigned long long)value);
}

static void put_text(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, ",\"%s\":", name);
    json_write_str(out, value);
}

err_t kept_write(struct gate *gate, struct str feed, struct kept *kept, const struct gate_by *by,
                 int64_t now_us)
{
    char key[RECORD_FACT_KEY_MAX];
    struct buf out;
    buf_init(&out, STATE_BYTES_MAX);
    buf_printf(&out, "{\"v\":1");
#define PUT(name) put_number(&out, #name, kept->counts.name);
    COUNTS(PUT)
#undef PUT
    put_number(&out, "last_us", (uint64_t)kept->last_us);
    put_number(&out, "failures", kept->failures);
    put_number(&out, "err", (uint64_t)kept->err);
    put_number(&out, "begun", kept->begun);
    put_text(&out, "what", str_is_utf8(str_of(kept->what)) ? str_of(kept->what) : STR("?"));
    put_text(&out, "next", str_of(kept->next));
    buf_printf(&out, ",\"kept\":{\"\":\"\"");
    for (size_t i = 0; i < FEED_KEPT_MAX; i++)
        if (kept->rows[i].name[0] != '\0' && str_is_utf8(buf_str(&kept->rows[i].value)))
            put_text(&out, kept->rows[i].name, buf_str(&kept->rows[i].value));
    buf_printf(&out, "}}");
    err_t err = buf_err(&out);
    if (err == ERR_OK)
        err = gate_setting_put(gate, kept_key(feed, "state", key), buf_bytes(&out), by, now_us);
    if (err == ERR_OK)
        kept->dirty = false;
    buf_deinit(&out);
    return err;
}

static uint64_t get_number(struct json_val root, const char *name)
{
    struct json_val value;
    if (!json_get(root, str_of(name), &value) || !json_is(value, JSON_INT) || json_int(value) < 0)
        return 0;
    return (uint64_t)json_int(value);
}

static void get_text(struct json_val root, const char *name, char *out, size_t size)
{
    struct str text = {"", 0};
    (void)json_get_str(root, str_of(name), &text);
    (void)snprintf(out, size, "%.*s", STR_ARG(text));
}

static bool read_rows(struct json_val root, struct kept *out)
{
    struct json_val rows, value;
    struct str name;
    if (!json_get(root, STR("kept"), &rows) || !json_is(rows, JSON_OBJECT))
        return false;
    struct json_iter iter = json_object_iter(rows);
    while (json_object_next(&iter, &name, &value))
        if (name.len > 0 && (!json_is(value, JSON_STRING) || !put_row(out, name, json_str(value))))
            return false;
    return true;
}

static err_t read_state(struct json_val root, struct kept *out)
{
    if (get_number(root, "v") != 1 || !read_rows(root, out))
        return ERR_CORRUPT;
#define GET(name) out->counts.name = get_number(root, #name);
    COUNTS(GET)
#undef GET
    out->last_us = (int64_t)get_number(root, "last_us");
    out->failures = get_number(root, "failures");
    out->begun = get_number(root, "begun") != 0;
    uint64_t err = get_number(root, "err");
    out->err = err < ERR_COUNT ? (err_t)err : ERR_INVALID;
    get_text(root, "what", out->what, sizeof out->what);
    get_text(root, "next", out->next, sizeof out->next);
    return ERR_OK;
}

err_t kept_read(struct gate *gate, struct str feed, struct json_parser *parser, struct kept *out)
{
    char key[RECORD_FACT_KEY_MAX];
    struct buf text;
    struct json_doc doc;
    struct kept kept = {0};
    err_t err = ERR_OK;
    buf_init(&text, STATE_BYTES_MAX + JSON_PADDING);
    if (gate_setting_get(gate, kept_key(feed, "state", key), &text) && text.len > 0) {
        size_t len = text.len;
        if (buf_extend(&text, JSON_PADDING) == NULL)
            err = buf_err(&text);
        else if (json_parse(parser, bytes_of(text.at, len), &doc, NULL) != ERR_OK)
            err = ERR_CORRUPT;
        else
            err = read_state(json_root(&doc), &kept);
    }
    buf_deinit(&text);
    if (err == ERR_OK)
        *out = kept;
    else
        kept_deinit(&kept);
    return err;
}
