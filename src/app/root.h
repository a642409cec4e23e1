/* The root key of a node, which signs its cards and nothing else: in a file that a passphrase opens (keys.h),
 * or in a token that never gives it away (os/token.h). A running node never sees it. */
#pragma once

#include "core/sign.h"
#include "os/os.h"
#include "os/token.h"

struct root {
    struct sign_hand signer; /* borrows the rest: do not copy an open one */
    struct sign_key key;
    struct os_token *token;
};

/* Could it guard a root.key? ERR_INVALID: too short or too long. */
NODISCARD err_t root_passphrase_ok(struct str passphrase, struct fault *fault);
/* Makes the root key of a node in `dir`: DIR/root.key (`where` NULL), or in the token of that URI, where one
 * that has the name already is taken. `secret`: the passphrase, or the PIN. ERR_UNSUPPORTED: a
 * token that knows no keys of that suite. ERR_EXISTS: there is a root.key. `fault` says what is wrong. */
NODISCARD err_t root_make(const struct os *os, const char *dir, unsigned suite, const char *where,
                          struct str secret, struct root *out, struct fault *fault);
/* `where`: the path of root.key, which may lie on other media, or a token's URI; `suite`: the node's, whose
 * keys alone are looked for in a token. */
NODISCARD err_t root_open(const struct os *os, const char *where, unsigned suite, struct str secret,
                          struct root *out, struct fault *fault);
/* Wipes. Also what could not be opened. */
void root_close(struct root *root);
