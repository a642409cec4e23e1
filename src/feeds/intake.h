/* Inside the room: a text of any size goes through the gate in batches, a batch a step, so that a bundle of
 * 64 MiB holds nobody up. Objects keep their bytes.
 *
 * Whatever comes is looked at for echoes by the gate: what was rewritten goes no further, so that two systems
 * do not send each other new dates for ever (MISP#4838, OpenCTI#6708). */
#pragma once

#include "feeds/feed.h"

struct intake;

NODISCARD err_t intake_new(struct gate *gate, uint32_t source, struct intake **out);
void intake_free(struct intake *intake); /* accepts NULL */
/* Takes `text` over (it is left empty). Idle intakes only. */
NODISCARD err_t intake_begin(struct intake *intake, struct buf *text);
/* Forgets what is left of it. */
void intake_drop(struct intake *intake);
bool intake_idle(const struct intake *intake);
/* One batch. ERR_BUSY: the index lags, the same step again a little later. Any other error: nothing can be
 * taken in now. Idle afterwards: all of it stands in the gate's open group. */
NODISCARD err_t intake_step(struct intake *intake, int64_t now_us, struct feed_counts *counts);
/* What was refused before it was STIX: kept, and counted. */
NODISCARD err_t intake_refuse(struct intake *intake, struct bytes text, const struct fault *fault,
                              int64_t now_us, struct feed_counts *counts);
