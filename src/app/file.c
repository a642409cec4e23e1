#include "app/file.h"

#include <stdio.h>

err_t file_path(const char *dir, const char *name, char out[FILE_PATH_SIZE])
{
    char path[FILE_PATH_SIZE];
    int len = name[0] == '/' ? snprintf(path, sizeof path, "%s", name)
                             : snprintf(path, sizeof path, "%s/%s", dir, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return ERR_LIMIT;
    memcpy(out, path, (size_t)len + 1);
    return ERR_OK;
}

err_t file_read_all(const struct os *os, const char *path, struct buf *out)
{
    struct os_file *file = NULL;
    uint64_t size = 0;
    err_t err;
    if (TRY(err, os->file_open(os->ctx, path, OS_READ, &file)))
        return err;
    if (TRY(err, os->file_size(os->ctx, file, &size)))
        goto out;
    if (size > out->size_max - out->len) {
        err = ERR_LIMIT;
        goto out;
    }
    size_t before = out->len;
    uint8_t *to = buf_extend(out, (size_t)size);
    if (to == NULL && size > 0) {
        err = buf_err(out);
        goto out;
    }
    if (size > 0 && TRY(err, os->file_read(os->ctx, file, 0, to, (size_t)size)))
        out->len = before;
out:
    os->file_close(os->ctx, file);
    return err;
}

static err_t write_new(const struct os *os, const char *path, unsigned flags, struct bytes content)
{
    struct os_file *file = NULL;
    err_t err;
    if (TRY(err, os->file_open(os->ctx, path, OS_WRITE | OS_CREATE | flags, &file)))
        return err;
    if (TRY(err, os->file_truncate(os->ctx, file, 0)))
        goto out;
    if (content.len > 0 && TRY(err, os->file_write(os->ctx, file, 0, content.at, content.len)))
        goto out;
    err = os->file_sync(os->ctx, file);
out:
    os->file_close(os->ctx, file);
    return err;
}

static err_t replace(const struct os *os, const char *dir, const char *name, unsigned flags,
                     struct bytes content)
{
    char path[FILE_PATH_SIZE], beside[FILE_PATH_SIZE];
    err_t err;
    if (TRY(err, file_path(dir, name, path)))
        return err;
    int len = snprintf(beside, sizeof beside, "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof beside)
        return ERR_LIMIT;
    if (TRY(err, write_new(os, beside, flags, content)) || TRY(err, os->path_rename(os->ctx, beside, path)))
        return err;
    return os->dir_sync(os->ctx, dir);
}

err_t file_replace(const struct os *os, const char *dir, const char *name, struct bytes content)
{
    return replace(os, dir, name, 0, content);
}

err_t file_replace_shared(const struct os *os, const char *dir, const char *name, struct bytes content)
{
    return replace(os, dir, name, OS_SHARED, content);
}

bool file_exists(const struct os *os, const char *path)
{
    struct os_file *file = NULL;
    if (os->file_open(os->ctx, path, OS_READ, &file) != ERR_OK)
        return false;
    os->file_close(os->ctx, file);
    return true;
}
