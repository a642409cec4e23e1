#include "core/uuid.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "core/err.h"

static const size_t group_ends[] = {8, 13, 18, 23};

bool uuid_parse(struct str text, struct uuid *out)
{
    if (text.len != UUID_TEXT_SIZE)
        return false;
    char digits[2 * UUID_SIZE];
    size_t from = 0, n = 0;
    for (size_t group = 0; group <= 4; group++) {
        size_t end = group < 4 ? group_ends[group] : UUID_TEXT_SIZE;
        if (group < 4 && text.at[end] != '-')
            return false;
        memcpy(digits + n, text.at + from, end - from);
        n += end - from;
        from = end + 1;
    }
    return str_unhex((struct str) {digits, sizeof digits}, out->b, UUID_SIZE);
}

void uuid_text(const struct uuid *uuid, char out[UUID_TEXT_SIZE])
{
    char digits[2 * UUID_SIZE];
    str_hex(uuid->b, UUID_SIZE, digits);
    size_t from = 0, n = 0;
    for (size_t group = 0; group <= 4; group++) {
        size_t end = group < 4 ? group_ends[group] : UUID_TEXT_SIZE;
        memcpy(out + from, digits + n, end - from);
        n += end - from;
        if (group < 4)
            out[end] = '-';
        from = end + 1;
    }
}

static struct uuid stamp_version(const uint8_t *b, unsigned version)
{
    struct uuid uuid;
    memcpy(uuid.b, b, UUID_SIZE);
    uuid.b[6] = (uint8_t)((uuid.b[6] & 0x0f) | version << 4);
    uuid.b[8] = (uint8_t)((uuid.b[8] & 0x3f) | 0x80);
    return uuid;
}

/* Not through EVP, for the reason that core/hash.c gives. */
struct uuid uuid_v5(const struct uuid *name_space, struct bytes name)
{
    uint8_t digest[SHA_DIGEST_LENGTH];
    SHA_CTX ctx;
    must(SHA1_Init(&ctx) == 1 && SHA1_Update(&ctx, name_space->b, UUID_SIZE) == 1);
    must(SHA1_Update(&ctx, name.at, name.len) == 1 && SHA1_Final(digest, &ctx) == 1);
    return stamp_version(digest, 5);
}

struct uuid uuid_v4(const uint8_t random[UUID_SIZE])
{
    return stamp_version(random, 4);
}
