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

static unsigned del(struct kit *kit, const char *token, const char *path, const char *query)
{
    struct exchange_request request = {.method = EXCHANGE_DELETE,
                                       .path = str_of(path),
                                       .query = str_of(query),
                                       .authorization = str_of(token)};
    return kit_send(kit, &request);
}

static void R4_rights_decide_between_403_and_404(void **state)
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
    assert_int_equal(kit_send(kit, &remove), 404); /* both rights, and nothing there */
    assert_int_equal(del(kit, kit->desk_token, "/api/collections/workspace/objects/" ID1 "/", ""), 404);
    assert_int_equal(del(kit, kit->jp_token, "/api/collections/workspace/objects/", ""), 405);
    assert_int_equal(del(kit, kit->jp_token, "/api/collections/workspace/", ""), 405);
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

static void R9_delete_takes_out_of_the_workspace_once(void **state)
{
    struct kit *kit = *state;
    const char *both = envelope(kit_object(1, 1, "one"), kit_object(1, 2, "two"), kit_object(2, 1, "other"));
    char body[4096];
    assert_int_equal(kit_post(kit, SPACE, both), 202);
    assert_int_equal(del(kit, kit->ca_token, SPACE "" ID1 "/", ""), 404); /* somebody else's workspace */
    assert_int_equal(kit_get(kit, SPACE, "match[version]=all"), 200);
    assert_int_equal(kit_occurs(kit, "x_note"), 3);
    assert_int_equal(del(kit, kit->jp_token, SPACE "" ID1 "/", ""), 200);
    assert_string_equal(kit_body(kit), "");
    assert_true(kit->effect.needs_commit);
    assert_int_equal(del(kit, kit->jp_token, SPACE "" ID1 "/", ""), 404);
    (void)snprintf(body, sizeof body, "%s", kit_body(kit));
    assert_int_equal(del(kit, kit->jp_token, SPACE "indicator--00000000-0000-4000-8000-000000000077/", ""),
                     404);
    assert_string_equal(kit_body(kit), body); /* deleted, and never there: the same */
    assert_int_equal(kit_get(kit, SPACE "" ID1 "/", ""), 404);
    assert_int_equal(kit_get(kit, SPACE "" ID1 "/versions/", ""), 404);
    assert_int_equal(kit_get(kit, SPACE, "match[version]=all"), 200);
    assert_true(kit_occurs(kit, "x_note") == 1 && kit_says(kit, "other"));
    assert_int_equal(kit_post(kit, SPACE, both), 202); /* submitted again, it is there again */
    assert_true(kit_says(kit, "\"success_count\":3"));
    assert_int_equal(kit_get(kit, SPACE, "match[version]=all"), 200);
    assert_int_equal(kit_occurs(kit, "x_note"), 3);
}

static void R9_delete_by_version_and_spec_version(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(
        kit_post(kit, SPACE,
                 envelope(kit_object(1, 1, "one"), kit_object(1, 2, "two"), kit_object(1, 3, "three"))),
        202);
    assert_int_equal(del(kit, kit->jp_token, SPACE "" ID1 "/", "match[spec_version]=2.0"), 404);
    assert_int_equal(del(kit, kit->jp_token, SPACE "" ID1 "/", "match[type]=indicator"), 400);
    assert_int_equal(del(kit, kit->jp_token, SPACE "" ID1 "/", "match[version]=nonsense"), 400);
    assert_int_equal(del(kit, kit->jp_token, SPACE "" ID1 "/", "match[version]=2020-01-01T00:00:00Z"), 404);
    assert_int_equal(kit_get(kit, SPACE, "match[version]=all"), 200);
    assert_int_equal(kit_occurs(kit, "x_note"), 3);
    assert_int_equal(del(kit, kit->jp_token, SPACE "" ID1 "/", "match[version]=2026-01-01T00:00:02Z"), 200);
    assert_int_equal(kit_get(kit, SPACE "" ID1 "/versions/", ""), 200);
    assert_string_equal(kit_body(kit),
                        "{\"versions\":[\"2026-01-01T00:00:01.000Z\",\"2026-01-01T00:00:03.000Z\"]}");
    assert_int_equal(del(kit, kit->jp_token, SPACE "" ID1 "/", "match[version]=last&match[spec_version]=2.1"),
                     200);
    assert_int_equal(kit_get(kit, SPACE "" ID1 "/", ""), 200);
    assert_true(kit_says(kit, "one")); /* the last of what is left */
    assert_int_equal(del(kit, kit->jp_token, SPACE "" ID1 "/", "match[version]=first"), 200);
    assert_int_equal(kit_get(kit, SPACE "" ID1 "/", ""), 404);
}

/* A filter that is misspelt, or that belongs elsewhere, must not delete what it was to spare. */
static void P9_delete_takes_no_other_parameter(void **state)
{
    struct kit *kit = *state;
    static const char *const foreign[] = {
        "Match[version]=first",
        "match=first",
        "version=first",
        "match%255Bversion%255D=first",
        "added_after=2030-01-01T00:00:00Z",
        "next=zzz",
        "limit=1",
        "match[type]=indicator",
        ("match[id]=" ID1),
        "anything=at-all",
    };
    const char *path = "/api/collections/workspace/objects/" ID1 "/";
    assert_int_equal(
        kit_post(kit, "/api/collections/workspace/objects/", envelope(kit_object(1, 1, "a"), NULL, NULL)),
        202);
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        assert_int_equal(del(kit, kit->jp_token, path, foreign[i]), 400);
    assert_int_equal(kit_get(kit, path, ""), 200);
    assert_int_equal(kit_get(kit, path, "Match[version]=first"), 400);
    assert_int_equal(del(kit, kit->jp_token, path, ""), 200);
}

static void R9_delete_of_copies_of_one_version(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(kit_post(kit, SPACE, envelope(kit_object(1, 1, "first"), NULL, NULL)), 202);
    assert_int_equal(kit_post(kit, SPACE, envelope(kit_object(1, 1, "second"), NULL, NULL)), 202);
    assert_true(kit_says(kit, "\"failure_count\":1"));
    assert_int_equal(kit_get(kit, SPACE, ""), 200);
    assert_true(kit_says(kit, "first") && !kit_says(kit, "second"));
    assert_int_equal(del(kit, kit->jp_token, SPACE "" ID1 "/", "match[version]=last"), 200);
    assert_int_equal(kit_get(kit, SPACE, "match[version]=all"), 200);
    assert_string_equal(kit_body(kit), "{}"); /* what gave way does not come to light */
}

static void R9_delete_recalls_nothing(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(kit_post(kit, SPACE, envelope(kit_object(1, 1, "mine"), NULL, NULL)), 202);
    kit_release(kit, kit_object(1, 1, "mine"));
    size_t held = fake_object_count(kit->gate);
    assert_int_equal(del(kit, kit->jp_token, SPACE "" ID1 "/", ""), 200);
    assert_int_equal(kit_get(kit, "/api/collections/release/objects/" ID1 "/", ""), 200);
    assert_int_equal(fake_object_count(kit->gate), held);
    assert_int_equal(del(kit, kit->jp_token, "/api/collections/release/objects/" ID1 "/", ""), 403);
}

static void objects_beyond_the_quota_wait(void **state)
{
    struct kit *kit = *state;
    const char *two = envelope(kit_object(1, 1, "a"), kit_object(2, 1, "b"), NULL);
    assert_int_equal(taxii_identity_limit(kit->taxii, STR("jp"), 0, 5, &kit_by, kit->now_us), ERR_OK);
    assert_int_equal(kit_post(kit, INBOX, two), 202);
    assert_int_equal(kit_post(kit, INBOX, two), 202);
    assert_int_equal(kit_post(kit, INBOX, two), 429);
    assert_false(kit->effect.needs_commit);
    assert_string_equal(kit_header(kit, "Retry-After"), "17280"); /* a fifth of a day: one object */
    assert_int_equal(kit_get(kit, SPACE, ""), 200);               /* reading goes on */
    kit->now_us += 17280 * INT64_C(1000000);
    assert_int_equal(kit_post(kit, INBOX, two), 202);
}

static void R5_statuses_last_a_day(void **state)
{
    struct kit *kit = *state;
    char first[64], second[64], path[128];
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "a"), NULL, NULL)), 202);
    kit_member(kit, "id", first, sizeof first);
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "a"), NULL, NULL)), 202);
    kit_member(kit, "id", second, sizeof second);
    assert_string_not_equal(first, second);
    (void)snprintf(path, sizeof path, "/api/status/%s/", first);
    kit->now_us += LIMIT_TAXII_STATUS_US - 1;
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "a"), NULL, NULL)), 202);
    assert_int_equal(kit_get(kit, path, ""), 200);
    kit->now_us += 1;
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "a"), NULL, NULL)), 202);
    assert_int_equal(kit_get(kit, path, ""), 404); /* over, and made room */
    (void)snprintf(path, sizeof path, "/api/status/%s/", second);
    assert_int_equal(kit_get(kit, path, ""), 404);
}

/* As if so many had come within the day: the numbers of the next and of the oldest one. */
static void pretend_statuses(struct kit *kit, uint64_t next)
{
    uint8_t span[16] = {0};
    for (int i = 0; i < 8; i++)
        span[i] = (uint8_t)(next >> (56 - 8 * i));
    assert_int_equal(gate_setting_put(kit->gate, STR("taxii/submissions/jp"), bytes_of(span, sizeof span),
                                      &kit_by, kit->now_us),
                     ERR_OK);
}

static void R5_submissions_wait_rather_than_push_statuses_out(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(1, 1, "a"), NULL, NULL)), 202);
    pretend_statuses(kit, LIMIT_TAXII_STATUSES);
    kit->now_us += 1000000;
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(2, 1, "b"), NULL, NULL)), 429);
    assert_string_equal(kit_header(kit, "Retry-After"), "86399");
    assert_int_equal(fake_object_count(kit->gate), 1);
    kit->now_us += LIMIT_TAXII_STATUS_US;
    assert_int_equal(kit_post(kit, INBOX, envelope(kit_object(2, 1, "b"), NULL, NULL)), 202);
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
    /* Section 4.3.1: what has no identifier may be given any; nobody takes these for an object's. */
    assert_true(kit_says(kit, "\"id\":\"/objects/0\"") && kit_says(kit, "\"id\":\"/objects/1\""));
    assert_false(kit_says(kit, "unknown--"));
}

static void R6_bodies_that_are_no_envelope(void **state)
{
    struct kit *kit = *state;
    static const char *const broken[] = {
        "", "{", "{\"objects\":[", "{\"objects\":[{}", "{\"objects\":[{}]} x", "not json"};
    static const char *const shapes[] = {"{\"objects\":{}}", "[]", "{\"id\":\"a\"}", "17", "[{}]"};
    static const char *const empty[] = {"{}", " { \n} ", "{\"objects\":[]}", "{\"objects\" : [ ]}"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_int_equal(kit_post(kit, INBOX, broken[i]), 400);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        assert_int_equal(kit_post(kit, INBOX, shapes[i]), 400);
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        assert_int_equal(kit_post(kit, INBOX, empty[i]), 422);
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
        ROW(R4_rights_decide_between_403_and_404),
        ROW(R9_delete_takes_out_of_the_workspace_once),
        ROW(R9_delete_by_version_and_spec_version),
        ROW(P9_delete_takes_no_other_parameter),
        ROW(R9_delete_of_copies_of_one_version),
        ROW(R9_delete_recalls_nothing),
        ROW(objects_beyond_the_quota_wait),
        ROW(R5_status_counts_and_names_each_object),
        ROW(R5_statuses_last_a_day),
        ROW(R5_submissions_wait_rather_than_push_statuses_out),
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
