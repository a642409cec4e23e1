/* The system, as an argument: clocks, random bytes and files. Rooms never call the system themselves; they
 * take a `const struct os *`. os_linux() is the real one, tests/sim/disk.c a seeded virtual one that loses
 * and tears unsynced writes at a crash, so that a seed replays a failure.
 *
 * Every function is filled in. Paths are NUL-terminated, at most LIMIT_PATH_BYTES. A file handle belongs to
 * who opened it; different handles may be used by different threads, one handle by several threads only
 * through file_read, file_write and file_sync (they carry their offset). Errors: ERR_FULL no space,
 * ERR_READONLY a read-only file system, ERR_DENIED permissions, ERR_NOTFOUND, ERR_EXISTS, ERR_BUSY a lock
 * held elsewhere, ERR_IO the rest. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/str.h"

struct os_file;

enum {
    OS_READ = 0,      /* read only */
    OS_WRITE = 1,     /* read and write */
    OS_CREATE = 2,    /* make it when absent; only with OS_WRITE; the name is durable after dir_sync */
    OS_EXCLUSIVE = 4, /* with OS_CREATE: ERR_EXISTS when it is there */
    OS_SHARED = 8,    /* with OS_CREATE: its group may read it, also where the process lets none */
};

struct os {
    void *ctx;

    /* Microseconds since 1970; may jump. */
    int64_t (*wall_us)(void *ctx);
    /* Microseconds since some start; never goes back. */
    int64_t (*mono_us)(void *ctx);
    /* Random bytes fit for keys. */
    err_t (*random)(void *ctx, void *out, size_t len);

    /* Success when the directory is already there. Mode 0700. */
    err_t (*dir_make)(void *ctx, const char *path);
    /* Makes creations, renames and removals inside durable. */
    err_t (*dir_sync)(void *ctx, const char *path);
    /* Calls visit for each plain file name, in no order, without "." and ".."; stops at an error and returns
     * it. */
    err_t (*dir_list)(void *ctx, const char *path, err_t (*visit)(void *visit_ctx, const char *name),
                      void *visit_ctx);
    /* Replaces `to` in one step. */
    err_t (*path_rename)(void *ctx, const char *from, const char *to);
    err_t (*path_unlink)(void *ctx, const char *path);

    /* Mode 0600; with OS_SHARED 0640. */
    err_t (*file_open)(void *ctx, const char *path, unsigned flags, struct os_file **out);
    void (*file_close)(void *ctx, struct os_file *file); /* accepts NULL */
    /* All of `len` or an error; ERR_SHORT when the file ends before. */
    err_t (*file_read)(void *ctx, struct os_file *file, uint64_t offset, void *out, size_t len);
    /* All of `len` or an error; after an error the range holds anything. */
    err_t (*file_write)(void *ctx, struct os_file *file, uint64_t offset, const void *at, size_t len);
    /* Makes the file `size` bytes and reserves the blocks; new bytes read as zero. */
    err_t (*file_reserve)(void *ctx, struct os_file *file, uint64_t size);
    /* fdatasync. After ERR_IO nobody may trust what was written before it: never retry. */
    err_t (*file_sync)(void *ctx, struct os_file *file);
    err_t (*file_size)(void *ctx, struct os_file *file, uint64_t *out);
    err_t (*file_truncate)(void *ctx, struct os_file *file, uint64_t size);
    /* Exclusive, held until close or the end of the process; ERR_BUSY when another holds it. */
    err_t (*file_lock)(void *ctx, struct os_file *file);
    /* Read-only and shared: shows later writes at once. The file may not be truncated below `len` meanwhile.
     * A medium that fails under a map ends the process (SIGBUS). */
    err_t (*file_map)(void *ctx, struct os_file *file, size_t len, const uint8_t **out);
    void (*file_unmap)(void *ctx, const uint8_t *at, size_t len); /* accepts NULL */
};

/* The real system. Static, stateless, any thread. */
const struct os *os_linux(void);
