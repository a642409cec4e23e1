/* bongsu-verify: reads what a node signed - proof files, checkpoints, receipts, exported ledgers, vouchers
 * - and says whether it holds, offline, for whoever need not trust bongsu. A second implementation of
 * docs/protocol/LEDGER.md and the C2SP pages that it names, written from those pages: it includes no other
 * room and needs libsodium (Ed25519, SHA-256, base64) and OpenSSL (ECDSA, UTF-8) alone, so that a mistake of
 * the rooms that wrote a ledger is not made again by its reader; and it has under 1,500 lines, to be read
 * whole.
 *
 * Must never: use a word of a note before a signature over it was verified by a key that the caller gave; use
 * the heap; read past a bound below; say "verified" of something that was not looked at.
 *
 * Everything borrows from the caller's bytes. Functions answer true or false; verify.why says the first
 * refusal. Results count only on success. One thread. */
#pragma once

#include <inttypes.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define VERIFY_SIZE_MAX     ((uint64_t)INT64_MAX) /* of a tree: others keep sizes in signed 64 bits */
#define VERIFY_SUBJECT_NONE UINT64_MAX
#define SPAN_NONE           ((struct span) {NULL, 0})

enum { VERIFY_HASH = 32, VERIFY_LEVELS = 63, VERIFY_LEAF = 88, VERIFY_OPENING = 72 };
enum { VERIFY_TILE = 256, VERIFY_TILE_LEVELS = 8, VERIFY_EXTRA_MAX = 2048 };
enum {
    VERIFY_NOTE_MAX = 128 << 10, /* a note: 16 post-quantum signature lines and the text */
    VERIFY_FILE_MAX = 136 << 10, /* a proof file: a note, 64 hashes, the extra; a tile has 8,192 */
    VERIFY_LINES_MAX = 32,       /* signature lines; signed-note asks for at least 16 */
    VERIFY_SIGNATURE_MAX = 5120, /* "nearly 5kB": an unknown post-quantum line */
    VERIFY_NAME_MAX = 64,        /* of a node, an audience, a rule, a source */
    VERIFY_KEY_NAME_MAX = 160,   /* an origin */
    VERIFY_PATH_MAX = 64,        /* hashes of a Merkle path */
    VERIFY_LIMITS_MAX = 512,     /* of passing an object on, in a voucher */
    VERIFY_KEYS_MAX = 24,        /* what a caller can trust at once: eight cards */
    VERIFY_SINCE_MAX = 8,        /* older checkpoints that a ledger is compared with */
    VERIFY_WORDS = 8 * 6,        /* eight words of five letters, spaces, the end */
    VERIFY_TIME = 28             /* 2026-11-21T22:23:49.000001Z and the end */
};

struct span {
    const uint8_t *at;
    size_t len;
};
struct digest {
    uint8_t b[VERIFY_HASH];
};

/* How a kind of key stands in a verifier key: behind `head`, `size` bytes. */
struct verify_form {
    const char *head;
    size_t head_len, size;
    bool cosigns;
};
struct verify_key {
    char name[VERIFY_KEY_NAME_MAX + 1]; /* of a card's ledger key "bongsu/<node>/", which begins origins */
    bool begins;
    const struct verify_form *form;
    uint8_t bytes[160];       /* what stands before the public key, and that */
    char words[VERIFY_WORDS]; /* of the card that it stands on; empty: on none */
};
/* One asking: whose signatures count, and what was refused first. Zeroed: nobody's, nothing. */
struct verify {
    size_t count;
    struct verify_key keys[VERIFY_KEYS_MAX];
    char why[256];
};
/* --- text.c: bytes and texts --- */
/* Writes the reason, unless one stands there; false. */
bool verify_refuse(struct verify *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline struct span verify_span_of(const char *text)
{
    return (struct span) {(const uint8_t *)text, strlen(text)};
}
static inline bool verify_same(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}
static inline bool verify_digest_same(const struct digest *a, const struct digest *b)
{
    return memcmp(a->b, b->b, VERIFY_HASH) == 0;
}
/* Takes what stands before `end` off `rest`, and `end`; false when there is none. */
bool verify_cut(struct span *rest, char end, struct span *out);
/* Takes so many bytes off the beginning; false when there are fewer. */
bool verify_take(struct span *rest, uint64_t len, struct span *out);
/* Takes `head` off the beginning; false when it does not begin so. */
bool verify_head_take(struct span *s, const char *head);
/* Of a first line, "<form>/suite<number>": 1 for keys of Ed25519, 2 of P-256, 3 of P-384; 0: not known. */
unsigned verify_suite(struct span line, const char *form);
/* No sign, no leading zero, at most `max`. */
bool verify_number(struct span s, uint64_t max, uint64_t *out);
/* Canonical, padded (RFC 4648 section 4); at most `size` bytes. */
bool verify_base64(struct span s, uint8_t *out, size_t size, size_t *out_len);
static inline bool verify_base64_digest(struct span s, struct digest *out)
{
    size_t len;
    return verify_base64(s, out->b, VERIFY_HASH, &len) && len == VERIFY_HASH;
}
/* The next line, and what it says. */
static inline bool verify_number_line(struct span *rest, uint64_t max, uint64_t *out)
{
    struct span line;
    return verify_cut(rest, '\n', &line) && verify_number(line, max, out);
}
static inline bool verify_digest_line(struct span *rest, struct digest *out)
{
    struct span line;
    return verify_cut(rest, '\n', &line) && verify_base64_digest(line, out);
}
/* Well-formed UTF-8 without control characters other than newlines. */
bool verify_text_ok(struct span s);
/* Node and audience names; copied with an end. */
bool verify_name(struct span s, char out[VERIFY_NAME_MAX + 1]);
uint64_t verify_u(const uint8_t *at, size_t width);                     /* big-endian */
void verify_time(uint64_t seconds, unsigned us, char out[VERIFY_TIME]); /* seconds <= INT64_MAX */

/* --- tree.c: RFC 6962 section 2.1 --- */
/* Of the parts, one after another. */
struct digest verify_sha256(const struct span *parts, size_t count);
struct digest verify_leaf_hash(struct span entry);
struct digest verify_node(const struct digest *left, const struct digest *right);

/* The complete subtrees of a tree of `size` leaves: at[k] of 2^k leaves, for every one bit of size; and made,
 * those that the last leaf completed: made[k], as far as 2^k divides size. */
struct verify_edge {
    uint64_t size;
    struct digest at[VERIFY_LEVELS], made[VERIFY_LEVELS];
};
void verify_edge_append(struct verify_edge *edge, const struct digest *leaf); /* size < VERIFY_SIZE_MAX */
struct digest verify_edge_root(const struct verify_edge *edge);

/* --- note.c: C2SP signed-note and tlog-cosignature, node cards, and whose signatures count --- */
/* Lines of verifier keys (name+id+key); empty lines and those that begin with # count for nothing. */
bool verify_trust_keys(struct span text, struct verify *v);
/* The ledger, cosign and disposition keys of a node card (docs/protocol/SYNC.md section 1), signed by its own
 * root key: that the root key is the node's is for people to know, by the words. */
bool verify_trust_card(struct span whole, struct verify *v);

struct verify_note {
    struct span text;
    size_t count;
    struct {
        struct span name, base64;
        uint32_t id;
    } lines[VERIFY_LINES_MAX];
};
bool verify_note_parse(struct span whole, struct verify_note *out, struct verify *v);

/* Over exactly this message. */
bool verify_key_holds(const struct verify_key *key, struct span signature, struct span message);

enum verify_role { VERIFY_LOG, VERIFY_COSIGNER, VERIFY_HOLDER };
struct verify_signers {
    size_t count;
    struct {
        struct verify_key key; /* begins: its name is that of the log */
        uint64_t time_s;       /* of cosignatures: the latest */
    } at[VERIFY_KEYS_MAX];
};
/* Who of those trusted in this role signed; each of their lines must verify. `origin`: of the log. */
bool verify_note_signed(const struct verify_note *note, enum verify_role role, struct span origin,
                        struct verify_signers *out, struct verify *v);

/* --- checkpoint.c: C2SP tlog-checkpoint, and the disposition note --- */
struct verify_origin {
    char text[VERIFY_KEY_NAME_MAX + 1];
    bool ledger, log, urgent; /* of bongsu: a release ledger, or the log of a node; else all false */
    uint32_t epoch;
};
struct verify_checkpoint {
    struct verify_origin origin;
    uint64_t size;
    struct digest root;
    char words[VERIFY_WORDS]; /* of the card of the log's key; empty: a verifier key */
    struct verify_signers cosigners;
};
bool verify_origin_parse(struct span line, struct verify_origin *out);
/* Signed by a key that is trusted for its origin. */
bool verify_checkpoint_open(struct span whole, struct verify_checkpoint *out, struct verify *v);

struct verify_receipt {
    struct verify_origin origin;
    char holder[VERIFY_NAME_MAX + 1];
    uint64_t size, refused_count;
    struct digest root, refused;
};
/* The disposition note says that its signer holds, but for what it refused, the tree of `checkpoint`; and the
 * same node cosigned that. */
bool verify_receipt_open(struct span disposition, const struct verify_checkpoint *checkpoint,
                         struct verify_receipt *out, struct verify *v);

/* --- proof.c: LEDGER.md sections 2 to 4 and 12, C2SP tlog-proof, vouchers (SYNC.md section 4) --- */
struct verify_leaf {
    unsigned op;
    uint32_t epoch;
    uint64_t seq, time_us;
    struct digest partner, issuer, hash;
};
struct verify_opening {
    struct digest content; /* zero: none */
    uint64_t subject;
};
struct verify_reason {
    char rule[VERIFY_NAME_MAX + 1], approver[VERIFY_NAME_MAX + 1], source[VERIFY_NAME_MAX + 1];
    struct digest policy;
};
const char *verify_op_word(unsigned op); /* NULL: no op */
bool verify_leaf_read(struct span bytes, struct verify_leaf *out, struct verify *v);
/* Opens the leaf's partner commitment, and goes with its op. */
bool verify_opening_read(struct span bytes, const struct verify_leaf *leaf, bool urgent,
                         struct verify_opening *out, struct verify *v);

struct verify_proof {
    struct verify_checkpoint checkpoint;
    uint64_t index;
    struct digest hash; /* of the leaf */
    bool has_leaf, has_opening, has_reason, has_logged;
    struct verify_checkpoint logged; /* by the log of the node: origin, size, root; when is leaf.time_us */
    struct verify_leaf leaf;
    struct verify_opening opening;
    struct verify_reason reason;
};
/* `entry`: what another kind of log holds (the extra is not looked at); SPAN_NONE: a bongsu leaf, or an entry
 * of the log of a node, in the extra. */
bool verify_proof_open(struct span whole, struct span entry, struct verify_proof *out, struct verify *v);

struct verify_voucher {
    char node[VERIFY_NAME_MAX + 1], limits[VERIFY_LIMITS_MAX + 1], words[VERIFY_WORDS]; /* of its card */
};
/* What the node where an object entered signed: of the object with this SHA-256, by a card of the node that
 * it names. `whole`: base64, and a line end. */
bool verify_voucher_open(struct span whole, const struct digest *content, struct verify_voucher *out,
                         struct verify *v);

/* --- ledger.c: an exported ledger (LEDGER.md section 10) --- */
/* Where its files come from: `size` bytes at most; false when it is not there, or (then in why) longer. */
struct verify_files {
    const void *ctx;
    bool (*read)(const void *ctx, const char *path, uint8_t *out, size_t size, size_t *out_len,
                 struct verify *v);
};
struct verify_ledger {
    size_t since_count; /* the caller's: checkpoints that somebody kept; the receipt's is added */
    struct verify_checkpoint since[VERIFY_SINCE_MAX + 1];
    struct verify_checkpoint checkpoint;
    uint64_t opened, closed;         /* leaves with an opening; those whose secret was destroyed */
    bool has_receipt, receipt_known; /* known: by a card or key of the partner */
    struct verify_receipt receipt;
};
/* Every leaf, opening and tile, the root, its receipt; and that each of `since` is a beginning of it. */
bool verify_ledger_open(const struct verify_files *files, struct verify_ledger *ledger, struct verify *v);
