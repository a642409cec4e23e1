/* Golden examples: the ones that ship hold, wrong ones are told, what cannot be tested is refused, and no
 * prefix of a text leads the reader astray. */
#include <stdio.h>
#include <stdlib.h>

#include "policy/golden.h"
#include "policy_test.h"

static char policy_text_at[1 << 16], examples_at[1 << 16];

static struct str read_file(const char *variable, const char *path, char *out, size_t size)
{
    const char *given = getenv(variable);
    FILE *file = fopen(given != NULL ? given : path, "rb");
    assert_non_null(file);
    size_t len = fread(out, 1, size - 1, file);
    fclose(file);
    return (struct str) {out, len};
}

struct seen {
    size_t right, wrong, rules;
    bool named[64];
    struct golden_result last;
};

static void each(void *ctx, const struct golden_result *result)
{
    struct seen *seen = ctx;
    *(result->right ? &seen->right : &seen->wrong) += 1;
    int rule = policy_rule_find(result->policy, result->rule);
    assert_in_range(rule, 0, 63);
    seen->named[rule] = true;
    seen->rules = policy_rule_count(result->policy);
    seen->last = *result;
}

static err_t run(struct str policy, const char *examples, struct seen *seen, struct golden_fault *fault)
{
    *seen = (struct seen) {0};
    return golden_run(policy, str_of(examples), each, seen, fault);
}

static void the_shipped_examples_hold(void **state)
{
    (void)state;
    struct str policy = read_file("BONGSU_DEFAULT_POLICY", "share/default.policy", policy_text_at, 1 << 16);
    struct str examples = read_file("BONGSU_DEFAULT_EXPECT", "share/default.expect", examples_at, 1 << 16);
    struct golden_fault fault;
    struct seen seen = {0};
    assert_int_equal(golden_run(policy, examples, each, &seen, &fault), ERR_OK);
    assert_int_equal(seen.wrong, 0);
    assert_true(seen.right >= 10);
    for (size_t rule = POLICY_RULE_BUILTIN_COUNT; rule < seen.rules; rule++)
        assert_true(seen.named[rule]);
}

static void every_prefix_is_read_or_refused(void **state)
{
    (void)state;
    struct str policy = read_file("BONGSU_DEFAULT_POLICY", "share/default.policy", policy_text_at, 1 << 16);
    struct str examples = read_file("BONGSU_DEFAULT_EXPECT", "share/default.expect", examples_at, 1 << 16);
    for (size_t len = 0; len < 1500 && len < examples.len; len++) {
        struct golden_fault fault;
        struct seen seen = {0};
        char *exact = malloc(len + 1); /* of its own, so that a sanitiser sees a step too far */
        memcpy(exact, examples.at, len);
        err_t err = golden_run(policy, (struct str) {exact, len}, each, &seen, &fault);
        assert_true(err == ERR_OK || fault.place.what[0] != '\0');
        free(exact);
    }
}

#define HEAD "partner us country US\nexample one\n"
#define IDENT                                                                                                \
    "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--8f0d4b9e-3f0a-4c57-9d0e-"            \
    "6a1d2b7c5e10\",\"identity_class\":\"group\","
#define TIMES "\"created\":\"2026-11-22T10:00:00Z\",\"modified\":\"2026-11-22T10:00:00Z\",\"name\":\"n\""
#define MARK  ",\"object_marking_refs\":[\"marking-definition--5f0b7a52-6a0e-4c1e-8e5c-0d6f3c1f7a44\"]"
#define RED   ",\"object_marking_refs\":[\"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1\"]"
#define PLAIN "object " IDENT TIMES "}\n"

static void says_what_was_decided(void **state)
{
    (void)state;
    struct golden_fault fault;
    struct seen seen;
    struct str policy = STR("language 1\nhold bare if marking none\n");
    assert_int_equal(run(policy, HEAD PLAIN "expect us release bare\n", &seen, &fault), ERR_OK);
    assert_int_equal(seen.wrong, 1);
    assert_int_equal(seen.last.effect, POLICY_HOLD);
    assert_int_equal(seen.last.line, 4);
    assert_int_equal(run(policy, HEAD PLAIN "expect us hold other\n", &seen, &fault), ERR_OK);
    assert_int_equal(seen.wrong, 1);
    assert_int_equal(run(policy, HEAD PLAIN "expect us hold bare\n", &seen, &fault), ERR_OK);
    assert_int_equal(seen.right, 1);
    assert_int_equal(seen.wrong, 0);
}

static void looks_for_personal_data(void **state)
{
    (void)state;
    struct golden_fault fault;
    struct seen seen;
    struct str policy = STR("language 1\ndeny personal if personal-data.score >= 50\n");
    const char *mail = HEAD "object " IDENT TIMES ",\"contact_information\":\"kim.minsu@example.org\"}\n"
                            "expect us deny personal\n";
    assert_int_equal(run(policy, mail, &seen, &fault), ERR_OK);
    assert_int_equal(seen.right, 1);
    assert_int_equal(run(policy, HEAD PLAIN "expect us deny built-in.default\n", &seen, &fault), ERR_OK);
    assert_int_equal(seen.right, 1);
}

static void refuses_what_it_cannot_tell(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *examples, *what;
        unsigned line;
    } rows[] = {
        {"", "", "there is no example", 0},
        {"", HEAD, "expects nothing", 2},
        {"", "object {}\n", "none has begun", 1},
        {"", HEAD "expect us deny x\n", "no object", 3},
        {"", HEAD PLAIN "expect jp deny x\n", "no partner jp", 4},
        {"", HEAD PLAIN "expect us refuse x\n", "expect PARTNER", 4},
        {"", HEAD PLAIN PLAIN, "one object", 4},
        {"", HEAD "object {\n\"a\"", "does not end", 3},
        {"", HEAD "object {}\n", "the object", 3},
        {"", HEAD "object " IDENT TIMES "} x\n", "behind the object", 3},
        {"", HEAD "object " IDENT TIMES MARK "}\nexpect us deny x\n", "not testable here", 4},
        {"", HEAD "partner jp\n", "before the first example", 3},
        {"", HEAD "source x from jp\n", "no partner jp", 3},
        {"", HEAD "assume purple\n", "no level", 3},
        {"", HEAD "signed-by\n", "signed-by NODE", 3},
        {"", HEAD "after soon\n", "no duration", 3},
        {"", HEAD "at noon\n", "no time", 3},
        {"", HEAD "colour red\n", "no line begins with colour", 3},
        {"", HEAD PLAIN "marking red\nexpect us deny x\n", "and it has none such", 5},
        {"", HEAD PLAIN "marking unresolved\nexpect us deny x\n", "and it has none such", 5},
        {"", HEAD "object " IDENT TIMES RED "}\nmarking green\nexpect us deny x\n", "and it has none such",
         5},
        {"", "partner jp country Japan\n" HEAD PLAIN, "no two-letter code", 1},
        {"", "partner jp\npartner jp tlp-max purple\n" HEAD PLAIN, "no TLP level", 2},
        {"deny far if partner == jp\n", HEAD PLAIN "expect us deny x\n", "the policy names `jp`", 2},
        {"release r if own to kr\n", "example one\n" PLAIN, "say `partner kr` above", 1},
        {"deny near if neighbour.tlp >= amber\n", HEAD PLAIN "expect us deny x\n", "neighbour none", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char policy[200];
        struct golden_fault fault;
        struct seen seen;
        (void)snprintf(policy, sizeof policy, "language 1\n%s", rows[i].policy);
        err_t err = run(str_of(policy), rows[i].examples, &seen, &fault);
        if (err == ERR_OK || strstr(fault.place.what, rows[i].what) == NULL)
            fail_msg("row %zu: %s", i, err == ERR_OK ? "taken" : fault.place.what);
        assert_false(fault.in_policy);
        if (rows[i].line != 0)
            assert_int_equal(fault.place.line, rows[i].line);
        assert_int_equal(seen.right + seen.wrong, 0);
    }
}

/* Whose signature came with it an example says, or it is nobody's. */
static void an_example_says_who_signed(void **state)
{
    (void)state;
    struct golden_fault fault;
    struct seen seen;
    struct str policy =
        STR("language 1\nhold unsigned if not own and not has signed-by\nrelease r if always to all\n");
    assert_int_equal(
        run(policy,
            "partner us\npartner jp\n"
            "example with\nsource x from jp\nassume clear\nsigned-by kr\n" PLAIN "expect us release r\n"
            "example without\nsource x from jp\nassume clear\n" PLAIN "expect us hold unsigned\n",
            &seen, &fault),
        ERR_OK);
    assert_int_equal(seen.right, 2);
    assert_int_equal(seen.wrong, 0);
}

/* An example's partners are in the policy's communities, and have what these give. */
static void communities_give_what_partners_lack(void **state)
{
    (void)state;
    struct golden_fault fault;
    struct seen seen;
    struct str policy = STR("language 1\ncommunity near { country KR } = [us jp]\n"
                            "deny there if partner.country == KR\nrelease r if own to all\n");
    assert_int_equal(run(policy,
                         "partner us\npartner jp country JP\nexample one\n" PLAIN
                         "expect us deny there\nexpect jp release r\n",
                         &seen, &fault),
                     ERR_OK);
    assert_int_equal(seen.right, 2);
    assert_int_equal(seen.wrong, 0);
}

/* A code that ISO 3166 does not have is written as in a policy. */
static void what_stands_in_quotes_is_taken(void **state)
{
    (void)state;
    struct golden_fault fault;
    struct seen seen;
    struct str policy = STR("language 1\ndeny there if partner.country == \"XK\"\n");
    assert_int_equal(
        run(policy, "partner us country \"XK\"\nexample one\n" PLAIN "expect us deny there\n", &seen, &fault),
        ERR_OK);
    assert_int_equal(seen.right, 1);
}

/* Where the policy is wrong before it names anybody, that is said. */
static void a_bad_policy_is_named(void **state)
{
    (void)state;
    struct golden_fault fault;
    struct seen seen;
    assert_int_not_equal(run(STR("language 1\nrelase x if own\n"), HEAD, &seen, &fault), ERR_OK);
    assert_true(fault.in_policy);
    assert_int_equal(fault.place.line, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_example_says_who_signed),
        cmocka_unit_test(communities_give_what_partners_lack),
        cmocka_unit_test(the_shipped_examples_hold),
        cmocka_unit_test(every_prefix_is_read_or_refused),
        cmocka_unit_test(looks_for_personal_data),
        cmocka_unit_test(says_what_was_decided),
        cmocka_unit_test(refuses_what_it_cannot_tell),
        cmocka_unit_test(a_bad_policy_is_named),
        cmocka_unit_test(what_stands_in_quotes_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
