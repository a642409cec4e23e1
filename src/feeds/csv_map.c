/* The mapping text. */
#include "feeds/csv.h"

struct word {
    struct str name, value;
};

/* The next NAME=VALUE or NAME="VALUE WITH BLANKS"; false at the end, or with *out_bad. */
static bool next_word(struct str *rest, struct word *out, bool *out_bad)
{
    *rest = str_trim(*rest);
    if (rest->len == 0)
        return false;
    size_t at = 0;
    while (at < rest->len && rest->at[at] != '=' && rest->at[at] != ' ')
        at++;
    *out_bad = at == 0 || at == rest->len || rest->at[at] != '=';
    if (*out_bad)
        return false;
    out->name = (struct str) {rest->at, at};
    *rest = (struct str) {rest->at + at + 1, rest->len - at - 1};
    bool quoted = rest->len > 0 && rest->at[0] == '"';
    if (quoted)
        *rest = (struct str) {rest->at + 1, rest->len - 1};
    for (at = 0; at < rest->len && rest->at[at] != (quoted ? '"' : ' ') &&
                 (quoted || (rest->at[at] != '\n' && rest->at[at] != '\t' && rest->at[at] != '\r'));)
        at++;
    *out_bad = quoted && at == rest->len;
    out->value = (struct str) {rest->at, at};
    at += quoted && at < rest->len;
    *rest = (struct str) {rest->at + at, rest->len - at};
    return !*out_bad;
}

static struct csv_cell cell_of(struct str text)
{
    static const struct str column = {"col:", 4};
    bool is_column = str_starts(text, column);
    if (is_column)
        text = (struct str) {text.at + column.len, text.len - column.len};
    return (struct csv_cell) {text, is_column};
}

static bool take_labels(struct csv_map *map, struct str list)
{
    while (list.len > 0) {
        if (map->label_count == LIMIT_CSV_LABELS)
            return false;
        map->labels[map->label_count++] = cell_of(str_cut(&list, ','));
    }
    return true;
}

static bool take_setting(struct csv_map *map, const struct word *word)
{
    if (str_eq(word->name, STR("header"))) {
        map->header = str_eq(word->value, STR("yes"));
        return map->header || str_eq(word->value, STR("no"));
    }
    if (str_eq(word->name, STR("as"))) {
        map->observables = str_eq(word->value, STR("observable"));
        return map->observables || str_eq(word->value, STR("indicator"));
    }
    if (str_eq(word->name, STR("delimiter"))) {
        bool tab = str_eq(word->value, STR("tab"));
        map->delimiter = tab ? '\t' : word->value.len == 1 ? word->value.at[0] : '"';
        return map->delimiter != '"' && map->delimiter != '\n' && map->delimiter != '\r';
    }
    if (str_eq(word->name, STR("comment"))) {
        map->comment = word->value.len == 1 ? word->value.at[0] : '\0';
        return word->value.len == 1 || str_eq(word->value, STR("none"));
    }
    if (str_eq(word->name, STR("since"))) {
        map->since = word->value;
        return true;
    }
    return str_eq(word->name, STR("labels")) && take_labels(map, word->value);
}

static bool take(struct csv_map *map, const struct word *word)
{
    const struct {
        struct str name;
        struct csv_cell *cell;
    } cells[] = {
        {STR("type"), &map->type},
        {STR("value"), &map->value},
        {STR("valid_from"), &map->valid_from},
        {STR("valid_until"), &map->valid_until},
        {STR("name"), &map->name},
        {STR("description"), &map->description},
        {STR("confidence"), &map->confidence},
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        if (str_eq(cells[i].name, word->name)) {
            *cells[i].cell = cell_of(word->value);
            return word->value.len > 0;
        }
    return take_setting(map, word);
}

/* What only a table has. */
static bool is_tabular(const struct word *word)
{
    return str_eq(word->name, STR("header")) || str_eq(word->name, STR("delimiter")) ||
           str_eq(word->name, STR("value"));
}

static bool names_column(const struct csv_map *map)
{
    const struct csv_cell cells[] = {map->type, map->valid_from,  map->valid_until,
                                     map->name, map->description, map->confidence};
    bool column = false;
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++)
        column = column || cells[i].column;
    for (size_t i = 0; i < map->label_count; i++)
        column = column || map->labels[i].column;
    return column;
}

static err_t parse(struct str text, bool list, struct csv_map *out, struct fault *fault)
{
    struct str rest = text;
    struct word word;
    bool bad = false;
    struct csv_map map = {.type = {STR("auto"), false},
                          .value = {STR("1"), true},
                          .since = STR("2026-01-01T00:00:00Z"),
                          .header = !list,
                          .delimiter = list ? '\0' : ',',
                          .comment = '#'};
    while (next_word(&rest, &word, &bad)) {
        if (!take(&map, &word))
            return fault_set(fault, ERR_INVALID, (size_t)(word.name.at - text.at),
                             "the mapping has no %.*s, or not with this value", STR_ARG(word.name));
        if (list && (is_tabular(&word) || names_column(&map)))
            return fault_set(fault, ERR_INVALID, (size_t)(word.name.at - text.at),
                             "%.*s is of a table: a list has one value a line and no columns",
                             STR_ARG(word.name));
    }
    if (bad)
        return fault_set(fault, ERR_SYNTAX, (size_t)(rest.at - text.at), "a mapping is made of NAME=VALUE");
    *out = map;
    return ERR_OK;
}

err_t csv_map_parse(struct str text, struct csv_map *out, struct fault *fault)
{
    return parse(text, str_trim(text).len == 0, out, fault);
}

err_t csv_map_parse_list(struct str text, struct csv_map *out, struct fault *fault)
{
    return parse(text, true, out, fault);
}
