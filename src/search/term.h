/* Terms: what an object is found by exactly. A term is a letter for its kind and a value in one spelling, so
 * that equal things are equal bytes and what contains something begins with it:
 *
 *   t indicator           type               d example.evil.       domain, its labels from the top
 *   s 3                   source (number)    h 44d88612...         hash of any algorithm, lower case
 *   l, e, m, c            label, sector, marking, creator
 *   v evil                a value as it stands, lower case
 *   4 1100..., 6 0010...  an address, a character a bit
 *   n 1100.  o 0010.      a network, its bits and a dot (IPv4, IPv6)
 *
 * So "inside a network" and "below a domain" are questions for a beginning, "which networks contain it" is a
 * few exact ones. Terms stand one after the other in a buf, each closed by TERM_END. Pure; any thread. */
#pragma once

#include "core/arena.h"
#include "core/buf.h"

enum { TERM_BEGIN = 0x01, TERM_END = 0x1f, TERM_BYTES_MAX = 250 };

enum term_kind {
    TERM_ALL = '*', /* every object has it */
    TERM_TYPE = 't',
    TERM_SOURCE = 's',
    TERM_LABEL = 'l',
    TERM_SECTOR = 'e',
    TERM_MARKING = 'm',
    TERM_CREATOR = 'c',
    TERM_VALUE = 'v',
    TERM_HASH = 'h',
    TERM_DOMAIN = 'd',
    TERM_ADDRESS4 = '4',
    TERM_ADDRESS6 = '6',
    TERM_NETWORK4 = 'n',
    TERM_NETWORK6 = 'o',
};

/* One term of this kind, in lower case; a longer value than TERM_BYTES_MAX is cut and its digest added. An
 * empty one, and one that does not fit into what is left of `out`, is left out. */
void term_put(struct buf *out, enum term_kind kind, struct str value);

/* An address or network. A single IPv4-mapped IPv6 address is the IPv4 one. */
struct term_network {
    uint8_t bytes[16];
    unsigned bits; /* of the prefix */
    unsigned size; /* 32 or 128 */
};
bool term_network_parse(struct str text, struct term_network *out);
/* `bits` of it as characters; closed with a dot when `dot`. Returns the length. */
enum { TERM_NETWORK_TEXT_MAX = 130 };
size_t term_network_text(const struct term_network *network, unsigned bits, bool dot,
                         char out[TERM_NETWORK_TEXT_MAX]);

/* "a.evil.example" as "example.evil.a." in lower case; labels in other letters in their ASCII form ("xn--"),
 * by which both are found. False when these cannot be labels of a domain name. */
bool term_labels(struct str text, char out[TERM_BYTES_MAX], size_t *out_len);
/* The same of at least two, of which the top one is no number. */
bool term_domain(struct str text, char out[TERM_BYTES_MAX], size_t *out_len);
bool term_is_hash(struct str text); /* hexadecimal, 32 to 128 digits */

/* What may be an address or a name in it: the host of a URL, what stands behind the @ of an e-mail address,
 * else itself. A part of `value`. */
struct str term_host(struct str value);
/* Everything that a value of unknown kind is found by: itself, and by its form an address, a network, a
 * domain, the host of a URL, the domain of an e-mail address. */
void term_put_value(struct buf *out, struct str value);
/* An autonomous system's number. */
void term_put_number(struct buf *out, int64_t number);
/* What a STIX pattern compares with (section 9) by =, IN, ISSUBSET and ISSUPERSET, unless negated. False: it
 * is no STIX pattern. The tree lives in the arena. */
bool term_put_pattern(struct buf *out, struct str text, struct arena *arena);
