#include "ledger/checkpoint.h"

#include "ledger/merkle.h"

#define ORIGIN_HEAD STR("bongsu/")

bool ledger_name_ok(struct str name)
{
    if (name.len == 0 || name.len > LIMIT_NAME_BYTES || name.at[0] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

err_t ledger_origin_print(const struct ledger_origin *origin, struct buf *out)
{
    if (!ledger_name_ok(origin->issuer) || !ledger_name_ok(origin->audience))
        return ERR_INVALID;
    buf_printf(out, "bongsu/%.*s/%.*s/%u%s", STR_ARG(origin->issuer), STR_ARG(origin->audience),
               (unsigned)origin->epoch, origin->urgent ? "/urgent" : "");
    return buf_err(out);
}

err_t ledger_origin_parse(struct str line, struct ledger_origin *out)
{
    if (!str_starts(line, ORIGIN_HEAD))
        return ERR_SYNTAX;
    struct str rest = {line.at + ORIGIN_HEAD.len, line.len - ORIGIN_HEAD.len};
    struct ledger_origin origin;
    uint64_t epoch;
    origin.issuer = str_cut(&rest, '/');
    origin.audience = str_cut(&rest, '/');
    struct str number = str_cut(&rest, '/');
    origin.urgent = rest.at != NULL;
    if (origin.urgent && !str_eq(rest, STR("urgent")))
        return ERR_SYNTAX;
    if (!note_text_u64(number, UINT32_MAX, &epoch))
        return ERR_SYNTAX;
    if (!ledger_name_ok(origin.issuer) || !ledger_name_ok(origin.audience))
        return ERR_INVALID;
    origin.epoch = (uint32_t)epoch;
    *out = origin;
    return ERR_OK;
}

/* --- text --- */

static bool extension_ok(struct str extension)
{
    struct str line;
    while (extension.len > 0)
        if (!note_text_line(&extension, &line) || line.len == 0)
            return false;
    return true;
}

err_t checkpoint_print(const struct checkpoint *checkpoint, struct buf *out)
{
    struct str origin = checkpoint->origin;
    if (origin.len == 0 || memchr(origin.at, '\n', origin.len) != NULL || !str_is_utf8(origin))
        return ERR_INVALID;
    if (checkpoint->size > MERKLE_SIZE_MAX || !extension_ok(checkpoint->extension))
        return ERR_INVALID;
    buf_put_str(out, origin);
    buf_printf(out, "\n%llu\n", (unsigned long long)checkpoint->size);
    note_text_hash_put(&checkpoint->root, out);
    buf_putc(out, '\n');
    buf_put_str(out, checkpoint->extension);
    return buf_err(out);
}

err_t checkpoint_parse(struct str text, struct checkpoint *out, struct fault *fault)
{
    struct checkpoint made;
    struct str rest = text, line;
    if (!note_text_line(&rest, &made.origin) || made.origin.len == 0)
        return fault_set(fault, ERR_SYNTAX, 0, "a checkpoint without an origin line");
    size_t offset = (size_t)(rest.at - text.at);
    if (!note_text_line(&rest, &line) || !note_text_u64(line, MERKLE_SIZE_MAX, &made.size))
        return fault_set(fault, ERR_SYNTAX, offset, "the second line of a checkpoint is not a tree size");
    offset = (size_t)(rest.at - text.at);
    if (!note_text_line(&rest, &line) || !note_text_hash(line, &made.root))
        return fault_set(fault, ERR_SYNTAX, offset, "the third line of a checkpoint is not a root hash");
    offset = (size_t)(rest.at - text.at);
    if (!extension_ok(rest))
        return fault_set(fault, ERR_SYNTAX, offset, "an empty extension line in a checkpoint");
    made.extension = rest;
    *out = made;
    return ERR_OK;
}

/* --- signed --- */

err_t checkpoint_sign(const struct checkpoint *checkpoint, const struct note_key *key,
                      const struct sign_key *secret, struct buf *out)
{
    struct buf text;
    buf_init(&text, LIMIT_NOTE_BYTES);
    err_t err = str_eq(checkpoint->origin, note_key_name(key)) ? ERR_OK : ERR_USAGE;
    if (err == ERR_OK)
        err = checkpoint_print(checkpoint, &text);
    if (err == ERR_OK)
        err = note_begin(buf_str(&text), out);
    if (err == ERR_OK)
        err = note_sign(buf_str(&text), key, secret, out);
    buf_deinit(&text);
    return err;
}

err_t checkpoint_open(struct str whole, struct str origin, const struct note_key *key, struct checkpoint *out,
                      struct note *out_note, struct fault *fault)
{
    struct note note;
    struct checkpoint made;
    err_t err = note_parse(whole, &note, fault);
    if (err != ERR_OK)
        return err;
    /* Nothing of the text is looked at before the signature has been verified. */
    err = note_verify(&note, key);
    if (err != ERR_OK)
        return fault_set(fault, err, note.text.len + 1, "the checkpoint is not signed by the issuer's key");
    err = checkpoint_parse(note.text, &made, fault);
    if (err != ERR_OK)
        return err;
    if (!str_eq(made.origin, origin))
        return fault_set(fault, ERR_CONFLICT, 0, "a checkpoint of another ledger");
    if (made.extension.len > 0)
        return fault_set(fault, ERR_CONFLICT, 0, "extension lines in a checkpoint");
    *out = made;
    if (out_note != NULL)
        *out_note = note;
    return ERR_OK;
}
