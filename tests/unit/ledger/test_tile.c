#include "ledger/tile.h"

#include <stdio.h>

#include "core/mem.h"
#include "ledger_test.h"

enum { LEAVES = 70000 };

struct grown {
    struct tile_memory memory;
    struct tile_tree tree;
    struct hash *leaves;
};

static int grown_setup(void **state)
{
    static struct grown grown;
    struct tile_store store = tile_memory_store(&grown.memory);
    tile_tree_init(&grown.tree, &store);
    grown.leaves = mem_alloc_array(LEAVES, sizeof *grown.leaves);
    assert_non_null(grown.leaves);
    for (uint64_t i = 0; i < LEAVES; i++) {
        grown.leaves[i] = test_hash(i);
        assert_int_equal(tile_tree_append(&grown.tree, &grown.leaves[i]), ERR_OK);
    }
    *state = &grown;
    return 0;
}

static int grown_teardown(void **state)
{
    struct grown *grown = *state;
    tile_memory_deinit(&grown->memory);
    mem_free(grown->leaves);
    return 0;
}

/* The example of tlog-tiles: 273 full level 0 tiles and 112, one full level 1 tile and 17, one hash at
 * level 2. */
static void test_example_of_the_specification(void **state)
{
    const struct grown *grown = *state;
    assert_int_equal(grown->memory.count[0], LEAVES);
    assert_int_equal(grown->memory.count[1], 273);
    assert_int_equal(grown->memory.count[2], 1);
    assert_int_equal(grown->memory.count[3], 0);
    assert_int_equal(tile_width(LEAVES, 0, 272), 256);
    assert_int_equal(tile_width(LEAVES, 0, 273), 112);
    assert_int_equal(tile_width(LEAVES, 0, 274), 0);
    assert_int_equal(tile_width(LEAVES, 1, 0), 256);
    assert_int_equal(tile_width(LEAVES, 1, 1), 17);
    assert_int_equal(tile_width(LEAVES, 2, 0), 1);
    assert_int_equal(tile_width(LEAVES, 3, 0), 0);
    assert_int_equal(tile_width(256, 0, 0), 256);
    assert_int_equal(tile_width(256, 1, 0), 1);
    assert_int_equal(tile_width(0, 0, 0), 0);
    assert_int_equal(tile_width(MERKLE_SIZE_MAX, 8, 0), 0);
    assert_int_equal(tile_width(MERKLE_SIZE_MAX, 63, 0), 0);
}

static void test_nodes_and_proofs(void **state)
{
    struct grown *grown = *state;
    struct merkle_source source = tile_tree_source(&grown->tree);
    struct hash root = tile_tree_root(&grown->tree), again;
    struct merkle_edge edge = {.size = 0};
    for (uint64_t i = 0; i < LEAVES; i++) {
        merkle_edge_append(&edge, &grown->leaves[i]);
        if (i % 9973 != 0)
            continue;
        struct hash old = merkle_edge_root(&edge);
        struct merkle_proof proof;
        assert_int_equal(merkle_root(&source, i + 1, &again), ERR_OK);
        assert_hash_equal(&again, &old);
        assert_int_equal(merkle_inclusion(&source, i, LEAVES, &proof), ERR_OK);
        assert_int_equal(merkle_inclusion_verify(&proof, i, LEAVES, &grown->leaves[i], &root), ERR_OK);
        assert_int_equal(merkle_consistency(&source, i + 1, LEAVES, &proof), ERR_OK);
        assert_int_equal(merkle_consistency_verify(&proof, i + 1, LEAVES, &old, &root), ERR_OK);
    }
    struct hash other = merkle_edge_root(&edge);
    assert_hash_equal(&root, &other);
    assert_int_equal(tile_tree_hash(&grown->tree, 0, LEAVES, &again), ERR_USAGE);
    assert_int_equal(tile_tree_hash(&grown->tree, 17, 0, &again), ERR_USAGE);
    assert_int_equal(tile_tree_hash(&grown->tree, 63, 0, &again), ERR_USAGE);
}

/* Opening at any earlier size over the same store gives the tree of then. */
static void test_open(void **state)
{
    struct grown *grown = *state;
    struct tile_store store = tile_memory_store(&grown->memory);
    static const uint64_t sizes[] = {0, 1, 2, 255, 256, 257, 511, 65535, 65536, 65537, LEAVES};
    struct merkle_source source = tile_tree_source(&grown->tree);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct tile_tree tree;
        struct hash want;
        assert_int_equal(tile_tree_open(&tree, &store, sizes[i]), ERR_OK);
        assert_int_equal(merkle_root(&source, sizes[i], &want), ERR_OK);
        struct hash got = tile_tree_root(&tree);
        assert_hash_equal(&got, &want);
    }
    struct tile_tree tree;
    assert_int_equal(tile_tree_open(&tree, &store, LEAVES + 1), ERR_USAGE);
    assert_int_equal(tile_tree_open(&tree, &store, UINT64_MAX), ERR_LIMIT);
}

static void test_memory(void **state)
{
    const struct grown *grown = *state;
    size_t hashes = 0;
    for (unsigned level = 0; level < TILE_LEVELS; level++)
        hashes += grown->memory.count[level];
    /* 32.1 bytes a leaf, and an array that doubles. */
    assert_true(hashes < LEAVES + LEAVES / 250);
    assert_true(grown->memory.bytes >= hashes * 32 && grown->memory.bytes <= 2 * hashes * 32 + 2 * 8192);
}

/* --- a store that fails --- */

struct failing {
    struct tile_memory memory;
    size_t left;
};

static err_t failing_append(void *ctx, unsigned level, uint64_t index, const struct hash *hash)
{
    struct failing *failing = ctx;
    if (failing->left == 0)
        return ERR_IO;
    failing->left--;
    if (index < failing->memory.count[level]) {
        failing->memory.at[level][index] = *hash;
        return ERR_OK;
    }
    struct tile_store store = tile_memory_store(&failing->memory);
    return store.append(store.ctx, level, index, hash);
}

static void test_failed_append(void **state)
{
    const struct grown *grown = *state;
    struct failing failing = {.left = 256}; /* leaf 255 needs two */
    struct tile_store store = {&failing, failing_append, NULL};
    struct tile_tree tree;
    struct merkle_edge edge = {.size = 0};
    tile_tree_init(&tree, &store);
    for (uint64_t i = 0; i < 255; i++)
        assert_int_equal(tile_tree_append(&tree, &grown->leaves[i]), ERR_OK);
    struct hash before = tile_tree_root(&tree);
    assert_int_equal(tile_tree_append(&tree, &grown->leaves[9]), ERR_IO);
    struct hash after = tile_tree_root(&tree);
    assert_int_equal(tree.edge.size, 255);
    assert_hash_equal(&before, &after);
    failing.left = 100;
    for (uint64_t i = 255; i < 300; i++)
        assert_int_equal(tile_tree_append(&tree, &grown->leaves[i]), ERR_OK);
    for (uint64_t i = 0; i < 300; i++)
        merkle_edge_append(&edge, &grown->leaves[i]);
    after = tile_tree_root(&tree);
    before = merkle_edge_root(&edge);
    assert_hash_equal(&before, &after);
    tile_memory_deinit(&failing.memory);
}

/* --- paths --- */

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        struct tile_id id;
        const char *path;
    } rows[] = {
        {{false, 0, 0, 256}, "tile/0/000"},
        {{false, 0, 1234067, 256}, "tile/0/x001/x234/067"},
        {{false, 1, 999, 17}, "tile/1/999.p/17"},
        {{false, 63, 1000, 255}, "tile/63/x001/000.p/255"},
        {{true, 0, 273, 112}, "tile/entries/273.p/112"},
        {{true, 0, 5, 256}, "tile/entries/005"},
        {{false, 0, UINT64_MAX, 1}, "tile/0/x018/x446/x744/x073/x709/x551/615.p/1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tile_id id;
        struct buf buf;
        buf_init(&buf, 200);
        tile_path_print(&rows[i].id, &buf);
        assert_true(str_eq(buf_str(&buf), str_of(rows[i].path)));
        assert_int_equal(tile_path_parse(buf_str(&buf), &id), ERR_OK);
        assert_true(id.entries == rows[i].id.entries && id.level == rows[i].id.level);
        assert_true(id.index == rows[i].id.index && id.width == rows[i].id.width);
        buf_deinit(&buf);
    }
}

static void test_bad_paths(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "tile",
        "tile/0",
        "tile/0/",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/00/001",
        "tile/64/001",
        "tile/-1/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/01",
        "tile/0/001.p/",
        "tile/0/001.p",
        "tile/0/001.p/1/",
        "tile/0/001/",
        "/tile/0/001",
        "tile//001",
        "tile/entries",
        "tile/entries/0a1",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x001/x018/x446/x744/x073/x709/x551/615",
        "tile/0/../001",
        "tile/0/001?x",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tile_id id;
        assert_int_equal(tile_path_parse(str_of(bad[i]), &id), ERR_SYNTAX);
    }
}

/* --- contents --- */

static void test_data(void **state)
{
    const struct grown *grown = *state;
    struct buf buf;
    buf_init(&buf, 8192);
    struct tile_id id = {false, 0, 273, 112};
    assert_int_equal(tile_data(&grown->tree, LEAVES, &id, &buf), ERR_OK);
    assert_int_equal(buf.len, 112 * 32);
    assert_memory_equal(buf.at, &grown->leaves[273 * 256], 112 * 32);
    buf_clear(&buf);
    id.width = 113;
    assert_int_equal(tile_data(&grown->tree, LEAVES, &id, &buf), ERR_NOTFOUND);
    /* A smaller size covers less, whatever the store holds. */
    id.width = 112;
    assert_int_equal(tile_data(&grown->tree, LEAVES - 1, &id, &buf), ERR_NOTFOUND);
    assert_int_equal(tile_data(&grown->tree, LEAVES + 1, &id, &buf), ERR_USAGE);
    id = (struct tile_id) {false, 1, 0, 256};
    assert_int_equal(tile_data(&grown->tree, LEAVES, &id, &buf), ERR_OK);
    assert_int_equal(buf.len, 8192);
    struct hash node;
    for (unsigned i = 0; i < 256; i++) {
        struct merkle_edge edge = {.size = 0};
        for (size_t j = 0; j < 256; j++)
            merkle_edge_append(&edge, &grown->leaves[i * 256 + j]);
        node = merkle_edge_root(&edge);
        assert_memory_equal(buf.at + 32 * (size_t)i, node.b, 32);
    }
    id = (struct tile_id) {false, 63, 0, 1};
    assert_int_equal(tile_data(&grown->tree, LEAVES, &id, &buf), ERR_NOTFOUND);
    id = (struct tile_id) {false, 0, UINT64_MAX, 1};
    assert_int_equal(tile_data(&grown->tree, LEAVES, &id, &buf), ERR_NOTFOUND);
    buf_deinit(&buf);
}

static err_t small_entry(void *ctx, uint64_t index, struct buf *out)
{
    (void)ctx;
    buf_printf(out, "entry %u", (unsigned)index);
    return ERR_OK;
}

static void test_entries(void **state)
{
    (void)state;
    struct tile_entries entries = {NULL, small_entry};
    struct buf scratch, out;
    buf_init(&scratch, 100);
    buf_init(&out, 8192);
    struct tile_id id = {true, 0, 1, 44};
    assert_int_equal(tile_bundle(&entries, 300, &id, &scratch, &out), ERR_OK);
    struct rd rd = rd_of(buf_bytes(&out));
    for (unsigned i = 256; i < 300; i++) {
        char want[20];
        int len = snprintf(want, sizeof want, "entry %u", i);
        struct bytes entry = tile_entry_next(&rd);
        assert_true(bytes_eq(entry, bytes_of(want, (size_t)len)));
    }
    assert_int_equal(rd_end(&rd), ERR_OK);
    (void)tile_entry_next(&rd);
    assert_int_equal(rd.err, ERR_SHORT);
    id.width = 45;
    assert_int_equal(tile_bundle(&entries, 300, &id, &scratch, &out), ERR_NOTFOUND);
    buf_deinit(&scratch);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_example_of_the_specification),
        cmocka_unit_test(test_nodes_and_proofs),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_failed_append),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_bad_paths),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_entries),
    };
    return cmocka_run_group_tests(tests, grown_setup, grown_teardown);
}
