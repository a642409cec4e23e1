/* Sealed bundles: the pages of a ledger in files, for partners without a network between them
 * (docs/protocol/BUNDLE.md). A bundle is one or more volumes; a volume is a head, which is a signed note that
 * people can read, and a sealed stream whose parts are the pages that `feed` answers. Receipts go back as a
 * text, or as words that fit on a slip of paper.
 *
 * A head must not be believed before its signature verified (bundle_head_open), and nothing of a page before
 * sync_page_check has verified it: the seal says that the issuer wrote it, not that it is true. Pure; readers
 * and writers are one thread's each. Secrets never reach a fault. */
#pragma once

#include "core/sealed_stream.h"
#include "ledger/note.h"
#include "sync/card.h"
#include "sync/wire.h"

enum { BUNDLE_ID_SIZE = 16, BUNDLE_LENGTH_SIZE = 4 };
#define BUNDLE_SEALED_BYTES ((size_t)LIMIT_BUNDLE_RECORD_BYTES + SEALED_RECORD_EXTRA)

/* The plan of a bundle: where its volumes begin and end. */
struct bundle_plan {
    uint8_t id[BUNDLE_ID_SIZE];
    unsigned volumes; /* 1 to LIMIT_BUNDLE_VOLUMES */
    uint64_t
        cuts[LIMIT_BUNDLE_VOLUMES + 1]; /* rising; volume i holds the leaves cuts[i - 1] to cuts[i] - 1 */
};

struct bundle_head {
    struct bundle_plan plan;
    unsigned volume;      /* from 1 */
    struct str origin;    /* of the ledger: says issuer and epoch. Borrowed */
    struct str recipient; /* node name. Borrowed */
    int64_t written_us;   /* by the issuer's clock; says nothing that a reader relies on */
    uint8_t stream[SEALED_HEADER_SIZE];
    unsigned suite;              /* of the seal, which is the recipient's; who signs is another matter */
    uint8_t box[SEALED_BOX_MAX]; /* sealed_box_size(suite) of them */
};

static inline uint64_t bundle_from(const struct bundle_head *head)
{
    return head->plan.cuts[head->volume - 1];
}

static inline uint64_t bundle_to(const struct bundle_head *head)
{
    return head->plan.cuts[head->volume];
}

/* "0 4000 8000": as in the head. bundle_cuts_read is strict; ERR_SYNTAX. */
void bundle_cuts_write(const struct bundle_plan *plan, struct buf *out);
NODISCARD err_t bundle_cuts_read(struct str text, struct bundle_plan *out);

/* The text to sign. */
void bundle_head_write(struct buf *out, const struct bundle_head *head);
/* Strict, without a word about the signature; `text` is a note text. ERR_SYNTAX, ERR_VERSION, ERR_INVALID. */
NODISCARD err_t bundle_head_read(struct str text, struct bundle_head *out, struct fault *fault);
/* The key that signs heads: the issuer's ledger key, under the name bongsu/<node>/bundle. */
NODISCARD err_t bundle_key_make(struct str node, const struct sign_public *ledger, struct note_key *out);
/* The whole note: parses, and verifies by the issuer's card. ERR_SIGNATURE, ERR_CONFLICT: another node's. */
NODISCARD err_t bundle_head_open(struct str whole, const struct sync_card *issuer, struct bundle_head *out,
                                 struct fault *fault);

/* --- the stream --- */

/* What every record of a volume is bound to: its whole head. */
struct hash bundle_bound(struct str head);
/* Appends a page as records, each behind its length. As sealed_put. */
NODISCARD err_t bundle_page_write(struct sealed_stream *stream, const struct hash *bound, struct bytes page,
                                  struct buf *out);
/* The record that ends a volume. */
NODISCARD err_t bundle_end_write(struct sealed_stream *stream, const struct hash *bound, struct buf *out);

struct bundle_reader;
enum bundle_took {
    BUNDLE_MORE, /* a page goes on */
    BUNDLE_PAGE, /* one is whole: bundle_reader_page */
    BUNDLE_END,  /* all of the volume was read */
};
NODISCARD err_t bundle_reader_new(const struct bundle_head *head, const struct hash *bound,
                                  const struct sealed_key *key, struct bundle_reader **out);
void bundle_reader_free(struct bundle_reader *reader); /* accepts NULL */
/* One sealed record, without its length. Pages follow each other without a gap, and end where the volume
 * ends. After a failure nothing more is read. ERR_SIGNATURE, ERR_SHORT, ERR_LIMIT, ERR_INVALID. */
NODISCARD err_t bundle_reader_take(struct bundle_reader *reader, struct bytes record, enum bundle_took *out,
                                   struct fault *fault);
/* After BUNDLE_PAGE: the leaves of the page, and its bytes, which move into `out` (initialised, empty). */
void bundle_reader_page(struct bundle_reader *reader, uint64_t *out_from, uint64_t *out_to, struct buf *out);
/* Leaves up to which the volume was read. */
uint64_t bundle_reader_at(const struct bundle_reader *reader);

/* --- receipts --- */

/* What a holder reads out: words over origin, size and root. */
void bundle_words(struct str origin, uint64_t size, const struct hash *root, char out[SYNC_CARD_WORDS_SIZE]);
/* Do these words, however they are spaced and in any case, say so? */
bool bundle_words_are(struct str said, struct str origin, uint64_t size, const struct hash *root);

/* The text that carries what would be posted (SYNC.md section 5, RECALL.md section 3): a line a message. */
void bundle_report_begin(struct buf *out);
void bundle_report_put(struct buf *out, const char *word, struct bytes body);
/* Takes the next message: "receipt" or "recall-done", decoded into `body` (replaced). *rest begins as the
 * whole text. ERR_NOTFOUND: there is none any more. ERR_VERSION, ERR_SYNTAX. */
NODISCARD err_t bundle_report_next(struct str *rest, bool first, struct str *out_word, struct buf *body);
