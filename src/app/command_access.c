/* The access record, asked: who read or sent what by TAXII. */
#include "app/command.h"
#include "core/mem.h"

enum { ACCESS_LINES = 1000 };

struct asking {
    struct command_call *call;
    struct json_parser *parser;
    struct str who, collection, audience;
    size_t limit;
    struct buf lines; /* found, newest first */
    size_t *starts;   /* limit + 1 */
    size_t count;
    err_t err;
};

static bool is_wanted(struct json_val line, const char *name, struct str wanted)
{
    struct str value;
    return wanted.len == 0 || (json_get_str(line, str_of(name), &value) && str_eq(value, wanted));
}

static bool take(void *ctx, struct str text)
{
    struct asking *asking = ctx;
    struct json_doc doc;
    struct buf *lines = &asking->lines;
    size_t at = lines->len;
    buf_put_str(lines, text);
    uint8_t *padding = buf_extend(lines, JSON_PADDING);
    if (padding == NULL) {
        asking->err = buf_err(lines);
        return false;
    }
    memset(padding, 0, JSON_PADDING);
    lines->len = at;
    if (json_parse(asking->parser, bytes_of(lines->at + at, text.len), &doc, NULL) != ERR_OK)
        return true; /* torn by a power cut */
    struct json_val root = json_root(&doc);
    if (!is_wanted(root, "who", asking->who) || !is_wanted(root, "collection", asking->collection) ||
        (!is_wanted(root, "audience", asking->audience) && !is_wanted(root, "source", asking->audience)))
        return true;
    lines->len = at + text.len;
    asking->starts[++asking->count] = lines->len;
    return asking->count < asking->limit;
}

/* Oldest first, as in the file. */
static void say(struct asking *asking)
{
    struct buf *out = asking->call->out;
    for (size_t i = asking->count; i > 0; i--) {
        size_t from = asking->starts[i - 1];
        buf_put(out, asking->lines.at + from, asking->starts[i] - from);
        buf_putc(out, '\n');
    }
    if (asking->count == asking->limit)
        line_say(out, "The newest %zu; --limit NUMBER shows more, --since TIME begins later.", asking->limit);
}

static err_t read_since(struct command_call *call, int64_t *out)
{
    struct str text = command_text_or_empty(call, "since");
    char whole[32];
    struct stamp stamp;
    *out = INT64_MIN;
    if (text.len == 0)
        return ERR_OK;
    if (text.len == 10) { /* a day: its beginning */
        memcpy(whole, text.at, 10);
        memcpy(whole + 10, "T00:00:00Z", 10);
        text = (struct str) {whole, 20};
    }
    if (stamp_parse(text, &stamp, NULL) != ERR_OK)
        return command_refuse(call, ERR_USAGE, "write 2026-11-22 or 2026-11-22T12:00:00Z",
                              "since: not a date");
    *out = stamp_us(stamp);
    return ERR_OK;
}

static err_t read_limit(struct command_call *call, size_t *out)
{
    struct str text = command_text_or_empty(call, "limit");
    uint64_t limit = ACCESS_LINES;
    if (text.len > 0 && (!str_to_u64(text, LIMIT_ACCESS_LINES, &limit) || limit == 0))
        return command_refuse(call, ERR_USAGE, NULL, "limit: a number from 1 to %u", LIMIT_ACCESS_LINES);
    *out = (size_t)limit;
    return ERR_OK;
}

static err_t access_show(struct command_call *call)
{
    struct asking asking = {.call = call,
                            .who = command_text_or_empty(call, "identity"),
                            .collection = command_text_or_empty(call, "collection"),
                            .audience = command_text_or_empty(call, "audience")};
    int64_t since_us;
    err_t err;
    if (TRY(err, read_since(call, &since_us)) || TRY(err, read_limit(call, &asking.limit)))
        return err;
    buf_init(&asking.lines, LIMIT_CONTROL_REPLY_BYTES);
    asking.starts = mem_alloc_array(asking.limit + 1, sizeof *asking.starts);
    if (asking.starts == NULL)
        err = ERR_NOMEM;
    if (err == ERR_OK)
        err = json_parser_new(LIMIT_CONTROL_LINE_BYTES, &asking.parser);
    if (err == ERR_OK && !TRY(err, access_each(call->host->access, since_us, take, &asking)))
        err = asking.err;
    if (err == ERR_OK)
        say(&asking);
    json_parser_free(asking.parser);
    mem_free(asking.starts);
    buf_deinit(&asking.lines);
    return err == ERR_OK ? err
                         : command_refuse(call, err, "ask for less: --since, --limit",
                                          "the access record cannot be read: %s", err_text(err));
}

const struct command command_access_rows[] = {
    {"access", false, access_show},
    {NULL, false, NULL},
};
