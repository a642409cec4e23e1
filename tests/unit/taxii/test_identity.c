/* Identities and their credentials: row G6 of the TAXII 2.1 checklist. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

#include "core/sign.h"

static unsigned basic(struct kit *kit, const char *scheme, const char *credentials)
{
    char header[512], coded[400];
    size_t len = str_base64((const uint8_t *)credentials, strlen(credentials), coded);
    (void)snprintf(header, sizeof header, "%s %.*s", scheme, (int)len, coded);
    return kit_get_as(kit, header, "/api/", "");
}

static void set_password(struct kit *kit, const char *name, const char *password)
{
    assert_int_equal(
        taxii_identity_password(kit->taxii, str_of(name), str_of(password), &kit_by, kit->now_us), ERR_OK);
}

static void G6_basic(void **state)
{
    struct kit *kit = *state;
    set_password(kit, "jp", KIT_PASSWORD);
    assert_int_equal(basic(kit, "Basic", "jp:" KIT_PASSWORD), 200);
    assert_int_equal(basic(kit, "basic", "jp:" KIT_PASSWORD), 200); /* MISP writes it so */
    assert_int_equal(basic(kit, "Basic", "jp:" KIT_PASSWORD "x"), 401);
    assert_int_equal(basic(kit, "Basic", "ca:" KIT_PASSWORD), 401);
    assert_int_equal(basic(kit, "Basic", "jp"), 401);
}

/* From another network than kit's own, which is 0. */
static unsigned basic_from(struct kit *kit, uint64_t network, const char *credentials)
{
    char header[512] = "Basic ";
    size_t len = str_base64((const uint8_t *)credentials, strlen(credentials), header + 6);
    struct exchange_request request = {
        .path = STR("/api/"), .network = network, .authorization = {header, 6 + len}};
    return kit_send(kit, &request);
}

static err_t no_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 1, len);
    return ERR_OK;
}

static void restart(struct kit *kit)
{
    struct taxii_setup setup = {.gate = kit->gate, .random = no_random, .title = STR("kr")};
    taxii_close(kit->taxii);
    assert_int_equal(taxii_open(&setup, kit->now_us, &kit->taxii), ERR_OK);
}

static void G6_a_stranger_does_not_slow_the_owner(void **state)
{
    struct kit *kit = *state;
    set_password(kit, "jp", KIT_PASSWORD);
    assert_int_equal(basic_from(kit, 1, "jp:" KIT_PASSWORD), 200);
    restart(kit);
    for (int i = 0; i < 50; i++)
        assert_int_equal(basic_from(kit, 2, "jp:wrong"), i < LIMIT_TAXII_TRY_BURST ? 401 : 429);
    assert_int_equal(basic_from(kit, 2, "jp:" KIT_PASSWORD), 429); /* right guesses are guesses */
    assert_int_equal(basic_from(kit, 1, "jp:" KIT_PASSWORD), 200);
    assert_int_equal(basic_from(kit, 2, "jp:" KIT_PASSWORD), 200); /* remembered, wherever it comes from */
}

/* What is right gives its try back: many who come by one proxy are not slowed. */
static void G6_right_passwords_cost_no_try(void **state)
{
    struct kit *kit = *state;
    set_password(kit, "jp", KIT_PASSWORD);
    for (int i = 0; i < 10; i++) {
        restart(kit);
        assert_int_equal(basic(kit, "Basic", "jp:" KIT_PASSWORD), 200);
    }
    for (int i = 0; i < 10; i++) { /* proven: the next is not stretched, however many others fail */
        assert_int_equal(basic(kit, "Basic", "jp:wrong"), i < LIMIT_TAXII_TRY_BURST ? 401 : 429);
        assert_int_equal(basic(kit, "Basic", "jp:" KIT_PASSWORD), 200);
    }
}

static void G6_guessing_from_everywhere_is_bounded(void **state)
{
    struct kit *kit = *state;
    unsigned stretched = 0;
    set_password(kit, "jp", KIT_PASSWORD);
    assert_int_equal(basic(kit, "Basic", "jp:" KIT_PASSWORD), 200);
    for (uint64_t network = 1; network <= 200; network++)
        stretched += basic_from(kit, network, "ca:wrong") == 401;
    assert_int_equal(stretched, LIMIT_TAXII_TRIES_BURST);
    assert_int_equal(basic_from(kit, 999, "jp:" KIT_PASSWORD), 200);
    kit->now_us += LIMIT_TAXII_TRIES_US;
    stretched = 0;
    for (uint64_t network = 1001; network <= 1100; network++)
        stretched += basic_from(kit, network, "ca:wrong") == 401;
    assert_int_equal(stretched, 1);
}

static void G6_guessing_is_slowed_but_who_is_known_goes_on(void **state)
{
    struct kit *kit = *state;
    set_password(kit, "jp", KIT_PASSWORD);
    assert_int_equal(basic(kit, "Basic", "jp:" KIT_PASSWORD), 200);
    unsigned status = 0;
    for (int i = 0; i < 6; i++)
        status = basic(kit, "Basic", "jp:wrong");
    assert_int_equal(status, 429);
    assert_non_null(kit_header(kit, "Retry-After"));
    assert_int_equal(basic(kit, "Basic", "jp:" KIT_PASSWORD), 200);
    kit->now_us += 10000000;
    assert_int_equal(basic(kit, "Basic", "jp:wrong"), 401);
    assert_int_equal(basic(kit, "Basic", "jp:wrong"), 429);
    kit->now_us -= 3600000000; /* the clock is set back */
    assert_int_equal(basic(kit, "Basic", "jp:wrong"), 401);
}

static void G6_unknown_names_are_slowed_alike(void **state)
{
    struct kit *kit = *state;
    unsigned tries = 0;
    while (basic(kit, "Basic", "nobody:guess") == 401)
        tries++;
    assert_int_equal(tries, 4);
}

static void G6_certificate(void **state)
{
    struct kit *kit = *state;
    struct exchange_request request = {.path = STR("/api/collections/release/"), .has_peer_key = true};
    memset(request.peer_key, 7, EXCHANGE_KEY_SIZE);
    assert_int_equal(kit_send(kit, &request), 401);
    assert_int_equal(
        taxii_identity_certificate(kit->taxii, STR("jp"), request.peer_key, &kit_by, kit->now_us), ERR_OK);
    assert_int_equal(kit_send(kit, &request), 200);
    assert_int_equal(
        taxii_identity_certificate(kit->taxii, STR("ca"), request.peer_key, &kit_by, kit->now_us),
        ERR_EXISTS);
    request.authorization = STR("Bearer wrong"); /* a bad header is not saved by the certificate */
    assert_int_equal(kit_send(kit, &request), 401);
}

static void a_rotated_token_ends_the_old_one(void **state)
{
    struct kit *kit = *state;
    char token[TAXII_TOKEN_SIZE + 8] = "bearer ";
    assert_int_equal(kit_get(kit, "/api/", ""), 200);
    assert_int_equal(taxii_identity_token(kit->taxii, STR("jp"), &kit_by, kit->now_us, token + 7), ERR_OK);
    assert_int_equal(kit_get(kit, "/api/", ""), 401);
    assert_int_equal(kit_get_as(kit, token, "/api/", ""), 200);
    assert_int_equal(taxii_identity_revoke(kit->taxii, STR("jp"), TAXII_TOKEN, &kit_by, kit->now_us), ERR_OK);
    assert_int_equal(kit_get_as(kit, token, "/api/", ""), 401);
}

static void a_changed_password_ends_the_remembered_one(void **state)
{
    struct kit *kit = *state;
    set_password(kit, "jp", KIT_PASSWORD);
    assert_int_equal(basic(kit, "Basic", "jp:" KIT_PASSWORD), 200);
    set_password(kit, "jp", "another, longer one");
    assert_int_equal(basic(kit, "Basic", "jp:" KIT_PASSWORD), 401);
    assert_int_equal(basic(kit, "Basic", "jp:another, longer one"), 200);
}

static void a_removed_identity_is_a_stranger(void **state)
{
    struct kit *kit = *state;
    set_password(kit, "ca", KIT_PASSWORD);
    assert_int_equal(basic(kit, "Basic", "ca:" KIT_PASSWORD), 200);
    assert_int_equal(taxii_identity_remove(kit->taxii, STR("jp"), &kit_by, kit->now_us), ERR_OK);
    assert_int_equal(kit_get(kit, "/api/", ""), 401);
    assert_int_equal(taxii_identity_remove(kit->taxii, STR("jp"), &kit_by, kit->now_us), ERR_NOTFOUND);
    assert_int_equal(kit_get_as(kit, kit->desk_token, "/api/", ""), 200);
    assert_int_equal(basic(kit, "Basic", "ca:" KIT_PASSWORD), 200);
    assert_int_equal(taxii_identity_count(kit->taxii), 2);
}

static void identities_and_ids_outlive_a_restart(void **state)
{
    struct kit *kit = *state;
    char id[64], again[64];
    set_password(kit, "jp", KIT_PASSWORD);
    assert_int_equal(kit_get(kit, "/api/collections/release/", ""), 200);
    kit_member(kit, "id", id, sizeof id);
    restart(kit);
    assert_int_equal(taxii_identity_count(kit->taxii), 3);
    assert_int_equal(kit_get(kit, "/api/collections/release/", ""), 200);
    kit_member(kit, "id", again, sizeof again);
    assert_string_equal(id, again);
    assert_int_equal(basic(kit, "Basic", "jp:" KIT_PASSWORD), 200);
    const struct taxii_identity *desk = taxii_identity_find(kit->taxii, STR("desk"));
    assert_non_null(desk);
    assert_int_equal(desk->partner, -1);
    assert_int_equal(desk->source, kit->desk_source);
    assert_int_equal(desk->credentials, TAXII_TOKEN);
}

static bool holds(const struct buf *record, const void *part, size_t len)
{
    for (size_t i = 0; i + len <= record->len; i++) {
        if (memcmp(record->at + i, part, len) == 0)
            return true;
    }
    return false;
}

static void secrets_are_not_in_the_settings(void **state)
{
    struct kit *kit = *state;
    struct buf record;
    set_password(kit, "jp", KIT_PASSWORD);
    buf_init(&record, 4096);
    assert_true(gate_setting_get(kit->gate, STR("taxii/identity/jp"), &record));
    assert_false(holds(&record, KIT_PASSWORD, 8));
    assert_false(holds(&record, kit->jp_token + 20, 16));
    uint8_t token[32];
    assert_true(str_unhex((struct str) {kit->jp_token + 20, 64}, token, 32));
    assert_false(holds(&record, token, 16));
    buf_deinit(&record);
}

static void bad_identities_are_refused(void **state)
{
    struct kit *kit = *state;
    static const char *const bad[] = {"", "A", "a b", "../x", "a/b", ".a"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(
            taxii_identity_put(kit->taxii, str_of(bad[i]), STR("jp"), STR(""), 7, &kit_by, kit->now_us),
            ERR_INVALID);
    assert_int_equal(taxii_identity_put(kit->taxii, STR("x"), STR("us"), STR(""), 7, &kit_by, kit->now_us),
                     ERR_NOTFOUND);
    assert_int_equal(taxii_identity_put(kit->taxii, STR("x"), STR(""), STR("none"), 7, &kit_by, kit->now_us),
                     ERR_NOTFOUND);
    assert_int_equal(taxii_identity_put(kit->taxii, STR("x"), STR(""), STR(""), 7, &kit_by, kit->now_us),
                     ERR_INVALID);
    assert_int_equal(taxii_identity_password(kit->taxii, STR("jp"), STR("short"), &kit_by, kit->now_us),
                     ERR_INVALID);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        ROW(G6_basic),
        ROW(G6_guessing_is_slowed_but_who_is_known_goes_on),
        ROW(G6_unknown_names_are_slowed_alike),
        ROW(G6_a_stranger_does_not_slow_the_owner),
        ROW(G6_right_passwords_cost_no_try),
        ROW(G6_guessing_from_everywhere_is_bounded),
        ROW(G6_certificate),
        ROW(a_rotated_token_ends_the_old_one),
        ROW(a_changed_password_ends_the_remembered_one),
        ROW(a_removed_identity_is_a_stranger),
        ROW(identities_and_ids_outlive_a_restart),
        ROW(secrets_are_not_in_the_settings),
        ROW(bad_identities_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
