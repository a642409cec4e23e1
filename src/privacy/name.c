#include "privacy/privacy.h"

static const struct {
    const char *word;
    bool structured;
} kinds[] = {
#define X(name, word, structured) {word, structured},
    PRIVACY_KINDS_LIST(X)
#undef X
};

_Static_assert(PRIVACY_KINDS <= 16, "two bits of 32 for each kind");

const char *privacy_kind_name(enum privacy_kind kind)
{
    must(kind < PRIVACY_KINDS);
    return kinds[kind].word;
}

enum privacy_kind privacy_kind_find(struct str name)
{
    unsigned kind = 0;
    while (kind < PRIVACY_KINDS && !str_eq(name, str_of(kinds[kind].word)))
        kind++;
    return (enum privacy_kind)kind;
}

bool privacy_kind_structured(enum privacy_kind kind)
{
    must(kind < PRIVACY_KINDS);
    return kinds[kind].structured;
}

const char *privacy_role_name(enum privacy_role role)
{
    static const char *const names[PRIVACY_ROLES] = {"text", "indicator", "sender", "person", "victim"};
    must(role < PRIVACY_ROLES);
    return names[role];
}

void privacy_reasons(uint16_t reasons, struct buf *out)
{
    /* In the order of enum privacy_reason. */
    static const char *const texts[] = {
        "in its usual groups",
        "holds a birth date",
        "checksum right",
        "begins as one does",
        "a word before it says so",
        "a word behind it says so",
        "the field's name says so",
        "a word before it says otherwise",
        "may be a time in milliseconds",
        "part of a longer name or list",
        "shared or of a system",
        "defanged",
        "the field says so",
        "letters for digits",
        "no class, and nothing says organisation",
    };
    bool first = true;
    if (reasons == 0)
        buf_put_str(out, STR("the form alone"));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if ((reasons >> i & 1) == 0)
            continue;
        buf_put_str(out, first ? STR("") : STR(", "));
        buf_put_str(out, str_of(texts[i]));
        first = false;
    }
}
