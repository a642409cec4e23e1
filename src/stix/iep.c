#include "stix/marking.h"

/* Information Exchange Policy 2.0 as a STIX extension (OASIS common objects, draft of 19 December 2022). */

static const char *const leaves[] = {"may", "must", "must-not", NULL};
static const char *const actions[] = {"none",
                                      "contact-for-instruction",
                                      "internally-visible-actions",
                                      "externally-visible-indirect-actions",
                                      "externally-visible-direct-actions",
                                      NULL};
static const char *const levels[] = {"white", "green", "amber", "red", NULL};
static const enum stix_tlp level_of[] = {STIX_TLP_CLEAR, STIX_TLP_GREEN, STIX_TLP_AMBER, STIX_TLP_RED};

/* Everything the extension may have; `allowed`: bits over enum stix_iep_leave. */
static const struct {
    const char *name;
    unsigned allowed;
} terms[] = {{"encrypt_in_transit", 1u << STIX_IEP_MAY | 1u << STIX_IEP_MUST},
             {"affected_party_notifications", 1u << STIX_IEP_MAY | 1u << STIX_IEP_MUST_NOT},
             {"provider_attribution", 1u << STIX_IEP_MAY | 1u << STIX_IEP_MUST | 1u << STIX_IEP_MUST_NOT},
             {"unmodified_resale", 1u << STIX_IEP_MAY | 1u << STIX_IEP_MUST_NOT}};
static const char *const others[] = {"extension_type", "permitted_actions", "tlp",        "iep_id",
                                     "iep_version",    "description",       "start_date", "end_date"};

static bool known(struct str name)
{
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++)
        if (str_eq(name, str_of(terms[i].name)))
            return true;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (str_eq(name, str_of(others[i])))
            return true;
    return false;
}

static bool all_known(struct json_val extension)
{
    struct json_iter iter = json_object_iter(extension);
    struct str name;
    struct json_val value;
    while (json_object_next(&iter, &name, &value))
        if (!known(name))
            return false;
    return true;
}

/* The draft says float; programs also write "2.0". */
static bool version_ok(struct json_val extension)
{
    struct json_val version;
    if (!json_get(extension, STR("iep_version"), &version))
        return false;
    switch (json_type(version)) {
    case JSON_INT:
        return json_int(version) == 2;
    case JSON_DOUBLE:
        return json_double(version) == 2.0;
    case JSON_STRING:
        return str_eq(json_str(version), STR("2.0"));
    default:
        return false;
    }
}

static bool take_leave(struct json_val extension, size_t term, enum stix_iep_leave *out)
{
    int word = stix_marking_word(extension, terms[term].name, leaves);
    if (word < 0 || (terms[term].allowed >> word & 1) == 0)
        return false;
    *out = (enum stix_iep_leave)word;
    return true;
}

static bool take_times(struct json_val extension, struct stix_iep *out)
{
    struct str text;
    struct json_val end;
    if (!json_get_str(extension, STR("start_date"), &text) || stamp_parse(text, &out->start, NULL) != ERR_OK)
        return false;
    out->has_end = json_get(extension, STR("end_date"), &end);
    return !out->has_end ||
           (json_is(end, JSON_STRING) && stamp_parse(json_str(end), &out->end, NULL) == ERR_OK);
}

static bool take(struct json_val extension, struct stix_iep *out)
{
    struct str id;
    int level = stix_marking_word(extension, "tlp", levels);
    int action = stix_marking_word(extension, "permitted_actions", actions);
    if (level < 0 || action < 0 || !all_known(extension) || !version_ok(extension) ||
        !json_get_str(extension, STR("iep_id"), &id))
        return false;
    out->tlp = level_of[level];
    out->actions = (enum stix_iep_actions)action;
    return take_leave(extension, 0, &out->encrypt) && take_leave(extension, 1, &out->notify) &&
           take_leave(extension, 2, &out->attribute) && take_leave(extension, 3, &out->resell) &&
           take_times(extension, out);
}

void stix_iep_read(struct json_val extension, struct stix_marking *out)
{
    struct stix_iep iep = {.tlp = STIX_TLP_NONE};
    out->why = "an IEP that lacks a required term, or has one that IEP 2.0 does not define";
    if (!json_is(extension, JSON_OBJECT) || !take(extension, &iep))
        return;
    out->iep = iep;
    out->tlp = iep.tlp;
    out->why = "IEP 2.0 by its tlp";
    /* An object names its creator; until creators can be left out, nobody hears of it further. */
    if (iep.attribute == STIX_IEP_MUST_NOT) {
        out->tlp = STIX_TLP_RED;
        out->why = "IEP 2.0 that forbids naming its provider: read as red";
    }
}
