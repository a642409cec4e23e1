/* One person's identifier, looked for in texts as people write it: numbers with and without marks between
 * their groups, telephones with and without +82, letters of either case. */
#include <string.h>

#include "privacy/privacy.h"

enum { DIGITS_MIN = 6 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

static bool is_between(char c)
{
    return c == '-' || c == '.' || c == ' ' || c == '(' || c == ')' || c == '/';
}

/* A digit of ASCII or of full width (EF BC 90..99) at `at`; -1: none. */
static int digit_at(struct str text, size_t at, size_t *out_size)
{
    *out_size = 1;
    if (at >= text.len)
        return -1;
    if (is_digit(text.at[at]))
        return text.at[at] - '0';
    if (text.len - at < 3 || memcmp(text.at + at, "\xef\xbc", 2) != 0)
        return -1;
    int digit = (uint8_t)text.at[at + 2] - 0x90;
    *out_size = 3;
    return digit >= 0 && digit <= 9 ? digit : -1;
}

bool privacy_person(struct str value, struct privacy_person *out)
{
    struct privacy_person person = {.len = 0};
    size_t size;
    value = str_trim(value);
    if (value.len < 3 || value.len > sizeof person.text)
        return false;
    bool number = true;
    for (size_t i = 0; i < value.len && number; i += size) {
        int digit = digit_at(value, i, &size);
        number = digit >= 0 || is_between(value.at[i]) || (i == 0 && value.at[i] == '+');
        if (digit >= 0)
            person.text[person.len++] = (char)('0' + digit);
    }
    person.number = number && person.len >= DIGITS_MIN;
    if (!person.number)
        for (person.len = 0; person.len < value.len; person.len++)
            person.text[person.len] = lower(value.at[person.len]);
    /* +82 10 1234 5678 is 010-1234-5678. */
    if (person.number && person.len > 10 && value.at[0] == '+' && memcmp(person.text, "82", 2) == 0) {
        size_t from = person.text[2] == '0' ? 2 : 1;
        person.text[from] = '0';
        memmove(person.text, person.text + from, person.len - from);
        person.len -= from;
    }
    *out = person;
    return true;
}

/* Do these digits stand at `at`, with at most two marks between any two? Where they end. */
static bool number_stands(struct str digits, struct str text, size_t at, size_t *out_end)
{
    size_t size;
    for (size_t i = 0; i < digits.len; i++) {
        for (unsigned marks = 0; i > 0 && marks < 2 && at < text.len && is_between(text.at[at]); marks++)
            at++;
        if (digit_at(text, at, &size) != digits.at[i] - '0')
            return false;
        at += size;
    }
    *out_end = at;
    return digit_at(text, at, &size) < 0;
}

static bool number_said(const struct privacy_person *person, struct str text)
{
    struct str digits = {person->text, person->len}, short_form = {person->text + 1, person->len - 1};
    size_t end, size, after;
    for (size_t at = 0; at < text.len; at += size) {
        bool begins = digit_at(text, at, &size) >= 0;
        if (!begins || (at > 0 && is_alnum(text.at[at - 1])))
            continue;
        if (number_stands(digits, text, at, &end))
            return true;
        /* 82 and the rest without its 0, or with it in parentheses. */
        if (person->text[0] != '0' || text.len - at < 2 || memcmp(text.at + at, "82", 2) != 0)
            continue;
        after = at + 2;
        while (after < text.len && is_between(text.at[after]) && after - at < 5)
            after++;
        if (number_stands(short_form, text, after, &end) || number_stands(digits, text, after, &end))
            return true;
    }
    return false;
}

static bool words_said(const struct privacy_person *person, struct str text)
{
    bool edge = is_alnum(person->text[0]), edge_end = is_alnum(person->text[person->len - 1]);
    for (size_t at = 0; person->len <= text.len - at; at++) {
        size_t i = 0;
        while (i < person->len && lower(text.at[at + i]) == person->text[i])
            i++;
        if (i < person->len || (edge && at > 0 && is_alnum(text.at[at - 1])))
            continue;
        if (!edge_end || at + i == text.len || !is_alnum(text.at[at + i]))
            return true;
    }
    return false;
}

bool privacy_person_said(const struct privacy_person *person, struct str text)
{
    if (person->len > text.len)
        return false;
    return person->number ? number_said(person, text) : words_said(person, text);
}
