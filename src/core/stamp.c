#include "core/stamp.h"

#include <stdio.h>

enum { US_PER_SECOND = 1000000 };
#define ATTO_PER_US           UINT64_C(1000000000000)
#define YEAR_0000_SECONDS     INT64_C(-62167219200)
#define YEAR_9999_END_SECONDS INT64_C(253402300799)

static bool leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar; the year is counted from March so that leap days
 * come last. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void date_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

enum { HEAD_SIZE = 19 /* YYYY-MM-DDTHH:MM:SS */ };

/* The digits of "YYYY-MM-DDTHH:MM:SS", each where it stands. All characters are judged before any is used:
 * loops without branches, of which compilers make a few instructions; three timestamps stand in most objects.
 */
static bool read_head(const char *text, uint8_t out[HEAD_SIZE])
{
    static const char shape[HEAD_SIZE + 1] = "0000-00-00T00:00:00";
    static const uint8_t most[HEAD_SIZE] = {9, 9, 9, 9, 0, 9, 9, 0, 9, 9, 0, 9, 9, 0, 9, 9, 0, 9, 9};
    uint8_t bad = 0;
    for (size_t i = 0; i < HEAD_SIZE; i++) {
        out[i] = (uint8_t)(text[i] ^ shape[i]); /* '0' to '9' differ from '0' by 0 to 9 */
        bad |= out[i] > most[i];
    }
    return bad == 0;
}

static inline unsigned two(const uint8_t *digits)
{
    return 10U * digits[0] + digits[1];
}

static bool date_is_real(int64_t year, int64_t month, int64_t day)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1)
        return false;
    return day <= days[month - 1] + (month == 2 && leap(year));
}

static err_t parse_fraction(struct str tail, uint64_t *out_fraction, unsigned *out_digits)
{
    static const uint64_t units[STAMP_DIGITS_MAX + 1] = {UINT64_C(1000000000000000000),
                                                         UINT64_C(100000000000000000),
                                                         UINT64_C(10000000000000000),
                                                         UINT64_C(1000000000000000),
                                                         UINT64_C(100000000000000),
                                                         UINT64_C(10000000000000),
                                                         UINT64_C(1000000000000),
                                                         UINT64_C(100000000000),
                                                         UINT64_C(10000000000),
                                                         UINT64_C(1000000000),
                                                         UINT64_C(100000000),
                                                         UINT64_C(10000000),
                                                         UINT64_C(1000000),
                                                         UINT64_C(100000),
                                                         UINT64_C(10000),
                                                         UINT64_C(1000),
                                                         UINT64_C(100),
                                                         UINT64_C(10),
                                                         UINT64_C(1)};
    *out_fraction = 0;
    *out_digits = 0;
    if (tail.len == 0)
        return ERR_OK;
    if (tail.at[0] != '.' || tail.len < 2)
        return ERR_INVALID;
    uint64_t v = 0;
    for (size_t i = 1; i < tail.len; i++) {
        if (tail.at[i] < '0' || tail.at[i] > '9')
            return ERR_INVALID;
        if (i > STAMP_DIGITS_MAX)
            return ERR_LIMIT;
        v = v * 10 + (uint64_t)(tail.at[i] - '0');
    }
    *out_digits = (unsigned)(tail.len - 1);
    *out_fraction = v * units[tail.len - 1];
    return ERR_OK;
}

err_t stamp_parse(struct str text, struct stamp *out, unsigned *out_digits)
{
    uint8_t d[HEAD_SIZE];
    if (text.len < HEAD_SIZE + 1 || text.at[text.len - 1] != 'Z' || !read_head(text.at, d))
        return ERR_INVALID;
    unsigned year = 100 * two(d) + two(d + 2), month = two(d + 5), day = two(d + 8);
    unsigned hour = two(d + 11), minute = two(d + 14), second = two(d + 17);
    if (!date_is_real(year, month, day) || hour > 23 || minute > 59 || second > 59)
        return ERR_INVALID;
    struct stamp stamp;
    unsigned count;
    err_t err =
        parse_fraction((struct str) {text.at + HEAD_SIZE, text.len - HEAD_SIZE - 1}, &stamp.fraction, &count);
    if (err != ERR_OK)
        return err;
    stamp.seconds = days_from_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    *out = stamp;
    if (out_digits != NULL)
        *out_digits = count;
    return ERR_OK;
}

int stamp_cmp(struct stamp a, struct stamp b)
{
    if (a.seconds != b.seconds)
        return a.seconds < b.seconds ? -1 : 1;
    return (a.fraction > b.fraction) - (a.fraction < b.fraction);
}

void stamp_key(struct stamp stamp, uint8_t out[STAMP_KEY_SIZE])
{
    /* Flipping the sign bit puts negative seconds below positive ones in byte order. */
    uint64_t seconds = (uint64_t)stamp.seconds ^ UINT64_C(1) << 63;
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(seconds >> (56 - 8 * i));
        out[8 + i] = (uint8_t)(stamp.fraction >> (56 - 8 * i));
    }
}

struct stamp stamp_from_key(const uint8_t key[STAMP_KEY_SIZE])
{
    uint64_t seconds = 0, fraction = 0;
    for (int i = 0; i < 8; i++) {
        seconds = seconds << 8 | key[i];
        fraction = fraction << 8 | key[8 + i];
    }
    return (struct stamp) {(int64_t)(seconds ^ UINT64_C(1) << 63), fraction};
}

struct stamp stamp_from_us(int64_t time_us)
{
    int64_t seconds = time_us / US_PER_SECOND;
    int64_t rest = time_us % US_PER_SECOND;
    if (rest < 0) {
        seconds--;
        rest += US_PER_SECOND;
    }
    return (struct stamp) {seconds, (uint64_t)rest * ATTO_PER_US};
}

int64_t stamp_us(struct stamp stamp)
{
    const int64_t limit = INT64_MAX / US_PER_SECOND - 1;
    if (stamp.seconds > limit)
        return INT64_MAX;
    if (stamp.seconds < -limit)
        return INT64_MIN;
    return stamp.seconds * US_PER_SECOND + (int64_t)(stamp.fraction / ATTO_PER_US);
}

void time_text(int64_t time_us, char out[TIME_TEXT_SIZE])
{
    struct stamp stamp = stamp_from_us(time_us);
    if (stamp.seconds < YEAR_0000_SECONDS)
        stamp = (struct stamp) {YEAR_0000_SECONDS, 0};
    if (stamp.seconds > YEAR_9999_END_SECONDS)
        stamp = (struct stamp) {YEAR_9999_END_SECONDS, 999999 * ATTO_PER_US};
    int64_t days = stamp.seconds / 86400, rest = stamp.seconds % 86400;
    if (rest < 0) {
        days--;
        rest += 86400;
    }
    int64_t year, month, day;
    date_from_days(days, &year, &month, &day);
    char text[96];
    (void)snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", (int)year, (int)month, (int)day,
                   (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60),
                   (int)(stamp.fraction / ATTO_PER_US));
    memcpy(out, text, TIME_TEXT_SIZE - 1);
    out[TIME_TEXT_SIZE - 1] = '\0';
}

void http_date(int64_t time_us, char out[HTTP_DATE_SIZE])
{
    static const char days[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char text[TIME_TEXT_SIZE];
    time_text(time_us, text); /* "2026-11-21T22:23:49.000001Z" */
    struct stamp stamp = {0, 0};
    must(stamp_parse((struct str) {text, TIME_TEXT_SIZE - 1}, &stamp, NULL) == ERR_OK);
    int64_t day = stamp.seconds / 86400 - (stamp.seconds % 86400 < 0);
    int64_t weekday = day % 7 < 0 ? day % 7 + 7 : day % 7;
    int month = (text[5] - '0') * 10 + (text[6] - '0') - 1;
    (void)snprintf(out, HTTP_DATE_SIZE, "%.3s, %.2s %.3s %.4s %.8s GMT", days + 3 * weekday, text + 8,
                   months + 3 * month, text, text + 11);
}
