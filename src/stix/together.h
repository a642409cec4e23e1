/* Rules of STIX 2.1 that span two objects, asked of the objects of one file: versions of one id, one UUID for
 * two types, a translation and what it translates (section 7.1), samples of one malware (4.11.1), variant-of
 * (4.11.2), markings in a circle (3.2), an extension and its definition (7.3). A target that is not in the
 * file is no fault: nothing is said about it. For whoever shows findings to people; intake never asks.
 *
 * Objects are added as they are read, one at a time; kept of each are 24 bytes. Afterwards those that need
 * another one are read again from the text. Beyond the limits (LIMIT_STIX_TOGETHER*) objects are not
 * compared, and counted. One thread. */
#pragma once

#include "stix/stix.h"

struct stix_together;

/* A finding about one object because of another. */
struct stix_told {
    struct json_slice slice; /* of the object that it is about */
    uint32_t number, other;  /* as they were added: of that object, and of the other one */
    struct str id;
    struct stix_warning warning; /* `what` ends with the other's number; good during the call */
};

/* What a limit kept from being compared. */
enum stix_together_limit {
    STIX_TOGETHER_OBJECTS,     /* LIMIT_STIX_TOGETHER: later objects */
    STIX_TOGETHER_VERSIONS,    /* LIMIT_STIX_TOGETHER_VERSIONS: later objects of one UUID */
    STIX_TOGETHER_MARKINGS,    /* LIMIT_STIX_TOGETHER_EDGES: later markings of marking definitions */
    STIX_TOGETHER_DEFINITIONS, /* LIMIT_EXTENSIONS: later extension definitions */
    STIX_TOGETHER_BYTES,       /* LIMIT_STIX_TOGETHER_RATIO: objects that were not read again */
    STIX_TOGETHER_LIMITS
};

struct stix_together_sum {
    uint64_t beyond[STIX_TOGETHER_LIMITS];
    uint64_t dropped; /* findings that were not told */
};

NODISCARD err_t stix_together_new(struct stix_together **out);
/* NULL is nothing. */
void stix_together_free(struct stix_together *together);
/* Forgets every object: the next text begins. */
void stix_together_clear(struct stix_together *together);

/* `object`: of stix_lint without errors, and one that stix_canon takes; nothing of it is kept. `slice` is its
 * place in the text that stix_together_check will be given, `number` rises. ERR_NOMEM. */
NODISCARD err_t stix_together_add(struct stix_together *together, const struct stix_object *object,
                                  struct json_slice slice, uint32_t number);

/* Tells what is found: first of objects that ask for another, then of versions; each in the order of the
 * text. ERR_NOMEM. */
NODISCARD err_t stix_together_check(struct stix_together *together, struct bytes text,
                                    void (*tell)(void *ctx, const struct stix_told *told), void *ctx,
                                    struct stix_together_sum *out);
