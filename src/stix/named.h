/* Identifiers in the midst of texts, also as editors, mailers and web pages dress them: dashes of every kind,
 * one or two of them, blanks and broken lines at them and within the digits, `indicator/UUID`,
 * `indicator:UUID`, `indicator_UUID`, `indicator`--`UUID` between marks, types in words (`threat actor:
 * UUID`), words that say that one follows (`indicator id UUID`, `--urn:uuid:UUID`), and what plain.h reads; a
 * single hyphen, as in a file's name, is none. Digits without any hyphen behind two of them, with blanks
 * within, or with other marks for the dashes (`indicator__6ba7b810_9dad_...`) are one only when they are
 * those of a UUID of version 4 or 5. Where two hyphens stand as the standard has them the type may be any;
 * else it is one of the standard's, or begins with x- (section 11.2), and that of an observable, whose words
 * stand in paths and logs as well, needs a UUID that follows from a value or a dash that somebody set.
 * Private to stix/. Pure; any thread. */
#pragma once

#include "core/uuid.h"
#include "stix/plain.h"
#include "stix/stix.h"

enum { STIX_NAMED_TYPE_MAX = 250, STIX_NAMED_MAX = STIX_NAMED_TYPE_MAX + 2 + UUID_TEXT_SIZE };

/* Can a UUID with a type before it be in it, dressed or not? Most texts have none, and are done here. */
bool stix_named_may(struct str text);
/* The same of a UUID alone. */
bool stix_named_may_alone(struct str text);

/* A UUID, and what stands before it. Places are those of the plain text. */
struct stix_named {
    size_t from, end; /* of the UUID */
    struct uuid uuid;
    /* What may be its type, in lower case, with the UUID behind it as the standard has it; type_len 0:
     * nothing.
     */
    char id[STIX_NAMED_MAX];
    size_t type_len;
    size_t starts[STIX_NAMED_TYPE_MAX]; /* where each byte of the type stands */
    bool strict;                        /* two hyphens, no more and no less */
    bool set;  /* a dash stands there that no path has: two of them, or another kind */
    bool weak; /* it is one only of a type of one's own: `X ACME SENSOR (UUID)` */
};

/* The next one that begins at or behind `from`; nothing before `last`, where the last name ended, is its
 * type. The way of `plain` is STIX_PLAIN_NAMES. */
bool stix_named_next(const struct stix_plain *plain, size_t last, size_t from, struct stix_named *out);

/* The digits of a UUID in their order, whatever parts them that is no letter, and whatever touches them: only
 * who knows the UUID can tell that they are one. Zero at the beginning, but for `plain` (STIX_PLAIN_NAMES).
 */
struct stix_digits {
    const struct stix_plain *plain;
    struct uuid uuid; /* the last 32 digits */
    size_t at;        /* behind the last one of them */
    size_t count;     /* that followed each other, and where the last 32 of these stand */
    size_t places[2 * UUID_SIZE];
};
/* As far as the next digit with 31 before it; false: there is none left. */
bool stix_digits_next(struct stix_digits *digits);
/* Where the first of them stands. */
size_t stix_digits_from(const struct stix_digits *digits);

/* Is it a name when its type begins at byte `at` of `type`? Then `*out_id` is the identifier, in `named`. */
bool stix_named_read(const struct stix_named *named, size_t at, struct str *out_id, struct stix_key *out);
