/* UUIDs (RFC 4122): 16 bytes; the text form is 36 characters, read in either case, written in lower case.
 * Pure; any thread. */
#pragma once

#include <stdbool.h>

#include "core/str.h"

enum { UUID_SIZE = 16, UUID_TEXT_SIZE = 36 };

struct uuid {
    uint8_t b[UUID_SIZE];
};

bool uuid_parse(struct str text, struct uuid *out);
/* Exactly 36 characters, no terminator. */
void uuid_text(const struct uuid *uuid, char out[UUID_TEXT_SIZE]);
/* Version 5 (SHA-1 of namespace and name), as STIX 2.1 section 2.9 asks for deterministic identifiers. */
struct uuid uuid_v5(const struct uuid *name_space, struct bytes name);
/* Version 4 from 16 random bytes. */
struct uuid uuid_v4(const uint8_t random[UUID_SIZE]);
