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

/* The whole line. */
__attribute__((format(printf, 2, 0))) static void complain_line(const char *next, const char *fmt,
                                                                va_list args)
{
    (void)fprintf(stderr, "bongsu: ");
    complain(fmt, args);
    if (next != NULL && next[0] != '\0')
        (void)fprintf(stderr, " (%s)", next);
    (void)fprintf(stderr, "\n");
}

int cli_fail(const char *next, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    complain_line(next, fmt, args);
    va_end(args);
    return CLI_FAILED;
}

/* The last line of an answer in JSON, as the node writes it (docs/protocol/CONTROL.md). */
static void say_done(const char *code, const char *what, const char *next)
{
    struct buf line;
    buf_init(&line, 4 * MESSAGE_BYTES);
    buf_printf(&line, "{\"done\":true,\"error\":{\"code\":\"%s\"", code);
    print_member(&line, "what", str_of(what));
    if (next != NULL && next[0] != '\0')
        print_member(&line, "next", str_of(next));
    else
        buf_put_str(&line, STR(",\"next\":null"));
    buf_put_str(&line, STR("}}\n"));
    if (buf_err(&line) == ERR_OK)
        (void)printf("%.*s", STR_ARG(buf_str(&line)));
    buf_deinit(&line);
}

/* A name in what is said may be cut, or be no UTF-8: JSON has to be. */
__attribute__((format(printf, 4, 0))) static void say_refusal(bool json, const char *code, const char *next,
                                                              const char *fmt, va_list args)
{
    char what[MESSAGE_BYTES];
    (void)vsnprintf(what, sizeof what, fmt, args);
    if (json)
        say_done(code, str_is_utf8(str_of(what)) ? what : "what was given is not UTF-8", next);
}

int cli_refuse(bool json, int status, const char *next, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say_refusal(json, status == CLI_USAGE ? "usage" : "failed", next, fmt, args);
    va_end(args);
    va_start(args, fmt);
    complain_line(next, fmt, args);
    va_end(args);
    return status;
}

int cli_usage(const struct cli_call *call, const char *fmt, ...)
{
    va_list args;
    char next[128];
    (void)snprintf(next, sizeof next, "bongsu %s --help", call->command->words);
    va_start(args, fmt);
    say_refusal(call->json, "usage", next, fmt, args);
    va_end(args);
    (void)fprintf(stderr, "bongsu %s: ", call->command->words);
    va_start(args, fmt);
    complain(fmt, args);
    va_end(args);
    (void)fprintf(stderr, " (%s)\n", next);
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
        (void)cli_refuse(call->json, CLI_FAILED, "give --dir DIR or set BONGSU_DIR", "which node?");
        return false;
    }
    err_t err = conf_load(call->os, call->dir, out, &fault);
    if (err == ERR_NOTFOUND)
        (void)cli_refuse(call->json, CLI_FAILED, "bongsu init DIR makes one", "there is no node in %s",
                         call->dir);
    else if (err != ERR_OK)
        (void)cli_refuse(call->json, CLI_FAILED, NULL, "%s", fault.what);
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
        (void)cli_refuse(call->json, CLI_FAILED, NULL, "%s: %s", path, err_text(err));
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

bool cli_wants_json(int count, char **args)
{
    for (int i = 0; i < count && strcmp(args[i], "--") != 0; i++)
        if (strcmp(args[i], "--json") == 0)
            return true;
    return false;
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
    call->json = cli_wants_json(count, args); /* also of what is wrong before it */
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
    if (argc >= 4 && argc <= 5 && strcmp(argv[1], "--role") == 0)
        return node_role(os_linux(), argv[2], argv[3], argc == 5 && strcmp(argv[4], LAUNCHER_ACCOUNTS) == 0);
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
