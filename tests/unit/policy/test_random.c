/* Random policies and facts against an evaluator written the other way round: conditions are trees here,
 * values are true, false or absent, partners are asked one after the other, and time is tried, not computed.
 */
#include <stdlib.h>

#include "core/arena.h"
#include "policy_test.h"

struct random {
    uint64_t state;
};

static uint64_t draw(struct random *random, uint64_t below)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15u); /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

/* --- a naive model --- */

enum kleene { NO, YES, ABSENT };

enum kind { LEAF, NOT, AND, OR };

struct node {
    enum kind kind;
    unsigned leaf, a, b; /* leaf: what it asks; a, b: its arguments, or its children */
};

struct model_rule {
    enum policy_effect effect;
    uint64_t to;
    int64_t after, until; /* 0: none */
    bool until_approved, basis;
    uint64_t approved, based; /* what operators said to this rule */
    unsigned root;
    unsigned duties; /* enum policy_duty */
    unsigned days;   /* of `expire` */
    unsigned redact; /* 1 + which of redact_words; 0: none */
    unsigned limit;  /* likewise of limit_words */
};

enum { NODES_MAX = 4096, RULES_MAX = 12, TEXT_MAX = 1 << 16 };

struct model {
    struct node nodes[NODES_MAX];
    unsigned node_count;
    struct model_rule rules[RULES_MAX];
    unsigned rule_count;
    enum policy_tlp tlp_max[3]; /* of each partner; POLICY_TLP_NONE: has none */
    int us[3];                  /* is its country US? enum kleene */
    int64_t jp_ends;            /* INT64_MIN: has no agreement and needs one; INT64_MAX: needs none */
    char text[TEXT_MAX];
    size_t used;
};

static const char *const type_words[] = {"indicator", "url", "file"};
static const char *const tag_words[] = {"a", "b", "share:jp"};
static const char *const tlp_words[] = {"none", "clear", "green", "amber", "amber+strict", "red"};
static const char *const redact_words[] = {"name", "description", "labels.[0]"};
static const char *const limit_words[] = {"never", "own-country", "partners au"};
static const char *const op_words[] = {"==", "!=", "<", "<=", ">", ">="};
static const char *const age_words[] = {"age", "age.created", "age.modified"};
static const char *const marking_words[] = {"none", "statement", "known", "unresolved", "unknown", "assumed"};

static enum kleene compare(int64_t x, unsigned op, int64_t y)
{
    switch (op) {
    case 0:
        return x == y;
    case 1:
        return x != y;
    case 2:
        return x < y;
    case 3:
        return x <= y;
    case 4:
        return x > y;
    default:
        return x >= y;
    }
}

static int64_t age_basis(const struct policy_facts *facts, unsigned which)
{
    return which == 0 ? facts->received_us : which == 1 ? facts->created_us : facts->modified_us;
}

static bool has_tag(const struct policy_facts *facts, const char *tag)
{
    for (size_t i = 0; i < facts->tag_count; i++)
        if (str_eq(facts->tags[i], str_of(tag)))
            return true;
    return false;
}

enum leaf {
    ASK_TLP,
    ASK_TLP_MAX,
    ASK_TYPE,
    ASK_TYPES,
    ASK_TAG,
    ASK_SHARE,
    ASK_CONFIDENCE,
    ASK_AGE,
    ASK_MARKING,
    ASK_OWN,
    ASK_APPROVED,
    ASK_COUNTRY,
    ASK_PARTNER,
    ASK_HAS_TLP,
    ASK_HOPS,
    ASK_CLASS,
    ASK_RESALE,
    ASK_HAS_CLASS,
    ASK_NODE,
    ASK_SIGNER,
    ASK_NEIGHBOUR,
    ASK_VICTIM,
    LEAVES
};

static enum kleene ask(const struct model *model, const struct node *node, const struct policy_facts *facts,
                       int64_t now, unsigned p)
{
    static const char *const share[] = {"share:us-cisa", "share:jp", "share:eu-cert"};
    switch ((enum leaf)node->leaf) {
    case ASK_TLP:
        return facts->tlp == POLICY_TLP_NONE ? ABSENT : compare(facts->tlp, node->a, node->b);
    case ASK_TLP_MAX:
        return facts->tlp == POLICY_TLP_NONE || model->tlp_max[p] == POLICY_TLP_NONE
                   ? ABSENT
                   : compare(facts->tlp, node->a, model->tlp_max[p]);
    case ASK_TYPE:
        if (facts->type.len == 0)
            return ABSENT;
        return str_eq(facts->type, str_of(type_words[node->a])) != (node->b == 1);
    case ASK_TYPES:
        if (facts->type.len == 0)
            return ABSENT;
        return str_eq(facts->type, STR("url")) || str_eq(facts->type, str_of(type_words[node->a]));
    case ASK_TAG:
        return has_tag(facts, tag_words[node->a]);
    case ASK_SHARE:
        return has_tag(facts, share[p]);
    case ASK_CONFIDENCE:
        return facts->confidence < 0 ? ABSENT : compare(facts->confidence, node->a, node->b);
    case ASK_AGE:
        if (age_basis(facts, node->b / 8) == POLICY_TIME_NONE)
            return ABSENT;
        return compare(now - age_basis(facts, node->b / 8), node->a, (int64_t)(node->b % 8) * MIN_US);
    case ASK_MARKING:
        return facts->markings == 0 ? ABSENT : (facts->markings >> node->a & 1) != 0;
    case ASK_OWN:
        return facts->own;
    case ASK_APPROVED:
        return (facts->approvals >> p & 1) != 0;
    case ASK_COUNTRY:
        return model->us[p] == ABSENT ? ABSENT : (model->us[p] == YES) != (node->a == 1);
    case ASK_PARTNER:
        return p == JP;
    case ASK_HAS_TLP:
        return facts->tlp != POLICY_TLP_NONE;
    case ASK_HOPS:
        return compare(facts->hops, node->a, node->b);
    case ASK_CLASS:
        return facts->terms[POLICY_TERM_CLASSIFICATION] == 0
                   ? ABSENT
                   : compare(facts->terms[POLICY_TERM_CLASSIFICATION], node->a, node->b);
    case ASK_RESALE:
        return facts->terms[POLICY_TERM_RESALE] == 0 ? ABSENT : facts->terms[POLICY_TERM_RESALE] == 2;
    case ASK_HAS_CLASS:
        return facts->terms[POLICY_TERM_CLASSIFICATION] != 0;
    case ASK_NODE:
        return facts->origin_node.len == 0 ? ABSENT : str_eq(facts->origin_node, STR("us"));
    case ASK_SIGNER:
        return facts->signed_by.len == 0 ? ABSENT : str_eq(facts->signed_by, STR("us"));
    case ASK_NEIGHBOUR:
        return !facts->neighbours_known || facts->neighbour_tlp >= node->b + (node->a == 4);
    case ASK_VICTIM:
        return !facts->victims_known ||
               (facts->victim_sector_count > 0 && str_eq(facts->victim_sectors[0], STR("energy")));
    case LEAVES:
        break;
    }
    fail();
    return ABSENT;
}

/* Trees made here are at most seven deep. */
static enum kleene evaluate(const struct model *model, unsigned at, const struct policy_facts *facts,
                            int64_t now, unsigned p)
{
    const struct node *node = &model->nodes[at];
    if (node->kind == LEAF)
        return ask(model, node, facts, now, p);
    enum kleene a = evaluate(model, node->a, facts, now, p);
    if (node->kind == NOT)
        return a == ABSENT ? ABSENT : a == YES ? NO : YES;
    enum kleene b = evaluate(model, node->b, facts, now, p), strong = node->kind == AND ? NO : YES;
    if (a == strong || b == strong)
        return strong;
    return a == ABSENT || b == ABSENT ? ABSENT : node->kind == AND ? YES : NO;
}

static bool rule_matches(const struct model *model, const struct model_rule *rule,
                         const struct policy_facts *facts, int64_t now, unsigned p)
{
    bool approved = ((rule->basis ? rule->based : rule->approved) >> p & 1) != 0;
    if ((rule->to >> p & 1) == 0 || (rule->until != 0 && now >= rule->until) ||
        (rule->until_approved && approved))
        return false;
    enum kleene value = evaluate(model, rule->root, facts, now, p);
    return value == YES || (value == ABSENT && rule->effect != POLICY_RELEASE);
}

struct answer {
    enum policy_effect effect;
    unsigned rule;
};

static bool builtin_binds(const struct model *model, unsigned rule, const struct policy_facts *facts,
                          unsigned p)
{
    switch (rule) {
    case POLICY_RULE_OPERATOR:
        return (facts->denials >> p & 1) != 0;
    case POLICY_RULE_ORIGIN:
        return facts->origin == (int)p;
    case POLICY_RULE_ONWARD:
        return (facts->onward >> p & 1) == 0;
    case POLICY_RULE_TLP_MAX:
        return model->tlp_max[p] != POLICY_TLP_NONE && facts->tlp > model->tlp_max[p];
    case POLICY_RULE_UNKNOWN:
        return facts->markings == 0 || (facts->markings & POLICY_MARKING_UNKNOWN) != 0;
    case POLICY_RULE_UNRESOLVED:
        return (facts->markings & POLICY_MARKING_UNRESOLVED) != 0;
    default:
        return (facts->markings & POLICY_MARKING_STATEMENT) != 0;
    }
}

/* What all release rules that match ask together, waiting or not. */
static struct model_rule naive_duties(const struct model *model, const struct policy_facts *facts,
                                      int64_t now, unsigned p, unsigned *redacts, unsigned *limits)
{
    struct model_rule all = {.duties = 0};
    *redacts = *limits = 0;
    for (unsigned i = 0; i < model->rule_count; i++) {
        const struct model_rule *rule = &model->rules[i];
        if (rule->effect != POLICY_RELEASE || !rule_matches(model, rule, facts, now, p))
            continue;
        all.duties |= rule->duties;
        if (rule->days != 0 && (all.days == 0 || rule->days < all.days))
            all.days = rule->days;
        *redacts |= rule->redact == 0 ? 0 : 1u << (rule->redact - 1);
        *limits |= rule->limit == 0 ? 0 : 1u << (rule->limit - 1);
    }
    return all;
}

static struct answer naive(const struct model *model, const struct policy_facts *facts, int64_t now,
                           unsigned p)
{
    unsigned waits = 0;
    for (unsigned effect = POLICY_DENY; effect <= POLICY_RELEASE; effect++) {
        if (effect == POLICY_HOLD && facts->follows)
            return (struct answer) {POLICY_HOLD, POLICY_RULE_FOLLOWS};
        for (unsigned i = 0; i < model->rule_count; i++) {
            const struct model_rule *rule = &model->rules[i];
            unsigned index = i + POLICY_RULE_BUILTIN_COUNT;
            if (rule->effect != effect || !rule_matches(model, rule, facts, now, p))
                continue;
            int64_t from = facts->received_us > facts->settled_us ? facts->received_us : facts->settled_us;
            bool waiting = rule->after != 0 && (rule->approved >> p & 1) == 0 &&
                           (facts->received_us == POLICY_TIME_NONE || now - from < rule->after);
            if (!waiting && effect == POLICY_RELEASE && p == JP && now >= model->jp_ends)
                return (struct answer) {POLICY_HOLD, POLICY_RULE_AGREEMENT};
            if (!waiting)
                return (struct answer) {(enum policy_effect)effect, index};
            waits = waits == 0 ? index : waits;
        }
        unsigned first = effect == POLICY_DENY ? POLICY_RULE_OPERATOR : POLICY_RULE_UNRESOLVED;
        unsigned last = effect == POLICY_DENY ? POLICY_RULE_UNKNOWN : POLICY_RULE_STATEMENT;
        for (unsigned rule = first; rule <= last && effect != POLICY_RELEASE; rule++)
            if (builtin_binds(model, rule, facts, p))
                return (struct answer) {(enum policy_effect)effect, rule};
    }
    if (waits != 0)
        return (struct answer) {POLICY_HOLD, waits};
    return (struct answer) {POLICY_DENY, POLICY_RULE_DEFAULT};
}

/* --- making one --- */

static void put(struct model *model, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    model->used += (size_t)vsnprintf(model->text + model->used, TEXT_MAX - model->used, fmt, args);
    va_end(args);
    assert_true(model->used < TEXT_MAX);
}

/* Comparisons that are always written the same. */
static const char *const plain[LEAVES] = {[ASK_OWN] = "own",
                                          [ASK_APPROVED] = "approved",
                                          [ASK_PARTNER] = "partner == jp",
                                          [ASK_HAS_TLP] = "has tlp",
                                          [ASK_SHARE] = "tag \"share:{partner}\"",
                                          [ASK_RESALE] = "iep.unmodified-resale == must-not",
                                          [ASK_HAS_CLASS] = "has classification",
                                          [ASK_NODE] = "origin-node == us",
                                          [ASK_SIGNER] = "signed-by == us",
                                          [ASK_VICTIM] = "victim.sector in [energy water]"};

/* `withholds`: a condition about neighbours may stand here. */
static unsigned make_leaf(struct model *model, struct random *random, bool withholds)
{
    static const char *const classes[] = {"?", "U", "C", "S", "TS"};
    struct node node = {.kind = LEAF, .leaf = (unsigned)draw(random, LEAVES)};
    if ((node.leaf == ASK_NEIGHBOUR || node.leaf == ASK_VICTIM) && !withholds)
        node.leaf = ASK_OWN;
    switch ((enum leaf)node.leaf) {
    case ASK_TLP:
        node.a = (unsigned)draw(random, 6), node.b = 1 + (unsigned)draw(random, 5);
        put(model, "tlp %s %s ", op_words[node.a], tlp_words[node.b]);
        break;
    case ASK_TLP_MAX:
        node.a = (unsigned)draw(random, 6);
        put(model, "tlp %s partner.tlp-max ", op_words[node.a]);
        break;
    case ASK_TYPE:
        node.a = (unsigned)draw(random, 3), node.b = (unsigned)draw(random, 2);
        put(model, "type %s %s ", op_words[node.b], type_words[node.a]);
        break;
    case ASK_TYPES:
        node.a = (unsigned)draw(random, 3);
        put(model, "type in [url %s] ", type_words[node.a]);
        break;
    case ASK_TAG:
        node.a = (unsigned)draw(random, 3);
        put(model, "tag %s ", tag_words[node.a]);
        break;
    case ASK_CONFIDENCE:
        node.a = (unsigned)draw(random, 6), node.b = (unsigned)draw(random, 5);
        put(model, "confidence %s %u ", op_words[node.a], node.b);
        break;
    case ASK_AGE:
        node.a = 2 + (unsigned)draw(random, 4), node.b = (unsigned)draw(random, 24);
        put(model, "%s %s %um ", age_words[node.b / 8], op_words[node.a], node.b % 8);
        break;
    case ASK_MARKING:
        node.a = (unsigned)draw(random, 6);
        put(model, "marking %s ", marking_words[node.a]);
        break;
    case ASK_HOPS:
        node.a = (unsigned)draw(random, 6), node.b = (unsigned)draw(random, 4);
        put(model, "hops %s %u ", op_words[node.a], node.b);
        break;
    case ASK_CLASS:
        node.a = (unsigned)draw(random, 6), node.b = 1 + (unsigned)draw(random, 4);
        put(model, "classification %s %s ", op_words[node.a], classes[node.b]);
        break;
    case ASK_NEIGHBOUR:
        node.a = 4 + (unsigned)draw(random, 2), node.b = 1 + (unsigned)draw(random, 5);
        put(model, "neighbour.tlp %s %s ", op_words[node.a], tlp_words[node.b]);
        break;
    case ASK_COUNTRY:
        node.a = (unsigned)draw(random, 2);
        put(model, "partner.country %s US ", op_words[node.a]);
        break;
    default:
        put(model, "%s ", plain[node.leaf]);
    }
    model->nodes[model->node_count] = node;
    return model->node_count++;
}

/* Writes what it makes, with parentheses only where the grammar needs them, or by chance. */
static unsigned make_tree(struct model *model, struct random *random, unsigned depth, unsigned above,
                          bool withholds)
{
    static const unsigned strength[] = {[LEAF] = 4, [NOT] = 3, [AND] = 2, [OR] = 1};
    enum kind kind = depth == 0 ? LEAF : (enum kind)draw(random, 4);
    if (kind == LEAF)
        return make_leaf(model, random, withholds);
    bool group = strength[kind] < above || draw(random, 4) == 0;
    struct node node = {.kind = kind};
    put(model, "%s%s", group ? "(" : "", kind == NOT ? "not " : "");
    node.a = make_tree(model, random, depth - 1, strength[kind], withholds != (kind == NOT));
    if (kind != NOT) {
        put(model, kind == AND ? "and " : "or ");
        node.b = make_tree(model, random, depth - 1, strength[kind], withholds);
    }
    put(model, "%s", group ? ") " : "");
    model->nodes[model->node_count] = node;
    return model->node_count++;
}

/* Each kind by chance, in one order. */
static void make_duties(struct model *model, struct random *random, struct model_rule *rule)
{
    const char *before = "with";
    static const struct {
        unsigned duty;
        const char *word;
    } plain_duties[] = {{POLICY_DUTY_ANONYMISE, "anonymise-creator"},
                        {POLICY_DUTY_DROP_REFERENCES, "drop-references"},
                        {POLICY_DUTY_MASK, "mask-personal-data"},
                        {POLICY_DUTY_PSEUDONYMISE, "pseudonymise-personal-data"}};
    if (rule->effect != POLICY_RELEASE || draw(random, 2) == 0)
        return;
    for (unsigned i = 0; i < 4; i++) {
        if (draw(random, 4) != 0)
            continue;
        rule->duties |= plain_duties[i].duty;
        put(model, "%s %s ", before, plain_duties[i].word);
        before = ",";
    }
    if (draw(random, 2) == 0) {
        rule->duties |= POLICY_DUTY_REDACT;
        rule->redact = 1 + (unsigned)draw(random, 3);
        put(model, "%s redact \"%s\" ", before, redact_words[rule->redact - 1]);
        before = ",";
    }
    if (draw(random, 2) == 0) {
        rule->duties |= POLICY_DUTY_EXPIRE;
        rule->days = 1 + (unsigned)draw(random, 5);
        put(model, "%s expire %ud ", before, rule->days);
        before = ",";
    }
    if (draw(random, 2) == 0) {
        rule->duties |= POLICY_DUTY_RESHARE;
        rule->limit = 1 + (unsigned)draw(random, 3);
        put(model, rule->limit == 3 ? "%s reshare partners [au] " : "%s reshare %s ", before,
            limit_words[rule->limit - 1]);
    }
}

static void make_rule(struct model *model, struct random *random)
{
    struct model_rule rule = {.effect = (enum policy_effect)draw(random, 3), .to = ALL};
    /* Mostly releases with short conditions, or nothing would ever leave. */
    if (draw(random, 2) == 0)
        rule.effect = POLICY_RELEASE;
    bool withholds = rule.effect != POLICY_RELEASE, named = draw(random, 3) == 0,
         apart = draw(random, 2) == 0;
    if (named)
        put(model, "define d%u = ", model->rule_count);
    else
        put(model, "%s r%u if ", policy_effect_name(rule.effect), model->rule_count);
    rule.root = make_tree(model, random, (unsigned)draw(random, 7), 0, withholds);
    if (named) {
        put(model, "\n%s r%u if ", policy_effect_name(rule.effect), model->rule_count);
        put(model, apart ? "(d%u) and d%u " : "d%u ", model->rule_count, model->rule_count);
    }
    if (draw(random, 3) == 0) {
        rule.to = 1ull << JP | 1ull << EU;
        put(model, "to [eu-cert jp] ");
    } else if (rule.effect == POLICY_RELEASE || draw(random, 2) == 0) {
        put(model, "to all ");
    }
    if (rule.effect == POLICY_RELEASE && draw(random, 3) == 0) {
        rule.after = (int64_t)(1 + draw(random, 6)) * MIN_US;
        put(model, "after %um ", (unsigned)(rule.after / MIN_US));
    }
    if (draw(random, 5) == 0) {
        rule.until = NOW + (int64_t)draw(random, 5) * MIN_US;
        put(model, "until 2024-10-04T00:0%u:00Z ", (unsigned)((rule.until - NOW) / MIN_US));
    }
    if (rule.effect == POLICY_HOLD && draw(random, 2) == 0) {
        rule.until_approved = true;
        rule.basis = draw(random, 2) == 0;
        put(model, "until approved %s", rule.basis ? "with basis " : "");
    }
    make_duties(model, random, &rule);
    put(model, "\n");
    model->rules[model->rule_count++] = rule;
}

static int64_t some_time(struct random *random)
{
    return draw(random, 5) == 0 ? POLICY_TIME_NONE : NOW + ((int64_t)draw(random, 17) - 12) * MIN_US / 2;
}

static const struct str sectors[] = {{"energy", 6}, {"water-works", 11}};

static struct policy_facts some_facts(struct random *random, struct str tags[2])
{
    struct policy_facts facts = {.own = draw(random, 2) == 0, .origin = POLICY_ORIGIN_OWN};
    if (draw(random, 5) != 0)
        facts.type = str_of(draw(random, 4) == 0 ? "tool" : type_words[draw(random, 3)]);
    tags[0] = str_of(tag_words[draw(random, 3)]);
    tags[1] = str_of(draw(random, 2) == 0 ? "share:us-cisa" : "c");
    facts.tags = tags;
    facts.tag_count = draw(random, 3);
    facts.follows = draw(random, 8) == 0;
    facts.hops = (unsigned)draw(random, 4);
    facts.terms[POLICY_TERM_CLASSIFICATION] = (uint8_t)draw(random, 5);
    facts.terms[POLICY_TERM_RESALE] = (uint8_t)draw(random, 3);
    facts.origin_node = draw(random, 3) == 0 ? STR("") : str_of(draw(random, 2) == 0 ? "us" : "kr");
    facts.signed_by = draw(random, 3) == 0 ? STR("") : str_of(draw(random, 2) == 0 ? "us" : "kr");
    facts.neighbours_known = draw(random, 4) != 0;
    facts.neighbour_tlp = (enum policy_tlp)draw(random, POLICY_TLP_COUNT);
    facts.victims_known = draw(random, 4) != 0;
    facts.victim_sectors = sectors + draw(random, 2);
    facts.victim_sector_count = draw(random, 2);
    facts.tlp = (enum policy_tlp)draw(random, POLICY_TLP_COUNT);
    facts.markings = draw(random, 3) == 0 ? (unsigned)draw(random, 64) : POLICY_MARKING_KNOWN;
    facts.confidence = (int)draw(random, 6) - 1;
    if (draw(random, 4) == 0)
        facts.origin = (int)draw(random, PARTNERS);
    facts.created_us = some_time(random);
    facts.modified_us = some_time(random);
    facts.received_us = some_time(random);
    facts.settled_us = some_time(random);
    facts.approvals = draw(random, 2) == 0 ? draw(random, 8) : 0;
    facts.denials = draw(random, 6) == 0 ? draw(random, 8) : 0;
    facts.onward = draw(random, 4) == 0 ? draw(random, 8) : UINT64_MAX;
    return facts;
}

/* Words to some of its rules, as they ask now; one to a question that nobody asks any more. */
static void some_answers(struct model *model, struct random *random, const struct policy *policy,
                         struct policy_facts *facts, struct policy_answer answers[RULES_MAX + 1])
{
    size_t count = 0;
    answers[count++] = (struct policy_answer) {.one = ALL, .two = ALL, .based = ALL, .based2 = ALL};
    for (unsigned i = 0; i < model->rule_count; i++) {
        struct model_rule *rule = &model->rules[i];
        rule->approved = draw(random, 3) == 0 ? draw(random, 8) : 0;
        rule->based = rule->approved & draw(random, 8);
        if (rule->approved != 0)
            answers[count++] = (struct policy_answer) {
                .asked = policy_rule_asks(policy, i + POLICY_RULE_BUILTIN_COUNT, facts),
                .one = rule->approved,
                .based = rule->based};
    }
    facts->answers = answers;
    facts->answer_count = count;
}

/* Two at most, which agree where one partner is in both. us-cisa has a country, jp a country and a level, and
 * eu-cert nothing of its own. */
static void make_communities(struct model *model, struct random *random)
{
    static const char *const names[] = {"us-cisa ", "jp ", "eu-cert "};
    enum policy_tlp level = (enum policy_tlp)(1 + draw(random, 5));
    bool is_us = draw(random, 2) == 0;
    memcpy(model->tlp_max, (enum policy_tlp[]) {POLICY_TLP_NONE, POLICY_TLP_GREEN, POLICY_TLP_NONE},
           sizeof model->tlp_max);
    memcpy(model->us, (int[]) {YES, NO, ABSENT}, sizeof model->us);
    for (uint64_t c = 0, count = draw(random, 3); c < count; c++) {
        uint64_t members = 1 + draw(random, ALL), gives = draw(random, 4);
        put(model, "community c%u { %s%s %s%s } = [", (unsigned)c, gives & 1 ? "tlp-max " : "",
            gives & 1 ? tlp_words[level] : "", gives & 2 ? "country " : "",
            !(gives & 2) ? ""
            : is_us      ? "US"
                         : "KR");
        for (unsigned p = 0; p < PARTNERS; p++) {
            if ((members >> p & 1) == 0)
                continue;
            put(model, "%s", names[p]);
            if ((gives & 1) && model->tlp_max[p] == POLICY_TLP_NONE)
                model->tlp_max[p] = level;
            if ((gives & 2) && model->us[p] == ABSENT)
                model->us[p] = is_us ? YES : NO;
        }
        put(model, "]\n");
    }
}

/* Only jp's ever ends; the others have one for ever where one is required. */
static void make_agreements(struct model *model, struct random *random)
{
    model->jp_ends = INT64_MAX;
    bool required = draw(random, 4) == 0;
    put(model, required ? "agreements required agreement rest { partners [us-cisa eu-cert] }\n" : "");
    if (required)
        model->jp_ends = INT64_MIN;
    if (draw(random, 3) != 0)
        return;
    model->jp_ends = NOW + (int64_t)draw(random, 5) * MIN_US;
    put(model, "agreement jp { partners [jp]; contacts [\"desk@jp\"]; valid-until 2024-10-04T00:0%u:00Z }\n",
        (unsigned)((model->jp_ends - NOW) / MIN_US));
    put(model, "agreement old { partners [jp]; valid-until 2024-10-03 }\n");
}

/* --- the properties --- */

static struct model model; /* large; one test at a time */
static unsigned seen[3];

static void check(const struct policy *policy, const struct policy_facts *facts, int64_t now,
                  struct policy_verdict *verdict)
{
    policy_decide(policy, facts, now, verdict);
    assert_int_equal(verdict->release | verdict->hold | verdict->deny, ALL);
    assert_int_equal((verdict->release & verdict->hold) | (verdict->release & verdict->deny) |
                         (verdict->hold & verdict->deny),
                     0);
    for (unsigned p = 0; p < PARTNERS; p++) {
        struct answer answer = naive(&model, facts, now, p);
        uint64_t masks[] = {verdict->deny, verdict->hold, verdict->release};
        if ((masks[answer.effect] >> p & 1) == 0 || verdict->rule[p] != answer.rule)
            fail_msg("%s\npartner %u: expected %s by rule %u, got rule %u", model.text, p,
                     policy_effect_name(answer.effect), answer.rule, verdict->rule[p]);
        seen[answer.effect]++;
    }
}

static bool lists(const struct str *list, size_t count, const char *const *words, unsigned set)
{
    for (size_t i = 0; i < count; i++) {
        unsigned word = 0;
        while (word < 3 && !str_eq(list[i], str_of(words[word])))
            word++;
        if (word == 3 || (set >> word & 1) == 0)
            return false;
        set &= ~(1u << word); /* each once */
    }
    return set == 0;
}

static unsigned waited;    /* how often the earlier time bound */
static unsigned joined[2]; /* how often one rule's duties were all, and more than its rule's own */

/* Whoever lets it go, the duties are those of all that match. */
static void check_duties(const struct policy *policy, const struct policy_facts *facts, int64_t now,
                         const struct policy_verdict *verdict)
{
    struct policy_bound *bound;
    size_t count;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_int_equal(policy_bind(policy, facts, now, verdict->release, &arena, &bound, &count), ERR_OK);
    for (unsigned p = 0; p < PARTNERS; p++) {
        unsigned redacts, limits;
        struct model_rule all = naive_duties(&model, facts, now, p, &redacts, &limits);
        const struct policy_duties *duties = policy_bound_of(bound, count, p);
        bool goes = (verdict->release >> p & 1) != 0;
        assert_int_equal(duties != NULL, goes && all.duties != 0);
        assert_int_equal(verdict->dutied >> p & 1, duties != NULL);
        if (duties == NULL)
            continue;
        if (duties->what != all.duties || duties->expire_us != all.days * DAY_US ||
            !lists(duties->redact, duties->redact_count, redact_words, redacts) ||
            !lists(duties->reshare, duties->reshare_count, limit_words, limits))
            fail_msg("%s\npartner %u: other duties than expected", model.text, p);
        const struct policy_duties *own = policy_rule_duties(policy, verdict->rule[p]);
        joined[own == NULL || own->what != duties->what]++;
    }
    arena_deinit(&arena);
}

/* Between now and next_change the answer is the same; the naive evaluator looks at every half minute and at
 * the last moment. */
static void check_next_change(const struct policy *policy, const struct policy_facts *facts, int64_t now,
                              const struct policy_verdict *verdict)
{
    assert_true(verdict->next_change_us > now);
    for (unsigned i = 0; i < 24; i++) {
        int64_t later = now + (int64_t)i * MIN_US / 2 + 1;
        if (i == 23 && verdict->next_change_us != INT64_MAX)
            later = verdict->next_change_us - 1;
        if (later >= verdict->next_change_us)
            continue;
        for (unsigned p = 0; p < PARTNERS; p++) {
            unsigned redacts, limits, then_redacts, then_limits;
            assert_int_equal(naive(&model, facts, later, p).rule, verdict->rule[p]);
            if ((verdict->release >> p & 1) == 0)
                continue;
            struct model_rule before = naive_duties(&model, facts, now, p, &redacts, &limits);
            struct model_rule then = naive_duties(&model, facts, later, p, &then_redacts, &then_limits);
            assert_int_equal(before.duties, then.duties);
            assert_int_equal(before.days, then.days);
            assert_true(redacts == then_redacts && limits == then_limits);
        }
    }
    (void)policy;
}

static void count_step(void *ctx, const struct policy_step *step)
{
    *(unsigned *)ctx += step->decided;
}

static void check_explain(const struct policy *policy, const struct policy_facts *facts, int64_t now)
{
    for (unsigned p = 0; p < PARTNERS; p++) {
        unsigned decided = 0;
        enum policy_effect effect = policy_explain(policy, facts, now, p, count_step, &decided);
        assert_int_equal(effect, naive(&model, facts, now, p).effect);
        assert_int_equal(decided, 1);
    }
}

/* By a clock that is not believed, the stricter of both times binds, by its own rule. */
static void check_unsure(const struct policy *policy, const struct policy_facts *facts, int64_t now,
                         int64_t unsure_us)
{
    static const unsigned strictness[] = {[POLICY_DENY] = 2, [POLICY_HOLD] = 1, [POLICY_RELEASE] = 0};
    struct policy_facts unsure = *facts;
    struct policy_verdict verdict;
    unsure.unsure_us = unsure_us;
    policy_decide(policy, &unsure, now, &verdict);
    assert_int_equal(verdict.release | verdict.hold | verdict.deny, ALL);
    for (unsigned p = 0; p < PARTNERS; p++) {
        struct answer answer = naive(&model, facts, now, p), then = naive(&model, facts, now - unsure_us, p);
        bool earlier = strictness[then.effect] > strictness[answer.effect];
        uint64_t masks[] = {verdict.deny, verdict.hold, verdict.release};
        unsigned decided = 0;
        answer = earlier ? then : answer;
        assert_true((masks[answer.effect] >> p & 1) != 0);
        assert_int_equal(verdict.rule[p], answer.rule);
        assert_int_equal(policy_explain(policy, &unsure, now, p, count_step, &decided), answer.effect);
        assert_int_equal(decided, 1);
        waited += earlier;
    }
}

static void agrees_with_the_naive_evaluator(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct random random = {seed};
        model.node_count = model.rule_count = 0;
        model.used = 0;
        put(&model, "language 1\n");
        make_communities(&model, &random);
        make_agreements(&model, &random);
        for (unsigned rules = 1 + (unsigned)draw(&random, RULES_MAX); model.rule_count < rules;)
            make_rule(&model, &random);
        struct policy *policy = test_compile(model.text);
        for (unsigned round = 0; round < 12; round++) {
            struct str tags[2];
            struct policy_verdict verdict;
            struct policy_facts facts = some_facts(&random, tags);
            struct policy_answer answers[RULES_MAX + 1];
            some_answers(&model, &random, policy, &facts, answers);
            int64_t now = NOW + (int64_t)draw(&random, 9) * MIN_US / 2;
            check(policy, &facts, now, &verdict);
            check_duties(policy, &facts, now, &verdict);
            check_next_change(policy, &facts, now, &verdict);
            check_explain(policy, &facts, now);
            check_unsure(policy, &facts, now, (1 + (int64_t)draw(&random, 9)) * MIN_US / 2);
        }
        policy_unref(policy);
    }
    for (unsigned effect = 0; effect < 3; effect++)
        assert_in_range(seen[effect], 4000, 4000 * 12 * PARTNERS); /* none was hardly ever tried */
    assert_true(joined[0] > 1000 && joined[1] > 1000);
    assert_true(waited > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_the_naive_evaluator)};
    return cmocka_run_group_tests_name("policy random", tests, NULL, NULL);
}
