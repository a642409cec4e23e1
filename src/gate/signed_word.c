#include "gate/signed_word.h"

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/mint.h"
#include "gate/state.h"
#include "gate/words.h"

enum {
    VALUE_VERSION = 1,
    KEY_SIZE = HASH_SIZE + 4,
    SEALED = RECORD_WORDS_MAX - RECORD_TEXT_MAX, /* bytes more */
    TEXT_MAX = LIMIT_WORD_BYTES + SEALED,
    SIGNATURE_MAX = LIMIT_SSHSIG_BYTES + SEALED,
};

/* In order of number, all of one saying stand together. */
static struct bytes word_key(const struct hash *said, uint32_t again, uint8_t out[KEY_SIZE])
{
    memcpy(out, said->b, HASH_SIZE);
    wr_at(out + HASH_SIZE, again, 4);
    return bytes_of(out, KEY_SIZE);
}

/* Of what was said, by a secret of the key file: the log confirms no guess at words that were forgotten. */
static struct hash keyed(const struct hash *secret, const struct hash *said)
{
    uint8_t text[13 + HASH_SIZE] = "signed word: ";
    memcpy(text + 13, said->b, HASH_SIZE);
    return hash_hmac_sha256(bytes_of(secret->b, HASH_SIZE), bytes_of(text, sizeof text));
}

err_t gate_word_again(const struct gate *gate, const struct hash *said, uint32_t *out)
{
    uint8_t key[KEY_SIZE];
    struct bytes value;
    struct hash secret;
    *out = 0;
    err_t err = secret_held(gate, &secret);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err; /* then nothing was signed here */
    struct hash digest = keyed(&secret, said);
    mem_wipe(&secret, sizeof secret);
    for (uint32_t again = 0; again < LIMIT_WORD_AGAIN; again++) {
        err = fact_get(gate, RECORD_FACT_WORD, word_key(&digest, again, key), &value);
        if (err == ERR_NOTFOUND)
            *out = again;
        if (err != ERR_OK)
            return err == ERR_NOTFOUND ? ERR_OK : err;
    }
    return ERR_FULL;
}

err_t gate_word_put(struct gate *gate, const struct hash *said, uint32_t again, const struct gate_word *word,
                    const struct gate_by *by, int64_t now_us)
{
    uint8_t key[KEY_SIZE];
    struct hash secret;
    struct buf text;
    err_t err = gate->read_only ? ERR_READONLY : gate_group(gate);
    if (err != ERR_OK || TRY(err, mint_secret(gate, now_us, &secret)))
        return err;
    struct hash digest = keyed(&secret, said);
    mem_wipe(&secret, sizeof secret);
    buf_init(&text, TEXT_MAX + SIGNATURE_MAX + 8); /* it says why, in words that may have an end */
    if (TRY(err, words_put(gate, &text, word->text, now_us)) ||
        TRY(err, words_put(gate, &text, word->signature, now_us))) {
        buf_deinit(&text);
        return err;
    }
    buf_clear(&gate->scratch);
    wr_u8(&gate->scratch, VALUE_VERSION);
    wr_u64(&gate->scratch, store_end_lsn(gate->store));
    wr_u64(&gate->scratch, (uint64_t)now_us);
    wr_blob(&gate->scratch, bytes_from_str(word->who));
    wr_blob(&gate->scratch, bytes_from_str(word->key));
    buf_put(&gate->scratch, text.at, text.len);
    buf_deinit(&text);
    return fact_state(gate, RECORD_FACT_WORD, word_key(&digest, again, key), by, now_us);
}

static err_t word_read(struct bytes value, struct gate_word *out)
{
    struct rd rd = rd_of(value);
    if (rd_u8(&rd) != VALUE_VERSION)
        return ERR_VERSION;
    out->number = rd_u64(&rd);
    out->at_us = (int64_t)rd_u64(&rd);
    out->who = str_from_bytes(rd_blob(&rd, RECORD_TEXT_MAX));
    out->key = str_from_bytes(rd_blob(&rd, RECORD_TEXT_MAX));
    out->text = str_from_bytes(rd_blob(&rd, TEXT_MAX));
    out->signature = str_from_bytes(rd_blob(&rd, SIGNATURE_MAX));
    return rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

err_t signed_words(const struct record_fact *fact, struct str *out)
{
    struct gate_word word;
    err_t err = word_read(fact->value, &word);
    if (err == ERR_OK)
        *out = word.text;
    return err;
}

err_t gate_word_each(struct gate *gate, void (*each)(void *ctx, const struct gate_word *word), void *ctx)
{
    uint8_t head[FACT_KEY_SIZE_MAX];
    struct store_scan *scan;
    struct bytes key, value;
    struct buf text, signature;
    err_t err = store_scan_open(gate->store, TABLE_FACT, fact_key(RECORD_FACT_WORD, bytes_of(NULL, 0), head),
                                bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    buf_init(&text, LIMIT_WORD_BYTES);
    buf_init(&signature, LIMIT_SSHSIG_BYTES);
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct gate_word word;
        buf_clear(&text);
        buf_clear(&signature);
        if (TRY(err, word_read(value, &word)) || TRY(err, words_open(gate, word.text, &text)) ||
            TRY(err, words_open(gate, word.signature, &signature)))
            break;
        word.text = buf_str(&text);
        word.signature = buf_str(&signature);
        each(ctx, &word);
    }
    buf_deinit(&text);
    buf_deinit(&signature);
    store_scan_close(scan);
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}
