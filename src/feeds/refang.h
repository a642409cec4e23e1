/* Undoes what people do to addresses so that nobody clicks on them (hxxp, [.], (dot), [@]): feeds and reports
 * carry such values, patterns and observables must not. Pure; any thread. */
#pragma once

#include <stdbool.h>

#include "core/buf.h"
#include "core/str.h"

/* Appends `value`, armed again, to `out`. True when something was changed: then say so to whoever sent it.
 * A bracketed IPv6 literal and ordinary brackets stay. */
bool feeds_refang(struct str value, struct buf *out);
/* It begins with a scheme that nobody can follow: hxxp, h**p. */
bool feeds_is_defanged(struct str value);
