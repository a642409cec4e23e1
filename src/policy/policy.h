/* Policy: which partner may see which object. A policy text (docs/protocol/POLICY.md) is compiled once into a
 * table; deciding is pure over (policy, facts, now) and answers for all partners at once, one bit each.
 *
 * What it must never do: release what no rule names. Default deny; deny > hold > release; within one effect
 * the first rule in file order is named. A condition whose value is absent is true in deny and hold and false
 * in release, also under `not` (three-valued logic). Marking states that nobody can judge (unknown,
 * unresolved, statement) and onward sharing bind by built-in rules that no text can lift.
 *
 * Nothing here reads objects, clocks or files: the gate gathers the facts and applies the verdict. A compiled
 * policy never changes: any number of threads may decide with it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/hash.h"
#include "core/limit.h"
#include "core/str.h"
#include "privacy/privacy.h"

struct policy;

/* --- compiling --- */

/* Where a text was refused and what might have been meant. Holds no pointers. */
struct policy_fault {
    err_t code;
    unsigned line;                                  /* from 1; 0: not about a place in the text */
    unsigned column;                                /* from 1, in characters, not bytes */
    char what[200];                                 /* one sentence, with the offending word */
    char suggestion[LIMIT_POLICY_SUGGESTION_BYTES]; /* "did you mean `tlp`?", or what could stand here; empty
                                                       when there is none */
};

/* Something the node knows about a partner: `country` "US". A name may repeat: `organisations`. `tlp-max`
 * takes a TLP level. */
struct policy_attribute {
    struct str name;
    struct str value;
};

/* A partner (audience) that the node knows. `index` is its bit in every mask, fixed when the partner was
 * added and never used again for another: masks in the log outlive policies. Borrowed while compiling. */
struct policy_partner {
    struct str name;
    uint8_t index; /* below LIMIT_PARTNERS */
    const struct policy_attribute *attributes;
    size_t attribute_count;
};

/* Compiles `text` (at most LIMIT_POLICY_BYTES, UTF-8) for these partners. A `partner` block in the text adds
 * attributes, and replaces those of the same name; a `community` block gives its members what they lack then.
 * The text is copied. On failure fills `fault` (may be
 * NULL), returns its code, and writes nothing else. The result has one reference. */
NODISCARD err_t policy_compile(struct str text, const struct policy_partner *partners, size_t partner_count,
                               struct policy **out, struct policy_fault *fault);
/* The same of a text that the log holds: what later versions refuse as a slip means what it meant, and a
 * condition that the language has no more is absent on every object (policy_retired), or no node could read
 * what it once took. */
NODISCARD err_t policy_compile_held(struct str text, const struct policy_partner *partners,
                                    size_t partner_count, struct policy **out, struct policy_fault *fault);
/* Where no node says who its partners are: the names that the text takes for partners, LIMIT_PARTNERS at
 * most, borrowed from it; as far as it can be read. How many. */
size_t policy_partners_named(struct str text, struct str out[LIMIT_PARTNERS]);
struct policy *policy_ref(struct policy *policy);
/* Frees with the last reference; NULL is fine. */
void policy_unref(struct policy *policy);

/* SHA-256 of the text: stands in every DECIDE. Masks also depend on the partners given. */
struct hash policy_digest(const struct policy *policy);
struct str policy_text(const struct policy *policy);

/* --- partners --- */

unsigned policy_partner_count(const struct policy *policy);
/* One bit per partner. */
uint64_t policy_partner_mask(const struct policy *policy);
/* Name of the partner with this index; empty when there is none. */
struct str policy_partner_name(const struct policy *policy, unsigned index);
/* Its index, or -1. */
int policy_partner_find(const struct policy *policy, struct str name);
/* Its `tlp-max`, as "amber"; NULL when it has none. */
const char *policy_partner_tlp_max(const struct policy *policy, unsigned index);

/* --- rules --- */

enum policy_effect { POLICY_DENY, POLICY_HOLD, POLICY_RELEASE };

/* Rules that every policy has; the text's own follow, in file order. Their names start with "built-in.",
 * which no text can use. Those that deny or hold are tried after the text's rules of the same effect, so that
 * a named rule gets the credit. */
enum policy_builtin {
    POLICY_RULE_DEFAULT,    /* deny: no rule released it */
    POLICY_RULE_OPERATOR,   /* deny: an operator said no (`denials`) */
    POLICY_RULE_ORIGIN,     /* deny: the partner it came from */
    POLICY_RULE_ONWARD,     /* deny: the originator's marking or grant does not reach this partner */
    POLICY_RULE_TLP_MAX,    /* deny: TLP above the partner's tlp-max */
    POLICY_RULE_UNKNOWN,    /* deny: a marking that bongsu does not read, or no state given at all */
    POLICY_RULE_UNRESOLVED, /* hold: a marking that has not arrived */
    POLICY_RULE_STATEMENT,  /* hold: a statement that nobody classified */
    POLICY_RULE_SAFETY,     /* hold until approved: its value is on a list of what must not go by mistake */
    POLICY_RULE_FOLLOWS,    /* hold: says nothing by itself, and goes along with what names it (`follows`) */
    POLICY_RULE_AGREEMENT, /* hold: what a rule would release, and the agreement with the partner has ended */
    POLICY_RULE_DUTIES, /* hold: a duty of the rule that lets it go cannot be carried out (the gate's word) */
    POLICY_RULE_EXPIRED, /* hold: its time with the partner is over, by a duty of the rule that let it go */
    POLICY_RULE_REPEATS, /* hold: it went to the partner and was taken back too often (the gate's word) */
    POLICY_RULE_BUDGET,  /* hold: the partner's budget is used up for now (the gate's word) */
    POLICY_RULE_LOOP,    /* deny: it comes round under another name, or passed LIMIT_HOPS (the gate's word) */
    POLICY_RULE_BUILTIN_COUNT
};

/* Built-in and own rules together. */
unsigned policy_rule_count(const struct policy *policy);
/* Empty when `rule` is out of range. */
struct str policy_rule_name(const struct policy *policy, unsigned rule);
enum policy_effect policy_rule_effect(const struct policy *policy, unsigned rule);
/* Its line in the text; 0 for built-in rules. */
unsigned policy_rule_line(const struct policy *policy, unsigned rule);
/* Does its condition look at personal data? */
bool policy_rule_asks_personal(const struct policy *policy, unsigned rule);
/* Its index, or -1. */
int policy_rule_find(const struct policy *policy, struct str name);
/* "deny", "hold", "release". */
const char *policy_effect_name(enum policy_effect effect);

/* --- agreements --- */

/* What the text says about one agreement. Strings live as long as the policy. */
struct policy_agreement {
    struct str name;
    struct str basis;    /* empty: not stated */
    struct str contacts; /* as written, without the brackets */
    uint64_t partners;
    int64_t until_us; /* INT64_MAX: no end */
};
unsigned policy_agreement_count(const struct policy *policy);
void policy_agreement(const struct policy *policy, unsigned index, struct policy_agreement *out);

/* --- what a marking says about readers --- */

/* Partners by one attribute against a list, as masks: for markings that name nations, organisations and the
 * like. `policy` may be NULL: nothing is known of anybody. */
struct policy_list {
    const struct str *at;
    size_t count;
};
/* Have the attribute, and every value of it is in the list: a list of who may read. */
uint64_t policy_partners_within(const struct policy *policy, struct str key, struct policy_list list);
/* Three letters of ISO 3166-1 for a country written with two or three, in any case; empty: there is none. */
struct str policy_nation(struct str code);
/* Have some value that is in the list. */
uint64_t policy_partners_any(const struct policy *policy, struct str key, struct policy_list list);
/* Might be meant by the list: have some value that is in it, or is a part of one (USA.DHS.CISA of USA.DHS),
 * or have no such attribute. */
uint64_t policy_partners_touched(const struct policy *policy, struct str key, struct policy_list list);
/* Have every value of the list: what a reader must be cleared for. */
uint64_t policy_partners_holding(const struct policy *policy, struct str key, struct policy_list list);
/* Have some value that `partner` has as well: are in one community with him. */
uint64_t policy_partners_beside(const struct policy *policy, struct str key, unsigned partner);

/* --- duties: what a release rule asks for before its object may leave --- */

enum policy_duty {
    POLICY_DUTY_ANONYMISE = 1,       /* the creator is not named */
    POLICY_DUTY_REDACT = 2,          /* these properties are taken out */
    POLICY_DUTY_DROP_REFERENCES = 4, /* what names something withheld leaves without that reference */
    POLICY_DUTY_EXPIRE = 8,          /* after this time the partner is told that it is over */
    POLICY_DUTY_RESHARE = 16,        /* how far the partner may pass it on */
    POLICY_DUTY_MASK = 32,           /* personal data is made unreadable where it stands */
    POLICY_DUTY_PSEUDONYMISE = 64,   /* ...is replaced by tokens that this node alone can open */
};

struct policy_duties {
    unsigned what;            /* enum policy_duty */
    const struct str *redact; /* selectors as in granular markings */
    size_t redact_count;
    int64_t expire_us;         /* since the release; 0: never */
    const struct str *reshare; /* limits, all of which bind: `never`, `own-country`, `community`,
                                  `partners jp au` (SYNC.md section 4). Names are not looked up here */
    size_t reshare_count;
    struct str text; /* one rule's, as written: `redact "description", expire 30d`; else empty */
};

/* One rule's own; NULL: it has none. */
const struct policy_duties *policy_rule_duties(const struct policy *policy, unsigned rule);

bool policy_has_duties(const struct policy *policy);

/* The duties of every release rule that matches, together: whichever rule let it go, and whether or not the
 * other still waits (`after`). What is taken out is the union, of times the shortest counts, of limits each
 * binds. Whoever cannot carry all of `what` out must hold the object. */
struct policy_bound {
    uint64_t partners; /* those for whom it is just this */
    struct policy_duties duties;
};
struct policy_facts;
struct arena;
/* For those of `partners` who have any; laid out in the arena, and borrowed from the policy. By a clock that
 * is not believed, the duties of both times. */
NODISCARD err_t policy_bind(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                            uint64_t partners, struct arena *arena, struct policy_bound **out,
                            size_t *out_count);
/* Those of `partner` among them; NULL: none. */
const struct policy_duties *policy_bound_of(const struct policy_bound *bound, size_t count, unsigned partner);
/* "anonymise-creator" */
const char *policy_duty_name(enum policy_duty duty);

/* --- what a hold asks of people --- */

enum policy_lapse { POLICY_LAPSE_NONE, POLICY_LAPSE_DENY, POLICY_LAPSE_RELEASE };

struct policy_people {
    unsigned approvals;  /* operators that end it; 0: an approval does not */
    bool basis;          /* ...only if they say on what basis */
    int64_t deadline_us; /* since the hold began; 0: none */
    int64_t remind_us;   /* 0: nobody is reminded */
    enum policy_lapse lapse;
};

/* False when the rule waits for nobody (its condition alone ends it), or is no hold. built-in.safety waits.
 */
bool policy_rule_people(const struct policy *policy, unsigned rule, struct policy_people *out);
/* The question that this rule puts to people: SHA-256 over its words as they stand in the text, blanks,
 * comments and line ends apart, with all that they name (sets, communities, named conditions). Of a built-in
 * rule over its name, and what `facts` say of the list (built-in.safety). */
struct policy_facts;
struct hash policy_rule_asks(const struct policy *policy, unsigned rule, const struct policy_facts *facts);
/* Partners for which an operator answered it. */
uint64_t policy_answered(const struct policy *policy, unsigned rule, const struct policy_facts *facts);
/* Is it the question of some rule of this policy, or of a built-in one whatever it was about? */
bool policy_has_question(const struct policy *policy, struct str name, const struct hash *asked);
/* The rule that waits for an operator's word for this partner, or -1: the first hold that a word ends, denied
 * or not by one, and behind all holds the release that lets it go after its time. */
int policy_asked(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                 unsigned partner);
/* Does any hold have a deadline? Else policy_facts.waits is not looked at. */
bool policy_has_deadlines(const struct policy *policy);
/* How many operators must agree to take another policy into force after this one; 0: it does not say. */
unsigned policy_activation_by(const struct policy *policy);

/* --- budgets: how much may leave to whom. The scheduler's (gate), not deciding's --- */

struct policy_budget {
    struct str name;
    uint64_t partners; /* each of them has this budget for itself */
    uint64_t objects;  /* leaves, or... */
    uint64_t bytes;    /* of objects; the other one is 0 */
    int64_t per_us;
};

unsigned policy_budget_count(const struct policy *policy);
struct policy_budget policy_budget_get(const struct policy *policy, unsigned index);

/* --- reviewing: what a well-formed text may not mean --- */

struct policy_remark {
    unsigned line, column; /* of the rule, from 1; 0: about the whole */
    char what[240];
};

/* Rules that never decide because another always does before, or have ended; plain releases that meet the
 * duties of another; waits that another release does not keep. What cannot be told in a second is passed
 * over. For people, before a policy is taken into force. */
void policy_review(const struct policy *policy, int64_t now_us,
                   void (*each)(void *ctx, const struct policy_remark *remark), void *ctx);

/* The same of `redact`: what objects of some type cannot be without, so that they are withheld; and what no
 * type has, so that nothing is taken out. */
void policy_review_redact(const struct policy *policy,
                          void (*each)(void *ctx, const struct policy_remark *remark), void *ctx);

/* The same of conditions that the language has no more: only one that the log holds has any. */
void policy_retired(const struct policy *policy, void (*each)(void *ctx, const struct policy_remark *remark),
                    void *ctx);

/* Names that conditions compare with: whoever knows which there are says which there are not. */
enum policy_named_kind {
    POLICY_NAMED_SOURCE,
    POLICY_NAMED_OWNER, /* a source too: the one whose word counts */
    POLICY_NAMED_NODE,  /* origin-node, signed-by */
};
struct policy_named {
    unsigned line, column;
    enum policy_named_kind kind;
    struct str name;
};
void policy_names(const struct policy *policy, void (*each)(void *ctx, const struct policy_named *named),
                  void *ctx);

/* --- facts --- */

/* Facts that cost a walk, gathered only when some condition asks for them. */
enum policy_need {
    POLICY_NEED_NEIGHBOURS = 1,
    POLICY_NEED_VICTIMS = 2,
    POLICY_NEED_AROUND = POLICY_NEED_NEIGHBOURS | POLICY_NEED_VICTIMS,
    POLICY_NEED_PERSONAL = 4, /* every text of the object is looked through */
    POLICY_NEED_SIGNER = 8,   /* what its origin signed is unsealed */
};
unsigned policy_needs(const struct policy *policy);

/* Wider first; same order and values as enum stix_tlp. TLP 1.0 white is clear, 1.0 amber is amber. */
enum policy_tlp {
    POLICY_TLP_NONE,
    POLICY_TLP_CLEAR,
    POLICY_TLP_GREEN,
    POLICY_TLP_AMBER,
    POLICY_TLP_AMBER_STRICT,
    POLICY_TLP_RED,
    POLICY_TLP_COUNT
};

/* Same values as enum stix_category. */
enum policy_category {
    POLICY_CATEGORY_CUSTOM,
    POLICY_CATEGORY_SDO,
    POLICY_CATEGORY_SRO,
    POLICY_CATEGORY_SCO,
    POLICY_CATEGORY_META,
    POLICY_CATEGORY_COUNT
};

/* States of the effective markings (the object's own, its granular ones, and what an SCO inherits), several
 * at once when it carries several. A classified statement is KNOWN and has the TLP it was classified as. */
enum policy_marking {
    POLICY_MARKING_NONE = 1,       /* carries no marking; stays set when a source's `assume` speaks for it */
    POLICY_MARKING_STATEMENT = 2,  /* a statement that nobody has classified */
    POLICY_MARKING_KNOWN = 4,      /* TLP, or classified */
    POLICY_MARKING_UNRESOLVED = 8, /* refers to a definition that has not arrived */
    POLICY_MARKING_UNKNOWN = 16,   /* a definition that bongsu does not read */
    POLICY_MARKING_ASSUMED = 32,   /* `tlp` comes from the `assume` of its source */
};

/* Terms with a fixed set of words that ACS 3.0 and IEP 2.0 markings state; in facts: 0 when no marking states
 * it, else 1 + the word, the strictest of several markings. */
enum policy_term {
    POLICY_TERM_CLASSIFICATION, /* U C S TS */
    POLICY_TERM_ACTIONS,        /* none, contact-for-instruction, internally-visible-actions,
                                   externally-visible-indirect-actions, externally-visible-direct-actions */
    POLICY_TERM_ATTRIBUTION,    /* may, must, must-not */
    POLICY_TERM_RESALE,         /* may, must-not */
    POLICY_TERM_ENCRYPT,        /* may, must */
    POLICY_TERM_NOTIFY,         /* may, must-not */
    POLICY_TERM_COUNT
};

#define POLICY_TIME_NONE       INT64_MIN /* this object has no such time */
#define POLICY_CONFIDENCE_NONE (-1)
#define POLICY_ORIGIN_OWN      (-1) /* came from no partner */

/* Since when one partner waits for people by one rule of the text. */
struct policy_wait {
    unsigned partner;
    struct str rule;
    int64_t since_us;
};

/* Operators' words about this version that answer one question: a rule as it asked then (policy_rule_asks).
 * Where the rule reads otherwise by now, they answer it no more. */
struct policy_answer {
    struct hash asked;
    uint64_t one, two;      /* partners for which an operator approved, and another one as well */
    uint64_t based, based2; /* the same, of those who said on what basis */
};

/* All that a decision rests on. Borrowed for the call. An empty str is an absent value. Labels are not here
 * on purpose: others write them. Zero-initialised facts are denied to everybody. */
struct policy_facts {
    struct str type;        /* "indicator" */
    struct str owner;       /* name of the home node (DESIGN 5) */
    struct str source;      /* name of the declared source it came from */
    struct str origin_node; /* name of the node where its owner is at home */
    struct str signed_by;   /* name of the node whose signature came with it and was verified when it came */
    const struct str *tags; /* local tags, in any order */
    size_t tag_count;
    enum policy_category category;
    enum policy_tlp tlp; /* the strictest of the effective markings or the assumed one; NONE: none */
    unsigned markings;   /* enum policy_marking; 0 is denied as unknown */
    int confidence;      /* 0-100, or POLICY_CONFIDENCE_NONE */
    unsigned hops;       /* nodes that it passed before this one */
    uint8_t terms[POLICY_TERM_COUNT];
    struct str
        safety; /* why its value must not go without a person's word; empty: nothing stands against it */
    bool own;   /* its home is this node */
    bool revoked;
    bool follows;       /* a definition without a marking of its own: what no rule denies waits for what names
                           it, before any rule that holds or releases is asked */
    int origin;         /* index of the partner it came from, or POLICY_ORIGIN_OWN */
    int64_t created_us; /* as the object states them; POLICY_TIME_NONE when it does not */
    int64_t modified_us;
    int64_t received_us; /* our clock at accept */
    int64_t settled_us;  /* our clock when an operator last changed its facts (tag, source, marking);
                            POLICY_TIME_NONE: never. Delays count from the later of the two. */
    int64_t turns_us;    /* these facts change by themselves then (a marking begins or ends); 0: never */
    int64_t unsure_us;   /* the clock stands so far ahead of what anybody believes: time takes away by the
                            clock, and lets go by so much less; 0: it is believed */
    uint64_t approvals;  /* partners for which an operator approved it while no rule asked for that */
    const struct policy_answer *answers; /* and while one did; in any order, each question once */
    size_t answer_count;
    const struct policy_wait *waits; /* holds that began before; one that is not here begins now */
    size_t wait_count;
    uint64_t denials; /* partners for which an operator denied it */
    /* Of what lies one reference away; conditions on them can only withhold. */
    bool neighbours_known;         /* false: they hold for any level */
    enum policy_tlp neighbour_tlp; /* the strictest marking among them; RED stands for one that cannot be
                                      judged; NONE: none is marked */
    bool victims_known;            /* false, or more victims than were looked at: they hold for any sector */
    const struct str *victim_sectors;
    size_t victim_sector_count;
    bool personal_known; /* false: not looked for, or more than could be told; then every kind is absent */
    struct privacy_facts personal;
    bool granted;             /* a marking of the originator names whom it may go to: `onward` says whom */
    enum policy_tlp bare_tlp; /* the strictest of its markings that name nobody */
    uint64_t onward; /* partners to which marking or grant of the originator lets it go; own: all ones */
};

/* --- deciding --- */

/* Partners to whom whoever made it lets it go on, by TLP and by what the other facts say: all or none. The
 * gate narrows `onward` by it once everything else is known. */
uint64_t policy_onward(const struct policy_facts *facts);

struct policy_verdict {
    uint64_t release; /* the three are disjoint; together they are policy_partner_mask() */
    uint64_t hold;
    uint64_t deny;
    uint64_t dutied;               /* of `release`: some release rule that matches has duties (policy_bind) */
    int64_t next_change_us;        /* with the same facts, nothing changes before; INT64_MAX: never */
    uint16_t rule[LIMIT_PARTNERS]; /* the rule that decided; POLICY_RULE_DEFAULT where there is no partner */
};

/* No memory, no failure, no clock: the same arguments always give the same verdict. By a clock that is not
 * believed (`unsure_us`), what binds at either time binds. */
void policy_decide(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                   struct policy_verdict *out);

/* --- explaining --- */

/* One rule as it was tried for one partner. Strings are good during the call. */
struct policy_step {
    unsigned rule;
    struct str name;
    enum policy_effect effect;
    unsigned line;        /* 0: built in */
    bool addressed;       /* the rule's `to` names this partner and its `until` has not passed */
    bool matched;         /* its condition holds here (an absent value counts as the effect says) */
    bool absent;          /* the condition rested on an absent value */
    bool decided;         /* this rule made the verdict */
    bool reached;         /* no rule tried before had decided: what is not reached is shown all the same */
    struct str condition; /* the part of the condition that decided, as written: `tlp <= green` */
    struct str value;     /* what the object has there: `tlp is amber`, `confidence is absent` */
    struct str change;    /* the nearest change after which a deny or hold that matches would bind no longer,
                             or a release would match: `tlp <= green and tag share:jp`; empty: none */
    int64_t waits_until_us;  /* the release waits for this (`after`), or POLICY_TIME_NONE */
    struct str duties;       /* a release that matches: its duties as written, which bind whichever rule lets
                                the object go; empty: none */
    int64_t deadline_us;     /* a hold that matches: when its default takes its place, or POLICY_TIME_NONE */
    bool lapsed;             /* ...and that has come */
    enum policy_lapse lapse; /* ...which that is */
    bool basis;              /* a hold: whoever approves must say on what basis */
};

/* Calls `step` for every rule in the order tried (deny, hold, release, default), also behind the one with
 * which the verdict for `partner` stands, and returns its effect. POLICY_DENY without a step when there is no
 * such partner. Slow and careful: for people. What the clock alone lets go while it is not believed
 * (`unsure_us`) is told as it stood before. */
enum policy_effect policy_explain(const struct policy *policy, const struct policy_facts *facts,
                                  int64_t now_us, unsigned partner,
                                  void (*step)(void *ctx, const struct policy_step *step), void *ctx);
