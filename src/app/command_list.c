/* Lists for safety holds: given in parts, listed, forgotten. */
#include "app/command.h"
#include "core/mem.h"
#include "gate/safety.h"

static err_t refuse_list(struct command_call *call, err_t err, const struct fault *fault)
{
    return command_refuse(call, err, "nothing changed; bongsu(1) says what a list may be", "%.200s",
                          fault->what[0] == '\0' ? err_text(err) : fault->what);
}

/* `list add` of a file sends it so, a part a request, before its `list.add`. */
static err_t list_part(struct command_call *call)
{
    struct gate_by by = command_by(call);
    struct str name, text;
    struct json_val number;
    size_t len = 0;
    err_t err;
    if (TRY(err, command_text(call, "name", &name)) || TRY(err, command_text(call, "base64", &text)))
        return err;
    if (!json_get(call->args, STR("part"), &number) || !json_is(number, JSON_INT) || json_int(number) < 0)
        return command_refuse(call, ERR_USAGE, NULL, "part is missing");
    uint8_t *raw = arena_alloc(call->arena, text.len + 1);
    if (raw == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    if (!str_unbase64(text, raw, text.len, &len))
        return command_refuse(call, ERR_USAGE, NULL, "base64 is none");
    /* A request holds several facts' worth. */
    unsigned part = json_int(number) > LIMIT_LIST_PARTS ? LIMIT_LIST_PARTS : (unsigned)json_int(number);
    for (size_t at = 0; at < len; at += LIMIT_LIST_PART_BYTES, part++) {
        size_t left = len - at;
        struct bytes bytes = bytes_of(raw + at, left < LIMIT_LIST_PART_BYTES ? left : LIMIT_LIST_PART_BYTES);
        if (TRY(err, gate_list_part(call->host->gate, name, part, bytes, &by, call->now_us)))
            return command_refuse(call, err, "names are of a-z 0-9 . _ -", "the list was not taken: %s",
                                  err_text(err));
    }
    return ERR_OK;
}

static void say_list(struct command_call *call, const struct gate_list *list)
{
    line_begin(call->out);
    line_text(call->out, "name", list->name);
    line_word(call->out, "kind", gate_list_kind_name(list->kind));
    line_count(call->out, "entries", list->entries);
    line_count(call->out, "bytes", list->bytes);
    line_word(call->out, "state", list->broken ? "broken" : "in force");
    line_end(call->out);
}

static err_t list_add(struct command_call *call)
{
    struct gate_by by = command_by(call);
    struct str name, word;
    struct json_val parts;
    enum gate_list_kind kind;
    struct fault fault = {0};
    err_t err;
    if (TRY(err, command_text(call, "name", &name)) || TRY(err, command_text(call, "kind", &word)))
        return err;
    if (!gate_list_kind_find(word, &kind))
        return command_refuse(call, ERR_USAGE, "cidr, domain, hash, string, misp, reserved or broad",
                              "there is no kind %.*s", word.len > 50 ? 50 : (int)word.len, word.at);
    if (by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                              "a list that holds things needs a reason");
    unsigned count = 0;
    if (json_get(call->args, STR("parts"), &parts) && json_is(parts, JSON_INT) && json_int(parts) > 0)
        count = json_int(parts) > LIMIT_LIST_PARTS ? LIMIT_LIST_PARTS + 1u : (unsigned)json_int(parts);
    if ((count == 0) != (kind == GATE_LIST_RESERVED || kind == GATE_LIST_BROAD))
        return command_refuse(call, ERR_USAGE, "reserved and broad are built in, the others come in a file",
                              count == 0 ? "this kind of list needs a FILE"
                                         : "this kind of list takes no FILE");
    if (TRY(err, gate_list_put(call->host->gate, name, kind, count, &by, call->now_us, &fault)))
        return refuse_list(call, err, &fault);
    for (size_t i = 0; i < gate_list_count(call->host->gate); i++) {
        struct gate_list list = gate_list_get(call->host->gate, i);
        if (str_eq(list.name, name))
            say_list(call, &list);
    }
    line_say(call->out, "in force; everything is decided again");
    return ERR_OK;
}

static err_t list_list(struct command_call *call)
{
    for (size_t i = 0; i < gate_list_count(call->host->gate); i++) {
        struct gate_list list = gate_list_get(call->host->gate, i);
        say_list(call, &list);
    }
    return ERR_OK;
}

static err_t list_remove(struct command_call *call)
{
    struct gate_by by = command_by(call);
    struct str name;
    err_t err;
    if (TRY(err, command_text(call, "name", &name)))
        return err;
    if (by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                              "what a list held may leave when it is gone: that needs a reason");
    if (TRY(err, gate_list_remove(call->host->gate, name, &by, call->now_us)))
        return command_refuse(call, err, "`bongsu list show` names them", "there is no list %.*s",
                              name.len > 64 ? 64 : (int)name.len, name.at);
    line_say(call->out, "removed; everything is decided again");
    return ERR_OK;
}

const struct command command_list_rows[] = {
    {"list.part", true, list_part},     {"list.add", true, list_add}, {"list.list", false, list_list},
    {"list.remove", true, list_remove}, {NULL, false, NULL},
};
