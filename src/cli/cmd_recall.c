/* `bongsu recall`: rows that the node runs. What cannot be undone is counted, and asked about, before. */
#include <stdio.h>

#include "cli/cli.h"
#include "os/term.h"

enum { ANSWER_BYTES = 64 };

struct counting {
    const struct cli_call *call;
    struct table *table; /* what would go, one by one */
    uint64_t versions;
};

static void count_line(void *ctx, struct str json)
{
    struct counting *counting = ctx;
    struct line *line = line_read(json);
    if (line != NULL && line_has(line, "versions"))
        counting->versions = line_u64(line, "versions");
    line_free(line);
    if (counting->call->json)
        (void)printf("%.*s\n", STR_ARG(json));
    else if (!table_take(counting->table, json)) {
        table_print(counting->table);
        print_say(json);
    }
}

static bool says_yes(void)
{
    struct buf answer;
    bool end;
    buf_init(&answer, ANSWER_BYTES);
    (void)printf("It cannot be undone. Call it back? [y/N] ");
    (void)fflush(stdout);
    err_t err = os_term_input(&answer, ANSWER_BYTES, &end);
    struct str text = str_trim(buf_str(&answer));
    bool yes = err == ERR_OK && (str_eq(text, STR("y")) || str_eq(text, STR("yes")));
    buf_deinit(&answer);
    return yes;
}

/* With --yes, or after a look at what it would reach. */
static int run_recall(struct cli_call *call)
{
    struct counting counting = {.call = call};
    char members[64];
    if (cli_option(call, "dry-run") != NULL || cli_option(call, "yes") != NULL ||
        cli_option(call, "to-sign") != NULL)
        return control_run(call);
    if (cli_option(call, "because") == NULL)
        return cli_usage(call, "a recall needs a reason: add --because \"...\"");
    if (!os_term_is(0))
        return cli_usage(call, "it cannot be undone: look at it with --dry-run, then add --yes");
    call->extra = ",\"dry_run\":true";
    counting.table = table_new(call->command->columns);
    int status = control_each(call, count_line, &counting);
    table_print(counting.table);
    table_free(counting.table);
    if (status != CLI_OK)
        return status;
    if (!says_yes())
        return cli_fail(NULL, "nothing was changed");
    (void)snprintf(members, sizeof members, ",\"expected\":\"%llu\"", (unsigned long long)counting.versions);
    call->extra = members;
    status = control_run(call);
    call->extra = NULL;
    return status;
}

#define RECALL_BECAUSE                                                                                       \
    {                                                                                                        \
        "because", CLI_TEXT, "because", "TEXT", "why: stands in the log"                                     \
    }

static const struct cli_command recall_rows[] = {
    {.words = "recall",
     .summary = "call something back from everybody who ever had it, and destroy it",
     .help = "It is suspended here at once; every partner who had it, as it came or minted, is told by his\n"
             "ledger to destroy it and to answer, and when all are told it is destroyed here. VALUE is one\n"
             "identifier (all that is held under it) or a number of `bongsu object show`; the conditions of\n"
             "`bongsu find` take every version that fits; all that is given must hold. More than a day's\n"
             "budget is destroyed only when another officer confirms. See docs/guide/recall.md.",
     .many = true,
     .rest = "what",
     .options =
         {CLI_CONDITIONS,
          {"value", CLI_TEXT, "values", "VALUE", "an address, network, domain, hash, name: as for find"},
          {"incident", CLI_TEXT, "incident", "ID", "an incident, report or grouping with what it holds"},
          {"rule", CLI_TEXT, "rule", "NAME", "released by this rule"},
          {"policy", CLI_TEXT, "policy", "DIGEST", "released under this policy"},
          {"released-since", CLI_TEXT, "released-since", "TIME", "released then or later"},
          {"released-until", CLI_TEXT, "released-until", "TIME", "released before"},
          {"to", CLI_TEXT, "to", "AUDIENCE", "released to this partner; all get it called back"},
          {"dry-run", CLI_FLAG, "dry_run", NULL, "only count what it would reach"},
          {"yes", CLI_FLAG, NULL, NULL, "do not ask"},
          {"within", CLI_TEXT, "within", "HOURS", "until when holders are to answer; 24; also 30m, 90s"},
          RECALL_BECAUSE,
          CLI_SIGNED},
     .control = "recall.add",
     .run = run_recall},
    {.words = "recall confirm",
     .summary = "agree to destroying what was called back beyond the budget",
     .help = "Who called it back here is the first officer, any other is the second. What a partner called\n"
             "back wants two of them.",
     .args = {{"WHAT", CLI_TEXT, "what", NULL, "an identifier or a number of `bongsu recall status`"}},
     .options = {RECALL_BECAUSE, CLI_SIGNED},
     .control = "recall.confirm"},
    {.words = "recall status",
     .summary = "who still has what was called back",
     .help = "With an identifier, or the number of a recall: that alone.",
     .many = true,
     .rest = "what",
     .control = "recall.status",
     .columns = {{"OBJECT", "object"},
                 {"NUMBER", "number"},
                 {"RECALL", "recall"},
                 {"HOLDER", "holder"},
                 {"STATE", "state"},
                 {"SINCE", "answered"},
                 {"DEADLINE", "deadline"},
                 {"SAID THERE", "said_there"},
                 {"AT", "said_at"},
                 {"THERE", "there"},
                 {"BY", "by"}}},
    {.words = "privacy erase",
     .summary = "call back and destroy everything that holds one person's data",
     .help =
         "What `bongsu privacy find` finds, in every version and in what was refused, is called back as a\n"
         "whole, as `bongsu recall` does: from every partner who ever had it, within the same budget. The\n"
         "access record says who asked, and names the value by a keyed digest alone: keep it out of TEXT.",
     .args = {{"VALUE", CLI_TEXT, "person", NULL, "as the person writes it"}},
     .options = {{"dry-run", CLI_FLAG, "dry_run", NULL, "only count and list what it would destroy"},
                 {"yes", CLI_FLAG, NULL, NULL, "do not ask"},
                 {"within", CLI_TEXT, "within", "HOURS",
                  "until when holders are to answer; 24; also 30m, 90s"},
                 RECALL_BECAUSE,
                 CLI_SIGNED},
     .control = "privacy.erase",
     .columns = {{"PLACE", "place"},
                 {"ID", "id"},
                 {"TYPE", "type"},
                 {"VERSION", "version"},
                 {"SOURCE", "source"},
                 {"WHERE", "pointers"},
                 {"PARTNERS", "partners"}},
     .run = run_recall},
    {.words = "hold legal",
     .summary = "an order to keep it as evidence: nothing destroys it, whoever calls it back",
     .help =
         "For a declared operator. A recall or a spill suspends it all the same: nobody finds or gets it,\n"
         "and its bytes stay sealed. A partner who calls it back is answered `held under order`.",
     .args = {{"ID", CLI_TEXT, "id", NULL, "identifier of the object"}},
     .options = {RECALL_BECAUSE, CLI_SIGNED},
     .control = "hold.legal"},
    {.words = "hold legal lift",
     .summary = "the order is over: what was called back meanwhile is destroyed",
     .args = {{"ID", CLI_TEXT, "id", NULL, "identifier of the object"}},
     .options = {RECALL_BECAUSE, CLI_SIGNED},
     .control = "hold.legal.lift"},
    {.words = "hold legal list",
     .summary = "orders that stand",
     .none = "No order keeps anything here.",
     .control = "hold.legal.list",
     .columns = {{"OBJECT", "object"}, {"SINCE", "since"}, {"BY", "by"}, {"BECAUSE", "because"}}},
};
const struct cli_group cli_recall = {recall_rows, sizeof recall_rows / sizeof recall_rows[0]};
