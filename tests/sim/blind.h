/* Planted blindness: while it is set, no object that is read shows the references that `hidden` names. It
 * replaces stix_read and stix_read_held when a program is linked (--wrap). Of the simulator and the leak
 * hunt.
 */
#pragma once

#include "stix/stix.h"

/* NULL: none are hidden. */
void blind_to(bool (*hidden)(const struct stix_ref *ref));
