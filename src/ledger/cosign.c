#include "ledger/cosign.h"

#include "core/rd.h"
#include "core/wr.h"
#include "ledger/merkle.h"

#define DISPOSITION_HEAD "bongsu/disposition/v1"
#define REFUSED_MARK     "bongsu refused v1"

enum { COSIGNATURE_MAX = 8 + SIGN_MAX, COSIGN_HEAD_MAX = 64 };

/* --- cosignature --- */

/* What is signed: two header lines, then the whole note text. */
static err_t cosign_message(struct str text, uint64_t time_s, struct buf *out)
{
    buf_printf(out, "cosignature/v1\ntime %llu\n", (unsigned long long)time_s);
    buf_put_str(out, text);
    return buf_err(out);
}

err_t cosign_sign(struct str text, int64_t time_s, const struct note_key *key, const struct sign_key *secret,
                  struct buf *out)
{
    struct checkpoint checkpoint;
    if (key->type != NOTE_COSIGNATURE || time_s < 0 || !sign_public_eq(&key->public, &secret->public))
        return ERR_USAGE;
    err_t err = checkpoint_parse(text, &checkpoint, NULL);
    if (err != ERR_OK)
        return err;
    struct buf message, line;
    struct signature signature;
    buf_init(&message, LIMIT_NOTE_BYTES + COSIGN_HEAD_MAX);
    buf_init(&line, COSIGNATURE_MAX);
    err = cosign_message(text, (uint64_t)time_s, &message);
    if (err == ERR_OK && !TRY(err, sign_raw(secret, buf_bytes(&message), &signature))) {
        wr_u64(&line, (uint64_t)time_s);
        wr_bytes(&line, signature_bytes(&signature));
        err = buf_err(&line);
    }
    if (err == ERR_OK) {
        note_line_put(key, buf_bytes(&line), out);
        err = buf_err(out);
    }
    buf_deinit(&message);
    buf_deinit(&line);
    return err;
}

static err_t line_verify(const struct note *note, const struct note_line *line, const struct note_key *key,
                         uint64_t *out_time_s)
{
    uint8_t bytes[COSIGNATURE_MAX];
    size_t len;
    err_t err = note_line_signature(line, bytes, sizeof bytes, &len);
    if (err != ERR_OK)
        return ERR_SIGNATURE;
    struct rd rd = rd_of(bytes_of(bytes, len));
    uint64_t time_s = rd_u64(&rd);
    struct signature signature = {.len = rd.left};
    rd_copy(&rd, signature.b, signature.len);
    if (rd_end(&rd) != ERR_OK || time_s > INT64_MAX)
        return ERR_SIGNATURE;
    struct buf message;
    buf_init(&message, LIMIT_NOTE_BYTES + COSIGN_HEAD_MAX);
    err = cosign_message(note->text, time_s, &message);
    if (err == ERR_OK)
        err = sign_raw_verify(&key->public, buf_bytes(&message), &signature);
    buf_deinit(&message);
    if (err == ERR_OK)
        *out_time_s = time_s;
    return err;
}

err_t cosign_verify(const struct note *note, const struct note_key *key, int64_t *out_time_s)
{
    uint64_t newest = 0;
    bool found = false;
    if (key->type != NOTE_COSIGNATURE)
        return ERR_USAGE;
    for (size_t i = 0; i < note->count; i++) {
        uint64_t time_s;
        if (!note_line_is(&note->lines[i], key))
            continue;
        err_t err = line_verify(note, &note->lines[i], key, &time_s);
        if (err != ERR_OK)
            return err;
        newest = time_s > newest ? time_s : newest;
        found = true;
    }
    if (!found)
        return ERR_NOTFOUND;
    *out_time_s = (int64_t)newest;
    return ERR_OK;
}

/* --- disposition --- */

struct hash disposition_refused_begin(void)
{
    return hash_sha256(bytes_of(REFUSED_MARK, sizeof REFUSED_MARK)); /* with its terminating zero */
}

struct hash disposition_refused_add(const struct hash *so_far, uint64_t seq, uint16_t code)
{
    uint8_t made[HASH_SIZE + 8 + 2];
    memcpy(made, so_far->b, HASH_SIZE);
    for (size_t i = 0; i < 8; i++)
        made[HASH_SIZE + i] = (uint8_t)(seq >> (56 - 8 * i));
    made[HASH_SIZE + 8] = (uint8_t)(code >> 8);
    made[HASH_SIZE + 9] = (uint8_t)code;
    return hash_sha256(bytes_of(made, sizeof made));
}

static bool disposition_ok(const struct disposition *disposition)
{
    struct ledger_origin origin;
    return ledger_origin_parse(disposition->origin, &origin) == ERR_OK &&
           ledger_name_ok(disposition->holder) && disposition->size <= MERKLE_SIZE_MAX &&
           disposition->refused_count <= disposition->size;
}

static err_t disposition_print(const struct disposition *disposition, unsigned suite, struct buf *out)
{
    if (!disposition_ok(disposition))
        return ERR_INVALID;
    note_text_head_put(DISPOSITION_HEAD, suite, out);
    buf_printf(out, "\n%.*s\n%.*s\n%llu\n", STR_ARG(disposition->origin), STR_ARG(disposition->holder),
               (unsigned long long)disposition->size);
    note_text_hash_put(&disposition->root, out);
    buf_printf(out, "\n%llu\n", (unsigned long long)disposition->refused_count);
    note_text_hash_put(&disposition->refused, out);
    buf_putc(out, '\n');
    return buf_err(out);
}

static bool disposition_parse(struct str text, const struct note_key *key, struct disposition *out)
{
    struct str line;
    return note_text_line(&text, &line) && note_text_head_by(line, DISPOSITION_HEAD, key) &&
           note_text_line(&text, &out->origin) && note_text_line(&text, &out->holder) &&
           note_text_line(&text, &line) && note_text_u64(line, MERKLE_SIZE_MAX, &out->size) &&
           note_text_line(&text, &line) && note_text_hash(line, &out->root) && note_text_line(&text, &line) &&
           note_text_u64(line, MERKLE_SIZE_MAX, &out->refused_count) && note_text_line(&text, &line) &&
           note_text_hash(line, &out->refused) && text.len == 0;
}

err_t disposition_sign(const struct disposition *disposition, const struct note_key *key,
                       const struct sign_key *secret, struct buf *out)
{
    struct buf text;
    buf_init(&text, LIMIT_NOTE_BYTES);
    err_t err = disposition_print(disposition, key->public.suite, &text);
    if (err == ERR_OK)
        err = note_begin(buf_str(&text), out);
    if (err == ERR_OK)
        err = note_sign(buf_str(&text), key, secret, out);
    buf_deinit(&text);
    return err;
}

err_t disposition_open(struct str whole, const struct note_key *key, struct disposition *out,
                       struct fault *fault)
{
    struct note note;
    struct disposition made;
    err_t err = note_parse(whole, &note, fault);
    if (err != ERR_OK)
        return err;
    err = note_verify(&note, key);
    if (err != ERR_OK)
        return fault_set(fault, err, note.text.len + 1, "the disposition is not signed by the partner's key");
    if (!disposition_parse(note.text, key, &made))
        return fault_set(fault, ERR_SYNTAX, 0, "not the text of a disposition note");
    if (!disposition_ok(&made))
        return fault_set(fault, ERR_INVALID, 0, "a disposition with a bad name or more refusals than leaves");
    *out = made;
    return ERR_OK;
}
