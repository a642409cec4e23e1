/* What the ledger's tests share: keys from fixed seeds, leaves that differ, hexadecimal. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/hash.h"
#include "core/sign.h"

/* Of the keys; a test that is run with every suite is a row of TEST_OF_EVERY_SUITE. */
static uint16_t test_suite = SUITE_1;

static inline struct sign_key test_key(uint8_t fill)
{
    struct sign_seed seed = {.suite = test_suite};
    struct sign_key key;
    memset(seed.b, fill, sizeof seed.b);
    assert_int_equal(sign_start(), ERR_OK);
    assert_int_equal(sign_key_make(&seed, &key), ERR_OK);
    return key;
}

static inline int test_of_suite(void **state)
{
    test_suite = *(const uint16_t *)*state;
    return 0;
}

#define TEST_OF_SUITE(test, number)                                                                          \
    {                                                                                                        \
#test " of suite " #number, test, test_of_suite, NULL, &(uint16_t)                                   \
        {                                                                                                    \
            number                                                                                           \
        }                                                                                                    \
    }
#define TEST_OF_EVERY_SUITE(test) TEST_OF_SUITE(test, 1), TEST_OF_SUITE(test, 2), TEST_OF_SUITE(test, 3)

/* A hash that only `n` determines. */
static inline struct hash test_hash(uint64_t n)
{
    uint8_t b[8];
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)(n >> (8 * i));
    return hash_sha256(bytes_of(b, sizeof b));
}

static inline void assert_hex(const void *at, size_t len, const char *hex)
{
    uint8_t want[256];
    assert_true(strlen(hex) == 2 * len && len <= sizeof want);
    assert_true(str_unhex(str_of(hex), want, len));
    assert_memory_equal(at, want, len);
}

static inline void assert_hash_equal(const struct hash *a, const struct hash *b)
{
    assert_memory_equal(a->b, b->b, HASH_SIZE);
}
