/* Jobs: old decisions that a new fact asks for again. They wait in the index; the cursor moves with the
 * DECIDE that did the work. */
#include "core/rd.h"
#include "core/wr.h"
#include "gate/mint.h"

enum { JOB_KEY_SIZE = 1 + 4, LIST_KEY_SIZE = 8, LIST_MAX = 4096 };

static struct bytes job_key(uint32_t number, uint8_t out[JOB_KEY_SIZE])
{
    out[0] = 'J';
    wr_at(out + 1, number, 4);
    return bytes_of(out, JOB_KEY_SIZE);
}

static err_t job_save(struct gate *gate, const struct job *job)
{
    uint8_t key[JOB_KEY_SIZE], raw[64];
    struct buf out = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_u8(&out, (uint8_t)job->scope);
    wr_u64(&out, job->partners);
    wr_bytes(&out, bytes_of(job->key.b, STIX_KEY_SIZE));
    wr_u16(&out, job->source);
    wr_u64(&out, job->cursor);
    wr_u64(&out, job->until);
    must(buf_err(&out) == ERR_OK);
    return store_put(gate->store, TABLE_FACT, job_key(job->number, key), buf_bytes(&out));
}

static err_t job_read(struct bytes key, struct bytes value, struct job *out)
{
    struct rd key_rd = rd_of(key), rd = rd_of(value);
    (void)rd_u8(&key_rd);
    out->number = rd_u32(&key_rd);
    out->scope = (enum job_scope)rd_u8(&rd);
    out->partners = rd_u64(&rd);
    rd_copy(&rd, out->key.b, STIX_KEY_SIZE);
    out->source = rd_u16(&rd);
    out->cursor = rd_u64(&rd);
    out->until = rd_u64(&rd);
    return rd_end(&key_rd) == ERR_OK && rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

/* Its row goes, and the list of what it asks for. */
static err_t job_delete(struct gate *gate, const struct job *job)
{
    uint8_t key[JOB_KEY_SIZE], full[FACT_KEY_SIZE_MAX];
    struct bytes list = bytes_of(job->key.b, LIST_KEY_SIZE);
    err_t err = store_delete(gate->store, TABLE_FACT, job_key(job->number, key));
    return err != ERR_OK || job->scope != JOB_LISTED
               ? err
               : store_delete(gate->store, TABLE_FACT, fact_key(RECORD_FACT_RECHECK, list, full));
}

static void join(struct job *into, const struct job *more)
{
    into->partners |= more->partners;
    if (more->until > into->until)
        into->until = more->until;
}

/* One job over everything stands for all that wait, and one that takes back for all that do. What is logged
 * must be applied, now and on every replay: a full queue may cost work, never an error. */
static err_t jobs_fold(struct gate *gate, struct job *job)
{
    struct job back = {.scope = JOB_WITHDRAW};
    size_t kept = 0;
    if (job->scope == JOB_SUSPENDED)
        join(&back, job);
    for (size_t i = 0; i < gate->job_count; i++) {
        if (gate->jobs[i].scope == JOB_WITHDRAW) {
            gate->jobs[kept++] = gate->jobs[i];
            continue;
        }
        err_t err = job_delete(gate, &gate->jobs[i]);
        if (err != ERR_OK)
            return err;
        join(job, &gate->jobs[i]);
        if (gate->jobs[i].scope == JOB_SUSPENDED)
            join(&back, &gate->jobs[i]);
    }
    gate->job_count = kept;
    job->scope = JOB_ALL;
    job->cursor = LSN_FIRST;
    return back.partners == 0 ? ERR_OK : withdraw_begin(gate, back.partners, back.until);
}

err_t job_add(struct gate *gate, const struct job *job)
{
    struct job wanted = *job;
    err_t err;
    if (job->partners == 0)
        return ERR_OK;
    if (gate->job_count >= LIMIT_JOBS && TRY(err, jobs_fold(gate, &wanted)))
        return err;
    struct job *fresh = &gate->jobs[gate->job_count];
    *fresh = wanted;
    fresh->number = ++gate->job_last;
    if (TRY(err, job_save(gate, fresh)) || TRY(err, meta_put_u64(gate, "job", gate->job_last)))
        return err;
    gate->job_count++;
    return ERR_OK;
}

err_t job_moved(struct gate *gate, uint32_t number, uint64_t cursor)
{
    size_t at = 0;
    while (at < gate->job_count && gate->jobs[at].number != number)
        at++;
    if (at == gate->job_count)
        return ERR_CORRUPT;
    gate->jobs[at].cursor = cursor;
    if (cursor != UINT64_MAX)
        return job_save(gate, &gate->jobs[at]);
    struct job done = gate->jobs[at];
    memmove(gate->jobs + at, gate->jobs + at + 1, (gate->job_count - at - 1) * sizeof *gate->jobs);
    gate->job_count--;
    return job_delete(gate, &done);
}

err_t withdraw_begin(struct gate *gate, uint64_t partners, uint64_t until)
{
    struct job *held = job_withdraw(gate);
    struct job job = {.scope = JOB_WITHDRAW, .partners = partners, .cursor = LSN_FIRST, .until = until};
    if (held == NULL)
        return job_add(gate, &job);
    held->partners |= partners;
    held->cursor = LSN_FIRST;
    held->until = until;
    return job_save(gate, held);
}

uint64_t jobs_coming(const struct gate *gate, uint64_t lsn)
{
    uint64_t partners = 0;
    for (size_t i = 0; i < gate->job_count; i++)
        if (gate->jobs[i].scope == JOB_ALL && lsn >= gate->jobs[i].cursor && lsn < gate->jobs[i].until)
            partners |= gate->jobs[i].partners;
    return partners;
}

struct job *job_withdraw(struct gate *gate)
{
    for (size_t i = 0; i < gate->job_count; i++)
        if (gate->jobs[i].scope == JOB_WITHDRAW)
            return &gate->jobs[i];
    return NULL;
}

struct job *job_suspended(struct gate *gate)
{
    for (size_t i = 0; i < gate->job_count; i++)
        if (gate->jobs[i].scope == JOB_SUSPENDED)
            return &gate->jobs[i];
    return NULL;
}

struct job *job_next(struct gate *gate)
{
    for (size_t i = 0; i < gate->job_count; i++)
        if (gate->jobs[i].scope != JOB_WITHDRAW && gate->jobs[i].scope != JOB_SUSPENDED)
            return &gate->jobs[i];
    return NULL;
}

err_t jobs_load(struct gate *gate)
{
    uint64_t last = 0;
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = meta_get_u64(gate, "job", &last);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    gate->job_last = (uint32_t)last;
    if (TRY(err, store_scan_open(gate->store, TABLE_FACT, bytes_of("J", 1), bytes_of(NULL, 0), &scan)))
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK && gate->job_count < LIMIT_JOBS) {
        if (TRY(err, job_read(key, value, &gate->jobs[gate->job_count])))
            break;
        gate->job_count++;
    }
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* All that is minted names the node's own identity, and nothing of what it is made of does. */
static bool is_about_maker(const struct gate *gate, const struct job *job)
{
    struct stix_key self;
    return job->scope == JOB_REFERRERS && mint_creator_key(gate, &self) && stix_key_eq(&self, &job->key);
}

/* What this frame stands for in a job over the log: an object, or what it is another copy of (that binds with
 * it, and translations wait for both); 0: nothing. */
static uint64_t job_means(const struct job *job, const struct frame *frame, bool all)
{
    struct record_envelope envelope;
    if ((frame->kind != FRAME_OBJ && frame->kind != FRAME_QUAR) ||
        record_envelope_read(frame->envelope, &envelope) != ERR_OK)
        return 0;
    bool his = envelope.source == job->source, rival = envelope.reason == RECORD_QUARANTINE_CONFLICT;
    if (frame->kind == FRAME_QUAR)
        return his && rival && !all ? envelope.about : 0;
    return all || (his && job->scope == JOB_SOURCE) ? frame->lsn : 0;
}

static err_t page_of_list(struct gate *gate, const struct job *job, uint64_t *out, size_t size,
                          size_t *out_count, uint64_t *out_cursor)
{
    struct bytes value;
    size_t count = 0;
    err_t err = fact_get(gate, RECORD_FACT_RECHECK, bytes_of(job->key.b, LIST_KEY_SIZE), &value);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
    if (job->cursor > value.len / 8 || value.len % 8 != 0)
        return ERR_CORRUPT;
    struct rd rd = rd_of(bytes_of(value.at + 8 * job->cursor, value.len - 8 * job->cursor));
    while (count < size && rd.left > 0)
        out[count++] = rd_u64(&rd);
    *out_count = count;
    *out_cursor = rd.left > 0 ? job->cursor + count : UINT64_MAX;
    return ERR_OK;
}

err_t job_page(struct gate *gate, const struct job *job, uint64_t *out, size_t size, size_t *out_count,
               uint64_t *out_cursor)
{
    size_t count = 0;
    err_t err = ERR_OK;
    uint64_t cursor = UINT64_MAX;
    bool all = job->scope == JOB_ALL || is_about_maker(gate, job);
    if (job->scope == JOB_LISTED)
        return page_of_list(gate, job, out, size, out_count, out_cursor);
    if (job->scope == JOB_OBJECT || job->scope == JOB_SUSPENDED) {
        struct copies copies;
        err = copies_load(gate, &job->key, &copies);
        for (size_t i = 0; err == ERR_OK && i < copies.count && count < size; i++)
            if (copy_is_current(&copies, &copies.at[i]) ||
                rival_beside(gate, &job->key, &copies, &copies.at[i]))
                out[count++] = copies.at[i].lsn;
    } else if (job->scope == JOB_REFERRERS && !all) {
        err = namers(gate, &job->key, job->cursor, out, size, &count);
        if (err == ERR_OK && count == size)
            cursor = out[count - 1] + 1;
    } else {
        struct store_iter iter = store_iter(gate->store, job->cursor, job->until);
        struct frame frame;
        while (count < size && (err = store_iter_next(&iter, &frame)) == ERR_OK) {
            uint64_t lsn = job_means(job, &frame, all);
            if (lsn != 0)
                out[count++] = lsn;
        }
        if (err == ERR_OK)
            cursor = iter.lsn;
        err = err == ERR_NOTFOUND ? ERR_OK : err;
    }
    *out_count = count;
    *out_cursor = cursor;
    return err;
}

err_t job_recheck(struct gate *gate, const struct stix_key *key, int64_t now_us, const char *because)
{
    struct record_fact fact = {.kind = RECORD_FACT_RECHECK,
                               .key = bytes_of(key->b, STIX_KEY_SIZE),
                               .value = bytes_of("", 0),
                               .by = STR("gate"),
                               .because = str_of(because),
                               .at_us = now_us};
    uint64_t lsn;
    buf_clear(&gate->record);
    record_fact_write(&gate->record, &fact);
    err_t err = gate_append(gate, FRAME_JOB, &lsn);
    return err != ERR_OK ? err : gate_torn(gate, fact_apply(gate, lsn, &fact), "a job could not be noted");
}

bool job_is_list(const struct record_fact *fact, struct job *job)
{
    if (fact->kind != RECORD_FACT_RECHECK || fact->key.len != LIST_KEY_SIZE)
        return false;
    memcpy(job->key.b, fact->key.at, LIST_KEY_SIZE);
    job->scope = JOB_LISTED;
    job->cursor = 0;
    return true;
}

err_t job_list(struct gate *gate, const uint64_t *lsns, size_t count, int64_t now_us, const char *because)
{
    const struct gate_by by = {STR("gate"), str_of(because)};
    err_t err = ERR_OK;
    for (size_t from = 0; from < count && err == ERR_OK; from += LIST_MAX) {
        uint8_t key[LIST_KEY_SIZE];
        if (TRY(err, gate_group(gate)))
            return err;
        wr_at_u64(key, store_end_lsn(gate->store)); /* rises with each */
        buf_clear(&gate->scratch);
        for (size_t i = from; i < count && i < from + LIST_MAX; i++)
            wr_u64(&gate->scratch, lsns[i]);
        err = fact_state(gate, RECORD_FACT_RECHECK, bytes_of(key, sizeof key), &by, now_us);
    }
    return err;
}
