/* Every maximum in bongsu, with its reason. A bound that lives anywhere else is a bug. Grouped by room. */
#pragma once

/* A table to which every room adds rows: aligning it anew would touch all of them. */
/* clang-format off */

#include <stdint.h>

/* --- objects --- */
#define LIMIT_OBJECT_BYTES    (2u << 20) /* largest object: DESIGN 4 step 8; half of the largest group */
#define LIMIT_JSON_DEPTH      64         /* deepest real object seen is 14; deeper is an attack on stacks */
#define LIMIT_ID_BYTES        300 /* type (at most 250: STIX 2.1 section 3.1), "--", 36 of UUID; in all */
#define LIMIT_REFS_PER_OBJECT 16384 /* largest real report names about 6,000; bounds the closure's walk */
#define LIMIT_BATCH_BYTES     (4u << 20) /* one group's payload: DESIGN 4 step 2 */
#define LIMIT_BATCH_OBJECTS   4096       /* keeps the tables of one batch in cache; 1,000 is the usual page */

/* --- partners --- */
#define LIMIT_PARTNERS   64 /* one word of masks per object; the widening is one more word */
#define LIMIT_EPOCH      ((1u << 23) - 1) /* of a ledger: 64 bits name a leaf of any epoch (gate/epoch.h) */
#define LIMIT_NAME_BYTES 64 /* node, partner, source and rule names: they stand in URLs and key names */

/* --- channels between roles --- */
#define LIMIT_RING_BYTES (64u << 20) /* one way: a whole gathered body fits; the usual size is 8 MiB */

/* --- network --- */
#define LIMIT_NET_BACKLOG         511         /* connections the system may hold for us */
#define LIMIT_NET_CONNECTIONS     4096        /* 64 partners with a few links each, and TAXII readers */
#define LIMIT_NET_ACCEPTS_TURN    16          /* of 30 us: then those who are in have their turn */
#define LIMIT_NET_STRANGERS_US    500         /* of a turn, for all who were not served yet */
#define LIMIT_NET_WRITE_TURN      (1u << 20)  /* then the next connection has its turn */
#define LIMIT_NET_UNSENT_BYTES    (256 << 10) /* that the system takes ahead of the wire, of one connection */
#define LIMIT_NET_PART_BYTES      (64u << 10) /* a plain write of what fits: measured, docs/performance.md */
#define LIMIT_HTTP_HEAD_BYTES     (16u << 10) /* request line and fields; clients stay below 8 KiB */
#define LIMIT_HTTP_METHOD_BYTES   32          /* the longest registered method has 17 */
#define LIMIT_HTTP_TARGET_BYTES   8192        /* RFC 9112 section 3 asks for 8,000 at least */
#define LIMIT_HTTP_FIELDS         64          /* a browser sends about 20 */
#define LIMIT_HTTP_BODY_BYTES     (64u << 20) /* largest body a route may ask to have gathered */
#define LIMIT_HTTP_INPUT_BYTES    (64u << 10) /* read ahead of the request in hand: bounds pipelining */
#define LIMIT_HTTP_CAPTURES       4           /* wildcards in one path pattern; TAXII needs 3 */
#define LIMIT_HTTP_ROUTES         256         /* rows of one server's table */
#define LIMIT_HTTP_HEAD_MS        10000       /* handshake and head in all */
#define LIMIT_HTTP_IDLE_MS        60000       /* kept open between requests; a node polls sooner */
#define LIMIT_HTTP_STALL_MS       10000       /* a body or an answer moves so much in it: */
#define LIMIT_HTTP_STALL_BYTES    4096        /* about 3 kbit/s: below any link a node is run over */
#define LIMIT_HTTP_STOP_MS        1500        /* what is in flight may finish; the program stops within 2 s */
#define LIMIT_HTTP_HELD_BYTES     (256u << 20) /* bodies coming in, copied answers, streams */
#define LIMIT_HTTP2_STREAMS       100          /* side by side; RFC 9113 section 6.5.2 asks for 100 */
#define LIMIT_HTTP2_STREAM_BYTES   (8u << 10)   /* what an open stream takes beside its body */
#define LIMIT_HTTP2_WINDOW_BYTES  (256 << 10)  /* of one upload; over a satellite link some 3 Mbit/s */
#define LIMIT_HTTP2_CONNECTION_BYTES (1 << 20) /* of all uploads of one connection */
#define LIMIT_HTTP2_SETTINGS      16           /* entries of one SETTINGS frame; clients send six */
#define LIMIT_HTTP2_ACKS          100          /* of settings and pings that wait for a client to read them */
#define LIMIT_HTTP2_CALM          1000         /* frames without work; a client opens with about five */
#define LIMIT_HTTP2_CALM_S        100          /* more of them a second */
#define LIMIT_HTTP2_DATA_EARNS    4            /* more for a piece of data: window updates follow it */
#define LIMIT_HTTP2_RESET_PRICE   10           /* of a reset: 100 at once, 10 a second (CVE-2023-44487) */
#define LIMIT_HTTP2_BOMB_BYTES    (64u << 10) /* a head, unpacked: above the limit 431, above this a reset */
#define LIMIT_HTTP2_BOMB_PRICE    100         /* of such a reset: reading the rest takes half a millisecond */
#define LIMIT_HTTP2_CONTINUATION_PRICE 50      /* a legal head fits one frame (CVE-2024-28182) */
#define LIMIT_CODING_RATIO        100          /* bytes out for one in; STIX packs 5 to 100 times smaller */
#define LIMIT_CODING_FREE         (1u << 20)   /* so much may come out of anything: 3 ms */
#define LIMIT_CODING_WINDOW_LOG   23           /* zstd's window of 8 MiB: RFC 9659 asks for no more */
#define LIMIT_CLIENT_CONNECT_MS   10000       /* name, TCP and TLS over a satellite link take about 3 s */
#define LIMIT_CLIENT_CONNECTIONS                                                                             \
    8 /* of one client: feed, urgent feed, receipts, inbox, and some to spare                                \
       */

/* --- ledger --- */
#define LIMIT_CHECKPOINT_LEAVES    1000 /* a kept checkpoint at least every so many leaves: DESIGN 4 step 8 */
#define LIMIT_CHECKPOINT_BYTES     (3u << 20)   /* or so many object bytes, so that a page fits a group */
#define LIMIT_NOTE_SIGNATURES      32           /* C2SP signed-note: at least 16 must be accepted */
#define LIMIT_NOTE_SIGNATURE_BYTES 5120         /* "nearly 5kB": what an unknown post-quantum line may hold */
#define LIMIT_NOTE_BYTES           (128u << 10) /* 16 lines of that size in base64, and the text */
#define LIMIT_KEY_NAME_BYTES       160          /* an origin: two names, an epoch, "bongsu/" and "/urgent" */
#define LIMIT_SSHSIG_BYTES         4096         /* armored: of the keys that are known 350 */
#define LIMIT_PROOF_EXTRA_BYTES    2048         /* opened, a leaf has 160, a log's entry 1,320 */
#define LIMIT_WITNESSES            8            /* of the log of the node: no policy wants more */
#define LIMIT_WITNESS_NAME_BYTES   90           /* a URL without its scheme; stands in a key of a fact */

/* --- policy --- */
#define LIMIT_POLICY_BYTES        (1u << 20) /* read by people; a thousand rules are about 100 KB */
#define LIMIT_POLICY_RULES        4096       /* fits the 16-bit rule number of a DECIDE with room to spare */
#define LIMIT_POLICY_CONDITIONS   16384      /* comparisons of one policy: four per rule at the most rules */
#define LIMIT_POLICY_STRINGS      4096 /* names to compare with: a bit each on the stack of a decision */
#define LIMIT_POLICY_WORD_BYTES   250  /* one word or string: the longest type name of STIX 2.1 */
#define LIMIT_POLICY_SUGGESTION_BYTES 500 /* every word that may stand at one place */
#define LIMIT_POLICY_DEPTH        64   /* open parentheses and operators of one condition: a fixed stack */
#define LIMIT_POLICY_NAMES        1024 /* sets, and sources: looked up one by one while compiling */
#define LIMIT_WITHDRAW_SCAN       20000 /* states a step looks through: some milliseconds */
#define LIMIT_BUDGET_RETRY_US     1000000 /* what goes together and did not fit: looked at again */
#define LIMIT_BUDGET_ROUNDS 4 /* of giving on the places of groups that do not fit: each solves again */
#define LIMIT_RESHARE_BYTES       512  /* limits of one object: a thousand fit a page of synchronisation */
#define LIMIT_VOUCHER_SIGNATURE_BYTES 128 /* of an origin; of suite 1: 64 */
#define LIMIT_VOUCHER_BYTES       768  /* one whole, with a name and limits; a thousand fit a page */
#define LIMIT_POLICY_SELECTORS    16   /* `redact` of one rule: each is looked for in each object */
#define LIMIT_POLICY_BUDGETS      256  /* four a partner */
#define LIMIT_GOLDEN_BYTES        (4u << 20) /* examples beside a policy: thousands of objects, read whole */
#define LIMIT_GOLDEN_ATTRIBUTES   32 /* of one partner in them: copied for each */
#define LIMIT_GOLDEN_VICTIMS      16 /* sectors of one example */
#define LIMIT_POLICY_MEMORY_BYTES (64u << 20) /* a compiled policy; the limits above stay below it */

/* --- os --- */
#define LIMIT_PATH_BYTES 1024 /* a store's directory, its files and the anchor; with the terminator */

/* --- store --- */
#define LIMIT_FRAME_BYTES    (4u << 20)        /* one payload: object, envelope, room */
#define LIMIT_ENVELOPE_BYTES (1u << 20)        /* clear part of OBJ and QUAR: references, facts */
#define LIMIT_GROUP_BYTES    LIMIT_BATCH_BYTES /* frames of one group, plus the frame that crosses it */
#define LIMIT_GROUP_FRAMES   65536        /* bounds the header table of one group: 4 MiB of small frames */
#define LIMIT_SEGMENT_BYTES  (64u << 20)  /* one file of the log; eight full groups at least */
#define LIMIT_INDEX_LAG      100000       /* frames not yet in the index: DESIGN 4 step 14 */
#define LIMIT_OVERLAY_BYTES  (192u << 20) /* keys and values not yet in the index */
#define LIMIT_KEY_BYTES      500          /* LMDB takes 511 */
#define LIMIT_VALUE_BYTES    (256u << 10) /* index values are facts, not objects */
#define LIMIT_KEY_COPIES     8            /* of the key file: two disks and a safe; each is written with it */
#define LIMIT_ANCHOR_ROWS    256          /* partners times their two ledgers, with room for old epochs */
/* --- search --- */
#define LIMIT_SEARCH_TERM_BYTES  (128u << 10) /* terms of one object: some thousand values */
#define LIMIT_SEARCH_TEXT_BYTES  (256u << 10) /* text of one object; what stands behind is not found */
#define LIMIT_SEARCH_QUERY_BYTES (64u << 10)  /* a question: an IPv6 address asks for 129 networks */
#define LIMIT_SEARCH_BATCH_DOCS  1024         /* objects put into the search file at a time */
#define LIMIT_SEARCH_BATCH_BYTES (4u << 20)   /* of their terms and text */
#define LIMIT_SEARCH_PART_DOCS   65536        /* a part is made again to forget one of its objects: seconds */
#define LIMIT_SEARCH_CACHE_KIB   16384        /* of each of the two connections */
/* --- gate --- */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define LIMIT_INDEX_MAP_BYTES (UINT64_C(1) << 32) /* TSan leaves a program no terabytes of addresses */
#endif
#endif
#ifndef LIMIT_INDEX_MAP_BYTES
#define LIMIT_INDEX_MAP_BYTES (UINT64_C(1) << 40) /* address space of the index; LMDB wants it first */
#endif
#define LIMIT_CLOSURE_ROUNDS                                                                                 \
    64 /* rounds of followers asked for by followers; beyond, less is released, never more */
#define LIMIT_CLOSURE_MEMBERS 8192       /* objects decided together; more waits for the next step */
#define LIMIT_STEP_OBJECTS    1000       /* newly logged objects decided in one step */
#define LIMIT_STEP_OPENED     8192       /* objects read from the log, after which a step takes on no more */
#define LIMIT_FRESH_OBJECTS   8192         /* accepted, not yet decided, remembered: two full groups */
#define LIMIT_FRESH_BYTES     (16u << 20)  /* of memory for them; what does not fit is read from the log */
#define LIMIT_SOURCES         4096       /* declared sources: 16 bits in index keys */
#define LIMIT_INBOUND_TYPES   128        /* of one source: STIX 2.1 defines 41 */
#define LIMIT_INBOUND_CREATORS 1024      /* of one source: 24 KiB of its fact */
#define LIMIT_QUOTAS           32        /* of one source: types that anybody would flood */
#define LIMIT_QUOTA_CREATORS   4096      /* of one source, counted by themselves: 256 KiB at most */
#define LIMIT_QUOTA_OBJECTS    1000000000 /* in one window: below what a count holds */
#define LIMIT_HANDLED_OBJECTS (4u << 20)  /* with personal data, in one report: about 300 MB of it */
#define LIMIT_HANDLED_ROWS    16384      /* of that report: partners by weeks, outcomes and rules */
#define LIMIT_RECALL_FRAMES   4096       /* destroyed by one RECALL: with their leaves they fit in a frame */
#define LIMIT_RECALL_CONTENT_BYTES \
    (130u * LIMIT_OBJECT_BYTES) /* what one RECALL names: all copies of an identifier, and room */
#define LIMIT_TIGHTENED_DAY   100        /* objects of others that a source may tighten before it is told */
#define LIMIT_RECALL_DAY      100        /* objects a day by the word of one, unless set; beyond, two */
#define LIMIT_RECALL_OBJECTS  20000      /* called back by one command: beyond, it is said in parts */
#define LIMIT_RECALL_CANDIDATES (4u << 20) /* looked at for one recall: 32 MiB of positions */
#define LIMIT_RECALL_AROUND   10000      /* objects that one incident or report holds and names */
#define LIMIT_RECALL_BATCH    128        /* called back and destroyed by one walk over the log */
#define LIMIT_RECALL_LISTED   1000       /* objects of one `recall status`: beyond, by identifier */
#define LIMIT_RECALL_ANSWER_BYTES 4096   /* a holder's signed note: a few lines */
#define LIMIT_SPILL_NAMES     65536      /* minted anew to recognise one that somebody asks about: 0.2 s */
#define LIMIT_WORD_BYTES      (16u << 10) /* what an operator signs: a page, and 256 numbers at most */
#define LIMIT_WORD_AGAIN      1000        /* times that one may sign the very same words */
#define LIMIT_SPILLS          65536      /* suspended: 3 MiB; beyond, somebody has to clear up otherwise */
#define LIMIT_LISTS           256        /* for safety holds; MISP has 110 warninglists */
#define LIMIT_LIST_BYTES      (48u << 20) /* text of one: a million domains have 20 MiB, as JSON 25 */
#define LIMIT_LIST_ENTRIES    2000000    /* of one; 16 bytes each beside their text */
#define LIMIT_LIST_PART_BYTES (60u << 10) /* of its text in one fact of the log */
#define LIMIT_LIST_SEARCHES   32768 /* for the unknown characters of one object's patterns: below 0.1 s */
#define LIMIT_LIST_STEPS      (32u << 20) /* of walks for one object: a million names; 0.2 s */
#define LIMIT_LIST_STEPS_FREE (1u << 16) /* of these, its source is not charged: three that end in a name */
#define LIMIT_LIST_STEPS_SOURCE (256u << 20) /* of one source at once; 2 s */
#define LIMIT_LIST_STEPS_SECOND (8u << 20)   /* that it gets back in a second: 5 % of a processor */
#define LIMIT_LIST_PARTS      1024       /* of one list: more than its bytes need */
#define LIMIT_BROAD_STEPS     (1u << 20) /* of a walk that asks whether a pattern matches anything */
#define LIMIT_BROAD_DEPTH     32         /* groups in each other in a regular expression that is judged */
#define LIMIT_LATE_LOOKED     10000      /* that wait for people, looked at for one partner: 50 ms */
#define LIMIT_MARKING_WALK    64         /* definitions that one definition is marked with, through others */
#define LIMIT_REL_TO          64         /* nations and communities that one marking is for */
#define LIMIT_MARKINGS        65536      /* classified marking definitions and bound identities */
#define LIMIT_MINT_PROFILE_BYTES 16384   /* what one partner's copy lacks; more: it is withheld */
#define LIMIT_FORM_SELECTORS  65536      /* that one partner's copy is cut along; more: it is withheld */
#define LIMIT_TRANSLATED      320        /* versions that a translation speaks of, be it through others */
#define LIMIT_TOLD_KEPT       16384      /* objects judged for what speaks of them: a step asks for 1,000 */
#define LIMIT_TOLD_BYTES      (512u << 20) /* for what they lack; an eighth of it is kept */
#define LIMIT_TRANSLATED_PLACES 4096     /* languages in one translation; real: below 10; more: it stays */
#define LIMIT_HOPS            16         /* nodes that an object passes at most: no alliance is so long */
#define LIMIT_TRAIL_MARKS     8          /* nodes that made it anew, beside it: half of LIMIT_HOPS */
#define LIMIT_TRAIL_BYTES     (LIMIT_TRAIL_MARKS * 16) /* a thousand of them fit a page of the feed */
#define LIMIT_PERSON_POINTERS 16         /* of one object in which a person stands: one tells where to look */
#define LIMIT_PERSONAL_HITS   4096       /* of one object on its way out; more: nobody knows what is in it */
#define LIMIT_SEALED_BYTES    (LIMIT_OBJECT_BYTES + 17 * 1024) /* an object, and its fault or its profile */
#define LIMIT_REFUSED_BYTES   (UINT64_C(1) << 30) /* kept of one refusal: all fills disks */
#define LIMIT_JOBS            1024       /* re-decisions waiting; an operator's loop must not fill memory */
#define LIMIT_TAGS_PER_OBJECT 64         /* local tags of one object */
#define LIMIT_COPIES          256        /* versions and variants of one id that one decision looks at */
#define LIMIT_NEIGHBOURS      256        /* around one object, each way, that conditions look at */
#define LIMIT_NEIGHBOUR_BYTES (256u << 20) /* to read one of them and what it is marked with */
#define LIMIT_ALONG           256        /* may come along with what is anonymised; more: held */
#define LIMIT_CARRIERS        1024       /* referrers that an unmarked SCO asks; as many copies beside */
#define LIMIT_REPEATS         64         /* sources that repeat themselves at once; then counts are logged */
#define LIMIT_REPEATS_KEEP_US 10000000   /* counts of repetitions are logged so often: a crash loses those */
#define LIMIT_QUALITY_ROWS    4096       /* sources times weeks of one report: 16 MiB; 52 weeks of 78 */
#define LIMIT_QUALITY_REASONS 12         /* kinds of refusal told apart in a row; the rest are "other" */
#define LIMIT_OUTCOMES        (1u << 20) /* distinct vectors of rules: a policy of 200 rules makes dozens */

/* --- stix --- */
#define LIMIT_STIX_WARNINGS    16  /* per object: the first few tell the habit, the rest are counted */
#define LIMIT_STIX_FINDINGS    1000 /* per object that a person asks about; 1 MiB can break more */
#define LIMIT_STIX_POINTER     512 /* bytes of a warning's JSON pointer; real ones stay below 100 */
#define LIMIT_STIX_SELECTOR_STEPS 1000000 /* members that an object's selectors pass; usual: below 100 */
#define LIMIT_STIX_PATTERN_DEPTH  64 /* brackets in each other; the deepest real one has 4 */
#define LIMIT_STIX_PATTERN_REMARKS 8 /* of one pattern: the first few tell the habit, the rest are counted */
#define LIMIT_STIX_TOGETHER      (1u << 20) /* objects of a file compared with each other: 24 MiB of places */
#define LIMIT_STIX_TOGETHER_VERSIONS 64 /* of one UUID; 32 releases of ATT&CK stay below */
#define LIMIT_STIX_TOGETHER_EDGES 256   /* marking definitions that are marked: real files have none or one */
#define LIMIT_STIX_TOGETHER_RATIO 16    /* bytes read again for one of the file */
#define LIMIT_STIX_TOGETHER_NOTED_BYTES (8u << 20) /* 250,000 findings about versions; nobody reads more */
#define LIMIT_EXTENSIONS       64   /* registered at a node: operators know each of them */
#define LIMIT_EXTENSIONS_USED  16   /* registered ones in one object; real objects have one or two */
#define LIMIT_EXTENSION_BYTES  (60u << 10) /* definition and schema: one fact of the log holds 64 KiB */
#define LIMIT_EXTENSION_RULES  1024 /* schemas in a schema; 60 KiB cannot say much more */
#define LIMIT_EXTENSION_WORDS  2048 /* values that its lists of values name */
#define LIMIT_EXTENSION_PROPS  64   /* of one object: bits of what was seen */
#define LIMIT_EXTENSION_PARTS  32   /* kinds of objects that one extension describes */
#define LIMIT_EXTENSION_DEPTH  16   /* objects and lists in each other; MISP events need 6 */
/* --- privacy --- */
#define LIMIT_PRIVACY_BEFORE  60  /* bytes before a number whose words count: some 20 of Hangul */
#define LIMIT_PRIVACY_AGAINST 24  /* of them, those whose words may say that it is something else */
#define LIMIT_PRIVACY_AFTER   28  /* and behind it */
#define LIMIT_PRIVACY_LOCAL   192 /* of an address: RFC 5321 has 64 octets, Hangul has three each */
#define LIMIT_PRIVACY_DOMAIN  253 /* RFC 1035 section 2.3.4 */
#define LIMIT_PRIVACY_LABEL   189 /* 63 code points */
#define LIMIT_PRIVACY_HITS    65536 /* told of one object or text; beyond, the whole is personal data */
#define LIMIT_PRIVACY_PATTERN 4096 /* of an indicator: longer ones list many, and no name repeats them */
#define LIMIT_PRIVACY_POINTER 512 /* of a hit; real ones stay below 100, longer ones are cut */

/* --- sync --- */
#define LIMIT_CARD_BYTES       (16u << 10) /* 64 identities of 57 bytes, 8 addresses of 270, keys */
#define LIMIT_CARD_IDENTITIES  64          /* a national exchange speaks for a few organisations */
#define LIMIT_CARD_ADDRESSES   8           /* sites and address families of one node */
#define LIMIT_CARD_DAYS        1100        /* three years: a key that nobody looks at for longer is lost */
#define LIMIT_CARDS_SHOWN      2           /* the one in force, and the one that is to follow it */
#define LIMIT_CARDS_HOUR       16          /* from a partner over the line: the log keeps each of them */
#define LIMIT_HOST_BYTES       260         /* DNS name of 253 octets, or an IPv6 literal in brackets */
#define LIMIT_SYNC_PAGE_LEAVES 1000        /* = LIMIT_CHECKPOINT_LEAVES: a page ends at a kept checkpoint */
#define LIMIT_SYNC_PAGE_BYTES  (27u << 18) /* 3 MiB, the object that crosses it, 1,000 leaves, a checkpoint */
#define LIMIT_SYNC_SLOW_BYTES_S 400        /* of the slowest line: LIMIT_HTTP_STALL_BYTES in _MS */
#define LIMIT_SYNC_BODY_BYTES  (256u << 10) /* hello and receipt: a note of 128 KiB, or 4,096 refusals */
#define LIMIT_SYNC_SIGNATURE_BYTES                                                                           \
    (8u << 10)                   /* half of a receipt: one line and a short note, doubled often */
#define LIMIT_SYNC_REFUSALS 4096 /* refusals that wait for their receipt; more stops taking over */
#define LIMIT_SYNC_WAITING  4    /* long polls kept for one partner: one, and what reconnecting left */
#define LIMIT_SYNC_WAIT_S   30   /* longest long poll; below the idle timeout of usual middleboxes */
#define LIMIT_RECONCILE_LEAVES (1u << 28) /* of one ledger that are compared: 32 MiB of bits a side */
#define LIMIT_RECONCILE_NODES  512        /* in one question: its answer is at most 515 KiB */
#define LIMIT_RECONCILE_SETS   4          /* partners whose bits an issuer keeps at a time */
#define LIMIT_RECONCILE_KEPT_US  (10 * 60 * INT64_C(1000000)) /* after the last question */
#define LIMIT_RECONCILE_AGE_US   (60 * 60 * INT64_C(1000000)) /* since begun: then they are made anew */
#define LIMIT_RECONCILE_LEAF_US  20       /* between making a set and making it anew, for each leaf */
#define LIMIT_RECONCILE_WAIT_US  (60 * INT64_C(1000000)) /* a question waits so long for the bits */
#define LIMIT_RECONCILE_MISSING  65536    /* leaves that one run fetches; the next one goes on */
#define LIMIT_FETCH_LEAVES     256        /* in one request: their proofs are 200 KiB */
#define LIMIT_BUNDLE_VOLUMES      999          /* three digits behind a file's name; each volume names all */
#define LIMIT_BUNDLE_HEAD_BYTES   (32u << 10)  /* 1,000 cuts of 20 digits, the rest, one signature */
#define LIMIT_BUNDLE_RECORD_BYTES (256u << 10) /* plain bytes of one record: what a damaged one costs */
#define LIMIT_BUNDLE_WAIT_US      60000000     /* for the keeper, a signature, a page to be durable */
#define LIMIT_BUNDLE_AWAY_US      (5 * 60 * INT64_C(1000000)) /* a follower asks every half minute */
#define LIMIT_BUNDLE_REST_US      2000000      /* a report waits so long for what was called back to go */
#define LIMIT_BUNDLE_RECALLS      64           /* answers in one report; the rest go with the next */
#define LIMIT_BUNDLE_REPORT_BYTES (768u << 10) /* a receipt of 256 KiB and those, in base64 */
/* --- taxii --- */
#define LIMIT_TAXII_PAGE_OBJECTS   1000        /* items of one page; what clients ask for at most */
#define LIMIT_TAXII_PAGE_BYTES     (8u << 20)  /* objects of one page, the one that crosses it included */
#define LIMIT_TAXII_ANSWER_BYTES   (24u << 20) /* a page, or the status of the largest submission */
#define LIMIT_TAXII_CONTENT_BYTES  (10u << 20) /* max_content_length; about 14,000 usual objects */
#define LIMIT_TAXII_POST_OBJECTS   65536       /* of one submission: its status must fit an answer */
#define LIMIT_TAXII_SCAN           20000       /* entries that one page looks at; then more with next */
#define LIMIT_TAXII_VERSIONS       1024        /* newest leaves of one id that match[version] weighs */
#define LIMIT_TAXII_QUERY_BYTES    8192        /* a raw query; 100 ids of 50 bytes fit */
#define LIMIT_TAXII_MATCHES        128         /* values of one match field */
#define LIMIT_TAXII_NEXT_BYTES     64          /* a next token is 48 characters */
#define LIMIT_TAXII_IDENTITIES     256         /* their names fit one setting of 64 KiB */
#define LIMIT_TAXII_STATUSES       65536       /* kept per identity; then 429 until the oldest is a day old */
#define LIMIT_TAXII_STATUS_US      (INT64_C(86400) * 1000000) /* R5: readable for 24 hours */
#define LIMIT_TAXII_STATUS_BYTES   32768       /* kept of one status: its lists are whole or left out */
#define LIMIT_TAXII_STATUS_MESSAGE 640         /* a pointer, a sentence and a section */
#define LIMIT_TAXII_PASSWORD_MIN   12          /* bytes; people choose them */
#define LIMIT_TAXII_PASSWORD_MAX   256
#define LIMIT_TAXII_TITLE_BYTES    256
#define LIMIT_TAXII_TRY_NETWORKS   256     /* buckets of wrong passwords, by the network they come from: */
#define LIMIT_TAXII_TRY_BURST      4       /* so many of one at once, */
#define LIMIT_TAXII_TRY_US         8000000 /* then one in so long: Retry-After */
#define LIMIT_TAXII_TRIES_BURST    16      /* of all: they hold the gate up for a quarter of a second, */
#define LIMIT_TAXII_TRIES_US       125000  /* then for a tenth of the time */
#define LIMIT_TAXII_REQUESTS       60000    /* a minute and identity, where its own limit says nothing else */
#define LIMIT_TAXII_OBJECTS        10000000 /* submitted a day and identity, likewise */
#define LIMIT_TAXII_ORIGINS        8        /* web pages that may ask (CORS) */
#define LIMIT_TAXII_ORIGIN_BYTES   128      /* "https://host:port" of one */
#define LIMIT_TAXII_MARK_STEP      1000 /* objects read to find one of a workspace: one page's worth */
#define LIMIT_TAXII_MARKS          (1u << 20)

/* --- feeds --- */
#define LIMIT_MISP_STIX_BYTES  (256u << 20) /* one event as STIX: some 100,000 attributes */
#define LIMIT_MISP_ELEMENTS    200000       /* uuids of one event; the largest known feeds have 100,000 */
#define LIMIT_MISP_MEMBERS     8000         /* a report names so many, its markings and creator beside them */
#define LIMIT_MISP_REFUSED     1000         /* of its elements: with more the event itself is broken */
#define LIMIT_MISP_OBJECT      512          /* attributes of an object and of its parts: more stay custom */
#define LIMIT_MISP_LEAVES      2048         /* members they give: up to four each */
#define LIMIT_MISP_STEPS       8            /* of a path in the table of objects; five are used */
#define LIMIT_CSV_COLUMNS      256         /* of one record; threat lists have a dozen */
#define LIMIT_CSV_RECORD_BYTES (1u << 20)  /* of one record; half of an object */
#define LIMIT_CSV_LABELS       16          /* of one mapping */
#define LIMIT_CSV_ROWS         10000000    /* different values of one list: the largest have some millions */
#define LIMIT_MISP_WRITE_BYTES (1u << 30) /* one view on its way out as events, texts in memory */
#define LIMIT_MISP_WRITE_COUNT (1u << 22) /* its objects: up to 1 KiB of each is in memory */

/* --- space --- */
#define LIMIT_SPACE_LINE_BYTES 4096 /* of a catalogue's table: usual are 150, all keywords give 1,000 */
#define LIMIT_SPACE_COLUMNS    64   /* Space-Track gives 40 */

/* --- guard --- */
#define LIMIT_GUARD_SETS     (1u << 17) /* of what it has proof of: 8.5 MiB, a million fingerprints */
#define LIMIT_GUARD_WAIVERS  256        /* objects that operators let go against the guard's word */
#define LIMIT_GUARD_ASKS     256        /* questions about one answer at a time */
#define LIMIT_GUARD_RUN      1000       /* leaves that come along with an answer: a page's worth */
#define LIMIT_GUARD_REFS     65536      /* identifiers of one page that are new to it; usual are 3,000 */
#define LIMIT_GUARD_PARKED_BYTES (64u << 20) /* answers that wait for proof; beyond, 503 */
#define LIMIT_GUARD_RULES_BYTES (128u << 10) /* 64 partners, 256 readers, 256 waivers */

/* --- app --- */
#define LIMIT_ACCESS_FILES         32          /* of the access record; with the next row 128 MiB */
#define LIMIT_ACCESS_FILE_BYTES    (4u << 20)  /* about 20,000 requests; what `bongsu access` holds at once */
#define LIMIT_ACCESS_PENDING_BYTES (256u << 10) /* lines on their way to the file */
#define LIMIT_ACCESS_TICK_MS       2000        /* then they are durable */
#define LIMIT_ACCESS_TELL_MS       1000        /* then edge tells of pages that it gave again */
#define LIMIT_ACCESS_LINES         100000u     /* of one answer of `bongsu access` */
#define LIMIT_QUARANTINE_DAYS      90          /* refused input waits, where nothing else is set */
#define LIMIT_ACCESS_DAYS          90          /* kept, where the configuration says nothing else */
#define LIMIT_LINK_RING_BYTES (32u << 20) /* between core and edge, one way: the largest answer fits */
#define LIMIT_LINK_MESSAGE_BYTES (25u << 20) /* LIMIT_TAXII_ANSWER_BYTES with its head */
#define LIMIT_LINK_MARKS_BYTES   4096        /* ring of a channel that carries marks alone */
#define LIMIT_LINK_SMALL_BYTES   (8u << 20)  /* ring of parent and keeper: a batch, notes */
#define LIMIT_LINK_PENDING_BYTES (64u << 20) /* answers that wait for room; beyond, requests are refused */
#define LIMIT_EDGE_REQUESTS      1024        /* requests that wait for core, long polls included */
#define LIMIT_EDGE_CALLS         256         /* calls to partners under way: a few for each of 64 */
#define LIMIT_EDGE_CACHE_BYTES   (32u << 20) /* pages kept by edge: some 40 of 1,000 usual objects */
#define LIMIT_EDGE_CACHE_SWEEP   60000       /* ms; what nobody asked for between two sweeps is forgotten */
#define LIMIT_EDGE_PACK_MIN      1024        /* bytes of an answer worth packing: one packet holds less */
#define LIMIT_EDGE_PACK_MAX      (12u << 20) /* the largest page; it holds edge up for 0.1 s, once */
#define LIMIT_BREAK_WAIT_US       2000000     /* who takes back waits for edge, which packs a page in 0.3 s */
#define LIMIT_READ_WAIT_US       500000      /* a reader waits so long for what is decided to be signed */
#define LIMIT_CONTROL_CLIENTS    32          /* operators' commands at once */
#define LIMIT_CONTROL_LINE_BYTES (2u << 20)  /* one request line: a policy of 1 MiB with its escapes */
#define LIMIT_CONTROL_BATCH_BYTES                                                                            \
    (LIMIT_BATCH_BYTES + LIMIT_OBJECT_BYTES + 64) /* one batch of `add` */
#define LIMIT_CONTROL_REPLY_BYTES (32u << 20) /* all lines of one answer that wait for a slow reader */
#define LIMIT_STREAM_CHUNK_BYTES (256u << 10) /* of an answer in portions; the next when it was read */
#define LIMIT_SEARCH_GATHER      256     /* objects read for the search file in one turn: some milliseconds */
#define LIMIT_SEARCH_BUSY_US     200000  /* that often at least, however busy the node is */
#define LIMIT_SEARCH_WAIT_US     2000000 /* a question waits so long for the search file to catch up */
#define LIMIT_QUALITY_TURN    256     /* frames read for a report in one turn: some milliseconds */
#define LIMIT_STREAM_PAUSE_US    10000   /* between two looks at what an answer waits for */
#define LIMIT_GRAPH_NODES        20000   /* objects around one; beyond nobody looks at a picture */
#define LIMIT_GRAPH_EDGES        100000
#define LIMIT_GRAPH_REFERRERS    10000   /* of one object: a hub shows its first ones */
#define LIMIT_GRAPH_DEPTH        8       /* steps: everything is near everything by then */
#define LIMIT_DECIDE_TURN_US     5000 /* then what was decided is made durable and shown: DESIGN 4.7 */

/* --- cli --- */
#define LIMIT_ADD_UNPACKED_BYTES (UINT64_C(16) << 30) /* of one packed or piped file: it goes onto a disk */
#define LIMIT_ADD_UNPACK_FREE    (128u << 20) /* so much may come out of anything: 0.2 s */
#define LIMIT_ADD_UNPACK_RATIO   500 /* beyond: bytes out for one in; STIX packs 5 to 250 times smaller */
#define LIMIT_ADD_WINDOW_LOG     27  /* zstd's window: 128 MiB of memory at most */

/* --- feeds --- */
#define LIMIT_FEEDS              64          /* of one node: one call each under way */
#define LIMIT_FEED_ANSWER_BYTES  (64u << 20) /* one body, unpacked: ATT&CK's largest bundle has 46 MB */
#define LIMIT_FEED_JSON_BYTES    LIMIT_FEED_ANSWER_BYTES /* a manifest of 100,000 events: 50 MB */
#define LIMIT_FEED_HEAD_BYTES    (8u << 10)  /* fields of an answer that anybody looks at */
#define LIMIT_FEED_PART_BYTES    (1u << 20)  /* of a body, in one message from edge */
#define LIMIT_FEED_BATCH_BYTES   (1u << 20)  /* objects taken in in one step: some milliseconds */
#define LIMIT_FEED_BATCH_OBJECTS 1000        /* likewise */
#define LIMIT_FEED_PAGES         100000      /* of one run; then the next goes on */
#define LIMIT_FEED_EMPTY_PAGES   16          /* in a row with more to come: broken */
#define LIMIT_FEED_REDIRECTS     3           /* within the origin: a slash, a moved root */
#define LIMIT_FEED_CALL_S        300         /* one answer: 64 MiB at 2 Mbit/s */
#define LIMIT_FEED_SILENCE_S     60          /* a stream says something every 5 s */
#define LIMIT_FEED_EVERY_MIN_S   5           /* more often is a load, not freshness */
#define LIMIT_FEED_EVERY_MAX_S   (30 * 86400)
#define LIMIT_FEED_WAIT_MAX_S    86400       /* Retry-After beyond is taken for so much */
#define LIMIT_FEED_EVENT_BYTES   (4u << 20)  /* one event of a stream: an object of 2 MiB and its context */
#define LIMIT_FEED_THINGS        1000000     /* events of one large MISP that are remembered */
#define LIMIT_FEED_LIST_VALUES   500000      /* of one list: the largest public ones have some 100,000 */
#define LIMIT_FEED_LIST_STEP     10000       /* rows read, or versions looked for, in one step: 20 ms */
#define LIMIT_FEED_PUSH_BYTES    (4u << 20)  /* one envelope that is pushed: any object fits in */
#define LIMIT_FEED_PUSH_OBJECTS  500         /* likewise: its failures fit into one answer everywhere */
#define LIMIT_FEED_PUSH_LEAVES   1000        /* of a view looked at in one step */
#define LIMIT_FEED_PUSH_DOUBT    50          /* asked for by id in one address of 8,192 bytes */
#define LIMIT_FEED_PUSH_WORDS    64          /* of an envelope, about what was taken back: kept as one text */
#define LIMIT_FEED_PUSH_REFUSED  32          /* objects refused one after another: it is not the objects */
#define LIMIT_FEED_PUSH_POLLS    20          /* of one status in a run; then the next goes on */
#define LIMIT_FEED_SECRET_BYTES  (64u << 10) /* password, token, certificate, authorities */
