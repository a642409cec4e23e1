/* Statuses of submissions (TAXII 2.1 section 4.3), kept as settings of the gate for LIMIT_TAXII_STATUS_US at
 * least, LIMIT_TAXII_STATUSES an identity: where they would not last that long, submissions wait. The lists
 * of a kept status are whole or left out. For taxii/ only. */
#pragma once

#include "taxii/route.h"

/* False: as many as can be kept are still to be kept, answered with 429 and Retry-After; or that cannot be
 * told now, answered too. */
bool status_room(const struct call *call);
/* The number of the identity's next status. */
NODISCARD err_t status_next(const struct taxii *taxii, const struct taxii_identity *identity, uint64_t *out);
struct uuid status_id(const struct taxii *taxii, const struct taxii_identity *identity, uint64_t number);
/* Keeps `text` (at most LIMIT_TAXII_STATUS_BYTES) as that number. Durable after gate_commit. */
NODISCARD err_t status_keep(const struct call *call, uint64_t number, struct bytes text);
void status_get(const struct call *call, const struct place *place);
