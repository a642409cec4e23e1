/* Proof files: taken from the node, and verified by anybody who has the releasing node's card. */
#include <stdio.h>

#include "app/file.h"
#include "cli/text.h"
#include "core/hash.h"
#include "core/stamp.h"
#include "ledger/proof.h"
#include "sync/card.h"

struct proving {
    struct buf proof; /* of the newest leaf */
    struct buf object;
    struct buf voucher; /* base64 and a line end; empty: none went with it */
    uint64_t seq;
    bool taken, no_object;
    bool piped; /* the proof goes to standard output, and nothing else does */
};

static void take_proof(void *ctx, struct str json)
{
    struct proving *proving = ctx;
    struct line *line = line_read(json);
    if (line == NULL)
        return;
    if (!proving->taken && line_has(line, "tlog_proof")) {
        buf_put_str(&proving->proof, line_str(line, "tlog_proof"));
        buf_put_str(&proving->object, line_str(line, "object"));
        proving->no_object = line_str(line, "object").len == 0;
        if (line_has(line, "voucher"))
            buf_printf(&proving->voucher, "%.*s\n", STR_ARG(line_str(line, "voucher")));
        proving->seq = line_u64(line, "seq");
        proving->taken = true;
    }
    line_free(line);
    if (proving->piped)
        print_beside(json);
    else
        print_say(json);
}

static int write_file(const struct cli_call *call, const char *path, const struct buf *content)
{
    err_t err = file_replace(call->os, ".", path, buf_bytes(content));
    return err == ERR_OK ? CLI_OK : cli_fail(NULL, "%s: %s", path, err_text(err));
}

void print_file(const char *path, const char *name, uint64_t value)
{
    struct buf out;
    buf_init(&out, 2 * LIMIT_PATH_BYTES * 6);
    buf_printf(&out, "{\"%s\":%llu", name, (unsigned long long)value);
    print_member(&out, "file", str_of(path));
    (void)printf("%.*s}\n", STR_ARG(buf_str(&out)));
    buf_deinit(&out);
}

/* What stands beside the proof. */
static int write_beside(const struct cli_call *call, const struct proving *proving)
{
    const char *object = cli_option(call, "object"), *voucher = cli_option(call, "voucher");
    if (object != NULL && proving->no_object)
        return cli_fail("leave --object away",
                        "leaf %llu gives no object: it carries none, or its time is over",
                        (unsigned long long)proving->seq);
    if (voucher != NULL && proving->voucher.len == 0)
        return cli_fail("leave --voucher away; `bongsu peer vouch` lets it go",
                        "nothing that an origin signed went with leaf %llu",
                        (unsigned long long)proving->seq);
    if (object != NULL && write_file(call, object, &proving->object) != CLI_OK)
        return CLI_FAILED;
    return voucher == NULL ? CLI_OK : write_file(call, voucher, &proving->voucher);
}

static int write_proof(const struct cli_call *call, const struct proving *proving)
{
    const char *path = cli_option(call, "out"), *object = cli_option(call, "object"),
               *voucher = cli_option(call, "voucher");
    if (write_beside(call, proving) != CLI_OK)
        return CLI_FAILED;
    if (strcmp(path, "-") == 0) {
        (void)printf("%.*s", STR_ARG(buf_str(&proving->proof)));
        return CLI_OK;
    }
    if (write_file(call, path, &proving->proof) != CLI_OK)
        return CLI_FAILED;
    if (call->json) {
        print_file(path, "seq", proving->seq);
        return CLI_OK;
    }
    (void)printf("%s proves leaf %llu; bongsu-verify proof --card CARD%s%s %s verifies it\n", path,
                 (unsigned long long)proving->seq, object == NULL ? "" : " --object ",
                 object == NULL ? "" : object, path);
    if (voucher != NULL)
        (void)printf(
            "%s is what its origin signed; bongsu-verify voucher --card CARD --object %s %s, with the "
            "origin's card, verifies it\n",
            voucher, object == NULL ? "OBJECT" : object, voucher);
    return CLI_OK;
}

/* `ledger prove` and `ledger open`. */
int run_ledger_prove(struct cli_call *call)
{
    const char *path = cli_option(call, "out"), *object = cli_option(call, "object");
    if (path == NULL && (object != NULL || cli_option(call, "voucher") != NULL))
        return cli_usage(call, "--object and --voucher go with --out");
    if (path == NULL)
        return control_run(call);
    struct proving proving = {.piped = strcmp(path, "-") == 0};
    if (object != NULL)
        call->extra = ",\"object\":true";
    buf_init(&proving.proof, LIMIT_CONTROL_REPLY_BYTES);
    buf_init(&proving.object, LIMIT_CONTROL_REPLY_BYTES);
    buf_init(&proving.voucher, LIMIT_CONTROL_REPLY_BYTES);
    int status = control_each(call, take_proof, &proving);
    if (status == CLI_OK)
        status = write_proof(call, &proving);
    buf_deinit(&proving.proof);
    buf_deinit(&proving.object);
    buf_deinit(&proving.voucher);
    return status;
}

/* --- the log of the node --- */

struct logged {
    struct buf proof, checkpoint;
    uint64_t entry;
    bool taken, piped;
};

static void take_logged(void *ctx, struct str json)
{
    struct logged *logged = ctx;
    struct line *line = line_read(json);
    if (line == NULL)
        return;
    if (!logged->taken && line_has(line, "tlog_proof")) {
        buf_put_str(&logged->proof, line_str(line, "tlog_proof"));
        buf_put_str(&logged->checkpoint, line_str(line, "ledger_checkpoint"));
        logged->entry = line_u64(line, "entry");
        logged->taken = true;
    } else if (logged->piped) {
        print_beside(json);
    } else {
        print_say(json);
    }
    line_free(line);
}

static int write_logged(const struct cli_call *call, const struct logged *logged, const char *path,
                        const char *checkpoint)
{
    if (checkpoint != NULL && logged->checkpoint.len == 0)
        return cli_fail("leave --checkpoint away", "the checkpoint of that size is not kept");
    if (checkpoint != NULL && write_file(call, checkpoint, &logged->checkpoint) != CLI_OK)
        return CLI_FAILED;
    if (logged->piped) {
        (void)printf("%.*s", STR_ARG(buf_str(&logged->proof)));
        return CLI_OK;
    }
    if (write_file(call, path, &logged->proof) != CLI_OK)
        return CLI_FAILED;
    if (call->json)
        print_file(path, "entry", logged->entry);
    else
        (void)printf("%s proves what entry %llu says; bongsu-verify proof --card CARD --keys WITNESSES%s%s "
                     "%s verifies "
                     "it\n",
                     path, (unsigned long long)logged->entry, checkpoint == NULL ? "" : " --since ",
                     checkpoint == NULL ? "" : checkpoint, path);
    return CLI_OK;
}

int run_ledger_prove_log(struct cli_call *call)
{
    const char *path = cli_option(call, "out"), *checkpoint = cli_option(call, "checkpoint");
    if (path == NULL && checkpoint != NULL)
        return cli_usage(call, "--checkpoint goes with --out");
    if (path == NULL)
        return control_run(call);
    struct logged logged = {.piped = strcmp(path, "-") == 0};
    buf_init(&logged.proof, LIMIT_CONTROL_REPLY_BYTES);
    buf_init(&logged.checkpoint, LIMIT_CONTROL_REPLY_BYTES);
    int status = control_each(call, take_logged, &logged);
    if (status == CLI_OK)
        status = write_logged(call, &logged, path, checkpoint);
    buf_deinit(&logged.proof);
    buf_deinit(&logged.checkpoint);
    return status;
}

/* --- verifying --- */

struct verifying {
    struct sync_card card;
    struct proof proof;
    struct str origin;
    struct leaf leaf;
    struct leaf_opening opening;
};

static err_t verify(struct verifying *verifying, struct str text, struct fault *fault)
{
    struct note note;
    struct checkpoint checkpoint;
    struct ledger_origin origin;
    struct note_key key;
    err_t err;
    if (TRY(err, proof_parse(text, &verifying->proof, fault)) ||
        TRY(err, note_parse(verifying->proof.checkpoint, &note, fault)) ||
        TRY(err, checkpoint_parse(note.text, &checkpoint, fault)))
        return err;
    verifying->origin = checkpoint.origin;
    if (TRY(err, ledger_origin_parse(checkpoint.origin, &origin)))
        return fault_set(fault, err, 0, "its origin is not that of a release ledger");
    if (!str_eq(origin.issuer, str_of(verifying->card.node)))
        return fault_set(fault, ERR_CONFLICT, 0, "it is of the node %.*s, the card is of %s",
                         STR_ARG(origin.issuer), verifying->card.node);
    if (TRY(err, sync_card_ledger_key(&verifying->card, checkpoint.origin, &key)))
        return err;
    return proof_leaf_verify(&verifying->proof, checkpoint.origin, &key, &verifying->leaf,
                             &verifying->opening, fault);
}

static void say_proof(const struct cli_call *call, const struct verifying *verifying)
{
    char time[TIME_TEXT_SIZE], digest[2 * HASH_SIZE + 1] = {0};
    time_text(verifying->leaf.time_us, time);
    str_hex(verifying->opening.content.b, HASH_SIZE, digest);
    const char *form =
        call->json ? "{\"verified\":true,\"origin\":\"%.*s\",\"seq\":%llu,\"op\":\"%s\",\"time\":\"%s\","
                     "\"sha256\":\"%s\"}\n"
                   : "verified: in the ledger %.*s leaf %llu is a %s of %s\nobject sha256 %s\n";
    (void)printf(form, STR_ARG(verifying->origin), (unsigned long long)verifying->leaf.seq,
                 leaf_op_word(verifying->leaf.op), time, digest);
}

/* The bytes that were released; a line end behind them is forgiven. */
static int compare_object(const struct cli_call *call, const struct verifying *verifying, const char *path)
{
    struct text text;
    if (!text_open(path, "nothing was compared", &text))
        return CLI_FAILED;
    struct hash whole = hash_sha256(text.bytes);
    size_t len = text.bytes.len;
    if (len > 0 && text.bytes.at[len - 1] == '\n')
        len--;
    struct hash cut = hash_sha256(bytes_of(text.bytes.at, len));
    text_close(&text);
    if (!hash_eq(&whole, &verifying->opening.content) && !hash_eq(&cut, &verifying->opening.content))
        return cli_fail("the proof is of other bytes", "%s is not what was released", path);
    if (!call->json)
        (void)printf("%s holds exactly the bytes that were released\n", path);
    return CLI_OK;
}

static bool read_card(const struct cli_call *call, const char *path, struct sync_card *out)
{
    struct buf text;
    struct fault fault = {0};
    buf_init(&text, LIMIT_CARD_BYTES);
    bool good = cli_read(call, path, &text);
    if (good && sync_card_parse(buf_str(&text), out, &fault) != ERR_OK)
        good = cli_fail("give the card of the node that released", "%s: %s", path, fault.what) == CLI_OK;
    buf_deinit(&text);
    return good;
}

int run_ledger_verify_proof(struct cli_call *call)
{
    struct verifying verifying = {.origin = {NULL, 0}};
    struct fault fault = {0};
    struct buf text;
    const char *card = cli_option(call, "card"), *object = cli_option(call, "object");
    if (card == NULL)
        return cli_usage(call, "--card FILE is needed: whose signature is it to be?");
    if (!read_card(call, card, &verifying.card))
        return CLI_FAILED;
    buf_init(&text, LIMIT_NOTE_BYTES + (64 << 10));
    int status = CLI_FAILED;
    if (cli_read(call, call->args[0], &text)) {
        err_t err = verify(&verifying, buf_str(&text), &fault);
        if (err != ERR_OK)
            status = cli_fail("it proves nothing", "%s does not verify: %s", call->args[0],
                              fault.what[0] == '\0' ? err_text(err) : fault.what);
        else
            status = object == NULL ? CLI_OK : compare_object(call, &verifying, object);
        if (status == CLI_OK)
            say_proof(call, &verifying);
    }
    buf_deinit(&text);
    return status;
}
