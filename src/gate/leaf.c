/* Leaves: made from (OBJ, DECIDE, partner), found again, and shown. */
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/mint.h"

static struct str reason_name(const struct record_decide *decide, uint16_t index)
{
    struct str name = index < decide->name_count ? decide->names[index] : STR("");
    if (name.len > LIMIT_NAME_BYTES)
        name.len = LIMIT_NAME_BYTES;
    return name;
}

/* Of an OBJ, or of the one that a MINT was made of. */
static err_t envelope_of(const struct frame *frame, struct record_envelope *out)
{
    struct record_mint mint;
    if (frame->kind != FRAME_MINT)
        return record_envelope_read(frame->envelope, out);
    err_t err = record_mint_read(frame->envelope, &mint);
    if (err == ERR_OK)
        *out = mint.envelope;
    return err;
}

err_t leaf_source(const struct gate *gate, const struct frame *frame, struct str *out)
{
    struct record_envelope envelope;
    err_t err = envelope_of(frame, &envelope);
    if (err != ERR_OK)
        return err;
    const struct gate_source *source = gate_source_get(gate, envelope.source);
    if (source == NULL)
        return ERR_CORRUPT;
    *out = source->name;
    return ERR_OK;
}

/* What oversight is told of the leaf. */
static struct leaf_reason reason_of(const struct leaf_ground *ground, unsigned partner,
                                    const struct ledger_salts *salts)
{
    const struct record_decide *decide = ground->decide;
    const struct record_entry *entry = &decide->entries[ground->entry];
    return (struct leaf_reason) {
        .salt = salts->issuer,
        .rule = reason_name(decide, decide->classes[entry->class].rule[partner]),
        .policy_digest = decide->policy_digest,
        .approver = reason_name(decide, entry->approver),
        .source = ground->source,
    };
}

err_t leaf_salts(const struct gate *gate, const struct seal_secret *secret, unsigned ledger, uint64_t place,
                 struct ledger_salts *out)
{
    const struct view *view = &gate->views[ledger];
    const struct gate_peer *peer = &gate->peers[gate_ledger_partner(ledger)];
    uint64_t seq = epoch_place_seq(place);
    uint32_t epoch = epoch_place_epoch(place);
    char text[LEDGER_ORIGIN_MAX];
    struct buf line = {.at = (uint8_t *)text, .size = sizeof text, .size_max = sizeof text};
    struct ledger_origin origin = {gate->node_name, peer->audience, epoch, gate_ledger_is_urgent(ledger)};
    if (epoch == peer->epoch) {
        *out = ledger_salts(secret, (struct str) {view->origin, view->origin_len}, seq);
        return ERR_OK;
    }
    err_t err = ledger_origin_print(&origin, &line);
    if (err == ERR_OK)
        *out = ledger_salts(secret, buf_str(&line), seq);
    return err;
}

/* Of a leaf whose content was destroyed: what the RECALL kept. Its partner salt is one only where there was
 * no content to destroy. */
static err_t salts_of(const struct gate *gate, const struct leaf_ground *ground, unsigned ledger,
                      uint64_t seq, struct ledger_salts *out)
{
    const struct record_start *start = record_decide_start(ground->decide, ledger);
    struct record_gone_leaf gone;
    err_t err;
    if (start == NULL ||
        (ground->gone && TRY(err, gone_leaf(gate, ledger, epoch_place(start->epoch, seq), &gone))))
        return start == NULL ? ERR_CORRUPT : err;
    if (ground->gone)
        *out = (struct ledger_salts) {gone.opening, gone.issuer};
    else if (TRY(err, leaf_salts(gate, &ground->secret, ledger, epoch_place(start->epoch, seq), out)))
        return err;
    struct str limits =
        terms_limits(ground->decide, &ground->decide->entries[ground->entry], gate_ledger_partner(ledger));
    if (!ground->gone && limits.len > 0)
        out->partner = ledger_limited_salt(&out->partner, limits);
    return ERR_OK;
}

err_t leaf_make(const struct gate *gate, const struct leaf_ground *ground, unsigned ledger, uint64_t seq,
                uint64_t subject, struct leaf *out_leaf, struct leaf_opening *out_opening)
{
    const struct record_decide *decide = ground->decide;
    const struct record_entry *entry = &decide->entries[ground->entry];
    const struct record_start *start = record_decide_start(decide, ledger);
    struct ledger_salts salts;
    err_t err;
    if (start == NULL || seq < start->seq)
        return ERR_CORRUPT;
    if (TRY(err, salts_of(gate, ground, ledger, seq, &salts)))
        return err;
    struct leaf_opening opening = {.salt = salts.partner, .content = ground->content, .subject_seq = subject};
    struct leaf_reason reason = reason_of(ground, gate_ledger_partner(ledger), &salts);
    *out_leaf = (struct leaf) {.op = (enum leaf_op)entry->op,
                               .epoch = start->epoch,
                               .seq = seq,
                               .time_us = start->time_us + (int64_t)(seq - start->seq),
                               .partner = leaf_partner((enum leaf_op)entry->op, &opening),
                               .issuer = leaf_issuer(&reason)};
    if (ground->gone && !entry_contentless(entry)) { /* nobody opens it any more */
        out_leaf->partner = salts.partner;
        opening.salt = (struct hash) {{0}};
    }
    *out_opening = opening;
    return ERR_OK;
}

static uint64_t count_before(const struct record_decide *decide, size_t e, unsigned ledger)
{
    uint64_t count = 0;
    for (size_t i = 0; i < e; i++)
        count += record_entry_in(decide, &decide->entries[i], ledger);
    return count;
}

/* How many leaves of the DECIDE before entry `e` went to `ledger`. Pages, and steps that take back, ask for
 * many: counted once for all of them. */
static uint64_t leaves_before(struct decide_kept *kept, size_t e, unsigned ledger)
{
    const struct record_decide *decide = &kept->decide;
    uint32_t *ranks = kept->ranks[ledger], count = 0;
    if (ranks != NULL)
        return ranks[e];
    ranks = arena_zalloc(&kept->arena, decide->entry_count, sizeof *ranks);
    if (ranks == NULL)
        return count_before(decide, e, ledger);
    for (size_t i = 0; i < decide->entry_count; i++) {
        ranks[i] = count;
        count += record_entry_in(decide, &decide->entries[i], ledger);
    }
    kept->ranks[ledger] = ranks;
    return ranks[e];
}

static struct decide_kept *kept_place(struct gate *gate, uint64_t lsn)
{
    struct decide_kept *oldest = NULL;
    for (size_t i = 0; i < DECIDES_KEPT; i++) {
        struct decide_kept *kept = &gate->decides[i];
        if (kept->lsn == lsn)
            return kept;
        if (kept->users == 0 && (oldest == NULL || kept->asked < oldest->asked))
            oldest = kept;
    }
    return oldest;
}

/* Names point into the payload, so that is kept as well. */
static err_t kept_fill(struct gate *gate, uint64_t lsn, struct decide_kept *kept)
{
    struct frame frame;
    err_t err;
    arena_deinit(&kept->arena);
    arena_init(&kept->arena, LIMIT_FRAME_BYTES * 8u);
    kept->lsn = 0;
    memset(kept->ranks, 0, sizeof kept->ranks);
    if (TRY(err, store_read(gate->store, lsn, &frame)))
        return err;
    struct str payload = arena_str(&kept->arena, str_from_bytes(frame.payload));
    if (payload.at == NULL)
        return ERR_NOMEM;
    if (!TRY(err, record_decide_read(bytes_from_str(payload), &kept->arena, &kept->decide)))
        kept->lsn = lsn;
    return err;
}

/* The DECIDE at `lsn`, also the one that is being applied: it is in the log, though not yet durable. Frames
 * never change, so what was read once is right for good. Give it back with decide_drop. */
static err_t decide_hold(struct gate *gate, uint64_t lsn, struct decide_kept **out)
{
    struct decide_kept *kept = kept_place(gate, lsn);
    if (kept == NULL)
        return ERR_FULL;
    err_t err = kept->lsn == lsn && lsn != 0 ? ERR_OK : kept_fill(gate, lsn, kept);
    if (err != ERR_OK)
        return err;
    kept->users++;
    kept->asked = ++gate->decides_asked;
    *out = kept;
    return ERR_OK;
}

static void decide_drop(struct decide_kept *kept)
{
    must(kept->users > 0);
    kept->users--;
}

void decides_close(struct gate *gate)
{
    for (size_t i = 0; i < DECIDES_KEPT; i++)
        arena_deinit(&gate->decides[i].arena);
}

/* The leaf that brought an OBJ to a partner. */
struct place {
    uint64_t seq;
    uint64_t decide;
    int64_t time_us;
    bool superseded;
    bool withheld;
    struct record_entry entry;
};

static err_t place_fill(struct decide_kept *kept, uint32_t entry, unsigned partner, struct place *out)
{
    const struct record_start *start = record_decide_start(&kept->decide, partner);
    if (start == NULL || entry >= kept->decide.entry_count)
        return ERR_CORRUPT;
    uint64_t before = leaves_before(kept, entry, partner);
    *out = (struct place) {.seq = start->seq + before,
                           .decide = kept->lsn,
                           .time_us = start->time_us + (int64_t)before,
                           .entry = kept->decide.entries[entry]};
    return ERR_OK;
}

/* The last one that a DECIDE up to `before` made, or the one `back` before it. ERR_NOTFOUND: none did. */
static err_t place_back(struct gate *gate, uint64_t lsn, unsigned partner, uint64_t before, unsigned back,
                        struct place *out)
{
    struct state state;
    uint64_t earlier = epoch_before(gate, before); /* asked about a leaf of an epoch that is over */
    err_t err = state_load(gate, lsn, &state);
    if (err != ERR_OK)
        return err;
    for (size_t i = state.release_count; i-- > 0;) {
        const struct state_release *release = &state.releases[i];
        uint64_t mask = release->mask | (release->before & earlier);
        struct decide_kept *kept;
        if ((mask >> partner & 1) == 0 || release->decide > before || back-- > 0)
            continue;
        if (TRY(err, decide_hold(gate, release->decide, &kept)))
            return err;
        err = place_fill(kept, release->entry, partner, out);
        if (err == ERR_OK)
            out->superseded = state.superseded >> partner & 1;
        if (err == ERR_OK)
            err = leaf_ended(gate, partner, lsn, release->decide, release->entry, &out->withheld);
        decide_drop(kept);
        return err;
    }
    return ERR_NOTFOUND;
}

static err_t place_of(struct gate *gate, uint64_t lsn, unsigned partner, uint64_t before, struct place *out)
{
    return place_back(gate, lsn, partner, before, 0, out);
}

static err_t leaf_seq_of(struct gate *gate, uint64_t lsn, unsigned partner, uint64_t before,
                         uint64_t *out_seq)
{
    struct place place;
    err_t err = place_of(gate, lsn, partner, before, &place);
    if (err == ERR_OK)
        *out_seq = place.seq;
    return err;
}

err_t leaf_subject(struct gate *gate, const struct leaf_ground *ground, unsigned partner, uint64_t decide_lsn,
                   uint64_t *out_seq)
{
    const struct record_entry *entry = &ground->decide->entries[ground->entry], *before = entry;
    struct place place;
    unsigned back = 0;
    *out_seq = LEAF_SUBJECT_NONE;
    if (entry->about == 0)
        return ERR_OK;
    if (entry->op == LEAF_RECALL)
        while (before-- > ground->decide->entries && before->op == LEAF_RECALL &&
               before->about == entry->about)
            back += before->release >> partner & 1;
    err_t err = place_back(gate, entry->about, partner, decide_lsn, back, &place);
    if (err == ERR_OK)
        *out_seq = place.seq;
    return err;
}

/* --- how far it may go on from him: row 'n' (OBJ or MINT, partner) -> the last entry that narrowed it --- */

enum { NARROWED_KEY_SIZE = 1 + 8 + 1, NARROWED_VALUE_SIZE = 8 + 4 };

static struct bytes narrowed_key(uint64_t lsn, unsigned partner, uint8_t out[NARROWED_KEY_SIZE])
{
    out[0] = 'n';
    wr_at_u64(out + 1, lsn);
    out[9] = (uint8_t)partner;
    return bytes_of(out, NARROWED_KEY_SIZE);
}

err_t leaf_narrowed(struct gate *gate, const struct record_entry *entry, uint64_t decide_lsn, uint32_t e)
{
    uint8_t key[NARROWED_KEY_SIZE], value[NARROWED_VALUE_SIZE];
    err_t err = ERR_OK;
    wr_at_u64(value, decide_lsn);
    wr_at(value + 8, e, 4);
    for (uint64_t left = entry->release; left != 0 && err == ERR_OK; left &= left - 1)
        err = store_put(gate->store, TABLE_FACT,
                        narrowed_key(entry->about, (unsigned)__builtin_ctzll(left), key),
                        bytes_of(value, sizeof value));
    return err;
}

static err_t entry_told(struct gate *gate, uint64_t decide_lsn, uint32_t e, unsigned partner,
                        struct str limits, bool *out)
{
    struct decide_kept *kept;
    err_t err = decide_hold(gate, decide_lsn, &kept);
    if (err != ERR_OK)
        return err;
    if (e < kept->decide.entry_count)
        *out = limits_told(limits, terms_limits(&kept->decide, &kept->decide.entries[e], partner));
    else
        err = ERR_CORRUPT;
    decide_drop(kept);
    return err;
}

err_t leaf_told_limits(struct gate *gate, uint64_t lsn, unsigned partner, struct str limits, bool *out)
{
    uint8_t key[NARROWED_KEY_SIZE];
    struct state state;
    struct bytes value;
    size_t i;
    bool told = false;
    err_t err = state_load(gate, lsn, &state);
    if (err != ERR_OK)
        return err;
    for (i = state.release_count; i > 0 && (state.releases[i - 1].mask >> partner & 1) == 0;)
        i--;
    if (i == 0)
        return ERR_NOTFOUND;
    const struct state_release *release = &state.releases[i - 1];
    if (TRY(err, entry_told(gate, release->decide, release->entry, partner, limits, &told)))
        return err;
    err = told ? ERR_NOTFOUND : store_get(gate->store, TABLE_FACT, narrowed_key(lsn, partner, key), &value);
    if (err == ERR_OK) {
        struct rd rd = rd_of(value);
        uint64_t decide = rd_u64(&rd);
        uint32_t entry = rd_u32(&rd);
        if (rd_end(&rd) != ERR_OK)
            return ERR_CORRUPT;
        if (decide > release->decide) /* else it was about what ended since */
            err = entry_told(gate, decide, entry, partner, limits, &told);
    }
    *out = told;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- showing visible leaves --- */

struct showing {
    struct gate *gate;
    unsigned ledger, partner;
    uint64_t visible;
    bool (*visit)(void *ctx, const struct gate_leaf *leaf);
    void *ctx;
    bool bare;    /* no proofs */
    bool ahead;   /* what no checkpoint covers yet, too: nobody sees it */
    bool vouched; /* this partner gets what origins signed */
    bool stopped;
    uint64_t decide_lsn; /* the DECIDE that is being shown */
    struct buf *reason;  /* of one leaf, for oversight; NULL: nobody may read it */
    uint64_t about;      /* with it: the object */
};

/* As stix_read finds the version; the object was accepted once. */
static struct str version_text(struct json_val root, const struct stix_type *type)
{
    struct str text;
    if (type->category == STIX_SCO)
        return STR("");
    if (type->versioned && json_get_str(root, STR("modified"), &text))
        return text;
    return json_get_str(root, STR("created"), &text) ? text : STR("");
}

static err_t show_content(struct showing *s, const struct frame *frame, struct gate_leaf *out,
                          struct json_doc *doc)
{
    struct gate *gate = s->gate;
    static const uint8_t padding[JSON_PADDING];
    buf_clear(&gate->plain);
    arena_reset(&gate->accept_arena);
    err_t err = store_unseal(gate->store, frame, &gate->plain);
    size_t len = gate->plain.len;
    buf_put(&gate->plain, padding, sizeof padding);
    if (err != ERR_OK || TRY(err, buf_err(&gate->plain)) ||
        TRY(err, mint_object(frame, bytes_of(gate->plain.at, len), &out->object, &out->trail)))
        return err;
    if (TRY(err, json_parse(gate->parser_one, out->object, doc, NULL)))
        return err;
    struct json_val root = json_root(doc);
    if (!json_is(root, JSON_OBJECT) || !json_get_str(root, STR("id"), &out->id) ||
        !stix_id_parse(out->id, &out->key))
        return ERR_CORRUPT;
    out->version = version_text(root, stix_type_find(stix_id_type(out->id)));
    if (out->version.len > 0 && stamp_parse(out->version, &out->stamp, NULL) != ERR_OK)
        return ERR_CORRUPT;
    return s->bare || frame->kind == FRAME_MINT
               ? ERR_OK
               : trail_load(gate, &out->key, frame->lsn, &gate->accept_arena, &out->trail, NULL);
}

/* What opens the salt of a leaf with limits. */
static void show_limits(const struct showing *s, const struct leaf_ground *ground, uint64_t seq,
                        struct gate_leaf *out)
{
    uint64_t place = epoch_place(s->gate->peers[s->partner].epoch, seq);
    struct ledger_salts salts;
    if (ground->gone)
        return;
    out->limits = terms_limits(ground->decide, &ground->decide->entries[ground->entry], s->partner);
    if (out->limits.len > 0 && leaf_salts(s->gate, &ground->secret, s->ledger, place, &salts) == ERR_OK)
        out->limits_salt = salts.partner;
}

static err_t put_reason(struct showing *s, const struct leaf_ground *ground, uint64_t seq, uint64_t about)
{
    struct ledger_salts salts;
    err_t err = salts_of(s->gate, ground, s->ledger, seq, &salts);
    if (err != ERR_OK)
        return err;
    struct leaf_reason reason = reason_of(ground, s->partner, &salts);
    leaf_reason_encode(&reason, s->reason);
    s->about = about;
    return ERR_OK;
}

/* What proves the leaf. */
static err_t show_proof(struct showing *s, const struct frame *frame, struct leaf_ground *ground,
                        uint64_t seq, struct gate_leaf *out)
{
    const struct record_entry *entry = &ground->decide->entries[ground->entry];
    struct record_envelope envelope;
    uint64_t subject;
    err_t err;
    if (TRY(err, leaf_subject(s->gate, ground, s->partner, s->decide_lsn, &subject)) ||
        TRY(err, envelope_of(frame, &envelope)))
        return err;
    out->hops = envelope.hops;
    out->lsn = entry_contentless(entry) ? 0 : entry->lsn;
    out->entered_here = voucher_entered_here(s->gate, frame, &envelope);
    if (out->object.len > 0)
        ground->content = hash_sha256(out->object);
    if (!ground->gone && TRY(err, store_secret(s->gate->store, frame->slot, &ground->secret)))
        return err;
    if (!TRY(err, leaf_source(s->gate, frame, &ground->source)))
        err = leaf_make(s->gate, ground, s->ledger, seq, subject, &out->leaf, &out->opening);
    show_limits(s, ground, seq, out);
    if (err == ERR_OK && s->reason != NULL)
        err = put_reason(s, ground, seq, frame->kind == FRAME_MINT ? envelope.about : entry->lsn);
    mem_wipe(&ground->secret, sizeof ground->secret);
    return err;
}

static err_t look_at_end(struct showing *s, const struct record_decide *decide, size_t e, bool *out_ended)
{
    uint64_t lsn = decide->entries[e].lsn;
    err_t err = leaf_ended(s->gate, s->partner, lsn, s->decide_lsn, e, out_ended);
    return err != ERR_OK || *out_ended ? err : leaf_may_go(s->gate, s->partner, lsn, decide);
}

static err_t show(struct showing *s, const struct record_decide *decide, size_t e, uint64_t seq)
{
    const struct record_entry *entry = &decide->entries[e];
    struct gate_leaf shown = {0};
    struct frame frame;
    struct json_doc doc;
    struct leaf_ground ground = {.decide = decide, .entry = e};
    struct record_gone gone;
    bool withheld = false;
    err_t err;
    if (!entry_contentless(entry) && TRY(err, look_at_end(s, decide, e, &withheld))) {
        if (err != ERR_BUSY || !s->ahead)
            return err;
        withheld = true;
    }
    err = gone_find(s->gate, entry->lsn, &gone);
    ground.gone = err == ERR_OK;
    if ((!ground.gone && err != ERR_NOTFOUND) || TRY(err, store_read(s->gate->store, entry->lsn, &frame)) ||
        (!entry_contentless(entry) && !ground.gone && TRY(err, show_content(s, &frame, &shown, &doc))))
        return err;
    shown.closed = ground.gone && !entry_contentless(entry);
    withheld |= shown.closed;
    if (s->bare) {
        const struct record_start *start = record_decide_start(decide, s->ledger);
        shown.leaf = (struct leaf) {.op = (enum leaf_op)entry->op,
                                    .seq = seq,
                                    .time_us = start->time_us + (int64_t)(seq - start->seq)};
    } else {
        err = show_proof(s, &frame, &ground, seq, &shown);
        if (err == ERR_OK && s->vouched && !withheld && shown.object.len > 0)
            err = voucher_show(s->gate, &frame, &s->gate->accept_arena, &shown);
    }
    shown.withheld = withheld;
    if (withheld) {
        shown.object = bytes_of(NULL, 0);
        shown.limits = STR("");
        shown.trail = bytes_of(NULL, 0);
        shown.voucher = bytes_of(NULL, 0);
        shown.id = shown.version = STR("");
    }
    if (err == ERR_OK && !s->visit(s->ctx, &shown))
        s->stopped = true;
    return err;
}

/* The leaves that one DECIDE gave to the ledger, from `seq` on. */
static err_t show_decide(struct showing *s, uint64_t lsn, uint64_t seq, uint64_t *out_next)
{
    struct decide_kept *kept;
    err_t err = decide_hold(s->gate, lsn, &kept);
    if (err != ERR_OK)
        return err;
    const struct record_decide *decide = &kept->decide;
    const struct record_start *start = record_decide_start(decide, s->ledger);
    if (start == NULL)
        err = ERR_CORRUPT;
    uint64_t at = start == NULL ? 0 : start->seq;
    s->decide_lsn = lsn;
    for (size_t e = 0; err == ERR_OK && e < decide->entry_count && !s->stopped && at < s->visible; e++) {
        if (!record_entry_in(decide, &decide->entries[e], s->ledger))
            continue;
        if (at >= seq)
            err = show(s, decide, e, at);
        at++;
    }
    decide_drop(kept);
    *out_next = at;
    return err;
}

static err_t show_from(struct showing *s, uint64_t seq)
{
    struct gate *gate = s->gate;
    err_t err = gate->views[s->ledger].stopped ? ERR_PROOF : ERR_OK;
    s->vouched = !s->bare && gate_vouches(gate, s->partner);
    while (err == ERR_OK && !s->stopped && seq < s->visible) {
        uint64_t first, decide, next = seq;
        if (TRY(err, view_row(gate, s->ledger, seq, &first, &decide)) ||
            TRY(err, show_decide(s, decide, seq, &next)))
            break;
        must(next > seq);
        seq = next;
    }
    store_view_end(gate->store);
    return err;
}

static err_t leaves(struct gate *gate, unsigned ledger, uint64_t seq, bool bare,
                    bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx)
{
    if (!ledger_held(gate, ledger))
        return ERR_NOTFOUND;
    struct showing s = {.gate = gate,
                        .ledger = ledger,
                        .partner = gate_ledger_partner(ledger),
                        .visible = gate->views[ledger].visible,
                        .visit = visit,
                        .ctx = ctx,
                        .bare = bare};
    return show_from(&s, seq);
}

err_t leaves_ahead(struct gate *gate, unsigned ledger, uint64_t from, uint64_t to,
                   bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx)
{
    struct showing s = {.gate = gate,
                        .ledger = ledger,
                        .partner = gate_ledger_partner(ledger),
                        .visible = to,
                        .visit = visit,
                        .ctx = ctx,
                        .ahead = true};
    must(ledger_held(gate, ledger) && to <= gate->views[ledger].tree.edge.size);
    return show_from(&s, from);
}

err_t gate_leaves(struct gate *gate, unsigned ledger, uint64_t seq,
                  bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx)
{
    return leaves(gate, ledger, seq, false, visit, ctx);
}

/* --- which of them are given now --- */

static err_t is_given(struct showing *s, const struct record_decide *decide, size_t e, bool *out)
{
    struct record_gone gone;
    bool ended = false;
    *out = false;
    if (entry_contentless(&decide->entries[e]))
        return ERR_OK;
    err_t err = look_at_end(s, decide, e, &ended);
    if (err != ERR_OK || ended)
        return err;
    err = gone_find(s->gate, decide->entries[e].lsn, &gone);
    *out = err == ERR_NOTFOUND;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* Those of one DECIDE from `seq` on; bit 0 is leaf `from`. */
static err_t given_decide(struct showing *s, uint64_t lsn, uint64_t from, uint64_t seq, uint8_t *bits,
                          uint64_t *out_next)
{
    struct decide_kept *kept;
    bool given;
    err_t err = decide_hold(s->gate, lsn, &kept);
    if (err != ERR_OK)
        return err;
    const struct record_decide *decide = &kept->decide;
    const struct record_start *start = record_decide_start(decide, s->ledger);
    uint64_t at = start == NULL ? 0 : start->seq;
    err = start == NULL ? ERR_CORRUPT : ERR_OK;
    s->decide_lsn = lsn;
    for (size_t e = 0; err == ERR_OK && e < decide->entry_count && at < s->visible; e++) {
        if (!record_entry_in(decide, &decide->entries[e], s->ledger))
            continue;
        if (at >= seq && !TRY(err, is_given(s, decide, e, &given)) && given)
            bits[(at - from) / 8] |= (uint8_t)(0x80u >> ((at - from) % 8));
        at++;
    }
    decide_drop(kept);
    *out_next = at;
    return err;
}

err_t gate_leaves_given(struct gate *gate, unsigned ledger, uint64_t from, size_t count, uint8_t *bits)
{
    if (!ledger_held(gate, ledger) || from > gate->views[ledger].visible ||
        count > gate->views[ledger].visible - from)
        return ERR_NOTFOUND;
    if (gate->views[ledger].stopped)
        return ERR_PROOF;
    struct showing s = {
        .gate = gate, .ledger = ledger, .partner = gate_ledger_partner(ledger), .visible = from + count};
    err_t err = ERR_OK;
    for (uint64_t seq = from, next; err == ERR_OK && seq < s.visible; seq = next) {
        uint64_t first, decide;
        next = seq;
        if (TRY(err, view_row(gate, ledger, seq, &first, &decide)) ||
            TRY(err, given_decide(&s, decide, from, seq, bits, &next)))
            break;
        must(next > seq);
    }
    store_view_end(gate->store);
    return err;
}

static bool keep_leaf(void *ctx, const struct gate_leaf *leaf)
{
    *(struct leaf *)ctx = leaf->leaf;
    return false;
}

err_t gate_leaf_reason(struct gate *gate, unsigned ledger, uint64_t seq, struct leaf *out_leaf,
                       uint64_t *out_lsn, struct buf *out)
{
    uint64_t first, decide, next;
    struct leaf leaf;
    err_t err;
    if (!ledger_held(gate, ledger) || seq >= gate->views[ledger].visible)
        return ERR_NOTFOUND;
    if (gate->views[ledger].stopped)
        return ERR_PROOF;
    struct showing one = {.gate = gate,
                          .ledger = ledger,
                          .partner = gate_ledger_partner(ledger),
                          .visible = seq + 1,
                          .visit = keep_leaf,
                          .ctx = &leaf,
                          .reason = out};
    if (!TRY(err, view_row(gate, ledger, seq, &first, &decide)))
        err = show_decide(&one, decide, seq, &next);
    store_view_end(gate->store);
    if (err == ERR_OK && TRY(err, buf_err(out)))
        return err;
    if (err != ERR_OK)
        return err;
    *out_leaf = leaf;
    *out_lsn = one.about;
    return ERR_OK;
}

err_t gate_leaf_objects(struct gate *gate, unsigned partner, uint64_t seq,
                        bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx)
{
    return leaves(gate, partner, seq, true, visit, ctx);
}

static err_t version_of(struct gate *gate, const struct copy *copy, unsigned partner,
                        struct gate_leaf_version *out)
{
    struct place place;
    err_t err = place_of(gate, copy->lsn, partner, UINT64_MAX, &place);
    if (err != ERR_OK)
        return err;
    *out =
        (struct gate_leaf_version) {.seq = place.seq,
                                    .time_us = place.time_us,
                                    .op = (enum leaf_op)place.entry.op,
                                    .subject_seq = LEAF_SUBJECT_NONE,
                                    .has_object = !entry_contentless(&place.entry) && !place.withheld,
                                    .superseded = place.superseded,
                                    .versionless = copy->version.seconds == 0 && copy->version.fraction == 0,
                                    .stamp = copy->version};
    if (place.entry.about == 0)
        return ERR_OK;
    return leaf_seq_of(gate, place.entry.about, partner, place.decide, &out->subject_seq);
}

/* Copies of this id, and what was minted under it for this partner. */
static err_t his_copies(struct gate *gate, unsigned partner, const struct stix_key *object,
                        struct copies *out)
{
    err_t err = copies_load(gate, object, out);
    if (err != ERR_OK || !mint_any(gate))
        return err;
    struct copies *minted = arena_alloc(&gate->step_arena, sizeof *minted);
    if (minted == NULL)
        return ERR_NOMEM;
    if (TRY(err, mint_copies(gate, object, partner, minted)))
        return err;
    for (size_t i = 0; i < minted->count && out->count < LIMIT_COPIES; i++)
        out->at[out->count++] = minted->at[i];
    return ERR_OK;
}

err_t gate_leaf_versions(struct gate *gate, unsigned partner, const struct stix_key *object,
                         bool (*visit)(void *ctx, const struct gate_leaf_version *version), void *ctx)
{
    err_t err;
    bool more = true;
    if (partner >= gate->peer_count)
        return ERR_NOTFOUND;
    arena_reset(&gate->step_arena);
    struct copies *copies = arena_alloc(&gate->step_arena, sizeof *copies);
    if (copies == NULL)
        return ERR_NOMEM;
    err = his_copies(gate, partner, object, copies);
    for (size_t i = copies->count; err == ERR_OK && more && i-- > 0;) {
        struct gate_leaf_version version;
        err = version_of(gate, &copies->at[i], partner, &version);
        if (err == ERR_OK && version.seq < gate->views[partner].visible)
            more = visit(ctx, &version);
        if (err == ERR_NOTFOUND)
            err = ERR_OK;
    }
    store_view_end(gate->store);
    return err;
}

err_t gate_leaves_of(struct gate *gate, unsigned partner, const struct stix_key *object,
                     bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx)
{
    struct copies *copies;
    err_t err;
    if (partner >= gate->peer_count)
        return ERR_NOTFOUND;
    arena_reset(&gate->step_arena);
    copies = arena_alloc(&gate->step_arena, sizeof *copies);
    if (copies == NULL)
        return ERR_NOMEM;
    struct showing s = {.gate = gate,
                        .ledger = partner,
                        .partner = partner,
                        .visible = gate->views[partner].visible,
                        .visit = visit,
                        .ctx = ctx};
    if (TRY(err, his_copies(gate, partner, object, copies)))
        return err;
    for (size_t i = copies->count; i-- > 0 && !s.stopped;) {
        uint64_t seq, first, decide, next;
        err = leaf_seq_of(gate, copies->at[i].lsn, partner, UINT64_MAX, &seq);
        if (err == ERR_NOTFOUND || (err == ERR_OK && seq >= s.visible))
            continue;
        if (err != ERR_OK || TRY(err, view_row(gate, partner, seq, &first, &decide)))
            return err;
        struct showing one = s;
        one.visible = seq + 1;
        if (TRY(err, show_decide(&one, decide, seq, &next)))
            return err;
        s.stopped = one.stopped;
    }
    store_view_end(gate->store);
    return ERR_OK;
}
