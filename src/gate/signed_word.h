/* Operators' words that they signed with keys of their own, kept beside what was done by them: the text, the
 * signature as it came, and the key that was theirs then, so that anybody can look at it again outside, also
 * when another key is declared by now. What the text says, and whether the signature fits it, is the caller's
 * to know (app/command_word.c). Text and signature are sealed as other words of people are, and forgotten
 * with their day (gate/words.h): whoever has a signature can try what it may be over. The rest is kept for
 * good. The gate's thread. */
#pragma once

#include "gate/gate.h"

struct gate_word {
    uint64_t number; /* a position of the log at which nothing else begins; given by gate_word_put */
    int64_t at_us;
    struct str who;       /* as the log has him elsewhere */
    struct str key;       /* "ssh-ed25519 AAAA..." */
    struct str text;      /* that was signed; when it is forgotten, when that was */
    struct str signature; /* armored; when it is forgotten, when that was */
};

/* How often this was said before: `said` is a digest of who says what. ERR_FULL: too often. */
NODISCARD err_t gate_word_again(const struct gate *gate, const struct hash *said, uint32_t *out);
/* Notes it, `again` as gate_word_again told. Durable after gate_commit. */
NODISCARD err_t gate_word_put(struct gate *gate, const struct hash *said, uint32_t again,
                              const struct gate_word *word, const struct gate_by *by, int64_t now_us);
/* All of them, in no order; what `each` gets is borrowed for the call. */
NODISCARD err_t gate_word_each(struct gate *gate, void (*each)(void *ctx, const struct gate_word *word),
                               void *ctx);

/* --- inside the gate --- */

struct record_fact;
/* The text in a fact of this kind, sealed, borrowed. */
NODISCARD err_t signed_words(const struct record_fact *fact, struct str *out);
