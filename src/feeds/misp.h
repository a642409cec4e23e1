/* MISP events (the core format, https://www.misp-project.org/datamodels/) to STIX 2.1 and back; the mapping
 * is the published one of misp-stix, what is ours is in docs/protocol/MISP.md.
 *
 * Reading loses nothing: every element of an event leaves its own members in the STIX object that stands for
 * it (an extension), and misp_write puts the same event together again from those objects, or a smaller one
 * from those of them that a view has. What MISP itself never passes on (local tags, proposals, related
 * events, who typed it) goes into one object that carries the marking "stays here".
 *
 * Distribution becomes markings: of the event, the object and the attribute each puts its own on what it
 * holds, so the narrowest binds. 0, an unpublished event and whatever cannot be read "stays here", which no
 * policy lifts; 1, 2 and a sharing group are statements that wait for an operator's word (`bongsu marking
 * classify`, `bongsu misp sharing-group`).
 *
 * Pure: no clock, no files. Any thread; one reader or writer belongs to one. */
#pragma once

#include <stdbool.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/str.h"
#include "core/uuid.h"
#include "json/json.h"

/* --- in --- */

/* Cuts a file into events: one event, {"response": [...]}, a list, or one event a line. A list is copied to
 * `scratch`. Slices are followed by JSON_PADDING readable bytes if `text` is. */
NODISCARD err_t misp_split(struct bytes text, struct buf *scratch,
                           bool (*event)(void *ctx, struct bytes event), void *ctx, struct fault *fault);

/* What happened beside the objects: counts of things worth a remark. */
struct misp_report {
    size_t attributes, objects; /* of MISP */
    size_t custom;              /* attributes and objects that the mapping has no STIX type for */
    size_t invalid;             /* attributes whose value is not what their type says: kept as text */
    size_t kept_here;           /* local tags, proposals and the like */
    size_t refused;             /* elements that cannot be read, each told */
    bool published;
};

/* Told of each attribute, object and report of an event that cannot be read, when the rest of it can: its
 * bytes as they came, and why, with its pointer in the event. */
struct misp_refuse {
    void (*element)(void *ctx, struct bytes text, const struct fault *fault);
    void *ctx;
};

/* One event, {"Event": {...}} or bare, to a bundle appended to `out`; what cannot be read of it is left out
 * and told to `refuse` (NULL: nobody). ERR_INVALID and what json_parse and json_canon refuse, when the event
 * itself cannot be read, and ERR_LIMIT when more than LIMIT_MISP_REFUSED of its elements cannot: then nothing
 * was told, nothing of it may be used and `out` is cut to what it was. */
NODISCARD err_t misp_read(struct json_parser *parser, struct bytes event, const struct misp_refuse *refuse,
                          struct buf *out, struct misp_report *report, struct fault *fault);

/* Id of the statement marking that stands for a sharing group. */
enum { MISP_GROUP_MARKING_SIZE = 56 };
void misp_group_marking(const struct uuid *group, char out[MISP_GROUP_MARKING_SIZE]);

/* --- out --- */

struct misp_writer;

/* Where the texts of objects wait until their event is written: a file, for one. */
struct misp_spill {
    err_t (*put)(void *ctx, struct bytes text); /* behind what was put before */
    err_t (*get)(void *ctx, uint64_t offset, uint8_t *to, size_t len);
    void *ctx;
};

/* Gathers the objects of one view, up to LIMIT_MISP_WRITE_COUNT: up to 1 KiB of each stay in memory, and
 * one event at a time while it is written. Without a spill (NULL) the texts stay there too, up to
 * LIMIT_MISP_WRITE_BYTES. An indicator that has ended by `now_us` (its valid_until) detects nothing any more:
 * its attributes have no to_ids. */
NODISCARD err_t misp_writer_new(const struct misp_spill *spill, int64_t now_us, struct misp_writer **out);
void misp_writer_free(struct misp_writer *writer);
/* One STIX object, any type, followed by JSON_PADDING readable bytes; of several with one id the newest
 * counts. What cannot be parsed is refused and not kept. */
NODISCARD err_t misp_writer_add(struct misp_writer *writer, struct bytes object, struct fault *fault);

struct misp_written {
    struct str uuid;
    struct str event;    /* {"Event": {...}} */
    struct str manifest; /* its entry in manifest.json */
    struct str hashes;   /* its lines of hashes.csv */
};
/* Calls `event` for every event, in the order of their uuids; false stops. */
NODISCARD err_t misp_writer_finish(struct misp_writer *writer,
                                   bool (*event)(void *ctx, const struct misp_written *written), void *ctx);
