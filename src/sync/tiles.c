#include "sync/tiles.h"

#include "gate/nodelog.h"

enum { FOUND = 200, ABSENT = 404, UNABLE = 503 };

static void answer(struct exchange_response *response, err_t err, const char *content_type)
{
    if (err == ERR_OK)
        err = buf_err(&response->body);
    response->status = err == ERR_OK ? FOUND : UNABLE;
    /* A path that is no tile, or one that no checkpoint covers, looks the same. */
    if (err == ERR_NOTFOUND || err == ERR_SYNTAX || err == ERR_USAGE)
        response->status = ABSENT;
    response->content_type = err == ERR_OK ? content_type : NULL;
    if (err != ERR_OK)
        buf_clear(&response->body);
}

static err_t newest_checkpoint(struct gate *gate, unsigned partner, struct buf *out)
{
    struct gate_ledger ledger;
    uint64_t size;
    err_t err = gate_ledger(gate, partner, &ledger);
    if (err != ERR_OK)
        return err;
    return ledger.visible == 0 ? ERR_NOTFOUND : gate_checkpoint(gate, partner, ledger.visible, &size, out);
}

void sync_tiles_answer(struct gate *gate, unsigned partner, struct str rest,
                       struct exchange_response *response)
{
    if (str_eq(rest, STR("checkpoint"))) {
        answer(response, newest_checkpoint(gate, partner, &response->body), "text/plain; charset=utf-8");
        return;
    }
    answer(response, gate_tile(gate, partner, rest, &response->body), "application/octet-stream");
}

void sync_log_answer(struct gate *gate, struct str rest, struct exchange_response *response)
{
    uint64_t size;
    if (str_eq(rest, STR("checkpoint")))
        answer(response, gate_log_head(gate, 0, &size, &response->body), "text/plain; charset=utf-8");
    else
        answer(response, gate_log_tile(gate, rest, &response->body), "application/octet-stream");
}
