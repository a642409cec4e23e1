#include "app/keeper.h"

#include <stdio.h>

#include "app/anchor.h"
#include "app/file.h"
#include "app/keys.h"
#include "core/mem.h"
#include "core/rd.h"
#include "ledger/nodelog.h"
#include "os/secret.h"
#include "sync/bundle.h"

/* In place of an origin, which begins with "bongsu/": the node was found to be restored. The row's size is 1,
 * and then 1 + the first epoch that may be signed all the same. */
#define RESTORED STR("restored")

enum { SEALING_MAX = 16 }; /* a key a year, and each is remembered as long as anybody could need it */

/* What only this role has, in memory of its own (os/secret.h). */
struct keys {
    struct sign_key ledger, cosign, disposition, recall;
    struct sign_seed sealing[SEALING_MAX];
};

struct keeper {
    const struct os *os;
    const struct diag *diag;
    char node[LIMIT_NAME_BYTES + 1];
    char dir[LIMIT_PATH_BYTES];
    struct keys *keys;
    size_t sealing_count;
    bool keyless; /* the card in force names a key that is not here: nothing is signed */
    struct note_key cosign_name, disposition_name, recall_name, bundle_name;
    struct bundle_head head; /* large: not for the stack */
    struct anchor *anchor;   /* NULL: there is none */
    char path[FILE_PATH_SIZE];
    bool restored;
    uint32_t floor;                   /* of a restored node: the first epoch that may be signed; 0: none */
    struct gate_sign_request request; /* large: not for the stack */
    struct buf notes;
};

static err_t receipt_name(const struct keeper *keeper, const char *use, enum note_type type,
                          const struct sign_key *key, struct note_key *out)
{
    struct buf name;
    buf_init(&name, LIMIT_KEY_NAME_BYTES);
    buf_printf(&name, "bongsu/%s/%s", keeper->node, use);
    err_t err = buf_err(&name);
    if (err == ERR_OK)
        err = note_key_make(buf_str(&name), type, &key->public, out);
    buf_deinit(&name);
    return err;
}

static void tell_restored(struct keeper *keeper, const char *why)
{
    keeper->restored = true;
    keeper->floor = 0;
    diag_say(keeper->diag, DIAG_ERROR, ERR_WRONGSTATE, "keeper",
             "bring back the present anchor or newer copies of everything; if there are none, `bongsu peer "
             "epoch`: "
             "docs/guide/disk-dies.md",
             "%s: this node was restored from a backup and signs nothing", why);
}

/* More was signed, says the log, than the anchor knows of: the anchor is an old copy. */
static void find_restored(struct keeper *keeper)
{
    const struct anchor_row row = {.size = 1};
    err_t err = anchor_put(keeper->anchor, RESTORED, &row);
    tell_restored(keeper, err == ERR_OK ? "the anchor is older than the log"
                                        : "the anchor is older than the log, and cannot be written");
}

/* Later ones than are here are left out: old bundles wait for whoever moves them away. */
static err_t read_sealing(struct keeper *keeper)
{
    return keys_sealing(keeper->os, keeper->dir, keeper->keys->sealing, SEALING_MAX, &keeper->sealing_count);
}

/* The names under which the keys of now sign. */
static err_t name_keys(struct keeper *keeper)
{
    const struct keys *keys = keeper->keys;
    err_t err;
    if (TRY(err, bundle_key_make(str_of(keeper->node), &keys->ledger.public, &keeper->bundle_name)) ||
        TRY(err, receipt_name(keeper, "recall", NOTE_SIGNATURE, &keys->recall, &keeper->recall_name)) ||
        TRY(err, receipt_name(keeper, "cosign", NOTE_COSIGNATURE, &keys->cosign, &keeper->cosign_name)))
        return err;
    return receipt_name(keeper, "disposition", NOTE_SIGNATURE, &keys->disposition, &keeper->disposition_name);
}

/* The private half of what the card names. */
static err_t take_key(struct keeper *keeper, enum sync_card_key use, const struct sign_public *public,
                      struct sign_key *held)
{
    struct sign_seed seed;
    if (sign_public_eq(&held->public, public))
        return ERR_OK;
    err_t err = keys_find_seed(keeper->os, keeper->dir, use, public, &seed);
    if (err == ERR_OK)
        err = sign_key_make(&seed, held);
    mem_wipe(&seed, sizeof seed);
    return err;
}

static err_t take_card(struct keeper *keeper, const struct message_card *card)
{
    struct keys *keys = keeper->keys;
    err_t err;
    if (TRY(err, take_key(keeper, SYNC_CARD_LEDGER, &card->key[SYNC_CARD_LEDGER], &keys->ledger)) ||
        TRY(err, take_key(keeper, SYNC_CARD_COSIGN, &card->key[SYNC_CARD_COSIGN], &keys->cosign)) ||
        TRY(err,
            take_key(keeper, SYNC_CARD_DISPOSITION, &card->key[SYNC_CARD_DISPOSITION], &keys->disposition)) ||
        TRY(err, take_key(keeper, SYNC_CARD_RECALL, &card->key[SYNC_CARD_RECALL], &keys->recall)) ||
        TRY(err, read_sealing(keeper)))
        return err;
    return name_keys(keeper);
}

static void handle_card(struct keeper *keeper, struct bytes body)
{
    struct message_card card;
    if (message_card_read(body, &card) != ERR_OK)
        return;
    err_t err = take_card(keeper, &card);
    keeper->keyless = err != ERR_OK;
    if (err != ERR_OK)
        diag_say(keeper->diag, DIAG_ERROR, err, "keeper",
                 "bring back " KEYS_KEEPER
                 "/ from the newest backup, or make other keys: bongsu card --renew "
                 "--rotate all --from now",
                 "a signing key that card %llu names is not here, and nothing is signed: %s",
                 (unsigned long long)card.number, err_text(err));
}

static err_t read_keys(struct keeper *keeper, const char *dir)
{
    const struct os *os = keeper->os;
    bool locked = false;
    void *at = NULL;
    err_t err = os_secret_new(sizeof *keeper->keys, &locked, &at);
    if (err != ERR_OK)
        return err;
    struct keys *keys = keeper->keys = at;
    if (!locked)
        diag_say(keeper->diag, DIAG_WARNING, ERR_LIMIT, "keeper", "LimitMEMLOCK= of the unit, or `ulimit -l`",
                 "the signing keys cannot be locked in memory: they may be written to swap");
    if (TRY(err, keys_read(os, dir, SYNC_CARD_LEDGER, &keys->ledger)) ||
        TRY(err, keys_read(os, dir, SYNC_CARD_COSIGN, &keys->cosign)) ||
        TRY(err, keys_read(os, dir, SYNC_CARD_DISPOSITION, &keys->disposition)) ||
        TRY(err, keys_read(os, dir, SYNC_CARD_RECALL, &keys->recall)))
        return err;
    return read_sealing(keeper);
}

err_t keeper_open(const struct os *os, const struct conf *conf, const struct diag *diag, struct keeper **out)
{
    struct keeper *keeper = mem_alloc(sizeof *keeper);
    err_t err;
    if (keeper == NULL)
        return ERR_NOMEM;
    keeper->os = os;
    keeper->diag = diag;
    memcpy(keeper->node, conf->node, sizeof keeper->node);
    buf_init(&keeper->notes, LIMIT_LINK_MESSAGE_BYTES);
    (void)snprintf(keeper->dir, sizeof keeper->dir, "%s", conf->dir);
    if (TRY(err, read_keys(keeper, conf->dir)) || TRY(err, name_keys(keeper)) ||
        TRY(err, file_path(conf->dir, KEEPER_ANCHOR_FILE, keeper->path)) ||
        (TRY(err, anchor_open(os, keeper->path, &keeper->anchor)) && err != ERR_NOTFOUND)) {
        diag_say(diag, DIAG_ERROR, err, "keeper", "put keys/ and the anchor back as they were",
                 "the signing keys or the anchor could not be read: %s", err_text(err));
        keeper_close(keeper);
        return err;
    }
    struct anchor_row row;
    if (keeper->anchor == NULL)
        tell_restored(keeper, "the anchor is gone");
    else if (anchor_get(keeper->anchor, RESTORED, &row) && row.size <= 1)
        tell_restored(keeper, "the anchor was found to be older than the log");
    else if (anchor_get(keeper->anchor, RESTORED, &row)) {
        keeper->restored = true;
        keeper->floor = row.size - 1 <= LIMIT_EPOCH ? (uint32_t)(row.size - 1) : 0;
    }
    *out = keeper;
    return ERR_OK;
}

/* Has nobody said yet how a restored node goes on? */
static bool is_restored(const struct keeper *keeper)
{
    return keeper->restored && keeper->floor == 0;
}

static bool is_silent(const struct keeper *keeper)
{
    return keeper->keyless || is_restored(keeper);
}

static bool may_sign(const struct keeper *keeper, uint32_t epoch)
{
    return !keeper->restored || (keeper->floor > 0 && epoch >= keeper->floor);
}

/* The first word counts: every later epoch is above it. */
static err_t set_floor(struct keeper *keeper, uint32_t epoch)
{
    const struct anchor_row row = {.size = UINT64_C(1) + epoch};
    err_t err = ERR_OK;
    if (!is_restored(keeper) || epoch == 0)
        return ERR_OK;
    if (keeper->anchor == NULL) {
        err = anchor_make(keeper->os, keeper->path);
        if ((err != ERR_OK && err != ERR_EXISTS) ||
            TRY(err, anchor_open(keeper->os, keeper->path, &keeper->anchor)))
            return err;
    }
    if (TRY(err, anchor_put(keeper->anchor, RESTORED, &row)))
        return err;
    keeper->floor = epoch;
    return ERR_OK;
}

static void handle_epoch(struct keeper *keeper, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint32_t epoch = rd_u32(&rd);
    if (rd_end(&rd) != ERR_OK || epoch > LIMIT_EPOCH)
        return;
    err_t err = set_floor(keeper, epoch);
    if (err != ERR_OK)
        diag_say(keeper->diag, DIAG_ERROR, err, "keeper",
                 "look at the disk, then say `bongsu peer epoch` again",
                 "the anchor of the new epoch could not be written: %s", err_text(err));
}

void keeper_close(struct keeper *keeper)
{
    if (keeper == NULL)
        return;
    os_secret_free(keeper->keys, sizeof *keeper->keys);
    anchor_close(keeper->anchor);
    buf_deinit(&keeper->notes);
    mem_free(keeper);
}

/* --- checkpoints --- */

/* Each checkpoint wanted is consistent with the one before it, from number `first` on. */
static err_t check_chain(const struct gate_sign_request *request, struct anchor_row last, size_t first)
{
    for (size_t i = first; i < request->count; i++) {
        if (request->at[i].size <= last.size)
            return ERR_CONFLICT;
        err_t err = merkle_consistency_verify(&request->at[i].proof, last.size, request->at[i].size,
                                              &last.root, &request->at[i].root);
        if (err != ERR_OK)
            return err;
        last = (struct anchor_row) {request->at[i].size, request->at[i].root};
    }
    return ERR_OK;
}

/* Either the ledger grows from what was signed last. Or it ends exactly there: then a crash took what had
 * been signed, and the same may be signed again, with those before it that lead there. */
static err_t check_growth(const struct gate_sign_request *request, const struct anchor_row *last)
{
    size_t end = request->count - 1;
    if (request->old_size == last->size)
        return check_chain(request, *last, 0);
    if (request->at[end].size != last->size || !hash_eq(&request->at[end].root, &last->root))
        return ERR_CONFLICT;
    return check_chain(request, (struct anchor_row) {request->at[0].size, request->at[0].root}, 1);
}

static err_t sign_one(struct keeper *keeper, struct str origin, uint64_t size, const struct hash *root)
{
    struct note_key name;
    struct checkpoint checkpoint = {.origin = origin, .size = size, .root = *root};
    err_t err = note_key_make(origin, NOTE_SIGNATURE, &keeper->keys->ledger.public, &name);
    return err != ERR_OK ? err : checkpoint_sign(&checkpoint, &name, &keeper->keys->ledger, &keeper->notes);
}

static err_t sign_all(struct keeper *keeper, struct str origin, struct message_signed *out)
{
    const struct gate_sign_request *request = &keeper->request;
    size_t ends[MESSAGE_NOTES_MAX], from = 0;
    err_t err;
    buf_clear(&keeper->notes);
    for (size_t i = 0; i < request->count; i++) {
        if (TRY(err, sign_one(keeper, origin, request->at[i].size, &request->at[i].root)))
            return err;
        ends[i] = keeper->notes.len;
    }
    for (size_t i = 0; i < request->count; i++) {
        out->notes[i] = (struct str) {(const char *)keeper->notes.at + from, ends[i] - from};
        from = ends[i];
    }
    out->count = request->count;
    return ERR_OK;
}

/* Of a ledger, or of the log of the node, which has no audience. Both grow by the same rule. */
static err_t print_origin(const struct ledger_origin *origin, struct buf *out)
{
    return origin->audience.len == 0 ? nodelog_origin_print(origin->issuer, origin->epoch, out)
                                     : ledger_origin_print(origin, out);
}

static err_t sign_checkpoints(struct keeper *keeper, struct message_signed *out)
{
    const struct gate_sign_request *request = &keeper->request;
    struct anchor_row last = {0, merkle_empty()};
    struct buf origin;
    err_t err;
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    if (!str_eq(request->origin.issuer, str_of(keeper->node))) {
        err = ERR_DENIED;
        goto out;
    }
    if (TRY(err, print_origin(&request->origin, &origin)))
        goto out;
    if (may_sign(keeper, request->origin.epoch)) {
        (void)anchor_get(keeper->anchor, buf_str(&origin), &last);
        if (request->old_size > last.size)
            find_restored(keeper);
    }
    if (!may_sign(keeper, request->origin.epoch)) {
        err = ERR_WRONGSTATE;
        goto out;
    }
    if (keeper->keyless) {
        err = ERR_NOTFOUND;
        goto out;
    }
    out->anchored_size = last.size;
    out->anchored_root = last.root;
    if (TRY(err, check_growth(request, &last)) || TRY(err, sign_all(keeper, buf_str(&origin), out)))
        goto out;
    struct anchor_row now = {request->at[request->count - 1].size, request->at[request->count - 1].root};
    if (TRY(err, anchor_put(keeper->anchor, buf_str(&origin), &now)))
        goto out;
    out->anchored_size = now.size;
    out->anchored_root = now.root;
out:
    buf_deinit(&origin);
    return err;
}

static bool handle_sign(struct keeper *keeper, struct bytes body, struct buf *out)
{
    err_t err = message_sign_read(body, &keeper->request);
    if (err != ERR_OK)
        return false;
    struct message_signed answer = {.ledger = keeper->request.ledger};
    answer.err = sign_checkpoints(keeper, &answer);
    if (answer.err != ERR_OK)
        answer.count = 0;
    /* A conflict is core's to solve or to tell; that the node was restored is said already. */
    if (answer.err != ERR_OK && answer.err != ERR_CONFLICT && answer.err != ERR_WRONGSTATE) {
        diag_say(keeper->diag, DIAG_ERROR, answer.err, "keeper",
                 "if the store was restored from a backup, do not sign over it: see the guide",
                 "refused to sign the %s%.*s at size %llu: last signed %llu (%s)",
                 keeper->request.origin.audience.len == 0 ? "log of the node" : "ledger for ",
                 STR_ARG(keeper->request.origin.audience),
                 (unsigned long long)keeper->request.at[keeper->request.count - 1].size,
                 (unsigned long long)answer.anchored_size, err_text(answer.err));
    }
    message_signed_write(out, &answer);
    return true;
}

/* --- receipts --- */

static err_t sign_receipt(struct keeper *keeper, const struct message_receipt *receipt,
                          struct buf *cosignature, struct buf *disposition)
{
    struct note note;
    struct checkpoint checkpoint;
    struct fault fault;
    err_t err;
    if (is_silent(keeper))
        return ERR_WRONGSTATE;
    if (TRY(err, note_parse(receipt->checkpoint, &note, &fault)) ||
        TRY(err, checkpoint_parse(note.text, &checkpoint, &fault)))
        return err;
    if (!str_eq(receipt->wanted.holder, str_of(keeper->node)) ||
        !str_eq(receipt->wanted.origin, checkpoint.origin) || receipt->wanted.size != checkpoint.size ||
        !hash_eq(&receipt->wanted.root, &checkpoint.root))
        return ERR_DENIED;
    int64_t now_s = keeper->os->wall_us(keeper->os->ctx) / 1000000;
    if (TRY(err, cosign_sign(note.text, now_s, &keeper->cosign_name, &keeper->keys->cosign, cosignature)))
        return err;
    return disposition_sign(&receipt->wanted, &keeper->disposition_name, &keeper->keys->disposition,
                            disposition);
}

static bool handle_receipt(struct keeper *keeper, struct bytes body, struct buf *out)
{
    struct message_receipt receipt;
    struct buf cosignature, disposition;
    if (message_receipt_read(body, &receipt) != ERR_OK)
        return false;
    buf_init(&cosignature, LIMIT_SYNC_SIGNATURE_BYTES);
    buf_init(&disposition, LIMIT_SYNC_SIGNATURE_BYTES);
    struct message_receipted answer = {.partner = receipt.partner, .size = receipt.wanted.size};
    answer.err = sign_receipt(keeper, &receipt, &cosignature, &disposition);
    if (answer.err == ERR_OK) {
        answer.cosignature = buf_str(&cosignature);
        answer.disposition = buf_str(&disposition);
    }
    message_receipted_write(out, &answer);
    buf_deinit(&cosignature);
    buf_deinit(&disposition);
    return true;
}

/* --- answers to recalls --- */

static bool handle_recall(struct keeper *keeper, struct bytes body, struct buf *out)
{
    struct message_recall_done done;
    if (message_recall_done_read(body, &done) != ERR_OK)
        return false;
    struct message_recall_signed answer = {.partner = done.partner, .seq = done.wanted.seq};
    buf_clear(&keeper->notes);
    answer.err = is_silent(keeper)                                   ? ERR_WRONGSTATE
                 : !str_eq(done.wanted.holder, str_of(keeper->node)) ? ERR_DENIED
                                                                     : ERR_OK;
    if (answer.err == ERR_OK)
        answer.err =
            sync_recall_sign(&done.wanted, &keeper->recall_name, &keeper->keys->recall, &keeper->notes);
    if (answer.err == ERR_OK)
        answer.note = buf_str(&keeper->notes);
    message_recall_signed_write(out, &answer);
    return true;
}

/* --- bundles --- */

/* A head says which ledger, for whom and where its volumes are cut: nothing that could be taken for a
 * checkpoint. */
static err_t sign_head(struct keeper *keeper, struct str text)
{
    struct ledger_origin origin;
    struct fault fault;
    err_t err;
    if (TRY(err, bundle_head_read(text, &keeper->head, &fault)) ||
        TRY(err, ledger_origin_parse(keeper->head.origin, &origin)))
        return err;
    if (!may_sign(keeper, origin.epoch) || keeper->keyless)
        return ERR_WRONGSTATE;
    if (!str_eq(origin.issuer, str_of(keeper->node)))
        return ERR_DENIED;
    if (TRY(err, note_begin(text, &keeper->notes)))
        return err;
    return note_sign(text, &keeper->bundle_name, &keeper->keys->ledger, &keeper->notes);
}

/* Whose it is core has verified: only the recipient's key opens the box. */
static err_t open_head(struct keeper *keeper, struct str whole)
{
    struct note note;
    struct fault fault;
    struct sealed_key key;
    err_t err;
    if (TRY(err, note_parse(whole, &note, &fault)) ||
        TRY(err, bundle_head_read(note.text, &keeper->head, &fault)))
        return err;
    if (!str_eq(keeper->head.recipient, str_of(keeper->node)))
        return ERR_DENIED;
    err = ERR_NOTFOUND;
    for (size_t i = 0; i < keeper->sealing_count && err != ERR_OK; i++)
        if (keeper->keys->sealing[i].suite == keeper->head.suite)
            err = sealed_unbox(&keeper->keys->sealing[i], keeper->head.box, &key);
    if (err != ERR_OK)
        return err;
    buf_put(&keeper->notes, key.b, sizeof key.b);
    mem_wipe(&key, sizeof key);
    return ERR_OK;
}

static bool handle_bundle(struct keeper *keeper, struct bytes body, struct buf *out)
{
    struct message_bundle message;
    if (message_bundle_read(body, &message) != ERR_OK)
        return false;
    struct message_bundled answer = {.ticket = message.ticket};
    buf_clear(&keeper->notes);
    answer.err = message.open ? open_head(keeper, message.head) : sign_head(keeper, message.head);
    if (answer.err == ERR_OK)
        answer.answer = buf_bytes(&keeper->notes);
    message_bundled_write(out, &answer);
    if (message.open && keeper->notes.at != NULL)
        mem_wipe(keeper->notes.at, keeper->notes.len);
    return true;
}

/* --- what entered here --- */

/* Under the name of this node and a label of its own: nothing that could be taken for a checkpoint. */
static err_t vouch_all(struct keeper *keeper, const struct message_vouch *message)
{
    const struct sign_key *key = &keeper->keys->ledger;
    struct rd rd = rd_of(message->wanted);
    err_t err = is_silent(keeper) ? ERR_WRONGSTATE : ERR_OK;
    for (size_t i = 0; i < message->count && err == ERR_OK; i++) {
        struct hash content;
        struct str limits;
        struct signature made;
        message_vouch_next(&rd, &content, &limits);
        if (!TRY(err, voucher_sign(str_of(keeper->node), &content, limits, key, &made)))
            message_vouched_add(&keeper->notes, &made);
    }
    return err != ERR_OK ? err : buf_err(&keeper->notes);
}

static bool handle_vouch(struct keeper *keeper, struct bytes body, struct buf *out)
{
    struct message_vouch message;
    if (message_vouch_read(body, &message) != ERR_OK)
        return false;
    buf_clear(&keeper->notes);
    struct message_vouched answer = {.ticket = message.ticket, .err = vouch_all(keeper, &message)};
    if (answer.err == ERR_OK) {
        answer.suite = keeper->keys->ledger.public.suite;
        answer.key = voucher_key_id(&keeper->keys->ledger.public);
        answer.count = message.count;
        answer.signatures = buf_bytes(&keeper->notes);
    }
    message_vouched_write(out, &answer);
    return true;
}

void keeper_handle(struct keeper *keeper, unsigned kind, struct bytes body, unsigned *out_kind,
                   struct buf *out)
{
    buf_clear(out);
    *out_kind = 0;
    if (kind == MESSAGE_SIGN && handle_sign(keeper, body, out))
        *out_kind = MESSAGE_SIGNED;
    else if (kind == MESSAGE_RECEIPT && handle_receipt(keeper, body, out))
        *out_kind = MESSAGE_RECEIPTED;
    else if (kind == MESSAGE_RECALL_DONE && handle_recall(keeper, body, out))
        *out_kind = MESSAGE_RECALL_SIGNED;
    else if (kind == MESSAGE_BUNDLE && handle_bundle(keeper, body, out))
        *out_kind = MESSAGE_BUNDLED;
    else if (kind == MESSAGE_VOUCH && handle_vouch(keeper, body, out))
        *out_kind = MESSAGE_VOUCHED;
    else if (kind == MESSAGE_EPOCH)
        handle_epoch(keeper, body);
    else if (kind == MESSAGE_CARD)
        handle_card(keeper, body);
    if (buf_err(out) != ERR_OK)
        *out_kind = 0;
}
