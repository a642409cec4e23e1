/* One person's identifier, looked for in texts as people write it: the text is read as the recognisers read
 * it, numbers with and without marks between their groups, telephones with and without +82, addresses
 * defanged or not, letters of either case. */
#include <string.h>

#include "core/mem.h"
#include "privacy/canon.h"
#include "privacy/number.h"
#include "privacy/sign.h"

enum { DIGITS_MIN = 6, RESIDENT_DIGITS = 13, AMERICAN_DIGITS = 10, PASSPORT_CHARS = 9 };

static bool is_digit(struct str text, size_t at)
{
    return at < text.len && scan_is_digit((uint8_t)text.at[at]);
}

static int digit_like(struct str text, size_t at)
{
    return at < text.len ? scan_digit_like((uint8_t)text.at[at]) : -1;
}

/* Letters stand for digits (O1O-1234-5678) only in what is long enough, and mostly made of digits. */
enum { LOOKALIKE_MIN = 9 };

static bool may_have_letters(size_t letters, size_t digits)
{
    return letters == 0 || (digits >= LOOKALIKE_MIN && 2 * letters <= digits);
}

/* 9,001,011,987,654: a comma with three digits behind it. */
static bool is_thousand(struct str text, size_t at)
{
    return at < text.len && text.at[at] == ',' && is_digit(text, at + 1) && is_digit(text, at + 2) &&
           is_digit(text, at + 3) && !is_digit(text, at + 4);
}

static bool is_alnum(struct str text, size_t at)
{
    return at < text.len && scan_is_alnum((uint8_t)text.at[at]);
}

/* Behind what may part two groups; people part them more freely than recognisers would believe. */
static size_t skip_marks(struct str text, size_t at)
{
    struct scan scan = {.text = text};
    size_t end;
    if (scan_separator(&scan, at, &end) != 0)
        return end;
    for (unsigned marks = 0; marks < 2 && at < text.len && memchr("-. ()/", text.at[at], 6) != NULL; marks++)
        at++;
    return at;
}

static bool has_century(struct str digits)
{
    return str_starts(digits, STR("19")) || str_starts(digits, STR("20"));
}

/* --- what is asked for --- */

static bool take_number(struct str text, struct privacy_person *person)
{
    size_t at = text.at[0] == '+' || text.at[0] == '(' ? 1 : 0, letters = 0;
    person->len = 0;
    while (at < text.len) {
        size_t next = person->len == 0 ? at : is_thousand(text, at) ? at + 1 : skip_marks(text, at);
        if (next == text.len && next > at && text.at[next - 1] == ')')
            break;
        int digit = digit_like(text, next);
        if (digit < 0)
            return false;
        letters += !is_digit(text, next);
        person->text[person->len++] = (char)('0' + digit);
        at = next + 1;
    }
    return (person->len >= DIGITS_MIN || person->len == text.len) && may_have_letters(letters, person->len);
}

static void drop(struct privacy_person *person, size_t count)
{
    memmove(person->text, person->text + count, person->len - count);
    person->len -= count;
}

/* Without its country where that is Korea or America; a birth date without its century. */
static void set_number(struct str text, struct privacy_person *person)
{
    struct str digits = {person->text, person->len};
    bool abroad = text.at[0] == '+' || str_starts(digits, STR("0082"));
    bool korean = str_starts(digits, STR("82")) || str_starts(digits, STR("0082"));
    char form[PRIVACY_VALUE_MAX];
    size_t len = abroad && korean ? canon_value(PRIVACY_KR_PHONE, text, form) : 0;
    person->number = true;
    if (len > 0) {
        memcpy(person->text, form, len);
        person->len = len;
        mem_wipe(form, sizeof form);
    } else if (abroad && digits.len == AMERICAN_DIGITS + 1 && digits.at[0] == '1') {
        drop(person, 1);
    } else if (digits.len == RESIDENT_DIGITS + 2 && has_century(digits)) {
        drop(person, 2);
    }
}

/* An address and nothing else. */
static bool is_address(struct str form)
{
    size_t from, end;
    for (size_t at = 0; at < form.len; at++)
        if (form.at[at] == '@' && mail_around(form, at, 1, &from, &end) && from == 0 && end == form.len)
            return true;
    return false;
}

static bool set(struct str text, struct privacy_person *person)
{
    if (text.len < 3 || text.len > sizeof person->text)
        return false;
    if (take_number(text, person)) {
        set_number(text, person);
        return true;
    }
    person->len = canon_value(PRIVACY_EMAIL, text, person->text);
    person->address = is_address((struct str) {person->text, person->len});
    if (person->address)
        return true;
    for (person->len = 0; person->len < text.len; person->len++)
        person->text[person->len] = str_lower(text.at[person->len]);
    return true;
}

bool privacy_person(struct str value, struct privacy_person *out)
{
    struct privacy_person person = {.len = 0};
    struct stix_plain plain;
    value = str_trim(value);
    if (value.len > sizeof person.text || stix_plain_open(value, STIX_PLAIN_TEXT, &plain) != ERR_OK)
        return false;
    bool good = set(str_trim(plain.text), &person);
    stix_plain_close(&plain);
    if (good)
        *out = person;
    return good;
}

/* --- numbers --- */

/* Where these digits end that stand at `at`, with no other behind them; 0: they do not. */
static size_t digits_end(struct str digits, struct str text, size_t at)
{
    size_t letters = 0;
    for (size_t i = 0; i < digits.len; i++) {
        bool thousand = digits.len == RESIDENT_DIGITS && (digits.len - i) % 3 == 0 && is_thousand(text, at);
        if (i > 0)
            at = thousand ? at + 1 : skip_marks(text, at);
        if (digit_like(text, at) != digits.at[i] - '0')
            return 0;
        letters += !is_digit(text, at++);
    }
    if (!may_have_letters(letters, digits.len))
        return 0;
    bool marked = at < text.len && (text.at[at] == '-' || text.at[at] == '.');
    return is_digit(text, at) || (marked && is_digit(text, at + 1)) ? 0 : at;
}

/* SSN219099998: a word that says what it is may be grown together with it. */
static bool behind_word(struct str text, size_t at)
{
    enum { WORD_MAX = 16 };
    size_t from = at;
    while (from > 0 && at - from < WORD_MAX && scan_is_letter((uint8_t)text.at[from - 1]))
        from--;
    return from < at && (from == 0 || !is_alnum(text, from - 1)) &&
           word_is_known((struct str) {text.at + from, at - from});
}

/* No digits go on there that began before: 901015-1234567 does not say 1234567. */
static bool begins(struct str text, size_t at)
{
    bool digit = is_digit(text, at);
    if (digit_like(text, at) < 0 || (at > 0 && is_alnum(text, at - 1) && !(digit && behind_word(text, at))))
        return false;
    return at < 2 || (text.at[at - 1] != '-' && text.at[at - 1] != '.') || !is_digit(text, at - 2);
}

/* Where the number ends that is said at `at`, in any of its forms; 0: it is not. */
static size_t said_end(const struct privacy_person *person, struct str text, size_t at)
{
    struct str digits = {person->text, person->len}, short_form = {person->text + 1, person->len - 1};
    struct str rest = {text.at + at, text.len - at};
    size_t end = digits_end(digits, text, at);
    /* With the century: 19901015-1234567; with America before it. */
    if (end == 0 && digits.len == RESIDENT_DIGITS && has_century(rest))
        end = digits_end(digits, text, at + 2);
    if (end == 0 && digits.len == AMERICAN_DIGITS && rest.at[0] == '1')
        end = digits_end(digits, text, skip_marks(text, at + 1));
    /* 82 and the rest without its 0, or with it in parentheses. */
    size_t country = str_starts(rest, STR("0082")) ? 4 : str_starts(rest, STR("82")) ? 2 : 0;
    if (end > 0 || person->text[0] != '0' || country == 0)
        return end;
    size_t after = skip_marks(text, at + country);
    end = digits_end(short_form, text, after);
    return end > 0 ? end : digits_end(digits, text, after);
}

/* Where the group of digits begins that is parted from the one at `at`; `at`: there is none. */
static size_t group_before(struct str text, size_t at)
{
    enum { SEPARATOR_MAX = 8 };
    struct scan scan = {.text = text};
    size_t end = at, next;
    while (end > 0 && at - end < SEPARATOR_MAX && !is_alnum(text, end - 1))
        end--;
    if (end == 0 || end == at || !is_digit(text, end - 1) || scan_separator(&scan, end, &next) == 0 ||
        next != at)
        return at;
    while (end > 0 && is_digit(text, end - 1))
        end--;
    return end > 0 && is_alnum(text, end - 1) ? at : end;
}

static bool has_digit(struct str text, size_t from, size_t end)
{
    while (from < end && !is_digit(text, from))
        from++;
    return from < end;
}

/* Do the recognisers read a number there of which [from, end) is a part? 2345-6789 of (010) 2345-6789. */
static bool is_part(struct str text, size_t from, size_t end)
{
    struct privacy_hits hits = {.steps = 0};
    struct scan scan = {.text = text, .original = text, .hits = &hits};
    size_t at = from, after = from + 1;
    for (size_t groups = 0; groups < RUN_GROUPS && at < after; groups++) {
        struct find find;
        if (number_find(&scan, at, &find) && find.end > from &&
            (has_digit(text, find.from, from) || has_digit(text, end, find.end)))
            return true;
        after = at;
        at = group_before(text, at);
    }
    return false;
}

static bool number_said(const struct privacy_person *person, struct str text)
{
    for (size_t at = 0; at < text.len; at++) {
        size_t end = begins(text, at) ? said_end(person, text, at) : 0;
        if (end > 0 && !is_part(text, at, end))
            return true;
    }
    return false;
}

bool privacy_person_is(const struct privacy_person *person, uint64_t number)
{
    uint64_t own;
    struct str digits = {person->text, person->len};
    return person->number && person->len >= DIGITS_MIN && str_to_u64(digits, UINT64_MAX, &own) &&
           own == number;
}

/* --- addresses --- */

/* The whole address around an at-sign, in its one form: lee.kim@example.com does not say kim@example.com. */
static bool address_stands(struct str own, struct str text, size_t sign, size_t size)
{
    char form[PRIVACY_VALUE_MAX];
    size_t from, end;
    if (!mail_around(text, sign, size, &from, &end))
        return false;
    size_t len = canon_value(PRIVACY_EMAIL, (struct str) {text.at + from, end - from}, form);
    bool same = str_eq((struct str) {form, len}, own);
    mem_wipe(form, len);
    return same;
}

static bool address_said(const struct privacy_person *person, struct str text)
{
    struct str sign;
    for (size_t at = 0; at < text.len; at++) {
        size_t size = mail_sign(text, at, &sign);
        if (size > 0 && sign.at[0] == '@' &&
            address_stands((struct str) {person->text, person->len}, text, at, size))
            return true;
    }
    return false;
}

/* --- words --- */

/* M 12345678: between the letter and the number. */
static bool may_part(const struct privacy_person *person, size_t i)
{
    struct str own = {person->text, person->len};
    return i == 1 && own.len == PASSPORT_CHARS && !is_digit(own, 0) && is_digit(own, 1) && is_digit(own, 8);
}

static bool words_stand(const struct privacy_person *person, struct str text, size_t at)
{
    struct str own = {person->text, person->len};
    for (size_t i = 0; i < own.len; i++) {
        if (may_part(person, i) && at < text.len && (text.at[at] == ' ' || text.at[at] == '-'))
            at++;
        if (at >= text.len || str_lower(text.at[at++]) != own.at[i])
            return false;
    }
    return !is_alnum(own, own.len - 1) || !is_alnum(text, at);
}

static bool words_said(const struct privacy_person *person, struct str text)
{
    bool edge = scan_is_alnum((uint8_t)person->text[0]);
    for (size_t at = 0; at < text.len; at++)
        if (!(edge && at > 0 && is_alnum(text, at - 1)) && words_stand(person, text, at))
            return true;
    return false;
}

static bool is_said(const struct privacy_person *person, struct str read)
{
    return person->number    ? number_said(person, read)
           : person->address ? address_said(person, read)
                             : words_said(person, read);
}

bool privacy_person_said(const struct privacy_person *person, struct str text)
{
    struct stix_plain plain;
    if (stix_plain_open(text, STIX_PLAIN_TEXT, &plain) != ERR_OK)
        return is_said(person, text);
    bool said = is_said(person, plain.text), again = !said && plain.dressed;
    stix_plain_close(&plain);
    if (!again || stix_plain_open(text, STIX_PLAIN_TEXT_UNDRESSED, &plain) != ERR_OK)
        return said;
    said = is_said(person, plain.text);
    stix_plain_close(&plain);
    return said;
}
