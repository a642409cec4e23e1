/* The leaks that are planted to see that they are found (plant.c). */
#pragma once

/*    name, what it does */
#define LEAK_LIST(X)                                                                                         \
    X(MEMBERS, "members", "closure does not see object_refs")                                                \
    X(ENDS, "ends", "closure does not see the ends of relationships and sightings")                          \
    X(OTHERS, "others", "closure does not see custom properties")                                            \
    X(GRANULAR, "granular", "granular markings are not read")                                                \
    X(SELECTOR, "selector", "a cut forgets its last selector")                                               \
    X(TRANSLATION, "translation", "translations of what is cut stay")                                        \
    X(TEXTS, "texts", "names in the midst of texts are not seen")                                            \
    X(DRESS, "dress", "names in typographic dress, and behind escapes, are not seen")                        \
    X(ALIKE, "alike", "letters that are drawn alike are not read")                                           \
    X(APART, "apart", "letters that are set apart are not read")                                             \
    X(BASE64, "base64", "base64 is not read")                                                                \
    X(BOLD, "bold", "letters and digits in bold are not read")                                               \
    X(DIGITS, "digits", "digits of other scripts are not read")                                              \
    X(STRUCK, "struck", "letters that are struck through are not read")                                      \
    X(LOOSE, "loose", "other marks and blanks within a UUID are not read")                                   \
    X(WORDS, "words", "types in words, with blanks between, are not read")                                   \
    X(ESCAPED, "escaped", "escapes of other programs are not read")                                          \
    X(QUOTED, "quoted", "characters of several bytes in quoted-printable are not read")                      \
    X(UTF7, "utf7", "UTF-7 is not read")                                                                     \
    X(MARKUP, "markup", "markup with attributes, and comments, are not read")                                \
    X(MARKS, "marks", "names without two hyphens are not seen")                                              \
    X(ALONE, "alone", "UUIDs without their type stay in what is minted")                                     \
    X(RENAME, "rename", "what was minted is named by its own identifier")                                    \
    X(UNKEYED, "unkeyed", "minted identifiers follow from the source alone")                                 \
    X(CONFLICT, "conflict", "a rival copy's marking does not bind")                                          \
    X(UNRESOLVED, "unresolved", "a marking that has not arrived is clear")                                   \
    X(STATEMENT, "statement", "a statement that nobody classified is clear")                                 \
    X(CARRIER, "carrier", "unmarked observables do not inherit")                                             \
    X(DENY, "deny", "one deny of many is dropped")                                                           \
    X(STOP, "stop", "stops are forgotten")                                                                   \
    X(DUTIES, "duties", "what rules ask to be done is not done")                                             \
    X(PERSONAL, "personal", "personal data is not looked for")                                               \
    X(EXPIRE, "expire", "what has a time keeps it")                                                          \
    X(TAKEN, "taken", "a new policy takes nothing back")                                                     \
    X(BUDGET, "budget", "budgets are not counted")                                                           \
    X(AGREEMENT, "agreement", "agreements never end")                                                        \
    X(NEIGHBOUR, "neighbour", "how secret its neighbours are is not asked")                                  \
    X(LIMIT, "limit", "limits on passing on are forgotten")                                                  \
    X(READERS, "readers", "whom ACS and REL TO name is not asked")                                           \
    X(STUCK, "stuck", "circles do not leave")

enum leak {
    LEAK_NONE,
#define X(name, word, text) LEAK_##name,
    LEAK_LIST(X)
#undef X
        LEAKS
};
void plant(enum leak leak);
/* LEAK_NONE: none. */
enum leak planted(void);
