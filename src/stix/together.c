#include "stix/together.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/uuid.h"
#include "stix/extension_in.h"
#include "stix/together_in.h"

enum { ARENA_BYTES_MAX = 64 << 20 };

static const struct {
    enum stix_level level;
    const char *section, *pointer, *what; /* the number of the other object follows */
} rules[] = {
    [TOGETHER_SAME_VERSION] = {STIX_ERROR, "3.6", "/id", "other content under the id and version of"},
    [TOGETHER_CREATED] = {STIX_WARNING, "3.2", "/created", "created is not that of the version in"},
    [TOGETHER_CREATOR] = {STIX_WARNING, "3.6", "/created_by_ref",
                          "created_by_ref is not that of the version in"},
    [TOGETHER_REVOKED] = {STIX_WARNING, "3.6", "/modified", "a version later than the revoked one in"},
    [TOGETHER_UUID] = {STIX_WARNING, "2.9", "/id", "the same creator gave its UUID to"},
    [TOGETHER_OBJECT_MODIFIED] = {STIX_WARNING, "7.1.1", "/object_modified", "not the modified of"},
    [TOGETHER_NO_TEXT] = {STIX_WARNING, "7.1.1", "", "translates with other than text a text of"},
    [TOGETHER_NO_LIST] = {STIX_WARNING, "7.1.1", "", "translates with other than a list a list of"},
    [TOGETHER_NO_OBJECT] = {STIX_WARNING, "7.1.1", "", "translates with other than an object an object of"},
    [TOGETHER_LIST_LENGTH] = {STIX_WARNING, "7.1.1", "", "a list has another length than in"},
    [TOGETHER_IGNORED] = {STIX_REMARK, "7.1.1", "", "ignored: nothing to be translated has this name in"},
    [TOGETHER_VARIANT] = {STIX_WARNING, "4.11.2", "/target_ref", "a family is no variant of the instance in"},
    [TOGETHER_SAMPLE] = {STIX_WARNING, "4.11.1", "", "by its hashes, the sample is other data than"},
    [TOGETHER_CIRCLE] = {STIX_WARNING, "3.2", "", "marked with itself, through"},
    [TOGETHER_EXTENSION] = {STIX_WARNING, "7.3.1", "", "extension_type is none that is defined in"},
};

/* --- life --- */

static err_t hand_init(struct together_hand *hand)
{
    arena_init(&hand->arena, ARENA_BYTES_MAX);
    buf_init(&hand->padded, LIMIT_OBJECT_BYTES + JSON_PADDING);
    return json_parser_new(LIMIT_OBJECT_BYTES, &hand->parser);
}

static void hand_deinit(struct together_hand *hand)
{
    json_parser_free(hand->parser);
    arena_deinit(&hand->arena);
    buf_deinit(&hand->padded);
}

err_t stix_together_new(struct stix_together **out)
{
    struct stix_together *together = mem_alloc(sizeof *together);
    err_t err;
    if (together == NULL)
        return ERR_NOMEM;
    buf_init(&together->entries, LIMIT_STIX_TOGETHER * sizeof(struct together_entry));
    buf_init(&together->askers, LIMIT_STIX_TOGETHER * sizeof(struct together_asker));
    buf_init(&together->noted, LIMIT_STIX_TOGETHER_NOTED_BYTES);
    if (TRY(err, hand_init(&together->asking)) || TRY(err, hand_init(&together->asked))) {
        stix_together_free(together);
        return err;
    }
    *out = together;
    return ERR_OK;
}

void stix_together_free(struct stix_together *together)
{
    if (together == NULL)
        return;
    hand_deinit(&together->asking);
    hand_deinit(&together->asked);
    buf_deinit(&together->entries);
    buf_deinit(&together->askers);
    buf_deinit(&together->noted);
    mem_free(together);
}

void stix_together_clear(struct stix_together *together)
{
    buf_clear(&together->entries);
    buf_clear(&together->askers);
    buf_clear(&together->noted);
    together->definition_count = together->edge_count = 0;
    together->sum = (struct stix_together_sum) {0};
}

/* --- adding --- */

static uint64_t uuid_digest(const struct stix_key *key)
{
    return hash_xxh3(bytes_of(key->b, UUID_SIZE));
}

static void add_definition(struct stix_together *together, const struct stix_object *object, uint32_t number)
{
    struct json_val types, word;
    enum stix_extension_type type;
    size_t i = 0;
    while (i < together->definition_count && !stix_key_eq(&together->definitions[i].key, &object->key))
        i++;
    if (i == LIMIT_EXTENSIONS) {
        together->sum.beyond[STIX_TOGETHER_DEFINITIONS]++;
        return;
    }
    if (i == together->definition_count)
        together->definitions[together->definition_count++] =
            (struct together_definition) {object->key, 0, number};
    if (!json_get(object->root, STR("extension_types"), &types) || !json_is(types, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(types);
    while (json_array_next(&iter, &word))
        if (json_is(word, JSON_STRING) && extension_type_read(json_str(word), &type))
            together->definitions[i].types |= 1u << type;
}

static void add_edges(struct stix_together *together, const struct stix_object *object, uint32_t number)
{
    for (size_t i = 0; i < object->ref_count; i++) {
        const struct stix_ref *ref = &object->refs[i];
        if (ref->role != STIX_REF_MARKING && ref->role != STIX_REF_GRANULAR_MARKING)
            continue;
        if (together->edge_count == LIMIT_STIX_TOGETHER_EDGES)
            together->sum.beyond[STIX_TOGETHER_MARKINGS]++;
        else
            together->edges[together->edge_count++] =
                (struct together_edge) {object->key, ref->key, ref->role, number};
    }
}

err_t stix_together_add(struct stix_together *together, const struct stix_object *object,
                        struct json_slice slice, uint32_t number)
{
    struct together_asker asker = {.asks = together_asks(object)};
    asker.entry = (struct together_entry) {
        .uuid = uuid_digest(&object->key), .from = slice.from, .len = (uint32_t)slice.len};
    if (number > INT32_MAX || together->entries.len / sizeof asker.entry == LIMIT_STIX_TOGETHER) {
        together->sum.beyond[STIX_TOGETHER_OBJECTS]++;
        return ERR_OK;
    }
    asker.entry.number = number & INT32_MAX;
    asker.entry.versioned =
        object->type->category != STIX_SCO && (object->has_created || object->has_modified);
    if (object->type->code == STIX_TYPE_EXTENSION_DEFINITION)
        add_definition(together, object, number);
    if ((asker.asks & TOGETHER_ASK_MARKING) != 0)
        add_edges(together, object, number);
    buf_put(&together->entries, &asker.entry, sizeof asker.entry);
    if (asker.asks != 0)
        buf_put(&together->askers, &asker, sizeof asker);
    return buf_err(&together->entries) != ERR_OK ? buf_err(&together->entries) : buf_err(&together->askers);
}

/* --- finding --- */

static int entry_cmp(const void *a, const void *b)
{
    const struct together_entry *one = a, *other = b;
    if (one->uuid != other->uuid)
        return one->uuid < other->uuid ? -1 : 1;
    return one->from < other->from ? -1 : one->from > other->from;
}

const struct together_entry *together_group(const struct stix_together *together, const struct stix_key *key,
                                            size_t *out_count)
{
    const struct together_entry *entries = (const void *)together->entries.at;
    size_t count = together->entries.len / sizeof *entries, low = 0, high = count;
    uint64_t uuid = uuid_digest(key);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].uuid < uuid)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < count && entries[end].uuid == uuid && end - low < LIMIT_STIX_TOGETHER_VERSIONS)
        end++;
    *out_count = end - low;
    return entries + low;
}

bool together_load(struct stix_together *together, struct together_hand *hand,
                   const struct together_entry *entry)
{
    static const uint8_t padding[JSON_PADDING];
    err_t err;
    if (together->err != ERR_OK)
        return false;
    if (entry->len > together->budget) {
        together->sum.beyond[STIX_TOGETHER_BYTES]++;
        return false;
    }
    together->budget -= entry->len;
    arena_reset(&hand->arena);
    buf_clear(&hand->padded);
    buf_put(&hand->padded, together->text.at + entry->from, entry->len);
    buf_put(&hand->padded, padding, sizeof padding);
    if (!TRY(err, buf_err(&hand->padded)) &&
        !TRY(err, json_parse(hand->parser, bytes_of(hand->padded.at, entry->len), &hand->doc, NULL)))
        err = stix_read_held(json_root(&hand->doc), &hand->arena, &hand->object);
    together->err = err;
    return err == ERR_OK;
}

enum together_found together_find(struct stix_together *together, const struct stix_key *key,
                                  const struct stamp *modified, uint32_t *out_number)
{
    size_t count;
    const struct together_entry *group = together_group(together, key, &count), *best = NULL, *last = NULL;
    struct stix_object *object = &together->asked.object;
    struct stamp newest = {0, 0};
    for (size_t i = 0; i < count; i++) {
        if (!together_load(together, &together->asked, &group[i]))
            return TOGETHER_NONE;
        last = &group[i];
        if (!stix_key_eq(&object->key, key))
            continue;
        *out_number = group[i].number;
        if (modified != NULL && object->has_modified && stamp_cmp(object->modified, *modified) == 0)
            return TOGETHER_FOUND;
        if (best == NULL || stamp_cmp(object->version, newest) > 0) {
            best = &group[i];
            newest = object->version;
        }
    }
    if (best == NULL)
        return TOGETHER_NONE;
    *out_number = best->number;
    if (best != last && !together_load(together, &together->asked, best))
        return TOGETHER_NONE;
    return modified == NULL ? TOGETHER_FOUND : TOGETHER_OTHER_VERSION;
}

/* --- telling --- */

void together_tell(struct stix_together *together, const struct together_entry *entry, struct str id,
                   enum together_rule rule, uint32_t other, const char *pointer)
{
    char what[FAULT_WHAT_MAX];
    if (together->told == LIMIT_STIX_FINDINGS) {
        together->sum.dropped++;
        return;
    }
    together->told++;
    (void)snprintf(what, sizeof what, "%s object %u", rules[rule].what, other);
    struct stix_told told = {together_slice(entry),
                             entry->number,
                             other,
                             id,
                             {rules[rule].level, what, rules[rule].section,
                              str_of(pointer != NULL ? pointer : rules[rule].pointer)}};
    together->tell(together->ctx, &told);
}

static void check_askers(struct stix_together *together)
{
    const struct together_asker *askers = (const void *)together->askers.at;
    uint64_t useful = UINT64_MAX;
    if (together->definition_count == 0)
        useful &= ~(uint64_t)TOGETHER_ASK_EXTENSION;
    for (size_t i = 0; i < together->askers.len / sizeof *askers && together->err == ERR_OK; i++) {
        if ((askers[i].asks & useful) == 0 || !together_load(together, &together->asking, &askers[i].entry))
            continue;
        together->told = 0;
        together_ask(together, &askers[i]);
    }
}

err_t stix_together_check(struct stix_together *together, struct bytes text,
                          void (*tell)(void *ctx, const struct stix_told *told), void *ctx,
                          struct stix_together_sum *out)
{
    err_t err;
    together->text = text;
    together->budget = (uint64_t)text.len * LIMIT_STIX_TOGETHER_RATIO;
    together->tell = tell;
    together->ctx = ctx;
    together->err = ERR_OK;
    if (together->entries.len > 0)
        qsort(together->entries.at, together->entries.len / sizeof(struct together_entry),
              sizeof(struct together_entry), entry_cmp);
    check_askers(together);
    if (TRY(err, together->err) || TRY(err, together_versions(together)))
        return err;
    *out = together->sum;
    return ERR_OK;
}
