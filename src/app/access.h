/* The access record: who asked the TAXII server for what, and what it answered. Lines of JSON in files of a
 * directory of their own, beside the store and not in it: a read costs no commit, and no ledger, decision or
 * proof rests on it (docs/decisions/0061-access-record.md).
 *
 * Bounded: LIMIT_ACCESS_FILES of LIMIT_ACCESS_FILE_BYTES; the oldest file goes. After so many days it goes as
 * well, with the runs of the retention. What is put
 * is written by access_flush and made durable by access_tick, at most LIMIT_ACCESS_TICK_MS later. When it
 * cannot be written, that is said once, and requests are answered all the same.
 *
 * One thread: core's. */
#pragma once

#include "core/buf.h"
#include "core/diag.h"
#include "core/limit.h"
#include "net/exchange.h"
#include "os/os.h"
#include "taxii/server.h"

#define ACCESS_DIR "access" /* below the node's directory */

struct access;

/* Strings are borrowed for the call. */
struct access_entry {
    int64_t time_us;
    enum exchange_method method;
    struct str who; /* identity; empty: nobody that is known. Those are only counted, by status */
    struct str what, collection, audience; /* struct taxii_access */
    unsigned status;
    uint64_t requests;       /* that the line stands for: edge counts the pages that it gives again */
    uint64_t objects, bytes; /* of all of them; bytes of the body, before compression */
    bool by_edge;
};

/* `dir`: the node's. No file is made before the first entry. `days`: how long lines are kept. */
NODISCARD err_t access_open(const struct os *os, const char *dir, unsigned days, const struct diag *diag,
                            struct access **out);
/* Drops what is over by `now_us`, file by file, and says how many. The caller has seen to it that the clock
 * is right: nothing else drops by time. */
size_t access_forget(struct access *access, int64_t now_us);
/* When the oldest file begins. False: there is none. */
bool access_oldest(const struct access *access, int64_t *out_us);
void access_close(struct access *access); /* writes and syncs; accepts NULL */
void access_put(struct access *access, const struct access_entry *entry);
/* True: something was written that is not durable yet; or counted, and not written: a tick is wanted. */
bool access_flush(struct access *access, int64_t now_us);
void access_tick(struct access *access, int64_t now_us);
/* Lines from `since_us` on, the newest first, without their ends, until visit answers false. */
NODISCARD err_t access_each(struct access *access, int64_t since_us,
                            bool (*visit)(void *ctx, struct str line), void *ctx);

/* What a response carries of an entry (exchange_response.note), so that edge can tell of the pages that it
 * gives again: all but time, status and bytes. ERR_INVALID. */
void access_note_write(struct buf *out, enum exchange_method method, const struct taxii_access *access);
NODISCARD err_t access_note_read(struct bytes note, struct access_entry *out);
