/* Inside the room: echoes. An object that another source brought first, and that is ours, a partner's, or was
 * released to anybody, comes back from a feed
 *   unchanged: equal in canonical form;
 *   rewritten: equal but for created, modified, created_by_ref, spec_version and what OpenCTI adds; or, where
 *     it may have left this node, saying nothing that is not held, but for what MISP writes (echo_misp.h);
 *   in this node's own name: what it said of something that it took back, or its identity, and it does not
 *     hold it.
 * It is none where the feed's source itself speaks for the object: it may shorten and date its own words. And
 * under the date of a version that is held, only that version's words are an echo: another copy of it may be
 * stricter, and binds. What comes back under another id is not recognised. */
#pragma once

#include "gate/gate.h"

enum echo_kind { ECHO_NONE, ECHO_UNCHANGED, ECHO_REWRITTEN };

struct echo;

NODISCARD err_t echo_new(struct gate *gate, uint32_t source, struct echo **out); /* the gate outlives it */
void echo_free(struct echo *echo);                                               /* accepts NULL */
/* What `object` is to what is held; JSON_PADDING bytes behind it can be read. */
enum echo_kind echo_look(struct echo *echo, struct bytes object);
