/* Conditions about objects one reference away. What they look at may be withheld from the partner, so they
 * may only ever withhold: in deny and hold as they stand, in release behind `not`. More neighbours then never
 * let more leave, and the presence of an object tells nothing about what is kept. */
#include "policy/parse.h"
#include "stix/shape.h"

static err_t only_withholds(struct parse *parse, const char *name, const struct ins *ins)
{
    if (ins->absent_true || parse->defining)
        return ERR_OK;
    err_t err = parse_fail(parse, ERR_INVALID, parse->now.at, "here `%s` would let something go", name);
    parse_suggest(parse,
                  "neighbours may only withhold: in deny and hold without `not`, in release behind `not`");
    return err;
}

err_t around_tlp(struct parse *parse, struct ins *ins)
{
    uint8_t cmp;
    unsigned levels;
    uint32_t at = parse->now.at;
    err_t err;
    if (TRY(err, only_withholds(parse, "neighbour.tlp", ins)) ||
        TRY(err, compare_read_level(parse, "neighbour.tlp", false, &cmp, &levels)))
        return err;
    if (cmp != CMP_GE && cmp != CMP_GT) {
        err = parse_fail(parse, ERR_INVALID, at, "`neighbour.tlp` is followed by `>` or `>=`");
        parse_suggest(parse, "one stricter neighbour must never let more leave");
        return err;
    }
    ins->op = OP_NEIGHBOUR;
    ins->arg = levels;
    parse->policy->needs |= POLICY_NEED_NEIGHBOURS;
    return ERR_OK;
}

/* The vocabulary is open: what is nearly one of its words is a slip, unless it stands in quotes. */
static err_t check_sector(struct parse *parse, const struct value *value)
{
    const struct stix_terms *terms = stix_terms(STIX_TERMS_INDUSTRY_SECTOR);
    struct suggest suggest = suggest_for(value->text);
    if (parse->held || value->quoted || stix_terms_have(terms, value->text))
        return ERR_OK;
    for (size_t i = 0; i < terms->count; i++)
        suggest_try(&suggest, terms->words[i]);
    if (suggest.best.at == NULL)
        return ERR_OK;
    err_t err =
        parse_fail(parse, ERR_NOTFOUND, value->at, "`%.*s` is no sector of STIX 2.1", STR_ARG(value->text));
    parse_suggest(parse, "did you mean `%.*s`? another sector goes into \"quotes\"", STR_ARG(suggest.best));
    return err;
}

err_t around_sector(struct parse *parse, struct ins *ins)
{
    uint32_t at = parse->now.at;
    struct value_list list;
    err_t err;
    if (TRY(err, only_withholds(parse, "victim.sector", ins)) ||
        TRY(err, compare_read_members(parse, "victim.sector", ins, &list)))
        return err;
    if (ins->negate) {
        err = parse_fail(parse, ERR_INVALID, at, "`victim.sector` is followed by `==` or `in`");
        parse_suggest(parse, "one more victim must never let more leave");
        return err;
    }
    for (uint32_t i = 0; i < list.count; i++)
        if (TRY(err, check_sector(parse, &parse->values.at[list.first + i])))
            return err;
    ins->op = OP_VICTIM;
    if (TRY(err, value_idset(parse, &list, &ins->arg)))
        return err;
    value_drop(parse, &list);
    parse->policy->needs |= POLICY_NEED_VICTIMS;
    return ERR_OK;
}
