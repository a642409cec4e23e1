/* Conditions on personal data (privacy/privacy.h): which kinds were found, where they may be anybody's, or
 * (`related`) where the field says that they are the attacker's. */
#include "policy/parse.h"

static err_t read_kinds(struct parse *parse, const struct value_list *list, uint32_t *out)
{
    const char *names[PRIVACY_KINDS];
    uint32_t kinds = 0;
    unsigned kind;
    for (unsigned i = 0; i < PRIVACY_KINDS; i++)
        names[i] = privacy_kind_name((enum privacy_kind)i);
    for (uint32_t i = 0; i < list->count; i++) {
        err_t err = value_word(parse, &parse->values.at[list->first + i], "kind of personal data", names,
                               PRIVACY_KINDS, &kind);
        if (err != ERR_OK)
            return err;
        kinds |= PRIVACY_FACT(kind);
    }
    *out = kinds;
    return ERR_OK;
}

err_t personal_kinds(struct parse *parse, const char *name, bool related, struct ins *ins)
{
    uint32_t kinds = UINT16_MAX;
    struct value_list list;
    err_t err;
    if (lex_is_word(parse, STR("in")) || parse->now.kind == TOKEN_CMP) {
        if (TRY(err, compare_read_members(parse, name, ins, &list)) ||
            TRY(err, read_kinds(parse, &list, &kinds)))
            return err;
        value_drop(parse, &list);
    }
    ins->op = OP_PERSONAL;
    ins->arg = related ? kinds << 16 : kinds;
    parse->policy->needs |= POLICY_NEED_PERSONAL;
    return ERR_OK;
}
