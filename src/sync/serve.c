#include "sync/serve.h"

#include "core/mem.h"
#include "core/wr.h"
#include "gate/recall.h"
#include "sync/card.h"
#include "sync/recall.h"
#include "sync/tiles.h"
#include "sync/wire.h"

enum {
    OK = 200,
    BAD = 400,
    NEUTRAL = 404,
    AGAIN = 409,
    LATER = 503,
    SLOTS = 2 * LIMIT_SYNC_WAITING, /* of one ledger: waiting ones, and those that are due but were not
                                       collected yet */
    SECOND_US = 1000000,
};

struct waiting {
    uint64_t id;
    struct sync_feed feed;
    int64_t until_us; /* INT64_MIN: to be answered at once */
    uint64_t age;     /* rising */
    bool used;
};

struct partner {
    bool known;
    uint8_t tls[EXCHANGE_KEY_SIZE];
    char node[LIMIT_NAME_BYTES + 1];
    struct note_key cosign, disposition, recall;
    struct sync_card card;
    struct sync_served served;
};

/* A ledger that somebody follows. */
struct served {
    struct waiting waiting[SLOTS];
    /* As in sync_served. */
    const char *alarm, *alarm_next;
};

struct sync_serve {
    struct gate *gate;
    struct diag diag;
    uint64_t ages;
    struct buf note; /* a checkpoint, while an answer is made */
    struct partner partners[LIMIT_PARTNERS];
    struct served ledgers[GATE_LEDGERS];
};

/* --- life --- */

err_t sync_serve_new(struct gate *gate, const struct diag *diag, struct sync_serve **out)
{
    struct sync_serve *serve = mem_alloc(sizeof *serve);
    if (serve == NULL)
        return ERR_NOMEM;
    serve->gate = gate;
    serve->diag = diag != NULL ? *diag : (struct diag) {NULL, NULL};
    buf_init(&serve->note, LIMIT_NOTE_BYTES);
    sync_serve_refresh(serve);
    *out = serve;
    return ERR_OK;
}

void sync_serve_free(struct sync_serve *serve)
{
    if (serve == NULL)
        return;
    buf_deinit(&serve->note);
    mem_free(serve);
}

void sync_serve_refresh(struct sync_serve *serve)
{
    unsigned count = gate_peer_count(serve->gate);
    for (unsigned i = 0; i < count && i < LIMIT_PARTNERS; i++) {
        struct partner *partner = &serve->partners[i];
        const struct gate_peer *peer = gate_peer_get(serve->gate, i);
        struct fault fault = {.code = ERR_OK};
        partner->known = false;
        if (peer == NULL || peer->card.len == 0)
            continue; /* takes part by TAXII alone */
        err_t err = sync_card_parse(str_from_bytes(peer->card), &partner->card, &fault);
        if (err != ERR_OK) {
            diag_say(&serve->diag, DIAG_ERROR, err, "sync", "add the partner's card again",
                     "the stored card of %.*s does not verify: %s", STR_ARG(peer->audience), fault.what);
            continue;
        }
        memcpy(partner->tls, partner->card.key[SYNC_CARD_TLS].b, EXCHANGE_KEY_SIZE);
        sync_card_receipt_key(&partner->card, SYNC_CARD_COSIGN, &partner->cosign);
        sync_card_receipt_key(&partner->card, SYNC_CARD_DISPOSITION, &partner->disposition);
        sync_card_receipt_key(&partner->card, SYNC_CARD_RECALL, &partner->recall);
        partner->known = true;
    }
}

/* --- who asks --- */

static bool admitted(const struct sync_serve *serve, unsigned index, int64_t now_us)
{
    const struct partner *partner = &serve->partners[index];
    if (!partner->known)
        return false;
    const struct gate_peer *peer = gate_peer_get(serve->gate, index);
    return peer != NULL && peer->state == GATE_PEER_STARTED &&
           sync_card_valid(&partner->card, now_us, NULL) == ERR_OK;
}

/* Index of the partner, or -1. */
static int partner_of(const struct sync_serve *serve, const struct exchange_request *request, int64_t now_us)
{
    if (!request->secure || !request->has_peer_key)
        return -1;
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        if (serve->partners[i].known &&
            memcmp(serve->partners[i].tls, request->peer_key, EXCHANGE_KEY_SIZE) == 0 &&
            admitted(serve, i, now_us))
            return (int)i;
    return -1;
}

/* --- answers --- */

static void answer_status(struct exchange_response *response, unsigned status)
{
    response->status = status;
    response->content_type = NULL;
    buf_clear(&response->body);
}

/* The body is written; an error while writing becomes 503. */
static void answer_body(struct sync_serve *serve, struct exchange_response *response, err_t err)
{
    if (err == ERR_OK)
        err = buf_err(&response->body);
    if (err == ERR_BUSY) { /* what a new policy takes back is not told yet */
        answer_status(response, LATER);
        return;
    }
    if (err != ERR_OK) {
        diag_say(&serve->diag, DIAG_ERROR, err, "sync", "run bongsu check",
                 "an answer to a partner could not be made: %s", err_text(err));
        answer_status(response, LATER);
        return;
    }
    response->status = OK;
    response->content_type = SYNC_MEDIA_TYPE;
}

/* --- hello --- */

/* The greatest version that both speak; 0: none, or no suite. */
static uint8_t version_of(const struct sync_hello *hello)
{
    uint8_t version = 0;
    bool suite = false;
    for (size_t i = 0; i < hello->version_count; i++)
        if (hello->versions[i] == SYNC_VERSION_MAIN || hello->versions[i] == SYNC_VERSION_URGENT)
            version = hello->versions[i];
    for (size_t i = 0; i < hello->suite_count; i++)
        suite = suite || hello->suites[i] == SYNC_SUITE;
    return suite ? version : 0;
}

/* Compares with what the caller holds; *proof is written when it may go on. */
static err_t judge(struct sync_serve *serve, unsigned number, const struct sync_hello *hello,
                   const struct gate_ledger *ledger, struct sync_welcome *welcome)
{
    welcome->verdict = SYNC_GO_ON;
    if (welcome->version < (ledger->origin.urgent ? SYNC_VERSION_URGENT : SYNC_VERSION_MAIN))
        welcome->verdict = SYNC_NOTHING_IN_COMMON;
    else if (hello->size > 0 && hello->epoch != ledger->origin.epoch)
        welcome->verdict = SYNC_OTHER_EPOCH;
    else if (hello->size > ledger->visible || ledger->receipted > ledger->visible)
        welcome->verdict = SYNC_AHEAD;
    if (welcome->verdict != SYNC_GO_ON || hello->size == 0)
        return ERR_OK;
    struct merkle_proof proof;
    err_t err = gate_consistency(serve->gate, number, hello->size, ledger->visible, &proof);
    if (err != ERR_OK)
        return err;
    /* Our own proof holds for exactly one root of that size: the caller's, if we agree. */
    if (merkle_consistency_verify(&proof, hello->size, ledger->visible, &hello->root,
                                  &ledger->visible_root) == ERR_OK)
        welcome->proof = proof;
    else
        welcome->verdict = SYNC_ROOT_DIFFERS;
    return ERR_OK;
}

/* Said once; `what` NULL: all is well. Static texts. */
static void alarm_set(struct sync_serve *serve, unsigned number, const char *what, const char *next)
{
    struct served *served = &serve->ledgers[number];
    if (what != NULL && served->alarm != what)
        diag_say(&serve->diag, DIAG_ERROR, ERR_PROOF, "sync", next, "%s (%s)", what,
                 serve->partners[gate_ledger_partner(number)].card.node);
    served->alarm = what;
    served->alarm_next = next;
}

static void raise_alarm(struct sync_serve *serve, unsigned number, enum sync_verdict verdict)
{
    static const struct {
        const char *what, *next;
    } alarms[SYNC_VERDICTS] = {
        [SYNC_OTHER_EPOCH] =
            {"the partner follows another epoch of our ledger",
             "tell its operators the present one (bongsu ledger show): they follow it by bongsu "
             "peer resume AUDIENCE --epoch N --because ..."},
        [SYNC_ROOT_DIFFERS] = {"the partner holds another history of our ledger than we do",
                               "stop the link, keep both logs, compare checkpoints with bongsu ledger show"},
        [SYNC_AHEAD] = {"the partner holds more of our ledger than we do: this node was set back",
                        "restore the newest log; if there is none: bongsu peer epoch AUDIENCE --because ..."},
        [SYNC_NOTHING_IN_COMMON] = {"the partner's program speaks no version or suite that we speak",
                                    "upgrade the older side"},
    };
    alarm_set(serve, number, alarms[verdict].what, alarms[verdict].next);
}

/* The kept checkpoint of exactly this size into serve->note. */
static err_t checkpoint_at(struct sync_serve *serve, unsigned number, uint64_t size)
{
    uint64_t found;
    buf_clear(&serve->note);
    err_t err = gate_checkpoint(serve->gate, number, size, &found, &serve->note);
    return err != ERR_OK ? err : found == size ? ERR_OK : ERR_NOTFOUND;
}

static err_t hello_body(struct sync_serve *serve, unsigned number, const struct sync_hello *hello,
                        struct buf *body)
{
    struct gate_ledger ledger;
    struct sync_welcome welcome = {.version = version_of(hello), .suite = SYNC_SUITE};
    struct buf origin;
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    err_t err;
    if (TRY(err, gate_ledger(serve->gate, number, &ledger)) ||
        TRY(err, ledger_origin_print(&ledger.origin, &origin)) ||
        TRY(err, judge(serve, number, hello, &ledger, &welcome)))
        goto out;
    if (welcome.verdict == SYNC_NOTHING_IN_COMMON)
        welcome.version = 0, welcome.suite = 0;
    if (ledger.visible > 0 && TRY(err, checkpoint_at(serve, number, ledger.visible)))
        goto out;
    welcome.origin = buf_str(&origin);
    welcome.size = ledger.visible;
    welcome.receipted = ledger.receipted;
    welcome.checkpoint = ledger.visible > 0 ? buf_str(&serve->note) : (struct str) {NULL, 0};
    raise_alarm(serve, number, welcome.verdict);
    sync_welcome_write(body, &welcome);
out:
    buf_deinit(&origin);
    return err;
}

/* Where he is told of recalls from now on. What stands in the urgent ledger stays there. */
static void note_urgent(struct sync_serve *serve, unsigned partner, bool follows, int64_t now_us)
{
    struct gate_ledger ledger;
    err_t err = gate_peer_urgent(serve->gate, partner, follows, now_us);
    if (err != ERR_OK) /* then they stand in the main one */
        diag_say(&serve->diag, DIAG_WARNING, err, "sync", "look at the disk",
                 "that %s follows the urgent ledger could not be written: %s",
                 serve->partners[partner].card.node, err_text(err));
    if (!follows && gate_ledger(serve->gate, gate_urgent(partner), &ledger) == ERR_OK &&
        ledger.visible > ledger.receipted)
        alarm_set(
            serve, gate_urgent(partner),
            "the partner's program follows the urgent ledger no longer, and has not read all recalls there",
            "have the partner upgrade its node; meanwhile: bongsu recall status");
}

static void hello_handle(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                         int64_t now_us, struct exchange_response *response)
{
    struct sync_hello hello;
    if (sync_hello_read(request->body, &hello) != ERR_OK) {
        answer_status(response, BAD);
        return;
    }
    if (!gate_ledger_is_urgent(number))
        note_urgent(serve, number, version_of(&hello) >= SYNC_VERSION_URGENT, now_us);
    answer_body(serve, response, hello_body(serve, number, &hello, &response->body));
}

/* --- feed --- */

struct filling {
    struct buf *body;
    uint32_t count, most;
    size_t object_bytes;
    size_t end[LIMIT_SYNC_PAGE_LEAVES]; /* of the body after each entry */
};

static bool fill(void *ctx, const struct gate_leaf *leaf)
{
    struct filling *filling = ctx;
    uint8_t hops = leaf->hops < UINT8_MAX ? (uint8_t)(leaf->hops + 1) : UINT8_MAX;
    struct sync_beside beside = {hops, {leaf->limits, leaf->limits_salt}, leaf->trail};
    sync_entry_write(filling->body, &leaf->leaf, leaf->withheld ? NULL : &leaf->opening, leaf->object,
                     &beside);
    if (buf_err(filling->body) != ERR_OK)
        return false;
    filling->end[filling->count++] = filling->body->len;
    filling->object_bytes += leaf->object.len;
    return filling->count < filling->most && filling->object_bytes <= LIMIT_CHECKPOINT_BYTES;
}

/* The greatest kept checkpoint in [least, most], where `least` is one. */
static err_t checkpoint_below(struct sync_serve *serve, unsigned number, uint64_t least, uint64_t most,
                              uint64_t *out)
{
    uint64_t found, probe = most; /* usually the end itself is one */
    while (least < most) {
        buf_clear(&serve->note);
        err_t err = gate_checkpoint(serve->gate, number, probe, &found, &serve->note);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
        if (err == ERR_OK && found <= most)
            least = found;
        else
            most = probe - 1; /* none in [probe, most] */
        probe = least + (most - least + 1) / 2;
    }
    *out = least;
    return ERR_OK;
}

/* Entries from feed->from up to a checkpoint; *out_size is its size, serve->note the checkpoint. */
static err_t entries_fill(struct sync_serve *serve, unsigned number, const struct sync_feed *feed,
                          struct buf *body, uint64_t *out_size)
{
    struct filling filling = {.body = body};
    uint64_t least;
    err_t err;
    buf_clear(&serve->note);
    if (TRY(err, gate_checkpoint(serve->gate, number, feed->from + 1, &least, &serve->note)))
        return err;
    if (least <= feed->from || least - feed->from > LIMIT_SYNC_PAGE_LEAVES)
        return ERR_CORRUPT;
    uint64_t first = least - feed->from;
    filling.most = first > feed->max ? (uint32_t)first : feed->max;
    if (TRY(err, gate_leaves(serve->gate, number, feed->from, fill, &filling)) || TRY(err, buf_err(body)))
        return err;
    if (filling.count < first)
        return ERR_CORRUPT; /* no kept checkpoint within 3 MiB */
    uint64_t size;
    if (TRY(err, checkpoint_below(serve, number, least, feed->from + filling.count, &size)) ||
        TRY(err, checkpoint_at(serve, number, size)))
        return err;
    body->len = filling.end[size - feed->from - 1];
    *out_size = size;
    return ERR_OK;
}

static err_t page_body(struct sync_serve *serve, unsigned number, const struct sync_feed *feed,
                       const struct gate_ledger *ledger, struct buf *body)
{
    struct merkle_proof proof = {.count = 0};
    struct str none = {NULL, 0};
    uint64_t size = feed->from;
    err_t err;
    sync_page_head_write(body, feed->epoch, feed->from, 0);
    if (ledger->visible <= feed->from) {
        sync_page_tail_write(body, none, &proof);
        return ERR_OK;
    }
    if (TRY(err, entries_fill(serve, number, feed, body, &size)))
        return err;
    if (feed->from > 0 && TRY(err, gate_consistency(serve->gate, number, feed->from, size, &proof)))
        return err;
    sync_page_count_set(body, 0, (uint32_t)(size - feed->from));
    sync_page_tail_write(body, buf_str(&serve->note), &proof);
    struct sync_served *served = &serve->partners[gate_ledger_partner(number)].served;
    served->pages++;
    served->leaves += size - feed->from;
    served->bytes += body->len;
    return ERR_OK;
}

static void page_answer(struct sync_serve *serve, unsigned number, const struct sync_feed *feed,
                        const struct gate_ledger *ledger, struct exchange_response *response)
{
    /* What is called back now is in no page of recalls: no answer under way with one is broken off. */
    response->view = gate_ledger_is_urgent(number) ? 0 : number + 1;
    answer_body(serve, response, page_body(serve, number, feed, ledger, &response->body));
}

/* Keeps the request; makes the oldest due when there are enough of this ledger. False: no room. */
static bool keep(struct sync_serve *serve, unsigned number, uint64_t id, const struct sync_feed *feed,
                 int64_t now_us)
{
    struct waiting *slots = serve->ledgers[number].waiting, *free_slot = NULL, *oldest = NULL;
    size_t pending = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        if (!slots[i].used) {
            free_slot = &slots[i];
        } else if (slots[i].until_us != INT64_MIN) {
            pending++;
            if (oldest == NULL || slots[i].age < oldest->age)
                oldest = &slots[i];
        }
    }
    if (free_slot == NULL)
        return false;
    if (pending >= LIMIT_SYNC_WAITING)
        oldest->until_us = INT64_MIN;
    *free_slot = (struct waiting) {.id = id,
                                   .feed = *feed,
                                   .until_us = now_us + (int64_t)feed->wait_s * SECOND_US,
                                   .age = serve->ages++,
                                   .used = true};
    return true;
}

static void feed_handle(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                        int64_t now_us, struct exchange_response *response)
{
    struct sync_feed feed;
    struct gate_ledger ledger;
    if (request->body.len > 0 || sync_feed_read(request->query, &feed) != ERR_OK) {
        answer_status(response, BAD);
        return;
    }
    err_t err = gate_ledger(serve->gate, number, &ledger);
    if (err != ERR_OK)
        answer_body(serve, response, err);
    else if (serve->ledgers[number].alarm != NULL || feed.epoch != ledger.origin.epoch ||
             feed.from > ledger.visible)
        answer_status(response, AGAIN);
    else if (feed.from < ledger.visible || feed.wait_s == 0 ||
             !keep(serve, number, request->id, &feed, now_us))
        page_answer(serve, number, &feed, &ledger, response);
    /* else: status 0, not yet */
}

/* --- receipt --- */

/* The cosignature over the text of our own checkpoint of that size, which stands in serve->note. */
static err_t cosignature_check(struct sync_serve *serve, const struct note_key *key, struct str lines)
{
    struct note ours, note;
    struct buf whole;
    int64_t time_s;
    err_t err = note_parse(buf_str(&serve->note), &ours, NULL);
    if (err != ERR_OK)
        return ERR_CORRUPT;
    buf_init(&whole, LIMIT_NOTE_BYTES);
    if (TRY(err, note_begin(ours.text, &whole)))
        goto out;
    buf_put_str(&whole, lines);
    if (TRY(err, buf_err(&whole)) || TRY(err, note_parse(buf_str(&whole), &note, NULL)))
        goto out;
    /* The lines must not have moved the end of the text. */
    err = str_eq(note.text, ours.text) ? cosign_verify(&note, key, &time_s) : ERR_SYNTAX;
out:
    buf_deinit(&whole);
    return err;
}

static err_t disposition_check(const struct sync_serve *serve, const struct partner *partner,
                               const struct sync_receipt *receipt)
{
    struct note note;
    struct checkpoint ours;
    struct disposition held;
    err_t err;
    if (note_parse(buf_str(&serve->note), &note, NULL) != ERR_OK ||
        checkpoint_parse(note.text, &ours, NULL) != ERR_OK)
        return ERR_CORRUPT;
    if (TRY(err, disposition_open(receipt->disposition, &partner->disposition, &held, NULL)))
        return err;
    struct hash digest = sync_receipt_digest(receipt);
    if (!str_eq(held.origin, ours.origin) || !str_eq(held.holder, str_of(partner->card.node)) ||
        held.size != receipt->size || !hash_eq(&held.root, &ours.root))
        return ERR_CONFLICT;
    if (held.refused_count < receipt->before_count ||
        held.refused_count - receipt->before_count != receipt->refusal_count ||
        !hash_eq(&held.refused, &digest))
        return ERR_CONFLICT;
    return ERR_OK;
}

static err_t receipt_check(struct sync_serve *serve, unsigned number, const struct sync_receipt *receipt)
{
    struct partner *partner = &serve->partners[gate_ledger_partner(number)];
    err_t err = cosignature_check(serve, &partner->cosign, receipt->cosignature);
    if (err == ERR_OK)
        err = disposition_check(serve, partner, receipt);
    if (err == ERR_OK)
        return ERR_OK;
    partner->served.receipts_refused++;
    diag_say(&serve->diag, DIAG_WARNING, err, "sync", "compare the cards on both sides",
             "a receipt of %s for %llu leaves does not verify: %s", partner->card.node,
             (unsigned long long)receipt->size, err_text(err));
    return err;
}

static void receipt_handle(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                           int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    struct sync_receipt receipt;
    struct gate_ledger ledger;
    if (sync_receipt_read(request->body, &receipt) != ERR_OK) {
        answer_status(response, BAD);
        return;
    }
    err_t err = gate_ledger(serve->gate, number, &ledger);
    if (err != ERR_OK) {
        answer_body(serve, response, err);
        return;
    }
    if (receipt.epoch != ledger.origin.epoch || receipt.size > ledger.visible || receipt.size == 0 ||
        checkpoint_at(serve, number, receipt.size) != ERR_OK) {
        answer_status(response, AGAIN);
        return;
    }
    if (receipt_check(serve, number, &receipt) != ERR_OK) {
        answer_status(response, BAD);
        return;
    }
    if (receipt.size > ledger.receipted) {
        err = gate_receipt(serve->gate, number, receipt.size, receipt.before_count + receipt.refusal_count,
                           request->body, now_us);
        *out_commit = err == ERR_OK;
        ledger.receipted = receipt.size;
        serve->partners[gate_ledger_partner(number)].served.receipts += err == ERR_OK;
    }
    sync_received_write(&response->body, ledger.receipted);
    answer_body(serve, response, err);
}

/* --- recall-done --- */

static err_t recall_done_check(struct sync_serve *serve, unsigned number, struct str note, uint64_t *out_seq,
                               bool *out_held)
{
    const struct partner *partner = &serve->partners[gate_ledger_partner(number)];
    struct sync_recall_done done;
    struct gate_ledger ledger;
    err_t err = sync_recall_open(note, &partner->recall, &done);
    if (err != ERR_OK || TRY(err, gate_ledger(serve->gate, number, &ledger)))
        return err;
    buf_clear(&serve->note);
    if (TRY(err, ledger_origin_print(&ledger.origin, &serve->note)))
        return err;
    if (!str_eq(done.origin, buf_str(&serve->note)) || !str_eq(done.holder, str_of(partner->card.node)) ||
        done.seq >= ledger.visible)
        return ERR_CONFLICT;
    *out_seq = done.seq;
    *out_held = done.held;
    return ERR_OK;
}

/* Answers by this partner's own ledger alone. */
static void recall_done_handle(struct sync_serve *serve, unsigned number,
                               const struct exchange_request *request, int64_t now_us,
                               struct exchange_response *response, bool *out_commit)
{
    struct gate_ledger ledger;
    struct str note;
    uint32_t epoch;
    uint64_t seq;
    bool held;
    if (sync_recall_read(request->body, &epoch, &note) != ERR_OK) {
        answer_status(response, BAD);
        return;
    }
    err_t err = gate_ledger(serve->gate, number, &ledger);
    if (err == ERR_OK && epoch != ledger.origin.epoch) {
        answer_status(response, AGAIN);
        return;
    }
    if (err == ERR_OK && TRY(err, recall_done_check(serve, number, note, &seq, &held))) {
        diag_say(&serve->diag, DIAG_WARNING, err, "sync", "compare the cards on both sides",
                 "an answer of %s to a recall does not verify: %s",
                 serve->partners[gate_ledger_partner(number)].card.node, err_text(err));
        answer_status(response, BAD);
        return;
    }
    if (err == ERR_OK)
        err = gate_recall_answered(serve->gate, number, seq, held, bytes_from_str(note), now_us);
    *out_commit = err == ERR_OK;
    if (err == ERR_NOTFOUND) { /* his leaf, and no recall */
        answer_status(response, BAD);
        return;
    }
    wr_u8(&response->body, SYNC_FORMAT);
    answer_body(serve, response, err == ERR_EXISTS ? ERR_OK : err);
}

static void ledger_handle(struct sync_serve *serve, unsigned number, struct str resource,
                          struct exchange_response *response)
{
    size_t head = sizeof SYNC_PATH_LEDGER - sizeof SYNC_ROOT;
    struct str rest = {resource.at + head, resource.len - head};
    sync_tiles_answer(serve->gate, number, rest, response);
}

/* --- dispatch --- */

bool sync_serve_owns(struct str path)
{
    return str_starts(path, STR(SYNC_ROOT));
}

/* The path behind where the resources of a ledger are. */
static struct str resource_of(struct str path, bool *out_urgent)
{
    *out_urgent = str_starts(path, STR(SYNC_PATH_URGENT));
    struct str head = *out_urgent ? STR(SYNC_PATH_URGENT) : STR(SYNC_ROOT);
    if (!str_starts(path, head))
        return STR("");
    return (struct str) {path.at + head.len, path.len - head.len};
}

/* What stands behind that in the path of a main ledger's resource. */
static struct str name_of(const char *path)
{
    return str_of(path + sizeof SYNC_ROOT - 1);
}

/* From somebody who is known; -1: a stranger. */
static void dispatch(struct sync_serve *serve, int partner, const struct exchange_request *request,
                     int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    bool urgent, post = request->method == EXCHANGE_POST, get = request->method == EXCHANGE_GET;
    struct str resource = resource_of(request->path, &urgent);
    *out_commit = false;
    bool hello = str_eq(resource, name_of(SYNC_PATH_HELLO)) && post;
    bool feed = str_eq(resource, name_of(SYNC_PATH_FEED)) && get;
    bool receipt = str_eq(resource, name_of(SYNC_PATH_RECEIPT)) && post;
    bool recall = str_eq(resource, name_of(SYNC_PATH_RECALL_DONE)) && post;
    bool ledger = str_starts(resource, name_of(SYNC_PATH_LEDGER)) && get;
    if (partner < 0 || !(hello || feed || receipt || recall || ledger)) {
        answer_status(response, NEUTRAL);
        return;
    }
    unsigned number = urgent ? gate_urgent((unsigned)partner) : (unsigned)partner;
    serve->partners[partner].served.seen_us = now_us;
    if (hello)
        hello_handle(serve, number, request, now_us, response);
    else if (feed)
        feed_handle(serve, number, request, now_us, response);
    else if (ledger)
        ledger_handle(serve, number, resource, response);
    else if (recall)
        recall_done_handle(serve, number, request, now_us, response, out_commit);
    else
        receipt_handle(serve, number, request, now_us, response, out_commit);
}

void sync_serve_handle(struct sync_serve *serve, const struct exchange_request *request, int64_t now_us,
                       struct exchange_response *response, bool *out_commit)
{
    dispatch(serve, partner_of(serve, request, now_us), request, now_us, response, out_commit);
}

void sync_serve_carried(struct sync_serve *serve, unsigned partner, const struct exchange_request *request,
                        int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    must(partner < LIMIT_PARTNERS);
    struct sync_served *served = &serve->partners[partner].served, before = *served;
    dispatch(serve, admitted(serve, partner, now_us) ? (int)partner : -1, request, now_us, response,
             out_commit);
    served->pages = before.pages; /* the link sent nothing of it */
    served->leaves = before.leaves;
    served->bytes = before.bytes;
    served->seen_us = before.seen_us;
}

/* --- late answers --- */

/* Writes the answer when there is one to give now. */
static bool late(struct sync_serve *serve, unsigned number, const struct waiting *waiting, int64_t now_us,
                 struct exchange_response *out)
{
    struct gate_ledger ledger;
    bool in = admitted(serve, gate_ledger_partner(number), now_us);
    err_t err = gate_ledger(serve->gate, number, &ledger);
    bool changed = !in || err != ERR_OK || ledger.origin.epoch != waiting->feed.epoch ||
                   ledger.visible != waiting->feed.from;
    if (!changed && waiting->until_us > now_us)
        return false;
    exchange_response_init(out, waiting->id, LIMIT_SYNC_PAGE_BYTES);
    if (!in)
        answer_status(out, NEUTRAL);
    else if (err != ERR_OK)
        answer_body(serve, out, err);
    else if (ledger.origin.epoch != waiting->feed.epoch || ledger.visible < waiting->feed.from)
        answer_status(out, AGAIN);
    else
        page_answer(serve, number, &waiting->feed, &ledger, out);
    return true;
}

bool sync_serve_next(struct sync_serve *serve, int64_t now_us, struct exchange_response *out)
{
    /* Urgent ledgers first: their numbers are above. */
    for (unsigned i = GATE_LEDGERS; i-- > 0;)
        for (size_t k = 0; k < SLOTS; k++) {
            struct waiting *waiting = &serve->ledgers[i].waiting[k];
            if (waiting->used && late(serve, i, waiting, now_us, out)) {
                waiting->used = false;
                return true;
            }
        }
    return false;
}

int64_t sync_serve_deadline(const struct sync_serve *serve)
{
    int64_t least = INT64_MAX;
    for (unsigned i = 0; i < GATE_LEDGERS; i++)
        for (size_t k = 0; k < SLOTS; k++) {
            const struct waiting *waiting = &serve->ledgers[i].waiting[k];
            if (waiting->used && waiting->until_us < least)
                least = waiting->until_us;
        }
    return least;
}

void sync_serve_forget(struct sync_serve *serve, uint64_t request_id)
{
    for (unsigned i = 0; i < GATE_LEDGERS; i++)
        for (size_t k = 0; k < SLOTS; k++)
            if (serve->ledgers[i].waiting[k].used && serve->ledgers[i].waiting[k].id == request_id)
                serve->ledgers[i].waiting[k].used = false;
}

uint64_t sync_serve_waiting(const struct sync_serve *serve)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < GATE_LEDGERS; i++)
        for (size_t k = 0; k < SLOTS; k++)
            if (serve->ledgers[i].waiting[k].used)
                mask |= UINT64_C(1) << gate_ledger_partner(i);
    return mask;
}

struct sync_served sync_serve_status(const struct sync_serve *serve, unsigned partner)
{
    must(partner < LIMIT_PARTNERS);
    struct sync_served served = serve->partners[partner].served;
    const struct served *main = &serve->ledgers[partner], *urgent = &serve->ledgers[gate_urgent(partner)];
    const struct served *alarmed = main->alarm != NULL ? main : urgent;
    served.alarm = alarmed->alarm;
    served.alarm_next = alarmed->alarm_next;
    return served;
}
