/* Conditions about objects one reference away. What they look at may be withheld from the partner, so they
 * may only ever withhold: in deny and hold as they stand, in release behind `not`. More neighbours then never
 * let more leave, and the presence of an object tells nothing about what is kept. */
#include "policy/parse.h"

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
    ins->op = OP_VICTIM;
    if (TRY(err, value_idset(parse, &list, &ins->arg)))
        return err;
    value_drop(parse, &list);
    parse->policy->needs |= POLICY_NEED_VICTIMS;
    return ERR_OK;
}
