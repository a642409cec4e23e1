#include "stix/called.h"

#include "core/limit.h"
#include "stix/disguise.h"
#include "stix/plain.h"
#include "stix/shape.h"

enum {
    LETTERS_MAX = 128, /* who says so many says the name */
    WEIGHT_PARTED = 6, /* below it letters that are apart are other words' */
};

/* --- letters --- */

enum { GAP = 0, UNSEEN = 1 }; /* what is no letter, and what is nothing */

/* U+00C0 to U+017F in small letters without their marks. */
enum { LATIN_FIRST = 0xc0, LATIN_LAST = 0x17f };
static const char latin[] = "aaaaaaaceeeeiiiidnooooo.ouuuuyts"
                            "aaaaaaaceeeeiiiidnooooo.ouuuuyty"
                            "aaaaaaccccccccddddeeeeeeeeeegggg"
                            "gggghhhhiiiiiiiiiiiijjkkklllllll"
                            "lllnnnnnnnnnoooooooorrrrrrssssss"
                            "ssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/* In order of code points: others, and capitals, by how far their small ones are. */
static const struct fold {
    uint32_t first, last;
    int shift; /* 0: `is` */
    uint32_t is;
} folds[] = {
    {0x80, 0xac, 0, GAP},        {0xad, 0xad, 0, UNSEEN},     {0xae, 0xbf, 0, GAP},
    {0x300, 0x36f, 0, UNSEEN}, /* marks upon letters */
    {0x391, 0x3a9, 0x20, 0},     {0x400, 0x40f, 0x50, 0},     {0x410, 0x42f, 0x20, 0},
    {0x2000, 0x200a, 0, GAP},    {0x200b, 0x200f, 0, UNSEEN}, {0x2010, 0x205f, 0, GAP},
    {0x2060, 0x206f, 0, UNSEEN}, {0x2190, 0x2bff, 0, GAP}, /* arrows, boxes, signs */
    {0x3000, 0x303f, 0, GAP},    {0xfe00, 0xfe0f, 0, UNSEEN}, {0xfe10, 0xfe6f, 0, GAP},
    {0xfeff, 0xfeff, 0, UNSEEN}, {0x1f000, 0x1faff, 0, GAP}, /* pictures */
};

static uint32_t fold_code(uint32_t code)
{
    if (code >= LATIN_FIRST && code <= LATIN_LAST) {
        char c = latin[code - LATIN_FIRST];
        return c == '.' ? GAP : (uint8_t)c;
    }
    for (size_t i = 0; i < sizeof folds / sizeof *folds && folds[i].first <= code; i++)
        if (code <= folds[i].last)
            return folds[i].shift == 0 ? folds[i].is : code + (uint32_t)folds[i].shift;
    return code;
}

/* The letter at `at`, GAP or UNSEEN. */
static uint32_t read_code(struct str text, size_t at, size_t *size)
{
    char c = str_lower(text.at[at]);
    uint32_t code;
    *size = 1;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return (uint8_t)c;
    if ((uint8_t)c < 0x80)
        return (uint8_t)c < ' ' && c != '\n' && c != '\r' && c != '\t' ? UNSEEN : GAP;
    *size = stix_disguise_code((struct str) {text.at + at, text.len - at}, &code);
    if (*size > 0)
        return fold_code(code);
    *size = 1;
    return UNSEEN; /* STIX_PLAIN_SOFT */
}

/* Hangul (section 3.12 of the Unicode standard): a syllable is made of a leading consonant, a vowel and, it
 * may be, a trailing consonant. */
enum { S_BASE = 0xac00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11a7 };
enum { L_COUNT = 19, V_COUNT = 21, T_COUNT = 28, S_COUNT = L_COUNT * V_COUNT * T_COUNT };

struct reader {
    struct str text;
    size_t at;
};

/* The next one, when it is one of `count` from `first` on. */
static bool take_among(struct reader *r, uint32_t first, uint32_t count, uint32_t *out)
{
    size_t size;
    uint32_t code = r->at < r->text.len ? read_code(r->text, r->at, &size) : 0;
    if (code < first || code - first >= count)
        return false;
    *out = code - first;
    r->at += size;
    return true;
}

static uint32_t compose(struct reader *r, uint32_t code)
{
    uint32_t vowel, tail;
    if (code >= L_BASE && code < L_BASE + L_COUNT && take_among(r, V_BASE, V_COUNT, &vowel))
        code = S_BASE + ((code - L_BASE) * V_COUNT + vowel) * T_COUNT;
    bool open = code >= S_BASE && code < S_BASE + S_COUNT && (code - S_BASE) % T_COUNT == 0;
    return open && take_among(r, T_BASE + 1, T_COUNT - 1, &tail) ? code + tail + 1 : code;
}

/* The next letter; `*parted` when something stands before it. False: there is none left. */
static bool next_letter(struct reader *r, uint32_t *out, bool *parted)
{
    for (size_t size; r->at < r->text.len;) {
        uint32_t code = read_code(r->text, r->at, &size);
        r->at += size;
        *parted |= code == GAP;
        if (code == GAP || code == UNSEEN)
            continue;
        *out = compose(r, code);
        return true;
    }
    return false;
}

/* Is it one of those that are words only together? */
static bool is_wordy(uint32_t letter)
{
    return letter < 0x80;
}

/* --- a name --- */

static void fill_back(const uint32_t *letters, size_t count, uint8_t *back)
{
    for (size_t i = 1, same = 0; i < count; i++) {
        while (same > 0 && letters[i] != letters[same])
            same = back[same - 1];
        same += letters[i] == letters[same];
        back[i] = (uint8_t)same;
    }
}

static err_t spell(struct str name, struct arena *arena, struct stix_letters *out)
{
    unsigned weight = 0;
    bool parted = false;
    uint32_t letter, *letters = arena_zalloc(arena, LETTERS_MAX, sizeof *letters);
    uint8_t *gaps = arena_zalloc(arena, LETTERS_MAX, 1), *back = arena_zalloc(arena, LETTERS_MAX, 1);
    struct reader r = {name, 0};
    if (letters == NULL || gaps == NULL || back == NULL)
        return ERR_NOMEM;
    *out = (struct stix_letters) {.at = letters, .parted = gaps, .back = back};
    for (; out->count < LETTERS_MAX && next_letter(&r, &letter, &parted); parted = false) {
        letters[out->count] = letter;
        gaps[out->count++] = parted;
        weight += is_wordy(letter) ? 1 : 2;
    }
    out->more = next_letter(&r, &letter, &parted);
    out->whole = weight < WEIGHT_PARTED;
    fill_back(letters, out->count, back);
    return ERR_OK;
}

err_t stix_called_new(struct str name, struct arena *arena, struct stix_called *out)
{
    struct stix_plain plain;
    err_t err;
    out->name = arena_str(arena, name);
    if (out->name.at == NULL)
        return ERR_NOMEM;
    if (TRY(err, stix_plain_open(name, STIX_PLAIN_NAMES, &plain)))
        return err;
    err = spell(name, arena, &out->open);
    if (err == ERR_OK)
        err = spell(plain.text, arena, &out->plain);
    stix_plain_close(&plain);
    return err;
}

/* --- a text --- */

enum { FLAG_PARTED = 1, FLAG_BEGINS = 2 };

/* The last letters are the name's: do they stand as it may? `flags` of letter n stand at n % count. */
static bool fits(const struct stix_letters *name, const uint8_t *flags, size_t read)
{
    uint8_t first = flags[read % name->count]; /* as many letters ago as it has */
    bool odd = false;
    if ((first & FLAG_BEGINS) == 0)
        return false;
    for (size_t i = 1; i < name->count && !odd; i++)
        odd = (flags[(read + i) % name->count] & FLAG_PARTED) != name->parted[i];
    return !odd || (!name->whole && (is_wordy(name->at[0]) || (first & FLAG_PARTED) != 0));
}

/* The name as a row of letters, found in one pass (Knuth, Morris and Pratt). */
static bool says(const struct stix_letters *name, struct str text)
{
    struct reader r = {text, 0};
    uint8_t flags[LETTERS_MAX];
    uint32_t letter, before = 0;
    size_t same = 0, read = 0;
    bool parted = true, there = false;
    while (name->count > 0 && next_letter(&r, &letter, &parted)) {
        bool apart = parted || !is_wordy(before) || !is_wordy(letter);
        if (there && (apart || name->more))
            return true;
        flags[read++ % name->count] = (uint8_t)((parted ? FLAG_PARTED : 0) | (apart ? FLAG_BEGINS : 0));
        while (same > 0 && (same == name->count || name->at[same] != letter))
            same = name->back[same - 1];
        same += name->at[same] == letter;
        there = same == name->count && fits(name, flags, read);
        before = letter;
        parted = false;
    }
    return there;
}

/* A name without letters: signs, or a picture. */
static bool shows(struct str text, struct str sign)
{
    for (size_t at = 0; sign.len > 0 && at < text.len && text.len - at >= sign.len; at++)
        if (memcmp(text.at + at, sign.at, sign.len) == 0)
            return true;
    return false;
}

err_t stix_called_in_text(const struct stix_called *called, size_t count, struct str text, bool *out)
{
    struct stix_plain plain;
    err_t err;
    if (TRY(err, stix_plain_open(text, STIX_PLAIN_NAMES, &plain)))
        return err;
    *out = false;
    for (size_t i = 0; i < count && !*out; i++)
        *out = (called[i].open.count == 0 && shows(text, called[i].name)) || says(&called[i].open, text) ||
               says(&called[i].plain, plain.text);
    stix_plain_close(&plain);
    return ERR_OK;
}

/* --- an object --- */

/* Written anew, or by others than who wrote the object. */
static const char *const headed[] = {"id",       "spec_version",        "created_by_ref",   "created",
                                     "modified", "object_marking_refs", "granular_markings"};

static bool is_head(struct str name, struct json_val value)
{
    if (str_eq(name, STR("type")) && json_is(value, JSON_STRING))
        return stix_type_find(json_str(value))->code != STIX_TYPE_UNKNOWN;
    for (size_t i = 0; i < sizeof headed / sizeof *headed; i++)
        if (str_eq(name, str_of(headed[i])))
            return true;
    return false;
}

/* A word of the standard's says nobody's name. */
static bool is_standard(struct str name)
{
    if (stix_prop_common(name) != NULL || stix_shape_of_extension(name) != NULL)
        return true;
    for (unsigned code = STIX_SHAPE_NONE + 1; code < STIX_SHAPE_COUNT; code++)
        if (stix_prop_find(stix_shape((enum stix_shape_code)code), name) != NULL)
            return true;
    return false;
}

struct walk {
    struct json_iter iters[LIMIT_JSON_DEPTH + 2];
    bool objects[LIMIT_JSON_DEPTH + 2];
    size_t depth;
};

static err_t enter(struct walk *w, struct json_val value)
{
    bool object = json_is(value, JSON_OBJECT);
    if (w->depth == sizeof w->iters / sizeof *w->iters)
        return ERR_LIMIT;
    w->objects[w->depth] = object;
    w->iters[w->depth++] = object ? json_object_iter(value) : json_array_iter(value);
    return ERR_OK;
}

static bool step(struct walk *w, struct str *name, struct json_val *value)
{
    struct json_iter *iter = &w->iters[w->depth - 1];
    *name = (struct str) {"", 0};
    return w->objects[w->depth - 1] ? json_object_next(iter, name, value) : json_array_next(iter, value);
}

err_t stix_called_in(const struct stix_called *called, size_t count, struct json_val root, bool *out)
{
    struct walk w;
    *out = false;
    if (count == 0)
        return ERR_OK;
    w.depth = 0;
    err_t err = enter(&w, root);
    while (err == ERR_OK && w.depth > 0 && !*out) {
        struct str name;
        struct json_val value;
        if (!step(&w, &name, &value)) {
            w.depth--;
            continue;
        }
        if (w.depth == 1 && is_head(name, value))
            continue;
        if (name.len > 0)
            err = stix_called_in_text(called, count, name, out);
        *out = *out && !is_standard(name);
        if (err == ERR_OK && !*out && json_is(value, JSON_STRING))
            err = stix_called_in_text(called, count, json_str(value), out);
        else if (err == ERR_OK && !*out && (json_is(value, JSON_OBJECT) || json_is(value, JSON_ARRAY)))
            err = enter(&w, value);
    }
    return err;
}
