#include "verify/verify.h"

#include <openssl/evp.h>
#include <stdlib.h>

/* OpenSSL's SHA-256 cannot fail but for want of memory, and then nothing can be verified. */
struct digest verify_sha256(const struct span *parts, size_t count)
{
    struct digest hash;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; good && i < count; i++)
        good = EVP_DigestUpdate(md, parts[i].at, parts[i].len) == 1;
    if (!good || EVP_DigestFinal_ex(md, hash.b, NULL) != 1)
        abort();
    EVP_MD_CTX_free(md);
    return hash;
}

struct digest verify_leaf_hash(struct span entry)
{
    const uint8_t mark = 0;
    return verify_sha256((struct span[]) {{&mark, 1}, entry}, 2);
}

struct digest verify_node(const struct digest *left, const struct digest *right)
{
    uint8_t bytes[1 + 2 * VERIFY_HASH] = {1};
    memcpy(bytes + 1, left->b, VERIFY_HASH);
    memcpy(bytes + 1 + VERIFY_HASH, right->b, VERIFY_HASH);
    return verify_sha256(&(struct span) {bytes, sizeof bytes}, 1);
}

void verify_edge_append(struct verify_edge *edge, const struct digest *leaf)
{
    struct digest hash = *leaf;
    size_t level = 0;
    for (; (edge->size >> level & 1) != 0; level++)
        hash = verify_node(&edge->at[level], &hash);
    edge->at[level] = hash;
    edge->size++;
}

struct digest verify_edge_root(const struct verify_edge *edge)
{
    struct digest root;
    bool any = false;
    for (size_t level = 0; level < VERIFY_LEVELS; level++) {
        if ((edge->size >> level & 1) == 0)
            continue;
        root = any ? verify_node(&edge->at[level], &root) : edge->at[level];
        any = true;
    }
    return any ? root : verify_sha256(NULL, 0);
}
