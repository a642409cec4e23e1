/* What goes when partners compare what they have: leaves with their proofs, and sums. Another ledger's leaf,
 * a marking above the level, a name that was never given and a changed byte do not go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/wr.h"
#include "ledger/voucher.h"
#include "shop.h"
#include "sync/reconcile.h"

enum { LEAVES = 21 };

#define AMBER "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"

static void release(struct shop *shop, unsigned partner, const char *type, unsigned number, const char *more)
{
    char id[SHOP_ID_SIZE], object[1024];
    shop_id(type, number, id);
    (void)snprintf(object, sizeof object, "{\"type\":\"%s\",\"id\":\"%s\"%s}", type, id, more);
    shop_release(shop, partner, object);
}

static void open_stocked(struct shop *shop)
{
    shop_open(shop);
    for (unsigned i = 0; i < LEAVES; i++) {
        release(shop, SHOP_US, "tool", 0x1000 + i, "");
        release(shop, SHOP_NZ, "tool", 0x1000 + i, ",\"name\":\"nz\"");
    }
}

static void expect_held(struct shop *shop, const char *path, const struct buf *body, enum guard_rule rule)
{
    struct guard_finding finding;
    assert_int_equal(shop_check(shop, SHOP_US, path, buf_bytes(body), &finding), GUARD_HOLD);
    assert_int_equal(finding.rule, rule);
    assert_true(guard_is_held(shop->guard, SHOP_US));
}

static void expect_passed(struct shop *shop, const char *path, const struct buf *body)
{
    struct guard_finding finding;
    assert_int_equal(shop_check(shop, SHOP_US, path, buf_bytes(body), &finding), GUARD_PASS);
    assert_false(guard_is_held(shop->guard, SHOP_US));
}

/* Every leaf of every size, alone; and under the checkpoint of another partner. */
static void test_every_leaf_stands_in_its_ledger(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 1 << 20);
    for (uint64_t size = 1; size <= LEAVES; size++)
        for (uint64_t seq = 0; seq < size; seq++) {
            struct shop shop;
            open_stocked(&shop);
            buf_clear(&body);
            shop_fetched(&shop, SHOP_US, SHOP_US, &seq, 1, size, &body);
            expect_passed(&shop, SHOP_FETCH, &body);
            buf_clear(&body);
            shop_fetched(&shop, SHOP_NZ, SHOP_US, &seq, 1, size, &body);
            expect_held(&shop, SHOP_FETCH, &body, GUARD_RULE_VIEW);
            shop_close(&shop);
            open_stocked(&shop);
            buf_clear(&body);
            shop_fetched(&shop, SHOP_NZ, SHOP_NZ, &seq, 1, size, &body);
            expect_held(&shop, SHOP_FETCH, &body, GUARD_RULE_RECIPIENT);
            shop_close(&shop);
        }
    buf_deinit(&body);
}

static void fetch_last(struct shop *shop, const char *more, enum guard_rule rule)
{
    struct buf body;
    uint64_t leaves[] = {0, LEAVES};
    open_stocked(shop);
    release(shop, SHOP_US, "report", 0x10, more);
    buf_init(&body, 1 << 20);
    shop_fetched(shop, SHOP_US, SHOP_US, leaves, 2, LEAVES + 1, &body);
    if (rule == GUARD_RULE_NONE)
        expect_passed(shop, SHOP_FETCH, &body);
    else
        expect_held(shop, SHOP_FETCH, &body, rule);
    buf_deinit(&body);
    shop_close(shop);
}

static void test_what_stands_in_them_is_read(void **state)
{
    (void)state;
    struct shop shop;
    fetch_last(&shop, ",\"object_refs\":[\"tool--00000000-0000-4000-8000-000000001003\"]", GUARD_RULE_NONE);
    fetch_last(&shop, ",\"object_marking_refs\":[\"" AMBER "\"]", GUARD_RULE_CEILING);
    struct buf body;
    uint64_t last = LEAVES;
    open_stocked(&shop);
    shop_withhold(&shop, "{\"type\":\"tool\",\"id\":\"tool--00000000-0000-4000-8000-0000000000aa\"}");
    release(&shop, SHOP_US, "report", 0x10,
            ",\"object_refs\":[\"tool--00000000-0000-4000-8000-0000000000aa\"]");
    buf_init(&body, 1 << 20);
    shop_fetched(&shop, SHOP_US, SHOP_US, &last, 1, LEAVES + 1, &body);
    expect_held(&shop, SHOP_FETCH, &body, GUARD_RULE_REFERENCE);
    buf_deinit(&body);
    shop_close(&shop);
}

/* What an origin signed goes for whom an operator let it go, and for nobody else. */
static void test_vouchers_are_read_as_in_pages(void **state)
{
    (void)state;
    static const uint8_t zeros[64];
    static const struct {
        const char *rules, *node;
        enum guard_rule rule;
    } rows[] = {{"vouch 0\n", "kr", GUARD_RULE_NONE},
                {"vouch 1\n", "kr", GUARD_RULE_STRAY},
                {"vouch 0\n", "kr/us", GUARD_RULE_FORM}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct voucher voucher = {1, str_of(rows[i].node), 7, STR("never\n"), bytes_of(zeros, sizeof zeros)};
        struct buf wire, body;
        struct shop shop;
        uint64_t seq = 5;
        open_stocked(&shop);
        buf_init(&wire, 1024);
        buf_init(&body, 1 << 20);
        voucher_write(&wire, &voucher);
        shop.voucher = buf_bytes(&wire);
        shop_fetched(&shop, SHOP_US, SHOP_US, &seq, 1, LEAVES, &body);
        shop_rules(&shop, rows[i].rules);
        if (rows[i].rule == GUARD_RULE_NONE)
            expect_passed(&shop, SHOP_FETCH, &body);
        else
            expect_held(&shop, SHOP_FETCH, &body, rows[i].rule);
        buf_deinit(&wire);
        buf_deinit(&body);
        shop_close(&shop);
    }
}

/* A page that goes after it is compared with the page before, not with what was fetched. */
static void test_pages_go_on(void **state)
{
    (void)state;
    struct shop shop;
    struct buf body;
    uint64_t seq = 3;
    open_stocked(&shop);
    buf_init(&body, 1 << 20);
    shop_page(&shop, SHOP_US, 0, 8, &body);
    expect_passed(&shop, SHOP_FEED, &body);
    buf_clear(&body);
    shop_fetched(&shop, SHOP_US, SHOP_US, &seq, 1, 16, &body);
    expect_passed(&shop, SHOP_FETCH, &body);
    buf_clear(&body);
    shop_page(&shop, SHOP_US, 8, 8, &body);
    expect_passed(&shop, SHOP_FEED, &body);
    buf_deinit(&body);
    shop_close(&shop);
}

/* Each prefix, and each changed byte but for hops, which only TLS guards. */
static void test_every_byte(void **state)
{
    (void)state;
    struct shop shop;
    struct buf body;
    struct guard_finding finding;
    uint64_t seq = 4;
    open_stocked(&shop);
    buf_init(&body, 1 << 20);
    shop_fetched(&shop, SHOP_US, SHOP_US, &seq, 1, 5, &body);
    shop_close(&shop);
    size_t passed = 0;
    for (size_t len = 1; len < body.len; len++) {
        open_stocked(&shop);
        assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FETCH, bytes_of(body.at, len), &finding),
                         GUARD_HOLD);
        shop_close(&shop);
    }
    for (size_t i = 0; i < body.len; i++) {
        open_stocked(&shop);
        body.at[i] ^= 1;
        passed += shop_check(&shop, SHOP_US, SHOP_FETCH, buf_bytes(&body), &finding) == GUARD_PASS;
        body.at[i] ^= 1;
        shop_close(&shop);
    }
    /* The issuer's name and the signature, which are for the receiver, and hops. */
    assert_true(passed <= strlen("kr") + strlen("\n\nsigned\n") + 1);
    buf_deinit(&body);
}

/* --- sums --- */

static void sums_make(uint64_t size, struct buf *out)
{
    struct reconcile_node nodes[] = {{1, 0}, {0, 0}, {0, reconcile_blocks(size) - 1}};
    struct reconcile_question question;
    struct reconcile_set set;
    struct buf asked;
    buf_init(&asked, 4096);
    assert_int_equal(reconcile_set_begin(&set, size), ERR_OK);
    while (!reconcile_set_whole(&set)) {
        memset(reconcile_set_next(&set), 0x5a, reconcile_leaves(size, set.made) / 8);
        reconcile_set_made(&set);
    }
    reconcile_question_write(&asked, SHOP_EPOCH, size, nodes, sizeof nodes / sizeof nodes[0]);
    assert_int_equal(reconcile_question_read(buf_bytes(&asked), &question), ERR_OK);
    reconcile_answer_write(out, &question, &set);
    assert_int_equal(buf_err(out), ERR_OK);
    reconcile_set_deinit(&set);
    buf_deinit(&asked);
}

static void test_sums_are_nothing_else(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 4096, 4097, 300000, 16777217};
    struct guard_finding finding;
    struct buf body;
    buf_init(&body, 1 << 20);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct shop shop;
        shop_open(&shop);
        buf_clear(&body);
        sums_make(sizes[i], &body);
        expect_passed(&shop, SHOP_SUMS, &body);
        wr_bytes(&body, bytes_from_str(STR("tool--00000000-0000-4000-8000-0000000000aa")));
        expect_held(&shop, SHOP_SUMS, &body, GUARD_RULE_FORM);
        shop_close(&shop);
    }
    for (size_t len = 1; len < 100; len++) {
        struct shop shop;
        shop_open(&shop);
        assert_int_equal(shop_check(&shop, SHOP_US, SHOP_SUMS, bytes_of(body.at, len), &finding), GUARD_HOLD);
        shop_close(&shop);
    }
    buf_deinit(&body);
}

static void test_sums_of_another_epoch_are_held(void **state)
{
    (void)state;
    struct shop shop;
    struct buf body;
    shop_open(&shop);
    buf_init(&body, 1 << 20);
    sums_make(5000, &body);
    body.at[4] ^= 1;
    expect_held(&shop, SHOP_SUMS, &body, GUARD_RULE_RECIPIENT);
    body.at[4] ^= 1; /* and now nothing goes to him any more */
    struct guard_finding finding;
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_SUMS, buf_bytes(&body), &finding), GUARD_HOLD);
    assert_true(finding.again);
    buf_deinit(&body);
    shop_close(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_leaf_stands_in_its_ledger),
        cmocka_unit_test(test_what_stands_in_them_is_read),
        cmocka_unit_test(test_vouchers_are_read_as_in_pages),
        cmocka_unit_test(test_pages_go_on),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_sums_are_nothing_else),
        cmocka_unit_test(test_sums_of_another_epoch_are_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
