/* Resources that say what there is: discovery, API root, collections (TAXII 2.1 sections 4.1, 4.2, 5.1,
 * 5.2). For taxii/ only. */
#pragma once

#include "taxii/route.h"

void simple_discovery(const struct call *call, const struct place *place);
void simple_root(const struct call *call, const struct place *place);
void simple_collections(const struct call *call, const struct place *place);
void simple_collection(const struct call *call, const struct place *place);
