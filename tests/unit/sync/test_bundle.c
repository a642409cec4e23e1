/* Bundles: what is written is read, once, in any order; and nothing of what was changed, cut or mixed is
 * taken. */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/wr.h"
#include "pair.h"
#include "sync/bundle.h"
#include "sync/page.h"

enum { LEAVES = 24, CUT = 8, PAGE = 4, VOLUMES = 3, MAX_BYTES = 1 << 20 };
#define SECOND_US INT64_C(1000000)

/* The recipient's; each test is run with every suite of it (of_suite). */
static struct sign_seed own_key = {SUITE_1, {7, 1, 2, 3}};

struct carried {
    struct pair *pair;
    struct buf volume[VOLUMES];
    size_t page_end[VOLUMES][LEAVES]; /* where the records of each page end in the file */
};

/* The pages of one volume, as the partner would get them. */
static void pages_write(struct carried *c, unsigned v, const struct bundle_head *head,
                        const struct hash *bound, struct sealed_stream *stream)
{
    uint64_t at = bundle_from(head);
    for (size_t n = 0; at < bundle_to(head); n++) {
        struct exchange_response response;
        struct buf query;
        struct sync_page page;
        bool commit;
        uint64_t left = bundle_to(head) - at;
        struct sync_feed feed = {0, at, left < PAGE ? (unsigned)left : PAGE, 0, false};
        buf_init(&query, 256);
        sync_feed_write(&query, &feed);
        struct exchange_request request = {
            .method = EXCHANGE_GET, .path = STR(SYNC_PATH_FEED), .query = buf_str(&query)};
        exchange_response_init(&response, 0, LIMIT_SYNC_PAGE_BYTES);
        sync_serve_carried(pair_serve(c->pair), 0, &request, pair_now(c->pair), &response, &commit);
        assert_int_equal(response.status, 200);
        assert_int_equal(sync_page_read(buf_bytes(&response.body), &page, NULL), ERR_OK);
        assert_int_equal(bundle_page_write(stream, bound, buf_bytes(&response.body), &c->volume[v]), ERR_OK);
        c->page_end[v][n] = c->volume[v].len;
        at += page.count;
        exchange_response_deinit(&response);
        buf_deinit(&query);
    }
    assert_int_equal(at, bundle_to(head));
    assert_int_equal(bundle_end_write(stream, bound, &c->volume[v]), ERR_OK);
}

static void volume_write(struct carried *c, unsigned v, struct bundle_head *head)
{
    const struct fake_keys *keys = pair_keys(c->pair, true);
    struct sealed_key key = {own_key.suite, {(uint8_t)(v + 1)}};
    uint8_t seed[SEALED_SEED_SIZE] = {(uint8_t)(v + 40)};
    struct sign_public public;
    struct note_key name;
    struct buf text, note;
    assert_int_equal(sealed_public(&own_key, &public), ERR_OK);
    head->suite = own_key.suite;
    head->volume = v + 1;
    memset(head->stream, (int)v, sizeof head->stream);
    assert_int_equal(sealed_box(&public, seed, &key, head->box), ERR_OK);
    buf_init(&text, LIMIT_BUNDLE_HEAD_BYTES);
    buf_init(&note, LIMIT_BUNDLE_HEAD_BYTES);
    bundle_head_write(&text, head);
    assert_int_equal(bundle_key_make(STR("kr"), &keys->ledger.public, &name), ERR_OK);
    assert_int_equal(note_begin(buf_str(&text), &note), ERR_OK);
    assert_int_equal(note_sign(buf_str(&text), &name, &keys->ledger, &note), ERR_OK);
    buf_init(&c->volume[v], MAX_BYTES);
    wr_blob(&c->volume[v], buf_bytes(&note));
    struct hash bound = bundle_bound(buf_str(&note));
    struct sealed_stream *stream = sealed_new(&key, head->stream);
    assert_non_null(stream);
    pages_write(c, v, head, &bound, stream);
    sealed_free(stream);
    buf_deinit(&text);
    buf_deinit(&note);
}

static void carried_init(struct carried *c, unsigned from)
{
    const struct pair_weather nothing_gets_through = {.lost = 1000};
    static struct bundle_head head;
    *c = (struct carried) {.pair = NULL};
    c->pair = pair_new(1, &nothing_gets_through);
    pair_release(c->pair, LEAVES, 2);
    head =
        (struct bundle_head) {.origin = STR("bongsu/kr/us-cisa/0"), .recipient = STR("us"), .written_us = 5};
    head.plan.volumes = VOLUMES;
    for (unsigned i = 0; i <= VOLUMES; i++)
        head.plan.cuts[i] = i == 0 ? from : i * CUT;
    memset(head.plan.id, 9, sizeof head.plan.id);
    for (unsigned v = 0; v < VOLUMES; v++)
        volume_write(c, v, &head);
}

static void carried_deinit(struct carried *c)
{
    for (unsigned v = 0; v < VOLUMES; v++)
        buf_deinit(&c->volume[v]);
    pair_free(c->pair);
}

/* Reads a volume; `page` is called for each that is whole. */
static err_t volume_read(struct carried *c, struct bytes wire,
                         err_t (*page)(void *ctx, struct str origin, uint64_t to, struct buf *body),
                         void *ctx)
{
    static struct bundle_head head;
    struct bundle_reader *reader;
    struct sealed_key key;
    struct fault fault = {.code = ERR_OK};
    enum bundle_took took = BUNDLE_MORE;
    struct rd rd = rd_of(wire);
    struct str note = str_from_bytes(rd_blob(&rd, LIMIT_BUNDLE_HEAD_BYTES));
    err_t err =
        rd.err != ERR_OK ? rd.err : bundle_head_open(note, &pair_keys(c->pair, true)->card, &head, &fault);
    if (err != ERR_OK || TRY(err, sealed_unbox(&own_key, head.box, &key)))
        return err;
    struct hash bound = bundle_bound(note);
    assert_int_equal(bundle_reader_new(&head, &bound, &key, &reader), ERR_OK);
    while (err == ERR_OK && rd.left > 0) {
        struct bytes record = rd_blob(&rd, BUNDLE_SEALED_BYTES);
        if (rd.err != ERR_OK || TRY(err, bundle_reader_take(reader, record, &took, &fault))) {
            err = rd.err != ERR_OK ? rd.err : err;
            break;
        }
        if (took == BUNDLE_PAGE) {
            struct buf body;
            uint64_t from, to;
            buf_init(&body, LIMIT_SYNC_PAGE_BYTES);
            bundle_reader_page(reader, &from, &to, &body);
            err = page(ctx, head.origin, to, &body);
            buf_deinit(&body);
        }
    }
    bundle_reader_free(reader);
    return err == ERR_OK && took != BUNDLE_END ? ERR_SHORT : err;
}

/* --- into a node --- */

static bool resting(struct pair *pair)
{
    return sync_session_resting(pair_session(pair));
}

static err_t page_take(void *ctx, struct str origin, uint64_t to, struct buf *body)
{
    struct pair *pair = ctx;
    struct fault fault = {.code = ERR_OK};
    if (to <= fake_held(pair_follower(pair)))
        return ERR_OK;
    err_t err = sync_session_carried(pair_session(pair), origin, body, pair_now(pair), &fault);
    if (err == ERR_OK)
        assert_true(pair_run(pair, SECOND_US, resting));
    return err;
}

static void test_in_order(void **state)
{
    (void)state;
    struct carried c;
    carried_init(&c, 0);
    for (unsigned v = 0; v < VOLUMES; v++) {
        assert_int_equal(volume_read(&c, buf_bytes(&c.volume[v]), page_take, c.pair), ERR_OK);
        assert_int_equal(fake_held(pair_follower(c.pair)), (v + 1) * CUT);
    }
    pair_assert_equal(c.pair);
    /* Again: nothing twice. */
    for (unsigned v = 0; v < VOLUMES; v++)
        assert_int_equal(volume_read(&c, buf_bytes(&c.volume[v]), page_take, c.pair), ERR_OK);
    assert_int_equal(fake_taken_twice(pair_follower(c.pair)), 0);
    assert_int_equal(fake_held(pair_follower(c.pair)), LEAVES);
    carried_deinit(&c);
}

/* A volume too early takes nothing, and does not hurt. */
static void test_lost_volume(void **state)
{
    (void)state;
    struct carried c;
    carried_init(&c, 0);
    assert_int_equal(volume_read(&c, buf_bytes(&c.volume[0]), page_take, c.pair), ERR_OK);
    assert_int_equal(volume_read(&c, buf_bytes(&c.volume[2]), page_take, c.pair), ERR_INVALID);
    assert_int_equal(fake_held(pair_follower(c.pair)), CUT);
    assert_int_equal(volume_read(&c, buf_bytes(&c.volume[1]), page_take, c.pair), ERR_OK);
    assert_int_equal(volume_read(&c, buf_bytes(&c.volume[2]), page_take, c.pair), ERR_OK);
    pair_assert_equal(c.pair);
    carried_deinit(&c);
}

/* Another bundle's pages end elsewhere: what is held is passed over inside a page too. */
static void test_overlap(void **state)
{
    (void)state;
    struct carried c, other;
    carried_init(&c, 0);
    carried_init(&other, 2); /* its first volume begins at entry 2: pages of 2..6, 6..8 */
    assert_int_equal(volume_read(&c, bytes_of(c.volume[0].at, c.page_end[0][0]), page_take, c.pair),
                     ERR_SHORT);
    assert_int_equal(fake_held(pair_follower(c.pair)), PAGE);
    for (unsigned v = 0; v < VOLUMES; v++)
        assert_int_equal(volume_read(&c, buf_bytes(&other.volume[v]), page_take, c.pair), ERR_OK);
    pair_assert_equal(c.pair);
    assert_int_equal(fake_taken_twice(pair_follower(c.pair)), 0);
    carried_deinit(&other);
    carried_deinit(&c);
}

/* --- what is not whole --- */

struct checking {
    struct sync_tip tip;
    struct note_key key;
    size_t pages;
};

/* Everything but the gate: what would have been given to it. */
static err_t page_count(void *ctx, struct str origin, uint64_t to, struct buf *body)
{
    struct checking *checking = ctx;
    struct sync_followed followed = {.origin = origin, .key = &checking->key, .overlap = true};
    struct sync_checked checked;
    struct fault fault;
    (void)to;
    err_t err = sync_page_check(&followed, &checking->tip, body, &checked, &fault);
    if (err != ERR_OK)
        return err;
    checking->pages++;
    sync_checked_deinit(&checked);
    return ERR_OK;
}

static struct checking checking_of(struct carried *c)
{
    struct checking checking = {.tip = {.time_us = -1}};
    assert_int_equal(
        sync_card_ledger_key(&pair_keys(c->pair, true)->card, STR("bongsu/kr/us-cisa/0"), &checking.key),
        ERR_OK);
    return checking;
}

static size_t pages_before(const struct carried *c, size_t at)
{
    size_t n = 0;
    while (c->page_end[0][n] != 0 && c->page_end[0][n] <= at)
        n++;
    return n;
}

static void test_every_bit(void **state)
{
    (void)state;
    struct carried c;
    carried_init(&c, 0);
    struct checking whole = checking_of(&c);
    assert_int_equal(volume_read(&c, buf_bytes(&c.volume[0]), page_count, &whole), ERR_OK);
    assert_int_equal(whole.pages, pages_before(&c, SIZE_MAX));
    assert_true(whole.pages >= 2);
    for (size_t at = 0; at < c.volume[0].len; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct checking checking = checking_of(&c);
            c.volume[0].at[at] ^= (uint8_t)(1u << bit);
            assert_int_not_equal(volume_read(&c, buf_bytes(&c.volume[0]), page_count, &checking), ERR_OK);
            assert_int_equal(checking.pages, pages_before(&c, at));
            c.volume[0].at[at] ^= (uint8_t)(1u << bit);
        }
    carried_deinit(&c);
}

static void test_every_prefix(void **state)
{
    (void)state;
    struct carried c;
    carried_init(&c, 0);
    for (size_t len = 0; len < c.volume[0].len; len++) {
        struct checking checking = checking_of(&c);
        assert_int_not_equal(volume_read(&c, bytes_of(c.volume[0].at, len), page_count, &checking), ERR_OK);
        assert_int_equal(checking.pages, pages_before(&c, len));
    }
    buf_put(&c.volume[0], "\0\0\0\x11 seventeen bytes", 21);
    struct checking checking = checking_of(&c);
    assert_int_not_equal(volume_read(&c, buf_bytes(&c.volume[0]), page_count, &checking), ERR_OK);
    carried_deinit(&c);
}

/* The records of one volume under the head of another. */
static void test_mixed(void **state)
{
    (void)state;
    struct carried c;
    carried_init(&c, 0);
    struct rd head = rd_of(buf_bytes(&c.volume[0])), records = rd_of(buf_bytes(&c.volume[1]));
    struct buf mixed;
    buf_init(&mixed, MAX_BYTES);
    wr_blob(&mixed, rd_blob(&head, LIMIT_BUNDLE_HEAD_BYTES));
    (void)rd_blob(&records, LIMIT_BUNDLE_HEAD_BYTES);
    buf_put(&mixed, records.at, records.left);
    struct checking checking = checking_of(&c);
    assert_int_equal(volume_read(&c, buf_bytes(&mixed), page_count, &checking), ERR_SIGNATURE);
    assert_int_equal(checking.pages, 0);
    buf_deinit(&mixed);
    carried_deinit(&c);
}

static void test_another_key(void **state)
{
    (void)state;
    struct sealed_key key = {SUITE_1, {1}}, out;
    struct sign_public public = {.suite = SUITE_1};
    struct sign_seed secret = {SUITE_1, {3, 1}}, other = {SUITE_1, {8}};
    uint8_t box[SEALED_BOX_MAX], seed[SEALED_SEED_SIZE] = {3};
    assert_int_equal(crypto_scalarmult_base(public.b, secret.b), 0);
    assert_int_equal(sealed_box(&public, seed, &key, box), ERR_OK);
    assert_int_equal(sealed_unbox(&secret, box, &out), ERR_OK);
    assert_memory_equal(out.b, key.b, sizeof key.b);
    assert_int_equal(sealed_unbox(&other, box, &out), ERR_SIGNATURE);
    /* It is libsodium's sealed box: its own function opens it. */
    assert_int_equal(crypto_box_seal_open(out.b, box, sealed_box_size(SUITE_1), public.b, secret.b), 0);
    memset(public.b, 0, sizeof public.b);
    assert_int_equal(sealed_box(&public, seed, &key, box), ERR_INVALID);
}

/* The records are libsodium's stream: its own functions read them. */
static void test_stream_of_libsodium(void **state)
{
    (void)state;
    struct sealed_key key = {SUITE_1, {5}};
    uint8_t header[SEALED_HEADER_SIZE] = {6}, sealed[5 + SEALED_RECORD_EXTRA], plain[5], tag;
    crypto_secretstream_xchacha20poly1305_state pull;
    struct sealed_stream *stream = sealed_new(&key, header);
    assert_non_null(stream);
    assert_int_equal(crypto_secretstream_xchacha20poly1305_init_pull(&pull, header, key.b), 0);
    for (unsigned mark = SEALED_MORE; mark <= SEALED_LAST; mark++) {
        static const uint8_t tags[] = {0, 1, 3};
        assert_int_equal(
            sealed_put(stream, bytes_of("plain", 5), bytes_of("bound", 5), (enum sealed_mark)mark, sealed),
            ERR_OK);
        assert_int_equal(crypto_secretstream_xchacha20poly1305_pull(
                             &pull, plain, NULL, &tag, sealed, sizeof sealed, (const uint8_t *)"bound", 5),
                         0);
        assert_int_equal(tag, tags[mark]);
        assert_memory_equal(plain, "plain", 5);
    }
    sealed_free(stream);
}

/* --- heads --- */

static void test_cuts(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "0",
                                      "0 0",
                                      "1 0",
                                      "0 1 ",
                                      " 0 1",
                                      "0  1",
                                      "00 1",
                                      "0 1 01",
                                      "a b",
                                      "0 -1",
                                      "0 1\n",
                                      "0 18446744073709551616"};
    static struct bundle_plan plan;
    assert_int_equal(bundle_cuts_read(STR("0 4000 8000"), &plan), ERR_OK);
    assert_int_equal(plan.volumes, 2);
    assert_int_equal(plan.cuts[2], 8000);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(bundle_cuts_read(str_of(bad[i]), &plan), ERR_OK);
    struct buf many;
    buf_init(&many, 64 << 10);
    for (unsigned i = 0; i <= LIMIT_BUNDLE_VOLUMES; i++)
        buf_printf(&many, i == 0 ? "%u" : " %u", i);
    assert_int_equal(bundle_cuts_read(buf_str(&many), &plan), ERR_OK);
    assert_int_equal(plan.volumes, LIMIT_BUNDLE_VOLUMES);
    buf_printf(&many, " %u", LIMIT_BUNDLE_VOLUMES + 1);
    assert_int_not_equal(bundle_cuts_read(buf_str(&many), &plan), ERR_OK);
    buf_deinit(&many);
}

static void test_words(void **state)
{
    (void)state;
    struct str origin = STR("bongsu/kr/us/0");
    struct hash root = {{1, 2, 3}}, other = {{1, 2, 4}};
    char words[SYNC_CARD_WORDS_SIZE], loud[2 * SYNC_CARD_WORDS_SIZE] = "  ";
    bundle_words(origin, 20000, &root, words);
    assert_true(bundle_words_are(str_of(words), origin, 20000, &root));
    for (size_t i = 0, at = 2; words[i] != '\0'; i++) /* as somebody writes down what he hears */
        loud[at++] = words[i] == ' ' ? '-' : (char)(words[i] - (i % 2 == 0 ? 'a' - 'A' : 0));
    assert_true(bundle_words_are(str_of(loud), origin, 20000, &root));
    assert_false(bundle_words_are(str_of(words), origin, 20001, &root));
    assert_false(bundle_words_are(str_of(words), origin, 20000, &other));
    assert_false(bundle_words_are(str_of(words), STR("bongsu/kr/us/1"), 20000, &root));
    for (size_t len = 0; len + 1 < sizeof words; len++)
        assert_false(bundle_words_are((struct str) {words, len}, origin, 20000, &root));
    assert_false(bundle_words_are((struct str) {words, sizeof words}, origin, 20000, &root));
}

/* --- receipts --- */

static void test_receipt(void **state)
{
    (void)state;
    struct carried c;
    struct str text;
    uint64_t size;
    carried_init(&c, 0);
    assert_int_equal(sync_session_report_want(pair_session(c.pair)), ERR_NOTFOUND);
    for (unsigned v = 0; v < VOLUMES; v++)
        assert_int_equal(volume_read(&c, buf_bytes(&c.volume[v]), page_take, c.pair), ERR_OK);
    assert_int_equal(sync_session_report_want(pair_session(c.pair)), ERR_OK);
    assert_false(sync_session_report_get(pair_session(c.pair), &text, &size));
    assert_false(pair_run(c.pair, SECOND_US, NULL));
    assert_true(sync_session_report_get(pair_session(c.pair), &text, &size));
    assert_int_equal(size, LEAVES);
    /* Posted in the partner's name. */
    struct buf again;
    struct str word, rest;
    struct exchange_response response;
    bool commit = false;
    buf_init(&again, LIMIT_BUNDLE_REPORT_BYTES);
    rest = text;
    assert_int_equal(bundle_report_next(&rest, true, &word, &again), ERR_OK);
    assert_true(str_eq(word, STR("receipt")));
    struct exchange_request request = {
        .method = EXCHANGE_POST, .path = STR(SYNC_PATH_RECEIPT), .body = buf_bytes(&again)};
    exchange_response_init(&response, 0, LIMIT_SYNC_BODY_BYTES);
    sync_serve_carried(pair_serve(c.pair), 0, &request, pair_now(c.pair), &response, &commit);
    assert_int_equal(response.status, 200);
    assert_true(commit);
    assert_int_equal(gate_commit(pair_issuer(c.pair)), ERR_OK);
    assert_int_equal(fake_receipt(pair_issuer(c.pair)).size, LEAVES);
    exchange_response_deinit(&response);
    assert_int_equal(bundle_report_next(&rest, false, &word, &again), ERR_NOTFOUND);
    for (size_t len = 0; len < text.len; len++) { /* every prefix */
        rest = (struct str) {text.at, len};
        err_t err = bundle_report_next(&rest, true, &word, &again);
        assert_true(err != ERR_OK);
    }
    buf_deinit(&again);
    carried_deinit(&c);
}

static int of_suite(void **state)
{
    own_key.suite = *(const uint16_t *)*state;
    return 0;
}

#define OF_SUITE(test, number)                                                                               \
    {                                                                                                        \
#test " of suite " #number, test, of_suite, NULL, &suites[(number)-1]                                \
    }
#define OF_SUITES(test)      OF_SUITE(test, 1), OF_SUITE(test, 2), OF_SUITE(test, 3)
#define OF_EVERY_SUITE(test) OF_SUITES(test), OF_SUITE(test, 4), OF_SUITE(test, 5)

int main(void)
{
    static uint16_t suites[] = {SUITE_1, SUITE_2, SUITE_3, SUITE_4, SUITE_5};
    const struct CMUnitTest tests[] = {
        OF_EVERY_SUITE(test_in_order),      OF_EVERY_SUITE(test_lost_volume),
        OF_EVERY_SUITE(test_overlap),       OF_SUITES(test_every_bit),
        OF_SUITES(test_every_prefix),       OF_EVERY_SUITE(test_mixed),
        cmocka_unit_test(test_another_key), cmocka_unit_test(test_stream_of_libsodium),
        cmocka_unit_test(test_cuts),        cmocka_unit_test(test_words),
        cmocka_unit_test(test_receipt),
    };
    return sign_start() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
