#include "verify/verify.h"

struct digest verify_sha256(const struct span *parts, size_t count)
{
    crypto_hash_sha256_state state;
    struct digest hash;
    (void)crypto_hash_sha256_init(&state);
    for (size_t i = 0; i < count; i++)
        (void)crypto_hash_sha256_update(&state, parts[i].at, parts[i].len);
    (void)crypto_hash_sha256_final(&state, hash.b);
    return hash;
}

struct digest verify_leaf_hash(struct span entry)
{
    return verify_sha256((struct span[]) {{(const uint8_t *)"\0", 1}, entry}, 2);
}

struct digest verify_node(const struct digest *left, const struct digest *right)
{
    const uint8_t mark = 1;
    return verify_sha256((struct span[]) {{&mark, 1}, {left->b, VERIFY_HASH}, {right->b, VERIFY_HASH}}, 3);
}

void verify_edge_append(struct verify_edge *edge, const struct digest *leaf)
{
    size_t level = 0;
    edge->made[0] = *leaf;
    for (; (edge->size >> level & 1) != 0; level++)
        edge->made[level + 1] = verify_node(&edge->at[level], &edge->made[level]);
    edge->at[level] = edge->made[level];
    edge->size++;
}

struct digest verify_edge_root(const struct verify_edge *edge)
{
    struct digest root = verify_sha256(NULL, 0);
    for (size_t level = 0; level < VERIFY_LEVELS; level++)
        if ((edge->size >> level & 1) != 0) /* the smallest begins */
            root = edge->size % (UINT64_C(1) << level) == 0 ? edge->at[level]
                                                            : verify_node(&edge->at[level], &root);
    return root;
}
