#include <stdio.h>

#include "core/mem.h"
#include "core/wr.h"
#include "gate/echo.h"
#include "gate/mint.h"
#include "gate/personal.h"
#include "gate/told.h"
#include "gate/words.h"
#include "store/index_lmdb.h"

enum {
    FACTS_BYTES_MAX = 256 << 20,
    ARENA_BYTES_MAX = 512 << 20,
    RECORD_BYTES_MAX = LIMIT_FRAME_BYTES,
    PARSE_BYTES_MAX = LIMIT_BATCH_BYTES + LIMIT_OBJECT_BYTES + JSON_PADDING,
};

void gate_fail(struct gate *gate, err_t err, const char *why)
{
    if (gate->read_only)
        return;
    gate->read_only = true;
    gate->why = why;
    diag_say(gate->diag, DIAG_ERROR, err, "gate",
             "look at the disk, then restart the node; it serves what is durable until then", "%s: %s", why,
             err_text(err));
}

err_t gate_torn(struct gate *gate, err_t err, const char *why)
{
    if (err == ERR_OK || !gate->group_open)
        return err; /* nothing was appended: the index lags, or the disk is gone already */
    store_group_abort(gate->store);
    gate->group_open = false;
    gate_fail(gate, err, why);
    return err;
}

err_t gate_group(struct gate *gate)
{
    if (gate->read_only)
        return ERR_READONLY;
    if (gate->group_open)
        return ERR_OK;
    err_t err = store_group_begin(gate->store);
    if (err == ERR_OK)
        gate->group_open = true;
    else if (err == ERR_READONLY)
        gate_fail(gate, err, "the log's writer has stopped");
    return err;
}

err_t gate_append(struct gate *gate, enum frame_kind kind, uint64_t *out_lsn)
{
    err_t err = buf_err(&gate->record);
    if (err != ERR_OK || TRY(err, gate_group(gate)))
        return err;
    struct bytes part = buf_bytes(&gate->record);
    err = store_append(gate->store, kind, &part, 1, out_lsn);
    if (err != ERR_FULL)
        return err;
    /* A full group goes to the disk; the frame opens the next. */
    if (TRY(err, gate_commit(gate)) || TRY(err, gate_group(gate)))
        return err;
    return store_append(gate->store, kind, &part, 1, out_lsn);
}

/* How many objects are held stands in the index beside them: counting them again would be a walk at every
 * start.
 */
static err_t count_keep(struct gate *gate)
{
    if (gate->object_count == gate->object_count_kept)
        return ERR_OK;
    gate->object_count_kept = gate->object_count;
    return meta_put_u64(gate, "objects", gate->object_count);
}

err_t gate_commit(struct gate *gate)
{
    if (!gate->group_open)
        return gate->read_only ? ERR_READONLY : ERR_OK;
    gate->group_open = false;
    err_t err = count_keep(gate);
    if (err == ERR_OK)
        err = store_group_commit(gate->store);
    if (err != ERR_OK) {
        gate_fail(gate, err, "a group could not be made durable");
        return err;
    }
    views_publish(gate);
    return ERR_OK;
}

bool gate_merge_due(const struct gate *gate)
{
    return store_merge_due(gate->store, false);
}

/* The index must never name hashes that a power loss can take away. */
static err_t merge_begin(struct gate *gate, bool any)
{
    struct gate_merge *merging = &gate->merging;
    err_t err;
    if (TRY(err, store_merge_begin(gate->store, any, &merging->merge)) ||
        !TRY(err, views_sync_begin(gate, &merging->sync)))
        return err;
    return store_merge_done(gate->store, merging->merge, err);
}

err_t gate_merge_begin(struct gate *gate, struct gate_merge **out)
{
    err_t err;
    if (!store_merge_due(gate->store, false))
        return ERR_NOTFOUND;
    if ((gate->group_open && TRY(err, gate_commit(gate))) || TRY(err, merge_begin(gate, false)))
        return err;
    *out = &gate->merging;
    return ERR_OK;
}

err_t gate_merge_run(struct gate_merge *merge)
{
    err_t err = views_sync_run(&merge->sync);
    return err != ERR_OK ? err : store_merge_run(merge->merge);
}

err_t gate_merge_done(struct gate *gate, struct gate_merge *merge, err_t err)
{
    return store_merge_done(gate->store, merge->merge, err);
}

/* Everything of it at once; success when there is nothing to do. */
static err_t merge_whole(struct gate *gate, bool any)
{
    err_t err;
    while (!TRY(err, merge_begin(gate, any)))
        if (TRY(err, gate_merge_done(gate, &gate->merging, gate_merge_run(&gate->merging))))
            return err;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t gate_merge(struct gate *gate, bool any)
{
    err_t err;
    if (gate->group_open && TRY(err, gate_commit(gate)))
        return err;
    return merge_whole(gate, any);
}

/* --- replay --- */

static err_t replay_fact(struct gate *gate, const struct frame *frame)
{
    struct record_fact fact;
    err_t err = record_fact_read(frame->payload, &fact);
    return err != ERR_OK ? err : fact_apply(gate, frame->lsn, &fact);
}

static err_t replay_policy(struct gate *gate, const struct frame *frame)
{
    struct record_policy policy;
    err_t err = record_policy_read(frame->payload, &policy);
    return err != ERR_OK ? err : policy_apply(gate, frame->lsn, &policy);
}

static err_t replay_decide(struct gate *gate, const struct frame *frame)
{
    struct record_decide decide;
    arena_reset(&gate->step_arena);
    err_t err = record_decide_read(frame->payload, &gate->step_arena, &decide);
    return err != ERR_OK ? err : decide_apply(gate, frame->lsn, &decide, NULL);
}

static err_t replay_note(struct gate *gate, const struct frame *frame,
                         err_t (*apply)(struct gate *, uint64_t, const struct record_note *))
{
    struct record_note note;
    err_t err = record_note_read(frame->payload, &note);
    return err != ERR_OK ? err : apply(gate, frame->lsn, &note);
}

static err_t replay_recall(struct gate *gate, const struct frame *frame)
{
    struct record_recall recall;
    struct arena arena; /* applying uses the gate's */
    arena_init(&arena, LIMIT_FRAME_BYTES * 4u);
    err_t err = record_recall_read(frame->payload, &arena, &recall);
    if (err == ERR_OK)
        err = recall_apply(gate, frame->lsn, &recall);
    arena_deinit(&arena);
    return err;
}

static err_t replay_purged(struct gate *gate, const struct frame *frame)
{
    struct record_purged purged;
    err_t err = record_purged_read(frame->payload, &purged);
    return err != ERR_OK ? err : purged_apply(gate, &purged);
}

static err_t replay_frame(struct gate *gate, const struct frame *frame)
{
    switch (frame->kind) {
    case FRAME_OBJ:
    case FRAME_SEEN:
    case FRAME_QUAR:
        return object_replay(gate, frame);
    case FRAME_MINT:
        return mint_replay(gate, frame);
    case FRAME_SECRET:
        return secret_replay(gate, frame);
    case FRAME_JOB:
        return replay_fact(gate, frame);
    case FRAME_POLICY:
        return replay_policy(gate, frame);
    case FRAME_DECIDE:
        return replay_decide(gate, frame);
    case FRAME_CHECKPOINT:
        return replay_note(gate, frame, checkpoint_apply);
    case FRAME_CURSOR:
        return replay_note(gate, frame, cursor_apply);
    case FRAME_RECEIPT:
        return replay_note(gate, frame, receipt_apply);
    case FRAME_RECALL:
        return replay_recall(gate, frame);
    case FRAME_PURGED:
        return replay_purged(gate, frame);
    default:
        /* EPOCH is reserved: a log that holds one was written by a newer bongsu. */
        return ERR_VERSION;
    }
}

/* A log whose index is far behind, or gone, does not fit into memory: what was replayed moves to the index as
 * it fills up. */
static err_t merge_on_the_way(struct gate *gate)
{
    return store_merge_due(gate->store, false) ? merge_whole(gate, false) : ERR_OK;
}

static err_t replay(struct gate *gate)
{
    gate->replay_from = store_applied_lsn(gate->store);
    struct store_iter iter = store_iter(gate->store, gate->replay_from, store_durable_lsn(gate->store));
    struct frame frame;
    err_t err;
    while ((err = store_iter_next(&iter, &frame)) == ERR_OK) {
        if (TRY(err, replay_frame(gate, &frame))) {
            if (gate->index_is_old)
                return err;
            diag_say(gate->diag, DIAG_ERROR, err, "gate", "run `bongsu check`",
                     "the %s frame at %llu cannot be replayed", frame_kind_name(frame.kind),
                     (unsigned long long)frame.lsn);
            return err;
        }
        if (TRY(err, store_replay_to(gate->store, iter.lsn)) || TRY(err, merge_on_the_way(gate)))
            return err;
    }
    /* Before the end of the last group, while entries are still taken as its. */
    if (err != ERR_NOTFOUND || TRY(err, count_keep(gate)))
        return err;
    err = store_replay_to(gate->store, store_durable_lsn(gate->store));
    views_publish(gate);
    return err;
}

/* --- life --- */

static err_t open_index(struct gate *gate, const struct gate_setup *setup)
{
    char path[LIMIT_PATH_BYTES];
    err_t err;
    gate->index = setup->index;
    if (gate->index != NULL)
        return setup->reindex ? gate->index->ops->reset(gate->index) : ERR_OK;
    if ((size_t)snprintf(path, sizeof path, "%s/index", setup->dir) >= sizeof path)
        return ERR_LIMIT;
    if (TRY(err, setup->os->dir_make(setup->os->ctx, setup->dir)) ||
        TRY(err, setup->os->dir_make(setup->os->ctx, path)))
        return err;
    gate->index_is_ours = true;
    if (TRY(err, index_lmdb_make(setup->os, path)) ||
        TRY(err, index_lmdb_open(path, LIMIT_INDEX_MAP_BYTES, false, &gate->index)))
        return err;
    return setup->reindex ? gate->index->ops->reset(gate->index) : ERR_OK;
}

static err_t open_store(struct gate *gate, const struct gate_setup *setup)
{
    err_t err = open_index(gate, setup);
    if (err != ERR_OK)
        return err;
    struct store_options options = {
        .os = setup->os,
        .dir = setup->dir,
        .index = gate->index,
        .node = node_id_of(setup->node_name),
        .suite = setup->suite,
        .diag = setup->diag,
    };
    return store_open(&options, &gate->store);
}

static err_t init_memory(struct gate *gate, const struct gate_setup *setup)
{
    arena_init(&gate->facts_arena, FACTS_BYTES_MAX);
    arena_init(&gate->accept_arena, ARENA_BYTES_MAX);
    arena_init(&gate->safety_arena, LIMIT_FRESH_BYTES);
    arena_init(&gate->step_arena, ARENA_BYTES_MAX);
    buf_init(&gate->canon, PARSE_BYTES_MAX * 2u);
    buf_init(&gate->record, RECORD_BYTES_MAX);
    buf_init(&gate->plain, PARSE_BYTES_MAX);
    buf_init(&gate->scratch, PARSE_BYTES_MAX);
    buf_init(&gate->minted, PARSE_BYTES_MAX);
    buf_init(&gate->mended, FAULT_WHAT_MAX * 4);
    err_t err;
    if (TRY(err, setup->os->random(setup->os->ctx, gate->sip.b, sizeof gate->sip.b)))
        return err;
    map_init(&gate->identities, STIX_KEY_SIZE, LIMIT_MARKINGS, &gate->sip);
    map_init(&gate->spilled_keys, STIX_KEY_SIZE, LIMIT_SPILLS, &gate->sip);
    map_init(&gate->recalled_keys, STIX_KEY_SIZE, LIMIT_SPILLS, &gate->sip);
    map_init(&gate->outcome_ids, HASH_SIZE, LIMIT_OUTCOMES, &gate->sip);
    gate->node_name = arena_str(&gate->facts_arena, setup->node_name);
    gate->persons = setup->persons;
    struct str dir = arena_str(&gate->facts_arena, str_of(setup->dir));
    gate->sources = mem_alloc_array(LIMIT_SOURCES + 1, sizeof *gate->sources);
    gate->peers = mem_alloc_array(LIMIT_PARTNERS, sizeof *gate->peers);
    gate->jobs = mem_alloc_array(LIMIT_JOBS, sizeof *gate->jobs);
    gate->names = mem_alloc_array(NAMES_MAX, sizeof *gate->names);
    if (gate->node_name.at == NULL || dir.at == NULL || gate->sources == NULL || gate->peers == NULL ||
        gate->jobs == NULL || gate->names == NULL)
        return ERR_NOMEM;
    gate->dir = (char *)(uintptr_t)dir.at;
    if (TRY(err, fresh_init(gate)) || TRY(err, telling_init(gate)) ||
        TRY(err, json_parser_new(PARSE_BYTES_MAX, &gate->parser)))
        return err;
    return json_parser_new(PARSE_BYTES_MAX, &gate->parser_one);
}

static err_t load_derived(struct gate *gate)
{
    err_t err;
    if (TRY(err, outcomes_load(gate)) || TRY(err, fact_load_all(gate)) || TRY(err, jobs_load(gate)) ||
        TRY(err, nodelog_load(gate)) || TRY(err, quarantine_count(gate)) || TRY(err, gone_load(gate)) ||
        TRY(err, cursors_load(gate)) || TRY(err, vouches_load(gate)) || TRY(err, words_load(gate)))
        return err;
    err = meta_get_u64(gate, "objects", &gate->object_count);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    gate->object_count_kept = gate->object_count;
    err = meta_get_u64(gate, "decided", &gate->decided_lsn);
    if (err == ERR_NOTFOUND)
        gate->decided_lsn = LSN_FIRST;
    else if (err != ERR_OK)
        return err;
    err = meta_get_u64(gate, "mints", &gate->mint_count);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    err = meta_get_u64(gate, "minting", &gate->mint_slot);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    err = meta_get_u64(gate, "scanned", &gate->scanned_lsn);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    return tallies_load(gate);
}

static err_t open_once(const struct gate_setup *setup, struct gate **out, bool *out_index_is_old)
{
    struct gate *gate = mem_alloc(sizeof *gate);
    *out_index_is_old = false;
    if (gate == NULL)
        return ERR_NOMEM;
    gate->magic = GATE_MAGIC;
    gate->repeats_due_us = INT64_MAX;
    gate->os = setup->os;
    gate->diag = setup->diag;
    err_t err;
    if (TRY(err, init_memory(gate, setup)) || TRY(err, open_store(gate, setup)))
        goto out;
    if (!store_writable(gate->store)) {
        gate->read_only = true;
        gate->why = store_alarm(gate->store);
    }
    gate->replaying = true;
    if (TRY(err, load_derived(gate)) || TRY(err, replay(gate)) || TRY(err, copies_places_load(gate)))
        goto out;
    gate->replaying = false;
    gate->replay_from = 0;
    *out = gate;
    return ERR_OK;
out:
    *out_index_is_old = gate->index_is_old;
    gate_close(gate);
    return err;
}

err_t gate_open(const struct gate_setup *setup, struct gate **out)
{
    struct gate_setup anew = *setup;
    bool index_is_old;
    anew.reindex = true;
    err_t err = open_once(setup, out, &index_is_old);
    if (index_is_old) {
        diag_say(setup->diag, DIAG_WARNING, ERR_EXPIRED, "gate", "find out who put an older index back",
                 "the index is of before a recall whose secrets are gone: rebuilding the index");
        err = open_once(&anew, out, &index_is_old);
    }
    if (err != ERR_OK &&
        err != ERR_BUSY) /* another process has it: the caller knows whether it is an error */
        diag_say(setup->diag, DIAG_ERROR, err, "gate", "run `bongsu check`", "the store could not be opened");
    return err;
}

void gate_close(struct gate *gate)
{
    if (gate == NULL)
        return;
    must(gate->magic == GATE_MAGIC);
    for (unsigned i = 0; i < GATE_LEDGERS; i++)
        view_close(gate, i);
    store_close(gate->store);
    if (gate->index != NULL && gate->index_is_ours)
        gate->index->ops->close(gate->index);
    facts_deinit(gate);
    outcomes_deinit(gate);
    mem_free(gate->jobs);
    mem_free(gate->names);
    mem_free(gate->peers);
    mem_free(gate->sources);
    map_deinit(&gate->outcome_ids);
    map_deinit(&gate->identities);
    map_deinit(&gate->spilled_keys);
    map_deinit(&gate->recalled_keys);
    json_parser_free(gate->parser);
    json_parser_free(gate->parser_one);
    buf_deinit(&gate->canon);
    buf_deinit(&gate->record);
    buf_deinit(&gate->plain);
    buf_deinit(&gate->scratch);
    buf_deinit(&gate->minted);
    buf_deinit(&gate->mended);
    arena_deinit(&gate->facts_arena);
    arena_deinit(&gate->accept_arena);
    arena_deinit(&gate->step_arena);
    fresh_deinit(gate);
    safety_deinit(gate);
    vouching_close(gate);
    echo_close(gate->echo);
    telling_deinit(gate);
    personal_deinit(gate);
    decides_close(gate);
    gate->magic = 0;
    mem_free(gate);
}

struct gate_health gate_health(const struct gate *gate)
{
    if (!gate->read_only)
        return (struct gate_health) {0};
    return (struct gate_health) {true, gate->why,
                                 "look at the disk and restart; `bongsu check` tells what is whole"};
}

void gate_counts(const struct gate *gate, struct gate_counts *out)
{
    *out = (struct gate_counts) {
        .suite = store_suite(gate->store),
        .log_bytes = store_end_lsn(gate->store),
        .durable_lsn = store_durable_lsn(gate->store),
        .decided_lsn = gate->decided_lsn,
        .applied_lsn = store_applied_lsn(gate->store),
        .objects = gate->object_count,
        .quarantined = gate->quarantine_count,
        .jobs = gate->job_count,
    };
}
