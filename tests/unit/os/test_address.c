/* Which addresses a call may go to that somebody else's configuration or answer has named: the borders of
 * each range of RFC 6890, and the forms in which an IPv4 address hides in another. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/os_address.h"

static size_t address_of(const char *text, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        return sizeof *v4;
    }
    assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
    v6->sin6_family = AF_INET6;
    return sizeof *v6;
}

static void says(const char *const *texts, size_t count, bool public)
{
    for (size_t i = 0; i < count; i++) {
        struct sockaddr_storage address;
        size_t size = address_of(texts[i], &address);
        if (os_address_is_public(&address, size) != public)
            fail_msg("%s is%s public", texts[i], public ? " not" : "");
        if (os_address_is_private_text(texts[i]) == public)
            fail_msg("the text %s is%s private", texts[i], public ? "" : " not");
    }
}

static void the_internet_is_public(void **state)
{
    static const char *const texts[] = {
        "1.0.0.0",          "9.255.255.255",   "11.0.0.0",        "100.63.255.255",       "100.128.0.0",
        "126.255.255.255",  "128.0.0.0",       "169.253.255.255", "169.255.0.0",          "172.15.255.255",
        "172.32.0.0",       "191.255.255.255", "192.0.1.0",       "192.167.255.255",      "192.169.0.0",
        "198.17.255.255",   "198.20.0.0",      "223.255.255.255", "2001:4860:4860::8888", "::ffff:8.8.8.8",
        "64:ff9b::808:808", "2002:808:808::1", "fbff::1",         "2620:fe::fe",
    };
    (void)state;
    says(texts, sizeof texts / sizeof texts[0], true);
}

static void what_is_near_is_not(void **state)
{
    static const char *const texts[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.1",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::1",
        "2002:c0a8:101::1",
    };
    (void)state;
    says(texts, sizeof texts / sizeof texts[0], false);
}

static void other_shapes_are_not(void **state)
{
    struct sockaddr_storage address;
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    size_t size = address_of("8.8.8.8", &address);
    (void)state;
    for (size_t i = 0; i < size; i++)
        assert_false(os_address_is_public(&address, i));
    size = address_of("2620:fe::fe", &address);
    for (size_t i = 0; i < size; i++)
        assert_false(os_address_is_public(&address, i));
    assert_false(os_address_is_public(&local, sizeof local));
}

static void sockets_for_public_ones_alone(void **state)
{
    struct sockaddr_storage address;
    int fd = -1;
    (void)state;
    assert_int_equal(os_address_socket(&address, address_of("127.0.0.1", &address), &fd), ERR_DENIED);
    assert_int_equal(os_address_socket(&address, address_of("::ffff:192.168.1.1", &address), &fd),
                     ERR_DENIED);
    assert_int_equal(fd, -1);
    assert_int_equal(os_address_socket(&address, address_of("8.8.8.8", &address), &fd), ERR_OK);
    assert_int_not_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_not_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    assert_int_equal(close(fd), 0);
}

/* What a URL's host may look like. A name that has to be resolved says nothing yet. */
static void texts_of_hosts(void **state)
{
    static const char *const near[] = {"localhost", "LocalHost.",        "[::1]",
                                       "[fd00::1]", "[::ffff:10.0.0.1]", "127.1.2.3"};
    static const char *const far[] = {
        "", "[", "[]", "[2001:4860:4860::8888]", "cti.example", "localhost.example", "127.1"};
    (void)state;
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++)
        assert_true(os_address_is_private_text(near[i]));
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++)
        assert_false(os_address_is_private_text(far[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_internet_is_public),
        cmocka_unit_test(what_is_near_is_not),
        cmocka_unit_test(texts_of_hosts),
        cmocka_unit_test(other_shapes_are_not),
        cmocka_unit_test(sockets_for_public_ones_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
