/* Reading bundles: a client hands in a volume record by record; pages go the way of those that came by the
 * network (sync/session.h), and a record is answered when what it completed is durable. */
#include <stdio.h>

#include "app/core_state.h"
#include "core/mem.h"
#include "sync/bundle.h"

enum bundling_state {
    BUNDLING_OPENING, /* the key is being taken out by the keeper */
    BUNDLING_READING, /* the client may send */
    BUNDLING_PAGE,    /* a page waits to be taken over... */
    BUNDLING_DURABLE, /* ...and to be durable, up to `target` */
};

struct bundling {
    uint32_t client;
    unsigned partner;
    enum bundling_state state;
    int64_t until_us;
    uint32_t ticket;
    struct bundle_head head; /* its strings point into `text` */
    struct buf text;
    struct hash bound;
    struct bundle_reader *reader;
    struct buf page;
    uint64_t page_from, target;
    bool over; /* the volume was read to its end */
    uint64_t taken, skipped, refused_before;
};

static struct bundling **slot_of(struct core_role *role, uint32_t client)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (role->bundlings[i] != NULL && role->bundlings[i]->client == client)
            return &role->bundlings[i];
    return NULL;
}

static void bundling_free(struct core_role *role, struct bundling *bundling)
{
    if (bundling == NULL)
        return;
    core_bundle_drop(role, bundling->ticket);
    bundle_reader_free(bundling->reader);
    buf_deinit(&bundling->page);
    buf_deinit(&bundling->text);
    mem_free(bundling);
}

static void bundling_end(struct core_role *role, struct bundling **slot)
{
    bundling_free(role, *slot);
    *slot = NULL;
}

/* The last line. */
static void say_done(struct core_role *role, struct bundling **slot, err_t err, const char *what,
                     const char *next)
{
    struct buf out;
    buf_init(&out, LIMIT_CONTROL_LINE_BYTES);
    core_write_done(&out, err, what, next);
    core_lines_send(role, (*slot)->client, LINES_LAST, buf_bytes(&out));
    buf_deinit(&out);
    bundling_end(role, slot);
}

/* --- the head --- */

static const struct gate_peer *issuer_find(const struct gate *gate, struct str node)
{
    for (unsigned i = 0; i < gate_peer_count(gate); i++) {
        const struct gate_peer *peer = gate_peer_get(gate, i);
        if (peer != NULL && peer->state != GATE_PEER_REMOVED && str_eq(peer->node, node))
            return peer;
    }
    return NULL;
}

/* By the present card, or by the next one where that is believed already. */
static err_t head_open(struct bundling *bundling, const struct sync_cards *cards, int64_t now_us,
                       struct fault *fault)
{
    struct str text = buf_str(&bundling->text);
    err_t err = sync_card_valid(&cards->present, now_us, fault);
    if (err == ERR_OK)
        err = bundle_head_open(text, &cards->present, &bundling->head, fault);
    if (err != ERR_OK && sync_cards_next_valid(cards, now_us) &&
        bundle_head_open(text, &cards->next, &bundling->head, NULL) == ERR_OK)
        return ERR_OK;
    return err;
}

/* Whose it is, by his own signature, and that it is for us. */
static err_t head_check(struct command_call *call, struct bundling *bundling,
                        const struct gate_peer **out_peer)
{
    struct core_role *role = call->host->ctx;
    struct note note;
    struct ledger_origin origin;
    struct sync_cards cards;
    struct fault fault = {0};
    err_t err;
    if (TRY(err, note_parse(buf_str(&bundling->text), &note, &fault)) ||
        TRY(err, bundle_head_read(note.text, &bundling->head, &fault)) ||
        TRY(err, ledger_origin_parse(bundling->head.origin, &origin)))
        return command_refuse(call, err, "ask for the file again", "this is no bundle: %s",
                              fault.what[0] == '\0' ? err_text(err) : fault.what);
    const struct gate_peer *peer = issuer_find(role->gate, origin.issuer);
    if (peer == NULL)
        return command_refuse(call, ERR_NOTFOUND, "bongsu peer add CARD",
                              "it is of %.*s, who is no partner here", STR_ARG(origin.issuer));
    if (TRY(err, sync_cards_load(role->gate, peer->index, &cards, &fault)) ||
        TRY(err, head_open(bundling, &cards, call->now_us, &fault)))
        return command_refuse(call, err, "ask for the file again, and compare the cards", "%s", fault.what);
    if (TRY(err, command_card_enough(call, &cards.present)))
        return err;
    if (!str_eq(bundling->head.recipient, str_of(role->conf->node)))
        return command_refuse(call, ERR_DENIED, "give it to that node", "it is sealed to %.*s",
                              STR_ARG(bundling->head.recipient));
    *out_peer = peer;
    return ERR_OK;
}

static struct sync_session *session_of(const struct core_role *role, unsigned partner,
                                       struct sync_status *status)
{
    struct sync_session *session = role->follows[partner].session;
    if (session != NULL)
        sync_session_status(session, status);
    return session;
}

/* Entries that are missing before this volume, and where they are. */
static err_t gap_refuse(struct command_call *call, const struct bundle_head *head, uint64_t held)
{
    const struct bundle_plan *plan = &head->plan;
    unsigned first = 0;
    char where[64] = "an earlier bundle";
    for (unsigned i = 1; i < head->volume && first == 0; i++)
        if (plan->cuts[i] > held)
            first = i;
    if (held >= plan->cuts[0] && first + 1 < head->volume)
        (void)snprintf(where, sizeof where, "volumes %u to %u of %u", first, head->volume - 1, plan->volumes);
    else if (held >= plan->cuts[0])
        (void)snprintf(where, sizeof where, "volume %u of %u", first, plan->volumes);
    return command_refuse(call, ERR_WRONGSTATE, "read what is missing first, or ask for it",
                          "entries %llu..%llu are missing: %s", (unsigned long long)held,
                          (unsigned long long)(bundle_from(head) - 1), where);
}

/* The volume begins where we stand, or before. True: there is something in it that is not held. */
static err_t place_check(struct command_call *call, struct bundling *bundling, const struct gate_peer *peer,
                         bool *out_new)
{
    struct core_role *role = call->host->ctx;
    struct sync_status status;
    struct sync_session *session = session_of(role, peer->index, &status);
    if (session == NULL)
        return command_refuse(call, ERR_WRONGSTATE, "bongsu peer start, bongsu serve",
                              "the ledger of %.*s is not followed now", STR_ARG(peer->audience));
    if (status.state == SYNC_ALARM)
        return command_refuse(call, ERR_PROOF, status.trouble.next, "the link is stopped: %s",
                              status.trouble.what);
    if (status.held > 0 && !str_eq(status.origin, bundling->head.origin))
        return command_refuse(call, ERR_CONFLICT, "ask the issuer why",
                              "it is of the ledger %.*s, and %.*s is followed",
                              STR_ARG(bundling->head.origin), STR_ARG(status.origin));
    if (bundle_from(&bundling->head) > status.held)
        return gap_refuse(call, &bundling->head, status.held);
    *out_new = bundle_to(&bundling->head) > status.held;
    bundling->partner = peer->index;
    bundling->refused_before = status.refused;
    return ERR_OK;
}

static void say_place(struct core_role *role, const struct bundling *bundling, const char *word,
                      uint8_t flags)
{
    const struct gate_peer *peer = gate_peer_get(role->gate, bundling->partner);
    struct sync_status status = {.held = 0};
    struct buf out;
    (void)session_of(role, bundling->partner, &status);
    buf_init(&out, LIMIT_CONTROL_LINE_BYTES);
    line_begin(&out);
    line_bool(&out, word, true);
    line_text(&out, "partner", peer->audience);
    line_count(&out, "volume", bundling->head.volume);
    line_count(&out, "volumes", bundling->head.plan.volumes);
    line_count(&out, "from", bundle_from(&bundling->head));
    line_count(&out, "to", bundle_to(&bundling->head));
    line_count(&out, "held", status.held);
    line_count(&out, "taken", bundling->taken);
    line_count(&out, "skipped", bundling->skipped);
    line_count(&out, "refused", status.refused - bundling->refused_before);
    line_end(&out);
    if ((flags & LINES_LAST) != 0)
        core_write_done(&out, ERR_OK, NULL, NULL);
    core_lines_send(role, bundling->client, flags, buf_bytes(&out));
    buf_deinit(&out);
}

static err_t begin(struct command_call *call, struct bundling *bundling, bool *out_new)
{
    struct core_role *role = call->host->ctx;
    const struct gate_peer *peer;
    struct str head;
    err_t err;
    if (TRY(err, command_text(call, "head", &head)))
        return err;
    buf_init(&bundling->text, LIMIT_BUNDLE_HEAD_BYTES);
    buf_put_str(&bundling->text, head);
    if (TRY(err, buf_err(&bundling->text)))
        return command_refuse(call, err, NULL, "this is no bundle");
    if (TRY(err, head_check(call, bundling, &peer)) || TRY(err, place_check(call, bundling, peer, out_new)) ||
        !*out_new)
        return err;
    bundling->bound = bundle_bound(buf_str(&bundling->text));
    bundling->ticket = core_bundle_ask(role, true, buf_str(&bundling->text));
    return bundling->ticket != 0 ? ERR_OK
                                 : command_refuse(call, ERR_WRONGSTATE, "see bongsu status",
                                                  "the keeper, who has the key, cannot be asked now");
}

err_t core_bundle_begin(struct core_role *role, struct command_call *call, uint32_t client)
{
    struct bundling **slot = NULL;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS && slot == NULL; i++)
        if (role->bundlings[i] == NULL)
            slot = &role->bundlings[i];
    struct bundling *bundling = slot == NULL ? NULL : mem_alloc(sizeof *bundling);
    if (bundling == NULL)
        return command_refuse(call, ERR_BUSY, "try again later", "too many bundles at once");
    bool is_new = false;
    bundling->client = client;
    bundling->until_us = call->now_us + LIMIT_BUNDLE_WAIT_US;
    buf_init(&bundling->page, LIMIT_SYNC_PAGE_BYTES);
    err_t err = begin(call, bundling, &is_new);
    if (err == ERR_OK && is_new) {
        *slot = bundling;
        core_wake(role);
        return ERR_OK;
    }
    if (err == ERR_OK) {
        bundling->skipped = bundle_to(&bundling->head) - bundle_from(&bundling->head);
        say_place(role, bundling, "held_already", LINES_LAST);
    }
    bundling_free(role, bundling);
    return err;
}

/* --- records --- */

static void opened(struct core_role *role, struct bundling **slot)
{
    struct bundling *bundling = *slot;
    struct sealed_key key = {.suite = (uint16_t)bundling->head.suite};
    struct buf answer;
    buf_init(&answer, sizeof key);
    err_t err = core_bundle_answer(role, bundling->ticket, &answer);
    if (err != ERR_BUSY)
        bundling->ticket = 0;
    if (err == ERR_OK && answer.len != sizeof key.b)
        err = ERR_CORRUPT;
    if (err == ERR_OK) {
        memcpy(key.b, answer.at, sizeof key.b);
        err = bundle_reader_new(&bundling->head, &bundling->bound, &key, &bundling->reader);
        mem_wipe(&key, sizeof key);
    }
    if (answer.at != NULL)
        mem_wipe(answer.at, answer.size);
    buf_deinit(&answer);
    if (err == ERR_OK) {
        bundling->state = BUNDLING_READING;
        say_place(role, bundling, "ready", 0);
    } else if (err != ERR_BUSY) {
        say_done(role, slot, err, "the seal of the volume does not open with this node's key",
                 "ask for it anew: it was changed, or sealed to an older card");
    }
}

/* Everything of the page is held already: nothing to do. */
static bool page_pass(struct bundling *bundling, const struct sync_status *status)
{
    uint64_t count = bundling->target - bundling->page_from;
    if (bundling->target <= status->verified) {
        bundling->skipped += count;
        return true;
    }
    uint64_t held = status->verified > bundling->page_from ? status->verified - bundling->page_from : 0;
    bundling->skipped += held;
    bundling->taken += count - held;
    return false;
}

static void page_take(struct core_role *role, struct bundling **slot)
{
    struct bundling *bundling = *slot;
    struct sync_status status;
    struct fault fault = {0};
    struct sync_session *session = session_of(role, bundling->partner, &status);
    if (session == NULL) {
        say_done(role, slot, ERR_CLOSED, "the link was stopped meanwhile",
                 "bongsu peer start, then read it again");
        return;
    }
    struct bundling before = {.taken = bundling->taken, .skipped = bundling->skipped};
    if (page_pass(bundling, &status)) {
        bundling->state = BUNDLING_DURABLE; /* it may have been verified, and not be durable yet */
        return;
    }
    err_t err = sync_session_carried(session, bundling->head.origin, &bundling->page, core_now(role), &fault);
    if (err == ERR_OK) {
        bundling->state = BUNDLING_DURABLE;
        core_wake(role);
        return;
    }
    bundling->taken = before.taken;
    bundling->skipped = before.skipped;
    if (err != ERR_BUSY)
        say_done(role, slot, err, fault.what[0] == '\0' ? err_text(err) : fault.what,
                 err == ERR_PROOF ? "equivocation: keep the file, and tell the issuer and oversight"
                                  : "nothing of this page was taken; ask for the volume again");
}

static void page_wait(struct core_role *role, struct bundling **slot)
{
    struct bundling *bundling = *slot;
    struct sync_status status;
    struct sync_session *session = session_of(role, bundling->partner, &status);
    if (session == NULL || status.state == SYNC_IDLE || status.state == SYNC_ALARM) {
        say_done(role, slot, ERR_CLOSED, "the link was stopped meanwhile", "bongsu status says why");
    } else if (status.held >= bundling->target) {
        bundling->state = BUNDLING_READING;
        buf_clear(&bundling->page);
        say_place(role, bundling, "page", LINES_BATCH);
    }
}

static void record_take(struct core_role *role, struct bundling **slot, struct bytes record)
{
    struct bundling *bundling = *slot;
    struct fault fault = {0};
    enum bundle_took took;
    err_t err = bundle_reader_take(bundling->reader, record, &took, &fault);
    if (err != ERR_OK) {
        say_done(role, slot, err, fault.what, "nothing of this page was taken; ask for the volume again");
        return;
    }
    bundling->over = took == BUNDLE_END;
    if (took != BUNDLE_PAGE) {
        static const char more[] = "{\"more\":true}\n";
        core_lines_send(role, bundling->client, LINES_BATCH, bytes_of(more, sizeof more - 1));
        return;
    }
    bundle_reader_page(bundling->reader, &bundling->page_from, &bundling->target, &bundling->page);
    bundling->state = BUNDLING_PAGE;
    bundling->until_us = core_now(role) + LIMIT_BUNDLE_WAIT_US;
    page_take(role, slot);
    if (*slot != NULL && (*slot)->state == BUNDLING_DURABLE)
        page_wait(role, slot);
}

void core_bundle_batch(struct core_role *role, uint32_t client, struct bytes record)
{
    struct bundling **slot = slot_of(role, client);
    if (slot == NULL)
        return;
    if ((*slot)->state != BUNDLING_READING) {
        say_done(role, slot, ERR_WRONGSTATE, "a record came before the one before it was answered", NULL);
    } else if (record.len > 0) {
        record_take(role, slot, record);
    } else if ((*slot)->over) {
        say_place(role, *slot, "read", LINES_LAST);
        bundling_end(role, slot);
    } else {
        char what[FAULT_WHAT_MAX];
        (void)snprintf(what, sizeof what, "the file ends behind entry %llu: it was cut",
                       (unsigned long long)bundle_reader_at((*slot)->reader));
        say_done(role, slot, ERR_SHORT, what, "ask for the volume again; what stood before is taken over");
    }
}

void core_bundle_turn(struct core_role *role)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        struct bundling **slot = &role->bundlings[i];
        if (*slot == NULL || (*slot)->state == BUNDLING_READING)
            continue;
        if ((*slot)->state == BUNDLING_OPENING)
            opened(role, slot);
        else if ((*slot)->state == BUNDLING_PAGE)
            page_take(role, slot);
        else
            page_wait(role, slot);
        if (*slot != NULL && (*slot)->state != BUNDLING_READING && core_now(role) > (*slot)->until_us)
            say_done(role, slot, ERR_TIMEOUT, "this node could not take the page over in time",
                     "see bongsu status; then read the volume again");
    }
}

int64_t core_bundle_until(const struct core_role *role)
{
    int64_t until_us = INT64_MAX;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (role->bundlings[i] != NULL && role->bundlings[i]->state != BUNDLING_READING &&
            role->bundlings[i]->until_us < until_us)
            until_us = role->bundlings[i]->until_us;
    return until_us;
}

void core_bundle_gone(struct core_role *role, uint32_t client)
{
    struct bundling **slot = slot_of(role, client);
    if (slot != NULL)
        bundling_end(role, slot);
}

void core_bundles_close(struct core_role *role)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        bundling_end(role, &role->bundlings[i]);
}
