#include "json/skip.h"

#include "core/err.h"

/* First quote or backslash at or behind `at`; text.len when there is none. */
static inline size_t seek_string_mark(struct bytes text, size_t at)
{
    for (; text.len - at >= VEC_SIZE; at += VEC_SIZE) {
        vec v = vec_load(text.at + at);
        unsigned first = vec_first((vec)((v == '"') | (v == '\\')));
        if (first < VEC_SIZE)
            return at + first;
    }
    while (at < text.len && text.at[at] != '"' && text.at[at] != '\\')
        at++;
    return at;
}

bool skip_string(struct bytes text, size_t at, size_t *out_end)
{
    for (;;) {
        at = seek_string_mark(text, at);
        if (at == text.len)
            return false;
        if (text.at[at] == '"') {
            *out_end = at + 1;
            return true;
        }
        if (text.len - at < 2)
            return false;
        at += 2;
    }
}

enum { BLOCK_SIZE = 64 };

/* One bit a byte. */
struct block {
    uint64_t quotes, backslashes, opens, closes;
};

/* What crosses from one block into the next. */
struct carry {
    uint64_t in_string; /* all bits or none */
    uint64_t escaped;   /* bit 0: the first byte stands behind a backslash */
};

/* Setting bit 5 makes "[" of "{" and "]" of "}" one. */
static inline struct block read_block(const uint8_t *at)
{
    struct block b = {0, 0, 0, 0};
    for (unsigned i = 0; i < BLOCK_SIZE; i += VEC_SIZE) {
        vec v = vec_load(at + i);
        vec folded = v | 0x20;
        b.quotes |= (uint64_t)vec_bits((vec)(v == '"')) << i;
        b.backslashes |= (uint64_t)vec_bits((vec)(v == '\\')) << i;
        b.opens |= (uint64_t)vec_bits((vec)(folded == '{')) << i;
        b.closes |= (uint64_t)vec_bits((vec)(folded == '}')) << i;
    }
    return b;
}

/* Bytes that a backslash before them makes literal. Backslashes are rare: one at a time is quick enough. */
static inline uint64_t find_escaped(uint64_t backslashes, struct carry *carry)
{
    uint64_t escaped = carry->escaped;
    carry->escaped = 0;
    backslashes &= ~escaped;
    while (backslashes != 0) {
        unsigned i = (unsigned)__builtin_ctzll(backslashes);
        if (i == BLOCK_SIZE - 1) {
            carry->escaped = 1;
            break;
        }
        uint64_t next = UINT64_C(2) << i;
        escaped |= next;
        backslashes &= ~(next | next >> 1);
    }
    return escaped;
}

/* Bit i becomes the parity of bits 0..i: set from each opening quote to before its closing one. */
static inline uint64_t parity_below(uint64_t bits)
{
    for (unsigned shift = 1; shift < BLOCK_SIZE; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

/* Brackets outside strings, in one block; true when one of them closes the container, at *out_at. */
static inline bool step_block(struct block b, struct carry *carry, size_t *depth, unsigned *out_at)
{
    uint64_t quotes = b.quotes & ~find_escaped(b.backslashes, carry);
    uint64_t in_string = parity_below(quotes) ^ carry->in_string;
    carry->in_string = UINT64_C(0) - (in_string >> (BLOCK_SIZE - 1));
    uint64_t opens = b.opens & ~in_string, closes = b.closes & ~in_string;
    for (uint64_t both = opens | closes; both != 0; both &= both - 1) {
        uint64_t lowest = both & (UINT64_C(0) - both);
        if ((opens & lowest) != 0) {
            ++*depth;
        } else if (--*depth == 0) {
            *out_at = (unsigned)__builtin_ctzll(lowest);
            return true;
        }
    }
    return false;
}

/* `at` stands on the opening bracket. */
static bool skip_container(struct bytes text, size_t at, size_t *out_end)
{
    struct carry carry = {0, 0};
    size_t depth = 1;
    unsigned closed;
    for (at++; text.len - at >= BLOCK_SIZE; at += BLOCK_SIZE) {
        if (step_block(read_block(text.at + at), &carry, &depth, &closed)) {
            *out_end = at + closed + 1;
            return true;
        }
    }
    uint8_t tail[BLOCK_SIZE] = {0};
    if (text.len > at)
        memcpy(tail, text.at + at, text.len - at);
    if (!step_block(read_block(tail), &carry, &depth, &closed))
        return false;
    *out_end = at + closed + 1;
    return true;
}

static bool skip_scalar(struct bytes text, size_t at, size_t *out_end)
{
    size_t from = at;
    for (; at < text.len; at++) {
        uint8_t c = text.at[at];
        if (c == ',' || c == ':' || c == '"' || (c | 0x20) == '{' || (c | 0x20) == '}' || skip_is_space(c))
            break;
    }
    *out_end = at;
    return at > from;
}

bool skip_value(struct bytes text, size_t at, size_t *out_end)
{
    uint8_t c = skip_peek(text, at);
    if (c == '"')
        return skip_string(text, at + 1, out_end);
    if (c == '{' || c == '[')
        return skip_container(text, at, out_end);
    return skip_scalar(text, at, out_end);
}

static bool hex4(const uint8_t *at, uint32_t *out)
{
    uint8_t b[2];
    if (!str_unhex((struct str) {(const char *)at, 4}, b, 2))
        return false;
    *out = (uint32_t)b[0] << 8 | b[1];
    return true;
}

static size_t encode_utf8(uint32_t point, uint8_t out[4])
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
    out[0] = (uint8_t)(leads[len] | point);
    return len;
}

/* The \u escape at the front of `raw`, with its second half when it has one. Bytes taken; 0 when malformed.
 */
static size_t read_unicode(struct bytes raw, uint32_t *out)
{
    uint32_t low;
    if (raw.len < 6 || !hex4(raw.at + 2, out))
        return 0;
    if (*out < 0xd800 || *out > 0xdfff)
        return 6;
    if (*out > 0xdbff || raw.len < 12 || raw.at[6] != '\\' || raw.at[7] != 'u' || !hex4(raw.at + 8, &low) ||
        low < 0xdc00 || low > 0xdfff)
        return 0;
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

/* One escape; bytes taken from `raw`, 0 when malformed. */
static size_t read_escape(struct bytes raw, uint32_t *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (raw.len < 2)
        return 0;
    if (raw.at[1] == 'u')
        return read_unicode(raw, out);
    const char *found = raw.at[1] == 0 ? NULL : strchr(from, raw.at[1]);
    if (found == NULL)
        return 0;
    *out = (uint8_t)to[found - from];
    return 2;
}

bool skip_string_is(struct bytes raw, struct str name)
{
    if (raw.len == 0 || memchr(raw.at, '\\', raw.len) == NULL)
        return str_eq(str_from_bytes(raw), name);
    while (raw.len > 0) {
        uint8_t utf8[4] = {raw.at[0]};
        size_t taken = 1, len = 1;
        if (raw.at[0] == '\\') {
            uint32_t point;
            taken = read_escape(raw, &point);
            if (taken == 0)
                return false;
            len = encode_utf8(point, utf8);
        }
        if (len > name.len || memcmp(utf8, name.at, len) != 0)
            return false;
        name.at += len;
        name.len -= len;
        raw.at += taken;
        raw.len -= taken;
    }
    return name.len == 0;
}

/* What no parser of UTF-8 may guess at (RFC 8259 section 8.1). */
const char *skip_foreign_mark(struct bytes text)
{
    static const struct {
        const char *mark, *what;
    } rows[] = {
        {"\xef\xbb\xbf",
         "the text begins with a byte order mark, which JSON does not have: save it without one"},
        {"\xff\xfe", "the text is UTF-16; JSON is UTF-8"},
        {"\xfe\xff", "the text is UTF-16; JSON is UTF-8"},
        {"\x1f\x8b", "this is packed by gzip, perhaps twice; JSON is plain text: unpack it"},
        {"\x28\xb5\x2f\xfd", "this is packed by zstd, perhaps twice; JSON is plain text: unpack it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_starts(str_from_bytes(text), str_of(rows[i].mark)))
            return rows[i].what;
    return NULL;
}
