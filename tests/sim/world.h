/* A world of three nodes, or up to nine, in one process on a virtual clock, network and disks, all of it
 * following from one seed. Nodes are the real gate, server and session of bongsu; the keeper in front of the
 * signing key is the simulator's own, as strict as the real one. Whatever happens is checked at once against
 * an oracle that computes from scratch what may be released. */
#pragma once

#include "disk.h"
#include "draw.h"
#include "gate/gate.h"
#include "reader.h"
#include "sync/cards.h"
#include "sync/serve.h"
#include "sync/session.h"
#include "taxii/server.h"
#include "thing.h"

enum {
    NODES = 3,         /* of a usual life: each is linked with each */
    NODES_MAX = 9,     /* of a life with more (WITH_NODES), linked as drawn */
    SOURCES = 4,       /* local ones; a partner's come after them */
    SOURCES_DRAWN = 3, /* of these; the last one, which nothing is assumed of, says only what twins add */
    MESSAGES_MAX = 512,
    KEPT_MAX = 2 * LIMIT_SYNC_WAITING * NODES_MAX * NODES_MAX, /* of both ledgers of each partner */
    LEDGER_MAX = 4096,
    HELD_MAX = 4096,
    SIGNED_MAX = 4096,
    PASSED_MAX = 4096,
    THIRD = 3, /* whose part the others do not have, in a life with colluders */
    TRANSCRIPT_MAX = 16384,
    BROKEN_SIZE = 512,
    SWEEP_OPS = 16,     /* of a life in which one call fails */
    RECALL_BUDGET = 12, /* objects a day by the word of one: few, so that some wait for two */
};

#define SECOND_US     INT64_C(1000000)
#define MINUTE_US     (60 * SECOND_US)
#define WORLD_START   INT64_C(1800000000000000)
#define YEAR_US       (INT64_C(365) * 24 * 60 * MINUTE_US)
#define NEVER         INT64_MAX
/* Of lives in which some rules wait for a time. */
#define EMBARGO_UNTIL (WORLD_START + 36 * 60 * MINUTE_US)
#define SEALED_UNTIL  (WORLD_START + 60 * 60 * MINUTE_US)

/* What is planted, to see that the simulator finds it. name, in words */
#define BUG_LIST(X)                                                                                          \
    X(KEEPS_DENIED, "keeps-denied", "what a new fact denies stays where it is")                              \
    X(NO_SYNC, "no-sync", "fdatasync is left out")                                                           \
    X(DECIDE_TWICE, "decide-twice", "a restart forgets how far the log was decided")                         \
    X(EARLY_RELEASE, "early-release", "leaves are shown before their checkpoint is durable")                 \
    X(NODE_DATE, "node-date", "releases are dated by a clock of the whole node, not of the view")            \
    X(BLIND_CLOSURE, "blind-closure", "the closure does not see references in one property")                 \
    X(NEXT_SKIPS, "next-skips", "the next of a TAXII page leaves one object out")                            \
    X(NEWEST_PAGE, "newest-page", "a TAXII page shows the newest copy that is held, released or not")        \
    X(STATUS_COUNT, "status-count", "the id of a TAXII status counts what the node holds")                   \
    X(CUT_COUNT, "cut-count", "the time of what is minted counts the members that were taken out")           \
    X(CUT_LESS, "cut-less", "of what is to be taken out the first stays")                                    \
    X(FORGETS_ONE, "forgets-one", "a recall tells one partner less")                                         \
    X(SAYS_DONE, "says-done", "a recall is answered, and nothing destroyed")                                 \
    X(FORGETS_RECALL, "forgets-recall", "a restart forgets what is called back")                             \
    X(TAKES_AGAIN, "takes-again", "what was called back is taken in again")                                  \
    X(CALLED_BACK, "called-back", "a leaf that was called back is given with its content")                   \
    X(OVERTAKEN, "overtaken", "what was called back before it came is taken in when it comes")               \
    X(UNTOLD, "untold", "the urgent ledger is followed, and what stands in it is passed over")               \
    X(NO_FLOOR, "no-floor", "a keeper that lost its anchor signs on")                                        \
    X(NO_HALT, "no-halt", "a link does not stand still when its issuer has forgotten something")             \
    X(ANY_EPOCH, "any-epoch", "another epoch is followed without anybody's word")                            \
    X(UNHEARD, "unheard", "nobody looks whether a write or a sync failed")                                   \
    X(TIME_AGAIN, "time-again", "a link waits until a clock that was set back has been there again")         \
    X(THIRD_PARTNER, "third-partner", "the third partner and those after it get what the second may have")   \
    X(NO_ROOM, "no-room", "a TAXII server short of memory says that nothing is there")                       \
    X(SECOND_PAST, "second-past", "consistency of checkpoints is not looked at")                             \
    X(ANY_SIGNATURE, "any-signature", "a note counts as signed, whoever signed it")                          \
    X(ANY_OPENING, "any-opening", "what comes with a leaf is taken for what it commits to")                  \
    X(NO_ALARM, "no-alarm", "a link that would stop waits a moment and goes on")                             \
    X(ANY_RECEIPT, "any-receipt", "a receipt is kept whatever it is about")                                  \
    X(MADE_ALIKE, "made-alike", "what is minted has one identifier for all partners")                        \
    X(OTHERS_DATE, "others-date", "releases are dated by a clock that ticks with everybody's leaves")        \
    X(OLD_KEY, "old-key", "a newer card of a partner changes nothing for who asks")                          \
    X(TIME_FLIES, "time-flies", "time lets go by a clock that nobody believes")                              \
    X(STAYS_UNSURE, "stays-unsure", "a clock that is believed again lets nothing be decided again")          \
    X(NO_ORDER, "no-order", "retention forgets the words that an order keeps")                               \
    X(ANY_VOUCHER, "any-voucher", "what stands as its origin's signature is taken for that")                 \
    X(NO_VOUCHER, "no-voucher", "a checkpoint covers leaves that their origin has not signed yet")           \
    X(UNBOUND, "unbound", "what its origin says of an object binds nobody behind the next node")             \
    X(FORGETS_LESS, "forgets-less", "of what retention destroys the last entry stays")

/* Bugs of the gate, of sync and of TAXII that the guard alone has to hold, before anybody gets an answer:
 * while one is planted the oracle and the readers are not heard (plant_gate.c). */
#define GATE_BUG_LIST(X)                                                                                     \
    X(MEMBERS, "members", "the closure does not see the members of reports and notes")                       \
    X(ENDS, "ends", "the closure does not see the ends of relationships")                                    \
    X(OTHERS, "others", "the closure does not see references in properties of no standard")                  \
    X(CREATORS, "creators", "the closure does not see who made an object")                                   \
    X(LAST_NEED, "last-need", "the closure forgets the last reference of each object")                       \
    X(HELD_BY_ALL, "held-by-all", "what one partner has counts as had by each")                              \
    X(GRANULAR, "granular", "granular markings are not read")                                                \
    X(OLD_RED, "old-red", "TLP:RED by its identifier of TLP 1.0 is taken for CLEAR")                         \
    X(DENY_ONE, "deny-one", "what is denied to one partner is released to it")                               \
    X(TLP_MAX, "tlp-max", "a partner's own ceiling is ignored")                                              \
    X(VERDICT_ROW, "verdict-row", "the verdicts of two partners are exchanged")                              \
    X(KEEPS_ALL, "keeps-all", "the activation of a policy takes nothing back")                               \
    X(ENDED, "ended", "a leaf whose time is over is given with its content")                                 \
    X(VIEW_ROW, "view-row", "a TAXII collection shows another partner's view")                               \
    X(NEWEST_VIEW, "newest-view", "a TAXII page shows the newest copy that is held")                         \
    X(FEED_ROW, "feed-row", "a page of the feed is made for whoever asked before")                           \
    X(OPENING, "opening", "a leaf is given with the opening of the one before it")                           \
    X(BYTES, "bytes", "a leaf is given with the bytes of the one before it")                                 \
    X(COUNT, "count", "a page of the feed says that it has one leaf less")                                   \
    X(LEDGER_ROW, "ledger-row", "a page has another ledger's leaves under its own checkpoint")               \
    X(TELLING, "telling", "what is not found is answered with the identifier of something else")             \
    X(NO_RENAME, "no-rename", "what is minted goes on naming what others were minted of")                    \
    X(CUT_MARKED, "cut-marked", "what a granular marking keeps here is not taken out")

enum bug {
    BUG_NONE,
#define X(name, word, text) BUG_##name,
    BUG_LIST(X)
#undef X
        BUGS_OF_ANY, /* from here on the guard's alone */
    BUG_BEFORE_GATE = BUGS_OF_ANY - 1,
#define X(name, word, text) BUG_GATE_##name,
    GATE_BUG_LIST(X)
#undef X
        BUGS
};

/* One leaf as a partner saw it first. */
struct seen {
    const struct thing *thing;  /* NULL: no content, or minted */
    const struct thing *source; /* of what was minted, where it says so */
    enum leaf_op op;
    uint64_t subject;
    int64_t time_us;
    struct hash leaf;
    struct hash made;   /* id of what the node made anew for this partner; zero: it did not */
    uint16_t kept_from; /* nodes that what its origin signed keeps it from */
    bool ends;          /* a leaf that was not looked at yet takes its content back */
    bool called;        /* a leaf of the urgent ledger beside calls it back */
};

struct seen_ledger {
    struct seen *at;
    size_t count;
};

enum { ANSWERED_ASKING = 1, ANSWERED_OWN_AMBER = 2, ANSWERED_LATE = 4 };

/* A copy that a node holds durably. */
struct held {
    const struct thing *thing;
    uint64_t lsn;
    bool gone;     /* it was called back */
    bool unsaid;   /* by who brought it, while others said it */
    bool unsure;   /* or not: handed in by the partner's people, and perhaps by his ledger too */
    uint64_t leaf; /* 1 + number of the partner's leaf that brought it */
    int64_t received_us;
    int64_t earliest_us; /* of the times that the node decided at since it came */
    uint16_t source, owner;
    bool assertion, quarantined;
    bool told; /* its origin said that it is no longer current */
    bool denied[NODES_MAX];
    uint8_t answered[NODES_MAX]; /* ANSWERED_...: rules that an operator's word answered */
};

/* That a source brought this: an object, a report of one, a conflict. */
struct brought {
    const struct thing *thing;
    uint64_t lsn;  /* of the object, also of a report */
    uint64_t leaf; /* 1 + its number, of a partner's; 0: handed in otherwise */
    uint32_t source;
};

/* What recall.c knows of one node. */
struct recalls {
    struct brought *brought; /* in order */
    size_t brought_count;
    struct brought *stones; /* what may not come again; lsn: from where on */
    size_t stone_count;
    struct called {
        const struct thing *thing;
        bool sure;              /* no other copy of it can have been shown instead */
        size_t seen[NODES_MAX]; /* leaves that each partner was shown before */
    } * called;
    size_t called_count;
    int64_t again_at_us; /* what is to be destroyed could not be */
};

/* A time that something is decided at, by the node's clock, and what that clock is believed to show: less,
 * when it stands more than a day ahead of what an operator or a run of the retention last knew. */
struct moment {
    int64_t now_us, believed_us;
};

/* What keep.c knows of one node. */
enum { MOMENTS_MAX = 64 };
struct keeping {
    unsigned quarantine_days, evidence_days; /* 0: no end */
    int64_t next_us;                         /* of the world: the next run */
    int64_t run_us, tried_us; /* the last run, or confirmation, that stands in the log; one that may */
    bool confirms;            /* its operator looks at the clock when all is over */
    bool ordered[THING_TARGETS];
    struct said { /* words about something; sure: they stand in the log before lsn */
        uint16_t target;
        int64_t day_us;
        uint64_t lsn;
        bool sure;
    } * said;
    struct closed { /* an entry of the quarantine, before lsn; or perhaps */
        uint64_t entry, lsn;
        bool sure;
    } * closed;
    struct kept_run {
        int64_t at_us;
        uint64_t lsn;
        bool done; /* to its end */
        bool ordered[THING_TARGETS];
    } * runs;
    size_t said_count, closed_count, run_count;
    struct moment moments[MOMENTS_MAX]; /* of what was decided, and nobody looked at yet */
    size_t moment_count;
};

/* Of a node that went on from a backup; restore.c. */
struct restores {
    struct disk *backup; /* NULL: there is none */
    bool waits;          /* for its operator to begin anew */
    bool pause;          /* its partners are to be paused before it serves anybody */
    bool silent;         /* its keeper has no anchor, and signs nothing */
    uint32_t floor;      /* ...had none: the first epoch that it signs, which its next anchor says */
    uint32_t epoch;      /* the last one that anybody ever opened here */
};

/* The epoch of a partner's ledger that is followed, and the one that operators agreed to. */
struct followed {
    uint32_t epoch, agreed;
    bool held; /* something of it */
};

struct signed_root {
    unsigned to; /* a node; its urgent ledger: gate_urgent of that */
    uint32_t epoch;
    uint64_t size;
    struct hash root;
};

/* The default policy; one that keeps GREEN here; one that lets GREEN go only when an operator says so; one by
 * which the next node may have nothing above CLEAR. */
enum world_policy { POLICY_USUAL, POLICY_NARROW, POLICY_ASKING, POLICY_CEILING, POLICIES };

struct operation; /* op.c */

/* Of a node's allocations; memory.c. */
struct memory {
    uint64_t taken; /* so far */
    uint64_t fails; /* the n-th from now on gets nothing; 0: none */
    bool stays;     /* ...and all after it */
    bool struck;    /* that happened, since it was started */
    bool ever;
};

struct node {
    struct world *world;
    unsigned number;
    const char *name;
    struct disk *disk;
    struct index *index;
    struct sign_key keys[SYNC_CARD_KEYS];
    struct sync_card card;
    struct buf card_text;
    struct sync_own own;           /* after it changed its keys */
    struct sign_public reader_key; /* of its people's certificates */

    struct diag diag;
    struct gate *gate; /* NULL: down */
    struct sync_serve *serve;
    struct sync_session *session[NODES_MAX];
    struct taxii *taxii;
    struct draw taxii_draw;
    unsigned partner[NODES_MAX]; /* index in the gate */
    bool set_up;
    bool open; /* with all its links */
    bool links_started[NODES_MAX];
    int64_t up_at;        /* when down */
    int64_t wake_at;      /* when up */
    int64_t clock_off_us; /* its clock, before the world's */
    int64_t drift;        /* ...and by how much more each second */
    int64_t sign_again_at;
    int64_t restart_at; /* its disk failed: until then it serves what is durable; NEVER: all is well */
    uint32_t source[SOURCES];
    struct draw crash_draw, keeper_draw;

    /* What outlives a crash and nobody may take back. */
    uint64_t acknowledged_lsn;
    struct signed_root *roots; /* all that it ever signed */
    size_t root_count;
    size_t anchor_from; /* from here on the keeper remembers them */
    int64_t clock_us;   /* BUG_NODE_DATE */

    /* The operators' wishes: stated until done. */
    enum stix_tlp assume[SOURCES];
    bool tagged[THING_TARGETS][NODES_MAX];
    int64_t settled_us[THING_TARGETS];
    enum stix_tlp classified[THING_TARGETS];
    uint32_t home[THING_TARGETS]; /* source that an identity is bound to; 0: none */
    enum world_policy policy;
    bool stop_all, stop_source[SOURCES], stop_partner[NODES_MAX];
    bool want_started[NODES_MAX], want_history[NODES_MAX];
    struct operation *pending;

    /* The oracle's view of the node. */
    struct held *held;
    size_t held_count;
    uint64_t held_from;          /* next lsn to look at */
    uint64_t taken[NODES_MAX];   /* leaves taken over from each partner */
    uint64_t decided[NODES_MAX]; /* leaves of each ledger, shown or not, when somebody last looked */
    uint16_t *reported;          /* [thing] partners that sent it, by node */
    uint16_t *counted; /* ...and whose copy is not kept in quarantine: it says that they have the object */
    uint16_t *allowed; /* [thing] nodes that were allowed to have it at some time */
    struct seen_ledger ledger[NODES_MAX], urgent[NODES_MAX];
    uint64_t taken_urgent[NODES_MAX]; /* as taken[], of the urgent ledgers */
    struct recalls recalls;
    struct keeping keeping;
    struct restores restores;
    struct memory memory;
    struct followed followed[NODES_MAX];
    bool vouches[NODES_MAX]; /* gives what origins signed, of leaves from */
    uint64_t vouches_from[NODES_MAX];
    bool refused_false, told_false; /* something came that its origin did not sign */
    struct hash *passed;            /* what partners made and this node holds */
    size_t passed_count;
    bool forgetful; /* went on from a backup: the oracle knows nothing of it any more */
    bool old;       /* its program speaks version 1 alone, until somebody upgrades it */
    bool changed;
    unsigned crashes;
    struct reader reader[NODES_MAX]; /* people of that partner */
    struct guard *guard;
};

struct message {
    int64_t at_us;
    uint64_t order;
    unsigned from, to;
    bool answer;
    uint64_t client_id;
    enum exchange_method method;
    unsigned status;
    bool second_past; /* signed, and contradicting what was signed before */
    char path[64], query[256];
    struct buf body;
};

/* A partner that lies; liar.c. */
enum { LIAR_KEPT = 24 };
struct liar {
    struct draw draw;
    unsigned number, ops_left; /* it begins when no more than these are left */
    struct liar_kept {
        unsigned to;
        char path[64];
        struct buf body;
    } kept[LIAR_KEPT]; /* what it once said */
    size_t kept_count, kept_next;
    uint64_t told;
    bool may_stop[NODES_MAX]; /* it told them what stops a link by right */
    bool stopped[NODES_MAX];
    uint64_t stopped_at[NODES_MAX]; /* leaves verified then */
};

/* Somebody who has a key of a node; thief.c. */
struct thief {
    struct draw draw;
    unsigned victim, ops_left; /* who changes its keys when no more than these are left */
    enum sync_card_key which;
    struct sign_key key;
    bool over; /* it has */
};

struct kept_request { /* a long poll: whose */
    uint64_t server_id, client_id;
    unsigned client, server;
    char path[64];
};

struct transcript {
    struct {
        uint64_t digest;
        int64_t at_us;
    } * at;
    size_t count;
    struct hash hash;
};

/* What a life has besides the usual. name, in a word, which of 64 seeds */
#define EVERY_16(seed) (UINT64_C(0x0001000100010001) << (seed))
#define WITH_LIST(X)                                                                                         \
    X(RECALLS, "recalls", EVERY_16(3) | EVERY_16(11))                                                        \
    X(RESTORES, "restores", EVERY_16(7) | EVERY_16(15))                                                      \
    X(DISKS, "disks", EVERY_16(5) | EVERY_16(13))                                                            \
    X(CLOCKS, "clocks", EVERY_16(9))                                                                         \
    X(RETENTION, "retention", EVERY_16(9) | UINT64_C(1) << 29 | UINT64_C(1) << 46)                           \
    X(VOUCHERS, "vouchers", UINT64_C(1) << 6 | UINT64_C(1) << 37 | UINT64_C(1) << 54)                        \
    X(NODES, "nodes", UINT64_C(1) << 17 | UINT64_C(1) << 18)                                                 \
    X(MEMORY, "memory", UINT64_C(1) << 26 | UINT64_C(1) << 33)                                               \
    X(LIARS, "liars", UINT64_C(1) << 1 | UINT64_C(1) << 10 | UINT64_C(1) << 34 | UINT64_C(1) << 49)          \
    X(COLLUDERS, "colluders", UINT64_C(1) << 2 | UINT64_C(1) << 42)                                          \
    X(THIEVES, "thieves", UINT64_C(1) << 50 | UINT64_C(1) << 56)

enum with_bit {
#define X(name, word, seeds) WITH_BIT_##name,
    WITH_LIST(X)
#undef X
        WITH_BITS
};
enum with {
#define X(name, word, seeds) WITH_##name = 1 << WITH_BIT_##name,
    WITH_LIST(X)
#undef X
};

struct world_options {
    uint64_t seed;
    enum bug bug;
    bool verbose;
    bool twin;     /* as twins run: node 0 does not crash, secrets are all alike */
    bool extras;   /* the second of two twins: node 0 is fed more, which nobody may ever get */
    bool duties;   /* two of the policies have duties, and objects have parts that stay: much leaves minted */
    unsigned with; /* WITH_...: what the life has besides */
    uint64_t
        sweep; /* a short life, in which this change of node 0's disk fails, counted from its birth; 0: no */
    err_t sweep_err;
    bool sweep_memory; /* ...or this allocation of node 0, and by sweep_stays all after it */
    bool sweep_stays;
};

struct world {
    struct world_options options;
    int64_t now_us;
    struct things things;
    struct node nodes[NODES_MAX];
    unsigned node_count;
    bool linked[NODES_MAX][NODES_MAX]; /* are partners */
    struct draw op_draw, extra_draw, ask_draw, fault_draw, keep_draw, vouch_draw;
    unsigned ops_left;
    int64_t next_op_at;

    struct message *messages;
    size_t message_count;
    uint64_t message_orders, server_ids;
    uint64_t sent[NODES_MAX][NODES_MAX];
    struct kept_request kept[KEPT_MAX];
    unsigned lost, repeated; /* of 1,000 */
    int64_t jitter_us;
    bool cut[NODES_MAX][NODES_MAX];
    struct transcript transcript[NODES_MAX]; /* what node 0 said to each */

    struct vouched *vouched; /* vouch.c */
    size_t vouched_count;
    struct liar liar;
    struct thief thief;
    bool restored; /* somebody went on from a backup */
    bool jumped;   /* somebody's clock was years off */
    bool broken;
    char broken_what[BROKEN_SIZE];
    const char *held_by; /* the guard's rule, when it was the guard that broke it; NULL: not */
    uint64_t unheard;    /* world_blame, while the guard is alone */
    struct {
        uint64_t fed, leaves, minted, crashes, messages, syncs, asks, failures, forgotten, vouched, bent;
    } counts;
};

/* Runs a whole life. False when an invariant broke; world->broken_what says which. */
bool world_run(struct world *world, const struct world_options *options);
void world_deinit(struct world *world);

/* The first one counts. */
void world_break(struct world *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same by who knows exactly what should leave, byte for byte: not heard where the guard is alone, nor
 * where objects are minted or called back. */
void world_blame(struct world *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline bool guard_is_alone(const struct world *world)
{
    return world->options.bug > BUG_BEFORE_GATE;
}
static inline bool world_has(const struct world *world, unsigned with)
{
    return (world->options.with & with) != 0;
}
/* Who has an object is told how far it may go on: what goes on then the exact oracle does not know. */
static inline bool world_is_limited(const struct world *world)
{
    return world_has(world, WITH_VOUCHERS) && world->options.seed / 2 % 2 == 1;
}
static inline bool world_is_exact(const struct world *world)
{
    return !guard_is_alone(world) && !world->options.duties && !world_has(world, WITH_RECALLS) &&
           !world->restored && !world_is_limited(world);
}
/* Some of its rules wait for a time, and its clocks jump. */
static inline bool world_is_timed(const struct world *world)
{
    return world_has(world, WITH_RETENTION);
}
void world_say(const struct world *world, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str world_policy(const struct node *node, enum world_policy which);

static inline bool world_linked(const struct world *world, unsigned a, unsigned b)
{
    return world->linked[a][b];
}
/* Who is linked with `number`, the one after it first; 0 is always somebody. */
unsigned world_partner_count(const struct world *world, unsigned number);
unsigned world_partner(const struct world *world, unsigned number, unsigned which);

static inline int64_t node_now(const struct node *node)
{
    const int64_t now_us = node->world->now_us;
    return now_us + node->clock_off_us + (now_us - WORLD_START) / SECOND_US * node->drift;
}

/* --- node.c --- */
void node_init(struct world *world, unsigned number);
void node_deinit(struct node *node);
void node_start(struct node *node); /* opens, or stays down when its disk fails */
void node_crash(struct node *node, int64_t down_us);
/* Goes down, and comes up with this disk and no index. */
void node_replace(struct node *node, struct disk *disk);
/* Works until there is nothing to do now. */
void node_pump(struct node *node);
/* True when `err` is a dying disk: the node has crashed then, or, where the disk failed it and goes on, waits
 * for its restart. Any other error breaks the world. */
bool node_failed(struct node *node, err_t err, const char *what);
err_t node_commit(struct node *node);
/* A clock that is set, or runs wrong, drawn; true: it is. */
bool node_clock_jumps(struct world *world, struct node *node);
/* A disk that fails now and then, drawn; true: it will. */
bool node_disk_fails(struct world *world, struct node *node);
void node_heal(struct node *node);
static inline bool node_is_up(const struct node *node)
{
    return node->gate != NULL;
}

/* Its disk failed: nothing is taken in until it is started again. */
static inline bool node_stands_still(const struct node *node)
{
    return node->restart_at != NEVER;
}

/* One node, two or all of them: what one made anew comes round to whoever did so before. */
static inline bool node_has_duties(const struct node *node, enum world_policy which)
{
    const struct world_options *options = &node->world->options;
    return options->duties && node->number <= options->seed / 2 % node->world->node_count &&
           (which == POLICY_NARROW || which == POLICY_ASKING);
}

/* Whom POLICY_CEILING is about. */
static inline unsigned node_ceiling(const struct node *node)
{
    return world_partner(node->world, node->number, 0);
}

/* --- net.c --- */
void net_send(struct node *node, unsigned to, const struct sync_send *send);
void net_late_answers(struct node *node);
void net_deliver(struct world *world);
int64_t net_next(const struct world *world);
/* What `to` gets to see of node 0. */
void transcript_note(struct world *world, unsigned to, const struct exchange_response *response);
/* A node that goes down forgets what it was asked. */
void net_forget(struct world *world, unsigned node);

/* --- watch.c --- */
/* The guard's look at an answer that goes to somebody of node `who`; what it holds breaks the world. */
void watch_answer(struct node *node, unsigned who, const struct exchange_request *request,
                  const struct exchange_response *response);
void watch_end(struct node *node);

/* --- op.c --- */
void op_draw(struct world *world);
void op_retry(struct node *node);
void op_drop(struct node *node);
/* That somebody speaks of. */
const struct thing *op_thing(struct world *world, struct draw *draw, enum thing_parts parts);

/* --- oracle.c --- */
void oracle_look(struct node *node);
/* At the end: everything that may be released was, and everybody holds what was released to them. */
void oracle_settled(struct world *world);

/* --- recall.c: what is called back, from whom, and that it is gone --- */
enum recall_by { RECALL_ID, RECALL_SOURCE, RECALL_TIME, RECALL_WAYS };
struct recall_word {
    enum recall_by by;
    uint16_t target;
    uint32_t source;
    int64_t since_us;
};
void recalls_init(struct recalls *recalls);
void recalls_deinit(struct recalls *recalls);
/* What an operator could call back; false: nothing is held. */
bool recall_draw(const struct node *node, struct draw *draw, struct recall_word *out);
NODISCARD err_t recall_say(struct node *node, const struct recall_word *word);
/* He said so, and it is durable. */
void recall_said(struct node *node, const struct recall_word *word);
/* Two officers agree to all that waits for them. */
NODISCARD err_t recall_confirm(struct node *node);
/* Destroys what can be. False: the node went down. */
bool recall_work(struct node *node, bool *out_did);
/* The oracle met this object, or report, in the log. */
void recall_brought(struct node *node, const struct gate_object *object, const struct thing *thing);
/* A leaf by which `from` calls back what it had shown as leaf `subject` was taken over; what leaves before
 * `end` brought of it goes. */
void recall_taken(struct node *node, unsigned from, uint64_t subject, uint64_t end);
bool recall_bars(const struct node *node, uint32_t source, const struct thing *thing);
/* An answer that goes out holds nothing that was called back. */
void recall_watch(struct node *node, struct bytes body);
bool recall_in_step(const struct node *node);
void recall_settled(struct node *node);
/* The keeper's part. */
void recall_answer(struct node *node, struct sync_session *session, const struct sync_recall_done *done);

/* --- urgent.c: recalls that overtake --- */
/* A hello of whoever has, or asks, a program that knows nothing of urgent ledgers. */
void recall_speak(const struct world *world, const struct message *message, struct buf *body);
/* Was leaf `leaf` called back before it was here? */
bool recall_came_before(const struct node *node, unsigned from, uint64_t leaf);
/* What the urgent ledgers show, and what was taken over from them. */
void recall_look(struct node *node, unsigned to);
void recall_arrivals(struct node *node, unsigned from);
/* The oracle met leaf `leaf` of the main ledger. */
void recall_shown(struct node *node, unsigned to, size_t leaf);
/* What is shown in the urgent ledgers is there after a crash, and is the same after replay. */
void recall_nothing_lost(struct node *node, unsigned to);
void recall_compare(struct node *node, unsigned to);
/* Has `to` all of it, and said so? */
bool recall_pair_in_step(const struct node *issuer, const struct node *follower);

/* --- keep.c: retention, orders to keep, and clocks that nobody believes --- */
void keep_init(struct node *node);
void keep_deinit(struct node *node);
/* Now. */
struct moment keep_moment(const struct node *node);
/* When the gate last ran, or was told the time: what a crash left of it. */
void keep_learn(struct node *node);
void keep_step(struct node *node);
/* A run, when one is due. False: the node went down. */
bool keep_turn(struct node *node);
/* What an operator could say of it, drawn. */
void keep_draw(const struct node *node, struct draw *draw, bool *out_order, bool *out_confirm);
NODISCARD err_t keep_order(struct node *node, uint16_t target, bool on, const struct gate_by *by);
void keep_ordered(struct node *node, uint16_t target, bool on);
NODISCARD err_t keep_confirm(struct node *node);
/* At the end, where somebody looks at the clock. False: the node went down. */
bool keep_finish(struct node *node);
/* Somebody is about to say something of it; he did, and the log was no longer than `before`. */
void keep_says(struct node *node, uint16_t target);
void keep_said(struct node *node, uint16_t target, uint64_t before);
void keep_closes(struct node *node, uint64_t entry, bool sure);
void keep_settled(struct node *node);

/* --- vouch.c: what origins sign --- */
void vouch_init(struct world *world);
void vouch_deinit(struct world *world);
/* From now on `to` gets it. */
NODISCARD err_t vouch_say(struct node *node, unsigned to, const struct gate_by *by);
void vouch_said(struct node *node, unsigned to);
/* The keeper's part. False: the node went down. */
bool vouch_sign(struct node *node, unsigned to, bool fails);
/* The oracle met this leaf. */
void vouch_shown(struct node *node, unsigned to, const struct gate_leaf *leaf, struct seen *seen);
/* A message that is on its way. */
void vouch_bend(struct world *world, struct message *message);
/* May this be refused, right as it is? It was. */
bool vouch_may_refuse(const struct node *node, struct bytes text);
void vouch_refused(struct node *node);
void vouch_settled(struct node *node);

/* --- liar.c: a partner that lies --- */
void liar_init(struct world *world);
void liar_deinit(struct world *world);
/* A message that is on its way; `path`: what it answers. */
void liar_answers(struct world *world, struct message *message, const char *path);
void liar_asks(struct world *world, struct message *message);
void liar_heard(struct node *node, const struct message *message, const struct sync_status *before);
void liar_stopped(struct node *node, unsigned issuer, const struct sync_status *status);
bool liar_stands_still(const struct node *node, unsigned issuer);
bool liar_about(const struct world *world, unsigned a, unsigned b);
void liar_brought(struct node *node, uint64_t leaf, uint32_t source, const struct thing *thing);
void liar_compare(struct world *world);
void liar_heal(struct world *world);
void liar_settled(struct world *world);

/* --- collude.c: partners who pool what they got --- */
void collude_held(struct node *node, const struct gate_object *object);
void collude_shown(const struct node *node, const struct gate_leaf *leaf, struct seen *seen);
void collude_settled(struct world *world);

/* --- thief.c: stolen keys --- */
void thief_init(struct world *world);
void thief_deinit(struct node *node);
void thief_turn(struct world *world);
/* After a start: what an operator added may have been lost with a crash. */
void thief_card_again(struct node *node);
void thief_settled(struct world *world);

/* --- memory.c: allocations that fail --- */
/* From now on what is allocated is that node's; NULL: the simulator's own. Gives who it was before. */
struct node *memory_of(struct node *node);
/* Blocks of all that were taken and not given back. */
size_t memory_outstanding(void);
/* A node's memory that runs out, drawn; true: it will. */
bool memory_draw(struct world *world, struct node *node);
void memory_heal(struct node *node);

/* --- restore.c: backups that come back, and the epochs after them --- */
void restores_deinit(struct node *node);
/* What happens of it, drawn; true: something did. */
bool restore_draw(struct world *world, struct node *node);
NODISCARD err_t restore_start(struct node *node);
/* Operators at both ends begin anew what can be. */
void restore_mend(struct world *world);
void restore_look(struct node *node, unsigned issuer);
/* When all can hear each other, and nobody has mended anything. */
void restore_found_out(struct world *world);
void restore_settled(struct world *world);

/* --- replay.c --- */
/* The log of a node, read beside it. */
struct log {
    struct index *index;
    struct store *store;
};
NODISCARD err_t log_open(struct node *node, struct log *out);
void log_close(struct log *log);
/* Reads the log by itself: positions are decided once, no content has two leaves in one ledger, nothing goes
 * back. Then lets the gate replay from nothing and compares. The node must be up; it is restarted. */
void replay_check(struct node *node);

/* --- plant.c, plant_gate.c --- */
void plant(enum bug bug);
enum bug planted(void);
/* References that are not seen; NULL: all are. */
bool (*plant_gate(enum bug bug))(const struct stix_ref *ref);
