/* What a translation (language-content) speaks of: every version that it may be about, and what these speak
 * of where they are translations themselves. What is kept from a partner of any of these is not told to him
 * in another language either (docs/protocol/MINTING.md section 1). Inside src/gate. */
#pragma once

#include "gate/cut.h"

/* One object of these, the translation itself among them. */
struct told {
    struct subject subject;
    struct told **targets; /* of a translation: the versions that it may be about */
    size_t target_count;
    bool decided;
    struct cutting cutting; /* how it leaves */
    /* Partners, of it and of all that it speaks of: to whom something of these does not leave, leaves without
     * its creator, leaves in part; by no rule may have something of these. */
    uint64_t untold, anonymous, cut, hidden;
};

struct telling {
    struct told *at[LIMIT_TRANSLATED]; /* the first: the translation that was asked about */
    size_t count;
    bool lost; /* there are more */
};

/* Everything that the translation at `lsn` speaks of, in `arena`. parser_one is used. */
NODISCARD err_t told_gather(struct gate *gate, uint64_t lsn, struct arena *arena, struct telling **out);

/* The next that is not decided, and speaks of nothing that is not; NULL: none. What stays then names itself,
 * through others. */
struct told *told_next(const struct telling *telling);
/* Its cutting is there: what follows of it for what speaks of it. */
void told_note(const struct gate *gate, struct told *told);

/* What the forms of all that it speaks of, for `partner`, take out of `root` (it, as parsed): selectors of
 * it, in the arena. They need not name anything. */
NODISCARD err_t told_selectors(const struct told *told, struct json_val root, unsigned partner,
                               struct arena *arena, err_t (*add)(void *ctx, struct str selector), void *ctx);
