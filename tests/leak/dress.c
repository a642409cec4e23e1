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
} dresses[] = {
    {"--", "-", "", false, false},
    {"--", "-", "", true, false},
    {"\xe2\x80\x93", "-", "", false, false},
    {"\xe2\x80\x94", "\xe2\x80\x91", "", false, false},
    {"\xe2\x80\x93\xe2\x80\x93", "\xe2\x80\x93", "", true, false},
    {"\xe2\x88\x92\xe2\x88\x92", "\xe2\x88\x92", "", false, false},
    {"\xe2\x80\x92\xe2\x80\x92", "\xe2\x80\x90", "", false, false},
    {"\\u2014", "\\u2013", "", false, false},
    {"%2D%2D", "-", "", false, false},
    {"%2d%2d", "%2D", "", true, false},
    {"%252D%252D", "%252d", "", false, false},
    {"%E2%80%93", "-", "", false, false},
    {"&#45;&#x2d;", "&#45;", "", false, false},
    {"&ndash;", "&hyphen;", "", false, false},
    {"&amp;mdash;", "-", "", false, false},
    {"\\\\u002d\\\\u002d", "\\\\u002d", "", false, false},
    {"\\\\x2d\\\\x2D", "-", "", false, false},
    {"--", "-", "&shy;", false, false},
    {"--", "-", "\xc2\xad", false, false},
    {"--", "-", "\\u00ad", false, false},
    {"--", "-", "\xe2\x80\x8b", false, false},
    {"--", "-", "\\u200d", false, false},
    {"--", "-", "\xe2\x80\x8c", true, false},
    {"--", "-", "\xe2\x81\xa0", false, false},
    {"--", "-", "\xef\xbb\xbf", false, false},
    {"--\\n", "-", "", false, false},
    {"-- ", "-", "", true, false},
    {"\\r\\n--", "-\\r\\n", "", false, false},
    {"-\\n-", "-", "", false, false},
    {" ", "-", "", false, false},
    {"\\n", "-", "", false, false},
    {"/", "-", "", false, false},
    {": ", "-", "", true, false},
    {"_", "-", "", false, false},
    {"--", "-", "", false, true},
    {"\xef\xbc\x8d\xef\xbc\x8d", "\xef\xbc\x8d", "", true, true},
    {"\\\\-\\\\-", "\\\\-", "", false, false},
    {"[-][-]", "[-]", "", false, false},
    {"**--**", "-", "", false, false},
    {"--{", "-", "", true, false},
    {"__", "-", "", false, false},
    {"~~", "~", "", false, false},
    {"\xe2\x80\xa2\xe2\x80\xa2", "\xc2\xb7", "", false, false},
    {"--", "-", "\xf3\xa0\x80\xa0", false, false},
    {"--", "-", "\\u0001", false, false},
    {"--", "", "", false, false},
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

void dress_write(unsigned which, const char *id, struct buf *out)
{
    const struct dress *dress = &dresses[which];
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

enum { LAYERS = 4 };

size_t dress_undo(char *text, size_t len)
{
    size_t kept = 0;
    for (int layer = 0; layer < LAYERS; layer++)
        len = strip(text, len);
    for (size_t i = 0; i < len; i++)
        if (strchr("%&#;\\", text[i]) == NULL)
            text[kept++] = text[i];
    return kept;
}
