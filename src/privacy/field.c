#include "privacy/field.h"

static const struct row {
    struct str type, name;
    struct field field;
} rows[] = {
#define FIELD_0 0u
#define FIELD(type, name, role, own, needs)                                                                  \
    {{type, sizeof type - 1}, {name, sizeof name - 1}, {PRIVACY_##role, FIELD_##own, FIELD_##needs}},
#include "privacy/role.inc"
#undef FIELD
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static bool is_reference(struct str name)
{
    return str_ends(name, STR("_ref")) || str_ends(name, STR("_refs"));
}

struct field field_find(struct str type, struct str name, bool direct, unsigned is)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        if (row->name.len != name.len || name.len == 0 || row->name.at[0] != str_lower(name.at[0]) ||
            !str_same(row->name, name))
            continue;
        if (row->type.len == 0 || (direct && str_eq(row->type, type)))
            if ((row->field.needs & ~is) == 0)
                return row->field;
    }
    return (struct field) {is_reference(name) ? PRIVACY_STRUCTURAL : PRIVACY_TEXT, FIELD_LOOK, 0};
}

enum privacy_role privacy_ref_role(struct str type, struct str property)
{
    for (size_t i = 0; i < ROWS; i++)
        if (str_eq(rows[i].type, type) && str_eq(rows[i].name, property) && rows[i].field.needs == 0 &&
            is_reference(property))
            return rows[i].field.role;
    return PRIVACY_TEXT;
}

enum privacy_role privacy_role_stricter(enum privacy_role a, enum privacy_role b)
{
    /* Text is what is known of nobody: anything else tells more. */
    static const uint8_t strictness[PRIVACY_ROLES] = {
        [PRIVACY_TEXT] = 0,   [PRIVACY_STRUCTURAL] = 0, [PRIVACY_INDICATOR] = 1,
        [PRIVACY_SENDER] = 2, [PRIVACY_PERSON] = 3,     [PRIVACY_VICTIM_OF] = 4};
    must(a < PRIVACY_ROLES && b < PRIVACY_ROLES);
    return strictness[b] > strictness[a] ? b : a;
}
