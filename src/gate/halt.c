#include "gate/halt.h"

#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"
#include "gate/words.h"

enum { FACT_VERSION = 1 };

static err_t audience_of(const struct gate *gate, unsigned partner, struct bytes *out)
{
    const struct gate_peer *peer = gate_peer_get(gate, partner);
    if (peer == NULL)
        return ERR_NOTFOUND;
    *out = bytes_from_str(peer->audience);
    return ERR_OK;
}

err_t gate_halt(struct gate *gate, unsigned partner, const struct gate_halt *halt)
{
    struct bytes audience, value;
    err_t err;
    if (TRY(err, audience_of(gate, partner, &audience)))
        return err;
    if (halt->what.len > RECORD_TEXT_MAX || halt->held.len > GATE_HALT_NOTE_MAX ||
        halt->shown.len > GATE_HALT_NOTE_MAX)
        return ERR_LIMIT;
    err = fact_get(gate, RECORD_FACT_HALT, audience, &value);
    if (err != ERR_NOTFOUND)
        return err;
    struct gate_by by = {STR("bongsu"), halt->what};
    buf_clear(&gate->scratch);
    wr_u8(&gate->scratch, FACT_VERSION);
    wr_u64(&gate->scratch, (uint64_t)halt->at_us);
    if (TRY(err, words_put(gate, &gate->scratch, halt->what, halt->at_us)) ||
        TRY(err, words_put(gate, &gate->scratch, halt->held, halt->at_us)) ||
        TRY(err, words_put(gate, &gate->scratch, halt->shown, halt->at_us)))
        return err;
    return fact_state(gate, RECORD_FACT_HALT, audience, &by, halt->at_us);
}

err_t gate_halted(struct gate *gate, unsigned partner, struct arena *arena, struct gate_halt *out)
{
    struct bytes audience, value;
    err_t err;
    if (TRY(err, audience_of(gate, partner, &audience)) ||
        TRY(err, fact_get(gate, RECORD_FACT_HALT, audience, &value)))
        return err;
    struct rd rd = rd_of(value);
    if (rd_u8(&rd) != FACT_VERSION)
        return ERR_VERSION;
    struct gate_halt halt = {.at_us = (int64_t)rd_u64(&rd)};
    struct str *texts[] = {&halt.what, &halt.held, &halt.shown};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct str words = str_from_bytes(rd_blob(&rd, GATE_HALT_NOTE_MAX + RECORD_WORDS_MAX));
        if (rd.err == ERR_OK && TRY(err, gate_words(gate, words, arena, texts[i])))
            return err;
    }
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    *out = halt;
    return ERR_OK;
}

bool gate_is_halted(const struct gate *gate, unsigned partner)
{
    struct bytes audience, value;
    return audience_of(gate, partner, &audience) == ERR_OK &&
           fact_get(gate, RECORD_FACT_HALT, audience, &value) == ERR_OK;
}

err_t gate_resume(struct gate *gate, unsigned partner, const struct gate_by *by, int64_t now_us)
{
    struct bytes audience, value;
    err_t err;
    if (by->because.len == 0)
        return ERR_USAGE;
    if (TRY(err, audience_of(gate, partner, &audience)) ||
        TRY(err, fact_get(gate, RECORD_FACT_HALT, audience, &value)))
        return err;
    buf_clear(&gate->scratch);
    return fact_state(gate, RECORD_FACT_HALT, audience, by, now_us);
}
