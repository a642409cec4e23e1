/* Conditions that the language had once: no new policy may name them. One that the log holds is read all the
 * same, or an update would leave a node with a log that it cannot open; what they ask for is there on no
 * object, so that they withhold under `deny` and `hold` and let nothing go under `release`. */
#include <stdio.h>

#include "policy/parse.h"

/* == or != a name, or `in` a list of them. */
static err_t read_names(struct parse *parse, const char *name, struct ins *ins)
{
    struct value_list list;
    err_t err = compare_read_members(parse, name, ins, &list);
    if (err == ERR_OK)
        value_drop(parse, &list);
    return err;
}

static const struct {
    const char *name;
    err_t (*read)(struct parse *parse, const char *name, struct ins *ins); /* what stood behind it */
    const char *instead;
} rows[] = {
    {"collection", read_names,
     "write `source ==`: each identity of the TAXII server hands in under a source"},
};

int retired_find(struct str word)
{
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_eq(word, str_of(rows[i].name)))
            return (int)i;
    return -1;
}

const char *retired_name(unsigned retired)
{
    return rows[retired].name;
}

err_t retired_read(struct parse *parse, unsigned retired, bool has, struct ins *ins)
{
    err_t err;
    if (TRY(err, lex_next(parse)) || (!has && TRY(err, rows[retired].read(parse, rows[retired].name, ins))))
        return err;
    ins->op = OP_RETIRED;
    ins->arg = retired;
    ins->number = has;
    return ERR_OK;
}

err_t retired_refuse(struct parse *parse, unsigned retired)
{
    err_t err = parse_fail(parse, ERR_NOTFOUND, parse->now.at,
                           "`%s` was taken out of the language: no object has it", rows[retired].name);
    parse_suggest(parse, "%s", rows[retired].instead);
    return err;
}

void policy_retired(const struct policy *policy, void (*each)(void *ctx, const struct policy_remark *remark),
                    void *ctx)
{
    for (uint32_t i = 0; i < policy->program.count; i++) {
        const struct ins *ins = &policy->program.at[i];
        struct policy_remark remark;
        if (ins->op != OP_RETIRED)
            continue;
        policy_place(policy, policy->spans.at[i].at, &remark.line, &remark.column);
        (void)snprintf(remark.what, sizeof remark.what,
                       "`%s` was taken out of the language: no object has it, %s; %s", rows[ins->arg].name,
                       ins->number != 0 ? "so this is never true"
                                        : "so it withholds under `deny` and `hold`, and lets nothing go",
                       rows[ins->arg].instead);
        each(ctx, &remark);
    }
}
