#include "gate/key_copies.h"

#include <stdlib.h>

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"
#include "gate/words.h"
#include "store/keycopy.h"

enum {
    VALUE_VERSION = 1,
    LABEL_HEX = 2 * STORE_COPY_LABEL_SIZE,
    CONFIRM_PAGE = 256,  /* PURGED frames a step */
    CATCH_UP_STEPS = 64, /* of 1 MiB each: what was added a moment ago, not a copy that comes back */
};

static const char head[] = "gate/key-copy/"; /* then the label, in hex */

enum { KEY_SIZE = sizeof head - 1 + LABEL_HEX };

/* --- rows: what is registered, as settings in the log --- */

enum place_state { PLACE_NEW = 1, PLACE_MADE, PLACE_LOST };

struct place {
    uint8_t label[STORE_COPY_LABEL_SIZE];
    enum place_state state;
    int64_t at_us;
    uint64_t slots; /* PLACE_LOST: the key file had so many then */
    struct str dir, by, because;
};

static struct str place_key(const uint8_t label[STORE_COPY_LABEL_SIZE], char out[KEY_SIZE])
{
    memcpy(out, head, sizeof head - 1);
    str_hex(label, STORE_COPY_LABEL_SIZE, out + sizeof head - 1);
    return (struct str) {out, KEY_SIZE};
}

static err_t place_put(struct gate *gate, const struct place *place, const struct gate_by *by, int64_t now_us)
{
    char key[KEY_SIZE];
    struct buf value;
    buf_init(&value, RECORD_FACT_VALUE_MAX);
    wr_u8(&value, VALUE_VERSION);
    wr_u8(&value, (uint8_t)place->state);
    wr_u64(&value, (uint64_t)place->at_us);
    wr_u64(&value, place->slots);
    wr_blob(&value, bytes_from_str(place->dir));
    wr_blob(&value, bytes_from_str(place->by));
    err_t err = words_put(gate, &value, place->because, now_us);
    if (err == ERR_OK)
        err = buf_err(&value);
    if (err == ERR_OK)
        err = gate_setting_put(gate, place_key(place->label, key), buf_bytes(&value), by, now_us);
    buf_deinit(&value);
    return err;
}

static err_t place_read(struct bytes key, struct bytes value, struct place *out)
{
    struct rd rd = rd_of(value);
    struct place place = {0};
    if (key.len != 2 + KEY_SIZE || rd_u8(&rd) != VALUE_VERSION ||
        !str_unhex((struct str) {(const char *)key.at + 2 + sizeof head - 1, LABEL_HEX}, place.label,
                   sizeof place.label))
        return ERR_CORRUPT;
    place.state = (enum place_state)rd_u8(&rd);
    place.at_us = (int64_t)rd_u64(&rd);
    place.slots = rd_u64(&rd);
    place.dir = str_from_bytes(rd_blob(&rd, LIMIT_PATH_BYTES - 1));
    place.by = str_from_bytes(rd_blob(&rd, RECORD_TEXT_MAX));
    place.because = str_from_bytes(rd_blob(&rd, RECORD_WORDS_MAX));
    if (rd_end(&rd) != ERR_OK || place.state < PLACE_NEW || place.state > PLACE_LOST)
        return ERR_CORRUPT;
    *out = place;
    return ERR_OK;
}

/* `each` puts nothing. */
static err_t places_each(struct gate *gate, err_t (*each)(void *ctx, const struct place *place), void *ctx)
{
    uint8_t full[FACT_KEY_SIZE_MAX];
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(gate->store, TABLE_FACT,
                                fact_key(RECORD_FACT_NODE, bytes_of(head, sizeof head - 1), full),
                                bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct place place;
        if (TRY(err, place_read(key, value, &place)) || TRY(err, each(ctx, &place)))
            break;
    }
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t load_one(void *ctx, const struct place *place)
{
    struct gate *gate = ctx;
    char dir[LIMIT_PATH_BYTES];
    if (place->state == PLACE_LOST) {
        if (place->slots > gate->copies_lost)
            gate->copies_lost = place->slots;
        return ERR_OK;
    }
    memcpy(dir, place->dir.at, place->dir.len);
    dir[place->dir.len] = '\0';
    return store_copy_add(gate->store, dir, place->label, place->state == PLACE_MADE);
}

static err_t count_rows(struct gate *gate, char letter, size_t *out)
{
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of(&letter, 1), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK)
        ++*out;
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t copies_places_load(struct gate *gate)
{
    err_t err = places_each(gate, load_one, gate);
    gate->confirm_due = true;
    gate->unconfirmed = 0;
    return err != ERR_OK ? err : count_rows(gate, 'P', &gate->unconfirmed);
}

/* --- registering and forgetting --- */

static bool is_registered(const struct gate *gate, struct str dir, size_t *out_at)
{
    for (size_t i = 0; i < store_copy_count(gate->store); i++)
        if (str_eq(str_of(store_copy_at(gate->store, i)->dir), dir)) {
            *out_at = i;
            return true;
        }
    return false;
}

static err_t register_one(struct gate *gate, struct str dir, const struct gate_by *by, int64_t now_us)
{
    struct place place = {
        .state = PLACE_NEW, .at_us = now_us, .dir = dir, .by = by->who, .because = by->because};
    err_t err;
    if (store_copy_count(gate->store) == LIMIT_KEY_COPIES)
        return ERR_FULL;
    if (dir.len == 0 || dir.len >= LIMIT_PATH_BYTES)
        return ERR_LIMIT;
    if (TRY(err, gate->os->random(gate->os->ctx, place.label, sizeof place.label)) ||
        TRY(err, place_put(gate, &place, by, now_us)))
        return err;
    return load_one(gate, &place);
}

err_t gate_key_copies_set(struct gate *gate, const struct str *dirs, size_t count, const struct gate_by *by,
                          int64_t now_us)
{
    size_t at;
    err_t err = gate->read_only ? ERR_READONLY : ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        if (!is_registered(gate, dirs[i], &at))
            err = register_one(gate, dirs[i], by, now_us);
    return err != ERR_OK || !gate->group_open ? err : gate_commit(gate);
}

err_t gate_key_copy_forget(struct gate *gate, struct str dir, bool erase, const struct gate_by *by,
                           int64_t now_us, bool *out_held)
{
    struct place place = {.state = PLACE_LOST,
                          .at_us = now_us,
                          .slots = store_slots(gate->store),
                          .dir = dir,
                          .by = by->who,
                          .because = by->because};
    char key[KEY_SIZE];
    size_t at;
    if (gate->read_only)
        return ERR_READONLY;
    if (!is_registered(gate, dir, &at))
        return ERR_NOTFOUND;
    const struct store_copy *copy = store_copy_at(gate->store, at);
    memcpy(place.label, copy->label, sizeof place.label);
    /* No secret is written before it stands in the log that its file was made. */
    bool held = copy->made && !erase;
    err_t err = copy->made && erase ? store_copy_erase(gate->store, at) : ERR_OK;
    if (err != ERR_OK)
        return err;
    err = held ? place_put(gate, &place, by, now_us)
               : gate_setting_put(gate, place_key(place.label, key), bytes_of(NULL, 0), by, now_us);
    if (err != ERR_OK || TRY(err, gate_commit(gate)))
        return err;
    store_copy_drop(gate->store, at);
    if (held && place.slots > gate->copies_lost)
        gate->copies_lost = place.slots;
    gate->confirm_due = true;
    *out_held = held;
    return ERR_OK;
}

/* --- what was destroyed --- */

/* Slots of everything that was ever destroyed, in order: asked for only when a copy holds what the key file
 * does not. */
struct gone_slots {
    struct gate *gate;
    uint64_t *at;
    size_t count, size;
    bool known;
};

static int slot_cmp(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static err_t gone_add(struct gone_slots *g, uint64_t lsn)
{
    struct frame frame;
    err_t err = store_read(g->gate->store, lsn, &frame);
    if (err != ERR_OK || !frame_kind_sealed(frame.kind))
        return err;
    if (g->count == g->size) {
        size_t size = g->size == 0 ? 1024 : 2 * g->size;
        uint64_t *wider = mem_grow(g->at, size * sizeof *wider);
        if (wider == NULL)
            return ERR_NOMEM;
        g->at = wider;
        g->size = size;
    }
    g->at[g->count++] = frame.slot;
    return ERR_OK;
}

static err_t gone_gather(struct gone_slots *g)
{
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(g->gate->store, TABLE_FACT, bytes_of("g", 1), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct rd rd = rd_of(bytes_of(key.at + 1, key.len - 1));
        if (TRY(err, gone_add(g, rd_u64(&rd))))
            break;
    }
    store_scan_close(scan);
    if (err != ERR_NOTFOUND)
        return err;
    if (g->count > 0)
        qsort(g->at, g->count, sizeof *g->at, slot_cmp);
    g->known = true;
    return ERR_OK;
}

static err_t is_gone(void *ctx, uint64_t slot, bool *out)
{
    struct gone_slots *g = ctx;
    err_t err;
    if (!g->known && TRY(err, gone_gather(g))) {
        g->count = 0;
        return err;
    }
    *out = g->count > 0 && bsearch(&slot, g->at, g->count, sizeof *g->at, slot_cmp) != NULL;
    return ERR_OK;
}

static bool bring_on(struct gate *gate, size_t steps)
{
    struct gone_slots gone = {.gate = gate};
    bool more = store_copy_count(gate->store) > 0;
    for (size_t i = 0; more && i < steps; i++)
        more = store_copies_step(gate->store, is_gone, &gone);
    mem_free(gone.at);
    store_view_end(gate->store);
    return more;
}

/* --- PURGED --- */

enum { ROW_KEY_SIZE = 1 + 8 };

/* 'P' position of a RECALL: carried out here, and not confirmed. 'G' position: a frame of such. */
static struct bytes row_key(char letter, uint64_t lsn, uint8_t out[ROW_KEY_SIZE])
{
    out[0] = (uint8_t)letter;
    wr_at_u64(out + 1, lsn);
    return bytes_of(out, ROW_KEY_SIZE);
}

static err_t recall_at(struct gate *gate, uint64_t lsn, struct arena *arena, struct record_recall *out)
{
    struct frame frame;
    err_t err = store_read(gate->store, lsn, &frame);
    return err != ERR_OK ? err : record_recall_read(frame.payload, arena, out);
}

static err_t rows_set(struct gate *gate, uint64_t lsn, bool there)
{
    uint8_t key[ROW_KEY_SIZE];
    struct record_recall recall;
    struct arena arena;
    arena_init(&arena, LIMIT_FRAME_BYTES * 4u);
    err_t err = recall_at(gate, lsn, &arena, &recall);
    for (size_t i = 0; err == ERR_OK && i < recall.gone_count; i++) {
        struct bytes row = row_key('G', recall.gone[i].lsn, key);
        err = there ? store_put(gate->store, TABLE_FACT, row, bytes_of("", 0))
                    : store_delete(gate->store, TABLE_FACT, row);
    }
    if (err == ERR_OK)
        err = there ? store_put(gate->store, TABLE_FACT, row_key('P', lsn, key), bytes_of("", 0))
                    : store_delete(gate->store, TABLE_FACT, row_key('P', lsn, key));
    arena_deinit(&arena);
    return err;
}

err_t copies_purged(struct gate *gate, const struct record_purged *purged, bool first)
{
    uint8_t key[ROW_KEY_SIZE];
    struct bytes value;
    err_t err = store_get(gate->store, TABLE_FACT, row_key('P', purged->recall, key), &value);
    bool was = err == ERR_OK, is = purged->unsure > 0;
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    if (!first && !was)
        return ERR_CORRUPT;
    if (was == is || TRY(err, rows_set(gate, purged->recall, is)))
        return was == is ? ERR_OK : err;
    gate->unconfirmed = is ? gate->unconfirmed + 1 : gate->unconfirmed - 1;
    gate->confirm_due |= is;
    if (!is) /* partners may be owed an answer */
        memset(gate->recalls_answered, 0xff, sizeof gate->recalls_answered);
    return ERR_OK;
}

/* Was one of these secrets in a copy that is lost for good? It had all that there was. */
static err_t is_lost(struct gate *gate, const struct record_recall *recall, bool *out)
{
    err_t err = ERR_OK;
    *out = false;
    for (size_t i = 0; err == ERR_OK && !*out && gate->copies_lost > 0 && i < recall->gone_count; i++) {
        struct frame frame;
        err = store_read(gate->store, recall->gone[i].lsn, &frame);
        *out = err == ERR_OK && frame_kind_sealed(frame.kind) && frame.slot < gate->copies_lost;
    }
    return err;
}

static size_t away(const struct gate *gate)
{
    size_t count = 0;
    for (size_t i = 0; i < store_copy_count(gate->store); i++) {
        const struct store_copy *copy = store_copy_at(gate->store, i);
        count += copy->made && copy->state != STORE_COPY_CURRENT;
    }
    return count;
}

err_t copies_unsure(struct gate *gate, const struct record_recall *recall, uint8_t *out)
{
    bool lost;
    err_t err;
    (void)bring_on(gate, CATCH_UP_STEPS);
    if (TRY(err, is_lost(gate, recall, &lost)))
        return err;
    *out = (uint8_t)(away(gate) + lost);
    return ERR_OK;
}

static err_t confirm_one(struct gate *gate, uint64_t lsn, int64_t now_us, bool *out_did)
{
    struct record_purged purged = {.recall = lsn, .at_us = now_us};
    struct record_recall recall;
    struct arena arena;
    uint64_t at;
    bool lost = false;
    arena_init(&arena, LIMIT_FRAME_BYTES * 4u);
    err_t err = recall_at(gate, lsn, &arena, &recall);
    if (err == ERR_OK)
        err = is_lost(gate, &recall, &lost);
    arena_deinit(&arena);
    if (err != ERR_OK || lost)
        return err;
    buf_clear(&gate->record);
    record_purged_write(&gate->record, &purged);
    if (TRY(err, gate_append(gate, FRAME_PURGED, &at)))
        return err;
    *out_did = true;
    return gate_torn(gate, purged_apply(gate, &purged), "what was destroyed could not be noted");
}

/* A page of what waits, from *at on. */
static err_t waiting(struct gate *gate, uint64_t *at, uint64_t out[CONFIRM_PAGE], size_t *out_count)
{
    uint8_t from[ROW_KEY_SIZE];
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of("P", 1), row_key('P', *at, from), &scan);
    if (err != ERR_OK)
        return err;
    *out_count = 0;
    while (*out_count < CONFIRM_PAGE && (err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct rd rd = rd_of(bytes_of(key.at + 1, key.len - 1));
        out[(*out_count)++] = rd_u64(&rd);
    }
    store_scan_close(scan);
    if (*out_count > 0)
        *at = out[*out_count - 1] + 1;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* Once after something has changed: what a lost copy held waits for ever. */
static err_t confirm(struct gate *gate, int64_t now_us)
{
    uint64_t lsns[CONFIRM_PAGE];
    size_t count;
    bool did = false;
    err_t err;
    if (TRY(err, waiting(gate, &gate->confirm_at, lsns, &count)))
        return err;
    for (size_t i = 0; err == ERR_OK && i < count; i++)
        err = confirm_one(gate, lsns[i], now_us, &did);
    if (err != ERR_OK)
        return err;
    gate->confirm_due = count == CONFIRM_PAGE;
    if (!gate->confirm_due)
        gate->confirm_at = 0;
    store_view_end(gate->store);
    return did ? gate_commit(gate) : ERR_OK;
}

/* --- steps --- */

/* Registered first, then made, then noted as made, then written: no copy exists that nobody knows of, and
 * none that held something is begun anew. */
static err_t make_new(struct gate *gate, int64_t now_us)
{
    static const struct gate_by by_gate = {{"gate", 4}, {"", 0}};
    err_t err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < store_copy_count(gate->store); i++) {
        const struct store_copy *copy = store_copy_at(gate->store, i);
        struct place place = {.state = PLACE_MADE, .at_us = now_us, .dir = str_of(copy->dir)};
        if (copy->made || store_copy_make(gate->store, i) != ERR_OK)
            continue;
        memcpy(place.label, copy->label, sizeof place.label);
        if (TRY(err, place_put(gate, &place, &by_gate, now_us)) || TRY(err, gate_commit(gate)))
            break;
        store_copy_begin(gate->store, i);
    }
    return err;
}

err_t gate_key_copies_step(struct gate *gate, int64_t now_us, bool *out_more)
{
    bool more;
    err_t err;
    *out_more = false;
    if (gate->read_only || (store_copy_count(gate->store) == 0 && gate->unconfirmed == 0))
        return ERR_OK;
    if (TRY(err, make_new(gate, now_us)))
        return err;
    more = bring_on(gate, 1);
    if (gate->unconfirmed > 0 && gate->confirm_due && away(gate) == 0 && TRY(err, confirm(gate, now_us)))
        return err;
    *out_more = more || gate->confirm_at != 0;
    return ERR_OK;
}

/* --- what is said of them --- */

struct telling_copies {
    struct gate *gate;
    void (*each)(void *ctx, const struct gate_key_copy *copy);
    void *ctx;
};

static err_t tell_one(void *ctx, const struct place *place)
{
    static const enum gate_key_copy_state states[] = {[STORE_COPY_UNREACHABLE] = GATE_KEY_COPY_UNREACHABLE,
                                                      [STORE_COPY_FOREIGN] = GATE_KEY_COPY_FOREIGN,
                                                      [STORE_COPY_BEHIND] = GATE_KEY_COPY_BEHIND,
                                                      [STORE_COPY_CURRENT] = GATE_KEY_COPY_CURRENT};
    struct telling_copies *t = ctx;
    struct gate_key_copy told = {.dir = place->dir,
                                 .state = GATE_KEY_COPY_FORGOTTEN,
                                 .made = true,
                                 .slots = place->slots,
                                 .at_us = place->at_us,
                                 .by = place->by,
                                 .because = place->because};
    size_t at;
    if (place->state != PLACE_LOST && is_registered(t->gate, place->dir, &at)) {
        const struct store_copy *copy = store_copy_at(t->gate->store, at);
        told.state = states[copy->state];
        told.err = copy->err;
        told.made = copy->made;
        told.slots = copy->slots;
        told.lost = copy->lost;
    }
    t->each(t->ctx, &told);
    return ERR_OK;
}

err_t gate_key_copies(struct gate *gate, void (*each)(void *ctx, const struct gate_key_copy *copy), void *ctx)
{
    struct telling_copies t = {gate, each, ctx};
    err_t err = places_each(gate, tell_one, &t);
    store_view_end(gate->store);
    return err;
}

void gate_key_copies_count(const struct gate *gate, struct gate_key_copies_count *out)
{
    *out = (struct gate_key_copies_count) {.registered = store_copy_count(gate->store),
                                           .unconfirmed = gate->unconfirmed};
    for (size_t i = 0; i < out->registered; i++) {
        const struct store_copy *copy = store_copy_at(gate->store, i);
        out->away += copy->state < STORE_COPY_BEHIND;
        out->behind += copy->state >= STORE_COPY_BEHIND &&
                       (copy->state == STORE_COPY_BEHIND || copy->slots < store_slots(gate->store));
    }
}

bool gate_is_unconfirmed(struct gate *gate, uint64_t lsn)
{
    uint8_t key[ROW_KEY_SIZE];
    struct bytes value;
    /* What cannot be looked up is not confirmed. */
    return gate->unconfirmed > 0 &&
           store_get(gate->store, TABLE_FACT, row_key('G', lsn, key), &value) != ERR_NOTFOUND;
}

uint64_t gate_key_slots(const struct gate *gate)
{
    return store_slots(gate->store);
}
