#include "feeds/envelope.h"

#include <stdio.h>

struct cutting {
    struct bytes text;
    struct hash_state *state;
    size_t count, first, end;
};

static bool take_slice(void *ctx, struct json_slice slice)
{
    struct cutting *cutting = ctx;
    if (cutting->count++ == 0)
        cutting->first = slice.from;
    cutting->end = slice.from + slice.len;
    hash_state_add(cutting->state, bytes_of(cutting->text.at + slice.from, slice.len));
    return true;
}

static err_t read_next(struct json_val next, struct envelope *out)
{
    if (json_is(next, JSON_STRING)) {
        struct str text = json_str(next);
        if (text.len > sizeof out->next)
            return ERR_LIMIT;
        memcpy(out->next, text.at, text.len);
        out->next_len = text.len;
    } else if (json_is(next, JSON_INT)) {
        out->next_len = (size_t)snprintf(out->next, sizeof out->next, "%lld", (long long)json_int(next));
    }
    return ERR_OK; /* null and the rest: as if it were not there */
}

static bool is_envelope(struct json_val root)
{
    struct str name;
    struct json_val value;
    if (!json_is(root, JSON_OBJECT))
        return false;
    struct json_iter iter = json_object_iter(root);
    if (!json_object_next(&iter, &name, &value))
        return true; /* {}: nothing there */
    return json_get(root, STR("objects"), &value) || json_get(root, STR("more"), &value) ||
           (json_get_str(root, STR("type"), &name) && str_eq(name, STR("bundle")));
}

static err_t read_ends(struct json_parser *parser, struct bytes text, struct envelope *out)
{
    struct json_doc doc;
    struct json_val value;
    if (json_parse(parser, text, &doc, NULL) != ERR_OK)
        return ERR_SYNTAX;
    struct json_val root = json_root(&doc);
    if (!is_envelope(root))
        return ERR_INVALID;
    out->more = json_get(root, STR("more"), &value) && json_is(value, JSON_TRUE);
    return json_get(root, STR("next"), &value) ? read_next(value, out) : ERR_OK;
}

/* The text without its objects. */
static err_t put_ends(const struct cutting *cutting, struct buf *out)
{
    size_t rest = cutting->end;
    buf_put(out, cutting->text.at, cutting->first);
    buf_put(out, cutting->text.at + rest, cutting->text.len - rest);
    if (buf_extend(out, JSON_PADDING) != NULL)
        out->len -= JSON_PADDING;
    return buf_err(out);
}

err_t envelope_read(struct json_parser *parser, struct bytes text, struct envelope *out)
{
    struct cutting cutting = {.text = text, .state = hash_state_new()};
    struct buf ends;
    struct fault fault = {0};
    enum json_split_kind kind = JSON_SPLIT_OBJECT;
    *out = (struct envelope) {0};
    if (cutting.state == NULL)
        return ERR_NOMEM;
    buf_init(&ends, LIMIT_FEED_ANSWER_BYTES + 2 * JSON_PADDING);
    err_t err = json_split(text, STR("objects"), &kind, take_slice, &cutting, &fault);
    out->digest = hash_state_take(cutting.state);
    if (err != ERR_OK || kind == JSON_SPLIT_LINES) {
        err = ERR_SYNTAX;
    } else if (kind == JSON_SPLIT_OBJECT || cutting.count == 0) {
        err = read_ends(parser, text, out);
    } else {
        out->count = cutting.count;
        err = put_ends(&cutting, &ends);
        if (err == ERR_OK)
            err = read_ends(parser, buf_bytes(&ends), out);
    }
    hash_state_free(cutting.state);
    buf_deinit(&ends);
    return err;
}
