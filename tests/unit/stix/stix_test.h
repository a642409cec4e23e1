/* Shared by the tests of this room: text in, object out. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/limit.h"
#include "stix/marking.h"
#include "stix/stix.h"

struct reading {
    struct json_parser *parser;
    struct arena arena;
    uint8_t *text;
    struct json_doc doc;
    struct stix_object object;
    struct fault fault;
};

static inline void reading_open(struct reading *r)
{
    memset(r, 0, sizeof *r);
    assert_int_equal(json_parser_new(64u << 20, &r->parser), ERR_OK);
    arena_init(&r->arena, 64u << 20);
}

static inline void reading_close(struct reading *r)
{
    json_parser_free(r->parser);
    arena_deinit(&r->arena);
    free(r->text);
}

/* Parses `text`, which must be JSON. */
static inline void reading_parse(struct reading *r, struct str text)
{
    free(r->text);
    r->text = malloc(text.len + JSON_PADDING);
    assert_non_null(r->text);
    memcpy(r->text, text.at, text.len);
    memset(r->text + text.len, '"', JSON_PADDING);
    assert_int_equal(json_parse(r->parser, bytes_of(r->text, text.len), &r->doc, &r->fault), ERR_OK);
}

/* Parses and reads one object. */
static inline err_t reading_read(struct reading *r, struct str text)
{
    arena_reset(&r->arena);
    memset(&r->fault, 0, sizeof r->fault);
    reading_parse(r, text);
    return stix_read(json_root(&r->doc), NULL, &r->arena, &r->object, &r->fault);
}
