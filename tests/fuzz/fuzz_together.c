/* Any text: cut, read and compare, as lint does. What is told is of objects that were added, and each once at
 * most a limit's times. */
#include <stdlib.h>
#include <string.h>

#include "core/limit.h"
#include "stix/together.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { ARENA_BYTES = 16 << 20 };

struct job {
    struct bytes text;
    struct json_parser *parser;
    struct stix_together *together;
    uint32_t count;
};

static bool add(void *ctx, struct json_slice slice)
{
    struct job *job = ctx;
    struct json_doc doc;
    struct arena arena;
    struct buf canon;
    struct stix_findings findings;
    if (slice.len > LIMIT_OBJECT_BYTES)
        return true;
    uint8_t *text = malloc(slice.len + JSON_PADDING);
    must(text != NULL);
    memcpy(text, job->text.at + slice.from, slice.len);
    memset(text + slice.len, ' ', JSON_PADDING);
    arena_init(&arena, ARENA_BYTES);
    buf_init(&canon, 2 * LIMIT_OBJECT_BYTES);
    if (json_parse(job->parser, bytes_of(text, slice.len), &doc, NULL) == ERR_OK) {
        must(stix_lint(json_root(&doc), NULL, &arena, &findings, NULL) == ERR_OK);
        if (findings.errors == 0 && stix_canon(&findings.object, &canon, NULL) == ERR_OK)
            must(stix_together_add(job->together, &findings.object, slice, job->count) == ERR_OK);
    }
    job->count++;
    buf_deinit(&canon);
    arena_deinit(&arena);
    free(text);
    return true;
}

static void told(void *ctx, const struct stix_told *told)
{
    const struct job *job = ctx;
    must(told->number < job->count && told->other < job->count);
    must(told->slice.from <= job->text.len && told->slice.len <= job->text.len - told->slice.from);
    must(told->warning.pointer.len < LIMIT_STIX_POINTER);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct job job = {.text = bytes_of(bytes, size)};
    enum json_split_kind kind;
    struct stix_together_sum sum;
    must(json_parser_new(LIMIT_OBJECT_BYTES, &job.parser) == ERR_OK);
    must(stix_together_new(&job.together) == ERR_OK);
    err_t err = json_split(job.text, STR("objects"), &kind, add, &job, NULL);
    if (err == ERR_OK || job.count > 0)
        must(stix_together_check(job.together, job.text, told, &job, &sum) == ERR_OK);
    stix_together_free(job.together);
    json_parser_free(job.parser);
    return 0;
}
