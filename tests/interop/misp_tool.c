/* misp_tool stix FILE: its events as STIX bundles, one a line. misp_tool feed DIR: bundles from standard
 * input, one a line, as a MISP feed. For tests/interop/test_misp.py. */
#include <stdio.h>
#include <stdlib.h>

#include "feeds/misp.h"

enum { TEXT_MAX = 64 << 20 };

static char *read_all(FILE *file, size_t *out_len)
{
    char *text = calloc(1, TEXT_MAX + JSON_PADDING);
    must(file != NULL && text != NULL);
    *out_len = fread(text, 1, TEXT_MAX, file);
    return text;
}

static bool to_stix(void *ctx, struct bytes event)
{
    struct json_parser *parser = ctx;
    struct misp_report report;
    struct fault fault = {0};
    struct buf out;
    buf_init(&out, TEXT_MAX);
    if (misp_read(parser, event, NULL, &out, &report, &fault) != ERR_OK) {
        (void)fprintf(stderr, "misp_tool: %s\n", fault.what);
        exit(1);
    }
    (void)printf("%.*s\n", (int)out.len, (char *)out.at);
    buf_deinit(&out);
    return true;
}

static bool add(void *ctx, struct bytes bundle);

struct adding {
    struct misp_writer *writer;
    struct bytes text;
};

static bool add_slice(void *ctx, struct json_slice slice)
{
    struct adding *adding = ctx;
    struct fault fault;
    must(misp_writer_add(adding->writer, bytes_of(adding->text.at + slice.from, slice.len), &fault) ==
         ERR_OK);
    return true;
}

static bool add(void *ctx, struct bytes bundle)
{
    struct adding adding = {ctx, bundle};
    struct fault fault;
    enum json_split_kind kind;
    must(json_split(bundle, STR("objects"), &kind, add_slice, &adding, &fault) == ERR_OK);
    return true;
}

struct feed {
    const char *dir;
    FILE *manifest, *hashes;
    unsigned events;
};

static FILE *create(const char *dir, const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    must(file != NULL);
    return file;
}

static bool put(void *ctx, const struct misp_written *written)
{
    struct feed *feed = ctx;
    char name[64];
    (void)snprintf(name, sizeof name, "%.*s.json", STR_ARG(written->uuid));
    FILE *file = create(feed->dir, name);
    (void)fprintf(file, "%.*s", STR_ARG(written->event));
    (void)fclose(file);
    (void)fprintf(feed->manifest, "%s\"%.*s\":%.*s", feed->events++ > 0 ? "," : "{", STR_ARG(written->uuid),
                  STR_ARG(written->manifest));
    (void)fprintf(feed->hashes, "%.*s", STR_ARG(written->hashes));
    return true;
}

static void write_feed(const char *dir, struct str text)
{
    struct misp_writer *writer;
    must(misp_writer_new(NULL, 0, &writer) == ERR_OK);
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n');
        if (line.len > 0)
            (void)add(writer, bytes_from_str(line));
    }
    struct feed feed = {
        .dir = dir, .manifest = create(dir, "manifest.json"), .hashes = create(dir, "hashes.csv")};
    must(misp_writer_finish(writer, put, &feed) == ERR_OK && feed.events > 0);
    (void)fprintf(feed.manifest, "}");
    (void)fclose(feed.manifest);
    (void)fclose(feed.hashes);
    misp_writer_free(writer);
}

int main(int argc, char **argv)
{
    struct json_parser *parser;
    struct fault fault = {0};
    struct buf scratch;
    size_t len;
    if (argc != 3)
        return 2;
    must(json_parser_new(TEXT_MAX, &parser) == ERR_OK);
    if (str_eq(str_of(argv[1]), STR("feed"))) {
        char *text = read_all(stdin, &len);
        write_feed(argv[2], (struct str) {text, len});
        free(text);
    } else {
        FILE *file = fopen(argv[2], "rb");
        char *text = read_all(file, &len);
        (void)fclose(file);
        buf_init(&scratch, 2 * TEXT_MAX);
        must(misp_split(bytes_of(text, len), &scratch, to_stix, parser, &fault) == ERR_OK);
        buf_deinit(&scratch);
        free(text);
    }
    json_parser_free(parser);
    return 0;
}
