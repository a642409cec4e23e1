#include "guard/tree.h"

#include "core/err.h"

struct edge {
    uint64_t size;
    struct hash at[TREE_LEVELS]; /* the complete subtree of each set bit of `size` */
};

struct hash tree_leaf(struct bytes leaf)
{
    uint8_t text[1 + 96] = {0x00};
    must(leaf.len < sizeof text);
    memcpy(text + 1, leaf.at, leaf.len);
    return hash_sha256(bytes_of(text, 1 + leaf.len));
}

static struct hash node(const struct hash *left, const struct hash *right)
{
    uint8_t text[1 + 2 * HASH_SIZE] = {0x01};
    memcpy(text + 1, left->b, HASH_SIZE);
    memcpy(text + 1 + HASH_SIZE, right->b, HASH_SIZE);
    return hash_sha256(bytes_of(text, sizeof text));
}

static void append(struct edge *edge, const struct hash *leaf)
{
    struct hash top = *leaf;
    unsigned level = 0;
    for (; (edge->size >> level & 1) != 0; level++)
        top = node(&edge->at[level], &top);
    edge->at[level] = top;
    edge->size++;
}

/* Of at least one leaf. */
static struct hash root_of(const struct edge *edge)
{
    unsigned level = (unsigned)__builtin_ctzll(edge->size);
    struct hash root = edge->at[level];
    while (++level < TREE_LEVELS)
        if ((edge->size >> level & 1) != 0)
            root = node(&edge->at[level], &root);
    return root;
}

static struct hash proof_at(const struct tree_page *page, size_t index)
{
    struct hash hash;
    memcpy(hash.b, page->proof.at + index * HASH_SIZE, HASH_SIZE);
    return hash;
}

static unsigned level_of(uint64_t size)
{
    return 63u - (unsigned)__builtin_clzll(size);
}

/* Is this the tree over the page's leaves from `at` to `end`? */
static bool is_over(const struct tree_page *page, uint64_t at, uint64_t end, const struct hash *said)
{
    struct edge part = {.size = 0};
    for (; at < end; at++)
        append(&part, &page->leaves[at - page->from]);
    struct hash made = root_of(&part);
    return hash_eq(&made, said);
}

/* PROOF(from, D[end]) of RFC 6962 section 2.1.2 from its last hash down: each cuts a complete tree off. What
 * lies before `from` is the edge; what lies behind is compared where `rights` says so. */
static bool read_proof(const struct tree_page *page, bool rights, struct edge *edge)
{
    size_t left = page->proof.len / HASH_SIZE;
    uint64_t lo = 0, hi = page->from + page->count;
    while (hi > page->from) {
        uint64_t size = UINT64_C(1) << level_of(hi - lo - 1);
        if (left == 0 || hi - lo < 2)
            return false;
        struct hash said = proof_at(page, --left);
        if (page->from - lo > size) {
            edge->at[level_of(size)] = said;
            lo += size;
        } else if (rights && !is_over(page, lo + size, hi, &said)) {
            return false;
        } else {
            hi = lo + size;
        }
    }
    if (lo > 0 && left > 0)
        edge->at[level_of(hi - lo)] = proof_at(page, --left);
    else if (lo > 0)
        return false;
    return left == 0;
}

bool tree_grows(const struct tree_page *page, const struct hash *before)
{
    struct edge edge = {.size = page->from};
    bool one = page->from != 0 && (page->from & (page->from - 1)) == 0;
    if (page->proof.len % HASH_SIZE != 0 || (page->from == 0 && page->proof.len != 0))
        return false;
    if (page->from != 0 && !read_proof(page, one && before == NULL, &edge))
        return false;
    if (one && before == NULL)
        return true;
    if (one)
        edge.at[level_of(page->from)] = *before;
    for (size_t i = 0; i < page->count; i++)
        append(&edge, &page->leaves[i]);
    struct hash root = root_of(&edge);
    return hash_eq(&root, &page->root);
}

bool tree_holds(const struct hash *leaf, uint64_t seq, uint64_t size, struct bytes proof,
                const struct hash *root)
{
    struct hash at = *leaf;
    uint64_t left = seq, last = size - 1;
    if (seq >= size || proof.len % HASH_SIZE != 0)
        return false;
    for (size_t i = 0; i < proof.len; i += HASH_SIZE) {
        struct hash beside;
        memcpy(beside.b, proof.at + i, HASH_SIZE);
        if (last == 0)
            return false;
        bool right = (left & 1) != 0 || left == last;
        at = right ? node(&beside, &at) : node(&at, &beside);
        while (right && (left & 1) == 0 && left != 0)
            left >>= 1, last >>= 1;
        left >>= 1;
        last >>= 1;
    }
    return last == 0 && hash_eq(&at, root);
}
