#include "privacy/canon.h"

#include <string.h>

#include "privacy/scan.h"
#include "privacy/sign.h"

struct writing {
    char *out;
    size_t len;
};

static void put(struct writing *w, char c)
{
    if (w->len < PRIVACY_VALUE_MAX)
        w->out[w->len] = c;
    w->len++;
}

static void put_digits(struct writing *w, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (scan_digit_like((uint8_t)text.at[i]) >= 0)
            put(w, (char)('0' + scan_digit_like((uint8_t)text.at[i])));
}

static bool begins(const struct writing *w, const char *digits)
{
    return w->len <= PRIVACY_VALUE_MAX && str_starts((struct str) {w->out, w->len}, str_of(digits));
}

static void drop(struct writing *w, size_t count)
{
    memmove(w->out, w->out + count, w->len - count);
    w->len -= count;
}

/* Of a birth date with its century the last two digits of the year: 19901015-1234567. */
static void put_resident(struct writing *w, struct str text)
{
    enum { WITH_CENTURY = 15 };
    put_digits(w, text);
    if (w->len == WITH_CENTURY)
        drop(w, 2);
}

/* As it is called at home: +82 10, 0082 10 and +82 (0)10 are 010. No number at home begins with 82. */
static void put_korean(struct writing *w, struct str text)
{
    put_digits(w, text);
    if (begins(w, "0082"))
        drop(w, 2);
    if (w->len < 4 || !begins(w, "82"))
        return;
    drop(w, w->out[2] == '0' ? 2 : 1);
    w->out[0] = '0';
}

/* Without its country; an extension counts. */
static void put_american(struct writing *w, struct str text)
{
    enum { AT_HOME = 10 };
    size_t extension = 0;
    while (extension < text.len && (text.at[extension] | 0x20) != 'x')
        extension++;
    put_digits(w, (struct str) {text.at, extension});
    if (w->len > AT_HOME && begins(w, "00"))
        drop(w, 2);
    if (w->len == AT_HOME + 1 && begins(w, "1"))
        drop(w, 1);
    if (extension < text.len) {
        put(w, 'x');
        put_digits(w, (struct str) {text.at + extension, text.len - extension});
    }
}

/* No country begins with 0: what does is Vietnam's (zalo.me/0912345678), the only one that is found so. */
static void put_foreign(struct writing *w, struct str text)
{
    enum { AT_HOME = 10 };
    put(w, '+');
    put_digits(w, text);
    if (w->len != 1 + AT_HOME || w->out[1] != '0')
        return;
    memmove(w->out + 3, w->out + 2, AT_HOME - 1);
    memcpy(w->out + 1, (const char[]) {'8', '4'}, 2);
    w->len++;
}

static void put_letters(struct writing *w, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (scan_is_alnum((uint8_t)text.at[i]))
            put(w, scan_is_letter((uint8_t)text.at[i]) ? (char)(text.at[i] & ~0x20) : text.at[i]);
}

/* No provider tells addresses apart by the case of their letters, and quotes say nothing unless they must. */
static void put_address(struct writing *w, struct str text)
{
    size_t quote = mail_needless_quote(text);
    for (size_t at = quote > 0 ? 1 : 0, size; at < text.len; at += size) {
        struct str sign = {text.at + at, 1};
        size = 1;
        if (quote > 0 && at == quote)
            continue;
        size = mail_sign(text, at, &sign);
        size = size > 0 ? size : 1;
        for (size_t i = 0; i < sign.len; i++)
            put(w, str_lower(sign.at[i]));
    }
}

static void (*const writers[PRIVACY_KINDS])(struct writing *w, struct str text) = {
    [PRIVACY_KR_RRN] = put_resident,     [PRIVACY_KR_FRN] = put_resident,
    [PRIVACY_KR_PASSPORT] = put_letters, [PRIVACY_KR_LICENCE] = put_digits,
    [PRIVACY_KR_BUSINESS] = put_digits,  [PRIVACY_KR_PHONE] = put_korean,
    [PRIVACY_US_SSN] = put_digits,       [PRIVACY_US_PHONE] = put_american,
    [PRIVACY_PHONE] = put_foreign,       [PRIVACY_EMAIL] = put_address,
    [PRIVACY_CARD] = put_digits,
};

size_t canon_value(enum privacy_kind kind, struct str value, char out[PRIVACY_VALUE_MAX])
{
    struct writing w = {out, 0};
    struct stix_plain plain;
    if (writers[kind] == NULL || value.len == 0 || stix_plain_open(value, STIX_PLAIN_TEXT, &plain) != ERR_OK)
        return 0;
    if (plain.text.len > 0)
        writers[kind](&w, plain.text);
    stix_plain_close(&plain);
    return w.len <= PRIVACY_VALUE_MAX ? w.len : 0;
}
