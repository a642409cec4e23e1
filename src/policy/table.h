/* What a policy text becomes: the table that decide and explain walk. Private to the room.
 *
 * A condition is a postfix program over masks (one bit a partner). Three-valued logic needs only one mask a
 * value: the rule's effect says what an absent value must count as at the top, each `not` above turns it
 * round, so every comparison knows while compiling what absence counts as (`absent_true`). */
#pragma once

#include "core/arena.h"
#include "policy/names.h"
#include "policy/policy.h"

enum op {
    OP_MASK,        /* masks[arg]: decided while compiling; conditions over partners */
    OP_TLP,         /* tlps[arg] at the object's level: compared with each partner's own */
    OP_LEVELS,      /* arg: bits 1 << enum policy_tlp */
    OP_MARKING,     /* arg: bits of enum policy_marking */
    OP_CATEGORY,    /* arg: bits 1 << enum policy_category */
    OP_NAME,        /* name field equals string arg */
    OP_NAMES,       /* name field is in idsets[arg] */
    OP_SOURCE,      /* source is in idsets[arg]; absent unless in idsets[number] */
    OP_TAG,         /* string arg is among the tags */
    OP_TAGS,        /* any of idsets[arg] is */
    OP_TAG_PARTNER, /* templates[arg]: for each partner its own string */
    OP_NUMBER,      /* number field compared with number */
    OP_TERM,        /* arg: bits 1 << value of a term (field); number 1: `has` */
    OP_AGE,         /* time field against number, microseconds */
    OP_FLAG,        /* arg: enum flag */
    OP_PARTNERS,    /* arg: enum partner_bits */
    OP_NEIGHBOUR,   /* arg: bits 1 << enum policy_tlp */
    OP_VICTIM,      /* a victim's sector is in idsets[arg] */
    OP_PERSONAL,    /* arg: bits of struct privacy_facts, any of which was found */
    OP_RETIRED,     /* arg: what retired.c calls so, absent on every object; number 1: `has` */
    OP_HAS,         /* field */
    OP_COMPARISONS, /* below: no comparisons */
    OP_NOT = OP_COMPARISONS,
    OP_AND,
    OP_OR,
    OP_AND_SKIP, /* nothing left on top: jump to arg with it */
    OP_OR_SKIP,  /* everything on top: jump to arg with it */
};

/* Fields that a condition can name. The first are the interned ones (struct row's names). */
enum field {
    FIELD_TYPE,
    FIELD_OWNER,
    FIELD_SOURCE,
    FIELD_ORIGIN_NODE,
    FIELD_SIGNED_BY,
    FIELD_NAME_COUNT,
    FIELD_CONFIDENCE = FIELD_NAME_COUNT,
    FIELD_HOPS,
    FIELD_PERSONAL_SCORE,
    FIELD_TLP,
    FIELD_AGE_RECEIVED,
    FIELD_AGE_CREATED,
    FIELD_AGE_MODIFIED,
    FIELD_COUNT
};

enum cmp { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE };
enum flag { FLAG_OWN, FLAG_REVOKED };
enum partner_bits { BITS_ORIGIN, BITS_ONWARD, BITS_APPROVED };

struct ins {
    uint8_t op;
    uint8_t field;
    uint8_t cmp;
    uint8_t absent_true : 1; /* what an absent value counts as, before `negate` */
    uint8_t negate : 1;      /* != */
    uint32_t arg;
    int64_t number;
};

/* Where a comparison stands in the text, for explain. */
struct span {
    uint32_t at;
    uint32_t len;
};

/* Partners for which it is true, and those for which it is known at all. */
struct mask {
    uint64_t yes;
    uint64_t known;
};

struct tlp_mask {
    uint64_t yes[POLICY_TLP_COUNT];
    uint64_t known;
};

/* String ids as bits. */
struct idset {
    const uint64_t *words;
    uint32_t word_count;
};

struct template
{
    uint16_t id[LIMIT_PARTNERS];
    uint16_t first; /* the ids of all as bits, from this word on: most objects have none of them */
    struct idset all;
};

struct rule {
    uint64_t to;
    int64_t until_us; /* INT64_MAX: for ever */
    int64_t after_us; /* 0: at once */
    uint32_t first;
    uint32_t count;
    uint32_t at; /* where it stands in the text */
    uint32_t line;
    uint16_t duties; /* 1 + index into policy.duties; 0: none */
    uint8_t effect;
    uint8_t approvals;   /* a hold: how many operators end it; 0: none can */
    bool basis;          /* ...and whose word counts only with a basis */
    uint8_t lapse;       /* enum policy_lapse: at the deadline */
    int64_t deadline_us; /* a hold: since it began; 0: none */
    int64_t remind_us;
    struct hash asks; /* policy_rule_asks */
};

struct duties {
    struct policy_duties said; /* its lists point below */
    struct str redact[LIMIT_POLICY_SELECTORS];
    struct str reshare;
};

struct budget {
    struct str name;
    uint64_t to;
    uint64_t objects, bytes; /* 0: not counted */
    int64_t per_us;
};

struct agreement {
    struct str name, basis, contacts;
    uint64_t partners;
    int64_t until_us; /* INT64_MAX: no end */
};

/* Whose an attribute is, and what its `holder` counts. */
enum holder { OF_PARTNER, OF_SOURCE, OF_COMMUNITY };

struct attribute {
    struct str key; /* at NULL: replaced */
    struct str value;
    struct str community; /* a partner's: the one that gave it to him; at NULL: he has it himself */
    uint16_t holder;      /* partner index, or number of the source or set */
    uint8_t of;           /* enum holder; only partners' and sources' are ever judged */
    bool from_text;
    bool used;   /* some condition asks for the key */
    uint32_t at; /* of the key in the text */
};

/* Partners whose last agreement ends then; INT64_MIN: they have none and need one. */
struct agreement_end {
    int64_t us;
    uint64_t partners;
};

/* Plain growing tables; count, then what is allocated. */
#define TABLE(type)                                                                                          \
    struct {                                                                                                 \
        type *at;                                                                                            \
        uint32_t count, size;                                                                                \
    }

struct policy {
    _Atomic unsigned refs;
    struct arena arena; /* text, names, bit sets */
    struct str text;
    struct hash digest;

    uint64_t partners;
    struct str partner_name[LIMIT_PARTNERS];
    uint64_t tlp_above[POLICY_TLP_COUNT]; /* partners whose tlp-max lies below this level */
    uint8_t tlp_max[LIMIT_PARTNERS];      /* POLICY_TLP_NONE: has none */

    struct names strings; /* what objects' values are compared with; id 0 is any other value */
    struct names rule_names;
    TABLE(struct rule) rules;
    TABLE(uint16_t) order[3]; /* rules by effect, in file order */
    TABLE(struct ins) program;
    TABLE(struct span) spans; /* of program */
    TABLE(struct mask) masks;
    TABLE(struct tlp_mask) tlps;
    TABLE(struct idset) idsets;
    TABLE(struct template) templates;
    TABLE(struct duties) duties;
    TABLE(struct budget) budgets;
    unsigned activation_by; /* operators that a policy after this one needs; 0: not said */
    bool has_deadlines;

    TABLE(struct agreement) agreements;
    TABLE(struct attribute) attributes; /* of partners, sources and communities */
    struct agreement_end ends[LIMIT_PARTNERS];
    unsigned end_count;
    unsigned needs;      /* enum policy_need */
    unsigned names_used; /* bit an enum field: some condition compares that name */

    uint16_t *run;         /* rules in the order of running: deny, hold, release */
    uint32_t run_first[4]; /* where each effect starts in it, and the end */
    uint32_t run_words;    /* of a bit set over positions in it */
    uint64_t *dutiful;     /* run_words: positions of rules with duties */
    struct ins *guards;
    uint64_t *guard_rules; /* guard_count times run_words: the rules that need this guard */
    uint32_t guard_count;
};

/* Line and column of byte `at` of the text, from 1. */
void policy_place(const struct policy *policy, uint32_t at, unsigned *out_line, unsigned *out_column);

/* Fills run and guards; last step of compiling (guard.c). */
NODISCARD err_t guard_build(struct policy *policy);

/* Room for one more entry, at most `max`; ERR_LIMIT beyond. Use through TABLE_PUSH. */
NODISCARD err_t table_grow(void **at, uint32_t *size, uint32_t count, uint32_t max, size_t entry_size);
#define TABLE_ROOM(table, max)                                                                               \
    table_grow((void **)&(table).at, &(table).size, (table).count, (max), sizeof *(table).at)

/* The condition's value for the `live` partners; other bits mean nothing. decide.c */
struct row;
uint64_t rule_holds(struct row *row, const struct rule *rule, uint64_t live);

/* The words that answer this question; NULL: nobody said one. */
static inline const struct policy_answer *answer_to(const struct policy_facts *facts, const struct hash *asks)
{
    for (size_t i = 0; i < facts->answer_count; i++)
        if (hash_eq(&facts->answers[i].asked, asks))
            return &facts->answers[i];
    return NULL;
}

/* Partners for which enough operators approved to end this hold. */
static inline uint64_t rule_approved(const struct rule *rule, const struct policy_facts *facts)
{
    const struct policy_answer *answer = rule->approvals == 0 ? NULL : answer_to(facts, &rule->asks);
    if (answer == NULL)
        return 0;
    if (rule->basis)
        return rule->approvals == 1 ? answer->based : answer->based2;
    return rule->approvals == 1 ? answer->one : answer->two;
}

/* Partners for which an operator's word takes the place of a release's `after`. */
static inline uint64_t rule_hastened(const struct rule *rule, const struct policy_facts *facts)
{
    const struct policy_answer *answer = answer_to(facts, &rule->asks);
    return answer == NULL ? 0 : answer->one;
}

static inline bool idset_has(const struct idset *set, uint16_t id)
{
    return id / 64u < set->word_count && (set->words[id / 64u] >> (id % 64u) & 1) != 0;
}

#define STRING_WORDS (LIMIT_POLICY_STRINGS / 64)
#define RUN_WORDS    (LIMIT_POLICY_RULES / 64 + 1)

/* The facts as the program needs them. */
struct row {
    const struct policy *policy;
    const struct policy_facts *facts;
    int64_t now_us;
    int64_t next_us;             /* earliest coming moment at which a looked-at comparison with time turns */
    uint64_t known[FIELD_COUNT]; /* all ones where the object has the field */
    uint64_t markings_known;
    uint16_t name[FIELD_NAME_COUNT]; /* string ids; 0: a value that the policy does not name */
    uint64_t tags[STRING_WORDS];
};

void row_init(struct row *row, const struct policy *policy, const struct policy_facts *facts, int64_t now_us);
/* Value of one comparison; *out_known are the partners for which no value was absent. Only `live` bits count.
 */
uint64_t row_compare(struct row *row, const struct ins *ins, uint64_t live, uint64_t *out_known);
/* Rules none of whose guards fails, as run_words words of bits over policy->run. */
void row_open_rules(struct row *row, uint64_t *open);
/* A release rule's `after`: the moment it lets go, and whether that is still to come (noted in next_us). */
int64_t row_release_time(const struct row *row, const struct rule *rule);
/* Since when this partner waits by this rule; now when it begins. */
int64_t row_waits_since(const struct row *row, unsigned rule, unsigned partner);
void row_note(struct row *row, int64_t when_us);
/* When this comparison with an age turns; false when the object states no such time. */
bool row_age_turn(const struct row *row, const struct ins *ins, int64_t *out_us);
/* Partners whose agreement has ended; notes when those of `releasing` end. */
uint64_t row_lapsed(struct row *row, uint64_t releasing);
/* Partners for which this built-in deny or hold binds. */
uint64_t row_builtin(const struct row *row, unsigned rule);

/* --- change.c --- */
/* The comparisons that would have to turn for the rule's condition to turn, as people read them; empty when
 * the rule is too long to say it shortly, or nothing can turn it. */
void change_put(struct row *row, const struct rule *rule, unsigned partner, char *to, size_t size);

/* What a condition was called that is one no more (retired.c). */
const char *retired_name(unsigned retired);

/* --- words with a fixed meaning (words.c) --- */

extern const char *const words_tlp[POLICY_TLP_COUNT];
extern const char *const words_category[POLICY_CATEGORY_COUNT];
enum { WORDS_MARKING_COUNT = 6 };
extern const char *const words_marking[WORDS_MARKING_COUNT]; /* bit n of enum policy_marking */
extern const char *const words_effect[3];
extern const char *const words_builtin[POLICY_RULE_BUILTIN_COUNT];
enum policy_effect words_builtin_effect(unsigned rule);

struct words_term {
    const char *name; /* as conditions name it */
    const char *const *words;
    unsigned count;
    bool ordered; /* < and > mean something */
};
extern const struct words_term words_terms[POLICY_TERM_COUNT];

/* Index of `word`, or -1. */
int words_find(const char *const *words, unsigned count, struct str word);
/* A level's name or `white`; -1 otherwise. Never POLICY_TLP_NONE. */
int words_tlp_find(struct str word);
bool words_reserved(struct str word);
/* Calls for every type of STIX 2.1. */
unsigned words_type_count(void);
struct str words_type(unsigned index);
