#include "guard/mark.h"

#define TEXT(literal)                                                                                        \
    {                                                                                                        \
        literal, sizeof(literal) - 1                                                                         \
    }
#define DEFINITION(uuid) TEXT("marking-definition--" uuid)
#define EXTENSION(uuid)  TEXT("extension-definition--" uuid)

struct row {
    struct str id;
    enum guard_level level;
    bool common;
};

static const struct row rows[] = {
    /* TLP 2.0 */
    {DEFINITION("94868c89-83c2-464b-929b-a1a8aa3c8487"), GUARD_CLEAR, true},
    {DEFINITION("bab4a63c-aed9-4cf5-a766-dfca5abac2bb"), GUARD_GREEN, true},
    {DEFINITION("55d920b0-5e8b-4f79-9ee9-91f868d9b421"), GUARD_AMBER, true},
    {DEFINITION("939a9414-2ddd-4d32-a0cd-375ea402b003"), GUARD_AMBER_STRICT, true},
    {DEFINITION("e828b379-4e03-4974-9ac4-e53a884c97c1"), GUARD_RED, true},
    /* TLP 1.0 */
    {DEFINITION("613f2e26-407d-48c7-9eca-b8e91df99dc9"), GUARD_CLEAR, true},
    {DEFINITION("34098fce-860f-48ae-8e50-ebd3cc5e41da"), GUARD_GREEN, true},
    {DEFINITION("f88d31f6-486f-44da-b317-01333bde0b82"), GUARD_AMBER, true},
    {DEFINITION("5e57c739-391a-4eb3-b6be-7d15ca92d5ed"), GUARD_RED, true},
    /* OpenCTI's own TLP:AMBER+STRICT */
    {DEFINITION("826578e1-40ad-459f-bc73-ede076f81f37"), GUARD_AMBER_STRICT, false},
    /* "stays here" (docs/protocol/MISP.md): what its owner passes to nobody */
    {DEFINITION("4b0c9e17-2f8d-4d36-a1e5-9c7b3d60f842"), GUARD_NEVER, false},
    /* TLP 2.0, IEP 2.0, ACS 3.0 */
    {EXTENSION("60a3c5c5-0d10-413e-aab3-9e08dde9e88d"), GUARD_UNMARKED, true},
    {EXTENSION("762e2e97-ee51-43e5-a9ea-165fbb862c4a"), GUARD_UNMARKED, true},
    {EXTENSION("3a65884d-005a-4290-8335-cb2d778a83ce"), GUARD_UNMARKED, true},
};

static const struct row *find(struct str id)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str row = rows[i].id;
        /* The last digits tell rows apart: most of what is asked about is none of them. */
        if (row.len == id.len && memcmp(row.at + row.len - 8, id.at + id.len - 8, 8) == 0 && str_eq(row, id))
            return &rows[i];
    }
    return NULL;
}

enum guard_level mark_level(struct str id)
{
    const struct row *row = find(id);
    return row == NULL ? GUARD_UNMARKED : row->level;
}

bool mark_is_common(struct str id)
{
    const struct row *row = find(id);
    return row != NULL && row->common;
}

enum guard_level mark_word(struct str word)
{
    static const struct {
        const char *word;
        enum guard_level level;
    } words[] = {
        {"clear", GUARD_CLEAR},
        {"white", GUARD_CLEAR},
        {"green", GUARD_GREEN},
        {"amber", GUARD_AMBER},
        {"amber+strict", GUARD_AMBER_STRICT},
        {"amber_strict", GUARD_AMBER_STRICT},
        {"amber-strict", GUARD_AMBER_STRICT},
        {"amber strict", GUARD_AMBER_STRICT},
        {"red", GUARD_RED},
    };
    if (word.len > 4 && str_same((struct str) {word.at, 4}, STR("tlp:")))
        word = (struct str) {word.at + 4, word.len - 4};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_same(word, str_of(words[i].word)))
            return words[i].level;
    return GUARD_UNMARKED;
}
