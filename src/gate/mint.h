/* Minted objects: what a partner gets in the place of an object that may not leave as it stands
 * (docs/protocol/MINTING.md, DESIGN 5). Each is a frame of the log of its own (MINT), made once, when it is
 * decided; replay never makes it again. Inside src/gate.
 *
 * A minted object is for one partner. It is no candidate, nobody finds it by searching, and nobody else is
 * ever told of it. */
#pragma once

#include "gate/state.h"

/* What a partner holds of one object, or held last: the row of (source key, partner, variant). */
struct mint {
    struct mint *next;      /* mint_variants */
    uint32_t variant;       /* of an observable: the number of the source it came from; 0: it has versions */
    struct stix_key source; /* of the object that it was made of */
    unsigned partner;
    uint64_t lsn;        /* the MINT */
    uint64_t obj;        /* the OBJ that it was made of */
    int64_t created_us;  /* first minting under this id */
    int64_t modified_us; /* 0: an observable has neither */
    bool derived;        /* the relationship to its source, no copy of it */
    bool superseded;     /* he was told that it is no longer current */
    uint8_t form[16];    /* head of SHA-256 over the object without its times */
    struct str id;
    struct str profile; /* what was taken out, a line each */
};

/* --- the secret under which identifiers are minted, secret.c --- */

/* Made when it is first needed, never changed. ERR_NOTFOUND: it was destroyed, and no other takes its place.
 * Wiped by the caller, as the next two. */
NODISCARD err_t mint_secret(struct gate *gate, int64_t now_us, struct hash *out);
/* The same without making one. ERR_NOTFOUND: there is none. */
NODISCARD err_t secret_held(const struct gate *gate, struct hash *out);
/* ...of one partner's view. */
NODISCARD err_t mint_secret_of(const struct gate *gate, unsigned partner, struct hash *out);
/* A log from before the secret stood in the key file: takes it there. */
NODISCARD err_t secret_settle(struct gate *gate, int64_t now_us);
NODISCARD err_t secret_replay(struct gate *gate, const struct frame *frame);
/* Any secret with a frame of its own: appended, and not applied. */
NODISCARD err_t secret_append(struct gate *gate, const struct record_secret *record, const struct hash *value,
                              uint64_t *out_lsn, uint64_t *out_slot);
/* Does this JOB frame hold it in clear? */
bool secret_is_bare(const struct frame *frame);

/* --- the node as creator --- */

/* Identifier of the identity object that stands for this node. */
NODISCARD err_t mint_creator_id(struct gate *gate, int64_t now_us, struct buf *out);
/* Its key; false when there is no secret yet. */
bool mint_creator_key(const struct gate *gate, struct stix_key *out);
/* Takes that object in from `source`, unless it is held. parser_one is used. */
NODISCARD err_t mint_creator(struct gate *gate, uint32_t source, int64_t now_us);
/* The same from the node itself, durably: before the first object is minted for a partner. */
NODISCARD err_t mint_creator_ready(struct gate *gate, int64_t now_us);
bool mint_creator_held(struct gate *gate);

/* "type--UUID" of what is minted from `source` for `partner`: keyed, so that nobody confirms a guess. It does
 * not depend on what was taken out: that would tell what an object has besides (docs/decisions/0039). */
NODISCARD err_t mint_id(struct gate *gate, unsigned partner, const struct stix_key *source, struct str type,
                        struct buf *out);

/* --- frames and rows --- */

/* What is made, but for its position; appends the frame and applies it. */
NODISCARD err_t mint_append(struct gate *gate, const struct mint *mint, const struct frame *obj,
                            struct bytes object, int64_t now_us, uint64_t *out_lsn, uint64_t *out_slot);
NODISCARD err_t mint_replay(struct gate *gate, const struct frame *frame);
/* A DECIDE released the MINT at `lsn`, or told that it is no longer current. ERR_NOTFOUND: no MINT is there.
 */
NODISCARD err_t mint_released(struct gate *gate, uint64_t lsn, struct mint *out);
NODISCARD err_t mint_superseded(struct gate *gate, uint64_t lsn);
/* He has none of his any more: his ledger begins anew. */
NODISCARD err_t mint_end_all(struct gate *gate, unsigned partner);

/* The row. Texts are copied to the arena. ERR_NOTFOUND: this partner never got one. */
NODISCARD err_t mint_load(struct gate *gate, const struct stix_key *source, unsigned partner,
                          uint32_t variant, struct arena *arena, struct mint *out);
/* All of them, of the lowest variant first; NULL: none. */
NODISCARD err_t mint_variants(struct gate *gate, const struct stix_key *source, unsigned partner,
                              struct arena *arena, struct mint **out);
/* By which he knows it: the first that is current, else the first. An order that no arrival changes: variants
 * must not take each other's place in turn. */
const struct mint *mint_known(const struct mint *variants);
/* Are they the same to whoever gets them? */
bool mint_says_same(const struct mint *a, const struct mint *b);
/* What a partner's time is over with (`expire`) does not come back to him: that version of the source, and
 * whatever says no more to him than it did, lest he see that something changed behind it. Of `as` source,
 * partner, obj, id and form are looked at. */
NODISCARD err_t mint_is_over(struct gate *gate, const struct mint *as, int64_t now_us, struct arena *arena,
                             bool *out);
/* By the position of its frame. */
NODISCARD err_t mint_at(struct gate *gate, uint64_t lsn, struct arena *arena, struct mint *out);
static inline bool mint_any(const struct gate *gate)
{
    return gate->mint_count > 0;
}
/* What some minted identifier stands for. False: it is none. */
bool mint_source_of(const struct gate *gate, const struct stix_key *minted, struct stix_key *out_source);
/* What a reference to `key` is about here: the source of what was minted, or `key` itself. */
struct stix_key mint_meant(const struct gate *gate, const struct stix_key *key);
/* Comes here under an identifier that this node minted, in its own name: only the node speaks for it. */
bool mint_is_ours(const struct gate *gate, const struct stix_object *object);
/* ...and says what was minted: it comes back. `object` with its tape. */
NODISCARD err_t mint_is_echo(struct gate *gate, const struct stix_object *object, struct arena *arena,
                             bool *out);
/* MINTs under this identifier that are for `partner`, newest first, as copies. */
NODISCARD err_t mint_copies(struct gate *gate, const struct stix_key *minted, unsigned partner,
                            struct copies *out);

/* Its content goes: only its leaf and whose it was stay (destroy.c). */
NODISCARD err_t mint_forget(struct gate *gate, const struct frame *frame, const struct record_gone *gone,
                            struct arena *arena);

/* The object in an opened MINT, and what goes beside it: what stands in `plain`, which is the object of any
 * other frame. `out_trail` may be NULL. */
NODISCARD err_t mint_object(const struct frame *frame, struct bytes plain, struct bytes *out,
                            struct bytes *out_trail);
