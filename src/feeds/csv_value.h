/* What a value of a table or list can be, and whether it is that: one check a type, the same where the
 * mapping names the type and where it is told by looking. Pure; any thread. */
#pragma once

#include <stdbool.h>

#include "core/buf.h"
#include "core/str.h"

struct csv_kind {
    struct str name, sco; /* in a mapping; the type of its observable */
    struct str path, member;
    size_t digits; /* of a hash; 0: none */
    bool (*ok)(const struct csv_kind *kind, struct str value);
};

/* `name` is a type, or "auto": the only one that the value can be (never a mutex, which any text is). NULL:
 * no such type, or the value is not of it. A MAC-48 address is put into the form of STIX, lower case with
 * colons. */
const struct csv_kind *csv_kind_of(struct str name, struct buf *value);
bool csv_kind_known(struct str name); /* other than "auto" */
