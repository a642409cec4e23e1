/* What MISP makes of an object, row by row, and beside each what only looks like it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/limit.h"
#include "core/mem.h"
#include "gate/echo_misp.h"
#include "gate/echo_pattern.h"

#define WHITE      "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9"
#define CLEAR      "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
#define GREEN_1    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
#define GREEN      "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define AMBER_1    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
#define AMBER      "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
#define STRICT     "marking-definition--826578e1-40ad-459f-bc73-ede076f81f37"
#define RED_1      "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
#define RED        "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define STATEMENT  "marking-definition--00000000-0000-4000-8000-00000000000a"
#define M(marking) "\"object_marking_refs\":[\"" marking "\"]"
#define TIMES      "\"created\":\"2026-01-02T00:00:00.000Z\",\"modified\":\"2026-03-01T00:00:00.000Z\""
#define FILE_ID    "file--00000000-0000-4000-8000-000000000002"
#define P(text)    "\"pattern_type\":\"stix\",\"pattern\":\"" text "\""
#define IPV4       P("[ipv4-addr:value = '198.51.100.1']")

enum { TEXT_SIZE = 1 << 20, ARENA_SIZE = 16 << 20 };

static bool is_echo_of(const char *type, const char *held, const char *came)
{
    static const char form[] = "{\"type\":\"%s\",\"id\":\"%s--00000000-0000-4000-8000-000000000001\",%s%s}";
    char *text[2];
    struct json_parser *parser[2];
    struct json_doc doc[2];
    struct arena arena;
    struct buf scratch;
    arena_init(&arena, ARENA_SIZE);
    buf_init(&scratch, 4 * TEXT_SIZE);
    for (int i = 0; i < 2; i++) {
        const char *members = i == 0 ? held : came;
        assert_int_equal(json_parser_new(TEXT_SIZE, &parser[i]), ERR_OK);
        text[i] = mem_alloc_array(TEXT_SIZE + JSON_PADDING, 1);
        assert_non_null(text[i]);
        int len = snprintf(text[i], TEXT_SIZE, form, type, type,
                           i == 0 ? "\"created\":\"2020-01-01T00:00:00Z\"" : TIMES, "");
        assert_in_range(len, 1, TEXT_SIZE - 1);
        len +=
            snprintf(text[i] + len - 1, (size_t)(TEXT_SIZE - len), "%s%s}", *members ? "," : "", members) - 1;
        assert_int_equal(json_parse(parser[i], bytes_of(text[i], (size_t)len), &doc[i], NULL), ERR_OK);
    }
    bool echo = echo_is_misp(json_root(&doc[1]), json_root(&doc[0]), &arena, &scratch);
    for (int i = 0; i < 2; i++) {
        json_parser_free(parser[i]);
        mem_free(text[i]);
    }
    buf_deinit(&scratch);
    arena_deinit(&arena);
    return echo;
}

struct row {
    const char *what;
    const char *held, *came;
    bool echo;
};

static void look_at(const char *type, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_echo_of(type, rows[i].held, rows[i].came) != rows[i].echo)
            fail_msg("%s: %s", rows[i].what, rows[i].echo ? "not taken for an echo" : "taken for an echo");
}

#define LOOK_AT(type, rows) look_at(type, rows, sizeof(rows) / sizeof *(rows))

static void labels(void **state)
{
    static const struct row rows[] = {
        {"form added", "\"labels\":[\"a\"]",
         "\"labels\":[\"misp:type=\\\"md5\\\"\",\"a\",\"misp:category=\\\"x\\\"\",\"misp:name=\\\"file\\\"\","
         "\"misp:meta-category=\\\"file\\\"\",\"misp:galaxy-name=\\\"x\\\"\",\"misp:galaxy-type=\\\"x\\\"\","
         "\"misp:tool=\\\"MISP-STIX-Converter\\\"\"]",
         true},
        {"form alone", "", "\"labels\":[\"misp:type=\\\"md5\\\"\"]", true},
        {"lost", "\"labels\":[\"a\"]", "", true},
        {"another order", "\"labels\":[\"a\",\"b\"]", "\"labels\":[\"b\",\"a\"]", true},
        {"a new one", "\"labels\":[\"a\"]", "\"labels\":[\"a\",\"b\"]", false},
        {"a new one alone", "", "\"labels\":[\"b\"]", false},
        {"confidence", "", "\"labels\":[\"misp:confidence-level=\\\"unconfident\\\"\"]", false},
        {"threat level", "", "\"labels\":[\"misp:threat-level=\\\"no-risk\\\"\"]", false},
        {"attribution", "", "\"labels\":[\"misp-galaxy:threat-actor=\\\"APT28\\\"\"]", false},
        {"another tool", "", "\"labels\":[\"misp:tool=\\\"x\\\"\"]", false},
        {"no list", "", "\"labels\":\"misp:type=\\\"md5\\\"\"", false},
        {"no text", "", "\"labels\":[1]", false},
    };
    (void)state;
    LOOK_AT("malware", rows);
}

static void kill_chains(void **state)
{
#define PHASE(chain) "{\"kill_chain_name\":\"" chain "\",\"phase_name\":\"x\"}"
    static const struct row rows[] = {
        {"category", "", "\"kill_chain_phases\":[" PHASE("misp-category") "]", true},
        {"category beside", "\"kill_chain_phases\":[" PHASE("ours") "]",
         "\"kill_chain_phases\":[" PHASE("misp-category") "," PHASE("ours") "]", true},
        {"lost", "\"kill_chain_phases\":[" PHASE("ours") "]", "", true},
        {"category instead", "\"kill_chain_phases\":[" PHASE("ours") "]",
         "\"kill_chain_phases\":[" PHASE("misp-category") "]", true},
        {"another", "\"kill_chain_phases\":[" PHASE("ours") "]",
         "\"kill_chain_phases\":[" PHASE("theirs") "]", false},
        {"another phase", "\"kill_chain_phases\":[{\"kill_chain_name\":\"ours\",\"phase_name\":\"y\"}]",
         "\"kill_chain_phases\":[" PHASE("ours") "]", false},
    };
    (void)state;
    LOOK_AT("malware", rows);
}

static void markings(void **state)
{
    static const struct row rows[] = {
        {"white for clear", M(CLEAR), M(WHITE), true},
        {"clear for white", M(WHITE), M(CLEAR), true},
        {"green of 1.0", M(GREEN), M(GREEN_1), true},
        {"amber of 1.0", M(AMBER), M(AMBER_1), true},
        {"amber of 2.0", M(AMBER_1), M(AMBER), true},
        {"red of 1.0", M(RED), M(RED_1), true},
        {"lost", M(AMBER), "", true},
        {"one of two lost", "\"object_marking_refs\":[\"" AMBER "\",\"" STATEMENT "\"]", M(AMBER_1), true},
        {"a statement stays", M(STATEMENT), M(STATEMENT), true},
        {"added", "", M(CLEAR), false},
        {"stricter", M(GREEN), M(AMBER_1), false},
        {"much stricter", M(CLEAR), M(RED_1), false},
        {"strict beside amber", M(AMBER), M(STRICT), false},
        {"laxer", M(AMBER), M(GREEN_1), false},
        {"beside", M(AMBER), "\"object_marking_refs\":[\"" AMBER "\",\"" STATEMENT "\"]", false},
        {"a statement", M(CLEAR), M(STATEMENT), false},
        {"no marking", M(CLEAR), "\"object_marking_refs\":[\"x\"]", false},
        {"parts lost", "\"granular_markings\":[{\"lang\":\"de\",\"selectors\":[\"name\"]}]", "", true},
        {"parts added", "", "\"granular_markings\":[{\"marking_ref\":\"" RED "\",\"selectors\":[\"name\"]}]",
         false},
    };
    (void)state;
    LOOK_AT("malware", rows);
}

/* The marking of what carries observables is for them too. */
static void markings_of_carriers(void **state)
{
#define REFS "\"object_refs\":[\"" FILE_ID "\"]"
#define SDOS "\"object_refs\":[\"indicator--00000000-0000-4000-8000-000000000002\"]"
#define OWN  ",\"labels\":[\"misp:type=\\\"md5\\\"\"]"
    static const struct row rows[] = {
        {"unmarked", REFS, REFS OWN, true},
        {"decimals", REFS ",\"first_observed\":\"2026-01-01T00:00:00.000Z\"",
         REFS OWN ",\"first_observed\":\"2026-01-01T00:00:00Z\"", true},
        {"another time", REFS ",\"first_observed\":\"2026-01-01T00:00:00.000Z\"",
         REFS OWN ",\"first_observed\":\"2026-03-01T00:00:00Z\"", false},
        {"lost", REFS "," M(AMBER), REFS OWN, true},
        {"clear", REFS "," M(CLEAR), REFS OWN "," M(WHITE), true},
        {"green", REFS "," M(GREEN), REFS OWN "," M(GREEN), false},
        {"amber", REFS "," M(AMBER), REFS OWN "," M(AMBER_1), false},
        {"a statement", REFS "," M(STATEMENT), REFS OWN "," M(STATEMENT), false},
        {"of no observable", SDOS "," M(AMBER), SDOS OWN "," M(AMBER_1), true},
        {"deeper", "\"x\":{\"y\":{\"z\":\"" FILE_ID "\"}}," M(AMBER),
         "\"x\":{\"y\":{\"z\":\"" FILE_ID "\"}}," M(AMBER) OWN, false},
    };
    (void)state;
    LOOK_AT("observed-data", rows);
}

static void texts_and_times(void **state)
{
#define FROM ",\"valid_from\":\"2025-05-05T00:00:00Z\""
    static const struct row rows[] = {
        {"its time", IPV4 FROM, IPV4 ",\"valid_from\":\"2026-03-01T00:00:00Z\"", true},
        {"its birth", IPV4 FROM, IPV4 ",\"valid_from\":\"2026-01-02T00:00:00Z\"", true},
        {"decimals", IPV4 FROM, IPV4 ",\"valid_from\":\"2025-05-05T00:00:00.000Z\"", true},
        {"a time of its own", IPV4 FROM, IPV4 ",\"valid_from\":\"2026-03-02T00:00:00Z\"", false},
        {"an end", IPV4 FROM, IPV4 FROM ",\"valid_until\":\"2027-01-01T00:00:00Z\"", false},
        {"without its end", IPV4 FROM ",\"valid_until\":\"2027-01-01T00:00:00Z\"", IPV4 FROM, false},
        {"revoked", IPV4, IPV4 ",\"revoked\":true", false},
        {"valid again", IPV4 ",\"revoked\":true", IPV4, false},
        {"not revoked", IPV4, IPV4 ",\"revoked\":false", true},
        {"says less", IPV4 ",\"name\":\"x\",\"description\":\"y\",\"confidence\":5,\"lang\":\"ko\"", IPV4,
         true},
        {"another name", IPV4 ",\"name\":\"x\"", IPV4 ",\"name\":\"y\"", false},
        {"a name", IPV4, IPV4 ",\"name\":\"y\"", false},
        {"another description", IPV4 ",\"description\":\"x\"", IPV4 ",\"description\":\"y\"", false},
        {"a description", IPV4, IPV4 ",\"description\":\"y\"", false},
        {"its own comment", IPV4 ",\"description\":\"x\"",
         IPV4 ",\"description\":\"Observed Data ID: " FILE_ID "\"", true},
        {"its other comment", IPV4, IPV4 ",\"description\":\"Indicator ID: " FILE_ID "\"", true},
        {"more than a comment", IPV4, IPV4 ",\"description\":\"Indicator ID: " FILE_ID " of APT28\"", false},
        {"no comment", IPV4, IPV4 ",\"description\":\"Indicator ID: x\"", false},
        {"other confidence", IPV4 ",\"confidence\":5", IPV4 ",\"confidence\":6", false},
        {"version of the pattern", IPV4, IPV4 ",\"pattern_version\":\"2.1\"", true},
        {"another version of it", IPV4, IPV4 ",\"pattern_version\":\"2.0\"", false},
        {"another one than ours", IPV4 ",\"pattern_version\":\"2.0\"", IPV4 ",\"pattern_version\":\"2.1\"",
         false},
        {"other members", IPV4, IPV4 ",\"x_acme\":1", false},
        {"without a member that MISP keeps", IPV4 ",\"x_acme\":1", IPV4, false},
        {"other text of a rule", "\"pattern_type\":\"yara\",\"pattern\":\"rule a\"",
         "\"pattern_type\":\"yara\",\"pattern\":\"rule  a\"", false},
    };
    (void)state;
    LOOK_AT("indicator", rows);
}

static void lists_and_own_members(void **state)
{
#define REF(name) "{\"source_name\":\"" name "\"}"
    static const struct row rows[] = {
        {"fewer references", "\"external_references\":[" REF("a") "," REF("b") "]",
         "\"external_references\":[" REF("b") "]", true},
        {"another", "\"external_references\":[" REF("a") "]", "\"external_references\":[" REF("c") "]",
         false},
        {"extensions lost", "\"extensions\":{\"a\":{\"b\":1},\"c\":{}}", "\"extensions\":{\"c\":{}}", true},
        {"an extension changed", "\"extensions\":{\"a\":{\"b\":1}}", "\"extensions\":{\"a\":{\"b\":2}}",
         false},
        {"an extension added", "", "\"extensions\":{\"a\":{\"b\":2}}", false},
        {"under its own name", "\"contact_information\":\"x\"", "\"x_misp_contact_information\":\"x\"", true},
        {"nothing", "", "\"x_misp_is_family\":\"\"", true},
        {"other words under it", "\"contact_information\":\"x\"", "\"x_misp_contact_information\":\"y\"",
         false},
        {"words under it", "", "\"x_misp_comment\":\"y\"", false},
        {"its own lost", "\"x_misp_country\":\"KR\"", "", true},
        {"its own changed", "\"x_misp_country\":\"KR\"", "\"x_misp_country\":\"JP\"", false},
        {"the ends", "\"source_ref\":\"" FILE_ID "\"", "", false},
    };
    (void)state;
    LOOK_AT("identity", rows);
}

/* What a definition does not say binds what carries it. */
static void not_of_definitions(void **state)
{
    static const struct row rows[] = {{"shorter", "\"name\":\"x\"", "", false}};
    (void)state;
    LOOK_AT("marking-definition", rows);
    LOOK_AT("language-content", rows);
}

static void patterns(void **state)
{
    static const struct {
        const char *held, *came;
        bool same;
    } rows[] = {
        {"[file:name='a']", "[file:name = 'a']", true},
        {"[file:hashes.MD5 = 'a']", "[file:hashes.'MD5' = 'a']", true},
        {"[file:name = 'a' AND file:size = 1]", "[file:size = 1 AND file:name = 'a']", true},
        {"[ipv4-addr:value='1.2.3.4']",
         "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '1.2.3.4']", true},
        {"[ipv4-addr:value='1.2.3.4']",
         "[network-traffic:src_ref.value = '1.2.3.4' AND network-traffic:src_ref.type = 'ipv4-addr']", true},
        {"[ipv6-addr:value='::1']",
         "[network-traffic:src_ref.type = 'ipv6-addr' AND network-traffic:src_ref.value = '::1']", true},
        {"[email-addr:value='a@b.example']", "[email-message:to_refs[*].value = 'a@b.example']", true},
        {"[email-addr:value='a@b.example']", "[email-message:from_ref.value = 'a@b.example']", true},
        {"[file:name='a']", "[file:name = 'b']", false},
        {"[file:name='a']", "[file:name = 'a ']", false},
        {"[file:name='a b']", "[file:name = 'ab']", false},
        {"[file:name='a']", "[file:name != 'a']", false},
        {"[file:name='a']", "[NOT file:name = 'a']", false},
        {"[file:name='a']", "[file:name LIKE 'a']", false},
        {"[file:name='a']", "[file:name = 'a' OR file:name = 'b']", false},
        {"[file:name='a' OR file:size=1]", "[file:name = 'a' AND file:size = 1]", false},
        {"[file:size=1 OR file:size=2 OR (file:size=3 AND file:size=4)]",
         "[file:size=1 OR (file:size=2 AND file:size=3 AND file:size=4)]", false},
        {"[file:name='a' AND file:size=1]", "[file:name = 'a']", false},
        {"[file:name='a']", "[file:name = 'a' AND file:size = 1]", false},
        {"[file:name='a'] AND [file:size=1]", "[file:name = 'a' AND file:size = 1]", false},
        {"[file:name='a'] FOLLOWEDBY [file:size=1]", "[file:size = 1] FOLLOWEDBY [file:name = 'a']", false},
        {"[file:name='a'] WITHIN 5 SECONDS", "[file:name = 'a'] WITHIN 50 SECONDS", false},
        {"[file:name='a'] WITHIN 5 SECONDS", "[file:name = 'a']", false},
        {"[file:name='a' // b\n]", "[file:name='a' // b OR file:name='c'\n]",
         true}, /* a comment says nothing */
        {"[file:name='a' // b\n]", "[file:name='a' // b \n OR file:name='c']", false},
        {"[ipv4-addr:value='1.2.3.4']",
         "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '1.2.3.5']", false},
        {"[ipv4-addr:value='1.2.3.4']",
         "[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value = '1.2.3.4']", false},
        {"[ipv4-addr:value='1.2.3.4']",
         "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:src_ref.value = '1.2.3.4']", false},
        {"[ipv4-addr:value='1.2.3.4']",
         "[network-traffic:dst_ref.value = '1.2.3.4' AND network-traffic:dst_ref.value = '1.2.3.4']", false},
        {"[ipv4-addr:value='1.2.3.4']", "[network-traffic:dst_ref.value = '1.2.3.4']", false},
        {"[ipv4-addr:value='1.2.3.4']",
         "[network-traffic:dst_ref.type = 'ipv4-addr' OR network-traffic:dst_ref.value = '1.2.3.4']", false},
        {"[email-addr:value='a@b.example']", "[email-message:cc_refs[*].value = 'a@b.example']", false},
        {"[email-addr:value='a@b.example']", "[email-message:to_refs[*].value != 'a@b.example']", false},
        {"[email-message:to_refs[*].value = 'a@b.example']", "[email-addr:value='a@b.example']", false},
        {"[file:name='a'", "[file:name='a'", false},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, ARENA_SIZE);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (echo_same_pattern(str_of(rows[i].came), str_of(rows[i].held), &arena) != rows[i].same)
            fail_msg("%s / %s: %s", rows[i].held, rows[i].came, rows[i].same ? "not the same" : "the same");
    arena_deinit(&arena);
}

/* More than anybody has seen come back is looked at no further. */
static void bounded(void **state)
{
    char *many = mem_alloc_array(TEXT_SIZE / 2, 1), *other = mem_alloc_array(TEXT_SIZE / 2, 1);
    size_t at = 0, to = 0;
    (void)state;
    assert_true(many != NULL && other != NULL);
    for (int i = 0; i < 200; i++)
        at += (size_t)snprintf(many + at, TEXT_SIZE / 2 - at, "%s\"x_misp_%d\":1", i ? "," : "", i);
    assert_false(is_echo_of("malware", many, many));
    at = (size_t)snprintf(many, TEXT_SIZE / 2, "\"labels\":[\"a\"");
    to = (size_t)snprintf(other, TEXT_SIZE / 2, "\"labels\":[\"b\"");
    for (int i = 0; i < 100; i++) {
        at += (size_t)snprintf(many + at, TEXT_SIZE / 2 - at, ",\"%d\"", i);
        to += (size_t)snprintf(other + to, TEXT_SIZE / 2 - to, ",\"%d\"", i);
    }
    (void)snprintf(many + at, TEXT_SIZE / 2 - at, "]");
    (void)snprintf(other + to, TEXT_SIZE / 2 - to, "]");
    assert_true(is_echo_of("malware", many, many)); /* equal is equal */
    assert_false(is_echo_of("malware", many, other));
    mem_free(many);
    mem_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels),
        cmocka_unit_test(kill_chains),
        cmocka_unit_test(markings),
        cmocka_unit_test(markings_of_carriers),
        cmocka_unit_test(texts_and_times),
        cmocka_unit_test(lists_and_own_members),
        cmocka_unit_test(not_of_definitions),
        cmocka_unit_test(patterns),
        cmocka_unit_test(bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
