/* Inside the room: says exactly what is wrong with a text that simdjson refused. Reads it again, byte by
 * byte; runs only on refusal. */
#pragma once

#include "core/err.h"
#include "core/str.h"

/* Never ERR_OK: a text in which nothing is found is ERR_SYNTAX at offset 0. */
err_t json_refuse(struct bytes text, struct fault *fault);
