#include "taxii/query.h"

#include <stdlib.h>

#include "core/wr.h"

struct reading {
    struct arena *arena;
    struct query query;
    struct fault *fault;
    err_t err;
};

/* Three lists of 128 values, of 24 bytes or fewer each. */
enum { DIGESTED_MAX = 16 << 10 };
_Static_assert(3 * LIMIT_TAXII_MATCHES * (sizeof(struct stix_key) + sizeof(struct stamp)) < DIGESTED_MAX,
               "room");

struct row {
    struct str name;
    enum query_part part;
    void (*read)(struct reading *r, struct str value);
};

static void refuse(struct reading *r, const char *what)
{
    if (r->err == ERR_OK)
        r->err = fault_set(r->fault, ERR_INVALID, 0, "%s", what);
}

/* --- percent-decoding --- */

/* ERR_INVALID: an escape is broken. */
static err_t decode(struct arena *arena, struct str raw, struct str *out)
{
    char *at = arena_alloc(arena, raw.len + 1);
    size_t n = 0;
    if (at == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.at[i] == '+' ? ' ' : raw.at[i];
        if (c == '%') {
            uint8_t byte;
            if (raw.len - i < 3 || !str_unhex((struct str) {raw.at + i + 1, 2}, &byte, 1))
                return ERR_INVALID;
            c = (char)byte;
            i += 2;
        }
        at[n++] = c;
    }
    *out = (struct str) {at, n};
    return ERR_OK;
}

/* --- one reader a parameter --- */

static void read_after(struct reading *r, struct str value)
{
    struct stamp stamp;
    if (stamp_parse(value, &stamp, NULL) != ERR_OK) {
        refuse(r, "added_after is no RFC 3339 time in UTC, like 2026-11-21T22:23:49.000001Z");
        return;
    }
    r->query.has_after = true;
    r->query.after_us = stamp_us(stamp);
}

/* Any positive integer, however long: what exceeds the page is cut to it (section 3.4). */
static void read_limit(struct reading *r, struct str value)
{
    bool positive = false;
    size_t limit = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') {
            positive = false;
            break;
        }
        positive = positive || value.at[i] != '0';
        limit = limit * 10 + (size_t)(value.at[i] - '0');
        if (limit > LIMIT_TAXII_PAGE_OBJECTS)
            limit = LIMIT_TAXII_PAGE_OBJECTS;
    }
    if (!positive)
        refuse(r, "limit is no positive integer");
    else
        r->query.limit = limit;
}

static void read_next(struct reading *r, struct str value)
{
    if (value.len == 0 || value.len > LIMIT_TAXII_NEXT_BYTES)
        refuse(r, "next is not a value that this server gave");
    r->query.next = value;
}

typedef bool (*take_fn)(struct reading *r, struct str value, void *slot);
typedef int (*order_fn)(const void *a, const void *b);

static int key_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct stix_key));
}

static int type_order(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct type_digest));
}

static int version_order(const void *a, const void *b)
{
    const struct stamp *left = a, *right = b;
    return stamp_cmp(*left, *right);
}

/* Values of a list, each handed to `take` with its slot. What comes out is a set: in order, each once. */
static size_t read_list(struct reading *r, struct str value, size_t size, void *slots, take_fn take,
                        order_fn order)
{
    size_t count = 0, seen = 0, kept = 0;
    while (value.len > 0 && r->err == ERR_OK) {
        if (seen++ == LIMIT_TAXII_MATCHES)
            refuse(r, "a match field has too many values");
        else if (take(r, str_cut(&value, ','), (char *)slots + count * size))
            count++;
    }
    if (count > 0)
        qsort(slots, count, size, order);
    for (size_t i = 0; i < count; i++) {
        char *last = (char *)slots + kept * size, *slot = (char *)slots + i * size;
        if (kept > 0 && order(last - size, slot) == 0)
            continue;
        memmove(last, slot, size);
        kept++;
    }
    return kept;
}

static void *list_room(struct reading *r, size_t size)
{
    void *slots = arena_zalloc(r->arena, LIMIT_TAXII_MATCHES, size);
    if (slots == NULL)
        r->err = ERR_NOMEM;
    return slots;
}

/* What is no identifier matches nothing; that is no fault of the query. */
static bool take_id(struct reading *r, struct str value, void *slot)
{
    (void)r;
    return stix_id_parse(value, slot);
}

static void read_ids(struct reading *r, struct str value)
{
    struct stix_key *keys = list_room(r, sizeof *keys);
    if (keys == NULL)
        return;
    r->query.has_ids = true;
    r->query.ids = keys;
    r->query.id_count = read_list(r, value, sizeof *keys, keys, take_id, key_order);
}

static bool take_type(struct reading *r, struct str value, void *slot)
{
    (void)r;
    struct hash digest = hash_sha256(bytes_from_str(value));
    memcpy(slot, digest.b, STIX_TYPE_DIGEST_SIZE);
    return true;
}

static void read_types(struct reading *r, struct str value)
{
    struct type_digest *types = list_room(r, sizeof *types);
    if (types == NULL)
        return;
    r->query.has_types = true;
    r->query.types = types;
    r->query.type_count = read_list(r, value, sizeof *types, types, take_type, type_order);
}

static bool take_version(struct reading *r, struct str value, void *slot)
{
    bool *word = str_eq(value, STR("last"))    ? &r->query.last
                 : str_eq(value, STR("first")) ? &r->query.first
                 : str_eq(value, STR("all"))   ? &r->query.all
                                               : NULL;
    if (word != NULL) {
        *word = true;
        return false;
    }
    if (stamp_parse(value, slot, NULL) == ERR_OK)
        return true;
    refuse(r, "match[version] takes last, first, all, or times");
    return false;
}

static void read_versions(struct reading *r, struct str value)
{
    struct stamp *versions = list_room(r, sizeof *versions);
    if (versions == NULL)
        return;
    r->query.last = r->query.all = false;
    r->query.versions = versions;
    r->query.version_count = read_list(r, value, sizeof *versions, versions, take_version, version_order);
    if (value.len == 0)
        refuse(r, "match[version] takes last, first, all, or times");
}

static bool take_spec(struct reading *r, struct str value, void *slot)
{
    (void)slot;
    if (str_eq(value, STR("2.1")))
        r->query.spec_matches = true;
    return false;
}

static void read_spec(struct reading *r, struct str value)
{
    r->query.spec_matches = false;
    char none[1];
    read_list(r, value, 0, none, take_spec, key_order);
}

static const struct row rows[] = {
    {{"added_after", 11}, QUERY_PAGE, read_after},
    {{"limit", 5}, QUERY_PAGE, read_limit},
    {{"next", 4}, QUERY_PAGE, read_next},
    {{"match[id]", 9}, QUERY_ID, read_ids},
    {{"match[type]", 11}, QUERY_TYPE, read_types},
    {{"match[version]", 14}, QUERY_VERSION, read_versions},
    {{"match[spec_version]", 19}, QUERY_SPEC, read_spec},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* --- the whole --- */

static int row_find(struct str name)
{
    for (int i = 0; i < ROWS; i++) {
        if (str_eq(rows[i].name, name))
            return i;
    }
    return -1;
}

/* "match", however it is written and whatever follows: who meant to filter must not get everything. */
static bool is_match(struct str name)
{
    return name.len >= 5 && str_same((struct str) {name.at, 5}, STR("match"));
}

static void pair_read(struct reading *r, struct str pair, unsigned parts, struct str values[ROWS],
                      unsigned *seen)
{
    struct str raw_name = str_cut(&pair, '='), name, value;
    if (raw_name.len == 0)
        return;
    err_t err;
    if (TRY(err, decode(r->arena, raw_name, &name)) || TRY(err, decode(r->arena, pair, &value))) {
        if (err == ERR_INVALID)
            refuse(r, "the query has a broken percent escape");
        else
            r->err = err;
        return;
    }
    int row = row_find(name);
    if (row < 0 || !(rows[row].part & parts)) {
        /* Where nothing is paged something is deleted: a name that is misspelt must not widen that. */
        if (is_match(name) || !(parts & QUERY_PAGE))
            refuse(r, row < 0 ? "an unknown parameter" : "a parameter that this endpoint does not have");
        return;
    }
    if (*seen & 1u << row)
        refuse(r, "a parameter stands twice; separate several values by commas");
    *seen |= 1u << row;
    values[row] = value;
}

static void values_read(struct reading *r, const struct str values[ROWS], unsigned seen)
{
    for (int i = 0; i < ROWS && r->err == ERR_OK; i++)
        if (seen & 1u << i)
            rows[i].read(r, values[i]);
}

/* Over what is asked for, not over its words: in whatever order the same filters stand, and their values in
 * them, it is the same query. */
static err_t digest_take(struct query *query)
{
    struct buf asked;
    buf_init(&asked, DIGESTED_MAX);
    wr_u8(&asked, query->has_ids);
    wr_blob(&asked, bytes_of(query->ids, query->id_count * sizeof *query->ids));
    wr_u8(&asked, query->has_types);
    wr_blob(&asked, bytes_of(query->types, query->type_count * sizeof *query->types));
    wr_u8(&asked, query->first);
    wr_u8(&asked, query->last);
    wr_u8(&asked, query->all);
    wr_blob(&asked, bytes_of(query->versions, query->version_count * sizeof *query->versions));
    wr_u8(&asked, query->spec_matches);
    err_t err = buf_err(&asked);
    if (err == ERR_OK)
        query->digest = hash_sha256(buf_bytes(&asked));
    buf_deinit(&asked);
    return err;
}

err_t query_read(struct str raw, unsigned parts, struct arena *arena, struct query *out, struct fault *fault)
{
    struct reading r = {.arena = arena, .fault = fault};
    r.query = (struct query) {.limit = LIMIT_TAXII_PAGE_OBJECTS,
                              .last = !(parts & QUERY_ALL),
                              .all = (parts & QUERY_ALL) != 0,
                              .spec_matches = true};
    struct str values[ROWS];
    unsigned seen = 0;
    if (raw.len > LIMIT_TAXII_QUERY_BYTES)
        refuse(&r, "the query is too long");
    while (raw.len > 0 && r.err == ERR_OK)
        pair_read(&r, str_cut(&raw, '&'), parts, values, &seen);
    values_read(&r, values, seen);
    if (r.err == ERR_OK)
        r.err = digest_take(&r.query);
    if (r.err == ERR_OK)
        *out = r.query;
    return r.err;
}
