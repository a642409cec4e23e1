/* bench_corpus OBJECTS [SKIP]: the generated objects of the ingest benchmark, one a line, without the first
 * SKIP; for the benchmarks that drive a whole node. */
#include "bench_out.h"
#include "corpus.h"

enum { LINE_MAX_BYTES = 1 << 20 };

int main(int argc, char **argv)
{
    struct corpus corpus;
    struct buf text;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_corpus OBJECTS [SKIP]\n");
        return 2;
    }
    unsigned long long objects = strtoull(argv[1], NULL, 10),
                       skip = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    corpus_init(&corpus, 1);
    buf_init(&text, LINE_MAX_BYTES);
    for (unsigned long long i = 0; i < skip + objects; i++) {
        buf_clear(&text);
        corpus_next(&corpus, &text);
        buf_putc(&text, '\n');
        bench_check(buf_err(&text), "object");
        if (i >= skip)
            must(fwrite(text.at, 1, text.len, stdout) == text.len);
    }
    return 0;
}
