#include "stix/selector.h"

#include "core/limit.h"

static bool member(struct json_val object, struct str name, size_t *steps, struct json_val *out)
{
    struct json_iter iter = json_object_iter(object);
    struct str found;
    for (; *steps > 0 && json_object_next(&iter, &found, out); --*steps)
        if (str_eq(found, name))
            return true;
    return false;
}

static bool element(struct json_val array, struct str part, size_t *steps, struct json_val *out)
{
    uint64_t index;
    if (part.len < 3 || part.at[0] != '[' || part.at[part.len - 1] != ']' ||
        !str_to_u64((struct str) {part.at + 1, part.len - 2}, LIMIT_OBJECT_BYTES, &index))
        return false;
    struct json_iter iter = json_array_iter(array);
    for (; *steps > 0 && json_array_next(&iter, out); --*steps)
        if (index-- == 0)
            return true;
    return false;
}

bool stix_selector_resolve(struct json_val root, struct str selector, size_t *steps, struct json_val *out)
{
    struct json_val at = root;
    struct str rest = selector;
    if (selector.len == 0 || selector.at[selector.len - 1] == '.')
        return false;
    while (rest.len > 0) {
        struct str part = str_cut(&rest, '.');
        bool found = false;
        if (json_is(at, JSON_OBJECT))
            found = member(at, part, steps, &at);
        else if (json_is(at, JSON_ARRAY))
            found = element(at, part, steps, &at);
        if (!found)
            return false;
    }
    *out = at;
    return true;
}

struct stix_granular_iter stix_granular_iter(const struct stix_object *object)
{
    struct stix_granular_iter iter = {.root = object->root, .steps = LIMIT_STIX_SELECTOR_STEPS};
    if (object->has_granular_markings)
        iter.entries = json_array_iter(object->granular_markings);
    iter.now.entry = SIZE_MAX;
    return iter;
}

static bool next_entry(struct stix_granular_iter *iter)
{
    struct json_val entry, selectors;
    if (iter->entries.doc == NULL || !json_array_next(&iter->entries, &entry))
        return false;
    struct stix_granular now = {.entry = iter->now.entry + 1, .at = SIZE_MAX};
    (void)json_get_str(entry, STR("marking_ref"), &now.marking_ref);
    (void)json_get_str(entry, STR("lang"), &now.lang);
    iter->now = now;
    iter->inside = json_get(entry, STR("selectors"), &selectors) && json_is(selectors, JSON_ARRAY);
    if (iter->inside)
        iter->selectors = json_array_iter(selectors);
    return true;
}

bool stix_granular_next(struct stix_granular_iter *iter, struct stix_granular *out)
{
    struct json_val selector;
    while (!iter->inside || !json_array_next(&iter->selectors, &selector))
        if (!next_entry(iter))
            return false;
    iter->now.at++;
    *out = iter->now;
    out->selector = json_is(selector, JSON_STRING) ? json_str(selector) : (struct str) {NULL, 0};
    out->resolved = stix_selector_resolve(iter->root, out->selector, &iter->steps, &out->value);
    return true;
}
