/* Packed texts from strangers, and wishes for codings: what comes out stays within its bound, and what is
 * packed again comes back. */
#include "core/err.h"
#include "core/limit.h"
#include "net/coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 1 << 20 };

static void look(enum coding coding, struct bytes packed)
{
    struct buf out, again, back;
    size_t fair = LIMIT_CODING_FREE + (packed.len + 1) * LIMIT_CODING_RATIO + (64 << 10);
    buf_init(&out, MAX + 64);
    err_t err = coding_unpack(coding, packed, MAX, &out);
    must(out.len <= MAX + 1 && out.len <= fair);
    if (err == ERR_OK && out.len <= LIMIT_CODING_FREE) {
        buf_init(&again, 2 * LIMIT_CODING_FREE);
        buf_init(&back, MAX + 64);
        must(coding_pack(coding, buf_bytes(&out), &again) == ERR_OK);
        must(coding_unpack(coding, buf_bytes(&again), MAX, &back) == ERR_OK);
        must(back.len == out.len && (out.len == 0 || memcmp(back.at, out.at, out.len) == 0));
        buf_deinit(&again);
        buf_deinit(&back);
    }
    buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum coding coding = CODING_COUNT;
    bool plain = false;
    struct str text = {(const char *)data, size};
    look(CODING_GZIP, (struct bytes) {data, size});
    look(CODING_ZSTD, (struct bytes) {data, size});
    must(coding_choose(text, size % 2 == 0, &coding, &plain) != ERR_OK ||
         (coding < CODING_COUNT && (plain || coding != CODING_IDENTITY)));
    (void)!coding_read(text, &coding);
    return 0;
}
