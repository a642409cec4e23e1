/* The command line. A command is a row: its words, what it takes, and either the name of a control command
 * that the node runs (then the row is all there is: arguments become JSON, lines become a table or sentences)
 * or a function of its own. Rows stand in one file per group, as one const struct cli_group each.
 *
 * Exit status: 0 done, 1 refused or failed, 2 wrong usage. Messages say what happened, why, and what to do.
 * Only this room prints to standard output. */
#pragma once

#include <stdbool.h>

#include "app/conf.h"
#include "core/buf.h"
#include "os/os.h"
#include "os/proc.h"

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };
enum { CLI_OPTIONS_MAX = 32, CLI_ARGS_MAX = 4096 };

enum cli_value {
    CLI_FLAG, /* present or not */
    CLI_TEXT,
    CLI_FILE, /* the content of the file named; "-": standard input */
};

struct cli_option {
    const char *name; /* "audience": --audience. For positions: the name in the usage, without dashes */
    enum cli_value kind;
    const char *key;   /* member of args; NULL: not sent */
    const char *value; /* what stands for it in the usage: "NAME" */
    const char *help;
};

/* The conditions of find, which the node reads in one place (app/find_filter.h). */
#define CLI_CONDITIONS                                                                                       \
    {"type", CLI_TEXT, "type", "TYPE", "type of the object, such as indicator"},                             \
        {"source", CLI_TEXT, "source", "NAME", "reported by this source"},                                   \
        {"owner", CLI_TEXT, "owner", "NAME", "of which this source speaks for it"},                          \
        {"creator", CLI_TEXT, "creator", "ID", "created by this identity"},                                  \
        {"label", CLI_TEXT, "label", "TEXT", "has this label"},                                              \
        {"tag", CLI_TEXT, "tag", "TAG", "has this local tag"},                                               \
        {"sector", CLI_TEXT, "sector", "TEXT", "names this sector"},                                         \
        {"marking", CLI_TEXT, "marking", "TEXT", "tlp:amber, the ID of a marking, or none"},                 \
        {"since", CLI_TEXT, "since", "TIME", "received then or later (2026-11-30, or with a time)"},         \
        {"until", CLI_TEXT, "until", "TIME", "received before"},                                             \
        {"created-since", CLI_TEXT, "created-since", "TIME", "made then or later, as it says itself"},       \
        {"created-until", CLI_TEXT, "created-until", "TIME", "made before"},                                 \
        {"modified-since", CLI_TEXT, "modified-since", "TIME", "this version made then or later"},           \
        {"modified-until", CLI_TEXT, "modified-until", "TIME", "this version made before"},                  \
        {"valid-at", CLI_TEXT, "valid-at", "TIME", "an indicator or the like that holds then"},              \
    {                                                                                                        \
        "text", CLI_TEXT, "text", "WORDS", "all these words, Korean or English; \"a b\" together; a*"        \
    }

/* Of each command that says an operator's word (app/command_word.h). */
#define CLI_SIGNED                                                                                           \
    {"to-sign", CLI_FLAG, "to_sign", NULL, "print what an operator signs, and do nothing"},                  \
    {                                                                                                        \
        "signature", CLI_FILE, "signature", "FILE", "what `ssh-keygen -Y sign -n bongsu` made of that"       \
    }

struct cli_column {
    const char *title;
    const char *key; /* member of a line */
};

struct cli_call;

struct cli_command {
    const char *words;         /* "peer add" */
    const char *summary;       /* a line */
    const char *help;          /* more; may be NULL */
    struct cli_option args[4]; /* positions, all required, up to the first without a name */
    bool many;                 /* the last position may repeat (own functions only) */
    struct cli_option more;    /* with `many`: what stands behind; no name: more positions */
    bool alone;                /* asks no node: help offers no --dir */
    const char *rest; /* with `many`: member of args that the positions go to, one a line; NULL: none */
    struct cli_option options[CLI_OPTIONS_MAX];
    const char *control;           /* "peer.add"; NULL: run */
    struct cli_column columns[16]; /* of the table made of lines that have the first key; none: sentences */
    const char *none; /* a list: what it says in text when there is nothing; in JSON that is no line */
    int (*run)(struct cli_call *call);
};

struct cli_group {
    const struct cli_command *commands;
    size_t count;
};

struct cli_call {
    const struct os *os;
    const struct cli_command *command;
    const char *dir; /* of the node; NULL: not given */
    bool json;
    const char *extra; /* more members of args, each with a comma before it; NULL: none */
    size_t arg_count;
    const char *args[CLI_ARGS_MAX];
    const char *values[CLI_OPTIONS_MAX]; /* as command->options; NULL: not given; flags: "" */
};

/* Value of an option; NULL when not given. */
const char *cli_option(const struct cli_call *call, const char *name);
/* One line on standard error: "bongsu: what (next)", control characters of `what` as spaces. Returns
 * CLI_FAILED. */
int cli_fail(const char *next, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, and with `json` the last line of the answer too: nothing may follow it. Returns `status`. */
int cli_refuse(bool json, int status, const char *next, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Likewise, of what the command line says. CLI_USAGE. */
int cli_usage(const struct cli_call *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Is --json among them? */
bool cli_wants_json(int count, char **args);
/* Reads the configuration of call->dir, or says why not. */
NODISCARD bool cli_conf(const struct cli_call *call, struct conf *out);
/* A file, or standard input for "-". Says why not. */
NODISCARD bool cli_read(const struct cli_call *call, const char *path, struct buf *out);
enum cli_secret { CLI_PASSPHRASE, CLI_PASSPHRASE_NEW /* asked twice */, CLI_PIN };
/* From --passphrase-file, BONGSU_PASSPHRASE_FILE or the terminal. The caller wipes. */
NODISCARD bool cli_passphrase(const struct cli_call *call, enum cli_secret what, struct buf *out);

/* --- rows.c: the table of all commands --- */

/* Options of every command; their index is CLI_OPTIONS_MAX and this. */
enum { CLI_COMMON_DIR, CLI_COMMON_JSON, CLI_COMMON_HELP };

/* The row whose words the arguments begin with, the longest, and how many they are; NULL and 0: none. */
const struct cli_command *row_find(int count, char **args, int *out_used);
/* NULL: it has no such option. */
const struct cli_option *row_option(const struct cli_command *row, struct str name, size_t *out_index);
/* The option that may have been meant; empty: none is near. */
struct str row_option_meant(const struct cli_command *row, struct str name);
/* Likewise the word behind these of a family ("policy"), or, without a family, the first word. */
struct str row_meant(struct str family, struct str word);
/* Prints what there is to know of a command, of a family, or, without arguments, of all. Status. */
int row_help(int count, char **args);
/* Says that there is no such command, and what may have been meant. CLI_USAGE. */
int row_unknown(int count, char **args);

/* --- control.c: talking to the node, or to a store opened for this command --- */

struct control_link {
    int fd;
    struct os_proc store; /* that was begun for this; fd -1: none was */
    struct buf in;
    size_t taken; /* of in: the line handed out last */
};

/* Says why not. */
NODISCARD bool control_connect(const struct cli_call *call, struct control_link *out);
void control_hang_up(struct control_link *link);
NODISCARD err_t control_send(struct control_link *link, struct bytes bytes);
/* The next line, without its end. Borrowed until the next call. ERR_CLOSED. */
NODISCARD err_t control_line(struct control_link *link, struct str *out);
/* Is a line, or a part of one, there without waiting? */
bool control_pending(struct control_link *link);
/* Runs command->control with the arguments of the call, prints, returns the exit status. */
int control_run(struct cli_call *call);
/* Runs command->control and hands over each line that comes before the last. Says what is wrong; returns the
 * exit status. */
int control_each(struct cli_call *call, void (*each)(void *ctx, struct str line), void *ctx);
/* Prints the error of a line {"done":true,"error":{...}}; the exit status that it means. */
int control_result(struct str line);
bool control_is_done(struct str line);

/* --- print.c --- */

/* The next character of UTF-8; what is not counts a byte at a time. */
uint32_t print_take_char(struct str *text);
/* Control characters, and those without width or that turn the direction of reading. */
bool print_is_hidden(uint32_t c);

struct table;
struct table *table_new(const struct cli_column *columns);
/* True when the line belongs into the table. */
bool table_take(struct table *table, struct str line);
void table_print(struct table *table);
void table_free(struct table *table);
/* Prints the "say" of a line, if it has one. */
void print_say(struct str line);
/* The same on standard error, where the answer itself may go to a file. */
void print_beside(struct str line);
/* Columns of a terminal that a text takes. */
size_t print_width(struct str text);
/* Appends text that somebody else wrote: control characters, which begin lines and drive terminals, become
 * spaces. */
void print_clean(struct buf *out, struct str text);
/* Appends a cell of RFC 4180, cleaned. One that a spreadsheet would run as a formula begins with an
 * apostrophe: senders choose names. */
void print_csv_cell(struct buf *out, struct str text, bool last);
/* Appends ,"name":"value". */
void print_member(struct buf *out, const char *name, struct str value);

/* The table's rows so far, with their titles; more may follow. */
size_t table_rows(const struct table *table);

/* --- pretty.c --- */

/* Appends a JSON text for people: a member a line, nothing that drives a terminal. False: it is no JSON. */
bool pretty_json(struct str json, struct buf *out);
/* What changed from one JSON text to another: calls `line` for each value that is in one alone or differs, in
 * the order of their JSON pointers (RFC 6901). NULL stands for absent, values are JSON texts. False: no JSON,
 * or no memory. */
bool pretty_diff(struct str before, struct str after,
                 void (*line)(void *ctx, struct str pointer, const struct str *old, const struct str *new),
                 void *ctx);

/* --- line.c: one line of the node, read --- */

struct line;
/* NULL when it is no JSON object, or there is no memory. */
struct line *line_read(struct str json);
void line_free(struct line *line); /* accepts NULL */
/* Empty, 0, false when there is no such member. Strings are good until line_free. */
struct str line_str(const struct line *line, const char *name);
uint64_t line_u64(const struct line *line, const char *name);
bool line_is(const struct line *line, const char *name); /* true */
bool line_has(const struct line *line, const char *name);
/* Member "code", "what" or "next" of the error in a last line; empty when all went well. */
struct str line_error(const struct line *line, const char *name);

/* --- cmd_show.c, cmd_status.c, cmd_ledger.c: what rows of cmd_control.c run --- */
int run_quarantine_show(struct cli_call *call);
int run_object_show(struct cli_call *call);
int run_feed_show(struct cli_call *call);
int run_status(struct cli_call *call);
int run_ledger_prove(struct cli_call *call);
int run_ledger_prove_log(struct cli_call *call);
int run_ledger_log(struct cli_call *call); /* cmd_log.c */
int run_ledger_verify_proof(struct cli_call *call);
int run_ledger_export(struct cli_call *call); /* cmd_export.c */
/* {"name":value,"file":"path"}: what was written where. */
void print_file(const char *path, const char *name, uint64_t value);

int run_find(struct cli_call *call);
int run_export(struct cli_call *call);
int run_bundle(struct cli_call *call); /* of the objects that the command tells */
int run_get(struct cli_call *call);
int run_diff(struct cli_call *call);
int run_graph(struct cli_call *call);
int run_report(struct cli_call *call);

/* The groups. */
extern const struct cli_group cli_node, cli_add, cli_peer, cli_policy, cli_source, cli_quarantine, cli_ledger,
    cli_status, cli_taxii, cli_feed, cli_lint, cli_find, cli_misp, cli_extension, cli_privacy, cli_list,
    cli_spill, cli_retention, cli_recall, cli_bundle, cli_words, cli_keys;
