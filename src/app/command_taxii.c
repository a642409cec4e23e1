/* Identities of the TAXII server: who reads which view, who submits as which source. */
#include "app/command.h"

static void say_identity(struct command_call *call, const struct taxii_identity *identity)
{
    const struct gate_peer *peer =
        identity->partner >= 0 ? gate_peer_get(call->host->gate, (unsigned)identity->partner) : NULL;
    const struct gate_source *source = gate_source_get(call->host->gate, identity->source);
    line_begin(call->out);
    line_text(call->out, "name", identity->name);
    line_text(call->out, "audience", peer == NULL ? STR("") : peer->audience);
    line_text(call->out, "source", source == NULL ? STR("") : source->name);
    line_bool(call->out, "reads", (identity->roles & TAXII_READ) != 0);
    line_bool(call->out, "submits", (identity->roles & TAXII_SUBMIT) != 0);
    line_bool(call->out, "workspace", (identity->roles & TAXII_WORKSPACE) != 0);
    line_bool(call->out, "strict", (identity->roles & TAXII_STRICT) != 0);
    line_count(call->out, "requests_a_minute",
               identity->requests != 0 ? identity->requests : LIMIT_TAXII_REQUESTS);
    line_count(call->out, "objects_a_day", identity->objects != 0 ? identity->objects : LIMIT_TAXII_OBJECTS);
    line_bool(call->out, "password", (identity->credentials & TAXII_PASSWORD) != 0);
    line_bool(call->out, "token", (identity->credentials & TAXII_TOKEN) != 0);
    line_bool(call->out, "certificate", (identity->credentials & TAXII_CERTIFICATE) != 0);
    line_end(call->out);
}

static err_t set_password(struct command_call *call, struct str name, const struct gate_by *by)
{
    struct str password = command_text_or_empty(call, "password");
    /* The line of a file ends; the password does not end with it. */
    if (password.len > 0 && password.at[password.len - 1] == '\n')
        password.len--;
    if (password.len > 0 && password.at[password.len - 1] == '\r')
        password.len--;
    if (password.len == 0)
        return ERR_OK;
    err_t err = taxii_identity_password(call->host->taxii, name, password, by, call->now_us);
    if (err == ERR_INVALID)
        return command_refuse(call, err, "choose another", "a password has %d to %d bytes",
                              LIMIT_TAXII_PASSWORD_MIN, LIMIT_TAXII_PASSWORD_MAX);
    return err == ERR_OK ? err
                         : command_refuse(call, err, "look at bongsu status", "the password was not set: %s",
                                          err_text(err));
}

static err_t set_certificate(struct command_call *call, struct str name, const struct gate_by *by)
{
    struct str hex = command_text_or_empty(call, "certificate");
    uint8_t key[EXCHANGE_KEY_SIZE];
    if (hex.len == 0)
        return ERR_OK;
    if (hex.len != 2 * sizeof key || !str_unhex(hex, key, sizeof key))
        return command_refuse(
            call, ERR_USAGE, "64 hexadecimal digits: the Ed25519 key, or SHA-256 of the SubjectPublicKeyInfo",
            "certificate: not a key");
    err_t err = taxii_identity_certificate(call->host->taxii, name, key, by, call->now_us);
    return err == ERR_OK ? err
                         : command_refuse(call, err, NULL, "the certificate was not set: %s", err_text(err));
}

static err_t give_token(struct command_call *call, struct str name, const struct gate_by *by)
{
    char token[TAXII_TOKEN_SIZE];
    err_t err = taxii_identity_token(call->host->taxii, name, by, call->now_us, token);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "no token was made: %s", err_text(err));
    line_begin(call->out);
    line_text(call->out, "token", (struct str) {token, sizeof token});
    line_end(call->out);
    line_say(call->out, "Token, shown this once: %.*s", (int)sizeof token, token);
    return ERR_OK;
}

static unsigned roles_of(const struct command_call *call)
{
    unsigned roles = (command_flag(call, "read") ? TAXII_READ : 0u) |
                     (command_flag(call, "submit") ? TAXII_SUBMIT : 0u) |
                     (command_flag(call, "workspace") ? TAXII_WORKSPACE : 0u);
    if (roles == 0)
        roles = TAXII_READ | TAXII_SUBMIT | TAXII_WORKSPACE;
    return command_flag(call, "strict") ? roles | TAXII_STRICT : roles;
}

/* Which of the two is not known, if any. */
static err_t find_ends(struct command_call *call)
{
    struct str audience = command_text_or_empty(call, "audience"),
               source = command_text_or_empty(call, "source");
    const struct gate_peer *peer = audience.len == 0 ? NULL : gate_peer_find(call->host->gate, audience);
    if (audience.len > 0 && (peer == NULL || peer->state == GATE_PEER_REMOVED))
        return command_refuse(
            call, ERR_NOTFOUND,
            "bongsu peer add-taxii NAME, or bongsu peer add CARD --audience NAME, makes one",
            "there is no audience %.*s", audience.len > 100 ? 100 : (int)audience.len, audience.at);
    if (source.len > 0 && gate_source_find(call->host->gate, source) == NULL)
        return command_refuse(
            call, ERR_NOTFOUND,
            "bongsu source add NAME --foreign makes one; without --source: the audience's own",
            "there is no source %.*s", source.len > 100 ? 100 : (int)source.len, source.at);
    return ERR_OK;
}

/* Who knew a former password, or reads as another from now on, gets nothing more. */
static void reader_gone(struct command_call *call, struct str name)
{
    const struct taxii_identity *identity = taxii_identity_find(call->host->taxii, name);
    if (identity != NULL && identity->partner >= 0)
        call->host->reader_gone(call->host->ctx, (unsigned)identity->partner);
}

static err_t taxii_add(struct command_call *call)
{
    struct str name;
    struct gate_by by = command_by(call);
    err_t err;
    if (TRY(err, command_text(call, "name", &name)) || TRY(err, find_ends(call)))
        return err;
    bool fresh = taxii_identity_find(call->host->taxii, name) == NULL;
    reader_gone(call, name);
    if (TRY(err,
            taxii_identity_put(call->host->taxii, name, command_text_or_empty(call, "audience"),
                               command_text_or_empty(call, "source"), roles_of(call), &by, call->now_us)))
        return command_refuse(call, err, "give --audience NAME or --source NAME, both known already",
                              "the identity was not set: %s", err_text(err));
    if (TRY(err, set_password(call, name, &by)) || TRY(err, set_certificate(call, name, &by))) {
        /* Nobody is left in the list who was never let in. */
        err_t gone = fresh ? taxii_identity_remove(call->host->taxii, name, &by, call->now_us) : ERR_OK;
        return gone != ERR_OK ? gone : err;
    }
    if (command_flag(call, "token") && TRY(err, give_token(call, name, &by)))
        return err;
    const struct taxii_identity *identity = taxii_identity_find(call->host->taxii, name);
    if (identity != NULL)
        say_identity(call, identity);
    return ERR_OK;
}

/* Absent: stays as it is. */
static err_t read_rate(struct command_call *call, const char *name, uint32_t *out)
{
    struct str text = command_text_or_empty(call, name);
    uint64_t value;
    if (text.len == 0)
        return ERR_OK;
    if (!str_to_u64(text, INT32_MAX, &value))
        return command_refuse(call, ERR_USAGE, "0 stands for what goes without saying", "%s: not a number",
                              name);
    *out = (uint32_t)value;
    return ERR_OK;
}

static err_t taxii_limit(struct command_call *call)
{
    struct str name;
    struct gate_by by = command_by(call);
    err_t err;
    if (TRY(err, command_text(call, "name", &name)))
        return err;
    const struct taxii_identity *identity = taxii_identity_find(call->host->taxii, name);
    if (identity == NULL)
        return command_refuse(call, ERR_NOTFOUND, "`bongsu taxii list` names them", "no such identity");
    uint32_t requests = identity->requests, objects = identity->objects;
    if (TRY(err, read_rate(call, "requests", &requests)) || TRY(err, read_rate(call, "objects", &objects)))
        return err;
    if (TRY(err, taxii_identity_limit(call->host->taxii, name, requests, objects, &by, call->now_us)))
        return command_refuse(call, err, "look at bongsu status", "the limit was not set: %s", err_text(err));
    identity = taxii_identity_find(call->host->taxii, name);
    if (identity != NULL)
        say_identity(call, identity);
    return ERR_OK;
}

static err_t taxii_list(struct command_call *call)
{
    for (size_t i = 0; i < taxii_identity_count(call->host->taxii); i++)
        say_identity(call, taxii_identity_at(call->host->taxii, i));
    return ERR_OK;
}

static err_t taxii_remove(struct command_call *call)
{
    struct str name;
    struct gate_by by = command_by(call);
    err_t err;
    if (TRY(err, command_text(call, "name", &name)))
        return err;
    reader_gone(call, name);
    if (TRY(err, taxii_identity_remove(call->host->taxii, name, &by, call->now_us)))
        return command_refuse(call, err, "`bongsu taxii list` names them", "not removed: %s", err_text(err));
    line_say(call->out, "removed");
    return ERR_OK;
}

const struct command command_taxii_rows[] = {
    {"taxii.add", true, taxii_add},
    {"taxii.list", false, taxii_list},
    {"taxii.limit", true, taxii_limit},
    {"taxii.remove", true, taxii_remove},
    {NULL, false, NULL},
};
