/* Which request is about what: paths, methods, rights and media types of every resource, as rows of one
 * table (TAXII 2.1 sections 4, 5). For taxii/ only. */
#pragma once

#include "taxii/answer.h"
#include "taxii/collection.h"

/* What a path names. */
struct place {
    struct collection collection;
    struct str id; /* of an object or a status */
};

/* Answers. The identity is known. */
void route(const struct call *call);
