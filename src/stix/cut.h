/* An object without what may not leave (sections 3.5 and 7.2.3): values that selectors name, and identifiers
 * that the reader does not have, are taken out or renamed; the rest stays as it stands, member for member.
 *
 * What comes out is another object: the caller gives it an identifier, a creator and times of its own, and
 * reads it with stix_read before it believes in it. Descendants of what is cut go with it, a list or object
 * that becomes empty goes as well, elements behind a cut one move up, and selectors of granular markings
 * follow: none names what was removed. Pure; any thread. */
#pragma once

#include "core/arena.h"
#include "core/buf.h"
#include "stix/stix.h"

enum stix_cut_act { STIX_CUT_KEEP, STIX_CUT_RENAME, STIX_CUT_DROP };

struct stix_cut {
    const struct str *selectors; /* what goes; one that names nothing changes nothing */
    size_t selector_count;
    /* What becomes of another object's identifier, wherever it stands, in any case and dress (named.h): as a
     * value, as a member's name, or within a longer text. Its UUID alone goes, or changes, with it; so does
     * that of an identifier in what selectors cut, and the object's own. `*out`: the identifier, plain, until
     * this returns; the new one, for RENAME. NULL: all stay. */
    enum stix_cut_act (*name)(void *ctx, const struct stix_key *key, struct str *out);
    void *ctx;
    /* What a text says instead, or the same; asked about every string value with the place where the parser
     * left it, before names in it are. Good until it is asked again. NULL: all stay. */
    struct str (*text)(void *ctx, struct str text);
    void *text_ctx;
    struct str id;                /* its own new identifier, in the place of the old one everywhere */
    struct str creator;           /* created_by_ref; empty: there is none */
    struct str created, modified; /* empty: it has none */
    /* object_modified of a language-content, when its target is another object now: empty, it goes. at NULL:
     * it stays as it is. */
    struct str about_modified;
};

/* Appends the object to `out`. `root` as json_parse gave it. ERR_DENIED: what may not leave is part of what
 * it is (type, id, version, markings). ERR_LIMIT: selectors into too many members. */
NODISCARD err_t stix_cut(struct json_val root, const struct stix_cut *cut, struct arena *arena,
                         struct buf *out);

/* Every identifier that a reader might find within `text`, in any case and dress: what stix_cut asks about.
 * Where other letters touch its type each reading is told. `id`, plain and in lower case, is good until
 * `each` returns. ERR_NOMEM; ERR_LIMIT: 4 GiB and more. */
NODISCARD err_t stix_cut_names(struct str text,
                               void (*each)(void *ctx, const struct stix_key *key, struct str id), void *ctx);

/* The selectors that name something in `root`, each with its descendants: what of `selectors` it has.
 * Appended to `out` (room for all of them); answers how many. */
size_t stix_cut_found(struct json_val root, const struct str *selectors, size_t count, struct str *out);

/* Does an ID Contributing Property of this observable refer to another object? Then its identifier confirms a
 * guess at that one (section 2.9). */
bool stix_sco_id_refers(const struct stix_object *object);
