#include "guard/scan.h"

#include "core/uuid.h"
#include "core/vec.h"
#include "guard/type.h"

enum { TAIL = 2 + UUID_TEXT_SIZE, TYPE_MIN = 3, TYPE_MAX = 250 };

/* What may come next. */
enum state { WANT_VALUE, WANT_ITEM_OR_END, WANT_KEY, WANT_KEY_OR_END, WANT_COLON, AFTER_VALUE, AFTER_ALL };

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
    bool pairs; /* there may be two hyphens in a row in it: without them it names nothing */
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

/* What a whole text is. */
enum form {
    FORM_NONE,
    FORM_ID,        /* letters, digits and hyphens, "--", a UUID */
    FORM_REFERENCE, /* ...of which the other side takes it for a reference. Sections 2.9 and 3.1: a type is
                       three letters or more in lower case, single hyphens between them */
};

/* `type` stands before a TAIL, so that whole vectors may be read of it. */
static enum form form_of_type(struct str type)
{
    bool strict = type.len >= TYPE_MIN && type.len <= TYPE_MAX;
    unsigned before = 1; /* was the last one a hyphen? */
    for (size_t i = 0; i < type.len; i += VEC_SIZE) {
        vec v = vec_load(type.at + i), lower = (vec)(v - 'a' < 26), hyphen = (vec)(v == '-');
        vec upper = (vec)(v - 'A' < 26);
        unsigned count = type.len - i < VEC_SIZE ? (unsigned)(type.len - i) : VEC_SIZE;
        unsigned all = (1u << count) - 1, hyphens = vec_bits(hyphen) & all;
        if ((~vec_bits(lower | hyphen | upper | (vec)(v - '0' < 10)) & all) != 0)
            return FORM_NONE;
        strict = strict && (vec_bits(upper) & all) == 0 && (hyphens & (hyphens << 1 | before)) == 0;
        before = hyphens >> (count - 1);
    }
    return strict && before == 0 ? FORM_REFERENCE : FORM_ID;
}

static enum form form_of(struct str text)
{
    if (text.len <= TAIL || text.len > SCAN_ID_MAX)
        return FORM_NONE;
    const char *tail = text.at + text.len - TAIL;
    if (tail[0] != '-' || tail[1] != '-' || !is_uuid(tail + 2))
        return FORM_NONE;
    return form_of_type((struct str) {text.at, text.len - TAIL});
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
    return form_of(text) != FORM_NONE;
}

/* A word by itself, of a type that everybody knows. Beside anything else (escapes, letters of other scripts,
 * dashes) there are two ways to read it, and a stop by one that the other side does not know would be in the
 * hands of whoever writes a text. */
static bool is_word(struct str text, size_t from, size_t end, struct str id)
{
    return type_is_standard(id) && (from == 0 || memchr(" ('[,", text.at[from - 1], 5) != NULL) &&
           (end == text.len || memchr(" )'],.;:!?", text.at[end], 10) != NULL);
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
        struct str lower = scan_lowered(found, id);
        bool word = role == SCAN_PROSE && is_word(text, first, first + found.len, lower);
        if (!sink->id(sink->ctx, word ? SCAN_NAMED : role, lower))
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
    unsigned pairs = 0, before = 0; /* before: was the last byte a hyphen? */
    bool escaped = false;
    for (;;) {
        unsigned stop = VEC_SIZE;
        while (stop == VEC_SIZE && s->end - at >= VEC_SIZE) {
            vec v = vec_load(at);
            unsigned hyphens = vec_bits((vec)(v == '-'));
            pairs |= hyphens & (hyphens << 1 | before); /* also of what lies behind its end */
            before = hyphens >> (VEC_SIZE - 1);
            stop = vec_first_special(v);
            at += stop;
        }
        for (; at < s->end && *at >= 0x20 && *at != '"' && *at != '\\'; at++) {
            pairs |= before & (*at == '-');
            before = *at == '-';
        }
        if (at == s->end || *at < 0x20)
            return false;
        if (*at == '"')
            break;
        escaped = true;
        if (s->end - at < 2)
            return false;
        at += 2;
    }
    *out = (struct text) {{(const char *)from, (size_t)(at - from)}, escaped, escaped || pairs != 0};
    s->at = at + 1;
    return true;
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

/* By their length: two alone have the same. */
static enum name name_of(struct str key)
{
    static const struct {
        struct str word;
        enum name name;
    } names[] = {
        [2] = {{"id", 2}, NAME_ID},
        [3] = {{"tlp", 3}, NAME_TLP},
        [4] = {{"type", 4}, NAME_TYPE},
        [7] = {{"objects", 7}, NAME_OBJECTS},
        [11] = {{"marking_ref", 11}, NAME_MARKING},
        [19] = {{"object_marking_refs", 19}, NAME_MARKINGS},
    };
    if (key.len < sizeof names / sizeof names[0] && key.len > 0 && str_eq(names[key.len].word, key))
        return names[key.len].name;
    return str_eq(key, STR("tlp_2_0")) ? NAME_TLP : NAME_OTHER;
}

static bool take_own_id(struct scan *s, struct str text)
{
    if (s->has_id || form_of(text) == FORM_NONE)
        return false;
    struct str id = scan_lowered(text, s->id);
    s->has_id = true;
    s->id_len = id.len;
    return s->sink->id(s->sink->ctx, SCAN_OWN, id);
}

static bool take_whole_id(struct scan *s, enum name name, struct str text, enum form form)
{
    char lower[SCAN_ID_MAX];
    struct str id = scan_lowered(text, lower);
    bool marks = s->in_item && (name == NAME_MARKINGS || name == NAME_MARKING);
    enum scan_role role = !s->in_item              ? SCAN_MENTION
                          : marks                  ? SCAN_MARKING
                          : form == FORM_REFERENCE ? SCAN_REF
                          : type_is_standard(id)   ? SCAN_NAMED
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
    if (!text->pairs || text->str.len <= TAIL)
        return true;
    enum form form = form_of(text->str);
    return form != FORM_NONE ? take_whole_id(s, name, text->str, form)
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
    if (!key) {
        s->state = AFTER_VALUE;
        return take_value(s, &text);
    }
    s->state = WANT_COLON;
    if (s->at < s->end && *s->at == ':') { /* mostly at once */
        s->at++;
        s->state = WANT_VALUE;
    }
    s->name[s->depth] = (uint8_t)name_of(text.str);
    if (!text.pairs || text.str.len <= TAIL)
        return true;
    bool prose = s->in_item && form_of(text.str) != FORM_REFERENCE;
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
    s->state = s->depth == 0 ? AFTER_ALL : AFTER_VALUE;
    return true;
}

static bool comma(struct scan *s)
{
    if (s->state != AFTER_VALUE)
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
    struct scan s;
    s.at = text.at;
    s.end = text.at + text.len;
    s.sink = sink;
    s.scratch = scratch;
    s.state = WANT_VALUE;
    s.depth = 0;
    s.item_depth = listed ? 3 : 1;
    s.is_object[0] = s.in_item = false;
    s.name[0] = NAME_OTHER;
    /* What is to be one item begins as one. */
    size_t first = 0;
    while (first < text.len && text.at[first] <= ' ')
        first++;
    if (first == text.len || text.at[first] != '{')
        return false;
    while (s.at < s.end)
        if (!step(&s))
            return false;
    return s.state == AFTER_ALL;
}
