/* Statements beside partner, source and set: agreement, define, and what the values of known
 * attributes must look like. */
#include "core/stamp.h"
#include "core/wr.h"
#include "policy/parse.h"

/* --- attributes with a known meaning --- */

static const struct {
    char two[3], three[4];
} nations[] = {
#define NATION(two, three) {two, three},
#include "policy/nations.inc"
#undef NATION
};
enum { NATION_COUNT = sizeof nations / sizeof *nations };

struct str statement_nation(struct str country)
{
    for (unsigned i = 0; i < NATION_COUNT; i++)
        if (str_eq(country, str_of(nations[i].two)) || str_eq(country, str_of(nations[i].three)))
            return str_of(nations[i].three);
    return (struct str) {NULL, 0};
}

static err_t check_nation(struct parse *parse, const struct value *value)
{
    struct str known = statement_nation(value->text);
    if (value->text.len == 3 && (value->quoted || known.at != NULL))
        return ERR_OK;
    err_t err =
        parse_fail(parse, ERR_INVALID, value->at, "`%.*s` is no three-letter code", STR_ARG(value->text));
    if (known.at != NULL)
        parse_suggest(parse, "did you mean `%.*s`?", STR_ARG(known));
    else
        parse_suggest(parse, "write ISO 3166's, such as KOR; a code that only GENC has goes into \"quotes\"");
    return err;
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Written in any case, with two letters or three; -1: none. */
static int meant_nation(struct str word)
{
    char code[4] = {0};
    if (word.len != 2 && word.len != 3)
        return -1;
    for (size_t i = 0; i < word.len; i++)
        code[i] = upper(word.at[i]);
    for (unsigned i = 0; i < NATION_COUNT; i++)
        if (strcmp(code, nations[i].two) == 0 || strcmp(code, nations[i].three) == 0)
            return (int)i;
    return -1;
}

struct str policy_nation(struct str code)
{
    int nation = meant_nation(code);
    return nation < 0 ? (struct str) {NULL, 0} : str_of(nations[nation].three);
}

static err_t check_country(struct parse *parse, const struct value *value)
{
    int nation = meant_nation(value->text);
    const char *meant = nation < 0 ? NULL : nations[nation].two;
    if (parse->held || value->quoted || (meant != NULL && str_eq(value->text, str_of(meant))))
        return ERR_OK;
    err_t err = parse_fail(parse, ERR_INVALID, value->at, "`%.*s` is no two-letter code of ISO 3166",
                           STR_ARG(value->text));
    if (meant != NULL)
        parse_suggest(parse, "did you mean `%s`?", meant);
    else
        parse_suggest(parse, "write such as KR; another code goes into \"quotes\"");
    return err;
}

/* ACS 3.0's actions (gate/audience.c): a purpose that none of them is would never be denied. */
static err_t check_purpose(struct parse *parse, const struct value *value)
{
    static const char *const words[] = {"DSPLY",   "IDSRC",           "TENOT",    "NETDEF",
                                        "LEGAL",   "INTEL",           "TEARLINE", "OPACTION",
                                        "REQUEST", "ANONYMOUSACCESS", "CISAUSES"};
    unsigned which;
    return parse->held || value->quoted
               ? ERR_OK
               : value_word(parse, value, "purpose of ACS 3.0", words, sizeof words / sizeof *words, &which);
}

static err_t check_level(struct parse *parse, const struct value *value)
{
    unsigned level;
    return value_tlp(parse, value, &level);
}

static err_t check_clearance(struct parse *parse, const struct value *value)
{
    unsigned level;
    const struct words_term *term = &words_terms[POLICY_TERM_CLASSIFICATION];
    return value_word(parse, value, "clearance", term->words, term->count, &level);
}

static err_t check_names(struct parse *parse, const struct value *value)
{
    static const char *const words[] = {"known", "any"};
    unsigned which;
    return value_word(parse, value, "names-in-texts", words, 2, &which);
}

static const struct known {
    const char *key;
    err_t (*check)(struct parse *parse, const struct value *value); /* NULL: any value */
    const char *one;                                                /* NULL: there may be several */
} known[] = {
    {"country", check_country, NULL},
    {"nation", check_nation, NULL},
    {"organisations", NULL, NULL},
    {"clearance", check_clearance, "of U C S TS"},
    {"tlp-max", check_level, "TLP level"},
    {"purposes", check_purpose, NULL},
    {"communities", NULL, NULL},
    {"caveats", NULL, NULL},
    {"entities", NULL, NULL},
    {"shareability", NULL, NULL},
    {"scopes", NULL, NULL},
    {"names-in-texts", check_names, "of known any"},
};
enum { KNOWN_COUNT = sizeof known / sizeof *known };

const char *statement_known_key(unsigned index)
{
    return index < KNOWN_COUNT ? known[index].key : NULL;
}

err_t statement_check_attribute(struct parse *parse, struct str key, const struct value_list *list)
{
    for (unsigned i = 0; i < KNOWN_COUNT; i++) {
        if (!str_eq(key, str_of(known[i].key)))
            continue;
        if (known[i].one != NULL && list->count != 1)
            return parse_fail(parse, ERR_INVALID, parse->values.at[list->first].at, "%s is one %s",
                              known[i].key, known[i].one);
    }
    return statement_check_values(parse, key, list);
}

err_t statement_check_values(struct parse *parse, struct str key, const struct value_list *list)
{
    for (unsigned i = 0; i < KNOWN_COUNT; i++) {
        if (!str_eq(key, str_of(known[i].key)))
            continue;
        for (uint32_t v = 0; known[i].check != NULL && v < list->count; v++) {
            err_t err = known[i].check(parse, &parse->values.at[list->first + v]);
            if (err != ERR_OK)
                return err;
        }
    }
    return ERR_OK;
}

err_t statement_check_value(struct str key, const struct value *value, struct policy_fault *fault)
{
    struct parse parse = {.text = value->text, .fault = fault};
    for (unsigned i = 0; i < KNOWN_COUNT; i++)
        if (str_eq(key, str_of(known[i].key)))
            return known[i].check == NULL ? ERR_OK : known[i].check(&parse, value);
    return ERR_OK;
}

/* --- communities --- */

static const struct set *community_find(const struct parse *parse, struct str name)
{
    int set = names_find(&parse->set_names, name);
    return set >= 0 && parse->sets.at[set].community ? &parse->sets.at[set] : NULL;
}

err_t statement_partners(struct parse *parse, const struct value_list *list, uint64_t *out)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        unsigned index;
        const struct value *value = &parse->values.at[list->first + i];
        const struct set *community = community_find(parse, value->text);
        if (community != NULL) {
            mask |= community->members;
            continue;
        }
        err_t err = value_partner(parse, value, true, &index);
        if (err != ERR_OK)
            return err;
        mask |= 1ull << index;
    }
    *out = mask;
    return ERR_OK;
}

err_t statement_set_name(struct parse *parse, const char *what, struct str *out)
{
    err_t err;
    uint32_t at = parse->now.at;
    if (TRY(err, parse_name(parse, what, out)))
        return err;
    if (names_find(&parse->set_names, *out) >= 0)
        return parse_fail(parse, ERR_EXISTS, at, "a set `%.*s` exists already", STR_ARG(*out));
    if (policy_partner_find(parse->policy, *out) >= 0)
        return parse_fail(parse, ERR_EXISTS, at, "`%.*s` is a partner", STR_ARG(*out));
    return ERR_OK;
}

err_t statement_add_set(struct parse *parse, struct str name, const struct set *set)
{
    uint16_t id;
    err_t err;
    if (TRY(err, names_add(&parse->set_names, name, &id)) ||
        TRY(err, TABLE_ROOM(parse->sets, LIMIT_POLICY_NAMES)))
        return parse_fail(parse, err, parse->last_end, "more than %d sets", LIMIT_POLICY_NAMES);
    parse->sets.at[parse->sets.count++] = *set;
    return ERR_OK;
}

/* --- agreements --- */

err_t statement_time(struct parse *parse, const struct value *value, int64_t *out_us)
{
    struct stamp stamp;
    struct str text = value->text;
    char date[] = "0000-00-00T00:00:00Z";
    if (text.len == strlen("2026-12-31")) {
        memcpy(date, text.at, text.len);
        text = str_of(date);
    }
    err_t err = stamp_parse(text, &stamp, NULL);
    if (err != ERR_OK)
        return parse_fail(parse, ERR_INVALID, value->at, "this is no time");
    *out_us = stamp_us(stamp);
    return ERR_OK;
}

static err_t agreement_partners(struct parse *parse, struct agreement *agreement)
{
    struct value_list list;
    err_t err;
    if (TRY(err, value_read_list(parse, &list)) ||
        TRY(err, statement_partners(parse, &list, &agreement->partners)))
        return err;
    value_drop(parse, &list);
    return ERR_OK;
}

static err_t agreement_basis(struct parse *parse, struct agreement *agreement)
{
    struct value value;
    err_t err = value_read(parse, "what it rests on", &value);
    if (err == ERR_OK)
        agreement->basis = value.text;
    return err;
}

/* As they stand in the text, brackets left out: for people. */
static err_t agreement_contacts(struct parse *parse, struct agreement *agreement)
{
    struct value_list list;
    uint32_t from = parse->now.end;
    err_t err = value_read_list(parse, &list);
    if (err != ERR_OK)
        return err;
    agreement->contacts = str_trim((struct str) {parse->text.at + from, parse->last_end - 1 - from});
    value_drop(parse, &list);
    return ERR_OK;
}

static err_t agreement_until(struct parse *parse, struct agreement *agreement)
{
    struct value value;
    err_t err;
    if (TRY(err, value_read(parse, "a date", &value)))
        return err;
    err = statement_time(parse, &value, &agreement->until_us);
    if (err != ERR_OK)
        parse_suggest(parse, "write 2026-12-31 or 2026-12-31T09:00:00Z");
    return err;
}

static const struct {
    const char *word;
    err_t (*read)(struct parse *parse, struct agreement *agreement);
} agreement_rows[] = {{"partners", agreement_partners},
                      {"basis", agreement_basis},
                      {"contacts", agreement_contacts},
                      {"valid-until", agreement_until}};
enum { AGREEMENT_ROWS = sizeof agreement_rows / sizeof *agreement_rows };

static err_t agreement_row(struct parse *parse, struct agreement *agreement, unsigned *seen)
{
    static const char *const words[AGREEMENT_ROWS] = {"partners", "basis", "contacts", "valid-until"};
    err_t err;
    int row = parse->now.kind == TOKEN_WORD ? words_find(words, AGREEMENT_ROWS, parse->now.text) : -1;
    if (row < 0)
        return parse_expected_word(parse, "partners, basis, contacts, valid-until or `}`", words,
                                   AGREEMENT_ROWS);
    if ((*seen >> row & 1) != 0)
        return parse_fail(parse, ERR_EXISTS, parse->now.at, "`%s` stands here twice", words[row]);
    *seen |= 1u << row;
    if (TRY(err, lex_next(parse)) || TRY(err, agreement_rows[row].read(parse, agreement)))
        return err;
    return lex_is_mark(parse, ';') ? lex_next(parse) : ERR_OK;
}

err_t statement_agreement(struct parse *parse)
{
    err_t err;
    unsigned seen = 0;
    struct agreement agreement = {.until_us = INT64_MAX};
    if (TRY(err, parse_head(parse, "agreement")))
        return err;
    uint32_t at = parse->now.at;
    if (TRY(err, parse_name(parse, "the agreement's name", &agreement.name)))
        return err;
    for (uint32_t i = 0; i < parse->policy->agreements.count; i++)
        if (str_eq(parse->policy->agreements.at[i].name, agreement.name))
            return parse_fail(parse, ERR_EXISTS, at, "an agreement `%.*s` exists already",
                              STR_ARG(agreement.name));
    if (!lex_is_mark(parse, '{'))
        return parse_expected(parse, "`{`");
    if (TRY(err, lex_next(parse)))
        return err;
    while (!lex_is_mark(parse, '}'))
        if (TRY(err, agreement_row(parse, &agreement, &seen)))
            return err;
    if (agreement.partners == 0)
        return parse_fail(parse, ERR_INVALID, at, "this agreement names no partners");
    if (TRY(err, TABLE_ROOM(parse->policy->agreements, LIMIT_POLICY_NAMES)))
        return parse_fail(parse, err, at, "more than %d agreements", LIMIT_POLICY_NAMES);
    parse->policy->agreements.at[parse->policy->agreements.count++] = agreement;
    return lex_next(parse);
}

/* `agreements required`: who is named in none has none. */
err_t statement_agreements(struct parse *parse)
{
    static const char *const word = "required";
    err_t err = parse_head(parse, "agreements");
    if (err != ERR_OK)
        return err;
    if (!lex_is_word(parse, STR("required")))
        return parse_expected_word(parse, "`required`", &word, 1);
    parse->agreements_required = true;
    return lex_next(parse);
}

/* When the last agreement that names him ends: partners whose ends are equal stand together. */
err_t statement_close_agreements(struct parse *parse)
{
    struct policy *policy = parse->policy;
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
        int64_t end_us = INT64_MIN;
        for (uint32_t i = 0; i < policy->agreements.count; i++)
            if ((policy->agreements.at[i].partners >> p & 1) != 0 &&
                policy->agreements.at[i].until_us > end_us)
                end_us = policy->agreements.at[i].until_us;
        if ((policy->partners >> p & 1) == 0 || end_us == INT64_MAX ||
            (end_us == INT64_MIN && !parse->agreements_required))
            continue;
        unsigned at = 0;
        while (at < policy->end_count && policy->ends[at].us != end_us)
            at++;
        policy->end_count += at == policy->end_count;
        policy->ends[at].us = end_us;
        policy->ends[at].partners |= 1ull << p;
    }
    return ERR_OK;
}

/* --- what a statement means --- */

/* The statement that a word names, or NULL. A word between quotes names a set too: `to` reads it so. */
static const struct hash *named_meaning(const struct parse *parse, struct str word)
{
    int set = names_find(&parse->set_names, word), condition = names_find(&parse->define_names, word);
    if (condition >= 0)
        return &parse->definitions.at[condition].meaning;
    return set >= 0 ? &parse->sets.at[set].meaning : NULL;
}

struct hash statement_meaning(const struct parse *parse, uint32_t at)
{
    struct parse again = *parse;
    struct hash meaning = {{0}};
    uint8_t head[1 + 4];
    again.now.end = at;
    while (lex_next(&again) == ERR_OK && again.now.at < parse->now.at) {
        const struct hash *named = named_meaning(parse, again.now.text);
        if (lex_is_mark(&again, ','))
            continue; /* as good as a blank */
        head[0] = (uint8_t)again.now.kind;
        wr_at(head + 1, again.now.text.len, 4);
        const struct bytes parts[] = {bytes_of(meaning.b, HASH_SIZE), bytes_of(head, sizeof head),
                                      bytes_from_str(again.now.text),
                                      named == NULL ? bytes_of(NULL, 0) : bytes_of(named->b, HASH_SIZE)};
        meaning = hash_sha256_parts(parts, sizeof parts / sizeof *parts);
    }
    return meaning;
}

/* --- definitions --- */

const struct definition *statement_definition(const struct parse *parse)
{
    int at = parse->now.kind == TOKEN_WORD ? names_find(&parse->define_names, parse->now.text) : -1;
    return at < 0 ? NULL : &parse->definitions.at[at];
}

/* Read once to refuse what is wrong where it stands, and forgotten: what an absent value counts as is known
 * only where the name is used, and the condition is read again there. */
static err_t try_condition(struct parse *parse)
{
    struct policy *policy = parse->policy;
    uint32_t program = policy->program.count;
    parse->defining = true;
    err_t err = parse_condition(parse, POLICY_DENY);
    parse->defining = false;
    policy->program.count = policy->spans.count = program;
    return err;
}

err_t statement_define(struct parse *parse)
{
    err_t err;
    uint16_t id;
    struct str name;
    if (TRY(err, parse_close_heads(parse)) || TRY(err, lex_next(parse)))
        return err;
    uint32_t at = parse->now.at;
    if (TRY(err, parse_name(parse, "the condition's name", &name)))
        return err;
    if (names_find(&parse->define_names, name) >= 0)
        return parse_fail(parse, ERR_EXISTS, at, "a condition `%.*s` exists already", STR_ARG(name));
    if (compare_is_subject(name))
        return parse_fail(parse, ERR_EXISTS, at, "`%.*s` is a condition of the language", STR_ARG(name));
    if (!lex_is_mark(parse, '='))
        return parse_expected(parse, "`=`");
    if (TRY(err, lex_next(parse)))
        return err;
    struct definition definition = {.start = parse->now, .last_end = parse->last_end};
    if (TRY(err, try_condition(parse)))
        return err;
    definition.meaning = statement_meaning(parse, at);
    if (TRY(err, names_add(&parse->define_names, name, &id)) ||
        TRY(err, TABLE_ROOM(parse->definitions, LIMIT_POLICY_NAMES)))
        return parse_fail(parse, err, at, "more than %d named conditions", LIMIT_POLICY_NAMES);
    parse->definitions.at[parse->definitions.count++] = definition;
    return ERR_OK;
}
