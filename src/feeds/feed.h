/* A scheduled feed: what a node asks of somebody else's server, and what it takes in from there; or, of a
 * kind that pushes, what it gives to somebody else's server out of one partner's release view. A step
 * machine without sockets, clock or secrets, in the manner of sync/session.h:
 *
 *     feed_next(feed, now, &action)
 *         CALL    make it; then feed_head, feed_part for each part of the body, feed_over at the end
 *         CANCEL  forget that call: nothing of it is wanted any more
 *         NOTHING call again after any of these, and at action.until_us at the latest
 *
 * What comes is cut into objects and goes through gate_accept under the feed's source, a batch a step, so
 * that a large page holds nobody up. How far the feed came (its cursor) stands in a setting that is appended
 * behind the objects that it covers: whoever commits the gate makes both durable, and a feed made after a
 * crash goes on from there. What is repeated by that is a duplicate to the gate, never a second copy. That a
 * run has begun stands there too, before the first object of it: a feed made anew that finds it was cut goes
 * on at once, whatever its schedule.
 *
 * How a server is asked is the kind's: one file and one row of kinds[] in kinds.c (kind.h is what they see).
 *
 * It must never: let what a server says choose another server (redirects stay within the origin); take more
 * than its bounds; run for ever on a server that repeats itself; put a secret anywhere (it knows none:
 * whoever makes the calls adds them).
 *
 * Borrows the gate. Times are microseconds since 1970. One thread, the gate's. */
#pragma once

#include "core/diag.h"
#include "gate/gate.h"
#include "net/exchange.h"

struct feed;
struct feed_kind;

/* --- what an operator declares --- */

enum { FEED_OPTIONS_MAX = 8, FEED_TEXT_MAX = 2048 };

struct feed_setting { /* an option of the kind */
    struct str name, value;
};

struct feed_conf {
    struct str name; /* as names of sources */
    const struct feed_kind *kind;
    struct str url;    /* http or https, without user or fragment */
    struct str source; /* name of the source that it delivers as; empty when it pushes */
    uint64_t every_s;
    bool paused;
    bool private; /* its server may stand on a private or loopback address */
    bool secrets; /* whoever makes the calls has some for it */
    struct feed_setting options[FEED_OPTIONS_MAX];
    size_t option_count;
};

/* Parts of a URL; borrowed. ERR_SYNTAX: no http(s) URL, or one with a user, a fragment or blanks. */
struct feed_url {
    struct str origin; /* "https://host:port" as written, no slash at the end */
    struct str target; /* "/path?query", at least "/"; may be empty when the URL ends with the host */
    bool secure;
};
NODISCARD err_t feed_url_read(struct str url, struct feed_url *out);

/* "90", "30s", "15m", "2h", "1d". */
bool feed_every_read(struct str text, uint64_t *out_s);

/* The declaration as it stands in the log (settings "feed/NAME" and "feeds"), strictly read: strings of *out
 * live in `arena`. ERR_NOTFOUND, ERR_CORRUPT. */
NODISCARD err_t feed_conf_get(struct gate *gate, struct str name, struct arena *arena, struct feed_conf *out);
/* ERR_USAGE and others: the fault says what is wrong. */
NODISCARD err_t feed_conf_check(const struct feed_conf *conf, struct fault *fault);
/* Checks, logs, and adds the name to the list. */
NODISCARD err_t feed_conf_put(struct gate *gate, const struct feed_conf *conf, const struct gate_by *by,
                              int64_t now_us, struct fault *fault);
/* Forgets the feed and how far it came. ERR_NOTFOUND. */
NODISCARD err_t feed_conf_remove(struct gate *gate, struct str name, const struct gate_by *by,
                                 int64_t now_us);
/* The partner whose server a declaration means: whose view it pushes, or whose source it delivers as. -1:
 * nobody's. Both rest while he is paused or removed, and what reads also when the agreement with him is over.
 */
int feed_partner_of(struct gate *gate, const struct feed_conf *conf);
/* Calls `each` with every name, in order of declaration. */
void feed_conf_each(struct gate *gate, void (*each)(void *ctx, struct str name), void *ctx);

/* --- kinds --- */

const struct feed_kind *feed_kind_find(struct str name); /* NULL */
/* One after another from 0; NULL at the end. */
const struct feed_kind *feed_kind_at(size_t index);
const char *feed_kind_name(const struct feed_kind *kind);
const char *feed_kind_summary(const struct feed_kind *kind);
bool feed_kind_pushes(const struct feed_kind *kind);

/* --- the machine --- */

struct feed_setup {
    struct gate *gate;
    const struct feed_conf *conf; /* copied */
    const struct diag *diag;
    /* A view is about to be read: what was released to it wants a signature. NULL: nobody to tell. */
    void (*view_read)(void *ctx, unsigned partner);
    void *ctx;
};

/* Reads how far it came. The source must be declared, unless it pushes, and be of no partner that has a node:
 * ERR_NOTFOUND. */
NODISCARD err_t feed_new(const struct feed_setup *setup, int64_t now_us, struct feed **out);
void feed_free(struct feed *feed); /* accepts NULL */

enum feed_act { FEED_NOTHING, FEED_CALL, FEED_CANCEL };

enum { FEED_FIELDS_MAX = 8 };

struct feed_field {
    struct str name, value;
};

struct feed_action { /* borrowed until the next call into the feed */
    enum feed_act act;
    uint64_t id; /* rising from 1 */
    enum exchange_method method;
    struct str target; /* path and query, at the origin of the feed's URL */
    struct feed_field fields[FEED_FIELDS_MAX];
    size_t field_count;
    struct bytes body;
    uint64_t answer_max; /* bytes of body; 0: a stream without end */
    int64_t timeout_us;  /* 0: none (a stream: the machine itself watches for silence) */
    int64_t until_us;    /* NOTHING */
};

void feed_next(struct feed *feed, int64_t now_us, struct feed_action *out);
/* Status and fields of the answer; names in lower case. Before any part. */
void feed_head(struct feed *feed, uint64_t id, unsigned status, const struct feed_field *fields, size_t count,
               int64_t now_us);
void feed_part(struct feed *feed, uint64_t id, struct bytes part, int64_t now_us);
/* In the words of feed_over, with ERR_DENIED: the call was not made, for a last look at it found what must
 * not go. */
#define FEED_HELD "held by the guard"
/* `err`: ERR_OK when the body came whole. `what`: the transport's words, or NULL. */
void feed_over(struct feed *feed, uint64_t id, err_t err, const char *what, int64_t now_us);
/* An operator wants it now. Paused or running: ERR_WRONGSTATE. */
NODISCARD err_t feed_run(struct feed *feed, int64_t now_us);

/* --- watching --- */

enum feed_state { FEED_PAUSED, FEED_WAITING, FEED_RUNNING };
const char *feed_state_word(enum feed_state state);

/* Since the feed was declared. */
struct feed_counts {
    uint64_t runs, calls, bytes;
    uint64_t fresh;             /* new to this node */
    uint64_t duplicate;         /* held already */
    uint64_t asserted;          /* another's word about what somebody else owns: kept, supersedes nothing */
    uint64_t conflict, refused; /* in quarantine */
    uint64_t echo; /* ours or a partner's, come back: unchanged (then also a duplicate), or rewritten in what
                      every system rewrites (then not taken in) */
    uint64_t withdrawn; /* said to be deleted or merged away at the server: tagged here; gone from a list:
                           ended here */
    /* of kinds that push */
    uint64_t pushed;      /* objects that the server took, also those that say what was taken back */
    uint64_t failed;      /* not taken there, by its own words or by its size */
    uint64_t unconfirmed; /* pushed, and then withdrawn from the view, or what became of it was not told:
                             nobody there confirms that it is gone */
    uint64_t taken_back;  /* of these, revoked there or noted about: by objects that the server took */
};

struct feed_status {
    enum feed_state state;
    int64_t last_us;   /* when the last whole run ended; 0: never */
    int64_t next_us;   /* WAITING: when the next begins */
    uint64_t failures; /* in a row */
    bool cut;          /* the last run broke off with the node: it goes on at once */
    err_t err;         /* ERR_OK: the last run went well */
    char what[FAULT_WHAT_MAX];
    char next[FAULT_WHAT_MAX]; /* what to do about it; may be empty */
    char cursor[64]; /* of TAXII: how far it came, a date of theirs or a leaf of the view; else empty */
    struct feed_counts counts;
};
void feed_status(const struct feed *feed, struct feed_status *out);
/* The same of a feed that no machine drives (a stopped node), from the log alone. */
NODISCARD err_t feed_status_read(struct gate *gate, const struct feed_conf *conf, struct feed_status *out);
const struct feed_conf *feed_conf_of(const struct feed *feed);

/* --- taking back at a server that is pushed to (docs/protocol/RECALL.md section 4) --- */

enum feed_word {
    FEED_WORD_REVOKED = 1, /* the object again, newer, revoked and without its content */
    FEED_WORD_NOTE,        /* a note about it */
};
enum feed_fate {
    FEED_FATE_GIVEN = 1, /* the server has it, and has not said what it did with it */
    FEED_FATE_TAKEN,
    FEED_FATE_REFUSED,
};
struct feed_taken_back {
    enum feed_word word;
    enum feed_fate fate;
    unsigned deleted; /* what it answered when the object was to be deleted there; 0: that was not asked */
    int64_t at_us;    /* when it said so */
};
/* What was done by a feed that pushes about the leaf `seq` of this epoch, which takes something back.
 * ERR_NOTFOUND: nothing. */
NODISCARD err_t feed_taken_back(struct gate *gate, struct str name, uint32_t epoch, uint64_t seq,
                                struct feed_taken_back *out);
