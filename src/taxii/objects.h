/* The reading endpoints of a collection: manifest, objects, one object, its versions (TAXII 2.1 sections 5.3
 * to 5.6, 5.8). For taxii/ only. */
#pragma once

#include "taxii/route.h"

void objects_manifest(const struct call *call, const struct place *place);
void objects_all(const struct call *call, const struct place *place);
void objects_one(const struct call *call, const struct place *place);
void objects_versions(const struct call *call, const struct place *place);
