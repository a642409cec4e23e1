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

/* On the stack: short of memory, numbers would begin anew. */
static err_t span_of(const struct taxii *taxii, const struct taxii_identity *identity, struct span *out)
{
    char key[KEY_MAX];
    uint8_t raw[sizeof(struct span)];
    struct buf value = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    struct span span = {0};
    bool held = gate_setting_get(taxii->gate, counter_key(identity, key), &value);
    struct rd rd = rd_of(buf_bytes(&value));
    if (held) {
        span.next = rd_u64(&rd);
        span.first = rd_u64(&rd);
    }
    err_t err = buf_err(&value) != ERR_OK ? buf_err(&value) : rd.err;
    if (err == ERR_OK)
        *out = span;
    return err;
}

err_t status_next(const struct taxii *taxii, const struct taxii_identity *identity, uint64_t *out)
{
    struct span span;
    err_t err = span_of(taxii, identity, &span);
    if (err == ERR_OK)
        *out = span.next;
    return err;
}

/* Number and time stand before the text. ERR_NOTFOUND: it is not there. */
static err_t slot_read(const struct call *call, uint64_t number, struct buf *value, int64_t *out_us)
{
    char key[KEY_MAX];
    if (!gate_setting_get(call->taxii->gate, slot_key(call->identity, number, key), value))
        return buf_err(value) != ERR_OK ? buf_err(value) : ERR_NOTFOUND;
    struct rd rd = rd_of(buf_bytes(value));
    uint64_t kept = rd_u64(&rd);
    *out_us = (int64_t)rd_u64(&rd);
    return rd.err == ERR_OK && kept == number ? ERR_OK : ERR_NOTFOUND;
}

/* What is not there is kept no longer. */
static err_t kept_until(const struct call *call, uint64_t number, int64_t *out_us)
{
    struct buf value;
    int64_t date_us = INT64_MIN / 2;
    buf_init(&value, LIMIT_TAXII_STATUS_BYTES + HEAD_SIZE);
    err_t err = slot_read(call, number, &value, &date_us);
    buf_deinit(&value);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    *out_us = date_us + LIMIT_TAXII_STATUS_US;
    return ERR_OK;
}

bool status_room(const struct call *call)
{
    struct span span;
    int64_t until_us = call->now_us;
    err_t err = span_of(call->taxii, call->identity, &span);
    if (err == ERR_OK && span.next - span.first >= LIMIT_TAXII_STATUSES)
        err = kept_until(call, span.first, &until_us);
    if (err != ERR_OK)
        answer_failed(call->response, err);
    else if (until_us > call->now_us)
        quota_answer(call->response, "Too many submissions for one day", until_us - call->now_us);
    return err == ERR_OK && until_us <= call->now_us;
}

/* Two old ones go for each new one, so that a burst does not stay for ever. */
static err_t forget_old(const struct call *call, struct span *span, const struct gate_by *by)
{
    char key[KEY_MAX];
    err_t err = ERR_OK;
    for (int i = 0; i < 2 && err == ERR_OK && span->first < span->next; i++) {
        int64_t until_us;
        if (TRY(err, kept_until(call, span->first, &until_us)) || until_us > call->now_us)
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
    struct span span;
    char key[KEY_MAX];
    struct buf value;
    err_t err = span_of(call->taxii, call->identity, &span);
    if (err != ERR_OK)
        return err;
    buf_init(&value, LIMIT_TAXII_STATUS_BYTES + HEAD_SIZE);
    wr_u64(&value, number);
    wr_u64(&value, (uint64_t)call->now_us);
    wr_bytes(&value, text);
    err = buf_err(&value);
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
    err_t err = ERR_NOTFOUND;
    if (uuid_parse(place->id, &uuid) &&
        ticket_status_read(call->taxii, call->identity->name, &uuid, &number) == ERR_OK)
        err = slot_read(call, number, &value, &date_us);
    if (err == ERR_OK) {
        answer_begin(call->response, 200);
        buf_put(&call->response->body, value.at + HEAD_SIZE, value.len - HEAD_SIZE);
    } else if (err == ERR_NOTFOUND) {
        answer_not_found(call->response);
    } else {
        answer_failed(call->response, err);
    }
    buf_deinit(&value);
}
