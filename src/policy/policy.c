#include "policy/policy.h"

#include <stdio.h>

#include "core/mem.h"
#include "policy/parse.h"

err_t table_grow(void **at, uint32_t *size, uint32_t count, uint32_t max, size_t entry_size)
{
    if (count < *size)
        return ERR_OK;
    if (count >= max)
        return ERR_LIMIT;
    uint32_t wanted = *size == 0 ? 16 : *size > max / 2 ? max : *size * 2;
    void *grown = mem_grow(*at, wanted * entry_size);
    if (grown == NULL)
        return ERR_NOMEM;
    *at = grown;
    *size = wanted;
    return ERR_OK;
}

struct policy *policy_ref(struct policy *policy)
{
    policy->refs++;
    return policy;
}

void policy_unref(struct policy *policy)
{
    if (policy == NULL || --policy->refs > 0)
        return;
    names_deinit(&policy->strings);
    names_deinit(&policy->rule_names);
    for (unsigned effect = 0; effect < 3; effect++)
        mem_free(policy->order[effect].at);
    mem_free(policy->rules.at);
    mem_free(policy->program.at);
    mem_free(policy->spans.at);
    mem_free(policy->masks.at);
    mem_free(policy->tlps.at);
    mem_free(policy->idsets.at);
    mem_free(policy->templates.at);
    mem_free(policy->agreements.at);
    mem_free(policy->attributes.at);
    mem_free(policy->duties.at);
    mem_free(policy->budgets.at);
    arena_deinit(&policy->arena);
    mem_free(policy);
}

/* Blanks and printable UTF-8 only. */
static err_t check_text(struct parse *parse)
{
    if (parse->text.len > LIMIT_POLICY_BYTES) {
        *parse->fault = (struct policy_fault) {.code = ERR_LIMIT};
        snprintf(parse->fault->what, sizeof parse->fault->what, "a policy has at most %u bytes",
                 LIMIT_POLICY_BYTES);
        return ERR_LIMIT;
    }
    for (uint32_t i = 0; i < parse->text.len; i++) {
        uint8_t c = (uint8_t)parse->text.at[i];
        if ((c < ' ' && c != '\n' && c != '\t' && c != '\r') || c == 0x7f)
            return parse_fail(parse, ERR_SYNTAX, i, "control character 0x%02x", c);
    }
    if (str_is_utf8(parse->text))
        return ERR_OK;
    uint32_t good = 0, len = 0; /* character by character: where does it stop? */
    do {
        good += len;
        for (len = 1; len < 4 && !str_is_utf8((struct str) {parse->text.at + good, len}); len++)
            if (len >= parse->text.len - good)
                break;
    } while (str_is_utf8((struct str) {parse->text.at + good, len}));
    return parse_fail(parse, ERR_ENCODING, good, "this is not UTF-8");
}

static err_t take_attributes(struct parse *parse, const struct policy_partner *partner)
{
    struct arena *arena = &parse->policy->arena;
    for (size_t i = 0; i < partner->attribute_count; i++) {
        const struct policy_attribute *from = &partner->attributes[i];
        err_t err = TABLE_ROOM(parse->policy->attributes, LIMIT_POLICY_NAMES);
        if (err != ERR_OK)
            return err;
        struct attribute attribute = {.key = arena_str(arena, from->name),
                                      .value = arena_str(arena, from->value),
                                      .holder = partner->index};
        if (attribute.key.at == NULL || attribute.value.at == NULL)
            return ERR_NOMEM;
        if (str_eq(from->name, STR("tlp-max")) && words_tlp_find(from->value) < 0)
            return ERR_INVALID;
        parse->policy->attributes.at[parse->policy->attributes.count++] = attribute;
    }
    return ERR_OK;
}

/* The node knows countries; markings name nations. */
static err_t take_nation(struct parse *parse, const struct policy_partner *partner)
{
    for (size_t i = 0; i < partner->attribute_count; i++) {
        if (!str_eq(partner->attributes[i].name, STR("country")))
            continue;
        struct attribute attribute = {.key = STR("nation"),
                                      .value = statement_nation(partner->attributes[i].value),
                                      .holder = partner->index};
        err_t err = TABLE_ROOM(parse->policy->attributes, LIMIT_POLICY_NAMES);
        if (err != ERR_OK)
            return err;
        if (attribute.value.at != NULL)
            parse->policy->attributes.at[parse->policy->attributes.count++] = attribute;
    }
    return ERR_OK;
}

static err_t take_partners(struct parse *parse, const struct policy_partner *partners, size_t count)
{
    struct policy *policy = parse->policy;
    for (size_t i = 0; i < count; i++) {
        const struct policy_partner *partner = &partners[i];
        err_t err = ERR_OK;
        if (partner->name.len == 0 || partner->name.len > LIMIT_NAME_BYTES ||
            partner->index >= LIMIT_PARTNERS)
            err = ERR_INVALID;
        else if ((policy->partners >> partner->index & 1) != 0 ||
                 policy_partner_find(policy, partner->name) >= 0)
            err = ERR_EXISTS;
        if (err == ERR_OK) {
            policy->partner_name[partner->index] = arena_str(&policy->arena, partner->name);
            policy->partners |= 1ull << partner->index;
            err =
                policy->partner_name[partner->index].at == NULL ? ERR_NOMEM : take_attributes(parse, partner);
            err = err == ERR_OK ? take_nation(parse, partner) : err;
        }
        if (err == ERR_OK)
            continue;
        *parse->fault = (struct policy_fault) {.code = err};
        snprintf(parse->fault->what, sizeof parse->fault->what, "partner `%.*s` of the node: %s",
                 (int)(partner->name.len < LIMIT_NAME_BYTES ? partner->name.len : LIMIT_NAME_BYTES),
                 partner->name.at,
                 err == ERR_INVALID ? "its name, index or tlp-max is wrong" : err_text(err));
        return err;
    }
    return ERR_OK;
}

static err_t build(struct parse *parse, const struct policy_partner *partners, size_t partner_count)
{
    err_t err;
    struct policy *policy = parse->policy;
    policy->text = arena_str(&policy->arena, parse->text);
    if (policy->text.at == NULL)
        return ERR_NOMEM;
    parse->text = policy->text;
    policy->digest = hash_sha256(bytes_from_str(policy->text));
    if (TRY(err, names_init(&policy->strings, LIMIT_POLICY_STRINGS, 1)) ||
        TRY(err, names_init(&policy->rule_names, LIMIT_POLICY_RULES, 0)) ||
        TRY(err, names_init(&parse->set_names, LIMIT_POLICY_NAMES, 0)) ||
        TRY(err, names_init(&parse->define_names, LIMIT_POLICY_NAMES, 0)) ||
        TRY(err, names_init(&parse->sources, LIMIT_POLICY_NAMES, 0)))
        return err;
    if (TRY(err, take_partners(parse, partners, partner_count)))
        return err;
    if (TRY(err, parse_policy(parse)))
        return err;
    for (uint32_t i = 0; i < policy->duties.count; i++) { /* the table grew while it was filled */
        policy->duties.at[i].said.redact = policy->duties.at[i].redact;
        policy->duties.at[i].said.reshare = &policy->duties.at[i].reshare;
    }
    return guard_build(policy);
}

static err_t read_text(struct parse *parse, const struct policy_partner *partners, size_t partner_count)
{
    parse->policy->refs = 1;
    arena_init(&parse->policy->arena, LIMIT_POLICY_MEMORY_BYTES);
    err_t err = check_text(parse);
    if (err == ERR_OK)
        err = build(parse, partners, partner_count);
    names_deinit(&parse->set_names);
    names_deinit(&parse->sources);
    names_deinit(&parse->define_names);
    mem_free(parse->definitions.at);
    mem_free(parse->sets.at);
    mem_free(parse->values.at);
    return err;
}

static err_t compile(struct str text, const struct policy_partner *partners, size_t partner_count, bool held,
                     struct policy **out, struct policy_fault *fault)
{
    struct policy_fault unheard = {.code = ERR_OK};
    struct policy *policy = mem_alloc(sizeof *policy);
    struct parse parse = {
        .policy = policy, .fault = fault != NULL ? fault : &unheard, .text = text, .held = held};
    *parse.fault = (struct policy_fault) {.code = ERR_NOMEM};
    if (policy == NULL)
        return ERR_NOMEM;
    err_t err = read_text(&parse, partners, partner_count);
    if (err != ERR_OK) {
        if (parse.fault->code != err)
            *parse.fault = (struct policy_fault) {.code = err};
        if (parse.fault->what[0] == '\0')
            snprintf(parse.fault->what, sizeof parse.fault->what, "%s", err_text(err));
        policy_unref(policy);
        return err;
    }
    *parse.fault = (struct policy_fault) {.code = ERR_OK};
    *out = policy;
    return ERR_OK;
}

err_t policy_compile(struct str text, const struct policy_partner *partners, size_t partner_count,
                     struct policy **out, struct policy_fault *fault)
{
    return compile(text, partners, partner_count, false, out, fault);
}

err_t policy_compile_held(struct str text, const struct policy_partner *partners, size_t partner_count,
                          struct policy **out, struct policy_fault *fault)
{
    return compile(text, partners, partner_count, true, out, fault);
}

size_t policy_partners_named(struct str text, struct str out[LIMIT_PARTNERS])
{
    struct policy_fault unheard;
    struct policy *policy = mem_alloc(sizeof *policy);
    struct parse parse = {.policy = policy, .fault = &unheard, .text = text, .alone = true};
    if (policy == NULL)
        return 0;
    (void)read_text(&parse, NULL, 0); /* what is wrong with it, who compiles it for these hears */
    size_t count = policy_partner_count(policy);
    for (size_t i = 0; i < count; i++) {
        struct str name = policy->partner_name[i];
        out[i] = (struct str) {text.at + (name.at - policy->text.at), name.len};
    }
    policy_unref(policy);
    return count;
}

struct hash policy_digest(const struct policy *policy)
{
    return policy->digest;
}

struct str policy_text(const struct policy *policy)
{
    return policy->text;
}

unsigned policy_partner_count(const struct policy *policy)
{
    return (unsigned)__builtin_popcountll(policy->partners);
}

uint64_t policy_partner_mask(const struct policy *policy)
{
    return policy->partners;
}

struct str policy_partner_name(const struct policy *policy, unsigned index)
{
    return index < LIMIT_PARTNERS ? policy->partner_name[index] : (struct str) {NULL, 0};
}

int policy_partner_find(const struct policy *policy, struct str name)
{
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        if ((policy->partners >> i & 1) != 0 && str_eq(policy->partner_name[i], name))
            return (int)i;
    return -1;
}

const char *policy_partner_tlp_max(const struct policy *policy, unsigned index)
{
    if (index >= LIMIT_PARTNERS || policy->tlp_max[index] == POLICY_TLP_NONE)
        return NULL;
    return words_tlp[policy->tlp_max[index]];
}

unsigned policy_rule_count(const struct policy *policy)
{
    return POLICY_RULE_BUILTIN_COUNT + policy->rules.count;
}

struct str policy_rule_name(const struct policy *policy, unsigned rule)
{
    if (rule < POLICY_RULE_BUILTIN_COUNT)
        return str_of(words_builtin[rule]);
    rule -= POLICY_RULE_BUILTIN_COUNT;
    return rule < policy->rules.count ? policy->rule_names.at[rule] : (struct str) {NULL, 0};
}

enum policy_effect policy_rule_effect(const struct policy *policy, unsigned rule)
{
    if (rule < POLICY_RULE_BUILTIN_COUNT)
        return words_builtin_effect(rule);
    rule -= POLICY_RULE_BUILTIN_COUNT;
    return rule < policy->rules.count ? (enum policy_effect)policy->rules.at[rule].effect : POLICY_DENY;
}

static const struct rule *own_rule(const struct policy *policy, unsigned rule)
{
    if (rule < POLICY_RULE_BUILTIN_COUNT || rule - POLICY_RULE_BUILTIN_COUNT >= policy->rules.count)
        return NULL;
    return &policy->rules.at[rule - POLICY_RULE_BUILTIN_COUNT];
}

unsigned policy_rule_line(const struct policy *policy, unsigned rule)
{
    const struct rule *own = own_rule(policy, rule);
    return own == NULL ? 0 : own->line;
}

int policy_rule_find(const struct policy *policy, struct str name)
{
    int builtin = words_find(words_builtin, POLICY_RULE_BUILTIN_COUNT, name);
    if (builtin >= 0)
        return builtin;
    int rule = names_find(&policy->rule_names, name);
    return rule < 0 ? -1 : rule + POLICY_RULE_BUILTIN_COUNT;
}

unsigned policy_needs(const struct policy *policy)
{
    return policy->needs;
}

unsigned policy_agreement_count(const struct policy *policy)
{
    return policy->agreements.count;
}

void policy_agreement(const struct policy *policy, unsigned index, struct policy_agreement *out)
{
    must(index < policy->agreements.count);
    const struct agreement *held = &policy->agreements.at[index];
    *out =
        (struct policy_agreement) {held->name, held->basis, held->contacts, held->partners, held->until_us};
}

const struct policy_duties *policy_rule_duties(const struct policy *policy, unsigned rule)
{
    const struct rule *own = own_rule(policy, rule);
    return own == NULL || own->duties == 0 ? NULL : &policy->duties.at[own->duties - 1].said;
}

bool policy_has_duties(const struct policy *policy)
{
    return policy->duties.count > 0;
}

bool policy_rule_people(const struct policy *policy, unsigned rule, struct policy_people *out)
{
    const struct rule *own = own_rule(policy, rule);
    if (rule == POLICY_RULE_SAFETY) {
        *out = (struct policy_people) {.approvals = 1};
        return true;
    }
    if (own == NULL || (own->approvals == 0 && own->deadline_us == 0))
        return false;
    *out = (struct policy_people) {own->approvals, own->basis, own->deadline_us, own->remind_us,
                                   (enum policy_lapse)own->lapse};
    return true;
}

struct hash policy_rule_asks(const struct policy *policy, unsigned rule, const struct policy_facts *facts)
{
    const struct rule *own = own_rule(policy, rule);
    if (own != NULL)
        return own->asks;
    const struct bytes parts[] = {bytes_from_str(policy_rule_name(policy, rule)), bytes_of("", 1),
                                  rule == POLICY_RULE_SAFETY ? bytes_from_str(facts->safety)
                                                             : bytes_of(NULL, 0)};
    return hash_sha256_parts(parts, sizeof parts / sizeof *parts);
}

uint64_t policy_answered(const struct policy *policy, unsigned rule, const struct policy_facts *facts)
{
    if (facts->answer_count == 0)
        return 0;
    struct hash asks = policy_rule_asks(policy, rule, facts);
    const struct policy_answer *answer = answer_to(facts, &asks);
    return answer == NULL ? 0 : answer->one;
}

bool policy_has_question(const struct policy *policy, struct str name, const struct hash *asked)
{
    int rule = policy_rule_find(policy, name);
    const struct rule *own = rule < 0 ? NULL : own_rule(policy, (unsigned)rule);
    return rule >= 0 && (own == NULL || hash_eq(&own->asks, asked));
}

bool policy_rule_asks_personal(const struct policy *policy, unsigned rule)
{
    const struct rule *own = own_rule(policy, rule);
    for (uint32_t i = 0; own != NULL && i < own->count; i++) {
        const struct ins *ins = &policy->program.at[own->first + i];
        if (ins->op == OP_PERSONAL || (ins->op == OP_NUMBER && ins->field == FIELD_PERSONAL_SCORE))
            return true;
    }
    return false;
}

bool policy_has_deadlines(const struct policy *policy)
{
    return policy->has_deadlines;
}

unsigned policy_activation_by(const struct policy *policy)
{
    return policy->activation_by;
}

unsigned policy_budget_count(const struct policy *policy)
{
    return policy->budgets.count;
}

struct policy_budget policy_budget_get(const struct policy *policy, unsigned index)
{
    must(index < policy->budgets.count);
    const struct budget *budget = &policy->budgets.at[index];
    return (struct policy_budget) {budget->name, budget->to, budget->objects, budget->bytes, budget->per_us};
}

const char *policy_effect_name(enum policy_effect effect)
{
    return words_effect[effect];
}
