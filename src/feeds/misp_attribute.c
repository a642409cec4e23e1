/* One attribute: patterns and observables by the rows of misp_types.inc. */
#include "feeds/misp_state.h"

struct misp_row {
    struct str type;
    enum misp_check check;
    enum misp_kind kind;
    const char *pattern;
    const char *objects;
};

static const struct misp_row rows[] = {
#define ROW(type, check, kind, pattern, objects)                                                             \
    {{type, sizeof(type) - 1}, MISP_CHECK_##check, MISP_KIND_##kind, pattern, objects},
#include "feeds/misp_types.inc"
#undef ROW
};

static const struct misp_row *row_of(struct str type)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].type.len > 0 && str_eq(rows[i].type, type))
            return &rows[i];
    if (!misp_is_hash(type))
        return NULL;
    static const struct str name = {"filename|", 9};
    return &rows[sizeof rows / sizeof rows[0] - (str_starts(type, name) ? 1 : 2)];
}

const struct misp_row *misp_row_find(const struct misp_value *value, bool *out_invalid)
{
    const struct misp_row *row = row_of(value->type);
    *out_invalid = row != NULL && !misp_fits(row->check, value);
    return *out_invalid ? NULL : row;
}

enum misp_kind misp_row_kind(const struct misp_row *row)
{
    return row->kind;
}

bool misp_row_has_observables(const struct misp_row *row)
{
    return row->kind == MISP_KIND_OBSERVABLE && row->objects != NULL;
}

bool misp_row_has_pattern(const struct misp_row *row)
{
    return row->pattern != NULL;
}

struct str misp_row_language(const struct misp_row *row)
{
    return row->kind == MISP_KIND_RULE ? row->type : STR("stix");
}

static struct misp_fill fill_of(const struct misp_row *row, const struct misp_value *value,
                                enum misp_quoting quoting)
{
    return (struct misp_fill) {.check = row->check, .value = value, .quoting = quoting};
}

void misp_row_pattern(const struct misp_row *row, const struct misp_value *value, struct buf *out)
{
    struct misp_fill fill =
        fill_of(row, value, row->kind == MISP_KIND_RULE ? MISP_QUOTE_NONE : MISP_QUOTE_PATTERN);
    (void)misp_fill(&fill, row->pattern, '\0', out);
}

void misp_row_sdo(const struct misp_row *row, const struct misp_value *value, struct str *out_type,
                  struct buf *out)
{
    const char *space = strchr(row->objects, ' ');
    must(space != NULL);
    *out_type = (struct str) {row->objects, (size_t)(space - row->objects)};
    struct misp_fill fill = fill_of(row, value, MISP_QUOTE_JSON);
    (void)misp_fill(&fill, space + 1, '\0', out);
}

void misp_row_observables(const struct misp_row *row, const struct misp_value *value, struct str tail,
                          struct buf *out, struct buf *refs)
{
    const char *at = row->objects;
    const struct misp_fill plain = fill_of(row, value, MISP_QUOTE_NONE),
                           quoted = fill_of(row, value, MISP_QUOTE_JSON);
    for (;;) {
        size_t id = refs->len;
        buf_printf(refs, "%s\"", id > 0 ? "," : "");
        size_t type = refs->len;
        at = misp_fill(&plain, at, ' ', refs);
        size_t type_len = refs->len - type;
        buf_printf(refs, "--%.*s\"", STR_ARG(value->uuid));
        if (buf_err(refs) != ERR_OK)
            return;
        struct str name = {(const char *)refs->at + type, type_len};
        buf_printf(out, "{\"type\":\"%.*s\",\"spec_version\":\"2.1\",\"id\":\"%.*s--%.*s\",", STR_ARG(name),
                   STR_ARG(name), STR_ARG(value->uuid));
        at = misp_fill(&quoted, at + 1, ';', out);
        buf_put_str(out, tail);
        buf_put_str(out, STR("},"));
        if (*at == '\0')
            return;
        at++;
    }
}
