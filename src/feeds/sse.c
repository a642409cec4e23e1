#include "feeds/sse.h"

#include "core/limit.h"

enum { NAME_BYTES_MAX = 1024 };

void sse_init(struct sse *sse, void (*event)(void *ctx, const struct sse_event *event), void *ctx)
{
    *sse = (struct sse) {.event = event, .ctx = ctx};
    buf_init(&sse->line, LIMIT_FEED_EVENT_BYTES);
    buf_init(&sse->data, LIMIT_FEED_EVENT_BYTES);
    buf_init(&sse->type, NAME_BYTES_MAX);
    buf_init(&sse->id, NAME_BYTES_MAX);
}

void sse_deinit(struct sse *sse)
{
    buf_deinit(&sse->line);
    buf_deinit(&sse->data);
    buf_deinit(&sse->type);
    buf_deinit(&sse->id);
}

static void dispatch(struct sse *sse)
{
    struct str data = buf_str(&sse->data);
    if (data.len > 0) {
        data.len--; /* the LF of the last line */
        struct sse_event event = {sse->type.len > 0 ? buf_str(&sse->type) : STR("message"), buf_str(&sse->id),
                                  data};
        sse->event(sse->ctx, &event);
    }
    buf_clear(&sse->data);
    buf_clear(&sse->type);
}

static void take_field(struct sse *sse, struct str name, struct str value)
{
    if (str_eq(name, STR("data"))) {
        buf_put_str(&sse->data, value);
        buf_putc(&sse->data, '\n');
    } else if (str_eq(name, STR("event"))) {
        buf_clear(&sse->type);
        buf_put_str(&sse->type, value);
    } else if (str_eq(name, STR("id")) && (value.len == 0 || memchr(value.at, '\0', value.len) == NULL)) {
        buf_clear(&sse->id);
        buf_put_str(&sse->id, value);
    }
}

static void take_line(struct sse *sse)
{
    struct str line = buf_str(&sse->line);
    if (!sse->begun && str_starts(line, STR("\xef\xbb\xbf")))
        line = (struct str) {line.at + 3, line.len - 3};
    sse->begun = true;
    if (line.len == 0) {
        dispatch(sse);
    } else if (line.at[0] != ':') {
        struct str value = line;
        struct str name = str_cut(&value, ':');
        if (value.len > 0 && value.at[0] == ' ')
            value = (struct str) {value.at + 1, value.len - 1};
        take_field(sse, name, value);
    }
    buf_clear(&sse->line);
}

static err_t any_err(const struct sse *sse)
{
    const struct buf *bufs[] = {&sse->line, &sse->data, &sse->type, &sse->id};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        if (buf_err(bufs[i]) != ERR_OK)
            return buf_err(bufs[i]);
    return ERR_OK;
}

/* Where the line ends that begins at `from`; part.len: not in this part. */
static size_t line_end(struct bytes part, size_t from)
{
    while (from < part.len && part.at[from] != '\n' && part.at[from] != '\r')
        from++;
    return from;
}

err_t sse_feed(struct sse *sse, struct bytes part)
{
    size_t at = 0;
    while (at < part.len) {
        if (sse->was_cr && part.at[at] == '\n') {
            sse->was_cr = false;
            at++;
            continue;
        }
        sse->was_cr = false;
        size_t end = line_end(part, at);
        buf_put(&sse->line, part.at + at, end - at);
        err_t err = any_err(sse);
        if (err != ERR_OK)
            return err;
        at = end;
        if (at < part.len) {
            sse->was_cr = part.at[at] == '\r';
            take_line(sse);
            at++;
        }
    }
    return any_err(sse);
}
