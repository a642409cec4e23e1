/* Volumes of bundles as files, and what a command about them says while it works. The command line carries
 * them; what is in them is for the node to judge. */
#pragma once

#include "cli/cli.h"
#include "sync/bundle.h"

/* A volume that is there. */
struct bundle_file {
    char path[LIMIT_PATH_BYTES];
    struct os_file *file;
    uint64_t size, at; /* at: where the next record begins */
    struct buf text;   /* the head */
    struct bundle_head head;
};

/* Opens it and reads its head, unverified. Whatever happens, bundle_file_close afterwards. */
NODISCARD err_t bundle_file_open(const struct os *os, const char *path, struct bundle_file *out,
                                 struct fault *fault);
void bundle_file_close(const struct os *os, struct bundle_file *file);
/* The next sealed record, without its length, into `out` (replaced). ERR_NOTFOUND: the file ends here;
 * ERR_SHORT: in the midst of a record; ERR_LIMIT: no record is as long. */
NODISCARD err_t bundle_file_next(const struct os *os, struct bundle_file *file, struct buf *out);

/* A bar on a terminal, otherwise a line now and then; nothing with --json. */
struct bundle_progress {
    const struct cli_call *call;
    const char *name;
    uint64_t from, to; /* entries */
    int64_t told_us;
    bool bar;
};
void bundle_progress_begin(struct bundle_progress *progress, const struct cli_call *call, const char *name,
                           uint64_t from, uint64_t to);
void bundle_progress_at(struct bundle_progress *progress, uint64_t at);

/* The request line of a control command whose arguments are texts: { name, value, ..., NULL }. */
void bundle_request(struct buf *out, const char *command, const struct str *pairs, size_t count);
/* The directory that a path stands in. */
void bundle_parent(const char *path, char out[LIMIT_PATH_BYTES]);

int run_bundle_write(struct cli_call *call);
int run_bundle_read(struct cli_call *call);
int run_bundle_receipt(struct cli_call *call);
int run_bundle_watch(struct cli_call *call);
