/* Identifiers that partners have of objects that left changed, taken for what they stand for here. For the
 * operators of this node alone: no line of it goes to a partner. */
#include "app/command.h"

#include <stdio.h>

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
