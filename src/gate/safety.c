#include "gate/safety.h"

#include <stdio.h>

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/overlap.h"
#include "gate/spill.h"
#include "gate/state.h"

/* No list's name has a slash. */
#define SPILL_HEAD "spill/"

enum {
    VALUE_VERSION = 1,
    PART_KEY_MAX = 3 + LIMIT_NAME_BYTES,
    /* Text, two pointers an entry, and some more. */
    ARENA_BYTES = 3 * LIMIT_LIST_BYTES + 40 * LIMIT_LIST_ENTRIES,
    SHOWN_BYTES = 100, /* of a value, in explanations */
};

/* What the fact of a list says. */
struct list_fact {
    enum gate_list_kind kind;
    uint8_t slot; /* parts of the next one under this name go to the other */
    uint16_t parts;
    uint64_t bytes;
    struct hash digest;
};

struct safety_list {
    struct gate_list told;
    struct list_fact fact;
    const struct list *list; /* NULL: cannot be read */
    struct arena arena;
};

/* --- the facts --- */

static err_t list_fact_read(struct bytes value, struct list_fact *out)
{
    struct rd rd = rd_of(value);
    struct list_fact fact = {0};
    if (rd_u8(&rd) != VALUE_VERSION)
        return ERR_VERSION;
    fact.kind = (enum gate_list_kind)rd_u8(&rd);
    fact.slot = rd_u8(&rd);
    fact.parts = rd_u16(&rd);
    fact.bytes = rd_u64(&rd);
    rd_copy(&rd, fact.digest.b, HASH_SIZE);
    if (rd_end(&rd) != ERR_OK || fact.kind >= GATE_LIST_KINDS || fact.slot > 1 ||
        fact.bytes > LIMIT_LIST_BYTES)
        return ERR_CORRUPT;
    *out = fact;
    return ERR_OK;
}

static struct bytes part_key(struct str name, uint8_t slot, unsigned part, uint8_t out[PART_KEY_MAX])
{
    must(name.len <= LIMIT_NAME_BYTES);
    out[0] = slot;
    wr_at(out + 1, part, 2);
    memcpy(out + 3, name.at, name.len);
    return bytes_of(out, 3 + name.len);
}

static struct safety_list *find(const struct gate *gate, struct str name)
{
    for (size_t i = 0; i < gate->list_count; i++)
        if (str_eq(gate->lists[i]->told.name, name))
            return gate->lists[i];
    return NULL;
}

/* All parts in a row, with padding behind. The caller deinits. ERR_NOTFOUND: one is missing. */
static err_t gather(const struct gate *gate, struct str name, uint8_t slot, unsigned parts, struct buf *out)
{
    static const uint8_t padding[JSON_PADDING];
    uint8_t key[PART_KEY_MAX];
    struct bytes value;
    for (unsigned part = 0; part < parts; part++) {
        err_t err = fact_get(gate, RECORD_FACT_LIST_PART, part_key(name, slot, part, key), &value);
        if (err != ERR_OK)
            return err;
        buf_put(out, value.at, value.len);
    }
    buf_put(out, padding, sizeof padding);
    return buf_err(out);
}

/* --- applying --- */

static void let_go(struct gate *gate, struct safety_list *list)
{
    size_t at = 0;
    while (gate->lists[at] != list)
        at++;
    gate->lists[at] = gate->lists[--gate->list_count];
    arena_deinit(&list->arena);
    mem_free(list);
}

/* A list that cannot be read holds nothing: it is said aloud, and the node runs on. */
static err_t load(struct gate *gate, struct safety_list *list)
{
    struct buf text;
    struct fault fault = {0};
    buf_init(&text, LIMIT_LIST_BYTES + JSON_PADDING);
    err_t err = gather(gate, list->told.name, list->fact.slot, list->fact.parts, &text);
    struct bytes bytes = bytes_of(text.at, err == ERR_OK ? text.len - JSON_PADDING : 0);
    struct hash digest = hash_sha256(bytes);
    if (err == ERR_OK && !hash_eq(&digest, &list->fact.digest))
        err = ERR_CORRUPT;
    if (err == ERR_OK)
        err = list_read(list->fact.kind, bytes, &list->arena, &list->list, &fault);
    buf_deinit(&text);
    if (err == ERR_NOMEM)
        return err;
    list->told.broken = err != ERR_OK;
    list->told.entries = err == ERR_OK ? list_entries(list->list) : 0;
    if (err != ERR_OK)
        diag_say(gate->diag, DIAG_WARNING, err, "gate", "add it again, or remove it",
                 "the list %.*s cannot be read and holds nothing: %s", STR_ARG(list->told.name), fault.what);
    return ERR_OK;
}

err_t list_apply(struct gate *gate, const struct record_fact *fact)
{
    struct str name = str_from_bytes(fact->key);
    struct safety_list *held = find(gate, name);
    struct list_fact said = {0};
    err_t err;
    fresh_forget(gate); /* what is remembered was looked at with the lists of before */
    if (held != NULL)
        let_go(gate, held);
    if (fact->value.len == 0)
        return ERR_OK;
    if (TRY(err, list_fact_read(fact->value, &said)))
        return err;
    if (gate->lists == NULL)
        gate->lists = mem_alloc_array(LIMIT_LISTS, sizeof(struct safety_list *));
    struct safety_list *list = gate->lists == NULL ? NULL : mem_alloc(sizeof *list);
    if (list == NULL)
        return ERR_NOMEM;
    if (gate->list_count == LIMIT_LISTS) {
        mem_free(list);
        return ERR_FULL;
    }
    *list = (struct safety_list) {.fact = said};
    arena_init(&list->arena, ARENA_BYTES);
    gate->lists[gate->list_count++] = list;
    list->told = (struct gate_list) {arena_str(&list->arena, name), said.kind, (size_t)said.bytes, 0, false};
    return list->told.name.at == NULL ? ERR_NOMEM : load(gate, list);
}

void lists_deinit(struct gate *gate)
{
    while (gate->list_count > 0)
        let_go(gate, gate->lists[0]);
    mem_free(gate->lists);
    gate->lists = NULL;
}

/* --- asking --- */

struct asking {
    const struct gate *gate;
    const struct safety_list *list; /* that it stands on */
    char text[SHOWN_BYTES];
    size_t len;
    bool unsure; /* whether it is on a list took too long to tell */
    bool spent;  /* ...for want of steps */
};

static bool ask(void *ctx, const struct list_value *value)
{
    struct asking *asking = ctx;
    for (size_t i = 0; i < asking->gate->list_count; i++) {
        const struct safety_list *list = asking->gate->lists[i];
        if (list->list == NULL || !list_hits(list->list, value))
            continue;
        asking->list = list;
        asking->unsure = value->overlap != NULL && overlap_lost(value->overlap);
        asking->spent = value->overlap != NULL && overlap_spent(value->overlap);
        asking->len = value->text.len < SHOWN_BYTES ? value->text.len : SHOWN_BYTES;
        memcpy(asking->text, value->text.at, asking->len);
        return true;
    }
    return false;
}

/* What is suspended under its identifier holds it, whatever its value. False: nothing is. */
static bool find_spilled(const struct gate *gate, const struct stix_object *object, struct arena *arena,
                         struct str *out)
{
    char text[LIMIT_NAME_BYTES];
    uint64_t suspended;
    if (!spill_of(gate, &object->key, &suspended))
        return false;
    int said =
        snprintf(text, sizeof text, SPILL_HEAD "%llu another copy of it was suspended (bongsu spill list)",
                 (unsigned long long)suspended);
    *out = arena_str(arena, (struct str) {text, (size_t)said});
    return true;
}

static struct str told(const struct asking *asking, bool unwalked, struct arena *arena)
{
    char text[LIMIT_NAME_BYTES + SHOWN_BYTES + 64];
    const char *has = !asking->unsure ? "has"
                      : unwalked      ? "may have (its source sent too much to tell)"
                                      : "may have (too much to tell)";
    /* The list's name first: a tag is made of it. */
    int len = snprintf(text, sizeof text, "%.*s %s %.*s", STR_ARG(asking->list->told.name), has,
                       (int)asking->len, asking->text);
    return arena_str(arena, (struct str) {text, (size_t)len});
}

err_t safety_find(const struct gate *gate, const struct stix_object *object, uint8_t flags,
                  struct arena *arena, struct str *out)
{
    struct asking asking = {.gate = gate};
    bool unwalked = (flags & RECORD_OBJECT_UNWALKED) != 0;
    uint64_t steps = unwalked ? 0 : LIMIT_LIST_STEPS;
    *out = STR("");
    if (!find_spilled(gate, object, arena, out) && gate->list_count > 0 &&
        list_each_value(object, arena, &steps, ask, &asking))
        *out = told(&asking, unwalked, arena);
    return out->at == NULL ? ERR_NOMEM : ERR_OK;
}

/* --- what a source may spend --- */

/* Those given back since then are gone. NULL: no memory. */
static struct list_spending *spending_of(struct gate *gate, uint32_t source, int64_t now_us)
{
    enum { FULL_US = LIMIT_LIST_STEPS_SOURCE / LIMIT_LIST_STEPS_SECOND * 1000000 };
    if (gate->spending == NULL)
        gate->spending = mem_alloc_array(LIMIT_SOURCES + 1, sizeof *gate->spending);
    if (gate->spending == NULL)
        return NULL;
    struct list_spending *spending = &gate->spending[source];
    if (now_us > spending->at_us) {
        int64_t since_us = spending->at_us < now_us - FULL_US ? FULL_US : now_us - spending->at_us;
        uint64_t back = (uint64_t)since_us * LIMIT_LIST_STEPS_SECOND / 1000000;
        spending->steps -= back < spending->steps ? back : spending->steps;
    }
    spending->at_us = now_us;
    return spending;
}

struct str safety_first(struct gate *gate, const struct stix_object *object, struct record_envelope *envelope)
{
    struct asking asking = {.gate = gate};
    struct arena *arena = &gate->safety_arena;
    struct list_spending *spending = NULL;
    struct str safety = STR("");
    arena_reset(arena);
    if (find_spilled(gate, object, arena, &safety) || gate->list_count == 0 || !list_concerns(object))
        return safety;
    spending = spending_of(gate, envelope->source, envelope->received_us);
    if (spending == NULL)
        return (struct str) {NULL, 0};
    uint64_t left = LIMIT_LIST_STEPS_SOURCE - spending->steps + LIMIT_LIST_STEPS_FREE;
    uint64_t given = left < LIMIT_LIST_STEPS ? left : LIMIT_LIST_STEPS, steps = given;
    bool hit = list_each_value(object, arena, &steps, ask, &asking), unwalked = false;
    spending->steps += given - steps > LIMIT_LIST_STEPS_FREE ? given - steps - LIMIT_LIST_STEPS_FREE : 0;
    if (asking.spent && given < LIMIT_LIST_STEPS) {
        unwalked = true;
        envelope->flags |= RECORD_OBJECT_UNWALKED;
    }
    return hit ? told(&asking, unwalked, arena) : safety;
}

void safety_deinit(struct gate *gate)
{
    mem_free(gate->spending);
    arena_deinit(&gate->safety_arena);
}

bool safety_of_spill(struct str safety)
{
    return str_starts(safety, STR(SPILL_HEAD));
}

err_t safety_add(struct str safety, struct arena *arena, struct str *tags, struct policy_facts *facts)
{
    static const char head[] = "safety:";
    char tag[sizeof head + LIMIT_NAME_BYTES];
    struct str rest = safety, name = str_cut(&rest, ' ');
    /* A word about a list says nothing of what was spilled. */
    struct str ok = safety_of_spill(safety) ? STR(GATE_SPILL_OK) : STR(GATE_SAFETY_OK);
    for (size_t i = 0; i < facts->tag_count; i++)
        if (str_eq(facts->tags[i], ok))
            return ERR_OK;
    must(name.len <= LIMIT_NAME_BYTES);
    memcpy(tag, head, sizeof head - 1);
    memcpy(tag + sizeof head - 1, name.at, name.len);
    struct str copy = arena_str(arena, (struct str) {tag, sizeof head - 1 + name.len});
    if (copy.at == NULL)
        return ERR_NOMEM;
    tags[facts->tag_count++] = copy;
    facts->safety = safety;
    return ERR_OK;
}

/* --- stating --- */

err_t gate_list_part(struct gate *gate, struct str name, unsigned part, struct bytes bytes,
                     const struct gate_by *by, int64_t now_us)
{
    uint8_t key[PART_KEY_MAX];
    if (!ledger_name_ok(name) || bytes.len == 0)
        return ERR_INVALID;
    if (bytes.len > LIMIT_LIST_PART_BYTES || part >= LIMIT_LIST_PARTS)
        return ERR_LIMIT;
    const struct safety_list *held = find(gate, name);
    uint8_t slot = held == NULL ? 0 : !held->fact.slot;
    buf_clear(&gate->scratch);
    wr_bytes(&gate->scratch, bytes);
    return fact_state(gate, RECORD_FACT_LIST_PART, part_key(name, slot, part, key), by, now_us);
}

err_t gate_list_put(struct gate *gate, struct str name, enum gate_list_kind kind, unsigned parts,
                    const struct gate_by *by, int64_t now_us, struct fault *fault)
{
    const struct safety_list *held = find(gate, name);
    uint8_t slot = held == NULL ? 0 : !held->fact.slot;
    const struct list *trial;
    struct arena arena;
    struct buf text;
    if (!ledger_name_ok(name) || parts > LIMIT_LIST_PARTS)
        return fault_set(fault, ERR_INVALID, 0, "names of lists are of a-z 0-9 . _ -");
    if (held == NULL && gate->list_count == LIMIT_LISTS)
        return fault_set(fault, ERR_FULL, 0, "there are %d lists: remove one", LIMIT_LISTS);
    buf_init(&text, LIMIT_LIST_BYTES + JSON_PADDING);
    arena_init(&arena, ARENA_BYTES);
    err_t err = gather(gate, name, slot, parts, &text);
    struct bytes bytes = bytes_of(text.at, err == ERR_OK ? text.len - JSON_PADDING : 0);
    if (err == ERR_OK)
        err = list_read(kind, bytes, &arena, &trial, fault);
    if (err == ERR_OK) {
        struct hash digest = hash_sha256(bytes);
        buf_clear(&gate->scratch);
        wr_u8(&gate->scratch, VALUE_VERSION);
        wr_u8(&gate->scratch, (uint8_t)kind);
        wr_u8(&gate->scratch, slot);
        wr_u16(&gate->scratch, (uint16_t)parts);
        wr_u64(&gate->scratch, bytes.len);
        wr_bytes(&gate->scratch, bytes_of(digest.b, HASH_SIZE));
    }
    arena_deinit(&arena);
    buf_deinit(&text);
    return err != ERR_OK ? err : fact_state(gate, RECORD_FACT_LIST, bytes_from_str(name), by, now_us);
}

err_t gate_list_remove(struct gate *gate, struct str name, const struct gate_by *by, int64_t now_us)
{
    if (find(gate, name) == NULL)
        return ERR_NOTFOUND;
    buf_clear(&gate->scratch);
    return fact_state(gate, RECORD_FACT_LIST, bytes_from_str(name), by, now_us);
}

size_t gate_list_count(const struct gate *gate)
{
    return gate->list_count;
}

struct gate_list gate_list_get(const struct gate *gate, size_t index)
{
    must(index < gate->list_count);
    return gate->lists[index]->told;
}
