/* Values: what a condition compares with, and what each must look like. */
#include <stdio.h>

#include "policy/parse.h"

err_t value_read(struct parse *parse, const char *what, struct value *out)
{
    const struct token *now = &parse->now;
    if (now->kind != TOKEN_WORD && now->kind != TOKEN_STRING)
        return parse_expected(parse, what);
    if (now->text.len > LIMIT_POLICY_WORD_BYTES || now->text.len == 0)
        return parse_fail(parse, ERR_LIMIT, now->at, "a value has 1 to %d bytes", LIMIT_POLICY_WORD_BYTES);
    *out = (struct value) {.text = now->text, .at = now->at, .quoted = now->kind == TOKEN_STRING};
    return lex_next(parse);
}

static err_t push(struct parse *parse, const struct value *value)
{
    err_t err = TABLE_ROOM(parse->values, LIMIT_POLICY_BYTES);
    if (err != ERR_OK)
        return parse_fail(parse, err, value->at, "too many values");
    parse->values.at[parse->values.count++] = *value;
    return ERR_OK;
}

err_t value_as_list(struct parse *parse, const struct value *value, struct value_list *out)
{
    *out = (struct value_list) {.first = parse->values.count, .count = 1, .set = LIST_LITERAL};
    return push(parse, value);
}

err_t value_read_list(struct parse *parse, struct value_list *out)
{
    err_t err;
    uint32_t first = parse->values.count;
    if (!lex_is_mark(parse, '['))
        return parse_expected(parse, "`[`");
    if (TRY(err, lex_next(parse)))
        return err;
    while (!lex_is_mark(parse, ']')) {
        struct value value;
        if (TRY(err, value_read(parse, "a value or `]`", &value)) || TRY(err, push(parse, &value)))
            return err;
        if (lex_is_mark(parse, ',') && TRY(err, lex_next(parse)))
            return err;
    }
    if (parse->values.count == first)
        return parse_fail(parse, ERR_SYNTAX, parse->now.at, "an empty list matches nothing");
    *out = (struct value_list) {first, parse->values.count - first, LIST_LITERAL};
    return lex_next(parse);
}

static void suggest_names(struct suggest *suggest, const struct names *names)
{
    for (uint32_t i = 0; i < names->count; i++)
        suggest_try(suggest, names->at[i]);
}

err_t value_read_in(struct parse *parse, struct value_list *out)
{
    if (parse->now.kind != TOKEN_WORD)
        return value_read_list(parse, out);
    int set = names_find(&parse->set_names, parse->now.text);
    if (set < 0) {
        char name[80];
        err_t err = parse_fail(parse, ERR_NOTFOUND, parse->now.at, "no set is called %s",
                               lex_name(&parse->now, name, sizeof name));
        struct suggest suggest = suggest_for(parse->now.text);
        suggest_names(&suggest, &parse->set_names);
        parse_nearest(parse, &suggest, "a list is written [a b c]; a set stands before its use");
        return err;
    }
    *out = (struct value_list) {parse->sets.at[set].first, parse->sets.at[set].count, (uint32_t)set};
    return lex_next(parse);
}

void value_drop(struct parse *parse, const struct value_list *list)
{
    if (list->set == LIST_LITERAL)
        parse->values.count = list->first;
}

err_t value_string(struct parse *parse, const struct value *value, uint16_t *out_id)
{
    err_t err = names_add(&parse->policy->strings, value->text, out_id);
    if (err == ERR_LIMIT)
        return parse_fail(parse, err, value->at, "more than %d different values", LIMIT_POLICY_STRINGS - 1);
    return err;
}

err_t value_idset(struct parse *parse, const struct value_list *list, uint32_t *out_idset)
{
    struct policy *policy = parse->policy;
    struct set *set = list->set == LIST_LITERAL ? NULL : &parse->sets.at[list->set];
    if (set != NULL && set->idset != LIST_LITERAL) {
        *out_idset = set->idset;
        return ERR_OK;
    }
    err_t err;
    uint64_t words[STRING_WORDS] = {0};
    uint32_t word_count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        uint16_t id;
        if (TRY(err, value_string(parse, &parse->values.at[list->first + i], &id)))
            return err;
        words[id / 64] |= 1ull << (id % 64);
        if (id / 64u >= word_count)
            word_count = id / 64u + 1;
    }
    uint64_t *kept = arena_zalloc(&policy->arena, word_count, sizeof *kept);
    if (kept == NULL)
        return ERR_NOMEM;
    memcpy(kept, words, word_count * sizeof *kept);
    if (TRY(err, TABLE_ROOM(policy->idsets, 2 * LIMIT_POLICY_CONDITIONS)))
        return err;
    policy->idsets.at[policy->idsets.count] = (struct idset) {kept, word_count};
    *out_idset = policy->idsets.count++;
    if (set != NULL)
        set->idset = *out_idset;
    return ERR_OK;
}

/* "red, amber, green", as far as it fits. */
static void put_words(char *to, size_t size, const char *const *words, unsigned count)
{
    size_t used = (size_t)snprintf(to, size, "one of:");
    for (unsigned i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(to + used, size - used, " %s", words[i]);
}

err_t value_word(struct parse *parse, const struct value *value, const char *what, const char *const *words,
                 unsigned count, unsigned *out_index)
{
    int index = words_find(words, count, value->text);
    if (index >= 0) {
        *out_index = (unsigned)index;
        return ERR_OK;
    }
    err_t err = parse_fail(parse, ERR_INVALID, value->at, "`%.*s` is no %s", STR_ARG(value->text), what);
    struct suggest suggest = suggest_for(value->text);
    suggest_words(&suggest, words, count);
    char otherwise[LIMIT_POLICY_SUGGESTION_BYTES];
    put_words(otherwise, sizeof otherwise, words, count);
    parse_nearest(parse, &suggest, otherwise);
    return err;
}

err_t value_tlp(struct parse *parse, const struct value *value, unsigned *out_level)
{
    int level = words_tlp_find(value->text);
    if (level >= 0) {
        *out_level = (unsigned)level;
        return ERR_OK;
    }
    if (str_eq(value->text, STR("none"))) {
        err_t err = parse_fail(parse, ERR_INVALID, value->at, "`none` is no TLP level");
        parse_suggest(parse, "write `not has tlp`, or `marking none` for an object without any marking");
        return err;
    }
    unsigned index;
    err_t err = value_word(parse, value, "TLP level", words_tlp + 1, POLICY_TLP_COUNT - 1, &index);
    must(err != ERR_OK);
    return err;
}

err_t value_partner(struct parse *parse, const struct value *value, bool or_set, unsigned *out_index)
{
    int index = policy_partner_find(parse->policy, value->text);
    if (index >= 0) {
        *out_index = (unsigned)index;
        return ERR_OK;
    }
    unsigned next = parse->alone ? policy_partner_count(parse->policy) : LIMIT_PARTNERS;
    if (next < LIMIT_PARTNERS) {
        parse->policy->partner_name[next] = value->text;
        parse->policy->partners |= 1ull << next;
        *out_index = next;
        return ERR_OK;
    }
    err_t err = parse_fail(parse, ERR_NOTFOUND, value->at, "`%.*s` is no partner of this node%s",
                           STR_ARG(value->text), or_set ? " and no set" : "");
    struct suggest suggest = suggest_for(value->text);
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        if (parse->policy->partners >> i & 1)
            suggest_try(&suggest, parse->policy->partner_name[i]);
    if (or_set)
        suggest_names(&suggest, &parse->set_names);
    parse_nearest(parse, &suggest, "`bongsu peer list` names the partners");
    return err;
}
