/* The index in LMDB: copy-on-write, so a crash leaves the last committed batch and needs no recovery. One
 * process opens a directory once. Never MDB_NOSYNC, never MDB_WRITEMAP. */
#pragma once

#include "store/index.h"

/* `dir` is made by the caller (os.dir_make). `map_bytes`: address space for the file, a bound on its size
 * until it is opened again; 0: 64 GiB or four times what is in use. read_only: for `bongsu check`. ERR_FULL:
 * the disk or the map is; ERR_CORRUPT; ERR_VERSION. */
NODISCARD err_t index_lmdb_open(const char *dir, uint64_t map_bytes, bool read_only, struct index **out);
