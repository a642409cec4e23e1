/* The index in memory: for tests and the simulator, where it outlives a node's crash and can be put back to
 * any earlier state, as if an older index file had come back. */
#pragma once

#include "store/index.h"

NODISCARD err_t index_mem_new(struct index **out); /* ops->close frees it */
/* Applied batches since it was made. */
size_t index_mem_states(const struct index *index);
/* Back to the state after the first `states` batches. No snapshot may be open. */
NODISCARD err_t index_mem_rollback(struct index *index, size_t states);
