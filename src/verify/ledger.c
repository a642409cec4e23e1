#include "verify/verify.h"

enum { PATH = 96, ENTRY = 2 + VERIFY_LEAF };

/* Ten to the nine tiles: what three elements of a path can name. */
#define LEAVES_MAX (UINT64_C(1000000000) * VERIFY_TILE)

/* A level's newest hashes: the tile that grows. */
struct level {
    uint64_t tile;
    size_t count;
    uint8_t hashes[VERIFY_TILE * VERIFY_HASH];
};

struct walk {
    const struct verify_files *files;
    struct verify *v;
    struct verify_ledger *out;
    struct verify_edge edge;
    uint64_t next_us; /* the earliest time of the next leaf */
    size_t compared;  /* of the older checkpoints */
    struct level levels[VERIFY_TILE_LEVELS];
    uint8_t file[VERIFY_FILE_MAX]; /* being compared */
    uint8_t entries[VERIFY_TILE * ENTRY], openings[VERIFY_TILE * VERIFY_OPENING];
};

/* C2SP tlog-tiles: "tile/0/x001/234", and ".p/W" behind it when it is not full. */
static void tile_path(const char *head, uint64_t index, size_t width, char out[PATH])
{
    unsigned high = (unsigned)(index / 1000000), mid = (unsigned)(index / 1000 % 1000),
             low = (unsigned)(index % 1000);
    int len = high > 0  ? snprintf(out, PATH, "%s/x%03u/x%03u/%03u", head, high, mid, low)
              : mid > 0 ? snprintf(out, PATH, "%s/x%03u/%03u", head, mid, low)
                        : snprintf(out, PATH, "%s/%03u", head, low);
    if (width < VERIFY_TILE)
        (void)snprintf(out + len, PATH - (size_t)len, ".p/%u", (unsigned)width);
}

static bool get(struct walk *walk, const char *path, uint8_t *out, size_t size, size_t *out_len)
{
    return walk->files->read(walk->files->ctx, path, out, size, out_len, walk->v) ||
           verify_refuse(walk->v, "%s is not there", path);
}

/* --- tiles --- */
static bool tile_compare(struct walk *walk, unsigned l)
{
    struct level *level = &walk->levels[l];
    char head[16], path[PATH];
    size_t len;
    (void)snprintf(head, sizeof head, "tile/%u", l % 10);
    tile_path(head, level->tile, level->count, path);
    if (!get(walk, path, walk->file, sizeof walk->file, &len))
        return false;
    if (len != level->count * VERIFY_HASH || memcmp(walk->file, level->hashes, len) != 0)
        return verify_refuse(walk->v, "%s does not hold the hashes of its leaves", path);
    return true;
}

/* A full tile is one hash of the level above: the root of its 256. */
static bool tile_append(struct walk *walk, const struct digest *leaf)
{
    struct digest hash = *leaf;
    for (unsigned l = 0; l < VERIFY_TILE_LEVELS; l++) {
        struct level *level = &walk->levels[l];
        memcpy(level->hashes + VERIFY_HASH * level->count++, hash.b, VERIFY_HASH);
        if (level->count < VERIFY_TILE)
            return true;
        struct verify_edge edge = {.size = 0};
        if (!tile_compare(walk, l))
            return false;
        for (size_t i = 0; i < VERIFY_TILE; i++) {
            memcpy(hash.b, level->hashes + VERIFY_HASH * i, VERIFY_HASH);
            verify_edge_append(&edge, &hash);
        }
        hash = verify_edge_root(&edge);
        level->tile++;
        level->count = 0;
    }
    return true;
}

/* --- leaves --- */
static bool compare_since(struct walk *walk)
{
    for (size_t i = 0; i < walk->out->since_count; i++) {
        const struct verify_checkpoint *old = &walk->out->since[i];
        if (old->size != walk->edge.size)
            continue;
        struct digest root = verify_edge_root(&walk->edge);
        if (strcmp(old->origin.text, walk->out->checkpoint.origin.text) != 0)
            return verify_refuse(walk->v, "a checkpoint of another log: %s", old->origin.text);
        if (!verify_digest_same(&root, &old->root))
            return verify_refuse(walk->v, "the log signed another tree of %" PRIu64 " leaves: keep both",
                                 old->size);
        walk->compared++;
    }
    return true;
}

static bool leaf_take(struct walk *walk, struct span entry, struct span opening)
{
    struct verify_ledger *out = walk->out;
    struct verify_leaf leaf;
    struct verify_opening opened;
    if (!verify_leaf_read(entry, &leaf, walk->v))
        return false;
    if (leaf.seq != walk->edge.size || leaf.epoch != out->checkpoint.origin.epoch)
        return verify_refuse(walk->v, "leaf %" PRIu64 " says another place or epoch", walk->edge.size);
    if (leaf.time_us < walk->next_us)
        return verify_refuse(walk->v, "leaf %" PRIu64 " is not later than the one before", leaf.seq);
    if (opening.len > 0 &&
        !verify_opening_read(opening, &leaf, out->checkpoint.origin.urgent, &opened, walk->v))
        return false;
    out->opened += opening.len > 0;
    out->closed += opening.len == 0;
    walk->next_us = leaf.time_us + 1;
    verify_edge_append(&walk->edge, &leaf.hash);
    return tile_append(walk, &leaf.hash) && compare_since(walk);
}

/* Entries: u16 length and the leaf. Openings: 72 bytes each, zeros where the secret was destroyed. */
static bool bundle_take(struct walk *walk, uint64_t n, size_t width)
{
    char path[PATH];
    size_t len;
    tile_path("openings", n, width, path);
    if (!get(walk, path, walk->openings, sizeof walk->openings, &len) || len != width * VERIFY_OPENING)
        return verify_refuse(walk->v, "%s does not hold %zu openings", path, width);
    tile_path("tile/entries", n, width, path);
    if (!get(walk, path, walk->entries, sizeof walk->entries, &len) || len != width * ENTRY)
        return verify_refuse(walk->v, "%s does not hold %zu leaves", path, width);
    for (size_t i = 0; i < width; i++) {
        struct span entry = {walk->entries + i * ENTRY + 2, VERIFY_LEAF};
        struct span opening = {walk->openings + i * VERIFY_OPENING, VERIFY_OPENING};
        if (sodium_is_zero(opening.at, VERIFY_OPENING))
            opening.len = 0;
        if (verify_u(entry.at - 2, 2) != VERIFY_LEAF)
            return verify_refuse(walk->v, "%s holds an entry that is no leaf", path);
        if (!leaf_take(walk, entry, opening))
            return false;
    }
    return true;
}

static bool leaves_take(struct walk *walk)
{
    uint64_t size = walk->out->checkpoint.size;
    if (size > LEAVES_MAX)
        return verify_refuse(walk->v, "a ledger of more than %" PRIu64 " leaves", LEAVES_MAX);
    if (!compare_since(walk))
        return false;
    for (uint64_t n = 0; n * VERIFY_TILE < size; n++) {
        uint64_t left = size - n * VERIFY_TILE;
        if (!bundle_take(walk, n, left < VERIFY_TILE ? (size_t)left : VERIFY_TILE))
            return false;
    }
    for (unsigned l = 0; l < VERIFY_TILE_LEVELS; l++)
        if (walk->levels[l].count > 0 && !tile_compare(walk, l))
            return false;
    if (walk->compared != walk->out->since_count)
        return verify_refuse(walk->v, "an older checkpoint has more leaves than this ledger");
    struct digest root = verify_edge_root(&walk->edge);
    return verify_digest_same(&root, &walk->out->checkpoint.root) ||
           verify_refuse(walk->v, "the leaves do not have the root that was signed");
}

/* Read before the leaves, so that its tree is compared on the way; without a key of the partner, passed over.
 */
static bool receipt_take(struct walk *walk)
{
    struct verify_ledger *out = walk->out;
    struct verify_checkpoint *old = &out->since[out->since_count];
    struct span whole = {walk->file, 0};
    struct verify_note note;
    struct verify_signers signers;
    out->has_receipt = walk->files->read(walk->files->ctx, "receipt/checkpoint", walk->file,
                                         sizeof walk->file, &whole.len, walk->v);
    if (!out->has_receipt)
        return walk->v->why[0] == '\0';
    if (!verify_checkpoint_open(whole, old, walk->v) ||
        !get(walk, "receipt/disposition", walk->file, sizeof walk->file, &whole.len) ||
        !verify_note_parse(whole, &note, walk->v) ||
        !verify_note_signed(&note, VERIFY_HOLDER, SPAN_NONE, &signers, walk->v))
        return false;
    out->receipt_known = old->cosigners.count > 0 || signers.count > 0;
    out->since_count++;
    return !out->receipt_known || verify_receipt_open(whole, old, &out->receipt, walk->v);
}

bool verify_ledger_open(const struct verify_files *files, struct verify_ledger *ledger, struct verify *v)
{
    struct walk walk = {.files = files, .v = v, .out = ledger};
    struct verify_checkpoint *now = &ledger->checkpoint;
    size_t len;
    if (!get(&walk, "checkpoint", walk.file, sizeof walk.file, &len) ||
        !verify_checkpoint_open((struct span) {walk.file, len}, now, v))
        return false;
    if (!now->origin.ledger)
        return verify_refuse(v, "its log is no release ledger");
    return receipt_take(&walk) && leaves_take(&walk);
}
