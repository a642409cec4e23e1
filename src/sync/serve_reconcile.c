/* What is compared, and what is fetched (docs/protocol/RECONCILE.md): the bits of a partner's ledger, made a
 * block at a time when he asks, and kept for the questions that follow; single leaves with their proofs. */
#include "sync/fetch.h"
#include "sync/serve_state.h"

#define BUSY_US INT64_C(200000) /* what a policy takes back is told within some such steps */

void serve_reconcile_drop(struct reconcile_made *made)
{
    reconcile_set_deinit(&made->set);
    *made = (struct reconcile_made) {.used = false};
}

/* --- the bits --- */

static struct reconcile_made *made_of(struct sync_serve *serve, unsigned partner)
{
    for (size_t i = 0; i < LIMIT_RECONCILE_SETS; i++)
        if (serve->made[i].used && serve->made[i].partner == partner)
            return &serve->made[i];
    return NULL;
}

static bool is_stale(const struct reconcile_made *made, int64_t now_us)
{
    return now_us - made->asked_us > LIMIT_RECONCILE_KEPT_US ||
           now_us - made->begun_us > LIMIT_RECONCILE_AGE_US || made->asked_us > now_us;
}

static struct reconcile_made *made_place(struct sync_serve *serve, int64_t now_us)
{
    for (size_t i = 0; i < LIMIT_RECONCILE_SETS; i++) {
        struct reconcile_made *made = &serve->made[i];
        if (made->used && is_stale(made, now_us))
            serve_reconcile_drop(made);
        if (!made->used)
            return made;
    }
    return NULL;
}

static bool is_for(const struct reconcile_made *made, const struct reconcile_question *question)
{
    return made->epoch == question->epoch && made->set.size == question->size;
}

/* The set that answers the question, whole or not. ERR_BUSY: it may not be made now. */
static err_t made_find(struct sync_serve *serve, unsigned partner, const struct reconcile_question *question,
                       int64_t now_us, struct reconcile_made **out)
{
    struct reconcile_made *made = made_of(serve, partner);
    int64_t *again_us = &serve->partners[partner].reconcile_us;
    if (*again_us > now_us + (int64_t)LIMIT_RECONCILE_LEAVES * LIMIT_RECONCILE_LEAF_US)
        *again_us = now_us; /* the clock was set back */
    bool stale = made != NULL && is_stale(made, now_us);
    if (made == NULL || stale || !is_for(made, question)) {
        if (now_us < *again_us)
            return ERR_BUSY;
        if (made != NULL)
            serve_reconcile_drop(made);
        made = made_place(serve, now_us);
        if (made == NULL)
            return ERR_BUSY;
        err_t err = reconcile_set_begin(&made->set, question->size);
        if (err != ERR_OK)
            return err;
        made->used = true;
        made->partner = partner;
        made->epoch = question->epoch;
        made->begun_us = now_us;
        *again_us = now_us + (int64_t)question->size * LIMIT_RECONCILE_LEAF_US;
    }
    made->asked_us = now_us;
    *out = made;
    return ERR_OK;
}

/* One block more. */
static err_t advance(struct sync_serve *serve, struct reconcile_made *made)
{
    if (reconcile_set_whole(&made->set))
        return ERR_OK;
    uint8_t *bits = reconcile_set_next(&made->set);
    uint32_t block = made->set.made;
    err_t err = gate_leaves_given(serve->gate, made->partner, (uint64_t)block * RECONCILE_BLOCK,
                                  reconcile_leaves(made->set.size, block), bits);
    if (err == ERR_OK)
        reconcile_set_made(&made->set);
    else
        memset(bits, 0, RECONCILE_BITMAP);
    return err;
}

/* --- questions --- */

/* 0: the answer may be made; else the status to answer with. */
static unsigned admit(struct sync_serve *serve, unsigned number, uint32_t epoch, uint64_t size)
{
    struct gate_ledger ledger;
    if (gate_ledger(serve->gate, number, &ledger) != ERR_OK)
        return LATER;
    bool here =
        serve->ledgers[number].alarm == NULL && epoch == ledger.origin.epoch && size <= ledger.visible;
    return here ? 0 : AGAIN;
}

static void answer(struct sync_serve *serve, const struct reconcile_question *question,
                   const struct reconcile_made *made, struct exchange_response *response)
{
    response->view = made->partner + 1;
    reconcile_answer_write(&response->body, question, &made->set);
    serve_answer_body(serve, response, ERR_OK);
}

static bool keep(struct sync_serve *serve, unsigned partner, const struct exchange_request *request,
                 int64_t now_us)
{
    struct reconcile_asking *asking = &serve->asking[partner];
    if (asking->used || request->body.len > sizeof asking->body)
        return false;
    asking->used = true;
    asking->id = request->id;
    asking->until_us = now_us + LIMIT_RECONCILE_WAIT_US;
    asking->look_us = now_us;
    asking->len = request->body.len;
    memcpy(asking->body, request->body.at, request->body.len);
    return true;
}

/* ERR_BUSY: not now. ERR_OK without a status: it waits for the bits. */
static err_t question_answer(struct sync_serve *serve, unsigned number,
                             const struct exchange_request *request,
                             const struct reconcile_question *question, int64_t now_us,
                             struct exchange_response *response)
{
    struct reconcile_made *made;
    err_t err = made_find(serve, number, question, now_us, &made);
    if (err != ERR_OK)
        return err;
    err = advance(serve, made); /* of most ledgers that is all */
    if (err != ERR_OK && err != ERR_BUSY)
        return err;
    if (reconcile_set_whole(&made->set))
        answer(serve, question, made, response);
    else if (!keep(serve, number, request, now_us))
        return ERR_BUSY;
    return ERR_OK;
}

void serve_reconcile(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                     int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    struct reconcile_question question;
    (void)out_commit;
    if (reconcile_question_read(request->body, &question) != ERR_OK) {
        serve_answer_status(response, BAD);
        return;
    }
    unsigned status = admit(serve, number, question.epoch, question.size);
    if (status != 0) {
        serve_answer_status(response, status);
        return;
    }
    err_t err = question_answer(serve, number, request, &question, now_us, response);
    if (err != ERR_OK)
        serve_answer_body(serve, response, err); /* ERR_BUSY: not now */
}

/* --- late answers --- */

/* Writes the answer when there is one to give now. */
static bool late(struct sync_serve *serve, unsigned partner, int64_t now_us, struct exchange_response *out)
{
    struct reconcile_asking *asking = &serve->asking[partner];
    struct reconcile_question question;
    struct reconcile_made *made = made_of(serve, partner);
    if (now_us < asking->look_us && now_us < asking->until_us)
        return false;
    bool in = serve_admits(serve, partner, now_us);
    must(reconcile_question_read(bytes_of(asking->body, asking->len), &question) == ERR_OK);
    unsigned status = !in ? NEUTRAL : admit(serve, partner, question.epoch, question.size);
    if (status == 0 && (made == NULL || !is_for(made, &question)))
        status = LATER;
    err_t err = status != 0 ? ERR_OK : advance(serve, made);
    asking->look_us = now_us + (err == ERR_BUSY ? BUSY_US : 1);
    bool whole = status == 0 && err == ERR_OK && reconcile_set_whole(&made->set);
    if (status == 0 && !whole && (err == ERR_OK || err == ERR_BUSY)) {
        if (now_us < asking->until_us)
            return false;
        status = LATER;
    }
    exchange_response_init(out, asking->id, LIMIT_SYNC_PAGE_BYTES);
    if (status != 0)
        serve_answer_status(out, status);
    else if (err != ERR_OK)
        serve_answer_body(serve, out, err);
    else
        answer(serve, &question, made, out);
    return true;
}

bool serve_reconcile_next(struct sync_serve *serve, int64_t now_us, struct exchange_response *out)
{
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        if (serve->asking[i].used && late(serve, i, now_us, out)) {
            serve->asking[i].used = false;
            return true;
        }
    return false;
}

int64_t serve_reconcile_deadline(const struct sync_serve *serve)
{
    int64_t least = INT64_MAX;
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++) {
        const struct reconcile_asking *asking = &serve->asking[i];
        int64_t at_us = asking->look_us < asking->until_us ? asking->look_us : asking->until_us;
        if (asking->used && at_us < least)
            least = at_us;
    }
    return least;
}

void serve_reconcile_forget(struct sync_serve *serve, uint64_t request_id)
{
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        if (serve->asking[i].used && serve->asking[i].id == request_id)
            serve->asking[i].used = false;
}

/* --- fetch --- */

struct fetching {
    struct buf *body;
    bool vouchers;
    size_t object_bytes;
};

static bool fetch_one(void *ctx, const struct gate_leaf *leaf)
{
    struct fetching *fetching = ctx;
    uint8_t hops = leaf->hops < UINT8_MAX ? (uint8_t)(leaf->hops + 1) : UINT8_MAX;
    struct sync_beside beside = {hops, {leaf->limits, leaf->limits_salt}, leaf->trail, leaf->voucher};
    if (!fetching->vouchers)
        beside.voucher = bytes_of(NULL, 0);
    sync_entry_write(fetching->body, &leaf->leaf, leaf->withheld ? NULL : &leaf->opening, leaf->object,
                     &beside);
    fetching->object_bytes += leaf->object.len;
    return false;
}

static err_t entry_fetch(struct sync_serve *serve, unsigned number, uint64_t seq, uint64_t size,
                         struct fetching *fetching)
{
    struct merkle_proof proof;
    err_t err;
    if (TRY(err, gate_inclusion(serve->gate, number, seq, size, &proof)) ||
        TRY(err, gate_leaves(serve->gate, number, seq, fetch_one, fetching)))
        return err;
    sync_proof_write(fetching->body, &proof);
    return buf_err(fetching->body);
}

static err_t fetch_body(struct sync_serve *serve, unsigned number, const struct sync_fetch *fetch,
                        bool vouchers, struct buf *body)
{
    struct fetching fetching = {.body = body, .vouchers = vouchers};
    size_t count_at;
    uint16_t count = 0;
    err_t err = serve_checkpoint_kept(serve, number, fetch->size);
    if (err != ERR_OK)
        return err;
    sync_fetched_head_write(body, fetch->epoch, buf_str(&serve->note), &count_at);
    for (; count < fetch->count && fetching.object_bytes <= LIMIT_CHECKPOINT_BYTES; count++)
        if (TRY(err, entry_fetch(serve, number, fetch->leaves[count], fetch->size, &fetching)))
            return err;
    sync_fetched_count_set(body, count_at, count);
    return ERR_OK;
}

void serve_fetch(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                 int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    struct sync_fetch fetch;
    bool vouchers;
    (void)now_us;
    (void)out_commit;
    if (sync_fetch_read(request->body, &fetch) != ERR_OK ||
        sync_vouchers_read(request->query, &vouchers) != ERR_OK) {
        serve_answer_status(response, BAD);
        return;
    }
    unsigned status = admit(serve, number, fetch.epoch, fetch.size);
    if (status != 0) {
        serve_answer_status(response, status);
        return;
    }
    response->view = number + 1;
    err_t err = fetch_body(serve, number, &fetch, vouchers, &response->body);
    if (err == ERR_NOTFOUND) /* no page ever ended there */
        serve_answer_status(response, AGAIN);
    else
        serve_answer_body(serve, response, err);
}
