/* What the roles say to each other over links (app/link.h): the kinds, and encoders and strict decoders for
 * what passes between core and keeper and for outgoing calls. Requests and answers of HTTP are net/exchange.
 * Integers are big-endian (core/rd.h). Decoding borrows. */
#pragma once

#include "core/buf.h"
#include "gate/gate.h"
#include "ledger/cosign.h"
#include "net/exchange.h"
#include "net/tls.h"
#include "os/channel.h"
#include "sync/card.h"
#include "sync/recall.h"

enum message_kind {
    /* edge -> core */
    MESSAGE_REQUEST = 1, /* exchange_request */
    MESSAGE_GONE,        /* u64 id: the asker of a kept request is gone */
    MESSAGE_ANSWER,      /* message_answer: of a call */
    MESSAGE_LISTENING,   /* u16 port */
    MESSAGE_ACCESS,      /* message_used_*: pages that edge gave again since it last told */
    MESSAGE_COMING,      /* u64 id of a call: more of its answer has come, at most once a second */
    /* core -> edge */
    MESSAGE_RESPONSE, /* exchange_response */
    MESSAGE_PEERS,    /* message_peers_*: all of them; what is not in it is a stranger from now on */
    MESSAGE_CALL,     /* message_call */
    MESSAGE_CANCEL,   /* u64 id of a call */
    /* core -> keeper, and back */
    MESSAGE_SIGN,
    MESSAGE_SIGNED,
    MESSAGE_RECEIPT,
    MESSAGE_RECEIPTED,
    MESSAGE_RECALL_DONE,   /* message_recall_done */
    MESSAGE_RECALL_SIGNED, /* message_recall_signed */
    /* parent -> core */
    MESSAGE_COMMAND,     /* u32 client, who (u32 length, name), u8 enum standing, request line */
    MESSAGE_BATCH,       /* u32 client, bytes of `add`; empty: that was all */
    MESSAGE_CLIENT_GONE, /* u32 client */
    MESSAGE_METRICS,     /* u32 client: wants the metrics text */
    MESSAGE_PIECE,   /* u32 client, message_piece: of what the client refused as too large for an object */
    MESSAGE_FOREIGN, /* u32 client, message_foreign: of what the client refused as no event */
    MESSAGE_MORE,    /* u32 client: it has read what there was */
    /* core -> parent */
    MESSAGE_LINES, /* u32 client, u8 last, text */
    MESSAGE_READY, /* u16 port */
    /* core -> edge: message_feed.h */
    MESSAGE_FEED_OPEN,   /* message_feed_open */
    MESSAGE_FEED_CLOSE,  /* u32 feed: its calls end unanswered */
    MESSAGE_FEED_CALL,   /* message_feed_call */
    MESSAGE_FEED_CANCEL, /* u32 feed, u64 call */
    /* edge -> core */
    MESSAGE_FEED_HEAD, /* message_feed_head */
    MESSAGE_FEED_PART, /* u32 feed, u64 call, bytes */
    MESSAGE_FEED_OVER, /* message_feed_over */
    /* core -> guard: message_guard.h */
    MESSAGE_GUARD_RULES,    /* text: guard/rules.h */
    MESSAGE_GUARD_EVIDENCE, /* message_evidence_* */
    /* guard -> core */
    MESSAGE_GUARD_ASK,   /* message_ask_* */
    MESSAGE_GUARD_HELD,  /* message_held */
    MESSAGE_GUARD_COUNT, /* message_guarded */
    /* core -> keeper, and back */
    MESSAGE_BUNDLE,  /* message_bundle */
    MESSAGE_BUNDLED, /* message_bundled */
    MESSAGE_EPOCH,   /* to the keeper, u32: an operator let a ledger begin anew under this number */
    MESSAGE_CARD,    /* to keeper and edge, message_card: whose private halves are used from now on */
    /* core -> keeper, and back */
    MESSAGE_VOUCH,   /* message_vouch */
    MESSAGE_VOUCHED, /* message_vouched */
};

/* --- marks of the link between core and edge --- */

enum message_mark {
    MARK_WHO = 0,   /* who may ask what, and whatever operators changed: pages that edge keeps are over */
    MARK_VIEWS = 1, /* one a partner: what its view shows */
    MARK_TAKEN =
        MARK_VIEWS + LIMIT_PARTNERS, /* one a partner: something was taken back: answers under way are over */
    /* Core raises it after MARK_TAKEN and rings. Edge raises its own as far, once it has broken off what was
       over. */
    MARK_ROUND = MARK_TAKEN + LIMIT_PARTNERS,
    MARKS
};
_Static_assert((int)MARKS == (int)OS_CHANNEL_MARKS, "the channel has as many");

/* --- what `add` refuses itself --- */

/* Top bit of a batch's length on the control socket: it is a piece (docs/protocol/CONTROL.md). */
#define CONTROL_PIECE UINT32_C(0x80000000)

/* The bit below it: it is refused by who converts its format, for this reason. */
#define CONTROL_FOREIGN UINT32_C(0x40000000)

struct message_foreign {
    struct fault fault; /* without section */
    struct bytes bytes;
};
/* u64 offset, the reason and the pointer (u32 bytes and the bytes: UTF-8 without control characters), the
 * bytes. */
void message_foreign_write(struct buf *out, const struct message_foreign *foreign);
NODISCARD err_t message_foreign_read(struct bytes wire, struct message_foreign *out);

/* u64 bytes of the whole, u64 where the piece begins, SHA-256 of the whole, the piece. */
NODISCARD err_t message_piece_read(struct bytes wire, struct gate_piece *out);

/* --- our own card --- */

struct message_card { /* the one in force; key[SYNC_CARD_ROOT] is not in it */
    uint64_t number;
    struct sign_public key[SYNC_CARD_KEYS];
};

void message_card_write(struct buf *out, const struct message_card *card);
NODISCARD err_t message_card_read(struct bytes wire, struct message_card *out);

/* --- calls to partners --- */

enum { MESSAGE_PEER_KEYS = 2 };

struct message_peer {
    uint32_t partner; /* index in the gate */
    size_t key_count; /* 1 or 2: of its present card, and of the next one where that is believed already */
    uint8_t keys[MESSAGE_PEER_KEYS][EXCHANGE_KEY_SIZE];
    struct str origin; /* "https://host:port" of its first address; empty: we never call it */
};

void message_peer_write(struct buf *out, const struct message_peer *peer);
/* The next of a MESSAGE_PEERS; look at rd->err. */
struct message_peer message_peer_next(struct rd *rd);

struct message_call {
    uint64_t id;
    uint32_t partner;
    enum exchange_method method;
    bool any_key;      /* whoever answers, by whatever key: SYNC_PATH_CARD alone */
    struct str target; /* path and query */
    struct str content_type;
    uint32_t answer_max;
    uint32_t quiet_ms;   /* without a byte either way */
    uint32_t timeout_ms; /* in all */
    struct bytes body;
};

void message_call_write(struct buf *out, const struct message_call *call);
NODISCARD err_t message_call_read(struct bytes wire, struct message_call *out);

struct message_answer {
    uint64_t id;
    err_t err;
    unsigned status;
    struct bytes body;
};

void message_answer_write(struct buf *out, const struct message_answer *answer);
NODISCARD err_t message_answer_read(struct bytes wire, struct message_answer *out);

/* --- pages given again --- */

struct message_used {
    struct bytes note; /* exchange_response.note of the page */
    unsigned status;
    uint32_t count;
    size_t bytes; /* of its body */
};

void message_used_write(struct buf *out, const struct message_used *used);
/* The next of a MESSAGE_ACCESS; look at rd->err. */
struct message_used message_used_next(struct rd *rd);

/* --- signing --- */

void message_sign_write(struct buf *out, const struct gate_sign_request *request);
/* Strings of *out borrow from `wire`. */
NODISCARD err_t message_sign_read(struct bytes wire, struct gate_sign_request *out);

enum { MESSAGE_NOTES_MAX = 16 };
struct message_signed {
    uint32_t ledger;
    err_t err;              /* ERR_OK: one note for each checkpoint wanted */
    uint64_t anchored_size; /* what the keeper signed last under that origin */
    struct hash anchored_root;
    size_t count;
    struct str notes[MESSAGE_NOTES_MAX];
};

void message_signed_write(struct buf *out, const struct message_signed *message);
NODISCARD err_t message_signed_read(struct bytes wire, struct message_signed *out);

struct message_receipt { /* wants both halves of a receipt */
    uint32_t partner;
    struct str checkpoint; /* the issuer's whole note */
    struct disposition wanted;
};

void message_receipt_write(struct buf *out, const struct message_receipt *receipt);
NODISCARD err_t message_receipt_read(struct bytes wire, struct message_receipt *out);

struct message_receipted {
    uint32_t partner;
    err_t err;
    uint64_t size;
    struct str cosignature, disposition;
};

void message_receipted_write(struct buf *out, const struct message_receipted *message);
NODISCARD err_t message_receipted_read(struct bytes wire, struct message_receipted *out);

struct message_recall_done { /* wants the answer to a recall signed */
    uint32_t partner;
    struct sync_recall_done wanted;
};

void message_recall_done_write(struct buf *out, const struct message_recall_done *message);
NODISCARD err_t message_recall_done_read(struct bytes wire, struct message_recall_done *out);

struct message_recall_signed {
    uint32_t partner;
    err_t err;
    uint64_t seq;
    struct str note;
};

void message_recall_signed_write(struct buf *out, const struct message_recall_signed *message);
NODISCARD err_t message_recall_signed_read(struct bytes wire, struct message_recall_signed *out);

struct message_bundle { /* the head of a bundle: to be signed, or its key to be taken out */
    uint32_t ticket;    /* comes back with the answer */
    bool open;
    struct str head; /* a text to sign; a whole note to open */
};

void message_bundle_write(struct buf *out, const struct message_bundle *message);
NODISCARD err_t message_bundle_read(struct bytes wire, struct message_bundle *out);

struct message_bundled {
    uint32_t ticket;
    err_t err;
    struct bytes answer; /* the whole note; the key */
};

void message_bundled_write(struct buf *out, const struct message_bundled *message);
NODISCARD err_t message_bundled_read(struct bytes wire, struct message_bundled *out);

struct message_vouch {   /* what entered here is to be signed as such (ledger/voucher.h) */
    uint32_t ticket;     /* comes back with the answer */
    size_t count;        /* 1 to LIMIT_CHECKPOINT_LEAVES */
    struct bytes wanted; /* message_vouch_next */
};

void message_vouch_write(struct buf *out, uint32_t ticket, const struct gate_vouching *wanted);
NODISCARD err_t message_vouch_read(struct bytes wire, struct message_vouch *out);
/* Digest of the object and limits of the next; every one is well formed. */
void message_vouch_next(struct rd *rd, struct hash *out_content, struct str *out_limits);

struct message_vouched {
    uint32_t ticket;
    err_t err;
    uint16_t suite;
    uint32_t key; /* voucher_key_id */
    size_t count;
    struct bytes signatures; /* message_vouched_next, in the order of what was wanted */
};

void message_vouched_write(struct buf *out, const struct message_vouched *message);
NODISCARD err_t message_vouched_read(struct bytes wire, struct message_vouched *out);
void message_vouched_add(struct buf *signatures, const struct signature *signature);
/* Every one is well formed. */
void message_vouched_next(struct rd *rd, struct signature *out);
