/* What a name, a URL and a mailbox look like in feeds: the form that STIX asks for (sections 6.4, 6.5, 6.18),
 * and what a list of indicators needs beyond it. Defanged text (hxxp, [.]) has none of these forms. Letters
 * of any language are fine: U-labels of RFC 5890. Pure; any thread. */
#pragma once

#include <stdbool.h>

#include "core/str.h"

/* At least two labels, the last of them no number: 1.2.3 and 999.999.999.999 are no names. */
bool form_domain(struct str s);
/* scheme "://" host, and no blank or control character anywhere. The rest may have what RFC 3986 wants
 * encoded: such addresses are seen. */
bool form_url(struct str s);
/* A dot-atom or a quoted string, "@" and a domain name: no display name, one address. */
bool form_email(struct str s);
