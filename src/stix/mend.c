#include "stix/mend.h"

#include "core/uuid.h"
#include "stix/marking.h"
#include "stix/shape.h"

/* Namespace of identifiers that a node mints from others: our own, once and for all. */
static const struct uuid name_space = {
    {0x5b, 0x0d, 0x3c, 0x6e, 0x1f, 0x7a, 0x4c, 0x52, 0x9e, 0x21, 0x84, 0xb3, 0xd7, 0x60, 0x2a, 0xf9}};

enum change {
    READ_AS_20,
    ADDED_SPEC_VERSION,
    LABELS_BECAME_TYPES,
    ADDED_PATTERN_TYPE,
    ADDED_FAMILY,
    REWROTE_TIME,
    ADDED_TIME,
    MOVED_MODIFIED,
    DROPPED_NULL,
    MADE_LIST,
    MADE_SINGLE,
    CHANGES
};

static const char *const said[CHANGES] = {
    [READ_AS_20] = "read as STIX 2.0, with its references",
    [ADDED_SPEC_VERSION] = "spec_version 2.1 added",
    [LABELS_BECAME_TYPES] = "labels became its types",
    [ADDED_PATTERN_TYPE] = "pattern_type stix added",
    [ADDED_FAMILY] = "is_family true added",
    [REWROTE_TIME] = "timestamps written in UTC",
    [ADDED_TIME] = "created and modified taken from each other",
    [MOVED_MODIFIED] = "modified was before created",
    [DROPPED_NULL] = "null left out",
    [MADE_LIST] = "single values became lists",
    [MADE_SINGLE] = "lists of one became their value",
};

/* Section 3.2 of STIX 2.0: `labels` said what STIX 2.1 says in a property of its own. */
static const struct {
    enum stix_code code;
    const char *name;
} types_property[] = {
    {STIX_TYPE_INDICATOR, "indicator_types"}, {STIX_TYPE_MALWARE, "malware_types"},
    {STIX_TYPE_REPORT, "report_types"},       {STIX_TYPE_THREAT_ACTOR, "threat_actor_types"},
    {STIX_TYPE_TOOL, "tool_types"},
};

/* Only STIX 2.1 has these: an object that has one was not written for STIX 2.0. */
static const char *const only_in_21[] = {
    "pattern_type",       "is_family",  "indicator_types", "malware_types", "report_types",
    "threat_actor_types", "tool_types", "confidence",      "lang",          "extensions"};

struct mending {
    const struct stix_mint *mint;
    const struct stix_type *type;
    const struct stix_shape *shape;
    struct str id;
    struct json_val root;
    bool old;         /* of STIX 2.0 */
    unsigned changes; /* bits of enum change */
};

static void changed(struct mending *m, enum change change)
{
    m->changes |= 1u << change;
}

static bool has(const struct mending *m, const char *name)
{
    struct json_val value;
    return json_get(m->root, str_of(name), &value) && !json_is(value, JSON_NULL);
}

static const char *types_name(const struct mending *m)
{
    for (size_t i = 0; i < sizeof types_property / sizeof types_property[0]; i++)
        if (types_property[i].code == m->type->code)
            return types_property[i].name;
    return NULL;
}

static bool is_old(const struct mending *m)
{
    struct str version;
    if (json_get_str(m->root, STR("spec_version"), &version))
        return str_eq(version, STR("2.0"));
    for (size_t i = 0; i < sizeof only_in_21 / sizeof only_in_21[0]; i++)
        if (has(m, only_in_21[i]))
            return false;
    return true;
}

/* --- identifiers --- */

void stix_mint_id(const struct stix_mint *mint, struct str id, struct buf *out)
{
    struct hash name = hash_hmac_sha256(bytes_of(mint->key.b, HASH_SIZE), bytes_from_str(id));
    struct uuid uuid = uuid_v5(&name_space, bytes_of(name.b, HASH_SIZE));
    char text[UUID_TEXT_SIZE];
    uuid_text(&uuid, text);
    buf_put_str(out, stix_id_type(id));
    buf_put(out, "--", 2);
    buf_put(out, text, sizeof text);
}

/* The built-in markings are what they are in both versions. */
static bool is_ours_to_mint(struct str text)
{
    struct stix_key key;
    enum stix_tlp tlp;
    return stix_id_parse(text, &key) && !stix_tlp_from_key(&key, &tlp);
}

static void write_text(struct mending *m, struct str text, struct buf *out)
{
    if (!m->old || !is_ours_to_mint(text)) {
        json_write_str(out, text);
        return;
    }
    buf_putc(out, '"');
    stix_mint_id(m->mint, text, out);
    buf_putc(out, '"');
}

/* --- times --- */

static bool two_digits(struct str text, size_t at, int *out)
{
    if (at > text.len || text.len - at < 2)
        return false;
    unsigned high = (unsigned)(text.at[at] - '0'), low = (unsigned)(text.at[at + 1] - '0');
    *out = (int)(high * 10 + low);
    return high < 10 && low < 10;
}

/* "+09:00", "-0530", "Z" or nothing behind the seconds; where it begins, and how far east it is. */
static bool find_offset(struct str text, size_t *out_at, int64_t *out_seconds)
{
    enum { SECONDS_END = 19 };
    size_t at = SECONDS_END;
    int hours, minutes;
    if (text.len < SECONDS_END)
        return false;
    *out_seconds = 0;
    while (at < text.len && ((text.at[at] >= '0' && text.at[at] <= '9') || text.at[at] == '.'))
        at++;
    *out_at = at;
    if (at >= text.len || str_eq((struct str) {text.at + at, text.len - at}, STR("Z")))
        return true;
    size_t colon = text.len - at == 6 && text.at[at + 3] == ':';
    if ((text.at[at] != '+' && text.at[at] != '-') || text.len - at != 5 + colon ||
        !two_digits(text, at + 1, &hours) || !two_digits(text, at + 3 + colon, &minutes) || hours > 14 ||
        minutes > 59)
        return false;
    *out_seconds = (hours * 3600 + minutes * 60) * (text.at[at] == '-' ? -1 : 1);
    return true;
}

/* A timestamp that section 2.16 refuses, as it was meant; false when it is not one. */
static bool read_time(struct str text, char out[TIME_TEXT_SIZE + STAMP_DIGITS_MAX], size_t *out_len)
{
    size_t end;
    int64_t east;
    struct stamp stamp;
    if (!find_offset(text, &end, &east) || end > TIME_TEXT_SIZE + STAMP_DIGITS_MAX - 2)
        return false;
    memcpy(out, text.at, end);
    out[10] = out[10] == ' ' || out[10] == 't' ? 'T' : out[10];
    out[end] = 'Z';
    *out_len = end + 1;
    if (stamp_parse((struct str) {out, *out_len}, &stamp, NULL) != ERR_OK)
        return false;
    if (east != 0) {
        time_text(stamp_us(stamp) - east * 1000000, out);
        *out_len = strlen(out);
    }
    return true;
}

static bool time_of(const struct mending *m, const char *name, char out[TIME_TEXT_SIZE + STAMP_DIGITS_MAX],
                    size_t *out_len)
{
    struct str text;
    return json_get_str(m->root, str_of(name), &text) && read_time(text, out, out_len);
}

/* `modified`: never before `created`, and each is there when the other is. */
static bool write_created_or_modified(struct mending *m, const char *name, const char *other, struct buf *out)
{
    char at[TIME_TEXT_SIZE + STAMP_DIGITS_MAX], first[TIME_TEXT_SIZE + STAMP_DIGITS_MAX];
    size_t len = 0, first_len = 0;
    struct stamp stamp, created;
    struct str text;
    if (!time_of(m, name, at, &len))
        return false;
    if (json_get_str(m->root, str_of(name), &text) && !str_eq(text, (struct str) {at, len}))
        changed(m, REWROTE_TIME);
    if (strcmp(name, "modified") == 0 && time_of(m, other, first, &first_len) &&
        stamp_parse((struct str) {at, len}, &stamp, NULL) == ERR_OK &&
        stamp_parse((struct str) {first, first_len}, &created, NULL) == ERR_OK &&
        stamp_cmp(stamp, created) < 0) {
        changed(m, MOVED_MODIFIED);
        memcpy(at, first, first_len);
        len = first_len;
    }
    json_write_str(out, (struct str) {at, len});
    return true;
}

/* --- members --- */

static enum json_canon_act write_time(struct mending *m, struct str text, struct buf *out)
{
    char at[TIME_TEXT_SIZE + STAMP_DIGITS_MAX];
    struct stamp stamp;
    size_t len;
    if (stamp_parse(text, &stamp, NULL) == ERR_OK || !read_time(text, at, &len))
        return JSON_CANON_KEEP;
    changed(m, REWROTE_TIME);
    json_write_str(out, (struct str) {at, len});
    return JSON_CANON_TEXT;
}

/* A list of strings, each of which may refer; lists of anything else are walked member by member. */
static enum json_canon_act write_list(struct mending *m, struct json_val list, struct buf *out)
{
    struct json_iter iter = json_array_iter(list);
    struct json_val value;
    size_t before = out->len, count = 0;
    buf_putc(out, '[');
    while (json_array_next(&iter, &value)) {
        if (!json_is(value, JSON_STRING)) {
            out->len = before;
            return JSON_CANON_KEEP;
        }
        if (count++ > 0)
            buf_putc(out, ',');
        write_text(m, json_str(value), out);
    }
    buf_putc(out, ']');
    return JSON_CANON_TEXT;
}

/* A list of one string where a single one belongs. */
static bool write_only(struct mending *m, const struct stix_prop *prop, struct json_val list, struct buf *out)
{
    struct json_iter iter = json_array_iter(list);
    struct json_val value;
    if ((prop->flags & STIX_PROP_LIST) != 0 || prop->kind >= STIX_KIND_SHAPE || json_array_count(list) != 1 ||
        !json_array_next(&iter, &value) || !json_is(value, JSON_STRING))
        return false;
    changed(m, MADE_SINGLE);
    write_text(m, json_str(value), out);
    return true;
}

static enum json_canon_act write_value(struct mending *m, const struct stix_prop *prop, struct json_val value,
                                       struct buf *out)
{
    switch (json_type(value)) {
    case JSON_NULL:
        if (prop == NULL)
            return JSON_CANON_KEEP;
        changed(m, DROPPED_NULL);
        return JSON_CANON_DROP;
    case JSON_ARRAY:
        return prop != NULL && write_only(m, prop, value, out) ? JSON_CANON_TEXT : write_list(m, value, out);
    case JSON_STRING:
        if (prop != NULL && prop->kind == STIX_KIND_TIME)
            return write_time(m, json_str(value), out);
        if (prop != NULL && (prop->flags & STIX_PROP_LIST) != 0) {
            changed(m, MADE_LIST);
            buf_putc(out, '[');
            write_text(m, json_str(value), out);
            buf_putc(out, ']');
        } else {
            write_text(m, json_str(value), out);
        }
        return JSON_CANON_TEXT;
    default:
        return JSON_CANON_KEEP;
    }
}

/* Members that are not copied: they are written before the others, or not at all. */
static bool written_apart(const struct mending *m, struct str name)
{
    static const char *const always[] = {"type",           "id",      "spec_version",
                                         "created_by_ref", "created", "modified"};
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (str_eq(name, str_of(always[i])))
            return true;
    return m->old && str_eq(name, STR("labels")) && types_name(m) != NULL && has(m, "labels");
}

static enum json_canon_act member(void *ctx, unsigned depth, struct str name, struct json_val value,
                                  struct buf *out)
{
    struct mending *m = ctx;
    const struct stix_prop *prop = NULL;
    if (depth == 0) {
        if (written_apart(m, name))
            return JSON_CANON_DROP;
        prop = stix_prop_common(name);
        if (prop == NULL && m->shape != NULL)
            prop = stix_prop_find(m->shape, name);
    }
    return write_value(m, prop, value, out);
}

/* --- what is written first --- */

static void write_times(struct mending *m, struct buf *out)
{
    static const char *const names[2] = {"created", "modified"};
    for (size_t i = 0; i < 2; i++) {
        if (i == 1 && !m->type->versioned && !has(m, "modified"))
            break; /* a marking-definition */
        size_t before = out->len;
        buf_printf(out, ",\"%s\":", names[i]);
        if (write_created_or_modified(m, names[i], names[1 - i], out))
            continue;
        if (!has(m, names[i]) && write_created_or_modified(m, names[1 - i], names[i], out))
            changed(m, ADDED_TIME);
        else
            out->len = before;
    }
}

static void write_labels(struct mending *m, struct buf *out)
{
    const char *name = types_name(m);
    struct json_val labels;
    if (!m->old || name == NULL || !json_get(m->root, STR("labels"), &labels) || json_is(labels, JSON_NULL))
        return;
    changed(m, LABELS_BECAME_TYPES);
    buf_printf(out, ",\"%s\":", name);
    if (json_is(labels, JSON_ARRAY) && write_list(m, labels, out) == JSON_CANON_TEXT)
        return;
    if (json_is(labels, JSON_STRING))
        buf_putc(out, '['), json_write_str(out, json_str(labels)), buf_putc(out, ']');
    else
        buf_put(out, "[]", 2); /* stix_read says what is wrong with it */
}

static void write_head(struct mending *m, struct buf *out)
{
    buf_printf(out, "{\"type\":\"%.*s\",\"spec_version\":\"2.1\",\"id\":", STR_ARG(stix_id_type(m->id)));
    if (is_ours_to_mint(m->id)) {
        buf_putc(out, '"');
        stix_mint_id(m->mint, m->id, out);
        buf_printf(out, "\",\"created_by_ref\":\"%.*s\"", STR_ARG(m->mint->creator_id));
    } else {
        json_write_str(out, m->id);
    }
    if (!has(m, "spec_version") || m->old)
        changed(m, ADDED_SPEC_VERSION);
    write_times(m, out);
    write_labels(m, out);
    if (m->old && m->type->code == STIX_TYPE_INDICATOR) {
        buf_put_str(out, STR(",\"pattern_type\":\"stix\",\"pattern_version\":\"2.0\""));
        changed(m, ADDED_PATTERN_TYPE);
    }
    if (m->old && m->type->code == STIX_TYPE_MALWARE) {
        buf_put_str(out, STR(",\"is_family\":true"));
        changed(m, ADDED_FAMILY);
    }
}

static void write_report(const struct mending *m, struct buf *report)
{
    const char *separator = "";
    for (int i = 0; i < CHANGES; i++) {
        if ((m->changes >> i & 1) == 0)
            continue;
        buf_printf(report, "%s%s", separator, said[i]);
        separator = "; ";
    }
}

err_t stix_mend(struct json_val v, const struct stix_mint *mint, struct buf *out, struct buf *report)
{
    struct mending m = {.mint = mint, .root = v};
    struct stix_key key;
    struct str type;
    struct buf rest;
    err_t err;
    if (!json_is(v, JSON_OBJECT) || !json_get_str(v, STR("id"), &m.id) ||
        !json_get_str(v, STR("type"), &type) || !stix_id_parse(m.id, &key) ||
        !str_eq(stix_id_type(m.id), type))
        return ERR_UNSUPPORTED;
    m.type = stix_type_find(type);
    if (m.type->category == STIX_SCO)
        return ERR_UNSUPPORTED;
    m.shape = stix_shape_of_type(m.type->code);
    m.old = is_old(&m);
    if (m.old)
        changed(&m, READ_AS_20);
    struct json_canon_hook hook = {.member = member, .ctx = &m};
    buf_init(&rest, out->size_max);
    write_head(&m, out);
    if (!TRY(err, json_canon(v, &hook, &rest, NULL)) && !TRY(err, buf_err(&rest))) {
        /* "{...}" goes on where the head ends. */
        bool empty = rest.len <= 2;
        if (!empty)
            buf_putc(out, ',');
        buf_put(out, rest.at + 1, rest.len - 1);
        write_report(&m, report);
        err = buf_err(out);
    }
    buf_deinit(&rest);
    if (err == ERR_OK && m.changes == 0)
        err = ERR_UNSUPPORTED;
    return err;
}
