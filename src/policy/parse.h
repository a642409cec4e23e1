/* The parser's state: tokens of the text, and what is known only while compiling. Private to the room.
 * No function here calls itself: conditions are parsed with an explicit stack of LIMIT_POLICY_DEPTH. */
#pragma once

#include "core/suggest.h"
#include "policy/table.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_STRING, TOKEN_MARK, TOKEN_CMP };

struct token {
    enum token_kind kind;
    struct str text; /* of a string: without the quotes */
    uint32_t at;     /* where it starts and ends, quotes included */
    uint32_t end;
    uint8_t cmp; /* enum cmp of TOKEN_CMP */
};

/* A word or string that a condition compares with. */
struct value {
    struct str text;
    uint32_t at;
    bool quoted;
};

struct value_list {
    uint32_t first; /* in parse.values */
    uint32_t count;
    uint32_t set; /* which set it is, or LIST_LITERAL */
};
#define LIST_LITERAL UINT32_MAX

struct set {
    uint32_t first, count;
    uint32_t idset;   /* its bit set once made, or LIST_LITERAL */
    uint64_t members; /* of a community */
    bool community;
    struct hash meaning; /* of its statement */
};

/* A named condition: where it begins in the text. */
struct definition {
    struct token start;
    uint32_t last_end;
    struct hash meaning; /* of its statement */
};

struct parse {
    struct policy *policy;
    struct policy_fault *fault;
    struct str text;
    struct token now;  /* the token to be looked at */
    uint32_t last_end; /* end of the one before */
    uint32_t comparisons;
    bool heads_done; /* a rule was seen: partners and sources are complete */
    bool agreements_required;
    bool defining; /* a condition is read for its form only */
    bool alone;    /* no node is asked: whoever is named as a partner is one */
    bool held;     /* it is in force, or was: slips that are refused by now are let stand */
    uint8_t tlp_max[LIMIT_PARTNERS];
    struct names set_names;
    struct names sources;
    struct names define_names;
    TABLE(struct definition) definitions;
    TABLE(struct set) sets;
    TABLE(struct value) values;
};

/* --- tokens (lex.c) --- */

/* Moves parse->now to the next token. */
NODISCARD err_t lex_next(struct parse *parse);
static inline bool lex_is_mark(const struct parse *parse, char mark)
{
    return parse->now.kind == TOKEN_MARK && parse->now.text.at[0] == mark;
}
static inline bool lex_is_word(const struct parse *parse, struct str word)
{
    return parse->now.kind == TOKEN_WORD && str_eq(parse->now.text, word);
}
/* The token as an error names it: "`x`", "the end of the text". Borrowed from `buf`. */
const char *lex_name(const struct token *token, char *buf, size_t size);
/* "10m" in microseconds, up to 36500d. */
bool lex_duration(struct str word, int64_t *out_us);

/* Fills the fault with the place of byte `at` and returns `code`. */
NODISCARD err_t parse_fail(struct parse *parse, err_t code, uint32_t at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* At the present token: "expected WHAT, found ...". */
NODISCARD err_t parse_expected(struct parse *parse, const char *what);
/* The same with the nearest of these words as the suggestion, or all of them. */
NODISCARD err_t parse_expected_word(struct parse *parse, const char *what, const char *const *words,
                                    unsigned count);
/* As the suggestion: the nearest word; without one `otherwise` (may be NULL). */
void parse_nearest(struct parse *parse, const struct suggest *suggest, const char *otherwise);
void parse_suggest(struct parse *parse, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- values (value.c) --- */

NODISCARD err_t value_read(struct parse *parse, const char *what, struct value *out);
/* "[" values "]". */
NODISCARD err_t value_read_list(struct parse *parse, struct value_list *out);
/* A list, or the name of a set. */
NODISCARD err_t value_read_in(struct parse *parse, struct value_list *out);
/* One value as a list of one. */
NODISCARD err_t value_as_list(struct parse *parse, const struct value *value, struct value_list *out);
/* Forgets a list that is no set. */
void value_drop(struct parse *parse, const struct value_list *list);
NODISCARD err_t value_idset(struct parse *parse, const struct value_list *list, uint32_t *out_idset);
NODISCARD err_t value_string(struct parse *parse, const struct value *value, uint16_t *out_id);
/* The value must be one of these words: its index. */
NODISCARD err_t value_word(struct parse *parse, const struct value *value, const char *what,
                           const char *const *words, unsigned count, unsigned *out_index);
NODISCARD err_t value_tlp(struct parse *parse, const struct value *value, unsigned *out_level);
NODISCARD err_t value_partner(struct parse *parse, const struct value *value, bool or_set,
                              unsigned *out_index);

/* --- statements (parse.c, statement.c), conditions (condition.c, compare.c) --- */

NODISCARD err_t parse_policy(struct parse *parse);
/* A name of the author's own choice. */
NODISCARD err_t parse_name(struct parse *parse, const char *what, struct str *out);
/* Passes the first word of a statement that stands before the first rule. */
NODISCARD err_t parse_head(struct parse *parse, const char *what);
/* Partners and sources are complete: their levels become numbers. */
NODISCARD err_t parse_close_heads(struct parse *parse);

/* The attributes between `{` and `}`, where the present token is a `{`; else nothing. A key that this holder
 * has from the text already is refused, one that it has from the node is replaced. */
NODISCARD err_t parse_block(struct parse *parse, uint16_t holder, enum holder of);

/* Whole statements, from their first word on. */
NODISCARD err_t statement_community(struct parse *parse);
NODISCARD err_t statement_agreement(struct parse *parse);
NODISCARD err_t statement_agreements(struct parse *parse);
NODISCARD err_t statement_define(struct parse *parse);
/* Members get their communities' names, and the attributes that they have not themselves (community.c). */
NODISCARD err_t statement_close_communities(struct parse *parse);
NODISCARD err_t statement_close_agreements(struct parse *parse);
/* A set's free name. */
NODISCARD err_t statement_set_name(struct parse *parse, const char *what, struct str *out);
NODISCARD err_t statement_add_set(struct parse *parse, struct str name, const struct set *set);
/* Partners and communities as a bit each. */
NODISCARD err_t statement_partners(struct parse *parse, const struct value_list *list, uint64_t *out);
/* A date or a time. */
NODISCARD err_t statement_time(struct parse *parse, const struct value *value, int64_t *out_us);
/* Values of an attribute that the language knows must look like it. */
NODISCARD err_t statement_check_attribute(struct parse *parse, struct str key, const struct value_list *list);
/* Keys of partners that are known even when no partner has them; NULL behind the last. */
const char *statement_known_key(unsigned index);
/* ISO 3166's three letters for two or three; empty: no such code. */
struct str statement_nation(struct str country);
/* Of a key that is known: each must be one of its values. */
NODISCARD err_t statement_check_values(struct parse *parse, struct str key, const struct value_list *list);
/* Likewise of one value that stands in no policy: what is wrong goes into `fault`, whose line is 1. */
NODISCARD err_t statement_check_value(struct str key, const struct value *value, struct policy_fault *fault);
/* Every key of a partner's block is known, or some condition asks for it. */
NODISCARD err_t attribute_check_keys(struct parse *parse);
/* The named condition that the present token is, or NULL. */
const struct definition *statement_definition(const struct parse *parse);
/* Appends the program of the condition that starts at the present token. */
NODISCARD err_t parse_condition(struct parse *parse, enum policy_effect effect);
/* Is it a word that a condition can start with? */
bool compare_is_subject(struct str word);
/* One comparison. `absent_true`: what an absent value counts as here. */
NODISCARD err_t parse_compare(struct parse *parse, bool absent_true);
/* The same for `partner.KEY` and `source.KEY`, the present token (attribute.c). */
NODISCARD err_t parse_attribute_compare(struct parse *parse, bool has, struct ins *ins);
/* Conditions that are none any more (retired.c): which one the word was, or -1; read from its name on, as
 * absent on every object; refused. */
int retired_find(struct str word);
NODISCARD err_t retired_read(struct parse *parse, unsigned retired, bool has, struct ins *ins);
NODISCARD err_t retired_refuse(struct parse *parse, unsigned retired);
/* SHA-256 over the words from byte `at` to the present token, and over what they name. */
struct hash statement_meaning(const struct parse *parse, uint32_t at);
/* Everything that may follow a condition (clause.c). *out_to: there was a `to`. */
NODISCARD err_t clause_read_all(struct parse *parse, struct rule *rule, bool *out_to);
NODISCARD err_t clause_read_duration(struct parse *parse, int64_t *out_us);
/* `all`, a partner, a set of partners, or a list. */
NODISCARD err_t clause_read_to(struct parse *parse, uint64_t *out);
NODISCARD err_t parse_emit(struct parse *parse, struct ins ins, uint32_t at);

/* Pieces of comparisons (compare.c): a mask settled while compiling; `in` list, or == or != one value; an
 * order or `in`, then the levels for which it is true as bits, or LEVELS_PARTNER for `partner.tlp-max`. */
enum { LEVELS_PARTNER = 1u << POLICY_TLP_COUNT };
NODISCARD err_t compare_add_mask(struct parse *parse, struct mask mask, struct ins *ins);
NODISCARD err_t compare_read_members(struct parse *parse, const char *name, struct ins *ins,
                                     struct value_list *out);
/* The words of conditions about what lies one reference away (around.c); ins->absent_true says whether the
 * comparison withholds where it stands. */
NODISCARD err_t around_tlp(struct parse *parse, struct ins *ins);
NODISCARD err_t around_sector(struct parse *parse, struct ins *ins);
/* The rest of `personal-data`, or (related) `personal-data.related` (personal.c). */
NODISCARD err_t personal_kinds(struct parse *parse, const char *name, bool related, struct ins *ins);
NODISCARD err_t compare_read_level(struct parse *parse, const char *name, bool or_partner, uint8_t *out_cmp,
                                   unsigned *out_levels);
