/* Personal data on the way out: what an object holds of it, as a fact for rules, and the texts of a minted
 * object in which it is masked or replaced by pseudonyms (docs/guide/personal-data.md). Inside src/gate.
 *
 * An object is judged by its own fields alone, never by what refers to it: that a neighbour calls an address
 * the attacker's would let more leave, and show a partner that the neighbour is there. */
#pragma once

#include "gate/cut.h"
#include "stix/cut.h"

/* Adds the fact when the policy asks for it. The tape of `subject` is gone then. */
NODISCARD err_t personal_add(struct gate *gate, const struct policy *policy, const struct subject *subject,
                             struct policy_facts *facts);
void personal_deinit(struct gate *gate);

/* Everything that is found in it, in memory of the gate's: of one object at a time. */
NODISCARD err_t personal_look(struct gate *gate, struct json_val root, struct arena *arena,
                              struct privacy_hits *out);

/* What counts as personal data in one object: nothing that the field says is the attacker's. In the arena, by
 * the place of the text. ERR_DENIED: there is more than can be told. */
struct personal {
    const struct privacy_hit *hits;
    size_t count;
};
NODISCARD err_t personal_find(struct gate *gate, struct json_val root, struct arena *arena,
                              struct personal *out);

/* The treatment that a duty asks for: POLICY_DUTY_MASK before POLICY_DUTY_PSEUDONYMISE; 0: none. */
unsigned personal_treatment(const struct policy_duties *duties);

/* References that say to whom it happened, as selectors appended through `add`: they are taken out. */
NODISCARD err_t personal_references(const struct personal *personal, struct arena *arena,
                                    err_t (*add)(void *ctx, struct str selector), void *ctx);

/* A cut's hook for texts (stix_cut.text). */
struct personal_texts {
    struct personal personal;
    unsigned treatment;
    struct seal_secret key;
    struct buf text;
    size_t changed;
};
/* ERR_DENIED: where it stands it can be neither masked nor replaced. personal_texts_end in any case. */
NODISCARD err_t personal_texts_begin(struct gate *gate, const struct form *form, unsigned partner,
                                     struct json_val root, struct arena *arena, struct personal_texts *out,
                                     struct stix_cut *cut);
void personal_texts_end(struct personal_texts *texts);

/* Under which a partner's pseudonyms are made. ERR_NOTFOUND: nothing was minted yet. */
NODISCARD err_t personal_key(const struct gate *gate, unsigned partner, struct seal_secret *out);
