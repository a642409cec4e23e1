/* Signatures of OpenSSH (PROTOCOL.sshsig): what `ssh-keygen -Y sign` writes with a key in a file, an agent or
 * a hardware token, read and verified here. Keys of three kinds: ssh-ed25519, sk-ssh-ed25519@openssh.com (a
 * token that was touched) and ecdsa-sha2-nistp256; certificates are none. The algorithms are those of
 * core/suite.h.
 *
 * Texts come from outside: bounded, and read in one way. What is parsed is copied: nothing is borrowed. Pure;
 * any thread. */
#pragma once

#include "core/buf.h"
#include "core/err.h"
#include "core/limit.h"

enum {
    SSHSIG_KEY_MAX = 256,         /* a key's bytes: the largest kind takes 104, and a token's application */
    SSHSIG_SIGNATURE_MAX = 128,   /* its kind, and 64 to 72 bytes */
    SSHSIG_NAMESPACE_MAX = 64,    /* what it was made for */
    SSHSIG_FINGERPRINT_SIZE = 51, /* "SHA256:", 43 digits, the end */
};

/* For messages. */
#define SSHSIG_KINDS "ssh-ed25519, sk-ssh-ed25519@openssh.com and ecdsa-sha2-nistp256"

/* A public key, as it stands on the wire of SSH. No bytes: none. */
struct sshsig_key {
    size_t len;
    uint8_t b[SSHSIG_KEY_MAX];
};

struct sshsig {
    struct sshsig_key key; /* that it says it is of */
    size_t name_len, signature_len;
    bool sha512; /* else SHA-256, over the message */
    char name[SSHSIG_NAMESPACE_MAX];
    uint8_t signature[SSHSIG_SIGNATURE_MAX];
};
static inline struct str sshsig_namespace(const struct sshsig *sig)
{
    return (struct str) {sig->name, sig->name_len};
}

/* "ssh-ed25519 AAAA...", and what stands behind it, which is nothing but a comment. ERR_SYNTAX: not that
 * form, or not the one spelling of a key; ERR_UNSUPPORTED: of another kind. */
NODISCARD err_t sshsig_key_parse(struct str text, struct sshsig_key *out);
void sshsig_key_print(const struct sshsig_key *key, struct buf *out);
bool sshsig_key_eq(const struct sshsig_key *a, const struct sshsig_key *b);
/* As `ssh-keygen -l` prints it. */
void sshsig_fingerprint(const struct sshsig_key *key, char out[SSHSIG_FINGERPRINT_SIZE]);

/* The armored text of a file.sig, at most LIMIT_SSHSIG_BYTES. ERR_LIMIT, ERR_SYNTAX, ERR_VERSION,
 * ERR_UNSUPPORTED (kind of key, or of digest). */
NODISCARD err_t sshsig_parse(struct str armored, struct sshsig *out);
/* Is it by this key, for this use, over this message? ERR_DENIED: by another key; ERR_INVALID: for another
 * use; ERR_SIGNATURE: over another message, or changed; ERR_NOMEM. */
NODISCARD err_t sshsig_verify(const struct sshsig *sig, const struct sshsig_key *key, struct str name,
                              struct bytes message);
