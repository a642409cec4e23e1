/* What the tests of the MISP conversion share: files, parsers, one event through both directions. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/mem.h"
#include "feeds/misp.h"
#include "stix/extension.h"
#include "stix/stix.h"

enum { TEXT_MAX = 8 << 20 };

struct kit {
    struct json_parser *parser, *other;
    struct buf stix;
    struct misp_report report;
    struct fault fault;
    struct arena kept; /* of the extension that share/ describes */
    struct stix_extensions extensions;
};

static inline void kit_init(struct kit *kit)
{
    *kit = (struct kit) {0};
    assert_int_equal(json_parser_new(TEXT_MAX, &kit->parser), ERR_OK);
    assert_int_equal(json_parser_new(TEXT_MAX, &kit->other), ERR_OK);
    buf_init(&kit->stix, 64 << 20);
    arena_init(&kit->kept, 4 << 20);
}

static inline void kit_deinit(struct kit *kit)
{
    json_parser_free(kit->parser);
    json_parser_free(kit->other);
    buf_deinit(&kit->stix);
    arena_deinit(&kit->kept);
}

/* A copy with padding behind it; free() it. */
static inline char *padded(struct str text)
{
    char *copy = calloc(1, text.len + JSON_PADDING);
    assert_non_null(copy);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}

static inline err_t kit_read(struct kit *kit, struct str event)
{
    char *copy = padded(event);
    buf_clear(&kit->stix);
    kit->fault = (struct fault) {0};
    err_t err =
        misp_read(kit->parser, bytes_of(copy, event.len), NULL, &kit->stix, &kit->report, &kit->fault);
    free(copy);
    return err;
}
