#include "feeds/intake.h"

#include "core/mem.h"
#include "json/json.h"

struct intake {
    struct gate *gate;
    uint32_t source;
    uint8_t hops; /* what a partner gives came from a node at least as far away */
    struct buf text;
    struct json_slice *slices;
    size_t slice_count, slice_room, at;
    struct buf batch;
    bool out_of_memory;
};

err_t intake_new(struct gate *gate, uint32_t source, struct intake **out)
{
    struct intake *intake = mem_alloc(sizeof *intake);
    if (intake == NULL)
        return ERR_NOMEM;
    intake->gate = gate;
    intake->source = source;
    intake->hops = gate_source_get(gate, source)->partner >= 0;
    buf_init(&intake->text, LIMIT_FEED_ANSWER_BYTES + JSON_PADDING);
    buf_init(&intake->batch, LIMIT_BATCH_BYTES + JSON_PADDING);
    *out = intake;
    return ERR_OK;
}

void intake_free(struct intake *intake)
{
    if (intake == NULL)
        return;
    mem_free(intake->slices);
    buf_deinit(&intake->text);
    buf_deinit(&intake->batch);
    mem_free(intake);
}

bool intake_idle(const struct intake *intake)
{
    return intake->at == intake->slice_count;
}

void intake_drop(struct intake *intake)
{
    intake->slice_count = intake->at = 0;
    buf_deinit(&intake->text);
}

/* --- cutting --- */

static bool add_slice(struct intake *intake, struct json_slice slice)
{
    if (intake->slice_count == intake->slice_room) {
        size_t room = intake->slice_room == 0 ? 256 : 2 * intake->slice_room;
        struct json_slice *grown = mem_grow(intake->slices, room * sizeof *grown);
        if (grown == NULL) {
            intake->out_of_memory = true;
            return false;
        }
        intake->slices = grown;
        intake->slice_room = room;
    }
    intake->slices[intake->slice_count++] = slice;
    return true;
}

static bool take_slice(void *ctx, struct json_slice slice)
{
    return add_slice(ctx, slice);
}

static size_t skip_blanks(struct bytes text, size_t from)
{
    while (from < text.len && text.at[from] != '\0' && strchr(" \t\r\n,", text.at[from]) != NULL)
        from++;
    return from;
}

/* What stands behind the last object that could be cut goes as it is: the gate refuses it and keeps it. */
static void add_rest(struct intake *intake)
{
    struct bytes text = buf_bytes(&intake->text);
    size_t from = 0;
    if (intake->slice_count > 0) {
        const struct json_slice *last = &intake->slices[intake->slice_count - 1];
        from = skip_blanks(text, last->from + last->len);
    }
    if (from < text.len)
        (void)add_slice(intake, (struct json_slice) {from, text.len - from});
}

err_t intake_begin(struct intake *intake, struct buf *text)
{
    struct fault fault = {0};
    enum json_split_kind kind;
    must(intake_idle(intake));
    intake_drop(intake);
    intake->out_of_memory = false;
    intake->text = *text;
    buf_init(text, text->size_max);
    /* Parsers read a little further than the text goes. */
    if (buf_extend(&intake->text, JSON_PADDING) == NULL)
        return buf_err(&intake->text);
    intake->text.len -= JSON_PADDING;
    err_t err = json_split(buf_bytes(&intake->text), STR("objects"), &kind, take_slice, intake, &fault);
    if (err != ERR_OK)
        add_rest(intake);
    if (!intake->out_of_memory)
        return ERR_OK;
    intake_drop(intake);
    return ERR_NOMEM;
}

/* --- batches --- */

static void count_answer(void *ctx, const struct gate_answer *answer)
{
    struct feed_counts *counts = ctx;
    counts->echo += answer->echo;
    switch (answer->disposition) {
    case GATE_NEW:
        counts->fresh++;
        break;
    case GATE_DUPLICATE:
    case GATE_SEEN:
        counts->duplicate++;
        break;
    case GATE_ASSERTION:
        counts->asserted++;
        break;
    case GATE_ECHO:
        break;
    case GATE_CONFLICT:
        counts->conflict++;
        break;
    case GATE_REFUSED:
        counts->refused++;
        break;
    }
}

static bool is_rest(const struct intake *intake, struct json_slice slice)
{
    const uint8_t *at = intake->text.at + slice.from;
    return slice.len == 0 || at[0] != '{' || at[slice.len - 1] != '}';
}

static err_t submit(struct intake *intake, struct bytes text, int64_t now_us, struct feed_counts *counts)
{
    struct fault fault = {0};
    struct gate_submission submission = {
        .source = intake->source, .hops = intake->hops, .echoes = GATE_ECHOES_OF_ALL};
    uint64_t refused = counts->refused;
    err_t err = gate_accept(intake->gate, &submission, text, now_us, count_answer, counts, &fault);
    if (err == ERR_OK || err == ERR_BUSY || err == ERR_READONLY || err == ERR_NOMEM || err == ERR_IO ||
        err == ERR_FULL)
        return err;
    if (counts->refused == refused)
        counts->refused++; /* as a whole */
    return ERR_OK;
}

/* More than an object may hold: kept in quarantine piece by piece. */
static err_t keep_pieces(struct intake *intake, struct bytes whole, int64_t now_us,
                         struct feed_counts *counts)
{
    struct gate_piece piece = {.whole = whole.len, .digest = hash_sha256(whole)};
    for (size_t at = 0; at < whole.len; at += LIMIT_OBJECT_BYTES) {
        uint64_t lsn;
        size_t left = whole.len - at;
        piece.at = at;
        piece.bytes = bytes_of(whole.at + at, left < LIMIT_OBJECT_BYTES ? left : LIMIT_OBJECT_BYTES);
        err_t err = gate_quarantine_piece(intake->gate, intake->source, &piece, now_us, &lsn);
        if (err != ERR_OK)
            return err;
        if (at == 0)
            piece.first = lsn;
    }
    counts->refused++;
    return ERR_OK;
}

/* Gathers objects from `at` on; *out_end: the first that did not fit. */
static err_t gather(struct intake *intake, size_t *out_end)
{
    size_t end = intake->at;
    buf_clear(&intake->batch);
    buf_put_str(&intake->batch, STR("{\"objects\":["));
    for (; end < intake->slice_count && end - intake->at < LIMIT_FEED_BATCH_OBJECTS; end++) {
        struct json_slice slice = intake->slices[end];
        struct bytes object = bytes_of(intake->text.at + slice.from, slice.len);
        if (slice.len > LIMIT_OBJECT_BYTES || is_rest(intake, slice) ||
            (end > intake->at && slice.len > LIMIT_FEED_BATCH_BYTES - intake->batch.len))
            break;
        if (end > intake->at)
            buf_putc(&intake->batch, ',');
        buf_put(&intake->batch, object.at, object.len);
        if (intake->batch.len >= LIMIT_FEED_BATCH_BYTES) {
            end++;
            break;
        }
    }
    buf_put_str(&intake->batch, STR("]}"));
    *out_end = end;
    if (buf_extend(&intake->batch, JSON_PADDING) != NULL)
        intake->batch.len -= JSON_PADDING;
    return buf_err(&intake->batch);
}

err_t intake_step(struct intake *intake, int64_t now_us, struct feed_counts *counts)
{
    struct feed_counts before = *counts;
    size_t end;
    if (intake_idle(intake))
        return ERR_OK;
    err_t err = gather(intake, &end);
    if (err != ERR_OK)
        return err;
    if (end > intake->at) {
        err = submit(intake, buf_bytes(&intake->batch), now_us, counts);
    } else {
        struct json_slice slice = intake->slices[end++];
        struct bytes text = bytes_of(intake->text.at + slice.from, slice.len);
        err = slice.len > LIMIT_OBJECT_BYTES ? keep_pieces(intake, text, now_us, counts)
                                             : submit(intake, text, now_us, counts);
    }
    if (err != ERR_OK) {
        *counts = before;
        return err;
    }
    intake->at = end;
    if (intake_idle(intake))
        intake_drop(intake);
    return ERR_OK;
}

err_t intake_refuse(struct intake *intake, struct bytes text, const struct fault *fault, int64_t now_us,
                    struct feed_counts *counts)
{
    uint64_t lsn;
    err_t err = gate_quarantine_foreign(intake->gate, intake->source, fault, text, now_us, &lsn);
    counts->refused += err == ERR_OK;
    return err;
}
