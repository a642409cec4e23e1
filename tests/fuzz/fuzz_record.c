/* Log payloads of the gate: whatever decodes is spelled in one way only, so that writing it again gives the
 * same bytes. The first byte chooses the kind. */
#include <stdlib.h>
#include <string.h>

#include "gate/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A leaf stands in one of its partner's two ledgers, and in no other's. */
static void each_leaf_once(const struct record_decide *decide, const struct record_entry *entry)
{
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++) {
        unsigned leaves = record_entry_in(decide, entry, p) + record_entry_in(decide, entry, gate_urgent(p));
        if (leaves != (entry->release >> p & 1))
            abort();
    }
}

static err_t again(uint8_t kind, struct bytes payload, struct arena *arena, struct buf *out)
{
    struct record_envelope envelope;
    struct record_decide decide;
    struct record_fact fact;
    struct record_policy policy;
    struct record_note note;
    struct record_secret secret;
    err_t err = ERR_USAGE;
    if (kind == 0 && (err = record_envelope_read(payload, &envelope)) == ERR_OK)
        record_envelope_write(out, &envelope);
    if (kind == 1 && (err = record_decide_read(payload, arena, &decide)) == ERR_OK) {
        record_decide_write(out, &decide);
        for (size_t e = 0; e < decide.entry_count && e < 64; e++)
            each_leaf_once(&decide, &decide.entries[e]);
    }
    if (kind == 2 && (err = record_fact_read(payload, &fact)) == ERR_OK)
        record_fact_write(out, &fact);
    if (kind == 3 && (err = record_policy_read(payload, &policy)) == ERR_OK)
        record_policy_write(out, &policy);
    if (kind == 4 && (err = record_note_read(payload, &note)) == ERR_OK)
        record_note_write(out, &note);
    if (kind == 6 && (err = record_secret_read(payload, &secret)) == ERR_OK)
        record_secret_write(out, &secret);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf out;
    if (size == 0)
        return 0;
    struct bytes payload = {data + 1, size - 1};
    arena_init(&arena, 64u << 20);
    buf_init(&out, LIMIT_FRAME_BYTES);
    uint8_t kind = data[0] == 6 ? 6 : data[0] % 6; /* as what was found before says it */
    if (kind == 5) {
        struct fault fault;
        struct bytes refused;
        if (record_fault_read(payload, &fault, &refused) == ERR_OK && refused.len > payload.len)
            abort();
    } else if (again(kind, payload, &arena, &out) == ERR_OK &&
               (out.len != payload.len || memcmp(out.at, payload.at, out.len) != 0)) {
        abort();
    }
    buf_deinit(&out);
    arena_deinit(&arena);
    return 0;
}
