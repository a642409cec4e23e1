/* Submissions (TAXII 2.1 section 5.5): each object on its own through the gate's one door, the outcome as a
 * status. For taxii/ only. */
#pragma once

#include "taxii/route.h"

void post_objects(const struct call *call, const struct place *place);
