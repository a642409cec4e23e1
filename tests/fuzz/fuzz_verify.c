/* bongsu-verify: its readers on any bytes; and, with a key that signs for the fuzzer, behind the signature.
 * What the node's own rooms say of the same bytes is the oracle: two readers that share no line must agree.
 */
#include "core/buf.h"
#include "ledger/cosign.h"
#include "ledger/proof.h"
#include "ledger/voucher.h"
#include "sync/card.h"
#include "verify/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define ORIGIN "bongsu/kr/nz/0"

struct signer {
    struct sign_key secret;
    struct note_key key;
};

/* Whose keys sign: every input is tried with each signer. */
static uint16_t suite_now = SUITE_1;

static struct signer signer_of(const char *name, enum note_type type, uint8_t fill)
{
    struct sign_seed seed = {suite_now, {fill}};
    struct signer signer;
    must(sign_key_make(&seed, &signer.secret) == ERR_OK);
    must(note_key_make(str_of(name), type, &signer.secret.public, &signer.key) == ERR_OK);
    return signer;
}

static struct verify trust_of(const struct signer *signer)
{
    struct verify v = {.count = 0};
    struct buf vkey;
    buf_init(&vkey, 1024);
    note_key_print(&signer->key, &vkey);
    must(verify_trust_keys((struct span) {vkey.at, vkey.len}, &v));
    buf_deinit(&vkey);
    return v;
}

/* Nobody here signed these bytes. A card is its own root's: whether that is so both readers must say alike.
 */
static void try_unsigned(struct str whole)
{
    struct span span = {(const uint8_t *)whole.at, whole.len};
    struct signer signer = signer_of(ORIGIN, NOTE_SIGNATURE, 0x51);
    struct verify v = trust_of(&signer), card = {.count = 0}, keys = {.count = 0};
    struct verify_checkpoint checkpoint;
    struct verify_proof proof;
    struct verify_receipt receipt;
    struct sync_card held;
    must(!verify_checkpoint_open(span, &checkpoint, &v) && v.why[0] != '\0');
    must(!verify_proof_open(span, SPAN_NONE, &proof, &v));
    memset(&checkpoint, 0, sizeof checkpoint);
    must(!verify_receipt_open(span, &checkpoint, &receipt, &v));
    if (sync_card_parse(whole, &held, NULL) == ERR_OK)
        must(verify_trust_card(span, &card) && card.count == 3);
    else
        (void)verify_trust_card(span, &card);
    (void)verify_trust_keys(span, &keys);
}

/* The text is signed as a checkpoint of our log. */
static void try_checkpoint(struct str text)
{
    struct signer signer = signer_of(ORIGIN, NOTE_SIGNATURE, 0x51);
    struct verify v = trust_of(&signer);
    struct verify_checkpoint mine;
    struct checkpoint theirs;
    struct buf note;
    buf_init(&note, LIMIT_NOTE_BYTES);
    if (note_begin(text, &note) == ERR_OK && note_sign(text, &signer.key, &signer.secret, &note) == ERR_OK) {
        bool good = verify_checkpoint_open((struct span) {note.at, note.len}, &mine, &v);
        must(good ==
             (checkpoint_open(buf_str(&note), STR(ORIGIN), &signer.key, &theirs, NULL, NULL) == ERR_OK));
        must(!good || (mine.size == theirs.size && memcmp(mine.root.b, theirs.root.b, HASH_SIZE) == 0));
    }
    buf_deinit(&note);
}

/* The text is signed as a disposition note; what it must be of is not asked here. */
static void try_disposition(struct str text)
{
    struct signer signer = signer_of("bongsu/nz/disposition", NOTE_SIGNATURE, 0x52);
    struct verify v = trust_of(&signer);
    struct verify_checkpoint none;
    struct verify_receipt receipt;
    struct disposition theirs;
    struct buf note;
    memset(&none, 0, sizeof none);
    buf_init(&note, LIMIT_NOTE_BYTES);
    if (note_begin(text, &note) == ERR_OK && note_sign(text, &signer.key, &signer.secret, &note) == ERR_OK) {
        must(!verify_receipt_open((struct span) {note.at, note.len}, &none, &receipt, &v));
        bool read = strcmp(v.why, "a signed text that is no disposition note") != 0;
        must(read == (disposition_open(buf_str(&note), &signer.key, &theirs, NULL) == ERR_OK));
    }
    buf_deinit(&note);
}

/* A tree of one leaf, whose extra is the input: both readers say the same of it. */
static void try_extra(struct bytes extra)
{
    struct signer signer = signer_of(ORIGIN, NOTE_SIGNATURE, 0x51);
    struct verify v = trust_of(&signer);
    struct proof proof = {.index = 0};
    struct verify_proof mine;
    struct leaf leaf;
    struct leaf_opening opening;
    struct leaf_reason reason;
    struct buf note, file;
    if (extra.len < LEAF_SIZE || extra.len > sizeof proof.extra)
        return;
    struct checkpoint checkpoint = {STR(ORIGIN), 1, merkle_leaf(bytes_of(extra.at, LEAF_SIZE)), {NULL, 0}};
    buf_init(&note, LIMIT_NOTE_BYTES);
    buf_init(&file, LIMIT_NOTE_BYTES);
    must(checkpoint_sign(&checkpoint, &signer.key, &signer.secret, &note) == ERR_OK);
    proof.checkpoint = buf_str(&note);
    proof.extra_len = extra.len;
    memcpy(proof.extra, extra.at, extra.len);
    must(proof_print(&proof, &file) == ERR_OK);
    bool good = verify_proof_open((struct span) {file.at, file.len}, SPAN_NONE, &mine, &v);
    struct bytes behind = bytes_of(extra.at + LEAF_SIZE, extra.len - LEAF_SIZE);
    bool is_leaf =
        leaf_decode(bytes_of(extra.at, LEAF_SIZE), &leaf) == ERR_OK && leaf.seq == 0 && leaf.epoch == 0;
    if (behind.len == 0)
        must(good == is_leaf);
    else if (behind.len == LEAF_OPENING_SIZE)
        must(good == (proof_leaf_verify(&proof, STR(ORIGIN), &signer.key, &leaf, &opening, NULL) == ERR_OK));
    else
        must(good == (is_leaf && leaf_reason_decode(behind, &reason) == ERR_OK &&
                      leaf_reason_verify(&leaf, &reason) == ERR_OK));
    buf_deinit(&note);
    buf_deinit(&file);
}

/* The input as a voucher of an object, and as the limits of one that is signed: what the node's reader says
 * of it is said here. */
static void try_voucher(struct bytes bytes)
{
    struct signer signer = signer_of("bongsu/kr/", NOTE_SIGNATURE, 0x53);
    struct verify v = trust_of(&signer);
    struct verify_voucher mine;
    struct hash content = hash_sha256(bytes);
    struct digest same;
    struct signature made;
    struct voucher theirs;
    char text[2 * LIMIT_VOUCHER_BYTES];
    struct buf wire;
    v.keys[0].begins = true; /* as if it stood on a card */
    memcpy(same.b, content.b, HASH_SIZE);
    buf_init(&wire, LIMIT_VOUCHER_BYTES);
    struct str limits = {(const char *)bytes.at, bytes.len};
    bool signs = bytes.len <= LIMIT_RESHARE_BYTES &&
                 voucher_sign(STR("kr"), &content, limits, &signer.secret, &made) == ERR_OK;
    if (signs) {
        theirs = (struct voucher) {suite_now, STR("kr"), voucher_key_id(&signer.secret.public), limits,
                                   signature_bytes(&made)};
        voucher_write(&wire, &theirs);
    } else {
        buf_put(&wire, bytes.at, bytes.len < LIMIT_VOUCHER_BYTES ? bytes.len : LIMIT_VOUCHER_BYTES);
    }
    if (buf_err(&wire) == ERR_OK && wire.len > 0) {
        struct span file = {(const uint8_t *)text, str_base64(wire.at, wire.len, text)};
        bool good = verify_voucher_open(file, &same, &mine, &v), control = false;
        for (size_t i = 0; i < limits.len; i++)
            control = control || ((uint8_t)limits.at[i] < 0x20 && limits.at[i] != '\n');
        must(good == (signs && !control)); /* no line that is known has one */
    }
    buf_deinit(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str whole = {(const char *)bytes, size};
    must(sign_start() == ERR_OK);
    for (suite_now = SUITE_1; suite_now <= SUITE_4; suite_now++) {
        try_unsigned(whole);
        try_checkpoint(whole);
        try_disposition(whole);
        try_extra(bytes_of(bytes, size));
        try_voucher(bytes_of(bytes, size));
    }
    return 0;
}
