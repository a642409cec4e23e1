/* Data markings (sections 7.2.1, 1.7): the Traffic Light Protocol, whose identifiers are built in and never
 * read from the wire, and what a marking-definition says. Deciding what may leave is policy's. Pure; any
 * thread. */
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

/* The fixed ids of TLP 1.0 (section 7.2.1) and 2.0 (OASIS common objects). False for any other key. */
bool stix_tlp_from_key(const struct stix_key *key, enum stix_tlp *out);
/* "Stays here": what this marking stands on never leaves the node, whatever a policy says, and nobody can
 * classify it. Its meaning is built in like that of TLP; imports put it on what its owner passes to nobody
 * (MISP distribution 0). */
#define STIX_MARKING_STAYS_ID "marking-definition--4b0c9e17-2f8d-4d36-a1e5-9c7b3d60f842"
bool stix_marking_stays(const struct stix_key *key);
/* "clear", "amber+strict"; also "white" and "amber_strict". False otherwise. */
bool stix_tlp_from_name(struct str name, enum stix_tlp *out);
/* "none", "clear", "green", "amber", "amber+strict", "red". */
const char *stix_tlp_name(enum stix_tlp tlp);
static inline enum stix_tlp stix_tlp_narrowest(enum stix_tlp a, enum stix_tlp b)
{
    return a > b ? a : b;
}

enum stix_marking_kind {
    STIX_MARKING_UNKNOWN,     /* a definition_type or extension that bongsu does not read: policy denies */
    STIX_MARKING_TLP,         /* one of the built-in ids, whatever the object on the wire says */
    STIX_MARKING_TLP_FOREIGN, /* claims to be TLP under another id, which section 7.2.1 forbids: unknown */
    STIX_MARKING_STATEMENT,   /* text for people: an operator classifies it once */
    STIX_MARKING_IEP,
    STIX_MARKING_ACS,
};

struct stix_marking {
    enum stix_marking_kind kind;
    enum stix_tlp tlp;    /* of STIX_MARKING_TLP, else NONE */
    bool tlp_contradicts; /* a built-in id whose wire object says another level: worth an alarm */
    struct str statement; /* of STIX_MARKING_STATEMENT, borrowed */
    struct hash meaning;  /* SHA-256 over definition_type, definition, name and extensions, canonical: when
                             it changes, a classification no longer holds */
};

/* `object` must be a marking-definition that stix_read accepted. ERR_NOMEM, or what json_canon refuses. */
NODISCARD err_t stix_marking_read(const struct stix_object *object, struct stix_marking *out,
                                  struct fault *fault);
