/* STIX that no MISP made, as MISP attributes: what one comparison says becomes its type, all else its text.
 */
#include <stdio.h>

#include "core/stamp.h"
#include "feeds/misp_writing.h"

/* Where a comparison or a property leads. */
static const struct path {
    struct str path, type, category;
} paths[] = {
#define PATH(path, type, category)                                                                           \
    {{path, sizeof(path) - 1}, {type, sizeof(type) - 1}, {category, sizeof(category) - 1}},
    PATH("ipv4-addr:value", "ip-dst",
         "Network activity") PATH("ipv6-addr:value", "ip-dst",
                                  "Network activity") PATH("domain-name:value", "domain", "Network activity")
        PATH("url:value", "url", "Network activity") PATH("mac-addr:value", "mac-address", "Network activity")
            PATH("autonomous-system:number", "AS", "Network activity") PATH("email-addr:value", "email-src",
                                                                            "Payload delivery")
                PATH("email-message:from_ref.value", "email-src", "Payload delivery")
                    PATH("email-message:to_refs[*].value", "email-dst", "Payload delivery")
                        PATH("email-message:subject", "email-subject", "Payload delivery")
                            PATH("file:name", "filename", "Payload delivery")
                                PATH("file:hashes.MD5", "md5", "Payload delivery")
                                    PATH("file:hashes.'MD5'", "md5", "Payload delivery")
                                        PATH("file:hashes.'SHA-1'", "sha1", "Payload delivery")
                                            PATH("file:hashes.'SHA-256'", "sha256", "Payload delivery")
                                                PATH("file:hashes.'SHA-512'", "sha512", "Payload delivery")
                                                    PATH("mutex:name", "mutex", "Artifacts dropped")
                                                        PATH("windows-registry-key:key", "regkey",
                                                             "Persistence mechanism")
#undef PATH
};

static const struct path *path_of(struct str path)
{
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        if (str_eq(paths[i].path, path))
            return &paths[i];
    return NULL;
}

/* `[path = 'value']`, one comparison and nothing else; the value without its escapes. */
static const struct path *read_pattern(struct str pattern, struct buf *value)
{
    static const struct str middle = {" = '", 4};
    buf_clear(value);
    if (pattern.len < 8 || pattern.at[0] != '[' || !str_ends(pattern, STR("']")))
        return NULL;
    size_t at = 1;
    while (at + middle.len < pattern.len && memcmp(pattern.at + at, middle.at, middle.len) != 0)
        at++;
    const struct path *path = path_of((struct str) {pattern.at + 1, at - 1});
    if (path == NULL)
        return NULL;
    for (at += middle.len; at < pattern.len - 2; at++) {
        if (pattern.at[at] == '\'')
            return NULL;
        if (pattern.at[at] == '\\' && ++at == pattern.len - 2)
            return NULL;
        buf_putc(value, pattern.at[at]);
    }
    return path;
}

struct made {
    struct json_val object;
    struct str id;
    const struct kept *kept;
    struct buf *out;
};

static bool read_stamp(struct json_val object, const char *name, struct str *out_text, struct stamp *out)
{
    return json_get_str(object, str_of(name), out_text) && stamp_parse(*out_text, out, NULL) == ERR_OK;
}

/* The published mapping: what an indicator is good for is when it was seen, unless it says no more than when
 * it was written. MISP takes no end before a beginning. */
static void put_seen(const struct made *made)
{
    struct str from_text, until_text;
    struct stamp from, until;
    if (!read_stamp(made->object, "valid_from", &from_text, &from))
        return;
    bool ends = read_stamp(made->object, "valid_until", &until_text, &until) && stamp_cmp(until, from) >= 0;
    bool same = stamp_cmp(from, made->kept->version) == 0;
    if (same && (!ends || stamp_cmp(until, from) == 0))
        return;
    buf_put_str(made->out, STR(",\"first_seen\":"));
    json_write_str(made->out, from_text);
    if (ends) {
        buf_put_str(made->out, STR(",\"last_seen\":"));
        json_write_str(made->out, until_text);
    }
}

static void put(const struct made *made, struct str type, struct str category, struct str value, bool to_ids,
                struct str comment)
{
    struct buf name;
    char text[UUID_TEXT_SIZE];
    struct stix_key key;
    struct uuid uuid;
    if (!stix_id_parse(made->id, &key))
        return;
    memcpy(uuid.b, key.b, UUID_SIZE);
    /* An object may leave several attributes: type and value tell them apart, whatever their order. */
    buf_init(&name, LIMIT_OBJECT_BYTES);
    buf_printf(&name, "%.*s %.*s", STR_ARG(type), STR_ARG(value));
    struct uuid own = uuid_v5(&uuid, buf_bytes(&name));
    buf_deinit(&name);
    uuid_text(&own, text);
    buf_printf(made->out, "{\"uuid\":\"%.*s\",\"type\":", UUID_TEXT_SIZE, text);
    json_write_str(made->out, type);
    buf_put_str(made->out, STR(",\"category\":"));
    json_write_str(made->out, category);
    buf_put_str(made->out, STR(",\"value\":"));
    json_write_str(made->out, value);
    buf_printf(made->out, ",\"to_ids\":%s,\"distribution\":\"5\",\"timestamp\":\"%lld\",\"comment\":",
               to_ids && !made->kept->ended ? "true" : "false", (long long)made->kept->changed_s);
    json_write_str(made->out, comment);
    put_seen(made);
    misp_loose_tags(made->object, made->out);
    buf_put_str(made->out, STR("},"));
}

static void put_indicator(const struct made *made)
{
    static const struct str languages[] = {{"yara", 4}, {"sigma", 5}, {"snort", 5}, {"suricata", 8}};
    struct str pattern = {0}, language = {0}, name = {0};
    struct buf value;
    (void)json_get_str(made->object, STR("pattern"), &pattern);
    (void)json_get_str(made->object, STR("pattern_type"), &language);
    (void)json_get_str(made->object, STR("name"), &name);
    if (!str_eq(language, STR("stix"))) {
        struct str type = STR("text");
        for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++)
            if (str_eq(languages[i], language))
                type = language;
        put(made, type, STR("External analysis"), pattern, !str_eq(type, STR("text")), name);
        return;
    }
    buf_init(&value, LIMIT_OBJECT_BYTES);
    const struct path *path = read_pattern(pattern, &value);
    if (path != NULL && buf_err(&value) == ERR_OK)
        put(made, path->type, path->category, buf_str(&value), true, name);
    else
        put(made, STR("stix2-pattern"), STR("External analysis"), pattern, true, name);
    buf_deinit(&value);
}

/* `file:hashes.'SHA-1'` as patterns write it. */
static void put_hash(const struct made *made, struct str name, struct str value)
{
    char text[64];
    if (name.len > 32)
        return;
    int len = snprintf(text, sizeof text, "file:hashes.'%.*s'", STR_ARG(name));
    const struct path *path = path_of((struct str) {text, (size_t)len});
    if (path != NULL)
        put(made, path->type, path->category, value, false, STR(""));
}

static bool put_observable(const struct made *made, struct str type)
{
    static const char *const members[] = {"value", "name", "number", "key", "subject"};
    char text[64], digits[24];
    struct json_val hashes, hash;
    struct str name;
    bool any = false;
    if (type.len > 32)
        return false;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        int len = snprintf(text, sizeof text, "%.*s:%s", STR_ARG(type), members[i]);
        const struct path *path = path_of((struct str) {text, (size_t)len});
        struct str value = misp_text(made->object, members[i], digits);
        if (path == NULL || value.len == 0)
            continue;
        put(made, path->type, path->category, value, false, STR(""));
        any = true;
    }
    if (!str_eq(type, STR("file")) || !json_get(made->object, STR("hashes"), &hashes) ||
        !json_is(hashes, JSON_OBJECT))
        return any;
    struct json_iter iter = json_object_iter(hashes);
    for (; json_object_next(&iter, &name, &hash); any = true)
        if (json_is(hash, JSON_STRING))
            put_hash(made, name, json_str(hash));
    return any;
}

void misp_loose_attributes(struct json_val object, const struct kept *kept, struct buf *out)
{
    struct made made = {.object = object, .kept = kept, .out = out};
    struct str type = {0}, name = {0};
    struct buf text;
    if (!json_get_str(object, STR("type"), &type) || !json_get_str(object, STR("id"), &made.id))
        return;
    (void)json_get_str(object, STR("name"), &name);
    if (str_eq(type, STR("indicator"))) {
        put_indicator(&made);
        return;
    }
    if (str_eq(type, STR("vulnerability")) && name.len > 0) {
        put(&made, STR("vulnerability"), STR("External analysis"), name, false, STR(""));
        return;
    }
    if (put_observable(&made, type) || str_eq(type, STR("observed-data")))
        return;
    if (name.len == 0)
        (void)json_get_str(object, STR("content"), &name);
    buf_init(&text, LIMIT_OBJECT_BYTES);
    buf_printf(&text, "%.*s: %.*s", STR_ARG(type), STR_ARG(name.len > 0 ? name : made.id));
    if (buf_err(&text) == ERR_OK)
        put(&made, STR("text"), STR("Other"), buf_str(&text), false, made.id);
    buf_deinit(&text);
}

void misp_loose_tags(struct json_val object, struct buf *out)
{
    struct json_val refs, ref;
    const char *comma = ",\"Tag\":[";
    if (!json_get(object, STR("object_marking_refs"), &refs) || !json_is(refs, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(refs);
    while (json_array_next(&iter, &ref)) {
        struct stix_key key;
        enum stix_tlp level;
        if (!json_is(ref, JSON_STRING) || !stix_id_parse(json_str(ref), &key) ||
            !stix_tlp_from_key(&key, &level))
            continue;
        buf_printf(out, "%s{\"name\":\"tlp:%s\"}", comma, stix_tlp_name(level));
        comma = ",";
    }
    if (comma[1] == '\0')
        buf_putc(out, ']');
}
