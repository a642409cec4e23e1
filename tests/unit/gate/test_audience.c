/* Whom markings let read: ACS 3.0 judged partner by partner, IEP 2.0 that begins and ends, REL TO lists, and
 * the originator's grant without which nothing received above green goes on. */
#include "gate/retention.h"

#include "gate_test.h"

enum { US, KR, AU, XX, READERS };

struct node {
    struct bench b;
    unsigned partner[READERS];
    uint32_t own, feed;
};

/* Four readers: an American agency of a sector, a Korean one cleared for S, an Australian one for less, and
 * one of whom nothing is said. */
static const char *const names[READERS] = {"us", "kr", "au", "xx"};

static void node_init(struct node *n, const char *rules)
{
    static const char readers[] =
        "language 1\n"
        "partner us { nation USA; organisations [USA.DHS.CISA]; clearance TS; purposes "
        "[NETDEF]; caveats [POSSIBLEPII]; entities GOV; shareability [NCC LE] }\n"
        "partner kr { nation KOR; organisations KOR.KISA; scopes FOREIGNGOV; clearance S; "
        "purposes [NETDEF INTEL]; entities [GOV MIL]; shareability NCC }\n"
        "partner au { nation [AUS NZL]; organisations AUS.ASD; scopes [FOREIGNGOV SECTOR]; clearance C; "
        "purposes [NETDEF] }\n"
        "community pacific = [kr au]\n";
    char text[2048];
    bench_init(&n->b);
    for (unsigned p = 0; p < READERS; p++) {
        assert_int_equal(gate_peer_put(n->b.gate, str_of(names[p]), str_of(names[p]), STR(""),
                                       bytes_of(NULL, 0), &by_test, n->b.now_us, &n->partner[p]),
                         ERR_OK);
        assert_int_equal(
            gate_peer_set(n->b.gate, n->partner[p], GATE_PEER_STARTED, false, &by_test, n->b.now_us), ERR_OK);
    }
    (void)snprintf(text, sizeof text, "%s%s", readers, rules);
    bench_policy_text(&n->b, text);
    n->own = bench_source(&n->b, "own", STIX_TLP_NONE, true, false);
    n->feed = bench_source(&n->b, "feed", STIX_TLP_NONE, false, false);
}

#define EVERYTHING "release any if tlp <= red to all"
#define ONE        "marking-definition--00000000-0000-4000-8000-000000000001"
#define TWO        "marking-definition--00000000-0000-4000-8000-000000000002"
#define ACS_ID     "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce"
#define IEP_ID     "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"

enum { LONG_TEXT = 4 * TEXT_MAX };

static const char *definition(char out[LONG_TEXT], int n, const char *extension, const char *members)
{
    char id[ID_MAX];
    (void)snprintf(out, LONG_TEXT,
                   "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",\"extensions\":{\"%s\":{\"extension_type\":"
                   "\"property-extension\",%s}}}",
                   id_of(id, "marking-definition", n), extension, members);
    return out;
}

static const char *acs(char out[LONG_TEXT], int n, const char *defaults, const char *controls,
                       const char *more)
{
    char members[TEXT_MAX];
    (void)snprintf(members, sizeof members,
                   "\"identifier\":\"i\",\"create_date_time\":\"2018-05-27T14:10:26.723Z\","
                   "\"responsible_entity_custodian\":\"USA.DHS\",\"policy_reference\":"
                   "\"urn:isa:policy:acs:ns:v3.0?%s\",\"control_set\":{%s}%s",
                   defaults, controls, more);
    return definition(out, n, ACS_ID, members);
}

#define PERMIT       "privdefault=permit&sharedefault=permit"
#define NOT_FURTHER  "privdefault=permit&sharedefault=deny"
#define NO_PRIVILEGE "privdefault=deny&sharedefault=permit"
#define U            "\"classification\":\"U\""
#define SCOPE                                                                                                \
    ",\"privilege_scope\":{\"permitted_nationalities\":[\"ALL\"],\"permitted_organizations\":[\"ALL\"],"     \
    "\"entity\":[\"ALL\"],\"shareability\":[\"ALL\"]}}"
#define RULE(action, effect) "{\"privilege_action\":\"" action "\",\"rule_effect\":\"" effect "\"" SCOPE
#define WITHIN(action, effect, scope)                                                                        \
    ",\"access_privilege\":[{\"privilege_action\":\"" action "\",\"rule_effect\":\"" effect                  \
    "\",\"privilege_scope\":{" scope "}}]"
#define SHARE(scope, effect) "{\"rule_effect\":\"" effect "\",\"sharing_scope\":[\"" scope "\"]}"

static unsigned readers_of(struct node *n, int object)
{
    unsigned mask = 0;
    bench_settle(&n->b);
    for (unsigned p = 0; p < READERS; p++)
        mask |= (unsigned)bench_is_released(&n->b, n->partner[p], "indicator", object) << p;
    return mask;
}

/* Each row: an ACS marking, and who of the four reads what carries it. */
enum { us = 1 << US, kr = 1 << KR, au = 1 << AU, xx = 1 << XX };
static const struct {
    const char *defaults, *controls, *more;
    unsigned readers;
} acs_rows[] = {
    {PERMIT, U, "", us | kr | au | xx},
    {PERMIT, "\"classification\":\"C\"", "", us | kr | au},
    {PERMIT, "\"classification\":\"S\"", "", us | kr},
    {PERMIT, "\"classification\":\"TS\"", "", us},
    {PERMIT, U ",\"permitted_nationalities\":[\"USA\",\"KOR\",\"AUS\"]", "", us | kr}, /* au is NZL too */
    {PERMIT, U ",\"permitted_nationalities\":[\"NZL\",\"AUS\"]", "", au},
    {PERMIT, U ",\"permitted_nationalities\":[\"ALL\"]", "", us | kr | au | xx},
    {PERMIT, U ",\"permitted_organizations\":[\"USA.DHS.CISA\"]", "", us},
    {PERMIT,
     U ",\"permitted_nationalities\":[\"USA\",\"KOR\"],\"permitted_organizations\":[\"USA.DHS.CISA\"]", "",
     us},
    {PERMIT, U ",\"formal_determination\":[\"NF\"]", "", us},
    {PERMIT, U ",\"caveat\":[\"POSSIBLEPII\"]", "", us},
    {PERMIT, U ",\"caveat\":[\"POSSIBLEPII\",\"FISA\"]", "", 0},
    {PERMIT, U ",\"sensitivity\":[\"PRIVATE\"]", "", 0}, /* not judged: nobody */
    {NOT_FURTHER, U, "", 0},
    {NOT_FURTHER, U, ",\"further_sharing\":[" SHARE("FOREIGNGOV", "permit") "]", kr | au},
    {NOT_FURTHER, U, ",\"further_sharing\":[" SHARE("ALL", "permit") "]", us | kr | au | xx},
    {PERMIT, U, ",\"further_sharing\":[" SHARE("FOREIGNGOV", "deny") "]", us},
    {PERMIT, U, ",\"further_sharing\":[" SHARE("USA.DHS", "deny") "]", kr | au}, /* xx might be one */
    {PERMIT, U, ",\"access_privilege\":[" RULE("DSPLY", "deny") "]", 0},
    {PERMIT, U, ",\"access_privilege\":[" RULE("IDSRC", "deny") "]", 0},
    {PERMIT, U, ",\"access_privilege\":[" RULE("INTEL", "deny") "]", us | au}, /* purposes */
    {PERMIT, U, ",\"access_privilege\":[" RULE("LEGAL", "deny") "]", us | kr | au},
    {NO_PRIVILEGE, U, "", 0},
    {NO_PRIVILEGE, U,
     ",\"access_privilege\":[" RULE("DSPLY", "permit") "," RULE("IDSRC", "permit") "," RULE("NETDEF",
                                                                                            "permit") "]",
     us | au},
    {NO_PRIVILEGE, U, ",\"access_privilege\":[" RULE("ALL", "permit") "]", us | kr | au | xx},
    {PERMIT, U ",\"entity\":[\"GOV\"]", "", us}, /* kr is MIL too */
    {PERMIT, U ",\"entity\":[\"MIL\",\"GOV\"]", "", us | kr},
    {PERMIT, U ",\"entity\":[\"CTR\"]", "", 0},
    {PERMIT, U ",\"shareability\":[\"NCC\"]", "", kr}, /* us is LE too */
    {PERMIT, U ",\"shareability\":[\"LE\",\"NCC\"]", "", us | kr},
    {PERMIT, U ",\"entity\":[\"GOV\"],\"shareability\":[\"NCC\"]", "", 0},
    {NOT_FURTHER, U, ",\"further_sharing\":[" SHARE("SECTOR", "permit") "]", au},
    {PERMIT, U, ",\"further_sharing\":[" SHARE("SECTOR", "deny") "]", kr}, /* us and xx might be */
    {NOT_FURTHER, U, ",\"further_sharing\":[" SHARE("AUS.ASD", "permit") "]", au},
    {NOT_FURTHER, U, ",\"further_sharing\":[" SHARE("USA.DHS", "permit") "]", 0}, /* is a part meant? */
    {NOT_FURTHER, U, ",\"further_sharing\":[" SHARE("USA.DHS.CISA", "permit") "]", us},
    {NOT_FURTHER, U, ",\"further_sharing\":[" SHARE("USA.DHS.CISA.CSD", "permit") "]", 0},
    {NOT_FURTHER, U, ",\"further_sharing\":[" SHARE("KOR.NIS", "permit") "]", 0},
    {PERMIT, U, ",\"further_sharing\":[" SHARE("USA.DHS.CISA.CSD", "deny") "]", kr | au},
    {NOT_FURTHER, U, ",\"further_sharing\":[" SHARE("KOR.KISA", "permit") "," SHARE("FOREIGNGOV", "deny") "]",
     0},
    /* What a rule about a privilege says of readers, where it does not say ALL. */
    {PERMIT, U, WITHIN("DSPLY", "deny", "\"permitted_nationalities\":[\"KOR\"]"), us | au},
    {PERMIT, U, WITHIN("DSPLY", "deny", "\"permitted_nationalities\":[\"NZL\"]"), us | kr}, /* au is */
    {PERMIT, U, WITHIN("DSPLY", "deny", "\"permitted_organizations\":[\"AUS.ASD\"]"), us | kr},
    {PERMIT, U, WITHIN("DSPLY", "deny", "\"entity\":[\"MIL\"]"), us}, /* au and xx might be */
    {PERMIT, U, WITHIN("DSPLY", "deny", "\"shareability\":[\"LE\"]"), kr},
    {PERMIT, U, WITHIN("DSPLY", "deny", "\"permitted_nationalities\":[\"KOR\"],\"entity\":[\"GOV\"]"),
     us | au},
    {PERMIT, U, WITHIN("INTEL", "deny", "\"permitted_nationalities\":[\"KOR\"]"), us | au},
    {PERMIT, U, WITHIN("INTEL", "deny", "\"permitted_nationalities\":[\"USA\"]"), us | kr | au},
    {NO_PRIVILEGE, U, WITHIN("ALL", "permit", "\"permitted_nationalities\":[\"AUS\"]"), 0},
    {NO_PRIVILEGE, U, WITHIN("ALL", "permit", "\"permitted_nationalities\":[\"AUS\",\"NZL\"]"), au},
    {NO_PRIVILEGE, U, WITHIN("ALL", "permit", "\"permitted_organizations\":[\"USA.DHS\"]"), 0},
    {NO_PRIVILEGE, U, WITHIN("ALL", "permit", "\"permitted_organizations\":[\"USA.DHS.CISA\"]"), us},
    {NO_PRIVILEGE, U, WITHIN("ALL", "permit", "\"entity\":[\"GOV\"]"), us},
    {NO_PRIVILEGE, U, WITHIN("ALL", "permit", "\"shareability\":[\"NCC\"]"), kr},
    {NO_PRIVILEGE, U,
     WITHIN("ALL", "permit",
            "\"permitted_nationalities\":[\"USA\",\"KOR\"],\"shareability\":[\"LE\",\"NCC\",\"EM\"]"),
     us | kr},
};

static void acs_is_judged_partner_by_partner(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof acs_rows / sizeof acs_rows[0]; i++) {
        struct node n;
        char text[LONG_TEXT];
        node_init(&n, EVERYTHING);
        (void)bench_add(&n.b, n.feed,
                        acs(text, 1, acs_rows[i].defaults, acs_rows[i].controls, acs_rows[i].more));
        (void)bench_add(&n.b, n.feed, indicator(text, 1, 1, MARKED(ONE)));
        unsigned readers = readers_of(&n, 1);
        if (readers != acs_rows[i].readers)
            fail_msg("row %zu %s %s: %x", i, acs_rows[i].controls, acs_rows[i].more, readers);
        bench_deinit(&n.b);
    }
}

struct kept {
    char why[200];
};

static bool note_kept(void *ctx, const struct gate_marking *marking)
{
    struct kept *kept = ctx;
    (void)snprintf(kept->why, sizeof kept->why, "%s", marking->keeps == NULL ? "" : marking->keeps);
    return true;
}

static void why_is_said_for_each(void **state)
{
    (void)state;
    struct node n;
    struct kept kept;
    struct arena arena;
    char text[LONG_TEXT];
    struct stix_key key = key_of("indicator", 1);
    static const char *const why[READERS] = {"", "ACS: not among the permitted nationalities",
                                             "ACS: classified above the partner's clearance",
                                             "ACS: classified above the partner's clearance"};
    node_init(&n, EVERYTHING);
    (void)bench_add(
        &n.b, n.feed,
        acs(text, 1, PERMIT, "\"classification\":\"S\",\"permitted_nationalities\":[\"USA\"]", ""));
    (void)bench_add(&n.b, n.feed, indicator(text, 1, 1, MARKED(ONE)));
    bench_settle(&n.b);
    for (unsigned p = 0; p < READERS; p++) {
        arena_init(&arena, 64 << 20);
        assert_int_equal(
            gate_markings(n.b.gate, &key, (int)n.partner[p], n.b.now_us, &arena, note_kept, &kept), ERR_OK);
        assert_string_equal(kept.why, why[p]);
        arena_deinit(&arena);
    }
    bench_deinit(&n.b);
}

/* The next change that a step names for what waits. */
static int64_t next_change(struct node *n)
{
    bool more;
    int64_t next_us;
    assert_int_equal(gate_step(n->b.gate, n->b.now_us, &more, &next_us), ERR_OK);
    return next_us;
}

/* Disposed of on the day that it names: what was not released by then is not any more. */
static void a_disposition_ends_it(void **state)
{
    (void)state;
    struct node n;
    char text[LONG_TEXT];
    const int64_t end = INT64_C(1893456000000000); /* 2030-01-01 */
    node_init(&n, "hold ask if always until approved " EVERYTHING);
    (void)bench_add(&n.b, n.feed,
                    acs(text, 1, PERMIT, U,
                        ",\"resource_disposition\":{\"disposition_date\":\"2030-01-01T00:00:00.000Z\"}"));
    (void)bench_add(&n.b, n.feed, indicator(text, 1, 1, MARKED(ONE)));
    assert_int_equal(readers_of(&n, 1), 0);
    assert_int_equal(bench_tally(&n.b, n.partner[US]).held, 2);
    assert_int_equal(next_change(&n), end);
    n.b.now_us = end;
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.partner[US]).denied, 1);
    bench_deinit(&n.b);
}

/* What begins by a clock that nobody believes is not in force yet. */
static void an_iep_begins_when_the_clock_is_believed(void **state)
{
    (void)state;
    static const struct gate_forgotten none;
    const int64_t days_us = INT64_C(60) * 86400 * 1000000;
    struct node n;
    char text[LONG_TEXT];
    node_init(&n, EVERYTHING);
    (void)bench_add(
        &n.b, n.feed,
        definition(text, 1, IEP_ID,
                   "\"iep_id\":\"i\",\"iep_version\":2.0,\"start_date\":\"2027-02-10T00:00:00Z\","
                   "\"tlp\":\"white\",\"encrypt_in_transit\":\"may\",\"permitted_actions\":\"none\","
                   "\"affected_party_notifications\":\"may\",\"provider_attribution\":\"must\","
                   "\"unmodified_resale\":\"must-not\""));
    (void)bench_add(&n.b, n.feed, indicator(text, 1, 1, MARKED(ONE)));
    bench_settle(&n.b);
    assert_int_equal(gate_retained(n.b.gate, &none, n.b.now_us), ERR_OK);
    n.b.now_us += days_us;
    bench_settle(&n.b);
    assert_int_equal(readers_of(&n, 1), 0);
    assert_int_equal(gate_clock_confirm(n.b.gate, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    assert_int_equal(readers_of(&n, 1), 1 << US | 1 << KR | 1 << AU | 1 << XX);
    bench_deinit(&n.b);
}

static const char *iep_saying(char out[LONG_TEXT], int n, const char *encrypt, const char *notify)
{
    char members[TEXT_MAX];
    (void)snprintf(members, sizeof members,
                   "\"iep_id\":\"i\",\"iep_version\":2.0,\"start_date\":\"2020-01-01T00:00:00Z\","
                   "\"tlp\":\"white\",\"encrypt_in_transit\":\"%s\",\"permitted_actions\":\"none\","
                   "\"affected_party_notifications\":\"%s\",\"provider_attribution\":\"must\","
                   "\"unmodified_resale\":\"must-not\"",
                   encrypt, notify);
    return definition(out, n, IEP_ID, members);
}

/* Each policy lets one of the two through: by what the terms say, and not by that there are any. */
static void an_iep_says_how_it_travels_and_who_is_told(void **state)
{
    (void)state;
    enum { all = 1 << US | 1 << KR | 1 << AU | 1 << XX };
    static const struct {
        const char *rules;
        unsigned first, second; /* of must encrypt, may tell; of may encrypt, must not tell */
    } rows[] = {
        {"release a if iep.encrypt-in-transit == must to all", all, 0},
        {"release a if iep.encrypt-in-transit == may to all", 0, all},
        {"release a if iep.encrypt-in-transit in [may must] to all", all, all},
        {"release a if iep.affected-party-notifications == may to all", all, 0},
        {"release a if iep.affected-party-notifications != may to all", 0, all},
        {"deny d if has iep.affected-party-notifications and iep.affected-party-notifications == must-not to "
         "kr " EVERYTHING,
         all, all & ~(1 << KR)},
        {"deny d if has iep.encrypt-in-transit and iep.encrypt-in-transit == must to au " EVERYTHING,
         all & ~(1 << AU), all},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct node n;
        char text[LONG_TEXT];
        node_init(&n, rows[i].rules);
        (void)bench_add(&n.b, n.feed, iep_saying(text, 1, "must", "may"));
        (void)bench_add(&n.b, n.feed, iep_saying(text, 2, "may", "must-not"));
        (void)bench_add(&n.b, n.feed, indicator(text, 1, 1, MARKED(ONE)));
        (void)bench_add(&n.b, n.feed, indicator(text, 2, 1, MARKED(TWO)));
        unsigned first = readers_of(&n, 1), second = readers_of(&n, 2);
        if (first != rows[i].first || second != rows[i].second)
            fail_msg("row %zu %s: %x %x", i, rows[i].rules, first, second);
        bench_deinit(&n.b);
    }
}

static const char *iep(char out[LONG_TEXT], int n, const char *start, const char *end)
{
    char members[TEXT_MAX];
    (void)snprintf(members, sizeof members,
                   "\"iep_id\":\"i\",\"iep_version\":2.0,\"start_date\":\"%s\",\"end_date\":\"%s\",\"tlp\":"
                   "\"white\",\"encrypt_in_transit\":\"must\",\"permitted_actions\":\"none\","
                   "\"affected_party_notifications\":\"may\",\"provider_attribution\":\"must\","
                   "\"unmodified_resale\":\"must-not\"",
                   start, end);
    return definition(out, n, IEP_ID, members);
}

/* Begins later: released then, by itself; and its terms are conditions. */
static void an_iep_begins_and_is_asked_about(void **state)
{
    (void)state;
    struct node n;
    char text[LONG_TEXT];
    const int64_t start = INT64_C(1893456000000000); /* 2030-01-01 */
    node_init(&n, "deny resale if has iep.unmodified-resale and iep.unmodified-resale == must-not to kr "
                  "release any if iep.permitted-actions == none and iep.provider-attribution == must to all");
    (void)bench_add(&n.b, n.feed, iep(text, 1, "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"));
    (void)bench_add(&n.b, n.feed, indicator(text, 1, 1, MARKED(ONE)));
    assert_int_equal(readers_of(&n, 1), 0);
    assert_int_equal(next_change(&n), start);
    n.b.now_us = start;
    assert_int_equal(readers_of(&n, 1), 1 << US | 1 << AU | 1 << XX);
    /* The end is known from then on. */
    assert_int_equal(next_change(&n), INT64_C(1924992000000000));
    bench_deinit(&n.b);
}

/* REL TO is judged by each policy anew: who is Korean later reads later. Several lists intersect. */
static void rel_to_names_nations_and_communities(void **state)
{
    (void)state;
    struct node n;
    char text[LONG_TEXT];
    struct stix_key one = key_of("marking-definition", 1), two = key_of("marking-definition", 2);
    struct str first[] = {STR("USA"), STR("KOR")}, second[] = {STR("pacific")};
    node_init(&n, EVERYTHING);
    (void)bench_add(&n.b, n.feed, statement(text, 1, "REL TO USA, KOR"));
    (void)bench_add(&n.b, n.feed, statement(text, 2, "REL TO PACIFIC"));
    assert_int_equal(gate_marking_rel_to(n.b.gate, &one, STIX_TLP_AMBER, UINT64_MAX,
                                         (struct policy_list) {first, 2}, &by_test, n.b.now_us),
                     ERR_OK);
    assert_int_equal(gate_marking_rel_to(n.b.gate, &two, STIX_TLP_AMBER, UINT64_MAX,
                                         (struct policy_list) {second, 1}, &by_test, n.b.now_us),
                     ERR_OK);
    (void)bench_add(&n.b, n.feed, indicator(text, 1, 1, MARKED(ONE)));
    (void)bench_add(&n.b, n.feed, indicator(text, 2, 1, MARKED(TWO)));
    (void)bench_add(&n.b, n.feed,
                    indicator(text, 3, 1, ",\"object_marking_refs\":[\"" ONE "\",\"" TWO "\"]"));
    assert_int_equal(readers_of(&n, 1), 1 << US | 1 << KR);
    assert_int_equal(readers_of(&n, 2), 1 << KR | 1 << AU);
    assert_int_equal(readers_of(&n, 3), 1 << KR);
    bench_reopen(&n.b);
    (void)bench_add(&n.b, n.feed, indicator(text, 4, 1, MARKED(ONE)));
    assert_int_equal(readers_of(&n, 4), 1 << US | 1 << KR);
    bench_policy_text(&n.b, "language 1 partner xx { nation KOR } " EVERYTHING);
    assert_int_equal(readers_of(&n, 4) & 1 << XX, 1 << XX);
    bench_deinit(&n.b);
}

/* Received above green goes nowhere without the originator's word, whatever the rules say; ours goes by the
 * partner's ceiling alone. */
static void onward_needs_the_originators_grant(void **state)
{
    (void)state;
    static const struct {
        const char *markings;
        unsigned ours, theirs;
    } rows[] = {
        {"\"" TLP_CLEAR "\"", 15, 15},
        {"\"" TLP_GREEN "\"", 15, 15},
        {"\"" TLP_AMBER "\"", 15, 0},
        {"\"" TLP_RED "\"", 15, 0},
        {"\"" ONE "\"", 1 << KR, 1 << KR},                   /* his own statement names kr: a grant */
        {"\"" ONE "\",\"" TLP_AMBER "\"", 1 << KR, 1 << KR}, /* ...also of what is amber beside it */
        {"\"" ONE "\",\"" TLP_RED "\"", 1 << KR, 0},         /* ...but red beside it is nobody else's */
        {"\"" ONE "\",\"" TLP_GREEN "\"", 1 << KR, 1 << KR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct node n;
        char text[LONG_TEXT], more[300];
        struct stix_key one = key_of("marking-definition", 1);
        node_init(&n, EVERYTHING);
        (void)bench_add(&n.b, n.feed, statement(text, 1, "for KISA"));
        assert_int_equal(gate_marking_grant(n.b.gate, &one, STIX_TLP_AMBER, UINT64_C(1) << n.partner[KR],
                                            &by_test, n.b.now_us),
                         ERR_OK);
        (void)snprintf(more, sizeof more, ",\"object_marking_refs\":[%s]", rows[i].markings);
        (void)bench_add(&n.b, n.own, indicator(text, 1, 1, more));
        (void)bench_add(&n.b, n.feed, indicator(text, 2, 1, more));
        unsigned ours = readers_of(&n, 1), theirs = readers_of(&n, 2);
        if (ours != rows[i].ours || theirs != rows[i].theirs)
            fail_msg("row %zu %s: %x %x", i, rows[i].markings, ours, theirs);
        bench_deinit(&n.b);
    }
}

/* A stranger's copy of the same version binds with its marking, and grants nothing. */
static void a_strangers_copy_grants_nothing(void **state)
{
    (void)state;
    struct node n;
    char text[LONG_TEXT];
    struct stix_key one = key_of("marking-definition", 1);
    node_init(&n, EVERYTHING);
    uint32_t stranger = bench_source(&n.b, "stranger", STIX_TLP_NONE, false, false);
    (void)bench_add(&n.b, stranger, statement(text, 1, "for everybody"));
    assert_int_equal(gate_marking_grant(n.b.gate, &one, STIX_TLP_AMBER, 15, &by_test, n.b.now_us), ERR_OK);
    (void)bench_add(&n.b, n.feed, indicator(text, 1, 1, MARKED(TLP_AMBER)));
    assert_int_equal(bench_add(&n.b, stranger, indicator(text, 1, 1, MARKED(ONE))), GATE_CONFLICT);
    assert_int_equal(readers_of(&n, 1), 0);
    bench_deinit(&n.b);
}

/* What waited for its time finds the agreement at its end, and goes when it is renewed. */
static void an_agreement_ends_by_itself(void **state)
{
    (void)state;
    struct node n;
    char text[LONG_TEXT];
    const int64_t end = INT64_C(1893456000000000); /* 2030-01-01 */
    static const char before[] = "agreement a { partners [us]; valid-until 2030-01-01 } ",
                      renewed[] = "language 1 agreement a { partners [us]; valid-until 2031-01-01 } ",
                      rest[] = "release any if tlp <= green to [us kr] after 48h";
    (void)snprintf(text, sizeof text, "%s%s", before, rest);
    node_init(&n, text);
    n.b.now_us = end - INT64_C(24) * 3600 * 1000000;
    (void)bench_add(&n.b, n.feed, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    assert_int_equal(readers_of(&n, 1), 0);
    n.b.now_us = end + INT64_C(25) * 3600 * 1000000;
    assert_int_equal(readers_of(&n, 1), 1 << KR);
    assert_int_equal(bench_tally(&n.b, n.partner[US]).held, 1);
    (void)snprintf(text, sizeof text, "%s%s", renewed, rest);
    bench_policy_text(&n.b, text);
    assert_int_equal(readers_of(&n, 1), 1 << US | 1 << KR);
    bench_deinit(&n.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acs_is_judged_partner_by_partner),
        cmocka_unit_test(why_is_said_for_each),
        cmocka_unit_test(a_disposition_ends_it),
        cmocka_unit_test(an_iep_begins_when_the_clock_is_believed),
        cmocka_unit_test(an_iep_says_how_it_travels_and_who_is_told),
        cmocka_unit_test(an_iep_begins_and_is_asked_about),
        cmocka_unit_test(rel_to_names_nations_and_communities),
        cmocka_unit_test(onward_needs_the_originators_grant),
        cmocka_unit_test(a_strangers_copy_grants_nothing),
        cmocka_unit_test(an_agreement_ends_by_itself),
    };
    return cmocka_run_group_tests_name("gate audience", tests, NULL, NULL);
}
