/* Lists that operators supply for safety holds: networks, domains, hashes, words (docs/guide/feeds.md, "What
 * must not go out by mistake"). A list is read once into sorted tables and then only asked. Text is one entry
 * a line, `#` begins a comment; a MISP warninglist (JSON) is read as it is: types cidr, hostname and string.
 * Substrings and regular expressions are refused: they hold by accident.
 *
 * Constant once read; any thread. No recursion; at most LIMIT_LIST_ENTRIES entries of LIMIT_LIST_BYTES. */
#pragma once

#include "core/arena.h"
#include "core/limit.h"
#include "gate/reach.h"
#include "search/term.h"
#include "stix/stix.h"

enum gate_list_kind {
    GATE_LIST_CIDR,
    GATE_LIST_DOMAIN, /* and everything below */
    GATE_LIST_HASH,
    GATE_LIST_STRING,   /* the whole value, in any case; an address or a name in any spelling */
    GATE_LIST_MISP,     /* says its kind itself */
    GATE_LIST_RESERVED, /* built in: networks and domains that nobody owns (RFC 6890, 5737, 3849, 2606) */
    GATE_LIST_BROAD,    /* built in: what matches too much */
    GATE_LIST_KINDS
};
/* "cidr"; and back: false when there is none of that name. */
const char *gate_list_kind_name(enum gate_list_kind kind);
bool gate_list_kind_find(struct str name, enum gate_list_kind *out);

struct list;
struct overlap;

/* `text` is followed by JSON_PADDING readable bytes, and empty for the built-in kinds. ERR_INVALID with the
 * line in `fault`, ERR_UNSUPPORTED, ERR_LIMIT, ERR_NOMEM, or what json_parse refuses. */
NODISCARD err_t list_read(enum gate_list_kind kind, struct bytes text, struct arena *arena,
                          const struct list **out, struct fault *fault);
size_t list_entries(const struct list *list);

/* --- asking --- */

/* A value in a pattern or an observable. */
struct list_value {
    struct str text;
    bool host;      /* may be an address, a network, a domain, or hold one (URL, e-mail address) */
    bool observed;  /* of an observable: nothing is too broad there */
    bool matched;   /* LIKE, MATCHES: asked only whether it matches everything */
    bool is_domain; /* stands where a domain name belongs */
    bool is_place;  /* stands where an address, a name or a URL belongs: "127.1" is an address there */
    bool again;     /* another spelling, or what a pattern would match: nothing is too broad about that */
    bool open;      /* a whole pattern that matches nearly everything (gate/broad.h); only broad has it */
    bool serial;    /* a number in hexadecimal, which is no hash */
    const struct reach *reach; /* of the text, where it was read before; or NULL */
    struct overlap *overlap;   /* of a LIKE or MATCHES, its text beside: nothing but this is asked; or NULL */
    unsigned *searches; /* each `_` is one unknown character (wordlist.h), and so many searches are left;
                           NULL: it is itself */
};
bool list_hits(const struct list *list, const struct list_value *value);

/* `steps`: that walks over lists may take, LIMIT_LIST_STEPS for one object; counted down. Calls `each` for
 * each value of an indicator's pattern (of STIX, or foreign.h), as it stands and as it is meant (spelling.h;
 * of LIKE and MATCHES what they spell out), then for a pattern that is `open`, then for all that LIKE and
 * MATCHES match (overlap.h); or of an observable that has values (addresses, domains, URLs, e-mail addresses,
 * hashes of files and certificates, where an artifact lies, whom a web request asks), until it answers true.
 * `object` with its tape. */
bool list_each_value(const struct stix_object *object, struct arena *arena, uint64_t *steps,
                     bool (*each)(void *ctx, const struct list_value *value), void *ctx);
/* Has it such values at all? */
bool list_concerns(const struct stix_object *object);
