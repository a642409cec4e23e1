/* `bongsu recall`: rows that the node runs. */
#include "cli/cli.h"

#define RECALL_BECAUSE                                                                                       \
    {                                                                                                        \
        "because", CLI_TEXT, "because", "TEXT", "why: stands in the log"                                     \
    }

static const struct cli_command recall_rows[] = {
    {.words = "recall",
     .summary = "call something back from everybody who ever had it, and destroy it",
     .help = "It is suspended here at once; every partner who had it, as it came or minted, is told by his\n"
             "ledger to destroy it and to answer, and when all are told it is destroyed here. WHAT is an\n"
             "identifier (all that is held under it) or a number of `bongsu object show`. More than a day's\n"
             "budget is destroyed only when another officer confirms. See docs/guide/recall.md.",
     .args = {{"WHAT", CLI_TEXT, "what", NULL, "an identifier or a number"}},
     .options = {{"dry-run", CLI_FLAG, "dry_run", NULL, "only say what it would reach"},
                 {"within", CLI_TEXT, "within", "HOURS", "until when holders are to answer; 24"},
                 RECALL_BECAUSE},
     .control = "recall.add"},
    {.words = "recall confirm",
     .summary = "agree to destroying what was called back beyond the budget",
     .help = "Who called it back here is the first officer, any other is the second. What a partner called\n"
             "back wants two of them.",
     .args = {{"WHAT", CLI_TEXT, "what", NULL, "an identifier or a number of `bongsu recall status`"}},
     .options = {RECALL_BECAUSE},
     .control = "recall.confirm"},
    {.words = "recall status",
     .summary = "who still has what was called back",
     .help = "With an identifier: that object alone.",
     .many = true,
     .rest = "what",
     .control = "recall.status",
     .columns = {{"OBJECT", "object"},
                 {"NUMBER", "number"},
                 {"HOLDER", "holder"},
                 {"STATE", "state"},
                 {"SINCE", "answered"},
                 {"DEADLINE", "deadline"},
                 {"BY", "by"}}},
};
const struct cli_group cli_recall = {recall_rows, sizeof recall_rows / sizeof recall_rows[0]};
