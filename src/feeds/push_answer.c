#include "feeds/push_answer.h"

#include <stdio.h>

/* `doc` is what *out points into. */
static err_t read_object(struct json_parser *parser, struct bytes text, struct json_doc *doc,
                         struct json_val *out)
{
    if (text.len == 0 || json_parse(parser, text, doc, NULL) != ERR_OK)
        return ERR_SYNTAX;
    *out = json_root(doc);
    return json_is(*out, JSON_OBJECT) ? ERR_OK : ERR_INVALID;
}

static bool get_count(struct json_val root, const char *name, uint64_t *out)
{
    struct json_val value;
    if (!json_get(root, str_of(name), &value) || !json_is(value, JSON_INT) || json_int(value) < 0)
        return false;
    *out = (uint64_t)json_int(value);
    return true;
}

static void copy_id(struct str id, char out[PUSH_ID_MAX])
{
    out[0] = '\0';
    for (size_t i = 0; i < id.len; i++) {
        char c = id.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
              c == '_' || (c == '.' && i > 0)))
            return;
    }
    if (id.len < PUSH_ID_MAX)
        (void)snprintf(out, PUSH_ID_MAX, "%.*s", STR_ARG(id));
}

static void each_failure(struct json_val root, void (*failure)(void *ctx, struct str id, struct str message),
                         void *ctx)
{
    struct json_val list, row;
    if (!json_get(root, STR("failures"), &list) || !json_is(list, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &row)) {
        struct str id = STR(""), message = STR("");
        if (!json_is(row, JSON_OBJECT))
            continue;
        (void)json_get_str(row, STR("id"), &id);
        (void)json_get_str(row, STR("message"), &message);
        failure(ctx, id, message);
    }
}

err_t push_status_read(struct json_parser *parser, struct bytes text, struct push_status *out,
                       void (*failure)(void *ctx, struct str id, struct str message), void *ctx)
{
    struct push_status status = {0};
    struct json_doc doc;
    struct json_val root;
    struct str word, id = STR("");
    err_t err = read_object(parser, text, &doc, &root);
    if (err != ERR_OK)
        return err;
    if (!json_get_str(root, STR("status"), &word) ||
        (!str_eq(word, STR("complete")) && !str_eq(word, STR("pending"))) ||
        !get_count(root, "success_count", &status.success) ||
        !get_count(root, "failure_count", &status.failed) || !get_count(root, "pending_count", &status.left))
        return ERR_INVALID;
    status.pending = str_eq(word, STR("pending"));
    (void)json_get_str(root, STR("id"), &id);
    copy_id(id, status.id);
    if (!status.pending)
        each_failure(root, failure, ctx);
    *out = status;
    return ERR_OK;
}

err_t push_manifest_read(struct json_parser *parser, struct bytes text,
                         void (*row)(void *ctx, struct str id, struct str version), void *ctx)
{
    struct json_doc doc;
    struct json_val root, list, value;
    err_t err = read_object(parser, text, &doc, &root);
    if (err != ERR_OK)
        return err;
    if (!json_get(root, STR("objects"), &list))
        return ERR_OK; /* {}: nothing of what was asked for */
    if (!json_is(list, JSON_ARRAY))
        return ERR_INVALID;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &value)) {
        struct str id, version = STR("");
        if (!json_is(value, JSON_OBJECT) || !json_get_str(value, STR("id"), &id))
            continue;
        (void)json_get_str(value, STR("version"), &version);
        row(ctx, id, version);
    }
    return ERR_OK;
}

uint64_t push_root_read(struct json_parser *parser, struct bytes text)
{
    struct json_doc doc;
    struct json_val root;
    uint64_t length = 0;
    if (read_object(parser, text, &doc, &root) == ERR_OK)
        (void)get_count(root, "max_content_length", &length);
    return length;
}

void push_words(struct str text, char out[PUSH_WORDS_MAX])
{
    size_t len = text.len < PUSH_WORDS_MAX ? text.len : PUSH_WORDS_MAX - 1;
    while (len < text.len && len > 0 && ((uint8_t)text.at[len] & 0xc0) == 0x80)
        len--;
    if (len > 0)
        memcpy(out, text.at, len);
    out[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)out[i] < ' ' || out[i] == 0x7f)
            out[i] = ' ';
}

/* Of a page of HTML, which proxies answer with; empty: there is none near the beginning. */
static struct str page_title(struct bytes page)
{
    enum { LOOK_BYTES = 4096 };
    struct str text = {(const char *)page.at, page.len < LOOK_BYTES ? page.len : LOOK_BYTES};
    const struct str tag = STR("<title>");
    while (text.len > tag.len && !str_same((struct str) {text.at, tag.len}, tag))
        text = (struct str) {text.at + 1, text.len - 1};
    if (text.len <= tag.len)
        return STR("");
    struct str rest = {text.at + tag.len, text.len - tag.len};
    struct str title = str_trim(str_cut(&rest, '<'));
    return str_is_utf8(title) ? title : STR("");
}

void push_error_read(struct json_parser *parser, struct bytes text, char out[PUSH_WORDS_MAX])
{
    char whole[2 * PUSH_WORDS_MAX], part[PUSH_WORDS_MAX];
    struct json_doc doc;
    struct json_val root;
    struct str title = STR(""), description = STR("");
    if (read_object(parser, text, &doc, &root) != ERR_OK) {
        push_words(page_title(text), out);
        return;
    }
    (void)json_get_str(root, STR("title"), &title);
    (void)json_get_str(root, STR("description"), &description);
    push_words(title, part);
    push_words(description, out);
    (void)snprintf(whole, sizeof whole, "%s%s%s", part, part[0] != '\0' && out[0] != '\0' ? ": " : "", out);
    push_words(str_of(whole), out);
}
