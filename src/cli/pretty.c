/* JSON for people: laid out, and compared. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "core/limit.h"
#include "core/mem.h"
#include "json/json.h"

enum { TEXT_MAX = 64 << 20 };

struct parsed {
    struct json_parser *parser;
    struct json_doc doc;
    uint8_t *padded;
};

static bool parse(struct str text, struct parsed *out)
{
    struct fault fault = {0};
    *out = (struct parsed) {.padded = mem_alloc(text.len + JSON_PADDING)};
    if (out->padded == NULL || json_parser_new(text.len + JSON_PADDING, &out->parser) != ERR_OK)
        return false;
    if (text.len > 0)
        memcpy(out->padded, text.at, text.len);
    return json_parse(out->parser, bytes_of(out->padded, text.len), &out->doc, &fault) == ERR_OK;
}

static void parsed_free(struct parsed *parsed)
{
    json_parser_free(parsed->parser);
    mem_free(parsed->padded);
}

/* Escaped further than JSON asks for: what drives terminals, or hides, or turns the direction of reading. */
static void put_string(struct buf *out, struct str text)
{
    struct buf plain;
    buf_init(&plain, out->size_max);
    json_write_str(&plain, text);
    struct str left = buf_str(&plain);
    while (left.len > 0) {
        struct str before = left;
        uint32_t c = print_take_char(&left);
        if (print_is_hidden(c))
            buf_printf(out, "\\u%04x", (unsigned)c);
        else
            buf_put(out, before.at, before.len - left.len);
    }
    if (buf_err(&plain) != ERR_OK)
        out->err = buf_err(&plain);
    buf_deinit(&plain);
}

static void put_scalar(struct buf *out, struct json_val value)
{
    switch (json_type(value)) {
    case JSON_STRING:
        put_string(out, json_str(value));
        break;
    case JSON_OBJECT:
        buf_put_str(out, STR("{}"));
        break;
    case JSON_ARRAY:
        buf_put_str(out, STR("[]"));
        break;
    default:
        json_write_scalar(out, value);
        break;
    }
}

struct level {
    struct json_iter iter;
    bool is_object, any;
    size_t index;
    size_t pointer; /* length of the pointer to it */
};

struct walk {
    struct level levels[LIMIT_JSON_DEPTH + 1];
    size_t depth;
};

static bool is_empty(struct json_val value)
{
    struct str name;
    struct json_val item;
    struct json_iter iter;
    if (json_is(value, JSON_ARRAY))
        return json_array_count(value) == 0;
    iter = json_object_iter(value);
    return !json_object_next(&iter, &name, &item);
}

static bool opens(struct json_val value)
{
    return (json_is(value, JSON_OBJECT) || json_is(value, JSON_ARRAY)) && !is_empty(value);
}

static bool enter(struct walk *walk, struct json_val value, size_t pointer)
{
    if (walk->depth == sizeof walk->levels / sizeof walk->levels[0])
        return false;
    bool is_object = json_is(value, JSON_OBJECT);
    walk->levels[walk->depth++] = (struct level) {
        .iter = is_object ? json_object_iter(value) : json_array_iter(value),
        .is_object = is_object,
        .pointer = pointer,
    };
    return true;
}

static bool next(struct level *level, struct str *name, struct json_val *value)
{
    return level->is_object ? json_object_next(&level->iter, name, value)
                            : json_array_next(&level->iter, value);
}

static void new_line(struct buf *out, size_t depth)
{
    buf_putc(out, '\n');
    for (size_t i = 0; i < depth; i++)
        buf_put_str(out, STR("  "));
}

static void lay_out(struct walk *walk, struct json_val root, struct buf *out)
{
    if (!opens(root) || !enter(walk, root, 0)) {
        put_scalar(out, root);
        return;
    }
    buf_putc(out, json_is(root, JSON_OBJECT) ? '{' : '[');
    while (walk->depth > 0) {
        struct level *level = &walk->levels[walk->depth - 1];
        struct str name = {NULL, 0};
        struct json_val value;
        if (!next(level, &name, &value)) {
            walk->depth--;
            new_line(out, walk->depth);
            buf_putc(out, level->is_object ? '}' : ']');
            continue;
        }
        if (level->any)
            buf_putc(out, ',');
        level->any = true;
        new_line(out, walk->depth);
        if (name.at != NULL) {
            put_string(out, name);
            buf_put_str(out, STR(": "));
        }
        if (opens(value) && enter(walk, value, 0))
            buf_putc(out, json_is(value, JSON_OBJECT) ? '{' : '[');
        else
            put_scalar(out, value);
    }
}

bool pretty_json(struct str json, struct buf *out)
{
    struct parsed parsed;
    struct walk *walk = mem_alloc(sizeof *walk);
    bool good = parse(json, &parsed) && walk != NULL;
    if (good) {
        lay_out(walk, json_root(&parsed.doc), out);
        buf_putc(out, '\n');
    }
    parsed_free(&parsed);
    mem_free(walk);
    return good && buf_err(out) == ERR_OK;
}

/* --- comparing: every value that holds no other, by its pointer --- */

struct leaf {
    const uint8_t *text;                           /* of all leaves, once it no longer grows */
    size_t pointer, pointer_len, value, value_len; /* in it */
};

struct leaves {
    struct buf text;
    struct leaf *at;
    size_t count, size;
};

static bool add_leaf(struct leaves *leaves, struct str pointer, struct json_val value)
{
    if (leaves->count == leaves->size) {
        size_t size = leaves->size == 0 ? 256 : leaves->size * 2;
        struct leaf *at = mem_grow(leaves->at, size * sizeof *at);
        if (at == NULL)
            return false;
        leaves->at = at;
        leaves->size = size;
    }
    struct leaf *leaf = &leaves->at[leaves->count++];
    leaf->pointer = leaves->text.len;
    leaf->pointer_len = pointer.len;
    buf_put_str(&leaves->text, pointer);
    leaf->value = leaves->text.len;
    put_scalar(&leaves->text, value);
    leaf->value_len = leaves->text.len - leaf->value;
    return buf_err(&leaves->text) == ERR_OK;
}

/* A step of a pointer (RFC 6901 section 3). */
static void put_step(struct buf *pointer, const struct level *level, struct str name)
{
    buf_putc(pointer, '/');
    if (!level->is_object) {
        buf_printf(pointer, "%zu", level->index);
        return;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '~' || name.at[i] == '/')
            buf_put_str(pointer, name.at[i] == '~' ? STR("~0") : STR("~1"));
        else
            buf_putc(pointer, name.at[i]);
    }
}

static bool collect(struct walk *walk, struct json_val root, struct leaves *leaves)
{
    struct buf pointer;
    bool good = true;
    buf_init(&pointer, TEXT_MAX);
    walk->depth = 0;
    if (!opens(root) || !enter(walk, root, 0))
        good = add_leaf(leaves, STR(""), root);
    while (good && walk->depth > 0) {
        struct level *level = &walk->levels[walk->depth - 1];
        struct str name = {NULL, 0};
        struct json_val value;
        pointer.len = level->pointer;
        if (!next(level, &name, &value)) {
            walk->depth--;
            continue;
        }
        put_step(&pointer, level, name);
        level->index++;
        if (!opens(value) || !enter(walk, value, pointer.len))
            good = add_leaf(leaves, buf_str(&pointer), value);
    }
    buf_deinit(&pointer);
    return good;
}

static struct str leaf_pointer(const struct leaf *leaf)
{
    return (struct str) {(const char *)leaf->text + leaf->pointer, leaf->pointer_len};
}

static struct str leaf_value(const struct leaf *leaf)
{
    return (struct str) {(const char *)leaf->text + leaf->value, leaf->value_len};
}

/* Digits count as numbers: /9 before /10. */
static int pointer_cmp(struct str a, struct str b)
{
    size_t i = 0, k = 0;
    while (i < a.len && k < b.len) {
        size_t da = i, db = k;
        while (da < a.len && a.at[da] >= '0' && a.at[da] <= '9')
            da++;
        while (db < b.len && b.at[db] >= '0' && b.at[db] <= '9')
            db++;
        if (da > i && db > k && da - i != db - k)
            return da - i < db - k ? -1 : 1;
        if (a.at[i] != b.at[k])
            return (uint8_t)a.at[i] < (uint8_t)b.at[k] ? -1 : 1;
        i++;
        k++;
    }
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

static int leaf_cmp(const void *a, const void *b)
{
    return pointer_cmp(leaf_pointer(a), leaf_pointer(b));
}

static bool leaves_of(struct str json, struct walk *walk, struct leaves *out)
{
    struct parsed parsed;
    *out = (struct leaves) {.at = NULL};
    buf_init(&out->text, TEXT_MAX);
    bool good = parse(json, &parsed) && collect(walk, json_root(&parsed.doc), out);
    parsed_free(&parsed);
    for (size_t i = 0; i < out->count; i++)
        out->at[i].text = out->text.at;
    if (good && out->count > 1)
        qsort(out->at, out->count, sizeof *out->at, leaf_cmp);
    return good;
}

static void leaves_free(struct leaves *leaves)
{
    buf_deinit(&leaves->text);
    mem_free(leaves->at);
}

bool pretty_diff(struct str before, struct str after,
                 void (*line)(void *ctx, struct str pointer, const struct str *old, const struct str *new),
                 void *ctx)
{
    struct leaves a = {.at = NULL}, b = {.at = NULL};
    struct walk *walk = mem_alloc(sizeof *walk);
    bool good = walk != NULL && leaves_of(before, walk, &a) && leaves_of(after, walk, &b);
    size_t i = 0, k = 0;
    while (good && (i < a.count || k < b.count)) {
        int order = i == a.count   ? 1
                    : k == b.count ? -1
                                   : pointer_cmp(leaf_pointer(&a.at[i]), leaf_pointer(&b.at[k]));
        struct str old = {NULL, 0}, new = {NULL, 0}, pointer = {NULL, 0};
        if (order <= 0) {
            pointer = leaf_pointer(&a.at[i]);
            old = leaf_value(&a.at[i++]);
        }
        if (order >= 0) {
            pointer = leaf_pointer(&b.at[k]);
            new = leaf_value(&b.at[k++]);
        }
        if (order != 0 || !str_eq(old, new))
            line(ctx, pointer, order <= 0 ? &old : NULL, order >= 0 ? &new : NULL);
    }
    leaves_free(&a);
    leaves_free(&b);
    mem_free(walk);
    return good;
}
