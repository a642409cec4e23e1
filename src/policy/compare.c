/* Comparisons: one row a word that can start one. */
#include "policy/parse.h"

struct subject;
typedef err_t parse_fn(struct parse *parse, const struct subject *subject, struct ins *ins);

struct subject {
    const char *name;
    parse_fn *parse;
    uint8_t field; /* or flag, or partner bits */
    bool has;      /* may stand after `has` */
};

/* --- pieces --- */

err_t compare_add_mask(struct parse *parse, struct mask mask, struct ins *ins)
{
    struct policy *policy = parse->policy;
    err_t err = TABLE_ROOM(policy->masks, LIMIT_POLICY_CONDITIONS);
    if (err != ERR_OK)
        return err;
    policy->masks.at[policy->masks.count] = mask;
    ins->op = OP_MASK;
    ins->arg = policy->masks.count++;
    return ERR_OK;
}

static err_t add_tlp(struct parse *parse, const struct tlp_mask *mask, struct ins *ins)
{
    struct policy *policy = parse->policy;
    err_t err = TABLE_ROOM(policy->tlps, LIMIT_POLICY_CONDITIONS);
    if (err != ERR_OK)
        return err;
    policy->tlps.at[policy->tlps.count] = *mask;
    ins->op = OP_TLP;
    ins->arg = policy->tlps.count++;
    return ERR_OK;
}

static bool holds(uint8_t cmp, int64_t a, int64_t b)
{
    const bool yes[] = {(a == b), (a != b), (a < b), (a <= b), (a > b), (a >= b)};
    return yes[cmp];
}

/* Which comparisons may follow: bits 1 << enum cmp. */
enum { CMPS_EQUAL = 1 << CMP_EQ | 1 << CMP_NE, CMPS_AGE = 0x3c, CMPS_ALL = 0x3f };

static err_t read_cmp(struct parse *parse, const char *name, unsigned allowed, uint8_t *out_cmp)
{
    char what[80] = "a comparison";
    if (parse->now.kind == TOKEN_CMP && (allowed >> parse->now.cmp & 1) != 0) {
        *out_cmp = parse->now.cmp;
        return lex_next(parse);
    }
    err_t err = parse_expected(parse, what);
    if (lex_is_mark(parse, '=') && (allowed & 1) != 0)
        parse_suggest(parse, "did you mean `==`?");
    else if (allowed == CMPS_EQUAL)
        parse_suggest(parse, "`%s` is followed by `==`, `!=` or `in`", name);
    else if (allowed == CMPS_AGE)
        parse_suggest(parse, "`%s` is followed by `<`, `<=`, `>` or `>=`", name);
    else
        parse_suggest(parse, "`%s` is followed by `==`, `!=`, `<`, `<=`, `>` or `>=`", name);
    return err;
}

/* `in` list, or == or != one value. */
err_t compare_read_members(struct parse *parse, const char *name, struct ins *ins, struct value_list *out)
{
    err_t err;
    uint8_t cmp;
    struct value value;
    if (lex_is_word(parse, STR("in"))) {
        ins->cmp = CMP_EQ;
        if (TRY(err, lex_next(parse)))
            return err;
        return value_read_in(parse, out);
    }
    if (TRY(err, read_cmp(parse, name, CMPS_EQUAL, &cmp)))
        return err;
    ins->cmp = CMP_EQ;
    ins->negate = cmp == CMP_NE;
    if (TRY(err, value_read(parse, "a value", &value)))
        return err;
    return value_as_list(parse, &value, out);
}

/* A value, or `in` a list of them, without ==: marking and tag. */
static err_t read_states(struct parse *parse, const char *what, struct value_list *out)
{
    err_t err;
    struct value value;
    if (lex_is_word(parse, STR("in"))) {
        if (TRY(err, lex_next(parse)))
            return err;
        return value_read_in(parse, out);
    }
    if (parse->now.kind == TOKEN_CMP) {
        err = parse_expected(parse, what);
        parse_suggest(parse, "no comparison here: write `marking known`, `tag NAME`");
        return err;
    }
    if (TRY(err, value_read(parse, what, &value)))
        return err;
    return value_as_list(parse, &value, out);
}

/* --- subjects --- */

static err_t subject_always(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    (void)subject;
    return compare_add_mask(parse, (struct mask) {UINT64_MAX, UINT64_MAX}, ins);
}

static err_t subject_flag(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    (void)parse;
    ins->op = OP_FLAG;
    ins->arg = subject->field;
    return ERR_OK;
}

static err_t subject_partners(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    (void)parse;
    ins->op = OP_PARTNERS;
    ins->arg = subject->field;
    return ERR_OK;
}

static err_t subject_marking(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    (void)subject;
    err_t err;
    struct value_list list;
    ins->op = OP_MARKING;
    if (TRY(err, read_states(parse, "a marking state", &list)))
        return err;
    for (uint32_t i = 0; i < list.count; i++) {
        unsigned bit;
        if (TRY(err, value_word(parse, &parse->values.at[list.first + i], "marking state", words_marking,
                                WORDS_MARKING_COUNT, &bit)))
            return err;
        ins->arg |= 1u << bit;
    }
    value_drop(parse, &list);
    return ERR_OK;
}

static err_t subject_neighbour(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    (void)subject;
    return around_tlp(parse, ins);
}

static err_t subject_victim(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    (void)subject;
    return around_sector(parse, ins);
}

static err_t subject_personal(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    return personal_kinds(parse, subject->name, subject->field != 0, ins);
}

static err_t subject_category(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    err_t err;
    struct value_list list;
    ins->op = OP_CATEGORY;
    if (TRY(err, compare_read_members(parse, subject->name, ins, &list)))
        return err;
    for (uint32_t i = 0; i < list.count; i++) {
        unsigned bit;
        if (TRY(err, value_word(parse, &parse->values.at[list.first + i], "category", words_category,
                                POLICY_CATEGORY_COUNT, &bit)))
            return err;
        ins->arg |= 1u << bit;
    }
    value_drop(parse, &list);
    return ERR_OK;
}

/* Levels of a list as bits. */
static err_t read_levels(struct parse *parse, const struct value_list *list, unsigned *out_levels)
{
    unsigned levels = 0, level;
    for (uint32_t i = 0; i < list->count; i++) {
        err_t err = value_tlp(parse, &parse->values.at[list->first + i], &level);
        if (err != ERR_OK)
            return err;
        levels |= 1u << level;
    }
    value_drop(parse, list);
    *out_levels = levels;
    return ERR_OK;
}

/* CMP, then a level (as bits of all levels for which it is true), or `partner.tlp-max`: LEVELS_PARTNER. */
err_t compare_read_level(struct parse *parse, const char *name, bool or_partner, uint8_t *out_cmp,
                         unsigned *out_levels)
{
    err_t err;
    unsigned level, levels = 0;
    struct value_list list;
    struct value value;
    if (lex_is_word(parse, STR("in"))) {
        *out_cmp = CMP_EQ;
        if (TRY(err, lex_next(parse)) || TRY(err, value_read_in(parse, &list)))
            return err;
        return read_levels(parse, &list, out_levels);
    }
    if (TRY(err, read_cmp(parse, name, CMPS_ALL, out_cmp)))
        return err;
    if (or_partner && lex_is_word(parse, STR("partner.tlp-max"))) {
        *out_levels = LEVELS_PARTNER;
        return lex_next(parse);
    }
    if (TRY(err, value_read(parse, "a TLP level", &value)) || TRY(err, value_tlp(parse, &value, &level)))
        return err;
    for (unsigned i = POLICY_TLP_CLEAR; i < POLICY_TLP_COUNT; i++)
        levels |= (unsigned)holds(*out_cmp, i, level) << i;
    *out_levels = levels;
    return ERR_OK;
}

static err_t subject_tlp(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    uint8_t cmp;
    unsigned levels;
    struct tlp_mask mask = {.known = 0};
    err_t err = compare_read_level(parse, subject->name, true, &cmp, &levels);
    if (err != ERR_OK)
        return err;
    if (levels != LEVELS_PARTNER) {
        ins->op = OP_LEVELS;
        ins->arg = levels;
        return ERR_OK;
    }
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
        if (parse->tlp_max[p] == POLICY_TLP_NONE)
            continue;
        mask.known |= 1ull << p;
        for (unsigned level = POLICY_TLP_CLEAR; level < POLICY_TLP_COUNT; level++)
            mask.yes[level] |= (uint64_t)holds(cmp, level, parse->tlp_max[p]) << p;
    }
    return add_tlp(parse, &mask, ins);
}

static err_t subject_number(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    err_t err;
    struct value value;
    uint64_t number;
    bool hops = subject->field == FIELD_HOPS;
    if (subject->field == FIELD_PERSONAL_SCORE)
        parse->policy->needs |= POLICY_NEED_PERSONAL;
    ins->op = OP_NUMBER;
    ins->field = subject->field;
    if (TRY(err, read_cmp(parse, subject->name, CMPS_ALL, &ins->cmp)) ||
        TRY(err, value_read(parse, "a number", &value)))
        return err;
    if (value.quoted || !str_to_u64(value.text, hops ? 255 : 100, &number))
        return parse_fail(parse, ERR_INVALID, value.at, "%s is a whole number from 0 to %d", subject->name,
                          hops ? 255 : 100);
    ins->number = (int64_t)number;
    return ERR_OK;
}

/* As levels: bits of the values for which it is true, 0 meaning absent. */
static err_t subject_term(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    err_t err;
    uint8_t cmp = CMP_EQ;
    const struct words_term *term = &words_terms[subject->field];
    struct value_list list;
    struct value value;
    ins->op = OP_TERM;
    ins->field = subject->field;
    if (lex_is_word(parse, STR("in"))) {
        if (TRY(err, lex_next(parse)) || TRY(err, value_read_in(parse, &list)))
            return err;
    } else if (TRY(err, read_cmp(parse, subject->name, term->ordered ? CMPS_ALL : CMPS_EQUAL, &cmp)) ||
               TRY(err, value_read(parse, "a value", &value)) ||
               TRY(err, value_as_list(parse, &value, &list))) {
        return err;
    }
    for (uint32_t i = 0; i < list.count; i++) {
        unsigned word;
        if (TRY(err, value_word(parse, &parse->values.at[list.first + i], subject->name, term->words,
                                term->count, &word)))
            return err;
        for (unsigned level = 0; level < term->count; level++)
            ins->arg |= (uint32_t)holds(cmp, level, word) << (level + 1);
    }
    value_drop(parse, &list);
    return ERR_OK;
}

static err_t subject_age(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    err_t err;
    struct value value;
    ins->op = OP_AGE;
    ins->field = subject->field;
    if (TRY(err, read_cmp(parse, subject->name, CMPS_AGE, &ins->cmp)) ||
        TRY(err, value_read(parse, "a duration", &value)))
        return err;
    if (!value.quoted && lex_duration(value.text, &ins->number))
        return ERR_OK;
    err = parse_fail(parse, ERR_INVALID, value.at, "this is no duration up to 36500d");
    parse_suggest(parse, "write a whole number and one of s m h d w: 10m");
    return err;
}

static err_t add_names(struct parse *parse, const struct value_list *list, struct ins *ins)
{
    err_t err;
    uint16_t id;
    if (list->count != 1) {
        ins->op = OP_NAMES;
        err = value_idset(parse, list, &ins->arg);
    } else {
        ins->op = OP_NAME;
        err = value_string(parse, &parse->values.at[list->first], &id);
        ins->arg = err == ERR_OK ? id : 0;
    }
    value_drop(parse, list);
    return err;
}

static err_t subject_name(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    struct value_list list;
    ins->field = subject->field;
    err_t err = compare_read_members(parse, subject->name, ins, &list);
    return err != ERR_OK ? err : add_names(parse, &list, ins);
}

static bool is_type(struct str name)
{
    if (str_starts(name, STR("x-")))
        return true;
    for (unsigned i = 0; i < words_type_count(); i++)
        if (str_eq(words_type(i), name))
            return true;
    return false;
}

static err_t check_type(struct parse *parse, const struct value *value)
{
    if (value->quoted || is_type(value->text))
        return ERR_OK;
    err_t err =
        parse_fail(parse, ERR_NOTFOUND, value->at, "`%.*s` is no type of STIX 2.1", STR_ARG(value->text));
    struct suggest suggest = suggest_for(value->text);
    for (unsigned i = 0; i < words_type_count(); i++)
        suggest_try(&suggest, words_type(i));
    parse_nearest(parse, &suggest, "put the name of another type into \"quotes\"");
    return err;
}

static err_t subject_type(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    struct value_list list;
    ins->field = subject->field;
    err_t err = compare_read_members(parse, subject->name, ins, &list);
    for (uint32_t i = 0; err == ERR_OK && i < list.count; i++)
        err = check_type(parse, &parse->values.at[list.first + i]);
    return err != ERR_OK ? err : add_names(parse, &list, ins);
}

static err_t check_source(struct parse *parse, const struct value *value)
{
    if (value->quoted || parse->sources.count == 0 || names_find(&parse->sources, value->text) >= 0)
        return ERR_OK;
    err_t err = parse_fail(parse, ERR_NOTFOUND, value->at, "this policy names no source `%.*s`",
                           STR_ARG(value->text));
    struct suggest suggest = suggest_for(value->text);
    for (uint32_t i = 0; i < parse->sources.count; i++)
        suggest_try(&suggest, parse->sources.at[i]);
    parse_nearest(parse, &suggest, "name it above: source NAME");
    return err;
}

static err_t subject_source(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    struct value_list list;
    ins->field = subject->field;
    err_t err = compare_read_members(parse, subject->name, ins, &list);
    for (uint32_t i = 0; err == ERR_OK && i < list.count; i++)
        err = check_source(parse, &parse->values.at[list.first + i]);
    return err != ERR_OK ? err : add_names(parse, &list, ins);
}

/* Replaces {partner} by the name; false when the result is too long for a tag. */
static bool expand(struct parse *parse, struct str text, size_t hole, struct str name, struct str *out)
{
    size_t hole_len = strlen("{partner}"), len = text.len - hole_len + name.len;
    char *to = len > LIMIT_POLICY_WORD_BYTES ? NULL : arena_alloc(&parse->policy->arena, len + 1);
    if (to == NULL)
        return false;
    memcpy(to, text.at, hole);
    memcpy(to + hole, name.at, name.len);
    memcpy(to + hole + name.len, text.at + hole + hole_len, text.len - hole - hole_len);
    *out = (struct str) {to, len};
    return true;
}

static err_t gather_ids(struct policy *policy, struct template *template)
{
    unsigned first = STRING_WORDS, end = 0;
    for (uint64_t left = policy->partners; left != 0; left &= left - 1) {
        unsigned word = template->id[__builtin_ctzll(left)] / 64u;
        first = word < first ? word : first;
        end = word >= end ? word + 1 : end;
    }
    if (end == 0)
        return ERR_OK;
    uint64_t *words = arena_zalloc(&policy->arena, end - first, sizeof *words);
    if (words == NULL)
        return ERR_NOMEM;
    for (uint64_t left = policy->partners; left != 0; left &= left - 1) {
        unsigned id = template->id[__builtin_ctzll(left)];
        words[id / 64u - first] |= 1ull << (id % 64u);
    }
    template->first = (uint16_t)first;
    template->all = (struct idset) {words, end - first};
    return ERR_OK;
}

static err_t tag_of_partner(struct parse *parse, const struct value *value, size_t hole, struct ins *ins)
{
    struct policy *policy = parse->policy;
    err_t err = TABLE_ROOM(policy->templates, LIMIT_POLICY_CONDITIONS);
    if (err != ERR_OK)
        return err;
    struct template *template = &policy->templates.at[policy->templates.count];
    *template = (struct template) {0};
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
        struct value tag = *value;
        if ((policy->partners >> p & 1) == 0)
            continue;
        if (!expand(parse, value->text, hole, policy->partner_name[p], &tag.text))
            return parse_fail(parse, ERR_LIMIT, value->at, "this makes too long a tag for a partner");
        if (TRY(err, value_string(parse, &tag, &template->id[p])))
            return err;
    }
    if (TRY(err, gather_ids(policy, template)))
        return err;
    ins->op = OP_TAG_PARTNER;
    ins->arg = policy->templates.count++;
    return ERR_OK;
}

/* Where "{partner}" stands, or SIZE_MAX; any other brace is a slip. */
static err_t find_hole(struct parse *parse, const struct value *value, size_t *out_hole)
{
    *out_hole = SIZE_MAX;
    for (size_t i = 0; i < value->text.len; i++) {
        struct str rest = {value->text.at + i, value->text.len - i};
        if (rest.at[0] != '{' && rest.at[0] != '}')
            continue;
        if (*out_hole != SIZE_MAX || !str_starts(rest, STR("{partner}"))) {
            err_t err =
                parse_fail(parse, ERR_INVALID, value->at, "a brace in a tag can only be {partner}, once");
            parse_suggest(parse, "write tag \"share:{partner}\"");
            return err;
        }
        *out_hole = i;
        i += strlen("{partner}") - 1;
    }
    return ERR_OK;
}

static err_t subject_tag(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    (void)subject;
    err_t err;
    size_t hole;
    struct value_list list;
    if (TRY(err, read_states(parse, "a tag", &list)))
        return err;
    for (uint32_t i = 0; i < list.count; i++) {
        const struct value *value = &parse->values.at[list.first + i];
        if (TRY(err, find_hole(parse, value, &hole)))
            return err;
        if (hole == SIZE_MAX)
            continue;
        if (list.count != 1)
            return parse_fail(parse, ERR_INVALID, value->at, "{partner} cannot stand in a list");
        struct value kept = *value;
        value_drop(parse, &list);
        return tag_of_partner(parse, &kept, hole, ins);
    }
    err = add_names(parse, &list, ins);
    ins->op = ins->op == OP_NAME ? OP_TAG : OP_TAGS;
    return err;
}

static err_t subject_partner(struct parse *parse, const struct subject *subject, struct ins *ins)
{
    err_t err;
    unsigned index;
    struct value_list list;
    struct mask mask = {0, UINT64_MAX};
    if (TRY(err, compare_read_members(parse, subject->name, ins, &list)))
        return err;
    for (uint32_t i = 0; i < list.count; i++) {
        if (TRY(err, value_partner(parse, &parse->values.at[list.first + i], false, &index)))
            return err;
        mask.yes |= 1ull << index;
    }
    value_drop(parse, &list);
    return compare_add_mask(parse, mask, ins);
}

/* --- the table --- */

static const struct subject subjects[] = {
    {"marking", subject_marking, 0, false},
    {"tlp", subject_tlp, FIELD_TLP, true},
    {"type", subject_type, FIELD_TYPE, true},
    {"category", subject_category, 0, false},
    {"tag", subject_tag, 0, false},
    {"owner", subject_name, FIELD_OWNER, true},
    {"source", subject_source, FIELD_SOURCE, true},
    {"origin-node", subject_name, FIELD_ORIGIN_NODE, true},
    {"signed-by", subject_name, FIELD_SIGNED_BY, true},
    {"confidence", subject_number, FIELD_CONFIDENCE, true},
    {"hops", subject_number, FIELD_HOPS, false},
    {"age", subject_age, FIELD_AGE_RECEIVED, true},
    {"age.received", subject_age, FIELD_AGE_RECEIVED, true},
    {"age.created", subject_age, FIELD_AGE_CREATED, true},
    {"age.modified", subject_age, FIELD_AGE_MODIFIED, true},
    {"own", subject_flag, FLAG_OWN, false},
    {"revoked", subject_flag, FLAG_REVOKED, false},
    {"origin", subject_partners, BITS_ORIGIN, false},
    {"onward", subject_partners, BITS_ONWARD, false},
    {"approved", subject_partners, BITS_APPROVED, false},
    {"partner", subject_partner, 0, false},
    {"always", subject_always, 0, false},
    {"neighbour.tlp", subject_neighbour, 0, false},
    {"victim.sector", subject_victim, 0, false},
    {"personal-data", subject_personal, 0, false},
    {"personal-data.related", subject_personal, 1, false},
    {"personal-data.score", subject_number, FIELD_PERSONAL_SCORE, false},
    {"classification", subject_term, POLICY_TERM_CLASSIFICATION, true},
    {"iep.permitted-actions", subject_term, POLICY_TERM_ACTIONS, true},
    {"iep.provider-attribution", subject_term, POLICY_TERM_ATTRIBUTION, true},
    {"iep.unmodified-resale", subject_term, POLICY_TERM_RESALE, true},
    {"iep.encrypt-in-transit", subject_term, POLICY_TERM_ENCRYPT, true},
    {"iep.affected-party-notifications", subject_term, POLICY_TERM_NOTIFY, true},
};
enum { SUBJECT_COUNT = sizeof subjects / sizeof *subjects };

bool compare_is_subject(struct str word)
{
    for (unsigned i = 0; i < SUBJECT_COUNT; i++)
        if (str_eq(word, str_of(subjects[i].name)))
            return true;
    return false;
}

static const struct subject *find_subject(struct str word, bool has)
{
    for (unsigned i = 0; i < SUBJECT_COUNT; i++)
        if ((!has || subjects[i].has) && str_eq(word, str_of(subjects[i].name)))
            return &subjects[i];
    return NULL;
}

static err_t no_subject(struct parse *parse, bool has)
{
    struct str word = parse->now.text;
    if (parse->now.kind != TOKEN_WORD || (words_reserved(word) && !has))
        return parse_expected(parse, has ? "a field after `has`" : "a condition");
    if (retired_find(word) >= 0)
        return retired_refuse(parse, (unsigned)retired_find(word));
    char name[80];
    err_t err = parse_fail(parse, ERR_NOTFOUND, parse->now.at, "%s is nothing a condition can %s",
                           lex_name(&parse->now, name, sizeof name), has ? "ask `has` of" : "look at");
    if (str_eq(word, STR("label")) || str_eq(word, STR("labels"))) {
        parse_suggest(parse, "labels are written by others; use a local `tag`");
        return err;
    }
    struct suggest suggest = suggest_for(word);
    for (unsigned i = 0; i < SUBJECT_COUNT; i++)
        if (!has || subjects[i].has)
            suggest_try(&suggest, str_of(subjects[i].name));
    if (!has)
        suggest_try(&suggest, STR("not"));
    parse_nearest(
        parse, &suggest,
        has ? "one of: type owner source origin-node signed-by confidence tlp age classification iep.TERM "
              "partner.KEY source.KEY"
            : "one of: marking tlp type category tag owner own source origin-node signed-by "
              "confidence hops age classification iep.TERM neighbour.tlp victim.sector personal-data "
              "revoked origin onward approved partner");
    return err;
}

static bool at_key(const struct parse *parse)
{
    return parse->now.kind == TOKEN_WORD &&
           (str_starts(parse->now.text, STR("partner.")) || str_starts(parse->now.text, STR("source.")));
}

static err_t compare_subject(struct parse *parse, bool has, struct ins *ins)
{
    if (at_key(parse))
        return parse_attribute_compare(parse, has, ins);
    const struct subject *subject = parse->now.kind == TOKEN_WORD ? find_subject(parse->now.text, has) : NULL;
    int retired =
        subject == NULL && parse->held && parse->now.kind == TOKEN_WORD ? retired_find(parse->now.text) : -1;
    if (retired >= 0)
        return retired_read(parse, (unsigned)retired, has, ins);
    if (subject == NULL)
        return no_subject(parse, has);
    err_t err = lex_next(parse);
    if (err != ERR_OK || !has)
        return err != ERR_OK ? err : subject->parse(parse, subject, ins);
    ins->op = OP_HAS;
    ins->field = subject->field;
    if (subject->parse != subject_term)
        return ERR_OK;
    ins->op = OP_TERM;
    ins->arg = UINT32_MAX & ~1u;
    ins->number = 1;
    return ERR_OK;
}

err_t parse_compare(struct parse *parse, bool absent_true)
{
    err_t err;
    uint32_t at = parse->now.at;
    struct ins ins = {.op = OP_MASK, .absent_true = absent_true & 1};
    bool has = lex_is_word(parse, STR("has"));
    if ((has && TRY(err, lex_next(parse))) || TRY(err, compare_subject(parse, has, &ins)))
        return err;
    /* The value decides what absence counts as behind `!=`: row_compare applies negate afterwards. */
    ins.absent_true = (absent_true != (ins.negate != 0)) & 1;
    return parse_emit(parse, ins, at);
}
