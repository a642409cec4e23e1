/* Golden examples from strangers, of a policy that asks for all that an example can say. */
#include <stdlib.h>

#include "policy/golden.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void each(void *ctx, const struct golden_result *result)
{
    struct policy_verdict verdict;
    policy_decide(result->policy, result->facts, result->now_us, &verdict);
    if ((verdict.release >> result->partner_index & 1) != (result->effect == POLICY_RELEASE))
        abort();
    *(size_t *)ctx += result->right;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str policy = STR("language 1\n"
                                  "hold unmarked if marking none and not marking assumed\n"
                                  "release open if tlp <= green and onward to all after 1m\n");
    struct golden_fault fault;
    size_t right = 0;
    struct str text = {(const char *)data, size};
    err_t err = golden_run(policy, text, each, &right, &fault);
    if (err != ERR_OK && fault.place.what[0] == '\0' && err != ERR_NOMEM)
        abort();
    return 0;
}
