/* What of a ledger is shown to others: proof files of single leaves, a leaf's reason for oversight, and the
 * whole ledger. `bongsu-verify` reads all three without a node. */
#include "app/command.h"

#include <stdio.h>

#include "core/mem.h"
#include "ledger/proof.h"
#include "ledger/tile.h"
#include "sync/wire.h"

enum { PROOFS_MAX = 64, PROOF_FILE_MAX = LIMIT_NOTE_BYTES + (64 << 10) };

/* --- signed trees --- */

/* A checkpoint that covers the leaf: the one that the partner cosigned last where that is enough, else the
 * newest. */
struct head {
    struct buf note; /* with the partner's cosignature, when cosigned */
    uint64_t size;
    struct hash root;
    bool cosigned;
};

/* Checkpoint and receipt of the size of that ledger that the partner acknowledged last. ERR_NOTFOUND: there
 * is none, or its checkpoint is kept no more. `body` keeps what `out` borrows. */
static err_t receipt_get(struct command_call *call, unsigned ledger, struct buf *note, struct buf *body,
                         struct sync_receipt *out)
{
    struct gate *gate = call->host->gate;
    uint64_t size, found;
    err_t err;
    if (TRY(err, gate_receipt_notes(gate, ledger, &size, body)) ||
        TRY(err, sync_receipt_read(buf_bytes(body), out)) ||
        TRY(err, gate_checkpoint(gate, ledger, size, &found, note)))
        return err;
    if (found != size || out->size != size)
        return ERR_NOTFOUND;
    buf_put_str(note, out->cosignature);
    return buf_err(note);
}

static err_t head_of(struct command_call *call, unsigned number, const struct gate_ledger *ledger,
                     uint64_t seq, struct head *out)
{
    struct sync_receipt receipt;
    struct buf body;
    err_t err = ERR_NOTFOUND;
    buf_init(&out->note, LIMIT_NOTE_BYTES);
    buf_init(&body, LIMIT_FRAME_BYTES);
    if (seq < ledger->receipted)
        err = receipt_get(call, number, &out->note, &body, &receipt);
    out->cosigned = err == ERR_OK;
    out->size = ledger->receipted;
    buf_deinit(&body);
    if (err == ERR_NOTFOUND) {
        buf_clear(&out->note);
        err = gate_checkpoint(call->host->gate, number, ledger->visible, &out->size, &out->note);
    }
    return err == ERR_OK ? gate_root(call->host->gate, number, out->size, &out->root) : err;
}

/* --- proofs --- */

struct prove {
    struct command_call *call;
    const struct gate_peer *peer;
    unsigned number; /* of the ledger: his main one, or the urgent one */
    struct gate_ledger ledger;
    size_t count;
    uint64_t seqs[PROOFS_MAX];
    /* While one is written: */
    struct head head;
    err_t err;
    bool object; /* wanted */
};

static err_t prove_begin(struct prove *prove, struct command_call *call)
{
    err_t err;
    *prove = (struct prove) {.call = call, .object = command_flag(call, "object")};
    if (TRY(err, command_ledger(call, &prove->peer, &prove->number)))
        return err;
    err = gate_ledger(call->host->gate, prove->number, &prove->ledger);
    return err == ERR_OK ? err : command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
}

/* The proof file (C2SP tlog-proof) as a member, with the path that it holds. */
static err_t put_file(struct prove *prove, struct proof *proof, const struct hash *leaf)
{
    struct gate *gate = prove->call->host->gate;
    struct buf text;
    err_t err;
    if (TRY(err, gate_inclusion(gate, prove->number, proof->index, prove->head.size, &proof->path)) ||
        TRY(err,
            merkle_inclusion_verify(&proof->path, proof->index, prove->head.size, leaf, &prove->head.root)))
        return err;
    proof->checkpoint = buf_str(&prove->head.note);
    buf_init(&text, PROOF_FILE_MAX);
    if (!TRY(err, proof_print(proof, &text)))
        line_text(prove->call->out, "tlog_proof", buf_str(&text));
    buf_deinit(&text);
    return err;
}

static void put_head(struct prove *prove, uint64_t seq, const struct hash *leaf)
{
    struct buf *out = prove->call->out;
    line_begin(out);
    line_count(out, "seq", seq);
    line_hash(out, "leaf", leaf);
    line_count(out, "tree_size", prove->head.size);
    line_hash(out, "root", &prove->head.root);
    line_bool(out, "cosigned", prove->head.cosigned);
}

/* Beside the proof, and not in it: whoever has the origin's card needs neither ledger nor card of ours to
 * verify it. What the partner was not given is not shown here. */
static void put_voucher(struct buf *out, struct bytes wire)
{
    struct voucher voucher;
    struct rd rd = rd_of(wire);
    if (wire.len == 0)
        return;
    voucher_read(&rd, &voucher);
    line_text(out, "origin", voucher.node);
    line_base64(out, "voucher", wire);
}

static bool prove_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct prove *prove = ctx;
    struct buf *out = prove->call->out;
    struct hash hash = leaf_hash(&leaf->leaf);
    struct proof proof = {.index = 0};
    put_head(prove, leaf->leaf.seq, &hash);
    line_word(out, "op", leaf_op_word(leaf->leaf.op));
    line_time(out, "time", leaf->leaf.time_us);
    line_text(out, "id", leaf->id);
    if (prove->object)
        line_text(out, "object", str_from_bytes(leaf->object));
    put_voucher(out, leaf->voucher);
    proof_leaf_set(&proof, &leaf->leaf, &leaf->opening);
    if (leaf->closed) {
        proof.extra_len = LEAF_SIZE;
        line_bool(out, "destroyed", true);
    }
    prove->err = put_file(prove, &proof, &hash);
    line_end(out);
    if (leaf->closed)
        line_say(
            out,
            "The content of leaf %llu was destroyed: that it was released, and when, is proved; what it was "
            "can be opened by nobody",
            (unsigned long long)leaf->leaf.seq);
    return false;
}

static err_t prove_seq(struct prove *prove, uint64_t seq)
{
    struct command_call *call = prove->call;
    err_t err;
    if (seq >= prove->ledger.visible)
        return command_refuse(
            call, seq < prove->ledger.size ? ERR_BUSY : ERR_NOTFOUND,
            seq < prove->ledger.size ? "ask again in a moment" : "bongsu ledger show",
            "leaf %llu %s: the ledger of %.*s has %llu leaves, %llu of them signed", (unsigned long long)seq,
            seq < prove->ledger.size ? "is not signed yet" : "is not there", STR_ARG(prove->peer->audience),
            (unsigned long long)prove->ledger.size, (unsigned long long)prove->ledger.visible);
    if (!TRY(err, head_of(call, prove->number, &prove->ledger, seq, &prove->head)) &&
        !TRY(err, gate_leaves(call->host->gate, prove->number, seq, prove_leaf, prove)))
        err = prove->err;
    buf_deinit(&prove->head.note);
    return err == ERR_OK ? err : command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
}

static bool take_version(void *ctx, const struct gate_leaf_version *version)
{
    struct prove *prove = ctx;
    prove->seqs[prove->count++] = version->seq;
    return prove->count < PROOFS_MAX;
}

/* What left changed is in his ledger under the name that he has of it. */
static err_t leaves_as_minted(struct prove *prove, const struct stix_key *object)
{
    struct command_call *call = prove->call;
    struct stix_key minted;
    struct str id;
    err_t err = gate_minted_as(call->host->gate, object, prove->peer->index, call->arena, &id);
    if (err != ERR_OK || !stix_id_parse(id, &minted))
        return err == ERR_NOTFOUND ? ERR_OK : err;
    line_begin(call->out);
    line_text(call->out, "minted", id);
    line_text(call->out, "partners", prove->peer->audience);
    line_end(call->out);
    line_say(call->out, "partner %.*s has it as %.*s", STR_ARG(prove->peer->audience), STR_ARG(id));
    return gate_leaf_versions(call->host->gate, prove->peer->index, &minted, take_version, prove);
}

static err_t leaves_of(struct prove *prove, const struct stix_key *object)
{
    err_t err = gate_leaf_versions(prove->call->host->gate, prove->peer->index, object, take_version, prove);
    if ((err == ERR_OK || err == ERR_NOTFOUND) && prove->count == 0)
        err = leaves_as_minted(prove, object);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* A leaf's number, or an object of which every leaf is proved, the newest first. */
err_t command_ledger_prove(struct command_call *call)
{
    struct prove prove;
    struct command_meant meant;
    struct stix_key object;
    struct str id;
    uint64_t seq;
    err_t err;
    if (TRY(err, prove_begin(&prove, call)) || TRY(err, command_text(call, "id", &id)))
        return err;
    if (str_to_u64(id, UINT64_MAX, &seq))
        return prove_seq(&prove, seq);
    if (gate_ledger_is_urgent(prove.number))
        return command_refuse(call, ERR_USAGE, "bongsu ledger show --urgent has them",
                              "what is called back is proved by the number of the leaf");
    if (TRY(err, command_object(call, "id", &object)) || TRY(err, command_meant(call, "id", &meant)))
        return err;
    command_say_meant(call, &meant); /* the leaves are proved as he has them */
    if (TRY(err, leaves_of(&prove, &object)))
        return command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
    for (size_t i = 0; i < prove.count; i++)
        if (TRY(err, prove_seq(&prove, prove.seqs[i])))
            return err;
    if (prove.count > 0)
        return ERR_OK;
    return command_refuse(call, ERR_NOTFOUND, NULL, "nothing of it was released to %.*s%s",
                          STR_ARG(prove.peer->audience),
                          prove.ledger.size > prove.ledger.visible ? ", or it is not signed yet" : "");
}

/* --- opened to oversight --- */

/* In the log, before anything is shown: which leaf was opened, by whom and why; and in the access record. */
static err_t note_opening(struct prove *prove, uint64_t seq, const struct gate_by *by)
{
    struct command_call *call = prove->call;
    char key[16 + LIMIT_NAME_BYTES], value[32], what[LIMIT_NAME_BYTES + 48];
    (void)snprintf(key, sizeof key, "opened/%.*s", STR_ARG(prove->peer->audience));
    (void)snprintf(value, sizeof value, "%s%llu", gate_ledger_is_urgent(prove->number) ? "urgent/" : "",
                   (unsigned long long)seq);
    (void)snprintf(what, sizeof what, "ledger.open %.*s/%s", STR_ARG(prove->peer->audience), value);
    if (call->host->access != NULL) {
        access_put(call->host->access, &(struct access_entry) {.time_us = call->now_us,
                                                               .method = EXCHANGE_GET,
                                                               .who = call->who,
                                                               .what = str_of(what),
                                                               .status = 200,
                                                               .requests = 1});
        if (access_flush(call->host->access, call->now_us))
            access_tick(call->host->access, call->now_us);
    }
    return gate_setting_put(call->host->gate, str_of(key), bytes_from_str(str_of(value)), by, call->now_us);
}

/* The leaf commits to the approver; on what basis is in the log, as long as the object is. */
static err_t say_basis(struct prove *prove, const struct leaf_reason *reason, uint64_t lsn)
{
    struct command_call *call = prove->call;
    struct str basis;
    if (reason->approver.len == 0)
        return ERR_OK;
    err_t err = gate_basis(call->host->gate, lsn, prove->peer->index, call->arena, &basis);
    if (err == ERR_OK)
        line_text(call->out, "basis", basis);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static void say_reason(struct command_call *call, const struct leaf_reason *reason)
{
    line_text(call->out, "rule", reason->rule);
    line_hash(call->out, "policy", &reason->policy_digest);
    line_text(call->out, "approver", reason->approver);
    line_text(call->out, "source", reason->source);
}

static err_t open_leaf(struct prove *prove, uint64_t seq, const struct gate_by *by, struct buf *bytes)
{
    struct command_call *call = prove->call;
    struct proof proof = {.index = seq};
    struct leaf_reason reason;
    struct leaf leaf;
    uint64_t lsn;
    err_t err;
    if (TRY(err, gate_leaf_reason(call->host->gate, prove->number, seq, &leaf, &lsn, bytes)))
        return err == ERR_NOTFOUND
                   ? command_refuse(call, err, "bongsu ledger show",
                                    "leaf %llu is not there, or not signed yet", (unsigned long long)seq)
                   : command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
    if (TRY(err, leaf_reason_decode(buf_bytes(bytes), &reason)) ||
        TRY(err, leaf_reason_verify(&leaf, &reason)) ||
        TRY(err, head_of(call, prove->number, &prove->ledger, seq, &prove->head)))
        return command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
    struct hash hash = leaf_hash(&leaf);
    proof_reason_set(&proof, &leaf, &reason);
    put_head(prove, seq, &hash);
    say_reason(call, &reason);
    err = say_basis(prove, &reason, lsn);
    if (err == ERR_OK)
        err = put_file(prove, &proof, &hash);
    line_end(call->out);
    if (err != ERR_OK)
        return command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
    err = note_opening(prove, seq, by);
    return err == ERR_OK ? err
                         : command_refuse(call, err, NULL, "it could not be written down: %s", err_text(err));
}

err_t command_ledger_open(struct command_call *call)
{
    struct prove prove;
    struct gate_by by = command_by(call);
    struct buf bytes;
    struct str id;
    uint64_t seq;
    err_t err;
    if (TRY(err, prove_begin(&prove, call)) || TRY(err, command_text(call, "seq", &id)))
        return err;
    if (!str_to_u64(id, UINT64_MAX, &seq))
        return command_refuse(call, ERR_USAGE,
                              "`bongsu ledger prove AUDIENCE ID` has the numbers of an object's",
                              "%.*s is no leaf's number", id.len > 100 ? 100 : (int)id.len, id.at);
    if (by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                              "opening a leaf to oversight needs a reason");
    buf_init(&bytes, LIMIT_PROOF_EXTRA_BYTES);
    err = open_leaf(&prove, seq, &by, &bytes);
    buf_deinit(&prove.head.note);
    buf_deinit(&bytes);
    return err;
}

/* --- the whole ledger --- */

struct exporting {
    struct command_call *call; /* of the portion being written */
    unsigned number;
    uint64_t size, next; /* as it was signed when it began; the leaf to come */
    bool told;           /* the checkpoint and the receipt */
    size_t count;
    uint8_t leaves[TILE_WIDTH * LEAF_SIZE], openings[TILE_WIDTH * LEAF_OPENING_SIZE];
};

static err_t export_begin(struct command_call *call, void **out)
{
    const struct gate_peer *peer;
    struct gate_ledger ledger;
    unsigned number;
    err_t err;
    if (TRY(err, command_ledger(call, &peer, &number)))
        return err;
    if (TRY(err, gate_ledger(call->host->gate, number, &ledger)))
        return command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
    if (ledger.visible == 0)
        return command_refuse(call, ERR_NOTFOUND, NULL, "the ledger of %.*s has no signed leaf",
                              STR_ARG(peer->audience));
    struct exporting *exporting = mem_alloc(sizeof *exporting);
    if (exporting == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    exporting->number = number;
    exporting->size = ledger.visible;
    exporting->next = 0;
    exporting->told = false;
    *out = exporting;
    return ERR_OK;
}

/* The first line. */
static err_t export_head(struct exporting *exporting)
{
    struct command_call *call = exporting->call;
    struct sync_receipt receipt;
    struct buf note, body;
    uint64_t size;
    buf_init(&note, LIMIT_NOTE_BYTES);
    buf_init(&body, LIMIT_FRAME_BYTES);
    err_t err = gate_checkpoint(call->host->gate, exporting->number, exporting->size, &size, &note);
    line_begin(call->out);
    line_count(call->out, "size", exporting->size);
    line_text(call->out, "checkpoint", buf_str(&note));
    buf_clear(&note);
    if (err == ERR_OK && receipt_get(call, exporting->number, &note, &body, &receipt) == ERR_OK &&
        receipt.size <= exporting->size) {
        line_text(call->out, "receipt_checkpoint", buf_str(&note));
        line_text(call->out, "receipt_disposition", receipt.disposition);
    }
    line_end(call->out);
    buf_deinit(&note);
    buf_deinit(&body);
    exporting->told = true;
    return err == ERR_OK && size != exporting->size ? ERR_CORRUPT : err;
}

static bool export_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct exporting *exporting = ctx;
    leaf_encode(&leaf->leaf, exporting->leaves + exporting->count * LEAF_SIZE);
    uint8_t *opening = exporting->openings + exporting->count * LEAF_OPENING_SIZE;
    if (leaf->closed)
        memset(opening, 0, LEAF_OPENING_SIZE);
    else
        leaf_opening_encode(&leaf->opening, opening);
    exporting->count++;
    exporting->next++;
    return exporting->next % TILE_WIDTH != 0 && exporting->next < exporting->size;
}

static void put_base64(struct buf *out, const char *name, const uint8_t *at, size_t len)
{
    buf_printf(out, ",\"%s\":\"", name);
    char *to = (char *)buf_extend(out, str_base64_size(len));
    if (to != NULL)
        (void)str_base64(at, len, to);
    buf_putc(out, '"');
}

/* A line a bundle of up to 256 leaves. */
static err_t export_next(struct command_call *call, void *state, bool *out_end)
{
    struct exporting *exporting = state;
    uint64_t first = exporting->next;
    err_t err = ERR_OK;
    exporting->call = call;
    exporting->count = 0;
    if (!exporting->told)
        err = export_head(exporting);
    if (err == ERR_OK)
        err = gate_leaves(call->host->gate, exporting->number, first, export_leaf, exporting);
    if (err != ERR_OK || exporting->count == 0)
        return command_refuse(call, err == ERR_OK ? ERR_CORRUPT : err, "`bongsu ledger verify` says more",
                              "leaf %llu could not be made again: %s", (unsigned long long)exporting->next,
                              err_text(err));
    line_begin(call->out);
    line_count(call->out, "first", first);
    line_count(call->out, "count", exporting->count);
    put_base64(call->out, "leaves", exporting->leaves, exporting->count * LEAF_SIZE);
    put_base64(call->out, "openings", exporting->openings, exporting->count * LEAF_OPENING_SIZE);
    line_end(call->out);
    *out_end = exporting->next == exporting->size;
    return buf_err(call->out);
}

const struct command_stream command_export_stream = {"ledger.export", export_begin, export_next, mem_free};
