#include "stix/named.h"

#include <string.h>

#include "core/vec.h"
#include "stix/digit.h"
#include "stix/disguise.h"

enum {
    DIGITS = 32,               /* of a UUID */
    TEXT_MIN = 3 + 1 + DIGITS, /* url/, and digits with nothing seen between them */
    GROUPS = 5,
    BLANKS_MAX = 4, /* a broken line and what it begins with */
    BREAK_MAX = 16, /* ...in the midst of digits */
    SOFT_MAX = 4,   /* one after the other */
    BETWEEN_MAX = 10,
    TYPE_MIN = 3,
    VERSION_BYTE = 6, /* its upper half */
    VARIANT_BYTE = 8, /* its two upper bits */
    DRAWN = 4,
    FROM_VALUE = 5,
    CUSTOM_WORDS_MAX = 6,
    ALONE_MAX = 2 * BREAK_MAX, /* between two digits of what is known: all that a name may have there */
};

/* --- the first look --- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (str_lower(c) >= 'a' && str_lower(c) <= 'f');
}

static vec escapes(vec v)
{
    return (vec)(v - '%' < 2) | (vec)(v == '\\') | (vec)(v == '<'); /* & is behind % */
}

/* What stands between no two digits of a UUID, unless an escape has it: a letter behind f, or the first byte
 * of a character that nothing stands for (most of Hangul and Chinese; 0xea also begins digits). */
static vec parts(vec v)
{
    return (vec)((v | 0x20) - 'g' < 20) | ((vec)(v - 0xe4 < 10) & (vec)(v != 0xea));
}

/* Each digit has a byte of its own, a digit's or the first one of a character that stands for one
 * (disguise.h, digit.h). */
static bool has_digits(struct str text, bool escaped)
{
    size_t run = 0, all = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.at[i];
        if (is_hex(text.at[i]) || stix_disguise_leads(c) || stix_digit_leads(c)) {
            all++;
            if (++run >= DIGITS)
                return true;
        } else if ((uint8_t)((c | 0x20) - 'g') < 20 || (uint8_t)(c - 0xe4) < 10) {
            run = 0;
        }
    }
    return escaped && all >= DIGITS;
}

/* 31 bytes and more in a row have 16 of these blocks' in them. */
static bool may_have(struct str text, size_t least)
{
    vec escaped = {0};
    bool whole = false;
    if (text.len < least)
        return false;
    vec last = vec_load(text.at + text.len - VEC_SIZE);
    for (size_t i = 0; i < text.len - VEC_SIZE; i += VEC_SIZE) {
        vec v = vec_load(text.at + i);
        escaped |= escapes(v);
        whole |= vec_bits(parts(v)) == 0;
    }
    escaped |= escapes(last);
    whole |= vec_bits(parts(last)) == 0;
    bool any = vec_bits(escaped) != 0;
    return ((whole || any) && has_digits(text, any)) || stix_base64_may(text);
}

bool stix_named_may(struct str text)
{
    return may_have(text, TEXT_MIN);
}

bool stix_named_may_alone(struct str text)
{
    return may_have(text, DIGITS);
}

/* --- the UUID --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool is_break(char c)
{
    return c == '\n' || c == '\r';
}

/* What mailers set before each line of an answer, programmers before each line of a comment, tables about
 * their cells. */
static bool is_margin(char c)
{
    return is_blank(c) || c == '>' || c == '/' || c == '*' || c == '#' || c == '|';
}

/* One digit, behind what cannot be seen, a blank, or on the next line. */
static bool take_digit(struct str text, size_t *at, uint8_t *out, bool *loose)
{
    for (unsigned soft = 0; *at < text.len && text.at[*at] == STIX_PLAIN_SOFT && soft < SOFT_MAX; soft++)
        ++*at;
    if (*at + 1 < text.len && text.at[*at] == ' ' && !is_break(text.at[*at + 1])) {
        ++*at;
        *loose = true;
    }
    for (unsigned blanks = 0;
         *at < text.len && is_blank(text.at[*at]) && !is_break(text.at[*at]) && blanks < BLANKS_MAX; blanks++)
        ++*at;
    if (*at < text.len && is_break(text.at[*at]))
        for (unsigned blanks = 0; *at < text.len && is_margin(text.at[*at]) && blanks < BREAK_MAX; blanks++)
            ++*at;
    if (*at == text.len || !is_hex(text.at[*at]))
        return false;
    char c = str_lower(text.at[(*at)++]);
    *out = (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    return true;
}

/* What names made of identifiers have in the place of dashes. */
static bool is_other_mark(char c)
{
    return c == '_' || c == '.' || c == ':';
}

/* A dash, a soft hyphen in its place, blanks about it; or a blank or another mark alone, which is `loose`. */
static bool take_dash(struct str text, size_t *at, bool *loose)
{
    unsigned blanks = 0, dashes = 0, others = 0;
    bool broken = false;
    for (; *at < text.len; ++*at) {
        char c = text.at[*at];
        broken |= is_break(c);
        if (is_blank(c) || (broken && is_margin(c)))
            blanks++;
        else if (c == '-' || c == '~' || c == STIX_PLAIN_SOFT)
            dashes++;
        else if (is_other_mark(c))
            others++;
        else
            break;
        if (blanks > (broken ? (unsigned)BREAK_MAX : (unsigned)BLANKS_MAX) || dashes > SOFT_MAX)
            return false;
    }
    *loose |= dashes == 0;
    return dashes > 0 ? others == 0 : others + blanks == 1;
}

/* Of a random or a derived UUID: RFC 9562 section 4.1. */
static bool is_made(const struct uuid *uuid)
{
    uint8_t version = uuid->b[VERSION_BYTE] >> 4;
    return (version == DRAWN || version == FROM_VALUE) && uuid->b[VARIANT_BYTE] >> 6 == 2;
}

/* What is written loosely must have the marks of one that STIX makes: numbers in a row are none. */
static bool take_uuid(struct str text, size_t at, struct stix_named *out)
{
    static const uint8_t groups[GROUPS] = {4, 2, 2, 2, 6};
    size_t n = 0;
    bool loose = false;
    out->from = at;
    for (unsigned g = 0; g < GROUPS; g++) {
        if (g > 0 && !take_dash(text, &at, &loose))
            return false;
        for (unsigned i = 0; i < 2u * groups[g]; i++) {
            uint8_t digit;
            if (!take_digit(text, &at, &digit, &loose))
                return false;
            out->uuid.b[n / 2] = (uint8_t)(n % 2 == 0 ? digit << 4 : out->uuid.b[n / 2] | digit);
            n++;
        }
    }
    out->end = at;
    return !loose || (is_made(&out->uuid) && (at == text.len || !is_hex(text.at[at])));
}

/* type-- and 32 digits, no more: hyphens that were left out. Of a random or derived UUID: a digest has its
 * marks once in thirty times. */
static bool take_compact(struct str text, size_t at, struct stix_named *out)
{
    bool loose = false;
    out->from = at;
    for (size_t n = 0; n < UUID_SIZE; n++) {
        uint8_t high, low;
        if (!take_digit(text, &at, &high, &loose) || !take_digit(text, &at, &low, &loose))
            return false;
        out->uuid.b[n] = (uint8_t)(high << 4 | low);
    }
    out->end = at;
    return (at == text.len || !is_hex(text.at[at])) && is_made(&out->uuid);
}

/* 0x before digits in a row. */
static size_t prefix_at(struct str text, size_t at)
{
    return text.len - at > 2 && text.at[at] == '0' && str_lower(text.at[at + 1]) == 'x' ? 2 : 0;
}

enum { HEAD = 8 };

/* The blanks before `at`, when it is one, or a line is broken among them. */
static unsigned broken_before(struct str text, size_t from, size_t at)
{
    unsigned blanks = 0;
    bool broken = false;
    for (; at > from && is_margin(text.at[at - 1]) && blanks < BREAK_MAX; at--, blanks++)
        broken |= is_break(text.at[at - 1]);
    return broken || blanks == 1 ? blanks : 0;
}

/* Where eight digits begin that end before `dash`. */
static bool find_head(struct str text, size_t from, size_t dash, size_t *out)
{
    size_t at = dash;
    unsigned digits = 0, soft = 0;
    for (unsigned blanks = 0; at > from && is_blank(text.at[at - 1]) && blanks < BLANKS_MAX; blanks++)
        at--;
    while (at > from && digits < HEAD) {
        char c = text.at[at - 1];
        unsigned broken = is_margin(c) ? broken_before(text, from, at) : 0;
        if (!is_hex(c) && broken == 0 && (c != STIX_PLAIN_SOFT || ++soft > SOFT_MAX))
            return false;
        if (is_hex(c))
            digits++, soft = 0;
        at -= broken > 0 ? broken : 1;
    }
    *out = at;
    return digits == HEAD;
}

/* --- what stands before it --- */

static bool is_type_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* `tool`--`UUID`, **tool**--**UUID**, tool--{UUID}, `tool`: `UUID`: only beside the two dashes, or a colon.
 */
static bool is_around(char c)
{
    return c != '\0' && strchr("`*{[(\"'<>|", c) != NULL;
}

static bool ends_with(struct str text, struct str word)
{
    size_t i = 0;
    while (i < word.len && i < text.len && str_lower(text.at[text.len - 1 - i]) == word.at[word.len - 1 - i])
        i++;
    return i == word.len;
}

/* "indicator id: UUID": only a word of its own, which no option of a program is. */
static size_t word_before(struct str text, size_t from, size_t uuid)
{
    static const struct str words[] = {{"id", 2}, {"uuid", 4}, {"guid", 4}};
    size_t at = uuid;
    for (; at > from && uuid - at < BLANKS_MAX; at--) {
        char c = text.at[at - 1];
        if (!is_blank(c) && c != ':' && c != '"' && c != '\'')
            break;
    }
    for (size_t i = 0; at < uuid && i < sizeof words / sizeof *words; i++) {
        struct str before = {text.at + from, at - from};
        if (before.len <= words[i].len || !ends_with(before, words[i]))
            continue;
        char c = text.at[at - words[i].len - 1];
        if (is_blank(c) || c == '_')
            return at - words[i].len;
    }
    return uuid;
}

/* Where what says that a UUID follows begins; `uuid`: nothing does. */
static size_t label_before(struct str text, size_t from, size_t uuid)
{
    static const struct str labels[] = {{"urn:uuid:", 9}, {"0x", 2}};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (ends_with((struct str) {text.at + from, uuid - from}, labels[i]))
            return uuid - labels[i].len;
    return word_before(text, from, uuid);
}

/* What parts a type from its UUID, counted. */
struct between {
    unsigned blanks, dashes, others, soft, around, under, dots, colons, twos, signs, quotes, slashes;
    bool odd;
};

static bool count_between(struct between *b, const struct stix_plain *plain, size_t at)
{
    char c = plain->text.at[at];
    if (c == '-' || c == '~')
        b->odd |= !stix_plain_same(plain, at), b->dashes++, b->dots += c == '~';
    else if (is_blank(c))
        b->blanks++;
    else if (c == STIX_PLAIN_SOFT)
        b->soft++;
    else if (c == '/' || c == ':' || c == '_')
        b->others++, b->under += c == '_', b->colons += c == ':', b->slashes += c == '/';
    else if (c == '=' || c == '#')
        b->signs++, b->twos += c == '=';
    else if (is_around(c))
        b->around++, b->quotes += c == '"' || c == '\'' || c == '`';
    else
        return false;
    return true;
}

/* May it part any type from its UUID? */
static bool is_parting(const struct between *b, bool set)
{
    bool hyphen = b->dashes == 1 && !set; /* report-<UUID>.pdf */
    bool marks = b->others == 0 || b->others + b->dashes == 1 ||
                 (b->others == 2 && b->dashes == 0 && (b->under == 2 || b->colons == 2)) ||
                 (b->dashes > 1 && b->under == b->others);
    bool colon = b->others == 1 && b->under == 0 && b->dashes == 0;
    bool quoted = b->around == 1 && b->quotes == 1 && b->blanks > 0 && b->others + b->dashes == 0;
    bool twice = b->twos == 2 && b->signs == 2 && b->others + b->dashes + b->around + b->blanks == 0;
    return !hyphen && marks && b->blanks <= BLANKS_MAX && (b->signs == 0 || twice) &&
           (b->around == 0 || b->dashes > 1 || colon || quoted);
}

/* One of one's own: "X ACME SENSOR (UUID)", " = UUID", " #UUID". */
static bool is_weakly_parting(const struct between *b)
{
    return b->dashes + b->others == 0 && b->blanks > 0 && b->blanks <= BLANKS_MAX &&
           b->signs + b->around == 1;
}

/* Behind the break, when marks of a margin and nothing else stand between it and `at`. */
static size_t margin_before(struct str text, size_t from, size_t at)
{
    size_t place = at;
    bool marked = false;
    for (; place > from && at - place < BREAK_MAX && is_margin(text.at[place - 1]); place--) {
        if (is_break(text.at[place - 1]))
            return marked ? place : at;
        marked |= !is_blank(text.at[place - 1]);
    }
    return at;
}

/* Where what may part a type from its UUID begins. False: nothing that could. */
static bool look_between(const struct stix_plain *plain, size_t from, size_t uuid, size_t *out_at,
                         bool *out_path, struct stix_named *out)
{
    struct between b = {.blanks = 0};
    size_t label = label_before(plain->text, from, uuid);
    size_t near = margin_before(plain->text, from, label), at = near;
    while (at > from && near - at < BETWEEN_MAX && count_between(&b, plain, at - 1))
        at--;
    *out_at = at;
    *out_path = b.slashes > 0;
    out->strict = b.dashes == 2 && b.blanks + b.others + b.around + b.dots + b.signs == 0 && label == uuid;
    out->set = b.odd || b.dashes > 1 || b.soft > 0;
    bool parting = is_parting(&b, out->set);
    out->weak = !parting;
    return label > at && (parting || is_weakly_parting(&b));
}

/* "threat actor", and a type with a blank of another width within it: one of the standard's that ends at
 * `end` and begins before `at`. */
static bool words_before(const struct stix_plain *plain, size_t from, size_t at, size_t end,
                         struct stix_named *out)
{
    for (unsigned code = 1; code < STIX_TYPE_COUNT; code++) {
        struct str type = str_of(stix_type_row((enum stix_code)code)->name);
        size_t i = type.len, place = end;
        while (i > 0 && place > from) {
            char c = str_lower(plain->text.at[place - 1]);
            if (c == type.at[i - 1] || (type.at[i - 1] == '-' && (c == ' ' || c == '_')))
                out->starts[--i] = place - 1;
            else if (c != STIX_PLAIN_SOFT && (c != ' ' || stix_plain_same(plain, place - 1)))
                break;
            place--;
        }
        if (i > 0 || place >= at || (place > from && is_type_char(str_lower(plain->text.at[place - 1]))))
            continue;
        memcpy(out->id, type.at, type.len);
        out->type_len = type.len;
        return true;
    }
    return false;
}

static bool begins_custom(const char *last, size_t len)
{
    return len > 2 && last[len - 1] == 'x' && last[len - 2] == '-';
}

/* "X ACME SENSOR": a type of one's own in words, as far as its "x". With dots it has more of them than a host
 * has, and nothing before it: x.example/UUID is a path. */
static bool custom_before(const struct stix_plain *plain, size_t from, size_t end, bool path,
                          struct stix_named *out)
{
    char last[STIX_NAMED_TYPE_MAX]; /* from its end on */
    size_t starts[STIX_NAMED_TYPE_MAX], len = 0, place = end;
    unsigned words = 0, dots = 0;
    while (place > from && len < STIX_NAMED_TYPE_MAX && words < CUSTOM_WORDS_MAX) {
        char c = str_lower(plain->text.at[place - 1]);
        bool between = c == ' ' || c == '_' || (c == '.' && !path);
        if (between && begins_custom(last, len)) {
            dots += c == '.' ? CUSTOM_WORDS_MAX : 0;
            break;
        }
        dots += c == '.';
        if (c != STIX_PLAIN_SOFT && !between && !is_type_char(c))
            break;
        place--;
        bool again = len > 0 && last[len - 1] == '-' && (between || c == '-');
        if (c == STIX_PLAIN_SOFT || again)
            continue;
        words += between;
        starts[len] = place;
        last[len++] = between ? '-' : c;
    }
    if (!begins_custom(last, len) || dots == 1 || dots >= CUSTOM_WORDS_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        out->id[i] = last[len - 1 - i];
        out->starts[i] = starts[len - 1 - i];
    }
    out->type_len = len;
    return true;
}

/* The type is gathered from its end on, then moved to the beginning. */
static void look_before(const struct stix_plain *plain, size_t from, struct stix_named *out)
{
    size_t at, len = 0;
    bool path;
    out->type_len = 0;
    if (!look_between(plain, from, out->from, &at, &path, out))
        return;
    size_t end = at;
    for (; at > from && len < STIX_NAMED_TYPE_MAX; at--) {
        char c = str_lower(plain->text.at[at - 1]);
        c = c == '_' && !out->strict ? '-' : c;
        if (c != STIX_PLAIN_SOFT && !is_type_char(c))
            break;
        len += c != STIX_PLAIN_SOFT;
    }
    bool parted = at > from && at < end && (plain->text.at[at - 1] == ' ' || plain->text.at[at - 1] == '.');
    bool words = parted && ((!out->weak && words_before(plain, from, at, end, out)) ||
                            custom_before(plain, from, end, path, out));
    for (; at < end && !words; at++) {
        char c = str_lower(plain->text.at[at]);
        if (c == STIX_PLAIN_SOFT)
            continue;
        out->starts[out->type_len] = at;
        out->id[out->type_len++] = c == '_' ? '-' : c;
    }
    out->id[out->type_len] = out->id[out->type_len + 1] = '-';
    uuid_text(&out->uuid, out->id + out->type_len + 2);
}

bool stix_named_next(const struct stix_plain *plain, size_t last, size_t from, struct stix_named *out)
{
    struct str text = plain->text;
    for (size_t dash = from; dash < text.len; dash++) {
        size_t head;
        char c = text.at[dash];
        bool blank = is_blank(c) && dash > from && is_hex(text.at[dash - 1]);
        if (c != '-' && c != '~' && c != STIX_PLAIN_SOFT && !is_other_mark(c) && !blank)
            continue;
        bool whole = find_head(text, from, dash, &head) && take_uuid(text, head, out);
        bool twice = !whole && dash > from && (c == '-' || c == '_') && text.at[dash - 1] == c;
        bool compact = twice && take_compact(text, dash + 1 + prefix_at(text, dash + 1), out);
        if (!whole && !compact)
            continue;
        look_before(plain, last, out);
        if (compact) { /* md5--<digits> is none */
            out->strict = false;
            out->set = true;
        }
        return true;
    }
    return false;
}

/* Each digit moves the others up by half a byte. */
static void push_digit(struct uuid *uuid, uint8_t digit)
{
    for (size_t i = 0; i + 1 < UUID_SIZE; i++)
        uuid->b[i] = (uint8_t)(uuid->b[i] << 4 | uuid->b[i + 1] >> 4);
    uuid->b[UUID_SIZE - 1] = (uint8_t)(uuid->b[UUID_SIZE - 1] << 4 | digit);
}

bool stix_digits_next(struct stix_digits *digits)
{
    struct str text = digits->plain->text;
    for (size_t at = digits->at; at < text.len; at++) {
        char c = str_lower(text.at[at]);
        bool far = digits->count > 0 && at - digits->at > ALONE_MAX;
        if (far || (c >= 'g' && c <= 'z'))
            digits->count = 0;
        if (!is_hex(c))
            continue;
        push_digit(&digits->uuid, (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10));
        digits->places[digits->count++ % DIGITS] = at;
        digits->at = at + 1;
        if (digits->count >= DIGITS)
            return true;
    }
    digits->at = text.len;
    return false;
}

size_t stix_digits_from(const struct stix_digits *digits)
{
    return digits->places[digits->count % DIGITS];
}

/* A type of one's own begins with the text, behind the dashes of a list, or where another word touches its
 * "x-". */
static bool may_begin(const struct stix_named *named, size_t at, struct str name)
{
    size_t dashes = 0;
    while (dashes < at && named->id[dashes] == '-')
        dashes++;
    return dashes == at || (named->id[at - 1] == '-' && str_starts(name, STR("x-")));
}

bool stix_named_read(const struct stix_named *named, size_t at, struct str *out_id, struct stix_key *out)
{
    struct str name = {named->id + at, named->type_len - at};
    *out_id = (struct str) {name.at, name.len + 2 + UUID_TEXT_SIZE};
    if (at >= named->type_len || name.len < TYPE_MIN)
        return false;
    const struct stix_type *type = stix_type_find(name);
    bool custom = type->code == STIX_TYPE_UNKNOWN;
    bool derived = named->uuid.b[VERSION_BYTE] >> 4 == FROM_VALUE;
    if (named->weak && !custom)
        return false;
    if (custom && (!may_begin(named, at, name) || (!named->strict && !str_starts(name, STR("x-")))))
        return false;
    if (!named->strict &&
        ((at > 0 && named->id[at - 1] != '-') || (type->category == STIX_SCO && !named->set && !derived)))
        return false;
    return stix_id_parse(*out_id, out);
}
