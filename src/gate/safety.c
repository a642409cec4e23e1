#include "gate/safety.h"

#include <stdio.h>

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
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
};

static bool ask(void *ctx, const struct list_value *value)
{
    struct asking *asking = ctx;
    for (size_t i = 0; i < asking->gate->list_count; i++) {
        const struct safety_list *list = asking->gate->lists[i];
        if (list->list == NULL || !list_hits(list->list, value))
            continue;
        asking->list = list;
        asking->len = value->text.len < SHOWN_BYTES ? value->text.len : SHOWN_BYTES;
        memcpy(asking->text, value->text.at, asking->len);
        return true;
    }
    return false;
}

err_t safety_find(const struct gate *gate, const struct stix_object *object, struct arena *arena,
                  struct str *out)
{
    char text[LIMIT_NAME_BYTES + SHOWN_BYTES + 32];
    struct asking asking = {.gate = gate};
    uint64_t suspended;
    *out = STR("");
    if (spill_of(gate, &object->key, &suspended)) {
        int said = snprintf(text, sizeof text,
                            SPILL_HEAD "%llu another copy of it was suspended (bongsu spill list)",
                            (unsigned long long)suspended);
        *out = arena_str(arena, (struct str) {text, (size_t)said});
        return out->at == NULL ? ERR_NOMEM : ERR_OK;
    }
    if (gate->list_count == 0 || !list_each_value(object, arena, ask, &asking))
        return ERR_OK;
    /* The list's name first: a tag is made of it. */
    int len = snprintf(text, sizeof text, "%.*s has %.*s", STR_ARG(asking.list->told.name), (int)asking.len,
                       asking.text);
    *out = arena_str(arena, (struct str) {text, (size_t)len});
    return out->at == NULL ? ERR_NOMEM : ERR_OK;
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
