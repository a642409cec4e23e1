#define _GNU_SOURCE

#include "os/secret.h"

#include <sys/mman.h>

#include "core/mem.h"

err_t os_secret_new(size_t size, bool *out_locked, void **out)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return ERR_NOMEM;
    /* Neither fails but on kernels that cannot, and the memory serves all the same. */
    (void)!madvise(at, size, MADV_DONTDUMP);
    (void)!madvise(at, size, MADV_WIPEONFORK);
    *out_locked = mlock(at, size) == 0;
    *out = at;
    return ERR_OK;
}

void os_secret_free(void *at, size_t size)
{
    if (at == NULL)
        return;
    mem_wipe(at, size);
    (void)munmap(at, size);
}
