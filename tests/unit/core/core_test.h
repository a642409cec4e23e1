/* Shared by the tests of this room. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/str.h"

static inline void assert_hex(const uint8_t *at, size_t len, const char *want)
{
    char text[256];
    assert_true(2 * len < sizeof text);
    str_hex(at, len, text);
    text[2 * len] = '\0';
    assert_string_equal(text, want);
}
