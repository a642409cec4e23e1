/* `bongsu words`: what operators signed, as it lies in the log, and as files for whoever verifies it without
 * the node. */
#include <stdio.h>

#include "app/file.h"
#include "cli/cli.h"

struct writing {
    const struct cli_call *call;
    const char *path;
    bool good;
};

static const char *const ends[] = {"", ".sig", ".signers"};
enum { ENDS = sizeof ends / sizeof ends[0] };

static bool end_path(const struct writing *w, const char *end, char out[FILE_PATH_SIZE])
{
    int len = snprintf(out, FILE_PATH_SIZE, "%s%s", w->path, end);
    return len > 0 && len < FILE_PATH_SIZE;
}

/* Nothing is written over: what lies there may be another word, and somebody's proof. */
static bool none_is_there(const struct writing *w)
{
    char path[FILE_PATH_SIZE];
    for (size_t i = 0; i < ENDS; i++) {
        if (!end_path(w, ends[i], path))
            return cli_refuse(w->call->json, CLI_FAILED, NULL, "%s: %s", w->path, err_text(ERR_LIMIT)) ==
                   CLI_OK;
        if (file_exists(w->call->os, path))
            return cli_refuse(w->call->json, CLI_FAILED, "give another name, or move it away",
                              "%s is there already: nothing was written", path) == CLI_OK;
    }
    return true;
}

/* FILE, FILE.sig, FILE.signers. */
static bool write_beside(const struct writing *w, const char *end, struct str content)
{
    char path[FILE_PATH_SIZE];
    err_t err =
        !end_path(w, end, path) ? ERR_LIMIT : file_replace(w->call->os, ".", path, bytes_from_str(content));
    return err == ERR_OK || cli_fail(NULL, "%s%s: %s", w->path, end, err_text(err)) == CLI_OK;
}

static void write_files(struct writing *w, const struct line *line)
{
    struct buf signers;
    struct str name = line_str(line, "operator");
    buf_init(&signers, 4096);
    buf_printf(&signers, "%.*s namespaces=\"bongsu\" %.*s\n", STR_ARG(name), STR_ARG(line_str(line, "key")));
    const struct str contents[ENDS] = {line_str(line, "text"), line_str(line, "signature"),
                                       buf_str(&signers)};
    w->good = buf_err(&signers) == ERR_OK;
    for (size_t i = 0; i < ENDS && w->good; i++)
        w->good = write_beside(w, ends[i], contents[i]);
    buf_deinit(&signers);
    if (w->good && !w->call->json)
        (void)printf("%s: %.*s by %.*s, key %.*s. Compare the key with the one that you know is his; then\n"
                     "ssh-keygen -Y verify -f %s.signers -I %.*s -n bongsu -s %s.sig < %s\n",
                     w->path, STR_ARG(line_str(line, "word")), STR_ARG(name),
                     STR_ARG(line_str(line, "fingerprint")), w->path, STR_ARG(name), w->path, w->path);
}

static void write_word(void *ctx, struct str json)
{
    struct writing *w = ctx;
    struct line *line = line_read(json);
    if (line != NULL && line_is(line, "forgotten"))
        (void)cli_fail("bongsu words NUMBER --json has who, when and the key",
                       "nothing was written: what %.*s signed is forgotten, and a signature without its text "
                       "proves nothing",
                       STR_ARG(line_str(line, "operator")));
    else if (line != NULL && line_has(line, "signature"))
        write_files(w, line);
    line_free(line);
}

static int run_words_write(struct cli_call *call)
{
    struct writing writing = {.call = call, .path = call->args[1]};
    char members[64];
    uint64_t number;
    if (!str_to_u64(str_of(call->args[0]), UINT64_MAX, &number))
        return cli_usage(call, "%s is no number of `bongsu words`", call->args[0]);
    if (!none_is_there(&writing))
        return CLI_FAILED;
    (void)snprintf(members, sizeof members, ",\"number\":\"%llu\"", (unsigned long long)number);
    call->extra = members;
    int status = control_each(call, write_word, &writing);
    call->extra = NULL;
    return status != CLI_OK || writing.good ? status : CLI_FAILED;
}

static const struct cli_command words_rows[] = {
    {.words = "words",
     .summary = "list what operators signed with keys of their own",
     .help = "Each with the key that was his then. With --json also the text and the signature.\n"
             "BECAUSE says so where the text is forgotten (evidence-days).\n"
             "docs/guide/operators.md says how one signs.",
     .many = true,
     .rest = "number",
     .control = "words",
     .columns = {{"NUMBER", "number"},
                 {"SAID", "said"},
                 {"OPERATOR", "operator"},
                 {"WORD", "word"},
                 {"BECAUSE", "because"},
                 {"KEY", "fingerprint"}}},
    {.words = "words write",
     .summary = "write one as files, for ssh-keygen -Y verify",
     .help = "FILE is the text, FILE.sig the signature, FILE.signers the key as the log has it.\n"
             "A text that is forgotten (evidence-days) cannot be written.",
     .args = {{"NUMBER", CLI_TEXT, NULL, NULL, "as listed"}, {"FILE", CLI_TEXT, NULL, NULL, "where to"}},
     .control = "words",
     .run = run_words_write},
};
const struct cli_group cli_words = {words_rows, sizeof words_rows / sizeof words_rows[0]};
