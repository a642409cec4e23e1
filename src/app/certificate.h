/* The node's own certificate: self-signed over its TLS key, for the node's name and for every host of
 * `listen` and `addresses` (subjectAltName, RFC 5280 section 4.2.1.6), so that a client that trusts this one
 * certificate by file finds the address that it called in it. It is a function of that key and bongsu.yaml
 * alone, byte for byte: every start shows the same one, and whoever asks for it with `bongsu card
 * --tls-certificate` gets what is shown. Other addresses give another certificate over the same key, which
 * is what partners pin. Kept in no file. Any thread. */
#pragma once

#include "app/conf.h"
#include "net/tls.h"

/* Over the key with this public half; NULL: over keys/tls, the first one. ERR_NOTFOUND, ERR_CORRUPT: the key;
 * ERR_USAGE: no certificate can be made of it. */
NODISCARD err_t certificate_make(const struct os *os, const struct conf *conf,
                                 const struct sign_public *public, struct tls_identity **out);
/* Appends the names of the certificate: "DNS:kr,IP:192.0.2.1", each once. A host that is neither an address
 * nor a DNS name is left out, and so is what stands for "every address" (0.0.0.0, ::). */
void certificate_names(const struct conf *conf, struct buf *out);
