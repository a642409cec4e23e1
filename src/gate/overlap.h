/* Do what a LIKE or MATCHES matches, and what a list has, meet? Its automaton (automaton.h) is walked over
 * the entries: hashes and values as they stand; names, and addresses in their digits, where they stand in a
 * value of that sort.
 *
 *   plainly   the entry alone, behind www., as a URL with no path, as an address of e-mail: it is matched
 *   within    below it, or in a URL with any path: matched, and the pattern tells it from a name or an
 * address that nobody has. `http://%/gate.php` matches all hosts, and is about none of them.
 *
 * What cannot be told, in `steps` or for want of memory, meets. One thread; the memory is its own until
 * overlap_close. Inside src/gate, and tests. */
#pragma once

#include "gate/automaton.h"

struct list;

enum overlap_place {
    OVERLAP_VALUE, /* anything else: only values that are no names */
    OVERLAP_HASH,
    OVERLAP_ADDRESS,
    OVERLAP_NAME,
    OVERLAP_URL,
    OVERLAP_MAIL,
    OVERLAP_HOST, /* any of the last four */
    OVERLAP_PLACES
};

/* Where a name, or an address, may begin: alone; and behind other text of the value. 0: nowhere. */
struct overlap_begin {
    unsigned plain, within;
    unsigned plain_nobody, within_nobody; /* behind these and one that nobody has */
};

struct overlap {
    enum overlap_place place;
    struct arena arena;
    struct automaton *automaton; /* NULL: no memory */
    unsigned alone;              /* before everything but its begin */
    struct overlap_begin name, net4, net6;
    uint64_t walked;           /* characters of the word that is asked */
    uint16_t *octets, *digits; /* by state: the state behind any of them, + 1; 0: not asked yet */
};

/* `steps`: left; counted down. Without memory it is lost. To be closed. */
void overlap_open(struct overlap *overlap, enum overlap_place place, struct str pattern, bool like,
                  uint64_t *steps);
void overlap_close(struct overlap *overlap);
bool overlap_hits(struct overlap *overlap, const struct list *list);
/* Was it too much to tell? Then everything is hit. */
bool overlap_lost(const struct overlap *overlap);
/* ...and only because its steps were spent? */
bool overlap_spent(const struct overlap *overlap);
/* Does it match URLs, or names, that nobody thought of: all there are? */
bool overlap_is_open(struct overlap *overlap);
