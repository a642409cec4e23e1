#include "ledger/witness.h"

#include <stdio.h>

enum { REQUEST_HASHES_MAX = 63 };

err_t witness_request(uint64_t old_size, const struct merkle_proof *proof, struct str checkpoint,
                      struct buf *out)
{
    if (proof->count > REQUEST_HASHES_MAX)
        return ERR_LIMIT;
    buf_printf(out, "old %llu\n", (unsigned long long)old_size);
    for (size_t i = 0; i < proof->count; i++) {
        note_text_hash_put(&proof->at[i], out);
        buf_putc(out, '\n');
    }
    buf_putc(out, '\n');
    buf_put_str(out, checkpoint);
    return buf_err(out);
}

/* --- answers --- */

static void refuse(struct witness_answer *out, const char *what)
{
    out->verdict = WITNESS_REFUSED;
    (void)snprintf(out->what, sizeof out->what, "%s", what);
}

static void read_size(struct str body, struct witness_answer *out)
{
    struct str line;
    if (!note_text_line(&body, &line) || body.len > 0 || !note_text_u64(line, MERKLE_SIZE_MAX, &out->size))
        refuse(out, "it answered 409 without the size that it has");
    else
        out->verdict = WITNESS_STANDS;
}

/* The line of this key with the latest time; each of them was verified. */
static err_t take_line(const struct note *note, const struct note_key *key, int64_t time_s, struct buf *out)
{
    for (size_t i = 0; i < note->count; i++) {
        struct note one = {.text = note->text, .count = 1, .lines = {note->lines[i]}};
        int64_t at_s;
        if (!note_line_is(&note->lines[i], key) || cosign_verify(&one, key, &at_s) != ERR_OK ||
            at_s != time_s)
            continue;
        buf_put_str(out, STR("\xe2\x80\x94 "));
        buf_put_str(out, note->lines[i].name);
        buf_putc(out, ' ');
        buf_put_str(out, note->lines[i].base64);
        buf_putc(out, '\n');
        return buf_err(out);
    }
    return ERR_NOTFOUND;
}

/* As the specification proposes: its lines behind the checkpoint's text are a note again. */
static void read_lines(struct str text, struct str body, const struct note_key *key,
                       struct witness_answer *out)
{
    struct note note;
    struct buf whole;
    buf_init(&whole, LIMIT_NOTE_BYTES);
    buf_put_str(&whole, text);
    buf_putc(&whole, '\n');
    buf_put_str(&whole, body);
    buf_clear(out->line);
    err_t err = buf_err(&whole) == ERR_OK ? note_parse(buf_str(&whole), &note, NULL) : buf_err(&whole);
    /* A line that broke out of its place would have moved the text's end. */
    if (err != ERR_OK || !str_eq(note.text, text))
        refuse(out, "it answered 200 with something other than signature lines");
    else if ((err = cosign_verify(&note, key, &out->time_s)) != ERR_OK)
        refuse(out, err == ERR_NOTFOUND ? "it answered without a signature by the key that it is known by"
                                        : "its signature does not verify");
    else if (out->time_s == 0)
        refuse(out, "its signature bears no time");
    else if (take_line(&note, key, out->time_s, out->line) != ERR_OK)
        refuse(out, "its signature cannot be kept");
    else
        out->verdict = WITNESS_SIGNED;
    buf_deinit(&whole);
}

void witness_answer_read(unsigned status, struct str body, struct str checkpoint, const struct note_key *key,
                         struct witness_answer *out)
{
    static const struct {
        unsigned status;
        const char *what;
    } refusals[] = {
        {400, "it cannot read the request (400)"},
        {403, "it does not trust the key that signs this log (403): give it the vkey of `bongsu ledger log`"},
        {404, "it does not know this log (404): give it the vkey of `bongsu ledger log`"},
        {422, "it says that the log did not grow from what it cosigned before (422)"},
    };
    struct note note;
    out->what[0] = '\0';
    if (body.len > WITNESS_ANSWER_MAX || note_parse(checkpoint, &note, NULL) != ERR_OK) {
        refuse(out, "its answer is too long");
        return;
    }
    if (status == WITNESS_OK) {
        read_lines(note.text, body, key, out);
        return;
    }
    if (status == WITNESS_CONFLICT) {
        read_size(body, out);
        return;
    }
    out->verdict = WITNESS_REFUSED;
    (void)snprintf(out->what, sizeof out->what, "it answered with status %u", status);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (refusals[i].status == status)
            refuse(out, refusals[i].what);
}
