/* Inside the room: what a feed keeps in the log beside its declaration: cursors, counts, how the last run
 * went. One setting, "feed/NAME/state", a JSON object. */
#pragma once

#include "feeds/kind.h"
#include "json/json.h"

struct kept {
    struct {
        char name[16];
        struct buf value;
    } rows[FEED_KEPT_MAX]; /* free ones have no name */
    struct feed_counts counts;
    int64_t last_us;
    uint64_t failures;
    err_t err;
    char what[FAULT_WHAT_MAX], next[FAULT_WHAT_MAX];
    bool begun; /* a run took something in, or an operator asked for it, and it has not ended */
    bool dirty; /* differs from what was written in more than times and counts of calls */
};

/* Nothing kept yet: all zero, ERR_OK. ERR_CORRUPT: what stands there is none of ours. */
NODISCARD err_t kept_read(struct gate *gate, struct str feed, struct json_parser *parser, struct kept *out);
NODISCARD err_t kept_write(struct gate *gate, struct str feed, struct kept *kept, const struct gate_by *by,
                           int64_t now_us);
void kept_deinit(struct kept *kept);
struct str kept_get(const struct kept *kept, const char *name);
bool kept_set(struct kept *kept, const char *name, struct str value);
/* "feed/NAME" and "feed/NAME/TAIL". `out` holds RECORD_FACT_KEY_MAX bytes. */
struct str kept_key(struct str feed, const char *tail, char *out);
