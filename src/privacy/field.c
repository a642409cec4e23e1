#include "privacy/field.h"

#include "privacy/scan.h"

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
    for (size_t i = 0; direct && i < ROWS; i++) {
        const struct row *row = &rows[i];
        if (row->name.len != name.len || name.len == 0 || row->name.at[0] != str_lower(name.at[0]) ||
            !str_same(row->name, name))
            continue;
        if ((row->type.len == 0 || str_eq(row->type, type)) && (row->field.needs & ~is) == 0)
            return row->field;
    }
    return (struct field) {PRIVACY_TEXT, FIELD_LOOK, 0};
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
        [PRIVACY_TEXT] = 0,   [PRIVACY_INDICATOR] = 1, [PRIVACY_SENDER] = 2,
        [PRIVACY_PERSON] = 3, [PRIVACY_VICTIM_OF] = 4,
    };
    must(a < PRIVACY_ROLES && b < PRIVACY_ROLES);
    return strictness[b] > strictness[a] ? b : a;
}

/* An address, an account or a card may be what is shared; a password only as a part of such a text. */
static bool may_be_shared(const struct privacy_hit *hit)
{
    if (hit->kind == PRIVACY_CREDENTIAL)
        return (hit->reasons & PRIVACY_FIELD) == 0;
    return (PRIVACY_FACT(hit->kind) &
            (PRIVACY_FACT(PRIVACY_EMAIL) | PRIVACY_FACT(PRIVACY_ACCOUNT) | PRIVACY_FACT(PRIVACY_KR_PHONE) |
             PRIVACY_FACT(PRIVACY_US_PHONE) | PRIVACY_FACT(PRIVACY_PHONE) | PRIVACY_FACT(PRIVACY_CARD))) != 0;
}

enum privacy_role field_role_of(enum privacy_role role, const struct privacy_hit *hit)
{
    bool shared = may_be_shared(hit) || hit->kind == PRIVACY_NAME;
    return (role == PRIVACY_INDICATOR || role == PRIVACY_SENDER) && !shared ? PRIVACY_TEXT : role;
}

enum { SCORE_PERHAPS = 55 }; /* a hit, and no more than that */

void field_keep_whole(struct privacy_hits *hits, enum field_own own, unsigned is, struct str text,
                      size_t from, size_t len)
{
    static const struct {
        enum privacy_kind kind;
        uint8_t score;
    } wholes[] = {
        [FIELD_NAME] = {PRIVACY_NAME, 80},
        [FIELD_ACCOUNT] = {PRIVACY_ACCOUNT, 70},
        [FIELD_CREDENTIAL] = {PRIVACY_CREDENTIAL, 95},
        [FIELD_VICTIM] = {PRIVACY_VICTIM, 60},
    };
    struct str value = {text.at + from, len};
    bool perhaps = own == FIELD_NAME && (is & FIELD_PERHAPS) != 0;
    bool shared = own == FIELD_ACCOUNT && (token_is_system(value) || (is & FIELD_SERVICE) != 0);
    if (own != FIELD_VICTIM && field_is_covered(value))
        return;
    scan_keep(hits, &(struct privacy_hit) {
                        .kind = wholes[own].kind,
                        .score = shared    ? 30
                                 : perhaps ? SCORE_PERHAPS
                                           : wholes[own].score,
                        .reasons = shared    ? PRIVACY_FIELD | PRIVACY_SHARED
                                   : perhaps ? PRIVACY_UNCLASSED
                                             : PRIVACY_FIELD,
                        .text = text,
                        .from = from,
                        .len = len,
                    });
}
