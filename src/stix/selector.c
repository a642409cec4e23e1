#include "stix/selector.h"

#include "core/limit.h"

/* What is left of a selector behind its first `len` bytes; false: these are no part of it. */
static bool cut_part(struct str selector, size_t len, struct str *out_rest)
{
    bool last = selector.len == len;
    if (!last && (selector.len - len < 2 || selector.at[len] != '.'))
        return false;
    *out_rest = last ? (struct str) {"", 0} : (struct str) {selector.at + len + 1, selector.len - len - 1};
    return true;
}

/* "[n]" at the beginning. */
static bool read_index(struct stix_selector_level *level)
{
    struct str rest = level->rest, part = str_cut(&rest, '.');
    return part.len >= 3 && part.at[0] == '[' && part.at[part.len - 1] == ']' &&
           str_to_u64((struct str) {part.at + 1, part.len - 2}, LIMIT_OBJECT_BYTES, &level->index) &&
           cut_part(level->rest, part.len, &level->further);
}

static bool next_member(struct stix_selector_level *level, size_t *steps, struct json_val *out)
{
    while (*steps > 0 && json_object_next(&level->iter, &level->name, out)) {
        --*steps;
        if (str_starts(level->rest, level->name) && cut_part(level->rest, level->name.len, &level->further))
            return true;
    }
    return false;
}

static bool next_element(struct stix_selector_level *level, size_t *steps, struct json_val *out)
{
    uint64_t seen = 0;
    if (level->done || !read_index(level))
        return false;
    level->done = true;
    for (; *steps > 0 && json_array_next(&level->iter, out); seen++) {
        --*steps;
        if (seen == level->index)
            return true;
    }
    return false;
}

static void enter(struct stix_selector_walk *walk, struct json_val value, struct str rest)
{
    bool is_object = json_is(value, JSON_OBJECT);
    if (rest.len == 0 || (!is_object && !json_is(value, JSON_ARRAY)) || walk->depth > LIMIT_JSON_DEPTH)
        return;
    walk->levels[walk->depth++] = (struct stix_selector_level) {
        .iter = is_object ? json_object_iter(value) : json_array_iter(value),
        .value = value,
        .is_object = is_object,
        .rest = rest,
    };
}

void stix_selector_begin(struct stix_selector_walk *walk, struct json_val root, struct str selector,
                         size_t *steps)
{
    walk->steps = steps;
    walk->depth = 0;
    enter(walk, root, selector);
}

bool stix_selector_next(struct stix_selector_walk *walk, struct json_val *out)
{
    while (walk->depth > 0) {
        struct stix_selector_level *level = &walk->levels[walk->depth - 1];
        struct json_val below;
        bool found = level->is_object ? next_member(level, walk->steps, &below)
                                      : next_element(level, walk->steps, &below);
        if (!found) {
            walk->depth--;
            continue;
        }
        *out = below;
        if (level->further.len == 0)
            return true;
        enter(walk, below, level->further);
    }
    return false;
}

bool stix_selector_resolve(struct json_val root, struct str selector, size_t *steps, struct json_val *out)
{
    struct stix_selector_walk walk;
    stix_selector_begin(&walk, root, selector, steps);
    return stix_selector_next(&walk, out);
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
