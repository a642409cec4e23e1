#define _GNU_SOURCE
#include "os/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"

struct os_file {
    int fd;
};

static err_t from_errno(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EROFS:
        return ERR_READONLY;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case ENOENT:
        return ERR_NOTFOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EWOULDBLOCK:
        return ERR_BUSY;
    case ENOMEM:
        return ERR_NOMEM;
    default:
        return ERR_IO;
    }
}

static err_t result(int rc)
{
    return rc == 0 ? ERR_OK : from_errno(errno);
}

static int64_t clock_us(clockid_t id)
{
    struct timespec ts;
    must(clock_gettime(id, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t wall_us(void *ctx)
{
    (void)ctx;
    return clock_us(CLOCK_REALTIME);
}

static int64_t mono_us(void *ctx)
{
    (void)ctx;
    return clock_us(CLOCK_MONOTONIC);
}

static err_t random_bytes(void *ctx, void *out, size_t len)
{
    (void)ctx;
    uint8_t *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ERR_IO;
        at += got;
        len -= (size_t)got;
    }
    return ERR_OK;
}

static err_t dir_make(void *ctx, const char *path)
{
    (void)ctx;
    return mkdir(path, 0700) == 0 || errno == EEXIST ? ERR_OK : from_errno(errno);
}

static err_t dir_sync(void *ctx, const char *path)
{
    (void)ctx;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return from_errno(errno);
    err_t err = result(fsync(fd));
    (void)close(fd);
    return err;
}

static err_t dir_list(void *ctx, const char *path, err_t (*visit)(void *visit_ctx, const char *name),
                      void *visit_ctx)
{
    (void)ctx;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return from_errno(errno);
    err_t err = ERR_OK;
    errno = 0;
    for (struct dirent *entry; err == ERR_OK && (entry = readdir(dir)) != NULL; errno = 0)
        if (entry->d_type != DT_DIR)
            err = visit(visit_ctx, entry->d_name);
    if (err == ERR_OK && errno != 0)
        err = from_errno(errno);
    (void)closedir(dir);
    return err;
}

static err_t path_rename(void *ctx, const char *from, const char *to)
{
    (void)ctx;
    return result(rename(from, to));
}

static err_t path_unlink(void *ctx, const char *path)
{
    (void)ctx;
    return result(unlink(path));
}

static err_t file_open(void *ctx, const char *path, unsigned flags, struct os_file **out)
{
    (void)ctx;
    int how = O_CLOEXEC | ((flags & OS_WRITE) != 0 ? O_RDWR : O_RDONLY);
    how |= (flags & OS_CREATE) != 0 ? O_CREAT : 0;
    how |= (flags & OS_EXCLUSIVE) != 0 ? O_EXCL : 0;
    int fd = open(path, how, 0600);
    if (fd < 0)
        return from_errno(errno);
    err_t err = (flags & OS_SHARED) != 0 ? result(fchmod(fd, 0640)) : ERR_OK;
    struct os_file *file = err == ERR_OK ? mem_alloc(sizeof *file) : NULL;
    if (file == NULL) {
        (void)close(fd);
        return err == ERR_OK ? ERR_NOMEM : err;
    }
    file->fd = fd;
    *out = file;
    return ERR_OK;
}

static void file_close(void *ctx, struct os_file *file)
{
    (void)ctx;
    if (file == NULL)
        return;
    (void)close(file->fd);
    mem_free(file);
}

static err_t file_read(void *ctx, struct os_file *file, uint64_t offset, void *out, size_t len)
{
    (void)ctx;
    uint8_t *at = out;
    while (len > 0) {
        ssize_t got = pread(file->fd, at, len, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return from_errno(errno);
        if (got == 0)
            return ERR_SHORT;
        at += got;
        offset += (uint64_t)got;
        len -= (size_t)got;
    }
    return ERR_OK;
}

static err_t file_write(void *ctx, struct os_file *file, uint64_t offset, const void *at, size_t len)
{
    (void)ctx;
    const uint8_t *from = at;
    while (len > 0) {
        ssize_t put = pwrite(file->fd, from, len, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return from_errno(errno);
        from += put;
        offset += (uint64_t)put;
        len -= (size_t)put;
    }
    return ERR_OK;
}

static err_t file_reserve(void *ctx, struct os_file *file, uint64_t size)
{
    (void)ctx;
    int rc = posix_fallocate(file->fd, 0, (off_t)size);
    return rc == 0 ? ERR_OK : from_errno(rc);
}

static err_t file_sync(void *ctx, struct os_file *file)
{
    (void)ctx;
    return result(fdatasync(file->fd));
}

static err_t file_size(void *ctx, struct os_file *file, uint64_t *out)
{
    (void)ctx;
    struct stat st;
    if (fstat(file->fd, &st) != 0)
        return from_errno(errno);
    *out = (uint64_t)st.st_size;
    return ERR_OK;
}

static err_t file_truncate(void *ctx, struct os_file *file, uint64_t size)
{
    (void)ctx;
    return result(ftruncate(file->fd, (off_t)size));
}

static err_t file_lock(void *ctx, struct os_file *file)
{
    (void)ctx;
    return result(flock(file->fd, LOCK_EX | LOCK_NB));
}

static err_t file_map(void *ctx, struct os_file *file, size_t len, const uint8_t **out)
{
    (void)ctx;
    void *at = mmap(NULL, len, PROT_READ, MAP_SHARED, file->fd, 0);
    if (at == MAP_FAILED)
        return from_errno(errno);
    *out = at;
    return ERR_OK;
}

static void file_unmap(void *ctx, const uint8_t *at, size_t len)
{
    (void)ctx;
    if (at != NULL)
        must(munmap((void *)(uintptr_t)at, len) == 0);
}

const struct os *os_linux(void)
{
    static const struct os os = {
        .wall_us = wall_us,
        .mono_us = mono_us,
        .random = random_bytes,
        .dir_make = dir_make,
        .dir_sync = dir_sync,
        .dir_list = dir_list,
        .path_rename = path_rename,
        .path_unlink = path_unlink,
        .file_open = file_open,
        .file_close = file_close,
        .file_read = file_read,
        .file_write = file_write,
        .file_reserve = file_reserve,
        .file_sync = file_sync,
        .file_size = file_size,
        .file_truncate = file_truncate,
        .file_lock = file_lock,
        .file_map = file_map,
        .file_unmap = file_unmap,
    };
    return &os;
}
