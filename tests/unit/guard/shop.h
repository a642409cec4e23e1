/* A small exchange without a gate: two partners, what each was released, and pages of it, made by the rooms
 * that make them in a node (ledger/, sync/). The guard's questions are answered from the same lists. */
#pragma once

#include "core/buf.h"
#include "guard/guard.h"
#include "ledger/leaf.h"

enum { SHOP_US, SHOP_NZ, SHOP_PARTNERS, SHOP_MAX = 1200, SHOP_EPOCH = 4, SHOP_NOW_S = 1795300000 };

#define SHOP_FEED    "/bongsu/v1/feed"
#define SHOP_URGENT  "/bongsu/v1/urgent/feed"
#define SHOP_FETCH   "/bongsu/v1/fetch"
#define SHOP_SUMS    "/bongsu/v1/reconcile"
#define SHOP_OBJECTS "/api/collections/release/objects/"

/* An identifier whose last digits are the number. */
#define SHOP_ID_SIZE 80
void shop_id(const char *type, unsigned number, char out[SHOP_ID_SIZE]);

struct shop {
    struct guard *guard;
    struct {
        char *object[SHOP_MAX]; /* NULL: a leaf without content */
        bool over[SHOP_MAX];    /* taken back since */
        size_t count;
    } ledger[SHOP_PARTNERS];
    char *withheld[SHOP_MAX]; /* held, and nobody's */
    size_t withheld_count;
    bool mistaken;        /* shows the leaf after the one that is asked for */
    struct bytes voucher; /* goes with each object of pages, as it is; empty: none */
    bool lawless;         /* no policy is in force: said by shop_rules */
    bool urgent;          /* pages are of urgent ledgers: what has no content is recalled */
    unsigned questions;
};

void shop_open(struct shop *shop);
void shop_close(struct shop *shop);
/* us may have up to GREEN, nz up to AMBER, both for a day; `more` lines are added. */
void shop_rules(struct shop *shop, const char *more);
/* Copies. */
void shop_release(struct shop *shop, unsigned partner, const char *object);
void shop_withhold(struct shop *shop, const char *object);

struct leaf shop_leaf(const struct shop *shop, unsigned partner, uint64_t seq, struct leaf_opening *out);

/* Takes back what `partner` got last. */
void shop_take_back(struct shop *shop, unsigned partner);

/* A page of the ledger of `partner`. */
void shop_page(const struct shop *shop, unsigned partner, uint64_t from, uint32_t count, struct buf *out);
/* ...with the entries of another ledger under its checkpoint. */
void shop_page_of(const struct shop *shop, unsigned entries, unsigned partner, uint64_t from, uint32_t count,
                  struct buf *out);
/* Leaves of one ledger, fetched with their proofs under the checkpoint of another (docs/protocol/RECONCILE.md
 * section 5). */
void shop_fetched(const struct shop *shop, unsigned entries, unsigned partner, const uint64_t *leaves,
                  uint16_t count, uint64_t size, struct buf *out);
/* The same by TAXII. */
void shop_objects(const struct shop *shop, unsigned partner, uint64_t from, uint32_t count, struct buf *out);
void shop_manifest(const struct shop *shop, unsigned partner, uint64_t from, uint32_t count, struct buf *out);

/* What the guard says when `asker` gets this answer, its questions answered. */
enum guard_verdict shop_check(struct shop *shop, unsigned asker, const char *path, struct bytes body,
                              struct guard_finding *out);
/* ...and of a call of a feed that says this. */
enum guard_verdict shop_call(struct shop *shop, const struct guard_call *call, struct guard_finding *out);
