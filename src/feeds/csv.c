/* A whole list to a bundle, or what differs from the list before. */
#include "feeds/csv.h"

#include "core/map.h"
#include "core/mem.h"
#include "feeds/csv_row.h"

#define ROW_NEW UINT64_MAX /* in `places`: not a row of the previous list */

struct was { /* a row of the previous list */
    uint64_t content;
    int64_t from_us;
    bool seen; /* in the new list, or told to be over */
};

struct job {
    const struct csv_setup *setup;
    struct csv_report *report;
    struct map places; /* uuid: place in `was`, or ROW_NEW */
    struct was *was;
    size_t was_count, was_room;
    struct buf *out;
};

/* --- the list as it was --- */

static err_t note_row(struct job *job, const struct csv_row *row)
{
    if (map_get(&job->places, row->id.b) != NULL)
        return ERR_OK; /* twice in the list: the first one counts */
    if (job->was_count == job->was_room) {
        size_t room = job->was_room == 0 ? 1024 : 2 * job->was_room;
        struct was *grown = mem_grow(job->was, room * sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        job->was = grown;
        job->was_room = room;
    }
    job->was[job->was_count] = (struct was) {row->content, row->from_us, false};
    return map_put(&job->places, row->id.b, job->was_count++);
}

/* --- objects --- */

static void put(struct job *job, const struct csv_rows *rows, const struct csv_row *row, struct csv_life life)
{
    csv_rows_put(rows, row, &life, job->out);
    buf_putc(job->out, ',');
}

/* A list alone is the same whenever it is read. Against another one, what is new gets the present for its
 * version, because an earlier list may have ended it. */
static struct csv_life life_of(const struct job *job, const struct csv_row *row, const struct was *was)
{
    if (was != NULL)
        return csv_life_changed(row, was->from_us, was->from_us, job->setup->now_us);
    return csv_life_new(row, job->setup->previous.len > 0 ? job->setup->now_us : row->from_us);
}

static err_t take_row(struct job *job, const struct csv_rows *rows, const struct csv_row *row)
{
    const uint64_t *place = map_get(&job->places, row->id.b);
    struct was *was = place == NULL || *place == ROW_NEW ? NULL : &job->was[*place];
    err_t err = ERR_OK;
    if (place != NULL && (was == NULL || was->seen))
        return ERR_OK; /* twice in the list */
    if (was != NULL)
        was->seen = true;
    else
        err = map_put(&job->places, row->id.b, ROW_NEW);
    if (was != NULL && was->content == row->content) {
        job->report->unchanged++;
        return err;
    }
    put(job, rows, row, life_of(job, row, was));
    job->report->objects++;
    return err;
}

/* An indicator that is gone ends now; one whose own end is over has ended already. An observable is a fact
 * and has no end. */
static err_t take_gone(struct job *job, const struct csv_rows *rows, const struct csv_row *row)
{
    int64_t now_us = job->setup->now_us, over_us = csv_behind(row->from_us, row->from_us, now_us);
    struct was *was = &job->was[*map_get(&job->places, row->id.b)];
    if (was->seen)
        return ERR_OK;
    was->seen = true;
    if (rows->map->observables || row->until_us <= now_us)
        return ERR_OK;
    put(job, rows, row, (struct csv_life) {row->from_us, over_us, over_us});
    job->report->over++;
    return ERR_OK;
}

/* --- lists --- */

typedef err_t (*pass_fn)(struct job *job, const struct csv_rows *rows, const struct csv_row *row);

static err_t note_pass(struct job *job, const struct csv_rows *rows, const struct csv_row *row)
{
    (void)rows;
    return note_row(job, row);
}

/* Reads a text, row by row. `report`: NULL when the text is the previous one, whose bad rows were told when
 * it came. */
static err_t read_text(struct job *job, struct bytes text, pass_fn pass, struct csv_report *report,
                       struct fault *fault)
{
    struct csv_rows rows = {.map = job->setup->map, .source = job->setup->source};
    struct csv_row row;
    if (report != NULL) {
        rows.refuse = job->setup->refuse;
        rows.ctx = job->setup->ctx;
    }
    err_t err = csv_rows_open(&rows, text, fault);
    while (err == ERR_OK && (err = csv_rows_next(&rows, &row)) == ERR_OK)
        err = pass(job, &rows, &row);
    if (report != NULL) {
        report->rows = rows.rows;
        report->refused = rows.refused;
        report->refanged = rows.refanged;
    }
    csv_rows_close(&rows);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t read_both(struct job *job, struct bytes text, struct fault *fault)
{
    struct bytes previous = job->setup->previous;
    struct fault before = {0};
    err_t err = previous.len == 0 ? ERR_OK : read_text(job, previous, note_pass, NULL, &before);
    if (err != ERR_OK)
        return fault_set(fault, err, 0, "the previous list: %s",
                         before.what[0] == '\0' ? err_text(err) : before.what);
    err = read_text(job, text, take_row, job->report, fault);
    job->report->before = job->was_count;
    if (err == ERR_OK && previous.len > 0)
        err = read_text(job, previous, take_gone, NULL, fault);
    return err != ERR_OK ? err : buf_err(job->out);
}

err_t csv_read(struct bytes text, const struct csv_setup *setup, struct buf *out, struct csv_report *report,
               struct fault *fault)
{
    struct hash_sip_key sip;
    struct hash digest = hash_sha256(text);
    memcpy(sip.b, digest.b, sizeof sip.b);
    *report = (struct csv_report) {0};
    struct job job = {.setup = setup, .report = report, .out = out};
    map_init(&job.places, UUID_SIZE, LIMIT_CSV_ROWS, &sip);
    size_t was = out->len;
    buf_put_str(out, STR("{\"type\":\"bundle\",\"id\":\"bundle--8a1f6d4e-52c7-4b0f-9d3a-6e7c0b95f2d2\""));
    size_t empty = out->len;
    buf_put_str(out, STR(",\"objects\":["));
    err_t err = read_both(&job, text, fault);
    if (err == ERR_OK && report->objects + report->over == 0) {
        out->len = empty; /* a list in STIX is never empty */
        buf_putc(out, '}');
    } else if (err == ERR_OK) {
        out->len--; /* the last comma */
        buf_put_str(out, STR("]}"));
    } else {
        out->len = was;
    }
    map_deinit(&job.places);
    mem_free(job.was);
    return err;
}
