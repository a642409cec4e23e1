/* Where one person's identifier stands in everything this node keeps: held objects of every version, what was
 * minted of them, what waits or waited in quarantine (docs/guide/personal-data.md). Reads the log in
 * portions; keeps nothing of what it read but the place. */
#pragma once

#include "core/arena.h"
#include "gate/gate.h"
#include "privacy/privacy.h"

struct gate_place {
    enum gate_place_kind { GATE_PLACE_HELD, GATE_PLACE_MINTED, GATE_PLACE_QUARANTINED } kind;
    uint64_t lsn;
    uint64_t
        whole; /* what is called back to have it gone: the object that it was minted from, or mended to */
    uint32_t source;
    int64_t received_us; /* MINTED: when it was made */
    unsigned partner;    /* MINTED: for whom */
    struct str id;       /* empty: it is no STIX object */
    struct str version;  /* text of modified, or created; empty: it has none */
    struct str pointers; /* RFC 6901, a line each, the first LIMIT_PERSON_POINTERS; empty: it is no JSON */
};

struct gate_persons {
    struct privacy_person person;
    uint64_t from;        /* position in the log; 0: the beginning */
    uint64_t read, found; /* frames */
    bool end;
    struct arena arena;
    struct buf pointers;
};
void gate_persons_init(struct gate_persons *persons, const struct privacy_person *person);
void gate_persons_deinit(struct gate_persons *persons);
/* Reads at most `frames` more and calls `visit` for each that holds it; what the place names is good during
 * the call, in which the gate may be asked anything. */
NODISCARD err_t gate_persons_next(struct gate *gate, struct gate_persons *persons, size_t frames,
                                  void (*visit)(void *ctx, const struct gate_place *place), void *ctx);

/* What recognisers find in the newest copy of an object, the attacker's own included; how the release rule in
 * force treats it stands in gate_why.without. Strings are good during the call. ERR_NOTFOUND. */
NODISCARD err_t gate_personal(struct gate *gate, const struct stix_key *object,
                              void (*each)(void *ctx, const struct privacy_hit *hit), void *ctx);

/* Is what stands at this JSON pointer a part of what a form goes without (gate_why.without)? */
bool gate_taken_out(struct str without, struct str pointer);

/* A keyed digest of the identifier: what a record may say of a search. ERR_NOTFOUND: there is no key yet. */
NODISCARD err_t gate_person_digest(const struct gate *gate, const struct privacy_person *person,
                                   struct hash *out);
/* Appends `text` with the pseudonyms that were made for any partner replaced by what they stand for. */
NODISCARD err_t gate_reveal(const struct gate *gate, struct str text, struct buf *out);
