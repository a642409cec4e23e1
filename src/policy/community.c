/* Communities: sets of partners, and the attributes that these have by being in them. */
#include "policy/parse.h"

/* --- the statement --- */

/* Being in a community is said by its list alone: another one is named there. */
static err_t check_block(struct parse *parse, uint32_t from)
{
    for (uint32_t i = from; i < parse->policy->attributes.count; i++) {
        const struct attribute *attribute = &parse->policy->attributes.at[i];
        if (!str_eq(attribute->key, STR("communities")))
            continue;
        err_t err = parse_fail(parse, ERR_INVALID, attribute->at, "a community gives no `communities`");
        parse_suggest(parse, "name this community in the list of the other: community %.*s = [...]",
                      STR_ARG(attribute->value));
        return err;
    }
    return ERR_OK;
}

/* What stands between the name and the list. */
static err_t read_block(struct parse *parse)
{
    err_t err;
    uint32_t from = parse->policy->attributes.count;
    bool block = lex_is_mark(parse, '{');
    if (TRY(err, parse_block(parse, (uint16_t)parse->sets.count, OF_COMMUNITY)) ||
        TRY(err, check_block(parse, from)))
        return err;
    return lex_is_mark(parse, '=') ? lex_next(parse)
                                   : parse_expected(parse, block ? "`=` and its members" : "`=` or `{`");
}

/* A set whose members are partners, by name: communities named in it stand for theirs. */
err_t statement_community(struct parse *parse)
{
    err_t err;
    struct str name;
    struct value_list list;
    struct set set = {.idset = LIST_LITERAL, .community = true};
    uint32_t at = parse->now.at;
    if (TRY(err, parse_head(parse, "community")) ||
        TRY(err, statement_set_name(parse, "the community's name", &name)) || TRY(err, read_block(parse)) ||
        TRY(err, value_read_list(parse, &list)) || TRY(err, statement_partners(parse, &list, &set.members)))
        return err;
    set.meaning = statement_meaning(parse, at);
    struct value member = parse->values.at[list.first];
    value_drop(parse, &list);
    set.first = parse->values.count;
    for (uint64_t left = set.members; left != 0; left &= left - 1, set.count++) {
        member.text = parse->policy->partner_name[__builtin_ctzll(left)];
        if (TRY(err, value_as_list(parse, &member, &list)))
            return err;
    }
    return statement_add_set(parse, name, &set);
}

/* --- what its members have of it --- */

/* The values of one key of one holder's, which stand together. */
struct run {
    uint32_t first, count;
};

static struct run run_at(const struct policy *policy, uint32_t first)
{
    struct run run = {first, 1};
    const struct attribute *head = &policy->attributes.at[first];
    for (uint32_t i = first + 1; i < policy->attributes.count; i++, run.count++) {
        const struct attribute *next = &policy->attributes.at[i];
        if (next->of != head->of || next->holder != head->holder || !str_eq(next->key, head->key))
            break;
    }
    return run;
}

/* Each value of the one is a value of the other. */
static bool run_within(const struct policy *policy, struct run one, struct run other)
{
    for (uint32_t i = 0; i < one.count; i++) {
        uint32_t v = 0;
        while (v < other.count && !str_eq(policy->attributes.at[one.first + i].value,
                                          policy->attributes.at[other.first + v].value))
            v++;
        if (v == other.count)
            return false;
    }
    return true;
}

static err_t add(struct parse *parse, const struct attribute *attribute)
{
    err_t err = TABLE_ROOM(parse->policy->attributes, LIMIT_POLICY_NAMES);
    if (err != ERR_OK)
        return parse_fail(parse, err, parse->now.at, "more than %d attributes", LIMIT_POLICY_NAMES);
    parse->policy->attributes.at[parse->policy->attributes.count++] = *attribute;
    return ERR_OK;
}

/* Where the member's values of this key begin; -1: he has none. */
static int64_t member_has(const struct policy *policy, struct str key, unsigned member)
{
    for (uint32_t i = 0; i < policy->attributes.count; i++) {
        const struct attribute *attribute = &policy->attributes.at[i];
        if (attribute->of == OF_PARTNER && attribute->holder == member && str_eq(attribute->key, key))
            return i;
    }
    return -1;
}

/* What he has himself stays. What another community gave must be the same: of two neither is right for him,
 * and no order among values is known to the language. */
static err_t give_member(struct parse *parse, struct run run, unsigned member)
{
    err_t err;
    const struct policy *policy = parse->policy;
    struct attribute given = policy->attributes.at[run.first];
    struct str name = parse->set_names.at[given.holder];
    int64_t at = member_has(policy, given.key, member);
    if (at < 0) {
        for (uint32_t i = 0; i < run.count; i++) {
            given = policy->attributes.at[run.first + i];
            given.holder = (uint16_t)member;
            given.of = OF_PARTNER;
            given.community = name;
            if (TRY(err, add(parse, &given)))
                return err;
        }
        return ERR_OK;
    }
    struct str before = policy->attributes.at[at].community;
    struct run had = run_at(policy, (uint32_t)at);
    if (before.at == NULL || (run_within(policy, run, had) && run_within(policy, had, run)))
        return ERR_OK;
    struct str partner = policy->partner_name[member];
    err = parse_fail(parse, ERR_EXISTS, given.at, "`%.*s` and `%.*s` give `%.*s` another `%.*s` each",
                     STR_ARG(before), STR_ARG(name), STR_ARG(partner), STR_ARG(given.key));
    parse_suggest(parse, "say which: partner %.*s { %.*s VALUE }", STR_ARG(partner), STR_ARG(given.key));
    return err;
}

static err_t give(struct parse *parse, struct run run)
{
    uint64_t left = parse->sets.at[parse->policy->attributes.at[run.first].holder].members;
    for (; left != 0; left &= left - 1) {
        err_t err = give_member(parse, run, (unsigned)__builtin_ctzll(left));
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* What the partner blocks say of communities stays; these come on top. */
static err_t give_names(struct parse *parse)
{
    for (uint32_t i = 0; i < parse->sets.count; i++) {
        for (uint64_t left = parse->sets.at[i].members; left != 0; left &= left - 1) {
            err_t err = add(parse, &(struct attribute) {.key = STR("communities"),
                                                        .value = parse->set_names.at[i],
                                                        .holder = (uint16_t)__builtin_ctzll(left)});
            if (err != ERR_OK)
                return err;
        }
    }
    return ERR_OK;
}

err_t statement_close_communities(struct parse *parse)
{
    const struct policy *policy = parse->policy;
    struct run run;
    for (uint32_t i = 0, end = policy->attributes.count; i < end; i += run.count) {
        run = run_at(policy, i);
        if (policy->attributes.at[i].of != OF_COMMUNITY)
            continue;
        err_t err = give(parse, run);
        if (err != ERR_OK)
            return err;
    }
    return give_names(parse);
}
