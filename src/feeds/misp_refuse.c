/* One bad attribute, object or report fails none of its neighbours. */
#include <stdio.h>

#include "core/mem.h"
#include "feeds/misp_reading.h"

/* What an element may leave behind. */
struct before {
    size_t body, refs, ref_count, pieces, piece_count;
    struct misp_report report;
};

static struct before look(struct reading *r)
{
    buf_clear(&r->added);
    return (struct before) {r->body.len,        r->refs.len,         r->ref_count,
                            r->keep.pieces.len, r->keep.piece_count, *r->report};
}

/* Markings that it alone carried are defined all the same: nothing refers to them. */
static void take_back(struct reading *r, const struct before *before)
{
    r->body.len = before->body;
    r->refs.len = before->refs;
    r->ref_count = before->ref_count;
    r->keep.pieces.len = before->pieces;
    r->keep.piece_count = before->piece_count;
    r->keep.empties.count = 0;
    *r->report = before->report;
    for (size_t at = 0; at < r->added.len; at += UUID_TEXT_SIZE) {
        uint64_t *main = map_get(&r->mains, r->added.at + at);
        if (main != NULL)
            *main = MISP_MAIN_FREE;
    }
}

bool misp_is_of_element(err_t err)
{
    return err == ERR_INVALID || err == ERR_DUPLICATE_NAME || err == ERR_NUMBER;
}

static err_t grow(struct reading *r)
{
    if (r->refusal_count < r->refusal_size)
        return ERR_OK;
    size_t size = r->refusal_size == 0 ? 4 : 2 * r->refusal_size;
    struct refusal *grown = mem_grow(r->refusals, size * sizeof *grown);
    if (grown == NULL)
        return ERR_NOMEM;
    r->refusals = grown;
    r->refusal_size = size;
    return ERR_OK;
}

/* `fault` has the pointer from the element, if any: it becomes one from the root. */
static struct fault whole_fault(const struct reading *r, err_t err, const char *list, size_t position)
{
    struct fault fault = {.code = err};
    if (r->fault != NULL)
        fault = *r->fault;
    char inner[FAULT_POINTER_MAX];
    memcpy(inner, fault.pointer, sizeof inner);
    int len = snprintf(fault.pointer, sizeof fault.pointer, "%s/%s/%zu%s", r->wrapped ? "/Event" : "", list,
                       position, inner);
    if (len >= (int)sizeof fault.pointer)
        memcpy(fault.pointer + sizeof fault.pointer - 4, "...", 4);
    return fault;
}

static void refuse(struct reading *r, const char *list, size_t position, struct json_val v)
{
    uint64_t at = v.at;
    if (r->refusal_count == LIMIT_MISP_REFUSED) {
        r->err = fault_set(r->fault, ERR_LIMIT, 0, "more than %d of its elements cannot be read",
                           LIMIT_MISP_REFUSED);
        return;
    }
    struct refusal refusal = {list, position, whole_fault(r, r->err, list, position)};
    r->err = grow(r);
    if (r->err == ERR_OK)
        r->err = map_put(&r->refused, &at, 1);
    if (r->err == ERR_OK)
        r->refusals[r->refusal_count++] = refusal;
    r->keep.err = ERR_OK;
    if (r->fault != NULL)
        *r->fault = (struct fault) {0};
}

void misp_each(struct reading *r, const char *name,
               void (*put)(struct reading *r, struct json_val v, size_t position))
{
    struct json_val list, entry;
    if (!json_get(r->event, str_of(name), &list))
        return;
    if (!json_is(list, JSON_ARRAY)) {
        if (!json_is(list, JSON_NULL))
            misp_fail(r, ERR_INVALID, "this member of the event is no list", str_of(name));
        return;
    }
    struct json_iter iter = json_array_iter(list);
    for (size_t position = 0; r->err == ERR_OK && json_array_next(&iter, &entry); position++) {
        uint64_t at = entry.at;
        if (map_get(&r->refused, &at) != NULL)
            continue;
        struct before before = look(r);
        put(r, entry, position);
        if (r->err == ERR_OK)
            r->err = r->keep.err;
        if (!misp_is_of_element(r->err))
            continue;
        take_back(r, &before);
        refuse(r, name, position, entry);
    }
}

/* --- telling --- */

struct telling {
    const struct reading *r;
    const struct misp_refuse *refuse;
    const char *list;
    struct bytes text;
    size_t position;
};

static bool tell_one(void *ctx, struct json_slice slice)
{
    struct telling *telling = ctx;
    const struct reading *r = telling->r;
    uint64_t position = telling->position++;
    for (size_t i = 0; i < r->refusal_count; i++) {
        const struct refusal *refusal = &r->refusals[i];
        if (refusal->position == position && strcmp(refusal->list, telling->list) == 0)
            telling->refuse->element(telling->refuse->ctx, bytes_of(telling->text.at + slice.from, slice.len),
                                     &refusal->fault);
    }
    return true;
}

void misp_tell_refused(const struct reading *r, struct bytes event, const struct misp_refuse *refuse)
{
    static const char *const lists[] = {"Attribute", "Object", "EventReport"};
    size_t at = r->wrapped ? json_pointer_offset(event, STR("/Event")) : 0;
    struct bytes text = bytes_of(event.at + at, event.len - at);
    enum json_split_kind kind;
    for (size_t i = 0; r->refusal_count > 0 && i < sizeof lists / sizeof lists[0]; i++) {
        struct telling telling = {r, refuse, lists[i], text, 0};
        /* What stands behind the event does not matter: it was parsed as a whole. */
        (void)!json_split(text, str_of(lists[i]), &kind, tell_one, &telling, NULL);
    }
}
