/* Data markings (sections 7.2.1, 1.7) in one model: the Traffic Light Protocol, whose identifiers are built
 * in and never read from the wire; statements; ACS 3.0 and IEP 2.0 (OASIS common objects). Whatever its
 * words, a definition comes down to one TLP level that is at least as strict, or to none: then nobody may
 * judge it but an operator. Deciding what may leave is policy's. Pure; any thread. */
#pragma once

#include "core/hash.h"
#include "stix/stix.h"

/* Wider first: a larger value shares with fewer. TLP 1.0 white is clear; 1.0 amber is amber. */
enum stix_tlp {
    STIX_TLP_NONE,
    STIX_TLP_CLEAR,
    STIX_TLP_GREEN,
    STIX_TLP_AMBER,
    STIX_TLP_AMBER_STRICT,
    STIX_TLP_RED,
};

/* The fixed ids of TLP 1.0 (section 7.2.1) and 2.0 (OASIS common objects), and the id that OpenCTI derives
 * for its own TLP:AMBER+STRICT. False for any other key. */
bool stix_tlp_from_key(const struct stix_key *key, enum stix_tlp *out);
/* The id of TLP 2.0 for a level; not of NONE. */
struct stix_key stix_tlp_key(enum stix_tlp tlp);
/* One of the fixed ids alone: everybody has these definitions without being sent them. */
bool stix_tlp_is_fixed(const struct stix_key *key);
/* "Stays here": what this marking stands on never leaves the node, whatever a policy says, and nobody can
 * classify it. Its meaning is built in like that of TLP; imports put it on what its owner passes to nobody
 * (MISP distribution 0). */
#define STIX_MARKING_STAYS_ID "marking-definition--4b0c9e17-2f8d-4d36-a1e5-9c7b3d60f842"
bool stix_marking_stays(const struct stix_key *key);
/* "clear", "amber+strict"; also "white" and "amber_strict". False otherwise. */
bool stix_tlp_from_name(struct str name, enum stix_tlp *out);
/* The same as people and other programs write it: any case, "TLP:" before it, "AMBER STRICT", "amber-strict".
 */
bool stix_tlp_from_label(struct str label, enum stix_tlp *out);
/* "none", "clear", "green", "amber", "amber+strict", "red". */
const char *stix_tlp_name(enum stix_tlp tlp);
static inline enum stix_tlp stix_tlp_narrowest(enum stix_tlp a, enum stix_tlp b)
{
    return a > b ? a : b;
}

enum stix_marking_kind {
    STIX_MARKING_UNKNOWN,     /* a definition_type or extension that bongsu does not read: policy denies */
    STIX_MARKING_TLP,         /* one of the built-in ids, whatever the object on the wire says */
    STIX_MARKING_TLP_FOREIGN, /* claims to be TLP under another id, which section 7.2.1 forbids */
    STIX_MARKING_STATEMENT,   /* text for people: an operator classifies it once */
    STIX_MARKING_IEP,
    STIX_MARKING_ACS,
};

enum stix_acs_class { STIX_ACS_U, STIX_ACS_C, STIX_ACS_S, STIX_ACS_TS };

/* Bits, in the order of the schema's terms. */
enum stix_acs_determination {
    STIX_ACS_PUBREL = 1,
    STIX_ACS_NF = 2, /* not for foreigners */
    STIX_ACS_AIS = 4,
    STIX_ACS_PII_NECESSARY = 8,
    STIX_ACS_NO_PII = 16,
    STIX_ACS_FOUO = 32,
    STIX_ACS_THREAT = 64,
};

/* Lists of control_set that limit by who the reader is. */
enum stix_acs_list {
    STIX_ACS_NATIONALITIES,
    STIX_ACS_ORGANISATIONS,
    STIX_ACS_ENTITIES,
    STIX_ACS_SHAREABILITY,
    STIX_ACS_CAVEATS,
    STIX_ACS_LISTS
};

/* Access Control Specification 3.0 as the extension states it; all of it checked against its schema. */
struct stix_acs {
    enum stix_acs_class classification;
    bool privilege_permits;  /* privdefault=permit */
    bool sharing_permits;    /* sharedefault=permit */
    unsigned determinations; /* enum stix_acs_determination */
    bool limited; /* by nationality, organisation, entity, shareability, caveat, sensitivity or compartment */
    bool denied;  /* a rule of access_privilege or further_sharing denies something */
    bool fits;    /* the whole of it was read */
    bool unread;  /* limited by a control that is none of the lists below */
    bool has_list[STIX_ACS_LISTS], has_privileges, has_sharing, has_disposition;
    struct json_val list[STIX_ACS_LISTS]; /* of strings; those that say ["ALL"] are not here */
    struct json_val privileges, sharing;  /* lists of rules */
    struct stamp disposition;             /* resource_disposition: to be destroyed then */
};

enum stix_iep_actions {
    STIX_IEP_NONE,
    STIX_IEP_CONTACT,
    STIX_IEP_INTERNAL,
    STIX_IEP_INDIRECT,
    STIX_IEP_DIRECT,
};
enum stix_iep_leave { STIX_IEP_MAY, STIX_IEP_MUST, STIX_IEP_MUST_NOT };

/* Information Exchange Policy 2.0. */
struct stix_iep {
    enum stix_tlp tlp; /* as stated; stix_marking.tlp is what it comes down to */
    enum stix_iep_actions actions;
    enum stix_iep_leave encrypt, notify, attribute, resell;
    struct stamp start, end; /* in force in [start, end) */
    bool has_end;
};

struct stix_marking {
    enum stix_marking_kind kind;
    enum stix_tlp tlp;    /* at least as strict as what it says; NONE: not to be judged. Of other kinds than
                             STIX_MARKING_TLP it speaks only for objects of the definition's own source */
    const char *why;      /* how it was read, or why not: one static sentence without an end */
    bool tlp_contradicts; /* a built-in id whose wire object says another level: worth an alarm */
    struct str statement; /* of STIX_MARKING_STATEMENT, borrowed */
    struct stix_acs acs;  /* of STIX_MARKING_ACS that fits the schema */
    struct stix_iep iep;
    struct hash meaning; /* SHA-256 over definition_type, definition, name and extensions, canonical: when
                            it changes, a classification no longer holds */
};

/* `object` must be a marking-definition that stix_read accepted. ERR_NOMEM, or what json_canon refuses. */
NODISCARD err_t stix_marking_read(const struct stix_object *object, struct stix_marking *out,
                                  struct fault *fault);
/* What it comes down to at that time: an IEP that is not in force comes down to NONE. */
enum stix_tlp stix_marking_tlp_at(const struct stix_marking *marking, struct stamp now);

/* --- inside the room --- */

/* acs.c, iep.c: fill `out` from the extension and set its tlp and why. */
void stix_acs_read(struct json_val extension, struct stix_marking *out);
void stix_iep_read(struct json_val extension, struct stix_marking *out);
/* Position of the string `name` of `object` among `words` (ended by NULL); -1 when it is none of them. */
int stix_marking_word(struct json_val object, const char *name, const char *const *words);
