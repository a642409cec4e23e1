/* What the guard is told: every field is read, and nothing that does not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guard/rules.h"

#define HEX  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEAD "bongsu guard 1\npolicy " HEX "\n"

static struct guard_told rules;

static void test_whole(void **state)
{
    (void)state;
    static const char text[] = HEAD "partner 3 nz green 7 1795300000 " HEX " 1 12\n"
                                    "partner 0 us amber+strict 0 - - 0 0\n"
                                    "vouch 3\n"
                                    "texts 0\n"
                                    "waive 3 ceiling " HEX "\n"
                                    "reader nz-soc 3 0c3f0b52-1111-4222-8333-944455556666 " HEX " -\n"
                                    "reader own - - - " HEX "\n";
    assert_int_equal(rules_read(STR(text), &rules, NULL), ERR_OK);
    const struct rules_partner *nz = &rules.partners[3], *us = &rules.partners[0];
    assert_true(nz->known && nz->held && nz->limited && nz->has_key && nz->vouched && !nz->texts);
    assert_string_equal(nz->name, "nz");
    assert_int_equal(nz->ceiling, GUARD_GREEN);
    assert_int_equal(nz->epoch, 7);
    assert_int_equal(nz->until_s, 1795300000);
    assert_int_equal(nz->resumed, 12);
    assert_int_equal(nz->key[31], 31);
    assert_true(us->known && !us->held && !us->limited && !us->has_key && !us->vouched && us->texts);
    assert_int_equal(us->ceiling, GUARD_AMBER_STRICT);
    assert_false(rules.partners[1].known);
    assert_int_equal(rules.waiver_count, 1);
    assert_int_equal(rules.waivers[0].rule, GUARD_RULE_CEILING);
    assert_int_equal(rules.reader_count, 2);
    assert_int_equal(rules.readers[0].partner, 3);
    assert_true(rules.readers[0].has_token && !rules.readers[0].has_key && rules.readers[0].has_collection);
    assert_int_equal(rules.readers[1].partner, -1);
    assert_true(rules.readers[1].has_key && !rules.readers[1].has_token);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "bongsu guard 2\n",
        HEAD "nonsense\n",
        HEAD "policy 00\n",
        HEAD "partner 64 nz green 0 - - 0 0\n",
        HEAD "vouch 64\n",
        HEAD "vouch 3 4\n",
        HEAD "vouch\n",
        HEAD "texts 64\n",
        HEAD "texts 3 any\n",
        HEAD "partner x nz green 0 - - 0 0\n",
        HEAD "partner 1 nz blue 0 - - 0 0\n",
        HEAD "partner 1 nz none 0 - - 0 0\n",
        HEAD "partner 1 nz green -1 - - 0 0\n",
        HEAD "partner 1 nz green 0 x - 0 0\n",
        HEAD "partner 1 nz green 0 - 00 0 0\n",
        HEAD "partner 1 nz green 0 - - 2 0\n",
        HEAD "partner 1 nz green 0 - - 0\n",
        HEAD "partner 1 nz green 0 - - 0 0 0\n",
        HEAD "waive 1 everything " HEX "\n",
        HEAD "waive 1 ceiling 00\n",
        HEAD "reader a 0 short - -\n",
        HEAD "reader a 0 - - " HEX " x\n",
        HEAD "\n\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault fault = {.code = ERR_OK};
        if (rules_read(str_of(rows[i]), &rules, &fault) == ERR_OK)
            fail_msg("read: %s", rows[i]);
        assert_int_not_equal(fault.code, ERR_OK);
    }
}

static void test_words(void **state)
{
    (void)state;
    for (unsigned rule = 1; rule < GUARD_RULES; rule++)
        assert_int_equal(guard_rule_find(str_of(guard_rule_word((enum guard_rule)rule))), rule);
    assert_int_equal(guard_rule_find(STR("none")), GUARD_RULE_NONE);
    assert_int_equal(mark_word(STR("TLP:White")), GUARD_CLEAR);
    assert_int_equal(mark_word(STR("tlp:")), GUARD_UNMARKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
