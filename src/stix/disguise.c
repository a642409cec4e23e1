#include "stix/disguise.h"

#include "core/vec.h"

/* --- letters that are drawn alike --- */

/* Second bytes of Cyrillic and Greek letters in UTF-8, by the first. */
static const struct alike {
    char text[3];
    char is;
} alike[] = {
    {"\xd0\x90", 'a'}, {"\xd0\x92", 'b'}, {"\xd0\x95", 'e'}, {"\xd0\x9a", 'k'}, {"\xd0\x9c", 'm'},
    {"\xd0\x9d", 'h'}, {"\xd0\x9e", 'o'}, {"\xd0\xa0", 'p'}, {"\xd0\xa1", 'c'}, {"\xd0\xa2", 't'},
    {"\xd0\xa5", 'x'}, {"\xd0\xa3", 'y'}, {"\xd0\x85", 's'}, {"\xd0\x86", 'i'}, {"\xd0\x88", 'j'},
    {"\xd0\xb0", 'a'}, {"\xd0\xb5", 'e'}, {"\xd0\xbe", 'o'}, {"\xd0\xba", 'k'}, {"\xd0\xbc", 'm'},
    {"\xd1\x80", 'p'}, {"\xd1\x81", 'c'}, {"\xd1\x82", 't'}, {"\xd1\x83", 'y'}, {"\xd1\x85", 'x'},
    {"\xd1\x8c", 'b'}, {"\xd0\xac", 'b'}, {"\xd1\x95", 's'}, {"\xd1\x96", 'i'}, {"\xd1\x98", 'j'},
    {"\xd1\xb5", 'v'}, {"\xd2\xaf", 'y'}, {"\xd2\xbb", 'h'}, {"\xd3\x8f", 'l'}, {"\xd4\x81", 'd'},
    {"\xd4\x9b", 'q'}, {"\xd4\x9d", 'w'}, {"\xd3\x80", 'l'}, {"\xce\x91", 'a'}, {"\xce\x92", 'b'},
    {"\xce\x95", 'e'}, {"\xce\x97", 'h'}, {"\xce\x99", 'i'}, {"\xce\x9a", 'k'}, {"\xce\x9c", 'm'},
    {"\xce\x9d", 'n'}, {"\xce\x9f", 'o'}, {"\xce\xa1", 'p'}, {"\xce\xa4", 't'}, {"\xce\xa5", 'y'},
    {"\xce\xa7", 'x'}, {"\xce\xb1", 'a'}, {"\xce\xb5", 'e'}, {"\xce\xb9", 'i'}, {"\xce\xba", 'k'},
    {"\xce\xbd", 'v'}, {"\xce\xbf", 'o'}, {"\xcf\x81", 'p'}, {"\xcf\x84", 't'}, {"\xcf\x85", 'u'},
    {"\xcf\x87", 'x'}, {"\xcf\xb2", 'c'}, {"\xcf\xb3", 'j'}, {"\xd0\xb3", 'r'}, {"\xd0\xbf", 'n'},
    {"\xd0\x97", '3'}, {"\xd0\xb7", '3'}, {"\xd0\xb1", '6'},
};

size_t stix_disguise_letter(struct str rest, char *out)
{
    uint8_t lead = rest.len < 2 ? 0 : (uint8_t)rest.at[0];
    if (lead < 0xce || lead > 0xd4)
        return 0;
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++)
        if (memcmp(rest.at, alike[i].text, 2) == 0) {
            *out = alike[i].is;
            return 2;
        }
    return 0;
}

/* --- set apart --- */

enum { APART_MIN = 32 };

static bool is_letter(struct str text, size_t at)
{
    char c = at < text.len ? str_lower(text.at[at]) : 0;
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

static bool is_dash(struct str text, size_t at)
{
    return at < text.len && (text.at[at] == '-' || text.at[at] == '~');
}

/* Where the next one of them stands; 0: nowhere. Dashes need no blank. */
static size_t next_apart(struct str text, size_t at)
{
    bool close = is_dash(text, at) ? is_letter(text, at + 1) || is_dash(text, at + 1) : is_dash(text, at + 1);
    if (close)
        return at + 1;
    bool blank = at + 1 < text.len && text.at[at + 1] == ' ';
    return blank && (is_letter(text, at + 2) || is_dash(text, at + 2)) ? at + 2 : 0;
}

size_t stix_disguise_apart(struct str text, size_t at, size_t *out_next)
{
    size_t count = 0, end = 0;
    *out_next = at + 1;
    if (!is_letter(text, at) || (at > 0 && is_letter(text, at - 1)))
        return 0;
    for (size_t here = at; !(is_letter(text, here) && is_letter(text, here + 1));) {
        count += is_letter(text, here);
        end = here + 1;
        size_t next = next_apart(text, here);
        if (next == 0)
            break;
        here = next;
    }
    *out_next = end > at ? end : at + 1;
    return count >= APART_MIN ? end : 0;
}

/* --- base64 --- */

static int value_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+' || c == '-' ? 62
           : c == '/' || c == '_' ? 63
                                  : -1;
}

size_t stix_base64_take(struct str text, size_t *at, size_t end, char out[3])
{
    uint32_t bits = 0;
    size_t chars = 0;
    for (; chars < 4 && *at < end; chars++)
        bits = bits << 6 | (uint32_t)value_of(text.at[(*at)++]);
    bits <<= 6 * (4 - chars);
    for (size_t i = 0; i + 1 < chars; i++)
        out[i] = (char)(bits >> (16 - 8 * i) & 0xff);
    return chars < 2 ? 0 : chars - 1;
}

static bool is_seen(char c)
{
    return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
}

bool stix_base64_at(struct stix_base64 *scan, struct str text, size_t at, size_t *out_end)
{
    size_t end = at;
    char bytes[3];
    bool seen = true;
    if (at < scan->bad[at % 4] || (at > 0 && (is_letter(text, at - 1) || text.at[at - 1] == '+')))
        return false;
    while (seen && end < text.len && value_of(text.at[end]) >= 0) {
        size_t to = end, from = end;
        while (to < text.len && to < from + 4 && value_of(text.at[to]) >= 0)
            to++;
        size_t count = stix_base64_take(text, &end, to, bytes);
        seen = count > 0;
        for (size_t i = 0; i < count; i++)
            seen &= is_seen(bytes[i]);
    }
    *out_end = end;
    if (!seen || end - at < STIX_BASE64_MIN)
        scan->bad[at % 4] = end;
    return seen && end - at >= STIX_BASE64_MIN;
}

static vec base64(vec v)
{
    return (vec)((v | 0x20) - 'a' < 26) | (vec)(v - '0' < 10) | (vec)(v == '+') | (vec)(v == '/') |
           (vec)(v == '-') | (vec)(v == '_');
}

bool stix_base64_may(struct str text)
{
    bool any = false;
    size_t run = 0;
    if (text.len < STIX_BASE64_MIN)
        return false;
    for (size_t i = 0; i + VEC_SIZE <= text.len && !any; i += VEC_SIZE)
        any = vec_bits((vec)~base64(vec_load(text.at + i))) == 0;
    for (size_t i = 0; any && i < text.len; i++) {
        run = value_of(text.at[i]) < 0 ? 0 : run + 1;
        if (run >= STIX_BASE64_MIN)
            return true;
    }
    return false;
}
