/* What a translation (language-content) speaks of: every version that it may be about, and what these speak
 * of where they are translations themselves. What is kept from a partner of any of these is not told to him
 * in another language either (docs/protocol/MINTING.md section 1).
 *
 * Translations speak of each other along chains as long as their senders like. So what was found out about
 * one is kept until something is logged: however many of a chain are decided in one step, each is read and
 * judged once for all of them. What is kept lives in gate->telling, within LIMIT_TOLD_KEPT and
 * LIMIT_TOLD_BYTES. The gate's thread. Inside src/gate. */
#pragma once

#include "gate/cut.h"

/* For what question they are judged. */
struct told_ask {
    struct gate *gate;
    const struct policy *policy;
    int64_t now_us;
    bool gone; /* struct subject: of what left already */
};

/* One object of these, the translation itself among them. */
struct told {
    uint64_t lsn;
    bool translates;
    bool alone;            /* judged without what it speaks of */
    struct told **targets; /* of a translation: the versions that it may be about */
    size_t target_count;
    bool bereft;   /* it may be about a version that was called back or spilled, and is held no more */
    bool read;     /* these are known */
    bool decided;  /* ...and what follows */
    uint64_t over; /* partners whose time with it is over (expire.h) */
    /* Partners, of it and of all that it speaks of: to whom something of these does not leave, leaves without
     * its creator, leaves in part; by no rule may have something of these. */
    uint64_t untold, anonymous, cut, hidden;
    int64_t next_change_us;   /* of all these */
    const struct form *forms; /* how it leaves itself */
    size_t form_count;
    uint64_t walk; /* the last that came here */
};

struct telling; /* one translation, with everything that it speaks of */

/* What of a translation goes where `selector` is cut from what it translates: the same; of an item of a list
 * in part, the list. Its items are told one by one (section 7.1 of the standard), and what is left of an
 * item, or whether any is, follows from more than this selector. */
struct str told_aligned(struct str selector);
/* What of a translation goes where one of its own parts may not: of an item of a list, the list. */
struct str told_list(struct str selector);

/* Everything that the translation at `lsn` speaks of; `out` is good until the next is gathered. parser_one is
 * used. ERR_NOTFOUND: its secret was destroyed. */
NODISCARD err_t told_gather(const struct told_ask *ask, uint64_t lsn, struct telling **out);
/* The next that is to be judged: what it speaks of was. NULL: none is left. */
struct told *told_next(struct telling *telling);
/* Memory for judging it: `keep` for its forms, `scratch` for what is needed no longer than that. */
struct arena *told_keep(struct telling *telling);
struct arena *told_scratch(struct telling *telling);
/* It was judged so: what follows for what speaks of it. */
void told_note(const struct gate *gate, struct told *told, const struct subject *subject,
               const struct cutting *cutting);
/* The translation itself, when nothing is left. `out_lost`: nobody knows all that it speaks of, since that is
 * more than LIMIT_TRANSLATED, or it speaks of itself through others, and so of what nobody has said. */
const struct told *told_first(const struct telling *telling, bool *out_lost);

/* What the forms of all that it speaks of, for `partner`, take out of `root` (it, as parsed): selectors of
 * it, in the arena. They need not name anything. */
NODISCARD err_t told_selectors(struct gate *gate, const struct told *told, struct json_val root,
                               unsigned partner, struct arena *arena,
                               err_t (*add)(void *ctx, struct str selector), void *ctx);

/* When opening, and when closing. */
NODISCARD err_t telling_init(struct gate *gate);
void telling_deinit(struct gate *gate);
