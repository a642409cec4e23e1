#include "policy/table.h"

const char *const words_tlp[POLICY_TLP_COUNT] = {"none", "clear", "green", "amber", "amber+strict", "red"};
const char *const words_category[POLICY_CATEGORY_COUNT] = {"custom", "sdo", "sro", "sco", "meta"};
const char *const words_marking[WORDS_MARKING_COUNT] = {"none",       "statement", "known",
                                                        "unresolved", "unknown",   "assumed"};
const char *const words_effect[3] = {"deny", "hold", "release"};

const char *const words_builtin[POLICY_RULE_BUILTIN_COUNT] = {
    [POLICY_RULE_DEFAULT] = "built-in.default",       [POLICY_RULE_OPERATOR] = "built-in.operator",
    [POLICY_RULE_ORIGIN] = "built-in.origin",         [POLICY_RULE_ONWARD] = "built-in.onward",
    [POLICY_RULE_TLP_MAX] = "built-in.tlp-max",       [POLICY_RULE_UNKNOWN] = "built-in.unknown",
    [POLICY_RULE_UNRESOLVED] = "built-in.unresolved", [POLICY_RULE_STATEMENT] = "built-in.statement",
    [POLICY_RULE_FOLLOWS] = "built-in.follows",       [POLICY_RULE_AGREEMENT] = "built-in.agreement",
    [POLICY_RULE_DUTIES] = "built-in.duties",         [POLICY_RULE_EXPIRED] = "built-in.expired",
    [POLICY_RULE_REPEATS] = "built-in.repeats",       [POLICY_RULE_BUDGET] = "built-in.budget",
    [POLICY_RULE_SAFETY] = "built-in.safety",         [POLICY_RULE_LOOP] = "built-in.loop",
};

static const char *const classes[] = {"U", "C", "S", "TS"};
static const char *const actions[] = {"none", "contact-for-instruction", "internally-visible-actions",
                                      "externally-visible-indirect-actions",
                                      "externally-visible-direct-actions"};
static const char *const may_must[] = {"may", "must"};
static const char *const may_must_not[] = {"may", "must-not"};
static const char *const leaves[] = {"may", "must", "must-not"};

const struct words_term words_terms[POLICY_TERM_COUNT] = {
    [POLICY_TERM_CLASSIFICATION] = {"classification", classes, 4, true},
    [POLICY_TERM_ACTIONS] = {"iep.permitted-actions", actions, 5, true},
    [POLICY_TERM_ATTRIBUTION] = {"iep.provider-attribution", leaves, 3, false},
    [POLICY_TERM_RESALE] = {"iep.unmodified-resale", may_must_not, 2, false},
    [POLICY_TERM_ENCRYPT] = {"iep.encrypt-in-transit", may_must, 2, false},
    [POLICY_TERM_NOTIFY] = {"iep.affected-party-notifications", may_must_not, 2, false},
};

static const char *const reserved[] = {
    "language", "partner", "source", "set",       "deny",      "hold",       "release", "if",
    "to",       "until",   "after",  "approved",  "and",       "or",         "not",     "in",
    "has",      "all",     "always", "community", "agreement", "agreements", "define",
};

static const char *const types[] = {
#define STIX_TYPE(code, name, ...) name,
#include "stix/types.inc"
#undef STIX_TYPE
};

enum policy_effect words_builtin_effect(unsigned rule)
{
    return rule >= POLICY_RULE_UNRESOLVED && rule != POLICY_RULE_LOOP ? POLICY_HOLD : POLICY_DENY;
}

int words_find(const char *const *words, unsigned count, struct str word)
{
    for (unsigned i = 0; i < count; i++)
        if (str_eq(word, str_of(words[i])))
            return (int)i;
    return -1;
}

int words_tlp_find(struct str word)
{
    if (str_eq(word, STR("white")))
        return POLICY_TLP_CLEAR;
    int level = words_find(words_tlp, POLICY_TLP_COUNT, word);
    return level == POLICY_TLP_NONE ? -1 : level;
}

bool words_reserved(struct str word)
{
    return words_find(reserved, sizeof reserved / sizeof *reserved, word) >= 0;
}

unsigned words_type_count(void)
{
    return sizeof types / sizeof *types;
}

struct str words_type(unsigned index)
{
    return str_of(types[index]);
}
