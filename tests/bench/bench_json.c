/* bench_json FILE [ROUNDS]: what the ingest path does with a bundle, in GB/s of source text and beside memcpy
 * of the same bytes in the same run. FILE is any STIX bundle. The best of ROUNDS (default 20) counts: the
 * rest is the machine's noise. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench_out.h"
#include "core/limit.h"
#include "json/json.h"

enum { TEXT_MAX = 64 << 20, ROUNDS = 20 };

struct bench {
    struct bytes text;
    struct json_parser *parser;
    struct json_doc doc;
    struct buf out;
    uint8_t *copy;
    size_t objects;
    size_t checked; /* something of each result, so that no work can be left out */
};

static double now_s(void)
{
    struct timespec t;
    (void)timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run_copy(struct bench *b)
{
    memcpy(b->copy, b->text.at, b->text.len);
    b->checked += b->copy[b->text.len / 2];
}

static void run_parse(struct bench *b)
{
    must(json_parse(b->parser, b->text, &b->doc, NULL) == ERR_OK);
    b->checked += b->doc.tape_len;
}

static struct json_iter objects_of(const struct bench *b)
{
    struct json_val list;
    if (!json_get(json_root(&b->doc), STR("objects"), &list)) {
        (void)fprintf(stderr, "bench_json: the file has no member \"objects\"; give it a STIX bundle\n");
        exit(2);
    }
    return json_array_iter(list);
}

static void run_walk(struct bench *b)
{
    struct json_iter objects = objects_of(b);
    struct json_val object, value;
    struct str name;
    while (json_array_next(&objects, &object)) {
        struct json_iter members = json_object_iter(object);
        while (json_object_next(&members, &name, &value))
            b->checked += name.len + (json_is(value, JSON_STRING) ? json_str(value).len : 1);
    }
}

static void run_canon(struct bench *b)
{
    struct json_iter objects = objects_of(b);
    struct json_val object;
    b->objects = 0;
    for (; json_array_next(&objects, &object); b->objects++) {
        buf_clear(&b->out);
        must(json_canon(object, NULL, &b->out, NULL) == ERR_OK);
        b->checked += b->out.len;
    }
}

static void run_hard(struct bench *b)
{
    b->checked += json_has_hard_number(json_root(&b->doc));
}

static void run_numbers(struct bench *b)
{
    b->checked += json_check_numbers(b->text, NULL) == ERR_OK;
}

static bool count_slice(void *ctx, struct json_slice slice)
{
    struct bench *b = ctx;
    b->checked += slice.len;
    return true;
}

static void run_split(struct bench *b)
{
    enum json_split_kind kind;
    must(json_split(b->text, STR("objects"), &kind, count_slice, b, NULL) == ERR_OK);
}

static const struct {
    const char *name;
    void (*run)(struct bench *);
} steps[] = {
    {"memcpy", run_copy}, {"parse", run_parse},          {"walk_members", run_walk},
    {"canon", run_canon}, {"has_hard_number", run_hard}, {"check_numbers", run_numbers},
    {"split", run_split},
};

static double best_of(struct bench *b, void (*run)(struct bench *), unsigned rounds)
{
    double best = 1e9;
    for (unsigned i = 0; i < rounds; i++) {
        double from = now_s();
        run(b);
        double took = now_s() - from;
        best = took < best ? took : best;
    }
    return best;
}

static void read_text(const char *path, struct bench *b)
{
    uint8_t *text = malloc(TEXT_MAX + JSON_PADDING);
    FILE *file = fopen(path, "rb");
    must(text != NULL);
    if (file == NULL) {
        (void)fprintf(stderr, "bench_json: %s cannot be read\n", path);
        exit(1);
    }
    size_t len = fread(text, 1, TEXT_MAX, file);
    (void)fclose(file);
    memset(text + len, ' ', JSON_PADDING);
    b->text = (struct bytes) {text, len};
    b->copy = malloc(TEXT_MAX);
    must(b->copy != NULL);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_json BUNDLE.json [ROUNDS]\n");
        return 2;
    }
    struct bench b = {0};
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : ROUNDS;
    read_text(argv[1], &b);
    buf_init(&b.out, LIMIT_OBJECT_BYTES * 2);
    must(json_parser_new(TEXT_MAX, &b.parser) == ERR_OK);
    double copy_s = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        double took = best_of(&b, steps[i].run, rounds);
        copy_s = i == 0 ? took : copy_s;
        char name[64], note[128];
        (void)snprintf(name, sizeof name, "json_%s", steps[i].name);
        (void)snprintf(note, sizeof note, "%zu objects of %zu bytes; floor: memcpy (check %zu)", b.objects,
                       b.text.len / (b.objects + !b.objects), b.checked);
        bench_row(name, (double)b.text.len / took / 1e9, "GB/s", (double)b.text.len / copy_s / 1e9,
                  copy_s / took, note);
    }
    json_parser_free(b.parser);
    buf_deinit(&b.out);
    free(b.copy);
    free((void *)(uintptr_t)b.text.at);
    return 0;
}
