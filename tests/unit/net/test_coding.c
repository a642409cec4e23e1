/* Content codings: what comes out of strangers' packed texts is bounded; who wants what is understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include <cmocka.h>

#include "core/limit.h"
#include "net/coding.h"

enum { MAX = 4 << 20 };

/* By the programs of Debian 12: printf 'beacon beacon beacon\n' | gzip -n9, and | zstd -19. */
static const uint8_t gzip_vector[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                      0x4b, 0x4a, 0x4d, 0x4c, 0xce, 0xcf, 0x53, 0x48, 0x42, 0xa6,
                                      0xb8, 0x00, 0xf7, 0xd1, 0x41, 0x8f, 0x15, 0x00, 0x00, 0x00};
static const uint8_t zstd_vector[] = {0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x68, 0x75, 0x00, 0x00,
                                      0x40, 0x62, 0x65, 0x61, 0x63, 0x6f, 0x6e, 0x20, 0x0a,
                                      0x01, 0x00, 0x3a, 0x8a, 0x11, 0xfc, 0x92, 0xa1, 0x10};
static const char vector_text[] = "beacon beacon beacon\n";

static struct buf text_of(size_t len, bool random)
{
    struct buf text;
    uint64_t state = 88172645463325252u;
    buf_init(&text, len);
    for (size_t i = 0; i < len; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        buf_putc(&text, random ? (char)state : "{\"type\": \"indicator\"}, "[i % 23]);
    }
    return text;
}

static err_t unpack(enum coding coding, struct bytes packed, size_t max, struct buf *out)
{
    buf_init(out, max + 64);
    return coding_unpack(coding, packed, max, out);
}

static void reads_what_others_packed(void **state)
{
    (void)state;
    const struct {
        enum coding coding;
        struct bytes packed;
    } rows[] = {{CODING_GZIP, bytes_of(gzip_vector, sizeof gzip_vector)},
                {CODING_ZSTD, bytes_of(zstd_vector, sizeof zstd_vector)}};
    for (size_t i = 0; i < 2; i++) {
        struct buf out;
        assert_int_equal(unpack(rows[i].coding, rows[i].packed, MAX, &out), ERR_OK);
        assert_true(str_eq(buf_str(&out), str_of(vector_text)));
        buf_deinit(&out);
        for (size_t len = 0; len < rows[i].packed.len; len++) { /* every prefix is not whole */
            assert_int_equal(unpack(rows[i].coding, bytes_of(rows[i].packed.at, len), MAX, &out), ERR_SYNTAX);
            buf_deinit(&out);
        }
    }
}

static void gives_back_what_it_packed(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 1000000};
    for (size_t i = 0; i < 6 * 2 * 2; i++) {
        enum coding coding = i % 2 == 0 ? CODING_GZIP : CODING_ZSTD;
        struct buf text = text_of(sizes[i / 4], i / 2 % 2 == 0), packed, out;
        buf_init(&packed, 2 << 20);
        assert_int_equal(coding_pack(coding, buf_bytes(&text), &packed), ERR_OK);
        assert_true(text.len < 100 || i / 2 % 2 == 0 || packed.len < text.len / 10);
        /* A text of one pattern packs better than a stranger's may: only its packed size is looked at. */
        if (text.len < 60000 || i / 2 % 2 == 0) {
            assert_int_equal(unpack(coding, buf_bytes(&packed), text.len, &out), ERR_OK);
            assert_true(str_eq(buf_str(&out), buf_str(&text)));
            buf_deinit(&out);
        }
        if (text.len > 1) {
            assert_int_equal(unpack(coding, buf_bytes(&packed), text.len - 1, &out), ERR_LIMIT);
            buf_deinit(&out);
        }
        buf_deinit(&packed);
        buf_deinit(&text);
    }
}

static void stops_bombs(void **state)
{
    (void)state;
    for (enum coding coding = CODING_GZIP; coding <= CODING_ZSTD; coding++) {
        struct buf zeros, packed, out;
        buf_init(&zeros, 64 << 20);
        buf_init(&packed, 80 << 20);
        memset(buf_extend(&zeros, 64 << 20), 0, 64 << 20);
        assert_int_equal(coding_pack(coding, buf_bytes(&zeros), &packed), ERR_OK);
        assert_int_equal(unpack(coding, buf_bytes(&packed), 32 << 20, &out), ERR_LIMIT);
        assert_true(out.len <= 4 * LIMIT_CODING_FREE); /* known early, however long it goes on */
        buf_deinit(&out);
        buf_deinit(&packed);
        buf_deinit(&zeros);
    }
}

/* A frame that asks for a window beyond the limit is refused before it gets the memory. */
static void refuses_large_windows(void **state)
{
    (void)state;
    struct buf text = text_of(100000, true), out;
    static uint8_t packed[200000];
    for (int log = LIMIT_CODING_WINDOW_LOG; log <= LIMIT_CODING_WINDOW_LOG + 1; log++) {
        ZSTD_CCtx *context = ZSTD_createCCtx();
        ZSTD_outBuffer to = {packed, sizeof packed, 0};
        ZSTD_inBuffer from = {text.at, text.len, 0};
        assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, log)));
        while (from.pos < from.size) /* without saying its size ahead, or the frame would need no window */
            assert_false(ZSTD_isError(ZSTD_compressStream2(context, &to, &from, ZSTD_e_continue)));
        assert_int_equal(ZSTD_compressStream2(context, &to, &from, ZSTD_e_end), 0);
        assert_int_equal(unpack(CODING_ZSTD, bytes_of(packed, to.pos), MAX, &out),
                         log == LIMIT_CODING_WINDOW_LOG ? ERR_OK : ERR_LIMIT);
        buf_deinit(&out);
        ZSTD_freeCCtx(context);
    }
    buf_deinit(&text);
}

static void takes_members_and_nothing_behind(void **state)
{
    (void)state;
    uint8_t both[2 * sizeof gzip_vector + 1];
    struct buf out;
    memcpy(both, gzip_vector, sizeof gzip_vector);
    memcpy(both + sizeof gzip_vector, gzip_vector, sizeof gzip_vector);
    both[sizeof both - 1] = 'x';
    assert_int_equal(unpack(CODING_GZIP, bytes_of(both, sizeof both - 1), MAX, &out), ERR_OK);
    assert_int_equal(out.len, 2 * (sizeof vector_text - 1));
    buf_deinit(&out);
    assert_int_equal(unpack(CODING_GZIP, bytes_of(both, sizeof both), MAX, &out), ERR_SYNTAX);
    buf_deinit(&out);
    assert_int_equal(unpack(CODING_ZSTD, bytes_of(gzip_vector, sizeof gzip_vector), MAX, &out), ERR_SYNTAX);
    buf_deinit(&out);
    both[sizeof gzip_vector - 8] ^= 1; /* the check sum */
    assert_int_equal(unpack(CODING_GZIP, bytes_of(both, sizeof gzip_vector), MAX, &out), ERR_SYNTAX);
    buf_deinit(&out);
}

static void reads_one_coding(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        err_t err;
        enum coding coding;
    } rows[] = {{"", ERR_OK, CODING_IDENTITY},      {"identity", ERR_OK, CODING_IDENTITY},
                {"gzip", ERR_OK, CODING_GZIP},      {"GZip", ERR_OK, CODING_GZIP},
                {"x-gzip", ERR_OK, CODING_GZIP},    {"zstd", ERR_OK, CODING_ZSTD},
                {"br", ERR_UNSUPPORTED, 0},         {"deflate", ERR_UNSUPPORTED, 0},
                {"gzip, gzip", ERR_UNSUPPORTED, 0}, {"gzip,zstd", ERR_UNSUPPORTED, 0},
                {"gzi", ERR_UNSUPPORTED, 0},        {"gzipp", ERR_UNSUPPORTED, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum coding got = CODING_COUNT;
        assert_int_equal(coding_read(str_of(rows[i].value), &got), rows[i].err);
        assert_int_equal(got, rows[i].err == ERR_OK ? rows[i].coding : CODING_COUNT);
    }
}

static void chooses_what_is_wished(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        int chosen; /* -1: refused */
    } rows[] = {
        {NULL, CODING_IDENTITY},
        {"", CODING_IDENTITY},
        {"gzip", CODING_GZIP},
        {"gzip, deflate", CODING_GZIP},
        {"gzip, deflate, br, zstd", CODING_ZSTD},
        {"GZIP;Q=1", CODING_GZIP},
        {"zstd;q=0.5, gzip", CODING_GZIP},
        {"zstd;q=0.5 , gzip ; q=0.501", CODING_GZIP},
        {"zstd;q=0.5,gzip;q=0.499", CODING_ZSTD},
        {"gzip;q=0", CODING_IDENTITY},
        {"gzip;q=0.000", CODING_IDENTITY},
        {"gzip;q=0.001", CODING_GZIP},
        {"identity", CODING_IDENTITY},
        {"identity, gzip;q=0.5", CODING_IDENTITY},
        {"identity;q=0.5, gzip", CODING_GZIP},
        {"br", CODING_IDENTITY},
        {"br;q=1.0, identity;q=0.5, *;q=0", CODING_IDENTITY},
        {"*", CODING_GZIP},
        {"*;q=0.5, gzip;q=0", CODING_IDENTITY},
        {"identity;q=0", -1},
        {"*;q=0", -1},
        {"identity;q=0, gzip;q=0, zstd;q=0", -1},
        {"identity;q=0, zstd;q=0.1", CODING_ZSTD},
        {"*;q=0, zstd", CODING_ZSTD},
        {"br, identity;q=0", -1},
        {"identity;q=0, *", CODING_GZIP},
        {",,;;q=,gzip;;q=1", CODING_GZIP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum coding got = CODING_COUNT;
        struct str accept = rows[i].accept == NULL ? (struct str) {NULL, 0} : str_of(rows[i].accept);
        bool plain = true;
        err_t err = coding_choose(accept, true, &got, &plain);
        if (err != (rows[i].chosen < 0 ? ERR_UNSUPPORTED : ERR_OK) ||
            (err == ERR_OK && (int)got != rows[i].chosen))
            fail_msg("%s: %s %d", rows[i].accept, err_name(err), (int)got);
        const char *wish = rows[i].accept == NULL ? "" : rows[i].accept;
        bool named = strstr(wish, "identity;q=0.5") != NULL;
        bool forbids = strstr(wish, "identity;q=0") != NULL ||
                       (strstr(wish, "*;q=0") != NULL && strstr(wish, "*;q=0.5") == NULL);
        if (err == ERR_OK)
            assert_int_equal(plain, !forbids || named);
        /* Where nothing is packed, identity alone is on offer. */
        err = coding_choose(accept, false, &got, &plain);
        assert_int_equal(err, !forbids || named ? ERR_OK : ERR_UNSUPPORTED);
        assert_true(err != ERR_OK || (got == CODING_IDENTITY && plain));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_others_packed),
        cmocka_unit_test(gives_back_what_it_packed),
        cmocka_unit_test(stops_bombs),
        cmocka_unit_test(refuses_large_windows),
        cmocka_unit_test(takes_members_and_nothing_behind),
        cmocka_unit_test(reads_one_coding),
        cmocka_unit_test(chooses_what_is_wished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
