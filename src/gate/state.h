/* The gate's inside: what its files share. Nobody outside src/gate includes this.
 *
 * Everything here is derived from the log: fact_apply, decide_apply and their like change memory and index
 * for one logged frame, and do exactly the same when that frame is replayed. Appending to the log and
 * applying are separate steps for that reason. */
#pragma once

#include "core/map.h"
#include "gate/epoch.h"
#include "gate/gate.h"
#include "gate/nodelog_state.h"
#include "gate/table.h"
#include "ledger/tile.h"
#include "store/store.h"
#include "json/json.h"

/* --- ledgers --- */

struct tile_files; /* packed hashes in files (tile_files.h) */
struct telling;    /* what translations speak of (told.h) */

struct view {
    char origin[LEDGER_ORIGIN_MAX];
    size_t origin_len;
    struct tile_files *files;
    struct tile_tree tree;
    int64_t last_time_us; /* of the last decided leaf */
    uint64_t mark_leaves; /* since the last mark: a checkpoint must be kept at least so often */
    uint64_t mark_bytes;
    uint64_t sent_bytes;  /* of all objects in it: never less than what a budget has to know */
    uint64_t mark_size;   /* the last mark */
    uint64_t signed_size; /* last logged checkpoint */
    struct hash signed_root;
    uint64_t signed_lsn; /* its frame: visible once durable */
    uint64_t visible;
    struct hash visible_root;
    int64_t visible_time_us; /* of the last visible leaf */
    uint64_t again_size;     /* signed up to here by the keeper, and the CHECKPOINT was lost; 0: no such */
    uint64_t anew_size;      /* this one is to be signed once more, under a new key; 0: none */
    bool signing;            /* a request is out */
    uint64_t vouched_size;   /* voucher.c: leaves before it have what their origin signs, or need none */
    bool stopped;            /* a replayed root differed: serve nothing of it */
    uint64_t taken;          /* of gate_ledger */
    uint64_t receipted, refused;
    int64_t receipted_us;
    uint64_t receipt_lsn; /* its frame; 0: an index of before knows none */
};

/* What of the ledgers' files has to be durable before the index may name it. */
struct views_sync {
    const struct os *os;
    struct os_file *files[GATE_LEDGERS * TILE_LEVELS];
    size_t count;
    const char *dir; /* new names in it; NULL: none */
};

struct gate_merge {
    struct store_merge *merge;
    struct views_sync sync;
};

/* --- DECIDEs read back: a page of leaves asks for the same few again and again --- */

struct decide_kept {
    uint64_t lsn;   /* 0: free */
    uint64_t asked; /* when, for the oldest to give way */
    unsigned users;
    struct arena arena;
    struct record_decide decide;
    uint32_t *ranks[GATE_LEDGERS]; /* by entry: the ledger's leaves before it; NULL: not counted yet */
};

enum { DECIDES_KEPT = 4 };

/* --- jobs: decide again --- */

enum job_scope {
    JOB_ALL = 1,
    JOB_SOURCE,
    JOB_REFERRERS,
    JOB_OBJECT,
    JOB_WITHDRAW,  /* what the policy in force denies and somebody has: before all other jobs (withdraw.c) */
    JOB_RIVALS,    /* what a source sent other copies of */
    JOB_LISTED,    /* what a fact lists */
    JOB_SUSPENDED, /* what is suspended is taken back, and decided with all around it: before all others */
};

/* JOB_SUSPENDED: as a cursor: all of it was taken back. */
#define JOB_CURSOR_AROUND (UINT64_MAX - 1)

struct job {
    uint32_t number;
    enum job_scope scope;
    uint64_t partners;   /* for whom */
    struct stix_key key; /* JOB_REFERRERS, JOB_OBJECT, JOB_SUSPENDED; JOB_LISTED: number of the list, u64 */
    uint16_t source;     /* JOB_SOURCE, JOB_RIVALS */
    uint64_t cursor;     /* next lsn; JOB_LISTED: next of the list */
    uint64_t until;      /* exclusive: later objects know the new fact already */
};

struct classified {
    struct stix_key key;
    struct hash meaning;
    enum stix_tlp as;
    uint64_t partners; /* what carries it goes to these alone */
    const struct str
        *rel_to;         /* and to whose nations, or one of whose communities, stand here; in facts_arena */
    size_t rel_to_count; /* 0: to anybody's */
};

/* What a source sent again in one week, so far: totals, not what is new since they were logged. */
struct repeats {
    uint32_t source;
    int32_t week;      /* gate/quality.h */
    bool dirty;        /* not logged yet */
    uint64_t count[4]; /* by enum repeat_kind */
};

struct stop {
    enum gate_stop_kind kind;
    char name[LIMIT_NAME_BYTES];
    size_t name_len;
};

/* Numbers that a policy gives its rules, the built-in ones among them. */
enum { RULES_MAX = POLICY_RULE_BUILTIN_COUNT + LIMIT_POLICY_RULES };

/* Duties of release rules that are carried out; what a rule releases with any other is held. */
enum {
    DUTIES_PERSONAL = POLICY_DUTY_MASK | POLICY_DUTY_PSEUDONYMISE, /* personal.c, where there is something */
    DUTIES_MINTED = POLICY_DUTY_ANONYMISE | POLICY_DUTY_REDACT | POLICY_DUTY_DROP_REFERENCES, /* cut.c */
    DUTIES_DONE = POLICY_DUTY_EXPIRE | POLICY_DUTY_RESHARE | DUTIES_MINTED | DUTIES_PERSONAL,
};

/* What an operator, or who sent it, wants to be gone. */
struct spilled {
    uint64_t lsn;
    int64_t deadline_us; /* of a recall of ours; 0: none */
    struct stix_key key; /* zero: it has none */
    uint64_t released;   /* partners that had it when it was suspended */
    bool recall;         /* who has it is told by a recall, not by an expire */
    bool spill;          /* an operator said that it must not be here: its other copies wait for a person */
};

enum { STOPS_MAX = 256, NAMES_MAX = 8192, GATE_MAGIC = 0x67617465 };

struct gate {
    uint32_t magic;
    const struct os *os;
    const struct diag *diag;
    char *dir;
    struct str node_name;
    const struct gate_operators *persons; /* NULL: everybody is one */
    struct index *index;
    bool index_is_ours;
    struct store *store;
    bool read_only;
    const char *why;

    struct arena facts_arena; /* names, cards: live as long as the gate */
    uint32_t fact_kinds;      /* bit a kind: facts of it were ever logged */
    struct gate_source *sources;
    size_t source_count;
    struct gate_peer *peers;
    unsigned peer_count;
    bool any_gone;                /* destroy.c: some content was ever destroyed */
    bool replaying, looked_ahead; /* the RECALLs that are still to be replayed are known */
    uint64_t replay_from;         /* what stands before was in the index already */
    bool index_is_old;            /* it has rows of what cannot be read any more: it has to be made anew */
    size_t purges;                /* RECALLs that are not carried out yet */
    size_t unconfirmed;           /* key_copies.c: that are, but for a copy of the key file */
    bool confirm_due;             /* of these, some may be confirmed now, */
    uint64_t confirm_at;          /* from this position on */
    uint64_t copies_lost;         /* slots that a copy held which is lost for good */
    struct map spilled_keys;  /* of these, by an operator's word that they must not be here -> the last one */
    struct map recalled_keys; /* ...and of what was called back -> the last one */
    struct spilled *spills;   /* spill.c: what is suspended, in order; NULL: nothing ever was */
    size_t spill_count;
    size_t recall_count;          /* of these, called back */
    size_t recall_budget;         /* recall.c: objects a day by the word of one */
    bool recalls_moved;           /* somebody was told, or has answered */
    bool recalls_open;            /* some of them may wait to be destroyed */
    uint64_t recalls_answered[2]; /* partners to whom an answer may be owed, main and urgent ledgers */
    struct safety_list **lists;   /* safety.c: LIMIT_LISTS; NULL: there are none */
    size_t list_count;
    struct inbound **inbounds;   /* inbound.c: by source number; NULL: nothing is stated of any */
    struct tightened *tightened; /* rival.c: by source number; NULL: nothing was counted */
    uint64_t tightened_bound;    /* objects a day */
    struct map identities;       /* stix_key -> source number */
    struct classified *markings;
    size_t marking_count;
    struct stix_extensions extensions;         /* in force */
    struct extension_memory *extension_memory; /* extension.c: LIMIT_EXTENSIONS */
    struct stop stops[STOPS_MAX];
    size_t stop_count;
    struct {
        struct privacy_hit *hits; /* LIMIT_PERSONAL_HITS; NULL until they are needed */
        uint64_t lsn;             /* of the object that was looked through last; 0: none */
        bool known;
        struct privacy_facts facts;
    } personal;
    struct policy *policy;
    uint64_t policy_lsn;
    int64_t policy_us; /* when it came into force */

    uint64_t decided_lsn;
    uint64_t scanned_lsn; /* nothing between decided_lsn and here asks for a decision */
    struct job *jobs;
    size_t job_count;
    uint32_t job_last;
    uint64_t job_decides; /* DECIDEs since the last job step: live comes first */

    struct str *names; /* of rules and approvers that a decision ever named; 0 is "" */
    size_t name_count;
    struct map name_ids; /* SHA-256 of the name -> index */
    struct outcome *outcomes;
    size_t outcome_count, outcome_size;
    struct map outcome_ids; /* SHA-256 of the vector -> index */
    uint64_t (
        *tally_rules)[LIMIT_PARTNERS]; /* [name][partner]: current objects that the rule holds or denies */
    struct gate_tally tallies[LIMIT_PARTNERS];
    uint64_t ended_objects;   /* states with a release that ended: no reader asks without one */
    uint64_t waiting_objects; /* states in which somebody waits for people */
    uint64_t waiting[LIMIT_PARTNERS];
    uint64_t queued[LIMIT_PARTNERS]; /* newest versions that are held, and stand in the queue (holds.c) */
    uint64_t (*tally_denied)[LIMIT_PARTNERS]; /* of tally_rules, those that are denied */
    bool *unqueued;                           /* by name: what it holds stands in no queue */
    uint64_t budget_waiting[LIMIT_PARTNERS];  /* objects that wait for a partner's budget */
    int64_t budget_retry_us[LIMIT_PARTNERS];  /* nothing could go before */
    uint64_t blocked_objects; /* newest versions that wait for somebody: no walk without one */
    uint64_t object_count, quarantine_count;
    uint64_t object_count_kept; /* as it stands in the index */

    struct repeats repeats[LIMIT_REPEATS];
    size_t repeats_count;
    int64_t repeats_due_us; /* when to log what is dirty; INT64_MAX: nothing is */

    struct view views[GATE_LEDGERS];
    struct nodelog log;
    struct vouching *vouching; /* voucher.c: NULL until one is needed */
    struct echo *echo;         /* echo.c: likewise */
    uint64_t vouches;          /* partners who get what origins signed */
    uint64_t not_urgent;       /* partners whose node follows no urgent ledger now, by its own last word */
    uint64_t epochs;           /* partners whose ledger is not their first (epoch.h) */
    uint32_t following[LIMIT_PARTNERS]; /* the epoch of theirs that this node follows */
    struct gate_merge merging;

    struct hash_sip_key sip;
    struct json_parser *parser;     /* of the batch */
    struct json_parser *parser_one; /* of a single object */
    struct arena accept_arena;      /* one submission */
    struct arena step_arena;        /* one step */
    struct decide_kept decides[DECIDES_KEPT];
    struct fresh **fresh; /* fresh.c: LIMIT_FRESH_OBJECTS, the first fresh_count are there */
    size_t fresh_count;
    struct arena fresh_arena;
    struct list_spending *spending; /* safety.c: by source, LIMIT_SOURCES + 1; NULL: nobody spent any */
    struct arena safety_arena;      /* of the object that comes */
    uint64_t decides_asked;
    struct telling *telling;
    uint64_t opened; /* objects read from the log, ever: what bounds a step (deciding.h) */
    struct buf canon, record, plain, scratch;
    struct buf minted, mended; /* mend.c: the object at hand, and what was changed in it */
    uint64_t mint_count;       /* MINT frames ever logged */
    uint64_t mint_slot;        /* secret.c: 1 + slot of the secret that identifiers are minted under */
    uint64_t words_slot;       /* words.c: 1 + slot of the last day's secret; 0: none */
    int64_t words_from_us;     /* when that day began */
    int64_t unsure_us;  /* retention.c: the clock stands so far ahead of the latest time that is believed */
    bool wants_creator; /* something is to be minted, and the node's identity is not held */
    bool group_open;
};

/* Opens a group when none is; ERR_READONLY, ERR_BUSY. Everything that appends calls it first. */
NODISCARD err_t gate_group(struct gate *gate);
/* Appends `gate->record` as a frame of this kind. */
NODISCARD err_t gate_append(struct gate *gate, enum frame_kind kind, uint64_t *out_lsn);
/* An end that cannot be undone: serve what is durable, accept nothing. */
void gate_fail(struct gate *gate, err_t err, const char *why);
/* A frame was appended, and its meaning not wholly taken over: the open group may never become durable, and
 * what it meant already for tables in memory cannot be undone. Forgets the group, and is an end of that kind.
 * Returns err; with ERR_OK, or when no group is open, it does nothing else. */
NODISCARD err_t gate_torn(struct gate *gate, err_t err, const char *why);

/* --- facts.c --- */
NODISCARD err_t fact_apply(struct gate *gate, uint64_t lsn, const struct record_fact *fact);
NODISCARD err_t fact_load_all(struct gate *gate); /* from the index, when opening */
void facts_deinit(struct gate *gate);
NODISCARD err_t policy_apply(struct gate *gate, uint64_t lsn, const struct record_policy *policy);
/* A text that was in force: for everybody that there ever was, and as it was meant then. */
NODISCARD err_t policy_compile_logged(const struct gate *gate, struct str text, struct policy **out,
                                      struct policy_fault *fault);
NODISCARD err_t policy_recompile(struct gate *gate); /* after partners changed */
/* Index key of a fact. `out` has room for FACT_KEY_SIZE_MAX. */
enum { FACT_KEY_SIZE_MAX = 2 + RECORD_FACT_KEY_MAX };
struct bytes fact_key(enum record_fact_kind kind, struct bytes key, uint8_t out[FACT_KEY_SIZE_MAX]);
void source_write(struct buf *out, const struct gate_source *source);
void peer_write(struct buf *out, const struct gate_peer *peer);
/* A FACT entry as stored: who and why stay in the log. */
NODISCARD err_t fact_get(const struct gate *gate, enum record_fact_kind kind, struct bytes key,
                         struct bytes *out);
NODISCARD err_t meta_put_u64(struct gate *gate, const char *key, uint64_t value);
/* The row of the FACT table that holds one number. ERR_NOTFOUND, ERR_CORRUPT. */
NODISCARD err_t row_get_u64(struct gate *gate, struct bytes key, uint64_t *out);
NODISCARD err_t meta_get_u64(struct gate *gate, const char *key, uint64_t *out);
/* marking.c: the definition that is held under this id, read; built-in TLP needs none. ERR_NOTFOUND. What it
 * borrows is gone with the next object that is parsed. */
NODISCARD err_t marking_read_held(struct gate *gate, const struct stix_key *key, struct arena *arena,
                                  struct stix_marking *out);
/* What one marking reference comes down to for an object of `source` now. */
enum { MARKING_LIMITS = 16 };
struct marking_limit {
    const char *why;
    uint64_t out; /* whom it takes away that no limit before did */
};
struct marking_reading {
    unsigned state;    /* one of enum policy_marking */
    enum stix_tlp tlp; /* of POLICY_MARKING_KNOWN, else NONE */
    const char *why;   /* static, without an end */
    uint64_t partners; /* to whom it lets go at all; all ones: it says nothing about partners */
    bool names;        /* it says whom it may go to: the originator's grant to these */
    int64_t turns_us;  /* reads otherwise from then on; INT64_MAX: never */
    uint8_t terms[POLICY_TERM_COUNT];
    struct marking_limit limits[MARKING_LIMITS];
    size_t limit_count;
};
/* `policy`: what is known of the partners; NULL: nothing. */
NODISCARD err_t marking_judge(struct gate *gate, const struct policy *policy, const struct stix_key *key,
                              uint32_t source, int64_t now_us, struct arena *arena,
                              struct marking_reading *out);
/* audience.c: takes partners away, and notes why. */
void reading_limit(struct marking_reading *reading, uint64_t allowed, const char *why);
void reading_judge_acs(const struct policy *policy, const struct stix_acs *acs, int64_t now_us,
                       struct marking_reading *reading);
/* Local tags (at most LIMIT_TAGS_PER_OBJECT, copied to the arena) and when they last changed
 * (POLICY_TIME_NONE: never). */
NODISCARD err_t tags_load(struct gate *gate, const struct stix_key *object, struct arena *arena,
                          struct str *out_tags, size_t *out_count, int64_t *out_settled_us);
/* Partners to whom nothing of this source may go because an operator stopped all, them or the source. */
uint64_t stops_mask(const struct gate *gate, const struct policy_facts *facts);
/* Every started partner; those that are paused are decided for when they start. */
uint64_t partners_started(const struct gate *gate);
/* These, and whoever has something in his ledger: while he is paused those who read for him read on, and what
 * is denied by now is taken back from them. */
uint64_t partners_concerned(const struct gate *gate);
bool stop_holds(const struct gate *gate, enum gate_stop_kind kind, struct str name);

/* Writes a fact with `gate->scratch` as its value as a JOB frame, and applies it (operator.c). */
/* A partner as it is from now on, and what is held from its since_lsn on decided for it. */
NODISCARD err_t peer_state(struct gate *gate, const struct gate_peer *peer, const struct gate_by *by,
                           int64_t now_us);
NODISCARD err_t peer_history(struct gate *gate, const struct gate_peer *peer, const struct gate_by *by,
                             int64_t now_us);
NODISCARD err_t fact_state(struct gate *gate, enum record_fact_kind kind, struct bytes key,
                           const struct gate_by *by, int64_t now_us);

/* --- extension.c --- */
NODISCARD err_t extension_apply(struct gate *gate, const struct record_fact *fact);
void extensions_deinit(struct gate *gate);

/* --- spill.c --- */
NODISCARD err_t spill_apply(struct gate *gate, const struct record_fact *fact);
/* Suspends what stands at `lsn`, as gate_spill, in the open group. Given: why, deadline_us, waits, agreed;
 * result: the rest. ERR_EXISTS: it is, and by a word that is as strong; ERR_UNSUPPORTED: not durable yet. */
struct gate_spill;
NODISCARD err_t spill_state(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                            struct gate_spill *spill);
/* The same of a mere report (SEEN), whose content stays: it was of this object. */
NODISCARD err_t spill_report(struct gate *gate, uint64_t lsn, uint64_t about, const struct gate_by *by,
                             int64_t now_us, struct gate_spill *spill);
/* States it anew, after something of it changed. */
NODISCARD err_t spill_restate(struct gate *gate, const struct gate_spill *spill, int64_t now_us);
/* Whose key the fact names. */
NODISCARD err_t spill_key(const struct record_fact *fact, struct stix_key *out);
/* Is what stands there suspended? */
bool spilled(const struct gate *gate, uint64_t lsn);
/* Was anything under this identifier called back from this partner? */
bool recalled_from(const struct gate *gate, const struct stix_key *key, unsigned partner);
/* The newest copy under this identifier that an operator suspended as spilled. False: none was. */
bool spill_of(const struct gate *gate, const struct stix_key *key, uint64_t *out_lsn);
/* Was, or is, anything under it suspended as spilled, or called back? */
bool spilled_or_recalled(const struct gate *gate, const struct stix_key *key);
/* ...and called back? */
bool recalled(const struct gate *gate, uint64_t lsn);
/* NULL: it is not suspended. */
const struct spilled *spilled_at(const struct gate *gate, uint64_t lsn);
/* Was this content of this source? `content`: SHA-256 of the canonical text, or of bytes that are refused. */
NODISCARD err_t spill_known(struct gate *gate, uint32_t source, const struct hash *content, bool *out);

/* --- legal.c: an order was set or lifted --- */
void legal_apply(struct gate *gate);

/* --- recall.c --- */
/* Partners that ever had this OBJ, or MINT, which is called back, and that no leaf told so. */
NODISCARD err_t recall_owed(struct gate *gate, uint64_t lsn, const struct state *state, uint64_t *out);
/* The last leaves of the ledgers that this entry of a DECIDE is for tell them that what it is about is called
 * back. */
NODISCARD err_t recall_told(struct gate *gate, const struct record_decide *decide,
                            const struct record_entry *entry);
/* Partners whose urgent ledger takes what is called back now. */
uint64_t recalls_urgent(const struct gate *gate);
/* A recall leaf of this ledger of a partner's. Appends to the open group. ERR_UNSUPPORTED: it cannot be taken
 * over. */
struct gate_received;
NODISCARD err_t recall_take(struct gate *gate, unsigned ledger, const struct gate_received *leaf,
                            int64_t now_us);
/* The same object came again from who brought it: what he called back of it while others said it too is
 * forgotten. */
NODISCARD err_t recall_said_again(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us);
/* Did a recall that came by the urgent ledger name this leaf of a partner's main one before it was here? */
bool recall_came_first(const struct gate *gate, const struct gate_peer *peer, const struct leaf *leaf);

/* --- destroy.c: content that is gone --- */
/* ERR_NOTFOUND: it is not. */
NODISCARD err_t gone_find(struct gate *gate, uint64_t lsn, struct record_gone *out);
/* What leaf `seq` of a ledger needs without the secret that it was made with. */
NODISCARD err_t gone_leaf(const struct gate *gate, unsigned ledger, uint64_t seq,
                          struct record_gone_leaf *out);
bool bytes_contain(struct bytes text, struct bytes part);
NODISCARD err_t gone_load(struct gate *gate); /* when opening */
NODISCARD err_t recall_apply(struct gate *gate, uint64_t lsn, const struct record_recall *recall);
/* --- key_copies.c --- */
NODISCARD err_t copies_places_load(struct gate *gate); /* when opening, after replay */
/* `first`: no PURGED came before this one. */
NODISCARD err_t copies_purged(struct gate *gate, const struct record_purged *purged, bool first);
/* Copies of the key file that may still open what this RECALL names, after they were brought on. */
NODISCARD err_t copies_unsure(struct gate *gate, const struct record_recall *recall, uint8_t *out);
NODISCARD err_t purged_apply(struct gate *gate, const struct record_purged *purged);

/* --- safety.c --- */
/* Of one source: steps of walks over lists, as of then, that are not given back yet. */
struct list_spending {
    uint64_t steps;
    int64_t at_us;
};
NODISCARD err_t list_apply(struct gate *gate, const struct record_fact *fact);
void lists_deinit(struct gate *gate);
/* Why it waits: a list's name (or of what else was suspended, spill/NUMBER), a blank, a few words, all in the
 * arena; empty: nothing stands against it. `object` with its
 * tape. */
NODISCARD err_t safety_find(const struct gate *gate, const struct stix_object *object, uint8_t flags,
                            struct arena *arena, struct str *out);
/* The same when it comes: what it takes to tell is its source's to spend, and where that has no more, the
 * envelope says so for ever. Memory of the gate, until the next. NULL: not told yet, for want of memory. */
struct str safety_first(struct gate *gate, const struct stix_object *object,
                        struct record_envelope *envelope);
void safety_deinit(struct gate *gate);

/* That as a fact, and as the tag safety:NAME of the list, unless an operator lets it go. `tags` has room. */
/* Does it wait because another copy under its identifier was suspended as spilled? */
bool safety_of_spill(struct str safety);
NODISCARD err_t safety_add(struct str safety, struct arena *arena, struct str *tags,
                           struct policy_facts *facts);

/* --- inbound.c --- */
NODISCARD err_t inbound_apply(struct gate *gate, const struct record_fact *fact);
/* `size` bytes of this source were logged. Also when replayed. */
NODISCARD err_t inbound_count(struct gate *gate, const struct record_envelope *envelope, size_t size);
/* ERR_DENIED, with the fault: not from this source, or not now. `creator`: whom it names; may be NULL. */
NODISCARD err_t inbound_judge(struct gate *gate, uint32_t source, const struct stix_object *object,
                              const struct stix_key *creator, size_t size, int64_t now_us,
                              struct fault *fault);
void inbounds_deinit(struct gate *gate);
/* Is there a ceiling for this source? Then definitions are taken in before what they mark. */
bool inbound_has_ceiling(const struct gate *gate, uint32_t source);

/* --- rival.c --- */
NODISCARD err_t rival_apply(struct gate *gate, const struct record_fact *fact);
void rivals_deinit(struct gate *gate);
/* Is it another's copy of what the owner says under the same version? Not when it is suspended. */
bool rival_is(const struct gate *gate, const struct stix_key *object, const struct copies *copies,
              const struct copy *copy);
/* Does this copy speak, and has another said something else under its version? Then words about the object
 * may be about that version, be it an older one: what translates it waits for both. */
bool rival_beside(const struct gate *gate, const struct stix_key *object, const struct copies *copies,
                  const struct copy *copy);
/* The word that sets its marking aside at this time, the one that does longest; it borrows from the index.
 * ERR_NOTFOUND: it binds. */
struct gate_rival_word;
NODISCARD err_t rival_aside(struct gate *gate, const struct stix_key *object, const struct copies *copies,
                            const struct copy *copy, int64_t now_us, struct gate_rival_word *out);
/* A conflict came: counts it when it tightens what is held. Uses accept_arena and parser_one. */
NODISCARD err_t rival_note(struct gate *gate, uint64_t lsn, const struct record_envelope *envelope,
                           int64_t now_us);
/* Which objects a word asks to be decided again; false: it is none that is in force. */
bool rival_asks(const struct record_fact *fact, struct job *job);
/* Logs what was counted, into the open group. */
NODISCARD err_t rivals_log(struct gate *gate, int64_t now_us);

/* --- retention.c --- */

/* How far the clock is believed. May log. */
NODISCARD err_t clock_settle(struct gate *gate, int64_t now_us);
/* Is the clock believed again? Then all is decided again: what waited had no timer. */
bool clock_asks(const struct record_fact *fact, struct job *job);

/* --- inbound_level.c --- */
/* This source said the definition that `object` is (or another object: nothing); also when replayed. */
NODISCARD err_t inbound_note(struct gate *gate, uint32_t source, const struct stix_object *object);
NODISCARD err_t inbound_forget(struct gate *gate, uint32_t source, const struct stix_object *object);
/* Why it is above `ceiling`, a format of the level's name; NULL: it is not. */
NODISCARD err_t inbound_ceiling(struct gate *gate, uint32_t source, const struct stix_object *object,
                                int64_t now_us, enum stix_tlp ceiling, const char **out_why);
/* How operators classified the definition; NULL: they did not. */
const struct classified *marking_classified(const struct gate *gate, const struct stix_key *key);

/* --- jobs.c --- */
NODISCARD err_t job_add(struct gate *gate, const struct job *job);
NODISCARD err_t job_moved(struct gate *gate, uint32_t number, uint64_t cursor);
/* Partners for whom a job that looks at everything has yet to come to this position. */
uint64_t jobs_coming(const struct gate *gate, uint64_t lsn);
/* The job to work on next; NULL when none waits. */
struct job *job_next(struct gate *gate);
/* The one that takes back, which goes before all others; NULL when nothing has to be. */
struct job *job_withdraw(struct gate *gate);
/* The first that takes back what is suspended, or NULL. */
struct job *job_suspended(struct gate *gate);
NODISCARD err_t jobs_load(struct gate *gate);
/* The referrers of `key` are decided again, as a job. */
NODISCARD err_t job_recheck(struct gate *gate, const struct stix_key *key, int64_t now_us,
                            const char *because);
/* These positions are decided again, as jobs: what their objects are, at any number of them. */
NODISCARD err_t job_list(struct gate *gate, const uint64_t *lsns, size_t count, int64_t now_us,
                         const char *because);
/* Of the fact that lists them. */
bool job_is_list(const struct record_fact *fact, struct job *job);
/* The next page of objects that a job names: lsns from its cursor on, at most `size`. *out_cursor: where it
 * goes on; UINT64_MAX: done. */
NODISCARD err_t job_page(struct gate *gate, const struct job *job, uint64_t *out, size_t size,
                         size_t *out_count, uint64_t *out_cursor);

/* --- authority.c --- */
struct ruling {
    enum gate_disposition disposition;
    uint64_t about; /* the copy it equals or conflicts with */
    uint8_t flags;  /* enum record_object_flag */
};
/* Who speaks for this id: its own home when it is a bound identity, the bound home of its creator, else who
 * brought it first (DESIGN 5). */
uint16_t authority_owner(const struct gate *gate, const struct stix_object *object,
                         const struct copies *copies, uint32_t source);
/* Does `source` speak for the id of which `spoken` is what is said now? Also when it is at home here since
 * after that came. */
bool authority_speaks(const struct gate *gate, const struct stix_key *key, const struct copy *spoken,
                      uint32_t source);
/* What an object from `source` is to the copies of its id that are held. */
struct ruling authority_rule(const struct gate *gate, const struct copies *copies,
                             const struct stix_object *object, const struct hash *canon, uint32_t source);
void copy_set_creator(struct copy *copy, const struct stix_object *object);

/* --- accept.c --- */
/* Appends a sealed frame (or a SEEN), in the next group when this one is full. *out_slot: of its secret; 0
 * for SEEN, which has none. */
NODISCARD err_t object_append(struct gate *gate, enum frame_kind kind, const struct record_envelope *envelope,
                              struct bytes plain, uint64_t *out_lsn, uint64_t *out_slot);
/* The same for an envelope that is written already. */
NODISCARD err_t sealed_append(struct gate *gate, enum frame_kind kind, struct bytes envelope,
                              struct bytes plain, uint64_t *out_lsn, uint64_t *out_slot);
/* What a logged OBJ, SEEN or QUAR means for the index; `object` as read from the bytes. */
NODISCARD err_t object_apply(struct gate *gate, uint64_t lsn, enum frame_kind kind,
                             const struct record_envelope *envelope, const struct stix_object *object,
                             const struct hash *canon);
NODISCARD err_t object_replay(struct gate *gate, const struct frame *frame);
/* ...and takes back when its content goes: nothing in the index leads to it any more. */
NODISCARD err_t object_forget(struct gate *gate, const struct frame *frame,
                              const struct record_envelope *envelope, const struct stix_object *object);

/* One object of the node itself, told to nobody. `text` is followed by JSON_PADDING bytes. */
NODISCARD err_t accept_one(struct gate *gate, const struct gate_submission *submission, struct bytes text,
                           int64_t now_us);

/* --- mend.c --- */
/* What stix_mend makes of `value` (whose text is `bytes`), in the gate's own buffer with JSON_PADDING behind.
 * The node's identity is held from then on; parser_one was used. ERR_UNSUPPORTED: it cannot be mended. */
NODISCARD err_t mend_object(struct gate *gate, const struct gate_submission *submission,
                            struct json_val value, struct bytes bytes, int64_t now_us, struct bytes *out);
struct str mend_report(const struct gate *gate); /* of the last one; good until the next */
/* Keeps the bytes that the OBJ at `lsn` was minted from, unless they are kept. */
NODISCARD err_t mend_keep(struct gate *gate, const struct record_envelope *minted, uint64_t lsn,
                          struct bytes bytes);
/* What the OBJ at `lsn` was minted from, copied to the arena. ERR_NOTFOUND: it is held as it came. */
NODISCARD err_t mend_original(struct gate *gate, uint64_t lsn, struct arena *arena, struct bytes *out_bytes,
                              struct str *out_report);
NODISCARD err_t mend_apply(struct gate *gate, uint64_t lsn, const struct record_envelope *envelope);
NODISCARD err_t mend_forget(struct gate *gate, uint64_t obj);

/* --- repeats.c: what leaves no frame because it changes nothing is counted, and the counts are logged --- */
enum repeat_kind { REPEAT_DUPLICATE, REPEAT_CONFLICT, REPEAT_REFUSED, REPEAT_ECHO, REPEAT_KINDS };
NODISCARD err_t repeat_note(struct gate *gate, uint32_t source, int64_t now_us, enum repeat_kind kind);
enum { REPEATS_KEY_SIZE = 8 };
NODISCARD err_t repeats_read(struct bytes key, struct bytes value, struct repeats *out);

/* --- key.c --- */
bool key_is_observable(const struct stix_key *key);
bool key_is_marking(const struct stix_key *key);
bool key_is_definition(const struct stix_key *key); /* of a marking or an extension */
/* May something of this id leave only because a referrer does? */
bool key_comes_along(const struct stix_key *key);
/* Where it stands among a partner's leaves of one step: definitions, creators, observables, objects,
 * relationships, containers. */
int key_rank(const struct stix_key *key);

/* --- subject.c: an object as deciding sees it --- */
struct subject {
    uint64_t lsn;
    uint64_t slot;
    struct record_envelope envelope;
    struct stix_object object;       /* in the arena, with its bytes */
    struct bytes bytes;              /* subject_load only; of a subject_recall it is empty */
    size_t size;                     /* of the bytes */
    struct hash content;             /* SHA-256 of the bytes */
    struct copies *copies;           /* of its id */
    const struct copy *copy;         /* itself among them */
    bool follows;                    /* may come along with its referrer */
    struct str safety;               /* why it waits for a person (safety.c); empty: it does not */
    const struct stix_key *granular; /* the only granular marking that counts; NULL: all do */
    bool gone;    /* asked about a copy that left: what stops further ones says nothing of it (withdraw.c) */
    bool beneath; /* asked for what speaks of it: what the rules beneath a hold take out counts (cut.c) */
    bool unsuspended; /* as if what carries it, and is suspended, were destroyed already */
};
/* The plain bytes of a sealed frame in the arena, padded for the parser; of a quarantined one without its
 * fault, of a minted one the object. ERR_NOTFOUND: its secret was destroyed. */
NODISCARD err_t frame_bytes(struct gate *gate, const struct frame *frame, struct arena *arena,
                            struct bytes *out);
/* Reads, opens and parses a durable OBJ (or QUAR of a conflict). Everything lives in `arena`. */
NODISCARD err_t subject_load(struct gate *gate, uint64_t lsn, struct arena *arena, struct subject *out);
/* The newest durable copy of an id, likewise. ERR_NOTFOUND. */
NODISCARD err_t subject_newest(struct gate *gate, const struct stix_key *key, struct arena *arena,
                               struct subject *out);
/* The same without what needs the text: from memory when accepting left it there. */
NODISCARD err_t subject_recall(struct gate *gate, uint64_t lsn, struct arena *arena, struct subject *out);
/* May it come along with what refers to it? `object` with its tape. */
bool object_follows(const struct stix_object *object);
/* All that a decision rests on; storage comes from the arena. */
NODISCARD err_t subject_facts(struct gate *gate, const struct subject *subject, const struct policy *policy,
                              int64_t now_us, struct arena *arena, struct policy_facts *out);
/* What its own markings say of this copy, by themselves. */
NODISCARD err_t subject_alone(struct gate *gate, const struct subject *subject, int64_t now_us,
                              struct arena *arena, struct policy_facts *out);
/* Do the markings of one keep it from somebody whom those of the other do not? */
bool facts_stricter(const struct policy_facts *one, const struct policy_facts *than);
/* What one more marking, or one more carrier with all of its own, adds: the strictest of both. */
void facts_add_strictest(struct policy_facts *facts, const struct policy_facts *more);
/* What the object's own markings add to `facts`; *out_any: it carries some. */
NODISCARD err_t subject_add_markings(struct gate *gate, const struct policy *policy,
                                     const struct subject *subject, int64_t now_us, struct arena *arena,
                                     struct policy_facts *facts, bool *out_any);

/* --- neighbour.c: what lies one reference away --- */
/* The facts that the policy asks for; nothing when it asks for none. */
NODISCARD err_t neighbours_add(struct gate *gate, const struct policy *policy, const struct subject *subject,
                               int64_t now_us, struct arena *arena, struct policy_facts *facts);
/* Durable frames that refer to `key`, from lsn `from` on, at most `size`. */
NODISCARD err_t referrers(struct gate *gate, const struct stix_key *key, uint64_t from, uint64_t *out,
                          size_t size, size_t *out_count);
/* ...and those that name it in the midst of a text. */
NODISCARD err_t namers(struct gate *gate, const struct stix_key *key, uint64_t from, uint64_t *out,
                       size_t size, size_t *out_count);
/* ...and those that translate it. */
NODISCARD err_t translations(struct gate *gate, const struct stix_key *key, uint64_t from, uint64_t *out,
                             size_t size, size_t *out_count);
/* Who approved this copy for all of `partners`; where two have to, those alone who count at the moment
 * (gate_operators); empty when nobody did, or not one person for all. Copied to the arena. */
NODISCARD err_t approver_of(struct gate *gate, const struct stix_key *object, uint64_t lsn, uint64_t partners,
                            struct arena *arena, struct str *out);
/* Partners to which it may come along with what names it: an unmarked follower, wherever no rule denies it.
 */
uint64_t subject_comes_along(const struct gate *gate, const struct subject *subject,
                             const struct policy_facts *facts, const struct policy_verdict *verdict);
/* Through this kind of reference a follower comes along. */
bool ref_role_follows(enum stix_ref_role role);
/* Markings and extensions that are built in: nothing to send, nothing to withhold. */
bool key_is_builtin(const struct stix_key *key);
/* The rules' verdict with the stops of operators applied, and what came from a partner kept from going back.
 */
NODISCARD err_t subject_decide(struct gate *gate, const struct subject *subject, const struct policy *policy,
                               int64_t now_us, struct arena *arena, struct policy_facts *out_facts,
                               struct policy_verdict *out);

/* --- look.c --- */
/* Ids of its references, in their order, copied to the arena: judging parses other objects. */
NODISCARD err_t subject_ids(const struct subject *subject, struct arena *arena, struct str **out);
/* The first OBJ, SEEN or conflict of this source at or behind `from`. ERR_NOTFOUND. */
NODISCARD err_t source_next(struct gate *gate, uint32_t source, uint64_t from, uint64_t *out);

/* --- fresh.c --- */
NODISCARD err_t fresh_init(struct gate *gate);
void fresh_deinit(struct gate *gate);
/* Keeps what deciding will ask for; silently not when there is no room. `object` with its tape, `safety` as
 * safety_first told it. */
void fresh_put(struct gate *gate, uint64_t lsn, uint64_t slot, const struct record_envelope *envelope,
               const struct stix_object *object, struct bytes bytes, struct str safety);
/* Everything of a subject but its bytes, its tape and its copies. Borrowed until fresh_passed. */
bool fresh_find(const struct gate *gate, uint64_t lsn, struct subject *out);
/* All of it: what follows from the text is looked at again. */
void fresh_forget(struct gate *gate);
/* Everything below `lsn` was decided. */
void fresh_passed(struct gate *gate, uint64_t lsn);

/* --- withdraw.c --- */
/* After a policy came into force: what it denies is taken back from everybody who has it, before anything
 * else is decided again. In one job; one that still runs begins anew. */
NODISCARD err_t withdraw_begin(struct gate *gate, uint64_t partners, uint64_t until);
NODISCARD err_t step_withdraw(struct gate *gate, const struct job *job, int64_t now_us);
/* Of these, older versions whose time is over with somebody: nothing else is decided about them. */
NODISCARD err_t step_expire(struct gate *gate, const uint64_t *due, size_t count, int64_t now_us);
/* Is the content of this leaf given no more? */
NODISCARD err_t leaf_ended(struct gate *gate, unsigned partner, uint64_t lsn, uint64_t decide_lsn,
                           size_t entry, bool *out);
/* ERR_BUSY: the policy in force denies it, and the job has not ended it yet. */
NODISCARD err_t leaf_may_go(struct gate *gate, unsigned partner, uint64_t lsn,
                            const struct record_decide *decide);

/* --- budget.c --- */
/* What a partner may get now. */
struct budget_left {
    uint64_t objects, bytes; /* UINT64_MAX: no budget says */
    bool fresh;              /* nothing counts in any window of bytes: one object goes, however large */
    int64_t next_us;         /* when it is more than nothing; now, where it is that already */
    int64_t more_us;         /* when there are more bytes than now; INT64_MAX: no budget counts them */
};
NODISCARD err_t budget_left(struct gate *gate, unsigned partner, int64_t now_us, struct budget_left *out);
/* The queue's rows, when the partners for whom `lsn` waits change. */
NODISCARD err_t budget_rows(struct gate *gate, uint64_t lsn, uint64_t before, uint64_t after);
NODISCARD err_t step_budget(struct gate *gate, int64_t now_us, bool *out_did, int64_t *out_next_us);

/* --- holds.c: what waits for people --- */
/* A state's waits after a decision: since when, and the queue's rows. `people`: partners that its rules keep
 * waiting for somebody now; of these `held`; `names` by partner. */
struct waits_now {
    uint64_t decided, people, held, released;
    const uint16_t *rule; /* by partner: gate.names */
    int64_t now_us;
};
NODISCARD err_t waits_apply(struct gate *gate, uint64_t lsn, struct state *state,
                            const struct waits_now *now);
/* Nobody waits for it any more: a newer version does. */
NODISCARD err_t waits_retire(struct gate *gate, uint64_t lsn, struct state *state);
/* A diagnostic line when any of these, whose timers are due, is past its reminder and waits still. */
void waits_remind(struct gate *gate, const uint64_t *lsns, size_t count, int64_t now_us);
/* As the policy asks for them, in the arena. */
NODISCARD err_t waits_load(struct gate *gate, uint64_t lsn, struct arena *arena, struct policy_facts *facts);

/* --- apply.c --- */
/* Material of a leaf that is known already: spares unsealing. May be NULL. */
struct decide_hint {
    const struct hash *contents; /* one per entry */
    const struct seal_secret *secrets;
    const size_t *sizes; /* object bytes */
};
NODISCARD err_t name_intern(struct gate *gate, struct str name, uint16_t *out);
NODISCARD err_t decide_apply(struct gate *gate, uint64_t lsn, const struct record_decide *decide,
                             const struct decide_hint *hint);
NODISCARD err_t outcomes_load(struct gate *gate); /* names and vectors, from the index */
NODISCARD err_t tallies_load(struct gate *gate);
NODISCARD err_t tallies_again(struct gate *gate); /* from the beginning */
void outcomes_deinit(struct gate *gate);
/* A newer copy speaks for the id now: `lsn` counts no longer. */
NODISCARD err_t state_retire(struct gate *gate, uint64_t lsn);
/* What took its place is gone: `lsn` counts again. */
NODISCARD err_t state_revive(struct gate *gate, uint64_t lsn);
/* Timers that are due, earliest first, at most `size`. *out_next_us: the first that is not due; INT64_MAX:
 * none. */
NODISCARD err_t timers_due(struct gate *gate, int64_t now_us, uint64_t *out_lsns, size_t size,
                           size_t *out_count, int64_t *out_next_us);

/* --- reshare.c --- */

/* What of the duties outlasts the release, as it stands among a DECIDE's names: "with expire MICROSECONDS",
 * then a limit a line. */
NODISCARD err_t terms_text(const struct gate *gate, const struct policy_duties *duties, unsigned partner,
                           struct arena *arena, struct str *out);
bool terms_is(struct str name);
/* Read back; false: it does not expire. Empty: no limits. */
bool terms_expire(const struct record_decide *decide, const struct record_entry *entry, unsigned partner,
                  int64_t *out_us);
struct str terms_limits(const struct record_decide *decide, const struct record_entry *entry,
                        unsigned partner);
/* Do the lines of `told` say all that these say? */
bool limits_told(struct str limits, struct str told);
/* `peer` gave the OBJ at `lsn` with these limits: they join those that are known. */
NODISCARD err_t reshare_keep(struct gate *gate, const struct gate_peer *peer, const struct stix_key *object,
                             uint64_t lsn, struct str limits, int64_t now_us);
/* Partners to whom all limits let the OBJ go on. */
struct reshare_limit {
    unsigned partner; /* asked about */
    unsigned giver;   /* result: whose line keeps it from him; the first one. line.at NULL: none does */
    struct str line;  /* borrowed until the index changes */
};
NODISCARD err_t reshare_mask(struct gate *gate, const struct policy *policy, const struct stix_key *object,
                             uint64_t lsn, struct reshare_limit *limit, uint64_t *out);

/* --- voucher.c: what an object's origin signed (docs/decisions/0150) --- */
/* It came with the OBJ at `lsn`, of this slot, which is in the open group: is known with it, and what it says
 * of limits binds. */
NODISCARD err_t voucher_take(struct gate *gate, const struct gate_submission *submission,
                             const struct stix_key *object, uint64_t lsn, uint64_t slot, int64_t now_us);
/* ERR_SIGNATURE, with the fault: it came with one that does not verify. */
NODISCARD err_t voucher_judge(const struct gate_submission *submission, struct fault *fault);
/* What came with the OBJ at `lsn`, of this slot; `wire` lives in the arena. ERR_NOTFOUND: nothing did, or it
 * was destroyed with its object. */
NODISCARD err_t voucher_came(struct gate *gate, const struct stix_key *object, uint64_t lsn, uint64_t slot,
                             struct arena *arena, struct gate_voucher *out);
/* Whose signature came with it and was verified then, where the policy asks for that. */
NODISCARD err_t voucher_signer(struct gate *gate, const struct policy *policy, const struct subject *subject,
                               struct arena *arena, struct policy_facts *facts);
/* What goes with the leaf that shows this frame. Empty: nothing. */
NODISCARD err_t voucher_show(struct gate *gate, const struct frame *frame, struct arena *arena,
                             struct gate_leaf *leaf);
/* May this node say that what the frame holds entered here? */
bool voucher_entered_here(const struct gate *gate, const struct frame *frame,
                          const struct record_envelope *envelope);
/* A checkpoint of this ledger may cover so many leaves. */
uint64_t vouched_size(const struct gate *gate, unsigned ledger);
void vouching_close(struct gate *gate);
NODISCARD err_t vouches_load(struct gate *gate); /* who gets them, when opening */
void vouches_apply(struct gate *gate, const struct record_fact *fact);
/* leaf.c: leaves [from, to) whether or not a checkpoint covers them, as gate_leaves shows them. */
NODISCARD err_t leaves_ahead(struct gate *gate, unsigned ledger, uint64_t from, uint64_t to,
                             bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx);

/* --- trail.c: which nodes made an object anew, and what comes round (docs/decisions/0052) --- */
/* Of what is minted without its creator the hops begin there: they would say who made it. */
enum { HOPS_HIDDEN = LIMIT_HOPS / 2 - 1 };
struct mint;
/* Hops that a MINT made of an OBJ with `hops` says: more than there are where they would tell of its creator.
 */
uint8_t trail_hops(const struct mint *mint, uint8_t hops);
/* What goes beside the MINT that is made of the OBJ at `obj`, and says these hops. */
NODISCARD err_t trail_make(struct gate *gate, const struct mint *mint, uint64_t obj, uint8_t hops,
                           uint8_t out[LIMIT_TRAIL_BYTES]);
/* `peer` gave the OBJ at `lsn` with this trail. The first word counts. */
NODISCARD err_t trail_keep(struct gate *gate, const struct gate_peer *peer, const struct stix_key *object,
                           uint64_t lsn, struct bytes trail, int64_t now_us);
/* The trail of an OBJ, copied to the arena; empty: it came with none. `out_ours`: it was made by this node on
 * its way here; may be NULL. */
NODISCARD err_t trail_load(struct gate *gate, const struct stix_key *object, uint64_t lsn,
                           struct arena *arena, struct bytes *out, bool *out_ours);
/* Does it go no further? */
NODISCARD err_t trail_ends(struct gate *gate, const struct subject *subject, struct arena *arena, bool *out);

/* --- leaf.c --- */
/* What all leaves of one entry share. */
struct leaf_ground {
    const struct record_decide *decide;
    size_t entry;
    struct hash content; /* of the entry's OBJ; zero for contentless ops */
    struct seal_secret secret;
    struct str source;
    bool gone; /* ...and with it the secret: salts and commitment stand in the RECALL (destroy.c) */
};
/* `place`: epoch_place of the leaf, of any epoch. */
NODISCARD err_t leaf_salts(const struct gate *gate, const struct seal_secret *secret, unsigned ledger,
                           uint64_t place, struct ledger_salts *out);
/* The leaf that an entry gives to `ledger` as number `seq`. `subject`: seq of the leaf that it is about;
 * LEAF_SUBJECT_NONE. */
NODISCARD err_t leaf_make(const struct gate *gate, const struct leaf_ground *ground, unsigned ledger,
                          uint64_t seq, uint64_t subject, struct leaf *out_leaf,
                          struct leaf_opening *out_opening);
/* Name of the source that brought the OBJ. */
NODISCARD err_t leaf_source(const struct gate *gate, const struct frame *frame, struct str *out);
void decides_close(struct gate *gate);
/* Which leaf the entry's leaf for `partner` is about: the last one that gave him that content before the
 * DECIDE at `decide_lsn`; of recalls that stand together the second is about the one before it, and so on,
 * since a partner may have come no further. LEAF_SUBJECT_NONE: about none. ERR_NOTFOUND. */
NODISCARD err_t leaf_subject(struct gate *gate, const struct leaf_ground *ground, unsigned partner,
                             uint64_t decide_lsn, uint64_t *out_seq);
/* Was the partner told these limits about the OBJ or MINT at `lsn` that he has, by the leaf that brought it
 * or one that narrowed it? ERR_NOTFOUND: he has it not. */
NODISCARD err_t leaf_told_limits(struct gate *gate, uint64_t lsn, unsigned partner, struct str limits,
                                 bool *out);
/* This entry of a DECIDE narrows it for these partners. */
NODISCARD err_t leaf_narrowed(struct gate *gate, const struct record_entry *entry, uint64_t decide_lsn,
                              uint32_t e);
/* An entry whose lsn is what it is about says something about content, and carries none. */
static inline bool entry_contentless(const struct record_entry *entry)
{
    return entry->about == entry->lsn;
}

/* --- ledgers.c --- */
/* Is there such a partner? */
static inline bool ledger_held(const struct gate *gate, unsigned ledger)
{
    return ledger < GATE_LEDGERS && gate_ledger_partner(ledger) < gate->peer_count;
}
NODISCARD err_t view_open(struct gate *gate, unsigned ledger);
/* Another epoch: empty, under its own name. Times go on rising. */
NODISCARD err_t view_renew(struct gate *gate, unsigned ledger);
/* Raises gate_ledger.taken of these partners. */
void views_take(struct gate *gate, uint64_t partners);
void view_close(struct gate *gate, unsigned ledger);
/* Tile files durable, before an index merge: begin takes note of them in the gate's thread, run syncs them in
 * any. Who begins must run, and merge nothing when that fails. */
NODISCARD err_t views_sync_begin(struct gate *gate, struct views_sync *out);
NODISCARD err_t views_sync_run(const struct views_sync *sync);
NODISCARD err_t view_append(struct gate *gate, unsigned ledger, const struct leaf *leaf, size_t object_bytes);
NODISCARD err_t view_save(struct gate *gate, unsigned ledger);
NODISCARD err_t checkpoint_apply(struct gate *gate, uint64_t lsn, const struct record_note *note);
NODISCARD err_t receipt_apply(struct gate *gate, uint64_t lsn, const struct record_note *note);
/* One row a DECIDE and ledger: where its leaves begin, by number and by time. */
NODISCARD err_t view_row_put(struct gate *gate, const struct record_start *start, uint64_t decide_lsn);
/* How many of a ledger's leaves, signed or not, have a later time; the time of one of them. */
NODISCARD err_t view_since(struct gate *gate, unsigned ledger, int64_t after_us, uint64_t *out_count);
/* Bytes of objects in leaves of the DECIDEs since that of this leaf. */
NODISCARD err_t view_bytes_from(struct gate *gate, unsigned ledger, uint64_t seq, uint64_t *out_bytes);
NODISCARD err_t view_time(struct gate *gate, unsigned ledger, uint64_t seq, int64_t *out_us);
/* The row that holds leaf `seq`: the last one that begins at or before it. */
NODISCARD err_t view_row(struct gate *gate, unsigned ledger, uint64_t seq, uint64_t *out_first,
                         uint64_t *out_decide);
void views_publish(struct gate *gate); /* after a commit: signed and durable is visible */
/* --- receive.c --- */
/* Which of our frames holds what a partner's leaf brought. ERR_NOTFOUND. */
/* `place`: epoch_place of the leaf that brought it. */
NODISCARD err_t received_get(struct gate *gate, uint32_t source, uint64_t place, uint64_t *out_lsn);
NODISCARD err_t received_put(struct gate *gate, uint32_t source, uint64_t place, uint64_t lsn);
NODISCARD err_t cursors_load(struct gate *gate);
NODISCARD err_t cursor_apply(struct gate *gate, uint64_t lsn, const struct record_note *note);

/* --- quarantine.c --- */
NODISCARD err_t quarantine_opened(struct gate *gate, uint64_t lsn); /* of a conflict */
/* Keeps what was refused, in one entry or in pieces, unless the same bytes of the same source wait already
 * for the same reason. *out_lsn: the (first) entry; 0: there are no bytes. Opens and commits groups as
 * needed. */
NODISCARD err_t quarantine_keep(struct gate *gate, const struct gate_submission *submission,
                                const struct fault *fault, struct bytes bytes, int64_t now_us,
                                uint64_t *out_lsn);
NODISCARD err_t quarantine_replay(struct gate *gate, const struct frame *frame,
                                  const struct record_envelope *envelope);
NODISCARD err_t quarantine_count(struct gate *gate); /* when opening */
NODISCARD err_t quarantine_closed(struct gate *gate, uint64_t lsn);
NODISCARD err_t quarantine_forget(struct gate *gate, uint64_t lsn); /* its bytes go */
