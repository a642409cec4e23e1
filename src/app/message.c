#include "app/message.h"

#include "core/rd.h"
#include "core/wr.h"

static void write_str(struct buf *out, struct str s)
{
    wr_blob(out, bytes_from_str(s));
}

static struct str read_str(struct rd *rd, size_t max)
{
    return str_from_bytes(rd_blob(rd, max));
}

static void write_hash(struct buf *out, const struct hash *hash)
{
    buf_put(out, hash->b, HASH_SIZE);
}

static err_t read_err(struct rd *rd)
{
    uint8_t err = rd_u8(rd);
    return err < ERR_COUNT ? (err_t)err : ERR_INVALID;
}

/* --- what `add` refuses itself --- */

static bool read_words(struct rd *rd, char *out, size_t size)
{
    struct str text = read_str(rd, size - 1);
    if (rd->err != ERR_OK || !str_is_utf8(text))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.at[i] < ' ' || text.at[i] == 0x7f)
            return false;
    if (text.len > 0)
        memcpy(out, text.at, text.len);
    out[text.len] = '\0';
    return true;
}

void message_foreign_write(struct buf *out, const struct message_foreign *foreign)
{
    wr_u64(out, foreign->fault.offset);
    write_str(out, str_of(foreign->fault.what));
    write_str(out, str_of(foreign->fault.pointer));
    buf_put(out, foreign->bytes.at, foreign->bytes.len);
}

err_t message_foreign_read(struct bytes wire, struct message_foreign *out)
{
    struct rd rd = rd_of(wire);
    struct message_foreign foreign = {.fault = {.code = ERR_INVALID}};
    foreign.fault.offset = (size_t)rd_u64(&rd);
    if (!read_words(&rd, foreign.fault.what, sizeof foreign.fault.what) ||
        !read_words(&rd, foreign.fault.pointer, sizeof foreign.fault.pointer) || rd.left == 0)
        return rd.err != ERR_OK ? rd.err : ERR_INVALID;
    foreign.bytes = rd_bytes(&rd, rd.left);
    *out = foreign;
    return ERR_OK;
}

err_t message_piece_read(struct bytes wire, struct gate_piece *out)
{
    struct rd rd = rd_of(wire);
    struct gate_piece piece = {.whole = rd_u64(&rd), .at = 0};
    piece.at = rd_u64(&rd);
    rd_copy(&rd, piece.digest.b, sizeof piece.digest.b);
    piece.bytes = rd_bytes(&rd, rd.left);
    if (rd.err == ERR_OK)
        *out = piece;
    return rd.err;
}

void message_card_write(struct buf *out, const struct message_card *card)
{
    wr_u64(out, card->number);
    for (size_t i = SYNC_CARD_TLS; i < SYNC_CARD_KEYS; i++)
        sign_public_put(out, &card->key[i]);
}

err_t message_card_read(struct bytes wire, struct message_card *out)
{
    struct rd rd = rd_of(wire);
    struct message_card card = {.number = rd_u64(&rd)};
    for (size_t i = SYNC_CARD_TLS; i < SYNC_CARD_KEYS; i++)
        sign_public_take(&rd, &card.key[i]);
    err_t err = rd_end(&rd);
    if (err == ERR_OK)
        *out = card;
    return err;
}

void message_peer_write(struct buf *out, const struct message_peer *peer)
{
    wr_u32(out, peer->partner);
    wr_u8(out, (uint8_t)peer->key_count);
    for (size_t i = 0; i < peer->key_count; i++)
        buf_put(out, peer->keys[i], sizeof peer->keys[i]);
    write_str(out, peer->origin);
}

struct message_peer message_peer_next(struct rd *rd)
{
    struct message_peer peer = {.partner = rd_u32(rd), .key_count = rd_u8(rd)};
    if (rd->err == ERR_OK && (peer.key_count == 0 || peer.key_count > MESSAGE_PEER_KEYS))
        rd->err = ERR_LIMIT;
    for (size_t i = 0; rd->err == ERR_OK && i < peer.key_count; i++)
        rd_copy(rd, peer.keys[i], sizeof peer.keys[i]);
    peer.origin = read_str(rd, LIMIT_HOST_BYTES + 32);
    return peer;
}

void message_call_write(struct buf *out, const struct message_call *call)
{
    wr_u64(out, call->id);
    wr_u32(out, call->partner);
    wr_u8(out, (uint8_t)call->method);
    wr_u8(out, call->any_key);
    write_str(out, call->target);
    write_str(out, call->content_type);
    wr_u32(out, call->answer_max);
    wr_u32(out, call->quiet_ms);
    wr_u32(out, call->timeout_ms);
    wr_blob(out, call->body);
}

err_t message_call_read(struct bytes wire, struct message_call *out)
{
    struct rd rd = rd_of(wire);
    struct message_call call = {.id = rd_u64(&rd), .partner = rd_u32(&rd)};
    uint8_t method = rd_u8(&rd);
    call.method = (enum exchange_method)method;
    uint8_t any_key = rd_u8(&rd);
    call.any_key = any_key == 1;
    call.target = read_str(&rd, LIMIT_HTTP_TARGET_BYTES);
    call.content_type = read_str(&rd, 256);
    call.answer_max = rd_u32(&rd);
    call.quiet_ms = rd_u32(&rd);
    call.timeout_ms = rd_u32(&rd);
    call.body = rd_blob(&rd, LIMIT_LINK_MESSAGE_BYTES);
    err_t err = rd_end(&rd);
    if (err == ERR_OK && (method > EXCHANGE_OTHER || any_key > 1))
        err = ERR_INVALID;
    if (err == ERR_OK)
        *out = call;
    return err;
}

void message_answer_write(struct buf *out, const struct message_answer *answer)
{
    wr_u64(out, answer->id);
    wr_u8(out, (uint8_t)answer->err);
    wr_u16(out, (uint16_t)answer->status);
    wr_blob(out, answer->body);
}

err_t message_answer_read(struct bytes wire, struct message_answer *out)
{
    struct rd rd = rd_of(wire);
    struct message_answer answer = {.id = rd_u64(&rd), .err = read_err(&rd), .status = rd_u16(&rd)};
    answer.body = rd_blob(&rd, LIMIT_LINK_MESSAGE_BYTES);
    err_t err = rd_end(&rd);
    if (err == ERR_OK)
        *out = answer;
    return err;
}

/* --- pages given again --- */

void message_used_write(struct buf *out, const struct message_used *used)
{
    wr_blob(out, used->note);
    wr_u16(out, (uint16_t)used->status);
    wr_u32(out, used->count);
    wr_u32(out, (uint32_t)used->bytes);
}

struct message_used message_used_next(struct rd *rd)
{
    struct message_used used = {.note = rd_blob(rd, EXCHANGE_NOTE_MAX)};
    used.status = rd_u16(rd);
    used.count = rd_u32(rd);
    used.bytes = rd_u32(rd);
    return used;
}

/* --- signing --- */

static void write_origin(struct buf *out, const struct ledger_origin *origin)
{
    write_str(out, origin->issuer);
    write_str(out, origin->audience);
    wr_u32(out, origin->epoch);
    wr_u8(out, origin->urgent);
}

static struct ledger_origin read_origin(struct rd *rd)
{
    struct ledger_origin origin = {.issuer = read_str(rd, LIMIT_NAME_BYTES),
                                   .audience = read_str(rd, LIMIT_NAME_BYTES)};
    origin.epoch = rd_u32(rd);
    origin.urgent = rd_u8(rd) == 1;
    return origin;
}

void message_sign_write(struct buf *out, const struct gate_sign_request *request)
{
    wr_u32(out, request->ledger);
    write_origin(out, &request->origin);
    wr_u64(out, request->old_size);
    wr_u8(out, (uint8_t)request->count);
    for (size_t i = 0; i < request->count; i++) {
        wr_u64(out, request->at[i].size);
        write_hash(out, &request->at[i].root);
        wr_u8(out, (uint8_t)request->at[i].proof.count);
        for (size_t k = 0; k < request->at[i].proof.count; k++)
            write_hash(out, &request->at[i].proof.at[k]);
    }
}

static err_t read_proof(struct rd *rd, struct merkle_proof *out)
{
    out->count = rd_u8(rd);
    if (out->count > MERKLE_PROOF_MAX)
        return ERR_LIMIT;
    for (size_t k = 0; k < out->count; k++)
        rd_copy(rd, out->at[k].b, HASH_SIZE);
    return rd->err;
}

err_t message_sign_read(struct bytes wire, struct gate_sign_request *out)
{
    struct rd rd = rd_of(wire);
    err_t err;
    out->ledger = rd_u32(&rd);
    out->origin = read_origin(&rd);
    out->old_size = rd_u64(&rd);
    out->count = rd_u8(&rd);
    if (out->count == 0 || out->count > MESSAGE_NOTES_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < out->count; i++) {
        out->at[i].size = rd_u64(&rd);
        rd_copy(&rd, out->at[i].root.b, HASH_SIZE);
        if (TRY(err, read_proof(&rd, &out->at[i].proof)))
            return err;
    }
    return rd_end(&rd);
}

void message_signed_write(struct buf *out, const struct message_signed *message)
{
    wr_u32(out, message->ledger);
    wr_u8(out, (uint8_t)message->err);
    wr_u64(out, message->anchored_size);
    write_hash(out, &message->anchored_root);
    wr_u8(out, (uint8_t)message->count);
    for (size_t i = 0; i < message->count; i++)
        write_str(out, message->notes[i]);
}

err_t message_signed_read(struct bytes wire, struct message_signed *out)
{
    struct rd rd = rd_of(wire);
    out->ledger = rd_u32(&rd);
    out->err = read_err(&rd);
    out->anchored_size = rd_u64(&rd);
    rd_copy(&rd, out->anchored_root.b, HASH_SIZE);
    out->count = rd_u8(&rd);
    if (out->count > MESSAGE_NOTES_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < out->count; i++)
        out->notes[i] = read_str(&rd, LIMIT_NOTE_BYTES);
    return rd_end(&rd);
}

void message_receipt_write(struct buf *out, const struct message_receipt *receipt)
{
    wr_u32(out, receipt->partner);
    write_str(out, receipt->checkpoint);
    write_str(out, receipt->wanted.origin);
    write_str(out, receipt->wanted.holder);
    wr_u64(out, receipt->wanted.size);
    write_hash(out, &receipt->wanted.root);
    wr_u64(out, receipt->wanted.refused_count);
    write_hash(out, &receipt->wanted.refused);
}

err_t message_receipt_read(struct bytes wire, struct message_receipt *out)
{
    struct rd rd = rd_of(wire);
    out->partner = rd_u32(&rd);
    out->checkpoint = read_str(&rd, LIMIT_NOTE_BYTES);
    out->wanted.origin = read_str(&rd, LIMIT_KEY_NAME_BYTES);
    out->wanted.holder = read_str(&rd, LIMIT_NAME_BYTES);
    out->wanted.size = rd_u64(&rd);
    rd_copy(&rd, out->wanted.root.b, HASH_SIZE);
    out->wanted.refused_count = rd_u64(&rd);
    rd_copy(&rd, out->wanted.refused.b, HASH_SIZE);
    return rd_end(&rd);
}

void message_receipted_write(struct buf *out, const struct message_receipted *message)
{
    wr_u32(out, message->partner);
    wr_u8(out, (uint8_t)message->err);
    wr_u64(out, message->size);
    write_str(out, message->cosignature);
    write_str(out, message->disposition);
}

err_t message_receipted_read(struct bytes wire, struct message_receipted *out)
{
    struct rd rd = rd_of(wire);
    out->partner = rd_u32(&rd);
    out->err = read_err(&rd);
    out->size = rd_u64(&rd);
    out->cosignature = read_str(&rd, LIMIT_SYNC_SIGNATURE_BYTES);
    out->disposition = read_str(&rd, LIMIT_SYNC_SIGNATURE_BYTES);
    return rd_end(&rd);
}

void message_recall_done_write(struct buf *out, const struct message_recall_done *message)
{
    wr_u32(out, message->partner);
    write_str(out, message->wanted.origin);
    write_str(out, message->wanted.holder);
    wr_u64(out, message->wanted.seq);
    wr_u8(out, message->wanted.held);
}

err_t message_recall_done_read(struct bytes wire, struct message_recall_done *out)
{
    struct rd rd = rd_of(wire);
    out->partner = rd_u32(&rd);
    out->wanted.origin = read_str(&rd, LIMIT_KEY_NAME_BYTES);
    out->wanted.holder = read_str(&rd, LIMIT_NAME_BYTES);
    out->wanted.seq = rd_u64(&rd);
    out->wanted.held = rd_u8(&rd) != 0;
    return rd_end(&rd);
}

void message_recall_signed_write(struct buf *out, const struct message_recall_signed *message)
{
    wr_u32(out, message->partner);
    wr_u8(out, (uint8_t)message->err);
    wr_u64(out, message->seq);
    write_str(out, message->note);
}

err_t message_recall_signed_read(struct bytes wire, struct message_recall_signed *out)
{
    struct rd rd = rd_of(wire);
    out->partner = rd_u32(&rd);
    out->err = read_err(&rd);
    out->seq = rd_u64(&rd);
    out->note = read_str(&rd, LIMIT_RECALL_ANSWER_BYTES);
    return rd_end(&rd);
}

void message_bundle_write(struct buf *out, const struct message_bundle *message)
{
    wr_u32(out, message->ticket);
    wr_u8(out, message->open);
    write_str(out, message->head);
}

err_t message_bundle_read(struct bytes wire, struct message_bundle *out)
{
    struct rd rd = rd_of(wire);
    out->ticket = rd_u32(&rd);
    uint8_t open = rd_u8(&rd);
    out->open = open != 0;
    out->head = read_str(&rd, LIMIT_BUNDLE_HEAD_BYTES);
    return open > 1 ? ERR_INVALID : rd_end(&rd);
}

void message_bundled_write(struct buf *out, const struct message_bundled *message)
{
    wr_u32(out, message->ticket);
    wr_u8(out, (uint8_t)message->err);
    wr_blob(out, message->answer);
}

err_t message_bundled_read(struct bytes wire, struct message_bundled *out)
{
    struct rd rd = rd_of(wire);
    out->ticket = rd_u32(&rd);
    out->err = read_err(&rd);
    out->answer = rd_blob(&rd, LIMIT_BUNDLE_HEAD_BYTES);
    return rd_end(&rd);
}

void message_vouch_write(struct buf *out, uint32_t ticket, const struct gate_vouching *wanted)
{
    wr_u32(out, ticket);
    wr_u32(out, (uint32_t)wanted->count);
    for (size_t i = 0; i < wanted->count; i++) {
        write_hash(out, &wanted->at[i].content);
        write_str(out, wanted->at[i].limits);
    }
}

void message_vouch_next(struct rd *rd, struct hash *out_content, struct str *out_limits)
{
    rd_copy(rd, out_content->b, HASH_SIZE);
    *out_limits = read_str(rd, LIMIT_RESHARE_BYTES);
}

err_t message_vouch_read(struct bytes wire, struct message_vouch *out)
{
    struct rd rd = rd_of(wire);
    struct hash content;
    struct str limits;
    out->ticket = rd_u32(&rd);
    out->count = rd_u32(&rd);
    if (rd.err == ERR_OK && (out->count == 0 || out->count > LIMIT_CHECKPOINT_LEAVES))
        return ERR_LIMIT;
    out->wanted = bytes_of(rd.at, rd.left);
    for (size_t i = 0; i < out->count && rd.err == ERR_OK; i++)
        message_vouch_next(&rd, &content, &limits);
    return rd_end(&rd);
}

void message_vouched_write(struct buf *out, const struct message_vouched *message)
{
    wr_u32(out, message->ticket);
    wr_u8(out, (uint8_t)message->err);
    wr_u16(out, message->suite);
    wr_u32(out, message->key);
    wr_u32(out, (uint32_t)message->count);
    wr_bytes(out, message->signatures);
}

void message_vouched_add(struct buf *signatures, const struct signature *signature)
{
    wr_blob(signatures, signature_bytes(signature));
}

void message_vouched_next(struct rd *rd, struct signature *out)
{
    struct bytes bytes = rd_blob(rd, SIGN_MAX);
    *out = (struct signature) {.len = bytes.len};
    if (rd->err == ERR_OK && bytes.len > 0)
        memcpy(out->b, bytes.at, bytes.len);
}

err_t message_vouched_read(struct bytes wire, struct message_vouched *out)
{
    struct rd rd = rd_of(wire);
    out->ticket = rd_u32(&rd);
    out->err = read_err(&rd);
    out->suite = rd_u16(&rd);
    out->key = rd_u32(&rd);
    out->count = rd_u32(&rd);
    if (rd.err == ERR_OK && out->count > LIMIT_CHECKPOINT_LEAVES)
        return ERR_LIMIT;
    struct rd all = rd;
    for (size_t i = 0; i < out->count && rd.err == ERR_OK; i++)
        (void)rd_blob(&rd, SIGN_MAX);
    if (rd_end(&rd) != ERR_OK)
        return rd.err;
    out->signatures = rd_bytes(&all, all.left);
    return ERR_OK;
}
