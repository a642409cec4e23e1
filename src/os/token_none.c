/* A program that is linked statically can load no module. */
#include "os/token.h"

#include <string.h>

bool os_token_named(const char *name)
{
    return strncmp(name, "pkcs11:", 7) == 0;
}

err_t os_token_open(const char *uri, unsigned suite, struct str pin, bool make, struct os_token **out,
                    struct fault *fault)
{
    (void)uri;
    (void)suite;
    (void)pin;
    (void)make;
    *out = NULL;
    return fault_set(fault, ERR_UNSUPPORTED, 0,
                     "this program loads no token's module; sign with bongsu as Debian packs it");
}

void os_token_close(struct os_token *token)
{
    (void)token;
}

struct sign_hand os_token_signer(const struct os_token *token)
{
    return (struct sign_hand) {.ctx = token};
}
