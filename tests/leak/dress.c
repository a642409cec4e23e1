/* Identifiers as editors, mailers and web pages write them, and texts without all that. Written apart from
 * what it looks after: the reading takes everything away but letters and digits, so that no dash or blank can
 * hide a UUID. */
#include "leak.h"

#include <stdio.h>
#include <string.h>

/* --- writing --- */

/* As it stands in a JSON string. */
static const struct dress {
    const char *between, *dash;                      /* behind the type, within the UUID */
    const char *unseen;                              /* in the middle of words */
    bool upper, full;                                /* every other letter and digit in full width */
    enum disguise { OPEN, ALIKE, APART, BASE64 } as; /* letters drawn alike, one by one, or all in base64 */
} dresses[] = {
    {"--", "-", "", false, false, OPEN},
    {"--", "-", "", true, false, OPEN},
    {"\xe2\x80\x93", "-", "", false, false, OPEN},
    {"\xe2\x80\x94", "\xe2\x80\x91", "", false, false, OPEN},
    {"\xe2\x80\x93\xe2\x80\x93", "\xe2\x80\x93", "", true, false, OPEN},
    {"\xe2\x88\x92\xe2\x88\x92", "\xe2\x88\x92", "", false, false, OPEN},
    {"\xe2\x80\x92\xe2\x80\x92", "\xe2\x80\x90", "", false, false, OPEN},
    {"\\u2014", "\\u2013", "", false, false, OPEN},
    {"%2D%2D", "-", "", false, false, OPEN},
    {"%2d%2d", "%2D", "", true, false, OPEN},
    {"%252D%252D", "%252d", "", false, false, OPEN},
    {"%E2%80%93", "-", "", false, false, OPEN},
    {"&#45;&#x2d;", "&#45;", "", false, false, OPEN},
    {"&ndash;", "&hyphen;", "", false, false, OPEN},
    {"&amp;mdash;", "-", "", false, false, OPEN},
    {"\\\\u002d\\\\u002d", "\\\\u002d", "", false, false, OPEN},
    {"\\\\x2d\\\\x2D", "-", "", false, false, OPEN},
    {"--", "-", "&shy;", false, false, OPEN},
    {"--", "-", "\xc2\xad", false, false, OPEN},
    {"--", "-", "\\u00ad", false, false, OPEN},
    {"--", "-", "\xe2\x80\x8b", false, false, OPEN},
    {"--", "-", "\\u200d", false, false, OPEN},
    {"--", "-", "\xe2\x80\x8c", true, false, OPEN},
    {"--", "-", "\xe2\x81\xa0", false, false, OPEN},
    {"--", "-", "\xef\xbb\xbf", false, false, OPEN},
    {"--\\n", "-", "", false, false, OPEN},
    {"-- ", "-", "", true, false, OPEN},
    {"\\r\\n--", "-\\r\\n", "", false, false, OPEN},
    {"-\\n-", "-", "", false, false, OPEN},
    {" ", "-", "", false, false, OPEN},
    {"\\n", "-", "", false, false, OPEN},
    {"/", "-", "", false, false, OPEN},
    {": ", "-", "", true, false, OPEN},
    {"_", "-", "", false, false, OPEN},
    {"--", "-", "", false, true, OPEN},
    {"\xef\xbc\x8d\xef\xbc\x8d", "\xef\xbc\x8d", "", true, true, OPEN},
    {"\\\\-\\\\-", "\\\\-", "", false, false, OPEN},
    {"[-][-]", "[-]", "", false, false, OPEN},
    {"**--**", "-", "", false, false, OPEN},
    {"--{", "-", "", true, false, OPEN},
    {"__", "-", "", false, false, OPEN},
    {"~~", "~", "", false, false, OPEN},
    {"\xe2\x80\xa2\xe2\x80\xa2", "\xc2\xb7", "", false, false, OPEN},
    {"--", "-", "\xf3\xa0\x80\xa0", false, false, OPEN},
    {"--", "-", "\\u0001", false, false, OPEN},
    {"--", "", "", false, false, OPEN},
    {"--", "-", "", false, false, ALIKE},
    {"\xe2\x80\x94", "-", "", true, false, ALIKE},
    {"--", "-", "", false, false, APART},
    {"- - ", " - ", "", true, false, APART},
    {"--", "-", "", false, false, BASE64},
    {"--", "-", "", true, false, BASE64},
};

unsigned dress_count(void)
{
    return sizeof dresses / sizeof *dresses;
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

static void write_open(const struct dress *dress, const char *id, struct buf *out);

void dress_write(unsigned which, const char *id, struct buf *out)
{
    struct buf plain;
    buf_init(&plain, 4096);
    write_open(&dresses[which], id, &plain);
    struct str text = buf_str(&plain);
    if (dresses[which].as == BASE64)
        put_base64(text, out);
    else if (dresses[which].as == OPEN)
        buf_put_str(out, text);
    for (size_t i = 0; i < text.len && dresses[which].as == ALIKE; i++)
        put_alike(text.at[i], out);
    for (size_t i = 0; i < text.len && dresses[which].as == APART; i++) {
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

static size_t read_one(const char *at, const char *end, unsigned *out)
{
    const uint8_t *c = (const uint8_t *)at;
    size_t size = 0;
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

/* One layer of escapes: 0 means that there was none. What is neither a letter, a digit nor the beginning of
 * an escape goes. */
static size_t strip(char *text, size_t len)
{
    size_t kept = 0;
    for (size_t at = 0; at < len;) {
        unsigned c;
        at += read_one(text + at, text + len, &c);
        bool counts = c < 0x80 && c != 0 && strchr("%&#;\\", (int)c) != NULL;
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
        if (strchr("%&#;\\", text[i]) == NULL)
            text[kept++] = text[i];
    return kept;
}
