/* Writes one object, and notes beside it where in it everything stands: fields with their canaries,
 * references, markings. What granular markings may select is chosen among these. */
#include "leak.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const levels_id[] = {"",
                                        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
                                        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
                                        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
                                        "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
                                        "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"};

struct choice {
    char at[PATH_MAX_];
};

struct maker {
    struct plan *plan;
    struct saying *saying;
    struct draw *draw;
    struct buf text;
    bool alone;                            /* a user-account of one property */
    bool bound;                            /* what it names cannot be left out */
    struct choice choices[FIELDS + LINKS]; /* what a granular marking may select */
    size_t choice_count;
};

static void choose(struct maker *m, const char *at)
{
    must(m->choice_count < FIELDS + LINKS);
    (void)snprintf(m->choices[m->choice_count++].at, PATH_MAX_, "%s", at);
}

static uint32_t add_field(struct maker *m, const char *at, uint32_t canary, bool required)
{
    struct saying *saying = m->saying;
    must(saying->field_count < FIELDS);
    struct field *field = &saying->fields[saying->field_count++];
    field->canary = canary != 0 ? canary : ++m->plan->canaries;
    field->required = required;
    (void)snprintf(field->at, PATH_MAX_, "%s", at);
    return field->canary;
}

static const char *add_link(struct maker *m, const char *at, int thing, bool follows, bool required)
{
    struct saying *saying = m->saying;
    must(saying->link_count < LINKS);
    struct link *link = &saying->links[saying->link_count++];
    *link = (struct link) {.thing = thing, .follows = follows, .required = required};
    (void)snprintf(link->at, PATH_MAX_, "%s", at);
    return m->plan->things[thing].id;
}

static void put(struct maker *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct maker *m, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    must(len >= 0 && (size_t)len < sizeof text);
    buf_put(&m->text, text, (size_t)len);
}

/* A member with a canary in it. */
static void put_text(struct maker *m, const char *name, bool required)
{
    put(m, ",\"%s\":\"about ca7a%08x\"", name, add_field(m, name, 0, required));
    choose(m, name);
}

static void put_value(struct maker *m, const char *name, bool required, const char *before, const char *after)
{
    uint32_t canary = add_field(m, name, m->plan->things[m->saying->thing].canary, required);
    put(m, ",\"%s\":\"%sca7a%08x%s\"", name, before, canary, after);
    choose(m, name);
}

static void put_ref(struct maker *m, const char *name, int thing, bool follows, bool required)
{
    if (thing >= 0)
        put(m, ",\"%s\":\"%s\"", name, add_link(m, name, thing, follows, required));
}

static const unsigned any_sco = (1u << KIND_INDICATOR) - (1u << KIND_DOMAIN);
static const unsigned any_sdo = (1u << KIND_RELATIONSHIP) - (1u << KIND_INDICATOR);
static const unsigned any_sro = 1u << KIND_RELATIONSHIP | 1u << KIND_SIGHTING;
static const unsigned any_identity = 1u << KIND_IDENTITY | 1u << KIND_PERSON;

/* Up to `most` different ones. */
static void put_refs(struct maker *m, const char *name, unsigned kinds, unsigned most, bool required)
{
    bool members = str_eq(str_of(name), STR("object_refs"));
    bool victims = str_eq(str_of(name), STR("where_sighted_refs"));
    int had[4], count = 0;
    char at[PATH_MAX_];
    unsigned wanted = 1 + draw_below(m->draw, most);
    for (unsigned i = 0; i < wanted; i++) {
        int thing = thing_pick(m->plan, m->draw, kinds, m->saying->thing);
        bool again = thing < 0;
        for (int k = 0; k < count; k++)
            again |= had[k] == thing;
        if (again)
            continue;
        had[count++] = thing;
        (void)snprintf(at, sizeof at, "%s.[%d]", name, count - 1);
        const char *id = add_link(m, at, thing, false, false);
        m->saying->links[m->saying->link_count - 1].drop = members ? DROP_MEMBER : DROP_NEVER;
        m->saying->links[m->saying->link_count - 1].victim = victims;
        m->saying->named |= victims;
        if (count == 1)
            put(m, ",\"%s\":[\"%s\"", name, id);
        else
            put(m, ",\"%s\"", id);
    }
    must(count > 0 || !required);
    if (count == 0)
        return;
    put(m, "]");
    for (int i = 0; i < count && count > 1; i++) {
        (void)snprintf(at, sizeof at, "%s.[%d]", name, i);
        choose(m, at);
    }
}

static const char *level_id(const struct plan *plan, int mark)
{
    return mark >= MARK_THING ? plan->things[mark - MARK_THING].id : levels_id[mark];
}

static int mark_draw(struct maker *m)
{
    static const int usual[] = {1, 1, 2, 2, 3, 3, 4, 5};
    int statement = draw_chance(m->draw, 150) ? thing_pick(m->plan, m->draw, 1u << KIND_STATEMENT, -1) : -1;
    return statement >= 0 && statement != m->saying->thing ? MARK_THING + statement
                                                           : usual[draw_below(m->draw, 8)];
}

static void put_marks(struct maker *m)
{
    struct saying *saying = m->saying;
    bool definition = kind_is_definition(m->plan->things[saying->thing].kind);
    size_t count = draw_chance(m->draw, definition ? 200 : 650) ? 1 + draw_below(m->draw, 2) : 0;
    char at[PATH_MAX_];
    for (size_t i = 0; i < count; i++) {
        int mark = definition ? 1 + (int)draw_below(m->draw, 5) : mark_draw(m);
        if (i > 0 && saying->marks[0] == mark)
            continue;
        saying->marks[saying->mark_count++] = mark;
        put(m, "%s\"%s\"", i == 0 ? ",\"object_marking_refs\":[" : ",", level_id(m->plan, mark));
        (void)snprintf(at, sizeof at, "object_marking_refs.[%zu]", i);
        if (mark >= MARK_THING)
            (void)add_link(m, at, mark - MARK_THING, true, true);
    }
    if (saying->mark_count > 0)
        put(m, "]");
}

static void put_granular(struct maker *m)
{
    struct saying *saying = m->saying;
    size_t count = 1 + draw_below(m->draw, 3);
    char at[PATH_MAX_];
    if (!m->plan->cut || m->choice_count == 0 || kind_is_definition(m->plan->things[saying->thing].kind) ||
        saying->thing == 0 || !draw_chance(m->draw, 300))
        return;
    put(m, ",\"granular_markings\":[");
    for (size_t i = 0; i < count; i++) {
        struct granular *granular = &saying->granular[saying->granular_count++];
        granular->mark = mark_draw(m);
        const char *selector = m->choices[draw_below(m->draw, (unsigned)m->choice_count)].at;
        (void)snprintf(granular->selector, PATH_MAX_, "%s", selector);
        put(m, "%s{\"marking_ref\":\"%s\",\"selectors\":[\"%s\"]}", i > 0 ? "," : "",
            level_id(m->plan, granular->mark), selector);
        (void)snprintf(at, sizeof at, "granular_markings.[%zu]", i);
        if (granular->mark >= MARK_THING)
            (void)add_link(m, at, granular->mark - MARK_THING, true, true);
    }
    put(m, "]");
}

/* The identifier of something as a text may have it: `{` stands for it, `#` for the canary, which chooses the
 * dress: one more is no other world. `@`: whose text it is, by the UUID alone, which changes in what is
 * minted.
 */
static void put_passing(struct maker *m, const char *text, const char *id, uint32_t canary)
{
    unsigned dice = canary * 0x9e3779b1u >> 16, dress = dress_pick(dice);
    for (const char *at = text; *at != '\0'; at++)
        if (*at == '{')
            dress_write(dress, id, &m->text);
        else if (*at == '@')
            dress_write_alone(dice, m->plan->things[m->saying->thing].id, &m->text);
        else if (*at == '#')
            put(m, "ca7a%08x", canary);
        else
            put(m, "%c", *at);
}

static void put_say(struct maker *m, int thing)
{
    static const char *const texts[] = {",\"x_say\":\"see { (#), @.\"", ",\"x_say\":\"{ # @\"",
                                        ",\"x_say\":\"https://x.example/{.json?#\"",
                                        ",\"x_say\":\"#\\u002d {\\n\""};
    if (!m->plan->texts)
        return;
    uint32_t canary = add_field(m, "x_say", 0, false);
    const char *id = add_link(m, "x_say", thing, false, false);
    m->saying->links[m->saying->link_count - 1].text = true;
    put_passing(m, texts[draw_below(m->draw, 4)], id, canary);
    choose(m, "x_say");
}

/* Places where the standard expects no reference. */
static void put_elsewhere(struct maker *m);
static void put_people(struct maker *m);

static void put_custom(struct maker *m)
{
    size_t first = m->saying->link_count;
    put_elsewhere(m);
    for (size_t i = first; i < m->saying->link_count; i++)
        if (!m->saying->links[i].follows && !m->bound)
            m->saying->links[i].drop = DROP_OTHER;
    if (m->saying->thing != 0 && draw_chance(m->draw, 150))
        put_people(m);
}

/* Personal data in texts: at the top, in a list, nested. */
static void put_people(struct maker *m)
{
    static const char *const forms[] = {"x_people", "x_people.[0]", "x_people.by.mail"};
    unsigned form = draw_below(m->draw, 3);
    uint32_t canary = add_field(m, forms[form], 0, false);
    m->saying->fields[m->saying->field_count - 1].personal = true;
    switch (form) {
    case 0:
        put(m, ",\"x_people\":\"call ca7a%08x@example.co.kr\"", canary);
        break;
    case 1:
        put(m, ",\"x_people\":[\"ca7a%08x@example.co.kr\",\"ca7a%08x\"]", canary,
            add_field(m, "x_people.[1]", 0, false));
        choose(m, "x_people.[0]");
        break;
    default:
        put(m,
            ",\"x_people\":{\"by\":{\"mail\":\"write to ca7a%08x@example.co.kr, or "
            "call\"},\"n\":\"ca7a%08x\"}",
            canary, add_field(m, "x_people.n", 0, false));
        choose(m, "x_people.by");
        break;
    }
    choose(m, "x_people");
}

/* Where else an identifier, and text beside it, may stand: $L is the identifier, $0 and $1 canaries. */
static const struct place {
    const char *text, *link, *fields[2], *selectors[6];
    bool bound; /* what it names cannot be left out */
} places[] = {
    {",\"x_about\":\"$L\"", "x_about", {NULL}, {"x_about"}, false},
    {",\"x_deep\":{\"in\":{\"it\":\"$L\",\"say\":\"$0\"}}",
     "x_deep.in.it",
     {"x_deep.in.say"},
     {"x_deep.in.it", "x_deep.in", "x_deep"},
     false},
    {",\"x_list\":[\"$L\",\"$0\"]",
     "x_list.[0]",
     {"x_list.[1]"},
     {"x_list.[0]", "x_list.[1]", "x_list"},
     false},
    /* Without it the first would say nothing of its source (section 2.5), and goes whole. */
    {",\"external_references\":[{\"source_name\":\"a\",\"external_id\":\"$L\"},"
     "{\"source_name\":\"b\",\"description\":\"$0\"}]",
     "external_references.[0].external_id",
     {"external_references.[1].description"},
     {"external_references.[0]", "external_references", "external_references.[1]"},
     false},
    /* As MISP writes its attributes. */
    {",\"x_misp_attributes\":[{\"type\":\"link\",\"value\":\"$L\",\"comment\":\"$0\"}]",
     "x_misp_attributes.[0].value",
     {"x_misp_attributes.[0].comment"},
     {"x_misp_attributes.[0].comment", "x_misp_attributes.[0].value"},
     false},
    {",\"x_nest\":[{\"a\":[\"$0\",\"$L\"]},{\"b\":\"$1\"}]",
     "x_nest.[0].a.[1]",
     {"x_nest.[0].a.[0]", "x_nest.[1].b"},
     {"x_nest.[0].a.[0]", "x_nest.[0].a.[1]", "x_nest.[0].a", "x_nest.[0]", "x_nest.[1].b"},
     false},
};

static void put_place(struct maker *m, const struct place *place, int thing)
{
    for (const char *at = place->text; *at != '\0'; at++)
        if (*at != '$')
            buf_putc(&m->text, *at);
        else if (*++at == 'L')
            put(m, "%s", add_link(m, place->link, thing, false, false));
        else
            put(m, "ca7a%08x", add_field(m, place->fields[*at - '0'], 0, false));
    for (size_t i = 0; place->selectors[i] != NULL; i++)
        choose(m, place->selectors[i]);
    m->bound = place->bound;
}

static void put_extension(struct maker *m, int thing)
{
    int extension = thing_pick(m->plan, m->draw, 1u << KIND_EXTENSION, -1);
    put(m, ",\"extensions\":{\"%s\":{\"extension_type\":\"property-extension\",\"to\":\"%s\"",
        add_link(m, "extensions.extension", extension, true, true),
        add_link(m, "extensions.to", thing, false, false));
    put(m, ",\"say\":\"ca7a%08x\"}}", add_field(m, "extensions.say", 0, true));
}

static void put_elsewhere(struct maker *m)
{
    enum { PLACES = sizeof places / sizeof *places, EXTENSION = PLACES, TEXTS, NOTES = 5 };
    const unsigned all = (1u << KINDS) - 1; /* any kind */
    int thing = thing_pick(m->plan, m->draw, all, m->saying->thing);
    if (m->saying->thing == 0)
        return;
    if (kind_is_definition(
            m->plan->things[m->saying->thing].kind)) { /* never minted: it would wait for ever */
        put_text(m, "x_note", false);
        return;
    }
    unsigned form = draw_below(m->draw, TEXTS + 1 + NOTES);
    if (form < PLACES) {
        put_place(m, &places[form], thing);
    } else if (form == EXTENSION) {
        put_extension(m, thing);
    } else if (form == TEXTS && m->plan->texts) {
        put_say(m, thing);
    } else {
        put_text(m, "x_note", false);
    }
}

/* --- by kind --- */

static void may_drop(struct maker *m, int of)
{
    if (of >= 0)
        m->saying->links[m->saying->link_count - 1].drop = DROP_OTHER;
}

static void put_observable(struct maker *m, const struct thing *thing)
{
    switch (thing->kind) {
    case KIND_DOMAIN:
        put_value(m, "value", true, "", ".example");
        break;
    case KIND_EMAIL:
        put_value(m, "value", true, "", "@example.co.kr");
        m->saying->fields[m->saying->field_count - 1].personal = m->saying->named = true;
        break;
    case KIND_DIRECTORY:
        put_value(m, "path", true, "/", "");
        break;
    case KIND_ACCOUNT:
        put_value(m, "user_id", true, "", "");
        m->saying->fields[m->saying->field_count - 1].personal = m->saying->named = true;
        m->alone = !draw_chance(m->draw, 500); /* section 6.16: something must stand there, no matter what */
        if (!m->alone)
            put(m, ",\"is_disabled\":false");
        break;
    case KIND_FILE:
        put_value(m, "name", true, "", ".bin");
        put_ref(m, "parent_directory_ref", thing->of, false, false);
        may_drop(m, thing->of);
        if (thing->of >= 0)
            choose(m, "parent_directory_ref");
        break;
    case KIND_TRAFFIC:
        put(m, ",\"dst_port\":443,\"protocols\":[\"ca7a%08x\"]",
            add_field(m, "protocols.[0]", thing->canary, true));
        put_ref(m, "src_ref", thing->of, false, thing->to < 0);
        may_drop(m, thing->of);
        put_ref(m, "dst_ref", thing->to, false, false);
        for (size_t i = 0; i < m->saying->link_count && thing->to >= 0; i++)
            m->saying->links[i].drop = DROP_END;
        break;
    default:
        put(m, ",\"subject\":\"ca7a%08x\"", add_field(m, "subject", thing->canary, false));
        choose(m, "subject");
        put(m, ",\"is_multipart\":false");
        put_ref(m, "from_ref", thing->of, false, false);
        may_drop(m, thing->of);
        break;
    }
}

/* Members of contents in one language, `count` of them; `person`: its name is taken for a person's. */
static void put_said(struct maker *m, const char *under, unsigned count, bool person)
{
    static const char *const names[] = {"description", "name", "x_note"};
    for (unsigned i = 0; i < count; i++) {
        char at[PATH_MAX_];
        (void)snprintf(at, sizeof at, "%.50s.%s", under, names[i]);
        put(m, "%s\"%s\":\"ca7a%08x\"", i > 0 ? "," : "", names[i], add_field(m, at, 0, false));
        m->saying->fields[m->saying->field_count - 1].personal = person && i == 1;
        choose(m, at);
    }
}

/* Of what is in turn translated there it says something in one more language, and so on. */
static void put_translation(struct maker *m, const struct thing *thing)
{
    int about = thing_pick(m->plan, m->draw, any_sdo | any_sro | any_identity, m->saying->thing);
    /* Lower ones only: no circles. */
    for (int i = 0; i < m->saying->thing && draw_chance(m->draw, 500); i++)
        if (m->plan->things[i].kind == KIND_TRANSLATION)
            about = i;
    (void)thing;
    enum kind kind = m->plan->things[about].kind;
    bool again = kind == KIND_TRANSLATION, person = again || (any_identity >> kind & 1) != 0;
    m->saying->about = about;
    put_ref(m, "object_ref", about, false, true);
    put(m, ",\"contents\":{\"fr\":{");
    put_said(m, "contents.fr", 2, person);
    put(m, "},\"ko\":{");
    put_said(m, "contents.ko", 3, person);
    if (again) {
        put(m, ",\"contents\":{\"fr\":{");
        put_said(m, "contents.ko.contents.fr", 3, true);
        put(m, ",\"contents\":{\"ko\":{");
        put_said(m, "contents.ko.contents.fr.contents.ko", 2, true);
        put(m, "}}}}");
    }
    put(m, "}}");
}

static void put_sdo(struct maker *m, const struct thing *thing)
{
    const unsigned anything = any_sco | any_sdo | any_sro | any_identity | 1u << KIND_TRANSLATION;
    switch (thing->kind) {
    case KIND_IDENTITY:
    case KIND_PERSON:
        put_text(m, "name", true);
        m->saying->fields[m->saying->field_count - 1].personal = thing->kind == KIND_PERSON;
        m->saying->named |= thing->kind == KIND_PERSON;
        put(m, ",\"identity_class\":\"%s\"", thing->kind == KIND_PERSON ? "individual" : "organization");
        break;
    case KIND_INDICATOR:
        put(m,
            ",\"pattern\":\"[domain-name:value = 'ca7a%08x.example']\",\"pattern_type\":\"stix\","
            "\"valid_from\":\"2026-01-01T00:00:00Z\"",
            add_field(m, "pattern", 0, true));
        choose(m, "pattern");
        put_text(m, "name", false);
        break;
    case KIND_MALWARE:
        put(m, ",\"is_family\":false");
        put_text(m, "name", false);
        break;
    case KIND_OBSERVED:
        put(m, ",\"first_observed\":\"2026-01-01T00:00:00Z\",\"last_observed\":\"2026-01-01T00:00:00Z\","
               "\"number_observed\":1");
        put_refs(m, "object_refs", any_sco, 4, true);
        break;
    case KIND_REPORT:
        put_text(m, "name", true);
        put(m, ",\"published\":\"2026-01-01T00:00:00Z\"");
        put_refs(m, "object_refs", anything, 4, true);
        break;
    case KIND_GROUPING:
        put_text(m, "name", false);
        put(m, ",\"context\":\"unspecified\"");
        put_refs(m, "object_refs", anything, 4, true);
        break;
    case KIND_NOTE:
        put_text(m, "content", true);
        put_refs(m, "object_refs", anything, 3, true);
        break;
    case KIND_OPINION:
        put(m, ",\"opinion\":\"agree\"");
        put_text(m, "explanation", false);
        put_refs(m, "object_refs", anything, 3, true);
        break;
    case KIND_RELATIONSHIP: {
        const unsigned ends = any_sco | any_sdo | any_identity;
        int from = thing_pick(m->plan, m->draw, ends, -1), to = thing_pick(m->plan, m->draw, ends, from);
        put(m, ",\"relationship_type\":\"related-to\"");
        put_ref(m, "source_ref", from, false, true);
        put_ref(m, "target_ref", to, false, true);
        break;
    }
    case KIND_SIGHTING:
        put_ref(m, "sighting_of_ref", thing_pick(m->plan, m->draw, any_sdo, -1), false, true);
        if (draw_chance(m->draw, 500))
            put_refs(m, "where_sighted_refs", any_identity, 2, false);
        if (draw_chance(m->draw, 500) && thing_pick(m->plan, m->draw, 1u << KIND_OBSERVED, -1) >= 0)
            put_refs(m, "observed_data_refs", 1u << KIND_OBSERVED, 2, false);
        break;
    case KIND_TRANSLATION:
        put_translation(m, thing);
        break;
    default:
        put_text(m, "name", false);
        break;
    }
}

static void put_head(struct maker *m, const struct thing *thing, int version)
{
    bool definition = thing->kind == KIND_STATEMENT;
    put(m, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\"", kind_type(thing->kind), thing->id);
    if (kind_is_observable(thing->kind))
        return;
    put(m, ",\"created\":\"2026-01-01T00:00:00.000Z\"");
    if (!definition)
        put(m, ",\"modified\":\"2026-01-01T00:00:%02d.000Z\"", version);
    /* What an extension needs must never be minted: its creator says nothing of anybody. */
    if (thing->kind == KIND_EXTENSION)
        put_ref(m, "created_by_ref", 0, true, true);
    else if (m->saying->thing != 0 && !definition && draw_chance(m->draw, 400))
        put_ref(m, "created_by_ref",
                thing_pick(m->plan, m->draw, draw_chance(m->draw, 800) ? 1u << KIND_IDENTITY : any_identity,
                           m->saying->thing),
                true, false);
}

static void put_definition(struct maker *m, const struct thing *thing)
{
    if (thing->terms != 0)
        marks_write(thing->terms, &m->text);
    else if (thing->kind == KIND_STATEMENT)
        put(m, ",\"definition_type\":\"statement\",\"definition\":{\"statement\":\"ca7a%08x\"}",
            add_field(m, "definition", 0, true));
    else
        put(m,
            ",\"name\":\"ca7a%08x\",\"schema\":\"https://example.com/s\",\"version\":\"1.0.0\","
            "\"extension_types\":[\"property-extension\"]",
            add_field(m, "name", 0, true));
}

/* Where one property of several has to be there, an extension will do. */
static void settle_required(struct maker *m)
{
    bool extended = false;
    struct field *user = NULL;
    for (size_t i = 0; i < m->saying->field_count; i++) {
        struct field *field = &m->saying->fields[i];
        extended |= str_eq(str_of(field->at), STR("extensions.say"));
        user = str_eq(str_of(field->at), STR("user_id")) ? field : user;
    }
    if (user != NULL)
        user->required = m->alone && !extended;
}

void saying_make(struct plan *plan, int thing_number, int version, unsigned source, struct draw *draw)
{
    static struct maker maker; /* large; one world at a time */
    const struct thing *thing = &plan->things[thing_number];
    struct maker *m = &maker;
    must(plan->saying_count < SAYINGS);
    struct saying *saying = &plan->sayings[plan->saying_count++];
    *saying = (struct saying) {
        .thing = thing_number, .version = version, .source = source, .confidence = -1, .about = -1};
    *m = (struct maker) {.plan = plan, .saying = saying, .draw = draw};
    buf_init(&m->text, TEXT_MAX_);
    put_head(m, thing, version);
    saying->anchor = add_field(m, "x_anchor", 0, true);
    put(m, ",\"x_anchor\":\"ca7a%08x\"", saying->anchor);
    if (kind_is_definition(thing->kind))
        put_definition(m, thing);
    else if (kind_is_observable(thing->kind))
        put_observable(m, thing);
    else
        put_sdo(m, thing);
    if (!kind_is_definition(thing->kind) && !kind_is_observable(thing->kind)) {
        if (draw_chance(draw, 500) && thing->kind != KIND_OBSERVED && thing->kind != KIND_NOTE &&
            thing->kind != KIND_OPINION && thing->kind != KIND_TRANSLATION)
            put_text(m, "description", false);
        if (draw_chance(draw, 300))
            put(m, ",\"confidence\":%d", saying->confidence = (int)draw_below(draw, 101));
        if (version > 0 && draw_chance(draw, 150)) {
            put(m, ",\"revoked\":true");
            saying->revoked = true;
        }
        if (draw_chance(draw, 200)) {
            put(m, ",\"labels\":[\"ca7a%08x\"]", add_field(m, "labels.[0]", 0, false));
            choose(m, "labels.[0]");
        }
    }
    put_custom(m);
    settle_required(m);
    put_marks(m);
    put_granular(m);
    put(m, "}");
    must(buf_err(&m->text) == ERR_OK);
    saying->len = m->text.len;
    saying->text = calloc(1, saying->len + 1 + JSON_PADDING);
    must(saying->text != NULL);
    memcpy(saying->text, m->text.at, saying->len);
    buf_deinit(&m->text);
}
