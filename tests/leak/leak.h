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
    uint32_t canary; /* of what gives an observable its identifier */
    int of;          /* observables: the thing that this one is derived from; -1 */
    char id[112];
    uint8_t uuid[16];
};

/* A marking: a TLP level (1 to 5) or, from MARK_THING on, a statement of this world. */
enum { MARK_THING = 100 };

struct field {
    uint32_t canary;
    bool required;
    char at[PATH_MAX_];
};

struct link {
    int thing;
    bool follows; /* as creator, marking or extension */
    bool required;
    bool text; /* within a longer text: no reference, but nothing that he may read without having it */
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
    int about; /* of a translation; -1 */
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
    ATOM_AGE, /* not of deny rules: when the node made its own identity is its own affair */
    ATOMS
};

struct atom {
    enum atom_kind kind;
    bool negate;
    int op, value;
};

enum effect { EFFECT_DENY, EFFECT_HOLD, EFFECT_RELEASE };

struct rule {
    enum effect effect;
    struct atom atom[3];
    size_t atom_count;
    bool any; /* or, not and */
    unsigned to;
    int64_t until_us, after_us; /* 0: none */
    bool until_approved;
};

struct policy_plan {
    struct rule rule[RULES];
    size_t rule_count;
    int tlp_max[PARTNERS]; /* 0: none */
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
const char *kind_type(enum kind kind);
void policy_draw(struct policy_plan *policy, unsigned partners, struct draw *draw);
void policy_write(const struct policy_plan *policy, unsigned partners, struct buf *out);

/* --- what became of it --- */

struct kept {
    int saying;
    unsigned source;
    uint64_t lsn;
    int64_t received_us;
    bool assertion, quarantined, seen;
    uint32_t approved, denied;
};

/* A leaf that a partner has. */
struct had {
    int thing, saying; /* -1: neither */
    bool minted, gone; /* taken back since */
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
    struct shown view[PARTNERS];
    uint32_t source[SOURCES];
    int64_t now_us;
    int policy; /* -1: none yet */
    uint32_t started;
    int assume[LOCALS];
    int classified[THINGS];
    uint32_t granted[THINGS];
    bool tagged[THINGS][TAGS];
    int64_t settled_us[THINGS];
    bool stop_all, stop_partner[PARTNERS], stop_source[LOCALS];
    bool broken, verbose;
    char what[BROKEN];
    uint64_t leaves, minted, withheld;
};

/* --- rules.c --- */

enum { STATE_NONE = 1, STATE_STATEMENT = 2, STATE_KNOWN = 4, STATE_UNRESOLVED = 8, STATE_ASSUMED = 16 };

struct facts {
    const struct kept *copy; /* NULL: the node's own identity */
    int thing;
    unsigned source, owner;
    unsigned states;
    int tlp; /* 0: none */
    uint32_t onward;
    bool follows;
    int confidence;
    bool revoked;
};

struct verdict {
    uint32_t denied; /* by more than default */
    uint32_t release;
};
void rules_judge(const struct world *w, const struct facts *facts, struct verdict *out);

/* --- judge.c --- */

enum form { FORM_NONE, FORM_WHOLE, FORM_CUT };

struct item {
    int copy; /* -1: the node's own identity */
    int thing;
    enum form form;
    bool on_demand, in;
    char selectors[GRANULARS + FIELDS][PATH_MAX_];
    size_t selector_count;
};

struct judged {
    struct item at[COPIES + 1];
    size_t count;
};

/* What may leave to partner `p` now, all together. */
void judge(const struct world *w, unsigned p, struct judged *out);
bool covers(const char *selector, const char *path);
bool item_covers(const struct item *item, const char *path);

/* --- watch.c --- */

/* Reads what is newly shown to each partner and compares it with what may be; `settled`: and the reverse. */
void watch(struct world *w, bool settled);
void watch_free(struct world *w);
/* Everything that was looked at for canaries; bytes. */
uint64_t watch_bytes(void);

/* --- world.c --- */

void world_break(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* True when nothing leaked and nothing stuck. */
bool world_run(struct world *w, struct plan *plan, bool verbose);
void world_tell(const struct plan *plan);

/* --- plant.c --- */

/*    name, what it does */
#define LEAK_LIST(X)                                                                                         \
    X(MEMBERS, "members", "closure does not see object_refs")                                                \
    X(ENDS, "ends", "closure does not see the ends of relationships and sightings")                          \
    X(OTHERS, "others", "closure does not see custom properties")                                            \
    X(GRANULAR, "granular", "granular markings are not read")                                                \
    X(SELECTOR, "selector", "a cut forgets its last selector")                                               \
    X(TRANSLATION, "translation", "translations of what is cut stay")                                        \
    X(TEXTS, "texts", "names in the midst of texts are not seen")                                            \
    X(RENAME, "rename", "what was minted is named by its own identifier")                                    \
    X(UNKEYED, "unkeyed", "minted identifiers follow from the source alone")                                 \
    X(CONFLICT, "conflict", "a rival copy's marking does not bind")                                          \
    X(UNRESOLVED, "unresolved", "a marking that has not arrived is clear")                                   \
    X(STATEMENT, "statement", "a statement that nobody classified is clear")                                 \
    X(CARRIER, "carrier", "unmarked observables do not inherit")                                             \
    X(DENY, "deny", "one deny of many is dropped")                                                           \
    X(STOP, "stop", "stops are forgotten")                                                                   \
    X(STUCK, "stuck", "circles do not leave")

enum leak {
    LEAK_NONE,
#define X(name, word, text) LEAK_##name,
    LEAK_LIST(X)
#undef X
        LEAKS
};
void plant(enum leak leak);
