#include "verify/verify.h"

#include <openssl/asn1.h>
#include <stdarg.h>
#include <time.h>

bool verify_refuse(struct verify *v, const char *fmt, ...)
{
    if (v->why[0] == '\0') {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(v->why, sizeof v->why, fmt, args);
        va_end(args);
    }
    return false;
}

bool verify_cut(struct span *rest, char end, struct span *out)
{
    struct span one;
    const uint8_t *found = rest->len == 0 ? NULL : memchr(rest->at, end, rest->len);
    return found != NULL && verify_take(rest, (uint64_t)(found - rest->at), out) &&
           verify_take(rest, 1, &one);
}

bool verify_take(struct span *rest, uint64_t len, struct span *out)
{
    if (len > rest->len)
        return false;
    *out = (struct span) {rest->at, (size_t)len};
    *rest = (struct span) {rest->at + len, rest->len - (size_t)len};
    return true;
}

bool verify_head_take(struct span *s, const char *head)
{
    struct span taken, rest = *s;
    bool found = verify_take(&rest, strlen(head), &taken) && verify_same(taken, verify_span_of(head));
    *s = found ? rest : *s;
    return found;
}

unsigned verify_suite(struct span line, const char *form)
{
    bool named = verify_head_take(&line, form) && verify_head_take(&line, "/suite") && line.len == 1;
    return !named || line.at[0] < '1' || line.at[0] > '5' ? 0 : (unsigned)(line.at[0] - '0') / 2 + 1;
}

bool verify_number(struct span s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    bool good = s.len == 1 || (s.len > 1 && s.at[0] != '0');
    for (size_t i = 0; good && i < s.len; i++) {
        unsigned digit = (unsigned)s.at[i] - '0';
        good = digit <= 9 && digit <= max && value <= (max - digit) / 10;
        value = value * 10 + digit;
    }
    *out = good ? value : *out;
    return good;
}

/* libsodium's decoder refuses missing padding and unused bits that are not zero, but takes bytes above 127.
 */
bool verify_base64(struct span s, uint8_t *out, size_t size, size_t *out_len)
{
    bool good = s.len > 0;
    for (size_t i = 0; i < s.len; i++)
        good = good && s.at[i] <= 0x7f;
    return good && sodium_base642bin(out, size, (const char *)s.at, s.len, NULL, out_len, NULL,
                                     sodium_base64_VARIANT_ORIGINAL) == 0;
}

/* OpenSSL's decoder refuses what RFC 3629 does: longer spellings, surrogates, what ends too early. */
bool verify_text_ok(struct span s)
{
    struct span one = {NULL, 1};
    unsigned long rune = '\n';
    while (s.len > 0 && one.len > 0 && (rune >= 0x20 || rune == '\n')) {
        int len = UTF8_getc(s.at, (int)s.len, &rune);
        (void)verify_take(&s, len < 0 ? 0 : (uint64_t)len, &one);
    }
    return one.len > 0 && (rune >= 0x20 || rune == '\n');
}

bool verify_name(struct span s, char out[VERIFY_NAME_MAX + 1])
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    if (s.len == 0 || s.len > VERIFY_NAME_MAX)
        return false;
    memcpy(out, s.at, s.len);
    out[s.len] = '\0';
    return out[0] != '.' && strspn(out, allowed) == s.len;
}

uint64_t verify_u(const uint8_t *at, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | at[i];
    return value;
}

void verify_time(uint64_t seconds, unsigned us, char out[VERIFY_TIME])
{
    const struct tm *tm = gmtime(&(time_t) {(time_t)seconds});
    if (tm == NULL || strftime(out, VERIFY_TIME, "%Y-%m-%dT%H:%M:%S", tm) != 19)
        (void)snprintf(out, VERIFY_TIME, "9999-12-31T23:59:59"); /* as the node prints what is later */
    (void)snprintf(out + 19, VERIFY_TIME - 19, ".%06uZ", us % 1000000);
}
