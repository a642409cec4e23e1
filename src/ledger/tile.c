#include "ledger/tile.h"

#include "core/mem.h"
#include "core/wr.h"

/* --- the tree --- */

void tile_tree_init(struct tile_tree *tree, const struct tile_store *store)
{
    memset(tree, 0, sizeof *tree);
    tree->store = *store;
}

err_t tile_tree_open(struct tile_tree *tree, const struct tile_store *store, uint64_t size)
{
    if (size > MERKLE_SIZE_MAX)
        return ERR_LIMIT;
    struct tile_tree made;
    tile_tree_init(&made, store);
    /* merkle_edge_load asks only for nodes below `size`, which the store holds. */
    made.edge.size = size;
    struct merkle_source source = tile_tree_source(&made);
    struct merkle_edge edge;
    err_t err = merkle_edge_load(&source, size, &edge);
    if (err != ERR_OK)
        return err;
    made.edge = edge;
    *tree = made;
    return ERR_OK;
}

err_t tile_tree_append(struct tile_tree *tree, const struct hash *leaf)
{
    if (tree->edge.size >= MERKLE_SIZE_MAX)
        return ERR_FULL;
    struct hash made[MERKLE_LEVELS];
    unsigned count = merkle_edge_next(&tree->edge, leaf, made);
    for (unsigned level = 0; level < count; level += TILE_HEIGHT) {
        err_t err =
            tree->store.append(tree->store.ctx, level / TILE_HEIGHT, tree->edge.size >> level, &made[level]);
        if (err != ERR_OK)
            return err;
    }
    tree->edge.at[count - 1] = made[count - 1];
    tree->edge.size++;
    return ERR_OK;
}

struct hash tile_tree_root(const struct tile_tree *tree)
{
    return merkle_edge_root(&tree->edge);
}

err_t tile_tree_hash(const struct tile_tree *tree, unsigned level, uint64_t index, struct hash *out)
{
    if (level >= MERKLE_LEVELS || index >= tree->edge.size >> level)
        return ERR_USAGE;
    /* A node between two tile levels is made from the 2^within hashes below it, all in one tile. */
    unsigned within = level % TILE_HEIGHT;
    size_t count = (size_t)1 << within;
    struct hash row[TILE_WIDTH / 2];
    err_t err = tree->store.read(tree->store.ctx, level / TILE_HEIGHT, index << within, count, row);
    if (err != ERR_OK)
        return err;
    for (; count > 1; count /= 2)
        for (size_t i = 0; i < count / 2; i++)
            row[i] = merkle_node(&row[2 * i], &row[2 * i + 1]);
    *out = row[0];
    return ERR_OK;
}

static err_t source_hash(void *ctx, unsigned level, uint64_t index, struct hash *out)
{
    return tile_tree_hash(ctx, level, index, out);
}

struct merkle_source tile_tree_source(struct tile_tree *tree)
{
    return (struct merkle_source) {tree, source_hash};
}

/* --- a store in memory --- */

static err_t memory_append(void *ctx, unsigned level, uint64_t index, const struct hash *hash)
{
    struct tile_memory *memory = ctx;
    must(level < TILE_LEVELS && index <= memory->count[level]);
    if (index == memory->size[level]) {
        size_t size = index == 0 ? TILE_WIDTH : 2 * (size_t)index;
        struct hash *grown = mem_grow(memory->at[level], size * sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        memory->bytes += (size - memory->size[level]) * sizeof *grown;
        memory->at[level] = grown;
        memory->size[level] = size;
    }
    memory->at[level][index] = *hash;
    memory->count[level] = (size_t)index + 1;
    return ERR_OK;
}

static err_t memory_read(void *ctx, unsigned level, uint64_t first, size_t count, struct hash *out)
{
    const struct tile_memory *memory = ctx;
    if (level >= TILE_LEVELS || first > memory->count[level] || count > memory->count[level] - first)
        return ERR_USAGE;
    if (count > 0)
        memcpy(out, memory->at[level] + first, count * sizeof *out);
    return ERR_OK;
}

struct tile_store tile_memory_store(struct tile_memory *memory)
{
    return (struct tile_store) {memory, memory_append, memory_read};
}

void tile_memory_deinit(struct tile_memory *memory)
{
    for (unsigned level = 0; level < TILE_LEVELS; level++)
        mem_free(memory->at[level]);
    memset(memory, 0, sizeof *memory);
}

/* --- paths --- */

void tile_path_print(const struct tile_id *id, struct buf *out)
{
    must(id->width >= 1 && id->width <= TILE_WIDTH && id->level <= TILE_LEVEL_MAX);
    if (id->entries)
        buf_put_str(out, STR("tile/entries"));
    else
        buf_printf(out, "tile/%u", id->level);
    unsigned group[7]; /* 7 groups of three digits hold 2^64 */
    size_t count = 0;
    uint64_t rest = id->index;
    do {
        group[count++] = (unsigned)(rest % 1000);
        rest /= 1000;
    } while (rest > 0);
    while (count-- > 0)
        buf_printf(out, "/%s%03u", count > 0 ? "x" : "", group[count]);
    if (id->width < TILE_WIDTH)
        buf_printf(out, ".p/%u", id->width);
}

static bool small_number(struct str s, unsigned max, unsigned *out)
{
    uint64_t value;
    if (s.len > 3 || (s.len > 1 && s.at[0] == '0') || !str_to_u64(s, max, &value))
        return false;
    *out = (unsigned)value;
    return true;
}

/* Three digits; the first group may not be all zero when others follow. */
static bool index_parse(struct str *rest, uint64_t *out)
{
    uint64_t index = 0;
    for (size_t groups = 0; groups < 7; groups++) {
        struct str part = str_cut(rest, '/');
        bool more = part.len == 4 && part.at[0] == 'x';
        uint64_t value;
        if (more)
            part = (struct str) {part.at + 1, 3};
        if (part.len != 3 || !str_to_u64(part, 999, &value))
            return false;
        if (more && groups == 0 && value == 0)
            return false;
        if (index > (UINT64_MAX - value) / 1000)
            return false;
        index = index * 1000 + value;
        if (!more) {
            *out = index;
            return true;
        }
    }
    return false;
}

/* Takes ".p/W" off the end; full width without one. */
static bool width_parse(struct str *path, unsigned *out)
{
    *out = TILE_WIDTH;
    size_t at = path->len;
    while (at > 0 && path->at[at - 1] != '/')
        at--;
    if (at < 3 || memcmp(path->at + at - 3, ".p/", 3) != 0)
        return true;
    struct str number = {path->at + at, path->len - at};
    path->len = at - 3;
    return small_number(number, TILE_WIDTH - 1, out) && *out > 0;
}

err_t tile_path_parse(struct str path, struct tile_id *out)
{
    struct tile_id id = {.entries = false};
    struct str rest = path;
    if (!width_parse(&rest, &id.width))
        return ERR_SYNTAX;
    if (!str_eq(str_cut(&rest, '/'), STR("tile")))
        return ERR_SYNTAX;
    struct str level = str_cut(&rest, '/');
    id.entries = str_eq(level, STR("entries"));
    if (!id.entries && !small_number(level, TILE_LEVEL_MAX, &id.level))
        return ERR_SYNTAX;
    if (!index_parse(&rest, &id.index) || rest.at != NULL)
        return ERR_SYNTAX;
    *out = id;
    return ERR_OK;
}

/* --- contents --- */

unsigned tile_width(uint64_t size, unsigned level, uint64_t index)
{
    if (level >= TILE_LEVELS) /* 256^8 leaves do not exist */
        return 0;
    uint64_t hashes = size >> (TILE_HEIGHT * level), full = hashes / TILE_WIDTH;
    return index < full ? TILE_WIDTH : index == full ? (unsigned)(hashes % TILE_WIDTH) : 0;
}

err_t tile_data(const struct tile_tree *tree, uint64_t size, const struct tile_id *id, struct buf *out)
{
    if (size > tree->edge.size || id->entries)
        return ERR_USAGE;
    if (id->width == 0 || id->width > tile_width(size, id->level, id->index))
        return ERR_NOTFOUND;
    struct hash row[TILE_WIDTH];
    err_t err = tree->store.read(tree->store.ctx, id->level, id->index * TILE_WIDTH, id->width, row);
    if (err != ERR_OK)
        return err;
    buf_put(out, row, id->width * sizeof row[0]);
    return buf_err(out);
}

void tile_entry_put(struct buf *out, struct bytes entry)
{
    must(entry.len <= UINT16_MAX);
    wr_u16(out, (uint16_t)entry.len);
    wr_bytes(out, entry);
}

struct bytes tile_entry_next(struct rd *rd)
{
    return rd_bytes(rd, rd_u16(rd));
}

err_t tile_bundle(const struct tile_entries *entries, uint64_t size, const struct tile_id *id,
                  struct buf *scratch, struct buf *out)
{
    if (!id->entries)
        return ERR_USAGE;
    if (id->width == 0 || id->width > tile_width(size, 0, id->index))
        return ERR_NOTFOUND;
    for (unsigned i = 0; i < id->width; i++) {
        buf_clear(scratch);
        err_t err = entries->entry(entries->ctx, id->index * TILE_WIDTH + i, scratch);
        if (err == ERR_OK)
            err = buf_err(scratch);
        if (err != ERR_OK)
            return err;
        if (scratch->len > UINT16_MAX)
            return ERR_LIMIT;
        tile_entry_put(out, buf_bytes(scratch));
    }
    return buf_err(out);
}
