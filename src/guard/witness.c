#include "guard/state.h"

/* An entry's hashes are 32 bytes; a signature has 4 bytes of key id and 64 of Ed25519. Anything longer would
 * be room for something else. */
enum { HASH_TEXT = 44, SIGNATURE_TEXT = 92, HASHES_MAX = 63, SIGNATURES_MAX = 2, ORIGIN_MAX = 96 };

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
    uint8_t out[SIGNATURE_TEXT];
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

/* A dash, the origin, a space, the signature. */
static bool is_signature(struct str line, struct str origin)
{
    static const char dash[] = "\xe2\x80\x94 ";
    if (!str_starts(line, str_of(dash)) || line.len != sizeof dash - 1 + origin.len + 1 + SIGNATURE_TEXT)
        return false;
    struct str name = {line.at + sizeof dash - 1, origin.len};
    struct str rest = {name.at + origin.len + 1, SIGNATURE_TEXT};
    return str_eq(name, origin) && name.at[origin.len] == ' ' && is_base64(rest, SIGNATURE_TEXT, 68);
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
