/* Comparisons with attributes: partner.KEY is settled while compiling, source.KEY becomes a set of sources.
 */
#include "policy/parse.h"

/* A key of a partner's block that means nothing by itself, and that no condition asks for, is a slip: what it
 * was meant to limit would not be limited. */
err_t attribute_check_keys(struct parse *parse)
{
    const char *known;
    for (uint32_t i = 0; !parse->held && i < parse->policy->attributes.count; i++) {
        const struct attribute *attribute = &parse->policy->attributes.at[i];
        struct suggest suggest = suggest_for(attribute->key);
        bool means = attribute->of == OF_SOURCE || !attribute->from_text || attribute->used;
        for (unsigned k = 0; (known = statement_known_key(k)) != NULL; k++) {
            means = means || str_eq(attribute->key, str_of(known));
            suggest_try(&suggest, str_of(known));
        }
        if (means)
            continue;
        err_t err = parse_fail(parse, ERR_NOTFOUND, attribute->at,
                               "`%.*s` means nothing by itself, and no condition asks for it",
                               STR_ARG(attribute->key));
        parse_nearest(parse, &suggest,
                      "known are country nation organisations clearance tlp-max purposes "
                      "communities caveats entities shareability scopes names-in-texts");
        return err;
    }
    return ERR_OK;
}

static bool has_key(const struct parse *parse, bool of_source, struct str key, struct suggest *suggest)
{
    const char *known;
    bool found = false;
    for (unsigned i = 0; !of_source && (known = statement_known_key(i)) != NULL; i++) {
        found = found || str_eq(key, str_of(known));
        suggest_try(suggest, str_of(known));
    }
    for (uint32_t i = 0; i < parse->policy->attributes.count; i++) {
        const struct attribute *attribute = &parse->policy->attributes.at[i];
        if ((attribute->of == OF_SOURCE) != of_source || attribute->key.at == NULL)
            continue;
        found = found || str_eq(attribute->key, key);
        suggest_try(suggest, attribute->key);
    }
    return found;
}

static err_t check_key(struct parse *parse, bool of_source, struct str key, uint32_t at)
{
    struct suggest suggest = suggest_for(key);
    if (key.len > 0 && has_key(parse, of_source, key, &suggest))
        return ERR_OK;
    const char *what = of_source ? "source" : "partner";
    err_t err = parse_fail(parse, ERR_NOTFOUND, at, "no %s has an attribute `%.*s`", what, STR_ARG(key));
    if (suggest.best.at != NULL)
        parse_suggest(parse, "did you mean `%s.%.*s`?", what, STR_ARG(suggest.best));
    else
        parse_suggest(parse, "give it in a block: %s NAME { %.*s VALUE }", what, STR_ARG(key));
    return err;
}

/* Holders (bits in `known`) that have the key, and those (in `yes`) of which a value is in the list. */
static void match_key(const struct parse *parse, bool of_source, struct str key, const struct idset *set,
                      uint64_t *yes, uint64_t *known)
{
    for (uint32_t i = 0; i < parse->policy->attributes.count; i++) {
        struct attribute *attribute = &parse->policy->attributes.at[i];
        if ((attribute->of == OF_SOURCE) != of_source || !str_eq(attribute->key, key))
            continue;
        attribute->used = true;
        if (attribute->of == OF_COMMUNITY)
            continue; /* its members have it, or their own */
        int id = names_find(&parse->policy->strings, attribute->value);
        uint64_t bit = 1ull << (attribute->holder % 64);
        known[attribute->holder / 64] |= bit;
        if (set != NULL && id > 0 && idset_has(set, (uint16_t)id))
            yes[attribute->holder / 64] |= bit;
    }
}

static err_t partner_level(struct parse *parse, struct ins *ins)
{
    uint8_t cmp;
    unsigned levels;
    struct mask mask = {0, 0};
    err_t err = compare_read_level(parse, "partner.tlp-max", false, &cmp, &levels);
    if (err != ERR_OK)
        return err;
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
        mask.known |= (uint64_t)(parse->tlp_max[p] != POLICY_TLP_NONE) << p;
        mask.yes |= (uint64_t)(levels >> parse->tlp_max[p] & 1) << p;
    }
    return compare_add_mask(parse, mask, ins);
}

static err_t partner_key(struct parse *parse, struct str key, struct ins *ins)
{
    err_t err;
    uint32_t set;
    struct value_list list;
    struct mask mask = {0, 0};
    if (str_eq(key, STR("tlp-max")))
        return partner_level(parse, ins);
    if (TRY(err, compare_read_members(parse, "partner.KEY", ins, &list)) ||
        (!parse->held && TRY(err, statement_check_values(parse, key, &list))) ||
        TRY(err, value_idset(parse, &list, &set)))
        return err;
    value_drop(parse, &list);
    match_key(parse, false, key, &parse->policy->idsets.at[set], &mask.yes, &mask.known);
    return compare_add_mask(parse, mask, ins);
}

/* The sources of `bits` (by number) as a set of string ids. */
static err_t source_idset(struct parse *parse, const uint64_t *bits, uint32_t at, uint32_t *out_idset)
{
    err_t err;
    struct value_list list = {.first = parse->values.count, .set = LIST_LITERAL};
    for (uint32_t i = 0; i < parse->sources.count; i++) {
        if ((bits[i / 64] >> (i % 64) & 1) == 0)
            continue;
        struct value value = {.text = parse->sources.at[i], .at = at};
        struct value_list one;
        if (TRY(err, value_as_list(parse, &value, &one)))
            return err;
        list.count++;
    }
    err = value_idset(parse, &list, out_idset);
    value_drop(parse, &list);
    return err;
}

static err_t source_key(struct parse *parse, struct str key, bool has, uint32_t at, struct ins *ins)
{
    err_t err;
    uint32_t set = 0, known_set;
    struct value_list list;
    uint64_t yes[LIMIT_POLICY_NAMES / 64] = {0}, known[LIMIT_POLICY_NAMES / 64] = {0};
    if (!has) {
        if (TRY(err, compare_read_members(parse, "source.KEY", ins, &list)) ||
            TRY(err, value_idset(parse, &list, &set)))
            return err;
        value_drop(parse, &list);
    }
    match_key(parse, true, key, has ? NULL : &parse->policy->idsets.at[set], yes, known);
    ins->op = OP_SOURCE;
    ins->field = FIELD_SOURCE;
    if (TRY(err, source_idset(parse, has ? known : yes, at, &ins->arg)) ||
        TRY(err, source_idset(parse, known, at, &known_set)))
        return err;
    ins->number = has ? -1 : (int64_t)known_set;
    return ERR_OK;
}

static err_t has_partner_key(struct parse *parse, struct str key, struct ins *ins)
{
    struct mask mask = {0, 0};
    match_key(parse, false, key, NULL, &mask.yes, &mask.known);
    return compare_add_mask(parse, (struct mask) {mask.known, UINT64_MAX}, ins);
}

/* `partner.KEY` or `source.KEY` at the present token. */
err_t parse_attribute_compare(struct parse *parse, bool has, struct ins *ins)
{
    err_t err;
    struct str word = parse->now.text;
    uint32_t at = parse->now.at;
    bool of_source = str_starts(word, STR("source."));
    size_t head = of_source ? strlen("source.") : strlen("partner.");
    struct str key = {word.at + head, word.len - head};
    if (TRY(err, check_key(parse, of_source, key, at)) || TRY(err, lex_next(parse)))
        return err;
    if (of_source)
        return source_key(parse, key, has, at, ins);
    return has ? has_partner_key(parse, key, ins) : partner_key(parse, key, ins);
}
