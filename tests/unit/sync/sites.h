/* Two whole nodes but for sockets and processes, on virtual disks, and the network between them. Tests only.
 * Each test program defines _GNU_SOURCE. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/mem.h"
#include "disk.h"
#include "gate/halt.h"
#include "gate/recall.h"
#include "store/index.h"
#include "store/index_mem.h"
#include "sync/serve.h"
#include "sync/session.h"
#include "sync/wire.h"
#include "json/json.h"

#define NOW_US    INT64_C(1800000000000000)
#define SECOND_US INT64_C(1000000)

static const struct gate_by by_test = {{"tester", 6}, {"because", 7}};

struct site {
    const char *name;
    struct disk *disk;
    struct index *index;
    struct gate *gate;
    struct sign_key keys[SYNC_CARD_KEYS];
    struct sync_card card;
    struct buf card_text;
    struct sync_own own; /* what the other one is shown; empty: nothing */
    struct sync_serve *serve;
    struct sync_session *session;
    struct site *other;
    bool old; /* its program knows no urgent ledgers */
    unsigned partner;
    size_t answers[GATE_REFUSED + 1];
};

struct pair {
    struct site site[2];
    int64_t now_us;
    uint64_t ids, random;
    unsigned lost; /* requests, and answers, of 1,000 */
    bool forges;   /* answers to recalls are signed with another key */
    bool down;     /* the line between the two */
    /* requests that a server keeps: whose, and the client's id */
    struct {
        uint64_t server_id, client_id;
    } kept[2][16];
};

static inline uint64_t next_random(struct pair *pair, uint64_t below)
{
    uint64_t z = pair->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

/* --- sites --- */

/* What the stores are sealed by: some of these programs run once more with another suite. */
static inline unsigned site_suite(void)
{
    const char *suite = getenv("BONGSU_STORE_SUITE");
    return suite == NULL ? SUITE_1 : (unsigned)strtoul(suite, NULL, 10);
}

static inline void site_open(struct pair *pair, struct site *site)
{
    struct gate_setup setup = {.os = disk_os(site->disk),
                               .dir = "store",
                               .node_name = str_of(site->name),
                               .suite = site_suite(),
                               .index = site->index};
    assert_int_equal(gate_open(&setup, &site->gate), ERR_OK);
    assert_null(gate_health(site->gate).why);
    (void)pair;
}

static inline void site_link(struct pair *pair, struct site *site)
{
    struct sync_cards cards;
    struct fault fault = {.code = ERR_OK};
    assert_int_equal(sync_cards_load(site->gate, site->partner, &cards, &fault), ERR_OK);
    struct sync_session_setup setup = {.gate = site->gate,
                                       .partner = site->partner,
                                       .card = &cards.present,
                                       .next = cards.has_next ? &cards.next : NULL,
                                       .own = &site->own,
                                       .node = str_of(site->name),
                                       .seed = next_random(pair, UINT64_MAX)};
    assert_int_equal(sync_serve_new(site->gate, NULL, &site->serve), ERR_OK);
    sync_serve_own(site->serve, &site->own);
    assert_int_equal(sync_session_new(&setup, &site->session), ERR_OK);
    assert_int_equal(sync_session_start(site->session, pair->now_us), ERR_OK);
}

static inline void site_close(struct site *site)
{
    sync_session_free(site->session);
    sync_serve_free(site->serve);
    gate_close(site->gate);
}

static inline void card_make(struct site *site, uint8_t number)
{
    site->card = (struct sync_card) {
        .country = "KR", .number = 1, .issued_us = NOW_US, .expires_us = NOW_US + 1000000 * SECOND_US};
    memcpy(site->card.node, site->name, strlen(site->name));
    for (uint8_t i = 0; i < SYNC_CARD_KEYS; i++) {
        uint8_t seed[SIGN_SEED_SIZE] = {number, i};
        site->keys[i] = sign_key_from_seed(seed);
        site->card.key[i] = site->keys[i].public;
    }
    buf_init(&site->card_text, LIMIT_CARD_BYTES);
    assert_int_equal(sync_card_sign(&site->card, &site->keys[SYNC_CARD_ROOT], &site->card_text, NULL),
                     ERR_OK);
}

static inline char *file_read(const char *path, size_t *out_len)
{
    char full[512];
    (void)snprintf(full, sizeof full, "%s/%s", BONGSU_ROOT, path);
    FILE *file = fopen(full, "rb");
    assert_non_null(file);
    char *text = mem_alloc((4u << 20) + JSON_PADDING);
    *out_len = fread(text, 1, 4u << 20, file);
    (void)fclose(file);
    return text;
}

static inline void site_settle(struct pair *pair, struct site *site)
{
    bool more = true;
    int64_t next;
    while (more) {
        pair->now_us += 100;
        assert_int_equal(gate_step(site->gate, pair->now_us, &more, &next), ERR_OK);
    }
    assert_int_equal(gate_commit(site->gate), ERR_OK);
}

static inline void site_make(struct pair *pair, unsigned which, const char *name)
{
    struct site *site = &pair->site[which];
    site->name = name;
    site->other = &pair->site[1 - which];
    site->disk = disk_new(pair->random + which);
    assert_int_equal(index_mem_new(&site->index), ERR_OK);
    card_make(site, (uint8_t)(which + 1));
    site_open(pair, site);
}

static inline void site_join(struct pair *pair, struct site *site)
{
    size_t len;
    char *policy = file_read("share/default.policy", &len), audience[32];
    struct policy_fault fault = {0};
    (void)snprintf(audience, sizeof audience, "%s-cert", site->other->name);
    assert_int_equal(gate_peer_put(site->gate, str_of(audience), str_of(site->other->name), STR("XX"),
                                   buf_bytes(&site->other->card_text), &by_test, pair->now_us,
                                   &site->partner),
                     ERR_OK);
    assert_int_equal(
        gate_peer_set(site->gate, site->partner, GATE_PEER_STARTED, false, &by_test, pair->now_us), ERR_OK);
    assert_int_equal(
        gate_policy_activate(site->gate, (struct str) {policy, len}, &by_test, pair->now_us, &fault), ERR_OK);
    assert_int_equal(gate_commit(site->gate), ERR_OK);
    mem_free(policy);
    site_link(pair, site);
}

static inline struct pair *pair_new(uint64_t seed)
{
    struct pair *pair = calloc(1, sizeof *pair);
    pair->now_us = NOW_US;
    pair->random = seed;
    site_make(pair, 0, "kr");
    site_make(pair, 1, "us");
    site_join(pair, &pair->site[0]);
    site_join(pair, &pair->site[1]);
    return pair;
}

static inline void pair_free(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        site_close(&pair->site[i]);
        pair->site[i].index->ops->close(pair->site[i].index);
        disk_free(pair->site[i].disk);
        buf_deinit(&pair->site[i].card_text);
    }
    free(pair);
}

static inline void count_answer(void *ctx, const struct gate_answer *answer)
{
    ((struct site *)ctx)->answers[answer->disposition]++;
}

static inline void site_add(struct pair *pair, struct site *site, const char *path)
{
    struct gate_source source = {
        .name = STR("own"), .own = true, .assume = STIX_TLP_CLEAR, .assume_until_us = INT64_MAX};
    struct gate_submission submission;
    struct fault fault = {0};
    size_t len;
    char *text = file_read(path, &len);
    assert_int_equal(gate_source_put(site->gate, &source, &by_test, pair->now_us, &submission.source),
                     ERR_OK);
    submission = (struct gate_submission) {.source = submission.source};
    assert_int_equal(
        gate_accept(site->gate, &submission, bytes_of(text, len), pair->now_us, count_answer, site, &fault),
        ERR_OK);
    assert_int_equal(gate_commit(site->gate), ERR_OK);
    mem_free(text);
}

/* --- the keeper's place --- */

/* What entered here, for partners who get that signed. */
static inline void site_vouch(struct pair *pair, struct site *site)
{
    static struct signature made[LIMIT_CHECKPOINT_LEAVES];
    const struct sign_key *key = &site->keys[SYNC_CARD_LEDGER];
    const struct gate_vouching *wanted = gate_vouch_next(site->gate, site->partner);
    if (wanted == NULL)
        return;
    for (size_t i = 0; i < wanted->count; i++)
        assert_int_equal(
            voucher_sign(str_of(site->name), &wanted->at[i].content, wanted->at[i].limits, key, &made[i]),
            ERR_OK);
    assert_int_equal(
        gate_vouched(site->gate, key->public.suite, voucher_key_id(&key->public), made, pair->now_us),
        ERR_OK);
    assert_int_equal(gate_commit(site->gate), ERR_OK);
}

static inline void site_sign(struct pair *pair, struct site *site)
{
    static struct gate_sign_request request;
    site_vouch(pair, site);
    while (gate_sign_next(site->gate, gate_urgent(site->partner), &request) ||
           gate_sign_next(site->gate, site->partner, &request)) {
        struct str notes[16];
        struct buf texts[16], origin;
        struct note_key key;
        buf_init(&origin, LEDGER_ORIGIN_MAX);
        assert_int_equal(ledger_origin_print(&request.origin, &origin), ERR_OK);
        assert_int_equal(sync_card_ledger_key(&site->card, buf_str(&origin), &key), ERR_OK);
        for (size_t i = 0; i < request.count; i++) {
            struct checkpoint checkpoint = {buf_str(&origin), request.at[i].size, request.at[i].root,
                                            STR("")};
            buf_init(&texts[i], LIMIT_NOTE_BYTES);
            assert_int_equal(checkpoint_sign(&checkpoint, &key, &site->keys[SYNC_CARD_LEDGER], &texts[i]),
                             ERR_OK);
            notes[i] = buf_str(&texts[i]);
        }
        assert_int_equal(gate_signed(site->gate, &request, notes, pair->now_us), ERR_OK);
        assert_int_equal(gate_commit(site->gate), ERR_OK);
        for (size_t i = 0; i < request.count; i++)
            buf_deinit(&texts[i]);
        buf_deinit(&origin);
    }
}

static inline void receipt_sign(struct pair *pair, struct site *site, const struct sync_sign *sign)
{
    struct note_key cosign, disposition;
    struct buf line, note;
    buf_init(&line, LIMIT_NOTE_BYTES);
    buf_init(&note, LIMIT_NOTE_BYTES);
    sync_card_receipt_key(&site->card, SYNC_CARD_COSIGN, &cosign);
    sync_card_receipt_key(&site->card, SYNC_CARD_DISPOSITION, &disposition);
    assert_int_equal(
        cosign_sign(sign->text, pair->now_us / SECOND_US, &cosign, &site->keys[SYNC_CARD_COSIGN], &line),
        ERR_OK);
    assert_int_equal(disposition_sign(&sign->wanted, &disposition, &site->keys[SYNC_CARD_DISPOSITION], &note),
                     ERR_OK);
    sync_session_signed(site->session, ERR_OK, sign->wanted.size, buf_str(&line), buf_str(&note),
                        pair->now_us);
    buf_deinit(&line);
    buf_deinit(&note);
}

static inline void answer_sign(struct pair *pair, struct site *site, const struct sync_recall_done *done)
{
    struct note_key key;
    struct buf note;
    buf_init(&note, LIMIT_NOTE_BYTES);
    sync_card_receipt_key(&site->card, SYNC_CARD_RECALL, &key);
    enum sync_card_key with = pair->forges ? SYNC_CARD_COSIGN : SYNC_CARD_RECALL;
    if (pair->forges) /* his name, and not his key for this */
        assert_int_equal(
            note_key_make(str_of(site == &pair->site[0] ? "bongsu/kr/recall" : "bongsu/us/recall"),
                          NOTE_SIGNATURE, &site->keys[with].public, &key),
            ERR_OK);
    assert_int_equal(sync_recall_sign(done, &key, &site->keys[with], &note), ERR_OK);
    sync_session_recall_signed(site->session, ERR_OK, done->seq, buf_str(&note), pair->now_us);
    buf_deinit(&note);
}

/* --- the network: at once --- */

/* What an older program would have said. */
static inline size_t hello_of_old(uint8_t *body, size_t len)
{
    struct sync_hello hello;
    struct buf wire;
    assert_int_equal(sync_hello_read(bytes_of(body, len), &hello), ERR_OK);
    hello.version_count = 1;
    buf_init(&wire, LIMIT_SYNC_BODY_BYTES);
    sync_hello_write(&wire, &hello);
    assert_true(wire.len < len);
    memcpy(body, wire.at, wire.len);
    len = wire.len;
    buf_deinit(&wire);
    return len;
}

static inline bool is_lost(struct pair *pair)
{
    return pair->lost > 0 && next_random(pair, 1000) < pair->lost;
}

/* As edge: does the server show a key that its cards name here? */
static inline bool is_pinned(struct pair *pair, struct site *site)
{
    struct sync_cards cards;
    const struct sign_public *shown = &site->other->card.key[SYNC_CARD_TLS];
    assert_int_equal(sync_cards_load(site->gate, site->partner, &cards, NULL), ERR_OK);
    return sign_public_eq(&cards.present.key[SYNC_CARD_TLS], shown) ||
           (sync_cards_next_valid(&cards, pair->now_us) &&
            sign_public_eq(&cards.next.key[SYNC_CARD_TLS], shown));
}

static inline void site_send(struct pair *pair, struct site *site, const struct sync_send *send)
{
    struct site *server = site->other;
    struct exchange_response response;
    bool commit;
    if (pair->down || is_lost(pair)) {
        sync_session_failed(site->session, send->id, ERR_CLOSED, pair->now_us);
        return;
    }
    if (!send->any_key && !is_pinned(pair, site)) {
        sync_session_failed(site->session, send->id, ERR_DENIED, pair->now_us);
        return;
    }
    assert_true(!send->any_key || str_eq(send->path, STR(SYNC_PATH_CARD)));
    uint8_t *body = calloc(1, send->body.len + JSON_PADDING);
    size_t len = send->body.len;
    if (len > 0)
        memcpy(body, send->body.at, len);
    if ((site->old || server->old) && str_eq(send->path, STR(SYNC_PATH_HELLO)))
        len = hello_of_old(body, len);
    struct exchange_request request = {.id = ++pair->ids,
                                       .method = send->method,
                                       .path = send->path,
                                       .query = send->query,
                                       .body = bytes_of(body, len),
                                       .secure = true,
                                       .has_peer_key = true};
    memcpy(request.peer_key, site->card.key[SYNC_CARD_TLS].b, EXCHANGE_KEY_SIZE);
    exchange_response_init(&response, request.id, LIMIT_SYNC_PAGE_BYTES);
    uint64_t client_id = send->id;
    sync_serve_handle(server->serve, &request, pair->now_us, &response, &commit);
    if (commit)
        assert_int_equal(gate_commit(server->gate), ERR_OK);
    if (response.status == 0) {
        size_t which = server == &pair->site[0] ? 0 : 1;
        pair->kept[which][request.id % 16].server_id = request.id;
        pair->kept[which][request.id % 16].client_id = client_id;
    } else if (is_lost(pair)) {
        sync_session_failed(site->session, client_id, ERR_CLOSED, pair->now_us);
    } else {
        sync_session_answer(site->session, client_id, response.status, &response.body, pair->now_us);
    }
    exchange_response_deinit(&response);
    free(body);
}

/* One action, or one late answer. False when there is nothing to do now. */
static inline bool site_act(struct pair *pair, struct site *site, int64_t *until)
{
    struct exchange_response response;
    struct sync_action action;
    site_sign(pair, site);
    if (sync_serve_next(site->serve, pair->now_us, &response)) {
        size_t which = site == &pair->site[0] ? 0 : 1;
        if (pair->kept[which][response.id % 16].server_id == response.id)
            sync_session_answer(site->other->session, pair->kept[which][response.id % 16].client_id,
                                response.status, &response.body, pair->now_us);
        exchange_response_deinit(&response);
        return true;
    }
    sync_session_next(site->session, pair->now_us, &action);
    switch (action.kind) {
    case SYNC_SEND:
        site_send(pair, site, &action.send);
        return true;
    case SYNC_COMMIT:
        sync_session_committed(site->session, gate_commit(site->gate), pair->now_us);
        site_settle(pair, site);
        return true;
    case SYNC_SIGN:
        receipt_sign(pair, site, &action.sign);
        return true;
    case SYNC_ANSWER:
        answer_sign(pair, site, &action.answer);
        return true;
    default:
        *until = action.until_us < *until ? action.until_us : *until;
        int64_t deadline = sync_serve_deadline(site->serve);
        *until = deadline < *until ? deadline : *until;
        return false;
    }
}

/* Does `site` hold and has it receipted all that the other released, and is nothing undecided? */
static inline bool follows(struct site *site)
{
    struct gate_ledger ledger, urgent;
    struct sync_status status;
    assert_int_equal(gate_ledger(site->other->gate, site->other->partner, &ledger), ERR_OK);
    assert_int_equal(gate_ledger(site->other->gate, gate_urgent(site->other->partner), &urgent), ERR_OK);
    if (urgent.receipted != urgent.size)
        return false;
    sync_session_status(site->session, &status);
    return ledger.size > 0 && status.held == ledger.size && ledger.receipted == ledger.size &&
           ledger.visible == ledger.size && hash_eq(&status.root, &ledger.visible_root);
}

/* Acts until both follow each other or `steps` are over. */
static inline bool pair_run(struct pair *pair, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        int64_t until = INT64_MAX;
        bool first = site_act(pair, &pair->site[i % 2], &until);
        bool second = site_act(pair, &pair->site[1 - i % 2], &until);
        if (follows(&pair->site[0]) && follows(&pair->site[1]))
            return true;
        if (!first && !second) {
            assert_true(until > pair->now_us && until < INT64_MAX);
            pair->now_us = until;
        }
    }
    return false;
}

static inline void exchange(struct pair *pair)
{
    site_add(pair, &pair->site[0], "samples/campaign/kr-cert.json");
    site_add(pair, &pair->site[1], "samples/campaign/us-cert.json");
    site_settle(pair, &pair->site[0]);
    site_settle(pair, &pair->site[1]);
}

static inline void site_policy(struct pair *pair, struct site *site, const char *text)
{
    struct policy_fault fault = {0};
    assert_int_equal(gate_policy_activate(site->gate, str_of(text), &by_test, pair->now_us, &fault), ERR_OK);
    assert_int_equal(gate_commit(site->gate), ERR_OK);
}

/* A third country at the receiver. */
static inline unsigned site_third(struct pair *pair, struct site *site, const char *name, const char *country)
{
    unsigned partner;
    assert_int_equal(gate_peer_put(site->gate, str_of(name), str_of(name), str_of(country), bytes_of(NULL, 0),
                                   &by_test, pair->now_us, &partner),
                     ERR_OK);
    assert_int_equal(gate_peer_set(site->gate, partner, GATE_PEER_STARTED, false, &by_test, pair->now_us),
                     ERR_OK);
    return partner;
}

static inline bool first_indicator(void *ctx, const struct gate_leaf *leaf)
{
    *(struct stix_key *)ctx = leaf->key;
    return !str_starts(leaf->id, STR("indicator--"));
}

static inline void carry_out(struct pair *pair, struct site *site)
{
    bool did = true;
    site_settle(pair, site);
    while (did)
        assert_int_equal(gate_recall_step(site->gate, pair->now_us, &did), ERR_OK);
    assert_int_equal(gate_purge(site->gate, NULL, pair->now_us), ERR_OK);
}

static inline void power_fails(struct pair *pair, struct site *site)
{
    site_close(site);
    disk_crash(site->disk);
    /* The index may have lost any of its last transactions. */
    assert_int_equal(index_mem_rollback(site->index, next_random(pair, index_mem_states(site->index) + 1)),
                     ERR_OK);
    site_open(pair, site);
    site_link(pair, site);
}

static inline void take_holder(void *ctx, const struct gate_recall_holder *holder)
{
    *(struct gate_recall_holder *)ctx = *holder;
}

static inline void act_both(struct pair *pair, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        int64_t until = INT64_MAX;
        bool first = site_act(pair, &pair->site[0], &until);
        if (!site_act(pair, &pair->site[1], &until) && !first)
            pair->now_us = until == INT64_MAX ? pair->now_us + SECOND_US : until;
    }
}

/* The site goes on from `backup`, without an index. Nobody holds it back from signing: on a real node the
 * keeper's anchor does (DESIGN 4 step 15). */
static inline void site_restore(struct pair *pair, struct site *site, struct disk *backup)
{
    site_close(site);
    site->index->ops->close(site->index);
    disk_free(site->disk);
    site->disk = backup;
    assert_int_equal(index_mem_new(&site->index), ERR_OK);
    site_open(pair, site);
    site_link(pair, site);
    /* The connections broke, too. */
    sync_session_stop(site->other->session);
    assert_int_equal(sync_session_start(site->other->session, pair->now_us), ERR_OK);
}

static inline uint64_t held_of(struct site *site)
{
    struct sync_status status;
    sync_session_status(site->session, &status);
    return status.held;
}

/* --- calling back --- */

/* Indicators that the leaves from `from` on brought, the `skip`-th of them. */
struct picking {
    size_t skip;
    struct stix_key key;
    bool found;
};

static inline bool pick(void *ctx, const struct gate_leaf *leaf)
{
    struct picking *picking = ctx;
    if (!str_starts(leaf->id, STR("indicator--")) || picking->skip-- > 0)
        return true;
    picking->key = leaf->key;
    picking->found = true;
    return false;
}

static inline struct stix_key indicator(const struct site *site, uint64_t from, size_t skip)
{
    struct picking picking = {.skip = skip};
    assert_int_equal(gate_leaves(site->gate, site->partner, from, pick, &picking), ERR_OK);
    assert_true(picking.found);
    return picking.key;
}

static inline uint64_t call_back(struct pair *pair, struct site *site, const struct stix_key *key)
{
    uint64_t lsns[LIMIT_COPIES];
    size_t count;
    struct gate_recalled told;
    assert_int_equal(gate_spill_copies(site->gate, key, lsns, LIMIT_COPIES, &count), ERR_OK);
    assert_int_equal(gate_recall(site->gate, lsns, count, 0, &by_test, true, pair->now_us, &told), ERR_OK);
    carry_out(pair, site);
    return lsns[0];
}

static inline struct gate_recall_holder holder_of(struct site *site, uint64_t lsn)
{
    struct gate_recall_holder holder = {0};
    assert_int_equal(gate_recall_holders(site->gate, lsn, take_holder, &holder), ERR_OK);
    return holder;
}
