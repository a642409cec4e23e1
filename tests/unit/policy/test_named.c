/* What a policy names that only the node can judge, and what it takes out that nothing can be without. */
#include "policy_test.h"

struct heard {
    char text[400];
    size_t used;
};

static void hear_name(void *ctx, const struct policy_named *named)
{
    struct heard *heard = ctx;
    heard->used += (size_t)snprintf(heard->text + heard->used, sizeof heard->text - heard->used,
                                    "%u:%u %s %.*s\n", named->line, named->column,
                                    named->of_source ? "source" : "node", STR_ARG(named->name));
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
                                         "deny a if source == socc or collection == socc\n"
                                         "deny b if origin-node in [us-x \"kr y\"]\n"
                                         "release c if not source != feed and owner == nobody to all\n");
    policy_names(policy, hear_name, &heard);
    assert_string_equal(heard.text, "2:11 source socc\n3:11 node us-x\n3:11 node kr y\n4:18 source feed\n");
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
        cmocka_unit_test(sources_and_nodes_are_named),
        cmocka_unit_test(what_nothing_can_be_without),
        cmocka_unit_test(what_is_meant_so_stays_possible),
    };
    return cmocka_run_group_tests_name("policy named", tests, NULL, NULL);
}
