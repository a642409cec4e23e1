/* One object, string by string: the field's role first, then what is in it. No recursion. */
#include <string.h>

#include "core/limit.h"
#include "privacy/field.h"
#include "privacy/scan.h"
#include "stix/pattern.h"

struct walk {
    struct privacy_hits *hits;
    struct arena *arena;
    enum privacy_role role; /* of the object, as its neighbours have it */
    struct str pattern;     /* of an indicator, when all in it is the attacker's; else empty */
    struct frame {
        struct json_iter iter;
        bool is_object, structural;
        bool direct;     /* members are fields of an object of `type` */
        struct str type; /* of the object whose members these are */
        unsigned is;     /* FIELD_* */
        struct str name; /* member in hand, or the list's */
        size_t index;    /* of the element in hand, plus one */
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
            put_token(&buf, frame->name);
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

static void keep_whole(struct walk *walk, const struct frame *frame, const struct field *field,
                       struct str text)
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
    bool shared = field->own == FIELD_ACCOUNT && (token_is_system(text) || (frame->is & FIELD_SERVICE) != 0);
    if (text.len == 0)
        return;
    scan_keep(walk->hits, &(struct privacy_hit) {
                              .kind = wholes[field->own].kind,
                              .score = shared ? 30 : wholes[field->own].score,
                              .reasons = shared ? PRIVACY_FIELD | PRIVACY_SHARED : PRIVACY_FIELD,
                              .text = text,
                              .len = text.len,
                          });
}

/* An address, an account or a card may be what is shared; a person's number never is. */
static bool may_be_indicator(enum privacy_kind kind)
{
    return (PRIVACY_FACT(kind) &
            (PRIVACY_FACT(PRIVACY_EMAIL) | PRIVACY_FACT(PRIVACY_ACCOUNT) | PRIVACY_FACT(PRIVACY_KR_PHONE) |
             PRIVACY_FACT(PRIVACY_US_PHONE) | PRIVACY_FACT(PRIVACY_PHONE) | PRIVACY_FACT(PRIVACY_CARD))) != 0;
}

static bool names_recipient(const struct stix_pattern *pattern, const struct stix_pattern_node *node)
{
    for (uint32_t i = 0; i < node->step_count; i++) {
        struct str key = pattern->steps[node->step + i].key;
        if (pattern->steps[node->step + i].kind == STIX_PATTERN_KEY &&
            privacy_ref_role(node->type, key) == PRIVACY_VICTIM_OF)
            return true;
    }
    return false;
}

/* Constants of comparisons with to_refs and the like are the victim's. Both lists are in the order of the
 * text. */
static void look_at_pattern(struct walk *walk, struct str text, size_t first)
{
    struct stix_pattern pattern;
    size_t at = first;
    err_t err = stix_pattern_parse(text, STIX_PATTERN_2_1, walk->arena, &pattern, NULL, NULL);
    if (err == ERR_NOMEM)
        walk->err = err;
    for (uint32_t i = 0; err == ERR_OK && i < pattern.node_count && at < walk->hits->count; i++) {
        const struct stix_pattern_node *node = &pattern.nodes[i];
        if (node->kind != STIX_PATTERN_COMPARISON || node->constant_count == 0)
            continue;
        const struct stix_pattern_constant *last =
            &pattern.constants[node->constant + node->constant_count - 1];
        size_t end = (size_t)(last->text.at - text.at) + last->text.len;
        bool recipient = names_recipient(&pattern, node);
        for (; at < walk->hits->count && walk->hits->at[at].from < end; at++)
            if (recipient && walk->hits->at[at].from >= node->offset)
                walk->hits->at[at].role = PRIVACY_VICTIM_OF;
    }
}

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

static enum privacy_role role_of(const struct walk *walk, enum privacy_role role, enum privacy_kind kind,
                                 struct str value)
{
    if (role == PRIVACY_TEXT && may_be_indicator(kind) && stands_in_pattern(walk, value))
        return PRIVACY_INDICATOR;
    return role == PRIVACY_INDICATOR && !may_be_indicator(kind) ? PRIVACY_TEXT : role;
}

static void take_string(struct walk *walk, const struct frame *frame, const struct field *field,
                        struct str text)
{
    size_t first = walk->hits->count;
    enum privacy_role role = field->role;
    if ((field->needs & FIELD_NAMES) != 0 && walk->role != PRIVACY_TEXT && walk->depth == 1)
        role = walk->role;
    if (field->own >= FIELD_NAME)
        keep_whole(walk, frame, field, text);
    else
        privacy_text(text, frame->name, walk->hits);
    if (walk->hits->count == first)
        return;
    struct str pointer = pointer_make(walk);
    for (size_t i = first; i < walk->hits->count; i++) {
        struct privacy_hit *hit = &walk->hits->at[i];
        hit->pointer = pointer;
        hit->role = role_of(walk, role, hit->kind, privacy_value(hit));
    }
    if (field->own == FIELD_PATTERN)
        look_at_pattern(walk, text, first);
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

static void look_at_object(struct json_val object, struct frame *frame)
{
    struct str target;
    if (!json_get_str(object, STR("type"), &frame->type))
        frame->type = STR("");
    frame->direct = true;
    frame->is = FIELD_NAMES;
    if (str_eq(frame->type, STR("identity")) && is_word(object, "identity_class", "individual"))
        frame->is |= FIELD_INDIVIDUAL;
    if (str_eq(frame->type, STR("relationship")) && is_word(object, "relationship_type", "targets") &&
        json_get_str(object, STR("target_ref"), &target) && str_starts(target, STR("identity--")))
        frame->is |= FIELD_TARGETS;
    if (str_eq(frame->type, STR("user-account")) && is_true(object, "is_service_account"))
        frame->is |= FIELD_SERVICE;
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
    if (from == NULL || (is_object && from->is_object && str_eq(from->type, STR("observables")))) {
        look_at_object(value, frame);
        return;
    }
    frame->name = from->name;
    frame->structural = from->structural ||
                        field_find(from->type, from->name, from->direct, from->is).role == PRIVACY_STRUCTURAL;
    if (!is_object) {
        frame->type = from->type;
        frame->direct = from->direct;
        frame->is = from->is;
    } else if (from->direct && str_eq(from->name, STR("additional_header_fields"))) {
        frame->type = STR("headers");
        frame->direct = true;
    } else if (from->direct && str_eq(from->type, STR("observed-data")) &&
               str_eq(from->name, STR("objects"))) {
        frame->type = STR("observables");
    }
}

static void take(struct walk *walk, struct json_val value)
{
    const struct frame *frame = &walk->stack[walk->depth - 1];
    enum json_type type = json_type(value);
    if (type == JSON_ARRAY || type == JSON_OBJECT) {
        enter(walk, frame, value);
        return;
    }
    if (type != JSON_STRING || frame->structural)
        return;
    struct field field = field_find(frame->type, frame->name, frame->direct, frame->is);
    if (field.role != PRIVACY_STRUCTURAL && field.own != FIELD_NOTHING)
        take_string(walk, frame, &field, json_str(value));
}

/* A pattern that follows references may hold the victim's address as well. */
static bool names_refs(struct str pattern)
{
    for (; pattern.len >= 5; pattern.at++, pattern.len--)
        if (str_starts(pattern, STR("_refs")))
            return true;
    return false;
}

err_t privacy_object(struct json_val object, enum privacy_role role, struct arena *arena,
                     struct privacy_hits *hits)
{
    struct walk walk = {.hits = hits, .arena = arena, .role = role, .pattern = STR("")};
    struct json_val value;
    if (!json_is(object, JSON_OBJECT))
        return ERR_INVALID;
    enter(&walk, NULL, object);
    if (!is_word(object, "type", "indicator") || !json_get_str(object, STR("pattern"), &walk.pattern) ||
        walk.pattern.len > LIMIT_PRIVACY_PATTERN || names_refs(walk.pattern))
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
