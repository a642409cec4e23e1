/* Shared by the tests of this room: a parser over a padded copy of a text. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/limit.h"
#include "json/json.h"

struct reader {
    struct json_parser *parser;
    uint8_t *text;
    size_t len;
    struct json_doc doc;
    struct fault fault;
};

static inline err_t reader_open(struct reader *r, struct str text)
{
    memset(r, 0, sizeof *r);
    assert_int_equal(json_parser_new(1 << 20, &r->parser), ERR_OK);
    /* Hostile padding: what stands behind the text must not matter. */
    r->text = malloc(text.len + JSON_PADDING);
    assert_non_null(r->text);
    if (text.len > 0)
        memcpy(r->text, text.at, text.len);
    memset(r->text + text.len, '"', JSON_PADDING);
    r->len = text.len;
    return json_parse(r->parser, (struct bytes) {r->text, r->len}, &r->doc, &r->fault);
}

static inline void reader_close(struct reader *r)
{
    json_parser_free(r->parser);
    free(r->text);
}

/* Canonical text of `text` in `out`; what parsing or canonicalising answered. */
static inline err_t reader_canon(struct str text, struct buf *out, struct fault *fault)
{
    struct reader r;
    err_t err = reader_open(&r, text);
    *fault = r.fault;
    if (err == ERR_OK)
        err = json_canon(json_root(&r.doc), NULL, out, fault);
    reader_close(&r);
    return err;
}
