/* Who logs in: the user and the password before a URL's host, and behind a program's switch. */
#include <string.h>

#include "core/limit.h"
#include "privacy/scan.h"

enum { SCORE_USER = 62, SCORE_PASSWORD = 64 };

static bool is_in(struct str text, const struct str *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_same(text, words[i]))
            return true;
    return false;
}

/* What stands where a name or a password would: variables, masks, examples; what archives of samples have. */
static bool is_nobody(struct str text, enum privacy_kind kind)
{
    static const struct str examples[] = {
        {"password", 8}, {"passwd", 6}, {"pass", 4},     {"pwd", 3},
        {"secret", 6},   {"token", 5},  {"infected", 8}, {"x-oauth-basic", 13},
        {"login", 5},    {"prompt", 6}, {"pw", 2},       {"stdin", 5},
        {"app", 3},      {"api", 3},    {"db", 2},       {"service", 7},
        {"test", 4},     {"demo", 4}};
    size_t seen = 0;
    for (size_t i = 0; i < text.len; i++)
        seen += strchr("*xX.", text.at[i]) == NULL || text.at[i] == '\0';
    return text.len < 2 || seen == 0 || strchr("$%<{[", text.at[0]) != NULL ||
           is_in(text, examples, sizeof examples / sizeof *examples) ||
           (kind == PRIVACY_ACCOUNT && token_is_system(text));
}

static bool put(struct str all, size_t from, size_t end, enum privacy_kind kind, struct find *out)
{
    *out = (struct find) {.kind = kind,
                          .score = kind == PRIVACY_ACCOUNT ? SCORE_USER : SCORE_PASSWORD,
                          .reasons = PRIVACY_PREFIX,
                          .from = from,
                          .end = end};
    return end > from && !is_nobody((struct str) {all.at + from, end - from}, kind);
}

/* https://www.bank.com@evil.example shows the name of another host. */
static bool is_host(struct str name)
{
    static const struct str ends[] = {{".com", 4}, {".net", 4}, {".org", 4}, {".kr", 3}};
    if (name.len > 4 && str_same((struct str) {name.at, 4}, STR("www.")))
        return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (name.len > ends[i].len &&
            str_same((struct str) {name.at + name.len - ends[i].len, ends[i].len}, ends[i]))
            return true;
    return false;
}

static bool ends_authority(uint8_t c)
{
    return c <= ' ' || memchr("/\\?#\"'<>`", c, 9) != NULL;
}

size_t login_url(struct scan *scan, size_t at, struct find out[LOGIN_FINDS])
{
    size_t from = at + 3, sign = 0, count = 0, end = from;
    if (scan_byte(scan, at + 1) != '/' || scan_byte(scan, at + 2) != '/')
        return 0;
    for (; end - from < LIMIT_PRIVACY_LOCAL && end < scan->text.len && !ends_authority(scan_byte(scan, end));
         end++)
        if (scan_byte(scan, end) == '@')
            sign = end;
    scan->hits->steps += end - from;
    if (sign == 0)
        return 0;
    struct str user = {scan->text.at + from, sign - from};
    const char *colon = memchr(user.at, ':', user.len);
    size_t stop = colon == NULL ? sign : from + (size_t)(colon - user.at);
    user.len = stop - from;
    if (put(scan->text, from, stop, PRIVACY_ACCOUNT, &out[0]) && !(colon == NULL && is_host(user)))
        count++;
    if (colon != NULL && put(scan->text, stop + 1, sign, PRIVACY_CREDENTIAL, &out[count]))
        count++;
    return count;
}

/* --- switches: /user:NAME, --password=WORD, -Password WORD --- */

static const struct option {
    struct str word;
    enum privacy_kind kind;
    bool blank; /* may stand between it and its value */
} options[] = {
    {{"user", 4}, PRIVACY_ACCOUNT, false},       {{"username", 8}, PRIVACY_ACCOUNT, true},
    {{"login", 5}, PRIVACY_ACCOUNT, false},      {{"pass", 4}, PRIVACY_CREDENTIAL, false},
    {{"password", 8}, PRIVACY_CREDENTIAL, true}, {{"passwd", 6}, PRIVACY_CREDENTIAL, true},
    {{"pwd", 3}, PRIVACY_CREDENTIAL, false},
};

static const struct option *option_of(struct str word)
{
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (str_same(word, options[i].word))
            return &options[i];
    return NULL;
}

/* Where the value begins behind the word that ends at `at`; 0: nothing parts them. */
static size_t value_from(const struct scan *scan, size_t at, bool blank)
{
    uint8_t c = scan_byte(scan, at);
    if (c == ':' || c == '=')
        return at + 1;
    return blank && c == ' ' && scan_byte(scan, at + 1) != '-' ? at + 1 : 0;
}

static bool ends_value(uint8_t c)
{
    return c <= ' ' || memchr("\"'<>|;&,)`", c, 10) != NULL;
}

/* "the -password switch" speaks of it. */
static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < 'a' || text.at[i] > 'z')
            return text.at[i] == '.' && i + 1 == text.len;
    return true;
}

static size_t value_end(const struct scan *scan, size_t from, uint8_t quote)
{
    size_t end = from;
    while (end < scan->text.len && end - from < LIMIT_PRIVACY_LOCAL &&
           (quote != 0 ? scan_byte(scan, end) != quote && scan_byte(scan, end) >= ' '
                       : !ends_value(scan_byte(scan, end))))
        end++;
    return end;
}

bool login_switch(struct scan *scan, size_t at, struct find *out)
{
    uint8_t mark = scan_byte(scan, at), before = at > 0 ? scan_byte(scan, at - 1) : ' ';
    size_t from = at + 1 + (mark == '-' && scan_byte(scan, at + 1) == '-'), end = from;
    if ((before > ' ' && memchr("\"'`([", before, 5) == NULL) || (mark == '/' && token_is_request(scan, at)))
        return false;
    while (scan_is_letter(scan_byte(scan, end)) && end - from <= sizeof "username")
        end++;
    const struct option *option = option_of((struct str) {scan->text.at + from, end - from});
    size_t value = option == NULL ? 0 : value_from(scan, end, option->blank && mark == '-');
    if (value == 0)
        return false;
    uint8_t quote = scan_byte(scan, value);
    quote = quote == '"' || quote == '\'' ? quote : 0;
    value += quote != 0;
    end = value_end(scan, value, quote);
    scan->hits->steps += end - at;
    struct str said = {scan->text.at + value, end - value};
    if (option->kind == PRIVACY_ACCOUNT && memchr(said.at, '@', said.len) != NULL)
        return false; /* an address, and found as one */
    for (size_t i = value; option->kind == PRIVACY_ACCOUNT && i < end; i++)
        if (scan_byte(scan, i) == '\\') /* DOMAIN\name */
            value = i + 1;
    bool apart = scan_byte(scan, value - 1) == ' ' && option->kind == PRIVACY_CREDENTIAL;
    return !(apart && is_word((struct str) {scan->text.at + value, end - value})) &&
           put(scan->text, value, end, option->kind, out);
}
