/* Inside the room: what MISP makes of an object that it was given as STIX and gives again as STIX, with
 * misp-stix between, both ways (docs/decisions/0151-what-comes-back-from-misp.md). The table is in
 * echo_misp.c. Pure; any thread. */
#pragma once

#include "core/arena.h"
#include "core/buf.h"
#include "json/json.h"

/* Does `came` say nothing that `held`, of the same identifier, does not say? What differs is then only what
 * MISP is known to lose and to write. False in doubt, and when memory is out. `arena` and `scratch` are the
 * caller's, reset and cleared here. */
bool echo_is_misp(struct json_val came, struct json_val held, struct arena *arena, struct buf *scratch);
