/* Submissions, statuses and workspaces: rows R2, R4 to R7 and R10 of the TAXII 2.1 checklist. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "json/json.h"

#define INBOX "/api/collections/inbox/objects/"
#define SPACE "/api/collections/workspace/objects/"
#define ID1   "indicator--00000000-0000-4000-8000-000000000001"

static const char *envelope(const char *a, const char *b, const char *c)
{
    static char text[4096];
    (void)snprintf(text, sizeof text, "{\"objects\":[%s%s%s%s%s]}", a, b != NULL ? ", " : "",
                   b != NULL ? b : "", c != NULL ? "\n,\n" : "", c != NULL ? c : "");
    return text;
}

static void R4_rights_decide_between_403_and_405(void **state)
{
    struct kit *kit = *state;
    struct exchange_request remove = {.method = EXCHANGE_DELETE};
    assert_int_equal(kit_get(kit, INBOX, ""), 403);
    assert_int_equal(kit_get(kit, "/api/collections/inbox/manifest/", ""), 403);
    assert_int_equal(kit_get(kit, INBOX "" ID1 "/", ""), 403);
    assert_int_equal(kit_post(kit, "/api/collections/release/objects/", envelope("{}", NULL, NULL)), 403);
    remove.path = STR("/api/collections/release/objects/" ID1 "/");
    assert_int_equal(kit_send(kit, &remove), 403);
    remove.path = STR("/api/collections/inbox/objects/" ID1 "/");
    assert_int_equal(kit_send(kit, &remove), 403);
    remove.path = STR("/api/collections/workspace/objects/" ID1 "/");
    assert_int_equal(kit_send(kit, &remove), 405); /* optional, and not offered */
    assert_string_equal(kit_header(kit, "Allow"), "GET, HEAD");
}

static void R5_status_counts_and_names_each_object(void **state)
{
    struct kit *kit = *state;
    char id[64], path[128], body[4096];
    const char *text =
        envelope(kit_object(1, 1, "a"), "{\"id\":\"" ID1 "\",\"broken\":1}", kit_object(2, 5, "b"));
    assert_int_equal(kit_post(kit, INBOX, text), 202);
    assert_true(kit->effect.needs_commit);
    assert_true(kit_says(kit, "\"status\":\"complete\"") && kit_says(kit, "\"total_count\":3") &&
                kit_says(kit, "\"success_count\":2") && kit_says(kit, "\"failure_count\":1") &&
                kit_says(kit, "\"pending_count\":0"));
    assert_true(kit_says(kit, "\"failures\":[{\"id\":\"" ID1 "\""));
    assert_true(kit_says(kit, "/objects/1/id: what it has to have is missing (STIX 2.1 section 3.2)"));
    assert_true(kit_says(kit, "000000000002\",\"version\":\"2026-01-01T00:00:05.000Z\"}"));
    assert_false(kit_says(kit, "\"pendings\""));
    (void)snprintf(body, sizeof body, "%s", kit_body(kit));
    kit_member(kit, "id", id, sizeof id);
    (void)snprintf(path, sizeof path, "/api/status/%s/", id);
    assert_int_equal(kit_get(kit, path, ""), 200);
    assert_string_equal(kit_body(kit), body);
    assert_int_equal(kit_get_as(kit, kit->ca_token, path, ""), 404); /* another's */
    assert_int_equal(kit_get(kit, "/api/status/00000000-0000-4000-8000-000000000000/", ""), 404);
    assert_int_equal(kit_get(kit, "/api/status/x/", ""), 404);
}

static void R5_statuses_differ_and_the_oldest_gives_way(void **state)
{
    struct kit *kit = *state;
    char first[64], id[64], path[128];
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "a"), NULL, NULL)), 202);
    kit_member(kit, "id", first, sizeof first);
    for (unsigned i = 0; i < LIMIT_TAXII_STATUSES - 1; i++)
        assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "a"), NULL, NULL)), 202);
    kit_member(kit, "id", id, sizeof id);
    assert_string_not_equal(first, id);
    (void)snprintf(path, sizeof path, "/api/status/%s/", first);
    assert_int_equal(kit_get(kit, path, ""), 200);
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "a"), NULL, NULL)), 202);
    assert_int_equal(kit_get(kit, path, ""), 404);
    (void)snprintf(path, sizeof path, "/api/status/%s/", id);
    assert_int_equal(kit_get(kit, path, ""), 200);
}

static void R5_a_kept_status_without_room_leaves_whole_lists_out(void **state)
{
    struct kit *kit = *state;
    struct buf text;
    char id[64], path[128];
    buf_init(&text, 1 << 20);
    buf_put_str(&text, STR("{\"objects\":["));
    for (unsigned i = 1; i <= 1000; i++)
        buf_printf(&text, "%s%s", i > 1 ? "," : "", kit_object(i, 1, "m"));
    buf_put(&text, "]}", 3);
    assert_int_equal(kit_post(kit, INBOX, (const char *)text.at), 202);
    assert_int_equal(kit_occurs(kit, "\"version\":"), 1000);
    kit_member(kit, "id", id, sizeof id);
    (void)snprintf(path, sizeof path, "/api/status/%s/", id);
    assert_int_equal(kit_get(kit, path, ""), 200);
    assert_true(kit_says(kit, "\"success_count\":1000") && !kit_says(kit, "\"successes\""));
    buf_deinit(&text);
}

static void R5_one_bad_object_fails_alone(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(kit_post(kit, INBOX, envelope("17", "{\"id\":\"x\",\"id\":}", kit_object(1, 1, "good"))),
                     202);
    assert_true(kit_says(kit, "\"success_count\":1") && kit_says(kit, "\"failure_count\":2"));
    assert_true(kit_says(kit, "\"id\":\"unknown--00000000-0000-0000-0000-000000000000\""));
}

static void R6_bodies_that_are_no_envelope(void **state)
{
    struct kit *kit = *state;
    static const char *const broken[] = {
        "", "{", "{\"objects\":[", "{\"objects\":[{}", "{\"objects\":[{}]} x", "not json"};
    static const char *const other[] = {"{}", "{\"objects\":[]}", "{\"objects\":{}}", "[]", "{\"id\":\"a\"}"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_int_equal(kit_post(kit, INBOX, broken[i]), 400);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        assert_int_equal(kit_post(kit, INBOX, other[i]), 422);
    assert_int_equal(fake_object_count(kit->gate), 0);
}

static void R6_a_bundle_is_taken_too(void **state)
{
    struct kit *kit = *state;
    char text[1024];
    (void)snprintf(
        text, sizeof text,
        "{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-000000000001\",\"objects\":[%s]}",
        kit_object(1, 1, "a"));
    assert_int_equal(kit_post(kit, INBOX, text), 202);
    assert_true(kit_says(kit, "\"total_count\":1,\"success_count\":1"));
}

static void R2_413_only_above_max_content_length(void **state)
{
    struct kit *kit = *state;
    size_t size = LIMIT_TAXII_CONTENT_BYTES;
    char *text = mem_alloc(size + 2);
    assert_non_null(text);
    memset(text, ' ', size + 1);
    const char *head = "{\"objects\":[{\"id\":\"" ID1 "\"}]}";
    memcpy(text, head, strlen(head));
    assert_int_equal(kit_post(kit, INBOX, text), 413);
    text[size] = '\0';
    assert_int_equal(kit_post(kit, INBOX, text), 202);
    mem_free(text);
}

static void R2_a_large_body_goes_in_several_batches(void **state)
{
    struct kit *kit = *state;
    struct buf text;
    buf_init(&text, LIMIT_TAXII_CONTENT_BYTES + 1);
    buf_put_str(&text, STR("{\"objects\":["));
    for (unsigned i = 1; i <= 5000; i++) /* more than LIMIT_BATCH_OBJECTS, more than LIMIT_BATCH_BYTES */
        buf_printf(&text, "%s{\"id\":\"indicator--00000000-0000-4000-8000-%012u\",\"x\":\"%01500d\"}",
                   i > 1 ? "," : "", i, 0);
    buf_put(&text, "]}", 3);
    assert_int_equal(kit_post(kit, INBOX, (const char *)text.at), 202);
    assert_true(kit_says(kit, "\"total_count\":5000,\"success_count\":5000"));
    assert_int_equal(fake_object_count(kit->gate), 5000);
    buf_deinit(&text);
}

static void R2_an_object_too_large_for_the_log_fails_alone(void **state)
{
    struct kit *kit = *state;
    struct buf text;
    buf_init(&text, LIMIT_TAXII_CONTENT_BYTES);
    buf_printf(&text, "{\"objects\":[%s,{\"id\":\"" ID1 "\",\"x\":\"", kit_object(2, 1, "before"));
    memset(buf_extend(&text, LIMIT_OBJECT_BYTES), 'x', LIMIT_OBJECT_BYTES);
    buf_printf(&text, "\"},%s]}", kit_object(3, 1, "after"));
    buf_putc(&text, '\0');
    assert_int_equal(kit_post(kit, INBOX, (const char *)text.at), 202);
    assert_true(kit_says(kit, "\"success_count\":2,\"failure_count\":1") && kit_says(kit, "/objects/1: "));
    buf_deinit(&text);
}

static void R7_posting_again_succeeds(void **state)
{
    struct kit *kit = *state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "same"), NULL, NULL)), 202);
        assert_true(kit_says(kit, "\"success_count\":1,\"failure_count\":0"));
    }
    assert_int_equal(fake_object_count(kit->gate), 1);
}

static void R7_a_conflict_is_told_only_within_the_view(void **state)
{
    struct kit *kit = *state;
    fake_hold(kit->gate, kit->ca_source, 1, kit_object(1, 1, "theirs"));
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "mine"), NULL, NULL)), 202);
    assert_true(kit_says(kit, "\"success_count\":1,\"failure_count\":0")); /* as if nobody held it */
    kit_release(kit, kit_object(1, 1, "theirs"));
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "again"), NULL, NULL)), 202);
    assert_true(kit_says(kit, "\"failure_count\":1") && kit_says(kit, "differs from what is held"));
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(2, 1, "own"), NULL, NULL)), 202);
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(2, 1, "own, other"), NULL, NULL)), 202);
    assert_true(kit_says(kit, "\"failure_count\":1"));
}

static void R10_custom_properties_stay(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(kit_post(kit, SPACE, envelope(kit_object(1, 1, "custom"), NULL, NULL)), 202);
    assert_int_equal(kit_get(kit, SPACE, ""), 200);
    assert_true(kit_says(kit, "\"x_note\":\"custom\""));
}

static void workspace_reads_back_its_own_and_no_more(void **state)
{
    struct kit *kit = *state;
    char want[1024], query[256], next[128];
    fake_hold(kit->gate, kit->ca_source, 1, kit_object(9, 1, "foreign"));
    assert_int_equal(
        kit_post(kit, SPACE, envelope(kit_object(1, 1, "one"), kit_object(2, 1, "two"), "{\"broken\":1}")),
        202);
    assert_int_equal(kit_post(kit, SPACE, envelope(kit_object(1, 2, "three"), NULL, NULL)), 202);
    assert_int_equal(kit_get(kit, SPACE, ""), 200);
    (void)snprintf(want, sizeof want, "{\"objects\":[%s,%s]}", kit_object(2, 1, "two"),
                   kit_object(1, 2, "three"));
    assert_string_equal(kit_body(kit), want);
    assert_int_equal(kit_get(kit, SPACE, "match[version]=all&limit=2"), 200);
    assert_int_equal(kit_occurs(kit, "x_note"), 2);
    assert_false(kit->response.cacheable);
    kit_member(kit, "next", next, sizeof next);
    (void)snprintf(query, sizeof query, "match[version]=all&next=%s", next);
    assert_int_equal(kit_get(kit, SPACE, query), 200);
    assert_true(kit_says(kit, "three") && kit_occurs(kit, "x_note") == 1);
    assert_int_equal(kit_get(kit, SPACE "" ID1 "/", "match[version]=all"), 200);
    assert_int_equal(kit_occurs(kit, "x_note"), 2);
    assert_int_equal(kit_get(kit, SPACE "indicator--00000000-0000-4000-8000-000000000009/", ""), 404);
    assert_int_equal(kit_get_as(kit, kit->ca_token, SPACE "" ID1 "/", ""), 404);
}

static void workspace_dates_are_unique_and_can_be_followed(void **state)
{
    struct kit *kit = *state;
    char query[128], last[64];
    struct buf text;
    buf_init(&text, 4u << 20);
    buf_put_str(&text, STR("{\"objects\":["));
    for (unsigned i = 1; i <= 2500; i++)
        buf_printf(&text, "%s%s", i > 1 ? "," : "", kit_object(i, 1, "w"));
    buf_put(&text, "]}", 3);
    assert_int_equal(kit_post(kit, SPACE, (const char *)text.at), 202);
    unsigned seen = 0;
    (void)snprintf(query, sizeof query, "limit=700");
    for (int page = 0; page < 4; page++) {
        assert_int_equal(kit_get(kit, SPACE, query), 200);
        seen += (unsigned)kit_occurs(kit, "x_note");
        (void)snprintf(last, sizeof last, "%s", kit_header(kit, "X-TAXII-Date-Added-Last"));
        (void)snprintf(query, sizeof query, "limit=700&added_after=%s", last);
    }
    assert_int_equal(seen, 2500);
    assert_int_equal(kit_get(kit, SPACE, query), 200);
    assert_string_equal(kit_body(kit), "{}");
    assert_int_equal(kit_get(kit, SPACE "indicator--00000000-0000-4000-8000-000000002345/", ""), 200);
    assert_string_not_equal(kit_header(kit, "X-TAXII-Date-Added-Last"), last);
    buf_deinit(&text);
}

static void a_gate_that_takes_nothing_is_503(void **state)
{
    struct kit *kit = *state;
    fake_fail(kit->gate, ERR_READONLY);
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "a"), NULL, NULL)), 503);
    assert_false(kit->effect.needs_commit);
    assert_non_null(kit_header(kit, "Retry-After"));
}

static void a_failed_commit_takes_the_answer_back(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "a"), NULL, NULL)), 202);
    taxii_uncommitted(&kit->response);
    assert_int_equal(kit->response.status, 503);
    buf_putc(&kit->response.body, '\0');
    assert_false(kit_says(kit, "success_count"));
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        ROW(R2_413_only_above_max_content_length),
        ROW(R2_a_large_body_goes_in_several_batches),
        ROW(R2_an_object_too_large_for_the_log_fails_alone),
        ROW(R4_rights_decide_between_403_and_405),
        ROW(R5_status_counts_and_names_each_object),
        ROW(R5_statuses_differ_and_the_oldest_gives_way),
        ROW(R5_a_kept_status_without_room_leaves_whole_lists_out),
        ROW(R5_one_bad_object_fails_alone),
        ROW(R6_bodies_that_are_no_envelope),
        ROW(R6_a_bundle_is_taken_too),
        ROW(R7_posting_again_succeeds),
        ROW(R7_a_conflict_is_told_only_within_the_view),
        ROW(R10_custom_properties_stay),
        ROW(workspace_reads_back_its_own_and_no_more),
        ROW(workspace_dates_are_unique_and_can_be_followed),
        ROW(a_gate_that_takes_nothing_is_503),
        ROW(a_failed_commit_takes_the_answer_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
