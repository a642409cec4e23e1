/* Any text as a STIX pattern: checking and parsing agree, the tree is sound, and what is refused has its
 * place. */
#include <stdlib.h>

#include "core/limit.h"
#include "stix/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { ARENA_BYTES = 64 << 20 };

static bool inside(struct str text, struct str part)
{
    return part.len == 0 || (part.at >= text.at && part.at + part.len <= text.at + text.len);
}

static void look_at_comparison(const struct stix_pattern *pattern, const struct stix_pattern_node *node,
                               struct arena *arena)
{
    must(inside(pattern->text, node->type) && node->step_count > 0);
    must(node->step < pattern->step_count && node->step_count <= pattern->step_count - node->step);
    must((node->constant_count == 0) == (node->op == STIX_PATTERN_EXISTS) || node->op == STIX_PATTERN_IN);
    for (uint32_t i = node->step; i < node->step + node->step_count; i++) {
        const struct stix_pattern_step *step = &pattern->steps[i];
        must(inside(pattern->text, step->key));
        must(stix_pattern_text(step->key, step->escaped, arena).len <= step->key.len);
    }
}

static void look_at_constants(const struct stix_pattern *pattern, const struct stix_pattern_node *node)
{
    must(node->constant_count == 0 || (node->constant < pattern->constant_count &&
                                       node->constant_count <= pattern->constant_count - node->constant));
    for (uint32_t i = node->constant; i < node->constant + node->constant_count; i++) {
        const struct stix_pattern_constant *constant = &pattern->constants[i];
        must(inside(pattern->text, constant->text));
        if (constant->kind == STIX_PATTERN_INT)
            must((int64_t)stix_pattern_number(constant) == constant->value.integer);
    }
}

/* Children come before their parent, and every node but the root has one parent. */
static void look_at(const struct stix_pattern *pattern, struct arena *arena)
{
    size_t links = 0;
    must(pattern->root == pattern->node_count - 1);
    for (uint32_t i = 0; i < pattern->node_count; i++) {
        const struct stix_pattern_node *node = &pattern->nodes[i];
        must(node->offset < pattern->text.len);
        look_at_constants(pattern, node);
        if (node->kind == STIX_PATTERN_COMPARISON) {
            look_at_comparison(pattern, node, arena);
            continue;
        }
        uint32_t last = STIX_PATTERN_NONE;
        for (uint32_t child = node->first; child != STIX_PATTERN_NONE; child = pattern->nodes[child].next) {
            must(child < pattern->node_count && child != i);
            last = child;
            links++;
        }
        must(last == node->last && last != STIX_PATTERN_NONE);
    }
    must(links == pattern->node_count - 1);
}

static void try_version(struct str text, enum stix_pattern_version version)
{
    struct arena arena;
    struct fault checked = {0}, parsed = {0};
    struct stix_pattern_remarks remarks;
    struct stix_pattern pattern;
    arena_init(&arena, ARENA_BYTES);
    err_t a = stix_pattern_check(text, version, &remarks, &checked);
    err_t b = stix_pattern_parse(text, version, &arena, &pattern, NULL, &parsed);
    must(b == ERR_NOMEM || (a == b && checked.offset == parsed.offset));
    must(checked.offset <= text.len && (a == ERR_OK) == (checked.code == ERR_OK));
    must((a == ERR_OK) == (checked.what[0] == '\0'));
    for (size_t i = 0; a == ERR_OK && i < remarks.count; i++)
        must(remarks.at[i].offset <= text.len);
    if (b == ERR_OK)
        look_at(&pattern, &arena);
    must(stix_pattern_place(text, checked.offset).line > 0);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str text = {(const char *)bytes, size};
    if (!str_is_utf8(text))
        return 0;
    try_version(text, STIX_PATTERN_2_1);
    try_version(text, STIX_PATTERN_2_0);
    return 0;
}
