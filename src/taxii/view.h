/* What a readable collection holds, as entries in the order of date_added: the leaves of a release view that
 * carry an object, or the objects that came from the source of a workspace. For taxii/ only.
 *
 * Positions count within the view alone (sequence numbers; ordinals), so that nothing about the rest of the
 * node shows in them. */
#pragma once

#include "taxii/collection.h"

struct entry {
    uint64_t position;
    uint64_t order;     /* as in struct version */
    int64_t date_us;    /* date_added: unique, rises with the position */
    struct str id;      /* empty: nothing to show here (a leaf without content); count it and go on */
    struct str version; /* text as in the object; empty: date_added stands for it */
    struct stix_key key;
    struct stamp stamp; /* zero without version */
    struct bytes object;
};

/* Copies of one id. Where one stands among the entries is dear to find in a workspace: view_place tells. */
struct version {
    uint64_t order; /* of arrival; names this copy within the view. Never shown to anybody */
    struct stamp stamp;
    bool versionless;
    uint64_t position; /* after view_place */
    int64_t date_us;   /* likewise */
};

struct view {
    struct taxii *taxii;
    const struct collection *collection;
    struct workspace *workspace; /* NULL: a release view */
    bool first_wins; /* among copies of one version: what a workspace got first, what a view got last */
    struct buf scratch;
};

NODISCARD err_t view_init(struct view *view, struct taxii *taxii, const struct collection *collection);
void view_deinit(struct view *view);
/* The first position whose date is later; the end of the view when there is none. */
NODISCARD err_t view_after(struct view *view, int64_t after_us, uint64_t *out_position);
/* Visits entries from `from` on until `visit` answers false. `visit` must not come back to the view. */
NODISCARD err_t view_scan(struct view *view, uint64_t from,
                          bool (*visit)(void *ctx, const struct entry *entry), void *ctx);
/* Entries of one id, in no order; the newest `max` when there are more. */
NODISCARD err_t view_versions(struct view *view, const struct stix_key *key, struct version *out, size_t max,
                              size_t *out_count);

NODISCARD err_t view_place(struct view *view, struct version *version);
/* Of a workspace: the version that no other one is later than. ERR_NOTFOUND. */
NODISCARD err_t view_newest(struct view *view, const struct stix_key *key, struct stamp *out);

/* The id and the version's text of an object, borrowed from taxii->parser. False when it has no id or is no
 * object. `text` is followed by JSON_PADDING readable bytes. */
bool view_object_read(struct taxii *taxii, struct bytes text, struct str *out_id, struct str *out_version);
