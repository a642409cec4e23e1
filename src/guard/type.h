/* The types of STIX 2.1 (sections 4 to 7), written apart from stix/. For guard/ only. Pure. */
#pragma once

#include <stdbool.h>

#include "core/str.h"

/* Of an identifier in lower case: does its type stand in the standard? */
bool type_is_standard(struct str id);
