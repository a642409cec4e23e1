/* The registered extensions of a gate: a fact each, read again when the log is replayed. */
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"

enum { ARENA_BYTES = 2 << 20 }; /* of one: its texts and tables */

/* One extension and what it lives in. A free place has no extension. */
struct extension_memory {
    const struct stix_extension *extension;
    struct arena arena;
};

static err_t value_read(struct bytes value, struct bytes *out_definition, struct str *out_schema)
{
    struct rd rd = rd_of(value);
    *out_definition = rd_blob(&rd, LIMIT_EXTENSION_BYTES);
    *out_schema = str_from_bytes(rd_blob(&rd, LIMIT_EXTENSION_BYTES));
    return rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

/* --- applying --- */

static void let_go(struct gate *gate, struct stix_key key)
{
    stix_extensions_drop(&gate->extensions, &key);
    for (size_t i = 0; gate->extension_memory != NULL && i < LIMIT_EXTENSIONS; i++) {
        struct extension_memory *memory = &gate->extension_memory[i];
        if (memory->extension == NULL || !stix_key_eq(&memory->extension->key, &key))
            continue;
        arena_deinit(&memory->arena);
        memory->extension = NULL;
    }
}

static struct extension_memory *free_place(struct gate *gate)
{
    for (size_t i = 0; i < LIMIT_EXTENSIONS; i++)
        if (gate->extension_memory[i].extension == NULL)
            return &gate->extension_memory[i];
    return NULL;
}

/* A newer bongsu may have registered what this one cannot read: it is told, and the node runs without it. */
static err_t not_in_force(const struct gate *gate, err_t err, const struct fault *fault)
{
    if (err == ERR_NOMEM)
        return err;
    diag_say(gate->diag, DIAG_WARNING, err, "gate", "register it again, or remove it",
             "a registered extension cannot be read and is not checked: %s", fault->what);
    return ERR_OK;
}

err_t extension_apply(struct gate *gate, const struct record_fact *fact)
{
    struct stix_key key;
    struct bytes definition;
    struct str schema;
    struct fault fault = {0};
    struct rd rd = rd_of(fact->key);
    err_t err;
    rd_copy(&rd, key.b, STIX_KEY_SIZE);
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    let_go(gate, key);
    if (fact->value.len == 0)
        return ERR_OK;
    if (gate->extension_memory == NULL)
        gate->extension_memory = mem_alloc_array(LIMIT_EXTENSIONS, sizeof *gate->extension_memory);
    if (gate->extension_memory == NULL)
        return ERR_NOMEM;
    struct extension_memory *memory = free_place(gate);
    if (TRY(err, value_read(fact->value, &definition, &schema)) || memory == NULL)
        return memory == NULL ? ERR_FULL : err;
    arena_init(&memory->arena, ARENA_BYTES);
    err =
        stix_extension_read(gate->parser_one, definition, schema, &memory->arena, &memory->extension, &fault);
    if (err == ERR_OK)
        return stix_extensions_put(&gate->extensions, memory->extension);
    arena_deinit(&memory->arena);
    return not_in_force(gate, err, &fault);
}

void extensions_deinit(struct gate *gate)
{
    while (gate->extensions.count > 0)
        let_go(gate, gate->extensions.at[0]->key);
    mem_free(gate->extension_memory);
    gate->extension_memory = NULL;
}

/* --- stating --- */

err_t gate_extension_put(struct gate *gate, struct bytes definition, struct str schema,
                         const struct gate_by *by, int64_t now_us, const struct stix_extension **out,
                         struct fault *fault)
{
    const struct stix_extension *trial;
    err_t err;
    arena_reset(&gate->step_arena);
    if (definition.len > LIMIT_EXTENSION_BYTES || schema.len > LIMIT_EXTENSION_BYTES - definition.len)
        return fault_set(fault, ERR_LIMIT, 0, "the definition and its schema are larger than %u bytes",
                         LIMIT_EXTENSION_BYTES);
    if (TRY(err, stix_extension_read(gate->parser_one, definition, schema, &gate->step_arena, &trial, fault)))
        return err;
    struct stix_key key = trial->key;
    if (stix_extensions_find(&gate->extensions, &key) == NULL && gate->extensions.count >= LIMIT_EXTENSIONS)
        return fault_set(fault, ERR_FULL, 0, "%d extensions are registered: remove one", LIMIT_EXTENSIONS);
    buf_clear(&gate->scratch);
    wr_blob(&gate->scratch, definition);
    wr_blob(&gate->scratch, bytes_from_str(schema));
    if (TRY(err, fact_state(gate, RECORD_FACT_EXTENSION, bytes_of(key.b, STIX_KEY_SIZE), by, now_us)))
        return fault_set(fault, err, 0, "%s", err_text(err));
    *out = stix_extensions_find(&gate->extensions, &key);
    return *out != NULL ? ERR_OK : fault_set(fault, ERR_NOMEM, 0, "%s", err_text(ERR_NOMEM));
}

err_t gate_extension_remove(struct gate *gate, const struct stix_key *key, const struct gate_by *by,
                            int64_t now_us)
{
    struct bytes held;
    struct bytes fact = bytes_of(key->b, STIX_KEY_SIZE);
    if (fact_get(gate, RECORD_FACT_EXTENSION, fact, &held) != ERR_OK)
        return ERR_NOTFOUND;
    buf_clear(&gate->scratch);
    return fact_state(gate, RECORD_FACT_EXTENSION, fact, by, now_us);
}

/* --- looking --- */

const struct stix_extensions *gate_extensions(const struct gate *gate)
{
    return &gate->extensions;
}

const struct stix_extension *gate_extension_find(const struct gate *gate, const struct stix_key *key)
{
    return stix_extensions_find(&gate->extensions, key);
}

err_t gate_extension_text(const struct gate *gate, const struct stix_key *key, struct bytes *out_definition,
                          struct str *out_schema)
{
    struct bytes value;
    err_t err = fact_get(gate, RECORD_FACT_EXTENSION, bytes_of(key->b, STIX_KEY_SIZE), &value);
    return err != ERR_OK ? err : value_read(value, out_definition, out_schema);
}
