#include "stix/plain.h"

#include <string.h>

#include "core/mem.h"
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

enum { NOTHING = 0, SOFT = 1 }; /* a soft hyphen: a dash between digits, else nothing */

/* What stands for ASCII's, or for nothing. Middle dots become a tilde: they part lists and groups, and end no
 * sentence. */
static const struct fold {
    struct str text;
    char is;
} folds[] = {
    {{"\xc2\xa0", 2}, ' '},         {{"\xc2\xad", 2}, SOFT},
    {{"\xcd\x8f", 2}, NOTHING},     {{"\xd8\x9c", 2}, NOTHING},     /* grapheme joiner, Arabic direction */
    {{"\xe1\x85\x9f", 3}, NOTHING}, {{"\xe1\x85\xa0", 3}, NOTHING}, /* Hangul fillers */
    {{"\xe1\xa0\x8e", 3}, NOTHING}, {{"\xe3\x85\xa4", 3}, NOTHING},
    {{"\xef\xbe\xa0", 3}, NOTHING}, {{"\xc2\xb7", 2}, '~'},
    {{"\xe2\x80\xa2", 3}, '~'}, /* bullet */
    {{"\xe2\x80\xa7", 3}, '~'}, /* hyphenation point */
    {{"\xe2\x80\xaf", 3}, ' '}, /* narrow no-break space */
    {{"\xe2\x81\x83", 3}, '-'}, /* hyphen bullet */
    {{"\xe2\x81\x84", 3}, '/'}, /* fraction slash */
    {{"\xe2\x81\x9f", 3}, ' '}, /* mathematical space */
    {{"\xe2\x88\x92", 3}, '-'}, /* minus */
    {{"\xe2\x88\x95", 3}, '/'}, /* division slash */
    {{"\xe2\x88\x99", 3}, '~'}, /* bullet operator */
    {{"\xe2\x88\xbc", 3}, '~'}, /* tilde operator */
    {{"\xe2\x8b\x85", 3}, '~'}, /* dot operator */
    {{"\xe2\x94\x80", 3}, '-'}, /* box drawing */
    {{"\xe3\x80\x80", 3}, ' '}, /* ideographic space */
    {{"\xe3\x80\x82", 3}, '.'}, /* ideographic stop */
    {{"\xe3\x80\x9c", 3}, '~'}, /* wave dash */
    {{"\xe3\x83\xbb", 3}, '~'}, /* Katakana middle dot */
    {{"\xe3\x83\xbc", 3}, '-'}, /* prolonged sound mark */
    {{"\xe3\x85\xa1", 3}, '-'}, /* the Hangul letter EU, typed for a dash */
    {{"\xe3\x86\x8d", 3}, '~'}, /* the Hangul letter ARAEA, typed for a middle dot */
    {{"\xef\xb8\xb2", 3}, '-'}, /* presentation forms of dashes */
    {{"\xef\xb9\x98", 3}, '-'},     {{"\xef\xb9\xa3", 3}, '-'},
    {{"\xef\xbb\xbf", 3}, NOTHING}, /* zero-width no-break space */
    {{"\xef\xbd\xa1", 3}, '.'},     {{"\xef\xbd\xa5", 3}, '~'},
    {{"\xd6\x8a", 2}, '-'},         {{"\xd6\xbe", 2}, '-'},     /* Armenian and Hebrew hyphens */
    {{"\xe1\xa0\x86", 3}, '-'},     {{"\xe2\x81\x93", 3}, '~'}, /* Mongolian hyphen, swung dash */
    {{"\xe2\x81\xbb", 3}, '-'},     {{"\xe2\x82\x8b", 3}, '-'}, /* raised and lowered minus */
    {{"\xe2\xb8\xba", 3}, '-'},     {{"\xe2\xb8\xbb", 3}, '-'}, /* dashes of two and three */
};

/* Runs of code points, by their last byte behind the first two. */
static const struct folds {
    char lead[3];
    uint8_t low, high;
    char is;
} ranges[] = {
    {"\xe2\x80", 0x80, 0x8a, ' '},     /* spaces of every width */
    {"\xe2\x80", 0x8b, 0x8f, NOTHING}, /* zero width, directions */
    {"\xe2\x80", 0x90, 0x95, '-'},     /* hyphens and dashes */
    {"\xe2\x80", 0xaa, 0xae, NOTHING}, /* directions */
    {"\xe2\x81", 0xa0, 0xaf, NOTHING}, /* word joiner, isolates */
    {"\xef\xb8", 0x80, 0x8f, NOTHING}, /* variation selectors */
};

/* U+FF01..FF5E are ASCII in full width. */
static bool fold_full(const char *at, char *out)
{
    uint8_t second = (uint8_t)at[1], third = (uint8_t)at[2];
    if ((second != 0xbc || third < 0x81 || third > 0xbf) && (second != 0xbd || third < 0x80 || third > 0x9e))
        return false;
    *out = (char)(second == 0xbc ? third - 0x60 : third - 0x20);
    return true;
}

/* First bytes of what is in these tables. */
static const bool leads[256] = {
    [0xc2] = true, [0xcd] = true, [0xd6] = true, [0xd8] = true, [0xe1] = true,
    [0xe2] = true, [0xe3] = true, [0xef] = true, [0xf3] = true,
};

/* U+E0000..E007F tag what stands beside them, and are not seen. */
static bool is_tag(struct str rest)
{
    return rest.len >= 4 && memcmp(rest.at, "\xf3\xa0", 2) == 0 &&
           ((uint8_t)rest.at[2] == 0x80 || (uint8_t)rest.at[2] == 0x81);
}

/* Bytes of the character at the beginning, when it stands for another; 0: for itself. */
static size_t fold_at(struct str rest, char *out)
{
    uint8_t lead = (uint8_t)rest.at[0];
    if (!leads[lead])
        return 0;
    for (size_t i = 0; i < sizeof folds / sizeof folds[0]; i++)
        if (str_starts(rest, folds[i].text)) {
            *out = folds[i].is;
            return folds[i].text.len;
        }
    if (rest.len < 3)
        return 0;
    if (is_tag(rest)) {
        *out = NOTHING;
        return 4;
    }
    if (lead == 0xef && fold_full(rest.at, out))
        return 3;
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (memcmp(rest.at, ranges[i].lead, 2) == 0 && (uint8_t)rest.at[2] >= ranges[i].low &&
            (uint8_t)rest.at[2] <= ranges[i].high) {
            *out = ranges[i].is;
            return 3;
        }
    return 0;
}

/* Only of identifiers: a text in Cyrillic or Greek is one. */
static size_t fold_for(struct str rest, enum stix_plain_way way, char *out)
{
    size_t size = fold_at(rest, out);
    return size > 0 || way != STIX_PLAIN_NAMES ? size : stix_disguise_letter(rest, out);
}

/* --- escapes --- */

static int hex_of(struct str text, size_t at)
{
    char c = at < text.len ? str_lower(text.at[at]) : 0;
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* LIKE '%901015-1234567%' in a pattern: any text, then digits. */
static bool is_wildcard(struct str text, size_t at)
{
    return at > 0 && (text.at[at - 1] == '\'' || text.at[at - 1] == '"') && text.len - at > 3 &&
           is_digit_char(text.at[at + 1]) && is_digit_char(text.at[at + 2]) && is_digit_char(text.at[at + 3]);
}

/* %2D, also %252D and so on. Bytes of the escape; 0: it is none. */
static size_t take_percent(struct str text, size_t from, uint32_t *out)
{
    struct str rest = {text.at + from, text.len - from};
    size_t at = 1;
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

static size_t take_number(struct str rest, size_t at, uint32_t *out)
{
    uint32_t value = 0, base = 10;
    if (at < rest.len && (rest.at[at] | 0x20) == 'x') {
        base = 16;
        at++;
    }
    size_t from = at;
    for (int digit; at - from < CODE_POINT_DIGITS && (digit = hex_of(rest, at)) >= 0; at++) {
        if ((uint32_t)digit >= base)
            return 0;
        value = value * base + (uint32_t)digit;
    }
    if (at == from || at == rest.len || rest.at[at] != ';' || value > CODE_POINT_MAX ||
        (value >= 0xd800 && value < 0xe000))
        return 0;
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
        {{"shy;", 4}, 0xad},   {{"nbsp;", 5}, ' '},       {{"ndash;", 6}, '-'},
        {{"mdash;", 6}, '-'},  {{"hyphen;", 7}, '-'},     {{"dash;", 5}, '-'},
        {{"minus;", 6}, '-'},  {{"horbar;", 7}, '-'},     {{"middot;", 7}, '~'},
        {{"commat;", 7}, '@'}, {{"period;", 7}, '.'},     {{"sol;", 4}, '/'},
        {{"lowbar;", 7}, '_'}, {{"colon;", 6}, ':'},      {{"lpar;", 5}, '('},
        {{"rpar;", 5}, ')'},   {{"zwj;", 4}, 0x200d},     {{"zwnj;", 5}, 0x200d},
        {{"quot;", 5}, '"'},   {{"NewLine;", 8}, '\n'},   {{"lrm;", 4}, 0x200e},
        {{"rlm;", 4}, 0x200e}, {{"NoBreak;", 8}, 0x2060}, {{"ZeroWidthSpace;", 15}, 0x200b},
        {{"Tab;", 4}, '\t'},   {{"ensp;", 5}, ' '},       {{"emsp;", 5}, ' '},
        {{"thinsp;", 7}, ' '},
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

/* C:\Users\u2013123: where persons are looked for it must be a mark, and between a letter and a digit an
 * account's name. */
static bool is_path(struct str text, size_t at, size_t end, uint32_t code)
{
    bool letter = code < 0x80 && is_alnum_char((char)code);
    bool behind = at > 0 && is_alnum_char(text.at[at - 1]) && !is_digit_char(text.at[at - 1]);
    return letter || code < ' ' || (behind && end < text.len && is_digit_char(text.at[end]));
}

/* What mailers, editors and defangers put around dashes and into words. */

enum { UNSEEN = 1 }; /* a control character, in one byte: it goes with the others */

/* =2D, and the end of a line that goes on. */
static size_t take_quoted(struct str rest, uint32_t *out)
{
    static const struct str dash[] = {{"=2D", 3}, {"=2d", 3}}, broken[] = {{"=\r\n", 3}, {"=\n", 2}};
    for (size_t i = 0; i < 2; i++) {
        *out = '-';
        if (str_starts(rest, dash[i]))
            return dash[i].len;
        *out = UNSEEN;
        if (str_starts(rest, broken[i]))
            return broken[i].len;
    }
    return 0;
}

enum { TAG_MAX = 8 };

/* <wbr>, <b>, </b>, <br/>. */
static size_t take_tag(struct str rest, uint32_t *out)
{
    size_t at = rest.len > 1 && rest.at[1] == '/' ? 2 : 1, from = at;
    while (at < rest.len && at - from < TAG_MAX && is_alnum_char(rest.at[at]))
        at++;
    bool named = at > from && !is_digit_char(rest.at[from]);
    while (at < rest.len && at - from < TAG_MAX && (rest.at[at] == ' ' || rest.at[at] == '/'))
        at++;
    *out = UNSEEN;
    return named && at < rest.len && rest.at[at] == '>' ? at + 1 : 0;
}

/* \- and [-]. */
static size_t take_set_apart(struct str rest, uint32_t *out)
{
    static const struct str forms[] = {{"\\-", 2}, {"\\_", 2}, {"[-]", 3}, {"(-)", 3}, {"{-}", 3}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (str_starts(rest, forms[i])) {
            *out = (uint8_t)forms[i].at[1];
            return forms[i].len;
        }
    return 0;
}

static size_t take_dress(struct str rest, uint32_t *out)
{
    switch (rest.at[0]) {
    case '=':
        return take_quoted(rest, out);
    case '<':
        return take_tag(rest, out);
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
    *byte = rest.at[0] == '%';
    switch (rest.at[0]) {
    case '%':
        return take_percent(text, at, out);
    case '&':
        return take_entity(rest, out);
    case '\\':
        size = take_backslash(rest, out);
        if (size == 0 && way == STIX_PLAIN_NAMES)
            return take_dress(rest, out);
        return way != STIX_PLAIN_NAMES && size > 0 && is_path(text, at, at + size, *out) ? 0 : size;
    case '=':
    case '<':
    case '[':
    case '(':
    case '{':
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
    ['['] = true,  ['('] = true,  ['{'] = true,  [0xc2] = true, [0xcd] = true, [0xd6] = true, [0xd8] = true,
    [0xe1] = true, [0xe2] = true, [0xe3] = true, [0xef] = true, [0xf3] = true, [0xce] = true, [0xcf] = true,
    [0xd0] = true, [0xd1] = true, [0xd2] = true, [0xd3] = true, [0xd4] = true,
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
    char c;
    for (size_t i = 0; i < text.len; i++) {
        if (is_control(text.at[i], way))
            return true;
        if (!marks[(uint8_t)text.at[i]])
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
            if (way == STIX_PLAIN_MEMBER)
                return true;
            break;
        default:
            if (fold_for((struct str) {text.at + i, text.len - i}, way, &c) > 0)
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
    plain->text.len = 0;
    for (size_t at = 0, size; at < text.len; at += size) {
        struct str rest = {text.at + at, text.len - at};
        char c = rest.at[0];
        size = (uint8_t)c >= 0xc2 ? fold_for(rest, way, &c) : 0;
        struct stix_plain_span span = {spans[at].from, spans[at + (size > 0 ? size - 1 : 0)].end};
        if (size == 0) {
            size = 1;
            if (!is_control(c, way))
                put(plain, way == STIX_PLAIN_MEMBER && c == '_' ? '-' : c, span.from, span.end);
            continue;
        }
        bool digits =
            plain->text.len > 0 && is_digit(plain->text, plain->text.len - 1) && is_digit(text, at + size);
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
