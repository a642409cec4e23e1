/* Inside the room: numbers as text. */
#pragma once

#include "core/str.h"

/* Length of the number (RFC 8259 section 6) at `at`; 0 when none stands there. */
size_t number_scan(struct bytes text, size_t at);
/* True when the number, read as a double and written back, has the decimal value it came with. */
bool number_survives(struct bytes number);
/* True when no finite double is near. */
bool number_overflows(struct bytes number);
