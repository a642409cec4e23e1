/* What a feed's server must not be read without: feeds/feed-NAME.json, mode 0640 in a
 * directory that lets nobody in but the node and, where the directory's group is edge's, edge; a JSON object.
 * Written by the command that declares the feed, read by edge when a run begins, and nowhere else; it is in
 * no log, no store and no diagnostic. It stands apart from the node's own keys, which core, who writes this,
 * may not open (app/confine.h). Whoever reads it wipes it. Any thread. */
#pragma once

#include "core/buf.h"
#include "core/limit.h"
#include "os/os.h"

#define FEED_SECRET_DIR "feeds" /* below the node's directory */

struct feed_secret {
    struct str user, password;   /* Basic */
    struct str token;            /* bearer */
    struct str certificate, key; /* PEM: a client certificate with its chain, and its key */
    struct str authorities;      /* PEM: trusted instead of the system's */
    struct str pin;              /* 64 hexadecimal digits: SHA-256 of the server's SubjectPublicKeyInfo */
};

bool feed_secret_any(const struct feed_secret *secret);
/* Do its parts fit together? The fault says what does not. */
NODISCARD err_t feed_secret_check(const struct feed_secret *secret, struct fault *fault);
/* Checks it as well. Nothing is kept when nothing is given. */
NODISCARD err_t feed_secret_write(const struct os *os, const char *dir, struct str feed,
                                  const struct feed_secret *secret, struct fault *fault);
/* Strings of *out stand in `text` (deinit it; wipe it before with mem_wipe). ERR_NOTFOUND, ERR_CORRUPT. */
NODISCARD err_t feed_secret_read(const struct os *os, const char *dir, struct str feed, struct buf *text,
                                 struct feed_secret *out);
/* Makes the directory, and moves there what versions of before kept among the node's own keys. Before anybody
 * reads or writes any. */
NODISCARD err_t feed_secret_settle(const struct os *os, const char *dir);
void feed_secret_remove(const struct os *os, const char *dir, struct str feed);
