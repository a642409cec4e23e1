#include "verify/verify.h"

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
    return !named || line.at[0] < '1' || line.at[0] > '3' ? 0 : line.at[0] == '1' ? 1 : 2;
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

/* RFC 3629: the number of bytes of the character that begins here, 0 when none does. */
static size_t character(struct span s)
{
    uint8_t c = s.at[0];
    size_t len = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (len > s.len)
        return 0;
    uint32_t rune = len < 2 ? c : c & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s.at[i] & 0xc0) != 0x80)
            return 0;
        rune = rune << 6 | (s.at[i] & 0x3fu);
    }
    bool surrogate = rune >= 0xd800 && rune < 0xe000;
    bool longer = (len == 3 && rune < 0x800) || (len == 4 && (rune < 0x10000 || rune > 0x10ffff));
    return surrogate || longer ? 0 : len;
}

bool verify_text_ok(struct span s)
{
    struct span one = {NULL, 1};
    while (s.len > 0 && one.len > 0)
        if (!verify_take(&s, character(s), &one) || (one.len > 0 && one.at[0] < 0x20 && one.at[0] != '\n'))
            return false;
    return one.len > 0;
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
    time_t time = seconds > INT64_MAX ? INT64_MAX : (time_t)seconds;
    const struct tm *tm = gmtime(&time);
    char text[40];
    if (tm == NULL || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", tm) != 19)
        (void)snprintf(text, sizeof text, "9999-12-31T23:59:59"); /* as the node prints what is later */
    (void)snprintf(out, VERIFY_TIME, "%.19s.%06uZ", text, us % 1000000);
}
