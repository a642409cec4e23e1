#define _GNU_SOURCE

#include "os/os_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "core/str.h"

struct range {
    uint8_t net[16];
    uint8_t bits;
};

/* IPv4: this network, private, shared, loopback, link-local, protocol assignments, benchmarking, multicast
 * and what is reserved. */
static const struct range ranges4[] = {
    {{0}, 8},          {{10}, 8},        {{100, 64}, 10}, {{127}, 8}, {{169, 254}, 16}, {{172, 16}, 12},
    {{192, 0, 0}, 24}, {{192, 168}, 16}, {{198, 18}, 15}, {{224}, 4}, {{240}, 4},
};

/* IPv6: unspecified and loopback (and IPv4-compatible), unique local, link-local, site-local, multicast,
 * discard, translation within a network (RFC 8215). */
static const struct range ranges6[] = {
    {{0}, 96},
    {{0xfc}, 7},
    {{0xfe, 0x80}, 10},
    {{0xfe, 0xc0}, 10},
    {{0xff}, 8},
    {{0x01}, 64},
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48},
};

/* Those that carry an IPv4 address: where it stands in them. */
static const struct {
    struct range range;
    uint8_t at;
} carriers[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12},
    {{{0, 0x64, 0xff, 0x9b}, 96}, 12},
    {{{0x20, 0x02}, 16}, 2},
};

static bool within(const uint8_t *address, const struct range *range)
{
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(address, range->net, whole) != 0)
        return false;
    return rest == 0 || (address[whole] ^ range->net[whole]) >> (8 - rest) == 0;
}

static bool public4(const uint8_t *address)
{
    for (size_t i = 0; i < sizeof ranges4 / sizeof ranges4[0]; i++)
        if (within(address, &ranges4[i]))
            return false;
    return true;
}

static bool public6(const uint8_t *address)
{
    for (size_t i = 0; i < sizeof carriers / sizeof carriers[0]; i++)
        if (within(address, &carriers[i].range))
            return public4(address + carriers[i].at);
    for (size_t i = 0; i < sizeof ranges6 / sizeof ranges6[0]; i++)
        if (within(address, &ranges6[i]))
            return false;
    return true;
}

bool os_address_is_public(const void *address, size_t size)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    sa_family_t family;
    if (size < sizeof(struct sockaddr))
        return false;
    memcpy(&family, (const uint8_t *)address + offsetof(struct sockaddr, sa_family), sizeof family);
    if (family == AF_INET && size >= sizeof v4) {
        memcpy(&v4, address, sizeof v4);
        return public4((const uint8_t *)&v4.sin_addr);
    }
    if (family != AF_INET6 || size < sizeof v6)
        return false;
    memcpy(&v6, address, sizeof v6);
    return public6(v6.sin6_addr.s6_addr);
}

bool os_address_is_private_text(const char *host)
{
    char copy[INET6_ADDRSTRLEN + 2];
    uint8_t address[16];
    struct str text = str_of(host);
    if (str_same(text, STR("localhost")) || str_same(text, STR("localhost.")))
        return true;
    if (text.len > 1 && text.at[0] == '[' && text.at[text.len - 1] == ']')
        text = (struct str) {text.at + 1, text.len - 2};
    if (text.len >= sizeof copy)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, address) == 1)
        return !public4(address);
    return inet_pton(AF_INET6, copy, address) == 1 && !public6(address);
}

err_t os_address_socket(const void *address, size_t size, int *out_fd)
{
    sa_family_t family;
    if (!os_address_is_public(address, size))
        return ERR_DENIED;
    memcpy(&family, (const uint8_t *)address + offsetof(struct sockaddr, sa_family), sizeof family);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE ? ERR_FULL : ERR_IO;
    *out_fd = fd;
    return ERR_OK;
}
