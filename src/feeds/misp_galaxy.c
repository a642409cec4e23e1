/* Galaxy clusters: threat actors, techniques, malware, sectors, countries. */
#include <stdio.h>

#include "feeds/misp_reading.h"

/* Galaxy types and the STIX type of their clusters; `name - T1234` loses what stands behind the dash where
 * the mapping says so. */
static const struct row {
    struct str galaxy, type;
} rows[] = {
#define ROW(galaxy, type) {{galaxy, sizeof(galaxy) - 1}, {type, sizeof(type) - 1}},
#include "feeds/misp_galaxies.inc"
#undef ROW
};

static struct str row_type(struct str galaxy)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_eq(rows[i].galaxy, galaxy))
            return rows[i].type;
    return STR("x-misp-galaxy-cluster");
}

/* First string of a member that is a list of strings, or the string itself. */
static struct str first_of(struct json_val meta, const char *name)
{
    struct json_val value, entry;
    if (!json_get(meta, str_of(name), &value))
        return (struct str) {0};
    if (json_is(value, JSON_STRING))
        return json_str(value);
    if (!json_is(value, JSON_ARRAY))
        return (struct str) {0};
    struct json_iter iter = json_array_iter(value);
    return json_array_next(&iter, &entry) && json_is(entry, JSON_STRING) ? json_str(entry) : (struct str) {0};
}

/* `,"name":["..."]` from a list of strings; nothing when it has none. */
static void put_list(struct reading *r, const char *name, struct json_val meta, const char *from)
{
    struct json_val list, entry;
    const char *comma = "";
    if (!json_get(meta, str_of(from), &list) || !json_is(list, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &entry)) {
        if (!json_is(entry, JSON_STRING) || json_str(entry).len == 0)
            continue;
        if (comma[0] == '\0')
            buf_printf(&r->body, ",\"%s\":[", name);
        buf_printf(&r->body, "%s", comma);
        json_write_str(&r->body, json_str(entry));
        comma = ",";
    }
    if (comma[0] != '\0')
        buf_putc(&r->body, ']');
}

static void put_reference(struct reading *r, const char **comma, const char *source, const char *member,
                          struct str value)
{
    buf_printf(&r->body, "%s{\"source_name\":\"%s\"", *comma, source);
    misp_string(r, member, value);
    buf_putc(&r->body, '}');
    *comma = ",";
}

static void put_references(struct reading *r, struct json_val meta)
{
    struct json_val refs, entry;
    struct str id = first_of(meta, "external_id");
    const char *comma = ",\"external_references\":[";
    if (id.len > 0)
        put_reference(r, &comma,
                      str_starts(id, STR("CVE-"))     ? "cve"
                      : str_starts(id, STR("CAPEC-")) ? "capec"
                                                      : "mitre-attack",
                      "external_id", id);
    if (json_get(meta, STR("refs"), &refs) && json_is(refs, JSON_ARRAY)) {
        struct json_iter iter = json_array_iter(refs);
        while (json_array_next(&iter, &entry))
            if (json_is(entry, JSON_STRING) && json_str(entry).len > 0)
                put_reference(r, &comma, "url", "url", json_str(entry));
    }
    if (comma[1] == '\0')
        buf_putc(&r->body, ']');
}

static void put_phases(struct reading *r, struct json_val meta)
{
    struct json_val list, entry;
    const char *comma = ",\"kill_chain_phases\":[";
    if (!json_get(meta, STR("kill_chain"), &list) || !json_is(list, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &entry)) {
        if (!json_is(entry, JSON_STRING))
            continue;
        struct str rest = json_str(entry), chain = str_cut(&rest, ':'), phase = rest;
        while (memchr(rest.at, ':', rest.len) != NULL) { /* the phase is the last part */
            (void)str_cut(&rest, ':');
            phase = rest;
        }
        if (chain.len == 0 || phase.len == 0)
            continue;
        buf_printf(&r->body, "%s{\"kill_chain_name\":", comma);
        json_write_str(&r->body, chain);
        misp_string(r, "phase_name", phase);
        buf_putc(&r->body, '}');
        comma = ",";
    }
    if (comma[1] == '\0')
        buf_putc(&r->body, ']');
}

static struct str name_of(struct str value, struct json_val meta)
{
    struct str id = first_of(meta, "external_id");
    if (id.len > 0 && value.len > id.len + 3 && str_ends(value, id) &&
        memcmp(value.at + value.len - id.len - 3, " - ", 3) == 0)
        value.len -= id.len + 3;
    return value;
}

static bool is_country(struct str code)
{
    return code.len == 2 && code.at[0] >= 'A' && code.at[0] <= 'Z' && code.at[1] >= 'A' && code.at[1] <= 'Z';
}

/* A location must say where it is; a cluster that does not stays a custom object. */
static struct str type_of(struct str galaxy, struct json_val cluster)
{
    struct json_val meta;
    struct str type = row_type(galaxy);
    if (str_eq(type, STR("location")) &&
        !(json_get(cluster, STR("meta"), &meta) && is_country(first_of(meta, "ISO"))))
        return STR("x-misp-galaxy-cluster");
    return type;
}

/* What a type must have beyond a name. */
static void put_required(struct reading *r, struct str type, struct json_val meta)
{
    if (str_eq(type, STR("malware")))
        buf_put_str(&r->body, STR(",\"is_family\":false"));
    else if (str_eq(type, STR("identity")))
        buf_put_str(&r->body, STR(",\"identity_class\":\"class\""));
    else if (str_eq(type, STR("location")))
        misp_string(r, "country", first_of(meta, "ISO"));
}

static bool has_aliases(struct str type)
{
    static const struct str names[] = {{"attack-pattern", 14}, {"campaign", 8},      {"intrusion-set", 13},
                                       {"malware", 7},         {"threat-actor", 12}, {"tool", 4}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(names[i], type))
            return true;
    return false;
}

static bool has_phases(struct str type)
{
    return str_eq(type, STR("attack-pattern")) || str_eq(type, STR("malware")) || str_eq(type, STR("tool"));
}

static void put_cluster(struct reading *r, struct json_val galaxy, struct json_val cluster, struct str type,
                        const struct element *element)
{
    struct json_val meta = {0};
    struct str value = {0}, text = {0}, galaxy_name = {0}, galaxy_type = {0};
    if (!json_get(cluster, STR("meta"), &meta) || !json_is(meta, JSON_OBJECT))
        meta = cluster; /* has none of the names asked for */
    (void)json_get_str(cluster, STR("value"), &value);
    (void)json_get_str(cluster, STR("description"), &text);
    (void)json_get_str(galaxy, STR("name"), &galaxy_name);
    (void)json_get_str(galaxy, STR("type"), &galaxy_type);
    misp_head(r, type, element);
    if (str_eq(type, STR("x-misp-galaxy-cluster"))) {
        misp_string(r, "x_misp_name", galaxy_name);
        misp_string(r, "x_misp_type", galaxy_type);
        misp_string(r, "x_misp_value", value);
        misp_string(r, "x_misp_description", text);
    } else {
        misp_string(r, "name", name_of(value, meta));
        if (text.len > 0)
            misp_string(r, "description", text);
        put_required(r, type, meta);
        if (has_aliases(type))
            put_list(r, "aliases", meta, "synonyms");
        put_references(r, meta);
        if (has_phases(type))
            put_phases(r, meta);
    }
    misp_labels(r, cluster, "galaxy-name", galaxy_name, "galaxy-type", galaxy_type);
    misp_tail(r, element);
    misp_member(r, type, element);
}

/* A cluster is the same in every event: its number of the version stands for its time, in seconds since 1970,
 * and only its own distribution marks it. Without a number it takes the event's time. */
static bool cluster_element(struct reading *r, struct json_val cluster, struct element *out)
{
    struct str text;
    struct uuid uuid;
    int64_t version;
    *out = (struct element) {.v = cluster, .time = r->time};
    if (!json_is(cluster, JSON_OBJECT) || !json_get_str(cluster, STR("uuid"), &text) ||
        !uuid_parse(text, &uuid))
        return false;
    uuid_text(&uuid, out->uuid);
    if (misp_seconds(cluster, "version", &version) == ERR_OK && version > 0)
        out->time = misp_time_of(version);
    bool own = json_get(cluster, STR("default"), &out->v) && !misp_flag(cluster, "default");
    out->v = cluster;
    if (misp_flag(cluster, "local"))
        out->marks = r->marks;
    if (own)
        misp_marks_of(cluster, true, &out->marks);
    else
        out->marks.bits |= (unsigned)MISP_MARK_TLP << STIX_TLP_CLEAR; /* ships with every MISP */
    misp_marks_add(&r->used, &out->marks);
    return true;
}

static void relate(struct reading *r, struct str source, struct str type, const struct element *cluster)
{
    char target[LIMIT_ID_BYTES];
    struct element element = *cluster;
    int len = snprintf(target, sizeof target, "%.*s--%s", STR_ARG(type), cluster->uuid);
    element.marks = r->marks;
    element.time = r->time;
    bool indicates = str_starts(source, STR("indicator--")) && !str_starts(type, STR("x-")) &&
                     !str_eq(type, STR("course-of-action")) && !str_eq(type, STR("vulnerability")) &&
                     !str_eq(type, STR("location")) && !str_eq(type, STR("identity"));
    misp_relationship(r, &element, indicates ? STR("indicates") : STR("related-to"), source,
                      (struct str) {target, (size_t)len}, (struct str) {0});
}

static void put_galaxy(struct reading *r, struct json_val galaxy, struct str of)
{
    struct json_val clusters, cluster;
    struct str galaxy_type = {0};
    (void)json_get_str(galaxy, STR("type"), &galaxy_type);
    if (!json_get(galaxy, STR("GalaxyCluster"), &clusters) || !json_is(clusters, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(clusters);
    while (json_array_next(&iter, &cluster)) {
        struct element element;
        if (!cluster_element(r, cluster, &element))
            continue;
        struct str type = type_of(galaxy_type, cluster);
        uint64_t *known = map_get(&r->clusters, element.uuid);
        if (known == NULL) {
            put_cluster(r, galaxy, cluster, type, &element);
            err_t err = map_put(&r->clusters, element.uuid, 1);
            if (err != ERR_OK)
                misp_fail(r, err, "too many galaxy clusters", str_of(element.uuid));
        }
        if (of.len > 0)
            relate(r, of, type, &element);
    }
}

void misp_put_galaxies(struct reading *r, struct json_val element, struct str of)
{
    struct json_val galaxies, galaxy;
    if (!json_get(element, STR("Galaxy"), &galaxies) || !json_is(galaxies, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(galaxies);
    while (json_array_next(&iter, &galaxy))
        put_galaxy(r, galaxy, of);
}
