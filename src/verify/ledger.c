#include "verify/verify.h"

enum { PATH = 96, ENTRY = 2 + VERIFY_LEAF };

struct walk {
    const struct verify_files *files;
    struct verify *v;
    struct verify_ledger *out;
    struct verify_edge edge;
    uint64_t next_us;                                             /* the earliest time of the next leaf */
    size_t compared;                                              /* of the older checkpoints */
    uint8_t tiles[VERIFY_TILE_LEVELS][VERIFY_TILE * VERIFY_HASH]; /* of each level the one that grows */
    uint8_t file[VERIFY_FILE_MAX];                                /* being compared */
    uint8_t entries[VERIFY_TILE * ENTRY], openings[VERIFY_TILE * VERIFY_OPENING];
};

static bool get(struct walk *walk, const char *path, uint8_t *out, size_t size, size_t *out_len)
{
    return walk->files->read(walk->files->ctx, path, out, size, out_len, walk->v) ||
           verify_refuse(walk->v, "%s is not there", path);
}

/* Items of `each` bytes, as many as stand in it: C2SP tlog-tiles, "tile/0/x001/234", ".p/W" when partial. */
static bool column_get(struct walk *walk, const char *head, uint64_t index, size_t width, size_t each,
                       uint8_t *out)
{
    char path[PATH];
    size_t got, len = (size_t)snprintf(path, PATH, "%s/", head);
    uint64_t of = 1;
    while (index / of >= 1000)
        of *= 1000;
    for (; of > 0; of /= 1000)
        len += (size_t)snprintf(path + len, PATH - len, of > 1 ? "x%03u/" : "%03u",
                                (unsigned)(index / of % 1000));
    if (width < VERIFY_TILE)
        (void)snprintf(path + len, PATH - len, ".p/%zu", width);
    return (get(walk, path, out, VERIFY_TILE * each, &got) && got == width * each) ||
           verify_refuse(walk->v, "%s does not hold %zu of %zu bytes", path, width, each);
}

/* --- tiles --- */
static bool tile_compare(struct walk *walk, unsigned l, uint64_t tile, size_t width)
{
    char head[16];
    (void)snprintf(head, sizeof head, "tile/%u", l % 10);
    return column_get(walk, head, tile, width, VERIFY_HASH, walk->file) &&
           (memcmp(walk->file, walk->tiles[l], width * VERIFY_HASH) == 0 ||
            verify_refuse(walk->v, "%s, number %" PRIu64 ": not the hashes of its leaves", head, tile));
}

/* The last leaf's hash, and those of the levels above where it completed one: the root of 256 below. */
static bool tile_append(struct walk *walk)
{
    uint64_t count = walk->edge.size; /* of the level's hashes */
    for (unsigned l = 0; l < VERIFY_TILE_LEVELS; l++, count /= VERIFY_TILE) {
        uint8_t *last = walk->tiles[l] + VERIFY_HASH * ((count - 1) % VERIFY_TILE);
        memcpy(last, walk->edge.made[8 * l].b, VERIFY_HASH);
        if (count % VERIFY_TILE != 0 || !tile_compare(walk, l, count / VERIFY_TILE - 1, VERIFY_TILE))
            return count % VERIFY_TILE != 0;
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
    return tile_append(walk) && compare_since(walk);
}

/* Entries: u16 length and the leaf. Openings: 72 bytes each, zeros where the secret was destroyed. */
static bool bundle_take(struct walk *walk, uint64_t n, size_t width)
{
    if (!column_get(walk, "openings", n, width, VERIFY_OPENING, walk->openings) ||
        !column_get(walk, "tile/entries", n, width, ENTRY, walk->entries))
        return false;
    for (size_t i = 0; i < width; i++) {
        struct span entry = {walk->entries + i * ENTRY + 2, VERIFY_LEAF};
        struct span opening = {walk->openings + i * VERIFY_OPENING, VERIFY_OPENING};
        opening.len *= !sodium_is_zero(opening.at, VERIFY_OPENING);
        if (verify_u(entry.at - 2, 2) != VERIFY_LEAF)
            return verify_refuse(walk->v, "entry %" PRIu64 " is no leaf", walk->edge.size);
        if (!leaf_take(walk, entry, opening))
            return false;
    }
    return true;
}

static bool leaves_take(struct walk *walk)
{
    uint64_t size = walk->out->checkpoint.size;
    bool good = compare_since(walk);
    for (uint64_t n = 0; good && n * VERIFY_TILE < size; n++) {
        uint64_t left = size - n * VERIFY_TILE;
        good = bundle_take(walk, n, left < VERIFY_TILE ? (size_t)left : VERIFY_TILE);
    }
    for (unsigned l = 0; good && l < VERIFY_TILE_LEVELS; l++, size /= VERIFY_TILE)
        good = size % VERIFY_TILE == 0 || tile_compare(walk, l, size / VERIFY_TILE, size % VERIFY_TILE);
    if (good && walk->compared != walk->out->since_count)
        return verify_refuse(walk->v, "an older checkpoint has more leaves than this ledger");
    struct digest root = verify_edge_root(&walk->edge);
    return good && (verify_digest_same(&root, &walk->out->checkpoint.root) ||
                    verify_refuse(walk->v, "the leaves do not have the root that was signed"));
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
    return (now->origin.ledger || verify_refuse(v, "its log is no release ledger")) && receipt_take(&walk) &&
           leaves_take(&walk);
}
