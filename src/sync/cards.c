#include "sync/cards.h"

#include <stdio.h>

#include "core/rd.h"
#include "core/wr.h"
#include "sync/wire.h"

static const int64_t DAY_US = INT64_C(86400000000), HOUR_US = INT64_C(3600000000);
static const struct gate_by by_line = {{"link", 4}, {"a card that its root key signed", 31}};

enum { SETTING_KEY_MAX = 96 };

static struct str setting_key(const char *what, const struct gate_peer *peer, char out[SETTING_KEY_MAX])
{
    int len = snprintf(out, SETTING_KEY_MAX, "card/%s/%.*s", what, STR_ARG(peer->audience));
    return (struct str) {out, (size_t)len};
}

/* --- what is held of a partner --- */

static bool next_load(struct gate *gate, const struct gate_peer *peer, struct buf *out)
{
    char key[SETTING_KEY_MAX];
    return gate_setting_get(gate, setting_key("next", peer, key), out) && out->len > 0;
}

err_t sync_cards_load(struct gate *gate, unsigned partner, struct sync_cards *out, struct fault *fault)
{
    const struct gate_peer *peer = gate_peer_get(gate, partner);
    struct buf text;
    if (peer == NULL || peer->card.len == 0)
        return ERR_NOTFOUND;
    err_t err = sync_card_parse(str_from_bytes(peer->card), &out->present, fault);
    if (err != ERR_OK)
        return err;
    buf_init(&text, LIMIT_CARD_BYTES);
    out->has_next = next_load(gate, peer, &text);
    /* It was verified when it was put there; what is damaged since, or was overtaken by hand, is none. */
    if (out->has_next)
        out->has_next = sync_card_parse(buf_str(&text), &out->next, NULL) == ERR_OK &&
                        sync_card_replaces(&out->present, &out->next, NULL) == ERR_OK;
    buf_deinit(&text);
    return ERR_OK;
}

uint64_t sync_cards_newest(const struct sync_cards *cards)
{
    return cards->has_next ? cards->next.number : cards->present.number;
}

bool sync_cards_next_valid(const struct sync_cards *cards, int64_t now_us)
{
    return cards->has_next && sync_card_valid(&cards->next, now_us, NULL) == ERR_OK;
}

bool sync_cards_overdue(const struct sync_cards *cards, int64_t now_us)
{
    return cards->has_next && now_us >= cards->next.issued_us + DAY_US;
}

/* --- taking --- */

static err_t next_put(struct gate *gate, const struct gate_peer *peer, struct str whole,
                      const struct gate_by *by, int64_t now_us)
{
    char key[SETTING_KEY_MAX];
    return gate_setting_put(gate, setting_key("next", peer, key), bytes_from_str(whole), by, now_us);
}

static err_t present_put(struct gate *gate, unsigned partner, struct str whole, const struct sync_card *card,
                         bool had_next, const struct gate_by *by, int64_t now_us)
{
    const struct gate_peer *peer = gate_peer_get(gate, partner);
    struct str none = {NULL, 0};
    unsigned index;
    err_t err = gate_peer_put(gate, peer->audience, str_of(card->node), str_of(card->country),
                              bytes_from_str(whole), by, now_us, &index);
    if (err != ERR_OK || !had_next)
        return err;
    return next_put(gate, gate_peer_get(gate, partner), none, by, now_us);
}

static err_t fits(const struct sync_cards *held, const struct sync_card *card, bool by_hand, int64_t now_us,
                  struct fault *fault)
{
    err_t err = sync_card_replaces(&held->present, card, fault);
    if (err == ERR_OK && held->has_next)
        err = sync_card_replaces(&held->next, card, fault);
    if (err != ERR_OK)
        return err;
    if (now_us >= card->expires_us)
        return fault_set(fault, ERR_EXPIRED, 0, "card %llu of %s is over already",
                         (unsigned long long)card->number, card->node);
    if (!by_hand && strcmp(held->present.country, card->country) != 0)
        return fault_set(fault, ERR_CONFLICT, 0, "card %llu of %s names another country",
                         (unsigned long long)card->number, card->node);
    return ERR_OK;
}

static bool keeps_pace(struct sync_pace *pace, int64_t now_us)
{
    if (now_us < pace->since_us || now_us - pace->since_us >= HOUR_US)
        *pace = (struct sync_pace) {.since_us = now_us};
    return pace->taken++ < LIMIT_CARDS_HOUR;
}

err_t sync_cards_take(struct gate *gate, unsigned partner, struct str whole, struct sync_pace *pace,
                      const struct gate_by *by, int64_t now_us, enum sync_card_taken *out,
                      struct fault *fault)
{
    struct sync_cards held;
    struct sync_card card;
    err_t err;
    if (TRY(err, sync_card_parse(whole, &card, fault)) ||
        TRY(err, sync_cards_load(gate, partner, &held, fault)))
        return err;
    if (TRY(err, fits(&held, &card, pace == NULL, now_us, fault))) {
        if (err == ERR_EXISTS)
            *out = SYNC_CARD_KNOWN;
        return err == ERR_EXISTS ? ERR_OK : err;
    }
    if (pace != NULL && !keeps_pace(pace, now_us))
        return fault_set(fault, ERR_BUSY, 0, "more than %d cards in an hour", LIMIT_CARDS_HOUR);
    bool ahead = card.issued_us > now_us;
    err = ahead ? next_put(gate, gate_peer_get(gate, partner), whole, by == NULL ? &by_line : by, now_us)
                : present_put(gate, partner, whole, &card, held.has_next, by == NULL ? &by_line : by, now_us);
    if (err == ERR_OK)
        *out = ahead ? SYNC_CARD_AHEAD : SYNC_CARD_PRESENT;
    return err;
}

err_t sync_cards_turn(struct gate *gate, unsigned partner, int64_t now_us)
{
    const struct gate_peer *peer = gate_peer_get(gate, partner);
    struct sync_card card;
    struct buf text;
    err_t err = ERR_OK;
    buf_init(&text, LIMIT_CARD_BYTES);
    if (peer != NULL && next_load(gate, peer, &text)) {
        err = sync_card_parse(buf_str(&text), &card, NULL);
        if (err == ERR_OK)
            err = present_put(gate, partner, buf_str(&text), &card, true, &by_line, now_us);
    }
    buf_deinit(&text);
    return err;
}

/* --- what a partner holds of ours --- */

uint64_t sync_cards_told(const struct gate *gate, unsigned partner)
{
    const struct gate_peer *peer = gate_peer_get(gate, partner);
    char key[SETTING_KEY_MAX];
    struct buf value;
    uint64_t number = 0;
    buf_init(&value, 16);
    if (peer != NULL && gate_setting_get(gate, setting_key("told", peer, key), &value)) {
        struct rd rd = rd_of(buf_bytes(&value));
        number = rd_u64(&rd);
        number = rd_end(&rd) == ERR_OK ? number : 0;
    }
    buf_deinit(&value);
    return number;
}

err_t sync_cards_told_put(struct gate *gate, unsigned partner, uint64_t number, uint64_t newest,
                          int64_t now_us, bool *out_logged)
{
    const struct gate_peer *peer = gate_peer_get(gate, partner);
    static const struct gate_by by = {{"link", 4}, {"said over it", 12}};
    char key[SETTING_KEY_MAX];
    uint8_t raw[8];
    *out_logged = false;
    if (peer == NULL || number > newest || number <= sync_cards_told(gate, partner))
        return ERR_OK;
    wr_at_u64(raw, number);
    err_t err =
        gate_setting_put(gate, setting_key("told", peer, key), bytes_of(raw, sizeof raw), &by, now_us);
    *out_logged = err == ERR_OK;
    return err;
}

/* --- ours --- */

err_t sync_own_enough(const struct sync_own *own, const struct sync_card *card, struct fault *fault)
{
    return sync_card_enough(card, own == NULL ? 0 : own->minimum, fault);
}

uint64_t sync_own_number(const struct sync_own *own)
{
    return own == NULL || own->card_text.len == 0 ? 0 : own->has_next ? own->next.number : own->card.number;
}

void sync_own_write(const struct sync_own *own, uint64_t held, struct buf *out)
{
    struct sync_shown shown = {.held = held, .count = own->has_next ? 2 : 1};
    shown.cards[0] = buf_str(&own->card_text);
    shown.cards[1] = buf_str(&own->next_text);
    sync_shown_write(out, &shown);
}
