/* What the files of this room share. For taxii/ only. */
#pragma once

#include "core/hash.h"
#include "taxii/identity.h"
#include "json/json.h"

enum { SALT_SIZE = 16, STRETCHED_SIZE = 32 };

/* An identity with what proves it. */
struct account {
    struct taxii_identity public;
    uint32_t stretch_ops, stretch_kib;
    uint8_t salt[SALT_SIZE];
    uint8_t stretched[STRETCHED_SIZE];
    struct hash token; /* SHA-256 of its text */
    uint8_t certificate[EXCHANGE_KEY_SIZE];
    /* HMAC under a key of this run over the name and password that were right once: stretching costs
     * milliseconds, so it happens once a start. */
    bool proven;
    struct hash proof;
    int64_t requests_us, objects_us; /* see quota.h */
};

/* Where in the log every LIMIT_TAXII_MARK_STEP-th object of a source stands: pages of a workspace are found
 * by number. */
struct mark {
    uint64_t lsn;    /* of the object with number index * LIMIT_TAXII_MARK_STEP */
    int64_t date_us; /* its date_added */
};

struct workspace {
    uint32_t source;
    struct mark *marks;
    size_t count, size;
};

struct taxii {
    struct gate *gate;
    err_t (*random)(void *ctx, void *out, size_t len);
    void *random_ctx;
    char title[LIMIT_TAXII_TITLE_BYTES];
    char description[LIMIT_TAXII_TITLE_BYTES];
    char origins[LIMIT_TAXII_ORIGINS][LIMIT_TAXII_ORIGIN_BYTES]; /* up to the first empty one */
    bool allow_plain;
    struct hash key;     /* of the node: collection ids, status ids, next */
    struct hash run_key; /* of this run: proofs of passwords, buckets */

    struct account *accounts; /* LIMIT_TAXII_IDENTITIES */
    size_t account_count;
    int64_t tries_us, try_us[LIMIT_TAXII_TRY_NETWORKS]; /* buckets: see auth.c */

    struct workspace workspaces[LIMIT_TAXII_IDENTITIES];
    size_t workspace_count;
    struct json_parser *parser;
};

/* HMAC under the node key of label, 0x00, context. */
struct hash taxii_mac(const struct taxii *taxii, const char *label, struct bytes context);
