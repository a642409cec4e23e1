/* Searching everything that is held: find and export, one object with its copies and translations, and the
 * graph around an object. These answer in portions (struct command_stream): a slow reader holds up nobody. */
#include "app/command.h"
#include "app/find_filter.h"

#include <stdio.h>

#include "core/mem.h"
#include "core/suggest.h"
#include "search/term.h"

/* --- one found object as a line --- */

static void put_sources(struct command_call *call, const struct gate_found *found)
{
    struct buf text;
    buf_init(&text, LIMIT_COPIES * (LIMIT_NAME_BYTES + 2));
    for (size_t i = 0; i < found->source_count; i++) {
        const struct gate_source *source = gate_source_get(call->host->gate, found->sources[i]);
        buf_put_str(&text, i == 0 ? STR("") : STR(", "));
        buf_put_str(&text, source == NULL ? STR("?") : source->name);
    }
    line_text(call->out, "sources", buf_str(&text));
    buf_deinit(&text);
}

/* A list of strings as one text. */
static void put_list(struct command_call *call, const char *name, struct json_val list)
{
    struct buf text;
    struct json_val item;
    struct json_iter iter = json_array_iter(list);
    buf_init(&text, LIMIT_OBJECT_BYTES);
    while (json_array_next(&iter, &item))
        if (json_is(item, JSON_STRING)) {
            buf_put_str(&text, text.len == 0 ? STR("") : STR(", "));
            buf_put_str(&text, json_str(item));
        }
    line_text(call->out, name, buf_str(&text));
    buf_deinit(&text);
}

/* What people call it. */
static struct str summary_of(const struct stix_object *object)
{
    static const char *const names[] = {"name", "value",   "relationship_type", "pattern",     "abstract",
                                        "key",  "subject", "command_line",      "explanation", "content"};
    struct str text = {"", 0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_get_str(object->root, str_of(names[i]), &text))
            break;
    return text;
}

static void put_marking(struct command_call *call, const struct stix_object *object)
{
    enum stix_tlp tlp = STIX_TLP_NONE, one;
    bool others = false;
    for (size_t i = 0; i < object->ref_count; i++) {
        if (object->refs[i].role != STIX_REF_MARKING && object->refs[i].role != STIX_REF_GRANULAR_MARKING)
            continue;
        if (stix_tlp_from_key(&object->refs[i].key, &one))
            tlp = stix_tlp_narrowest(tlp, one);
        else
            others = true;
    }
    line_word(call->out, "marking", tlp != STIX_TLP_NONE ? stix_tlp_name(tlp) : others ? "other" : "none");
}

/* Final (section 3.6), or over: an indicator from its valid_until on (section 4.7). What stands has no state.
 */
static void put_state(struct command_call *call, const struct stix_object *object)
{
    struct str until;
    struct stamp end;
    bool has_end = object->type->code == STIX_TYPE_INDICATOR &&
                   json_get_str(object->root, STR("valid_until"), &until) &&
                   stamp_parse(until, &end, NULL) == ERR_OK;
    if (has_end)
        line_text(call->out, "valid_until", until);
    if (object->revoked)
        line_word(call->out, "state", "revoked");
    else if (has_end && stamp_cmp(end, stamp_from_us(call->now_us)) <= 0)
        line_word(call->out, "state", "ended");
}

static void say_found(struct command_call *call, const struct gate_found *found, bool object)
{
    const struct stix_object *stix = found->stix;
    const struct gate_source *owner = gate_source_get(call->host->gate, found->owner);
    struct str text;
    struct buf tags;
    line_begin(call->out);
    line_text(call->out, "id", stix->id);
    line_text(call->out, "type", stix->type_name);
    line_text(call->out, "name", summary_of(stix));
    if (json_get_str(stix->root, STR("created"), &text))
        line_text(call->out, "created", text);
    if (json_get_str(stix->root, STR("modified"), &text))
        line_text(call->out, "modified", text);
    put_sources(call, found);
    line_text(call->out, "owner", owner == NULL ? STR("?") : owner->name);
    line_time(call->out, "received", found->object.envelope.received_us);
    put_marking(call, stix);
    put_state(call, stix);
    if (stix->has_labels)
        put_list(call, "labels", stix->labels);
    buf_init(&tags, LIMIT_TAGS_PER_OBJECT * (LIMIT_NAME_BYTES + 2));
    for (size_t i = 0; i < found->tag_count; i++) {
        buf_put_str(&tags, i == 0 ? STR("") : STR(", "));
        buf_put_str(&tags, found->tags[i]);
    }
    if (tags.len > 0)
        line_text(call->out, "tags", buf_str(&tags));
    buf_deinit(&tags);
    line_bool(call->out, "revoked", stix->revoked);
    line_bool(call->out, "current", found->object.current_view);
    line_count(call->out, "lsn", found->object.lsn);
    if (object)
        line_text(call->out, "object", str_from_bytes(found->object.bytes));
    line_end(call->out);
}

/* --- find, export --- */

enum { STEP_OBJECTS = 64, FOREVER = 0 };

struct finding {
    struct find_filter filter;
    struct gate_walk walk;
    uint64_t limit, given; /* limit UINT64_MAX: none */
    uint64_t wanted;       /* log position that the search file should have reached */
    int64_t wait_until_us; /* then whatever it knows; INT64_MAX: wait */
    bool objects;
    struct buf asked;            /* the values, until they were looked at */
    char hint[COMMAND_TEXT_MAX]; /* what may be wrong with the question, if nothing is found; or empty */
    struct command_call *call;   /* of the portion being written */
};

/* Digits, dots and colons alone, as an address has them, and perhaps a slash: a slip in one is found nowhere,
 * and in silence. */
static bool looks_like_address(struct str text)
{
    size_t dots = 0, colons = 0;
    bool numbers = true;
    if (text.len > 0 && text.at[0] == '/')
        return text.len > 1 && text.len < 5; /* what is left of a network: "/24" */
    struct str address = str_cut(&text, '/');
    for (size_t i = 0; i < address.len; i++) {
        char c = str_lower(address.at[i]);
        dots += c == '.';
        colons += c == ':';
        numbers = numbers && (c == '.' || (c >= '0' && c <= '9'));
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '.' || c == ':'))
            return false;
    }
    return (numbers && dots == 3) || colons > 1;
}

static void hint_values(struct command_call *call, struct finding *f)
{
    struct str values = command_text_or_empty(call, "values");
    struct term_network network;
    while (values.len > 0 && f->hint[0] == '\0') {
        struct str value = str_trim(str_cut(&values, '\n'));
        if (looks_like_address(value) && !term_network_parse(value, &network))
            (void)snprintf(f->hint, sizeof f->hint, "%.*s is no address and no network (192.0.2.0/24)",
                           value.len > 100 ? 100 : (int)value.len, value.at);
    }
}

/* A partner's identifier for something that left changed: no text here has it. */
static void say_minted(struct command_call *call, struct finding *f)
{
    struct str values = buf_str(&f->asked);
    struct command_meant meant;
    while (values.len > 0)
        if (command_meant_by(call, str_trim(str_cut(&values, '\n')), &meant))
            command_say_meant(call, &meant);
    buf_clear(&f->asked);
}

/* A type that the standard does not have may be somebody's own: only when nothing was found. */
static void hint_type(struct command_call *call, struct finding *f)
{
    struct str type = command_text_or_empty(call, "type");
    char nearest[LIMIT_NAME_BYTES + 24] = "";
    if (type.len == 0 || type.len > LIMIT_NAME_BYTES || stix_type_find(type)->code != STIX_TYPE_UNKNOWN)
        return;
    struct suggest suggest = suggest_for(type);
    for (unsigned code = STIX_TYPE_UNKNOWN + 1; code < STIX_TYPE_COUNT; code++)
        suggest_try(&suggest, str_of(stix_type_row((enum stix_code)code)->name));
    suggest_put(&suggest, NULL, nearest, sizeof nearest);
    (void)snprintf(f->hint, sizeof f->hint, "%.*s is no type of STIX 2.1%s%s", STR_ARG(type),
                   nearest[0] == '\0' ? "" : ": ", nearest);
}

static err_t read_limit(struct command_call *call, uint64_t *out)
{
    struct str text = command_text_or_empty(call, "limit");
    *out = UINT64_MAX;
    if (text.len > 0 && (!str_to_u64(text, UINT64_MAX, out) || *out == 0))
        return command_refuse(call, ERR_USAGE, NULL, "--limit is no number above 0");
    return ERR_OK;
}

static void find_end(void *state)
{
    struct finding *f = state;
    find_filter_deinit(&f->filter);
    buf_deinit(&f->asked);
    mem_free(f);
}

static err_t need_search(struct command_call *call)
{
    if (call->host->search != NULL)
        return ERR_OK;
    return command_refuse(call, ERR_WRONGSTATE, "see what the node said when it started",
                          "this node has no search file");
}

static err_t find_begin(struct command_call *call, void **out)
{
    struct gate_search_status status;
    err_t err = need_search(call);
    if (err != ERR_OK)
        return err;
    struct finding *f = mem_alloc(sizeof *f);
    if (f == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    find_filter_init(&f->filter);
    buf_init(&f->asked, LIMIT_CONTROL_LINE_BYTES);
    buf_put_str(&f->asked, command_text_or_empty(call, "values"));
    f->objects = command_flag(call, "objects");
    f->walk.newest_first = !command_flag(call, "oldest");
    gate_search_status(call->host->search, &status);
    f->wanted = status.durable;
    f->wait_until_us = command_flag(call, "wait") ? INT64_MAX : call->now_us + LIMIT_SEARCH_WAIT_US;
    if (TRY(err, find_filter_read(call, &f->filter)) || TRY(err, read_limit(call, &f->limit))) {
        find_end(f);
        return err;
    }
    hint_values(call, f);
    hint_type(call, f);
    *out = f;
    return ERR_OK;
}

static bool find_visit(void *ctx, const struct gate_found *found)
{
    struct finding *f = ctx;
    if (!find_filter_pass(&f->filter, found))
        return true;
    say_found(f->call, found, f->objects);
    f->given++;
    return f->given < f->limit && f->call->out->len < LIMIT_STREAM_CHUNK_BYTES;
}

static void line_nothing(struct buf *out, const char *hint)
{
    char text[COMMAND_TEXT_MAX + 32];
    (void)snprintf(text, sizeof text, "nothing found%s%s", hint[0] == '\0' ? "" : ": ", hint);
    line_word(out, "say", text);
}

/* How far the search file had come stands at the end of every answer. */
static void say_end(struct command_call *call, const struct finding *f)
{
    struct gate_search_status status;
    gate_search_status(call->host->search, &status);
    bool whole = status.applied >= f->wanted && status.holes == 0;
    line_begin(call->out);
    line_count(call->out, "found", f->given);
    line_count(call->out, "indexed_up_to", status.applied);
    line_count(call->out, "log_end", status.durable);
    line_bool(call->out, "complete", whole);
    if (!whole)
        line_word(call->out, "say",
                  "(the search file does not know everything yet: what came in last may be missing)");
    else if (f->given == 0)
        line_nothing(call->out, f->hint);
    line_end(call->out);
}

static err_t find_next(struct command_call *call, void *state, bool *out_end)
{
    struct finding *f = state;
    struct gate_search_status status;
    gate_search_status(call->host->search, &status);
    if (status.off)
        return command_refuse(call, ERR_WRONGSTATE, "look at the disk, then restart the node",
                              "the search file cannot be used");
    if (!f->walk.begun && (status.applied < f->wanted || status.holes > 0) && call->now_us < f->wait_until_us)
        return ERR_OK;
    f->call = call;
    say_minted(call, f);
    while (!f->walk.end && f->given < f->limit && call->out->len < LIMIT_STREAM_CHUNK_BYTES) {
        size_t before = call->out->len;
        err_t err = gate_find(call->host->search, &f->filter.gate, &f->walk, STEP_OBJECTS, find_visit, f);
        if (err != ERR_OK)
            return command_refuse(call, err, "ask again in a while; `bongsu reindex` makes the file anew",
                                  "%s", err_text(err));
        if (call->out->len == before)
            break; /* others first */
    }
    *out_end = f->walk.end || f->given >= f->limit;
    if (*out_end)
        say_end(call, f);
    return ERR_OK;
}

/* --- one object --- */

struct getting {
    struct command_meant meant;
    bool told; /* what is meant */
    bool translations;
    uint32_t source;
    char version[64]; /* text of modified or created; empty: any */
    bool all;
    size_t done, seen; /* copies given, copies passed in this portion */
    bool found;
    struct command_call *call;
};

static bool same_version(const struct getting *g, struct str object)
{
    struct json_parser *parser = NULL;
    struct json_doc doc;
    struct str text;
    struct stamp wanted, stamp;
    bool same = false;
    uint8_t *padded = mem_alloc(object.len + JSON_PADDING);
    if (padded != NULL && json_parser_new(object.len + JSON_PADDING, &parser) == ERR_OK) {
        memcpy(padded, object.at, object.len);
        same = json_parse(parser, bytes_of(padded, object.len), &doc, NULL) == ERR_OK &&
               (json_get_str(json_root(&doc), STR("modified"), &text) ||
                json_get_str(json_root(&doc), STR("created"), &text)) &&
               stamp_parse(text, &stamp, NULL) == ERR_OK &&
               stamp_parse(str_of(g->version), &wanted, NULL) == ERR_OK && stamp_cmp(stamp, wanted) == 0;
    }
    json_parser_free(parser);
    mem_free(padded);
    return same;
}

static bool wanted(const struct getting *g, const struct gate_object *object)
{
    if (g->source != GATE_SOURCE_NONE && object->envelope.source != g->source)
        return false;
    if (g->version[0] != '\0')
        return same_version(g, str_from_bytes(object->bytes));
    return g->all || g->source != GATE_SOURCE_NONE || object->newest;
}

static bool get_visit(void *ctx, const struct gate_object *object)
{
    struct getting *g = ctx;
    struct buf *out = g->call->out;
    if (g->seen++ < g->done)
        return true;
    g->done++;
    if (!wanted(g, object))
        return true;
    const struct gate_source *source = gate_source_get(g->call->host->gate, object->envelope.source);
    g->found = true;
    line_begin(out);
    line_count(out, "lsn", object->lsn);
    line_text(out, "source", source == NULL ? STR("?") : source->name);
    line_time(out, "received", object->envelope.received_us);
    line_bool(out, "newest", object->newest);
    line_bool(out, "current", object->current_view);
    line_bool(out, "assertion", object->assertion);
    line_bool(out, "quarantined", object->quarantined);
    line_count(out, "bytes", object->bytes.len);
    command_put_origin(out, object);
    line_text(out, "object", str_from_bytes(object->bytes));
    line_end(out);
    return out->len < LIMIT_STREAM_CHUNK_BYTES;
}

static err_t get_begin(struct command_call *call, void **out)
{
    struct str version = command_text_or_empty(call, "version");
    struct getting got = {.translations = command_flag(call, "translations"),
                          .all = command_flag(call, "all")};
    struct stamp stamp;
    err_t err;
    if (TRY(err, command_meant(call, "id", &got.meant)) ||
        TRY(err, command_source(call, "source", &got.source)))
        return err;
    if (version.len >= sizeof got.version ||
        (version.len > 0 && stamp_parse(version, &stamp, NULL) != ERR_OK))
        return command_refuse(call, ERR_USAGE, "`bongsu versions ID` lists them", "--version is no time");
    memcpy(got.version, version.len > 0 ? version.at : "", version.len);
    struct getting *g = mem_alloc(sizeof *g);
    if (g == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    *g = got;
    *out = g;
    return ERR_OK;
}

/* What translates the object: language-content (section 7.1) that refers to it. Whether it is of this version
 * is for who merges it. */
static void translation_visit(void *ctx, const struct gate_edge *edge)
{
    struct buf *ids = ctx;
    if (str_eq(edge->property, STR("object_ref")) && str_starts(edge->from, STR("language-content--"))) {
        buf_put_str(ids, edge->from);
        buf_putc(ids, '\n');
    }
}

static err_t say_translations(struct command_call *call, const struct getting *g)
{
    struct buf ids;
    buf_init(&ids, LIMIT_CARRIERS * 64);
    err_t err =
        gate_neighbours(call->host->gate, &g->meant.key, false, LIMIT_CARRIERS, translation_visit, &ids);
    struct str rest = buf_str(&ids);
    while ((err == ERR_OK || err == ERR_NOTFOUND) && rest.len > 0) {
        struct gate_found found;
        struct stix_key key;
        if (!stix_id_parse(str_cut(&rest, '\n'), &key) ||
            gate_newest(call->host->gate, &key, &found) != ERR_OK || found.stix->revoked)
            continue;
        line_begin(call->out);
        line_text(call->out, "translation", str_from_bytes(found.object.bytes));
        line_end(call->out);
    }
    buf_deinit(&ids);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t get_next(struct command_call *call, void *state, bool *out_end)
{
    struct getting *g = state;
    size_t before = g->done;
    err_t err;
    g->seen = 0;
    g->call = call;
    if (!g->told)
        command_say_meant(call, &g->meant);
    g->told = true;
    if (TRY(err, gate_versions(call->host->gate, &g->meant.key, get_visit, g)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    if (g->done > before)
        return ERR_OK;
    *out_end = true;
    if (!g->found)
        return command_refuse(call, ERR_NOTFOUND, "`bongsu versions ID` lists what is held",
                              "no such object is held");
    return g->translations ? say_translations(call, g) : ERR_OK;
}

/* --- versions --- */

static bool say_version(void *ctx, const struct gate_object *object)
{
    struct command_call *call = ctx;
    const struct gate_source *source = gate_source_get(call->host->gate, object->envelope.source);
    struct json_parser *parser = NULL;
    struct json_doc doc;
    struct str text;
    uint8_t *padded = mem_alloc(object->bytes.len + JSON_PADDING);
    line_begin(call->out);
    line_count(call->out, "lsn", object->lsn);
    if (padded != NULL && json_parser_new(object->bytes.len + JSON_PADDING, &parser) == ERR_OK) {
        memcpy(padded, object->bytes.at, object->bytes.len);
        if (json_parse(parser, bytes_of(padded, object->bytes.len), &doc, NULL) == ERR_OK &&
            (json_get_str(json_root(&doc), STR("modified"), &text) ||
             json_get_str(json_root(&doc), STR("created"), &text)))
            line_text(call->out, "version", text);
    }
    json_parser_free(parser);
    mem_free(padded);
    line_text(call->out, "source", source == NULL ? STR("?") : source->name);
    line_time(call->out, "received", object->envelope.received_us);
    line_bool(call->out, "newest", object->newest);
    line_bool(call->out, "current", object->current_view);
    line_bool(call->out, "assertion", object->assertion);
    line_bool(call->out, "quarantined", object->quarantined);
    line_count(call->out, "bytes", object->bytes.len);
    command_put_origin(call->out, object);
    line_end(call->out);
    command_say_origin(call->out, object);
    return buf_err(call->out) == ERR_OK;
}

static err_t versions_run(struct command_call *call)
{
    struct command_meant meant;
    err_t err;
    if (TRY(err, command_meant(call, "id", &meant)))
        return err;
    command_say_meant(call, &meant);
    if (!meant.source)
        return command_each_copy(call, say_version);
    size_t before = call->out->len;
    if (TRY(err, gate_versions(call->host->gate, &meant.key, say_version, call)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    return call->out->len > before ? err
                                   : command_refuse(call, ERR_NOTFOUND, NULL, "it is not held any more");
}

const struct command command_find_rows[] = {
    {"versions", false, versions_run},
    {NULL, false, NULL},
};

static const struct command_stream streams[] = {
    {"find", find_begin, find_next, find_end},
    {"get", get_begin, get_next, mem_free},
    {"graph", command_graph_begin, command_graph_next, command_graph_end},
    {"report.quality", command_quality_begin, command_quality_next, command_quality_end},
    {"privacy.find", command_person_begin, command_person_next, command_person_end},
    {"privacy.report", command_handled_begin, command_handled_next, command_handled_end},
};
static const struct command_stream *const others[] = {
    &command_holds_stream,       &command_diff_stream,          &command_export_stream,
    &command_bundle_plan_stream, &command_bundle_volume_stream, &command_bundle_report_stream,
    &command_reconcile_stream};

const struct command_stream *command_stream_find(struct str name)
{
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++)
        if (str_eq(name, str_of(streams[i].name)))
            return &streams[i];
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (str_eq(name, str_of(others[i]->name)))
            return others[i];
    return NULL;
}
