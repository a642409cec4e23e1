#include "taxii/view.h"

#include "core/mem.h"
#include "taxii/remove.h"

enum { REMOVED_MAX = 64 };

bool view_object_read(struct taxii *taxii, struct bytes text, struct str *out_id, struct str *out_version)
{
    struct json_doc doc;
    if (json_parse(taxii->parser, text, &doc, NULL) != ERR_OK)
        return false;
    struct json_val root = json_root(&doc);
    if (!json_is(root, JSON_OBJECT) || !json_get_str(root, STR("id"), out_id))
        return false;
    if (!json_get_str(root, STR("modified"), out_version) && !json_get_str(root, STR("created"), out_version))
        *out_version = STR("");
    return true;
}

/* --- release views --- */

struct leaf_visit {
    bool (*visit)(void *ctx, const struct entry *entry);
    void *ctx;
};

static bool leaf_entry(void *ctx, const struct gate_leaf *leaf)
{
    const struct leaf_visit *to = ctx;
    struct entry entry = {.position = leaf->leaf.seq, .order = leaf->leaf.seq, .date_us = leaf->leaf.time_us};
    if (leaf->object.len > 0) {
        entry.id = leaf->id;
        entry.version = leaf->version;
        entry.key = leaf->key;
        entry.stamp = leaf->stamp;
        entry.object = leaf->object;
    }
    return to->visit(to->ctx, &entry);
}

struct leaf_versions {
    struct version *out;
    size_t count, max;
    uint64_t removed[REMOVED_MAX];
    size_t removed_count;
};

static bool is_removal(enum leaf_op op)
{
    return op == LEAF_RECALL || op == LEAF_REDACT || op == LEAF_EXPIRE;
}

static bool was_removed(const struct leaf_versions *to, uint64_t seq)
{
    for (size_t i = 0; i < to->removed_count; i++) {
        if (to->removed[i] == seq)
            return true;
    }
    return false;
}

/* Newest first: what removes an earlier leaf is seen before it. */
static bool leaf_version(void *ctx, const struct gate_leaf_version *leaf)
{
    struct leaf_versions *to = ctx;
    if (is_removal(leaf->op) && to->removed_count < REMOVED_MAX)
        to->removed[to->removed_count++] = leaf->subject_seq;
    if (!leaf->has_object || was_removed(to, leaf->seq))
        return true;
    to->out[to->count++] =
        (struct version) {leaf->seq, leaf->stamp, leaf->versionless, leaf->seq, leaf->time_us};
    return to->count < to->max;
}

/* --- workspaces --- */

/* Walks a source's objects, numbering them, and leaves marks on the way. */
struct walk {
    struct view *view;
    uint64_t from; /* first ordinal to hand over */
    uint64_t lsn;  /* or the object to find, when not 0 */
    uint64_t ordinal;
    int64_t date_us; /* of the one before */
    bool (*visit)(void *ctx, const struct entry *entry);
    void *ctx;
    struct entry found;
    int64_t after_us;
    err_t err;
};

/* Refused bytes are no objects. A conflict is shown to who sent it: elsewhere it was answered as accepted. */
static bool is_shown(const struct gate_object *object)
{
    return !object->quarantined || object->envelope.reason == RECORD_QUARANTINE_CONFLICT;
}

static err_t mark_add(struct workspace *workspace, uint64_t lsn, int64_t date_us)
{
    if (workspace->count == LIMIT_TAXII_MARKS)
        return ERR_FULL;
    if (workspace->count == workspace->size) {
        size_t size = workspace->size == 0 ? 16 : workspace->size * 2;
        struct mark *grown = mem_grow(workspace->marks, size * sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        workspace->marks = grown;
        workspace->size = size;
    }
    workspace->marks[workspace->count++] = (struct mark) {lsn, date_us};
    return ERR_OK;
}

static bool walk_step(void *ctx, const struct gate_object *object);

static err_t walk_from(struct walk *walk, size_t mark)
{
    const struct workspace *workspace = walk->view->workspace;
    uint64_t lsn = 0;
    walk->ordinal = 0;
    walk->date_us = INT64_MIN;
    if (mark < workspace->count) {
        lsn = workspace->marks[mark].lsn;
        walk->ordinal = mark * LIMIT_TAXII_MARK_STEP;
        walk->date_us = workspace->marks[mark].date_us - 1;
    }
    err_t err = gate_source_objects(walk->view->taxii->gate, workspace->source, lsn, walk_step, walk);
    return err == ERR_OK ? walk->err : err;
}

/* One date a position: what arrived together is a microsecond apart. */
static int64_t date_of(const struct walk *walk, const struct gate_object *object)
{
    int64_t received_us = object->envelope.received_us;
    return received_us > walk->date_us ? received_us : walk->date_us + 1;
}

static bool walk_hand_over(struct walk *walk, const struct gate_object *object, struct entry *entry)
{
    struct view *view = walk->view;
    if (remove_is(view->taxii, view->workspace->source, object->lsn))
        return walk->visit(walk->ctx, entry);
    buf_clear(&view->scratch);
    buf_put(&view->scratch, object->bytes.at, object->bytes.len);
    uint8_t *padding = buf_extend(&view->scratch, JSON_PADDING);
    if (padding == NULL) {
        walk->err = buf_err(&view->scratch);
        return false;
    }
    memset(padding, 0, JSON_PADDING);
    struct bytes text = {view->scratch.at, object->bytes.len};
    struct str id, version;
    if (view_object_read(view->taxii, text, &id, &version) && stix_id_parse(id, &entry->key)) {
        entry->id = id;
        entry->object = text;
        if (stamp_parse(version, &entry->stamp, NULL) == ERR_OK)
            entry->version = version;
    }
    return walk->visit(walk->ctx, entry);
}

static bool walk_step(void *ctx, const struct gate_object *object)
{
    struct walk *walk = ctx;
    struct workspace *workspace = walk->view->workspace;
    if (!is_shown(object))
        return true;
    struct entry entry = {.position = walk->ordinal, .order = object->lsn, .date_us = date_of(walk, object)};
    if (walk->ordinal == workspace->count * LIMIT_TAXII_MARK_STEP) {
        walk->err = mark_add(workspace, object->lsn, entry.date_us);
        if (walk->err != ERR_OK)
            return false;
    }
    walk->ordinal++;
    walk->date_us = entry.date_us;
    if (walk->visit != NULL)
        return entry.position < walk->from || walk_hand_over(walk, object, &entry);
    walk->found = entry;
    return walk->lsn != 0 ? object->lsn < walk->lsn : entry.date_us <= walk->after_us;
}

static size_t mark_before(const struct workspace *workspace, uint64_t lsn, int64_t date_us)
{
    size_t mark = 0;
    while (mark + 1 < workspace->count && workspace->marks[mark + 1].lsn <= lsn &&
           workspace->marks[mark + 1].date_us <= date_us)
        mark++;
    return mark;
}

static err_t workspace_after(struct view *view, int64_t after_us, uint64_t *out_position)
{
    struct walk walk = {.view = view, .after_us = after_us};
    err_t err = walk_from(&walk, mark_before(view->workspace, UINT64_MAX, after_us));
    if (err != ERR_OK)
        return err;
    bool found = walk.ordinal > 0 && walk.found.date_us > after_us;
    *out_position = found ? walk.found.position : walk.ordinal;
    return ERR_OK;
}

static err_t workspace_scan(struct view *view, uint64_t from,
                            bool (*visit)(void *ctx, const struct entry *entry), void *ctx)
{
    struct walk walk = {.view = view, .from = from, .visit = visit, .ctx = ctx};
    size_t mark = from / LIMIT_TAXII_MARK_STEP;
    if (view->workspace->count > 0 && mark >= view->workspace->count)
        mark = view->workspace->count - 1;
    return walk_from(&walk, mark);
}

struct copies {
    struct view *view;
    struct version *out;
    size_t count, max;
};

/* The gate tells older versions first: of too many the last ones stay. */
static bool copy_visit(void *ctx, const struct gate_submitted *submitted)
{
    struct copies *copies = ctx;
    if (remove_is(copies->view->taxii, copies->view->workspace->source, submitted->lsn))
        return true;
    if (copies->count == copies->max)
        memmove(copies->out, copies->out + 1, --copies->count * sizeof *copies->out);
    copies->out[copies->count++] = (struct version) {
        .order = submitted->lsn, .stamp = submitted->version, .versionless = submitted->versionless};
    return true;
}

static err_t workspace_versions(struct view *view, const struct stix_key *key, struct version *out,
                                size_t max, size_t *out_count)
{
    struct copies copies = {.view = view, .out = out, .max = max};
    err_t err = gate_source_versions(view->taxii->gate, view->workspace->source, key, copy_visit, &copies);
    if (err == ERR_NOTFOUND)
        err = ERR_OK;
    if (err == ERR_OK)
        *out_count = copies.count;
    return err;
}

err_t view_newest(struct view *view, const struct stix_key *key, struct stamp *out)
{
    struct version newest;
    size_t count = 0;
    err_t err = workspace_versions(view, key, &newest, 1, &count);
    if (err == ERR_OK && count == 1)
        *out = newest.stamp;
    return err == ERR_OK && count == 0 ? ERR_NOTFOUND : err;
}

err_t view_place(struct view *view, struct version *version)
{
    if (view->workspace == NULL)
        return ERR_OK;
    struct walk walk = {.view = view, .lsn = version->order};
    err_t err = walk_from(&walk, mark_before(view->workspace, walk.lsn, INT64_MAX));
    version->position = walk.found.position;
    version->date_us = walk.found.date_us;
    return err;
}

static struct workspace *workspace_of(struct taxii *taxii, uint32_t source)
{
    for (size_t i = 0; i < taxii->workspace_count; i++) {
        if (taxii->workspaces[i].source == source)
            return &taxii->workspaces[i];
    }
    if (taxii->workspace_count == LIMIT_TAXII_IDENTITIES)
        return NULL;
    struct workspace *workspace = &taxii->workspaces[taxii->workspace_count++];
    workspace->source = source;
    return workspace;
}

/* --- both --- */

err_t view_init(struct view *view, struct taxii *taxii, const struct collection *collection)
{
    *view = (struct view) {.taxii = taxii, .collection = collection};
    buf_init(&view->scratch, LIMIT_FRAME_BYTES + JSON_PADDING);
    if (collection->role == TAXII_READ)
        return ERR_OK;
    view->workspace = workspace_of(taxii, collection->source);
    const struct gate_source *source = gate_source_get(taxii->gate, collection->source);
    view->first_wins = source == NULL || !source->rewrites;
    return view->workspace != NULL ? ERR_OK : ERR_FULL;
}

void view_deinit(struct view *view)
{
    buf_deinit(&view->scratch);
}

err_t view_after(struct view *view, int64_t after_us, uint64_t *out_position)
{
    if (view->workspace != NULL)
        return workspace_after(view, after_us, out_position);
    return gate_leaf_after(view->taxii->gate, (unsigned)view->collection->partner, after_us, out_position);
}

err_t view_scan(struct view *view, uint64_t from, bool (*visit)(void *ctx, const struct entry *entry),
                void *ctx)
{
    if (view->workspace != NULL)
        return workspace_scan(view, from, visit, ctx);
    struct leaf_visit to = {visit, ctx};
    return gate_leaf_objects(view->taxii->gate, (unsigned)view->collection->partner, from, leaf_entry, &to);
}

err_t view_versions(struct view *view, const struct stix_key *key, struct version *out, size_t max,
                    size_t *out_count)
{
    if (view->workspace != NULL)
        return workspace_versions(view, key, out, max, out_count);
    struct leaf_versions to = {.out = out, .max = max};
    err_t err =
        gate_leaf_versions(view->taxii->gate, (unsigned)view->collection->partner, key, leaf_version, &to);
    if (err == ERR_NOTFOUND)
        err = ERR_OK;
    if (err == ERR_OK)
        *out_count = to.count;
    return err;
}
