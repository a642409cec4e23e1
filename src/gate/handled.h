/* What became of personal data: for each partner and week, in how many objects it was denied, held, masked,
 * replaced by pseudonyms, or let go, and then on what basis and by whose approval. Told from the log: every
 * decision that was ever made of an object in which the recognisers of today find some. Never a value.
 *
 * An object counts once a partner and outcome, in the week of the first decision of that kind; what was
 * destroyed counts no more. Reads the whole log in portions and opens every object. For this node's
 * operators. */
#pragma once

#include "core/map.h"
#include "gate/gate.h"

enum gate_handled_kind {
    GATE_HANDLED_DENIED,
    GATE_HANDLED_HELD,   /* also what waits for something that it names */
    GATE_HANDLED_MASKED, /* or taken out */
    GATE_HANDLED_PSEUDONYMISED,
    GATE_HANDLED_RELEASED,
    GATE_HANDLED_KINDS,
};
const char *gate_handled_word(enum gate_handled_kind kind);

/* Strings live as long as the report. */
struct gate_handled_row {
    unsigned partner;
    int32_t week; /* gate/quality.h */
    enum gate_handled_kind kind;
    struct str rule;
    struct str basis; /* of agreements with the partner in the policy of that time; empty: none is stated */
    struct str approver; /* RELEASED; empty: nobody was asked */
    uint64_t objects;
    uint64_t based; /* of these: approved by somebody who said on what basis */
};

struct gate_handled {
    struct gate *gate;
    uint64_t from; /* position in the log; 0: the beginning */
    bool end;
    struct map personal; /* objects that hold some */
    struct map known;    /* object, partner, outcome */
    struct map based;    /* object, partner: 1 while somebody's approval states a basis */
    struct arena texts, one;
    uint64_t policy_lsn;
    struct policy *policy; /* of the decision at hand; NULL: it does not compile any more */
    struct gate_handled_row *rows;
    size_t count, size;
};
void gate_handled_init(struct gate *gate, struct gate_handled *handled);
void gate_handled_deinit(struct gate_handled *handled);
/* Reads at most `frames` more. ERR_FULL: more objects or rows than a report can have. */
NODISCARD err_t gate_handled_next(struct gate_handled *handled, size_t frames);
/* After the end: in order of partner, week, outcome. */
void gate_handled_sort(struct gate_handled *handled);
