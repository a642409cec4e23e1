/* Any bytes: parse, read, canonicalise, classify. What reads must canonicalise to text that reads again. */
#include <stdlib.h>
#include <string.h>

#include "core/limit.h"
#include "stix/marking.h"
#include "stix/mend.h"
#include "stix/stix.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { ARENA_BYTES = 16 << 20 };

static uint8_t *padded(const uint8_t *bytes, size_t size)
{
    uint8_t *text = malloc(size + JSON_PADDING);
    must(text != NULL);
    if (size > 0)
        memcpy(text, bytes, size);
    memset(text + size, ' ', JSON_PADDING);
    return text;
}

static void read_again(struct json_parser *parser, struct buf *canon, bool marked)
{
    uint8_t *text = padded(canon->at, canon->len);
    struct arena arena;
    struct json_doc doc;
    struct stix_object object;
    struct buf twice;
    arena_init(&arena, ARENA_BYTES);
    buf_init(&twice, 2 * LIMIT_OBJECT_BYTES);
    must(json_parse(parser, bytes_of(text, canon->len), &doc, NULL) == ERR_OK);
    if (stix_read(json_root(&doc), NULL, &arena, &object, NULL) == ERR_OK) {
        must(stix_canon(&object, &twice, NULL) == ERR_OK);
        must(str_eq(buf_str(canon), buf_str(&twice)));
    } else {
        must(marked); /* a selector may name a default that canonical text drops */
    }
    buf_deinit(&twice);
    arena_deinit(&arena);
    free(text);
}

/* What is told to a person is what a node does. */
static void lint_one(struct json_val root, err_t read)
{
    struct arena arena;
    struct stix_findings findings;
    arena_init(&arena, ARENA_BYTES);
    must(stix_lint(root, NULL, &arena, &findings, NULL) == ERR_OK);
    must((findings.errors == 0) == (read == ERR_OK));
    arena_deinit(&arena);
}

static void read_one(struct json_parser *parser, struct bytes source, struct json_val root)
{
    struct arena arena;
    struct stix_object object;
    struct fault fault = {0};
    struct buf canon;
    struct stix_marking marking;
    enum stix_sco_id sco;
    arena_init(&arena, ARENA_BYTES);
    buf_init(&canon, 2 * LIMIT_OBJECT_BYTES);
    err_t err = stix_read(root, NULL, &arena, &object, &fault);
    must((err == ERR_OK) == (fault.code == ERR_OK));
    lint_one(root, err);
    if (err == ERR_OK && stix_canon(&object, &canon, &fault) == ERR_OK && buf_err(&canon) == ERR_OK) {
        must(object.type->code != STIX_TYPE_MARKING_DEFINITION ||
             stix_marking_read(&object, &marking, NULL) == ERR_OK);
        must(stix_sco_id_check(&object, &sco, NULL) == ERR_OK);
        if (!json_has_hard_number(root) || json_check_numbers(source, NULL) == ERR_OK)
            read_again(parser, &canon, object.has_granular_markings);
    }
    buf_deinit(&canon);
    arena_deinit(&arena);
}

/* What is mended is JSON, and the report is never empty. */
static void mend_one(struct json_parser *parser, struct json_val root)
{
    static const struct stix_mint mint = {{{1}}, {"identity--0d6a1a43-8f6e-4c39-9d65-0e6f4a2e9a11", 46}};
    struct buf minted, report;
    struct json_doc doc;
    buf_init(&minted, LIMIT_OBJECT_BYTES);
    buf_init(&report, 1024);
    if (stix_mend(root, &mint, &minted, &report) == ERR_OK) {
        must(report.len > 0 && buf_err(&report) == ERR_OK);
        uint8_t *text = padded(minted.at, minted.len);
        must(json_parse(parser, bytes_of(text, minted.len), &doc, NULL) == ERR_OK);
        free(text);
    }
    buf_deinit(&minted);
    buf_deinit(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct json_parser *parser;
    struct json_doc doc;
    if (size > LIMIT_OBJECT_BYTES)
        return 0;
    must(json_parser_new(2 * LIMIT_OBJECT_BYTES, &parser) == ERR_OK);
    uint8_t *text = padded(bytes, size);
    if (json_parse(parser, bytes_of(text, size), &doc, NULL) == ERR_OK) {
        read_one(parser, bytes_of(text, size), json_root(&doc));
        if (json_parse(parser, bytes_of(text, size), &doc, NULL) == ERR_OK)
            mend_one(parser, json_root(&doc));
    }
    free(text);
    json_parser_free(parser);
    return 0;
}
