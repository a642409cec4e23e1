/* Duties of releases, what holds ask of people, budgets, and who must agree to a new policy. */
#include "policy_test.h"

static void duties_are_read_as_written(void **state)
{
    (void)state;
    struct policy *policy =
        test_compile("language 1\nrelease plain if always to jp\n"
                     "release full if own to us-cisa with anonymise-creator, redact \"description\",\n"
                     "  redact \"external_references.[0].url\", drop-references, expire 30d, reshare "
                     "partners [kr \"au-asd\"] after 1m\n"
                     "release far if own to eu-cert with reshare never\n");
    const struct policy_duties *duties =
        policy_rule_duties(policy, (unsigned)policy_rule_find(policy, STR("full")));
    assert_non_null(duties);
    assert_int_equal(duties->what, POLICY_DUTY_ANONYMISE | POLICY_DUTY_REDACT | POLICY_DUTY_DROP_REFERENCES |
                                       POLICY_DUTY_EXPIRE | POLICY_DUTY_RESHARE);
    assert_int_equal(duties->redact_count, 2);
    assert_true(str_eq(duties->redact[0], STR("description")));
    assert_true(str_eq(duties->redact[1], STR("external_references.[0].url")));
    assert_true(duties->expire_us == 30 * DAY_US);
    assert_int_equal(duties->reshare_count, 1);
    assert_true(str_starts(duties->reshare[0], STR("partners ")) &&
                str_ends(duties->reshare[0], STR(" au-asd")));
    duties = policy_rule_duties(policy, (unsigned)policy_rule_find(policy, STR("far")));
    assert_int_equal(duties->what, POLICY_DUTY_RESHARE);
    assert_true(str_eq(duties->reshare[0], STR("never")));
    assert_true(str_eq(duties->text, STR("reshare never")));
    assert_null(policy_rule_duties(policy, (unsigned)policy_rule_find(policy, STR("plain"))));
    assert_null(policy_rule_duties(policy, POLICY_RULE_DEFAULT));
    assert_true(policy_has_duties(policy));
    assert_string_equal(policy_duty_name(POLICY_DUTY_EXPIRE), "expire");
    policy_unref(policy);
}

static void two_persons_are_two(void **state)
{
    (void)state;
    static const char text[] =
        "language 1\nhold four-eyes if tag x until approved by 2\nrelease r if own to all";
    struct str tags[] = {STR("x")};
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    facts.tags = tags;
    facts.tag_count = 1;
    struct policy_answer answer = test_answer(text, "four-eyes", 1 << US | 1 << JP);
    answer.two = 1 << JP;
    facts.answers = &answer;
    facts.answer_count = 1;
    struct policy_verdict verdict = test_decide(text, &facts, NOW);
    assert_int_equal(verdict.release, 1 << JP);
    assert_int_equal(verdict.hold, 1 << US | 1 << EU);
}

/* Where a basis is asked for, a word without one ends nothing. */
static void a_word_without_a_basis_is_none(void **state)
{
    (void)state;
    static const char one[] =
        "language 1\nhold pii if tag x until approved with basis\nrelease r if own to all";
    static const char two[] =
        "language 1\nhold pii if tag x until approved by 2 with basis\nrelease r if own to all";
    struct str tags[] = {STR("x")};
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    facts.tags = tags;
    facts.tag_count = 1;
    struct policy_answer answers[] = {test_answer(one, "pii", ALL), test_answer(two, "pii", ALL)};
    for (int i = 0; i < 2; i++) {
        answers[i].two = ALL;
        answers[i].based = 1 << US | 1 << JP;
        answers[i].based2 = 1 << JP;
    }
    facts.answers = answers;
    facts.answer_count = 2;
    assert_int_equal(test_decide(one, &facts, NOW).release, 1 << US | 1 << JP);
    assert_int_equal(test_decide(two, &facts, NOW).release, 1 << JP);
    struct policy *policy = test_compile(one);
    struct policy_people people;
    assert_true(policy_rule_people(policy, (unsigned)policy_rule_find(policy, STR("pii")), &people));
    assert_true(people.basis && people.approvals == 1);
    policy_unref(policy);
}

static struct hash asks(const char *text)
{
    return test_answer(text, "ask", 0).asked;
}

/* What a rule asks is what its words say, and what the names in it stand for. */
static void a_question_is_what_the_rule_says(void **state)
{
    (void)state;
    static const char plain[] = "language 1\nset labs = [a b]\ndefine odd = source in labs and revoked\n"
                                "hold ask if odd until approved\nrelease r if own to all";
    static const char *const same[] = {
        "language 1 release r if own to jp set labs=[a,b] define odd = source in labs and revoked deny no if "
        "revoked "
        "hold ask if odd # a comment\n  until\tapproved",
        "language 1\ndefine more = hops > 1\nset labs = [a b]\ndefine odd = source in labs and revoked\n"
        "hold ask if odd until approved\nhold other if more until approved",
    };
    static const char *const other[] = {
        "language 1\nset labs = [a b c]\ndefine odd = source in labs and revoked\nhold ask if odd until "
        "approved",
        "language 1\nset labs = [a b]\ndefine odd = source in labs or revoked\nhold ask if odd until "
        "approved",
        "language 1\nset labs = [a b]\ndefine odd = source in labs and revoked\nhold ask if not odd until "
        "approved",
        "language 1\nset labs = [a b]\ndefine odd = source in labs and revoked\nhold ask if odd until "
        "approved by 2",
        "language 1\nset labs = [\"a b\"]\ndefine odd = source in labs and revoked\nhold ask if odd until "
        "approved",
    };
    struct hash asked = asks(plain), now;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        now = asks(same[i]);
        assert_true(hash_eq(&asked, &now));
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        now = asks(other[i]);
        assert_false(hash_eq(&asked, &now));
    }
    asked = asks("language 1\ncommunity few = [jp]\nhold ask if own to few until approved");
    now = asks("language 1\ncommunity few = [jp eu-cert]\nhold ask if own to few until approved");
    assert_false(hash_eq(&asked, &now));
}

static int asked_of(const char *text, const struct policy_facts *facts, unsigned partner)
{
    struct policy *policy = test_compile(text);
    int rule = policy_asked(policy, facts, NOW, partner);
    int index = rule < POLICY_RULE_BUILTIN_COUNT ? rule : rule - POLICY_RULE_BUILTIN_COUNT;
    policy_unref(policy);
    return index;
}

/* One word answers one rule: the first hold that a word ends, then what is behind it. */
static void the_first_hold_asks(void **state)
{
    (void)state;
    static const char text[] =
        "language 1\nhold shut if always to eu-cert\nhold a if own to us-cisa until approved\n"
        "hold b if own to us-cisa until approved\n"
        "hold gone if own to jp deadline 1h default release\n"
        "release r if own to all after 3650d";
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    facts.denials = 1 << US;
    assert_int_equal(asked_of(text, &facts, US), 1);
    struct policy_answer answers[] = {test_answer(text, "a", 1 << US), test_answer(text, "b", 1 << US)};
    facts.answers = answers;
    facts.answer_count = 1;
    assert_int_equal(asked_of(text, &facts, US), 2);
    facts.answer_count = 2;
    assert_int_equal(asked_of(text, &facts, US), 4); /* the wait */
    facts.safety = STR("near has 198.51.100.1");
    assert_int_equal(asked_of(text, &facts, US), POLICY_RULE_SAFETY);
    facts.safety = STR("");
    struct policy_wait wait = {JP, STR("gone"), NOW - 2 * 60 * MIN_US};
    facts.waits = &wait;
    facts.wait_count = 1;
    assert_int_equal(asked_of(text, &facts, JP), 4);
    assert_int_equal(asked_of(text, &facts, EU), -1);
    facts.follows = true;
    assert_int_equal(asked_of(text, &facts, US), -1);
}

static const char lapsing[] = "language 1\ndeny red if tlp == red\n"
                              "hold ask if own to us-cisa deadline 48h remind 24h default deny\n"
                              "hold nod if own to jp deadline 2h default release\n"
                              "hold eyes if own to jp until approved\n"
                              "release r if own to all";

static void a_deadline_has_its_default(void **state)
{
    (void)state;
    const int64_t hour = 60 * MIN_US;
    struct policy_facts facts = test_facts(POLICY_TLP_GREEN);
    struct policy_verdict verdict = test_decide(lapsing, &facts, NOW); /* both begin now, whatever its age */
    assert_int_equal(verdict.hold, 1 << US | 1 << JP);
    assert_true(verdict.next_change_us == NOW + 2 * hour);
    struct policy_wait waits[] = {{US, STR("ask"), NOW - 30 * hour}, {JP, STR("nod"), NOW - 2 * hour}};
    facts.waits = waits;
    facts.wait_count = 2;
    struct policy *policy = test_compile(lapsing);
    policy_decide(policy, &facts, NOW, &verdict);
    assert_int_equal(verdict.hold, 1 << US | 1 << JP); /* jp: the other hold still binds */
    assert_int_equal(verdict.rule[JP], policy_rule_find(policy, STR("eyes")));
    assert_true(verdict.next_change_us == NOW + 18 * hour); /* the reminder is past */
    struct policy_answer answer = test_answer(lapsing, "eyes", 1 << JP);
    facts.answers = &answer;
    facts.answer_count = 1;
    policy_decide(policy, &facts, NOW + 18 * hour, &verdict);
    assert_int_equal(verdict.deny, 1 << US);
    assert_int_equal(verdict.rule[US], policy_rule_find(policy, STR("ask")));
    assert_int_equal(verdict.release, 1 << JP | 1 << EU);
    facts.tlp = POLICY_TLP_RED; /* a default releases only what nothing denies */
    policy_decide(policy, &facts, NOW + 18 * hour, &verdict);
    assert_int_equal(verdict.deny, ALL);
    assert_int_equal(verdict.rule[JP], policy_rule_find(policy, STR("red")));
    struct policy_people people;
    assert_true(policy_rule_people(policy, (unsigned)policy_rule_find(policy, STR("ask")), &people));
    assert_true(people.deadline_us == 48 * hour && people.remind_us == 24 * hour);
    assert_int_equal(people.lapse, POLICY_LAPSE_DENY);
    assert_false(policy_rule_people(policy, (unsigned)policy_rule_find(policy, STR("r")), &people));
    assert_true(policy_has_deadlines(policy));
    policy_unref(policy);
}

static void another_rule_of_the_same_object_begins_anew(void **state)
{
    (void)state;
    struct policy_wait wait = {US, STR("gone"), NOW - 300 * DAY_US};
    struct policy_facts facts = test_facts(POLICY_TLP_GREEN);
    facts.waits = &wait;
    facts.wait_count = 1;
    struct policy_verdict verdict = test_decide(lapsing, &facts, NOW);
    assert_int_equal(verdict.hold, 1 << US | 1 << JP);
}

static void budgets_and_activation(void **state)
{
    (void)state;
    struct policy *policy =
        test_compile("language 1\nactivation by 2\nset far = [jp eu-cert]\n"
                     "budget daily to far 10000 objects per 1d\nbudget burst to all 5 objects per 1m");
    assert_int_equal(policy_activation_by(policy), 2);
    assert_int_equal(policy_budget_count(policy), 2);
    struct policy_budget budget = policy_budget_get(policy, 0);
    assert_true(str_eq(budget.name, STR("daily")) && budget.objects == 10000 && budget.per_us == DAY_US);
    assert_int_equal(budget.partners, 1 << JP | 1 << EU);
    assert_int_equal(policy_budget_get(policy, 1).partners, ALL);
    policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duties_are_read_as_written),
        cmocka_unit_test(two_persons_are_two),
        cmocka_unit_test(a_word_without_a_basis_is_none),
        cmocka_unit_test(a_question_is_what_the_rule_says),
        cmocka_unit_test(the_first_hold_asks),
        cmocka_unit_test(a_deadline_has_its_default),
        cmocka_unit_test(another_rule_of_the_same_object_begins_anew),
        cmocka_unit_test(budgets_and_activation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
