/* Facts: what operators state, as log frames, as index entries, and as tables in memory. */
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/approval.h"
#include "gate/state.h"
#include "gate/words.h"

/* FACT table: 'F' kind key. Other first letters belong to the gate's own bookkeeping ('M' meta, 'J' jobs,
 * ...). */
enum { KEY_HEAD = 2, KEY_MAX = FACT_KEY_SIZE_MAX };

struct bytes fact_key(enum record_fact_kind kind, struct bytes key, uint8_t out[KEY_MAX])
{
    must(key.len <= RECORD_FACT_KEY_MAX);
    out[0] = 'F';
    out[1] = (uint8_t)kind;
    if (key.len > 0)
        memcpy(out + KEY_HEAD, key.at, key.len);
    return bytes_of(out, KEY_HEAD + key.len);
}

err_t fact_get(const struct gate *gate, enum record_fact_kind kind, struct bytes key, struct bytes *out)
{
    uint8_t full[KEY_MAX];
    /* Deciding asks for tags, approvals and the like of every object; most nodes have none of some kind. */
    if (key.len > RECORD_FACT_KEY_MAX || (gate->fact_kinds >> kind & 1) == 0)
        return ERR_NOTFOUND;
    return store_get(gate->store, TABLE_FACT, fact_key(kind, key, full), out);
}

static struct bytes meta_key(const char *key, uint8_t out[KEY_MAX])
{
    size_t len = strlen(key);
    must(len < KEY_MAX);
    out[0] = 'M';
    memcpy(out + 1, key, len);
    return bytes_of(out, len + 1);
}

err_t meta_put_u64(struct gate *gate, const char *key, uint64_t value)
{
    uint8_t full[KEY_MAX], raw[8];
    wr_at_u64(raw, value);
    return store_put(gate->store, TABLE_FACT, meta_key(key, full), bytes_of(raw, sizeof raw));
}

err_t row_get_u64(struct gate *gate, struct bytes key, uint64_t *out)
{
    struct bytes raw;
    err_t err = store_get(gate->store, TABLE_FACT, key, &raw);
    if (err != ERR_OK)
        return err;
    struct rd rd = rd_of(raw);
    uint64_t value = rd_u64(&rd);
    if (TRY(err, rd_end(&rd)))
        return ERR_CORRUPT;
    *out = value;
    return ERR_OK;
}

err_t meta_get_u64(struct gate *gate, const char *key, uint64_t *out)
{
    uint8_t full[KEY_MAX];
    return row_get_u64(gate, meta_key(key, full), out);
}

/* --- sources --- */

enum { SOURCE_OWN = 1, SOURCE_REWRITES = 2, SOURCE_UNDECLARED = 4 };

void source_write(struct buf *out, const struct gate_source *source)
{
    uint8_t flags = (uint8_t)((source->own ? SOURCE_OWN : 0) | (source->rewrites ? SOURCE_REWRITES : 0) |
                              (source->undeclared ? SOURCE_UNDECLARED : 0));
    wr_u32(out, source->number);
    wr_u8(out, flags);
    wr_u8(out, (uint8_t)source->assume);
    wr_u16(out, (uint16_t)(source->partner + 1));
    wr_u64(out, (uint64_t)source->assume_until_us);
    if (source->profile != GATE_PROFILE_STANDARD) /* older nodes wrote none */
        wr_u8(out, (uint8_t)source->profile);
}

static err_t source_read(struct bytes value, struct gate_source *out)
{
    struct rd rd = rd_of(value);
    struct gate_source source = {.number = rd_u32(&rd)};
    uint8_t flags = rd_u8(&rd);
    source.assume = (enum stix_tlp)rd_u8(&rd);
    source.partner = (int)rd_u16(&rd) - 1;
    source.assume_until_us = (int64_t)rd_u64(&rd);
    if (rd.left > 0)
        source.profile = (enum gate_profile)rd_u8(&rd);
    if (source.profile > GATE_PROFILE_LENIENT)
        return ERR_CORRUPT;
    if (rd_end(&rd) != ERR_OK || source.number == 0 || source.number > LIMIT_SOURCES ||
        source.assume > STIX_TLP_RED || source.partner >= LIMIT_PARTNERS)
        return ERR_CORRUPT;
    source.own = (flags & SOURCE_OWN) != 0;
    source.rewrites = (flags & SOURCE_REWRITES) != 0;
    source.undeclared = (flags & SOURCE_UNDECLARED) != 0;
    *out = source;
    return ERR_OK;
}

const struct gate_source *gate_source_get(const struct gate *gate, uint32_t number)
{
    return number == 0 || number > gate->source_count ? NULL : &gate->sources[number];
}

const struct gate_source *gate_source_find(const struct gate *gate, struct str name)
{
    for (uint32_t n = 1; n <= gate->source_count; n++)
        if (str_eq(gate->sources[n].name, name))
            return &gate->sources[n];
    return NULL;
}

uint32_t gate_source_count(const struct gate *gate)
{
    return (uint32_t)gate->source_count;
}

static err_t apply_source(struct gate *gate, const struct record_fact *fact)
{
    struct gate_source source;
    err_t err = source_read(fact->value, &source);
    if (err != ERR_OK)
        return err;
    if (source.number > gate->source_count + 1)
        return ERR_CORRUPT;
    struct gate_source *held = &gate->sources[source.number];
    bool fresh = source.number == gate->source_count + 1;
    source.name = fresh ? arena_str(&gate->facts_arena, str_from_bytes(fact->key)) : held->name;
    if (source.name.at == NULL)
        return ERR_NOMEM;
    *held = source;
    if (fresh)
        gate->source_count++;
    return ERR_OK;
}

/* --- partners --- */

/* Beside the state: an older node has none, and would not know where recalls are. */
enum { PEER_URGENT = 0x80 };

void peer_write(struct buf *out, const struct gate_peer *peer)
{
    wr_u8(out, (uint8_t)peer->index);
    wr_u8(out, (uint8_t)(peer->state | (peer->urgent ? PEER_URGENT : 0)));
    wr_u32(out, peer->source);
    wr_u32(out, peer->epoch);
    wr_u64(out, peer->since_lsn);
    wr_blob(out, bytes_from_str(peer->node));
    wr_blob(out, bytes_from_str(peer->country));
    wr_blob(out, peer->card);
    if (peer->epoch > 0)
        wr_u64(out, peer->epoch_lsn);
}

static err_t peer_read(struct bytes value, struct gate_peer *out)
{
    struct rd rd = rd_of(value);
    struct gate_peer peer = {.index = rd_u8(&rd)};
    unsigned state = rd_u8(&rd);
    peer.state = (enum gate_peer_state)(state & ~(unsigned)PEER_URGENT);
    peer.urgent = (state & PEER_URGENT) != 0;
    peer.source = rd_u32(&rd);
    peer.epoch = rd_u32(&rd);
    peer.since_lsn = rd_u64(&rd);
    peer.node = str_from_bytes(rd_blob(&rd, LIMIT_NAME_BYTES));
    peer.country = str_from_bytes(rd_blob(&rd, LIMIT_NAME_BYTES));
    peer.card = rd_blob(&rd, RECORD_FACT_VALUE_MAX);
    if (peer.epoch > 0)
        peer.epoch_lsn = rd_u64(&rd);
    if (rd_end(&rd) != ERR_OK || peer.index >= LIMIT_PARTNERS || peer.state > GATE_PEER_REMOVED)
        return ERR_CORRUPT;
    *out = peer;
    return ERR_OK;
}

unsigned gate_peer_count(const struct gate *gate)
{
    return gate->peer_count;
}

const struct gate_peer *gate_peer_get(const struct gate *gate, unsigned partner)
{
    return partner < gate->peer_count ? &gate->peers[partner] : NULL;
}

const struct gate_peer *gate_peer_find(const struct gate *gate, struct str audience)
{
    for (unsigned p = 0; p < gate->peer_count; p++)
        if (str_eq(gate->peers[p].audience, audience))
            return &gate->peers[p];
    return NULL;
}

static err_t apply_peer(struct gate *gate, const struct record_fact *fact)
{
    struct gate_peer peer;
    err_t err = peer_read(fact->value, &peer);
    if (err != ERR_OK)
        return err;
    if (peer.index > gate->peer_count)
        return ERR_CORRUPT;
    bool fresh = peer.index == gate->peer_count;
    /* Old cards stay in the arena until the gate closes: changes are rare, and callers may hold the struct.
     */
    peer.audience = arena_str(&gate->facts_arena, str_from_bytes(fact->key));
    peer.node = arena_str(&gate->facts_arena, peer.node);
    peer.country = arena_str(&gate->facts_arena, peer.country);
    peer.card = bytes_from_str(arena_str(&gate->facts_arena, str_from_bytes(peer.card)));
    if (peer.audience.at == NULL || peer.node.at == NULL || peer.country.at == NULL || peer.card.at == NULL)
        return ERR_NOMEM;
    bool renewed = !fresh && peer.epoch != gate->peers[peer.index].epoch;
    gate->peers[peer.index] = peer;
    if (peer.state != GATE_PEER_STARTED)
        views_take(gate, UINT64_C(1) << peer.index);
    if (fresh) {
        gate->peer_count++;
        if (TRY(err, view_open(gate, peer.index)) || TRY(err, view_open(gate, gate_urgent(peer.index))))
            return err;
    }
    if (peer.epoch > 0)
        gate->epochs |= UINT64_C(1) << peer.index;
    if (renewed && TRY(err, epoch_begin(gate, peer.index)))
        return err;
    return policy_recompile(gate);
}

/* --- markings and identities --- */

static struct classified *classified_find(struct gate *gate, const struct stix_key *key)
{
    for (size_t i = 0; i < gate->marking_count; i++)
        if (stix_key_eq(&gate->markings[i].key, key))
            return &gate->markings[i];
    return NULL;
}

/* Names of nations and communities, to the end; older frames have none. */
static err_t rel_to_read(struct gate *gate, struct rd *rd, struct classified *entry)
{
    struct str names[LIMIT_REL_TO];
    size_t count = 0;
    entry->rel_to = NULL;
    entry->rel_to_count = 0;
    for (; rd->left > 0; count++) {
        struct str name = str_from_bytes(rd_blob(rd, LIMIT_NAME_BYTES));
        if (rd->err != ERR_OK || count == LIMIT_REL_TO)
            return ERR_CORRUPT;
        names[count] = arena_str(&gate->facts_arena, name);
        if (names[count].at == NULL)
            return ERR_NOMEM;
    }
    struct str *kept = count == 0 ? NULL : arena_alloc(&gate->facts_arena, count * sizeof *kept);
    if (count > 0 && kept == NULL)
        return ERR_NOMEM;
    if (count > 0)
        memcpy(kept, names, count * sizeof *kept);
    entry->rel_to = kept;
    entry->rel_to_count = count;
    return ERR_OK;
}

static err_t apply_marking(struct gate *gate, const struct record_fact *fact)
{
    struct rd key_rd = rd_of(fact->key), rd = rd_of(fact->value);
    struct classified entry;
    rd_copy(&key_rd, entry.key.b, STIX_KEY_SIZE);
    entry.as = (enum stix_tlp)rd_u8(&rd);
    rd_copy(&rd, entry.meaning.b, HASH_SIZE);
    entry.partners = rd.left == 0 ? UINT64_MAX : rd_u64(&rd);
    err_t err = rel_to_read(gate, &rd, &entry);
    if (err != ERR_OK)
        return err;
    if (rd_end(&key_rd) != ERR_OK || rd_end(&rd) != ERR_OK || entry.as > STIX_TLP_RED)
        return ERR_CORRUPT;
    struct classified *held = classified_find(gate, &entry.key);
    if (held == NULL) {
        if (gate->marking_count >= LIMIT_MARKINGS)
            return ERR_FULL;
        size_t size = (gate->marking_count + 1) * sizeof *gate->markings;
        struct classified *wider = mem_grow(gate->markings, size);
        if (wider == NULL)
            return ERR_NOMEM;
        gate->markings = wider;
        held = &gate->markings[gate->marking_count++];
    }
    *held = entry;
    return ERR_OK;
}

static err_t apply_identity(struct gate *gate, const struct record_fact *fact)
{
    struct rd rd = rd_of(fact->value);
    uint32_t source = rd_u32(&rd);
    if (rd_end(&rd) != ERR_OK || fact->key.len != STIX_KEY_SIZE)
        return ERR_CORRUPT;
    return map_put(&gate->identities, fact->key.at, source);
}

/* --- stops --- */

bool stop_holds(const struct gate *gate, enum gate_stop_kind kind, struct str name)
{
    for (size_t i = 0; i < gate->stop_count; i++) {
        const struct stop *stop = &gate->stops[i];
        if (stop->kind == GATE_STOP_ALL ||
            (stop->kind == kind && str_eq((struct str) {stop->name, stop->name_len}, name)))
            return true;
    }
    return false;
}

static err_t apply_stop(struct gate *gate, const struct record_fact *fact)
{
    if (fact->key.len < 1 || fact->key.len > 1 + LIMIT_NAME_BYTES || fact->key.at[0] > GATE_STOP_RULE)
        return ERR_CORRUPT;
    struct stop stop = {.kind = (enum gate_stop_kind)fact->key.at[0], .name_len = fact->key.len - 1};
    memcpy(stop.name, fact->key.at + 1, stop.name_len);
    size_t at = 0;
    while (at < gate->stop_count &&
           (gate->stops[at].kind != stop.kind || gate->stops[at].name_len != stop.name_len ||
            memcmp(gate->stops[at].name, stop.name, stop.name_len) != 0))
        at++;
    bool held = at < gate->stop_count;
    if (fact->value.len > 0 && !held) {
        if (gate->stop_count >= STOPS_MAX)
            return ERR_FULL;
        gate->stops[gate->stop_count++] = stop;
    } else if (fact->value.len == 0 && held) {
        gate->stops[at] = gate->stops[--gate->stop_count];
    }
    return ERR_OK;
}

/* --- all kinds --- */

static err_t apply_quarantine(struct gate *gate, const struct record_fact *fact)
{
    struct rd rd = rd_of(fact->key);
    uint64_t lsn = rd_u64(&rd);
    return rd_end(&rd) == ERR_OK ? quarantine_closed(gate, lsn) : ERR_CORRUPT;
}

static err_t apply_memory(struct gate *gate, const struct record_fact *fact)
{
    switch (fact->kind) {
    case RECORD_FACT_SOURCE:
        return apply_source(gate, fact);
    case RECORD_FACT_PEER:
        return apply_peer(gate, fact);
    case RECORD_FACT_MARKING:
        return apply_marking(gate, fact);
    case RECORD_FACT_IDENTITY:
        return apply_identity(gate, fact);
    case RECORD_FACT_STOP:
        return apply_stop(gate, fact);
    case RECORD_FACT_QUARANTINE:
        return apply_quarantine(gate, fact);
    case RECORD_FACT_EXTENSION:
        return extension_apply(gate, fact);
    case RECORD_FACT_INBOUND:
        return inbound_apply(gate, fact);
    case RECORD_FACT_LIST:
        return list_apply(gate, fact);
    case RECORD_FACT_SPILL:
        return spill_apply(gate, fact);
    case RECORD_FACT_LEGAL:
        legal_apply(gate);
        return ERR_OK;
    case RECORD_FACT_RIVAL:
        return rival_apply(gate, fact);
    case RECORD_FACT_NODE:
        vouches_apply(gate, fact);
        return ERR_OK;
    default:
        return ERR_OK; /* looked up in the index when asked for */
    }
}

uint64_t partners_started(const struct gate *gate)
{
    uint64_t mask = 0;
    for (unsigned p = 0; p < gate->peer_count; p++)
        if (gate->peers[p].state == GATE_PEER_STARTED)
            mask |= UINT64_C(1) << p;
    return mask;
}

uint64_t partners_concerned(const struct gate *gate)
{
    uint64_t mask = partners_started(gate);
    for (unsigned p = 0; p < gate->peer_count; p++)
        if (gate->views[p].tree.edge.size > 0)
            mask |= UINT64_C(1) << p;
    return mask;
}

/* The first partner starts: what came before is the job's alone, or it would all be decided twice. */
static err_t skip_to(struct gate *gate, uint64_t lsn, uint64_t starting)
{
    if (partners_started(gate) != starting || gate->scanned_lsn >= lsn)
        return ERR_OK;
    gate->scanned_lsn = lsn;
    return meta_put_u64(gate, "scanned", lsn);
}

/* Who has it is told that it is over, also who is paused, and what refers to it is decided again. */
static err_t job_for_spill(struct gate *gate, uint64_t lsn, const struct record_fact *fact)
{
    struct job job = {
        .scope = JOB_REFERRERS, .partners = partners_concerned(gate), .cursor = LSN_FIRST, .until = lsn};
    struct job back = {.scope = JOB_SUSPENDED, .cursor = LSN_FIRST, .until = lsn};
    err_t err = spill_key(fact, &job.key);
    if (err != ERR_OK || TRY(err, job_add(gate, &job)))
        return err;
    back.key = job.key;
    back.partners = gate->peer_count == 0 ? 0 : UINT64_MAX >> (64 - gate->peer_count);
    return job_add(gate, &back);
}

/* Which old decisions a new fact asks for again (DESIGN 7). */
static err_t job_for_fact(struct gate *gate, uint64_t lsn, const struct record_fact *fact)
{
    struct job job = {.partners = partners_concerned(gate), .cursor = LSN_FIRST, .until = lsn};
    switch (fact->kind) {
    case RECORD_FACT_SOURCE: {
        struct gate_source source;
        err_t err = source_read(fact->value, &source);
        if (err != ERR_OK)
            return err;
        job.scope = JOB_SOURCE;
        job.source = (uint16_t)source.number;
        break;
    }
    case RECORD_FACT_MARKING:
    case RECORD_FACT_RECHECK:
        if (job_is_list(fact, &job))
            break;
        job.scope = JOB_REFERRERS;
        memcpy(job.key.b, fact->key.at, STIX_KEY_SIZE);
        break;
    case RECORD_FACT_TAG:
    case RECORD_FACT_APPROVAL:
        job.scope = JOB_OBJECT;
        memcpy(job.key.b, fact->key.at, STIX_KEY_SIZE);
        break;
    case RECORD_FACT_LIMITED:
    case RECORD_FACT_TRAIL: {
        struct rd rd = rd_of(fact->key);
        rd_copy(&rd, job.key.b, STIX_KEY_SIZE);
        uint64_t about = rd_u64(&rd);
        if (rd_end(&rd) != ERR_OK)
            return ERR_CORRUPT;
        if (about >= gate->decided_lsn)
            return ERR_OK; /* it came with it, and was not decided yet */
        job.scope = JOB_OBJECT;
        break;
    }
    case RECORD_FACT_SPILL:
        return job_for_spill(gate, lsn, fact);
    case RECORD_FACT_RIVAL:
        if (!rival_asks(fact, &job))
            return ERR_OK;
        break;
    case RECORD_FACT_NODE:
        if (!clock_asks(fact, &job))
            return ERR_OK;
        break;
    case RECORD_FACT_STOP:
    case RECORD_FACT_LIST:
        job.scope = JOB_ALL;
        break;
    case RECORD_FACT_HISTORY: {
        const struct gate_peer *peer = gate_peer_find(gate, str_from_bytes(fact->key));
        struct rd rd = rd_of(fact->value);
        job.cursor = rd_u64(&rd);
        if (peer == NULL || rd_end(&rd) != ERR_OK)
            return ERR_CORRUPT;
        job.scope = JOB_ALL;
        job.partners = UINT64_C(1) << peer->index;
        err_t err = skip_to(gate, lsn, job.partners);
        if (err != ERR_OK)
            return err;
        break;
    }
    default:
        return ERR_OK;
    }
    return job_add(gate, &job);
}

err_t fact_apply(struct gate *gate, uint64_t lsn, const struct record_fact *fact)
{
    err_t err;
    if (fact->kind == RECORD_FACT_NODELOG)
        return nodelog_apply(gate, lsn, fact); /* it keeps rows of its own */
    if (TRY(err, apply_memory(gate, fact)))
        return err;
    uint8_t full[KEY_MAX];
    struct bytes key = fact_key(fact->kind, fact->key, full), value = fact->value;
    if (fact->kind == RECORD_FACT_APPROVAL && TRY(err, approval_settle(gate, fact, &value)))
        return err;
    gate->fact_kinds |= UINT32_C(1) << fact->kind;
    if (TRY(err, words_note(gate, fact)))
        return err;
    if (value.len == 0)
        err = store_delete(gate->store, TABLE_FACT, key);
    else
        err = store_put(gate->store, TABLE_FACT, key, value);
    return err != ERR_OK ? err : job_for_fact(gate, lsn, fact);
}

/* One entry as it lies in the index, copied: applying may read the index itself. */
struct loaded {
    struct record_fact fact;
    struct loaded *next;
};

static err_t load_entries(struct gate *gate, enum record_fact_kind kind, struct loaded **out)
{
    uint8_t head[KEY_MAX];
    struct store_scan *scan;
    struct bytes key, value;
    struct loaded *list = NULL;
    err_t err = store_scan_open(gate->store, TABLE_FACT, fact_key(kind, bytes_of(NULL, 0), head),
                                bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct loaded *entry = arena_zalloc(&gate->step_arena, 1, sizeof *entry);
        struct str name = {(const char *)key.at + KEY_HEAD, key.len - KEY_HEAD};
        struct str key_copy = arena_str(&gate->step_arena, name);
        struct str value_copy = arena_str(&gate->step_arena, str_from_bytes(value));
        if (entry == NULL || key_copy.at == NULL || value_copy.at == NULL) {
            err = ERR_NOMEM;
            break;
        }
        entry->fact = (struct record_fact) {
            .kind = kind, .key = bytes_from_str(key_copy), .value = bytes_from_str(value_copy)};
        entry->next = list;
        list = entry;
    }
    store_scan_close(scan);
    if (err == ERR_NOTFOUND)
        *out = list;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* Sources and partners carry numbers and are told apart by them; they lie in the index by name. */
static uint32_t fact_number(const struct record_fact *fact)
{
    struct gate_source source;
    struct gate_peer peer;
    if (fact->kind == RECORD_FACT_SOURCE && source_read(fact->value, &source) == ERR_OK)
        return source.number;
    if (fact->kind == RECORD_FACT_PEER && peer_read(fact->value, &peer) == ERR_OK)
        return peer.index;
    return 0;
}

static struct loaded *take_lowest(struct loaded **list)
{
    struct loaded **lowest = list;
    for (struct loaded **at = list; *at != NULL; at = &(*at)->next)
        if (fact_number(&(*at)->fact) < fact_number(&(*lowest)->fact))
            lowest = at;
    struct loaded *taken = *lowest;
    *lowest = taken->next;
    return taken;
}

static err_t load_kind(struct gate *gate, enum record_fact_kind kind)
{
    struct loaded *list = NULL;
    arena_reset(&gate->step_arena);
    err_t err = load_entries(gate, kind, &list);
    while (err == ERR_OK && list != NULL)
        err = apply_memory(gate, &take_lowest(&list)->fact);
    return err;
}

static err_t load_policy(struct gate *gate)
{
    uint64_t lsn;
    struct frame frame;
    struct record_policy policy;
    err_t err = meta_get_u64(gate, "policy", &lsn);
    if (err == ERR_NOTFOUND)
        return ERR_OK;
    if (err != ERR_OK || TRY(err, store_read(gate->store, lsn, &frame)) ||
        TRY(err, record_policy_read(frame.payload, &policy)))
        return err;
    return policy_apply(gate, lsn, &policy);
}

/* Which kinds there are any facts of. */
static err_t load_kinds(struct gate *gate)
{
    static const enum record_fact_kind kinds[] = {
#define X(name, number, key) RECORD_FACT_##name,
        RECORD_FACT_LIST(X)
#undef X
    };
    uint8_t head[KEY_MAX];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct store_scan *scan;
        struct bytes key, value;
        must(kinds[i] < 32);
        err_t err = store_scan_open(gate->store, TABLE_FACT, fact_key(kinds[i], bytes_of(NULL, 0), head),
                                    bytes_of(NULL, 0), &scan);
        if (err != ERR_OK)
            return err;
        err = store_scan_next(scan, &key, &value);
        store_scan_close(scan);
        if (err == ERR_OK)
            gate->fact_kinds |= UINT32_C(1) << kinds[i];
        else if (err != ERR_NOTFOUND)
            return err;
    }
    return ERR_OK;
}

err_t fact_load_all(struct gate *gate)
{
    static const enum record_fact_kind kinds[] = {
        RECORD_FACT_SOURCE, RECORD_FACT_IDENTITY,  RECORD_FACT_MARKING, RECORD_FACT_STOP,
        RECORD_FACT_PEER,   RECORD_FACT_EXTENSION, RECORD_FACT_INBOUND, RECORD_FACT_LIST,
        RECORD_FACT_SPILL,  RECORD_FACT_RIVAL};
    err_t err = load_kinds(gate);
    gate->recall_budget = LIMIT_RECALL_DAY;
    gate->tightened_bound = LIMIT_TIGHTENED_DAY;
    gate->recalls_open = true; /* they are looked at once */
    memset(gate->recalls_answered, 0xff, sizeof gate->recalls_answered);
    for (size_t i = 0; err == ERR_OK && i < sizeof kinds / sizeof *kinds; i++)
        err = load_kind(gate, kinds[i]);
    return err != ERR_OK ? err : load_policy(gate);
}

void facts_deinit(struct gate *gate)
{
    policy_unref(gate->policy);
    gate->policy = NULL;
    mem_free(gate->markings);
    gate->markings = NULL;
    extensions_deinit(gate);
    inbounds_deinit(gate);
    rivals_deinit(gate);
    lists_deinit(gate);
    mem_free(gate->spills);
    gate->spills = NULL;
}
