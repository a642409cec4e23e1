#include "ledger/merkle.h"

#include "ledger_test.h"

enum { SIZES = 300 };

/* --- a second, plain implementation: the definitions of RFC 6962 section 2.1 as they stand there --- */

enum { LEVELS = 9 }; /* 2^8 <= SIZES */

struct forest {
    struct hash leaves[SIZES];
    struct hash nodes[LEVELS][SIZES];
    struct hash roots[SIZES + 1];
};

static struct hash plain_root(const struct hash *leaves, size_t n)
{
    if (n == 0)
        return merkle_empty();
    if (n == 1)
        return leaves[0];
    size_t k = 1;
    while (2 * k < n)
        k *= 2;
    struct hash left = plain_root(leaves, k), right = plain_root(leaves + k, n - k);
    return merkle_node(&left, &right);
}

static err_t plain_hash(void *ctx, unsigned level, uint64_t index, struct hash *out)
{
    const struct forest *forest = ctx;
    assert_true(((index + 1) << level) <= SIZES);
    *out = forest->nodes[level][index];
    return ERR_OK;
}

static void forest_nodes(struct forest *forest)
{
    for (unsigned level = 0; level < LEVELS; level++)
        for (size_t i = 0; (i + 1) << level <= SIZES; i++)
            forest->nodes[level][i] = plain_root(forest->leaves + (i << level), (size_t)1 << level);
}

static int forest_setup(void **state)
{
    static struct forest forest;
    for (size_t i = 0; i < SIZES; i++)
        forest.leaves[i] = test_hash(i);
    forest_nodes(&forest);
    for (size_t n = 0; n <= SIZES; n++)
        forest.roots[n] = plain_root(forest.leaves, n);
    *state = &forest;
    return 0;
}

/* --- vectors of Certificate Transparency --- */

static const struct {
    const char *leaf;
    const char *root; /* of the tree that ends with this leaf */
} ct[] = {
    {"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
    {"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
    {"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
    {"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
    {"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
    {"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
    {"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
    {"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
};

static void test_ct_roots(void **state)
{
    (void)state;
    struct merkle_edge edge = {.size = 0};
    struct hash root = merkle_edge_root(&edge);
    assert_hex(root.b, HASH_SIZE, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < sizeof ct / sizeof ct[0]; i++) {
        uint8_t entry[16];
        size_t len = strlen(ct[i].leaf) / 2;
        assert_true(str_unhex(str_of(ct[i].leaf), entry, len));
        struct hash leaf = merkle_leaf(bytes_of(entry, len));
        merkle_edge_append(&edge, &leaf);
        root = merkle_edge_root(&edge);
        assert_hex(root.b, HASH_SIZE, ct[i].root);
    }
}

/* A leaf beyond the short path hashes the same way. */
static void test_long_leaf(void **state)
{
    (void)state;
    uint8_t bytes[1 + 1000];
    memset(bytes, 7, sizeof bytes);
    bytes[0] = 0;
    for (size_t len = 250; len <= 1000; len += 1) {
        struct hash want = hash_sha256(bytes_of(bytes, 1 + len));
        struct hash got = merkle_leaf(bytes_of(bytes + 1, len));
        assert_hash_equal(&got, &want);
    }
}

/* --- the right edge --- */

static void test_edge_grows(void **state)
{
    const struct forest *forest = *state;
    struct merkle_source source = {*state, plain_hash};
    struct merkle_edge edge = {.size = 0};
    for (size_t n = 0; n <= SIZES; n++) {
        struct hash root = merkle_edge_root(&edge), loaded;
        assert_hash_equal(&root, &forest->roots[n]);
        assert_int_equal(merkle_root(&source, n, &loaded), ERR_OK);
        assert_hash_equal(&loaded, &forest->roots[n]);
        if (n == SIZES)
            break;
        struct hash made[MERKLE_LEVELS];
        unsigned count = merkle_edge_next(&edge, &forest->leaves[n], made);
        for (unsigned level = 0; level < count; level++) {
            struct hash want;
            assert_int_equal(plain_hash(*state, level, n >> level, &want), ERR_OK);
            assert_hash_equal(&made[level], &want);
        }
        merkle_edge_append(&edge, &forest->leaves[n]);
        assert_hash_equal(&edge.at[count - 1], &made[count - 1]);
    }
}

static void test_edge_wire(void **state)
{
    const struct forest *forest = *state;
    struct merkle_source source = {*state, plain_hash};
    for (size_t n = 0; n <= SIZES; n++) {
        struct merkle_edge edge, back;
        struct buf buf;
        buf_init(&buf, 4096);
        assert_int_equal(merkle_edge_load(&source, n, &edge), ERR_OK);
        merkle_edge_encode(&edge, &buf);
        assert_int_equal(buf.len, 8 + 32 * (size_t)__builtin_popcountll(n));
        for (size_t cut = 0; cut < buf.len; cut++) {
            struct rd rd = rd_of(bytes_of(buf.at, cut));
            assert_int_equal(merkle_edge_decode(&rd, &back), ERR_SHORT);
        }
        struct rd rd = rd_of(buf_bytes(&buf));
        assert_int_equal(merkle_edge_decode(&rd, &back), ERR_OK);
        assert_int_equal(rd_end(&rd), ERR_OK);
        struct hash root = merkle_edge_root(&back);
        assert_hash_equal(&root, &forest->roots[n]);
        buf_deinit(&buf);
    }
    uint8_t huge[8 + 64 * 32] = {0x80};
    struct merkle_edge back;
    struct rd rd = rd_of(bytes_of(huge, sizeof huge));
    assert_int_equal(merkle_edge_decode(&rd, &back), ERR_LIMIT);
}

/* --- proofs --- */

/* Every proof that differs from `proof` in one place: a bit of a hash, a hash less, a hash more, two swapped.
 */
static size_t each_mutation(const struct merkle_proof *proof, size_t seed,
                            err_t (*verify)(const struct merkle_proof *, const void *), const void *ctx)
{
    size_t refused = 0;
    struct merkle_proof bad = *proof, less = *proof;
    less.count--;
    for (size_t i = 0; i < proof->count; i++) {
        size_t bit = (seed * 31 + i * 7) % 256;
        bad.at[i].b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_equal(verify(&bad, ctx), ERR_PROOF);
        bad.at[i] = proof->at[i];
        /* Hash number i is left out: those before it stand at their place, those behind it one lower. */
        for (size_t j = 0; j < less.count; j++)
            less.at[j] = proof->at[j < i ? j : j + 1];
        assert_int_equal(verify(&less, ctx), ERR_PROOF);
        refused += 2;
    }
    struct merkle_proof more = *proof;
    more.at[more.count++] = test_hash(seed);
    assert_int_equal(verify(&more, ctx), ERR_PROOF);
    if (proof->count >= 2) {
        struct merkle_proof swapped = *proof;
        swapped.at[0] = proof->at[1];
        swapped.at[1] = proof->at[0];
        assert_int_equal(verify(&swapped, ctx), ERR_PROOF);
    }
    return refused;
}

struct claim {
    uint64_t a, b; /* index and size, or old and new size */
    const struct hash *x, *y;
};

static err_t inclusion_of(const struct merkle_proof *proof, const void *ctx)
{
    const struct claim *claim = ctx;
    return merkle_inclusion_verify(proof, claim->a, claim->b, claim->x, claim->y);
}

static err_t consistency_of(const struct merkle_proof *proof, const void *ctx)
{
    const struct claim *claim = ctx;
    return merkle_consistency_verify(proof, claim->a, claim->b, claim->x, claim->y);
}

static void test_inclusion(void **state)
{
    const struct forest *forest = *state;
    struct merkle_source source = {*state, plain_hash};
    size_t refused = 0;
    for (size_t size = 1; size <= SIZES; size++) {
        for (size_t index = 0; index < size; index++) {
            struct claim claim = {index, size, &forest->leaves[index], &forest->roots[size]};
            struct merkle_proof proof;
            assert_int_equal(merkle_inclusion(&source, index, size, &proof), ERR_OK);
            assert_int_equal(inclusion_of(&proof, &claim), ERR_OK);
            refused += each_mutation(&proof, index, inclusion_of, &claim);
            struct claim wrong = claim;
            wrong.x = &forest->leaves[(index + 1) % SIZES];
            assert_int_equal(inclusion_of(&proof, &wrong), ERR_PROOF);
            wrong = claim;
            wrong.y = &forest->roots[size - 1];
            assert_int_equal(inclusion_of(&proof, &wrong), ERR_PROOF);
            wrong = claim;
            wrong.a = index ^ 1;
            assert_int_equal(inclusion_of(&proof, &wrong), ERR_PROOF);
        }
        struct merkle_proof none;
        assert_int_equal(merkle_inclusion(&source, size, size, &none), ERR_USAGE);
    }
    assert_true(refused > 300000);
}

/* A proof for one index passes for no other index of that tree. */
static void test_inclusion_index(void **state)
{
    const struct forest *forest = *state;
    struct merkle_source source = {*state, plain_hash};
    for (size_t size = 1; size <= 70; size++) {
        for (size_t index = 0; index < size; index++) {
            struct merkle_proof proof;
            assert_int_equal(merkle_inclusion(&source, index, size, &proof), ERR_OK);
            for (size_t other = 0; other <= size; other++)
                assert_int_equal(merkle_inclusion_verify(&proof, other, size, &forest->leaves[index],
                                                         &forest->roots[size]),
                                 other == index ? ERR_OK : ERR_PROOF);
        }
    }
}

static void test_consistency(void **state)
{
    const struct forest *forest = *state;
    struct merkle_source source = {*state, plain_hash};
    for (size_t size = 0; size <= SIZES; size++) {
        for (size_t old = 0; old <= size; old++) {
            struct claim claim = {old, size, &forest->roots[old], &forest->roots[size]};
            struct merkle_proof proof;
            assert_int_equal(merkle_consistency(&source, old, size, &proof), ERR_OK);
            assert_int_equal(consistency_of(&proof, &claim), ERR_OK);
            if (old == 0 || old == size)
                assert_int_equal(proof.count, 0);
            each_mutation(&proof, old, consistency_of, &claim);
            struct claim wrong = claim;
            struct hash other = test_hash(1000 + size);
            wrong.x = &other;
            assert_int_equal(consistency_of(&proof, &wrong), ERR_PROOF);
            wrong = claim;
            wrong.y = &other;
            /* From nothing to anything is consistent. */
            assert_int_equal(consistency_of(&proof, &wrong), old == 0 && size > 0 ? ERR_OK : ERR_PROOF);
        }
        struct merkle_proof none;
        assert_int_equal(merkle_consistency(&source, size + 1, size, &none), ERR_USAGE);
    }
}

/* A tree whose past was changed has no proof from its own nodes. */
static void test_forked(void **state)
{
    static struct forest forked;
    const struct forest *forest = *state;
    forked = *forest;
    forked.leaves[5] = test_hash(777);
    forest_nodes(&forked);
    struct merkle_source source = {&forked, plain_hash};
    struct hash root;
    assert_int_equal(merkle_root(&source, 200, &root), ERR_OK);
    for (uint64_t old = 6; old < 200; old++) {
        struct merkle_proof proof;
        assert_int_equal(merkle_consistency(&source, old, 200, &proof), ERR_OK);
        assert_int_equal(merkle_consistency_verify(&proof, old, 200, &forest->roots[old], &root), ERR_PROOF);
    }
}

static void test_verify_limits(void **state)
{
    (void)state;
    struct merkle_proof proof = {.count = MERKLE_PROOF_MAX};
    struct hash hash = test_hash(0);
    assert_int_equal(merkle_inclusion_verify(&proof, 0, UINT64_MAX, &hash, &hash), ERR_PROOF);
    assert_int_equal(merkle_inclusion_verify(&proof, MERKLE_SIZE_MAX - 1, MERKLE_SIZE_MAX, &hash, &hash),
                     ERR_PROOF);
    assert_int_equal(merkle_consistency_verify(&proof, 1, UINT64_MAX, &hash, &hash), ERR_PROOF);
    assert_int_equal(merkle_consistency_verify(&proof, 1, MERKLE_SIZE_MAX, &hash, &hash), ERR_PROOF);
    proof.count = MERKLE_PROOF_MAX + 1;
    assert_int_equal(merkle_inclusion_verify(&proof, 0, 2, &hash, &hash), ERR_PROOF);
    assert_int_equal(merkle_consistency_verify(&proof, 1, 2, &hash, &hash), ERR_PROOF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ct_roots),      cmocka_unit_test(test_long_leaf),
        cmocka_unit_test(test_edge_grows),    cmocka_unit_test(test_edge_wire),
        cmocka_unit_test(test_inclusion),     cmocka_unit_test(test_inclusion_index),
        cmocka_unit_test(test_consistency),   cmocka_unit_test(test_forked),
        cmocka_unit_test(test_verify_limits),
    };
    return cmocka_run_group_tests(tests, forest_setup, NULL);
}
