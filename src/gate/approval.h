/* What operators said about single objects: whose word lets a version go to a partner, on what basis, or
 * keeps it. One fact an object; its rows are read here and nowhere else. Inside src/gate. */
#pragma once

#include "core/rd.h"
#include "gate/gate.h"

/* A row of the fact (LOG.md, kind 6). Borrows the value. */
struct approval {
    uint64_t lsn; /* the version */
    unsigned partner;
    enum gate_approval word;
    struct str who, basis; /* empty: said without one */
    bool bound;            /* the row says what it answered; older ones do not */
    struct str rule;       /* empty: nothing asked */
    struct hash asked;     /* policy_rule_asks of that rule then */
};
/* The next row; ERR_NOTFOUND behind the last, ERR_CORRUPT. */
NODISCARD err_t approval_next(struct rd *rd, struct approval *out);
/* The rows as the index keeps them. An older row answers the rule by which the version was held when it was
 * said, which replay knows; in an index of before it answers none. Borrows from the fact, or the gate. */
NODISCARD err_t approval_settle(struct gate *gate, const struct record_fact *fact, struct bytes *out);

/* Does what he says count as one of two (gate_operators)? */
bool approval_is_person(const struct gate *gate, struct str who);
/* Adds the words about the version at `lsn`; storage comes from the arena. Nobody counts twice, and as one of
 * two only a person does (gate_operators). */
NODISCARD err_t approvals_add(struct gate *gate, const struct stix_key *object, uint64_t lsn,
                              struct arena *arena, struct policy_facts *facts);
/* What gate_asked says of the version at `lsn`, but for who answered. */
NODISCARD err_t approval_asked(struct gate *gate, uint64_t lsn, unsigned partner, int64_t now_us,
                               struct arena *arena, struct gate_asked *out);
/* How many of those for `partner` count for a hold that asks this, and who they are. */
struct asking {
    struct policy_people people;
    struct hash asked;
};
NODISCARD err_t approvals_so_far(struct gate *gate, const struct stix_key *object, uint64_t lsn,
                                 unsigned partner, const struct asking *asking, struct arena *arena,
                                 unsigned *out_count, struct str *out_who);
/* On what basis it was approved for `partner`: "alice: warrant 12/2026", one after the other. Copied to the
 * arena; empty when nobody said. */
NODISCARD err_t approval_basis(struct gate *gate, const struct stix_key *object, uint64_t lsn,
                               unsigned partner, struct arena *arena, struct str *out);
