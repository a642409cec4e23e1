#include "net/coding.h"

#include <limits.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "core/limit.h"
#include "core/mem.h"

enum {
    PIECE_BYTES = 64 << 10,
    GZIP_STEP_BYTES = 1 << 30,
    GZIP_WINDOW_BITS = 15 + 16, /* zlib: a gzip wrapper */
    GZIP_MEMORY_LEVEL = 8,
    GZIP_LEVEL = 1, /* the level that costs least: it runs on the loop's thread, once for a kept page */
    ZSTD_LEVEL = 1,
};

static const struct name {
    const char *text;
    enum coding coding;
} names[] = {{"gzip", CODING_GZIP},
             {"zstd", CODING_ZSTD},
             {"identity", CODING_IDENTITY},
             {"x-gzip", CODING_GZIP}}; /* RFC 9110 section 8.4.1.3 */

static bool same(struct str a, const char *word)
{
    size_t i = 0;
    for (; i < a.len && word[i] != '\0'; i++)
        if ((a.at[i] >= 'A' && a.at[i] <= 'Z' ? a.at[i] + 32 : a.at[i]) != word[i])
            return false;
    return i == a.len && word[i] == '\0';
}

static const struct name *find_name(struct str word)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (same(word, names[i].text))
            return &names[i];
    return NULL;
}

err_t coding_read(struct str value, enum coding *out)
{
    if (value.len == 0) {
        *out = CODING_IDENTITY;
        return ERR_OK;
    }
    const struct name *name = find_name(value);
    if (name == NULL)
        return ERR_UNSUPPORTED;
    *out = name->coding;
    return ERR_OK;
}

const char *coding_name(enum coding coding)
{
    return coding == CODING_GZIP ? "gzip" : coding == CODING_ZSTD ? "zstd" : NULL;
}

/* --- Accept-Encoding --- */

/* A weight in thousandths, RFC 9110 section 12.4.2; what is none counts as 1, as the field is only a wish. */
static int read_weight(struct str params)
{
    while (params.at != NULL) {
        struct str one = str_trim(str_cut(&params, ';'));
        if (one.len < 3 || (one.at[0] | 0x20) != 'q' || one.at[1] != '=')
            continue;
        int weight = one.at[2] == '1' ? 1000 : 0, unit = 100;
        for (size_t i = 4; weight == 0 || i < one.len; i++, unit /= 10) {
            if (i >= one.len || unit == 0 || one.at[i] < '0' || one.at[i] > '9')
                break;
            weight += weight == 1000 ? 0 : (one.at[i] - '0') * unit;
        }
        return weight;
    }
    return 1000;
}

enum { UNNAMED = -1 };

static void read_wishes(struct str accept, int weights[CODING_COUNT])
{
    int star = UNNAMED;
    for (int i = 0; i < CODING_COUNT; i++)
        weights[i] = UNNAMED;
    while (accept.at != NULL) {
        struct str params = str_cut(&accept, ',');
        struct str word = str_trim(str_cut(&params, ';'));
        const struct name *name = find_name(word);
        if (same(word, "*"))
            star = read_weight(params);
        else if (name != NULL)
            weights[name->coding] = read_weight(params);
    }
    if (weights[CODING_GZIP] == UNNAMED)
        weights[CODING_GZIP] = star;
    if (weights[CODING_IDENTITY] == UNNAMED)
        weights[CODING_IDENTITY] = star == 0 ? 0 : 1; /* acceptable, but last, unless it is forbidden */
}

err_t coding_choose(struct str accept, bool packs, enum coding *out, bool *out_plain)
{
    static const enum coding order[] = {CODING_IDENTITY, CODING_GZIP, CODING_ZSTD}; /* the last of equals */
    int weights[CODING_COUNT], best = 0;
    if (accept.at == NULL) {
        *out = CODING_IDENTITY;
        *out_plain = true;
        return ERR_OK;
    }
    read_wishes(accept, weights);
    enum coding chosen = CODING_COUNT;
    for (size_t i = 0; i < (packs ? sizeof order / sizeof order[0] : 1); i++) {
        if (weights[order[i]] > 0 && weights[order[i]] >= best) {
            best = weights[order[i]];
            chosen = order[i];
        }
    }
    if (chosen == CODING_COUNT)
        return ERR_UNSUPPORTED;
    *out = chosen;
    *out_plain = weights[CODING_IDENTITY] > 0;
    return ERR_OK;
}

/* --- unpacking --- */

struct unpack {
    const struct coding_bounds *bounds;
    coding_sink *sink;
    void *ctx;
    struct fault *fault;
    uint8_t *piece; /* PIECE_BYTES */
    uint64_t got;
};

/* `taken` bytes of input gave `len` more in the piece: a bomb is known by its first pieces, not by its size.
 */
static err_t give(struct unpack *unpack, size_t len, size_t taken)
{
    const struct coding_bounds *bounds = unpack->bounds;
    unpack->got += len;
    if (unpack->got > bounds->max)
        return fault_set(unpack->fault, ERR_LIMIT, taken, "it unpacks to more than %llu MiB",
                         (unsigned long long)(bounds->max >> 20));
    if (unpack->got > bounds->free && (unpack->got - bounds->free) / bounds->ratio > taken)
        return fault_set(
            unpack->fault, ERR_LIMIT, taken,
            "it unpacks to more than %llu MiB and %u times its size: if that is meant, unpack it first",
            (unsigned long long)(bounds->free >> 20), bounds->ratio);
    return len > 0 ? unpack->sink(unpack->ctx, bytes_of(unpack->piece, len)) : ERR_OK;
}

static err_t damaged(const struct unpack *unpack, enum coding coding, size_t taken)
{
    return fault_set(unpack->fault, ERR_SYNTAX, taken, "it is damaged: not what %s packs from byte %zu on",
                     coding_name(coding), taken);
}

/* All members (RFC 1952 section 2.2). zlib's lengths have 32 bits: the input is handed over in steps. */
static err_t unpack_gzip_with(z_stream *z, struct bytes packed, struct unpack *unpack)
{
    size_t taken = 0;
    for (;;) {
        size_t step = packed.len - taken < GZIP_STEP_BYTES ? packed.len - taken : GZIP_STEP_BYTES;
        z->next_in = (Bytef *)(uintptr_t)(packed.at + taken);
        z->avail_in = (uInt)step;
        z->next_out = unpack->piece;
        z->avail_out = PIECE_BYTES;
        int result = inflate(z, Z_NO_FLUSH);
        taken += step - z->avail_in;
        err_t err = give(unpack, PIECE_BYTES - z->avail_out, taken);
        if (err != ERR_OK)
            return err;
        if (result == Z_STREAM_END && taken == packed.len)
            return ERR_OK;
        if (result == Z_BUF_ERROR) /* there is room: it waits for more */
            return ERR_SHORT;
        if (result == Z_MEM_ERROR)
            return ERR_NOMEM;
        if (result == Z_STREAM_END ? inflateReset(z) != Z_OK : result != Z_OK)
            return damaged(unpack, CODING_GZIP, taken);
    }
}

static err_t unpack_gzip(struct bytes packed, struct unpack *unpack)
{
    z_stream z = {0};
    if (inflateInit2(&z, GZIP_WINDOW_BITS) != Z_OK)
        return ERR_NOMEM;
    err_t err = unpack_gzip_with(&z, packed, unpack);
    (void)inflateEnd(&z);
    return err;
}

static err_t zstd_error(const struct unpack *unpack, size_t result, size_t taken)
{
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return ERR_NOMEM;
    case ZSTD_error_frameParameter_windowTooLarge:
        return fault_set(unpack->fault, ERR_LIMIT, taken,
                         "unpacking it takes a window of more than %u MiB: pack it without --long",
                         1u << (unpack->bounds->window_log - 20));
    default:
        return damaged(unpack, CODING_ZSTD, taken);
    }
}

static err_t unpack_zstd_with(ZSTD_DCtx *context, ZSTD_inBuffer *in, struct unpack *unpack)
{
    if (ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, (int)unpack->bounds->window_log)))
        return ERR_UNSUPPORTED;
    for (;;) {
        ZSTD_outBuffer piece = {unpack->piece, PIECE_BYTES, 0};
        size_t left = ZSTD_decompressStream(context, &piece, in);
        if (ZSTD_isError(left))
            return zstd_error(unpack, left, in->pos);
        err_t err = give(unpack, piece.pos, in->pos);
        if (err != ERR_OK)
            return err;
        if (in->pos == in->size && left == 0)
            return ERR_OK;
        if (in->pos == in->size && piece.pos < piece.size)
            return ERR_SHORT; /* it waits for more */
    }
}

static err_t unpack_zstd(struct bytes packed, struct unpack *unpack)
{
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer in = {packed.at, packed.len, 0};
    if (context == NULL)
        return ERR_NOMEM;
    err_t err = unpack_zstd_with(context, &in, unpack);
    (void)ZSTD_freeDCtx(context);
    return err;
}

err_t coding_unpack_to(enum coding coding, struct bytes packed, const struct coding_bounds *bounds,
                       coding_sink *sink, void *ctx, struct fault *fault)
{
    struct unpack unpack = {bounds, sink, ctx, fault, mem_alloc(PIECE_BYTES), 0};
    must(coding == CODING_GZIP || coding == CODING_ZSTD);
    if (unpack.piece == NULL)
        return ERR_NOMEM;
    err_t err = coding == CODING_GZIP ? unpack_gzip(packed, &unpack) : unpack_zstd(packed, &unpack);
    mem_free(unpack.piece);
    return err;
}

static err_t put(void *ctx, struct bytes piece)
{
    struct buf *out = ctx;
    buf_put(out, piece.at, piece.len);
    return buf_err(out);
}

err_t coding_unpack(enum coding coding, struct bytes packed, size_t max, struct buf *out)
{
    const struct coding_bounds bounds = {max, LIMIT_CODING_FREE, LIMIT_CODING_RATIO, LIMIT_CODING_WINDOW_LOG};
    if (coding == CODING_IDENTITY)
        return packed.len > max ? ERR_LIMIT : put(out, packed);
    err_t err = coding_unpack_to(coding, packed, &bounds, put, out, NULL);
    return err == ERR_SHORT ? ERR_SYNTAX : err;
}

/* --- packing --- */

static err_t pack_gzip(struct bytes plain, struct buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)plain.at, .avail_in = (uInt)plain.len};
    if (plain.len > UINT_MAX)
        return ERR_LIMIT;
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return ERR_NOMEM;
    size_t room = deflateBound(&z, plain.len);
    z.next_out = buf_extend(out, room);
    if (z.next_out != NULL) {
        z.avail_out = (uInt)room;
        must(deflate(&z, Z_FINISH) == Z_STREAM_END);
        out->len -= z.avail_out;
    }
    (void)deflateEnd(&z);
    return buf_err(out);
}

static err_t pack_zstd(struct bytes plain, struct buf *out)
{
    size_t room = ZSTD_compressBound(plain.len);
    uint8_t *at = buf_extend(out, room);
    if (at == NULL)
        return buf_err(out);
    size_t len = ZSTD_compress(at, room, plain.at, plain.len, ZSTD_LEVEL);
    out->len -= ZSTD_isError(len) ? room : room - len;
    return ZSTD_isError(len) ? ERR_NOMEM : ERR_OK;
}

err_t coding_pack(enum coding coding, struct bytes plain, struct buf *out)
{
    if (coding == CODING_GZIP)
        return pack_gzip(plain, out);
    if (coding == CODING_ZSTD)
        return pack_zstd(plain, out);
    buf_put(out, plain.at, plain.len);
    return buf_err(out);
}
