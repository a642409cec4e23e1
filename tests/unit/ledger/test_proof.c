#include "ledger/proof.h"

#include "ledger/tile.h"
#include "ledger_test.h"

#define ORIGIN "bongsu/kr/nz/0"

enum { LEAVES = 40, AT = 17 };

struct desk {
    struct sign_key secret;
    struct note_key key;
    struct leaf leaves[LEAVES];
    struct leaf_opening openings[LEAVES];
    struct tile_memory memory;
    struct tile_tree tree;
    struct buf checkpoint;
    struct buf file;
};

static int desk_setup(void **state)
{
    static struct desk desk;
    struct tile_store store = tile_memory_store(&desk.memory);
    desk.secret = test_key(9);
    assert_int_equal(note_key_make(STR(ORIGIN), NOTE_SIGNATURE, &desk.secret.public, &desk.key), ERR_OK);
    tile_tree_init(&desk.tree, &store);
    for (uint64_t i = 0; i < LEAVES; i++) {
        desk.openings[i] = (struct leaf_opening) {test_hash(i), test_hash(100 + i), LEAF_SUBJECT_NONE};
        desk.leaves[i] = (struct leaf) {
            LEAF_RELEASE, 0, i, 1000, leaf_partner(LEAF_RELEASE, &desk.openings[i]), test_hash(i)};
        struct hash hash = leaf_hash(&desk.leaves[i]);
        assert_int_equal(tile_tree_append(&desk.tree, &hash), ERR_OK);
    }
    struct checkpoint checkpoint = {STR(ORIGIN), LEAVES, tile_tree_root(&desk.tree), {NULL, 0}};
    buf_init(&desk.checkpoint, LIMIT_NOTE_BYTES);
    buf_init(&desk.file, LIMIT_NOTE_BYTES);
    assert_int_equal(checkpoint_sign(&checkpoint, &desk.key, &desk.secret, &desk.checkpoint), ERR_OK);
    *state = &desk;
    return 0;
}

static int desk_teardown(void **state)
{
    struct desk *desk = *state;
    tile_memory_deinit(&desk->memory);
    buf_deinit(&desk->checkpoint);
    buf_deinit(&desk->file);
    return 0;
}

static struct proof proof_of(struct desk *desk, uint64_t index)
{
    struct proof proof = {.checkpoint = buf_str(&desk->checkpoint)};
    struct merkle_source source = tile_tree_source(&desk->tree);
    proof_leaf_set(&proof, &desk->leaves[index], &desk->openings[index]);
    assert_int_equal(merkle_inclusion(&source, index, LEAVES, &proof.path), ERR_OK);
    return proof;
}

static err_t file_verify(const struct desk *desk, struct str whole)
{
    struct proof proof;
    struct leaf leaf;
    struct leaf_opening opening;
    struct fault fault = {0};
    err_t err = proof_parse(whole, &proof, &fault);
    return err != ERR_OK ? err : proof_leaf_verify(&proof, STR(ORIGIN), &desk->key, &leaf, &opening, &fault);
}

static void test_every_leaf(void **state)
{
    struct desk *desk = *state;
    for (uint64_t i = 0; i < LEAVES; i++) {
        struct proof proof = proof_of(desk, i), back;
        struct leaf leaf;
        struct leaf_opening opening;
        buf_clear(&desk->file);
        assert_int_equal(proof_print(&proof, &desk->file), ERR_OK);
        assert_int_equal(proof_parse(buf_str(&desk->file), &back, NULL), ERR_OK);
        assert_int_equal(proof_leaf_verify(&back, STR(ORIGIN), &desk->key, &leaf, &opening, NULL), ERR_OK);
        assert_int_equal(leaf.seq, i);
        assert_hash_equal(&opening.content, &desk->openings[i].content);
    }
}

static void test_truncated_and_mutated(void **state)
{
    struct desk *desk = *state;
    struct proof proof = proof_of(desk, AT);
    buf_clear(&desk->file);
    assert_int_equal(proof_print(&proof, &desk->file), ERR_OK);
    struct str whole = buf_str(&desk->file);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_not_equal(file_verify(desk, (struct str) {whole.at, len}), ERR_OK);
    for (size_t bit = 0; bit < 8 * whole.len; bit++) {
        desk->file.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_not_equal(file_verify(desk, buf_str(&desk->file)), ERR_OK);
        desk->file.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_int_equal(file_verify(desk, whole), ERR_OK);
}

/* A true path to a true leaf that says another place, another epoch, or is opened wrongly. */
static void test_wrong_claims(void **state)
{
    struct desk *desk = *state;
    struct leaf leaf;
    struct leaf_opening opening;
    struct proof proof = proof_of(desk, AT);
    assert_int_equal(proof_leaf_verify(&proof, STR(ORIGIN), &desk->key, &leaf, &opening, NULL), ERR_OK);
    proof.index = AT + 1;
    assert_int_equal(proof_leaf_verify(&proof, STR(ORIGIN), &desk->key, &leaf, &opening, NULL), ERR_PROOF);
    proof = proof_of(desk, AT);
    leaf_opening_encode(&desk->openings[AT + 1], proof.extra + LEAF_SIZE);
    assert_int_equal(proof_leaf_verify(&proof, STR(ORIGIN), &desk->key, &leaf, &opening, NULL), ERR_PROOF);
    proof.extra_len = 0;
    assert_int_equal(proof_leaf_verify(&proof, STR(ORIGIN), &desk->key, &leaf, &opening, NULL), ERR_INVALID);
}

/* A tree of one leaf that claims seq 3 or epoch 1: well signed, and a lie. */
static void test_misplaced_leaf(void **state)
{
    struct desk *desk = *state;
    for (int lie = 0; lie < 3; lie++) {
        struct leaf leaf = desk->leaves[0], out;
        struct leaf_opening opening;
        leaf.seq = lie == 1 ? 3 : 0;
        leaf.epoch = lie == 2 ? 1 : 0;
        struct hash root = leaf_hash(&leaf);
        struct checkpoint checkpoint = {STR(ORIGIN), 1, root, {NULL, 0}};
        struct buf note;
        buf_init(&note, LIMIT_NOTE_BYTES);
        assert_int_equal(checkpoint_sign(&checkpoint, &desk->key, &desk->secret, &note), ERR_OK);
        struct proof proof = {.checkpoint = buf_str(&note)};
        proof_leaf_set(&proof, &leaf, &desk->openings[0]);
        proof.index = 0;
        assert_int_equal(proof_leaf_verify(&proof, STR(ORIGIN), &desk->key, &out, &opening, NULL),
                         lie == 0 ? ERR_OK : ERR_CONFLICT);
        buf_deinit(&note);
    }
}

static void test_malformed(void **state)
{
    struct desk *desk = *state;
#define PROOF_HEAD "c2sp.org/tlog-proof@v1\n"
#define PROOF_HASH "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    static const struct {
        const char *head;
        err_t err;
    } rows[] = {
        {PROOF_HEAD "index 0\n\n", ERR_OK},
        {PROOF_HEAD "extra QQ==\nindex 0\n" PROOF_HASH "\n", ERR_OK},
        {PROOF_HEAD "extra \nindex 0\n\n", ERR_SYNTAX},
        {PROOF_HEAD "extra QR==\nindex 0\n\n", ERR_SYNTAX},
        {PROOF_HEAD "extra QQ==\nextra QQ==\nindex 0\n\n", ERR_SYNTAX},
        {PROOF_HEAD "index 00\n\n", ERR_SYNTAX},
        {PROOF_HEAD "index -1\n\n", ERR_SYNTAX},
        {PROOF_HEAD "index 9223372036854775807\n\n", ERR_SYNTAX},
        {PROOF_HEAD "index  0\n\n", ERR_SYNTAX},
        {PROOF_HEAD "index 0\nAAAA\n\n", ERR_SYNTAX},
        {PROOF_HEAD "\nindex 0\n\n", ERR_SYNTAX},
        {PROOF_HEAD "\n", ERR_SYNTAX},
        {"c2sp.org/tlog-proof@v2\nindex 0\n\n", ERR_SYNTAX},
        {"", ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct proof proof;
        buf_clear(&desk->file);
        buf_put_str(&desk->file, str_of(rows[i].head));
        buf_put_str(&desk->file, buf_str(&desk->checkpoint));
        assert_int_equal(proof_parse(buf_str(&desk->file), &proof, NULL), rows[i].err);
    }
    /* 64 hashes are read, 65 are not. */
    for (size_t count = MERKLE_PROOF_MAX; count <= MERKLE_PROOF_MAX + 1; count++) {
        struct proof proof;
        buf_clear(&desk->file);
        buf_put_str(&desk->file, STR(PROOF_HEAD "index 0\n"));
        for (size_t i = 0; i < count; i++)
            buf_put_str(&desk->file, STR(PROOF_HASH));
        buf_putc(&desk->file, '\n');
        buf_put_str(&desk->file, buf_str(&desk->checkpoint));
        assert_int_equal(proof_parse(buf_str(&desk->file), &proof, NULL),
                         count <= MERKLE_PROOF_MAX ? ERR_OK : ERR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_leaf),   cmocka_unit_test(test_truncated_and_mutated),
        cmocka_unit_test(test_wrong_claims), cmocka_unit_test(test_misplaced_leaf),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, desk_setup, desk_teardown);
}
