/* Signatures and public keys of OpenSSH, as texts: what is read as a key says the same when written again,
 * and no input passes for signed (the fuzzer does not hold the key, and what it says of itself is over
 * another text). */
#include "core/sign.h"
#include "core/sshsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void try_key(struct str text)
{
    char fingerprint[SSHSIG_FINGERPRINT_SIZE];
    struct sshsig_key key, again;
    struct buf out;
    if (sshsig_key_parse(text, &key) != ERR_OK)
        return;
    buf_init(&out, 1024);
    sshsig_key_print(&key, &out);
    must(buf_err(&out) == ERR_OK && str_starts(text, buf_str(&out)));
    must(sshsig_key_parse(buf_str(&out), &again) == ERR_OK && sshsig_key_eq(&key, &again));
    sshsig_fingerprint(&key, fingerprint);
    must(strlen(fingerprint) == sizeof fingerprint - 1);
    buf_deinit(&out);
}

static void try_signature(struct str text)
{
    struct sshsig sig;
    if (sshsig_parse(text, &sig) != ERR_OK)
        return;
    must(sig.name_len > 0 && sig.name_len <= sizeof sig.name && sig.signature_len <= sizeof sig.signature);
    must(sshsig_verify(&sig, &sig.key, sshsig_namespace(&sig), bytes_of("never signed", 12)) != ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str text = {(const char *)bytes, size};
    must(sign_start() == ERR_OK);
    try_key(text);
    try_signature(text);
    return 0;
}
