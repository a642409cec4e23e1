/* Node cards: how a node presents itself (docs/protocol/SYNC.md section 1). A card names the node's working
 * keys, each for one use, and is signed by the offline root key. People can read it; words over the telephone
 * tell whose root key it is.
 *
 * A card must never be used before its signature verified (sync_card_parse does that) and never outside its
 * time (sync_card_valid is the caller's duty at each use). struct sync_card owns no memory and holds no
 * pointers. Any thread; secrets arrive as arguments and are never kept. */
#pragma once

#include "core/stamp.h"
#include "core/uuid.h"
#include "ledger/checkpoint.h"

/*    field, word in the card */
#define SYNC_CARD_KEY_LIST(X)                                                                                \
    X(ROOT, "root")               /* offline; signs cards */                                                 \
    X(TLS, "tls")                 /* authenticates connections; its pin is exchange_request.peer_key */      \
    X(LEDGER, "ledger")           /* signs checkpoints */                                                    \
    X(COSIGN, "cosign")           /* signs receipts: seen */                                                 \
    X(DISPOSITION, "disposition") /* signs receipts: held */                                                 \
    X(RECALL, "recall")           /* signs answers to recalls */                                             \
    X(SEALING, "sealing")         /* bundles are sealed to it */                                             \
    X(POLICY, "policy")           /* signs activated policies */

enum sync_card_key {
#define X(name, word) SYNC_CARD_##name,
    SYNC_CARD_KEY_LIST(X)
#undef X
        SYNC_CARD_KEYS
};

struct sync_card_address {
    char host[LIMIT_HOST_BYTES]; /* terminated; an IPv6 address stands without its brackets */
    uint16_t port;
    bool ipv6;
};

struct sync_card {
    char node[LIMIT_NAME_BYTES + 1];     /* terminated */
    char known_as[LIMIT_NAME_BYTES + 1]; /* what the node goes by now; empty: by its name. For people alone */
    char country[3];                     /* terminated */
    uint64_t number;                     /* from 1; a greater one replaces a smaller one */
    int64_t issued_us, expires_us;
    uint16_t minimum; /* partners' cards must be of this suite or a greater one; 0: any suite will do */
    struct sign_public key[SYNC_CARD_KEYS];
    size_t identity_count;
    struct uuid identities[LIMIT_CARD_IDENTITIES]; /* of STIX identity objects that are at home here */
    size_t address_count;
    struct sync_card_address addresses[LIMIT_CARD_ADDRESSES];
};

/* Of all its keys. */
static inline unsigned sync_card_suite(const struct sync_card *card)
{
    return card->key[SYNC_CARD_ROOT].suite;
}

/* "tls" and so on. */
const char *sync_card_key_word(enum sync_card_key key);
/* Is what it says of the node well formed: names, country, addresses, identities? Also before there are keys.
 * ERR_INVALID. */
NODISCARD err_t sync_card_says_well(const struct sync_card *card, struct fault *fault);

/* The whole card, signed by the root key, whose public half must stand in the card. ERR_INVALID, with a
 * fault, when a field breaks a rule; what the signer answers. */
NODISCARD err_t sync_card_sign_by(const struct sync_card *card, struct sign_hand root, struct buf *out,
                                  struct fault *fault);
NODISCARD err_t sync_card_sign(const struct sync_card *card, const struct sign_key *root, struct buf *out,
                               struct fault *fault);
/* Strict, and verifies the signature by the card's own root key. ERR_LIMIT, ERR_SYNTAX, ERR_INVALID,
 * ERR_SIGNATURE, ERR_VERSION (another version or suite). Says nothing about whose card it is, nor about
 * time. */
NODISCARD err_t sync_card_parse(struct str whole, struct sync_card *out, struct fault *fault);
/* ERR_EXPIRED outside [issued - 1 day, expires). */
NODISCARD err_t sync_card_valid(const struct sync_card *card, int64_t now_us, struct fault *fault);
/* May `next` (verified) take the place of `held`? ERR_CONFLICT: another node or root key; ERR_UNSUPPORTED: a
 * lower suite, a downgrade; ERR_EXISTS: not
 * newer (also the same number: compare the bytes first, equal bytes are no change). */
NODISCARD err_t sync_card_replaces(const struct sync_card *held, const struct sync_card *next,
                                   struct fault *fault);
/* Is it of a lower suite than the held one, under the same name? */
bool sync_card_downgrades(const struct sync_card *held, const struct sync_card *card);
/* People are told once an hour, however often it is shown. `last_us`: when they were; 0: never. */
bool sync_card_downgrade_said(int64_t last_us, int64_t now_us);

/* Is a card of this partner good enough where at least suite `minimum` is asked for (0: any will do)?
 * ERR_UNSUPPORTED. */
NODISCARD err_t sync_card_enough(const struct sync_card *card, unsigned minimum, struct fault *fault);

/* Eight words of five letters and the spaces between them: 128 bits over root key and node name. */
enum { SYNC_CARD_WORDS_SIZE = 8 * 5 + 7 + 1 };
void sync_card_words(const struct sync_card *card, char out[SYNC_CARD_WORDS_SIZE]);
/* The first 128 bits of a digest in the same words, for other things that are read out. */
void sync_words(const struct hash *digest, char out[SYNC_CARD_WORDS_SIZE]);

/* Verifier keys under the names that LEDGER.md gives them. `key` is SYNC_CARD_COSIGN,
 * SYNC_CARD_DISPOSITION or SYNC_CARD_RECALL (answers to recalls); the ledger key's name is the origin. */
void sync_card_receipt_key(const struct sync_card *card, enum sync_card_key key, struct note_key *out);
NODISCARD err_t sync_card_ledger_key(const struct sync_card *card, struct str origin, struct note_key *out);
