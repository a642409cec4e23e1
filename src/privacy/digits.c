/* What digits themselves say: dates, regions, networks, issuers, checksums. */
#include "privacy/number.h"

static unsigned two(const uint8_t *digits)
{
    return digits[0] * 10u + digits[1];
}

static unsigned three(const uint8_t *digits)
{
    return two(digits) * 10u + digits[2];
}

static uint64_t value_of(struct digits digits)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.count; i++)
        value = value * 10 + digits.at[i];
    return value;
}

/* Of a telephone: nobody is reached there; a word has to say that it is meant as a number all the same. */
enum { UNASSIGNED = 24 };

/* --- Korean registration numbers --- */

/* Born after it nobody has a number yet; a two-digit year beyond is of the century before. */
enum { BIRTH_YEAR_MAX = 2040 };

static bool birth_date(const uint8_t *digits, unsigned century)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year = century + two(digits), month = two(digits + 2), day = two(digits + 4);
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1] || year > BIRTH_YEAR_MAX)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month != 2 || day != 29 || leap;
}

/* The last digit is (base - sum mod 11) mod 10: base 11 of residents, 13 of foreigners. */
static bool registration_sum(const uint8_t *digits, unsigned base)
{
    static const uint8_t weights[] = {2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5};
    unsigned sum = 0;
    for (size_t i = 0; i < 12; i++)
        sum += weights[i] * digits[i];
    return (base - sum % 11) % 10 == digits[12];
}

/* Milliseconds from 2001 to 2042: in the first half of 2027 each looks like the number of a child. */
static bool is_clock(struct digits digits)
{
    uint64_t value = value_of(digits);
    return digits.bare && value >= UINT64_C(1000000000000) && value < UINT64_C(2300000000000);
}

static bool registration(struct digits digits, unsigned first, unsigned base, int *score, uint16_t *reasons)
{
    unsigned mark = digits.at[6];
    if (digits.count != 13 || mark < first || mark > first + 3 ||
        !birth_date(digits.at, mark - first < 2 ? 1900 : 2000))
        return false;
    *reasons |= PRIVACY_DATE;
    if (registration_sum(digits.at, base)) {
        *reasons |= PRIVACY_CHECKSUM;
        *score += 22;
    }
    if (is_clock(digits)) {
        *reasons |= PRIVACY_CLOCK;
        *score -= 25;
    }
    return true;
}

bool number_rrn(struct digits digits, int *score, uint16_t *reasons)
{
    return registration(digits, 1, 11, score, reasons);
}

bool number_frn(struct digits digits, int *score, uint16_t *reasons)
{
    return registration(digits, 5, 13, score, reasons);
}

/* With all four digits of the year, which must be of the century that the seventh tells. */
bool number_rrn_long(struct digits digits, int *score, uint16_t *reasons)
{
    const uint8_t *d = digits.at;
    unsigned mark = d[8], century = two(d);
    if (digits.count != 15 || mark < 1 || mark > 8)
        return false;
    return century == ((mark - 1) % 4 < 2 ? 19 : 20) &&
           number_rrn((struct digits) {d + 2, 13, digits.bare}, score, reasons);
}

/* --- other Korean numbers --- */

/* 11 Seoul .. 26 Ulsan, 28 Sejong. */
bool number_licence(struct digits digits, int *score, uint16_t *reasons)
{
    (void)score;
    unsigned region = two(digits.at);
    *reasons |= PRIVACY_PREFIX;
    return digits.count == 12 && ((region >= 11 && region <= 26) || region == 28);
}

bool number_business(struct digits digits, int *score, uint16_t *reasons)
{
    static const uint8_t weights[] = {1, 3, 7, 1, 3, 7, 1, 3, 5};
    unsigned sum = digits.at[8] * 5u / 10;
    if (digits.count != 10 || three(digits.at) < 101 || two(digits.at + 3) == 0)
        return false;
    for (size_t i = 0; i < 9; i++)
        sum += weights[i] * digits.at[i];
    bool good = (10 - sum % 10) % 10 == digits.at[9];
    *reasons |= good ? PRIVACY_CHECKSUM : 0;
    *score += good ? 27 : -30;
    return true;
}

bool number_mobile(struct digits digits, int *score, uint16_t *reasons)
{
    (void)score;
    *reasons |= PRIVACY_PREFIX;
    return digits.count == 11 && three(digits.at) == 10;
}

/* 011, 016 to 019: of before 2004, still written down. */
bool number_mobile_old(struct digits digits, int *score, uint16_t *reasons)
{
    unsigned network = three(digits.at);
    *reasons |= PRIVACY_PREFIX;
    *score -= digits.at[3] == 0 ? UNASSIGNED : 0;
    return (digits.count == 10 || digits.count == 11) && (network == 11 || (network >= 16 && network <= 19));
}

/* Digits behind the 0: 2 Seoul, 31..33, 41..44, 51..55, 61..64 the provinces, 70 over the internet. No
 * exchange begins with 0. */
static bool area(const uint8_t *digits, size_t count, int *score)
{
    static const uint8_t last[] = {['3' - '0'] = 3, ['4' - '0'] = 4, ['5' - '0'] = 5, ['6' - '0'] = 4};
    size_t prefix = digits[0] == 2 ? 1 : 2;
    if (count < prefix + 7 || count > prefix + 8)
        return false;
    if (digits[prefix] == 0)
        *score -= UNASSIGNED;
    if (digits[0] == 7)
        return digits[1] == 0 && count == 10;
    return digits[0] == 2 ||
           (digits[0] >= 3 && digits[0] <= 6 && digits[1] >= 1 && digits[1] <= last[digits[0]]);
}

bool number_land(struct digits digits, int *score, uint16_t *reasons)
{
    *reasons |= PRIVACY_PREFIX;
    return digits.count >= 9 && digits.at[0] == 0 && area(digits.at + 1, digits.count - 1, score);
}

/* 0502 to 0508: numbers that follow a person. */
bool number_service(struct digits digits, int *score, uint16_t *reasons)
{
    (void)score;
    const uint8_t *d = digits.at;
    *reasons |= PRIVACY_PREFIX;
    return (digits.count == 11 || digits.count == 12) && d[0] == 0 && d[1] == 5 && d[2] == 0 && d[3] >= 2 &&
           d[3] <= 8;
}

/* 82 and the number as it is dialled abroad, with or without its 0. */
bool number_82(struct digits digits, int *score, uint16_t *reasons)
{
    const uint8_t *d = digits.at + 2;
    if (digits.count < 10 || digits.count > 14 || two(digits.at) != 82)
        return false;
    size_t count = digits.count - 2;
    if (d[0] == 0) {
        d++;
        count--;
    }
    *reasons |= PRIVACY_PREFIX;
    if (d[0] == 1)
        return d[1] == 0 ? count == 10 : (d[1] == 1 || d[1] >= 6) && (count == 9 || count == 10);
    if (d[0] == 5 && d[1] == 0)
        return d[2] >= 2 && d[2] <= 8 && (count == 10 || count == 11);
    return area(d, count, score);
}

/* --- United States --- */

bool number_ssn(struct digits digits, int *score, uint16_t *reasons)
{
    (void)reasons;
    if (digits.count != 9)
        return false;
    unsigned place = three(digits.at), group = two(digits.at + 3);
    uint64_t value = value_of(digits);
    bool same = true;
    for (size_t i = 1; i < 9; i++)
        same = same && digits.at[i] == digits.at[0];
    (void)score;
    /* 078-05-1120 stood on a sample card, 219-09-9999 in a leaflet: nobody's. */
    return place != 0 && place != 666 && place < 900 && group != 0 && value % 10000 != 0 && !same &&
           value != 78051120 && value != 219099999;
}

static bool is_n11(const uint8_t *digits)
{
    return digits[1] == 1 && digits[2] == 1;
}

bool number_nanp(struct digits digits, int *score, uint16_t *reasons)
{
    const uint8_t *d = digits.at;
    if (digits.count != 10 || d[0] < 2 || d[3] < 2)
        return false;
    if (d[1] == 9 || is_n11(d) || is_n11(d + 3))
        *score -= UNASSIGNED;
    unsigned place = three(d);
    /* 800, 833, 844 ... 888: a company pays for the call. */
    if (place == 800 || (place > 800 && place < 889 && d[1] == d[2] && d[1] >= 3)) {
        *reasons |= PRIVACY_SHARED;
        *score -= 60;
    }
    return true;
}

bool number_nanp_1(struct digits digits, int *score, uint16_t *reasons)
{
    return digits.count == 11 && digits.at[0] == 1 &&
           number_nanp((struct digits) {digits.at + 1, 10, digits.bare}, score, reasons);
}

/* --- payment cards --- */

/* Issuers by what numbers begin with, written with four digits, and the lengths they have (bit n: n digits).
 */
static const struct {
    uint16_t low, high;
    uint32_t lengths;
} issuers[] = {
    {1800, 1800, 1u << 15},                                  /* JCB, of before 2010 */
    {2131, 2131, 1u << 15},                                  /* JCB, of before 2010 */
    {2221, 2720, 1u << 16},                                  /* Mastercard */
    {3000, 3059, 1u << 14},                                  /* Diners */
    {3400, 3499, 1u << 15},                                  /* American Express */
    {3528, 3589, 1u << 16 | 1u << 19},                       /* JCB */
    {3600, 3699, 1u << 14},                                  /* Diners */
    {3700, 3799, 1u << 15},                                  /* American Express */
    {3800, 3999, 1u << 14},                                  /* Diners */
    {4000, 4999, 1u << 13 | 1u << 16 | 1u << 19},            /* Visa */
    {5018, 5038, 1u << 12 | 1u << 13 | 1u << 16},            /* Maestro */
    {5100, 5599, 1u << 16},                                  /* Mastercard */
    {5893, 5893, 1u << 12 | 1u << 13 | 1u << 16},            /* Maestro */
    {6011, 6011, 1u << 16 | 1u << 19},                       /* Discover */
    {6200, 6299, 1u << 16 | 1u << 17 | 1u << 18 | 1u << 19}, /* UnionPay */
    {6304, 6304, 1u << 12 | 1u << 13 | 1u << 16},            /* Maestro */
    {6440, 6599, 1u << 16 | 1u << 19},                       /* Discover */
    {6759, 6763, 1u << 12 | 1u << 13 | 1u << 16},            /* Maestro */
    {9400, 9499, 1u << 16},                                  /* Korean domestic cards */
};

static bool luhn(struct digits digits)
{
    unsigned sum = 0;
    for (size_t i = 0; i < digits.count; i++) {
        unsigned digit = digits.at[digits.count - 1 - i];
        unsigned twice = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += i % 2 == 0 ? digit : twice;
    }
    return sum % 10 == 0;
}

bool number_card(struct digits digits, int *score, uint16_t *reasons)
{
    (void)score;
    unsigned begin = two(digits.at) * 100 + two(digits.at + 2);
    bool known = false;
    for (size_t i = 0; i < sizeof issuers / sizeof issuers[0]; i++)
        known = known || (begin >= issuers[i].low && begin <= issuers[i].high &&
                          (issuers[i].lengths >> digits.count & 1) != 0);
    *reasons |= PRIVACY_PREFIX | PRIVACY_CHECKSUM;
    return known && luhn(digits);
}
