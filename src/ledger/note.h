/* Signed notes (C2SP signed-note): a text, a blank line, signature lines. There are two types of signature:
 * over the text, and the timestamped checkpoint cosignature (ledger/cosign.h). Which algorithm makes them the
 * suite of the key says: Ed25519 as C2SP's 0x01 and 0x04, ECDSA over P-256 as its 0x02; ECDSA over P-384
 * (others take SHA-256 for whatever is 0x02), and cosignatures of either curve, are forms of bongsu's own
 * under 0xff (LEDGER.md section 1). Lines of unknown keys are ignored; a line of a known key that does not
 * verify refuses the whole note.
 *
 * A note's text must not be used before a signature of a trusted key was verified. Parsing borrows from the
 * caller's bytes and allocates nothing. Any thread. Secret keys arrive as arguments and are never kept. */
#pragma once

#include "core/buf.h"
#include "core/hash.h"
#include "core/limit.h"
#include "core/sign.h"

enum note_type { NOTE_SIGNATURE, NOTE_COSIGNATURE };

/* A verifier key: a name, a kind and a public key; id is computed from them. No pointers. */
struct note_key {
    char name[LIMIT_KEY_NAME_BYTES]; /* not terminated */
    size_t name_len;
    enum note_type type;
    uint32_t id;
    struct sign_public public;
};

/* True for a usable key name: UTF-8, not empty, no Unicode space, no plus, no control character. */
bool note_name_ok(struct str name);
/* ERR_INVALID on a name that is not usable or a key of no suite, ERR_LIMIT on a long name. */
NODISCARD err_t note_key_make(struct str name, enum note_type type, const struct sign_public *public,
                              struct note_key *out);
static inline struct str note_key_name(const struct note_key *key)
{
    return (struct str) {key->name, key->name_len};
}
/* vkey: name "+" 8 hexadecimal digits "+" base64(type || public key). Parsing is strict: the id must fit. It
 * says the signer alone: of suites with the same one the first is taken. */
void note_key_print(const struct note_key *key, struct buf *out);
NODISCARD err_t note_key_parse(struct str vkey, struct note_key *out);

struct note_line {
    struct str name;
    uint32_t id;
    struct str base64; /* of id and signature, whole, canonical */
};

struct note {
    struct str text; /* with its final newline */
    size_t count;
    struct note_line lines[LIMIT_NOTE_SIGNATURES];
};

/* Strict form of the specification, at most LIMIT_NOTE_BYTES and LIMIT_NOTE_SIGNATURES lines. Says nothing
 * about validity of any signature. ERR_LIMIT, ERR_ENCODING, ERR_SYNTAX. */
NODISCARD err_t note_parse(struct str whole, struct note *out, struct fault *fault);

/* Every line of this key (type NOTE_SIGNATURE) verifies and there is at least one: ERR_NOTFOUND without a
 * line, ERR_SIGNATURE when one does not verify. */
NODISCARD err_t note_verify(const struct note *note, const struct note_key *key);

/* Text and blank line: the note so far without signatures. ERR_INVALID when no note may have that text. */
NODISCARD err_t note_begin(struct str text, struct buf *out);
/* The note with the lines of this key alone. */
void note_only(const struct note *note, const struct note_key *key, struct buf *out);
/* One signature line over `text` (type NOTE_SIGNATURE), to follow note_begin or other lines. `key` must be
 * the public half of `secret`. */
NODISCARD err_t note_sign(struct str text, const struct note_key *key, const struct sign_key *secret,
                          struct buf *out);

/* For rooms that bring their own kind of signature: writes a line; reads one line's bytes behind the id
 * (`size` at most LIMIT_NOTE_SIGNATURE_BYTES). */
void note_line_put(const struct note_key *key, struct bytes signature, struct buf *out);
NODISCARD err_t note_line_signature(const struct note_line *line, uint8_t *out, size_t size, size_t *out_len);
bool note_line_is(const struct note_line *line, const struct note_key *key);

/* Reads one line of a note text: cuts `*rest` behind the next newline. False when no newline is left. */
bool note_text_line(struct str *rest, struct str *out);
/* The first line of a text that names its form and a suite: "<form>/suite<number>". */
void note_text_head_put(const char *form, unsigned suite, struct buf *out);
/* Of this form: its suite. 0: none that we know. */
unsigned note_text_head(struct str line, const char *form);
/* Of this form, and of a suite whose signatures are of this key's kind. */
bool note_text_head_by(struct str line, const char *form, const struct note_key *key);
/* The texts that notes use for numbers (no sign, no leading zeroes) and digests (base64 of 32 bytes). */
bool note_text_u64(struct str line, uint64_t max, uint64_t *out);
bool note_text_hash(struct str line, struct hash *out);
void note_text_hash_put(const struct hash *hash, struct buf *out);
/* A public key of a suite that the text has named. */
bool note_text_key(struct str line, unsigned suite, struct sign_public *out);
void note_text_key_put(const struct sign_public *key, struct buf *out);
