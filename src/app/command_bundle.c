/* What comes back for a bundle, and what is remembered of it. */
#include <stdio.h>

#include "app/core_state.h"
#include "core/rd.h"
#include "core/wr.h"
#include "sync/bundle.h"
#include "sync/wire.h"

enum { RECORD_VERSION = 1, RECORD_SIZE = 1 + 4 + 8 + 8, KEY_MAX = 96 };

static struct str setting_key(const struct gate_peer *peer, char out[KEY_MAX])
{
    int len = snprintf(out, KEY_MAX, "bundle/%.*s", STR_ARG(peer->audience));
    return (struct str) {out, (size_t)len};
}

void command_bundles_get(const struct gate *gate, const struct gate_peer *peer, struct command_bundles *out)
{
    char key[KEY_MAX];
    struct buf record;
    struct gate_ledger ledger;
    *out = (struct command_bundles) {.written = 0};
    buf_init(&record, RECORD_SIZE);
    if (gate_ledger(gate, peer->index, &ledger) == ERR_OK &&
        gate_setting_get(gate, setting_key(peer, key), &record)) {
        struct rd rd = rd_of(buf_bytes(&record));
        bool known = rd_u8(&rd) == RECORD_VERSION && rd_u32(&rd) == ledger.origin.epoch;
        uint64_t written = rd_u64(&rd), told = rd_u64(&rd);
        if (known && rd_end(&rd) == ERR_OK)
            *out = (struct command_bundles) {written, told};
    }
    buf_deinit(&record);
}

err_t command_bundles_put(struct command_call *call, const struct gate_peer *peer,
                          const struct command_bundles *bundles)
{
    char key[KEY_MAX];
    struct buf record;
    struct gate_ledger ledger;
    struct gate_by by = command_by(call);
    err_t err;
    buf_init(&record, RECORD_SIZE);
    if (!TRY(err, gate_ledger(call->host->gate, peer->index, &ledger))) {
        wr_u8(&record, RECORD_VERSION);
        wr_u32(&record, ledger.origin.epoch);
        wr_u64(&record, bundles->written);
        wr_u64(&record, bundles->told);
        err = buf_err(&record);
    }
    if (err == ERR_OK)
        err =
            gate_setting_put(call->host->gate, setting_key(peer, key), buf_bytes(&record), &by, call->now_us);
    buf_deinit(&record);
    return err == ERR_OK ? ERR_OK : command_refuse(call, err, NULL, "%s", err_text(err));
}

/* All volumes of a bundle stand. */
static err_t bundle_written(struct command_call *call)
{
    const struct gate_peer *peer;
    struct command_bundles known;
    struct gate_ledger ledger;
    uint64_t to;
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)) || TRY(err, command_number(call, "to", 0, &to)))
        return err;
    if (TRY(err, gate_ledger(call->host->gate, peer->index, &ledger)) || to > ledger.visible)
        return command_refuse(call, ERR_USAGE, NULL, "there are not as many entries");
    command_bundles_get(call->host->gate, peer, &known);
    if (to <= known.written)
        return ERR_OK;
    known.written = to;
    return command_bundles_put(call, peer, &known);
}

/* --- what the partner says --- */

static const char *status_words(unsigned status)
{
    return status == 404   ? "this partner is not started, or his card is out of time"
           : status == 409 ? "it is of another epoch, or of more than he was ever shown"
           : status == 503 ? "not now: try again"
                           : "it does not verify: it was changed, or his newest card is not here";
}

static err_t post(struct command_call *call, const struct gate_peer *peer, const char *path,
                  struct bytes body)
{
    struct core_role *role = call->host->ctx;
    struct exchange_response response;
    struct exchange_request request = {
        .method = EXCHANGE_POST, .path = str_of(path), .content_type = STR(SYNC_MEDIA_TYPE), .body = body};
    bool commit; /* the answer to this command waits for it anyhow */
    exchange_response_init(&response, 0, LIMIT_SYNC_BODY_BYTES);
    sync_serve_carried(role->serve, peer->index, &request, call->now_us, &response, &commit);
    unsigned status = response.status;
    exchange_response_deinit(&response);
    return status == 200 ? ERR_OK
                         : command_refuse(call, status == 400 ? ERR_SIGNATURE : ERR_WRONGSTATE,
                                          "compare the cards on both sides", "%s", status_words(status));
}

static err_t take_report(struct command_call *call, const struct gate_peer *peer, struct str text)
{
    struct gate_ledger ledger;
    struct buf body;
    struct str word;
    size_t recalls = 0;
    bool first = true;
    err_t err, end;
    buf_init(&body, LIMIT_BUNDLE_REPORT_BYTES);
    for (err = ERR_OK; err == ERR_OK && !TRY(end, bundle_report_next(&text, first, &word, &body));
         first = false) {
        bool recall = str_eq(word, STR("recall-done"));
        err = post(call, peer, recall ? SYNC_PATH_RECALL_DONE : SYNC_PATH_RECEIPT, buf_bytes(&body));
        recalls += recall && err == ERR_OK;
    }
    buf_deinit(&body);
    if (err != ERR_OK)
        return err;
    if (end != ERR_NOTFOUND)
        return command_refuse(call, end, "`bongsu bundle read` writes one", "that is no receipt of a bundle");
    if (TRY(err, gate_ledger(call->host->gate, peer->index, &ledger)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    line_begin(call->out);
    line_count(call->out, "receipted", ledger.receipted);
    line_count(call->out, "refused", ledger.refused);
    line_count(call->out, "recalls_done", recalls);
    line_end(call->out);
    line_say(call->out, "%.*s has signed that it holds %llu entries, %llu of them refused there",
             STR_ARG(peer->audience), (unsigned long long)ledger.receipted,
             (unsigned long long)ledger.refused);
    return ERR_OK;
}

static err_t take_words(struct command_call *call, const struct gate_peer *peer, struct str said)
{
    struct gate *gate = call->host->gate;
    struct command_bundles known;
    struct gate_ledger ledger;
    struct hash root;
    uint64_t size;
    struct buf origin;
    err_t err;
    struct str number = str_cut(&said, '\n');
    if (!str_to_u64(number, UINT64_MAX, &size))
        return command_refuse(call, ERR_USAGE, "bongsu bundle receipt PARTNER 20000 WORD WORD ...",
                              "the number of entries stands before the words");
    if (TRY(err, gate_ledger(gate, peer->index, &ledger)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    if (size == 0 || size > ledger.visible)
        return command_refuse(call, ERR_USAGE, "ask for the number again", "he was shown %llu entries",
                              (unsigned long long)ledger.visible);
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    if (TRY(err, ledger_origin_print(&ledger.origin, &origin)) ||
        TRY(err, gate_root(gate, peer->index, size, &root)))
        err = command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
    else if (!bundle_words_are(said, buf_str(&origin), size, &root))
        err = command_refuse(
            call, ERR_CONFLICT, "ask for them again; if they stay, compare `bongsu ledger show`",
            "these words are not those of %llu entries of this ledger", (unsigned long long)size);
    buf_deinit(&origin);
    if (err != ERR_OK)
        return err;
    command_bundles_get(gate, peer, &known);
    known.told = size > known.told ? size : known.told;
    line_begin(call->out);
    line_count(call->out, "told", size);
    line_end(call->out);
    line_say(call->out,
             "told: %.*s holds %llu entries; the next bundle begins there. It proves nothing to others: that "
             "takes the "
             "receipt's file, which he signed",
             STR_ARG(peer->audience), (unsigned long long)size);
    return command_bundles_put(call, peer, &known);
}

static err_t bundle_receipt(struct command_call *call)
{
    const struct gate_peer *peer;
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)))
        return err;
    struct str report = command_text_or_empty(call, "report"), words = command_text_or_empty(call, "words");
    return report.len > 0 ? take_report(call, peer, report) : take_words(call, peer, words);
}

const struct command command_bundle_rows[] = {
    {"bundle.written", true, bundle_written},
    {"bundle.receipt", true, bundle_receipt},
    {NULL, false, NULL},
};
