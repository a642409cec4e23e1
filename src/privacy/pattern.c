/* Whose it is what an indicator's pattern compares: the attacker's or the victim's. */
#include <stdlib.h>

#include "privacy/field.h"
#include "stix/pattern.h"

/* Of one comparison. */
struct judged {
    enum privacy_role role;
    enum field_own own;
};

/* The type of what a reference leads to, where that says what its members are. */
static struct str led_to(struct str type)
{
    static const struct {
        struct str from, to;
    } ways[] = {
        {{"email-message", 13}, {"email-addr", 10}},
        {{"email-addr", 10}, {"user-account", 12}},
        {{"process", 7}, {"user-account", 12}},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        if (str_eq(type, ways[i].from))
            return ways[i].to;
    return STR("");
}

/* A sender that a pattern looks for is the indicator. */
static enum privacy_role stricter(enum privacy_role role, enum privacy_role more)
{
    return more == PRIVACY_SENDER ? role : privacy_role_stricter(role, more);
}

/* A header says whose its address is. An account or an address is the indicator itself, unless it was
 * reached over a reference; a name and a password beside an account are still somebody's. */
static void judge_member(struct judged *judged, struct str type, struct field field)
{
    bool header = str_eq(type, STR(".headers")), account = str_eq(type, STR("user-account"));
    if (header)
        judged->role = stricter(judged->role, field.role);
    if (field.own >= FIELD_NAME && field.own != FIELD_VICTIM) {
        judged->own = field.own;
        if (account && field.own != FIELD_ACCOUNT)
            judged->role = stricter(judged->role, PRIVACY_PERSON);
    }
}

static err_t judge(const struct stix_pattern *pattern, const struct stix_pattern_node *node,
                   struct arena *arena, struct judged *out)
{
    struct str type = node->type;
    *out = (struct judged) {PRIVACY_INDICATOR, FIELD_LOOK};
    for (uint32_t i = 0; i < node->step_count; i++) {
        const struct stix_pattern_step *step = &pattern->steps[node->step + i];
        if (step->kind != STIX_PATTERN_KEY)
            continue;
        struct str key = stix_pattern_text(step->key, step->escaped, arena);
        if (key.at == NULL)
            return ERR_NOMEM;
        if (step->follows) {
            out->role = stricter(out->role, privacy_ref_role(type, key));
            type = led_to(type);
        } else if (str_eq(type, STR("email-message")) && str_eq(key, STR("additional_header_fields"))) {
            type = STR(".headers");
        } else {
            judge_member(out, type, field_find(type, key, true, FIELD_NAMES));
        }
    }
    return ERR_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct privacy_hit *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->len > y->len ? -1 : x->len < y->len;
}

/* What was kept whole stands behind the others: puts all in order, and drops what lies in another. */
static void put_in_order(struct privacy_hits *hits, size_t first)
{
    size_t kept = first, end = 0;
    qsort(hits->at + first, hits->count - first, sizeof *hits->at, by_place);
    for (size_t i = first; i < hits->count; i++) {
        if (hits->at[i].from < end)
            continue;
        end = hits->at[i].from + hits->at[i].len;
        hits->at[kept++] = hits->at[i];
    }
    hits->count = kept;
}

static void keep_constants(const struct stix_pattern *pattern, const struct stix_pattern_node *node,
                           const struct judged *judged, struct privacy_hits *hits)
{
    for (uint32_t i = 0; i < node->constant_count; i++) {
        const struct stix_pattern_constant *constant = &pattern->constants[node->constant + i];
        size_t before = hits->count, from = (size_t)(constant->text.at - pattern->text.at);
        if (constant->kind == STIX_PATTERN_STRING)
            field_keep_whole(hits, judged->own, 0, pattern->text, from, constant->text.len);
        if (hits->count > before)
            hits->at[before].role = field_role_of(judged->role, &hits->at[before]);
    }
}

static size_t end_of(const struct stix_pattern *pattern, const struct stix_pattern_node *node)
{
    const struct stix_pattern_constant *last = &pattern->constants[node->constant + node->constant_count - 1];
    return (size_t)(last->text.at - pattern->text.at) + last->text.len;
}

/* Comparisons and hits are both in the order of the text. */
static err_t judge_all(const struct stix_pattern *pattern, size_t first, struct arena *arena,
                       struct privacy_hits *hits)
{
    size_t at = first, found = hits->count;
    struct judged judged;
    err_t err;
    for (uint32_t i = 0; i < pattern->node_count; i++) {
        const struct stix_pattern_node *node = &pattern->nodes[i];
        if (node->kind != STIX_PATTERN_COMPARISON || node->constant_count == 0)
            continue;
        if (TRY(err, judge(pattern, node, arena, &judged)))
            return err;
        for (; at < found && hits->at[at].from < node->offset; at++)
            hits->at[at].role = PRIVACY_TEXT; /* a comment */
        for (; at < found && hits->at[at].from < end_of(pattern, node); at++)
            hits->at[at].role = field_role_of(judged.role, &hits->at[at]);
        if (judged.own >= FIELD_NAME)
            keep_constants(pattern, node, &judged, hits);
    }
    for (; at < found; at++)
        hits->at[at].role = PRIVACY_TEXT;
    if (hits->count > found)
        put_in_order(hits, first);
    return ERR_OK;
}

err_t pattern_judge(struct str text, size_t first, struct arena *arena, struct privacy_hits *hits)
{
    struct stix_pattern pattern;
    err_t err = stix_pattern_parse(text, STIX_PATTERN_2_1, arena, &pattern, NULL, NULL);
    if (err == ERR_NOMEM)
        return err;
    return err == ERR_OK ? judge_all(&pattern, first, arena, hits) : ERR_OK;
}
