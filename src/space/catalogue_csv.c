/* Rows of an OMM's keywords, as CelesTrak and Space-Track give them; the names are those of CCSDS 502.0-B-3
 * section 4. One table says what is known of each column. */
#include <stddef.h>
#include <string.h>

#include "core/limit.h"
#include "core/stamp.h"
#include "space/elements.h"

enum { DIGITS_MAX = 15, POWER_MAX = 22, EPOCH_DECIMALS = 6, NUMBER_MAX = 999999999 };

/* A place in the text, for refusals. */
struct cell {
    const struct space_csv *csv;
    const char *column; /* its name */
    struct str text;
    struct fault *fault;
};

static err_t refuse_at(const struct space_csv *csv, const char *at, err_t err, const char *name,
                       const char *what, struct fault *fault)
{
    return fault_set(fault, err, (size_t)(at - csv->text.at), "line %zu, column %zu: %s%s%s", csv->line,
                     (size_t)(at - csv->start) + 1, name, name[0] == '\0' ? "" : ": ", what);
}

static err_t refuse(const struct cell *cell, err_t err, const char *what)
{
    return refuse_at(cell->csv, cell->text.at, err, cell->column, what, cell->fault);
}

/* --- values --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static double power_of_ten(int exponent)
{
    double power = 1;
    while (exponent-- > 0)
        power *= 10; /* exact to 10^22 */
    return power;
}

static bool take_sign(struct str *text)
{
    bool negative = text->len > 0 && text->at[0] == '-';
    if (negative || (text->len > 0 && text->at[0] == '+'))
        *text = (struct str) {text->at + 1, text->len - 1};
    return negative;
}

/* What stands behind an E: two digits at most. */
static bool read_power(struct str text, int *out)
{
    uint64_t power;
    bool negative = take_sign(&text);
    if (!str_to_u64(text, 99, &power))
        return false;
    *out = negative ? -(int)power : (int)power;
    return true;
}

/* [sign]digits[.digits][E[sign]digits]; one multiplication or division of exact numbers rounds once. */
static bool read_decimal(struct str text, double *out)
{
    uint64_t digits = 0;
    int power = 0, behind = 0;
    unsigned seen = 0, count = 0;
    bool point = false, negative = take_sign(&text);
    size_t i = 0;
    for (; i < text.len && text.at[i] != 'E' && text.at[i] != 'e'; i++) {
        if (text.at[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(text.at[i]))
            return false;
        digits = 10 * digits + (uint64_t)(text.at[i] - '0');
        seen++;
        count += digits > 0;
        behind += point;
        if (count > DIGITS_MAX)
            return false;
    }
    if (seen == 0 || (i < text.len && !read_power((struct str) {text.at + i + 1, text.len - i - 1}, &power)))
        return false;
    power -= behind;
    if (digits != 0 && (power > POWER_MAX || power < -POWER_MAX))
        return false;
    double value = digits == 0 ? 0
                   : power < 0 ? (double)digits / power_of_ten(-power)
                               : (double)digits * power_of_ten(power);
    *out = negative ? -value : value;
    return true;
}

static err_t take_decimal(const struct cell *cell, void *field)
{
    return read_decimal(cell->text, field) ? ERR_OK
                                           : refuse(cell, ERR_SYNTAX, "not a number of at most 15 digits");
}

static err_t take_motion(const struct cell *cell, void *field)
{
    double value;
    err_t err;
    if (TRY(err, take_decimal(cell, &value)))
        return err;
    if (!(value > 0))
        return refuse(cell, ERR_INVALID, "not above zero");
    memcpy(field, &value, sizeof value);
    return ERR_OK;
}

static err_t take_eccentricity(const struct cell *cell, void *field)
{
    double value;
    err_t err;
    if (TRY(err, take_decimal(cell, &value)))
        return err;
    if (!(value >= 0 && value < 1))
        return refuse(cell, ERR_INVALID, "not from 0 to below 1");
    memcpy(field, &value, sizeof value);
    return ERR_OK;
}

static err_t take_angle(const struct cell *cell, void *field)
{
    double value;
    err_t err;
    if (TRY(err, take_decimal(cell, &value)))
        return err;
    if (!(value >= 0 && value <= 360))
        return refuse(cell, ERR_INVALID, "not from 0 to 360 degrees");
    memcpy(field, &value, sizeof value);
    return ERR_OK;
}

static err_t take_inclination(const struct cell *cell, void *field)
{
    double value;
    err_t err;
    if (TRY(err, take_decimal(cell, &value)))
        return err;
    if (!(value >= 0 && value <= 180))
        return refuse(cell, ERR_INVALID, "not from 0 to 180 degrees");
    memcpy(field, &value, sizeof value);
    return ERR_OK;
}

static err_t take_whole(const struct cell *cell, void *field)
{
    uint64_t value;
    if (!str_to_u64(cell->text, NUMBER_MAX, &value))
        return refuse(cell, ERR_SYNTAX, "not a whole number of at most nine digits");
    *(uint32_t *)field = (uint32_t)value;
    return ERR_OK;
}

static err_t take_classification(const struct cell *cell, void *field)
{
    if (cell->text.len != 1 || strchr("UCS", cell->text.at[0]) == NULL || cell->text.at[0] == '\0')
        return refuse(cell, ERR_SYNTAX, "not U, C or S");
    *(char *)field = cell->text.at[0];
    return ERR_OK;
}

/* UTC, with or without the Z. */
static err_t take_epoch(const struct cell *cell, void *field)
{
    char text[TIME_TEXT_SIZE + 1];
    struct stamp stamp;
    unsigned digits;
    size_t len = cell->text.len;
    if (len > 0 && cell->text.at[len - 1] == 'Z')
        len--;
    if (len == 0 || len >= sizeof text - 1)
        return refuse(cell, ERR_SYNTAX, "not a time of at most six decimals");
    memcpy(text, cell->text.at, len);
    text[len] = 'Z';
    if (stamp_parse((struct str) {text, len + 1}, &stamp, &digits) != ERR_OK || digits > EPOCH_DECIMALS)
        return refuse(cell, ERR_SYNTAX, "not a time of at most six decimals");
    *(int64_t *)field = stamp_us(stamp);
    return ERR_OK;
}

/* Two quotation marks are one: nothing else in a field holds any (cut_field). */
static err_t take_name(const struct cell *cell, void *field)
{
    char *out = field;
    size_t len = 0;
    if (!str_is_utf8(cell->text))
        return refuse(cell, ERR_SYNTAX, "not UTF-8");
    for (size_t i = 0; i < cell->text.len; i++) {
        unsigned char c = (unsigned char)cell->text.at[i];
        if (c < ' ' || c == 0x7f)
            return refuse(cell, ERR_SYNTAX, "a control character");
        if (len == SPACE_NAME_SIZE - 1)
            return refuse(cell, ERR_LIMIT, "longer than 63 bytes");
        out[len++] = (char)c;
        i += c == '"';
    }
    return ERR_OK;
}

/* "1998-067A": a year, a launch, up to three letters; none of fragments whose part nobody named. */
static err_t take_designator(const struct cell *cell, void *field)
{
    struct str text = cell->text;
    bool good = text.len == 0 || (text.len >= 8 && text.len <= 11);
    for (size_t i = 0; good && i < text.len; i++)
        good = i == 4  ? text.at[i] == '-'
               : i < 8 ? is_digit(text.at[i])
                       : text.at[i] >= 'A' && text.at[i] <= 'Z';
    if (!good)
        return refuse(cell, ERR_SYNTAX, "not a designator such as 1998-067A");
    if (text.len > 0)
        memcpy(field, text.at, text.len);
    return ERR_OK;
}

static err_t want(const struct cell *cell, struct str wanted)
{
    return str_eq(cell->text, wanted) ? ERR_OK
                                      : refuse(cell, ERR_UNSUPPORTED, "not what elements for SGP4 have");
}

static err_t want_earth(const struct cell *cell, void *field)
{
    (void)field;
    return want(cell, STR("EARTH"));
}

static err_t want_teme(const struct cell *cell, void *field)
{
    (void)field;
    return want(cell, STR("TEME"));
}

static err_t want_utc(const struct cell *cell, void *field)
{
    (void)field;
    return want(cell, STR("UTC"));
}

/* --- columns --- */

enum need { MAY, COLUMN /* its fields may be empty */, MUST };

static const struct column {
    const char *name;
    enum need need;
    err_t (*take)(const struct cell *cell, void *field);
    size_t field;
} columns[] = {
#define FIELD(name) offsetof(struct space_elements, name)
    {"OBJECT_NAME", COLUMN, take_name, FIELD(name)},
    {"OBJECT_ID", COLUMN, take_designator, FIELD(designator)},
    {"EPOCH", MUST, take_epoch, FIELD(epoch_us)},
    {"MEAN_MOTION", MUST, take_motion, FIELD(motion)},
    {"ECCENTRICITY", MUST, take_eccentricity, FIELD(eccentricity)},
    {"INCLINATION", MUST, take_inclination, FIELD(inclination)},
    {"RA_OF_ASC_NODE", MUST, take_angle, FIELD(node)},
    {"ARG_OF_PERICENTER", MUST, take_angle, FIELD(perigee)},
    {"MEAN_ANOMALY", MUST, take_angle, FIELD(anomaly)},
    {"NORAD_CAT_ID", MUST, take_whole, FIELD(number)},
    {"BSTAR", MUST, take_decimal, FIELD(bstar)},
    {"MEAN_MOTION_DOT", MAY, take_decimal, FIELD(motion_dot)},
    {"MEAN_MOTION_DDOT", MAY, take_decimal, FIELD(motion_ddot)},
    {"EPHEMERIS_TYPE", MAY, take_whole, FIELD(type)},
    {"CLASSIFICATION_TYPE", MAY, take_classification, FIELD(classification)},
    {"ELEMENT_SET_NO", MAY, take_whole, FIELD(set)},
    {"REV_AT_EPOCH", MAY, take_whole, FIELD(revolution)},
    {"CENTER_NAME", MAY, want_earth, 0},
    {"REF_FRAME", MAY, want_teme, 0},
    {"TIME_SYSTEM", MAY, want_utc, 0},
#undef FIELD
};
enum { COLUMNS = sizeof columns / sizeof columns[0], NOT_KNOWN = COLUMNS };
_Static_assert(sizeof(unsigned) == sizeof(uint32_t), "take_whole writes both");

/* --- lines --- */

/* The next line without its end; the reader stands behind it whatever it says. */
static err_t cut_line(struct space_csv *csv, struct str *out, struct fault *fault)
{
    if (csv->at == csv->text.len)
        return ERR_NOTFOUND;
    const char *start = csv->text.at + csv->at;
    size_t left = csv->text.len - csv->at;
    const char *end = memchr(start, '\n', left);
    size_t len = end == NULL ? left : (size_t)(end - start);
    csv->at += len + (end != NULL);
    csv->line++;
    csv->start = start;
    if (len > 0 && start[len - 1] == '\r')
        len--;
    if (len > LIMIT_SPACE_LINE_BYTES)
        return refuse_at(csv, start + LIMIT_SPACE_LINE_BYTES, ERR_LIMIT, "", "the line is too long", fault);
    *out = (struct str) {start, len};
    return ERR_OK;
}

/* The field at `*at`, without its quotation marks; `*at` goes to the comma behind it, or to the end. */
static err_t cut_field(const struct space_csv *csv, struct str line, size_t *at, struct str *out,
                       struct fault *fault)
{
    size_t i = *at, start = i;
    if (i == line.len || line.at[i] != '"') {
        for (; i < line.len && line.at[i] != ','; i++)
            if (line.at[i] == '"')
                return refuse_at(csv, line.at + i, ERR_SYNTAX, "", "a quotation mark within a field", fault);
        *out = (struct str) {line.at + start, i - start};
        *at = i;
        return ERR_OK;
    }
    for (i++; i < line.len; i++) {
        if (line.at[i] != '"')
            continue;
        if (i + 1 == line.len || line.at[i + 1] != '"')
            break;
        i++;
    }
    if (i >= line.len)
        return refuse_at(csv, line.at + start, ERR_SYNTAX, "", "a quotation mark is not closed", fault);
    *out = (struct str) {line.at + start + 1, i - start - 1};
    *at = i + 1;
    if (*at < line.len && line.at[*at] != ',')
        return refuse_at(csv, line.at + *at, ERR_SYNTAX, "", "no comma behind a quotation mark", fault);
    return ERR_OK;
}

static err_t know(struct space_csv *csv, struct str name, uint32_t *seen, struct fault *fault)
{
    if (csv->count == LIMIT_SPACE_COLUMNS)
        return refuse_at(csv, name.at, ERR_LIMIT, "", "too many columns", fault);
    size_t k = 0;
    while (k < COLUMNS && !str_eq(name, str_of(columns[k].name)))
        k++;
    if (k < COLUMNS && (*seen >> k & 1) != 0)
        return refuse_at(csv, name.at, ERR_SYNTAX, columns[k].name, "a second time", fault);
    if (k < COLUMNS)
        *seen |= UINT32_C(1) << k;
    csv->known[csv->count++] = (uint8_t)k;
    return ERR_OK;
}

err_t space_csv_open(struct space_csv *csv, struct str text, struct fault *fault)
{
    struct str line = {0}, name;
    uint32_t seen = 0;
    *csv = (struct space_csv) {.text = text, .start = text.at};
    err_t err = cut_line(csv, &line, fault);
    if (err == ERR_NOTFOUND)
        return fault_set(fault, ERR_SYNTAX, 0, "line 1, column 1: no names of columns");
    if (err != ERR_OK)
        return err;
    for (size_t at = 0;; at++) {
        if (TRY(err, cut_field(csv, line, &at, &name, fault)) || TRY(err, know(csv, name, &seen, fault)))
            return err;
        if (at == line.len)
            break;
    }
    for (size_t k = 0; k < COLUMNS; k++)
        if (columns[k].need != MAY && (seen >> k & 1) == 0)
            return refuse_at(csv, line.at + line.len, ERR_SYNTAX, columns[k].name, "the column is missing",
                             fault);
    return ERR_OK;
}

static err_t take(const struct space_csv *csv, unsigned known, struct str text, struct space_elements *out,
                  struct fault *fault)
{
    if (known == NOT_KNOWN)
        return ERR_OK;
    struct cell cell = {csv, columns[known].name, text, fault};
    if (text.len == 0 && columns[known].need == MUST)
        return refuse(&cell, ERR_SYNTAX, "is empty");
    return text.len == 0 ? ERR_OK : columns[known].take(&cell, (char *)out + columns[known].field);
}

err_t space_csv_next(struct space_csv *csv, struct space_elements *out, struct fault *fault)
{
    struct str line = {0}, text;
    struct space_elements elements = {.classification = ' '};
    err_t err = cut_line(csv, &line, fault);
    if (err != ERR_OK)
        return err;
    size_t count = 0;
    for (size_t at = 0;; at++) {
        if (TRY(err, cut_field(csv, line, &at, &text, fault)))
            return err;
        if (count == csv->count)
            return refuse_at(csv, text.at, ERR_SYNTAX, "", "more fields than columns", fault);
        if (TRY(err, take(csv, csv->known[count++], text, &elements, fault)))
            return err;
        if (at == line.len)
            break;
    }
    if (count < csv->count)
        return refuse_at(csv, line.at + line.len, ERR_SYNTAX, "", "fewer fields than columns", fault);
    *out = elements;
    return ERR_OK;
}
