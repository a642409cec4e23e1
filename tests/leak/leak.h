/* The leak hunt (docs/leak-hunt.md): worlds of adversarial objects, run through a real gate under random
 * policies, and an oracle that works out from the world as it was drawn what each partner may know.
 *
 * Of the gate it asks only how each object was taken, and what is shown. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../sim/draw.h"
#include "core/buf.h"
#include "gate/gate.h"
#include "plant.h"

enum {
    PARTNERS = 8,
    LOCALS = 3, /* own, feed, quiet; then one a partner */
    SOURCES = LOCALS + PARTNERS,
    NODE_SOURCE = SOURCES, /* what the node says itself */
    THINGS = 96,
    NODE_THING = THINGS, /* the node's own identity */
    SAYINGS = 192,
    COPIES = 256,
    LINKS = 24,
    FIELDS = 24,
    GRANULARS = 4,
    MARKS = 3,
    OPS = 420,
    RULES = 8,
    POLICIES = 4,
    TAGS = 3,
    COMMUNITIES = 2,
    AGREEMENTS = 2,
    OPERATORS = 2,
    ANSWERS = 32, /* of one version, each rule once */
    ANSWERS_DUTIES = -2,
    PATH_MAX_ = 72,
    TEXT_MAX_ = 6144,
    BROKEN = 8192
};

#define SECOND INT64_C(1000000)
#define START  (INT64_C(1800000000) * SECOND)

/* --- what is drawn --- */

enum kind {
    KIND_IDENTITY,
    KIND_PERSON,
    KIND_STATEMENT,
    KIND_EXTENSION,
    KIND_DOMAIN,
    KIND_EMAIL,
    KIND_DIRECTORY,
    KIND_ACCOUNT,
    KIND_FILE,
    KIND_TRAFFIC,
    KIND_MESSAGE,
    KIND_INDICATOR,
    KIND_MALWARE,
    KIND_CUSTOM,
    KIND_OBSERVED,
    KIND_REPORT,
    KIND_GROUPING,
    KIND_NOTE,
    KIND_OPINION,
    KIND_RELATIONSHIP,
    KIND_SIGHTING,
    KIND_TRANSLATION,
    KINDS
};

struct thing {
    enum kind kind;
    int terms;       /* of a marking: a row of marks.c; 0: a statement */
    uint32_t canary; /* of what gives an observable its identifier */
    int of;          /* observables: the thing that this one is derived from; -1 */
    int to;          /* of traffic: where it went; -1: nobody says */
    char id[112];
    uint8_t uuid[16];
};

/* A marking: a TLP level (1 to 5) or, from MARK_THING on, a statement of this world. */
enum { MARK_THING = 100 };

struct field {
    uint32_t canary;
    bool required;
    bool personal; /* personal data, wherever it stands */
    char at[PATH_MAX_];
};

/* What may be left out of an object where a rule says so; one member, and one end of traffic, must stay. */
enum drop { DROP_NEVER, DROP_MEMBER, DROP_OTHER, DROP_END };

struct link {
    int thing;
    bool follows; /* as creator, marking or extension */
    bool required;
    bool text; /* within a longer text: no reference, but nothing that he may read without having it */
    enum drop drop;
    bool victim; /* says to whom it happened */
    char at[PATH_MAX_];
};

struct granular {
    int mark;
    char selector[PATH_MAX_];
};

/* One version, variant or rival copy of a thing. */
struct saying {
    int thing, version;
    unsigned source;
    bool revoked;
    int confidence; /* -1: none */
    uint32_t anchor;
    int marks[MARKS];
    size_t mark_count;
    struct granular granular[GRANULARS];
    size_t granular_count;
    struct field fields[FIELDS];
    size_t field_count;
    struct link links[LINKS];
    size_t link_count;
    int about;  /* of a translation; -1 */
    bool named; /* personal data that is the object, and no part of a text */
    char *text;
    size_t len;
};

enum atom_kind {
    ATOM_ALWAYS,
    ATOM_TLP,
    ATOM_TYPE,
    ATOM_CATEGORY,
    ATOM_TAG,
    ATOM_SOURCE,
    ATOM_OWN,
    ATOM_APPROVED,
    ATOM_CONFIDENCE,
    ATOM_REVOKED,
    ATOM_ONWARD,
    ATOM_MARKING,
    ATOM_PARTNER,
    ATOM_HAS_TLP,
    ATOM_NATION,
    ATOM_CLEARANCE,
    ATOM_COMMUNITY,
    ATOM_AGE, /* not of deny rules: when the node made its own identity is its own affair */
    ATOM_NEIGHBOUR,
    ATOMS
};

struct atom {
    enum atom_kind kind;
    bool negate;
    int op, value;
};

enum effect { EFFECT_DENY, EFFECT_HOLD, EFFECT_RELEASE };

/* What must happen to what a rule lets go. */
enum treat { TREAT_NOT, TREAT_MASK, TREAT_PSEUDONYMISE };
enum { RESHARE_NEVER = 1, RESHARE_COUNTRY = 2 };
struct duties {
    bool anonymise, drop;
    const char *redact[RULES]; /* selectors */
    size_t redact_count;
    enum treat personal;
    int64_t expire_us; /* 0: never */
    unsigned reshare;  /* limits on passing on, a bit each */
};

struct rule {
    enum effect effect;
    struct atom atom[3];
    size_t atom_count;
    bool any; /* or, not and */
    unsigned to;
    int community;              /* whose members `to` are; -1: named one by one */
    int64_t until_us, after_us; /* 0: none */
    int approvals;              /* that end a hold; 0: none does */
    int64_t deadline_us;        /* of a hold; 0: none */
    bool lapses_to_release;
    struct duties duties;
};

struct policy_plan {
    struct rule rule[RULES];
    size_t rule_count;
    int tlp_max[PARTNERS]; /* 0: none */
    int nation[PARTNERS];  /* 0: as the node has it */
    int clearance[PARTNERS];
    unsigned community[COMMUNITIES]; /* 0: there is none */
    struct {
        unsigned partners; /* 0: there is none */
        int64_t until_us;
    } agreement[AGREEMENTS];
    bool agreements_required;
    struct {
        unsigned partners; /* 0: there is none */
        unsigned objects;
        int64_t per_us;
    } budget;
};

enum op_kind {
    OP_SAY,
    OP_STEP,
    OP_SETTLE,
    OP_POLICY,
    OP_CLASSIFY,
    OP_TAG,
    OP_APPROVE,
    OP_STOP,
    OP_TIME,
    OP_RESTART,
    OP_START,
    OP_ASSUME,
    OP_MERGE,
    OP_NAME,    /* classify a marking for some readers */
    OP_UNBIND,  /* the policy in force, without its budget */
    OP_RELEASE, /* approve everything for one partner */
    OP_RECALL,  /* all copies of a thing are called back, and destroyed */
    OP_KINDS
};

struct op {
    enum op_kind kind;
    int a, b, c;
    bool off; /* taken away while shrinking */
};

struct plan {
    uint64_t seed;
    unsigned partners, started;
    bool cut;   /* granular markings are drawn */
    bool texts; /* identifiers stand within longer texts as well */
    struct thing things[THINGS];
    int thing_count;
    struct saying sayings[SAYINGS];
    int saying_count;
    struct policy_plan policies[POLICIES];
    struct op ops[OPS];
    int op_count;
    uint32_t canaries;
};

/* Draws a world from its seed. plan_free gives the texts back. */
void plan_make(struct plan *plan, uint64_t seed);
void plan_free(struct plan *plan);
bool kind_is_observable(enum kind kind);
bool kind_is_definition(enum kind kind);
const char *kind_type(enum kind kind);
/* One of these kinds (a bit each) but `except`; -1: there is none. */
int thing_pick(const struct plan *plan, struct draw *draw, unsigned kinds, int except);

/* --- say.c: one object as its source writes it --- */

void saying_make(struct plan *plan, int thing, int version, unsigned source, struct draw *draw);

/* --- policy.c: drawing policies, and their text --- */

extern const char *const policy_sources[LOCALS];
extern const char *const policy_communities[COMMUNITIES];
void policy_draw(struct policy_plan *policy, unsigned partners, struct draw *draw);
/* `unbound`: without the budget. */
/* Are these rules of two policies, or of one, the same words about the same? */
bool policy_asks_same(const struct plan *plan, int policy, int rule, int other_policy, int other_rule);
void policy_write(const struct policy_plan *policy, unsigned partners, bool unbound, struct buf *out);

/* --- marks.c: markings with terms of their own --- */

enum { NATION_USA = 1, NATION_KOR, NATIONS };
enum { CLEARANCE_NONE, CLEARANCE_U, CLEARANCE_C, CLEARANCE_S, CLEARANCES };
extern const char *const nation_names[NATIONS];
extern const char *const clearance_names[CLEARANCES];

size_t marks_count(void); /* rows, 0 (a statement) among them */
/* The members of a definition that is such a row. */
void marks_write(int row, struct buf *out);
/* What it comes down to at this time: 0: it is not in force. */
int marks_tlp(int row, int64_t now_us);
bool marks_names(int row); /* its readers */
bool marks_lets_read(int row, const struct policy_plan *policy, unsigned p, int64_t now_us);
/* Lists of nations and communities for which an operator classifies a statement; the first is nobody's. */
size_t marks_list_count(void);
size_t marks_list(int list, const char *const **out);
bool marks_list_has(int list, const struct policy_plan *policy, unsigned p);

/* --- what became of it --- */

struct kept {
    int saying;
    unsigned source;
    uint64_t lsn;
    int64_t received_us;
    bool assertion, quarantined, seen;
    uint32_t approved[OPERATORS], denied; /* by words that no rule asked for */
    struct answer {
        int policy, rule; /* ANSWERS_DUTIES: the built-in one */
        uint32_t by[OPERATORS];
    } answer[ANSWERS];
    size_t answer_count;
};

/* A leaf that a partner has. */
struct had {
    int thing, saying; /* -1: neither */
    bool minted, gone; /* taken back since */
    bool over;         /* the policy in force denies it */
    bool expired;
    int64_t at_us, expires_us; /* 0: never */
    int64_t gone_us;
    int64_t may_end_us; /* the same, where only the gate knows by which rules it went */
    uint64_t seq;
    uint8_t uuid[16];
    struct bytes text;
};

enum { LEAVES = 1024 };

struct shown {
    struct had at[LEAVES];
    size_t count;
    uint64_t seq;
    uint8_t *may; /* a canary each: it may be known */
};

struct world {
    struct plan *plan;
    struct gate *gate;
    struct disk *disk;
    struct index *index;
    struct kept copies[COPIES];
    size_t copy_count;
    bool taking;  /* what a policy takes back is asked: no wait of its rules has turned, for it begins */
    bool sure;    /* what must leave is asked, not what may: where that is not the same */
    bool waits;   /* no wait of a hold is taken to be over */
    size_t fresh; /* leaves of the partner who is looked at from here on came with this step, together */
    struct shown view[PARTNERS];
    uint32_t source[SOURCES];
    int64_t now_us;
    int policy; /* -1: none yet */
    uint32_t started;
    int assume[LOCALS];
    int classified[THINGS];
    uint32_t granted[THINGS];
    int rel_to[THINGS];
    bool unbound;    /* the policy in force counts no budget */
    bool looks_back; /* it is new, and nothing was taken back yet */
    int64_t
        calm_us; /* when all was settled, late enough, and since when nothing happened but time; else never */
    bool recalled[THINGS];
    bool tagged[THINGS][TAGS];
    int64_t settled_us[THINGS];
    bool stop_all, stop_partner[PARTNERS], stop_source[LOCALS];
    bool broken, verbose;
    char what[BROKEN];
    int64_t policy_us;
    uint64_t leaves, minted, withheld, taken, expired, policies;
};

/* --- rules.c --- */

enum {
    STATE_NONE = 1,
    STATE_STATEMENT = 2,
    STATE_KNOWN = 4,
    STATE_UNRESOLVED = 8,
    STATE_ASSUMED = 16,
    STATE_UNKNOWN = 32
};

struct facts {
    const struct kept *copy; /* NULL: the node's own identity */
    int thing;
    unsigned source, owner;
    unsigned states;
    int tlp, bare_tlp; /* 0: none; bare: of markings that name no readers */
    bool granted;      /* one names its readers */
    uint32_t onward;
    bool follows;
    int confidence;
    bool revoked;
};

struct verdict {
    uint32_t denied; /* by more than default */
    uint32_t held;
    uint32_t release;
    int rule[PARTNERS]; /* that lets it go */
};
void rules_judge(const struct world *w, const struct facts *facts, struct verdict *out);
/* Of the release rules that match for `p`, all duties together (POLICY.md section 6). */
/* May the wait of some hold be over, by the time that has gone by? When it began only the gate knows. */
bool rules_lapse_unsure(const struct world *w, const struct kept *copy);
struct duties rules_bind(const struct world *w, const struct facts *facts, unsigned p);
/* The duties of any rule that would let it go to `p`, whatever it is marked with. */
bool rules_treats(const struct world *w, const struct facts *facts, unsigned p,
                  bool (*treats)(const void *ctx, const struct duties *duties), const void *ctx);

/* --- facts.c --- */

const struct saying *kept_said(const struct world *w, const struct kept *copy);
/* The newest that speaks; NULL: nothing is held. */
const struct kept *kept_newest(const struct world *w, int thing);
bool kept_is_current(const struct world *w, const struct kept *copy);
bool thing_is_sco(const struct world *w, int thing);
bool thing_is_definition(const struct world *w, int thing);

enum { ALL_MARKS = -1, NO_GRANULAR = -2 };
/* `granular`: which granular markings count, one of these, or that one. */
void facts_find(const struct world *w, const struct kept *copy, int granular, struct facts *out);
void facts_of_node(struct facts *out);
/* The strictest level one reference away, in either direction (POLICY.md section 5b); 0: none. */
int facts_neighbour(const struct world *w, const struct facts *facts);
/* Partners to whom nothing of this source goes now. */
uint32_t facts_stopped(const struct world *w, unsigned source);
/* What the rules say, after stops, and never back to who brought it. */
void facts_decide(const struct world *w, const struct facts *facts, struct verdict *out);

/* --- forms.c --- */

enum form { FORM_NONE, FORM_WHOLE, FORM_CUT };

struct item {
    int copy; /* -1: the node's own identity */
    int thing;
    enum form form;
    bool on_demand, in;
    bool loose;     /* what is not there may be left out */
    bool minted;    /* whether or not it has what is taken out */
    bool anonymous; /* nobody is named as its creator, had it one or not */
    int hidden;     /* a creator who is not named; -1 */
    enum treat personal;
    int64_t expire_us;
    unsigned reshare;
    char selectors[GRANULARS + FIELDS][PATH_MAX_];
    size_t selector_count;
};

/* How one copy may go to `p`, whatever it refers to (section 7.2.3 of STIX 2.1). */
void form_find(const struct world *w, const struct kept *copy, unsigned p, struct item *out);
/* Unmarked, and no rule keeps it: it goes where something released names it. NULL: the node's identity. */
/* Does a duty of a rule that lets it go take something out of it? */
bool form_takes(const struct world *w, const struct kept *copy, unsigned p);
/* ...and is in what `had` says of it, so many translations away? */
bool form_takes_of(const struct world *w, const struct kept *target, unsigned p, unsigned steps,
                   const struct had *had);
bool form_goes_along(const struct world *w, const struct kept *copy, unsigned p);
/* ...and what becomes of a creator's personal data then. */
enum treat form_along_treats(const struct world *w, const struct kept *copy, unsigned p);
/* What is taken out takes this with it. */
bool form_link_covered(const struct item *item, const struct saying *saying, const struct link *link);
bool covers(const char *selector, const char *path);
bool item_covers(const struct item *item, const char *path);

/* --- dress.c --- */

/* An identifier as a JSON string may have it in the midst of a text: ways of writing it, all of which name
 * it. */
/* Of all of them, by dice; where a planted leak is about some, of these. */
unsigned dress_pick(unsigned dice);
void dress_write(unsigned which, const char *id, struct buf *out);
/* Its UUID without its type. */
void dress_write_alone(unsigned dice, const char *id, struct buf *out);
/* Leaves letters and digits alone of a JSON text, in lower case, with escapes of every kind read: in place,
 * answers how many. */
size_t dress_undo(char *text, size_t len);

/* --- judge.c --- */

struct judged {
    struct item at[2 * COPIES + 1]; /* of one copy there may be two: see judge */
    size_t count;
};

/* What may leave to partner `p` now, all together. When a wait ended only the gate knows: what may is asked
 * with it and without, for what waits goes in another form, and not only later. */
void judge(struct world *w, unsigned p, struct judged *out);
/* Is what `had` shows to `p` denied him now, whole or a part of it? */
bool judge_denies(struct world *w, unsigned p, const struct had *had);

/* --- watch.c --- */

/* Reads what is newly shown to each partner and compares it with what may be; `settled`: and the reverse. */
void watch(struct world *w, bool settled);
void watch_free(struct world *w);
/* Everything that was looked at for canaries; bytes. */
uint64_t watch_bytes(void);
/* The next canary at or after `*at`. */
bool watch_canary(struct bytes text, size_t *at, uint32_t *out);
void watch_tell(struct world *w, unsigned p, const char *what, struct bytes text);

/* --- back.c: what is over --- */

/* A policy came into force: nothing that it denies is given from now on, and none comes back. */
void back_begin(struct world *w);
/* All leaves anew: none has what is over. */
void back_look(struct world *w);
/* What had a time has none left when that is over, nor what he had of the same before, nor what speaks of it.
 */
void back_expire(struct world *w, unsigned p);
/* Is his time with some of this thing over, as far as is known here? */
bool back_over(const struct world *w, unsigned p, int thing);
/* Whatever denies it by now, nobody has it. */
void back_denied(struct world *w, unsigned p);
/* No window of the budget's time has more than it allows. */
void back_budget(struct world *w, unsigned p);

/* --- world.c --- */

void world_break(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* True when nothing leaked and nothing stuck. */
bool world_run(struct world *w, struct plan *plan, bool verbose);
void world_tell(const struct plan *plan);
