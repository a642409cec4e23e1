/* ledger_tool make DIR: a ledger as files for another implementation to check.
 * ledger_tool check DIR: checks what the other implementation made (go-tlog make), one "ok" or "not ok" a
 * line.
 *
 * DIR/vkeys         log, cosigner and (ours only) disposition key, one vkey a line
 * DIR/sizes         the tree sizes with checkpoints, one a line; the last is the largest
 * DIR/checkpoint-N  signed and cosigned checkpoint of size N
 * DIR/tile/...      every tile and entry bundle of the largest size, by C2SP path
 * DIR/consistency-M-N, DIR/proof-I.tlog-proof, DIR/disposition */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ledger/cosign.h"
#include "ledger/proof.h"
#include "ledger/tile.h"

#define ORIGIN      "bongsu/kr/nz/0"
#define COSIGNED_AT 1795300000
#define FILE_MAX    (1u << 20)

enum { PATH_SIZE = 1024 };

static const uint64_t sizes[] = {1, 2, 7, 255, 256, 257, 1000, 66000};
enum { SIZES = sizeof sizes / sizeof sizes[0], LARGEST = 66000 };

struct desk {
    const char *dir;
    struct sign_key secrets[3];
    struct note_key keys[3]; /* log, cosigner, disposition */
    struct tile_memory memory;
    struct tile_tree tree;
    struct buf buf;
    unsigned failed;
};

static void die(const char *what)
{
    (void)fprintf(stderr, "ledger_tool: %s\n", what);
    exit(2);
}

static void need(err_t err, const char *what)
{
    if (err != ERR_OK) {
        (void)fprintf(stderr, "ledger_tool: %s: %s\n", what, err_name(err));
        exit(2);
    }
}

static void report(struct desk *desk, bool good, const char *what)
{
    (void)printf("%s - %s\n", good ? "ok" : "not ok", what);
    desk->failed += !good;
}

/* --- files --- */

static void path_of(const struct desk *desk, struct str name, char out[PATH_SIZE])
{
    int len = snprintf(out, PATH_SIZE, "%s/%.*s", desk->dir, STR_ARG(name));
    if (len < 0 || len >= PATH_SIZE)
        die("a path is too long");
}

static void file_write(const struct desk *desk, struct str name, struct bytes data)
{
    char path[PATH_SIZE];
    path_of(desk, name, path);
    for (char *at = path + strlen(desk->dir) + 1; (at = strchr(at, '/')) != NULL; *at++ = '/') {
        *at = 0;
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            die("cannot make a folder");
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data.at, 1, data.len, file) != data.len || fclose(file) != 0)
        die(path);
}

static struct str file_read(struct desk *desk, const char *name)
{
    static char bytes[FILE_MAX];
    char path[PATH_SIZE];
    path_of(desk, str_of(name), path);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        die(path);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    return (struct str) {bytes, len};
}

/* --- making --- */

static struct leaf_opening opening_of(uint64_t seq)
{
    struct seal_secret secret = {{(uint8_t)seq, (uint8_t)(seq >> 8), (uint8_t)(seq >> 16), 1}};
    struct leaf_opening opening = {ledger_salts(&secret, STR(ORIGIN), seq).partner, {{0}}, LEAF_SUBJECT_NONE};
    if (seq % 5 == 4)
        opening.subject_seq = seq - 1;
    else
        opening.content = hash_sha256(bytes_of(&secret, sizeof secret));
    return opening;
}

static struct leaf leaf_of(uint64_t seq)
{
    struct leaf_opening opening = opening_of(seq);
    struct leaf_reason reason = {.salt = opening.salt, .rule = STR("rule"), .source = STR("misp")};
    struct leaf leaf = {.op = seq % 5 == 4 ? LEAF_RECALL : LEAF_RELEASE,
                        .seq = seq,
                        .time_us = (int64_t)(INT64_C(1795300000000000) + (int64_t)seq),
                        .issuer = leaf_issuer(&reason)};
    leaf.partner = leaf_partner(leaf.op, &opening);
    return leaf;
}

static err_t leaf_entry(void *ctx, uint64_t index, struct buf *out)
{
    (void)ctx;
    uint8_t wire[LEAF_SIZE];
    struct leaf leaf = leaf_of(index);
    leaf_encode(&leaf, wire);
    buf_put(out, wire, sizeof wire);
    return buf_err(out);
}

static void make_keys(struct desk *desk)
{
    static const struct {
        const char *name;
        enum note_type type;
    } rows[3] = {{ORIGIN, NOTE_SIGNATURE},
                 {"bongsu/nz/cosign", NOTE_COSIGNATURE},
                 {"bongsu/nz/disposition", NOTE_SIGNATURE}};
    for (size_t i = 0; i < 3; i++) {
        uint8_t seed[SIGN_SEED_SIZE] = {(uint8_t)(i + 1)};
        desk->secrets[i] = sign_key_from_seed(seed);
        need(note_key_make(str_of(rows[i].name), rows[i].type, &desk->secrets[i].public, &desk->keys[i]),
             "key");
        note_key_print(&desk->keys[i], &desk->buf);
        buf_putc(&desk->buf, '\n');
    }
    file_write(desk, STR("vkeys"), buf_bytes(&desk->buf));
}

static void make_checkpoint(struct desk *desk, uint64_t size)
{
    struct merkle_source source = tile_tree_source(&desk->tree);
    struct checkpoint checkpoint = {.origin = STR(ORIGIN), .size = size};
    struct buf text;
    char name[64];
    need(merkle_root(&source, size, &checkpoint.root), "root");
    buf_init(&text, LIMIT_NOTE_BYTES);
    buf_clear(&desk->buf);
    need(checkpoint_print(&checkpoint, &text), "text");
    need(checkpoint_sign(&checkpoint, &desk->keys[0], &desk->secrets[0], &desk->buf), "sign");
    need(cosign_sign(buf_str(&text), COSIGNED_AT, &desk->keys[1], &desk->secrets[1], &desk->buf), "cosign");
    (void)snprintf(name, sizeof name, "checkpoint-%llu", (unsigned long long)size);
    file_write(desk, str_of(name), buf_bytes(&desk->buf));
    buf_deinit(&text);
}

static void make_proof(struct desk *desk, uint64_t index)
{
    struct proof proof = {.checkpoint = file_read(desk, "checkpoint-66000")};
    struct merkle_source source = tile_tree_source(&desk->tree);
    struct leaf leaf = leaf_of(index);
    struct leaf_opening opening = opening_of(index);
    char name[64];
    proof_leaf_set(&proof, &leaf, &opening);
    need(merkle_inclusion(&source, index, LARGEST, &proof.path), "inclusion");
    buf_clear(&desk->buf);
    need(proof_print(&proof, &desk->buf), "proof");
    (void)snprintf(name, sizeof name, "proof-%llu.tlog-proof", (unsigned long long)index);
    file_write(desk, str_of(name), buf_bytes(&desk->buf));
}

static void make_consistency(struct desk *desk, uint64_t old_size, uint64_t size)
{
    struct merkle_source source = tile_tree_source(&desk->tree);
    struct merkle_proof proof;
    char name[64];
    need(merkle_consistency(&source, old_size, size, &proof), "consistency");
    buf_clear(&desk->buf);
    for (size_t i = 0; i < proof.count; i++) {
        note_text_hash_put(&proof.at[i], &desk->buf);
        buf_putc(&desk->buf, '\n');
    }
    (void)snprintf(name, sizeof name, "consistency-%llu-%llu", (unsigned long long)old_size,
                   (unsigned long long)size);
    file_write(desk, str_of(name), buf_bytes(&desk->buf));
}

static err_t tile_make(struct desk *desk, const struct tile_id *id, struct buf *out)
{
    struct tile_entries entries = {NULL, leaf_entry};
    struct buf scratch;
    if (!id->entries)
        return tile_data(&desk->tree, desk->tree.edge.size, id, out);
    buf_init(&scratch, 1000);
    err_t err = tile_bundle(&entries, desk->tree.edge.size, id, &scratch, out);
    buf_deinit(&scratch);
    return err;
}

/* kind 0: the entries; kind l + 1: the tiles of level l. Returns how many. */
static unsigned each_tile(struct desk *desk, unsigned kind,
                          bool (*use)(struct desk *, struct str, struct bytes))
{
    unsigned count = 0, width, level = kind == 0 ? 0 : kind - 1;
    for (uint64_t n = 0; (width = tile_width(desk->tree.edge.size, level, n)) > 0; n++) {
        struct tile_id id = {kind == 0, level, n, width};
        struct buf path;
        buf_init(&path, 200);
        tile_path_print(&id, &path);
        buf_clear(&desk->buf);
        need(tile_make(desk, &id, &desk->buf), "tile");
        count += use(desk, buf_str(&path), buf_bytes(&desk->buf));
        buf_deinit(&path);
    }
    return count;
}

static bool tile_write(struct desk *desk, struct str path, struct bytes data)
{
    file_write(desk, path, data);
    return true;
}

static void make_disposition(struct desk *desk)
{
    struct disposition disposition = {
        STR(ORIGIN), STR("nz"), LARGEST, tile_tree_root(&desk->tree), 0, disposition_refused_begin()};
    buf_clear(&desk->buf);
    need(disposition_sign(&disposition, &desk->keys[2], &desk->secrets[2], &desk->buf), "disposition");
    file_write(desk, STR("disposition"), buf_bytes(&desk->buf));
}

static void make(struct desk *desk)
{
    make_keys(desk);
    for (uint64_t i = 0; i < LARGEST; i++) {
        struct leaf leaf = leaf_of(i);
        struct hash hash = leaf_hash(&leaf);
        need(tile_tree_append(&desk->tree, &hash), "append");
    }
    struct buf list;
    buf_init(&list, 1000);
    for (size_t i = 0; i < SIZES; i++) {
        buf_printf(&list, "%llu\n", (unsigned long long)sizes[i]);
        make_checkpoint(desk, sizes[i]);
        for (size_t j = 0; j <= i; j++)
            make_consistency(desk, sizes[j], sizes[i]);
    }
    file_write(desk, STR("sizes"), buf_bytes(&list));
    buf_deinit(&list);
    for (uint64_t index = 0; index < LARGEST; index = index * 3 + 1)
        make_proof(desk, index);
    make_proof(desk, LARGEST - 1);
    for (unsigned kind = 0; kind <= 3; kind++)
        (void)each_tile(desk, kind, tile_write);
    make_disposition(desk);
}

/* --- checking --- */

static bool tile_same(struct desk *desk, struct str path, struct bytes data)
{
    char name[256];
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(path));
    return str_eq(file_read(desk, name), str_from_bytes(data));
}

static void check_keys(struct desk *desk)
{
    struct str rest = file_read(desk, "vkeys"), line;
    bool good = true;
    for (size_t i = 0; i < 2; i++)
        good = good && note_text_line(&rest, &line) && note_key_parse(line, &desk->keys[i]) == ERR_OK;
    report(desk, good && desk->keys[0].type == NOTE_SIGNATURE && desk->keys[1].type == NOTE_COSIGNATURE,
           "vkeys made by Go");
}

/* All leaves from the entry bundles, into our own tree; each strictly decoded. */
static void check_entries(struct desk *desk, uint64_t size)
{
    bool good = true;
    unsigned width;
    for (uint64_t n = 0; (width = tile_width(size, 0, n)) > 0; n++) {
        struct tile_id id = {true, 0, n, width};
        struct buf path;
        buf_init(&path, 200);
        tile_path_print(&id, &path);
        buf_putc(&path, 0);
        struct rd rd = rd_of(bytes_from_str(file_read(desk, (const char *)path.at)));
        while (rd.err == ERR_OK && rd.left > 0) {
            struct leaf leaf;
            struct bytes entry = tile_entry_next(&rd);
            struct hash hash = merkle_leaf(entry);
            good = good && leaf_decode(entry, &leaf) == ERR_OK && leaf.seq == desk->tree.edge.size;
            need(tile_tree_append(&desk->tree, &hash), "append");
        }
        good = good && rd_end(&rd) == ERR_OK;
        buf_deinit(&path);
    }
    report(desk, good && desk->tree.edge.size == size, "entry bundles made by Go");
}

static void check_checkpoint(struct desk *desk, uint64_t size, struct checkpoint *out)
{
    char name[64], what[128];
    struct merkle_source source = tile_tree_source(&desk->tree);
    struct note note;
    struct hash root;
    int64_t time_s;
    (void)snprintf(name, sizeof name, "checkpoint-%llu", (unsigned long long)size);
    (void)snprintf(what, sizeof what, "%s signed and cosigned by Go", name);
    struct str whole = file_read(desk, name);
    bool good = checkpoint_open(whole, STR(ORIGIN), &desk->keys[0], out, &note, NULL) == ERR_OK &&
                cosign_verify(&note, &desk->keys[1], &time_s) == ERR_OK && time_s > 0 &&
                merkle_root(&source, size, &root) == ERR_OK && hash_eq(&root, &out->root) &&
                out->size == size;
    report(desk, good, what);
    /* One bit of the text, and neither signature holds any more. */
    char bad[FILE_MAX / 64];
    if (!good || whole.len > sizeof bad)
        return;
    memcpy(bad, whole.at, whole.len);
    bad[0] ^= 1;
    need(note_parse((struct str) {bad, whole.len}, &note, NULL), "parse");
    (void)snprintf(what, sizeof what, "%s changed is refused", name);
    report(desk,
           note_verify(&note, &desk->keys[0]) == ERR_SIGNATURE &&
               cosign_verify(&note, &desk->keys[1], &time_s) == ERR_SIGNATURE,
           what);
}

static bool consistency_holds(struct desk *desk, const struct checkpoint *old, const struct checkpoint *new)
{
    char name[64];
    struct merkle_proof proof = {.count = 0};
    (void)snprintf(name, sizeof name, "consistency-%llu-%llu", (unsigned long long)old->size,
                   (unsigned long long)new->size);
    struct str rest = file_read(desk, name), line;
    while (note_text_line(&rest, &line))
        if (proof.count == MERKLE_PROOF_MAX || !note_text_hash(line, &proof.at[proof.count++]))
            return false;
    return merkle_consistency_verify(&proof, old->size, new->size, &old->root, &new->root) == ERR_OK;
}

static void check_proofs(struct desk *desk, uint64_t size)
{
    unsigned count = 0, good = 0;
    char what[128];
    for (uint64_t index = 0; index < size; index = index * 3 + 1, count++) {
        char name[64];
        struct proof proof;
        struct leaf leaf;
        struct leaf_opening opening;
        (void)snprintf(name, sizeof name, "proof-%llu.tlog-proof", (unsigned long long)index);
        good += proof_parse(file_read(desk, name), &proof, NULL) == ERR_OK &&
                proof_leaf_verify(&proof, STR(ORIGIN), &desk->keys[0], &leaf, &opening, NULL) == ERR_OK;
    }
    (void)snprintf(what, sizeof what, "%u of %u proof files made by Go", good, count);
    report(desk, count > 0 && good == count, what);
}

static void check(struct desk *desk)
{
    struct checkpoint checkpoints[SIZES];
    bool good = true;
    check_keys(desk);
    check_entries(desk, LARGEST);
    for (size_t i = 0; i < SIZES; i++) {
        check_checkpoint(desk, sizes[i], &checkpoints[i]);
        for (size_t j = 0; j <= i; j++)
            good = good && consistency_holds(desk, &checkpoints[j], &checkpoints[i]);
    }
    report(desk, good, "consistency proofs made by Go");
    check_proofs(desk, LARGEST);
    for (unsigned kind = 1; kind <= 3; kind++) {
        static const unsigned want[] = {0, 258, 2, 1}; /* of 66,000 leaves */
        char what[64];
        (void)snprintf(what, sizeof what, "tiles of level %u are byte for byte Go's", kind - 1);
        report(desk, each_tile(desk, kind, tile_same) == want[kind], what);
    }
}

int main(int argc, char **argv)
{
    static struct desk desk;
    if (argc != 3)
        die("usage: ledger_tool make|check DIR");
    desk.dir = argv[2];
    buf_init(&desk.buf, FILE_MAX);
    struct tile_store store = tile_memory_store(&desk.memory);
    tile_tree_init(&desk.tree, &store);
    need(sign_start(), "libsodium");
    if (strcmp(argv[1], "make") == 0)
        make(&desk);
    else if (strcmp(argv[1], "check") == 0)
        check(&desk);
    else
        die("usage: ledger_tool make|check DIR");
    tile_memory_deinit(&desk.memory);
    buf_deinit(&desk.buf);
    return desk.failed > 0;
}
