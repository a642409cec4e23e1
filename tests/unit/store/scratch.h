/* A temporary directory for tests on the real system. */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int scratch_drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void scratch_free(char *path)
{
    (void)nftw(path, scratch_drop, 8, FTW_DEPTH | FTW_PHYS);
    free(path);
}

static inline char *scratch_new(void)
{
    const char *base = getenv("TMPDIR");
    char path[512];
    (void)snprintf(path, sizeof path, "%s/bongsu-test-XXXXXX", base == NULL ? P_tmpdir : base);
    char *made = mkdtemp(path);
    return made == NULL ? NULL : strdup(made);
}
