/* Leaves by number and by time, checkpoints, proofs and tiles of a partner's ledger, against what the leaves
 * give. */
#include "gate_test.h"

#include "ledger/tile.h"

enum { OBJECTS = 2600 };

static struct hash *leaf_hashes(const struct bench_leaves *leaves)
{
    struct hash *hashes = mem_alloc(leaves->count * sizeof *hashes);
    for (size_t i = 0; i < leaves->count; i++)
        hashes[i] = leaf_hash(&leaves->at[i].leaf);
    return hashes;
}

/* RFC 6962 section 2.1, straight from its words, bottom up. */
static struct hash naive_root(const struct hash *hashes, size_t size)
{
    struct merkle_edge edge = {0};
    for (size_t i = 0; i < size; i++)
        merkle_edge_append(&edge, &hashes[i]);
    return size == 0 ? merkle_empty() : merkle_edge_root(&edge);
}

static void fill(struct bench *b, uint32_t source, int from, int count, size_t bytes)
{
    struct buf lines;
    char *more = mem_alloc(bytes + 64), *text = mem_alloc(bytes + TEXT_MAX);
    buf_init(&lines, 8 << 20);
    for (int i = from; i < from + count; i++) {
        char id[ID_MAX];
        (void)snprintf(more, bytes + 64, ",\"description\":\"%0*d\"", (int)bytes + 1, i);
        (void)snprintf(text, bytes + TEXT_MAX,
                       "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                       "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                       "\"pattern\":\"[ipv4-addr:value = '198.51.100.1']\",\"pattern_type\":\"stix\","
                       "\"valid_from\":\"2026-01-01T00:00:00Z\",\"object_marking_refs\":[\"" TLP_GREEN
                       "\"]%s}\n",
                       id_of(id, "indicator", i), more);
        if (lines.len > LIMIT_BATCH_BYTES - bytes - TEXT_MAX) {
            assert_int_equal(bench_accept(b, source, (char *)lines.at, lines.len), ERR_OK);
            buf_clear(&lines);
        }
        buf_put(&lines, text, strlen(text));
    }
    assert_int_equal(bench_accept(b, source, (char *)lines.at, lines.len), ERR_OK);
    assert_int_equal(b->answers[GATE_REFUSED], 0);
    buf_deinit(&lines);
    mem_free(more);
    mem_free(text);
}

static void make(struct bench *b, unsigned *out_us)
{
    bench_init(b);
    bench_policy(b);
    *out_us = bench_partner(b, "us-cisa");
    uint32_t own = bench_source(b, "own", STIX_TLP_NONE, true, false);
    fill(b, own, 0, 5, 10);
    bench_settle(b);
    bench_sign(b);
    b->now_us += 777;
    fill(b, own, 5, OBJECTS - 5, 10);
    bench_settle(b);
    b->now_us += 999999;
    fill(b, own, OBJECTS, 20, 600000);
}

static void leaf_after_any_time(void **state)
{
    (void)state;
    struct bench b;
    unsigned us;
    make(&b, &us);
    struct bench_leaves *leaves = bench_ledger(&b, us);
    assert_int_equal(leaves->count, OBJECTS + 20);
    for (size_t i = 0; i < leaves->count; i += i < 20 || i > OBJECTS - 20 ? 1 : 7) {
        for (int64_t off = -2; off <= 2; off++) {
            int64_t after = leaves->at[i].leaf.time_us + off;
            uint64_t seq, expected = 0;
            while (expected < leaves->count && leaves->at[expected].leaf.time_us <= after)
                expected++;
            assert_int_equal(gate_leaf_after(b.gate, us, after, &seq), ERR_OK);
            assert_int_equal(seq, expected);
        }
    }
    uint64_t seq = 7;
    assert_int_equal(gate_leaf_after(b.gate, us, -1, &seq), ERR_OK);
    assert_int_equal(seq, 0);
    assert_int_equal(gate_leaf_after(b.gate, us, INT64_MAX, &seq), ERR_OK);
    assert_int_equal(seq, leaves->count);
    struct gate_ledger ledger;
    assert_int_equal(gate_ledger(b.gate, us, &ledger), ERR_OK);
    assert_true(ledger.last_time_us == leaves->at[leaves->count - 1].leaf.time_us);
    mem_free(leaves);
    bench_deinit(&b);
}

/* What is decided and not yet signed shows nowhere, its date included. */
static void unsigned_leaves_are_invisible(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_ledger before, after;
    bench_init(&b);
    bench_policy(&b);
    unsigned us = bench_partner(&b, "us-cisa");
    uint32_t own = bench_source(&b, "own", STIX_TLP_NONE, true, false);
    (void)bench_add(&b, own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    bench_settle(&b);
    bench_sign(&b);
    assert_int_equal(gate_ledger(b.gate, us, &before), ERR_OK);
    b.now_us += 12345678;
    (void)bench_add(&b, own, indicator(text, 2, 1, MARKED(TLP_GREEN)));
    bench_settle(&b);
    assert_int_equal(gate_ledger(b.gate, us, &after), ERR_OK);
    assert_int_equal(after.size, 2);
    assert_int_equal(after.visible, 1);
    assert_true(after.last_time_us == before.last_time_us);
    uint64_t seq;
    assert_int_equal(gate_leaf_after(b.gate, us, b.now_us - 1000000, &seq), ERR_OK);
    assert_int_equal(seq, 1);
    struct hash root;
    struct merkle_proof proof;
    assert_int_not_equal(gate_root(b.gate, us, 2, &root), ERR_OK);
    assert_int_not_equal(gate_inclusion(b.gate, us, 1, 2, &proof), ERR_OK);
    assert_int_not_equal(gate_consistency(b.gate, us, 1, 2, &proof), ERR_OK);
    bench_deinit(&b);
}

static void checkpoints_stand_close_enough(void **state)
{
    (void)state;
    struct bench b;
    unsigned us;
    make(&b, &us);
    struct bench_leaves *leaves = bench_ledger(&b, us);
    struct hash *hashes = leaf_hashes(leaves);
    uint64_t before = 0, count = 0;
    while (before < leaves->count) {
        uint64_t size = 0;
        size_t bytes = 0;
        struct buf note;
        struct merkle_proof proof;
        buf_init(&note, LIMIT_NOTE_BYTES);
        assert_int_equal(gate_checkpoint(b.gate, us, before + 1, &size, &note), ERR_OK);
        assert_true(size > before && size - before <= LIMIT_CHECKPOINT_LEAVES);
        for (uint64_t i = before; i < size; i++)
            bytes += leaves->at[i].bytes;
        assert_in_range(bytes, 1, LIMIT_CHECKPOINT_BYTES);
        assert_true(note.len > 0);
        struct hash old_root = naive_root(hashes, before), root = naive_root(hashes, size), given;
        assert_int_equal(gate_root(b.gate, us, size, &given), ERR_OK);
        assert_memory_equal(given.b, root.b, HASH_SIZE);
        assert_int_equal(gate_consistency(b.gate, us, before, size, &proof), ERR_OK);
        assert_int_equal(merkle_consistency_verify(&proof, before, size, &old_root, &root), ERR_OK);
        for (uint64_t i = before; i < size; i += 97) {
            assert_int_equal(gate_inclusion(b.gate, us, i, size, &proof), ERR_OK);
            assert_int_equal(merkle_inclusion_verify(&proof, i, size, &hashes[i], &root), ERR_OK);
        }
        buf_deinit(&note);
        before = size;
        count++;
    }
    assert_in_range(count, 6, 40);
    mem_free(hashes);
    mem_free(leaves);
    bench_deinit(&b);
}

static void tiles_equal_a_tree_made_again(void **state)
{
    (void)state;
    struct bench b;
    unsigned us;
    make(&b, &us);
    struct bench_leaves *leaves = bench_ledger(&b, us);
    struct hash *hashes = leaf_hashes(leaves);
    struct tile_memory memory = {0};
    struct tile_store store = tile_memory_store(&memory);
    struct tile_tree tree;
    tile_tree_init(&tree, &store);
    for (size_t i = 0; i < leaves->count; i++)
        assert_int_equal(tile_tree_append(&tree, &hashes[i]), ERR_OK);
    size_t tiles = 0;
    for (unsigned level = 0; level < 2; level++) {
        unsigned width;
        for (uint64_t index = 0; (width = tile_width(leaves->count, level, index)) > 0; index++) {
            struct tile_id id = {false, level, index, width};
            struct buf path, given, made;
            buf_init(&path, 256);
            buf_init(&given, 1 << 20);
            buf_init(&made, 1 << 20);
            tile_path_print(&id, &path);
            assert_int_equal(gate_tile(b.gate, us, buf_str(&path), &given), ERR_OK);
            assert_int_equal(tile_data(&tree, leaves->count, &id, &made), ERR_OK);
            assert_int_equal(given.len, made.len);
            assert_memory_equal(given.at, made.at, made.len);
            buf_clear(&path);
            buf_clear(&given);
            id.entries = true;
            if (level == 0) {
                tile_path_print(&id, &path);
                assert_int_equal(gate_tile(b.gate, us, buf_str(&path), &given), ERR_OK);
                struct rd rd = rd_of(buf_bytes(&given));
                for (unsigned i = 0; i < width; i++) {
                    struct hash hash = merkle_leaf(tile_entry_next(&rd));
                    assert_memory_equal(hash.b, hashes[index * TILE_WIDTH + i].b, HASH_SIZE);
                }
                assert_int_equal(rd_end(&rd), ERR_OK);
            }
            buf_deinit(&path);
            buf_deinit(&given);
            buf_deinit(&made);
            tiles++;
        }
    }
    assert_int_equal(tiles, 12);
    tile_memory_deinit(&memory);
    mem_free(hashes);
    mem_free(leaves);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaf_after_any_time),
        cmocka_unit_test(unsigned_leaves_are_invisible),
        cmocka_unit_test(checkpoints_stand_close_enough),
        cmocka_unit_test(tiles_equal_a_tree_made_again),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("gate ledger", tests, NULL, NULL);
}
