/* DELETE (TAXII 2.1 section 5.7), in workspaces alone: copies that are no longer shown there, as settings of
 * the gate ("taxii/gone/SOURCE/NUMBER"). The node keeps the objects, and what was released stays released: a
 * recall is another thing. Submitting the same again shows it again, at its old place. For taxii/ only. */
#pragma once

#include "taxii/route.h"

void remove_object(const struct call *call, const struct place *place);

/* `order`: struct version. */
bool remove_is(const struct taxii *taxii, uint32_t source, uint64_t order);
/* What was submitted again. */
NODISCARD err_t remove_undo(const struct call *call, uint32_t source, uint64_t order);
