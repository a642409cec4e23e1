/* Making a node's directory, and its card. The command line calls these while the node does not run; they
 * need the root key, which a running node never sees. */
#pragma once

#include "app/conf.h"
#include "core/uuid.h"
#include "sync/card.h"

#define INIT_CARD_FILE "card"

enum { INIT_CARD_DAYS = 365 };

/* Writes bongsu.yaml, the keys, root.key and card number 1. ERR_EXISTS: there is a node already. On failure
 * `fault` (may be NULL) says what; what was written stays for a look. */
NODISCARD err_t init_node(const struct os *os, const struct conf *conf, struct str passphrase,
                          struct sync_card *out_card, struct fault *fault);
/* A new card with the next number, today's addresses of bongsu.yaml and the given identities (keys of STIX
 * identity objects at home here). `root_path`: where root.key is now. */
NODISCARD err_t init_card_renew(const struct os *os, const struct conf *conf, const char *root_path,
                                struct str passphrase, const struct uuid *identities, size_t identity_count,
                                struct sync_card *out_card, struct fault *fault);
/* The present card and its whole text. */
NODISCARD err_t init_card_read(const struct os *os, const char *dir, struct sync_card *out_card,
                               struct buf *out_text, struct fault *fault);
