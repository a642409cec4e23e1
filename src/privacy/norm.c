#include "privacy/norm.h"

#include <string.h>

#include "core/mem.h"
#include "privacy/scan.h"

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
    [0xc2] = true, [0xcd] = true, [0xd8] = true, [0xe1] = true, [0xe2] = true, [0xe3] = true, [0xef] = true,
};

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
           scan_is_digit((uint8_t)text.at[at + 1]) && scan_is_digit((uint8_t)text.at[at + 2]) &&
           scan_is_digit((uint8_t)text.at[at + 3]);
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
        {{"shy;", 4}, 0xad},   {{"nbsp;", 5}, ' '},    {{"ndash;", 6}, '-'},  {{"mdash;", 6}, '-'},
        {{"hyphen;", 7}, '-'}, {{"dash;", 5}, '-'},    {{"minus;", 6}, '-'},  {{"horbar;", 7}, '-'},
        {{"middot;", 7}, '~'}, {{"commat;", 7}, '@'},  {{"period;", 7}, '.'}, {{"sol;", 4}, '/'},
        {{"lowbar;", 7}, '_'}, {{"colon;", 6}, ':'},   {{"lpar;", 5}, '('},   {{"rpar;", 5}, ')'},
        {{"zwj;", 4}, 0x200d}, {{"zwnj;", 5}, 0x200d}, {{"quot;", 5}, '"'},   {{"NewLine;", 8}, '\n'},
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

/* --- what there is to do --- */

static bool is_digit(struct str text, size_t at)
{
    return at < text.len && scan_is_digit((uint8_t)text.at[at]);
}

/* 9 0 1 0 1 5: how many digits stand one by one from `at` on, behind no other. */
static size_t count_apart(struct str text, size_t at)
{
    size_t count = 0;
    if (at > 0 && scan_is_alnum((uint8_t)text.at[at - 1]))
        return 0;
    while (is_digit(text, at) && !(at + 1 < text.len && scan_is_alnum((uint8_t)text.at[at + 1]))) {
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
           !(at > 1 && scan_is_alnum((uint8_t)text.at[at - 2])) &&
           !(at + 2 < text.len && scan_is_alnum((uint8_t)text.at[at + 2]));
}

/* Bytes at which there may be something to do. */
static const bool marks[256] = {
    ['%'] = true,  ['&'] = true,  [' '] = true,  ['_'] = true,  [0xc2] = true, [0xcd] = true,
    [0xd8] = true, [0xe1] = true, [0xe2] = true, [0xe3] = true, [0xef] = true,
};

static bool is_needed(struct str text, bool name)
{
    size_t apart = 0;
    uint32_t code;
    char c;
    for (size_t i = 0; i < text.len; i++) {
        struct str rest = {text.at + i, text.len - i};
        if (!marks[(uint8_t)text.at[i]])
            continue;
        switch (text.at[i]) {
        case '%':
            if (take_percent(text, i, &code) > 0)
                return true;
            break;
        case '&':
            if (take_entity(rest, &code) > 0)
                return true;
            break;
        case ' ':
            if (stands_apart(text, i) && ++apart >= APART_MIN - 1)
                return true;
            break;
        case '_':
            if (name)
                return true;
            break;
        default:
            if (fold_at(rest, &c) > 0)
                return true;
        }
    }
    return false;
}

/* --- doing it --- */

static void put(struct norm *norm, char c, size_t from, size_t end)
{
    norm->bytes[norm->text.len] = c;
    norm->made[norm->text.len++] = (struct norm_span) {(uint32_t)from, (uint32_t)end};
}

static void put_code_point(struct norm *norm, uint32_t code, size_t from, size_t end)
{
    if (code < 0x80) {
        put(norm, code == 0 ? ' ' : (char)code, from, end);
    } else if (code < 0x800) {
        put(norm, (char)(0xc0 | code >> 6), from, end);
        put(norm, (char)(0x80 | (code & 0x3f)), from, end);
    } else {
        put(norm, (char)(code < 0x10000 ? 0xe0 | code >> 12 : 0xf0 | code >> 18), from, end);
        if (code >= 0x10000)
            put(norm, (char)(0x80 | (code >> 12 & 0x3f)), from, end);
        put(norm, (char)(0x80 | (code >> 6 & 0x3f)), from, end);
        put(norm, (char)(0x80 | (code & 0x3f)), from, end);
    }
}

/* Every character, or what its escape stands for. An escape is never shorter than what it stands for. */
static void read_escapes(struct norm *norm, struct str text)
{
    for (size_t at = 0, size; at < text.len; at += size) {
        struct str rest = {text.at + at, text.len - at};
        uint32_t code = 0;
        bool percent = rest.at[0] == '%';
        size = percent ? take_percent(text, at, &code) : rest.at[0] == '&' ? take_entity(rest, &code) : 0;
        if (size > 0 && percent) {
            put(norm, code == 0 ? ' ' : (char)code, at, at + size); /* one byte of a character */
        } else if (size > 0) {
            put_code_point(norm, code, at, at + size);
        } else {
            size = scan_size((uint8_t)rest.at[0]);
            size = size > rest.len ? rest.len : size;
            for (size_t i = 0; i < size; i++)
                put(norm, rest.at[i], at, at + size);
        }
    }
}

/* The rest in place: it grows nowhere. */
static void fold_characters(struct norm *norm, bool name)
{
    struct str text = norm->text;
    struct norm_span *spans = norm->made;
    norm->text.len = 0;
    for (size_t at = 0, size; at < text.len; at += size) {
        struct str rest = {text.at + at, text.len - at};
        char c = rest.at[0];
        size = (uint8_t)c >= 0xc2 ? fold_at(rest, &c) : 0;
        struct norm_span span = {spans[at].from, spans[at + (size > 0 ? size - 1 : 0)].end};
        if (size == 0) {
            size = 1;
            put(norm, name && c == '_' ? '-' : c, span.from, span.end);
            continue;
        }
        if (c == SOFT)
            c = norm->text.len > 0 && is_digit(norm->text, norm->text.len - 1) && is_digit(text, at + size)
                    ? '-'
                    : NOTHING;
        if (c != NOTHING)
            put(norm, c, span.from, span.end);
    }
}

static void join_digits(struct norm *norm)
{
    struct str text = norm->text;
    norm->text.len = 0;
    for (size_t at = 0; at < text.len; at++) {
        size_t apart = is_digit(text, at) ? count_apart(text, at) : 1;
        if (apart < APART_MIN)
            apart = 1;
        for (size_t i = at; i <= at + 2 * (apart - 1); i += 2)
            put(norm, text.at[i], norm->made[i].from, norm->made[i].end);
        at += 2 * (apart - 1);
    }
}

err_t norm_open(struct str text, bool name, struct norm *out)
{
    out->text = text;
    out->spans = NULL;
    out->size = 0;
    if (!is_needed(text, name))
        return ERR_OK;
    if (text.len > UINT32_MAX)
        return ERR_LIMIT;
    out->bytes = out->small_bytes;
    out->made = out->small_spans;
    if (text.len > NORM_SMALL) {
        out->made = mem_alloc_array(text.len, sizeof *out->made + 1);
        if (out->made == NULL)
            return ERR_NOMEM;
        out->bytes = (char *)(out->made + text.len);
    }
    out->size = text.len;
    out->text = (struct str) {out->bytes, 0};
    read_escapes(out, text);
    fold_characters(out, name);
    join_digits(out);
    out->spans = out->made;
    return ERR_OK;
}

void norm_close(struct norm *norm)
{
    if (norm->spans == NULL)
        return;
    mem_wipe(norm->bytes, norm->size);
    if (norm->made != norm->small_spans)
        mem_free(norm->made);
}

size_t norm_from(const struct norm *norm, size_t at)
{
    return norm->spans == NULL ? at : norm->spans[at].from;
}

size_t norm_end(const struct norm *norm, size_t end)
{
    return norm->spans == NULL || end == 0 ? end : norm->spans[end - 1].end;
}
