/* The collections of an identity (TAXII 2.1 section 5.2). For taxii/ only. */
#pragma once

#include "core/uuid.h"
#include "taxii/state.h"

enum { COLLECTION_KINDS = 3 };

struct collection {
    enum taxii_role role; /* which of the three it is */
    bool can_read, can_write;
    int partner;     /* of a release collection */
    uint32_t source; /* of the other two */
    struct uuid id;  /* keyed: says nothing about other audiences; stable for a node and audience or source */
    const char *alias, *title, *description;
    struct str name; /* of the audience, or the source; good until the next fact */
};

/* Those that the identity has, sorted by id. */
size_t collections_of(const struct taxii *taxii, const struct taxii_identity *identity,
                      struct collection out[COLLECTION_KINDS]);
/* By id or alias. False for anything else, whether it exists for others or not. */
bool collection_find(const struct taxii *taxii, const struct taxii_identity *identity, struct str name,
                     struct collection *out);
void collection_write(struct buf *out, const struct collection *collection);
