/* bongsu COMMAND ...: finds the row, reads its options, runs it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/file.h"
#include "app/node.h"
#include "cli/cli.h"
#include "core/mem.h"
#include "core/sign.h"
#include "os/term.h"

#ifndef BONGSU_VERSION
#error "the build gives the version"
#endif

static const struct cli_group *const groups[] = {
    &cli_node,    &cli_add,   &cli_source, &cli_peer,      &cli_policy, &cli_quarantine, &cli_ledger,
    &cli_status,  &cli_taxii, &cli_feed,   &cli_lint,      &cli_find,   &cli_misp,       &cli_extension,
    &cli_privacy, &cli_list,  &cli_spill,  &cli_retention, &cli_recall,
};

enum { GROUPS = sizeof groups / sizeof groups[0], FILE_BYTES_MAX = 4 << 20, MESSAGE_BYTES = 8 << 10 };

/* Options of every command. */
static const struct cli_option common[] = {
    {"dir", CLI_TEXT, NULL, "DIR", "the node's directory (or BONGSU_DIR)"},
    {"json", CLI_FLAG, NULL, NULL, "JSON lines instead of text"},
    {"help", CLI_FLAG, NULL, NULL, "this text"},
};

enum { COMMON = sizeof common / sizeof common[0] };

/* Names of files, values and what a node says may hold anything: nothing of them drives the terminal. */
__attribute__((format(printf, 1, 0))) static void complain(const char *fmt, va_list args)
{
    char text[MESSAGE_BYTES];
    struct buf clean;
    (void)vsnprintf(text, sizeof text, fmt, args);
    buf_init(&clean, sizeof text);
    print_clean(&clean, str_of(text));
    (void)fprintf(stderr, "%.*s", STR_ARG(buf_str(&clean)));
    buf_deinit(&clean);
}

int cli_fail(const char *next, const char *fmt, ...)
{
    va_list args;
    (void)fprintf(stderr, "bongsu: ");
    va_start(args, fmt);
    complain(fmt, args);
    va_end(args);
    if (next != NULL && next[0] != '\0')
        (void)fprintf(stderr, " (%s)", next);
    (void)fprintf(stderr, "\n");
    return CLI_FAILED;
}

int cli_usage(const struct cli_call *call, const char *fmt, ...)
{
    va_list args;
    (void)fprintf(stderr, "bongsu %s: ", call->command->words);
    va_start(args, fmt);
    complain(fmt, args);
    va_end(args);
    (void)fprintf(stderr, " (bongsu %s --help)\n", call->command->words);
    return CLI_USAGE;
}

const char *cli_option(const struct cli_call *call, const char *name)
{
    for (size_t i = 0; i < CLI_OPTIONS_MAX && call->command->options[i].name != NULL; i++)
        if (strcmp(call->command->options[i].name, name) == 0)
            return call->values[i];
    return NULL;
}

bool cli_conf(const struct cli_call *call, struct conf *out)
{
    struct fault fault = {0};
    if (call->dir == NULL) {
        (void)cli_fail("give --dir DIR or set BONGSU_DIR", "which node?");
        return false;
    }
    err_t err = conf_load(call->os, call->dir, out, &fault);
    if (err == ERR_NOTFOUND)
        (void)cli_fail("bongsu init DIR makes one", "there is no node in %s", call->dir);
    else if (err != ERR_OK)
        (void)cli_fail(NULL, "%s", fault.what);
    return err == ERR_OK;
}

bool cli_read(const struct cli_call *call, const char *path, struct buf *out)
{
    bool end = false;
    err_t err = ERR_OK;
    if (strcmp(path, "-") == 0) {
        while (!end && err == ERR_OK)
            err = os_term_input(out, 64 << 10, &end);
    } else {
        err = file_read_all(call->os, path, out);
    }
    if (err != ERR_OK)
        (void)cli_fail(NULL, "%s: %s", path, err_text(err));
    return err == ERR_OK;
}

static bool ask_passphrase(bool twice, struct buf *out)
{
    struct buf again;
    if (os_term_secret("Passphrase of the root key: ", out) != ERR_OK) {
        (void)cli_fail("give --passphrase-file FILE or BONGSU_PASSPHRASE_FILE",
                       "no terminal to ask for the passphrase");
        return false;
    }
    if (!twice)
        return true;
    buf_init(&again, out->size_max);
    bool same = os_term_secret("Once more: ", &again) == ERR_OK && str_eq(buf_str(out), buf_str(&again));
    if (again.at != NULL)
        mem_wipe(again.at, again.size);
    buf_deinit(&again);
    if (!same)
        (void)cli_fail("try again", "the two are not the same");
    return same;
}

bool cli_passphrase(const struct cli_call *call, bool twice, struct buf *out)
{
    const char *path = cli_option(call, "passphrase-file");
    if (path == NULL)
        path = os_term_env("BONGSU_PASSPHRASE_FILE");
    if (path == NULL)
        return ask_passphrase(twice, out);
    if (!cli_read(call, path, out))
        return false;
    while (out->len > 0 && (out->at[out->len - 1] == '\n' || out->at[out->len - 1] == '\r'))
        out->len--;
    return true;
}

/* --- help --- */

static void print_option(const struct cli_option *option)
{
    char left[64];
    (void)snprintf(left, sizeof left, "--%s%s%s", option->name, option->value == NULL ? "" : " ",
                   option->value == NULL ? "" : option->value);
    (void)printf("  %-26s %s\n", left, option->help);
}

static void print_command(const struct cli_command *command)
{
    (void)printf("bongsu %s", command->words);
    for (size_t i = 0; i < 4 && command->args[i].name != NULL; i++)
        (void)printf(" %s", command->args[i].name);
    (void)printf("%s [options]\n\n%s\n",
                 command->rest != NULL ? " [VALUE...]"
                 : command->many       ? "..."
                                       : "",
                 command->summary);
    if (command->help != NULL)
        (void)printf("%s\n", command->help);
    (void)printf("\n");
    for (size_t i = 0; i < 4 && command->args[i].name != NULL; i++)
        (void)printf("  %-26s %s\n", command->args[i].name, command->args[i].help);
    for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i].name != NULL; i++)
        print_option(&command->options[i]);
    for (size_t i = 0; i < COMMON; i++)
        print_option(&common[i]);
}

static void print_all(void)
{
    (void)printf("bongsu %s: keeps threat information in step with partners\n\n", BONGSU_VERSION);
    for (size_t g = 0; g < GROUPS; g++)
        for (size_t i = 0; i < groups[g]->count; i++)
            (void)printf("  %-20s %s\n", groups[g]->commands[i].words, groups[g]->commands[i].summary);
    (void)printf("\nbongsu COMMAND --help tells more. --dir DIR or BONGSU_DIR names the node.\n");
}

/* --- finding and reading --- */

/* How many of the arguments are the command's words; 0: they are not. */
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

static const struct cli_command *find(int count, char **args, int *out_used)
{
    const struct cli_command *best = NULL;
    *out_used = 0;
    for (size_t g = 0; g < GROUPS; g++) {
        for (size_t i = 0; i < groups[g]->count; i++) {
            int used = words_match(groups[g]->commands[i].words, count, args);
            if (used > *out_used) {
                best = &groups[g]->commands[i];
                *out_used = used;
            }
        }
    }
    return best;
}

static bool in_family(const struct cli_command *command, const char *word)
{
    size_t len = strlen(word);
    return strncmp(command->words, word, len) == 0 && command->words[len] == ' ';
}

static bool starts_family(const char *word)
{
    for (size_t g = 0; g < GROUPS; g++)
        for (size_t i = 0; i < groups[g]->count; i++)
            if (in_family(&groups[g]->commands[i], word))
                return true;
    return false;
}

/* Commands that begin with these words: what `bongsu peer` alone may mean. */
static void print_family(const char *word)
{
    for (size_t g = 0; g < GROUPS; g++)
        for (size_t i = 0; i < groups[g]->count; i++)
            if (in_family(&groups[g]->commands[i], word))
                (void)fprintf(stderr, "  %-20s %s\n", groups[g]->commands[i].words,
                              groups[g]->commands[i].summary);
}

static const struct cli_option *option_named(const struct cli_command *command, struct str name,
                                             size_t *out_index)
{
    for (size_t i = 0; i < CLI_OPTIONS_MAX && command->options[i].name != NULL; i++) {
        *out_index = i;
        if (str_eq(name, str_of(command->options[i].name)))
            return &command->options[i];
    }
    *out_index = CLI_OPTIONS_MAX;
    for (size_t i = 0; i < COMMON; i++)
        if (str_eq(name, str_of(common[i].name)))
            return &common[i];
    return NULL;
}

static void set_common(struct cli_call *call, const struct cli_option *option, const char *value)
{
    if (option == &common[0])
        call->dir = value;
    else if (option == &common[1])
        call->json = true;
}

/* Reads one "--name", "--name=value" or "--name value"; *at moves on. False: said what is wrong. */
static bool read_option(struct cli_call *call, int count, char **args, int *at)
{
    struct str rest = str_of(args[*at] + 2), name = str_cut(&rest, '=');
    size_t index;
    const struct cli_option *option = option_named(call->command, name, &index);
    const char *value = rest.at;
    if (option == NULL) {
        (void)cli_usage(call, "there is no option --%.*s", STR_ARG(name));
        return false;
    }
    if (option->kind == CLI_FLAG) {
        if (value != NULL) {
            (void)cli_usage(call, "--%s takes no value", option->name);
            return false;
        }
        value = "";
    } else if (value == NULL) {
        if (*at + 1 >= count) {
            (void)cli_usage(call, "--%s wants %s", option->name, option->value);
            return false;
        }
        value = args[++*at];
    }
    if (index < CLI_OPTIONS_MAX)
        call->values[index] = value;
    else
        set_common(call, option, value);
    return true;
}

static bool read_all(struct cli_call *call, int count, char **args)
{
    bool options = true;
    for (int i = 0; i < count; i++) {
        if (options && strcmp(args[i], "--") == 0) {
            options = false;
        } else if (options && strncmp(args[i], "--", 2) == 0) {
            if (!read_option(call, count, args, &i))
                return false;
        } else if (call->arg_count < CLI_ARGS_MAX) {
            call->args[call->arg_count++] = args[i];
        } else {
            (void)cli_usage(call, "too many arguments");
            return false;
        }
    }
    size_t wanted = 0;
    while (wanted < 4 && call->command->args[wanted].name != NULL)
        wanted++;
    if (call->arg_count < wanted)
        (void)cli_usage(call, "%s is missing", call->command->args[call->arg_count].name);
    else if (call->arg_count > wanted && !call->command->many)
        (void)cli_usage(call, "what is %s?", call->args[wanted]);
    return call->arg_count >= wanted && (call->arg_count == wanted || call->command->many);
}

static bool wants_help(int count, char **args)
{
    for (int i = 0; i < count; i++)
        if (strcmp(args[i], "--help") == 0 || strcmp(args[i], "-h") == 0)
            return true;
    return false;
}

/* `call` is large: 32 KiB of pointers. */
static int run_command(const struct cli_command *command, struct cli_call *call, int count, char **args)
{
    *call = (struct cli_call) {.os = os_linux(), .command = command, .dir = os_term_env("BONGSU_DIR")};
    if (!read_all(call, count, args))
        return CLI_USAGE;
    return command->run != NULL ? command->run(call) : control_run(call);
}

static int run(int count, char **args)
{
    int used;
    const struct cli_command *command = find(count, args, &used);
    if (command == NULL) {
        bool family = starts_family(args[0]);
        (void)fprintf(stderr,
                      family ? "bongsu: %s what?\n" : "bongsu: there is no command %s (bongsu --help)\n",
                      args[0]);
        print_family(args[0]);
        return CLI_USAGE;
    }
    if (wants_help(count - used, args + used)) {
        print_command(command);
        return CLI_OK;
    }
    struct cli_call *call = mem_alloc(sizeof *call);
    if (call == NULL)
        return cli_fail(NULL, "%s", err_text(ERR_NOMEM));
    int status = run_command(command, call, count - used, args + used);
    mem_free(call);
    return status;
}

/* What went to standard output must have arrived there: a card on a full disk is none. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    return cli_fail("is there room?", "the output could not be written");
}

int main(int argc, char **argv)
{
    if (os_proc_hold_standard() != ERR_OK)
        return CLI_FAILED;
    if (argc == 4 && strcmp(argv[1], "--role") == 0)
        return node_role(os_linux(), argv[2], argv[3]);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_all();
        return finish(argc < 2 ? CLI_USAGE : CLI_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("bongsu %s\n", BONGSU_VERSION);
        return finish(CLI_OK);
    }
    if (sign_start() != ERR_OK)
        return cli_fail(NULL, "the cryptographic library does not start");
    return finish(run(argc - 1, argv + 1));
}
