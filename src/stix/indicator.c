#include <stdio.h>

#include "stix/pattern.h"
#include "stix/reader.h"

/* A whole sentence of the parser, and the place before it. */
enum { PLACED_MAX = FAULT_WHAT_MAX + 64 };

static struct str text_at(const struct stix_reader *r, size_t at)
{
    if ((r->frames[0].seen >> at & 1) == 0 || !json_is(r->values[at], JSON_STRING))
        return STR("");
    return json_str(r->values[at]);
}

/* Section 4.7.1: without pattern_version the pattern is of the object's own version. What names another than
 * 2.1 is not held to what 2.1 added. */
static enum stix_pattern_version version_of(struct str version)
{
    return version.len == 0 || str_starts(version, STR("2.1")) ? STIX_PATTERN_2_1 : STIX_PATTERN_2_0;
}

/* Says the place inside the pattern, which no JSON pointer can. */
static void put_place(char what[PLACED_MAX], struct str pattern, size_t offset, const char *why)
{
    struct stix_pattern_place place = stix_pattern_place(pattern, offset);
    (void)snprintf(what, PLACED_MAX, "line %zu, column %zu of the pattern: %s", place.line, place.column,
                   why);
}

static err_t warn(struct stix_reader *r, struct str pattern, const struct stix_pattern_remark *remark)
{
    enum stix_level level = remark->must ? STIX_WARNING : STIX_REMARK;
    char what[PLACED_MAX];
    if (level == STIX_REMARK && !r->all)
        return stix_warn(r, level, remark->section, remark->what); /* counted alone */
    put_place(what, pattern, remark->offset, remark->what);
    struct str text = arena_str(r->arena, str_of(what));
    if (text.at == NULL)
        return stix_refuse(r, ERR_NOMEM, "", "no memory for warnings");
    return stix_warn_at(r, level, remark->section, text.at, "/pattern");
}

static err_t refuse(struct stix_reader *r, struct str pattern, err_t code, const struct fault *fault)
{
    char what[PLACED_MAX];
    put_place(what, pattern, fault->offset, fault->what);
    (void)snprintf(r->tail, sizeof r->tail, "/pattern");
    err_t err = stix_refuse(r, code, fault->section, "%s", what);
    r->tail[0] = '\0';
    return err;
}

static err_t remark_time(struct stix_reader *r, struct str pattern, size_t offset, const char *why)
{
    struct stix_pattern_remark remark = {.what = why, .section = "9.5.1", .offset = offset};
    return warn(r, pattern, &remark);
}

/* Is what stands there a timestamp, and before (sign -1) or after (1) that of the property? */
static bool is_beyond(const struct stix_reader *r, const struct stix_pattern_constant *constant, size_t at,
                      int sign)
{
    return constant->kind == STIX_PATTERN_TIME && (r->frames[0].seen >> at & 1) != 0 &&
           stix_is_stamp(r->stamps[at]) && sign * stamp_cmp(constant->value.time, r->stamps[at]) > 0;
}

/* Section 9.5.1: START and STOP lie between valid_from and valid_until. */
static err_t check_times(struct stix_reader *r, struct str text, enum stix_pattern_version version)
{
    struct stix_pattern pattern;
    err_t err = stix_pattern_parse(text, version, r->arena, &pattern, NULL, NULL);
    if (err != ERR_OK)
        return stix_refuse(r, err, "", "no memory for the pattern"); /* it was read before */
    for (size_t i = 0; i < pattern.node_count; i++) {
        const struct stix_pattern_node *node = &pattern.nodes[i];
        if (node->kind != STIX_PATTERN_START_STOP)
            continue;
        const struct stix_pattern_constant *times = &pattern.constants[node->constant];
        if (is_beyond(r, &times[0], STIX_AT(indicator, valid_from), -1) &&
            TRY(err, remark_time(r, text, node->offset, "START is before valid_from")))
            return err;
        if (is_beyond(r, &times[1], STIX_AT(indicator, valid_until), 1) &&
            TRY(err, remark_time(r, text, node->offset, "STOP is after valid_until")))
            return err;
    }
    return ERR_OK;
}

err_t stix_check_indicator(struct stix_reader *r)
{
    struct str pattern = text_at(r, STIX_AT(indicator, pattern));
    struct stix_pattern_remarks remarks;
    struct fault fault = {0};
    if ((r->frames[0].seen >> STIX_AT(indicator, pattern) & 1) == 0 ||
        !str_eq(text_at(r, STIX_AT(indicator, pattern_type)), STR("stix")))
        return ERR_OK;
    enum stix_pattern_version version = version_of(text_at(r, STIX_AT(indicator, pattern_version)));
    err_t err = stix_pattern_check(pattern, version, &remarks, &fault);
    if (err != ERR_OK)
        return refuse(r, pattern, err, &fault);
    for (size_t i = 0; err == ERR_OK && i < remarks.count; i++)
        err = warn(r, pattern, &remarks.at[i]);
    return err == ERR_OK && r->thorough ? check_times(r, pattern, version) : err;
}
