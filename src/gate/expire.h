/* Whose time with an object is over by the duty `expire`. It is over with all that he was given of it up to
 * then: an older version, another form of it, and what translates these. What he was given later has a time
 * of its own. Of an observable each source's variant is for itself. Inside src/gate. */
#pragma once

#include "gate/mint.h"

/* Everything that stands under one identifier and may ever have been given: OBJs and MINTs. */
struct given {
    uint64_t lsn, obj; /* obj: itself, or what the MINT was made of */
    uint32_t variant;  /* of an observable: its source; else 0 */
};
struct givens {
    struct given *at;
    size_t count, size;
};

struct over {
    int64_t now_us;
    uint64_t last[LIMIT_PARTNERS]; /* the DECIDE that gave what is over now; 0: nothing is */
};

/* `copies` of this key; what was minted for these partners. In the arena. */
NODISCARD err_t givens_load(struct gate *gate, const struct stix_key *key, const struct copies *copies,
                            uint64_t minted, struct arena *arena, struct givens *out);
NODISCARD err_t givens_over(struct gate *gate, const struct givens *givens, uint32_t variant, int64_t now_us,
                            struct over *out);
/* Partners who had this and whose time with it is over, by its own duty or as above. */
uint64_t over_with(const struct over *over, const struct state *state);
/* The same of the OBJ at `lsn` and of all that was minted from it. */
NODISCARD err_t over_of(struct gate *gate, const struct stix_key *key, const struct copies *copies,
                        uint64_t lsn, int64_t now_us, struct arena *arena, uint64_t *out);
