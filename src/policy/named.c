/* What a policy names that the policy alone cannot judge: sources and nodes, which this one knows. And what
 * it has taken out that no object can be without. */
#include <stdio.h>

#include "core/suggest.h"
#include "policy/table.h"
#include "stix/shape.h"

void policy_place(const struct policy *policy, uint32_t at, unsigned *out_line, unsigned *out_column)
{
    unsigned line = 1, column = 1;
    for (uint32_t i = 0; i < at; i++) {
        bool end = policy->text.at[i] == '\n';
        line += end;
        column = end ? 1 : column + (((uint8_t)policy->text.at[i] & 0xc0) != 0x80);
    }
    *out_line = line;
    *out_column = column;
}

static bool named_kind(uint8_t field, enum policy_named_kind *out)
{
    static const struct {
        uint8_t field;
        enum policy_named_kind kind;
    } rows[] = {{FIELD_SOURCE, POLICY_NAMED_SOURCE},
                {FIELD_OWNER, POLICY_NAMED_OWNER},
                {FIELD_ORIGIN_NODE, POLICY_NAMED_NODE},
                {FIELD_SIGNED_BY, POLICY_NAMED_NODE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].field == field) {
            *out = rows[i].kind;
            return true;
        }
    return false;
}

void policy_names(const struct policy *policy, void (*each)(void *ctx, const struct policy_named *named),
                  void *ctx)
{
    for (uint32_t i = 0; i < policy->program.count; i++) {
        const struct ins *ins = &policy->program.at[i];
        struct policy_named named = {.line = 0};
        if ((ins->op != OP_NAME && ins->op != OP_NAMES) || !named_kind(ins->field, &named.kind))
            continue;
        policy_place(policy, policy->spans.at[i].at, &named.line, &named.column);
        for (uint16_t id = 1; id < policy->strings.count; id++) {
            named.name = policy->strings.at[id];
            if (ins->op == OP_NAME ? ins->arg == id : idset_has(&policy->idsets.at[ins->arg], id))
                each(ctx, &named);
        }
    }
}

/* Types that cannot be without it, as "indicator, malware and 3 others"; empty: every type can. */
static void put_types(struct str property, char *out, size_t size)
{
    enum { SHOWN = 3 };
    unsigned count = 0;
    size_t used = 0;
    const struct stix_prop *common = stix_prop_common(property);
    out[0] = '\0';
    for (enum stix_code code = 0; code < STIX_TYPE_COUNT; code++) {
        const struct stix_type *type = stix_type_row(code);
        const struct stix_shape *shape = stix_shape_of_type(code);
        const struct stix_prop *prop = shape == NULL ? NULL : stix_prop_find(shape, property);
        bool needed = prop != NULL && (prop->flags & STIX_PROP_REQUIRED) != 0;
        needed |= common != NULL && type != NULL && (stix_common_required(type) >> common->slot & 1);
        if (!needed || type == NULL || count++ >= SHOWN || used >= size)
            continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s", count > 1 ? ", " : "", type->name);
    }
    if (count > SHOWN && used < size)
        (void)snprintf(out + used, size - used, " and %u other types", count - SHOWN);
}

/* Is it a property of some type? Of what nobody can tell it is taken to be one: names of one's own, and what
 * stands in extensions. Otherwise *out is what it may be a slip of. */
static bool is_property(struct str selector, struct suggest *out)
{
    struct str rest = selector, name = str_cut(&rest, '.');
    bool known =
        stix_prop_common(name) != NULL || str_starts(name, STR("x_")) || str_eq(name, STR("extensions"));
    *out = suggest_for(name);
    for (enum stix_code code = 0; code < STIX_TYPE_COUNT && !known; code++) {
        const struct stix_shape *shape = stix_shape_of_type(code);
        for (size_t i = 0; shape != NULL && i < shape->count; i++) {
            struct str property = {shape->props[i].name, shape->props[i].len};
            known |= str_eq(property, name);
            suggest_try(out, property);
        }
    }
    return known;
}

static int shown(struct str selector)
{
    return (int)(selector.len < 60 ? selector.len : 60);
}

void policy_review_redact(const struct policy *policy,
                          void (*each)(void *ctx, const struct policy_remark *remark), void *ctx)
{
    for (uint32_t r = 0; r < policy->rules.count; r++) {
        const struct rule *rule = &policy->rules.at[r];
        const struct policy_duties *duties =
            rule->duties == 0 ? NULL : &policy->duties.at[rule->duties - 1].said;
        for (size_t i = 0; duties != NULL && i < duties->redact_count; i++) {
            struct str selector = duties->redact[i];
            struct policy_remark remark = {.line = rule->line, .column = 1};
            char types[100];
            struct suggest near;
            char mean[80] = "";
            put_types(selector, types, sizeof types);
            if (!is_property(selector, &near)) {
                suggest_put(&near, NULL, mean, sizeof mean);
                (void)snprintf(
                    remark.what, sizeof remark.what,
                    "redact \"%.*s\": no type of the standard has that property, and of what has it "
                    "not nothing is taken out%s%s",
                    shown(selector), selector.at, mean[0] == '\0' ? "" : ": ", mean);
            } else if (types[0] != '\0') {
                (void)snprintf(remark.what, sizeof remark.what,
                               "redact \"%.*s\": what must have it is withheld as a whole (%s)",
                               shown(selector), selector.at, types);
            } else {
                continue;
            }
            each(ctx, &remark);
        }
    }
}
