/* Noninterference of TAXII (DESIGN 2.4), by twins over real gates: two nodes live the same life, and one of
 * them holds more - objects that nobody may have, under identifiers of their own, and under those that the
 * reader itself submits: other content, the same content, other versions. Everything that the reader gets has
 * to be the same: status, every header (dates, ETags, Retry-After), every byte of the body, hence every size,
 * `next` and status id. The time that the reader's clock shows is the same too: computing costs nothing
 * here. */
#include "../gate/gate_test.h"

#include "core/sign.h"
#include "gate/quality.h"
#include "os/os.h"
#include "taxii/identity.h"

enum { SEEDS = 6, ROUNDS = 6, ASKS = 24 };

#define RELEASE "/api/collections/release/"
#define SPACE   "/api/collections/workspace/"
#define INBOX   "/api/collections/inbox/"
#define HIDDEN  ",\"x_note\":\"WITHHELD\""

struct life {
    struct bench bench;
    struct taxii *taxii;
    char token[TAXII_TOKEN_SIZE + 8];
    uint32_t feed, other;
    bool rewrites; /* the reader's platform: it gives back what it had from here */
    uint8_t random;
    uint64_t draw;     /* what both lives share */
    struct buf record; /* everything the reader saw */
    char next[64], status[64];
};

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}

static err_t same_random(void *ctx, void *out, size_t len)
{
    uint8_t *seed = ctx;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)(++*seed * 37);
    return ERR_OK;
}

static void begin(struct life *life, uint64_t seed, bool rewrites)
{
    struct bench *b = &life->bench;
    memset(life, 0, sizeof *life);
    bench_init(b);
    life->draw = seed;
    life->rewrites = rewrites;
    buf_init(&life->record, 64u << 20);
    life->feed = bench_source(b, "feed", STIX_TLP_CLEAR, true, false);
    life->other = bench_source(b, "other", STIX_TLP_RED, true, false);
    bench_partner(b, "jp");
    bench_source(b, "platform", STIX_TLP_RED, false, true);
    bench_partner(b, "ca");
    bench_policy(b);
    struct taxii_setup setup = {.gate = b->gate,
                                .random = same_random,
                                .random_ctx = &life->random,
                                .title = STR("kr"),
                                .allow_plain = true};
    assert_int_equal(taxii_open(&setup, b->now_us, &life->taxii), ERR_OK);
    memcpy(life->token, "Bearer ", 8);
    struct str source = rewrites ? STR("platform") : STR("");
    assert_int_equal(taxii_identity_put(life->taxii, STR("jp"), STR("jp"), source, 7, &by_test, b->now_us),
                     ERR_OK);
    assert_int_equal(taxii_identity_token(life->taxii, STR("jp"), &by_test, b->now_us, life->token + 7),
                     ERR_OK);
    assert_int_equal(taxii_identity_limit(life->taxii, STR("jp"), 40, 100, &by_test, b->now_us), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
}

static void end(struct life *life)
{
    buf_deinit(&life->record);
    taxii_close(life->taxii);
    bench_deinit(&life->bench);
}

/* Decides and signs; however many steps it takes, no time passes. */
static void settle(struct life *life)
{
    bool more = true;
    int64_t next;
    while (more)
        assert_int_equal(gate_step(life->bench.gate, life->bench.now_us, &more, &next), ERR_OK);
    assert_int_equal(gate_commit(life->bench.gate), ERR_OK);
    bench_sign(&life->bench);
}

/* --- what only one of the twins holds --- */

static const char *hidden_twin_of(struct life *life, uint64_t *more, char text[TEXT_MAX])
{
    int n = 101 + (int)draw(more, 6), version = 1 + (int)draw(more, 3);
    switch (draw(more, 4)) {
    case 0:
        return indicator(text, n, version, HIDDEN);
    case 1: /* the very bytes that the reader may submit */
        return indicator(text, n, version, draw(more, 2) ? "" : ",\"x_note\":\"mine\"");
    case 2:
        return address(text, n, draw(more, 2) ? "" : HIDDEN);
    default:
        (void)life;
        return indicator(text, n, 30 + version, HIDDEN);
    }
}

static void hide_some(struct life *life, uint64_t *more)
{
    char text[TEXT_MAX];
    for (uint32_t i = 0, count = 4 + draw(more, 12); i < count; i++) {
        int n = 201 + (int)draw(more, 30);
        switch (draw(more, 4)) {
        case 0:
        case 1:
            (void)bench_add(&life->bench, life->other, hidden_twin_of(life, more, text));
            break;
        case 2: /* clear in itself, and tied to what stays */
            (void)bench_add(&life->bench, life->feed, relationship(text, n, 1, 201, HIDDEN));
            break;
        default:
            (void)bench_add(&life->bench, life->other,
                            indicator(text, n, 1 + (int)draw(more, 9), HIDDEN MARKED(TLP_RED)));
        }
    }
}

/* --- what both do --- */

static void feed_some(struct life *life)
{
    char text[TEXT_MAX];
    for (uint32_t i = 0, count = 1 + draw(&life->draw, 6); i < count; i++) {
        int n = 1 + (int)draw(&life->draw, 12), version = 1 + (int)draw(&life->draw, 40);
        if (draw(&life->draw, 4) == 0)
            (void)bench_add(&life->bench, life->feed, address(text, n, ""));
        else if (draw(&life->draw, 4) == 0)
            (void)bench_add(&life->bench, life->feed, indicator(text, 300 + n, version, MARKED(TLP_RED)));
        else
            (void)bench_add(&life->bench, life->feed, indicator(text, n, version, ""));
    }
}

static void note(struct life *life, const struct exchange_request *request,
                 const struct exchange_response *response)
{
    struct buf *record = &life->record;
    const char *body = (const char *)response->body.at;
    buf_printf(record, "%d %.*s?%.*s\n%u %s\n", (int)request->method, STR_ARG(request->path),
               STR_ARG(request->query), response->status,
               response->content_type == NULL ? "-" : response->content_type);
    for (size_t i = 0; i < response->header_count; i++)
        buf_printf(record, "%s: %.*s\n", response->headers[i].name, STR_ARG(response->headers[i].value));
    buf_put_str(record, buf_str(&response->body));
    buf_putc(record, '\n');
    const char *next = response->body.len == 0 ? NULL : strstr(body, "\"next\":\"");
    if (next != NULL)
        (void)snprintf(life->next, sizeof life->next, "%.48s", next + 8);
    if (response->status == 202)
        (void)snprintf(life->status, sizeof life->status, "%.36s", strstr(body, "\"id\":\"") + 6);
}

static unsigned ask(struct life *life, enum exchange_method method, const char *path, const char *query,
                    const char *body)
{
    struct exchange_response response;
    struct taxii_effect effect;
    size_t len = strlen(body);
    uint8_t *padded = mem_alloc(len + JSON_PADDING);
    memcpy(padded, body, len);
    struct exchange_request request = {.method = method,
                                       .path = str_of(path),
                                       .query = str_of(query),
                                       .content_type = STR("application/taxii+json;version=2.1"),
                                       .authorization = str_of(life->token),
                                       .body = {padded, len}};
    exchange_response_init(&response, 1, LIMIT_TAXII_ANSWER_BYTES);
    taxii_handle(life->taxii, &request, life->bench.now_us, &response, &effect);
    if (effect.needs_commit)
        assert_int_equal(gate_commit(life->bench.gate), ERR_OK);
    *buf_extend(&response.body, 1) = '\0';
    response.body.len--;
    note(life, &request, &response);
    unsigned status = response.status;
    exchange_response_deinit(&response);
    mem_free(padded);
    return status;
}

/* As MISP writes it: what the reader may have in its view, or what the other twin alone holds. */
static void write_rewritten(struct life *life, struct buf *out)
{
    char text[TEXT_MAX];
    bool own = draw(&life->draw, 2);
    int n = own ? 101 + (int)draw(&life->draw, 6) : 1 + (int)draw(&life->draw, 12);
    int version = own ? 11 + (int)draw(&life->draw, 3) : 1 + (int)draw(&life->draw, 45);
    buf_put_str(out, str_of(indicator(text, n, version, ",\"labels\":[\"misp:type=\\\"ip-dst\\\"\"]")));
}

/* One object under an id that the other twin may know from somebody else. */
static void write_own(struct life *life, struct buf *out)
{
    char text[TEXT_MAX];
    if (life->rewrites && draw(&life->draw, 3) > 0) {
        write_rewritten(life, out);
        return;
    }
    int n = 101 + (int)draw(&life->draw, 6), version = 1 + (int)draw(&life->draw, 3);
    /* A rewriting source says one thing of a version: what it says second counts only where it speaks. */
    const char *more = life->rewrites || draw(&life->draw, 2) ? "" : ",\"x_note\":\"mine\"";
    buf_put_str(
        out, str_of(draw(&life->draw, 4) == 0 ? address(text, n, more) : indicator(text, n, version, more)));
}

static void submit(struct life *life)
{
    struct buf body;
    buf_init(&body, 1u << 20);
    buf_put_str(&body, STR("{\"objects\":["));
    for (uint32_t i = 0, count = 1 + draw(&life->draw, 4); i < count; i++) {
        buf_put_str(&body, i > 0 ? STR(",") : STR(""));
        write_own(life, &body);
    }
    buf_put_str(&body, draw(&life->draw, 4) == 0 ? STR(",{\"id\":\"x\"}]}") : STR("]}"));
    buf_putc(&body, '\0');
    (void)ask(life, EXCHANGE_POST, draw(&life->draw, 2) ? SPACE "objects/" : INBOX "objects/", "",
              (const char *)body.at);
    buf_deinit(&body);
}

/* Ids of the feed, of the reader's own, of what only the other twin holds, and of nothing. */
static void write_id(struct life *life, char out[ID_MAX])
{
    static const int from[] = {1, 101, 201, 301, 900};
    int n = from[draw(&life->draw, 5)] + (int)draw(&life->draw, 12);
    static const char *const types[] = {"indicator", "indicator", "ipv4-addr", "relationship"};
    (void)id_of(out, types[draw(&life->draw, 4)], n);
}

static void read_some(struct life *life)
{
    static const char *const queries[] = {"",
                                          "limit=1",
                                          "limit=3",
                                          "match[version]=all",
                                          "match[version]=first,last&limit=4",
                                          "match[type]=indicator",
                                          "match[type]=ipv4-addr,relationship&match[version]=all",
                                          "match[version]=2026-01-01T00:00:02Z",
                                          "added_after=2027-01-15T08:00:20Z",
                                          "match[spec_version]=2.0",
                                          "match[nonsense]=1"};
    static const char *const lists[] = {RELEASE "objects/", RELEASE "manifest/", SPACE "objects/",
                                        SPACE "manifest/"};
    char path[256], id[ID_MAX], query[256];
    const char *list = lists[draw(&life->draw, 4)];
    write_id(life, id);
    switch (draw(&life->draw, 6)) {
    case 0:
        (void)snprintf(path, sizeof path, "%sobjects/%s/%s", draw(&life->draw, 2) ? RELEASE : SPACE, id,
                       draw(&life->draw, 2) ? "versions/" : "");
        (void)ask(life, EXCHANGE_GET, path, "", "");
        break;
    case 1:
        (void)snprintf(query, sizeof query, "match[id]=%s&match[version]=all", id);
        (void)ask(life, EXCHANGE_GET, list, query, "");
        break;
    case 2:
        (void)snprintf(query, sizeof query, "limit=2&next=%s", life->next);
        (void)ask(life, EXCHANGE_GET, list, query, "");
        break;
    case 3:
        (void)snprintf(path, sizeof path, "/api/status/%s/", life->status);
        (void)ask(life, EXCHANGE_GET, path, "", "");
        break;
    default:
        (void)ask(life, draw(&life->draw, 5) == 0 ? EXCHANGE_HEAD : EXCHANGE_GET, list,
                  queries[draw(&life->draw, sizeof queries / sizeof queries[0])], "");
    }
}

static void delete_some(struct life *life)
{
    static const char *const queries[] = {"", "", "match[version]=last", "match[version]=first",
                                          "match[version]=2026-01-01T00:00:02.000Z"};
    char path[256], id[ID_MAX];
    write_id(life, id);
    (void)snprintf(path, sizeof path, "%sobjects/%s/", draw(&life->draw, 8) == 0 ? RELEASE : SPACE, id);
    (void)ask(life, EXCHANGE_DELETE, path, queries[draw(&life->draw, 5)], "");
}

static void live(struct life *life, uint64_t seed, bool rewrites, bool holds_more)
{
    uint64_t more = seed ^ UINT64_C(0x5bd1e995);
    begin(life, seed, rewrites);
    for (int round = 0; round < ROUNDS; round++) {
        life->bench.now_us = NOW + round * INT64_C(30000000);
        if (holds_more)
            hide_some(life, &more);
        feed_some(life);
        settle(life);
        for (int i = 0; i < ASKS; i++) {
            life->bench.now_us += 700000;
            uint32_t what = draw(&life->draw, 8);
            if (what < 2)
                submit(life);
            else if (what < 3)
                delete_some(life);
            else
                read_some(life);
            if (holds_more && draw(&more, 3) == 0)
                hide_some(life, &more);
            settle(life);
        }
    }
}

static bool contains(const struct buf *record, const char *text)
{
    return memmem(record->at, record->len, text, strlen(text)) != NULL;
}

static void compare(const struct life *a, const struct life *b, uint64_t seed)
{
    struct str left = buf_str(&a->record), right = buf_str(&b->record);
    size_t at = 0;
    while (at < left.len && at < right.len && left.at[at] == right.at[at])
        at++;
    if (at == left.len && at == right.len)
        return;
    size_t from = at > 300 ? at - 300 : 0;
    print_message("# seed %llu, byte %zu\n# without: %.400s\n", (unsigned long long)seed, at, left.at + from);
    print_message("# with: %.400s\n", right.at + from);
    fail();
}

static void what_others_hold_does_not_show(void **state)
{
    static struct life a, b;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        live(&a, seed, false, false);
        live(&b, seed, false, true);
        compare(&a, &b, seed);
        assert_false(contains(&b.record, "WITHHELD"));
        /* Otherwise the comparison says nothing. */
        assert_true(contains(&a.record, "\n202 ") && contains(&a.record, "\n404 ") &&
                    contains(&a.record, "\n200 ") && contains(&a.record, "X-TAXII-Date-Added-Last"));
        end(&a);
        end(&b);
    }
}

static uint64_t echoes(const struct life *life)
{
    uint64_t count;
    const struct gate_source *source = gate_source_find(life->bench.gate, STR("platform"));
    assert_int_equal(gate_echoes(life->bench.gate, source->number, &count), ERR_OK);
    return count;
}

/* What a platform gives back is an echo of what stands in its view, and of nothing else. */
static void what_others_hold_does_not_show_in_what_comes_back(void **state)
{
    static struct life a, b;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        live(&a, seed, true, false);
        live(&b, seed, true, true);
        compare(&a, &b, seed);
        assert_false(contains(&b.record, "WITHHELD"));
        assert_true(echoes(&a) > 0 && echoes(&b) == echoes(&a));
        end(&a);
        end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_others_hold_does_not_show),
                                       cmocka_unit_test(what_others_hold_does_not_show_in_what_comes_back)};
    return sign_start() != ERR_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
