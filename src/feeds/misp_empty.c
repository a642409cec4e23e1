/* STIX has no empty lists, no empty dictionaries and no null (section 2.12, 2.3, 2); MISP writes them
 * everywhere. In what an element leaves of itself they are absent, and x_empty beside the other members says
 * what they were, so that they come back. */
#include "core/mem.h"
#include "feeds/misp_state.h"

enum kind { KIND_NULL, KIND_LIST, KIND_DICTIONARY, KINDS };

static const struct {
    struct str name, text;
} kinds[KINDS] = {
    [KIND_NULL] = {{"null", 4}, {"null", 4}},
    [KIND_LIST] = {{"list", 4}, {"[]", 2}},
    [KIND_DICTIONARY] = {{"dictionary", 10}, {"{}", 2}},
};

static const struct str marker = {"x_empty", 7};

/* --- in --- */

struct misp_empty {
    struct str name;
    unsigned depth;
    enum kind kind;
};

static bool kind_of(struct json_val value, enum kind *out)
{
    struct json_iter iter;
    struct str name;
    struct json_val first;
    switch (json_type(value)) {
    case JSON_NULL:
        *out = KIND_NULL;
        return true;
    case JSON_ARRAY:
        iter = json_array_iter(value);
        *out = KIND_LIST;
        return !json_array_next(&iter, &first);
    case JSON_OBJECT:
        iter = json_object_iter(value);
        *out = KIND_DICTIONARY;
        return !json_object_next(&iter, &name, &first);
    default:
        return false;
    }
}

static err_t note(struct misp_empties *empties, struct misp_empty empty)
{
    if (empties->count == empties->size) {
        size_t size = empties->size == 0 ? 32 : 2 * empties->size;
        struct misp_empty *grown = mem_grow(empties->at, size * sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        empties->at = grown;
        empties->size = size;
    }
    empties->at[empties->count++] = empty;
    return ERR_OK;
}

err_t misp_empty_note(struct misp_empties *empties, unsigned depth, struct str name, struct json_val value,
                      bool *out_empty)
{
    struct misp_empty empty = {.name = name, .depth = depth};
    *out_empty = kind_of(value, &empty.kind);
    if (*out_empty)
        return note(empties, empty);
    return str_eq(name, marker) ? ERR_INVALID : ERR_OK;
}

err_t misp_empty_note_list(struct misp_empties *empties, unsigned depth, struct str name)
{
    return note(empties, (struct misp_empty) {name, depth, KIND_LIST});
}

void misp_empty_put(struct misp_empties *empties, size_t base, unsigned depth, bool any, struct buf *out)
{
    size_t from = empties->count;
    const char *comma = "";
    while (from > base && empties->at[from - 1].depth == depth)
        from--;
    if (from == empties->count)
        return;
    buf_printf(out, "%s\"%s\":{", any ? "," : "", marker.at);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const char *inner = "";
        for (size_t i = from; i < empties->count; i++) {
            if (empties->at[i].kind != kind)
                continue;
            if (inner[0] == '\0')
                buf_printf(out, "%s\"%s\":[", comma, kinds[kind].name.at);
            buf_printf(out, "%s", inner);
            json_write_str(out, empties->at[i].name);
            inner = comma = ",";
        }
        if (inner[0] != '\0')
            buf_putc(out, ']');
    }
    buf_putc(out, '}');
    empties->count = from;
}

void misp_empties_deinit(struct misp_empties *empties)
{
    mem_free(empties->at);
    *empties = (struct misp_empties) {0};
}

/* --- back --- */

bool misp_full_note(struct misp_fulls *fulls, unsigned depth, struct str name, struct json_val value)
{
    if (!str_eq(name, marker) || !json_is(value, JSON_OBJECT))
        return false;
    fulls->has[depth] = true;
    fulls->at[depth] = value;
    return true;
}

void misp_full_put(struct misp_fulls *fulls, unsigned depth, bool any, struct buf *out,
                   bool (*instead)(void *ctx, struct str name, const char *comma, struct buf *out), void *ctx)
{
    struct json_val list, entry;
    if (!fulls->has[depth])
        return;
    fulls->has[depth] = false;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!json_get(fulls->at[depth], kinds[kind].name, &list) || !json_is(list, JSON_ARRAY))
            continue;
        struct json_iter iter = json_array_iter(list);
        while (json_array_next(&iter, &entry)) {
            const char *comma = any ? "," : "";
            size_t before = out->len;
            if (!json_is(entry, JSON_STRING))
                continue;
            if (instead == NULL || !instead(ctx, json_str(entry), comma, out)) {
                buf_put_str(out, str_of(comma));
                json_write_str(out, json_str(entry));
                buf_putc(out, ':');
                buf_put_str(out, kinds[kind].text);
            }
            any |= out->len > before;
        }
    }
}
