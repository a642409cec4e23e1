/* A whole exported ledger in memory: verified as it is; refused with any bit flipped in any file, with a file
 * missing or longer, with leaves in another order, and beside a checkpoint of another tree. */
#include <stdio.h>

#include "verify_test.h"

enum { LEAVES = 300, FILES_MAX = 16 };

struct shelf {
    size_t count;
    struct {
        char path[64];
        struct buf bytes;
    } at[FILES_MAX];
};

struct place {
    struct desk desk;
    struct shelf shelf;
};

static struct buf *shelf_add(struct shelf *shelf, const char *path)
{
    assert_true(shelf->count < FILES_MAX);
    (void)snprintf(shelf->at[shelf->count].path, sizeof shelf->at[0].path, "%s", path);
    buf_init(&shelf->at[shelf->count].bytes, 1 << 20);
    return &shelf->at[shelf->count++].bytes;
}

static bool shelf_read(const void *ctx, const char *path, uint8_t *out, size_t size, size_t *out_len,
                       struct verify *v)
{
    const struct shelf *shelf = ctx;
    for (size_t i = 0; i < shelf->count; i++) {
        const struct buf *bytes = &shelf->at[i].bytes;
        if (strcmp(shelf->at[i].path, path) != 0)
            continue;
        if (bytes->len > size)
            return verify_refuse(v, "too long");
        memcpy(out, bytes->at, bytes->len);
        *out_len = bytes->len;
        return true;
    }
    return false;
}

static void add_tile(struct place *place, const char *path)
{
    struct tile_id id;
    assert_int_equal(tile_path_parse(str_of(path), &id), ERR_OK);
    assert_int_equal(tile_data(&place->desk.tree, LEAVES, &id, shelf_add(&place->shelf, path)), ERR_OK);
}

/* The secret of leaf 7 was destroyed. */
static void add_bundle(struct place *place, const char *entries, const char *openings, uint64_t from,
                       uint64_t to)
{
    struct buf *leaves = shelf_add(&place->shelf, entries), *opened = shelf_add(&place->shelf, openings);
    for (uint64_t seq = from; seq < to; seq++) {
        struct leaf leaf = desk_leaf(seq);
        struct leaf_opening opening = desk_opening(seq);
        uint8_t wire[LEAF_SIZE], open[LEAF_OPENING_SIZE] = {0};
        leaf_encode(&leaf, wire);
        if (seq != 7)
            leaf_opening_encode(&opening, open);
        tile_entry_put(leaves, bytes_of(wire, sizeof wire));
        buf_put(opened, open, sizeof open);
    }
}

static void add_note(struct shelf *shelf, const char *path, struct buf *note)
{
    buf_put_str(shelf_add(shelf, path), buf_str(note));
    buf_deinit(note);
}

static int setup(void **state)
{
    static struct place place;
    struct buf note;
    desk_open(&place.desk);
    desk_grow(&place.desk, LEAVES);
    desk_checkpoint(&place.desk, LEAVES, false, &note);
    add_note(&place.shelf, "checkpoint", &note);
    add_bundle(&place, "tile/entries/000", "openings/000", 0, 256);
    add_bundle(&place, "tile/entries/001.p/44", "openings/001.p/44", 256, LEAVES);
    add_tile(&place, "tile/0/000");
    add_tile(&place, "tile/0/001.p/44");
    add_tile(&place, "tile/1/000.p/1");
    desk_checkpoint(&place.desk, 20, true, &note);
    add_note(&place.shelf, "receipt/checkpoint", &note);
    desk_disposition(&place.desk, 20, "nz", &note);
    add_note(&place.shelf, "receipt/disposition", &note);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    for (size_t i = 0; i < place->shelf.count; i++)
        buf_deinit(&place->shelf.at[i].bytes);
    desk_close(&place->desk);
    return 0;
}

/* `since`: the size of an older checkpoint; 0: none is given. */
static bool verified(struct place *place, uint64_t since, struct verify_ledger *out, struct verify *v)
{
    struct verify_files files = {&place->shelf, shelf_read};
    struct buf note;
    *v = place->desk.trust;
    *out = (struct verify_ledger) {.since_count = since > 0};
    if (since > 0) {
        desk_checkpoint(&place->desk, since, false, &note);
        assert_true(verify_checkpoint_open(span_of(buf_str(&note)), &out->since[0], v));
        buf_deinit(&note);
    }
    return verify_ledger_open(&files, out, v);
}

static void test_whole(void **state)
{
    static struct verify_ledger ledger;
    struct verify v;
    static const uint64_t sizes[] = {0, 1, 2, 255, 256, 257, LEAVES};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_true(verified(*state, sizes[i], &ledger, &v));
        assert_int_equal(ledger.opened, LEAVES - 1);
        assert_int_equal(ledger.closed, 1);
        assert_true(ledger.has_receipt && ledger.receipt_known);
        assert_int_equal(ledger.receipt.size, 20);
    }
}

/* Every bit of every file, in steps where that is slow. */
static void test_flipped(void **state)
{
    static struct verify_ledger ledger;
    struct place *place = *state;
    struct verify v;
    for (size_t f = 0; f < place->shelf.count; f++) {
        struct buf *bytes = &place->shelf.at[f].bytes;
        size_t step = bytes->len > 2000 ? 997 : 13;
        for (size_t bit = f; bit < 8 * bytes->len; bit += step) {
            bytes->at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            assert_false(verified(place, 0, &ledger, &v));
            bytes->at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
    }
}

static void test_cut(void **state)
{
    static struct verify_ledger ledger;
    struct place *place = *state;
    struct verify v;
    for (size_t f = 0; f < place->shelf.count; f++) {
        struct buf *bytes = &place->shelf.at[f].bytes;
        size_t len = bytes->len, step = len > 2000 ? 251 : 1;
        char first = place->shelf.at[f].path[0];
        for (bytes->len = 0; bytes->len < len; bytes->len += step)
            assert_false(verified(place, 0, &ledger, &v));
        bytes->len = len;
        buf_putc(bytes, 'x');
        assert_false(verified(place, 0, &ledger, &v));
        bytes->len = len;
        place->shelf.at[f].path[0] = '-';
        /* Without a receipt nothing says that there was one. */
        assert_int_equal(verified(place, 0, &ledger, &v),
                         strcmp(place->shelf.at[f].path + 1, "eceipt/checkpoint") == 0);
        place->shelf.at[f].path[0] = first;
    }
    assert_true(verified(place, 0, &ledger, &v));
}

/* The log signed another tree once: the evidence is said, and a checkpoint from its future as well. */
static void test_forked(void **state)
{
    static struct verify_ledger ledger;
    struct place *place = *state;
    struct verify_files files = {&place->shelf, shelf_read};
    for (int future = 0; future < 2; future++) {
        struct checkpoint other = {STR(ORIGIN), future ? LEAVES + 1 : 12, {{1}}, {NULL, 0}};
        struct verify v = place->desk.trust;
        struct buf note;
        ledger = (struct verify_ledger) {.since_count = 1};
        buf_init(&note, LIMIT_NOTE_BYTES);
        assert_int_equal(checkpoint_sign(&other, &place->desk.keys[LOG], &place->desk.secrets[LOG], &note),
                         ERR_OK);
        assert_true(verify_checkpoint_open(span_of(buf_str(&note)), &ledger.since[0], &v));
        assert_false(verify_ledger_open(&files, &ledger, &v));
        assert_non_null(strstr(v.why, future ? "more leaves than this ledger" : "another tree of 12 leaves"));
        buf_deinit(&note);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_forked),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
