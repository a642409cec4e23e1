/* What the files of the core role share. Nobody else includes this. */
#pragma once

#include "app/command.h"
#include "app/core_role.h"
#include "app/link.h"
#include "app/message.h"
#include "app/message_guard.h"
#include "app/operators.h"
#include "feeds/feed.h"
#include "gate/nodelog.h"
#include "gate/recall.h"
#include "gate/retention.h"
#include "os/sandbox.h"
#include "os/thread.h"
#include "sync/cards.h"
#include "sync/serve.h"
#include "sync/session.h"
#include "taxii/server.h"

/* An answer that may leave only after the commit of what it answers. */
struct held {
    struct held *next;
    enum held_kind { HELD_TAXII, HELD_SYNC, HELD_LINES } kind;
    struct exchange_response response; /* HELD_TAXII, HELD_SYNC */
    uint32_t client;                   /* HELD_LINES */
    uint8_t flags;
    struct buf lines;
    err_t err; /* of the commit */
};

/* Following one partner's ledger. */
struct follow {
    struct sync_session *session; /* NULL: none */
    uint16_t generation;          /* of the session: late answers to an older one are dropped */
    bool started, wants_commit;
    int64_t until_us;
    uint64_t card_number, next_number; /* 0: no next one */
    bool signing;                      /* a receipt is at the keeper */
    uint64_t signing_size;
};

/* One scheduled feed. */
struct feeding {
    struct feed *feed; /* NULL: none */
    bool open;         /* edge has what it is called with */
    bool self;         /* ...and the guard this node's identity */
    bool calling;      /* a call is at edge */
    uint64_t id;       /* of that call */
    int64_t until_us;
};

/* One `add` under way. */
struct adding {
    bool used;
    uint32_t client;
    uint32_t source;
    bool source_new; /* made by this addition, and not told yet */
    uint64_t batches;
    uint64_t piece_first; /* entry of the first piece of what is being handed in piece by piece */
};

/* What a view was when its mark was last looked after. */
struct seen {
    uint64_t size, visible, policy, taken;
    uint32_t epoch;
    bool stopped;
};

/* A reader of a release view, until what was decided when it asked is signed. */
struct waiting_read {
    struct waiting_read *next;
    uint64_t id;
    unsigned partner;
    uint64_t size;
    int64_t until_us;
    struct buf request; /* as it came */
};

/* Flags of MESSAGE_LINES; LINES_MORE: there is more, say MESSAGE_MORE when this was read. */
enum { LINES_LAST = 1, LINES_BATCH = 2, LINES_MORE = 4 };

/* The index following the log, beside everything else. */
struct merging {
    struct gate_merge *merge; /* NULL: none under way */
    struct os_thread *thread;
    struct loop *loop;
    err_t err;
    _Atomic bool over;
};

/* The search file following the log, beside everything else. */
struct searching {
    struct gate_search *search; /* NULL: it could not be opened */
    bool running;
    _Atomic bool over; /* set by the thread as its last act */
    struct os_thread *thread;
    struct loop *loop;
    err_t err;
    int64_t gathered_us;
};

/* Registered copies of the key file. */
struct copying {
    int64_t next_us;                                  /* by the steady clock; INT64_MAX: there are none */
    size_t away;                                      /* as it was said last */
    struct os_sandbox_place places[LIMIT_KEY_COPIES]; /* of the configuration, as the role found them */
};

/* What was kept long enough is forgotten. */
struct retaining {
    int64_t next_us; /* by the steady clock */
    uint64_t cursor;
    struct gate_forgotten gone; /* in this run */
    bool words_left;            /* another page of days may be over */
    bool said;                  /* that the clock is not to be believed */
};

/* A head that is at the keeper, or came back. */
struct bundle_ask {
    uint32_t ticket; /* 0: free */
    bool done;
    err_t err;
    struct buf answer;
};

/* One witness of the log of the node. */
struct witnessing {
    bool open, calling;
    uint64_t id; /* of the call */
    unsigned status;
    struct buf answer;
    uint64_t asked_size;       /* of the checkpoint that is at the witness */
    struct buf asked;          /* ...whole */
    uint64_t old_size;         /* what it says that it stands at; UINT64_MAX: as far as we know */
    int64_t next_us;           /* not before, by the steady clock */
    unsigned failures;         /* in a row */
    char what[FAULT_WHAT_MAX]; /* the last of them; empty: it went well */
};

/* The log of the node (core_log.c). */
struct node_logging {
    int64_t next_us;    /* when the next entry is due, by the steady clock */
    struct buf signing; /* the request that is at the keeper; empty: none */
    bool refused;       /* the keeper does not sign it */
    bool restored;      /* ...because this node came back from a backup */
    uint64_t anchored;  /* what it signed last */
    struct witnessing witnesses[LIMIT_WITNESSES];
};

struct bundling; /* core_bundle_read.c: a volume that is being read */

/* An answer that is written in portions. */
struct stream {
    const struct command_stream *row; /* NULL: free */
    void *state;
    uint32_t client;
    bool reading; /* the client has not read the last portion yet */
};

struct core_role {
    struct loop *loop;
    const struct os *os;
    const struct conf *conf;
    struct operators operators;
    const struct diag *diag;
    void (*broken)(void *ctx);
    void *broken_ctx;

    struct gate *gate;
    struct taxii *taxii;
    struct sync_serve *serve;
    struct access *access;
    struct loop_task access_task;   /* writes what was recorded */
    struct loop_timer access_timer; /* makes it durable */
    bool access_ticking;
    struct link *edge, *keeper, *parent;
    struct command_host host;
    struct json_parser *parser;
    struct arena arena; /* of one command */
    struct buf wire;    /* of one message */

    struct merging merging;
    struct searching searching;
    struct retaining retaining;
    struct copying copying;
    int64_t purge_again_us;            /* by the steady clock: it failed, and is not tried before */
    struct gate_recall_counts recalls; /* as they stood when they were looked at last */
    int64_t recalls_look_us;           /* again then, by the wall clock */
    int64_t recalls_said_us;           /* deadlines up to here were alarmed about */
    struct stream streams[LIMIT_CONTROL_CLIENTS];
    int64_t streams_until_us; /* one of them wants a turn then */
    uint32_t bundle_tickets;
    struct bundle_ask bundle_asks[LIMIT_CONTROL_CLIENTS];
    struct bundling *bundlings[LIMIT_CONTROL_CLIENTS];
    struct loop_task turn;
    struct loop_timer timer;
    struct held *held, **held_end;
    /* Durable, and not told before edge has broken off answers under way, or did not by then. */
    struct held *breaking, **breaking_end;
    int64_t breaking_until_us;
    struct sync_own own;
    int64_t cards_look_us; /* something about a card changes by the clock alone */
    bool cards_news;       /* partners' cards changed */
    unsigned cards_warned[LIMIT_PARTNERS], cards_warned_own;
    struct follow follows[LIMIT_PARTNERS];
    struct feeding feeds[LIMIT_FEEDS];
    struct node_logging log;
    bool feeds_stale; /* declarations changed */
    struct adding adding[LIMIT_CONTROL_CLIENTS];
    struct gate_sign_request request; /* large: not for the stack */
    struct buf signing[GATE_LEDGERS]; /* the request that is out, as sent; empty: none */
    uint64_t polled;                  /* partners whose view a TAXII reader asked for */
    struct seen seen[LIMIT_PARTNERS];
    struct waiting_read *reads;
    bool sign_later;       /* the last turn was too early for what is to be signed */
    uint32_t vouch_ticket; /* of what the keeper was asked to vouch for last */
    uint64_t guard_holds;  /* partners, a bit each, as the guard was told last */
    bool rights_changed;   /* a command wrote something since the last commit */
    uint64_t taking;       /* partners whose answers under way are over, whatever the gate says */
    int64_t signed_us;     /* last time that anything was sent to be signed */
    bool restored;         /* the keeper says so: it signs nothing */
    bool settled;          /* nothing durable waits for a decision */
    bool bounded;          /* which files may be opened: core_role_bounded */
    bool accounts;         /* each role has its own */
    bool peers_stale, edge_up, keeper_up, parent_up, ready_said;
    uint16_t port;
    int64_t started_us;
    uint64_t turns, commits, requests, objects_in;
    uint64_t commit_us, commit_us_max;
    struct guard_counts guarded; /* as the guard told last */
};

int64_t core_now(const struct core_role *role);
void core_wake(struct core_role *role); /* a turn is wanted */

/* core_merge.c */
void core_merge_turn(struct core_role *role);
/* Waits for the one under way, then merges all that is due. */
NODISCARD err_t core_merge_now(struct core_role *role);

/* core_retention.c */
void core_retention_turn(struct core_role *role);
int64_t core_retention_until(const struct core_role *role);

/* core_copies.c */
void core_copies_open(struct core_role *role);
void core_copies_turn(struct core_role *role);
/* What was added last is in the copies when the node has stopped. */
void core_copies_close(struct core_role *role);
int64_t core_copies_until(const struct core_role *role); /* by the wall clock; INT64_MAX */

/* core_purge.c: what was logged to be destroyed is destroyed */
void core_purge_turn(struct core_role *role);
/* Whoever let the deadline of a recall pass: an alarm when it passes, whoever asks or not. */
void core_recall_turn(struct core_role *role);
int64_t core_recall_until(const struct core_role *role); /* by the wall clock; INT64_MAX */
NODISCARD err_t core_purge_now(struct core_role *role);
/* Waits for the one under way. */
void core_merge_end(struct core_role *role);

/* core_search.c */
void core_search_open(struct core_role *role);
void core_search_turn(struct core_role *role);
/* When it wants a turn at the latest; INT64_MAX: not before something comes in. */
int64_t core_search_until(const struct core_role *role);
/* Waits for the batch under way and closes. */
void core_search_end(struct core_role *role); /* waits for the run that is under way */
/* Reads in here and now what the file does not know yet. ERR_BUSY: too much of it is missing. */
NODISCARD err_t core_search_whole(struct core_role *role);
void core_search_close(struct core_role *role);

/* core_stream.c */
/* Begins an answer in portions; on failure call->what says why. */
NODISCARD err_t core_stream_begin(struct core_role *role, struct command_call *call,
                                  const struct command_stream *row, uint32_t client);
void core_streams_turn(struct core_role *role);
void core_stream_more(struct core_role *role, struct bytes body);
void core_stream_gone(struct core_role *role, uint32_t client);
void core_streams_close(struct core_role *role);

/* core_http.c */
void core_request(struct core_role *role, struct bytes body);
void core_gone(struct core_role *role, struct bytes body);
void core_respond(struct core_role *role, const struct exchange_response *response);
void core_serve_late(struct core_role *role);
void core_taxii(struct core_role *role, const struct exchange_request *request);
struct held *core_hold(struct core_role *role);
void core_held_free(struct held *held);

/* core_access.c */
NODISCARD err_t core_access_open(struct core_role *role);
void core_access_close(struct core_role *role);
/* Records an answer that leaves, by its note. */
void core_access_answer(struct core_role *role, const struct exchange_response *response);
/* MESSAGE_ACCESS. */
void core_access_told(struct core_role *role, struct bytes body);

/* core_view.c */
/* Raises the marks of each view that is no longer what it was, and MARK_WHO after a command that wrote: pages
 * of before are then no longer served (DESIGN 3), and answers under way to whom something was taken are
 * broken off. After every commit, before anything of it is acknowledged. */
void core_views_mark(struct core_role *role);
void core_views_open(struct core_role *role);
/* At the next commit answers under way to this partner, and to readers of its view, are broken off. */
void core_views_take(struct core_role *role, unsigned partner);
/* What this answer, just made, rests on; takes `cacheable` away where edge could not tell that it became old.
 */
void core_views_stamp(struct core_role *role, struct exchange_response *response);
/* Answers under way are over, and edge has not said yet that they are broken off. */
bool core_breaking(const struct core_role *role);
/* Says so, when it has not and is waited for no longer. */
void core_breaking_late(const struct core_role *role);
/* Keeps a read until the view is signed up to what is decided now, at most LIMIT_READ_WAIT_US. */
NODISCARD err_t core_read_wait(struct core_role *role, unsigned partner, uint64_t id, struct bytes request);
void core_reads_late(struct core_role *role);
uint64_t core_reads_waiting(const struct core_role *role); /* whose views are to be signed */
int64_t core_reads_until(const struct core_role *role);
void core_reads_forget(struct core_role *role, uint64_t id);
void core_reads_close(struct core_role *role);

/* core_follow.c */
void core_peers_refresh(struct core_role *role);
void core_follow_turn(struct core_role *role);
/* After a commit: true when sessions have more to do. */
bool core_follow_committed(struct core_role *role, err_t err);
bool core_follow_wants_commit(const struct core_role *role);
void core_answer(struct core_role *role, struct bytes body);
void core_coming(struct core_role *role, struct bytes body);
void core_edge_fresh(struct core_role *role);
void core_receipted(struct core_role *role, struct bytes body);
void core_recall_signed(struct core_role *role, struct bytes body);
void core_receipts_lost(struct core_role *role);
int64_t core_follow_until(const struct core_role *role);
void core_follow_close(struct core_role *role);

/* core_cards.c */
/* Reads our own cards out of the log, and what the command line left beside it. After the gate and `serve`.
 */
void core_cards_open(struct core_role *role);
void core_cards_close(struct core_role *role);
/* Cards that came in, and whose time has come. */
void core_cards_turn(struct core_role *role);
int64_t core_cards_until(const struct core_role *role);
/* A newer card of this node: in force at once, or from its time on. ERR_CONFLICT: another node or root key;
 * ERR_EXISTS: not newer. */
NODISCARD err_t core_card_take(struct core_role *role, struct str whole, const struct gate_by *by,
                               struct fault *fault);
/* Tells a new keeper, or a new edge, which keys are used. */
void core_cards_keeper(struct core_role *role);
void core_cards_edge(struct core_role *role);
/* An identity that the card of its home no longer names is at home where another partner's card names it. */
void core_cards_homes(struct core_role *role);
/* Lines for people: what ends soon, what a partner has not got. */
void core_cards_say_all(struct core_role *role, struct buf *out);
/* When the newest card ends, seconds since 1970; 0: there is none. */
uint64_t core_cards_until_s(const struct core_role *role, unsigned partner);
uint64_t core_cards_own_until_s(const struct core_role *role);
void core_cards_say_own(const struct core_role *role, struct buf *out);
void core_cards_say(const struct core_role *role, unsigned partner, struct buf *out);

/* core_bundle.c: heads of bundles, at the keeper; what is remembered of a partner's bundles */
/* 0: it cannot be asked now. */
uint32_t core_bundle_ask(struct core_role *role, bool open, struct str head);
/* The answer, once: ERR_BUSY until it is there. */
NODISCARD err_t core_bundle_answer(struct core_role *role, uint32_t ticket, struct buf *out);
void core_bundle_drop(struct core_role *role, uint32_t ticket); /* nobody wants it any more; 0: nothing */
void core_bundled(struct core_role *role, struct bytes body);
void core_bundles_lost(struct core_role *role); /* the keeper is new */
void core_bundles_close(struct core_role *role);
/* core_bundle_read.c */
NODISCARD err_t core_bundle_begin(struct core_role *role, struct command_call *call, uint32_t client);
void core_bundle_batch(struct core_role *role, uint32_t client,
                       struct bytes record); /* empty: that was all */
void core_bundle_turn(struct core_role *role);
int64_t core_bundle_until(const struct core_role *role);
void core_bundle_gone(struct core_role *role, uint32_t client);

/* core_reconcile.c */
void core_reconcile_figures(const struct core_role *role, unsigned partner, struct sync_reconciled *out);
void core_reconcile_say(const struct core_role *role, unsigned partner, struct buf *out); /* members */
void core_reconcile_say_lost(const struct core_role *role, struct buf *out); /* lines of `status` */

/* core_feed.c */
void core_feeds_turn(struct core_role *role);
/* False: no message of feeds. */
bool core_feeds_message(struct core_role *role, unsigned kind, struct bytes body);
void core_feeds_fresh(struct core_role *role); /* edge is new */
void core_feeds_wake(struct core_role *role);  /* what they depend on changed */
/* Those that give a view to one of these partners, a bit each, run now. */
void core_feeds_resume(struct core_role *role, uint64_t partners);
int64_t core_feeds_until(const struct core_role *role);
void core_feeds_close(struct core_role *role);
/* For commands. */
NODISCARD err_t core_feed_run(struct core_role *role, struct str name);
struct feed *core_feed_find(const struct core_role *role, struct str name); /* NULL */

/* core_sign.c */
/* The ledger for this partner begins anew by an operator's word: the keeper is told. ERR_CLOSED: the node
 * does not run; ERR_BUSY: the keeper is away. */
NODISCARD err_t core_epoch_begins(struct core_role *role, unsigned partner, uint32_t epoch);
void core_sign_turn(struct core_role *role);
int64_t core_sign_until(const struct core_role *role);
void core_signed(struct core_role *role, struct bytes body);
void core_vouched(struct core_role *role, struct bytes body);
void core_keeper_fresh(struct core_role *role);

/* core_log.c: the log of the node, and its witnesses */
void core_log_open(struct core_role *role);
void core_log_close(struct core_role *role);
/* One more entry, where that is due: before a commit. */
void core_log_turn(struct core_role *role);
/* What is durable is signed, what is visible is shown to witnesses. */
void core_log_show(struct core_role *role);
int64_t core_log_until(const struct core_role *role); /* by the wall clock; INT64_MAX */
void core_log_signed(struct core_role *role, const struct message_signed *message);
void core_log_keeper(struct core_role *role); /* it is new */
void core_log_edge(struct core_role *role);   /* likewise */
/* False: no message of a witness. */
bool core_log_message(struct core_role *role, unsigned kind, struct bytes body);
void core_log_anew(struct core_role *role); /* an operator began another one */
/* What it knows beyond the log: command.h. */
void core_log_status(const struct core_role *role, size_t witness, struct command_witness *out);

/* core_guard.c */
/* After the operators changed something, and to a new guard. */
void core_guard_tell(struct core_role *role);
/* The text that it is told. */
void core_guard_rules(struct core_role *role, struct buf *out);
/* Something was held: nothing goes to that partner until an operator says so. */
void core_guard_found(struct core_role *role, const struct guard_finding *finding);
/* core_bundle_guard.c: the same look at pages that leave in a bundle, with a guard of its own for each
 * volume, and at what an export shows of a view. */
NODISCARD err_t core_bundle_guard_new(struct core_role *role, struct guard **out);
/* May this answer to the request for a page leave? ERR_BUSY: what it asks for is not signed yet; ERR_DENIED:
 * it was held, and that is told. */
NODISCARD err_t core_bundle_guarded(struct core_role *role, struct guard *guard, unsigned partner,
                                    struct str query, struct bytes body);
/* May these objects go to this partner? Of `{"objects":[...]}`, at most 1,000; errors as above. */
NODISCARD err_t core_export_guarded(struct core_role *role, unsigned partner, struct bytes envelope);
/* False: no message of the guard. */
bool core_guard_message(struct core_role *role, unsigned kind, struct bytes body);

/* core_command.c */
void core_command(struct core_role *role, struct bytes body);
void core_batch(struct core_role *role, struct bytes body);
void core_piece(struct core_role *role, struct bytes body);
void core_foreign(struct core_role *role, struct bytes body);
void core_client_gone(struct core_role *role, struct bytes body);
void core_metrics(struct core_role *role, struct bytes body);
void core_lines_send(struct core_role *role, uint32_t client, uint8_t flags, struct bytes lines);
void core_command_host(struct core_role *role);
/* The last line of an answer. */
void core_write_done(struct buf *out, err_t err, const char *what, const char *next);

/* core_metrics.c */
void core_metrics_write(struct core_role *role, struct buf *out);
