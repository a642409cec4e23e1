#include "gate/spelling.h"

#include "gate/broad.h"
#include "gate/reach.h"
#include "search/term.h"
#include "stix/plain.h"

/* What people set so that a reader does not click on it. */
static const struct set_apart {
    struct str set, meant;
    bool begins; /* only where a name begins */
} set_apart[] = {
    {{"[.]", 3}, {".", 1}, false},
    {{"(.)", 3}, {".", 1}, false},
    {{"{.}", 3}, {".", 1}, false},
    {{"[dot]", 5}, {".", 1}, false},
    {{"(dot)", 5}, {".", 1}, false},
    {{"{dot}", 5}, {".", 1}, false},
    {{"[:]", 3}, {":", 1}, false},
    {{"[://]", 5}, {"://", 3}, false},
    {{"[at]", 4}, {"@", 1}, false},
    {{"(at)", 4}, {"@", 1}, false},
    {{"[@]", 3}, {"@", 1}, false},
    {{"[/]", 3}, {"/", 1}, false},
    {{"hxxp", 4}, {"http", 4}, true},
    {{"fxp", 3}, {"ftp", 3}, true},
    {{"\xe3\x80\x82", 3}, {".", 1}, false}, /* IDEOGRAPHIC FULL STOP, and its half: dots of a name (UTS 46) */
    {{"\xef\xbd\xa1", 3}, {".", 1}, false},
    {{"\t", 1}, {"", 0}, false}, /* browsers drop these (WHATWG URL section 4.4) */
    {{"\n", 1}, {"", 0}, false},
    {{"\r", 1}, {"", 0}, false},
};

static bool is_any_case(struct str text, struct str lower)
{
    size_t i = 0;
    while (i < text.len && i < lower.len && str_lower(text.at[i]) == lower.at[i])
        i++;
    return i == text.len && i == lower.len;
}

static const struct set_apart *set_at(struct str text, size_t at)
{
    struct str rest = {text.at + at, text.len - at};
    for (size_t i = 0; i < sizeof set_apart / sizeof *set_apart; i++) {
        const struct set_apart *row = &set_apart[i];
        if (rest.len >= row->set.len && (!row->begins || at == 0) &&
            is_any_case((struct str) {rest.at, row->set.len}, row->set))
            return row;
    }
    return NULL;
}

/* Never longer. */
static struct str put_together(struct str text, char *out)
{
    size_t len = 0;
    for (size_t at = 0; at < text.len;) {
        const struct set_apart *row = set_at(text, at);
        struct str put = row == NULL ? (struct str) {text.at + at, 1} : row->meant;
        memcpy(out + len, put.at, put.len);
        len += put.len;
        at += row == NULL ? 1 : row->set.len;
    }
    return (struct str) {out, len};
}

bool spelling_plain(struct str text, struct arena *arena, struct str *out)
{
    struct stix_plain plain;
    if (text.len == 0 || text.len > SPELLING_BYTES_MAX)
        return false;
    char *read = arena_alloc(arena, text.len);
    if (read == NULL || stix_plain_open(put_together(text, read), STIX_PLAIN_TEXT, &plain) != ERR_OK)
        return false;
    char *again = arena_alloc(arena, plain.text.len + 1); /* an escape may have hidden a dot in brackets */
    if (again != NULL)
        *out = put_together(plain.text, again);
    stix_plain_close(&plain);
    return again != NULL && !str_eq(*out, text);
}

bool spelling_open_address(struct str text, struct arena *arena, struct str *out)
{
    char *copy = reach_begins_address(text) ? arena_alloc(arena, text.len + 1) : NULL;
    if (copy == NULL)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '*';
    *out = (struct str) {copy, text.len + 1};
    return true;
}

bool spelling_of_like(struct str like, struct arena *arena, struct str *out)
{
    if (like.len == 0 || like.len > SPELLING_BYTES_MAX)
        return false;
    char *text = arena_alloc(arena, like.len + 1);
    size_t len = 0;
    bool open = like.at[like.len - 1] == '%';
    if (text == NULL)
        return false;
    for (size_t i = 0; i < like.len; i++)
        if (like.at[i] != '%')
            text[len++] = like.at[i];
    *out = (struct str) {text, len};
    if (open && spelling_open_address(*out, arena, out))
        return true;
    return len > 0 && !(text[len - 1] == '.' && open);
}

/* --- regular expressions --- */

/* "Any number", as people write it where one of an address stands; a dot before it. */
static bool drop_any_number(struct str *text)
{
    static const struct str tails[] = {{"\\d{1,3}", 7}, {"[0-9]{1,3}", 10}, {"\\d+", 3}, {"[0-9]+", 6},
                                       {"\\d*", 3},     {"[0-9]*", 6},      {".*", 2},   {".+", 2},
                                       {"[^.]+", 5},    {"(", 1},           {")", 1}};
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
        if (str_ends(*text, tails[i])) {
            text->len -= tails[i].len;
            text->len -= str_ends(*text, STR("\\.")) ? 2 : 0;
            return true;
        }
    return false;
}

bool spelling_of_open_regex(struct str regex, struct arena *arena, struct str *out)
{
    char text[TERM_BYTES_MAX];
    size_t len;
    bool open = !str_ends(regex, STR("$"));
    regex.len -= !open;
    do {
        bool told = open && broad_regex_sample(regex, 0, text, sizeof text, &len);
        if (told && spelling_open_address((struct str) {text, len}, arena, out))
            return true;
        open = true;
    } while (drop_any_number(&regex));
    return false;
}

/* --- hashes --- */

static bool is_hex_pair(struct str text, size_t at)
{
    uint8_t byte;
    return text.len - at >= 2 && str_unhex((struct str) {text.at + at, 2}, &byte, 1);
}

/* "SHA-256: ", "md5=", "0x". */
static struct str behind_algorithm(struct str text)
{
    static const struct str names[] = {{"md5", 3},     {"sha1", 4},    {"sha-1", 5},
                                       {"sha256", 6},  {"sha-256", 7}, {"sha512", 6},
                                       {"sha-512", 7}, {"0x", 2},      {"\\x", 2}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = names[i].len;
        if (text.len <= len || !str_same((struct str) {text.at, len}, names[i]))
            continue;
        len += text.at[len] == ':' || text.at[len] == '=';
        return str_trim((struct str) {text.at + len, text.len - len});
    }
    return text;
}

bool spelling_hash(struct str text, struct arena *arena, struct str *out)
{
    enum { PAIRS_MAX = 64, PAIR = 3 };
    struct str rest = behind_algorithm(str_trim(text));
    if (rest.len < 32 || rest.len > PAIR * PAIRS_MAX || (rest.len == text.len && is_hex_pair(rest, 2)))
        return false;
    char mark = is_hex_pair(rest, 2) ? 0 : rest.at[2], *made = arena_alloc(arena, rest.len);
    size_t len = 0;
    if (made == NULL || (mark != 0 && memchr(":- ", mark, 3) == NULL))
        return false;
    for (size_t at = 0; at < rest.len; at += mark == 0 ? 2 : PAIR) {
        if (!is_hex_pair(rest, at) || (mark != 0 && rest.len - at > 2 && rest.at[at + 2] != mark))
            return false;
        made[len++] = rest.at[at];
        made[len++] = rest.at[at + 1];
    }
    *out = (struct str) {made, len};
    return term_is_hash(*out);
}
