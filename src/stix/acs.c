#include "stix/marking.h"

/* Access Control Specification 3.0 as a STIX extension (OASIS common objects, isa-acs-3-0.json). Whatever the
 * schema does not define, and whatever limits by something that policy cannot judge, leaves the marking
 * unread. */

enum want { TEXT, TIME, LIST, OBJECT };

struct member {
    const char *name;
    enum want want;
    bool required;
};

static const struct member members[] = {{"extension_type", TEXT, true},
                                        {"identifier", TEXT, true},
                                        {"name", TEXT, false},
                                        {"create_date_time", TIME, true},
                                        {"responsible_entity_custodian", TEXT, true},
                                        {"responsible_entity_originator", TEXT, false},
                                        {"authority_reference", LIST, false},
                                        {"policy_reference", TEXT, true},
                                        {"original_classification", OBJECT, false},
                                        {"derivative_classification", OBJECT, false},
                                        {"declassification", OBJECT, false},
                                        {"resource_disposition", OBJECT, false},
                                        {"public_release", OBJECT, false},
                                        {"access_privilege", LIST, false},
                                        {"further_sharing", LIST, false},
                                        {"control_set", OBJECT, true},
                                        {NULL, TEXT, false}};
static const struct member controls[] = {{"classification", TEXT, true},
                                         {"formal_determination", LIST, false},
                                         {"caveat", LIST, false},
                                         {"sensitivity", LIST, false},
                                         {"shareability", LIST, false},
                                         {"entity", LIST, false},
                                         {"sci_controls", LIST, false},
                                         {"logical_authority_category", LIST, false},
                                         {"permitted_nationalities", LIST, false},
                                         {"permitted_organizations", LIST, false},
                                         {NULL, TEXT, false}};
static const char *const classes[] = {"U", "C", "S", "TS", NULL};
static const char *const effects[] = {"permit", "deny", NULL};
static const char *const determinations[] = {"PUBREL",
                                             "NF",
                                             "AIS",
                                             "PII-NECESSARY-TO-UNDERSTAND-THREAT",
                                             "NO-PII-PRESENT",
                                             "FOUO",
                                             "INFORMATION-DIRECTLY-RELATED-TO-CYBERSECURITY-THREAT"};

static bool is_wanted(enum want want, struct json_val v)
{
    struct stamp stamp;
    switch (want) {
    case TEXT:
        return json_is(v, JSON_STRING);
    case TIME:
        return json_is(v, JSON_STRING) && stamp_parse(json_str(v), &stamp, NULL) == ERR_OK;
    case LIST:
        return json_is(v, JSON_ARRAY) && json_array_count(v) > 0;
    case OBJECT:
        return json_is(v, JSON_OBJECT);
    }
    return false;
}

static const struct member *find(const struct member *table, struct str name)
{
    for (; table->name != NULL; table++)
        if (str_eq(name, str_of(table->name)))
            return table;
    return NULL;
}

static bool fits(struct json_val object, const struct member *table)
{
    struct json_iter iter = json_object_iter(object);
    struct str name;
    struct json_val v;
    while (json_object_next(&iter, &name, &v)) {
        const struct member *member = find(table, name);
        if (member == NULL || !is_wanted(member->want, v))
            return false;
    }
    for (; table->name != NULL; table++)
        if (table->required && !json_get(object, str_of(table->name), &v))
            return false;
    return true;
}

/* urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=deny; several of them say nothing certain. */
static bool take_policy(struct json_val extension, struct stix_acs *out)
{
    static const char *const policies[] = {
        "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=deny",
        "urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=deny",
        "urn:isa:policy:acs:ns:v3.0?privdefault=deny&sharedefault=permit",
        "urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=permit", NULL};
    int policy = stix_marking_word(extension, "policy_reference", policies);
    out->privilege_permits = (policy & 1) != 0;
    out->sharing_permits = (policy & 2) != 0;
    return policy >= 0;
}

static bool take_determinations(struct json_val controls_in, struct stix_acs *out)
{
    struct json_val list, v;
    if (!json_get(controls_in, STR("formal_determination"), &list))
        return true;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &v)) {
        size_t i = 0, count = sizeof determinations / sizeof determinations[0];
        while (i < count && !(json_is(v, JSON_STRING) && str_eq(json_str(v), str_of(determinations[i]))))
            i++;
        if (i == count)
            return false;
        out->determinations |= 1u << i;
    }
    return true;
}

/* Is there a list of that name that is not ["ALL"]? */
static bool limits(struct json_val object, const char *name)
{
    struct json_val list, first;
    if (!json_get(object, str_of(name), &list))
        return false;
    struct json_iter iter = json_array_iter(list);
    return json_array_count(list) != 1 || !json_array_next(&iter, &first) || !json_is(first, JSON_STRING) ||
           !str_eq(json_str(first), STR("ALL"));
}

static bool take_controls(struct json_val extension, struct stix_acs *out)
{
    static const char *const lists[] = {[STIX_ACS_NATIONALITIES] = "permitted_nationalities",
                                        [STIX_ACS_ORGANISATIONS] = "permitted_organizations",
                                        [STIX_ACS_ENTITIES] = "entity",
                                        [STIX_ACS_SHAREABILITY] = "shareability",
                                        [STIX_ACS_CAVEATS] = "caveat"};
    static const char *const others[] = {"sensitivity", "sci_controls", "logical_authority_category"};
    struct json_val set;
    if (!json_get(extension, STR("control_set"), &set) || !fits(set, controls))
        return false;
    int class = stix_marking_word(set, "classification", classes);
    if (class < 0 || !take_determinations(set, out))
        return false;
    out->classification = (enum stix_acs_class) class;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        out->unread |= limits(set, others[i]);
    out->limited = out->unread;
    for (size_t i = 0; i < STIX_ACS_LISTS; i++) {
        out->has_list[i] = limits(set, lists[i]) && json_get(set, str_of(lists[i]), &out->list[i]);
        out->limited |= out->has_list[i];
    }
    return true;
}

/* Rules of access_privilege and further_sharing: each has an effect. */
static bool take_rules(struct json_val extension, const char *name, bool *has, struct json_val *out,
                       bool *denied)
{
    struct json_val rule;
    *has = json_get(extension, str_of(name), out);
    if (!*has)
        return true;
    struct json_iter iter = json_array_iter(*out);
    while (json_array_next(&iter, &rule)) {
        int effect = json_is(rule, JSON_OBJECT) ? stix_marking_word(rule, "rule_effect", effects) : -1;
        if (effect < 0)
            return false;
        *denied |= effect == 1;
    }
    return true;
}

static bool take_disposition(struct json_val extension, struct stix_acs *out)
{
    struct json_val disposition;
    struct str date;
    out->has_disposition = json_get(extension, STR("resource_disposition"), &disposition);
    return !out->has_disposition || (json_get_str(disposition, STR("disposition_date"), &date) &&
                                     stamp_parse(date, &out->disposition, NULL) == ERR_OK);
}

static bool take(struct json_val extension, struct stix_acs *out)
{
    return json_is(extension, JSON_OBJECT) && fits(extension, members) && take_policy(extension, out) &&
           take_controls(extension, out) &&
           take_rules(extension, "access_privilege", &out->has_privileges, &out->privileges, &out->denied) &&
           take_rules(extension, "further_sharing", &out->has_sharing, &out->sharing, &out->denied) &&
           take_disposition(extension, out);
}

void stix_acs_read(struct json_val extension, struct stix_marking *out)
{
    struct stix_acs acs = {.classification = STIX_ACS_TS};
    out->why = "an ACS marking that does not fit the schema of ACS 3.0";
    if (!take(extension, &acs))
        return;
    acs.fits = true;
    out->acs = acs;
    if (acs.classification != STIX_ACS_U) {
        out->why = "ACS: classified";
    } else if (acs.limited || acs.denied || (acs.determinations & STIX_ACS_NF) != 0) {
        out->why = "ACS: limited by nationality, organisation, caveat or rule";
    } else if (!acs.privilege_permits || !acs.sharing_permits) {
        out->why = "ACS: denied by default";
    } else if ((acs.determinations & STIX_ACS_PUBREL) != 0) {
        out->tlp = STIX_TLP_CLEAR;
        out->why = "ACS: unclassified, released to the public, without limits";
    } else {
        out->tlp = STIX_TLP_RED;
        out->why = "ACS: unclassified and without limits, but not public: read as red";
    }
}
