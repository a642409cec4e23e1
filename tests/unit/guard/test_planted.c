/* Faults of a gate, planted one by one, and the guard behind it: each is held, by the rule that it breaks,
 * and the same page without the fault goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/wr.h"
#include "ledger/checkpoint.h"
#include "ledger/merkle.h"
#include "ledger/voucher.h"
#include "shop.h"
#include "sync/wire.h"

#define GREEN     "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define AMBER     "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
#define SECRET_ID "threat-actor--00000000-0000-4000-8000-000000000099"
#define RED       "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"

enum { ONE = 1, TWO, OTHERS = 0x70, SECRET = 0x99, ED25519_SIZE = 64 };

/* `tail`: further members, with their comma. */
static void object(const char *type, unsigned number, const char *tail, char out[1024])
{
    char id[SHOP_ID_SIZE];
    shop_id(type, number, id);
    (void)snprintf(out, 1024, "{\"type\":\"%s\",\"id\":\"%s\"%s}", type, id, tail);
}

static void release(struct shop *shop, unsigned partner, const char *type, unsigned number, const char *tail)
{
    char text[1024];
    object(type, number, tail, text);
    shop_release(shop, partner, text);
}

/* What both partners have, a secret that nobody has, and something that nz alone has. */
static void stock(struct shop *shop)
{
    char text[1024];
    for (unsigned p = 0; p < SHOP_PARTNERS; p++) {
        release(shop, p, "identity", ONE, "");
        release(shop, p, "indicator", TWO,
                ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\","
                "\"object_marking_refs\":[\"" GREEN "\"]");
        shop_release(shop, p, NULL);
    }
    release(shop, SHOP_NZ, "malware", OTHERS, ",\"object_marking_refs\":[\"" AMBER "\"]");
    object("threat-actor", SECRET, ",\"object_marking_refs\":[\"" RED "\"]", text);
    shop_withhold(shop, text);
}

/* --- what goes wrong --- */

struct plant {
    const char *name;
    enum guard_rule rule;
    const char *tail;                                   /* of an object that is released to us */
    void (*spoil)(struct shop *shop, struct buf *page); /* or what happens to the page */
    bool taxii;                                         /* by TAXII; otherwise a page of the ledger */
    unsigned asker;
};

/* The whole ledger of us, again. */
static void page_of(struct shop *shop, bool taxii, unsigned partner, struct buf *out)
{
    buf_clear(out);
    if (taxii)
        shop_objects(shop, partner, 0, 2, out);
    else
        shop_page(shop, partner, 0, (uint32_t)shop->ledger[partner].count, out);
}

static char *find(struct buf *page, const char *text)
{
    char *at = memmem(page->at, page->len, text, strlen(text));
    assert_non_null(at);
    return at;
}

/* Bytes are changed after they were committed to. */
static void spoil_bytes(struct shop *shop, struct buf *page)
{
    (void)shop;
    find(page, "\"indicator\"")[1] = 'I';
}

/* A time of the leaf tells nothing of its opening, the sequence number does. */
static void spoil_opening(struct shop *shop, struct buf *page)
{
    struct leaf_opening first, second;
    uint8_t wire[LEAF_OPENING_SIZE], other[LEAF_OPENING_SIZE];
    (void)shop_leaf(shop, SHOP_US, 0, &first);
    (void)shop_leaf(shop, SHOP_US, 1, &second);
    leaf_opening_encode(&first, wire);
    leaf_opening_encode(&second, other);
    uint8_t *at = memmem(page->at, page->len, wire, sizeof wire);
    assert_non_null(at);
    memcpy(at, other, sizeof other);
}

/* Leaves in another order than they stand in the ledger. */
static void spoil_order(struct shop *shop, struct buf *page)
{
    page_of(shop, false, SHOP_US, page);
    uint8_t *at = page->at + 19; /* head: format, suite, epoch, from, count */
    at[8 + 7] = 1;               /* the first leaf says that it is the second */
}

/* Answers of two who ask at once are mixed up; a page kept for one is given to the other. */
static void spoil_recipient(struct shop *shop, struct buf *page)
{
    buf_clear(page);
    shop_page(shop, SHOP_NZ, 0, 2, page);
}

/* Entries of nz, all of which us may have, under us's own checkpoint: position, epoch and opening are right.
 */
static void spoil_ledger(struct shop *shop, struct buf *page)
{
    buf_clear(page);
    shop_page_of(shop, SHOP_NZ, SHOP_US, 0, 3, page);
}

/* The time of a leaf is no part of its opening. */
static void spoil_time(struct shop *shop, struct buf *page)
{
    page_of(shop, false, SHOP_US, page);
    ((uint8_t *)page->at)[19 + 16 + 7] ^= 1; /* behind the head: version, suite, op, epoch, seq */
}

static void spoil_collection(struct shop *shop, struct buf *page)
{
    buf_clear(page);
    shop_objects(shop, SHOP_NZ, 3, 1, page);
}

/* What was released last. */
static void spoil_last(struct shop *shop, struct buf *page)
{
    buf_clear(page);
    shop_objects(shop, SHOP_US, 3, 1, page);
}

/* An object that was never decided on. */
static void spoil_view(struct shop *shop, struct buf *page)
{
    (void)shop;
    buf_clear(page);
    buf_put_str(
        page,
        STR("{\"objects\":[{\"type\":\"tool\",\"id\":\"tool--00000000-0000-4000-8000-000000000777\"}]}"));
}

/* The newest copy in place of the released one. */
static void spoil_version(struct shop *shop, struct buf *page)
{
    buf_clear(page);
    shop_objects(shop, SHOP_US, 0, 2, page);
    find(page, "\"type\":\"identity\"")[9] = 'I';
}

/* The withheld object itself, in place of a released one: its leaf even opens. */
static void spoil_leaf(struct shop *shop, struct buf *page)
{
    shop_release(shop, SHOP_US, shop->withheld[0]);
    page_of(shop, false, SHOP_US, page);
}

static void spoil_lowered(struct shop *shop, struct buf *page)
{
    (void)page;
    shop_rules(
        shop,
        "partner 0 us clear 4 - 00000000000000000000000000000000000000000000000000000000000000a0 0 0\n");
}

static void spoil_lapsed(struct shop *shop, struct buf *page)
{
    (void)page;
    shop_rules(shop, "partner 0 us green 4 1795299999 "
                     "00000000000000000000000000000000000000000000000000000000000000a0 0 0\n");
}

static void spoil_epoch(struct shop *shop, struct buf *page)
{
    (void)page;
    shop_rules(
        shop,
        "partner 0 us green 5 - 00000000000000000000000000000000000000000000000000000000000000a0 0 0\n");
}

static void spoil_form(struct shop *shop, struct buf *page)
{
    (void)shop;
    buf_putc(page, 'x');
}

/* Limits beside a leaf that is about something, and narrows nothing: they open, and stand in its commitment.
 */
static void spoil_limits(struct shop *shop, struct buf *page)
{
    struct merkle_proof proof = {.count = 0};
    struct sync_beside beside = {.limits = {.text = STR("partners " SECRET_ID "\n")}};
    struct leaf_opening opening = {.salt = ledger_limited_salt(&beside.limits.salt, beside.limits.text)};
    struct leaf leaf = {.op = LEAF_SUPERSEDE, .epoch = 4, .partner = leaf_partner(LEAF_SUPERSEDE, &opening)};
    (void)shop;
    buf_clear(page);
    sync_page_head_write(page, 4, 0, 1);
    sync_entry_write(page, &leaf, &opening, bytes_of(NULL, 0), &beside);
    sync_page_tail_write(page, STR("no checkpoint is looked at"), &proof);
}

/* --- what origins signed --- */

#define MAY "vouch 0\n"

/* The whole page again, with this beside each object; the guard is told `rules`. */
static void vouched(struct shop *shop, const char *rules, uint16_t suite, const char *node,
                    const char *limits, size_t signature, struct buf *page)
{
    static const uint8_t zeros[LIMIT_VOUCHER_SIGNATURE_BYTES + 1];
    struct voucher voucher = {suite, str_of(node), 7, str_of(limits), bytes_of(zeros, signature)};
    struct buf wire;
    buf_init(&wire, 1024);
    voucher_write(&wire, &voucher);
    assert_int_equal(buf_err(&wire), ERR_OK);
    shop->voucher = buf_bytes(&wire);
    page_of(shop, false, SHOP_US, page);
    shop->voucher = bytes_of(NULL, 0);
    buf_deinit(&wire);
    shop_rules(shop, rules);
}

static void spoil_vouched(struct shop *shop, struct buf *page)
{
    vouched(shop, "vouch 1\n", 1, "kr", "", ED25519_SIZE, page);
}

static void spoil_voucher_name(struct shop *shop, struct buf *page)
{
    vouched(shop, MAY, 1, SECRET_ID, "", ED25519_SIZE, page);
}

static void spoil_voucher_limits(struct shop *shop, struct buf *page)
{
    vouched(shop, MAY, 1, "kr", "partners " SECRET_ID "\n", ED25519_SIZE, page);
}

static void spoil_voucher_letters(struct shop *shop, struct buf *page)
{
    vouched(shop, MAY, 1, "kr/us", "", ED25519_SIZE, page);
}

static void spoil_voucher_lines(struct shop *shop, struct buf *page)
{
    vouched(shop, MAY, 1, "kr", "never", ED25519_SIZE, page);
}

static void spoil_voucher_size(struct shop *shop, struct buf *page)
{
    vouched(shop, MAY, 1, "kr", "", ED25519_SIZE - 1, page);
}

static void spoil_voucher_suite(struct shop *shop, struct buf *page)
{
    vouched(shop, MAY, 2, "kr", "", LIMIT_VOUCHER_SIGNATURE_BYTES + 1, page);
}

static void spoil_voucher_alone(struct shop *shop, struct buf *page)
{
    vouched(shop, MAY, 1, "kr", "", ED25519_SIZE, page);
    ((uint8_t *)page->at)[19 + LEAF_SIZE] &= (uint8_t)~SYNC_OBJECT; /* parts of the first entry */
}

static const struct plant plants[] = {
    {"an origin's signature for a partner of whom nobody said so", GUARD_RULE_STRAY, "", spoil_vouched,
     .asker = SHOP_US},
    {"a withheld identifier as the name of an origin", GUARD_RULE_STRAY, "", spoil_voucher_name,
     .asker = SHOP_US},
    {"a withheld identifier in an origin's limits", GUARD_RULE_STRAY, "", spoil_voucher_limits,
     .asker = SHOP_US},
    {"an origin that no node can be", GUARD_RULE_FORM, "", spoil_voucher_letters, .asker = SHOP_US},
    {"limits of an origin without their end", GUARD_RULE_FORM, "", spoil_voucher_lines, .asker = SHOP_US},
    {"an origin's signature that is too short", GUARD_RULE_FORM, "", spoil_voucher_size, .asker = SHOP_US},
    {"a signature of another suite that is too long", GUARD_RULE_FORM, "", spoil_voucher_suite,
     .asker = SHOP_US},
    {"an origin's signature beside no object", GUARD_RULE_FORM, "", spoil_voucher_alone, .asker = SHOP_US},
    {"a RED object leaves", GUARD_RULE_CEILING, ",\"object_marking_refs\":[\"" RED "\"]", .asker = SHOP_US},
    {"an object above this partner's own ceiling leaves", GUARD_RULE_CEILING,
     ",\"object_marking_refs\":[\"" GREEN "\",\"" AMBER "\"]", .asker = SHOP_US},
    {"granular markings are not looked at", GUARD_RULE_CEILING,
     ",\"name\":\"x\",\"granular_markings\":[{\"selectors\":[\"name\"],\"marking_ref\":\"" RED "\"}]",
     .asker = SHOP_US},
    {"the name of the marking's property is compared before it is unescaped", GUARD_RULE_CEILING,
     ",\"object_marking\\u005frefs\":[\"" RED "\"]", .asker = SHOP_US},
    {"what its owner passes to nobody leaves", GUARD_RULE_CEILING,
     ",\"object_marking_refs\":[\"marking-definition--4b0c9e17-2f8d-4d36-a1e5-9c7b3d60f842\"]",
     .asker = SHOP_US},
    {"a relationship with a withheld end leaves", GUARD_RULE_REFERENCE,
     ",\"relationship_type\":\"uses\",\"source_ref\":\"" SECRET_ID
     "\",\"target_ref\":\"indicator--00000000-0000-4000-8000-000000000002\"",
     .asker = SHOP_US},
    {"a report names a withheld object", GUARD_RULE_REFERENCE,
     ",\"object_refs\":[\"indicator--00000000-0000-4000-8000-000000000002\",\"" SECRET_ID "\"]",
     .asker = SHOP_US},
    {"a report names what another partner has", GUARD_RULE_REFERENCE,
     ",\"object_refs\":[\"malware--00000000-0000-4000-8000-000000000070\"]", .asker = SHOP_US},
    {"a withheld identifier in a custom property", GUARD_RULE_REFERENCE,
     ",\"x_soc\":{\"deep\":[[{\"ticket\":\"" SECRET_ID "\"}]]}", .asker = SHOP_US},
    {"a withheld identifier behind escapes", GUARD_RULE_REFERENCE,
     ",\"x_soc\":\"threat-actor\\u002d\\u002d00000000-0000-4000-8000-000000000099\"", .asker = SHOP_US},
    {"a withheld identifier as a whole description", GUARD_RULE_REFERENCE,
     ",\"description\":\"" SECRET_ID "\"", .asker = SHOP_US},
    {"a withheld identifier in the midst of a text", GUARD_RULE_REFERENCE,
     ",\"description\":\"compare " SECRET_ID ".\"", .asker = SHOP_US},
    {"what another partner has in the midst of a text", GUARD_RULE_REFERENCE,
     ",\"description\":\"(malware--00000000-0000-4000-8000-000000000070)\"", .asker = SHOP_US},
    {"a withheld identifier in capitals", GUARD_RULE_REFERENCE,
     ",\"x_soc\":\"THREAT-ACTOR--00000000-0000-4000-8000-000000000099\"", .asker = SHOP_US},
    {"a withheld identifier in the midst of a pattern, behind escapes", GUARD_RULE_REFERENCE,
     ",\"pattern\":\"[x:y = 'threat-actor\\u002d-00000000-0000-4000-8000-000000000099']\"", .asker = SHOP_US},
    {"a withheld identifier in the midst of a key", GUARD_RULE_REFERENCE,
     ",\"x_soc\":{\"see " SECRET_ID "\":1}", .asker = SHOP_US},
    {"a withheld identifier in the midst of a text, by TAXII", GUARD_RULE_REFERENCE,
     ",\"description\":\"compare " SECRET_ID ".\"", spoil_last, true, SHOP_US},
    {"a withheld identifier as a key", GUARD_RULE_REFERENCE, ",\"contents\":{\"" SECRET_ID "\":\"x\"}",
     .asker = SHOP_US},
    {"a marking that was not released", GUARD_RULE_REFERENCE,
     ",\"object_marking_refs\":[\"marking-definition--00000000-0000-4000-8000-000000000055\"]",
     .asker = SHOP_US},
    {"a creator that was not released", GUARD_RULE_REFERENCE,
     ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000044\"", .asker = SHOP_US},
    {"one member twice", GUARD_RULE_FORM, ",\"id\":\"" SECRET_ID "\"", .asker = SHOP_US},
    {"bytes changed after they were committed to", GUARD_RULE_OPENING, "", spoil_bytes, .asker = SHOP_US},
    {"limits beside a leaf that narrows nothing", GUARD_RULE_OPENING, "", spoil_limits, .asker = SHOP_US},
    {"the opening of another leaf", GUARD_RULE_OPENING, "", spoil_opening, .asker = SHOP_US},
    {"leaves in another order", GUARD_RULE_OPENING, "", spoil_order, .asker = SHOP_US},
    {"a page of nz is answered to us", GUARD_RULE_RECIPIENT, "", spoil_recipient, .asker = SHOP_US},
    {"entries of another ledger under this one's checkpoint", GUARD_RULE_VIEW, "", spoil_ledger,
     .asker = SHOP_US},
    {"a leaf that was changed where its opening does not look", GUARD_RULE_VIEW, "", spoil_time,
     .asker = SHOP_US},
    {"a page of another epoch", GUARD_RULE_RECIPIENT, "", spoil_epoch, .asker = SHOP_US},
    {"a withheld object has a leaf", GUARD_RULE_CEILING, "", spoil_leaf, .asker = SHOP_US},
    {"the ceiling was lowered", GUARD_RULE_CEILING, "", spoil_lowered, .asker = SHOP_US},
    {"the agreement is over", GUARD_RULE_LAPSED, "", spoil_lapsed, .asker = SHOP_US},
    {"something stands behind the page", GUARD_RULE_FORM, "", spoil_form, .asker = SHOP_US},
    {"a TAXII page with an object of another view", GUARD_RULE_CEILING, "", spoil_collection, true, SHOP_US},
    {"a TAXII page with an object of no view", GUARD_RULE_VIEW, "", spoil_view, true, SHOP_US},
    {"a TAXII page with a version that was not released", GUARD_RULE_VIEW, "", spoil_version, true, SHOP_US},
    {"a TAXII page after the agreement is over", GUARD_RULE_LAPSED, "", spoil_lapsed, true, SHOP_US},
};

static void plant_one(const struct plant *plant)
{
    struct shop shop;
    struct buf page;
    struct guard_finding finding;
    const char *path = plant->taxii ? SHOP_OBJECTS : SHOP_FEED;
    shop_open(&shop);
    stock(&shop);
    buf_init(&page, 1 << 20);
    page_of(&shop, plant->taxii, SHOP_US, &page);
    if (shop_check(&shop, SHOP_US, path, buf_bytes(&page), &finding) != GUARD_PASS)
        fail_msg("before \"%s\": held by %s", plant->name, guard_rule_word(finding.rule));
    /* A guard that has seen nothing yet must not need luck. */
    shop_close(&shop);
    shop_open(&shop);
    stock(&shop);
    if (plant->tail[0] != '\0')
        release(&shop, SHOP_US, "grouping", 0x500, plant->tail);
    page_of(&shop, plant->taxii, SHOP_US, &page);
    if (plant->spoil != NULL)
        plant->spoil(&shop, &page);
    if (shop_check(&shop, plant->asker, path, buf_bytes(&page), &finding) != GUARD_HOLD)
        fail_msg("\"%s\" went", plant->name);
    if (finding.rule != plant->rule)
        fail_msg("\"%s\": held by %s, not by %s", plant->name, guard_rule_word(finding.rule),
                 guard_rule_word(plant->rule));
    assert_int_equal(finding.partner, SHOP_US);
    assert_true(guard_is_held(shop.guard, SHOP_US));
    buf_deinit(&page);
    shop_close(&shop);
}

static void test_planted(void **state)
{
    (void)state;
    assert_true(sizeof plants / sizeof plants[0] >= 10);
    for (size_t i = 0; i < sizeof plants / sizeof plants[0]; i++)
        plant_one(&plants[i]);
}

/* --- what must go --- */

/* What an origin signed, also under a suite that nobody knows here, for whom an operator let it go. */
static void test_vouchers_go(void **state)
{
    (void)state;
    static const struct {
        uint16_t suite;
        const char *limits;
        size_t signature;
    } rows[] = {{1, "", ED25519_SIZE},
                {1, "partners jp\ncountry DE\n", ED25519_SIZE},
                {2, "", LIMIT_VOUCHER_SIGNATURE_BYTES}};
    struct guard_finding finding;
    struct buf page;
    buf_init(&page, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct shop shop;
        shop_open(&shop);
        stock(&shop);
        vouched(&shop, MAY, rows[i].suite, "kr", rows[i].limits, rows[i].signature, &page);
        if (shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding) != GUARD_PASS)
            fail_msg("row %zu: held by %s", i, guard_rule_word(finding.rule));
        shop_close(&shop);
    }
    buf_deinit(&page);
}

static void test_everything_goes(void **state)
{
    (void)state;
    struct shop shop;
    struct buf page;
    struct guard_finding finding;
    shop_open(&shop);
    stock(&shop);
    /* Circles, references onward in the ledger, an identifier in a text of which nothing is held. */
    release(&shop, SHOP_US, "report", 0x10,
            ",\"object_refs\":[\"report--00000000-0000-4000-8000-000000000011\"],"
            "\"description\":\"see vulnerability--00000000-0000-4000-8000-0000000000ee\"");
    release(&shop, SHOP_US, "report", 0x11,
            ",\"object_refs\":[\"report--00000000-0000-4000-8000-000000000010\",\"report--00000000-0000-4000-"
            "8000-"
            "000000000011\"]");
    buf_init(&page, 1 << 20);
    for (uint32_t count = 0; count <= 5; count++) {
        buf_clear(&page);
        shop_page(&shop, SHOP_US, 0, count, &page);
        assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_PASS);
    }
    for (uint64_t from = 3; from < 5; from++) { /* each alone: the other end is on another page */
        shop_close(&shop);
        shop_open(&shop);
        stock(&shop);
        release(&shop, SHOP_US, "report", 0x10,
                ",\"object_refs\":[\"report--00000000-0000-4000-8000-000000000011\"]");
        release(&shop, SHOP_US, "report", 0x11,
                ",\"object_refs\":[\"report--00000000-0000-4000-8000-000000000010\"]");
        buf_clear(&page);
        shop_objects(&shop, SHOP_US, from, 1, &page);
        assert_int_equal(shop_check(&shop, SHOP_US, SHOP_OBJECTS, buf_bytes(&page), &finding), GUARD_PASS);
        buf_clear(&page);
        shop_manifest(&shop, SHOP_US, from, 1, &page);
        assert_int_equal(
            shop_check(&shop, SHOP_US, "/api/collections/release/manifest/", buf_bytes(&page), &finding),
            GUARD_PASS);
        assert_false(guard_is_held(shop.guard, SHOP_US));
    }
    buf_deinit(&page);
    shop_close(&shop);
}

/* A node that has no policy yet has released nothing, and says so: only what has something is held. */
static void test_nothing_goes_without_a_policy(void **state)
{
    (void)state;
    static const char *const paths[] = {SHOP_FEED, SHOP_OBJECTS, "/api/collections/release/manifest/"};
    static void (*const pages[])(const struct shop *, unsigned, uint64_t, uint32_t,
                                 struct buf *) = {shop_page, shop_objects, shop_manifest};
    struct guard_finding finding;
    struct buf page;
    buf_init(&page, 1 << 20);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        for (uint32_t count = 0; count < 2; count++) {
            struct shop shop;
            shop_open(&shop);
            stock(&shop);
            shop.lawless = true;
            shop_rules(&shop, "");
            buf_clear(&page);
            pages[i](&shop, SHOP_US, 0, count, &page);
            assert_int_equal(shop_check(&shop, SHOP_US, paths[i], buf_bytes(&page), &finding),
                             count == 0 ? GUARD_PASS : GUARD_HOLD);
            assert_int_equal(count == 0 ? GUARD_RULE_LAPSED : finding.rule, GUARD_RULE_LAPSED);
            shop_close(&shop);
        }
    buf_deinit(&page);
}

/* Every page of every beginning grows its ledger, also for a guard that forgot; entries of another ledger
 * under the right checkpoint and proof never do. */
static void test_every_page_grows_its_ledger(void **state)
{
    (void)state;
    enum { LEAVES = 21 };
    struct guard_finding finding;
    struct buf page;
    buf_init(&page, 1 << 20);
    for (uint64_t from = 0; from < LEAVES; from++) {
        for (uint32_t count = 1; count <= LEAVES - from; count++) {
            struct shop shop;
            shop_open(&shop);
            for (unsigned i = 0; i < LEAVES; i++) {
                release(&shop, SHOP_US, "tool", 0x1000 + i, "");
                release(&shop, SHOP_NZ, "tool", 0x1000 + i, ",\"name\":\"nz\"");
            }
            buf_clear(&page);
            shop_page(&shop, SHOP_US, from, count, &page);
            if (shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding) != GUARD_PASS)
                fail_msg("%u from %u: held by %s", count, (unsigned)from, guard_rule_word(finding.rule));
            shop_close(&shop);
            shop_open(&shop);
            for (unsigned i = 0; i < LEAVES; i++) {
                release(&shop, SHOP_US, "tool", 0x1000 + i, "");
                release(&shop, SHOP_NZ, "tool", 0x1000 + i, ",\"name\":\"nz\"");
            }
            buf_clear(&page);
            shop_page_of(&shop, SHOP_NZ, SHOP_US, from, count, &page);
            assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_HOLD);
            assert_int_equal(finding.rule, GUARD_RULE_VIEW);
            shop_close(&shop);
        }
    }
    buf_deinit(&page);
}

/* From a power of two on no proof has the edge. Leaves and proof of another ledger: who saw the page before
 * knows its root. */
static void test_the_page_before_is_known(void **state)
{
    (void)state;
    struct guard_finding finding;
    struct shop shop;
    struct buf page, other;
    shop_open(&shop);
    for (unsigned i = 0; i < 4; i++) {
        release(&shop, SHOP_US, "tool", 0x1000 + i, "");
        release(&shop, SHOP_NZ, "tool", 0x1000 + i, ",\"name\":\"nz\"");
    }
    buf_init(&page, 1 << 20);
    buf_init(&other, 1 << 20);
    shop_page(&shop, SHOP_US, 0, 2, &page);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_PASS);
    buf_clear(&page);
    shop_page(&shop, SHOP_US, 2, 2, &page);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_PASS);
    buf_clear(&page);
    shop_page(&shop, SHOP_US, 0, 2, &page);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_PASS);
    buf_clear(&page);
    shop_page_of(&shop, SHOP_NZ, SHOP_US, 2, 2, &page);
    shop_page(&shop, SHOP_NZ, 2, 2, &other);
    memcpy(page.at + page.len - HASH_SIZE, other.at + other.len - HASH_SIZE, HASH_SIZE); /* the proof */
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_HOLD);
    assert_int_equal(finding.rule, GUARD_RULE_VIEW);
    buf_deinit(&page);
    buf_deinit(&other);
    shop_close(&shop);
}

/* In an urgent ledger recalls stand and nothing else, and a page of one ledger is none of the other, also
 * where it begins at the same number. */
static void test_urgent_pages(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool urgent, object;
        enum guard_verdict verdict;
        enum guard_rule rule;
    } rows[] = {
        {SHOP_URGENT, true, false, GUARD_PASS, GUARD_RULE_FORM},
        {SHOP_URGENT, true, true, GUARD_HOLD, GUARD_RULE_FORM},
        {SHOP_URGENT, false, false, GUARD_HOLD, GUARD_RULE_FORM}, /* an expire */
        {SHOP_FEED, false, false, GUARD_PASS, GUARD_RULE_FORM},
        {SHOP_FEED, true, false, GUARD_HOLD, GUARD_RULE_RECIPIENT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct guard_finding finding;
        struct shop shop;
        struct buf page;
        shop_open(&shop);
        buf_init(&page, 1 << 20);
        for (uint32_t k = 0; k < 4; k++)
            shop_release(&shop, SHOP_US, NULL);
        shop.urgent = !rows[i].urgent;
        shop_page(&shop, SHOP_US, 0, 2, &page); /* the other ledger has gone as far */
        assert_int_equal(
            shop_check(&shop, SHOP_US, shop.urgent ? SHOP_URGENT : SHOP_FEED, buf_bytes(&page), &finding),
            GUARD_PASS);
        if (rows[i].object)
            release(&shop, SHOP_US, "tool", 0x700, "");
        shop.urgent = rows[i].urgent;
        for (uint32_t from = 0; from < 4; from += 2) {
            buf_clear(&page);
            shop_page(&shop, SHOP_US, from, rows[i].object ? 5 - from : 2, &page);
            enum guard_verdict verdict = shop_check(&shop, SHOP_US, rows[i].path, buf_bytes(&page), &finding);
            assert_int_equal(verdict, rows[i].verdict);
            if (from == 0 && verdict == GUARD_HOLD)
                assert_int_equal(finding.rule, rows[i].rule);
        }
        buf_deinit(&page);
        shop_close(&shop);
    }
}

/* Partners of whom the policy says so may read any name in a text: it is counted. */
static void test_sentences(void **state)
{
    (void)state;
    static const char *const tails[] = {
        ",\"description\":\"compare " SECRET_ID ".\"",
        ",\"x_soc\":\"THREAT-ACTOR--00000000-0000-4000-8000-000000000099\"",
        ",\"x_soc\":{\"see " SECRET_ID "\":\" " SECRET_ID "\"}",
    };
    static const unsigned named[] = {1, 1, 2};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        struct shop shop;
        struct buf page;
        struct guard_finding finding;
        shop_open(&shop);
        stock(&shop);
        shop_rules(&shop, "texts 0\n");
        buf_init(&page, 1 << 20);
        release(&shop, SHOP_US, "grouping", 0x500, tails[i]);
        shop_objects(&shop, SHOP_US, 3, 1, &page);
        assert_int_equal(shop_check(&shop, SHOP_US, SHOP_OBJECTS, buf_bytes(&page), &finding), GUARD_PASS);
        assert_int_equal(shop.questions, 1); /* about the object alone */
        assert_int_equal(guard_count(shop.guard).named, named[i]);
        assert_false(guard_is_held(shop.guard, SHOP_US));
        buf_deinit(&page);
        shop_close(&shop);
    }
}

/* What is his already, and what nothing is held of, may stand in a text. */
static void test_sentences_that_go(void **state)
{
    (void)state;
    static const char *const tails[] = {
        ",\"description\":\"compare indicator--00000000-0000-4000-8000-000000000002.\"",
        ",\"description\":\"compare grouping--00000000-0000-4000-8000-000000000500.\"",
        ",\"description\":\"compare tool--00000000-0000-4000-8000-00000000dead.\"",
        ",\"description\":\"marked " GREEN "\"",
    };
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        struct shop shop;
        struct buf page;
        struct guard_finding finding;
        shop_open(&shop);
        stock(&shop);
        buf_init(&page, 1 << 20);
        release(&shop, SHOP_US, "grouping", 0x500, tails[i]);
        shop_page(&shop, SHOP_US, 3, 1, &page);
        assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_PASS);
        buf_deinit(&page);
        shop_close(&shop);
    }
}

/* A page of a thousand costs two or three questions, not a thousand. */
static void test_questions(void **state)
{
    (void)state;
    struct shop shop;
    struct buf page;
    struct guard_finding finding;
    shop_open(&shop);
    for (unsigned i = 0; i < 1000; i++)
        release(&shop, SHOP_US, "tool", 0x1000 + i, "");
    buf_init(&page, 8 << 20);
    shop_objects(&shop, SHOP_US, 0, 1000, &page);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_OBJECTS, buf_bytes(&page), &finding), GUARD_PASS);
    assert_int_equal(shop.questions, 1);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_OBJECTS, buf_bytes(&page), &finding), GUARD_PASS);
    assert_int_equal(shop.questions, 1);
    assert_int_equal(guard_count(shop.guard).objects, 2000);
    buf_deinit(&page);
    shop_close(&shop);
}

/* A core that shows a leaf of something else for a name: the name is not proved. */
static void test_mistaken_evidence(void **state)
{
    struct shop shop;
    struct guard_finding finding;
    struct buf page;
    (void)state;
    shop_open(&shop);
    buf_init(&page, 1 << 20);
    release(&shop, SHOP_US, "tool", ONE, "");
    release(&shop, SHOP_US, "report", TWO,
            ",\"object_refs\":[\"tool--00000000-0000-4000-8000-000000000001\"]");
    shop_page(&shop, SHOP_US, 1, 1, &page);
    shop.mistaken = true;
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_HOLD);
    assert_int_equal(finding.rule, GUARD_RULE_REFERENCE);
    buf_deinit(&page);
    shop_close(&shop);
}

/* A guard that starts anew: a name that was told may stand in what stays; what was taken back may not go. */
static void test_taken_back(void **state)
{
    struct shop shop;
    struct guard_finding finding;
    struct buf page;
    (void)state;
    shop_open(&shop);
    buf_init(&page, 1 << 20);
    release(&shop, SHOP_US, "tool", ONE, "");
    shop_take_back(&shop, SHOP_US);
    release(&shop, SHOP_US, "report", TWO,
            ",\"object_refs\":[\"tool--00000000-0000-4000-8000-000000000001\"]");
    shop_page(&shop, SHOP_US, 1, 1, &page);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_PASS);
    assert_int_equal(shop.questions, 1);
    buf_clear(&page);
    shop_objects(&shop, SHOP_US, 0, 1, &page);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_OBJECTS, buf_bytes(&page), &finding), GUARD_HOLD);
    assert_int_equal(finding.rule, GUARD_RULE_VIEW);
    buf_deinit(&page);
    shop_close(&shop);
}

/* --- after a finding --- */

static void test_held_and_resumed(void **state)
{
    (void)state;
    struct shop shop;
    struct buf bad, good;
    struct guard_finding finding, again;
    char waive[512], hex[65] = {0};
    static const char held[] =
        "partner 0 us green 4 - 00000000000000000000000000000000000000000000000000000000000000a0 1 0\n";
    shop_open(&shop);
    stock(&shop);
    buf_init(&good, 1 << 20);
    buf_init(&bad, 1 << 20);
    shop_page(&shop, SHOP_US, 0, 2, &good);
    release(&shop, SHOP_US, "tool", 0x600, ",\"object_marking_refs\":[\"" RED "\"]");
    shop_page(&shop, SHOP_US, 0, 4, &bad);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&bad), &finding), GUARD_HOLD);
    assert_false(finding.again);
    assert_true(finding.has_seq);
    assert_int_equal(finding.seq, 3);
    /* Then nothing goes to this partner, and all to the other. */
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&good), &again), GUARD_HOLD);
    assert_true(again.again);
    shop_rules(&shop, held);
    assert_true(guard_is_held(shop.guard, SHOP_US));
    buf_clear(&good);
    shop_page(&shop, SHOP_NZ, 0, 2, &good);
    assert_int_equal(shop_check(&shop, SHOP_NZ, SHOP_FEED, buf_bytes(&good), &again), GUARD_PASS);
    /* An operator lets it go on: it holds again, and with the object named it goes. */
    static const char resumed[] =
        "partner 0 us green 4 - 00000000000000000000000000000000000000000000000000000000000000a0 0 1\n";
    shop_rules(&shop, resumed);
    assert_false(guard_is_held(shop.guard, SHOP_US));
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&bad), &again), GUARD_HOLD);
    str_hex(finding.object.b, HASH_SIZE, hex);
    (void)snprintf(
        waive, sizeof waive,
        "partner 0 us green 4 - 00000000000000000000000000000000000000000000000000000000000000a0 0 2\n"
        "waive 0 ceiling %s\n",
        hex);
    shop_rules(&shop, waive);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&bad), &again), GUARD_PASS);
    buf_deinit(&bad);
    buf_deinit(&good);
    shop_close(&shop);
}

/* Without rules that it can read, nothing goes. */
static void test_no_rules(void **state)
{
    (void)state;
    struct shop shop;
    struct buf page;
    struct guard_finding finding;
    struct fault fault;
    shop_open(&shop);
    stock(&shop);
    buf_init(&page, 1 << 20);
    shop_page(&shop, SHOP_US, 0, 1, &page);
    assert_int_not_equal(guard_rules(shop.guard, STR("bongsu guard 1\nwhat\n"), &fault), ERR_OK);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_HOLD);
    assert_int_equal(finding.rule, GUARD_RULE_RECIPIENT);
    /* Levels that were in force are so no longer when core had to send nothing that makes sense. */
    shop_rules(&shop, "");
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_PASS);
    assert_int_not_equal(guard_rules(shop.guard, STR(""), &fault), ERR_OK);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_HOLD);
    buf_deinit(&page);
    shop_close(&shop);
}

/* What is no page has no identifiers but those that were asked for. */
static void test_plain(void **state)
{
    (void)state;
    struct shop shop;
    struct guard_finding finding;
    static const char said[] = "{\"title\":\"no " SECRET_ID "\"}";
    shop_open(&shop);
    assert_int_equal(shop_check(&shop, SHOP_US, "/taxii2/", bytes_of(said, sizeof said - 1), &finding),
                     GUARD_HOLD);
    assert_int_equal(finding.rule, GUARD_RULE_STRAY);
    assert_int_equal(
        shop_check(&shop, SHOP_US, "/api/nothing/" SECRET_ID "/", bytes_of(said, sizeof said - 1), &finding),
        GUARD_PASS);
    assert_int_equal(shop_check(&shop, SHOP_US, "/taxii2/", bytes_of("{}", 2), &finding), GUARD_PASS);
    shop_close(&shop);
}

/* Every prefix of a page is held, and every changed byte of an object is. */
static void test_every_byte(void **state)
{
    (void)state;
    struct shop shop;
    struct buf page;
    struct guard_finding finding;
    static const char resume[] =
        "partner 0 us green 4 - 00000000000000000000000000000000000000000000000000000000000000a0 0 %u\n";
    char line[256];
    unsigned times = 0;
    shop_open(&shop);
    stock(&shop);
    buf_init(&page, 1 << 20);
    shop_page(&shop, SHOP_US, 0, 2, &page);
    for (size_t len = 1; len < page.len; len++) {
        assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, bytes_of(page.at, len), &finding), GUARD_HOLD);
        assert_false(finding.again);
        (void)snprintf(line, sizeof line, resume, ++times);
        shop_rules(&shop, line);
    }
    size_t first = (size_t)((uint8_t *)find(&page, "{\"type\"") - page.at);
    for (size_t i = first; i < first + 40; i++) {
        page.at[i] ^= 4;
        assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_HOLD);
        assert_int_equal(finding.rule, GUARD_RULE_OPENING);
        page.at[i] ^= 4;
        (void)snprintf(line, sizeof line, resume, ++times);
        shop_rules(&shop, line);
    }
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_FEED, buf_bytes(&page), &finding), GUARD_PASS);
    buf_deinit(&page);
    shop_close(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted),
        cmocka_unit_test(test_nothing_goes_without_a_policy),
        cmocka_unit_test(test_everything_goes),
        cmocka_unit_test(test_vouchers_go),
        cmocka_unit_test(test_every_page_grows_its_ledger),
        cmocka_unit_test(test_the_page_before_is_known),
        cmocka_unit_test(test_urgent_pages),
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_sentences_that_go),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_taken_back),
        cmocka_unit_test(test_mistaken_evidence),
        cmocka_unit_test(test_held_and_resumed),
        cmocka_unit_test(test_no_rules),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
