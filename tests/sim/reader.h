/* People of a partner with a TAXII client at a simulated node. The real server answers them in process, and
 * every answer is compared, byte for byte, with what the simulator makes of what it knows: which leaves the
 * reader was shown (oracle.c checks each against the rules), what stands in its workspace, which pages it
 * holds. shelf.c is that part; reader.c asks, and remembers. */
#pragma once

#include "core/buf.h"
#include "core/hash.h"
#include "net/exchange.h"
#include "thing.h"

struct node;
struct world;
struct gate_object;

/* --- shelf.c: what a collection has to answer --- */

/* In the order of date_added; a position is an index. */
struct shelf_entry {
    const struct thing *thing; /* NULL: a leaf without content */
    int64_t date_us;
    bool gone; /* deleted */
};

struct shelf {
    const struct shelf_entry *at;
    size_t count;
    bool first_wins; /* of copies of one version: in a workspace the first, in a view the last */
};

enum ask_list { ASK_OBJECTS, ASK_MANIFEST, ASK_OBJECT, ASK_VERSIONS, ASK_LISTS };
enum ask_versions {
    VERSIONS_UNSAID,
    VERSIONS_LAST,
    VERSIONS_FIRST,
    VERSIONS_ALL,
    VERSIONS_ENDS,
    VERSIONS_ONE
};
enum { ASK_PATH_MAX = 192, ASK_QUERY_MAX = 256, NEXT_SIZE = 48 };

struct ask {
    enum ask_list list;
    bool workspace; /* or the release collection */
    bool by_id;
    uint16_t target;  /* of the path, or of match[id] */
    const char *type; /* match[type]; NULL: none */
    enum ask_versions versions;
    unsigned second;          /* of VERSIONS_ONE */
    size_t limit;             /* 0: unsaid */
    int64_t after_us;         /* added_after; INT64_MIN: unsaid */
    char next[NEXT_SIZE + 1]; /* empty: none */
    size_t from;              /* the position that `next` stands for */
};

enum { SHELF_MAX = 4096, SHELF_PAGE = 1000 };

struct shelf_page {
    size_t at[SHELF_PAGE], count;
    bool more;
    size_t next; /* position to go on from, when more */
};

/* False: the collection holds nothing of the one object that is asked for. */
bool shelf_read(const struct shelf *shelf, const struct ask *ask, struct shelf_page *out);
/* The body of the answer; `next` is the server's own word. */
void shelf_write(const struct shelf *shelf, const struct ask *ask, const struct shelf_page *page,
                 const char *next, struct buf *out);
void shelf_date(int64_t date_us, char out[32]);
/* The second that stands for a version; of what has none 0. */
unsigned shelf_second(const struct thing *thing);
bool shelf_has_version(const struct thing *thing);
void ask_print(const struct ask *ask, char path[ASK_PATH_MAX], char query[ASK_QUERY_MAX]);

/* --- reader.c, errand.c --- */

/* Of errand.second: every version. */
enum { NO_SECOND = 99 };
enum { READER_PAGES = 8, READER_STATUSES = 512, READER_POST = 4, READER_FIXED = 12 };

/* A page that the reader holds. */
struct reader_page {
    struct ask ask;
    char path[ASK_PATH_MAX], query[ASK_QUERY_MAX], etag[40], next[NEXT_SIZE + 1];
    size_t from; /* the position that `next` stands for */
    struct hash digest;
};

struct reader_status {
    char id[37];
    struct hash digest;
    int64_t at_us;
};

/* What a reader changes. Cut off by a crash it is asked again until there is an answer. */
struct errand {
    bool remove; /* from the workspace; or submit */
    bool inbox, again;
    uint16_t target;
    unsigned second; /* to remove: what version, or NO_SECOND */
    const struct thing *thing[READER_POST];
    size_t count;
};

struct reader {
    bool own;        /* submits as the partner's node does, not as a source of its own */
    uint32_t source; /* what it submits comes from */
    struct shelf_entry *desk;
    size_t desk_count;
    struct reader_page pages[READER_PAGES];
    size_t page_count;
    struct reader_status *statuses;
    size_t status_count, forgotten;
    bool unsure;                     /* a submission got no answer: how many statuses are kept is not known */
    struct hash fixed[READER_FIXED]; /* answers that never change */
    bool fixed_known[READER_FIXED];
    bool has_errand;
    struct errand errand;
};

/* A reader at a node, and the answer to what it asked last. */
struct visit {
    struct world *world;
    struct node *node;
    unsigned who;
    struct reader *reader;
    struct exchange_response response;
};

void reader_init(struct reader *reader, bool own);
void reader_deinit(struct reader *reader);
/* An identity for each partner, with a source; stated until durable. The server must be open. */
NODISCARD err_t reader_set_up(struct node *node, int64_t now_us);
void reader_find_again(struct node *node);
/* Somebody asks somewhere, drawn. */
void reader_visit(struct world *world);
/* The oracle met this object in the log. */
void reader_look(struct node *node, const struct gate_object *object, const struct thing *thing);
/* At the end: every collection from its beginning. */
void reader_settled(struct node *node);

/* False: the node went down over it, and there is no answer; otherwise deinit visit->response. */
bool visit_ask(struct visit *visit, struct exchange_request *request);
void visit_wrong(struct visit *visit, const struct exchange_request *request, const char *what);
struct str visit_header(const struct visit *visit, const char *name);
struct shelf visit_shelf(const struct visit *visit, bool workspace); /* good until the next call */

void errand_draw(struct draw *draw, struct visit *visit, unsigned what);
void errand_retry(struct node *node);
