/* The server by itself: what strangers see, what a request may ask, how long polls end, and which receipts
 * are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pair.h"
#include "sync/wire.h"

#define NOW_US    PAIR_START_US
#define SECOND_US INT64_C(1000000)

struct site {
    struct fake_keys issuer, follower;
    struct gate *gate;
    struct sync_serve *serve;
    uint64_t ids;
};

static void site_make(struct site *site, unsigned leaves, unsigned every)
{
    fake_keys_make(&site->issuer, "kr", 1, NOW_US);
    fake_keys_make(&site->follower, "us", 2, NOW_US);
    struct fake_gate_setup setup = {"kr", "us-cisa", &site->issuer.ledger, &site->follower.card_text};
    site->gate = fake_gate_new(&setup);
    site->ids = 0;
    for (unsigned i = 0; i < leaves; i++) {
        struct buf object;
        pair_object(i, &object);
        fake_release(site->gate, buf_str(&object), NOW_US);
        buf_deinit(&object);
        if ((i + 1) % every == 0)
            fake_checkpoint(site->gate);
    }
    if (leaves > 0)
        fake_checkpoint(site->gate);
    assert_int_equal(sync_serve_new(site->gate, NULL, &site->serve), ERR_OK);
}

static void site_end(struct site *site)
{
    sync_serve_free(site->serve);
    fake_gate_free(site->gate);
    fake_keys_deinit(&site->issuer);
    fake_keys_deinit(&site->follower);
}

static struct exchange_request request_of(struct site *site, enum exchange_method method, const char *path,
                                          const char *query, struct bytes body)
{
    struct exchange_request request = {.id = ++site->ids,
                                       .method = method,
                                       .path = str_of(path),
                                       .query = str_of(query),
                                       .body = body,
                                       .secure = true,
                                       .has_peer_key = true};
    memcpy(request.peer_key, site->follower.tls.public.b, EXCHANGE_KEY_SIZE);
    return request;
}

/* The answer's status; its body into `body` when not NULL. */
static unsigned ask(struct site *site, const struct exchange_request *request, int64_t now_us,
                    struct buf *body)
{
    struct exchange_response response;
    bool commit;
    exchange_response_init(&response, request->id, LIMIT_SYNC_PAGE_BYTES);
    sync_serve_handle(site->serve, request, now_us, &response, &commit);
    if (commit)
        assert_int_equal(gate_commit(site->gate), ERR_OK);
    if (response.status != 200) { /* refusals never carry anything */
        assert_int_equal(response.body.len, 0);
        assert_int_equal(response.header_count, 0);
        assert_null(response.content_type);
    }
    if (body != NULL) {
        buf_init(body, LIMIT_SYNC_PAGE_BYTES);
        buf_put(body, response.body.at, response.body.len);
    }
    unsigned status = response.status;
    exchange_response_deinit(&response);
    return status;
}

static unsigned feed(struct site *site, const char *query, struct buf *body)
{
    struct exchange_request request = request_of(site, EXCHANGE_GET, SYNC_PATH_FEED, query, bytes_of("", 0));
    return ask(site, &request, NOW_US, body);
}

static void test_strangers(void **state)
{
    (void)state;
    struct site site;
    site_make(&site, 3, 1);
    struct exchange_request good =
        request_of(&site, EXCHANGE_GET, SYNC_PATH_FEED, "epoch=0&from=0&max=10&wait=0", bytes_of("", 0));
    assert_int_equal(ask(&site, &good, NOW_US, NULL), 200);
    struct exchange_request bad = good;
    bad.secure = false;
    assert_int_equal(ask(&site, &bad, NOW_US, NULL), 404);
    bad = good;
    bad.has_peer_key = false;
    assert_int_equal(ask(&site, &bad, NOW_US, NULL), 404);
    bad = good;
    bad.peer_key[31] ^= 1;
    assert_int_equal(ask(&site, &bad, NOW_US, NULL), 404);
    bad = good;
    bad.path = STR("/bongsu/v1/fetch");
    assert_int_equal(ask(&site, &bad, NOW_US, NULL), 404);
    bad = good;
    bad.method = EXCHANGE_POST;
    assert_int_equal(ask(&site, &bad, NOW_US, NULL), 404);
    /* A stranger's nonsense gets no other answer than a stranger's sense. */
    bad = good;
    bad.peer_key[31] ^= 1;
    bad.query = STR("epoch=x");
    assert_int_equal(ask(&site, &bad, NOW_US, NULL), 404);
    assert_int_equal(ask(&site, &good, site.follower.card.expires_us, NULL), 404);
    fake_gate_state(site.gate, GATE_PEER_PAUSED);
    assert_int_equal(ask(&site, &good, NOW_US, NULL), 404);
    fake_gate_state(site.gate, GATE_PEER_REMOVED);
    assert_int_equal(ask(&site, &good, NOW_US, NULL), 404);
    fake_gate_state(site.gate, GATE_PEER_STARTED);
    assert_int_equal(ask(&site, &good, NOW_US, NULL), 200);
    /* A card that was changed at rest makes a stranger. */
    site.follower.card_text.at[30] ^= 1;
    sync_serve_refresh(site.serve);
    assert_int_equal(ask(&site, &good, NOW_US, NULL), 404);
    assert_true(sync_serve_owns(STR("/bongsu/v1/anything")));
    assert_false(sync_serve_owns(STR("/taxii2/")));
    site_end(&site);
}

/* How many leaves a page holds, and that it ends at one of the checkpoints. */
static uint32_t page_count(struct site *site, const char *query)
{
    struct buf body;
    struct sync_page page;
    assert_int_equal(feed(site, query, &body), 200);
    assert_int_equal(sync_page_read(buf_bytes(&body), &page, NULL), ERR_OK);
    if (page.count > 0) {
        struct note note;
        struct checkpoint checkpoint;
        assert_int_equal(note_parse(page.checkpoint, &note, NULL), ERR_OK);
        assert_int_equal(checkpoint_parse(note.text, &checkpoint, NULL), ERR_OK);
        assert_int_equal(checkpoint.size, page.from + page.count);
        struct hash old = fake_root(site->gate, page.from);
        assert_int_equal(
            merkle_consistency_verify(&page.proof, page.from, checkpoint.size, &old, &checkpoint.root),
            ERR_OK);
    }
    buf_deinit(&body);
    return page.count;
}

static void test_pages(void **state)
{
    (void)state;
    struct site site;
    site_make(&site, 2050, 30); /* checkpoints at 30, 60, ... 2040, 2050 */
    assert_int_equal(page_count(&site, "epoch=0&from=0&max=1000&wait=0"), 990);
    assert_int_equal(page_count(&site, "epoch=0&from=0&max=100&wait=0"), 90);
    assert_int_equal(page_count(&site, "epoch=0&from=0&max=30&wait=0"), 30);
    assert_int_equal(page_count(&site, "epoch=0&from=0&max=1&wait=0"), 30); /* on to the next checkpoint */
    assert_int_equal(page_count(&site, "epoch=0&from=29&max=1&wait=0"), 1);
    assert_int_equal(page_count(&site, "epoch=0&from=17&max=50&wait=0"), 43);
    assert_int_equal(page_count(&site, "epoch=0&from=2041&max=1000&wait=0"), 9);
    assert_int_equal(page_count(&site, "epoch=0&from=2050&max=1000&wait=0"), 0);
    for (unsigned max = 1; max <= 200; max++) { /* the longest that ends at a checkpoint */
        struct buf query;
        buf_init(&query, 100);
        buf_printf(&query, "epoch=0&from=7&max=%u&wait=0", max);
        buf_putc(&query, '\0');
        unsigned wanted = max < 23 ? 23 : (7 + max) / 30 * 30 - 7;
        assert_int_equal(page_count(&site, (const char *)query.at), wanted);
        buf_deinit(&query);
    }
    assert_int_equal(feed(&site, "epoch=0&from=2051&max=1&wait=0", NULL), 409);
    assert_int_equal(feed(&site, "epoch=1&from=0&max=1&wait=0", NULL), 409);
    assert_int_equal(feed(&site, "epoch=0&from=0&max=1", NULL), 400);
    site_end(&site);
}

/* A checkpoint behind each object; a page ends with the one that crosses 3 MiB. */
static void test_pages_by_bytes(void **state)
{
    (void)state;
    struct site site;
    site_make(&site, 0, 1);
    char *text = malloc(2u << 20);
    memset(text, 'x', 2u << 20);
    for (unsigned i = 0; i < 8; i++) {
        fake_release(site.gate, (struct str) {text, i < 4 ? 1u << 20 : 2u << 20}, NOW_US);
        fake_checkpoint(site.gate);
    }
    assert_int_equal(page_count(&site, "epoch=0&from=0&max=1000&wait=0"), 4);
    assert_int_equal(page_count(&site, "epoch=0&from=3&max=1000&wait=0"), 3);
    assert_int_equal(page_count(&site, "epoch=0&from=4&max=1000&wait=0"), 2);
    free(text);
    site_end(&site);
}

/* A store that kept no checkpoint within bounds is an error of ours, not an endless page. */
static void test_no_checkpoint_in_reach(void **state)
{
    (void)state;
    struct site site;
    site_make(&site, 1001, 5000);
    assert_int_equal(feed(&site, "epoch=0&from=0&max=1000&wait=0", NULL), 503);
    assert_int_equal(page_count(&site, "epoch=0&from=1&max=1000&wait=0"), 1000);
    site_end(&site);
}

static void test_long_polls(void **state)
{
    (void)state;
    struct site site;
    struct exchange_response response;
    site_make(&site, 0, 1);
    assert_int_equal(sync_serve_deadline(site.serve), INT64_MAX);
    assert_int_equal(feed(&site, "epoch=0&from=0&max=1000&wait=10", NULL), 0);
    assert_int_equal(sync_serve_deadline(site.serve), NOW_US + 10 * SECOND_US);
    assert_int_equal(sync_serve_waiting(site.serve), 1);
    assert_false(sync_serve_next(site.serve, NOW_US + 10 * SECOND_US - 1, &response));
    assert_true(sync_serve_next(site.serve, NOW_US + 10 * SECOND_US, &response));
    assert_int_equal(response.id, 1);
    assert_int_equal(response.status, 200);
    exchange_response_deinit(&response);
    assert_int_equal(sync_serve_waiting(site.serve), 0);
    /* A released leaf is nothing; a checkpoint over it is. */
    assert_int_equal(feed(&site, "epoch=0&from=0&max=1000&wait=10", NULL), 0);
    fake_release(site.gate, STR("{}"), NOW_US);
    assert_false(sync_serve_next(site.serve, NOW_US, &response));
    fake_checkpoint(site.gate);
    assert_true(sync_serve_next(site.serve, NOW_US, &response));
    assert_int_equal(response.id, 2);
    exchange_response_deinit(&response);
    /* Four are kept; more push the oldest out, in order; nothing is ever lost. */
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(feed(&site, "epoch=0&from=1&max=1000&wait=10", NULL), 0);
    assert_true(sync_serve_next(site.serve, NOW_US, &response));
    assert_true(response.id == 3 || response.id == 4);
    exchange_response_deinit(&response);
    assert_true(sync_serve_next(site.serve, NOW_US, &response));
    assert_true(response.id == 3 || response.id == 4);
    exchange_response_deinit(&response);
    assert_false(sync_serve_next(site.serve, NOW_US, &response));
    sync_serve_forget(site.serve, 5);
    fake_gate_state(site.gate, GATE_PEER_PAUSED);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(sync_serve_next(site.serve, NOW_US, &response));
        assert_in_range(response.id, 6, 8);
        assert_int_equal(response.status, 404);
        exchange_response_deinit(&response);
    }
    assert_false(sync_serve_next(site.serve, NOW_US, &response));
    site_end(&site);
}

static void test_polls_never_overflow(void **state)
{
    (void)state;
    struct site site;
    site_make(&site, 0, 1);
    unsigned at_once = 0;
    for (unsigned i = 0; i < 100; i++)
        at_once += feed(&site, "epoch=0&from=0&max=1000&wait=10", NULL) == 200;
    assert_int_equal(at_once, 100 - 2 * LIMIT_SYNC_WAITING);
    site_end(&site);
}

/* --- hello --- */

static enum sync_verdict verdict_of(struct site *site, const struct sync_hello *hello)
{
    struct buf wire, body;
    struct sync_welcome welcome;
    buf_init(&wire, LIMIT_SYNC_BODY_BYTES);
    sync_hello_write(&wire, hello);
    struct exchange_request request = request_of(site, EXCHANGE_POST, SYNC_PATH_HELLO, "", buf_bytes(&wire));
    assert_int_equal(ask(site, &request, NOW_US, &body), 200);
    assert_int_equal(sync_welcome_read(buf_bytes(&body), &welcome), ERR_OK);
    assert_true(str_eq(welcome.origin, STR("bongsu/kr/us-cisa/0")));
    buf_deinit(&wire);
    buf_deinit(&body);
    return welcome.verdict;
}

static void test_hello(void **state)
{
    (void)state;
    struct site site;
    site_make(&site, 50, 10);
    struct sync_hello hello = {1, 1, {1}, {1}, 0, 0, merkle_empty()};
    assert_int_equal(verdict_of(&site, &hello), SYNC_GO_ON);
    hello.size = 37; /* any size, not only that of a checkpoint */
    hello.root = fake_root(site.gate, 37);
    assert_int_equal(verdict_of(&site, &hello), SYNC_GO_ON);
    hello.root.b[5] ^= 1;
    assert_int_equal(verdict_of(&site, &hello), SYNC_ROOT_DIFFERS);
    /* The link has stopped: nothing is fed until the two agree again. */
    assert_non_null(sync_serve_status(site.serve, 0).alarm);
    assert_int_equal(feed(&site, "epoch=0&from=37&max=1000&wait=0", NULL), 409);
    hello.root.b[5] ^= 1;
    assert_int_equal(verdict_of(&site, &hello), SYNC_GO_ON);
    assert_int_equal(feed(&site, "epoch=0&from=37&max=1000&wait=0", NULL), 200);
    hello.size = 51;
    assert_int_equal(verdict_of(&site, &hello), SYNC_AHEAD);
    hello.size = 50;
    hello.epoch = 1;
    assert_int_equal(verdict_of(&site, &hello), SYNC_OTHER_EPOCH);
    hello.epoch = 0;
    hello.root = fake_root(site.gate, 50);
    hello.versions[0] = SYNC_VERSION_NEWEST + 1;
    assert_int_equal(verdict_of(&site, &hello), SYNC_NOTHING_IN_COMMON);
    hello.version_count = 2;
    hello.versions[0] = 1;
    hello.versions[1] = SYNC_VERSION_NEWEST + 1;
    assert_int_equal(verdict_of(&site, &hello), SYNC_GO_ON);
    struct exchange_request bad =
        request_of(&site, EXCHANGE_POST, SYNC_PATH_HELLO, "", bytes_of("\1\1\1", 3));
    assert_int_equal(ask(&site, &bad, NOW_US, NULL), 400);
    site_end(&site);
}

/* --- the urgent ledger --- */

static struct sync_welcome welcome_of(struct site *site, const char *path, const struct sync_hello *hello,
                                      struct buf *body)
{
    struct buf wire;
    struct sync_welcome welcome;
    buf_init(&wire, LIMIT_SYNC_BODY_BYTES);
    sync_hello_write(&wire, hello);
    struct exchange_request request = request_of(site, EXCHANGE_POST, path, "", buf_bytes(&wire));
    assert_int_equal(ask(site, &request, NOW_US, body), 200);
    assert_int_equal(sync_welcome_read(buf_bytes(body), &welcome), ERR_OK);
    buf_deinit(&wire);
    return welcome;
}

/* Each ledger by its own paths, and a ledger of its own: what the one is at is nothing to the other. */
static void test_urgent_paths(void **state)
{
    (void)state;
    struct site site;
    struct buf body;
    site_make(&site, 5, 5);
    struct sync_hello hello = {2, 1, {1, 2}, {1}, 0, 0, merkle_empty()};
    struct sync_welcome main = welcome_of(&site, SYNC_PATH_HELLO, &hello, &body);
    assert_true(main.version == SYNC_VERSION_URGENT && main.size == 5);
    buf_deinit(&body);
    assert_true(gate_peer_get(site.gate, 0)->urgent);
    struct sync_welcome urgent = welcome_of(&site, "/bongsu/v1/urgent/hello", &hello, &body);
    assert_true(urgent.verdict == SYNC_GO_ON && urgent.size == 0);
    assert_true(str_eq(urgent.origin, STR("bongsu/kr/us-cisa/0/urgent")));
    buf_deinit(&body);
    hello.size = 5; /* more than was ever called back: that link stands, and the other is served */
    hello.root = fake_root(site.gate, 5);
    urgent = welcome_of(&site, "/bongsu/v1/urgent/hello", &hello, &body);
    assert_int_equal(urgent.verdict, SYNC_AHEAD);
    buf_deinit(&body);
    assert_non_null(sync_serve_status(site.serve, 0).alarm);
    assert_int_equal(feed(&site, "epoch=0&from=0&max=10&wait=0", NULL), 200);
    static const struct {
        const char *path;
        unsigned status;
    } rows[] = {
        {"/bongsu/v1/urgent/feed", 409}, /* until its hello fits */
        {"/bongsu/v1/urgent/", 404},
        {"/bongsu/v1/urgent", 404},
        {"/bongsu/v1/", 404},
        {"/bongsu/v1/urgent/fetch", 404},
        {"/bongsu/v1/urgent/urgent/feed", 404},
        {"/bongsu/v2/urgent/feed", 404},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct exchange_request request =
            request_of(&site, EXCHANGE_GET, rows[i].path, "epoch=0&from=0&max=10&wait=0", bytes_of("", 0));
        assert_int_equal(ask(&site, &request, NOW_US, NULL), rows[i].status);
        request.peer_key[31] ^= 1;
        assert_int_equal(ask(&site, &request, NOW_US, NULL), 404);
    }
    hello = (struct sync_hello) {1, 1, {1}, {1}, 0, 0, merkle_empty()};
    main = welcome_of(&site, SYNC_PATH_HELLO, &hello, &body);
    assert_int_equal(main.version, SYNC_VERSION_MAIN);
    buf_deinit(&body);
    urgent = welcome_of(&site, "/bongsu/v1/urgent/hello", &hello, &body);
    assert_int_equal(urgent.verdict, SYNC_NOTHING_IN_COMMON);
    buf_deinit(&body);
    site_end(&site);
}

/* --- receipts --- */

struct wrong { /* what a receipt gets wrong; all zero: nothing */
    bool cosign_key, disposition_key, root, holder, origin, size, digest, count, list, epoch, no_line;
};

static unsigned receipt_send(struct site *site, uint64_t size, const struct wrong *wrong)
{
    static const struct sync_refusal list[] = {{2, ERR_INVALID}, {4, ERR_LIMIT}};
    struct note_key cosign, disposition;
    struct buf note, line, second, wire;
    uint64_t found;
    buf_init(&note, LIMIT_NOTE_BYTES);
    buf_init(&line, LIMIT_NOTE_BYTES);
    buf_init(&second, LIMIT_NOTE_BYTES);
    buf_init(&wire, LIMIT_SYNC_BODY_BYTES);
    if (gate_checkpoint(site->gate, 0, size, &found, &note) != ERR_OK)
        assert_int_equal(gate_checkpoint(site->gate, 0, 1, &found, &note), ERR_OK);
    struct note parsed;
    assert_int_equal(note_parse(buf_str(&note), &parsed, NULL), ERR_OK);
    sync_card_receipt_key(&site->follower.card, SYNC_CARD_COSIGN, &cosign);
    sync_card_receipt_key(&site->follower.card, SYNC_CARD_DISPOSITION, &disposition);
    struct sign_key one = site->follower.cosign, two = site->follower.disposition;
    if (wrong->cosign_key)
        one = two, cosign.public = two.public;
    if (wrong->disposition_key)
        two = site->follower.cosign, disposition.public = two.public;
    struct str text = parsed.text;
    assert_int_equal(cosign_sign(text, 1, &cosign, &one, &line), ERR_OK);
    struct hash digest = disposition_refused_begin();
    struct sync_receipt receipt = {
        .epoch = wrong->epoch, .size = size, .before = digest, .refusal_count = wrong->list ? 1 : 2};
    for (size_t i = 0; i < 2; i++)
        digest = disposition_refused_add(&digest, list[i].seq, list[i].code);
    struct disposition held = {wrong->origin ? STR("bongsu/kr/us-x/0") : STR("bongsu/kr/us-cisa/0"),
                               wrong->holder ? STR("uk") : STR("us"),
                               wrong->size ? size + 1 : size,
                               fake_root(site->gate, wrong->root ? size - 1 : size),
                               wrong->count ? 3 : 2,
                               digest};
    held.refused.b[0] ^= (uint8_t)wrong->digest;
    assert_int_equal(disposition_sign(&held, &disposition, &two, &second), ERR_OK);
    receipt.cosignature = wrong->no_line ? STR("") : buf_str(&line);
    receipt.disposition = buf_str(&second);
    sync_receipt_write(&wire, &receipt, list);
    struct exchange_request request =
        request_of(site, EXCHANGE_POST, SYNC_PATH_RECEIPT, "", buf_bytes(&wire));
    unsigned status = ask(site, &request, NOW_US, NULL);
    buf_deinit(&note);
    buf_deinit(&line);
    buf_deinit(&second);
    buf_deinit(&wire);
    return status;
}

static void test_receipts(void **state)
{
    (void)state;
    struct site site;
    site_make(&site, 50, 10);
    static const struct wrong wrongs[] = {
        {.cosign_key = true}, {.disposition_key = true}, {.root = true},  {.holder = true}, {.origin = true},
        {.size = true},       {.digest = true},          {.count = true}, {.list = true},   {.no_line = true},
    };
    static const struct wrong nothing, epoch = {.epoch = true};
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        assert_int_equal(receipt_send(&site, 30, &wrongs[i]), 400);
        assert_int_equal(fake_receipt(site.gate).count, 0);
    }
    assert_int_equal(receipt_send(&site, 30, &epoch), 409);
    assert_int_equal(receipt_send(&site, 31, &nothing), 409); /* no checkpoint of ours */
    assert_int_equal(receipt_send(&site, 30, &nothing), 200);
    assert_int_equal(fake_receipt(site.gate).size, 30);
    assert_int_equal(fake_receipt(site.gate).refused, 2);
    /* Repeated, or an older one late: answered, kept once. */
    assert_int_equal(receipt_send(&site, 30, &nothing), 200);
    assert_int_equal(receipt_send(&site, 20, &nothing), 200);
    assert_int_equal(fake_receipt(site.gate).count, 1);
    assert_int_equal(receipt_send(&site, 50, &nothing), 200);
    assert_int_equal(fake_receipt(site.gate).size, 50);
    site_end(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strangers),      cmocka_unit_test(test_pages),
        cmocka_unit_test(test_pages_by_bytes), cmocka_unit_test(test_no_checkpoint_in_reach),
        cmocka_unit_test(test_long_polls),     cmocka_unit_test(test_polls_never_overflow),
        cmocka_unit_test(test_hello),          cmocka_unit_test(test_urgent_paths),
        cmocka_unit_test(test_receipts),
    };
    if (sign_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
