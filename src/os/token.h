/* A private key in a token (PKCS#11 v3.0): a smart card, a hardware security module. It is made there, signs
 * there, and never leaves it; this program sees the public half and signatures. Only for keys that people
 * use seldom and at hand: the root key of a node. Ed25519 (suite 1), and ECDSA over P-256 and P-384, of
 * which it signs a digest that is made here (PKCS#11 v3.0 sections 2.3.6, 2.3.14).
 *
 * The token's module is code of its vendor, loaded into this process: never into a running node. One thread.
 * The PIN is the caller's to wipe, and is not kept. */
#pragma once

#include <stdbool.h>

#include "core/sign.h"

struct os_token;

/* Is it the name of a key in a token (RFC 7512: `pkcs11:token=roots;object=kr`), and not a path? */
bool os_token_named(const char *name);
/* Opens the one key pair of this suite that `uri` names, in the one token that it names. Without
 * `module-path` every module that the machine has registered (p11-kit) is looked at. With `make` the pair is
 * made when the token holds none of that name; its label is `object`. ERR_UNSUPPORTED: this program was built
 * without, or the token knows no such keys; ERR_INVALID: not such a URI, or it holds a PIN; ERR_NOTFOUND: no
 * such module, token or key; ERR_CONFLICT: several; ERR_DENIED: not this PIN, or it is locked; ERR_IO: the
 * token failed. `fault` says more. */
NODISCARD err_t os_token_open(const char *uri, unsigned suite, struct str pin, bool make,
                              struct os_token **out, struct fault *fault);
void os_token_close(struct os_token *token);
/* Signs in the token. Borrows `token`. Signing answers ERR_IO when the token fails, and when what it gives
 * does not verify. */
struct sign_hand os_token_signer(const struct os_token *token);
