#include "json/json.h"
#include "json/skip.h"

struct split {
    struct bytes text;
    struct str list_name;
    bool (*slice)(void *ctx, struct json_slice slice);
    void *ctx;
    struct fault *fault;
    enum json_split_kind kind;
    bool stopped;
};

static err_t broken(struct split *s, size_t at, const char *wanted)
{
    if (at >= s->text.len)
        return fault_set(s->fault, ERR_SHORT, s->text.len, "the text ends where %s has to follow", wanted);
    return fault_set(s->fault, ERR_SYNTAX, at, "%s has to stand here", wanted);
}

/* The value at `at`, which must end inside the text. */
static err_t step_over(struct split *s, size_t at, size_t *out_end)
{
    if (skip_value(s->text, at, out_end))
        return ERR_OK;
    uint8_t c = skip_peek(s->text, at);
    if (c == '"' || c == '{' || c == '[')
        return fault_set(s->fault, ERR_SHORT, at, "the text ends inside the value that starts here");
    return broken(s, at, "a value");
}

static void hand_over(struct split *s, size_t from, size_t end)
{
    if (!s->stopped && !s->slice(s->ctx, (struct json_slice) {from, end - from}))
        s->stopped = true;
}

/* The elements of the array that opens at `at`. */
static err_t cut_list(struct split *s, size_t at, size_t *out_end)
{
    at = skip_space(s->text, at + 1);
    if (skip_peek(s->text, at) == ']') {
        *out_end = at + 1;
        return ERR_OK;
    }
    for (;;) {
        size_t end;
        err_t err;
        if (TRY(err, step_over(s, at, &end)))
            return err;
        hand_over(s, at, end);
        at = skip_space(s->text, end);
        uint8_t c = skip_peek(s->text, at);
        if (s->stopped || c == ']') {
            *out_end = at + 1;
            return ERR_OK;
        }
        if (c != ',')
            return broken(s, at, "a comma or the end of the list");
        at = skip_space(s->text, at + 1);
    }
}

/* One member of the root object: its name and value; the list is cut when this is it. */
static err_t take_member(struct split *s, size_t at, size_t *out_end)
{
    size_t end;
    if (skip_peek(s->text, at) != '"')
        return broken(s, at, "a member name");
    if (!skip_string(s->text, at + 1, &end))
        return fault_set(s->fault, ERR_SHORT, at, "the text ends inside the name that starts here");
    size_t value = skip_space(s->text, end);
    if (skip_peek(s->text, value) != ':')
        return broken(s, value, "a colon");
    value = skip_space(s->text, value + 1);
    bool is_list = skip_peek(s->text, value) == '[' &&
                   skip_string_is((struct bytes) {s->text.at + at + 1, end - at - 2}, s->list_name);
    if (!is_list)
        return step_over(s, value, out_end);
    if (s->kind == JSON_SPLIT_LIST)
        return fault_set(s->fault, ERR_DUPLICATE_NAME, at, "the member \"%.*s\" occurs twice",
                         (int)(s->list_name.len < 64 ? s->list_name.len : 64), s->list_name.at);
    s->kind = JSON_SPLIT_LIST;
    return cut_list(s, value, out_end);
}

static err_t cut_object(struct split *s, size_t at, size_t *out_end)
{
    at = skip_space(s->text, at + 1);
    if (skip_peek(s->text, at) == '}') {
        *out_end = at + 1;
        return ERR_OK;
    }
    for (;;) {
        size_t end;
        err_t err;
        if (TRY(err, take_member(s, at, &end)))
            return err;
        if (s->stopped) {
            *out_end = end;
            return ERR_OK;
        }
        at = skip_space(s->text, end);
        if (skip_peek(s->text, at) == '}') {
            *out_end = at + 1;
            return ERR_OK;
        }
        if (skip_peek(s->text, at) != ',')
            return broken(s, at, "a comma or the end of the object");
        at = skip_space(s->text, at + 1);
    }
}

static size_t line_end(struct bytes text, size_t at)
{
    const uint8_t *found = at < text.len ? memchr(text.at + at, '\n', text.len - at) : NULL;
    return found == NULL ? text.len : (size_t)(found - text.at);
}

/* JSON lines: a line is a slice whatever it holds, so that a broken one costs only itself. */
static void cut_lines(struct split *s, size_t at)
{
    while (at < s->text.len && !s->stopped) {
        size_t end = line_end(s->text, at);
        struct str line = str_trim((struct str) {(const char *)s->text.at + at, end - at});
        if (line.len > 0) {
            size_t from = (size_t)((const uint8_t *)line.at - s->text.at);
            hand_over(s, from, from + line.len);
        }
        at = end == s->text.len ? end : end + 1;
    }
}

/* The root is [from, end); what stands behind it decides whether it was the only value. */
static err_t finish(struct split *s, size_t from, size_t end)
{
    size_t next = skip_space(s->text, end);
    bool more = next < s->text.len;
    bool is_line = line_end(s->text, from) >= end && line_end(s->text, end) < next;
    if (more && (s->kind == JSON_SPLIT_LIST || !is_line))
        return fault_set(s->fault, ERR_SYNTAX, next, "more text stands behind the end of the value");
    if (s->kind == JSON_SPLIT_LIST)
        return ERR_OK;
    hand_over(s, from, end);
    if (more) {
        s->kind = JSON_SPLIT_LINES;
        cut_lines(s, end);
    }
    return ERR_OK;
}

static err_t cut_root(struct split *s)
{
    size_t from = skip_space(s->text, 0), end;
    err_t err = skip_peek(s->text, from) == '{' ? cut_object(s, from, &end) : step_over(s, from, &end);
    if (err != ERR_OK || s->stopped)
        return err;
    return finish(s, from, end);
}

err_t json_split(struct bytes text, struct str list_name, enum json_split_kind *out_kind,
                 bool (*slice)(void *ctx, struct json_slice slice), void *ctx, struct fault *fault)
{
    struct split s = {text, list_name, slice, ctx, fault, JSON_SPLIT_OBJECT, false};
    const char *mark = skip_foreign_mark(text);
    if (mark != NULL)
        return fault_set(fault, ERR_ENCODING, 0, "%s", mark);
    err_t err = cut_root(&s);
    if (err == ERR_OK)
        *out_kind = s.kind;
    return err;
}

bool json_value_span(struct bytes text, size_t *out_len)
{
    return skip_value(text, 0, out_len);
}
