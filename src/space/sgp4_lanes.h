/* The forms of sgp4_lanes.c, which is compiled once for each. Inside src/space. */
#pragma once

#include "space/sgp4_batch.h"

void sgp4_lanes_portable(const struct sgp4_batch_models *blocks, size_t count, double at_us,
                         struct sgp4_batch_states *out);
void sgp4_lanes_avx2(const struct sgp4_batch_models *blocks, size_t count, double at_us,
                     struct sgp4_batch_states *out);
void sgp4_lanes_avx512(const struct sgp4_batch_models *blocks, size_t count, double at_us,
                       struct sgp4_batch_states *out);
