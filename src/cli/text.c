#include "cli/text.h"

#include <stdio.h>

#include "core/limit.h"
#include "core/mem.h"
#include "net/coding.h"

enum { PIECE_BYTES = 256 << 10 };

static err_t put(void *ctx, struct bytes piece)
{
    return os_input_spool_write(ctx, piece);
}

/* A pipe: onto the disk as it is. */
static err_t copy(const struct os_input *from, struct os_input *spool, struct fault *fault)
{
    uint8_t *piece = mem_alloc(PIECE_BYTES);
    size_t got = 1;
    err_t err = piece == NULL ? ERR_NOMEM : ERR_OK;
    while (err == ERR_OK && got > 0) {
        err = os_input_read(from, piece, PIECE_BYTES, &got);
        if (err == ERR_OK)
            err = put(spool, bytes_of(piece, got));
        if (err == ERR_OK && spool->size > LIMIT_ADD_UNPACKED_BYTES)
            err = fault_set(fault, ERR_LIMIT, 0, "more came by the pipe than a file may hold");
    }
    mem_free(piece);
    return err;
}

static err_t unpack(enum coding coding, struct bytes packed, struct os_input *spool, struct fault *fault)
{
    static const struct coding_bounds bounds = {LIMIT_ADD_UNPACKED_BYTES, LIMIT_ADD_UNPACK_FREE,
                                                LIMIT_ADD_UNPACK_RATIO, LIMIT_ADD_WINDOW_LOG};
    return coding_unpack_to(coding, packed, &bounds, put, spool, fault);
}

/* `input` gives way to a spool: a pipe as it came, or what the mapped bytes hold. */
static err_t replace(struct text *text, enum coding coding, struct fault *fault)
{
    struct os_input spool = {.fd = -1};
    err_t err;
    if (TRY(err, os_input_spool(&spool)))
        return fault_set(fault, err, 0,
                         "no temporary file could be made: set TMPDIR to a directory of a disk with room");
    err = coding == CODING_IDENTITY ? copy(&text->input, &spool, fault)
                                    : unpack(coding, text->bytes, &spool, fault);
    if (err != ERR_OK) {
        os_input_close(&spool);
        return err;
    }
    text_close(text);
    text->input = spool;
    return os_input_map(&text->input, &text->bytes);
}

static bool begins(struct bytes bytes, const char *magic, size_t len)
{
    return bytes.len >= len && memcmp(bytes.at, magic, len) == 0;
}

static err_t prepare(struct text *text, struct fault *fault)
{
    err_t err =
        text->input.plain ? os_input_map(&text->input, &text->bytes) : replace(text, CODING_IDENTITY, fault);
    if (err != ERR_OK)
        return err;
    if (begins(text->bytes, "\x1f\x8b", 2))
        return replace(text, CODING_GZIP, fault);
    if (begins(text->bytes, "\x28\xb5\x2f\xfd", 4))
        return replace(text, CODING_ZSTD, fault);
    return ERR_OK;
}

bool text_open(const char *path, const char *next, struct text *out)
{
    struct text text = {.input = {.fd = -1}};
    struct fault fault = {.code = ERR_OK};
    err_t err = os_input_open(path, &text.input);
    if (err == ERR_USAGE)
        err = fault_set(&fault, err, 0, "it is a directory; name its files");
    if (err == ERR_UNSUPPORTED)
        err = fault_set(&fault, err, 0,
                        "it is no file but a device or a pipe; give it as standard input: - < %.100s", path);
    if (err == ERR_OK)
        err = prepare(&text, &fault);
    if (err != ERR_OK) {
        text_close(&text);
        (void)cli_fail(next, "%s: %s", path, fault.what[0] != '\0' ? fault.what : err_text(err));
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
