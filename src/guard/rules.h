/* What the guard is told: for each partner who it is and how high what goes there may be marked, and who may
 * read which release collection. A text in lines, written by core whenever an operator changes something
 * (docs/decisions/0110-guard.md), read here by a reader of its own:
 *
 *     bongsu guard 1
 *     policy <64 hexadecimal digits: SHA-256 of the policy in force>
 *     partner <index> <name> <tlp> <epoch> <valid until, seconds, or -> <TLS key or -> <held> <resumed>
 *     key <index> <another TLS key of this partner: that of its next card>
 *     vouch <index>: it may get what origins signed
 *     texts <index>: its texts may name anything (`names-in-texts any`)
 *     own <identity identifier that our own cards name>
 *     waive <index> <rule> <SHA-256 of an object>
 *     reader <name> <index or -> <id of its release collection or -> <SHA-256 of its token or -> <key or ->
 *
 * `held`: 1 when pages to that partner are held already. `resumed`: how often an operator let them go on.
 * A line that does not fit refuses the whole text: then nothing goes to anybody. Owns its memory. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/hash.h"
#include "core/limit.h"
#include "guard/mark.h"

enum { RULES_KEY_SIZE = 32, RULES_READERS = LIMIT_TAXII_IDENTITIES, RULES_OWN = 2 * LIMIT_CARD_IDENTITIES };

/* Why a page is held; the words stand in `waive` lines and in alarms. */
#define GUARD_RULE_LIST(X)                                                                                   \
    X(FORM, "form")           /* not what SYNC.md, LEDGER.md or TAXII say it is, or two ways to read it */   \
    X(RECIPIENT, "recipient") /* whoever asks is not whose page this is */                                   \
    X(LAPSED, "lapsed")       /* the partner's time is over, or, without any policy, there is something */   \
    X(CEILING, "ceiling")     /* marked higher than what may go to this partner */                           \
    X(OPENING, "opening")     /* it does not open its leaf, or other bytes than it commits to */             \
    X(VIEW, "view")           /* an object without a leaf in this partner's ledger */                        \
    X(REFERENCE, "reference") /* names an identifier that this partner was not released */                   \
    X(STRAY, "stray")         /* an identifier where no object belongs */

enum guard_rule {
    GUARD_RULE_NONE,
#define X(name, word) GUARD_RULE_##name,
    GUARD_RULE_LIST(X)
#undef X
        GUARD_RULES
};

struct rules_partner {
    bool known, held;
    bool vouched; /* may get what origins signed */
    bool texts;   /* texts for it may name what it was not given */
    char name[LIMIT_NAME_BYTES + 1];
    enum guard_level ceiling;
    uint32_t epoch;
    bool limited; /* until_s counts */
    bool has_key;
    int64_t until_s;
    uint64_t resumed;
    uint8_t key[RULES_KEY_SIZE];
    bool has_also;
    uint8_t also[RULES_KEY_SIZE];
};

struct rules_reader {
    char name[LIMIT_NAME_BYTES + 1];
    int partner; /* -1: reads no release collection */
    char collection[36];
    bool has_collection, has_token, has_key;
    struct hash token;
    uint8_t key[RULES_KEY_SIZE];
};

struct rules_waiver {
    uint8_t partner;
    enum guard_rule rule;
    struct hash object;
};

struct guard_told {
    struct hash policy;
    struct rules_partner partners[LIMIT_PARTNERS];
    struct rules_reader readers[RULES_READERS];
    size_t reader_count;
    struct rules_waiver waivers[LIMIT_GUARD_WAIVERS];
    size_t waiver_count;
    char own[RULES_OWN][46]; /* public: they stand in cards, which partners are shown */
    size_t own_count;
};

/* ERR_INVALID, with the line's number in the fault's offset. *out is undefined on failure. */
NODISCARD err_t rules_read(struct str text, struct guard_told *out, struct fault *fault);
const char *guard_rule_word(enum guard_rule rule);
enum guard_rule guard_rule_find(struct str word); /* GUARD_RULE_NONE: no such */
