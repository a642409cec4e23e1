/* What every element leaves of itself in its STIX object, and what it leaves behind. */
#include "feeds/misp_state.h"

/* What becomes of a member: copied, cut to an empty list (its elements have objects of their own), sifted
 * element by element, or kept here. */
enum act { COPY, EMPTY, SIFT, HERE, EACH };

static const struct rule {
    unsigned levels; /* bits of enum misp_level */
    struct str name;
    enum act act;
} rules[] = {
    {1u << MISP_EVENT, {"Attribute", 9}, EMPTY},
    {1u << MISP_EVENT, {"Object", 6}, EMPTY},
    {1u << MISP_EVENT, {"EventReport", 11}, EMPTY},
    {1u << MISP_OBJECT, {"Attribute", 9}, EACH},
    {1u << MISP_EVENT, {"event_creator_email", 19}, HERE},
    {1u << MISP_EVENT, {"user_id", 7}, HERE},
    {1u << MISP_EVENT, {"RelatedEvent", 12}, HERE},
    {1u << MISP_EVENT, {"Feed", 4}, HERE},
    {1u << MISP_EVENT, {"Server", 6}, HERE},
    {1u << MISP_EVENT | 1u << MISP_ATTRIBUTE, {"ShadowAttribute", 15}, HERE},
    {1u << MISP_ATTRIBUTE, {"RelatedAttribute", 16}, HERE},
    {1u << MISP_EVENT | 1u << MISP_ATTRIBUTE | 1u << MISP_OBJECT, {"Tag", 3}, SIFT},
    {1u << MISP_EVENT | 1u << MISP_ATTRIBUTE, {"Galaxy", 6}, SIFT},
};

static const struct str level_names[MISP_LEVELS] = {
    [MISP_EVENT] = {"event", 5},
    [MISP_ATTRIBUTE] = {"attribute", 9},
    [MISP_OBJECT] = {"object", 6},
    [MISP_EVENT_REPORT] = {"report", 6},
};

struct str misp_level_name(enum misp_level level)
{
    return level_names[level];
}

struct copying {
    struct misp_keep *keep;
    enum misp_level level;
    struct str uuid;
    size_t base; /* of the notes of its objects */
};

static bool is_zero_distribution(struct json_val element)
{
    char digits[24];
    return str_eq(misp_text(element, "distribution", digits), STR("0"));
}

/* MISP passes on neither local tags nor those that may not be exported, nor a cluster for its own
 * organisation. */
static bool is_local(struct json_val entry)
{
    struct json_val clusters, cluster, exportable;
    if (misp_flag(entry, "local") || misp_flag(entry, "local_only"))
        return true;
    if (json_get(entry, STR("exportable"), &exportable) && !misp_flag(entry, "exportable"))
        return true;
    if (!json_get(entry, STR("GalaxyCluster"), &clusters) || !json_is(clusters, JSON_ARRAY))
        return false;
    struct json_iter iter = json_array_iter(clusters);
    while (json_array_next(&iter, &cluster))
        if (misp_flag(cluster, "local") || is_zero_distribution(cluster))
            return true;
    return false;
}

static void fail(struct misp_keep *keep, err_t err)
{
    if (keep->err == ERR_OK)
        keep->err = err;
}

/* Notes a member that is empty, and drops it. */
static bool drop_empty(struct misp_keep *keep, unsigned depth, struct str name, struct json_val value)
{
    bool empty = false;
    err_t err = misp_empty_note(&keep->empties, depth, name, value, &empty);
    if (err != ERR_OK && keep->err == ERR_OK)
        keep->err =
            fault_set(keep->fault, err, 0, err == ERR_INVALID ? "x_empty is no name of MISP's" : "no memory");
    return empty;
}

static enum json_canon_act copy_member(void *ctx, unsigned depth, struct str name, struct json_val value,
                                       struct buf *out)
{
    const struct copying *copying = ctx;
    (void)out;
    return drop_empty(copying->keep, depth, name, value) ? JSON_CANON_DROP : JSON_CANON_KEEP;
}

static void copy_end(void *ctx, unsigned depth, bool any, struct buf *out)
{
    const struct copying *copying = ctx;
    misp_empty_put(&copying->keep->empties, copying->base, depth, any, out);
}

static void copy(struct misp_keep *keep, struct json_val value, struct buf *out)
{
    struct copying copying = {.keep = keep, .base = keep->empties.count};
    struct json_canon_hook hook = {.member = copy_member, .ctx = &copying, .end = copy_end};
    err_t err = json_canon(value, &hook, out, keep->fault);
    if (err != ERR_OK)
        fail(keep, err);
}

/* `position` is -1 for a whole member. */
static void leave_here(const struct copying *copying, struct str member, int64_t position,
                       struct json_val value)
{
    struct misp_keep *keep = copying->keep;
    buf_put_str(&keep->pieces, STR("{\"of\":"));
    json_write_str(&keep->pieces, copying->uuid);
    buf_put_str(&keep->pieces, STR(",\"member\":"));
    json_write_str(&keep->pieces, member);
    if (position >= 0)
        buf_printf(&keep->pieces, ",\"position\":%lld", (long long)position);
    buf_put_str(&keep->pieces, STR(",\"value\":"));
    copy(keep, value, &keep->pieces);
    buf_put_str(&keep->pieces, STR("},"));
    keep->piece_count++;
}

static void put_members(struct misp_keep *keep, enum misp_level level, struct json_val element,
                        struct buf *out);

/* False: all of it stays here. */
static bool put_sifted(const struct copying *copying, struct str member, struct json_val list,
                       struct buf *out)
{
    struct json_val entry;
    const char *comma = "[";
    int64_t position = 0;
    struct json_iter iter = json_array_iter(list);
    for (; json_array_next(&iter, &entry); position++) {
        if (is_local(entry)) {
            leave_here(copying, member, position, entry);
            continue;
        }
        buf_printf(out, "%s", comma);
        copy(copying->keep, entry, out);
        comma = ",";
    }
    if (comma[0] == ',')
        buf_putc(out, ']');
    return comma[0] == ',';
}

/* The attributes of an object, one by one. Not recursion on input: two levels and no more. */
static void put_each(struct misp_keep *keep, struct json_val list, struct buf *out)
{
    struct json_val entry;
    const char *comma = "";
    struct json_iter iter = json_array_iter(list);
    buf_putc(out, '[');
    while (json_array_next(&iter, &entry)) {
        buf_printf(out, "%s", comma);
        if (json_is(entry, JSON_OBJECT))
            put_members(keep, MISP_ATTRIBUTE, entry, out);
        else
            copy(keep, entry, out);
        comma = ",";
    }
    buf_putc(out, ']');
}

static enum act act_of(enum misp_level level, struct str name)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if ((rules[i].levels & 1u << level) != 0 && str_eq(rules[i].name, name))
            return rules[i].act;
    return COPY;
}

/* As if it were empty: what stands in it stands elsewhere. */
static enum json_canon_act leave_empty(struct misp_keep *keep, struct str name)
{
    err_t err = misp_empty_note_list(&keep->empties, 0, name);
    if (err != ERR_OK)
        fail(keep, err);
    return JSON_CANON_DROP;
}

static enum json_canon_act member(void *ctx, unsigned depth, struct str name, struct json_val value,
                                  struct buf *out)
{
    const struct copying *copying = ctx;
    enum act act = depth == 0 ? act_of(copying->level, name) : COPY;
    if (drop_empty(copying->keep, depth, name, value))
        return JSON_CANON_DROP;
    if (act == HERE) {
        leave_here(copying, name, -1, value);
        return JSON_CANON_DROP;
    }
    if (!json_is(value, JSON_ARRAY) || act == COPY)
        return JSON_CANON_KEEP;
    if (act == EMPTY)
        return leave_empty(copying->keep, name);
    if (act == SIFT && !put_sifted(copying, name, value, out))
        return leave_empty(copying->keep, name);
    if (act == EACH)
        put_each(copying->keep, value, out);
    return JSON_CANON_TEXT;
}

static void put_members(struct misp_keep *keep, enum misp_level level, struct json_val element,
                        struct buf *out)
{
    struct copying copying = {.keep = keep, .level = level, .base = keep->empties.count};
    (void)json_get_str(element, STR("uuid"), &copying.uuid);
    struct json_canon_hook hook = {.member = member, .ctx = &copying, .end = copy_end};
    err_t err = json_canon(element, &hook, out, keep->fault);
    if (err != ERR_OK)
        fail(keep, err);
}

void misp_keep_put(struct misp_keep *keep, enum misp_level level, struct json_val element, size_t position,
                   struct buf *out)
{
    buf_put_str(out, STR(",\"extensions\":{\"" MISP_EXTENSION
                         "\":{\"extension_type\":\"property-extension\",\"kind\":"));
    json_write_str(out, level_names[level]);
    buf_put_str(out, STR(",\"event\":"));
    json_write_str(out, keep->event);
    buf_printf(out, ",\"position\":%zu,\"data\":", position);
    put_members(keep, level, element, out);
    buf_put_str(out, STR("}}"));
}
