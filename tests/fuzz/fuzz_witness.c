/* What a witness answers: nothing of it may pass for a signature (the fuzzer does not hold the key), and what
 * is said of it is in words of ours. First byte: which status; the rest: the body. And the extra of a proof
 * of the node's log: whatever is read opens, and says the same when written again. */
#include "core/mem.h"
#include "ledger/nodelog.h"
#include "ledger/witness.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char checkpoint[] = "bongsu-log/kr/0\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n"
                                 "\xe2\x80\x94 bongsu-log/kr/0 "
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                 "AAAAAAAAAAAAAAAA=\n";

static struct note_key key_of(void)
{
    /* The public key of RFC 8032 section 7.1, test 1, of which nobody here signs anything. */
    static const struct sign_public public = {SUITE_1, {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
                                                        0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
                                                        0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25,
                                                        0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a}};
    struct note_key key;
    must(note_key_make(STR("witness.example/w1"), NOTE_COSIGNATURE, &public, &key) == ERR_OK);
    return key;
}

static void try_answer(unsigned status, struct str body)
{
    struct note_key key = key_of();
    struct buf line;
    buf_init(&line, LIMIT_NOTE_BYTES);
    struct witness_answer answer = {.line = &line};
    witness_answer_read(status, body, STR(checkpoint), &key, &answer);
    must(answer.verdict != WITNESS_SIGNED);
    must((answer.verdict == WITNESS_REFUSED) == (answer.what[0] != '\0'));
    must(answer.verdict != WITNESS_STANDS || (status == WITNESS_CONFLICT && answer.size <= MERKLE_SIZE_MAX));
    buf_deinit(&line);
}

static void try_extra(struct bytes extra)
{
    static struct proof proof;
    struct nodelog_entry entry;
    struct nodelog_opening opening;
    if (nodelog_extra_read(extra, &entry, &opening) != ERR_OK)
        return;
    must(nodelog_extra_set(&proof, &entry, &opening) == ERR_OK);
    must(proof.extra_len == extra.len && memcmp(proof.extra, extra.at, extra.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const unsigned statuses[] = {200, 409, 404, 403, 422, 400, 500, 0};
    if (size == 0)
        return 0;
    must(sign_start() == ERR_OK);
    try_answer(statuses[bytes[0] % 8], (struct str) {(const char *)bytes + 1, size - 1});
    try_extra(bytes_of(bytes + 1, size - 1));
    return 0;
}
