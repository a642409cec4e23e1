/* What a policy names that only the node can judge, and what it takes out that nothing can be without. */
#include "policy_test.h"

struct heard {
    char text[400];
    size_t used;
};

static void hear_name(void *ctx, const struct policy_named *named)
{
    static const char *const kinds[] = {"source", "owner", "node"};
    struct heard *heard = ctx;
    heard->used +=
        (size_t)snprintf(heard->text + heard->used, sizeof heard->text - heard->used, "%u:%u %s %.*s\n",
                         named->line, named->column, kinds[named->kind], STR_ARG(named->name));
}

static void hear_remark(void *ctx, const struct policy_remark *remark)
{
    struct heard *heard = ctx;
    heard->used += (size_t)snprintf(heard->text + heard->used, sizeof heard->text - heard->used, "%u %s\n",
                                    remark->line, remark->what);
}

static void sources_and_nodes_are_named(void **state)
{
    (void)state;
    struct heard heard = {.used = 0};
    struct policy *policy = test_compile("language 1\n"
                                         "deny a if source == socc or owner == socc\n"
                                         "deny b if origin-node in [us-x \"kr y\"] or signed-by == us-z\n"
                                         "release c if not source != feed and owner == nobody to all\n");
    policy_names(policy, hear_name, &heard);
    assert_string_equal(heard.text,
                        "2:11 source socc\n2:29 owner socc\n3:11 node us-x\n3:11 node kr y\n3:43 node us-z\n"
                        "4:18 source feed\n4:37 owner nobody\n");
    policy_unref(policy);
}

/* Of what no new policy may ask: the log may hold one that does. Absent on every object, as it always was. */
static void what_the_language_had_once(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        bool denies, releases;
    } rows[] = {
        {"collection == inbox", true, false},
        {"collection != inbox", true, false},
        {"not collection in [a \"b c\"]", true, false},
        {"has collection", false, false},
        {"not has collection", true, true},
        {"own and (collection == a or revoked)", true, false},
        {"own or collection == a", true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int denies = 0; denies < 2; denies++) {
            char text[200];
            struct policy *policy;
            struct policy_verdict verdict;
            struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
            struct heard heard = {.used = 0};
            (void)snprintf(text, sizeof text, "language 1\n# 한국\n%s r if %s%s\nrelease rest if %s to all\n",
                           denies ? "deny" : "release", rows[i].condition, denies ? "" : " to all",
                           denies ? "always" : "revoked");
            assert_int_equal(policy_compile(str_of(text), test_partners, PARTNERS, &policy, NULL),
                             ERR_NOTFOUND);
            assert_int_equal(policy_compile_held(str_of(text), test_partners, PARTNERS, &policy, NULL),
                             ERR_OK);
            policy_decide(policy, &facts, NOW, &verdict);
            assert_int_equal(denies ? verdict.deny : verdict.release,
                             (denies ? rows[i].denies : rows[i].releases) ? ALL : 0);
            policy_retired(policy, hear_remark, &heard);
            assert_non_null(strstr(heard.text, "3 `collection` was taken out of the language"));
            assert_non_null(strstr(heard.text, "write `source ==`"));
            policy_unref(policy);
        }
}

static void hear_change(void *ctx, const struct policy_step *step)
{
    struct heard *heard = ctx;
    if (step->line > 0)
        heard->used += (size_t)snprintf(heard->text + heard->used, sizeof heard->text - heard->used,
                                        "%.*s: %.*s; %.*s\n", STR_ARG(step->condition), STR_ARG(step->value),
                                        STR_ARG(step->change));
}

/* Nobody is told to change what cannot be changed. */
static void what_the_language_had_once_is_explained(void **state)
{
    (void)state;
    struct policy *policy;
    struct heard heard = {.used = 0};
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    assert_int_equal(policy_compile_held(STR("language 1 deny a if collection == x\n"
                                             "deny b if collection == x and not tag t"),
                                         test_partners, PARTNERS, &policy, NULL),
                     ERR_OK);
    (void)policy_explain(policy, &facts, NOW, JP, hear_change, &heard);
    assert_string_equal(heard.text, "collection == x: collection is absent; \n"
                                    "collection == x: collection is absent; tag t\n");
    policy_unref(policy);
}

static void what_nothing_can_be_without(void **state)
{
    (void)state;
    struct heard heard = {.used = 0};
    struct policy *policy = test_compile(
        "language 1\n"
        "release a if own to jp with redact \"pattern\"\n"
        "release b if own to jp with redact \"description\", redact \"external_references.[0].url\"\n"
        "release c if own to jp with redact \"name\"\n");
    policy_review_redact(policy, hear_remark, &heard);
    assert_string_equal(heard.text,
                        "2 redact \"pattern\": what must have it is withheld as a whole (indicator)\n"
                        "4 redact \"name\": what must have it is withheld as a whole (attack-pattern, "
                        "campaign, course-of-action and 11 other types)\n");
    policy_unref(policy);
}

static void what_no_type_has(void **state)
{
    (void)state;
    struct heard heard = {.used = 0};
    struct policy *policy = test_compile(
        "language 1\n"
        "release a if own to jp with redact \"descripton\", redact \"x_mine\", redact \"extensions\"\n"
        "release b if own to jp with redact \"lang\", redact \"dst_port\"\n");
    policy_review_redact(policy, hear_remark, &heard);
    assert_string_equal(heard.text,
                        "2 redact \"descripton\": no type of the standard has that property, and of "
                        "what has it not nothing is taken out: did you mean `description`?\n");
    policy_unref(policy);
}

/* A policy that nobody's node is asked about: blocks, targets, communities and origins name partners, sets
 * and rules do not; and what follows a mistake is not read. */
static void partners_are_told_by_the_text(void **state)
{
    (void)state;
    static const char text[] = "language 1 partner us-cisa { country US } community c = [jp \"de 1\"]\n"
                               "set s = [a b] deny d if partner == fr or tag in s\n"
                               "release r if own to [c us-cisa uk]\n";
    struct str names[LIMIT_PARTNERS];
    static const char *const wanted[] = {"us-cisa", "jp", "de 1", "fr", "uk"};
    assert_int_equal(policy_partners_named(STR(text), names), 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(str_eq(names[i], str_of(wanted[i])) && names[i].at > text);
    assert_int_equal(policy_partners_named(STR("language 1 partner a {} partner b { partner c {}"), names),
                     2);
    assert_int_equal(policy_partners_named(STR("language 2 partner a {}"), names), 0);
    assert_int_equal(policy_partners_named(STR("language 1 \x01"), names), 0);
}

static void nations_are_known_in_any_spelling(void **state)
{
    (void)state;
    assert_true(str_eq(policy_nation(STR("kr")), STR("KOR")) &&
                str_eq(policy_nation(STR("KOR")), STR("KOR")));
    assert_true(policy_nation(STR("FVEY")).at == NULL && policy_nation(STR("QQ")).at == NULL);
    assert_true(policy_nation(STR("")).at == NULL);
}

static void what_is_meant_so_stays_possible(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "language 1 partner jp { level b } deny d if partner.level == b",
        "language 1 partner jp { level b } define high = partner.level == b deny d if high",
        "language 1 partner jp { level b } release r if has partner.level and own to all",
        "language 1 partner jp { country \"XK\" purposes [\"WAR\"] } deny d if partner.country == \"XK\"",
        "language 1 deny d if victim.sector in [energy \"enrgy\" shipbuilding]",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        policy_unref(test_compile(texts[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partners_are_told_by_the_text),
        cmocka_unit_test(nations_are_known_in_any_spelling),
        cmocka_unit_test(sources_and_nodes_are_named),
        cmocka_unit_test(what_the_language_had_once),
        cmocka_unit_test(what_the_language_had_once_is_explained),
        cmocka_unit_test(what_nothing_can_be_without),
        cmocka_unit_test(what_no_type_has),
        cmocka_unit_test(what_is_meant_so_stays_possible),
    };
    return cmocka_run_group_tests_name("policy named", tests, NULL, NULL);
}
