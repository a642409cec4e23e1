#include "guard/tree.h"

#include "core/err.h"

enum { NODE = 1 + 2 * HASH_SIZE, CHUNK = 16 };

struct edge {
    uint64_t size;
    struct hash at[TREE_LEVELS]; /* the complete subtree of each set bit of `size` */
};

void tree_leaf_text(struct bytes leaf, uint8_t out[TREE_LEAF_TEXT])
{
    must(leaf.len == TREE_LEAF_TEXT - 1);
    out[0] = 0x00;
    memcpy(out + 1, leaf.at, leaf.len);
}

static void node_text(const struct hash *left, const struct hash *right, uint8_t out[NODE])
{
    out[0] = 0x01;
    memcpy(out + 1, left->b, HASH_SIZE);
    memcpy(out + 1 + HASH_SIZE, right->b, HASH_SIZE);
}

static struct hash node(const struct hash *left, const struct hash *right)
{
    uint8_t text[NODE];
    node_text(left, right, text);
    return hash_sha256(bytes_of(text, sizeof text));
}

/* Of neighbours, two by two. */
static void parents(const struct hash *row, size_t pairs, struct hash *out)
{
    uint8_t texts[(CHUNK + 1) / 2][NODE];
    struct bytes data[(CHUNK + 1) / 2];
    for (size_t i = 0; i < pairs; i++) {
        node_text(&row[2 * i], &row[2 * i + 1], texts[i]);
        data[i] = bytes_of(texts[i], NODE);
    }
    hash_sha256_each(data, pairs, out);
}

/* Up to CHUNK leaves, level by level: on each the one that stood alone before is the first one's left
 * neighbour, and one that stands alone afterwards waits in its place. */
static void append_few(struct edge *edge, const struct hash *leaves, size_t count)
{
    struct hash rows[2][1 + CHUNK];
    uint64_t first = edge->size;
    edge->size += count;
    memcpy(rows[0] + 1, leaves, count * sizeof *leaves);
    for (unsigned level = 0; count > 0; level++) {
        struct hash *row = rows[level % 2] + 1;
        if (first % 2 != 0) {
            *--row = edge->at[level];
            count++;
        }
        if (count % 2 != 0)
            edge->at[level] = row[count - 1];
        count /= 2;
        first /= 2;
        parents(row, count, rows[(level + 1) % 2] + 1);
    }
}

static void append(struct edge *edge, const struct hash *leaves, size_t count)
{
    for (size_t at = 0; at < count; at += CHUNK)
        append_few(edge, leaves + at, count - at < CHUNK ? count - at : CHUNK);
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
    append(&part, &page->leaves[at - page->from], end - at);
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
    append(&edge, page->leaves, page->count);
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
