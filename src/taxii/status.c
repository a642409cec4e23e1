#include "taxii/status.h"

#include <stdio.h>

#include "core/rd.h"
#include "core/wr.h"
#include "taxii/quota.h"
#include "taxii/ticket.h"

enum { KEY_MAX = 112, HEAD_SIZE = 16 };

static struct str counter_key(const struct taxii_identity *identity, char out[KEY_MAX])
{
    int len = snprintf(out, KEY_MAX, "taxii/submissions/%.*s", STR_ARG(identity->name));
    return (struct str) {out, (size_t)len};
}

static struct str slot_key(const struct taxii_identity *identity, uint64_t number, char out[KEY_MAX])
{
    unsigned slot = (unsigned)(number % LIMIT_TAXII_STATUSES);
    int len = snprintf(out, KEY_MAX, "taxii/kept/%.*s/%u", STR_ARG(identity->name), slot);
    return (struct str) {out, (size_t)len};
}

/* Numbers first <= n < next are kept. */
struct span {
    uint64_t first, next;
};

static struct span span_of(const struct taxii *taxii, const struct taxii_identity *identity)
{
    char key[KEY_MAX];
    struct buf value;
    struct span span = {0};
    buf_init(&value, 64);
    if (gate_setting_get(taxii->gate, counter_key(identity, key), &value)) {
        struct rd rd = rd_of(buf_bytes(&value));
        span.next = rd_u64(&rd);
        span.first = rd_u64(&rd);
    }
    buf_deinit(&value);
    return span;
}

uint64_t status_next(const struct taxii *taxii, const struct taxii_identity *identity)
{
    return span_of(taxii, identity).next;
}

/* Number and time stand before the text. False: it is not there. */
static bool slot_read(const struct call *call, uint64_t number, struct buf *value, int64_t *out_us)
{
    char key[KEY_MAX];
    if (!gate_setting_get(call->taxii->gate, slot_key(call->identity, number, key), value))
        return false;
    struct rd rd = rd_of(buf_bytes(value));
    uint64_t kept = rd_u64(&rd);
    *out_us = (int64_t)rd_u64(&rd);
    return rd.err == ERR_OK && kept == number;
}

static int64_t kept_until_us(const struct call *call, uint64_t number)
{
    struct buf value;
    int64_t date_us = INT64_MIN / 2;
    buf_init(&value, LIMIT_TAXII_STATUS_BYTES + HEAD_SIZE);
    (void)slot_read(call, number, &value, &date_us);
    buf_deinit(&value);
    return date_us + LIMIT_TAXII_STATUS_US;
}

bool status_room(const struct call *call)
{
    struct span span = span_of(call->taxii, call->identity);
    if (span.next - span.first < LIMIT_TAXII_STATUSES)
        return true;
    int64_t wait_us = kept_until_us(call, span.first) - call->now_us;
    if (wait_us <= 0)
        return true;
    quota_answer(call->response, "Too many submissions for one day", wait_us);
    return false;
}

/* Two old ones go for each new one, so that a burst does not stay for ever. */
static err_t forget_old(const struct call *call, struct span *span, const struct gate_by *by)
{
    char key[KEY_MAX];
    err_t err = ERR_OK;
    for (int i = 0; i < 2 && err == ERR_OK && span->first < span->next; i++) {
        if (kept_until_us(call, span->first) > call->now_us)
            break;
        err = gate_setting_put(call->taxii->gate, slot_key(call->identity, span->first, key),
                               bytes_of(NULL, 0), by, call->now_us);
        span->first++;
    }
    return err;
}

struct uuid status_id(const struct taxii *taxii, const struct taxii_identity *identity, uint64_t number)
{
    return ticket_status(taxii, identity->name, number);
}

err_t status_keep(const struct call *call, uint64_t number, struct bytes text)
{
    const struct gate_by by = {call->identity->name, STR("TAXII submission")};
    struct span span = span_of(call->taxii, call->identity);
    char key[KEY_MAX];
    struct buf value;
    buf_init(&value, LIMIT_TAXII_STATUS_BYTES + HEAD_SIZE);
    wr_u64(&value, number);
    wr_u64(&value, (uint64_t)call->now_us);
    wr_bytes(&value, text);
    err_t err = buf_err(&value);
    if (err == ERR_OK)
        err = forget_old(call, &span, &by);
    if (err == ERR_OK)
        err = gate_setting_put(call->taxii->gate, slot_key(call->identity, number, key), buf_bytes(&value),
                               &by, call->now_us);
    buf_clear(&value);
    wr_u64(&value, number + 1);
    wr_u64(&value, span.first);
    if (err == ERR_OK)
        err = gate_setting_put(call->taxii->gate, counter_key(call->identity, key), buf_bytes(&value), &by,
                               call->now_us);
    buf_deinit(&value);
    return err;
}

void status_get(const struct call *call, const struct place *place)
{
    struct uuid uuid;
    struct buf value;
    uint64_t number;
    int64_t date_us;
    buf_init(&value, LIMIT_TAXII_STATUS_BYTES + HEAD_SIZE);
    if (uuid_parse(place->id, &uuid) &&
        ticket_status_read(call->taxii, call->identity->name, &uuid, &number) == ERR_OK &&
        slot_read(call, number, &value, &date_us)) {
        answer_begin(call->response, 200);
        buf_put(&call->response->body, value.at + HEAD_SIZE, value.len - HEAD_SIZE);
    } else {
        answer_not_found(call->response);
    }
    buf_deinit(&value);
}
