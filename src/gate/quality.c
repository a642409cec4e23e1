#include "gate/quality.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/mint.h"

#define WEEK_US   (INT64_C(7) * 86400 * 1000000)
/* 1970-01-01 was a Thursday. */
#define MONDAY_US (INT64_C(3) * 86400 * 1000000)

struct gate_quality {
    struct gate *gate;
    struct gate_quality_ask ask;
    struct store_iter iter;
    struct gate_quality_row **rows;
    size_t count;
    struct map places; /* source and week -> index in rows */
};

/* --- weeks --- */

int32_t gate_week(int64_t time_us)
{
    int64_t at = time_us > INT64_MAX - MONDAY_US ? time_us : time_us + MONDAY_US;
    return (int32_t)(at / WEEK_US - (at % WEEK_US < 0));
}

int64_t gate_week_start_us(int32_t week)
{
    return week * WEEK_US - MONDAY_US;
}

/* A week is of the year that its Thursday is in. */
void gate_week_text(int32_t week, char out[GATE_WEEK_TEXT_SIZE])
{
    char text[TIME_TEXT_SIZE], first[] = "0000-01-01T00:00:00Z";
    int64_t thursday = gate_week_start_us(week) + MONDAY_US;
    struct stamp year;
    time_text(thursday, text);
    memcpy(first, text, 4);
    must(stamp_parse(STR(first), &year, NULL) == ERR_OK);
    int64_t days = (thursday - stamp_us(year)) / (INT64_C(86400) * 1000000);
    (void)snprintf(out, GATE_WEEK_TEXT_SIZE, "%.4s-W%02u", text, ((unsigned)(days / 7) + 1) % 100);
}

/* --- spreads --- */

static size_t bin_of(uint64_t ms)
{
    if (ms < GATE_SPREAD_STEPS)
        return (size_t)ms;
    unsigned octave = 63u - (unsigned)__builtin_clzll(ms); /* at least 3 */
    size_t bin = (octave - 2u) * GATE_SPREAD_STEPS + (size_t)((ms >> (octave - 3u)) & 7);
    return bin < GATE_SPREAD_BINS ? bin : GATE_SPREAD_BINS - 1;
}

/* The middle of what falls into it. */
static uint64_t bin_ms(size_t bin)
{
    if (bin < GATE_SPREAD_STEPS)
        return bin;
    unsigned shift = (unsigned)(bin / GATE_SPREAD_STEPS) - 1;
    uint64_t low = (uint64_t)(GATE_SPREAD_STEPS + bin % GATE_SPREAD_STEPS) << shift;
    return low + ((UINT64_C(1) << shift) >> 1);
}

void gate_spread_put(struct gate_spread *spread, int64_t time_us)
{
    spread->bins[bin_of(time_us < 0 ? 0 : (uint64_t)time_us / 1000)]++;
    spread->count++;
}

uint64_t gate_spread_quantile(const struct gate_spread *spread, unsigned permille)
{
    uint64_t wanted = (spread->count * permille + 999) / 1000, passed = 0;
    for (size_t i = 0; i < GATE_SPREAD_BINS; i++) {
        passed += spread->bins[i];
        if (passed >= wanted && passed > 0)
            return bin_ms(i);
    }
    return 0;
}

/* --- rows --- */

/* *out is NULL when nobody asked for that source or week. */
static err_t row_at(struct gate_quality *q, uint32_t source, int32_t week, struct gate_quality_row **out)
{
    uint8_t key[8];
    err_t err;
    *out = NULL;
    if (week < q->ask.from || (q->ask.source != GATE_SOURCE_NONE && q->ask.source != source))
        return ERR_OK;
    wr_at(key, source, 4);
    wr_at(key + 4, (uint32_t)week, 4);
    const uint64_t *place = map_get(&q->places, key);
    if (place != NULL) {
        *out = q->rows[*place];
        return ERR_OK;
    }
    if (q->count == LIMIT_QUALITY_ROWS)
        return ERR_LIMIT;
    struct gate_quality_row *row = mem_alloc(sizeof *row);
    if (row == NULL)
        return ERR_NOMEM;
    if (TRY(err, map_put(&q->places, key, q->count))) {
        mem_free(row);
        return err;
    }
    row->source = source;
    row->week = week;
    q->rows[q->count++] = row;
    *out = row;
    return ERR_OK;
}

static err_t row_of(struct gate_quality *q, const struct record_envelope *envelope,
                    struct gate_quality_row **out)
{
    return row_at(q, envelope->source, gate_week(envelope->received_us), out);
}

uint64_t gate_quality_delivered(const struct gate_quality_row *row)
{
    return row->objects + row->versions + row->assertions + row->seen;
}

/* --- objects --- */

/* What counts of everything that a source brought, whoever was first. */
static void put_delivered(struct gate_quality_row *row, const struct subject *subject, int64_t received_us)
{
    const struct stix_object *object = &subject->object;
    struct str text;
    struct stamp until;
    if (object->has_modified || object->has_created)
        gate_spread_put(&row->delay,
                        received_us - stamp_us(object->has_modified ? object->modified : object->created));
    row->unmarked += object->type->code != STIX_TYPE_MARKING_DEFINITION && !object->has_markings &&
                     !object->has_granular_markings;
    row->safety += subject->safety.len > 0;
    if (object->type->code != STIX_TYPE_INDICATOR)
        return;
    row->indicators++;
    row->expired += json_get_str(object->root, STR("valid_until"), &text) &&
                    stamp_parse(text, &until, NULL) == ERR_OK && stamp_us(until) <= received_us;
}

static bool was_held(const struct subject *subject)
{
    for (size_t i = 0; i < subject->copies->count; i++) {
        const struct copy *copy = &subject->copies->at[i];
        if (copy->lsn < subject->lsn && (copy->flags & (COPY_QUARANTINED | COPY_SEEN)) == 0)
            return true;
    }
    /* So many copies that the first ones are no longer looked at. */
    return subject->copies->count == LIMIT_COPIES;
}

static bool disagrees(const struct stix_object *opinion)
{
    struct str value;
    return json_get_str(opinion->root, STR("opinion"), &value) &&
           (str_eq(value, STR("disagree")) || str_eq(value, STR("strongly-disagree")));
}

/* Credits whoever speaks for the object. Loading copies parses nothing: `object` stays good. */
static err_t put_about(struct gate_quality *q, const struct stix_object *object, const struct stix_key *about,
                       const struct record_envelope *envelope)
{
    struct copies copies;
    struct gate_quality_row *row;
    struct stix_key meant = mint_meant(q->gate, about);
    err_t err = copies_load(q->gate, &meant, &copies);
    if (err != ERR_OK)
        return err;
    const struct copy *newest = copies_newest(&copies);
    if (newest == NULL || newest->owner == envelope->source)
        return ERR_OK;
    if (TRY(err, row_at(q, newest->owner, gate_week(envelope->received_us), &row)) || row == NULL)
        return err;
    if (object->type->code == STIX_TYPE_SIGHTING) {
        row->sightings_about++;
    } else {
        row->opinions_about++;
        row->disagreeing_about += disagrees(object);
    }
    return ERR_OK;
}

/* An opinion or a sighting. */
static err_t put_judgement(struct gate_quality *q, const struct stix_object *object,
                           const struct record_envelope *envelope, struct gate_quality_row *row)
{
    bool sighting = object->type->code == STIX_TYPE_SIGHTING;
    err_t err;
    if (row != NULL)
        *(sighting ? &row->sightings : &row->opinions) += 1;
    for (size_t i = 0; i < object->ref_count; i++) {
        const struct stix_ref *ref = &object->refs[i];
        bool about = sighting ? str_eq(ref->property, STR("sighting_of_ref")) : ref->role == STIX_REF_MEMBER;
        if (about && TRY(err, put_about(q, object, &ref->key, envelope)))
            return err;
    }
    return ERR_OK;
}

static err_t put_object(struct gate_quality *q, const struct frame *frame)
{
    struct record_envelope envelope;
    struct gate_quality_row *row;
    struct subject subject;
    err_t err;
    if (TRY(err, record_envelope_read(frame->envelope, &envelope)) || TRY(err, row_of(q, &envelope, &row)))
        return err;
    err = subject_load(q->gate, frame->lsn, &q->gate->step_arena, &subject);
    if (err == ERR_NOTFOUND && row != NULL)
        row->unreadable++;
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    bool assertion = (envelope.flags & RECORD_OBJECT_ASSERTION) != 0, held = was_held(&subject);
    if (row != NULL) {
        *(assertion ? &row->assertions : held ? &row->versions : &row->objects) += 1;
        put_delivered(row, &subject, envelope.received_us);
    }
    bool judges =
        subject.object.type->code == STIX_TYPE_OPINION || subject.object.type->code == STIX_TYPE_SIGHTING;
    return judges && !held ? put_judgement(q, &subject.object, &envelope, row) : ERR_OK;
}

/* Another source had brought the same content: at `frame` of the log. */
static err_t put_seen(struct gate_quality *q, const struct frame *seen)
{
    struct record_envelope envelope;
    struct gate_quality_row *row, *first;
    struct subject subject;
    err_t err;
    if (TRY(err, record_envelope_read(seen->payload, &envelope)) || TRY(err, row_of(q, &envelope, &row)))
        return err;
    err = subject_load(q->gate, envelope.about, &q->gate->step_arena, &subject);
    if (err == ERR_NOTFOUND && row != NULL)
        row->unreadable++;
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    int64_t later_us = envelope.received_us - subject.envelope.received_us;
    if (row != NULL) {
        row->seen++;
        put_delivered(row, &subject, envelope.received_us);
        gate_spread_put(&row->behind, later_us);
    }
    if (!TRY(err, row_of(q, &subject.envelope, &first)) && first != NULL)
        gate_spread_put(&first->ahead, later_us);
    return err;
}

/* --- quarantine --- */

static void put_reason(struct gate_quality_row *row, const struct fault *fault)
{
    char word[sizeof row->reasons[0].word];
    (void)snprintf(word, sizeof word, "%s%s%s", err_name(fault->code), fault->section[0] == '\0' ? "" : " ",
                   fault->section);
    for (size_t i = 0; i < row->reason_count; i++)
        if (strcmp(row->reasons[i].word, word) == 0) {
            row->reasons[i].count++;
            return;
        }
    if (row->reason_count == LIMIT_QUALITY_REASONS) {
        row->reasons_other++;
        return;
    }
    struct gate_reason *reason = &row->reasons[row->reason_count++];
    memcpy(reason->word, word, sizeof word);
    reason->count = 1;
}

static err_t put_refused(struct gate_quality *q, const struct frame *frame, struct gate_quality_row *row)
{
    struct gate *gate = q->gate;
    struct fault fault;
    struct bytes refused;
    buf_clear(&gate->plain);
    err_t err = store_unseal(gate->store, frame, &gate->plain);
    if (err == ERR_NOTFOUND) {
        row->unreadable++;
        return ERR_OK;
    }
    if (err != ERR_OK || TRY(err, record_fault_read(buf_bytes(&gate->plain), &fault, &refused)))
        return err;
    row->refused++;
    put_reason(row, &fault);
    return ERR_OK;
}

static err_t put_quarantined(struct gate_quality *q, const struct frame *frame)
{
    struct record_envelope envelope;
    struct gate_quality_row *row;
    err_t err;
    if (TRY(err, record_envelope_read(frame->envelope, &envelope)) || TRY(err, row_of(q, &envelope, &row)) ||
        row == NULL)
        return err;
    switch ((enum record_quarantine)envelope.reason) {
    case RECORD_QUARANTINE_CONFLICT:
        row->conflicts++;
        return ERR_OK;
    case RECORD_QUARANTINE_MENDED:
        row->mended++;
        return ERR_OK;
    case RECORD_QUARANTINE_PIECE:
        return envelope.about == 0 ? put_refused(q, frame, row) : ERR_OK;
    default:
        return put_refused(q, frame, row);
    }
}

static err_t put_frame(struct gate_quality *q, const struct frame *frame)
{
    arena_reset(&q->gate->step_arena);
    switch (frame->kind) {
    case FRAME_OBJ:
        return put_object(q, frame);
    case FRAME_SEEN:
        return put_seen(q, frame);
    case FRAME_QUAR:
        return put_quarantined(q, frame);
    default:
        return ERR_OK;
    }
}

/* --- what left no frame --- */

static err_t put_repeats(struct gate_quality *q, const struct repeats *repeats)
{
    struct gate_quality_row *row;
    err_t err = row_at(q, repeats->source, repeats->week, &row);
    if (err != ERR_OK || row == NULL)
        return err;
    row->repeated = repeats->count[REPEAT_DUPLICATE];
    row->conflicts_again = repeats->count[REPEAT_CONFLICT];
    row->refused_again = repeats->count[REPEAT_REFUSED];
    row->echoes = repeats->count[REPEAT_ECHO];
    return ERR_OK;
}

static err_t put_all_repeats(struct gate_quality *q)
{
    uint8_t head[FACT_KEY_SIZE_MAX];
    struct store_scan *scan;
    struct bytes key, value;
    struct repeats repeats;
    struct bytes prefix = fact_key(RECORD_FACT_REPEATS, bytes_of(NULL, 0), head);
    err_t err = store_scan_open(q->gate->store, TABLE_FACT, prefix, bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while (!TRY(err, store_scan_next(scan, &key, &value)) &&
           !TRY(err, repeats_read(bytes_of(key.at + prefix.len, key.len - prefix.len), value, &repeats)) &&
           !TRY(err, put_repeats(q, &repeats)))
        ;
    store_scan_close(scan);
    err = err == ERR_NOTFOUND ? ERR_OK : err;
    /* What memory counted since is newer. */
    for (size_t i = 0; err == ERR_OK && i < q->gate->repeats_count; i++)
        err = put_repeats(q, &q->gate->repeats[i]);
    return err;
}

/* --- the walk --- */

/* The first frame of `source` at or behind `from`, and when it arrived. */
static err_t probe(struct gate *gate, uint32_t source, uint64_t from, uint64_t *out_lsn, int64_t *out_us)
{
    struct frame frame;
    struct record_envelope envelope;
    err_t err;
    if (TRY(err, source_next(gate, source, from, out_lsn)) ||
        TRY(err, store_read(gate->store, *out_lsn, &frame)) ||
        TRY(err, record_envelope_read(frame.kind == FRAME_SEEN ? frame.payload : frame.envelope, &envelope)))
        return err;
    *out_us = envelope.received_us;
    return ERR_OK;
}

/* Where the log is certainly too old still: the last frame of some source that arrived a day before
 * `since_us` (clocks are set back, too). Halving, because the log is in the order of arrival. */
static err_t find_start(struct gate *gate, int64_t since_us, uint64_t *out)
{
    uint64_t low = LSN_FIRST, lsn;
    int64_t at_us;
    for (uint32_t source = 1; source <= gate->source_count; source++) {
        uint64_t high = store_durable_lsn(gate->store), middle = high;
        while (low < high) {
            middle = low + (high - low) / 2;
            err_t err = probe(gate, source, middle, &lsn, &at_us);
            if (err != ERR_OK && err != ERR_NOTFOUND)
                return err;
            if (err == ERR_OK && lsn > low && at_us < since_us - INT64_C(86400) * 1000000)
                low = lsn;
            else
                high = middle;
        }
    }
    *out = low;
    return ERR_OK;
}

err_t gate_quality_open(struct gate *gate, const struct gate_quality_ask *ask, struct gate_quality **out)
{
    struct gate_quality *q = mem_alloc(sizeof *q);
    uint64_t from = LSN_FIRST;
    if (q == NULL)
        return ERR_NOMEM;
    q->gate = gate;
    q->ask = *ask;
    map_init(&q->places, 8, LIMIT_QUALITY_ROWS, &gate->sip);
    q->rows = mem_alloc_array(LIMIT_QUALITY_ROWS, sizeof *q->rows);
    err_t err = q->rows == NULL ? ERR_NOMEM : find_start(gate, gate_week_start_us(ask->from), &from);
    store_view_end(gate->store);
    if (err != ERR_OK) {
        gate_quality_close(q);
        return err;
    }
    q->iter = store_iter(gate->store, from, store_durable_lsn(gate->store));
    *out = q;
    return ERR_OK;
}

void gate_quality_close(struct gate_quality *q)
{
    if (q == NULL)
        return;
    for (size_t i = 0; i < q->count; i++)
        mem_free(q->rows[i]);
    mem_free(q->rows);
    map_deinit(&q->places);
    mem_free(q);
}

static int row_cmp(const void *a, const void *b)
{
    const struct gate_quality_row *left = *(struct gate_quality_row *const *)a;
    const struct gate_quality_row *right = *(struct gate_quality_row *const *)b;
    if (left->source != right->source)
        return left->source < right->source ? -1 : 1;
    return left->week < right->week ? -1 : left->week > right->week;
}

err_t gate_quality_step(struct gate_quality *q, unsigned frames, bool *out_end)
{
    struct frame frame;
    err_t err = ERR_OK;
    for (unsigned i = 0; err == ERR_OK && i < frames; i++)
        if (!TRY(err, store_iter_next(&q->iter, &frame)))
            err = put_frame(q, &frame);
    *out_end = err == ERR_NOTFOUND;
    if (*out_end)
        err = put_all_repeats(q);
    if (err == ERR_OK && *out_end)
        qsort(q->rows, q->count, sizeof *q->rows, row_cmp);
    store_view_end(q->gate->store);
    return err;
}

const struct gate_quality_row *gate_quality_row(const struct gate_quality *q, size_t index)
{
    return index < q->count ? q->rows[index] : NULL;
}
