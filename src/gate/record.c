#include "gate/record.h"

#include "core/arena.h"
#include "core/rd.h"
#include "core/wr.h"
#include "ledger/leaf.h"

enum { VERSION = 1, VERSION_TRAIL = 2, PURGED_UNSURE = 2, EDGE_BYTES_MAX = 64 * HASH_SIZE + 64 };

static err_t expect_version(struct rd *rd)
{
    uint8_t version = rd_u8(rd);
    if (rd->err != ERR_OK)
        return rd->err;
    return version == VERSION ? ERR_OK : ERR_VERSION;
}

static void put_envelope(struct buf *out, const struct record_envelope *envelope)
{
    wr_u8(out, envelope->flags);
    wr_u8(out, envelope->hops);
    wr_u8(out, envelope->reason);
    wr_u32(out, envelope->source);
    wr_u64(out, (uint64_t)envelope->received_us);
    wr_u64(out, envelope->about);
    wr_u64(out, envelope->seq);
}

static void get_envelope(struct rd *rd, struct record_envelope *out)
{
    out->flags = rd_u8(rd);
    out->hops = rd_u8(rd);
    out->reason = rd_u8(rd);
    out->source = rd_u32(rd);
    out->received_us = (int64_t)rd_u64(rd);
    out->about = rd_u64(rd);
    out->seq = rd_u64(rd);
}

void record_envelope_write(struct buf *out, const struct record_envelope *envelope)
{
    wr_u8(out, VERSION);
    put_envelope(out, envelope);
}

err_t record_envelope_read(struct bytes payload, struct record_envelope *out)
{
    struct rd rd = rd_of(payload);
    err_t err = expect_version(&rd);
    if (err != ERR_OK)
        return err;
    struct record_envelope envelope = {0};
    get_envelope(&rd, &envelope);
    if (TRY(err, rd_end(&rd)))
        return err;
    *out = envelope;
    return ERR_OK;
}

void record_mint_write(struct buf *out, const struct record_mint *mint)
{
    wr_u8(out, VERSION);
    put_envelope(out, &mint->envelope);
    wr_u8(out, mint->partner);
    wr_bytes(out, bytes_of(mint->profile.b, HASH_SIZE));
}

err_t record_mint_read(struct bytes payload, struct record_mint *out)
{
    struct rd rd = rd_of(payload);
    err_t err = expect_version(&rd);
    if (err != ERR_OK)
        return err;
    struct record_mint mint = {0};
    get_envelope(&rd, &mint.envelope);
    mint.partner = rd_u8(&rd);
    rd_copy(&rd, mint.profile.b, HASH_SIZE);
    if (TRY(err, rd_end(&rd)))
        return err;
    if (mint.partner >= LIMIT_PARTNERS)
        return ERR_CORRUPT;
    *out = mint;
    return ERR_OK;
}

void record_minted_write(struct buf *out, const struct record_minted *minted)
{
    wr_u8(out, VERSION_TRAIL);
    wr_u8(out, minted->kind);
    wr_bytes(out, bytes_of(minted->source.b, STIX_KEY_SIZE));
    wr_blob(out, bytes_from_str(minted->profile));
    wr_blob(out, minted->trail);
    wr_bytes(out, minted->object);
}

err_t record_minted_read(struct bytes sealed, struct record_minted *out)
{
    struct rd rd = rd_of(sealed);
    uint8_t version = rd_u8(&rd);
    struct record_minted minted = {.kind = rd_u8(&rd)};
    err_t err;
    if (rd.err == ERR_OK && version != VERSION && version != VERSION_TRAIL)
        return ERR_VERSION;
    rd_copy(&rd, minted.source.b, STIX_KEY_SIZE);
    minted.profile = str_from_bytes(rd_blob(&rd, LIMIT_MINT_PROFILE_BYTES));
    if (version == VERSION_TRAIL)
        minted.trail = rd_blob(&rd, LIMIT_TRAIL_BYTES);
    minted.object = rd_bytes(&rd, rd.left);
    if (TRY(err, rd_end(&rd)))
        return err;
    if (minted.trail.len != 0 && minted.trail.len != LIMIT_TRAIL_BYTES)
        return ERR_CORRUPT;
    *out = minted;
    return ERR_OK;
}

void record_secret_write(struct buf *out, const struct record_secret *secret)
{
    wr_u8(out, VERSION);
    wr_u8(out, (uint8_t)secret->purpose);
    if (secret->purpose == RECORD_SECRET_WORDS)
        wr_u64(out, (uint64_t)secret->from_us);
}

err_t record_secret_read(struct bytes payload, struct record_secret *out)
{
    struct rd rd = rd_of(payload);
    err_t err = expect_version(&rd);
    if (err != ERR_OK)
        return err;
    unsigned purpose = rd_u8(&rd);
    struct record_secret secret = {.purpose = RECORD_SECRET_MINTING};
    if (rd.err == ERR_OK && purpose != RECORD_SECRET_MINTING && purpose != RECORD_SECRET_WORDS)
        return ERR_VERSION;
    if (purpose == RECORD_SECRET_WORDS)
        secret = (struct record_secret) {RECORD_SECRET_WORDS, (int64_t)rd_u64(&rd)};
    if (TRY(err, rd_end(&rd)))
        return err;
    *out = secret;
    return ERR_OK;
}

void record_fault_write(struct buf *out, const struct fault *fault, struct bytes refused)
{
    wr_u8(out, VERSION);
    wr_u16(out, (uint16_t)fault->code);
    wr_u64(out, fault->offset);
    wr_blob(out, bytes_from_str(str_of(fault->what)));
    wr_blob(out, bytes_from_str(str_of(fault->section)));
    wr_blob(out, bytes_from_str(str_of(fault->pointer)));
    wr_bytes(out, refused);
}

static void read_text(struct rd *rd, char *out, size_t size)
{
    struct bytes text = rd_blob(rd, size - 1);
    if (text.at != NULL && text.len > 0)
        memcpy(out, text.at, text.len);
    out[text.len] = '\0';
}

err_t record_fault_read(struct bytes sealed, struct fault *out_fault, struct bytes *out_refused)
{
    struct rd rd = rd_of(sealed);
    err_t err = expect_version(&rd);
    if (err != ERR_OK)
        return err;
    struct fault fault = {0};
    uint16_t code = rd_u16(&rd);
    fault.code = code < ERR_COUNT ? (err_t)code : ERR_INVALID;
    fault.offset = rd_u64(&rd);
    read_text(&rd, fault.what, sizeof fault.what);
    read_text(&rd, fault.section, sizeof fault.section);
    read_text(&rd, fault.pointer, sizeof fault.pointer);
    struct bytes rest = rd_bytes(&rd, rd.left);
    if (TRY(err, rd_end(&rd)))
        return err;
    *out_fault = fault;
    *out_refused = rest;
    return ERR_OK;
}

/* Rules are written for known partners only, in the order of their bits. */
static void write_class(struct buf *out, const struct record_class *class, uint64_t partners)
{
    wr_u64(out, class->release);
    wr_u64(out, class->hold);
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
        if (partners >> p & 1)
            wr_u16(out, class->rule[p]);
}

static err_t read_class(struct rd *rd, struct record_class *class, const struct record_decide *decide)
{
    class->release = rd_u64(rd);
    class->hold = rd_u64(rd);
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
        class->rule[p] = decide->partners >> p & 1 ? rd_u16(rd) : RECORD_NAME_NONE;
        class->terms[p] = RECORD_NAME_NONE;
        if (class->rule[p] != RECORD_NAME_NONE && class->rule[p] >= decide->name_count)
            return ERR_CORRUPT;
    }
    return rd->err;
}

/* A DECIDE with terms: few releases have any, and they stand behind the entries. */
enum { VERSION_TERMS = 2, TERM_SIZE = 2 + 1 + 2 };

static uint32_t count_terms(const struct record_decide *decide)
{
    uint32_t count = 0;
    for (size_t i = 0; i < decide->class_count; i++)
        for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
            count += decide->classes[i].terms[p] != RECORD_NAME_NONE;
    return count;
}

static void write_terms(struct buf *out, const struct record_decide *decide, uint32_t count)
{
    wr_u32(out, count);
    for (size_t i = 0; i < decide->class_count; i++) {
        for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
            if (decide->classes[i].terms[p] == RECORD_NAME_NONE)
                continue;
            wr_u16(out, (uint16_t)i);
            wr_u8(out, (uint8_t)p);
            wr_u16(out, decide->classes[i].terms[p]);
        }
    }
}

static err_t read_terms(struct rd *rd, const struct record_decide *decide, struct record_class *classes)
{
    uint32_t count = rd_u32(rd);
    if (rd->err == ERR_OK && (count == 0 || count > rd->left / TERM_SIZE))
        return ERR_CORRUPT;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t class = rd_u16(rd);
        uint8_t partner = rd_u8(rd);
        uint16_t name = rd_u16(rd);
        if (class >= decide->class_count || partner >= LIMIT_PARTNERS || name >= decide->name_count)
            return ERR_CORRUPT;
        classes[class].terms[partner] = name;
    }
    return rd->err;
}

static void write_entry(struct buf *out, const struct record_entry *entry)
{
    wr_u64(out, entry->lsn);
    wr_u64(out, entry->about);
    wr_u8(out, entry->op);
    wr_u16(out, entry->approver);
    wr_u16(out, entry->class);
    wr_u64(out, entry->release);
    wr_u64(out, entry->blocked);
    wr_u64(out, (uint64_t)entry->change_us);
}

enum { ENTRY_SIZE = 8 + 8 + 1 + 2 + 2 + 8 + 8 + 8, START_SIZE = 1 + 4 + 8 + 8 };

static void read_entry(struct rd *rd, struct record_entry *entry)
{
    entry->lsn = rd_u64(rd);
    entry->about = rd_u64(rd);
    entry->op = rd_u8(rd);
    entry->approver = rd_u16(rd);
    entry->class = rd_u16(rd);
    entry->release = rd_u64(rd);
    entry->blocked = rd_u64(rd);
    entry->change_us = (int64_t)rd_u64(rd);
}

void record_decide_write(struct buf *out, const struct record_decide *decide)
{
    uint32_t terms = count_terms(decide);
    wr_u8(out, terms > 0 ? VERSION_TERMS : VERSION);
    wr_u64(out, decide->from);
    wr_u64(out, decide->to);
    wr_u64(out, decide->policy);
    wr_u64(out, (uint64_t)decide->now_us);
    wr_u64(out, decide->partners);
    wr_u32(out, decide->job);
    wr_u64(out, decide->job_cursor);
    wr_bytes(out, bytes_of(decide->policy_digest.b, HASH_SIZE));
    wr_u32(out, (uint32_t)decide->name_count);
    for (size_t i = 0; i < decide->name_count; i++)
        wr_blob(out, bytes_from_str(decide->names[i]));
    wr_u32(out, (uint32_t)decide->start_count);
    wr_u32(out, (uint32_t)decide->class_count);
    wr_u32(out, (uint32_t)decide->entry_count);
    for (size_t i = 0; i < decide->start_count; i++) {
        wr_u8(out, decide->starts[i].ledger);
        wr_u32(out, decide->starts[i].epoch);
        wr_u64(out, decide->starts[i].seq);
        wr_u64(out, (uint64_t)decide->starts[i].time_us);
    }
    for (size_t i = 0; i < decide->class_count; i++)
        write_class(out, &decide->classes[i], decide->partners);
    for (size_t i = 0; i < decide->entry_count; i++)
        write_entry(out, &decide->entries[i]);
    if (terms > 0)
        write_terms(out, decide, terms);
}

static err_t read_starts(struct rd *rd, size_t count, struct record_start *starts)
{
    for (size_t i = 0; i < count; i++) {
        starts[i].ledger = rd_u8(rd);
        starts[i].epoch = rd_u32(rd);
        starts[i].seq = rd_u64(rd);
        starts[i].time_us = (int64_t)rd_u64(rd);
        if (starts[i].ledger >= GATE_LEDGERS)
            return ERR_CORRUPT;
    }
    return rd->err;
}

static err_t read_entries(struct rd *rd, const struct record_decide *decide, struct record_entry *entries)
{
    for (size_t i = 0; i < decide->entry_count; i++) {
        read_entry(rd, &entries[i]);
        if ((entries[i].release & ~decide->partners) != 0 || (entries[i].blocked & ~decide->partners) != 0)
            return ERR_CORRUPT;
        if (entries[i].class >= decide->class_count)
            return ERR_CORRUPT;
        if (entries[i].approver != RECORD_NAME_NONE && entries[i].approver >= decide->name_count)
            return ERR_CORRUPT;
    }
    return rd->err;
}

static err_t read_names(struct rd *rd, struct arena *arena, struct record_decide *decide)
{
    uint32_t count = rd_u32(rd);
    if (rd->err != ERR_OK)
        return rd->err;
    if (count > RECORD_NAMES_MAX || count > rd->left / 4)
        return ERR_CORRUPT;
    struct str *names = arena_zalloc(arena, count, sizeof *names);
    if (names == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++)
        names[i] = str_from_bytes(rd_blob(rd, RECORD_TEXT_MAX));
    decide->names = names;
    decide->name_count = count;
    return rd->err;
}

err_t record_decide_read(struct bytes payload, struct arena *arena, struct record_decide *out)
{
    struct rd rd = rd_of(payload);
    err_t err;
    bool terms = payload.len > 0 && payload.at[0] == VERSION_TERMS;
    if (terms)
        (void)rd_u8(&rd);
    else if (TRY(err, expect_version(&rd)))
        return err;
    struct record_decide decide = {0};
    decide.from = rd_u64(&rd);
    decide.to = rd_u64(&rd);
    decide.policy = rd_u64(&rd);
    decide.now_us = (int64_t)rd_u64(&rd);
    decide.partners = rd_u64(&rd);
    decide.job = rd_u32(&rd);
    decide.job_cursor = rd_u64(&rd);
    rd_copy(&rd, decide.policy_digest.b, HASH_SIZE);
    if (TRY(err, read_names(&rd, arena, &decide)))
        return err;
    decide.start_count = rd_u32(&rd);
    decide.class_count = rd_u32(&rd);
    decide.entry_count = rd_u32(&rd);
    /* Counts are held against what is left before anything is allocated for them. */
    if (decide.start_count > GATE_LEDGERS || decide.class_count > rd.left / 16 ||
        decide.entry_count > rd.left / ENTRY_SIZE)
        return rd.err != ERR_OK ? rd.err : ERR_CORRUPT;
    struct record_start *starts = arena_zalloc(arena, decide.start_count, sizeof *starts);
    struct record_class *classes = arena_zalloc(arena, decide.class_count, sizeof *classes);
    struct record_entry *entries = arena_zalloc(arena, decide.entry_count, sizeof *entries);
    if (starts == NULL || classes == NULL || entries == NULL)
        return ERR_NOMEM;
    if (TRY(err, read_starts(&rd, decide.start_count, starts)))
        return err;
    for (size_t i = 0; i < decide.class_count; i++)
        if (TRY(err, read_class(&rd, &classes[i], &decide)))
            return err;
    if (TRY(err, read_entries(&rd, &decide, entries)) ||
        (terms && TRY(err, read_terms(&rd, &decide, classes))) || TRY(err, rd_end(&rd)))
        return err;
    decide.starts = starts;
    decide.classes = classes;
    decide.entries = entries;
    *out = decide;
    return ERR_OK;
}

const struct record_start *record_decide_start(const struct record_decide *decide, unsigned ledger)
{
    for (size_t i = 0; i < decide->start_count; i++)
        if (decide->starts[i].ledger == ledger)
            return &decide->starts[i];
    return NULL;
}

unsigned record_entry_ledger(const struct record_decide *decide, const struct record_entry *entry,
                             unsigned partner)
{
    unsigned urgent = gate_urgent(partner);
    return entry->op == LEAF_RECALL && record_decide_start(decide, urgent) != NULL ? urgent : partner;
}

bool record_entry_in(const struct record_decide *decide, const struct record_entry *entry, unsigned ledger)
{
    unsigned partner = gate_ledger_partner(ledger);
    return (entry->release >> partner & 1) != 0 && record_entry_ledger(decide, entry, partner) == ledger;
}

static bool fact_kind_known(uint8_t kind)
{
    switch (kind) {
#define X(name, number, key)                                                                                 \
    case RECORD_FACT_##name:                                                                                 \
        return true;
        RECORD_FACT_LIST(X)
#undef X
    default:
        return false;
    }
}

void record_fact_write(struct buf *out, const struct record_fact *fact)
{
    wr_u8(out, VERSION);
    wr_u8(out, (uint8_t)fact->kind);
    wr_u64(out, (uint64_t)fact->at_us);
    wr_blob(out, fact->key);
    wr_blob(out, fact->value);
    wr_blob(out, bytes_from_str(fact->by));
    wr_blob(out, bytes_from_str(fact->because));
}

err_t record_fact_read(struct bytes payload, struct record_fact *out)
{
    struct rd rd = rd_of(payload);
    err_t err = expect_version(&rd);
    if (err != ERR_OK)
        return err;
    uint8_t kind = rd_u8(&rd);
    if (rd.err == ERR_OK && !fact_kind_known(kind))
        return ERR_VERSION;
    struct record_fact fact = {.kind = (enum record_fact_kind)kind};
    fact.at_us = (int64_t)rd_u64(&rd);
    fact.key = rd_blob(&rd, RECORD_FACT_KEY_MAX);
    fact.value = rd_blob(&rd, RECORD_FACT_VALUE_MAX);
    fact.by = str_from_bytes(rd_blob(&rd, RECORD_TEXT_MAX));
    fact.because = str_from_bytes(rd_blob(&rd, RECORD_WORDS_MAX));
    if (TRY(err, rd_end(&rd)))
        return err;
    *out = fact;
    return ERR_OK;
}

void record_policy_write(struct buf *out, const struct record_policy *policy)
{
    wr_u8(out, VERSION);
    wr_u64(out, (uint64_t)policy->at_us);
    wr_blob(out, bytes_from_str(policy->by));
    wr_blob(out, bytes_from_str(policy->text));
}

err_t record_policy_read(struct bytes payload, struct record_policy *out)
{
    struct rd rd = rd_of(payload);
    err_t err = expect_version(&rd);
    if (err != ERR_OK)
        return err;
    struct record_policy policy = {.at_us = (int64_t)rd_u64(&rd)};
    policy.by = str_from_bytes(rd_blob(&rd, RECORD_TEXT_MAX));
    policy.text = str_from_bytes(rd_blob(&rd, LIMIT_BATCH_BYTES));
    if (TRY(err, rd_end(&rd)))
        return err;
    *out = policy;
    return ERR_OK;
}

void record_note_write(struct buf *out, const struct record_note *note)
{
    wr_u8(out, VERSION);
    wr_u8(out, note->ledger);
    wr_u32(out, note->epoch);
    wr_u64(out, note->size);
    wr_bytes(out, bytes_of(note->root.b, HASH_SIZE));
    wr_u64(out, (uint64_t)note->at_us);
    wr_blob(out, note->edge);
    wr_blob(out, note->note);
}

err_t record_note_read(struct bytes payload, struct record_note *out)
{
    struct rd rd = rd_of(payload);
    err_t err = expect_version(&rd);
    if (err != ERR_OK)
        return err;
    struct record_note note = {.ledger = rd_u8(&rd)};
    note.epoch = rd_u32(&rd);
    note.size = rd_u64(&rd);
    rd_copy(&rd, note.root.b, HASH_SIZE);
    note.at_us = (int64_t)rd_u64(&rd);
    note.edge = rd_blob(&rd, EDGE_BYTES_MAX);
    note.note = rd_blob(&rd, 2 * LIMIT_NOTE_BYTES);
    if (TRY(err, rd_end(&rd)))
        return err;
    if (note.ledger >= GATE_LEDGERS)
        return ERR_CORRUPT;
    *out = note;
    return ERR_OK;
}

/* --- RECALL, PURGED --- */

enum { GONE_SIZE = 8 + 1 + 4, GONE_LEAF_SIZE = 1 + 8 + 2 * HASH_SIZE };

void record_recall_write(struct buf *out, const struct record_recall *recall)
{
    wr_u8(out, VERSION);
    wr_u8(out, (uint8_t)recall->cause);
    wr_u64(out, (uint64_t)recall->at_us);
    wr_blob(out, bytes_from_str(recall->by));
    wr_blob(out, bytes_from_str(recall->because));
    wr_u32(out, (uint32_t)recall->gone_count);
    wr_u32(out, (uint32_t)recall->leaf_count);
    for (size_t i = 0; i < recall->gone_count; i++) {
        wr_u64(out, recall->gone[i].lsn);
        wr_u8(out, recall->gone[i].flags);
        wr_u32(out, recall->gone[i].size);
    }
    for (size_t i = 0; i < recall->leaf_count; i++) {
        wr_u8(out, recall->leaves[i].ledger);
        wr_u64(out, recall->leaves[i].seq);
        wr_bytes(out, bytes_of(recall->leaves[i].opening.b, HASH_SIZE));
        wr_bytes(out, bytes_of(recall->leaves[i].issuer.b, HASH_SIZE));
    }
}

static err_t read_gone(struct rd *rd, struct record_gone *gone, size_t count)
{
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        gone[i] = (struct record_gone) {.lsn = rd_u64(rd), .flags = rd_u8(rd)};
        gone[i].size = rd_u32(rd);
        if (gone[i].lsn <= last || (gone[i].flags & ~RECORD_GONE_DERIVED) != 0)
            return ERR_CORRUPT;
        last = gone[i].lsn;
    }
    return rd->err;
}

static err_t read_gone_leaves(struct rd *rd, struct record_gone_leaf *leaves, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        leaves[i].ledger = rd_u8(rd);
        leaves[i].seq = rd_u64(rd);
        rd_copy(rd, leaves[i].opening.b, HASH_SIZE);
        rd_copy(rd, leaves[i].issuer.b, HASH_SIZE);
        if (leaves[i].ledger >= GATE_LEDGERS)
            return ERR_CORRUPT;
    }
    return rd->err;
}

err_t record_recall_read(struct bytes payload, struct arena *arena, struct record_recall *out)
{
    struct rd rd = rd_of(payload);
    err_t err = expect_version(&rd);
    if (err != ERR_OK)
        return err;
    struct record_recall recall = {.cause = (enum record_cause)rd_u8(&rd)};
    recall.at_us = (int64_t)rd_u64(&rd);
    recall.by = str_from_bytes(rd_blob(&rd, RECORD_TEXT_MAX));
    recall.because = str_from_bytes(rd_blob(&rd, RECORD_WORDS_MAX));
    recall.gone_count = rd_u32(&rd);
    recall.leaf_count = rd_u32(&rd);
    /* Counts are held against what is left before anything is allocated for them. */
    if (rd.err != ERR_OK || recall.cause < RECORD_CAUSE_SPILL || recall.cause > RECORD_CAUSE_RECALL ||
        recall.gone_count == 0 || recall.gone_count > LIMIT_RECALL_FRAMES ||
        recall.gone_count > rd.left / GONE_SIZE || recall.leaf_count > rd.left / GONE_LEAF_SIZE)
        return rd.err != ERR_OK ? rd.err : ERR_CORRUPT;
    struct record_gone *gone = arena_zalloc(arena, recall.gone_count, sizeof *gone);
    struct record_gone_leaf *leaves = arena_zalloc(arena, recall.leaf_count + 1, sizeof *leaves);
    if (gone == NULL || leaves == NULL)
        return ERR_NOMEM;
    if (TRY(err, read_gone(&rd, gone, recall.gone_count)) ||
        TRY(err, read_gone_leaves(&rd, leaves, recall.leaf_count)) || TRY(err, rd_end(&rd)))
        return err;
    recall.gone = gone;
    recall.leaves = leaves;
    *out = recall;
    return ERR_OK;
}

/* A version of its own: who does not know it must not take it for done. */
void record_purged_write(struct buf *out, const struct record_purged *purged)
{
    wr_u8(out, purged->unsure > 0 ? PURGED_UNSURE : VERSION);
    wr_u64(out, purged->recall);
    wr_u64(out, (uint64_t)purged->at_us);
    if (purged->unsure > 0)
        wr_u8(out, purged->unsure);
}

err_t record_purged_read(struct bytes payload, struct record_purged *out)
{
    struct rd rd = rd_of(payload);
    bool unsure = payload.len > 0 && payload.at[0] == PURGED_UNSURE;
    err_t err = unsure ? ERR_OK : expect_version(&rd);
    if (err != ERR_OK)
        return err;
    if (unsure)
        (void)rd_u8(&rd);
    struct record_purged purged = {.recall = rd_u64(&rd)};
    purged.at_us = (int64_t)rd_u64(&rd);
    if (unsure)
        purged.unsure = rd_u8(&rd);
    if (TRY(err, rd_end(&rd)))
        return err;
    if (unsure && purged.unsure == 0)
        return ERR_CORRUPT;
    *out = purged;
    return ERR_OK;
}
