/* Shared by the tests of this room: a text in, what was found as one line out. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/limit.h"
#include "privacy/privacy.h"

enum { TEST_HITS = 64 };

struct found {
    struct privacy_hit at[TEST_HITS];
    struct privacy_hits hits;
};

static inline void found_open(struct found *found)
{
    found->hits = (struct privacy_hits) {.at = found->at, .size = TEST_HITS, .score_min = PRIVACY_SCORE_HIT};
}

static inline void found_text(struct found *found, struct str text, const char *label)
{
    found_open(found);
    privacy_text(text, str_of(label), &found->hits);
}

/* "kr-phone:010-1234-5678 email:a@b.example", "" when nothing. */
static inline void found_show(const struct found *found, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < found->hits.count; i++) {
        struct str value = privacy_value(&found->at[i]);
        int more = snprintf(out + len, size - len, "%s%s:%.*s", i == 0 ? "" : " ",
                            privacy_kind_name(found->at[i].kind), (int)value.len, value.at);
        assert_true(more > 0 && (size_t)more < size - len);
        len += (size_t)more;
    }
}

static inline void expect_labelled(const char *label, const char *text, const char *wanted)
{
    struct found found;
    char line[4096];
    found_text(&found, str_of(text), label);
    found_show(&found, line, sizeof line);
    assert_string_equal(line, wanted);
}

static inline void expect(const char *text, const char *wanted)
{
    expect_labelled("", text, wanted);
}

static inline void expect_none(const char *text)
{
    expect(text, "");
}
