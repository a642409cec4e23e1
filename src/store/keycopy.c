#include "store/keycopy.h"

#include "core/mem.h"
#include "store/state.h"

enum { CHUNK_SLOTS = 4096, STEP_SLOTS = 8 * CHUNK_SLOTS }; /* 1 MiB a step: milliseconds */

_Static_assert((int)STORE_COPY_LABEL_SIZE == (int)KEYFILE_LABEL_SIZE, "one label");

/* What stands behind is not trusted any more: it is compared again from the beginning. */
static void set_back(struct store_copy *copy, enum store_copy_state state, err_t err)
{
    copy->state = state;
    copy->err = err;
    copy->slots = copy->lost = 0;
}

static void failed(struct store_copy *copy, err_t err)
{
    bool foreign = err == ERR_INVALID || err == ERR_CORRUPT || err == ERR_VERSION || err == ERR_EXISTS ||
                   err == ERR_CONFLICT;
    set_back(copy, foreign ? STORE_COPY_FOREIGN : STORE_COPY_UNREACHABLE, err);
}

/* --- which there are --- */

err_t store_copy_add(struct store *store, const char *dir, const uint8_t label[STORE_COPY_LABEL_SIZE],
                     bool made)
{
    size_t len = strlen(dir);
    if (len >= sizeof store->copies[0].dir)
        return ERR_LIMIT;
    for (size_t i = 0; i < store->copy_count; i++)
        if (strcmp(store->copies[i].dir, dir) == 0)
            return ERR_EXISTS;
    if (store->copy_count == STORE_COPIES_MAX)
        return ERR_FULL;
    struct store_copy *copy = &store->copies[store->copy_count++];
    *copy = (struct store_copy) {.err = ERR_NOTFOUND, .made = made};
    memcpy(copy->dir, dir, len + 1);
    memcpy(copy->label, label, sizeof copy->label);
    return ERR_OK;
}

void store_copy_drop(struct store *store, size_t at)
{
    must(at < store->copy_count);
    store->copy_count--;
    memmove(&store->copies[at], &store->copies[at + 1], (store->copy_count - at) * sizeof store->copies[0]);
}

size_t store_copy_count(const struct store *store)
{
    return store->copy_count;
}

const struct store_copy *store_copy_at(const struct store *store, size_t at)
{
    must(at < store->copy_count);
    return &store->copies[at];
}

bool store_copies_current(const struct store *store)
{
    for (size_t i = 0; i < store->copy_count; i++)
        if (store->copies[i].made && store->copies[i].state != STORE_COPY_CURRENT)
            return false;
    return true;
}

/* A group on its way is not durable; its slots count already. */
static bool settled(const struct store *store)
{
    return store_writable(store) && store->log.keyfile != NULL && store->log.write == NULL;
}

uint64_t store_slots(const struct store *store)
{
    const struct group *group = store->log.write == NULL ? NULL : store->log.write->group;
    return group == NULL ? store->log.next.slot_next : group->slot_first;
}

/* --- their files --- */

err_t store_copy_make(struct store *store, size_t at)
{
    must(at < store->copy_count);
    struct store_copy *copy = &store->copies[at];
    if (!store_writable(store))
        return ERR_READONLY;
    err_t err = keyfile_label(store->os, copy->dir, &store->log.node, store->log.suite, copy->label);
    if (err != ERR_OK)
        failed(copy, err);
    else
        set_back(copy, STORE_COPY_BEHIND, ERR_OK);
    return err;
}

void store_copy_begin(struct store *store, size_t at)
{
    must(at < store->copy_count);
    store->copies[at].made = true;
}

/* Is the log that it was written by last the one that we have? One that was set back has forgotten what was
 * destroyed since: it would bring secrets back. */
static err_t past_check(struct store *store, struct keyfile *file)
{
    struct keyfile_mark mark;
    struct frame commit;
    err_t err = keyfile_mark_read(file, &mark);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (mark.lsn_end > store->log.lsn_durable || mark.lsn_end < LSN_FIRST + COMMIT_FRAME_SIZE)
        return ERR_CONFLICT;
    if (TRY(err, log_read(&store->log, mark.lsn_end - COMMIT_FRAME_SIZE, &commit)))
        return err == ERR_NOMEM ? err : ERR_CONFLICT;
    struct hash digest = hash_sha256(commit.payload);
    return commit.kind == FRAME_COMMIT && hash_eq(&digest, &mark.digest) ? ERR_OK : ERR_CONFLICT;
}

static err_t copy_open(struct store *store, const struct store_copy *copy, struct keyfile **out)
{
    struct keyfile *file;
    err_t err = keyfile_open(store->os, copy->dir, &store->log.node, store->log.suite, KEYFILE_WRITE, &file);
    if (err != ERR_OK)
        return err;
    err = keyfile_labelled(file, copy->label);
    if (err == ERR_NOTFOUND)
        err = ERR_EXISTS;
    if (err == ERR_OK)
        err = past_check(store, file);
    if (err == ERR_OK)
        *out = file;
    else
        keyfile_close(file);
    return err;
}

/* Before anything of what the log says by now is done there. */
static err_t past_note(const struct store *store, struct keyfile *file)
{
    const struct log *log = &store->log;
    struct keyfile_mark mark = {log->lsn_durable, log->digest_durable}, before;
    if (log->lsn_durable == LSN_FIRST)
        return ERR_OK; /* no secret is there, and none was destroyed */
    err_t err = keyfile_mark_read(file, &before);
    if (err == ERR_OK && before.lsn_end == mark.lsn_end)
        return ERR_OK;
    return err == ERR_OK || err == ERR_NOTFOUND ? keyfile_mark_write(file, &mark) : err;
}

/* --- keeping one equal --- */

struct chunk {
    struct seal_secret ours[CHUNK_SLOTS], theirs[CHUNK_SLOTS];
};

/* Of one that was being written, or overwritten, when the power went, a part is there and the rest zeros. */
static bool is_torn(const struct seal_secret *theirs, const struct seal_secret *ours)
{
    for (size_t i = 0; i < sizeof theirs->b; i++)
        if (theirs->b[i] != 0 && theirs->b[i] != ours->b[i])
            return false;
    return true;
}

/* Makes `theirs` what has to stand there. *out_write: it has to be written. */
static err_t settle_slot(struct store_copy *copy, uint64_t slot, const struct seal_secret *ours,
                         struct seal_secret *theirs, store_copy_gone *gone, void *ctx, bool *out_write)
{
    bool destroyed;
    err_t err;
    *out_write = copy->distrust;
    if (!keyfile_is_destroyed(ours)) {
        if (!is_torn(theirs, ours))
            return ERR_CONFLICT;
        *out_write |= memcmp(ours->b, theirs->b, sizeof ours->b) != 0;
        *theirs = *ours;
        return ERR_OK;
    }
    if (seal_secret_destroyed(theirs)) {
        *out_write = true; /* once more, in case an earlier sync failed */
        return ERR_OK;
    }
    if (TRY(err, gone(ctx, slot, &destroyed)))
        return err;
    if (destroyed)
        *theirs = (struct seal_secret) {0};
    *out_write |= destroyed;
    copy->lost += !destroyed;
    return ERR_OK;
}

static err_t settle_chunk(struct store *store, struct store_copy *copy, struct keyfile *file,
                          struct chunk *chunk, size_t count, store_copy_gone *gone, void *ctx)
{
    size_t first = count, last = 0;
    err_t err;
    if (TRY(err, keyfile_slots_read(store->log.keyfile, copy->slots, chunk->ours, count)) ||
        TRY(err, keyfile_slots_read(file, copy->slots, chunk->theirs, count)))
        return err;
    for (size_t i = 0; i < count; i++) {
        bool write = false;
        if (TRY(err,
                settle_slot(copy, copy->slots + i, &chunk->ours[i], &chunk->theirs[i], gone, ctx, &write)))
            return err;
        if (!write)
            continue;
        first = first < i ? first : i;
        last = i;
    }
    if (first == count)
        return ERR_OK;
    return keyfile_slots_write(
        file, copy->slots + first,
        bytes_of(chunk->theirs[first].b, (last - first + 1) * sizeof chunk->theirs[0]));
}

/* From where it stands, synced at the end: what an earlier process wrote may not be on the disk. */
static err_t copy_on(struct store *store, struct store_copy *copy, struct keyfile *file,
                     store_copy_gone *gone, void *ctx)
{
    uint64_t slots = store_slots(store);
    uint64_t until = slots - copy->slots < STEP_SLOTS ? slots : copy->slots + STEP_SLOTS;
    err_t err = past_note(store, file);
    if (err != ERR_OK)
        return err;
    struct chunk *chunk = mem_alloc(sizeof *chunk);
    if (chunk == NULL)
        return ERR_NOMEM;
    while (copy->slots < until && err == ERR_OK) {
        uint64_t left = until - copy->slots;
        size_t count = left < CHUNK_SLOTS ? (size_t)left : CHUNK_SLOTS;
        if (!TRY(err, settle_chunk(store, copy, file, chunk, count, gone, ctx)))
            copy->slots += count;
    }
    mem_free_secret(chunk, sizeof *chunk);
    return err == ERR_OK ? keyfile_sync(file) : err;
}

static void copy_step(struct store *store, struct store_copy *copy, store_copy_gone *gone, void *ctx)
{
    struct keyfile *file;
    uint64_t slots = store_slots(store);
    err_t err;
    if (TRY(err, copy_open(store, copy, &file))) {
        failed(copy, err);
        return;
    }
    if (copy->state != STORE_COPY_CURRENT || copy->slots < slots)
        err = copy_on(store, copy, file, gone, ctx);
    keyfile_close(file);
    if (err != ERR_OK) {
        copy->distrust = true;
        failed(copy, err);
        return;
    }
    copy->state = copy->slots < slots ? STORE_COPY_BEHIND : STORE_COPY_CURRENT;
    copy->err = ERR_OK;
    copy->distrust &= copy->state != STORE_COPY_CURRENT;
}

bool store_copies_step(struct store *store, store_copy_gone *gone, void *ctx)
{
    bool more = false;
    for (size_t i = 0; settled(store) && i < store->copy_count; i++) {
        if (!store->copies[i].made)
            continue;
        copy_step(store, &store->copies[i], gone, ctx);
        more |= store->copies[i].state == STORE_COPY_BEHIND;
    }
    return more;
}

/* --- destroying --- */

err_t store_copy_erase(struct store *store, size_t at)
{
    must(at < store->copy_count);
    struct store_copy *copy = &store->copies[at];
    struct keyfile *file;
    if (!store_writable(store))
        return ERR_READONLY;
    err_t err = copy_open(store, copy, &file);
    if (err == ERR_OK) {
        err = past_note(store, file);
        if (err == ERR_OK)
            err = keyfile_erase(file);
        keyfile_close(file);
        copy->distrust |= err != ERR_OK;
    }
    if (err != ERR_OK)
        failed(copy, err);
    else
        set_back(copy, STORE_COPY_BEHIND, ERR_OK);
    return err;
}

/* Those that it has not come to yet go when it does. */
static err_t destroy_at(struct store *store, struct store_copy *copy, const uint64_t *slots, size_t count)
{
    struct keyfile *file;
    uint64_t *mine = mem_alloc_array(count + 1, sizeof *mine);
    size_t mine_count = 0;
    err_t err;
    if (mine == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        if (slots[i] < copy->slots)
            mine[mine_count++] = slots[i];
    if (!TRY(err, copy_open(store, copy, &file))) {
        err = past_note(store, file);
        if (err == ERR_OK)
            err = keyfile_destroy(file, mine, mine_count);
        keyfile_close(file);
    }
    mem_free(mine);
    return err;
}

void copies_destroy(struct store *store, const uint64_t *slots, size_t count)
{
    for (size_t i = 0; i < store->copy_count; i++) {
        struct store_copy *copy = &store->copies[i];
        if (copy->slots == 0)
            continue;
        err_t err = destroy_at(store, copy, slots, count);
        if (err == ERR_OK)
            continue;
        copy->distrust = true;
        failed(copy, err);
    }
}
