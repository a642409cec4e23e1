#define _GNU_SOURCE /* O_TMPFILE */

#include "os/input.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static err_t why(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOTFOUND;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case EROFS:
        return ERR_READONLY;
    case EOPNOTSUPP:
    case EISDIR:
        return ERR_UNSUPPORTED;
    default:
        return ERR_IO;
    }
}

/* A pipe of the shell's own, <(...): its other end is open already. A named one may wait for ever for who
 * writes, and a device has no end: those are taken from standard input alone. */
static bool is_shell_pipe(int fd, const struct stat *about)
{
    struct statfs system;
    return S_ISFIFO(about->st_mode) && fstatfs(fd, &system) == 0 && system.f_type == PIPEFS_MAGIC &&
           fcntl(fd, F_SETFL, 0) == 0;
}

static err_t judge(int fd, struct stat *about)
{
    if (fstat(fd, about) != 0)
        return why(errno);
    if (S_ISDIR(about->st_mode))
        return ERR_USAGE;
    return fd == STDIN_FILENO || S_ISREG(about->st_mode) || is_shell_pipe(fd, about) ? ERR_OK
                                                                                     : ERR_UNSUPPORTED;
}

err_t os_input_open(const char *path, struct os_input *out)
{
    struct stat about;
    /* Without O_NONBLOCK the opening of a named pipe would wait already. */
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return why(errno);
    struct os_input input = {.fd = fd};
    err_t err = judge(fd, &about);
    if (err != ERR_OK) {
        os_input_close(&input);
        return err;
    }
    /* Standard input may stand in the middle of its file: then it is read on, not mapped. */
    input.plain = S_ISREG(about.st_mode) && fd != STDIN_FILENO;
    input.size = input.plain ? (uint64_t)about.st_size : 0;
    *out = input;
    return ERR_OK;
}

err_t os_input_read(const struct os_input *input, void *to, size_t size, size_t *out_len)
{
    ssize_t got;
    do
        got = read(input->fd, to, size);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return why(errno);
    *out_len = (size_t)got;
    return ERR_OK;
}

err_t os_input_spool(struct os_input *out)
{
    const char *dir = getenv("TMPDIR");
    if (dir == NULL || dir[0] == '\0')
        dir = "/var/tmp";
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return why(errno);
    *out = (struct os_input) {.fd = fd, .plain = true};
    return ERR_OK;
}

err_t os_input_spool_write(struct os_input *spool, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(spool->fd, bytes.at, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return why(errno);
        spool->size += (uint64_t)put;
        bytes = bytes_of(bytes.at + put, bytes.len - (size_t)put);
    }
    return ERR_OK;
}

err_t os_input_map(const struct os_input *input, struct bytes *out)
{
    *out = bytes_of(NULL, 0);
    if (input->size == 0)
        return ERR_OK;
    if (input->size > SIZE_MAX)
        return ERR_LIMIT;
    void *at = mmap(NULL, (size_t)input->size, PROT_READ, MAP_PRIVATE, input->fd, 0);
    if (at == MAP_FAILED)
        return errno == ENOMEM ? ERR_NOMEM : why(errno);
    (void)madvise(at, (size_t)input->size, MADV_SEQUENTIAL);
    *out = bytes_of(at, (size_t)input->size);
    return ERR_OK;
}

void os_input_unmap(struct bytes bytes)
{
    if (bytes.len > 0)
        (void)munmap((void *)(uintptr_t)bytes.at, bytes.len);
}

void os_input_close(struct os_input *input)
{
    if (input->fd > STDERR_FILENO)
        (void)close(input->fd);
    input->fd = -1;
}
