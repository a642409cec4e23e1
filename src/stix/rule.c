#include "stix/shape.h"

/* Rules between the properties of one shape. */
enum rule_kind {
    AT_LEAST, /* time b is not before time a */
    AFTER,    /* time b is after time a */
    NEEDS,    /* a only together with b */
    EXCLUDES, /* never a and b */
    EITHER,   /* a or b (or c) */
    NEVER_IF, /* b is absent when the boolean a is true */
    ONLY_IF,  /* b is absent when the boolean a is false */
    FOR_TRUE, /* b is there when the boolean a is true */
    WANTS,    /* a is there */
    SHUNS     /* a is not there */
};

enum { NONE = 0xff };

struct rule {
    uint8_t kind;    /* enum rule_kind */
    uint8_t level;   /* enum stix_level */
    uint8_t a, b, c; /* positions in the shape */
    const char *what;
};

#define P(shape, prop) STIX_AT(shape, prop)
/* kind, level, shape, two or three properties, what is wrong. */
#define TWO(kind, level, shape, a, b, what)                                                                  \
    {                                                                                                        \
        kind, STIX_##level, P(shape, a), P(shape, b), NONE, what                                             \
    }
#define THREE(kind, level, shape, a, b, c, what)                                                             \
    {                                                                                                        \
        kind, STIX_##level, P(shape, a), P(shape, b), P(shape, c), what                                      \
    }
#define ONE(kind, level, shape, a, what)                                                                     \
    {                                                                                                        \
        kind, STIX_##level, P(shape, a), NONE, NONE, what                                                    \
    }
#define SEEN_ORDER(shape) TWO(AT_LEAST, ERROR, shape, first_seen, last_seen, "last_seen is before first_seen")

/* clang-format off */
static const struct rule external_reference[] = {
    THREE(EITHER, ERROR, external_reference, description, url, external_id,
          "an external reference needs a description, url or external_id"),
    TWO(NEEDS, REMARK, external_reference, url, hashes, "a url without hashes of what it gives"),
};
static const struct rule granular_marking[] = {
    TWO(EITHER, ERROR, granular_marking, lang, marking_ref, "a granular marking needs lang or marking_ref"),
    TWO(EXCLUDES, ERROR, granular_marking, lang, marking_ref,
        "a granular marking has lang or marking_ref, not both"),
};
static const struct rule campaign[] = {SEEN_ORDER(campaign)};
static const struct rule infrastructure[] = {SEEN_ORDER(infrastructure)};
static const struct rule intrusion_set[] = {SEEN_ORDER(intrusion_set)};
static const struct rule threat_actor[] = {SEEN_ORDER(threat_actor)};
static const struct rule sighting[] = {SEEN_ORDER(sighting)};
static const struct rule indicator[] = {
    TWO(AFTER, ERROR, indicator, valid_from, valid_until, "valid_until is not after valid_from"),
    ONE(WANTS, REMARK, indicator, name, "an indicator without a name"),
    ONE(WANTS, REMARK, indicator, description, "an indicator without a description"),
};
static const struct rule malware[] = {
    SEEN_ORDER(malware),
    TWO(FOR_TRUE, ERROR, malware, is_family, name, "a malware family needs a name"),
};
static const struct rule location[] = {
    TWO(NEEDS, ERROR, location, latitude, longitude, "latitude needs longitude"),
    TWO(NEEDS, ERROR, location, longitude, latitude, "longitude needs latitude"),
    TWO(NEEDS, ERROR, location, precision, latitude, "precision needs latitude and longitude"),
    THREE(EITHER, ERROR, location, region, country, latitude,
          "a location needs a region, a country, or latitude and longitude"),
    TWO(NEEDS, REMARK, location, latitude, precision, "latitude and longitude without their precision"),
};
static const struct rule malware_analysis[] = {
    TWO(EITHER, ERROR, malware_analysis, result, analysis_sco_refs,
        "a malware analysis needs result or analysis_sco_refs"),
};
static const struct rule observed_data[] = {
    TWO(AT_LEAST, ERROR, observed_data, first_observed, last_observed,
        "last_observed is before first_observed"),
    TWO(EITHER, ERROR, observed_data, object_refs, objects, "observed data needs object_refs or objects"),
    TWO(EXCLUDES, ERROR, observed_data, object_refs, objects,
        "observed data has object_refs or objects, not both"),
    ONE(SHUNS, REMARK, observed_data, objects, "the deprecated objects where object_refs should stand"),
};
static const struct rule relationship[] = {
    TWO(AFTER, ERROR, relationship, start_time, stop_time, "stop_time is not after start_time"),
};
static const struct rule artifact[] = {
    TWO(EITHER, ERROR, artifact, payload_bin, url, "an artifact needs payload_bin or url"),
    TWO(EXCLUDES, ERROR, artifact, payload_bin, url, "an artifact has payload_bin or url, not both"),
    TWO(NEEDS, ERROR, artifact, url, hashes, "url needs hashes"),
    TWO(NEEDS, ERROR, artifact, decryption_key, encryption_algorithm,
        "decryption_key needs encryption_algorithm"),
};
static const struct rule email_message[] = {
    TWO(NEVER_IF, ERROR, email_message, is_multipart, body, "body is not used when is_multipart is true"),
    TWO(ONLY_IF, ERROR, email_message, is_multipart, body_multipart,
        "body_multipart is not used when is_multipart is false"),
};
static const struct rule mime_part[] = {
    TWO(EITHER, ERROR, mime_part, body, body_raw_ref, "a MIME part needs body or body_raw_ref"),
};
static const struct rule file[] = {
    TWO(EITHER, ERROR, file, hashes, name, "a file needs hashes or name"),
    TWO(NEEDS, ERROR, file, name_enc, name, "name_enc needs name"),
};
static const struct rule network_traffic[] = {
    TWO(EITHER, ERROR, network_traffic, src_ref, dst_ref, "network traffic needs src_ref or dst_ref"),
    TWO(AT_LEAST, ERROR, network_traffic, start, end, "end is before start"),
    TWO(NEVER_IF, ERROR, network_traffic, is_active, end, "end is not used while is_active is true"),
    ONE(WANTS, REMARK, network_traffic, src_port, "network traffic without src_port"),
    ONE(WANTS, REMARK, network_traffic, dst_port, "network traffic without dst_port"),
};
static const struct rule extension_definition[] = {
    ONE(WANTS, REMARK, extension_definition, description, "an extension definition without a description"),
};
/* clang-format on */

struct rules {
    const struct rule *rows;
    size_t count;
};
#define ROWS(table) [STIX_SHAPE_##table] = {table, sizeof table / sizeof table[0]}

static const struct rules rules[STIX_SHAPE_COUNT] = {
    ROWS(external_reference),
    ROWS(granular_marking),
    ROWS(campaign),
    ROWS(infrastructure),
    ROWS(intrusion_set),
    ROWS(threat_actor),
    ROWS(sighting),
    ROWS(indicator),
    ROWS(malware),
    ROWS(malware_analysis),
    ROWS(location),
    ROWS(observed_data),
    ROWS(relationship),
    ROWS(artifact),
    ROWS(email_message),
    ROWS(mime_part),
    ROWS(file),
    ROWS(network_traffic),
    ROWS(extension_definition),
};

static bool has(const struct stix_ruling *ruling, uint8_t at)
{
    return at != NONE && (ruling->seen >> at & 1) != 0;
}

static struct json_val value_of(const struct stix_ruling *ruling, uint8_t at)
{
    const struct stix_prop *prop = &ruling->shape->props[at];
    struct json_val value = {0};
    must(json_get(ruling->object, (struct str) {prop->name, prop->len}, &value));
    return value;
}

static struct stamp stamp_of(const struct stix_ruling *ruling, uint8_t at)
{
    struct stamp stamp = {0};
    if (ruling->stamps != NULL)
        return ruling->stamps[at];
    struct json_val value = value_of(ruling, at);
    if (!json_is(value, JSON_STRING) || stamp_parse(json_str(value), &stamp, NULL) != ERR_OK)
        return STIX_NO_STAMP;
    return stamp;
}

/* -1, 0 or 1 as time b is before, at or after time a; what is no time was refused before, and is after. */
static int order(const struct stix_ruling *ruling, const struct rule *rule)
{
    struct stamp a = stamp_of(ruling, rule->a), b = stamp_of(ruling, rule->b);
    return stix_is_stamp(a) && stix_is_stamp(b) ? stamp_cmp(b, a) : 1;
}

static bool holds(const struct rule *rule, const struct stix_ruling *ruling)
{
    bool a = has(ruling, rule->a), b = has(ruling, rule->b);
    switch ((enum rule_kind)rule->kind) {
    case AT_LEAST:
        return !a || !b || order(ruling, rule) >= 0;
    case AFTER:
        return !a || !b || order(ruling, rule) > 0;
    case NEEDS:
        return !a || b;
    case EXCLUDES:
        return !a || !b;
    case EITHER:
        return a || b || has(ruling, rule->c);
    case NEVER_IF:
        return !a || !b || !json_is(value_of(ruling, rule->a), JSON_TRUE);
    case ONLY_IF:
        return !a || !b || !json_is(value_of(ruling, rule->a), JSON_FALSE);
    case FOR_TRUE:
        return !a || b || !json_is(value_of(ruling, rule->a), JSON_TRUE);
    case WANTS:
        return a;
    case SHUNS:
        return !a;
    }
    return true;
}

/* What no row can say: "at least one of", sections 7.2.1 and 6.7.6. */
static const char *check_special(const struct stix_ruling *ruling)
{
    if (ruling->shape->some && ruling->seen == 0 && !ruling->extended)
        return "at least one of its properties must be present";
    switch (stix_shape_code(ruling->shape)) {
    case STIX_SHAPE_marking_definition:
        if (!ruling->extended && (!has(ruling, P(marking_definition, definition_type)) ||
                                  !has(ruling, P(marking_definition, definition))))
            return "a marking definition without extensions needs definition_type and definition";
        return NULL;
    case STIX_SHAPE_windows_pebinary_ext:
        return (ruling->seen & (ruling->seen - 1)) == 0
                   ? "windows-pebinary-ext needs a property besides pe_type"
                   : NULL;
    default:
        return NULL;
    }
}

bool stix_rule_broken(struct stix_ruling *ruling, struct stix_breach *out)
{
    const struct rules *of = &rules[stix_shape_code(ruling->shape)];
    const char *section = ruling->shape->section;
    while (ruling->next < of->count) {
        const struct rule *rule = &of->rows[ruling->next++];
        if (!holds(rule, ruling)) {
            *out = (struct stix_breach) {(enum stix_level)rule->level, section, rule->what};
            return true;
        }
    }
    if (ruling->next++ > of->count)
        return false;
    const char *what = check_special(ruling);
    *out = (struct stix_breach) {STIX_ERROR, section, what};
    return what != NULL;
}
