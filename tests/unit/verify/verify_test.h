/* What the tests of bongsu-verify share: a ledger of kr for nz, written by the room ledger, which the program
 * that is tested shares no line with. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ledger/cosign.h"
#include "ledger/proof.h"
#include "ledger/tile.h"
#include "verify/verify.h"

#define ORIGIN  "bongsu/kr/nz/0"
#define TIME_US INT64_C(1795300000000000)
#define TIME_S  INT64_C(1795300000)

enum { LOG, COSIGN, DISPOSITION, KEYS };

struct desk {
    struct sign_key secrets[KEYS];
    struct note_key keys[KEYS];
    struct tile_memory memory;
    struct tile_tree tree;
    struct verify trust; /* of those keys */
};

static inline struct span span_of(struct str s)
{
    return (struct span) {(const uint8_t *)s.at, s.len};
}

/* Every third leaf is about the one before it. */
static inline struct leaf_opening desk_opening(uint64_t seq)
{
    bool about = seq % 3 == 2;
    struct hash salt = hash_sha256(bytes_of(&seq, sizeof seq)),
                content = hash_sha256(bytes_of(&salt, sizeof salt));
    return (struct leaf_opening) {salt, about ? (struct hash) {{0}} : content,
                                  about ? seq - 1 : LEAF_SUBJECT_NONE};
}

static inline struct leaf_reason desk_reason(uint64_t seq)
{
    return (struct leaf_reason) {.salt = hash_sha256(bytes_of(&seq, 1)),
                                 .rule = STR("allow-clear"),
                                 .policy_digest = hash_sha256(bytes_of("policy", 6)),
                                 .approver = STR(""),
                                 .source = STR("misp-kr")};
}

static inline struct leaf desk_leaf(uint64_t seq)
{
    struct leaf_opening opening = desk_opening(seq);
    struct leaf_reason reason = desk_reason(seq);
    struct leaf leaf = {.op = seq % 3 == 2 ? LEAF_RECALL : LEAF_RELEASE,
                        .seq = seq,
                        .time_us = TIME_US + (int64_t)seq,
                        .issuer = leaf_issuer(&reason)};
    leaf.partner = leaf_partner(leaf.op, &opening);
    return leaf;
}

/* Of the suite that the environment names (DESK_SUITE), or the first: each program is run with every signer.
 */
static inline struct sign_key desk_key(uint8_t fill)
{
    const char *suite = getenv("DESK_SUITE");
    struct sign_seed seed = {suite == NULL ? SUITE_1 : (uint16_t)(suite[0] - '0'), {fill}};
    struct sign_key key;
    assert_int_equal(sign_key_make(&seed, &key), ERR_OK);
    return key;
}

static inline void desk_open(struct desk *desk)
{
    static const char *const names[] = {ORIGIN, "bongsu/nz/cosign", "bongsu/nz/disposition"};
    struct tile_store store = tile_memory_store(&desk->memory);
    struct buf vkeys;
    assert_int_equal(sign_start(), ERR_OK);
    buf_init(&vkeys, 4096);
    for (size_t i = 0; i < KEYS; i++) {
        desk->secrets[i] = desk_key((uint8_t)(i + 1));
        assert_int_equal(note_key_make(str_of(names[i]), i == COSIGN ? NOTE_COSIGNATURE : NOTE_SIGNATURE,
                                       &desk->secrets[i].public, &desk->keys[i]),
                         ERR_OK);
        note_key_print(&desk->keys[i], &vkeys);
        buf_putc(&vkeys, '\n');
    }
    desk->trust = (struct verify) {.count = 0};
    assert_true(verify_trust_keys(span_of(buf_str(&vkeys)), &desk->trust));
    buf_deinit(&vkeys);
    tile_tree_init(&desk->tree, &store);
}

static inline void desk_grow(struct desk *desk, uint64_t size)
{
    while (desk->tree.edge.size < size) {
        struct leaf leaf = desk_leaf(desk->tree.edge.size);
        struct hash hash = leaf_hash(&leaf);
        assert_int_equal(tile_tree_append(&desk->tree, &hash), ERR_OK);
    }
}

/* Signed by the log; cosigned when asked. */
static inline void desk_checkpoint(struct desk *desk, uint64_t size, bool cosigned, struct buf *out)
{
    struct checkpoint checkpoint = {STR(ORIGIN), size, {{0}}, {NULL, 0}};
    struct merkle_source source = tile_tree_source(&desk->tree);
    struct note note;
    assert_int_equal(merkle_root(&source, size, &checkpoint.root), ERR_OK);
    buf_init(out, LIMIT_NOTE_BYTES);
    assert_int_equal(checkpoint_sign(&checkpoint, &desk->keys[LOG], &desk->secrets[LOG], out), ERR_OK);
    if (!cosigned)
        return;
    struct buf text;
    buf_init(&text, LIMIT_NOTE_BYTES);
    assert_int_equal(note_parse(buf_str(out), &note, NULL), ERR_OK);
    buf_put_str(&text, note.text);
    assert_int_equal(cosign_sign(buf_str(&text), TIME_S, &desk->keys[COSIGN], &desk->secrets[COSIGN], out),
                     ERR_OK);
    buf_deinit(&text);
}

static inline void desk_disposition(struct desk *desk, uint64_t size, const char *holder, struct buf *out)
{
    struct disposition made = {.origin = STR(ORIGIN),
                               .holder = str_of(holder),
                               .size = size,
                               .refused_count = 1,
                               .refused = disposition_refused_begin()};
    struct merkle_source source = tile_tree_source(&desk->tree);
    assert_int_equal(merkle_root(&source, size, &made.root), ERR_OK);
    buf_init(out, LIMIT_NOTE_BYTES);
    assert_int_equal(disposition_sign(&made, &desk->keys[DISPOSITION], &desk->secrets[DISPOSITION], out),
                     ERR_OK);
}

static inline void desk_close(struct desk *desk)
{
    tile_memory_deinit(&desk->memory);
}
