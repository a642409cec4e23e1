/* What is accepted from a source: stated, and shown with what is used of it. */
#include "app/command.h"

#include "core/suggest.h"
#include "core/uuid.h"
#include "gate/inbound.h"

/* A letter wrong, and everything of that type would be refused: in silence, since that is what was said. A
 * type that an extension defines may be called anything else. */
static err_t check_type(struct command_call *call, struct str type)
{
    struct suggest meant = suggest_for(type);
    char *next = arena_alloc(call->arena, COMMAND_TEXT_MAX); /* it outlives the call */
    int len = type.len > 100 ? 100 : (int)type.len;
    if (next == NULL)
        return ERR_NOMEM;
    if (stix_type_find(type)->code != STIX_TYPE_UNKNOWN || str_starts(type, STR("x-")))
        return ERR_OK;
    for (unsigned code = 1; code < STIX_TYPE_COUNT; code++)
        suggest_try(&meant, str_of(stix_type_row((enum stix_code)code)->name));
    suggest_put(&meant, "", next, COMMAND_TEXT_MAX);
    for (size_t i = 0; i < type.len; i++)
        if (!((type.at[i] >= 'a' && type.at[i] <= 'z') || (type.at[i] >= '0' && type.at[i] <= '9') ||
              type.at[i] == '-'))
            return command_refuse(call, ERR_USAGE, "a type has a-z, 0-9 and -, such as indicator",
                                  "types: %.*s is no type", len, type.at);
    return next[0] == '\0'
               ? ERR_OK
               : command_refuse(call, ERR_USAGE, next, "types: there is no type %.*s", len, type.at);
}

static err_t read_types(struct command_call *call, struct gate_inbound *out)
{
    struct str names = command_text_or_empty(call, "types");
    struct str *types = arena_zalloc(call->arena, LIMIT_INBOUND_TYPES, sizeof *types);
    err_t err;
    if (types == NULL)
        return ERR_NOMEM;
    while (names.len > 0) {
        if (out->type_count == LIMIT_INBOUND_TYPES)
            return command_refuse(call, ERR_LIMIT, NULL, "types: at most %d", LIMIT_INBOUND_TYPES);
        struct str type = str_trim(str_cut(&names, ','));
        if (TRY(err, check_type(call, type)))
            return err;
        types[out->type_count++] = type;
    }
    out->types = types;
    return ERR_OK;
}

static err_t read_creators(struct command_call *call, struct gate_inbound *out)
{
    struct str ids = command_text_or_empty(call, "identities");
    struct stix_key *keys = arena_zalloc(call->arena, LIMIT_INBOUND_CREATORS, sizeof *keys);
    if (keys == NULL)
        return ERR_NOMEM;
    while (ids.len > 0) {
        struct str id = str_trim(str_cut(&ids, ','));
        if (out->creator_count == LIMIT_INBOUND_CREATORS)
            return command_refuse(call, ERR_LIMIT, NULL, "identities: at most %d", LIMIT_INBOUND_CREATORS);
        if (!str_starts(id, STR("identity--")) || !stix_id_parse(id, &keys[out->creator_count++]))
            return command_refuse(call, ERR_USAGE, "identity-- and a UUID, with commas",
                                  "identities: %.*s is no identity", id.len > 100 ? 100 : (int)id.len, id.at);
    }
    out->creators = keys;
    return ERR_OK;
}

static const struct {
    const char *unit;
    uint64_t bytes;
} units[] = {{"GB", 1000000000}, {"MB", 1000000}, {"KB", 1000}, {"B", 1}};

/* "10000", a number of objects, or "50MB", of bytes. */
static bool read_amount(struct str text, struct gate_inbound *out)
{
    uint64_t count;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct str unit = str_of(units[i].unit);
        if (!str_ends(text, unit))
            continue;
        text.len -= unit.len;
        if (!str_to_u64(text, UINT64_MAX / units[i].bytes, &count))
            return false;
        out->bytes = count * units[i].bytes;
        return out->bytes > 0;
    }
    return str_to_u64(text, UINT64_MAX, &out->objects) && out->objects > 0;
}

/* "10000/1d", "50MB/1h", "10000,50MB/1d". */
static err_t read_volume(struct command_call *call, struct gate_inbound *out)
{
    struct str window = command_text_or_empty(call, "volume");
    uint64_t seconds;
    if (window.len == 0)
        return ERR_OK;
    struct str amounts = str_cut(&window, '/');
    bool ok = feed_every_read(window, &seconds);
    while (ok && amounts.len > 0)
        ok = read_amount(str_cut(&amounts, ','), out);
    if (!ok)
        return command_refuse(call, ERR_USAGE, "write 10000/1d, 50MB/1h or 10000,50MB/1d",
                              "volume: objects, bytes or both, and a window of 5 seconds to 30 days");
    out->window_us = (int64_t)seconds * 1000000;
    return ERR_OK;
}

/* "sighting=1000/1d": a type, a number and a window. */
static bool read_quota(struct str text, struct gate_quota *out)
{
    uint64_t seconds;
    out->type = str_trim(str_cut(&text, '='));
    struct str number = str_cut(&text, '/');
    if (!feed_every_read(text, &seconds) || !str_to_u64(number, LIMIT_QUOTA_OBJECTS, &out->objects))
        return false;
    out->window_us = (int64_t)seconds * 1000000;
    return out->objects > 0;
}

static err_t read_quotas(struct command_call *call, struct gate_inbound *out)
{
    struct str rows = command_text_or_empty(call, "quota");
    struct gate_quota *quotas = arena_zalloc(call->arena, LIMIT_QUOTAS, sizeof *quotas);
    err_t err;
    if (quotas == NULL)
        return ERR_NOMEM;
    while (rows.len > 0) {
        if (out->quota_count == LIMIT_QUOTAS)
            return command_refuse(call, ERR_LIMIT, NULL, "quota: at most %d types", LIMIT_QUOTAS);
        struct gate_quota *quota = &quotas[out->quota_count++];
        if (!read_quota(str_trim(str_cut(&rows, ',')), quota))
            return command_refuse(call, ERR_USAGE, "write sighting=1000/1d,opinion=200/1h",
                                  "quota: a type, a number from 1, and a window of 5 seconds to 30 days");
        if (TRY(err, check_type(call, quota->type)))
            return err;
        for (const struct gate_quota *other = quotas; other < quota; other++)
            if (str_eq(other->type, quota->type))
                return command_refuse(call, ERR_USAGE, "a type has one quota", "quota: %.*s stands twice",
                                      STR_ARG(quota->type));
    }
    out->quotas = quotas;
    return ERR_OK;
}

/* As it is given: "1d", "10m". */
static void put_window(int64_t window_us, struct buf *out)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } windows[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    uint64_t seconds = (uint64_t)window_us / 1000000;
    size_t k = 0;
    while (seconds % windows[k].seconds != 0)
        k++;
    buf_printf(out, "%llu%c", (unsigned long long)(seconds / windows[k].seconds), windows[k].unit);
}

static void put_quotas(const struct gate_inbound *held, struct buf *out)
{
    for (size_t i = 0; i < held->quota_count; i++) {
        buf_printf(out, "%s%.*s=%llu/", i == 0 ? "" : ",", STR_ARG(held->quotas[i].type),
                   (unsigned long long)held->quotas[i].objects);
        put_window(held->quotas[i].window_us, out);
    }
}

static void say_inbound(struct command_call *call, const struct gate_source *source)
{
    struct gate_inbound_used used;
    struct buf words;
    const struct gate_inbound *held = gate_inbound_get(call->host->gate, source->number, call->now_us, &used);
    if (held == NULL)
        return;
    buf_init(&words, RECORD_FACT_VALUE_MAX * 2);
    line_begin(call->out);
    line_text(call->out, "name", source->name);
    for (size_t i = 0; i < held->type_count; i++)
        buf_printf(&words, "%s%.*s", i == 0 ? "" : ",", STR_ARG(held->types[i]));
    line_text(call->out, "types", held->type_count == 0 ? STR("any") : buf_str(&words));
    buf_clear(&words);
    for (size_t i = 0; i < held->creator_count; i++) {
        struct uuid uuid;
        char text[UUID_TEXT_SIZE + 1] = "";
        memcpy(uuid.b, held->creators[i].b, sizeof uuid.b);
        uuid_text(&uuid, text);
        buf_printf(&words, "%sidentity--%.*s", i == 0 ? "" : ",", UUID_TEXT_SIZE, text);
    }
    line_text(call->out, "identities", held->creator_count == 0 ? STR("any") : buf_str(&words));
    line_word(call->out, "tlp_max", held->tlp_max == STIX_TLP_NONE ? "any" : stix_tlp_name(held->tlp_max));
    line_count(call->out, "window_s", (uint64_t)held->window_us / 1000000);
    buf_clear(&words);
    if (held->window_us > 0)
        put_window(held->window_us, &words);
    line_text(call->out, "window", held->window_us > 0 ? buf_str(&words) : STR("any"));
    line_count(call->out, "objects_max", held->objects);
    line_count(call->out, "objects", used.objects);
    line_count(call->out, "bytes_max", held->bytes);
    line_count(call->out, "bytes", used.bytes);
    buf_clear(&words);
    put_quotas(held, &words);
    line_text(call->out, "quota", held->quota_count == 0 ? STR("any") : buf_str(&words));
    line_count(call->out, "creators_over", used.creators_over);
    line_end(call->out);
    buf_deinit(&words);
}

static bool states_nothing(const struct gate_inbound *inbound)
{
    return inbound->type_count == 0 && inbound->creator_count == 0 && inbound->tlp_max == STIX_TLP_NONE &&
           inbound->window_us == 0 && inbound->quota_count == 0;
}

static err_t read_inbound(struct command_call *call, struct gate_inbound *out)
{
    err_t err;
    if (TRY(err, read_types(call, out)) || TRY(err, read_creators(call, out)) ||
        TRY(err, read_volume(call, out)) || TRY(err, read_quotas(call, out)))
        return err;
    if (command_text_or_empty(call, "tlp-max").len > 0 &&
        TRY(err, command_tlp(call, "tlp-max", &out->tlp_max)))
        return err;
    bool anything = command_flag(call, "anything");
    if (anything == states_nothing(out))
        return ERR_OK;
    return command_refuse(call, ERR_USAGE, "`bongsu help source accept`",
                          anything ? "--anything stands alone" : "say what is accepted, or --anything");
}

static err_t source_accept(struct command_call *call)
{
    struct gate_inbound inbound = {0};
    struct gate_by by = command_by(call);
    struct str name;
    uint32_t number = GATE_SOURCE_NONE;
    err_t err;
    if (TRY(err, command_text(call, "name", &name)) || TRY(err, command_source(call, "name", &number)) ||
        TRY(err, read_inbound(call, &inbound)))
        return err;
    if (by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                              "saying what is accepted needs a reason");
    if (TRY(err, gate_inbound_put(call->host->gate, number, &inbound, &by, call->now_us)))
        return command_refuse(call, err, "types are names of STIX types, with commas",
                              "it was not stated: %s", err_text(err));
    say_inbound(call, gate_source_get(call->host->gate, number));
    line_say(call->out, states_nothing(&inbound)
                            ? "everything is accepted from it"
                            : "in force for what comes from now on; what is outside goes to quarantine");
    return ERR_OK;
}

static err_t source_accepted(struct command_call *call)
{
    for (uint32_t number = 1; number <= gate_source_count(call->host->gate); number++)
        say_inbound(call, gate_source_get(call->host->gate, number));
    return ERR_OK;
}

const struct command command_inbound_rows[] = {
    {"source.accept", true, source_accept},
    {"source.accepted", false, source_accepted},
    {NULL, false, NULL},
};
