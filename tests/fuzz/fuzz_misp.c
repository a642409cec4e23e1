/* An event to STIX, and the objects back to events: whatever comes in, what comes out is valid STIX and can
 * be read again. */
#include <stdio.h>
#include <stdlib.h>

#include "core/limit.h"
#include "feeds/misp.h"
#include "stix/stix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzzing {
    struct misp_writer *writer;
    struct json_parser *parser;
    const uint8_t *text;
};

static void check(struct fuzzing *fuzzing, struct bytes text)
{
    struct fault fault = {0};
    struct arena arena;
    struct json_doc doc;
    struct stix_object object;
    arena_init(&arena, 16 << 20);
    must(json_parse(fuzzing->parser, text, &doc, &fault) == ERR_OK);
    if (stix_read(json_root(&doc), NULL, &arena, &object, &fault) == ERR_INVALID) {
        (void)fprintf(stderr, "%s at %s: %.*s\n", fault.what, fault.pointer, (int)text.len,
                      (const char *)text.at);
        abort();
    }
    arena_deinit(&arena);
}

static bool add(void *ctx, struct json_slice slice)
{
    struct fuzzing *fuzzing = ctx;
    struct fault fault;
    check(fuzzing, bytes_of(fuzzing->text + slice.from, slice.len));
    must(misp_writer_add(fuzzing->writer, bytes_of(fuzzing->text + slice.from, slice.len), &fault) == ERR_OK);
    return true;
}

static bool count(void *ctx, const struct misp_written *written)
{
    must(written->event.len > 0);
    (*(unsigned *)ctx)++;
    return true;
}

static void write_back(struct buf *stix)
{
    struct fuzzing fuzzing = {0};
    struct fault fault;
    enum json_split_kind kind;
    unsigned events = 0;
    size_t len = stix->len;
    must(buf_extend(stix, JSON_PADDING) != NULL && misp_writer_new(NULL, 0, &fuzzing.writer) == ERR_OK);
    must(json_parser_new(64 << 20, &fuzzing.parser) == ERR_OK);
    fuzzing.text = stix->at;
    must(json_split(bytes_of(stix->at, len), STR("objects"), &kind, add, &fuzzing, &fault) == ERR_OK);
    must(misp_writer_finish(fuzzing.writer, count, &events) == ERR_OK && events == 1);
    misp_writer_free(fuzzing.writer);
    json_parser_free(fuzzing.parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json_parser *parser;
    struct misp_report report;
    struct fault fault = {0};
    struct buf stix;
    uint8_t *copy = calloc(1, size + JSON_PADDING);
    must(copy != NULL && json_parser_new(1 << 20, &parser) == ERR_OK);
    if (size > 0)
        memcpy(copy, data, size);
    buf_init(&stix, 64 << 20);
    if (size <= 1 << 20 && misp_read(parser, bytes_of(copy, size), NULL, &stix, &report, &fault) == ERR_OK)
        write_back(&stix);
    buf_deinit(&stix);
    json_parser_free(parser);
    free(copy);
    return 0;
}
