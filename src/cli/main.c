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

enum { MESSAGE_BYTES = 8 << 10 };

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

static bool ask_passphrase(enum cli_secret what, struct buf *out)
{
    struct buf again;
    if (os_term_secret(what == CLI_PIN ? "PIN of the token: " : "Passphrase of the root key: ", out) !=
        ERR_OK) {
        (void)cli_fail("give --passphrase-file FILE or BONGSU_PASSPHRASE_FILE",
                       "no terminal to ask for the %s", what == CLI_PIN ? "PIN" : "passphrase");
        return false;
    }
    if (what != CLI_PASSPHRASE_NEW)
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

bool cli_passphrase(const struct cli_call *call, enum cli_secret what, struct buf *out)
{
    const char *path = cli_option(call, "passphrase-file");
    if (path == NULL)
        path = os_term_env("BONGSU_PASSPHRASE_FILE");
    if (path == NULL)
        return ask_passphrase(what, out);
    if (!cli_read(call, path, out))
        return false;
    while (out->len > 0 && (out->at[out->len - 1] == '\n' || out->at[out->len - 1] == '\r'))
        out->len--;
    return true;
}

/* --- reading --- */

/* Reads one "--name", "--name=value" or "--name value"; *at moves on. False: said what is wrong. */
static bool read_option(struct cli_call *call, int count, char **args, int *at)
{
    struct str rest = str_of(args[*at] + 2), name = str_cut(&rest, '=');
    size_t index;
    const struct cli_option *option = row_option(call->command, name, &index);
    const char *value = rest.at;
    if (option == NULL) {
        struct str meant = row_option_meant(call->command, name);
        (void)cli_usage(call, "there is no option --%.*s%s%.*s%s", STR_ARG(name),
                        meant.len > 0 ? "; did you mean --" : "", STR_ARG(meant), meant.len > 0 ? "?" : "");
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
    else if (index == CLI_OPTIONS_MAX + CLI_COMMON_DIR)
        call->dir = value;
    else if (index == CLI_OPTIONS_MAX + CLI_COMMON_JSON)
        call->json = true;
    return true;
}

/* `status ruels`, where there is `status rules`. */
static void refuse_word(const struct cli_call *call, const char *word)
{
    const char *family = call->command->words;
    struct str meant = row_meant(str_of(family), str_of(word));
    if (meant.len > 0)
        (void)cli_usage(call, "what is %s? did you mean `%s %.*s`?", word, family, STR_ARG(meant));
    else
        (void)cli_usage(call, "what is %s?", word);
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
        refuse_word(call, call->args[wanted]);
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
    const struct cli_command *command = row_find(count, args, &used);
    bool help = wants_help(count - used, args + used);
    if (help && (command != NULL || args[1] == NULL || args[1][0] == '-'))
        return row_help(used > 0 ? used : 1, args);
    if (command == NULL)
        return row_unknown(count, args);
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
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        (void)row_help(0, NULL);
        return finish(argc < 2 ? CLI_USAGE : CLI_OK);
    }
    if (strcmp(argv[1], "help") == 0)
        return finish(row_help(argc - 2, argv + 2));
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("bongsu %s\n", BONGSU_VERSION);
        return finish(CLI_OK);
    }
    if (sign_start() != ERR_OK)
        return cli_fail(NULL, "the cryptographic library does not start");
    return finish(run(argc - 1, argv + 1));
}
