/* Inside the room: the one form of a value, whichever way it is written. Two spellings of one telephone, of
 * one registration number, of one address are the same there. */
#pragma once

#include "privacy/privacy.h"
#include "stix/plain.h"

/* Writes it to `out`; its bytes, 0 when there is none but how it stands: names, accounts and credentials,
 * what is too long, and where memory is out. Pure. */
size_t canon_value(enum privacy_kind kind, struct str value, char out[PRIVACY_VALUE_MAX]);
