/* What the Moon, the Sun and the Earth's own shape do with objects far away: the deep-space part of sgp4.h.
 * Inside src/space. */
#pragma once

#include "space/sgp4.h"

/* Osculating enough for the last part of the theory; radians. */
struct sgp4_mean {
    double e, i, node, perigee, anomaly, motion;
};

/* `days`: from 1950 January 0.0 UTC to the epoch. */
void sgp4_deep_init(struct sgp4 *model, double days);
/* Secular effects and resonances at `minutes`. */
void sgp4_deep_secular(const struct sgp4 *model, double minutes, struct sgp4_mean *mean);
/* Periods of the Moon and the Sun. */
void sgp4_deep_periods(const struct sgp4_deep *far, double minutes, struct sgp4_mean *mean);
