#include "cli/text.h"

#include <stdio.h>
#include <zlib.h>
#include <zstd.h>

#include "core/limit.h"
#include "core/mem.h"

enum { PIECE_BYTES = 256 << 10 };

struct unpack {
    struct bytes packed;
    struct os_input spool;
    uint8_t *piece; /* PIECE_BYTES */
    const char *why;
};

/* False: too much came out of too little. */
static bool bounded(const struct unpack *unpack)
{
    uint64_t out = unpack->spool.size;
    return out <= LIMIT_ADD_UNPACKED_BYTES &&
           (out <= LIMIT_ADD_UNPACK_FREE || out / LIMIT_ADD_UNPACK_RATIO <= unpack->packed.len);
}

static err_t put(struct unpack *unpack, size_t len)
{
    err_t err = os_input_spool_write(&unpack->spool, bytes_of(unpack->piece, len));
    if (err == ERR_OK && !bounded(unpack)) {
        unpack->why = "it unpacks to far more than such a file may hold";
        return ERR_LIMIT;
    }
    return err;
}

/* All members of a gzip file. zlib's lengths have 32 bits: the input is handed over in steps. */
static err_t unpack_gzip_with(struct unpack *unpack, z_stream *z)
{
    struct bytes left = unpack->packed;
    bool whole = false;
    while (left.len > 0 || z->avail_in > 0) {
        if (z->avail_in == 0) {
            size_t step = left.len < PIECE_BYTES ? left.len : PIECE_BYTES;
            z->next_in = (Bytef *)(uintptr_t)left.at;
            z->avail_in = (uInt)step;
            left = bytes_of(left.at + step, left.len - step);
        }
        if (whole && inflateReset(z) != Z_OK)
            return ERR_SYNTAX;
        whole = false;
        z->next_out = unpack->piece;
        z->avail_out = PIECE_BYTES;
        int result = inflate(z, Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return result == Z_MEM_ERROR ? ERR_NOMEM : ERR_SYNTAX;
        whole = result == Z_STREAM_END;
        err_t err = put(unpack, PIECE_BYTES - z->avail_out);
        if (err != ERR_OK)
            return err;
    }
    while (!whole) { /* what zlib still holds back */
        z->next_out = unpack->piece;
        z->avail_out = PIECE_BYTES;
        int result = inflate(z, Z_SYNC_FLUSH);
        size_t got = PIECE_BYTES - z->avail_out;
        err_t err = put(unpack, got);
        if (err != ERR_OK)
            return err;
        whole = result == Z_STREAM_END;
        if (!whole && (result != Z_OK || got == 0))
            return ERR_SHORT;
    }
    return ERR_OK;
}

static err_t unpack_gzip(struct unpack *unpack)
{
    z_stream z = {0};
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return ERR_NOMEM;
    err_t err = unpack_gzip_with(unpack, &z);
    (void)inflateEnd(&z);
    return err;
}

static err_t unpack_zstd(struct unpack *unpack)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer in = {unpack->packed.at, unpack->packed.len, 0};
    size_t left = 1;
    bool full = false;
    err_t err = ERR_OK;
    if (context == NULL)
        return ERR_NOMEM;
    if (ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, LIMIT_ADD_WINDOW_LOG)))
        err = ERR_UNSUPPORTED;
    while (err == ERR_OK && (in.pos < in.size || full)) {
        ZSTD_outBuffer out = {unpack->piece, PIECE_BYTES, 0};
        left = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(left)) {
            unpack->why = ZSTD_getErrorName(left);
            err = ERR_SYNTAX;
            break;
        }
        full = out.pos == out.size;
        err = put(unpack, out.pos);
    }
    (void)ZSTD_freeDCtx(context);
    return err == ERR_OK && left != 0 ? ERR_SHORT : err;
}

/* A pipe: onto the disk as it is. */
static err_t spool(const struct os_input *from, struct unpack *unpack)
{
    size_t got = 1;
    err_t err = ERR_OK;
    while (err == ERR_OK && got > 0) {
        err = os_input_read(from, unpack->piece, PIECE_BYTES, &got);
        if (err == ERR_OK)
            err = os_input_spool_write(&unpack->spool, bytes_of(unpack->piece, got));
        if (err == ERR_OK && unpack->spool.size > LIMIT_ADD_UNPACKED_BYTES) {
            unpack->why = "more came by the pipe than a file may hold";
            err = ERR_LIMIT;
        }
    }
    return err;
}

/* `input` gives way to a spool that `fill` has filled. */
static err_t replace(struct text *text, err_t (*fill)(struct unpack *unpack), const char **out_why)
{
    struct unpack unpack = {.packed = text->bytes, .spool = {.fd = -1}};
    err_t err;
    if (TRY(err, os_input_spool(&unpack.spool))) {
        *out_why = "no temporary file could be made: set TMPDIR to a directory of a disk with room";
        return err;
    }
    unpack.piece = mem_alloc(PIECE_BYTES);
    err = unpack.piece == NULL ? ERR_NOMEM : fill != NULL ? fill(&unpack) : spool(&text->input, &unpack);
    mem_free(unpack.piece);
    *out_why = unpack.why;
    if (err != ERR_OK) {
        os_input_close(&unpack.spool);
        return err;
    }
    text_close(text);
    text->input = unpack.spool;
    return os_input_map(&text->input, &text->bytes);
}

static bool begins(struct bytes bytes, const char *magic, size_t len)
{
    return bytes.len >= len && memcmp(bytes.at, magic, len) == 0;
}

static err_t prepare(struct text *text, const char **out_why)
{
    err_t err = text->input.plain ? os_input_map(&text->input, &text->bytes) : replace(text, NULL, out_why);
    if (err != ERR_OK)
        return err;
    if (begins(text->bytes, "\x1f\x8b", 2))
        return replace(text, unpack_gzip, out_why);
    if (begins(text->bytes, "\x28\xb5\x2f\xfd", 4))
        return replace(text, unpack_zstd, out_why);
    return ERR_OK;
}

bool text_open(const char *path, const char *next, struct text *out)
{
    struct text text = {.input = {.fd = -1}};
    const char *what = NULL;
    err_t err = os_input_open(path, &text.input);
    if (err == ERR_USAGE)
        what = "it is a directory; name its files";
    if (err == ERR_OK)
        err = prepare(&text, &what);
    if (err != ERR_OK) {
        text_close(&text);
        (void)cli_fail(next, "%s: %s", path, what != NULL ? what : err_text(err));
        return false;
    }
    *out = text;
    return true;
}

void text_close(struct text *text)
{
    os_input_unmap(text->bytes);
    os_input_close(&text->input);
    text->bytes = bytes_of(NULL, 0);
}
