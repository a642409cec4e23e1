/* Identifiers as editors, mailers and web pages write them, and texts without all that. Written apart from
 * what it looks after: the reading takes everything away but letters and digits, so that no dash or blank can
 * hide a UUID. */
#include "leak.h"

#include <stdio.h>
#include <string.h>

/* --- writing --- */

/* As it stands in a JSON string. */
static const struct dress {
    const char *between, *dash; /* behind the type, within the UUID */
    const char *unseen;         /* in the middle of words */
    bool upper, full;           /* every other letter and digit in full width */
    /* Letters drawn alike, one by one, all in base64; in bold, digits of Arabic, struck through, words apart.
     */
    enum disguise { OPEN, ALIKE, APART, BASE64, BOLD, ARABIC, STRUCK, WORDS } as;
    enum leak plant; /* planted, it is worn by all: else most worlds would not have it */
} dresses[] = {
    {"--", "-", "", false, false, OPEN, LEAK_NONE},
    {"--", "-", "", true, false, OPEN, LEAK_NONE},
    {"\xe2\x80\x93", "-", "", false, false, OPEN, LEAK_NONE},
    {"\xe2\x80\x94", "\xe2\x80\x91", "", false, false, OPEN, LEAK_NONE},
    {"\xe2\x80\x93\xe2\x80\x93", "\xe2\x80\x93", "", true, false, OPEN, LEAK_NONE},
    {"\xe2\x88\x92\xe2\x88\x92", "\xe2\x88\x92", "", false, false, OPEN, LEAK_NONE},
    {"\xe2\x80\x92\xe2\x80\x92", "\xe2\x80\x90", "", false, false, OPEN, LEAK_NONE},
    {"\\u2014", "\\u2013", "", false, false, OPEN, LEAK_NONE},
    {"%2D%2D", "-", "", false, false, OPEN, LEAK_NONE},
    {"%2d%2d", "%2D", "", true, false, OPEN, LEAK_NONE},
    {"%252D%252D", "%252d", "", false, false, OPEN, LEAK_NONE},
    {"%E2%80%93", "-", "", false, false, OPEN, LEAK_NONE},
    {"&#45;&#x2d;", "&#45;", "", false, false, OPEN, LEAK_NONE},
    {"&ndash;", "&hyphen;", "", false, false, OPEN, LEAK_NONE},
    {"&amp;mdash;", "-", "", false, false, OPEN, LEAK_NONE},
    {"\\\\u002d\\\\u002d", "\\\\u002d", "", false, false, OPEN, LEAK_NONE},
    {"\\\\x2d\\\\x2D", "-", "", false, false, OPEN, LEAK_NONE},
    {"--", "-", "&shy;", false, false, OPEN, LEAK_NONE},
    {"--", "-", "\xc2\xad", false, false, OPEN, LEAK_NONE},
    {"--", "-", "\\u00ad", false, false, OPEN, LEAK_NONE},
    {"--", "-", "\xe2\x80\x8b", false, false, OPEN, LEAK_NONE},
    {"--", "-", "\\u200d", false, false, OPEN, LEAK_NONE},
    {"--", "-", "\xe2\x80\x8c", true, false, OPEN, LEAK_NONE},
    {"--", "-", "\xe2\x81\xa0", false, false, OPEN, LEAK_NONE},
    {"--", "-", "\xef\xbb\xbf", false, false, OPEN, LEAK_NONE},
    {"--\\n", "-", "", false, false, OPEN, LEAK_NONE},
    {"-- ", "-", "", true, false, OPEN, LEAK_NONE},
    {"\\r\\n--", "-\\r\\n", "", false, false, OPEN, LEAK_NONE},
    {"-\\n-", "-", "", false, false, OPEN, LEAK_NONE},
    {" ", "-", "", false, false, OPEN, LEAK_NONE},
    {"\\n", "-", "", false, false, OPEN, LEAK_NONE},
    {"/", "-", "", false, false, OPEN, LEAK_NONE},
    {": ", "-", "", true, false, OPEN, LEAK_NONE},
    {"_", "-", "", false, false, OPEN, LEAK_NONE},
    {"--", "-", "", false, true, OPEN, LEAK_NONE},
    {"\xef\xbc\x8d\xef\xbc\x8d", "\xef\xbc\x8d", "", true, true, OPEN, LEAK_NONE},
    {"\\\\-\\\\-", "\\\\-", "", false, false, OPEN, LEAK_NONE},
    {"[-][-]", "[-]", "", false, false, OPEN, LEAK_NONE},
    {"**--**", "-", "", false, false, OPEN, LEAK_NONE},
    {"--{", "-", "", true, false, OPEN, LEAK_NONE},
    {"__", "-", "", false, false, OPEN, LEAK_NONE},
    {"~~", "~", "", false, false, OPEN, LEAK_NONE},
    {"\xe2\x80\xa2\xe2\x80\xa2", "\xc2\xb7", "", false, false, OPEN, LEAK_NONE},
    {"--", "-", "\xf3\xa0\x80\xa0", false, false, OPEN, LEAK_NONE},
    {"--", "-", "\\u0001", false, false, OPEN, LEAK_NONE},
    {"--", "", "", false, false, OPEN, LEAK_NONE},
    {"--", "-", "", false, false, ALIKE, LEAK_NONE},
    {"\xe2\x80\x94", "-", "", true, false, ALIKE, LEAK_NONE},
    {"--", "-", "", false, false, APART, LEAK_NONE},
    {"- - ", " - ", "", true, false, APART, LEAK_NONE},
    {"--", "-", "", false, false, BASE64, LEAK_NONE},
    {"--", "-", "", true, false, BASE64, LEAK_NONE},
    {"__", "_", "", false, false, OPEN, LEAK_LOOSE},
    {"--", ".", "", true, false, OPEN, LEAK_LOOSE},
    {"--", " ", "", false, false, OPEN, LEAK_LOOSE},
    {"--", "-", "\xc2\xa0", false, false, OPEN, LEAK_LOOSE},
    {"--", "-", "\\u2003", true, false, OPEN, LEAK_LOOSE},
    {"--\\n> ", "-\\n>> ", "", false, false, OPEN, LEAK_NONE},
    {"&#45&#45", "&#45", "", false, false, OPEN, LEAK_NONE},
    {"&#x2d&#x2D", "&#x2d", "", true, false, OPEN, LEAK_NONE},
    {"%u002D%u002d", "%u2011", "", false, false, OPEN, LEAK_ESCAPED},
    {"\\\\u{2d}\\\\u{2D}", "\\\\x{2d}", "", false, false, OPEN, LEAK_ESCAPED},
    {"+AC0ALQ-", "+AC0-", "", false, false, OPEN, LEAK_UTF7},
    {"=E2=80=94", "=E2=80=91", "", false, false, OPEN, LEAK_QUOTED},
    {"--", "-", "<span class='x'>", false, false, OPEN, LEAK_MARKUP},
    {"--", "-", "<!-- x -->", true, false, OPEN, LEAK_MARKUP},
    {"\xcb\x97\xcb\x97", "\xe2\x9e\x96", "", false, false, OPEN, LEAK_NONE},
    {"--", "-", "\xe1\xa0\x8b", false, false, OPEN, LEAK_NONE},
    {"--", "-", "", true, false, BOLD, LEAK_BOLD},
    {"--", "-", "", false, false, ARABIC, LEAK_DIGITS},
    {"--", "-", "", false, false, STRUCK, LEAK_STRUCK},
    {"--", "-", "", false, false, WORDS, LEAK_WORDS},
    {": ", "-", "", true, false, WORDS, LEAK_WORDS},
    {"--", ":", "", false, false, OPEN, LEAK_LOOSE},
    {"--urn:uuid:", "-", "", false, false, OPEN, LEAK_NONE},
    {"--0x", "", "", false, false, OPEN, LEAK_NONE},
    {"==", "-", "", false, false, OPEN, LEAK_NONE},
    {"::", "-", "", true, false, OPEN, LEAK_NONE},
    {" id ", "-", "", false, false, OPEN, LEAK_NONE},
    {"_id: ", "-", "", false, false, OPEN, LEAK_NONE},
    {"--\\n// ", "-\\n * ", "", false, false, OPEN, LEAK_NONE},
    {"--", "\\\\\\n-", "", true, false, OPEN, LEAK_NONE},
};

unsigned dress_pick(unsigned dice)
{
    enum { DRESSES = sizeof dresses / sizeof *dresses };
    unsigned worn[DRESSES], count = 0;
    for (unsigned i = 0; i < DRESSES; i++)
        if (planted() != LEAK_NONE && dresses[i].plant == planted())
            worn[count++] = i;
    return count > 0 ? worn[dice % count] : dice % DRESSES;
}

void dress_write_alone(unsigned dice, const char *id, struct buf *out)
{
    static const char *const before[] = {"", "x", "urn:uuid:", "(", "id "};
    static const char *const dashes[] = {"-", "", ":", "_", " ", "/", "\\u2013", ", "};
    unsigned which = dice % 5, dash = dice / 5 % 8;
    buf_put_str(out, str_of(before[which]));
    for (const char *at = id + strlen(id) - 36; *at != '\0'; at++)
        if (*at == '-')
            buf_put_str(out, str_of(dashes[dash]));
        else
            buf_putc(out, *at);
}

static void put_letter(const struct dress *dress, char c, bool full, struct buf *out)
{
    c = dress->upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    if (!full)
        buf_putc(out, c);
    else if (c < '`')
        buf_printf(out, "\xef\xbc%c", (char)(c + 0x60));
    else
        buf_printf(out, "\xef\xbd%c", (char)(c + 0x20));
}

/* Cyrillic letters that nobody tells apart from these. */
static const struct alike {
    char is;
    uint8_t bytes[2];
} alikes[] = {{'a', {0xd0, 0xb0}}, {'c', {0xd1, 0x81}}, {'e', {0xd0, 0xb5}}, {'o', {0xd0, 0xbe}},
              {'i', {0xd1, 0x96}}, {'d', {0xd4, 0x81}}, {'A', {0xd0, 0x90}}, {'C', {0xd0, 0xa1}},
              {'E', {0xd0, 0x95}}, {'O', {0xd0, 0x9e}}, {'B', {0xd0, 0x92}}};

static void put_alike(char c, struct buf *out)
{
    for (size_t i = 0; i < sizeof alikes / sizeof *alikes; i++)
        if (alikes[i].is == c) {
            buf_put(out, alikes[i].bytes, 2);
            return;
        }
    buf_putc(out, c);
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void put_base64(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i += 3) {
        unsigned bits = 0;
        size_t left = text.len - i < 3 ? text.len - i : 3;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < left ? (uint8_t)text.at[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_putc(out, k <= left ? base64[bits >> (18 - 6 * k) & 63] : '=');
    }
}

/* U+1D5D4 and U+1D5EE: bold letters without serifs; U+1D7EC: digits of these. */
static void put_bold(char c, struct buf *out)
{
    unsigned code = c >= '0' && c <= '9'   ? 0x1d7ecu + (unsigned)(c - '0')
                    : c >= 'A' && c <= 'Z' ? 0x1d5d4u + (unsigned)(c - 'A')
                    : c >= 'a' && c <= 'z' ? 0x1d5eeu + (unsigned)(c - 'a')
                                           : 0;
    if (code == 0)
        buf_putc(out, c);
    else
        buf_printf(out, "\xf0%c%c%c", (char)(0x80 | code >> 12), (char)(0x80 | (code >> 6 & 0x3f)),
                   (char)(0x80 | (code & 0x3f)));
}

/* One character in its disguise. */
static void put_disguised(enum disguise as, char c, struct buf *out)
{
    if (as == ALIKE)
        put_alike(c, out);
    else if (as == BOLD)
        put_bold(c, out);
    else if (as == ARABIC && c >= '0' && c <= '9')
        buf_printf(out, "\xd9%c", (char)(0xa0 + (c - '0')));
    else
        buf_printf(out, "%c%s", c, as == STRUCK ? "\xcc\xb6" : "");
}

static void write_open(const struct dress *dress, const char *id, struct buf *out);

void dress_write(unsigned which, const char *id, struct buf *out)
{
    struct buf plain;
    buf_init(&plain, 4096);
    write_open(&dresses[which], id, &plain);
    struct str text = buf_str(&plain);
    enum disguise as = dresses[which].as;
    if (as == BASE64)
        put_base64(text, out);
    else if (as == OPEN || as == WORDS)
        buf_put_str(out, text);
    for (size_t i = 0; i < text.len && (as == ALIKE || as >= BOLD) && as != WORDS; i++)
        put_disguised(as, text.at[i], out);
    for (size_t i = 0; i < text.len && as == APART; i++) {
        bool blank = i > 0 && text.at[i] != ' ' && text.at[i - 1] != ' ';
        buf_printf(out, "%s%c", blank ? " " : "", text.at[i]);
    }
    buf_deinit(&plain);
}

static void write_open(const struct dress *dress, const char *id, struct buf *out)
{
    size_t dashes = strlen(id) - 38; /* where its UUID's two begin */
    for (size_t i = 0; id[i] != '\0'; i++) {
        if (i == dashes)
            buf_put_str(out, str_of(dress->between));
        if (i == 2 || i == dashes + 7)
            buf_put_str(out, str_of(dress->unseen));
        if (i > dashes + 1 && id[i] == '-')
            buf_put_str(out, str_of(dress->dash));
        else if (i < dashes && id[i] == '-' && dress->as == WORDS)
            buf_putc(out, ' ');
        else if (i != dashes && i != dashes + 1)
            put_letter(dress, id[i], dress->full && id[i] != '-' && i % 2 == 1, out);
    }
}

/* --- reading --- */

/* Reads one character, or what an escape stands for; `*out` 0: nothing that counts here. Bytes that it takes.
 */
static size_t read_hex(const char *at, const char *end, size_t digits, unsigned *out)
{
    char text[8] = {0};
    if ((size_t)(end - at) < digits)
        return 0;
    memcpy(text, at, digits);
    int used = 0;
    return strspn(text, "0123456789abcdefABCDEF") == digits && sscanf(text, "%x%n", out, &used) == 1 ? digits
                                                                                                     : 0;
}

static size_t read_entity(const char *at, const char *end, unsigned *out)
{
    const char *semicolon = memchr(at, ';', (size_t)(end - at));
    char text[16] = {0};
    if (semicolon == NULL || semicolon - at > 10)
        return 0;
    memcpy(text, at, (size_t)(semicolon - at));
    if (strcmp(text, "amp") == 0)
        *out = '&';
    else if (sscanf(text, "#x%x", out) != 1 && sscanf(text, "#%u", out) != 1)
        *out = 0;
    return (size_t)(semicolon + 1 - at);
}

static bool starts(const char *at, const char *end, const char *with)
{
    size_t len = strlen(with);
    return (size_t)(end - at) >= len && memcmp(at, with, len) == 0;
}

/* What stands for a dash or for nothing, and has letters or digits of its own. Bytes; 0: it is none. */
static size_t read_noise(const char *at, const char *end)
{
    static const char *const noise[] = {
        "&#45",  "&#x2d", "&#x2D", "+AC0ALQ-",  "+AC0-",     "%u002D",           "%u002d",    "%u2011",
        "u{2d}", "u{2D}", "x{2d}", "=E2=80=94", "=E2=80=91", "<span class='x'>", "<!-- x -->"};
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        if (starts(at, end, noise[i]))
            return strlen(noise[i]);
    return 0;
}

/* Bold letters and digits, digits of Arabic. */
static size_t read_disguised(const uint8_t *c, size_t left, unsigned *out)
{
    if (left >= 2 && c[0] == 0xd9 && c[1] >= 0xa0 && c[1] <= 0xa9) {
        *out = '0' + c[1] - 0xa0u;
        return 2;
    }
    if (left < 4 || c[0] != 0xf0 || c[1] != 0x9d)
        return 0;
    unsigned code = 0x1d000u | (c[2] & 0x3fu) << 6 | (c[3] & 0x3fu);
    *out = code >= 0x1d7ec && code < 0x1d7f6   ? '0' + code - 0x1d7ec
           : code >= 0x1d5d4 && code < 0x1d5ee ? 'A' + code - 0x1d5d4
           : code >= 0x1d5ee && code < 0x1d608 ? 'a' + code - 0x1d5ee
                                               : 0;
    return 4;
}

static size_t read_one(const char *at, const char *end, unsigned *out)
{
    const uint8_t *c = (const uint8_t *)at;
    size_t size = read_noise(at, end);
    *out = size > 0 ? '-' : 0;
    if (size > 0 || (size = read_disguised(c, (size_t)(end - at), out)) > 0)
        return size;
    *out = c[0];
    if (c[0] == '\\' && end - at > 1) {
        bool wide = at[1] == 'u';
        size = wide || at[1] == 'x' ? read_hex(at + 2, end, wide ? 4 : 2, out) : 0;
        *out = size > 0 ? *out : at[1] == '\\' ? '\\' : 0;
        return 2 + size;
    }
    if (c[0] == '%' && (size = read_hex(at + 1, end, 2, out)) > 0)
        return 1 + size;
    if (c[0] == '&' && (size = read_entity(at + 1, end, out)) > 0)
        return 1 + size;
    for (size_t i = 0; end - at > 1 && i < sizeof alikes / sizeof *alikes; i++)
        if (memcmp(c, alikes[i].bytes, 2) == 0) {
            *out = (unsigned)alikes[i].is;
            return 2;
        }
    if (end - at > 2 && c[0] == 0xef && (c[1] == 0xbc || c[1] == 0xbd)) {
        *out = c[1] == 0xbc ? c[2] - 0x60u : c[2] - 0x20u;
        return 3;
    }
    return 1;
}

/* One layer of escapes: 0 means that there was none. What is neither a letter, a digit nor a part of an
 * escape (of a dash: \\-) goes. */
static size_t strip(char *text, size_t len)
{
    size_t kept = 0;
    for (size_t at = 0; at < len;) {
        unsigned c;
        at += read_one(text + at, text + len, &c);
        bool counts = c < 0x80 && c != 0 && strchr("%&#;\\-", (int)c) != NULL;
        if (counts || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && c < 0x80))
            text[kept++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return kept;
}

/* Base64 that is long enough for an identifier and says nothing but what can be seen, in the place of itself,
 * with blanks behind it. */
static bool undo_base64(char *text, size_t len)
{
    char said[4096];
    unsigned bits = 0;
    size_t count = 0, at = 0;
    for (; at < len && text[at] != '\0' && strchr(base64, text[at]) != NULL && count < sizeof said; at++) {
        bits = bits << 6 | (unsigned)(strchr(base64, text[at]) - base64);
        if (at % 4 == 0)
            continue;
        said[count] = (char)(bits >> (6 - 2 * (at % 4)) & 0xff);
        if (said[count] < ' ' || said[count++] > '~')
            return false;
    }
    if (count < 40)
        return false;
    memset(text, ' ', at);
    memcpy(text, said, count);
    return true;
}

enum { LAYERS = 4 };

size_t dress_undo(char *text, size_t len)
{
    size_t kept = 0;
    for (size_t at = 1; at < len; at++)
        if (strchr("/ \"", text[at - 1]) != NULL)
            (void)undo_base64(text + at, len - at);
    for (int layer = 0; layer < LAYERS; layer++)
        len = strip(text, len);
    for (size_t i = 0; i < len; i++)
        if (strchr("%&#;\\-", text[i]) == NULL)
            text[kept++] = text[i];
    return kept;
}
