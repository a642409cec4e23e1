/* Inside the room: the role of a field (role.inc), of a pattern's constants (pattern.c), values by their form
 * (value.c). */
#pragma once

#include "privacy/privacy.h"

/* What to do with a field's strings. */
enum field_own {
    FIELD_LOOK,    /* recognisers look */
    FIELD_FIXED,   /* they do, and what they find cannot be replaced */
    FIELD_MESSAGE, /* they do, and an address in angle brackets names a message */
    FIELD_BYTES,   /* base64; what is none is looked at */
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
    FIELD_PERHAPS = 1 << 4,    /* an identity that says no class, and nothing in it says organisation */
};

struct field {
    enum privacy_role role;
    enum field_own own;
    unsigned needs;
};

/* `direct`: a member of the object itself (or of a list in it); else no row counts. `is`: bits of FIELD_*
 * that hold. Names are compared without case: those of headers are written in any. */
struct field field_find(struct str type, struct str name, bool direct, unsigned is);

/* --- of an object (object.c) --- */

/* Keeps the whole value as what `own` says; `is`: bits of FIELD_*. */
void field_keep_whole(struct privacy_hits *hits, enum field_own own, unsigned is, struct str text,
                      size_t from, size_t len);
/* Nothing but masks, pseudonyms and marks: it names nobody any more. */
bool field_is_covered(struct str text);
/* The role that a hit has in a field of `role`: what is shared of an attacker or a sender is an address, an
 * account, a card, a password within a URL or a command; a person's number never is. */
enum privacy_role field_role_of(enum privacy_role role, const struct privacy_hit *hit);

/* --- of a pattern (pattern.c) --- */

/* Roles of the hits from `first` on, which lie in `text`, an indicator's pattern: constants compared with
 * to_refs and the like are the victim's, what no comparison holds is text; names, accounts and credentials
 * are kept whole. ERR_NOMEM. */
NODISCARD err_t pattern_judge(struct str text, size_t first, struct arena *arena, struct privacy_hits *hits);

/* --- of a rule in another language (rule.c) --- */

/* The same where the pattern is a rule whose parts are known (yara, sigma): what it says about itself is
 * text. */
bool rule_is_known(struct str language);
void rule_judge(struct str language, struct str text, size_t first, struct privacy_hits *hits);

/* --- by form (value.c) --- */

/* YYYY-MM-DDTHH:MM:SS[.fraction]Z with at most nine digits of a fraction. */
bool value_is_time(struct str text);
/* type--UUID. `out_type`: what stands before the dashes, which is anybody's words. */
bool value_is_identifier(struct str text, struct str *out_type);
/* Base64 too long to be read as anything else. */
bool value_is_bytes(struct str text);
