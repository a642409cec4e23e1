/* Inside the room: what of an object every system rewrites on the way, and what is left of it. Pure. */
#pragma once

#include "core/buf.h"
#include "core/hash.h"
#include "json/json.h"

/* created, modified, created_by_ref, spec_version, what OpenCTI adds, and a default that some write and some
 * do not (section 3.6): of the object itself, not of what lies in it. */
bool echo_is_volatile(struct str name, struct json_val value);
/* One of the times that the standard gives an object: compared as instants, whatever their decimals. */
bool echo_is_time(struct str name);
/* Digest of the canonical form: of all of it, or (`lasting`) without what is volatile. `canon` is cleared
 * first. False when there is none, or no memory. */
bool echo_digest(struct json_val v, bool lasting, struct buf *canon, struct hash *out);
