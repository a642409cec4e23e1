#include "taxii/status.h"

#include <stdio.h>

#include "core/rd.h"
#include "core/wr.h"
#include "taxii/ticket.h"

enum { KEY_MAX = 112 };

static struct str counter_key(const struct taxii_identity *identity, char out[KEY_MAX])
{
    int len = snprintf(out, KEY_MAX, "taxii/statuses/%.*s", STR_ARG(identity->name));
    return (struct str) {out, (size_t)len};
}

static struct str slot_key(const struct taxii_identity *identity, uint64_t number, char out[KEY_MAX])
{
    unsigned slot = (unsigned)(number % LIMIT_TAXII_STATUSES);
    int len = snprintf(out, KEY_MAX, "taxii/status/%.*s/%u", STR_ARG(identity->name), slot);
    return (struct str) {out, (size_t)len};
}

uint64_t status_next(const struct taxii *taxii, const struct taxii_identity *identity)
{
    char key[KEY_MAX];
    struct buf value;
    uint64_t number = 0;
    buf_init(&value, 64);
    if (gate_setting_get(taxii->gate, counter_key(identity, key), &value)) {
        struct rd rd = rd_of(buf_bytes(&value));
        number = rd_u64(&rd);
    }
    buf_deinit(&value);
    return number;
}

struct uuid status_id(const struct taxii *taxii, const struct taxii_identity *identity, uint64_t number)
{
    return ticket_status(taxii, identity->name, number);
}

err_t status_keep(const struct call *call, uint64_t number, struct bytes text)
{
    const struct gate_by by = {call->identity->name, STR("TAXII submission")};
    char key[KEY_MAX];
    struct buf value;
    buf_init(&value, LIMIT_TAXII_STATUS_BYTES + 8);
    wr_u64(&value, number);
    wr_bytes(&value, text);
    err_t err = buf_err(&value);
    if (err == ERR_OK)
        err = gate_setting_put(call->taxii->gate, slot_key(call->identity, number, key), buf_bytes(&value),
                               &by, call->now_us);
    buf_clear(&value);
    wr_u64(&value, number + 1);
    if (err == ERR_OK)
        err = gate_setting_put(call->taxii->gate, counter_key(call->identity, key), buf_bytes(&value), &by,
                               call->now_us);
    buf_deinit(&value);
    return err;
}

void status_get(const struct call *call, struct str id)
{
    char key[KEY_MAX];
    struct uuid uuid;
    struct buf value;
    uint64_t number;
    bool found = uuid_parse(id, &uuid) &&
                 ticket_status_read(call->taxii, call->identity->name, &uuid, &number) == ERR_OK;
    buf_init(&value, LIMIT_TAXII_STATUS_BYTES + 8);
    if (found)
        found = gate_setting_get(call->taxii->gate, slot_key(call->identity, number, key), &value);
    struct rd rd = rd_of(buf_bytes(&value));
    if (found && rd_u64(&rd) == number && rd.err == ERR_OK) {
        answer_begin(call->response, 200);
        buf_put(&call->response->body, rd.at, rd.left);
    } else {
        answer_not_found(call->response);
    }
    buf_deinit(&value);
}
