/* What is accepted from a source: types, creators, a ceiling, a volume; what is outside waits with its bytes.
 */
#include "gate/inbound.h"
#include "gate/quota.h"

#include "gate_test.h"

#define CREATED_BY(n) ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-00000000000" n "\""

static void accept_only(struct bench *b, uint32_t source, const struct gate_inbound *inbound)
{
    assert_int_equal(gate_inbound_put(b->gate, source, inbound, &by_test, b->now_us), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
}

static uint64_t waiting(struct bench *b)
{
    struct gate_counts counts;
    gate_counts(b->gate, &counts);
    return counts.quarantined;
}

static void types(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX], two[2 * TEXT_MAX + 128], other[TEXT_MAX];
    static const struct str only[] = {{"indicator", 9}};
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    uint32_t free = bench_source(&b, "free", STIX_TLP_NONE, true, false);
    accept_only(&b, feed, &(struct gate_inbound) {.types = only, .type_count = 1});
    /* One that is outside never fails its neighbour. */
    (void)snprintf(two, sizeof two,
                   "{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-000000000001\","
                   "\"objects\":[%s,%s]}",
                   identity(other, 1, "organization", ""), indicator(text, 1, 1, ""));
    assert_int_equal(bench_accept(&b, feed, two, strlen(two)), ERR_OK);
    assert_int_equal(b.answers[GATE_NEW], 1);
    assert_int_equal(b.answers[GATE_REFUSED], 1);
    assert_int_equal(b.last_code, ERR_DENIED);
    assert_string_equal(b.last_pointer, "/type");
    assert_string_equal(b.last_fault, "objects of type identity are not accepted from this source");
    assert_memory_equal(two + b.last_offset, "\"identity\"", 10);
    assert_int_equal(waiting(&b), 1);
    /* The same again opens no second entry; another source is not concerned. */
    assert_int_equal(bench_add(&b, feed, other), GATE_REFUSED);
    assert_int_equal(waiting(&b), 1);
    uint64_t entry = b.last_lsn;
    bench_reopen(&b);
    assert_int_equal(bench_add(&b, feed, other), GATE_REFUSED);
    assert_int_equal(bench_add(&b, free, identity(text, 2, "organization", "")), GATE_NEW);
    /* Stated otherwise, what waits can be tried again. */
    accept_only(&b, feed, &(struct gate_inbound) {0});
    assert_null(gate_inbound_get(b.gate, feed, b.now_us, NULL));
    memset(b.answers, 0, sizeof b.answers);
    assert_int_equal(gate_quarantine_retry(b.gate, entry, &by_test, b.now_us, bench_answer, &b), ERR_OK);
    assert_int_equal(b.answers[GATE_NEW], 1);
    assert_int_equal(waiting(&b), 0);
    bench_deinit(&b);
}

static void creators(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    struct stix_key trusted = key_of("identity", 1);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    accept_only(&b, feed, &(struct gate_inbound) {.creators = &trusted, .creator_count = 1});
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, CREATED_BY("1"))), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 2, 1, CREATED_BY("2"))), GATE_REFUSED);
    assert_string_equal(b.last_pointer, "/created_by_ref");
    assert_int_equal(bench_add(&b, feed, indicator(text, 3, 1, "")), GATE_NEW);
    bench_deinit(&b);
}

static void ceiling(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_AMBER, true, false);
    accept_only(&b, feed, &(struct gate_inbound) {.tlp_max = STIX_TLP_GREEN});
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN))), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 2, 1, MARKED(TLP_RED))), GATE_REFUSED);
    assert_string_equal(b.last_fault, "marked above TLP:green, the ceiling of this source");
    /* What is assumed of it speaks for what says nothing. */
    assert_int_equal(bench_add(&b, feed, indicator(text, 3, 1, "")), GATE_REFUSED);
    /* A part that is marked above it is enough. */
    assert_int_equal(
        bench_add(&b, feed,
                  indicator(text, 4, 1,
                            MARKED(TLP_CLEAR) ",\"granular_markings\":[{\"selectors\":[\"pattern\"],"
                                              "\"marking_ref\":\"" TLP_RED "\"}]")),
        GATE_REFUSED);
    bench_deinit(&b);
}

#define DEFINED(n)  MARKED("marking-definition--00000000-0000-4000-8000-00000000000" n)
#define SAYS(words) "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"" words "\"}"
#define EXTENDED(id, members)                                                                                \
    "\"extensions\":{\"extension-definition--" id "\":{\"extension_type\":\"property-extension\"," members   \
    "}}"
#define ACS(classification, determination)                                                                   \
    EXTENDED(                                                                                                \
        "3a65884d-005a-4290-8335-cb2d778a83ce",                                                              \
        "\"identifier\":\"i\",\"create_date_time\":\"2018-05-27T14:10:26.723Z\","                            \
        "\"responsible_entity_custodian\":\"USA.DHS\",\"policy_reference\":\"urn:isa:policy:acs:ns:v3.0?"    \
        "privdefault=permit&sharedefault=permit\",\"control_set\":{\"classification\":\"" classification     \
        "\",\"formal_determination\":[\"" determination "\"]}")
#define IEP(tlp, start)                                                                                      \
    EXTENDED("762e2e97-ee51-43e5-a9ea-165fbb862c4a",                                                         \
             "\"encrypt_in_transit\":\"must\",\"permitted_actions\":\"internally-visible-actions\","         \
             "\"affected_party_notifications\":\"must-not\",\"tlp\":\"" tlp "\",\"provider_attribution\":"   \
             "\"may\",\"unmodified_resale\":\"must-not\",\"iep_id\":"                                        \
             "\"0224bfdf-ea3a-49c3-96f6-66d908bb1845\",\"iep_version\":2.0,\"description\":\"d\","           \
             "\"start_date\":\"" start "\"")

static const char *definition(char out[TEXT_MAX], int n, const char *members)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",%s}",
                   id_of(id, "marking-definition", n), members);
    return out;
}

/* Whatever language a marking is said in, it comes down to a level, and that is asked. */
static void a_ceiling_reads_every_marking(void **state)
{
    (void)state;
    static const struct {
        const char *members, *refused; /* NULL: taken in */
    } rows[] = {
        {ACS("U", "PUBREL"), NULL},
        {ACS("S", "AIS"), "marked above TLP:green"},
        {ACS("U", "FOUO"), "marked above TLP:green"},
        {ACS("X", "FOUO"), "cannot be read"},
        {IEP("green", "2022-10-01T00:00:00Z"), NULL},
        {IEP("amber", "2022-10-01T00:00:00Z"), "marked above TLP:green"},
        {IEP("red", "2999-10-01T00:00:00Z"), "marked above TLP:green"},
        {SAYS("nobody has read this"), NULL},
        {"\"definition_type\":\"x-ours\",\"definition\":{\"x\":1}", "cannot be read"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench b;
        char text[TEXT_MAX];
        bench_init(&b);
        uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
        accept_only(&b, feed, &(struct gate_inbound) {.tlp_max = STIX_TLP_GREEN});
        if (bench_add(&b, feed, definition(text, 1, rows[i].members)) != GATE_NEW)
            fail_msg("row %zu: %s", i, b.last_fault);
        for (int again = 0; again < 2; again++) {
            enum gate_disposition said = bench_add(&b, feed, indicator(text, again, 1, DEFINED("1")));
            assert_int_equal(said, rows[i].refused == NULL ? GATE_NEW : GATE_REFUSED);
            if (rows[i].refused != NULL && strstr(b.last_fault, rows[i].refused) == NULL)
                fail_msg("row %zu: %s", i, b.last_fault);
            bench_reopen(&b); /* what was said stands in the index */
        }
        bench_deinit(&b);
    }
}

static void a_classified_statement_has_its_level(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    struct stix_key key = key_of("marking-definition", 1);
    accept_only(&b, feed, &(struct gate_inbound) {.tlp_max = STIX_TLP_GREEN});
    (void)bench_add(&b, feed, definition(text, 1, SAYS("members only")));
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, DEFINED("1"))), GATE_NEW);
    assert_int_equal(gate_marking_classify(b.gate, &key, STIX_TLP_AMBER, &by_test, b.now_us), ERR_OK);
    assert_int_equal(bench_add(&b, feed, indicator(text, 2, 1, DEFINED("1"))), GATE_REFUSED);
    assert_string_equal(b.last_fault, "marked above TLP:green, the ceiling of this source");
    /* In a part of it too. */
    assert_int_equal(bench_add(&b, feed,
                               indicator(text, 3, 1,
                                         ",\"granular_markings\":[{\"selectors\":[\"pattern\"],"
                                         "\"marking_ref\":\"marking-definition--00000000-0000-4000-8000-"
                                         "000000000001\"}]")),
                     GATE_REFUSED);
    assert_int_equal(gate_marking_classify(b.gate, &key, STIX_TLP_GREEN, &by_test, b.now_us), ERR_OK);
    assert_int_equal(bench_add(&b, feed, indicator(text, 2, 1, DEFINED("1"))), GATE_NEW);
    bench_deinit(&b);
}

/* In a bundle definitions count wherever they stand; what was never said stays outside. What another source
 * said makes no difference: the sender would learn that it is here. */
static void a_definition_is_its_senders_own(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX], two[2 * TEXT_MAX + 128], other[TEXT_MAX];
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    uint32_t free = bench_source(&b, "free", STIX_TLP_NONE, true, false);
    accept_only(&b, feed, &(struct gate_inbound) {.tlp_max = STIX_TLP_GREEN});
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, DEFINED("1"))), GATE_REFUSED);
    assert_non_null(strstr(b.last_fault, "never sent"));
    (void)bench_add(&b, free, definition(text, 1, ACS("U", "PUBREL")));
    assert_int_equal(bench_add(&b, feed, indicator(text, 2, 1, DEFINED("1"))), GATE_REFUSED);
    assert_non_null(strstr(b.last_fault, "never sent"));
    memset(b.answers, 0, sizeof b.answers);
    (void)snprintf(two, sizeof two,
                   "{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-000000000001\","
                   "\"objects\":[%s,%s]}",
                   indicator(other, 3, 1, DEFINED("1")), definition(text, 1, ACS("U", "PUBREL")));
    assert_int_equal(bench_accept(&b, feed, two, strlen(two)), ERR_OK);
    assert_int_equal(b.answers[GATE_NEW] + b.answers[GATE_SEEN], 2);
    assert_int_equal(b.answers[GATE_REFUSED], 0);
    bench_deinit(&b);
}

/* A partner does not send back what he has from here. */
static void what_a_partner_was_given_counts(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    unsigned us = bench_partner(&b, "us-cisa"), jp = bench_partner(&b, "jp-nisc");
    bench_policy_text(&b, "language 1\nrelease open if always to us-cisa\n");
    uint32_t own = bench_source(&b, "own", STIX_TLP_CLEAR, true, false);
    (void)bench_add(&b, own, definition(text, 1, SAYS("all of us")));
    (void)bench_add(&b, own, indicator(text, 9, 1, DEFINED("1")));
    struct stix_key key = key_of("marking-definition", 1);
    assert_int_equal(gate_marking_classify(b.gate, &key, STIX_TLP_GREEN, &by_test, b.now_us), ERR_OK);
    bench_settle(&b);
    bench_sign(&b);
    const struct gate_peer *peers[] = {gate_peer_get(b.gate, us), gate_peer_get(b.gate, jp)};
    for (unsigned i = 0; i < 2; i++)
        accept_only(&b, peers[i]->source, &(struct gate_inbound) {.tlp_max = STIX_TLP_GREEN});
    assert_int_equal(bench_add(&b, peers[0]->source, indicator(text, 1, 1, DEFINED("1"))), GATE_NEW);
    assert_int_equal(bench_add(&b, peers[1]->source, indicator(text, 2, 1, DEFINED("1"))), GATE_REFUSED);
    bench_deinit(&b);
}

static void volume(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_inbound_used used;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    uint32_t other = bench_source(&b, "other", STIX_TLP_NONE, true, false);
    const int64_t day_us = INT64_C(86400) * 1000000;
    accept_only(&b, feed, &(struct gate_inbound) {.window_us = day_us, .objects = 3});
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, "")), GATE_NEW);
    size_t len = strlen(text);
    /* Repetition costs nothing; that another source has it makes no difference that could be seen. */
    assert_int_equal(bench_add(&b, feed, text), GATE_DUPLICATE);
    assert_int_equal(bench_add(&b, other, indicator(text, 2, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, text), GATE_SEEN);
    assert_non_null(gate_inbound_get(b.gate, feed, b.now_us, &used));
    assert_int_equal(used.objects, 2);
    assert_int_equal(used.bytes, len);
    /* A restart, and the log read again without its index, count the same. */
    bench_reopen(&b);
    assert_non_null(gate_inbound_get(b.gate, feed, b.now_us, &used));
    assert_int_equal(used.objects, 2);
    gate_close(b.gate);
    struct gate_setup setup = {.os = os_linux(), .dir = b.dir, .node_name = STR("kr"), .reindex = true};
    assert_int_equal(gate_open(&setup, &b.gate), ERR_OK);
    assert_non_null(gate_inbound_get(b.gate, feed, b.now_us, &used));
    assert_int_equal(used.objects, 2);
    assert_int_equal(used.bytes, len);
    assert_int_equal(bench_add(&b, feed, indicator(text, 3, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 4, 1, "")), GATE_REFUSED);
    assert_int_equal(b.last_code, ERR_DENIED);
    assert_int_equal(bench_add(&b, other, indicator(text, 5, 1, "")), GATE_NEW);
    /* The next window is a new one. */
    b.now_us += day_us;
    assert_int_equal(bench_add(&b, feed, indicator(text, 4, 1, "")), GATE_NEW);
    accept_only(&b, feed, &(struct gate_inbound) {.window_us = day_us, .bytes = 2 * len});
    assert_int_equal(bench_add(&b, feed, indicator(text, 6, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 7, 1, "")), GATE_REFUSED);
    bench_deinit(&b);
}

/* Each creator by himself, each type by itself; what is over waits, and the next window lets it in. */
static void quotas(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_inbound_used used;
    static const struct gate_quota two[] = {{{"indicator", 9}, 2, INT64_C(60) * 1000000},
                                            {{"malware", 7}, 1, INT64_C(3600) * 1000000}};
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    uint32_t free = bench_source(&b, "free", STIX_TLP_NONE, true, false);
    accept_only(&b, feed, &(struct gate_inbound) {.quotas = two, .quota_count = 2});
    for (int i = 1; i <= 2; i++)
        assert_int_equal(bench_add(&b, feed, indicator(text, i, 1, CREATED_BY("1"))), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 3, 1, CREATED_BY("1"))), GATE_REFUSED);
    assert_int_equal(b.last_code, ERR_DENIED);
    assert_string_equal(b.last_pointer, "/created_by_ref");
    assert_string_equal(
        b.last_fault,
        "the number of objects of type indicator accepted from one creator in one window is reached");
    assert_int_equal(waiting(&b), 1);
    uint64_t entry = b.last_lsn;
    /* What is held already is no more of it; another creator, none, another type, another source. */
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, CREATED_BY("1"))), GATE_DUPLICATE);
    assert_int_equal(bench_add(&b, feed, indicator(text, 4, 1, CREATED_BY("2"))), GATE_NEW);
    for (int i = 5; i <= 6; i++)
        assert_int_equal(bench_add(&b, feed, indicator(text, i, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 7, 1, "")), GATE_REFUSED);
    assert_int_equal(bench_add(&b, feed, identity(text, 1, "organization", CREATED_BY("1"))), GATE_NEW);
    assert_int_equal(bench_add(&b, free, indicator(text, 8, 1, CREATED_BY("1"))), GATE_NEW);
    assert_int_equal(gate_inbound_get(b.gate, feed, b.now_us, &used)->quota_count, 2);
    assert_int_equal(used.creators_over, 2);
    /* The next window; also one that a clock set back leads to. */
    for (int by = 0; by < 2; by++) {
        b.now_us += by == 0 ? INT64_C(60) * 1000000 : INT64_C(-3600) * 1000000;
        (void)gate_inbound_get(b.gate, feed, b.now_us, &used);
        assert_int_equal(used.creators_over, 0);
        assert_int_equal(bench_add(&b, feed, indicator(text, 10 + 2 * by, 1, CREATED_BY("1"))), GATE_NEW);
    }
    memset(b.answers, 0, sizeof b.answers);
    assert_int_equal(gate_quarantine_retry(b.gate, entry, &by_test, b.now_us, bench_answer, &b), ERR_OK);
    assert_int_equal(b.answers[GATE_NEW], 1);
    /* What is stated outlives the program; what was counted does not. */
    bench_reopen(&b);
    const struct gate_inbound *told = gate_inbound_get(b.gate, feed, b.now_us, &used);
    assert_non_null(told);
    assert_int_equal(told->quota_count, 2);
    assert_true(str_eq(told->quotas[1].type, STR("malware")));
    assert_true(told->quotas[1].objects == 1 && told->quotas[1].window_us == two[1].window_us);
    accept_only(&b, feed, &(struct gate_inbound) {0});
    assert_null(gate_inbound_get(b.gate, feed, b.now_us, NULL));
    bench_deinit(&b);
}

static void over_by(struct quota_counts *counts, uint32_t from, uint32_t to, uint64_t window,
                    size_t *out_over)
{
    bool over;
    *out_over = 0;
    for (uint32_t i = from; i < to; i++) {
        struct stix_key creator = {{0}};
        memcpy(creator.b, &i, sizeof i);
        assert_int_equal(quota_count(counts, 0, &creator, window, 1, &over), ERR_OK);
        *out_over += over;
    }
}

/* A million names are as many rows as the bound, and one for all others; the next window begins for them too.
 */
static void whoever_names_many_fills_nothing(void **state)
{
    (void)state;
    struct quota_counts counts;
    struct hash_sip_key sip = {{1}};
    size_t over;
    quota_counts_init(&counts, &sip);
    over_by(&counts, 0, LIMIT_QUOTA_CREATORS, 7, &over);
    assert_int_equal(over, 0);
    over_by(&counts, LIMIT_QUOTA_CREATORS, LIMIT_QUOTA_CREATORS + 100, 7, &over);
    assert_int_equal(over, 99); /* the first of the others took their one place */
    assert_int_equal(counts.by.count, LIMIT_QUOTA_CREATORS + 1);
    over_by(&counts, LIMIT_QUOTA_CREATORS, 2 * LIMIT_QUOTA_CREATORS, 8, &over);
    assert_int_equal(over, 0); /* those of the window before made room */
    over_by(&counts, LIMIT_QUOTA_CREATORS, LIMIT_QUOTA_CREATORS + 5, 8, &over);
    assert_int_equal(over, 5);
    quota_counts_deinit(&counts);
}

static void a_partner_is_told_refused(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    unsigned us = bench_partner(&b, "us");
    uint32_t source = gate_peer_get(b.gate, us)->source;
    accept_only(&b, source, &(struct gate_inbound) {.tlp_max = STIX_TLP_CLEAR});
    struct gate_submission submission = {.source = source, .leaf = 1};
    struct fault fault = {0};
    char padded[TEXT_MAX + JSON_PADDING] = "";
    size_t len = strlen(indicator(text, 1, 1, MARKED(TLP_RED)));
    memcpy(padded, text, len);
    assert_int_equal(
        gate_accept(b.gate, &submission, bytes_of(padded, len), b.now_us, bench_answer, &b, &fault), ERR_OK);
    assert_int_equal(b.answers[GATE_REFUSED], 1);
    assert_int_equal(b.last_code, ERR_DENIED);
    bench_deinit(&b);
}

static void what_cannot_be_stated(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    static const struct str bad[] = {{"In dicator", 10}};
    struct stix_key no_identity = key_of("malware", 1);
    const struct gate_inbound wrong[] = {
        {.types = bad, .type_count = 1},
        {.creators = &no_identity, .creator_count = 1},
        {.objects = 5},
        {.window_us = 5000000},
        {.quotas = &(struct gate_quota) {{"In dicator", 10}, 1, 5000000}, .quota_count = 1},
        {.quotas = &(struct gate_quota) {{"indicator", 9}, 0, 5000000}, .quota_count = 1},
        {.quotas = &(struct gate_quota) {{"indicator", 9}, 1, 0}, .quota_count = 1},
        {.quotas = (struct gate_quota[]) {{{"indicator", 9}, 1, 5000000}, {{"indicator", 9}, 2, 5000000}},
         .quota_count = 2},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(gate_inbound_put(b.gate, feed, &wrong[i], &by_test, b.now_us), ERR_INVALID);
    assert_int_equal(gate_inbound_put(b.gate, 99, &wrong[2], &by_test, b.now_us), ERR_NOTFOUND);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),
        cmocka_unit_test(creators),
        cmocka_unit_test(ceiling),
        cmocka_unit_test(a_ceiling_reads_every_marking),
        cmocka_unit_test(a_classified_statement_has_its_level),
        cmocka_unit_test(a_definition_is_its_senders_own),
        cmocka_unit_test(what_a_partner_was_given_counts),
        cmocka_unit_test(volume),
        cmocka_unit_test(quotas),
        cmocka_unit_test(whoever_names_many_fills_nothing),
        cmocka_unit_test(a_partner_is_told_refused),
        cmocka_unit_test(what_cannot_be_stated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
