/* A planted fault: the index forgets an object, as a damaged file or a fault in the program might. The log
 * still has its frame, and nothing leads there. Tests only; of a store that nobody has open. */
#pragma once

#include "stix/stix.h"
#include "store/index.h"

/* How many rows are gone; 0: there were none. */
NODISCARD err_t lose_object(struct index *index, const struct stix_key *key, size_t *out_rows);
