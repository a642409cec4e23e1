#include "app/keys.h"

#include <sodium.h>
#include <stdio.h>

#include "app/file.h"
#include "core/mem.h"
#include "core/seal.h"
#include "core/sealed_stream.h"

#define ROOT_HEAD   "bongsu root key v1" /* sealed by libsodium, of whatever suite the key is */
#define ROOT_HEAD_2 "bongsu root key v2" /* sealed by the suite of the key */

enum {
    KEY_FILE_MAX = 256,
    ROOT_FILE_MAX = 1024,
    BOX_SIZE = SIGN_SEED_SIZE + crypto_secretbox_MACBYTES,
    BOUND_MAX = 256,
};

static const enum sync_card_key working[] = {
    SYNC_CARD_TLS,    SYNC_CARD_LEDGER,  SYNC_CARD_COSIGN, SYNC_CARD_DISPOSITION,
    SYNC_CARD_RECALL, SYNC_CARD_SEALING, SYNC_CARD_POLICY,
};

enum { WORKING_COUNT = sizeof working / sizeof working[0] };

static err_t key_path(const char *dir, enum sync_card_key use, char out[FILE_PATH_SIZE])
{
    char name[64];
    (void)snprintf(name, sizeof name, KEYS_DIR "/%s", sync_card_key_word(use));
    return file_path(dir, name, out);
}

/* Of a later card. Nobody reads `policy` yet: it stays where the first one is. */
static const char *later_dir(enum sync_card_key use)
{
    return use == SYNC_CARD_POLICY ? KEYS_DIR : use == SYNC_CARD_TLS ? KEYS_EDGE : KEYS_KEEPER;
}

static void later_name(enum sync_card_key use, const struct sign_public *public, char out[64])
{
    char hex[16];
    str_hex(public->b, sizeof hex / 2, hex);
    (void)snprintf(out, 64, "%s.%.*s", sync_card_key_word(use), (int)sizeof hex, hex);
}

static err_t public_of(enum sync_card_key use, const struct sign_seed *seed, struct sign_public *out)
{
    struct sign_key key;
    if (use == SYNC_CARD_SEALING)
        return sealed_public(seed, out);
    err_t err = sign_key_make(seed, &key);
    if (err == ERR_OK)
        *out = key.public;
    sign_key_wipe(&key);
    return err;
}

/* "bongsu key v1 tls " and, of another suite than the first, "bongsu key v1 suite2 tls ". */
static struct str key_head(unsigned suite, enum sync_card_key use, char out[64])
{
    int len = suite == SUITE_1
                  ? snprintf(out, 64, "bongsu key v1 %s ", sync_card_key_word(use))
                  : snprintf(out, 64, "bongsu key v1 suite%u %s ", suite, sync_card_key_word(use));
    return (struct str) {out, (size_t)len};
}

static err_t write_seed(const struct os *os, const char *dir, const char *below, const char *name,
                        enum sync_card_key use, const struct sign_seed *seed)
{
    char keys_dir[FILE_PATH_SIZE], hex[2 * SIGN_SEED_SIZE], head[64];
    struct buf text;
    err_t err = file_path(dir, below, keys_dir);
    buf_init(&text, KEY_FILE_MAX);
    str_hex(seed->b, SIGN_SEED_SIZE, hex);
    buf_put_str(&text, key_head(seed->suite, use, head));
    buf_printf(&text, "%.*s\n", (int)sizeof hex, hex);
    if (err == ERR_OK && !TRY(err, buf_err(&text)))
        err = file_replace(os, keys_dir, name, buf_bytes(&text));
    if (text.at != NULL)
        mem_wipe(text.at, text.size);
    mem_wipe(hex, sizeof hex);
    buf_deinit(&text);
    return err;
}

static err_t make_one(const struct os *os, const char *dir, enum sync_card_key use, unsigned suite)
{
    char path[FILE_PATH_SIZE];
    struct sign_seed seed = {.suite = (uint16_t)suite};
    err_t err = key_path(dir, use, path);
    if (err == ERR_OK && file_exists(os, path))
        return ERR_EXISTS;
    if (err == ERR_OK && !TRY(err, os->random(os->ctx, seed.b, sizeof seed.b)))
        err = write_seed(os, dir, KEYS_DIR, sync_card_key_word(use), use, &seed);
    mem_wipe(&seed, sizeof seed);
    return err;
}

err_t keys_make_next(const struct os *os, const char *dir, enum sync_card_key use, unsigned suite,
                     struct sign_public *out)
{
    struct sign_seed seed = {.suite = (uint16_t)suite};
    char name[64];
    err_t err;
    if (!TRY(err, keys_dirs(os, dir)) && !TRY(err, os->random(os->ctx, seed.b, sizeof seed.b)) &&
        !TRY(err, public_of(use, &seed, out))) {
        later_name(use, out, name);
        err = write_seed(os, dir, later_dir(use), name, use, &seed);
    }
    mem_wipe(&seed, sizeof seed);
    return err;
}

err_t keys_dirs(const struct os *os, const char *dir)
{
    static const char *const names[] = {KEYS_EDGE, KEYS_KEEPER};
    char path[FILE_PATH_SIZE];
    err_t err = ERR_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && err == ERR_OK; i++)
        if (!TRY(err, file_path(dir, names[i], path)))
            err = os->dir_make(os->ctx, path);
    return err;
}

err_t keys_make(const struct os *os, const char *dir, unsigned suite)
{
    char keys_dir[FILE_PATH_SIZE];
    err_t err;
    if (TRY(err, file_path(dir, KEYS_DIR, keys_dir)) || TRY(err, os->dir_make(os->ctx, keys_dir)))
        return err;
    for (size_t i = 0; i < WORKING_COUNT; i++)
        if (TRY(err, make_one(os, dir, working[i], suite)))
            return err;
    return ERR_OK;
}

static err_t seed_from(struct str text, enum sync_card_key use, struct sign_seed *out)
{
    char head[64];
    text = str_trim(text);
    for (unsigned suite = SUITE_OLDEST; suite <= SUITE_NEWEST; suite++) {
        struct str want = key_head(suite, use, head);
        struct str hex = {text.at + want.len, text.len - want.len};
        if (!str_starts(text, want) || hex.len != 2 * SIGN_SEED_SIZE)
            continue;
        out->suite = (uint16_t)suite;
        return str_unhex(hex, out->b, SIGN_SEED_SIZE) ? ERR_OK : ERR_CORRUPT;
    }
    return ERR_CORRUPT;
}

static err_t read_seed(const struct os *os, const char *path, enum sync_card_key use, struct sign_seed *out)
{
    struct buf text;
    err_t err;
    buf_init(&text, KEY_FILE_MAX);
    if (!TRY(err, file_read_all(os, path, &text)))
        err = seed_from(buf_str(&text), use, out);
    if (text.at != NULL)
        mem_wipe(text.at, text.size);
    buf_deinit(&text);
    return err;
}

err_t keys_read_seed(const struct os *os, const char *dir, enum sync_card_key use, struct sign_seed *out)
{
    char path[FILE_PATH_SIZE];
    err_t err = key_path(dir, use, path);
    return err != ERR_OK ? err : read_seed(os, path, use, out);
}

static bool is_seed_of(enum sync_card_key use, const struct sign_seed *seed, const struct sign_public *public)
{
    struct sign_public found;
    return public_of(use, seed, &found) == ERR_OK && sign_public_eq(&found, public);
}

err_t keys_find_seed(const struct os *os, const char *dir, enum sync_card_key use,
                     const struct sign_public *public, struct sign_seed *out)
{
    char name[64], path[FILE_PATH_SIZE], below[FILE_PATH_SIZE];
    err_t err = keys_read_seed(os, dir, use, out);
    if (err == ERR_OK && is_seed_of(use, out, public))
        return ERR_OK;
    later_name(use, public, name);
    if (!TRY(err, file_path(dir, later_dir(use), below)) && !TRY(err, file_path(below, name, path)) &&
        !TRY(err, read_seed(os, path, use, out)) && is_seed_of(use, out, public))
        return ERR_OK;
    mem_wipe(out, sizeof *out);
    return err == ERR_OK ? ERR_CORRUPT : err;
}

/* --- what no card names any more --- */

struct pruning {
    const struct os *os;
    const struct sync_card *const *cards;
    size_t count;
    enum sync_card_key use;
    const char *below;
};

static bool is_named(const struct pruning *pruning, const struct sign_seed *seed)
{
    for (size_t i = 0; i < pruning->count; i++)
        if (is_seed_of(pruning->use, seed, &pruning->cards[i]->key[pruning->use]))
            return true;
    return false;
}

static err_t prune_one(void *ctx, const char *name)
{
    const struct pruning *pruning = ctx;
    char head[32], path[FILE_PATH_SIZE];
    struct sign_seed seed;
    (void)snprintf(head, sizeof head, "%s.", sync_card_key_word(pruning->use));
    if (!str_starts(str_of(name), str_of(head)))
        return ERR_OK;
    err_t err = file_path(pruning->below, name, path);
    if (err == ERR_OK)
        err = read_seed(pruning->os, path, pruning->use, &seed);
    /* What cannot be read as a key is nobody's: a file that was being made. */
    if (err == ERR_CORRUPT || (err == ERR_OK && !is_named(pruning, &seed)))
        err = pruning->os->path_unlink(pruning->os->ctx, path);
    mem_wipe(&seed, sizeof seed);
    return err;
}

/* The first file of a use is replaced, never removed: roles are bounded to it. */
static err_t prune_first(const struct pruning *pruning, const char *dir)
{
    struct sign_seed seed;
    enum sync_card_key use = pruning->use;
    err_t err = keys_read_seed(pruning->os, dir, use, &seed);
    if (err == ERR_OK && !is_named(pruning, &seed) &&
        !TRY(err, keys_find_seed(pruning->os, dir, use, &pruning->cards[0]->key[use], &seed)))
        err = write_seed(pruning->os, dir, KEYS_DIR, sync_card_key_word(use), use, &seed);
    mem_wipe(&seed, sizeof seed);
    return err;
}

err_t keys_prune(const struct os *os, const char *dir, const struct sync_card *const *cards, size_t count)
{
    char below[FILE_PATH_SIZE];
    struct pruning pruning = {os, cards, count, SYNC_CARD_TLS, below};
    err_t err = ERR_OK;
    for (size_t i = 0; i < WORKING_COUNT && err == ERR_OK; i++) {
        pruning.use = working[i];
        if (working[i] == SYNC_CARD_SEALING)
            continue;
        if (TRY(err, prune_first(&pruning, dir)) || TRY(err, file_path(dir, later_dir(working[i]), below)))
            break;
        err = os->dir_list(os->ctx, below, prune_one, &pruning);
        err = err == ERR_NOTFOUND ? ERR_OK : err;
    }
    return err;
}

struct sealing {
    const struct os *os;
    const char *dir; /* of later ones */
    struct sign_seed *out;
    size_t max, count;
};

static err_t take_sealing(void *ctx, const char *name)
{
    struct sealing *sealing = ctx;
    char path[FILE_PATH_SIZE];
    if (!str_starts(str_of(name), STR("sealing.")) || strstr(name, ".new") != NULL ||
        sealing->count == sealing->max)
        return ERR_OK;
    err_t err = file_path(sealing->dir, name, path);
    if (err == ERR_OK)
        err = read_seed(sealing->os, path, SYNC_CARD_SEALING, &sealing->out[sealing->count]);
    sealing->count += err == ERR_OK;
    return err;
}

err_t keys_sealing(const struct os *os, const char *dir, struct sign_seed *out, size_t max, size_t *out_count)
{
    char below[FILE_PATH_SIZE];
    struct sealing sealing = {.os = os, .dir = below, .out = out, .max = max};
    err_t err = file_path(dir, KEYS_KEEPER, below);
    if (err != ERR_OK || TRY(err, keys_read_seed(os, dir, SYNC_CARD_SEALING, &out[0])))
        return err;
    sealing.count = 1;
    err = os->dir_list(os->ctx, below, take_sealing, &sealing);
    *out_count = sealing.count;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t keys_read(const struct os *os, const char *dir, enum sync_card_key use, struct sign_key *out)
{
    struct sign_seed seed;
    err_t err = keys_read_seed(os, dir, use, &seed);
    if (err == ERR_OK)
        err = sign_key_make(&seed, out);
    mem_wipe(&seed, sizeof seed);
    return err;
}

err_t keys_public(const struct os *os, const char *dir, struct sign_public public[SYNC_CARD_KEYS])
{
    for (size_t i = 0; i < WORKING_COUNT; i++) {
        struct sign_seed seed;
        err_t err = keys_read_seed(os, dir, working[i], &seed);
        if (err == ERR_OK)
            err = public_of(working[i], &seed, &public[working[i]]);
        mem_wipe(&seed, sizeof seed);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* --- the root key: lines of words; the first names the form ---
 *
 * What the passphrase is stretched to seals one key: salt and key are drawn together. The second form needs
 * no nonce therefore, and binds what stands before the box. */

_Static_assert((int)BOX_SIZE == (int)SIGN_SEED_SIZE + (int)SEAL_TAG_SIZE &&
                   (int)crypto_secretbox_KEYBYTES == (int)SEAL_SECRET_SIZE,
               "of both forms");

struct sealed_root {
    unsigned suite;
    bool by_suite; /* the second form */
    uint64_t ops, memory_bytes;
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t nonce[crypto_secretbox_NONCEBYTES];
    uint8_t box[BOX_SIZE];
};

static err_t stretch(const struct sealed_root *sealed, struct str passphrase,
                     uint8_t out[crypto_secretbox_KEYBYTES])
{
    if (passphrase.len < KEYS_PASSPHRASE_MIN || passphrase.len > KEYS_PASSPHRASE_MAX)
        return ERR_INVALID;
    int bad = crypto_pwhash(out, crypto_secretbox_KEYBYTES, passphrase.at, passphrase.len, sealed->salt,
                            sealed->ops, (size_t)sealed->memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
    return bad == 0 ? ERR_OK : ERR_NOMEM;
}

static void write_hex(struct buf *out, const char *word, const uint8_t *at, size_t len)
{
    char hex[2 * BOX_SIZE];
    must(len <= BOX_SIZE);
    str_hex(at, len, hex);
    buf_printf(out, "%s %.*s\n", word, (int)(2 * len), hex);
}

static void put_before_box(struct buf *out, const struct sealed_root *sealed)
{
    buf_put_str(out, sealed->by_suite ? STR(ROOT_HEAD_2) : STR(ROOT_HEAD));
    if (sealed->suite != SUITE_1)
        buf_printf(out, " suite%u", sealed->suite);
    buf_printf(out, "\nargon2id %llu %llu\n", (unsigned long long)sealed->ops,
               (unsigned long long)sealed->memory_bytes);
    write_hex(out, "salt", sealed->salt, sizeof sealed->salt);
    if (!sealed->by_suite)
        write_hex(out, "nonce", sealed->nonce, sizeof sealed->nonce);
}

static err_t write_root(const struct os *os, const char *dir, const struct sealed_root *sealed)
{
    struct buf text;
    buf_init(&text, ROOT_FILE_MAX);
    put_before_box(&text, sealed);
    write_hex(&text, "box", sealed->box, sizeof sealed->box);
    err_t err = buf_err(&text);
    if (err == ERR_OK)
        err = file_replace(os, dir, KEYS_ROOT, buf_bytes(&text));
    buf_deinit(&text);
    return err;
}

static err_t close_box(const uint8_t key[crypto_secretbox_KEYBYTES], const struct sign_seed *seed,
                       struct sealed_root *sealed)
{
    struct seal_secret secret;
    uint8_t raw[BOUND_MAX];
    struct buf bound = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    if (!sealed->by_suite) {
        must(crypto_secretbox_easy(sealed->box, seed->b, SIGN_SEED_SIZE, sealed->nonce, key) == 0);
        return ERR_OK;
    }
    memcpy(secret.b, key, sizeof secret.b);
    put_before_box(&bound, sealed);
    err_t err = buf_err(&bound);
    if (err == ERR_OK)
        err = seal_close(sealed->suite, &secret, bytes_of(seed->b, SIGN_SEED_SIZE), buf_bytes(&bound),
                         sealed->box);
    mem_wipe(&secret, sizeof secret);
    return err;
}

/* ERR_DENIED: another passphrase's, or changed. */
static err_t open_box(const uint8_t key[crypto_secretbox_KEYBYTES], const struct sealed_root *sealed,
                      struct sign_seed *out)
{
    struct seal_secret secret;
    uint8_t raw[BOUND_MAX];
    struct buf bound = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    out->suite = (uint16_t)sealed->suite;
    if (!sealed->by_suite)
        return crypto_secretbox_open_easy(out->b, sealed->box, sizeof sealed->box, sealed->nonce, key) == 0
                   ? ERR_OK
                   : ERR_DENIED;
    memcpy(secret.b, key, sizeof secret.b);
    put_before_box(&bound, sealed);
    err_t err = buf_err(&bound);
    if (err == ERR_OK)
        err = seal_open(sealed->suite, &secret, bytes_of(sealed->box, sizeof sealed->box), buf_bytes(&bound),
                        out->b);
    mem_wipe(&secret, sizeof secret);
    return err == ERR_SIGNATURE ? ERR_DENIED : err;
}

static err_t seal_root(const struct os *os, const struct sign_seed *seed, struct str passphrase,
                       struct sealed_root *out)
{
    uint8_t key[crypto_secretbox_KEYBYTES];
    err_t err;
    out->suite = seed->suite;
    out->by_suite = seed->suite != SUITE_1;
    out->ops = crypto_pwhash_OPSLIMIT_MODERATE;
    out->memory_bytes = crypto_pwhash_MEMLIMIT_MODERATE;
    if (TRY(err, os->random(os->ctx, out->salt, sizeof out->salt)) ||
        TRY(err, os->random(os->ctx, out->nonce, sizeof out->nonce)) ||
        TRY(err, stretch(out, passphrase, key)))
        return err;
    err = close_box(key, seed, out);
    mem_wipe(key, sizeof key);
    return err;
}

err_t keys_root_make(const struct os *os, const char *dir, unsigned suite, struct str passphrase,
                     struct sign_key *out)
{
    char path[FILE_PATH_SIZE];
    struct sign_seed seed = {.suite = (uint16_t)suite};
    struct sealed_root sealed = {0};
    err_t err;
    if (TRY(err, file_path(dir, KEYS_ROOT, path)))
        return err;
    if (file_exists(os, path))
        return ERR_EXISTS;
    if (!TRY(err, os->random(os->ctx, seed.b, sizeof seed.b)) &&
        !TRY(err, seal_root(os, &seed, passphrase, &sealed)) && !TRY(err, write_root(os, dir, &sealed)))
        err = sign_key_make(&seed, out);
    mem_wipe(&seed, sizeof seed);
    return err;
}

/* The rest of a line that begins with `word` and a space. */
static bool line_of(struct str *rest, const char *word, struct str *out)
{
    struct str line = str_cut(rest, '\n'), want = str_of(word);
    if (!str_starts(line, want) || line.len <= want.len || line.at[want.len] != ' ')
        return false;
    *out = (struct str) {line.at + want.len + 1, line.len - want.len - 1};
    return true;
}

static bool hex_line(struct str *rest, const char *word, uint8_t *out, size_t len)
{
    struct str hex;
    return line_of(rest, word, &hex) && hex.len == 2 * len && str_unhex(hex, out, len);
}

/* "bongsu root key v1" or v2 and, of another suite than the first, " suite2". */
static bool root_head(struct str head, struct sealed_root *out)
{
    static const struct str forms[] = {{ROOT_HEAD, sizeof ROOT_HEAD - 1},
                                       {ROOT_HEAD_2, sizeof ROOT_HEAD_2 - 1}};
    char want[32];
    out->by_suite = str_starts(head, forms[1]);
    if (!str_starts(head, forms[out->by_suite]))
        return false;
    head = (struct str) {head.at + forms[0].len, head.len - forms[0].len};
    for (unsigned suite = SUITE_OLDEST; suite <= SUITE_NEWEST; suite++) {
        int len = suite == SUITE_1 ? 0 : snprintf(want, sizeof want, " suite%u", suite);
        out->suite = suite;
        if (str_eq(head, (struct str) {want, (size_t)len}))
            return true;
    }
    return false;
}

static err_t parse_root(struct str text, struct sealed_root *out)
{
    struct str cost, ops, head = str_cut(&text, '\n');
    if (!root_head(head, out))
        return ERR_VERSION;
    if (!line_of(&text, "argon2id", &cost))
        return ERR_CORRUPT;
    ops = str_cut(&cost, ' ');
    if (!str_to_u64(ops, crypto_pwhash_OPSLIMIT_SENSITIVE, &out->ops) ||
        !str_to_u64(cost, crypto_pwhash_MEMLIMIT_SENSITIVE, &out->memory_bytes) ||
        !hex_line(&text, "salt", out->salt, sizeof out->salt) ||
        (!out->by_suite && !hex_line(&text, "nonce", out->nonce, sizeof out->nonce)) ||
        !hex_line(&text, "box", out->box, sizeof out->box))
        return ERR_CORRUPT;
    return ERR_OK;
}

err_t keys_root_open(const struct os *os, const char *path, struct str passphrase, struct sign_key *out)
{
    struct buf text;
    struct sealed_root sealed;
    uint8_t key[crypto_secretbox_KEYBYTES];
    struct sign_seed seed;
    err_t err;
    buf_init(&text, ROOT_FILE_MAX);
    if (TRY(err, file_read_all(os, path, &text)) || TRY(err, parse_root(buf_str(&text), &sealed)) ||
        TRY(err, stretch(&sealed, passphrase, key)))
        goto out;
    if (!TRY(err, open_box(key, &sealed, &seed)))
        err = sign_key_make(&seed, out);
out:
    mem_wipe(key, sizeof key);
    mem_wipe(&seed, sizeof seed);
    buf_deinit(&text);
    return err;
}
