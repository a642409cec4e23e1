#include "sync/serve.h"

#include "core/mem.h"
#include "core/wr.h"
#include "gate/recall.h"
#include "sync/cards.h"
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

/* What a card lets its holder sign and show. */
struct accepted {
    bool known;
    uint8_t tls[EXCHANGE_KEY_SIZE];
    struct note_key cosign, disposition, recall;
};

enum { PRESENT, NEXT, CARDS };

struct waiting {
    uint64_t id;
    struct sync_feed feed;
    int64_t until_us; /* INT64_MIN: to be answered at once */
    uint64_t age;     /* rising */
    bool used;
};

struct partner {
    bool known;
    struct sync_cards cards;
    struct accepted accepted[CARDS];
    struct sync_pace pace;
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
    const struct sync_own *own;
    bool news; /* a partner's cards changed */
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

static void accept_card(const struct sync_card *card, struct accepted *out)
{
    memcpy(out->tls, card->key[SYNC_CARD_TLS].b, EXCHANGE_KEY_SIZE);
    sync_card_receipt_key(card, SYNC_CARD_COSIGN, &out->cosign);
    sync_card_receipt_key(card, SYNC_CARD_DISPOSITION, &out->disposition);
    sync_card_receipt_key(card, SYNC_CARD_RECALL, &out->recall);
    out->known = true;
}

void sync_serve_refresh(struct sync_serve *serve)
{
    unsigned count = gate_peer_count(serve->gate);
    for (unsigned i = 0; i < count && i < LIMIT_PARTNERS; i++) {
        struct partner *partner = &serve->partners[i];
        const struct gate_peer *peer = gate_peer_get(serve->gate, i);
        struct fault fault = {.code = ERR_OK};
        partner->known = partner->accepted[PRESENT].known = partner->accepted[NEXT].known = false;
        if (peer == NULL || peer->card.len == 0)
            continue; /* takes part by TAXII alone */
        err_t err = sync_cards_load(serve->gate, i, &partner->cards, &fault);
        if (err != ERR_OK) {
            diag_say(&serve->diag, DIAG_ERROR, err, "sync", "add the partner's card again",
                     "the stored card of %.*s does not verify: %s", STR_ARG(peer->audience), fault.what);
            continue;
        }
        accept_card(&partner->cards.present, &partner->accepted[PRESENT]);
        if (partner->cards.has_next)
            accept_card(&partner->cards.next, &partner->accepted[NEXT]);
        partner->known = true;
    }
}

void sync_serve_own(struct sync_serve *serve, const struct sync_own *own)
{
    serve->own = own;
}

bool sync_serve_news(struct sync_serve *serve)
{
    bool news = serve->news;
    serve->news = false;
    return news;
}

/* --- who asks --- */

static bool started(const struct sync_serve *serve, unsigned index)
{
    const struct gate_peer *peer = gate_peer_get(serve->gate, index);
    return serve->partners[index].known && peer != NULL && peer->state == GATE_PEER_STARTED;
}

/* Is this one of its cards in force? */
static bool holds(const struct sync_serve *serve, unsigned index, unsigned which, int64_t now_us)
{
    const struct partner *partner = &serve->partners[index];
    const struct sync_card *card = which == PRESENT ? &partner->cards.present : &partner->cards.next;
    return partner->accepted[which].known && sync_card_valid(card, now_us, NULL) == ERR_OK;
}

static bool admitted(const struct sync_serve *serve, unsigned index, int64_t now_us)
{
    return started(serve, index) &&
           (holds(serve, index, PRESENT, now_us) || holds(serve, index, NEXT, now_us));
}

/* Index of the partner, or -1; *out_which: by which of its cards. */
static int partner_of(const struct sync_serve *serve, const struct exchange_request *request, int64_t now_us,
                      unsigned *out_which)
{
    if (!request->secure || !request->has_peer_key)
        return -1;
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        for (unsigned which = PRESENT; which < CARDS; which++)
            if (serve->partners[i].accepted[which].known &&
                memcmp(serve->partners[i].accepted[which].tls, request->peer_key, EXCHANGE_KEY_SIZE) == 0 &&
                started(serve, i) && holds(serve, i, which, now_us)) {
                *out_which = which;
                return (int)i;
            }
    return -1;
}

static const char *name_of(const struct sync_serve *serve, unsigned index)
{
    return serve->partners[index].cards.present.node;
}

/* A key that only its next card names was seen: that card is the present one from now on. */
static void turn_card(struct sync_serve *serve, unsigned index, int64_t now_us, bool *out_commit)
{
    err_t err = sync_cards_turn(serve->gate, index, now_us);
    if (err != ERR_OK) {
        diag_say(&serve->diag, DIAG_WARNING, err, "sync", "look at the disk",
                 "the next card of %s could not be taken into force: %s", name_of(serve, index),
                 err_text(err));
        return;
    }
    diag_say(&serve->diag, DIAG_NOTICE, ERR_OK, "sync", NULL,
             "%s shows keys of its next card: it is in force, and the keys before it are refused",
             name_of(serve, index));
    *out_commit = true;
    serve->news = true;
    sync_serve_refresh(serve);
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
    if (err == ERR_BUSY) { /* what a new policy takes back is not told yet, or a key is new */
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
                 name_of(serve, gate_ledger_partner(number)));
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

/* Is the checkpoint in serve->note signed by the key that our card names now? */
static bool is_ours_now(const struct sync_serve *serve, unsigned number)
{
    struct gate_ledger ledger;
    struct note_key key;
    struct buf origin;
    struct note note;
    if (sync_own_number(serve->own) == 0)
        return true;
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    bool ours = gate_ledger(serve->gate, number, &ledger) == ERR_OK &&
                ledger_origin_print(&ledger.origin, &origin) == ERR_OK &&
                sync_card_ledger_key(&serve->own->card, buf_str(&origin), &key) == ERR_OK &&
                note_parse(buf_str(&serve->note), &note, NULL) == ERR_OK &&
                note_verify(&note, &key) == ERR_OK;
    buf_deinit(&origin);
    return ours;
}

/* The kept checkpoint of exactly this size into serve->note, whatever key of ours signed it. */
static err_t checkpoint_kept(struct sync_serve *serve, unsigned number, uint64_t size)
{
    uint64_t found;
    buf_clear(&serve->note);
    err_t err = gate_checkpoint(serve->gate, number, size, &found, &serve->note);
    return err != ERR_OK ? err : found == size ? ERR_OK : ERR_NOTFOUND;
}

/* ...signed by the present one, or ERR_BUSY: it is being signed once more. */
static err_t checkpoint_at(struct sync_serve *serve, unsigned number, uint64_t size)
{
    err_t err = checkpoint_kept(serve, number, size);
    if (err != ERR_OK || is_ours_now(serve, number))
        return err;
    return gate_sign_anew(serve->gate, number, size) ? ERR_BUSY : ERR_NOTFOUND;
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
                 "that %s follows the urgent ledger could not be written: %s", name_of(serve, partner),
                 err_text(err));
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

static err_t page_answer(struct sync_serve *serve, unsigned number, const struct sync_feed *feed,
                         const struct gate_ledger *ledger, struct exchange_response *response)
{
    /* What is called back now is in no page of recalls: no answer under way with one is broken off. */
    response->view = gate_ledger_is_urgent(number) ? 0 : number + 1;
    err_t err = page_body(serve, number, feed, ledger, &response->body);
    answer_body(serve, response, err);
    return err;
}

/* A checkpoint on the way to it is being signed under a new key: that takes no longer than a commit. */
static bool is_being_signed(const struct sync_serve *serve, unsigned number, err_t err)
{
    return err == ERR_BUSY && (gate_sign_anew_wanted(serve->gate) >> gate_ledger_partner(number) & 1) != 0;
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
             !keep(serve, number, request->id, &feed, now_us)) {
        err = page_answer(serve, number, &feed, &ledger, response);
        if (is_being_signed(serve, number, err) && feed.wait_s > 0 &&
            keep(serve, number, request->id, &feed, now_us))
            answer_status(response, 0);
    }
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
                               const struct note_key *key, const struct sync_receipt *receipt)
{
    struct note note;
    struct checkpoint ours;
    struct disposition held;
    err_t err;
    if (note_parse(buf_str(&serve->note), &note, NULL) != ERR_OK ||
        checkpoint_parse(note.text, &ours, NULL) != ERR_OK)
        return ERR_CORRUPT;
    if (TRY(err, disposition_open(receipt->disposition, key, &held, NULL)))
        return err;
    struct hash digest = sync_receipt_digest(receipt);
    if (!str_eq(held.origin, ours.origin) || !str_eq(held.holder, str_of(partner->cards.present.node)) ||
        held.size != receipt->size || !hash_eq(&held.root, &ours.root))
        return ERR_CONFLICT;
    if (held.refused_count < receipt->before_count ||
        held.refused_count - receipt->before_count != receipt->refusal_count ||
        !hash_eq(&held.refused, &digest))
        return ERR_CONFLICT;
    return ERR_OK;
}

static err_t receipt_by(struct sync_serve *serve, unsigned partner, unsigned which,
                        const struct sync_receipt *receipt)
{
    const struct accepted *by = &serve->partners[partner].accepted[which];
    err_t err = cosignature_check(serve, &by->cosign, receipt->cosignature);
    return err != ERR_OK ? err
                         : disposition_check(serve, &serve->partners[partner], &by->disposition, receipt);
}

/* Of either ledger, by the keys of either card. */
static err_t receipt_check(struct sync_serve *serve, unsigned partner, const struct sync_receipt *receipt,
                           int64_t now_us, bool *out_commit)
{
    err_t err = receipt_by(serve, partner, PRESENT, receipt);
    if (err != ERR_OK && holds(serve, partner, NEXT, now_us) &&
        receipt_by(serve, partner, NEXT, receipt) == ERR_OK) {
        turn_card(serve, partner, now_us, out_commit);
        return ERR_OK;
    }
    if (err == ERR_OK)
        return ERR_OK;
    serve->partners[partner].served.receipts_refused++;
    diag_say(&serve->diag, DIAG_WARNING, err, "sync", "compare the cards on both sides",
             "a receipt of %s for %llu leaves does not verify: %s", name_of(serve, partner),
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
        checkpoint_kept(serve, number, receipt.size) != ERR_OK) {
        answer_status(response, AGAIN);
        return;
    }
    if (receipt_check(serve, gate_ledger_partner(number), &receipt, now_us, out_commit) != ERR_OK) {
        answer_status(response, BAD);
        return;
    }
    if (receipt.size > ledger.receipted) {
        err = gate_receipt(serve->gate, number, receipt.size, receipt.before_count + receipt.refusal_count,
                           request->body, now_us);
        *out_commit = *out_commit || err == ERR_OK;
        ledger.receipted = receipt.size;
        serve->partners[gate_ledger_partner(number)].served.receipts += err == ERR_OK;
    }
    sync_received_write(&response->body, ledger.receipted);
    answer_body(serve, response, err);
}

/* --- recall-done --- */

static err_t recall_done_check(struct sync_serve *serve, unsigned number, struct str note, int64_t now_us,
                               uint64_t *out_seq, bool *out_held)
{
    const struct partner *partner = &serve->partners[gate_ledger_partner(number)];
    struct sync_recall_done done;
    struct gate_ledger ledger;
    err_t err = sync_recall_open(note, &partner->accepted[PRESENT].recall, &done);
    if (err != ERR_OK && holds(serve, gate_ledger_partner(number), NEXT, now_us))
        err = sync_recall_open(note, &partner->accepted[NEXT].recall, &done);
    if (err != ERR_OK || TRY(err, gate_ledger(serve->gate, number, &ledger)))
        return err;
    buf_clear(&serve->note);
    if (TRY(err, ledger_origin_print(&ledger.origin, &serve->note)))
        return err;
    if (!str_eq(done.origin, buf_str(&serve->note)) ||
        !str_eq(done.holder, str_of(partner->cards.present.node)) || done.seq >= ledger.visible)
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
    if (err == ERR_OK && TRY(err, recall_done_check(serve, number, note, now_us, &seq, &held))) {
        diag_say(&serve->diag, DIAG_WARNING, err, "sync", "compare the cards on both sides",
                 "an answer of %s to a recall does not verify: %s",
                 name_of(serve, gate_ledger_partner(number)), err_text(err));
        answer_status(response, BAD);
        return;
    }
    if (err == ERR_OK)
        err = gate_recall_answered(serve->gate, number, seq, held, bytes_from_str(note), now_us);
    *out_commit = *out_commit || err == ERR_OK;
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

/* --- card --- */

/* Shown by a stranger: is it the newer card of somebody we know, and is it his who shows it? Its root key
 * signed both, and the connection proves the TLS key. -1: no. */
static int whose_card(const struct sync_serve *serve, const struct exchange_request *request, int64_t now_us)
{
    struct sync_shown shown;
    struct sync_card card;
    if (!request->secure || !request->has_peer_key || sync_shown_read(request->body, &shown) != ERR_OK)
        return -1;
    for (size_t i = 0; i < shown.count; i++) {
        if (sync_card_parse(shown.cards[i], &card, NULL) != ERR_OK ||
            sync_card_valid(&card, now_us, NULL) != ERR_OK ||
            memcmp(card.key[SYNC_CARD_TLS].b, request->peer_key, EXCHANGE_KEY_SIZE) != 0)
            continue;
        for (unsigned k = 0; k < LIMIT_PARTNERS; k++)
            if (started(serve, k) &&
                sync_card_replaces(&serve->partners[k].cards.present, &card, NULL) == ERR_OK &&
                (!serve->partners[k].cards.has_next ||
                 sync_card_replaces(&serve->partners[k].cards.next, &card, NULL) == ERR_OK))
                return (int)k;
    }
    return -1;
}

static void cards_take(struct sync_serve *serve, unsigned index, const struct sync_shown *shown,
                       int64_t now_us, bool *out_commit)
{
    for (size_t i = 0; i < shown->count; i++) {
        struct fault fault = {.code = ERR_OK};
        enum sync_card_taken taken = SYNC_CARD_KNOWN;
        err_t err = sync_cards_take(serve->gate, index, shown->cards[i], &serve->partners[index].pace, NULL,
                                    now_us, &taken, &fault);
        if (err != ERR_OK)
            diag_say(&serve->diag, DIAG_WARNING, err, "sync",
                     "if the partner's operators say that it is theirs: bongsu peer add FILE",
                     "a card that %s showed is not taken: %s", name_of(serve, index), fault.what);
        serve->news = serve->news || taken != SYNC_CARD_KNOWN;
        *out_commit = *out_commit || taken != SYNC_CARD_KNOWN;
    }
    if (*out_commit)
        sync_serve_refresh(serve);
}

static void card_handle(struct sync_serve *serve, unsigned index, const struct exchange_request *request,
                        int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    struct sync_shown shown;
    if (sync_shown_read(request->body, &shown) != ERR_OK) {
        answer_status(response, BAD);
        return;
    }
    cards_take(serve, index, &shown, now_us, out_commit);
    bool logged;
    err_t err =
        sync_cards_told_put(serve->gate, index, shown.held, sync_own_number(serve->own), now_us, &logged);
    *out_commit = *out_commit || logged;
    serve->partners[index].served.our_card = shown.held;
    sync_own_write(serve->own, sync_cards_newest(&serve->partners[index].cards), &response->body);
    answer_body(serve, response, err);
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
static struct str name_in(struct str path)
{
    size_t head = sizeof SYNC_ROOT - 1;
    return (struct str) {path.at + head, path.len - head};
}

/* `number`: of the ledger; of a card the partner's own. */
typedef void handler(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                     int64_t now_us, struct exchange_response *response, bool *out_commit);

static void do_hello(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                     int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    (void)out_commit;
    hello_handle(serve, number, request, now_us, response);
}

static void do_feed(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                    int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    (void)out_commit;
    feed_handle(serve, number, request, now_us, response);
}

static void do_ledger(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                      int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    bool urgent;
    (void)now_us;
    (void)out_commit;
    ledger_handle(serve, number, resource_of(request->path, &urgent), response);
}

/* NULL: no such path, or not by this method. */
static handler *handler_of(const struct sync_serve *serve, const struct exchange_request *request,
                           bool *out_urgent)
{
    static const struct {
        struct str path;
        enum exchange_method method;
        bool urgent; /* beside the urgent ledger as well */
        handler *handle;
    } rows[] = {
        {{SYNC_PATH_HELLO, sizeof SYNC_PATH_HELLO - 1}, EXCHANGE_POST, true, do_hello},
        {{SYNC_PATH_FEED, sizeof SYNC_PATH_FEED - 1}, EXCHANGE_GET, true, do_feed},
        {{SYNC_PATH_RECEIPT, sizeof SYNC_PATH_RECEIPT - 1}, EXCHANGE_POST, true, receipt_handle},
        {{SYNC_PATH_RECALL_DONE, sizeof SYNC_PATH_RECALL_DONE - 1}, EXCHANGE_POST, true, recall_done_handle},
        {{SYNC_PATH_CARD, sizeof SYNC_PATH_CARD - 1}, EXCHANGE_POST, false, card_handle}};
    struct str resource = resource_of(request->path, out_urgent);
    if (str_starts(resource, name_in(STR(SYNC_PATH_LEDGER))) && request->method == EXCHANGE_GET)
        return do_ledger;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_eq(resource, name_in(rows[i].path)) && request->method == rows[i].method &&
            (rows[i].urgent || !*out_urgent))
            return rows[i].handle == card_handle && sync_own_number(serve->own) == 0 ? NULL : rows[i].handle;
    return NULL;
}

/* From somebody who is known; -1: a stranger. */
static void dispatch(struct sync_serve *serve, int partner, const struct exchange_request *request,
                     int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    bool urgent;
    handler *handle = handler_of(serve, request, &urgent);
    if (partner < 0 && handle == card_handle)
        partner = whose_card(serve, request, now_us);
    if (partner < 0 || handle == NULL) {
        answer_status(response, NEUTRAL);
        return;
    }
    unsigned number = urgent ? gate_urgent((unsigned)partner) : (unsigned)partner;
    serve->partners[partner].served.seen_us = now_us;
    handle(serve, number, request, now_us, response, out_commit);
}

void sync_serve_handle(struct sync_serve *serve, const struct exchange_request *request, int64_t now_us,
                       struct exchange_response *response, bool *out_commit)
{
    unsigned which = PRESENT;
    int partner = partner_of(serve, request, now_us, &which);
    *out_commit = false;
    if (partner >= 0 && which == NEXT)
        turn_card(serve, (unsigned)partner, now_us, out_commit);
    dispatch(serve, partner, request, now_us, response, out_commit);
}

void sync_serve_carried(struct sync_serve *serve, unsigned partner, const struct exchange_request *request,
                        int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    must(partner < LIMIT_PARTNERS);
    struct sync_served *served = &serve->partners[partner].served, before = *served;
    *out_commit = false;
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
    else if (is_being_signed(serve, number, page_answer(serve, number, &waiting->feed, &ledger, out)) &&
             waiting->until_us > now_us) {
        exchange_response_deinit(out);
        return false;
    }
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
