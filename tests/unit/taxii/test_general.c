/* Rows G1 to G8 and R1 to R3 of the TAXII 2.1 checklist. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

#include "core/uuid.h"

#define TYPE "application/taxii+json;version=2.1"

static unsigned send_accept(struct kit *kit, const char *path, const char *accept)
{
    struct exchange_request request = {
        .method = EXCHANGE_GET, .path = str_of(path), .accept = str_of(accept)};
    return kit_send(kit, &request);
}

static unsigned send_method(struct kit *kit, const char *path, enum exchange_method method)
{
    struct exchange_request request = {.method = method, .path = str_of(path)};
    return kit_send(kit, &request);
}

static unsigned send_type(struct kit *kit, const char *type)
{
    static const char body[256] = "{\"objects\":[{\"id\":\"note--00000000-0000-4000-8000-000000000009\"}]}";
    struct exchange_request request = {.method = EXCHANGE_POST,
                                       .path = STR("/api/collections/inbox/objects/"),
                                       .content_type = str_of(type),
                                       .body = bytes_of(body, strlen(body))};
    return kit_send(kit, &request);
}

static void G1_plain_is_refused_unless_allowed(void **state)
{
    struct kit *kit = *state;
    struct exchange_request request = {.path = STR("/taxii2/"), .authorization = str_of(kit->jp_token)};
    struct exchange_response response;
    struct taxii_effect effect;
    exchange_response_init(&response, 1, 4096);
    taxii_handle(kit->taxii, &request, kit->now_us, &response, &effect);
    assert_int_equal(response.status, 403);
    exchange_response_deinit(&response);
}

static void G1_api_roots_are_relative_from_the_root(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(kit_get(kit, "/taxii2/", ""), 200);
    assert_true(kit_says(kit, "\"api_roots\":[\"/api/\"]"));
}

static void G2_every_endpoint_has_its_path(void **state)
{
    struct kit *kit = *state;
    kit_release(kit, kit_object(1, 1, "x"));
    static const char *const good[] = {
        "/taxii2/",
        "/api/",
        "/api/collections/",
        "/api/collections/release/",
        "/api/collections/release/manifest/",
        "/api/collections/release/objects/",
        "/api/collections/release/objects/indicator--00000000-0000-4000-8000-000000000001/",
        "/api/collections/release/objects/indicator--00000000-0000-4000-8000-000000000001/versions/",
        "/api/collections/workspace/objects",
    };
    static const char *const bad[] = {"/api/channels/",
                                      "/api/x/",
                                      "/api//collections/",
                                      "/taxii2/x/",
                                      "/api/status/",
                                      "/api/collections/release/objects/a/b/",
                                      "/api/collections/release/objects/a/versions/c/",
                                      "/api/collections/release/x/",
                                      "/apix/"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(kit_get(kit, good[i], ""), 200);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(kit_get(kit, bad[i], ""), 404);
    assert_true(taxii_owns(STR("/taxii2/")) && taxii_owns(STR("/api/collections/")));
    assert_false(taxii_owns(STR("/apix/")) || taxii_owns(STR("/")) || taxii_owns(STR("/taxii")));
}

static void G3_every_answer_has_the_media_type(void **state)
{
    struct kit *kit = *state;
    static const char *const paths[] = {"/taxii2/", "/api/", "/api/collections/release/objects/",
                                        "/api/none/", "/api/collections/inbox/objects/"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        kit_get(kit, paths[i], "");
        assert_string_equal(kit->response.content_type, TYPE);
    }
    kit_get_as(kit, "Basic x", "/api/", "");
    assert_string_equal(kit->response.content_type, TYPE);
}

static void G4_accept(void **state)
{
    struct kit *kit = *state;
    static const char *const good[] = {TYPE,
                                       "application/taxii+json",
                                       "application/taxii+json; version=2.1",
                                       "Application/TAXII+json ; version=\"2.1\"",
                                       "application/json, application/taxii+json;version=2.1;q=0.5",
                                       "*/*",
                                       "application/*;q=0.1",
                                       "*/*;q=0, application/taxii+json",
                                       "application/taxii+json;q=0, " TYPE,
                                       TYPE ";q=0, " TYPE ";q=0.5",
                                       "application/taxii+json;version=2.0;q=0, */*;q=0.1",
                                       ""};
    static const char *const bad[] = {"application/json",
                                      "application/taxii+json;version=2.0",
                                      "application/vnd.oasis.taxii+json",
                                      "application/stix+json;version=2.1",
                                      "text/html",
                                      TYPE ";q=0",
                                      "*/*, application/taxii+json;q=0",
                                      TYPE ";q=0.000, application/taxii+json",
                                      "application/taxii+json;q=0, application/*",
                                      "application/*;q=0, */*",
                                      ";",
                                      ","};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(send_accept(kit, "/taxii2/", good[i]), 200);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(send_accept(kit, "/taxii2/", bad[i]), 406);
        assert_int_equal(send_accept(kit, "/api/collections/release/objects/", bad[i]), 406);
    }
}

static void G5_content_type(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(send_type(kit, TYPE), 202);
    assert_int_equal(send_type(kit, "application/taxii+json; version=2.1"), 202);
    assert_int_equal(send_type(kit, "application/stix+json; version=2.1"), 202); /* OpenCTI */
    assert_int_equal(send_type(kit, "application/json"), 415);
    assert_int_equal(send_type(kit, "application/taxii+json;version=2.0"), 415);
    assert_int_equal(send_type(kit, ""), 415);
}

static void G5_content_type_when_strict(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(send_type(kit, TYPE), 202);
    assert_int_equal(send_type(kit, "application/taxii+json"), 415);
    assert_int_equal(send_type(kit, "application/stix+json;version=2.1"), 415);
}

static void G6_missing_and_bad_credentials_are_401(void **state)
{
    struct kit *kit = *state;
    static const char *const bad[] = {"", "Basic", "Basic !", "Bearer x", "Digest a", "Bearer", "Basic anA="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(kit_get_as(kit, bad[i], "/api/collections/release/", ""), 401);
        assert_non_null(kit_header(kit, "WWW-Authenticate"));
        assert_true(kit_says(kit, "\"http_status\":\"401\""));
    }
    assert_int_equal(kit_get_as(kit, "", "/api/nothing/", ""), 401); /* strangers learn no paths */
}

static void G7_dates_have_six_digits_and_empty_lists_are_left_out(void **state)
{
    struct kit *kit = *state;
    char date[64];
    assert_int_equal(kit_get(kit, "/api/collections/release/objects/", ""), 200);
    assert_string_equal(kit_body(kit), "{}");
    kit_release(kit, kit_object(1, 1, "x"));
    assert_int_equal(kit_get(kit, "/api/collections/release/manifest/", ""), 200);
    kit_member(kit, "date_added", date, sizeof date);
    assert_int_equal(strlen(date), 27);
    assert_int_equal(date[19], '.');
    assert_int_equal(date[26], 'Z');
}

static void G7_collection_ids_are_version_4(void **state)
{
    struct kit *kit = *state;
    char id[64], other[64];
    struct uuid uuid;
    assert_int_equal(kit_get(kit, "/api/collections/release/", ""), 200);
    kit_member(kit, "id", id, sizeof id);
    assert_true(uuid_parse(str_of(id), &uuid));
    assert_int_equal(uuid.b[6] >> 4, 4);
    assert_int_equal(uuid.b[8] >> 6, 2);
    assert_int_equal(kit_get_as(kit, kit->ca_token, "/api/collections/release/", ""), 200);
    kit_member(kit, "id", other, sizeof other);
    assert_string_not_equal(id, other);
}

static void G8_errors_say_their_real_status(void **state)
{
    struct kit *kit = *state;
    char want[64];
    static const char *const paths[] = {"/api/none/", "/api/collections/inbox/objects/"};
    for (size_t i = 0; i < 2; i++) {
        unsigned status = kit_get(kit, paths[i], "");
        (void)snprintf(want, sizeof want, "\"http_status\":\"%u\"", status);
        assert_true(status >= 400 && kit_says(kit, want) && kit_says(kit, "{\"title\":\""));
    }
}

static void R1_discovery(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(kit_get(kit, "/taxii2/", ""), 200);
    assert_string_equal(kit_body(kit), "{\"title\":\"kr\",\"default\":\"/api/\",\"api_roots\":[\"/api/\"]}");
}

static void R2_root(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(kit_get(kit, "/api/", ""), 200);
    assert_string_equal(kit_body(kit),
                        "{\"title\":\"kr\",\"versions\":[\"" TYPE "\"],\"max_content_length\":10485760}");
}

static void R3_collections_are_the_identitys_own(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(kit_get(kit, "/api/collections/", ""), 200);
    assert_int_equal(kit_occurs(kit, "\"id\":"), 3);
    assert_int_equal(kit_occurs(kit, "\"can_read\":true,\"can_write\":true"), 1);
    assert_int_equal(kit_occurs(kit, "\"can_read\":true,\"can_write\":false"), 1);
    assert_int_equal(kit_occurs(kit, "\"can_read\":false,\"can_write\":true"), 1);
    assert_int_equal(kit_get_as(kit, kit->desk_token, "/api/collections/", ""), 200);
    assert_int_equal(kit_occurs(kit, "\"id\":"), 1);
    assert_true(kit_says(kit, "\"alias\":\"inbox\""));
    assert_int_equal(kit_get_as(kit, kit->desk_token, "/api/collections/release/", ""), 404);
}

static void R3_a_collection_answers_to_id_and_alias(void **state)
{
    struct kit *kit = *state;
    char id[64], path[128], body[512];
    assert_int_equal(kit_get(kit, "/api/collections/workspace/", ""), 200);
    kit_member(kit, "id", id, sizeof id);
    (void)snprintf(body, sizeof body, "%s", kit_body(kit));
    (void)snprintf(path, sizeof path, "/api/collections/%s/", id);
    assert_int_equal(kit_get(kit, path, ""), 200);
    assert_string_equal(kit_body(kit), body);
    assert_int_equal(kit_get_as(kit, kit->ca_token, path, ""), 404); /* somebody else's */
}

static void R3_a_removed_partner_has_no_release_collection(void **state)
{
    struct kit *kit = *state;
    fake_peer_state(kit->gate, kit->jp, GATE_PEER_REMOVED);
    assert_int_equal(kit_get(kit, "/api/collections/release/", ""), 404);
    assert_int_equal(kit_get(kit, "/api/collections/inbox/", ""), 200);
}

static void R6_wrong_methods_are_405_with_allow(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(send_method(kit, "/taxii2/", EXCHANGE_POST), 405);
    assert_string_equal(kit_header(kit, "Allow"), "GET, HEAD, OPTIONS");
    assert_int_equal(send_method(kit, "/api/collections/release/objects/", EXCHANGE_OTHER), 405);
    assert_string_equal(kit_header(kit, "Allow"), "GET, HEAD, POST, OPTIONS");
    assert_int_equal(send_method(kit, "/api/collections/release/manifest/", EXCHANGE_POST), 405);
    assert_int_equal(send_method(kit, "/api/collections/release/", EXCHANGE_DELETE), 405);
    assert_int_equal(send_method(kit, "/api/collections/", EXCHANGE_HEAD), 200);
}

static void R6_options_tells_the_methods_of_every_resource(void **state)
{
    struct kit *kit = *state;
    static const struct {
        const char *path, *allow;
    } rows[] = {
        {"/taxii2/", "GET, HEAD, OPTIONS"},
        {"/api/", "GET, HEAD, OPTIONS"},
        {"/api/status/x/", "GET, HEAD, OPTIONS"},
        {"/api/collections/", "GET, HEAD, OPTIONS"},
        {"/api/collections/inbox/", "GET, HEAD, OPTIONS"},
        {"/api/collections/release/manifest/", "GET, HEAD, OPTIONS"},
        {"/api/collections/release/objects/", "GET, HEAD, POST, OPTIONS"},
        {"/api/collections/release/objects/x/", "GET, HEAD, DELETE, OPTIONS"},
        {"/api/collections/release/objects/x/versions/", "GET, HEAD, OPTIONS"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(send_method(kit, rows[i].path, EXCHANGE_OPTIONS), 200);
        assert_string_equal(kit_header(kit, "Allow"), rows[i].allow);
        assert_string_equal(kit_body(kit), "");
        assert_null(kit_header(kit, "Access-Control-Allow-Origin"));
        if (strchr(rows[i].path, 'x') == strrchr(rows[i].path, 'x') && strstr(rows[i].path, "/x/") != NULL)
            continue; /* no such object or status */
        assert_int_equal(send_method(kit, rows[i].path, EXCHANGE_HEAD), 200);
    }
    assert_int_equal(send_method(kit, "/api/nothing/", EXCHANGE_OPTIONS), 404);
}

static unsigned send_origin(struct kit *kit, const char *token, enum exchange_method method,
                            const char *origin)
{
    struct exchange_request request = {.method = method,
                                       .path = STR("/api/collections/"),
                                       .authorization = str_of(token),
                                       .origin = str_of(origin)};
    return kit_send(kit, &request);
}

static void cors_is_off_unless_configured(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(send_origin(kit, "", EXCHANGE_OPTIONS, "https://console.example"), 401);
    assert_null(kit_header(kit, "Access-Control-Allow-Origin"));
    assert_int_equal(send_origin(kit, kit->jp_token, EXCHANGE_GET, "https://console.example"), 200);
    assert_null(kit_header(kit, "Access-Control-Allow-Origin"));
}

static void cors_lets_configured_origins_read(void **state)
{
    struct kit *kit = *state;
    const struct str origins[] = {STR("https://a.example"), STR("https://console.example:8443")};
    kit_origins(kit, origins, 2);
    assert_int_equal(send_origin(kit, "", EXCHANGE_OPTIONS, "https://console.example:8443"), 204);
    assert_string_equal(kit_header(kit, "Access-Control-Allow-Origin"), "https://console.example:8443");
    assert_non_null(kit_header(kit, "Access-Control-Allow-Headers"));
    assert_string_equal(kit_body(kit), "");
    assert_int_equal(send_origin(kit, kit->jp_token, EXCHANGE_GET, "https://a.example"), 200);
    assert_string_equal(kit_header(kit, "Access-Control-Allow-Origin"), "https://a.example");
    assert_string_equal(kit_header(kit, "Vary"), "Origin");
    assert_int_equal(send_origin(kit, "Bearer x", EXCHANGE_GET, "https://a.example"), 401);
    assert_string_equal(kit_header(kit, "Access-Control-Allow-Origin"), "https://a.example");
    static const char *const others[] = {"https://a.example.evil", "https://a.exampl", "null", "*", ""};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(send_origin(kit, "", EXCHANGE_OPTIONS, others[i]), 401);
        assert_null(kit_header(kit, "Access-Control-Allow-Origin"));
        assert_int_equal(send_origin(kit, kit->jp_token, EXCHANGE_GET, others[i]), 200);
        assert_null(kit_header(kit, "Access-Control-Allow-Origin"));
    }
}

static unsigned send_none_match(struct kit *kit, const char *query, const char *held)
{
    struct exchange_request request = {.method = EXCHANGE_GET,
                                       .path = STR("/api/collections/release/objects/"),
                                       .query = str_of(query),
                                       .if_none_match = str_of(held)};
    return kit_send(kit, &request);
}

static void etags_of_pages(void **state)
{
    struct kit *kit = *state;
    char etag[64], list[160];
    kit_release(kit, kit_object(1, 1, "x"));
    kit_release(kit, kit_object(2, 1, "y"));
    assert_int_equal(send_none_match(kit, "", ""), 200);
    (void)snprintf(etag, sizeof etag, "%s", kit_header(kit, "ETag"));
    assert_int_equal(strlen(etag), 36);
    assert_int_equal(send_none_match(kit, "", etag), 304);
    assert_string_equal(kit_body(kit), "");
    assert_string_equal(kit_header(kit, "ETag"), etag);
    assert_null(kit->response.content_type);
    (void)snprintf(list, sizeof list, "\"a\", %s , W/\"b\"", etag + 2); /* strong form: compared weakly */
    assert_int_equal(send_none_match(kit, "", list), 304);
    assert_int_equal(send_none_match(kit, "", "*"), 304);
    assert_int_equal(send_none_match(kit, "", "\"a\", W/\"b\""), 200);
    assert_int_equal(send_none_match(kit, "limit=1", etag), 200); /* another page */
    kit_release(kit, kit_object(3, 1, "z"));
    assert_int_equal(send_none_match(kit, "", etag), 200);
    assert_string_not_equal(kit_header(kit, "ETag"), etag);
    assert_int_equal(kit_get(kit, "/api/collections/release/objects/note--x/", ""), 404);
    assert_null(kit_header(kit, "ETag"));
}

static void requests_beyond_the_limit_wait(void **state)
{
    struct kit *kit = *state;
    assert_int_equal(taxii_identity_limit(kit->taxii, STR("jp"), 6, 0, &kit_by, kit->now_us), ERR_OK);
    for (int i = 0; i < 6; i++)
        assert_int_equal(kit_get(kit, "/api/collections/release/objects/", ""), 200);
    assert_false(kit->response.cacheable); /* or edge would answer without counting */
    assert_int_equal(kit_get(kit, "/api/", ""), 429);
    assert_string_equal(kit_header(kit, "Retry-After"), "10");
    assert_true(kit_says(kit, "\"http_status\":\"429\""));
    assert_int_equal(kit_get(kit, "/api/nothing/", ""), 429);
    assert_int_equal(kit_get_as(kit, kit->ca_token, "/api/", ""), 200); /* nobody else's affair */
    kit->now_us += 9999999;
    assert_int_equal(kit_get(kit, "/api/", ""), 429);
    assert_string_equal(kit_header(kit, "Retry-After"), "1");
    kit->now_us += 1;
    assert_int_equal(kit_get(kit, "/api/", ""), 200);
    assert_int_equal(kit_get(kit, "/api/", ""), 429);
    kit->now_us += 3600000000;
    for (int i = 0; i < 6; i++)
        assert_int_equal(kit_get(kit, "/api/", ""), 200);
    assert_int_equal(kit_get(kit, "/api/", ""), 429);
    kit->now_us -= 3600000000; /* the clock is set back */
    for (int i = 0; i < 7; i++)
        assert_int_equal(kit_get(kit, "/api/", ""), i < 6 ? 200 : 429);
    assert_int_equal(taxii_identity_limit(kit->taxii, STR("jp"), 0, 0, &kit_by, kit->now_us), ERR_OK);
    assert_int_equal(kit_get(kit, "/api/collections/release/objects/", ""), 200);
    assert_true(kit->response.cacheable);
    assert_int_equal(taxii_identity_limit(kit->taxii, STR("none"), 1, 1, &kit_by, kit->now_us), ERR_NOTFOUND);
}

static void a_read_that_waits_is_counted_once(void **state)
{
    struct kit *kit = *state;
    struct exchange_request request = {.path = STR("/api/collections/release/objects/"),
                                       .authorization = str_of(kit->jp_token),
                                       .secure = true};
    struct exchange_response response;
    struct taxii_effect effect;
    assert_int_equal(taxii_identity_limit(kit->taxii, STR("jp"), 1, 0, &kit_by, kit->now_us), ERR_OK);
    kit_release(kit, kit_object(1, 1, "x"));
    fake_unsigned(kit->gate, kit->jp, 1);
    exchange_response_init(&response, 1, 4096);
    assert_false(taxii_try(kit->taxii, &request, kit->now_us, &response, &effect));
    taxii_handle(kit->taxii, &request, kit->now_us, &response, &effect);
    assert_int_equal(response.status, 200);
    taxii_handle(kit->taxii, &request, kit->now_us, &response, &effect);
    assert_int_equal(response.status, 429);
    exchange_response_deinit(&response);
}

static void the_access_record_is_told(void **state)
{
    struct kit *kit = *state;
    const struct taxii_access *access = &kit->effect.access;
    kit_release(kit, kit_object(1, 1, "x"));
    kit_release(kit, kit_object(2, 1, "y"));
    kit_get(kit, "/api/collections/release/objects/", "");
    assert_true(str_eq(access->who, STR("jp")) && str_eq(access->audience, STR("jp")));
    assert_string_equal(access->what, "objects");
    assert_string_equal(access->collection, "release");
    assert_int_equal(access->objects, 2);
    kit_get(kit, "/api/collections/release/objects/note--x/", "");
    assert_string_equal(access->what, "object");
    assert_int_equal(access->objects, 0);
    kit_get_as(kit, kit->desk_token, "/api/collections/inbox/", "");
    assert_true(str_eq(access->who, STR("desk")) && str_eq(access->audience, STR("desk")));
    kit_get_as(kit, "Bearer x", "/api/collections/release/objects/", "");
    assert_true(access->who.len == 0 && access->audience.len == 0);
    assert_string_equal(access->what, "");
}

static void polling_a_view_is_told_to_the_caller(void **state)
{
    struct kit *kit = *state;
    kit_get(kit, "/api/collections/release/objects/", "");
    assert_int_equal(kit->effect.polled, (int)kit->jp);
    kit_get(kit, "/api/collections/workspace/objects/", "");
    assert_int_equal(kit->effect.polled, -1);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        ROW(G1_plain_is_refused_unless_allowed),
        ROW(G1_api_roots_are_relative_from_the_root),
        ROW(G2_every_endpoint_has_its_path),
        ROW(G3_every_answer_has_the_media_type),
        ROW(G4_accept),
        ROW(G5_content_type),
        cmocka_unit_test_setup_teardown(G5_content_type_when_strict, kit_setup_strict, kit_teardown),
        ROW(G6_missing_and_bad_credentials_are_401),
        ROW(G7_dates_have_six_digits_and_empty_lists_are_left_out),
        ROW(G7_collection_ids_are_version_4),
        ROW(G8_errors_say_their_real_status),
        ROW(R1_discovery),
        ROW(R2_root),
        ROW(R3_collections_are_the_identitys_own),
        ROW(R3_a_collection_answers_to_id_and_alias),
        ROW(R3_a_removed_partner_has_no_release_collection),
        ROW(R6_wrong_methods_are_405_with_allow),
        ROW(R6_options_tells_the_methods_of_every_resource),
        ROW(cors_is_off_unless_configured),
        ROW(cors_lets_configured_origins_read),
        ROW(etags_of_pages),
        ROW(requests_beyond_the_limit_wait),
        ROW(a_read_that_waits_is_counted_once),
        ROW(the_access_record_is_told),
        ROW(polling_a_view_is_told_to_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
