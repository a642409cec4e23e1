#include "search/words.h"

/* U+00C0 to U+017F without accents, in lower case; a blank is no letter. */
static const char latin[] = "aaaaaaaceeeeiiiidnooooo ouuuuytsaaaaaaaceeeeiiiidnooooo ouuuuyty"
                            "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
                            "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

enum { PARTS = 0xfffd }; /* a sign that parts words */

struct range {
    uint32_t from, to;
};

static bool within(uint32_t c, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return true;
    return false;
}

/* Hangul, Han, Kana: scripts whose words are not parted by what stands between them. */
static bool is_sign(uint32_t c)
{
    static const struct range signs[] = {
        {0x1100, 0x11ff},   {0x3005, 0x3007},   {0x3041, 0x3096}, {0x30a1, 0x30ff}, {0x3105, 0x318e},
        {0x31a0, 0x31bf},   {0x31f0, 0x31ff},   {0x3400, 0x4dbf}, {0x4e00, 0x9fff}, {0xa960, 0xa97f},
        {0xac00, 0xd7a3},   {0xd7b0, 0xd7ff},   {0xf900, 0xfaff}, {0xff66, 0xff9d}, {0xffa0, 0xffdc},
        {0x1b000, 0x1b16f}, {0x20000, 0x3ffff},
    };
    return c >= 0x1100 && within(c, signs, sizeof signs / sizeof signs[0]);
}

static bool is_mark(uint32_t c)
{
    static const struct range marks[] = {{0x300, 0x36f},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
                                         {0x20d0, 0x20ff}, {0x3099, 0x309a}, {0xfe00, 0xfe0f}};
    return c >= 0x300 && within(c, marks, sizeof marks / sizeof marks[0]);
}

static bool is_letter(uint32_t c)
{
    static const struct range others[] = {
        {0x80, 0xa9},     {0xab, 0xb1},     {0xb4, 0xb4},       {0xb6, 0xb8},        {0xbb, 0xbb},
        {0xbf, 0xbf},     {0x2000, 0x206f}, {0x207a, 0x207e},   {0x208a, 0x20cf},    {0x2190, 0x2bff},
        {0x3000, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x3030},   {0x303d, 0x303f},    {0x30fb, 0x30fb},
        {0xd800, 0xf8ff}, {0xfe10, 0xfe6f}, {0xff01, 0xff0f},   {0xff1a, 0xff20},    {0xff3b, 0xff40},
        {0xff5b, 0xff65}, {0xfff0, 0xffff}, {0x1f000, 0x1faff}, {0xe0000, 0x10ffff},
    };
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return !within(c, others, sizeof others / sizeof others[0]) && c != 0xd7 && c != 0xf7;
}

static uint32_t fold(uint32_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c + 0x20;
    if (c >= 0xc0 && c <= 0x17f)
        return (uint8_t)latin[c - 0xc0];
    if ((c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
        return c + 0x20;
    return c >= 0x400 && c <= 0x40f ? c + 0x50 : c;
}

/* One code point; PARTS for a byte that begins none. */
static uint32_t decode(struct str text, size_t *at)
{
    const uint8_t *b = (const uint8_t *)text.at + *at;
    size_t left = text.len - *at;
    unsigned more = b[0] < 0x80 ? 0 : b[0] >= 0xf0 && b[0] < 0xf5 ? 3 : b[0] >= 0xe0 && b[0] < 0xf0 ? 2 : 1;
    uint32_t c = b[0];
    if (b[0] >= 0x80 && (b[0] < 0xc2 || b[0] >= 0xf5 || left <= more)) {
        *at += 1;
        return PARTS;
    }
    if (more > 0)
        c &= 0x3fu >> more;
    for (unsigned i = 1; i <= more; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            *at += 1;
            return PARTS;
        }
        c = c << 6 | (b[i] & 0x3fu);
    }
    *at += 1 + more;
    return c;
}

/* Where the vowel or final consonant that follows belongs to the syllable (Unicode 3.12), it is taken. */
static uint32_t compose(uint32_t c, struct str text, size_t *at)
{
    size_t next = *at;
    if (next < text.len && c >= 0x1100 && c <= 0x1112) {
        uint32_t vowel = decode(text, &next);
        if (vowel >= 0x1161 && vowel <= 0x1175) {
            c = 0xac00 + ((c - 0x1100) * 21 + (vowel - 0x1161)) * 28;
            *at = next;
        }
    }
    next = *at;
    if (next < text.len && c >= 0xac00 && c <= 0xd7a3 && (c - 0xac00) % 28 == 0) {
        uint32_t final = decode(text, &next);
        if (final >= 0x11a8 && final <= 0x11c2) {
            c += final - 0x11a7;
            *at = next;
        }
    }
    return c;
}

/* A sign or letter as it counts, without the marks that follow it. */
static uint32_t take(struct str text, size_t *at)
{
    uint32_t c = decode(text, at);
    if (c >= 0xff01 && c <= 0xff5e)
        c -= 0xfee0;
    if (c >= 0x1100)
        c = compose(c, text, at);
    while (*at < text.len) {
        size_t next = *at;
        if (!is_mark(decode(text, &next)))
            break;
        *at = next;
    }
    return fold(c);
}

/* False when there is no room for all of it. */
static bool put(struct word *word, uint32_t c)
{
    char utf8[4];
    size_t len = 0;
    if (c < 0x80) {
        utf8[len++] = (char)c;
    } else if (c < 0x800) {
        utf8[len++] = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        utf8[len++] = (char)(0xe0 | c >> 12);
        utf8[len++] = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        utf8[len++] = (char)(0xf0 | c >> 18);
        utf8[len++] = (char)(0x80 | (c >> 12 & 0x3f));
        utf8[len++] = (char)(0x80 | (c >> 6 & 0x3f));
    }
    if (c >= 0x80)
        utf8[len++] = (char)(0x80 | (c & 0x3f));
    if (len > sizeof word->text - word->len)
        return false;
    memcpy(word->text + word->len, utf8, len);
    word->len += len;
    return true;
}

struct words words_of(struct str text, bool question)
{
    return (struct words) {.text = text, .question = question};
}

/* A pair, or the last of a run. False: nothing to say about it. */
static bool take_sign(struct words *words, uint32_t c, size_t end, struct word *out)
{
    bool first = !words->in_run;
    size_t next = end;
    uint32_t second = next < words->text.len ? take(words->text, &next) : PARTS;
    words->at = end;
    words->in_run = second != PARTS && is_sign(second);
    out->single = !words->in_run;
    out->beside = out->single && !first;
    out->to = words->in_run ? next : end;
    (void)put(out, c);
    if (words->in_run)
        (void)put(out, second);
    return words->in_run || first || !words->question;
}

static void take_word(struct words *words, uint32_t c, size_t end, struct word *out)
{
    bool room = put(out, c);
    words->in_run = false;
    for (words->at = end; words->at < words->text.len; words->at = end) {
        c = take(words->text, &end);
        if (!is_letter(c) || is_sign(c))
            break;
        room = room && put(out, c);
    }
    out->to = words->at;
}

bool words_next(struct words *words, struct word *out)
{
    while (words->at < words->text.len) {
        size_t end = words->at;
        uint32_t c = take(words->text, &end);
        *out = (struct word) {.from = words->at};
        if (is_sign(c)) {
            if (take_sign(words, c, end, out))
                return true;
        } else if (is_letter(c)) {
            take_word(words, c, end, out);
            return true;
        } else {
            words->at = end;
            words->in_run = false;
        }
    }
    return false;
}
