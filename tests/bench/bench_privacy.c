/* bench_privacy FILE [ROUNDS]: MB/s of a bundle's text through the recognisers, object by object, beside
 * parsing the same text in the same run; and of a text that is nothing but numbers with words beside them.
 * FILE is any STIX bundle. The best of ROUNDS (default 20) counts. */
#include <string.h>
#include <time.h>

#include "bench_out.h"
#include "core/limit.h"
#include "privacy/privacy.h"

enum { TEXT_MAX = 64 << 20, ROUNDS = 20, ARENA_MAX = 16 << 20, NUMBERS_BYTES = 4 << 20 };

struct bench {
    struct bytes text;
    struct json_parser *parser;
    struct json_doc doc;
    struct arena arena;
    struct buf numbers;
    struct privacy_hit *at;
    size_t objects, found;
};

/* Of the processor: the figures are those of one core, whoever else wants it. */
static double now_s(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void run_parse(struct bench *b)
{
    must(json_parse(b->parser, b->text, &b->doc, NULL) == ERR_OK);
}

static void run_objects(struct bench *b)
{
    struct json_val list, object;
    must(json_get(json_root(&b->doc), STR("objects"), &list));
    struct json_iter iter = json_array_iter(list);
    b->objects = b->found = 0;
    for (; json_array_next(&iter, &object); b->objects++) {
        struct privacy_hits hits = {.at = b->at, .size = LIMIT_PRIVACY_HITS, .score_min = PRIVACY_SCORE_HIT};
        arena_reset(&b->arena);
        must(privacy_object(object, PRIVACY_TEXT, &b->arena, &hits) == ERR_OK);
        b->found += hits.count;
    }
}

static void run_numbers(struct bench *b)
{
    struct privacy_hits hits = {.at = b->at, .size = LIMIT_PRIVACY_HITS, .score_min = PRIVACY_SCORE_HIT};
    privacy_text(buf_str(&b->numbers), STR(""), &hits);
    must(hits.count > 0);
}

static double best_of(struct bench *b, int rounds, void (*run)(struct bench *b))
{
    double best = 1e9;
    for (int i = 0; i < rounds; i++) {
        double start = now_s();
        run(b);
        double took = now_s() - start;
        best = took < best ? took : best;
    }
    return best;
}

static void fill_numbers(struct buf *out)
{
    while (out->len < NUMBERS_BYTES)
        buf_printf(out, "2026-11-02 10:22:31 user=%zu ts=17%011zu 연락처 010-%04zu-5678 ssn 536-22-%04zu\n",
                   out->len, out->len * 7919, out->len % 9000 + 1000, out->len % 9000 + 1000);
    bench_check(buf_err(out), "numbers");
}

static void report(struct bench *b, int rounds)
{
    double parse = best_of(b, rounds, run_parse), objects = best_of(b, rounds, run_objects);
    double numbers = best_of(b, rounds, run_numbers), mb = (double)b->text.len / 1e6;
    double log = (double)b->numbers.len / 1e6;
    char note[100];
    (void)snprintf(note, sizeof note, "of a bundle, beside parsing it; %.0f ns an object, %zu found",
                   objects / (double)b->objects * 1e9, b->found);
    bench_row("privacy_objects", mb / objects, "MB/s", mb / parse, parse / objects, note);
    bench_row("privacy_numbers", log / numbers, "MB/s", mb / parse, log / numbers / (mb / parse),
              "of a log full of numbers with words beside them");
}

int main(int argc, char **argv)
{
    static struct bench b;
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    uint8_t *text = calloc(1, TEXT_MAX + JSON_PADDING);
    if (file == NULL || text == NULL) {
        (void)fprintf(stderr, "bench_privacy FILE [ROUNDS]\n");
        return 2;
    }
    b.text = bytes_of(text, fread(text, 1, TEXT_MAX, file));
    (void)fclose(file);
    bench_check(json_parser_new(TEXT_MAX, &b.parser), "parser");
    arena_init(&b.arena, ARENA_MAX);
    buf_init(&b.numbers, 2 * NUMBERS_BYTES);
    fill_numbers(&b.numbers);
    b.at = calloc(LIMIT_PRIVACY_HITS, sizeof *b.at);
    must(b.at != NULL);
    report(&b, argc > 2 ? (int)strtol(argv[2], NULL, 10) : ROUNDS);
    return 0;
}
