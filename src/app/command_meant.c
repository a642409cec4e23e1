/* Identifiers that partners have of objects that left changed, taken for what they stand for here. For the
 * operators of this node alone: no line of it goes to a partner. */
#include "app/command.h"

#include <stdio.h>

#include "core/stamp.h"
#include "gate/spill.h"

void command_id_text(const struct stix_key *key, char out[COMMAND_ID_SIZE])
{
    const char *name = "";
    for (unsigned code = 0; code < STIX_TYPE_COUNT && name[0] == '\0'; code++) {
        const struct stix_type *row = stix_type_row((enum stix_code)code);
        if (memcmp(row->digest, key->b + 16, STIX_TYPE_DIGEST_SIZE) == 0)
            name = row->name;
    }
    const uint8_t *b = key->b;
    (void)snprintf(out, COMMAND_ID_SIZE,
                   "%s--%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", name, b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
                   b[15]);
}

void command_put_partners(const struct gate *gate, uint64_t mask, struct buf *out)
{
    for (unsigned p = 0; p < gate_peer_count(gate); p++)
        if (mask >> p & 1) {
            buf_put_str(out, out->len == 0 ? STR("") : STR(", "));
            buf_put_str(out, gate_peer_get(gate, p)->audience);
        }
}

static void write_line(const struct gate *gate, const char *id, const struct gate_minted *minted, bool held,
                       struct command_meant *out)
{
    char source[COMMAND_ID_SIZE], say[COMMAND_MEANT_MAX / 2];
    struct buf partners, line;
    command_id_text(&minted->source, source);
    buf_init(&partners, LIMIT_PARTNERS * (LIMIT_NAME_BYTES + 2));
    buf_init(&line, COMMAND_MEANT_MAX);
    command_put_partners(gate, minted->partners, &partners);
    (void)snprintf(say, sizeof say, "%s is what partner%s %.*s ha%s of %s%s: %s", id,
                   minted->partners & (minted->partners - 1) ? "s" : "", STR_ARG(buf_str(&partners)),
                   minted->partners & (minted->partners - 1) ? "ve" : "s", source,
                   minted->others ? " and of others" : "",
                   held ? "it is held here too, and that one is meant" : "that one is meant");
    line_begin(&line);
    line_word(&line, "minted", id);
    line_text(&line, "partners", buf_str(&partners));
    line_word(&line, "stands_for", source);
    line_bool(&line, "held", held);
    line_word(&line, "say", say);
    line_end(&line);
    /* A line that does not fit is left out whole: the bounds of its parts say that it does. */
    if (buf_err(&line) == ERR_OK && line.len < sizeof out->line) {
        memcpy(out->line, line.at, line.len);
        out->line[line.len] = '\0';
    }
    buf_deinit(&partners);
    buf_deinit(&line);
}

/* What happened to what nobody here has any more: an operator who is called about an identifier has to know
 * whose it was. */
static void write_gone(struct command_call *call, const char *id, const struct gate_spill *spill,
                       uint64_t partners, struct command_meant *out)
{
    static const char *const did[] = {
        [GATE_SPILLED] = "suspended", [GATE_RECALLED] = "called back", [GATE_CALLED_BACK] = "called back"};
    const struct gate *gate = call->host->gate;
    struct str because = command_words(call, spill->because);
    char source[COMMAND_ID_SIZE], say[COMMAND_MEANT_MAX / 2], at[TIME_TEXT_SIZE];
    struct buf names, line;
    command_id_text(&spill->key, source);
    time_text(spill->spilled_us, at);
    buf_init(&names, LIMIT_PARTNERS * (LIMIT_NAME_BYTES + 2));
    buf_init(&line, COMMAND_MEANT_MAX);
    command_put_partners(gate, partners, &names);
    (void)snprintf(
        say, sizeof say, "%s%s%.*s%s%s was %s on %.10s by %.*s: %.*s%s; number %llu of bongsu spill list", id,
        partners == 0 ? "" : " was minted for ", STR_ARG(buf_str(&names)), partners == 0 ? "" : " from ",
        partners == 0 ? "" : source, did[spill->why], at, STR_ARG(spill->by), STR_ARG(because),
        spill->destroyed ? ", and its content destroyed" : "", (unsigned long long)spill->lsn);
    line_begin(&line);
    line_word(&line, "gone", id);
    if (partners != 0)
        line_text(&line, "partners", buf_str(&names));
    line_word(&line, "stands_for", source);
    line_word(&line, "state", spill->destroyed ? "destroyed" : did[spill->why]);
    line_time(&line, "suspended", spill->spilled_us);
    line_text(&line, "by", spill->by);
    line_text(&line, "because", because);
    line_count(&line, "number", spill->lsn);
    if (spill->recall != 0)
        line_count(&line, "recall", spill->recall);
    line_word(&line, "say", say);
    line_end(&line);
    if (buf_err(&line) == ERR_OK && line.len < sizeof out->line) {
        memcpy(out->line, line.at, line.len);
        out->line[line.len] = '\0';
    }
    buf_deinit(&names);
    buf_deinit(&line);
}

/* Says so where nothing is held under it. */
static err_t look_gone(struct command_call *call, struct str id, struct command_meant *out)
{
    struct gate *gate = call->host->gate;
    struct gate_spill spill;
    struct gate_reach reach;
    uint64_t partners;
    char text[COMMAND_ID_SIZE];
    err_t err;
    if (TRY(err, gate_reach(gate, &out->key, &reach)) || reach.held)
        return err;
    (void)snprintf(text, sizeof text, "%.*s", id.len >= sizeof text ? 0 : (int)id.len, id.at);
    err = gate_spill_known_as(gate, id, call->arena, &spill, &partners);
    if (err == ERR_NOTFOUND && out->source) { /* the rows of what was minted are there: it is not destroyed */
        char source[COMMAND_ID_SIZE];
        command_id_text(&out->key, source);
        err = gate_spill_known_as(gate, str_of(source), call->arena, &spill, &partners);
        if (err == ERR_OK)
            (void)snprintf(text, sizeof text, "%s", source);
    }
    if (err == ERR_OK)
        write_gone(call, text, &spill, partners, out);
    return err == ERR_NOTFOUND || err == ERR_INVALID ? ERR_OK : err;
}

bool command_meant_by(struct command_call *call, struct str id, struct command_meant *out)
{
    struct gate *gate = call->host->gate;
    struct gate_minted minted;
    struct gate_reach reach;
    char text[COMMAND_ID_SIZE];
    *out = (struct command_meant) {.source = false};
    if (!stix_id_parse(id, &out->key))
        return false;
    if (gate_minted(gate, &out->key, &minted) != ERR_OK || gate_reach(gate, &out->key, &reach) != ERR_OK)
        return true;
    (void)snprintf(text, sizeof text, "%.*s", id.len >= sizeof text ? 0 : (int)id.len, id.at);
    write_line(gate, text, &minted, reach.held, out);
    out->source = !reach.held;
    if (out->source)
        out->key = minted.source;
    return true;
}

err_t command_meant(struct command_call *call, const char *name, struct command_meant *out)
{
    struct stix_key key;
    struct str id;
    err_t err;
    if (TRY(err, command_object(call, name, &key)) || TRY(err, command_text(call, name, &id)))
        return err;
    must(command_meant_by(call, id, out));
    if (TRY(err, look_gone(call, id, out)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    return ERR_OK;
}

void command_say_meant(struct command_call *call, const struct command_meant *meant)
{
    buf_put_str(call->out, str_of(meant->line));
}

err_t command_object_meant(struct command_call *call, const char *name, struct stix_key *out)
{
    struct command_meant meant;
    err_t err = command_meant(call, name, &meant);
    if (err != ERR_OK)
        return err;
    command_say_meant(call, &meant);
    *out = meant.key;
    return ERR_OK;
}
