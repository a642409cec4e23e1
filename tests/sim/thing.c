#include "thing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/hash.h"

enum { TABLE = 4 * THINGS_MAX };

static const char *const types[] = {
#define X(name, type) type,
    THING_KIND_LIST(X)
#undef X
};

/* Fixed by the standard. */
static const char *const tlp_ids[][2] = {
    [STIX_TLP_CLEAR] = {"613f2e26-407d-48c7-9eca-b8e91df99dc9", "94868c89-83c2-464b-929b-a1a8aa3c8487"},
    [STIX_TLP_GREEN] = {"34098fce-860f-48ae-8e50-ebd3cc5e41da", "bab4a63c-aed9-4cf5-a766-dfca5abac2bb"},
    [STIX_TLP_AMBER] = {"f88d31f6-486f-44da-b317-01333bde0b82", "55d920b0-5e8b-4f79-9ee9-91f868d9b421"},
    [STIX_TLP_AMBER_STRICT] = {"939a9414-2ddd-4d32-a0cd-375ea402b003",
                               "939a9414-2ddd-4d32-a0cd-375ea402b003"},
    [STIX_TLP_RED] = {"5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "e828b379-4e03-4974-9ac4-e53a884c97c1"},
};

const char *thing_type(enum thing_kind kind)
{
    return types[kind];
}

void thing_id(uint16_t target, char out[THING_ID_SIZE])
{
    (void)snprintf(out, THING_ID_SIZE, "%s--0b009500-0000-4000-8%03x-%012x", types[thing_target_kind(target)],
                   (unsigned)thing_target_kind(target), (unsigned)target % THING_PER_KIND + 1);
}

struct stix_key thing_key(uint16_t target)
{
    char id[THING_ID_SIZE];
    struct stix_key key;
    thing_id(target, id);
    must(stix_key_from_id(str_of(id), &key, NULL) == ERR_OK);
    return key;
}

/* --- writing --- */

static void say(struct thing *thing, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct thing *thing, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t room = THING_TEXT - JSON_PADDING - thing->len;
    int len = vsnprintf(thing->text + thing->len, room, fmt, args);
    va_end(args);
    must(len >= 0 && (size_t)len < room);
    thing->len += (size_t)len;
}

static void refer(struct thing *thing, uint16_t target, bool follows)
{
    char id[THING_ID_SIZE];
    thing_id(target, id);
    say(thing, "\"%s\"", id);
    /* One object often names another twice; the one that takes it along is enough. */
    for (size_t i = 0; i < thing->ref_count; i++) {
        if (thing->refs[i].target == target && thing->refs[i].follows == follows)
            return;
    }
    must(thing->ref_count < THING_REFS);
    thing->refs[thing->ref_count++] = (struct thing_ref) {target, follows};
}

static void create(struct thing *thing, uint16_t target)
{
    say(thing, ",\"created_by_ref\":");
    refer(thing, target, true);
    thing->has_creator = true;
    thing->creator = target;
}

static void mark_tlp(struct thing *thing, struct draw *draw, enum stix_tlp tlp)
{
    say(thing, "\"marking-definition--%s\"", tlp_ids[tlp][draw_below(draw, 2)]);
    thing->tlp = stix_tlp_narrowest(thing->tlp, tlp);
}

static void mark_custom(struct thing *thing, uint16_t target)
{
    refer(thing, target, true);
    thing->marks[thing->mark_count++] = target;
}

static void mark(struct thing *thing, struct draw *draw)
{
    static const enum stix_tlp often[] = {
        STIX_TLP_CLEAR, STIX_TLP_CLEAR, STIX_TLP_CLEAR, STIX_TLP_CLEAR, STIX_TLP_GREEN,
        STIX_TLP_GREEN, STIX_TLP_AMBER, STIX_TLP_AMBER, STIX_TLP_RED,   STIX_TLP_AMBER_STRICT};
    unsigned what = draw_below(draw, 100);
    if (what < 75)
        mark_tlp(thing, draw, often[draw_below(draw, 10)]);
    else if (what < 93)
        mark_custom(thing, thing_target(THING_STATEMENT, draw_below(draw, 3)));
    else
        mark_custom(thing, thing_target(THING_STRANGE, draw_below(draw, 2)));
}

/* A source that is told in what it was made of, and a part that stays here. */
static void say_parts(struct thing *thing, unsigned variant, enum thing_parts parts)
{
    say(thing, ",\"x_token\":\"t%u.%u.%u\"", thing->target, thing->version, variant);
    thing->parts = thing->target % THING_PER_KIND % 2 == 1;
    if (!thing->parts)
        return;
    say(thing, ",\"x_part\":%s",
        parts == PARTS_HIDDEN ? "\"hidden\"" : "{\"says\":\"hidden otherwise\",\"too\":[\"hidden\"]}");
    bool more = THING_HIDES_MEMBERS && parts == PARTS_OTHER;
    if (more)
        say(thing, ",\"x_also\":\"hidden\"");
    say(thing,
        ",\"granular_markings\":[{\"selectors\":[\"x_part\"%s],\"marking_ref\":\"marking-definition--%s\"}]",
        more ? ",\"x_also\"" : "", tlp_ids[STIX_TLP_RED][1]);
}

static void say_marks(struct thing *thing, struct draw *draw)
{
    bool granular = draw_chance(draw, 60) && thing->kind != THING_DOMAIN && !thing->parts;
    if (draw_chance(draw, 620)) {
        thing->marked = true;
        say(thing, ",\"object_marking_refs\":[");
        mark(thing, draw);
        if (draw_chance(draw, 80)) {
            say(thing, ",");
            mark_tlp(thing, draw, STIX_TLP_GREEN);
        }
        say(thing, "]");
    }
    if (granular) {
        thing->parted = true;
        thing->whole_tlp = thing->tlp;
        thing->whole_mark_count = thing->mark_count;
        say(thing, ",\"granular_markings\":[{\"selectors\":[\"created\"],\"marking_ref\":");
        mark(thing, draw);
        say(thing, "}]");
    }
}

/* --- kinds --- */

/* The last kinds may not be ends of a relationship. */
static uint16_t any_target(struct draw *draw, bool relation_too)
{
    static const enum thing_kind kinds[] = {
        THING_INDICATOR, THING_INDICATOR, THING_MALWARE, THING_ORGANISATION, THING_PERSON,
        THING_REPORT,    THING_DOMAIN,    THING_DOMAIN,  THING_STATEMENT,    THING_RELATION};
    unsigned below = (unsigned)(sizeof kinds / sizeof *kinds) - (relation_too ? 0 : 2);
    return thing_target(kinds[draw_below(draw, below)], draw_below(draw, THING_POOL));
}

static void say_list(struct thing *thing, struct draw *draw)
{
    unsigned count = 1 + draw_below(draw, 3);
    say(thing, ",\"object_refs\":[");
    for (unsigned i = 0; i < count; i++) {
        if (i > 0)
            say(thing, ",");
        refer(thing, any_target(draw, true), false);
    }
    say(thing, "]");
}

static void say_kind(struct thing *thing, struct draw *draw)
{
    unsigned n = thing->target;
    switch (thing->kind) {
    case THING_INDICATOR:
        if (thing->valid)
            say(thing, ",\"pattern\":\"[url:value = 'http://x%u.test/']\",\"pattern_type\":\"stix\"", n);
        say(thing, ",\"valid_from\":\"2026-01-01T00:00:00Z\"");
        break;
    case THING_MALWARE:
        say(thing, ",\"is_family\":%s", thing->valid ? "false" : "\"no\"");
        break;
    case THING_ORGANISATION:
    case THING_PERSON:
        say(thing, ",\"identity_class\":\"%s\"", thing->kind == THING_PERSON ? "individual" : "organization");
        break;
    case THING_REPORT:
        say(thing, ",\"published\":\"2026-01-01T00:00:00Z\"");
        say_list(thing, draw);
        break;
    case THING_NOTE:
        say(thing, ",\"content\":\"%s\"", thing->parts ? "call 010-2345-6789" : "c");
        say_list(thing, draw);
        break;
    case THING_RELATION:
        say(thing, ",\"relationship_type\":\"related-to\",\"source_ref\":");
        refer(thing, any_target(draw, false), false);
        say(thing, ",\"target_ref\":");
        refer(thing, any_target(draw, false), false);
        break;
    default:
        break;
    }
    /* References count wherever they stand. */
    if ((thing->kind == THING_INDICATOR || thing->kind == THING_MALWARE) && draw_chance(draw, 250)) {
        say(thing, ",\"x_about\":{\"also\":[");
        refer(thing, any_target(draw, true), false);
        say(thing, "]}");
    }
}

/* Who made it is a matter of the id, as with real objects. Organisation 0 is marked by statement 0, which it
 * made: a circle that must leave together or not at all. */
static void say_creator(struct thing *thing)
{
    unsigned number = thing->target % THING_PER_KIND;
    if (thing->kind == THING_ORGANISATION || thing->kind == THING_DOMAIN)
        return;
    if (number % 2 == 1)
        return;
    create(thing, thing_target(THING_ORGANISATION, (number / 2) % THING_POOL));
}

static void say_definition(struct thing *thing)
{
    say_creator(thing);
    if (thing->kind == THING_STATEMENT)
        say(thing, ",\"definition_type\":\"statement\",\"definition\":{\"statement\":\"s%u\"}}",
            thing->target);
    else
        say(thing, ",\"definition_type\":\"x-strange\",\"definition\":{\"level\":\"l%u\"}}", thing->target);
}

static bool has_parts(enum thing_kind kind)
{
    return kind == THING_INDICATOR || kind == THING_MALWARE || kind == THING_REPORT || kind == THING_NOTE;
}

static void write_thing(struct thing *thing, struct draw *draw, unsigned variant, enum thing_parts parts)
{
    char id[THING_ID_SIZE];
    thing_id(thing->target, id);
    say(thing, "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\"", types[thing->kind], id);
    if (thing->kind == THING_DOMAIN) {
        say(thing, ",\"value\":\"d%u.test\"", thing->target);
        say_marks(thing, draw);
        say(thing, "%s}", variant == 0 ? "" : ",\"defanged\":true");
        return;
    }
    say(thing, ",\"created\":\"2026-01-01T00:00:00.000Z\"");
    if (thing_is_marking(thing->kind)) {
        say_definition(thing);
        return;
    }
    say(thing, ",\"modified\":\"2026-01-01T00:00:%02u.000Z\"", thing->version);
    if (thing->kind != THING_RELATION && thing->kind != THING_NOTE)
        say(thing, ",\"name\":\"%s%u\"",
            thing->kind == THING_ORGANISATION || thing->kind == THING_PERSON ? "who" : "n", variant);
    else if (variant != 0)
        say(thing, ",\"confidence\":%u", variant);
    say_creator(thing);
    if (parts != PARTS_PLAIN && has_parts(thing->kind))
        say_parts(thing, variant, parts);
    if (thing->kind == THING_ORGANISATION && thing->target % THING_PER_KIND == 0) {
        say(thing, ",\"object_marking_refs\":[");
        mark_custom(thing, thing_target(THING_STATEMENT, 0));
        say(thing, "]");
        thing->marked = true;
    } else if (thing->kind != THING_ORGANISATION || variant != 0) {
        say_marks(thing, draw);
    }
    say_kind(thing, draw);
    if (draw_chance(draw, 60) && thing->version > 1)
        say(thing, ",\"revoked\":true");
    say(thing, "}");
}

/* --- all of them --- */

void things_init(struct things *things, uint64_t seed)
{
    *things = (struct things) {.seed = seed};
    things->at = calloc(THINGS_MAX, sizeof *things->at);
    things->table = calloc(TABLE, sizeof *things->table);
    must(things->at != NULL && things->table != NULL);
}

void things_deinit(struct things *things)
{
    for (size_t i = 0; i < things->count; i++)
        free(things->at[i]);
    free(things->at);
    free(things->table);
}

static uint32_t *slot_of(const struct things *things, struct bytes text)
{
    size_t at = hash_xxh3(text) % TABLE;
    while (things->table[at] != 0) {
        const struct thing *thing = things->at[things->table[at] - 1];
        if (bytes_eq(bytes_of(thing->text, thing->len), text))
            break;
        at = (at + 1) % TABLE;
    }
    return &things->table[at];
}

const struct thing *things_find(const struct things *things, struct bytes text)
{
    uint32_t number = *slot_of(things, text);
    return number == 0 ? NULL : things->at[number - 1];
}

static const struct thing *keep(struct things *things, const struct thing *made)
{
    uint32_t *slot = slot_of(things, bytes_of(made->text, made->len));
    if (*slot != 0)
        return things->at[*slot - 1];
    struct thing *thing = malloc(sizeof *thing);
    must(thing != NULL && things->count < THINGS_MAX);
    *thing = *made;
    thing->number = (unsigned)things->count;
    things->at[things->count++] = thing;
    *slot = (uint32_t)things->count;
    return thing;
}

/* Texts keep their quotes: a token is whole. */
const struct thing *things_source(const struct things *things, struct bytes text)
{
    static const char token[] = "\"x_token\":\"";
    const char *at = text.len == 0 ? NULL : memmem(text.at, text.len, token, sizeof token - 1);
    if (at == NULL)
        return NULL;
    size_t left = text.len - (size_t)((const uint8_t *)at - text.at);
    const char *end = memchr(at + sizeof token - 1, '"', left - (sizeof token - 1));
    for (size_t i = 0; end != NULL && i < things->count; i++)
        if (memmem(things->at[i]->text, things->at[i]->len, at, (size_t)(end + 1 - at)) != NULL)
            return things->at[i];
    return NULL;
}

const char *things_hidden(struct bytes text)
{
    static const char *const words[] = {"hidden", "secret"};
    static const char id[] = "-0b009500-0000-4000-8";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text.len > 0 && memmem(text.at, text.len, words[i], strlen(words[i])) != NULL)
            return words[i];
    const char *at = (const char *)text.at, *end = at + text.len;
    while (at != NULL && at < end && (at = memmem(at, (size_t)(end - at), id, sizeof id - 1)) != NULL) {
        unsigned kind, number;
        at += sizeof id - 1;
        if (end - at > 16 && sscanf(at, "%3x-%12x", &kind, &number) == 2 && number > THING_POOL)
            return "an identifier that nobody else speaks of";
    }
    return NULL;
}

const struct thing *things_get(struct things *things, enum thing_kind kind, unsigned number, unsigned version,
                               unsigned variant, enum thing_parts parts)
{
    struct thing thing = {
        .kind = kind, .target = thing_target(kind, number), .version = version, .valid = true};
    struct draw draw = draw_of(things->seed, thing.target + 1000u, version * 16 + variant);
    if (variant == 3 && (kind == THING_INDICATOR || kind == THING_MALWARE))
        thing.valid = false;
    write_thing(&thing, &draw, variant, parts);
    return keep(things, &thing);
}

/* One of the ids that only twins speak of. Each reason has its own: RED would bind what else is said of the
 * id.
 */
static uint16_t secret_target(struct draw *draw, enum thing_kind kind, enum thing_secret why)
{
    enum { EACH = THING_EXTRA / THING_SECRETS };
    return thing_target(kind, THING_POOL + EACH * (unsigned)why + draw_below(draw, EACH));
}

static void say_secret_marks(struct thing *thing, struct draw *draw, enum thing_secret why)
{
    if (why == THING_UNMARKED)
        return;
    say(thing, ",\"object_marking_refs\":[");
    if (why == THING_TIED && draw_chance(draw, 400))
        mark_custom(thing, thing_target(THING_STATEMENT, draw_below(draw, 3)));
    else
        mark_tlp(thing, draw,
                 why == THING_RED       ? STIX_TLP_RED
                 : why == THING_REFUSED ? STIX_TLP_AMBER
                                        : STIX_TLP_CLEAR);
    thing->marked = true;
    say(thing, "]");
}

/* An end, or something reported, that nobody may have. Reports are let go by the rules, and relationships. */
static uint16_t secret_end(struct draw *draw)
{
    static const enum thing_kind kinds[] = {THING_INDICATOR, THING_MALWARE, THING_PERSON};
    enum thing_kind kind = kinds[draw_below(draw, 3)];
    return secret_target(draw, kind, (enum thing_secret)draw_below(draw, THING_TIED));
}

/* It may speak of what partners hold. */
static void say_secret_refs(struct thing *thing, struct draw *draw, enum thing_secret why)
{
    if (thing->kind != THING_RELATION)
        say(thing, ",\"name\":\"secret\"");
    if (thing->kind != THING_RELATION || draw_chance(draw, 500))
        create(thing, thing_target(THING_ORGANISATION, draw_below(draw, THING_POOL)));
    if (thing->kind == THING_REPORT) {
        say(thing, ",\"published\":\"2026-01-01T00:00:00Z\",\"object_refs\":[");
        for (unsigned i = 1 + draw_below(draw, 2); i > 0; i--) {
            refer(thing, any_target(draw, true), false);
            say(thing, ",");
        }
        refer(thing, secret_end(draw), false);
        say(thing, "]");
    } else if (thing->kind == THING_RELATION) {
        say(thing, ",\"relationship_type\":\"related-to\",\"source_ref\":");
        refer(thing, thing_target(THING_MALWARE, draw_below(draw, THING_POOL)), false);
        say(thing, ",\"target_ref\":");
        refer(thing,
              why == THING_TIED ? secret_end(draw)
                                : thing_target(THING_INDICATOR, draw_below(draw, THING_POOL)),
              false);
    } else {
        say_kind(thing, draw);
    }
}

const struct thing *things_secret(struct things *things, struct draw *draw, enum thing_secret why)
{
    static const enum thing_kind kinds[] = {THING_INDICATOR, THING_MALWARE, THING_PERSON, THING_RELATION,
                                            THING_REPORT};
    struct thing thing = {.version = 1 + draw_below(draw, 3), .valid = true, .extra = true};
    char id[THING_ID_SIZE];
    thing.kind =
        kinds[why == THING_TIED ? 3 + draw_below(draw, things->duties ? 1 : 2) : draw_below(draw, 5)];
    thing.target = secret_target(draw, thing.kind, why);
    thing_id(thing.target, id);
    say(&thing,
        "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"2026-01-01T00:00:00.000Z\"",
        types[thing.kind], id);
    say(&thing, ",\"modified\":\"2026-01-01T00:00:%02u.000Z\"", thing.version);
    say_secret_marks(&thing, draw, why);
    say_secret_refs(&thing, draw, why);
    say(&thing, "}");
    /* What carries a domain name would mark it, if its source did. */
    for (size_t i = 0; i < thing.ref_count && why != THING_UNMARKED; i++)
        if (thing_target_kind(thing.refs[i].target) == THING_DOMAIN)
            return things_secret(things, draw, why);
    return keep(things, &thing);
}
