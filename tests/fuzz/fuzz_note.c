/* Notes and all that is built of them: whatever is accepted must say the same when written again, and no
 * input may pass for signed (the fuzzer does not hold the key). */
#include "core/buf.h"
#include "ledger/cosign.h"
#include "ledger/leaf.h"
#include "ledger/proof.h"
#include "ledger/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define ORIGIN "bongsu/kr/nz/0"

static struct note_key key_of(enum note_type type)
{
    /* The public key of RFC 8032 section 7.1, test 1, of which nobody here signs anything. */
    static const struct sign_public public = {SUITE_1, {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
                                                        0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
                                                        0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
                                                        0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a}};
    struct note_key key;
    must(note_key_make(STR(ORIGIN), type, &public, &key) == ERR_OK);
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

static void try_note(struct str whole)
{
    struct note_key plain = key_of(NOTE_SIGNATURE), timed = key_of(NOTE_COSIGNATURE);
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

static void try_signed(struct str whole)
{
    struct note_key plain = key_of(NOTE_SIGNATURE);
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str whole = {(const char *)bytes, size};
    must(sign_start() == ERR_OK);
    try_note(whole);
    try_checkpoint(whole);
    try_signed(whole);
    try_small(whole);
    try_leaf(bytes_of(bytes, size));
    return 0;
}
