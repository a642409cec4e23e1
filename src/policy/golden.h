/* Golden examples: what a policy is expected to decide, kept in a file beside it (docs/protocol/POLICY.md).
 * An example is one object and what the node would know of it; no node and no store is asked. What only a
 * store can tell (definitions that are not built in, what lies one reference away, what carries an unmarked
 * observable) the example has to say, or it is refused: nothing is made up.
 *
 * Decided is the object by itself: minting, closure, budgets and people come after the policy. Pure. */
#pragma once

#include "policy/policy.h"

/* One `expect` line, compared. All of it is borrowed for the call. */
struct golden_result {
    struct str example;
    unsigned line; /* of the `expect` */
    struct str partner;
    enum policy_effect wanted, effect;
    struct str wanted_rule, rule;
    bool right; /* effect and rule */
    /* For policy_explain. */
    const struct policy *policy;
    const struct policy_facts *facts;
    int64_t now_us;
    unsigned partner_index;
};

/* Where a text was refused; place.line is in the policy or in the examples. */
struct golden_fault {
    struct policy_fault place;
    bool in_policy;
};

/* Calls `each` for every expectation in the order of the text, until one line cannot be read. ERR_OK: all of
 * it was read and compared; right or wrong is for `each` to count. Examples are at most LIMIT_GOLDEN_BYTES.
 */
NODISCARD err_t golden_run(struct str policy, struct str examples,
                           void (*each)(void *ctx, const struct golden_result *result), void *ctx,
                           struct golden_fault *fault);
