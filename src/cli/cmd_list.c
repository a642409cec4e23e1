/* Lists for safety holds. A file may be larger than a request: it goes in parts, and is in force with the
 * last. */
#include <stdio.h>

#include "cli/cli.h"
#include "core/limit.h"
#include "core/mem.h"

enum { PARTS_A_REQUEST = 8, REQUEST_BYTES = PARTS_A_REQUEST * LIMIT_LIST_PART_BYTES };

static void say_nothing(void *ctx, struct str line)
{
    (void)ctx;
    (void)line;
}

/* One request: call->command for the part's own command, its text in `extra`. */
static int send_part(const struct cli_call *call, unsigned part, struct bytes bytes)
{
    static const struct cli_command row = {
        .words = "list add", .args = {{"NAME", CLI_TEXT, "name", NULL, NULL}}, .control = "list.part"};
    size_t size = str_base64_size(bytes.len);
    char *extra = mem_alloc(size + 64);
    if (extra == NULL)
        return cli_fail(NULL, "%s", err_text(ERR_NOMEM));
    int len = snprintf(extra, 64, ",\"part\":%u,\"base64\":\"", part);
    size_t used = (size_t)len + str_base64(bytes.at, bytes.len, extra + len);
    memcpy(extra + used, "\"", 2);
    struct cli_call request = {.os = call->os,
                               .command = &row,
                               .dir = call->dir,
                               .extra = extra,
                               .arg_count = 1,
                               .args = {call->args[0]}};
    int status = control_each(&request, say_nothing, NULL);
    mem_free(extra);
    return status;
}

static int send_file(const struct cli_call *call, struct bytes text, unsigned *out_parts)
{
    int status = CLI_OK;
    *out_parts = 0;
    for (size_t at = 0; status == CLI_OK && at < text.len; at += REQUEST_BYTES) {
        size_t left = text.len - at, len = left < REQUEST_BYTES ? left : REQUEST_BYTES;
        status = send_part(call, *out_parts, bytes_of(text.at + at, len));
        *out_parts += (unsigned)((len + LIMIT_LIST_PART_BYTES - 1) / LIMIT_LIST_PART_BYTES);
    }
    return status;
}

/* --kind, or for JSON what MISP makes. */
static const char *kind_of(const struct cli_call *call, struct bytes text)
{
    const char *kind = cli_option(call, "kind");
    struct str trimmed = str_trim(str_from_bytes(text));
    return kind == NULL && trimmed.len > 0 && trimmed.at[0] == '{' ? "misp" : kind;
}

static int run_list_add(struct cli_call *call)
{
    struct buf text;
    char extra[128];
    unsigned parts = 0;
    int status = CLI_OK;
    const char *file = cli_option(call, "file");
    buf_init(&text, LIMIT_LIST_BYTES);
    if (file != NULL && !cli_read(call, file, &text))
        status = CLI_FAILED;
    const char *kind = kind_of(call, buf_bytes(&text));
    if (status == CLI_OK &&
        (kind == NULL || strlen(kind) > 16 || strspn(kind, "abcdefghijklmnopqrstuvwxyz") != strlen(kind)))
        status =
            cli_usage(call, "--kind says what is in it: cidr, domain, hash, string, misp, reserved or broad");
    if (status == CLI_OK)
        status = send_file(call, buf_bytes(&text), &parts);
    buf_deinit(&text);
    if (status != CLI_OK)
        return status;
    (void)snprintf(extra, sizeof extra, ",\"kind\":\"%s\",\"parts\":%u", kind, parts);
    call->extra = extra;
    return control_run(call);
}

#define LIST_NAME                                                                                            \
    {                                                                                                        \
        "NAME", CLI_TEXT, "name", NULL, "its name; what it holds gets the tag safety:NAME"                   \
    }
#define LIST_COLUMNS                                                                                         \
    {"NAME", "name"}, {"KIND", "kind"}, {"ENTRIES", "entries"}, {"BYTES", "bytes"},                          \
    {                                                                                                        \
        "STATE", "state"                                                                                     \
    }
static const struct cli_command list_rows[] = {
    {.words = "list add",
     .summary = "hold what stands on a list of values that must not go out by mistake",
     .help = "Kinds: cidr (networks), domain (and all below), hash, string (the whole value), one entry a\n"
             "line; misp (a MISP warninglist, known by its brace); reserved and broad are built in and need\n"
             "no file. What hits waits for `bongsu approve`, or for the tag safety:ok. The same name again\n"
             "takes the place of the one before.",
     .args = {LIST_NAME},
     .options = {{"file", CLI_TEXT, NULL, "FILE", "the list; - is standard input"},
                 {"kind", CLI_TEXT, NULL, "KIND", "what is in it"},
                 {"because", CLI_TEXT, "because", "TEXT", "why: stands in the log"}},
     .control = "list.add",
     .columns = {LIST_COLUMNS},
     .run = run_list_add},
    {.words = "list show",
     .summary = "the lists in force",
     .none = "no lists (bongsu list add)",
     .control = "list.list",
     .columns = {LIST_COLUMNS}},
    {.words = "list remove",
     .summary = "forget a list: what it held is decided again",
     .args = {LIST_NAME},
     .options = {{"because", CLI_TEXT, "because", "TEXT", "why: stands in the log"}},
     .control = "list.remove"},
};

/* --- spillage --- */

#define SPILL_COLUMNS                                                                                        \
    {"NUMBER", "number"}, {"ID", "id"}, {"SOURCE", "source"}, {"STATE", "state"}, {"RECEIVED", "received"},  \
        {"SUSPENDED", "suspended"}, {"BY", "by"},                                                            \
    {                                                                                                        \
        "BECAUSE", "because"                                                                                 \
    }
static const struct cli_command spill_rows[] = {
    {.words = "spill",
     .summary = "suspend something that must not be here, and say what is left to do",
     .help =
         "It is no longer found, shown or released, whoever has it is told that it is over, and the same\n"
         "content from the same source is refused. WHAT is an identifier (all that is held under it) or\n"
         "a number of `bongsu quarantine list` or `bongsu object show`. See docs/guide/spillage.md.",
     .args = {{"WHAT", CLI_TEXT, "what", NULL, "an identifier or a number"}},
     .options = {{"because", CLI_TEXT, "because", "TEXT", "why: stands in the log"}, CLI_SIGNED},
     .control = "spill.add",
     .columns = {SPILL_COLUMNS}},
    {.words = "spill destroy",
     .summary = "destroy what was suspended, by the word of a second operator",
     .help = "Its secret is overwritten in the key file, and the index, the search file, the quarantine and "
             "what\n"
             "was minted of it forget it; proofs stay whole. It cannot be undone. Who suspended it cannot\n"
             "destroy it. See docs/guide/spillage.md.",
     .args = {{"WHAT", CLI_TEXT, "what", NULL, "an identifier or a number of `bongsu spill list`"}},
     .options = {{"because", CLI_TEXT, "because", "TEXT", "why: stands in the log"}, CLI_SIGNED},
     .control = "spill.destroy"},
    {.words = "spill list",
     .summary = "what was suspended or destroyed, by whom and why",
     .none = "nothing was suspended",
     .control = "spill.list",
     .columns = {SPILL_COLUMNS}},
};
static const struct cli_command retention_rows[] = {
    {.words = "retention",
     .summary = "what is kept how long, what is due, what was forgotten",
     .help = "Days are set in bongsu.yaml (quarantine-days, access-days, evidence-days). See "
             "docs/guide/retention.md.",
     .control = "retention",
     .columns =
         {{"WHAT", "what"}, {"KEPT", "kept"}, {"COUNT", "count"}, {"DUE", "due"}, {"OLDEST", "oldest"}}},
    {.words = "retention confirm",
     .summary = "say that the clock is right, after it went on by more than a day or back",
     .help = "Until then nothing is forgotten, and after a jump ahead nothing leaves by time alone\n"
             "(embargoes, delays, deadlines). A node that was off for longer than a day asks, too.",
     .options = {{"because", CLI_TEXT, "because", "TEXT", "why: stands in the log"}},
     .control = "retention.confirm"},
};
const struct cli_group cli_retention = {retention_rows, sizeof retention_rows / sizeof retention_rows[0]};
const struct cli_group cli_spill = {spill_rows, sizeof spill_rows / sizeof spill_rows[0]};
const struct cli_group cli_list = {list_rows, sizeof list_rows / sizeof list_rows[0]};
