/* bongsu.yaml: what an operator sets of a node. Read once at start with libcyaml; a text that does not fit
 * the schema is refused with its line. What changes while the node runs (sources, partners, policy) is not
 * here but in the log. Relative paths are meant from the node's directory. No pointers; any thread. */
#pragma once

#include "core/buf.h"
#include "core/limit.h"
#include "core/sshsig.h"
#include "ledger/note.h"
#include "os/os.h"

#define CONF_FILE    "bongsu.yaml"
#define CONF_CONTROL "control.sock" /* the socket, where it is not set otherwise */

enum {
    CONF_OPERATORS_MAX = 32, /* a desk, and its deputies */
    CONF_ACCOUNT_BYTES = 40, /* of an account's name with its end: Linux allows 32 */
    CONF_OPERATOR_BYTES = CONF_ACCOUNT_BYTES + 2 * SSHSIG_KEY_MAX, /* ...and a public key, with its comment */
    CONF_URL_BYTES = LIMIT_HOST_BYTES + 256,
};

struct conf_address {
    char host[LIMIT_HOST_BYTES];
    uint16_t port;
    bool ipv6;
};

/* A witness of the log of the node (C2SP tlog-witness). */
struct conf_witness {
    char url[CONF_URL_BYTES]; /* its submission prefix, no slash at the end */
    struct note_key key;      /* of its cosignatures */
};

struct conf {
    char dir[LIMIT_PATH_BYTES];
    char node[LIMIT_NAME_BYTES + 1];
    char known_as[LIMIT_NAME_BYTES + 1]; /* the name that people use now; empty: `node`. Goes onto the card */
    char country[3];
    unsigned suite;   /* which init makes keys of (core/suite.h); later the card says it, and this is 0 */
    unsigned minimum; /* the least suite of partners' cards; 0: any will do */
    struct conf_address listen;
    size_t address_count; /* where partners reach us: goes onto the card */
    struct conf_address addresses[LIMIT_CARD_ADDRESSES];
    /* A certificate of the operator's own for the same door; empty: self-signed over keys/tls. */
    char certificate[LIMIT_PATH_BYTES];
    char certificate_key[LIMIT_PATH_BYTES];
    char control[LIMIT_PATH_BYTES]; /* path of the control socket */
    char metrics[LIMIT_PATH_BYTES];
    size_t operator_count; /* accounts of which two are two persons (app/operators.h) */
    char operators[CONF_OPERATORS_MAX][CONF_ACCOUNT_BYTES];
    struct sshsig_key operator_keys[CONF_OPERATORS_MAX]; /* no bytes: he signs nothing */
    bool operators_sign;                                 /* who has no key counts for nothing */
    size_t cors_count; /* web pages whose scripts may use the TAXII server; 0: none */
    char cors[LIMIT_TAXII_ORIGINS][LIMIT_TAXII_ORIGIN_BYTES];
    bool compress;              /* answers go out by gzip or zstd to who asks */
    unsigned pad_records;       /* bytes: TLS records are filled up to multiples of it; 0: as they are */
    unsigned access_days;       /* how long the access record is kept */
    unsigned quarantine_days;   /* how long refused input waits */
    unsigned evidence_days;     /* how long what people wrote is kept; 0: no end */
    unsigned recall_objects;    /* destroyed a day by the word of one */
    unsigned tightened_objects; /* a day by one source, before it is told */
    size_t key_copy_count;      /* folders that hold registered copies of the key file */
    char key_copies[LIMIT_KEY_COPIES][LIMIT_PATH_BYTES];
    unsigned log_every_s; /* between two entries of the log of the node; 0: there is none */
    size_t witness_count; /* whom its checkpoints are shown to */
    struct conf_witness witnesses[LIMIT_WITNESSES];
};

/* Reads DIR/bongsu.yaml. ERR_NOTFOUND: there is no node in `dir`. */
NODISCARD err_t conf_load(const struct os *os, const char *dir, struct conf *out, struct fault *fault);
/* The same of the file that is open there (os/proc.h): a role need not be able to open it. */
NODISCARD err_t conf_load_handed(int fd, const char *dir, struct conf *out, struct fault *fault);
/* The same from a text; `dir` for relative paths. The fault says which line. */
NODISCARD err_t conf_parse(struct str text, const char *dir, struct conf *out, struct fault *fault);
/* The commented text that init writes. */
void conf_write(struct buf *out, const struct conf *conf);
/* "127.0.0.1:7443", "[::1]:7443", "kr.example:7443". */
NODISCARD err_t conf_address_parse(struct str text, struct conf_address *out);
/* With brackets where they belong. */
void conf_address_write(struct buf *out, const struct conf_address *address);
