/* Paging and filters: rows P1 to P9 of the TAXII 2.1 checklist, G9, R8 and R9. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

#define OBJECTS  "/api/collections/release/objects/"
#define MANIFEST "/api/collections/release/manifest/"
#define ID1      "indicator--00000000-0000-4000-8000-000000000001"

static void release_many(struct kit *kit, unsigned count)
{
    for (unsigned i = 1; i <= count; i++)
        kit_release(kit, kit_object(i, 1, "n"));
}

static void query_next(struct kit *kit, char *out, size_t size, const char *rest)
{
    char next[128];
    kit_member(kit, "next", next, sizeof next);
    (void)snprintf(out, size, "next=%s%s", next, rest);
}

static void P1_pages_rise_in_date_added(void **state)
{
    struct kit *kit = *state;
    release_many(kit, 3);
    assert_int_equal(kit_get(kit, MANIFEST, ""), 200);
    const char *a = strstr(kit_body(kit), "000000000001\""), *b = strstr(kit_body(kit), "000000000002\""),
               *c = strstr(kit_body(kit), "000000000003\"");
    assert_true(a != NULL && a < b && b < c);
}

static void P2_limit_is_kept_and_judged(void **state)
{
    struct kit *kit = *state;
    release_many(kit, 5);
    static const char *const bad[] = {
        "limit=0", "limit=-1", "limit=x", "limit=", "limit=1x", "limit=+1", "limit=1&limit=2", "limit=000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(kit_get(kit, OBJECTS, bad[i]), 400);
    assert_int_equal(kit_get(kit, OBJECTS, "limit=2"), 200);
    assert_int_equal(kit_occurs(kit, "\"type\":\"indicator\""), 2);
    assert_int_equal(kit_get(kit, OBJECTS, "limit=99999999999999999999999"), 200);
    assert_int_equal(kit_occurs(kit, "\"type\":\"indicator\""), 5);
    assert_false(kit_says(kit, "\"more\""));
}

static void P2_never_more_than_the_maximum(void **state)
{
    struct kit *kit = *state;
    release_many(kit, LIMIT_TAXII_PAGE_OBJECTS + 1);
    assert_int_equal(kit_get(kit, OBJECTS, "limit=5000"), 200);
    assert_int_equal(kit_occurs(kit, "\"type\":\"indicator\""), LIMIT_TAXII_PAGE_OBJECTS);
    assert_true(kit_says(kit, "\"more\":true"));
    assert_true(kit->response.cacheable);
}

static void P3_more_comes_with_next_and_next_goes_on(void **state)
{
    struct kit *kit = *state;
    char query[256];
    release_many(kit, 5);
    assert_int_equal(kit_get(kit, OBJECTS, "limit=2"), 200);
    assert_true(kit_says(kit, "\"more\":true"));
    query_next(kit, query, sizeof query, "&limit=2");
    assert_int_equal(kit_get(kit, OBJECTS, query), 200);
    assert_true(kit_says(kit, "000000000003\"") && kit_says(kit, "000000000004\""));
    query_next(kit, query, sizeof query, "&limit=2");
    assert_int_equal(kit_get(kit, OBJECTS, query), 200);
    assert_int_equal(kit_occurs(kit, "\"type\":\"indicator\""), 1);
    assert_false(kit_says(kit, "\"more\"") || kit_says(kit, "\"next\""));
    assert_true(kit->response.cacheable);
}

static void P3_a_full_last_page_does_not_promise_more(void **state)
{
    struct kit *kit = *state;
    release_many(kit, 2);
    assert_int_equal(kit_get(kit, OBJECTS, "limit=2"), 200);
    assert_false(kit_says(kit, "\"more\""));
}

static void P3_next_works_with_and_without_added_after(void **state)
{
    struct kit *kit = *state;
    char query[256], other[300];
    release_many(kit, 4);
    assert_int_equal(kit_get(kit, OBJECTS, "limit=1&added_after=2026-01-01T00:00:00Z"), 200);
    query_next(kit, query, sizeof query, "&limit=1");
    assert_int_equal(kit_get(kit, OBJECTS, query), 200);
    assert_true(kit_says(kit, "000000000002\""));
    (void)snprintf(other, sizeof other, "%s&added_after=2026-01-01T00:00:00Z", query);
    assert_int_equal(kit_get(kit, OBJECTS, other), 200);
    assert_true(kit_says(kit, "000000000002\""));
}

static void P3_next_of_another_view_query_or_hand_is_refused(void **state)
{
    struct kit *kit = *state;
    char query[256];
    release_many(kit, 4);
    fake_leaf(kit->gate, kit->ca, LEAF_RELEASE, 5, kit_object(1, 1, "x"), LEAF_SUBJECT_NONE);
    assert_int_equal(kit_get(kit, OBJECTS, "limit=1"), 200);
    query_next(kit, query, sizeof query, "");
    assert_int_equal(kit_get(kit, OBJECTS, query), 200);
    assert_int_equal(kit_get_as(kit, kit->ca_token, OBJECTS, query), 400);
    assert_int_equal(kit_get(kit, MANIFEST, query), 400);
    assert_int_equal(kit_get(kit, OBJECTS "" ID1 "/", query), 400);
    char filtered[300];
    (void)snprintf(filtered, sizeof filtered, "%s&match[type]=indicator", query);
    assert_int_equal(kit_get(kit, OBJECTS, filtered), 400);
    for (size_t i = 5; i < 5 + 48; i++) { /* every digit of it counts */
        char forged[256];
        memcpy(forged, query, sizeof forged);
        forged[i] = forged[i] == '0' ? '1' : '0';
        assert_int_equal(kit_get(kit, OBJECTS, forged), 400);
    }
    assert_int_equal(kit_get(kit, OBJECTS, "next=0"), 400);
    assert_int_equal(kit_get(kit, OBJECTS, "next="), 400);
}

/* The filters ask for sets: their order, and that of their values, is no part of the question. */
static void P3_next_goes_on_whatever_the_order_of_the_filters(void **state)
{
    struct kit *kit = *state;
    static const struct {
        const char *filters;
        unsigned status;
    } rows[] = {
        {"&match[type]=indicator,malware&match[version]=all,last", 200},
        {"&match[version]=all,last&match[type]=malware,indicator", 200},
        {"&match[type]=malware,indicator,malware&match[version]=last,all", 200},
        {"&match%5Btype%5D=malware%2Cindicator&match[version]=all,last&match[spec_version]=2.1", 200},
        {"&match[type]=indicator&match[version]=all,last", 400},
        {"&match[type]=indicator,malware,tool&match[version]=all,last", 400},
        {"&match[type]=indicator,malware&match[version]=all", 400},
        {"&match[type]=indicator,malware", 400},
        {"&match[type]=indicator,malware&match[version]=all,last&match[spec_version]=2.0", 400},
        {"", 400},
    };
    char query[256], all[512];
    release_many(kit, 4);
    (void)snprintf(all, sizeof all, "limit=1%s", rows[0].filters);
    assert_int_equal(kit_get(kit, OBJECTS, all), 200);
    query_next(kit, query, sizeof query, "&limit=1");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(all, sizeof all, "%s%s", query, rows[i].filters);
        if (kit_get(kit, OBJECTS, all) != rows[i].status)
            fail_msg("%s: not %u", rows[i].filters, rows[i].status);
        assert_true(rows[i].status != 200 || kit_says(kit, "000000000002\""));
    }
}

static void P4_headers_name_the_dates_of_the_page(void **state)
{
    struct kit *kit = *state;
    char first[TIME_TEXT_SIZE], last[TIME_TEXT_SIZE];
    release_many(kit, 3);
    time_text(KIT_T0_US + 1000000, first);
    time_text(KIT_T0_US + 2000000, last);
    static const char *const paths[] = {OBJECTS, MANIFEST};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(kit_get(kit, paths[i], "limit=2"), 200);
        assert_string_equal(kit_header(kit, "X-TAXII-Date-Added-First"), first);
        assert_string_equal(kit_header(kit, "X-TAXII-Date-Added-Last"), last);
    }
    assert_int_equal(kit_get(kit, OBJECTS "" ID1 "/versions/", ""), 200);
    assert_string_equal(kit_header(kit, "X-TAXII-Date-Added-Last"), first);
    assert_int_equal(kit_get(kit, OBJECTS, "match[type]=malware"), 200);
    assert_null(kit_header(kit, "X-TAXII-Date-Added-First"));
    assert_string_equal(kit_body(kit), "{}");
}

static void P5_added_after_is_strict(void **state)
{
    struct kit *kit = *state;
    char date[TIME_TEXT_SIZE], query[128];
    release_many(kit, 3);
    time_text(KIT_T0_US + 2000000, date);
    (void)snprintf(query, sizeof query, "added_after=%s", date);
    assert_int_equal(kit_get(kit, OBJECTS, query), 200);
    assert_int_equal(kit_occurs(kit, "\"type\":\"indicator\""), 1);
    assert_true(kit_says(kit, "000000000003\""));
    assert_int_equal(kit_get(kit, OBJECTS, "added_after=yesterday"), 400);
    assert_int_equal(kit_get(kit, OBJECTS, "added_after=2026-01-01"), 400);
}

static void P6_match_fields_are_anded_and_values_ored(void **state)
{
    struct kit *kit = *state;
    release_many(kit, 3);
    kit_release(kit, kit_sco(1, "s"));
    assert_int_equal(kit_get(kit, OBJECTS, "match%5Btype%5D=ipv4-addr,malware"), 200);
    assert_int_equal(kit_occurs(kit, "\"x_note\""), 1);
    assert_int_equal(kit_get(kit, OBJECTS, "match[type]=ipv4-addr%2Cindicator"), 200);
    assert_int_equal(kit_occurs(kit, "\"x_note\""), 4);
    assert_int_equal(
        kit_get(kit, OBJECTS, "match[id]=" ID1 ",indicator--00000000-0000-4000-8000-000000000003,nonsense"),
        200);
    assert_int_equal(kit_occurs(kit, "\"x_note\""), 2);
    assert_int_equal(kit_get(kit, OBJECTS, "match[id]=" ID1 "," ID1), 200);
    assert_int_equal(kit_occurs(kit, "\"x_note\""), 1);
    assert_int_equal(kit_get(kit, OBJECTS, "match[id]=" ID1 "&match[type]=malware"), 200);
    assert_string_equal(kit_body(kit), "{}");
}

static void P6_unknown_and_repeated_match_fields_are_400(void **state)
{
    struct kit *kit = *state;
    static const char *const bad[] = {
        "match[name]=x",         "match[type]=a&match[type]=b",
        "match[version]=newest", "match[version]=",
        "match[%zz]=1",          "added_after=2026-01-01T00:00:00Z&added_after=2026-01-01T00:00:00Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(kit_get(kit, OBJECTS, bad[i]), 400);
    assert_int_equal(kit_get(kit, OBJECTS, "unrelated=1"), 200);
}

static void P7_version_is_last_unless_said_otherwise(void **state)
{
    struct kit *kit = *state;
    kit_release(kit, kit_object(1, 1, "old"));
    kit_release(kit, kit_object(2, 1, "other"));
    kit_release(kit, kit_object(1, 3, "new"));
    kit_release(kit, kit_object(1, 2, "late"));
    static const struct {
        const char *query, *want[3], *not [3];
    } cases[] = {
        {"", {"new", "other"}, {"old", "late"}},
        {"match[version]=last", {"new", "other"}, {"old", "late"}},
        {"match[version]=first", {"old", "other"}, {"new", "late"}},
        {"match[version]=all", {"old", "new", "late"}, {NULL}},
        {"match[version]=first,last", {"old", "new", "other"}, {"late"}},
        {"match[version]=2026-01-01T00:00:02Z", {"late"}, {"old", "new", "other"}},
        {"match[version]=2026-01-01T00:00:02.000Z,last", {"late", "new", "other"}, {"old"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char by_id[256];
        (void)snprintf(by_id, sizeof by_id,
                       "%s&match[id]=" ID1 ",indicator--00000000-0000-4000-8000-000000000002",
                       cases[i].query);
        for (int way = 0; way < 2; way++) {
            assert_int_equal(kit_get(kit, OBJECTS, way == 0 ? cases[i].query : by_id), 200);
            for (size_t k = 0; k < 3 && cases[i].want[k] != NULL; k++)
                assert_true(kit_says(kit, cases[i].want[k]));
            for (size_t k = 0; k < 3 && cases[i].not [k] != NULL; k++)
                assert_false(kit_says(kit, cases[i].not [k]));
        }
    }
}

static void P7_last_pages_skip_what_was_superseded_later(void **state)
{
    struct kit *kit = *state;
    char query[256];
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned i = 1; i <= 4; i++)
            kit_release(kit, kit_object(i, round, round == 3 ? "live" : "old"));
    }
    assert_int_equal(kit_get(kit, OBJECTS, "limit=3"), 200);
    assert_int_equal(kit_occurs(kit, "live"), 3);
    query_next(kit, query, sizeof query, "&limit=3");
    assert_int_equal(kit_get(kit, OBJECTS, query), 200);
    assert_int_equal(kit_occurs(kit, "live"), 1);
    assert_false(kit_says(kit, "old"));
}

static void P7_a_rewritten_version_stands_once(void **state)
{
    struct kit *kit = *state;
    kit_release(kit, kit_object(1, 1, "before"));
    kit_release(kit, kit_object(1, 1, "after"));
    assert_int_equal(kit_get(kit, OBJECTS, "match[version]=all"), 200);
    assert_true(kit_says(kit, "after"));
    assert_false(kit_says(kit, "before"));
}

static void P7_an_object_without_version_has_date_added(void **state)
{
    struct kit *kit = *state;
    char date[TIME_TEXT_SIZE], want[128], query[128];
    kit_release(kit, kit_sco(1, "one"));
    kit_release(kit, kit_sco(1, "two"));
    time_text(kit->now_us, date);
    (void)snprintf(want, sizeof want, "\"date_added\":\"%s\",\"version\":\"%s\"", date, date);
    assert_int_equal(kit_get(kit, MANIFEST, ""), 200);
    assert_true(kit_says(kit, want));
    assert_int_equal(kit_occurs(kit, "\"id\""), 1);
    (void)snprintf(query, sizeof query, "match[version]=%s", date);
    assert_int_equal(kit_get(kit, OBJECTS, query), 200);
    assert_true(kit_says(kit, "two") && !kit_says(kit, "one"));
}

static void P8_all_objects_are_of_spec_version_2_1(void **state)
{
    struct kit *kit = *state;
    release_many(kit, 2);
    assert_int_equal(kit_get(kit, OBJECTS, "match[spec_version]=2.1"), 200);
    assert_int_equal(kit_occurs(kit, "\"type\":\"indicator\""), 2);
    assert_int_equal(kit_get(kit, OBJECTS, "match[spec_version]=2.0"), 200);
    assert_string_equal(kit_body(kit), "{}");
    assert_int_equal(kit_get(kit, OBJECTS, "match[spec_version]=2.0,2.1"), 200);
    assert_int_equal(kit_occurs(kit, "\"type\":\"indicator\""), 2);
}

static void P9_each_endpoint_takes_its_own_filters(void **state)
{
    struct kit *kit = *state;
    kit_release(kit, kit_object(1, 1, "old"));
    kit_release(kit, kit_object(1, 2, "new"));
    assert_int_equal(kit_get(kit, OBJECTS "" ID1 "/", ""), 200);
    assert_true(kit_says(kit, "new") && !kit_says(kit, "old"));
    assert_int_equal(kit_get(kit, OBJECTS "" ID1 "/", "match[version]=first"), 200);
    assert_true(kit_says(kit, "old") && !kit_says(kit, "new"));
    static const struct {
        const char *path, *query;
    } foreign[] = {
        {OBJECTS "" ID1 "/", "match[type]=indicator"},
        {OBJECTS "" ID1 "/", "match[id]=" ID1},
        {OBJECTS "" ID1 "/versions/", "match[version]=all"},
        {OBJECTS "" ID1 "/versions/", "match[type]=indicator"},
    };
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        assert_int_equal(kit_get(kit, foreign[i].path, foreign[i].query), 400);
        assert_true(kit_says(kit, "a parameter that this endpoint does not have"));
    }
    assert_int_equal(kit_get(kit, OBJECTS "" ID1 "/versions/", "match[spec_version]=2.1"), 200);
    assert_int_equal(kit_get(kit, "/api/collections/", "limit=1&next=x"), 200); /* no pages there */
    assert_int_equal(kit_get(kit, OBJECTS "" ID1 "/versions/", "limit=1"), 200);
    assert_true(kit_says(kit, "\"more\":true") &&
                kit_says(kit, "\"versions\":[\"2026-01-01T00:00:01.000Z\"]"));
    char query[256];
    query_next(kit, query, sizeof query, "");
    assert_int_equal(kit_get(kit, OBJECTS "" ID1 "/versions/", query), 200);
    assert_string_equal(kit_body(kit), "{\"versions\":[\"2026-01-01T00:00:02.000Z\"]}");
}

static void R8_manifest_record(void **state)
{
    struct kit *kit = *state;
    char date[TIME_TEXT_SIZE], want[512];
    kit_release(kit, kit_object(1, 7, "x"));
    time_text(kit->now_us, date);
    (void)snprintf(want, sizeof want,
                   "{\"objects\":[{\"id\":\"" ID1 "\",\"date_added\":\"%s\",\"version\":"
                   "\"2026-01-01T00:00:07.000Z\",\"media_type\":\"application/stix+json;version=2.1\"}]}",
                   date);
    assert_int_equal(kit_get(kit, MANIFEST, ""), 200);
    assert_string_equal(kit_body(kit), want);
}

static void R8_objects_are_the_bytes_that_were_released(void **state)
{
    struct kit *kit = *state;
    char want[600];
    kit_release(kit, kit_object(1, 1, "\\u00e9 \\/ 1.0"));
    (void)snprintf(want, sizeof want, "{\"objects\":[%s]}", kit_object(1, 1, "\\u00e9 \\/ 1.0"));
    assert_int_equal(kit_get(kit, OBJECTS, ""), 200);
    assert_string_equal(kit_body(kit), want);
}

static void R9_what_is_not_in_the_view_is_not_found(void **state)
{
    struct kit *kit = *state;
    fake_leaf(kit->gate, kit->ca, LEAF_RELEASE, 5, kit_object(1, 1, "x"), LEAF_SUBJECT_NONE);
    fake_hold(kit->gate, kit->desk_source, 1, kit_object(2, 1, "held"));
    char here[512];
    assert_int_equal(kit_get(kit, OBJECTS "" ID1 "/", ""), 404); /* released to somebody else */
    (void)snprintf(here, sizeof here, "%s", kit_body(kit));
    assert_int_equal(kit_get(kit, OBJECTS "indicator--00000000-0000-4000-8000-000000000002/", ""), 404);
    assert_string_equal(kit_body(kit), here);
    assert_int_equal(kit_get(kit, OBJECTS "indicator--00000000-0000-4000-8000-00000000dead/", ""), 404);
    assert_string_equal(kit_body(kit), here);
    assert_int_equal(kit_get(kit, OBJECTS "nonsense/", ""), 404);
    assert_string_equal(kit_body(kit), here);
    assert_int_equal(kit_get(kit, "/api/collections/00000000-0000-4000-8000-000000000000/", ""), 404);
    assert_string_equal(kit_body(kit), here);
    assert_int_equal(kit_get(kit, OBJECTS "" ID1 "/versions/", ""), 404);
    assert_string_equal(kit_body(kit), here);
}

static void G9_a_range_is_never_answered_with_206_or_416(void **state)
{
    struct kit *kit = *state;
    release_many(kit, 1);
    assert_int_equal(kit_get(kit, OBJECTS, "items=0-10&range=5"), 200);
    assert_null(kit_header(kit, "Content-Range"));
    assert_null(kit_header(kit, "Accept-Ranges"));
}

static void leaves_without_content_are_passed_over(void **state)
{
    struct kit *kit = *state;
    kit_release(kit, kit_object(1, 1, "one"));
    fake_leaf(kit->gate, kit->jp, LEAF_SUPERSEDE, ++kit->now_us, NULL, 0);
    kit_release(kit, kit_object(2, 1, "two"));
    fake_leaf(kit->gate, kit->jp, LEAF_REDACT, ++kit->now_us, kit_object(2, 2, "less"), 2);
    assert_int_equal(kit_get(kit, OBJECTS, "match[version]=all"), 200);
    assert_true(kit_says(kit, "one") && kit_says(kit, "less"));
    assert_false(kit_says(kit, "two")); /* replaced by what says less */
}

static void a_scan_without_matches_ends_and_goes_on(void **state)
{
    struct kit *kit = *state;
    char query[256];
    for (unsigned i = 0; i < LIMIT_TAXII_SCAN + 10; i++)
        fake_leaf(kit->gate, kit->jp, LEAF_EXPIRE, ++kit->now_us, NULL, 0);
    kit_release(kit, kit_object(1, 1, "x"));
    assert_int_equal(kit_get(kit, OBJECTS, "match[type]=indicator"), 200);
    assert_true(kit_says(kit, "\"more\":true") && !kit_says(kit, "\"objects\""));
    query_next(kit, query, sizeof query, "&match[type]=indicator");
    assert_int_equal(kit_get(kit, OBJECTS, query), 200);
    assert_int_equal(kit_occurs(kit, "\"x_note\""), 1);
}

static void twins_read_the_same_bytes(void **state)
{
    struct kit *kit = *state;
    void *other_state;
    kit_setup(&other_state);
    struct kit *twin = other_state;
    fake_hold(twin->gate, twin->desk_source, 5, kit_object(77, 1, "withheld"));
    fake_leaf(twin->gate, twin->ca, LEAF_RELEASE, 5, kit_object(78, 1, "x"), LEAF_SUBJECT_NONE);
    release_many(kit, 3);
    release_many(twin, 3);
    static const char *const paths[] = {OBJECTS, MANIFEST, "/api/collections/", "/api/", OBJECTS "" ID1 "/"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        kit_get(kit, paths[i], "limit=2");
        kit_get(twin, paths[i], "limit=2");
        assert_string_equal(kit_body(kit), kit_body(twin));
        assert_int_equal(kit->response.header_count, twin->response.header_count);
    }
    kit_teardown(&other_state);
}

/* The first reader of a view, and the next one after a release: nothing is answered before it is signed. */
static void a_view_that_is_not_signed_up_to_date_is_not_answered_yet(void **state)
{
    struct kit *kit = *state;
    struct exchange_request request = {.method = EXCHANGE_GET,
                                       .path = STR(OBJECTS),
                                       .accept = STR("application/taxii+json;version=2.1"),
                                       .authorization = str_of(kit->jp_token),
                                       .secure = true};
    struct exchange_response response;
    struct taxii_effect effect;
    release_many(kit, 2);
    fake_unsigned(kit->gate, kit->jp, 1);
    exchange_response_init(&response, 1, LIMIT_TAXII_ANSWER_BYTES);
    assert_false(taxii_try(kit->taxii, &request, kit->now_us, &response, &effect));
    assert_int_equal(response.status, 0);
    assert_int_equal(response.body.len, 0);
    assert_int_equal(effect.polled, kit->jp);
    /* Asked again without patience, it is answered with what there is. */
    taxii_handle(kit->taxii, &request, kit->now_us, &response, &effect);
    assert_int_equal(response.status, 200);
    exchange_response_deinit(&response);
    /* Whom nothing is owed need not wait: a stranger, a view that is signed. */
    exchange_response_init(&response, 1, LIMIT_TAXII_ANSWER_BYTES);
    request.authorization = STR("Bearer nobody");
    assert_true(taxii_try(kit->taxii, &request, kit->now_us, &response, &effect));
    assert_int_equal(response.status, 401);
    exchange_response_deinit(&response);
    exchange_response_init(&response, 1, LIMIT_TAXII_ANSWER_BYTES);
    request.authorization = str_of(kit->jp_token);
    fake_unsigned(kit->gate, kit->jp, 0);
    assert_true(taxii_try(kit->taxii, &request, kit->now_us, &response, &effect));
    assert_int_equal(response.status, 200);
    exchange_response_deinit(&response);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        ROW(P1_pages_rise_in_date_added),
        ROW(P2_limit_is_kept_and_judged),
        ROW(P2_never_more_than_the_maximum),
        ROW(P3_more_comes_with_next_and_next_goes_on),
        ROW(P3_a_full_last_page_does_not_promise_more),
        ROW(P3_next_works_with_and_without_added_after),
        ROW(P3_next_of_another_view_query_or_hand_is_refused),
        ROW(P3_next_goes_on_whatever_the_order_of_the_filters),
        ROW(P4_headers_name_the_dates_of_the_page),
        ROW(P5_added_after_is_strict),
        ROW(P6_match_fields_are_anded_and_values_ored),
        ROW(P6_unknown_and_repeated_match_fields_are_400),
        ROW(P7_version_is_last_unless_said_otherwise),
        ROW(P7_last_pages_skip_what_was_superseded_later),
        ROW(P7_a_rewritten_version_stands_once),
        ROW(P7_an_object_without_version_has_date_added),
        ROW(P8_all_objects_are_of_spec_version_2_1),
        ROW(P9_each_endpoint_takes_its_own_filters),
        ROW(R8_manifest_record),
        ROW(R8_objects_are_the_bytes_that_were_released),
        ROW(R9_what_is_not_in_the_view_is_not_found),
        ROW(G9_a_range_is_never_answered_with_206_or_416),
        ROW(leaves_without_content_are_passed_over),
        ROW(a_scan_without_matches_ends_and_goes_on),
        ROW(twins_read_the_same_bytes),
        ROW(a_view_that_is_not_signed_up_to_date_is_not_answered_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
