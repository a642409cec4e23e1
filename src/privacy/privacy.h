/* Personal data in texts and STIX objects: who could be named by what is about to leave.
 *
 * A field is judged by its role first (role.inc): the address in an indicator's pattern is what is shared,
 * the address that received the mail is the victim's. Recognisers (form.inc, word.inc) then look for
 * identifiers: form, checksum, dates, separators and words around them add up to a score of 0..100. A
 * checksum raises and its absence never clears a Korean registration number: those issued since October 2020
 * carry none.
 *
 * A digit in another dress (circled, raised, of another script) is read as one, and also numbers an item or a
 * note: a text in which one is read is looked at twice, as if it were and were not one, and all that either
 * reading finds counts. What both find is one hit; where they differ over one place, what is whole without
 * such digits stands, and what else the other reads there is a hit of its own beside it.
 *
 * Pure, stateless tables: any thread. Time is linear in the text whatever it holds; only
 * texts with escapes, other widths or unseen characters are copied for the time of a call. Texts must be
 * UTF-8 (what a tape holds is). What is found is where and what, never a verdict: release is policy's. This
 * room must never write a found value anywhere but into what privacy_mask and privacy_pseudonymise return. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/seal.h"
#include "core/str.h"
#include "json/json.h"

/*    name, name for machines, is the form alone telling (a structured identifier)? */
#define PRIVACY_KINDS_LIST(X)                                                                                \
    X(KR_RRN, "kr-rrn", true)            /* resident registration number */                                  \
    X(KR_FRN, "kr-frn", true)            /* foreigner registration number */                                 \
    X(KR_PASSPORT, "kr-passport", true)  /* M12345678, since December 2021 M123A4567 */                      \
    X(KR_LICENCE, "kr-licence", true)    /* driver's licence */                                              \
    X(KR_BUSINESS, "kr-business", true)  /* business registration: often one person's */                     \
    X(KR_PHONE, "kr-phone", true)        /* mobile, land line, 070, 050x; +82 */                             \
    X(US_SSN, "us-ssn", true)            /* social security number */                                        \
    X(US_PHONE, "us-phone", true)        /* North American numbering plan; +1 */                             \
    X(PHONE, "phone", true)              /* any other country, with its + */                                 \
    X(EMAIL, "email", true)              /* also defanged, with Korean names and domains */                  \
    X(CARD, "card", true)                /* payment card */                                                  \
    X(NAME, "name", false)               /* of a person: told by the field */                                \
    X(ACCOUNT, "account", false)         /* of a person at a system: told by the field, or by a path */      \
    X(CREDENTIAL, "credential", false)   /* of an account: told by the field */                              \
    X(VICTIM, "victim-reference", false) /* an identifier that says to whom it happened */

enum privacy_kind {
#define X(name, word, structured) PRIVACY_##name,
    PRIVACY_KINDS_LIST(X)
#undef X
        PRIVACY_KINDS
};

/* What a field says about whoever is named in it. */
enum privacy_role {
    PRIVACY_TEXT,      /* anybody may be named in it */
    PRIVACY_INDICATOR, /* what is shared because it is the attacker's */
    PRIVACY_SENDER,    /* of a mail: may be related to the threat */
    PRIVACY_PERSON,    /* one person's own field */
    PRIVACY_VICTIM_OF, /* to whom it happened */
    PRIVACY_ROLES
};

/* Why a hit has its score. */
enum privacy_reason {
    PRIVACY_SEPARATED = 1 << 0, /* written in its usual groups */
    PRIVACY_DATE = 1 << 1,      /* holds a birth date that exists */
    PRIVACY_CHECKSUM = 1 << 2,
    PRIVACY_PREFIX = 1 << 3,  /* a region, network, issuer or area that exists */
    PRIVACY_BEFORE = 1 << 4,  /* a word before it says what it is */
    PRIVACY_AFTER = 1 << 5,   /* a word behind it does */
    PRIVACY_LABEL = 1 << 6,   /* the property's name does */
    PRIVACY_COUNTER = 1 << 7, /* a word before it says that it is something else */
    PRIVACY_CLOCK = 1 << 8,   /* as a number of milliseconds it is a time of this century */
    PRIVACY_JOINED = 1 << 9,  /* part of a longer name or list */
    PRIVACY_SHARED = 1 << 10, /* an office's, a service's or the system's own, not one person's */
    PRIVACY_DEFANGED = 1 << 11,
    PRIVACY_FIELD = 1 << 12,     /* the field says what it holds */
    PRIVACY_LOOKALIKE = 1 << 13, /* letters stand in it for digits */
    PRIVACY_UNCLASSED = 1 << 14, /* an identity's that says no class, and nothing says organisation */
};

struct privacy_hit {
    enum privacy_kind kind;
    enum privacy_role role;
    uint8_t score;    /* PRIVACY_SCORE_HIT and more: taken for personal data */
    uint16_t reasons; /* enum privacy_reason */
    size_t from, len; /* bytes of `text` */
    bool fixed;       /* in a member's name, a number, a pattern ...: it can be neither masked nor replaced */
    struct str text;  /* what it lies in, borrowed; in an object: an unescaped string, a member's name, or a
                         number's digits (in the arena) */
    struct str pointer; /* in an object: JSON pointer (RFC 6901) of that member, in the arena, with names
                           masked where they hold something themselves; else empty */
};

enum { PRIVACY_SCORE_HIT = 50 };

static inline struct str privacy_value(const struct privacy_hit *hit)
{
    return (struct str) {hit->text.at + hit->from, hit->len};
}

/* Memory of the caller; zero but for these three. */
struct privacy_hits {
    struct privacy_hit *at;
    size_t size;
    uint8_t score_min; /* less is not kept: PRIVACY_SCORE_HIT, or lower to see suspicions */
    size_t count;      /* in the order of the text; do not overlap within one text */
    size_t dropped;    /* so many more had no room: then treat the whole as personal data */
    uint64_t steps;    /* bytes and words looked at: the measure of time */
};

/* Looks at a text. `label`: what it is called where it stands (a property's name, a column), or empty: it
 * counts as words before each number. Appends to `hits`. */
void privacy_text(struct str text, struct str label, struct privacy_hits *hits);

/* Looks at every string, every number and every member's name of one object. What the standard makes an
 * identifier or a time is told by its form alone: a member's name lets nothing go unseen. `role`: of the
 * object as its neighbours have it: PRIVACY_TEXT when nothing is known; PRIVACY_INDICATOR for an observable
 * that an indicator is based on; PRIVACY_SENDER, PRIVACY_VICTIM_OF, PRIVACY_PERSON as privacy_ref_role says.
 * It moves only the fields that name the object (value, display_name, account_login ...), never its texts.
 * `arena` for pointers and the tree of a pattern. ERR_NOMEM. Duplicate member names are looked at each. */
NODISCARD err_t privacy_object(struct json_val object, enum privacy_role role, struct arena *arena,
                               struct privacy_hits *hits);

/* The role that a reference in `property` of an object of `type` gives to what it names: to_refs of an
 * email-message: PRIVACY_VICTIM_OF. PRIVACY_TEXT for all others. */
enum privacy_role privacy_ref_role(struct str type, struct str property);
/* Of two roles of one observable, the one that protects more. */
enum privacy_role privacy_role_stricter(enum privacy_role a, enum privacy_role b);

/* What an envelope remembers of one object. A kind's bit stands in the low half when it was found where it
 * may be anybody's (text, person, victim), in the high half when it is the indicator's or a sender's. */
struct privacy_facts {
    uint32_t kinds;
    uint8_t score; /* highest of the low half */
};

#define PRIVACY_FACT(kind)    (UINT32_C(1) << (kind))
#define PRIVACY_RELATED(kind) (UINT32_C(1) << ((kind) + 16))

/* Counts hits of PRIVACY_SCORE_HIT and more. With `dropped` ones the score is 100. */
struct privacy_facts privacy_facts(const struct privacy_hits *hits);

/* --- what may be done about it (change.c): texts in, texts out --- */

/* Appends `text` with every hit's letters and digits replaced one for one by '*' (what is not ASCII: U+FF0A,
 * of full width): the shape stays, nothing of the value. `hits` of this text, in order, not overlapping. */
void privacy_mask(struct str text, const struct privacy_hit *hits, size_t count, struct buf *out);

/* Appends `text` with every hit replaced by a token "[pseudonym:KIND:HEX]" that is the same for the same
 * value, however it is written, kind and key, and can be opened by the key alone: to the value's one form.
 * One key an audience: tokens of two audiences must not be comparable. What is longer than PRIVACY_VALUE_MAX
 * is masked instead. No recogniser finds a token. */
void privacy_pseudonymise(struct str text, const struct privacy_hit *hits, size_t count,
                          const struct seal_secret *key, struct buf *out);
/* Appends `text` with every token of this key replaced by its value; others stay. */
void privacy_reveal(struct str text, const struct seal_secret *key, struct buf *out);

enum { PRIVACY_VALUE_MAX = 510 };

/* --- one person's data, asked for (person.c) --- */

/* An identifier in its one form: a number's digits (+82 as 0), an address without what keeps
 * people from clicking on it, or any text; letters in lower case. */
struct privacy_person {
    char text[PRIVACY_VALUE_MAX];
    size_t len;
    bool number, address;
};
/* False: shorter than three bytes or longer than a value may be. */
bool privacy_person(struct str value, struct privacy_person *out);
/* Does the text hold it, in any of its forms and not as a part of a longer word or number? Both are read as
 * the recognisers read them (stix/plain.h, scan_separator). Linear in the text for each length of identifier.
 */
bool privacy_person_said(const struct privacy_person *person, struct str text);
/* Is the number it, perhaps without the zeros that numbers of JSON lose? */
bool privacy_person_is(const struct privacy_person *person, uint64_t number);

/* --- names --- */

const char *privacy_kind_name(enum privacy_kind kind);
/* PRIVACY_KINDS when there is none. */
enum privacy_kind privacy_kind_find(struct str name);
bool privacy_kind_structured(enum privacy_kind kind);
const char *privacy_role_name(enum privacy_role role);
/* Appends "in its usual groups, checksum right"; without any "the form alone". */
void privacy_reasons(uint16_t reasons, struct buf *out);
