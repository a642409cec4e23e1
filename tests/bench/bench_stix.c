/* bench_stix FILE [ROUNDS]: nanoseconds an object to read it (rules and references) and to canonicalise it,
 * beside plain RFC 8785 in the same run; MB/s of the file to parse and check it whole, beside parsing alone;
 * the same as intake checks, one object after another, each with its canonical text (which finds names that
 * occur twice). FILE is any STIX 2.1 bundle. The best of ROUNDS (default 20) counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench_out.h"
#include "core/limit.h"
#include "stix/stix.h"

enum { TEXT_MAX = 64 << 20, ARENA_MAX = 16 << 20, OBJECTS_MAX = 1 << 17, ROUNDS = 20 };

struct bench {
    struct json_val *objects;
    size_t count;
    struct arena arena;
    struct buf out;
    size_t refused, checked;
    struct json_parser *parser;
    struct json_doc *doc;
    struct bytes text;
};

/* Of the processor: the figures are those of one core, whoever else wants it. */
static double now_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void run_read(struct bench *b)
{
    struct stix_object object;
    b->refused = 0;
    for (size_t i = 0; i < b->count; i++) {
        arena_reset(&b->arena);
        if (stix_read(b->objects[i], NULL, &b->arena, &object, NULL) == ERR_OK)
            b->checked += object.ref_count;
        else
            b->refused++;
    }
}

static void run_plain(struct bench *b)
{
    for (size_t i = 0; i < b->count; i++) {
        buf_clear(&b->out);
        must(json_canon(b->objects[i], NULL, &b->out, NULL) == ERR_OK);
        b->checked += b->out.len;
    }
}

static void run_read_and_canon(struct bench *b)
{
    struct stix_object object;
    for (size_t i = 0; i < b->count; i++) {
        arena_reset(&b->arena);
        buf_clear(&b->out);
        if (stix_read(b->objects[i], NULL, &b->arena, &object, NULL) == ERR_OK)
            must(stix_canon(&object, &b->out, NULL) == ERR_OK);
        b->checked += b->out.len;
    }
}

static void run_parse(struct bench *b)
{
    must(json_parse(b->parser, b->text, b->doc, NULL) == ERR_OK);
    b->checked += b->doc->tape_len;
}

static void run_parse_and_read(struct bench *b)
{
    run_parse(b);
    run_read(b); /* the same text gives the same tape: the values stand where they stood */
}

static void run_parse_read_and_canon(struct bench *b)
{
    run_parse(b);
    run_read_and_canon(b);
}

static double best_ns(struct bench *b, void (*run)(struct bench *b), int rounds)
{
    double best = 1e9;
    for (int i = 0; i < rounds; i++) {
        double from = now_s();
        run(b);
        double took = now_s() - from;
        best = took < best ? took : best;
    }
    return 1e9 * best / (double)b->count;
}

static void collect(struct bench *b, const struct json_doc *doc)
{
    struct json_val list;
    if (!json_get(json_root(doc), STR("objects"), &list) || !json_is(list, JSON_ARRAY)) {
        (void)fprintf(stderr, "bench_stix: the file has no list \"objects\"; give it a STIX bundle\n");
        exit(2);
    }
    struct json_iter iter = json_array_iter(list);
    while (b->count < OBJECTS_MAX && json_array_next(&iter, &b->objects[b->count]))
        b->count++;
}

static void print_table(struct bench *b, size_t bytes, int rounds)
{
    double read = best_ns(b, run_read, rounds);
    double plain = best_ns(b, run_plain, rounds);
    double both = best_ns(b, run_read_and_canon, rounds);
    char note[128];
    (void)snprintf(note, sizeof note, "%zu objects of %zu bytes, %zu refused; floor: json_canon alone",
                   b->count, bytes / b->count, b->refused);
    bench_row("stix_read", read, "ns/object", plain, plain / read, note);
    double parse = best_ns(b, run_parse, rounds), check = best_ns(b, run_parse_and_read, rounds);
    double mb = 1e3 * (double)bytes / (double)b->count; /* bytes a nanosecond to MB a second */
    double taken = best_ns(b, run_parse_read_and_canon, rounds);
    bench_row("stix check", mb / check, "MB/s", mb / parse, parse / check,
              "parse and check; floor: simdjson parsing alone");
    bench_row("stix check and canon", mb / taken, "MB/s", mb / parse, parse / taken,
              "the same with canonical text, as intake does; floor: simdjson parsing alone");
    bench_row("stix_canon", both - read, "ns/object", plain, plain / (both - read), note);
}

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        (void)fprintf(stderr, "usage: bench_stix FILE [ROUNDS]\n");
        return 2;
    }
    struct bench b = {.objects = calloc(OBJECTS_MAX, sizeof *b.objects)};
    uint8_t *text = calloc(1, TEXT_MAX + JSON_PADDING);
    struct json_doc doc;
    must(b.objects != NULL && text != NULL && json_parser_new(TEXT_MAX, &b.parser) == ERR_OK);
    size_t len = fread(text, 1, TEXT_MAX, file);
    (void)fclose(file);
    b.doc = &doc;
    b.text = bytes_of(text, len);
    must(json_parse(b.parser, b.text, &doc, NULL) == ERR_OK);
    arena_init(&b.arena, ARENA_MAX);
    buf_init(&b.out, 2 * LIMIT_OBJECT_BYTES);
    collect(&b, &doc);
    must(b.count > 0);
    print_table(&b, len, argc > 2 ? (int)strtol(argv[2], NULL, 10) : ROUNDS);
    buf_deinit(&b.out);
    arena_deinit(&b.arena);
    json_parser_free(b.parser);
    free(text);
    free(b.objects);
    return b.checked == 0;
}
