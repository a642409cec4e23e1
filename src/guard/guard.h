/* The guard: an independent last look at what leaves (DESIGN 3; docs/decisions/0110-guard.md). It reads every
 * answer, and every call to somebody else's server, again, as bytes, with readers of its own, and compares it
 * with the little that it was told (rules.h) and with what the partner's ledger proves. It shares no parser
 * with the rooms that made the answer: of this program it uses core alone.
 *
 * What it looks at: who asked (TLS key, token, user name) and whose page it is; the highest marking, granular
 * ones included; that each object has a leaf in this partner's ledger that commits to these bytes; that a
 * page's leaves grow that very ledger into its checkpoint's root (tree.h); that every identifier that stands
 * in it as a whole value or a whole key was released to this partner, and every one that is a word of a text,
 * unless he may read any. (One that stands otherwise in a text is counted and goes: by what the gate does not
 * read whoever writes a sentence could stop a partner, or learn what is held; docs/decisions/0157.) What it
 * has no proof of it asks for (GUARD_ASK): its memory is a bounded cache, and losing it costs questions, not
 * safety.
 *
 * It must never: let something pass because it could not read it; put an identifier or content into a
 * finding; believe an answer to its questions that its own hash does not confirm.
 *
 * Pure: bytes in, a verdict out; no clock, no files. One thread. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/hash.h"
#include "core/limit.h"
#include "core/str.h"
#include "guard/rules.h"

struct guard;

NODISCARD err_t guard_new(const struct hash_sip_key *key, struct guard **out);
void guard_free(struct guard *guard); /* accepts NULL */

/* Replaces what it was told. On failure nothing goes to anybody until there is
 * something it can read. A partner that is held stays held until `resumed` grows. */
NODISCARD err_t guard_rules(struct guard *guard, struct str text, struct fault *fault);

/* --- one request and its answer --- */

enum { GUARD_TARGET_MAX = 512, GUARD_USER_MAX = LIMIT_NAME_BYTES };

/* What is kept of a request until its answer comes. */
struct guard_case {
    bool reads; /* GET or HEAD */
    bool has_key, has_token;
    bool long_target; /* what was cut off may not be relied on */
    uint8_t key[RULES_KEY_SIZE];
    struct hash token;
    char user[GUARD_USER_MAX];
    size_t user_len;
    char path[GUARD_TARGET_MAX], query[GUARD_TARGET_MAX];
    size_t path_len, query_len;
    /* What was asked last about this answer. */
    size_t asked_count;
    uint64_t asked[LIMIT_GUARD_ASKS];
};

struct guard_request {
    bool reads;
    bool has_key;
    const uint8_t *key;
    struct str path, query, authorization;
};
void guard_case_open(struct guard_case *out, const struct guard_request *request);

struct guard_answer {
    unsigned status;
    struct str headers; /* names and values, one after the other, whatever stands between them */
    struct bytes body;
    int64_t now_s;
};

enum guard_verdict {
    GUARD_PASS,
    GUARD_HOLD, /* it must not go; `finding` says why */
    GUARD_ASK,  /* first guard_evidence for each guard_asks, then again */
};

/* Never an identifier, never content. */
struct guard_finding {
    enum guard_rule rule;
    bool again;  /* pages to this partner are held since an earlier finding: no news */
    int partner; /* -1: not known */
    bool has_seq;
    uint64_t seq;       /* of the leaf, in a page of a ledger */
    struct hash object; /* SHA-256 of the object, or of the whole body where it is about no object */
};

enum guard_verdict guard_check(struct guard *guard, struct guard_case *c, const struct guard_answer *answer,
                               struct guard_finding *out);

/* --- a call of a feed --- */

enum guard_method { GUARD_READS, GUARD_GIVES, GUARD_DELETES, GUARD_OTHER };

struct guard_field {
    struct str name, value;
};

/* To somebody else's server, which is read from, or which one partner's view is given to
 * (docs/decisions/0140-the-guard-reads-pushes.md). */
struct guard_call {
    int partner; /* below LIMIT_PARTNERS: whose view goes there; -1: the server is read from */
    enum guard_method method;
    struct str self;     /* this node's identity, whose words may go there (word.h); empty: none */
    struct str given[2]; /* addresses from outside: the declared one, and where the server sent us */
    struct str target;
    const struct guard_field *fields;
    size_t field_count;
    struct bytes body;
    int64_t now_s;
    bool witness; /* it is a witness of the log of the node (C2SP tlog-witness), and nothing else */
};
/* As guard_check. `c`: of an empty request, opened anew for each call. */
enum guard_verdict guard_check_call(struct guard *guard, struct guard_case *c, const struct guard_call *call,
                                    struct guard_finding *out);

/* Of what is neither a page nor an answer: is there no identifier in it? */
bool guard_plain(struct guard *guard, struct str text);

/* --- questions --- */

/* After GUARD_ASK, until the next call with this guard. */
struct guard_ask {
    unsigned partner;
    struct str id;
    unsigned run; /* leaves that follow in the ledger and would be welcome as well */
};
size_t guard_ask_count(const struct guard *guard);
struct guard_ask guard_ask_get(const struct guard *guard, size_t index);

enum guard_held {
    GUARD_NOTHING,  /* nothing is held here under that identifier */
    GUARD_WITHHELD, /* something is held, and this partner has no leaf of it */
    GUARD_RELEASED, /* leaves follow */
    GUARD_GIVEN,    /* this partner gave it to us itself, or had it before it was destroyed here: believed on
                       core's word */
    GUARD_OVER,     /* leaves follow whose content was taken back: that the first is of this identifier is
                       believed on core's word, and no object may go for it */
};
/* `leaves`: any number of { 88 bytes leaf, 72 bytes opening, u32 length and that many bytes object }. A leaf
 * that opens proves its content; one whose object stands beside it proves that object's identifier as well.
 * What does not open, or is not what it commits to, is not believed. */
void guard_evidence(struct guard *guard, unsigned partner, struct str id, enum guard_held held,
                    struct bytes leaves);

struct guard_counts {
    uint64_t answers, pages, objects, bytes, own, asked, held;
    uint64_t named; /* identifiers without proof in texts that went: neither asked for nor held */
};
struct guard_counts guard_count(const struct guard *guard);
bool guard_is_held(const struct guard *guard, unsigned partner);
