/* Draws a world: things, what is said of them, policies, and what happens in which order. Every value that
 * can be withheld carries a canary, a token that stands nowhere else. */
#include "leak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/uuid.h"

static const char *const types[KINDS] = {
    [KIND_IDENTITY] = "identity",
    [KIND_PERSON] = "identity",
    [KIND_STATEMENT] = "marking-definition",
    [KIND_EXTENSION] = "extension-definition",
    [KIND_DOMAIN] = "domain-name",
    [KIND_EMAIL] = "email-addr",
    [KIND_DIRECTORY] = "directory",
    [KIND_ACCOUNT] = "user-account",
    [KIND_FILE] = "file",
    [KIND_TRAFFIC] = "network-traffic",
    [KIND_MESSAGE] = "email-message",
    [KIND_INDICATOR] = "indicator",
    [KIND_MALWARE] = "malware",
    [KIND_CUSTOM] = "x-bongsu-leak",
    [KIND_OBSERVED] = "observed-data",
    [KIND_REPORT] = "report",
    [KIND_GROUPING] = "grouping",
    [KIND_NOTE] = "note",
    [KIND_OPINION] = "opinion",
    [KIND_RELATIONSHIP] = "relationship",
    [KIND_SIGHTING] = "sighting",
    [KIND_TRANSLATION] = "language-content",
};

const char *kind_type(enum kind kind)
{
    return types[kind];
}

bool kind_is_observable(enum kind kind)
{
    return kind >= KIND_DOMAIN && kind <= KIND_MESSAGE;
}

bool kind_is_definition(enum kind kind)
{
    return kind == KIND_STATEMENT || kind == KIND_EXTENSION;
}

/* --- things --- */

int thing_pick(const struct plan *plan, struct draw *draw, unsigned kinds, int except)
{
    int found = -1, seen = 0;
    for (int i = 0; i < plan->thing_count; i++)
        if (i != except && (kinds >> plan->things[i].kind & 1) != 0 &&
            draw_below(draw, (unsigned)++seen) == 0)
            found = i;
    return found;
}

static void name_thing(struct thing *thing, const struct uuid *uuid)
{
    char text[UUID_TEXT_SIZE + 1] = {0};
    uuid_text(uuid, text);
    memcpy(thing->uuid, uuid->b, UUID_SIZE);
    (void)snprintf(thing->id, sizeof thing->id, "%s--%s", types[thing->kind], text);
}

/* Section 2.9: from the canonical form of what gives an observable its identifier. */
static void name_observable(const struct plan *plan, struct thing *thing)
{
    static const struct uuid space = {
        {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}};
    static const char *const forms[KINDS] = {
        [KIND_DOMAIN] = "{\"value\":\"ca7a%08x.example\"}",
        [KIND_EMAIL] = "{\"value\":\"ca7a%08x@example.co.kr\"}",
        [KIND_DIRECTORY] = "{\"path\":\"/ca7a%08x\"}",
        [KIND_ACCOUNT] = "{\"user_id\":\"ca7a%08x\"}",
        [KIND_FILE] = "{\"name\":\"ca7a%08x.bin\",\"parent_directory_ref\":\"%s\"}",
        [KIND_TRAFFIC] = "", /* its ends stand on both sides of the canary */
        [KIND_MESSAGE] = "{\"from_ref\":\"%s\",\"subject\":\"ca7a%08x\"}",
    };
    static const char alone[] = "{\"name\":\"ca7a%08x.bin\"}";
    char canon[256];
    const char *of = thing->of < 0 ? "" : plan->things[thing->of].id;
    const char *form = thing->kind == KIND_FILE && thing->of < 0 ? alone : forms[thing->kind];
    int len;
    if (thing->kind == KIND_MESSAGE)
        len = snprintf(canon, sizeof canon, "{\"from_ref\":\"%s\",\"subject\":\"ca7a%08x\"}", of,
                       thing->canary);
    else if (thing->kind == KIND_TRAFFIC)
        len = snprintf(canon, sizeof canon,
                       "{\"dst_port\":443,%s%s%s\"protocols\":[\"ca7a%08x\"],\"src_ref\":\"%s\"}",
                       thing->to < 0 ? "" : "\"dst_ref\":\"", thing->to < 0 ? "" : plan->things[thing->to].id,
                       thing->to < 0 ? "" : "\",", thing->canary, of);
    else if (thing->of >= 0)
        len = snprintf(canon, sizeof canon, "{\"name\":\"ca7a%08x.bin\",\"parent_directory_ref\":\"%s\"}",
                       thing->canary, of);
    else {
        const char *at = strstr(form, "%08x");
        len = snprintf(canon, sizeof canon, "%.*s%08x%s", (int)(at - form), form, thing->canary, at + 4);
    }
    struct uuid uuid = uuid_v5(&space, bytes_of(canon, (size_t)len));
    name_thing(thing, &uuid);
}

/* Half of all traffic has another end, where there is one; the canary chooses: it is no other world. */
static int other_end(const struct plan *plan, const struct thing *thing)
{
    uint32_t chance = thing->canary * 0x9e3779b1u >> 8;
    for (int i = 0; i < plan->thing_count && (chance & 1) != 0; i++) {
        int at = (int)((chance >> 1) % (uint32_t)plan->thing_count + (uint32_t)i) % plan->thing_count;
        if (plan->things[at].kind == KIND_DOMAIN && at != thing->of)
            return at;
    }
    return -1;
}

static void draw_things(struct plan *plan, struct draw *draw)
{
    static const enum kind first[] = {KIND_IDENTITY, KIND_STATEMENT, KIND_EXTENSION,
                                      KIND_DOMAIN,   KIND_EMAIL,     KIND_DIRECTORY,
                                      KIND_IDENTITY, KIND_PERSON,    KIND_STATEMENT};
    enum { FIRST = sizeof first / sizeof *first };
    int count = 20 + (int)draw_below(draw, THINGS - 20);
    for (int i = 0; i < count; i++) {
        struct thing *thing = &plan->things[i];
        uint8_t random[UUID_SIZE];
        *thing = (struct thing) {.of = -1, .to = -1, .canary = ++plan->canaries};
        thing->kind = i < FIRST ? first[i] : (enum kind)draw_below(draw, KINDS);
        if (thing->kind == KIND_STATEMENT && i != 1 && draw_chance(draw, 600))
            thing->terms = 1 + (int)draw_below(draw, (unsigned)marks_count() - 1);
        if (thing->kind == KIND_EXTENSION && i >= FIRST)
            thing->kind = KIND_REPORT;
        if (thing->kind == KIND_FILE && draw_chance(draw, 600))
            thing->of = thing_pick(plan, draw, 1u << KIND_DIRECTORY, -1);
        if (thing->kind == KIND_TRAFFIC)
            thing->of = thing_pick(plan, draw, 1u << KIND_DOMAIN, -1);
        if (thing->kind == KIND_TRAFFIC)
            thing->to = other_end(plan, thing);
        if (thing->kind == KIND_MESSAGE)
            thing->of = thing_pick(plan, draw, 1u << KIND_EMAIL, -1);
        for (size_t k = 0; k < UUID_SIZE; k++)
            random[k] = (uint8_t)draw_next(draw);
        struct uuid uuid = uuid_v4(random);
        if (kind_is_observable(thing->kind))
            name_observable(plan, thing);
        else
            name_thing(thing, &uuid);
        plan->thing_count++;
    }
}

static unsigned source_draw(struct plan *plan, struct draw *draw)
{
    if (draw_chance(draw, 150))
        return LOCALS + draw_below(draw, plan->partners);
    return draw_chance(draw, 550) ? 0 : 1 + draw_below(draw, LOCALS - 1);
}

static void draw_sayings(struct plan *plan, struct draw *draw)
{
    for (int i = 0; i < plan->thing_count; i++) {
        enum kind kind = plan->things[i].kind;
        unsigned source = i == 0 ? 0 : source_draw(plan, draw);
        if (i >= 6 && draw_chance(draw, 60))
            continue; /* named, and never there */
        saying_make(plan, i, 0, source, draw);
        if (kind_is_definition(kind) || i == 0)
            continue;
        if (kind_is_observable(kind) && draw_chance(draw, 400))
            saying_make(plan, i, 0, source_draw(plan, draw), draw); /* a variant, or another word of it */
        else if (!kind_is_observable(kind) && draw_chance(draw, 350))
            saying_make(plan, i, 1, source, draw);               /* a newer version */
        if (!kind_is_observable(kind) && draw_chance(draw, 120)) /* a rival, or an assertion */
            saying_make(plan, i, (int)draw_below(draw, 3), source_draw(plan, draw), draw);
    }
}

/* --- what happens --- */

static void op_add(struct plan *plan, enum op_kind kind, int a, int b, int c)
{
    if (plan->op_count < OPS - 1)
        plan->ops[plan->op_count++] = (struct op) {kind, a, b, c, false};
}

static void op_fact(struct plan *plan, struct draw *draw)
{
    int thing = (int)draw_below(draw, (unsigned)plan->thing_count);
    int partner = (int)draw_below(draw, plan->partners);
    switch (draw_below(draw, 14)) {
    case 12:
    case 13: {
        int lists = (int)marks_list_count();
        int whom = draw_chance(draw, 600) ? 1 + (int)draw_below(draw, (unsigned)lists - 1)
                                          : lists + (int)draw_below(draw, 1u << plan->partners);
        op_add(plan, OP_NAME, thing_pick(plan, draw, 1u << KIND_STATEMENT, -1), 1 + (int)draw_below(draw, 5),
               whom);
        break;
    }
    case 0:
    case 1:
        op_add(plan, OP_CLASSIFY, thing_pick(plan, draw, 1u << KIND_STATEMENT, -1),
               1 + (int)draw_below(draw, 5), 0);
        break;
    case 2:
    case 3:
        op_add(plan, OP_TAG, thing, (int)draw_below(draw, TAGS), draw_chance(draw, 700));
        break;
    case 4:
    case 5:
        op_add(plan, OP_APPROVE, thing, partner, (int)draw_below(draw, 3 * OPERATORS));
        break;
    case 6:
        op_add(plan, OP_STOP, (int)draw_below(draw, 3), partner, draw_chance(draw, 500));
        break;
    case 7:
        op_add(plan, OP_TIME, 60 * (int)draw_below(draw, 2000), 0, 0);
        break;
    case 8:
        op_add(plan, OP_RESTART, (int)draw_below(draw, 3), 0, 0);
        break;
    case 9:
        op_add(plan, OP_START, partner, 0, 0);
        break;
    case 10:
        op_add(plan, OP_ASSUME, 1 + (int)draw_below(draw, LOCALS - 1), (int)draw_below(draw, 4), 0);
        break;
    default:
        op_add(plan, OP_POLICY, (int)draw_below(draw, POLICIES), 0, 0);
        break;
    }
}

/* Of what carries observables, by dice of their own: worlds of before stay as they were. */
static void draw_recalls(struct plan *plan)
{
    static const unsigned kinds = 1u << KIND_INDICATOR | 1u << KIND_MALWARE | 1u << KIND_CUSTOM |
                                  1u << KIND_OBSERVED | 1u << KIND_REPORT | 1u << KIND_GROUPING |
                                  1u << KIND_NOTE | 1u << KIND_OPINION;
    struct draw draw = draw_of(plan->seed, 2, 0);
    for (unsigned i = draw_below(&draw, 4); i > 0; i--) {
        int thing = thing_pick(plan, &draw, kinds, -1);
        if (thing >= 0)
            op_add(plan, OP_RECALL, thing, 0, 0);
        if (draw_chance(&draw, 700))
            op_add(plan, OP_SETTLE, 0, 0, 0);
    }
}

static void draw_ops(struct plan *plan, struct draw *draw)
{
    int order[SAYINGS];
    for (int i = 0; i < plan->saying_count; i++)
        order[i] = i;
    for (int i = plan->saying_count - 1; i > 0; i--) {
        int k = (int)draw_below(draw, (unsigned)i + 1), kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
    unsigned pace = 50 + draw_below(draw, 400);
    for (int i = 0; i < plan->saying_count; i++) {
        const struct saying *saying = &plan->sayings[order[i]];
        op_add(plan, OP_SAY, order[i], (int)saying->source, 0);
        if (draw_chance(draw, 40))
            op_add(plan, OP_SAY, order[i], (int)source_draw(plan, draw), 0);
        if (draw_chance(draw, pace))
            op_add(plan, draw_chance(draw, 300) ? OP_SETTLE : OP_STEP, 1 + (int)draw_below(draw, 3), 0, 0);
        if (draw_chance(draw, 200))
            op_fact(plan, draw);
        if (draw_chance(draw, 20))
            op_add(plan, OP_MERGE, 0, 0, 0);
    }
    op_add(plan, OP_SETTLE, 0, 0, 0);
    for (unsigned i = draw_below(draw, 12); i > 0; i--) {
        op_fact(plan, draw);
        if (draw_chance(draw, 700))
            op_add(plan, OP_SETTLE, 0, 0, 0);
    }
    draw_recalls(plan);
    op_add(plan, OP_TIME, 40 * 24 * 3600, 0, 0);
    op_add(plan, OP_SETTLE, 0, 0, 0);
    op_add(plan, OP_UNBIND, 0, 0, 0);
    if (draw_chance(draw, 400))
        op_add(plan, OP_RELEASE, (int)draw_below(draw, plan->partners), 1 + (int)draw_below(draw, 2), 0);
    op_add(plan, OP_SETTLE, 0, 0, 0);
    op_add(plan, OP_TIME, 40 * 24 * 3600, 0, 0);
    op_add(plan, OP_SETTLE, 0, 0, 0);
}

void plan_make(struct plan *plan, uint64_t seed)
{
    struct draw draw = draw_of(seed, 1, 0);
    *plan = (struct plan) {.seed = seed};
    plan->partners = 2 + draw_below(&draw, PARTNERS - 1);
    plan->started = (unsigned)(draw_next(&draw) | draw_next(&draw)) & ((1u << plan->partners) - 1);
    plan->cut = draw_chance(&draw, 700);
    plan->texts = draw_chance(&draw, 500);
    draw_things(plan, &draw);
    bool duties = draw_chance(&draw, 600);
    for (int i = 0; i < POLICIES; i++) {
        policy_draw(&plan->policies[i], plan->partners, &draw);
        for (size_t r = 0; r < plan->policies[i].rule_count && !duties; r++)
            plan->policies[i].rule[r].duties = (struct duties) {0};
    }
    draw_sayings(plan, &draw);
    op_add(plan, OP_POLICY, 0, 0, 0);
    draw_ops(plan, &draw);
}

void plan_free(struct plan *plan)
{
    for (int i = 0; i < plan->saying_count; i++)
        free(plan->sayings[i].text);
}
