/* Extension definitions: registered, listed, forgotten (docs/protocol/EXTENSIONS.md). */
#include "app/command.h"
#include "core/mem.h"
#include "stix/extension.h"

static err_t refuse_extension(struct command_call *call, err_t err, const struct fault *fault)
{
    return command_refuse(call, err, "nothing was registered; bongsu(1) says what a schema may hold",
                          "%s%s%.190s", fault->pointer, fault->pointer[0] == '\0' ? "" : ": ",
                          fault->what[0] == '\0' ? err_text(err) : fault->what);
}

/* The one extension-definition in what the operator gave. */
static err_t find_definition(struct command_call *call, struct str text, struct bytes *out)
{
    struct json_parser *parser;
    struct json_slice slices[LIMIT_EXTENSIONS];
    struct fault fault = {0};
    size_t count = 0;
    if (json_parser_new(LIMIT_EXTENSION_BYTES, &parser) != ERR_OK)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    err_t err = stix_extension_cut(parser, bytes_from_str(text), slices, &count, &fault);
    json_parser_free(parser);
    if (err != ERR_OK)
        return refuse_extension(call, err, &fault);
    if (count != 1)
        return command_refuse(call, ERR_INVALID, "give one", "it holds %s extension-definition",
                              count == 0 ? "no" : "more than one");
    *out = bytes_of(text.at + slices[0].from, slices[0].len);
    return ERR_OK;
}

static void put_types(struct buf *out, const struct stix_extension *extension)
{
    char text[100];
    size_t len = 0;
    for (unsigned type = 0; type < STIX_EXTENSION_TYPES; type++) {
        if ((extension->types >> type & 1) == 0)
            continue;
        const char *name = stix_extension_type_name((enum stix_extension_type)type);
        size_t size = strlen(name);
        must(sizeof text - len > size + 1); /* all five of them fit */
        if (len > 0)
            text[len++] = ' ';
        memcpy(text + len, name, size);
        len += size;
    }
    line_text(out, "types", (struct str) {text, len});
}

static void put_members(struct buf *out, const struct stix_extension *extension)
{
    line_text(out, "id", extension->id);
    line_text(out, "name", extension->name);
    line_text(out, "version", extension->version);
    put_types(out, extension);
    line_count(out, "rules", extension->rules);
}

static err_t extension_add(struct command_call *call)
{
    struct gate_by by = command_by(call);
    const struct stix_extension *extension;
    struct fault fault = {0};
    struct bytes definition;
    struct str text;
    err_t err;
    if (TRY(err, command_text(call, "text", &text)) || TRY(err, find_definition(call, text, &definition)))
        return err;
    if (TRY(err, gate_extension_put(call->host->gate, definition, command_text_or_empty(call, "schema"), &by,
                                    call->now_us, &extension, &fault)))
        return refuse_extension(call, err, &fault);
    line_begin(call->out);
    put_members(call->out, extension);
    line_word(call->out, "say", "registered: objects that use it are checked from now on");
    line_end(call->out);
    return ERR_OK;
}

static err_t extension_list(struct command_call *call)
{
    const struct stix_extensions *extensions = gate_extensions(call->host->gate);
    for (size_t i = 0; i < extensions->count; i++) {
        line_begin(call->out);
        put_members(call->out, extensions->at[i]);
        line_end(call->out);
    }
    return ERR_OK;
}

static err_t not_registered(struct command_call *call)
{
    return command_refuse(call, ERR_NOTFOUND, "`bongsu extension list` names them",
                          "no such extension is registered");
}

static err_t extension_show(struct command_call *call)
{
    struct stix_key key;
    struct bytes definition;
    struct str schema;
    err_t err;
    if (TRY(err, command_object(call, "id", &key)))
        return err;
    const struct stix_extension *extension = gate_extension_find(call->host->gate, &key);
    if (gate_extension_text(call->host->gate, &key, &definition, &schema) != ERR_OK)
        return not_registered(call);
    line_begin(call->out);
    if (extension != NULL)
        put_members(call->out, extension);
    line_text(call->out, "definition", str_from_bytes(definition));
    line_text(call->out, "say", str_from_bytes(definition));
    line_end(call->out);
    if (schema.len == 0)
        return ERR_OK;
    line_begin(call->out);
    line_text(call->out, "schema", schema);
    line_text(call->out, "say", schema);
    line_end(call->out);
    return ERR_OK;
}

static err_t extension_remove(struct command_call *call)
{
    struct gate_by by = command_by(call);
    struct stix_key key;
    err_t err;
    if (TRY(err, command_object(call, "id", &key)))
        return err;
    err = gate_extension_remove(call->host->gate, &key, &by, call->now_us);
    if (err == ERR_NOTFOUND)
        return not_registered(call);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "it was not removed: %s", err_text(err));
    line_say(call->out, "removed: what uses it is no longer checked against it");
    return ERR_OK;
}

const struct command command_extension_rows[] = {
    {"extension.add", true, extension_add},
    {"extension.list", false, extension_list},
    {"extension.show", false, extension_show},
    {"extension.remove", true, extension_remove},
    {NULL, false, NULL},
};
