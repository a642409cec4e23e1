/* Words that people wrote: why they said something, on what basis, what a link was stopped for. They stand in
 * the log sealed under a secret of their day (UTC) in the key file, so that all words of a day can be
 * forgotten at once, wherever the log or a copy of it lies: by the way of all that is destroyed
 * (gate/destroy.h). What was said, by whom and about what stands beside them in clear, and stays
 * (docs/decisions/0153).
 *
 * Sealed words are a text like others to whatever keeps, compares or passes them on; only gate_words opens
 * them. The same words of one day are sealed to the same bytes. Logs of earlier versions hold words in clear:
 * these read as they stand, and nothing forgets them. The gate's thread. */
#pragma once

#include "gate/gate.h"
#include "gate/record.h"

struct frame;

/* --- for people --- */

/* The words themselves, in the arena; "(the words were forgotten by retention on DATE)" when they are no
 * more. ERR_CORRUPT: sealed, and nothing in the log says under what. */
NODISCARD err_t gate_words(struct gate *gate, struct str words, struct arena *arena, struct str *out);

/* Which days there are words of. */
struct gate_words_kept {
    uint64_t days; /* that are kept */
    uint64_t due,
        held; /* of these: over, and not forgotten because of an order or a link that stands still */
    uint64_t forgotten; /* days whose words are gone */
    int64_t oldest_us;  /* begin of the first that is kept; 0: there is none */
    bool bare;          /* the log begins with words in clear, of an earlier version */
};
/* `days`: 0: nothing has an end. */
NODISCARD err_t gate_words_keeping(struct gate *gate, unsigned days, int64_t now_us,
                                   struct gate_words_kept *out);

/* Forgets the words of at most a few dozen days that ended more than `days` days ago: logged, gate_purge
 * carries it out. *out_gone 0: that was all. Not forgotten: a day with words about an object that an order
 * keeps (gate/legal.h), or about a link that stands still (gate/halt.h); while any order stands, a day on
 * which something was signed or said of an entry of the quarantine, which name no object. ERR_DENIED: the
 * clock is not to be believed (gate/retention.h). `days` is never 0. */
NODISCARD err_t gate_retain_words(struct gate *gate, unsigned days, int64_t now_us, size_t *out_gone);

/* --- inside the gate --- */

/* A blob of them. Empty ones, blanks and what is sealed already stay as they are. May append a SECRET: what
 * was borrowed from the index is gone. */
NODISCARD err_t words_put(struct gate *gate, struct buf *out, struct str words, int64_t now_us);
/* The same as a text; `room` holds it. ERR_LIMIT above RECORD_TEXT_MAX. */
NODISCARD err_t words_seal(struct gate *gate, struct str words, int64_t now_us, char room[RECORD_WORDS_MAX],
                           struct str *out);
/* Appends what they say. */
NODISCARD err_t words_open(struct gate *gate, struct str words, struct buf *out);

/* A SECRET of this purpose was logged, or is replayed; RECALL names it: its words are forgotten. */
NODISCARD err_t words_apply(struct gate *gate, uint64_t lsn, uint64_t slot, int64_t from_us);
NODISCARD err_t words_forget(struct gate *gate, uint64_t slot, int64_t at_us);
NODISCARD err_t words_load(struct gate *gate); /* when opening */
/* Which objects and links the words of a fact, or of a RECALL, are about. */
NODISCARD err_t words_note(struct gate *gate, const struct record_fact *fact);
NODISCARD err_t words_note_object(struct gate *gate, struct str words, const struct stix_key *object);
/* Do people say facts of this kind? The others are the program's, many a minute, and say nothing of anybody.
 */
bool words_in(enum record_fact_kind kind);
/* Does this JOB or RECALL hold somebody's words in clear? */
bool words_are_bare(const struct frame *frame);
