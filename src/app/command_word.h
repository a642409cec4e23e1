/* What counts as an operator's word, as a text that he can sign (docs/decisions/0152-operators-keys.md). The
 * kinds are a table, each with the command that says it. A handler writes, behind the head that is the same
 * for all, what is decided, a line each; `--to-sign` prints that text and does nothing else; `--signature`
 * brings what `ssh-keygen -Y sign -n bongsu` made of it, and the text is made anew: it fits only while what
 * it names is as it was. The last line counts how often he signed just these words before, so none serves
 * twice.
 *
 * Memory is the call's. */
#pragma once

#include "app/command.h"

enum word_kind {
    WORD_ACTIVATE,
    WORD_CONFIRM,
    WORD_APPROVE,
    WORD_KEEP,
    WORD_SPILL,
    WORD_DESTROY,
    WORD_RECALL,
    WORD_RECALL_CONFIRM,
    WORD_ORDER,
    WORD_ORDER_LIFT,
    WORD_COUNT,
};

struct word {
    enum word_kind kind;
    struct gate_by by; /* who says it, and why; behind word_check as the log is to have him */
    bool counts;       /* behind word_check: it is one of the two words that some things want */
    bool shown;        /* behind word_check: the text was printed, and that is all that was asked */
    struct buf text;
    const struct operators_row *row; /* NULL: nothing was signed */
    struct str signature;
    struct hash said;
    uint32_t again;
};

void word_begin(struct command_call *call, enum word_kind kind, struct word *out);
/* "name: ...", at most LIMIT_WORD_BYTES in all. */
void word_put(struct word *word, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same of a text that somebody chose: as a string of JSON, so that it ends where it ends. */
void word_put_text(struct word *word, const char *name, struct str text);
void word_put_digest(struct word *word, const char *name, const struct hash *digest);
/* How many, and which: their numbers, of many the SHA-256 over them, a line of decimal digits each. They are
 * put in order. */
void word_put_numbers(struct word *word, const char *name, uint64_t *numbers, size_t count);
/* Signed, if whoever asks is to sign: else the refusal says what is wrong. Nothing is logged yet. */
NODISCARD err_t word_check(struct command_call *call, struct word *word);
/* Behind what was done by it: the signature goes to the log. */
NODISCARD err_t word_keep(struct command_call *call, const struct word *word);
/* The same where what he said failed with `err`, which is the answer. `done`: something of it had been done
 * before: it stands in the log as his word, so the signature goes there as well, and is used. */
NODISCARD err_t word_keep_part(struct command_call *call, const struct word *word, bool done, err_t err);
/* Behind a failure of what suspends or calls back: does anything stand suspended by this word? */
bool word_suspended(struct command_call *call, const struct word *word);
