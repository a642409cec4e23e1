#include "app/command.h"

#include <stdio.h>

#include "core/suggest.h"
#include "gate/words.h"
#include "sync/cards.h"

static const struct command *const tables[] = {
    command_source_rows,     command_peer_rows,    command_policy_rows,    command_object_rows,
    command_quarantine_rows, command_ledger_rows,  command_status_rows,    command_taxii_rows,
    command_feed_rows,       command_find_rows,    command_misp_rows,      command_access_rows,
    command_extension_rows,  command_guard_rows,   command_inbound_rows,   command_list_rows,
    command_spill_rows,      command_privacy_rows, command_retention_rows, command_recall_rows,
    command_bundle_rows,     command_rival_rows,   command_log_rows,       command_word_rows,
    command_copies_rows,
};

const struct command *command_find(struct str name)
{
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (const struct command *row = tables[t]; row->name != NULL; row++)
            if (str_eq(name, str_of(row->name)))
                return row;
    return NULL;
}

err_t command_refuse(struct command_call *call, err_t err, const char *next, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(call->what, sizeof call->what, fmt, args);
    va_end(args);
    call->next = next;
    return err;
}

err_t command_text(struct command_call *call, const char *name, struct str *out)
{
    if (json_get_str(call->args, str_of(name), out) && out->len > 0)
        return ERR_OK;
    return command_refuse(call, ERR_USAGE, NULL, "%s is missing", name);
}

err_t command_none_empty(struct command_call *call)
{
    struct json_iter iter = json_object_iter(call->args);
    struct json_val value;
    struct str name;
    while (json_object_next(&iter, &name, &value))
        if (json_is(value, JSON_STRING) && json_str(value).len == 0)
            return command_refuse(call, ERR_USAGE, "leave it out, or give it a value", "--%.*s is empty",
                                  name.len > 64 ? 64 : (int)name.len, name.at);
    return ERR_OK;
}

struct str command_text_or_empty(const struct command_call *call, const char *name)
{
    struct str text = {NULL, 0};
    (void)json_get_str(call->args, str_of(name), &text);
    return text;
}

bool command_flag(const struct command_call *call, const char *name)
{
    struct json_val value;
    return json_get(call->args, str_of(name), &value) && json_is(value, JSON_TRUE);
}

/* What a partner's card says is the partner's own word: it may help a person, and it never chooses. */
static err_t no_partner(struct command_call *call, struct str name)
{
    struct gate *gate = call->host->gate;
    struct sync_cards cards;
    for (unsigned i = 0; i < gate_peer_count(gate); i++) {
        const struct gate_peer *peer = gate_peer_get(gate, i);
        if (peer->state != GATE_PEER_REMOVED && sync_cards_load(gate, i, &cards, NULL) == ERR_OK &&
            name.len > 0 && str_eq(name, str_of(cards.present.known_as)))
            return command_refuse(call, ERR_NOTFOUND, "commands take the name of its view",
                                  "there is no partner %.*s; the card of %.*s says that its node goes by "
                                  "that name now",
                                  STR_ARG(name), STR_ARG(peer->audience));
    }
    return command_refuse(call, ERR_NOTFOUND, "`bongsu peer list` names them", "there is no partner %.*s",
                          STR_ARG(name));
}

err_t command_partner(struct command_call *call, const char *name, const struct gate_peer **out)
{
    struct str audience;
    err_t err = command_text(call, name, &audience);
    if (err != ERR_OK)
        return err;
    const struct gate_peer *peer = gate_peer_find(call->host->gate, audience);
    if (peer == NULL || peer->state == GATE_PEER_REMOVED)
        return no_partner(call, audience);
    *out = peer;
    return ERR_OK;
}

err_t command_card_enough(struct command_call *call, const struct sync_card *card)
{
    struct fault fault = {0};
    err_t err = sync_card_enough(card, call->host->conf->minimum, &fault);
    return err == ERR_OK ? err
                         : command_refuse(call, err,
                                          "its node must be made anew (bongsu init --suite), or "
                                          "minimum-suite in bongsu.yaml be lowered",
                                          "the card is refused: %s", fault.what);
}

err_t command_ledger(struct command_call *call, const struct gate_peer **out_peer, unsigned *out_number)
{
    err_t err = command_partner(call, "audience", out_peer);
    if (err == ERR_OK)
        *out_number = command_flag(call, "urgent") ? gate_urgent((*out_peer)->index) : (*out_peer)->index;
    return err;
}

err_t command_object(struct command_call *call, const char *name, struct stix_key *out)
{
    struct str id;
    err_t err = command_text(call, name, &id);
    if (err != ERR_OK)
        return err;
    if (!stix_id_parse(id, out))
        return command_refuse(call, ERR_USAGE, "an identifier is a type, -- and a UUID",
                              "%.*s is not a STIX identifier", id.len > 100 ? 100 : (int)id.len, id.at);
    return ERR_OK;
}

err_t command_tlp(struct command_call *call, const char *name, enum stix_tlp *out)
{
    struct str text;
    err_t err = command_text(call, name, &text);
    if (err != ERR_OK)
        return err;
    if (str_starts(text, STR("tlp:")))
        text = (struct str) {text.at + 4, text.len - 4};
    if (!stix_tlp_from_name(text, out))
        return command_refuse(call, ERR_USAGE, "tlp:clear, green, amber, amber+strict or red",
                              "%s: %.*s is not a TLP level", name, text.len > 50 ? 50 : (int)text.len,
                              text.at);
    return ERR_OK;
}

err_t command_time(struct command_call *call, const char *name, int64_t otherwise, int64_t *out)
{
    char whole[48];
    struct stamp stamp;
    struct str text = command_text_or_empty(call, name);
    if (text.len == 0) {
        *out = otherwise;
        return ERR_OK;
    }
    if (text.len == 10) { /* a day */
        memcpy(whole, text.at, 10);
        memcpy(whole + 10, "T00:00:00Z", 10);
        text = (struct str) {whole, 20};
    }
    if (stamp_parse(text, &stamp, NULL) != ERR_OK)
        return command_refuse(call, ERR_USAGE, "2026-11-30 or 2026-11-30T08:00:00Z", "--%s is no time", name);
    *out = stamp_us(stamp);
    return ERR_OK;
}

err_t command_source(struct command_call *call, const char *name, uint32_t *out)
{
    struct str text = command_text_or_empty(call, name);
    if (text.len == 0)
        return ERR_OK;
    const struct gate_source *source = gate_source_find(call->host->gate, text);
    if (source == NULL) {
        struct str nearest = STR("");
        bool near = command_source_nearest(call->host->gate, text, &nearest);
        return command_refuse(call, ERR_NOTFOUND, "`bongsu source list` names them",
                              "there is no source %.*s%s%.*s%s", text.len > 100 ? 100 : (int)text.len,
                              text.at, near ? "; did you mean " : "", STR_ARG(nearest), near ? "?" : "");
    }
    *out = source->number;
    return ERR_OK;
}

bool command_source_nearest(const struct gate *gate, struct str name, struct str *out)
{
    struct suggest suggest = suggest_for(name);
    for (uint32_t number = 1; number <= gate_source_count(gate); number++) {
        const struct gate_source *source = gate_source_get(gate, number);
        if (source != NULL && source->partner < 0 && !str_eq(source->name, name))
            suggest_try(&suggest, source->name);
    }
    if (suggest.best.at != NULL)
        *out = suggest.best;
    return suggest.best.at != NULL;
}

struct gate_by command_by(const struct command_call *call)
{
    struct str because = command_text_or_empty(call, "because");
    if (because.len > RECORD_TEXT_MAX)
        because.len = RECORD_TEXT_MAX;
    return (struct gate_by) {call->who, because};
}

struct str command_words(struct command_call *call, struct str words)
{
    struct str said;
    err_t err = gate_words(call->host->gate, words, call->arena, &said);
    return err == ERR_OK ? said : STR("(the words cannot be opened: run `bongsu check`)");
}

/* --- lines --- */

static void member(struct buf *out, const char *name)
{
    if (out->len > 0 && out->at[out->len - 1] != '{')
        buf_putc(out, ',');
    json_write_str(out, str_of(name));
    buf_putc(out, ':');
}

void line_begin(struct buf *out)
{
    buf_putc(out, '{');
}

void line_text(struct buf *out, const char *name, struct str value)
{
    member(out, name);
    if (str_is_utf8(value))
        json_write_str(out, value);
    else
        json_write_str(out, STR("(not UTF-8)"));
}

void line_json(struct buf *out, const char *name, struct str json)
{
    member(out, name);
    buf_put_str(out, json);
}

void line_word(struct buf *out, const char *name, const char *value)
{
    line_text(out, name, str_of(value));
}

void line_count(struct buf *out, const char *name, uint64_t value)
{
    member(out, name);
    buf_printf(out, "%llu", (unsigned long long)value);
}

void line_bool(struct buf *out, const char *name, bool value)
{
    member(out, name);
    buf_printf(out, "%s", value ? "true" : "false");
}

void line_time(struct buf *out, const char *name, int64_t time_us)
{
    char text[TIME_TEXT_SIZE];
    if (time_us == 0 || time_us == INT64_MAX)
        return;
    time_text(time_us, text);
    line_word(out, name, text);
}

void line_version(struct buf *out, uint64_t lsn, struct stamp version)
{
    line_count(out, "number", lsn);
    if (stamp_us(version) != 0) /* an observable has none */
        line_time(out, "version", stamp_us(version));
}

void line_hash(struct buf *out, const char *name, const struct hash *hash)
{
    char text[44];
    must(str_base64(hash->b, HASH_SIZE, text) == sizeof text);
    line_text(out, name, (struct str) {text, sizeof text});
}

void line_base64(struct buf *out, const char *name, struct bytes bytes)
{
    char text[(LIMIT_VOUCHER_BYTES + 2) / 3 * 4];
    must(bytes.len <= LIMIT_VOUCHER_BYTES);
    line_text(out, name, (struct str) {text, str_base64(bytes.at, bytes.len, text)});
}

void line_end(struct buf *out)
{
    buf_putc(out, '}');
    buf_putc(out, '\n');
}

void line_say(struct buf *out, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    line_begin(out);
    line_word(out, "say", text);
    line_end(out);
}
