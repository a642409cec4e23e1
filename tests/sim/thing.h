/* The objects that the simulated world speaks of: small STIX objects whose every property follows from
 * (seed, kind, number, version, variant), so that all nodes speak of the same ones. Next to the text stands
 * what it says, in the simulator's own terms: the oracle never asks bongsu's parser. */
#pragma once

#include "draw.h"
#include "stix/marking.h"
#include "stix/stix.h"

/* kind, STIX type */
#define THING_KIND_LIST(X)                                                                                   \
    X(INDICATOR, "indicator")                                                                                \
    X(MALWARE, "malware")                                                                                    \
    X(ORGANISATION, "identity")                                                                              \
    X(PERSON, "identity")                                                                                    \
    X(STATEMENT, "marking-definition")                                                                       \
    X(STRANGE, "marking-definition") /* a definition type that bongsu does not read */                       \
    X(REPORT, "report")                                                                                      \
    X(RELATION, "relationship")                                                                              \
    X(NOTE, "note")                                                                                          \
    X(DOMAIN, "domain-name")

enum thing_kind {
#define X(name, type) THING_##name,
    THING_KIND_LIST(X)
#undef X
        THING_KINDS
};

enum {
    THING_POOL = 5,  /* ids of a kind that the world speaks of */
    THING_EXTRA = 8, /* and those that only a twin run speaks of: two for each reason */
    THING_PER_KIND = THING_POOL + THING_EXTRA,
    THING_TARGETS = THING_KINDS * THING_PER_KIND,
    THING_REFS = 8,
    THING_TEXT = 1600,
};

struct thing_ref {
    uint16_t target; /* number of an id */
    bool follows;    /* creator or marking: the other may come along */
};

struct thing {
    unsigned number;
    enum thing_kind kind;
    uint16_t target; /* its own id */
    unsigned version;
    bool valid;        /* false: it breaks a rule of the standard */
    bool extra;        /* only in the second of two twin runs */
    bool parts;        /* has some that nobody may have: its `tlp` is that of the others */
    enum stix_tlp tlp; /* the narrowest of its TLP marks, granular ones included; NONE */
    bool marked;       /* has object_marking_refs */
    uint16_t marks[4]; /* ids of marking definitions that are not built in */
    size_t mark_count;
    bool parted; /* of some, a part says it: the whole says `whole_tlp` and the first `marks` */
    enum stix_tlp whole_tlp;
    size_t whole_mark_count;
    bool has_creator;
    uint16_t creator;
    struct thing_ref refs[THING_REFS];
    size_t ref_count;
    size_t len;
    char text[THING_TEXT]; /* followed by JSON_PADDING bytes at least */
};

enum { THINGS_MAX = 4096 };

/* Why nobody gets what twins add. */
enum thing_secret {
    THING_RED,
    THING_UNMARKED, /* from a source of which nothing is assumed */
    THING_REFUSED,  /* AMBER, tagged, and an operator said no */
    THING_TIED,     /* it may go, and what it refers to may not */
    THING_SECRETS,
};

/* Parts of an object that nobody may have, beside what everybody may: none; one; others, and more of them.
 * What a partner gets is the same for the last two. */
enum thing_parts { PARTS_PLAIN, PARTS_HIDDEN, PARTS_OTHER };

/* Do PARTS_OTHER hide further members as well, or other values of the same ones alone? */
enum { THING_HIDES_MEMBERS = 1 };

struct things {
    uint64_t seed;
    bool duties; /* what is tied to something withheld leaves without it, but for relationships */
    struct thing **at;
    size_t count;
    uint32_t *table; /* by hash of the text; 0: free */
};

void things_init(struct things *things, uint64_t seed);
void things_deinit(struct things *things);
/* The object of these coordinates; the same one each time. */
const struct thing *things_get(struct things *things, enum thing_kind kind, unsigned number, unsigned version,
                               unsigned variant, enum thing_parts parts);
/* An object that no partner may ever get, under an id that nobody else speaks of. */
const struct thing *things_secret(struct things *things, struct draw *draw, enum thing_secret why);
/* NULL: no such text. */
const struct thing *things_find(const struct things *things, struct bytes text);
/* What a text was made of that is not the object itself; NULL: not known. */
const struct thing *things_source(const struct things *things, struct bytes text);
/* What no partner may read, whatever else the text says; NULL: nothing of it. */
const char *things_hidden(struct bytes text);

static inline uint16_t thing_target(enum thing_kind kind, unsigned number)
{
    return (uint16_t)((unsigned)kind * THING_PER_KIND + number);
}
static inline enum thing_kind thing_target_kind(uint16_t target)
{
    return (enum thing_kind)(target / THING_PER_KIND);
}
static inline bool thing_is_marking(enum thing_kind kind)
{
    return kind == THING_STATEMENT || kind == THING_STRANGE;
}
/* May come along with its referrer. */
static inline bool thing_follows(enum thing_kind kind)
{
    return kind == THING_ORGANISATION || thing_is_marking(kind);
}
const char *thing_type(enum thing_kind kind);
enum { THING_ID_SIZE = 64 };
void thing_id(uint16_t target, char out[THING_ID_SIZE]);
struct stix_key thing_key(uint16_t target);
