/* Who stands behind a request (TAXII 2.1 section 1.6.9; RFC 7617 Basic, RFC 6750 Bearer, mutual TLS). For
 * taxii/ only. */
#pragma once

#include "taxii/state.h"

/* Argon2id with 9 MiB and 4 passes, as strong as the usual 19 MiB and 2, and small enough that guesses from
 * outside cannot take the node's memory. */
enum { AUTH_STRETCH_OPS = 4, AUTH_STRETCH_KIB = 9216 };

enum auth_outcome { AUTH_KNOWN, AUTH_UNKNOWN, AUTH_BUSY };

/* Authorization counts before the certificate. AUTH_BUSY: too many wrong passwords came from there,
 * or from everywhere. */
enum auth_outcome auth_request(struct taxii *taxii, const struct exchange_request *request, int64_t now_us,
                               const struct taxii_identity **out);

/* Reads every identity; ERR_CORRUPT. (identity.c) */
NODISCARD err_t taxii_accounts_load(struct taxii *taxii);

NODISCARD err_t auth_stretch(const struct account *account, struct str password, uint8_t out[STRETCHED_SIZE]);
/* NULL: nobody's. */
const struct account *auth_certificate(const struct taxii *taxii, const uint8_t key[EXCHANGE_KEY_SIZE]);
