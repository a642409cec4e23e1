/* The at-sign and the dots of an address, and its top level, as people write them: themselves, defanged, in
 * words. */
#include "privacy/sign.h"

#include <string.h>

#include "privacy/scan.h"

/* Before, or behind, this sign a letter or digit of ASCII has to stand. */
enum { ASCII_BEFORE = 256, ASCII_AFTER = 512 };

struct sign {
    struct str text;
    unsigned is;
};

/* A Korean word is a sign only beside letters of ASCII: it stands in Korean sentences too (골뱅이 is also a
 * snail). The first row that fits counts. */
static const struct sign ats[] = {
    {{"@", 1}, 0},
    {{"[@]", 3}, SIGN_DEFANGED},
    {{"(@)", 3}, SIGN_DEFANGED},
    {{"[at]", 4}, SIGN_DEFANGED},
    {{"(at)", 4}, SIGN_DEFANGED},
    {{"{at}", 4}, SIGN_DEFANGED},
    {{"<at>", 4}, SIGN_DEFANGED},
    {{" [at] ", 6}, SIGN_DEFANGED},
    {{" (at) ", 6}, SIGN_DEFANGED},
    {{" [@] ", 5}, SIGN_DEFANGED},
    {{" @ ", 3}, SIGN_DEFANGED},
    {{"\\@", 2}, SIGN_DEFANGED},
    {{" at ", 4}, SIGN_DEFANGED | SIGN_AT_WORD},
    {{"골뱅이", 9}, SIGN_DEFANGED | ASCII_AFTER},
    {{"골뱅이 ", 10}, SIGN_DEFANGED | ASCII_BEFORE | SIGN_NEEDS_TOP},
    {{"골뱅이", 9}, SIGN_DEFANGED | ASCII_BEFORE | SIGN_NEEDS_TOP},
    {{"[골뱅이]", 11}, SIGN_DEFANGED},
    {{"(골뱅이)", 11}, SIGN_DEFANGED},
    {{"{골뱅이}", 11}, SIGN_DEFANGED},
    {{"<골뱅이>", 11}, SIGN_DEFANGED},
    {{" [골뱅이] ", 13}, SIGN_DEFANGED},
    {{" (골뱅이) ", 13}, SIGN_DEFANGED},
    {{" 골뱅이 ", 11}, SIGN_DEFANGED | ASCII_BEFORE | ASCII_AFTER | SIGN_SNAIL},
    {{" 골뱅이 ", 11}, SIGN_DEFANGED | ASCII_BEFORE | SIGN_SNAIL | SIGN_NEEDS_TOP},
    {{" 골뱅이", 10}, SIGN_DEFANGED | ASCII_BEFORE | ASCII_AFTER | SIGN_SNAIL},
};

static const struct sign dots[] = {
    {{".", 1}, 0},
    {{"[.]", 3}, SIGN_DEFANGED | SIGN_SPOKEN_DOT},
    {{"(.)", 3}, SIGN_DEFANGED | SIGN_SPOKEN_DOT},
    {{"[dot]", 5}, SIGN_DEFANGED | SIGN_DOT_WORD},
    {{"(dot)", 5}, SIGN_DEFANGED | SIGN_DOT_WORD},
    {{"{dot}", 5}, SIGN_DEFANGED | SIGN_DOT_WORD},
    {{"<dot>", 5}, SIGN_DEFANGED | SIGN_DOT_WORD},
    {{" [dot] ", 7}, SIGN_DEFANGED | SIGN_DOT_WORD},
    {{" (dot) ", 7}, SIGN_DEFANGED | SIGN_DOT_WORD},
    {{" [.] ", 5}, SIGN_DEFANGED | SIGN_SPOKEN_DOT},
    {{"\\.", 2}, SIGN_DEFANGED},
    {{" dot ", 5}, SIGN_DEFANGED | SIGN_DOT_WORD},
    {{"닷", 3}, SIGN_DEFANGED | ASCII_AFTER | SIGN_SPOKEN_DOT},
    {{"쩜", 3}, SIGN_DEFANGED | ASCII_AFTER | SIGN_SPOKEN_DOT},
    {{"점", 3}, SIGN_DEFANGED | ASCII_BEFORE | ASCII_AFTER | SIGN_SPOKEN_DOT}, /* also a shop, a mark */
    {{"[닷]", 5}, SIGN_DEFANGED | SIGN_SPOKEN_DOT},
    {{"[쩜]", 5}, SIGN_DEFANGED | SIGN_SPOKEN_DOT},
    {{"[점]", 5}, SIGN_DEFANGED | SIGN_SPOKEN_DOT},
    {{"(닷)", 5}, SIGN_DEFANGED | SIGN_SPOKEN_DOT},
    {{"(쩜)", 5}, SIGN_DEFANGED | SIGN_SPOKEN_DOT},
    {{"(점)", 5}, SIGN_DEFANGED | SIGN_SPOKEN_DOT},
    {{" 닷 ", 5}, SIGN_DEFANGED | ASCII_BEFORE | ASCII_AFTER | SIGN_SPOKEN_DOT},
    {{" 쩜 ", 5}, SIGN_DEFANGED | ASCII_BEFORE | ASCII_AFTER | SIGN_SPOKEN_DOT},
    {{" 점 ", 5}, SIGN_DEFANGED | ASCII_BEFORE | ASCII_AFTER | SIGN_SPOKEN_DOT},
};

static bool stands_beside_ascii(struct str text, size_t at, const struct sign *sign)
{
    size_t end = at + sign->text.len;
    bool before = at > 0 && scan_is_alnum((uint8_t)text.at[at - 1]);
    bool after = end < text.len && scan_is_alnum((uint8_t)text.at[end]);
    return (before || (sign->is & ASCII_BEFORE) == 0) && (after || (sign->is & ASCII_AFTER) == 0);
}

static size_t take(struct str text, size_t at, const struct sign *signs, size_t count, unsigned *is)
{
    for (size_t i = 0; i < count; i++) {
        struct str sign = signs[i].text;
        if (at > text.len || sign.len > text.len - at)
            continue;
        if (str_same((struct str) {text.at + at, sign.len}, sign) &&
            stands_beside_ascii(text, at, &signs[i])) {
            *is |= signs[i].is;
            return sign.len;
        }
    }
    return 0;
}

size_t sign_at(struct str text, size_t at, unsigned *is)
{
    return take(text, at, ats, sizeof ats / sizeof ats[0], is);
}

size_t sign_dot(struct str text, size_t at, unsigned *is)
{
    return take(text, at, dots, sizeof dots / sizeof dots[0], is);
}

/* --- top levels --- */

/* A dot and what stands behind it, in words that are one. 점 is so much else that it has to be ASCII's. */
static size_t take_dot_word(struct str text, size_t at)
{
    static const struct sign words[] = {{{"닷", 3}, 0}, {{"쩜", 3}, 0}, {{"점", 3}, ASCII_BEFORE}};
    size_t blank = at < text.len && text.at[at] == ' ' ? 1 : 0;
    bool ascii = at > 0 && scan_is_alnum((uint8_t)text.at[at - 1]);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if ((ascii || words[i].is == 0) &&
            str_starts((struct str) {text.at + at + blank, text.len - at - blank}, words[i].text))
            return blank + words[i].text.len;
    return 0;
}

size_t sign_top(struct str text, size_t at, struct str *out)
{
    static const struct {
        struct str said, is;
    } tops[] = {
        {{"컴", 3}, {".com", 4}},    {{"넷", 3}, {".net", 4}},  {{"오알지", 9}, {".org", 4}},
        {{"케이알", 9}, {".kr", 3}}, {{"씨오", 6}, {".co", 3}}, {{"인포", 6}, {".info", 5}},
        {{"비즈", 6}, {".biz", 4}},
    };
    size_t size = take_dot_word(text, at);
    if (size == 0)
        return 0;
    size += at + size < text.len && text.at[at + size] == ' ' ? 1 : 0;
    for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++)
        if (str_starts((struct str) {text.at + at + size, text.len - at - size}, tops[i].said)) {
            *out = tops[i].is;
            return size + tops[i].said.len;
        }
    return 0;
}

/* Of a country, or one of the usual others. */
bool sign_is_known_top(struct str label)
{
    static const struct str tops[] = {
        {"com", 3},  {"net", 3},   {"org", 3},    {"edu", 3},     {"gov", 3},  {"mil", 3},
        {"int", 3},  {"info", 4},  {"biz", 3},    {"name", 4},    {"pro", 3},  {"dev", 3},
        {"app", 3},  {"xyz", 3},   {"online", 6}, {"site", 4},    {"shop", 4}, {"asia", 4},
        {"mobi", 4}, {"cloud", 5}, {"한국", 6},   {"example", 7}, {"test", 4},
    };
    if (label.len == 2)
        return scan_is_letter((uint8_t)label.at[0]) && scan_is_letter((uint8_t)label.at[1]);
    for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++)
        if (str_same(label, tops[i]))
            return true;
    return label.len > 4 && str_same((struct str) {label.at, 4}, STR("xn--"));
}

size_t mail_sign(struct str text, size_t at, struct str *out)
{
    static const char begins[] = "@.[({< \\\xea\xeb\xec"; /* and of 골뱅이, 닷, 쩜, 점 */
    unsigned is = 0;
    if (at >= text.len || memchr(begins, text.at[at], sizeof begins - 1) == NULL)
        return 0;
    size_t at_sign = sign_at(text, at, &is), dot = at_sign > 0 ? 0 : sign_dot(text, at, &is);
    if (at_sign + dot == 0)
        return sign_top(text, at, out);
    *out = at_sign > 0 ? STR("@") : STR(".");
    return at_sign + dot;
}
