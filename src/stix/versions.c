/* Objects of one text that share a UUID: versions of one object (section 3.6), or of several types (2.9). */
#include <stdlib.h>

#include "core/hash.h"
#include "stix/together_in.h"

struct fact {
    struct stix_key key, creator;
    struct stamp version, created;
    bool has_created, has_creator, revoked;
    struct hash canon;
    const struct together_entry *entry;
};

/* A finding that waits until all are in the order of the text. */
struct note {
    struct together_entry about;
    uint32_t other;
    uint32_t rule; /* enum together_rule */
};

struct versions {
    struct stix_together *together;
    struct buf canon;
    size_t count;
    struct fact facts[LIMIT_STIX_TOGETHER_VERSIONS];
};

static void note(struct versions *v, const struct fact *about, const struct fact *other,
                 enum together_rule rule)
{
    struct stix_together *together = v->together;
    struct note made = {*about->entry, other->entry->number, rule};
    if (together->noted.size_max - together->noted.len < sizeof made)
        together->sum.dropped++;
    else
        buf_put(&together->noted, &made, sizeof made);
}

/* --- what is known of each --- */

static void gather(struct versions *v, const struct together_entry *entry)
{
    const struct stix_object *object = &v->together->asking.object;
    if (!together_load(v->together, &v->together->asking, entry))
        return;
    buf_clear(&v->canon);
    if (stix_canon(object, &v->canon, NULL) != ERR_OK)
        return; /* it was taken when it was added: memory is out */
    v->facts[v->count++] = (struct fact) {.key = object->key,
                                          .creator = object->creator,
                                          .version = object->version,
                                          .created = object->created,
                                          .has_created = object->has_created,
                                          .has_creator = object->has_creator,
                                          .revoked = object->revoked,
                                          .canon = hash_sha256(buf_bytes(&v->canon)),
                                          .entry = entry};
}

/* Versions of one id stand together, older ones first, equal ones in the order of the text. */
static int fact_cmp(const void *a, const void *b)
{
    const struct fact *one = a, *other = b;
    int order = memcmp(&one->key, &other->key, sizeof one->key);
    if (order == 0)
        order = stamp_cmp(one->version, other->version);
    if (order == 0)
        order = one->entry->from < other->entry->from ? -1 : one->entry->from > other->entry->from;
    return order;
}

/* --- rules --- */

static bool same_creator(const struct fact *a, const struct fact *b)
{
    return a->has_creator && b->has_creator && stix_key_eq(&a->creator, &b->creator);
}

/* The versions of one id. */
static void compare_versions(struct versions *v, const struct fact *facts, size_t count)
{
    const struct fact *first = facts, *same = facts, *revoked = NULL;
    for (size_t i = 1; i < count; i++) {
        const struct fact *fact = &facts[i];
        bool newer = stamp_cmp(fact->version, same->version) != 0;
        if (newer && revoked == NULL && fact[-1].revoked)
            revoked = fact - 1;
        same = newer ? fact : same;
        if (!newer && !hash_eq(&fact->canon, &same->canon))
            note(v, fact, same, TOGETHER_SAME_VERSION);
        if (newer && fact->has_created && first->has_created && stamp_cmp(fact->created, first->created) != 0)
            note(v, fact, first, TOGETHER_CREATED);
        if (newer && fact->has_creator && first->has_creator && !same_creator(fact, first))
            note(v, fact, first, TOGETHER_CREATOR);
        if (newer && revoked != NULL)
            note(v, fact, revoked, TOGETHER_REVOKED);
    }
}

static void compare_types(struct versions *v, const struct fact *fact)
{
    for (const struct fact *other = v->facts; other < fact; other++) {
        if (!same_creator(fact, other) || stix_key_eq(&fact->key, &other->key))
            continue;
        bool later = fact->entry->from > other->entry->from;
        note(v, later ? fact : other, later ? other : fact, TOGETHER_UUID);
        return;
    }
}

static void compare(struct versions *v)
{
    qsort(v->facts, v->count, sizeof v->facts[0], fact_cmp);
    for (size_t from = 0, to; from < v->count; from = to) {
        to = from + 1;
        while (to < v->count && stix_key_eq(&v->facts[from].key, &v->facts[to].key))
            to++;
        compare_versions(v, &v->facts[from], to - from);
        compare_types(v, &v->facts[from]);
    }
}

/* --- all of them --- */

/* How many of the entries share the UUID of the first. */
static size_t run_of(const struct together_entry *entries, size_t count)
{
    size_t end = 1;
    while (end < count && entries[end].uuid == entries[0].uuid)
        end++;
    return end;
}

static void compare_run(struct versions *v, const struct together_entry *entries, size_t count)
{
    v->count = 0;
    for (size_t i = 0; i < count && v->together->err == ERR_OK; i++) {
        if (!entries[i].versioned)
            continue; /* each producer says its own of an observable */
        if (v->count == LIMIT_STIX_TOGETHER_VERSIONS)
            v->together->sum.beyond[STIX_TOGETHER_VERSIONS]++;
        else
            gather(v, &entries[i]);
    }
    compare(v);
}

static int note_cmp(const void *a, const void *b)
{
    const struct note *one = a, *other = b;
    if (one->about.from != other->about.from)
        return one->about.from < other->about.from ? -1 : 1;
    return (int)one->rule - (int)other->rule;
}

static void tell_all(struct stix_together *together)
{
    const struct note *notes = (const void *)together->noted.at;
    size_t count = together->noted.len / sizeof *notes;
    if (count > 0)
        qsort(together->noted.at, count, sizeof *notes, note_cmp);
    for (size_t i = 0; i < count; i++) {
        bool known = together_load(together, &together->asking, &notes[i].about);
        together->told = 0;
        together_tell(together, &notes[i].about, known ? together->asking.object.id : STR(""),
                      (enum together_rule)notes[i].rule, notes[i].other, NULL);
    }
}

err_t together_versions(struct stix_together *together)
{
    const struct together_entry *entries = (const void *)together->entries.at;
    size_t count = together->entries.len / sizeof *entries;
    struct versions v = {.together = together};
    buf_init(&v.canon, 2 * LIMIT_OBJECT_BYTES);
    for (size_t from = 0, run; from < count && together->err == ERR_OK; from += run) {
        run = run_of(entries + from, count - from);
        if (run > 1)
            compare_run(&v, entries + from, run);
    }
    buf_deinit(&v.canon);
    if (together->err == ERR_OK)
        together->err = buf_err(&together->noted);
    if (together->err == ERR_OK)
        tell_all(together);
    return together->err;
}
