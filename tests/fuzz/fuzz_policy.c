/* Policy texts from strangers: the first byte picks how many partners there are, the rest is the text. What
 * compiles is also decided and explained, so that no accepted table can lead the interpreter astray. */
#include <stdlib.h>

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_step(void *ctx, const struct policy_step *step)
{
    *(size_t *)ctx += step->condition.len + step->value.len + step->change.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct policy_attribute country = {{"country", 7}, {"KR", 2}};
    static const struct policy_partner partners[] = {{{"us-cisa", 7}, 0, &country, 1},
                                                     {{"jp", 2}, 63, NULL, 0}};
    static const struct str sectors[] = {{"energy", 6}};
    static const struct str tags[] = {{"share:jp", 8}, {"a", 1}};
    const struct policy_facts facts = {.type = STR("indicator"),
                                       .source = STR("misp"),
                                       .tags = tags,
                                       .tag_count = 2,
                                       .tlp = POLICY_TLP_GREEN,
                                       .markings = POLICY_MARKING_KNOWN,
                                       .confidence = 50,
                                       .origin = POLICY_ORIGIN_OWN,
                                       .modified_us = POLICY_TIME_NONE,
                                       .origin_node = STR("us"),
                                       .hops = 1,
                                       .terms = {3, 1, 0, 2},
                                       .turns_us = 5,
                                       .neighbours_known = true,
                                       .neighbour_tlp = POLICY_TLP_AMBER,
                                       .victims_known = true,
                                       .victim_sectors = sectors,
                                       .victim_sector_count = 1,
                                       .onward = UINT64_MAX};
    struct policy *policy = NULL;
    struct policy_fault fault;
    if (size == 0)
        return 0;
    struct str text = {(const char *)data + 1, size - 1};
    err_t err = policy_compile(text, partners, data[0] % 3, &policy, &fault);
    if ((err == ERR_OK) != (policy != NULL) || (err != ERR_OK && fault.what[0] == '\0'))
        abort();
    if (err != ERR_OK)
        return 0;
    struct policy_verdict verdict;
    policy_decide(policy, &facts, 1, &verdict);
    if ((verdict.release | verdict.hold | verdict.deny) != policy_partner_mask(policy) ||
        verdict.next_change_us <= 1)
        abort();
    size_t seen = 0;
    for (unsigned p = 0; p < LIMIT_PARTNERS; p += LIMIT_PARTNERS - 1) {
        enum policy_effect effect = policy_explain(policy, &facts, 1, p, no_step, &seen);
        const uint64_t masks[] = {verdict.deny, verdict.hold, verdict.release};
        if ((policy_partner_mask(policy) >> p & 1) != 0 && (masks[effect] >> p & 1) == 0)
            abort();
    }
    policy_unref(policy);
    return 0;
}
