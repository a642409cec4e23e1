#include "app/message_guard.h"

#include "core/wr.h"

enum { NO_PARTNER = 255 };

void message_ask_write(struct buf *out, const struct message_ask *ask)
{
    wr_u8(out, ask->partner);
    wr_u16(out, ask->run);
    wr_blob(out, bytes_from_str(ask->id));
}

struct message_ask message_ask_next(struct rd *rd)
{
    struct message_ask ask = {.partner = rd_u8(rd), .run = rd_u16(rd)};
    ask.id = str_from_bytes(rd_blob(rd, LIMIT_ID_BYTES));
    return ask;
}

void message_evidence_write(struct buf *out, const struct message_evidence *evidence)
{
    wr_u8(out, evidence->partner);
    wr_blob(out, bytes_from_str(evidence->id));
    wr_u8(out, evidence->held);
    wr_blob(out, evidence->leaves);
}

struct message_evidence message_evidence_next(struct rd *rd)
{
    struct message_evidence evidence = {.partner = rd_u8(rd)};
    evidence.id = str_from_bytes(rd_blob(rd, LIMIT_ID_BYTES));
    evidence.held = rd_u8(rd);
    evidence.leaves = rd_blob(rd, LIMIT_LINK_MESSAGE_BYTES);
    if (rd->err == ERR_OK && evidence.held > MESSAGE_HELD_SOON)
        rd->err = ERR_INVALID;
    return evidence;
}

void message_held_write(struct buf *out, const struct guard_finding *finding)
{
    wr_u8(out, (uint8_t)finding->rule);
    wr_u8(out, finding->partner < 0 ? NO_PARTNER : (uint8_t)finding->partner);
    wr_u8(out, finding->has_seq);
    wr_u64(out, finding->seq);
    wr_bytes(out, bytes_of(finding->object.b, HASH_SIZE));
}

err_t message_held_read(struct bytes wire, struct guard_finding *out)
{
    struct rd rd = rd_of(wire);
    uint8_t rule = rd_u8(&rd), partner = rd_u8(&rd);
    struct guard_finding finding = {.rule = (enum guard_rule)rule, .partner = partner};
    finding.has_seq = rd_u8(&rd) != 0;
    finding.seq = rd_u64(&rd);
    rd_copy(&rd, finding.object.b, HASH_SIZE);
    err_t err = rd_end(&rd);
    if (err != ERR_OK || rule == GUARD_RULE_NONE || rule >= GUARD_RULES ||
        (partner >= LIMIT_PARTNERS && partner != NO_PARTNER))
        return err != ERR_OK ? err : ERR_INVALID;
    if (partner == NO_PARTNER)
        finding.partner = -1;
    *out = finding;
    return ERR_OK;
}

void message_guarded_write(struct buf *out, const struct guard_counts *counts)
{
    wr_u64(out, counts->answers);
    wr_u64(out, counts->pages);
    wr_u64(out, counts->objects);
    wr_u64(out, counts->bytes);
    wr_u64(out, counts->own);
    wr_u64(out, counts->asked);
    wr_u64(out, counts->held);
    wr_u64(out, counts->named);
}

err_t message_guarded_read(struct bytes wire, struct guard_counts *out)
{
    struct rd rd = rd_of(wire);
    struct guard_counts counts = {.answers = rd_u64(&rd)};
    counts.pages = rd_u64(&rd);
    counts.objects = rd_u64(&rd);
    counts.bytes = rd_u64(&rd);
    counts.own = rd_u64(&rd);
    counts.asked = rd_u64(&rd);
    counts.held = rd_u64(&rd);
    counts.named = rd_u64(&rd);
    err_t err = rd_end(&rd);
    if (err == ERR_OK)
        *out = counts;
    return err;
}
