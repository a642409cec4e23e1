/* The hashes of one ledger's tree, packed in a file for each level of tiles. Files are derived: rebuilt by
 * replay of everything behind the index, which is never ahead of them. The gate's thread. Inside src/gate. */
#pragma once

#include "gate/state.h"

/* Of its present epoch; made when they are first written. */
NODISCARD err_t tile_files_open(struct gate *gate, unsigned ledger, struct tile_files **out);
/* These, and those that they follow. Accepts NULL. What was not flushed is lost. */
void tile_files_close(struct tile_files *files);
/* `before`, of an earlier epoch, stay open as long as these: a merge that is under way may have them in hand.
 */
void tile_files_follow(struct tile_files *files, struct tile_files *before);
/* Writes the hashes that wait in memory; durable by the next sync. */
NODISCARD err_t tile_files_flush(struct tile_files *files);
/* What has to reach the disk joins `sync`; from now on that is its business. */
NODISCARD err_t tile_files_collect(struct tile_files *files, struct views_sync *sync);

/* As struct tile_store has them; `ctx`: the files. */
NODISCARD err_t tile_files_append(void *ctx, unsigned level, uint64_t index, const struct hash *hash);
NODISCARD err_t tile_files_read(void *ctx, unsigned level, uint64_t first, size_t count, struct hash *out);
