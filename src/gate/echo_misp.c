#include "gate/echo_misp.h"

#include "core/stamp.h"
#include "gate/echo_form.h"
#include "gate/echo_pattern.h"
#include "stix/marking.h"

/* Looked at in pairs. Nothing that anybody has seen come back from MISP is near them; beyond, it is no echo.
 */
enum { MEMBERS_MAX = 96, LIST_MAX = 64 };

struct pair {
    struct json_val came, held;
    struct arena *arena;
    struct buf *scratch;
};

/* What a member of `came` says is nothing new. `held` is NULL when the object that is held lacks it. */
typedef bool says_nothing(const struct pair *pair, struct json_val came, const struct json_val *held);

static bool same(const struct pair *pair, struct json_val a, struct json_val b)
{
    struct hash x, y;
    if (json_is(a, JSON_STRING) && json_is(b, JSON_STRING))
        return str_eq(json_str(a), json_str(b));
    return echo_digest(a, false, pair->scratch, &x) && echo_digest(b, false, pair->scratch, &y) &&
           hash_eq(&x, &y);
}

static bool same_time(struct json_val a, struct json_val b)
{
    struct stamp x, y;
    return json_is(a, JSON_STRING) && json_is(b, JSON_STRING) &&
           stamp_parse(json_str(a), &x, NULL) == ERR_OK && stamp_parse(json_str(b), &y, NULL) == ERR_OK &&
           stamp_cmp(x, y) == 0;
}

/* --- lists: each element of `came` is held, or MISP's own --- */

struct digests {
    struct hash at[LIST_MAX];
    size_t count;
};

static bool digest_list(const struct pair *pair, const struct json_val *list, struct digests *out)
{
    struct json_val value;
    out->count = 0;
    if (list == NULL)
        return true;
    if (!json_is(*list, JSON_ARRAY) || json_array_count(*list) > LIST_MAX)
        return false;
    struct json_iter iter = json_array_iter(*list);
    while (json_array_next(&iter, &value))
        if (!echo_digest(value, false, pair->scratch, &out->at[out->count++]))
            return false;
    return true;
}

static bool among(const struct digests *digests, const struct hash *digest)
{
    for (size_t i = 0; i < digests->count; i++)
        if (hash_eq(&digests->at[i], digest))
            return true;
    return false;
}

static bool each_held_or(const struct pair *pair, struct json_val came, const struct json_val *held,
                         bool (*is_own)(struct json_val element))
{
    struct digests ours, theirs;
    struct json_val value;
    if (!digest_list(pair, held, &ours) || !digest_list(pair, &came, &theirs))
        return false;
    struct json_iter iter = json_array_iter(came);
    for (size_t i = 0; json_array_next(&iter, &value); i++)
        if (!among(&ours, &theirs.at[i]) && !(is_own != NULL && is_own(value)))
            return false;
    return true;
}

static bool part_of(const struct pair *pair, struct json_val came, const struct json_val *held)
{
    return each_held_or(pair, came, held, NULL);
}

/* What misp-stix says of the form of an attribute, object or cluster. Not all of "misp:": its taxonomy of
 * that name judges (misp:confidence-level, misp:threat-level); and not "misp-galaxy:", which attributes. */
static bool is_own_label(struct json_val label)
{
    static const char *const heads[] = {"misp:type=\"",
                                        "misp:category=\"",
                                        "misp:name=\"",
                                        "misp:meta-category=\"",
                                        "misp:galaxy-name=\"",
                                        "misp:galaxy-type=\"",
                                        "misp:tool=\"MISP-STIX-Converter\""};
    if (!json_is(label, JSON_STRING))
        return false;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (str_starts(json_str(label), str_of(heads[i])))
            return true;
    return false;
}

static bool own_labels(const struct pair *pair, struct json_val came, const struct json_val *held)
{
    return each_held_or(pair, came, held, is_own_label);
}

static bool is_own_phase(struct json_val phase)
{
    struct str name;
    return json_is(phase, JSON_OBJECT) && json_get_str(phase, STR("kill_chain_name"), &name) &&
           str_eq(name, STR("misp-category"));
}

static bool own_phases(const struct pair *pair, struct json_val came, const struct json_val *held)
{
    return each_held_or(pair, came, held, is_own_phase);
}

/* --- markings --- */

/* TLP of both versions by its level: the definitions mean the same. */
static bool marking_of(struct json_val ref, struct stix_key *out)
{
    enum stix_tlp tlp;
    if (!json_is(ref, JSON_STRING) || !stix_id_parse(json_str(ref), out))
        return false;
    if (stix_tlp_from_key(out, &tlp))
        *out = stix_tlp_key(tlp);
    return true;
}

static bool is_marked_with(struct json_val markings, const struct stix_key *marking)
{
    struct json_val ref;
    struct stix_key held;
    struct json_iter iter = json_array_iter(markings);
    while (json_array_next(&iter, &ref))
        if (marking_of(ref, &held) && stix_key_eq(&held, marking))
            return true;
    return false;
}

/* Another marking, also a laxer one, is a word of its own. */
static bool same_markings(const struct pair *pair, struct json_val came, const struct json_val *held)
{
    struct json_val ref;
    struct stix_key marking;
    (void)pair;
    if (held == NULL || !json_is(came, JSON_ARRAY) || !json_is(*held, JSON_ARRAY) ||
        json_array_count(came) > LIST_MAX || json_array_count(*held) > LIST_MAX)
        return false;
    struct json_iter iter = json_array_iter(came);
    while (json_array_next(&iter, &ref))
        if (!marking_of(ref, &marking) || !is_marked_with(*held, &marking))
            return false;
    return true;
}

/* --- single members --- */

/* MISP has no start of validity unless somebody enters one: misp-stix writes the time of the attribute. */
static bool time_of_version(const struct pair *pair, struct json_val came, const struct json_val *held)
{
    struct json_val version;
    if (held != NULL && same_time(came, *held))
        return true;
    return (json_get(pair->came, STR("created"), &version) && same_time(came, version)) ||
           (json_get(pair->came, STR("modified"), &version) && same_time(came, version));
}

/* A comment that says under which identifier MISP was given it, and nothing else. */
static bool own_comment(const struct pair *pair, struct json_val came, const struct json_val *held)
{
    static const char *const heads[] = {"Observed Data ID: ", "Indicator ID: "};
    struct stix_key key;
    (void)pair;
    (void)held;
    if (!json_is(came, JSON_STRING))
        return false;
    struct str text = json_str(came);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct str head = str_of(heads[i]);
        if (str_starts(text, head) &&
            stix_id_parse((struct str) {text.at + head.len, text.len - head.len}, &key))
            return true;
    }
    return false;
}

static bool is_stix_pattern(struct json_val object)
{
    struct str type;
    return json_get_str(object, STR("pattern_type"), &type) && str_eq(type, STR("stix"));
}

static bool same_pattern(const struct pair *pair, struct json_val came, const struct json_val *held)
{
    return held != NULL && json_is(came, JSON_STRING) && json_is(*held, JSON_STRING) &&
           is_stix_pattern(pair->came) && is_stix_pattern(pair->held) &&
           echo_same_pattern(json_str(came), json_str(*held), pair->arena);
}

/* Written beside every pattern that has none, also of YARA. */
static bool own_version(const struct pair *pair, struct json_val came, const struct json_val *held)
{
    (void)pair;
    return held == NULL && json_is(came, JSON_STRING) && str_eq(json_str(came), STR("2.1"));
}

static bool part_of_extensions(const struct pair *pair, struct json_val came, const struct json_val *held)
{
    struct str name;
    struct json_val value, other;
    size_t count = 0;
    if (held == NULL || !json_is(came, JSON_OBJECT))
        return false;
    struct json_iter iter = json_object_iter(came);
    while (json_object_next(&iter, &name, &value))
        if (++count > LIST_MAX || !json_get(*held, name, &other) || !same(pair, value, other))
            return false;
    return true;
}

/* --- the table --- */

/* docs/decisions/0151 says of each why its loss binds nobody. A member that is not here comes back as it is
 * held, or it is another word. */
static const struct row {
    const char *member;
    bool lost;             /* may be missing from what came */
    says_nothing *nothing; /* when it came and is not as it is held; NULL: then it is another word */
} rows[] = {
    {"labels", true, own_labels},
    {"kill_chain_phases", true, own_phases},
    {"object_marking_refs", true, same_markings},
    {"granular_markings", true, NULL},
    {"valid_from", false, time_of_version},
    {"pattern", false, same_pattern},
    {"pattern_version", false, own_version},
    {"description", true, own_comment},
    {"external_references", true, part_of},
    {"extensions", true, part_of_extensions},
    {"name", true, NULL},
    {"lang", true, NULL},
    {"confidence", true, NULL},
    {"indicator_types", true, NULL},
    {"report_types", true, NULL},
    {"roles", true, NULL},
    {"sectors", true, NULL},
    {"contact_information", true, NULL},
    {"latitude", true, NULL},
    {"longitude", true, NULL},
    {"sample_ref", true, NULL},
    {"sample_refs", true, NULL},
    {"analysis_sco_refs", true, part_of},
    {"body", true, NULL},
    {"creator_user_ref", true, NULL},
    {"image_ref", true, NULL},
    {"is_self_signed", true, NULL},
    {"parent_directory_ref", true, NULL},
    {"rir", true, NULL},
};

static const struct row *row_of(struct str member)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (str_eq(member, str_of(rows[i].member)))
            return &rows[i];
    return NULL;
}

#define OWN_MEMBER STR("x_misp_")

/* What its templates have no place for stands under its own name: nothing, or what is held without "x_misp_".
 */
static bool own_member(const struct pair *pair, struct str name, struct json_val came)
{
    struct json_val held;
    struct str rest = {name.at + OWN_MEMBER.len, name.len - OWN_MEMBER.len};
    if (json_is(came, JSON_STRING) && json_str(came).len == 0)
        return true;
    return json_get(pair->held, rest, &held) && same(pair, came, held);
}

static bool member_says_nothing(const struct pair *pair, struct str name, struct json_val came)
{
    struct json_val held;
    bool has = json_get(pair->held, name, &held);
    const struct row *row = row_of(name);
    if (echo_is_volatile(name, came))
        return true;
    if (has && (same(pair, came, held) || (echo_is_time(name) && same_time(came, held))))
        return true;
    if (!has && str_starts(name, OWN_MEMBER))
        return own_member(pair, name, came);
    return row != NULL && row->nothing != NULL && row->nothing(pair, came, has ? &held : NULL);
}

static bool may_be_lost(struct str name, struct json_val held)
{
    const struct row *row = row_of(name);
    return echo_is_volatile(name, held) || str_starts(name, OWN_MEMBER) || (row != NULL && row->lost);
}

/* --- what binds others --- */

static enum stix_category category_of(struct json_val object)
{
    struct str type;
    return json_get_str(object, STR("type"), &type) ? stix_type_find(type)->category : STIX_META;
}

static bool names_observable(struct json_val value)
{
    struct stix_key key;
    return json_is(value, JSON_STRING) && stix_id_parse(json_str(value), &key) &&
           stix_type_find(stix_id_type(json_str(value)))->category == STIX_SCO;
}

static enum json_canon_act look_for_observables(void *ctx, unsigned depth, struct str name,
                                                struct json_val value, struct buf *out)
{
    bool *found = ctx;
    struct json_val element;
    (void)out;
    if (depth == 0 && str_eq(name, STR("id")))
        return JSON_CANON_KEEP;
    *found = *found || names_observable(value);
    if (json_is(value, JSON_ARRAY)) {
        struct json_iter iter = json_array_iter(value);
        while (!*found && json_array_next(&iter, &element))
            *found = names_observable(element);
    }
    return JSON_CANON_KEEP;
}

static bool is_laxest(struct json_val markings)
{
    const struct stix_key clear = stix_tlp_key(STIX_TLP_CLEAR);
    struct json_val ref;
    struct stix_key marking;
    if (!json_is(markings, JSON_ARRAY))
        return false;
    struct json_iter iter = json_array_iter(markings);
    while (json_array_next(&iter, &ref))
        if (!marking_of(ref, &marking) || !stix_key_eq(&marking, &clear))
            return false;
    return true;
}

/* The marking of what carries observables binds its source's unmarked ones, and MISP's are unmarked, also
 * those that it knows more about than we do: such a word is not for dropping. */
static bool binds_observables(const struct pair *pair)
{
    bool found = false;
    struct json_val markings;
    struct json_canon_hook hook = {.member = look_for_observables, .ctx = &found};
    bool marked = json_get(pair->came, STR("object_marking_refs"), &markings) && !is_laxest(markings);
    if (category_of(pair->came) == STIX_SCO ||
        (!marked && !json_get(pair->came, STR("granular_markings"), &markings)))
        return false;
    buf_clear(pair->scratch);
    return json_canon(pair->came, &hook, pair->scratch, NULL) != ERR_OK || found;
}

/* --- the object --- */

static size_t count_members(struct json_val object)
{
    struct json_iter iter = json_object_iter(object);
    struct str name;
    struct json_val value;
    size_t count = 0;
    while (count <= MEMBERS_MAX && json_object_next(&iter, &name, &value))
        count++;
    return count;
}

static bool came_says_nothing(const struct pair *pair)
{
    struct json_iter iter = json_object_iter(pair->came);
    struct str name;
    struct json_val value;
    while (json_object_next(&iter, &name, &value))
        if (!member_says_nothing(pair, name, value))
            return false;
    return true;
}

static bool rest_may_be_lost(const struct pair *pair)
{
    struct json_iter iter = json_object_iter(pair->held);
    struct str name;
    struct json_val value, other;
    while (json_object_next(&iter, &name, &value))
        if (!json_get(pair->came, name, &other) && !may_be_lost(name, value))
            return false;
    return true;
}

/* Definitions mean what they say to their own source alone, and a translation is of one text: neither is for
 * shortening. */
bool echo_is_misp(struct json_val came, struct json_val held, struct arena *arena, struct buf *scratch)
{
    struct pair pair = {.came = came, .held = held, .arena = arena, .scratch = scratch};
    return category_of(came) != STIX_META && count_members(came) <= MEMBERS_MAX &&
           count_members(held) <= MEMBERS_MAX && came_says_nothing(&pair) && rest_may_be_lost(&pair) &&
           !binds_observables(&pair);
}
