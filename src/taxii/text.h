/* Small readings of header text. For taxii/ only. */
#pragma once

#include "core/str.h"

/* An object of STIX JSON in the three places where TAXII names its type (section 1.6.8). */
#define TAXII_TYPE     "application/taxii+json;version=2.1"
#define STIX_TYPE_TEXT "application/stix+json;version=2.1"

enum media { MEDIA_OTHER, MEDIA_TAXII, MEDIA_TAXII_BARE, MEDIA_STIX };

/* May the client be sent TAXII_TYPE? An absent header says yes; otherwise the range that names it most
 * closely (RFC 9110 section 12.5.1): a wildcard beside application/taxii+json;q=0 says no. */
bool media_accepted(struct str accept);
/* MEDIA_TAXII_BARE: without a version. */
enum media media_of(struct str content_type);
