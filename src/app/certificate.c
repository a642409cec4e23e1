#include "app/certificate.h"

#include "app/keys.h"
#include "core/mem.h"
#include "search/term.h"

enum { NAMES_BYTES_MAX = (LIMIT_CARD_ADDRESSES + 2) * (LIMIT_HOST_BYTES + 8) };

/* Set once and for all, or each start would show another certificate. The key is good as long as the card
 * says; 9999 is RFC 5280's word for "no end" (section 4.1.2.5). */
static const int64_t FROM_S = INT64_C(1577836800);    /* 2020-01-01T00:00:00Z */
static const int64_t UNTIL_S = INT64_C(253402300799); /* 9999-12-31T23:59:59Z */

static bool is_address(struct str host)
{
    struct term_network network;
    return memchr(host.at, '/', host.len) == NULL && term_network_parse(host, &network);
}

static bool is_everywhere(struct str host)
{
    for (size_t i = 0; i < host.len; i++)
        if (host.at[i] != '0' && host.at[i] != '.' && host.at[i] != ':')
            return false;
    return true;
}

/* Nothing that the text form of an extension would read as something else. */
static bool is_name(struct str host)
{
    for (size_t i = 0; i < host.len; i++) {
        char c = host.at[i];
        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' &&
            c != '_')
            return false;
    }
    return host.len > 0;
}

static bool holds(struct str names, struct str kind, struct str host)
{
    while (names.len > 0) {
        struct str one = str_cut(&names, ',');
        if (str_starts(one, kind) && str_eq((struct str) {one.at + kind.len, one.len - kind.len}, host))
            return true;
    }
    return false;
}

static void put_host(struct buf *out, struct str host)
{
    bool address = is_address(host);
    struct str kind = address ? STR("IP:") : STR("DNS:");
    if (address ? is_everywhere(host) : !is_name(host))
        return;
    if (holds(buf_str(out), kind, host))
        return;
    if (out->len > 0)
        buf_putc(out, ',');
    buf_put_str(out, kind);
    buf_put_str(out, host);
}

void certificate_names(const struct conf *conf, struct buf *out)
{
    put_host(out, str_of(conf->node));
    put_host(out, str_of(conf->listen.host));
    for (size_t i = 0; i < conf->address_count; i++)
        put_host(out, str_of(conf->addresses[i].host));
}

err_t certificate_make(const struct os *os, const struct conf *conf, const struct sign_public *public,
                       struct tls_identity **out)
{
    struct sign_seed seed;
    struct buf names;
    buf_init(&names, NAMES_BYTES_MAX);
    certificate_names(conf, &names);
    buf_putc(&names, '\0');
    err_t err = buf_err(&names);
    if (err == ERR_OK)
        err = public == NULL ? keys_read_seed(os, conf->dir, SYNC_CARD_TLS, &seed)
                             : keys_find_seed(os, conf->dir, SYNC_CARD_TLS, public, &seed);
    if (err == ERR_OK)
        err = tls_identity_make(&seed, conf->node, (const char *)names.at, FROM_S, UNTIL_S, out);
    mem_wipe(&seed, sizeof seed);
    buf_deinit(&names);
    return err;
}
