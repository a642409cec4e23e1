/* Remarks about well-formed policies: what is shadowed, what meets duties, what does not wait; and that no
 * remark is made about the policies that ship, nor one that deciding contradicts. */
#include <stdlib.h>

#include "policy_test.h"

struct said {
    char text[4096];
    size_t count;
};

static void take(void *ctx, const struct policy_remark *remark)
{
    struct said *said = ctx;
    size_t used = strlen(said->text);
    (void)snprintf(said->text + used, sizeof said->text - used, "%u:%u %s\n", remark->line, remark->column,
                   remark->what);
    said->count++;
}

static struct said review(const char *text)
{
    struct said said = {.count = 0};
    struct policy *policy = test_compile(text);
    policy_review(policy, NOW, take, &said);
    policy_unref(policy);
    return said;
}

static const struct {
    const char *text, *said; /* NULL: nothing is */
} cases[] = {
    /* shadowed */
    {"language 1\ndeny a if tlp >= amber\n  deny b if tlp == red and own\n",
     "3:3 rule `b` never decides: `a` (line 2)"},
    {"language 1\ndeny a if tlp >= amber\ndeny b if tlp >= green\n", NULL},
    {"language 1\ndeny a if tlp >= amber to jp\ndeny b if tlp == red\n", NULL},
    {"language 1\ndeny a if type in [url file]\nhold b if type == url\n", "3:1 rule `b` never decides"},
    {"language 1\ndeny a if type in [url file]\nhold b if type != url\n", NULL},
    {"language 1\ndeny a if not own\nrelease b if hops > 2 and not own to all with expire 1d\n",
     "3:1 rule `b` lets nothing go: `a` (line 2) denies all that it matches; its duties never count"},
    {"language 1\nrelease b if tlp == green to jp\ndeny a if has tlp and tlp > clear\n",
     "2:1 rule `b` lets nothing go: `a` (line 3)"},
    {"language 1\nhold a if tag x until approved\nrelease b if tag x to all\n", NULL},
    {"language 1\nhold a if tag x until 2999-01-01\nrelease b if tag x to all\n", NULL},
    {"language 1\nhold a if tag x\nrelease b if tag x to all\n",
     "3:1 rule `b` lets nothing go: `a` (line 2) holds"},
    {"language 1\nrelease a if tlp <= amber to all\nrelease b if tlp <= green to jp\n",
     "3:1 rule `b` never decides: `a` (line 2) lets go before it all that it matches"},
    {"language 1\nrelease a if confidence >= 50 to all\nrelease b if confidence > 49 to jp\n",
     "3:1 rule `b` never"},
    {"language 1\nrelease a if confidence >= 50 to all\nrelease b if confidence > 48 to jp\n", NULL},
    {"language 1\nrelease a if age > 2d to all\nrelease b if age > 3d to jp\n", "3:1 rule `b` never"},
    {"language 1\nrelease a if tag \"to:{partner}\" to all\nrelease b if tag \"to:jp\" to jp\n",
     "3:1 rule `b` never"},
    {"language 1\ndeny a if tag x\nhold b if tag in [x y]\n", NULL},
    {"language 1\ndeny a if always\nhold b if has tlp and tlp == red and tlp == green\n", "can never match"},
    {"language 1\nhold a if confidence < 50\nhold b if has confidence and confidence < 50\n",
     "3:1 rule `b` never"},
    {"language 1\nhold a if has confidence and confidence < 50\nhold b if confidence < 50\n", NULL},
    /* duties */
    {"language 1\nrelease a if tlp <= green to all\nrelease b if type == url to jp with redact "
     "\"name\"\n",
     "2:1 rule `a` has no duties, but what `b` (line 3) matches as well leaves with its duties"},
    {"language 1\nrelease b if type == url to jp with redact \"name\"\nrelease a if tlp <= green to "
     "all\n",
     NULL},
    {"language 1\nrelease a if tlp <= green to us-cisa\nrelease b if type == url to jp with redact "
     "\"name\"\n",
     NULL},
    {"language 1\nrelease a if type != url to all\nrelease b if type == url to jp with redact \"name\"\n",
     NULL},
    /* waits and ends */
    {"language 1\nrelease a if tlp <= amber to all after 1h\nrelease b if tlp <= green to jp\n",
     "2:1 rule `a` waits, but `b` (line 3) lets go sooner"},
    {"language 1\nrelease a if tlp == amber to all after 1h\nrelease b if tlp <= green to jp\n", NULL},
    {"language 1\nhold a if own until 2024-10-03\n", "2:1 rule `a` has ended"},
    {"language 1\nhold a if own until 2999-01-01 until approved with basis\n",
     "2:1 rule `a` asks for a basis until its `until`"},
    {"language 1\nhold a if own until approved with basis\n", NULL},
    {"language 1\nhold a if personal-data to jp until approved with basis\nrelease b if own to all\n",
     "2:1 `b` (line 3) lets go to `us-cisa` without a basis what `a` asks one for"},
    {"language 1\nhold a if personal-data to jp until approved with basis\ndeny c if personal-data to "
     "[us-cisa eu-cert]\nrelease b if own to all\n",
     NULL},
    {"language 1\nhold a if personal-data to jp until approved with basis\nrelease b if own to all with "
     "mask-personal-data\n",
     NULL},
    {"language 1\nhold a if personal-data until approved with basis\nrelease b if own to all\n", NULL},
    /* personal data */
    {"language 1\ndeny a if personal-data\ndeny b if personal-data and own\n", "3:1 rule `b` never"},
    {"language 1\ndeny a if personal-data\nhold b if personal-data in [email]\n", "3:1 rule `b` never"},
    {"language 1\ndeny a if personal-data in [email kr-rrn]\nhold b if personal-data in [email phone]\n",
     NULL},
    {"language 1\ndeny a if personal-data.related\nhold b if personal-data\n", NULL},
    {"language 1\ndeny a if personal-data\nhold b if personal-data.score >= 30\n", "3:1 rule `b` never"},
    {"language 1\ndeny a if personal-data.score >= 60\nhold b if personal-data\n", NULL},
    {"language 1\ndeny a if personal-data.score > 100 and has tlp\n", NULL},
    /* several together */
    {"language 1\ndeny a if tlp >= amber\ndeny b if tlp < amber\ndeny c if has tlp and own\n",
     "4:1 rule `c` never decides: together these leave it nothing: `b` (line 3), `a` (line 2)"},
    {"language 1\ndeny a if tlp >= amber\ndeny b if has tlp and tlp < green\ndeny c if has tlp and own\n",
     NULL},
    {"language 1\ndeny a if own to [jp us-cisa]\nhold b if own to eu-cert\nrelease c if own to all\n",
     "4:1 rule `c` never decides: together these leave it nothing: `b` (line 3), `a` (line 2)"},
    {"language 1\ndeny a if own to [jp us-cisa]\nhold b if own to eu-cert until approved\nrelease c if "
     "own "
     "to all\n",
     NULL},
    /* texts */
    {"language 1\npartner jp { country JP\n  names-in-texts any }\nrelease a if own to all\n",
     "3:3 texts for `jp` may name what he was not given"},
    {"language 1\npartner jp { names-in-texts known }\nrelease a if own to all\n", NULL},
    /* what is not tried is passed over */
};

static void remarks_name_line_and_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct said said = review(cases[i].text);
        if (cases[i].said == NULL ? said.count != 0 : strstr(said.text, cases[i].said) == NULL)
            fail_msg("%s\nsaid: %s\nexpected: %s", cases[i].text, said.text, cases[i].said);
    }
}

static void the_shipped_policy_is_remarkless(void **state)
{
    (void)state;
    char text[1 << 14];
    const char *path = getenv("BONGSU_DEFAULT_POLICY");
    if (path == NULL)
        skip();
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    struct said said = review(text);
    if (said.count != 0)
        fail_msg("%s", said.text);
}

static uint64_t draw(uint64_t *state, uint64_t below)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static size_t put_condition(char *to, size_t size, uint64_t *state)
{
    static const char *const parts[] = {"own",
                                        "tlp <= green",
                                        "tlp > clear",
                                        "has tlp",
                                        "type == url",
                                        "type in [url file]",
                                        "type != file",
                                        "tag a",
                                        "tag in [a b]",
                                        "confidence >= 50",
                                        "confidence < 70",
                                        "hops > 1",
                                        "marking none",
                                        "revoked",
                                        "onward",
                                        "partner == jp",
                                        "partner.country == US",
                                        "origin",
                                        "age > 1d",
                                        "has confidence",
                                        "personal-data",
                                        "personal-data in [email]",
                                        "personal-data.related",
                                        "personal-data.score >= 60"};
    static const char *const joins[] = {" and ", " or ", " and not ", " or not "};
    size_t used = 0, count = 1 + draw(state, 3);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(to + used, size - used, "%s%s", i == 0 ? "" : joins[draw(state, 4)],
                                 parts[draw(state, sizeof parts / sizeof *parts)]);
    return used;
}

static struct policy_facts some_facts(uint64_t *state, struct str tags[2])
{
    struct policy_facts facts = test_facts((enum policy_tlp)draw(state, POLICY_TLP_COUNT));
    static const struct str types[] = {{"url", 3}, {"file", 4}, {"tool", 4}, {"", 0}};
    tags[0] = draw(state, 2) == 0 ? STR("a") : STR("c");
    tags[1] = STR("b");
    facts.tags = tags;
    facts.tag_count = draw(state, 3);
    facts.type = types[draw(state, 4)];
    facts.own = draw(state, 2) == 0;
    facts.revoked = draw(state, 2) == 0;
    facts.markings = 1 + (unsigned)draw(state, 4) * 2;
    facts.confidence = (int)draw(state, 101) - 1;
    facts.hops = (unsigned)draw(state, 4);
    facts.onward = draw(state, 8);
    facts.personal_known = draw(state, 4) != 0;
    facts.personal.kinds = draw(state, 2) == 0 ? 0 : (uint32_t)draw(state, UINT64_C(1) << 31);
    if ((facts.personal.kinds & UINT16_MAX) != 0)
        facts.personal.score = (uint8_t)(PRIVACY_SCORE_HIT + draw(state, 51));
    facts.origin = (int)draw(state, 4) - 1;
    facts.received_us = draw(state, 5) == 0 ? POLICY_TIME_NONE : NOW - (int64_t)draw(state, 3) * DAY_US;
    return facts;
}

/* A rule of which it is said that it never decides does not, whatever the object. */
static void what_never_decides_never_does(void **state)
{
    (void)state;
    size_t said_so = 0, together = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        char text[2048];
        uint64_t random = seed;
        unsigned rules = 2 + (unsigned)(seed % 3);
        static const char *const effects[] = {"deny", "hold", "release"};
        size_t used = (size_t)snprintf(text, sizeof text, "language 1\n");
        for (unsigned i = 0; i < rules; i++) {
            used +=
                (size_t)snprintf(text + used, sizeof text - used, "%s r%u if ", effects[draw(&random, 3)], i);
            used += put_condition(text + used, sizeof text - used, &random);
            used += (size_t)snprintf(text + used, sizeof text - used, " to %s\n",
                                     draw(&random, 2) == 0 ? "all" : "[jp eu-cert]");
        }
        struct said said = review(text);
        struct policy *policy = test_compile(text);
        for (unsigned i = 0; i < rules; i++) {
            char never[32];
            (void)snprintf(never, sizeof never, "rule `r%u` ", i);
            if (strstr(said.text, never) == NULL)
                continue;
            said_so++;
            together +=
                strstr(strstr(said.text, never), "never decides: together") == strstr(said.text, never) + 10;
            for (unsigned round = 0; round < 200; round++) {
                struct str tags[2];
                struct policy_verdict verdict;
                struct policy_facts facts = some_facts(&random, tags);
                policy_decide(policy, &facts, NOW, &verdict);
                for (unsigned p = 0; p < PARTNERS; p++)
                    if (verdict.rule[p] == POLICY_RULE_BUILTIN_COUNT + i)
                        fail_msg("%s%s", text, said.text);
            }
        }
        policy_unref(policy);
    }
    assert_true(said_so > 100);
    assert_true(together > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remarks_name_line_and_column),
        cmocka_unit_test(the_shipped_policy_is_remarkless),
        cmocka_unit_test(what_never_decides_never_does),
    };
    return cmocka_run_group_tests_name("policy review", tests, NULL, NULL);
}
