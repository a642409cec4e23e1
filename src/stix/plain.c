#include "stix/plain.h"

#include <string.h>

#include "core/mem.h"
#include "stix/digit.h"
#include "stix/disguise.h"

static bool is_digit_char(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum_char(char c)
{
    return is_digit_char(c) || (str_lower(c) >= 'a' && str_lower(c) <= 'z');
}

/* --- characters --- */

/* A soft hyphen: a dash between digits, else nothing. A mark around a digit: nothing where that is read. */
enum { NOTHING = 0, SOFT = 1, AROUND = 2 };

/* What stands for ASCII's, or for nothing, in order of code points. Middle dots become a tilde: they part
 * lists and groups, and end no sentence. */
static const struct fold {
    uint32_t first, last;
    char is;
} folds[] = {
    {0x85, 0x85, ' '}, /* next line */
    {0xa0, 0xa0, ' '},
    {0xad, 0xad, SOFT},      /* soft hyphen */
    {0xb7, 0xb7, '~'},       /* middle dot */
    {0x2d7, 0x2d7, '-'},     /* a letter that is a minus */
    {0x34f, 0x34f, NOTHING}, /* grapheme joiner */
    {0x58a, 0x58a, '-'},     /* Armenian and Hebrew hyphens */
    {0x5be, 0x5be, '-'},
    {0x61c, 0x61c, NOTHING},   /* Arabic direction */
    {0x115f, 0x1160, NOTHING}, /* Hangul fillers */
    {0x1400, 0x1400, '-'},     /* Canadian syllabics hyphen */
    {0x1680, 0x1680, ' '},     /* Ogham space */
    {0x17b4, 0x17b5, NOTHING}, /* Khmer vowels that are not seen */
    {0x1806, 0x1806, '-'},     /* Mongolian hyphen, and selectors */
    {0x180b, 0x180f, NOTHING},
    {0x2000, 0x200a, ' '},     /* spaces of every width */
    {0x200b, 0x200f, NOTHING}, /* zero width, directions */
    {0x2010, 0x2015, '-'},     /* hyphens and dashes */
    {0x2022, 0x2022, '~'},     /* bullet, hyphenation point */
    {0x2027, 0x2027, '~'},
    {0x2028, 0x2029, '\n'},    /* separators of lines and paragraphs */
    {0x202a, 0x202e, NOTHING}, /* directions */
    {0x202f, 0x202f, ' '},
    {0x2043, 0x2043, '-'}, /* hyphen bullet, fraction slash, swung dash */
    {0x2044, 0x2044, '/'},
    {0x2053, 0x2053, '~'},
    {0x205f, 0x205f, ' '},
    {0x2060, 0x206f, NOTHING}, /* word joiner, isolates */
    {0x207b, 0x207b, '-'},     /* raised and lowered minus */
    {0x208b, 0x208b, '-'},
    {0x20d0, 0x20f0, AROUND}, /* marks around a digit, as of keys on telephones */
    {0x2212, 0x2212, '-'},    /* minus, division slash, operators */
    {0x2215, 0x2215, '/'},
    {0x2219, 0x2219, '~'},
    {0x223c, 0x223c, '~'},
    {0x22c5, 0x22c5, '~'},
    {0x2500, 0x2501, '-'}, /* box drawing */
    {0x2796, 0x2796, '-'}, /* the minus that is a picture */
    {0x2800, 0x2800, ' '}, /* Braille without a dot */
    {0x2e17, 0x2e17, '-'}, /* dashes: oblique, of two and three, double */
    {0x2e3a, 0x2e3b, '-'},
    {0x2e40, 0x2e40, '-'},
    {0x3000, 0x3000, ' '}, /* ideographic space and stop */
    {0x3002, 0x3002, '.'},
    {0x301c, 0x301c, '~'}, /* wave dashes */
    {0x3030, 0x3030, '~'},
    {0x30a0, 0x30a0, '-'}, /* Katakana double hyphen, middle dot, prolonged sound */
    {0x30fb, 0x30fb, '~'},
    {0x30fc, 0x30fc, '-'},
    {0x3161, 0x3161, '-'}, /* the Hangul letter EU, typed for a dash; a filler */
    {0x3164, 0x3164, NOTHING},
    {0x318d, 0x318d, '~'},     /* the Hangul letter ARAEA, typed for a middle dot */
    {0xfe00, 0xfe0f, NOTHING}, /* variation selectors */
    {0xfe31, 0xfe32, '-'},     /* presentation forms of dashes */
    {0xfe58, 0xfe58, '-'},
    {0xfe63, 0xfe63, '-'},
    {0xfeff, 0xfeff, NOTHING}, /* zero-width no-break space */
    {0xff61, 0xff61, '.'},     /* half width */
    {0xff65, 0xff65, '~'},
    {0xffa0, 0xffa0, NOTHING},
    {0xe0000, 0xe007f, NOTHING}, /* tags, which are not seen, and more selectors */
    {0xe0100, 0xe01ef, NOTHING},
};

enum { FOLDS = sizeof folds / sizeof folds[0] };

/* First bytes of what is in this table. */
static const bool leads[256] = {
    [0xc2] = true, [0xcb] = true, [0xcd] = true, [0xd6] = true, [0xd8] = true,
    [0xe1] = true, [0xe2] = true, [0xe3] = true, [0xef] = true, [0xf3] = true,
};

/* Bytes of the character at the beginning, when it stands for another; 0: for itself. */
static size_t fold_at(struct str rest, char *out)
{
    uint32_t code;
    size_t low = 0, high = FOLDS, size;
    if (!leads[(uint8_t)rest.at[0]] || (size = stix_disguise_code(rest, &code)) == 0)
        return 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (folds[mid].last < code)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == FOLDS || folds[low].first > code)
        return 0;
    *out = folds[low].is;
    return size;
}

static bool is_undressed(enum stix_plain_way way)
{
    return way == STIX_PLAIN_TEXT_UNDRESSED || way == STIX_PLAIN_MEMBER_UNDRESSED;
}

static bool is_member(enum stix_plain_way way)
{
    return way == STIX_PLAIN_MEMBER || way == STIX_PLAIN_MEMBER_UNDRESSED;
}

/* Only of identifiers: a text in Cyrillic or Greek is one. A mark upon a letter leaves the letter. */
static size_t fold_name(struct str rest, char *out)
{
    enum stix_digit_when when;
    size_t size = fold_at(rest, out);
    if (size == 0)
        size = stix_disguise_letter(rest, out);
    return size > 0 ? size : stix_digit_at(rest, out, &when);
}

/* The digit that the last character was, in another dress than ASCII's, and the run of digits that it is of.
 */
struct dressed {
    bool any, read, number;
    enum stix_digit_when when;
    size_t run_end; /* of the text; nothing before it begins a run */
};

static bool is_some_digit(struct str text, size_t at)
{
    char c;
    enum stix_digit_when when;
    return at < text.len && (is_digit_char(text.at[at]) ||
                             stix_digit_at((struct str) {text.at + at, text.len - at}, &c, &when) > 0);
}

static bool is_circled(enum stix_digit_when when)
{
    return when == STIX_DIGIT_ZERO || when == STIX_DIGIT_ITEM;
}

/* The character at `at` as it will be, and its bytes. 0: it is none of ASCII's in any dress. */
static size_t seen_as(struct str text, size_t at, char *out)
{
    enum stix_digit_when when;
    struct str rest = {text.at + at, text.len - at};
    if (rest.len == 0)
        return 0;
    *out = rest.at[0];
    if ((uint8_t)*out < 0x80)
        return 1;
    size_t size = fold_at(rest, out);
    return size > 0 ? size : stix_digit_at(rest, out, &when);
}

/* 9⓪①⓪①5-1②34567: is a run of digits, with no more than a dash between two, as long as a resident's number,
 * a card's or a mobile telephone's? Then a digit that could number an item is of it. */
static bool is_long_as_number(size_t digits, char first, char second)
{
    enum { RESIDENT = 13, CARD = 16, MOBILE = 11 };
    return digits == RESIDENT || digits == CARD || (digits == MOBILE && first == '0' && second == '1');
}

/* Reads the run that begins at `at`, once. */
static void look_at_run(struct str text, size_t at, struct dressed *last)
{
    char begins[2] = {0}, c;
    size_t digits = 0, end = at, next = at, size;
    bool dash = true; /* no run begins with one */
    if (at < last->run_end)
        return;
    for (; (size = seen_as(text, next, &c)) > 0; next += size) {
        if (c == NOTHING || c == AROUND)
            continue;
        if (!is_digit_char(c) && (dash || c != '-'))
            break;
        dash = c == '-';
        if (dash)
            continue;
        if (digits < sizeof begins)
            begins[digits] = c;
        digits++;
        end = next + size;
    }
    last->run_end = end;
    last->number = is_long_as_number(digits, begins[0], begins[1]);
}

static bool is_read(struct str text, size_t next, enum stix_digit_when when, bool behind_digit,
                    const struct dressed *last)
{
    char c;
    enum stix_digit_when after;
    switch (when) {
    case STIX_DIGIT_ITEM:
        return last->number || (last->any && is_circled(last->when)) ||
               (behind_digit && is_some_digit(text, next)) ||
               (stix_digit_at((struct str) {text.at + next, text.len - next}, &c, &after) > 0 &&
                is_circled(after));
    case STIX_DIGIT_RAISED:
        return last->any && last->when == when ? last->read : !behind_digit;
    default:
        return true;
    }
}

/* Of a text, at `at`: also digits, in any dress. `behind_digit`: what stands before is one. */
static size_t fold_dressed(struct str text, size_t at, bool behind_digit, struct dressed *last, char *out)
{
    struct str rest = {text.at + at, text.len - at};
    look_at_run(text, at, last);
    struct dressed now = {.any = true, .number = last->number, .run_end = last->run_end};
    size_t size = stix_digit_at(rest, out, &now.when);
    if (size == 0) {
        now.any = false;
        *last = now;
        return fold_at(rest, out);
    }
    now.read = is_read(text, at + size, now.when, behind_digit, last);
    *last = now;
    return now.read ? size : 0;
}

/* The same, but undressed: then they stay. `dressed`: set when the two ways differ here. */
static size_t fold_text(struct str text, size_t at, bool behind_digit, enum stix_plain_way way,
                        struct dressed *last, char *out, bool *dressed)
{
    size_t size = fold_dressed(text, at, behind_digit, last, out);
    bool odd = last->any ? last->when != STIX_DIGIT_WIDE : *out == AROUND;
    if (size == 0 || !odd)
        return size;
    *dressed = true;
    return is_undressed(way) ? 0 : size;
}

/* Is there anything at the beginning that may stand for something else? */
static bool may_fold(struct str rest, enum stix_plain_way way)
{
    char c;
    enum stix_digit_when when;
    return way == STIX_PLAIN_NAMES ? fold_name(rest, &c) > 0
                                   : fold_at(rest, &c) > 0 || stix_digit_at(rest, &c, &when) > 0;
}

/* --- escapes --- */

static int hex_of(struct str text, size_t at)
{
    char c = at < text.len ? str_lower(text.at[at]) : 0;
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* So many digits of hexadecimal; 0: there are not. */
static size_t take_hex(struct str rest, size_t at, unsigned digits, uint32_t *out)
{
    *out = 0;
    for (unsigned i = 0; i < digits; i++) {
        int digit = hex_of(rest, at + i);
        if (digit < 0)
            return 0;
        *out = *out << 4 | (uint32_t)digit;
    }
    return digits;
}

/* LIKE '%901015-1234567%' in a pattern: any text, then digits. */
static bool is_wildcard(struct str text, size_t at)
{
    return at > 0 && (text.at[at - 1] == '\'' || text.at[at - 1] == '"') && text.len - at > 3 &&
           is_digit_char(text.at[at + 1]) && is_digit_char(text.at[at + 2]) && is_digit_char(text.at[at + 3]);
}

/* %2D, also %252D and so on. Bytes of the escape; 0: it is none. */
static size_t take_percent(struct str text, size_t from, uint32_t *out, bool *byte)
{
    struct str rest = {text.at + from, text.len - from};
    size_t at = 1;
    *byte = rest.len < 2 || rest.at[1] != 'u';
    if (!*byte) /* %u2013, of JavaScript's escape() */
        return take_hex(rest, 2, 4, out) == 0 || (*out >= 0xd800 && *out < 0xe000) ? 0 : 6;
    if (is_wildcard(text, from))
        return 0;
    while (rest.len - at >= 4 && rest.at[at] == '2' && rest.at[at + 1] == '5' && hex_of(rest, at + 2) >= 0 &&
           hex_of(rest, at + 3) >= 0)
        at += 2;
    if (hex_of(rest, at) < 0 || hex_of(rest, at + 1) < 0)
        return 0;
    *out = (uint32_t)(hex_of(rest, at) << 4 | hex_of(rest, at + 1));
    return at + 2;
}

enum { CODE_POINT_DIGITS = 7, CODE_POINT_MAX = 0x10ffff };

/* Dashes and what is not seen: read also where their semicolon was lost, and digits follow. */
static bool is_unclosed(uint32_t code)
{
    return code == '-' || code == '_' || code == 0xa0 || code == 0xad || (code >= 0x2010 && code <= 0x2015) ||
           code == 0x2212;
}

static size_t take_number(struct str rest, size_t at, uint32_t *out)
{
    uint32_t value = 0, base = 10;
    size_t unclosed = 0;
    if (at < rest.len && (rest.at[at] | 0x20) == 'x') {
        base = 16;
        at++;
    }
    size_t zeros = at;
    while (at < rest.len && rest.at[at] == '0')
        at++;
    size_t from = at;
    for (int digit; at - from < CODE_POINT_DIGITS && (digit = hex_of(rest, at)) >= 0; at++) {
        if ((uint32_t)digit >= base)
            break;
        value = value * base + (uint32_t)digit;
        if (unclosed == 0 && is_unclosed(value)) {
            unclosed = at + 1;
            *out = value;
        }
    }
    bool closed = at > zeros && at < rest.len && rest.at[at] == ';' && value <= CODE_POINT_MAX &&
                  (value < 0xd800 || value >= 0xe000);
    if (!closed)
        return unclosed;
    *out = value;
    return at + 1;
}

/* &#45; &#x2d; &ndash;, also behind any number of amp; */
static size_t take_entity(struct str rest, uint32_t *out)
{
    static const struct {
        struct str name;
        uint32_t is;
    } names[] = {
        {{"shy;", 4}, 0xad},       {{"nbsp;", 5}, ' '},
        {{"ndash;", 6}, '-'},      {{"mdash;", 6}, '-'},
        {{"hyphen;", 7}, '-'},     {{"dash;", 5}, '-'},
        {{"minus;", 6}, '-'},      {{"horbar;", 7}, '-'},
        {{"middot;", 7}, '~'},     {{"commat;", 7}, '@'},
        {{"period;", 7}, '.'},     {{"sol;", 4}, '/'},
        {{"lowbar;", 7}, '_'},     {{"colon;", 6}, ':'},
        {{"lpar;", 5}, '('},       {{"rpar;", 5}, ')'},
        {{"zwj;", 4}, 0x200d},     {{"zwnj;", 5}, 0x200d},
        {{"quot;", 5}, '"'},       {{"NewLine;", 8}, '\n'},
        {{"lrm;", 4}, 0x200e},     {{"rlm;", 4}, 0x200e},
        {{"NoBreak;", 8}, 0x2060}, {{"ZeroWidthSpace;", 15}, 0x200b},
        {{"Tab;", 4}, '\t'},       {{"ensp;", 5}, ' '},
        {{"emsp;", 5}, ' '},       {{"thinsp;", 7}, ' '},
        {{"shy", 3}, 0xad},        {{"nbsp", 4}, ' '}, /* browsers read these so, too */
        {{"middot", 6}, '~'},
    };
    size_t at = 1;
    struct str amp = {"amp;", 4}, name = {rest.at + at, rest.len - at};
    for (; str_starts(name, amp); name.at += amp.len, name.len -= amp.len)
        at += amp.len;
    if (name.len > 0 && name.at[0] == '#')
        return take_number(rest, at + 1, out);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_starts(name, names[i].name)) {
            *out = names[i].is;
            return at + names[i].name.len;
        }
    return 0;
}

enum { BACKSLASHES_MAX = 8 };

/* \xe2\x80\x93: the rest of a character in UTF-8. Nothing: half of one. */
static size_t take_bytes(struct str rest, size_t at, uint32_t *code)
{
    unsigned more = *code < 0x80 ? 0 : *code < 0xc2 ? 4 : *code < 0xe0 ? 1 : *code < 0xf0 ? 2 : 4;
    if (more > 2)
        return 0;
    *code &= more == 0 ? 0x7f : more == 1 ? 0x1f : 0x0f;
    for (; more > 0; more--, at += 4) {
        uint32_t byte;
        if (rest.len - at < 4 || rest.at[at] != '\\' || rest.at[at + 1] != 'x' ||
            take_hex(rest, at + 2, 2, &byte) == 0 || (byte & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (byte & 0x3f);
    }
    return at;
}

/* \u002d and \x2d as programs write them, also behind several backslashes. */
static size_t take_backslash(struct str rest, uint32_t *out)
{
    size_t at = 0;
    while (at < rest.len && at < BACKSLASHES_MAX && rest.at[at] == '\\')
        at++;
    char kind = at < rest.len ? rest.at[at] : 0;
    if ((kind != 'u' && kind != 'x') || take_hex(rest, at + 1, kind == 'u' ? 4 : 2, out) == 0)
        return 0;
    if (kind == 'x')
        return take_bytes(rest, at + 3, out);
    return *out >= 0xd800 && *out < 0xe000 ? 0 : at + 5;
}

/* The letter of \n, \r and \t is no part of a name. */
static bool is_behind_letter(struct str text, size_t at)
{
    if (at == 0 || !is_alnum_char(text.at[at - 1]) || is_digit_char(text.at[at - 1]))
        return false;
    return at < 2 || text.at[at - 2] != '\\' || memchr("nrt", text.at[at - 1], 3) == NULL;
}

/* C:\Users\u2013123: where persons are looked for it must be a mark, or a digit behind no letter, and between
 * a letter and a digit an account's name. */
static bool is_path(struct str text, size_t at, size_t end, uint32_t code, enum stix_plain_way way)
{
    bool digit = code < 0x80 && is_digit_char((char)code), behind = is_behind_letter(text, at);
    bool letter = code < 0x80 && is_alnum_char((char)code) && (!digit || behind || is_undressed(way));
    return letter || code < ' ' || (behind && end < text.len && is_digit_char(text.at[end]));
}

/* What mailers, editors and defangers put around dashes and into words. */

enum { UNSEEN = 1 }; /* a control character, in one byte: it goes with the others */

/* =E2=80=93: a character of several bytes. */
static size_t take_quoted_bytes(struct str rest, uint32_t *out)
{
    char bytes[4];
    size_t size = 0;
    for (uint32_t byte; size < sizeof bytes && rest.len - 3 * size >= 3; size++) {
        if (rest.at[3 * size] != '=' || take_hex(rest, 3 * size + 1, 2, &byte) == 0 || byte < 0x80)
            break;
        bytes[size] = (char)byte;
    }
    return 3 * (size == 0 ? 0 : stix_disguise_code((struct str) {bytes, size}, out));
}

/* =2D, =5F, and the end of a line that goes on. */
static size_t take_quoted(struct str rest, uint32_t *out)
{
    static const struct {
        struct str text;
        char is;
    } forms[] = {{{"=2D", 3}, '-'},
                 {{"=2d", 3}, '-'},
                 {{"=5F", 3}, '_'},
                 {{"=\r\n", 3}, UNSEEN},
                 {{"=\n", 2}, UNSEEN}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (str_starts(rest, forms[i].text)) {
            *out = (uint8_t)forms[i].is;
            return forms[i].text.len;
        }
    return take_quoted_bytes(rest, out);
}

enum { TAG_MAX = 8, MARKUP_MAX = 40 }; /* no identifier is that short: none is hidden by what it goes with */

/* Where markup that begins with `open` is closed by `close`; 0: too far away. */
static size_t markup_end(struct str rest, struct str close)
{
    for (size_t at = 1; at < rest.len && at + close.len <= MARKUP_MAX && rest.at[at] != '<'; at++)
        if (str_starts((struct str) {rest.at + at, rest.len - at}, close))
            return at + close.len;
    return 0;
}

/* <wbr>, <b>, </b>, <br/>, <span class="x">, <!-- x -->. */
static size_t take_tag(struct str rest, uint32_t *out)
{
    size_t at = rest.len > 1 && rest.at[1] == '/' ? 2 : 1, from = at;
    *out = UNSEEN;
    if (str_starts(rest, STR("<!--")))
        return markup_end(rest, STR("-->"));
    while (at < rest.len && at - from < TAG_MAX && is_alnum_char(rest.at[at]))
        at++;
    bool named = at > from && !is_digit_char(rest.at[from]);
    size_t name = at;
    while (at < rest.len && at - from < TAG_MAX && (rest.at[at] == ' ' || rest.at[at] == '/'))
        at++;
    if (named && at < rest.len && rest.at[at] == '>')
        return at + 1;
    return named && name < rest.len && rest.at[name] == ' ' &&
                   memchr(rest.at, '=', rest.len < MARKUP_MAX ? rest.len : MARKUP_MAX) != NULL
               ? markup_end(rest, STR(">"))
               : 0;
}

/* \- and [-], dashes that are spelled out, the end of a program's line that goes on. */
static size_t take_set_apart(struct str rest, uint32_t *out)
{
    static const struct {
        struct str text;
        uint32_t is;
    } forms[] = {
        {{"\\-", 2}, '-'},
        {{"\\_", 2}, '_'},
        {{"\\\r\n", 3}, '\n'},
        {{"\\\n", 2}, '\n'}, /* a line that goes on */
        {{"[-]", 3}, '-'},
        {{"(-)", 3}, '-'},
        {{"{-}", 3}, '-'},
        {{"$-$", 3}, '-'},
        {{"+AC0ALQ-", 8}, 0x2014},
        {{"+AC0-", 5}, '-'}, /* UTF-7 */
        {{"\\textendash ", 12}, 0x2013},
        {{"\\textemdash ", 12}, 0x2014},
        {{"\\textendash{}", 13}, 0x2013},
        {{"\\textemdash{}", 13}, 0x2014},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (str_starts(rest, forms[i].text)) {
            *out = forms[i].is;
            return forms[i].text.len;
        }
    return 0;
}

/* \u{2d}, \x{2d}, \U0000002d, \055. */
static size_t take_code(struct str rest, uint32_t *out)
{
    enum { BRACE_DIGITS = 6, LONG_DIGITS = 8 };
    size_t digits = 0;
    char kind = rest.len > 2 ? rest.at[1] : 0;
    *out = 0;
    if ((kind == 'u' || kind == 'x') && rest.at[2] == '{') {
        for (; digits <= BRACE_DIGITS && hex_of(rest, 3 + digits) >= 0; digits++)
            *out = *out << 4 | (uint32_t)hex_of(rest, 3 + digits);
        bool closed =
            digits > 0 && digits <= BRACE_DIGITS && 3 + digits < rest.len && rest.at[3 + digits] == '}';
        digits = closed ? digits + 4 : 0;
    } else if (kind == 'U') {
        digits = take_hex(rest, 2, LONG_DIGITS, out) == 0 ? 0 : LONG_DIGITS + 2;
    } else if (str_starts(rest, STR("\\055"))) {
        *out = '-';
        digits = 4;
    }
    return *out > CODE_POINT_MAX || (*out >= 0xd800 && *out < 0xe000) ? 0 : digits;
}

static size_t take_dress(struct str rest, uint32_t *out)
{
    switch (rest.at[0]) {
    case '=':
        return take_quoted(rest, out);
    case '<':
        return take_tag(rest, out);
    case '\\':
        if (take_code(rest, out) > 0)
            return take_code(rest, out);
        return take_set_apart(rest, out);
    default:
        return take_set_apart(rest, out);
    }
}

/* The escape at `at`, its bytes, and what it stands for: a character, or one byte of one. 0: there is none.
 */
static size_t take_escape(struct str text, size_t at, enum stix_plain_way way, uint32_t *out, bool *byte)
{
    struct str rest = {text.at + at, text.len - at};
    size_t size;
    *byte = false;
    switch (rest.at[0]) {
    case '%':
        return take_percent(text, at, out, byte);
    case '&':
        return take_entity(rest, out);
    case '\\':
        size = take_backslash(rest, out);
        if (size == 0 && way == STIX_PLAIN_NAMES)
            return take_dress(rest, out);
        return way != STIX_PLAIN_NAMES && size > 0 && is_path(text, at, at + size, *out, way) ? 0 : size;
    case '=':
    case '<':
    case '[':
    case '(':
    case '{':
    case '+':
    case '$':
        return way == STIX_PLAIN_NAMES ? take_dress(rest, out) : 0;
    default:
        return 0;
    }
}

/* --- what there is to do --- */

static bool is_digit(struct str text, size_t at)
{
    return at < text.len && is_digit_char(text.at[at]);
}

/* 9 0 1 0 1 5: how many digits stand one by one from `at` on, behind no other. */
static size_t count_apart(struct str text, size_t at)
{
    size_t count = 0;
    if (at > 0 && is_alnum_char(text.at[at - 1]))
        return 0;
    while (is_digit(text, at) && !(at + 1 < text.len && is_alnum_char(text.at[at + 1]))) {
        count++;
        if (at + 1 == text.len || text.at[at + 1] != ' ')
            break;
        at += 2;
    }
    return count;
}

enum { APART_MIN = 6 };

/* ' ' with one digit on either side, and no letter or digit beside these. */
static bool stands_apart(struct str text, size_t at)
{
    return at > 0 && is_digit(text, at - 1) && is_digit(text, at + 1) &&
           !(at > 1 && is_alnum_char(text.at[at - 2])) &&
           !(at + 2 < text.len && is_alnum_char(text.at[at + 2]));
}

/* The same of letters, too. */
static bool is_single(struct str text, size_t at)
{
    return at > 0 && at + 1 < text.len && is_alnum_char(text.at[at - 1]) && is_alnum_char(text.at[at + 1]) &&
           !(at > 1 && is_alnum_char(text.at[at - 2])) &&
           !(at + 2 < text.len && is_alnum_char(text.at[at + 2]));
}

/* Bytes at which there may be something to do. */
static const bool marks[256] = {
    ['\\'] = true, ['%'] = true,  ['&'] = true,  [' '] = true,  ['_'] = true,  ['='] = true,  ['<'] = true,
    ['['] = true,  ['('] = true,  ['{'] = true,  ['+'] = true,  ['$'] = true,  [0xc2] = true, [0xc4] = true,
    [0xc9] = true, [0xcb] = true, [0xcc] = true, [0xcd] = true, [0xce] = true, [0xcf] = true, [0xd0] = true,
    [0xd1] = true, [0xd2] = true, [0xd3] = true, [0xd4] = true, [0xd5] = true, [0xd6] = true, [0xd8] = true,
    [0xd9] = true, [0xdb] = true, [0xe0] = true, [0xe1] = true, [0xe2] = true, [0xe3] = true, [0xef] = true,
    [0xf0] = true, [0xf3] = true,
};

/* A control character: no text shows it. */
static bool is_control(char c, enum stix_plain_way way)
{
    return way == STIX_PLAIN_NAMES && ((uint8_t)c < ' ' || c == 0x7f) && c != '\t' && c != '\n' && c != '\r';
}

static bool has_base64(struct str text)
{
    struct stix_base64 scan = {{0}};
    size_t end;
    bool found = false;
    for (size_t at = 0; at < text.len && !found; at++)
        found = stix_base64_at(&scan, text, at, &end);
    return found;
}

/* Of an identifier in letters set apart, dashes excepted. */
enum { NAME_APART_MIN = 24 };

static bool is_needed(struct str text, enum stix_plain_way way)
{
    size_t apart = 0, single = 0;
    if (way == STIX_PLAIN_NAMES && stix_base64_may(text) && has_base64(text))
        return true;
    uint32_t code;
    bool byte;
    for (size_t i = 0; i < text.len; i++) {
        if (is_control(text.at[i], way))
            return true;
        if (!marks[(uint8_t)text.at[i]] && !stix_digit_leads((uint8_t)text.at[i]))
            continue;
        switch (text.at[i]) {
        case '%':
        case '&':
        case '\\':
        case '=':
        case '<':
        case '[':
        case '(':
        case '{':
        case '+':
        case '$':
            if (take_escape(text, i, way, &code, &byte) > 0)
                return true;
            break;
        case ' ':
            if (way != STIX_PLAIN_NAMES && stands_apart(text, i) && ++apart >= APART_MIN - 1)
                return true;
            if (way == STIX_PLAIN_NAMES && is_single(text, i) && ++single >= NAME_APART_MIN)
                return true;
            break;
        case '_':
            if (is_member(way))
                return true;
            break;
        default:
            if (may_fold((struct str) {text.at + i, text.len - i}, way))
                return true;
        }
    }
    return false;
}

/* --- doing it --- */

static void put(struct stix_plain *plain, char c, size_t from, size_t end)
{
    plain->bytes[plain->text.len] = c;
    plain->made[plain->text.len++] = (struct stix_plain_span) {(uint32_t)from, (uint32_t)end};
}

static void put_code_point(struct stix_plain *plain, uint32_t code, size_t from, size_t end)
{
    if (code < 0x80) {
        put(plain, code == 0 ? ' ' : (char)code, from, end);
    } else if (code < 0x800) {
        put(plain, (char)(0xc0 | code >> 6), from, end);
        put(plain, (char)(0x80 | (code & 0x3f)), from, end);
    } else {
        put(plain, (char)(code < 0x10000 ? 0xe0 | code >> 12 : 0xf0 | code >> 18), from, end);
        if (code >= 0x10000)
            put(plain, (char)(0x80 | (code >> 12 & 0x3f)), from, end);
        put(plain, (char)(0x80 | (code >> 6 & 0x3f)), from, end);
        put(plain, (char)(0x80 | (code & 0x3f)), from, end);
    }
}

/* What escapes stand for, in place: none is shorter than that. True: what came out may be an escape in turn.
 */
static bool read_escapes(struct stix_plain *plain, enum stix_plain_way way)
{
    struct str text = plain->text;
    const struct stix_plain_span *spans = plain->made;
    bool again = false, byte;
    plain->text.len = 0;
    for (size_t at = 0, size; at < text.len; at += size) {
        uint32_t code = 0;
        size = take_escape(text, at, way, &code, &byte);
        struct stix_plain_span span = {spans[at].from, spans[at + (size > 0 ? size - 1 : 0)].end};
        plain->dressed |= size > 0 && text.at[at] == '\\' && code < 0x80 && is_digit_char((char)code);
        again |= size > 0 && (code == '%' || code == '&' || code == '\\');
        if (size == 0) {
            size = 1;
            put(plain, text.at[at], span.from, span.end);
        } else if (byte) {
            put(plain, code == 0 ? ' ' : (char)code, span.from, span.end);
        } else {
            put_code_point(plain, code, span.from, span.end);
        }
    }
    return again;
}

/* The rest in place: it grows nowhere. */
static void fold_characters(struct stix_plain *plain, enum stix_plain_way way)
{
    struct str text = plain->text;
    const struct stix_plain_span *spans = plain->made;
    struct dressed last = {.any = false};
    plain->text.len = 0;
    for (size_t at = 0, size; at < text.len; at += size) {
        struct str rest = {text.at + at, text.len - at};
        char c = rest.at[0];
        bool behind_digit = plain->text.len > 0 && is_digit(plain->text, plain->text.len - 1);
        bool continues = ((uint8_t)c & 0xc0) == 0x80;
        if (way == STIX_PLAIN_NAMES)
            size = (uint8_t)c >= 0xc2 ? fold_name(rest, &c) : 0;
        else
            size = continues ? 0 : fold_text(text, at, behind_digit, way, &last, &c, &plain->dressed);
        struct stix_plain_span span = {spans[at].from, spans[at + (size > 0 ? size - 1 : 0)].end};
        if (size == 0) {
            size = 1;
            c = text.at[at];
            if (!is_control(c, way))
                put(plain, is_member(way) && c == '_' ? '-' : c, span.from, span.end);
            continue;
        }
        bool digits = behind_digit && is_digit(text, at + size);
        if (c == AROUND)
            c = NOTHING;
        if (c == SOFT)
            c = way == STIX_PLAIN_NAMES ? STIX_PLAIN_SOFT : digits ? '-' : NOTHING;
        if (c != NOTHING)
            put(plain, c, span.from, span.end);
    }
}

static void join_digits(struct stix_plain *plain)
{
    struct str text = plain->text;
    plain->text.len = 0;
    for (size_t at = 0; at < text.len; at++) {
        size_t apart = is_digit(text, at) ? count_apart(text, at) : 1;
        if (apart < APART_MIN)
            apart = 1;
        for (size_t i = at; i <= at + 2 * (apart - 1); i += 2)
            put(plain, text.at[i], plain->made[i].from, plain->made[i].end);
        at += 2 * (apart - 1);
    }
}

static void join_letters(struct stix_plain *plain)
{
    struct str text = plain->text;
    plain->text.len = 0;
    for (size_t at = 0, next; at < text.len; at = next) {
        size_t end = stix_disguise_apart(text, at, &next);
        for (size_t i = at; i < next; i++)
            if (end == 0 || text.at[i] != ' ')
                put(plain, text.at[i], plain->made[i].from, plain->made[i].end);
    }
}

enum { ROUNDS = 3 }; /* %26ndash; and the like; more is a riddle, and nobody's editor */

/* What base64 says, each byte of the characters that it is of. */
static void put_base64(struct stix_plain *plain, struct str text, size_t at, size_t end)
{
    while (at < end) {
        size_t from = at;
        char bytes[3];
        size_t count = stix_base64_take(text, &at, end, bytes);
        for (size_t i = 0; i < count; i++)
            put(plain, bytes[i], from, at);
    }
}

/* Each byte as it stands, with the whole character that it is of. */
static void copy(struct stix_plain *plain, struct str text, enum stix_plain_way way)
{
    struct stix_base64 scan = {{0}};
    bool may = way == STIX_PLAIN_NAMES && stix_base64_may(text);
    for (size_t at = 0, size; at < text.len; at += size) {
        size_t end;
        if (may && stix_base64_at(&scan, text, at, &end)) {
            put_base64(plain, text, at, end);
            size = end - at;
            continue;
        }
        uint8_t lead = (uint8_t)text.at[at];
        size = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        size = size > text.len - at ? text.len - at : size;
        for (size_t i = 0; i < size; i++)
            put(plain, text.at[at + i], at, at + size);
    }
}

err_t stix_plain_open(struct str text, enum stix_plain_way way, struct stix_plain *out)
{
    out->text = text;
    out->spans = NULL;
    out->size = 0;
    out->dressed = false;
    if (!is_needed(text, way))
        return ERR_OK;
    if (text.len > UINT32_MAX)
        return ERR_LIMIT;
    out->bytes = out->small_bytes;
    out->made = out->small_spans;
    if (text.len > STIX_PLAIN_SMALL) {
        out->made = mem_alloc_array(text.len, sizeof *out->made + 1);
        if (out->made == NULL)
            return ERR_NOMEM;
        out->bytes = (char *)(out->made + text.len);
    }
    out->size = text.len;
    out->text = (struct str) {out->bytes, 0};
    copy(out, text, way);
    for (unsigned round = 0; round < ROUNDS && read_escapes(out, way); round++)
        continue;
    fold_characters(out, way);
    if (way != STIX_PLAIN_NAMES)
        join_digits(out);
    else
        join_letters(out);
    out->spans = out->made;
    return ERR_OK;
}

void stix_plain_close(struct stix_plain *plain)
{
    if (plain->spans == NULL)
        return;
    mem_wipe(plain->bytes, plain->size);
    if (plain->made != plain->small_spans)
        mem_free(plain->made);
}

size_t stix_plain_from(const struct stix_plain *plain, size_t at)
{
    return plain->spans == NULL ? at : plain->spans[at].from;
}

size_t stix_plain_end(const struct stix_plain *plain, size_t end)
{
    return plain->spans == NULL || end == 0 ? end : plain->spans[end - 1].end;
}
