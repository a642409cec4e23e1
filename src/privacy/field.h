/* Inside the room: the role of a field (role.inc). */
#pragma once

#include "privacy/privacy.h"

/* What to do with a field's strings. */
enum field_own {
    FIELD_LOOK,    /* recognisers look */
    FIELD_NOTHING, /* a reference that names nobody by itself */
    FIELD_PATTERN,
    FIELD_NAME, /* from here: the string is one, whole */
    FIELD_ACCOUNT,
    FIELD_CREDENTIAL,
    FIELD_VICTIM,
};

/* What an object is; a row of role.inc may need one of these. */
enum {
    FIELD_NAMES = 1 << 0,      /* every object: the field names it, and its neighbours' view of it counts */
    FIELD_INDIVIDUAL = 1 << 1, /* an identity of one person */
    FIELD_TARGETS = 1 << 2,    /* a relationship "targets" whose target is an identity */
    FIELD_SERVICE = 1 << 3,    /* an account that no person uses */
};

struct field {
    enum privacy_role role;
    enum field_own own;
    unsigned needs;
};

/* `direct`: a member of the object itself (or of a list in it). `is`: bits of FIELD_* that hold. Names are
 * compared without case: those of headers are written in any. */
struct field field_find(struct str type, struct str name, bool direct, unsigned is);
