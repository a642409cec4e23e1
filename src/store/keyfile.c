#include "store/keyfile.h"

#include <stdio.h>

#include "core/limit.h"
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"

enum {
    HEADER_SIZE = 4096,
    HEADER_USED = 32,
    LABEL_AT = HEADER_USED + 8, /* a label and its check; zeros: none */
    LABEL_ROOM = KEYFILE_LABEL_SIZE + 8,
    MARK_AT = 512, /* two, each in a sector of its own; written in turn */
    MARK_STEP = 512,
    MARK_USED = 8 + HASH_SIZE,
    MARK_ROOM = MARK_USED + 8,
    GROW_BYTES = 1 << 20,
    BLOCK_SLOTS = 128, /* one page of 4096 bytes a read */
    BLOCK_COUNT = 64,
};

static const char magic[] = "BNGSKEY1";

struct block {
    uint64_t number; /* slots from number * BLOCK_SLOTS on */
    bool filled;
    struct seal_secret secrets[BLOCK_SLOTS];
};

struct keyfile {
    const struct os *os;
    struct os_file *file;
    uint64_t size;                    /* reserved; touched by the writing side only */
    struct block blocks[BLOCK_COUNT]; /* what was read lately: log order is slot order */
};

static uint64_t offset_of(uint64_t slot)
{
    return HEADER_SIZE + slot * SEAL_SECRET_SIZE;
}

static void label_put(struct buf *buf, const uint8_t *label)
{
    buf_put(buf, label, KEYFILE_LABEL_SIZE);
    wr_u64(buf, hash_xxh3(bytes_of(label, KEYFILE_LABEL_SIZE)));
}

/* `label`: NULL, none. */
static err_t head_write(struct keyfile *keyfile, const struct node_id *node, unsigned suite,
                        const uint8_t *label)
{
    struct buf buf;
    buf_init(&buf, HEADER_SIZE);
    buf_put(&buf, magic, 8);
    wr_u16(&buf, LOG_VERSION);
    wr_u16(&buf, (uint16_t)suite);
    wr_u32(&buf, HEADER_SIZE);
    buf_put(&buf, node->b, NODE_ID_SIZE);
    if (buf_err(&buf) == ERR_OK)
        wr_u64(&buf, hash_xxh3(bytes_of(buf.at, HEADER_USED)));
    if (label != NULL)
        label_put(&buf, label);
    err_t err = buf_err(&buf);
    const struct os *os = keyfile->os;
    if (err == ERR_OK)
        err = os->file_reserve(os->ctx, keyfile->file, HEADER_SIZE + GROW_BYTES);
    if (err == ERR_OK)
        err = os->file_write(os->ctx, keyfile->file, 0, buf.at, buf.len);
    if (err == ERR_OK)
        err = os->file_sync(os->ctx, keyfile->file);
    buf_deinit(&buf);
    return err;
}

static err_t head_check(struct keyfile *keyfile, const struct node_id *node, unsigned suite)
{
    uint8_t head[HEADER_USED + 8];
    const struct os *os = keyfile->os;
    err_t err = os->file_read(os->ctx, keyfile->file, 0, head, sizeof head);
    if (err != ERR_OK)
        return err == ERR_SHORT ? ERR_CORRUPT : err;
    struct rd rd = rd_of(bytes_of(head, sizeof head));
    struct bytes mark = rd_bytes(&rd, 8);
    unsigned version = rd_u16(&rd);
    unsigned found = rd_u16(&rd);
    uint32_t size = rd_u32(&rd);
    struct bytes id = rd_bytes(&rd, NODE_ID_SIZE);
    if (memcmp(mark.at, magic, 8) != 0 || rd_u64(&rd) != hash_xxh3(bytes_of(head, HEADER_USED)))
        return ERR_CORRUPT;
    if (version != LOG_VERSION || found != suite || size != HEADER_SIZE)
        return ERR_VERSION;
    return memcmp(id.at, node->b, NODE_ID_SIZE) == 0 ? ERR_OK : ERR_INVALID;
}

/* Written under another name first: a key file with its own name is always whole. */
static err_t make(struct keyfile *keyfile, const char *dir, const char *path, const struct node_id *node,
                  unsigned suite, const uint8_t *label)
{
    const struct os *os = keyfile->os;
    char fresh[LIMIT_PATH_BYTES];
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh)
        return ERR_LIMIT;
    err_t err = os->file_open(os->ctx, fresh, OS_WRITE | OS_CREATE, &keyfile->file);
    if (err == ERR_OK)
        err = head_write(keyfile, node, suite, label);
    if (err == ERR_OK)
        err = os->path_rename(os->ctx, fresh, path);
    return err == ERR_OK ? os->dir_sync(os->ctx, dir) : err;
}

/* `label`: of a file that is made. */
static err_t open_or_make(const struct os *os, const char *dir, const struct node_id *node, unsigned suite,
                          enum keyfile_how how, const uint8_t *label, struct keyfile **out)
{
    char path[LIMIT_PATH_BYTES];
    if ((size_t)snprintf(path, sizeof path, "%s/secrets.key", dir) >= sizeof path)
        return ERR_LIMIT;
    struct keyfile *keyfile = mem_alloc(sizeof *keyfile);
    if (keyfile == NULL)
        return ERR_NOMEM;
    keyfile->os = os;
    err_t err = os->file_open(os->ctx, path, how == KEYFILE_READ ? OS_READ : OS_WRITE, &keyfile->file);
    if (err == ERR_NOTFOUND && how == KEYFILE_CREATE)
        err = make(keyfile, dir, path, node, suite, label);
    if (err == ERR_OK)
        err = head_check(keyfile, node, suite);
    if (err == ERR_OK)
        err = os->file_size(os->ctx, keyfile->file, &keyfile->size);
    if (err != ERR_OK) {
        keyfile_close(keyfile);
        return err;
    }
    *out = keyfile;
    return ERR_OK;
}

err_t keyfile_open(const struct os *os, const char *dir, const struct node_id *node, unsigned suite,
                   enum keyfile_how how, struct keyfile **out)
{
    return open_or_make(os, dir, node, suite, how, NULL, out);
}

err_t keyfile_labelled(struct keyfile *keyfile, const uint8_t label[KEYFILE_LABEL_SIZE])
{
    uint8_t found[LABEL_ROOM];
    const struct os *os = keyfile->os;
    err_t err = os->file_read(os->ctx, keyfile->file, LABEL_AT, found, sizeof found);
    if (err != ERR_OK)
        return err == ERR_SHORT ? ERR_CORRUPT : err;
    struct rd rd = rd_of(bytes_of(found, sizeof found));
    struct bytes text = rd_bytes(&rd, KEYFILE_LABEL_SIZE);
    return rd_u64(&rd) == hash_xxh3(text) && memcmp(text.at, label, KEYFILE_LABEL_SIZE) == 0 ? ERR_OK
                                                                                             : ERR_NOTFOUND;
}

err_t keyfile_label(const struct os *os, const char *dir, const struct node_id *node, unsigned suite,
                    const uint8_t label[KEYFILE_LABEL_SIZE])
{
    struct keyfile *keyfile;
    uint8_t raw[LABEL_ROOM];
    struct buf buf = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    err_t err = open_or_make(os, dir, node, suite, KEYFILE_CREATE, label, &keyfile);
    if (err != ERR_OK)
        return err;
    err = keyfile_labelled(keyfile, label);
    if (err == ERR_NOTFOUND) {
        label_put(&buf, label);
        err = os->file_write(os->ctx, keyfile->file, LABEL_AT, raw, sizeof raw);
    }
    if (err == ERR_OK)
        err = keyfile_sync(keyfile);
    if (err == ERR_OK) /* who made it may have ended before its name was durable */
        err = os->dir_sync(os->ctx, dir);
    keyfile_close(keyfile);
    return err;
}

/* ERR_NOTFOUND: zeros; ERR_CORRUPT: torn. */
static err_t mark_at(struct keyfile *keyfile, unsigned which, struct keyfile_mark *out)
{
    static const uint8_t none[MARK_ROOM];
    uint8_t raw[MARK_ROOM];
    const struct os *os = keyfile->os;
    err_t err = os->file_read(os->ctx, keyfile->file, MARK_AT + which * MARK_STEP, raw, sizeof raw);
    if (err != ERR_OK)
        return err == ERR_SHORT ? ERR_CORRUPT : err;
    if (memcmp(raw, none, sizeof raw) == 0)
        return ERR_NOTFOUND;
    struct rd rd = rd_of(bytes_of(raw, sizeof raw));
    struct keyfile_mark mark = {.lsn_end = rd_u64(&rd)};
    rd_copy(&rd, mark.digest.b, HASH_SIZE);
    if (rd_u64(&rd) != hash_xxh3(bytes_of(raw, MARK_USED)))
        return ERR_CORRUPT;
    *out = mark;
    return ERR_OK;
}

/* The newer one. *out_other: where the next goes. */
static err_t mark_newest(struct keyfile *keyfile, struct keyfile_mark *out, unsigned *out_other)
{
    struct keyfile_mark marks[2];
    err_t err[2];
    for (unsigned i = 0; i < 2; i++) {
        err[i] = mark_at(keyfile, i, &marks[i]);
        if (err[i] != ERR_OK && err[i] != ERR_NOTFOUND && err[i] != ERR_CORRUPT)
            return err[i];
    }
    unsigned newest = err[1] == ERR_OK && (err[0] != ERR_OK || marks[1].lsn_end > marks[0].lsn_end);
    *out_other = 1 - newest;
    if (err[newest] == ERR_OK)
        *out = marks[newest];
    if (err[newest] == ERR_OK || err[1] != ERR_NOTFOUND)
        return err[newest] == ERR_OK ? ERR_OK : ERR_CORRUPT;
    *out_other = 0; /* none, or the first that was ever written is torn */
    return ERR_NOTFOUND;
}

err_t keyfile_mark_read(struct keyfile *keyfile, struct keyfile_mark *out)
{
    unsigned other;
    return mark_newest(keyfile, out, &other);
}

err_t keyfile_mark_write(struct keyfile *keyfile, const struct keyfile_mark *mark)
{
    uint8_t raw[MARK_ROOM];
    struct buf buf = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    struct keyfile_mark before;
    const struct os *os = keyfile->os;
    unsigned other;
    err_t err = mark_newest(keyfile, &before, &other);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    wr_u64(&buf, mark->lsn_end);
    buf_put(&buf, mark->digest.b, HASH_SIZE);
    wr_u64(&buf, hash_xxh3(bytes_of(raw, MARK_USED)));
    if (TRY(err, os->file_write(os->ctx, keyfile->file, MARK_AT + other * MARK_STEP, raw, sizeof raw)))
        return err;
    return keyfile_sync(keyfile);
}

void keyfile_close(struct keyfile *keyfile)
{
    if (keyfile == NULL)
        return;
    keyfile->os->file_close(keyfile->os->ctx, keyfile->file);
    mem_free_secret(keyfile, sizeof *keyfile);
}

err_t keyfile_slots(struct keyfile *keyfile, uint64_t *out)
{
    uint64_t size;
    err_t err = keyfile->os->file_size(keyfile->os->ctx, keyfile->file, &size);
    if (err == ERR_OK)
        *out = size < HEADER_SIZE ? 0 : (size - HEADER_SIZE) / SEAL_SECRET_SIZE;
    return err;
}

err_t keyfile_slots_read(struct keyfile *keyfile, uint64_t slot, struct seal_secret *out, size_t count)
{
    const struct os *os = keyfile->os;
    uint64_t there;
    err_t err = keyfile_slots(keyfile, &there);
    if (err != ERR_OK)
        return err;
    uint64_t left = slot < there ? there - slot : 0;
    size_t read = left < count ? (size_t)left : count;
    memset(out + read, 0, (count - read) * sizeof *out);
    return read == 0 ? ERR_OK
                     : os->file_read(os->ctx, keyfile->file, offset_of(slot), out, read * sizeof *out);
}

err_t keyfile_slots_write(struct keyfile *keyfile, uint64_t slot, struct bytes secrets)
{
    const struct os *os = keyfile->os;
    uint64_t end = offset_of(slot) + secrets.len;
    if (end > keyfile->size) {
        uint64_t size = HEADER_SIZE + ((end - HEADER_SIZE) / GROW_BYTES + 1) * GROW_BYTES;
        err_t err = os->file_reserve(os->ctx, keyfile->file, size);
        if (err != ERR_OK)
            return err;
        keyfile->size = size;
    }
    return os->file_write(os->ctx, keyfile->file, offset_of(slot), secrets.at, secrets.len);
}

err_t keyfile_sync(struct keyfile *keyfile)
{
    return keyfile->os->file_sync(keyfile->os->ctx, keyfile->file);
}

err_t keyfile_erase(struct keyfile *keyfile)
{
    static const struct seal_secret zeros[BLOCK_SLOTS];
    const struct os *os = keyfile->os;
    uint64_t slots;
    err_t err = keyfile_slots(keyfile, &slots);
    for (uint64_t slot = 0; err == ERR_OK && slot < slots; slot += BLOCK_SLOTS) {
        size_t count = slots - slot < BLOCK_SLOTS ? (size_t)(slots - slot) : BLOCK_SLOTS;
        err = os->file_write(os->ctx, keyfile->file, offset_of(slot), zeros, count * sizeof zeros[0]);
    }
    return err == ERR_OK ? keyfile_sync(keyfile) : err;
}

err_t keyfile_write(struct keyfile *keyfile, uint64_t slot, struct bytes secrets)
{
    err_t err = keyfile_slots_write(keyfile, slot, secrets);
    return err == ERR_OK ? keyfile_sync(keyfile) : err;
}

void keyfile_forget(struct keyfile *keyfile, uint64_t slot, uint64_t count)
{
    if (count == 0)
        return;
    for (size_t i = 0; i < BLOCK_COUNT; i++) {
        struct block *block = &keyfile->blocks[i];
        if (block->filled && block->number >= slot / BLOCK_SLOTS &&
            block->number <= (slot + count - 1) / BLOCK_SLOTS)
            block->filled = false;
    }
}

static err_t block_fill(struct keyfile *keyfile, struct block *block, uint64_t number)
{
    const struct os *os = keyfile->os;
    block->filled = false;
    err_t err = os->file_read(os->ctx, keyfile->file, offset_of(number * BLOCK_SLOTS), block->secrets,
                              sizeof block->secrets);
    if (err != ERR_OK)
        return err == ERR_SHORT ? ERR_NOTFOUND : err;
    block->number = number;
    block->filled = true;
    return ERR_OK;
}

/* Of an overwriting that broke off half may be left: that is no secret any more. None that was drawn has so
 * many zeros. */
bool keyfile_is_destroyed(const struct seal_secret *secret)
{
    static const struct seal_secret zero;
    return memcmp(secret->b, zero.b, sizeof zero.b / 2) == 0;
}

err_t keyfile_read(struct keyfile *keyfile, uint64_t slot, struct seal_secret *out)
{
    if (slot > UINT64_MAX / SEAL_SECRET_SIZE - HEADER_SIZE)
        return ERR_NOTFOUND;
    uint64_t number = slot / BLOCK_SLOTS;
    struct block *block = &keyfile->blocks[number % BLOCK_COUNT];
    if (!block->filled || block->number != number) {
        err_t err = block_fill(keyfile, block, number);
        if (err != ERR_OK)
            return err;
    }
    const struct seal_secret *secret = &block->secrets[slot % BLOCK_SLOTS];
    if (keyfile_is_destroyed(secret))
        return ERR_NOTFOUND;
    *out = *secret;
    return ERR_OK;
}

err_t keyfile_destroy(struct keyfile *keyfile, const uint64_t *slots, size_t count)
{
    static const struct seal_secret zero;
    const struct os *os = keyfile->os;
    err_t err = ERR_OK;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        keyfile_forget(keyfile, slots[i], 1);
        err = os->file_write(os->ctx, keyfile->file, offset_of(slots[i]), zero.b, sizeof zero.b);
    }
    /* What was read of them lies in no memory of this process either. */
    for (size_t i = 0; i < BLOCK_COUNT; i++)
        if (!keyfile->blocks[i].filled)
            mem_wipe(keyfile->blocks[i].secrets, sizeof keyfile->blocks[i].secrets);
    return err == ERR_OK ? os->file_sync(os->ctx, keyfile->file) : err;
}
