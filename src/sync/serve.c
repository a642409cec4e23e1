#include "sync/serve.h"

#include "core/mem.h"
#include "sync/recall.h"
#include "sync/serve_state.h"
#include "sync/tiles.h"

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
    for (size_t i = 0; i < LIMIT_RECONCILE_SETS; i++)
        serve_reconcile_drop(&serve->made[i]);
    mem_free(serve);
}

static void accept_card(const struct sync_card *card, struct accepted *out)
{
    struct hash pin = sign_public_pin(&card->key[SYNC_CARD_TLS]);
    memcpy(out->tls, pin.b, EXCHANGE_KEY_SIZE);
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

/* --- answers --- */

void serve_answer_status(struct exchange_response *response, unsigned status)
{
    response->status = status;
    response->content_type = NULL;
    buf_clear(&response->body);
}

void serve_answer_body(struct sync_serve *serve, struct exchange_response *response, err_t err)
{
    if (err == ERR_OK)
        err = buf_err(&response->body);
    if (err == ERR_BUSY) { /* what a new policy takes back is not told yet, or a key is new */
        serve_answer_status(response, LATER);
        return;
    }
    if (err != ERR_OK) {
        diag_say(&serve->diag, DIAG_ERROR, err, "sync", "run bongsu check",
                 "an answer to a partner could not be made: %s", err_text(err));
        serve_answer_status(response, LATER);
        return;
    }
    response->status = OK;
    response->content_type = SYNC_MEDIA_TYPE;
}
/* --- feed --- */

struct filling {
    struct buf *body;
    bool vouchers;
    uint32_t count, most;
    size_t object_bytes;
    size_t end[LIMIT_SYNC_PAGE_LEAVES]; /* of the body after each entry */
};

static bool fill(void *ctx, const struct gate_leaf *leaf)
{
    struct filling *filling = ctx;
    uint8_t hops = leaf->hops < UINT8_MAX ? (uint8_t)(leaf->hops + 1) : UINT8_MAX;
    struct sync_beside beside = {hops, {leaf->limits, leaf->limits_salt}, leaf->trail, leaf->voucher};
    if (!filling->vouchers)
        beside.voucher = bytes_of(NULL, 0);
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
    struct filling filling = {.body = body, .vouchers = feed->vouchers};
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
        TRY(err, serve_checkpoint_at(serve, number, size)))
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
    serve_answer_body(serve, response, err);
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
        serve_answer_status(response, BAD);
        return;
    }
    err_t err = gate_ledger(serve->gate, number, &ledger);
    if (err != ERR_OK)
        serve_answer_body(serve, response, err);
    else if (serve->ledgers[number].alarm != NULL || feed.epoch != ledger.origin.epoch ||
             feed.from > ledger.visible)
        serve_answer_status(response, AGAIN);
    else if (feed.from < ledger.visible || feed.wait_s == 0 ||
             !keep(serve, number, request->id, &feed, now_us)) {
        err = page_answer(serve, number, &feed, &ledger, response);
        if (is_being_signed(serve, number, err) && feed.wait_s > 0 &&
            keep(serve, number, request->id, &feed, now_us))
            serve_answer_status(response, 0);
    }
    /* else: status 0, not yet */
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
    serve_hello(serve, number, request, now_us, response);
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

static void do_log(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                   int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    (void)number;
    (void)now_us;
    (void)out_commit;
    size_t head = sizeof SYNC_PATH_LOG - 1;
    sync_log_answer(serve->gate, (struct str) {request->path.at + head, request->path.len - head}, response);
}

static void refuse_suite(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                         int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    (void)serve;
    (void)number;
    (void)request;
    (void)now_us;
    (void)out_commit;
    serve_answer_status(response, NEUTRAL);
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
        {{SYNC_PATH_RECEIPT, sizeof SYNC_PATH_RECEIPT - 1}, EXCHANGE_POST, true, serve_receipt},
        {{SYNC_PATH_RECALL_DONE, sizeof SYNC_PATH_RECALL_DONE - 1}, EXCHANGE_POST, true, serve_recall_done},
        {{SYNC_PATH_CARD, sizeof SYNC_PATH_CARD - 1}, EXCHANGE_POST, false, serve_card},
        {{SYNC_PATH_RECONCILE, sizeof SYNC_PATH_RECONCILE - 1}, EXCHANGE_POST, false, serve_reconcile},
        {{SYNC_PATH_FETCH, sizeof SYNC_PATH_FETCH - 1}, EXCHANGE_POST, false, serve_fetch}};
    struct str resource = resource_of(request->path, out_urgent);
    if (str_starts(resource, name_in(STR(SYNC_PATH_LEDGER))) && request->method == EXCHANGE_GET)
        return do_ledger;
    if (str_starts(request->path, STR(SYNC_PATH_LOG)) && request->method == EXCHANGE_GET)
        return do_log;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_eq(resource, name_in(rows[i].path)) && request->method == rows[i].method &&
            (rows[i].urgent || !*out_urgent))
            return rows[i].handle == serve_card && sync_own_number(serve->own) == 0 ? NULL : rows[i].handle;
    return NULL;
}

/* From somebody who is known; -1: a stranger. */
static void dispatch(struct sync_serve *serve, int partner, const struct exchange_request *request,
                     int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    bool urgent;
    handler *handle = handler_of(serve, request, &urgent);
    if (partner < 0 && handle == serve_card)
        partner = serve_whose_card(serve, request, now_us);
    if (partner < 0 || handle == NULL) {
        serve_answer_status(response, NEUTRAL);
        return;
    }
    if (handle != do_hello && handle != serve_card &&
        sync_own_enough(serve->own, &serve->partners[partner].cards.present, NULL) != ERR_OK)
        handle = refuse_suite; /* hello says why */
    unsigned number = urgent ? gate_urgent((unsigned)partner) : (unsigned)partner;
    serve->partners[partner].served.seen_us = now_us;
    handle(serve, number, request, now_us, response, out_commit);
}

void sync_serve_handle(struct sync_serve *serve, const struct exchange_request *request, int64_t now_us,
                       struct exchange_response *response, bool *out_commit)
{
    unsigned which = PRESENT;
    int partner = serve_partner_of(serve, request, now_us, &which);
    *out_commit = false;
    if (partner >= 0 && which == NEXT)
        serve_turn_card(serve, (unsigned)partner, now_us, out_commit);
    dispatch(serve, partner, request, now_us, response, out_commit);
}

void sync_serve_carried(struct sync_serve *serve, unsigned partner, const struct exchange_request *request,
                        int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    must(partner < LIMIT_PARTNERS);
    struct sync_served *served = &serve->partners[partner].served, before = *served;
    *out_commit = false;
    dispatch(serve, serve_admits(serve, partner, now_us) ? (int)partner : -1, request, now_us, response,
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
    bool in = serve_admits(serve, gate_ledger_partner(number), now_us);
    err_t err = gate_ledger(serve->gate, number, &ledger);
    bool changed = !in || err != ERR_OK || ledger.origin.epoch != waiting->feed.epoch ||
                   ledger.visible != waiting->feed.from;
    if (!changed && waiting->until_us > now_us)
        return false;
    exchange_response_init(out, waiting->id, LIMIT_SYNC_PAGE_BYTES);
    if (!in)
        serve_answer_status(out, NEUTRAL);
    else if (err != ERR_OK)
        serve_answer_body(serve, out, err);
    else if (ledger.origin.epoch != waiting->feed.epoch || ledger.visible < waiting->feed.from)
        serve_answer_status(out, AGAIN);
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
    return serve_reconcile_next(serve, now_us, out);
}

int64_t sync_serve_deadline(const struct sync_serve *serve)
{
    int64_t least = serve_reconcile_deadline(serve);
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
    serve_reconcile_forget(serve, request_id);
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
