/* What roles read of each other (app/message.h, net/exchange.h): another role may have been taken over, and
 * is believed nothing. Whatever decodes and is written again reads the same a second time, and is then
 * spelled in one way only. The first byte chooses the kind. */
#include <string.h>

#include "app/message.h"
#include "app/message_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gate_sign_request sign; /* large: not for the stack */

static err_t call_again(struct bytes wire, struct buf *out)
{
    struct message_call call;
    err_t err = message_call_read(wire, &call);
    if (err == ERR_OK)
        message_call_write(out, &call);
    return err;
}

static err_t answer_again(struct bytes wire, struct buf *out)
{
    struct message_answer answer;
    err_t err = message_answer_read(wire, &answer);
    if (err == ERR_OK)
        message_answer_write(out, &answer);
    return err;
}

static err_t sign_again(struct bytes wire, struct buf *out)
{
    err_t err = message_sign_read(wire, &sign);
    if (err == ERR_OK)
        message_sign_write(out, &sign);
    return err;
}

static err_t signed_again(struct bytes wire, struct buf *out)
{
    struct message_signed message;
    err_t err = message_signed_read(wire, &message);
    if (err == ERR_OK)
        message_signed_write(out, &message);
    return err;
}

static err_t receipt_again(struct bytes wire, struct buf *out)
{
    struct message_receipt receipt;
    err_t err = message_receipt_read(wire, &receipt);
    if (err == ERR_OK)
        message_receipt_write(out, &receipt);
    return err;
}

static err_t bundle_again(struct bytes wire, struct buf *out)
{
    struct message_bundle message;
    err_t err = message_bundle_read(wire, &message);
    if (err == ERR_OK)
        message_bundle_write(out, &message);
    return err;
}

static err_t bundled_again(struct bytes wire, struct buf *out)
{
    struct message_bundled message;
    err_t err = message_bundled_read(wire, &message);
    if (err == ERR_OK)
        message_bundled_write(out, &message);
    return err;
}

static err_t receipted_again(struct bytes wire, struct buf *out)
{
    struct message_receipted message;
    err_t err = message_receipted_read(wire, &message);
    if (err == ERR_OK)
        message_receipted_write(out, &message);
    return err;
}

static err_t peers_again(struct bytes wire, struct buf *out)
{
    struct rd rd = rd_of(wire);
    while (rd.err == ERR_OK && rd.left > 0) {
        struct message_peer peer = message_peer_next(&rd);
        if (rd.err == ERR_OK)
            message_peer_write(out, &peer);
    }
    return rd.err;
}

static err_t card_again(struct bytes wire, struct buf *out)
{
    struct message_card message;
    err_t err = message_card_read(wire, &message);
    if (err == ERR_OK)
        message_card_write(out, &message);
    return err;
}

static err_t request_again(struct bytes wire, struct buf *out)
{
    struct exchange_request request;
    err_t err = exchange_request_read(wire, &request);
    if (err == ERR_OK)
        exchange_request_write(out, &request);
    return err;
}

static err_t feed_open_again(struct bytes wire, struct buf *out)
{
    struct message_feed_open message;
    err_t err = message_feed_open_read(wire, &message);
    if (err == ERR_OK)
        message_feed_open_write(out, &message);
    return err;
}

static err_t feed_call_again(struct bytes wire, struct buf *out)
{
    struct message_feed_call message;
    err_t err = message_feed_call_read(wire, &message);
    if (err == ERR_OK)
        message_feed_call_write(out, &message);
    return err;
}

static err_t feed_head_again(struct bytes wire, struct buf *out)
{
    struct message_feed_head message;
    err_t err = message_feed_head_read(wire, &message);
    if (err == ERR_OK)
        message_feed_head_write(out, &message);
    return err;
}

static err_t feed_over_again(struct bytes wire, struct buf *out)
{
    struct message_feed_over message;
    err_t err = message_feed_over_read(wire, &message);
    if (err == ERR_OK)
        message_feed_over_write(out, &message);
    return err;
}

static err_t foreign_again(struct bytes wire, struct buf *out)
{
    struct message_foreign message;
    err_t err = message_foreign_read(wire, &message);
    if (err == ERR_OK)
        message_foreign_write(out, &message);
    return err;
}

static err_t vouch_again(struct bytes wire, struct buf *out)
{
    static struct gate_vouch at[LIMIT_CHECKPOINT_LEAVES];
    struct gate_vouching wanted = {.at = at};
    struct message_vouch message;
    err_t err = message_vouch_read(wire, &message);
    if (err != ERR_OK)
        return err;
    struct rd rd = rd_of(message.wanted);
    for (; wanted.count < message.count; wanted.count++)
        message_vouch_next(&rd, &at[wanted.count].content, &at[wanted.count].limits);
    message_vouch_write(out, message.ticket, &wanted);
    return ERR_OK;
}

static err_t vouched_again(struct bytes wire, struct buf *out)
{
    struct message_vouched message;
    err_t err = message_vouched_read(wire, &message);
    if (err == ERR_OK)
        message_vouched_write(out, &message);
    return err;
}

enum { PIECE = 8, ANSWER, ALL = 20 };
/* NULL: never written, only read. */
static err_t (*const kinds[ALL])(struct bytes wire, struct buf *out) = {
    call_again,      answer_again,    sign_again,    signed_again, receipt_again,   receipted_again,
    peers_again,     request_again,   NULL,          NULL,         feed_open_again, feed_call_again,
    feed_head_again, feed_over_again, foreign_again, bundle_again, bundled_again,   card_again,
    vouch_again,     vouched_again,
};

/* Both halves of an answer to a recall: one spelling. */
static void recalls(struct bytes wire)
{
    struct message_recall_done done;
    struct message_recall_signed answer;
    struct buf out;
    buf_init(&out, LIMIT_LINK_MESSAGE_BYTES);
    if (message_recall_done_read(wire, &done) == ERR_OK) {
        message_recall_done_write(&out, &done);
        must(bytes_eq(buf_bytes(&out), wire));
    }
    buf_clear(&out);
    if (message_recall_signed_read(wire, &answer) == ERR_OK) {
        message_recall_signed_write(&out, &answer);
        must(bytes_eq(buf_bytes(&out), wire));
    }
    buf_deinit(&out);
}

static void read_only(unsigned kind, struct bytes wire)
{
    struct gate_piece piece;
    struct exchange_answer answer;
    if (kind == PIECE)
        recalls(wire);
    if (kind == PIECE && message_piece_read(wire, &piece) == ERR_OK)
        must(piece.bytes.len <= wire.len);
    if (kind == ANSWER && exchange_answer_read(wire, &answer) == ERR_OK)
        must(answer.body.len <= wire.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once, twice;
    if (size == 0)
        return 0;
    unsigned kind = data[0] % ALL;
    struct bytes wire = {data + 1, size - 1};
    if (kinds[kind] == NULL) {
        read_only(kind, wire);
        return 0;
    }
    buf_init(&once, LIMIT_LINK_MESSAGE_BYTES);
    buf_init(&twice, LIMIT_LINK_MESSAGE_BYTES);
    if (kinds[kind](wire, &once) == ERR_OK) {
        must(buf_err(&once) == ERR_OK);
        must(kinds[kind](buf_bytes(&once), &twice) == ERR_OK);
        must(once.len == twice.len && (once.len == 0 || memcmp(once.at, twice.at, once.len) == 0));
    }
    buf_deinit(&once);
    buf_deinit(&twice);
    return 0;
}
