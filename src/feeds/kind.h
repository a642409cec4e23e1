/* Inside the room: what a kind of feed is, and what it may ask of the machine that drives it (feed.c). A kind
 * is one file with one const struct feed_kind, and one row of kinds[] in kinds.c. It keeps what one run needs
 * in its work; what must outlive the run it gives to feed_set, which the machine makes durable together with
 * the objects that were taken before. */
#pragma once

#include "core/uuid.h"
#include "feeds/feed.h"

struct feed_option {
    const char *name;
    const char *help;
    bool required;
    bool (*fits)(struct str value); /* NULL: any text */
};

struct feed_answer {
    unsigned status;
    const struct feed_field *fields;
    size_t field_count;
    struct buf *body; /* JSON_PADDING readable bytes follow its content; may be moved out */
};
/* Empty when absent. */
struct str feed_answer_field(const struct feed_answer *answer, const char *name);

struct feed_kind {
    const char *name, *summary;
    const struct feed_option *options; /* up to the first without a name */
    bool push;                         /* takes nothing in; what it sets is kept at once */
    bool stream; /* its answer does not end: `part` instead of `answer` for status 200 */
    /* Begins a run: makes the work, and asks for the first answer. */
    err_t (*begin)(struct feed *feed);
    /* An answer of any status that is no redirect. Must end in one of feed_ask, feed_take, feed_done,
     * feed_fail, feed_refused, feed_post, feed_later. */
    void (*answer)(struct feed *feed, struct feed_answer *answer);
    /* What was given to feed_take stands in the log's open group. Must end likewise (a stream: may do
     * nothing). */
    void (*taken)(struct feed *feed);
    void (*later)(struct feed *feed);                   /* after feed_later; must end as `answer` */
    void (*part)(struct feed *feed, struct bytes part); /* streams */
    /* Streams: nothing is being taken in; the moment to feed_take what has gathered. */
    void (*idle)(struct feed *feed);
    void (*end)(void *work); /* frees it; may be NULL */
};

/* --- the rows' tables --- */
extern const struct feed_kind feed_kind_stix, feed_kind_taxii21, feed_kind_taxii21_push, feed_kind_taxii20,
    feed_kind_opencti, feed_kind_misp, feed_kind_csv, feed_kind_list;

/* --- services --- */

void **feed_work(struct feed *feed);
int64_t feed_now(const struct feed *feed);
struct gate *feed_gate(const struct feed *feed);
struct json_parser *feed_parser(const struct feed *feed); /* for texts up to LIMIT_FEED_JSON_BYTES */
struct feed_counts *feed_tally(struct feed *feed);
/* The feed's URL cut in two; the target has at least "/". */
struct feed_url feed_url(const struct feed *feed);
/* Option of the declaration; empty when not given. */
struct str feed_option(const struct feed *feed, const char *name);
struct gate_by feed_by(const struct feed *feed);

/* Asks for `target` (path and query at the feed's origin). Fields are added behind it. */
void feed_ask(struct feed *feed, struct str target);
/* The same as a POST; `body` is copied: at most LIMIT_FEED_PUSH_BYTES. */
void feed_post(struct feed *feed, struct str target, struct bytes body);
/* The same as a DELETE. */
void feed_delete(struct feed *feed, struct str target);
void feed_ask_field(struct feed *feed, const char *name, struct str value);
/* A text of JSON, or of JSON lines, that ends where more has to follow. A body that ends with its connection
 * (neither a length nor chunks: RFC 9112 section 6.3) breaks off unseen otherwise. */
bool feed_breaks_off(struct bytes text);
/* Takes the buffer over: a bundle, an envelope, a list, one object. */
void feed_take(struct feed *feed, struct buf *text);
/* What is no STIX and cannot become it, with its reason: goes to quarantine, in the open group. */
NODISCARD err_t feed_refuse(struct feed *feed, struct bytes text, const struct fault *fault);
/* Rests inside the run, then calls the kind's `later`. */
void feed_later(struct feed *feed, int64_t wait_us);
/* What was released to this view is wanted signed. */
void feed_view_read(struct feed *feed, unsigned partner);
/* For the status of a run that goes well all the same. */
void feed_remark(struct feed *feed, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line of diagnostics. */
void feed_warn(struct feed *feed, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The run went well. */
void feed_done(struct feed *feed);
/* The run ends here and is tried again later. */
void feed_fail(struct feed *feed, err_t err, const char *next, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Ends the run with what a status that nobody expected means. */
void feed_refused(struct feed *feed, const struct feed_answer *answer);

/* Small texts that outlive the run: at most FEED_KEPT_MAX of them with FEED_KEPT_BYTES each. An empty value
 * forgets. False: there is no room for it. */
enum { FEED_KEPT_MAX = 8, FEED_KEPT_BYTES = 4096 };
struct str feed_get(const struct feed *feed, const char *name); /* good until the next feed_set */
bool feed_set(struct feed *feed, const char *name, struct str value);

/* --- memory.c: what a feed remembers of each of many things, by the hash of its name --- */

/* 0 when nothing is known of it. */
uint64_t feed_recall(struct feed *feed, struct str thing);
/* In the open group, behind what was taken before. ERR_FULL beyond LIMIT_FEED_THINGS. */
NODISCARD err_t feed_remember(struct feed *feed, struct str thing, uint64_t value);
/* The members of a set that a feed remembers whole: its ids, with a number each. They stand in shares by the
 * first byte of the id; ids follow from digests, so that shares are about equal. */
enum { FEED_SHARES = 256 };
struct feed_member {
    struct uuid id;
    uint64_t value;
};
/* All of them, share after share, as they were put. mem_free. ERR_NOMEM, ERR_CORRUPT. */
NODISCARD err_t feed_members_read(struct feed *feed, struct feed_member **out, size_t *out_count);
/* The members of one share, in place of those that it had. In the open group, behind what was taken before.
 * ERR_FULL: more than fit, which LIMIT_FEED_LIST_VALUES of any list make not. */
NODISCARD err_t feed_members_put(struct feed *feed, unsigned share, const struct feed_member *members,
                                 size_t count);
/* Both. */
void feed_memory_forget(struct gate *gate, struct str name, const struct gate_by *by, int64_t now_us);
