/* Inside the room: echoes. An object that another source brought first, and that is ours, a partner's, or was
 * released to anybody, comes back by a feed, at the TAXII server or out of a file
 *   unchanged: equal in canonical form;
 *   rewritten: equal but for created, modified, created_by_ref, spec_version and what OpenCTI adds; or, where
 *     it may have left this node, saying nothing that is not held, but for what MISP writes (echo_misp.h);
 *   in this node's own name: what it said of something that it took back, or its identity, and it does not
 *     hold it.
 * It is none where the source itself speaks for the object: it may shorten and date its own words. And
 * under the date of a version that is held, only that version's words are an echo: another copy of it may be
 * stricter, and binds. What comes back under another id is not recognised.
 *
 * Who can read back what he handed in sees whether it was taken for an echo. He is compared with what he has
 * from here and with nothing else (GATE_ECHOES_OF_VIEW), or he would learn what else is held. */
#pragma once

#include "gate/gate.h"

enum echo_kind { ECHO_NONE, ECHO_UNCHANGED, ECHO_REWRITTEN };

struct echo;

void echo_close(struct echo *echo); /* accepts NULL */
/* What `object` of this submission is to what is held; JSON_PADDING bytes behind it can be read. ECHO_NONE in
 * doubt, and where the submission asks for no echoes. Uses step_arena and parser_one. ERR_NOMEM. */
NODISCARD err_t echo_look(struct gate *gate, const struct gate_submission *submission, struct bytes object,
                          enum echo_kind *out);
