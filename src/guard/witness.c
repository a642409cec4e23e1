#include "guard/state.h"

/* An entry's hashes are 32 bytes; a signature has 4 bytes of key id and 64 of Ed25519, or the DER of two
 * numbers of 32 bytes. Anything else would be room for something else. */
enum {
    HASH_TEXT = 44,
    ID = 4,
    ED25519 = 64,
    DER_MAX = 72,
    SIGNATURE_TEXT_MAX = 104,
    HASHES_MAX = 63,
    SIGNATURES_MAX = 2,
    ORIGIN_MAX = 96
};

static bool take_line(struct str *rest, struct str *out)
{
    const char *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);
    if (end == NULL)
        return false;
    *out = (struct str) {rest->at, (size_t)(end - rest->at)};
    *rest = (struct str) {end + 1, rest->len - out->len - 1};
    return true;
}

static bool is_number(struct str text)
{
    bool good = text.len > 0 && text.len <= 19 && (text.at[0] != '0' || text.len == 1);
    for (size_t i = 0; good && i < text.len; i++)
        good = text.at[i] >= '0' && text.at[i] <= '9';
    return good;
}

static bool is_base64(struct str text, size_t chars, size_t bytes)
{
    uint8_t out[HASH_TEXT];
    size_t len;
    return text.len == chars && str_unbase64(text, out, sizeof out, &len) && len == bytes;
}

/* bongsu-log/NODE/EPOCH */
static bool is_origin(struct str line)
{
    static const char head[] = "bongsu-log/";
    if (line.len > ORIGIN_MAX || !str_starts(line, str_of(head)))
        return false;
    struct str epoch = {line.at + sizeof head - 1, line.len - (sizeof head - 1)};
    struct str name = str_cut(&epoch, '/');
    bool good = name.len > 0 && name.len <= LIMIT_NAME_BYTES && is_number(epoch);
    for (size_t i = 0; good && i < name.len; i++)
        good = (name.at[i] >= 'a' && name.at[i] <= 'z') || (name.at[i] >= '0' && name.at[i] <= '9') ||
               strchr("._-", name.at[i]) != NULL;
    return good;
}

/* An INTEGER of at most 33 bytes (a zero before the highest bit) at *at, and past it. */
static bool is_number_der(const uint8_t *bytes, size_t len, size_t *at)
{
    if (len - *at < 3 || bytes[*at] != 0x02 || bytes[*at + 1] == 0 || bytes[*at + 1] > 33)
        return false;
    size_t size = bytes[*at + 1];
    *at += 2;
    bool fits = size <= len - *at && (size < 33 || bytes[*at] == 0);
    *at += fits ? size : 0;
    return fits;
}

static bool is_der(const uint8_t *bytes, size_t len)
{
    size_t at = 2;
    return len > 2 && len <= DER_MAX && bytes[0] == 0x30 && bytes[1] == len - 2 &&
           is_number_der(bytes, len, &at) && is_number_der(bytes, len, &at) && at == len;
}

/* A dash, the origin, a space, the signature. */
static bool is_signature(struct str line, struct str origin)
{
    static const char dash[] = "\xe2\x80\x94 ";
    uint8_t out[ID + DER_MAX];
    size_t head = sizeof dash - 1 + origin.len + 1, len;
    if (!str_starts(line, str_of(dash)) || line.len <= head || line.len - head > SIGNATURE_TEXT_MAX)
        return false;
    struct str name = {line.at + sizeof dash - 1, origin.len};
    struct str rest = {line.at + head, line.len - head};
    return str_eq(name, origin) && name.at[origin.len] == ' ' && str_unbase64(rest, out, sizeof out, &len) &&
           len > ID && (len == ID + ED25519 || is_der(out + ID, len - ID));
}

bool witness_request_ok(struct str body)
{
    static const char old[] = "old ";
    struct str line, origin, size, root;
    size_t hashes = 0, signatures = 0;
    if (!take_line(&body, &line) || !str_starts(line, str_of(old)) ||
        !is_number((struct str) {line.at + 4, line.len - 4}))
        return false;
    while (take_line(&body, &line) && line.len > 0)
        if (++hashes > HASHES_MAX || !is_base64(line, HASH_TEXT, HASH_SIZE))
            return false;
    if (line.len > 0 || !take_line(&body, &origin) || !is_origin(origin) || !take_line(&body, &size) ||
        !is_number(size) || !take_line(&body, &root) || !is_base64(root, HASH_TEXT, HASH_SIZE) ||
        !take_line(&body, &line) || line.len > 0)
        return false;
    while (body.len > 0)
        if (++signatures > SIGNATURES_MAX || !take_line(&body, &line) || !is_signature(line, origin))
            return false;
    return signatures > 0;
}
