/* WGS-72, of which mean elements are made. Lengths in Earth radii, times in minutes, unless said. Inside
 * src/space. */
#pragma once

static const double earth_km = 6378.135;
static const double ke = 0.07436691613317342; /* sqrt(GM), with GM = 398600.8 km^3/s^2 */
static const double j2 = 0.001082616, j3 = -0.00000253881, j4 = -0.00000165597;
