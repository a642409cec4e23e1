/* Identifiers in the midst of texts, as editors, mailers and web pages dress them. */
#include "stix_test.h"

#include <stdio.h>

#include "core/mem.h"
#include "stix/cut.h"
#include "stix/named.h"
#include "stix/plain.h"

#define UUID    "5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9"
#define TOOL    "tool--" UUID
#define A       "5b0d3c6e"
#define B       "1f7a"
#define C       "4c52"
#define D       "9e21"
#define E       "84b3d7602af9"
/* Follows from a value. */
#define DERIVED "5b0d3c6e-1f7a-5c52-9e21-84b3d7602af9"

#define EN_DASH  "\xe2\x80\x93"
#define EM_DASH  "\xe2\x80\x94"
#define FIGURE   "\xe2\x80\x92"
#define NO_BREAK "\xe2\x80\x91"
#define MINUS    "\xe2\x88\x92"
#define SHY      "\xc2\xad"
#define ZERO     "\xe2\x80\x8b"
#define NON_JOIN "\xe2\x80\x8c"
#define JOIN     "\xe2\x80\x8d"
#define WORD     "\xe2\x81\xa0"
#define BOM      "\xef\xbb\xbf"

struct names {
    struct stix_key keys[8];
    size_t count;
};

static void take(void *ctx, const struct stix_key *key, struct str id)
{
    struct names *names = ctx;
    struct stix_key of_id;
    assert_true(stix_id_parse(id, &of_id)); /* plain, and the same */
    assert_true(stix_key_eq(&of_id, key));
    assert_true(names->count < 8);
    names->keys[names->count++] = *key;
}

/* In memory of just its size: a look beyond it is seen. */
static struct names names_of(struct str text)
{
    struct names names = {.count = 0};
    char *copy = mem_alloc(text.len + 1);
    assert_non_null(copy);
    memcpy(copy, text.at, text.len);
    assert_int_equal(stix_cut_names((struct str) {copy, text.len}, take, &names), ERR_OK);
    mem_free(copy);
    return names;
}

static bool names_it(struct str text, const char *id)
{
    struct names names = names_of(text);
    struct stix_key key;
    assert_true(stix_id_parse(str_of(id), &key));
    for (size_t i = 0; i < names.count; i++)
        if (stix_key_eq(&names.keys[i], &key))
            return true;
    return false;
}

static const struct {
    const char *text, *id;
} dressed[] = {
    {TOOL, TOOL},
    {"TOOL--5B0D3C6E-1F7A-4C52-9E21-84B3D7602AF9", TOOL},
    {"tool" EN_DASH UUID, TOOL},
    {"tool" EM_DASH UUID, TOOL},
    {"tool" EN_DASH EN_DASH UUID, TOOL},
    {"tool" MINUS MINUS A MINUS B MINUS C MINUS D MINUS E, TOOL},
    {"tool" NO_BREAK NO_BREAK A NO_BREAK B NO_BREAK C NO_BREAK D NO_BREAK E, TOOL},
    {"tool" FIGURE UUID, TOOL},
    {"tool--" A EN_DASH B EN_DASH C "-" D EM_DASH E, TOOL},
    {"threat" NO_BREAK "actor" EM_DASH UUID, "threat-actor--" UUID},
    {"my-own" NO_BREAK NO_BREAK UUID, "my-own--" UUID},
    {"x-own-thing" EM_DASH UUID, "x-own-thing--" UUID},
    {"x-own-thing: " UUID, "x-own-thing--" UUID},
    /* escapes */
    {"https://kb.example/?id=tool%2D%2D" UUID, TOOL},
    {"tool%2d%2d" A "%2d" B "%2d" C "%2d" D "%2d" E, TOOL},
    {"tool%252D%252D" UUID, TOOL},
    {"tool%25252D%25252D" UUID, TOOL},
    {"tool%E2%80%93" UUID, TOOL},
    {"%74ool--%35b0d3c6e-1f7a-4c52-9e21-84b3d7602af9", TOOL},
    {"tool&#45;&#45;" UUID, TOOL},
    {"tool&#x2d;&#X2D;" UUID, TOOL},
    {"tool&ndash;" UUID, TOOL},
    {"tool&hyphen;&dash;" A "&minus;" B "&mdash;" C "-" D "-" E, TOOL},
    {"tool&amp;#45;&amp;#45;" UUID, TOOL},
    {"tool%26ndash%3B" UUID, TOOL},
    {"to&shy;ol--" UUID, TOOL},
    {"to&ZeroWidthSpace;ol--5b0d&zwnj;3c6e-" B "-" C "-" D "-" E, TOOL},
    {"tool\\u002d\\u002d" UUID, TOOL},
    {"tool\\u2013" UUID, TOOL},
    {"tool\\\\u002D\\\\u002D" A "\\u002d" B "\\u002d" C "\\u002d" D "\\u002d" E, TOOL},
    {"tool\\x2d\\x2D" UUID, TOOL},
    {"tool\\xe2\\x80\\x93" UUID, TOOL},
    /* what is not seen */
    {"to" SHY "ol--5b0d" SHY "3c6e-" B "-" C "-" D "-84b3d7" SHY "602af9", TOOL},
    {"tool-" SHY "-" UUID, TOOL},
    {"tool" SHY SHY A SHY B SHY C SHY D SHY E, TOOL},
    {"t" ZERO "o" NON_JOIN "o" JOIN "l" WORD "-" BOM "-" ZERO "5b0d" ZERO "3c6e-" B "-" C "-" D "-" E, TOOL},
    /* blanks and broken lines */
    {"tool --" UUID, TOOL},
    {"tool-- " UUID, TOOL},
    {"tool--\n" UUID, TOOL},
    {"tool--\r\n\t" UUID, TOOL},
    {"tool\r\n--" UUID, TOOL},
    {"tool-\n-" UUID, TOOL},
    {"tool--" A "-\n" B "-" C "-\r\n" D "-" E, TOOL},
    {"tool--" A "-" B " -" C "-" D "-" E, TOOL},
    {"tool " UUID, TOOL},
    {"tool\n" UUID, TOOL},
    {"tool\xc2\xa0" UUID, TOOL},
    {"tool--5b0d\r\n    3c6e-" B "-" C "-" D "-84b3d7\n602af9", TOOL},
    {"see tool--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af\n9", TOOL},
    /* mailers, editors, web pages, defangers */
    {"tool=2D=2D" A "=2D" B "=2d" C "=2D" D "=2D" E, TOOL},
    {"tool--5b0d=\r\n3c6e-" B "-" C "-" D "-84b3d7602a=\nf9", TOOL},
    {"tool\\-\\-" A "\\-" B "\\-" C "\\-" D "\\-" E, TOOL},
    {"threat\\_actor\\_" UUID, "threat-actor--" UUID},
    {"**tool**--**" UUID "**", TOOL},
    {"`tool`--`" UUID "`", TOOL},
    {"tool--{" UUID "}", TOOL},
    {"to<wbr>ol--<b>5b0d</b>3c6e<br/>-" B "-" C "-" D "-" E, TOOL},
    {"tool--" A "[-]" B "[-]" C "(-)" D "{-}" E, TOOL},
    {"tool[-][-]" UUID, TOOL},
    {"tool--5b0d3c6e1f7a4c529e2184b3d7602af9", TOOL},
    {"tool__" UUID, TOOL},
    {"tool~~" A "~" B "~" C "~" D "~" E, TOOL},
    {"tool\xe2\x80\xa2\xe2\x80\xa2" A "\xe2\x80\xa2" B "\xc2\xb7" C "-" D "-" E, TOOL},
    {"tool\xd6\x8a" UUID, TOOL},
    {"tool\xe2\x81\xbb\xe2\x82\x8b" UUID, TOOL},
    {"to\xf3\xa0\x80\xa0ol--5b\xf3\xa0\x81\xbf"
     "0d3c6e-" B "-" C "-" D "-" E,
     TOOL},
    {"to\x01ol--5b\x02"
     "0d3c6e-" B "-" C "-" D "-" E,
     TOOL},
    /* other marks */
    {"tool/" UUID, TOOL},
    {"tool:" UUID, TOOL},
    {"Tool: " UUID, TOOL},
    {"tool_" UUID, TOOL},
    {"threat_actor_" UUID, "threat-actor--" UUID},
    {"https://x.example/course-of-action/" UUID "/edit", "course-of-action--" UUID},
    {"tool%3A" UUID, TOOL},
    {"tool&colon;" UUID, TOOL},
    {"tool\xef\xbc\x9a" UUID, TOOL}, /* a colon in full width */
    /* full width */
    {"\xef\xbd\x94\xef\xbd\x8f\xef\xbd\x8f\xef\xbd\x8c\xef\xbc\x8d\xef\xbc\x8d" UUID, TOOL},
    {"tool--\xef\xbc\x95\xef\xbd\x82\xef\xbc\x90"
     "d3c6e-" B "-" C "-" D "-84b3d7602a\xef\xbd\x86\xef\xbc\x99",
     TOOL},
    {"TOOL\xef\xbc\xbf" UUID, TOOL},
    /* disguised on purpose: base64, letters drawn alike, letters set apart */
    {"dG9vbC0tNWIwZDNjNmUtMWY3YS00YzUyLTllMjEtODRiM2Q3NjAyYWY5", TOOL},
    {"VE9PTC0tNUIwRDNDNkUtMUY3QS00QzUyLTlFMjEtODRCM0Q3NjAyQUY5", TOOL},
    {"c2VlIHRvb2wtLTViMGQzYzZlLTFmN2EtNGM1Mi05ZTIxLTg0YjNkNzYwMmFmOSBvZiB0aGUgdmljdGlt", TOOL},
    {"id=dGhyZWF0LWFjdG9yLS01YjBkM2M2ZS0xZjdhLTRjNTItOWUyMS04NGIzZDc2MDJhZjk=", "threat-actor--" UUID},
    {"https://x.example/aW5kaWNhdG9yLS01YjBkM2M2ZS0xZjdhLTRjNTItOWUyMS04NGIzZDc2MDJhZjk_",
     "indicator--" UUID},
    {"aW5kaWNhdG9yLS01YjBkM2M2ZS0xZjdhLTRjNTItOWUyMS04NGIzZDc2MDJhZjk", "indicator--" UUID},
    {"t\xd0\xbe\xd0\xbel--5\xd0\xac"
     "0\xd4\x81"
     "3\xd1\x81"
     "6\xd0\xb5-1f7\xd0\xb0-4\xd1\x81"
     "52-9\xd0\xb5"
     "21-84\xd0\xac"
     "3\xd4\x81"
     "7602\xd0\xb0"
     "f9",
     TOOL},
    {"tool--5\xd0\xac"
     "0\xd4\x81"
     "3\xd1\x81"
     "6\xd0\xb5-1f7\xd0\xb0-4\xd1\x81"
     "52-9\xd0\xb5"
     "21-84\xd0\xac"
     "3\xd4\x81"
     "7602\xd0\xb0"
     "f9",
     TOOL},
    {"\xd1\x96n\xd4\x81\xd1\x96\xd1\x81\xd0\xb0t\xd0\xber--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9",
     "indicator--" UUID},
    {"\xcf\x84\xce\xbf\xce\xbfl--5b0d3c6e-1f7\xce\xb1-4c52-9e21-84b3d7602\xce\xb1"
     "f9",
     TOOL},
    {"t o o l - - 5 b 0 d 3 c 6 e - 1 f 7 a - 4 c 5 2 - 9 e 2 1 - 8 4 b 3 d 7 6 0 2 a f 9", TOOL},
    {"tool--5 b 0 d 3 c 6 e - 1 f 7 a - 4 c 5 2 - 9 e 2 1 - 8 4 b 3 d 7 6 0 2 a f 9", TOOL},
    {"t o o l - - 5 b 0 d 3 c 6 e-1 f 7 a-4 c 5 2-9 e 2 1-8 4 b 3 d 7 6 0 2 a f 9", TOOL},
    {"T O O L - - 5 B 0 D 3 C 6 E - 1 F 7 A - 4 C 5 2 - 9 E 2 1 - 8 4 B 3 D 7 6 0 2 A F 9", TOOL},
    {"t\xc2\xa0o\xc2\xa0o\xc2\xa0l\xc2\xa0-\xc2\xa0-\xc2\xa0"
     "5\xc2\xa0"
     "b\xc2\xa0"
     "0\xc2\xa0"
     "d\xc2\xa0"
     "3\xc2\xa0"
     "c\xc2\xa0"
     "6\xc2\xa0"
     "e\xc2\xa0-\xc2\xa0"
     "1\xc2\xa0"
     "f\xc2\xa0"
     "7\xc2\xa0"
     "a\xc2\xa0-\xc2\xa0"
     "4\xc2\xa0"
     "c\xc2\xa0"
     "5\xc2\xa0"
     "2\xc2\xa0-\xc2\xa0"
     "9\xc2\xa0"
     "e\xc2\xa0"
     "2\xc2\xa0"
     "1\xc2\xa0-\xc2\xa0"
     "8\xc2\xa0"
     "4\xc2\xa0"
     "b\xc2\xa0"
     "3\xc2\xa0"
     "d\xc2\xa0"
     "7\xc2\xa0"
     "6\xc2\xa0"
     "0\xc2\xa0"
     "2\xc2\xa0"
     "a\xc2\xa0"
     "f\xc2\xa0"
     "9",
     TOOL},
    /* slugs, names of files: other marks for the dashes, and none */
    {"tool__" A "_" B "_" C "_" D "_" E, TOOL},
    {"tool_" A "_" B "_" C "_" D "_" E, TOOL},
    {"tool--" A "." B "." C "." D "." E, TOOL},
    {"tool " A " " B " " C " " D " " E, TOOL},
    {"tool__5b0d3c6e1f7a4c529e2184b3d7602af9", TOOL},
    /* escapes that lost their end, and those of other programs */
    {"tool&#45&#45" A "&#45" B "&#45" C "&#45" D "&#45" E, TOOL},
    {"tool&#x2d&#X2D" A "&#x2d" B "-" C "-" D "-" E, TOOL},
    {"tool&#0000000000045;&#8209" A "&#8211" B "-" C "-" D "-" E, TOOL},
    {"to&shyol&nbsp" UUID, TOOL},
    {"tool%u002D%u002d" A "%u2011" B "-" C "-" D "-" E, TOOL},
    {"tool\\u{2d}\\u{002D}" A "\\x{2d}" B "-" C "-" D "-" E, TOOL},
    {"tool\\U0000002d\\U0000002D" A "\\055" B "-" C "-" D "-" E, TOOL},
    {"tool+AC0ALQ-" A "+AC0-" B "+AC0-" C "+AC0-" D "+AC0-" E, TOOL},
    {"tool\\textendash " UUID, TOOL},
    {"tool\\textemdash{}" A "$-$" B "-" C "-" D "-" E, TOOL},
    {"tool=E2=80=94" A "=E2=80=91" B "-" C "-" D "-" E, TOOL},
    {"to=C2=ADol=5F" UUID, TOOL},
    /* blanks of every kind within the words, lines of an answer */
    {"tool--5b0d\xc2\xa0"
     "3c6e-" B "-" C "-" D "-84b3d7\xe2\x80\x83"
     "602af9",
     TOOL},
    {"tool--5b0d 3c6e-" B "-" C "-" D "-84b3d7 602af9", TOOL},
    {"to\xc2\xa0ol--" UUID, TOOL},
    {"attack\xe2\x80\x89-pat\xc2\xa0tern--" UUID, "attack-pattern--" UUID},
    {"tool\xe2\x80\xa8" UUID, TOOL},
    {"tool\xe2\xa0\x80" UUID, TOOL},
    {"tool--\n> " A "-\r\n>> " B "-" C "-" D "-84b3d7\n> 602af9", TOOL},
    {"tool\xcb\x97\xcb\x97" A "\xe2\x9e\x96" B "\xe2\xb9\x80" C "-" D "-" E, TOOL},
    {"to\xf3\xa0\x84\x80ol\xe1\xa0\x8b--" UUID, TOOL},
    /* types in words, and what is set around */
    {"threat actor--" UUID, "threat-actor--" UUID},
    {"Threat Actor: " UUID, "threat-actor--" UUID},
    {"the Course of Action " UUID, "course-of-action--" UUID},
    {"see X ACME SENSOR: " UUID " (2)", "x-acme-sensor--" UUID},
    {"https://x.example/X ACME_Sensor: " UUID ".json?1", "x-acme-sensor--" UUID},
    {"(x acme " UUID ")", "x-acme--" UUID},
    {"1- X-\xe2\x80\x83"
     "ACME- SENSOR--" UUID,
     "x-acme-sensor--" UUID},
    {"`tool`: `" UUID "`", TOOL},
    {"**Tool:** **" UUID "**", TOOL},
    {"\"tool\": \"" UUID "\"", TOOL},
    {"_tool_--_" UUID "_", TOOL},
    {"tool--\xe2\x80\x9c" UUID "\xe2\x80\x9d", TOOL},
    {"tool--'" UUID "'", TOOL},
    {"tool--<" UUID ">", TOOL},
    /* a type of one's own behind the dash of a list, and where a word touches it */
    {"-x-acme-sensor--" UUID, "x-acme-sensor--" UUID},
    {"--x-acme-sensor--" UUID, "x-acme-sensor--" UUID},
    {"-acme-sensor--" UUID, "acme-sensor--" UUID},
    {"-X_ACME_SENSOR: " UUID, "x-acme-sensor--" UUID},
    {"see-x-acme-sensor--" UUID, "x-acme-sensor--" UUID},
    {"see-x-acme-sensor--" UUID, "see-x-acme-sensor--" UUID},
    /* other marks, and what says that one follows */
    {"tool--" A ":" B ":" C ":" D ":" E, TOOL},
    {"tool: " A ":" B ":" C ":" D ":" E, TOOL},
    {"tool--urn:uuid:" UUID, TOOL},
    {"tool: URN:UUID:" UUID, TOOL},
    {"tool--0x5b0d3c6e1f7a4c529e2184b3d7602af9", TOOL},
    {"tool--0X" UUID, TOOL},
    {"tool==" UUID, TOOL},
    {"tool::" UUID, TOOL},
    {"threat_actor::" UUID, "threat-actor--" UUID},
    {"tool \"" UUID "\"", TOOL},
    {"the tool `" UUID "`", TOOL},
    {"tool id " UUID, TOOL},
    {"tool ID: " UUID, TOOL},
    {"tool_id: " UUID, TOOL},
    {"Threat Actor UUID " UUID, "threat-actor--" UUID},
    {"\"threat_actor_id\": \"" UUID "\"", "threat-actor--" UUID},
    {"x_acme_sensor_id: " UUID, "x-acme-sensor--" UUID},
    {"X ACME SENSOR (" UUID ")", "x-acme-sensor--" UUID},
    {"x-acme-sensor (" UUID ")", "x-acme-sensor--" UUID},
    {"X ACME SENSOR = " UUID, "x-acme-sensor--" UUID},
    {"X ACME SENSOR #" UUID, "x-acme-sensor--" UUID},
    {"X ACME SENSOR \"" UUID "\"", "x-acme-sensor--" UUID},
    {"X ACME SENSOR id " UUID, "x-acme-sensor--" UUID},
    {"X.ACME.SENSOR: " UUID, "x-acme-sensor--" UUID},
    {"x.acme.sensor--" UUID, "x-acme-sensor--" UUID},
    /* lines of programs that go on */
    {"tool--" A "-" B "-\\\n" C "-" D "-84b3d7\\\r\n602af9", TOOL},
    {"tool--" A "-" B "\n// -" C "-" D "-84b3d7\n * 602af9", TOOL},
    {"tool--\n// " UUID, TOOL},
    {"tool:\r\n    * " UUID, TOOL},
    {"tool--5b0d\n# 3c6e-" B "-" C "-" D "\n  | -" E, TOOL},
    {"to<span class=\"hit\">ol</span>--" A "<!-- x -->-" B "-" C "-" D "-" E, TOOL},
    {"<a title=\"tool--" UUID "\">", TOOL}, /* nothing is hidden by what is taken for markup */
    /* bold, circles, squares, digits of other scripts, marks upon letters */
    {"\xf0\x9d\x98\x81\xf0\x9d\x97\xbc\xf0\x9d\x97\xbc\xf0\x9d\x97\xb9--\xf0\x9d\x9f\xb1"
     "b0d3c6e-" B "-" C "-" D "-" E,
     TOOL},
    {"\xe2\x93\xa3\xe2\x93\x9e\xe2\x93\x9e\xe2\x93\x9b--\xe2\x91\xa4"
     "b\xe2\x93\xaa"
     "d3c6e-" B "-" C "-" D "-" E,
     TOOL},
    {"\xf0\x9f\x87\xb9\xf0\x9f\x85\xbe\xf0\x9f\x85\xbe\xf0\x9f\x85\xbb--" UUID, TOOL},
    {"tool--\xd9\xa5"
     "b\xd9\xa0"
     "d\xdb\xb3"
     "c\xe2\x81\xb6"
     "e-" B "-" C "-" D "-" E,
     TOOL},
    {"tool--߅b߀d꘣c߆e-" B "-" C "-" D "-" E, TOOL},
    {"tool--៥b᠐d꩓c꧖e-" B "-" C "-" D "-" E, TOOL},
    {"t\xcc\xb6o\xcc\xb6o\xcc\xb6l\xcc\xb6-\xcc\xb6-\xcc\xb6"
     "5\xcc\xb6"
     "b\xcc\xb6"
     "0d3c6e-" B "-" C "-" D "-" E,
     TOOL},
    /* observables: what follows from a value, and what somebody set */
    {"file/" DERIVED, "file--" DERIVED},
    {"url: " DERIVED, "url--" DERIVED},
    {"file" EN_DASH UUID, "file--" UUID},
    {"mutex" NO_BREAK NO_BREAK UUID, "mutex--" UUID},
};

static void dresses_are_seen_through(void **state)
{
    static const char *const around[][2] = {
        {"", ""},
        {"see ", " for it"},
        {"(", ")."},
        {"\xec\xa7\x80\xed\x91\x9c ", "\xec\x9d\x84 \xeb\xb3\xb4\xec\x8b\xad\xec\x8b\x9c\xec\x98\xa4"},
        {"a caf\xc3\xa9 \xe2\x80\x93 100% & more: ", "\n-- \nregards"},
    };
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof dressed / sizeof *dressed; i++)
        for (size_t k = 0; k < sizeof around / sizeof *around; k++) {
            (void)snprintf(text, sizeof text, "%s%s%s", around[k][0], dressed[i].text, around[k][1]);
            if (!names_it(str_of(text), dressed[i].id))
                print_message("# not seen: %s\n", text);
            assert_true(names_it(str_of(text), dressed[i].id));
        }
}

static size_t put_code(uint32_t code, char out[4])
{
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)((size == 2 ? 0xc0 : size == 3 ? 0xe0 : 0xf0) | code);
    return size;
}

/* Each one alone in its text: nothing else there makes it be read. */
static void every_digit_is_read(void **state)
{
    static const struct {
        uint32_t first, last;
        char is;
        uint32_t cycle;
    } rows[] = {
#define DIGITS(first, last, is, cycle, when) {first, last, is, cycle},
#include "stix/digit.inc"
#undef DIGITS
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (uint32_t code = rows[i].first; code <= rows[i].last; code++) {
            struct stix_plain plain;
            char text[4] = "";
            size_t size = put_code(code, text);
            assert_int_equal(stix_plain_open((struct str) {text, size}, STIX_PLAIN_NAMES, &plain), ERR_OK);
            if (plain.text.len != 1 ||
                plain.text.at[0] != (char)(rows[i].is + (char)((code - rows[i].first) % rows[i].cycle)))
                print_message("# not read: U+%04X\n", (unsigned)code);
            assert_int_equal(plain.text.len, 1);
            assert_int_equal(plain.text.at[0], rows[i].is + (char)((code - rows[i].first) % rows[i].cycle));
            stix_plain_close(&plain);
        }
}

static const char *const no_names[] = {
    UUID,
    "{" UUID "}",
    "CLSID " UUID,
    "HKCR\\CLSID\\{" UUID "}",
    "reports/" UUID,
    "https://x.example/indicators/" UUID,
    "retool/" UUID,
    "somebody" EM_DASH UUID,
    "own:" UUID,
    "5tool:" UUID,
    "report-" UUID ".pdf",
    "tool - " UUID,
    "tool, " UUID,
    "tool (" UUID ")",
    "tool//" UUID,
    "tool     " UUID,
    "tool" UUID,
    /* of an observable's word and what a machine drew: paths, logs, names of mutexes */
    "C:\\file/" UUID,
    "mutex " UUID,
    "process: " UUID,
    "user_account_" UUID,
    /* parameters of URLs, columns */
    "https://x.example/?campaign=" UUID "&report=" UUID,
    "https://x.example/report#" UUID,
    "report | " UUID,
    "my actor " UUID,
    "tool = " UUID,
    "tool=" UUID,
    "tool #" UUID,
    "tool_id=" UUID,
    "tool --id " UUID,
    "my valid " UUID,
    "id: " UUID,
    "mutex id " UUID,
    "file::" UUID,
    "tool===" UUID,
    "tool:::" UUID,
    "https://x.example/" UUID,
    "https://x.com/" UUID,
    "x.com: " UUID,
    "www.x.acme.example: " UUID,
    "x-request-id=" UUID,
    "somebody==" UUID,
    "own--urn:uuid:" UUID,
    "tool/" A "/" B "/" C "/" D "/" E,
    "tool 20240101:1234:1678:9012:123456789012",
    "factor " UUID,
    /* no UUIDs */
    "tool 20240101 1234 1678 9012 123456789012",
    "tool_20240101_1234_4678_1012_123456789012",
    "tool 20240101.1234.4678.9012.1234567890123",
    "tool 1.2.3-4567-8901-2345",
    "indicator--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af",
    "indicator--5b0d3c6e-1f7a-4c52-9e2184b3d7602af9",
    "tool--d41d8cd98f00b204e9800998ecf8427e",
    "malware: 275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f",
    "version 20240101-1234-5678-9012-123456789012",
    "2024-01-01 - 2024-02-02, 2024-03-03 - 2024-04-04 tool 2024-05-05 2024-06-06",
    "bm90aGluZyBvZiB0aGUga2luZCBzdGFuZHMgaW4gaGVyZSwgb25seSBhIGxvbmcgc2VudGVuY2Ugb2Ygd29yZHM=",
    "dG9vbC0tNWIwZDNjNmUtMWY3YS00YzUyLTllMjEtODRiM2Q3NjAyYWY= x",
    "xdG9vbC0tNWIwZDNjNmUtMWY3YS00YzUyLTllMjEtODRiM2Q3NjAyYWY5",
    "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ",
    "0 1 2 3 4 5 6 7 8 9 a b c d e f 0 1 2 3 4 5 6 7 8 9 a b c d e f 0 1 2 3 4 5 6 7 8 9",
    "0 1 1 0 - 1 0 0 1 - 1 1 1 1 - 0 0 0 0 - 1 1 1 1 - 0 1 0 1 0 1 0 1 0 1 0 1",
    "\xd0\xbe\xd1\x82\xd1\x87\xd1\x91\xd1\x82 \xd0\xbe "
    "\xd0\xb2\xd1\x80\xd0\xb5\xd0\xb4\xd0\xbe\xd0\xbd\xd0\xbe\xd1\x81\xd0\xbd\xd0\xbe\xd0\xb9 "
    "\xd0\xbf\xd1\x80\xd0\xbe\xd0\xb3\xd1\x80\xd0\xb0\xd0\xbc\xd0\xbc\xd0\xb5, "
    "\xd0\xb2\xd0\xb5\xd1\x80\xd1\x81\xd0\xb8\xd1\x8f 4, "
    "\xd0\xb4\xd0\xb5\xd0\xba\xd0\xb0\xd0\xb1\xd1\x80\xd1\x8c \xe2\x80\x94 \xd0\xb1\xd0\xb5\xd0\xb7 "
    "\xd0\xb8\xd0\xb4\xd0\xb5\xd0\xbd\xd1\x82\xd0\xb8\xd1\x84\xd0\xb8\xd0\xba\xd0\xb0\xd1\x82\xd0\xbe\xd1"
    "\x80\xd0\xbe\xd0\xb2, \xd0\xb2\xd1\x81\xd1\x91 "
    "\xd0\xbf\xd0\xbe-\xd1\x80\xd1\x83\xd1\x81\xd1\x81\xd0\xba\xd0\xb8",
    "\xce\xb1\xce\xbd\xce\xb1\xcf\x86\xce\xbf\xcf\x81\xce\xac \xce\xb3\xce\xb9\xce\xb1 "
    "\xce\xba\xce\xb1\xce\xba\xcf\x8c\xce\xb2\xce\xbf\xcf\x85\xce\xbb\xce\xbf "
    "\xce\xbb\xce\xbf\xce\xb3\xce\xb9\xcf\x83\xce\xbc\xce\xb9\xce\xba\xcf\x8c - "
    "\xcf\x87\xcf\x89\xcf\x81\xce\xaf\xcf\x82 "
    "\xce\xb1\xce\xbd\xce\xb1\xce\xb3\xce\xbd\xcf\x89\xcf\x81\xce\xb9\xcf\x83\xcf\x84\xce\xb9\xce\xba\xce"
    "\xac",
    "a long sentence of plain English with dashes \xe2\x80\x93 and 100% of what stands in reports & "
    "mails, "
    "decade after decade, cafe after cafe, faded facade",
    "\xed\x95\x9c\xea\xb5\xad \xec\x9d\xb8\xed\x84\xb0\xeb\x84\xb7 "
    "\xec\xa7\x84\xed\x9d\xa5\xec\x9b\x90\xec"
    "\x9d\x80 2024\xeb\x85\x84 12\xec\x9b\x94 31\xec\x9d\xbc tool 198.51.100.7, 198.51.100.8, "
    "198.51.100.9",
};

static void others_are_no_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof no_names / sizeof *no_names; i++) {
        struct str text = str_of(no_names[i]);
        size_t count = names_of(text).count;
        if (count != 0)
            print_message("# named: %.*s\n", STR_ARG(text));
        assert_int_equal(count, 0);
    }
}

/* Text after text shorter by a byte, and each with a byte cut out of it: never out of bounds, and no name
 * more. */
static void every_part(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dressed / sizeof *dressed; i++) {
        struct str text = str_of(dressed[i].text);
        for (size_t len = 0; len < text.len; len++)
            assert_true(names_of((struct str) {text.at, len}).count <= 1);
        for (size_t from = 0; from < text.len; from++)
            assert_true(names_of((struct str) {text.at + from, text.len - from}).count <= 2);
    }
}

/* Two names side by side are two. */
static void names_do_not_run_together(void **state)
{
    (void)state;
    struct names names = names_of(STR("tool" EN_DASH UUID "note/" UUID " report--" UUID "--" UUID));
    assert_int_equal(names.count, 3);
    assert_true(names_it(STR(TOOL "," TOOL), TOOL));
}

/* The longest text, of what costs most: it would take hours if it were not linear. */
static void the_time_is_linear(void **state)
{
    static const char *const parts[] = {
        "\\u{",   "=E2=80",    "<a =",  "a 5b0d3c6e ", "&#4",    "+AC0-", "\xcc\xb6",  "\xf0\x9d\x9f\xb1",
        "actor ", "\n> ",      "_",     "\\",          "&amp;",  "%25",   "-",         SHY,
        "tool--", "5b0d3c6e-", "&",     "0",           "a-_:/ ", UUID,    "%2D",       "a ",
        "- ",     "abc/",      ":",     "id: ",        "x.a.",   "\n// ", "urn:uuid:", "0x",
        "=",      "dG9vbC0t",  "dG9v/", "\xd0\xb0",    "0 -",    "a/"};
    enum { SIZE = 1 << 20 };
    char *text = mem_alloc(SIZE);
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t len = strlen(parts[i]), at = 0;
        for (; at + len <= SIZE; at += len)
            memcpy(text + at, parts[i], len);
        assert_int_equal(names_of((struct str) {text, at}).count, 0);
    }
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dresses_are_seen_through),  cmocka_unit_test(every_digit_is_read),
        cmocka_unit_test(others_are_no_names),       cmocka_unit_test(every_part),
        cmocka_unit_test(names_do_not_run_together), cmocka_unit_test(the_time_is_linear),
    };
    return cmocka_run_group_tests_name("stix named", tests, NULL, NULL);
}
