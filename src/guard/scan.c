#include "guard/scan.h"

#include "core/uuid.h"
#include "core/vec.h"

enum { TAIL = 2 + UUID_TEXT_SIZE, TYPE_MIN = 3, TYPE_MAX = 250 };

/* What may come next. */
enum state { WANT_VALUE, WANT_ITEM_OR_END, WANT_KEY, WANT_KEY_OR_END, WANT_COLON, AFTER_VALUE };

/* Names that mean something to us; a list has that of its key. */
enum name { NAME_OTHER, NAME_ID, NAME_TYPE, NAME_MARKINGS, NAME_MARKING, NAME_OBJECTS, NAME_TLP };

struct scan {
    const uint8_t *at, *end;
    const struct scan_sink *sink;
    struct buf *scratch;
    enum state state;
    unsigned depth, item_depth;
    bool is_object[SCAN_DEPTH];
    uint8_t name[SCAN_DEPTH];
    /* the item in hand */
    bool in_item, has_id, is_definition;
    const uint8_t *item_at;
    char id[SCAN_ID_MAX];
    size_t id_len;
    enum guard_level marked, stated;
};

/* A string as it stands between its quotes. */
struct text {
    struct str str;
    bool escaped;
};

/* --- identifiers --- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Two vectors over the 36 characters, and the last four. */
static bool is_uuid(const char *at)
{
    static const uint8_t hyphens[32] = {0, 0, 0,   0, 0, 0, 0, 0,   255, 0, 0, 0, 0, 255, 0, 0,
                                        0, 0, 255, 0, 0, 0, 0, 255, 0,   0, 0, 0, 0, 0,   0, 0};
    for (unsigned i = 0; i < 32; i += VEC_SIZE) {
        vec v = vec_load(at + i), hyphen = vec_load(hyphens + i);
        vec good = ((vec)(v - '0' < 10) | (vec)((v | 0x20) - 'a' < 6)) & ~hyphen;
        if (vec_bits(good | ((vec)(v == '-') & hyphen)) != 0xffff)
            return false;
    }
    return is_hex(at[32]) && is_hex(at[33]) && is_hex(at[34]) && is_hex(at[35]);
}

static bool is_type_letter(char c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '-';
}

/* Letters, digits and hyphens: one bit makes the first lower case and leaves the others. */
struct str scan_lowered(struct str id, char out[SCAN_ID_MAX])
{
    size_t last = id.len - VEC_SIZE; /* the tail alone is longer */
    for (size_t i = 0; i < last; i += VEC_SIZE)
        vec_store(out + i, vec_load(id.at + i) | 0x20);
    vec_store(out + last, vec_load(id.at + last) | 0x20);
    return (struct str) {out, id.len};
}

bool scan_is_id(struct str text)
{
    if (text.len <= TAIL || text.len > SCAN_ID_MAX)
        return false;
    const char *tail = text.at + text.len - TAIL;
    if (tail[0] != '-' || tail[1] != '-' || !is_uuid(tail + 2))
        return false;
    for (const char *at = text.at; at < tail; at++)
        if (!is_type_letter(*at))
            return false;
    return true;
}

/* Does the other side take it for a reference? Sections 2.9 and 3.1: a type is three letters or more in lower
 * case, single hyphens between them. */
static bool is_reference(struct str text)
{
    if (!scan_is_id(text) || text.len < TYPE_MIN + TAIL || text.len > TYPE_MAX + TAIL)
        return false;
    char before = '-';
    for (const char *at = text.at; at < text.at + text.len - TAIL; at++) {
        if ((*at >= 'A' && *at <= 'Z') || (*at == '-' && before == '-'))
            return false;
        before = *at;
    }
    return before != '-';
}

static bool scan_words(struct str text, enum scan_role role, const struct scan_sink *sink)
{
    char id[SCAN_ID_MAX];
    for (size_t i = 1; i + TAIL <= text.len; i++) {
        if (text.at[i] != '-' || text.at[i + 1] != '-' || !is_uuid(text.at + i + 2))
            continue;
        size_t first = i;
        while (first > 0 && i - first < SCAN_ID_MAX - TAIL && is_type_letter(text.at[first - 1]))
            first--;
        if (first == i)
            continue;
        struct str found = {text.at + first, i - first + TAIL};
        if (!sink->id(sink->ctx, role, scan_lowered(found, id)))
            return false;
        i += TAIL - 1;
    }
    return true;
}

bool scan_text(struct str text, const struct scan_sink *sink)
{
    return scan_words(text, SCAN_MENTION, sink);
}

/* --- strings --- */

/* From behind the opening quote to behind the closing one. */
static bool read_string(struct scan *s, struct text *out)
{
    const uint8_t *from = s->at, *at = from;
    *out = (struct text) {.escaped = false};
    for (;;) {
        unsigned stop = VEC_SIZE;
        while (stop == VEC_SIZE && s->end - at >= VEC_SIZE) {
            stop = vec_first_special(vec_load(at));
            at += stop;
        }
        while (at < s->end && *at >= 0x20 && *at != '"' && *at != '\\')
            at++;
        if (at == s->end || *at < 0x20)
            return false;
        if (*at == '"')
            break;
        out->escaped = true;
        if (s->end - at < 2)
            return false;
        at += 2;
    }
    out->str = (struct str) {(const char *)from, (size_t)(at - from)};
    s->at = at + 1;
    return true;
}

/* Are there two hyphens in a row? Without them, or in less than the shortest identifier, there is none. */
static bool may_name(struct str text)
{
    size_t i = 0;
    if (text.len <= TAIL)
        return false;
    for (; i + VEC_SIZE < text.len; i += VEC_SIZE) {
        vec pairs = (vec)(vec_load(text.at + i) == '-') & (vec)(vec_load(text.at + i + 1) == '-');
        if (vec_bits(pairs) != 0)
            return true;
    }
    for (; i + 1 < text.len; i++)
        if (text.at[i] == '-' && text.at[i + 1] == '-')
            return true;
    return false;
}

static bool read_hex4(struct str *rest, unsigned *out)
{
    uint8_t raw[2];
    if (rest->len < 4 || !str_unhex((struct str) {rest->at, 4}, raw, sizeof raw))
        return false;
    *out = (unsigned)raw[0] << 8 | raw[1];
    *rest = (struct str) {rest->at + 4, rest->len - 4};
    return true;
}

/* Identifiers are ASCII: any other character may stand for itself as '?'. */
static bool unescape_one(struct str *rest, struct buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (rest->len == 0)
        return false;
    char c = rest->at[0];
    *rest = (struct str) {rest->at + 1, rest->len - 1};
    if (c == 'u') {
        unsigned code;
        if (!read_hex4(rest, &code))
            return false;
        buf_putc(out, code < 0x80 ? (char)code : '?');
        return true;
    }
    const char *found = c == '\0' ? NULL : strchr(from, c);
    if (found != NULL)
        buf_putc(out, to[found - from]);
    return found != NULL;
}

static bool unescape(struct scan *s, struct text *text)
{
    struct str rest = text->str;
    buf_clear(s->scratch);
    while (rest.len > 0) {
        const char *slash = memchr(rest.at, '\\', rest.len);
        size_t plain = slash == NULL ? rest.len : (size_t)(slash - rest.at);
        buf_put(s->scratch, rest.at, plain);
        rest = (struct str) {rest.at + plain, rest.len - plain};
        if (slash == NULL)
            break;
        rest = (struct str) {rest.at + 1, rest.len - 1};
        if (!unescape_one(&rest, s->scratch))
            return false;
    }
    text->str = buf_str(s->scratch);
    return buf_err(s->scratch) == ERR_OK;
}

/* --- what strings mean --- */

static enum name name_of(struct str key)
{
    static const struct {
        struct str word;
        enum name name;
    } names[] = {
        {{"id", 2}, NAME_ID},
        {{"type", 4}, NAME_TYPE},
        {{"object_marking_refs", 19}, NAME_MARKINGS},
        {{"marking_ref", 11}, NAME_MARKING},
        {{"objects", 7}, NAME_OBJECTS},
        {{"tlp", 3}, NAME_TLP},
        {{"tlp_2_0", 7}, NAME_TLP},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(key, names[i].word))
            return names[i].name;
    return NAME_OTHER;
}

static bool take_own_id(struct scan *s, struct str text)
{
    if (s->has_id || !scan_is_id(text))
        return false;
    struct str id = scan_lowered(text, s->id);
    s->has_id = true;
    s->id_len = id.len;
    return s->sink->id(s->sink->ctx, SCAN_OWN, id);
}

static bool take_whole_id(struct scan *s, enum name name, struct str text)
{
    char lower[SCAN_ID_MAX];
    struct str id = scan_lowered(text, lower);
    bool marks = s->in_item && (name == NAME_MARKINGS || name == NAME_MARKING);
    enum scan_role role = !s->in_item          ? SCAN_MENTION
                          : marks              ? SCAN_MARKING
                          : is_reference(text) ? SCAN_REF
                                               : SCAN_PROSE;
    if (marks) {
        enum guard_level level = mark_level(id);
        s->marked = level > s->marked ? level : s->marked;
    }
    return s->sink->id(s->sink->ctx, role, id);
}

static bool take_value(struct scan *s, const struct text *text)
{
    enum name name = (enum name)s->name[s->depth];
    if (s->in_item && s->depth == s->item_depth && name == NAME_ID)
        return take_own_id(s, text->str);
    if (s->in_item && s->depth == s->item_depth && name == NAME_TYPE)
        s->is_definition = str_eq(text->str, STR("marking-definition"));
    if (s->in_item && name == NAME_TLP) {
        enum guard_level level = mark_word(text->str);
        s->stated = level > s->stated ? level : s->stated;
    }
    if (!may_name(text->str))
        return true;
    return scan_is_id(text->str) ? take_whole_id(s, name, text->str)
                                 : scan_words(text->str, s->in_item ? SCAN_PROSE : SCAN_MENTION, s->sink);
}

static bool take_string(struct scan *s)
{
    struct text text;
    bool key = s->state == WANT_KEY || s->state == WANT_KEY_OR_END;
    s->at++;
    if ((!key && s->state != WANT_VALUE && s->state != WANT_ITEM_OR_END) || !read_string(s, &text) ||
        (text.escaped && !unescape(s, &text)))
        return false;
    s->state = key ? WANT_COLON : AFTER_VALUE;
    if (!key)
        return take_value(s, &text);
    s->name[s->depth] = (uint8_t)name_of(text.str);
    if (!may_name(text.str))
        return true;
    bool prose = s->in_item && !is_reference(text.str);
    return scan_words(text.str, prose ? SCAN_PROSE : SCAN_MENTION, s->sink);
}

/* --- structure --- */

static void begin_item(struct scan *s)
{
    s->in_item = true;
    s->has_id = s->is_definition = false;
    s->marked = s->stated = GUARD_UNMARKED;
    s->item_at = s->at;
}

static bool end_item(struct scan *s)
{
    struct scan_item item = {.bytes = bytes_of(s->item_at, (size_t)(s->at + 1 - s->item_at)),
                             .id = {s->id, s->id_len},
                             .level = s->marked};
    if (s->is_definition && s->stated > item.level)
        item.level = s->stated;
    s->in_item = false;
    return s->has_id && s->sink->item(s->sink->ctx, &item);
}

static bool open(struct scan *s, bool object)
{
    if ((s->state != WANT_VALUE && s->state != WANT_ITEM_OR_END) || s->depth == SCAN_DEPTH - 1)
        return false;
    enum name name = (enum name)s->name[s->depth];
    bool in_list = s->depth > 0 && !s->is_object[s->depth];
    s->depth++;
    s->is_object[s->depth] = object;
    s->name[s->depth] = (uint8_t)(object ? NAME_OTHER : name);
    s->state = object ? WANT_KEY_OR_END : WANT_ITEM_OR_END;
    if (object && s->depth == s->item_depth && (s->item_depth == 1 || (in_list && name == NAME_OBJECTS)))
        begin_item(s);
    return true;
}

static bool close(struct scan *s, bool object)
{
    enum state fresh = object ? WANT_KEY_OR_END : WANT_ITEM_OR_END;
    if (s->depth == 0 || s->is_object[s->depth] != object || (s->state != AFTER_VALUE && s->state != fresh) ||
        (s->in_item && s->depth == s->item_depth && !end_item(s)))
        return false;
    s->depth--;
    s->state = AFTER_VALUE;
    return true;
}

static bool comma(struct scan *s)
{
    if (s->state != AFTER_VALUE || s->depth == 0)
        return false;
    s->state = s->is_object[s->depth] ? WANT_KEY : WANT_VALUE;
    return true;
}

static bool is_bare(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' || c == 'E';
}

/* Numbers, true, false, null. */
static bool bare(struct scan *s)
{
    if ((s->state != WANT_VALUE && s->state != WANT_ITEM_OR_END) || !is_bare(*s->at))
        return false;
    while (s->at < s->end && is_bare(*s->at))
        s->at++;
    s->state = AFTER_VALUE;
    return true;
}

static bool step(struct scan *s)
{
    bool good;
    switch (*s->at) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        good = true;
        break;
    case '"':
        return take_string(s);
    case '{':
    case '[':
        good = open(s, *s->at == '{');
        break;
    case '}':
    case ']':
        good = close(s, *s->at == '}');
        break;
    case ',':
        good = comma(s);
        break;
    case ':':
        good = s->state == WANT_COLON;
        s->state = WANT_VALUE;
        break;
    default:
        return bare(s);
    }
    s->at++;
    return good;
}

bool scan_json(struct bytes text, bool listed, struct buf *scratch, const struct scan_sink *sink)
{
    struct scan s = {.at = text.at,
                     .end = text.at + text.len,
                     .sink = sink,
                     .scratch = scratch,
                     .state = WANT_VALUE,
                     .item_depth = listed ? 3 : 1};
    /* What is to be one item begins as one. */
    size_t first = 0;
    while (first < text.len && text.at[first] <= ' ')
        first++;
    if (first == text.len || text.at[first] != '{')
        return false;
    while (s.at < s.end) {
        if (s.state == AFTER_VALUE && s.depth == 0 && *s.at > ' ')
            return false;
        if (!step(&s))
            return false;
    }
    return s.depth == 0 && s.state == AFTER_VALUE;
}
