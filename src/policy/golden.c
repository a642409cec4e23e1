#include "policy/golden.h"

#include <stdio.h>

#include "core/arena.h"
#include "policy/parse.h"
#include "policy/table.h"
#include "stix/marking.h"

struct golden {
    struct str rest; /* of the examples, behind the line that is read */
    unsigned line;
    struct str policy_text;
    struct policy *policy; /* compiled at the first example: all partners are known then */
    struct json_parser *parser;
    struct arena kept, arena; /* of the whole run; of one example */
    struct golden_fault *fault;
    void (*each)(void *ctx, const struct golden_result *result);
    void *ctx;

    struct policy_partner partners[LIMIT_PARTNERS];
    size_t partner_count;

    /* Of the example that is read. */
    struct str name; /* empty: none has begun */
    bool expected;   /* it has an expectation */
    bool has_object, has_at;
    struct json_doc doc;
    struct stix_object object;
    struct policy_facts facts; /* what the lines say; the object's own come with
                                  the expectation */
    struct str tags[LIMIT_TAGS_PER_OBJECT];
    struct str sectors[LIMIT_GOLDEN_VICTIMS];
    enum policy_tlp assume;
    unsigned marking; /* enum policy_marking of definitions that are not built in;
                         0: not said */
    enum policy_tlp marking_tlp;
    int64_t at_us, after_us;
};

static err_t refuse(struct golden *g, err_t err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static err_t refuse(struct golden *g, err_t err, const char *fmt, ...)
{
    va_list args;
    g->fault->place = (struct policy_fault) {.code = err, .line = g->line};
    va_start(args, fmt);
    (void)vsnprintf(g->fault->place.what, sizeof g->fault->place.what, fmt, args);
    va_end(args);
    return err;
}

/* What people wrote, short enough for a message. */
static int shown(struct str text)
{
    return text.len > 60 ? 60 : (int)text.len;
}

#define SHOWN(text) shown(text), (text).at == NULL ? "" : (text).at

/* --- partners --- */

static struct policy_partner *partner_named(struct golden *g, struct str name)
{
    for (size_t i = 0; i < g->partner_count; i++)
        if (str_eq(g->partners[i].name, name))
            return &g->partners[i];
    return NULL;
}

static err_t add_attribute(struct golden *g, struct policy_partner *partner, struct str name,
                           struct str value)
{
    size_t count = partner->attribute_count;
    struct policy_attribute *more;
    if (count == LIMIT_GOLDEN_ATTRIBUTES || value.len == 0)
        return refuse(g, ERR_INVALID, "partner NAME ATTRIBUTE VALUE, at most %u times",
                      (unsigned)LIMIT_GOLDEN_ATTRIBUTES);
    if ((more = arena_zalloc(&g->kept, count + 1, sizeof *more)) == NULL)
        return refuse(g, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    if (count > 0)
        memcpy(more, partner->attributes, count * sizeof *more);
    more[count] = (struct policy_attribute) {name, value};
    partner->attributes = more;
    partner->attribute_count = count + 1;
    return ERR_OK;
}

/* As in a block of a policy: a word that the language knows, or what stands in
 * quotes. */
static err_t check_attribute(struct golden *g, struct str name, struct str text, struct str *out)
{
    struct value value = {.text = text};
    value.quoted = text.len >= 2 && text.at[0] == '"' && text.at[text.len - 1] == '"';
    if (value.quoted)
        value.text = (struct str) {text.at + 1, text.len - 2};
    err_t err = statement_check_value(name, &value, &g->fault->place);
    g->fault->place.line = g->line;
    *out = value.text;
    return err;
}

static err_t read_partner(struct golden *g, struct str rest)
{
    struct str name = str_cut(&rest, ' ');
    struct str attribute = str_cut(&rest, ' ');
    struct policy_partner *partner = partner_named(g, name);
    if (g->name.len > 0)
        return refuse(g, ERR_INVALID, "partners stand before the first example");
    if (name.len == 0 || (partner == NULL && g->partner_count == LIMIT_PARTNERS))
        return refuse(g, ERR_INVALID, "a name of a partner is due, of at most %u", (unsigned)LIMIT_PARTNERS);
    if (partner == NULL) {
        partner = &g->partners[g->partner_count];
        *partner = (struct policy_partner) {.name = name, .index = (uint8_t)g->partner_count++};
    }
    struct str value;
    err_t err;
    if (attribute.len == 0)
        return ERR_OK;
    return TRY(err, check_attribute(g, attribute, str_trim(rest), &value))
               ? err
               : add_attribute(g, partner, attribute, value);
}

/* No node is there to say who else there is. */
static err_t check_partners(struct golden *g)
{
    struct str names[LIMIT_PARTNERS];
    size_t count = policy_partners_named(g->policy_text, names);
    for (size_t i = 0; i < count; i++)
        if (partner_named(g, names[i]) == NULL)
            return refuse(g, ERR_NOTFOUND,
                          "the policy names `%.*s`: say `partner %.*s` above the "
                          "first example, with what "
                          "the node would know of him",
                          SHOWN(names[i]), SHOWN(names[i]));
    return ERR_OK;
}

static err_t begin(struct golden *g)
{
    err_t err = check_partners(g);
    if (err != ERR_OK)
        return err;
    err = policy_compile(g->policy_text, g->partners, g->partner_count, &g->policy, &g->fault->place);
    g->fault->in_policy = err != ERR_OK;
    return err;
}

/* --- an example --- */

static err_t end_example(struct golden *g)
{
    if (g->name.len > 0 && !g->expected)
        return refuse(g, ERR_INVALID, "example %.*s expects nothing", SHOWN(g->name));
    return ERR_OK;
}

static err_t read_example(struct golden *g, struct str rest)
{
    err_t err;
    if (TRY(err, end_example(g)))
        return err;
    if (rest.len == 0)
        return refuse(g, ERR_INVALID, "an example has a name");
    if (g->policy == NULL && TRY(err, begin(g)))
        return err;
    arena_reset(&g->arena);
    g->name = rest;
    g->expected = g->has_object = g->has_at = false;
    g->facts = (struct policy_facts) {.source = STR("own"),
                                      .owner = STR("own"),
                                      .own = true,
                                      .origin = POLICY_ORIGIN_OWN,
                                      .tags = g->tags,
                                      .victim_sectors = g->sectors,
                                      .settled_us = POLICY_TIME_NONE};
    g->assume = g->marking_tlp = POLICY_TLP_NONE;
    g->marking = 0;
    g->after_us = 0;
    return ERR_OK;
}

static err_t parse_object(struct golden *g, struct bytes text)
{
    struct fault fault = {0};
    err_t err;
    uint8_t *padded = arena_zalloc(&g->arena, text.len + JSON_PADDING, 1);
    if (padded == NULL)
        return refuse(g, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    memcpy(padded, text.at, text.len);
    if (TRY(err, json_parse(g->parser, bytes_of(padded, text.len), &g->doc, &fault)) ||
        TRY(err, stix_read(json_root(&g->doc), NULL, &g->arena, &g->object, &fault)))
        return refuse(g, err, "the object%s%.60s: %.100s", fault.pointer[0] == '\0' ? "" : ", ",
                      fault.pointer, fault.what[0] == '\0' ? err_text(err) : fault.what);
    if (g->object.type->code == STIX_TYPE_MARKING_DEFINITION ||
        g->object.type->code == STIX_TYPE_EXTENSION_DEFINITION)
        return refuse(g, ERR_INVALID, "not testable here: a definition goes along with what names it");
    g->has_object = true;
    return ERR_OK;
}

/* The object may run over several lines: it ends where its JSON ends. */
static err_t read_object(struct golden *g, struct str rest)
{
    size_t end;
    if (g->has_object)
        return refuse(g, ERR_INVALID, "an example has one object");
    if (rest.len == 0)
        return refuse(g, ERR_INVALID, "an object is due: {\"type\": ...}");
    size_t left = g->rest.at == NULL ? 0 : g->rest.len;
    size_t size = left == 0 ? rest.len : (size_t)(g->rest.at + left - rest.at);
    struct bytes text = bytes_of(rest.at, size);
    if (rest.at[0] != '{' || !json_value_span(text, &end))
        return refuse(g, ERR_INVALID, "the object is no JSON, or does not end");
    if (end > LIMIT_OBJECT_BYTES)
        return refuse(g, ERR_LIMIT, "the object is larger than %u bytes", LIMIT_OBJECT_BYTES);
    err_t err = parse_object(g, bytes_of(text.at, end));
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; i < end; i++)
        g->line += text.at[i] == '\n';
    g->rest = (struct str) {rest.at + end, size - end};
    struct str tail = str_trim(str_cut(&g->rest, '\n'));
    return tail.len == 0 ? ERR_OK : refuse(g, ERR_INVALID, "what stands behind the object?");
}

static err_t read_source(struct golden *g, struct str rest)
{
    struct str name = str_cut(&rest, ' ');
    struct str whose = str_cut(&rest, ' ');
    int partner = policy_partner_find(g->policy, str_trim(rest));
    bool from = str_eq(whose, STR("from"));
    if (name.len == 0 || (whose.len > 0 && !from && !(str_eq(whose, STR("own")) && rest.len == 0)))
        return refuse(g, ERR_INVALID, "source NAME, source NAME own, or source NAME from PARTNER");
    if (from && partner < 0)
        return refuse(g, ERR_INVALID, "there is no partner %.*s: name it above the examples", SHOWN(rest));
    g->facts.source = g->facts.owner = name;
    g->facts.own = whose.len > 0 && !from;
    g->facts.origin = from ? partner : POLICY_ORIGIN_OWN;
    return ERR_OK;
}

static err_t read_level(struct golden *g, struct str word, bool none, enum policy_tlp *out)
{
    int level = none && str_eq(word, STR("none")) ? POLICY_TLP_NONE : words_tlp_find(word);
    if (level < 0)
        return refuse(g, ERR_INVALID, "%.*s is no level of TLP", SHOWN(word));
    *out = (enum policy_tlp)level;
    return ERR_OK;
}

static err_t read_assume(struct golden *g, struct str rest)
{
    return read_level(g, rest, false, &g->assume);
}

static err_t read_signer(struct golden *g, struct str rest)
{
    if (rest.len == 0)
        return refuse(g, ERR_INVALID, "signed-by NODE");
    g->facts.signed_by = rest;
    return ERR_OK;
}

static err_t read_neighbour(struct golden *g, struct str rest)
{
    g->facts.neighbours_known = true;
    return read_level(g, rest, true, &g->facts.neighbour_tlp);
}

static err_t read_victim(struct golden *g, struct str rest)
{
    g->facts.victims_known = true;
    if (str_eq(rest, STR("none")))
        return ERR_OK;
    if (rest.len == 0 || g->facts.victim_sector_count == LIMIT_GOLDEN_VICTIMS)
        return refuse(g, ERR_INVALID, "victim SECTOR or victim none, at most %u",
                      (unsigned)LIMIT_GOLDEN_VICTIMS);
    g->sectors[g->facts.victim_sector_count++] = rest;
    return ERR_OK;
}

/* Of definitions that are not built in: what a node makes of them. */
static err_t read_marking(struct golden *g, struct str rest)
{
    static const struct {
        const char *word;
        enum policy_marking state;
    } states[] = {{"unresolved", POLICY_MARKING_UNRESOLVED},
                  {"statement", POLICY_MARKING_STATEMENT},
                  {"unknown", POLICY_MARKING_UNKNOWN}};
    g->marking_tlp = POLICY_TLP_NONE;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        g->marking = states[i].state;
        if (str_eq(rest, str_of(states[i].word)))
            return ERR_OK;
    }
    g->marking = POLICY_MARKING_KNOWN;
    return read_level(g, rest, false, &g->marking_tlp);
}

static err_t read_tag(struct golden *g, struct str rest)
{
    if (rest.len == 0 || g->facts.tag_count == LIMIT_TAGS_PER_OBJECT)
        return refuse(g, ERR_INVALID, "tag NAME, at most %u", (unsigned)LIMIT_TAGS_PER_OBJECT);
    g->tags[g->facts.tag_count++] = rest;
    return ERR_OK;
}

static err_t read_at(struct golden *g, struct str rest)
{
    struct stamp stamp;
    if (stamp_parse(rest, &stamp, NULL) != ERR_OK)
        return refuse(g, ERR_INVALID, "%.*s is no time such as 2026-11-22T10:00:00Z", SHOWN(rest));
    g->at_us = stamp_us(stamp);
    g->has_at = true;
    return ERR_OK;
}

static err_t read_after(struct golden *g, struct str rest)
{
    if (!lex_duration(rest, &g->after_us))
        return refuse(g, ERR_INVALID, "%.*s is no duration such as 11m", SHOWN(rest));
    return ERR_OK;
}

/* --- facts, as the gate gathers them from its store --- */

static err_t add_markings(struct golden *g, struct policy_facts *facts)
{
    bool any = false, asked = false;
    for (size_t i = 0; i < g->object.ref_count; i++) {
        const struct stix_ref *ref = &g->object.refs[i];
        enum stix_tlp tlp = (enum stix_tlp)g->marking_tlp;
        unsigned state = g->marking;
        if (ref->role != STIX_REF_MARKING && ref->role != STIX_REF_GRANULAR_MARKING)
            continue;
        any |= ref->role == STIX_REF_MARKING;
        if (stix_tlp_from_key(&ref->key, &tlp))
            state = POLICY_MARKING_KNOWN;
        else if (stix_marking_stays(&ref->key))
            state = POLICY_MARKING_UNKNOWN;
        else if (state == 0)
            return refuse(g, ERR_INVALID,
                          "not testable here: %.*s is not built in; say `marking` "
                          "and how it is read",
                          SHOWN(ref->id));
        else
            asked = true;
        facts->markings |= state;
        if (state == POLICY_MARKING_KNOWN && (enum policy_tlp)tlp > facts->tlp)
            facts->tlp = (enum policy_tlp)tlp;
    }
    facts->bare_tlp = facts->tlp;
    if (g->marking != 0 && !asked)
        return refuse(g, ERR_INVALID,
                      "`marking` says how a marking of the object is read that is "
                      "not built in, and it has "
                      "none such: put it into object_marking_refs (`assume` speaks "
                      "for unmarked objects)");
    if (any)
        return ERR_OK;
    if (g->object.type->category == STIX_SCO)
        return refuse(g, ERR_INVALID,
                      "not testable here: an unmarked observable is marked by what "
                      "carries it");
    facts->markings |= POLICY_MARKING_NONE;
    if (g->assume != POLICY_TLP_NONE)
        facts->markings |= POLICY_MARKING_ASSUMED;
    if (g->assume > facts->tlp)
        facts->tlp = g->assume;
    return ERR_OK;
}

static err_t add_times(struct golden *g, struct policy_facts *facts)
{
    const struct stix_object *object = &g->object;
    facts->created_us = object->has_created ? stamp_us(object->created) : POLICY_TIME_NONE;
    facts->modified_us = object->has_modified ? stamp_us(object->modified) : POLICY_TIME_NONE;
    facts->received_us = g->has_at                                ? g->at_us
                         : facts->modified_us != POLICY_TIME_NONE ? facts->modified_us
                                                                  : facts->created_us;
    if (facts->received_us == POLICY_TIME_NONE)
        return refuse(g, ERR_INVALID, "the object has no time: say when it came (at TIME)");
    return ERR_OK;
}

/* The object by itself, as the gate looks at it. */
static err_t add_personal(struct golden *g, struct policy_facts *facts)
{
    struct privacy_hits hits = {.size = LIMIT_PERSONAL_HITS, .score_min = PRIVACY_SCORE_HIT};
    err_t err = ERR_NOMEM;
    hits.at = arena_zalloc(&g->arena, LIMIT_PERSONAL_HITS, sizeof *hits.at);
    if (hits.at == NULL || TRY(err, privacy_object(g->object.root, PRIVACY_TEXT, &g->arena, &hits)))
        return refuse(g, err, "%s", err_text(err));
    facts->personal_known = hits.dropped == 0;
    facts->personal = privacy_facts(&hits);
    return ERR_OK;
}

static err_t gather(struct golden *g, struct policy_facts *out)
{
    const struct stix_object *object = &g->object;
    struct policy_facts facts = g->facts;
    unsigned needs = policy_needs(g->policy);
    err_t err;
    if (!g->has_object)
        return refuse(g, ERR_INVALID, "the example has no object yet");
    if ((needs & POLICY_NEED_NEIGHBOURS) != 0 && !facts.neighbours_known)
        return refuse(g, ERR_INVALID,
                      "the policy asks what lies next to it: say `neighbour none` "
                      "or its level");
    if ((needs & POLICY_NEED_VICTIMS) != 0 && !facts.victims_known)
        return refuse(g, ERR_INVALID, "the policy asks for victims: say `victim none` or a sector");
    facts.type = object->type_name;
    facts.category = (enum policy_category)object->type->category;
    facts.confidence = object->confidence < 0 ? POLICY_CONFIDENCE_NONE : object->confidence;
    facts.revoked = object->revoked;
    if (TRY(err, add_markings(g, &facts)) || TRY(err, add_times(g, &facts)))
        return err;
    if ((needs & POLICY_NEED_PERSONAL) != 0 && TRY(err, add_personal(g, &facts)))
        return err;
    facts.onward = policy_onward(&facts);
    *out = facts;
    return ERR_OK;
}

/* --- comparing --- */

static void compare(struct golden *g, const struct policy_facts *facts, struct golden_result *result)
{
    struct policy_verdict verdict;
    uint64_t bit = UINT64_C(1) << result->partner_index;
    result->now_us = facts->received_us + g->after_us;
    policy_decide(g->policy, facts, result->now_us, &verdict);
    result->effect = (verdict.release & bit) != 0 ? POLICY_RELEASE
                     : (verdict.hold & bit) != 0  ? POLICY_HOLD
                                                  : POLICY_DENY;
    result->rule = policy_rule_name(g->policy, verdict.rule[result->partner_index]);
    result->right = result->effect == result->wanted && str_eq(result->rule, result->wanted_rule);
    g->expected = true;
    g->each(g->ctx, result);
}

static err_t read_expect(struct golden *g, struct str rest)
{
    struct policy_facts facts;
    struct str partner = str_cut(&rest, ' ');
    struct str effect = str_cut(&rest, ' ');
    struct str rule = str_trim(rest);
    int wanted = words_find(words_effect, 3, effect), index = policy_partner_find(g->policy, partner);
    err_t err;
    if (wanted < 0 || rule.len == 0)
        return refuse(g, ERR_INVALID, "expect PARTNER deny|hold|release RULE");
    if (index < 0)
        return refuse(g, ERR_INVALID, "there is no partner %.*s: name it above the examples", SHOWN(partner));
    if (TRY(err, gather(g, &facts)))
        return err;
    compare(g, &facts,
            &(struct golden_result) {.example = g->name,
                                     .line = g->line,
                                     .partner = partner,
                                     .partner_index = (unsigned)index,
                                     .wanted = (enum policy_effect)wanted,
                                     .wanted_rule = rule,
                                     .policy = g->policy,
                                     .facts = &facts});
    return ERR_OK;
}

/* --- lines --- */

static const struct {
    const char *word;
    bool outside; /* stands outside examples */
    err_t (*read)(struct golden *g, struct str rest);
} words[] = {{"partner", true, read_partner},
             {"example", true, read_example},
             {"object", false, read_object},
             {"source", false, read_source},
             {"assume", false, read_assume},
             {"marking", false, read_marking},
             {"signed-by", false, read_signer},
             {"neighbour", false, read_neighbour},
             {"victim", false, read_victim},
             {"tag", false, read_tag},
             {"at", false, read_at},
             {"after", false, read_after},
             {"expect", false, read_expect}};

static err_t read_line(struct golden *g, struct str line)
{
    struct str rest = line, word = str_cut(&rest, ' ');
    if (line.len == 0 || line.at[0] == '#')
        return ERR_OK;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!str_eq(word, str_of(words[i].word)))
            continue;
        if (!words[i].outside && g->name.len == 0)
            return refuse(g, ERR_INVALID, "%s stands in an example, and none has begun", words[i].word);
        return words[i].read(g, str_trim(rest));
    }
    return refuse(g, ERR_INVALID, "no line begins with %.*s", SHOWN(word));
}

static err_t read_all(struct golden *g)
{
    err_t err = ERR_OK;
    if (g->rest.len > LIMIT_GOLDEN_BYTES)
        return refuse(g, ERR_LIMIT, "the examples are larger than %u bytes", LIMIT_GOLDEN_BYTES);
    if (!str_is_utf8(g->rest))
        return refuse(g, ERR_INVALID, "the examples are not UTF-8");
    while (err == ERR_OK && g->rest.len > 0) {
        struct str line = str_cut(&g->rest, '\n');
        g->line++;
        err = read_line(g, str_trim(line));
    }
    if (err == ERR_OK && g->name.len == 0)
        return refuse(g, ERR_INVALID, "there is no example");
    return err == ERR_OK ? end_example(g) : err;
}

err_t golden_run(struct str policy, struct str examples,
                 void (*each)(void *ctx, const struct golden_result *result), void *ctx,
                 struct golden_fault *fault)
{
    struct arena own;
    arena_init(&own, sizeof(struct golden) + 4096);
    struct golden *g = arena_zalloc(&own, 1, sizeof *g);
    *fault = (struct golden_fault) {0};
    err_t err = g == NULL ? ERR_NOMEM : ERR_OK;
    if (err == ERR_OK && (err = json_parser_new(LIMIT_OBJECT_BYTES + JSON_PADDING, &g->parser)) == ERR_OK) {
        g->rest = examples;
        g->policy_text = policy;
        g->fault = fault;
        g->each = each;
        g->ctx = ctx;
        arena_init(&g->kept, LIMIT_GOLDEN_BYTES);
        arena_init(&g->arena, LIMIT_POLICY_MEMORY_BYTES);
        err = read_all(g);
        policy_unref(g->policy);
        arena_deinit(&g->kept);
        arena_deinit(&g->arena);
        json_parser_free(g->parser);
    }
    arena_deinit(&own);
    return err;
}
