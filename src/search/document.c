#include "search/document.h"

#include <stdio.h>

#include "core/limit.h"
#include "search/term.h"
#include "stix/marking.h"

/* What a member of this name is found by; of any other name a string is text. */
enum use { USE_TEXT, USE_NOTHING, USE_VALUE, USE_BOTH, USE_LABEL, USE_SECTOR, USE_NUMBER, USE_PATTERN };

static const struct {
    struct str name;
    enum use use;
} rows[] = {
    {{"id", 2}, USE_NOTHING},
    {{"type", 4}, USE_NOTHING},
    {{"spec_version", 12}, USE_NOTHING},
    {{"created", 7}, USE_NOTHING},
    {{"modified", 8}, USE_NOTHING},
    {{"pattern_type", 12}, USE_NOTHING},
    {{"payload_bin", 11}, USE_NOTHING},
    {{"labels", 6}, USE_LABEL},
    {{"sectors", 7}, USE_SECTOR},
    {{"pattern", 7}, USE_PATTERN},
    {{"number", 6}, USE_NUMBER},
    {{"value", 5}, USE_BOTH},
    {{"name", 4}, USE_BOTH},
    {{"aliases", 7}, USE_BOTH},
    {{"x_mitre_aliases", 15}, USE_BOTH},
    {{"external_id", 11}, USE_BOTH},
    {{"url", 3}, USE_VALUE},
    {{"key", 3}, USE_BOTH},
    {{"path", 4}, USE_BOTH},
    {{"command_line", 12}, USE_BOTH},
    {{"display_name", 12}, USE_BOTH},
    {{"user_id", 7}, USE_BOTH},
    {{"account_login", 13}, USE_BOTH},
    {{"cpe", 3}, USE_VALUE},
    {{"serial_number", 13}, USE_VALUE},
    {{"issuer", 6}, USE_BOTH},
    {{"subject", 7}, USE_BOTH},
};

struct walk {
    struct buf *terms, *text;
    struct arena *arena;
    struct frame {
        struct json_iter iter;
        bool is_object, hashes;
        struct str name; /* of what is walked; elements of a list have the list's */
    } stack[LIMIT_JSON_DEPTH + 1];
    size_t depth;
};

static enum use use_of(struct str name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_eq(name, rows[i].name))
            return rows[i].use;
    return str_ends(name, STR("_ref")) || str_ends(name, STR("_refs")) ? USE_NOTHING : USE_TEXT;
}

static void put_text(struct walk *walk, struct str text)
{
    struct stix_key key;
    struct stamp stamp;
    size_t left = walk->text->size_max - walk->text->len;
    if (text.len == 0 || left < 2 || stix_id_parse(text, &key) ||
        (text.len < 40 && stamp_parse(text, &stamp, NULL) == ERR_OK))
        return;
    if (text.len > left - 1)
        text.len = left - 1;
    buf_put_str(walk->text, text);
    buf_putc(walk->text, '\n');
}

static void take_string(struct walk *walk, const struct frame *frame, struct str name, struct str text)
{
    if (frame->hashes) {
        term_put(walk->terms, TERM_HASH, text);
        return;
    }
    enum use use = use_of(name);
    if (use == USE_VALUE || use == USE_BOTH)
        term_put_value(walk->terms, text);
    if (use == USE_LABEL || use == USE_SECTOR)
        term_put(walk->terms, use == USE_LABEL ? TERM_LABEL : TERM_SECTOR, text);
    /* A rule in another language (YARA, Sigma, Snort) is read as text. */
    if (use == USE_PATTERN && !term_put_pattern(walk->terms, text, walk->arena))
        use = USE_TEXT;
    if (use == USE_TEXT || use == USE_BOTH || use == USE_LABEL || use == USE_SECTOR)
        put_text(walk, text);
}

static void take_number(struct walk *walk, struct str name, struct json_val value)
{
    if (use_of(name) == USE_NUMBER)
        term_put_number(walk->terms, json_int(value));
}

static void enter(struct walk *walk, struct json_val value, struct str name, bool hashes)
{
    if (walk->depth == sizeof walk->stack / sizeof walk->stack[0])
        return;
    bool is_object = json_is(value, JSON_OBJECT);
    walk->stack[walk->depth++] = (struct frame) {
        .iter = is_object ? json_object_iter(value) : json_array_iter(value),
        .is_object = is_object,
        .hashes = hashes || (is_object && str_eq(name, STR("hashes"))),
        .name = name,
    };
}

static void take(struct walk *walk, const struct frame *frame, struct str name, struct json_val value)
{
    switch (json_type(value)) {
    case JSON_STRING:
        take_string(walk, frame, name, json_str(value));
        break;
    case JSON_INT:
        take_number(walk, name, value);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        enter(walk, value, name, frame->hashes);
        break;
    default:
        break;
    }
}

static void walk_all(struct walk *walk, struct json_val root)
{
    enter(walk, root, STR(""), false);
    while (walk->depth > 0) {
        struct frame *frame = &walk->stack[walk->depth - 1];
        struct str name = frame->name;
        struct json_val value;
        bool more = frame->is_object ? json_object_next(&frame->iter, &name, &value)
                                     : json_array_next(&frame->iter, &value);
        if (more)
            take(walk, frame, name, value);
        else
            walk->depth--;
    }
}

static void put_markings(const struct stix_object *object, struct buf *terms)
{
    enum stix_tlp tlp;
    char text[24];
    for (size_t i = 0; i < object->ref_count; i++) {
        const struct stix_ref *ref = &object->refs[i];
        if (ref->role != STIX_REF_MARKING && ref->role != STIX_REF_GRANULAR_MARKING)
            continue;
        term_put(terms, TERM_MARKING, ref->id);
        if (!stix_tlp_from_key(&ref->key, &tlp))
            continue;
        int len = snprintf(text, sizeof text, "tlp:%s", stix_tlp_name(tlp));
        term_put(terms, TERM_MARKING, (struct str) {text, (size_t)len});
    }
    if (!object->has_markings && !object->has_granular_markings)
        term_put(terms, TERM_MARKING, STR("none"));
}

void search_document(const struct stix_object *object, uint32_t source, struct arena *arena,
                     struct buf *terms, struct buf *text)
{
    char number[16];
    struct walk walk = {.terms = terms, .text = text, .arena = arena};
    int len = snprintf(number, sizeof number, "%u", source);
    term_put(terms, TERM_ALL, STR("."));
    term_put(terms, TERM_TYPE, object->type_name);
    term_put(terms, TERM_SOURCE, (struct str) {number, (size_t)len});
    if (object->has_creator)
        term_put(terms, TERM_CREATOR, object->creator_id);
    put_markings(object, terms);
    walk_all(&walk, object->root);
}
