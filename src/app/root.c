#include "app/root.h"

#include "app/keys.h"

static err_t open_token(const char *uri, unsigned suite, struct str pin, bool make, struct root *out,
                        struct fault *fault)
{
    err_t err = os_token_open(uri, suite, pin, make, &out->token, fault);
    if (err == ERR_OK)
        out->signer = os_token_signer(out->token);
    return err;
}

err_t root_passphrase_ok(struct str passphrase, struct fault *fault)
{
    if (passphrase.len < KEYS_PASSPHRASE_MIN || passphrase.len > KEYS_PASSPHRASE_MAX)
        return fault_set(fault, ERR_INVALID, 0, "a passphrase has %d to %d bytes", KEYS_PASSPHRASE_MIN,
                         KEYS_PASSPHRASE_MAX);
    return ERR_OK;
}

err_t root_make(const struct os *os, const char *dir, unsigned suite, const char *where, struct str secret,
                struct root *out, struct fault *fault)
{
    err_t err;
    *out = (struct root) {.token = NULL};
    if (where != NULL)
        return open_token(where, suite, secret, true, out, fault);
    if (TRY(err, root_passphrase_ok(secret, fault)))
        return err;
    if (TRY(err, keys_root_make(os, dir, suite, secret, &out->key)))
        return fault_set(fault, err, 0, "the root key could not be made: %s",
                         err == ERR_EXISTS ? "there is one already" : err_text(err));
    out->signer = sign_hand_of(&out->key);
    return ERR_OK;
}

err_t root_open(const struct os *os, const char *where, unsigned suite, struct str secret, struct root *out,
                struct fault *fault)
{
    err_t err;
    *out = (struct root) {.token = NULL};
    if (os_token_named(where))
        return open_token(where, suite, secret, false, out, fault);
    if (TRY(err, keys_root_open(os, where, secret, &out->key)))
        return fault_set(fault, err, 0, "%.120s: %s", where,
                         err == ERR_DENIED || err == ERR_INVALID ? "not the passphrase of this root key"
                         : err == ERR_NOTFOUND                   ? "not found; name it with --root-key"
                                                                 : err_text(err));
    out->signer = sign_hand_of(&out->key);
    return ERR_OK;
}

void root_close(struct root *root)
{
    os_token_close(root->token);
    sign_key_wipe(&root->key);
    *root = (struct root) {.token = NULL};
}
