#include "stix/disguise.h"

#include "core/vec.h"

/* --- letters that are drawn alike --- */

enum { NOTHING = 0 };

/* In order of code points; of a run each is the next of `cycle` letters or digits. */
static const struct alike {
    uint32_t first, last;
    char is;
    uint8_t cycle;
} alike[] = {
    {0xab, 0xab, '"', 1},         {0xb2, 0xb3, '2', 2},
    {0xb9, 0xb9, '1', 1},         {0xbb, 0xbb, '"', 1},
    {0x131, 0x131, 'i', 1},       {0x251, 0x251, 'a', 1},
    {0x261, 0x261, 'g', 1},       {0x300, 0x34e, NOTHING, 1}, /* marks upon letters */
    {0x350, 0x36f, NOTHING, 1},   {0x391, 0x391, 'a', 1},
    {0x392, 0x392, 'b', 1},       {0x395, 0x395, 'e', 1},
    {0x397, 0x397, 'h', 1},       {0x399, 0x399, 'i', 1},
    {0x39a, 0x39a, 'k', 1},       {0x39c, 0x39c, 'm', 1},
    {0x39d, 0x39d, 'n', 1},       {0x39f, 0x39f, 'o', 1},
    {0x3a1, 0x3a1, 'p', 1},       {0x3a4, 0x3a4, 't', 1},
    {0x3a5, 0x3a5, 'y', 1},       {0x3a7, 0x3a7, 'x', 1},
    {0x3b1, 0x3b1, 'a', 1},       {0x3b5, 0x3b5, 'e', 1},
    {0x3b9, 0x3b9, 'i', 1},       {0x3ba, 0x3ba, 'k', 1},
    {0x3bd, 0x3bd, 'v', 1},       {0x3bf, 0x3bf, 'o', 1},
    {0x3c1, 0x3c1, 'p', 1},       {0x3c4, 0x3c4, 't', 1},
    {0x3c5, 0x3c5, 'u', 1},       {0x3c7, 0x3c7, 'x', 1},
    {0x3f2, 0x3f2, 'c', 1},       {0x3f3, 0x3f3, 'j', 1},
    {0x405, 0x405, 's', 1},       {0x406, 0x406, 'i', 1},
    {0x408, 0x408, 'j', 1},       {0x410, 0x410, 'a', 1},
    {0x412, 0x412, 'b', 1},       {0x415, 0x415, 'e', 1},
    {0x417, 0x417, '3', 1},       {0x41a, 0x41a, 'k', 1},
    {0x41c, 0x41c, 'm', 1},       {0x41d, 0x41d, 'h', 1},
    {0x41e, 0x41e, 'o', 1},       {0x420, 0x420, 'p', 1},
    {0x421, 0x421, 'c', 1},       {0x422, 0x422, 't', 1},
    {0x423, 0x423, 'y', 1},       {0x425, 0x425, 'x', 1},
    {0x42c, 0x42c, 'b', 1},       {0x430, 0x430, 'a', 1},
    {0x431, 0x431, '6', 1},       {0x433, 0x433, 'r', 1},
    {0x435, 0x435, 'e', 1},       {0x437, 0x437, '3', 1},
    {0x43a, 0x43a, 'k', 1},       {0x43c, 0x43c, 'm', 1},
    {0x43e, 0x43e, 'o', 1},       {0x43f, 0x43f, 'n', 1},
    {0x440, 0x440, 'p', 1},       {0x441, 0x441, 'c', 1},
    {0x442, 0x442, 't', 1},       {0x443, 0x443, 'y', 1},
    {0x445, 0x445, 'x', 1},       {0x44c, 0x44c, 'b', 1},
    {0x455, 0x455, 's', 1},       {0x456, 0x456, 'i', 1},
    {0x458, 0x458, 'j', 1},       {0x475, 0x475, 'v', 1},
    {0x4af, 0x4af, 'y', 1},       {0x4bb, 0x4bb, 'h', 1},
    {0x4c0, 0x4c0, 'l', 1},       {0x4cf, 0x4cf, 'l', 1},
    {0x501, 0x501, 'd', 1},       {0x51b, 0x51b, 'q', 1},
    {0x51d, 0x51d, 'w', 1},       {0x570, 0x570, 'h', 1},
    {0x578, 0x578, 'n', 1},       {0x585, 0x585, 'o', 1},
    {0x660, 0x669, '0', 10}, /* digits of other scripts */
    {0x6f0, 0x6f9, '0', 10},      {0x966, 0x96f, '0', 10},
    {0x9e6, 0x9ef, '0', 10},      {0xe50, 0xe59, '0', 10},
    {0x2018, 0x201f, '"', 1},     /* quotes */ {0x2070, 0x2070, '0', 1}, /* raised and lowered digits */
    {0x2074, 0x2079, '4', 6},     {0x2080, 0x2089, '0', 10},
    {0x20d0, 0x20f0, NOTHING, 1}, {0x210e, 0x210e, 'h', 1},
    {0x2170, 0x2170, 'i', 1}, /* Roman numerals */
    {0x2174, 0x2174, 'v', 1},     {0x2179, 0x2179, 'x', 1},
    {0x217c, 0x217c, 'l', 1},     {0x217d, 0x217d, 'c', 1},
    {0x217e, 0x217e, 'd', 1},     {0x217f, 0x217f, 'm', 1},
    {0x2460, 0x2468, '1', 9}, /* in circles and parentheses */
    {0x249c, 0x24b5, 'a', 26},    {0x24b6, 0x24cf, 'a', 26},
    {0x24d0, 0x24e9, 'a', 26},    {0x24ea, 0x24ea, '0', 1},
    {0x1d400, 0x1d6a3, 'a', 26}, /* bold, italic, script, double-struck, monospace */
    {0x1d7ce, 0x1d7ff, '0', 10},  {0x1f130, 0x1f149, 'a', 26}, /* squares, and the letters of flags */
    {0x1f150, 0x1f169, 'a', 26},  {0x1f170, 0x1f189, 'a', 26},
    {0x1f1e6, 0x1f1ff, 'a', 26},
};

enum { ALIKE = sizeof alike / sizeof *alike };

size_t stix_disguise_code(struct str rest, uint32_t *out)
{
    static const uint8_t least[5] = {0, 0, 0xc2, 0xe0, 0xf0};
    uint8_t lead = rest.len == 0 ? 0 : (uint8_t)rest.at[0];
    size_t size = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (size == 0 || rest.len < size)
        return 0;
    uint32_t code = (uint32_t)(lead - least[size] + (size == 2 ? 2 : 0));
    for (size_t i = 1; i < size; i++) {
        if (((uint8_t)rest.at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | ((uint8_t)rest.at[i] & 0x3f);
    }
    *out = code;
    return size;
}

size_t stix_disguise_letter(struct str rest, char *out)
{
    uint32_t code;
    size_t low = 0, high = ALIKE, size = stix_disguise_code(rest, &code);
    while (size > 0 && low < high) {
        size_t mid = low + (high - low) / 2;
        if (alike[mid].last < code)
            low = mid + 1;
        else
            high = mid;
    }
    if (size == 0 || low == ALIKE || alike[low].first > code)
        return 0;
    *out = (char)(alike[low].is + (char)((code - alike[low].first) % alike[low].cycle));
    return size;
}

/* c2: raised digits; c4, c9: Latin; ce..d5: Greek, Cyrillic, Armenian; d9, db, e0: digits; e2: signs; ef:
 * full width; f0: bold, squares. */
bool stix_disguise_leads(uint8_t byte)
{
    return byte == 0xef || (byte >= 0xce && byte <= 0xd5) || byte == 0xf0 || byte == 0xe2 || byte == 0xc2 ||
           byte == 0xd9 || byte == 0xdb || byte == 0xe0;
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
