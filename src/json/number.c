/* Numbers that every parser reads alike: their decimal value is the one that the nearest double is written
 * back as. */
#include "json/number.h"
#include "json/json.h"
#include "json/skip.h"
#include "json/tape.h"

/* ECMAScript writes 10^18..10^21 without an exponent; what is beyond 64 bits there, no integer type reads
 * back. */
enum { PLAIN_FIRST = 19, PLAIN_LAST = 21 };
enum { DIGITS_MAX = 17, DIGITS_EXACT = 15, EXPONENT_EASY = 290, EXPONENT_MAX = 100000 };

/* 0.digits * 10^n without zeros at either end; a value of zero has no digits. */
struct decimal {
    char digits[DIGITS_MAX];
    size_t count; /* may exceed DIGITS_MAX: then only the first are kept */
    int64_t n;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(struct bytes text, size_t at)
{
    while (at < text.len && is_digit(text.at[at]))
        at++;
    return at;
}

/* RFC 8259 section 6. */
size_t number_scan(struct bytes text, size_t at)
{
    size_t from = at;
    at += skip_peek(text, at) == '-';
    size_t end = skip_peek(text, at) == '0' ? at + 1 : skip_digits(text, at);
    if (end == at)
        return 0;
    if (skip_peek(text, end) == '.') {
        at = end + 1;
        end = skip_digits(text, at);
        if (end == at)
            return 0;
    }
    if ((skip_peek(text, end) | 0x20) == 'e') {
        at = end + 1;
        at += skip_peek(text, at) == '+' || skip_peek(text, at) == '-';
        end = skip_digits(text, at);
        if (end == at)
            return 0;
    }
    return end - from;
}

/* The exponent, clamped: a text of any length may stand here. */
static int64_t read_exponent(struct bytes number, size_t at)
{
    bool negative = skip_peek(number, at) == '-';
    at += negative || skip_peek(number, at) == '+';
    int64_t v = 0;
    for (; at < number.len && is_digit(number.at[at]); at++)
        if (v < EXPONENT_MAX)
            v = v * 10 + (number.at[at] - '0');
    return negative ? -v : v;
}

static struct decimal read_decimal(struct bytes number)
{
    struct decimal d = {.count = 0};
    size_t zeros = 0; /* seen, not yet known to be inside */
    bool behind_point = false;
    for (size_t i = 0; i < number.len; i++) {
        uint8_t c = number.at[i];
        if ((c | 0x20) == 'e') {
            d.n += read_exponent(number, i + 1);
            break;
        }
        if (c == '.')
            behind_point = true;
        if (!is_digit(c))
            continue;
        bool leading = c == '0' && d.count == 0;
        d.n += behind_point ? (leading ? -1 : 0) : (leading ? 0 : 1);
        if (leading)
            continue;
        if (c == '0') {
            zeros++;
            continue;
        }
        for (; zeros > 0; zeros--, d.count++)
            if (d.count < DIGITS_MAX)
                d.digits[d.count] = '0';
        if (d.count < DIGITS_MAX)
            d.digits[d.count] = (char)c;
        d.count++;
    }
    return d;
}

bool number_survives(struct bytes number)
{
    struct decimal d = read_decimal(number);
    bool easy = d.count <= DIGITS_EXACT && d.n < EXPONENT_EASY && d.n > -EXPONENT_EASY;
    bool plain = d.n >= PLAIN_FIRST && d.n <= PLAIN_LAST;
    if (d.count == 0 || (easy && !plain))
        return true;
    double v;
    if (d.count > DIGITS_MAX || !tape_read_double((const char *)number.at, number.len, &v))
        return false;
    if (plain && (v >= 0x1p64 || v <= -0x1p63))
        return false;
    char text[TAPE_SHORTEST_SIZE];
    size_t len = tape_shortest(v, text);
    struct decimal back = read_decimal(bytes_of(text, len));
    return back.count == d.count && back.n == d.n && memcmp(back.digits, d.digits, d.count) == 0;
}

bool number_overflows(struct bytes number)
{
    double v;
    return read_decimal(number).n > 0 && !tape_read_double((const char *)number.at, number.len, &v);
}

err_t json_check_numbers(struct bytes source, struct fault *fault)
{
    for (size_t at = 0; at < source.len;) {
        uint8_t c = source.at[at];
        if (c == '"') {
            if (!skip_string(source, at + 1, &at))
                return fault_set(fault, ERR_SHORT, at, "the text ends inside a string");
            continue;
        }
        if (c != '-' && !is_digit(c)) {
            at++;
            continue;
        }
        size_t len = number_scan(source, at);
        if (len == 0)
            return fault_set(fault, ERR_SYNTAX, at, "a malformed number");
        if (!number_survives((struct bytes) {source.at + at, len}))
            return fault_set(
                fault, ERR_NUMBER, at,
                "the number %.*s%s is not the one that a double gives back: write it with fewer digits",
                (int)(len < 40 ? len : 40), (const char *)source.at + at, len < 40 ? "" : "...");
        at += len;
    }
    return ERR_OK;
}
