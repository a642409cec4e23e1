/* Statements: partner, source, set and the rules. */
#include "policy/parse.h"

static const char *const statements[] = {"partner",    "source",  "set",       "deny",
                                         "hold",       "release", "community", "agreement",
                                         "agreements", "define",  "budget",    "activation"};
enum { STATEMENT_COUNT = sizeof statements / sizeof *statements };

static bool is_name(const struct token *token)
{
    return token->kind == TOKEN_WORD && token->text.len <= LIMIT_NAME_BYTES &&
           memchr(token->text.at, '.', token->text.len) == NULL &&
           memchr(token->text.at, ':', token->text.len) == NULL &&
           memchr(token->text.at, '+', token->text.len) == NULL &&
           memchr(token->text.at, '/', token->text.len) == NULL && !words_reserved(token->text);
}

err_t parse_name(struct parse *parse, const char *what, struct str *out)
{
    if (!is_name(&parse->now)) {
        err_t err = parse_expected(parse, what);
        parse_suggest(parse, "a name has letters, digits, - and _, at most %d, and is no reserved word",
                      LIMIT_NAME_BYTES);
        return err;
    }
    *out = parse->now.text;
    return lex_next(parse);
}

static err_t expect_word(struct parse *parse, const char *word)
{
    char what[40] = "`";
    size_t len = strlen(word);
    if (lex_is_word(parse, str_of(word)))
        return lex_next(parse);
    must(len + 3 <= sizeof what);
    memcpy(what + 1, word, len);
    what[len + 1] = '`';
    return parse_expected_word(parse, what, &word, 1);
}

/* --- attributes --- */

/* The block's values take the place of the node's. */
static err_t replace_key(struct parse *parse, struct str key, uint32_t at, uint16_t holder, enum holder of)
{
    for (uint32_t i = 0; i < parse->policy->attributes.count; i++) {
        struct attribute *attribute = &parse->policy->attributes.at[i];
        if (attribute->of != of || attribute->holder != holder || !str_eq(attribute->key, key))
            continue;
        if (attribute->from_text) {
            err_t err = parse_fail(parse, ERR_EXISTS, at, "`%.*s` stands here twice", STR_ARG(key));
            parse_suggest(parse, "write several values as a list: %.*s [a b]", STR_ARG(key));
            return err;
        }
        attribute->key = (struct str) {NULL, 0};
    }
    return ERR_OK;
}

static err_t add_attributes(struct parse *parse, struct str key, const struct value_list *list, uint32_t at,
                            uint16_t holder, enum holder of)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct value *value = &parse->values.at[list->first + i];
        err_t err = TABLE_ROOM(parse->policy->attributes, LIMIT_POLICY_NAMES);
        if (err != ERR_OK)
            return parse_fail(parse, err, value->at, "more than %d attributes", LIMIT_POLICY_NAMES);
        struct attribute attribute = {.key = key,
                                      .value = value->text,
                                      .holder = holder,
                                      .of = (uint8_t)of,
                                      .from_text = true,
                                      .at = at};
        parse->policy->attributes.at[parse->policy->attributes.count++] = attribute;
    }
    value_drop(parse, list);
    return ERR_OK;
}

static err_t parse_attribute(struct parse *parse, uint16_t holder, enum holder of)
{
    err_t err;
    struct str key;
    struct value value;
    struct value_list list;
    uint32_t at = parse->now.at;
    if (TRY(err, parse_name(parse, "an attribute's name or `}`", &key)))
        return err;
    if (lex_is_mark(parse, '[')) {
        if (TRY(err, value_read_list(parse, &list)))
            return err;
    } else if (TRY(err, value_read(parse, "a value", &value)) ||
               TRY(err, value_as_list(parse, &value, &list))) {
        return err;
    }
    if (of != OF_SOURCE && TRY(err, statement_check_attribute(parse, key, &list)))
        return err;
    if (TRY(err, replace_key(parse, key, at, holder, of)) ||
        TRY(err, add_attributes(parse, key, &list, at, holder, of)))
        return err;
    return lex_is_mark(parse, ';') ? lex_next(parse) : ERR_OK;
}

err_t parse_block(struct parse *parse, uint16_t holder, enum holder of)
{
    err_t err;
    if (!lex_is_mark(parse, '{'))
        return ERR_OK;
    if (TRY(err, lex_next(parse)))
        return err;
    while (!lex_is_mark(parse, '}'))
        if (TRY(err, parse_attribute(parse, holder, of)))
            return err;
    return lex_next(parse);
}

err_t parse_head(struct parse *parse, const char *what)
{
    if (!parse->heads_done)
        return lex_next(parse);
    bool asked = str_eq(str_of(what), STR("partner")) || str_eq(str_of(what), STR("source"));
    err_t err = parse_fail(parse, ERR_INVALID, parse->now.at, "`%s` stands before the first rule", what);
    parse_suggest(parse, "move it up%s%s%s", asked ? "; a condition about it is written " : "",
                  asked ? what : "", asked ? ".KEY == V" : "");
    return err;
}

static err_t parse_partner(struct parse *parse)
{
    err_t err;
    unsigned index;
    struct value value;
    if (TRY(err, parse_head(parse, "partner")) || TRY(err, value_read(parse, "a partner", &value)) ||
        TRY(err, value_partner(parse, &value, false, &index)))
        return err;
    return parse_block(parse, (uint16_t)index, OF_PARTNER);
}

static err_t parse_source(struct parse *parse)
{
    err_t err;
    uint16_t number;
    struct value value;
    if (TRY(err, parse_head(parse, "source")) || TRY(err, value_read(parse, "a source", &value)))
        return err;
    if (names_find(&parse->sources, value.text) >= 0)
        return parse_fail(parse, ERR_EXISTS, value.at, "source `%.*s` stands here twice",
                          STR_ARG(value.text));
    if (TRY(err, names_add(&parse->sources, value.text, &number)))
        return parse_fail(parse, err, value.at, "more than %d sources", LIMIT_POLICY_NAMES);
    return parse_block(parse, number, OF_SOURCE);
}

static err_t parse_set(struct parse *parse)
{
    err_t err;
    struct str name;
    struct value_list list;
    uint32_t at = parse->now.at;
    if (TRY(err, lex_next(parse)) || TRY(err, statement_set_name(parse, "the set's name", &name)))
        return err;
    if (!lex_is_mark(parse, '='))
        return parse_expected(parse, "`=`");
    if (TRY(err, lex_next(parse)) || TRY(err, value_read_list(parse, &list)))
        return err;
    struct set set = {.first = list.first,
                      .count = list.count,
                      .idset = LIST_LITERAL,
                      .meaning = statement_meaning(parse, at)};
    return statement_add_set(parse, name, &set);
}

/* --- rules --- */

/* What may follow a complete rule is another statement; say all that could have stood here. */
static err_t check_end(struct parse *parse, const struct rule *rule, bool to)
{
    static const char *const words[] = {"and",      "or",      "to",      "until", "after", "with",
                                        "deadline", "remind",  "default", "deny",  "hold",  "release",
                                        "budget",   "partner", "set",     "source"};
    if (rule->effect == POLICY_RELEASE && !to) {
        err_t err = parse_expected_word(parse, "`to` and the partners", words, 9);
        if (parse->fault->suggestion[0] == '\0')
            parse_suggest(parse, "a release says to whom: `to all`, `to NAME`");
        return err;
    }
    if (parse->now.kind == TOKEN_END ||
        (parse->now.kind == TOKEN_WORD && words_find(statements, STATEMENT_COUNT, parse->now.text) >= 0))
        return ERR_OK;
    return parse_expected_word(parse, "`and`, `or`, a clause or the next rule", words,
                               sizeof words / sizeof *words);
}

static uint32_t line_of(const struct parse *parse, uint32_t at)
{
    uint32_t line = 1;
    for (uint32_t i = 0; i < at; i++)
        line += parse->text.at[i] == '\n';
    return line;
}

static err_t add_rule(struct parse *parse, const struct rule *rule)
{
    err_t err;
    struct policy *policy = parse->policy;
    uint16_t index = (uint16_t)(policy->rules.count + POLICY_RULE_BUILTIN_COUNT);
    if (TRY(err, TABLE_ROOM(policy->rules, LIMIT_POLICY_RULES)) ||
        TRY(err, TABLE_ROOM(policy->order[rule->effect], LIMIT_POLICY_RULES)))
        return err;
    policy->rules.at[policy->rules.count++] = *rule;
    policy->has_deadlines |= rule->deadline_us != 0;
    policy->order[rule->effect].at[policy->order[rule->effect].count++] = index;
    return ERR_OK;
}

static err_t rule_name(struct parse *parse)
{
    err_t err;
    uint16_t id;
    struct str name;
    uint32_t at = parse->now.at;
    if (TRY(err, parse_name(parse, "the rule's name", &name)))
        return err;
    int known = names_find(&parse->policy->rule_names, name);
    if (known >= 0) {
        err = parse_fail(parse, ERR_EXISTS, at, "a rule `%.*s` exists already", STR_ARG(name));
        parse_suggest(parse, "it stands in line %u", parse->policy->rules.at[known].line);
        return err;
    }
    if (TRY(err, names_add(&parse->policy->rule_names, name, &id)))
        return parse_fail(parse, err, at, "more than %d rules", LIMIT_POLICY_RULES);
    return ERR_OK;
}

err_t parse_close_heads(struct parse *parse)
{
    err_t err;
    if (parse->heads_done)
        return ERR_OK;
    parse->heads_done = true;
    if (TRY(err, statement_close_communities(parse)) || TRY(err, statement_close_agreements(parse)))
        return err;
    for (uint32_t i = 0; i < parse->policy->attributes.count; i++) {
        const struct attribute *attribute = &parse->policy->attributes.at[i];
        if (attribute->of == OF_PARTNER && str_eq(attribute->key, STR("tlp-max")))
            parse->tlp_max[attribute->holder] = (uint8_t)words_tlp_find(attribute->value);
    }
    memcpy(parse->policy->tlp_max, parse->tlp_max, sizeof parse->tlp_max);
    for (unsigned level = POLICY_TLP_CLEAR; level < POLICY_TLP_COUNT; level++)
        for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
            if (parse->tlp_max[p] != POLICY_TLP_NONE && level > parse->tlp_max[p])
                parse->policy->tlp_above[level] |= 1ull << p;
    return ERR_OK;
}

static err_t parse_rule(struct parse *parse, enum policy_effect effect)
{
    err_t err;
    bool to = false;
    struct rule rule = {.to = parse->policy->partners, .until_us = INT64_MAX, .effect = (uint8_t)effect};
    if (TRY(err, parse_close_heads(parse)))
        return err;
    rule.at = parse->now.at;
    rule.line = line_of(parse, rule.at);
    rule.first = parse->policy->program.count;
    if (TRY(err, lex_next(parse)) || TRY(err, rule_name(parse)) || TRY(err, expect_word(parse, "if")) ||
        TRY(err, parse_condition(parse, effect)))
        return err;
    rule.count = parse->policy->program.count - rule.first;
    if (TRY(err, clause_read_all(parse, &rule, &to)) || TRY(err, check_end(parse, &rule, to)))
        return err;
    rule.asks = statement_meaning(parse, rule.at);
    return add_rule(parse, &rule);
}

/* N objects, or N of a unit of bytes */
static err_t budget_volume(struct parse *parse, struct budget *budget)
{
    static const char *const units[] = {"objects", "KB", "MB", "GB"};
    static const uint64_t bytes[] = {0, 1000, 1000000, 1000000000};
    err_t err;
    struct value value;
    uint64_t number;
    uint32_t at = parse->now.at;
    if (TRY(err, value_read(parse, "how many objects, or KB, MB or GB", &value)))
        return err;
    if (value.quoted || !str_to_u64(value.text, UINT32_MAX, &number) || number == 0)
        return parse_fail(parse, ERR_INVALID, at, "this is no number from 1 to %u", UINT32_MAX);
    int unit = parse->now.kind == TOKEN_WORD ? words_find(units, 4, parse->now.text) : -1;
    if (unit < 0)
        return parse_expected_word(parse, "`objects`, `KB`, `MB` or `GB`", units, 4);
    budget->objects = unit == 0 ? number : 0;
    budget->bytes = number * bytes[unit];
    return lex_next(parse);
}

/* budget NAME to WHOM VOLUME per D */
static err_t parse_budget(struct parse *parse)
{
    err_t err;
    struct budget budget = {.to = 0};
    struct policy *policy = parse->policy;
    if (TRY(err, parse_close_heads(parse)) || TRY(err, lex_next(parse)))
        return err;
    uint32_t at = parse->now.at;
    if (TRY(err, parse_name(parse, "the budget's name", &budget.name)) ||
        TRY(err, expect_word(parse, "to")) || TRY(err, clause_read_to(parse, &budget.to)))
        return err;
    for (uint32_t i = 0; i < policy->budgets.count; i++)
        if (str_eq(policy->budgets.at[i].name, budget.name))
            return parse_fail(parse, ERR_EXISTS, at, "a budget `%.*s` exists already", STR_ARG(budget.name));
    if (TRY(err, budget_volume(parse, &budget)) || TRY(err, expect_word(parse, "per")) ||
        TRY(err, clause_read_duration(parse, &budget.per_us)))
        return err;
    if (TRY(err, TABLE_ROOM(policy->budgets, LIMIT_POLICY_BUDGETS)))
        return parse_fail(parse, err, at, "more than %d budgets", LIMIT_POLICY_BUDGETS);
    policy->budgets.at[policy->budgets.count++] = budget;
    return ERR_OK;
}

/* activation by 2 */
static err_t parse_activation(struct parse *parse)
{
    err_t err;
    uint32_t at = parse->now.at;
    if (parse->policy->activation_by != 0)
        return parse_fail(parse, ERR_EXISTS, at, "`activation` stands here twice");
    if (TRY(err, lex_next(parse)) || TRY(err, expect_word(parse, "by")))
        return err;
    if (!lex_is_word(parse, STR("1")) && !lex_is_word(parse, STR("2")))
        return parse_expected(parse, "`1` or `2`: how many operators take a policy into force");
    parse->policy->activation_by = (unsigned)(parse->now.text.at[0] - '0');
    return lex_next(parse);
}

static err_t parse_statement(struct parse *parse)
{
    static const struct {
        const char *word;
        err_t (*parse)(struct parse *parse);
    } rows[] = {
        {"partner", parse_partner},
        {"source", parse_source},
        {"set", parse_set},
        {"community", statement_community},
        {"agreement", statement_agreement},
        {"agreements", statement_agreements},
        {"define", statement_define},
        {"budget", parse_budget},
        {"activation", parse_activation},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        if (lex_is_word(parse, str_of(rows[i].word)))
            return rows[i].parse(parse);
    if (parse->now.kind == TOKEN_WORD)
        for (unsigned effect = POLICY_DENY; effect <= POLICY_RELEASE; effect++)
            if (str_eq(parse->now.text, str_of(words_effect[effect])))
                return parse_rule(parse, (enum policy_effect)effect);
    return parse_expected_word(parse,
                               "a statement: partner, source, set, community, agreement, define, deny, "
                               "hold or release",
                               statements, STATEMENT_COUNT);
}

err_t parse_policy(struct parse *parse)
{
    err_t err;
    if (TRY(err, lex_next(parse)))
        return err;
    if (!lex_is_word(parse, STR("language"))) {
        err = parse_expected(parse, "`language 1`");
        parse_suggest(parse, "a policy starts with the line: language 1");
        return err;
    }
    if (TRY(err, lex_next(parse)))
        return err;
    if (!lex_is_word(parse, STR("1"))) {
        err = parse_expected(parse, "`1`, the only form of the language that is known here");
        parse->fault->code = ERR_VERSION;
        return parse->now.kind == TOKEN_WORD ? ERR_VERSION : (parse->fault->code = err);
    }
    if (TRY(err, lex_next(parse)))
        return err;
    while (parse->now.kind != TOKEN_END)
        if (TRY(err, parse_statement(parse)))
            return err;
    if (TRY(err, parse_close_heads(parse)))
        return err;
    return attribute_check_keys(parse);
}
