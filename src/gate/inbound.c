/* The inbound policy: one fact a source, and how much of its volume is used, which follows from the frames
 * that it brought. */
#include "gate/inbound.h"

#include <stdio.h>

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/quota.h"
#include "gate/state.h"

enum { VALUE_PLAIN = 1, VALUE_QUOTAS = 2, USED_KEY_SIZE = 3, ARENA_BYTES = 2 * RECORD_FACT_VALUE_MAX };

struct inbound {
    struct gate_inbound told;
    struct arena arena; /* its lists */
    int64_t start_us;   /* of the window that `used` counts */
    struct gate_inbound_used used;
    struct quota_counts counts;
};

/* --- the fact --- */

/* Only behind what has some: without, an older program reads it as well. */
static void quotas_write(struct buf *out, const struct gate_inbound *inbound)
{
    if (inbound->quota_count == 0)
        return;
    wr_u16(out, (uint16_t)inbound->quota_count);
    for (size_t i = 0; i < inbound->quota_count; i++) {
        wr_blob(out, bytes_from_str(inbound->quotas[i].type));
        wr_u64(out, inbound->quotas[i].objects);
        wr_u64(out, (uint64_t)inbound->quotas[i].window_us);
    }
}

static void inbound_write(struct buf *out, const struct gate_inbound *inbound)
{
    wr_u8(out, inbound->quota_count > 0 ? VALUE_QUOTAS : VALUE_PLAIN);
    wr_u8(out, (uint8_t)inbound->tlp_max);
    wr_u64(out, (uint64_t)inbound->window_us);
    wr_u64(out, inbound->objects);
    wr_u64(out, inbound->bytes);
    wr_u16(out, (uint16_t)inbound->type_count);
    for (size_t i = 0; i < inbound->type_count; i++)
        wr_blob(out, bytes_from_str(inbound->types[i]));
    wr_u16(out, (uint16_t)inbound->creator_count);
    for (size_t i = 0; i < inbound->creator_count; i++)
        wr_bytes(out, bytes_of(inbound->creators[i].b, STIX_KEY_SIZE));
    quotas_write(out, inbound);
}

static err_t read_types(struct rd *rd, struct inbound *out)
{
    uint16_t count = rd_u16(rd);
    struct str *types = arena_zalloc(&out->arena, count + 1u, sizeof *types);
    if (types == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count && rd->err == ERR_OK; i++) {
        types[i] = arena_str(&out->arena, str_from_bytes(rd_blob(rd, LIMIT_ID_BYTES)));
        if (types[i].at == NULL)
            return ERR_NOMEM;
    }
    out->told.types = types;
    out->told.type_count = count;
    return rd->err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static err_t read_creators(struct rd *rd, struct inbound *out)
{
    uint16_t count = rd_u16(rd);
    struct stix_key *creators = arena_zalloc(&out->arena, count + 1u, sizeof *creators);
    if (creators == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        rd_copy(rd, creators[i].b, STIX_KEY_SIZE);
    out->told.creators = creators;
    out->told.creator_count = count;
    return rd->err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static err_t read_quotas(struct rd *rd, struct inbound *out)
{
    uint16_t count = rd_u16(rd);
    struct gate_quota *quotas =
        count > LIMIT_QUOTAS ? NULL : arena_zalloc(&out->arena, count + 1u, sizeof *quotas);
    if (quotas == NULL)
        return count > LIMIT_QUOTAS ? ERR_CORRUPT : ERR_NOMEM;
    for (size_t i = 0; i < count && rd->err == ERR_OK; i++) {
        quotas[i].type = arena_str(&out->arena, str_from_bytes(rd_blob(rd, LIMIT_ID_BYTES)));
        quotas[i].objects = rd_u64(rd);
        quotas[i].window_us = (int64_t)rd_u64(rd);
        if (quotas[i].type.at == NULL)
            return ERR_NOMEM;
        if (rd->err == ERR_OK && (quotas[i].window_us <= 0 || quotas[i].objects == 0))
            return ERR_CORRUPT;
    }
    out->told.quotas = quotas;
    out->told.quota_count = count;
    return rd->err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static err_t inbound_read(struct bytes value, struct inbound *out)
{
    struct rd rd = rd_of(value);
    err_t err;
    uint8_t version = rd_u8(&rd);
    if (version != VALUE_PLAIN && version != VALUE_QUOTAS)
        return ERR_CORRUPT;
    out->told.tlp_max = (enum stix_tlp)rd_u8(&rd);
    out->told.window_us = (int64_t)rd_u64(&rd);
    out->told.objects = rd_u64(&rd);
    out->told.bytes = rd_u64(&rd);
    if (TRY(err, read_types(&rd, out)) || TRY(err, read_creators(&rd, out)) ||
        (version == VALUE_QUOTAS && TRY(err, read_quotas(&rd, out))))
        return err;
    return rd_end(&rd) == ERR_OK && out->told.tlp_max <= STIX_TLP_RED && out->told.window_us >= 0
               ? ERR_OK
               : ERR_CORRUPT;
}

static void let_go(struct gate *gate, uint32_t source)
{
    struct inbound *held = gate->inbounds[source];
    if (held == NULL)
        return;
    quota_counts_deinit(&held->counts);
    arena_deinit(&held->arena);
    mem_free(held);
    gate->inbounds[source] = NULL;
}

/* --- how much was used --- */

static struct bytes used_key(uint32_t source, uint8_t out[USED_KEY_SIZE])
{
    out[0] = 'V';
    wr_at(out + 1, source, 2);
    return bytes_of(out, USED_KEY_SIZE);
}

static err_t used_load(struct gate *gate, uint32_t source, struct inbound *inbound)
{
    uint8_t key[USED_KEY_SIZE];
    struct bytes value;
    err_t err = store_get(gate->store, TABLE_FACT, used_key(source, key), &value);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct rd rd = rd_of(value);
    inbound->start_us = (int64_t)rd_u64(&rd);
    inbound->used.objects = rd_u64(&rd);
    inbound->used.bytes = rd_u64(&rd);
    return rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static int64_t window_start(const struct inbound *inbound, int64_t at_us)
{
    return at_us - at_us % inbound->told.window_us;
}

err_t inbound_count(struct gate *gate, const struct record_envelope *envelope, size_t size)
{
    struct inbound *inbound = gate->inbounds == NULL ? NULL : gate->inbounds[envelope->source];
    uint8_t key[USED_KEY_SIZE], value[24];
    if (inbound == NULL || inbound->told.window_us == 0)
        return ERR_OK;
    int64_t start_us = window_start(inbound, envelope->received_us);
    if (start_us != inbound->start_us)
        inbound->used = (struct gate_inbound_used) {0};
    inbound->start_us = start_us;
    inbound->used.objects++;
    inbound->used.bytes += size;
    wr_at_u64(value, (uint64_t)start_us);
    wr_at_u64(value + 8, inbound->used.objects);
    wr_at_u64(value + 16, inbound->used.bytes);
    return store_put(gate->store, TABLE_FACT, used_key(envelope->source, key), bytes_of(value, sizeof value));
}

/* --- applying --- */

err_t inbound_apply(struct gate *gate, const struct record_fact *fact)
{
    const struct gate_source *source = gate_source_find(gate, str_from_bytes(fact->key));
    if (source == NULL)
        return ERR_CORRUPT;
    if (gate->inbounds == NULL)
        gate->inbounds = mem_alloc_array(LIMIT_SOURCES + 1, sizeof *gate->inbounds);
    if (gate->inbounds == NULL)
        return ERR_NOMEM;
    uint32_t number = source->number;
    let_go(gate, number);
    if (fact->value.len == 0)
        return ERR_OK;
    struct inbound *fresh = mem_alloc(sizeof *fresh);
    if (fresh == NULL)
        return ERR_NOMEM;
    *fresh = (struct inbound) {.start_us = INT64_MIN};
    arena_init(&fresh->arena, ARENA_BYTES);
    quota_counts_init(&fresh->counts, &gate->sip);
    gate->inbounds[number] = fresh;
    err_t err = inbound_read(fact->value, fresh);
    return err != ERR_OK ? err : used_load(gate, number, fresh);
}

void inbounds_deinit(struct gate *gate)
{
    for (uint32_t n = 0; gate->inbounds != NULL && n <= LIMIT_SOURCES; n++)
        let_go(gate, n);
    mem_free(gate->inbounds);
    gate->inbounds = NULL;
}

/* --- judging --- */

static err_t outside(struct fault *fault, const char *pointer, const char *fmt, struct str word)
{
    memcpy(fault->pointer, pointer, strlen(pointer) + 1);
    return fault_set(fault, ERR_DENIED, 0, fmt, STR_ARG(word));
}

static bool type_accepted(const struct gate_inbound *told, const struct stix_object *object)
{
    for (size_t i = 0; i < told->type_count; i++)
        if (str_eq(told->types[i], object->type_name))
            return true;
    return told->type_count == 0;
}

static bool creator_accepted(const struct gate_inbound *told, const struct stix_key *creator)
{
    if (told->creator_count == 0 || creator == NULL)
        return true;
    for (size_t i = 0; i < told->creator_count; i++)
        if (stix_key_eq(&told->creators[i], creator))
            return true;
    return false;
}

bool inbound_has_ceiling(const struct gate *gate, uint32_t source)
{
    const struct inbound *inbound = gate->inbounds == NULL ? NULL : gate->inbounds[source];
    return inbound != NULL && inbound->told.tlp_max != STIX_TLP_NONE;
}

static err_t judge_level(struct gate *gate, uint32_t source, const struct stix_object *object,
                         enum stix_tlp ceiling, int64_t now_us, struct fault *fault)
{
    const char *why;
    err_t err = inbound_ceiling(gate, source, object, now_us, ceiling, &why);
    if (err != ERR_OK || why == NULL)
        return err;
    return outside(fault, "/object_marking_refs", why, str_of(stix_tlp_name(ceiling)));
}

static uint64_t window_of(const struct gate_quota *quota, int64_t now_us)
{
    return (uint64_t)(now_us / quota->window_us);
}

/* The last question: what is counted here is taken in. */
static err_t judge_quota(struct inbound *inbound, const struct stix_object *object,
                         const struct stix_key *creator, int64_t now_us, struct fault *fault)
{
    const struct gate_inbound *told = &inbound->told;
    for (size_t i = 0; i < told->quota_count; i++) {
        const struct gate_quota *quota = &told->quotas[i];
        bool over;
        if (!str_eq(quota->type, object->type_name))
            continue;
        err_t err = quota_count(&inbound->counts, (unsigned)i, creator, window_of(quota, now_us),
                                quota->objects, &over);
        if (err != ERR_OK || !over)
            return err;
        return outside(
            fault, "/created_by_ref",
            "the number of objects of type %.*s accepted from one creator in one window is reached",
            quota->type);
    }
    return ERR_OK;
}

static struct gate_inbound_used used_at(const struct inbound *inbound, int64_t now_us)
{
    bool counts = inbound->told.window_us != 0 && window_start(inbound, now_us) == inbound->start_us;
    return counts ? inbound->used : (struct gate_inbound_used) {0};
}

static err_t judge_volume(const struct inbound *inbound, size_t size, int64_t now_us, struct fault *fault)
{
    const struct gate_inbound *told = &inbound->told;
    struct gate_inbound_used used = used_at(inbound, now_us);
    if (told->window_us == 0)
        return ERR_OK;
    if (told->objects != 0 && used.objects >= told->objects)
        return outside(fault, "",
                       "the number of objects accepted from this source in one window is reached%.*s",
                       STR(""));
    if (told->bytes != 0 && (used.bytes >= told->bytes || size > told->bytes - used.bytes))
        return outside(fault, "", "the bytes accepted from this source in one window are reached%.*s",
                       STR(""));
    return ERR_OK;
}

err_t inbound_judge(struct gate *gate, uint32_t source, const struct stix_object *object,
                    const struct stix_key *creator, size_t size, int64_t now_us, struct fault *fault)
{
    struct inbound *inbound = gate->inbounds == NULL ? NULL : gate->inbounds[source];
    if (inbound == NULL)
        return ERR_OK;
    const struct gate_inbound *told = &inbound->told;
    if (!type_accepted(told, object))
        return outside(
            fault, "/type", "objects of type %.*s are not accepted from this source",
            (struct str) {object->type_name.at, object->type_name.len < 100 ? object->type_name.len : 100});
    if (!creator_accepted(told, creator))
        return outside(fault, "/created_by_ref", "its creator is not accepted from this source%.*s", STR(""));
    err_t err = told->tlp_max == STIX_TLP_NONE
                    ? ERR_OK
                    : judge_level(gate, source, object, told->tlp_max, now_us, fault);
    if (err != ERR_OK || TRY(err, judge_volume(inbound, size, now_us, fault)))
        return err;
    return judge_quota(inbound, object, creator, now_us, fault);
}

/* --- stating --- */

static bool is_type(struct str type)
{
    static const char uuid[] = "--00000000-0000-4000-8000-000000000000";
    struct stix_key key;
    char id[LIMIT_ID_BYTES + 1];
    int len = snprintf(id, sizeof id, "%.*s%s", STR_ARG(type), uuid);
    return len >= 0 && (size_t)len < sizeof id && stix_id_parse(str_of(id), &key);
}

static bool quotas_ok(const struct gate_inbound *inbound)
{
    for (size_t i = 0; i < inbound->quota_count; i++) {
        const struct gate_quota *quota = &inbound->quotas[i];
        if (!is_type(quota->type) || quota->window_us <= 0 || quota->objects == 0 ||
            quota->objects > LIMIT_QUOTA_OBJECTS)
            return false;
        for (size_t k = 0; k < i; k++)
            if (str_eq(quota->type, inbound->quotas[k].type))
                return false;
    }
    return true;
}

static bool can_be_stated(const struct gate_inbound *inbound)
{
    const uint8_t *identity = stix_type_row(STIX_TYPE_IDENTITY)->digest;
    for (size_t i = 0; i < inbound->type_count; i++)
        if (!is_type(inbound->types[i]))
            return false;
    for (size_t i = 0; i < inbound->creator_count; i++)
        if (memcmp(inbound->creators[i].b + 16, identity, STIX_TYPE_DIGEST_SIZE) != 0)
            return false;
    return quotas_ok(inbound) && inbound->tlp_max <= STIX_TLP_RED && inbound->window_us >= 0 &&
           (inbound->window_us > 0) == (inbound->objects > 0 || inbound->bytes > 0);
}

err_t gate_inbound_put(struct gate *gate, uint32_t source, const struct gate_inbound *inbound,
                       const struct gate_by *by, int64_t now_us)
{
    const struct gate_source *held = gate_source_get(gate, source);
    if (held == NULL)
        return ERR_NOTFOUND;
    if (!can_be_stated(inbound))
        return ERR_INVALID;
    if (inbound->type_count > LIMIT_INBOUND_TYPES || inbound->creator_count > LIMIT_INBOUND_CREATORS ||
        inbound->quota_count > LIMIT_QUOTAS)
        return ERR_LIMIT;
    bool empty = inbound->type_count == 0 && inbound->creator_count == 0 &&
                 inbound->tlp_max == STIX_TLP_NONE && inbound->window_us == 0 && inbound->quota_count == 0;
    buf_clear(&gate->scratch);
    if (!empty)
        inbound_write(&gate->scratch, inbound);
    return fact_state(gate, RECORD_FACT_INBOUND, bytes_from_str(held->name), by, now_us);
}

struct at_now {
    const struct gate_inbound *told;
    int64_t now_us;
};

static void quota_now(void *ctx, unsigned quota, uint64_t *window, uint64_t *most)
{
    const struct at_now *at = ctx;
    *window = window_of(&at->told->quotas[quota], at->now_us);
    *most = at->told->quotas[quota].objects;
}

const struct gate_inbound *gate_inbound_get(const struct gate *gate, uint32_t source, int64_t now_us,
                                            struct gate_inbound_used *used)
{
    if (used != NULL)
        *used = (struct gate_inbound_used) {0};
    if (gate->inbounds == NULL || gate_source_get(gate, source) == NULL || gate->inbounds[source] == NULL)
        return NULL;
    const struct inbound *inbound = gate->inbounds[source];
    if (used == NULL)
        return &inbound->told;
    struct at_now at = {&inbound->told, now_us};
    *used = used_at(inbound, now_us);
    used->creators_over = quota_counts_over(&inbound->counts, quota_now, &at);
    return &inbound->told;
}
