/* Selectors of granular markings (section 7.2.3): which values of an object each one names. Pure; any thread.
 * Results borrow from the json_doc. An object with duplicate member names gives the first: canonicalise
 * before trusting. */
#pragma once

#include "core/limit.h"
#include "stix/stix.h"

/* What `selector` names in `root`, value after value. A name of the standard has no dot (sections 2.3
 * and 3.1), but nobody keeps one out of what stands deep in a custom property: there "x_d.a.b" is read as the
 * member "a.b" of x_d as well as the member b of its a, and names both, for whoever marked it meant one of
 * them. `steps`: members and elements that may still be looked at, counted down; start with
 * LIMIT_STIX_SELECTOR_STEPS for one object, so that many selectors into long lists stay linear. At 0 there is
 * no further value: the caller says "too many", never "not there". */
struct stix_selector_level {
    struct json_iter iter;
    struct json_val value; /* an object or a list */
    bool is_object, done;
    struct str name;          /* of the member that the way goes through */
    uint64_t index;           /* or of the element */
    struct str rest, further; /* the selector from here on, and from what lies below */
};

struct stix_selector_walk {
    size_t *steps;
    size_t depth; /* levels of the way to the last value */
    struct stix_selector_level levels[LIMIT_JSON_DEPTH + 1];
};

void stix_selector_begin(struct stix_selector_walk *walk, struct json_val root, struct str selector,
                         size_t *steps);
bool stix_selector_next(struct stix_selector_walk *walk, struct json_val *out);

/* The first of these; false when it names nothing that is there, or is no selector. */
bool stix_selector_resolve(struct json_val root, struct str selector, size_t *steps, struct json_val *out);

/* One selector of one granular marking. */
struct stix_granular {
    struct str marking_ref; /* empty when the entry is about a language */
    struct str lang;        /* empty when the entry is about a marking */
    struct str selector;
    size_t entry; /* position in granular_markings */
    size_t at;    /* position in that entry's selectors */
    bool resolved;
    struct json_val value; /* when resolved: marked with everything in it */
};

struct stix_granular_iter {
    struct json_val root;
    struct json_iter entries;
    struct json_iter selectors;
    struct stix_granular now;
    size_t steps; /* 0 after the last: the limit was met, so what did not resolve may be there */
    bool inside;
};

/* `object` from stix_read. Selectors in document order. */
struct stix_granular_iter stix_granular_iter(const struct stix_object *object);
bool stix_granular_next(struct stix_granular_iter *iter, struct stix_granular *out);
