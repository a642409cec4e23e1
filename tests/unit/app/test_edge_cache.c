/* What edge keeps: for whom, how much, and until when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/edge_cache.h"
#include "core/limit.h"
#include "os/channel.h"

enum { KIB = 1024, SMALL_MAX = 64 * KIB };

static const struct edge_wish plain = {CODING_IDENTITY, true};

struct kit {
    struct edge_cache *cache;
    uint64_t marks[OS_CHANNEL_MARKS];
    uint8_t body[SMALL_MAX + 1];
    uint64_t used, used_bytes, told;
};

static uint64_t mark(void *ctx, unsigned which)
{
    return ((struct kit *)ctx)->marks[which];
}

static void used(void *ctx, const struct message_used *used)
{
    struct kit *kit = ctx;
    assert_true(bytes_eq(used->note, bytes_of("note", 4)));
    assert_int_equal(used->status, 200);
    kit->used += used->count;
    kit->used_bytes += used->bytes * used->count;
    kit->told++;
}

static int setup(void **state)
{
    struct kit *kit = calloc(1, sizeof *kit);
    struct hash key = {{1, 2, 3}};
    struct edge_cache_now now = {mark, used, kit};
    assert_int_equal(edge_cache_new(&key, SMALL_MAX, &now, &kit->cache), ERR_OK);
    *state = kit;
    return 0;
}

static int teardown(void **state)
{
    struct kit *kit = *state;
    edge_cache_free(kit->cache);
    free(kit);
    return 0;
}

static struct hash key_of(struct kit *kit, const struct exchange_request *request)
{
    struct hash key;
    assert_true(edge_cache_key(kit->cache, request, &key));
    return key;
}

static struct hash key_number(struct kit *kit, unsigned number)
{
    char query[32];
    (void)snprintf(query, sizeof query, "n=%u", number);
    struct exchange_request request = {.path = STR("/api/"), .query = str_of(query)};
    return key_of(kit, &request);
}

static struct exchange_answer page(const struct kit *kit, size_t len, unsigned view)
{
    struct exchange_answer answer = {
        .status = 200,
        .content_type = STR("text/x"),
        .header_count = 1,
        .body = bytes_of(kit->body, len),
        .cacheable = true,
        .marks = {view, kit->marks[0], kit->marks[view], kit->marks[view + MARK_TAKEN - MARK_VIEWS]}};
    answer.headers[0].name = STR("X-Date");
    answer.headers[0].value = STR("yesterday");
    return answer;
}

static bool keep(struct kit *kit, const struct hash *key, size_t len, unsigned view)
{
    struct exchange_answer answer = page(kit, len, view);
    struct answer out;
    return edge_cache_keep(kit->cache, key, &answer, &plain, &out);
}

static bool has(struct kit *kit, const struct hash *key)
{
    struct answer out;
    return edge_cache_find(kit->cache, key, &plain, &out);
}

static void gives_again_what_it_was_given(void **state)
{
    struct kit *kit = *state;
    struct hash key = key_number(kit, 1);
    struct exchange_answer answer = page(kit, 100, 1);
    struct answer first, again;
    memset(kit->body, 'x', 100);
    assert_false(has(kit, &key));
    assert_true(edge_cache_keep(kit->cache, &key, &answer, &plain, &first));
    memset(kit->body, 'y', 100); /* the ring's memory is used again */
    assert_true(edge_cache_find(kit->cache, &key, &plain, &again));
    assert_int_equal(again.status, 200);
    assert_string_equal(again.type, "text/x");
    assert_true(str_eq(again.fields[0].name, STR("X-Date")) &&
                str_eq(again.fields[0].value, STR("yesterday")));
    assert_true(str_eq(again.fields[1].name, STR("Vary")));
    assert_null(again.fields[2].name.at);
    assert_int_equal(page_bytes(again.page).len, 100);
    assert_int_equal(page_bytes(again.page).at[99], 'x');
    assert_ptr_equal(again.page, first.page); /* not a copy for each */
    struct edge_cache_count count = edge_cache_count(kit->cache);
    assert_true(count.pages == 1 && count.bytes == 100 && count.hits == 1 && count.misses == 1);
}

static void every_part_of_a_request_counts(void **state)
{
    struct kit *kit = *state;
    const struct exchange_request base = {.id = 1,
                                          .path = STR("/p"),
                                          .query = STR("q"),
                                          .host = STR("h"),
                                          .accept = STR("a"),
                                          .authorization = STR("t"),
                                          .secure = true};
    struct exchange_request other[9];
    struct hash key = key_of(kit, &base);
    for (size_t i = 0; i < 9; i++)
        other[i] = base;
    other[0].path = STR("/pq");
    other[0].query = STR(""); /* nor do two parts run together */
    other[1].query = STR("r");
    other[2].accept = STR("b");
    other[3].authorization = STR("T");
    other[4].has_peer_key = true;
    other[5].has_peer_key = true;
    other[5].peer_key[31] = 1;
    other[6].secure = false;
    other[7].if_none_match = STR("e");
    other[8].content_type = STR("c");
    for (size_t i = 0; i < 9; i++) {
        struct hash differs = key_of(kit, &other[i]);
        assert_false(hash_eq(&key, &differs));
    }
    other[0] = base;
    other[0].id = 2;
    struct hash same = key_of(kit, &other[0]);
    assert_true(hash_eq(&key, &same));
    other[0].method = EXCHANGE_POST;
    assert_false(edge_cache_key(kit->cache, &other[0], &same));
    other[0].method = EXCHANGE_GET;
    other[0].body = bytes_of("x", 1);
    assert_false(edge_cache_key(kit->cache, &other[0], &same));
}

static void a_raised_mark_ends_what_rests_on_it(void **state)
{
    struct kit *kit = *state;
    struct hash one = key_number(kit, 1), two = key_number(kit, 2);
    assert_true(keep(kit, &one, 10, 1) && keep(kit, &two, 10, 2));
    kit->marks[2]++;
    assert_true(has(kit, &one)); /* another view changed */
    assert_false(has(kit, &two));
    assert_int_equal(edge_cache_count(kit->cache).pages, 1);
    kit->marks[0]++; /* who may ask */
    assert_false(has(kit, &one));
    assert_int_equal(edge_cache_count(kit->cache).bytes, 0);
    assert_true(keep(kit, &one, 10, 1));
    kit->marks[MARK_TAKEN + 1]++; /* taken from the other view */
    assert_true(has(kit, &one));
    kit->marks[MARK_TAKEN]++;
    assert_false(has(kit, &one));
}

/* The answer was made, then the view changed, then the answer arrived. */
static void what_is_old_when_it_comes_is_not_kept(void **state)
{
    struct kit *kit = *state;
    struct hash key = key_number(kit, 1);
    struct exchange_answer answer = page(kit, 10, 1);
    struct answer out;
    kit->marks[1]++;
    assert_false(edge_cache_keep(kit->cache, &key, &answer, &plain, &out));
    answer = page(kit, 10, 1);
    answer.cacheable = false;
    assert_false(edge_cache_keep(kit->cache, &key, &answer, &plain, &out));
    answer.cacheable = true;
    answer.marks.view = OS_CHANNEL_MARKS;
    assert_false(edge_cache_keep(kit->cache, &key, &answer, &plain, &out));
    assert_false(has(kit, &key));
}

static void bytes_are_bounded_and_the_oldest_gives_way(void **state)
{
    struct kit *kit = *state;
    struct hash keys[5];
    for (unsigned i = 0; i < 5; i++)
        keys[i] = key_number(kit, i);
    for (unsigned i = 0; i < 4; i++)
        assert_true(keep(kit, &keys[i], SMALL_MAX / 4, 1));
    assert_true(has(kit, &keys[0])); /* asked for: now 1 is the oldest */
    assert_true(keep(kit, &keys[4], SMALL_MAX / 4, 1));
    assert_int_equal(edge_cache_count(kit->cache).bytes, SMALL_MAX);
    assert_false(has(kit, &keys[1]));
    assert_true(has(kit, &keys[0]) && has(kit, &keys[2]) && has(kit, &keys[3]) && has(kit, &keys[4]));
    assert_true(keep(kit, &keys[1], SMALL_MAX, 1)); /* all others go */
    assert_int_equal(edge_cache_count(kit->cache).pages, 1);
    assert_false(keep(kit, &keys[2], SMALL_MAX + 1, 1));
    assert_true(has(kit, &keys[1]));
}

static void pages_are_bounded(void **state)
{
    struct kit *kit = *state;
    for (unsigned i = 0; i < 4 * EDGE_CACHE_SETS * EDGE_CACHE_WAYS; i++) {
        struct hash key = key_number(kit, i);
        assert_true(keep(kit, &key, 1, 1));
        assert_true(has(kit, &key));
    }
    struct edge_cache_count count = edge_cache_count(kit->cache);
    assert_true(count.pages <= (size_t)EDGE_CACHE_SETS * EDGE_CACHE_WAYS && count.pages == count.bytes);
}

static void a_page_is_replaced_not_kept_twice(void **state)
{
    struct kit *kit = *state;
    struct hash key = key_number(kit, 1);
    struct answer out;
    assert_true(keep(kit, &key, 10, 1) && keep(kit, &key, 20, 1));
    assert_true(edge_cache_find(kit->cache, &key, &plain, &out));
    assert_int_equal(page_bytes(out.page).len, 20);
    assert_int_equal(edge_cache_count(kit->cache).bytes, 20);
}

static void an_answer_under_way_keeps_its_bytes(void **state)
{
    struct kit *kit = *state;
    struct hash key = key_number(kit, 1);
    struct answer out;
    kit->body[0] = 'x';
    assert_true(keep(kit, &key, 10, 1));
    assert_true(edge_cache_find(kit->cache, &key, &plain, &out));
    struct page *held = page_ref(out.page);
    edge_cache_clear(kit->cache);
    assert_int_equal(page_bytes(held).at[0], 'x');
    page_unref(held);
}

static void a_sweep_forgets_what_nobody_asks_for(void **state)
{
    struct kit *kit = *state;
    struct hash one = key_number(kit, 1), two = key_number(kit, 2), three = key_number(kit, 3);
    assert_true(keep(kit, &one, 10, 1) && keep(kit, &two, 10, 1) && keep(kit, &three, 10, 2));
    assert_true(edge_cache_sweep(kit->cache));
    assert_true(has(kit, &two) && has(kit, &three));
    kit->marks[2]++;
    assert_true(edge_cache_sweep(kit->cache));
    assert_int_equal(edge_cache_count(kit->cache).pages, 1);
    assert_true(has(kit, &two));
    assert_true(edge_cache_sweep(kit->cache));
    assert_false(edge_cache_sweep(kit->cache));
    assert_int_equal(edge_cache_count(kit->cache).bytes, 0);
}

/* Each form once, whoever asks how often; small ones only when they must. */
static void a_page_is_packed_once(void **state)
{
    struct kit *kit = *state;
    static const struct edge_wish gzip = {CODING_GZIP, true}, zstd = {CODING_ZSTD, true},
                                  only = {CODING_ZSTD, false};
    struct hash key = key_number(kit, 1), small = key_number(kit, 2);
    struct exchange_answer answer = page(kit, SMALL_MAX / 2, 1);
    struct answer out, again;
    struct buf back;
    memset(kit->body, 'x', SMALL_MAX / 2);
    assert_true(edge_cache_keep(kit->cache, &key, &answer, &gzip, &out));
    assert_true(out.fields[1].value.len == 4 && str_eq(out.fields[1].name, STR("Content-Encoding")) &&
                str_eq(out.fields[1].value, STR("gzip")));
    assert_true(str_eq(out.fields[2].name, STR("Vary")) &&
                str_eq(out.fields[2].value, STR("Accept-Encoding")));
    assert_true(edge_cache_find(kit->cache, &key, &gzip, &again));
    assert_ptr_equal(again.page, out.page);
    buf_init(&back, SMALL_MAX);
    assert_int_equal(coding_unpack(CODING_GZIP, page_bytes(again.page), SMALL_MAX, &back), ERR_OK);
    assert_true(back.len == SMALL_MAX / 2 && memcmp(back.at, kit->body, back.len) == 0);
    buf_deinit(&back);
    assert_true(edge_cache_find(kit->cache, &key, &zstd, &again) &&
                edge_cache_find(kit->cache, &key, &zstd, &again));
    assert_true(str_eq(again.fields[1].value, STR("zstd")));
    struct edge_cache_count count = edge_cache_count(kit->cache);
    assert_true(count.pages == 1 && count.packings == 2);
    assert_int_equal(count.bytes, SMALL_MAX / 2 + page_bytes(out.page).len + page_bytes(again.page).len);
    assert_true(edge_cache_find(kit->cache, &key, &plain, &again));
    assert_true(page_bytes(again.page).len == SMALL_MAX / 2 && str_eq(again.fields[1].name, STR("Vary")));
    answer = page(kit, 10, 1);
    assert_true(edge_cache_keep(kit->cache, &small, &answer, &zstd, &out));
    assert_int_equal(page_bytes(out.page).len, 10);
    assert_true(edge_cache_find(kit->cache, &small, &only, &out));
    assert_true(str_eq(out.fields[1].value, STR("zstd")));
    kit->marks[1]++; /* both forms end with their page */
    assert_false(edge_cache_find(kit->cache, &key, &zstd, &out) ||
                 edge_cache_find(kit->cache, &small, &only, &out));
    assert_int_equal(edge_cache_count(kit->cache).bytes, 0);
}

/* Bytes that no packing makes smaller: the packed form pushes out others, never its own page. */
static void packed_forms_count_as_bytes(void **state)
{
    struct kit *kit = *state;
    static const struct edge_wish zstd = {CODING_ZSTD, true};
    struct hash keys[3];
    struct answer out;
    uint64_t noise = 88172645463325252u;
    for (size_t i = 0; i < SMALL_MAX; i++) {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        kit->body[i] = (uint8_t)noise;
    }
    for (unsigned i = 0; i < 3; i++)
        keys[i] = key_number(kit, i);
    assert_true(keep(kit, &keys[0], SMALL_MAX / 4, 1) && keep(kit, &keys[1], SMALL_MAX / 2, 1));
    assert_true(edge_cache_find(kit->cache, &keys[0], &zstd, &out));
    assert_true(edge_cache_count(kit->cache).bytes <= SMALL_MAX && has(kit, &keys[0]));
    assert_true(keep(kit, &keys[2], SMALL_MAX, 1));
    assert_true(edge_cache_find(kit->cache, &keys[2], &zstd, &out)); /* no room: plain */
    assert_int_equal(page_bytes(out.page).len, SMALL_MAX);
    assert_true(str_eq(out.fields[1].name, STR("Vary")));
}

static void a_head_that_does_not_fit_is_not_kept(void **state)
{
    struct kit *kit = *state;
    static char long_text[4096];
    struct hash key = key_number(kit, 1);
    struct exchange_answer answer = page(kit, 10, 1);
    struct answer out;
    memset(long_text, 'x', sizeof long_text - 1);
    answer.headers[0].value = str_of(long_text);
    assert_false(edge_cache_keep(kit->cache, &key, &answer, &plain, &out));
    assert_false(has(kit, &key));
    assert_int_equal(edge_cache_count(kit->cache).bytes, 0);
}

static void what_is_given_again_is_told_once(void **state)
{
    struct kit *kit = *state;
    struct exchange_answer answer = page(kit, 100, 1);
    struct answer out;
    struct hash key = key_number(kit, 1), other = key_number(kit, 2);
    answer.note = bytes_of("note", 4);
    assert_true(edge_cache_keep(kit->cache, &key, &answer, &plain, &out));
    assert_true(edge_cache_keep(kit->cache, &other, &answer, &plain, &out));
    edge_cache_tell(kit->cache);
    assert_int_equal(kit->told, 0); /* core recorded these itself */
    for (int i = 0; i < 3; i++)
        assert_true(edge_cache_find(kit->cache, &key, &plain, &out));
    assert_true(edge_cache_find(kit->cache, &other, &plain, &out));
    edge_cache_tell(kit->cache);
    edge_cache_tell(kit->cache);
    assert_int_equal(kit->told, 2);
    assert_int_equal(kit->used, 4);
    assert_int_equal(kit->used_bytes, 400);
    assert_true(edge_cache_find(kit->cache, &key, &plain, &out));
    kit->marks[1]++; /* the page is no longer true: it goes, and says how often it was given */
    assert_false(edge_cache_find(kit->cache, &key, &plain, &out));
    assert_int_equal(kit->used, 5);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROW(what_is_given_again_is_told_once),
        ROW(gives_again_what_it_was_given),
        ROW(every_part_of_a_request_counts),
        ROW(a_raised_mark_ends_what_rests_on_it),
        ROW(what_is_old_when_it_comes_is_not_kept),
        ROW(bytes_are_bounded_and_the_oldest_gives_way),
        ROW(pages_are_bounded),
        ROW(a_page_is_replaced_not_kept_twice),
        ROW(an_answer_under_way_keeps_its_bytes),
        ROW(a_sweep_forgets_what_nobody_asks_for),
        ROW(a_page_is_packed_once),
        ROW(packed_forms_count_as_bytes),
        ROW(a_head_that_does_not_fit_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
