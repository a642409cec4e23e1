/* Where a value leads, however it is written: the addresses and the name behind schemes, slashes of either
 * kind and any number, users, ports, brackets and wildcards (docs/decisions/0142-where-a-value-leads.md).
 * What safety holds ask of a list of networks or names. Borrows from the text; linear; pure; any thread.
 * Inside src/gate, and tests. */
#pragma once

#include "core/str.h"

/* The addresses from `low` to `high`, both of them. */
struct reach_span {
    uint8_t low[16], high[16];
    uint8_t size; /* in bits: 32 or 128 */
};

enum { REACH_SPANS_MAX = 8, REACH_NAMES_MAX = 3 };

struct reach {
    /* What is written, and IPv4 addresses within those of IPv6 (6to4, NAT64, ISATAP ...). */
    struct reach_span spans[REACH_SPANS_MAX];
    size_t span_count;
    /* Hosts, without a dot at the end and what stands for any label before. Several: browsers take a
     * backslash for a slash, others for a part of the user's name; a/b@example.com may be an address or a
     * path. */
    struct str names[REACH_NAMES_MAX];
    size_t name_count;
    struct str whole; /* the value is this host, and at most a port; else empty */
    bool url;         /* it says so itself: by a scheme, slashes or an at-sign */
};

/* `belongs`: it stands where an address, a name or a URL belongs: then a URL may lack its scheme, 127.1 is an
 * address, and 192.0.2.* are 256. */
void reach_read(struct str text, bool belongs, struct reach *out);

/* An address's beginning, from which on all is open: "192.0.2.", "192.0", "2001:db8:"; also at the end of a
 * URL. */
bool reach_begins_address(struct str text);
