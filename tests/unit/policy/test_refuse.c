/* Texts that are refused: where, with what suggestion; and that every prefix of a good text is survived. */
#include <stdlib.h>

#include "policy_test.h"

struct bad {
    const char *text;
    unsigned line, column;
    const char *what;       /* part of the sentence */
    const char *suggestion; /* part of it; "" for none */
};

static const struct bad bad_rows[] = {
    {"", 1, 1, "expected `language 1`, found the end", "starts with the line: language 1"},
    {"deny x if own", 1, 1, "expected `language 1`, found `deny`", "language 1"},
    {"# 한국어\nlanguage 2", 2, 10, "expected `1`", ""},
    {"language 1\ndney x if own", 2, 1, "a statement", "did you mean `deny`?"},
    {"language 1\nrelaese x if own to all", 2, 1, "a statement", "did you mean `release`?"},
    {"language 1 partner us-cissa {}", 1, 20, "`us-cissa` is no partner", "did you mean `us-cisa`?"},
    {"language 1 partner us {}", 1, 20, "`us` is no partner", "peer list"},
    {"language 1 partner jp { tlp-max ambr }", 1, 33, "no TLP level", "did you mean `amber`?"},
    {"language 1 partner jp { tlp-max [red green] }", 1, 34, "one TLP level", ""},
    {"language 1 partner jp { a b a c }", 1, 29, "`a` stands here twice", "a [a b]"},
    {"language 1 partner jp { tlpmax green }", 1, 25, "`tlpmax` means nothing", "did you mean `tlp-max`?"},
    {"language 1 partner jp { a b }", 1, 25, "no condition asks for it", "known are country"},
    {"language 1 partner jp { level b } deny d if own partner eu-cert { x y }", 1, 49, "before the first",
     ""},
    {"language 1 partner jp { country jp }", 1, 33, "no two-letter code", "did you mean `JP`?"},
    {"language 1 deny d if partner.country == usa", 1, 41, "no two-letter code", "did you mean `US`?"},
    {"language 1 deny d if partner.country in [US USA]", 1, 45, "no two-letter code", "did you mean `US`?"},
    {"language 1 partner jp { country Q }", 1, 33, "no two-letter code", "such as KR"},
    {"language 1 partner jp { purposes [NETDEFF] }", 1, 35, "no purpose", "did you mean `NETDEF`?"},
    {"language 1 deny d if victim.sector == enrgy", 1, 39, "no sector", "did you mean `energy`?"},
    {"language 1 partner jp { a.b c }", 1, 25, "an attribute's name", "a name has letters"},
    {"language 1 partner jp { a", 1, 26, "found the end", ""},
    {"language 1 partner jp { clearance X }", 1, 35, "no clearance", "one of: U C S TS"},
    {"language 1 partner jp { clearance [U S] }", 1, 36, "is one of U C S TS", ""},
    {"language 1 partner jp { nation JP }", 1, 32, "no three-letter code", "did you mean `JPN`?"},
    {"language 1 partner jp { nation QQQ }", 1, 32, "no three-letter code", "GENC"},
    {"language 1 community c = [jp uk]", 1, 30, "`uk` is no partner", ""},
    {"language 1 community jp = [jp]", 1, 22, "`jp` is a partner", ""},
    {"language 1 community c [jp]", 1, 24, "expected `=` or `{`", ""},
    {"language 1 community c { country JP } [jp]", 1, 39, "expected `=` and its members", ""},
    {"language 1 community c { country JP", 1, 36, "found the end", ""},
    {"language 1 community c { tlp-max ambr } = [jp]", 1, 34, "no TLP level", "did you mean `amber`?"},
    {"language 1 community c { country JP country US } = [jp]", 1, 37, "`country` stands here twice", ""},
    {"language 1 community c { tlpmax red } = [jp us-cisa]", 1, 26, "`tlpmax` means nothing",
     "did you mean `tlp-max`?"},
    {"language 1 community c { communities [d] } = [jp]", 1, 26, "gives no `communities`",
     "community d = [...]"},
    {"language 1 partner us-cisa { tlp-max red }\ncommunity a { tlp-max red } = [jp us-cisa eu-cert]\n"
     "community b {\n  tlp-max amber } = [us-cisa jp eu-cert]",
     4, 3, "`a` and `b` give `eu-cert` another `tlp-max` each", "partner eu-cert { tlp-max VALUE }"},
    {"language 1 community a { purposes [NETDEF INTEL] } = [jp] community b { purposes NETDEF } = [a] "
     "deny d if own",
     1, 73, "`a` and `b` give `jp` another `purposes` each", ""},
    {"language 1 community a { level x } = [jp] community b { level [x y] } = [jp] deny d if "
     "partner.level == x",
     1, 57, "`a` and `b` give `jp` another `level` each", ""},
    {"language 1 set a { country JP } = [x]", 1, 18, "expected `=`", ""},
    {"language 1 deny d if own community c = [jp]", 1, 26, "before the first rule", ""},
    {"language 1 agreement a { basis x }", 1, 22, "names no partners", ""},
    {"language 1 agreement a { partners [jp] valid-until 2026-13-01 }", 1, 52, "no time", "2026-12-31"},
    {"language 1 agreement a { partners [jp] partners [jp] }", 1, 40, "stands here twice", ""},
    {"language 1 agreement a { partnrs [jp] }", 1, 26, "found `partnrs`", "did you mean `partners`?"},
    {"language 1 hold h if own until approved with redact", 1, 46, "expected `basis`", ""},
    {"language 1 hold h if own until approved with basis deadline 2d default release", 1, 64,
     "without a basis", "default deny"},
    {"language 1 release r if own until approved with basis to all", 1, 35, "only a hold ends", ""},
    {"language 1 agreements requird", 1, 23, "expected `required`", "did you mean `required`?"},
    {"language 1 define x = own define x = own", 1, 34, "`x` exists already", ""},
    {"language 1 define tlp = own", 1, 19, "a condition of the language", ""},
    {"language 1 define x = own and y deny d if x", 1, 31, "`y`", ""},
    {"language 1 define x = (own", 1, 27, "`)`, found the end", "still open"},
    {"language 1 deny d if classification > X", 1, 39, "no classification", "one of: U C S TS"},
    {"language 1 deny d if iep.provider-attribution < may", 1, 47, "a comparison", "`==`, `!=` or `in`"},
    {"language 1 deny d if hops > 256", 1, 29, "from 0 to 255", ""},
    {"language 1\ndeny d if own or collection == inbox", 2, 18, "`collection` was taken out of the language",
     "write `source ==`"},
    {"language 1 deny d if has collection", 1, 26, "`collection` was taken out", "write `source ==`"},
    {"language 1 define c = collection in [a b] deny d if c", 1, 23, "`collection` was taken out", ""},
    {"language 1 release r if neighbour.tlp > green to all", 1, 39, "would let something go", "behind `not`"},
    {"language 1 deny d if not neighbour.tlp > green", 1, 40, "would let something go", "behind `not`"},
    {"language 1 deny d if neighbour.tlp < green", 1, 36, "`>` or `>=`", "never let more leave"},
    {"language 1 deny d if victim.sector != energy", 1, 36, "`==` or `in`", "never let more leave"},
    {"language 1 define n = neighbour.tlp > green release r if n to all", 1, 37, "would let something go",
     ""},
    {"language 1 deny d if own partner jp", 1, 26, "before the first rule", "move it up"},
    {"language 1 source a source a", 1, 28, "stands here twice", ""},
    {"language 1 set a = [x] set a = [y]", 1, 28, "a set `a` exists", ""},
    {"language 1 set jp = [x]", 1, 16, "`jp` is a partner", ""},
    {"language 1 set all = [x]", 1, 16, "the set's name", "no reserved word"},
    {"language 1 set a = []", 1, 21, "an empty list", ""},
    {"language 1 set a [x]", 1, 18, "expected `=`", ""},
    {"language 1 set a = [x", 1, 22, "a value or `]`, found the end", ""},
    {"language 1\ndeny if own", 2, 6, "the rule's name, found `if`", "reserved"},
    {"language 1\ndeny d fi own", 2, 8, "expected `if`", "did you mean `if`?"},
    {"language 1\ndeny d if own\ndeny d if own", 3, 6, "`d` exists already", "line 2"},
    {"language 1\nhold d if own\n  deny built-in.x if own", 3, 8, "the rule's name", "letters"},
    {"language 1 deny d if tpl == red", 1, 22, "`tpl`", "did you mean `tlp`?"},
    {"language 1 deny d if confidnce > 3", 1, 22, "`confidnce`", "did you mean `confidence`?"},
    {"language 1 deny d if label x", 1, 22, "`label`", "use a local `tag`"},
    {"language 1 deny d if zzzzzz", 1, 22, "`zzzzzz`", "one of: marking tlp"},
    {"language 1 deny d if zzzzzz", 1, 22, "`zzzzzz`",
     "personal-data revoked origin onward approved partner"},
    {"language 1 partner jp { purposes [Q] }", 1, 35, "no purpose", "REQUEST ANONYMOUSACCESS CISAUSES"},
    {"language 1 deny d if own agreement a {}", 1, 26, "`agreement` stands before", "move it up"},
    {"language 1 deny d if tlp = red", 1, 26, "a comparison, found `=`", "did you mean `==`?"},
    {"language 1 deny d if tlp red", 1, 26, "a comparison, found `red`", "followed by `==`"},
    {"language 1 deny d if tlp == amber+strct", 1, 29, "no TLP level", "did you mean `amber+strict`?"},
    {"language 1 deny d if tlp == none", 1, 29, "no TLP level", "not has tlp"},
    {"language 1 deny d if tlp in [clear gren]", 1, 36, "`gren`", "did you mean `green`?"},
    {"language 1 deny d if marking unknwn", 1, 30, "no marking state", "did you mean `unknown`?"},
    {"language 1 deny d if marking == known", 1, 30, "a marking state", "write `marking known`"},
    {"language 1 deny d if category == sdx", 1, 34, "no category", "did you mean `sdo`?"},
    {"language 1 deny d if type == indicatr", 1, 30, "no type of STIX", "did you mean `indicator`?"},
    {"language 1 deny d if type == gadget", 1, 30, "no type of STIX", "\"quotes\""},
    {"language 1 deny d if type < url", 1, 27, "a comparison, found `<`", "`==`, `!=` or `in`"},
    {"language 1 deny d if type in urls", 1, 30, "no set is called `urls`", "[a b c]"},
    {"language 1 set iocs = [url] deny d if type in iosc", 1, 47, "no set", "did you mean `iocs`?"},
    {"language 1 deny d if confidence > 101", 1, 35, "from 0 to 100", ""},
    {"language 1 deny d if age > 10", 1, 28, "no duration", "10m"},
    {"language 1 deny d if age > 5w1d", 1, 28, "no duration", "10m"},
    {"language 1 deny d if age > 36501d", 1, 28, "no duration", ""},
    {"language 1 deny d if age == 5d", 1, 26, "a comparison, found `==`", "`<`"},
    {"language 1 source misp deny d if source == mips", 1, 44, "no source `mips`", "did you mean `misp`?"},
    {"language 1 deny d if source.trust == x", 1, 22, "no source has", "source NAME { trust VALUE }"},
    {"language 1 deny d if partner.contry == KR", 1, 22, "no partner has", "`partner.country`?"},
    {"language 1 deny d if partner == us-cisb", 1, 33, "no partner", "did you mean `us-cisa`?"},
    {"language 1 deny d if has tag", 1, 26, "ask `has` of", "one of: type"},
    {"language 1 deny d if tag \"share:{partnr}\"", 1, 26, "a brace in a tag", "share:{partner}"},
    {"language 1 deny d if tag in [a \"s:{partner}\"]", 1, 32, "cannot stand in a list", ""},
    {"language 1 deny d if (own", 1, 26, "`)`, found the end", "still open"},
    {"language 1 deny d if own)", 1, 25, "closes nothing", ""},
    {"language 1 deny d if own and", 1, 29, "a condition, found the end", ""},
    {"language 1 deny d if own and and own", 1, 30, "a condition, found `and`", ""},
    {"language 1 deny d if own adn tlp == red", 1, 26, "found `adn`", "did you mean `and`?"},
    {"language 1 deny d if own not own", 1, 26, "found `not`", ""},
    {"language 1 release r if own", 1, 28, "`to` and the partners", "to all"},
    {"language 1 release r if own to us-cis", 1, 32, "and no set", "did you mean `us-cisa`?"},
    {"language 1 release r if own to [jp kr]", 1, 36, "`kr` is no partner", ""},
    {"language 1 release r if own to all to jp", 1, 36, "`to` stands here twice", ""},
    {"language 1 deny d if own after 5m", 1, 32, "only a release waits", "age < 10m"},
    {"language 1 release r if own to all after 0s", 1, 42, "no duration of 1s", "10m"},
    {"language 1 release r if own to all after 1m after 2m", 1, 51, "stands here twice", ""},
    {"language 1 release r if own to all until approved", 1, 42, "only a hold", ""},
    {"language 1 deny d if own with expire 1d", 1, 26, "only a release has duties", ""},
    {"language 1 release r if own to all with", 1, 40, "a duty, found the end", ""},
    {"language 1 release r if own to all with redct x", 1, 41, "a duty", "did you mean `redact`?"},
    {"language 1 release r if own to all with redact id", 1, 48, "no selector", "granular"},
    {"language 1 release r if own to all with redact \"a..b\"", 1, 48, "no selector", ""},
    {"language 1 release r if own to all with redact \"a.[x]\"", 1, 48, "no selector", ""},
    {"language 1 release r if own to all with expire 0d", 1, 48, "no duration", ""},
    {"language 1 release r if own to all with expire 1d, expire 2d", 1, 52, "`expire` stands here twice", ""},
    {"language 1 release r if own to all with reshare often", 1, 49, "`never`, `own-country`, `community`",
     ""},
    {"language 1 release r if own to all with reshare partners kr", 1, 58, "expected `[`", ""},
    {"language 1 release r if own to all with reshare partners [kr \"K R\"]", 1, 62, "no name of a node", ""},
    {"language 1 release r if own to all with expire 1d with expire 2d", 1, 51, "`with` stands here twice",
     ""},
    {"language 1 release r if own to all deadline 1d", 1, 36, "only a hold waits", ""},
    {"language 1 hold h if own deadline 1d", 1, 26, "needs a default", "default deny"},
    {"language 1 hold h if own remind 1d", 1, 26, "`remind` needs a deadline", ""},
    {"language 1 hold h if own default deny", 1, 26, "`default` needs a deadline", ""},
    {"language 1 hold h if own deadline 1d remind 1d default deny", 1, 48, "after the deadline", ""},
    {"language 1 hold h if own deadline 1d default dney", 1, 46, "what happens", "did you mean `deny`?"},
    {"language 1 hold h if own until approved by 3", 1, 44, "how many operators", ""},
    {"language 1 budget b to all 0 objects per 1d", 1, 28, "no number from 1", ""},
    {"language 1 budget b to all 5 TB per 1d", 1, 30, "`objects`, `KB`, `MB` or `GB`", "KB"},
    {"language 1 budget b to all 5 objects per day", 1, 42, "no duration", ""},
    {"language 1 budget b to kr 5 objects per 1d", 1, 24, "no partner", ""},
    {"language 1 budget b to jp 5 objects per 1d budget b to jp 5 objects per 1d", 1, 51, "exists already",
     ""},
    {"language 1 activation by 3", 1, 26, "how many operators", ""},
    {"language 1 activation by 2 activation by 2", 1, 28, "stands here twice", ""},
    {"language 1 deny d if own until 2026-13-01", 1, 32, "no time", "2026-12-31"},
    {"language 1 deny d if own until 2026-12-31T24:00:00Z", 1, 32, "no time", ""},
    {"language 1 deny d if own until 2026-12-31 until 2027-01-01", 1, 49, "a second time", ""},
    {"language 1\ndeny d if owner == \"한국\" and x", 2, 29, "`x`", ""},
    {"language 1\ndeny d if tag \"abc\n\"", 2, 15, "never ends", ""},
    {"language 1\n\tdeny d if tag 'a'", 2, 16, "means nothing here", "quotes"},
    {"\xef\xbb\xbflanguage 1\n", 1, 1, "byte order mark", "UTF-8 without"},
    {"language 1\nrelease \xea\xb3\xb5\xea\xb0\x9c if tag a to all\n", 2, 9, "means nothing here",
     "names of rules"},
    {"language 1 deny d if tag \"\"", 1, 26, "1 to 250 bytes", ""},
    {"language 1\nde\x01ny", 2, 3, "control character 0x01", ""},
    {"language 1 # caf\xe9", 1, 17, "not UTF-8", ""},
    {"language 1 # \xc3\xa9\xa9 x", 1, 15, "not UTF-8", ""}, /* a stray byte behind a good character */
    {"language 1 # \xf0\x9f\x94", 1, 14, "not UTF-8", ""},
};

static void bad_texts_say_where_and_what_was_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        struct policy *policy = (struct policy *)&bad_rows;
        struct policy_fault fault;
        err_t err = policy_compile(str_of(bad_rows[i].text), test_partners, PARTNERS, &policy, &fault);
        if (err == ERR_OK)
            fail_msg("accepted: %s", bad_rows[i].text);
        assert_int_equal(err, fault.code);
        assert_ptr_equal(policy, &bad_rows); /* nothing was written */
        bool meant =
            bad_rows[i].suggestion[0] == '\0' || strstr(fault.suggestion, bad_rows[i].suggestion) != NULL;
        if (fault.line != bad_rows[i].line || fault.column != bad_rows[i].column ||
            strstr(fault.what, bad_rows[i].what) == NULL || !meant)
            fail_msg("%s\n%u:%u: %s (%s)\nexpected %u:%u: ...%s... (...%s...)", bad_rows[i].text, fault.line,
                     fault.column, fault.what, fault.suggestion, bad_rows[i].line, bad_rows[i].column,
                     bad_rows[i].what, bad_rows[i].suggestion);
        assert_int_equal(policy_compile(str_of(bad_rows[i].text), test_partners, PARTNERS, &policy, NULL),
                         err);
    }
}

static void partners_of_the_node_are_checked(void **state)
{
    (void)state;
    static const struct policy_attribute pink = {{"tlp-max", 7}, {"pink", 4}};
    const struct {
        struct policy_partner partners[2];
        err_t err;
    } rows[] = {
        {{{{"a", 1}, 0, NULL, 0}, {{"b", 1}, 0, NULL, 0}}, ERR_EXISTS},
        {{{{"a", 1}, 0, NULL, 0}, {{"a", 1}, 1, NULL, 0}}, ERR_EXISTS},
        {{{{"a", 1}, 64, NULL, 0}, {{"b", 1}, 1, NULL, 0}}, ERR_INVALID},
        {{{{"", 0}, 1, NULL, 0}, {{"b", 1}, 2, NULL, 0}}, ERR_INVALID},
        {{{{"a", 1}, 1, &pink, 1}, {{"b", 1}, 2, NULL, 0}}, ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy *policy = NULL;
        struct policy_fault fault;
        assert_int_equal(policy_compile(STR("language 1"), rows[i].partners, 2, &policy, &fault),
                         rows[i].err);
        assert_int_equal(fault.line, 0);
        assert_true(fault.what[0] != '\0');
    }
}

/* --- limits --- */

static char *big;
enum { BIG_SIZE = 2 << 20 };

static int make_big(void **state)
{
    (void)state;
    big = malloc(BIG_SIZE);
    return big == NULL;
}

static int drop_big(void **state)
{
    (void)state;
    free(big);
    return 0;
}

/* "language 1 HEAD" then `unit` `count` times (with a number when it has %u), then the tail. */
static err_t compile_repeated(const char *head, const char *unit, unsigned count, const char *tail)
{
    struct policy *policy = NULL;
    size_t used = (size_t)snprintf(big, BIG_SIZE, "language 1 %s", head);
    for (unsigned i = 0; i < count && used < BIG_SIZE; i++) {
        used += (size_t)snprintf(big + used, BIG_SIZE - used, "%s", unit);
        if (unit[strlen(unit) - 1] == '~')
            used += (size_t)snprintf(big + used - 1, BIG_SIZE - used + 1, "%u ", i) - 1;
    }
    used += (size_t)snprintf(big + used, BIG_SIZE - used, "%s", tail);
    assert_true(used < BIG_SIZE);
    err_t err = policy_compile(str_of(big), test_partners, PARTNERS, &policy, NULL);
    policy_unref(policy);
    return err;
}

static void every_limit_holds_at_its_edge(void **state)
{
    (void)state;
    static const struct {
        const char *head, *unit;
        unsigned most;
        const char *tail;
    } rows[] = {
        {"deny d if ", "not ", 64, "own"},
        {"deny d if own ", "and own ", LIMIT_POLICY_CONDITIONS - 1, ""},
        {"deny d if tag in [", "t~", LIMIT_POLICY_STRINGS - 1, "]"},
        {"partner jp { a [", "t~", LIMIT_POLICY_NAMES - 7,
         "] } deny d if partner.a == t0"}, /* the node gives seven */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        err_t most = compile_repeated(rows[i].head, rows[i].unit, rows[i].most, rows[i].tail);
        err_t more = compile_repeated(rows[i].head, rows[i].unit, rows[i].most + 1, rows[i].tail);
        if (most != ERR_OK || more != ERR_LIMIT)
            fail_msg("%s%s: %s, %s", rows[i].head, rows[i].unit, err_name(most), err_name(more));
    }
    assert_int_equal(compile_repeated("deny d if ", "(", 100000, "own"), ERR_LIMIT);
    assert_int_equal(compile_repeated("deny d if ", "not (", 100000, "own"), ERR_LIMIT);
    assert_int_equal(compile_repeated("", "source s~", LIMIT_POLICY_NAMES, ""), ERR_OK);
    assert_int_equal(compile_repeated("", "source s~", LIMIT_POLICY_NAMES + 1, ""), ERR_LIMIT);
    assert_int_equal(compile_repeated("", "#", LIMIT_POLICY_BYTES - 11, ""), ERR_OK);
    assert_int_equal(compile_repeated("", "#", LIMIT_POLICY_BYTES - 10, ""), ERR_LIMIT);
}

static void rules_are_limited(void **state)
{
    (void)state;
    for (unsigned extra = 0; extra < 2; extra++) {
        struct policy *policy = NULL;
        size_t used = (size_t)snprintf(big, BIG_SIZE, "language 1\n");
        for (unsigned i = 0; i < LIMIT_POLICY_RULES + extra; i++)
            used += (size_t)snprintf(big + used, BIG_SIZE - used, "hold r%u if own\n", i);
        err_t err = policy_compile(str_of(big), test_partners, PARTNERS, &policy, NULL);
        assert_int_equal(err, extra == 0 ? ERR_OK : ERR_LIMIT);
        policy_unref(policy);
    }
}

/* --- truncation --- */

static void every_prefix_is_survived(void **state)
{
    (void)state;
    static const char text[] =
        "language 1 # 정책\n"
        "partner us-cisa { country US; organisations [USA.DHS.CISA, USA.DOD] tlp-max amber }\n"
        "source misp { trust high }\n"
        "set iocs = [indicator url \"x custom\"]\n"
        "deny red if has tlp and tlp == red or (marking in [unknown unresolved] and not own)\n"
        "hold slow if type in iocs and source.trust != high to [jp eu-cert] until approved until 2027-01-01\n"
        "release ok if own and tlp <= partner.tlp-max and tag \"share:{partner}\" and age > 1m to all after "
        "1m";
    unsigned good = 0;
    for (size_t len = 0; len <= sizeof text - 1; len++) {
        struct policy *policy = NULL;
        struct policy_fault fault;
        char *copy = malloc(len + 1); /* so that a sanitizer sees a read beyond the end */
        memcpy(copy, text, len);
        err_t err = policy_compile((struct str) {copy, len}, test_partners, PARTNERS, &policy, &fault);
        free(copy);
        assert_true((err == ERR_OK) == (policy != NULL));
        assert_true(err == ERR_OK || (fault.line >= 1 && fault.column >= 1 && fault.what[0] != '\0'));
        good += err == ERR_OK;
        policy_unref(policy);
    }
    struct policy *whole = test_compile(text);
    struct hash digest = hash_sha256((struct bytes) {(const uint8_t *)text, sizeof text - 1});
    struct hash got = policy_digest(whole);
    assert_true(hash_eq(&got, &digest));
    policy_unref(policy_ref(whole));
    assert_int_equal(policy_text(whole).len, sizeof text - 1);
    policy_unref(whole);
    assert_in_range(good, 20, 200); /* ends of statements, and their comments and blanks */
}

/* A node starts with the policy that it once took, whatever a later version refuses to take. */
static void what_was_taken_once_is_read(void **state)
{
    (void)state;
    static const char *const slips[] = {
        "language 1 partner jp { tlpmax green }",
        "language 1 partner jp { country USA }",
        "language 1 partner jp { purposes [NETDEFF] }",
        "language 1 deny d if victim.sector == enrgy",
    };
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        struct policy *policy = NULL;
        struct policy_fault fault;
        assert_int_not_equal(policy_compile(str_of(slips[i]), test_partners, PARTNERS, &policy, &fault),
                             ERR_OK);
        assert_int_equal(policy_compile_held(str_of(slips[i]), test_partners, PARTNERS, &policy, &fault),
                         ERR_OK);
        policy_unref(policy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_texts_say_where_and_what_was_meant),
        cmocka_unit_test(partners_of_the_node_are_checked),
        cmocka_unit_test(every_limit_holds_at_its_edge),
        cmocka_unit_test(rules_are_limited),
        cmocka_unit_test(every_prefix_is_survived),
        cmocka_unit_test(what_was_taken_once_is_read),
    };
    return cmocka_run_group_tests_name("policy refuse", tests, make_big, drop_big);
}
