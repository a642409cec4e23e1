/* What somebody is called, where others say it: a name in a text or a member's name, however it is written
 * there. Letters and digits alone are compared, as plain.h reads names, in any case, without marks upon Latin
 * letters, Hangul composed (Unicode 3.12): blanks, dashes, broken lines, marks of markup between them change
 * nothing, nor does it when they are missing. Latin letters count as words of their own; of other scripts
 * nobody here knows where words end, and a name in these counts wherever it stands. A short name must stand
 * together as it is written, and one of another script that does not must begin where a word does.
 *
 * Names are in the arena that they were made in. Linear in the text. Pure; any thread. */
#pragma once

#include "core/arena.h"
#include "json/json.h"

/* A name as a row of letters. */
struct stix_letters {
    const uint32_t *at;    /* the first of them */
    const uint8_t *parted; /* something stands before this one */
    const uint8_t *back;   /* how many of the first ones end here, too */
    size_t count;
    bool more;  /* it has others */
    bool whole; /* it must stand together */
};

/* Read both as it stands and as plain.h has it: that reads letters that are drawn alike, and of Greek and
 * Cyrillic it takes capitals for others than their small ones. */
struct stix_called {
    struct str name; /* looked for as it stands when it has no letters */
    struct stix_letters open, plain;
};

/* ERR_NOMEM. */
NODISCARD err_t stix_called_new(struct str name, struct arena *arena, struct stix_called *out);

/* Does the text say one of them? ERR_NOMEM; ERR_LIMIT: 4 GiB and more. */
NODISCARD err_t stix_called_in_text(const struct stix_called *called, size_t count, struct str text,
                                    bool *out);

/* Does any text of an object, its type when it is no standard one, or a member's name that the standard does
 * not have? What its head says is not asked. */
NODISCARD err_t stix_called_in(const struct stix_called *called, size_t count, struct json_val root,
                               bool *out);
