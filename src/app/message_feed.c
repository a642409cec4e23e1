#include "app/message_feed.h"

#include "core/rd.h"
#include "core/wr.h"

enum { NO_PARTNER = 255 };

static void write_str(struct buf *out, struct str s)
{
    wr_blob(out, bytes_from_str(s));
}

static struct str read_str(struct rd *rd, size_t max)
{
    return str_from_bytes(rd_blob(rd, max));
}

static void write_fields(struct buf *out, const struct feed_field *fields, uint8_t count)
{
    wr_u8(out, count);
    for (uint8_t i = 0; i < count; i++) {
        write_str(out, fields[i].name);
        write_str(out, fields[i].value);
    }
}

static uint8_t read_fields(struct rd *rd, struct feed_field fields[FEED_FIELDS_MAX])
{
    uint8_t count = rd_u8(rd);
    if (count > FEED_FIELDS_MAX)
        rd->err = ERR_INVALID;
    for (uint8_t i = 0; rd->err == ERR_OK && i < count; i++) {
        fields[i].name = read_str(rd, LIMIT_FEED_HEAD_BYTES);
        fields[i].value = read_str(rd, LIMIT_FEED_HEAD_BYTES);
    }
    return count;
}

void message_feed_open_write(struct buf *out, const struct message_feed_open *message)
{
    wr_u32(out, message->feed);
    write_str(out, message->name);
    write_str(out, message->origin);
    wr_u8(out, message->private);
    wr_u8(out, message->secrets);
    wr_u8(out, message->partner < 0 ? NO_PARTNER : (uint8_t)message->partner);
    write_str(out, message->target);
    write_str(out, message->self);
}

err_t message_feed_open_read(struct bytes wire, struct message_feed_open *out)
{
    struct rd rd = rd_of(wire);
    struct message_feed_open message = {.feed = rd_u32(&rd), .name = read_str(&rd, LIMIT_NAME_BYTES)};
    message.origin = read_str(&rd, LIMIT_HOST_BYTES + 32);
    message.private = rd_u8(&rd) == 1;
    message.secrets = rd_u8(&rd) == 1;
    uint8_t partner = rd_u8(&rd);
    message.partner = partner == NO_PARTNER ? -1 : partner;
    message.target = read_str(&rd, FEED_TEXT_MAX);
    message.self = read_str(&rd, LIMIT_ID_BYTES);
    err_t err = rd_end(&rd);
    if (err == ERR_OK && (message.feed >= MESSAGE_FEEDS_MAX || message.partner >= LIMIT_PARTNERS))
        err = ERR_INVALID;
    if (err == ERR_OK)
        *out = message;
    return err;
}

void message_feed_call_write(struct buf *out, const struct message_feed_call *message)
{
    wr_u32(out, message->feed);
    wr_u64(out, message->id);
    wr_u8(out, message->method);
    write_str(out, message->target);
    write_fields(out, message->fields, message->field_count);
    wr_u64(out, message->answer_max);
    wr_u32(out, message->timeout_ms);
    wr_blob(out, message->body);
}

err_t message_feed_call_read(struct bytes wire, struct message_feed_call *out)
{
    struct rd rd = rd_of(wire);
    struct message_feed_call message = {.feed = rd_u32(&rd), .id = rd_u64(&rd)};
    message.method = rd_u8(&rd);
    message.target = read_str(&rd, LIMIT_HTTP_TARGET_BYTES);
    message.field_count = read_fields(&rd, message.fields);
    message.answer_max = rd_u64(&rd);
    message.timeout_ms = rd_u32(&rd);
    message.body = rd_blob(&rd, LIMIT_LINK_MESSAGE_BYTES);
    err_t err = rd_end(&rd);
    if (err == ERR_OK && (message.feed >= MESSAGE_FEEDS_MAX || message.method > EXCHANGE_OTHER))
        err = ERR_INVALID;
    if (err == ERR_OK)
        *out = message;
    return err;
}

void message_feed_head_write(struct buf *out, const struct message_feed_head *message)
{
    wr_u32(out, message->feed);
    wr_u64(out, message->id);
    wr_u16(out, message->status);
    write_fields(out, message->fields, message->field_count);
}

err_t message_feed_head_read(struct bytes wire, struct message_feed_head *out)
{
    struct rd rd = rd_of(wire);
    struct message_feed_head message = {.feed = rd_u32(&rd), .id = rd_u64(&rd)};
    message.status = rd_u16(&rd);
    message.field_count = read_fields(&rd, message.fields);
    err_t err = rd_end(&rd);
    if (err == ERR_OK && message.feed >= MESSAGE_FEEDS_MAX)
        err = ERR_INVALID;
    if (err == ERR_OK)
        *out = message;
    return err;
}

void message_feed_over_write(struct buf *out, const struct message_feed_over *message)
{
    wr_u32(out, message->feed);
    wr_u64(out, message->id);
    wr_u8(out, (uint8_t)message->err);
    write_str(out, message->what);
}

err_t message_feed_over_read(struct bytes wire, struct message_feed_over *out)
{
    struct rd rd = rd_of(wire);
    struct message_feed_over message = {.feed = rd_u32(&rd), .id = rd_u64(&rd)};
    uint8_t code = rd_u8(&rd);
    message.err = code < ERR_COUNT ? (err_t)code : ERR_INVALID;
    message.what = read_str(&rd, FAULT_WHAT_MAX);
    err_t err = rd_end(&rd);
    if (err == ERR_OK && message.feed >= MESSAGE_FEEDS_MAX)
        err = ERR_INVALID;
    if (err == ERR_OK)
        *out = message;
    return err;
}
