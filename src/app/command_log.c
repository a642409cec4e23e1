/* The log of the node: how far it is, who witnessed it, and what it says of one partner's ledger. */
#include "app/command.h"
#include "core/mem.h"
#include "gate/nodelog.h"
#include "sync/card.h"

enum { PROOF_FILE_MAX = LIMIT_NOTE_BYTES + (64 << 10) };

/* --- ledger log --- */

/* Under which key witnesses have to know it. */
static err_t put_vkey(struct command_call *call, struct str origin)
{
    struct buf text;
    struct sync_card card;
    struct note_key key;
    buf_init(&text, LIMIT_CARD_BYTES);
    bool known = gate_setting_get(call->host->gate, STR("card/own"), &text) &&
                 sync_card_parse(buf_str(&text), &card, NULL) == ERR_OK &&
                 sync_card_ledger_key(&card, origin, &key) == ERR_OK;
    buf_clear(&text);
    if (known)
        note_key_print(&key, &text);
    if (known && buf_err(&text) == ERR_OK)
        line_text(call->out, "vkey", buf_str(&text));
    err_t err = buf_err(&text);
    buf_deinit(&text);
    return err;
}

static void say_state(struct command_call *call, const struct gate_log *log)
{
    struct command_witness witness;
    call->host->log_status(call->host->ctx, LIMIT_WITNESSES, &witness);
    if (log->stopped)
        line_say(call->out,
                 "The log of the node was stopped: its root is not the one that was signed (bongsu check)");
    if (witness.refused)
        line_say(call->out,
                 "The keeper does not sign the log of the node: %s (docs/guide/disk-dies.md, then bongsu "
                 "ledger log "
                 "--anew --because \"...\")",
                 witness.restored ? "this node came back from a backup"
                                  : "it signed something else before, so this log was set back");
    if (call->host->conf->log_every_s == 0)
        line_say(call->out, "No log of the node is kept: witnesses or log-every in bongsu.yaml begin one");
}

static void say_witness(struct command_call *call, size_t number, const struct gate_log *log)
{
    const struct conf_witness *conf = &call->host->conf->witnesses[number];
    struct gate_cosigned cosigned = {.size = 0};
    struct command_witness state;
    struct buf line;
    buf_init(&line, LIMIT_NOTE_BYTES);
    bool signed_any =
        gate_log_cosigned(call->host->gate, note_key_name(&conf->key), &line, &cosigned) == ERR_OK;
    call->host->log_status(call->host->ctx, number, &state);
    line_begin(call->out);
    line_text(call->out, "witness", note_key_name(&conf->key));
    line_word(call->out, "url", conf->url);
    line_count(call->out, "cosigned", cosigned.size);
    line_count(call->out, "behind", log->visible > cosigned.size ? log->visible - cosigned.size : 0);
    if (signed_any)
        line_time(call->out, "cosigned_at", cosigned.time_s * 1000000);
    line_count(call->out, "failures", state.failures);
    line_word(call->out, "trouble", state.trouble);
    line_end(call->out);
    buf_deinit(&line);
}

static err_t ledger_log(struct command_call *call)
{
    struct gate_log log;
    struct buf origin;
    gate_log(call->host->gate, &log);
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    err_t err = gate_log_origin(call->host->gate, &origin);
    line_begin(call->out);
    line_text(call->out, "origin", buf_str(&origin));
    line_count(call->out, "size", log.size);
    line_count(call->out, "visible", log.visible);
    line_hash(call->out, "root", &log.visible_root);
    if (log.last_us > 0)
        line_time(call->out, "last", log.last_us);
    line_count(call->out, "every_s", call->host->conf->log_every_s);
    if (err == ERR_OK)
        err = put_vkey(call, buf_str(&origin));
    line_end(call->out);
    buf_deinit(&origin);
    say_state(call, &log);
    for (size_t i = 0; i < call->host->conf->witness_count; i++)
        say_witness(call, i, &log);
    return err == ERR_OK ? err : command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
}

static void say_cosigned(struct command_call *call, size_t number, const struct gate_log *log)
{
    struct gate_cosigned cosigned = {.size = 0};
    struct command_witness state;
    struct buf line;
    char time[TIME_TEXT_SIZE];
    struct str name = note_key_name(&call->host->conf->witnesses[number].key);
    buf_init(&line, LIMIT_NOTE_BYTES);
    bool known = gate_log_cosigned(call->host->gate, name, &line, &cosigned) == ERR_OK;
    buf_deinit(&line);
    call->host->log_status(call->host->ctx, number, &state);
    time_text(cosigned.time_s * 1000000, time);
    line_say(call->out, "Witness %.*s cosigned %llu of %llu entries of the log of the node%s%s",
             STR_ARG(name), (unsigned long long)cosigned.size, (unsigned long long)log->visible,
             known ? ", last at " : "", known ? time : "");
    if (state.failures > 0)
        line_say(call->out, "Witness %.*s did not the last %u times: %s (bongsu ledger log)", STR_ARG(name),
                 state.failures, state.trouble);
}

/* Lines of `status`. */
void command_say_witnesses(struct command_call *call)
{
    struct gate_log log;
    gate_log(call->host->gate, &log);
    if (call->host->conf->log_every_s > 0)
        say_state(call, &log);
    for (size_t i = 0; i < call->host->conf->witness_count; i++)
        say_cosigned(call, i, &log);
}

/* --- ledger log --anew --- */

static uint32_t epoch_next(const struct gate *gate)
{
    struct gate_log log;
    gate_log(gate, &log);
    uint32_t last = log.epoch;
    for (unsigned p = 0; p < gate_peer_count(gate); p++)
        if (gate_peer_get(gate, p)->epoch > last)
            last = gate_peer_get(gate, p)->epoch;
    return last + 1;
}

static err_t ledger_log_anew(struct command_call *call)
{
    struct gate_by by = command_by(call);
    if (by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "--because \"which backup came back\"",
                              "a log begins anew only with a reason");
    uint32_t epoch = epoch_next(call->host->gate);
    err_t err = gate_log_anew(call->host->gate, epoch, &by, call->now_us);
    if (err != ERR_OK)
        return command_refuse(call, err, "try again", "the log did not begin anew: %s", err_text(err));
    call->host->log_changed(call->host->ctx);
    line_begin(call->out);
    line_count(call->out, "epoch", epoch);
    line_end(call->out);
    line_say(
        call->out,
        "The log of the node begins anew, as epoch %u. Tell the operators of its witnesses, with the vkey of "
        "bongsu ledger log.",
        (unsigned)epoch);
    return ERR_OK;
}

/* --- ledger prove-log --- */

struct proving {
    struct command_call *call;
    const struct gate_peer *peer;
    unsigned number;
    struct gate_log log;
    char origin[LEDGER_ORIGIN_MAX];
    size_t origin_len;
    struct proof proof;
    struct nodelog_opening opening;
    uint64_t size; /* of the checkpoint that proves it */
    struct buf note, ledger_note;
};

static err_t refuse(struct command_call *call, err_t err)
{
    return command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
}

/* --at N; the newest that the best witnessed checkpoint covers. */
static err_t entry_asked(struct proving *proving, uint64_t *out_index)
{
    struct command_call *call = proving->call;
    struct str at = command_text_or_empty(call, "at");
    uint64_t index = 0;
    err_t err;
    if (proving->log.visible == 0)
        return command_refuse(call, ERR_NOTFOUND, "bongsu ledger log",
                              "the log of the node has no signed entry");
    if (at.len > 0 && (!str_to_u64(at, UINT64_MAX, &index) || index >= proving->log.visible))
        return command_refuse(call, ERR_NOTFOUND, "bongsu ledger log",
                              "the log of the node has %llu signed entries, from 0",
                              (unsigned long long)proving->log.visible);
    if (TRY(err, gate_log_head(call->host->gate, index, &proving->size, &proving->note)))
        return refuse(call, err);
    *out_index = at.len > 0 ? index : proving->size - 1;
    return ERR_OK;
}

static err_t origin_asked(struct proving *proving)
{
    struct gate_ledger ledger;
    struct buf line = {
        .at = (uint8_t *)proving->origin, .size = sizeof proving->origin, .size_max = sizeof proving->origin};
    err_t err;
    if (TRY(err, gate_ledger(proving->call->host->gate, proving->number, &ledger)) ||
        TRY(err, ledger_origin_print(&ledger.origin, &line)))
        return refuse(proving->call, err);
    proving->origin_len = line.len;
    return ERR_OK;
}

static err_t open_entry(struct proving *proving, uint64_t index)
{
    struct command_call *call = proving->call;
    struct gate *gate = call->host->gate;
    struct str origin = {proving->origin, proving->origin_len};
    struct nodelog_entry entry;
    struct hash root;
    uint64_t found;
    err_t err = gate_log_open(gate, index, origin, &proving->proof, &proving->opening);
    if (err == ERR_NOTFOUND)
        return command_refuse(call, err, "--at N asks for another; bongsu ledger show says what is signed",
                              "entry %llu of the log says nothing of %.*s: nothing of it was shown then",
                              (unsigned long long)index, STR_ARG(origin));
    struct bytes extra = bytes_of(proving->proof.extra, proving->proof.extra_len);
    if (err != ERR_OK || TRY(err, nodelog_extra_read(extra, &entry, &proving->opening)) ||
        TRY(err, gate_log_root(gate, proving->size, &root)) ||
        TRY(err, gate_log_inclusion(gate, index, proving->size, &proving->proof.path)))
        return refuse(call, err);
    struct hash leaf = nodelog_entry_hash(&entry);
    if (TRY(err, merkle_inclusion_verify(&proving->proof.path, index, proving->size, &leaf, &root)))
        return refuse(call, err);
    /* The ledger's own checkpoint, for whoever compares; of an earlier epoch it is not found by its size. */
    if (gate_checkpoint(gate, proving->number, proving->opening.head.size, &found, &proving->ledger_note) !=
            ERR_OK ||
        found != proving->opening.head.size)
        buf_clear(&proving->ledger_note);
    line_begin(call->out);
    line_count(call->out, "entry", index);
    line_time(call->out, "time", entry.time_us);
    return ERR_OK;
}

static err_t put_proof(struct proving *proving)
{
    struct command_call *call = proving->call;
    struct buf text;
    proving->proof.checkpoint = buf_str(&proving->note);
    line_text(call->out, "ledger", proving->opening.head.origin);
    line_count(call->out, "ledger_size", proving->opening.head.size);
    line_hash(call->out, "ledger_root", &proving->opening.head.root);
    line_count(call->out, "tree_size", proving->size);
    buf_init(&text, PROOF_FILE_MAX);
    err_t err = proof_print(&proving->proof, &text);
    if (err == ERR_OK)
        line_text(call->out, "tlog_proof", buf_str(&text));
    buf_deinit(&text);
    if (proving->ledger_note.len > 0)
        line_text(call->out, "ledger_checkpoint", buf_str(&proving->ledger_note));
    line_end(call->out);
    return err == ERR_OK ? err : refuse(call, err);
}

static err_t prove(struct proving *proving)
{
    uint64_t index = 0;
    err_t err;
    gate_log(proving->call->host->gate, &proving->log);
    if (TRY(err, command_ledger(proving->call, &proving->peer, &proving->number)) ||
        TRY(err, origin_asked(proving)) || TRY(err, entry_asked(proving, &index)) ||
        TRY(err, open_entry(proving, index)))
        return err;
    return put_proof(proving);
}

static err_t ledger_prove_log(struct command_call *call)
{
    struct proving *proving = mem_alloc(sizeof *proving);
    if (proving == NULL)
        return refuse(call, ERR_NOMEM);
    proving->call = call;
    buf_init(&proving->note, LIMIT_NOTE_BYTES);
    buf_init(&proving->ledger_note, LIMIT_NOTE_BYTES);
    err_t err = prove(proving);
    buf_deinit(&proving->note);
    buf_deinit(&proving->ledger_note);
    mem_free(proving);
    return err;
}

const struct command command_log_rows[] = {
    {"ledger.log", false, ledger_log},
    {"ledger.log-anew", true, ledger_log_anew},
    {"ledger.prove-log", false, ledger_prove_log},
    {NULL, false, NULL},
};
