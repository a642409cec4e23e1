/* The index in LMDB: copy-on-write, so a crash leaves the last committed batch and needs no recovery. One
 * process opens a directory once. Never MDB_NOSYNC, never MDB_WRITEMAP. */
#pragma once

#include "os/os.h"
#include "store/index.h"

/* An empty index in `dir`, which the caller made, unless there is one. A crash leaves none or a whole one.
 * To be called before it is opened for writing. ERR_BUSY: another process makes it just now. */
NODISCARD err_t index_lmdb_make(const struct os *os, const char *dir);

/* An index that was made. `map_bytes`: address space for the file, a bound on its size
 * until it is opened again; 0: 64 GiB or four times what is in use. read_only: for `bongsu check`. ERR_FULL:
 * the disk or the map is; ERR_CORRUPT; ERR_VERSION. */
NODISCARD err_t index_lmdb_open(const char *dir, uint64_t map_bytes, bool read_only, struct index **out);
