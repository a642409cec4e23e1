/* The reading endpoints of a collection: manifest, objects, one object, its versions (TAXII 2.1 sections 5.3
 * to 5.6, 5.8). For taxii/ only. */
#pragma once

#include "taxii/answer.h"
#include "taxii/collection.h"

enum reading { READING_MANIFEST, READING_OBJECTS, READING_OBJECT, READING_VERSIONS };

/* `id`: the object's, for the last two. */
void objects_get(const struct call *call, const struct collection *collection, enum reading reading,
                 struct str id);
