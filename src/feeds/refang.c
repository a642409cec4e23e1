#include "feeds/refang.h"

/* Read at any place of the value; upper and lower case alike. */
static const struct row {
    struct str from, to;
} rows[] = {
    {{"[.]", 3}, {".", 1}},     {{"(.)", 3}, {".", 1}},   {{"{.}", 3}, {".", 1}},  {{"[dot]", 5}, {".", 1}},
    {{"(dot)", 5}, {".", 1}},   {{"{dot}", 5}, {".", 1}}, {{"\\.", 2}, {".", 1}},  {{"[@]", 3}, {"@", 1}},
    {{"(@)", 3}, {"@", 1}},     {{"[at]", 4}, {"@", 1}},  {{"(at)", 4}, {"@", 1}}, {{"[:]", 3}, {":", 1}},
    {{"[://]", 5}, {"://", 3}}, {{"[/]", 3}, {"/", 1}},
};

/* Read at the beginning only. */
static const struct row schemes[] = {
    {{"hxxp:", 5}, {"http:", 5}},   {{"hxxps:", 6}, {"https:", 6}}, {{"fxp:", 4}, {"ftp:", 4}},
    {{"hxxp[", 5}, {"http[", 5}},   {{"hxxps[", 6}, {"https[", 6}}, {{"h**p:", 5}, {"http:", 5}},
    {{"h**ps:", 6}, {"https:", 6}},
};

static bool starts(struct str s, struct str head)
{
    if (s.len < head.len)
        return false;
    for (size_t i = 0; i < head.len; i++)
        if (str_lower(s.at[i]) != str_lower(head.at[i]))
            return false;
    return true;
}

static const struct row *find(const struct row *from, size_t count, struct str s)
{
    for (size_t i = 0; i < count; i++)
        if (starts(s, from[i].from))
            return &from[i];
    return NULL;
}

bool feeds_is_defanged(struct str value)
{
    return find(schemes, sizeof schemes / sizeof schemes[0], value) != NULL;
}

bool feeds_refang(struct str value, struct buf *out)
{
    bool changed = false;
    const struct row *row = find(schemes, sizeof schemes / sizeof schemes[0], value);
    if (row != NULL) {
        /* The mark behind the scheme may itself be bracketed: only the letters are taken here. */
        buf_put(out, row->to.at, row->to.len - 1);
        value = (struct str) {value.at + row->from.len - 1, value.len - (row->from.len - 1)};
        changed = true;
    }
    while (value.len > 0) {
        row = find(rows, sizeof rows / sizeof rows[0], value);
        size_t taken = row == NULL ? 1 : row->from.len;
        if (row == NULL)
            buf_putc(out, value.at[0]);
        else
            buf_put_str(out, row->to);
        changed |= row != NULL;
        value = (struct str) {value.at + taken, value.len - taken};
    }
    return changed;
}
