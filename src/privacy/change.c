/* Masks and pseudonyms.
 *
 * A pseudonym is "[pseudonym:KIND:HEX]", HEX being iv (16 bytes) and the sealed value: iv is a keyed digest
 * of kind and value, the value is sealed under a secret derived from key and iv. So the same value gives the
 * same token, two values never share a secret, and without the key a guess cannot be tried. The value is
 * padded to blocks of 32 bytes: the length of an address tells little. What is sealed is the value's one form
 * (canon.c); tokens from before there was one hold it as it stood, and open as they did. */
#include <string.h>

#include "core/mem.h"
#include "core/suite.h"
#include "privacy/canon.h"
#include "privacy/field.h"

enum {
    IV_SIZE = 16,
    BLOCK = 32,
    PLAIN_MAX = PRIVACY_VALUE_MAX + 2,
    TOKEN_BYTES_MAX = IV_SIZE + PLAIN_MAX + SEAL_TAG_SIZE
};

_Static_assert(PLAIN_MAX % BLOCK == 0, "the largest value fills its blocks");

static const struct str head = {"[pseudonym:", 11};

/* --- masks --- */

static bool is_mark(uint8_t c)
{
    return c < 0x80 && !((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'));
}

static void mask_one(struct str value, struct buf *out)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = (uint8_t)value.at[i];
        if (is_mark(c))
            buf_putc(out, (char)c);
        else if (c < 0x80)
            buf_putc(out, '*');
        else if ((c & 0xc0) != 0x80) /* the first byte of a character stands for all of it */
            buf_put_str(out, STR("\xef\xbc\x8a"));
    }
}

static struct str part(struct str text, size_t from, size_t end)
{
    return (struct str) {text.at + from, end - from};
}

/* Appends what stands between `*done` and the hit, and moves `*done` behind it. */
static struct str take_hit(struct str text, const struct privacy_hit *hit, size_t *done, struct buf *out)
{
    must(hit->from >= *done && hit->from <= text.len && hit->len <= text.len - hit->from);
    buf_put_str(out, part(text, *done, hit->from));
    *done = hit->from + hit->len;
    return part(text, hit->from, *done);
}

void privacy_mask(struct str text, const struct privacy_hit *hits, size_t count, struct buf *out)
{
    size_t done = 0;
    for (size_t i = 0; i < count; i++)
        mask_one(take_hit(text, &hits[i], &done, out), out);
    buf_put_str(out, part(text, done, text.len));
}

/* --- pseudonyms --- */

static void make_iv(const struct seal_secret *key, enum privacy_kind kind, struct bytes plain,
                    uint8_t iv[IV_SIZE])
{
    uint8_t context[1 + PLAIN_MAX];
    context[0] = (uint8_t)kind;
    memcpy(context + 1, plain.at, plain.len);
    struct seal_salts salts = seal_salts(key, "bongsu pseudonym iv 1", bytes_of(context, 1 + plain.len));
    memcpy(iv, salts.a.b, IV_SIZE);
    mem_wipe(context, sizeof context);
}

static struct seal_secret make_secret(const struct seal_secret *key, const uint8_t iv[IV_SIZE])
{
    struct seal_salts salts = seal_salts(key, "bongsu pseudonym key 1", bytes_of(iv, IV_SIZE));
    struct seal_secret secret;
    memcpy(secret.b, salts.a.b, sizeof secret.b);
    return secret;
}

static void put_token(enum privacy_kind kind, struct str value, const struct seal_secret *key,
                      struct buf *out)
{
    uint8_t plain[PLAIN_MAX] = {0}, token[TOKEN_BYTES_MAX];
    char hex[2 * TOKEN_BYTES_MAX];
    size_t len = canon_value(kind, value, (char *)plain + 2);
    if (len == 0) {
        len = value.len;
        memcpy(plain + 2, value.at, len);
    }
    plain[0] = (uint8_t)(len >> 8);
    plain[1] = (uint8_t)len;
    size_t size = (2 + len + BLOCK - 1) / BLOCK * BLOCK;
    memset(plain + 2 + len, 0, size - 2 - len); /* of a form that was begun, and none */
    make_iv(key, kind, bytes_of(plain, size), token);
    struct seal_secret secret = make_secret(key, token);
    must(seal_close(SUITE_1, &secret, bytes_of(plain, size), bytes_of(token, IV_SIZE), token + IV_SIZE) ==
         ERR_OK);
    size += IV_SIZE + SEAL_TAG_SIZE;
    str_hex(token, size, hex);
    buf_put_str(out, head);
    buf_put_str(out, str_of(privacy_kind_name(kind)));
    buf_putc(out, ':');
    buf_put(out, hex, 2 * size);
    buf_putc(out, ']');
    mem_wipe(plain, sizeof plain);
    mem_wipe(&secret, sizeof secret);
}

void privacy_pseudonymise(struct str text, const struct privacy_hit *hits, size_t count,
                          const struct seal_secret *key, struct buf *out)
{
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        struct str value = take_hit(text, &hits[i], &done, out);
        if (value.len > PRIVACY_VALUE_MAX)
            mask_one(value, out);
        else
            put_token(hits[i].kind, value, key, out);
    }
    buf_put_str(out, part(text, done, text.len));
}

/* --- back --- */

/* The value, in `plain`. */
static bool open_token(const struct seal_secret *key, enum privacy_kind kind, struct str hex,
                       uint8_t plain[PLAIN_MAX], struct str *out)
{
    uint8_t token[TOKEN_BYTES_MAX], iv[IV_SIZE];
    size_t size = hex.len / 2;
    if (hex.len % 2 != 0 || size > sizeof token || size < IV_SIZE + SEAL_TAG_SIZE + BLOCK ||
        !str_unhex(hex, token, size))
        return false;
    struct seal_secret secret = make_secret(key, token);
    struct bytes sealed = bytes_of(token + IV_SIZE, size - IV_SIZE);
    bool good = seal_open(SUITE_1, &secret, sealed, bytes_of(token, IV_SIZE), plain) == ERR_OK;
    mem_wipe(&secret, sizeof secret);
    if (!good)
        return false;
    size_t plain_size = sealed.len - SEAL_TAG_SIZE, len = (size_t)plain[0] << 8 | plain[1];
    make_iv(key, kind, bytes_of(plain, plain_size), iv);
    *out = (struct str) {(const char *)plain + 2, len};
    return memcmp(iv, token, IV_SIZE) == 0 && len <= plain_size - 2;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* A token at `at`: its end, and its parts. */
static bool read_token(struct str text, size_t at, size_t *out_end, enum privacy_kind *out_kind,
                       struct str *out_hex)
{
    struct str rest = part(text, at, text.len);
    if (!str_starts(rest, head))
        return false;
    size_t from = head.len, end;
    while (from < rest.len && from < head.len + 24 && rest.at[from] != ':')
        from++;
    *out_kind = privacy_kind_find(part(rest, head.len, from));
    if (*out_kind == PRIVACY_KINDS || from == rest.len)
        return false;
    for (end = ++from; end < rest.len && is_hex(rest.at[end]); end++) {
    }
    *out_hex = part(rest, from, end);
    *out_end = at + end + 1;
    return end < rest.len && rest.at[end] == ']';
}

/* A shorter one never was a token. */
enum { TOKEN_HEX_MIN = 2 * (IV_SIZE + SEAL_TAG_SIZE + BLOCK) };

bool field_is_covered(struct str text)
{
    static const struct str star = {"\xef\xbc\x8a", 3};
    enum privacy_kind kind;
    struct str hex;
    for (size_t at = 0, end; at < text.len; at = end) {
        struct str rest = part(text, at, text.len);
        if (read_token(text, at, &end, &kind, &hex) && hex.len >= TOKEN_HEX_MIN)
            continue;
        end = str_starts(rest, star) ? at + star.len : at + 1;
        if (end == at + 1 && !is_mark((uint8_t)text.at[at]))
            return false;
    }
    return true;
}

void privacy_reveal(struct str text, const struct seal_secret *key, struct buf *out)
{
    uint8_t plain[PLAIN_MAX];
    size_t done = 0, end;
    enum privacy_kind kind;
    struct str hex, value;
    for (size_t at = 0; at < text.len; at++) {
        if (text.at[at] != head.at[0] || !read_token(text, at, &end, &kind, &hex) ||
            !open_token(key, kind, hex, plain, &value))
            continue;
        buf_put_str(out, part(text, done, at));
        buf_put_str(out, value);
        done = end;
        at = end - 1;
    }
    buf_put_str(out, part(text, done, text.len));
    mem_wipe(plain, sizeof plain);
}
