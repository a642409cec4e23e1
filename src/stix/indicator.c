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

err_t stix_check_indicator(struct stix_reader *r)
{
    struct str pattern = text_at(r, STIX_AT(indicator, pattern));
    struct stix_pattern_remarks remarks;
    struct fault fault = {0};
    if ((r->frames[0].seen >> STIX_AT(indicator, pattern) & 1) == 0 ||
        !str_eq(text_at(r, STIX_AT(indicator, pattern_type)), STR("stix")))
        return ERR_OK;
    err_t err = stix_pattern_check(pattern, version_of(text_at(r, STIX_AT(indicator, pattern_version))),
                                   &remarks, &fault);
    if (err != ERR_OK)
        return refuse(r, pattern, err, &fault);
    for (size_t i = 0; err == ERR_OK && i < remarks.count; i++)
        err = warn(r, pattern, &remarks.at[i]);
    return err;
}
