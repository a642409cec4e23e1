/* A virtual disk (and clock, and random source) behind os/os.h, for the simulator and the store's crash
 * tests. All of it follows from a seed.
 *
 * What was written but not synced is at risk: disk_crash keeps or loses every 512-byte sector of every
 * unsynced write by itself, in no order, and keeps a random prefix of the unsynced name changes. What
 * file_sync or dir_sync covered stays. Faults can be asked for: a full disk, a read-only one, errors of
 * writes and syncs, a stop at the n-th change, and a disk that lies about syncing. One thread. */
#pragma once

#include "os/os.h"

struct disk;

struct disk_faults {
    bool read_only;         /* every change answers ERR_READONLY */
    bool sync_lies;         /* file_sync and dir_sync say yes and do nothing */
    const char *lies_about; /* only for files and directories whose path ends so; NULL: for all */
    uint64_t space_bytes;   /* growth beyond answers ERR_FULL; 0: unlimited */
    uint64_t write_fails;   /* the n-th write from now on answers ERR_IO, having written half; 0: none */
    uint64_t sync_fails;    /* likewise; what it covered is still at risk */
    uint64_t change_fails;  /* the n-th change from now on, of whatever kind, answers change_err; 0: none */
    err_t change_err;
    bool change_stays;    /* ...and all after it */
    bool unheard;         /* what fails says that it did not: as if the caller looked at no answer */
    uint64_t power_fails; /* the n-th change from now on, and everything after it, answers ERR_IO; 0: none */
};

struct disk *disk_new(uint64_t seed);
void disk_free(struct disk *disk); /* every file must be closed */
const struct os *disk_os(struct disk *disk);
/* Faults for the operations to come; counts down in place. */
struct disk_faults *disk_faults(struct disk *disk);
/* Did any of them strike since they were set? */
bool disk_failed(const struct disk *disk);
/* ...or since it was made? */
bool disk_struck(const struct disk *disk);
/* Back to none, save the lies. */
void disk_heal(struct disk *disk);
/* True after power_fails struck, until disk_crash. */
bool disk_dead(const struct disk *disk);
/* The power goes and comes back. Open handles only answer ERR_IO from now on; close them. Faults are cleared,
 * save the lies. */
void disk_crash(struct disk *disk);
/* From now on all secrets of objects (drawn in blocks) are the same one: what is derived from them then does
 * not tell how many were drawn before. */
void disk_same_secrets(struct disk *disk, bool same);
void disk_time_set(struct disk *disk, int64_t time_us);
/* Changes and reads of stored bytes behind everybody's back. False when there is no such file or offset. */
bool disk_flip(struct disk *disk, const char *path, uint64_t offset, uint8_t mask);
bool disk_remove(struct disk *disk, const char *path);
/* Another disk with what a backup of this one holds: every file as it is seen now, all of it durable. */
struct disk *disk_copy(const struct disk *disk, uint64_t seed);
/* Changes so far (writes, syncs, names): for choosing where power_fails. */
uint64_t disk_changes(const struct disk *disk);
