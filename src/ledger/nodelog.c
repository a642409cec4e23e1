#include "ledger/nodelog.h"

#include "core/rd.h"
#include "core/wr.h"
#include "ledger/merkle.h"

/* All count with their terminating zeroes. */
#define PLACE_MARK "bongsu log place v1"
#define SALT_MARK  "bongsu log salt v1"
#define EMPTY_MARK "bongsu log empty v1"
#define SLOT_MARK  "bongsu log slot v1"

enum {
    ENTRY_VERSION = 1,
    ENTRY_SUITE = 1,
    ENTRY_KIND = 1,
    MADE_MAX = 64 + LEDGER_ORIGIN_MAX + HASH_SIZE * 2
};

err_t nodelog_origin_print(struct str node, uint32_t epoch, struct buf *out)
{
    if (!ledger_name_ok(node))
        return ERR_INVALID;
    buf_printf(out, "bongsu-log/%.*s/%u", STR_ARG(node), (unsigned)epoch);
    return buf_err(out);
}

/* --- entries --- */

void nodelog_entry_encode(const struct nodelog_entry *entry, uint8_t out[NODELOG_ENTRY_SIZE])
{
    struct buf made = {.at = out, .size = NODELOG_ENTRY_SIZE, .size_max = NODELOG_ENTRY_SIZE};
    wr_u8(&made, ENTRY_VERSION);
    wr_u16(&made, ENTRY_SUITE);
    wr_u8(&made, ENTRY_KIND);
    wr_u32(&made, entry->epoch);
    wr_u64(&made, entry->index);
    wr_u64(&made, (uint64_t)entry->time_us);
    wr_bytes(&made, bytes_of(entry->map.b, HASH_SIZE));
    must(buf_err(&made) == ERR_OK && made.len == NODELOG_ENTRY_SIZE);
}

err_t nodelog_entry_decode(struct bytes wire, struct nodelog_entry *out)
{
    struct rd rd = rd_of(wire);
    uint8_t version = rd_u8(&rd);
    uint16_t suite = rd_u16(&rd);
    uint8_t kind = rd_u8(&rd);
    struct nodelog_entry entry = {.epoch = rd_u32(&rd), .index = rd_u64(&rd)};
    uint64_t time_us = rd_u64(&rd);
    rd_copy(&rd, entry.map.b, HASH_SIZE);
    err_t err = rd_end(&rd);
    if (err != ERR_OK)
        return err;
    if (version != ENTRY_VERSION || suite != ENTRY_SUITE || kind != ENTRY_KIND)
        return ERR_VERSION;
    if (time_us > INT64_MAX || entry.index >= MERKLE_SIZE_MAX)
        return ERR_LIMIT;
    entry.time_us = (int64_t)time_us;
    *out = entry;
    return ERR_OK;
}

struct hash nodelog_entry_hash(const struct nodelog_entry *entry)
{
    uint8_t wire[NODELOG_ENTRY_SIZE];
    nodelog_entry_encode(entry, wire);
    return merkle_leaf(bytes_of(wire, sizeof wire));
}

/* --- what blinds --- */

static uint32_t place_of(struct str origin)
{
    const struct bytes parts[] = {bytes_of(PLACE_MARK, sizeof PLACE_MARK), bytes_from_str(origin)};
    struct hash hash = hash_sha256_parts(parts, 2);
    struct rd rd = rd_of(bytes_of(hash.b, 4));
    return rd_u32(&rd);
}

static struct hash salt_of(const struct hash *seed, struct str origin)
{
    uint8_t raw[MADE_MAX];
    struct buf made = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_bytes(&made, bytes_of(SALT_MARK, sizeof SALT_MARK));
    wr_bytes(&made, bytes_from_str(origin));
    must(buf_err(&made) == ERR_OK);
    return hash_hmac_sha256(bytes_of(seed->b, HASH_SIZE), buf_bytes(&made));
}

/* In place of a subtree without any ledger: nobody without the seed can tell it from one with some. */
static struct hash empty_of(const struct hash *seed, unsigned level, uint32_t place)
{
    uint8_t raw[MADE_MAX];
    struct buf made = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_bytes(&made, bytes_of(EMPTY_MARK, sizeof EMPTY_MARK));
    wr_u8(&made, (uint8_t)level);
    wr_u32(&made, place);
    must(buf_err(&made) == ERR_OK);
    return hash_hmac_sha256(bytes_of(seed->b, HASH_SIZE), buf_bytes(&made));
}

static struct hash slot_of(const struct hash *salt, const struct nodelog_head *head)
{
    uint8_t raw[MADE_MAX];
    struct buf made = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_bytes(&made, bytes_of(SLOT_MARK, sizeof SLOT_MARK));
    wr_bytes(&made, bytes_of(salt->b, HASH_SIZE));
    wr_blob(&made, bytes_from_str(head->origin));
    wr_u64(&made, head->size);
    wr_bytes(&made, bytes_of(head->root.b, HASH_SIZE));
    must(buf_err(&made) == ERR_OK);
    return hash_sha256(buf_bytes(&made));
}

/* --- the map --- */

struct node {
    uint32_t place;
    size_t head; /* which */
    struct hash hash;
};

struct map {
    const struct hash *seed;
    size_t count;
    struct node nodes[NODELOG_HEADS_MAX]; /* by rising place */
};

static bool heads_fit(const struct nodelog_head *heads, size_t count)
{
    for (size_t i = 0; i < count && count <= NODELOG_HEADS_MAX; i++)
        if (heads[i].origin.len > LEDGER_ORIGIN_MAX)
            return false;
    return count <= NODELOG_HEADS_MAX;
}

static void map_begin(struct map *map, const struct hash *seed, const struct nodelog_head *heads,
                      size_t count)
{
    map->seed = seed;
    map->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct hash salt = salt_of(seed, heads[i].origin);
        struct node node = {place_of(heads[i].origin), i, slot_of(&salt, &heads[i])};
        size_t at = map->count;
        while (at > 0 && map->nodes[at - 1].place > node.place)
            at--;
        if (at > 0 && map->nodes[at - 1].place == node.place)
            continue;
        memmove(&map->nodes[at + 1], &map->nodes[at], (map->count - at) * sizeof node);
        map->nodes[at] = node;
        map->count++;
    }
}

/* One level up. `*place` is followed, and what stands beside it there is written to `beside`. */
static void map_rise(struct map *map, unsigned level, uint32_t *place, struct hash *beside)
{
    size_t made = 0;
    for (size_t i = 0; i < map->count; i++) {
        struct node *node = &map->nodes[i];
        bool pair = i + 1 < map->count && map->nodes[i + 1].place == (node->place ^ 1);
        struct hash other = pair ? map->nodes[i + 1].hash : empty_of(map->seed, level, node->place ^ 1);
        if (node->place == *place)
            *beside = other;
        else if ((node->place ^ 1) == *place)
            *beside = node->hash;
        bool right = (node->place & 1) != 0;
        struct hash up = right ? merkle_node(&other, &node->hash) : merkle_node(&node->hash, &other);
        map->nodes[made++] = (struct node) {node->place >> 1, node->head, up};
        i += pair;
    }
    map->count = made;
    *place >>= 1;
}

static struct hash map_root(struct map *map, uint32_t place, struct hash beside[NODELOG_DEPTH])
{
    if (map->count == 0)
        return empty_of(map->seed, NODELOG_DEPTH, 0);
    for (unsigned level = 0; level < NODELOG_DEPTH; level++)
        map_rise(map, level, &place, &beside[level]);
    return map->nodes[0].hash;
}

err_t nodelog_map(const struct hash *seed, const struct nodelog_head *heads, size_t count, struct hash *out)
{
    struct hash beside[NODELOG_DEPTH];
    struct map map;
    if (!heads_fit(heads, count))
        return ERR_LIMIT;
    map_begin(&map, seed, heads, count);
    *out = map_root(&map, 0, beside);
    return ERR_OK;
}

err_t nodelog_open(const struct hash *seed, const struct nodelog_head *heads, size_t count, size_t which,
                   struct nodelog_opening *out)
{
    struct map map;
    if (!heads_fit(heads, count) || which >= count)
        return ERR_LIMIT;
    map_begin(&map, seed, heads, count);
    size_t at = 0;
    while (at < map.count && map.nodes[at].head != which)
        at++;
    if (at == map.count)
        return ERR_NOTFOUND;
    out->salt = salt_of(seed, heads[which].origin);
    out->head = heads[which];
    (void)map_root(&map, map.nodes[at].place, out->beside);
    return ERR_OK;
}

err_t nodelog_opening_verify(const struct nodelog_entry *entry, const struct nodelog_opening *opening)
{
    if (opening->head.origin.len > LEDGER_ORIGIN_MAX)
        return ERR_PROOF;
    uint32_t place = place_of(opening->head.origin);
    struct hash hash = slot_of(&opening->salt, &opening->head);
    for (unsigned level = 0; level < NODELOG_DEPTH; level++, place >>= 1)
        hash = (place & 1) != 0 ? merkle_node(&opening->beside[level], &hash)
                                : merkle_node(&hash, &opening->beside[level]);
    return hash_eq(&hash, &entry->map) ? ERR_OK : ERR_PROOF;
}

/* --- proof files --- */

err_t nodelog_extra_set(struct proof *proof, const struct nodelog_entry *entry,
                        const struct nodelog_opening *opening)
{
    struct buf extra = {.at = proof->extra, .size = sizeof proof->extra, .size_max = sizeof proof->extra};
    uint8_t wire[NODELOG_ENTRY_SIZE];
    nodelog_entry_encode(entry, wire);
    wr_bytes(&extra, bytes_of(wire, sizeof wire));
    wr_bytes(&extra, bytes_of(opening->salt.b, HASH_SIZE));
    wr_blob(&extra, bytes_from_str(opening->head.origin));
    wr_u64(&extra, opening->head.size);
    wr_bytes(&extra, bytes_of(opening->head.root.b, HASH_SIZE));
    for (size_t i = 0; i < NODELOG_DEPTH; i++)
        wr_bytes(&extra, bytes_of(opening->beside[i].b, HASH_SIZE));
    if (buf_err(&extra) != ERR_OK)
        return ERR_LIMIT;
    proof->index = entry->index;
    proof->extra_len = extra.len;
    return ERR_OK;
}

err_t nodelog_extra_read(struct bytes extra, struct nodelog_entry *out_entry, struct nodelog_opening *out)
{
    struct nodelog_opening opening;
    struct nodelog_entry entry;
    struct ledger_origin ledger;
    err_t err;
    if (extra.len < NODELOG_ENTRY_SIZE)
        return ERR_SHORT;
    if (TRY(err, nodelog_entry_decode(bytes_of(extra.at, NODELOG_ENTRY_SIZE), &entry)))
        return err;
    struct rd rd = rd_of(bytes_of(extra.at + NODELOG_ENTRY_SIZE, extra.len - NODELOG_ENTRY_SIZE));
    rd_copy(&rd, opening.salt.b, HASH_SIZE);
    opening.head.origin = str_from_bytes(rd_blob(&rd, LEDGER_ORIGIN_MAX));
    opening.head.size = rd_u64(&rd);
    rd_copy(&rd, opening.head.root.b, HASH_SIZE);
    for (size_t i = 0; i < NODELOG_DEPTH; i++)
        rd_copy(&rd, opening.beside[i].b, HASH_SIZE);
    if (TRY(err, rd_end(&rd)))
        return err;
    if (opening.head.size > MERKLE_SIZE_MAX || ledger_origin_parse(opening.head.origin, &ledger) != ERR_OK)
        return ERR_SYNTAX;
    if (TRY(err, nodelog_opening_verify(&entry, &opening)))
        return err;
    *out_entry = entry;
    *out = opening;
    return ERR_OK;
}
