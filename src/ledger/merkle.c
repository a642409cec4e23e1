#include "ledger/merkle.h"

#include "core/wr.h"

struct hash merkle_leaf(struct bytes entry)
{
    uint8_t small[1 + 256];
    if (entry.len < sizeof small && entry.len > 0) { /* every bongsu leaf: one call, no memory */
        small[0] = 0x00;
        memcpy(small + 1, entry.at, entry.len);
        return hash_sha256(bytes_of(small, 1 + entry.len));
    }
    static const uint8_t mark = 0x00;
    struct bytes parts[] = {bytes_of(&mark, 1), entry};
    return hash_sha256_parts(parts, 2);
}

struct hash merkle_node(const struct hash *left, const struct hash *right)
{
    uint8_t both[1 + 2 * HASH_SIZE];
    both[0] = 0x01;
    memcpy(both + 1, left->b, HASH_SIZE);
    memcpy(both + 1 + HASH_SIZE, right->b, HASH_SIZE);
    return hash_sha256(bytes_of(both, sizeof both));
}

struct hash merkle_empty(void)
{
    return hash_sha256(bytes_of(NULL, 0));
}

static unsigned highest_bit(uint64_t v)
{
    return 63u - (unsigned)__builtin_clzll(v);
}

/* --- the right edge --- */

unsigned merkle_edge_next(const struct merkle_edge *edge, const struct hash *leaf,
                          struct hash made[MERKLE_LEVELS])
{
    must(edge->size < MERKLE_SIZE_MAX);
    unsigned level = 0;
    made[0] = *leaf;
    for (; (edge->size >> level & 1) != 0; level++)
        made[level + 1] = merkle_node(&edge->at[level], &made[level]);
    return level + 1;
}

void merkle_edge_append(struct merkle_edge *edge, const struct hash *leaf)
{
    must(edge->size < MERKLE_SIZE_MAX);
    struct hash top = *leaf;
    unsigned level = 0;
    for (; (edge->size >> level & 1) != 0; level++)
        top = merkle_node(&edge->at[level], &top);
    edge->at[level] = top;
    edge->size++;
}

struct hash merkle_edge_root(const struct merkle_edge *edge)
{
    if (edge->size == 0)
        return merkle_empty();
    unsigned level = (unsigned)__builtin_ctzll(edge->size);
    struct hash root = edge->at[level];
    for (level++; level < MERKLE_LEVELS; level++)
        if ((edge->size >> level & 1) != 0)
            root = merkle_node(&edge->at[level], &root);
    return root;
}

void merkle_edge_encode(const struct merkle_edge *edge, struct buf *out)
{
    wr_u64(out, edge->size);
    for (unsigned level = MERKLE_LEVELS; level-- > 0;)
        if ((edge->size >> level & 1) != 0)
            wr_bytes(out, bytes_of(edge->at[level].b, HASH_SIZE));
}

err_t merkle_edge_decode(struct rd *rd, struct merkle_edge *out)
{
    struct merkle_edge edge = {.size = rd_u64(rd)};
    if (rd->err == ERR_OK && edge.size > MERKLE_SIZE_MAX)
        rd->err = ERR_LIMIT;
    for (unsigned level = MERKLE_LEVELS; rd->err == ERR_OK && level-- > 0;)
        if ((edge.size >> level & 1) != 0)
            rd_copy(rd, edge.at[level].b, HASH_SIZE);
    if (rd->err == ERR_OK)
        *out = edge;
    return rd->err;
}

err_t merkle_edge_load(const struct merkle_source *source, uint64_t size, struct merkle_edge *out)
{
    if (size > MERKLE_SIZE_MAX)
        return ERR_LIMIT;
    struct merkle_edge edge = {.size = size};
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if ((size >> level & 1) == 0)
            continue;
        /* The subtree of this bit stands behind those of all higher bits. */
        uint64_t index = (size >> level) - 1;
        err_t err = source->hash(source->ctx, level, index, &edge.at[level]);
        if (err != ERR_OK)
            return err;
    }
    *out = edge;
    return ERR_OK;
}

err_t merkle_root(const struct merkle_source *source, uint64_t size, struct hash *out)
{
    struct merkle_edge edge;
    err_t err = merkle_edge_load(source, size, &edge);
    if (err == ERR_OK)
        *out = merkle_edge_root(&edge);
    return err;
}

/* --- making proofs --- */

/* MTH of leaves [lo, hi), lo a multiple of a power of two that is at least hi - lo: complete subtrees from
 * the right, each joined with the greater one to its left. */
static err_t range_hash(const struct merkle_source *source, uint64_t lo, uint64_t hi, struct hash *out)
{
    struct hash right = {{0}};
    bool started = false;
    while (hi > lo) {
        unsigned level = (unsigned)__builtin_ctzll(hi - lo);
        struct hash left;
        err_t err = source->hash(source->ctx, level, (hi >> level) - 1, &left);
        if (err != ERR_OK)
            return err;
        right = started ? merkle_node(&left, &right) : left;
        started = true;
        hi -= (uint64_t)1 << level;
    }
    *out = right;
    return ERR_OK;
}

static err_t proof_push(const struct merkle_source *source, uint64_t lo, uint64_t hi,
                        struct merkle_proof *proof)
{
    must(proof->count < MERKLE_PROOF_MAX);
    err_t err = range_hash(source, lo, hi, &proof->at[proof->count]);
    if (err == ERR_OK)
        proof->count++;
    return err;
}

/* The walk goes from the root down; proofs are written from the leaf up. */
static void proof_reverse(struct merkle_proof *proof)
{
    for (size_t i = 0, j = proof->count; i + 1 < j; i++) {
        struct hash held = proof->at[i];
        proof->at[i] = proof->at[--j];
        proof->at[j] = held;
    }
}

/* The greatest power of two below n (n > 1). */
static uint64_t split_of(uint64_t n)
{
    return (uint64_t)1 << highest_bit(n - 1);
}

err_t merkle_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                       struct merkle_proof *out)
{
    if (index >= size || size > MERKLE_SIZE_MAX)
        return ERR_USAGE;
    struct merkle_proof proof = {.count = 0};
    err_t err = ERR_OK;
    for (uint64_t lo = 0, hi = size; err == ERR_OK && hi - lo > 1;) {
        uint64_t middle = lo + split_of(hi - lo);
        if (index < middle) {
            err = proof_push(source, middle, hi, &proof);
            hi = middle;
        } else {
            err = proof_push(source, lo, middle, &proof);
            lo = middle;
        }
    }
    if (err != ERR_OK)
        return err;
    proof_reverse(&proof);
    *out = proof;
    return ERR_OK;
}

err_t merkle_consistency(const struct merkle_source *source, uint64_t old_size, uint64_t size,
                         struct merkle_proof *out)
{
    if (old_size > size || size > MERKLE_SIZE_MAX)
        return ERR_USAGE;
    struct merkle_proof proof = {.count = 0};
    err_t err = ERR_OK;
    uint64_t lo = 0, hi = old_size == 0 ? 0 : size;
    while (err == ERR_OK && old_size < hi) {
        uint64_t middle = lo + split_of(hi - lo);
        if (old_size <= middle) {
            err = proof_push(source, middle, hi, &proof);
            hi = middle;
        } else {
            err = proof_push(source, lo, middle, &proof);
            lo = middle;
        }
    }
    /* What is left is a complete part of the old tree; the verifier knows it only when it is all of it. */
    if (err == ERR_OK && lo > 0)
        err = proof_push(source, lo, hi, &proof);
    if (err != ERR_OK)
        return err;
    proof_reverse(&proof);
    *out = proof;
    return ERR_OK;
}

/* --- verifying --- */

err_t merkle_inclusion_verify(const struct merkle_proof *proof, uint64_t index, uint64_t size,
                              const struct hash *leaf, const struct hash *root)
{
    if (index >= size || size > MERKLE_SIZE_MAX || proof->count > MERKLE_PROOF_MAX)
        return ERR_PROOF;
    uint64_t fn = index, sn = size - 1;
    struct hash r = *leaf;
    for (size_t i = 0; i < proof->count; i++) {
        if (sn == 0)
            return ERR_PROOF;
        if ((fn & 1) != 0 || fn == sn) {
            r = merkle_node(&proof->at[i], &r);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            r = merkle_node(&r, &proof->at[i]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && hash_eq(&r, root) ? ERR_OK : ERR_PROOF;
}

/* RFC 9162 section 2.1.4.2 from step 2 on, for 0 < old_size < size. */
static err_t consistency_walk(const struct merkle_proof *proof, uint64_t old_size, uint64_t size,
                              const struct hash *old_root, const struct hash *root)
{
    bool whole = (old_size & (old_size - 1)) == 0; /* the old root is a node itself and is not sent */
    if (proof->count == 0)
        return ERR_PROOF;
    uint64_t fn = old_size - 1, sn = size - 1;
    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    struct hash fr = whole ? *old_root : proof->at[0], sr = fr;
    for (size_t i = whole ? 0 : 1; i < proof->count; i++) {
        const struct hash *c = &proof->at[i];
        if (sn == 0)
            return ERR_PROOF;
        if ((fn & 1) != 0 || fn == sn) {
            fr = merkle_node(c, &fr);
            sr = merkle_node(c, &sr);
            while ((fn & 1) == 0 && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            sr = merkle_node(&sr, c);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && hash_eq(&fr, old_root) && hash_eq(&sr, root) ? ERR_OK : ERR_PROOF;
}

err_t merkle_consistency_verify(const struct merkle_proof *proof, uint64_t old_size, uint64_t size,
                                const struct hash *old_root, const struct hash *root)
{
    if (old_size > size || size > MERKLE_SIZE_MAX || proof->count > MERKLE_PROOF_MAX)
        return ERR_PROOF;
    struct hash empty = merkle_empty();
    if (old_size == 0 && !hash_eq(old_root, &empty))
        return ERR_PROOF;
    if (old_size == size)
        return proof->count == 0 && hash_eq(old_root, root) ? ERR_OK : ERR_PROOF;
    if (old_size == 0)
        return proof->count == 0 ? ERR_OK : ERR_PROOF;
    return consistency_walk(proof, old_size, size, old_root, root);
}
