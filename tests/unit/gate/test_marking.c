/* Markings beyond TLP's own identifiers: what each comes down to, whose word counts, circles, and how their
 * definitions leave. */
#include "gate_test.h"

struct node {
    struct bench b;
    unsigned us;
    uint32_t own, feed, other; /* our source, and two of strangers */
};

static void node_init(struct node *n)
{
    bench_init(&n->b);
    n->us = bench_partner(&n->b, "us-cisa");
    bench_policy_text(&n->b, "language 1 release any if tlp <= red to us-cisa");
    n->own = bench_source(&n->b, "own", STIX_TLP_NONE, true, false);
    n->feed = bench_source(&n->b, "feed", STIX_TLP_NONE, false, false);
    n->other = bench_source(&n->b, "other", STIX_TLP_NONE, false, false);
}

/* A marking-definition with those further members. */
static const char *definition(char out[TEXT_MAX], int n, const char *members)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",%s}",
                   id_of(id, "marking-definition", n), members);
    return out;
}

#define ONE        "marking-definition--00000000-0000-4000-8000-000000000001"
#define TWO        "marking-definition--00000000-0000-4000-8000-000000000002"
#define THREE      "marking-definition--00000000-0000-4000-8000-000000000003"
#define SAYS(text) "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"" text "\"}"
#define ACS(classification)                                                                                  \
    "\"extensions\":{\"extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce\":{\"extension_type\":"    \
    "\"property-extension\",\"identifier\":\"i\",\"create_date_time\":\"2018-05-27T14:10:26.723Z\","         \
    "\"responsible_entity_custodian\":\"USA.DHS\",\"policy_reference\":\"urn:isa:policy:acs:ns:v3.0?"        \
    "privdefault=permit&sharedefault=permit\",\"control_set\":{\"classification\":\"" classification         \
    "\",\"formal_determination\":[\"PUBREL\"]}}}"

struct seen {
    unsigned count;
    char state[16], why[120];
    enum stix_tlp tlp;
};

static bool keep(void *ctx, const struct gate_marking *marking)
{
    struct seen *seen = ctx;
    seen->count++;
    seen->tlp = marking->tlp;
    (void)snprintf(seen->state, sizeof seen->state, "%s", marking->state);
    (void)snprintf(seen->why, sizeof seen->why, "%s", marking->why);
    return true;
}

/* How the one marking of indicator `number` is read. */
static struct seen look(struct node *n, int number)
{
    struct seen seen = {0};
    struct arena arena;
    struct stix_key key = key_of("indicator", number);
    arena_init(&arena, 64 << 20);
    bench_settle(&n->b);
    assert_int_equal(gate_markings(n->b.gate, &key, -1, n->b.now_us, &arena, keep, &seen), ERR_OK);
    assert_int_equal(seen.count, 1);
    arena_deinit(&arena);
    return seen;
}

static void only_its_source_or_we_define_a_marking(void **state)
{
    (void)state;
    static const struct {
        bool by_own, by_other;
        const char *word;
        enum stix_tlp tlp;
    } cases[] = {{false, false, "known", STIX_TLP_RED},
                 {true, false, "known", STIX_TLP_RED},
                 {false, true, "statement", STIX_TLP_NONE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct node n;
        char text[TEXT_MAX];
        node_init(&n);
        uint32_t by = cases[i].by_own ? n.own : cases[i].by_other ? n.other : n.feed;
        (void)bench_add(&n.b, by, definition(text, 1, SAYS("TLP:RED")));
        (void)bench_add(&n.b, n.feed, indicator(text, 1, 1, MARKED(ONE)));
        struct seen seen = look(&n, 1);
        assert_string_equal(seen.state, cases[i].word);
        assert_int_equal(seen.tlp, cases[i].tlp);
        bench_deinit(&n.b);
    }
}

static void acs_is_read_or_denied(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own,
                    definition(text, 1, ACS("U") ",\"object_marking_refs\":[\"" TLP_CLEAR "\"]"));
    (void)bench_add(&n.b, n.own,
                    definition(text, 2, ACS("S") ",\"object_marking_refs\":[\"" TLP_CLEAR "\"]"));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(ONE)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TWO)));
    struct seen seen = look(&n, 1);
    assert_string_equal(seen.state, "known");
    assert_int_equal(seen.tlp, STIX_TLP_CLEAR);
    seen = look(&n, 2);
    assert_string_equal(seen.state, "known"); /* partner by partner */
    assert_string_equal(seen.why, "ACS: classified");
    assert_int_equal(seen.tlp, STIX_TLP_RED);
    bench_deinit(&n.b);
}

/* The one and only rule would release everything: the built-in rule stands before it. */
static void what_is_unread_never_leaves(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own, definition(text, 2, ACS("TS")));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_RED)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TWO)));
    (void)bench_add(&n.b, n.own,
                    indicator(text, 3, 1, ",\"object_marking_refs\":[\"" TLP_CLEAR "\",\"" TWO "\"]"));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 2));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 3));
    bench_deinit(&n.b);
}

static void circles_are_unknown(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    struct stix_key keys[] = {key_of("marking-definition", 1), key_of("marking-definition", 2),
                              key_of("marking-definition", 3)};
    static const char *const members[] = {SAYS("tlp:amber") MARKED(TWO), SAYS("tlp:amber") MARKED(THREE),
                                          SAYS("tlp:amber") MARKED(ONE)};
    for (int i = 0; i < 3; i++)
        (void)bench_add(&n.b, n.own, definition(text, i + 1, members[i]));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(ONE)));
    struct seen seen = look(&n, 1);
    assert_string_equal(seen.state, "unknown");
    assert_non_null(strstr(seen.why, "marked by itself"));
    /* No operator's word about one of them opens the circle. */
    for (int i = 0; i < 3; i++)
        assert_int_equal(gate_marking_classify(n.b.gate, &keys[i], STIX_TLP_CLEAR, &by_test, n.b.now_us),
                         ERR_OK);
    seen = look(&n, 1);
    assert_string_equal(seen.state, "unknown");
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    bench_deinit(&n.b);
}

/* A chain is no circle: the definition at its end is reached, and each is marked by the next. */
static void chains_are_read(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own, definition(text, 1, SAYS("tlp:amber") MARKED(TWO)));
    (void)bench_add(&n.b, n.own, definition(text, 2, SAYS("tlp:amber") MARKED(THREE)));
    (void)bench_add(&n.b, n.own, definition(text, 3, SAYS("tlp:red") MARKED(TLP_CLEAR)));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(ONE)));
    struct seen seen = look(&n, 1);
    assert_string_equal(seen.state, "known");
    assert_int_equal(seen.tlp, STIX_TLP_AMBER);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_true(bench_is_released(&n.b, n.us, "marking-definition", 3));
    bench_deinit(&n.b);
}

static bool goes(struct node *n, unsigned partner, int number)
{
    bench_settle(&n->b);
    return bench_is_released(&n->b, partner, "indicator", number);
}

/* A marking that an operator mapped to partners lets go to these alone, whatever else is said. */
static void a_grant_names_its_partners(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    unsigned jp = bench_partner(&n.b, "jp-nisc");
    bench_policy_text(&n.b, "language 1 release any if always to all");
    struct stix_key one = bench_key(ONE), two = bench_key(TWO);
    (void)bench_add(&n.b, n.own, definition(text, 1, SAYS("the first group") MARKED(TLP_CLEAR)));
    (void)bench_add(&n.b, n.own, definition(text, 2, SAYS("the second group") MARKED(TLP_CLEAR)));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(ONE)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(ONE "\",\"" TWO)));
    assert_false(goes(&n, n.us, 1) || goes(&n, jp, 1)); /* nobody said who is in it */
    uint64_t bit_us = UINT64_C(1) << n.us, bit_jp = UINT64_C(1) << jp;
    assert_int_equal(gate_marking_grant(n.b.gate, &one, STIX_TLP_GREEN, bit_us, &by_test, NOW), ERR_OK);
    assert_true(goes(&n, n.us, 1));
    assert_false(goes(&n, jp, 1) || goes(&n, n.us, 2));
    /* In both groups at once: only who is in both. */
    assert_int_equal(gate_marking_grant(n.b.gate, &two, STIX_TLP_CLEAR, bit_jp, &by_test, NOW), ERR_OK);
    assert_false(goes(&n, n.us, 2) || goes(&n, jp, 2));
    assert_int_equal(gate_marking_grant(n.b.gate, &two, STIX_TLP_CLEAR, bit_us | bit_jp, &by_test, NOW),
                     ERR_OK);
    assert_true(goes(&n, n.us, 2));
    assert_false(goes(&n, jp, 2));
    /* Read again from what is stored, it still binds; and it may name nobody. */
    bench_reopen(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, MARKED(ONE)));
    assert_true(goes(&n, n.us, 3));
    assert_false(goes(&n, jp, 3));
    assert_int_equal(gate_marking_grant(n.b.gate, &one, STIX_TLP_GREEN, 0, &by_test, NOW), ERR_OK);
    (void)bench_add(&n.b, n.own, indicator(text, 4, 1, MARKED(ONE)));
    assert_false(goes(&n, n.us, 4) || goes(&n, jp, 4));
    bench_deinit(&n.b);
}

/* --- what carries no marking goes along (DESIGN 7) --- */

#define EXTENDED(id, in)                                                                                     \
    "\"extensions\":{\"extension-definition--" id "\":{\"extension_type\":\"property-extension\"," in "}}"
#define TLP_2_AMBER                                                                                          \
    "\"name\":\"TLP:AMBER\"," EXTENDED("60a3c5c5-0d10-413e-aab3-9e08dde9e88d", "\"tlp_2_0\":\"amber\"")
#define IEP_GREEN                                                                                            \
    EXTENDED("762e2e97-ee51-43e5-a9ea-165fbb862c4a",                                                         \
             "\"encrypt_in_transit\":\"must\",\"permitted_actions\":\"internally-visible-actions\","         \
             "\"affected_party_notifications\":\"must-not\",\"tlp\":\"green\",\"provider_attribution\":"     \
             "\"may\",\"unmodified_resale\":\"must-not\",\"iep_id\":"                                        \
             "\"0224bfdf-ea3a-49c3-96f6-66d908bb1845\",\"iep_version\":2.0,\"description\":\"d\","           \
             "\"start_date\":\"2022-10-01T00:00:00Z\"")

static struct gate_why why_of(struct node *n, unsigned partner, const char *type, int number)
{
    struct gate_why why;
    struct arena arena;
    struct stix_key key = key_of(type, number);
    arena_init(&arena, 64 << 20);
    bench_settle(&n->b);
    assert_int_equal(gate_explain(n->b.gate, &key, partner, n->b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    arena_deinit(&arena);
    return why;
}

static bool defined(struct node *n, unsigned partner, int number)
{
    return why_of(n, partner, "marking-definition", number).released;
}

/* Each kind of definition under an id of its own, as the shipped policy treats it, whatever is assumed of its
 * source: not alone, not with what stays, and with the first that goes. */
static void a_definition_goes_with_what_names_it(void **state)
{
    (void)state;
    static const char *const kinds[] = {ACS("U"), TLP_2_AMBER, IEP_GREEN, SAYS("ours")};
    static const enum stix_tlp assumed[] = {STIX_TLP_NONE, STIX_TLP_CLEAR, STIX_TLP_RED};
    struct stix_key one = bench_key(ONE), third = key_of("indicator", 3);
    for (size_t i = 0; i < 12; i++) {
        struct node n;
        char text[TEXT_MAX];
        node_init(&n);
        bench_policy(&n.b);
        unsigned jp = bench_partner(&n.b, "jp-nisc");
        (void)bench_source(&n.b, "own", assumed[i / 4], true, false);
        (void)bench_add(&n.b, n.own, definition(text, 1, kinds[i % 4]));
        if (i % 4 == 3)
            assert_int_equal(gate_marking_classify(n.b.gate, &one, STIX_TLP_CLEAR, &by_test, NOW), ERR_OK);
        struct gate_why why = why_of(&n, n.us, "marking-definition", 1);
        assert_true(why.follows && !why.released && !why.blocked);
        assert_true(str_eq(why.rule, STR("built-in.follows")));
        (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(ONE "\",\"" TLP_RED)));
        (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(ONE "\",\"" TWO)));
        assert_false(defined(&n, n.us, 1));
        (void)bench_add(&n.b, n.own, indicator(text, 3, 1, MARKED(ONE)));
        if (i % 4 == 1) {
            assert_false(goes(&n, n.us, 3) || defined(&n, n.us, 1));
            assert_int_equal(gate_tag(n.b.gate, &third, STR("share:us-cisa"), true, &by_test, NOW), ERR_OK);
            assert_int_equal(gate_approve(n.b.gate, &third, n.us, GATE_APPROVE, 0, &by_test, NOW), ERR_OK);
        }
        assert_true(goes(&n, n.us, 3) && defined(&n, n.us, 1));
        assert_int_equal(goes(&n, jp, 3), i % 4 != 1);
        assert_int_equal(defined(&n, jp, 1), i % 4 != 1);
        assert_false(goes(&n, n.us, 1) || goes(&n, n.us, 2));
        bench_deinit(&n.b);
    }
}

/* A rule that denies it binds, and what names it stays with it; one that would release it releases nothing.
 */
static void rules_about_a_definition(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    unsigned jp = bench_partner(&n.b, "jp-nisc");
    bench_policy_text(&n.b, "language 1\ndeny ours if type == marking-definition to jp-nisc\n"
                            "hold waits if type == marking-definition\nrelease any if always to all\n");
    (void)bench_add(&n.b, n.own, definition(text, 1, ACS("U")));
    assert_false(defined(&n, n.us, 1) || defined(&n, jp, 1));
    assert_false(why_of(&n, jp, "marking-definition", 1).follows);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(ONE)));
    assert_true(goes(&n, n.us, 1) && defined(&n, n.us, 1));
    assert_false(goes(&n, jp, 1) || defined(&n, jp, 1));
    /* Marked itself, it is an object like others. */
    (void)bench_add(&n.b, n.own, definition(text, 2, ACS("U") MARKED(TLP_RED)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TWO)));
    bench_policy(&n.b);
    assert_false(goes(&n, n.us, 2) || defined(&n, n.us, 2));
    (void)bench_add(&n.b, n.own, definition(text, 3, ACS("U") MARKED(TLP_GREEN)));
    assert_true(defined(&n, n.us, 3));
    /* A stopped source stops what it defines. */
    assert_int_equal(gate_stop(n.b.gate, GATE_STOP_SOURCE, STR("feed"), true, &by_test, NOW), ERR_OK);
    (void)bench_add(&n.b, n.feed, definition(text, 4, ACS("U")));
    (void)bench_add(
        &n.b, n.feed,
        indicator(text, 4, 1, MARKED("marking-definition--00000000-0000-4000-8000-000000000004")));
    assert_false(goes(&n, n.us, 4) || defined(&n, n.us, 4));
    bench_deinit(&n.b);
}

/* What a partner may pass on goes on with its definition, which nobody granted by itself; a creator says
 * something by himself, and waits for his word. */
static void definitions_of_partners_go_on(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy(&n.b);
    unsigned jp = bench_partner(&n.b, "jp-nisc");
    uint32_t theirs = gate_peer_get(n.b.gate, n.us)->source;
    (void)bench_add(&n.b, theirs, definition(text, 1, ACS("U")));
    (void)bench_add(&n.b, theirs, identity(text, 1, "organization", ""));
    (void)bench_add(&n.b, theirs, indicator(text, 1, 1, MARKED(ONE)));
    (void)bench_add(
        &n.b, theirs,
        indicator(text, 2, 1,
                  ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\"" MARKED(ONE)));
    assert_true(goes(&n, jp, 1) && defined(&n, jp, 1));
    assert_false(goes(&n, n.us, 1) || defined(&n, n.us, 1)); /* not back */
    assert_false(goes(&n, jp, 2));
    (void)bench_add(&n.b, theirs, definition(text, 2, TLP_2_AMBER));
    (void)bench_add(&n.b, theirs, indicator(text, 3, 1, MARKED(TWO)));
    assert_false(goes(&n, jp, 3) || defined(&n, jp, 2));
    bench_deinit(&n.b);
}

/* Wherever one of ours names it; but not where a partner does, who may only be guessing. */
static void who_may_name_a_definition(void **state)
{
    (void)state;
    static const char about[] = ",\"x_about\":[\"" TWO "\"]" MARKED(TLP_GREEN);
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy(&n.b);
    unsigned jp = bench_partner(&n.b, "jp-nisc");
    (void)bench_add(&n.b, n.own, definition(text, 2, SAYS("ours")));
    (void)bench_add(&n.b, gate_peer_get(n.b.gate, n.us)->source, indicator(text, 1, 1, about));
    assert_false(goes(&n, jp, 1) || defined(&n, jp, 2));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, about));
    assert_true(goes(&n, jp, 2) && defined(&n, jp, 2));
    assert_true(goes(&n, jp, 1)); /* it is no secret any more */
    /* What names its creator once more, and nothing else takes him along. */
    (void)bench_add(&n.b, n.own, identity(text, 1, "organization", ""));
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 3, 1,
                  ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\","
                  "\"x_about\":[\"identity--00000000-0000-4000-8000-000000000001\"]" MARKED(TLP_GREEN)));
    assert_true(goes(&n, jp, 3));
    bench_deinit(&n.b);
}

/* --- worlds of definitions, against their definition --- */

enum { OBJECTS = 8, DEFINITIONS = 5 };

/* 0, 1: go along; 2: RED by itself; 3: what it says denies; 4: nobody classified it. */
static const char *const definitions[DEFINITIONS] = {ACS("U"), IEP_GREEN, ACS("U") MARKED(TLP_RED), ACS("S"),
                                                     SAYS("who knows")};

struct world {
    unsigned marks[OBJECTS]; /* a bit for each definition; above them: CLEAR, RED */
    unsigned names[OBJECTS]; /* likewise, outside of any marking; above them: objects */
    bool leaves[OBJECTS], defined[DEFINITIONS];
};

static unsigned some(uint64_t *seed, unsigned count, unsigned chance)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < count; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        mask |= (unsigned)((*seed >> 33) % 100 < chance) << i;
    }
    return mask;
}

/* The largest set of objects that may leave, and the definitions that these name. */
static void world_make(struct world *w, uint64_t *seed)
{
    bool changed = true;
    for (unsigned i = 0; i < OBJECTS; i++) {
        w->marks[i] = some(seed, DEFINITIONS, 14) | some(seed, 1, 85) << DEFINITIONS |
                      some(seed, 1, 8) << (DEFINITIONS + 1);
        w->names[i] = some(seed, DEFINITIONS, 8) | some(seed, OBJECTS, 10) << DEFINITIONS;
        bool stays = w->marks[i] == 0 || (w->marks[i] & (1u << (DEFINITIONS + 1))) != 0;
        stays |= (w->marks[i] & (1u << 2 | 1u << 3 | 1u << 4)) != 0 || (w->names[i] & 1u << 2) != 0;
        w->leaves[i] = !stays;
    }
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < OBJECTS; i++)
            for (unsigned k = 0; k < OBJECTS; k++)
                if (w->leaves[i] && (w->names[i] >> (DEFINITIONS + k) & 1) != 0 && !w->leaves[k]) {
                    w->leaves[i] = false;
                    changed = true;
                }
    }
    for (unsigned d = 0; d < DEFINITIONS; d++) {
        w->defined[d] = false;
        for (unsigned i = 0; i < OBJECTS; i++)
            w->defined[d] |= w->leaves[i] && ((w->marks[i] | w->names[i]) >> d & 1) != 0;
    }
}

/* Each with a comma before it. */
static void put_ids(char *text, unsigned mask)
{
    char id[ID_MAX];
    for (unsigned i = 0; i < DEFINITIONS + OBJECTS; i++) {
        if ((mask >> i & 1) == 0)
            continue;
        if (i < DEFINITIONS)
            (void)id_of(id, "marking-definition", (int)i);
        else
            (void)id_of(id, "indicator", (int)(i - DEFINITIONS));
        (void)snprintf(text + strlen(text), ID_MAX + 4, ",\"%s\"", id);
    }
}

static const char *world_object(const struct world *w, unsigned i, char text[TEXT_MAX])
{
    static const char *const tlps[] = {"", ",\"" TLP_CLEAR "\"", ",\"" TLP_RED "\"",
                                       ",\"" TLP_CLEAR "\",\"" TLP_RED "\""};
    char more[TEXT_MAX] = "", names[TEXT_MAX / 2] = "", marks[TEXT_MAX / 2] = "";
    put_ids(names, w->names[i]);
    put_ids(marks, w->marks[i] & ((1u << DEFINITIONS) - 1));
    (void)snprintf(marks + strlen(marks), sizeof marks - strlen(marks), "%s",
                   tlps[w->marks[i] >> DEFINITIONS]);
    if (*names != '\0')
        (void)snprintf(more, sizeof more, ",\"x_about\":[%s]", names + 1);
    if (*marks != '\0')
        (void)snprintf(more + strlen(more), sizeof more - strlen(more), ",\"object_marking_refs\":[%s]",
                       marks + 1);
    return indicator(text, (int)i, 1, more);
}

static void any_world_in_any_order(void **state)
{
    (void)state;
    uint64_t seed = 7;
    unsigned gone = 0, kept = 0, along = 0;
    for (int round = 0; round < 24; round++) {
        struct node n;
        struct world w;
        char text[TEXT_MAX];
        node_init(&n);
        bench_policy(&n.b);
        (void)bench_source(&n.b, "own", round % 2 == 0 ? STIX_TLP_NONE : STIX_TLP_RED, true, false);
        world_make(&w, &seed);
        unsigned left = (1u << (OBJECTS + DEFINITIONS)) - 1;
        for (unsigned i = 0; left != 0; i = (i + 1) % (OBJECTS + DEFINITIONS)) {
            if ((left & ~some(&seed, OBJECTS + DEFINITIONS, 70) & 1u << i) == 0)
                continue;
            left &= ~(1u << i);
            (void)bench_add(&n.b, n.own,
                            i < OBJECTS ? world_object(&w, i, text)
                                        : definition(text, (int)(i - OBJECTS), definitions[i - OBJECTS]));
            if (round % 3 != 0)
                bench_settle(&n.b);
        }
        for (unsigned i = 0; i < OBJECTS; i++) {
            assert_int_equal(goes(&n, n.us, (int)i), w.leaves[i]);
            gone += w.leaves[i];
            kept += !w.leaves[i];
        }
        for (unsigned d = 0; d < DEFINITIONS; d++) {
            assert_int_equal(defined(&n, n.us, (int)d), w.defined[d]);
            along += w.defined[d];
        }
        bench_deinit(&n.b);
    }
    assert_true(gone > 40 && kept > 40 && along > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_its_source_or_we_define_a_marking),
        cmocka_unit_test(acs_is_read_or_denied),
        cmocka_unit_test(what_is_unread_never_leaves),
        cmocka_unit_test(circles_are_unknown),
        cmocka_unit_test(chains_are_read),
        cmocka_unit_test(a_grant_names_its_partners),
        cmocka_unit_test(a_definition_goes_with_what_names_it),
        cmocka_unit_test(rules_about_a_definition),
        cmocka_unit_test(definitions_of_partners_go_on),
        cmocka_unit_test(who_may_name_a_definition),
        cmocka_unit_test(any_world_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
