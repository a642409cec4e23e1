/* Scripts of web pages as readers (Fetch standard, "CORS protocol"): off unless origins are configured. A
 * browser asks beforehand, without credentials (preflight); it learns methods and header names, which are
 * public, and nothing else. For taxii/ only. */
#pragma once

#include "taxii/answer.h"

void cors_keep(struct taxii *taxii, const struct str *origins, size_t count);
/* True: it was a preflight of a configured origin, and is answered. */
bool cors_preflight(const struct call *call);
/* Lets the script read the answer, if its origin is configured. */
void cors_allow(const struct call *call);
