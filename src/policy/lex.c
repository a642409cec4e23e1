#include <stdarg.h>
#include <stdio.h>

#include "policy/parse.h"

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == ':' || c == '+' || c == '-' || c == '/';
}

static char at(const struct parse *parse, uint32_t pos)
{
    return pos < parse->text.len ? parse->text.at[pos] : '\0';
}

static uint32_t skip_blanks(const struct parse *parse, uint32_t pos)
{
    bool comment = false;
    for (; pos < parse->text.len; pos++) {
        char c = parse->text.at[pos];
        if (c == '#')
            comment = true;
        else if (c == '\n')
            comment = false;
        else if (!comment && c != ' ' && c != '\t' && c != '\r')
            break;
    }
    return pos;
}

static struct token token_of(const struct parse *parse, enum token_kind kind, uint32_t from, uint32_t end)
{
    return (struct token) {.kind = kind, .text = {parse->text.at + from, end - from}, .at = from, .end = end};
}

static err_t lex_string(struct parse *parse, uint32_t from, struct token *out)
{
    uint32_t end = from + 1;
    while (end < parse->text.len && parse->text.at[end] != '"' && parse->text.at[end] != '\n')
        end++;
    if (at(parse, end) != '"')
        return parse_fail(parse, ERR_SYNTAX, from, "this string never ends");
    *out = token_of(parse, TOKEN_STRING, from + 1, end);
    out->at = from;
    out->end = end + 1;
    return ERR_OK;
}

static bool lex_cmp(struct parse *parse, uint32_t from, struct token *out)
{
    static const struct {
        char text[3];
        uint8_t cmp;
    } rows[] = {{"==", CMP_EQ}, {"!=", CMP_NE}, {"<=", CMP_LE}, {">=", CMP_GE}, {"<", CMP_LT}, {">", CMP_GT}};
    struct str rest = {parse->text.at + from, parse->text.len - from};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str text = str_of(rows[i].text);
        if (!str_starts(rest, text))
            continue;
        *out = token_of(parse, TOKEN_CMP, from, from + (uint32_t)text.len);
        out->cmp = rows[i].cmp;
        return true;
    }
    return false;
}

err_t lex_next(struct parse *parse)
{
    parse->last_end = parse->now.end;
    uint32_t from = skip_blanks(parse, parse->now.end), end = from;
    char c = at(parse, from);
    if (from >= parse->text.len) {
        parse->now = token_of(parse, TOKEN_END, from, from);
        return ERR_OK;
    }
    if (c == '"')
        return lex_string(parse, from, &parse->now);
    while (end < parse->text.len && is_word(parse->text.at[end]))
        end++;
    if (end > from) {
        parse->now = token_of(parse, TOKEN_WORD, from, end);
        return ERR_OK;
    }
    if (lex_cmp(parse, from, &parse->now))
        return ERR_OK;
    if (c != '\0' && strchr("{}[](),;=", c) != NULL) {
        parse->now = token_of(parse, TOKEN_MARK, from, from + 1);
        return ERR_OK;
    }
    static const struct str mark = {"\xef\xbb\xbf", 3};
    if (from == 0 && str_starts(parse->text, mark)) {
        err_t err = parse_fail(parse, ERR_SYNTAX, from, "a byte order mark begins the text");
        parse_suggest(parse, "save it as UTF-8 without one");
        return err;
    }
    err_t err = parse_fail(parse, ERR_SYNTAX, from, "this character means nothing here");
    parse_suggest(
        parse, "names of rules and sets have a-z, A-Z, 0-9, - and _; other characters stand in \"quotes\", "
               "where a text is meant, and behind #");
    return err;
}

const char *lex_name(const struct token *token, char *buf, size_t size)
{
    if (token->kind == TOKEN_END)
        snprintf(buf, size, "the end of the text");
    else
        snprintf(buf, size, "`%.*s`", (int)(token->text.len < 60 ? token->text.len : 60), token->text.at);
    return buf;
}

bool lex_duration(struct str word, int64_t *out_us)
{
    static const struct {
        char unit;
        int64_t seconds;
    } rows[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    const int64_t seconds_max = 36500LL * 86400;
    uint64_t number;
    if (word.len < 2 || !str_to_u64((struct str) {word.at, word.len - 1}, (uint64_t)seconds_max, &number))
        return false;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (word.at[word.len - 1] != rows[i].unit || (int64_t)number > seconds_max / rows[i].seconds)
            continue;
        *out_us = (int64_t)number * rows[i].seconds * 1000000;
        return true;
    }
    return false;
}

err_t parse_fail(struct parse *parse, err_t code, uint32_t where, const char *fmt, ...)
{
    struct policy_fault *fault = parse->fault;
    *fault = (struct policy_fault) {.code = code, .line = 1, .column = 1};
    for (uint32_t i = 0; i < where && i < parse->text.len; i++) {
        uint8_t c = (uint8_t)parse->text.at[i];
        if (c == '\n')
            fault->line++, fault->column = 1;
        else if ((c & 0xc0) != 0x80) /* not the inside of a UTF-8 character */
            fault->column++;
    }
    va_list args;
    va_start(args, fmt);
    vsnprintf(fault->what, sizeof fault->what, fmt, args);
    va_end(args);
    return code;
}

void parse_suggest(struct parse *parse, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(parse->fault->suggestion, sizeof parse->fault->suggestion, fmt, args);
    va_end(args);
}

void parse_nearest(struct parse *parse, const struct suggest *suggest, const char *otherwise)
{
    suggest_put(suggest, otherwise, parse->fault->suggestion, sizeof parse->fault->suggestion);
}

err_t parse_expected(struct parse *parse, const char *what)
{
    char name[80];
    return parse_fail(parse, ERR_SYNTAX, parse->now.at, "expected %s, found %s", what,
                      lex_name(&parse->now, name, sizeof name));
}

err_t parse_expected_word(struct parse *parse, const char *what, const char *const *words, unsigned count)
{
    err_t err = parse_expected(parse, what);
    struct suggest suggest = suggest_for(parse->now.text);
    suggest_words(&suggest, words, count);
    parse_nearest(parse, &suggest, NULL);
    return err;
}
