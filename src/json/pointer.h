/* Inside the room: builds the JSON pointer (RFC 6901) of a fault, token by token from the root. */
#pragma once

#include "core/err.h"
#include "core/str.h"

/* `fault` may be NULL. Cut with "..." when it gets too long; then later tokens are dropped.
 */
void pointer_add_name(struct fault *fault, struct str name);
void pointer_add_index(struct fault *fault, size_t index);
