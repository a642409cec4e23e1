/* keys copies: registered copies of the key file. */
#include "cli/cli.h"

static const struct cli_command keys_rows[] = {
    {.words = "keys copies",
     .summary = "the registered copies of the key file, and whether each is there",
     .help = "Folders are named in bongsu.yaml (key-copies). What is destroyed is destroyed in all of them;\n"
             "while one is away, a recall cannot be confirmed. STATE: current, behind, unreachable,\n"
             "foreign (another file stands there: it is never written), lost. ONLY THERE: secrets that the\n"
             "key file has lost. See docs/guide/key-copies.md.",
     .none = "no copies of the key file are registered (key-copies in bongsu.yaml)",
     .control = "keys.copies",
     .columns = {{"FOLDER", "folder"},
                 {"STATE", "state"},
                 {"WHY", "why"},
                 {"SECRETS", "secrets"},
                 {"ONLY THERE", "only_there"},
                 {"SINCE", "since"},
                 {"LOST", "lost_at"},
                 {"BY", "by"},
                 {"BECAUSE", "because"}}},
    {.words = "keys copies forget",
     .summary = "give up a copy: it is waited for no more",
     .help =
         "With --erase all that it holds is overwritten first. Without, it is lost for good: what the key\n"
         "file holds by now may be opened by that copy for ever, so when any of it is destroyed this\n"
         "node cannot confirm it, and answers no recall of it as done. It cannot be undone.",
     .args = {{"FOLDER", CLI_TEXT, "folder", NULL, "as listed"}},
     .options = {{"erase", CLI_FLAG, "erase", NULL, "overwrite it, in good order: it has to be there"},
                 {"because", CLI_TEXT, "because", "TEXT", "why: stands in the log"}},
     .control = "keys.copies.forget"},
};
const struct cli_group cli_keys = {keys_rows, sizeof keys_rows / sizeof keys_rows[0]};
