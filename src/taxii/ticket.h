/* Numbers that clients carry for us: positions (`next`) and status ids. A ticket is its number, hidden and
 * authenticated under the node key, bound to what it was given for; the same number gives the same ticket. A
 * forged or borrowed one is refused before anything is looked up. For taxii/ only. */
#pragma once

#include "core/uuid.h"
#include "taxii/state.h"

enum { TICKET_TEXT_SIZE = 48 };

/* `bound`: collection, endpoint and filters. */
void ticket_next(const struct taxii *taxii, struct bytes bound, uint64_t position,
                 char out[TICKET_TEXT_SIZE]);
NODISCARD err_t ticket_next_read(const struct taxii *taxii, struct bytes bound, struct str text,
                                 uint64_t *out_position);

enum { TICKET_NUMBER_BITS = 56 };

/* Of the shape of a version 4 UUID (section 4.3.1). `number` is below 2^56. */
struct uuid ticket_status(const struct taxii *taxii, struct str identity, uint64_t number);
NODISCARD err_t ticket_status_read(const struct taxii *taxii, struct str identity, const struct uuid *uuid,
                                   uint64_t *out_number);
