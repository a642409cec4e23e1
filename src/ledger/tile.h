/* Tiles (C2SP tlog-tiles): the tree as static resources of 256 hashes, their paths, and the tree that a node
 * keeps.
 *
 * struct tile_tree holds only the right edge; every hash goes to a store that the owner brings (packed files
 * in a node, memory in tests), one run of 32-byte hashes a tile level: level 0 the leaf hashes, level l the
 * hashes of full tiles of level l - 1, that is Merkle nodes of level 8 * l. In all 32.1 bytes a leaf. Rebuild
 * by appending again; nothing is ever truncated. Leaves themselves are not kept here. One writer; readers on
 * other threads only as far as the store allows, below a size that they know is complete. */
#pragma once

#include "core/buf.h"
#include "core/rd.h"
#include "ledger/merkle.h"

enum { TILE_WIDTH = 256, TILE_HEIGHT = 8, TILE_LEVELS = 8, TILE_LEVEL_MAX = 63 };

/* The owner's packed arrays. `append` writes hash number `index` of `level`; calls come in rising index per
 * level, except that after a failed tile_tree_append the same index may come again and overwrites. `read`
 * copies `count` (1 to 256) consecutive hashes that were appended before. */
struct tile_store {
    void *ctx;
    err_t (*append)(void *ctx, unsigned level, uint64_t index, const struct hash *hash);
    err_t (*read)(void *ctx, unsigned level, uint64_t first, size_t count, struct hash *out);
};

struct tile_tree {
    struct tile_store store; /* borrowed: the owner closes it after the tree's last use */
    struct merkle_edge edge; /* edge.size leaves */
};

/* An empty tree. */
void tile_tree_init(struct tile_tree *tree, const struct tile_store *store);
/* A tree of `size` leaves over a store that holds at least those; reads the right edge back (at most 64 small
 * reads). Whoever opens compares tile_tree_root with a checkpoint. */
NODISCARD err_t tile_tree_open(struct tile_tree *tree, const struct tile_store *store, uint64_t size);
/* On failure the tree is as before. ERR_FULL at MERKLE_SIZE_MAX. */
NODISCARD err_t tile_tree_append(struct tile_tree *tree, const struct hash *leaf);
struct hash tile_tree_root(const struct tile_tree *tree);
/* Any complete node. ERR_USAGE when the tree does not hold it. */
NODISCARD err_t tile_tree_hash(const struct tile_tree *tree, unsigned level, uint64_t index,
                               struct hash *out);
/* For merkle_root, merkle_inclusion and merkle_consistency; valid as long as the tree stays where it is. */
struct merkle_source tile_tree_source(struct tile_tree *tree);

/* A store in memory, for tests, tools and the simulator. bytes: what it has allocated. */
struct tile_memory {
    struct hash *at[TILE_LEVELS];
    size_t count[TILE_LEVELS];
    size_t size[TILE_LEVELS];
    size_t bytes;
};
struct tile_store tile_memory_store(struct tile_memory *memory);
void tile_memory_deinit(struct tile_memory *memory);

/* --- resources --- */

struct tile_id {
    bool entries;   /* an entry bundle; level is 0 */
    unsigned level; /* 0 to TILE_LEVEL_MAX */
    uint64_t index;
    unsigned width; /* 1 to 256; below 256 a partial tile */
};

/* "tile/0/x001/234", "tile/1/000.p/17", "tile/entries/x001/x234/067": without prefix or leading slash. */
void tile_path_print(const struct tile_id *id, struct buf *out);
/* Strict, one spelling a tile; ERR_SYNTAX otherwise. */
NODISCARD err_t tile_path_parse(struct str path, struct tile_id *out);
/* Width of that tile in a tree of `size` leaves: 0 (not there), or up to 256. */
unsigned tile_width(uint64_t size, unsigned level, uint64_t index);
/* The tile's hashes, as served, for a tree of `size` <= tree size. A partial tile is given for every width up
 * to the one of `size`; ERR_NOTFOUND beyond: nothing that no checkpoint covers can be asked for. */
NODISCARD err_t tile_data(const struct tile_tree *tree, uint64_t size, const struct tile_id *id,
                          struct buf *out);

/* Entry bundles: u16 length and the entry, one after another. */
void tile_entry_put(struct buf *out, struct bytes entry);
/* The next entry of a bundle (borrowed); look at rd->err. */
struct bytes tile_entry_next(struct rd *rd);
/* Where bundles take entries from: puts the bytes of leaf `index` at the end of `out` (ERR_LIMIT above
 * 65,535). */
struct tile_entries {
    void *ctx;
    err_t (*entry)(void *ctx, uint64_t index, struct buf *out);
};
/* The bundle, as tile_data. `scratch` is the caller's, cleared for every entry. */
NODISCARD err_t tile_bundle(const struct tile_entries *entries, uint64_t size, const struct tile_id *id,
                            struct buf *scratch, struct buf *out);
