/* Notes and all that is built of them: whatever is accepted must say the same when written again, and no
 * input may pass for signed (the fuzzer does not hold the key). */
#include "core/buf.h"
#include "ledger/cosign.h"
#include "ledger/leaf.h"
#include "ledger/proof.h"
#include "ledger/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define ORIGIN "bongsu/kr/nz/0"

static struct note_key key_of(unsigned suite, enum note_type type)
{
    /* Nobody here signs anything by them. */
    static const struct sign_seed seeds[] = {{SUITE_1, {7}}, {SUITE_2, {7}}, {SUITE_3, {7}}, {SUITE_4, {7}}};
    struct sign_key secret;
    struct note_key key;
    must(sign_key_make(&seeds[suite - 1], &secret) == ERR_OK);
    must(note_key_make(STR(ORIGIN), type, &secret.public, &key) == ERR_OK);
    return key;
}

static void try_checkpoint(struct str text)
{
    struct checkpoint checkpoint;
    struct fault fault = {0};
    if (checkpoint_parse(text, &checkpoint, &fault) != ERR_OK || !str_is_utf8(text))
        return;
    struct buf again;
    buf_init(&again, text.len + 1);
    must(checkpoint_print(&checkpoint, &again) == ERR_OK);
    must(str_eq(buf_str(&again), text));
    buf_deinit(&again);
}

static void try_note(struct str whole, unsigned suite)
{
    struct note_key plain = key_of(suite, NOTE_SIGNATURE), timed = key_of(suite, NOTE_COSIGNATURE);
    struct note note;
    struct fault fault = {0};
    int64_t time_s;
    if (note_parse(whole, &note, &fault) != ERR_OK) {
        must(fault.code != ERR_OK && fault.offset <= whole.len);
        return;
    }
    must(note.count > 0 && note.text.len > 0 && note.text.at[note.text.len - 1] == '\n');
    must(note_verify(&note, &plain) != ERR_OK);
    must(cosign_verify(&note, &timed, &time_s) != ERR_OK);
    struct buf again;
    buf_init(&again, LIMIT_NOTE_BYTES);
    must(note_begin(note.text, &again) == ERR_OK);
    for (size_t i = 0; i < note.count; i++) {
        static uint8_t signature[LIMIT_NOTE_SIGNATURE_BYTES];
        size_t len;
        must(note_line_signature(&note.lines[i], signature, sizeof signature, &len) == ERR_OK);
        buf_put_str(&again, STR("\xe2\x80\x94 "));
        buf_put_str(&again, note.lines[i].name);
        buf_putc(&again, ' ');
        buf_put_str(&again, note.lines[i].base64);
        buf_putc(&again, '\n');
    }
    must(str_eq(buf_str(&again), whole));
    buf_deinit(&again);
    try_checkpoint(note.text);
}

static void try_signed(struct str whole, unsigned suite)
{
    struct note_key plain = key_of(suite, NOTE_SIGNATURE);
    struct checkpoint checkpoint;
    struct disposition disposition;
    struct proof proof;
    struct leaf leaf;
    struct leaf_opening opening;
    struct fault fault = {0};
    must(checkpoint_open(whole, STR(ORIGIN), &plain, &checkpoint, NULL, &fault) != ERR_OK);
    must(disposition_open(whole, &plain, &disposition, &fault) != ERR_OK);
    if (proof_parse(whole, &proof, &fault) != ERR_OK)
        return;
    must(proof_leaf_verify(&proof, STR(ORIGIN), &plain, &leaf, &opening, &fault) != ERR_OK);
    struct buf again;
    buf_init(&again, whole.len + 1);
    must(proof_print(&proof, &again) == ERR_OK);
    must(str_eq(buf_str(&again), whole));
    buf_deinit(&again);
}

static void try_small(struct str text)
{
    struct buf again;
    struct tile_id id;
    struct ledger_origin origin;
    struct note_key key;
    buf_init(&again, text.len + 64);
    if (tile_path_parse(text, &id) == ERR_OK) {
        tile_path_print(&id, &again);
        must(str_eq(buf_str(&again), text));
    }
    buf_clear(&again);
    if (ledger_origin_parse(text, &origin) == ERR_OK) {
        must(ledger_origin_print(&origin, &again) == ERR_OK);
        must(str_eq(buf_str(&again), text));
    }
    buf_clear(&again);
    if (note_key_parse(text, &key) == ERR_OK) {
        note_key_print(&key, &again);
        must(str_eq(buf_str(&again), text));
    }
    buf_deinit(&again);
}

static void try_leaf(struct bytes wire)
{
    struct leaf leaf;
    struct leaf_reason reason;
    struct merkle_edge edge;
    if (leaf_decode(wire, &leaf) == ERR_OK) {
        uint8_t again[LEAF_SIZE];
        leaf_encode(&leaf, again);
        must(bytes_eq(wire, bytes_of(again, sizeof again)));
    }
    struct buf buf;
    buf_init(&buf, 4096);
    if (leaf_reason_decode(wire, &reason) == ERR_OK) {
        leaf_reason_encode(&reason, &buf);
        must(bytes_eq(wire, buf_bytes(&buf)));
    }
    buf_clear(&buf);
    struct rd rd = rd_of(wire);
    if (merkle_edge_decode(&rd, &edge) == ERR_OK) {
        merkle_edge_encode(&edge, &buf);
        must(bytes_eq(bytes_of(wire.at, wire.len - rd.left), buf_bytes(&buf)));
        (void)merkle_edge_root(&edge);
    }
    buf_deinit(&buf);
}

/* As a key, and as a signature: what is read as a key says the same when written again, and nothing is
 * signed. */
static void try_bytes(struct bytes input, unsigned suite)
{
    struct sign_public public;
    struct note_key key = key_of(suite, NOTE_SIGNATURE);
    struct signature signature = {.len = input.len < SIGN_MAX ? input.len : SIGN_MAX};
    struct rd rd = rd_of(input);
    struct buf wire;
    if (signature.len > 0)
        memcpy(signature.b, input.at, signature.len);
    must(sign_raw_verify(&key.public, bytes_of("x", 1), &signature) != ERR_OK);
    if (sign_public_of(suite, input, &public) == ERR_OK)
        must(bytes_eq(sign_public_bytes(&public), input));
    buf_init(&wire, 2 + SIGN_PUBLIC_MAX);
    sign_public_take(&rd, &public);
    if (rd.err == ERR_OK) {
        sign_public_put(&wire, &public);
        must(bytes_eq(buf_bytes(&wire), bytes_of(input.at, input.len - rd.left)));
    }
    buf_deinit(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str whole = {(const char *)bytes, size};
    must(sign_start() == ERR_OK);
    for (unsigned suite = SUITE_1; suite <= SUITE_4; suite++) {
        try_note(whole, suite);
        try_signed(whole, suite);
        try_bytes(bytes_of(bytes, size), suite);
    }
    try_checkpoint(whole);
    try_small(whole);
    try_leaf(bytes_of(bytes, size));
    return 0;
}
