#include "fake_gate.h"

#include <stdlib.h>

#include "core/mem.h"
#include "json/json.h"

enum { FEW = 16 };

struct setting {
    char key[128];
    struct buf value;
};

struct held {
    uint64_t lsn;
    uint32_t source;
    int64_t received_us;
    struct bytes bytes; /* padded */
    struct stix_key key;
    struct stamp stamp;
    bool quarantined, refused;
    uint64_t about;
};

struct kept_leaf {
    struct gate_leaf leaf;
    char *text;
};

struct gate {
    struct setting *settings;
    size_t setting_count;
    struct gate_source sources[FEW];
    struct gate_peer peers[FEW];
    uint32_t source_count;
    unsigned peer_count;
    struct held *held;
    size_t held_count;
    struct kept_leaf *leaves[FEW];
    size_t leaf_count[FEW], unsigned_count[FEW];
    struct json_parser *parser;
    err_t fail;
};

/* Room for one more in an array that doubles at powers of two; what it grows by is zeroed. */
static void *room(void *array, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    size_t next = count == 0 ? 1 : count * 2;
    uint8_t *grown = mem_grow(array, next * size);
    must(grown != NULL);
    memset(grown + count * size, 0, (next - count) * size);
    return grown;
}

struct gate *fake_new(void)
{
    struct gate *gate = mem_alloc(sizeof *gate);
    must(gate != NULL && json_parser_new(32u << 20, &gate->parser) == ERR_OK);
    return gate;
}

void fake_free(struct gate *gate)
{
    for (size_t i = 0; i < gate->setting_count; i++)
        buf_deinit(&gate->settings[i].value);
    for (size_t i = 0; i < gate->held_count; i++)
        mem_free((void *)(uintptr_t)gate->held[i].bytes.at);
    for (unsigned p = 0; p < gate->peer_count; p++) {
        for (size_t i = 0; i < gate->leaf_count[p]; i++)
            mem_free(gate->leaves[p][i].text);
        mem_free(gate->leaves[p]);
    }
    mem_free(gate->held);
    mem_free(gate->settings);
    json_parser_free(gate->parser);
    mem_free(gate);
}

/* --- facts --- */

uint32_t fake_source(struct gate *gate, const char *name)
{
    uint32_t number = ++gate->source_count;
    must(number < FEW);
    gate->sources[number] = (struct gate_source) {.number = number, .name = str_of(name), .partner = -1};
    return number;
}

unsigned fake_peer(struct gate *gate, const char *audience, uint32_t source)
{
    unsigned index = gate->peer_count++;
    must(index < FEW);
    gate->peers[index] = (struct gate_peer) {
        .index = index, .audience = str_of(audience), .source = source, .state = GATE_PEER_STARTED};
    return index;
}

void fake_peer_state(struct gate *gate, unsigned partner, enum gate_peer_state state)
{
    gate->peers[partner].state = state;
}

const struct gate_source *gate_source_find(const struct gate *gate, struct str name)
{
    for (uint32_t i = 1; i <= gate->source_count; i++) {
        if (str_eq(gate->sources[i].name, name))
            return &gate->sources[i];
    }
    return NULL;
}

const struct gate_source *gate_source_get(const struct gate *gate, uint32_t number)
{
    return number == 0 || number > gate->source_count ? NULL : &gate->sources[number];
}

unsigned gate_peer_count(const struct gate *gate)
{
    return gate->peer_count;
}

const struct gate_peer *gate_peer_get(const struct gate *gate, unsigned partner)
{
    return &gate->peers[partner];
}

const struct gate_peer *gate_peer_find(const struct gate *gate, struct str audience)
{
    for (unsigned i = 0; i < gate->peer_count; i++) {
        if (str_eq(gate->peers[i].audience, audience))
            return &gate->peers[i];
    }
    return NULL;
}

static struct setting *setting_find(const struct gate *gate, struct str key)
{
    for (size_t i = 0; i < gate->setting_count; i++) {
        if (str_eq(str_of(gate->settings[i].key), key))
            return (struct setting *)(uintptr_t)&gate->settings[i];
    }
    return NULL;
}

err_t gate_setting_put(struct gate *gate, struct str key, struct bytes value, const struct gate_by *by,
                       int64_t now_us)
{
    (void)by, (void)now_us;
    must(key.len <= RECORD_FACT_KEY_MAX && value.len <= RECORD_FACT_VALUE_MAX);
    struct setting *setting = setting_find(gate, key);
    if (setting == NULL) {
        gate->settings = room(gate->settings, gate->setting_count, sizeof *gate->settings);
        setting = &gate->settings[gate->setting_count++];
        memcpy(setting->key, key.at, key.len);
        buf_init(&setting->value, RECORD_FACT_VALUE_MAX);
    }
    buf_clear(&setting->value);
    buf_put(&setting->value, value.at, value.len);
    return buf_err(&setting->value);
}

bool gate_setting_get(const struct gate *gate, struct str key, struct buf *out)
{
    const struct setting *setting = setting_find(gate, key);
    if (setting == NULL || setting->value.len == 0)
        return false;
    buf_put_str(out, buf_str(&setting->value));
    return buf_err(out) == ERR_OK;
}

/* --- objects --- */

static struct bytes padded(struct bytes text)
{
    uint8_t *copy = mem_alloc(text.len + JSON_PADDING);
    must(copy != NULL);
    memcpy(copy, text.at, text.len);
    return (struct bytes) {copy, text.len};
}

/* Id, key and version; the id borrows from the parser. */
static bool read_object(struct gate *gate, struct bytes text, struct str *id, struct stix_key *key,
                        struct str *version, struct stamp *stamp)
{
    struct json_doc doc;
    struct json_val ignored;
    if (json_parse(gate->parser, text, &doc, NULL) != ERR_OK)
        return false;
    struct json_val root = json_root(&doc);
    if (!json_get_str(root, STR("id"), id) || !stix_id_parse(*id, key) ||
        json_get(root, STR("broken"), &ignored))
        return false;
    *version = STR("");
    *stamp = (struct stamp) {0};
    if (json_get_str(root, STR("modified"), version) || json_get_str(root, STR("created"), version))
        return stamp_parse(*version, stamp, NULL) == ERR_OK;
    return true;
}

static const struct held *held_find(const struct gate *gate, const struct held *like)
{
    for (size_t i = 0; i < gate->held_count; i++) {
        const struct held *held = &gate->held[i];
        if (!held->quarantined && stix_key_eq(&held->key, &like->key) && like->stamp.seconds != 0 &&
            stamp_cmp(held->stamp, like->stamp) == 0)
            return held;
    }
    return NULL;
}

static uint64_t held_add(struct gate *gate, const struct held *held)
{
    gate->held = room(gate->held, gate->held_count, sizeof *gate->held);
    gate->held[gate->held_count] = *held;
    gate->held[gate->held_count].lsn = gate->held_count * 7 + 8;
    return gate->held[gate->held_count++].lsn;
}

static enum gate_disposition take(struct gate *gate, uint32_t source, int64_t now_us, struct bytes text,
                                  uint64_t *out_lsn)
{
    struct held held = {.source = source, .received_us = now_us, .bytes = padded(text)};
    struct str id, version;
    if (!read_object(gate, held.bytes, &id, &held.key, &version, &held.stamp)) {
        held.quarantined = held.refused = true;
        *out_lsn = held_add(gate, &held);
        return GATE_REFUSED;
    }
    const struct held *other = held_find(gate, &held);
    if (other != NULL && bytes_eq(other->bytes, text) && other->source == source) {
        mem_free((void *)(uintptr_t)held.bytes.at);
        *out_lsn = other->lsn;
        return GATE_DUPLICATE;
    }
    held.quarantined = other != NULL && !bytes_eq(other->bytes, text);
    held.about = held.quarantined ? other->lsn : 0;
    enum gate_disposition answer = held.quarantined ? GATE_CONFLICT : other != NULL ? GATE_SEEN : GATE_NEW;
    *out_lsn = held_add(gate, &held); /* `other` may move */
    return answer;
}

void fake_hold(struct gate *gate, uint32_t source, int64_t now_us, const char *text)
{
    uint64_t lsn;
    (void)take(gate, source, now_us, bytes_of(text, strlen(text)), &lsn);
}

void fake_fail(struct gate *gate, err_t err)
{
    gate->fail = err;
}

size_t fake_object_count(const struct gate *gate)
{
    return gate->held_count;
}

struct accepting {
    struct gate *gate;
    const struct gate_submission *submission;
    struct bytes text;
    int64_t now_us;
    void (*answer)(void *ctx, const struct gate_answer *answer);
    void *ctx;
    size_t index;
};

static bool accept_slice(void *ctx, struct json_slice slice)
{
    struct accepting *a = ctx;
    struct bytes text = {a->text.at + slice.from, slice.len};
    struct fault fault = {.code = ERR_INVALID, .what = "what it has to have is missing", .section = "3.2"};
    struct gate_answer answer = {.index = a->index++, .offset = slice.from};
    memcpy(fault.pointer, "/objects/9/id", 14);
    answer.disposition = take(a->gate, a->submission->source, a->now_us, text, &answer.lsn);
    answer.fault = answer.disposition == GATE_REFUSED ? &fault : NULL;
    a->answer(a->ctx, &answer);
    return true;
}

err_t gate_accept(struct gate *gate, const struct gate_submission *submission, struct bytes text,
                  int64_t now_us, void (*answer)(void *ctx, const struct gate_answer *answer), void *ctx,
                  struct fault *fault)
{
    if (gate->fail != ERR_OK)
        return gate->fail;
    must(text.len <= LIMIT_BATCH_BYTES + LIMIT_OBJECT_BYTES + 64);
    struct accepting a = {gate, submission, text, now_us, answer, ctx, 0};
    enum json_split_kind kind;
    err_t err = json_split(text, STR("objects"), &kind, accept_slice, &a, fault);
    must(a.index <= LIMIT_BATCH_OBJECTS);
    return err;
}

static struct gate_object object_of(const struct held *held)
{
    return (struct gate_object) {.lsn = held->lsn,
                                 .bytes = held->bytes,
                                 .envelope = {.source = held->source,
                                              .received_us = held->received_us,
                                              .about = held->about,
                                              .reason = held->refused       ? RECORD_QUARANTINE_REFUSED
                                                        : held->quarantined ? RECORD_QUARANTINE_CONFLICT
                                                                            : RECORD_QUARANTINE_NONE},
                                 .quarantined = held->quarantined};
}

err_t gate_versions(struct gate *gate, const struct stix_key *object,
                    bool (*visit)(void *ctx, const struct gate_object *object), void *ctx)
{
    for (size_t i = 0; i < gate->held_count; i++) {
        struct gate_object found = object_of(&gate->held[i]);
        if (!gate->held[i].refused && stix_key_eq(&gate->held[i].key, object) && !visit(ctx, &found))
            break;
    }
    return ERR_OK;
}

err_t gate_source_objects(struct gate *gate, uint32_t source, uint64_t from,
                          bool (*visit)(void *ctx, const struct gate_object *object), void *ctx)
{
    for (size_t i = 0; i < gate->held_count; i++) {
        struct gate_object found = object_of(&gate->held[i]);
        if (gate->held[i].source == source && found.lsn >= from && !visit(ctx, &found))
            break;
    }
    return ERR_OK;
}

err_t gate_source_versions(struct gate *gate, uint32_t source, const struct stix_key *object,
                           bool (*visit)(void *ctx, const struct gate_submitted *submitted), void *ctx)
{
    for (size_t i = 0; i < gate->held_count; i++) {
        const struct held *held = &gate->held[i];
        struct gate_submitted found = {held->lsn, held->stamp, held->stamp.seconds == 0};
        if (held->source == source && !held->refused && stix_key_eq(&held->key, object) &&
            !visit(ctx, &found))
            break;
    }
    return ERR_OK;
}

/* --- leaves --- */

void fake_leaf(struct gate *gate, unsigned partner, enum leaf_op op, int64_t time_us, const char *text,
               uint64_t subject_seq)
{
    size_t seq = gate->leaf_count[partner]++;
    gate->leaves[partner] = room(gate->leaves[partner], seq, sizeof *gate->leaves[partner]);
    struct kept_leaf *kept = &gate->leaves[partner][seq];
    kept->leaf.leaf = (struct leaf) {.op = op, .seq = seq, .time_us = time_us};
    kept->leaf.opening.subject_seq = subject_seq;
    if (text == NULL)
        return;
    struct bytes object = padded(bytes_of(text, strlen(text)));
    struct str id, version;
    must(read_object(gate, object, &id, &kept->leaf.key, &version, &kept->leaf.stamp));
    size_t total = object.len + id.len + version.len;
    kept->text = mem_alloc(total + 1);
    must(kept->text != NULL);
    memcpy(kept->text, object.at, object.len);
    memcpy(kept->text + object.len, id.at, id.len);
    if (version.len > 0)
        memcpy(kept->text + object.len + id.len, version.at, version.len);
    kept->leaf.object = bytes_of(kept->text, object.len);
    kept->leaf.id = (struct str) {kept->text + object.len, id.len};
    kept->leaf.version = (struct str) {kept->text + object.len + id.len, version.len};
    mem_free((void *)(uintptr_t)object.at);
}

err_t gate_leaf_objects(struct gate *gate, unsigned partner, uint64_t seq,
                        bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx)
{
    for (; seq < gate->leaf_count[partner]; seq++) {
        if (!visit(ctx, &gate->leaves[partner][seq].leaf))
            break;
    }
    return ERR_OK;
}

err_t gate_leaf_after(struct gate *gate, unsigned partner, int64_t after_us, uint64_t *out_seq)
{
    uint64_t seq = 0;
    while (seq < gate->leaf_count[partner] && gate->leaves[partner][seq].leaf.leaf.time_us <= after_us)
        seq++;
    *out_seq = seq;
    return ERR_OK;
}

err_t gate_leaf_versions(struct gate *gate, unsigned partner, const struct stix_key *object,
                         bool (*visit)(void *ctx, const struct gate_leaf_version *version), void *ctx)
{
    for (size_t i = gate->leaf_count[partner]; i > 0; i--) {
        const struct gate_leaf *leaf = &gate->leaves[partner][i - 1].leaf;
        struct gate_leaf_version version = {.seq = leaf->leaf.seq,
                                            .time_us = leaf->leaf.time_us,
                                            .op = leaf->leaf.op,
                                            .subject_seq = leaf->opening.subject_seq,
                                            .has_object = leaf->object.len > 0,
                                            .versionless = leaf->version.len == 0,
                                            .stamp = leaf->stamp};
        if (version.has_object && stix_key_eq(&leaf->key, object) && !visit(ctx, &version))
            break;
    }
    return ERR_OK;
}

err_t gate_ledger(const struct gate *gate, unsigned partner, struct gate_ledger *out)
{
    size_t size = gate->leaf_count[partner];
    *out = (struct gate_ledger) {.size = size, .visible = size - gate->unsigned_count[partner]};
    return ERR_OK;
}

void fake_unsigned(struct gate *gate, unsigned partner, size_t count)
{
    gate->unsigned_count[partner] = count;
}
