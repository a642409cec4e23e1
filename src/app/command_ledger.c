/* Release ledgers: what was released to whom, proved. */
#include "app/command.h"

#include "sync/card.h"

struct walk {
    struct command_call *call;
    struct merkle_edge edge;
    bool urgent;
    uint64_t limit, bad, closed;
    int64_t last_us;
};

/* The partner's main ledger, or the urgent one where that is asked for. */
static err_t ledger_asked(struct command_call *call, unsigned *out_number, struct gate_ledger *out)
{
    const struct gate_peer *peer;
    err_t err = command_ledger(call, &peer, out_number);
    if (err == ERR_OK && TRY(err, gate_ledger(call->host->gate, *out_number, out)))
        err = command_refuse(call, err, NULL, "%s", err_text(err));
    return err;
}

static void say_ledger(struct command_call *call, const struct gate_ledger *ledger)
{
    struct buf origin;
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    line_begin(call->out);
    if (ledger_origin_print(&ledger->origin, &origin) == ERR_OK)
        line_text(call->out, "origin", buf_str(&origin));
    line_count(call->out, "size", ledger->size);
    line_count(call->out, "visible", ledger->visible);
    line_hash(call->out, "root", &ledger->visible_root);
    line_count(call->out, "receipted", ledger->receipted);
    line_count(call->out, "refused", ledger->refused);
    line_time(call->out, "receipted_at", ledger->receipted_us);
    line_time(call->out, "last", ledger->last_time_us);
    line_end(call->out);
    char root[44];
    (void)str_base64(ledger->visible_root.b, HASH_SIZE, root);
    line_say(call->out,
             "%.*s: %llu leaves, %llu signed and shown, root %.44s; receipt for %llu (%llu refused there)",
             STR_ARG(buf_str(&origin)), (unsigned long long)ledger->size, (unsigned long long)ledger->visible,
             root, (unsigned long long)ledger->receipted, (unsigned long long)ledger->refused);
    buf_deinit(&origin);
}

/* Who looks at the one is told of the other. */
static void say_beside(struct command_call *call, unsigned number)
{
    struct gate_ledger ledger;
    if (!gate_ledger_is_urgent(number) &&
        gate_ledger(call->host->gate, gate_urgent(number), &ledger) == ERR_OK && ledger.size > 0)
        line_say(call->out, "beside it the urgent ledger, with %llu recalls: --urgent shows it",
                 (unsigned long long)ledger.size);
}

static bool say_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct walk *walk = ctx;
    struct buf *out = walk->call->out;
    line_begin(out);
    line_count(out, "seq", leaf->leaf.seq);
    line_word(out, "op", leaf_op_word(leaf->leaf.op));
    line_time(out, "time", leaf->leaf.time_us);
    line_text(out, "id", leaf->id);
    line_text(out, "version", leaf->version);
    if (leaf->opening.subject_seq != LEAF_SUBJECT_NONE)
        line_count(out, "about", leaf->opening.subject_seq);
    if (leaf->limits.len > 0) { /* lines */
        char limits[LIMIT_RESHARE_BYTES];
        size_t len = leaf->limits.len - 1;
        memcpy(limits, leaf->limits.at, len);
        for (size_t i = 0; i < len; i++)
            limits[i] = limits[i] == '\n' ? ';' : limits[i];
        line_text(out, "onward", (struct str) {limits, len});
    }
    line_end(out);
    return --walk->limit > 0 && buf_err(out) == ERR_OK;
}

static err_t ledger_show(struct command_call *call)
{
    struct gate_ledger ledger;
    struct walk walk = {.call = call, .limit = 1000};
    unsigned number;
    err_t err;
    if (TRY(err, ledger_asked(call, &number, &ledger)))
        return err;
    say_ledger(call, &ledger);
    say_beside(call, number);
    uint64_t from = ledger.visible > walk.limit ? ledger.visible - walk.limit : 0;
    if (from > 0 && !command_flag(call, "head"))
        line_say(call->out, "the last %llu leaves:", (unsigned long long)walk.limit);
    if (ledger.visible > 0 && !command_flag(call, "head") &&
        TRY(err, gate_leaves(call->host->gate, number, from, say_leaf, &walk)))
        return command_refuse(call, err, "run `bongsu check`", "%s", err_text(err));
    return ERR_OK;
}

/* Every leaf is made again from the log: its number, its time, its opening, its object's digest. */
static bool verify_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct walk *walk = ctx;
    bool good = leaf->leaf.seq == walk->edge.size && leaf->leaf.time_us > walk->last_us &&
                (leaf->closed || leaf_opening_verify(&leaf->leaf, &leaf->opening, walk->urgent) == ERR_OK);
    if (good && leaf->object.len > 0) {
        struct hash content = hash_sha256(leaf->object);
        good = hash_eq(&content, &leaf->opening.content);
    }
    if (!good) {
        walk->bad++;
        line_say(walk->call->out, "leaf %llu does not verify", (unsigned long long)leaf->leaf.seq);
    }
    walk->closed += leaf->closed;
    walk->last_us = leaf->leaf.time_us;
    struct hash hash = leaf_hash(&leaf->leaf);
    merkle_edge_append(&walk->edge, &hash);
    return walk->bad < 20;
}

static err_t verify_checkpoint(struct command_call *call, unsigned number, const struct gate_ledger *ledger)
{
    uint64_t size;
    struct buf note;
    struct fault fault = {0};
    struct checkpoint checkpoint;
    struct note parsed;
    buf_init(&note, LIMIT_NOTE_BYTES);
    err_t err = gate_checkpoint(call->host->gate, number, ledger->visible, &size, &note);
    if (err == ERR_OK)
        err = note_parse(buf_str(&note), &parsed, &fault);
    if (err == ERR_OK)
        err = checkpoint_parse(parsed.text, &checkpoint, &fault);
    if (err == ERR_OK &&
        (checkpoint.size != ledger->visible || !hash_eq(&checkpoint.root, &ledger->visible_root)))
        err = ERR_PROOF;
    buf_deinit(&note);
    return err;
}

static err_t ledger_verify(struct command_call *call)
{
    struct gate_ledger ledger;
    struct walk walk = {.call = call, .last_us = -1};
    unsigned number;
    err_t err;
    if (TRY(err, ledger_asked(call, &number, &ledger)))
        return err;
    walk.urgent = ledger.origin.urgent;
    if (ledger.visible > 0 && TRY(err, gate_leaves(call->host->gate, number, 0, verify_leaf, &walk)))
        return command_refuse(call, err, "run `bongsu check`", "a leaf could not be made again: %s",
                              err_text(err));
    struct hash root = merkle_edge_root(&walk.edge);
    if (walk.bad > 0 || (ledger.visible > 0 && !hash_eq(&root, &ledger.visible_root)))
        return command_refuse(call, ERR_PROOF, "run `bongsu check`",
                              "the ledger does not have the root that was signed");
    if (ledger.visible > 0 && TRY(err, verify_checkpoint(call, number, &ledger)))
        return command_refuse(call, err, "run `bongsu check`", "its checkpoint does not fit: %s",
                              err_text(err));
    line_begin(call->out);
    line_count(call->out, "leaves", walk.edge.size);
    line_count(call->out, "closed", walk.closed);
    line_hash(call->out, "root", &root);
    line_end(call->out);
    line_say(call->out,
             "all %llu leaves were made again from the log; openings, objects, root and checkpoint fit",
             (unsigned long long)walk.edge.size);
    return ERR_OK;
}

const struct command command_ledger_rows[] = {
    {"ledger.show", false, ledger_show},
    {"ledger.verify", false, ledger_verify},
    {"ledger.prove", false, command_ledger_prove},
    {"ledger.open", true, command_ledger_open},
    {NULL, false, NULL},
};
