/* OpenSSL's side of net/tls.h. For net/ only. */
#pragma once

#include <openssl/ssl.h>

#include "net/tls.h"

struct tls {
    struct tls_conf conf;
    SSL_CTX *context; /* a client's serves only to refuse a bad configuration early: libcurl brings its own */
};

/* Applies `tls->conf` to a context, whoever made it. */
NODISCARD err_t tls_setup(const struct tls *tls, SSL_CTX *context);
/* Connections made from the context put the place for the proven peer here (SSL_set_app_data); may be NULL.
 */
