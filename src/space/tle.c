/* The columns are those of "Two-Line Element Set format" (Space-Track's documentation), which no standard
 * has. */
#include <string.h>

#include "core/limit.h"
#include "space/elements.h"

enum { LINE = 69, CHECKED = 68, ALPHA_FIRST = 10, DIGITS_MAX = 15, DAY_US_IN_UNITS = 864 };

static const int64_t day_us = INT64_C(86400000000);

struct line {
    const char *at;
    char number; /* '1' or '2' */
    struct fault *fault;
    err_t err; /* the first */
};

static void refuse(struct line *line, size_t column, const char *what)
{
    if (line->err == ERR_OK)
        line->err = fault_set(line->fault, ERR_SYNTAX, column, "line %c, column %zu: %s", line->number,
                              column + 1, what);
}

/* --- columns --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits in [from, to), blanks before them. None: 0. */
static uint64_t whole(struct line *line, size_t from, size_t to)
{
    uint64_t value = 0;
    while (from < to && line->at[from] == ' ')
        from++;
    for (; from < to; from++) {
        if (!is_digit(line->at[from])) {
            refuse(line, from, "not a digit");
            return 0;
        }
        value = 10 * value + (uint64_t)(line->at[from] - '0');
    }
    return value;
}

static double power_of_ten(unsigned exponent)
{
    double power = 1;
    while (exponent-- > 0)
        power *= 10; /* exact to 10^22 */
    return power;
}

/* [sign]digits[.digits] in [from, to), blanks before; with `point`, one is meant before the first digit.
 * Fewer digits than a double holds, so that the one division rounds once. */
static double decimal(struct line *line, size_t from, size_t to, bool point)
{
    uint64_t digits = 0;
    unsigned count = 0, behind = 0;
    bool negative = false, seen = point;
    while (from < to && line->at[from] == ' ')
        from++;
    if (from < to && (line->at[from] == '-' || line->at[from] == '+'))
        negative = line->at[from++] == '-';
    for (size_t i = from; i < to; i++) {
        char c = line->at[i];
        if (c == '.' && !seen) {
            seen = true;
        } else if (is_digit(c) && count < DIGITS_MAX) {
            digits = 10 * digits + (uint64_t)(c - '0');
            count++;
            behind += seen;
        } else {
            refuse(line, i, "not a number");
            return 0;
        }
    }
    if (count == 0)
        refuse(line, from, "a number is missing");
    double value = (double)digits / power_of_ten(behind);
    return negative ? -value : value;
}

/* " 12345-4": 0.12345e-4. */
static double scaled(struct line *line, size_t from)
{
    double value = decimal(line, from, from + 6, true);
    char sign = line->at[from + 6];
    if (sign != '-' && sign != '+' && sign != ' ')
        refuse(line, from + 6, "not a sign");
    if (!is_digit(line->at[from + 7]))
        refuse(line, from + 7, "not a digit");
    if (line->err != ERR_OK)
        return 0;
    double power = power_of_ten((unsigned)(line->at[from + 7] - '0'));
    return sign == '-' ? value / power : value * power;
}

/* Five columns; a letter stands for two digits. */
static uint32_t number_of(struct line *line)
{
    static const char letters[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    const char *letter = line->at[2] == ' ' ? NULL : memchr(letters, line->at[2], sizeof letters - 1);
    if (letter == NULL)
        return (uint32_t)whole(line, 2, 7);
    if (line->at[3] == ' ')
        refuse(line, 3, "not a digit");
    return (uint32_t)((ALPHA_FIRST + (unsigned)(letter - letters)) * 10000 + whole(line, 3, 7));
}

/* --- whole lines --- */

/* Digits as they are, a minus as 1, modulo 10. */
static void check_sum(struct line *line)
{
    unsigned sum = 0;
    for (size_t i = 0; i < CHECKED; i++)
        sum += is_digit(line->at[i]) ? (unsigned)(line->at[i] - '0') : line->at[i] == '-';
    if ((unsigned)(line->at[CHECKED] - '0') != sum % 10)
        refuse(line, CHECKED, "the checksum is another");
}

static struct line open_line(struct str text, char number, struct fault *fault)
{
    struct line line = {text.at, number, fault, ERR_OK};
    while (text.len > LINE && strchr(" \r\n", text.at[text.len - 1]) != NULL)
        text.len--;
    if (text.len != LINE)
        line.err =
            fault_set(fault, ERR_SYNTAX, text.len, "line %c has %zu columns, not %d", number, text.len, LINE);
    else if (text.at[0] != number || text.at[1] != ' ')
        refuse(&line, 0, "does not begin with its number and a blank");
    if (line.err == ERR_OK)
        check_sum(&line);
    return line;
}

/* Years from 57 to 99 are of the last century. */
static unsigned year_of(uint64_t two)
{
    return (unsigned)(two < 57 ? 2000 + two : 1900 + two);
}

static int64_t days_before(unsigned year)
{
    int64_t before = (int64_t)year - 1;
    return 365 * (before - 1969) + (before / 4 - 492) - (before / 100 - 19) + (before / 400 - 4);
}

/* Days and eight decimals: 10^-8 of a day are 864 microseconds. */
static int64_t epoch_of(struct line *line)
{
    unsigned year = year_of(whole(line, 18, 20));
    uint64_t day = whole(line, 20, 23), part = whole(line, 24, 32);
    if (line->at[23] != '.' || day == 0 || day > 366)
        refuse(line, 20, "not a day of the year");
    return (days_before(year) + (int64_t)day - 1) * day_us + (int64_t)part * DAY_US_IN_UNITS;
}

/* "98067A  " becomes "1998-067A". */
static void designate(struct line *line, char out[SPACE_DESIGNATOR_SIZE])
{
    size_t len = 0;
    memset(out, 0, SPACE_DESIGNATOR_SIZE);
    if (line->at[9] == ' ')
        return;
    unsigned year = year_of(whole(line, 9, 11));
    (void)whole(line, 11, 14);
    if (line->err != ERR_OK)
        return;
    for (unsigned unit = 1000; unit > 0; unit /= 10)
        out[len++] = (char)('0' + year / unit % 10);
    out[len++] = '-';
    for (size_t i = 11; i < 17; i++)
        if (line->at[i] >= 'A' && line->at[i] <= 'Z')
            out[len++] = line->at[i];
        else if (i < 14)
            out[len++] = line->at[i] == ' ' ? '0' : line->at[i];
        else if (line->at[i] != ' ')
            refuse(line, i, "no piece of a launch");
}

static void part(struct line *line, const uint8_t *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (line->at[columns[i]] != ' ')
            refuse(line, columns[i], "not a blank");
}

static void read_first(struct line *line, struct space_elements *out)
{
    static const uint8_t blanks[] = {8, 17, 32, 43, 52, 61, 63};
    part(line, blanks, sizeof blanks);
    out->number = number_of(line);
    out->classification = line->at[7];
    if (strchr("UCS ", out->classification) == NULL || out->classification == '\0')
        refuse(line, 7, "no classification");
    designate(line, out->designator);
    out->epoch_us = epoch_of(line);
    out->motion_dot = decimal(line, 33, 43, false);
    out->motion_ddot = scaled(line, 44);
    out->bstar = scaled(line, 53);
    out->type = (unsigned)whole(line, 62, 63);
    out->set = (uint32_t)whole(line, 64, 68);
}

static void read_second(struct line *line, struct space_elements *out)
{
    static const uint8_t blanks[] = {7, 16, 25, 33, 42, 51};
    part(line, blanks, sizeof blanks);
    out->inclination = decimal(line, 8, 16, false);
    out->node = decimal(line, 17, 25, false);
    out->eccentricity = decimal(line, 26, 33, true);
    out->perigee = decimal(line, 34, 42, false);
    out->anomaly = decimal(line, 43, 51, false);
    out->motion = decimal(line, 52, 63, false);
    out->revolution = (uint32_t)whole(line, 63, 68);
}

static bool is_angle(double degrees, double most)
{
    return degrees >= 0 && degrees <= most;
}

static err_t look_at(const struct space_elements *e, struct fault *fault)
{
    if (!(e->motion > 0))
        return fault_set(fault, ERR_INVALID, 52, "line 2: a mean motion is above zero");
    if (e->eccentricity < 0)
        return fault_set(fault, ERR_INVALID, 26, "line 2: an eccentricity is not below zero");
    if (!is_angle(e->inclination, 180) || !is_angle(e->node, 360) || !is_angle(e->perigee, 360) ||
        !is_angle(e->anomaly, 360))
        return fault_set(fault, ERR_INVALID, 8,
                         "line 2: an inclination is 0 to 180 degrees, the other angles 0 to 360");
    return ERR_OK;
}

err_t space_tle_read(struct str first, struct str second, struct space_elements *out, struct fault *fault)
{
    struct line one = open_line(first, '1', fault), two = open_line(second, '2', fault);
    struct space_elements elements = {.number = 0};
    if (one.err == ERR_OK)
        read_first(&one, &elements);
    if (one.err != ERR_OK)
        return one.err;
    if (two.err == ERR_OK)
        read_second(&two, &elements);
    if (two.err != ERR_OK)
        return two.err;
    if (memcmp(one.at + 2, two.at + 2, 5) != 0)
        return fault_set(fault, ERR_INVALID, 2, "line 2 is another object's");
    err_t err = look_at(&elements, fault);
    if (err == ERR_OK)
        *out = elements;
    return err;
}
