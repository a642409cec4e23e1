/* Who may use the TAXII server: identities and their credentials, kept in the gate's settings
 * ("taxii/identity/NAME"), hashed. A password is stretched (Argon2id); a token is 256 random bits, so its
 * SHA-256 says nothing about it; a certificate is known by its key. None can be read back.
 *
 * Every change is a fact of the gate: durable after gate_commit, in force at once. Same thread as the
 * server. */
#pragma once

#include "taxii/server.h"

enum taxii_role {
    TAXII_READ = 1,      /* the audience's release collection */
    TAXII_SUBMIT = 2,    /* the source's inbox */
    TAXII_WORKSPACE = 4, /* the source's workspace */
    TAXII_STRICT = 8,    /* may send only what the standard allows; others also bundles, application/stix+json
                            and a type without its version, as OpenCTI does */
};

enum { TAXII_ROLES = TAXII_READ | TAXII_SUBMIT | TAXII_WORKSPACE | TAXII_STRICT };

enum taxii_credential { TAXII_PASSWORD = 1, TAXII_TOKEN = 2, TAXII_CERTIFICATE = 4 };

enum { TAXII_TOKEN_SIZE = 77 }; /* "bongsu-taxii-" and 64 hexadecimal digits, without a terminator */

/* Good until the next change. */
struct taxii_identity {
    char name_text[LIMIT_NAME_BYTES];
    struct str name;      /* a-z 0-9 . _ -, at most LIMIT_NAME_BYTES; also the user name of Basic */
    int partner;          /* index of the audience whose view it reads; -1: none */
    uint32_t source;      /* number of the source that it submits as; GATE_SOURCE_NONE: none */
    unsigned roles;       /* enum taxii_role; those without audience or source do not count */
    unsigned credentials; /* enum taxii_credential that are set */
    uint32_t requests;    /* it may make a minute; 0: LIMIT_TAXII_REQUESTS */
    uint32_t objects;     /* it may submit a day; 0: LIMIT_TAXII_OBJECTS */
};

/* Adds or changes; credentials stay. `audience` may be empty; an empty `source` means the partner's own.
 * ERR_NOTFOUND: no such audience or source. ERR_INVALID: the name, or neither of the two. ERR_FULL beyond
 * LIMIT_TAXII_IDENTITIES. */
NODISCARD err_t taxii_identity_put(struct taxii *taxii, struct str name, struct str audience,
                                   struct str source, unsigned roles, const struct gate_by *by,
                                   int64_t now_us);
/* As in struct taxii_identity. What was used up counts from the beginning again. */
NODISCARD err_t taxii_identity_limit(struct taxii *taxii, struct str name, uint32_t requests,
                                     uint32_t objects, const struct gate_by *by, int64_t now_us);
NODISCARD err_t taxii_identity_remove(struct taxii *taxii, struct str name, const struct gate_by *by,
                                      int64_t now_us);
/* Setting a credential replaces ("rotates") the one of that kind. ERR_INVALID below
 * LIMIT_TAXII_PASSWORD_MIN. */
NODISCARD err_t taxii_identity_password(struct taxii *taxii, struct str name, struct str password,
                                        const struct gate_by *by, int64_t now_us);
/* The only time that the token is ever seen. */
NODISCARD err_t taxii_identity_token(struct taxii *taxii, struct str name, const struct gate_by *by,
                                     int64_t now_us, char out[TAXII_TOKEN_SIZE]);
/* As in exchange_request.peer_key. ERR_EXISTS when another identity has it. */
NODISCARD err_t taxii_identity_certificate(struct taxii *taxii, struct str name,
                                           const uint8_t key[EXCHANGE_KEY_SIZE], const struct gate_by *by,
                                           int64_t now_us);
/* Takes the credentials of these kinds away. */
NODISCARD err_t taxii_identity_revoke(struct taxii *taxii, struct str name, unsigned credentials,
                                      const struct gate_by *by, int64_t now_us);

/* A line for each identity, for the guard: reader NAME AUDIENCE'S-INDEX RELEASE-COLLECTION TOKEN CERTIFICATE
 * (docs/decisions/0110-guard.md); the token by its SHA-256, a password not at all. */
void taxii_readers_write(const struct taxii *taxii, struct buf *out);

size_t taxii_identity_count(const struct taxii *taxii);
const struct taxii_identity *taxii_identity_at(const struct taxii *taxii, size_t index);
/* NULL when unknown. */
const struct taxii_identity *taxii_identity_find(const struct taxii *taxii, struct str name);
