/* Questions that operators ask about everything a node holds, and the search file that answers them.
 *
 * The search file follows the log like the index does, but nobody waits for it: answers say how far it has
 * come. What it finds is read from the log again: an object whose secret was destroyed is not found, whatever
 * the file says. Nothing here looks at partners or policies: it is for the operator of this node alone, and
 * no protocol room may offer it to anybody else. */
#pragma once

#include "gate/gate.h"
#include "search/query.h"

struct gate_search;

/* `path` of the search file; its directory exists. A damaged one is made again. The gate outlives it. */
NODISCARD err_t gate_search_open(struct gate *gate, const char *path, struct gate_search **out);
void gate_search_close(struct gate_search *search); /* accepts NULL; no run may be under way */

struct gate_search_status {
    uint64_t applied, durable; /* log positions: indexed up to, and what there is */
    unsigned holes;            /* parts that are being made again */
    bool off;                  /* the file cannot be used: nothing is found until a restart */
};
void gate_search_status(const struct gate_search *search, struct gate_search_status *out);

/* Following the log, a bounded amount a call: gather reads up to `objects` in the gate's thread until
 * *out_ready; then run (any thread, beside everything here but gather), then done in the gate's thread.
 * ERR_NOTFOUND: nothing is left to do. */
NODISCARD err_t gate_search_gather(struct gate_search *search, unsigned objects, bool *out_ready);
NODISCARD err_t gate_search_run(struct gate_search *search);
err_t gate_search_done(struct gate_search *search, err_t err);
/* The versions at these positions were destroyed: their words go as well. No run may be under way. */
NODISCARD err_t gate_search_forget(struct gate_search *search, const uint64_t *lsns, size_t count);

/* --- finding --- */

struct gate_filter {
    struct search_query query;  /* the caller's: init before, deinit after */
    uint32_t source;            /* who reported it; GATE_SOURCE_NONE: anybody. Also a term of the query */
    uint32_t owner;             /* source that speaks for it; GATE_SOURCE_NONE: any */
    struct str tag;             /* local tag; empty: any */
    int64_t since_us, until_us; /* received in [since, until) */
    bool all;                   /* also what is no longer, or never was, its owner's word */
};

struct gate_found {
    struct gate_object object;
    const struct stix_object *stix; /* with its tape */
    uint32_t owner;
    const uint32_t *sources; /* all that reported this content, first the one that was first */
    size_t source_count;
    const struct str *tags;
    size_t tag_count;
};

enum { GATE_WALK_PAGE = 1024 };
/* A place in the answers. Zero it, set `newest_first`, and ask until `end`. */
struct gate_walk {
    bool newest_first, begun, end;
    uint64_t from;
    uint64_t lsns[GATE_WALK_PAGE]; /* found, not looked at yet */
    size_t at, count;
    bool last; /* nothing follows them */
};
/* The next answers: looks at up to `objects` candidates; `visit` answers false to stop behind this one. */
NODISCARD err_t gate_find(struct gate_search *search, const struct gate_filter *filter,
                          struct gate_walk *walk, unsigned objects,
                          bool (*visit)(void *ctx, const struct gate_found *found), void *ctx);

/* --- what people are late with --- */

struct gate_late {
    uint64_t reminded;   /* wait for a person, and nobody decided since their reminder */
    int64_t deadline_us; /* the nearest of all that wait; 0: none */
    bool more;           /* only the LIMIT_LATE_LOOKED that wait longest were looked at */
};
/* Zero where no rule of the policy in force has a deadline. */
NODISCARD err_t gate_late(struct gate *gate, unsigned partner, int64_t now_us, struct gate_late *out);

/* --- what was minted --- */

/* What an identifier that this node minted stands for (docs/protocol/MINTING.md). */
struct gate_minted {
    struct stix_key source; /* the object here */
    bool others;            /* of others too: what is left of two observables may be the same */
    uint64_t partners;      /* who has it, or had it, under this identifier */
};
/* ERR_NOTFOUND: nothing was minted under it, or all of it was destroyed. */
NODISCARD err_t gate_minted(struct gate *gate, const struct stix_key *id, struct gate_minted *out);
/* Back: what this partner has of an object under another identifier, in the arena. ERR_NOTFOUND: nothing. */
NODISCARD err_t gate_minted_as(struct gate *gate, const struct stix_key *source, unsigned partner,
                               struct arena *arena, struct str *out);

/* --- this node as a creator --- */

/* The identity under which it mints. False: there is no secret to mint with, so that nothing is in its name.
 */
bool gate_self(const struct gate *gate, struct stix_key *out);
/* That object, the same for everybody; appended to `out`. ERR_NOTFOUND: as above. */
NODISCARD err_t gate_self_write(const struct gate *gate, struct buf *out);
/* Identifier of a note in its name to one partner, about what stands in `about`: keyed, and the same each
 * time; appended to `out`. ERR_NOTFOUND. */
NODISCARD err_t gate_self_note_id(const struct gate *gate, unsigned partner, struct str about,
                                  struct buf *out);

/* --- whose word counts --- */

/* Does this source speak for what is held under an id: would its newer version count, and not stand beside
 * it? Observables are each source's own; nobody speaks for them, and nobody for what is not held. */
NODISCARD err_t gate_speaks(struct gate *gate, const struct stix_key *object, uint32_t source, bool *out);

/* --- neighbours --- */

struct gate_edge {
    struct stix_key other;   /* the neighbour */
    struct str from, to;     /* ids */
    struct str property;     /* that holds the reference; of a relationship its relationship_type */
    struct str relationship; /* id of the relationship that stands between them; empty: a plain reference */
};
/* What the newest version of an object refers to and what refers to it; a relationship is an edge between its
 * ends. Markings and creators, which tie everything together, and names within texts only with `all`. At most
 * `max` referrers. ERR_NOTFOUND: nothing is held under this id (what refers to it was visited all the same).
 */
NODISCARD err_t gate_neighbours(struct gate *gate, const struct stix_key *object, bool all, unsigned max,
                                void (*visit)(void *ctx, const struct gate_edge *edge), void *ctx);
/* The newest version of an object. ERR_NOTFOUND. `out` is good until the gate is asked again. */
NODISCARD err_t gate_newest(struct gate *gate, const struct stix_key *object, struct gate_found *out);
