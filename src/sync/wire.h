/* The bodies of the synchronisation protocol (docs/protocol/SYNC.md sections 3 to 6): encoders and strict,
 * bounded decoders, nothing else. A body that is not exactly right is refused whole. Decoding borrows from
 * the bytes and allocates nothing; signatures, proofs and roots are for the caller to verify. Any thread. */
#pragma once

#include "ledger/cosign.h"
#include "ledger/leaf.h"
#include "ledger/merkle.h"

#define SYNC_ROOT           "/bongsu/v1/"
#define SYNC_PATH_URGENT    "/bongsu/v1/urgent/" /* the same names behind it: of the urgent ledger */
#define SYNC_PATH_HELLO     "/bongsu/v1/hello"
#define SYNC_PATH_FEED      "/bongsu/v1/feed"
#define SYNC_PATH_RECEIPT   "/bongsu/v1/receipt"
#define SYNC_PATH_CARD      "/bongsu/v1/card"
#define SYNC_PATH_RECONCILE "/bongsu/v1/reconcile"
#define SYNC_PATH_FETCH     "/bongsu/v1/fetch"
#define SYNC_MEDIA_TYPE     "application/vnd.bongsu.sync"

enum { SYNC_FORMAT = 1, SYNC_SUITE = 1, SYNC_OFFERS_MAX = 8 };

enum sync_version {
    SYNC_VERSION_MAIN = 1,      /* one ledger, with the recalls in it */
    SYNC_VERSION_URGENT = 2,    /* the urgent ledger is followed as well, and recalls stand there */
    SYNC_VERSION_RECONCILE = 3, /* ...and reconcile and fetch are answered (RECONCILE.md) */
    SYNC_VERSION_VOUCHERS = 4,  /* ...and pages bring what origins signed, when they are asked for it */
    SYNC_VERSION_NEWEST = SYNC_VERSION_VOUCHERS
};

/* Codes of refusal are err_t numbers and stand in signed digests: they may never move. */
_Static_assert(ERR_LIMIT == 2 && ERR_SYNTAX == 3 && ERR_INVALID == 4 && ERR_ENCODING == 5 &&
                   ERR_DUPLICATE_NAME == 6 && ERR_NUMBER == 7 && ERR_CONFLICT == 11 && ERR_DENIED == 12 &&
                   ERR_SIGNATURE == 13 && ERR_VERSION == 22 && ERR_EXPIRED == 23 && ERR_UNSUPPORTED == 26,
               "SYNC.md section 7 fixes these numbers");

/* --- hello --- */

struct sync_hello {
    size_t version_count, suite_count;
    uint8_t versions[SYNC_OFFERS_MAX]; /* rising */
    uint16_t suites[SYNC_OFFERS_MAX];
    uint32_t epoch;
    uint64_t size;
    struct hash root;
};

enum sync_verdict {
    SYNC_GO_ON,
    SYNC_OTHER_EPOCH,
    SYNC_ROOT_DIFFERS,
    SYNC_AHEAD, /* the caller holds more than the issuer knows of */
    SYNC_NOTHING_IN_COMMON,
    SYNC_VERDICTS
};

struct sync_welcome {
    enum sync_verdict verdict;
    uint8_t version;
    uint16_t suite;
    struct str origin;
    uint64_t size, receipted;
    struct str checkpoint;
    struct merkle_proof proof;
};

void sync_hello_write(struct buf *out, const struct sync_hello *hello);
NODISCARD err_t sync_hello_read(struct bytes wire, struct sync_hello *out);
void sync_welcome_write(struct buf *out, const struct sync_welcome *welcome);
NODISCARD err_t sync_welcome_read(struct bytes wire, struct sync_welcome *out);

/* --- feed --- */

struct sync_feed {
    uint32_t epoch;
    uint64_t from;
    unsigned max, wait_s;
    bool vouchers; /* what origins signed is wanted, too: asked of who speaks SYNC_VERSION_VOUCHERS alone */
};

/* Stands in the query of `feed` and of `fetch` where what origins signed is wanted; no other spelling. */
#define SYNC_QUERY_VOUCHERS "vouchers=1"

/* The query, without "?". */
void sync_feed_write(struct buf *out, const struct sync_feed *feed);
NODISCARD err_t sync_feed_read(struct str query, struct sync_feed *out);
/* Are they wanted? ERR_INVALID: twice, or spelled otherwise. */
NODISCARD err_t sync_vouchers_read(struct str query, bool *out);

/* What comes with a leaf: nothing, an opening, an opening and limits (`narrow`), or an opening, an object,
 * and what goes beside that. */
enum sync_part { SYNC_OPENING = 1, SYNC_OBJECT = 2, SYNC_LIMITS = 4, SYNC_TRAIL = 8, SYNC_VOUCHER = 16 };

/* How far an object may go on from whoever gets it: a line each, all of which bind, and what opens the salt
 * of its leaf with them (LEDGER.md section 5). Empty text: nothing was said. */
struct sync_limits {
    struct str text; /* at most LIMIT_RESHARE_BYTES */
    struct hash salt;
};

/* What goes beside an object; with `narrow` the limits alone. */
struct sync_beside {
    uint8_t hops; /* nodes that it has passed when it is there: at least 1 */
    struct sync_limits limits;
    struct bytes trail;   /* LIMIT_TRAIL_BYTES; empty: none */
    struct bytes voucher; /* ledger/voucher.h: well formed; empty: none */
};

struct sync_entry {
    struct bytes leaf;    /* LEAF_SIZE */
    unsigned parts;       /* enum sync_part; 0: the leaf alone */
    struct bytes opening; /* LEAF_OPENING_SIZE, or empty */
    struct bytes object;
    struct sync_beside beside;
};

struct sync_page {
    uint32_t epoch;
    uint64_t from;
    uint32_t count;
    struct bytes entries; /* walk with sync_entry_next; every one is well formed */
    struct str checkpoint;
    struct merkle_proof proof;
};

/* Head, then entries, then tail. `count` of the head may be patched afterwards: an issuer finds out while
 * writing. */
void sync_page_head_write(struct buf *out, uint32_t epoch, uint64_t from, uint32_t count);
void sync_page_count_set(struct buf *page, size_t head_at, uint32_t count);
/* `opening` NULL: the leaf alone, its content is given no more. Of `beside` without an
 * object the limits alone are looked at. */
void sync_entry_write(struct buf *out, const struct leaf *leaf, const struct leaf_opening *opening,
                      struct bytes object, const struct sync_beside *beside);
void sync_page_tail_write(struct buf *out, struct str checkpoint, const struct merkle_proof *proof);
/* ERR_VERSION on another format or suite, ERR_LIMIT above a bound, ERR_SHORT, ERR_INVALID. The fault's offset
 * is that of the byte where reading stopped. */
NODISCARD err_t sync_page_read(struct bytes wire, struct sync_page *out, struct fault *fault);
/* The next entry of page.entries; look at rd->err. */
struct sync_entry sync_entry_next(struct rd *rd);

/* --- receipt --- */

struct sync_refusal {
    uint64_t seq;
    uint16_t code;
};

struct sync_receipt {
    uint32_t epoch;
    uint64_t size;
    struct str cosignature, disposition;
    uint64_t before_count; /* refused leaves before the list, and their digest */
    struct hash before;
    size_t refusal_count;
    struct bytes refusals; /* as on the wire; sync_refusal_next */
};

/* `list` holds receipt->refusal_count refusals; receipt->refusals is not looked at. */
void sync_receipt_write(struct buf *out, const struct sync_receipt *receipt, const struct sync_refusal *list);
/* The list rises and stays below size. */
NODISCARD err_t sync_receipt_read(struct bytes wire, struct sync_receipt *out);
struct sync_refusal sync_refusal_next(struct rd *rd);
/* before, carried on over the list. */
struct hash sync_receipt_digest(const struct sync_receipt *receipt);

void sync_received_write(struct buf *out, uint64_t receipted);
NODISCARD err_t sync_received_read(struct bytes wire, uint64_t *out_receipted);

/* --- card --- */

struct sync_shown { /* request and answer alike */
    uint64_t held;  /* number of the newest card of the other side that the sender has; 0: none */
    size_t count;   /* 1 to LIMIT_CARDS_SHOWN */
    struct str cards[LIMIT_CARDS_SHOWN]; /* whole notes, not verified: in force, then the next */
};

void sync_shown_write(struct buf *out, const struct sync_shown *shown);
NODISCARD err_t sync_shown_read(struct bytes wire, struct sync_shown *out);

/* --- parts of bodies --- */

void sync_proof_write(struct buf *out, const struct merkle_proof *proof);
void sync_proof_read(struct rd *rd, struct merkle_proof *out); /* look at rd->err */
