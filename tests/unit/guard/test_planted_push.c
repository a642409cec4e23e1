/* Faults of what feeds send, planted one by one, and the guard behind it: each is held, by the rule that it
 * breaks; what a server is rightly asked, given and told goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guard/word.h"
#include "shop.h"

#define GREEN  "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define AMBER  "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
#define RED    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
#define CLEAR  "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
#define NUMBER "--00000000-0000-4000-8000-0000000000"
#define SELF   "identity" NUMBER "5e"
#define TOOL   "tool" NUMBER "01"
#define OVER   "tool" NUMBER "02"
#define THEIRS "malware" NUMBER "70"
#define SECRET "threat-actor" NUMBER "99"
#define GONE   "tool" NUMBER "77" /* nothing is held under it any more */
#define NOTE   "note" NUMBER "aa"
#define TIME   "2026-11-23T05:28:03.512340Z"
#define MEDIA  "application/taxii+json;version=2.1"
#define LIST   "/api1/collections/91a7b528-80eb-42ed-a74d-c6fbd5a26116/"

#define OBJECT(id, more)  "{\"type\":\"x\",\"id\":\"" id "\"" more "}"
#define MARKED(marking)   ",\"object_marking_refs\":[\"" marking "\"]"
#define ENVELOPE(objects) "{\"objects\":[" objects "]}"
#define NOTED(own, self, about, words, more)                                                                 \
    "{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":\"" own "\",\"created_by_ref\":\"" self              \
    "\",\"created\":\"" TIME "\",\"modified\":\"" TIME "\",\"abstract\":\"taken back\",\"content\":\"" about \
    " " words "\",\"object_refs\":[\"" about "\"]" more "}"
#define CALLED_BACK "was called back. Delete it, and what was made from it."
#define REVOKED(type, id, self, members)                                                                     \
    "{\"type\":\"" type "\",\"spec_version\":\"2.1\",\"id\":\"" id "\",\"created_by_ref\":\"" self           \
    "\",\"created\":\"2026-01-01T00:00:00.000000Z\",\"modified\":\"" TIME "\",\"revoked\":true," members     \
    ",\"object_marking_refs\":[\"" GREEN "\"]}"
#define NAMED "\"name\":\"taken back\""
#define IDENTITY(name)                                                                                       \
    "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"" SELF                                         \
    "\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"name\":\"" name \
    "\",\"identity_class\":\"system\",\"object_marking_refs\":[\"" CLEAR "\"]}"

/* us has a tool, and had another; nz has something; a secret is nobody's. */
static void stock(struct shop *shop)
{
    shop_release(shop, SHOP_US, OBJECT(TOOL, MARKED(GREEN)));
    shop_release(shop, SHOP_US, OBJECT(OVER, ""));
    shop_take_back(shop, SHOP_US);
    shop_release(shop, SHOP_NZ, OBJECT(TOOL, MARKED(GREEN)));
    shop_release(shop, SHOP_NZ, OBJECT(THEIRS, MARKED(AMBER)));
    shop_release(shop, SHOP_NZ, OBJECT("tool" NUMBER "71", ""));
    shop_withhold(shop, OBJECT(SECRET, MARKED(RED)));
}

struct plant {
    const char *name;
    enum guard_rule rule; /* GUARD_RULE_NONE: it goes */
    const char *body, *target;
    enum guard_method method;
    const char *released; /* to us as well */
    const char *more;     /* rules */
    int partner;          /* 1 more than it is; 0: the server is read from */
    struct guard_field field;
};

#define US          .partner = SHOP_US + 1
#define GIVE(text)  US, .method = GUARD_GIVES, .target = LIST "objects/", .body = (text)
#define TAKE(named) US, .method = GUARD_DELETES, .target = LIST "objects/" named "/?match[version]=all"

static const struct plant plants[] = {
    {"a RED object is pushed", GUARD_RULE_CEILING, GIVE(ENVELOPE(OBJECT("tool" NUMBER "05", MARKED(RED)))),
     .released = OBJECT("tool" NUMBER "05", MARKED(RED))},
    {"the wrong audience's object", GUARD_RULE_CEILING, GIVE(ENVELOPE(OBJECT(THEIRS, MARKED(AMBER))))},
    {"...that is not marked", GUARD_RULE_VIEW, GIVE(ENVELOPE(OBJECT("tool" NUMBER "71", "")))},
    {"an object that no leaf opens", GUARD_RULE_VIEW, GIVE(ENVELOPE(OBJECT(GONE, "")))},
    {"other bytes than were released", GUARD_RULE_VIEW,
     GIVE(ENVELOPE(OBJECT(TOOL, MARKED(GREEN) ",\"name\":\"x\"")))},
    {"what was taken back", GUARD_RULE_VIEW, GIVE(ENVELOPE(OBJECT(OVER, "")))},
    {"a withheld identifier in a released object", GUARD_RULE_REFERENCE,
     GIVE(ENVELOPE(OBJECT(TOOL, MARKED(GREEN)) "," OBJECT("report" NUMBER "06", ",\"x\":\"" SECRET "\""))),
     .released = OBJECT("report" NUMBER "06", ",\"x\":\"" SECRET "\"")},
    {"a withheld identifier beside the objects", GUARD_RULE_FORM,
     GIVE("{\"x\":\"" SECRET "\",\"objects\":[" OBJECT(TOOL, MARKED(GREEN)) "]}")},
    {"...behind them", GUARD_RULE_FORM,
     GIVE("{\"objects\":[" OBJECT(TOOL, MARKED(GREEN)) "],\"" SECRET "\":[]}")},
    {"...before a word that is looked at for itself", GUARD_RULE_FORM,
     GIVE(ENVELOPE("\"" SECRET "\"," NOTED(NOTE, SELF, TOOL, CALLED_BACK, MARKED(GREEN))))},
    {"no envelope", GUARD_RULE_FORM, GIVE(OBJECT(TOOL, MARKED(GREEN)))},
    {"a field that nobody needs", GUARD_RULE_FORM, GIVE(ENVELOPE(OBJECT(TOOL, MARKED(GREEN)))),
     .field = {{"x-more", 6}, {SECRET, sizeof SECRET - 1}}},
    {"a body that is packed", GUARD_RULE_FORM, GIVE(ENVELOPE(OBJECT(TOOL, MARKED(GREEN)))),
     .field = {{"content-encoding", 16}, {"gzip", 4}}},
    {"a body where something is asked", GUARD_RULE_FORM, US, .target = LIST "objects/",
     .body = ENVELOPE(OBJECT(TOOL, MARKED(GREEN)))},
    {"a partner of whom nothing is known", GUARD_RULE_RECIPIENT, .partner = 9, .target = LIST},
    {"a partner whose time is over", GUARD_RULE_LAPSED, GIVE(ENVELOPE(OBJECT(TOOL, MARKED(GREEN)))),
     .more = "partner 0 us green 4 1 - 0 0\n"},
    {"a withheld object is to be deleted", GUARD_RULE_REFERENCE, TAKE(SECRET)},
    {"...behind percent signs", GUARD_RULE_REFERENCE,
     TAKE("threat-actor%2D%2d00000000-0000-4000-8000-000000000099")},
    {"what another has is asked for", GUARD_RULE_REFERENCE, US,
     .target = LIST "manifest/?match[id]=" TOOL "," THEIRS},
    {"a note about what is withheld", GUARD_RULE_REFERENCE,
     GIVE(ENVELOPE(NOTED(NOTE, SELF, SECRET, CALLED_BACK, MARKED(GREEN))))},
    {"a note under a withheld identifier", GUARD_RULE_REFERENCE,
     GIVE(ENVELOPE(NOTED("note" NUMBER "98", SELF, TOOL, CALLED_BACK, MARKED(GREEN))))},
    {"a note that says more", GUARD_RULE_VIEW,
     GIVE(ENVELOPE(NOTED(NOTE, SELF, TOOL, CALLED_BACK " It was theirs.", MARKED(GREEN))))},
    {"a note with a further member", GUARD_RULE_VIEW,
     GIVE(ENVELOPE(NOTED(NOTE, SELF, TOOL, CALLED_BACK, ",\"x\":\"y\"" MARKED(GREEN))))},
    {"a note about two", GUARD_RULE_VIEW,
     GIVE(ENVELOPE(NOTED(NOTE, SELF, TOOL, CALLED_BACK, ",\"object_refs\":[\"" SECRET "\"]" MARKED(GREEN))))},
    {"a note in another's name", GUARD_RULE_VIEW,
     GIVE(ENVELOPE(NOTED(NOTE, "identity" NUMBER "5f", TOOL, CALLED_BACK, MARKED(GREEN))))},
    {"a note marked as nobody knows", GUARD_RULE_REFERENCE,
     GIVE(ENVELOPE(NOTED(NOTE, SELF, TOOL, CALLED_BACK, MARKED("marking-definition" NUMBER "55")))),
     .released = NOTED(NOTE, SELF, TOOL, CALLED_BACK, MARKED("marking-definition" NUMBER "55"))},
    {"a revoked version that keeps its content", GUARD_RULE_VIEW,
     GIVE(ENVELOPE(REVOKED("tool", TOOL, SELF, "\"name\":\"a tool\"")))},
    {"a revoked version of what is withheld", GUARD_RULE_REFERENCE,
     GIVE(ENVELOPE(REVOKED("threat-actor", SECRET, SELF, NAMED)))},
    {"a revoked version of another type", GUARD_RULE_VIEW,
     GIVE(ENVELOPE(REVOKED("campaign", TOOL, SELF, NAMED)))},
    {"...of a type that says more", GUARD_RULE_VIEW,
     GIVE(ENVELOPE(REVOKED("malware", "malware" NUMBER "77", SELF, NAMED ",\"is_family\":true")))},
    {"a node's name that is none", GUARD_RULE_VIEW, GIVE(ENVELOPE(IDENTITY("our node")))},
    {"reading with a body", GUARD_RULE_FORM, .target = "/feed", .body = "x"},
    {"reading by giving", GUARD_RULE_FORM, .target = "/feed", .method = GUARD_GIVES, .body = "{}"},
    {"reading by deleting", GUARD_RULE_FORM, .target = "/feed", .method = GUARD_DELETES},
    {"reading that names an object", GUARD_RULE_STRAY, .target = "/feed?about=" TOOL},
    {"...behind what the server said", GUARD_RULE_STRAY, .target = LIST "objects/?next=x&after=" TOOL},
    {"...as if it were what it said", GUARD_RULE_STRAY, .target = "/feed/next=" TOOL},
    {"...in a field", GUARD_RULE_STRAY, .target = "/feed",
     .field = {{"last-event-id", 13}, {SECRET, sizeof SECRET - 1}}},
    {"...behind percent signs", GUARD_RULE_STRAY,
     .target = "/feed?about=tool-%2D00000000-0000-4000-8000-000000000001"},

    {"what was released", GUARD_RULE_NONE, GIVE(ENVELOPE(OBJECT(TOOL, MARKED(GREEN)))),
     .field = {{"accept", 6}, {MEDIA, sizeof MEDIA - 1}}},
    {"an object and a reference to it", GUARD_RULE_NONE,
     GIVE(ENVELOPE(
         OBJECT("report" NUMBER "06", ",\"x\":[\"" TOOL "\",\"" OVER "\"]") "," OBJECT(TOOL, MARKED(GREEN)))),
     .released = OBJECT("report" NUMBER "06", ",\"x\":[\"" TOOL "\",\"" OVER "\"]")},
    {"a note about what he has", GUARD_RULE_NONE,
     GIVE(ENVELOPE(IDENTITY("kr-cert") "," NOTED(NOTE, SELF, TOOL, CALLED_BACK, MARKED(GREEN))))},
    {"about what he had, however it was marked", GUARD_RULE_NONE,
     GIVE(ENVELOPE(
         NOTED(NOTE, SELF, OVER, "is no longer current. Do not rely on it any more.", MARKED(RED))))},
    {"about what was destroyed", GUARD_RULE_NONE,
     GIVE(ENVELOPE(OBJECT(TOOL, MARKED(GREEN)) "," NOTED(NOTE, SELF, GONE, CALLED_BACK, MARKED(AMBER))))},
    {"a revoked version", GUARD_RULE_NONE, GIVE(ENVELOPE(REVOKED("tool", TOOL, SELF, NAMED)))},
    {"a revoked indicator", GUARD_RULE_NONE,
     GIVE(ENVELOPE(REVOKED("indicator", "indicator" NUMBER "77", SELF,
                           "\"pattern\":\"taken back\",\"pattern_type\":\"taken-back\",\"valid_from\":\"" TIME
                           "\"")))},
    {"what he has is to be deleted", GUARD_RULE_NONE, TAKE(OVER)},
    {"is it there?", GUARD_RULE_NONE, US,
     .target = LIST "manifest/?limit=1000&match%5Bid%5D=" TOOL "," NOTE "&match[version]=all"},
    {"an API root", GUARD_RULE_NONE, US, .target = "/api1/"},
    {"a status", GUARD_RULE_NONE, US, .target = "/api1/status/2d086da7-4bdc-4f91-900e-d77486753710/"},
    {"a file", GUARD_RULE_NONE, .target = "/bundle" NUMBER "11.json"},
    {"where the server sends us", GUARD_RULE_NONE, .target = "/moved/bundle" NUMBER "12"},
    {"where its list goes on", GUARD_RULE_NONE, .target = LIST "objects/?limit=9&next=" TOOL},
    {"a validator", GUARD_RULE_NONE, .target = "/feed",
     .field = {{"if-none-match", 13}, {"\"" TOOL "\"", sizeof TOOL + 1}}},
};

static enum guard_verdict send(struct shop *shop, const struct plant *plant, struct guard_finding *out)
{
    struct guard_call call = {.partner = plant->partner - 1,
                              .method = plant->method,
                              .self = STR(SELF),
                              .given = {STR("/bundle" NUMBER "11.json"), STR("/moved/bundle" NUMBER "12")},
                              .target = str_of(plant->target),
                              .fields = &plant->field,
                              .field_count = plant->field.name.len > 0,
                              .body = bytes_from_str(str_of(plant->body == NULL ? "" : plant->body)),
                              .now_s = SHOP_NOW_S};
    return shop_call(shop, &call, out);
}

static void open(struct shop *shop, const struct plant *plant)
{
    shop_open(shop);
    stock(shop);
    shop_withhold(shop, OBJECT("note" NUMBER "98", ""));
    if (plant->released != NULL)
        shop_release(shop, SHOP_US, plant->released);
    if (plant->more != NULL)
        shop_rules(shop, plant->more);
}

static void plant_one(const struct plant *plant)
{
    struct shop shop;
    struct guard_finding finding;
    bool goes = plant->rule == GUARD_RULE_NONE;
    open(&shop, plant);
    enum guard_verdict verdict = send(&shop, plant, &finding);
    if (verdict != (goes ? GUARD_PASS : GUARD_HOLD))
        fail_msg("\"%s\" %s %s", plant->name, goes ? "is held by" : "went",
                 goes ? guard_rule_word(finding.rule) : "");
    if (!goes && finding.rule != plant->rule)
        fail_msg("\"%s\": held by %s, not by %s", plant->name, guard_rule_word(finding.rule),
                 guard_rule_word(plant->rule));
    if (!goes)
        assert_int_equal(finding.partner, plant->partner - 1);
    assert_int_equal(guard_is_held(shop.guard, SHOP_US), !goes && plant->partner == SHOP_US + 1);
    shop_close(&shop);
}

static void test_planted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plants / sizeof plants[0]; i++)
        plant_one(&plants[i]);
}

/* Nothing more is asked, given or told there, whatever it is; and the other way round. */
static void test_held(void **state)
{
    static const struct plant root = {"", GUARD_RULE_NONE, US, .target = "/api1/"};
    static const struct plant red = {"", GUARD_RULE_CEILING,
                                     GIVE(ENVELOPE(OBJECT("tool" NUMBER "05", MARKED(RED)))),
                                     .released = OBJECT("tool" NUMBER "05", MARKED(RED))};
    struct shop shop;
    struct buf page;
    char line[256], hex[65] = {0};
    struct guard_finding finding, again;
    (void)state;
    open(&shop, &red);
    buf_init(&page, 1 << 20);
    shop_objects(&shop, SHOP_US, 0, 1, &page);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_OBJECTS, buf_bytes(&page), &again), GUARD_PASS);
    assert_int_equal(send(&shop, &red, &finding), GUARD_HOLD);
    assert_false(finding.again);
    assert_int_equal(send(&shop, &root, &again), GUARD_HOLD);
    assert_true(again.again);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_OBJECTS, buf_bytes(&page), &again), GUARD_HOLD);
    assert_true(again.again);
    /* What an operator lets go, goes by either way. */
    str_hex(finding.object.b, HASH_SIZE, hex);
    (void)snprintf(line, sizeof line, "partner 0 us green 4 - - 0 1\nwaive 0 ceiling %s\n", hex);
    shop_rules(&shop, line);
    assert_int_equal(send(&shop, &red, &again), GUARD_PASS);
    buf_clear(&page);
    shop_objects(&shop, SHOP_US, 2, 1, &page);
    assert_int_equal(shop_check(&shop, SHOP_US, SHOP_OBJECTS, buf_bytes(&page), &again), GUARD_PASS);
    /* Of what is named in an address as well. */
    static const struct plant secret = {"", GUARD_RULE_REFERENCE, TAKE(SECRET)};
    assert_int_equal(send(&shop, &secret, &finding), GUARD_HOLD);
    str_hex(finding.object.b, HASH_SIZE, hex);
    (void)snprintf(line, sizeof line, "partner 0 us green 4 - - 0 2\nwaive 0 reference %s\n", hex);
    shop_rules(&shop, line);
    assert_int_equal(send(&shop, &secret, &again), GUARD_PASS);
    buf_deinit(&page);
    shop_close(&shop);
}

/* No prefix of a word is one, and no changed byte of it but where its form lets it vary. */
static void test_every_byte_of_a_word(void **state)
{
    char note[] = NOTED(NOTE, SELF, TOOL, CALLED_BACK, MARKED(GREEN));
    size_t len = sizeof note - 1, free = 0;
    (void)state;
    assert_int_equal(word_read(bytes_of(note, len), STR(SELF)).kind, WORD_NOTE);
    assert_int_equal(word_read(bytes_of(note, len), STR("")).kind, WORD_NONE);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(word_read(bytes_of(note, i), STR(SELF)).kind, WORD_NONE);
        note[i] ^= 1;
        free += word_read(bytes_of(note, len), STR(SELF)).kind != WORD_NONE;
        note[i] ^= 1;
    }
    assert_in_range(free, 1, 32); /* of its own identifier; of the object's and the time stand there twice */
}

#define HASH32  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define SIGNED  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define DASH    "\xe2\x80\x94 "
#define LOG     "bongsu-log/kr/0"
#define HEAD    LOG "\n3\n" HASH32 "\n\n"
#define LINE    DASH LOG " " SIGNED "\n"
#define WITNESS "/w/add-checkpoint"

/* To a witness goes what C2SP's tlog-witness asks for, and no byte more. */
static void test_a_witness(void **state)
{
    (void)state;
    static const struct {
        const char *name, *body, *target;
        bool passes;
        enum guard_method method;
    } calls[] = {
        {"the first", "old 0\n\n" HEAD LINE, WITNESS, true, GUARD_GIVES},
        {"with hashes", "old 2\n" HASH32 "\n" HASH32 "\n\n" HEAD LINE, WITNESS, true, GUARD_GIVES},
        {"by two keys", "old 2\n" HASH32 "\n\n" HEAD LINE LINE, WITNESS, true, GUARD_GIVES},
        {"nothing", "", WITNESS, false, GUARD_GIVES},
        {"no signature", "old 0\n\n" HEAD, WITNESS, false, GUARD_GIVES},
        {"something behind", "old 0\n\n" HEAD LINE TOOL "\n", WITNESS, false, GUARD_GIVES},
        {"an extension line", "old 0\n\n" LOG "\n3\n" HASH32 "\n" TOOL "\n\n" LINE, WITNESS, false,
         GUARD_GIVES},
        {"a longer hash", "old 0\n" SIGNED "\n\n" HEAD LINE, WITNESS, false, GUARD_GIVES},
        {"another log",
         "old 0\n\n"
         "bongsu/kr/us/0\n3\n" HASH32 "\n\n" DASH "bongsu/kr/us/0 " SIGNED "\n",
         WITNESS, false, GUARD_GIVES},
        {"another name signs", "old 0\n\n" HEAD DASH "bongsu-log/us/0 " SIGNED "\n", WITNESS, false,
         GUARD_GIVES},
        {"a number that is none", "old 00\n\n" HEAD LINE, WITNESS, false, GUARD_GIVES},
        {"an object", ENVELOPE(OBJECT(TOOL, MARKED(GREEN))), WITNESS, false, GUARD_GIVES},
        {"another path", "old 0\n\n" HEAD LINE, "/w/" TOOL, false, GUARD_GIVES},
        {"another method", "old 0\n\n" HEAD LINE, WITNESS, false, GUARD_READS},
    };
    struct shop shop;
    struct guard_finding finding;
    const struct guard_field field = {STR("x-more"), STR("x")};
    shop_open(&shop);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct guard_call call = {.partner = -1,
                                  .witness = true,
                                  .method = calls[i].method,
                                  .given = {STR(WITNESS), STR("")},
                                  .target = str_of(calls[i].target),
                                  .body = bytes_from_str(str_of(calls[i].body))};
        enum guard_verdict verdict = shop_call(&shop, &call, &finding);
        if ((verdict == GUARD_PASS) != calls[i].passes)
            fail_msg("%s", calls[i].name);
        assert_true(verdict == GUARD_PASS || finding.rule == GUARD_RULE_FORM);
        call.fields = &field;
        call.field_count = 1;
        assert_int_equal(shop_call(&shop, &call, &finding), GUARD_HOLD);
        /* The same to a server that is read from. */
        call.field_count = 0;
        call.witness = false;
        assert_int_equal(shop_call(&shop, &call, &finding), GUARD_HOLD);
    }
    static const char good[] = "old 2\n" HASH32 "\n\n" HEAD LINE;
    for (size_t len = 0; len < sizeof good - 1; len++) {
        struct guard_call call = {.partner = -1,
                                  .witness = true,
                                  .method = GUARD_GIVES,
                                  .given = {STR(WITNESS), STR("")},
                                  .target = STR(WITNESS),
                                  .body = bytes_of(good, len)};
        assert_int_equal(shop_call(&shop, &call, &finding), GUARD_HOLD);
    }
    shop_close(&shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted),
        cmocka_unit_test(test_held),
        cmocka_unit_test(test_every_byte_of_a_word),
        cmocka_unit_test(test_a_witness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
