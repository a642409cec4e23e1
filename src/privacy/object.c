/* One object, string by string: the field's role first, then what is in it. No recursion. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/limit.h"
#include "privacy/field.h"
#include "privacy/scan.h"

struct walk {
    struct privacy_hits *hits;
    struct arena *arena;
    enum privacy_role role; /* of the object, as its neighbours have it */
    struct str pattern;     /* of an indicator, when all in it is the attacker's; else empty */
    struct str language;    /* of the pattern */
    struct frame {
        struct json_iter iter;
        bool is_object;
        bool direct;      /* members are fields of an object of `type` */
        struct str type;  /* of the object whose members these are */
        unsigned is;      /* FIELD_* */
        struct str name;  /* member in hand, or the list's */
        struct str shown; /* the same in pointers: nothing that was found in it */
        size_t index;     /* of the element in hand, plus one */
    } stack[LIMIT_JSON_DEPTH + 1];
    size_t depth;
    err_t err;
};

/* --- where --- */

static void put_token(struct buf *buf, struct str name)
{
    buf_putc(buf, '/');
    for (size_t i = 0; i < name.len && buf->len < LIMIT_PRIVACY_POINTER; i++) {
        if (name.at[i] == '~')
            buf_put_str(buf, STR("~0"));
        else if (name.at[i] == '/')
            buf_put_str(buf, STR("~1"));
        else
            buf_putc(buf, name.at[i]);
    }
}

/* Of the string in hand, in the arena. */
static struct str pointer_make(struct walk *walk)
{
    struct buf buf;
    buf_init(&buf, LIMIT_PRIVACY_POINTER + LIMIT_JSON_DEPTH * 24);
    for (size_t i = 0; i < walk->depth; i++) {
        const struct frame *frame = &walk->stack[i];
        if (frame->is_object)
            put_token(&buf, frame->shown);
        else
            buf_printf(&buf, "/%zu", frame->index - 1);
    }
    struct str pointer = buf_err(&buf) == ERR_OK ? arena_str(walk->arena, buf_str(&buf)) : (struct str) {0};
    if (pointer.at == NULL)
        walk->err = ERR_NOMEM;
    buf_deinit(&buf);
    return pointer;
}

/* --- what --- */

/* An indicator's name often is the address that stands in its pattern. */
static bool stands_in_pattern(const struct walk *walk, struct str value)
{
    struct str rest = walk->pattern;
    while (value.len > 0 && rest.len >= value.len) {
        const char *at = memchr(rest.at, value.at[0], rest.len - value.len + 1);
        if (at == NULL)
            return false;
        if (str_eq_bytes(at, value.at, value.len))
            return true;
        rest.len -= (size_t)(at + 1 - rest.at);
        rest.at = at + 1;
    }
    return false;
}

static enum privacy_role role_of(const struct walk *walk, enum privacy_role role,
                                 const struct privacy_hit *hit)
{
    bool may_be = hit->kind != PRIVACY_NAME && field_role_of(PRIVACY_INDICATOR, hit) == PRIVACY_INDICATOR;
    if (role == PRIVACY_TEXT && may_be && stands_in_pattern(walk, privacy_value(hit)))
        return PRIVACY_INDICATOR;
    return field_role_of(role, hit);
}

/* Everything found from `first` on. */
static void place(struct walk *walk, size_t first, bool fixed)
{
    struct str pointer = walk->hits->count > first ? pointer_make(walk) : STR("");
    for (size_t i = first; i < walk->hits->count; i++) {
        walk->hits->at[i].pointer = pointer;
        walk->hits->at[i].fixed = fixed;
    }
}

static void assign(struct walk *walk, enum privacy_role role, size_t first)
{
    for (size_t i = first; i < walk->hits->count; i++) {
        struct privacy_hit *hit = &walk->hits->at[i];
        hit->role = role_of(walk, role, hit);
    }
}

/* <20261122.1@mail.example.com> names a message. */
static void drop_message_ids(struct privacy_hits *hits, size_t first)
{
    size_t kept = first;
    for (size_t i = first; i < hits->count; i++) {
        const struct privacy_hit *hit = &hits->at[i];
        size_t end = hit->from + hit->len;
        bool names_one = hit->kind == PRIVACY_EMAIL && hit->from > 0 && hit->text.at[hit->from - 1] == '<' &&
                         end < hit->text.len && hit->text.at[end] == '>';
        if (!names_one)
            hits->at[kept++] = *hit;
    }
    hits->count = kept;
}

static bool has_letter(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (scan_is_letter((uint8_t)text.at[i]) || (uint8_t)text.at[i] >= 0x80)
            return true;
    return false;
}

/* A hit that was kept last, to where it stands in the text. */
static void sort_last(struct privacy_hits *hits, size_t first)
{
    struct privacy_hit last = hits->at[hits->count - 1];
    size_t i = hits->count - 1;
    for (; i > first && hits->at[i - 1].from > last.from; i--)
        hits->at[i] = hits->at[i - 1];
    hits->at[i] = last;
}

/* What may be a person's name, or an address, or both: each part is what it is. */
static void take_perhaps(struct walk *walk, const struct frame *frame, struct str text)
{
    struct privacy_hits *hits = walk->hits;
    size_t first = hits->count, from = 0;
    privacy_text(text, frame->name, hits);
    for (size_t i = first; from < text.len; i++) {
        bool more = i < hits->count;
        size_t end = more ? hits->at[i].from : text.len, next = more ? end + hits->at[i].len : text.len;
        size_t count = hits->count;
        if (end > from && has_letter((struct str) {text.at + from, end - from}))
            field_keep_whole(hits, FIELD_NAME, frame->is, text, from, end - from);
        if (hits->count > count) {
            sort_last(hits, first);
            i += more;
        }
        from = next;
    }
}

static void take_string(struct walk *walk, const struct frame *frame, const struct field *field,
                        struct str text)
{
    size_t first = walk->hits->count;
    enum privacy_role role = field->role;
    struct str type;
    if ((field->needs & FIELD_NAMES) != 0 && walk->role != PRIVACY_TEXT && walk->depth == 1)
        role = walk->role;
    if ((field->needs & FIELD_PERHAPS) != 0 && field->own == FIELD_NAME)
        take_perhaps(walk, frame, text);
    else if (field->own >= FIELD_NAME)
        field_keep_whole(walk->hits, field->own, frame->is, text, 0, text.len);
    else if (value_is_identifier(text, &type))
        privacy_text(type, frame->name, walk->hits);
    else if (!value_is_time(text) && !(field->own == FIELD_BYTES && value_is_bytes(text)))
        privacy_text(text, frame->name, walk->hits);
    if (field->own == FIELD_MESSAGE)
        drop_message_ids(walk->hits, first);
    assign(walk, role, first);
    if (field->own == FIELD_PATTERN && rule_is_known(walk->language))
        rule_judge(walk->language, text, first, walk->hits);
    else if (field->own == FIELD_PATTERN)
        walk->err = pattern_judge(text, first, walk->arena, walk->hits);
    place(walk, first, field->own == FIELD_FIXED || field->own == FIELD_PATTERN);
}

/* --- numbers --- */

enum { NUMBER_DIGITS_MIN = 9, NUMBER_DIGITS_MAX = 24, REGISTRATION_DIGITS = 13 };

/* Of an integer; 0: it has fewer than any identifier. Beyond 2^53 a double is nobody's number. */
static size_t put_digits(struct json_val value, char out[NUMBER_DIGITS_MAX])
{
    int len = 0;
    if (json_is(value, JSON_INT) && json_int(value) > 0)
        len = snprintf(out, NUMBER_DIGITS_MAX, "%lld", (long long)json_int(value));
    else if (json_is(value, JSON_UINT))
        len = snprintf(out, NUMBER_DIGITS_MAX, "%llu", (unsigned long long)json_uint(value));
    else if (json_is(value, JSON_DOUBLE) && json_double(value) > 0 && json_double(value) < 0x1p53 &&
             floor(json_double(value)) == json_double(value))
        len = snprintf(out, NUMBER_DIGITS_MAX, "%.0f", json_double(value));
    return len >= NUMBER_DIGITS_MIN ? (size_t)len : 0;
}

/* Looks at digits as they would stand in a text, behind `zeros` that a number has lost: these are there only
 * when the member's name says so. */
static bool take_digits(struct walk *walk, struct str digits, size_t zeros)
{
    size_t first = walk->hits->count;
    bool good = false;
    char text[NUMBER_DIGITS_MAX + REGISTRATION_DIGITS];
    memset(text, '0', zeros);
    memcpy(text + zeros, digits.at, digits.len);
    struct str whole = {text, zeros + digits.len};
    privacy_text(whole, walk->stack[walk->depth - 1].name, walk->hits);
    for (size_t i = first; i < walk->hits->count; i++)
        good = good || (walk->hits->at[i].score >= PRIVACY_SCORE_HIT &&
                        (zeros == 0 || (walk->hits->at[i].reasons & PRIVACY_LABEL) != 0));
    struct str kept = good ? arena_str(walk->arena, whole) : (struct str) {0};
    if (good && kept.at == NULL)
        walk->err = ERR_NOMEM;
    if (kept.at == NULL)
        walk->hits->count = first;
    for (size_t i = first; i < walk->hits->count; i++)
        walk->hits->at[i].text = kept;
    assign(walk, PRIVACY_TEXT, first);
    place(walk, first, true);
    return good;
}

static void take_number(struct walk *walk, struct json_val value)
{
    char text[NUMBER_DIGITS_MAX];
    struct str digits = {text, put_digits(value, text)};
    if (digits.len == 0 || take_digits(walk, digits, 0))
        return;
    if (digits.len >= 10 && digits.len < REGISTRATION_DIGITS &&
        take_digits(walk, digits, REGISTRATION_DIGITS - digits.len))
        return;
    if (digits.len <= 10)
        (void)take_digits(walk, digits, 1);
}

/* --- names of members --- */

/* Those of the standard are of letters and marks. */
static bool is_plain(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!scan_is_letter((uint8_t)name.at[i]) && name.at[i] != '_' && name.at[i] != '-')
            return false;
    return true;
}

static void take_name(struct walk *walk)
{
    struct frame *frame = &walk->stack[walk->depth - 1];
    size_t first = walk->hits->count;
    frame->shown = frame->name;
    if (is_plain(frame->name))
        return;
    scan_name(frame->name, walk->depth > 1 ? walk->stack[walk->depth - 2].name : STR(""), walk->hits);
    if (walk->hits->count == first)
        return;
    struct buf masked;
    buf_init(&masked, LIMIT_OBJECT_BYTES * 3u);
    privacy_mask(frame->name, walk->hits->at + first, walk->hits->count - first, &masked);
    frame->shown = buf_err(&masked) == ERR_OK ? arena_str(walk->arena, buf_str(&masked)) : (struct str) {0};
    if (frame->shown.at == NULL)
        walk->err = ERR_NOMEM;
    buf_deinit(&masked);
    assign(walk, PRIVACY_TEXT, first);
    place(walk, first, true);
}

/* --- the walk --- */

static bool is_word(struct json_val object, const char *name, const char *word)
{
    struct str text;
    return json_get_str(object, str_of(name), &text) && str_eq(text, str_of(word));
}

static bool is_true(struct json_val object, const char *name)
{
    struct json_val value;
    return json_get(object, str_of(name), &value) && json_is(value, JSON_TRUE);
}

/* An open vocabulary: as people write it. */
static bool is_one_person(struct json_val identity)
{
    static const struct str words[] = {
        {"individual", 10}, {"person", 6}, {"natural-person", 14}, {"natural person", 14}, {"개인", 6},
    };
    struct str class;
    if (!json_get_str(identity, STR("identity_class"), &class))
        return false;
    class = str_trim(class);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_same(class, words[i]))
            return true;
    return false;
}

static bool has_sectors(struct json_val identity)
{
    struct json_val sectors;
    struct json_val one;
    if (!json_get(identity, STR("sectors"), &sectors) || !json_is(sectors, JSON_ARRAY))
        return false;
    struct json_iter iter = json_array_iter(sectors);
    return json_array_next(&iter, &one);
}

/* The class is optional. Without one it is a person's as long as nothing says otherwise. */
static bool is_perhaps_one(struct json_val identity)
{
    struct str class, name;
    bool says = json_get_str(identity, STR("identity_class"), &class) && str_trim(class).len > 0 &&
                !str_same(str_trim(class), STR("unknown"));
    return !says && !has_sectors(identity) &&
           !(json_get_str(identity, STR("name"), &name) && scan_says_organisation(name));
}

static unsigned is_who(struct json_val identity)
{
    return is_one_person(identity) ? FIELD_INDIVIDUAL : is_perhaps_one(identity) ? FIELD_PERHAPS : 0;
}

/* A translation does not say of whom: the name of any identity may be a person's, and of what another
 * translation is about. */
static unsigned is_what(struct json_val object, struct str type)
{
    struct str id;
    if (str_eq(type, STR("identity")))
        return is_who(object);
    if (str_eq(type, STR("language-content")))
        return json_get_str(object, STR("object_ref"), &id) &&
                       (str_starts(id, STR("identity--")) || str_starts(id, STR("language-content--")))
                   ? FIELD_INDIVIDUAL
                   : 0;
    if (str_eq(type, STR("relationship")))
        return is_word(object, "relationship_type", "targets") &&
                       json_get_str(object, STR("target_ref"), &id) && str_starts(id, STR("identity--"))
                   ? FIELD_TARGETS
                   : 0;
    return str_eq(type, STR("user-account")) && is_true(object, "is_service_account") ? FIELD_SERVICE : 0;
}

static void look_at_object(struct json_val object, struct frame *frame)
{
    if (!json_get_str(object, STR("type"), &frame->type))
        frame->type = STR("");
    frame->direct = true;
    frame->is = FIELD_NAMES | is_what(object, frame->type);
}

/* What the standard puts below a member: `below` is the type of its members, which no object can have. */
static const struct {
    struct str type, name, below;
} places[] = {
    {{"email-message", 13}, {"additional_header_fields", 24}, {".headers", 8}},
    {{"observed-data", 13}, {"objects", 7}, {".observables", 12}},
    {{"language-content", 16}, {"contents", 8}, {".contents", 9}},
};

static struct str below(const struct frame *from)
{
    if (str_eq(from->type, STR(".contents")))
        return STR(".translation");
    if (str_eq(from->type, STR(".translation")) && str_eq(from->name, STR("contents")))
        return STR(".contents"); /* of what is itself a translation */
    for (size_t i = 0; from->direct && i < sizeof places / sizeof places[0]; i++)
        if (str_eq(from->type, places[i].type) && str_eq(from->name, places[i].name))
            return places[i].below;
    return STR("");
}

/* `from`: what holds it; NULL for the root. */
static void enter(struct walk *walk, const struct frame *from, struct json_val value)
{
    if (walk->depth == sizeof walk->stack / sizeof walk->stack[0])
        return;
    struct frame *frame = &walk->stack[walk->depth++];
    bool is_object = json_is(value, JSON_OBJECT);
    *frame = (struct frame) {.is_object = is_object,
                             .iter = is_object ? json_object_iter(value) : json_array_iter(value),
                             .type = STR(""),
                             .name = STR("")};
    if (from == NULL || (is_object && from->is_object && str_eq(from->type, STR(".observables")))) {
        look_at_object(value, frame);
        return;
    }
    frame->name = from->name;
    frame->is = from->is;
    if (!is_object) {
        frame->type = from->type;
        frame->direct = from->direct;
    } else if (from->is_object) {
        frame->type = below(from);
        frame->direct = str_eq(frame->type, STR(".headers")) || str_eq(frame->type, STR(".translation"));
    }
}

static void take(struct walk *walk, struct json_val value)
{
    const struct frame *frame = &walk->stack[walk->depth - 1];
    enum json_type type = json_type(value);
    if (frame->is_object)
        take_name(walk);
    if (type == JSON_ARRAY || type == JSON_OBJECT) {
        enter(walk, frame, value);
        return;
    }
    if (type != JSON_STRING) {
        take_number(walk, value);
        return;
    }
    struct field field = field_find(frame->type, frame->name, frame->direct, frame->is);
    take_string(walk, frame, &field, json_str(value));
}

/* A pattern that follows references or looks at headers may hold the victim's address as well, a rule its
 * author's. */
static bool may_name_others(struct str language, struct str pattern)
{
    if (rule_is_known(language))
        return true;
    for (; pattern.len >= 5; pattern.at++, pattern.len--)
        if (str_starts(pattern, STR("_refs")) || str_starts(pattern, STR("header_fields")))
            return true;
    return false;
}

err_t privacy_object(struct json_val object, enum privacy_role role, struct arena *arena,
                     struct privacy_hits *hits)
{
    struct walk walk = {.hits = hits, .arena = arena, .role = role, .pattern = STR(""), .language = STR("")};
    struct json_val value;
    if (!json_is(object, JSON_OBJECT))
        return ERR_INVALID;
    enter(&walk, NULL, object);
    if (!json_get_str(object, STR("pattern_type"), &walk.language))
        walk.language = STR("");
    if (!is_word(object, "type", "indicator") || !json_get_str(object, STR("pattern"), &walk.pattern) ||
        walk.pattern.len > LIMIT_PRIVACY_PATTERN || may_name_others(walk.language, walk.pattern))
        walk.pattern = STR("");
    while (walk.depth > 0 && walk.err == ERR_OK) {
        struct frame *frame = &walk.stack[walk.depth - 1];
        bool more = frame->is_object ? json_object_next(&frame->iter, &frame->name, &value)
                                     : json_array_next(&frame->iter, &value);
        frame->index++;
        if (more)
            take(&walk, value);
        else
            walk.depth--;
    }
    return walk.err;
}

struct privacy_facts privacy_facts(const struct privacy_hits *hits)
{
    struct privacy_facts facts = {0, hits->dropped > 0 ? 100 : 0};
    for (size_t i = 0; i < hits->count; i++) {
        const struct privacy_hit *hit = &hits->at[i];
        if (hit->score < PRIVACY_SCORE_HIT)
            continue;
        bool related = hit->role == PRIVACY_INDICATOR || hit->role == PRIVACY_SENDER;
        facts.kinds |= related ? PRIVACY_RELATED(hit->kind) : PRIVACY_FACT(hit->kind);
        if (!related && hit->score > facts.score)
            facts.score = hit->score;
    }
    return facts;
}
