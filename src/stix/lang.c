#include "stix/lang.h"

#include "core/limit.h"

static struct str primary(struct str tag)
{
    struct str rest = tag;
    return str_cut(&rest, '-');
}

/* The tag itself first, then another of the same language. */
static bool find_language(struct json_val contents, struct str lang, struct json_val *out)
{
    bool found = false;
    struct str name;
    struct json_val value;
    struct json_iter iter = json_object_iter(contents);
    while (json_object_next(&iter, &name, &value)) {
        if (!json_is(value, JSON_OBJECT))
            continue;
        bool exact = str_same(name, lang); /* RFC 5646 section 2.1.1: cases are not told apart */
        if (!exact && (found || !str_same(primary(name), primary(lang))))
            continue;
        *out = value;
        found = true;
        if (exact)
            return true;
    }
    return found;
}

bool stix_lang_applies(struct json_val content, struct json_val object)
{
    struct str ref, id, text;
    struct stix_key a, b;
    struct stamp wanted, modified;
    if (!json_get_str(content, STR("object_ref"), &ref) || !json_get_str(object, STR("id"), &id) ||
        !stix_id_parse(ref, &a) || !stix_id_parse(id, &b) || !stix_key_eq(&a, &b))
        return false;
    if (!json_get_str(content, STR("object_modified"), &text))
        return true;
    if (stamp_parse(text, &wanted, NULL) != ERR_OK || !json_get_str(object, STR("modified"), &text))
        return false;
    return stamp_parse(text, &modified, NULL) == ERR_OK && stamp_cmp(wanted, modified) == 0;
}

bool stix_lang_translatable(struct str name)
{
    static const struct str never[] = {
        {"id", 2},           {"type", 4},          {"spec_version", 12},    {"pattern", 7},
        {"lang", 4},         {"pattern_type", 12}, {"pattern_version", 15}, {"hashes", 6},
        {"external_id", 11}, {"url", 3},           {"payload_bin", 11},     {"selectors", 9},
    };
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (str_eq(name, never[i]))
            return false;
    return !str_ends(name, STR("_ref")) && !str_ends(name, STR("_refs"));
}

bool stix_lang_is_text(struct str text)
{
    struct stix_key key;
    struct stamp stamp;
    return !stix_id_parse(text, &key) && !(text.len < 40 && stamp_parse(text, &stamp, NULL) == ERR_OK);
}

struct level {
    struct json_iter iter, other_iter; /* other_iter: of a list that goes along */
    bool is_object, any, has_other;
    struct json_val other; /* of an object */
};

struct merge {
    struct level levels[LIMIT_JSON_DEPTH + 1];
    size_t depth;
    struct buf *out;
};

static void put_scalar(struct buf *out, struct json_val value, const struct json_val *other)
{
    struct str text;
    switch (json_type(value)) {
    case JSON_STRING:
        text = json_str(value);
        if (other != NULL && json_is(*other, JSON_STRING) && json_str(*other).len > 0 &&
            stix_lang_is_text(text))
            text = json_str(*other);
        json_write_str(out, text);
        break;
    default:
        json_write_scalar(out, value);
        break;
    }
}

static bool enter(struct merge *merge, struct json_val value, const struct json_val *other)
{
    if (merge->depth == sizeof merge->levels / sizeof merge->levels[0])
        return false;
    struct level level = {.is_object = json_is(value, JSON_OBJECT)};
    level.has_other = other != NULL && json_type(*other) == json_type(value);
    if (level.is_object) {
        level.iter = json_object_iter(value);
    } else {
        level.iter = json_array_iter(value);
        level.has_other = level.has_other && json_array_count(*other) == json_array_count(value);
    }
    if (level.has_other && level.is_object)
        level.other = *other;
    if (level.has_other && !level.is_object)
        level.other_iter = json_array_iter(*other);
    buf_putc(merge->out, level.is_object ? '{' : '[');
    merge->levels[merge->depth++] = level;
    return true;
}

/* The next member or item and what goes with it; false: the level is done. */
static bool next(struct merge *merge, struct level *level, struct json_val *value, struct json_val *other,
                 bool *has_other)
{
    struct str name;
    if (!level->is_object) {
        *has_other = level->has_other && json_array_next(&level->other_iter, other);
        if (!json_array_next(&level->iter, value))
            return false;
    } else {
        if (!json_object_next(&level->iter, &name, value))
            return false;
        *has_other = level->has_other && stix_lang_translatable(name) && json_get(level->other, name, other);
    }
    if (level->any)
        buf_putc(merge->out, ',');
    level->any = true;
    if (level->is_object) {
        json_write_str(merge->out, name);
        buf_putc(merge->out, ':');
    }
    return true;
}

static err_t merge_all(struct merge *merge, struct json_val object, struct json_val other)
{
    (void)enter(merge, object, &other);
    while (merge->depth > 0) {
        struct level *level = &merge->levels[merge->depth - 1];
        struct json_val value, with;
        bool has_other = false;
        if (!next(merge, level, &value, &with, &has_other)) {
            buf_putc(merge->out, level->is_object ? '}' : ']');
            merge->depth--;
        } else if (!json_is(value, JSON_OBJECT) && !json_is(value, JSON_ARRAY)) {
            put_scalar(merge->out, value, has_other ? &with : NULL);
        } else if (!enter(merge, value, has_other ? &with : NULL)) {
            return ERR_LIMIT;
        }
    }
    return buf_err(merge->out);
}

err_t stix_lang_merge(struct json_val object, struct json_val content, struct str lang, struct buf *out)
{
    struct json_val contents, other;
    struct merge merge = {.out = out};
    if (!json_is(object, JSON_OBJECT) || !json_get(content, STR("contents"), &contents) ||
        !json_is(contents, JSON_OBJECT) || !find_language(contents, lang, &other))
        return ERR_NOTFOUND;
    return merge_all(&merge, object, other);
}
