/* The table of commands: finding a row, telling what there is, and what somebody may have meant. */
#include <stdio.h>

#include "cli/cli.h"
#include "core/suggest.h"

static const struct cli_group *const groups[] = {
    &cli_node,   &cli_add,       &cli_source,  &cli_peer, &cli_policy, &cli_quarantine,
    &cli_ledger, &cli_status,    &cli_taxii,   &cli_feed, &cli_lint,   &cli_find,
    &cli_misp,   &cli_extension, &cli_privacy, &cli_list, &cli_spill,  &cli_retention,
    &cli_recall, &cli_bundle,    &cli_words,   &cli_keys,
};

enum { GROUPS = sizeof groups / sizeof groups[0] };

/* Options of every command. */
static const struct cli_option common[] = {
    [CLI_COMMON_DIR] = {"dir", CLI_TEXT, NULL, "DIR", "the node's directory (or BONGSU_DIR)"},
    [CLI_COMMON_JSON] = {"json", CLI_FLAG, NULL, NULL, "JSON lines instead of text"},
    [CLI_COMMON_HELP] = {"help", CLI_FLAG, NULL, NULL, "this text"},
};

enum { COMMON = sizeof common / sizeof common[0] };

/* The row behind `at`, the first for NULL; NULL behind the last. *group belongs to the caller's walk. */
static const struct cli_command *next_row(const struct cli_command *at, size_t *group)
{
    if (at == NULL)
        *group = 0;
    else if (++at < groups[*group]->commands + groups[*group]->count)
        return at;
    else
        ++*group;
    return *group < GROUPS ? groups[*group]->commands : NULL;
}

/* "add" of "peer add" for "peer"; empty: it is none of that family. */
static struct str behind(const struct cli_command *row, struct str family)
{
    struct str words = str_of(row->words);
    if (!str_starts(words, family) || words.len == family.len || words.at[family.len] != ' ')
        return STR("");
    return (struct str) {words.at + family.len + 1, words.len - family.len - 1};
}

static bool is_family(struct str word)
{
    size_t group;
    for (const struct cli_command *row = next_row(NULL, &group); row != NULL; row = next_row(row, &group))
        if (behind(row, word).len > 0)
            return true;
    return false;
}

/* --- telling --- */

static void put_row(FILE *to, const struct cli_command *row)
{
    (void)fprintf(to, "  %-20s %s\n", row->words, row->summary);
}

static void put_family(FILE *to, struct str family)
{
    size_t group;
    for (const struct cli_command *row = next_row(NULL, &group); row != NULL; row = next_row(row, &group))
        if (behind(row, family).len > 0)
            put_row(to, row);
}

static void put_option(const struct cli_option *option)
{
    char left[64];
    (void)snprintf(left, sizeof left, "--%s%s%s", option->name, option->value == NULL ? "" : " ",
                   option->value == NULL ? "" : option->value);
    (void)printf("  %-26s %s\n", left, option->help);
}

static void put_position(const struct cli_option *position)
{
    if (position->name != NULL)
        (void)printf("  %-26s %s\n", position->name, position->help);
}

static void put_usage(const struct cli_command *row)
{
    (void)printf("bongsu %s", row->words);
    for (size_t i = 0; i < 4 && row->args[i].name != NULL; i++)
        (void)printf(" %s", row->args[i].name);
    if (row->more.name != NULL)
        (void)printf(" [%s]", row->more.name);
    else if (row->many)
        (void)printf("%s", row->rest != NULL ? " [VALUE...]" : "...");
    (void)printf(" [options]\n");
}

static void put_command(const struct cli_command *row)
{
    put_usage(row);
    (void)printf("\n%s\n", row->summary);
    if (row->help != NULL)
        (void)printf("%s\n", row->help);
    (void)printf("\n");
    for (size_t i = 0; i < 4 && row->args[i].name != NULL; i++)
        put_position(&row->args[i]);
    put_position(&row->more);
    for (size_t i = 0; i < CLI_OPTIONS_MAX && row->options[i].name != NULL; i++)
        put_option(&row->options[i]);
    for (size_t i = 0; i < COMMON; i++)
        if (i != CLI_COMMON_DIR || !row->alone)
            put_option(&common[i]);
    if (is_family(str_of(row->words))) {
        (void)printf("\n");
        put_family(stdout, str_of(row->words));
    }
}

static void put_all(void)
{
    size_t group;
    (void)printf("bongsu %s: keeps threat information in step with partners\n\n", BONGSU_VERSION);
    for (const struct cli_command *row = next_row(NULL, &group); row != NULL; row = next_row(row, &group))
        put_row(stdout, row);
    (void)printf("\nbongsu COMMAND --help tells more. --dir DIR or BONGSU_DIR names the node.\n");
}

int row_help(int count, char **args)
{
    int used;
    if (count == 0) {
        put_all();
        return CLI_OK;
    }
    const struct cli_command *row = row_find(count, args, &used);
    if (row != NULL) {
        put_command(row);
        return CLI_OK;
    }
    if (count > 1 || !is_family(str_of(args[0])))
        return row_unknown(count, args);
    put_family(stdout, str_of(args[0]));
    (void)printf("\nbongsu COMMAND --help tells more.\n");
    return CLI_OK;
}

/* --- finding --- */

/* How many of the arguments are the row's words; 0: they are not. */
static int words_match(const char *words, int count, char **args)
{
    struct str rest = str_of(words);
    int used = 0;
    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');
        if (used >= count || !str_eq(word, str_of(args[used])))
            return 0;
        used++;
    }
    return used;
}

const struct cli_command *row_find(int count, char **args, int *out_used)
{
    const struct cli_command *best = NULL;
    size_t group;
    *out_used = 0;
    for (const struct cli_command *row = next_row(NULL, &group); row != NULL; row = next_row(row, &group)) {
        int used = words_match(row->words, count, args);
        if (used > *out_used) {
            best = row;
            *out_used = used;
        }
    }
    return best;
}

const struct cli_option *row_option(const struct cli_command *row, struct str name, size_t *out_index)
{
    for (size_t i = 0; i < CLI_OPTIONS_MAX && row->options[i].name != NULL; i++) {
        *out_index = i;
        if (str_eq(name, str_of(row->options[i].name)))
            return &row->options[i];
    }
    for (size_t i = 0; i < COMMON; i++) {
        *out_index = CLI_OPTIONS_MAX + i;
        if (str_eq(name, str_of(common[i].name)))
            return &common[i];
    }
    return NULL;
}

/* --- what was meant --- */

struct str row_option_meant(const struct cli_command *row, struct str name)
{
    struct suggest suggest = suggest_for(name);
    for (size_t i = 0; i < CLI_OPTIONS_MAX && row->options[i].name != NULL; i++)
        suggest_try(&suggest, str_of(row->options[i].name));
    for (size_t i = 0; i < COMMON; i++)
        suggest_try(&suggest, str_of(common[i].name));
    return suggest.best;
}

struct str row_meant(struct str family, struct str word)
{
    struct suggest suggest = suggest_for(word);
    size_t group;
    for (const struct cli_command *row = next_row(NULL, &group); row != NULL; row = next_row(row, &group)) {
        struct str rest = family.len == 0 ? str_of(row->words) : behind(row, family);
        suggest_try(&suggest, str_cut(&rest, ' '));
    }
    return suggest.best;
}

/* Rows that say the word in a place other than the first: `bongsu prove` for `ledger prove`. */
static size_t put_elsewhere(FILE *to, struct str word)
{
    size_t group, count = 0;
    for (const struct cli_command *row = next_row(NULL, &group); row != NULL; row = next_row(row, &group)) {
        struct str rest = str_of(row->words);
        (void)str_cut(&rest, ' ');
        if (!str_eq(str_cut(&rest, ' '), word))
            continue;
        count++;
        if (to != NULL)
            put_row(to, row);
    }
    return count;
}

static int unknown_in(bool json, struct str family, const char *word)
{
    struct str meant = word == NULL ? STR("") : row_meant(family, str_of(word));
    if (word == NULL)
        (void)cli_refuse(json, CLI_USAGE, NULL, "%.*s what?", STR_ARG(family));
    else if (meant.len > 0)
        (void)cli_refuse(json, CLI_USAGE, NULL, "there is no command %.*s %s; did you mean `%.*s %.*s`?",
                         STR_ARG(family), word, STR_ARG(family), STR_ARG(meant));
    else
        (void)cli_refuse(json, CLI_USAGE, NULL, "there is no command %.*s %s", STR_ARG(family), word);
    put_family(stderr, family);
    return CLI_USAGE;
}

int row_unknown(int count, char **args)
{
    struct str word = str_of(args[0]);
    bool json = cli_wants_json(count, args);
    if (is_family(word))
        return unknown_in(json, word, count > 1 && args[1][0] != '-' ? args[1] : NULL);
    struct str meant = row_meant(STR(""), word);
    if (str_starts(word, STR("-")))
        (void)cli_refuse(json, CLI_USAGE, "bongsu --help", "%s: options stand behind the command", args[0]);
    else if (meant.len > 0)
        (void)cli_refuse(json, CLI_USAGE, "bongsu --help", "there is no command %s; did you mean `%.*s`?",
                         args[0], STR_ARG(meant));
    else
        (void)cli_refuse(json, CLI_USAGE, "bongsu --help", "there is no command %s%s", args[0],
                         put_elsewhere(NULL, word) > 0 ? "; but there is" : "");
    if (meant.len == 0)
        (void)put_elsewhere(stderr, word);
    return CLI_USAGE;
}
