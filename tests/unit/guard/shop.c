#include "shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/wr.h"
#include "sync/fetch.h"
#include "sync/wire.h"

static const char *const names[SHOP_PARTNERS] = {"us", "nz"};

void shop_id(const char *type, unsigned number, char out[SHOP_ID_SIZE])
{
    (void)snprintf(out, SHOP_ID_SIZE, "%s--00000000-0000-4000-8000-%012x", type, number);
}

void shop_open(struct shop *shop)
{
    static const struct hash_sip_key key = {{1, 2, 3}};
    *shop = (struct shop) {.guard = NULL};
    assert_int_equal(guard_new(&key, &shop->guard), ERR_OK);
    shop_rules(shop, "");
}

void shop_close(struct shop *shop)
{
    guard_free(shop->guard);
    for (unsigned p = 0; p < SHOP_PARTNERS; p++)
        for (size_t i = 0; i < shop->ledger[p].count; i++)
            free(shop->ledger[p].object[i]);
    for (size_t i = 0; i < shop->withheld_count; i++)
        free(shop->withheld[i]);
}

void shop_rules(struct shop *shop, const char *more)
{
    char text[2048];
    static const char some[] = "11111111111111111111111111111111111111111111111111111111111111ff";
    char policy[sizeof some];
    memset(policy, '0', sizeof policy);
    memcpy(policy, some, shop->lawless ? 0 : sizeof some - 1);
    policy[sizeof policy - 1] = '\0';
    struct fault fault = {.code = ERR_OK};
    (void)snprintf(text, sizeof text,
                   "bongsu guard 1\npolicy %s\n"
                   "partner 0 us green %d %d %064x 0 0\npartner 1 nz amber %d %d %064x 0 0\n"
                   "reader us 0 - - %064x\nreader nz 1 - - %064x\n%s",
                   policy, SHOP_EPOCH, SHOP_NOW_S + 86400, 0xa0, SHOP_EPOCH, SHOP_NOW_S + 86400, 0xa1, 0xb0,
                   0xb1, more);
    if (guard_rules(shop->guard, str_of(text), &fault) != ERR_OK)
        fail_msg("%s", fault.what);
}

void shop_release(struct shop *shop, unsigned partner, const char *object)
{
    assert_true(shop->ledger[partner].count < SHOP_MAX);
    shop->ledger[partner].object[shop->ledger[partner].count++] = object == NULL ? NULL : strdup(object);
}

void shop_withhold(struct shop *shop, const char *object)
{
    assert_true(shop->withheld_count < SHOP_MAX);
    shop->withheld[shop->withheld_count++] = strdup(object);
}

void shop_take_back(struct shop *shop, unsigned partner)
{
    assert_true(shop->ledger[partner].count > 0);
    shop->ledger[partner].over[shop->ledger[partner].count - 1] = true;
}

struct leaf shop_leaf(const struct shop *shop, unsigned partner, uint64_t seq, struct leaf_opening *out)
{
    const char *object = shop->ledger[partner].object[seq];
    enum leaf_op op = object != NULL ? LEAF_RELEASE : shop->urgent ? LEAF_RECALL : LEAF_EXPIRE;
    *out = (struct leaf_opening) {.subject_seq = object == NULL ? 0 : LEAF_SUBJECT_NONE};
    memset(out->salt.b, (int)(seq + partner), HASH_SIZE);
    if (object != NULL)
        out->content = hash_sha256(bytes_from_str(str_of(object)));
    return (struct leaf) {.op = op,
                          .epoch = SHOP_EPOCH,
                          .seq = seq,
                          .time_us = 1795300000000000 + (int64_t)seq,
                          .partner = leaf_partner(op, out)};
}

/* --- the ledger's tree --- */

struct tree {
    const struct shop *shop;
    unsigned partner;
};

/* Made from the leaves each time: ledgers here are short. */
static err_t tree_hash(void *ctx, unsigned level, uint64_t index, struct hash *out)
{
    struct tree *tree = ctx;
    struct merkle_edge edge = {.size = 0};
    for (uint64_t seq = index << level; seq < (index + 1) << level; seq++) {
        struct leaf_opening opening;
        struct leaf leaf = shop_leaf(tree->shop, tree->partner, seq, &opening);
        struct hash hash = leaf_hash(&leaf);
        merkle_edge_append(&edge, &hash);
    }
    *out = merkle_edge_root(&edge);
    return ERR_OK;
}

static void write_note(const struct shop *shop, unsigned partner, uint64_t size, char *out, size_t out_size)
{
    struct tree tree = {shop, partner};
    struct merkle_source source = {&tree, tree_hash};
    struct hash root;
    char text[64];
    assert_int_equal(merkle_root(&source, size, &root), ERR_OK);
    (void)snprintf(out, out_size, "bongsu/kr/%s/%d%s\n%llu\n%.*s\n\nsigned\n", names[partner], SHOP_EPOCH,
                   shop->urgent ? "/urgent" : "", (unsigned long long)size,
                   (int)str_base64(root.b, HASH_SIZE, text), text);
}

static void write_entry(const struct shop *shop, unsigned entries, uint64_t seq, struct buf *out)
{
    static const uint8_t trail[LIMIT_TRAIL_BYTES] = {0};
    const char *object = shop->ledger[entries].object[seq];
    struct leaf_opening opening;
    struct leaf leaf = shop_leaf(shop, entries, seq, &opening);
    struct sync_beside beside = {.hops = 1, .voucher = shop->voucher};
    if (seq % 2 == 1)
        beside.trail = bytes_of(trail, sizeof trail);
    sync_entry_write(out, &leaf, &opening,
                     object == NULL ? bytes_of(NULL, 0) : bytes_from_str(str_of(object)), &beside);
}

void shop_page_of(const struct shop *shop, unsigned entries, unsigned partner, uint64_t from, uint32_t count,
                  struct buf *out)
{
    struct tree tree = {shop, partner};
    struct merkle_source source = {&tree, tree_hash};
    struct merkle_proof proof = {.count = 0};
    char note[256];
    sync_page_head_write(out, SHOP_EPOCH, from, count);
    for (uint64_t seq = from; seq < from + count; seq++)
        write_entry(shop, entries, seq, out);
    write_note(shop, partner, from + count, note, sizeof note);
    if (count > 0)
        assert_int_equal(merkle_consistency(&source, from, from + count, &proof), ERR_OK);
    sync_page_tail_write(out, count > 0 ? str_of(note) : STR(""), &proof);
    assert_int_equal(buf_err(out), ERR_OK);
}

void shop_fetched(const struct shop *shop, unsigned entries, unsigned partner, const uint64_t *leaves,
                  uint16_t count, uint64_t size, struct buf *out)
{
    struct tree tree = {shop, entries};
    struct merkle_source source = {&tree, tree_hash};
    struct merkle_proof proof;
    size_t count_at;
    char note[256];
    write_note(shop, partner, size, note, sizeof note);
    sync_fetched_head_write(out, SHOP_EPOCH, str_of(note), &count_at);
    for (size_t i = 0; i < count; i++) {
        write_entry(shop, entries, leaves[i], out);
        assert_int_equal(merkle_inclusion(&source, leaves[i], size, &proof), ERR_OK);
        sync_proof_write(out, &proof);
    }
    sync_fetched_count_set(out, count_at, count);
    assert_int_equal(buf_err(out), ERR_OK);
}

void shop_page(const struct shop *shop, unsigned partner, uint64_t from, uint32_t count, struct buf *out)
{
    shop_page_of(shop, partner, partner, from, count, out);
}

void shop_objects(const struct shop *shop, unsigned partner, uint64_t from, uint32_t count, struct buf *out)
{
    buf_put_str(out, STR("{\"more\":false,\"objects\":["));
    for (uint64_t seq = from; seq < from + count; seq++)
        buf_printf(out, "%s%s", seq > from ? "," : "", shop->ledger[partner].object[seq]);
    buf_put_str(out, STR("]}"));
}

/* The first identifier of an object of this test is its own. */
static struct str id_of(const char *object)
{
    const char *at = strstr(object, "\"id\":\"");
    assert_non_null(at);
    return (struct str) {at + 6, strcspn(at + 6, "\"")};
}

void shop_manifest(const struct shop *shop, unsigned partner, uint64_t from, uint32_t count, struct buf *out)
{
    buf_put_str(out, STR("{\"objects\":["));
    for (uint64_t seq = from; seq < from + count; seq++)
        buf_printf(out, "%s{\"id\":\"%.*s\",\"media_type\":\"x\"}", seq > from ? "," : "",
                   STR_ARG(id_of(shop->ledger[partner].object[seq])));
    buf_put_str(out, STR("]}"));
}

/* --- questions --- */

static void put_leaf(const struct shop *shop, unsigned partner, uint64_t seq, bool first, struct buf *out)
{
    struct leaf_opening opening;
    uint8_t wire[LEAF_SIZE + LEAF_OPENING_SIZE];
    const char *object = shop->ledger[partner].object[seq];
    struct leaf leaf = shop_leaf(shop, partner, seq, &opening);
    leaf_encode(&leaf, wire);
    leaf_opening_encode(&opening, wire + LEAF_SIZE);
    wr_bytes(out, bytes_of(wire, sizeof wire));
    wr_blob(out, first ? bytes_from_str(str_of(object)) : bytes_of(NULL, 0));
}

/* Is it here, whoever has it? */
static bool is_held(const struct shop *shop, struct str id)
{
    bool held = false;
    for (size_t i = 0; i < shop->withheld_count; i++)
        held = held || str_eq(id_of(shop->withheld[i]), id);
    for (unsigned p = 0; p < SHOP_PARTNERS; p++)
        for (size_t i = 0; i < shop->ledger[p].count; i++)
            held =
                held || (shop->ledger[p].object[i] != NULL && str_eq(id_of(shop->ledger[p].object[i]), id));
    return held;
}

static void reply(struct shop *shop, const struct guard_ask *ask)
{
    struct buf leaves;
    enum guard_held held = GUARD_NOTHING;
    char copy[SHOP_ID_SIZE];
    (void)snprintf(copy, sizeof copy, "%.*s", STR_ARG(ask->id));
    struct str id = str_of(copy);
    buf_init(&leaves, 1 << 20);
    if (is_held(shop, id))
        held = GUARD_WITHHELD;
    for (size_t i = 0; i < shop->ledger[ask->partner].count; i++) {
        const char *object = shop->ledger[ask->partner].object[i];
        if (object == NULL || !str_eq(id_of(object), id))
            continue;
        held = shop->ledger[ask->partner].over[i] ? GUARD_OVER : GUARD_RELEASED;
        size_t from = i + shop->mistaken;
        for (size_t k = from; k < shop->ledger[ask->partner].count && k <= from + ask->run; k++)
            put_leaf(shop, ask->partner, k, k == from, &leaves);
    }
    shop->questions++;
    guard_evidence(shop->guard, ask->partner, id, held, buf_bytes(&leaves));
    buf_deinit(&leaves);
}

static void answer_all(struct shop *shop)
{
    size_t count = guard_ask_count(shop->guard);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        struct guard_ask ask = guard_ask_get(shop->guard, i);
        reply(shop, &ask);
    }
}

enum guard_verdict shop_check(struct shop *shop, unsigned asker, const char *path, struct bytes body,
                              struct guard_finding *out)
{
    uint8_t key[RULES_KEY_SIZE] = {0};
    bool feed = strncmp(path, "/bongsu", 7) == 0;
    key[31] = (uint8_t)((feed ? 0xa0 : 0xb0) + asker);
    struct guard_request request = {.reads = true, .has_key = true, .key = key, .path = str_of(path)};
    struct guard_answer answer = {.status = 200, .body = body, .now_s = SHOP_NOW_S};
    static struct guard_case c;
    guard_case_open(&c, &request);
    for (unsigned round = 0; round < 100; round++) {
        enum guard_verdict verdict = guard_check(shop->guard, &c, &answer, out);
        if (verdict != GUARD_ASK)
            return verdict;
        answer_all(shop);
    }
    fail_msg("the guard does not stop asking");
    return GUARD_HOLD;
}

enum guard_verdict shop_call(struct shop *shop, const struct guard_call *call, struct guard_finding *out)
{
    static const struct guard_request none = {.reads = false};
    static struct guard_case c;
    guard_case_open(&c, &none);
    for (unsigned round = 0; round < 100; round++) {
        enum guard_verdict verdict = guard_check_call(shop->guard, &c, call, out);
        if (verdict != GUARD_ASK)
            return verdict;
        answer_all(shop);
    }
    fail_msg("the guard does not stop asking");
    return GUARD_HOLD;
}
