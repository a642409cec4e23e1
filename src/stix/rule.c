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
    FOR_TRUE  /* b is there when the boolean a is true */
};

struct rule {
    enum rule_kind kind;
    const char *a, *b, *c;
    const char *what;
};

#define SEEN_ORDER                                                                                           \
    {                                                                                                        \
        AT_LEAST, "first_seen", "last_seen", NULL, "last_seen is before first_seen"                          \
    }
static const struct rule seen_order[] = {SEEN_ORDER};
static const struct rule external_reference[] = {
    {EITHER, "description", "url", "external_id",
     "an external reference needs a description, url or external_id"}};
static const struct rule granular_marking[] = {
    {EITHER, "lang", "marking_ref", NULL, "a granular marking needs lang or marking_ref"},
    {EXCLUDES, "lang", "marking_ref", NULL, "a granular marking has lang or marking_ref, not both"}};
static const struct rule indicator[] = {
    {AFTER, "valid_from", "valid_until", NULL, "valid_until is not after valid_from"}};
static const struct rule malware[] = {SEEN_ORDER,
                                      {FOR_TRUE, "is_family", "name", NULL, "a malware family needs a name"}};
static const struct rule location[] = {
    {NEEDS, "latitude", "longitude", NULL, "latitude needs longitude"},
    {NEEDS, "longitude", "latitude", NULL, "longitude needs latitude"},
    {NEEDS, "precision", "latitude", NULL, "precision needs latitude and longitude"},
    {EITHER, "region", "country", "latitude",
     "a location needs a region, a country, or latitude and longitude"}};
static const struct rule malware_analysis[] = {
    {EITHER, "result", "analysis_sco_refs", NULL, "a malware analysis needs result or analysis_sco_refs"}};
static const struct rule observed_data[] = {
    {AT_LEAST, "first_observed", "last_observed", NULL, "last_observed is before first_observed"},
    {EITHER, "object_refs", "objects", NULL, "observed data needs object_refs or objects"},
    {EXCLUDES, "object_refs", "objects", NULL, "observed data has object_refs or objects, not both"}};
static const struct rule relationship[] = {
    {AFTER, "start_time", "stop_time", NULL, "stop_time is not after start_time"}};
static const struct rule artifact[] = {
    {EITHER, "payload_bin", "url", NULL, "an artifact needs payload_bin or url"},
    {EXCLUDES, "payload_bin", "url", NULL, "an artifact has payload_bin or url, not both"},
    {NEEDS, "url", "hashes", NULL, "url needs hashes"},
    {NEEDS, "decryption_key", "encryption_algorithm", NULL, "decryption_key needs encryption_algorithm"}};
static const struct rule email_message[] = {
    {NEVER_IF, "is_multipart", "body", NULL, "body is not used when is_multipart is true"},
    {ONLY_IF, "is_multipart", "body_multipart", NULL,
     "body_multipart is not used when is_multipart is false"}};
static const struct rule mime_part[] = {
    {EITHER, "body", "body_raw_ref", NULL, "a MIME part needs body or body_raw_ref"}};
static const struct rule file[] = {{EITHER, "hashes", "name", NULL, "a file needs hashes or name"},
                                   {NEEDS, "name_enc", "name", NULL, "name_enc needs name"}};
static const struct rule network_traffic[] = {
    {EITHER, "src_ref", "dst_ref", NULL, "network traffic needs src_ref or dst_ref"},
    {AT_LEAST, "start", "end", NULL, "end is before start"},
    {NEVER_IF, "is_active", "end", NULL, "end is not used while is_active is true"}};

struct rules {
    const struct rule *rows;
    size_t count;
};
#define ROWS(table)                                                                                          \
    {                                                                                                        \
        table, sizeof table / sizeof table[0]                                                                \
    }

static const struct rules rules[STIX_SHAPE_COUNT] = {
    [STIX_SHAPE_external_reference] = ROWS(external_reference),
    [STIX_SHAPE_granular_marking] = ROWS(granular_marking),
    [STIX_SHAPE_campaign] = ROWS(seen_order),
    [STIX_SHAPE_infrastructure] = ROWS(seen_order),
    [STIX_SHAPE_intrusion_set] = ROWS(seen_order),
    [STIX_SHAPE_threat_actor] = ROWS(seen_order),
    [STIX_SHAPE_sighting] = ROWS(seen_order),
    [STIX_SHAPE_indicator] = ROWS(indicator),
    [STIX_SHAPE_malware] = ROWS(malware),
    [STIX_SHAPE_malware_analysis] = ROWS(malware_analysis),
    [STIX_SHAPE_location] = ROWS(location),
    [STIX_SHAPE_observed_data] = ROWS(observed_data),
    [STIX_SHAPE_relationship] = ROWS(relationship),
    [STIX_SHAPE_artifact] = ROWS(artifact),
    [STIX_SHAPE_email_message] = ROWS(email_message),
    [STIX_SHAPE_mime_part] = ROWS(mime_part),
    [STIX_SHAPE_file] = ROWS(file),
    [STIX_SHAPE_network_traffic] = ROWS(network_traffic),
};

struct view {
    const struct stix_shape *shape;
    uint64_t seen;
    const struct json_val *values;
};

static const struct json_val *get(const struct view *view, const char *name)
{
    if (name == NULL)
        return NULL;
    const struct stix_prop *prop = stix_prop_find(view->shape, str_of(name));
    must(prop != NULL); /* the tables disagree; a test walks every row */
    size_t at = (size_t)(prop - view->shape->props);
    return (view->seen >> at & 1) != 0 ? &view->values[at] : NULL;
}

/* Both are timestamps that were checked before. */
static int order(const struct json_val *a, const struct json_val *b)
{
    struct stamp first = {0}, second = {0};
    if (stamp_parse(json_str(*a), &first, NULL) != ERR_OK ||
        stamp_parse(json_str(*b), &second, NULL) != ERR_OK)
        return 0;
    return stamp_cmp(first, second);
}

static bool holds(const struct rule *rule, const struct view *view)
{
    const struct json_val *a = get(view, rule->a);
    const struct json_val *b = get(view, rule->b);
    switch (rule->kind) {
    case AT_LEAST:
        return a == NULL || b == NULL || order(a, b) <= 0;
    case AFTER:
        return a == NULL || b == NULL || order(a, b) < 0;
    case NEEDS:
        return a == NULL || b != NULL;
    case EXCLUDES:
        return a == NULL || b == NULL;
    case EITHER:
        return a != NULL || b != NULL || get(view, rule->c) != NULL;
    case NEVER_IF:
        return a == NULL || b == NULL || !json_is(*a, JSON_TRUE);
    case ONLY_IF:
        return a == NULL || b == NULL || !json_is(*a, JSON_FALSE);
    case FOR_TRUE:
        return a == NULL || b != NULL || !json_is(*a, JSON_TRUE);
    }
    return true;
}

/* Section 7.2.1 and 6.7.6: what no row can say. */
static const char *check_special(const struct view *view, bool extended)
{
    if (view->shape == stix_shape(STIX_SHAPE_marking_definition) && !extended) {
        if (get(view, "definition_type") == NULL || get(view, "definition") == NULL)
            return "a marking definition without extensions needs definition_type and definition";
    }
    if (view->shape == stix_shape(STIX_SHAPE_windows_pebinary_ext) && (view->seen & (view->seen - 1)) == 0)
        return "windows-pebinary-ext needs a property besides pe_type";
    return NULL;
}

const char *stix_check_rules(const struct stix_shape *shape, uint64_t seen, const struct json_val *values,
                             bool extended)
{
    struct view view = {shape, seen, values};
    const struct rules *of = &rules[stix_shape_code(shape)];
    for (size_t i = 0; i < of->count; i++)
        if (!holds(&of->rows[i], &view))
            return of->rows[i].what;
    if (shape->some && seen == 0 && !extended)
        return "at least one of its properties must be present";
    return check_special(&view, extended);
}
