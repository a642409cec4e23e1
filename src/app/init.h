/* Making a node's directory, and its card. The command line calls these while the node does not run; they
 * need the root key, which a running node never sees. */
#pragma once

#include "app/conf.h"
#include "core/uuid.h"
#include "sync/card.h"

#define INIT_CARD_FILE      "card"
#define INIT_CARD_NEXT_FILE "card.next" /* signed, and in force from its time on, wherever it stands */
#define INIT_CARDS_DIR      "cards"     /* every card that was signed, by its number: proofs outlive keys */

enum { INIT_CARD_DAYS = 365, INIT_ROTATE_DAYS = 3 };

/* Writes bongsu.yaml, the keys, the root key (root.h: `where`, `secret`) and card number 1. ERR_EXISTS: there
 * is a node already. On failure `fault` (may be NULL) says what; what was written stays for a look. */
NODISCARD err_t init_node(const struct os *os, const struct conf *conf, const char *where, struct str secret,
                          struct sync_card *out_card, struct fault *fault);
struct init_renewal {
    const char *root_path; /* where the root key is now, and what opens it (root.h) */
    struct str secret;
    bool same_identities; /* those of the card in force; else the ones below, of STIX identities at home here
                           */
    const struct uuid *identities;
    size_t identity_count;
    uint64_t above;  /* its number is greater than this one too: a backup came back, and a partner holds it */
    unsigned rotate; /* 1 << enum sync_card_key: these get new keys */
    bool now;        /* in force at once, also before a next card that waits for its time */
    int64_t from_us; /* else from then on; not later than now: now */
};
/* A card with the next number, today's addresses of bongsu.yaml and the keys of the card in force but for
 * those that change. Private keys that neither it nor, until its time, the one in force names are removed,
 * but for sealing ones. Done again after a crash at any moment, it makes another one: of what was made before
 * nothing is used. ERR_EXISTS: a next card waits for its time already. */
NODISCARD err_t init_card_renew(const struct os *os, const struct conf *conf,
                                const struct init_renewal *renewal, struct sync_card *out_card,
                                struct fault *fault);
/* The card in force by the clock, and its whole text. */
NODISCARD err_t init_card_read(const struct os *os, const char *dir, struct sync_card *out_card,
                               struct buf *out_text, struct fault *fault);
/* Of the card in force; 0: there is none that can be read. */
unsigned init_suite(const struct os *os, const char *dir);
/* The one that waits for its time. ERR_NOTFOUND: none does. */
NODISCARD err_t init_card_read_next(const struct os *os, const char *dir, struct sync_card *out_card,
                                    struct buf *out_text);
/* One that was signed once. ERR_NOTFOUND. */
NODISCARD err_t init_card_read_past(const struct os *os, const char *dir, uint64_t number,
                                    struct buf *out_text);
