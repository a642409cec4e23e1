/* Operators' commands: a table of rows, each a name, whether it writes, and a handler that runs in core over
 * the gate. The command line reaches them through the control socket (docs/protocol/CONTROL.md); of a node
 * that does not run it opens the store and calls the same handlers in one process.
 *
 * A handler reads its arguments (a JSON object), does its work, and writes JSON lines. A line may carry
 * "say", a sentence for people; everything else is for tables and programs. On failure it fills call->what
 * and call->next and returns the error; what it appended to the log before is kept, so it must check first
 * and append last. Answers to commands that write are held back until gate_commit succeeded. */
#pragma once

#include "app/access.h"
#include "app/conf.h"
#include "app/operators.h"
#include "core/arena.h"
#include "core/stamp.h"
#include "feeds/feed.h"
#include "gate/query.h"
#include "guard/guard.h"
#include "sync/card.h"
#include "taxii/identity.h"
#include "json/json.h"

/* What the running node knows of the log of the node and one of its witnesses. */
struct command_witness {
    bool refused;        /* the keeper does not sign the log */
    bool restored;       /* ...because this node came back from a backup */
    uint64_t anchored;   /* what the keeper signed last, when it refused */
    unsigned failures;   /* of this witness, in a row */
    const char *trouble; /* the last of them; empty: none */
};

struct command_host {
    struct gate *gate;
    struct taxii *taxii;
    struct gate_search *search; /* NULL: nothing can be searched for */
    struct access *access;
    const struct conf *conf;
    const struct operators *operators;
    const struct os *os;
    void (*peers_changed)(void *ctx); /* partners, their state or cards changed */
    /* A newer card of this node: fault says why not. */
    err_t (*card_take)(void *ctx, struct str whole, const struct gate_by *by, struct fault *fault);
    void (*links_say)(void *ctx, struct buf *out); /* lines about cards and what was lost, for `status` */
    void (*cards_changed)(void *ctx);              /* a partner's; also the homes of identities may move */
    void (*view_read)(void *ctx,
                      unsigned partner); /* what was decided for it shall be signed; NULL: nobody signs */
    /* The guard's reader looks at what an export shows of a view: `{"objects":[...]}`, at most 1,000.
     * ERR_BUSY: something of it is not signed yet; ERR_DENIED: it is held, and operators are told. NULL:
     * nothing is shown. */
    err_t (*last_look)(void *ctx, unsigned partner, struct bytes envelope);
    /* Somebody who reads this view may not any more: answers under way are broken off. */
    void (*reader_gone)(void *ctx, unsigned partner);
    /* Its ledger begins anew: the keeper is told. ERR_CLOSED: the node does not run; ERR_BUSY: the keeper is
     * away. */
    err_t (*epoch_begins)(void *ctx, unsigned partner, uint32_t epoch);
    /* Members of `status` that only the running node knows: link and session of this partner. */
    void (*peer_status)(void *ctx, unsigned partner, struct buf *out);
    void (*node_status)(void *ctx, struct buf *out);
    /* Carries out what was logged to be destroyed. It is tried again later whatever this answers. */
    err_t (*purge)(void *ctx);
    /* The search file knows everything that is durable when this answers ERR_OK; NULL: there is none. */
    err_t (*search_whole)(void *ctx);
    void (*feeds_changed)(void *ctx); /* a declaration, or whether it is paused */
    /* ERR_CLOSED: the node does not run. ERR_NOTFOUND, ERR_WRONGSTATE. */
    err_t (*feed_run)(void *ctx, struct str name);
    bool (*feed_status)(void *ctx, struct str name, struct feed_status *out); /* false: nobody drives it */
    void (*log_changed)(void *ctx); /* the log of the node began anew */
    void (*log_status)(void *ctx, size_t witness, struct command_witness *out);
    void *ctx;
};

enum { COMMAND_TEXT_MAX = 800, COMMAND_MEANT_MAX = 8192 };

struct command_call {
    const struct command_host *host;
    struct json_val args;   /* an object */
    struct str who;         /* by the kernel's word */
    enum standing standing; /* ...as one of two persons */
    int64_t now_us;
    struct arena *arena; /* of this call */
    struct buf *out;
    char what[COMMAND_TEXT_MAX]; /* what happened and why */
    const char *next;            /* what to do; static; may be NULL */
    bool pause; /* of a stream that waits for somebody else: it is looked at again after a while */
};

struct command {
    const char *name; /* "peer.add" */
    bool writes;
    err_t (*run)(struct command_call *call);
};

/* A command whose answer may be of any size: it is written in portions, the next one only when the caller has
 * read the one before. `begin` reads the arguments (which do not outlive it) and makes a state; `next`
 * appends a portion, about LIMIT_STREAM_CHUNK_BYTES, and says when that was the last; it may append nothing
 * to let others go first. It changes nothing. `end` frees the state, also when nobody wants the rest. */
struct command_stream {
    const char *name;
    err_t (*begin)(struct command_call *call, void **out_state);
    err_t (*next)(struct command_call *call, void *state, bool *out_end);
    void (*end)(void *state);
};
/* NULL: no such. */
const struct command_stream *command_stream_find(struct str name);

/* NULL: no such command. */
const struct command *command_find(struct str name);

/* --- for handlers --- */

/* Fills what and next, returns err. */
err_t command_refuse(struct command_call *call, err_t err, const char *next, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Required arguments: ERR_USAGE, with the refusal filled in, when missing or of another type. */
NODISCARD err_t command_text(struct command_call *call, const char *name, struct str *out);
/* Refuses when anything was given as an empty text: a condition that is empty would hold for everything. */
NODISCARD err_t command_none_empty(struct command_call *call);
/* Optional ones: empty, false. */
struct str command_text_or_empty(const struct command_call *call, const char *name);
bool command_flag(const struct command_call *call, const char *name);
/* "us, jp": the partners of a mask. */
void command_put_partners(const struct gate *gate, uint64_t mask, struct buf *out);
/* "indicator--6ba7b810-..." of a key; of a type that the standard does not define the UUID alone. */
enum { COMMAND_ID_SIZE = LIMIT_ID_BYTES + 1 };
void command_id_text(const struct stix_key *key, char out[COMMAND_ID_SIZE]);
/* Names of a partner's view, an object, a TLP level; the refusal says which are known or what is wrong. */
NODISCARD err_t command_partner(struct command_call *call, const char *name, const struct gate_peer **out);
/* Is the card of a suite that this node still shares with (`minimum-suite`)? */
NODISCARD err_t command_card_enough(struct command_call *call, const struct sync_card *card);
/* The ledger of `audience` that is asked for: the main one, with `urgent` the urgent one. */
NODISCARD err_t command_ledger(struct command_call *call, const struct gate_peer **out_peer,
                               unsigned *out_number);
NODISCARD err_t command_object(struct command_call *call, const char *name, struct stix_key *out);
NODISCARD err_t command_tlp(struct command_call *call, const char *name, enum stix_tlp *out);
/* An object by its identifier or, where this node minted it for a partner and holds nothing of that name, by
 * the one that the partner has: then `key` is of the object that it stands for, and `line` says so. */
struct command_meant {
    struct stix_key key;
    bool source; /* key is of another object than the one named */
    char line[COMMAND_MEANT_MAX];
};
NODISCARD err_t command_meant(struct command_call *call, const char *name, struct command_meant *out);
/* The same of a text that may be something else: false when it is no identifier. */
bool command_meant_by(struct command_call *call, struct str id, struct command_meant *out);
/* The same, and the line is written. */
NODISCARD err_t command_object_meant(struct command_call *call, const char *name, struct stix_key *out);
void command_say_meant(struct command_call *call, const struct command_meant *meant);
/* Calls `say`, with the call as `ctx`, for every copy that is held of the object in argument "id"; refuses
 * when there is none. */
/* Members of its line, and a sentence, about the node where a copy entered; nothing where that signed
 * nothing. */
void command_put_origin(struct buf *out, const struct gate_object *object);
void command_say_origin(struct buf *out, const struct gate_object *object);
NODISCARD err_t command_each_copy(struct command_call *call,
                                  bool (*say)(void *ctx, const struct gate_object *object));
/* The argument "until", a day (to its end) or a time to come; INT64_MAX without one. */
NODISCARD err_t command_until(struct command_call *call, int64_t *out);
/* Optional: a day or a time, `otherwise` without one; the name of a source, GATE_SOURCE_NONE without one. */
NODISCARD err_t command_time(struct command_call *call, const char *name, int64_t otherwise, int64_t *out);
NODISCARD err_t command_source(struct command_call *call, const char *name, uint32_t *out);
/* The name of a source, other than of partners, that is like this one. False: there is none. */
bool command_source_nearest(const struct gate *gate, struct str name, struct str *out);
/* who and because (argument "because", or a standing word). */
struct gate_by command_by(const struct command_call *call);
/* What people once wrote (gate/words.h), as it can be shown; in the call's arena. */
struct str command_words(struct command_call *call, struct str words);

/* What a statement marking means here, by the arguments "as", "partners" (names with commas, "none"; absent:
 * it says nothing about partners) and "because". */
NODISCARD err_t command_grant(struct command_call *call, const struct stix_key *marking);

/* A line and a sentence for each marking: gate_markings calls it with the call as `ctx`. */
bool command_say_marking(void *ctx, const struct gate_marking *marking);

/* --- what the guard held (core_guard.c) --- */

struct core_guarded {
    bool held;
    uint64_t resumed;             /* times */
    struct guard_finding finding; /* the last; rule GUARD_RULE_NONE: never */
    int64_t when_us;
    struct bytes waivers; /* { u8 rule, 32 bytes SHA-256 }; borrowed from `memory` */
};
void core_guard_get(const struct gate *gate, const struct gate_peer *peer, struct buf *memory,
                    struct core_guarded *out);
NODISCARD err_t core_guard_put(struct gate *gate, const struct gate_peer *peer,
                               const struct core_guarded *guarded, const struct gate_by *by, int64_t now_us);

/* A line of `status` when pages to this partner are held. */
void command_say_guarded(struct command_call *call, const struct gate_peer *peer);

/* --- lines --- */

void line_begin(struct buf *out);
void line_text(struct buf *out, const char *name, struct str value);
void line_word(struct buf *out, const char *name, const char *value);
void line_json(struct buf *out, const char *name, struct str json); /* written by json_write_... before */
void line_count(struct buf *out, const char *name, uint64_t value);
void line_bool(struct buf *out, const char *name, bool value);
void line_time(struct buf *out, const char *name, int64_t time_us);
void line_hash(struct buf *out, const char *name, const struct hash *hash); /* base64 */
void line_base64(struct buf *out, const char *name, struct bytes bytes);    /* at most LIMIT_VOUCHER_BYTES */
void line_say(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* a whole line */
void line_version(struct buf *out, uint64_t lsn, struct stamp version); /* number, and its time if any */
void line_end(struct buf *out);

/* The rows, by file. */
extern const struct command command_source_rows[], command_peer_rows[], command_policy_rows[],
    command_object_rows[], command_quarantine_rows[], command_ledger_rows[], command_log_rows[],
    command_status_rows[], command_taxii_rows[], command_feed_rows[], command_find_rows[],
    command_misp_rows[], command_extension_rows[], command_access_rows[], command_guard_rows[],
    command_inbound_rows[], command_list_rows[], command_spill_rows[], command_privacy_rows[],
    command_retention_rows[], command_copies_rows[], command_recall_rows[], command_bundle_rows[],
    command_rival_rows[], command_word_rows[];

/* Lines of `status` while the clock is not believed, or something is still to be destroyed. */
void command_say_clock(struct command_call *call);
/* A recall, by the arguments of the call (recall_choice.h). */
NODISCARD err_t command_recall_add(struct command_call *call);
/* Who has not destroyed by the deadline what was called back (command_recall.c). */
void command_say_recalls(struct command_call *call);

/* Warnings about names that are not here, and about what is withheld as a whole. */
void command_say_slips(struct command_call *call, const struct policy *policy);
/* What the policy in force asks for that the language has no more. */
void command_say_retired(struct command_call *call);

/* How far each witness cosigned the log of the node, and what is in its way (command_log.c). */
void command_say_witnesses(struct command_call *call);

/* Sources whose stricter copies tightened many objects of others (command_rival.c). */
/* Registered copies of the key file that are away, and what they leave unconfirmed. */
void command_say_copies(struct command_call *call);
void command_say_tightened(struct command_call *call);

/* A policy text that does not compile: line, column, what is wrong and what may have been meant. */
err_t command_refuse_policy(struct command_call *call, err_t err, const struct policy_fault *fault);

/* --- two persons (command_two.c) --- */

/* Is whoever asks one of the operators, of whom there are two at least? Else ERR_DENIED, and the refusal says
 * what is wanted (`what`: "rule eyes waits for two operators"), who was `counted` and what to do. */
NODISCARD err_t command_two(struct command_call *call, const char *what, struct str counted);
/* A line where this policy wants two and the node has not as many; `policy` may be NULL. */
void command_warn_two(struct command_call *call, const struct policy *policy);
/* Lines of `status`: who the operators are. */
void command_say_operators(struct command_call *call);

/* The policy that waits for a second operator. ERR_NOTFOUND: none does. */
NODISCARD err_t command_say_pending(struct command_call *call);

/* command_holds.c */
extern const struct command_stream command_holds_stream, command_diff_stream;
/* What lets go what is held, as a sentence or a command. */
void command_put_remedy(const struct gate_hold *hold, struct str audience, char *to, size_t size);
/* command_prove.c */
extern const struct command_stream command_export_stream;
NODISCARD err_t command_ledger_prove(struct command_call *call);
NODISCARD err_t command_ledger_open(struct command_call *call);
/* command_bundle.c, core_bundle_write.c */
extern const struct command_stream command_reconcile_stream; /* core_reconcile.c */
extern const struct command_stream command_bundle_plan_stream, command_bundle_volume_stream,
    command_bundle_report_stream;
/* What is remembered of the bundles for a partner: as they stand in the present epoch. */
struct command_bundles {
    uint64_t written; /* leaves up to which one was written; 0: none was */
    uint64_t told;    /* leaves that he said by words that he holds */
};
void command_bundles_get(const struct gate *gate, const struct gate_peer *peer, struct command_bundles *out);
NODISCARD err_t command_bundles_put(struct command_call *call, const struct gate_peer *peer,
                                    const struct command_bundles *bundles);
/* A decimal argument; `otherwise` without one. */
NODISCARD err_t command_number(struct command_call *call, const char *name, uint64_t otherwise,
                               uint64_t *out);
/* command_graph.c, for the table of streams. */
NODISCARD err_t command_graph_begin(struct command_call *call, void **out);
NODISCARD err_t command_graph_next(struct command_call *call, void *state, bool *out_end);
void command_graph_end(void *state);
/* command_quality.c */
NODISCARD err_t command_quality_begin(struct command_call *call, void **out);
NODISCARD err_t command_quality_next(struct command_call *call, void *state, bool *out_end);
void command_quality_end(void *state);
/* command_privacy.c */
NODISCARD err_t command_person_begin(struct command_call *call, void **out);
NODISCARD err_t command_person_next(struct command_call *call, void *state, bool *out_end);
void command_person_end(void *state);
NODISCARD err_t command_handled_begin(struct command_call *call, void **out);
NODISCARD err_t command_handled_next(struct command_call *call, void *state, bool *out_end);
void command_handled_end(void *state);
