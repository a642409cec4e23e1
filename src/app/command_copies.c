/* Registered copies of the key file: how each stands, and that one is lost for good. */
#include <stdio.h>

#include "app/command_word.h"
#include "gate/key_copies.h"

enum { STEPS = 16 };

static bool is_named(const struct conf *conf, struct str dir)
{
    for (size_t i = 0; i < conf->key_copy_count; i++)
        if (str_eq(str_of(conf->key_copies[i]), dir))
            return true;
    return false;
}

/* What to do about it stands in the guide; this says what is so. */
static const char *why(const struct gate_key_copy *copy)
{
    bool foreign = copy->state == GATE_KEY_COPY_FOREIGN;
    switch (copy->err) {
    case ERR_OK:
        return "";
    case ERR_NOTFOUND:
        return copy->made ? "its folder or its file is not there" : "its folder is not there";
    case ERR_DENIED:
        return "it may not be written by the account of the node, or by its unit (ReadWritePaths)";
    case ERR_INVALID:
        return foreign ? "the file there is of another node" : err_text(copy->err);
    case ERR_EXISTS:
        return foreign ? "the file there is not the one that was registered" : err_text(copy->err);
    case ERR_CONFLICT:
        return foreign ? "it holds secrets of another past of this node" : err_text(copy->err);
    default:
        return err_text(copy->err);
    }
}

static void say_copy(void *ctx, const struct gate_key_copy *copy)
{
    static const char *const states[] = {[GATE_KEY_COPY_UNREACHABLE] = "unreachable",
                                         [GATE_KEY_COPY_FOREIGN] = "foreign",
                                         [GATE_KEY_COPY_BEHIND] = "behind",
                                         [GATE_KEY_COPY_CURRENT] = "current",
                                         [GATE_KEY_COPY_FORGOTTEN] = "lost"};
    struct command_call *call = ctx;
    bool lost = copy->state == GATE_KEY_COPY_FORGOTTEN;
    line_begin(call->out);
    line_text(call->out, "folder", copy->dir);
    line_word(call->out, "state", states[copy->state]);
    line_word(call->out, "why",
              !lost && copy->err == ERR_OK && !is_named(call->host->conf, copy->dir)
                  ? "not in bongsu.yaml any more"
                  : why(copy));
    line_count(call->out, "secrets", copy->slots);
    line_count(call->out, "only_there", copy->lost);
    line_time(call->out, lost ? "lost_at" : "since", copy->at_us);
    if (lost) {
        line_text(call->out, "by", copy->by);
        line_text(call->out, "because", command_words(call, copy->because));
    }
    line_end(call->out);
    if (copy->lost > 0)
        line_say(call->out,
                 "%.*s holds %llu secrets that the key file has lost and nobody destroyed: stop the node and "
                 "bring the key file back from it (docs/guide/disk-dies.md)",
                 STR_ARG(copy->dir), (unsigned long long)copy->lost);
}

static err_t copies(struct command_call *call)
{
    struct gate *gate = call->host->gate;
    struct gate_key_copies_count count;
    bool more = true;
    err_t err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && more && i < STEPS; i++)
        err = gate_key_copies_step(gate, call->now_us, &more);
    if (err != ERR_OK || TRY(err, gate_key_copies(gate, say_copy, call)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    gate_key_copies_count(gate, &count);
    line_begin(call->out);
    line_count(call->out, "registered", count.registered);
    line_count(call->out, "away", count.away);
    line_count(call->out, "unconfirmed", count.unconfirmed);
    line_count(call->out, "key_file_secrets", gate_key_slots(gate));
    line_end(call->out);
    if (count.unconfirmed > 0)
        line_say(
            call->out,
            "%zu times something was destroyed here, and a copy cannot confirm it (bongsu recall status)",
            count.unconfirmed);
    return ERR_OK;
}

struct finding {
    struct str folder;
    bool found;
};

static void find_copy(void *ctx, const struct gate_key_copy *copy)
{
    struct finding *f = ctx;
    f->found |= copy->state != GATE_KEY_COPY_FORGOTTEN && str_eq(copy->dir, f->folder);
}

static bool is_listed(struct command_call *call, struct str folder)
{
    struct finding f = {.folder = folder};
    return gate_key_copies(call->host->gate, find_copy, &f) == ERR_OK && f.found;
}

static err_t forget(struct command_call *call)
{
    struct gate_by by = command_by(call);
    struct str folder;
    bool held = false, erase = command_flag(call, "erase");
    err_t err;
    if (TRY(err, command_text(call, "folder", &folder)))
        return err;
    if (by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"", "giving up a copy needs a reason");
    err = gate_key_copy_forget(call->host->gate, folder, erase, &by, call->now_us, &held);
    if (err != ERR_OK && is_listed(call, folder))
        return command_refuse(call, err, erase ? "`bongsu keys copies` says how it stands" : NULL,
                              "it is not given up: %s", err_text(err));
    if (err == ERR_NOTFOUND)
        return command_refuse(call, err, "`bongsu keys copies` names them", "no copy is registered in %.*s",
                              folder.len > 200 ? 200 : (int)folder.len, folder.at);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "not noted: %s", err_text(err));
    line_begin(call->out);
    line_text(call->out, "folder", folder);
    line_bool(call->out, "held", held);
    line_end(call->out);
    line_say(call->out,
             held ? "noted: it is waited for no more. Of what the key file holds by now, whenever it is "
                    "destroyed, this node cannot confirm that nothing opens it"
                  : "noted: it holds nothing, and is waited for no more");
    if (is_named(call->host->conf, folder))
        line_say(call->out, "bongsu.yaml still names it: at the next start a new copy is begun there");
    return ERR_OK;
}

void command_say_copies(struct command_call *call)
{
    struct gate_key_copies_count count;
    char say[COMMAND_TEXT_MAX];
    gate_key_copies_count(call->host->gate, &count);
    if (count.away == 0 && count.unconfirmed == 0)
        return;
    (void)snprintf(say, sizeof say,
                   "COPIES: of %zu registered copies of the key file %zu cannot be written, and %zu times "
                   "nobody can confirm that what was destroyed is gone (bongsu keys copies)",
                   count.registered, count.away, count.unconfirmed);
    line_begin(call->out);
    line_count(call->out, "key_copies", count.registered);
    line_count(call->out, "key_copies_away", count.away);
    line_count(call->out, "unconfirmed", count.unconfirmed);
    line_word(call->out, "say", say);
    line_end(call->out);
}

const struct command command_copies_rows[] = {
    {"keys.copies", false, copies},
    {"keys.copies.forget", true, forget},
    {NULL, false, NULL},
};
