#include "gate/spelling.h"

#include "stix/plain.h"

/* What people set so that a reader does not click on it. */
static const struct set_apart {
    struct str set, meant;
    bool begins; /* only where a name begins */
} set_apart[] = {
    {{"[.]", 3}, {".", 1}, false},          {{"(.)", 3}, {".", 1}, false},
    {{"{.}", 3}, {".", 1}, false},          {{"[dot]", 5}, {".", 1}, false},
    {{"(dot)", 5}, {".", 1}, false},        {{"{dot}", 5}, {".", 1}, false},
    {{"[:]", 3}, {":", 1}, false},          {{"[://]", 5}, {"://", 3}, false},
    {{"[at]", 4}, {"@", 1}, false},         {{"(at)", 4}, {"@", 1}, false},
    {{"[@]", 3}, {"@", 1}, false},          {{"[/]", 3}, {"/", 1}, false},
    {{"hxxp", 4}, {"http", 4}, true},       {{"fxp", 3}, {"ftp", 3}, true},
    {{"\xe3\x80\x82", 3}, {".", 1}, false}, /* IDEOGRAPHIC FULL STOP, and its half: dots of a name (UTS 46) */
    {{"\xef\xbd\xa1", 3}, {".", 1}, false},
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

bool spelling_of_like(struct str like, struct arena *arena, struct str *out)
{
    if (like.len > SPELLING_BYTES_MAX || memchr(like.at, '_', like.len) != NULL)
        return false;
    char *text = arena_alloc(arena, like.len + 1);
    size_t len = 0;
    if (text == NULL)
        return false;
    for (size_t i = 0; i < like.len; i++)
        if (like.at[i] != '%')
            text[len++] = like.at[i];
    *out = (struct str) {text, len};
    return len > 0 && !(text[len - 1] == '.' && like.at[like.len - 1] == '%');
}
