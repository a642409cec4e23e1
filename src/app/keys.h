/* A node's keys on disk (DESIGN 5). DIR/keys holds one working key a file, mode 0600, a line of text:
 *
 *     bongsu key v1 tls <64 hexadecimal digits of the seed>
 *
 * (of another suite than the first, "bongsu key v1 suite2 tls ...").
 *
 * Keys of later cards stand beside them, in a directory of the role that reads them, named by the first half
 * of their public halves: DIR/keys-edge/tls.<16 hexadecimal digits>, DIR/keys-keeper/ledger.<...>. Which of
 * them is used the card in force says, so that no file has to move when a card begins.
 *
 * DIR/root.key holds the root key, which signs cards and nothing else, sealed with a passphrase (Argon2id,
 * and XSalsa20-Poly1305 or, of another suite than the first, the suite's own seal); it is meant to be moved
 * away from the machine after init. Each role reads only the keys that it uses: edge tls; keeper ledger,
 * cosign, disposition, recall and sealing; core none. Whoever reads a key wipes it. Nothing here prints, and
 * no key ever reaches a diagnostic. Any thread. */
#pragma once

#include "core/sign.h"
#include "os/os.h"
#include "sync/card.h"

#define KEYS_DIR    "keys"
#define KEYS_ROOT   "root.key"
#define KEYS_EDGE   "keys-edge"
#define KEYS_KEEPER "keys-keeper"

enum { KEYS_PASSPHRASE_MIN = 8, KEYS_PASSPHRASE_MAX = 1024 };

/* Makes every working key (not the root) of a new node; ERR_EXISTS leaves an existing one alone. */
NODISCARD err_t keys_make(const struct os *os, const char *dir, unsigned suite);
/* A working key that signs. ERR_NOTFOUND, ERR_CORRUPT. */
NODISCARD err_t keys_read(const struct os *os, const char *dir, enum sync_card_key use, struct sign_key *out);
/* The seed alone (edge makes a certificate over it; sealing agrees, and does not sign). */
NODISCARD err_t keys_read_seed(const struct os *os, const char *dir, enum sync_card_key use,
                               struct sign_seed *out);
/* The directories of later keys, so that roles that are bounded to them find them. */
NODISCARD err_t keys_dirs(const struct os *os, const char *dir);
/* One more key for this use; its public half (of `sealing` what bundles are sealed to). */
NODISCARD err_t keys_make_next(const struct os *os, const char *dir, enum sync_card_key use, unsigned suite,
                               struct sign_public *out);
/* The seed whose public half is this one, wherever it stands. ERR_NOTFOUND: it is not here. */
NODISCARD err_t keys_find_seed(const struct os *os, const char *dir, enum sync_card_key use,
                               const struct sign_public *public, struct sign_seed *out);
/* Removes private keys that none of these cards names, but for sealing ones. The first file of a use stays,
 * and holds the key of the first card from then on. Done again after a crash it goes on. */
NODISCARD err_t keys_prune(const struct os *os, const char *dir, const struct sync_card *const *cards,
                           size_t count);
/* Every sealing key that is here, the newest ones last, at most `max`: what was sealed to a key of before is
 * still read. */
NODISCARD err_t keys_sealing(const struct os *os, const char *dir, struct sign_seed *out, size_t max,
                             size_t *out_count);
/* Public halves of all working keys, for the card; public[SYNC_CARD_ROOT] is left alone. */
NODISCARD err_t keys_public(const struct os *os, const char *dir, struct sign_public public[SYNC_CARD_KEYS]);

/* ERR_INVALID: the passphrase is too short or too long. */
NODISCARD err_t keys_root_make(const struct os *os, const char *dir, unsigned suite, struct str passphrase,
                               struct sign_key *out);
/* `path`: the file itself, which may lie on other media. ERR_DENIED: not this passphrase. */
NODISCARD err_t keys_root_open(const struct os *os, const char *path, struct str passphrase,
                               struct sign_key *out);
