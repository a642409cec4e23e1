#include "feeds/taxii_url.h"

static void put_escaped(struct buf *out, struct str text)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:";
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] != '\0' && strchr(safe, text.at[i]) != NULL)
            buf_putc(out, text.at[i]);
        else
            buf_printf(out, "%%%02X", (unsigned)(uint8_t)text.at[i]);
    }
}

static void put_slash(struct buf *out)
{
    if (out->len == 0 || out->at[out->len - 1] != '/')
        buf_putc(out, '/');
}

static bool put_query(struct buf *out, struct str query)
{
    if (query.len == 0)
        return false;
    buf_putc(out, '?');
    buf_put_str(out, query);
    return true;
}

bool taxii_url_put(const struct feed *feed, struct str tail, struct buf *out)
{
    struct str query = feed_url(feed).target, collection = feed_option(feed, "collection");
    struct str path = str_cut(&query, '?');
    if (collection.len == 0 && str_ends(path, STR("/objects/")))
        path.len -= STR("objects/").len;
    else if (collection.len == 0 && str_ends(path, STR("/objects")))
        path.len -= STR("objects").len;
    buf_put_str(out, path);
    put_slash(out);
    if (collection.len > 0) {
        buf_put_str(out, STR("collections/"));
        put_escaped(out, collection);
        buf_putc(out, '/');
    }
    buf_put_str(out, tail);
    return put_query(out, query);
}

bool taxii_url_root(const struct feed *feed, struct str tail, struct buf *out)
{
    static const char mark[] = "/collections/";
    struct str query = feed_url(feed).target;
    struct str path = str_cut(&query, '?');
    if (feed_option(feed, "collection").len == 0) {
        size_t end = path.len;
        while (end > 0 && !str_starts((struct str) {path.at + end - 1, path.len - end + 1}, str_of(mark)))
            end--;
        if (end == 0)
            return false;
        path.len = end;
    }
    buf_put_str(out, path);
    put_slash(out);
    buf_put_str(out, tail);
    (void)put_query(out, query);
    return true;
}

void taxii_url_param(struct buf *out, bool *query, const char *name, struct str value)
{
    if (value.len == 0)
        return;
    buf_putc(out, *query ? '&' : '?');
    *query = true;
    buf_put_str(out, str_of(name));
    buf_putc(out, '=');
    put_escaped(out, value);
}
