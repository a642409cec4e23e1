/* Copies of an id (versions, variants, quarantined ones) in the ID table, and decisions in the STATE table.
 */
#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"

enum { ID_KEY_SIZE = STIX_KEY_SIZE + STAMP_KEY_SIZE + 8, ID_VALUE_SIZE = 16 + 2 + 2 + 1 + 16 };

static void put_u64(uint8_t *at, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | at[i];
    return v;
}

static struct bytes copy_key(const struct stix_key *key, struct stamp version, uint64_t lsn,
                             uint8_t out[ID_KEY_SIZE])
{
    memcpy(out, key->b, STIX_KEY_SIZE);
    stamp_key(version, out + STIX_KEY_SIZE);
    put_u64(out + STIX_KEY_SIZE + STAMP_KEY_SIZE, lsn);
    return bytes_of(out, ID_KEY_SIZE);
}

err_t copy_delete(struct gate *gate, const struct stix_key *key, struct stamp version, uint64_t lsn)
{
    uint8_t raw_key[ID_KEY_SIZE];
    return store_delete(gate->store, TABLE_ID, copy_key(key, version, lsn, raw_key));
}

void copies_unspilled(const struct gate *gate, struct copies *copies)
{
    size_t kept = 0;
    for (size_t i = 0; i < copies->count; i++)
        if (!spilled(gate, copies->at[i].lsn))
            copies->at[kept++] = copies->at[i];
    copies->count = kept;
}

err_t copy_put(struct gate *gate, const struct stix_key *key, const struct copy *copy)
{
    uint8_t raw_key[ID_KEY_SIZE], value[ID_VALUE_SIZE];
    memcpy(value, copy->canon, sizeof copy->canon);
    value[16] = (uint8_t)(copy->source >> 8);
    value[17] = (uint8_t)copy->source;
    value[18] = (uint8_t)(copy->owner >> 8);
    value[19] = (uint8_t)copy->owner;
    value[20] = copy->flags;
    memcpy(value + 21, copy->creator, sizeof copy->creator);
    return store_put(gate->store, TABLE_ID, copy_key(key, copy->version, copy->lsn, raw_key),
                     bytes_of(value, sizeof value));
}

static err_t copy_read(struct bytes key, struct bytes value, struct copy *out)
{
    if (key.len != ID_KEY_SIZE || value.len != ID_VALUE_SIZE)
        return ERR_CORRUPT;
    out->version = stamp_from_key(key.at + STIX_KEY_SIZE);
    out->lsn = get_u64(key.at + STIX_KEY_SIZE + STAMP_KEY_SIZE);
    memcpy(out->canon, value.at, sizeof out->canon);
    out->source = (uint16_t)(value.at[16] << 8 | value.at[17]);
    out->owner = (uint16_t)(value.at[18] << 8 | value.at[19]);
    out->flags = value.at[20];
    memcpy(out->creator, value.at + 21, sizeof out->creator);
    return ERR_OK;
}

bool copy_speaks(const struct copy *copy)
{
    return (copy->flags & (COPY_ASSERTION | COPY_QUARANTINED | COPY_SEEN)) == 0;
}

bool copy_says_same(const struct copy *a, const struct copy *b)
{
    return stamp_cmp(a->version, b->version) == 0 && memcmp(a->canon, b->canon, sizeof a->canon) == 0;
}

/* Room for one more. Strangers' words go first: no number of them may push out what the owner said. */
static void make_room(struct copies *copies)
{
    size_t gone = 0;
    while (gone < copies->count && copy_speaks(&copies->at[gone]))
        gone++;
    if (gone == copies->count)
        gone = 0;
    memmove(copies->at + gone, copies->at + gone + 1, (copies->count - gone - 1) * sizeof *copies->at);
    copies->count--;
}

err_t copies_load(struct gate *gate, const struct stix_key *key, struct copies *out)
{
    struct store_scan *scan;
    struct bytes raw_key, value;
    out->count = 0;
    err_t err =
        store_scan_open(gate->store, TABLE_ID, bytes_of(key->b, STIX_KEY_SIZE), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &raw_key, &value)) == ERR_OK) {
        if (out->count == LIMIT_COPIES)
            make_room(out);
        if (TRY(err, copy_read(raw_key, value, &out->at[out->count])))
            break;
        out->count++;
    }
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

const struct copy *copies_newest(const struct copies *copies)
{
    const struct copy *newest = NULL;
    for (size_t i = 0; i < copies->count; i++) {
        const struct copy *copy = &copies->at[i];
        if (!copy_speaks(copy))
            continue;
        int order = newest == NULL ? 1 : stamp_cmp(copy->version, newest->version);
        if (order > 0 || (order == 0 && copy->lsn > newest->lsn))
            newest = copy;
    }
    return newest;
}

bool copy_is_current(const struct copies *copies, const struct copy *copy)
{
    if (!copy_speaks(copy))
        return false;
    if ((copy->flags & COPY_SCO) == 0)
        return copies_newest(copies) == copy;
    for (size_t i = 0; i < copies->count; i++)
        if (copy_speaks(&copies->at[i]) && copies->at[i].source == copy->source &&
            copies->at[i].lsn > copy->lsn)
            return false;
    return true;
}

/* --- STATE --- */

static struct bytes state_key(uint64_t lsn, uint8_t out[8])
{
    put_u64(out, lsn);
    return bytes_of(out, 8);
}

static void waits_read(struct rd *rd, struct state *out)
{
    out->budgeted = rd_u64(rd);
    uint8_t count = rd_u8(rd);
    for (size_t i = 0; i < count && i < STATE_WAITS_MAX; i++) {
        uint8_t where = rd_u8(rd);
        out->waits[i].partner = where % LIMIT_PARTNERS;
        out->waits[i].queued = where >= LIMIT_PARTNERS;
        out->waits[i].rule = rd_u16(rd);
        out->waits[i].since_us = (int64_t)rd_u64(rd);
        out->wait_count++;
    }
}

static void waits_write(struct buf *out, const struct state *state)
{
    wr_u64(out, state->budgeted);
    wr_u8(out, state->wait_count);
    for (size_t i = 0; i < state->wait_count; i++) {
        wr_u8(out, (uint8_t)(state->waits[i].partner + (state->waits[i].queued ? LIMIT_PARTNERS : 0)));
        wr_u16(out, state->waits[i].rule);
        wr_u64(out, (uint64_t)state->waits[i].since_us);
    }
}

/* Most states need neither of what these flags announce. */
static uint8_t flags_of(const struct state *state)
{
    unsigned flags = state->flags & STATE_OLD;
    for (size_t i = 0; i < state->release_count; i++)
        if (state->releases[i].ended != 0 || state->releases[i].expires_us != INT64_MAX)
            flags |= STATE_ENDS;
    flags |= state->minted != 0 ? STATE_MINTED : 0;
    return (uint8_t)(flags | (state->wait_count > 0 || state->budgeted != 0 ? STATE_WAITS : 0));
}

uint64_t state_before(const struct state *state)
{
    uint64_t before = 0;
    for (size_t i = 0; i < state->release_count; i++)
        before |= state->releases[i].before;
    return before;
}

/* What an earlier epoch brought stands in the row, so that its time stays over; it is no release any more. */
static void set_before(const struct gate *gate, struct state *state)
{
    uint64_t had = 0, has = 0, before = 0;
    for (size_t i = 0; i < state->release_count; i++) {
        struct state_release *release = &state->releases[i];
        release->before = release->mask & epoch_before(gate, release->decide);
        release->mask &= ~release->before;
        before |= release->before;
        had |= release->mask;
        has |= release->mask & ~release->ended;
    }
    state->released &= ~before | has;
    state->superseded &= ~before | had;
}

err_t state_read(const struct gate *gate, struct bytes value, struct state *out)
{
    struct rd rd = rd_of(value);
    out->released = rd_u64(&rd);
    out->blocked = rd_u64(&rd);
    out->superseded = rd_u64(&rd);
    out->change_us = (int64_t)rd_u64(&rd);
    out->outcome = rd_u32(&rd);
    out->flags = rd_u8(&rd);
    out->release_count = rd_u8(&rd);
    out->minted = 0;
    if (out->release_count > STATE_RELEASES_MAX)
        return ERR_CORRUPT;
    for (size_t i = 0; i < out->release_count; i++) {
        out->releases[i].decide = rd_u64(&rd);
        out->releases[i].entry = rd_u32(&rd);
        out->releases[i].mask = rd_u64(&rd);
        out->releases[i].before = 0;
        bool ends = (out->flags & STATE_ENDS) != 0;
        out->releases[i].ended = ends ? rd_u64(&rd) : 0;
        out->releases[i].expires_us = ends ? (int64_t)rd_u64(&rd) : INT64_MAX;
    }
    if ((out->flags & STATE_MINTED) != 0)
        out->minted = rd_u64(&rd);
    out->wait_count = 0;
    out->budgeted = 0;
    if ((out->flags & STATE_WAITS) != 0)
        waits_read(&rd, out);
    if (gate->epochs != 0)
        set_before(gate, out);
    return rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

err_t state_load(struct gate *gate, uint64_t lsn, struct state *out)
{
    uint8_t key[8];
    struct bytes value;
    err_t err = store_get_since(gate->store, lsn, TABLE_STATE, state_key(lsn, key), &value);
    return err != ERR_OK ? err : state_read(gate, value, out);
}

err_t state_put(struct gate *gate, uint64_t lsn, const struct state *state)
{
    uint8_t key[8], raw[8 + 8 + 8 + 8 + 4 + 1 + 1 + STATE_RELEASES_MAX * (8 + 4 + 8 + 8 + 8) + 8 + 8 + 1 +
                        STATE_WAITS_MAX * (1 + 2 + 8)];
    uint8_t flags = flags_of(state);
    struct buf out = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_u64(&out, state->released);
    wr_u64(&out, state->blocked);
    wr_u64(&out, state->superseded);
    wr_u64(&out, (uint64_t)state->change_us);
    wr_u32(&out, state->outcome);
    wr_u8(&out, flags);
    wr_u8(&out, state->release_count);
    for (size_t i = 0; i < state->release_count; i++) {
        wr_u64(&out, state->releases[i].decide);
        wr_u32(&out, state->releases[i].entry);
        wr_u64(&out, state->releases[i].mask | state->releases[i].before);
        if ((flags & STATE_ENDS) == 0)
            continue;
        wr_u64(&out, state->releases[i].ended);
        wr_u64(&out, (uint64_t)state->releases[i].expires_us);
    }
    if ((flags & STATE_MINTED) != 0)
        wr_u64(&out, state->minted);
    if ((flags & STATE_WAITS) != 0)
        waits_write(&out, state);
    must(buf_err(&out) == ERR_OK);
    return store_put(gate->store, TABLE_STATE, state_key(lsn, key), buf_bytes(&out));
}

uint64_t state_expired(const struct state *state, int64_t now_us)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < state->release_count; i++)
        if (state->releases[i].expires_us <= now_us)
            mask |= state->releases[i].mask | state->releases[i].before;
    return mask;
}

uint64_t state_worn(const struct state *state, uint64_t partners, size_t bound_count,
                    const struct copies *copies)
{
    uint64_t fresh = partners & ~state->released;
    size_t most = (bound_count + 1) * (copies->count + 1), rows = (size_t)__builtin_popcountll(fresh);
    return state->release_count + (rows < most ? rows : most) <= STATE_RELEASES_MAX ? 0 : fresh;
}

int64_t state_ends_us(const struct state *state)
{
    int64_t soonest_us = INT64_MAX;
    for (size_t i = 0; i < state->release_count; i++) {
        const struct state_release *release = &state->releases[i];
        if ((release->mask & ~release->ended) != 0 && release->expires_us < soonest_us)
            soonest_us = release->expires_us;
    }
    return soonest_us;
}

err_t copies_held(struct gate *gate, const struct copies *copies, struct holders *out)
{
    struct holders held = {0};
    for (size_t i = 0; i < copies->count; i++) {
        const struct copy *copy = &copies->at[i];
        if ((copy->flags & COPY_QUARANTINED) != 0)
            continue;
        const struct gate_source *source = gate_source_get(gate, copy->source);
        if (source != NULL && source->partner >= 0)
            held.plain |= UINT64_C(1) << source->partner;
        struct state state;
        err_t err = state_load(gate, copy->lsn, &state);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
        if (err == ERR_OK) {
            held.plain |= state.released;
            held.minted |= state.minted;
        }
    }
    *out = held;
    return ERR_OK;
}
