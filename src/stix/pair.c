/* Objects that say something about another one: what only both of them show. */
#include <stdio.h>

#include "stix/extension_in.h"
#include "stix/lang.h"
#include "stix/together_in.h"

enum { SAMPLE_HASHES_MAX = 16, SAMPLE_HASH_BYTES = 256 };

/* --- who asks --- */

static bool is_variant(const struct stix_object *object)
{
    struct str verb, source, target;
    struct str malware = STR("malware");
    struct json_val root = object->root;
    return json_get_str(root, STR("relationship_type"), &verb) && str_eq(verb, STR("variant-of")) &&
           json_get_str(root, STR("source_ref"), &source) && json_get_str(root, STR("target_ref"), &target) &&
           str_eq(stix_id_type(source), malware) && str_eq(stix_id_type(target), malware);
}

static bool is_family(struct json_val root, enum json_type want)
{
    struct json_val v;
    return json_get(root, STR("is_family"), &v) && json_is(v, want);
}

static bool has_samples(const struct stix_object *object, struct json_val *out)
{
    return is_family(object->root, JSON_FALSE) && json_get(object->root, STR("sample_refs"), out) &&
           json_is(*out, JSON_ARRAY);
}

static bool refers(const struct stix_object *object, enum stix_ref_role a, enum stix_ref_role b)
{
    for (size_t i = 0; i < object->ref_count; i++)
        if (object->refs[i].role == a || object->refs[i].role == b)
            return true;
    return false;
}

unsigned together_asks(const struct stix_object *object)
{
    unsigned asks = refers(object, STIX_REF_EXTENSION, STIX_REF_EXTENSION) ? TOGETHER_ASK_EXTENSION : 0;
    struct json_val samples;
    switch (object->type->code) {
    case STIX_TYPE_LANGUAGE_CONTENT:
        return asks | TOGETHER_ASK_LANGUAGE;
    case STIX_TYPE_RELATIONSHIP:
        return is_variant(object) ? asks | TOGETHER_ASK_VARIANT : asks;
    case STIX_TYPE_MALWARE:
        return has_samples(object, &samples) ? asks | TOGETHER_ASK_SAMPLES : asks;
    case STIX_TYPE_MARKING_DEFINITION:
        return refers(object, STIX_REF_MARKING, STIX_REF_GRANULAR_MARKING) ? asks | TOGETHER_ASK_MARKING
                                                                           : asks;
    default:
        return asks;
    }
}

/* One who asks, and the place in it that is in hand. */
struct asking {
    struct stix_together *together;
    const struct together_asker *asker;
    const struct stix_object *object;
    uint32_t other; /* number of the object that is asked for */
    size_t len;     /* of pointer */
    char pointer[LIMIT_STIX_POINTER];
};

static void tell(struct asking *a, enum together_rule rule, const char *pointer)
{
    together_tell(a->together, &a->asker->entry, a->object->id, rule, a->other, pointer);
}

/* --- pointers --- */

/* Left out when it does not fit: the pointer then names what holds it. */
static void put_step(struct asking *a, struct str name)
{
    size_t at = a->len;
    if (2 * name.len + 2 > sizeof a->pointer - at)
        return;
    a->pointer[at++] = '/';
    for (size_t i = 0; i < name.len; i++) {
        bool escaped = name.at[i] == '~' || name.at[i] == '/';
        a->pointer[at++] = escaped ? '~' : name.at[i];
        if (escaped)
            a->pointer[at++] = name.at[i] == '~' ? '0' : '1';
    }
    a->pointer[at] = '\0';
    a->len = at;
}

static void put_index(struct asking *a, size_t index)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%zu", index);
    put_step(a, str_of(text));
}

/* Back to what stood there when `len` was taken. */
static void cut_pointer(struct asking *a, size_t len)
{
    a->pointer[len] = '\0';
    a->len = len;
}

/* --- language content (section 7.1.1) --- */

/* A container of the translation, and the one that it translates. */
struct level {
    struct json_iter iter, originals; /* originals: of a list */
    struct json_val original;
    bool list;
    size_t index, len; /* of the next element; of the pointer to the container */
};

struct walk {
    size_t depth;
    struct level levels[LIMIT_JSON_DEPTH + 1];
};

static void enter(struct asking *a, struct walk *walk, struct json_val text, struct json_val original)
{
    bool list = json_is(text, JSON_ARRAY);
    must(walk->depth < sizeof walk->levels / sizeof walk->levels[0]);
    walk->levels[walk->depth++] = (struct level) {
        .iter = list ? json_array_iter(text) : json_object_iter(text),
        .originals = list ? json_array_iter(original) : (struct json_iter) {0},
        .original = original,
        .list = list,
        .len = a->len,
    };
}

/* The one value `text` against what it translates. */
static void compare_text(struct asking *a, struct walk *walk, struct json_val text, struct json_val original)
{
    enum json_type type = json_type(text), wanted = json_type(original);
    bool scalar = type != JSON_STRING && type != JSON_ARRAY && type != JSON_OBJECT;
    if (scalar && walk->depth == 1)
        return; /* told of the language-content alone */
    if (wanted == JSON_STRING && !stix_lang_is_text(json_str(original)))
        tell(a, TOGETHER_IGNORED, a->pointer);
    else if (wanted == JSON_STRING && type != wanted)
        tell(a, TOGETHER_NO_TEXT, a->pointer);
    else if (wanted == JSON_ARRAY && type != wanted)
        tell(a, TOGETHER_NO_LIST, a->pointer);
    else if (wanted == JSON_OBJECT && type != wanted)
        tell(a, TOGETHER_NO_OBJECT, a->pointer);
    else if (wanted == JSON_ARRAY && json_array_count(text) != json_array_count(original))
        tell(a, TOGETHER_LIST_LENGTH, a->pointer);
    else if (wanted == JSON_ARRAY || wanted == JSON_OBJECT)
        enter(a, walk, text, original);
    else if (wanted != JSON_STRING)
        tell(a, TOGETHER_IGNORED, a->pointer);
}

/* The next value of the innermost container; out of it when there is none. */
static void step(struct asking *a, struct walk *walk)
{
    struct level *level = &walk->levels[walk->depth - 1];
    struct json_val text, original;
    struct str name;
    cut_pointer(a, level->len);
    if (level->list) {
        if (!json_array_next(&level->iter, &text) || !json_array_next(&level->originals, &original)) {
            walk->depth--;
            return;
        }
        put_index(a, level->index++);
    } else {
        if (!json_object_next(&level->iter, &name, &text)) {
            walk->depth--;
            return;
        }
        put_step(a, name);
        if (!json_get(level->original, name, &original) || !stix_lang_translatable(name)) {
            tell(a, TOGETHER_IGNORED, a->pointer);
            return;
        }
    }
    compare_text(a, walk, text, original);
}

static void compare_contents(struct asking *a, struct json_val contents, struct json_val original)
{
    struct walk walk = {0};
    struct json_val texts;
    struct str lang;
    struct json_iter iter = json_object_iter(contents);
    while (json_object_next(&iter, &lang, &texts)) {
        cut_pointer(a, 0);
        put_step(a, STR("contents"));
        put_step(a, lang);
        if (!json_is(texts, JSON_OBJECT))
            continue;
        for (enter(a, &walk, texts, original); walk.depth > 0;)
            step(a, &walk);
    }
}

static void ask_language(struct asking *a)
{
    struct json_val contents, root = a->object->root;
    struct str ref, text;
    struct stix_key key;
    struct stamp modified;
    if (!json_get_str(root, STR("object_ref"), &ref) || !stix_id_parse(ref, &key))
        return;
    bool versioned =
        json_get_str(root, STR("object_modified"), &text) && stamp_parse(text, &modified, NULL) == ERR_OK;
    switch (together_find(a->together, &key, versioned ? &modified : NULL, &a->other)) {
    case TOGETHER_OTHER_VERSION:
        tell(a, TOGETHER_OBJECT_MODIFIED, NULL);
        break;
    case TOGETHER_FOUND:
        if (json_get(root, STR("contents"), &contents) && json_is(contents, JSON_OBJECT))
            compare_contents(a, contents, a->together->asked.object.root);
        break;
    case TOGETHER_NONE:
        break;
    }
}

/* --- malware (sections 4.11.1 and 4.11.2) --- */

static bool find_by(struct asking *a, struct str id)
{
    struct stix_key key;
    return stix_id_parse(id, &key) && together_find(a->together, &key, NULL, &a->other) == TOGETHER_FOUND;
}

static void ask_variant(struct asking *a)
{
    struct str source, target;
    struct json_val root = a->object->root;
    if (!json_get_str(root, STR("source_ref"), &source) || !json_get_str(root, STR("target_ref"), &target) ||
        !find_by(a, source) || !is_family(a->together->asked.object.root, JSON_TRUE) || !find_by(a, target))
        return;
    if (is_family(a->together->asked.object.root, JSON_FALSE))
        tell(a, TOGETHER_VARIANT, NULL);
}

/* A hash of a sample: the first of its algorithm. */
struct sample_hash {
    uint32_t number;
    size_t name_len, len;
    char name[SAMPLE_HASH_BYTES], text[SAMPLE_HASH_BYTES];
};

struct samples {
    size_t count;
    struct sample_hash hashes[SAMPLE_HASHES_MAX];
};

/* Keeps the first hash of each algorithm; false when the one that is kept is another. */
static bool same_data(struct samples *samples, struct str name, struct str text, uint32_t number,
                      uint32_t *out_other)
{
    for (size_t i = 0; i < samples->count; i++) {
        const struct sample_hash *hash = &samples->hashes[i];
        if (!str_eq((struct str) {hash->name, hash->name_len}, name))
            continue;
        *out_other = hash->number;
        return str_same((struct str) {hash->text, hash->len}, text);
    }
    if (samples->count == SAMPLE_HASHES_MAX || name.len > SAMPLE_HASH_BYTES || text.len > SAMPLE_HASH_BYTES)
        return true;
    struct sample_hash *hash = &samples->hashes[samples->count++];
    hash->number = number;
    hash->name_len = name.len;
    hash->len = text.len;
    memcpy(hash->name, name.at, name.len);
    memcpy(hash->text, text.at, text.len);
    return true;
}

static void compare_sample(struct asking *a, struct samples *samples, size_t index)
{
    struct json_val hashes, value;
    struct str name;
    uint32_t number = a->other;
    if (!json_get(a->together->asked.object.root, STR("hashes"), &hashes) || !json_is(hashes, JSON_OBJECT))
        return;
    struct json_iter iter = json_object_iter(hashes);
    while (json_object_next(&iter, &name, &value)) {
        /* SSDEEP and TLSH are of likeness, and their writers differ. */
        if (!json_is(value, JSON_STRING) || str_eq(name, STR("SSDEEP")) || str_eq(name, STR("TLSH")) ||
            same_data(samples, name, json_str(value), number, &a->other))
            continue;
        cut_pointer(a, 0);
        put_step(a, STR("sample_refs"));
        put_index(a, index);
        tell(a, TOGETHER_SAMPLE, a->pointer);
        return;
    }
}

static void ask_samples(struct asking *a)
{
    struct json_val refs, ref;
    struct samples samples = {0};
    if (!has_samples(a->object, &refs))
        return;
    struct json_iter iter = json_array_iter(refs);
    for (size_t i = 0; json_array_next(&iter, &ref); i++)
        if (json_is(ref, JSON_STRING) && find_by(a, json_str(ref)))
            compare_sample(a, &samples, i);
}

/* --- markings in a circle (section 3.2) --- */

static const struct together_edge *edge_from(const struct stix_together *together, const struct stix_key *key)
{
    for (size_t i = 0; i < together->edge_count; i++)
        if (stix_key_eq(&together->edges[i].from, key))
            return &together->edges[i];
    return NULL;
}

/* Does the way that begins with `first` lead back to where it comes from? */
static bool leads_back(const struct stix_together *together, const struct together_edge *first)
{
    const struct together_edge *open[LIMIT_STIX_TOGETHER_EDGES];
    bool seen[LIMIT_STIX_TOGETHER_EDGES] = {false};
    size_t count = 0;
    open[count++] = first;
    seen[first - together->edges] = true;
    while (count > 0) {
        const struct together_edge *edge = open[--count];
        if (stix_key_eq(&edge->to, &first->from))
            return true;
        for (size_t i = 0; i < together->edge_count; i++) {
            if (seen[i] || !stix_key_eq(&together->edges[i].from, &edge->to))
                continue;
            seen[i] = true;
            open[count++] = &together->edges[i];
        }
    }
    return false;
}

static void ask_marking(struct asking *a)
{
    const struct stix_together *together = a->together;
    for (size_t i = 0; i < together->edge_count; i++) {
        const struct together_edge *edge = &together->edges[i], *next;
        if (edge->number != a->asker->entry.number || !leads_back(together, edge))
            continue;
        next = edge_from(together, &edge->to);
        a->other = next != NULL ? next->number : edge->number;
        tell(a, TOGETHER_CIRCLE,
             edge->role == STIX_REF_MARKING ? "/object_marking_refs" : "/granular_markings");
        return;
    }
}

/* --- extensions (section 7.3.1) --- */

static void ask_extension(struct asking *a)
{
    struct json_val extensions, value;
    struct str name, word;
    struct stix_key key;
    enum stix_extension_type type;
    if (!json_get(a->object->root, STR("extensions"), &extensions) || !json_is(extensions, JSON_OBJECT))
        return;
    struct json_iter iter = json_object_iter(extensions);
    while (json_object_next(&iter, &name, &value)) {
        if (!stix_id_parse(name, &key) || !json_get_str(value, STR("extension_type"), &word) ||
            !extension_type_read(word, &type))
            continue;
        for (size_t i = 0; i < a->together->definition_count; i++) {
            const struct together_definition *definition = &a->together->definitions[i];
            if (!stix_key_eq(&definition->key, &key) || (definition->types >> type & 1) != 0)
                continue;
            a->other = definition->number;
            cut_pointer(a, 0);
            put_step(a, STR("extensions"));
            put_step(a, name);
            put_step(a, STR("extension_type"));
            tell(a, TOGETHER_EXTENSION, a->pointer);
        }
    }
}

void together_ask(struct stix_together *together, const struct together_asker *asker)
{
    static const struct {
        unsigned ask; /* enum together_ask */
        void (*of)(struct asking *a);
    } rows[] = {{TOGETHER_ASK_LANGUAGE, ask_language},
                {TOGETHER_ASK_VARIANT, ask_variant},
                {TOGETHER_ASK_SAMPLES, ask_samples},
                {TOGETHER_ASK_MARKING, ask_marking},
                {TOGETHER_ASK_EXTENSION, ask_extension}};
    struct asking a = {.together = together, .asker = asker, .object = &together->asking.object};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if ((asker->asks & rows[i].ask) != 0 && together->err == ERR_OK)
            rows[i].of(&a);
}
