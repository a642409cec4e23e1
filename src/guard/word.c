#include "guard/word.h"

#include "guard/mark.h"
#include "guard/scan.h"

enum { TIME_MIN = 20, TIME_MAX = 32, NAME_MAX = 64 };

/* Places in a form. One that stands there twice holds the same twice. */
enum slot {
    SLOT_END,
    SLOT_OWN,
    SLOT_SELF,
    SLOT_ABOUT,
    SLOT_TYPE,
    SLOT_CREATED,
    SLOT_AT,
    SLOT_SAID,
    SLOT_LEVEL,
    SLOT_NAME,
    SLOTS
};
#define TEXT(literal)                                                                                        \
    {                                                                                                        \
        literal, sizeof(literal) - 1                                                                         \
    }
#define OWN     "\1"
#define SELF    "\2"
#define ABOUT   "\3"
#define TYPE    "\4"
#define CREATED "\5"
#define AT      "\6"
#define SAID    "\7"
#define LEVEL   "\10"
#define NAME    "\11"

#define MARKED   ",\"object_marking_refs\":[\"" LEVEL "\"]}"
#define REVOKED  ",\"created\":\"" CREATED "\",\"modified\":\"" AT "\",\"revoked\":true,"
#define WHOSE    "\"spec_version\":\"2.1\",\"id\":\"" ABOUT "\",\"created_by_ref\":\"" SELF "\""
#define NODE_AGE "\"2026-01-01T00:00:00.000Z\""

static const struct {
    enum word_kind kind;
    const char *form;
} forms[] = {
    {WORD_NOTE,
     "{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":\"" OWN "\",\"created_by_ref\":\"" SELF
     "\",\"created\":\"" AT "\",\"modified\":\"" AT "\",\"abstract\":\"taken back\",\"content\":\"" ABOUT
     " " SAID "\",\"object_refs\":[\"" ABOUT "\"]" MARKED},
    {WORD_REVOKED, "{\"type\":\"" TYPE "\"," WHOSE REVOKED "\"name\":\"taken back\"" MARKED},
    {WORD_REVOKED,
     "{\"type\":\"indicator\"," WHOSE REVOKED
     "\"pattern\":\"taken back\",\"pattern_type\":\"taken-back\",\"valid_from\":\"" AT "\"" MARKED},
    {WORD_SELF,
     "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"" SELF "\",\"created\":" NODE_AGE
     ",\"modified\":" NODE_AGE ",\"name\":\"" NAME "\",\"identity_class\":\"system\",\"object_marking_refs\":"
     "[\"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487\"]}"},
};

static const struct str said[] = {
    TEXT("was called back. Delete it, and what was made from it."),
    TEXT("was replaced by an object that says less. Delete it, and use that one."),
    TEXT("was given for a time that is over, or may not be kept any more. Delete it."),
    TEXT("is no longer current. Do not rely on it any more."),
    TEXT("was revoked by whoever made it. Do not rely on it any more."),
};

/* Whose name alone is required. */
static const struct str named[] = {
    TEXT("attack-pattern"), TEXT("campaign"),       TEXT("course-of-action"), TEXT("identity"),
    TEXT("incident"),       TEXT("infrastructure"), TEXT("intrusion-set"),    TEXT("threat-actor"),
    TEXT("tool"),           TEXT("vulnerability"),
};

static bool is_one_of(const struct str *list, size_t count, struct str text)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i], text))
            return true;
    return false;
}

/* 2026-11-23T06:10:00.123456Z */
static bool is_time(struct str text)
{
    static const char shape[] = "0000-00-00T00:00:00";
    if (text.len < TIME_MIN || text.len > TIME_MAX || text.at[text.len - 1] != 'Z')
        return false;
    for (size_t i = 0; i + 1 < text.len; i++) {
        char wanted = i < sizeof shape - 1 ? shape[i] : i == sizeof shape - 1 ? '.' : '0';
        bool digit = text.at[i] >= '0' && text.at[i] <= '9';
        if (wanted == '0' ? !digit : text.at[i] != wanted)
            return false;
    }
    return true;
}

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.at[i] <= ' ' || text.at[i] == '"' || text.at[i] == '\\')
            return false;
    return text.len > 0 && text.len <= NAME_MAX;
}

/* Up to the quote or blank that follows each place; what was said has blanks of its own. */
static size_t extent(enum slot slot, struct str rest)
{
    size_t len = 0;
    for (size_t i = 0; slot == SLOT_SAID && i < sizeof said / sizeof said[0]; i++)
        if (str_starts(rest, said[i]))
            return said[i].len;
    while (len < rest.len && rest.at[len] != '"' && rest.at[len] != ' ')
        len++;
    return len;
}

static bool fill(const char *form, struct str rest, struct str slots[SLOTS])
{
    for (; *form != '\0'; form++) {
        enum slot slot = (uint8_t)*form < SLOTS ? (enum slot)(uint8_t)*form : SLOT_END;
        struct str value = {rest.at, slot == SLOT_END ? 1 : extent(slot, rest)};
        if (rest.len == 0 || value.len == 0 || (slot == SLOT_END && *rest.at != *form) ||
            (slot != SLOT_END && slots[slot].len > 0 && !str_eq(slots[slot], value)))
            return false;
        slots[slot] = value;
        rest = (struct str) {rest.at + value.len, rest.len - value.len};
    }
    return rest.len == 0;
}

static bool is_of(struct str id, struct str type)
{
    return scan_is_id(id) && id.len > type.len + 2 && str_starts(id, type) && id.at[type.len] == '-' &&
           id.at[type.len + 1] == '-';
}

/* Does each place hold what belongs there? */
static bool fits(enum word_kind kind, const struct str slots[SLOTS], struct str self)
{
    struct str type = slots[SLOT_TYPE].len > 0 ? slots[SLOT_TYPE] : STR("indicator");
    if (!str_eq(slots[SLOT_SELF], self))
        return false;
    if (kind == WORD_SELF)
        return is_of(self, STR("identity")) && is_name(slots[SLOT_NAME]);
    if (!is_time(slots[SLOT_AT]) || mark_level(slots[SLOT_LEVEL]) == GUARD_UNMARKED)
        return false;
    if (kind == WORD_NOTE)
        return is_of(slots[SLOT_OWN], STR("note")) && scan_is_id(slots[SLOT_ABOUT]) &&
               is_one_of(said, sizeof said / sizeof said[0], slots[SLOT_SAID]);
    return is_time(slots[SLOT_CREATED]) && is_of(slots[SLOT_ABOUT], type) &&
           (slots[SLOT_TYPE].len == 0 || is_one_of(named, sizeof named / sizeof named[0], type));
}

struct word word_read(struct bytes object, struct str self)
{
    struct word word = {WORD_NONE, {NULL, 0}, {NULL, 0}};
    for (size_t i = 0; self.len > 0 && i < sizeof forms / sizeof forms[0]; i++) {
        struct str slots[SLOTS] = {{NULL, 0}};
        if (!fill(forms[i].form, str_from_bytes(object), slots) || !fits(forms[i].kind, slots, self))
            continue;
        word.kind = forms[i].kind;
        word.about = slots[SLOT_ABOUT];
        word.own = word.kind == WORD_NOTE ? slots[SLOT_OWN] : word.kind == WORD_SELF ? self : word.about;
        break;
    }
    return word;
}
